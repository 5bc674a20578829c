//! The vector was made with another implementation (OpenSSL), from the first key pair of RFC 8032 §7.1.

use super::*;
use crate::cards::code::tests::any_code;
use proptest::prelude::*;

const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const VECTOR: &str = "PP1.AE4TEABB7YY56AABAIBQIBIGA4EP6CXP4S57OSI5MKHN4TXI4EOB573K2FMNO5EHLTMQSOQ3PQLZMZRHXYVY67IYW26BFFWHJUCSOM2H6ZDFMMOL6JMZQSKW3HYJZYO563L74AQ";

/// RFC 8410: the fixed head of an Ed25519 private key, then its seed.
fn pair() -> SigningPair {
    let document = HEXLOWER.decode(format!("302e020100300506032b657004220420{SEED}").as_bytes()).unwrap();
    SigningPair::from_pkcs8(&document).ok().unwrap()
}

fn key(department: &str) -> PublishedKey {
    let public = HEXLOWER.decode(PUBLIC.as_bytes()).unwrap();
    PublishedKey { kid: HEXLOWER.encode(&key_id(&public)), department: department.parse().unwrap(), public }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn card() -> SignedCard {
    let code = CardCode::from_parts("92".parse().unwrap(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 255]);
    SignedCard::new(code, day("2027-08-31")).unwrap()
}

fn bytes_of(text: &str) -> Vec<u8> {
    BASE32_NOPAD.decode(text.strip_prefix(PREFIX).unwrap().as_bytes()).unwrap()
}

fn text_of(bytes: &[u8]) -> String {
    format!("{PREFIX}{}", BASE32_NOPAD.encode(bytes))
}

#[test]
fn a_text_names_its_department_before_it_is_believed() {
    assert_eq!(claimed_department(VECTOR), "92".parse().ok());
    let mut forged = bytes_of(VECTOR);
    forged[60] ^= 1;
    assert_eq!(claimed_department(&text_of(&forged)), "92".parse().ok());
    for other in ["", "PP1.", "92-000G-40R4-0M30-E27Z-Z", &VECTOR[..60]] {
        assert_eq!(claimed_department(other), None, "{other}");
    }
    assert!(is_signed(VECTOR) && !is_signed("92-000G-40R4-0M30-E27Z-Z"));
}

#[test]
fn a_card_is_signed_as_it_always_was() {
    assert_eq!(pair().public(), key("92").public);
    assert_eq!(key("92").kid, "21fe31df");
    assert_eq!(card().sign(key_id(&pair().public()), &pair()), VECTOR);
    assert_eq!(verify(VECTOR, &[key("92")]), Ok(card()));
}

#[test]
fn a_key_speaks_for_its_department_only() {
    assert_eq!(verify(VECTOR, &[]), Err(TokenError::UnknownKey));
    assert_eq!(verify(VECTOR, &[key("78")]), Err(TokenError::UnknownKey));
    let mut renamed = key("92");
    renamed.kid = "00000000".to_owned();
    assert_eq!(verify(VECTOR, &[renamed]), Err(TokenError::UnknownKey));
}

#[test]
fn another_pair_under_the_same_name_is_not_believed() {
    let other = SigningPair::generate().ok().unwrap();
    let forged = card().sign(key_id(&pair().public()), &other);
    assert_eq!(verify(&forged, &[key("92")]), Err(TokenError::BadSignature));
    let homonym = PublishedKey { public: other.public(), ..key("92") };
    assert_eq!(verify(VECTOR, &[homonym, key("92")]), Ok(card()));
}

#[test]
fn a_signature_without_the_context_is_not_believed() {
    let body = card().body(key_id(&pair().public()));
    let bare = [body.clone(), pair().sign(&body)].concat();
    assert_eq!(verify(&text_of(&bare), &[key("92")]), Err(TokenError::BadSignature));
}

#[test]
fn a_card_has_one_writing() {
    let body = VECTOR.strip_prefix(PREFIX).unwrap();
    // 135 characters hold 675 bits, three more than 84 bytes: the last character may only be one of four.
    let last = char::from(*body.as_bytes().last().unwrap());
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    for other in alphabet.chars().filter(|other| *other != last) {
        let other = format!("{PREFIX}{}{other}", &body[..134]);
        assert!(verify(&other, &[key("92")]).is_err(), "{other}");
    }
    let others = [
        VECTOR.to_lowercase(),
        format!("{PREFIX}{}", body.to_lowercase()),
        format!("pp1.{body}"),
        format!("{VECTOR}="),
        format!("{VECTOR}A"),
        format!("{VECTOR} "),
        format!(" {VECTOR}"),
        format!("PP2.{body}"),
        body.to_owned(),
        VECTOR[..138].to_owned(),
        String::new(),
    ];
    for other in others {
        assert_eq!(verify(&other, &[key("92")]), Err(TokenError::NotACard), "{other}");
    }
}

#[test]
fn what_a_department_did_not_write_is_not_a_card() {
    let sign = |body: &[u8]| text_of(&[body.to_vec(), pair().sign(&[CONTEXT, body].concat())].concat());
    let body = card().body(key_id(&pair().public()));
    assert_eq!(verify(&sign(&body), &[key("92")]), Ok(card()));
    for (place, byte) in [(0, 2), (1, b'x'), (2, 0), (3, b'2'), (1, 0xff)] {
        let mut wrong = body.clone();
        wrong[place] = byte;
        assert_eq!(verify(&sign(&wrong), &[key("92")]), Err(TokenError::NotACard), "{place}");
    }
}

#[test]
fn the_last_day_is_included() {
    assert!(card().is_valid_on(day("2027-08-31")));
    assert!(card().is_valid_on(day("2026-01-01")));
    assert!(!card().is_valid_on(day("2027-09-01")));
    for (date, fits) in [("2019-12-31", false), ("2020-01-01", true), ("2199-06-06", true), ("2199-06-07", false)] {
        let made = SignedCard::new(card().code(), day(date));
        assert_eq!(made.map(|card| card.valid_until()), fits.then(|| day(date)), "{date}");
    }
}

#[test]
fn nothing_shows_the_secret() {
    assert!(format!("{:?}", card()).contains("92-***"));
}

fn jwks(kid: &str, x: &str, department: &str) -> String {
    let key = format!(
        r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","use":"sig","alg":"EdDSA","x":"{x}","department":"{department}"}}"#
    );
    let others = r#"{"kty":"RSA","kid":"other","n":"AQAB","e":"AQAB"},{"kty":"OKP","crv":"Ed25519","kid":"jwt","use":"sig","alg":"EdDSA","x":"AA"}"#;
    format!(r#"{{"keys":[{others},{key}]}}"#)
}

#[test]
fn published_keys_are_read() {
    // The x of RFC 8037 appendix A.2, which is the same key as RFC 8032's.
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let keys = published_keys(&jwks("21fe31df", x, "92"));
    assert_eq!(keys, Ok(vec![key("92")]));
    assert_eq!(verify(VECTOR, &keys.unwrap()), Ok(card()));
    assert_eq!(published_keys(r#"{"keys":[]}"#), Ok(vec![]));
    for (kid, x, department) in [
        ("AABBCCDD", x, "92"),
        ("aabbcc", x, "92"),
        ("aabbccddee", x, "92"),
        ("aabbccdd", "AAAA", "92"),
        ("aabbccdd", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "92"),
        ("aabbccdd", x, "9"),
    ] {
        assert!(published_keys(&jwks(kid, x, department)).is_err(), "{kid} {x} {department}");
    }
    for wrong in ["", "{}", "[]", r#"{"keys":{}}"#] {
        assert!(published_keys(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn what_is_signed_is_believed(code in any_code(), last_day: u16) {
        let card = SignedCard { code, last_day };
        let text = card.sign(key_id(&pair().public()), &pair());
        prop_assert_eq!(text.len(), 139);
        prop_assert_eq!(verify(&text, &[key(code.department().as_str())]), Ok(card));
    }

    #[test]
    fn any_changed_byte_is_noticed(place in 0_usize..SIGNED_BYTES, flip in 1_u8..) {
        let mut bytes = bytes_of(VECTOR);
        bytes[place] ^= flip;
        // Known under any name, for any department: what remains to notice is the signature.
        let id: [u8; 4] = bytes[4..8].try_into().unwrap();
        let keys = ["92", "78", "2A"].map(|department| PublishedKey { kid: HEXLOWER.encode(&id), ..key(department) });
        prop_assert!(verify(&text_of(&bytes), &keys).is_err());
    }

    #[test]
    fn no_text_panics_the_reader(raw in "\\PC{0,40}", body in "[A-Z2-7]{130,140}") {
        prop_assert!(verify(&raw, &[key("92")]).is_err());
        let random = format!("{PREFIX}{body}");
        prop_assert!(verify(&random, &[key("92")]).is_err());
        let _ = published_keys(&raw);
    }
}

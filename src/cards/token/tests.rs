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

/// `tests/data/card-verification.json`, made with another implementation (Node.js), which `examples/verify_card.mjs` reads too.
#[derive(Deserialize)]
struct Vector {
    keys: Vec<serde_json::Value>,
    list: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    at: DateTime<Utc>,
    expected: String,
}

fn vector() -> (Vector, Vec<PublishedKey>) {
    let vector: Vector = serde_json::from_str(include_str!("../../../tests/data/card-verification.json")).unwrap();
    let keys = published_keys(&serde_json::json!({ "keys": vector.keys }).to_string()).unwrap();
    (vector, keys)
}

/// As a till without network does.
fn judged(text: &str, keys: &[PublishedKey], refused: &list::RefusedCards, at: DateTime<Utc>) -> &'static str {
    let (last_day, mark, fresh) = if live::is_live(text) {
        let Ok(live) = live::verify(text, keys) else { return "not_signed" };
        (live.valid_until(), live.mark, live.is_fresh(at))
    } else {
        let Ok(card) = verify(text, keys) else { return "not_signed" };
        (card.valid_until(), mark(&card.code()), true)
    };
    match () {
        () if at.date_naive() > last_day => "expired",
        () if refused.names(mark) => "refused",
        () if !fresh => "stale",
        () => "accepted",
    }
}

#[test]
fn a_till_without_network_judges_cards_as_another_program_does() {
    let (vector, keys) = vector();
    assert_eq!(keys, [key("92")]);
    let refused = list::verify(&vector.list, &keys).unwrap();
    assert_eq!(refused.issued_at().to_rfc3339(), "2026-10-15T08:00:00+00:00");
    assert_eq!(refused.next_update_at().to_rfc3339(), "2027-10-16T08:00:00+00:00");
    for Case { text, at, expected } in &vector.cases {
        assert_eq!(judged(text, &keys, &refused, *at), expected, "{text} at {at}");
    }
    // And they are signed as that program signs them.
    let id = key_id(&pair().public());
    let again = list::RefusedCards::new(
        refused.department,
        refused.issued_at(),
        refused.next_update_at(),
        refused.marks().iter().rev().copied().collect(),
    );
    assert_eq!(again.unwrap().sign(id, &pair()), vector.list);
    let Case { text, at, .. } = vector.cases.iter().find(|case| live::is_live(&case.text)).unwrap();
    let live = live::LiveCode::new(&card(), [0xab; 32], live::step_of(*at).unwrap());
    assert_eq!((live.sign(id, &pair()), text.len()), (text.clone(), 194));
    assert_eq!(live::claimed_department(text), "92".parse().ok());
    assert!(!is_signed(text) && !live::is_live(VECTOR));
}

#[test]
fn one_kind_of_signed_text_is_never_another() {
    let (vector, keys) = vector();
    let texts: Vec<&str> = vector.cases.iter().map(|case| case.text.as_str()).chain([vector.list.as_str()]).collect();
    for text in texts {
        let body = text.split_once('.').unwrap().1;
        let kinds = [
            verify(&format!("PP1.{body}"), &keys).is_ok(),
            live::verify(&format!("PPL1.{body}"), &keys).is_ok(),
            list::verify(&format!("PPR1.{body}"), &keys).is_ok(),
        ];
        assert!(kinds.iter().filter(|kind| **kind).count() <= 1, "{text}");
    }
    for wrong in ["", "PPL1.", "PPR1.", "PPR1.AAAA", "PPL1.é", &vector.list[..60]] {
        assert_eq!(live::verify(wrong, &keys).err(), Some(TokenError::NotACard), "{wrong}");
        assert_eq!(list::verify(wrong, &keys).err(), Some(TokenError::NotACard), "{wrong}");
    }
}

proptest! {
    #[test]
    fn a_live_code_is_believed_as_it_was_signed_and_in_no_other_way(step: u32, last_day: u16, place in 0_usize..118, flip in 1_u8..) {
        let card = SignedCard { last_day, ..card() };
        let live = live::LiveCode::new(&card, [7; 32], step);
        let text = live.sign(key_id(&pair().public()), &pair());
        prop_assert_eq!(live::verify(&text, &[key("92")]), Ok(live));
        let mut bytes = BASE32_NOPAD.decode(&text.as_bytes()[5..]).unwrap();
        bytes[place] ^= flip;
        let changed = format!("PPL1.{}", BASE32_NOPAD.encode(&bytes));
        prop_assert!(live::verify(&changed, &[key("92")]).is_err());
    }

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

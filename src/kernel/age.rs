//! Encryption to somebody's public key, as the age format says it (age-encryption.org/v1, X25519 recipients): he opens it with any of the
//! programs that speak age. The whole is in memory: what is sent is bounded elsewhere.

use crate::kernel::crypto::{Unsealed, random};
use aws_lc_rs::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral},
    hkdf::{HKDF_SHA256, KeyType, Salt},
    hmac, rand,
};
use bech32::{Bech32, primitives::decode::CheckedHrpstring};
use data_encoding::BASE64_NOPAD;
use std::{fmt, str::FromStr};

const VERSION_LINE: &str = "age-encryption.org/v1\n";
/// Plain bytes of a chunk.
const CHUNK_BYTES: usize = 64 * 1024;

/// A public key: `age1…`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    text: String,
    key: [u8; 32],
}

impl FromStr for Recipient {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "une clé publique age est attendue : age1… (62 caractères)".to_owned();
        let read = CheckedHrpstring::new::<Bech32>(text).map_err(|_| wrong())?;
        let key: Vec<u8> = read.byte_iter().collect();
        let key = <[u8; 32]>::try_from(key).map_err(|_| wrong())?;
        // One key has one writing, the lower-case one.
        let lower = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let recipient = Self { text: text.to_owned(), key };
        // Of a key of low order no secret can be made: found out now, and not when something is to be encrypted.
        if read.hrp().as_str() == "age" && lower && encrypt(&recipient, &[]).is_ok() {
            Ok(recipient)
        } else {
            Err(wrong())
        }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derived(salt: &[u8], secret: &[u8], info: &str) -> Result<[u8; 32], Unsealed> {
    let mut key = [0; 32];
    let prk = Salt::new(HKDF_SHA256, salt).extract(secret);
    let okm = prk.expand(&[info.as_bytes()], Length(32)).and_then(|okm| okm.fill(&mut key).map(|()| key));
    okm.map_err(|_| Unsealed)
}

fn sealed(key: &[u8; 32], nonce: [u8; 12], plain: &[u8]) -> Result<Vec<u8>, Unsealed> {
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| Unsealed)?);
    let mut data = plain.to_vec();
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(nonce, Aad::empty(), &mut data).map_err(|_| Unsealed)?;
    Ok(data)
}

/// Encrypts `plain` so that the owner of the recipient's key alone reads it.
pub fn encrypt(recipient: &Recipient, plain: &[u8]) -> Result<Vec<u8>, Unsealed> {
    let file_key: [u8; 16] = random();
    let ephemeral = EphemeralPrivateKey::generate(&X25519, &rand::SystemRandom::new()).map_err(|_| Unsealed)?;
    let share = ephemeral.compute_public_key().map_err(|_| Unsealed)?.as_ref().to_vec();
    let salt = [share.as_slice(), &recipient.key].concat();
    let wrap_key = agree_ephemeral(ephemeral, UnparsedPublicKey::new(&X25519, recipient.key), Unsealed, |secret| {
        derived(&salt, secret, "age-encryption.org/v1/X25519")
    })?;
    let wrapped = sealed(&wrap_key, [0; 12], &file_key)?;
    let mut header =
        format!("{VERSION_LINE}-> X25519 {}\n{}\n---", BASE64_NOPAD.encode(&share), BASE64_NOPAD.encode(&wrapped));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &derived(&[], &file_key, "header")?), header.as_bytes());
    header = format!("{header} {}\n", BASE64_NOPAD.encode(tag.as_ref()));
    let nonce: [u8; 16] = random();
    let payload_key = derived(&nonce, &file_key, "payload")?;
    let mut out = [header.as_bytes(), &nonce].concat();
    // An empty text is one empty chunk.
    let mut chunks = plain.chunks(CHUNK_BYTES).peekable();
    let mut chunk = chunks.next().unwrap_or_default();
    for count in 0_u32.. {
        let next = chunks.next();
        let [a, b, c, d] = count.to_be_bytes();
        let nonce = [0, 0, 0, 0, 0, 0, 0, a, b, c, d, u8::from(next.is_none())];
        out.extend(sealed(&payload_key, nonce, chunk)?);
        let Some(next) = next else { break };
        chunk = next;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key pair made with `age-keygen` of another implementation.
    const RECIPIENT: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

    #[test]
    fn a_recipient_has_one_writing() {
        let recipient: Recipient = RECIPIENT.parse().unwrap();
        assert_eq!(recipient.to_string(), RECIPIENT);
        let wrong = [
            "",
            "age1",
            &RECIPIENT.to_uppercase(),
            &RECIPIENT[..61],
            // Thirty-two zeros: nobody's key.
            "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z",
            &RECIPIENT.replace('z', "q"),
            "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX",
        ];
        for wrong in wrong {
            assert!(wrong.parse::<Recipient>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_text_is_cut_into_chunks_of_which_the_last_says_so() {
        let recipient: Recipient = RECIPIENT.parse().unwrap();
        for (plain, chunks) in [(0, 1), (1, 1), (CHUNK_BYTES, 1), (CHUNK_BYTES + 1, 2), (3 * CHUNK_BYTES, 3)] {
            let file = encrypt(&recipient, &vec![7; plain]).unwrap();
            assert!(file.starts_with(b"age-encryption.org/v1\n-> X25519 "));
            let header = file.windows(5).position(|w| w == b"\n--- ").unwrap() + 5 + 43 + 1;
            assert_eq!(file.len(), header + 16 + plain + 16 * chunks, "{plain}");
        }
    }
}

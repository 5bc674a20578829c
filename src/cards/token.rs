//! The signed form of a card, read from its QR code: a till without network knows that a department issued it, and until when.
//!
//! 84 bytes: version (1), department (3, NUL-padded), key id (4), secret (10), last day (2, big-endian days since 2020-01-01), Ed25519 signature (64).
//! Written in upper-case base 32 so that the QR code stays in alphanumeric mode and small. One card has one writing: any other is refused.

pub mod day;
pub mod list;
pub mod live;

use super::code::CardCode;
use crate::kernel::{
    crypto::{self, SigningPair},
    department::Department,
};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use serde::Deserialize;

const PREFIX: &str = "PP1.";
const VERSION: u8 = 1;
/// Signed before the bytes, so that a signature made for a card is none for anything else.
const CONTEXT: &[u8] = b"passplus-card-v1\0";
const BODY_BYTES: usize = 20;
const SIGNED_BYTES: usize = BODY_BYTES + 64;
const EPOCH: NaiveDate = match NaiveDate::from_ymd_opt(2020, 1, 1) {
    Some(date) => date,
    None => NaiveDate::MIN,
};

/// What stands for a card where its number must not: it cannot be guessed back from 80 random bits, nor typed in.
pub type Mark = [u8; 8];

/// A card's mark: the first eight bytes of the SHA-256 of its ten secret bytes.
#[must_use]
pub fn mark(code: &CardCode) -> Mark {
    crypto::sha256(&code.secret_bytes()).first_chunk().copied().unwrap_or_default()
}

/// Seconds from the epoch of tokens to an instant: four bytes reach 2156.
fn seconds(at: DateTime<Utc>) -> Option<u32> {
    u32::try_from(at.signed_duration_since(EPOCH.and_time(NaiveTime::MIN).and_utc()).num_seconds()).ok()
}

fn instant(seconds: u32) -> DateTime<Utc> {
    let epoch = EPOCH.and_time(NaiveTime::MIN).and_utc();
    epoch.checked_add_signed(chrono::TimeDelta::seconds(seconds.into())).unwrap_or(epoch)
}

/// A department as three bytes, NUL-padded.
fn department_bytes(department: Department) -> [u8; 3] {
    let mut bytes = [0; 3];
    for (to, from) in bytes.iter_mut().zip(department.as_str().bytes()) {
        *to = from;
    }
    bytes
}

fn department_of(bytes: [u8; 3]) -> Option<Department> {
    std::str::from_utf8(bytes.strip_suffix(&[0]).unwrap_or(&bytes)).ok()?.parse().ok()
}

/// Whether one of the department's keys of that name signed `body` in that context.
fn check(
    keys: &[PublishedKey],
    (department, id): (Department, [u8; 4]),
    context: &[u8],
    body: &[u8],
    signature: &[u8],
) -> Result<(), TokenError> {
    let kid = HEXLOWER.encode(&id);
    let mut known = keys.iter().filter(|key| key.kid == kid && key.department == department).peekable();
    known.peek().ok_or(TokenError::UnknownKey)?;
    // Four bytes may name two keys of one department: either will do.
    let message = [context, body].concat();
    if known.any(|key| crypto::verify(&key.public, &message, signature)) {
        Ok(())
    } else {
        Err(TokenError::BadSignature)
    }
}

/// A card's number with the last day it serves, as a department signed them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedCard {
    code: CardCode,
    /// Days since the epoch of tokens: two bytes reach 2199.
    last_day: u16,
}

/// A department's key that signs cards, as everyone may know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedKey {
    /// The key id, 8 lower-case hexadecimal characters.
    pub kid: String,
    /// The only department whose cards this key may sign.
    pub department: Department,
    /// The 32 bytes of the Ed25519 public key.
    pub public: Vec<u8>,
}

/// Why a text is not a card that can be trusted. Expiry is another matter: see [`SignedCard::is_valid_on`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("ce code n'est pas celui d'une carte")]
    NotACard,
    #[error("cette carte est signée d'une clé inconnue de son département")]
    UnknownKey,
    #[error("la signature de cette carte est fausse")]
    BadSignature,
}

/// The short name of a public key inside a token: the first four bytes of its SHA-256.
#[must_use]
pub fn key_id(public: &[u8]) -> [u8; 4] {
    crypto::sha256(public).first_chunk().copied().unwrap_or_default()
}

impl SignedCard {
    /// `None` when the day is before 2020 or after 2199-06-06: a token cannot write it.
    #[must_use]
    pub fn new(code: CardCode, valid_until: NaiveDate) -> Option<Self> {
        let last_day = u16::try_from(valid_until.signed_duration_since(EPOCH).num_days()).ok()?;
        Some(Self { code, last_day })
    }
    #[must_use]
    pub const fn code(&self) -> CardCode {
        self.code
    }
    /// The last day the card serves, included.
    #[must_use]
    pub fn valid_until(&self) -> NaiveDate {
        EPOCH + Days::new(self.last_day.into())
    }
    #[must_use]
    pub fn is_valid_on(&self, date: NaiveDate) -> bool {
        date <= self.valid_until()
    }

    /// The text of the card's QR code, 139 characters. `key_id` is the published name of `pair`.
    #[must_use]
    pub fn sign(&self, key_id: [u8; 4], pair: &SigningPair) -> String {
        let mut bytes = self.body(key_id);
        bytes.extend(pair.sign(&[CONTEXT, &bytes].concat()));
        format!("{PREFIX}{}", BASE32_NOPAD.encode(&bytes))
    }

    fn body(&self, key_id: [u8; 4]) -> Vec<u8> {
        let department = department_bytes(self.code.department());
        let last_day = self.last_day.to_be_bytes();
        [[VERSION].as_slice(), &department, &key_id, &self.code.secret_bytes(), &last_day].concat()
    }

    /// Reads the bytes before the signature: the card and the id of the key that signed it.
    fn read(body: [u8; BODY_BYTES]) -> Option<(Self, [u8; 4])> {
        let [VERSION, d0, d1, d2, k0, k1, k2, k3, secret @ .., high, low] = body else { return None };
        let code = CardCode::from_parts(department_of([d0, d1, d2])?, secret);
        Some((Self { code, last_day: u16::from_be_bytes([high, low]) }, [k0, k1, k2, k3]))
    }
}

/// Whether a text is, by its beginning, the signed form of a card.
#[must_use]
pub fn is_signed(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// The department that a card's text names, not yet believed: it only tells whose keys must have signed.
#[must_use]
pub fn claimed_department(text: &str) -> Option<Department> {
    let bytes = bytes(text)?;
    let (body, _) = bytes.split_first_chunk::<BODY_BYTES>()?;
    SignedCard::read(*body).map(|(card, _)| card.code.department())
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    text.strip_prefix(PREFIX)
        .filter(|body| body.len() == BASE32_NOPAD.encode_len(SIGNED_BYTES))
        .and_then(|body| BASE32_NOPAD.decode(body.as_bytes()).ok())
}

/// Reads a card's text and proves that its department signed it, with one of these keys. The last day is left to the caller.
pub fn verify(text: &str, keys: &[PublishedKey]) -> Result<SignedCard, TokenError> {
    let bytes = bytes(text).ok_or(TokenError::NotACard)?;
    let (body, signature) = bytes.split_first_chunk::<BODY_BYTES>().ok_or(TokenError::NotACard)?;
    let (card, id) = SignedCard::read(*body).ok_or(TokenError::NotACard)?;
    check(keys, (card.code.department(), id), CONTEXT, body, signature).map(|()| card)
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct CardKey {
    kid: String,
    x: String,
    department: Department,
}

/// Reads the keys that sign cards from the published document (JWKS, RFC 7517 and 8037). Keys of another kind or use are passed over, as
/// the standard asks; a key for cards that cannot be read is an error, because its cards would all look false.
pub fn published_keys(jwks_json: &str) -> Result<Vec<PublishedKey>, String> {
    let set: KeySet = serde_json::from_str(jwks_json).map_err(|error| format!("not a JWKS document: {error}"))?;
    set.keys.into_iter().filter(signs_cards).map(published_key).collect()
}

fn signs_cards(key: &serde_json::Value) -> bool {
    let wanted = [("kty", "OKP"), ("crv", "Ed25519"), ("use", "sig"), ("alg", "EdDSA")];
    let is = |(name, value)| key.get(name).and_then(serde_json::Value::as_str) == Some(value);
    wanted.into_iter().all(is) && key.get("department").is_some()
}

fn published_key(key: serde_json::Value) -> Result<PublishedKey, String> {
    let CardKey { kid, x, department } =
        serde_json::from_value(key).map_err(|error| format!("unreadable card key: {error}"))?;
    let id = HEXLOWER.decode(kid.as_bytes()).ok().filter(|id| id.len() == 4);
    id.ok_or_else(|| format!("key {kid}: a kid is 8 lower-case hexadecimal characters"))?;
    let public = BASE64URL_NOPAD.decode(x.as_bytes()).ok().filter(|public| public.len() == 32);
    let public = public.ok_or_else(|| format!("key {kid}: x is 32 bytes in base64url, 43 characters"))?;
    Ok(PublishedKey { kid, department, public })
}

#[cfg(test)]
mod tests;

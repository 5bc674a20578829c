//! The list of the day of a gate, signed: who eats in a collège's canteen today. What is in it is JSON; who reads it is a gate, to which it is
//! encrypted afterwards.
//!
//! Version (1), department (3, NUL-padded), key id (4), issued (4, big-endian seconds since 2020-01-01), last instant (4, likewise), JSON in
//! UTF-8, Ed25519 signature (64).

use super::{PublishedKey, TokenError, check, department_bytes, department_of, instant, seconds};
use crate::kernel::{crypto::SigningPair, department::Department};
use chrono::{DateTime, Utc};

const VERSION: u8 = 1;
const CONTEXT: &[u8] = b"passplus-gate-day-v1\0";
const HEAD_BYTES: usize = 16;
const SIGNATURE_BYTES: usize = 64;

/// A list, and how long it may be relied upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateDay {
    pub department: Department,
    issued: u32,
    until: u32,
    pub json: Vec<u8>,
}

impl GateDay {
    /// `None` when an instant is before 2020 or after 2156.
    #[must_use]
    pub fn new(department: Department, issued: DateTime<Utc>, until: DateTime<Utc>, json: Vec<u8>) -> Option<Self> {
        Some(Self { department, issued: seconds(issued)?, until: seconds(until)?, json })
    }
    #[must_use]
    pub fn issued_at(&self) -> DateTime<Utc> {
        instant(self.issued)
    }
    /// From then on the list is of another day.
    #[must_use]
    pub fn until(&self) -> DateTime<Utc> {
        instant(self.until)
    }

    /// The bytes of the list. `key_id` is the published name of `pair`.
    #[must_use]
    pub fn sign(&self, key_id: [u8; 4], pair: &SigningPair) -> Vec<u8> {
        let mut bytes = [
            [VERSION].as_slice(),
            &department_bytes(self.department),
            &key_id,
            &self.issued.to_be_bytes(),
            &self.until.to_be_bytes(),
            &self.json,
        ]
        .concat();
        bytes.extend(pair.sign(&[CONTEXT, &bytes].concat()));
        bytes
    }
}

/// Reads a list and proves that its department signed it. Its day is left to the caller.
pub fn verify(bytes: &[u8], keys: &[PublishedKey]) -> Result<GateDay, TokenError> {
    let (body, signature) = bytes.split_last_chunk::<SIGNATURE_BYTES>().ok_or(TokenError::NotACard)?;
    let (head, json) = body.split_first_chunk::<HEAD_BYTES>().ok_or(TokenError::NotACard)?;
    let [VERSION, d0, d1, d2, k0, k1, k2, k3, i0, i1, i2, i3, u0, u1, u2, u3] = *head else {
        return Err(TokenError::NotACard);
    };
    let department = department_of([d0, d1, d2]).ok_or(TokenError::NotACard)?;
    check(keys, (department, [k0, k1, k2, k3]), CONTEXT, body, signature)?;
    let (issued, until) = (u32::from_be_bytes([i0, i1, i2, i3]), u32::from_be_bytes([u0, u1, u2, u3]));
    Ok(GateDay { department, issued, until, json: json.to_vec() })
}

//! The cards that tills without network refuse, signed: those of a department that are not in use though their last day is to come.
//!
//! Version (1), department (3, NUL-padded), key id (4), issued (4, big-endian seconds since 2020-01-01), next update (4, likewise), marks (8
//! each, ascending), Ed25519 signature (64). Base 64 for URLs, without padding.

use super::{Mark, PublishedKey, TokenError, check, department_bytes, department_of, instant, seconds};
use crate::kernel::{crypto::SigningPair, department::Department};
use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;

const PREFIX: &str = "PPR1.";
const VERSION: u8 = 1;
const CONTEXT: &[u8] = b"passplus-refused-v1\0";
const HEAD_BYTES: usize = 16;
const SIGNATURE_BYTES: usize = 64;

/// A department's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedCards {
    pub department: Department,
    issued: u32,
    next_update: u32,
    /// Ascending, each once.
    marks: Vec<Mark>,
}

impl RefusedCards {
    /// `None` when an instant is before 2020 or after 2156.
    #[must_use]
    pub fn new(
        department: Department,
        issued: DateTime<Utc>,
        next_update: DateTime<Utc>,
        mut marks: Vec<Mark>,
    ) -> Option<Self> {
        marks.sort_unstable();
        marks.dedup();
        Some(Self { department, issued: seconds(issued)?, next_update: seconds(next_update)?, marks })
    }
    #[must_use]
    pub fn issued_at(&self) -> DateTime<Utc> {
        instant(self.issued)
    }
    /// From then on the list is too old to rely upon.
    #[must_use]
    pub fn next_update_at(&self) -> DateTime<Utc> {
        instant(self.next_update)
    }
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }
    /// Whether the card of that mark is refused.
    #[must_use]
    pub fn names(&self, mark: Mark) -> bool {
        self.marks.binary_search(&mark).is_ok()
    }

    /// The text of the list. `key_id` is the published name of `pair`.
    #[must_use]
    pub fn sign(&self, key_id: [u8; 4], pair: &SigningPair) -> String {
        let mut bytes = [
            [VERSION].as_slice(),
            &department_bytes(self.department),
            &key_id,
            &self.issued.to_be_bytes(),
            &self.next_update.to_be_bytes(),
            self.marks.as_flattened(),
        ]
        .concat();
        bytes.extend(pair.sign(&[CONTEXT, &bytes].concat()));
        format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes))
    }

    fn read(head: [u8; HEAD_BYTES], marks: &[u8]) -> Option<(Self, [u8; 4])> {
        let [VERSION, d0, d1, d2, k0, k1, k2, k3, i0, i1, i2, i3, n0, n1, n2, n3] = head else { return None };
        let (marks, rest) = marks.as_chunks();
        let list = Self {
            department: department_of([d0, d1, d2])?,
            issued: u32::from_be_bytes([i0, i1, i2, i3]),
            next_update: u32::from_be_bytes([n0, n1, n2, n3]),
            marks: marks.to_vec(),
        };
        rest.is_empty().then_some((list, [k0, k1, k2, k3]))
    }
}

/// Reads a list and proves that its department signed it. Its age is left to the caller.
pub fn verify(text: &str, keys: &[PublishedKey]) -> Result<RefusedCards, TokenError> {
    let bytes = text.strip_prefix(PREFIX).and_then(|body| BASE64URL_NOPAD.decode(body.as_bytes()).ok());
    let bytes = bytes.ok_or(TokenError::NotACard)?;
    let (body, signature) = bytes.split_last_chunk::<SIGNATURE_BYTES>().ok_or(TokenError::NotACard)?;
    let (head, marks) = body.split_first_chunk::<HEAD_BYTES>().ok_or(TokenError::NotACard)?;
    let (list, id) = RefusedCards::read(*head, marks).ok_or(TokenError::NotACard)?;
    check(keys, (list.department, id), CONTEXT, body, signature).map(|()| list)
}

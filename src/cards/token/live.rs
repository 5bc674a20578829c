//! The card on a telephone: a signed text that serves for thirty seconds, so that a photograph of it serves nobody.
//!
//! 118 bytes: version (1), department (3, NUL-padded), key id (4), last day (2), step (4, big-endian count of 30 s since 2020-01-01), mark of
//! the card (8), fingerprint (32), Ed25519 signature (64). Base 32, as the printed form.
//!
//! What would surprise: the card's number is not in it, for who read it off a photograph could type it in. The fingerprint is what the
//! department's database finds the card by; the mark is what the list of refused cards names it by.

use super::{EPOCH, Mark, PublishedKey, SignedCard, TokenError, check, department_bytes, department_of, mark, seconds};
use crate::kernel::{crypto::SigningPair, department::Department};
use chrono::{DateTime, Days, NaiveDate, Utc};
use data_encoding::BASE32_NOPAD;

const PREFIX: &str = "PPL1.";
const VERSION: u8 = 1;
const CONTEXT: &[u8] = b"passplus-live-v1\0";
const BODY_BYTES: usize = 54;
const SIGNED_BYTES: usize = BODY_BYTES + 64;
/// How long a text is shown.
pub const STEP_SECONDS: u32 = 30;
/// Clocks of telephones and tills are not the same, and people need a moment: a text also serves one step before and one after its own.
const TOLERATED_STEPS: u32 = 1;

/// A card as it is shown during one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveCode {
    pub department: Department,
    last_day: u16,
    step: u32,
    pub mark: Mark,
    pub fingerprint: [u8; 32],
}

/// The step of an instant; `None` before 2020 or after 2156.
#[must_use]
pub fn step_of(at: DateTime<Utc>) -> Option<u32> {
    seconds(at).map(|seconds| seconds / STEP_SECONDS)
}

impl LiveCode {
    /// That card during that step. `fingerprint` is what its department's database finds it by.
    #[must_use]
    pub fn new(card: &SignedCard, fingerprint: [u8; 32], step: u32) -> Self {
        Self { department: card.code.department(), last_day: card.last_day, step, mark: mark(&card.code), fingerprint }
    }
    /// The last day the card serves, included.
    #[must_use]
    pub fn valid_until(&self) -> NaiveDate {
        EPOCH + Days::new(self.last_day.into())
    }
    /// Whether this text is of the moment.
    #[must_use]
    pub fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        step_of(now).is_some_and(|step| step.abs_diff(self.step) <= TOLERATED_STEPS)
    }

    /// The text to show, 194 characters. `key_id` is the published name of `pair`.
    #[must_use]
    pub fn sign(&self, key_id: [u8; 4], pair: &SigningPair) -> String {
        let mut bytes = [
            [VERSION].as_slice(),
            &department_bytes(self.department),
            &key_id,
            &self.last_day.to_be_bytes(),
            &self.step.to_be_bytes(),
            &self.mark,
            &self.fingerprint,
        ]
        .concat();
        bytes.extend(pair.sign(&[CONTEXT, &bytes].concat()));
        format!("{PREFIX}{}", BASE32_NOPAD.encode(&bytes))
    }

    fn read(body: [u8; BODY_BYTES]) -> Option<(Self, [u8; 4])> {
        let [VERSION, d0, d1, d2, k0, k1, k2, k3, l0, l1, s0, s1, s2, s3, rest @ ..] = body else { return None };
        let (mark, fingerprint) = rest.split_first_chunk()?;
        let live = Self {
            department: department_of([d0, d1, d2])?,
            last_day: u16::from_be_bytes([l0, l1]),
            step: u32::from_be_bytes([s0, s1, s2, s3]),
            mark: *mark,
            fingerprint: fingerprint.try_into().ok()?,
        };
        Some((live, [k0, k1, k2, k3]))
    }
}

/// Whether a text is, by its beginning, a card on a telephone.
#[must_use]
pub fn is_live(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// The department that a text names, not yet believed.
#[must_use]
pub fn claimed_department(text: &str) -> Option<Department> {
    let bytes = bytes(text)?;
    let (body, _) = bytes.split_first_chunk::<BODY_BYTES>()?;
    LiveCode::read(*body).map(|(live, _)| live.department)
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    text.strip_prefix(PREFIX)
        .filter(|body| body.len() == BASE32_NOPAD.encode_len(SIGNED_BYTES))
        .and_then(|body| BASE32_NOPAD.decode(body.as_bytes()).ok())
}

/// Reads a text and proves that its department signed it. Last day and freshness are left to the caller.
pub fn verify(text: &str, keys: &[PublishedKey]) -> Result<LiveCode, TokenError> {
    let bytes = bytes(text).ok_or(TokenError::NotACard)?;
    let (body, signature) = bytes.split_first_chunk::<BODY_BYTES>().ok_or(TokenError::NotACard)?;
    let (live, id) = LiveCode::read(*body).ok_or(TokenError::NotACard)?;
    check(keys, (live.department, id), CONTEXT, body, signature).map(|()| live)
}

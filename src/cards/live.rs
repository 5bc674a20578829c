//! The card shown on a telephone: a text for each half minute to come.

use super::token::live::{self, LiveCode, STEP_SECONDS};
use crate::{db::Tx, error::Error, kernel::ids::CardId};
use chrono::{DateTime, TimeDelta, Utc};

/// Texts given at a time: ten minutes, so that a telephone may lose its network for a while.
const STEPS: u32 = 20;

/// A text and when it is to be shown.
#[derive(Debug)]
pub struct Shown {
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub text: String,
}

/// The texts of a card that pays, from the present one on.
pub fn live_codes(tx: &mut Tx<'_>, id: CardId) -> Result<Vec<Shown>, Error> {
    let row = super::paying(tx, id)?;
    let now = tx.now()?;
    let card = super::unsigned(tx, row.id, &row.code_sealed, row.valid_until)?;
    let fingerprint = super::fingerprint(tx.key, &card.code());
    let fingerprint = fingerprint.try_into().map_err(|_| Error::internal("a fingerprint has 32 bytes"))?;
    let (key_id, pair) = super::signer(tx)?;
    let first = live::step_of(now).ok_or_else(|| Error::internal("the clock is out of range"))?;
    let length = TimeDelta::seconds(STEP_SECONDS.into());
    let begun = TimeDelta::seconds(now.timestamp().rem_euclid(STEP_SECONDS.into()));
    let mut from = DateTime::from_timestamp(now.timestamp(), 0).unwrap_or(now) - begun;
    let mut codes = vec![];
    for step in first..first.saturating_add(STEPS) {
        let until = from + length;
        codes.push(Shown { from, until, text: LiveCode::new(&card, fingerprint, step).sign(key_id, &pair) });
        from = until;
    }
    Ok(codes)
}

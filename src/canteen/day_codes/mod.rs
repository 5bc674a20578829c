//! A code for a forgotten card: for one child, its collège, and today. Shown once; what is kept is a keyed hash. Short, because it is typed
//! at the gate, where guesses are counted.

mod db;
pub mod http;

use super::{passages::COUNTED_DAYS, services};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    families,
    kernel::{
        actor::Actor,
        crypto::{MasterKey, random},
        ids::{AccountId, ChildId},
        text::Uai,
        time::paris_date,
    },
};
use chrono::{Days, NaiveDate};
use serde_json::json;
use std::fmt;

/// Crockford's base 32: no I, L, O or U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHARS: usize = 8;
/// A child loses a code too, now and then.
const A_DAY_MAX: i64 = 5;
/// Those of its family included: the collège's desk has some left when the family has none.
const A_DAY_MAX_AT_DESK: i64 = 10;

/// Forty random bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DayCode([u8; 5]);

impl DayCode {
    fn generate() -> Self {
        Self(random())
    }

    /// The code of a text, however it was typed; `None` for what cannot be one, as a card.
    #[must_use]
    pub fn read(typed: &str) -> Option<Self> {
        if typed.len() > 2 * CHARS {
            return None;
        }
        let meant = typed.chars().filter(|c| *c != '-' && !c.is_whitespace()).map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        });
        let place =
            |c: char| (0_u64..).zip(ALPHABET).find(|(_, letter)| char::from(**letter) == c).map(|(place, _)| place);
        let places: Vec<u64> = meant.map(place).collect::<Option<_>>()?;
        if places.len() != CHARS {
            return None;
        }
        let [_, _, _, code @ ..] = places.iter().fold(0_u64, |number, place| (number << 5) | place).to_be_bytes();
        Some(Self(code))
    }

    /// What the database finds it by.
    #[must_use]
    pub fn hash(self, key: &MasterKey) -> Vec<u8> {
        key.fingerprint("canteen_day_code", &self.0)
    }
}

impl fmt::Display for DayCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.0.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        for place in 0..CHARS {
            let low = usize::try_from((number >> (5 * (CHARS - 1 - place))) & 31).unwrap_or_default();
            let dash = if place == CHARS / 2 { "-" } else { "" };
            write!(f, "{dash}{}", ALPHABET.get(low).copied().map_or('?', char::from))?;
        }
        Ok(())
    }
}

impl fmt::Debug for DayCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DayCode(***)")
    }
}

/// A code as it is shown, once.
#[derive(Debug)]
pub struct Issued {
    pub code: DayCode,
    pub college: Uai,
    pub day: NaiveDate,
}

/// Gives today's code of a child whom the caller may see, at the collège where it eats.
fn issue_day_code(tx: &mut Tx<'_>, by: AccountId, child: ChildId) -> Result<Issued, Error> {
    let family = families::child(tx, child)?.family_id;
    let is_guardian = matches!(tx.caller.actor, Actor::Guardian { .. });
    if is_guardian {
        families::require_full_rights(tx, family)?;
    }
    services::require_canteen(tx)?;
    let day = paris_date(tx.now()?);
    tx.take_turns(format_args!("day codes {child}"))?;
    let college = db::college_of(tx, child, day)?.ok_or(Error::Refused(Refusal::NoCanteenToday))?;
    if db::issued_on(tx, child, day)? >= if is_guardian { A_DAY_MAX } else { A_DAY_MAX_AT_DESK } {
        return Err(Refusal::TooManyDayCodes.into());
    }
    let code = DayCode::generate();
    let hash = code.hash(tx.key);
    let id = db::insert(tx, by, (child, family), (&college, day), &hash)?;
    audit::record(tx, "canteen_day_code_given", ("child", child), json!({ "day_code_id": id }))?;
    Ok(Issued { code, college, day })
}

/// Codes of past days go, once passages that bring them no longer count. Returns how many.
pub fn forget(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let today = paris_date(tx.now()?);
    db::delete_before(tx, today.checked_sub_days(Days::new(COUNTED_DAYS)).unwrap_or(today))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_code_is_short_and_no_card() {
        assert_eq!(DayCode([0, 0, 0, 0, 1]).to_string(), "0000-0001");
        assert_eq!(format!("{:?}", DayCode::generate()), "DayCode(***)");
        for other in ["", "92-000G-40R4-0M30-E27Z-Z", "PP1.AAAA", "1234-567", "1234-56789", "1234-567U", "éééé-éééé"]
        {
            assert_eq!(DayCode::read(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_code_is_read_back_however_it_is_typed(bytes: [u8; 5]) {
            let code = DayCode(bytes);
            let written = code.to_string();
            prop_assert_eq!(written.len(), 9);
            for typed in [written.clone(), written.to_lowercase(), written.replace('-', " "), written.replace('0', "o").replace('1', "l")] {
                prop_assert_eq!(DayCode::read(&typed), Some(code));
            }
        }

        #[test]
        fn no_text_panics_the_reader(text in "\\PC{0,30}") {
            let _ = DayCode::read(&text);
        }
    }
}

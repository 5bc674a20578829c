//! From attendance to the bill. A monthly run computes, for every diner of the locked months, what is due against what was billed: what was
//! never billed becomes a bill, what is due no longer a credit note of the bill it corrects, what is due more a further line of the next
//! bill. A run is drafted, checked by one person and issued by another; bills never change.
//!
//! What would surprise: no balance is kept. An account is the sum of its bills, credit notes, payments and refunds; a credit note
//! settles its own bill, payments the oldest one first.

pub mod accounts;
pub mod arrears;
pub mod bills;
pub mod cancellations;
pub mod evidence;
pub mod payments;
pub mod runs;

use crate::{
    db::Tx,
    error::Error,
    kernel::ids::{BillRunId, CanteenAdultId, FamilyId, PayerId},
};
use diesel::connection::SimpleConnection;

text_enum! {
    /// A bill, or what takes one back.
    pub enum BillKind { Bill = "bill", CreditNote = "credit_note" }
}

text_enum! {
    /// What a line of a bill is for.
    pub enum LineKind {
        /// A meal that was reserved.
        Meal = "meal",
        /// A meal taken without reservation.
        WalkIn = "walk_in",
        Guest = "guest",
        /// A month's part of a year paid as a whole.
        Forfait = "forfait",
        /// A meal of a forfait that was not served, or excused.
        Credit = "credit",
    }
}

text_enum! {
    /// Why something was credited.
    pub enum CreditReason {
        /// Attendance or a rate changed after the bill.
        Recomputed = "recomputed",
        EntryError = "entry_error",
        WrongPayer = "wrong_payer",
        Duplicate = "duplicate",
        Goodwill = "goodwill",
    }
}

/// Who pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payer {
    Family(FamilyId),
    Adult(CanteenAdultId),
}

impl Payer {
    /// Of the two columns that name a payer; one of them is set.
    #[must_use]
    pub fn of(family: Option<FamilyId>, adult: Option<CanteenAdultId>) -> Option<Self> {
        family.map(Self::Family).or(adult.map(Self::Adult))
    }
    #[must_use]
    pub const fn family(self) -> Option<FamilyId> {
        match self {
            Self::Family(family) => Some(family),
            Self::Adult(_) => None,
        }
    }
    #[must_use]
    pub const fn adult(self) -> Option<CanteenAdultId> {
        match self {
            Self::Family(_) => None,
            Self::Adult(adult) => Some(adult),
        }
    }
    /// The file's id, or the adult's.
    #[must_use]
    pub fn id(self) -> PayerId {
        match self {
            Self::Family(family) => family.into(),
            Self::Adult(adult) => adult.into(),
        }
    }
}

/// As it is printed: `92-2026-000123` for a bill, `92-2026-A000045` for a credit note.
#[must_use]
pub fn number(department: &str, kind: BillKind, year: i32, number: i32) -> String {
    let series = match kind {
        BillKind::Bill => "",
        BillKind::CreditNote => "A",
    };
    format!("{department}-{year}-{series}{number:06}")
}

/// One at a time bills, or takes a bill back: what each reckons with stays true.
fn take_turns(tx: &mut Tx<'_>) -> Result<(), Error> {
    tx.take_turns(format_args!("canteen bills"))
}

/// A run of a whole department takes longer than a request may: minutes, never hours. Its plans are long and run once.
fn take_time(tx: &mut Tx<'_>) -> Result<(), Error> {
    Ok(tx.conn.batch_execute("set local statement_timeout = '5min'; set local jit = off")?)
}

/// The run as the journal names it.
const fn in_journal(id: BillRunId) -> (&'static str, BillRunId) {
    ("bill_run", id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_series_are_told_apart() {
        assert_eq!(number("92", BillKind::Bill, 2026, 123), "92-2026-000123");
        assert_eq!(number("92", BillKind::CreditNote, 2026, 45), "92-2026-A000045");
    }
}

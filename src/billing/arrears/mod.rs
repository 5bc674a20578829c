//! What is late: listed by level for those who recover it, and told to those who owe it, one letter a bill and level. A family that owes
//! something may be let enrol all the same, by an agent who says why.

mod db;
pub mod http;

pub use db::{ArrearsRow, WaiverRow};

use super::{Payer, bills::notices, number, take_time};
use crate::{
    audit,
    canteen::services,
    db::Tx,
    error::Error,
    families,
    http::page::{Page, PageQuery},
    kernel::{
        ids::{AccountId, BillId, FamilyId, PayerId},
        text::{Note, SeasonCode},
        time::paris_date,
    },
    mail::Letter,
};
use chrono::{Days, NaiveDate};
use serde_json::json;

/// The levels, each by the days that a bill must be late for more than: at once, after a month, after two, as public accountants count before
/// they recover by force.
const LEVELS: [(i16, u64); 3] = [(1, 0), (2, 30), (3, 60)];
/// Letters left to the worker in one transaction.
const REMINDERS_MAX: i64 = 10_000;
/// Bills that were due earlier are the public accountant's. In days.
const RECALLED_FOR: u64 = 366;

/// The level of a bill that was due that day.
#[must_use]
pub fn level(due_on: NaiveDate, today: NaiveDate) -> Option<i16> {
    LEVELS
        .iter()
        .rev()
        .find(|(_, days)| last_due(today, *days).is_some_and(|last| due_on <= last))
        .map(|(level, _)| *level)
}

/// The last day on which what is more than so many days late today was due.
fn last_due(today: NaiveDate, days: u64) -> Option<NaiveDate> {
    today.checked_sub_days(Days::new(days.saturating_add(1)))
}

/// Payers with something late, those of one level only if one is given.
pub fn list_arrears(tx: &mut Tx<'_>, of_level: Option<i16>, query: &PageQuery) -> Result<Page<ArrearsRow>, Error> {
    let today = paris_date(tx.now()?);
    let bound = |level: i16| LEVELS.iter().find(|(of, _)| *of == level).and_then(|(_, days)| last_due(today, *days));
    let (until, after) = match of_level {
        None => (bound(1), None),
        Some(level) => (bound(level), bound(level.saturating_add(1))),
    };
    let until = until.ok_or_else(|| Error::field("/level", "un niveau de 1 à 3 est attendu"))?;
    let rows =
        db::arrears(tx, (after, until), query.after()?.map(PayerId::from_uuid), query.limit()?.saturating_add(1))?;
    query.page(rows, |row| row.payer_id.uuid())
}

/// Leaves to the worker the letters that are due: for each unpaid bill its highest level, once. Returns how many; there may be more.
pub fn remind(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let today = paris_date(tx.now()?);
    let levels: Vec<(i16, NaiveDate)> =
        LEVELS.iter().filter_map(|(level, days)| Some((*level, last_due(today, *days)?))).collect();
    let since = today.checked_sub_days(Days::new(RECALLED_FOR)).unwrap_or(today);
    take_time(tx)?;
    db::remind(tx, &levels, since, REMINDERS_MAX)
}

/// The letters of a reminder, if the bill is still unpaid when they leave.
pub fn reminder(tx: &mut Tx<'_>, id: BillId, level: i16) -> Result<Vec<Letter>, Error> {
    let Some(row) = db::unpaid(tx, id)? else { return Ok(vec![]) };
    let number = number(tx.place.as_str(), super::BillKind::Bill, row.year, row.number);
    let (subject, told) = match level {
        1 => ("Cantine : une facture reste à régler", "Si vous venez de la régler, ne tenez pas compte de ce message."),
        2 => (
            "Cantine : deuxième rappel",
            "Si vous ne pouvez pas la régler en une fois, dites-le : un échelonnement est possible.",
        ),
        _ => (
            "Cantine : dernier rappel",
            "Sans règlement ni réponse de votre part, elle sera transmise au comptable public pour être recouvrée.",
        ),
    };
    let body = format!(
        "Bonjour,\n\nLa facture n° {number} était à régler avant le {}. Il en reste dû {}. {told}{}\n\nPass+",
        row.due_on.format("%d/%m/%Y"),
        row.left,
        if row.family_id.is_some() { "\nQuoi qu'il arrive, votre enfant mange comme les autres." } else { "" }
    );
    notices::letters(tx, Payer::of(row.family_id, row.adult_id), subject, &body)
}

/// Lets a family enrol for a season although it owes something.
pub fn grant_waiver(
    tx: &mut Tx<'_>,
    by: AccountId,
    (family, season): (FamilyId, &SeasonCode),
    reason: &Note,
) -> Result<WaiverRow, Error> {
    families::require_sight(tx, family)?;
    services::require_canteen(tx)?;
    let row = db::insert_waiver(tx, by, (family, season), reason)?;
    audit::record(tx, "canteen_waiver_granted", ("family", family), json!({ "season": season, "reason": reason }))?;
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_begins_the_day_after_its_days_are_over() {
        let due: NaiveDate = "2026-11-14".parse().expect("a day");
        let days = [("2026-11-14", None), ("2026-11-15", Some(1)), ("2026-12-14", Some(1)), ("2026-12-15", Some(2))];
        for (today, expected) in days.into_iter().chain([("2027-01-13", Some(2)), ("2027-01-14", Some(3))]) {
            assert_eq!(level(due, today.parse().expect("a day")), expected, "{today}");
        }
    }
}

//! Passages that a gate took without network: sent later, in any order, again if need be. Each counts once, by gate and number.

use super::{
    CLOCK_SLACK, COUNTED_DAYS, Presented, asks_calendar, counted, db,
    db::{GapRow, LookRow, SentRow},
    decide::{PassOutcome, PassReason, Tally},
    decided, is_far_ahead, kept, read,
};
use crate::{
    app::App,
    audit,
    auth::actor::{By, Gate},
    canteen::{calendars, gates::watch},
    db::Tx,
    error::Error,
    kernel::{
        department::Department,
        ids::DinerId,
        text::{Sensitive, Uai},
        time::paris_date,
    },
};
use chrono::{DateTime, Days, NaiveDate, Utc};
use serde_json::json;
use std::collections::BTreeMap;

/// Passages of one batch: two services of the largest collège.
pub const BATCH_MAX: usize = 1_000;
/// Rows of lacking numbers that are told, the last ones; a gate sends them, and learns of those before.
const GAPS_MAX: i32 = 100;

/// A passage without network.
#[derive(Debug, Clone)]
pub struct SentPassage {
    pub sequence: i64,
    pub scanned_at: DateTime<Utc>,
    /// A card that is not in the list of the day, or a one-day code, which the gate could not check.
    pub card: Option<Sensitive<String>>,
    /// Somebody of that list.
    pub diner: Option<DinerId>,
    /// What the gate did.
    pub let_in: bool,
}

/// What became of a passage of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLine {
    pub sequence: i64,
    pub outcome: PassOutcome,
    pub reason: PassReason,
}

/// What became of a batch.
#[derive(Debug)]
pub struct BatchTaken {
    /// In the order of the batch.
    pub lines: Vec<BatchLine>,
    /// Numbers that the gate has not sent though one that follows came in the last 32 days.
    pub missing: Vec<GapRow>,
}

struct Line {
    passage: SentPassage,
    presented: Presented,
}

/// Takes the passages of a batch, all or none.
pub async fn send_passages(
    app: &App,
    by: &By<Gate>,
    department: Department,
    passages: Vec<SentPassage>,
) -> Result<BatchTaken, Error> {
    let mut lines = vec![];
    for passage in passages {
        let presented = match (&passage.diner, &passage.card) {
            (Some(diner), _) => Presented::Diner(*diner),
            // Whether a telephone's text was of its moment, the gate has judged.
            (None, Some(card)) => match read(app, by, department, card.expose()).await? {
                Presented::Stale(print) => Presented::Card(print),
                presented => presented,
            },
            (None, None) => Presented::Nothing,
        };
        lines.push(Line { passage, presented });
    }
    let college = by.college.clone();
    app.db.write(department, &by.caller, move |tx| take(tx, &college, &lines)).await
}

/// Whether a gate sends what it asked with network before, and whose answer it may not have heard.
fn is_same_reading(former: &SentRow, row: &LookRow, scanned_at: DateTime<Utc>) -> bool {
    !former.offline
        && former.scanned_at.timestamp_millis() == scanned_at.timestamp_millis()
        && former.person_id == row.person_id
}

/// What makes a number stay free: the passage is not kept. A clock that is ahead names no day.
fn unkept(passage: &SentPassage, now: DateTime<Utc>, last: i64) -> Option<BatchLine> {
    let (outcome, reason) = if passage.scanned_at.signed_duration_since(now) > CLOCK_SLACK {
        (PassOutcome::ClockAhead, PassReason::ClockAhead)
    } else if is_far_ahead(passage.sequence, last) {
        (PassOutcome::NumberAhead, PassReason::NumberAhead)
    } else {
        return None;
    };
    Some(BatchLine { sequence: passage.sequence, outcome, reason })
}

/// Whether passages of that day count no longer.
fn is_too_late(day: NaiveDate, now: DateTime<Utc>) -> bool {
    paris_date(now).checked_sub_days(Days::new(COUNTED_DAYS)).is_some_and(|first| day < first)
}

fn take(tx: &mut Tx<'_>, college: &Uai, lines: &[Line]) -> Result<BatchTaken, Error> {
    let sequences: Vec<i64> = lines.iter().map(|line| line.passage.sequence).collect();
    let mut sent: BTreeMap<i64, SentRow> =
        db::sent(tx, &sequences)?.into_iter().map(|row| (row.sequence, row)).collect();
    // What is known under each number: what came before, and what this batch brings on the way.
    let mut known: BTreeMap<i64, (Vec<u8>, BatchLine)> = BTreeMap::new();
    for SentRow { sequence, reason, outcome, fingerprint, .. } in sent.values() {
        let (sequence, outcome, reason) = (*sequence, *outcome, *reason);
        known.insert(sequence, (fingerprint.clone(), BatchLine { sequence, outcome, reason }));
    }
    let asked: Vec<_> = lines.iter().map(|line| line.presented.asked(paris_date(line.passage.scanned_at))).collect();
    let rows = db::look(tx, &asked, false)?;
    let (now, last) = (tx.now()?, db::last(tx)?);
    let (mut tally, mut new, mut told, mut turned_away) = (Tally::default(), vec![], vec![], vec![]);
    // A batch is of some days: the calendar is asked once about each.
    let mut served_on = BTreeMap::new();
    for (Line { passage, presented }, row) in lines.iter().zip(&rows) {
        let SentPassage { sequence, scanned_at, let_in, .. } = *passage;
        let fingerprint = presented.fingerprint(tx, scanned_at, Some(let_in));
        let asked_before = sent.get(&sequence).filter(|former| is_same_reading(former, row, scanned_at));
        // Refused with network, an answer that the gate never heard, and let in by its list: he has eaten.
        let let_in_after_all = asked_before.is_some_and(|former| let_in && !former.let_in);
        if asked_before.is_some_and(|former| former.let_in && !let_in) {
            turned_away.push(sequence);
        }
        if let Some((former, line)) = known.get(&sequence).filter(|_| !let_in_after_all) {
            let same = *former == fingerprint || asked_before.is_some();
            told.push(if same { *line } else { BatchLine { outcome: PassOutcome::NumberUsed, ..*line } });
            continue;
        }
        if let Some(line) = unkept(passage, now, last) {
            told.push(line);
            continue;
        }
        let day = paris_date(scanned_at);
        let meal = tally.meal(row.person_id, day, row.meal);
        let served = match served_on.get(&day) {
            _ if !asks_calendar(row, meal) => true,
            Some(served) => *served,
            None => {
                let served = calendars::is_served(tx, college, day)?;
                served_on.insert(day, served);
                served
            }
        };
        let mut decision = decided(presented, row, meal, (served, is_too_late(day, now)));
        decision.eats = let_in;
        let effect = counted(&mut tally, row, day, let_in, served);
        let line = BatchLine { sequence, outcome: effect.outcome, reason: decision.reason };
        new.push(kept(sequence, (day, scanned_at), row, decision, effect, fingerprint.clone()));
        known.insert(sequence, (fingerprint, line));
        // Once in this batch.
        sent.remove(&sequence);
        told.push(line);
    }
    if !turned_away.is_empty() {
        db::turn_away(tx, &turned_away)?;
    }
    if !new.is_empty() {
        db::record(tx, true, &new)?;
        audit::record(tx, "canteen_passages_sent", ("college", college), json!({ "passages": new.len() }))?;
    }
    watch::heard(tx)?;
    Ok(BatchTaken { lines: told, missing: db::gaps(tx, GAPS_MAX)? })
}

//! What gates see: one card at a time and at once, or many passages later, in any order, each counted once by its gate and number.
//!
//! What would surprise: nothing here can know of a debt. Whoever is let in has eaten, and his meal is counted; whoever passes twice is told
//! so, and counted once.

mod batches;
mod db;
pub mod decide;
pub mod http;

pub use batches::{BatchLine, BatchTaken, SentPassage, send_passages};
pub use db::{GapRow, OddRow};
pub use decide::{PassOutcome, PassReason};

use super::{calendars, day_codes::DayCode, enrolments::Diet, meals::state::MealState};
use crate::{
    app::App,
    audit,
    auth::{
        actor::{By, Gate},
        throttles::{self, Throttle},
    },
    cards::reading::{self, Read},
    db::Tx,
    error::{Error, Refusal},
    http::page::{Page, PageQuery},
    kernel::{
        department::Department,
        ids::DinerId,
        text::{Sensitive, Uai},
        time::paris_date,
    },
    photos::{self, Size},
};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use db::{Asked, LookRow, NewPassage};
use decide::{Counting, Decision, Effect, Facts, Shown, Tally, decide};
use serde_json::json;
use uuid::Uuid;

/// A gate that asks now has a clock near ours.
const CLOCK_SLACK: TimeDelta = TimeDelta::minutes(10);
/// One-day codes that nobody has, typed one after another at one gate: a right one ends the row, guesses among 2^40 do not get in.
const DAY_CODES: Throttle = Throttle { scope: "day_code_gate", attempts_max: 60, window: TimeDelta::minutes(10) };
/// Passages without network reach us within three days, as gates are visited at the week-end at the latest: only then was a meal missed.
/// One that comes later still counts.
const MISSED_AFTER_DAYS: u64 = 3;
/// Days within which a passage still counts: those of `canteen_passage_taken`.
pub const COUNTED_DAYS: u64 = 31;
/// How far a number may be above the highest that its gate has used: a gate of the largest collège reads 31,000 cards, full batches, in the days
/// whose passages count.
const SEQUENCE_JUMP_MAX: i64 = 50_000;
/// Meals that are settled in one transaction.
const MISSED_MAX: i64 = 5_000;

/// Something shown at a gate.
#[derive(Debug, Clone)]
pub struct Scan {
    pub sequence: i64,
    pub scanned_at: DateTime<Utc>,
    pub card: Option<Sensitive<String>>,
    /// An adult of the list of the day: adults have no card.
    pub adult: Option<DinerId>,
}

/// What it was read as: fingerprints by which the database finds it.
#[derive(Debug, Clone)]
enum Presented {
    Card(Vec<u8>),
    /// A card on a telephone, not of this moment.
    Stale(Vec<u8>),
    Code(Vec<u8>),
    /// From the list of the day.
    Diner(DinerId),
    Nothing,
}

impl Presented {
    fn asked(&self, day: NaiveDate) -> Asked {
        let (card, code, diner) = match self {
            Self::Card(print) | Self::Stale(print) => (Some(print.clone()), None, None),
            Self::Code(hash) => (None, Some(hash.clone()), None),
            Self::Diner(diner) => (None, None, Some(*diner)),
            Self::Nothing => (None, None, None),
        };
        Asked { card, code, diner, day }
    }

    /// What the database makes of it.
    const fn shown(&self, row: &LookRow) -> Shown {
        match (self, row.person_id, row.card_in_use) {
            (Self::Stale(_), _, _) => Shown::StaleCode,
            (Self::Code(_), None, _) => Shown::NobodysCode,
            (_, None, _) => Shown::NobodysCard,
            (Self::Card(_), _, Some(false)) => Shown::CardNotInUse,
            _ => Shown::Diner,
        }
    }

    /// Tells a repetition from another passage under the same number.
    fn fingerprint(&self, tx: &Tx<'_>, scanned_at: DateTime<Utc>, let_in: Option<bool>) -> Vec<u8> {
        let (kind, id) = match self {
            Self::Card(print) | Self::Stale(print) => ("card", print.clone()),
            Self::Code(hash) => ("code", hash.clone()),
            Self::Diner(diner) => ("diner", diner.uuid().as_bytes().to_vec()),
            Self::Nothing => ("nothing", vec![]),
        };
        let instant = scanned_at.timestamp_micros().to_be_bytes();
        let told = format!("{kind} {let_in:?} ");
        tx.key.fingerprint("canteen_passage", &[told.as_bytes(), instant.as_slice(), &id].concat())
    }
}

/// Who stands at the gate, as far as it may know.
#[derive(Debug)]
pub struct SeenDiner {
    pub id: DinerId,
    pub first_name: String,
    pub initial: String,
    pub diet: Diet,
    pub own_meal: bool,
    pub care: bool,
    pub photo_jpeg: Option<Vec<u8>>,
}

/// What the gate is answered.
#[derive(Debug)]
pub struct Passed {
    pub sequence: i64,
    pub decision: Decision,
    pub diner: Option<SeenDiner>,
}

/// What a text is: a code of the day, or a card.
async fn read(app: &App, by: &By<Gate>, department: Department, text: &str) -> Result<Presented, Error> {
    if let Some(code) = DayCode::read(text) {
        return Ok(Presented::Code(code.hash(app.db.key(department)?)));
    }
    Ok(match reading::read(app, &by.caller, text).await? {
        Read::Card(card) if card.department == department => Presented::Card(card.fingerprint),
        Read::Stale(card) if card.department == department => Presented::Stale(card.fingerprint),
        _ => Presented::Nothing,
    })
}

/// Decides whether who shows this eats, and keeps the passage: one answer, one transaction, the same again when it is asked again.
pub async fn check_passage(app: &App, by: &By<Gate>, department: Department, scan: Scan) -> Result<Passed, Error> {
    let presented = match (&scan.adult, &scan.card) {
        (Some(adult), _) => Presented::Diner(*adult),
        (None, Some(card)) => read(app, by, department, card.expose()).await?,
        (None, None) => Presented::Nothing,
    };
    let (college, device) = (by.college.clone(), by.device.to_string());
    let is_code = matches!(presented, Presented::Code(_));
    if is_code {
        let device = device.clone();
        app.db.directory_write(&by.caller, move |tx| throttles::count(tx, DAY_CODES, &device)).await??;
    }
    let passed = app.db.write(department, &by.caller, move |tx| pass(tx, &college, &presented, &scan)).await?;
    if is_code && passed.decision.reason != PassReason::UnknownCode {
        app.db.directory_write(&by.caller, move |tx| throttles::forget(tx, DAY_CODES, &device)).await?;
    }
    Ok(passed)
}

fn pass(tx: &mut Tx<'_>, college: &Uai, presented: &Presented, scan: &Scan) -> Result<Passed, Error> {
    let (now, day) = (tx.now()?, paris_date(scan.scanned_at));
    let fingerprint = presented.fingerprint(tx, scan.scanned_at, None);
    let former = db::sent(tx, &[scan.sequence])?.into_iter().next();
    if former.as_ref().is_some_and(|former| former.fingerprint != fingerprint) {
        return Err(Refusal::PassageNumberUsed.into());
    }
    if former.is_none() && now.signed_duration_since(scan.scanned_at).abs() > CLOCK_SLACK {
        return Err(Error::field(
            "/scanned_at",
            "l'instant présent est attendu : envoyez par lot ce qui a été lu sans réseau",
        ));
    }
    if former.is_none() && is_far_ahead(scan.sequence, db::last(tx)?) {
        let because = format!("ce numéro dépasse de plus de {SEQUENCE_JUMP_MAX} le dernier de cette borne");
        return Err(Error::field("/sequence", because));
    }
    // With network a child shows something of its own; only an adult is let in by the list alone.
    let presented = match presented {
        Presented::Diner(diner) if !db::is_listed_adult(tx, *diner, day)? => &Presented::Nothing,
        presented => presented,
    };
    let row = db::look(tx, &[presented.asked(day)], true)?;
    let row = row.into_iter().next().ok_or_else(|| Error::internal("what is asked is answered"))?;
    let decision = if let Some(former) = former {
        Decision { eats: former.let_in, reason: former.reason }
    } else {
        let served = !asks_calendar(&row, row.meal) || calendars::is_served(tx, college, day)?;
        let decision = decided(presented, &row, row.meal, (served, false));
        let effect = counted(&mut Tally::default(), &row, day, decision.eats, served);
        db::record(tx, false, &[kept(scan.sequence, (day, scan.scanned_at), &row, decision, effect, fingerprint)])?;
        decision
    };
    let diner = seen(tx, row, decision, scan.sequence)?;
    Ok(Passed { sequence: scan.sequence, decision, diner })
}

/// Whether it depends on the calendar that meals are served: a meal tells by itself, unless it was cancelled, and nobody's passage needs none.
const fn asks_calendar(row: &LookRow, meal: Option<MealState>) -> bool {
    row.person_id.is_some() && matches!(meal, None | Some(MealState::Cancelled))
}

/// A number so far above the last one is none of the gate's row: all those between would be asked for, for ever.
const fn is_far_ahead(sequence: i64, last: i64) -> bool {
    sequence.saturating_sub(last) > SEQUENCE_JUMP_MAX
}

fn decided(
    presented: &Presented,
    row: &LookRow,
    meal: Option<MealState>,
    (served, too_late): (bool, bool),
) -> Decision {
    let LookRow { here, open, walk_ins, .. } = *row;
    decide(Facts { shown: presented.shown(row), too_late, here, open, served, walk_ins, meal })
}

/// A day without meals makes nobody a diner without reservation: a clock may be wrong, and somebody has to look.
fn counted(tally: &mut Tally, row: &LookRow, day: NaiveDate, let_in: bool, served: bool) -> Effect {
    let LookRow { person_id: diner, open, locked, meal, .. } = *row;
    tally.count(Counting { let_in, diner, day, open: open && served, locked, meal })
}

fn kept(
    sequence: i64,
    (day, scanned_at): (NaiveDate, DateTime<Utc>),
    row: &LookRow,
    Decision { eats: let_in, reason }: Decision,
    Effect { outcome, from, to }: Effect,
    fingerprint: Vec<u8>,
) -> NewPassage {
    NewPassage { sequence, day, scanned_at, diner: row.person_id, let_in, reason, outcome, from, to, fingerprint }
}

/// A portrait seen is a line of the journal, written with the passage.
fn seen(tx: &mut Tx<'_>, row: LookRow, decision: Decision, sequence: i64) -> Result<Option<SeenDiner>, Error> {
    let (Some(id), Some(first_name), Some(initial), Some(diet)) =
        (row.person_id, row.first_name, row.initial, row.diet)
    else {
        return Ok(None);
    };
    // A copied text shows nobody's face.
    if decision.reason == PassReason::StaleCode {
        return Ok(None);
    }
    let photo_jpeg =
        row.photo_sealed.map(|sealed| photos::open_sealed(tx.key, id.child(), Size::Gate, &sealed)).transpose()?;
    let details = json!({ "sequence": sequence, "reason": decision.reason, "photo": photo_jpeg.is_some() });
    audit::record(tx, "canteen_diner_shown", ("diner", id), details)?;
    Ok(Some(SeenDiner { id, first_name, initial, diet, own_meal: row.own_meal, care: row.care, photo_jpeg }))
}

/// What somebody has to look at, of that day: doubles, strangers, who was let in against the rules, or told to be and turned away, passages of
/// locked days.
fn list_odd_passages(tx: &mut Tx<'_>, day: NaiveDate, query: &PageQuery) -> Result<Page<OddRow>, Error> {
    let rows = db::odd(tx, day, query.after::<(i64, Uuid)>()?, query.limit()?.saturating_add(1))?;
    query.page(rows, |row| (row.passage.sequence, row.passage.device_id.uuid()))
}

/// Reserved meals whose day is long enough over, and to which nobody came, become missed. Returns how many; there may be more.
pub fn miss_meals(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let today = paris_date(tx.now()?);
    // The days between are those that passages may still come from.
    let last = today.checked_sub_days(Days::new(MISSED_AFTER_DAYS.saturating_add(1))).unwrap_or(today);
    let missed = db::miss(tx, last, MISSED_MAX)?;
    if missed > 0 {
        audit::record(tx, "canteen_meals_missed", ("day", last), json!({ "meals": missed }))?;
    }
    Ok(missed)
}

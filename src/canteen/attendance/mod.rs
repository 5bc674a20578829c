//! Who really ate: the meals of a day as the collège's secretary and the agents keep them, and the months that are locked before they are
//! billed. A locked month takes no change of a meal, from whomever: the table itself refuses.

mod db;
pub mod http;

pub use db::{AttendanceRow, LockRow, MonthRow};

use super::{
    calendars,
    gates::watch::{self, WaitingGate},
    meals::{
        self,
        state::{MealEvent, MealState},
    },
    services,
};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    kernel::{
        actor::Actor,
        french,
        ids::{AccountId, DinerId},
        month::Month,
        text::{Note, Uai},
        time::{paris_date, school_year_start},
    },
};
use chrono::{Days, NaiveDate};
use serde_json::json;

/// How long after a meal the desk of its collège says that it was eaten: until its month is billed. In days.
const RECORDED_BACK_MAX: u64 = 40;

text_enum! {
    /// Why an absence is excused. Never an illness by its name.
    pub enum ExcuseReason {
        /// A medical certificate was shown; nothing of it is kept.
        MedicalCertificate = "medical_certificate",
        FamilyEvent = "family_event",
        SchoolTrip = "school_trip",
        Exclusion = "exclusion",
        Transport = "transport",
        Other = "other",
    }
}

/// A meal of a diner, as a request names it.
#[derive(Debug, Clone, Copy)]
pub struct MealOf {
    pub diner: DinerId,
    pub day: NaiveDate,
}

/// A collège's day: its meals, and the gates that may still tell of others.
#[derive(Debug)]
pub struct AttendanceDay {
    pub meals: Vec<AttendanceRow>,
    pub waiting_gates: Vec<WaitingGate>,
}

/// The meals of a collège's day.
pub fn list_attendance(tx: &mut Tx<'_>, college: &Uai, day: NaiveDate) -> Result<AttendanceDay, Error> {
    let waiting_gates = watch::waiting_gates(tx, Some(college), (day, day))?;
    Ok(AttendanceDay { meals: db::of_day(tx, college, day)?, waiting_gates })
}

/// Excuses an absence: the meal is not billed.
pub fn excuse_meal(tx: &mut Tx<'_>, meal: MealOf, reason: ExcuseReason) -> Result<MealState, Error> {
    services::require_canteen_once(tx)?;
    let Some((was, _)) = db::lock_meal(tx, meal)? else { return Err(Refusal::NotFound.into()) };
    let state = was.after(MealEvent::Excuse).ok_or(Error::Refused(Refusal::AttendanceTransition))?;
    db::set_state(tx, meal, state)?;
    record(tx, "canteen_meal_excused", meal, &json!({ "day": meal.day, "was": was, "reason": reason }))?;
    Ok(state)
}

/// Records that a diner ate although no gate saw him pass. Without a meal of that day he is a diner without
/// reservation, if any meal was served.
pub fn record_missed_passage(tx: &mut Tx<'_>, meal: MealOf, college: &Uai) -> Result<MealState, Error> {
    let today = paris_date(tx.now()?);
    if meal.day > today {
        return Err(Error::field("/day", "un jour passé ou le jour même est attendu"));
    }
    require_recent(tx, meal.day, today, college)?;
    let (was, state) = match db::lock_meal(tx, meal)? {
        Some((was, at)) if at == *college => {
            let state = was.after(MealEvent::Pass).ok_or(Error::Refused(Refusal::AttendanceTransition))?;
            if state == MealState::WalkIn {
                require_service(tx, college, meal.day)?;
            }
            db::set_state(tx, meal, state)?;
            (Some(was), state)
        }
        // One meal a day, wherever.
        Some(_) => return Err(Refusal::AttendanceTransition.into()),
        None => {
            require_service(tx, college, meal.day)?;
            let comer = db::comer(tx, meal.diner, college)?.ok_or(Error::Refused(Refusal::NotFound))?;
            if !db::insert_walk_in(tx, meal, college, &comer)? {
                return Err(Refusal::AttendanceTransition.into());
            }
            (None, MealState::WalkIn)
        }
    };
    if state == MealState::WalkIn {
        meals::notices::tell_walk_in(tx, meal.diner)?;
    }
    let details = json!({ "day": meal.day, "was": was, "college_uai": college });
    record(tx, "canteen_passage_recorded", meal, &details)?;
    Ok(state)
}

/// The desk of a collège tells what it remembers; the department mends a month that was opened again, whatever its day in the school year.
fn require_recent(tx: &mut Tx<'_>, day: NaiveDate, today: NaiveDate, college: &Uai) -> Result<(), Error> {
    let is_secretary = matches!(tx.caller.actor, Actor::Secretary { .. });
    let remembered = today.checked_sub_days(Days::new(RECORDED_BACK_MAX)).unwrap_or(today);
    let earliest = if is_secretary { remembered } else { remembered.min(school_year_start(today)) };
    if earliest <= day {
        return Ok(());
    }
    // Whoever opens the month again finds out the rest.
    if db::is_locked(tx, college, day)? {
        return Err(Refusal::AttendanceLocked.into());
    }
    let who =
        if is_secretary { " Un agent du département peut le faire pour l'année scolaire en cours." } else { "" };
    let because = format!("Un repas s'enregistre à partir du {}.{who}", earliest.format("%d/%m/%Y"));
    Err(Error::RefusedBecause(Refusal::AttendanceLongPast, because))
}

/// Nobody eats without reservation where, or when, no meal is served.
fn require_service(tx: &mut Tx<'_>, college: &Uai, day: NaiveDate) -> Result<(), Error> {
    if !services::is_offered(tx, college, day)? {
        return Err(Refusal::CanteenNotOffered.into());
    }
    if calendars::is_served(tx, college, day)? { Ok(()) } else { Err(Refusal::NoMealThatDay.into()) }
}

/// Takes back that a diner ate. A meal that he had reserved is his again: of a day that is over he missed it, or is excused where his family
/// was told that nothing is served; of one that was not served it is closed. One that he had not reserved was none. What a gate saw stays,
/// and only an agent may say that it was not he.
pub fn withdraw_passage(tx: &mut Tx<'_>, meal: MealOf, of: Option<&Uai>, reason: &Note) -> Result<MealState, Error> {
    services::require_canteen_once(tx)?;
    let Some((was, college)) = db::lock_meal(tx, meal)? else { return Err(Refusal::NotFound.into()) };
    let mut state = was.after(MealEvent::Withdraw).ok_or(Error::Refused(Refusal::AttendanceTransition))?;
    // A desk that could not record it again does not take it back.
    if of.is_some() {
        let today = paris_date(tx.now()?);
        require_recent(tx, meal.day, today, &college)?;
    }
    let seen_by_gate = db::is_seen_by_gate(tx, meal)?;
    if of.is_some() && seen_by_gate {
        return Err(Refusal::AttendanceSeenByGate.into());
    }
    if !calendars::is_served(tx, &college, meal.day)? {
        state = state.after(MealEvent::Close).unwrap_or(state);
    } else if meal.day < paris_date(tx.now()?) && state.after(MealEvent::Miss).is_some() {
        state = db::missed(tx, meal)?;
    }
    db::set_state(tx, meal, state)?;
    meals::notices::tell_withdrawn(tx, meal.diner, meal.day)?;
    let details =
        json!({ "day": meal.day, "was": was, "state": state, "seen_by_gate": seen_by_gate, "reason": reason });
    record(tx, "canteen_passage_withdrawn", meal, &details)?;
    Ok(state)
}

/// Says that the list of a day is complete: whoever is still expected did not come. Returns how many, and the gates that may still tell of
/// somebody: he will have eaten all the same.
pub fn close_day(tx: &mut Tx<'_>, college: &Uai, day: NaiveDate) -> Result<(usize, Vec<WaitingGate>), Error> {
    if day > paris_date(tx.now()?) {
        return Err(Error::field("/day", "un jour passé ou le jour même est attendu"));
    }
    services::require_canteen_once(tx)?;
    let missed = db::miss(tx, college, day)?;
    let waiting = watch::waiting_gates(tx, Some(college), (day, day))?;
    let details = json!({ "day": day, "missed": missed, "waiting_gates": waiting.len() });
    audit::record(tx, "canteen_day_closed", ("college", college), details)?;
    Ok((missed, waiting))
}

fn record(tx: &mut Tx<'_>, action: &str, meal: MealOf, details: &serde_json::Value) -> Result<(), Error> {
    audit::record(tx, action, ("diner", meal.diner), details.clone())
}

/// The collèges that served in that month: what still waits, and whether it is locked.
pub fn list_attendance_months(tx: &mut Tx<'_>, month: Month) -> Result<Vec<(MonthRow, Vec<WaitingGate>)>, Error> {
    let mut waiting = watch::waiting_gates(tx, None, days(month))?;
    let with_gates = |row: MonthRow| {
        let own = waiting.extract_if(.., |gate| gate.college == row.college_uai).collect();
        (row, own)
    };
    Ok(db::months(tx, month)?.into_iter().map(with_gates).collect())
}

/// The first and the last one.
fn days(month: Month) -> (NaiveDate, NaiveDate) {
    let next = month.next_first_day();
    (month.first_day(), next.pred_opt().unwrap_or(next))
}

/// Locks the month of a collège, when it is over and every meal of it is known. Where a gate may still have to send passages, only for a
/// reason: they decide what is due, and those that come later move nothing.
pub fn lock_attendance(
    tx: &mut Tx<'_>,
    by: AccountId,
    (college, month): (&Uai, Month),
    accept_gaps: Option<&Note>,
) -> Result<LockRow, Error> {
    services::require_canteen_once(tx)?;
    if paris_date(tx.now()?) < month.next_first_day() {
        let because =
            format!("Le mois {} n'est pas fini : il ne peut pas encore être arrêté.", french::of(&month.french()));
        return Err(Error::RefusedBecause(Refusal::AttendanceMonthOpen, because));
    }
    db::take_turns(tx, college, month)?;
    if !db::is_in_scope(tx, college, month)? {
        return Err(Refusal::NotFound.into());
    }
    if db::lock_living(tx, college, month)?.is_some() {
        return Err(Refusal::AttendanceMonthTransition.into());
    }
    if db::awaits_closure(tx, college, month)? {
        let because = format!(
            "Une fermeture {} vient d'être déclarée ou retirée, et ses repas changent encore : réessayez dans une minute.",
            french::of(&month.french())
        );
        return Err(Error::RefusedBecause(Refusal::AttendanceMonthOpen, because));
    }
    let waiting = db::reserved(tx, college, month)?;
    if waiting > 0 {
        let month = french::of(&month.french());
        let because = if waiting == 1 {
            format!("1 repas {month} est encore réservé : dites s'il a été pris, manqué ou excusé.")
        } else {
            format!("{waiting} repas {month} sont encore réservés : dites s'ils ont été pris, manqués ou excusés.")
        };
        return Err(Error::RefusedBecause(Refusal::AttendanceMonthOpen, because));
    }
    let waiting = watch::waiting_gates(tx, Some(college), days(month))?;
    if !waiting.is_empty() && accept_gaps.is_none() {
        let because = format!(
            "En {}, des passages manquent peut-être : {}. Attendez-les, ou dites dans accept_gaps pourquoi le mois est arrêté sans eux.",
            month.french(),
            watch::french(&waiting)
        );
        return Err(Error::RefusedBecause(Refusal::AttendanceGaps, because));
    }
    let accepted = accept_gaps.filter(|_| !waiting.is_empty());
    let row = db::insert_lock(tx, by, (college, month), accepted)?;
    let gate =
        |gate: &WaitingGate| json!({ "gate": gate.device, "missing": gate.missing(), "is_silent": gate.is_silent });
    let details = if let Some(reason) = accepted {
        let gates: Vec<_> = waiting.iter().map(gate).collect();
        json!({ "college_uai": college, "month": month, "accepted_gaps": reason, "waiting_gates": gates })
    } else {
        json!({ "college_uai": college, "month": month })
    };
    audit::record(tx, "canteen_attendance_locked", ("attendance_lock", row.id), details)?;
    Ok(row)
}

/// Opens a locked month again. What was billed of it is corrected once it is locked again.
pub fn reopen_attendance(
    tx: &mut Tx<'_>,
    by: AccountId,
    (college, month): (&Uai, Month),
    reason: &Note,
) -> Result<LockRow, Error> {
    services::require_canteen_once(tx)?;
    let row = db::lock_living(tx, college, month)?.ok_or(Error::Refused(Refusal::AttendanceMonthTransition))?;
    if db::is_in_run(tx, row.id)? {
        return Err(Refusal::AttendanceMonthInRun.into());
    }
    let row = db::reopen(tx, row.id, by, reason)?;
    let details = json!({ "college_uai": college, "month": month, "reason": reason });
    audit::record(tx, "canteen_attendance_reopened", ("attendance_lock", row.id), details)?;
    Ok(row)
}

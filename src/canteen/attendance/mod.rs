//! Who really ate: the meals of a day as the collège's secretary and the agents keep them, and the months that are locked before they are
//! billed. A locked month takes no change of a meal, from whomever: the table itself refuses.

mod db;
pub mod http;

pub use db::{AttendanceRow, LockRow, MonthRow};

use super::{
    meals::state::{MealEvent, MealState},
    passages,
};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    kernel::{
        ids::{AccountId, DinerId},
        month::Month,
        text::{Note, Uai},
        time::paris_date,
    },
};
use chrono::NaiveDate;
use serde_json::json;

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

/// The meals of a collège's day.
pub fn list_attendance(tx: &mut Tx<'_>, college: &Uai, day: NaiveDate) -> Result<Vec<AttendanceRow>, Error> {
    db::of_day(tx, college, day)
}

/// Excuses an absence: the meal is not billed.
pub fn excuse_meal(tx: &mut Tx<'_>, meal: MealOf, reason: ExcuseReason) -> Result<MealState, Error> {
    let Some((was, _)) = db::lock_meal(tx, meal)? else { return Err(Refusal::NotFound.into()) };
    let state = was.after(MealEvent::Excuse).ok_or(Error::Refused(Refusal::AttendanceTransition))?;
    db::set_state(tx, meal, state)?;
    record(tx, "canteen_meal_excused", meal, &json!({ "day": meal.day, "was": was, "reason": reason }))?;
    Ok(state)
}

/// Records that a diner ate although no gate saw him pass. Without a meal of that day he is a diner without
/// reservation, if any meal was served.
pub fn record_missed_passage(tx: &mut Tx<'_>, meal: MealOf, college: &Uai) -> Result<MealState, Error> {
    if meal.day > paris_date(tx.now()?) {
        return Err(Error::field("/day", "un jour passé ou le jour même est attendu"));
    }
    let (was, state) = match db::lock_meal(tx, meal)? {
        Some((was, at)) if at == *college => {
            let state = was.after(MealEvent::Pass).ok_or(Error::Refused(Refusal::AttendanceTransition))?;
            db::set_state(tx, meal, state)?;
            (Some(was), state)
        }
        // One meal a day, wherever.
        Some(_) => return Err(Refusal::AttendanceTransition.into()),
        None => {
            if !passages::is_served(tx, college, meal.day)? {
                return Err(Refusal::NoMealThatDay.into());
            }
            let comer = db::comer(tx, meal.diner, college)?.ok_or(Error::Refused(Refusal::NotFound))?;
            if !db::insert_walk_in(tx, meal, college, &comer)? {
                return Err(Refusal::AttendanceTransition.into());
            }
            (None, MealState::WalkIn)
        }
    };
    let details = json!({ "day": meal.day, "was": was, "college_uai": college });
    record(tx, "canteen_passage_recorded", meal, &details)?;
    Ok(state)
}

/// Says that the list of a day is complete: whoever is still expected did not come. Returns how many.
pub fn close_day(tx: &mut Tx<'_>, college: &Uai, day: NaiveDate) -> Result<usize, Error> {
    if day > paris_date(tx.now()?) {
        return Err(Error::field("/day", "un jour passé ou le jour même est attendu"));
    }
    let missed = db::miss(tx, college, day)?;
    let details = json!({ "day": day, "missed": missed });
    audit::record(tx, "canteen_day_closed", ("college", college), details)?;
    Ok(missed)
}

fn record(tx: &mut Tx<'_>, action: &str, meal: MealOf, details: &serde_json::Value) -> Result<(), Error> {
    audit::record(tx, action, ("diner", meal.diner), details.clone())
}

/// The collèges that served in that month: what still waits, and whether it is locked.
pub fn list_attendance_months(tx: &mut Tx<'_>, month: Month) -> Result<Vec<MonthRow>, Error> {
    db::months(tx, month)
}

/// Locks the month of a collège, when it is over and every meal of it is known.
pub fn lock_attendance(tx: &mut Tx<'_>, by: AccountId, college: &Uai, month: Month) -> Result<LockRow, Error> {
    if paris_date(tx.now()?) < month.next_first_day() {
        let because = format!("Le mois de {} n'est pas fini : il ne peut pas encore être arrêté.", month.french());
        return Err(Error::RefusedBecause(Refusal::AttendanceMonthOpen, because));
    }
    db::take_turns(tx, college, month)?;
    if !db::is_in_scope(tx, college, month)? {
        return Err(Refusal::NotFound.into());
    }
    let waiting = db::reserved(tx, college, month)?;
    if waiting > 0 {
        let because = format!(
            "{waiting} repas de {} sont encore réservés : dites s'ils ont été pris, manqués ou excusés.",
            month.french()
        );
        return Err(Error::RefusedBecause(Refusal::AttendanceMonthOpen, because));
    }
    let row = db::insert_lock(tx, by, college, month)?;
    let details = json!({ "college_uai": college, "month": month });
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
    let row = db::lock_living(tx, college, month)?.ok_or(Error::Refused(Refusal::AttendanceMonthTransition))?;
    if db::is_in_run(tx, row.id)? {
        return Err(Refusal::AttendanceMonthInRun.into());
    }
    let row = db::reopen(tx, row.id, by, reason)?;
    let details = json!({ "college_uai": college, "month": month, "reason": reason });
    audit::record(tx, "canteen_attendance_reopened", ("attendance_lock", row.id), details)?;
    Ok(row)
}

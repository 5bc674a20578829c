//! When the canteen serves: a calendar for each season, and the days on which it is closed all the same.

pub mod days;
mod db;
pub mod http;

pub use db::{CalendarRow, ClosureRow};

use super::{meals::closures, require_planned, services};
use crate::{
    audit,
    db::Tx,
    error::{Error, FieldError, Refusal},
    kernel::{
        ids::{AccountId, ClosureId},
        text::{Label, Note, SeasonCode, Uai},
        time::paris_date,
    },
};
use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use days::{Calendar, SchoolDay};
use serde_json::json;
use uuid::Uuid;

/// A strike may be written down when it is over, as long as its meals are not billed. In days.
const CLOSURE_BACK_MAX: u64 = 31;
/// The longest closure: works over a term. In days.
const CLOSURE_DAYS_MAX: i64 = 120;

text_enum! {
    /// Why a canteen is closed.
    pub enum ClosureKind {
        Strike = "strike",
        Outing = "outing",
        Works = "works",
        /// A power cut, a flood, an epidemic.
        Incident = "incident",
    }
}

/// Writes the draft of a season's calendar, in the place of the former draft.
pub fn draft_canteen_calendar(
    tx: &mut Tx<'_>,
    by: AccountId,
    season: &SeasonCode,
    calendar: &Calendar,
) -> Result<CalendarRow, Error> {
    services::require_canteen(tx)?;
    require_planned("/first_day", calendar.first_day, paris_date(tx.now()?))?;
    let row = db::write_draft(tx, by, season, calendar)?;
    audit::record(tx, "canteen_calendar_drafted", ("season", season), json!({ "version": row.version }))?;
    Ok(row)
}

/// The draft of a season's calendar.
pub fn show_canteen_calendar_draft(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<CalendarRow, Error> {
    db::draft(tx, season)?.ok_or(Refusal::NotFound.into())
}

/// Publishes the draft that another person wrote. Days that are past stay as they were published.
pub fn publish_canteen_calendar(
    tx: &mut Tx<'_>,
    by: AccountId,
    season: &SeasonCode,
    version: i32,
) -> Result<CalendarRow, Error> {
    services::require_canteen(tx)?;
    let draft = db::lock_draft(tx, season)?.ok_or(Error::Refused(Refusal::CanteenCalendarNotDraft))?;
    if draft.version != version {
        return Err(Refusal::StaleVersion.into());
    }
    if draft.drafted_by == by {
        return Err(Refusal::SamePerson.into());
    }
    let problems = draft.calendar.0.check(season);
    if !problems.is_empty() {
        return Err(Error::Fields(
            Refusal::CanteenCalendarInvalid,
            problems.into_iter().map(FieldError::from).collect(),
        ));
    }
    let today = paris_date(tx.now()?);
    if let Some(former) = db::published(tx, season)?
        && !former.calendar.0.served_days(NaiveDate::MIN, today).eq(draft.calendar.0.served_days(NaiveDate::MIN, today))
    {
        return Err(Refusal::CanteenCalendarRetroactive.into());
    }
    let row = db::publish(tx, by, season, version)?;
    audit::record(tx, "canteen_calendar_published", ("season", season), json!({ "version": version }))?;
    Ok(row)
}

/// The calendar of a season as last published.
pub fn show_canteen_calendar(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<CalendarRow, Error> {
    db::published(tx, season)?.ok_or(Refusal::NotFound.into())
}

/// The same, or none.
pub fn published(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<Option<CalendarRow>, Error> {
    db::published(tx, season)
}

/// The calendar of the school year that a day lies in.
pub fn published_on(tx: &mut Tx<'_>, day: NaiveDate) -> Result<Option<CalendarRow>, Error> {
    let holds = |row: &CalendarRow| row.calendar.0.first_day <= day && day <= row.calendar.0.last_day;
    Ok(db::last_published(tx)?.into_iter().find(holds))
}

/// Of these days, those without meals in any calendar.
pub fn unserved_days(tx: &mut Tx<'_>, mut days: Vec<NaiveDate>) -> Result<Vec<NaiveDate>, Error> {
    let calendars = db::last_published(tx)?;
    days.retain(|day| !calendars.iter().any(|row| row.calendar.0.is_served(*day)));
    Ok(days)
}

/// A day of the canteen of one collège.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MealDay {
    pub date: NaiveDate,
    /// Why there is no meal although the calendar has one.
    pub closed: Option<Label>,
    /// The first instant that is too late to cancel or add this meal.
    pub too_late_from: DateTime<Utc>,
}

/// Whether the calendar has a meal there on that day. Without a calendar, weekdays have one: nobody waits for a document at a gate.
pub fn is_served(tx: &mut Tx<'_>, college: &Uai, day: NaiveDate) -> Result<bool, Error> {
    let Some(year) = published_on(tx, day)? else { return Ok(SchoolDay::of(day.weekday()).is_some()) };
    let days = meal_days(tx, &year.calendar.0, college, (day, day))?;
    Ok(days.first().is_some_and(|day| day.closed.is_none()))
}

/// The days of a season on which that collège's canteen serves, as [`meal_days`].
pub fn list_meal_days(
    tx: &mut Tx<'_>,
    season: &SeasonCode,
    college: &Uai,
    days: (NaiveDate, NaiveDate),
) -> Result<Vec<MealDay>, Error> {
    let calendar = show_canteen_calendar(tx, season)?.calendar.0;
    meal_days(tx, &calendar, college, days)
}

/// The days on which that collège's canteen serves, and those on which it would, were it not closed. None while it is not in scope.
pub fn meal_days(
    tx: &mut Tx<'_>,
    calendar: &Calendar,
    college: &Uai,
    (from, until): (NaiveDate, NaiveDate),
) -> Result<Vec<MealDay>, Error> {
    let served: Vec<NaiveDate> = calendar.served_days(from, until).collect();
    let declared = db::closures_of(tx, college, (from, until))?;
    let day = |date| {
        let closure = declared.iter().find(|closure| closure.from_day <= date && date <= closure.until_day);
        MealDay {
            date,
            closed: closure.map(|closure| closure.label.clone()),
            too_late_from: calendar.too_late_from(date),
        }
    };
    Ok(services::offered_days(tx, Some(college), &served)?.into_iter().map(day).collect())
}

/// Days on which a canteen, or every canteen, is closed although the calendar has meals.
#[derive(Debug, Clone)]
pub struct NewClosure {
    pub college: Option<Uai>,
    pub from: NaiveDate,
    pub until: NaiveDate,
    pub kind: ClosureKind,
    pub label: Label,
}

/// Closures change which meals there are, and are applied to them later: whoever changes meals by what closures there are now waits for
/// whoever applies one, and he for them. Nobody else waits.
pub(super) fn hold_closures(tx: &mut Tx<'_>) -> Result<(), Error> {
    db::hold_closures(tx)
}

/// The turn of whoever applies a closure.
pub(super) fn take_closures(tx: &mut Tx<'_>) -> Result<(), Error> {
    db::take_closures(tx)
}

/// Declares a closure, of days on which meals are served otherwise.
pub fn declare_closure(tx: &mut Tx<'_>, by: AccountId, new: &NewClosure) -> Result<ClosureRow, Error> {
    services::require_canteen(tx)?;
    let today = paris_date(tx.now()?);
    if today.checked_sub_days(Days::new(CLOSURE_BACK_MAX)).is_some_and(|earliest| new.from < earliest) {
        return Err(Error::field("/from", "un jour d'il y a un mois au plus est attendu"));
    }
    if new.until < new.from || (new.until - new.from).num_days() >= CLOSURE_DAYS_MAX {
        return Err(Error::field("/until", "120 jours au plus sont attendus, le dernier après le premier"));
    }
    let year = published_on(tx, new.from)?.ok_or_else(|| {
        Error::field("/from", "un jour d'une année scolaire dont le calendrier de cantine est publié est attendu")
    })?;
    let calendar = year.calendar.0;
    if calendar.last_day < new.until {
        let detail = format!(
            "un jour de la même année scolaire, jusqu'au {}, est attendu",
            calendar.last_day.format("%d/%m/%Y")
        );
        return Err(Error::field("/until", detail));
    }
    let days: Vec<NaiveDate> = calendar.served_days(new.from, new.until).collect();
    let served = services::offered_days(tx, new.college.as_ref(), &days)?;
    if served.is_empty() {
        return Err(Error::field("/from", "aucun repas n'est servi ces jours-là : il n'y a rien à fermer"));
    }
    if let Some(college) = &new.college {
        let declared = db::closures_of(tx, college, (new.from, new.until))?;
        if served.iter().all(|day| declared.iter().any(|one| one.from_day <= *day && *day <= one.until_day)) {
            return Err(Refusal::ClosureOverlap.into());
        }
    }
    // Of one collège, the days that have begun are taken at once; the others, and those of all collèges, by the next round.
    let taken = new.college.as_ref().filter(|_| new.from <= today).map(|_| new.until.min(today));
    if taken.is_some() {
        db::take_closures(tx)?;
    }
    let row = db::insert_closure(tx, by, new, taken)?;
    closures::take_begun(tx, &row)?;
    let details = json!({ "college_uai": new.college, "from": new.from, "until": new.until, "kind": new.kind });
    audit::record(tx, "canteen_closed", ("canteen_closure", row.id), details)?;
    Ok(row)
}

/// A closure, withdrawn or not.
pub fn closure(tx: &mut Tx<'_>, id: ClosureId) -> Result<ClosureRow, Error> {
    db::closure(tx, id)
}

/// Takes a closure back; one that has begun for a reason, and as long as no month of it is locked.
pub fn withdraw_closure(
    tx: &mut Tx<'_>,
    by: AccountId,
    id: ClosureId,
    reason: Option<&Note>,
) -> Result<ClosureRow, Error> {
    let today = paris_date(tx.now()?);
    let row = db::closure(tx, id)?;
    let has_begun = row.withdrawn_at.is_none() && row.from_day <= today;
    if has_begun && reason.is_none() {
        return Err(Error::field("/reason", "cette fermeture a commencé : dites pourquoi elle est retirée"));
    }
    if has_begun && db::is_locked(tx, &row)? {
        return Err(Refusal::AttendanceLocked.into());
    }
    let row = db::withdraw_closure(tx, by, id)?.ok_or(Error::Refused(Refusal::ClosureTransition))?;
    audit::record(tx, "canteen_closure_withdrawn", ("canteen_closure", id), json!({ "reason": reason }))?;
    Ok(row)
}

/// A page of closures, last declared first. One row more than `limit` may come.
pub fn list_closures(tx: &mut Tx<'_>, before: Option<Uuid>, limit: i64) -> Result<Vec<ClosureRow>, Error> {
    db::page(tx, before, limit)
}

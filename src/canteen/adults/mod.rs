//! Adults who eat at a collège: its staff (*commensaux*), enrolled for the year like pupils, and guests, invited for a day. The collège's
//! secretary registers them; what concerns their pay is an agent's, and a secretary never sees a price.

mod db;
pub mod http;

pub use db::Adult;

use super::{
    Diner, calendars,
    enrolments::{self, CanteenEnrolment, EndReason, Place, Wish},
    meals::{self, guests, state::MealState},
    rates::{self, Known, MeansSource, Origin},
    services,
    tariffs::Means,
};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    jobs::{self, Job},
    kernel::{
        ids::{AccountId, CanteenAdultId, CanteenEnrolmentId},
        text::{Email, Name, SeasonCode, Uai},
        time::paris_date,
    },
};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde_json::json;

/// Above every index of the public service's pay scales.
const PAY_INDEX_MAX: u32 = 2_000;

text_enum! {
    /// What brings an adult to the table.
    pub enum AdultKind {
        /// Staff of the collège.
        Commensal = "commensal",
        Guest = "guest",
    }
}

/// An adult to register.
#[derive(Debug, Clone)]
pub struct NewAdult {
    pub kind: AdultKind,
    pub last_name: Name,
    pub first_names: Name,
    pub email: Option<Email>,
}

/// Registers an adult at a collège where meals are served.
pub fn register(tx: &mut Tx<'_>, by: AccountId, college: &Uai, new: &NewAdult) -> Result<Adult, Error> {
    let today = paris_date(tx.now()?);
    if !services::is_offered(tx, college, today)? {
        return Err(Refusal::CanteenNotOffered.into());
    }
    if db::is_known(tx, college, new)? {
        return Err(Refusal::AdultKnown.into());
    }
    let adult = db::insert(tx, by, college, new)?;
    let details = json!({ "kind": new.kind, "college_uai": college });
    audit::record(tx, "canteen_adult_registered", ("canteen_adult", adult.id), details)?;
    Ok(adult)
}

/// A page of the adults of a collège, those who left included.
pub fn list(tx: &mut Tx<'_>, college: &Uai, after: Option<uuid::Uuid>, limit: i64) -> Result<Vec<Adult>, Error> {
    db::page(tx, college, after, limit)
}

fn present(tx: &mut Tx<'_>, id: CanteenAdultId) -> Result<Adult, Error> {
    let adult = db::lock(tx, id)?;
    if adult.left_at.is_some() { Err(Refusal::AdultLeft.into()) } else { Ok(adult) }
}

/// Enrols a member of the staff for a season. The rate is set by the service: who enrols him may not see it.
pub fn enrol(tx: &mut Tx<'_>, id: CanteenAdultId, wish: &Wish) -> Result<CanteenEnrolment, Error> {
    let adult = present(tx, id)?;
    if adult.kind != AdultKind::Commensal {
        return Err(Refusal::WrongDiner.into());
    }
    services::require_canteen(tx)?;
    let place = Place { diner: Diner::Commensal, person: id.into(), family: None, college: adult.college_uai };
    let enrolment = enrolments::enrol(tx, place, wish)?;
    jobs::enqueue(tx, &Job::CanteenRate { enrolment: enrolment.id, from: enrolment.starts_on, is_new_week: true })?;
    Ok(enrolment)
}

/// Keeps the pay index that an agent read on a pay slip; the rate follows from that day on.
pub fn set_pay_index(
    tx: &mut Tx<'_>,
    by: AccountId,
    id: CanteenAdultId,
    season: &SeasonCode,
    pay_index: u32,
) -> Result<(), Error> {
    if !(1..=PAY_INDEX_MAX).contains(&pay_index) {
        return Err(Error::field("/pay_index", "un indice de 1 à 2000 est attendu"));
    }
    let adult = present(tx, id)?;
    if adult.kind != AdultKind::Commensal {
        return Err(Refusal::WrongDiner.into());
    }
    let enrolment = enrolments::db::active_of(tx, id.into(), season)?.ok_or(Error::Refused(Refusal::NotFound))?;
    let starts_on = enrolment.starts_on.max(first_of_month(paris_date(tx.now()?)));
    let origin = Origin {
        diner: id.into(),
        family: None,
        season: season.clone(),
        starts_on,
        source: MeansSource::PaySlip,
        request: None,
        decided_by: Some(by),
    };
    rates::learn(tx, &origin, &Known { means: Means::PayIndex { pay_index }, statuses: vec![] })?;
    rates::refresh(tx, &enrolment, starts_on)?;
    Ok(())
}

/// Pay is monthly: an index holds from the first day of the month in which it was shown.
fn first_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

/// Reserves a meal before its cut-off: a guest's, or one that a member of the staff adds to his own.
pub fn reserve_meal(tx: &mut Tx<'_>, id: CanteenAdultId, day: NaiveDate) -> Result<MealState, Error> {
    let adult = present(tx, id)?;
    if let Some(enrolment) = enrolment_on(tx, &adult, day)? {
        return Ok(meals::reserve_meal(tx, enrolment, day)?.state.unwrap_or(MealState::Reserved));
    }
    let served = served_day(tx, &adult, day)?;
    meals::require_time(tx.now()?, served)?;
    guests::reserve(tx, id.into(), &adult.college_uai, day)?;
    audit::record(tx, "canteen_guest_invited", ("canteen_adult", id), json!({ "day": day }))?;
    Ok(MealState::Reserved)
}

/// Cancels a meal before its cut-off, a guest's or one of the staff's.
pub fn cancel_meal(tx: &mut Tx<'_>, id: CanteenAdultId, day: NaiveDate) -> Result<MealState, Error> {
    let adult = present(tx, id)?;
    if let Some(enrolment) = enrolment_on(tx, &adult, day)? {
        return Ok(meals::cancel_meal(tx, enrolment, day)?.state.unwrap_or(MealState::Cancelled));
    }
    let served = served_day(tx, &adult, day)?;
    meals::require_time(tx.now()?, served)?;
    guests::cancel(tx, id.into(), day)?;
    audit::record(tx, "canteen_guest_uninvited", ("canteen_adult", id), json!({ "day": day }))?;
    Ok(MealState::Cancelled)
}

/// The enrolment that a meal of that day is of; a guest has none.
fn enrolment_on(tx: &mut Tx<'_>, adult: &Adult, day: NaiveDate) -> Result<Option<CanteenEnrolmentId>, Error> {
    if adult.kind == AdultKind::Guest {
        return Ok(None);
    }
    let calendar = calendars::published_on(tx, day)?.ok_or(Error::Refused(Refusal::CanteenNoCalendar))?;
    let enrolment = enrolments::db::active_of(tx, adult.id.into(), &calendar.season)?;
    enrolment.map(|row| Some(row.id)).ok_or(Error::Refused(Refusal::NoMealThatDay))
}

/// The instant from which that day's meal stands, at a collège that serves on it.
fn served_day(tx: &mut Tx<'_>, adult: &Adult, day: NaiveDate) -> Result<DateTime<Utc>, Error> {
    calendars::hold_closures(tx)?;
    let calendar = calendars::published_on(tx, day)?.ok_or(Error::Refused(Refusal::CanteenNoCalendar))?;
    let served = calendars::meal_days(tx, &calendar.calendar.0, &adult.college_uai, (day, day))?.pop();
    let open = served.filter(|served| served.closed.is_none());
    open.map(|served| served.too_late_from).ok_or(Refusal::NoMealThatDay.into())
}

/// The adult eats there no more: his enrolments and invitations end, as far as their meals can still be cancelled.
pub fn leave(tx: &mut Tx<'_>, id: CanteenAdultId, version: i32) -> Result<Adult, Error> {
    let adult = present(tx, id)?;
    if adult.version != version {
        return Err(Refusal::StaleVersion.into());
    }
    for row in enrolments::db::of_person(tx, id.into())? {
        if row.state == enrolments::CanteenEnrolmentState::Active {
            enrolments::end(tx, row.id, row.version, EndReason::ByDepartment)?;
        }
    }
    let uninvited = guests::cancel_all(tx, id.into())?;
    audit::record(tx, "canteen_adult_left", ("canteen_adult", id), json!({ "uninvited": uninvited }))?;
    db::set_left(tx, id)
}

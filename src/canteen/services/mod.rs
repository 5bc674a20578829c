//! When a department has a canteen, and which of its collèges are in scope: periods of civil days, both ends included. A period is
//! ended, put off or given up; what has been served stays served. The SQL function `canteen_offered(uai, day)` joins both, and the trigger
//! `canteen_must_be_offered` holds the tables of enrolments and meals to it.

mod db;
pub mod http;

use super::{meals::layout, require_planned};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    kernel::{
        ids::{AccountId, CanteenCollegeId, CanteenServiceId},
        text::Uai,
        time::paris_date,
    },
    schema::department::{canteen_colleges, canteen_services},
};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

/// A department opens its canteen once, and closes it once or never.
const SERVICES_MAX: i64 = 50;

/// From a day until another, or until nobody knows when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub starts_on: NaiveDate,
    pub ends_on: Option<NaiveDate>,
}

/// A time during which the department has a canteen.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = canteen_services)]
pub struct CanteenService {
    pub id: CanteenServiceId,
    pub starts_on: NaiveDate,
    pub ends_on: Option<NaiveDate>,
}

/// A time during which a collège is in scope.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = canteen_colleges)]
pub struct CanteenCollege {
    pub id: CanteenCollegeId,
    pub uai: Uai,
    pub starts_on: NaiveDate,
    pub ends_on: Option<NaiveDate>,
}

impl CanteenService {
    const fn period(&self) -> Period {
        Period { starts_on: self.starts_on, ends_on: self.ends_on }
    }
}

impl CanteenCollege {
    const fn period(&self) -> Period {
        Period { starts_on: self.starts_on, ends_on: self.ends_on }
    }
}

impl Period {
    /// Whether the day lies in it.
    #[must_use]
    pub fn holds(self, day: NaiveDate) -> bool {
        self.starts_on <= day && self.ends_on.is_none_or(|last| day <= last)
    }

    /// A period to declare begins within what is planned; it may begin in the past, where nothing was.
    pub fn check(self, today: NaiveDate) -> Result<(), Error> {
        require_planned("/starts_on", self.starts_on, today)?;
        self.check_end(today)
    }

    /// A period that is over would change nothing but the past.
    fn check_end(self, today: NaiveDate) -> Result<(), Error> {
        match self.ends_on {
            Some(last) if last < self.starts_on => Err(Error::field("/ends_on", "la fin précède le début")),
            Some(last) if last < today => Err(Error::field("/ends_on", "la fin est déjà passée")),
            _ => Ok(()),
        }
    }

    /// The same period with another end; what is over stays as it was.
    pub fn ending(self, ends_on: Option<NaiveDate>, today: NaiveDate) -> Result<Self, Error> {
        if self.ends_on.is_some_and(|last| last < today) {
            return Err(Refusal::CanteenPeriod.into());
        }
        let changed = Self { ends_on, ..self };
        changed.check_end(today)?;
        Ok(changed)
    }
}

/// Whether meals are served in that collège on that day.
pub fn is_offered(tx: &mut Tx<'_>, college: &Uai, day: NaiveDate) -> Result<bool, Error> {
    db::is_offered(tx, college, day)
}

/// Refuses what only a department with a canteen does: it has one today, or on a day to come.
pub fn require_canteen(tx: &mut Tx<'_>) -> Result<(), Error> {
    let today = paris_date(tx.now()?);
    if db::lasts_after(tx, today)? {
        return Ok(());
    }
    let because = "Ce département n'a pas de cantine, et n'en annonce pas.".to_owned();
    Err(Error::RefusedBecause(Refusal::CanteenNotOffered, because))
}

/// Refuses what only a department does that has a canteen, or had one: what was eaten is billed and paid after it has closed.
pub fn require_canteen_once(tx: &mut Tx<'_>) -> Result<(), Error> {
    if !db::services(tx, 1)?.is_empty() {
        return Ok(());
    }
    let because = "Ce département n'a pas de cantine, et n'en a jamais eu.".to_owned();
    Err(Error::RefusedBecause(Refusal::CanteenNotOffered, because))
}

/// Whether meals are to be served in that collège on some day of that time, from today on.
pub fn is_offered_within(tx: &mut Tx<'_>, college: &Uai, period: Period) -> Result<bool, Error> {
    let today = paris_date(tx.now()?);
    if period.ends_on.is_some_and(|last| last < today) {
        return Ok(false);
    }
    db::is_offered_within(tx, college, period.starts_on.max(today), period.ends_on)
}

/// Those of these days on which that collège, or any, is in scope.
pub fn offered_days(tx: &mut Tx<'_>, college: Option<&Uai>, days: &[NaiveDate]) -> Result<Vec<NaiveDate>, Error> {
    db::offered_days(tx, college, days)
}

/// Today, and the times of the department's canteen, the last one first.
fn show_canteen(tx: &mut Tx<'_>) -> Result<(NaiveDate, Vec<CanteenService>), Error> {
    let today = paris_date(tx.now()?);
    Ok((today, db::services(tx, SERVICES_MAX)?))
}

/// Opens the department's canteen.
fn open_canteen(tx: &mut Tx<'_>, by: AccountId, period: Period) -> Result<CanteenService, Error> {
    period.check(paris_date(tx.now()?))?;
    let service = db::insert_service(tx, by, period)?;
    audit::record(tx, "canteen_opened", ("canteen_service", service.id), told(service.period()))?;
    layout::lay_out_again(tx, None)?;
    Ok(service)
}

/// Sets the last day of a time, or takes it away.
fn end_canteen(tx: &mut Tx<'_>, id: CanteenServiceId, ends_on: Option<NaiveDate>) -> Result<CanteenService, Error> {
    let today = paris_date(tx.now()?);
    let period = db::lock_service(tx, id)?.period().ending(ends_on, today)?;
    audit::record(tx, "canteen_end_set", ("canteen_service", id), told(period))?;
    let service = db::set_service_end(tx, id, ends_on)?;
    layout::lay_out_again(tx, None)?;
    Ok(service)
}

/// Gives up a time that has not begun.
fn cancel_canteen(tx: &mut Tx<'_>, id: CanteenServiceId) -> Result<(), Error> {
    let today = paris_date(tx.now()?);
    let period = db::lock_service(tx, id)?.period();
    if period.starts_on <= today || db::delete_service(tx, id)? == 0 {
        return Err(Refusal::CanteenPeriod.into());
    }
    audit::record(tx, "canteen_cancelled", ("canteen_service", id), told(period))?;
    layout::lay_out_again(tx, None)
}

/// The collèges in scope on that day or later: today when no day is given.
fn list_canteen_colleges(
    tx: &mut Tx<'_>,
    from: Option<NaiveDate>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<CanteenCollege>, Error> {
    let today = paris_date(tx.now()?);
    db::colleges_from(tx, from.unwrap_or(today), after, limit)
}

/// Brings collèges into scope, all or none, from a day on which the department has a canteen.
fn add_canteen_colleges(
    tx: &mut Tx<'_>,
    by: AccountId,
    uais: &[Uai],
    period: Period,
) -> Result<Vec<CanteenCollege>, Error> {
    period.check(paris_date(tx.now()?))?;
    if db::service_on(tx, period.starts_on)?.is_none() {
        return Err(Refusal::CanteenNotOffered.into());
    }
    let added = db::insert_colleges(tx, by, uais, period)?;
    let details = |row: &CanteenCollege| json!({ "uai": row.uai, "starts_on": row.starts_on, "ends_on": row.ends_on });
    let lines: Vec<_> = added.iter().map(|row| (row.id.to_string(), details(row))).collect();
    audit::record_many(tx, "canteen_college_added", "canteen_college", &lines)?;
    // One that was in scope before has meals that were closed.
    for college in &added {
        layout::lay_out_again(tx, Some(&college.uai))?;
    }
    Ok(added)
}

/// Sets the last day of a collège's time in scope, or takes it away.
fn end_canteen_college(
    tx: &mut Tx<'_>,
    id: CanteenCollegeId,
    ends_on: Option<NaiveDate>,
) -> Result<CanteenCollege, Error> {
    let today = paris_date(tx.now()?);
    let period = db::lock_college(tx, id)?.period().ending(ends_on, today)?;
    audit::record(tx, "canteen_college_end_set", ("canteen_college", id), told(period))?;
    let college = db::set_college_end(tx, id, ends_on)?;
    layout::lay_out_again(tx, Some(&college.uai))?;
    Ok(college)
}

/// Gives up a collège's time in scope that has not begun.
fn cancel_canteen_college(tx: &mut Tx<'_>, id: CanteenCollegeId) -> Result<(), Error> {
    let today = paris_date(tx.now()?);
    let college = db::lock_college(tx, id)?;
    let period = college.period();
    if period.starts_on <= today || db::delete_college(tx, id)? == 0 {
        return Err(Refusal::CanteenPeriod.into());
    }
    audit::record(tx, "canteen_college_cancelled", ("canteen_college", id), told(period))?;
    layout::lay_out_again(tx, Some(&college.uai))
}

fn told(period: Period) -> serde_json::Value {
    json!({ "starts_on": period.starts_on, "ends_on": period.ends_on })
}

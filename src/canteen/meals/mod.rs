//! Meals: one a diner and day, laid out from the calendar for the year, changed until the cut-off, taken at the gate.

pub mod closures;
mod db;
pub mod guests;
pub mod http;
pub mod layout;
pub mod notices;
pub mod singles;
pub mod state;

pub use db::{MISSED, MealRow};

use super::{
    Diner, calendars,
    enrolments::{self, CanteenEnrolment},
    rates::{self, RateRow},
    tariffs::{self, explained::PriceUnit},
};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    families,
    kernel::{
        ids::{CanteenEnrolmentId, ChildId, DinerId},
        money::Cents,
        text::SeasonCode,
        time::{paris_clock, paris_date},
    },
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::json;
use state::{Charge, MealEvent, MealState};
use std::collections::BTreeMap;

/// A day of an enrolment's year.
#[derive(Debug, Clone)]
pub struct Day {
    pub date: NaiveDate,
    /// None: a day on which the canteen serves and this diner does not eat.
    pub state: Option<MealState>,
    /// Why there is none.
    pub closed: Option<String>,
    /// The first instant that is too late to cancel or add this meal.
    pub too_late_from: DateTime<Utc>,
}

/// The days of an enrolment between those two: those on which the canteen serves, or would, and those on which something was eaten all the
/// same, though it were before its first day. One that has ended has no days of the enrolment that came after it.
pub fn list_meals(
    tx: &mut Tx<'_>,
    id: CanteenEnrolmentId,
    (from, until): (NaiveDate, NaiveDate),
) -> Result<Vec<Day>, Error> {
    let enrolment = enrolments::db::enrolment(tx, id)?;
    let mut meals = db::of_person(tx, enrolment.person_id, (from, until))?;
    let is_active = enrolment.state == enrolments::CanteenEnrolmentState::Active;
    meals.retain(|meal| match meal.enrolment_id {
        Some(id) => id == enrolment.id || enrolment.lasts_on(meal.day),
        None => is_active || enrolment.lasts_on(meal.day),
    });
    let calendar = calendars::show_canteen_calendar(tx, &enrolment.season)?.calendar.0;
    let served = calendars::list_meal_days(tx, &enrolment.season, &enrolment.college_uai, (from, until))?;
    let state_of = |date| meals.iter().find(|meal| meal.day == date).map(|meal| meal.state);
    let mut days: Vec<Day> = served
        .into_iter()
        .filter(|day| enrolment.lasts_on(day.date) || state_of(day.date).is_some())
        .map(|day| Day {
            date: day.date,
            state: state_of(day.date),
            closed: day.closed.map(|label| label.to_string()),
            too_late_from: day.too_late_from,
        })
        .collect();
    let unserved: Vec<&MealRow> = meals.iter().filter(|meal| days.iter().all(|day| day.date != meal.day)).collect();
    days.extend(unserved.into_iter().map(|meal| Day {
        date: meal.day,
        state: Some(meal.state),
        closed: None,
        too_late_from: calendar.too_late_from(meal.day),
    }));
    days.sort_by_key(|day| day.date);
    Ok(days)
}

/// A meal of a child.
#[derive(Debug, Clone)]
pub struct ChildMeal {
    pub row: MealRow,
    /// What is due for it; `None` of one that no grid prices, and of a price for the whole year.
    pub cents: Option<Cents>,
}

/// The meals of a child between those two days, whether or not it was enrolled when it ate.
pub fn list_child_meals(
    tx: &mut Tx<'_>,
    child: ChildId,
    days: (NaiveDate, NaiveDate),
) -> Result<Vec<ChildMeal>, Error> {
    let diner = DinerId::from(families::child(tx, child)?.id);
    let rows = db::of_person(tx, diner, days)?;
    let tariffs = tariffs::tariffs_within(tx, Diner::Pupil, days)?;
    let enrolments = enrolments::db::of_person(tx, diner)?;
    let mut rates: BTreeMap<&SeasonCode, Vec<RateRow>> = BTreeMap::new();
    for enrolment in &enrolments {
        rates.insert(&enrolment.season, rates::rates(tx, diner, &enrolment.season)?);
    }
    let own_rate = |row: &MealRow| {
        let enrolment = enrolments.iter().find(|enrolment| Some(enrolment.id) == row.enrolment_id)?;
        let rate = rates::rate_of(rates.get(&enrolment.season)?, row.day)?;
        (rate.unit == PriceUnit::Meal).then_some(rate.cents)
    };
    let without_reservation = |row: &MealRow| {
        // One grid a day.
        let (_, tariff) = tariffs.iter().rfind(|(first, _)| *first <= row.day)?;
        (row.day <= tariff.grid().ends_on).then_some(tariff.grid().walk_in_cents)
    };
    let priced = |row: MealRow| {
        let cents = match row.state.charge() {
            Charge::Nothing => Some(Cents::ZERO),
            Charge::Rate => own_rate(&row),
            Charge::WalkIn => without_reservation(&row),
        };
        ChildMeal { row, cents }
    };
    Ok(rows.into_iter().map(priced).collect())
}

/// Cancels a meal before its cut-off.
pub fn cancel_meal(tx: &mut Tx<'_>, id: CanteenEnrolmentId, date: NaiveDate) -> Result<Day, Error> {
    change(tx, id, date, MealEvent::Cancel)
}

/// Adds a meal before its cut-off: one that was cancelled, or one of a day on which the diner does not eat otherwise.
pub fn reserve_meal(tx: &mut Tx<'_>, id: CanteenEnrolmentId, date: NaiveDate) -> Result<Day, Error> {
    change(tx, id, date, MealEvent::Reserve)
}

fn change(tx: &mut Tx<'_>, id: CanteenEnrolmentId, date: NaiveDate, event: MealEvent) -> Result<Day, Error> {
    let (enrolment, _) = enrolments::lock_active(tx, id, None)?;
    calendars::hold_closures(tx)?;
    let day = served_day(tx, &enrolment, date)?;
    require_time(tx.now()?, day.too_late_from)?;
    let state = match (db::lock(tx, enrolment.person_id, date)?, event) {
        (Some(meal), _) => {
            let next = meal.state.after(event).ok_or(Error::Refused(Refusal::MealTransition))?;
            db::set_state(tx, &enrolment, date, next)?;
            next
        }
        (None, MealEvent::Reserve) => {
            db::insert(tx, &enrolment, date)?;
            MealState::Reserved
        }
        (None, _) => return Err(Refusal::NoMealThatDay.into()),
    };
    audit::record(tx, "meal_changed", ("canteen_enrolment", id), json!({ "day": date, "state": state }))?;
    let done = if state == MealState::Cancelled { "annulé" } else { "réservé" };
    let what = format!("Son repas du {} est {done}.", date.format("%d/%m/%Y"));
    enrolments::tell_of_agent(tx, &enrolment, &what)?;
    Ok(Day { state: Some(state), ..day })
}

/// A day of the enrolment on which its canteen serves.
fn served_day(tx: &mut Tx<'_>, enrolment: &CanteenEnrolment, date: NaiveDate) -> Result<Day, Error> {
    if date < enrolment.starts_on || enrolment.ends_on < date || date < paris_date(tx.now()?) {
        return Err(Refusal::NoMealThatDay.into());
    }
    let day = calendars::list_meal_days(tx, &enrolment.season, &enrolment.college_uai, (date, date))?.pop();
    match day {
        Some(day) if day.closed.is_none() => {
            Ok(Day { date, state: None, closed: None, too_late_from: day.too_late_from })
        }
        _ => Err(Refusal::NoMealThatDay.into()),
    }
}

/// Refuses a change that comes after the cut-off, and tells when that was.
pub(super) fn require_time(now: DateTime<Utc>, too_late_from: DateTime<Utc>) -> Result<(), Error> {
    if now < too_late_from {
        return Ok(());
    }
    // "Until 23:59" says more than "before midnight of the next day".
    let last = paris_clock(too_late_from.checked_sub_signed(TimeDelta::seconds(1)).unwrap_or(too_late_from));
    let because = format!("Ce repas ne change plus : c'était possible jusqu'au {}.", last.format("%d/%m/%Y à %H h %M"));
    Err(Error::RefusedBecause(Refusal::CanteenTooLate, because))
}

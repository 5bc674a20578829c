//! Meals of guests, who have no enrolment: each is an invitation for a day.

use super::{
    db,
    state::{MealEvent, MealState},
};
use crate::{
    canteen::calendars,
    db::Tx,
    error::{Error, Refusal},
    kernel::{ids::DinerId, text::Uai, time::paris_date},
};
use chrono::NaiveDate;

/// Reserves the meal of a guest, on a day on which the collège serves.
pub fn reserve(tx: &mut Tx<'_>, guest: DinerId, college: &Uai, day: NaiveDate) -> Result<(), Error> {
    match db::lock(tx, guest, day)? {
        None => db::insert_for_guest(tx, guest, college, day),
        Some(meal) => {
            // What was closed is served after all.
            let event = if meal.state == MealState::Closed { MealEvent::Reopen } else { MealEvent::Reserve };
            let next = meal.state.after(event).ok_or(Error::Refused(Refusal::MealTransition))?;
            db::set_guests_state(tx, guest, day, next)
        }
    }
}

/// Cancels the meal of a guest.
pub fn cancel(tx: &mut Tx<'_>, guest: DinerId, day: NaiveDate) -> Result<(), Error> {
    let meal = db::lock(tx, guest, day)?.ok_or(Error::Refused(Refusal::NoMealThatDay))?;
    let next = meal.state.after(MealEvent::Cancel).ok_or(Error::Refused(Refusal::MealTransition))?;
    db::set_guests_state(tx, guest, day, next)
}

/// Cancels the meals of a guest that can still be cancelled; the others stay. Returns how many were.
pub fn cancel_all(tx: &mut Tx<'_>, guest: DinerId) -> Result<usize, Error> {
    let now = tx.now()?;
    let mut cancelled = 0_usize;
    for meal in db::of_person(tx, guest, (paris_date(now), NaiveDate::MAX))? {
        let calendar = calendars::published_on(tx, meal.day)?;
        let is_open = calendar.is_none_or(|row| now < row.calendar.0.too_late_from(meal.day));
        if is_open && meal.state == MealState::Reserved {
            cancel(tx, guest, meal.day)?;
            cancelled = cancelled.saturating_add(1);
        }
    }
    Ok(cancelled)
}

/// Closes invitations for days to come on which the collège serves no more: another calendar has them without meals, or it left the scope.
/// Returns how many; there are few.
pub fn close_unserved(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let today = paris_date(tx.now()?);
    let days = db::invited_days(tx, today)?;
    if days.is_empty() {
        return Ok(0);
    }
    let unserved = calendars::unserved_days(tx, days)?;
    db::close_invitations(tx, today, &unserved)
}

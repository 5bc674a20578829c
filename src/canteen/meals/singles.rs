//! What a family chose for single days, against the days of the week: it goes along when the child changes collège, and comes back with a
//! child whose departure is taken back.

use super::{layout::SERVED, state::MealState};
use crate::{
    canteen::{
        calendars::{self, days::Calendar},
        enrolments::CanteenEnrolment,
    },
    db::Tx,
    error::Error,
    schema::department::canteen_meals as meals,
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, Date, Timestamptz, Uuid},
};

/// Days that were chosen singly.
#[derive(Debug)]
pub struct Singles {
    cancelled: Vec<NaiveDate>,
    added: Vec<NaiveDate>,
}

/// Those of an enrolment from that day on: a meal that was added and is closed meanwhile stays wanted, and so does one that was cancelled
/// by nothing but the enrolment's end, at its very instant.
pub fn chosen_from(tx: &mut Tx<'_>, enrolment: &CanteenEnrolment, from: NaiveDate) -> Result<Singles, Error> {
    let rows: Vec<(NaiveDate, MealState, DateTime<Utc>)> = meals::table
        .filter(meals::person_id.eq(enrolment.person_id).and(meals::enrolment_id.eq(enrolment.id)))
        .filter(meals::is_single.and(meals::day.ge(from)))
        .select((meals::day, meals::state, meals::changed_at))
        .load(tx.conn)?;
    let mut chosen = Singles { cancelled: vec![], added: vec![] };
    for (day, state, changed_at) in rows {
        match state {
            MealState::Cancelled if enrolment.ended_at != Some(changed_at) => chosen.cancelled.push(day),
            MealState::Cancelled | MealState::Reserved | MealState::Closed => chosen.added.push(day),
            _ => {}
        }
    }
    Ok(chosen)
}

/// Chooses them again for an enrolment whose meals are laid out: what was cancelled is, and what was added is reserved on days on which its
/// canteen serves, or closed while a closure stands.
pub fn choose_again(
    tx: &mut Tx<'_>,
    enrolment: &CanteenEnrolment,
    calendar: &Calendar,
    chosen: &Singles,
) -> Result<(), Error> {
    calendars::hold_closures(tx)?;
    let now = tx.now()?;
    let own = meals::table.filter(meals::person_id.eq(enrolment.person_id).and(meals::enrolment_id.eq(enrolment.id)));
    let laid_out = own
        .filter(meals::day.eq_any(&chosen.cancelled))
        .filter(meals::state.eq_any([MealState::Reserved, MealState::Closed]));
    diesel::update(laid_out)
        .set((meals::state.eq(MealState::Cancelled), meals::is_single.eq(true), meals::changed_at.eq(now)))
        .execute(tx.conn)?;
    let added = calendar.served_days(enrolment.starts_on, enrolment.ends_on).filter(|day| chosen.added.contains(day));
    diesel::sql_query(format!(
        "with {SERVED}
         insert into canteen_meals (person_id, day, enrolment_id, family_id, college_uai, state, changed_at, is_single)
         select e.person_id, s.day, e.id, e.family_id, e.college_uai, case when s.closed then 'closed' else 'reserved' end, $3, true
           from canteen_enrolments e join served s on s.uai = e.college_uai
          where e.id = $1
         on conflict (person_id, day) do update
            set enrolment_id = excluded.enrolment_id, college_uai = excluded.college_uai, state = excluded.state,
                changed_at = excluded.changed_at, is_single = true
          where canteen_meals.state in ('cancelled', 'closed') and canteen_meals.enrolment_id <> excluded.enrolment_id"
    ))
    .bind::<Uuid, _>(enrolment.id)
    .bind::<Array<Date>, _>(added.collect::<Vec<_>>())
    .bind::<Timestamptz, _>(now)
    .execute(tx.conn)?;
    Ok(())
}

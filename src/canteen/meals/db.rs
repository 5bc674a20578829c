//! Rows of meals, one a diner and day.

use super::state::MealState;
use crate::{
    canteen::enrolments::CanteenEnrolment,
    db::Tx,
    error::Error,
    kernel::{
        ids::{CanteenEnrolmentId, DinerId},
        text::Uai,
    },
    schema::department::canteen_meals,
};
use chrono::NaiveDate;
use diesel::{
    prelude::*,
    sql_types::{Array, Date, Timestamptz},
};

/// What a reserved meal to which nobody came becomes, in a statement that updates meals: excused when its family was told, and then told
/// otherwise, that nothing is served.
pub const MISSED: &str = "case when canteen_called_off(college_uai, day) then 'excused' else 'no_show' end";

/// A meal of a diner.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = canteen_meals)]
pub struct MealRow {
    pub day: NaiveDate,
    /// Absent: of a guest, or taken by somebody who was not enrolled.
    pub enrolment_id: Option<CanteenEnrolmentId>,
    pub college_uai: Uai,
    pub state: MealState,
}

/// Those of a diner between two days, both included.
pub fn of_person(
    tx: &mut Tx<'_>,
    person: DinerId,
    (from, until): (NaiveDate, NaiveDate),
) -> Result<Vec<MealRow>, Error> {
    Ok(canteen_meals::table
        .filter(canteen_meals::person_id.eq(person).and(canteen_meals::day.between(from, until)))
        .order(canteen_meals::day)
        .select(MealRow::as_select())
        .load(tx.conn)?)
}

pub fn lock(tx: &mut Tx<'_>, person: DinerId, day: NaiveDate) -> Result<Option<MealRow>, Error> {
    Ok(canteen_meals::table.find((person, day)).select(MealRow::as_select()).for_update().first(tx.conn).optional()?)
}

/// Moves a meal, which is this enrolment's from then on, by a choice for that day.
pub fn set_state(tx: &mut Tx<'_>, enrolment: &CanteenEnrolment, day: NaiveDate, state: MealState) -> Result<(), Error> {
    let now = tx.now()?;
    let is_single = (state == MealState::Reserved) != enrolment.weekdays.include(day);
    diesel::update(canteen_meals::table.find((enrolment.person_id, day)))
        .set((
            canteen_meals::enrolment_id.eq(enrolment.id),
            canteen_meals::college_uai.eq(&enrolment.college_uai),
            canteen_meals::state.eq(state),
            canteen_meals::changed_at.eq(now),
            canteen_meals::is_single.eq(is_single),
        ))
        .execute(tx.conn)?;
    Ok(())
}

pub fn insert(tx: &mut Tx<'_>, enrolment: &CanteenEnrolment, day: NaiveDate) -> Result<(), Error> {
    let now = tx.now()?;
    diesel::insert_into(canteen_meals::table)
        .values((
            canteen_meals::person_id.eq(enrolment.person_id),
            canteen_meals::day.eq(day),
            canteen_meals::enrolment_id.eq(enrolment.id),
            canteen_meals::family_id.eq(enrolment.family_id),
            canteen_meals::college_uai.eq(&enrolment.college_uai),
            canteen_meals::state.eq(MealState::Reserved),
            canteen_meals::changed_at.eq(now),
            canteen_meals::is_single.eq(!enrolment.weekdays.include(day)),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Days after that one for which a guest is invited.
pub fn invited_days(tx: &mut Tx<'_>, after: NaiveDate) -> Result<Vec<NaiveDate>, Error> {
    Ok(canteen_meals::table
        .filter(canteen_meals::enrolment_id.is_null().and(canteen_meals::state.eq(MealState::Reserved)))
        .filter(canteen_meals::day.gt(after))
        .select(canteen_meals::day)
        .distinct()
        .load(tx.conn)?)
}

/// Closes invitations for those days, and for any on which their collège is not in scope.
pub fn close_invitations(tx: &mut Tx<'_>, after: NaiveDate, unserved: &[NaiveDate]) -> Result<usize, Error> {
    let now = tx.now()?;
    Ok(diesel::sql_query(
        "update canteen_meals set state = 'closed', changed_at = $3
          where enrolment_id is null and state = 'reserved' and day > $1 and (day = any ($2) or not canteen_offered(college_uai, day))",
    )
    .bind::<Date, _>(after)
    .bind::<Array<Date>, _>(unserved)
    .bind::<Timestamptz, _>(now)
    .execute(tx.conn)?)
}

/// A guest is of no enrolment: a trigger wants the collège to serve that day.
pub fn insert_for_guest(tx: &mut Tx<'_>, guest: DinerId, college: &Uai, day: NaiveDate) -> Result<(), Error> {
    let now = tx.now()?;
    diesel::insert_into(canteen_meals::table)
        .values((
            canteen_meals::person_id.eq(guest),
            canteen_meals::day.eq(day),
            canteen_meals::college_uai.eq(college),
            canteen_meals::state.eq(MealState::Reserved),
            canteen_meals::changed_at.eq(now),
        ))
        .execute(tx.conn)?;
    Ok(())
}

pub fn set_guests_state(tx: &mut Tx<'_>, guest: DinerId, day: NaiveDate, state: MealState) -> Result<(), Error> {
    let now = tx.now()?;
    diesel::update(canteen_meals::table.find((guest, day)))
        .set((canteen_meals::state.eq(state), canteen_meals::changed_at.eq(now)))
        .execute(tx.conn)?;
    Ok(())
}

//! Rows of enrolments. A diner has one active enrolment a season; a trigger wants its collège in the canteen's scope.

use super::{CanteenEnrolmentState, Diet, EndReason, Place, Wish};
use crate::{
    canteen::{Diner, weekdays::Weekdays},
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, CanteenEnrolmentId, ChildId, DinerId, FamilyId},
        money::Cents,
        text::{Name, SeasonCode, Uai},
    },
    schema::department::{canteen_adults, canteen_enrolments, children},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    expression::SqlLiteral,
    prelude::*,
    sql_types::{BigInt, Date, Text, Uuid as SqlUuid},
};
use uuid::Uuid;

/// A diner's enrolment for a season.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = canteen_enrolments)]
pub struct CanteenEnrolment {
    pub id: CanteenEnrolmentId,
    pub season: SeasonCode,
    pub diner: Diner,
    pub person_id: DinerId,
    /// Of a pupil.
    pub family_id: Option<FamilyId>,
    pub college_uai: Uai,
    pub weekdays: Weekdays,
    /// Forgotten when the season is over.
    pub diet: Option<Diet>,
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
    pub state: CanteenEnrolmentState,
    pub end_reason: Option<EndReason>,
    pub enrolled_by: AccountId,
    pub enrolled_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub version: i32,
}

/// A diner as the collège's list names him.
#[derive(Debug)]
pub struct ListedDiner {
    pub enrolment: CanteenEnrolment,
    pub last_name: Name,
    pub first_names: Name,
}

pub(super) fn insert(
    tx: &mut Tx<'_>,
    by: AccountId,
    place: &Place,
    wish: &Wish,
    (starts_on, ends_on): (NaiveDate, NaiveDate),
) -> Result<CanteenEnrolment, Error> {
    let now = tx.now()?;
    Ok(diesel::insert_into(canteen_enrolments::table)
        .values((
            canteen_enrolments::id.eq(CanteenEnrolmentId::generate()),
            canteen_enrolments::season.eq(&wish.season),
            canteen_enrolments::diner.eq(place.diner),
            canteen_enrolments::person_id.eq(place.person),
            canteen_enrolments::family_id.eq(place.family),
            canteen_enrolments::college_uai.eq(&place.college),
            canteen_enrolments::weekdays.eq(wish.weekdays),
            canteen_enrolments::diet.eq(wish.diet),
            canteen_enrolments::starts_on.eq(starts_on),
            canteen_enrolments::ends_on.eq(ends_on),
            canteen_enrolments::state.eq(CanteenEnrolmentState::Active),
            canteen_enrolments::enrolled_by.eq(by),
            canteen_enrolments::enrolled_at.eq(now),
        ))
        .returning(CanteenEnrolment::as_returning())
        .get_result(tx.conn)?)
}

pub fn enrolment(tx: &mut Tx<'_>, id: CanteenEnrolmentId) -> Result<CanteenEnrolment, Error> {
    Ok(canteen_enrolments::table.find(id).select(CanteenEnrolment::as_select()).first(tx.conn)?)
}

pub fn lock(tx: &mut Tx<'_>, id: CanteenEnrolmentId) -> Result<CanteenEnrolment, Error> {
    Ok(canteen_enrolments::table.find(id).select(CanteenEnrolment::as_select()).for_update().first(tx.conn)?)
}

/// The enrolment of a diner that lasts.
pub fn active_of(tx: &mut Tx<'_>, person: DinerId, season: &SeasonCode) -> Result<Option<CanteenEnrolment>, Error> {
    Ok(canteen_enrolments::table
        .filter(canteen_enrolments::person_id.eq(person).and(canteen_enrolments::season.eq(season)))
        .filter(canteen_enrolments::state.eq(CanteenEnrolmentState::Active))
        .select(CanteenEnrolment::as_select())
        .first(tx.conn)
        .optional()?)
}

/// All of a diner, the last made first.
pub fn of_person(tx: &mut Tx<'_>, person: DinerId) -> Result<Vec<CanteenEnrolment>, Error> {
    Ok(canteen_enrolments::table
        .filter(canteen_enrolments::person_id.eq(person))
        .order(canteen_enrolments::id.desc())
        .select(CanteenEnrolment::as_select())
        .load(tx.conn)?)
}

pub fn set_weekdays(tx: &mut Tx<'_>, row: &CanteenEnrolment, days: Weekdays) -> Result<CanteenEnrolment, Error> {
    Ok(diesel::update(canteen_enrolments::table.find(row.id))
        .set((canteen_enrolments::weekdays.eq(days), canteen_enrolments::version.eq(canteen_enrolments::version + 1)))
        .returning(CanteenEnrolment::as_returning())
        .get_result(tx.conn)?)
}

pub fn set_diet(tx: &mut Tx<'_>, row: &CanteenEnrolment, diet: Diet) -> Result<CanteenEnrolment, Error> {
    Ok(diesel::update(canteen_enrolments::table.find(row.id))
        .set((canteen_enrolments::diet.eq(diet), canteen_enrolments::version.eq(canteen_enrolments::version + 1)))
        .returning(CanteenEnrolment::as_returning())
        .get_result(tx.conn)?)
}

pub fn end(tx: &mut Tx<'_>, row: &CanteenEnrolment, reason: EndReason) -> Result<CanteenEnrolment, Error> {
    let now = tx.now()?;
    Ok(diesel::update(canteen_enrolments::table.find(row.id))
        .set((
            canteen_enrolments::state.eq(CanteenEnrolmentState::Ended),
            canteen_enrolments::end_reason.eq(reason),
            canteen_enrolments::ended_at.eq(now),
            canteen_enrolments::version.eq(canteen_enrolments::version + 1),
        ))
        .returning(CanteenEnrolment::as_returning())
        .get_result(tx.conn)?)
}

/// Forgets what diners of past seasons ate.
pub fn forget_diets(tx: &mut Tx<'_>, today: NaiveDate, limit: i64) -> Result<usize, Error> {
    Ok(diesel::sql_query(
        "update canteen_enrolments set diet = null
          where id in (select id from canteen_enrolments where diet is not null and season < canteen_season($1) limit $2)",
    )
    .bind::<Date, _>(today)
    .bind::<BigInt, _>(limit)
    .execute(tx.conn)?)
}

diesel::define_sql_function! {
    fn canteen_enrolment_owes_cents(family: SqlUuid, season: Text) -> BigInt;
}

diesel::define_sql_function! {
    #[sql_name = "pupil_is_elsewhere"]
    fn pupil_is_elsewhere_sql(child: SqlUuid, season: Text) -> Bool;
}

/// Whether the same pupil has his rights of that season through another file.
pub(super) fn pupil_is_elsewhere(tx: &mut Tx<'_>, child: ChildId, season: &SeasonCode) -> Result<bool, Error> {
    Ok(diesel::select(pupil_is_elsewhere_sql(child, season)).get_result(tx.conn)?)
}

/// What a family has to settle before it enrols a child for that season.
pub(super) fn owed(tx: &mut Tx<'_>, family: FamilyId, season: &SeasonCode) -> Result<Cents, Error> {
    Ok(diesel::select(canteen_enrolment_owes_cents(family, season)).get_result(tx.conn)?)
}

/// Last name and first names.
type Named = Option<(Name, Name)>;

/// Those of a collège and season, in the order in which they were made.
pub fn page(
    tx: &mut Tx<'_>,
    college: &Uai,
    season: &SeasonCode,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<ListedDiner>, Error> {
    let mut query = canteen_enrolments::table
        .left_join(children::table.on(children::id.eq(person())))
        .left_join(canteen_adults::table.on(canteen_adults::id.eq(person())))
        .filter(canteen_enrolments::college_uai.eq(college).and(canteen_enrolments::season.eq(season)))
        // Of a child who is elsewhere now the collège sees no name.
        .filter(children::id.nullable().is_not_null().or(canteen_adults::id.nullable().is_not_null()))
        .select((
            CanteenEnrolment::as_select(),
            (children::last_name, children::first_names).nullable(),
            (canteen_adults::last_name, canteen_adults::first_names).nullable(),
        ))
        .order(canteen_enrolments::id)
        .limit(limit.saturating_add(1))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(canteen_enrolments::id.gt(CanteenEnrolmentId::from_uuid(after)));
    }
    let rows: Vec<(CanteenEnrolment, Named, Named)> = query.load(tx.conn)?;
    let listed = |(enrolment, child, adult): (CanteenEnrolment, Named, Named)| {
        child.or(adult).map(|(last_name, first_names)| ListedDiner { enrolment, last_name, first_names })
    };
    Ok(rows.into_iter().filter_map(listed).collect())
}

/// The diner's id, whatever he is: no foreign key leads to two tables.
fn person() -> SqlLiteral<SqlUuid> {
    diesel::dsl::sql("canteen_enrolments.person_id")
}

//! Where and when meals are served. Constraints of the tables keep two periods of one thing from sharing a day.

use super::{CanteenCollege, CanteenService, Period};
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, CanteenCollegeId, CanteenServiceId},
        text::Uai,
    },
    schema::department::{canteen_colleges, canteen_services},
};
use chrono::NaiveDate;
use diesel::{
    prelude::*,
    sql_types::{Array, Bool, Date, Nullable, Text},
};
use uuid::Uuid;

diesel::define_sql_function! {
    fn canteen_offered(uai: Text, day: Date) -> Bool;
}

pub fn is_offered(tx: &mut Tx<'_>, college: &Uai, day: NaiveDate) -> Result<bool, Error> {
    Ok(diesel::select(canteen_offered(college, day)).get_result(tx.conn)?)
}

#[derive(QueryableByName)]
struct Offered {
    #[diesel(sql_type = Bool)]
    offered: bool,
}

/// On some day between those two.
pub fn is_offered_within(
    tx: &mut Tx<'_>,
    college: &Uai,
    from: NaiveDate,
    until: Option<NaiveDate>,
) -> Result<bool, Error> {
    let told: Offered = diesel::sql_query(
        "select exists (select 1 from canteen_services s, canteen_colleges c where c.uai = $1
            and daterange(s.starts_on, s.ends_on, '[]') * daterange(c.starts_on, c.ends_on, '[]') && daterange($2, $3, '[]')) as offered",
    )
    .bind::<Text, _>(college)
    .bind::<Date, _>(from)
    .bind::<Nullable<Date>, _>(until)
    .get_result(tx.conn)?;
    Ok(told.offered)
}

#[derive(QueryableByName)]
struct OfferedDay {
    #[diesel(sql_type = Date)]
    day: NaiveDate,
}

/// In that collège, or in any.
pub fn offered_days(tx: &mut Tx<'_>, college: Option<&Uai>, days: &[NaiveDate]) -> Result<Vec<NaiveDate>, Error> {
    let offered: Vec<OfferedDay> = diesel::sql_query(
        "select day from unnest($2) day
          where exists (select 1 from canteen_colleges c where ($1 is null or c.uai = $1) and canteen_offered(c.uai, day)) order by day",
    )
    .bind::<Nullable<Text>, _>(college)
    .bind::<Array<Date>, _>(days)
    .load(tx.conn)?;
    Ok(offered.into_iter().map(|one| one.day).collect())
}

pub fn services(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<CanteenService>, Error> {
    Ok(canteen_services::table
        .order(canteen_services::starts_on.desc())
        .limit(limit)
        .select(CanteenService::as_select())
        .load(tx.conn)?)
}

/// The period that a day lies in.
pub fn service_on(tx: &mut Tx<'_>, day: NaiveDate) -> Result<Option<CanteenService>, Error> {
    let lasts = canteen_services::ends_on.is_null().or(canteen_services::ends_on.assume_not_null().ge(day));
    Ok(canteen_services::table
        .filter(canteen_services::starts_on.le(day).and(lasts))
        .select(CanteenService::as_select())
        .first(tx.conn)
        .optional()?)
}

/// Whether some period is not over on that day.
pub fn lasts_after(tx: &mut Tx<'_>, day: NaiveDate) -> Result<bool, Error> {
    let lasts = canteen_services::ends_on.is_null().or(canteen_services::ends_on.assume_not_null().ge(day));
    Ok(diesel::select(diesel::dsl::exists(canteen_services::table.filter(lasts))).get_result(tx.conn)?)
}

pub fn insert_service(tx: &mut Tx<'_>, by: AccountId, period: Period) -> Result<CanteenService, Error> {
    let now = tx.now()?;
    Ok(diesel::insert_into(canteen_services::table)
        .values((
            canteen_services::id.eq(CanteenServiceId::generate()),
            canteen_services::starts_on.eq(period.starts_on),
            canteen_services::ends_on.eq(period.ends_on),
            canteen_services::declared_by.eq(by),
            canteen_services::declared_at.eq(now),
        ))
        .returning(CanteenService::as_returning())
        .get_result(tx.conn)?)
}

pub fn lock_service(tx: &mut Tx<'_>, id: CanteenServiceId) -> Result<CanteenService, Error> {
    Ok(canteen_services::table.find(id).select(CanteenService::as_select()).for_update().first(tx.conn)?)
}

pub fn set_service_end(
    tx: &mut Tx<'_>,
    id: CanteenServiceId,
    ends_on: Option<NaiveDate>,
) -> Result<CanteenService, Error> {
    Ok(diesel::update(canteen_services::table.find(id))
        .set(canteen_services::ends_on.eq(ends_on))
        .returning(CanteenService::as_returning())
        .get_result(tx.conn)?)
}

/// How many went: none that has begun.
pub fn delete_service(tx: &mut Tx<'_>, id: CanteenServiceId) -> Result<usize, Error> {
    Ok(diesel::delete(canteen_services::table.find(id)).execute(tx.conn)?)
}

/// Periods of collèges that are not over on that day, in the order in which they were declared.
pub fn colleges_from(
    tx: &mut Tx<'_>,
    day: NaiveDate,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<CanteenCollege>, Error> {
    let lasts = canteen_colleges::ends_on.is_null().or(canteen_colleges::ends_on.assume_not_null().ge(day));
    let mut query = canteen_colleges::table.filter(lasts).into_boxed();
    if let Some(after) = after {
        query = query.filter(canteen_colleges::id.gt(CanteenCollegeId::from_uuid(after)));
    }
    Ok(query.order(canteen_colleges::id).limit(limit).select(CanteenCollege::as_select()).load(tx.conn)?)
}

pub fn insert_colleges(
    tx: &mut Tx<'_>,
    by: AccountId,
    uais: &[Uai],
    period: Period,
) -> Result<Vec<CanteenCollege>, Error> {
    let now = tx.now()?;
    let rows: Vec<_> = uais
        .iter()
        .map(|uai| {
            (
                canteen_colleges::id.eq(CanteenCollegeId::generate()),
                canteen_colleges::uai.eq(uai),
                canteen_colleges::starts_on.eq(period.starts_on),
                canteen_colleges::ends_on.eq(period.ends_on),
                canteen_colleges::declared_by.eq(by),
                canteen_colleges::declared_at.eq(now),
            )
        })
        .collect();
    Ok(diesel::insert_into(canteen_colleges::table)
        .values(rows)
        .returning(CanteenCollege::as_returning())
        .get_results(tx.conn)?)
}

pub fn lock_college(tx: &mut Tx<'_>, id: CanteenCollegeId) -> Result<CanteenCollege, Error> {
    Ok(canteen_colleges::table.find(id).select(CanteenCollege::as_select()).for_update().first(tx.conn)?)
}

pub fn set_college_end(
    tx: &mut Tx<'_>,
    id: CanteenCollegeId,
    ends_on: Option<NaiveDate>,
) -> Result<CanteenCollege, Error> {
    Ok(diesel::update(canteen_colleges::table.find(id))
        .set(canteen_colleges::ends_on.eq(ends_on))
        .returning(CanteenCollege::as_returning())
        .get_result(tx.conn)?)
}

/// How many went: none that has begun.
pub fn delete_college(tx: &mut Tx<'_>, id: CanteenCollegeId) -> Result<usize, Error> {
    Ok(diesel::delete(canteen_colleges::table.find(id)).execute(tx.conn)?)
}

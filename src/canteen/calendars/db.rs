//! Calendars, of which a season has one draft and a last published version, and closures, withdrawn once.

use super::{ClosureKind, NewClosure, days::Calendar};
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, ClosureId},
        month::Month,
        text::{Label, SeasonCode, Uai},
    },
    schema::department::{canteen_attendance_locks, canteen_calendars, canteen_closures},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    pg::{Pg, PgValue},
    prelude::*,
    sql_types::Jsonb,
};
use serde_json::Value;
use uuid::Uuid;

/// A calendar as its column holds it.
#[derive(Debug, Clone, FromSqlRow)]
pub struct Stored(pub Calendar);

impl FromSql<Jsonb, Pg> for Stored {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(serde_json::from_value(<Value as FromSql<Jsonb, Pg>>::from_sql(bytes)?)?))
    }
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = canteen_calendars)]
pub struct CalendarRow {
    pub season: SeasonCode,
    pub version: i32,
    pub calendar: Stored,
    pub drafted_by: AccountId,
    pub drafted_at: DateTime<Utc>,
    pub published_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = canteen_closures)]
pub struct ClosureRow {
    pub id: ClosureId,
    pub college_uai: Option<Uai>,
    pub from_day: NaiveDate,
    pub until_day: NaiveDate,
    pub kind: ClosureKind,
    pub label: Label,
    pub declared_at: DateTime<Utc>,
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// The last day whose meals were taken.
    pub applied_until: Option<NaiveDate>,
}

const DRAFT: &str = "draft";
const PUBLISHED: &str = "published";

/// Writes over the season's draft, or begins one with the next number. Its author is the last who wrote.
pub fn write_draft(
    tx: &mut Tx<'_>,
    by: AccountId,
    season: &SeasonCode,
    calendar: &Calendar,
) -> Result<CalendarRow, Error> {
    let now = tx.now()?;
    let document = serde_json::to_value(calendar).map_err(Error::internal)?;
    if let Some(former) = lock_draft(tx, season)? {
        return Ok(diesel::update(canteen_calendars::table.find((season, former.version)))
            .set((
                canteen_calendars::calendar.eq(document),
                canteen_calendars::drafted_by.eq(by),
                canteen_calendars::drafted_at.eq(now),
            ))
            .returning(CalendarRow::as_returning())
            .get_result(tx.conn)?);
    }
    let last: Option<i32> = canteen_calendars::table
        .filter(canteen_calendars::season.eq(season))
        .select(diesel::dsl::max(canteen_calendars::version))
        .get_result(tx.conn)?;
    Ok(diesel::insert_into(canteen_calendars::table)
        .values((
            canteen_calendars::season.eq(season),
            canteen_calendars::version.eq(last.unwrap_or_default().saturating_add(1)),
            canteen_calendars::state.eq(DRAFT),
            canteen_calendars::calendar.eq(document),
            canteen_calendars::drafted_by.eq(by),
            canteen_calendars::drafted_at.eq(now),
        ))
        .returning(CalendarRow::as_returning())
        .get_result(tx.conn)?)
}

pub fn draft(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<Option<CalendarRow>, Error> {
    Ok(canteen_calendars::table
        .filter(canteen_calendars::season.eq(season).and(canteen_calendars::state.eq(DRAFT)))
        .select(CalendarRow::as_select())
        .first(tx.conn)
        .optional()?)
}

pub fn lock_draft(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<Option<CalendarRow>, Error> {
    Ok(canteen_calendars::table
        .filter(canteen_calendars::season.eq(season).and(canteen_calendars::state.eq(DRAFT)))
        .select(CalendarRow::as_select())
        .for_update()
        .first(tx.conn)
        .optional()?)
}

/// The last published version.
pub fn published(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<Option<CalendarRow>, Error> {
    Ok(canteen_calendars::table
        .filter(canteen_calendars::season.eq(season).and(canteen_calendars::state.eq(PUBLISHED)))
        .order(canteen_calendars::version.desc())
        .select(CalendarRow::as_select())
        .first(tx.conn)
        .optional()?)
}

/// The last published version of each season.
pub fn last_published(tx: &mut Tx<'_>) -> Result<Vec<CalendarRow>, Error> {
    Ok(canteen_calendars::table
        .filter(canteen_calendars::state.eq(PUBLISHED))
        .distinct_on(canteen_calendars::season)
        .order((canteen_calendars::season, canteen_calendars::version.desc()))
        .select(CalendarRow::as_select())
        .load(tx.conn)?)
}

pub fn publish(tx: &mut Tx<'_>, by: AccountId, season: &SeasonCode, version: i32) -> Result<CalendarRow, Error> {
    let now = tx.now()?;
    Ok(diesel::update(canteen_calendars::table.find((season, version)))
        .set((
            canteen_calendars::state.eq(PUBLISHED),
            canteen_calendars::published_by.eq(by),
            canteen_calendars::published_at.eq(now),
        ))
        .returning(CalendarRow::as_returning())
        .get_result(tx.conn)?)
}

/// With the last day of which its meals are taken in the same transaction.
pub fn insert_closure(
    tx: &mut Tx<'_>,
    by: AccountId,
    new: &NewClosure,
    taken: Option<NaiveDate>,
) -> Result<ClosureRow, Error> {
    let now = tx.now()?;
    Ok(diesel::insert_into(canteen_closures::table)
        .values((
            canteen_closures::id.eq(ClosureId::generate()),
            canteen_closures::college_uai.eq(&new.college),
            canteen_closures::from_day.eq(new.from),
            canteen_closures::until_day.eq(new.until),
            canteen_closures::kind.eq(new.kind),
            canteen_closures::label.eq(&new.label),
            canteen_closures::declared_by.eq(by),
            canteen_closures::declared_at.eq(now),
            canteen_closures::applied_until.eq(taken),
        ))
        .returning(ClosureRow::as_returning())
        .get_result(tx.conn)?)
}

pub fn closure(tx: &mut Tx<'_>, id: ClosureId) -> Result<ClosureRow, Error> {
    Ok(canteen_closures::table.find(id).select(ClosureRow::as_select()).first(tx.conn)?)
}

/// What whoever applies a closure waits for.
pub fn hold_closures(tx: &mut Tx<'_>) -> Result<(), Error> {
    diesel::sql_query("select pg_advisory_xact_lock_shared(hashtextextended('canteen closures', 0))")
        .execute(tx.conn)?;
    Ok(())
}

pub fn take_closures(tx: &mut Tx<'_>) -> Result<(), Error> {
    tx.take_turns(format_args!("canteen closures"))
}

/// Whether a month is locked in which a closure has a day, at its collège or at any.
pub fn is_locked(tx: &mut Tx<'_>, row: &ClosureRow) -> Result<bool, Error> {
    let mut locks = canteen_attendance_locks::table
        .filter(canteen_attendance_locks::reopened_at.is_null())
        .filter(canteen_attendance_locks::month.between(Month::of(row.from_day), Month::of(row.until_day)))
        .into_boxed();
    if let Some(college) = &row.college_uai {
        locks = locks.filter(canteen_attendance_locks::college_uai.eq(college));
    }
    Ok(locks.count().get_result::<i64>(tx.conn)? > 0)
}

/// `None` when it was withdrawn before. It is to be applied once more, whatever was applied of it: meals that were laid out
/// while it stood are closed too.
pub fn withdraw_closure(tx: &mut Tx<'_>, by: AccountId, id: ClosureId) -> Result<Option<ClosureRow>, Error> {
    let now = tx.now()?;
    Ok(diesel::update(canteen_closures::table.find(id).filter(canteen_closures::withdrawn_at.is_null()))
        .set((
            canteen_closures::withdrawn_by.eq(by),
            canteen_closures::withdrawn_at.eq(now),
            canteen_closures::applied_until.eq(canteen_closures::until_day.nullable()),
        ))
        .returning(ClosureRow::as_returning())
        .get_result(tx.conn)
        .optional()?)
}

pub fn page(tx: &mut Tx<'_>, before: Option<Uuid>, limit: i64) -> Result<Vec<ClosureRow>, Error> {
    let mut query = canteen_closures::table
        .select(ClosureRow::as_select())
        .order(canteen_closures::id.desc())
        .limit(limit.saturating_add(1))
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(canteen_closures::id.lt(before));
    }
    Ok(query.load(tx.conn)?)
}

/// Closures of that collège, or of all, which have a day of that time.
pub fn closures_of(
    tx: &mut Tx<'_>,
    college: &Uai,
    (from, until): (NaiveDate, NaiveDate),
) -> Result<Vec<ClosureRow>, Error> {
    Ok(canteen_closures::table
        .filter(canteen_closures::withdrawn_at.is_null())
        .filter(canteen_closures::college_uai.is_null().or(canteen_closures::college_uai.eq(college)))
        .filter(canteen_closures::from_day.le(until).and(canteen_closures::until_day.ge(from)))
        .order(canteen_closures::from_day)
        .select(ClosureRow::as_select())
        .load(tx.conn)?)
}

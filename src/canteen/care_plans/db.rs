//! Rows of care plans. A child has one a day at most, and a secretary sees those of the pupils of his collège.

use super::NewCarePlan;
use crate::{
    db::Tx,
    error::Error,
    families::Child,
    kernel::{
        crypto::MasterKey,
        ids::{AccountId, CarePlanId, ChildId},
        text::{Note, Uai},
    },
    schema::department::canteen_care_plans,
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Date},
};

const MEASURES: &str = "care_plan";

/// A care plan, with its measures opened.
#[derive(Debug, Clone)]
pub struct CarePlanRow {
    pub id: CarePlanId,
    pub child_id: ChildId,
    pub measures: Note,
    pub own_meal: bool,
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
    pub recorded_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = canteen_care_plans)]
struct Stored {
    id: CarePlanId,
    child_id: ChildId,
    measures_sealed: Vec<u8>,
    own_meal: bool,
    starts_on: NaiveDate,
    ends_on: NaiveDate,
    recorded_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl Stored {
    fn open(self, tx: &Tx<'_>) -> Result<CarePlanRow, Error> {
        let Self { id, child_id, measures_sealed, own_meal, starts_on, ends_on, recorded_at, ended_at } = self;
        let measures = open_measures(tx.key, id, &measures_sealed)?;
        Ok(CarePlanRow { id, child_id, measures, own_meal, starts_on, ends_on, recorded_at, ended_at })
    }
}

/// Opens measures that are sealed to their plan: in another row they do not open.
pub fn open_measures(key: &MasterKey, id: CarePlanId, sealed: &[u8]) -> Result<Note, Error> {
    let bytes = key.open(MEASURES, id.uuid().as_bytes(), sealed).map_err(Error::internal)?;
    String::from_utf8(bytes).map_err(Error::internal)?.parse().map_err(Error::internal)
}

pub fn insert(
    tx: &mut Tx<'_>,
    by: AccountId,
    child: &Child,
    college: &Uai,
    new: &NewCarePlan,
) -> Result<CarePlanRow, Error> {
    let now = tx.now()?;
    let id = CarePlanId::generate();
    let sealed =
        tx.key.seal(MEASURES, id.uuid().as_bytes(), new.measures.as_str().as_bytes()).map_err(Error::internal)?;
    let row: Stored = diesel::insert_into(canteen_care_plans::table)
        .values((
            canteen_care_plans::id.eq(id),
            canteen_care_plans::child_id.eq(child.id),
            canteen_care_plans::family_id.eq(child.family_id),
            canteen_care_plans::college_uai.eq(college),
            canteen_care_plans::measures_sealed.eq(sealed),
            canteen_care_plans::own_meal.eq(new.own_meal),
            canteen_care_plans::starts_on.eq(new.starts_on),
            canteen_care_plans::ends_on.eq(new.ends_on),
            canteen_care_plans::recorded_by.eq(by),
            canteen_care_plans::recorded_at.eq(now),
        ))
        .returning(Stored::as_returning())
        .get_result(tx.conn)?;
    row.open(tx)
}

pub fn plan(tx: &mut Tx<'_>, id: CarePlanId) -> Result<CarePlanRow, Error> {
    let row: Stored = canteen_care_plans::table.find(id).select(Stored::as_select()).first(tx.conn)?;
    row.open(tx)
}

pub fn of_child(tx: &mut Tx<'_>, child: ChildId) -> Result<Vec<CarePlanRow>, Error> {
    let rows: Vec<Stored> = canteen_care_plans::table
        .filter(canteen_care_plans::child_id.eq(child))
        .order(canteen_care_plans::id.desc())
        .select(Stored::as_select())
        .load(tx.conn)?;
    rows.into_iter().map(|row| row.open(tx)).collect()
}

/// `None` when another has ended it, or it is not the caller's to end.
pub fn end(tx: &mut Tx<'_>, by: AccountId, id: CarePlanId) -> Result<Option<CarePlanRow>, Error> {
    let now = tx.now()?;
    let row: Option<Stored> =
        diesel::update(canteen_care_plans::table.find(id).filter(canteen_care_plans::ended_at.is_null()))
            .set((canteen_care_plans::ended_by.eq(by), canteen_care_plans::ended_at.eq(now)))
            .returning(Stored::as_returning())
            .get_result(tx.conn)
            .optional()?;
    row.map(|row| row.open(tx)).transpose()
}

/// Deletes plans of past school years, so many at most.
pub fn delete_past(tx: &mut Tx<'_>, today: NaiveDate, limit: i64) -> Result<usize, Error> {
    Ok(diesel::sql_query(
        "delete from canteen_care_plans
          where id in (select id from canteen_care_plans where canteen_season(ends_on) < canteen_season($1) limit $2)",
    )
    .bind::<Date, _>(today)
    .bind::<BigInt, _>(limit)
    .execute(tx.conn)?)
}

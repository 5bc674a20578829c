//! Rows of adults. Policies show a secretary those of his collège.

use super::{AdultKind, NewAdult};
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, CanteenAdultId},
        text::{Email, Name, Uai},
    },
    schema::department::canteen_adults,
};
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Bool, Text},
};
use uuid::Uuid;

/// An adult who eats at a collège.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = canteen_adults)]
pub struct Adult {
    pub id: CanteenAdultId,
    pub kind: AdultKind,
    pub college_uai: Uai,
    pub last_name: Name,
    pub first_names: Name,
    pub email: Option<Email>,
    pub registered_at: DateTime<Utc>,
    pub left_at: Option<DateTime<Utc>>,
    pub version: i32,
}

/// Whether that person is registered there already, by the same names and address. Who else registers somebody there waits.
pub fn is_known(tx: &mut Tx<'_>, college: &Uai, new: &NewAdult) -> Result<bool, Error> {
    tx.take_turns(format_args!("canteen adults {college}"))?;
    let names = diesel::dsl::sql::<Bool>("folded(last_name) = folded(").bind::<Text, _>(&new.last_name);
    let names = names.sql(") and folded(first_names) = folded(").bind::<Text, _>(&new.first_names).sql(")");
    let same = canteen_adults::table
        .filter(canteen_adults::college_uai.eq(college).and(canteen_adults::kind.eq(new.kind)))
        .filter(canteen_adults::left_at.is_null().and(canteen_adults::email.is_not_distinct_from(&new.email)))
        .filter(names);
    Ok(diesel::select(diesel::dsl::exists(same)).get_result(tx.conn)?)
}

pub fn insert(tx: &mut Tx<'_>, by: AccountId, college: &Uai, new: &NewAdult) -> Result<Adult, Error> {
    let now = tx.now()?;
    Ok(diesel::insert_into(canteen_adults::table)
        .values((
            canteen_adults::id.eq(CanteenAdultId::generate()),
            canteen_adults::kind.eq(new.kind),
            canteen_adults::college_uai.eq(college),
            canteen_adults::last_name.eq(&new.last_name),
            canteen_adults::first_names.eq(&new.first_names),
            canteen_adults::email.eq(&new.email),
            canteen_adults::registered_by.eq(by),
            canteen_adults::registered_at.eq(now),
        ))
        .returning(Adult::as_returning())
        .get_result(tx.conn)?)
}

pub fn page(tx: &mut Tx<'_>, college: &Uai, after: Option<Uuid>, limit: i64) -> Result<Vec<Adult>, Error> {
    let mut query = canteen_adults::table
        .filter(canteen_adults::college_uai.eq(college))
        .select(Adult::as_select())
        .order(canteen_adults::id)
        .limit(limit.saturating_add(1))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(canteen_adults::id.gt(CanteenAdultId::from_uuid(after)));
    }
    Ok(query.load(tx.conn)?)
}

pub fn lock(tx: &mut Tx<'_>, id: CanteenAdultId) -> Result<Adult, Error> {
    Ok(canteen_adults::table.find(id).select(Adult::as_select()).for_update().first(tx.conn)?)
}

pub fn set_left(tx: &mut Tx<'_>, id: CanteenAdultId) -> Result<Adult, Error> {
    let now = tx.now()?;
    Ok(diesel::update(canteen_adults::table.find(id))
        .set((canteen_adults::left_at.eq(now), canteen_adults::version.eq(canteen_adults::version + 1)))
        .returning(Adult::as_returning())
        .get_result(tx.conn)?)
}

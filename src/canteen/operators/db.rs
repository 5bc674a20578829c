//! Operators and their sites. A constraint keeps two operators from serving in one collège on one day.

use super::Period;
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, CanteenOperatorId, OperatorSiteId},
        text::{Label, Uai},
    },
    schema::department::{canteen_operator_sites, canteen_operators},
};
use chrono::NaiveDate;
use diesel::{
    prelude::*,
    sql_types::{Array, Bool, Date, Text},
};

/// Who serves meals.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = canteen_operators)]
pub struct Operator {
    pub id: CanteenOperatorId,
    pub name: Label,
}

/// A collège where an operator serves for some time.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = canteen_operator_sites)]
pub struct Site {
    pub id: OperatorSiteId,
    pub operator_id: CanteenOperatorId,
    pub college_uai: Uai,
    pub starts_on: NaiveDate,
    pub ends_on: Option<NaiveDate>,
}

pub fn insert_operator(tx: &mut Tx<'_>, by: AccountId, name: &Label) -> Result<Operator, Error> {
    let now = tx.now()?;
    Ok(diesel::insert_into(canteen_operators::table)
        .values((
            canteen_operators::id.eq(CanteenOperatorId::generate()),
            canteen_operators::name.eq(name),
            canteen_operators::declared_by.eq(by),
            canteen_operators::declared_at.eq(now),
        ))
        .returning(Operator::as_returning())
        .get_result(tx.conn)?)
}

pub fn operator(tx: &mut Tx<'_>, id: CanteenOperatorId) -> Result<Operator, Error> {
    Ok(canteen_operators::table.find(id).select(Operator::as_select()).first(tx.conn)?)
}

pub fn operators(tx: &mut Tx<'_>, after: Option<CanteenOperatorId>, limit: i64) -> Result<Vec<Operator>, Error> {
    let mut query =
        canteen_operators::table.order(canteen_operators::id).limit(limit).select(Operator::as_select()).into_boxed();
    if let Some(after) = after {
        query = query.filter(canteen_operators::id.gt(after));
    }
    Ok(query.load(tx.conn)?)
}

/// In the order of the collèges, and of time.
pub fn sites(tx: &mut Tx<'_>, operators: &[CanteenOperatorId]) -> Result<Vec<Site>, Error> {
    Ok(canteen_operator_sites::table
        .filter(canteen_operator_sites::operator_id.eq_any(operators))
        .order((canteen_operator_sites::college_uai, canteen_operator_sites::starts_on))
        .select(Site::as_select())
        .load(tx.conn)?)
}

#[derive(QueryableByName)]
struct Offered {
    #[diesel(sql_type = Bool)]
    all: bool,
}

/// Whether meals are served in every one of them on that day.
pub fn are_offered(tx: &mut Tx<'_>, uais: &[Uai], day: NaiveDate) -> Result<bool, Error> {
    let offered: Offered = diesel::sql_query("select bool_and(canteen_offered(uai, $2)) as all from unnest($1) uai")
        .bind::<Array<Text>, _>(uais)
        .bind::<Date, _>(day)
        .get_result(tx.conn)?;
    Ok(offered.all)
}

pub fn insert_sites(
    tx: &mut Tx<'_>,
    by: AccountId,
    operator: CanteenOperatorId,
    uais: &[Uai],
    period: Period,
) -> Result<Vec<Site>, Error> {
    let now = tx.now()?;
    let row = |uai| {
        (
            canteen_operator_sites::id.eq(OperatorSiteId::generate()),
            canteen_operator_sites::operator_id.eq(operator),
            canteen_operator_sites::college_uai.eq(uai),
            canteen_operator_sites::starts_on.eq(period.starts_on),
            canteen_operator_sites::ends_on.eq(period.ends_on),
            canteen_operator_sites::declared_by.eq(by),
            canteen_operator_sites::declared_at.eq(now),
        )
    };
    Ok(diesel::insert_into(canteen_operator_sites::table)
        .values(uais.iter().map(row).collect::<Vec<_>>())
        .returning(Site::as_returning())
        .get_results(tx.conn)?)
}

pub fn lock_site(tx: &mut Tx<'_>, id: OperatorSiteId) -> Result<Site, Error> {
    Ok(canteen_operator_sites::table.find(id).select(Site::as_select()).for_update().first(tx.conn)?)
}

pub fn set_site_end(tx: &mut Tx<'_>, id: OperatorSiteId, ends_on: Option<NaiveDate>) -> Result<Site, Error> {
    Ok(diesel::update(canteen_operator_sites::table.find(id))
        .set(canteen_operator_sites::ends_on.eq(ends_on))
        .returning(Site::as_returning())
        .get_result(tx.conn)?)
}

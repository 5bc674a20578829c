//! The doors of a kitchen.

use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{CarePlanId, ChildId},
        text::Uai,
    },
};
use chrono::NaiveDate;
use diesel::{
    prelude::*,
    sql_types::{self, BigInt, Binary, Bool, Date, Text},
};

/// Meals of a collège on a day.
#[derive(Debug, Clone, QueryableByName)]
pub struct ForecastRow {
    #[diesel(sql_type = Date)]
    pub day: NaiveDate,
    #[diesel(sql_type = Text)]
    pub college_uai: Uai,
    #[diesel(sql_type = BigInt)]
    pub reserved: i64,
    #[diesel(sql_type = BigInt)]
    pub pupils: i64,
    #[diesel(sql_type = BigInt)]
    pub commensaux: i64,
    #[diesel(sql_type = BigInt)]
    pub guests: i64,
    #[diesel(sql_type = BigInt)]
    pub no_pork: i64,
    #[diesel(sql_type = BigInt)]
    pub no_meat: i64,
    #[diesel(sql_type = BigInt)]
    pub care: i64,
    #[diesel(sql_type = BigInt)]
    pub own_meals: i64,
    #[diesel(sql_type = BigInt)]
    pub walk_ins: i64,
}

pub fn forecast(tx: &mut Tx<'_>, from: NaiveDate, until: NaiveDate) -> Result<Vec<ForecastRow>, Error> {
    Ok(diesel::sql_query(
        "select day, college_uai, reserved, pupils, commensaux, guests, no_pork, no_meat, care, own_meals, walk_ins
           from canteen_forecast($1, $2)",
    )
    .bind::<Date, _>(from)
    .bind::<Date, _>(until)
    .load(tx.conn)?)
}

/// A care plan of today, sealed.
#[derive(Debug, QueryableByName)]
pub struct CareRow {
    #[diesel(sql_type = sql_types::Uuid)]
    pub plan_id: CarePlanId,
    #[diesel(sql_type = sql_types::Uuid)]
    pub child_id: ChildId,
    #[diesel(sql_type = Text)]
    pub college_uai: Uai,
    #[diesel(sql_type = Text)]
    pub first_name: String,
    #[diesel(sql_type = Text)]
    pub initial: String,
    #[diesel(sql_type = Bool)]
    pub own_meal: bool,
    #[diesel(sql_type = Binary)]
    pub measures_sealed: Vec<u8>,
}

pub fn care(tx: &mut Tx<'_>) -> Result<Vec<CareRow>, Error> {
    Ok(diesel::sql_query(
        "select plan_id, child_id, college_uai, first_name, initial, own_meal, measures_sealed from kitchen_care()",
    )
    .load(tx.conn)?)
}

//! Gates as the department keeps them, and the doors behind which a secretary finds those of his collège.

use super::Gap;
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{CanteenOperatorId, DeviceId},
        text::{Label, Uai},
    },
    schema::department::canteen_gates,
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, BigInt, Date, Nullable, Text, Timestamptz},
};

pub fn insert(
    tx: &mut Tx<'_>,
    device: DeviceId,
    operator: CanteenOperatorId,
    (college, label): (&Uai, &Label),
) -> Result<(), Error> {
    diesel::insert_into(canteen_gates::table)
        .values((
            canteen_gates::device_id.eq(device),
            canteen_gates::operator_id.eq(operator),
            canteen_gates::college_uai.eq(college),
            canteen_gates::label.eq(label),
        ))
        .execute(tx.conn)?;
    Ok(())
}

pub fn set_revoked(tx: &mut Tx<'_>, device: DeviceId) -> Result<(), Error> {
    let now = tx.now()?;
    diesel::update(canteen_gates::table.find(device)).set(canteen_gates::revoked_at.eq(now)).execute(tx.conn)?;
    Ok(())
}

pub fn heard(tx: &mut Tx<'_>) -> Result<(), Error> {
    diesel::sql_query("select gate_heard()").execute(tx.conn)?;
    Ok(())
}

/// A gate that was heard.
#[derive(Debug, QueryableByName)]
pub struct GateRow {
    #[diesel(sql_type = sql_types::Uuid)]
    pub device_id: DeviceId,
    #[diesel(sql_type = Text)]
    pub college_uai: Uai,
    #[diesel(sql_type = Nullable<Text>)]
    pub label: Option<Label>,
    #[diesel(sql_type = Timestamptz)]
    pub heard_at: DateTime<Utc>,
    /// Of its work there; absent while nobody has set it.
    #[diesel(sql_type = Nullable<Date>)]
    pub last_day: Option<NaiveDate>,
}

/// The gates of a collège, or of all.
pub fn gates(tx: &mut Tx<'_>, college: Option<&Uai>) -> Result<Vec<GateRow>, Error> {
    Ok(diesel::sql_query("select device_id, college_uai, label, heard_at, last_day from canteen_gates_at_work($1)")
        .bind::<Nullable<Text>, _>(college)
        .load(tx.conn)?)
}

#[derive(Debug, QueryableByName)]
struct GapRow {
    #[diesel(sql_type = sql_types::Uuid)]
    device_id: DeviceId,
    #[diesel(sql_type = BigInt)]
    missing: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    since: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    until: DateTime<Utc>,
}

/// Rows of lacking numbers around those days, in the order of each gate's numbers.
pub fn gaps(
    tx: &mut Tx<'_>,
    college: Option<&Uai>,
    (from, until): (NaiveDate, NaiveDate),
) -> Result<Vec<(DeviceId, Gap)>, Error> {
    let rows: Vec<GapRow> =
        diesel::sql_query("select device_id, missing, since, until from canteen_gate_gaps($1, $2, $3)")
            .bind::<Nullable<Text>, _>(college)
            .bind::<Date, _>(from)
            .bind::<Date, _>(until)
            .load(tx.conn)?;
    let gap = |GapRow { device_id, missing, since, until }| (device_id, Gap { missing, since, until });
    Ok(rows.into_iter().map(gap).collect())
}

//! Payments, written once.

use super::PaymentMeans;
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, CanteenAdultId, FamilyId, PaymentId},
        money::Cents,
        text::{Label, Note},
    },
    schema::department::canteen_payments as payments,
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use uuid::Uuid;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = payments)]
pub struct PaymentRow {
    pub id: PaymentId,
    pub family_id: Option<FamilyId>,
    pub adult_id: Option<CanteenAdultId>,
    #[diesel(column_name = amount_cents)]
    pub amount: Cents,
    pub paid_on: NaiveDate,
    pub means: PaymentMeans,
    pub reference: Option<Label>,
    pub undoes: Option<PaymentId>,
    pub reason: Option<Note>,
    pub key: Uuid,
    pub fingerprint: Vec<u8>,
    pub recorded_by: AccountId,
    pub recorded_at: DateTime<Utc>,
}

/// False when this person used the key before.
pub fn insert(tx: &mut Tx<'_>, row: &PaymentRow) -> Result<bool, Error> {
    let inserted = diesel::insert_into(payments::table)
        .values(row)
        .on_conflict((payments::recorded_by, payments::key))
        .do_nothing()
        .execute(tx.conn)?;
    Ok(inserted == 1)
}

pub fn of_key(tx: &mut Tx<'_>, by: AccountId, key: Uuid) -> Result<PaymentRow, Error> {
    Ok(payments::table
        .filter(payments::recorded_by.eq(by).and(payments::key.eq(key)))
        .select(PaymentRow::as_select())
        .first(tx.conn)?)
}

pub fn payment(tx: &mut Tx<'_>, id: PaymentId) -> Result<PaymentRow, Error> {
    Ok(payments::table.find(id).select(PaymentRow::as_select()).first(tx.conn)?)
}

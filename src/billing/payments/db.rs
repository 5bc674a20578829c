//! Payments and refunds, written once.

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
use diesel::{prelude::*, sql_types};
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
    /// Paid back rather than paid: counts against what was paid, as what undoes a payment does.
    pub is_refund: bool,
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

/// A payment that was recorded before.
#[derive(Debug, QueryableByName)]
pub struct Earlier {
    #[diesel(sql_type = sql_types::Uuid)]
    pub id: PaymentId,
    #[diesel(sql_type = sql_types::Date)]
    pub paid_on: NaiveDate,
    #[diesel(sql_type = sql_types::Timestamptz)]
    pub recorded_at: DateTime<Utc>,
}

/// What was paid before by the same means, under the same reference, of the same amount, on the same account, and was not undone. Without a
/// reference of its own, as cash is, on the same day.
pub fn like(tx: &mut Tx<'_>, id: PaymentId) -> Result<Option<Earlier>, Error> {
    let earlier = diesel::sql_query(
        "select p.id, p.paid_on, p.recorded_at
           from canteen_payments n join canteen_payments p
             on p.payer_id = n.payer_id and p.means = n.means and p.amount_cents = n.amount_cents
                and folded(p.reference) is not distinct from folded(n.reference)
                and (p.paid_on = n.paid_on or (n.reference is not null and n.means <> 'cash'))
          where n.id = $1 and p.id <> n.id and p.undoes is null
            and not exists (select 1 from canteen_payments u where u.undoes = p.id)
          order by p.id limit 1",
    );
    Ok(earlier.bind::<sql_types::Uuid, _>(id).get_result(tx.conn).optional()?)
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

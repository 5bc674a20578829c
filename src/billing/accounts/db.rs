//! Entries of accounts, by the view that puts bills and payments together.

use crate::{
    billing::{Payer, payments::PaymentMeans},
    db::Tx,
    error::Error,
    kernel::{
        ids::{CanteenAdultId, FamilyId, PayerId, PaymentId},
        money::Cents,
        text::{Label, SeasonCode},
    },
    schema::department::{canteen_adults, canteen_waivers, families},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, BigInt, Date, Integer, Nullable, Text, Timestamptz},
};
use uuid::Uuid;

text_enum! {
    /// What moves an account.
    pub enum EntryKind {
        Bill = "bill",
        CreditNote = "credit_note",
        Payment = "payment",
        /// A payment that was recorded by mistake.
        PaymentUndone = "payment_undone",
        /// What the treasury paid back.
        Refund = "refund",
        /// A refund that was recorded by mistake, or did not arrive.
        RefundUndone = "refund_undone",
    }
}

#[derive(Debug, QueryableByName)]
pub struct EntryRow {
    #[diesel(sql_type = sql_types::Uuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub kind: EntryKind,
    #[diesel(sql_type = Nullable<Integer>)]
    pub year: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub number: Option<i32>,
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    #[diesel(sql_type = Date)]
    pub on_day: NaiveDate,
    #[diesel(sql_type = Nullable<Date>)]
    pub due_on: Option<NaiveDate>,
    /// What it adds to what is owed.
    #[diesel(sql_type = BigInt)]
    pub cents: Cents,
    #[diesel(sql_type = Nullable<Text>)]
    pub means: Option<PaymentMeans>,
    #[diesel(sql_type = Nullable<Text>)]
    pub reference: Option<Label>,
    /// Of a bill: what of it is neither paid nor credited.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub left_cents: Option<Cents>,
}

pub fn payer(tx: &mut Tx<'_>, id: PayerId) -> Result<Option<Payer>, Error> {
    let family = FamilyId::from_uuid(id.uuid());
    let known: i64 = families::table.find(family).count().get_result(tx.conn)?;
    if known > 0 {
        return Ok(Some(Payer::Family(family)));
    }
    let adult = CanteenAdultId::from_uuid(id.uuid());
    let known: i64 = canteen_adults::table.find(adult).count().get_result(tx.conn)?;
    Ok((known > 0).then_some(Payer::Adult(adult)))
}

/// Newest first, those before that instant and id.
pub fn entries(
    tx: &mut Tx<'_>,
    payer: PayerId,
    before: Option<(i64, Uuid)>,
    limit: i64,
) -> Result<Vec<EntryRow>, Error> {
    let (at, id) = before.unzip();
    Ok(diesel::sql_query(
        "select e.id, e.kind, e.year, e.number, e.at, e.on_day, e.due_on, e.cents, e.means, e.reference,
                case e.kind when 'bill' then coalesce(u.left_cents, 0) end as left_cents
           from canteen_account_entries e
           left join (select bill_id, left_cents from canteen_unpaid_bills where payer_id = $1 offset 0) u on u.bill_id = e.id
          where e.payer_id = $1 and ($2 is null or (e.at, e.id) < ('epoch'::timestamptz + $2 * interval '1 microsecond', $3))
          order by e.at desc, e.id desc limit $4",
    )
    .bind::<sql_types::Uuid, _>(payer)
    .bind::<Nullable<BigInt>, _>(at)
    .bind::<Nullable<sql_types::Uuid>, _>(id)
    .bind::<BigInt, _>(limit)
    .load(tx.conn)?)
}

#[derive(QueryableByName)]
struct FirstDay {
    #[diesel(sql_type = Nullable<Date>)]
    day: Option<NaiveDate>,
}

pub fn first_day(tx: &mut Tx<'_>, payer: PayerId, but: PaymentId) -> Result<Option<NaiveDate>, Error> {
    let first: FirstDay =
        diesel::sql_query("select min(on_day) as day from canteen_account_entries where payer_id = $1 and id <> $2")
            .bind::<sql_types::Uuid, _>(payer)
            .bind::<sql_types::Uuid, _>(but)
            .get_result(tx.conn)?;
    Ok(first.day)
}

#[derive(QueryableByName)]
struct Owed {
    #[diesel(sql_type = BigInt)]
    balance: Cents,
    #[diesel(sql_type = BigInt)]
    overdue: Cents,
}

/// The balance, and what of it is late.
pub fn owed(tx: &mut Tx<'_>, payer: PayerId) -> Result<(Cents, Cents), Error> {
    let owed: Owed = diesel::sql_query(
        "select coalesce((select sum(cents) from canteen_account_entries where payer_id = $1), 0)::bigint as balance,
                canteen_overdue_cents($1) as overdue",
    )
    .bind::<sql_types::Uuid, _>(payer)
    .get_result(tx.conn)?;
    Ok((owed.balance, owed.overdue))
}

pub fn waived(tx: &mut Tx<'_>, payer: PayerId) -> Result<Vec<SeasonCode>, Error> {
    Ok(canteen_waivers::table
        .filter(canteen_waivers::family_id.eq(FamilyId::from_uuid(payer.uuid())))
        .order(canteen_waivers::season)
        .select(canteen_waivers::season)
        .load(tx.conn)?)
}

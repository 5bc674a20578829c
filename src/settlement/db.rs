//! Batches, payouts and their lines.

use super::state::{BatchState, PayoutState};
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, BankAccountId, MerchantId, PayoutBatchId, PayoutId, TransferId},
        money::Cents,
    },
    schema::department::{payout_batches, payout_lines, payouts},
};
use chrono::{DateTime, Utc};
use diesel::{prelude::*, sql_types};

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = payout_batches)]
pub struct BatchRow {
    pub id: PayoutBatchId,
    pub number: i32,
    pub until: DateTime<Utc>,
    pub state: BatchState,
    pub hash: Vec<u8>,
    #[diesel(column_name = total_cents)]
    pub total: Cents,
    pub debtor_account_id: BankAccountId,
    pub frozen_by: AccountId,
    pub frozen_at: DateTime<Utc>,
    pub first_approved_by: Option<AccountId>,
    pub first_approved_at: Option<DateTime<Utc>>,
    pub second_approved_by: Option<AccountId>,
    pub second_approved_at: Option<DateTime<Utc>>,
    pub sent_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = payouts)]
pub struct PayoutRow {
    pub id: PayoutId,
    pub batch_id: PayoutBatchId,
    pub merchant_id: MerchantId,
    pub merchant_name: String,
    pub bank_account_id: BankAccountId,
    #[diesel(column_name = lines_cents)]
    pub lines: Cents,
    #[diesel(column_name = carried_in_cents)]
    pub carried_in: Cents,
    #[diesel(column_name = amount_cents)]
    pub amount: Cents,
    pub state: PayoutState,
    pub end_to_end_id: String,
    pub reason_code: Option<String>,
    pub carried_into: Option<PayoutId>,
}

/// A movement that a batch took up, signed as the merchant counts it.
#[derive(Debug, Clone, Queryable)]
pub struct LineRow {
    pub transfer_id: TransferId,
    pub merchant_id: MerchantId,
    pub amount: Cents,
}

/// What a batch would find for a merchant.
#[derive(Debug, Clone, QueryableByName)]
pub struct PlanRow {
    #[diesel(sql_type = sql_types::Uuid)]
    pub merchant_id: MerchantId,
    #[diesel(sql_type = sql_types::Text)]
    pub merchant_name: String,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    pub bank_account_id: Option<BankAccountId>,
    #[diesel(sql_type = sql_types::BigInt)]
    pub line_count: i64,
    #[diesel(sql_type = sql_types::BigInt, column_name = lines_cents)]
    pub lines: Cents,
    #[diesel(sql_type = sql_types::BigInt, column_name = carried_cents)]
    pub carried: Cents,
    #[diesel(sql_type = sql_types::BigInt, column_name = disputed_cents)]
    pub disputed: Cents,
    /// The bank's code for why it does not pay to the account in force.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub hold_reason: Option<String>,
}

/// A line of a batch that a family contests.
#[derive(Debug, QueryableByName)]
pub struct ContestedRow {
    #[diesel(sql_type = sql_types::Uuid)]
    pub transfer_id: TransferId,
    #[diesel(sql_type = sql_types::Text)]
    pub merchant_name: String,
    #[diesel(sql_type = sql_types::BigInt, column_name = amount_cents)]
    pub amount: Cents,
}

diesel::define_sql_function! {
    fn payout_freeze(batch: sql_types::Uuid, until: sql_types::Timestamptz, prefix: sql_types::Text) -> sql_types::BigInt;
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = sql_types::BigInt)]
    answer: i64,
}

/// How many merchants have an account whose balance is not what batches took up and what still waits, and how many payouts of whatever
/// batch are no longer the sum of their lines: a line that was taken away would be paid twice.
pub fn unbalanced(tx: &mut Tx<'_>) -> Result<i64, Error> {
    let found: Answer = diesel::sql_query(
        "select (select count(*) from payouts p where p.lines_cents <>
                   (select coalesce(sum(l.amount_cents), 0) from payout_lines l where l.payout_id = p.id))
              + (select count(*) from ledger_accounts a
           left join (select account_id, sum(cents) as cents from ledger_entries group by account_id) e on e.account_id = a.id
           left join (select m.merchant_id, sum(m.amount_cents) as cents from merchant_lines m
                       where not exists (select 1 from payout_lines l where l.transfer_id = m.transfer_id)
                       group by m.merchant_id) waiting on waiting.merchant_id = a.merchant_id
           left join (select p.merchant_id, sum(l.amount_cents) as cents from payout_lines l join payouts p on p.id = l.payout_id
                       group by p.merchant_id) taken on taken.merchant_id = a.merchant_id
          where a.kind = 'merchant' and coalesce(e.cents, 0) <> coalesce(waiting.cents, 0) + coalesce(taken.cents, 0)) as answer",
    )
    .get_result(tx.conn)?;
    Ok(found.answer)
}

/// How many lines of a batch are not what the ledger says of that movement.
pub fn untrue_lines(tx: &mut Tx<'_>, batch: PayoutBatchId) -> Result<i64, Error> {
    let found: Answer = diesel::sql_query(
        "select count(*) as answer from payout_lines l join payouts p on p.id = l.payout_id
           left join merchant_lines m on m.transfer_id = l.transfer_id
          where p.batch_id = $1
            and (m.transfer_id is null or m.amount_cents <> l.amount_cents or m.merchant_id <> p.merchant_id)",
    )
    .bind::<sql_types::Uuid, _>(batch)
    .get_result(tx.conn)?;
    Ok(found.answer)
}

/// The lines of a batch that a family contests. Who contests waits for the end of the transaction, and who was before is seen: it is the
/// last thing asked, so that nobody waits long.
pub fn contested(tx: &mut Tx<'_>, batch: PayoutBatchId) -> Result<Vec<ContestedRow>, Error> {
    diesel::sql_query("lock table disputes in share mode").execute(tx.conn)?;
    Ok(diesel::sql_query(
        "select l.transfer_id, p.merchant_name, l.amount_cents from payout_lines l
           join payouts p on p.id = l.payout_id join merchant_lines m on m.transfer_id = l.transfer_id
          where p.batch_id = $1 and m.disputed order by p.merchant_name, l.transfer_id",
    )
    .bind::<sql_types::Uuid, _>(batch)
    .load(tx.conn)?)
}

pub fn plan(tx: &mut Tx<'_>, until: DateTime<Utc>) -> Result<Vec<PlanRow>, Error> {
    Ok(diesel::sql_query("select * from payout_plan($1) order by merchant_name, merchant_id")
        .bind::<sql_types::Timestamptz, _>(until)
        .load(tx.conn)?)
}

/// Makes the payouts of a batch to be and takes up its lines; how many payouts.
pub fn freeze(tx: &mut Tx<'_>, batch: PayoutBatchId, until: DateTime<Utc>, prefix: &str) -> Result<i64, Error> {
    Ok(diesel::select(payout_freeze(batch, until, prefix)).get_result(tx.conn)?)
}

pub fn last_number(tx: &mut Tx<'_>) -> Result<i32, Error> {
    let last: Option<i32> = payout_batches::table.select(diesel::dsl::max(payout_batches::number)).first(tx.conn)?;
    Ok(last.unwrap_or_default())
}

pub fn insert_batch(tx: &mut Tx<'_>, row: &BatchRow) -> Result<(), Error> {
    diesel::insert_into(payout_batches::table).values(row).execute(tx.conn)?;
    Ok(())
}

pub fn batch(tx: &mut Tx<'_>, id: PayoutBatchId) -> Result<BatchRow, Error> {
    Ok(payout_batches::table.find(id).select(BatchRow::as_select()).first(tx.conn)?)
}

/// From the newest, those before that number only.
pub fn batches(tx: &mut Tx<'_>, before: Option<i64>, limit: i64) -> Result<Vec<BatchRow>, Error> {
    let before = before.and_then(|number| i32::try_from(number).ok()).unwrap_or(i32::MAX);
    Ok(payout_batches::table
        .filter(payout_batches::number.lt(before))
        .order(payout_batches::number.desc())
        .limit(limit)
        .select(BatchRow::as_select())
        .load(tx.conn)?)
}

pub fn lines(tx: &mut Tx<'_>, batch: PayoutBatchId) -> Result<Vec<LineRow>, Error> {
    Ok(payout_lines::table
        .inner_join(payouts::table.on(payouts::id.eq(payout_lines::payout_id)))
        .filter(payouts::batch_id.eq(batch))
        .select((payout_lines::transfer_id, payouts::merchant_id, payout_lines::amount_cents))
        .load(tx.conn)?)
}

pub fn payouts(tx: &mut Tx<'_>, batch: PayoutBatchId) -> Result<Vec<PayoutRow>, Error> {
    Ok(payouts::table
        .filter(payouts::batch_id.eq(batch))
        .order(payouts::merchant_id)
        .select(PayoutRow::as_select())
        .load(tx.conn)?)
}

pub fn payout(tx: &mut Tx<'_>, id: PayoutId) -> Result<PayoutRow, Error> {
    Ok(payouts::table.find(id).select(PayoutRow::as_select()).first(tx.conn)?)
}

/// The first approval; the state stays.
pub fn approve_first(tx: &mut Tx<'_>, id: PayoutBatchId, by: AccountId, at: DateTime<Utc>) -> Result<BatchRow, Error> {
    Ok(diesel::update(payout_batches::table.find(id))
        .set((payout_batches::first_approved_by.eq(by), payout_batches::first_approved_at.eq(at)))
        .returning(BatchRow::as_returning())
        .get_result(tx.conn)?)
}

pub fn approve_second(tx: &mut Tx<'_>, id: PayoutBatchId, by: AccountId, at: DateTime<Utc>) -> Result<BatchRow, Error> {
    Ok(diesel::update(payout_batches::table.find(id))
        .set((
            payout_batches::second_approved_by.eq(by),
            payout_batches::second_approved_at.eq(at),
            payout_batches::state.eq(BatchState::Approved),
        ))
        .returning(BatchRow::as_returning())
        .get_result(tx.conn)?)
}

pub fn set_sent(tx: &mut Tx<'_>, id: PayoutBatchId, state: BatchState, at: DateTime<Utc>) -> Result<BatchRow, Error> {
    Ok(diesel::update(payout_batches::table.find(id))
        .set((payout_batches::state.eq(state), payout_batches::sent_at.eq(at)))
        .returning(BatchRow::as_returning())
        .get_result(tx.conn)?)
}

pub fn set_batch_state(tx: &mut Tx<'_>, id: PayoutBatchId, state: BatchState) -> Result<BatchRow, Error> {
    Ok(diesel::update(payout_batches::table.find(id))
        .set(payout_batches::state.eq(state))
        .returning(BatchRow::as_returning())
        .get_result(tx.conn)?)
}

/// Gives back what a batch took up: its lines wait again, and so do the amounts it carried in.
pub fn release(tx: &mut Tx<'_>, batch: PayoutBatchId) -> Result<(), Error> {
    let of_batch = || payouts::table.filter(payouts::batch_id.eq(batch)).select(payouts::id);
    let ids: Vec<PayoutId> = of_batch().load(tx.conn)?;
    diesel::delete(payout_lines::table.filter(payout_lines::payout_id.eq_any(&ids))).execute(tx.conn)?;
    diesel::update(payouts::table.filter(payouts::carried_into.eq_any(&ids)))
        .set(payouts::carried_into.eq(None::<PayoutId>))
        .execute(tx.conn)?;
    diesel::delete(payouts::table.filter(payouts::id.eq_any(&ids))).execute(tx.conn)?;
    Ok(())
}

pub fn set_payout_state(tx: &mut Tx<'_>, id: PayoutId, state: PayoutState, reason: Option<&str>) -> Result<(), Error> {
    diesel::update(payouts::table.find(id))
        .set((payouts::state.eq(state), payouts::reason_code.eq(reason)))
        .execute(tx.conn)?;
    Ok(())
}

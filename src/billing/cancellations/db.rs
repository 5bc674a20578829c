//! Cancellations, decided once, and the credit notes that they make.

use super::CancellationState;
use crate::{
    billing::CreditReason,
    db::Tx,
    error::{Error, Refusal},
    kernel::{
        ids::{AccountId, BillId, CancellationId},
        money::Cents,
        text::Note,
    },
    schema::department::canteen_cancellations as cancellations,
};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, BigInt, Bool, Date, Integer, Text, Timestamptz},
};
use uuid::Uuid;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = cancellations)]
pub struct CancellationRow {
    pub id: CancellationId,
    pub bill_id: BillId,
    pub reason: CreditReason,
    pub bill_again: bool,
    pub note: Option<Note>,
    pub two_persons: bool,
    pub state: CancellationState,
    pub key: Uuid,
    pub fingerprint: Vec<u8>,
    pub proposed_by: AccountId,
    pub proposed_at: DateTime<Utc>,
    pub decided_by: Option<AccountId>,
    pub decided_at: Option<DateTime<Utc>>,
    pub credit_note_id: Option<BillId>,
}

pub fn insert(tx: &mut Tx<'_>, row: &CancellationRow) -> Result<(), Error> {
    diesel::insert_into(cancellations::table).values(row).execute(tx.conn)?;
    Ok(())
}

pub fn of_key(tx: &mut Tx<'_>, by: AccountId, key: Uuid) -> Result<Option<CancellationRow>, Error> {
    Ok(cancellations::table
        .filter(cancellations::proposed_by.eq(by).and(cancellations::key.eq(key)))
        .select(CancellationRow::as_select())
        .first(tx.conn)
        .optional()?)
}

pub fn lock(tx: &mut Tx<'_>, id: CancellationId) -> Result<CancellationRow, Error> {
    Ok(cancellations::table.find(id).select(CancellationRow::as_select()).for_update().first(tx.conn)?)
}

/// Newest first, those before that one and in that state only.
pub fn page(
    tx: &mut Tx<'_>,
    state: Option<CancellationState>,
    before: Option<CancellationId>,
    limit: i64,
) -> Result<Vec<CancellationRow>, Error> {
    let mut query = cancellations::table
        .order(cancellations::id.desc())
        .limit(limit)
        .select(CancellationRow::as_select())
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(cancellations::state.eq(state));
    }
    if let Some(before) = before {
        query = query.filter(cancellations::id.lt(before));
    }
    Ok(query.load(tx.conn)?)
}

/// What became of a proposed cancellation.
pub struct Decision {
    pub state: CancellationState,
    pub by: AccountId,
    pub at: DateTime<Utc>,
    pub credit_note: Option<BillId>,
}

pub fn decide(tx: &mut Tx<'_>, id: CancellationId, decision: &Decision) -> Result<CancellationRow, Error> {
    diesel::update(cancellations::table.find(id).filter(cancellations::state.eq(CancellationState::Proposed)))
        .set((
            cancellations::state.eq(decision.state),
            cancellations::decided_by.eq(decision.by),
            cancellations::decided_at.eq(decision.at),
            cancellations::credit_note_id.eq(decision.credit_note),
        ))
        .returning(CancellationRow::as_returning())
        .get_result(tx.conn)
        .optional()?
        .ok_or(Error::Refused(Refusal::CancellationTransition))
}

/// The credit note of a whole bill, whose series is held: every line of it taken back, and a word to the payer.
pub fn credit(
    tx: &mut Tx<'_>,
    row: &CancellationRow,
    (at, on): (DateTime<Utc>, NaiveDate),
    balance: Cents,
) -> Result<BillId, Error> {
    let id = BillId::generate();
    diesel::sql_query(
        "with numbered as (
             update canteen_bill_series set last = last + 1 where kind = 'credit_note' and year = $3 returning last),
         issued as (
             insert into canteen_bills (id, kind, year, number, family_id, adult_id, payer_name, month, issued_on, issued_at, total_cents,
                                        balance_before_cents, corrects, reason, bill_again)
             select $1, 'credit_note', $3, n.last, b.family_id, b.adult_id, b.payer_name, b.month, $4, $5, -b.total_cents, $6, b.id, $7, $8
               from canteen_bills b cross join numbered n where b.id = $2),
         lines as (
             insert into canteen_bill_lines
             select $1, rank, person_id, diner_name, college_uai, month, kind, rate_id, grid_id, days, -meals, unit_cents, -amount_cents, $2
               from canteen_bill_lines where bill_id = $2)
         insert into jobs (id, kind, payload, created_at, run_at)
         values (time_ordered_id(), 'bill_notice', jsonb_build_object('bill_id', $1::uuid), $5, $5)",
    )
    .bind::<sql_types::Uuid, _>(id)
    .bind::<sql_types::Uuid, _>(row.bill_id)
    .bind::<Integer, _>(on.year())
    .bind::<Date, _>(on)
    .bind::<Timestamptz, _>(at)
    .bind::<BigInt, _>(balance)
    .bind::<Text, _>(row.reason)
    .bind::<Bool, _>(row.bill_again)
    .execute(tx.conn)?;
    Ok(id)
}

//! Disputes: one a debit, decided once.

use super::{DisputeReason, DisputeState};
use crate::{
    db::Tx,
    error::{Error, Refusal},
    kernel::{
        ids::{AccountId, DisputeId, FamilyId, MerchantId, TransferId, WalletId},
        text::Note,
    },
    schema::department::{disputes, transfers},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = disputes)]
pub struct DisputeRow {
    pub id: DisputeId,
    pub transfer_id: TransferId,
    pub family_id: FamilyId,
    pub merchant_id: MerchantId,
    pub state: DisputeState,
    pub reason: DisputeReason,
    pub note: Option<Note>,
    pub opened_by: AccountId,
    pub opened_at: DateTime<Utc>,
    pub decided_by: Option<AccountId>,
    pub decided_at: Option<DateTime<Utc>>,
    pub decision_note: Option<Note>,
    pub reversal_id: Option<TransferId>,
}

pub fn insert(tx: &mut Tx<'_>, row: &DisputeRow) -> Result<(), Error> {
    diesel::insert_into(disputes::table).values(row).execute(tx.conn)?;
    Ok(())
}

pub fn lock(tx: &mut Tx<'_>, id: DisputeId) -> Result<DisputeRow, Error> {
    Ok(disputes::table.find(id).select(DisputeRow::as_select()).for_update().first(tx.conn)?)
}

pub fn lock_open_of(tx: &mut Tx<'_>, transfer: TransferId) -> Result<Option<DisputeRow>, Error> {
    Ok(disputes::table
        .filter(disputes::transfer_id.eq(transfer).and(disputes::state.eq(DisputeState::Open)))
        .select(DisputeRow::as_select())
        .for_update()
        .first(tx.conn)
        .optional()?)
}

/// Disputes of one wallet, newest first.
pub fn of_wallet(
    tx: &mut Tx<'_>,
    wallet: WalletId,
    before: Option<DisputeId>,
    limit: i64,
) -> Result<Vec<DisputeRow>, Error> {
    let mut query = disputes::table
        .inner_join(transfers::table.on(transfers::id.eq(disputes::transfer_id)))
        .filter(transfers::wallet_id.eq(wallet))
        .order(disputes::id.desc())
        .limit(limit)
        .select(DisputeRow::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(disputes::id.lt(before));
    }
    Ok(query.load(tx.conn)?)
}

/// Disputes of the department in that state, or all, oldest first: who waits longest comes first.
pub fn page(
    tx: &mut Tx<'_>,
    state: Option<DisputeState>,
    after: Option<DisputeId>,
    limit: i64,
) -> Result<Vec<DisputeRow>, Error> {
    let mut query = disputes::table.order(disputes::id).limit(limit).select(DisputeRow::as_select()).into_boxed();
    if let Some(state) = state {
        query = query.filter(disputes::state.eq(state));
    }
    if let Some(after) = after {
        query = query.filter(disputes::id.gt(after));
    }
    Ok(query.load(tx.conn)?)
}

/// What became of an open dispute.
pub struct Decision<'a> {
    pub state: DisputeState,
    pub by: AccountId,
    pub at: DateTime<Utc>,
    pub note: Option<&'a Note>,
    pub reversal: Option<TransferId>,
}

/// Decides a dispute, once.
pub fn decide(tx: &mut Tx<'_>, id: DisputeId, decision: &Decision<'_>) -> Result<DisputeRow, Error> {
    diesel::update(disputes::table.find(id).filter(disputes::state.eq(DisputeState::Open)))
        .set((
            disputes::state.eq(decision.state),
            disputes::decided_by.eq(decision.by),
            disputes::decided_at.eq(decision.at),
            disputes::decision_note.eq(decision.note),
            disputes::reversal_id.eq(decision.reversal),
        ))
        .returning(DisputeRow::as_returning())
        .get_result(tx.conn)
        .optional()?
        .ok_or(Error::Refused(Refusal::DisputeTransition))
}

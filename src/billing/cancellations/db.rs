//! Cancellations, decided once.

use super::CancellationState;
use crate::{
    billing::CreditReason,
    db::Tx,
    error::{Error, Refusal},
    kernel::{
        ids::{AccountId, BillId, CancellationId, CanteenAdultId, FamilyId},
        text::Note,
    },
    schema::department::canteen_cancellations as cancellations,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
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
    pub bill_to_family_id: Option<FamilyId>,
    pub bill_to_adult_id: Option<CanteenAdultId>,
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

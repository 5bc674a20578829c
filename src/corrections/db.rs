//! Corrections: inserted as proposed, decided once.

use super::{CorrectionReason, CorrectionState};
use crate::{
    db::Tx,
    error::{Error, Refusal},
    kernel::{
        ids::{AccountId, CorrectionId, TransferId},
        money::Cents,
        text::Note,
    },
    schema::department::corrections,
};
use chrono::{DateTime, Utc};
use diesel::{dsl::sql, prelude::*, sql_types};
use uuid::Uuid;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = corrections)]
pub struct CorrectionRow {
    pub id: CorrectionId,
    pub transfer_id: TransferId,
    #[diesel(column_name = amount_cents)]
    pub amount: Cents,
    pub reason: CorrectionReason,
    pub note: Option<Note>,
    pub key: Uuid,
    pub fingerprint: Vec<u8>,
    pub two_persons: bool,
    pub state: CorrectionState,
    pub proposed_by: AccountId,
    pub proposed_at: DateTime<Utc>,
    pub decided_by: Option<AccountId>,
    pub decided_at: Option<DateTime<Utc>>,
    pub decision_note: Option<Note>,
    pub reversal_id: Option<TransferId>,
}

/// What one person alone has corrected of a movement until now.
pub fn corrected_alone(tx: &mut Tx<'_>, transfer: TransferId) -> Result<Cents, Error> {
    Ok(corrections::table
        .filter(corrections::transfer_id.eq(transfer))
        .filter(corrections::state.eq(CorrectionState::Done).and(corrections::two_persons.eq(false)))
        .select(sql::<sql_types::BigInt>("coalesce(sum(amount_cents), 0)::bigint"))
        .first(tx.conn)?)
}

/// False when this person used the key before.
pub fn insert(tx: &mut Tx<'_>, row: &CorrectionRow) -> Result<bool, Error> {
    let inserted = diesel::insert_into(corrections::table)
        .values(row)
        .on_conflict((corrections::proposed_by, corrections::key))
        .do_nothing()
        .execute(tx.conn)?;
    Ok(inserted == 1)
}

pub fn of_key(tx: &mut Tx<'_>, by: AccountId, key: Uuid) -> Result<CorrectionRow, Error> {
    Ok(corrections::table
        .filter(corrections::proposed_by.eq(by).and(corrections::key.eq(key)))
        .select(CorrectionRow::as_select())
        .first(tx.conn)?)
}

pub fn correction(tx: &mut Tx<'_>, id: CorrectionId) -> Result<CorrectionRow, Error> {
    Ok(corrections::table.find(id).select(CorrectionRow::as_select()).first(tx.conn)?)
}

pub fn lock(tx: &mut Tx<'_>, id: CorrectionId) -> Result<CorrectionRow, Error> {
    Ok(corrections::table.find(id).select(CorrectionRow::as_select()).for_update().first(tx.conn)?)
}

/// The correction that a contested debit waits for.
pub fn awaited_by_dispute(tx: &mut Tx<'_>, transfer: TransferId) -> Result<Option<CorrectionId>, Error> {
    Ok(corrections::table
        .filter(corrections::transfer_id.eq(transfer))
        .filter(corrections::state.eq(CorrectionState::Proposed))
        .filter(corrections::reason.eq(CorrectionReason::Dispute))
        .select(corrections::id)
        .first(tx.conn)
        .optional()?)
}

/// From the newest, those before that one and in that state only.
pub fn page(
    tx: &mut Tx<'_>,
    state: Option<CorrectionState>,
    before: Option<CorrectionId>,
    limit: i64,
) -> Result<Vec<CorrectionRow>, Error> {
    let mut query =
        corrections::table.order(corrections::id.desc()).limit(limit).select(CorrectionRow::as_select()).into_boxed();
    if let Some(state) = state {
        query = query.filter(corrections::state.eq(state));
    }
    if let Some(before) = before {
        query = query.filter(corrections::id.lt(before));
    }
    Ok(query.load(tx.conn)?)
}

/// What became of a proposed correction.
pub struct Decision<'a> {
    pub state: CorrectionState,
    pub by: AccountId,
    pub at: DateTime<Utc>,
    pub note: Option<&'a Note>,
    pub reversal: Option<TransferId>,
}

/// Decides a correction, once.
pub fn decide(tx: &mut Tx<'_>, id: CorrectionId, decision: &Decision<'_>) -> Result<CorrectionRow, Error> {
    diesel::update(corrections::table.find(id).filter(corrections::state.eq(CorrectionState::Proposed)))
        .set((
            corrections::state.eq(decision.state),
            corrections::decided_by.eq(decision.by),
            corrections::decided_at.eq(decision.at),
            corrections::decision_note.eq(decision.note),
            corrections::reversal_id.eq(decision.reversal),
        ))
        .returning(CorrectionRow::as_returning())
        .get_result(tx.conn)
        .optional()?
        .ok_or(Error::Refused(Refusal::CorrectionTransition))
}

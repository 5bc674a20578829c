//! Payouts whose money came back, one row a statement.

use super::ReturnState;
use crate::{
    db::Tx,
    error::Error,
    kernel::ids::{AccountId, PayoutId, PayoutReturnId},
    schema::department::payout_returns,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = payout_returns)]
pub struct ReturnRow {
    pub id: PayoutReturnId,
    pub payout_id: PayoutId,
    pub reason_code: String,
    pub state: ReturnState,
    pub proposed_by: AccountId,
    pub proposed_at: DateTime<Utc>,
    pub decided_by: Option<AccountId>,
    pub decided_at: Option<DateTime<Utc>>,
}

pub fn insert(tx: &mut Tx<'_>, row: &ReturnRow) -> Result<(), Error> {
    diesel::insert_into(payout_returns::table).values(row).execute(tx.conn)?;
    Ok(())
}

pub fn find(tx: &mut Tx<'_>, id: PayoutReturnId) -> Result<ReturnRow, Error> {
    Ok(payout_returns::table.find(id).select(ReturnRow::as_select()).first(tx.conn)?)
}

/// Those in that state, or all, oldest first.
pub fn page(
    tx: &mut Tx<'_>,
    state: Option<ReturnState>,
    after: Option<PayoutReturnId>,
    limit: i64,
) -> Result<Vec<ReturnRow>, Error> {
    let mut query =
        payout_returns::table.order(payout_returns::id).limit(limit).select(ReturnRow::as_select()).into_boxed();
    if let Some(state) = state {
        query = query.filter(payout_returns::state.eq(state));
    }
    if let Some(after) = after {
        query = query.filter(payout_returns::id.gt(after));
    }
    Ok(query.load(tx.conn)?)
}

/// Decides, once; nothing when it is decided already.
pub fn decide(
    tx: &mut Tx<'_>,
    id: PayoutReturnId,
    state: ReturnState,
    by: AccountId,
    at: DateTime<Utc>,
) -> Result<Option<ReturnRow>, Error> {
    Ok(diesel::update(payout_returns::table.find(id).filter(payout_returns::state.eq(ReturnState::Proposed)))
        .set((payout_returns::state.eq(state), payout_returns::decided_by.eq(by), payout_returns::decided_at.eq(at)))
        .returning(ReturnRow::as_returning())
        .get_result(tx.conn)
        .optional()?)
}

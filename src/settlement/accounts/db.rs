//! Bank accounts, one row a proposal.

use super::AccountState;
use crate::{
    db::Tx,
    error::Error,
    kernel::ids::{AccountId, BankAccountId, MerchantId},
    schema::department::bank_accounts,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = bank_accounts)]
pub struct AccountRow {
    pub id: BankAccountId,
    pub merchant_id: Option<MerchantId>,
    pub holder_name: String,
    pub iban_sealed: Vec<u8>,
    pub iban_last4: String,
    pub state: AccountState,
    pub proposed_by: AccountId,
    pub proposed_at: DateTime<Utc>,
    pub decided_by: Option<AccountId>,
    pub decided_at: Option<DateTime<Utc>>,
    pub effective_from: Option<DateTime<Utc>>,
}

pub fn insert(tx: &mut Tx<'_>, row: &AccountRow) -> Result<(), Error> {
    diesel::insert_into(bank_accounts::table).values(row).execute(tx.conn)?;
    Ok(())
}

pub fn by_ids(tx: &mut Tx<'_>, ids: &[BankAccountId]) -> Result<Vec<AccountRow>, Error> {
    Ok(bank_accounts::table.filter(bank_accounts::id.eq_any(ids)).select(AccountRow::as_select()).load(tx.conn)?)
}

/// Accounts, proposed or approved, whose number ends so.
pub fn ending(tx: &mut Tx<'_>, last4: &[&str]) -> Result<Vec<AccountRow>, Error> {
    Ok(bank_accounts::table
        .filter(bank_accounts::iban_last4.eq_any(last4))
        .filter(bank_accounts::state.ne(AccountState::Refused))
        .order(bank_accounts::id)
        .select(AccountRow::as_select())
        .load(tx.conn)?)
}

pub fn account(tx: &mut Tx<'_>, id: BankAccountId) -> Result<AccountRow, Error> {
    Ok(bank_accounts::table.find(id).select(AccountRow::as_select()).first(tx.conn)?)
}

/// Accounts of a merchant, or the department's own, in the order of their proposal.
pub fn accounts(
    tx: &mut Tx<'_>,
    merchant: Option<MerchantId>,
    after: Option<BankAccountId>,
    limit: i64,
) -> Result<Vec<AccountRow>, Error> {
    let mut query = bank_accounts::table
        .filter(bank_accounts::merchant_id.is_not_distinct_from(merchant))
        .order(bank_accounts::id)
        .limit(limit)
        .select(AccountRow::as_select())
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(bank_accounts::id.gt(after));
    }
    Ok(query.load(tx.conn)?)
}

/// Decides a proposal; nothing when it is decided already.
pub fn decide(
    tx: &mut Tx<'_>,
    id: BankAccountId,
    state: AccountState,
    by: AccountId,
    at: DateTime<Utc>,
    effective_from: Option<DateTime<Utc>>,
) -> Result<Option<AccountRow>, Error> {
    Ok(diesel::update(bank_accounts::table.find(id).filter(bank_accounts::state.eq(AccountState::Proposed)))
        .set((
            bank_accounts::state.eq(state),
            bank_accounts::decided_by.eq(by),
            bank_accounts::decided_at.eq(at),
            bank_accounts::effective_from.eq(effective_from),
        ))
        .returning(AccountRow::as_returning())
        .get_result(tx.conn)
        .optional()?)
}

/// The department's own account that serves at that instant: the last that took effect.
pub fn own_in_force(tx: &mut Tx<'_>, at: DateTime<Utc>) -> Result<Option<AccountRow>, Error> {
    Ok(bank_accounts::table
        .filter(bank_accounts::merchant_id.is_null())
        .filter(bank_accounts::state.eq(AccountState::Approved))
        .filter(bank_accounts::effective_from.le(at))
        .order((bank_accounts::effective_from.desc(), bank_accounts::id.desc()))
        .select(AccountRow::as_select())
        .first(tx.conn)
        .optional()?)
}

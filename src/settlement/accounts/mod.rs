//! Where merchants are paid, and where the department pays from. A number is sealed on arrival and opened for the bank's file alone; a
//! change is proposed by one, approved by another, and takes effect three days later.

mod db;
pub mod http;
pub mod iban;

use super::credit_transfer::Party;
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    http::page::{Page, PageQuery},
    kernel::{
        ids::{AccountId, BankAccountId, MerchantId},
        text::HolderName,
        words::AgentFunction,
    },
    merchants,
};
use chrono::TimeDelta;
pub use db::AccountRow;
use iban::Iban;
use serde_json::json;

text_enum! {
    /// Where a bank account stands. The account in force is the last one approved whose day has come.
    pub enum AccountState { Proposed = "proposed", Approved = "approved", Refused = "refused" }
}

/// Time to notice a change that nobody asked for, a weekend included.
const BEFORE_EFFECT: TimeDelta = TimeDelta::hours(72);
const PURPOSE: &str = "iban";

/// Who decides about accounts.
#[derive(Debug, Clone, Copy)]
pub struct Decider {
    pub account: AccountId,
    pub function: AgentFunction,
}

impl Decider {
    /// The department's own account is the administrators' business.
    fn require(self, merchant: Option<MerchantId>) -> Result<(), Error> {
        if merchant.is_none() && self.function != AgentFunction::Administrator {
            return Err(Refusal::Forbidden.into());
        }
        Ok(())
    }
}

/// What a sealed number is bound to: its row, whose it is, and the name beside it. Moved elsewhere it does not open.
fn place(id: BankAccountId, merchant: Option<MerchantId>, holder: &str) -> Vec<u8> {
    let merchant = merchant.map(|id| *id.uuid().as_bytes()).unwrap_or_default();
    [id.uuid().as_bytes(), merchant.as_slice(), holder.as_bytes()].concat()
}

/// Proposes an account of a merchant, or, without one, the department's own.
pub fn propose_bank_account(
    tx: &mut Tx<'_>,
    merchant: Option<MerchantId>,
    holder: &HolderName,
    iban: &Iban,
    by: Decider,
) -> Result<AccountRow, Error> {
    by.require(merchant)?;
    if let Some(merchant) = merchant {
        merchants::require_affiliated(tx, merchant, false)?;
    }
    let id = BankAccountId::generate();
    let place = place(id, merchant, holder.as_str());
    let row = AccountRow {
        id,
        merchant_id: merchant,
        holder_name: holder.to_string(),
        iban_sealed: tx.key.seal(PURPOSE, &place, iban.expose().as_bytes()).map_err(Error::internal)?,
        iban_last4: iban.last4(),
        state: AccountState::Proposed,
        proposed_by: by.account,
        proposed_at: tx.now()?,
        decided_by: None,
        decided_at: None,
        effective_from: None,
    };
    db::insert(tx, &row)?;
    audit::record(tx, "bank_account_proposed", ("bank_account", id), json!({ "merchant_id": merchant }))?;
    Ok(row)
}

/// Approves another's proposal: it serves three days later.
pub fn approve_bank_account(tx: &mut Tx<'_>, id: BankAccountId, by: Decider) -> Result<AccountRow, Error> {
    let row = db::account(tx, id)?;
    by.require(row.merchant_id)?;
    if row.proposed_by == by.account {
        return Err(Refusal::SamePerson.into());
    }
    decide(tx, &row, AccountState::Approved, by)
}

/// Refuses a proposal, or withdraws one's own.
pub fn refuse_bank_account(tx: &mut Tx<'_>, id: BankAccountId, by: Decider) -> Result<AccountRow, Error> {
    let row = db::account(tx, id)?;
    by.require(row.merchant_id)?;
    decide(tx, &row, AccountState::Refused, by)
}

fn decide(tx: &mut Tx<'_>, row: &AccountRow, state: AccountState, by: Decider) -> Result<AccountRow, Error> {
    let now = tx.now()?;
    let effective_from = now.checked_add_signed(BEFORE_EFFECT).filter(|_| state == AccountState::Approved);
    let decided = db::decide(tx, row.id, state, by.account, now, effective_from)?;
    let row = decided.ok_or(Error::Refused(Refusal::BankAccountTransition))?;
    let details = json!({ "state": state, "effective_from": row.effective_from, "merchant_id": row.merchant_id });
    audit::record(tx, "bank_account_decided", ("bank_account", row.id), details)?;
    Ok(row)
}

/// Accounts of a merchant, or the department's own, past ones too.
pub fn list_bank_accounts(
    tx: &mut Tx<'_>,
    merchant: Option<MerchantId>,
    query: &PageQuery,
) -> Result<Page<AccountRow>, Error> {
    let after = query.after()?.map(BankAccountId::from_uuid);
    let rows = db::accounts(tx, merchant, after, query.limit()?.saturating_add(1))?;
    query.page(rows, |row| row.id.uuid())
}

/// The department's account in force.
pub fn own_in_force(tx: &mut Tx<'_>) -> Result<Option<AccountRow>, Error> {
    let now = tx.now()?;
    db::own_in_force(tx, now)
}

/// Holder and number, for the bank's file.
pub fn party(tx: &mut Tx<'_>, id: BankAccountId) -> Result<Party, Error> {
    let row = db::account(tx, id)?;
    let place = place(id, row.merchant_id, &row.holder_name);
    // A row that somebody changed does not open: the batch is refused, not paid to another.
    let iban = tx.key.open(PURPOSE, &place, &row.iban_sealed).map_err(|_| Error::Refused(Refusal::BatchTampered))?;
    Ok(Party { name: row.holder_name, iban: String::from_utf8(iban).map_err(Error::internal)? })
}

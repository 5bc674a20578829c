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
use std::collections::BTreeMap;

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
) -> Result<Compared, Error> {
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
    beside_others(tx, row)
}

/// Approves another's proposal: it serves three days later.
pub fn approve_bank_account(tx: &mut Tx<'_>, id: BankAccountId, by: Decider) -> Result<Compared, Error> {
    let row = db::account(tx, id)?;
    by.require(row.merchant_id)?;
    if row.proposed_by == by.account {
        return Err(Refusal::SamePerson.into());
    }
    decide(tx, &row, AccountState::Approved, by)
}

/// Refuses a proposal, or withdraws one's own.
pub fn refuse_bank_account(tx: &mut Tx<'_>, id: BankAccountId, by: Decider) -> Result<Compared, Error> {
    let row = db::account(tx, id)?;
    by.require(row.merchant_id)?;
    decide(tx, &row, AccountState::Refused, by)
}

fn decide(tx: &mut Tx<'_>, row: &AccountRow, state: AccountState, by: Decider) -> Result<Compared, Error> {
    let now = tx.now()?;
    let effective_from = now.checked_add_signed(BEFORE_EFFECT).filter(|_| state == AccountState::Approved);
    let decided = db::decide(tx, row.id, state, by.account, now, effective_from)?;
    let row = decided.ok_or(Error::Refused(Refusal::BankAccountTransition))?;
    let details = json!({ "state": state, "effective_from": row.effective_from, "merchant_id": row.merchant_id });
    audit::record(tx, "bank_account_decided", ("bank_account", row.id), details)?;
    beside_others(tx, row)
}

/// Accounts of a merchant, or the department's own, past ones too.
pub fn list_bank_accounts(
    tx: &mut Tx<'_>,
    merchant: Option<MerchantId>,
    query: &PageQuery,
) -> Result<Page<Compared>, Error> {
    let after = query.after()?.map(BankAccountId::from_uuid);
    let rows = db::accounts(tx, merchant, after, query.limit()?.saturating_add(1))?;
    let Page { items, next_cursor } = query.page(rows, |row| row.id.uuid())?;
    Ok(Page { items: compare(tx, items)?, next_cursor })
}

/// The department's account in force.
pub fn own_in_force(tx: &mut Tx<'_>) -> Result<Option<AccountRow>, Error> {
    let now = tx.now()?;
    db::own_in_force(tx, now)
}

/// Holders and numbers, for the bank's file.
pub fn parties(tx: &mut Tx<'_>, ids: Vec<BankAccountId>) -> Result<BTreeMap<BankAccountId, Party>, Error> {
    let rows = db::by_ids(tx, &ids)?;
    let party = |row: AccountRow| {
        // A row that somebody changed does not open: the batch is refused, not paid to another.
        let iban = number(tx, &row).ok_or_else(|| {
            let sentence = Refusal::BatchTampered.sentence();
            let because = format!(
                "{sentence} Le compte bancaire finissant par {} a été modifié hors du service : faites-en proposer un autre.",
                row.iban_last4
            );
            Error::RefusedBecause(Refusal::BatchTampered, because)
        })?;
        Ok((row.id, Party { name: row.holder_name, iban }))
    };
    rows.into_iter().map(party).collect()
}

/// The number of an account, if its row is what was sealed.
fn number(tx: &Tx<'_>, row: &AccountRow) -> Option<String> {
    let place = place(row.id, row.merchant_id, &row.holder_name);
    String::from_utf8(tx.key.open(PURPOSE, &place, &row.iban_sealed).ok()?).ok()
}

/// An account, and those of others that bear the same number: sites of one town may share one, a thief's too.
#[derive(Debug)]
pub struct Compared {
    pub account: AccountRow,
    pub also_used_by: Vec<AccountRow>,
}

fn beside_others(tx: &mut Tx<'_>, row: AccountRow) -> Result<Compared, Error> {
    compare(tx, vec![row])?.pop().ok_or_else(|| Error::internal("one account was to be compared"))
}

/// Sets beside each account those of others with its number. Numbers are sealed apart: those that end alike are opened and compared.
fn compare(tx: &mut Tx<'_>, rows: Vec<AccountRow>) -> Result<Vec<Compared>, Error> {
    let ends: Vec<&str> = rows.iter().map(|row| row.iban_last4.as_str()).collect();
    let others: Vec<(Option<String>, AccountRow)> =
        db::ending(tx, &ends)?.into_iter().map(|row| (number(tx, &row), row)).collect();
    let compared = rows.into_iter().map(|account| {
        let own = number(tx, &account);
        let same = others
            .iter()
            .filter(|(number, other)| own.is_some() && *number == own && other.merchant_id != account.merchant_id);
        let also_used_by = same.map(|(_, other)| other.clone()).collect();
        Compared { account, also_used_by }
    });
    Ok(compared.collect())
}

//! Paying merchants what families spent with them, in batches.
//!
//! A batch takes every movement of merchants' accounts until an instant that no batch took before, less those that a family contests. It is
//! frozen under a hash, approved by two persons who did not freeze it, sent to the bank as one file, and closed by the bank's answer.
//! A movement is in one batch for ever: a refund after settlement is simply a negative line of the next one. What a batch did not pay
//! (a debt, a rejected transfer) is taken up by the next batch of that merchant. A suspended merchant is paid like any other.
//!
//! What would surprise: no balance is kept. What is due is always computed from the ledger, and every step proves again that the sum of
//! lines is the balance of the merchants' accounts, or refuses.

pub mod accounts;
pub mod bank_return;
pub mod credit_transfer;
mod db;
mod digest;
pub mod http;
pub mod state;
pub mod statements;
mod views;

use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    http::page::{Page, PageQuery},
    kernel::{
        crypto::sha256,
        ids::{AccountId, PayoutBatchId},
        money::Cents,
        time::paris_date,
    },
    proof,
};
use bank_return::{BankReturn, Verdict};
use chrono::{DateTime, Utc};
use credit_transfer::{Order, Payment};
use data_encoding::HEXLOWER;
pub use db::{BatchRow, PayoutRow, PlanRow};
use digest::Content;
use serde_json::json;
use state::{BankWord, BatchState, PayoutState};
use std::collections::BTreeMap;

/// What a batch until an instant would find, and whether the ledger would let it.
#[derive(Debug)]
pub struct Plan {
    pub drift: Cents,
    pub rows: Vec<PlanRow>,
}

/// What a bank's return changed.
#[derive(Debug, Default)]
pub struct Imported {
    pub accepted: usize,
    pub rejected: usize,
    pub pending: usize,
    /// Said before, or already known.
    pub unchanged: usize,
}

/// The message that a batch's file is, for the bank.
fn message_id(tx: &Tx<'_>, number: i32) -> String {
    format!("PASSPLUS-{}-{number}", tx.place)
}

/// Shows what a batch would pay, and changes nothing.
pub fn plan_payouts(tx: &mut Tx<'_>, until: DateTime<Utc>) -> Result<Plan, Error> {
    Ok(Plan { drift: proof::drift(tx)?, rows: db::plan(tx, until)? })
}

/// Takes up all that is due until an instant of the past.
pub fn freeze_batch(tx: &mut Tx<'_>, until: DateTime<Utc>, by: AccountId) -> Result<BatchRow, Error> {
    db::lock(tx)?;
    let now = tx.now()?;
    if until > now {
        return Err(Error::field("/until", "un instant passé est attendu : ce qui est à venir peut encore changer"));
    }
    let debtor = accounts::own_in_force(tx)?.ok_or(Error::Refused(Refusal::NoDebtorAccount))?;
    let number = db::last_number(tx)?.saturating_add(1);
    let id = PayoutBatchId::generate();
    let prefix = format!("PP{}-{number}-", tx.place);
    if db::freeze(tx, id, until, &prefix)? == 0 {
        return Err(Refusal::NothingDue.into());
    }
    let (lines, payouts) = (db::lines(tx, id)?, db::payouts(tx, id)?);
    let total = to_pay(&payouts)?;
    let department = tx.place.to_string();
    let content =
        Content { department: &department, number, until, debtor: debtor.id, lines: &lines, payouts: &payouts };
    let row = BatchRow {
        id,
        number,
        until,
        state: BatchState::Frozen,
        hash: content.hash(),
        total,
        debtor_account_id: debtor.id,
        frozen_by: by,
        frozen_at: now,
        first_approved_by: None,
        first_approved_at: None,
        second_approved_by: None,
        second_approved_at: None,
        sent_at: None,
    };
    db::insert_batch(tx, &row)?;
    require_true(tx, &row)?;
    record(tx, "batch_frozen", &row)?;
    Ok(row)
}

/// Approves what the approver has seen: `hash` is that of the batch he read. The second approval makes the batch ready to send.
pub fn approve_batch(tx: &mut Tx<'_>, id: PayoutBatchId, hash: &[u8], by: AccountId) -> Result<BatchRow, Error> {
    let row = locked(tx, id)?;
    if row.state != BatchState::Frozen {
        return Err(Refusal::BatchTransition.into());
    }
    if row.frozen_by == by || row.first_approved_by == Some(by) {
        return Err(Refusal::SamePerson.into());
    }
    if row.hash != hash {
        return Err(Refusal::StaleVersion.into());
    }
    require_true(tx, &row)?;
    let now = tx.now()?;
    let row = if row.first_approved_by.is_none() {
        db::approve_first(tx, id, by, now)?
    } else {
        db::approve_second(tx, id, by, now)?
    };
    record(tx, "batch_approved", &row)?;
    Ok(row)
}

/// Gives up a batch that was not sent: all it took up waits for the next one. Its number stays taken.
pub fn cancel_batch(tx: &mut Tx<'_>, id: PayoutBatchId) -> Result<BatchRow, Error> {
    let row = locked(tx, id)?;
    if !matches!(row.state, BatchState::Frozen | BatchState::Approved) {
        return Err(Refusal::BatchTransition.into());
    }
    db::release(tx, id)?;
    let row = db::set_batch_state(tx, id, BatchState::Cancelled)?;
    record(tx, "batch_cancelled", &row)?;
    Ok(row)
}

/// Declares a batch sent: from here on its file can be had, and nothing of it can be given up.
pub fn send_batch(tx: &mut Tx<'_>, id: PayoutBatchId) -> Result<BatchRow, Error> {
    let row = locked(tx, id)?;
    if row.state != BatchState::Approved {
        return Err(Refusal::BatchTransition.into());
    }
    require_true(tx, &row)?;
    let states: Vec<PayoutState> = db::payouts(tx, id)?.iter().map(|payout| payout.state).collect();
    let now = tx.now()?;
    let row = db::set_sent(tx, id, BatchState::of(&states), now)?;
    record(tx, "batch_sent", &row)?;
    Ok(row)
}

/// The file for the bank, the same each time. It holds account numbers: who has it is a line of the journal.
pub fn credit_transfer(tx: &mut Tx<'_>, id: PayoutBatchId) -> Result<Vec<u8>, Error> {
    let row = db::batch(tx, id)?;
    let Some(sent_at) = row.sent_at else { return Err(Refusal::BatchTransition.into()) };
    let payouts = require_untouched(tx, &row)?;
    let mut payments = vec![];
    // The amount as it was sent: what the bank said of it since changes nothing.
    for payout in payouts.into_iter().filter(|payout| payout.amount > Cents::ZERO) {
        payments.push(Payment {
            creditor: accounts::party(tx, payout.bank_account_id)?,
            text: format!("Pass+ lot {} jusqu'au {}", row.number, paris_date(row.until).format("%d.%m.%Y")),
            end_to_end_id: payout.end_to_end_id,
            amount: payout.amount,
        });
    }
    if payments.is_empty() {
        let because = "Ce lot ne comporte aucun virement : il n'y a rien à remettre à la banque.";
        return Err(Error::RefusedBecause(Refusal::BatchTransition, because.to_owned()));
    }
    let debtor = accounts::party(tx, row.debtor_account_id)?;
    record(tx, "batch_file_read", &row)?;
    let message_id = message_id(tx, row.number);
    Order { message_id, created_at: sent_at, execution_date: paris_date(sent_at), debtor, payments }.xml()
}

/// Takes in the bank's answer, all of it or nothing. The same file again changes nothing.
pub fn import_bank_return(tx: &mut Tx<'_>, id: PayoutBatchId, file: &[u8]) -> Result<(BatchRow, Imported), Error> {
    let answer = BankReturn::parse(file)?;
    let row = locked(tx, id)?;
    if !row.state.is_sent() {
        return Err(Refusal::BatchTransition.into());
    }
    if answer.message_id != message_id(tx, row.number) {
        return Err(Refusal::BankFileOfAnother.into());
    }
    let payouts = db::payouts(tx, id)?;
    let mut asked: BTreeMap<&str, &PayoutRow> = payouts
        .iter()
        .filter(|payout| payout.state != PayoutState::Carried)
        .map(|payout| (payout.end_to_end_id.as_str(), payout))
        .collect();
    let mut verdicts: Vec<(&PayoutRow, &Verdict)> = vec![];
    for (end_to_end_id, verdict) in &answer.transfers {
        let payout = asked.remove(end_to_end_id.as_str()).ok_or(Error::Refused(Refusal::BankFileUnknownPayout))?;
        verdicts.push((payout, verdict));
    }
    if let Some(verdict) = &answer.whole {
        verdicts.extend(asked.into_values().map(|payout| (payout, verdict)));
    }
    let mut imported = Imported::default();
    for (payout, verdict) in verdicts {
        let state = payout.state.after(verdict.word).ok_or(Error::Refused(Refusal::BankFileContradicts))?;
        let count = match verdict.word {
            BankWord::Pending => &mut imported.pending,
            _ if state == payout.state => &mut imported.unchanged,
            BankWord::Accepted => &mut imported.accepted,
            BankWord::Rejected => &mut imported.rejected,
        };
        *count = count.saturating_add(1);
        if state != payout.state {
            let reason = verdict.reason.as_deref().filter(|_| state == PayoutState::Rejected);
            db::set_payout_state(tx, payout.id, state, reason)?;
        }
    }
    let states: Vec<PayoutState> = db::payouts(tx, id)?.iter().map(|payout| payout.state).collect();
    let row = db::set_batch_state(tx, id, BatchState::of(&states))?;
    let details = json!({
        "accepted": imported.accepted, "rejected": imported.rejected, "file_sha256": HEXLOWER.encode(&sha256(file)),
    });
    audit::record(tx, "bank_return_imported", ("payout_batch", id), details)?;
    Ok((row, imported))
}

pub fn show_batch(tx: &mut Tx<'_>, id: PayoutBatchId) -> Result<BatchRow, Error> {
    db::batch(tx, id)
}

/// Batches of the department, newest first.
pub fn list_batches(tx: &mut Tx<'_>, query: &PageQuery) -> Result<Page<BatchRow>, Error> {
    let rows = db::batches(tx, query.after::<i64>()?, query.limit()?.saturating_add(1))?;
    query.page(rows, |row| i64::from(row.number))
}

/// A batch that no other settlement touches until the end of the transaction.
fn locked(tx: &mut Tx<'_>, id: PayoutBatchId) -> Result<BatchRow, Error> {
    db::lock(tx)?;
    db::batch(tx, id)
}

/// Refuses unless the ledger proves itself, agrees with all batches, and the batch is what was frozen.
fn require_true(tx: &mut Tx<'_>, row: &BatchRow) -> Result<(), Error> {
    if proof::drift(tx)? != Cents::ZERO {
        return Err(Refusal::LedgerDrift.into());
    }
    require_untouched(tx, row)?;
    if db::unbalanced(tx)? != 0 {
        return Err(Refusal::SettlementUnbalanced.into());
    }
    Ok(())
}

/// Refuses unless the rows of a batch are those its hash was made of, and its lines what the ledger says.
fn require_untouched(tx: &mut Tx<'_>, row: &BatchRow) -> Result<Vec<PayoutRow>, Error> {
    let (lines, payouts) = (db::lines(tx, row.id)?, db::payouts(tx, row.id)?);
    let department = tx.place.to_string();
    let content = Content {
        department: &department,
        number: row.number,
        until: row.until,
        debtor: row.debtor_account_id,
        lines: &lines,
        payouts: &payouts,
    };
    let mut sums: BTreeMap<_, Cents> = BTreeMap::new();
    for line in &lines {
        let sum = sums.entry(line.merchant_id).or_default();
        *sum = sum.checked_add(line.amount).ok_or_else(|| Error::internal("the sum of lines overflows"))?;
    }
    let added_up =
        payouts.iter().all(|payout| sums.get(&payout.merchant_id).copied().unwrap_or_default() == payout.lines);
    let added_up = added_up && to_pay(&payouts)? == row.total;
    if content.hash() != row.hash || !added_up || db::untrue_lines(tx, row.id)? != 0 {
        tracing::error!(batch = row.number, "a frozen batch is not what it was");
        return Err(Refusal::BatchTampered.into());
    }
    Ok(payouts)
}

/// What the bank is to pay for these.
fn to_pay(payouts: &[PayoutRow]) -> Result<Cents, Error> {
    let due = payouts.iter().map(|payout| payout.amount).filter(|amount| *amount > Cents::ZERO);
    Cents::checked_sum(due).ok_or_else(|| Error::internal("the sum of a batch overflows"))
}

fn record(tx: &mut Tx<'_>, action: &str, row: &BatchRow) -> Result<(), Error> {
    let details = json!({ "number": row.number, "total_cents": row.total, "hash": HEXLOWER.encode(&row.hash) });
    audit::record(tx, action, ("payout_batch", row.id), details)
}

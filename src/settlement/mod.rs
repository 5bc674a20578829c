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
mod calendar;
pub mod credit_transfer;
mod db;
mod digest;
pub mod exports;
pub mod http;
mod imports;
pub mod returns;
pub mod state;
pub mod statements;
mod views;

use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    http::page::{Page, PageQuery},
    kernel::{
        ids::{AccountId, PayoutBatchId},
        money::Cents,
        time::paris_date,
    },
    proof,
};
use chrono::{DateTime, Utc};
use credit_transfer::{Order, Payment};
use data_encoding::HEXLOWER;
pub use db::{BatchRow, PayoutRow, PlanRow};
use db::{ContestedRow, LineRow};
use digest::Content;
pub use imports::{Imported, import_bank_return};
use serde_json::json;
use state::{BatchState, PayoutState};
use std::collections::BTreeMap;

/// How many contested lines a refusal names: enough to begin with.
const CONTESTED_NAMED: usize = 10;

/// What a batch until an instant would find, and whether the ledger would let it.
#[derive(Debug)]
pub struct Plan {
    pub drift: Cents,
    pub rows: Vec<PlanRow>,
}

/// The message that a batch's file is, for the bank.
fn message_id(tx: &Tx<'_>, number: i32) -> String {
    format!("PASSPLUS-{}-{number}", tx.place)
}

/// One settlement at a time in a department.
fn take_turns(tx: &mut Tx<'_>) -> Result<(), Error> {
    tx.take_turns(format_args!("settlement"))
}

/// Shows what a batch would pay, and changes nothing.
pub fn plan_payouts(tx: &mut Tx<'_>, until: DateTime<Utc>) -> Result<Plan, Error> {
    Ok(Plan { drift: proof::drift(tx)?, rows: db::plan(tx, until)? })
}

/// Takes up all that is due until an instant of the past.
pub fn freeze_batch(tx: &mut Tx<'_>, until: DateTime<Utc>, by: AccountId) -> Result<BatchRow, Error> {
    take_turns(tx)?;
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
    let mut row = BatchRow {
        id,
        number,
        until,
        state: BatchState::Frozen,
        hash: vec![],
        total: to_pay(&payouts)?,
        debtor_account_id: debtor.id,
        frozen_by: by,
        frozen_at: now,
        first_approved_by: None,
        first_approved_at: None,
        second_approved_by: None,
        second_approved_at: None,
        sent_at: None,
    };
    row.hash = content_hash(tx, &row, &lines, &payouts);
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
    require_uncontested(tx, &row)?;
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
    let states: Vec<PayoutState> = require_true(tx, &row)?.iter().map(|payout| payout.state).collect();
    require_uncontested(tx, &row)?;
    let now = tx.now()?;
    let row = db::set_sent(tx, id, BatchState::of(&states), now)?;
    record(tx, "batch_sent", &row)?;
    Ok(row)
}

/// The file for the bank, the same each time. It holds account numbers: who has it is a line of the journal. Until the bank has answered,
/// the ledger must still prove itself: what the bank does not have yet can be kept from it.
pub fn credit_transfer(tx: &mut Tx<'_>, id: PayoutBatchId) -> Result<(i32, Vec<u8>), Error> {
    let row = db::batch(tx, id)?;
    let Some(sent_at) = row.sent_at else { return Err(Refusal::BatchTransition.into()) };
    let payouts = if row.state == BatchState::Sent { require_true(tx, &row)? } else { require_untouched(tx, &row)? };
    let Some(file) = file(tx, &row, &payouts, sent_at)? else {
        let because = "Ce lot ne comporte aucun virement : il n'y a rien à remettre à la banque.";
        return Err(Error::RefusedBecause(Refusal::BatchTransition, because.to_owned()));
    };
    record(tx, "batch_file_read", &row)?;
    Ok((row.number, file))
}

/// The file of a batch that is sent at that instant; none when it pays nobody.
fn file(
    tx: &mut Tx<'_>,
    row: &BatchRow,
    payouts: &[PayoutRow],
    sent_at: DateTime<Utc>,
) -> Result<Option<Vec<u8>>, Error> {
    // The amount as it was sent: what the bank said of it since changes nothing.
    let paid: Vec<&PayoutRow> = payouts.iter().filter(|payout| payout.amount > Cents::ZERO).collect();
    if paid.is_empty() {
        return Ok(None);
    }
    let accounts = paid.iter().map(|payout| payout.bank_account_id).chain([row.debtor_account_id]).collect();
    let parties = accounts::parties(tx, accounts)?;
    let party = |id| parties.get(&id).cloned().ok_or(Error::Refused(Refusal::BatchTampered));
    let text = format!("Pass+ lot {} jusqu'au {}", row.number, paris_date(row.until).format("%d.%m.%Y"));
    let payment = |payout: &&PayoutRow| {
        Ok(Payment {
            creditor: party(payout.bank_account_id)?,
            text: text.clone(),
            end_to_end_id: payout.end_to_end_id.clone(),
            amount: payout.amount,
        })
    };
    let order = Order {
        message_id: message_id(tx, row.number),
        created_at: sent_at,
        execution_date: calendar::execution_date(sent_at),
        debtor: party(row.debtor_account_id)?,
        payments: paid.iter().map(payment).collect::<Result<_, Error>>()?,
    };
    order.xml().map(Some)
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
    take_turns(tx)?;
    db::batch(tx, id)
}

/// Refuses unless the ledger proves itself, agrees with all batches, and the batch is what was frozen: its file can be written. That is
/// known while the batch may still be given up.
fn require_true(tx: &mut Tx<'_>, row: &BatchRow) -> Result<Vec<PayoutRow>, Error> {
    if proof::drift(tx)? != Cents::ZERO {
        return Err(Refusal::LedgerDrift.into());
    }
    let payouts = require_untouched(tx, row)?;
    if db::unbalanced(tx)? != 0 {
        return Err(Refusal::SettlementUnbalanced.into());
    }
    let now = tx.now()?;
    file(tx, row, &payouts, now)?;
    Ok(payouts)
}

/// Refuses while a family contests a line. Nobody contests another before the end of the transaction.
fn require_uncontested(tx: &mut Tx<'_>, row: &BatchRow) -> Result<(), Error> {
    let contested = db::contested(tx, row.id)?;
    if contested.is_empty() {
        return Ok(());
    }
    let name = |line: &ContestedRow| format!("{} ({}, {})", line.transfer_id, line.merchant_name, line.amount);
    let named: Vec<String> = contested.iter().take(CONTESTED_NAMED).map(name).collect();
    let sentence = Refusal::BatchContested.sentence();
    let because = format!("{sentence} Opérations contestées ({}) : {}.", contested.len(), named.join(" ; "));
    Err(Error::RefusedBecause(Refusal::BatchContested, because))
}

/// Refuses unless the rows of a batch are those its hash was made of, and its lines what the ledger says.
fn require_untouched(tx: &mut Tx<'_>, row: &BatchRow) -> Result<Vec<PayoutRow>, Error> {
    let (lines, payouts) = (db::lines(tx, row.id)?, db::payouts(tx, row.id)?);
    let mut sums: BTreeMap<_, Cents> = BTreeMap::new();
    for line in &lines {
        let sum = sums.entry(line.merchant_id).or_default();
        *sum = sum.checked_add(line.amount).ok_or_else(|| Error::internal("the sum of lines overflows"))?;
    }
    let added_up =
        payouts.iter().all(|payout| sums.get(&payout.merchant_id).copied().unwrap_or_default() == payout.lines);
    let added_up = added_up && to_pay(&payouts)? == row.total;
    if content_hash(tx, row, &lines, &payouts) != row.hash || !added_up || db::untrue_lines(tx, row.id)? != 0 {
        tracing::error!(batch = row.number, "a frozen batch is not what it was");
        return Err(Refusal::BatchTampered.into());
    }
    Ok(payouts)
}

/// What a batch is frozen under: its own figures, its lines and its payouts.
fn content_hash(tx: &Tx<'_>, row: &BatchRow, lines: &[LineRow], payouts: &[PayoutRow]) -> Vec<u8> {
    let department = tx.place.to_string();
    let (number, until, debtor) = (row.number, row.until, row.debtor_account_id);
    Content { department: &department, number, until, debtor, lines, payouts }.hash()
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

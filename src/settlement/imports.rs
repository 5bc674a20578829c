//! The bank's answer to a batch, taken in whole or not at all.

use super::{
    BatchRow, PayoutRow,
    bank_return::{BankReturn, Verdict},
    db, locked, message_id,
    state::{BankWord, BatchState, PayoutState},
    to_pay,
};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    kernel::{crypto::sha256, ids::PayoutBatchId},
};
use data_encoding::HEXLOWER;
use serde_json::json;
use std::collections::BTreeMap;

/// What a bank's return changed.
#[derive(Debug, Default)]
pub struct Imported {
    pub accepted: usize,
    pub rejected: usize,
    pub pending: usize,
    /// Said before, or already known.
    pub unchanged: usize,
}

/// Takes in the bank's answer, all of it or nothing. The same file again changes nothing.
pub fn import_bank_return(tx: &mut Tx<'_>, id: PayoutBatchId, file: &[u8]) -> Result<(BatchRow, Imported), Error> {
    let answer = BankReturn::parse(file)?;
    let row = locked(tx, id)?;
    if !row.state.is_sent() {
        return Err(Refusal::BatchTransition.into());
    }
    let message_id = message_id(tx, row.number);
    if answer.message_id != message_id || answer.order_ids.iter().any(|order| *order != message_id) {
        return Err(Refusal::BankFileOfAnother.into());
    }
    let payouts = db::payouts(tx, id)?;
    let verdicts = verdicts(&answer, &payouts)?;
    let mut imported = Imported::default();
    for (payout, verdict) in verdicts {
        let contradicts = match payout.state {
            PayoutState::Accepted => Refusal::BankFileTakesBack,
            _ => Refusal::BankFileContradicts,
        };
        let state = payout.state.after(verdict.word).ok_or(Error::Refused(contradicts))?;
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
    let row = weigh(tx, id)?;
    let details = json!({
        "accepted": imported.accepted, "rejected": imported.rejected, "file_sha256": HEXLOWER.encode(&sha256(file)),
    });
    audit::record(tx, "bank_return_imported", ("payout_batch", id), details)?;
    Ok((row, imported))
}

/// What the bank says of each payout it speaks of, once its figures are those of the batch.
fn verdicts<'a>(answer: &'a BankReturn, payouts: &'a [PayoutRow]) -> Result<Vec<(&'a PayoutRow, &'a Verdict)>, Error> {
    let mut asked: BTreeMap<&str, &PayoutRow> = payouts
        .iter()
        .filter(|payout| payout.state != PayoutState::Carried)
        .map(|payout| (payout.end_to_end_id.as_str(), payout))
        .collect();
    let (count, sum) = (asked.len(), to_pay(payouts)?);
    if answer.counts.iter().any(|said| *said != count) || answer.sums.iter().any(|said| *said != sum) {
        return Err(Refusal::BankFileFigures.into());
    }
    let mut verdicts = vec![];
    for named in &answer.transfers {
        let payout = asked.remove(named.end_to_end_id.as_str());
        let payout = payout.ok_or(Error::Refused(Refusal::BankFileUnknownPayout))?;
        if named.amount.is_some_and(|amount| amount != payout.amount) {
            return Err(Refusal::BankFileFigures.into());
        }
        verdicts.push((payout, &named.verdict));
    }
    if let Some(verdict) = &answer.whole {
        verdicts.extend(asked.into_values().map(|payout| (payout, verdict)));
    }
    Ok(verdicts)
}

/// Gives a sent batch the state that its payouts make.
pub fn weigh(tx: &mut Tx<'_>, id: PayoutBatchId) -> Result<BatchRow, Error> {
    let states: Vec<PayoutState> = db::payouts(tx, id)?.iter().map(|payout| payout.state).collect();
    db::set_batch_state(tx, id, BatchState::of(&states))
}

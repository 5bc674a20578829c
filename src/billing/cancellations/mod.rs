//! Bills that an agent takes back, by a credit note with a reason: all that is left of one. Small sums by one person, larger ones by two. A
//! bill that is taken back to be made again is billed by the next run; any other is not billed any more.
//!
//! What would surprise: a bill that went to the wrong payer is made again for the one who is named. A child is in one file, from which nobody
//! could tell.

mod db;
pub mod http;
mod remains;

pub use db::CancellationRow;

use super::{BillKind, CreditReason, Payer, accounts, bills, payments::Keyed, runs, take_turns};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    http::page::{Page, PageQuery},
    kernel::{
        ids::{AccountId, BillId, CancellationId, PayerId},
        money::Cents,
        text::Note,
        time::paris_date,
    },
};
use chrono::Datelike;
use db::Decision;
use serde_json::json;

/// What one person takes back alone: a bill of a child's month at the highest rate is about 110 €, most are below 60 €.
const ALONE_MAX: Cents = Cents::new(10_000);

text_enum! {
    /// Where a cancellation stands.
    pub enum CancellationState {
        /// Another person decides.
        Proposed = "proposed",
        Done = "done",
        Refused = "refused",
    }
}

/// A bill that an agent wants taken back.
#[derive(Debug, Clone)]
pub struct Proposal {
    pub keyed: Keyed,
    pub bill: BillId,
    pub reason: CreditReason,
    pub bill_again: bool,
    /// Who pays then, when the payer was the wrong one.
    pub bill_to: Option<PayerId>,
    pub note: Option<Note>,
}

/// Takes a bill back at once when one person may, or leaves it for another to decide. True with it when the key had been used for that.
pub fn cancel_bill(tx: &mut Tx<'_>, by: AccountId, proposal: &Proposal) -> Result<(CancellationRow, bool), Error> {
    let now = tx.now()?;
    take_turns(tx)?;
    let payer = bills::head(tx, proposal.bill)?.payer_id;
    if let Some(known) = db::of_key(tx, by, proposal.keyed.key)? {
        let same = known.fingerprint == proposal.keyed.fingerprint;
        return if same { Ok((known, true)) } else { Err(Refusal::IdempotencyKeyReused.into()) };
    }
    let left = remaining(tx, proposal.bill)?;
    if proposal.bill_to == Some(payer) {
        return Err(Error::field("/bill_to", "un autre payeur que celui de la facture est attendu"));
    }
    let to = proposal.bill_to.map(|id| accounts::payer(tx, id)).transpose()?;
    let row = CancellationRow {
        id: CancellationId::generate(),
        bill_id: proposal.bill,
        reason: proposal.reason,
        bill_again: proposal.bill_again,
        note: proposal.note.clone(),
        // That somebody else shall pay is no small matter, whatever the sum.
        two_persons: left > ALONE_MAX || to.is_some(),
        state: CancellationState::Proposed,
        key: proposal.keyed.key,
        fingerprint: proposal.keyed.fingerprint.clone(),
        proposed_by: by,
        proposed_at: now,
        decided_by: None,
        decided_at: None,
        credit_note_id: None,
        bill_to_family_id: to.and_then(Payer::family),
        bill_to_adult_id: to.and_then(Payer::adult),
    };
    db::insert(tx, &row)?;
    let details = json!({ "bill_id": row.bill_id, "reason": row.reason, "two_persons": row.two_persons, "bill_to": row.bill_to() });
    audit::record(tx, "canteen_cancellation_proposed", ("cancellation", row.id), details)?;
    if row.two_persons { Ok((row, false)) } else { Ok((make(tx, by, &row)?, false)) }
}

/// Takes back what another person proposed.
pub fn approve_cancellation(tx: &mut Tx<'_>, by: AccountId, id: CancellationId) -> Result<CancellationRow, Error> {
    take_turns(tx)?;
    let row = lock_proposed(tx, id)?;
    if row.proposed_by == by {
        return Err(Refusal::SamePerson.into());
    }
    remaining(tx, row.bill_id)?;
    make(tx, by, &row)
}

/// Leaves the bill as it is: another person refuses, or whoever proposed withdraws.
pub fn refuse_cancellation(tx: &mut Tx<'_>, by: AccountId, id: CancellationId) -> Result<CancellationRow, Error> {
    let (row, at) = (lock_proposed(tx, id)?, tx.now()?);
    let decision = Decision { state: CancellationState::Refused, by, at, credit_note: None };
    let row = db::decide(tx, row.id, &decision)?;
    let details = json!({ "bill_id": row.bill_id });
    audit::record(tx, "canteen_cancellation_refused", ("cancellation", id), details)?;
    Ok(row)
}

/// Cancellations, newest first.
pub fn list_cancellations(
    tx: &mut Tx<'_>,
    state: Option<CancellationState>,
    query: &PageQuery,
) -> Result<Page<CancellationRow>, Error> {
    let before = query.after()?.map(CancellationId::from_uuid);
    let rows = db::page(tx, state, before, query.limit()?.saturating_add(1))?;
    query.page(rows, |row| row.id.uuid())
}

impl CancellationRow {
    /// Who pays for what is billed again, if another one does.
    #[must_use]
    pub fn bill_to(&self) -> Option<PayerId> {
        Payer::of(self.bill_to_family_id, self.bill_to_adult_id).map(Payer::id)
    }
}

fn lock_proposed(tx: &mut Tx<'_>, id: CancellationId) -> Result<CancellationRow, Error> {
    let row = db::lock(tx, id)?;
    if row.state == CancellationState::Proposed { Ok(row) } else { Err(Refusal::CancellationTransition.into()) }
}

/// What is left of a bill. Refuses what is none, or has nothing left; and everything while a run is under way, whose draft reckons with it.
fn remaining(tx: &mut Tx<'_>, id: BillId) -> Result<Cents, Error> {
    if runs::is_under_way(tx)? {
        return Err(Refusal::BillRunExists.into());
    }
    let bill = bills::head(tx, id)?;
    if bill.kind != BillKind::Bill || bills::is_taken_back(tx, id)? {
        return Err(Refusal::BillNotCancellable.into());
    }
    remains::remaining(tx, id)?.ok_or(Error::Refused(Refusal::BillNotCancellable))
}

fn make(tx: &mut Tx<'_>, by: AccountId, row: &CancellationRow) -> Result<CancellationRow, Error> {
    let at = tx.now()?;
    let on = paris_date(at);
    let payer = bills::head(tx, row.bill_id)?.payer_id;
    let balance = accounts::balance(tx, payer)?;
    runs::hold_series(tx, on.year())?;
    let credit_note = remains::credit(tx, row, (at, on), balance)?;
    let decision = Decision { state: CancellationState::Done, by, at, credit_note: Some(credit_note) };
    let row = db::decide(tx, row.id, &decision)?;
    let details = json!({ "bill_id": row.bill_id, "credit_note_id": credit_note, "bill_again": row.bill_again, "bill_to": row.bill_to() });
    audit::record(tx, "canteen_bill_cancelled", ("bill", row.bill_id), details)?;
    Ok(row)
}

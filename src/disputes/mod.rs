//! A family says that a debit was not its own doing, or not so; an agent decides. While it is open the line is not paid out. Upheld, what
//! was not refunded meanwhile comes back by a correction, above the threshold by two persons: it stays open until the second has decided.

mod db;
pub mod http;

pub use db::DisputeRow;

use crate::{
    audit,
    corrections::{self, CorrectionReason, CorrectionRow, CorrectionState, Proposal},
    db::Tx,
    error::{Error, Refusal},
    families,
    http::{
        idempotency,
        page::{Page, PageQuery},
    },
    kernel::{
        ids::{AccountId, CorrectionId, DisputeId, FamilyId, TransferId, WalletId},
        money::Cents,
        text::Note,
        time,
    },
    ledger::{
        self, TransferKind,
        desk::{self, Seen},
        reversals, rules,
    },
};
use chrono::{DateTime, Days, NaiveDate, Utc};
use db::Decision;
use serde_json::json;

text_enum! {
    /// What a family says of a debit.
    pub enum DisputeReason {
        NotMine = "not_mine",
        WrongAmount = "wrong_amount",
        Twice = "twice",
        ActivityNotHeld = "activity_not_held",
        Other = "other",
    }
}

text_enum! {
    /// Where a dispute stands.
    pub enum DisputeState { Open = "open", Upheld = "upheld", Rejected = "rejected" }
}

/// Contests a debit of the wallet, within the department's delay, once.
pub fn open_dispute(
    tx: &mut Tx<'_>,
    by: AccountId,
    (wallet, transfer): (WalletId, TransferId),
    reason: DisputeReason,
    note: Option<Note>,
) -> Result<DisputeRow, Error> {
    let now = tx.now()?;
    let moved = reversals::moved(tx, transfer)?;
    let merchant_id = match (moved.kind, moved.merchant_id) {
        (TransferKind::Debit, Some(merchant)) if moved.wallet_id == wallet => merchant,
        _ => return Err(Refusal::NotFound.into()),
    };
    families::require_full_rights(tx, moved.family_id)?;
    let days = delay(tx)?;
    if time::paris_date(now) > last_day(moved.at, days) {
        let because = format!("Un paiement se conteste dans les {days} jours : le délai est passé.");
        return Err(Error::RefusedBecause(Refusal::DisputeTooLate, because));
    }
    if moved.left() == Cents::ZERO {
        return Err(Refusal::DebitGivenBack.into());
    }
    let row = DisputeRow {
        id: DisputeId::generate(),
        transfer_id: transfer,
        family_id: moved.family_id,
        merchant_id,
        state: DisputeState::Open,
        reason,
        note,
        opened_by: by,
        opened_at: now,
        decided_by: None,
        decided_at: None,
        decision_note: None,
        reversal_id: None,
    };
    db::insert(tx, &row)?;
    audit::record(tx, "dispute_opened", ("dispute", row.id), json!({ "transfer_id": transfer, "reason": reason }))?;
    Ok(row)
}

/// Days within which a debit may be contested.
fn delay(tx: &mut Tx<'_>) -> Result<u64, Error> {
    Ok(u64::try_from(rules::in_force(tx)?.dispute_days).unwrap_or_default())
}

/// The last day to contest a debit of that instant.
fn last_day(debited_at: DateTime<Utc>, days: u64) -> NaiveDate {
    let day = time::paris_date(debited_at);
    day.checked_add_days(Days::new(days)).unwrap_or(day)
}

/// The dispute, locked, if nobody decided it and no second person is awaited.
fn lock_open(tx: &mut Tx<'_>, id: DisputeId) -> Result<DisputeRow, Error> {
    let row = db::lock(tx, id)?;
    let waits = corrections::awaited_by_dispute(tx, row.transfer_id)?.is_some();
    if row.state != DisputeState::Open || waits { Err(Refusal::DisputeTransition.into()) } else { Ok(row) }
}

/// A dispute, and the correction it waits for if a second person has yet to decide.
#[derive(Debug)]
pub struct Decided {
    pub dispute: DisputeRow,
    pub awaits: Option<CorrectionId>,
}

/// Gives the family right: what was not refunded meanwhile comes back, at once or after a second person.
pub fn uphold(tx: &mut Tx<'_>, by: AccountId, id: DisputeId, note: Option<&Note>) -> Result<Decided, Error> {
    let row = lock_open(tx, id)?;
    let left = reversals::moved(tx, row.transfer_id)?.left();
    if left == Cents::ZERO {
        let text = format!("Votre contestation est acceptée ; le paiement vous avait déjà été rendu.{}", said(note));
        tell(tx, row.family_id, &text)?;
        return Ok(Decided { dispute: close(tx, by, &row, note, None)?, awaits: None });
    }
    let proposal = Proposal {
        // Proposed again after a refusal, it is another correction.
        key: CorrectionId::generate().uuid(),
        fingerprint: idempotency::fingerprint("uphold_dispute", &id.to_string(), &left)?,
        transfer: row.transfer_id,
        amount: left,
        reason: CorrectionReason::Dispute,
        note: note.cloned(),
    };
    let (correction, _) = corrections::propose(tx, by, &proposal)?;
    if correction.state == CorrectionState::Done {
        return Ok(Decided { dispute: close(tx, by, &row, note, correction.reversal_id)?, awaits: None });
    }
    audit::record(tx, "dispute_upheld_by_one", ("dispute", id), json!({ "correction_id": correction.id }))?;
    Ok(Decided { dispute: row, awaits: Some(correction.id) })
}

/// Closes the dispute whose correction a second person has just made.
pub fn conclude(tx: &mut Tx<'_>, by: AccountId, correction: &CorrectionRow) -> Result<(), Error> {
    let Some(row) = db::lock_open_of(tx, correction.transfer_id)? else { return Ok(()) };
    close(tx, by, &row, correction.note.as_ref(), correction.reversal_id).map(drop)
}

fn close(
    tx: &mut Tx<'_>,
    by: AccountId,
    row: &DisputeRow,
    note: Option<&Note>,
    reversal: Option<TransferId>,
) -> Result<DisputeRow, Error> {
    let at = tx.now()?;
    let decided = db::decide(tx, row.id, &Decision { state: DisputeState::Upheld, by, at, note, reversal })?;
    audit::record(tx, "dispute_upheld", ("dispute", row.id), json!({ "reversal_id": reversal }))?;
    Ok(decided)
}

/// Lets the debit stand, and says why.
pub fn reject(tx: &mut Tx<'_>, by: AccountId, id: DisputeId, note: &Note) -> Result<DisputeRow, Error> {
    lock_open(tx, id)?;
    let at = tx.now()?;
    let decision = Decision { state: DisputeState::Rejected, by, at, note: Some(note), reversal: None };
    let row = db::decide(tx, id, &decision)?;
    audit::record(tx, "dispute_rejected", ("dispute", id), json!({}))?;
    tell(tx, row.family_id, &format!("Votre contestation n'est pas retenue : {note}"))?;
    Ok(row)
}

fn said(note: Option<&Note>) -> String {
    note.map(|note| format!(" {note}")).unwrap_or_default()
}

fn tell(tx: &mut Tx<'_>, family: FamilyId, text: &str) -> Result<(), Error> {
    families::notify(tx, family, "Contestation d'un paiement", &format!("Bonjour,\n\n{text}\n\nPass+"))
}

/// What a family contests on one wallet, newest first.
pub fn list_own_disputes(tx: &mut Tx<'_>, wallet: WalletId, query: &PageQuery) -> Result<Page<DisputeRow>, Error> {
    let before = query.after()?.map(DisputeId::from_uuid);
    ledger::see_wallet(tx, wallet)?;
    let rows = db::of_wallet(tx, wallet, before, query.limit()?.saturating_add(1))?;
    query.page(rows, |row| row.id.uuid())
}

/// A dispute with the debit it is about, as an agent judges it.
#[derive(Debug)]
pub struct Instructed {
    pub decided: Decided,
    pub debit: Seen,
    /// The family's last day to contest that debit, by the rules of today.
    pub last_day: NaiveDate,
    /// Days until then: zero that day and ever after.
    pub days_left: i64,
}

/// Adds to disputes what they are about.
pub fn instruct(tx: &mut Tx<'_>, all: Vec<Decided>) -> Result<Vec<Instructed>, Error> {
    let (days, today) = (delay(tx)?, time::paris_date(tx.now()?));
    let ids: Vec<TransferId> = all.iter().map(|decided| decided.dispute.transfer_id).collect();
    let debits = desk::movements(tx, &ids)?;
    let instruct = |decided: Decided| {
        let debit = debits.get(&decided.dispute.transfer_id).cloned();
        let debit = debit.ok_or_else(|| Error::internal("a contested debit is not in the ledger"))?;
        let last_day = last_day(debit.row.at, days);
        let days_left = last_day.signed_duration_since(today).num_days().max(0);
        Ok(Instructed { decided, debit, last_day, days_left })
    };
    all.into_iter().map(instruct).collect()
}

/// Disputes of the department, those in one state only if one is given, oldest first. They show money and names: the journal tells which.
pub fn list_disputes(
    tx: &mut Tx<'_>,
    state: Option<DisputeState>,
    query: &PageQuery,
) -> Result<Page<Instructed>, Error> {
    let after = query.after()?.map(DisputeId::from_uuid);
    let rows = db::page(tx, state, after, query.limit()?.saturating_add(1))?;
    let page = query.page(rows, |row| row.id.uuid())?;
    let mut items = Vec::with_capacity(page.items.len());
    for dispute in page.items {
        let open = dispute.state == DisputeState::Open;
        let awaits = if open { corrections::awaited_by_dispute(tx, dispute.transfer_id)? } else { None };
        items.push(Decided { dispute, awaits });
    }
    let shown: Vec<DisputeId> = items.iter().map(|decided| decided.dispute.id).collect();
    let place = tx.place;
    audit::record(tx, "disputes_inspected", ("department", place), json!({ "disputes": shown }))?;
    Ok(Page { items: instruct(tx, items)?, next_cursor: page.next_cursor })
}

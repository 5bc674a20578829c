//! What agents undo of the movements of wallets: refunds that a merchant cannot make alone, mistakes, fraud, upheld disputes. Always by a
//! reversal with a reason, never by writing over.
//!
//! Up to the threshold of the department's rules one agent does it at once; above, another one decides. What one person alone has
//! corrected of a movement counts together: a large sum in small parts is a large sum. A correction that the ledger declines is not kept.

mod db;
pub mod http;

pub use db::CorrectionRow;

use crate::{
    audit,
    db::Tx,
    disputes,
    error::{Error, Refusal},
    families,
    http::page::{Page, PageQuery},
    kernel::{
        ids::{AccountId, CorrectionId, TransferId},
        money::Cents,
        text::Note,
        time,
    },
    ledger::{
        Declined, TransferKind,
        reversals::{self, Moved, Reversal},
        rules,
    },
};
use db::Decision;
use serde_json::json;
use uuid::Uuid;

text_enum! {
    /// Why a movement is undone.
    pub enum CorrectionReason {
        DataEntryError = "data_entry_error",
        Fraud = "fraud",
        Duplicate = "duplicate",
        WrongBeneficiary = "wrong_beneficiary",
        /// A refund that the merchant agreed to and may not make alone.
        RefundAgreed = "refund_agreed",
        /// A dispute upheld: made by its decision only.
        Dispute = "dispute",
        Other = "other",
    }
}

text_enum! {
    /// Where a correction stands.
    pub enum CorrectionState {
        /// Another person decides.
        Proposed = "proposed",
        Done = "done",
        Refused = "refused",
    }
}

impl CorrectionReason {
    /// What the family reads.
    const fn sentence(self) -> &'static str {
        match self {
            Self::DataEntryError => "erreur de saisie",
            Self::Fraud => "usage irrégulier constaté",
            Self::Duplicate => "opération faite deux fois",
            Self::WrongBeneficiary => "opération faite pour un autre bénéficiaire",
            Self::RefundAgreed => "remboursement accordé par l'organisme",
            Self::Dispute => "votre contestation est acceptée",
            Self::Other => "décision du département",
        }
    }
}

/// What an agent wants undone.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The caller's key and what it stands for.
    pub key: Uuid,
    pub fingerprint: Vec<u8>,
    pub transfer: TransferId,
    pub amount: Cents,
    pub reason: CorrectionReason,
    pub note: Option<Note>,
}

/// Undoes at once what one person may, or leaves it for another to decide. True with it when the key had been used for that before.
pub fn propose(tx: &mut Tx<'_>, by: AccountId, proposal: &Proposal) -> Result<(CorrectionRow, bool), Error> {
    let now = tx.now()?;
    tx.take_turns(format_args!("correction {}", proposal.transfer))?;
    let moved = reversals::moved(tx, proposal.transfer)?;
    let alone_max = rules::in_force(tx)?.correction_alone_max;
    let alone = db::corrected_alone(tx, moved.id)?.checked_add(proposal.amount);
    let row = CorrectionRow {
        id: CorrectionId::generate(),
        transfer_id: moved.id,
        amount: proposal.amount,
        reason: proposal.reason,
        note: proposal.note.clone(),
        key: proposal.key,
        fingerprint: proposal.fingerprint.clone(),
        two_persons: alone.is_none_or(|alone| alone > alone_max),
        state: CorrectionState::Proposed,
        proposed_by: by,
        proposed_at: now,
        decided_by: None,
        decided_at: None,
        decision_note: None,
        reversal_id: None,
    };
    if !db::insert(tx, &row)? {
        let known = db::of_key(tx, by, proposal.key)?;
        let same = known.fingerprint == proposal.fingerprint;
        return if same { Ok((known, true)) } else { Err(Refusal::IdempotencyKeyReused.into()) };
    }
    let details = json!({
        "transfer_id": moved.id, "amount_cents": row.amount, "reason": row.reason, "two_persons": row.two_persons,
    });
    audit::record(tx, "correction_proposed", ("correction", row.id), details)?;
    if !row.two_persons {
        return Ok((make(tx, by, &row, &moved)?, false));
    }
    // What the ledger would decline later is told now.
    match moved.kind {
        TransferKind::Reversal => Err(Refusal::NotFound.into()),
        _ if row.amount > moved.left() => Err(Refusal::ReversalExceeds.into()),
        _ => Ok((row, false)),
    }
}

/// The correction, locked, if it waits for a decision.
fn lock_proposed(tx: &mut Tx<'_>, id: CorrectionId) -> Result<CorrectionRow, Error> {
    let row = db::lock(tx, id)?;
    if row.state == CorrectionState::Proposed { Ok(row) } else { Err(Refusal::CorrectionTransition.into()) }
}

/// Makes what another person proposed.
pub fn approve(tx: &mut Tx<'_>, by: AccountId, id: CorrectionId) -> Result<CorrectionRow, Error> {
    let row = lock_proposed(tx, id)?;
    if row.proposed_by == by {
        return Err(Refusal::SamePerson.into());
    }
    let moved = reversals::moved(tx, row.transfer_id)?;
    let row = make(tx, by, &row, &moved)?;
    if row.reason == CorrectionReason::Dispute {
        disputes::conclude(tx, by, &row)?;
    }
    Ok(row)
}

/// Leaves undone what was proposed: another person refuses it, whoever proposed it withdraws it.
pub fn refuse(tx: &mut Tx<'_>, by: AccountId, id: CorrectionId, note: &Note) -> Result<CorrectionRow, Error> {
    let (row, at) = (lock_proposed(tx, id)?, tx.now()?);
    let decision = Decision { state: CorrectionState::Refused, by, at, note: Some(note), reversal: None };
    let row = db::decide(tx, row.id, &decision)?;
    let action = if row.proposed_by == by { "correction_withdrawn" } else { "correction_refused" };
    audit::record(tx, action, ("correction", id), json!({ "transfer_id": row.transfer_id }))?;
    Ok(row)
}

fn make(tx: &mut Tx<'_>, by: AccountId, row: &CorrectionRow, moved: &Moved) -> Result<CorrectionRow, Error> {
    let at = tx.now()?;
    let reversal = Reversal {
        key: row.id.uuid(),
        fingerprint: &row.fingerprint,
        transfer: row.transfer_id,
        amount: row.amount,
        reason: row.reason.as_str(),
    };
    let reversal_id = reversals::reverse(tx, &reversal)?.map_err(declined)?;
    let decision = Decision { state: CorrectionState::Done, by, at, note: None, reversal: Some(reversal_id) };
    let row = db::decide(tx, row.id, &decision)?;
    let details = json!({ "transfer_id": row.transfer_id, "reversal_id": reversal_id, "amount_cents": row.amount });
    audit::record(tx, "correction_done", ("correction", row.id), details)?;
    families::notify(tx, moved.family_id, "Correction d'un mouvement", &letter(&row, moved))?;
    Ok(row)
}

/// The ledger speaks to tills; this is for agents.
fn declined(declined: Declined) -> Error {
    match declined {
        Declined::InsufficientFunds => Refusal::CorrectionFunds.into(),
        other => other.refusal().into(),
    }
}

fn letter(row: &CorrectionRow, moved: &Moved) -> String {
    let day = time::paris_date(moved.at).format("%d/%m/%Y");
    let label = moved.activity_label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
    let comes_back = matches!(moved.kind, TransferKind::Debit | TransferKind::Expiry);
    let what = if comes_back { "rendu au" } else { "repris sur le" };
    format!(
        "Bonjour,\n\nLe département a {what} porte-monnaie {} de votre enfant {} sur une opération du {day}{label} : {}.\n\
         Votre relevé le montre.\n\nPass+",
        moved.wallet_kind,
        row.amount,
        row.reason.sentence()
    )
}

/// One correction.
pub fn correction(tx: &mut Tx<'_>, id: CorrectionId) -> Result<CorrectionRow, Error> {
    db::correction(tx, id)
}

/// The correction that a contested debit waits for, if a second person has yet to decide it.
pub fn awaited_by_dispute(tx: &mut Tx<'_>, transfer: TransferId) -> Result<Option<CorrectionId>, Error> {
    db::awaited_by_dispute(tx, transfer)
}

/// Corrections, those in one state only if one is given, newest first.
pub fn list_corrections(
    tx: &mut Tx<'_>,
    state: Option<CorrectionState>,
    query: &PageQuery,
) -> Result<Page<CorrectionRow>, Error> {
    let before = query.after()?.map(CorrectionId::from_uuid);
    let rows = db::page(tx, state, before, query.limit()?.saturating_add(1))?;
    query.page(rows, |row| row.id.uuid())
}

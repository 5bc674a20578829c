//! What a scholarship holder receives besides, once an agent has accepted the proof: a second grant in both wallets, once.

pub mod http;

use super::{
    db::{self, EnrolmentRow},
    state::EnrolmentState,
};
use crate::{
    audit,
    db::Tx,
    documents::{self, kinds::DocumentKind},
    error::{Error, Refusal},
    families,
    kernel::{ids::EnrolmentId, time, words::GrantKind},
    ledger::{self, Until},
    seasons,
};
use serde_json::json;
use std::fmt::Write as _;

text_enum! {
    /// What proves the scholarship.
    pub enum TopUpEvidence {
        ScholarshipNotice = "scholarship_notice",
        CollegeAttestation = "college_attestation",
        /// The ministry's own answer.
        StateService = "state_service",
    }
}

/// Credits the top-up where an accepted notice of scholarship and open rights meet, whichever came last. Where it is given already, not
/// foreseen or too late to be spent, there is nothing to give.
pub fn give_if_proven(tx: &mut Tx<'_>, row: &EnrolmentRow) -> Result<(), Error> {
    if row.state != EnrolmentState::Active
        || !documents::has_accepted(tx, row.child_id, DocumentKind::ScholarshipNotice, &row.season)?
    {
        return Ok(());
    }
    match top_up(tx, row.id, row.version, TopUpEvidence::ScholarshipNotice) {
        Ok(_) | Err(Error::Refused(Refusal::ToppedUp | Refusal::NoTopUp | Refusal::SpendingOver)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The same for a request that became active by a hand that sees no proof: a secretary's, or the family's own.
pub fn catch_up(tx: &mut Tx<'_>, id: EnrolmentId) -> Result<(), Error> {
    let row = db::enrolment(tx, id)?;
    give_if_proven(tx, &row)
}

/// Credits the top-up of the enrolment's formula. The rules are those in force when the family submitted, as for the base amounts.
pub fn top_up(tx: &mut Tx<'_>, id: EnrolmentId, version: i32, evidence: TopUpEvidence) -> Result<EnrolmentRow, Error> {
    let row = db::lock(tx, id, version)?;
    if row.state != EnrolmentState::Active {
        return Err(Refusal::EnrolmentTransition.into());
    }
    let submitted_at = row.submitted_at.ok_or_else(|| Error::internal("an active enrolment was never submitted"))?;
    let rules = seasons::rules_at(tx, &row.season, submitted_at)?;
    let amounts = rules.amounts_of(&row.formula, GrantKind::TopUp).ok_or(Error::Refused(Refusal::NoTopUp))?;
    let until = Until {
        spend_before: time::end_of_day(rules.spend_until),
        capture_before: time::end_of_day(rules.capture_until),
    };
    // A wallet that was swept would keep what nobody can spend.
    if tx.now()? >= until.spend_before {
        return Err(Refusal::SpendingOver.into());
    }
    let mut told = String::new();
    for (wallet, amount) in amounts {
        if ledger::grant(tx, row.id, wallet, GrantKind::TopUp, amount, until)? {
            let _ = writeln!(told, "  porte-monnaie {wallet} : {amount}");
        }
    }
    if told.is_empty() {
        return Err(Refusal::ToppedUp.into());
    }
    db::insert_event(tx, &row, "top_up", None)?;
    audit::record(tx, "topped_up", ("enrolment", id), json!({ "evidence": evidence }))?;
    let body = format!(
        "Bonjour,\n\nLe justificatif de bourse de votre enfant est accepté pour la saison {}. Sont crédités en plus :\n{told}\
         À dépenser jusqu'au {}.\n\nPass+",
        row.season,
        rules.spend_until.format("%d/%m/%Y")
    );
    families::notify_of(tx, (row.family_id, row.child_id), "Complément boursier crédité", &body)?;
    Ok(row)
}

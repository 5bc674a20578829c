//! What documents mean for a request: which it asks for and where each stands, and what an accepted one gives.

pub mod http;

use super::{db, top_up};
use crate::{
    db::Tx,
    documents::{
        self, Decision, DocumentRow,
        kinds::{DocumentKind, Situation, is_usual_age, required_for},
        state::DocumentState,
    },
    error::{Error, Refusal},
    families,
    kernel::ids::{DocumentId, EnrolmentId},
};

text_enum! {
    /// Where a proof of a request stands.
    pub enum ProofState {
        /// Nothing was sent yet, or it was taken back.
        Missing = "missing",
        /// Waits for an agent.
        Received = "received",
        Accepted = "accepted",
        /// To be sent again.
        Refused = "refused",
    }
}

/// A proof of a request: asked for, or sent all the same.
#[derive(Debug)]
pub struct Proof {
    pub kind: DocumentKind,
    pub required: bool,
    pub state: ProofState,
    /// The document that says so.
    pub document: Option<DocumentRow>,
}

/// The proofs of a request: those that the pupil's situation asks for, then those that were sent besides.
pub fn list_proofs(tx: &mut Tx<'_>, id: EnrolmentId) -> Result<Vec<Proof>, Error> {
    let row = db::enrolment(tx, id)?;
    let child = families::child(tx, row.child_id)?;
    let required = required_for(Situation {
        in_network: row.in_network,
        declares_scholarship: row.declares_scholarship,
        ase: row.ase,
        usual_age: is_usual_age(row.level, &row.season, child.birth_date),
    });
    let sent = documents::of_season(tx, row.child_id, &row.season)?;
    let besides = DocumentKind::ALL.iter().copied().filter(|kind| !required.contains(kind));
    let proofs = required.iter().copied().chain(besides).map(|kind| {
        let (state, document) = standing(kind, &sent);
        Proof { kind, required: required.contains(&kind), state, document: document.cloned() }
    });
    Ok(proofs.filter(|proof| proof.required || proof.document.is_some()).collect())
}

/// Where a kind stands: an accepted one counts whatever came after it, then one that waits, then the last refusal.
fn standing(kind: DocumentKind, newest_first: &[DocumentRow]) -> (ProofState, Option<&DocumentRow>) {
    let ranks = [
        (DocumentState::Accepted, ProofState::Accepted),
        (DocumentState::Received, ProofState::Received),
        (DocumentState::Refused, ProofState::Refused),
    ];
    let found = ranks.iter().find_map(|(state, proof)| {
        let document = newest_first.iter().find(|row| row.kind == kind && row.state == *state)?;
        Some((*proof, Some(document)))
    });
    found.unwrap_or((ProofState::Missing, None))
}

/// Decides on a document; one that proves means is accepted with the request it was sent for, by whoever reads its figures. An accepted notice of scholarship gives the top-up at once where the rights are open, else when they open.
pub fn decide_document(
    tx: &mut Tx<'_>,
    id: DocumentId,
    version: i32,
    decision: &Decision,
) -> Result<DocumentRow, Error> {
    let document = documents::document(tx, id)?;
    if matches!(decision, Decision::Accept) && documents::belongs_to_rate_request(tx, &document)? {
        return Err(Refusal::DocumentOfRequest.into());
    }
    // Before the document: whoever opens the rights at this moment either sees the proof accepted, or is seen to have opened them.
    let enrolment = db::lock_of_child(tx, document.child_id, &document.season)?;
    let decided = documents::decide_document(tx, id, version, decision)?;
    if let Some(enrolment) = enrolment {
        top_up::give_if_proven(tx, &enrolment)?;
    }
    Ok(decided)
}

//! The proofs of a request, and an agent's decision on one.

use super::{Proof, ProofState};
use crate::{
    app::App,
    auth::actor::{By, CaseWorker, FileParty},
    db::Tx,
    documents::{Decision, kinds::DocumentKind, state::DocumentRefusalReason, view::DocumentView},
    enrolments::proofs,
    error::Error,
    http::{body::Body, reply::Found},
    kernel::{
        department::Department,
        ids::{DocumentId, EnrolmentId},
        text::Note,
    },
};
use actix_web::{get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A proof that a request asks for, or that was sent besides.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProofView {
    pub kind: DocumentKind,
    /// The kind in words.
    #[schema(example = "Notification de bourse")]
    pub title: &'static str,
    /// Whether the pupil's situation asks for it.
    #[schema(example = true)]
    pub required: bool,
    pub state: ProofState,
    /// What was sent, with its dates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentView>,
}

impl From<Proof> for ProofView {
    fn from(proof: Proof) -> Self {
        Self {
            kind: proof.kind,
            title: proof.kind.title(),
            required: proof.required,
            state: proof.state,
            document: proof.document.map(DocumentView::from),
        }
    }
}

/// Show which documents a request asks for, and where each stands.
///
/// For its family, and for the agents who instruct it.
#[utoipa::path(tag = "enrolments", responses((status = 200, body = Vec<ProofView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/enrolments/{enrolment}/documents")]
pub async fn list_proofs(
    by: By<FileParty>,
    app: web::Data<App>,
    path: web::Path<(Department, EnrolmentId)>,
) -> Result<Found<Vec<ProofView>>, Error> {
    let (department, id) = path.into_inner();
    let proofs = app.db.read(department, &by.caller, move |tx| proofs::list_proofs(tx, id)).await?;
    Ok(Found(proofs.into_iter().map(ProofView::from).collect()))
}

text_enum! {
    /// An agent's word on a document.
    pub enum DocumentWord { Accept = "accept", Refuse = "refuse" }
}

/// A decision on a document.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideDocument {
    /// The version that was read: what another agent decided meanwhile stands.
    #[schema(example = 1)]
    pub version: i32,
    pub decision: DocumentWord,
    /// Required to refuse.
    pub reason: Option<DocumentRefusalReason>,
    /// A sentence for the family, beside what the reason says.
    pub note: Option<Note>,
}

impl DecideDocument {
    fn decision(&self) -> Result<Decision, Error> {
        match (self.decision, self.reason) {
            (DocumentWord::Accept, None) if self.note.is_none() => Ok(Decision::Accept),
            (DocumentWord::Accept, _) => Err(Error::field("/reason", "une acceptation n'a ni motif ni mot")),
            (DocumentWord::Refuse, Some(reason)) => Ok(Decision::Refuse { reason, note: self.note.clone() }),
            (DocumentWord::Refuse, None) => Err(Error::field("/reason", "un refus demande un motif")),
        }
    }
}

/// Accept a document, or refuse it with a reason.
///
/// Once; the file is deleted in the same breath and the family is told. An accepted notice of scholarship gives the top-up, once.
#[utoipa::path(tag = "agents-desk", request_body = DecideDocument, responses((status = 200, body = DocumentView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/agents-desk/documents/{document}/decision")]
pub async fn decide_document(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, DocumentId)>,
    body: Body<DecideDocument>,
) -> Result<Found<DocumentView>, Error> {
    let ((department, id), version, decision) = (path.into_inner(), body.version, body.decision()?);
    let decide = move |tx: &mut Tx<'_>| proofs::decide_document(tx, id, version, &decision);
    Ok(Found(app.db.write(department, &by.caller, decide).await?.into()))
}

//! A document as its family and the agents see it.

use super::{
    DocumentRow,
    content::Media,
    kinds::DocumentKind,
    state::{DeletionReason, DocumentRefusalReason, DocumentState},
};
use crate::kernel::{
    ids::{ChildId, DocumentId},
    text::{Note, SeasonCode},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// Where a document stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentView {
    pub id: DocumentId,
    pub child_id: ChildId,
    pub season: SeasonCode,
    pub kind: DocumentKind,
    /// The kind in words.
    #[schema(example = "Notification de bourse")]
    pub title: &'static str,
    pub media: Media,
    /// Size of the file that is kept.
    #[schema(example = 184_320)]
    pub bytes: i32,
    pub state: DocumentState,
    #[schema(example = "2026-10-15T09:30:00Z")]
    pub received_at: DateTime<Utc>,
    /// When it was decided or deleted: since then there is no file any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-20T14:00:00Z")]
    pub closed_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal_reason: Option<DocumentRefusalReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal_note: Option<Note>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_reason: Option<DeletionReason>,
    /// What is wrong and what to do, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Le document est périmé ou trop ancien : envoyez-en un en cours de validité.")]
    pub explanation: Option<&'static str>,
    /// To be given back with the decision.
    #[schema(example = 1)]
    pub version: i32,
}

impl From<DocumentRow> for DocumentView {
    fn from(row: DocumentRow) -> Self {
        let refused = row.refusal_reason.map(DocumentRefusalReason::sentence);
        Self {
            id: row.id,
            child_id: row.child_id,
            season: row.season,
            kind: row.kind,
            title: row.kind.title(),
            media: row.media,
            bytes: row.bytes,
            state: row.state,
            received_at: row.received_at,
            closed_at: row.closed_at,
            refusal_reason: row.refusal_reason,
            refusal_note: row.refusal_note,
            deletion_reason: row.deletion_reason,
            explanation: refused.or(row.deletion_reason.map(DeletionReason::sentence)),
            version: row.version,
        }
    }
}

//! Proofs of means that families send, tax notices and certificates of the CAF or the MSA: which are those of a request, what an agent's
//! decision rests on, and what becomes of them with it.

use super::db::{self, RequestRow};
use crate::{
    db::Tx,
    documents::{
        self, DocumentRow,
        kinds::DocumentKind,
        state::{DocumentState, DocumentState::Received},
    },
    error::{Error, Refusal},
    kernel::{ids::DocumentId, text::Note},
};

/// What an agent has read: proofs of the file, or what a word of his says.
#[derive(Debug, Clone)]
pub struct Seen {
    pub documents: Vec<DocumentId>,
    pub note: Option<Note>,
}

/// Sent for its children, and waiting while it was open; in the order in which they came.
pub fn of_request(tx: &mut Tx<'_>, row: &RequestRow) -> Result<Vec<DocumentRow>, Error> {
    let mut proofs = vec![];
    for child in db::children(tx, row.id)? {
        let sent = documents::of_season(tx, child.child_id, &row.season)?;
        proofs.extend(sent.into_iter().filter(|document| concerns(row, document)));
    }
    proofs.sort_by_key(|document| document.id);
    Ok(proofs)
}

/// A proof of its file, which lay there while the request was open.
fn concerns(row: &RequestRow, document: &DocumentRow) -> bool {
    document.kind.proves_means()
        && document.family_id == row.family_id
        && document.season == row.season
        && document.closed_at.is_none_or(|closed_at| row.requested_at <= closed_at)
        && row.closed_at.is_none_or(|closed_at| document.received_at <= closed_at)
}

/// Those that wait to be read.
pub fn waiting(proofs: &[DocumentRow]) -> impl Iterator<Item = &DocumentRow> {
    proofs.iter().filter(|document| document.state == Received)
}

/// Accepts what a decision rests on. A proof that an agent accepted at the desk of documents was read there.
pub fn accept(tx: &mut Tx<'_>, row: &RequestRow, seen: &Seen) -> Result<(), Error> {
    for (place, id) in seen.documents.iter().enumerate() {
        let document = match documents::document(tx, *id) {
            Ok(document) if concerns(row, &document) => document,
            Ok(_) | Err(Error::Refused(Refusal::NotFound)) => return Err(not_of_the_file(place)),
            Err(error) => return Err(error),
        };
        match document.state {
            Received => drop(documents::decide_document(tx, *id, document.version, &documents::Decision::Accept)?),
            DocumentState::Accepted => {}
            DocumentState::Refused | DocumentState::Deleted => return Err(not_of_the_file(place)),
        }
    }
    Ok(())
}

fn not_of_the_file(place: usize) -> Error {
    Error::field(format!("/document_ids/{place}"), "un justificatif reçu pour cette demande est attendu")
}

/// With the end of a request nothing is left to read: what no decision rests on is deleted.
pub fn clear_away(tx: &mut Tx<'_>, row: &RequestRow) -> Result<(), Error> {
    for child in db::children(tx, row.id)? {
        for kind in DocumentKind::PROOFS_OF_MEANS {
            documents::delete_unneeded(tx, child.child_id, kind, &row.season, row.requested_by)?;
        }
    }
    Ok(())
}

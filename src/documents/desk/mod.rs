//! The agents' desk: what waits, oldest first. Decisions that give rights are taken where the rights are.

pub mod http;

use super::{WaitingRow, db, kinds::DocumentKind};
use crate::{
    db::Tx,
    error::Error,
    http::page::{Page, PageQuery},
    kernel::ids::DocumentId,
};

/// A page of the documents that wait for an agent, oldest first.
pub fn list_waiting_documents(
    tx: &mut Tx<'_>,
    kind: Option<DocumentKind>,
    query: &PageQuery,
) -> Result<Page<WaitingRow>, Error> {
    let (after, limit) = (query.after()?.map(DocumentId::from_uuid), query.limit()?.saturating_add(1));
    let rows = db::waiting(tx, kind, after, limit)?;
    query.page(rows, |row| row.document.id.uuid())
}

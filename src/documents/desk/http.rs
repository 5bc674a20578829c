//! The queue of documents, and the one in hand.

use crate::{
    app::App,
    auth::actor::{By, CaseWorker},
    db::Tx,
    documents::{
        self, WaitingRow, desk,
        http::{DocumentFile, attachment},
        kinds::DocumentKind,
        view::DocumentView,
    },
    error::Error,
    http::{
        page::{Page, PageQuery},
        reply::{Attachment, Found},
    },
    kernel::{
        department::Department,
        ids::{DocumentId, FamilyId},
        text::Name,
    },
};
use actix_web::{get, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which documents, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WaitingQuery {
    /// Those of that kind only.
    #[param(inline, example = "scholarship_notice")]
    pub kind: Option<DocumentKind>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// A document that waits, with the child it is to prove something of.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitingDocumentView {
    pub document: DocumentView,
    pub family_id: FamilyId,
    pub first_names: Name,
    pub last_name: Name,
    #[schema(example = "2014-05-17")]
    pub birth_date: NaiveDate,
}

impl From<WaitingRow> for WaitingDocumentView {
    fn from(row: WaitingRow) -> Self {
        Self {
            family_id: row.document.family_id,
            document: row.document.into(),
            first_names: row.first_names,
            last_name: row.last_name,
            birth_date: row.birth_date,
        }
    }
}

/// List the documents that wait for an agent, oldest first.
#[utoipa::path(tag = "agents-desk", params(WaitingQuery), responses((status = 200, body = Page<WaitingDocumentView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/agents-desk/documents")]
pub async fn list_waiting_documents(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<WaitingQuery>,
) -> Result<Found<Page<WaitingDocumentView>>, Error> {
    let WaitingQuery { kind, cursor, limit } = query.into_inner();
    let query = PageQuery { cursor, limit };
    let list = move |tx: &mut Tx<'_>| desk::list_waiting_documents(tx, kind, &query);
    Ok(Found(app.db.read(path.0, &by.caller, list).await?.map(WaitingDocumentView::from)))
}

/// Read a document that waits.
///
/// Each reading is written in the journal. Once decided there is no file any more.
#[utoipa::path(tag = "agents-desk",
    responses((status = 200, content((DocumentFile = "application/pdf"), (DocumentFile = "image/jpeg")))), security(("bearer" = [])))]
#[get("/v1/departments/{department}/agents-desk/documents/{document}/file")]
pub async fn inspect_document(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, DocumentId)>,
) -> Result<Attachment, Error> {
    let (department, id) = path.into_inner();
    let read = move |tx: &mut Tx<'_>| documents::read_document(tx, id);
    Ok(attachment(app.db.write(department, &by.caller, read).await?))
}

//! Documents as families send and follow them. Who may not send is told before a byte of the file is read, and only so many are in memory
//! together.

use super::{
    DocumentRow,
    content::{MAX_BYTES, Media},
    kinds::DocumentKind,
    view::DocumentView,
};
use crate::{
    app::App,
    auth::actor::{By, Guardian},
    db::Tx,
    documents,
    error::{Error, Refusal},
    gates::gently,
    http::{
        body,
        page::{Page, PageQuery},
        reply::{Attachment, Created, Done, Found},
    },
    kernel::{
        department::Department,
        ids::{ChildId, DocumentId},
        text::SeasonCode,
    },
};
use actix_web::{HttpMessage, HttpRequest, delete, get, http::header, post, web};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};

/// Uploads in memory at a time, from their first byte until they are kept: 240 MB at worst, sealed copies included.
const UPLOADS_MAX: usize = 24;
static UPLOADS: Semaphore = Semaphore::const_new(UPLOADS_MAX);
/// How long one may take to arrive: 5 MB by a poor mobile network.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(45);

/// The bytes of a document.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct DocumentFile(#[expect(dead_code, reason = "only described")] Vec<u8>);

/// What a document proves, and for which school year.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SendQuery {
    #[param(inline, example = "scholarship_notice")]
    pub kind: DocumentKind,
    /// Season, for example `2026-2027`.
    #[param(value_type = String, example = "2026-2027")]
    pub season: SeasonCode,
}

/// Send a document.
///
/// A PDF without script, attachment or password, a JPEG or a PNG, 5 MB at most; pictures are redrawn without metadata. Kept encrypted
/// until an agent has decided, then deleted. Asks for full rights, before anything of the file is read; ten may wait a child.
#[utoipa::path(tag = "documents", params(SendQuery),
    request_body(content((DocumentFile = "application/pdf"), (DocumentFile = "image/jpeg"), (DocumentFile = "image/png"))),
    responses((status = 201, body = DocumentView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/children/{child}/documents")]
pub async fn send_document(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
    query: web::Query<SendQuery>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<Created<DocumentView>, Error> {
    let ((department, child), SendQuery { kind, season }) = (path.into_inner(), query.into_inner());
    let announced = announced(&request)?;
    let asked = season.clone();
    app.db.read(department, &by.caller, move |tx| documents::require_room(tx, child, &asked)).await?;
    let upload = UPLOADS.try_acquire().map_err(|_| Error::Later(Refusal::Busy, 5))?;
    let file = receive(payload).await?;
    let key = app.db.key(department)?.clone();
    let prepared = Arc::new(app.pictures.run(move || gently(|| documents::prepare(&key, &file, announced))).await??);
    let account = by.account;
    let send = move |tx: &mut Tx<'_>| documents::send_document(tx, account, child, (kind, &season), &prepared);
    let row = app.db.write(department, &by.caller, send).await?;
    drop(upload);
    Ok(Created(row.into()))
}

/// The type that the headers announce; refused by them already: another one, or more than is admitted.
fn announced(request: &HttpRequest) -> Result<Media, Error> {
    let media = request.content_type().to_ascii_lowercase().parse::<Media>();
    let media = media.map_err(|_| Error::Refused(Refusal::UnsupportedMediaType))?;
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match length.and_then(|text| text.parse::<usize>().ok()) {
        Some(length) if length > MAX_BYTES => Err(Refusal::BodyTooLarge.into()),
        // A body of unknown length is cut at the same bound while it is read.
        _ => Ok(media),
    }
}

async fn receive(payload: web::Payload) -> Result<web::Bytes, Error> {
    let received = tokio::time::timeout(UPLOAD_TIMEOUT, body::read(payload, MAX_BYTES)).await;
    received.map_err(|_| {
        let because = "L'envoi du document a duré trop longtemps : recommencez avec une meilleure connexion.";
        Error::RefusedBecause(Refusal::DocumentRefused, because.to_owned())
    })?
}

/// List what was sent for a child, newest first.
#[utoipa::path(tag = "documents", params(PageQuery), responses((status = 200, body = Page<DocumentView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/children/{child}/documents")]
pub async fn list_documents(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<DocumentView>>, Error> {
    let ((department, child), query) = (path.into_inner(), query.into_inner());
    let list = move |tx: &mut Tx<'_>| documents::list_documents(tx, child, &query);
    Ok(Found(app.db.read(department, &by.caller, list).await?.map(DocumentView::from)))
}

/// A file to keep, named after what it is.
pub(super) fn attachment((row, bytes): (DocumentRow, Vec<u8>)) -> Attachment {
    let (media, ending) = match row.media {
        Media::Pdf => ("application/pdf", "pdf"),
        Media::Jpeg => ("image/jpeg", "jpg"),
        Media::Png => ("image/png", "png"),
    };
    let name = format!("{}-{}.{ending}", row.kind.as_str().replace('_', "-"), row.id);
    Attachment { media, name, bytes }
}

/// Read a document that I sent, as long as it waits.
///
/// Its sender's alone: the other guardians see that it was sent. Each reading is written in the journal.
#[utoipa::path(tag = "documents",
    responses((status = 200, content((DocumentFile = "application/pdf"), (DocumentFile = "image/jpeg")))), security(("bearer" = [])))]
#[get("/v1/departments/{department}/documents/{document}/file")]
pub async fn read_own_document(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, DocumentId)>,
) -> Result<Attachment, Error> {
    let (department, id) = path.into_inner();
    let read = move |tx: &mut Tx<'_>| documents::read_document(tx, id);
    Ok(attachment(app.db.write(department, &by.caller, read).await?))
}

/// Take back a document that I sent, as long as it waits.
///
/// Asks for full rights. The file is deleted at once.
#[utoipa::path(tag = "documents", responses((status = 204)), security(("bearer" = [])))]
#[delete("/v1/departments/{department}/documents/{document}")]
pub async fn withdraw_document(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, DocumentId)>,
) -> Result<Done, Error> {
    let ((department, id), account) = (path.into_inner(), by.account);
    app.db.write(department, &by.caller, move |tx| documents::withdraw_document(tx, account, id)).await?;
    Ok(Done)
}

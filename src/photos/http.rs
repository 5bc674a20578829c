//! Portraits as the family sends, follows and sees them.
//!
//! Ten megabytes a time are the heaviest thing that families send: who may not send them is told before they are read, and only so
//! many are in memory together.

use super::{PhotoReason, PhotoRow, PhotoState};
use crate::{
    app::App,
    auth::actor::{By, Guardian},
    error::{Error, Refusal},
    gates::gently,
    http::{
        body,
        page::Page,
        reply::{Done, Found, Media},
    },
    kernel::{department::Department, ids::ChildId, text::Note},
    photos::{self, picture},
};
use actix_web::{HttpMessage, HttpRequest, delete, get, http::header, put, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};

/// Uploads in memory at a time, from their first byte until they are redrawn: 480 MB at worst.
const UPLOADS_MAX: usize = 48;
static UPLOADS: Semaphore = Semaphore::const_new(UPLOADS_MAX);
/// How long one may take to arrive: 10 MB by a poor mobile network.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(60);

/// The bytes of a picture.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct PictureFile(#[expect(dead_code, reason = "only described")] Vec<u8>);

/// Where a portrait stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct PhotoView {
    pub state: PhotoState,
    #[schema(example = "2026-06-02T08:15:00Z")]
    pub submitted_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-06-03T09:30:00Z")]
    pub decided_at: Option<DateTime<Utc>>,
    /// Why it was refused: its picture is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "blurred")]
    pub reason: Option<PhotoReason>,
    /// The reason as a sentence that says what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "La photo est floue : prenez-la de nouveau, sans bouger.")]
    pub detail: Option<&'static str>,
    /// What the department adds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
}

impl From<PhotoRow> for PhotoView {
    fn from(row: PhotoRow) -> Self {
        let PhotoRow { state, submitted_at, decided_at, reason, note, .. } = row;
        Self { state, submitted_at, decided_at, reason, detail: reason.map(PhotoReason::sentence), note }
    }
}

/// Send a child's portrait.
///
/// A JPEG or PNG file of 10 MB at most, at least 200 pixels a side. It is cropped to 35:45, redrawn without metadata, kept encrypted, and
/// looked at by the department; it takes the place of one that waits, while an accepted one stays in use until the new one is accepted. Asks
/// for full rights, before anything of the file is read.
#[utoipa::path(tag = "photos",
    request_body(content((PictureFile = "image/jpeg"), (PictureFile = "image/png"))),
    responses((status = 204)), security(("bearer" = [])))]
#[put("/v1/departments/{department}/children/{child}/photo")]
pub async fn submit_photo(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<Done, Error> {
    let (department, child) = path.into_inner();
    refuse_by_header(&request)?;
    app.db.read(department, &by.caller, move |tx| photos::require_right_to_change(tx, child)).await?;
    let upload = UPLOADS.try_acquire().map_err(|_| Error::Later(Refusal::Busy, 5))?;
    let file = receive(payload).await?;
    let portrait = app.pictures.run(move || gently(|| picture::normalise(&file))).await??;
    drop(upload);
    app.db.write(department, &by.caller, move |tx| photos::submit_photo(tx, child, &portrait)).await?;
    Ok(Done)
}

/// What the headers already tell: another type, or more than is admitted.
fn refuse_by_header(request: &HttpRequest) -> Result<(), Error> {
    let media_type = request.content_type();
    if !["image/jpeg", "image/png"].iter().any(|known| media_type.eq_ignore_ascii_case(known)) {
        return Err(Refusal::UnsupportedMediaType.into());
    }
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match length.and_then(|text| text.parse::<usize>().ok()) {
        Some(length) if length > picture::MAX_BYTES => Err(Refusal::BodyTooLarge.into()),
        // A body of unknown length is cut at the same bound while it is read.
        _ => Ok(()),
    }
}

async fn receive(payload: web::Payload) -> Result<web::Bytes, Error> {
    let received = tokio::time::timeout(UPLOAD_TIMEOUT, body::read(payload, picture::MAX_BYTES)).await;
    received.map_err(|_| {
        let because = "L'envoi de la photo a duré trop longtemps : recommencez avec une meilleure connexion.";
        Error::RefusedBecause(Refusal::PhotoRefused, because.to_owned())
    })?
}

/// List a child's portraits: the accepted one, the one that waits, the last that was refused.
#[utoipa::path(tag = "photos", responses((status = 200, body = Page<PhotoView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/children/{child}/photos")]
pub async fn list_photos(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
) -> Result<Found<Page<PhotoView>>, Error> {
    let (department, child) = path.into_inner();
    let rows = app.db.read(department, &by.caller, move |tx| photos::list_photos(tx, child)).await?;
    Ok(Found(Page { items: rows.into_iter().map(PhotoView::from).collect(), next_cursor: None }))
}

/// Which of a child's portraits.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PhotoQuery {
    /// When absent: the one that waits, or else the accepted one.
    #[param(inline, example = "accepted")]
    pub state: Option<PhotoState>,
}

/// Show a child's portrait.
#[utoipa::path(tag = "photos", params(PhotoQuery), responses((status = 200, body = PictureFile, content_type = "image/jpeg")),
    security(("bearer" = [])))]
#[get("/v1/departments/{department}/children/{child}/photo")]
pub async fn show_photo(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
    query: web::Query<PhotoQuery>,
) -> Result<Media, Error> {
    let ((department, child), state) = (path.into_inner(), query.state);
    let jpeg = app.db.write(department, &by.caller, move |tx| photos::show_photo(tx, child, state)).await?;
    Ok(Media(photos::MEDIA_TYPE, jpeg))
}

/// Remove a child's portraits, the accepted one included.
///
/// Asks for full rights.
#[utoipa::path(tag = "photos", responses((status = 204)), security(("bearer" = [])))]
#[delete("/v1/departments/{department}/children/{child}/photo")]
pub async fn remove_photo(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
) -> Result<Done, Error> {
    let (department, child) = path.into_inner();
    app.db.write(department, &by.caller, move |tx| photos::remove_photo(tx, child)).await?;
    Ok(Done)
}

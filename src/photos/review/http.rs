//! The review of portraits, as case workers do it.

use super::{BATCH_MAX, Verdict};
use crate::{
    app::App,
    auth::actor::{By, CaseWorker},
    db::Tx,
    error::Error,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::{Found, Media},
    },
    kernel::{
        actor::Caller,
        department::Department,
        ids::{ChildId, PhotoId},
        text::{Name, Note},
    },
    photos::{
        MEDIA_TYPE, PhotoDecision, PhotoReason, PhotoState,
        db::ReviewRow,
        hints::{Doubt, Hints},
        http::{PhotoView, PictureFile},
        review,
    },
};
use actix_web::{get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which portraits, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReviewQuery {
    /// Those that wait when absent.
    #[param(inline, example = "submitted")]
    pub state: Option<PhotoState>,
    /// Of this child only.
    #[param(value_type = Option<uuid::Uuid>, example = "0199a8f0-7c3e-7bbd-8000-000000000001")]
    pub child_id: Option<ChildId>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 20; 20 when absent.
    #[param(minimum = 1, maximum = 20, example = 20)]
    pub limit: Option<i64>,
}

/// A portrait to look at, and whose it must be.
#[derive(Debug, Serialize, ToSchema)]
pub struct PhotoToReviewView {
    pub id: PhotoId,
    pub child_id: ChildId,
    pub first_names: Name,
    pub last_name: Name,
    #[schema(example = "2014-05-17")]
    pub birth_date: NaiveDate,
    pub state: PhotoState,
    #[schema(example = "2026-06-02T08:15:00Z")]
    pub submitted_at: DateTime<Utc>,
    /// To be given back with the decision.
    #[schema(example = 1)]
    pub version: i32,
    /// Until the decision; absent also for portraits sent before hints were made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hints: Option<Hints>,
    /// What may be wrong, to be looked at: it never decides.
    #[schema(example = json!(["blurred"]))]
    pub doubts: Vec<Doubt>,
}

impl From<ReviewRow> for PhotoToReviewView {
    fn from(row: ReviewRow) -> Self {
        let hints: Option<Hints> = row.photo.hints.and_then(|hints| serde_json::from_value(hints).ok());
        Self {
            id: row.photo.id,
            child_id: row.photo.child_id,
            first_names: row.first_names,
            last_name: row.last_name,
            birth_date: row.birth_date,
            state: row.photo.state,
            submitted_at: row.photo.submitted_at,
            version: row.photo.version,
            doubts: hints.as_ref().map(Hints::doubts).unwrap_or_default(),
            hints,
        }
    }
}

/// List the portraits to review, those that waited longest first.
#[utoipa::path(tag = "agents-desk", params(ReviewQuery), responses((status = 200, body = Page<PhotoToReviewView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/agents-desk/photos")]
pub async fn list_photos_to_review(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<ReviewQuery>,
) -> Result<Found<Page<PhotoToReviewView>>, Error> {
    let ReviewQuery { state, child_id, cursor, limit } = query.into_inner();
    let (query, filter) = (PageQuery { cursor, limit }, (state.unwrap_or(PhotoState::Submitted), child_id));
    let list = move |tx: &mut Tx<'_>| review::list_photos_to_review(tx, filter, &query);
    Ok(Found(app.db.read(path.0, &by.caller, list).await?.map(PhotoToReviewView::from)))
}

/// View a portrait as the department.
///
/// Each view is written in the journal.
#[utoipa::path(tag = "agents-desk", responses((status = 200, body = PictureFile, content_type = "image/jpeg")),
    security(("bearer" = [])))]
#[get("/v1/departments/{department}/agents-desk/photos/{photo}/picture")]
pub async fn view_photo(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, PhotoId)>,
) -> Result<Media, Error> {
    let (department, id) = path.into_inner();
    let jpeg = app.db.write(department, &by.caller, move |tx| review::view_photo(tx, id)).await?;
    Ok(Media(MEDIA_TYPE, jpeg))
}

/// A decision on a portrait.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecidePhoto {
    /// The version that was read: a portrait decided since is not decided again.
    #[schema(example = 1)]
    pub version: i32,
    pub decision: PhotoDecision,
    /// Required to refuse.
    #[schema(example = "blurred")]
    pub reason: Option<PhotoReason>,
    /// A sentence for the family, beside the reason's own.
    pub note: Option<Note>,
}

impl DecidePhoto {
    fn verdict(self) -> Result<Verdict, Error> {
        match (self.decision, self.reason, self.note) {
            (PhotoDecision::Accept, None, None) => Ok(Verdict::Accept),
            (PhotoDecision::Accept, ..) => Err(Error::field("/reason", "une photo acceptée n'a pas de motif")),
            (PhotoDecision::Refuse, Some(reason), note) => Ok(Verdict::Refuse { reason, note }),
            (PhotoDecision::Refuse, None, _) => Err(Error::field("/reason", "un refus demande un motif")),
        }
    }
}

/// Accept or refuse a portrait.
///
/// Accepted, it takes the place of the former one. Refused, its picture is deleted at once; an accepted one can be refused later, when what it
/// shows turns out to be wrong. The family is told.
#[utoipa::path(tag = "agents-desk", request_body = DecidePhoto, responses((status = 200, body = PhotoView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/agents-desk/photos/{photo}/decide")]
pub async fn decide_photo(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, PhotoId)>,
    body: Body<DecidePhoto>,
) -> Result<Found<PhotoView>, Error> {
    let ((department, id), version) = (path.into_inner(), body.version);
    let verdict = body.0.verdict()?;
    let decide = move |tx: &mut Tx<'_>| review::decide_photo(tx, id, version, &verdict);
    Ok(Found(app.db.write(department, &by.caller, decide).await?.into()))
}

/// A portrait as it was read.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeenPhoto {
    pub photo_id: PhotoId,
    #[schema(example = 1)]
    pub version: i32,
}

/// Portraits to accept together.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptPhotos {
    /// 1 to 20.
    #[schema(min_items = 1, max_items = 20)]
    pub photos: Vec<SeenPhoto>,
}

/// What became of one portrait.
#[derive(Debug, Serialize, ToSchema)]
pub struct AcceptedPhotoView {
    pub photo_id: PhotoId,
    /// Whether it was accepted; if not, `code` and `detail` say why.
    #[schema(example = true)]
    pub done: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "version.stale")]
    pub code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Cette fiche a changé depuis votre lecture : relisez-la avant de recommencer.")]
    pub detail: Option<String>,
}

/// Results in the order asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct AcceptedPhotosView {
    pub results: Vec<AcceptedPhotoView>,
}

/// Accept up to 20 portraits.
///
/// Each stands for itself: one that fails leaves the others accepted.
#[utoipa::path(tag = "agents-desk", request_body = AcceptPhotos, responses((status = 200, body = AcceptedPhotosView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/agents-desk/photos/accept")]
pub async fn accept_photos(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<AcceptPhotos>,
) -> Result<Found<AcceptedPhotosView>, Error> {
    if body.photos.is_empty() || body.photos.len() > BATCH_MAX {
        return Err(Error::field("/photos", format!("de 1 à {BATCH_MAX} photos sont attendues")));
    }
    let mut results = Vec::with_capacity(body.photos.len());
    for photo in &body.photos {
        results.push(accept_one(&app, &by.caller, path.0, *photo).await?);
    }
    Ok(Found(AcceptedPhotosView { results }))
}

/// One acceptance in one transaction: a refusal is a result, a failure of ours stops the rest.
async fn accept_one(
    app: &App,
    caller: &Caller,
    department: Department,
    SeenPhoto { photo_id, version }: SeenPhoto,
) -> Result<AcceptedPhotoView, Error> {
    let accept = move |tx: &mut Tx<'_>| review::decide_photo(tx, photo_id, version, &Verdict::Accept);
    match app.db.write(department, caller, accept).await {
        Ok(_) => Ok(AcceptedPhotoView { photo_id, done: true, code: None, detail: None }),
        Err(error) if error.refusal().status() < 500 => {
            let problem = error.problem();
            let (code, detail) = (Some(problem.code), Some(problem.detail));
            Ok(AcceptedPhotoView { photo_id, done: false, code, detail })
        }
        Err(error) => Err(error),
    }
}

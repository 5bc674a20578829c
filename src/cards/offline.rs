//! What telephones and tills take along for when they have no network.

use crate::{
    app::App,
    auth::actor::{By, Device, Guardian},
    cards::{live, refused},
    error::Error,
    http::reply::Found,
    kernel::{department::Department, ids::CardId},
};
use actix_web::{HttpRequest, HttpResponse, get, http::header, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// What a telephone shows as a QR during one half minute.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiveCodeView {
    #[schema(example = "2026-10-15T08:00:00Z")]
    pub from: DateTime<Utc>,
    #[schema(example = "2026-10-15T08:00:30Z")]
    pub until: DateTime<Utc>,
    /// Signed with the department's card key; without the card's number, which nobody can read off a photograph.
    #[schema(example = "PPL1.AE4TEABB…")]
    pub text: String,
}

/// Ten minutes of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiveCodesView {
    pub items: Vec<LiveCodeView>,
}

/// List what the telephone shows as QR, half minute by half minute.
///
/// Twenty texts from the present one on, so that a gap in the network does not matter. Tills take each in its half minute, and the one
/// before and after.
#[utoipa::path(tag = "cards", responses((status = 200, body = LiveCodesView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/cards/{card}/live-codes")]
pub async fn list_live_codes(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, CardId)>,
) -> Result<Found<LiveCodesView>, Error> {
    let (department, id) = path.into_inner();
    let codes = app.db.read(department, &by.caller, move |tx| live::live_codes(tx, id)).await?;
    let items = codes.into_iter().map(|live::Shown { from, until, text }| LiveCodeView { from, until, text }).collect();
    Ok(Found(LiveCodesView { items }))
}

/// The cards that a till without network refuses.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedCardsView {
    #[schema(example = "2026-10-15T08:00:00Z")]
    pub issued_at: DateTime<Utc>,
    /// From then on the list is too old: without a newer one, nothing is sold without network.
    #[schema(example = "2026-10-16T08:00:00Z")]
    pub next_update_at: DateTime<Utc>,
    /// How many cards it names.
    #[schema(example = 1843)]
    pub cards: usize,
    /// Base 64 (URL) of: version (1 byte), department (3), key id (4), issued and next update (4 each, seconds since 2020-01-01), the first 8
    /// bytes of the SHA-256 of each refused card's ten secret bytes, ascending; then the Ed25519 signature of `passplus-refused-v1`, a NUL
    /// and all that precedes.
    #[schema(example = "PPR1.ATkyACH-Md8…")]
    pub signed: String,
}

/// List the cards that a till without network refuses, signed.
///
/// A till verifies without network, in this order: the card's signature with the published card keys, its last day, that this list is signed
/// and not past its next update and does not name the card, and of a card on a telephone that its half minute is the present one or next
/// to it. With `If-None-Match`, an unchanged list is not sent again.
#[utoipa::path(tag = "counter", params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of the list at hand", example = "\"5f1d3c0a9b8e7d6c5f1d3c0a9b8e7d6c\"")),
    responses((status = 200, body = RefusedCardsView), (status = 304, description = "The list at hand is the present one")), security(("bearer" = [])))]
#[get("/v1/departments/{department}/cards/revoked")]
pub async fn list_refused_cards(
    _by: By<Device>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let published = refused::list_refused_cards(&app, path.0).await?;
    let etag = format!("\"{}\"", published.etag);
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim() == etag)) {
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, etag)).finish());
    }
    let view = RefusedCardsView {
        issued_at: published.list.issued_at(),
        next_update_at: published.list.next_update_at(),
        cards: published.list.marks().len(),
        signed: published.signed.clone(),
    };
    Ok(HttpResponse::Ok().insert_header((header::ETAG, etag)).json(view))
}

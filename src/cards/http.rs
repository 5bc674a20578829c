//! A child's card as its family handles it, and the keys by which anyone verifies one.

use crate::{
    app::App,
    auth::{
        actor::{By, Guardian},
        keys::{Jwk, Jwks, published},
    },
    cards::{self, BlockReason, CardForm, db::CardRow, face::face, life, qr, state::CardState},
    db::Tx,
    error::Error,
    http::{
        body::Body,
        observe::Visitor,
        page::{Page, PageQuery},
        reply::{Created, Found, Media},
    },
    kernel::{
        department::Department,
        ids::{CardId, ChildId},
        text::Secret,
    },
};
use actix_web::{Responder, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A card, with its code, for its family.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardView {
    pub id: CardId,
    pub child_id: ChildId,
    #[schema(example = "active")]
    pub state: CardState,
    pub form: CardForm,
    /// What a till may type in when it cannot scan. Absent while the card is on its way: to know it proves that it arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "92-7K3M-9QXV-2B5N-HJ4T-8")]
    pub code: Option<String>,
    /// What the QR holds: verifiable offline with the published keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "PP1.AE4TEAAB…")]
    pub signed: Option<String>,
    /// What a screen reader says in the place of its picture, when the card is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Carte Pass+ du département Hauts-de-Seine, au nom de Camille M. Années scolaires 2026-2030…")]
    pub alternative_text: Option<String>,
    #[schema(example = "2030-08-31")]
    pub valid_until: NaiveDate,
    #[schema(example = "2026-09-03T09:00:00Z")]
    pub issued_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-01T16:30:00Z")]
    pub blocked_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "lost")]
    pub block_reason: Option<BlockReason>,
}

fn view(tx: &mut Tx<'_>, row: CardRow) -> Result<CardView, Error> {
    let known = row.state.is_used();
    Ok(CardView {
        code: if known { Some(cards::code(tx, &row)?.to_string()) } else { None },
        signed: if known { Some(cards::signed(tx, &row)?) } else { None },
        id: row.id,
        child_id: row.child_id,
        state: row.state,
        form: row.form,
        alternative_text: None,
        valid_until: row.valid_until,
        issued_at: row.issued_at,
        blocked_at: row.blocked_at,
        block_reason: row.block_reason,
    })
}

/// A card of a child's history, without its code.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardLineView {
    pub id: CardId,
    #[schema(example = "replaced")]
    pub state: CardState,
    pub form: CardForm,
    #[schema(example = "2030-08-31")]
    pub valid_until: NaiveDate,
    /// When it was issued, or ordered.
    #[schema(example = "2026-09-03T09:00:00Z")]
    pub issued_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-01T16:30:00Z")]
    pub blocked_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "lost")]
    pub block_reason: Option<BlockReason>,
}

impl From<CardRow> for CardLineView {
    fn from(row: CardRow) -> Self {
        let CardRow { id, state, form, valid_until, issued_at, blocked_at, block_reason, .. } = row;
        Self { id, state, form, valid_until, issued_at, blocked_at, block_reason }
    }
}

/// Show a child's card in use.
///
/// A digital one is issued when the enrolment becomes active; a plastic one takes its place once it is activated.
#[utoipa::path(tag = "cards", responses((status = 200, body = CardView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/children/{child}/card")]
pub async fn show_card(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
) -> Result<Found<CardView>, Error> {
    let (department, child) = path.into_inner();
    let name = app.departments.get(&department).cloned().unwrap_or_default();
    let show = move |tx: &mut Tx<'_>| {
        let row = cards::used(tx, child)?;
        let says = face(tx, &row, &name)?.alternative_text();
        Ok(CardView { alternative_text: Some(says), ..view(tx, row)? })
    };
    app.db.read(department, &by.caller, show).await.map(Found)
}

/// List all cards a child ever had, newest first: in use, on their way, ended.
#[utoipa::path(tag = "cards", params(PageQuery), responses((status = 200, body = Page<CardLineView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/children/{child}/cards")]
pub async fn list_cards(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<CardLineView>>, Error> {
    let ((department, child), query) = (path.into_inner(), query.into_inner());
    let list = move |tx: &mut Tx<'_>| cards::list_cards(tx, child, &query);
    Ok(Found(app.db.read(department, &by.caller, list).await?.map(CardLineView::from)))
}

/// Order a plastic card.
///
/// Once until it has arrived or was lost. The card in use goes on paying until the plastic one is activated. It is printed once the child's
/// portrait is accepted; a family that has sent none is told. Asks for full rights.
#[utoipa::path(tag = "cards", responses((status = 201, body = CardView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/children/{child}/cards/order")]
pub async fn order_card(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
) -> Result<Created<CardView>, Error> {
    let (department, child) = path.into_inner();
    let order = move |tx: &mut Tx<'_>| {
        let row = life::order(tx, child)?;
        view(tx, row)
    };
    app.db.write(department, &by.caller, order).await.map(Created)
}

/// What shows that the plastic card has arrived.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivateCard {
    /// The number printed on it, its last five characters, or the text of its QR.
    #[schema(example = "HJ4T-8")]
    pub proof: Secret,
}

/// Activate the plastic card that has arrived.
///
/// The former card is replaced: it never pays again. Asks for full rights.
#[utoipa::path(tag = "cards", request_body = ActivateCard, responses((status = 200, body = CardView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/children/{child}/cards/activate")]
pub async fn activate_card(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
    body: Body<ActivateCard>,
) -> Result<Found<CardView>, Error> {
    let ((department, child), proof) = (path.into_inner(), body.0.proof);
    let activate = move |tx: &mut Tx<'_>| {
        let row = life::activate(tx, child, &proof)?;
        view(tx, row)
    };
    app.db.write(department, &by.caller, activate).await.map(Found)
}

/// Draw a card's QR as PNG.
///
/// Of a card that pays only: not while it is blocked.
#[utoipa::path(tag = "cards",
    responses((status = 200, body = String, content_type = "image/png", description = "8 pixels a module")),
    security(("bearer" = [])))]
#[get("/v1/departments/{department}/cards/{card}/qr.png")]
pub async fn draw_card_png(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, CardId)>,
) -> Result<Media, Error> {
    let signed = signed(&app, &by, path.into_inner()).await?;
    Ok(Media("image/png", qr::png(&signed).map_err(Error::internal)?))
}

/// Draw a card's QR as SVG.
///
/// Of a card that pays only: not while it is blocked.
#[utoipa::path(tag = "cards",
    responses((status = 200, body = String, content_type = "image/svg+xml", description = "With a title for screen readers")),
    security(("bearer" = [])))]
#[get("/v1/departments/{department}/cards/{card}/qr.svg")]
pub async fn draw_card_svg(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, CardId)>,
) -> Result<Media, Error> {
    let signed = signed(&app, &by, path.into_inner()).await?;
    Ok(Media("image/svg+xml", qr::svg(&signed, "Code de la carte Pass+").map_err(Error::internal)?.into_bytes()))
}

async fn signed(app: &App, by: &By<Guardian>, (department, id): (Department, CardId)) -> Result<String, Error> {
    let sign = move |tx: &mut Tx<'_>| {
        let row = cards::paying(tx, id)?;
        cards::signed(tx, &row)
    };
    app.db.read(department, &by.caller, sign).await
}

/// Why a card must stop paying.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockCard {
    #[schema(example = "lost")]
    pub reason: BlockReason,
    /// Gives another card in the same call, which asks for full rights: a digital one at once, and plastic is ordered again if it was plastic.
    #[serde(default)]
    #[schema(example = false)]
    pub replace: bool,
}

/// Block a card.
///
/// The next debit is refused. Any guardian of the file may do it at any time. With `replace` the answer is the card that took its place.
#[utoipa::path(tag = "cards", request_body = BlockCard, responses((status = 200, body = CardView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/cards/{card}/block")]
pub async fn block_card(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, CardId)>,
    body: Body<BlockCard>,
) -> Result<Found<CardView>, Error> {
    let ((department, id), BlockCard { reason, replace }) = (path.into_inner(), body.0);
    let block = move |tx: &mut Tx<'_>| {
        let row = life::block(tx, id, reason, replace)?;
        view(tx, row)
    };
    app.db.write(department, &by.caller, block).await.map(Found)
}

/// Unblock a card that was found.
#[utoipa::path(tag = "cards", responses((status = 200, body = CardView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/cards/{card}/unblock")]
pub async fn unblock_card(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, CardId)>,
) -> Result<Found<CardView>, Error> {
    let (department, id) = path.into_inner();
    let unblock = move |tx: &mut Tx<'_>| {
        let row = life::unblock(tx, id)?;
        view(tx, row)
    };
    app.db.write(department, &by.caller, unblock).await.map(Found)
}

/// Replace a card for good.
///
/// The old code never works again; the new card has another, and is digital: plastic is ordered again if it was plastic. One that did not
/// arrive is ordered anew. The wallets are the child's and do not change.
#[utoipa::path(tag = "cards", responses((status = 201, body = CardView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/cards/{card}/replace")]
pub async fn replace_card(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, CardId)>,
) -> Result<Created<CardView>, Error> {
    let (department, id) = path.into_inner();
    let replace = move |tx: &mut Tx<'_>| {
        let row = life::replace(tx, id)?;
        view(tx, row)
    };
    app.db.write(department, &by.caller, replace).await.map(Created)
}

/// Keys that verify the cards of every department, offline.
///
/// `kid` is the first four bytes of the key's SHA-256; a card's signed form names its key and its department.
#[utoipa::path(tag = "keys", responses((status = 200, body = Jwks)))]
#[get("/.well-known/card-keys.json")]
pub async fn list_card_keys(visitor: Visitor, app: web::Data<App>) -> Result<impl Responder, Error> {
    let mut keys = vec![];
    for department in app.departments.keys().copied() {
        let own = app.db.read(department, &visitor.caller, cards::published_keys).await?;
        keys.extend(own.into_iter().map(|key| Jwk::ed25519(key.kid, &key.public, Some(department))));
    }
    Ok(published(Jwks { keys }))
}

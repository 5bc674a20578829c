//! Batches of cards as agents handle them, step by step.

use crate::{
    app::App,
    auth::actor::{Administrator, By, CaseWorker},
    cards::batches::{self, BatchRow, CARDS_MAX, CardBatchState, Frozen, MakerRow, Printed},
    db::Tx,
    error::Error,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::{Attachment, Created, Found},
    },
    kernel::{
        department::Department,
        ids::{AccountId, CardBatchId, CardMakerId},
        text::Label,
    },
};
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who prints the cards.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterCardMaker {
    pub name: Label,
    /// The public key that batches are encrypted to, as `age-keygen` writes it.
    #[schema(example = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj")]
    pub recipient: String,
}

/// Who prints the cards.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardMakerView {
    pub id: CardMakerId,
    pub name: Label,
    #[schema(example = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj")]
    pub recipient: String,
    #[schema(example = "2026-10-15T08:00:00Z")]
    pub registered_at: DateTime<Utc>,
}

impl From<MakerRow> for CardMakerView {
    fn from(row: MakerRow) -> Self {
        let MakerRow { id, name, recipient, registered_at } = row;
        Self { id, name, recipient, registered_at }
    }
}

/// Name the card maker, and the key his batches are encrypted to.
///
/// In force for the batches frozen from now on. Asks for a fresh second factor.
#[utoipa::path(tag = "card-batches", request_body = RegisterCardMaker, responses((status = 201, body = CardMakerView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/card-maker")]
pub async fn register_card_maker(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<RegisterCardMaker>,
) -> Result<Created<CardMakerView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let (account, RegisterCardMaker { name, recipient }) = (by.account, body.0);
    let register = move |tx: &mut Tx<'_>| batches::register_maker(tx, account, &name, &recipient);
    Ok(Created(app.db.write(path.0, &by.caller, register).await?.into()))
}

/// Show the card maker in force.
#[utoipa::path(tag = "card-batches", responses((status = 200, body = CardMakerView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/card-maker")]
pub async fn show_card_maker(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
) -> Result<Found<CardMakerView>, Error> {
    Ok(Found(app.db.read(path.0, &by.caller, batches::show_maker).await?.into()))
}

/// A batch of cards to print.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardBatchView {
    pub id: CardBatchId,
    #[schema(example = 12)]
    pub number: i32,
    pub state: CardBatchState,
    #[schema(example = 500)]
    pub cards: i32,
    /// SHA-256 of what was frozen, which the maker gives back with his count.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub hash: String,
    /// Whom it is encrypted to: the second person compares it with the maker's key.
    #[schema(example = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj")]
    pub recipient: String,
    pub frozen_by: AccountId,
    #[schema(example = "2026-10-15T08:00:00Z")]
    pub frozen_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-15T09:00:00Z")]
    pub approved_at: Option<DateTime<Utc>>,
    /// When its archive first left: from then on the maker knows its numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-15T10:00:00Z")]
    pub exported_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-20T09:00:00Z")]
    pub printed_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-21T09:00:00Z")]
    pub posted_at: Option<DateTime<Utc>>,
    /// When it is frozen: how many orders were left out because no portrait is accepted yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 3)]
    pub without_photo: Option<i64>,
}

impl From<BatchRow> for CardBatchView {
    fn from(row: BatchRow) -> Self {
        Self {
            id: row.id,
            number: row.number,
            state: row.state,
            cards: row.cards,
            hash: HEXLOWER.encode(&row.hash),
            recipient: row.recipient,
            frozen_by: row.frozen_by,
            frozen_at: row.frozen_at,
            approved_by: row.approved_by,
            approved_at: row.approved_at,
            exported_at: row.exported_at,
            printed_at: row.printed_at,
            posted_at: row.posted_at,
            without_photo: None,
        }
    }
}

/// How many cards at most.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezeCardBatch {
    /// 1 to 500, which is also the number when absent.
    #[schema(minimum = 1, maximum = 500, example = 500)]
    pub cards_max: Option<i64>,
}

/// Freeze a batch of the cards that wait longest.
///
/// Children without an accepted portrait are left out. Another person approves the batch before the maker may have it.
#[utoipa::path(tag = "card-batches", request_body = FreezeCardBatch, responses((status = 201, body = CardBatchView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/card-batches")]
pub async fn freeze_card_batch(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<FreezeCardBatch>,
) -> Result<Created<CardBatchView>, Error> {
    let (account, limit) = (account(&by)?, body.cards_max.unwrap_or(CARDS_MAX));
    if !(1..=CARDS_MAX).contains(&limit) {
        return Err(Error::field("/cards_max", format!("un nombre de 1 à {CARDS_MAX} est attendu")));
    }
    let freeze = move |tx: &mut Tx<'_>| batches::freeze(tx, account, limit);
    let Frozen { batch, without_photo } = app.db.write(path.0, &by.caller, freeze).await?;
    Ok(Created(CardBatchView { without_photo: Some(without_photo), ..batch.into() }))
}

fn account(by: &By<CaseWorker>) -> Result<AccountId, Error> {
    by.caller.actor.id().map(AccountId::from_uuid).ok_or_else(|| Error::internal("an agent has an account"))
}

/// List the department's batches of cards, newest first.
#[utoipa::path(tag = "card-batches", params(PageQuery), responses((status = 200, body = Page<CardBatchView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/card-batches")]
pub async fn list_card_batches(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<CardBatchView>>, Error> {
    let query = query.into_inner();
    let list = move |tx: &mut Tx<'_>| batches::list_batches(tx, &query);
    Ok(Found(app.db.read(path.0, &by.caller, list).await?.map(CardBatchView::from)))
}

/// Show a batch of cards.
#[utoipa::path(tag = "card-batches", responses((status = 200, body = CardBatchView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/card-batches/{card_batch}")]
pub async fn show_card_batch(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, CardBatchId)>,
) -> Result<Found<CardBatchView>, Error> {
    let (department, id) = path.into_inner();
    Ok(Found(app.db.read(department, &by.caller, move |tx| batches::show_batch(tx, id)).await?.into()))
}

/// Approve a batch of cards: the maker may have it.
///
/// By another person than who froze it, with a fresh second factor.
#[utoipa::path(tag = "card-batches", responses((status = 200, body = CardBatchView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/card-batches/{card_batch}/approve")]
pub async fn approve_card_batch(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, CardBatchId)>,
) -> Result<Found<CardBatchView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let ((department, id), account) = (path.into_inner(), account(&by)?);
    Ok(Found(app.db.write(department, &by.caller, move |tx| batches::approve(tx, id, account)).await?.into()))
}

/// Freeze a batch of cards anew.
///
/// When cards or portraits have changed since it was frozen, and as long as its archive has not left: what cannot be printed any more leaves the
/// batch, the rest is as it is now, encrypted to the maker's key in force. Another person approves it (again).
#[utoipa::path(tag = "card-batches", responses((status = 200, body = CardBatchView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/card-batches/{card_batch}/refreeze")]
pub async fn refreeze_card_batch(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, CardBatchId)>,
) -> Result<Found<CardBatchView>, Error> {
    let ((department, id), account) = (path.into_inner(), account(&by)?);
    Ok(Found(app.db.write(department, &by.caller, move |tx| batches::refreeze(tx, account, id)).await?.into()))
}

/// Give up a batch of cards before it is printed.
///
/// Its cards wait again. Once its archive has left they end instead, and are ordered anew under other numbers.
#[utoipa::path(tag = "card-batches", responses((status = 200, body = CardBatchView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/card-batches/{card_batch}/cancel")]
pub async fn cancel_card_batch(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, CardBatchId)>,
) -> Result<Found<CardBatchView>, Error> {
    let (department, id) = path.into_inner();
    Ok(Found(app.db.write(department, &by.caller, move |tx| batches::cancel(tx, id)).await?.into()))
}

/// Get the archive for the card maker, encrypted to him.
///
/// An age file (age-encryption.org) around a zip: `cards.csv` (batch, rank, first name, initial, last day, number, QR, photo), `photos/`, and
/// `manifest.json` with the count, the batch's hash and the SHA-256 of each file. Each download is written in the journal, and asks for a
/// fresh second factor.
#[utoipa::path(tag = "card-batches", responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")), security(("bearer" = [])))]
#[get("/v1/departments/{department}/card-batches/{card_batch}/archive")]
pub async fn export_card_batch(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, CardBatchId)>,
) -> Result<Attachment, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let (department, id) = path.into_inner();
    let (batch, bytes) = app.db.write(department, &by.caller, move |tx| batches::archive(tx, id)).await?;
    let name = format!("passplus-{department}-cartes-{}.zip.age", batch.number);
    Ok(Attachment { media: "application/octet-stream", name, bytes })
}

/// What the maker says he printed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrintCardBatch {
    /// As in the manifest.
    #[schema(example = 500)]
    pub cards: i32,
    /// As in the manifest.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub hash: String,
    /// Ranks that came out wrong: those cards end, and are ordered anew.
    #[serde(default)]
    #[schema(max_items = 500, example = json!([17]))]
    pub spoiled_ranks: Vec<i32>,
}

/// Note that a batch of cards is printed.
///
/// Its archive must have left, and the maker's count and hash must be those of the batch.
#[utoipa::path(tag = "card-batches", request_body = PrintCardBatch, responses((status = 200, body = CardBatchView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/card-batches/{card_batch}/print")]
pub async fn print_card_batch(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, CardBatchId)>,
    body: Body<PrintCardBatch>,
) -> Result<Found<CardBatchView>, Error> {
    let ((department, id), PrintCardBatch { cards, hash, spoiled_ranks: spoiled }) = (path.into_inner(), body.0);
    let hash = HEXLOWER.decode(hash.as_bytes());
    let hash = hash.map_err(|_| Error::field("/hash", "64 chiffres hexadécimaux en minuscules sont attendus"))?;
    let printed = Printed { cards, hash, spoiled };
    Ok(Found(app.db.write(department, &by.caller, move |tx| batches::print(tx, id, &printed)).await?.into()))
}

/// Note that a batch of cards was posted.
///
/// The families are told by mail.
#[utoipa::path(tag = "card-batches", responses((status = 200, body = CardBatchView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/card-batches/{card_batch}/post")]
pub async fn post_card_batch(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, CardBatchId)>,
) -> Result<Found<CardBatchView>, Error> {
    let (department, id) = path.into_inner();
    Ok(Found(app.db.write(department, &by.caller, move |tx| batches::post(tx, id)).await?.into()))
}

//! The life of a batch, step by step, as agents of finance lead it.

use super::{
    bank_return, credit_transfer,
    views::{BankReturnView, BatchView, PlanView},
};
use crate::{
    app::App,
    auth::actor::{By, Finance},
    db::Tx,
    error::{Error, Problem, Refusal},
    http::{
        body::{self, Body},
        page::{Page, PageQuery},
        reply::{Attachment, Created, Found},
    },
    kernel::{department::Department, ids::PayoutBatchId},
    settlement,
};
use actix_web::{HttpMessage, HttpRequest, get, post, web};
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// Until when.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PlanQuery {
    /// Movements before this instant.
    #[param(example = "2026-10-01T00:00:00Z")]
    pub until: DateTime<Utc>,
}

/// What to take up.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezeBatch {
    /// Movements before this instant, which is past.
    #[schema(example = "2026-10-01T00:00:00Z")]
    pub until: DateTime<Utc>,
}

/// The batch as the approver read it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveBatch {
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub hash: String,
}

/// Show what a batch would pay, without making it.
///
/// Merchants without a bank account in force, contested lines and the drift of the ledger are said.
#[utoipa::path(tag = "settlement", params(PlanQuery), responses((status = 200, body = PlanView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/payout-plan")]
pub async fn plan_payouts(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<PlanQuery>,
) -> Result<Found<PlanView>, Error> {
    let until = query.until;
    let plan = app.db.read(path.0, &by.caller, move |tx| settlement::plan_payouts(tx, until)).await?;
    Ok(Found(plan.into()))
}

/// Freeze a batch of all that is due until an instant.
///
/// Refused while the ledger does not prove itself, or when nothing is due.
#[utoipa::path(tag = "settlement", request_body = FreezeBatch, responses((status = 201, body = BatchView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/payout-batches")]
pub async fn freeze_batch(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<FreezeBatch>,
) -> Result<Created<BatchView>, Error> {
    let (until, account) = (body.until, by.account);
    let freeze = move |tx: &mut Tx<'_>| settlement::freeze_batch(tx, until, account);
    Ok(Created(app.db.write(path.0, &by.caller, freeze).await?.into()))
}

/// List the department's batches, newest first.
#[utoipa::path(tag = "settlement", params(PageQuery), responses((status = 200, body = Page<BatchView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/payout-batches")]
pub async fn list_batches(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<BatchView>>, Error> {
    let query = query.into_inner();
    let list = move |tx: &mut Tx<'_>| settlement::list_batches(tx, &query);
    Ok(Found(app.db.read(path.0, &by.caller, list).await?.map(BatchView::from)))
}

/// Show a batch.
#[utoipa::path(tag = "settlement", responses((status = 200, body = BatchView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/payout-batches/{payout_batch}")]
pub async fn show_batch(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, PayoutBatchId)>,
) -> Result<Found<BatchView>, Error> {
    let (department, id) = path.into_inner();
    let row = app.db.read(department, &by.caller, move |tx| settlement::show_batch(tx, id)).await?;
    Ok(Found(row.into()))
}

/// Approve a frozen batch.
///
/// Two persons do, neither of them the one who froze it. The hash is computed again: rows that changed since are refused, and so are lines
/// that a family contests (`settlement.contested`: cancel, and freeze again). Asks for a recent second factor.
#[utoipa::path(tag = "settlement", request_body = ApproveBatch, responses((status = 200, body = BatchView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/payout-batches/{payout_batch}/approve")]
pub async fn approve_batch(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, PayoutBatchId)>,
    body: Body<ApproveBatch>,
) -> Result<Found<BatchView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let wrong = |_| Error::field("/hash", "l'empreinte du lot, en hexadécimal, est attendue");
    let hash = HEXLOWER_PERMISSIVE.decode(body.hash.as_bytes()).map_err(wrong)?;
    let (account, (department, id)) = (by.account, path.into_inner());
    let approve = move |tx: &mut Tx<'_>| settlement::approve_batch(tx, id, &hash, account);
    Ok(Found(app.db.write(department, &by.caller, approve).await?.into()))
}

/// Give up a batch that was not sent.
///
/// All it took up waits for the next one.
#[utoipa::path(tag = "settlement", responses((status = 200, body = BatchView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/payout-batches/{payout_batch}/cancel")]
pub async fn cancel_batch(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, PayoutBatchId)>,
) -> Result<Found<BatchView>, Error> {
    let (department, id) = path.into_inner();
    let row = app.db.write(department, &by.caller, move |tx| settlement::cancel_batch(tx, id)).await?;
    Ok(Found(row.into()))
}

/// Declare an approved batch sent.
///
/// From here on its file can be had and its statements are the merchants' to read. What approvals ask for is asked once more, contested
/// lines too. Asks for a recent second factor.
#[utoipa::path(tag = "settlement", responses((status = 200, body = BatchView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/payout-batches/{payout_batch}/send")]
pub async fn send_batch(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, PayoutBatchId)>,
) -> Result<Found<BatchView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let (department, id) = path.into_inner();
    let row = app.db.write(department, &by.caller, move |tx| settlement::send_batch(tx, id)).await?;
    Ok(Found(row.into()))
}

/// Get the SEPA credit transfer file of a sent batch.
///
/// ISO 20022 pain.001.001.09, the same bytes each time, to be paid on the next day the bank works. It holds account numbers. Refused while
/// the ledger does not prove itself, until the bank has answered. Asks for a recent second factor.
#[utoipa::path(tag = "settlement", responses((status = 200, body = String, content_type = "application/xml"),
    (status = 409, body = Problem, content_type = "application/problem+json")), security(("bearer" = [])))]
#[get("/v1/departments/{department}/payout-batches/{payout_batch}/credit-transfer")]
pub async fn show_credit_transfer(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, PayoutBatchId)>,
) -> Result<Attachment, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let (department, id) = path.into_inner();
    let (number, bytes) = app.db.write(department, &by.caller, move |tx| settlement::credit_transfer(tx, id)).await?;
    Ok(Attachment { media: credit_transfer::MEDIA_TYPE, name: format!("PASSPLUS-{department}-{number}.xml"), bytes })
}

/// Import the bank's return on a sent batch.
///
/// An ISO 20022 pain.002 file (001.03 or 001.10), 1 MB at most, taken whole or not at all. Rejected payouts are queued again. The same
/// file again changes nothing; one of another batch is refused, and so are other amounts, numbers or sums than the batch's. A rejection of
/// what was paid is refused too: two persons record that the money came back.
#[utoipa::path(tag = "settlement",
    request_body(content = String, content_type = "application/xml", example = json!("<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\">…</Document>")),
    responses((status = 200, body = BankReturnView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/payout-batches/{payout_batch}/bank-returns")]
pub async fn import_bank_return(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, PayoutBatchId)>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<Found<BankReturnView>, Error> {
    let (department, id) = path.into_inner();
    if !["application/xml", "text/xml"].iter().any(|known| request.content_type().eq_ignore_ascii_case(known)) {
        return Err(Refusal::UnsupportedMediaType.into());
    }
    let file = body::read(payload, bank_return::MAX_BYTES).await?;
    let import = move |tx: &mut Tx<'_>| settlement::import_bank_return(tx, id, &file);
    Ok(Found(app.db.write(department, &by.caller, import).await?.into()))
}

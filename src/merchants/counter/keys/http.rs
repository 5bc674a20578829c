//! What tills call when an answer was lost: their key is all they need to know.

use super::KeyState;
use crate::{
    app::App,
    auth::actor::{By, Device},
    error::{Error, Problem},
    http::{idempotency::IdempotencyKey, reply::Found},
    kernel::department::Department,
    ledger::holds,
    merchants::counter::{OperationRow, holds::http::HoldView, http::DebitView, keys},
};
use actix_web::{get, post, web};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// What became of a key of this device.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyView {
    #[schema(example = "7f0d5b1e-3f5a-4d6a-9f0e-0c6a3c1b2d4e")]
    pub key: Uuid,
    /// `moved`: it stands, as far as `refunded_cents` tells; `voided`: given back by the void of the key; `cancelled`: voided before it
    /// arrived; `refused`. Under the last two nothing moved, and nothing ever will.
    pub state: KeyState,
    /// What moved, as it is now: one, unless cards of several departments were used with the key.
    pub operations: Vec<DebitView>,
}

fn views(operations: Vec<(Department, OperationRow)>) -> Vec<DebitView> {
    operations.into_iter().map(|(department, row)| DebitView::read(department, row)).collect()
}

/// Find what a key of this device moved.
///
/// Every department is asked. Not found means that nothing came under it, or not yet, or that it set money aside; to be sure that nothing
/// will, void it. With 503 nothing is known: ask again.
#[utoipa::path(tag = "counter", params(("key" = Uuid, Path)),
    responses(
        (status = 200, body = KeyView),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "Not a key"),
    ),
    security(("bearer" = [])))]
#[get("/v1/debits/by-key/{key}")]
pub async fn find_operation_by_key(
    by: By<Device>,
    app: web::Data<App>,
    path: web::Path<(String,)>,
) -> Result<Found<KeyView>, Error> {
    let key = IdempotencyKey::parse(&path.0)?;
    let known = keys::find_operation_by_key(&app, &by, key).await?;
    Ok(Found(KeyView { key: key.0, state: known.state, operations: views(known.operations) }))
}

/// Find what a key of this device set aside.
///
/// Every department is asked. Not found means that nothing was under it, or not yet.
#[utoipa::path(tag = "counter", params(("key" = Uuid, Path)),
    responses(
        (status = 200, body = HoldView),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "Not a key"),
    ),
    security(("bearer" = [])))]
#[get("/v1/holds/by-key/{key}")]
pub async fn find_hold_by_key(
    by: By<Device>,
    app: web::Data<App>,
    path: web::Path<(String,)>,
) -> Result<Found<HoldView>, Error> {
    let (department, row) = keys::find_hold_by_key(&app, &by, IdempotencyKey::parse(&path.0)?).await?;
    Ok(Found(HoldView::read(department, row)))
}

/// What the void of a key found.
#[derive(Debug, Serialize, ToSchema)]
pub struct VoidView {
    #[schema(example = "7f0d5b1e-3f5a-4d6a-9f0e-0c6a3c1b2d4e")]
    pub key: Uuid,
    pub found: holds::Found,
    /// What had moved under it, as it is now: `refunded_cents` came back.
    pub operations: Vec<DebitView>,
}

/// Undo what a key of this device did, whether or not it arrived.
///
/// In every department: a debit is given back, a hold let go; where nothing came yet, nothing ever will. Within an hour of the debit its
/// amount does not matter; later one above what a merchant refunds alone is `refund.needs_agent`. From then on the key itself answers
/// `debit.voided`, to a debit that arrives late as to the replay of one that was given back. Done twice it is done once: with 503 some
/// department did not answer, send it again.
#[utoipa::path(tag = "counter", params(("key" = Uuid, Path)), responses((status = 200, body = VoidView)), security(("bearer" = [])))]
#[post("/v1/debits/by-key/{key}/void")]
pub async fn void_key(
    by: By<Device>,
    app: web::Data<App>,
    path: web::Path<(String,)>,
) -> Result<Found<VoidView>, Error> {
    let key = IdempotencyKey::parse(&path.0)?;
    let voided = keys::void_key(&app, &by, key).await?;
    Ok(Found(VoidView { key: key.0, found: voided.found, operations: views(voided.operations) }))
}

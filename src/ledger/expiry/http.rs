//! The end of a season: its trial, its order, its progress.

use super::{Expected, OrderRow, SeasonEnd};
use crate::{
    app::App,
    auth::actor::{By, Finance},
    db::Tx,
    error::Error,
    http::{
        body::Body,
        reply::{Created, Found},
    },
    kernel::{department::Department, ids::SeasonExpiryId, money::Cents, text::SeasonCode},
    ledger::expiry,
};
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An order to end a season, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExpiryOrderView {
    pub id: SeasonExpiryId,
    #[schema(example = "2027-07-01T08:00:00Z")]
    pub ordered_at: DateTime<Utc>,
    #[schema(example = "2027-07-02T01:00:00Z")]
    pub runs_at: DateTime<Utc>,
    /// Absent while it waits or runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-07-02T01:02:40Z")]
    pub done_at: Option<DateTime<Utc>>,
    #[schema(example = 200_000)]
    pub expected_wallets: i64,
    #[schema(example = 153_000_000)]
    pub expected_cents: i64,
    /// Until now.
    #[schema(example = 120_000)]
    pub wallets_swept: i64,
    /// Until now.
    #[schema(example = 91_800_000)]
    pub lost_cents: i64,
}

impl From<OrderRow> for ExpiryOrderView {
    fn from(row: OrderRow) -> Self {
        Self {
            id: row.id,
            ordered_at: row.ordered_at,
            runs_at: row.runs_at,
            done_at: row.done_at,
            expected_wallets: row.expected_wallets,
            expected_cents: row.expected.get(),
            wallets_swept: row.wallets_swept,
            lost_cents: row.lost.get(),
        }
    }
}

/// What the end of a season would take back, or what is left of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeasonExpiryView {
    pub season: SeasonCode,
    /// Nothing can be lost before that instant.
    #[schema(example = "2027-06-30T22:00:00Z")]
    pub spend_before: DateTime<Utc>,
    /// Wallets not swept yet, empty ones too.
    #[schema(example = 80_000)]
    pub wallets: i64,
    /// Those of them whose last day to spend is not over.
    #[schema(example = 0)]
    pub still_open: i64,
    #[schema(example = 120_000)]
    pub already_swept: i64,
    /// What would be lost.
    #[schema(example = 61_200_000)]
    pub cents: i64,
    #[schema(example = 41_000_000)]
    pub culture_cents: i64,
    #[schema(example = 20_200_000)]
    pub sport_cents: i64,
    /// Set aside for tickets and merchants: not lost yet.
    #[schema(example = 350_000)]
    pub held_cents: i64,
    /// The last order, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<ExpiryOrderView>,
}

impl From<SeasonEnd> for SeasonExpiryView {
    fn from(end: SeasonEnd) -> Self {
        let SeasonEnd { season, spend_before, figures, order } = end;
        Self {
            season,
            spend_before,
            wallets: figures.wallets,
            still_open: figures.still_open,
            already_swept: figures.already_swept,
            cents: figures.cents().get(),
            culture_cents: figures.culture.get(),
            sport_cents: figures.sport.get(),
            held_cents: figures.held.get(),
            order: order.map(ExpiryOrderView::from),
        }
    }
}

/// The figures of the trial, given back by whoever has read them.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderExpiry {
    #[schema(example = 200_000)]
    pub expected_wallets: i64,
    #[schema(example = 153_000_000)]
    pub expected_cents: i64,
    /// At once when absent.
    #[schema(example = "2027-07-02T01:00:00Z")]
    pub runs_at: Option<DateTime<Utc>>,
}

/// Show what the end of a season would take back, and how far it is.
///
/// A trial: nothing moves.
#[utoipa::path(tag = "ledger", responses((status = 200, body = SeasonExpiryView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/seasons/{season}/expiry")]
pub async fn show_expiry(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode)>,
) -> Result<Found<SeasonExpiryView>, Error> {
    let (department, season) = path.into_inner();
    let end = app.db.read(department, &by.caller, move |tx| expiry::show_expiry(tx, &season)).await?;
    Ok(Found(end.into()))
}

/// Order the end of a season: what was not spent is lost.
///
/// With a second factor shown within five minutes, and with the figures of the trial: refused when they are no longer the same. The worker
/// carries it out, each wallet once.
#[utoipa::path(tag = "ledger", request_body = OrderExpiry, responses((status = 201, body = SeasonExpiryView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/seasons/{season}/expiry")]
pub async fn order_expiry(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode)>,
    body: Body<OrderExpiry>,
) -> Result<Created<SeasonExpiryView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let ((department, season), account) = (path.into_inner(), by.account);
    let OrderExpiry { expected_wallets, expected_cents, runs_at } = body.0;
    let expected = Expected { wallets: expected_wallets, cents: Cents::new(expected_cents) };
    let order = move |tx: &mut Tx<'_>| expiry::order_expiry(tx, account, &season, expected, runs_at);
    Ok(Created(app.db.write(department, &by.caller, order).await?.into()))
}

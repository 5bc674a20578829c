//! The end of a season: its trial, its order, the second person's decision, its progress, and the report of what was lost.

use super::{Expected, ExpiryState, LostRow, OrderRow, SeasonEnd};
use crate::{
    app::App,
    auth::actor::{By, Finance},
    db::Tx,
    error::Error,
    http::{
        body::Body,
        reply::{Attachment, Created, Found},
    },
    kernel::{
        department::Department,
        ids::{AccountId, SeasonExpiryId},
        money::Cents,
        text::SeasonCode,
        words::WalletKind,
    },
    ledger::expiry,
    paper,
};
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An order to end a season, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExpiryOrderView {
    pub id: SeasonExpiryId,
    pub state: ExpiryState,
    pub ordered_by: AccountId,
    #[schema(example = "2027-07-01T08:00:00Z")]
    pub ordered_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-07-01T09:00:00Z")]
    pub decided_at: Option<DateTime<Utc>>,
    /// Once approved. Never before the last limit of the season's wallets.
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
            state: row.state,
            ordered_by: row.ordered_by,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
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
    /// At once when absent; at the limit if that comes later.
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
/// With a second factor shown within five minutes, and with the figures of the trial: once the limit is past, refused when they are no longer
/// the same. It may be ordered ahead, and waits for another person's approval; then the worker carries it out, each wallet once.
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

/// Approve the end of a season that another person ordered.
///
/// With a second factor shown within five minutes.
#[utoipa::path(tag = "ledger", responses((status = 200, body = SeasonExpiryView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/seasons/{season}/expiry/{expiry}/approve")]
pub async fn approve_expiry(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode, SeasonExpiryId)>,
) -> Result<Found<SeasonExpiryView>, Error> {
    decide(&by, &app, path, ExpiryState::Approved).await
}

/// Refuse the end of a season that another person ordered, or withdraw one's own order.
///
/// With a second factor shown within five minutes.
#[utoipa::path(tag = "ledger", responses((status = 200, body = SeasonExpiryView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/seasons/{season}/expiry/{expiry}/refuse")]
pub async fn refuse_expiry(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode, SeasonExpiryId)>,
) -> Result<Found<SeasonExpiryView>, Error> {
    decide(&by, &app, path, ExpiryState::Refused).await
}

async fn decide(
    by: &By<Finance>,
    app: &App,
    path: web::Path<(Department, SeasonCode, SeasonExpiryId)>,
    state: ExpiryState,
) -> Result<Found<SeasonExpiryView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let ((department, season, id), account) = (path.into_inner(), by.account);
    let decide = move |tx: &mut Tx<'_>| expiry::decide(tx, account, &season, id, state);
    Ok(Found(app.db.write(department, &by.caller, decide).await?.into()))
}

/// What the wallets of one kind have lost.
#[derive(Debug, Serialize, ToSchema)]
pub struct LostView {
    pub wallet_kind: WalletKind,
    /// Those that lost something.
    #[schema(example = 74_000)]
    pub wallets: i64,
    #[schema(example = 41_000_000)]
    pub lost_cents: i64,
    /// What corrections have given back of it since.
    #[schema(example = 2_000)]
    pub given_back_cents: i64,
}

/// What a season has lost until now, a line a wallet kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExpiryReportView {
    pub season: SeasonCode,
    pub lines: Vec<LostView>,
}

impl From<LostRow> for LostView {
    fn from(row: LostRow) -> Self {
        let LostRow { kind, wallets, lost, undone } = row;
        Self { wallet_kind: kind, wallets, lost_cents: lost.get(), given_back_cents: undone.get() }
    }
}

async fn report(
    by: &By<Finance>,
    app: &App,
    department: Department,
    season: SeasonCode,
) -> Result<Vec<LostRow>, Error> {
    app.db.read(department, &by.caller, move |tx| expiry::report(tx, &season)).await
}

/// Report what a season's end took back, by kind of wallet.
///
/// The sweep's losses, and those of what came back to the season after it.
#[utoipa::path(tag = "ledger", responses((status = 200, body = ExpiryReportView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/seasons/{season}/expiry/report")]
pub async fn show_expiry_report(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode)>,
) -> Result<Found<ExpiryReportView>, Error> {
    let (department, season) = path.into_inner();
    let lines = report(&by, &app, department, season.clone()).await?.into_iter().map(LostView::from).collect();
    Ok(Found(ExpiryReportView { season, lines }))
}

/// Get the report of a season's end for a spreadsheet.
#[utoipa::path(tag = "ledger", responses((status = 200, body = String, content_type = "text/csv")), security(("bearer" = [])))]
#[get("/v1/departments/{department}/seasons/{season}/expiry/report.csv")]
pub async fn show_expiry_report_csv(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode)>,
) -> Result<Attachment, Error> {
    let (department, season) = path.into_inner();
    let rows = report(&by, &app, department, season.clone()).await?;
    let name = format!("passplus-{department}-fin-de-saison-{season}.csv");
    Ok(Attachment { media: paper::CSV, name, bytes: expiry::csv(&season, &rows)? })
}

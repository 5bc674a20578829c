//! Tickets and remote transfers, as a family makes, reads, prints and cancels them.

use super::{Order, Ticket};
use crate::{
    app::App,
    auth::actor::{By, Guardian},
    db::Tx,
    error::{Error, Problem},
    http::{
        body::Body,
        idempotency::{self, IdempotencyKey, Moved},
        page::{Page, PageQuery},
        reply::{Found, Media},
    },
    kernel::{
        department::Department,
        ids::{HoldId, MerchantId, WalletId},
        money::Amount,
        text::Label,
        words::WalletKind,
    },
    ledger::{
        self,
        holds::{HoldKind, HoldState},
        tickets,
    },
    paper,
};
use actix_web::{get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A ticket to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeTicket {
    pub amount_cents: Amount,
    /// The only merchant that may capture it; any affiliated one when absent.
    pub merchant_id: Option<MerchantId>,
    /// What it pays for; the merchant names it when absent.
    pub activity_label: Option<Label>,
    /// The activity's first day, within a year of today.
    #[schema(example = "2026-09-19")]
    pub activity_date: Option<NaiveDate>,
}

/// Money to set aside for a merchant, which accepts or declines.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferToMerchant {
    pub merchant_id: MerchantId,
    pub amount_cents: Amount,
    pub activity_label: Label,
    /// The activity's first day, within a year of today.
    #[schema(example = "2026-09-19")]
    pub activity_date: NaiveDate,
}

/// A ticket or a remote transfer; for agents, also what a till set aside.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketView {
    pub id: HoldId,
    /// `ticket` or `remote`; `till` for agents only.
    pub kind: HoldKind,
    pub wallet_id: WalletId,
    pub wallet_kind: WalletKind,
    #[schema(example = 1250)]
    pub amount_cents: i64,
    pub state: HoldState,
    /// Captured ones: what the merchant took; the rest went back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1000)]
    pub captured_cents: Option<i64>,
    /// What the merchant types or scans: tickets that stand only, and for their family only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "T92-000G-40R4-0M30-E27Z-W")]
    pub code: Option<String>,
    /// The merchant it is for, or that captured it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant_id: Option<MerchantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Club nautique de Nanterre")]
    pub merchant_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity_label: Option<Label>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-09-19")]
    pub activity_date: Option<NaiveDate>,
    #[schema(example = "2026-09-12T14:03:11Z")]
    pub made_at: DateTime<Utc>,
    /// Nothing is captured from that instant on.
    #[schema(example = "2028-06-30T22:00:00Z")]
    pub expires_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-09-19T09:30:00Z")]
    pub closed_at: Option<DateTime<Utc>>,
}

impl From<Ticket> for TicketView {
    fn from(ticket: Ticket) -> Self {
        let Ticket { row, code, merchant_name } = ticket;
        Self {
            merchant_id: row.merchant(),
            merchant_name,
            code: code.map(|code| code.to_string()),
            id: row.id,
            kind: row.kind,
            wallet_id: row.wallet_id,
            wallet_kind: row.wallet_kind,
            amount_cents: row.amount.get(),
            state: row.state,
            captured_cents: (row.state == HoldState::Captured).then_some(row.captured.get()),
            activity_label: row.activity_label,
            activity_date: row.activity_date,
            made_at: row.made_at,
            expires_at: row.expires_at,
            closed_at: row.closed_at,
        }
    }
}

async fn order(
    app: &App,
    by: &By<Guardian>,
    (department, wallet): (Department, WalletId),
    key: IdempotencyKey,
    (kind, order): (HoldKind, Order),
) -> Result<Moved<TicketView>, Error> {
    if let Some(date) = order.activity_date {
        ledger::check_activity_date(date)?;
    }
    let fingerprint = idempotency::fingerprint(kind.as_str(), &wallet.to_string(), &order)?;
    let step = move |tx: &mut Tx<'_>| tickets::order(tx, kind, wallet, key.0, &fingerprint, &order);
    // After the commit: a refusal is kept for its key before it is told.
    let (ticket, replayed) = app.db.write(department, &by.caller, step).await??;
    Ok(Moved { view: ticket.into(), replayed })
}

/// Make a ticket.
///
/// Its amount leaves what is available at once. A merchant captures it with its code, in part or whole, once, until `expires_at`.
#[utoipa::path(tag = "tickets", params(IdempotencyKey), request_body = MakeTicket, responses((status = 201, body = TicketView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/wallets/{wallet}/tickets")]
pub async fn make_ticket(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, WalletId)>,
    key: IdempotencyKey,
    body: Body<MakeTicket>,
) -> Result<Moved<TicketView>, Error> {
    let MakeTicket { amount_cents: amount, merchant_id: merchant, activity_label, activity_date } = body.0;
    let ticket = Order { amount, merchant, activity_label, activity_date };
    order(&app, &by, path.into_inner(), key, (HoldKind::Ticket, ticket)).await
}

/// Send money to a merchant, which accepts or declines.
///
/// Its amount leaves what is available at once, and comes back when the merchant declines.
#[utoipa::path(tag = "tickets", params(IdempotencyKey), request_body = TransferToMerchant, responses((status = 201, body = TicketView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/wallets/{wallet}/transfers")]
pub async fn transfer_to_merchant(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, WalletId)>,
    key: IdempotencyKey,
    body: Body<TransferToMerchant>,
) -> Result<Moved<TicketView>, Error> {
    let TransferToMerchant { merchant_id, amount_cents: amount, activity_label, activity_date } = body.0;
    let (activity_label, activity_date) = (Some(activity_label), Some(activity_date));
    let transfer = Order { amount, merchant: Some(merchant_id), activity_label, activity_date };
    order(&app, &by, path.into_inner(), key, (HoldKind::Remote, transfer)).await
}

/// List the tickets and remote transfers of a wallet, newest first.
#[utoipa::path(tag = "tickets", params(PageQuery), responses((status = 200, body = Page<TicketView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/wallets/{wallet}/tickets")]
pub async fn list_tickets(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, WalletId)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<TicketView>>, Error> {
    let ((department, wallet), query) = (path.into_inner(), query.into_inner());
    let list = move |tx: &mut Tx<'_>| tickets::list_tickets(tx, wallet, &query);
    Ok(Found(app.db.read(department, &by.caller, list).await?.map(TicketView::from)))
}

/// Show a ticket or remote transfer.
#[utoipa::path(tag = "tickets", responses((status = 200, body = TicketView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/tickets/{ticket}")]
pub async fn show_ticket(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, HoldId)>,
) -> Result<Found<TicketView>, Error> {
    let (department, id) = path.into_inner();
    let show = move |tx: &mut Tx<'_>| tickets::show_ticket(tx, id);
    Ok(Found(app.db.read(department, &by.caller, show).await?.into()))
}

/// Print a ticket that was not used yet, as a PDF page.
#[utoipa::path(tag = "tickets",
    responses(
        (status = 200, body = String, content_type = "application/pdf", description = "One A4 page, readable aloud"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "Used, cancelled or expired"),
    ),
    security(("bearer" = [])))]
#[get("/v1/departments/{department}/tickets/{ticket}/ticket.pdf")]
pub async fn print_ticket(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, HoldId)>,
) -> Result<Media, Error> {
    let (department, id) = path.into_inner();
    let print = move |tx: &mut Tx<'_>| tickets::print_ticket(tx, id);
    Ok(Media(paper::MEDIA_TYPE, app.db.read(department, &by.caller, print).await?))
}

/// What the family knows when it cancels.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelTicket {
    /// After the season's last day to spend: that the amount is lost.
    #[serde(default)]
    #[schema(default = false, example = true)]
    pub accept_loss: bool,
}

/// Cancel a ticket or remote transfer that was not captured yet.
///
/// Until the season's last day to spend its amount is available again; after that day it is lost, and `accept_loss` must say so.
#[utoipa::path(tag = "tickets", request_body = CancelTicket, responses((status = 200, body = TicketView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/tickets/{ticket}/cancel")]
pub async fn cancel_ticket(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, HoldId)>,
    body: Body<CancelTicket>,
) -> Result<Found<TicketView>, Error> {
    let ((department, id), accept_loss) = (path.into_inner(), body.accept_loss);
    let cancel = move |tx: &mut Tx<'_>| tickets::cancel_ticket(tx, id, accept_loss);
    Ok(Found(app.db.write(department, &by.caller, cancel).await?.into()))
}

//! What tills and servers of merchants call for money that was set aside, and to undo what they asked for.

use super::{HoldRow, Shown};
use crate::{
    app::App,
    auth::actor::{By, Device},
    db::Tx,
    error::{Error, Problem},
    http::{
        body::Body,
        idempotency::{IdempotencyKey, Moved},
        page::{Page, PageQuery},
        reply::Found,
    },
    kernel::{
        department::Department,
        ids::{DeviceId, HoldId},
        money::Amount,
        text::{Label, Secret},
        words::WalletKind,
    },
    ledger::holds::{HoldKind, HoldState},
    merchants::counter::{
        Answered, Purchase, holds as counter,
        http::{DebitCard, DebitView, HolderView},
    },
};
use actix_web::{get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Money set aside for the merchant.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoldView {
    pub id: HoldId,
    /// Where it is kept.
    pub department: Department,
    /// `till`: by a device of the merchant; `ticket`: by a family, for this merchant only; `remote`: by a family, to accept or decline.
    pub kind: HoldKind,
    pub state: HoldState,
    #[schema(example = 1250)]
    pub amount_cents: i64,
    /// Captured ones: what was taken; the rest went back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1000)]
    pub captured_cents: Option<i64>,
    pub wallet_kind: WalletKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity_label: Option<Label>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-09-19")]
    pub activity_date: Option<NaiveDate>,
    pub holder: HolderView,
    /// The device that asked for it, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
    #[schema(example = "2026-09-12T14:03:11Z")]
    pub made_at: DateTime<Utc>,
    /// Nothing is captured from that instant on: what is not goes back by itself.
    #[schema(example = "2026-09-19T14:03:11Z")]
    pub expires_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-09-13T09:30:00Z")]
    pub closed_at: Option<DateTime<Utc>>,
}

impl HoldView {
    pub(in crate::merchants::counter) fn read(department: Department, row: HoldRow) -> Self {
        let device_id = (row.kind == HoldKind::Till).then(|| DeviceId::from_uuid(row.client_id));
        Self {
            id: row.id,
            department,
            kind: row.kind,
            state: row.state,
            amount_cents: row.amount.get(),
            captured_cents: (row.state == HoldState::Captured).then_some(row.captured.get()),
            wallet_kind: row.wallet_kind,
            activity_label: row.activity_label,
            activity_date: row.activity_date,
            holder: HolderView { first_name: row.holder_first_name, initial: row.holder_initial },
            device_id,
            made_at: row.made_at,
            expires_at: row.expires_at,
            closed_at: row.closed_at,
        }
    }

    /// As it was made: a replay tells the same, whatever became of it.
    fn made(answered: Answered, by: &By<Device>) -> Result<Moved<Self>, Error> {
        let Answered { department, movement, replayed } = answered;
        let expires_at = movement.expires_at.ok_or_else(|| Error::internal("a hold has its end"))?;
        let view = Self {
            id: HoldId::from_uuid(movement.id.uuid()),
            department,
            kind: HoldKind::Till,
            state: HoldState::Authorised,
            amount_cents: movement.amount.get(),
            captured_cents: None,
            wallet_kind: movement.wallet_kind,
            activity_label: movement.activity_label,
            activity_date: movement.activity_date,
            holder: HolderView { first_name: movement.holder_first_name, initial: movement.holder_initial },
            device_id: Some(by.device),
            made_at: movement.at,
            expires_at,
            closed_at: None,
        };
        Ok(Moved { view, replayed })
    }
}

/// Hold money behind a card.
///
/// It leaves what the family can spend, until it is captured, let go or expired. Refused as a debit is.
#[utoipa::path(tag = "counter", params(IdempotencyKey), request_body = DebitCard,
    responses(
        (status = 201, body = HoldView),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "As many as a minute takes: the same key may come again after `Retry-After`"),
    ),
    security(("bearer" = [])))]
#[post("/v1/holds")]
pub async fn hold_card(
    by: By<Device>,
    app: web::Data<App>,
    key: IdempotencyKey,
    body: Body<DebitCard>,
) -> Result<Moved<HoldView>, Error> {
    let DebitCard { card, wallet_kind, amount_cents: amount, activity_label, activity_date } = body.0;
    let purchase = Purchase { card, wallet_kind, amount, activity_label, activity_date };
    HoldView::made(counter::hold_card(&app, &by, key, purchase).await?, &by)
}

/// Which holds, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct HoldQuery {
    /// Those in this state only: the remote transfers to accept or decline are `authorised`.
    #[param(value_type = Option<String>, example = "authorised")]
    pub state: Option<HoldState>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// List what is or was set aside for the merchant, newest first.
#[utoipa::path(tag = "counter", params(HoldQuery), responses((status = 200, body = Page<HoldView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/holds")]
pub async fn list_holds(
    by: By<Device>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<HoldQuery>,
) -> Result<Found<Page<HoldView>>, Error> {
    let department = path.0;
    let HoldQuery { state, cursor, limit } = query.into_inner();
    let query = PageQuery { cursor, limit };
    let list = move |tx: &mut Tx<'_>| counter::list_holds(tx, state, &query);
    let page = app.db.read(department, &by.caller, list).await?;
    Ok(Found(page.map(|row| HoldView::read(department, row))))
}

/// Show one of them.
#[utoipa::path(tag = "counter", responses((status = 200, body = HoldView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/holds/{hold}")]
pub async fn show_hold(
    by: By<Device>,
    app: web::Data<App>,
    path: web::Path<(Department, HoldId)>,
) -> Result<Found<HoldView>, Error> {
    let (department, id) = path.into_inner();
    let row = app.db.read(department, &by.caller, move |tx| counter::show_hold(tx, id)).await?;
    Ok(Found(HoldView::read(department, row)))
}

/// How much of a hold is taken.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptureHold {
    pub amount_cents: Amount,
}

/// Capture all or part of a hold, once.
///
/// The rest goes back to the family. To accept a remote transfer is to capture the whole of it: less is `hold.whole_only`. Tickets are captured by their code.
#[utoipa::path(tag = "counter", params(IdempotencyKey), request_body = CaptureHold, responses((status = 201, body = DebitView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/holds/{hold}/capture")]
pub async fn capture_hold(
    by: By<Device>,
    app: web::Data<App>,
    path: web::Path<(Department, HoldId)>,
    key: IdempotencyKey,
    body: Body<CaptureHold>,
) -> Result<Moved<DebitView>, Error> {
    let (department, hold) = path.into_inner();
    let answered = counter::capture_hold(&app, &by, key, department, hold, body.amount_cents).await?;
    Ok(DebitView::moved(answered, &by, key, None))
}

/// Let a hold go, or decline a remote transfer.
///
/// Everything goes back to the family. Done twice it is done once.
#[utoipa::path(tag = "counter", responses((status = 200, body = HoldView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/holds/{hold}/void")]
pub async fn void_hold(
    by: By<Device>,
    app: web::Data<App>,
    path: web::Path<(Department, HoldId)>,
) -> Result<Found<HoldView>, Error> {
    let (department, hold) = path.into_inner();
    let row = app.db.write(department, &by.caller, move |tx| counter::void_hold(tx, hold)).await?;
    Ok(Found(HoldView::read(department, row)))
}

/// A ticket shown at the counter.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptureTicket {
    /// The code written on the ticket, or the text of its QR code.
    #[schema(example = "T92-000G-40R4-0M30-E27Z-W")]
    pub ticket: Secret,
    pub amount_cents: Amount,
    /// What is paid for, if the ticket does not say it; else the same, or absent.
    pub activity_label: Option<Label>,
    /// Its first day, within a year of today, if the ticket does not say it; else the same, or absent.
    #[schema(example = "2026-09-19")]
    pub activity_date: Option<NaiveDate>,
}

/// Capture all or part of a ticket, once.
///
/// The rest goes back to the family. A ticket that is unreadable, unknown or another merchant's gets one answer; twenty of them within an
/// hour suspend the device.
#[utoipa::path(tag = "counter", params(IdempotencyKey), request_body = CaptureTicket, responses((status = 201, body = DebitView)), security(("bearer" = [])))]
#[post("/v1/ticket-captures")]
pub async fn capture_ticket(
    by: By<Device>,
    app: web::Data<App>,
    key: IdempotencyKey,
    body: Body<CaptureTicket>,
) -> Result<Moved<DebitView>, Error> {
    let CaptureTicket { ticket, amount_cents: amount, activity_label, activity_date } = body.0;
    let shown = Shown { ticket, amount, activity_label, activity_date };
    Ok(DebitView::moved(counter::capture_ticket(&app, &by, key, shown).await?, &by, key, None))
}

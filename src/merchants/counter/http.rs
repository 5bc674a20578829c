//! What tills and servers of merchants call.

use super::{Answered, Holder, OperationRow, Purchase, Sought, TotalRow};
use crate::{
    app::App,
    auth::actor::{By, Device},
    db::Tx,
    disputes::DisputeState,
    error::{Error, Problem},
    http::{
        body::Body,
        idempotency::{IdempotencyKey, Moved},
        page::{Page, PageQuery},
        reply::Found,
    },
    kernel::{
        department::Department,
        ids::{DeviceId, HoldId, TransferId},
        money::Amount,
        text::{Label, Secret},
        words::WalletKind,
    },
    ledger::{Movement, TransferKind},
    merchants::counter,
};
use actix_web::{get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A card shown at a counter.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LookUpCard {
    /// The number written on the card, or the text of its QR code, printed or on a telephone.
    #[schema(example = "92-000G-40R4-0M30-E27Z-Z")]
    pub card: Secret,
}

/// Who holds a card: enough to recognise a face, nothing else.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardHolderView {
    #[schema(example = "Camille")]
    pub first_name: String,
    #[schema(example = "M")]
    pub initial: String,
    /// The portrait, if the family gave one and the department accepted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/9j/4AAQSkZJRg==", content_encoding = "base64", content_media_type = "image/jpeg")]
    pub photo_jpeg_base64: Option<String>,
}

impl From<Holder> for CardHolderView {
    fn from(holder: Holder) -> Self {
        let photo_jpeg_base64 = holder.photo_jpeg.map(|photo| BASE64.encode(&photo));
        Self { first_name: holder.first_name, initial: holder.initial, photo_jpeg_base64 }
    }
}

/// Show who holds a card.
///
/// One answer for a card that is unreadable, unknown, blocked or expired. Twenty unknown ones within an hour suspend the device.
#[utoipa::path(tag = "counter", request_body = LookUpCard, responses((status = 200, body = CardHolderView)), security(("bearer" = [])))]
#[post("/v1/card-look-ups")]
pub async fn look_up_card(
    by: By<Device>,
    app: web::Data<App>,
    body: Body<LookUpCard>,
) -> Result<Found<CardHolderView>, Error> {
    Ok(Found(counter::look_up_card(&app, &by, &body.card).await?.into()))
}

/// A purchase paid with a card, now or once the final sum is known.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DebitCard {
    /// The number written on the card, or the text of its QR code, printed or on a telephone.
    #[schema(example = "92-000G-40R4-0M30-E27Z-Z")]
    pub card: Secret,
    pub wallet_kind: WalletKind,
    pub amount_cents: Amount,
    /// What is paid for: families read it.
    pub activity_label: Label,
    /// Its first day, within a year of today.
    #[schema(example = "2026-09-19")]
    pub activity_date: NaiveDate,
}

/// A refund of a debit.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundDebit {
    pub amount_cents: Amount,
}

/// Who held the card.
#[derive(Debug, Serialize, ToSchema)]
pub struct HolderView {
    #[schema(example = "Camille")]
    pub first_name: String,
    #[schema(example = "M")]
    pub initial: String,
}

/// Money that moved for the merchant. Answered to a money request it tells nothing that changes later, so that a replay is the same.
#[derive(Debug, Serialize, ToSchema)]
pub struct DebitView {
    pub id: TransferId,
    /// Where it is kept: the department of the card.
    pub department: Department,
    /// `debit`; `refund`: given back by the merchant; `reversal`: one of the two undone by the department.
    pub kind: TransferKind,
    #[schema(example = "2026-09-12T14:03:11Z")]
    pub at: DateTime<Utc>,
    /// Always positive.
    #[schema(example = 1250)]
    pub amount_cents: i64,
    /// The same as the merchant counts it: negative when it gives back.
    #[schema(example = 1250)]
    pub merchant_cents: i64,
    pub wallet_kind: WalletKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity_label: Option<Label>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-09-19")]
    pub activity_date: Option<NaiveDate>,
    pub holder: HolderView,
    /// The device that asked for it; absent when the department did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
    /// The key that the device gave it; absent when it came of the void of another key, or from the department.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "7f0d5b1e-3f5a-4d6a-9f0e-0c6a3c1b2d4e")]
    pub key: Option<Uuid>,
    /// Refunds and reversals: what they give back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverses: Option<TransferId>,
    /// Captures, when read: what was held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_id: Option<HoldId>,
    /// Debits, when read: what was given back of it until now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 0)]
    pub refunded_cents: Option<i64>,
    /// Debits, when read: that the family contests it, and what became of that. It is not paid out while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispute: Option<DisputeState>,
}

impl DebitView {
    pub(super) fn moved(
        answered: Answered,
        by: &By<Device>,
        key: IdempotencyKey,
        reverses: Option<TransferId>,
    ) -> Moved<Self> {
        let Answered { department, movement, replayed } = answered;
        let Movement { id, at, amount, wallet_kind, activity_label, activity_date, .. } = movement;
        let holder = HolderView { first_name: movement.holder_first_name, initial: movement.holder_initial };
        let view = Self {
            id,
            department,
            kind: reverses.map_or(TransferKind::Debit, |_| TransferKind::Refund),
            at,
            amount_cents: amount.get(),
            merchant_cents: reverses.map_or(amount.get(), |_| amount.get().saturating_neg()),
            wallet_kind,
            activity_label,
            activity_date,
            holder,
            device_id: Some(by.device),
            key: Some(key.0),
            reverses,
            hold_id: None,
            refunded_cents: None,
            dispute: None,
        };
        Moved { view, replayed }
    }

    pub(super) fn read(department: Department, row: OperationRow) -> Self {
        let holder = HolderView {
            first_name: row.holder_first_name.unwrap_or_default(),
            initial: row.holder_initial.unwrap_or_default(),
        };
        Self {
            id: row.id,
            department,
            kind: row.kind,
            at: row.at,
            amount_cents: row.amount.get(),
            merchant_cents: row.merchant_cents,
            wallet_kind: row.wallet_kind,
            activity_label: row.activity_label,
            activity_date: row.activity_date,
            holder,
            device_id: row.device_id,
            key: row.key,
            reverses: row.reverses,
            hold_id: row.hold_id,
            refunded_cents: (row.kind == TransferKind::Debit).then_some(row.refunded.get()),
            dispute: row.dispute_state,
        }
    }
}

/// Debit a card.
///
/// Whatever is wrong with the card or its funds gets one refusal. A refusal is final for its key, as a success is: for another try, another
/// key. After a cut, a 429 or a 5xx, send the same request with the same key. Once its key is voided a replay answers `debit.voided`.
#[utoipa::path(tag = "counter", params(IdempotencyKey), request_body = DebitCard,
    responses(
        (status = 201, body = DebitView),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "As many as a minute takes: the same key may come again after `Retry-After`"),
    ),
    security(("bearer" = [])))]
#[post("/v1/debits")]
pub async fn debit_card(
    by: By<Device>,
    app: web::Data<App>,
    key: IdempotencyKey,
    body: Body<DebitCard>,
) -> Result<Moved<DebitView>, Error> {
    let DebitCard { card, wallet_kind, amount_cents: amount, activity_label, activity_date } = body.0;
    let purchase = Purchase { card, wallet_kind, amount, activity_label, activity_date };
    let answered = counter::debit_card(&app, &by, key, purchase).await?;
    Ok(DebitView::moved(answered, &by, key, None))
}

/// Refund all or part of a debit.
///
/// It goes back to the wallet it came from. The refunds of a debit never pass its amount.
#[utoipa::path(tag = "counter", params(IdempotencyKey), request_body = RefundDebit, responses((status = 201, body = DebitView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/debits/{transfer}/refunds")]
pub async fn refund_debit(
    by: By<Device>,
    app: web::Data<App>,
    path: web::Path<(Department, TransferId)>,
    key: IdempotencyKey,
    body: Body<RefundDebit>,
) -> Result<Moved<DebitView>, Error> {
    let (department, debit) = path.into_inner();
    let answered = counter::refund_debit(&app, &by, key, department, debit, body.amount_cents).await?;
    Ok(DebitView::moved(answered, &by, key, Some(debit)))
}

/// Which operations, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OperationQuery {
    /// First day, in Paris.
    #[param(example = "2026-09-12")]
    pub from: Option<NaiveDate>,
    /// Last day, in Paris.
    #[param(example = "2026-09-13")]
    pub until: Option<NaiveDate>,
    /// By that till or server only.
    #[param(value_type = Option<Uuid>, example = "0199a8f0-7c3e-7bbd-8000-000000000003")]
    pub device_id: Option<DeviceId>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// List the merchant's operations in a department, newest first.
#[utoipa::path(tag = "counter", params(OperationQuery), responses((status = 200, body = Page<DebitView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/debits")]
pub async fn list_operations(
    by: By<Device>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<OperationQuery>,
) -> Result<Found<Page<DebitView>>, Error> {
    let department = path.0;
    let OperationQuery { from, until, device_id: device, cursor, limit } = query.into_inner();
    let (sought, query) = (Sought { from, until, device }, PageQuery { cursor, limit });
    let list = move |tx: &mut Tx<'_>| counter::list_operations(tx, &sought, &query);
    let page = app.db.read(department, &by.caller, list).await?;
    Ok(Found(page.map(|row| DebitView::read(department, row))))
}

/// What one till did of one kind in a day, with one wallet.
#[derive(Debug, Serialize, ToSchema)]
pub struct TillTotalView {
    /// The till or server; absent for what an agent of the department undid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
    pub wallet_kind: WalletKind,
    pub kind: TransferKind,
    /// How many.
    #[schema(example = 12)]
    pub operations: i64,
    /// What they change of what the merchant is owed: negative for what was given back.
    #[schema(example = 15_000)]
    pub merchant_cents: i64,
}

/// A day of the merchant in a department.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayTotalsView {
    #[schema(example = "2026-09-12")]
    pub day: NaiveDate,
    /// What the day changes of what the merchant is owed.
    #[schema(example = 15_000)]
    pub merchant_cents: i64,
    pub totals: Vec<TillTotalView>,
}

/// Total a day of the merchant in a department, till by till, to close them.
#[utoipa::path(tag = "counter", params(("day" = NaiveDate, Path, description = "A day of Paris", example = "2026-09-12")), responses((status = 200, body = DayTotalsView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/day-totals/{day}")]
pub async fn show_day_totals(
    by: By<Device>,
    app: web::Data<App>,
    path: web::Path<(Department, NaiveDate)>,
) -> Result<Found<DayTotalsView>, Error> {
    let (department, day) = path.into_inner();
    let rows = app.db.read(department, &by.caller, move |tx| counter::day_totals(tx, day)).await?;
    let merchant_cents = rows.iter().try_fold(0_i64, |sum, row| sum.checked_add(row.merchant_cents));
    let merchant_cents = merchant_cents.ok_or_else(|| Error::internal("a day's total is beyond all numbers"))?;
    let total = |row: TotalRow| {
        let TotalRow { device_id, wallet_kind, kind, operations, merchant_cents } = row;
        TillTotalView { device_id, wallet_kind, kind, operations, merchant_cents }
    };
    Ok(Found(DayTotalsView { day, merchant_cents, totals: rows.into_iter().map(total).collect() }))
}

/// Show one operation of the merchant.
#[utoipa::path(tag = "counter", responses((status = 200, body = DebitView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/debits/{transfer}")]
pub async fn show_operation(
    by: By<Device>,
    app: web::Data<App>,
    path: web::Path<(Department, TransferId)>,
) -> Result<Found<DebitView>, Error> {
    let (department, transfer) = path.into_inner();
    let row = app.db.read(department, &by.caller, move |tx| counter::show_operation(tx, transfer)).await?;
    Ok(Found(DebitView::read(department, row)))
}

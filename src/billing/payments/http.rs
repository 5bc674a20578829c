//! Payments and refunds, as agents of finance record them.

use super::{AMOUNT_MAX, Keyed, NewPayment, PaymentMeans, PaymentRow, RefundMeans};
use crate::{
    app::App,
    auth::actor::{By, Finance},
    billing::payments,
    db::Tx,
    error::Error,
    http::{
        body::Body,
        idempotency::{self, IdempotencyKey, Moved},
    },
    kernel::{
        department::Department,
        ids::{AccountId, CanteenAdultId, FamilyId, PayerId, PaymentId},
        money::Cents,
        text::{Label, Note},
    },
};
use actix_web::{post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that was paid.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordPayment {
    /// A family's file, or an adult.
    pub payer_id: PayerId,
    /// 1 to 1,000,000.
    #[schema(example = 4_480, minimum = 1, maximum = 1_000_000)]
    pub amount_cents: Cents,
    #[schema(example = "2026-11-20")]
    pub paid_on: NaiveDate,
    pub means: PaymentMeans,
    /// Number of a cheque, words of a transfer.
    pub reference: Option<Label>,
    /// That it is another one than a payment already recorded on the account, of the same means, reference and amount; without a reference, or
    /// in cash, of the same day too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(example = false)]
    pub confirmed_distinct: bool,
}

/// Something that the treasury paid back.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordRefund {
    /// A family's file, or an adult.
    pub payer_id: PayerId,
    /// 1 to 1,000,000, and no more than the account has in the payer's favour.
    #[schema(example = 1_120, minimum = 1, maximum = 1_000_000)]
    pub amount_cents: Cents,
    /// Not before the first day on which something moved the account.
    #[schema(example = "2026-11-25")]
    pub paid_on: NaiveDate,
    pub means: RefundMeans,
    /// Words of a transfer, number of a cheque.
    pub reference: Option<Label>,
    /// That it is another one than a refund already recorded on the account, of the same means, reference and amount; without a reference, of
    /// the same day too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(example = false)]
    pub confirmed_distinct: bool,
}

/// Why a payment or a refund is undone.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoPayment {
    pub reason: Note,
}

/// A payment, a refund, or what undoes one.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentView {
    pub id: PaymentId,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub family_id: Option<FamilyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub adult_id: Option<CanteenAdultId>,
    /// What it takes from what is owed: negative of a refund, and of what undoes a payment.
    #[schema(example = 4_480)]
    pub amount_cents: Cents,
    #[schema(example = "2026-11-20")]
    pub paid_on: NaiveDate,
    pub means: PaymentMeans,
    /// Whether it is a refund, or undoes one.
    #[schema(example = false)]
    pub is_refund: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Label>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub undoes: Option<PaymentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Note>,
    pub recorded_by: AccountId,
    #[schema(example = "2026-11-21T09:00:00Z")]
    pub recorded_at: DateTime<Utc>,
}

impl From<PaymentRow> for PaymentView {
    fn from(row: PaymentRow) -> Self {
        let PaymentRow {
            id, family_id, adult_id, amount, paid_on, means, reference, undoes, reason, is_refund, ..
        } = row;
        let (recorded_by, recorded_at) = (row.recorded_by, row.recorded_at);
        let amount_cents = amount;
        Self {
            id,
            family_id,
            adult_id,
            amount_cents,
            paid_on,
            means,
            is_refund,
            reference,
            undoes,
            reason,
            recorded_by,
            recorded_at,
        }
    }
}

/// Record a payment.
///
/// It settles the oldest bills first. Sent again under its key it answers the same payment. One of the same means, reference and amount as an
/// earlier one of the account, not undone, is refused under another key unless it is confirmed to be another one; without a reference, or in
/// cash, only if it is of the same day.
#[utoipa::path(tag = "canteen", params(IdempotencyKey), request_body = RecordPayment, responses((status = 201, body = PaymentView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/payments")]
pub async fn record_payment(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    key: IdempotencyKey,
    body: Body<RecordPayment>,
) -> Result<Moved<PaymentView>, Error> {
    let (account, wanted) = (by.account, body.0);
    require_amount(wanted.amount_cents)?;
    let fingerprint = idempotency::fingerprint("record_payment", &wanted.payer_id.to_string(), &wanted)?;
    let keyed = Keyed { key: key.0, fingerprint };
    let RecordPayment { payer_id, amount_cents, paid_on, means, reference, confirmed_distinct } = wanted;
    let new = NewPayment { payer: payer_id, amount: amount_cents, paid_on, means, reference, confirmed_distinct };
    let record = move |tx: &mut Tx<'_>| payments::record_payment(tx, account, &keyed, &new);
    let (row, replayed) = app.db.write(path.0, &by.caller, record).await?;
    Ok(Moved { view: row.into(), replayed })
}

/// Record a refund: what the treasury paid back outside the service.
///
/// No more than the account has in the payer's favour. Sent again under its key it answers the same refund; one like another of the account
/// is refused as a payment is. The payer is told.
#[utoipa::path(tag = "canteen", params(IdempotencyKey), request_body = RecordRefund, responses((status = 201, body = PaymentView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/refunds")]
pub async fn record_refund(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    key: IdempotencyKey,
    body: Body<RecordRefund>,
) -> Result<Moved<PaymentView>, Error> {
    let (account, wanted) = (by.account, body.0);
    require_amount(wanted.amount_cents)?;
    let fingerprint = idempotency::fingerprint("record_refund", &wanted.payer_id.to_string(), &wanted)?;
    let keyed = Keyed { key: key.0, fingerprint };
    let RecordRefund { payer_id, amount_cents, paid_on, means, reference, confirmed_distinct } = wanted;
    let means = means.into();
    let new = NewPayment { payer: payer_id, amount: amount_cents, paid_on, means, reference, confirmed_distinct };
    let record = move |tx: &mut Tx<'_>| payments::record_refund(tx, account, &keyed, &new);
    let (row, replayed) = app.db.write(path.0, &by.caller, record).await?;
    Ok(Moved { view: row.into(), replayed })
}

fn require_amount(amount: Cents) -> Result<(), Error> {
    if (Cents::new(1)..=AMOUNT_MAX).contains(&amount) {
        return Ok(());
    }
    Err(Error::field("/amount_cents", "un montant entre 1 et 1000000 centimes est attendu"))
}

/// Undo a payment or a refund that was recorded by mistake, or did not arrive.
///
/// By an entry of the opposite amount: what was recorded stays. A payment whose sum was paid back meanwhile may be undone; what the account
/// then owes of it is no bill's, and late at once.
#[utoipa::path(tag = "canteen", params(IdempotencyKey), request_body = UndoPayment, responses((status = 201, body = PaymentView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/payments/{payment}/undo")]
pub async fn undo_payment(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, PaymentId)>,
    key: IdempotencyKey,
    body: Body<UndoPayment>,
) -> Result<Moved<PaymentView>, Error> {
    let ((department, id), account, wanted) = (path.into_inner(), by.account, body.0);
    let fingerprint = idempotency::fingerprint("undo_payment", &id.to_string(), &wanted)?;
    let keyed = Keyed { key: key.0, fingerprint };
    let undo = move |tx: &mut Tx<'_>| payments::undo_payment(tx, account, &keyed, id, &wanted.reason);
    let (row, replayed) = app.db.write(department, &by.caller, undo).await?;
    Ok(Moved { view: row.into(), replayed })
}

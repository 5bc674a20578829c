//! Cancellations, as agents of finance make and decide them.

use super::{CancellationRow, CancellationState, Proposal};
use crate::{
    app::App,
    auth::actor::{BillDesk, By, Finance},
    billing::{CreditReason, cancellations, payments::Keyed},
    db::Tx,
    error::Error,
    http::{
        body::Body,
        idempotency::{self, IdempotencyKey, Moved},
        page::{Page, PageQuery},
        reply::Found,
    },
    kernel::{
        department::Department,
        ids::{AccountId, BillId, CancellationId, PayerId},
        text::Note,
    },
};
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Why a bill is taken back.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelBill {
    /// Not `recomputed`: runs do that by themselves.
    #[schema(example = "entry_error")]
    pub reason: CreditReason,
    /// Whether the next run bills these meals again.
    #[schema(example = true)]
    pub bill_again: bool,
    /// Who pays for them then: another family's file, or an adult. Of a bill that went to the wrong payer and is made again, and of no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub bill_to: Option<PayerId>,
    /// For the department alone.
    pub note: Option<Note>,
}

/// A bill that is taken back, or waits for another person to say so.
#[derive(Debug, Serialize, ToSchema)]
pub struct CancellationView {
    pub id: CancellationId,
    pub bill_id: BillId,
    #[schema(example = "entry_error")]
    pub reason: CreditReason,
    #[schema(example = true)]
    pub bill_again: bool,
    /// Who pays for what is billed again, if another one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub bill_to: Option<PayerId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    /// Whether its sum, or another payer, asks for a second person.
    #[schema(example = false)]
    pub two_persons: bool,
    pub state: CancellationState,
    pub proposed_by: AccountId,
    #[schema(example = "2026-11-20T09:00:00Z")]
    pub proposed_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T10:00:00Z")]
    pub decided_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub credit_note_id: Option<BillId>,
}

impl From<CancellationRow> for CancellationView {
    fn from(row: CancellationRow) -> Self {
        let bill_to = row.bill_to();
        Self {
            id: row.id,
            bill_id: row.bill_id,
            reason: row.reason,
            bill_again: row.bill_again,
            bill_to,
            note: row.note,
            two_persons: row.two_persons,
            state: row.state,
            proposed_by: row.proposed_by,
            proposed_at: row.proposed_at,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            credit_note_id: row.credit_note_id,
        }
    }
}

/// Take a bill back by a credit note.
///
/// All that is left of it: what credit notes took back already stays so, and what a later document prices otherwise is taken back at that
/// price. Up to 100 € it is done at once; above, another person approves, and always when another payer is named. The next run bills the meals
/// to that one, and so it does with what is corrected of them later. Not while a run is under way.
#[utoipa::path(tag = "canteen", params(IdempotencyKey), request_body = CancelBill, responses((status = 201, body = CancellationView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/bills/{bill}/cancel")]
pub async fn cancel_bill(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, BillId)>,
    key: IdempotencyKey,
    body: Body<CancelBill>,
) -> Result<Moved<CancellationView>, Error> {
    let ((department, bill), account, wanted) = (path.into_inner(), by.account, body.0);
    if wanted.reason == CreditReason::Recomputed {
        return Err(Error::field("/reason", "un motif de l'annulation est attendu"));
    }
    if wanted.reason == CreditReason::Duplicate && wanted.bill_again {
        return Err(Error::field("/bill_again", "ce qui a été facturé deux fois n'est pas à facturer encore"));
    }
    let is_redirected = wanted.reason == CreditReason::WrongPayer && wanted.bill_again;
    if is_redirected != wanted.bill_to.is_some() {
        let told = if is_redirected {
            "le payeur de ces repas est attendu : sans lui, ils seraient facturés au même"
        } else {
            "un autre payeur n'est attendu que d'une facture mal adressée et à refaire"
        };
        return Err(Error::field("/bill_to", told));
    }
    let fingerprint = idempotency::fingerprint("cancel_bill", &bill.to_string(), &wanted)?;
    let CancelBill { reason, bill_again, bill_to, note } = wanted;
    let proposal = Proposal { keyed: Keyed { key: key.0, fingerprint }, bill, reason, bill_again, bill_to, note };
    let cancel = move |tx: &mut Tx<'_>| cancellations::cancel_bill(tx, account, &proposal);
    let (row, replayed) = app.db.write(department, &by.caller, cancel).await?;
    Ok(Moved { view: row.into(), replayed })
}

/// Approve a cancellation that another person proposed.
///
/// With a second factor shown within five minutes.
#[utoipa::path(tag = "canteen", responses((status = 200, body = CancellationView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/cancellations/{cancellation}/approve")]
pub async fn approve_cancellation(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, CancellationId)>,
) -> Result<Found<CancellationView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let ((department, id), account) = (path.into_inner(), by.account);
    let approve = move |tx: &mut Tx<'_>| cancellations::approve_cancellation(tx, account, id);
    Ok(Found(app.db.write(department, &by.caller, approve).await?.into()))
}

/// Refuse a proposed cancellation, or withdraw one's own.
#[utoipa::path(tag = "canteen", responses((status = 200, body = CancellationView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/cancellations/{cancellation}/refuse")]
pub async fn refuse_cancellation(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, CancellationId)>,
) -> Result<Found<CancellationView>, Error> {
    let ((department, id), account) = (path.into_inner(), by.account);
    let refuse = move |tx: &mut Tx<'_>| cancellations::refuse_cancellation(tx, account, id);
    Ok(Found(app.db.write(department, &by.caller, refuse).await?.into()))
}

/// Which cancellations, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CancellationQuery {
    /// Those in that state only.
    #[param(inline, example = "proposed")]
    pub state: Option<CancellationState>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// List cancellations, newest first.
#[utoipa::path(tag = "canteen", params(CancellationQuery), responses((status = 200, body = Page<CancellationView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/cancellations")]
pub async fn list_cancellations(
    by: By<BillDesk>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<CancellationQuery>,
) -> Result<Found<Page<CancellationView>>, Error> {
    let CancellationQuery { state, cursor, limit } = query.into_inner();
    let query = PageQuery { cursor, limit };
    let list = move |tx: &mut Tx<'_>| cancellations::list_cancellations(tx, state, &query);
    Ok(Found(app.db.read(path.0, &by.caller, list).await?.map(CancellationView::from)))
}

//! What a family reads of refused payments.

use super::{Refused, RefusedReason};
use crate::{
    app::App,
    auth::actor::{By, Guardian},
    db::Tx,
    error::Error,
    http::{
        page::{Page, PageQuery},
        reply::Found,
    },
    kernel::{department::Department, ids::ChildId, money::Cents},
    ledger::refusals,
};
use actix_web::{get, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// A payment that was refused to a child's card.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedPaymentView {
    #[schema(example = "2026-09-12T14:03:11Z")]
    pub at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Club nautique de Nanterre")]
    pub merchant_name: Option<String>,
    /// What was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1250)]
    pub amount_cents: Option<i64>,
    pub reason: RefusedReason,
    /// The reason as a sentence.
    #[schema(example = "La carte était bloquée.")]
    pub detail: &'static str,
}

impl From<Refused> for RefusedPaymentView {
    fn from(Refused { row, merchant_name }: Refused) -> Self {
        let reason = RefusedReason::from(row.reason);
        let amount_cents = row.amount.map(Cents::get);
        Self { at: row.at, merchant_name, amount_cents, reason, detail: reason.sentence() }
    }
}

/// List the payments refused to a child's cards, newest first.
///
/// The reason is told to the family and to the department's agents only: the till got one answer for all that concerns the card and its funds.
#[utoipa::path(tag = "wallets", params(PageQuery), responses((status = 200, body = Page<RefusedPaymentView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/children/{child}/refused-payments")]
pub async fn list_refused_payments(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<RefusedPaymentView>>, Error> {
    let ((department, child), query) = (path.into_inner(), query.into_inner());
    let list = move |tx: &mut Tx<'_>| refusals::list_refused_payments(tx, child, &query);
    Ok(Found(app.db.read(department, &by.caller, list).await?.map(RefusedPaymentView::from)))
}

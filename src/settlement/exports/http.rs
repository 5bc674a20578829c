//! The tables that finance takes away.

use super::Sirets;
use crate::{
    app::App,
    auth::actor::{By, Finance},
    db::Tx,
    error::Error,
    http::reply::Attachment,
    kernel::{
        department::Department,
        ids::{MerchantId, PayoutBatchId},
    },
    merchants, paper,
    settlement::{self, exports, http::PlanQuery, views::PlanView},
};
use actix_web::{get, web};

async fn sirets(app: &App, by: &By<Finance>, ids: Vec<MerchantId>) -> Result<Sirets, Error> {
    app.db.directory_read(&by.caller, move |tx| merchants::sirets(tx, &ids)).await
}

/// Get what a batch would pay as a table.
///
/// UTF-8, semicolons, decimal commas; texts that a spreadsheet would take for formulas begin with an apostrophe.
#[utoipa::path(tag = "settlement", params(PlanQuery), responses((status = 200, body = String, content_type = "text/csv")), security(("bearer" = [])))]
#[get("/v1/departments/{department}/payout-plan.csv")]
pub async fn export_plan(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<PlanQuery>,
) -> Result<Attachment, Error> {
    let until = query.until;
    let plan = app.db.read(path.0, &by.caller, move |tx| settlement::plan_payouts(tx, until)).await?;
    let plan = PlanView::from(plan);
    let sirets = sirets(&app, &by, plan.items.iter().map(|item| item.merchant_id).collect()).await?;
    let bytes = exports::plan_csv(plan, &sirets)?;
    Ok(Attachment { media: paper::CSV, name: format!("passplus-{}-prevision.csv", path.0), bytes })
}

/// Get the payouts of a batch as a table.
///
/// UTF-8, semicolons, decimal commas; with the reference of each transfer, the payee's SIRET and the bank's word.
#[utoipa::path(tag = "settlement", responses((status = 200, body = String, content_type = "text/csv")), security(("bearer" = [])))]
#[get("/v1/departments/{department}/payout-batches/{payout_batch}/payouts.csv")]
pub async fn export_batch(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, PayoutBatchId)>,
) -> Result<Attachment, Error> {
    let (department, id) = path.into_inner();
    let read = move |tx: &mut Tx<'_>| exports::batch_payouts(tx, id);
    let (batch, payouts) = app.db.read(department, &by.caller, read).await?;
    let sirets = sirets(&app, &by, payouts.iter().map(|payout| payout.merchant_id).collect()).await?;
    let bytes = exports::payouts_csv(&batch, payouts, &sirets)?;
    Ok(Attachment { media: paper::CSV, name: format!("passplus-{department}-lot-{}.csv", batch.number), bytes })
}

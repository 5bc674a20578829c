//! Payouts and their statements, for agents of finance and for the merchant's own server: the database shows each what is his.

use super::{Filter, NumberedPayout, Payee, Statement};
use crate::{
    app::App,
    auth::actor::{By, PayoutReader},
    db::Tx,
    error::Error,
    http::{
        page::{Page, PageQuery},
        reply::{Attachment, Found},
    },
    kernel::{
        department::Department,
        ids::{MerchantId, PayoutBatchId, PayoutId},
        money::Cents,
    },
    paper,
    settlement::{state::PayoutState, statements},
};
use actix_web::{get, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which payouts, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PayoutQuery {
    /// Of that batch only.
    #[param(value_type = Option<uuid::Uuid>, example = "0199a8f0-7c3e-7bbd-8000-000000000001")]
    pub batch_id: Option<PayoutBatchId>,
    /// To that merchant only.
    #[param(value_type = Option<uuid::Uuid>, example = "0199a8f0-7c3e-7bbd-8000-000000000002")]
    pub merchant_id: Option<MerchantId>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// What a batch pays a merchant.
#[derive(Debug, Serialize, ToSchema)]
pub struct PayoutView {
    pub id: PayoutId,
    pub batch_id: PayoutBatchId,
    #[schema(example = 12)]
    pub batch_number: i32,
    /// Movements before this instant.
    #[schema(example = "2026-10-01T00:00:00Z")]
    pub until: DateTime<Utc>,
    pub merchant_id: MerchantId,
    #[schema(example = "Club nautique de Nanterre")]
    pub merchant_name: String,
    pub lines_cents: Cents,
    /// What earlier batches left: a debt, or what the bank rejected.
    pub carried_in_cents: Cents,
    pub amount_cents: Cents,
    pub state: PayoutState,
    /// Read on the payee's bank statement.
    #[schema(example = "PP92-12-1")]
    pub end_to_end_id: String,
    /// The bank's code for a rejection.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "AC04")]
    pub reason_code: Option<String>,
    /// The later payout that took this one up again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub carried_into: Option<PayoutId>,
}

impl From<NumberedPayout> for PayoutView {
    fn from((row, batch_number, until): NumberedPayout) -> Self {
        Self {
            id: row.id,
            batch_id: row.batch_id,
            batch_number,
            until,
            merchant_id: row.merchant_id,
            merchant_name: row.merchant_name,
            lines_cents: row.lines,
            carried_in_cents: row.carried_in,
            amount_cents: row.amount,
            state: row.state,
            end_to_end_id: row.end_to_end_id,
            reason_code: row.reason_code,
            carried_into: row.carried_into,
        }
    }
}

/// A printed statement.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct StatementFile(#[expect(dead_code, reason = "only described")] Vec<u8>);

/// List payouts, oldest first.
///
/// A merchant's server sees its own, once they are sent.
#[utoipa::path(tag = "settlement", params(PayoutQuery), responses((status = 200, body = Page<PayoutView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/payouts")]
pub async fn list_payouts(
    by: By<PayoutReader>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<PayoutQuery>,
) -> Result<Found<Page<PayoutView>>, Error> {
    let PayoutQuery { batch_id, merchant_id, cursor, limit } = query.into_inner();
    let (filter, query) = (Filter { batch: batch_id, merchant: merchant_id }, PageQuery { cursor, limit });
    let list = move |tx: &mut Tx<'_>| statements::list_payouts(tx, &filter, &query);
    Ok(Found(app.db.read(path.0, &by.caller, list).await?.map(PayoutView::from)))
}

async fn statement(
    by: &By<PayoutReader>,
    app: &App,
    path: web::Path<(Department, PayoutId)>,
) -> Result<(Statement, Payee), Error> {
    let (department, id) = path.into_inner();
    let statement = app.db.read(department, &by.caller, move |tx| statements::show_statement(tx, id)).await?;
    let merchant = statement.payout.merchant_id;
    let payee = app.db.directory_read(&by.caller, move |tx| statements::payee(tx, merchant)).await?;
    Ok((statement, payee))
}

/// Get a payout's statement for a spreadsheet.
///
/// UTF-8, semicolons, decimal commas; texts that a spreadsheet would take for formulas begin with an apostrophe.
#[utoipa::path(tag = "settlement", responses((status = 200, body = String, content_type = "text/csv")), security(("bearer" = [])))]
#[get("/v1/departments/{department}/payouts/{payout}/statement.csv")]
pub async fn show_statement_csv(
    by: By<PayoutReader>,
    app: web::Data<App>,
    path: web::Path<(Department, PayoutId)>,
) -> Result<Attachment, Error> {
    let (statement, payee) = statement(&by, &app, path).await?;
    let name = format!("{}.csv", statement.file_name());
    Ok(Attachment { media: paper::CSV, name, bytes: statement.csv(&payee)? })
}

/// Get a payout's statement as a document.
#[utoipa::path(tag = "settlement", responses((status = 200, body = StatementFile, content_type = "application/pdf")), security(("bearer" = [])))]
#[get("/v1/departments/{department}/payouts/{payout}/statement.pdf")]
pub async fn show_statement_pdf(
    by: By<PayoutReader>,
    app: web::Data<App>,
    path: web::Path<(Department, PayoutId)>,
) -> Result<Attachment, Error> {
    let (statement, payee) = statement(&by, &app, path).await?;
    let name = format!("{}.pdf", statement.file_name());
    let bytes = app.pictures.run(move || statement.pdf(&payee)).await??;
    Ok(Attachment { media: paper::MEDIA_TYPE, name, bytes })
}

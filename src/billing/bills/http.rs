//! Bills, as whoever pays reads them, and as agents do.

use super::{Bill, Filter, Head, Line};
use crate::{
    app::App,
    auth::actor::{BillReader, By},
    billing::{BillKind, CreditReason, LineKind, bills},
    db::Tx,
    error::Error,
    http::{
        page::{Page, PageQuery},
        reply::{Attachment, Found},
    },
    kernel::{
        department::Department,
        ids::{BillId, BillRunId, CanteenAdultId, DinerId, FamilyId, PayerId},
        money::Cents,
        month::Month,
    },
    paper,
};
use actix_web::{get, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A bill or a credit note, without its lines.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillHeadView {
    pub id: BillId,
    pub kind: BillKind,
    #[schema(example = "92-2026-000123")]
    pub number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub family_id: Option<FamilyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub adult_id: Option<CanteenAdultId>,
    #[schema(example = "Camille Martin")]
    pub payer_name: String,
    pub month: Month,
    #[schema(example = "2026-11-04")]
    pub issued_on: NaiveDate,
    /// Of a bill.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-12-04")]
    pub due_on: Option<NaiveDate>,
    /// Of a credit note: zero or less.
    #[schema(example = 4_480)]
    pub total_cents: Cents,
    /// Of a bill: what of it is left to pay now. A credit note settles its own bill, payments those that were due first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 4_480)]
    pub left_cents: Option<Cents>,
    /// The bill that a credit note corrects.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub corrects: Option<BillId>,
    /// Of a credit note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<CreditReason>,
}

impl BillHeadView {
    pub fn new(Head { row, left }: Head, department: Department) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            number: crate::billing::number(department.as_str(), row.kind, row.year, row.number),
            family_id: row.family_id,
            adult_id: row.adult_id,
            payer_name: row.payer_name,
            month: row.month,
            issued_on: row.issued_on,
            due_on: row.due_on,
            total_cents: row.total,
            left_cents: left,
            corrects: row.corrects,
            reason: row.reason,
        }
    }
}

/// Meals of a diner at one price.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillLineView {
    pub diner_id: DinerId,
    #[schema(example = "Lou Martin")]
    pub diner_name: String,
    pub month: Month,
    pub kind: LineKind,
    /// Of a month's part: its first day.
    #[schema(example = json!(["2026-10-05", "2026-10-06"]))]
    pub days: Vec<NaiveDate>,
    /// Negative: taken back.
    #[schema(example = 16)]
    pub meals: i32,
    #[schema(example = 280)]
    pub unit_cents: Cents,
    #[schema(example = 4_480)]
    pub amount_cents: Cents,
    /// How the price came about, without the figures of tax notices.
    #[schema(example = json!(["Prix du repas : 0,0035 × 800,00 € = 2,80 €."]))]
    pub explanation: Vec<String>,
    /// The number of the bill that this line completes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "92-2026-000098")]
    pub completes: Option<String>,
}

impl From<Line> for BillLineView {
    fn from(Line { row, explanation, origin }: Line) -> Self {
        Self {
            diner_id: row.person_id,
            diner_name: row.diner_name,
            month: row.month,
            kind: row.kind,
            days: row.days,
            meals: row.meals,
            unit_cents: row.unit,
            amount_cents: row.amount,
            explanation,
            completes: origin,
        }
    }
}

/// A bill or a credit note.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillView {
    #[serde(flatten)]
    pub head: BillHeadView,
    /// The payer's account before it, after what was issued with it and comes first: negative in his favour.
    #[schema(example = 0)]
    pub balance_before_cents: Cents,
    pub lines: Vec<BillLineView>,
}

/// A printed bill.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct BillFile(#[expect(dead_code, reason = "only described")] Vec<u8>);

/// Which bills, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct BillQuery {
    /// Those of a family's file, or of an adult.
    #[param(value_type = Option<uuid::Uuid>, example = "0199a8f0-7c3e-7bbd-8000-000000000001")]
    pub payer_id: Option<PayerId>,
    /// Those of one run.
    #[param(value_type = Option<uuid::Uuid>, example = "0199a8f0-7c3e-7bbd-8000-000000000002")]
    pub run_id: Option<BillRunId>,
    #[param(inline, example = "bill")]
    pub kind: Option<BillKind>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// List bills and credit notes, newest first.
///
/// A guardian sees those of his files.
#[utoipa::path(tag = "canteen", params(BillQuery), responses((status = 200, body = Page<BillHeadView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/bills")]
pub async fn list_bills(
    by: By<BillReader>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<BillQuery>,
) -> Result<Found<Page<BillHeadView>>, Error> {
    let BillQuery { payer_id, run_id, kind, cursor, limit } = query.into_inner();
    let (filter, query) = (Filter { payer: payer_id, run: run_id, kind }, PageQuery { cursor, limit });
    let list = move |tx: &mut Tx<'_>| bills::list_bills(tx, &filter, &query);
    let department = path.0;
    Ok(Found(app.db.read(department, &by.caller, list).await?.map(|head| BillHeadView::new(head, department))))
}

/// An agent's reading is written in the journal; a payer reads his own.
async fn bill(by: &By<BillReader>, app: &App, department: Department, id: BillId) -> Result<Bill, Error> {
    let journalled = by.is_agent;
    let show = move |tx: &mut Tx<'_>| bills::show_bill(tx, id, journalled);
    app.db.write(department, &by.caller, show).await
}

/// Show a bill with its lines, and why they cost what they cost.
///
/// An agent's reading is journalled.
#[utoipa::path(tag = "canteen", responses((status = 200, body = BillView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/bills/{bill}")]
pub async fn show_bill(
    by: By<BillReader>,
    app: web::Data<App>,
    path: web::Path<(Department, BillId)>,
) -> Result<Found<BillView>, Error> {
    let (department, id) = path.into_inner();
    let Bill { row, left, lines, .. } = bill(&by, &app, department, id).await?;
    Ok(Found(BillView {
        balance_before_cents: row.balance_before,
        head: BillHeadView::new(Head { row, left }, department),
        lines: lines.into_iter().map(BillLineView::from).collect(),
    }))
}

/// Get a bill as a document.
///
/// The same each time, readable aloud. An agent's reading is journalled.
#[utoipa::path(tag = "canteen", responses((status = 200, body = BillFile, content_type = "application/pdf")), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/bills/{bill}/document.pdf")]
pub async fn print_bill(
    by: By<BillReader>,
    app: web::Data<App>,
    path: web::Path<(Department, BillId)>,
) -> Result<Attachment, Error> {
    let (department, id) = path.into_inner();
    let bill = bill(&by, &app, department, id).await?;
    let called = app.departments.get(&department).cloned().unwrap_or_else(|| department.to_string());
    let name = format!("{}.pdf", bill.title().to_lowercase().replace(" n° ", "-"));
    let bytes = app.pictures.run(move || bill.pdf(&called)).await??;
    Ok(Attachment { media: paper::MEDIA_TYPE, name, bytes })
}

//! Runs, as agents of finance make and issue them.

use super::{DifferenceRow, DraftRow, DraftedRow, Run, RunRow, RunState, Seen};
use crate::{
    app::App,
    auth::actor::{BillDesk, By, Finance},
    billing::runs,
    db::Tx,
    error::Error,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::{AccountId, BillId, BillRunId, CanteenAdultId, FamilyId},
        money::Cents,
        month::Month,
        text::Uai,
    },
};
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// From the issue to the day on which a bill is due, unless the run says otherwise.
const DUE_DAYS: i16 = 30;
const DUE_DAYS_RANGE: std::ops::RangeInclusive<i16> = 15..=90;

/// The month to bill.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BeginBillRun {
    pub month: Month,
    /// Days from the issue to the day on which bills are due: 15 to 90; 30 when absent.
    #[schema(example = 30, minimum = 15, maximum = 90)]
    pub due_days: Option<i16>,
}

/// What a draft comes to.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillDraftView {
    #[schema(example = 2)]
    pub draft_no: i32,
    #[schema(example = 24_812)]
    pub bills: i64,
    #[schema(example = 138_204_150)]
    pub bills_cents: Cents,
    #[schema(example = 31)]
    pub credit_notes: i64,
    /// Zero or less.
    #[schema(example = -41_230)]
    pub credits_cents: Cents,
    /// Meals without a rate, a grid or a payer: none may be left when the draft is checked.
    #[schema(example = 0)]
    pub unpriced_meals: i64,
    /// Of all its lines: what is checked and issued is named by it.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub digest: String,
    pub drafted_by: AccountId,
    #[schema(example = "2026-11-04T09:00:00Z")]
    pub drafted_at: DateTime<Utc>,
}

impl From<DraftRow> for BillDraftView {
    fn from(row: DraftRow) -> Self {
        Self {
            draft_no: row.draft_no,
            bills: row.bills,
            bills_cents: row.billed,
            credit_notes: row.credit_notes,
            credits_cents: row.credited,
            unpriced_meals: row.unpriced,
            digest: HEXLOWER.encode(&row.digest),
            drafted_by: row.drafted_by,
            drafted_at: row.drafted_at,
        }
    }
}

/// Where a run stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillRunHeadView {
    pub id: BillRunId,
    pub month: Month,
    pub state: RunState,
    #[schema(example = 30)]
    pub due_days: i16,
    pub begun_by: AccountId,
    #[schema(example = "2026-11-04T09:00:00Z")]
    pub begun_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_by: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-04T10:00:00Z")]
    pub checked_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_by: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-04T11:00:00Z")]
    pub issued_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abandoned_by: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-04T11:00:00Z")]
    pub abandoned_at: Option<DateTime<Utc>>,
}

impl From<RunRow> for BillRunHeadView {
    fn from(row: RunRow) -> Self {
        Self {
            id: row.id,
            month: row.month,
            state: row.state,
            due_days: row.due_days,
            begun_by: row.begun_by,
            begun_at: row.begun_at,
            checked_by: row.checked_by,
            checked_at: row.checked_at,
            issued_by: row.issued_by,
            issued_at: row.issued_at,
            abandoned_by: row.abandoned_by,
            abandoned_at: row.abandoned_at,
        }
    }
}

/// A run with its present draft and the one before.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillRunView {
    #[serde(flatten)]
    pub head: BillRunHeadView,
    pub draft: BillDraftView,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft_before: Option<BillDraftView>,
    /// Collèges that served in the month and were not locked when the present draft was made: it does not bill them. Absent of a draft made
    /// before this was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<Vec<Uai>>,
}

impl From<Run> for BillRunView {
    fn from(Run { row, draft, before }: Run) -> Self {
        let left_out = draft.left_out.clone();
        Self { head: row.into(), draft: draft.into(), draft_before: before.map(BillDraftView::from), left_out }
    }
}

/// Begin the run of a month, with its first draft.
///
/// It takes every locked month until then that was not billed, and what changed of those that were. One run at a time.
#[utoipa::path(tag = "canteen", request_body = BeginBillRun, responses((status = 201, body = BillRunView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/bill-runs")]
pub async fn begin_bill_run(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<BeginBillRun>,
) -> Result<Created<BillRunView>, Error> {
    let (account, month, due_days) = (by.account, body.month, body.due_days.unwrap_or(DUE_DAYS));
    if !DUE_DAYS_RANGE.contains(&due_days) {
        return Err(Error::field("/due_days", "15 à 90 jours sont attendus"));
    }
    let begin = move |tx: &mut Tx<'_>| runs::begin_bill_run(tx, account, month, due_days);
    Ok(Created(app.db.write(path.0, &by.caller, begin).await?.into()))
}

/// List the runs of the department, newest first.
#[utoipa::path(tag = "canteen", params(PageQuery), responses((status = 200, body = Page<BillRunHeadView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/bill-runs")]
pub async fn list_bill_runs(
    by: By<BillDesk>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<BillRunHeadView>>, Error> {
    let list = move |tx: &mut Tx<'_>| runs::list_bill_runs(tx, &query);
    Ok(Found(app.db.read(path.0, &by.caller, list).await?.map(BillRunHeadView::from)))
}

/// Show one run.
#[utoipa::path(tag = "canteen", responses((status = 200, body = BillRunView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/bill-runs/{run}")]
pub async fn show_bill_run(
    by: By<BillDesk>,
    app: web::Data<App>,
    path: web::Path<(Department, BillRunId)>,
) -> Result<Found<BillRunView>, Error> {
    let (department, id) = path.into_inner();
    Ok(Found(app.db.read(department, &by.caller, move |tx| runs::show_bill_run(tx, id)).await?.into()))
}

/// Make the draft again.
///
/// What it changes is listed; what was checked is to be checked again.
#[utoipa::path(tag = "canteen", responses((status = 200, body = BillRunView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/bill-runs/{run}/draft")]
pub async fn redraft_bill_run(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, BillRunId)>,
) -> Result<Found<BillRunView>, Error> {
    let ((department, id), account) = (path.into_inner(), by.account);
    let redraft = move |tx: &mut Tx<'_>| runs::redraft_bill_run(tx, account, id);
    Ok(Found(app.db.write(department, &by.caller, redraft).await?.into()))
}

/// A payer whom two drafts treat differently.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillDifferenceView {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub family_id: Option<FamilyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub adult_id: Option<CanteenAdultId>,
    /// By the draft before.
    #[schema(example = 5_600)]
    pub before_cents: Cents,
    /// By the present one.
    #[schema(example = 5_320)]
    pub now_cents: Cents,
}

impl From<DifferenceRow> for BillDifferenceView {
    fn from(row: DifferenceRow) -> Self {
        let DifferenceRow { family_id, adult_id, before, now, .. } = row;
        Self { family_id, adult_id, before_cents: before, now_cents: now }
    }
}

/// List the payers who would be billed otherwise than by the draft before.
#[utoipa::path(tag = "canteen", params(PageQuery), responses((status = 200, body = Page<BillDifferenceView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/bill-runs/{run}/differences")]
pub async fn list_differences(
    by: By<BillDesk>,
    app: web::Data<App>,
    path: web::Path<(Department, BillRunId)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<BillDifferenceView>>, Error> {
    let (department, id) = path.into_inner();
    let list = move |tx: &mut Tx<'_>| runs::list_differences(tx, id, &query);
    Ok(Found(app.db.read(department, &by.caller, list).await?.map(BillDifferenceView::from)))
}

/// A document that a draft would issue.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftedBillView {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub family_id: Option<FamilyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub adult_id: Option<CanteenAdultId>,
    /// The bill that it would correct: a credit note.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub corrects: Option<BillId>,
    #[schema(example = 16)]
    pub meals: i64,
    #[schema(example = 4_480)]
    pub total_cents: Cents,
}

impl From<DraftedRow> for DraftedBillView {
    fn from(row: DraftedRow) -> Self {
        let DraftedRow { family_id, adult_id, corrects, meals, total, .. } = row;
        Self { family_id, adult_id, corrects, meals, total_cents: total }
    }
}

/// List what the draft would issue.
#[utoipa::path(tag = "canteen", params(PageQuery), responses((status = 200, body = Page<DraftedBillView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/bill-runs/{run}/drafted")]
pub async fn list_drafted_bills(
    by: By<BillDesk>,
    app: web::Data<App>,
    path: web::Path<(Department, BillRunId)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<DraftedBillView>>, Error> {
    let (department, id) = path.into_inner();
    let list = move |tx: &mut Tx<'_>| runs::list_drafted_bills(tx, id, &query);
    Ok(Found(app.db.read(department, &by.caller, list).await?.map(DraftedBillView::from)))
}

/// The draft that is right.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckBillRun {
    /// As the draft shows it.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", max_length = 64)]
    pub digest: String,
}

/// What no draft has is no digest: it is told like another one's.
fn digest(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap_or_default()
}

/// Say that the draft is right.
///
/// Another person issues it. Asks for a recent second factor.
#[utoipa::path(tag = "canteen", request_body = CheckBillRun, responses((status = 200, body = BillRunView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/bill-runs/{run}/check")]
pub async fn check_bill_run(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, BillRunId)>,
    body: Body<CheckBillRun>,
) -> Result<Found<BillRunView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let ((department, id), account, digest) = (path.into_inner(), by.account, digest(&body.digest));
    let check = move |tx: &mut Tx<'_>| runs::check_bill_run(tx, account, id, &digest);
    Ok(Found(app.db.write(department, &by.caller, check).await?.into()))
}

/// What the issuer read of the checked draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueBillRun {
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", max_length = 64)]
    pub digest: String,
    /// Bills and credit notes.
    #[schema(example = 24_843)]
    pub documents: i64,
    /// What is billed less what is credited.
    #[schema(example = 138_162_920)]
    pub total_cents: Cents,
}

/// Issue what another person checked.
///
/// Every bill gets its number, and every payer a word. Asks for a recent second factor.
#[utoipa::path(tag = "canteen", request_body = IssueBillRun, responses((status = 200, body = BillRunView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/bill-runs/{run}/issue")]
pub async fn issue_bill_run(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, BillRunId)>,
    body: Body<IssueBillRun>,
) -> Result<Found<BillRunView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let ((department, id), account) = (path.into_inner(), by.account);
    let seen = Seen { digest: digest(&body.digest), documents: body.documents, total: body.total_cents };
    let issue = move |tx: &mut Tx<'_>| runs::issue_bill_run(tx, account, id, &seen);
    Ok(Found(app.db.write(department, &by.caller, issue).await?.into()))
}

/// Give up a run that was not issued.
#[utoipa::path(tag = "canteen", responses((status = 200, body = BillRunView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/bill-runs/{run}/abandon")]
pub async fn abandon_bill_run(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, BillRunId)>,
) -> Result<Found<BillRunView>, Error> {
    let ((department, id), account) = (path.into_inner(), by.account);
    let abandon = move |tx: &mut Tx<'_>| runs::abandon_bill_run(tx, account, id);
    Ok(Found(app.db.write(department, &by.caller, abandon).await?.into()))
}

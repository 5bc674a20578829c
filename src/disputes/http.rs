//! Disputes, as families open them and agents decide them.

use super::{Decided, DisputeReason, DisputeRow, DisputeState, Instructed};
use crate::{
    app::App,
    auth::actor::{By, Corrector, Guardian},
    db::Tx,
    disputes,
    error::Error,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::{AccountId, CorrectionId, DisputeId, FamilyId, MerchantId, TransferId, WalletId},
        text::Note,
    },
    ledger::desk::view::DeskMovementView,
};
use actix_web::{get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Why a debit is contested.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenDispute {
    pub reason: DisputeReason,
    pub note: Option<Note>,
}

/// A debit that its family contests.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisputeView {
    pub id: DisputeId,
    pub transfer_id: TransferId,
    pub state: DisputeState,
    pub reason: DisputeReason,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    #[schema(example = "2026-10-15T09:30:00Z")]
    pub opened_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-20T14:00:00Z")]
    pub decided_at: Option<DateTime<Utc>>,
    /// What the agent answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_note: Option<Note>,
    /// The movement that gave the money back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reversal_id: Option<TransferId>,
}

impl From<DisputeRow> for DisputeView {
    fn from(row: DisputeRow) -> Self {
        Self {
            id: row.id,
            transfer_id: row.transfer_id,
            state: row.state,
            reason: row.reason,
            note: row.note,
            opened_at: row.opened_at,
            decided_at: row.decided_at,
            decision_note: row.decision_note,
            reversal_id: row.reversal_id,
        }
    }
}

/// A dispute as agents instruct it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeskDisputeView {
    pub id: DisputeId,
    pub transfer_id: TransferId,
    pub family_id: FamilyId,
    /// The debit that is contested.
    pub debit: DeskMovementView,
    /// The family's last day to contest it.
    #[schema(example = "2026-11-11")]
    pub last_day_to_contest: NaiveDate,
    /// Days until then: zero that day and ever after.
    #[schema(example = 27)]
    pub days_left: i64,
    pub merchant_id: MerchantId,
    pub state: DisputeState,
    pub reason: DisputeReason,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    #[schema(example = "2026-10-15T09:30:00Z")]
    pub opened_at: DateTime<Utc>,
    /// Still open, it waits for a second person to decide this correction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correction_id: Option<CorrectionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-20T14:00:00Z")]
    pub decided_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_note: Option<Note>,
    /// The movement that gave the money back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reversal_id: Option<TransferId>,
}

impl From<Instructed> for DeskDisputeView {
    fn from(Instructed { decided: Decided { dispute: row, awaits }, debit, last_day, days_left }: Instructed) -> Self {
        Self {
            debit: debit.into(),
            last_day_to_contest: last_day,
            days_left,
            id: row.id,
            transfer_id: row.transfer_id,
            family_id: row.family_id,
            merchant_id: row.merchant_id,
            state: row.state,
            reason: row.reason,
            note: row.note,
            opened_at: row.opened_at,
            correction_id: awaits,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            decision_note: row.decision_note,
            reversal_id: row.reversal_id,
        }
    }
}

/// Contest a debit of my child's wallet.
///
/// Asks for full rights. Once a debit, within the days that the department's rules give; while it is open the merchant is not paid for it.
#[utoipa::path(tag = "wallets", request_body = OpenDispute, responses((status = 201, body = DisputeView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/wallets/{wallet}/debits/{transfer}/disputes")]
pub async fn open_dispute(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, WalletId, TransferId)>,
    body: Body<OpenDispute>,
) -> Result<Created<DisputeView>, Error> {
    let ((department, wallet, transfer), account) = (path.into_inner(), by.account);
    let OpenDispute { reason, note } = body.0;
    let open = move |tx: &mut Tx<'_>| disputes::open_dispute(tx, account, (wallet, transfer), reason, note.clone());
    Ok(Created(app.db.write(department, &by.caller, open).await?.into()))
}

/// List what was contested on my child's wallet, newest first.
#[utoipa::path(tag = "wallets", params(PageQuery), responses((status = 200, body = Page<DisputeView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/wallets/{wallet}/disputes")]
pub async fn list_own_disputes(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, WalletId)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<DisputeView>>, Error> {
    let ((department, wallet), query) = (path.into_inner(), query.into_inner());
    let list = move |tx: &mut Tx<'_>| disputes::list_own_disputes(tx, wallet, &query);
    Ok(Found(app.db.read(department, &by.caller, list).await?.map(DisputeView::from)))
}

/// Which disputes, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DisputeQuery {
    /// Those in that state only.
    #[param(inline, example = "open")]
    pub state: Option<DisputeState>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// List the disputes of the department, oldest first, with the debits they are about.
///
/// Each reading is written in the journal.
#[utoipa::path(tag = "ledger", params(DisputeQuery), responses((status = 200, body = Page<DeskDisputeView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/disputes")]
pub async fn list_disputes(
    by: By<Corrector>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<DisputeQuery>,
) -> Result<Found<Page<DeskDisputeView>>, Error> {
    let DisputeQuery { state, cursor, limit } = query.into_inner();
    let query = PageQuery { cursor, limit };
    let list = move |tx: &mut Tx<'_>| disputes::list_disputes(tx, state, &query);
    Ok(Found(app.db.write(path.0, &by.caller, list).await?.map(DeskDisputeView::from)))
}

/// Decides, and answers with the debit that it is about.
async fn decide(
    app: &App,
    by: &By<Corrector>,
    department: Department,
    decide: impl Fn(&mut Tx<'_>) -> Result<Decided, Error> + Send + 'static,
) -> Result<Found<DeskDisputeView>, Error> {
    let both = move |tx: &mut Tx<'_>| {
        let decided = decide(tx)?;
        disputes::instruct(tx, vec![decided])?.pop().ok_or_else(|| Error::internal("a decided dispute is gone"))
    };
    Ok(Found(app.db.write(department, &by.caller, both).await?.into()))
}

/// A word to the family with a dispute upheld.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpholdDispute {
    pub note: Option<Note>,
}

/// Give the family right.
///
/// What was not refunded meanwhile comes back to the wallet. Above the threshold of the rules it waits for another person to approve the
/// correction, and the dispute stays open until then.
#[utoipa::path(tag = "ledger", request_body = UpholdDispute, responses((status = 200, body = DeskDisputeView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/disputes/{dispute}/uphold")]
pub async fn uphold_dispute(
    by: By<Corrector>,
    app: web::Data<App>,
    path: web::Path<(Department, DisputeId)>,
    body: Body<UpholdDispute>,
) -> Result<Found<DeskDisputeView>, Error> {
    let ((department, id), account, note) = (path.into_inner(), by.account, body.0.note);
    let uphold = move |tx: &mut Tx<'_>| disputes::uphold(tx, account, id, note.as_ref());
    decide(&app, &by, department, uphold).await
}

/// Why a debit stands.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectDispute {
    /// Told to the family.
    pub note: Note,
}

/// Let a contested debit stand.
#[utoipa::path(tag = "ledger", request_body = RejectDispute, responses((status = 200, body = DeskDisputeView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/disputes/{dispute}/reject")]
pub async fn reject_dispute(
    by: By<Corrector>,
    app: web::Data<App>,
    path: web::Path<(Department, DisputeId)>,
    body: Body<RejectDispute>,
) -> Result<Found<DeskDisputeView>, Error> {
    let ((department, id), account, note) = (path.into_inner(), by.account, body.0.note);
    let reject = move |tx: &mut Tx<'_>| {
        let dispute = disputes::reject(tx, account, id, &note)?;
        Ok(Decided { dispute, awaits: None })
    };
    decide(&app, &by, department, reject).await
}

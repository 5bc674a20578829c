//! Corrections, as the department's agents make and decide them.

use super::{CorrectionReason, CorrectionRow, CorrectionState, Proposal};
use crate::{
    app::App,
    auth::actor::{By, Corrector},
    corrections,
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
        ids::{AccountId, CorrectionId, TransferId},
        money::Amount,
        text::Note,
    },
};
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What to undo of a movement.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposeCorrection {
    pub transfer_id: TransferId,
    pub amount_cents: Amount,
    /// Not `dispute`: a dispute is decided where it stands.
    pub reason: CorrectionReason,
    /// For the department alone.
    pub note: Option<Note>,
}

/// A correction of a movement.
#[derive(Debug, Serialize, ToSchema)]
pub struct CorrectionView {
    pub id: CorrectionId,
    pub transfer_id: TransferId,
    #[schema(example = 1250)]
    pub amount_cents: i64,
    pub reason: CorrectionReason,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    /// Whether the rules of its day asked for a second person.
    #[schema(example = false)]
    pub two_persons: bool,
    pub state: CorrectionState,
    pub proposed_by: AccountId,
    #[schema(example = "2026-10-15T09:30:00Z")]
    pub proposed_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-15T11:00:00Z")]
    pub decided_at: Option<DateTime<Utc>>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_note: Option<Note>,
    /// The movement that undid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reversal_id: Option<TransferId>,
}

impl From<CorrectionRow> for CorrectionView {
    fn from(row: CorrectionRow) -> Self {
        Self {
            id: row.id,
            transfer_id: row.transfer_id,
            amount_cents: row.amount.get(),
            reason: row.reason,
            note: row.note,
            two_persons: row.two_persons,
            state: row.state,
            proposed_by: row.proposed_by,
            proposed_at: row.proposed_at,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            decision_note: row.decision_note,
            reversal_id: row.reversal_id,
        }
    }
}

/// Undo all or part of a movement.
///
/// Up to the threshold of the rules it is done at once; above, it waits for another person. The family is told when it is done. Sent again
/// under its key it answers the same correction, as it stands now.
#[utoipa::path(tag = "ledger", params(IdempotencyKey), request_body = ProposeCorrection, responses((status = 201, body = CorrectionView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/corrections")]
pub async fn propose_correction(
    by: By<Corrector>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    key: IdempotencyKey,
    body: Body<ProposeCorrection>,
) -> Result<Moved<CorrectionView>, Error> {
    let wanted = body.0;
    if wanted.reason == CorrectionReason::Dispute {
        return Err(Error::field("/reason", "une contestation se décide à son adresse"));
    }
    let proposal = Proposal {
        key: key.0,
        fingerprint: idempotency::fingerprint("propose_correction", &wanted.transfer_id.to_string(), &wanted)?,
        transfer: wanted.transfer_id,
        amount: wanted.amount_cents.cents(),
        reason: wanted.reason,
        note: wanted.note,
    };
    let account = by.account;
    let propose = move |tx: &mut Tx<'_>| corrections::propose(tx, account, &proposal);
    let (row, replayed) = app.db.write(path.0, &by.caller, propose).await?;
    Ok(Moved { view: row.into(), replayed })
}

/// Approve a correction that another person proposed, and by that make it.
///
/// With a second factor shown within five minutes.
#[utoipa::path(tag = "ledger", responses((status = 200, body = CorrectionView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/corrections/{correction}/approve")]
pub async fn approve_correction(
    by: By<Corrector>,
    app: web::Data<App>,
    path: web::Path<(Department, CorrectionId)>,
) -> Result<Found<CorrectionView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let ((department, id), account) = (path.into_inner(), by.account);
    let approve = move |tx: &mut Tx<'_>| corrections::approve(tx, account, id);
    Ok(Found(app.db.write(department, &by.caller, approve).await?.into()))
}

/// Why a proposed correction is not made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefuseCorrection {
    pub note: Note,
}

/// Refuse a proposed correction, or withdraw one's own.
///
/// With a second factor shown within five minutes.
#[utoipa::path(tag = "ledger", request_body = RefuseCorrection, responses((status = 200, body = CorrectionView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/corrections/{correction}/refuse")]
pub async fn refuse_correction(
    by: By<Corrector>,
    app: web::Data<App>,
    path: web::Path<(Department, CorrectionId)>,
    body: Body<RefuseCorrection>,
) -> Result<Found<CorrectionView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let ((department, id), account, note) = (path.into_inner(), by.account, body.0.note);
    let refuse = move |tx: &mut Tx<'_>| corrections::refuse(tx, account, id, &note);
    Ok(Found(app.db.write(department, &by.caller, refuse).await?.into()))
}

/// Which corrections, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CorrectionQuery {
    /// Those in that state only.
    #[param(inline, example = "proposed")]
    pub state: Option<CorrectionState>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// List the corrections of the department, newest first.
#[utoipa::path(tag = "ledger", params(CorrectionQuery), responses((status = 200, body = Page<CorrectionView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/corrections")]
pub async fn list_corrections(
    by: By<Corrector>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<CorrectionQuery>,
) -> Result<Found<Page<CorrectionView>>, Error> {
    let CorrectionQuery { state, cursor, limit } = query.into_inner();
    let query = PageQuery { cursor, limit };
    let list = move |tx: &mut Tx<'_>| corrections::list_corrections(tx, state, &query);
    Ok(Found(app.db.read(path.0, &by.caller, list).await?.map(CorrectionView::from)))
}

/// Show one correction.
#[utoipa::path(tag = "ledger", responses((status = 200, body = CorrectionView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/corrections/{correction}")]
pub async fn show_correction(
    by: By<Corrector>,
    app: web::Data<App>,
    path: web::Path<(Department, CorrectionId)>,
) -> Result<Found<CorrectionView>, Error> {
    let (department, id) = path.into_inner();
    Ok(Found(app.db.read(department, &by.caller, move |tx| corrections::correction(tx, id)).await?.into()))
}

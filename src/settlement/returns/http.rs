//! Money that came back, as two agents of finance record it.

use super::{ReturnRow, ReturnState};
use crate::{
    app::App,
    auth::actor::{By, Finance},
    db::Tx,
    error::Error,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::{AccountId, PayoutId, PayoutReturnId},
        text::ReasonCode,
    },
    settlement::returns,
};
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Why the money came back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposePayoutReturn {
    /// The bank's code, of four characters.
    pub reason_code: ReasonCode,
}

/// Money that came back after the bank had paid it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PayoutReturnView {
    pub id: PayoutReturnId,
    pub payout_id: PayoutId,
    #[schema(example = "AC04")]
    pub reason_code: String,
    pub state: ReturnState,
    pub proposed_by: AccountId,
    #[schema(example = "2026-10-20T08:00:00Z")]
    pub proposed_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub decided_by: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-20T09:30:00Z")]
    pub decided_at: Option<DateTime<Utc>>,
}

impl From<ReturnRow> for PayoutReturnView {
    fn from(row: ReturnRow) -> Self {
        Self {
            id: row.id,
            payout_id: row.payout_id,
            reason_code: row.reason_code,
            state: row.state,
            proposed_by: row.proposed_by,
            proposed_at: row.proposed_at,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
        }
    }
}

/// Which returns, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PayoutReturnQuery {
    /// In that state only.
    #[param(value_type = Option<String>, example = "proposed")]
    pub state: Option<ReturnState>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// Say that the money of a paid payout came back.
///
/// A SEPA return, which the bank tells by the account's statement. Nothing changes until another person confirms it. Asks for a recent
/// second factor.
#[utoipa::path(tag = "settlement", request_body = ProposePayoutReturn, responses((status = 201, body = PayoutReturnView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/payouts/{payout}/returns")]
pub async fn propose_payout_return(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, PayoutId)>,
    body: Body<ProposePayoutReturn>,
) -> Result<Created<PayoutReturnView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let (account, (department, payout), reason) = (by.account, path.into_inner(), body.0.reason_code);
    let propose = move |tx: &mut Tx<'_>| returns::propose_return(tx, payout, &reason, account);
    Ok(Created(app.db.write(department, &by.caller, propose).await?.into()))
}

/// List the returns of funds, oldest first.
#[utoipa::path(tag = "settlement", params(PayoutReturnQuery), responses((status = 200, body = Page<PayoutReturnView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/payout-returns")]
pub async fn list_payout_returns(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<PayoutReturnQuery>,
) -> Result<Found<Page<PayoutReturnView>>, Error> {
    let PayoutReturnQuery { state, cursor, limit } = query.into_inner();
    let query = PageQuery { cursor, limit };
    let list = move |tx: &mut Tx<'_>| returns::list_returns(tx, state, &query);
    Ok(Found(app.db.read(path.0, &by.caller, list).await?.map(PayoutReturnView::from)))
}

/// Confirm a return that another person stated.
///
/// The payout is rejected and its sum due again. Asks for a recent second factor.
#[utoipa::path(tag = "settlement", responses((status = 200, body = PayoutReturnView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/payout-returns/{payout_return}/approve")]
pub async fn approve_payout_return(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, PayoutReturnId)>,
) -> Result<Found<PayoutReturnView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let (account, (department, id)) = (by.account, path.into_inner());
    let approve = move |tx: &mut Tx<'_>| returns::approve_return(tx, id, account);
    Ok(Found(app.db.write(department, &by.caller, approve).await?.into()))
}

/// Refuse a stated return, or withdraw one's own.
#[utoipa::path(tag = "settlement", responses((status = 200, body = PayoutReturnView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/payout-returns/{payout_return}/refuse")]
pub async fn refuse_payout_return(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, PayoutReturnId)>,
) -> Result<Found<PayoutReturnView>, Error> {
    let (account, (department, id)) = (by.account, path.into_inner());
    let refuse = move |tx: &mut Tx<'_>| returns::refuse_return(tx, id, account);
    Ok(Found(app.db.write(department, &by.caller, refuse).await?.into()))
}

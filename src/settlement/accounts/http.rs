//! What agents do with bank accounts. No answer holds more of a number than its last four characters.

use super::{AccountRow, AccountState, Compared, Decider, iban::Iban};
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
        ids::{AccountId, BankAccountId, MerchantId},
        text::HolderName,
    },
    settlement::accounts,
};
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An account to pay to, or to pay from.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposeBankAccount {
    /// Absent for the department's own account, which administrators alone propose and approve.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub merchant_id: Option<MerchantId>,
    pub holder_name: HolderName,
    pub iban: Iban,
}

/// A bank account, without its number.
#[derive(Debug, Serialize, ToSchema)]
pub struct BankAccountView {
    pub id: BankAccountId,
    /// Absent for the department's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub merchant_id: Option<MerchantId>,
    #[schema(example = "Club nautique de Nanterre")]
    pub holder_name: String,
    #[schema(example = "0189")]
    pub iban_last4: String,
    pub state: AccountState,
    pub proposed_by: AccountId,
    #[schema(example = "2026-10-02T08:00:00Z")]
    pub proposed_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub decided_by: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-02T09:30:00Z")]
    pub decided_at: Option<DateTime<Utc>>,
    /// From when payments go there, once approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-05T09:30:00Z")]
    pub effective_from: Option<DateTime<Utc>>,
    /// Accounts of others, proposed or approved, with the same number: to be looked at before approving.
    pub also_used_by: Vec<AlsoUsedBy>,
}

/// Another's account with the same number.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlsoUsedBy {
    pub bank_account_id: BankAccountId,
    /// Absent for the department's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub merchant_id: Option<MerchantId>,
    #[schema(example = "Mairie de Nanterre")]
    pub holder_name: String,
}

impl From<AccountRow> for AlsoUsedBy {
    fn from(row: AccountRow) -> Self {
        Self { bank_account_id: row.id, merchant_id: row.merchant_id, holder_name: row.holder_name }
    }
}

impl From<Compared> for BankAccountView {
    fn from(Compared { account: row, also_used_by }: Compared) -> Self {
        Self {
            id: row.id,
            merchant_id: row.merchant_id,
            holder_name: row.holder_name,
            iban_last4: row.iban_last4,
            state: row.state,
            proposed_by: row.proposed_by,
            proposed_at: row.proposed_at,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            effective_from: row.effective_from,
            also_used_by: also_used_by.into_iter().map(AlsoUsedBy::from).collect(),
        }
    }
}

/// Whose accounts, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct BankAccountQuery {
    /// A merchant's accounts; the department's own when absent.
    #[param(value_type = Option<uuid::Uuid>, example = "0199a8f0-7c3e-7bbd-8000-000000000001")]
    pub merchant_id: Option<MerchantId>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

fn decider(by: &By<Finance>) -> Decider {
    Decider { account: by.account, function: by.function }
}

/// Propose a bank account.
///
/// Of a merchant that has, or had, a convention with the department; or the department's own. One proposal at a time. Asks for a recent
/// second factor.
#[utoipa::path(tag = "settlement", request_body = ProposeBankAccount, responses((status = 201, body = BankAccountView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/bank-accounts")]
pub async fn propose_bank_account(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<ProposeBankAccount>,
) -> Result<Created<BankAccountView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let (decider, ProposeBankAccount { merchant_id, holder_name, iban }) = (decider(&by), body.0);
    let propose = move |tx: &mut Tx<'_>| accounts::propose_bank_account(tx, merchant_id, &holder_name, &iban, decider);
    Ok(Created(app.db.write(path.0, &by.caller, propose).await?.into()))
}

/// List the bank accounts of a merchant, or the department's own.
///
/// Past and refused ones too, in the order of their proposal.
#[utoipa::path(tag = "settlement", params(BankAccountQuery), responses((status = 200, body = Page<BankAccountView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/bank-accounts")]
pub async fn list_bank_accounts(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<BankAccountQuery>,
) -> Result<Found<Page<BankAccountView>>, Error> {
    let BankAccountQuery { merchant_id, cursor, limit } = query.into_inner();
    let query = PageQuery { cursor, limit };
    let list = move |tx: &mut Tx<'_>| accounts::list_bank_accounts(tx, merchant_id, &query);
    Ok(Found(app.db.read(path.0, &by.caller, list).await?.map(BankAccountView::from)))
}

/// Approve a bank account that another person proposed.
///
/// Payments go there 72 hours later. Asks for a recent second factor.
#[utoipa::path(tag = "settlement", responses((status = 200, body = BankAccountView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/bank-accounts/{bank_account}/approve")]
pub async fn approve_bank_account(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, BankAccountId)>,
) -> Result<Found<BankAccountView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let (decider, (department, id)) = (decider(&by), path.into_inner());
    let approve = move |tx: &mut Tx<'_>| accounts::approve_bank_account(tx, id, decider);
    Ok(Found(app.db.write(department, &by.caller, approve).await?.into()))
}

/// Refuse a proposed bank account, or withdraw one's own proposal.
#[utoipa::path(tag = "settlement", responses((status = 200, body = BankAccountView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/bank-accounts/{bank_account}/refuse")]
pub async fn refuse_bank_account(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department, BankAccountId)>,
) -> Result<Found<BankAccountView>, Error> {
    let (decider, (department, id)) = (decider(&by), path.into_inner());
    let refuse = move |tx: &mut Tx<'_>| accounts::refuse_bank_account(tx, id, decider);
    Ok(Found(app.db.write(department, &by.caller, refuse).await?.into()))
}

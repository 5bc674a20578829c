//! What a department's agents do with merchants and their conventions.

use crate::{
    app::App,
    auth::actor::{Administrator, Agent, By, Guardian},
    db::{DirectoryTx, Tx},
    error::Error,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::{AffiliationId, MerchantId},
        text::{Label, Siret},
        words::WalletKind,
    },
    merchants::{
        self, AffiliationRow, FirstState, MerchantRow, Terms,
        state::{AffiliationEvent, AffiliationState},
    },
};
use actix_web::{get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An organisation to enter in the directory.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterMerchant {
    pub siret: Siret,
    #[schema(example = "Club nautique de Nanterre")]
    pub name: Label,
}

/// An organisation of the directory.
#[derive(Debug, Serialize, ToSchema)]
pub struct MerchantView {
    pub id: MerchantId,
    pub siret: Siret,
    #[schema(example = "Club nautique de Nanterre")]
    pub name: Label,
    #[schema(example = "2026-06-02T09:15:00Z")]
    pub created_at: DateTime<Utc>,
}

impl From<MerchantRow> for MerchantView {
    fn from(row: MerchantRow) -> Self {
        Self { id: row.id, siret: row.siret, name: row.name, created_at: row.created_at }
    }
}

/// Which organisations, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MerchantQuery {
    /// The organisation with this number only.
    #[param(value_type = Option<String>, min_length = 14, max_length = 14, example = "35600000000048")]
    pub siret: Option<Siret>,
    /// What the name holds, whatever its case and accents.
    #[param(value_type = Option<String>, max_length = 120, example = "sablons")]
    pub q: Option<Label>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// Register a merchant in the directory.
///
/// A merchant is known once, for every department: when its SIRET is there already, look it up and affiliate it.
#[utoipa::path(tag = "merchants", request_body = RegisterMerchant, responses((status = 201, body = MerchantView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/merchants")]
pub async fn register_merchant(
    by: By<Administrator>,
    app: web::Data<App>,
    _path: web::Path<(Department,)>,
    body: Body<RegisterMerchant>,
) -> Result<Created<MerchantView>, Error> {
    let RegisterMerchant { siret, name } = body.0;
    let register = move |tx: &mut DirectoryTx<'_>| merchants::register_merchant(tx, &siret, &name);
    Ok(Created(app.db.directory_write(&by.caller, register).await?.into()))
}

/// List the merchants of the directory.
#[utoipa::path(tag = "merchants", params(MerchantQuery), responses((status = 200, body = Page<MerchantView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/merchants")]
pub async fn list_merchants(
    by: By<Agent>,
    app: web::Data<App>,
    _path: web::Path<(Department,)>,
    query: web::Query<MerchantQuery>,
) -> Result<Found<Page<MerchantView>>, Error> {
    let MerchantQuery { siret, q, cursor, limit } = query.into_inner();
    let query = PageQuery { cursor, limit };
    let list = move |tx: &mut DirectoryTx<'_>| merchants::list_merchants(tx, siret.as_ref(), q.as_ref(), &query);
    Ok(Found(app.db.directory_read(&by.caller, list).await?.map(MerchantView::from)))
}

/// A convention to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AffiliateMerchant {
    pub wallet_kind: WalletKind,
    #[schema(example = "2026-09-01")]
    pub starts_on: NaiveDate,
    /// Last day; open-ended when absent.
    #[schema(example = "2029-08-31")]
    pub ends_on: Option<NaiveDate>,
    /// `active` when absent: in force from its first day.
    pub state: Option<FirstState>,
}

/// A merchant's convention with a department, for one wallet kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct AffiliationView {
    pub id: AffiliationId,
    pub merchant_id: MerchantId,
    /// As it was when the convention was made.
    #[schema(example = "Club nautique de Nanterre")]
    pub merchant_name: Label,
    pub wallet_kind: WalletKind,
    pub state: AffiliationState,
    #[schema(example = "2026-09-01")]
    pub starts_on: NaiveDate,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2029-08-31")]
    pub ends_on: Option<NaiveDate>,
    #[schema(example = "2026-06-02T09:15:00Z")]
    pub created_at: DateTime<Utc>,
    /// Give it back to move the convention.
    #[schema(example = 1)]
    pub version: i32,
}

impl From<AffiliationRow> for AffiliationView {
    fn from(row: AffiliationRow) -> Self {
        Self {
            id: row.id,
            merchant_id: row.merchant_id,
            merchant_name: row.merchant_name,
            wallet_kind: row.wallet_kind,
            state: row.state,
            starts_on: row.starts_on,
            ends_on: row.ends_on,
            created_at: row.created_at,
            version: row.version,
        }
    }
}

/// Affiliate a merchant for one wallet kind.
///
/// One living convention a merchant and wallet kind; another may follow once it is closed.
#[utoipa::path(tag = "merchants", request_body = AffiliateMerchant, responses((status = 201, body = AffiliationView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/merchants/{merchant}/affiliations")]
pub async fn affiliate_merchant(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, MerchantId)>,
    body: Body<AffiliateMerchant>,
) -> Result<Created<AffiliationView>, Error> {
    let (department, merchant) = path.into_inner();
    let AffiliateMerchant { wallet_kind, starts_on, ends_on, state } = body.0;
    let terms = Terms { wallet_kind, starts_on, ends_on, state: state.unwrap_or(FirstState::Active) };
    let merchant = app.db.directory_read(&by.caller, move |tx| merchants::merchant(tx, merchant)).await?;
    let affiliate = move |tx: &mut Tx<'_>| merchants::affiliate_merchant(tx, &merchant, &terms);
    Ok(Created(app.db.write(department, &by.caller, affiliate).await?.into()))
}

/// List a merchant's conventions with the department, closed ones too.
#[utoipa::path(tag = "merchants", params(PageQuery), responses((status = 200, body = Page<AffiliationView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/merchants/{merchant}/affiliations")]
pub async fn list_affiliations(
    by: By<Agent>,
    app: web::Data<App>,
    path: web::Path<(Department, MerchantId)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<AffiliationView>>, Error> {
    let (department, merchant) = path.into_inner();
    let query = query.into_inner();
    let list = move |tx: &mut Tx<'_>| merchants::list_affiliations(tx, merchant, &query);
    Ok(Found(app.db.read(department, &by.caller, list).await?.map(AffiliationView::from)))
}

/// What happens to a convention.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveAffiliation {
    pub event: AffiliationEvent,
    /// The one last read: a convention that changed since is not moved.
    #[schema(example = 1)]
    pub version: i32,
}

/// Move a convention to its next state.
///
/// `applied` → `under_review` → `active` ↔ `suspended`, and `closed` from any of them. A suspended merchant debits nothing, refunds still,
/// and is paid for the past.
#[utoipa::path(tag = "merchants", request_body = MoveAffiliation, responses((status = 200, body = AffiliationView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/affiliations/{affiliation}/transitions")]
pub async fn move_affiliation(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, AffiliationId)>,
    body: Body<MoveAffiliation>,
) -> Result<Found<AffiliationView>, Error> {
    let (department, affiliation) = path.into_inner();
    let MoveAffiliation { event, version } = body.0;
    let step = move |tx: &mut Tx<'_>| merchants::move_affiliation(tx, affiliation, event, version);
    Ok(Found(app.db.write(department, &by.caller, step).await?.into()))
}

/// Which merchants a family looks for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OpenMerchantQuery {
    /// The wallet to pay with.
    #[param(value_type = String, example = "culture")]
    pub wallet_kind: WalletKind,
    /// What the name holds, whatever its case and accents.
    #[param(value_type = Option<String>, max_length = 120, example = "théâtre")]
    pub q: Option<Label>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// A merchant that a family may choose.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenMerchantView {
    pub id: MerchantId,
    #[schema(example = "Club nautique de Nanterre")]
    pub name: Label,
}

/// List the merchants that accept a wallet today.
#[utoipa::path(tag = "tickets", params(OpenMerchantQuery), responses((status = 200, body = Page<OpenMerchantView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/merchants-open")]
pub async fn list_open_merchants(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<OpenMerchantQuery>,
) -> Result<Found<Page<OpenMerchantView>>, Error> {
    let OpenMerchantQuery { wallet_kind, q, cursor, limit } = query.into_inner();
    let query = PageQuery { cursor, limit };
    let list = move |tx: &mut Tx<'_>| merchants::list_open_merchants(tx, wallet_kind, q.as_ref(), &query);
    let page = app.db.read(path.0, &by.caller, list).await?;
    Ok(Found(page.map(|(id, name)| OpenMerchantView { id, name })))
}

//! What agents read of money. Each reading is written in the journal.

use super::{Search, view::DeskMovementView};
use crate::{
    app::App,
    auth::actor::{By, Corrector},
    db::Tx,
    error::Error,
    http::{
        page::{Page, PageQuery},
        reply::Found,
    },
    kernel::{
        department::Department,
        ids::{ChildId, MerchantId, TransferId, WalletId},
        money::Cents,
    },
    ledger::{
        desk,
        http::{StatementLineView, WalletView},
        refusals::http::RefusedPaymentView,
        tickets::http::TicketView,
    },
};
use actix_web::{get, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::IntoParams;

/// Inspect the wallets of a child as the department.
///
/// Each reading is written in the journal.
#[utoipa::path(tag = "agents-desk", responses((status = 200, body = Page<WalletView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/agents-desk/children/{child}/wallets")]
pub async fn inspect_wallets(
    by: By<Corrector>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
) -> Result<Found<Page<WalletView>>, Error> {
    let (department, child) = path.into_inner();
    let read = move |tx: &mut Tx<'_>| Ok((desk::inspect_wallets(tx, child)?, tx.now()?));
    let (wallets, now) = app.db.write(department, &by.caller, read).await?;
    let items = wallets.into_iter().map(|row| WalletView::new(row, now)).collect();
    Ok(Found(Page { items, next_cursor: None }))
}

/// Inspect the movements of a wallet as the department, newest first.
///
/// Each reading is written in the journal.
#[utoipa::path(tag = "agents-desk", params(PageQuery), responses((status = 200, body = Page<StatementLineView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/agents-desk/wallets/{wallet}/statement")]
pub async fn inspect_statement(
    by: By<Corrector>,
    app: web::Data<App>,
    path: web::Path<(Department, WalletId)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<StatementLineView>>, Error> {
    let ((department, wallet), query) = (path.into_inner(), query.into_inner());
    let read = move |tx: &mut Tx<'_>| desk::inspect_statement(tx, wallet, &query);
    Ok(Found(app.db.write(department, &by.caller, read).await?.map(StatementLineView::from)))
}

/// Inspect what tills and the family set aside of a wallet as the department, newest first.
///
/// Never the code of a ticket. Each reading is written in the journal.
#[utoipa::path(tag = "agents-desk", params(PageQuery), responses((status = 200, body = Page<TicketView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/agents-desk/wallets/{wallet}/holds")]
pub async fn inspect_holds(
    by: By<Corrector>,
    app: web::Data<App>,
    path: web::Path<(Department, WalletId)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<TicketView>>, Error> {
    let ((department, wallet), query) = (path.into_inner(), query.into_inner());
    let read = move |tx: &mut Tx<'_>| desk::inspect_holds(tx, wallet, &query);
    Ok(Found(app.db.write(department, &by.caller, read).await?.map(TicketView::from)))
}

/// Inspect the payments refused to a child's cards as the department, newest first.
///
/// Each reading is written in the journal.
#[utoipa::path(tag = "agents-desk", params(PageQuery), responses((status = 200, body = Page<RefusedPaymentView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/agents-desk/children/{child}/refused-payments")]
pub async fn inspect_refused_payments(
    by: By<Corrector>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<RefusedPaymentView>>, Error> {
    let ((department, child), query) = (path.into_inner(), query.into_inner());
    let read = move |tx: &mut Tx<'_>| desk::inspect_refused_payments(tx, child, &query);
    Ok(Found(app.db.write(department, &by.caller, read).await?.map(RefusedPaymentView::from)))
}

/// Inspect one movement as the department.
///
/// Each reading is written in the journal.
#[utoipa::path(tag = "agents-desk", responses((status = 200, body = DeskMovementView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/agents-desk/movements/{transfer}")]
pub async fn inspect_movement(
    by: By<Corrector>,
    app: web::Data<App>,
    path: web::Path<(Department, TransferId)>,
) -> Result<Found<DeskMovementView>, Error> {
    let (department, id) = path.into_inner();
    let read = move |tx: &mut Tx<'_>| desk::inspect_movement(tx, id);
    Ok(Found(app.db.write(department, &by.caller, read).await?.into()))
}

/// Which movements, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MovementQuery {
    #[param(value_type = uuid::Uuid, example = "0199a8f0-7c3e-7bbd-8000-000000000002")]
    pub merchant_id: MerchantId,
    /// First day, in Paris.
    #[param(example = "2026-09-12")]
    pub from: Option<NaiveDate>,
    /// Last day, in Paris.
    #[param(example = "2026-09-13")]
    pub until: Option<NaiveDate>,
    /// Of exactly that amount.
    #[param(minimum = 1, example = 1250)]
    pub amount_cents: Option<i64>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// Search the movements with a merchant, newest first.
///
/// Which ones were shown is written in the journal.
#[utoipa::path(tag = "agents-desk", params(MovementQuery), responses((status = 200, body = Page<DeskMovementView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/agents-desk/movements")]
pub async fn search_movements(
    by: By<Corrector>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<MovementQuery>,
) -> Result<Found<Page<DeskMovementView>>, Error> {
    let MovementQuery { merchant_id: merchant, from, until, amount_cents, cursor, limit } = query.into_inner();
    let search = Search { merchant, from, until, amount: amount_cents.map(Cents::new) };
    let query = PageQuery { cursor, limit };
    let read = move |tx: &mut Tx<'_>| desk::search_movements(tx, &search, &query);
    Ok(Found(app.db.write(path.0, &by.caller, read).await?.map(DeskMovementView::from)))
}

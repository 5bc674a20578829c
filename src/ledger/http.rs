//! What a family sees of its wallets.

use crate::{
    app::App,
    auth::actor::{By, Guardian},
    error::Error,
    http::{
        page::{Page, PageQuery},
        reply::{Attachment, Found},
    },
    kernel::{
        department::Department,
        ids::{ChildId, TransferId, WalletId},
        text::Label,
        words::{GrantKind, WalletKind},
    },
    ledger::{self, Line, Statement, TransferKind, Wallet},
    paper,
};
use actix_web::{get, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// A child's wallet of one kind for one season.
#[derive(Debug, Serialize, ToSchema)]
pub struct WalletView {
    pub id: WalletId,
    #[schema(example = "2026-2027")]
    pub season: String,
    pub kind: WalletKind,
    #[schema(example = 6000)]
    pub balance_cents: i64,
    /// Set aside for what is not yet settled.
    #[schema(example = 0)]
    pub held_cents: i64,
    /// What can be spent now: nothing once `spend_before` is past, while the enrolment is suspended, or after the child has left the scheme.
    #[schema(example = 6000)]
    pub available_cents: i64,
    /// Nothing is debited from that instant on.
    #[schema(example = "2027-06-30T22:00:00Z")]
    pub spend_before: DateTime<Utc>,
}

impl WalletView {
    /// A wallet as it is at that instant.
    #[must_use]
    pub fn new(Wallet { row, pays }: Wallet, now: DateTime<Utc>) -> Self {
        let open = pays && now < row.spend_before;
        let available = row.balance.checked_sub(row.held).filter(|_| open).unwrap_or_default();
        Self {
            id: row.id,
            season: row.season,
            kind: row.kind,
            balance_cents: row.balance.get(),
            held_cents: row.held.get(),
            available_cents: available.get(),
            spend_before: row.spend_before,
        }
    }
}

/// A line of a wallet's statement.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementLineView {
    pub id: TransferId,
    pub kind: TransferKind,
    /// Negative when it left the wallet.
    #[schema(example = -1250)]
    pub amount_cents: i64,
    #[schema(example = 4750)]
    pub balance_after_cents: i64,
    #[schema(example = "2026-09-12T14:03:11Z")]
    pub at: DateTime<Utc>,
    /// Grants: the yearly right or its top-up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_kind: Option<GrantKind>,
    /// Reversals: why the department undid it, `data_entry_error`, `fraud`, `duplicate`, `wrong_beneficiary`, `refund_agreed`, `dispute` or
    /// `other`. Refunds: `voided` when the till undid the sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "duplicate")]
    pub reason: Option<String>,
    /// Debits and refunds: the merchant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Club nautique de Nanterre")]
    pub merchant_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity_label: Option<Label>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-09-19")]
    pub activity_date: Option<NaiveDate>,
    /// Refunds: the debit they give back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverses: Option<TransferId>,
}

impl From<Line> for StatementLineView {
    fn from(line: Line) -> Self {
        Self {
            amount_cents: line.signed(),
            merchant_name: line.merchant_name,
            id: line.row.id,
            kind: line.row.kind,
            balance_after_cents: line.row.balance_after.get(),
            at: line.row.at,
            grant_kind: line.row.grant_kind,
            reason: line.row.reason,
            activity_label: line.row.activity_label,
            activity_date: line.row.activity_date,
            reverses: line.row.reverses,
        }
    }
}

/// List the wallets of a child.
///
/// Two a season, the newest season first: always one page.
#[utoipa::path(tag = "wallets", responses((status = 200, body = Page<WalletView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/children/{child}/wallets")]
pub async fn list_wallets(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
) -> Result<Found<Page<WalletView>>, Error> {
    let (department, child) = path.into_inner();
    let read = move |tx: &mut crate::db::Tx<'_>| Ok((ledger::list_wallets(tx, child)?, tx.now()?));
    let (wallets, now) = app.db.read(department, &by.caller, read).await?;
    let items = wallets.into_iter().map(|row| WalletView::new(row, now)).collect();
    Ok(Found(Page { items, next_cursor: None }))
}

/// Show the movements of a wallet, newest first.
#[utoipa::path(tag = "wallets", params(PageQuery), responses((status = 200, body = Page<StatementLineView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/wallets/{wallet}/statement")]
pub async fn show_statement(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, WalletId)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<StatementLineView>>, Error> {
    let (department, wallet) = path.into_inner();
    let query = query.into_inner();
    let read = move |tx: &mut crate::db::Tx<'_>| ledger::show_statement(tx, wallet, &query);
    Ok(Found(app.db.read(department, &by.caller, read).await?.map(StatementLineView::from)))
}

/// The whole of it, for its file.
async fn whole(by: &By<Guardian>, app: &App, path: web::Path<(Department, WalletId)>) -> Result<Statement, Error> {
    let (department, wallet) = path.into_inner();
    app.db.read(department, &by.caller, move |tx| ledger::whole_statement(tx, wallet)).await
}

/// A wallet's statement, printed.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct WalletStatementFile(#[expect(dead_code, reason = "only described")] Vec<u8>);

/// Get the movements of a wallet for a spreadsheet, newest first.
///
/// UTF-8, semicolons, decimal commas; texts that a spreadsheet would take for formulas begin with an apostrophe.
#[utoipa::path(tag = "wallets", responses((status = 200, body = String, content_type = "text/csv")), security(("bearer" = [])))]
#[get("/v1/departments/{department}/wallets/{wallet}/statement.csv")]
pub async fn export_statement(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, WalletId)>,
) -> Result<Attachment, Error> {
    let statement = whole(&by, &app, path).await?;
    Ok(Attachment { media: paper::CSV, name: statement.file_name("csv"), bytes: statement.csv()? })
}

/// Print the movements of a wallet, newest first, as a PDF that screen readers can follow.
#[utoipa::path(tag = "wallets", responses((status = 200, body = WalletStatementFile, content_type = "application/pdf")), security(("bearer" = [])))]
#[get("/v1/departments/{department}/wallets/{wallet}/statement.pdf")]
pub async fn print_statement(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, WalletId)>,
) -> Result<Attachment, Error> {
    let statement = whole(&by, &app, path).await?;
    let name = statement.file_name("pdf");
    let bytes = app.pictures.run(move || statement.pdf()).await??;
    Ok(Attachment { media: paper::MEDIA_TYPE, name, bytes })
}

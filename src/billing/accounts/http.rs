//! Accounts, as whoever pays reads his own, and as agents do.

use super::{Account, EntryKind, EntryRow};
use crate::{
    app::App,
    auth::actor::{BillReader, By},
    billing::{BillKind, accounts, number, payments::PaymentMeans},
    db::Tx,
    error::Error,
    http::{
        page::{Page, PageQuery},
        reply::Found,
    },
    kernel::{
        department::Department,
        ids::PayerId,
        money::Cents,
        text::{Label, SeasonCode},
    },
};
use actix_web::{get, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Something that moved an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountEntryView {
    pub id: Uuid,
    pub kind: EntryKind,
    /// Of a bill or a credit note.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "92-2026-000123")]
    pub number: Option<String>,
    #[schema(example = "2026-11-04T11:00:00Z")]
    pub at: DateTime<Utc>,
    /// The day of the document, of the payment or of the refund.
    #[schema(example = "2026-11-04")]
    pub on_day: NaiveDate,
    /// Of a bill.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-12-04")]
    pub due_on: Option<NaiveDate>,
    /// What it adds to what is owed: less than zero for what is credited or paid.
    #[schema(example = 4_480)]
    pub amount_cents: Cents,
    /// Of a bill: what of it is left to pay. A credit note settles its own bill, payments those that were due first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 4_480)]
    pub left_cents: Option<Cents>,
    /// Of a payment or a refund, or of the one that was undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub means: Option<PaymentMeans>,
    /// Number of a cheque, words of a transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Label>,
}

impl AccountEntryView {
    fn new(row: EntryRow, department: Department) -> Self {
        let kind = if row.kind == EntryKind::Bill { BillKind::Bill } else { BillKind::CreditNote };
        let number = row.year.zip(row.number).map(|(year, rank)| number(department.as_str(), kind, year, rank));
        let EntryRow { id, kind, at, on_day, due_on, cents, left_cents, means, reference, .. } = row;
        Self { id, kind, number, at, on_day, due_on, amount_cents: cents, left_cents, means, reference }
    }
}

/// The account of a payer.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountView {
    pub payer_id: PayerId,
    /// Bills less credit notes and payments, with what was paid back: negative in the payer's favour.
    #[schema(example = 4_480)]
    pub balance_cents: Cents,
    /// What of it is late.
    #[schema(example = 0)]
    pub overdue_cents: Cents,
    /// Seasons for which the family may enrol although it owes something.
    pub waived_seasons: Vec<SeasonCode>,
    /// Newest first.
    pub entries: Page<AccountEntryView>,
}

/// Show the account of a family's file, or of an adult.
///
/// An agent's reading is journalled.
#[utoipa::path(tag = "canteen", params(PageQuery), responses((status = 200, body = AccountView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/accounts/{payer}")]
pub async fn show_account(
    by: By<BillReader>,
    app: web::Data<App>,
    path: web::Path<(Department, PayerId)>,
    query: web::Query<PageQuery>,
) -> Result<Found<AccountView>, Error> {
    let ((department, payer_id), journalled) = (path.into_inner(), by.is_agent);
    let show = move |tx: &mut Tx<'_>| accounts::show_account(tx, payer_id, journalled, &query);
    let Account { balance, overdue, waived, entries, .. } = app.db.write(department, &by.caller, show).await?;
    Ok(Found(AccountView {
        payer_id,
        balance_cents: balance,
        overdue_cents: overdue,
        waived_seasons: waived,
        entries: entries.map(|row| AccountEntryView::new(row, department)),
    }))
}

//! What a payout consists of, for the one who is paid: every movement, what earlier batches left, the sum. As a table for a spreadsheet and
//! as a document.

mod db;
pub mod http;
mod written;

use crate::{
    corrections::CorrectionReason,
    db::{DirectoryTx, Tx},
    error::Error,
    http::page::{Page, PageQuery},
    kernel::{
        department::Department,
        ids::{MerchantId, PayoutId},
        text::{Label, Siret},
    },
    merchants,
};
use chrono::{DateTime, Utc};
pub use db::{Filter, NumberedPayout, StatementLine};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A payout and its lines.
#[derive(Debug)]
pub struct Statement {
    pub department: Department,
    pub number: i32,
    pub until: DateTime<Utc>,
    pub payout: super::PayoutRow,
    /// The last four characters of the account paid to.
    pub iban_last4: String,
    pub lines: Vec<StatementLine>,
}

/// Who is paid, as the directory knows it.
#[derive(Debug)]
pub struct Payee {
    pub siret: Siret,
    /// What its tills and servers are called.
    pub devices: BTreeMap<Uuid, Label>,
}

/// The statement of a payout the caller may see.
pub fn show_statement(tx: &mut Tx<'_>, id: PayoutId) -> Result<Statement, Error> {
    let (payout, number, until) = db::payout(tx, id)?;
    let (iban_last4, lines) = (db::account_end(tx, id)?, db::lines(tx, id)?);
    Ok(Statement { department: tx.place, number, until, payout, iban_last4, lines })
}

/// Who a statement is for: whoever may see the statement may see this.
pub fn payee(tx: &mut DirectoryTx<'_>, merchant: MerchantId) -> Result<Payee, Error> {
    Ok(Payee { siret: merchants::merchant(tx, merchant)?.siret, devices: merchants::devices::labels(tx, merchant)? })
}

/// Payouts the caller may see, oldest first.
pub fn list_payouts(tx: &mut Tx<'_>, filter: &Filter, query: &PageQuery) -> Result<Page<NumberedPayout>, Error> {
    let after = query.after()?.map(PayoutId::from_uuid);
    let rows = db::payouts(tx, filter, after, query.limit()?.saturating_add(1))?;
    query.page(rows, |(payout, ..)| payout.id.uuid())
}

/// What an agent's correction is called on a merchant's statement.
const fn reason(reason: CorrectionReason) -> &'static str {
    match reason {
        CorrectionReason::DataEntryError => "Erreur de saisie",
        CorrectionReason::Fraud => "Usage irrégulier",
        CorrectionReason::Duplicate => "Opération en double",
        CorrectionReason::WrongBeneficiary => "Autre bénéficiaire",
        CorrectionReason::RefundAgreed => "Remboursement accordé",
        CorrectionReason::Dispute => "Contestation acceptée",
        CorrectionReason::Other => "Décision du département",
    }
}

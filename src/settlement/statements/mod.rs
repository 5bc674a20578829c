//! What a payout consists of, for the one who is paid: every movement, what earlier batches left, the sum. As a table for a spreadsheet and
//! as a document.

mod db;
pub mod http;

use crate::{
    db::Tx,
    error::Error,
    http::page::{Page, PageQuery},
    kernel::{ids::PayoutId, money::Cents, time::paris_date, words::WalletKind},
    paper::{Column, Document, PaperError, Table},
};
use chrono::{DateTime, NaiveDate, Utc};
use csv::{Terminator, WriterBuilder};
pub use db::{Filter, NumberedPayout, StatementLine};

/// Media type of the table.
pub const CSV: &str = "text/csv; charset=utf-8";
/// Spreadsheets read the file as UTF-8 by this mark alone.
const BYTE_ORDER_MARK: &str = "\u{feff}";
const COLUMNS: [&str; 7] =
    ["Date", "Opération", "Porte-monnaie", "Activité", "Date de l'activité", "Référence", "Montant en euros"];
const CARRIED: &str = "Report des lots précédents";

/// A payout and its lines.
#[derive(Debug)]
pub struct Statement {
    pub number: i32,
    pub until: DateTime<Utc>,
    pub payout: super::PayoutRow,
    pub lines: Vec<StatementLine>,
}

/// The statement of a payout the caller may see.
pub fn show_statement(tx: &mut Tx<'_>, id: PayoutId) -> Result<Statement, Error> {
    let (payout, number, until) = db::payout(tx, id)?;
    Ok(Statement { number, until, payout, lines: db::lines(tx, id)? })
}

/// Payouts the caller may see, oldest first.
pub fn list_payouts(tx: &mut Tx<'_>, filter: &Filter, query: &PageQuery) -> Result<Page<NumberedPayout>, Error> {
    let after = query.after()?.map(PayoutId::from_uuid);
    let rows = db::payouts(tx, filter, after, query.limit()?.saturating_add(1))?;
    query.page(rows, |(payout, ..)| payout.id.uuid())
}

fn french(date: NaiveDate) -> String {
    date.format("%d/%m/%Y").to_string()
}

/// `-12,50`
fn decimal(amount: Cents) -> String {
    amount.to_string().trim_end_matches(" €").to_owned()
}

/// A text that no spreadsheet takes for a formula.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

impl StatementLine {
    /// The cells before the amount.
    fn cells(&self) -> [String; 6] {
        let operation = match self.kind.as_str() {
            "debit" => "Encaissement",
            "refund" => "Remboursement",
            _ => "Correction",
        };
        let wallet = match self.wallet_kind {
            WalletKind::Culture => "Culture",
            WalletKind::Sport => "Sport",
        };
        [
            french(paris_date(self.at)),
            operation.to_owned(),
            wallet.to_owned(),
            self.activity_label.as_ref().map(ToString::to_string).unwrap_or_default(),
            self.activity_date.map(french).unwrap_or_default(),
            self.transfer_id.to_string(),
        ]
    }
}

impl Statement {
    /// UTF-8 with its mark, semicolons, decimal commas: as spreadsheets in French read it.
    pub fn csv(&self) -> Result<Vec<u8>, Error> {
        let mut writer =
            WriterBuilder::new().delimiter(b';').terminator(Terminator::CRLF).from_writer(BYTE_ORDER_MARK.into());
        let mut put = |cells: &[String]| writer.write_record(cells).map_err(Error::internal);
        put(&COLUMNS.map(str::to_owned))?;
        for line in &self.lines {
            let texts = line.cells().map(|cell| harmless(&cell));
            put(&[texts.as_slice(), &[decimal(line.amount)]].concat())?;
        }
        let sum = |what: &str, amount| {
            let mut cells = vec![String::new(); COLUMNS.len() - 2];
            cells.insert(1, what.to_owned());
            cells.push(decimal(amount));
            cells
        };
        if self.payout.carried_in != Cents::ZERO {
            put(&sum(CARRIED, self.payout.carried_in))?;
        }
        put(&sum("Total", self.payout.amount))?;
        writer.into_inner().map_err(|error| Error::internal(error.to_string()))
    }

    /// The same as a document.
    pub fn pdf(&self) -> Result<Vec<u8>, PaperError> {
        let mut document = Document::new(&format!("Relevé de versement n° {}", self.payout.end_to_end_id));
        let until = french(paris_date(self.until));
        document.paragraph(&format!(
            "{}\nLot n° {}, opérations enregistrées avant le {until}.\nMontant du versement : {}",
            self.payout.merchant_name, self.number, self.payout.amount
        ));
        if self.payout.amount <= Cents::ZERO {
            document.paragraph("Aucun virement n'est fait : le solde est reporté sur le prochain lot.");
        }
        let columns = vec![
            Column::left("Date", 4),
            Column::left("Opération", 5),
            Column::left("Porte-monnaie", 5),
            Column::left("Activité", 9),
            Column::left("Le", 4),
            Column::right("Montant", 4),
        ];
        let row = |line: &StatementLine| {
            let [date, operation, wallet, activity, activity_date, _] = line.cells();
            vec![date, operation, wallet, activity, activity_date, line.amount.to_string()]
        };
        let sum = |what: &str, amount: Cents| {
            let blank = String::new;
            vec![blank(), what.to_owned(), blank(), blank(), blank(), amount.to_string()]
        };
        let mut rows: Vec<Vec<String>> = self.lines.iter().map(row).collect();
        if self.payout.carried_in != Cents::ZERO {
            rows.push(sum(CARRIED, self.payout.carried_in));
        }
        document.table(Table { columns, rows, total: Some(sum("Total", self.payout.amount)) });
        document.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::ids::{BankAccountId, MerchantId, PayoutBatchId, TransferId},
        settlement::{PayoutRow, state::PayoutState},
    };
    use uuid::Uuid;

    fn statement(label: &str, carried: i64) -> Statement {
        let line = |kind: &str, cents| StatementLine {
            transfer_id: TransferId::from_uuid(Uuid::nil()),
            kind: kind.to_owned(),
            at: "2026-09-30T22:30:00Z".parse().expect("an instant"),
            wallet_kind: WalletKind::Sport,
            activity_label: label.parse().ok(),
            activity_date: NaiveDate::from_ymd_opt(2026, 10, 2),
            amount: Cents::new(cents),
        };
        let payout = PayoutRow {
            id: PayoutId::generate(),
            batch_id: PayoutBatchId::generate(),
            merchant_id: MerchantId::generate(),
            merchant_name: "Club nautique".to_owned(),
            bank_account_id: BankAccountId::generate(),
            lines: Cents::new(95_000),
            carried_in: Cents::new(carried),
            amount: Cents::new(95_000 + carried),
            state: PayoutState::ToPay,
            end_to_end_id: "PP92-12-1".to_owned(),
            reason_code: None,
            carried_into: None,
        };
        let until = "2026-10-01T00:00:00Z".parse().expect("an instant");
        Statement { number: 12, until, payout, lines: vec![line("debit", 100_000), line("refund", -5_000)] }
    }

    #[test]
    fn a_table_reads_well_in_a_french_spreadsheet() {
        let csv = String::from_utf8(statement("Stage; « voile »", -5).csv().expect("a file")).expect("UTF-8");
        let expected = "\u{feff}Date;Opération;Porte-monnaie;Activité;Date de l'activité;Référence;Montant en euros\r\n\
            01/10/2026;Encaissement;Sport;\"Stage; « voile »\";02/10/2026;00000000-0000-0000-0000-000000000000;1000,00\r\n\
            01/10/2026;Remboursement;Sport;\"Stage; « voile »\";02/10/2026;00000000-0000-0000-0000-000000000000;-50,00\r\n\
            ;Report des lots précédents;;;;;-0,05\r\n\
            ;Total;;;;;949,95\r\n";
        assert_eq!(csv, expected);
        assert!(!String::from_utf8_lossy(&statement("Voile", 0).csv().expect("a file")).contains("Report"));
    }

    #[test]
    fn a_label_is_never_a_formula() {
        for label in ["=1+1", "+33", "-2", "@SUM(A1)"] {
            let csv = String::from_utf8(statement(label, 0).csv().expect("a file")).expect("UTF-8");
            assert!(csv.contains(&format!(";'{label};")), "{csv}");
        }
    }

    #[test]
    fn a_document_is_printed_for_a_payment_and_for_a_debt() {
        for carried in [0, -95_000, -200_000] {
            assert!(statement("Voile", carried).pdf().expect("a PDF").starts_with(b"%PDF"));
        }
    }
}

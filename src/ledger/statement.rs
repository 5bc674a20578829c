//! A wallet's statement as families keep it: a table for a spreadsheet, a page to print.

use super::{Line, TransferKind};
use crate::{
    error::Error,
    kernel::{money::Cents, time::paris_date, words::WalletKind},
    paper::{Cell, Column, Document, PaperError, Sheet, Table},
};
use chrono::{DateTime, NaiveDate, Utc};

/// Movements on one statement, the newest: far more than a season of one child, and a bound for the printer.
pub(super) const LINES_MAX: i64 = 1_000;

/// A wallet's movements, newest first.
#[derive(Debug)]
pub struct Statement {
    pub season: String,
    pub kind: WalletKind,
    /// First names of the child.
    pub holder: String,
    pub at: DateTime<Utc>,
    pub lines: Vec<Line>,
}

fn french(date: NaiveDate) -> String {
    date.format("%d/%m/%Y").to_string()
}

impl Line {
    fn operation(&self) -> &'static str {
        match self.row.kind {
            TransferKind::Grant => "Crédit",
            TransferKind::Debit => "Paiement",
            TransferKind::Refund => "Remboursement",
            TransferKind::Expiry => "Fin de saison",
            TransferKind::Reversal => "Correction",
        }
    }

    /// The cells before the amounts.
    fn cells(&self) -> [String; 5] {
        [
            french(paris_date(self.row.at)),
            self.operation().to_owned(),
            self.merchant_name.clone().unwrap_or_default(),
            self.row.activity_label.as_ref().map(ToString::to_string).unwrap_or_default(),
            self.row.activity_date.map(french).unwrap_or_default(),
        ]
    }

    const fn amounts(&self) -> [Cents; 2] {
        [Cents::new(self.signed()), self.row.balance_after]
    }
}

impl Statement {
    /// Under which it is kept.
    pub fn file_name(&self, ending: &str) -> String {
        format!("passplus-{}-{}.{ending}", self.kind, self.season)
    }

    /// For a spreadsheet.
    pub fn csv(&self) -> Result<Vec<u8>, Error> {
        let mut sheet = Sheet::new(&[
            "Date",
            "Opération",
            "Organisme",
            "Activité",
            "Date de l'activité",
            "Montant en euros",
            "Solde en euros",
        ])?;
        for line in &self.lines {
            sheet.row(line.cells().map(Cell::from).into_iter().chain(line.amounts().map(Cell::from)))?;
        }
        sheet.finish()
    }

    /// For paper, and for those who have it read aloud.
    pub fn pdf(&self) -> Result<Vec<u8>, PaperError> {
        let mut document = Document::new(&format!("Relevé du porte-monnaie {}", self.kind));
        let balance = self.lines.first().map_or(Cents::ZERO, |line| line.row.balance_after);
        document.paragraph(&format!(
            "{}, saison {}\nSolde au {} : {balance}",
            self.holder,
            self.season,
            french(paris_date(self.at))
        ));
        let columns = vec![
            Column::left("Date", 4),
            Column::left("Opération", 5),
            Column::left("Organisme", 7),
            Column::left("Activité", 7),
            Column::left("Date de l'activité", 4),
            Column::right("Montant", 4),
            Column::right("Solde", 4),
        ];
        let row = |line: &Line| {
            let amounts = line.amounts().map(|amount| amount.to_string());
            line.cells().into_iter().chain(amounts).collect()
        };
        document.table(Table { columns, rows: self.lines.iter().map(row).collect(), total: None });
        document.finish()
    }
}

//! The statement as it is read: a table and a document that say the same.

use super::{Payee, Statement, StatementLine, reason};
use crate::{
    error::Error,
    kernel::{
        ids::TransferId,
        money::Cents,
        time::{paris_clock, paris_date},
        words::WalletKind,
    },
    paper::{Cell, Column, Document, PaperError, Sheet, Table},
    settlement::state::PayoutState,
};
use chrono::{DateTime, NaiveDate, Utc};

const COLUMNS: &[&str] = &[
    "Date",
    "Heure",
    "Opération",
    "Motif",
    "Porte-monnaie",
    "Activité",
    "Date de l'activité",
    "Caisse",
    "Référence",
    "Opération d'origine",
    "Montant en euros",
];

fn french(date: NaiveDate) -> String {
    date.format("%d/%m/%Y").to_string()
}

/// `30/09/2026 à 23:59`, in Paris.
fn clock(at: DateTime<Utc>) -> String {
    paris_clock(at).format("%d/%m/%Y à %H:%M").to_string()
}

/// The end of a reference, as a document has room for it: its beginning is the same for all of a day.
fn short(id: TransferId) -> String {
    let text = id.to_string();
    text.get(text.len().saturating_sub(8)..).unwrap_or_default().to_owned()
}

impl StatementLine {
    fn operation(&self) -> &'static str {
        match self.kind.as_str() {
            "debit" => "Encaissement",
            "refund" => "Remboursement",
            _ => "Correction",
        }
    }

    fn wallet(&self) -> &'static str {
        match self.wallet_kind {
            WalletKind::Culture => "Culture",
            WalletKind::Sport => "Sport",
        }
    }

    fn why(&self) -> &'static str {
        self.reason.map(reason).unwrap_or_default()
    }

    fn label(&self) -> String {
        self.activity_label.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    fn day_of_activity(&self) -> String {
        self.activity_date.map(french).unwrap_or_default()
    }

    fn till(&self, payee: &Payee) -> String {
        self.client_id.and_then(|id| payee.devices.get(&id)).map(ToString::to_string).unwrap_or_default()
    }
}

impl Statement {
    /// The name of its file, without what comes after the dot.
    pub fn file_name(&self) -> String {
        format!("passplus-releve-{}", self.payout.end_to_end_id)
    }

    /// Where the transfer stands.
    fn bank(&self) -> String {
        let code = self.payout.reason_code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
        match self.payout.state {
            PayoutState::ToPay => "virement attendu : la banque n'a pas encore répondu".to_owned(),
            PayoutState::Carried => "aucun virement : le solde est reporté sur le prochain lot".to_owned(),
            PayoutState::Accepted => "virement exécuté par la banque".to_owned(),
            PayoutState::Rejected => format!("virement rejeté par la banque{code} : la somme reste due"),
        }
    }

    /// What is said of the payout besides its lines: name and value.
    fn header(&self, payee: &Payee) -> Vec<(&'static str, String)> {
        let first = self.lines.iter().map(|line| line.at).min();
        let period = first.map(|at| format!("du {} ", clock(at))).unwrap_or_default();
        vec![
            ("Département", self.department.to_string()),
            ("Organisme", self.payout.merchant_name.clone()),
            ("SIRET", payee.siret.to_string()),
            ("Lot", self.number.to_string()),
            ("Période", format!("{period}jusqu'au {}", clock(self.until))),
            ("Référence du virement", self.payout.end_to_end_id.clone()),
            ("Compte crédité", format!("se terminant par {}", self.iban_last4)),
            ("État", self.bank()),
        ]
    }

    /// Sums of each sort of line, what earlier batches left, and the total, which is last.
    fn sums(&self) -> Result<Vec<(&'static str, Cents)>, Error> {
        let mut sums = vec![];
        for (operation, name) in [
            ("Encaissement", "Sous-total des encaissements"),
            ("Remboursement", "Sous-total des remboursements"),
            ("Correction", "Sous-total des corrections"),
        ] {
            let mut lines = self.lines.iter().filter(|line| line.operation() == operation).peekable();
            if lines.peek().is_some() {
                let sum = Cents::checked_sum(lines.map(|line| line.amount));
                sums.push((name, sum.ok_or_else(|| Error::internal("the sum of a statement overflows"))?));
            }
        }
        if self.payout.carried_in != Cents::ZERO {
            sums.push(("Report des lots précédents", self.payout.carried_in));
        }
        sums.push(("Total", self.payout.amount));
        Ok(sums)
    }

    /// The lines first, so that a program finds them under their titles; then the sums; then what the payout is.
    pub fn csv(&self, payee: &Payee) -> Result<Vec<u8>, Error> {
        let mut sheet = Sheet::new(COLUMNS)?;
        for line in &self.lines {
            sheet.row([
                french(paris_date(line.at)).into(),
                paris_clock(line.at).format("%H:%M:%S").to_string().into(),
                line.operation().into(),
                line.why().into(),
                line.wallet().into(),
                line.label().into(),
                line.day_of_activity().into(),
                line.till(payee).into(),
                line.transfer_id.to_string().into(),
                line.reverses.as_ref().map(ToString::to_string).unwrap_or_default().into(),
                line.amount.into(),
            ])?;
        }
        let blank = || Cell::from("");
        // Under the operation and its amount, and as wide as a line.
        for (name, amount) in self.sums()? {
            let between = std::iter::repeat_with(blank).take(COLUMNS.len().saturating_sub(4));
            sheet.row([blank(), blank(), name.into()].into_iter().chain(between).chain([amount.into()]))?;
        }
        for (name, value) in self.header(payee) {
            let after = std::iter::repeat_with(blank).take(COLUMNS.len().saturating_sub(4));
            sheet.row([blank(), blank(), name.into(), value.into()].into_iter().chain(after))?;
        }
        sheet.finish()
    }

    /// The same as a document.
    pub fn pdf(&self, payee: &Payee) -> Result<Vec<u8>, Error> {
        let mut document = Document::new(&format!("Relevé de versement n° {}", self.payout.end_to_end_id));
        let header = self.header(payee).into_iter().map(|(name, value)| format!("{name} : {value}"));
        document.paragraph(&header.collect::<Vec<_>>().join("\n"));
        document.paragraph(&format!("Montant du versement : {}", self.payout.amount));
        let columns = vec![
            Column::left("Enregistrée le", 5),
            Column::left("Opération", 6),
            Column::left("Porte-monnaie", 5),
            Column::left("Activité", 7),
            Column::left("Date", 4),
            Column::left("Caisse", 4),
            Column::left("Référence", 4),
            Column::right("Montant", 4),
        ];
        let row = |line: &StatementLine| {
            let origin = line.reverses.map(|id| format!("de l'opération {}", short(id)));
            let operation = [Some(line.operation().to_owned()), Some(line.why().to_lowercase()), origin];
            let operation: Vec<String> = operation.into_iter().flatten().filter(|part| !part.is_empty()).collect();
            vec![
                clock(line.at),
                operation.join(" "),
                line.wallet().to_owned(),
                line.label(),
                line.day_of_activity(),
                line.till(payee),
                short(line.transfer_id),
                line.amount.to_string(),
            ]
        };
        let mut rows: Vec<Vec<String>> = self.lines.iter().map(row).collect();
        let sum = |(name, amount): (&str, Cents)| {
            let mut cells = vec![String::new(), name.to_owned()];
            cells.resize(columns.len().saturating_sub(1), String::new());
            cells.push(amount.to_string());
            cells
        };
        rows.extend(self.sums()?.into_iter().map(sum));
        let total = rows.pop();
        document.table(Table { columns, rows, total });
        document.finish().map_err(PaperError::into)
    }
}

#[cfg(test)]
mod tests;

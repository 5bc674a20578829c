//! A bill as it is printed: the same bill gives the same bytes.

use super::{Bill, BillRow, Line};
use crate::{
    billing::{BillKind, CreditReason, LineKind},
    error::Error,
    kernel::{ids::DinerId, money::Cents},
    paper::{Column, Document, PaperError, Table},
};
use chrono::NaiveDate;

/// How bills are paid: what stands under every one of them.
const HOW_TO_PAY: &str = "Comment régler : par virement, en rappelant le numéro de la facture ; par chèque, ce numéro au dos ; en espèces ou par \
     carte, auprès du service de la restauration scolaire. Une difficulté pour payer, ou une erreur ? Dites-le au département : une facture ne change \
     jamais, mais un avoir peut la corriger.";

pub fn french(date: NaiveDate) -> String {
    date.format("%d/%m/%Y").to_string()
}

const fn what(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Meal => "Repas réservés",
        LineKind::WalkIn => "Repas pris sans réservation",
        LineKind::Guest => "Repas d'invité",
        LineKind::Forfait => "Forfait : part du mois",
        LineKind::Credit => "Repas non servis ou excusés",
    }
}

const fn why(reason: CreditReason) -> &'static str {
    match reason {
        CreditReason::Recomputed => "les repas ou le tarif ont été corrigés",
        CreditReason::EntryError => "erreur de saisie",
        CreditReason::WrongPayer => "facture adressée à un autre payeur",
        CreditReason::Duplicate => "facture émise deux fois",
        CreditReason::Goodwill => "décision du département",
    }
}

impl Line {
    /// The object of the line, and the bill that it completes.
    fn object(&self) -> String {
        let taken_back = if self.row.meals < 0 { " (repris)" } else { "" };
        let origin = self.origin.as_ref().map(|number| format!(", rectification de la facture {number}"));
        format!("{}{taken_back}{}", what(self.row.kind), origin.unwrap_or_default())
    }

    /// The days of the month; a month's part has none.
    fn days(&self) -> String {
        if self.row.kind == LineKind::Forfait {
            return String::new();
        }
        let days: Vec<String> = self.row.days.iter().map(|day| day.format("%d").to_string()).collect();
        days.join(", ")
    }
}

impl Bill {
    /// `Facture n° 92-2026-000123`.
    #[must_use]
    pub fn title(&self) -> String {
        let kind = match self.row.kind {
            BillKind::Bill => "Facture",
            BillKind::CreditNote => "Avoir",
        };
        format!("{kind} n° {}", self.number)
    }

    /// The document. `department` is what the department is called.
    pub fn pdf(&self, department: &str) -> Result<Vec<u8>, Error> {
        let mut document = Document::new(&self.title());
        let row = &self.row;
        let mut head = vec![
            format!("Département : {department}"),
            format!("Restauration scolaire, {}", row.month.french()),
            format!("Émis le {}", french(row.issued_on)),
            format!("Adressé à : {}", row.payer_name),
        ];
        head.extend(self.corrects.iter().map(|number| format!("Corrige la facture n° {number}")));
        head.extend(row.reason.map(|reason| format!("Motif : {}", why(reason))));
        document.paragraph(&head.join("\n"));
        document.paragraph(&match row.due_on {
            Some(due_on) => to_pay(row, due_on),
            None => format!("Porté au crédit de votre compte : {}", positive(row.total)),
        });
        let mut diners: Vec<DinerId> = self.lines.iter().map(|line| line.row.person_id).collect();
        diners.sort_unstable();
        diners.dedup();
        if let Some(told) = corrections(row.kind, &self.lines) {
            document.paragraph(told);
        }
        for diner in diners {
            let lines: Vec<&Line> = self.lines.iter().filter(|line| line.row.person_id == diner).collect();
            document.heading(lines.first().map(|line| line.row.diner_name.as_str()).unwrap_or_default());
            document.table(table(&lines)?);
            let mut sentences: Vec<String> = vec![];
            for line in lines {
                let told = format!("{} à {} : {}", what(line.row.kind), line.row.unit, line.explanation.join(" "));
                if !line.explanation.is_empty() && !sentences.contains(&told) {
                    sentences.push(told);
                }
            }
            if !sentences.is_empty() {
                document.paragraph(&format!("Comment ces prix sont calculés\n{}", sentences.join("\n")));
            }
        }
        document.heading("Votre compte");
        let after = row.balance_before.checked_add(row.total);
        let after = after.ok_or_else(|| Error::internal("an account overflows"))?;
        document.paragraph(&format!(
            "Solde précédent : {}\nTotal : {}\nNouveau solde : {}",
            balance(row.balance_before),
            row.total,
            balance(after)
        ));
        if row.kind == BillKind::Bill {
            document.paragraph(HOW_TO_PAY);
        }
        document.finish().map_err(PaperError::into)
    }
}

/// What the lines of a credit note are of which some charge.
fn corrections(kind: BillKind, lines: &[Line]) -> Option<&'static str> {
    let charges = lines.iter().any(|line| line.row.amount > Cents::ZERO);
    (kind == BillKind::CreditNote && charges).then_some(
        "Les lignes « (repris) » annulent ce qui était facturé ; les autres les remplacent, au prix corrigé. La différence est en votre faveur.",
    )
}

/// What is to be paid, and until when: what the account has in the payer's favour comes off.
pub fn to_pay(row: &BillRow, due_on: NaiveDate) -> String {
    let (left, until) = (row.to_pay(), french(due_on));
    if left == row.total {
        return format!("À régler au plus tard le {until} : {left}");
    }
    let credit = positive(row.balance_before);
    if left == Cents::ZERO {
        return format!("Rien à régler : les {credit} en votre faveur la couvrent.");
    }
    format!("À régler au plus tard le {until} : {left}, une fois déduits les {credit} en votre faveur")
}

fn balance(cents: Cents) -> String {
    if cents < Cents::ZERO { format!("{} en votre faveur", positive(cents)) } else { format!("{cents} restant dus") }
}

pub fn positive(cents: Cents) -> Cents {
    Cents::ZERO.checked_sub(cents).unwrap_or(cents)
}

fn table(lines: &[&Line]) -> Result<Table, Error> {
    let columns = vec![
        Column::left("Mois", 5),
        Column::left("Objet", 9),
        Column::left("Jours", 8),
        Column::right("Nombre", 3),
        Column::right("Prix", 4),
        Column::right("Montant", 4),
    ];
    let cells = |line: &&Line| {
        vec![
            line.row.month.french(),
            line.object(),
            line.days(),
            line.row.meals.to_string(),
            line.row.unit.to_string(),
            line.row.amount.to_string(),
        ]
    };
    let sum = Cents::checked_sum(lines.iter().map(|line| line.row.amount));
    let sum = sum.ok_or_else(|| Error::internal("the sum of a bill overflows"))?;
    let mut total = vec![String::new(), "Sous-total".to_owned()];
    total.resize(columns.len().saturating_sub(1), String::new());
    total.push(sum.to_string());
    Ok(Table { columns, rows: lines.iter().map(cells).collect(), total: Some(total) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{billing::bills::LineRow, kernel::month::Month};

    fn line(kind: LineKind, meals: i32, days: &[&str]) -> Line {
        let days: Vec<NaiveDate> = days.iter().map(|day| day.parse().expect("a day")).collect();
        let row = LineRow {
            person_id: DinerId::generate(),
            diner_name: "Lou Martin".to_owned(),
            month: Month::of("2026-09-01".parse().expect("a day")),
            kind,
            days,
            meals,
            unit: Cents::new(280),
            amount: Cents::new(280 * i64::from(meals)),
            rate_id: None,
            explanation: None,
            grid_label: None,
            origin_year: None,
            origin_number: None,
        };
        Line { row, explanation: vec![], origin: Some("92-2026-000001".to_owned()) }
    }

    #[test]
    fn a_line_says_what_it_takes_back_and_which_bill_it_completes() {
        let taken = line(LineKind::Meal, -2, &["2026-09-07", "2026-09-10"]);
        assert_eq!(taken.object(), "Repas réservés (repris), rectification de la facture 92-2026-000001");
        assert_eq!(taken.days(), "07, 10");
        let part = line(LineKind::Forfait, 1, &["2026-09-01"]);
        assert_eq!((part.object().starts_with("Forfait"), part.days()), (true, String::new()));
        let lines = [taken, part];
        assert!(corrections(BillKind::CreditNote, &lines).is_some_and(|told| told.contains("(repris)")));
        assert_eq!((corrections(BillKind::CreditNote, &lines[..1]), corrections(BillKind::Bill, &lines)), (None, None));
        let table = table(&lines.iter().collect::<Vec<_>>()).expect("a table");
        assert_eq!(table.total.and_then(|cells| cells.last().cloned()), Some("-2,80 €".to_owned()));
    }
}

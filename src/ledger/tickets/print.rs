//! The page a family prints: what it is worth, for whom, until when, and the code, to read and to scan.

use super::Ticket;
use crate::{
    error::Error,
    kernel::{time::paris_date, words::WalletKind},
    paper::{Column, Document, Table},
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

/// Side of the printed QR code: read at arm's length.
const QR_MILLIMETRES: u16 = 55;

/// The last day before an instant that is the first one after it.
fn last_day(end: DateTime<Utc>) -> NaiveDate {
    paris_date(end.checked_sub_signed(TimeDelta::seconds(1)).unwrap_or(end))
}

pub fn page(ticket: &Ticket) -> Result<Vec<u8>, Error> {
    let row = &ticket.row;
    let code = ticket.code.ok_or_else(|| Error::internal("a ticket has a code"))?.to_string();
    let wallet = match row.wallet_kind {
        WalletKind::Culture => "Culture",
        WalletKind::Sport => "Sport",
    };
    let date = |date: NaiveDate| date.format("%d/%m/%Y").to_string();
    let merchant = ticket.merchant_name.clone().unwrap_or_else(|| "tout organisme affilié à Pass+".to_owned());
    let mut facts = vec![
        ("Montant", row.amount.to_string()),
        ("Porte-monnaie", wallet.to_owned()),
        ("Saison", row.season.to_string()),
        ("Bénéficiaire", format!("{} {}.", row.holder_first_name, row.holder_initial)),
        ("À utiliser auprès de", merchant),
        ("Dernier jour d'encaissement", date(last_day(row.expires_at))),
    ];
    if let Some(label) = &row.activity_label {
        facts.push(("Activité", label.to_string()));
    }
    if let Some(day) = row.activity_date {
        facts.push(("Date de l'activité", date(day)));
    }
    let rows = facts.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    let mut document = Document::new("Ticket Pass+");
    document
        .paragraph("Remettez cette page, ou montrez-la, à l'organisme : il encaisse le montant en une seule fois, en tout ou en partie.")
        .table(Table { columns: vec![Column::left("Ticket", 2), Column::left("", 3)], rows, total: None })
        .heading("Code du ticket")
        .paragraph(&code)
        .qr(&code, "Code du ticket, le même que celui écrit au-dessus", QR_MILLIMETRES)?
        .paragraph(
            &format!(
                "Qui connaît ce code peut encaisser le ticket : ne le publiez pas. S'il est perdu, annulez-le dans votre espace ; le \
                 montant revient au porte-monnaie jusqu'au {}, dernière date de dépense de la saison. Annulé plus tard, il est perdu.",
                date(last_day(row.spend_before))
            ),
        );
    Ok(document.finish()?)
}

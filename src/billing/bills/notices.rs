//! What payers are told when a bill is issued, composed when the letter leaves.

use super::db;
use crate::{
    billing::Payer,
    db::Tx,
    error::Error,
    families,
    kernel::{ids::BillId, month::Month, text::Email},
    mail::Letter,
    schema::department::canteen_adults,
};
use diesel::prelude::*;

/// The letters about a bill or a credit note.
pub fn bill_notice(tx: &mut Tx<'_>, id: BillId) -> Result<Vec<Letter>, Error> {
    let row = db::bill(tx, id)?;
    let number = crate::billing::number(tx.place.as_str(), row.kind, row.year, row.number);
    let month = Month::french(row.month);
    let (subject, told) = if let Some(due_on) = row.due_on {
        let to_pay = super::paper::to_pay(&row, due_on);
        let told =
            format!("La facture n° {number} est émise, d'un total de {}. {}.", row.total, to_pay.trim_end_matches('.'));
        (format!("Cantine : votre facture de {month}"), told)
    } else {
        let amount = super::paper::positive(row.total);
        let told = format!("L'avoir n° {number} est émis : {amount} sont portés au crédit de votre compte.");
        (format!("Cantine : un avoir de {amount}"), told)
    };
    // Adults have no account here.
    let place = if row.family_id.is_some() {
        "se trouve dans votre espace"
    } else {
        "vous est remis sur demande par le service de la restauration scolaire"
    };
    let body =
        format!("Bonjour,\n\n{told} Le document {place}, avec les jours et l'explication de chaque prix.\n\nPass+");
    letters(tx, Payer::of(row.family_id, row.adult_id), &subject, &body)
}

/// The same words to whoever pays: every guardian of a file, or the adult who gave an address.
pub fn letters(tx: &mut Tx<'_>, payer: Option<Payer>, subject: &str, body: &str) -> Result<Vec<Letter>, Error> {
    match payer {
        Some(Payer::Family(family)) => families::letters(tx, family, subject, body),
        Some(Payer::Adult(adult)) => {
            let to: Option<Email> = canteen_adults::table.find(adult).select(canteen_adults::email).first(tx.conn)?;
            Ok(to.map(|to| Letter { to, subject: subject.to_owned(), body: body.to_owned() }).into_iter().collect())
        }
        None => Ok(vec![]),
    }
}

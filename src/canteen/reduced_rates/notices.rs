//! What families are told by letter: prices, and to the guardian who asked the reason. Figures of an income stand in none. Letters lie sealed
//! until they leave.

use super::{
    db::{self, ChildRow, RequestRow},
    proofs,
    said::{Standing, year_sentence},
    state::NothingReason,
};
use crate::{
    canteen::rates::{self, RateRow},
    db::Tx,
    documents::DocumentRow,
    error::Error,
    families,
};

impl RequestRow {
    /// What its sentences depend on, with the proofs of means that were sent for it.
    #[must_use]
    pub fn standing(&self, proofs: &[DocumentRow]) -> Standing<'_> {
        Standing {
            state: self.state,
            way: self.way,
            answer: self.answer,
            detail: self.answer_detail.as_deref(),
            two_households: self.households == Some(2),
            has_proof: !proofs.is_empty(),
            proof_waits: proofs::waiting(proofs).next().is_some(),
            may_be_asked_again: self.reason.is_some_and(|reason| reason != NothingReason::Other),
        }
    }
}

/// Tells where the request stands, in one letter for each of its children.
pub fn tell_standing(tx: &mut Tx<'_>, row: &RequestRow, subject: &str, first: &str) -> Result<(), Error> {
    let proofs = proofs::of_request(tx, row)?;
    let standing = row.standing(&proofs);
    let next = standing.next_step();
    let others = format!("Bonjour,\n\n{first}\n{next}\n\nPass+");
    let own = match standing.because() {
        Some(because) => format!("Bonjour,\n\n{first}\n{because}\n{next}\n\nPass+"),
        None => others.clone(),
    };
    for child in db::children(tx, row.id)? {
        families::notify_apart(tx, (row.family_id, child.child_id), row.requested_by, subject, (&own, &others))?;
    }
    Ok(())
}

pub fn requested(tx: &mut Tx<'_>, row: &RequestRow) -> Result<(), Error> {
    let first = format!("Une demande de tarif réduit de la cantine est enregistrée pour la saison {}.", row.season);
    tell_standing(tx, row, "Demande de tarif réduit enregistrée", &first)
}

pub fn number_needed(tx: &mut Tx<'_>, row: &RequestRow) -> Result<(), Error> {
    let first = format!("La demande de tarif réduit de la cantine pour la saison {} vous attend.", row.season);
    tell_standing(tx, row, "Tarif réduit : numéro fiscal à donner de nouveau", &first)
}

pub fn document_needed(tx: &mut Tx<'_>, row: &RequestRow) -> Result<(), Error> {
    let season = &row.season;
    if proofs::waiting(&proofs::of_request(tx, row)?).next().is_some() {
        let first =
            format!("La demande de tarif réduit de la cantine pour la saison {season} sera décidée par un agent.");
        return tell_standing(tx, row, "Tarif réduit : votre justificatif sera lu", &first);
    }
    let first = format!("La demande de tarif réduit de la cantine pour la saison {season} attend un document.");
    tell_standing(tx, row, "Tarif réduit : document à envoyer", &first)
}

pub fn left_canteen(tx: &mut Tx<'_>, row: &RequestRow) -> Result<(), Error> {
    let season = &row.season;
    let first = format!("La demande de tarif réduit de la cantine pour la saison {season} n'a plus d'objet.");
    tell_standing(tx, row, "Tarif réduit : demande close", &first)
}

pub fn expired(tx: &mut Tx<'_>, row: &RequestRow) -> Result<(), Error> {
    let season = &row.season;
    let first = format!("La demande de tarif réduit de la cantine pour la saison {season} n'a pas changé vos prix.");
    tell_standing(tx, row, "Tarif réduit : demande close", &first)
}

/// Tells the decision about one child: the price before, the price after, from which day, and each price to come; and to whoever asked, why.
/// A mailbox keeps no income: the figures are read in the service.
pub fn decided(
    tx: &mut Tx<'_>,
    row: &RequestRow,
    child: &ChildRow,
    (before, after): (&RateRow, &RateRow),
) -> Result<(), Error> {
    let head = format!("Bonjour,\n\nLa demande de tarif réduit pour la saison {} est décidée.\n", row.season);
    let day = after.starts_on.max(child.starts_on).format("%d/%m/%Y");
    let mut prices = format!("Prix avant : {}.\nPrix à partir du {day} : {}.\n", before.price(), after.price());
    prices.push_str(&rates::coming_prices(tx, child.child_id.into(), &child.season, after)?);
    let bare = after.explained.clone().without_means();
    let steps: String = bare.steps.iter().flat_map(|step| ["- ", &step.sentence, "\n"]).collect();
    let letter = |reason: &str, date: &str| format!("{head}{reason}{prices}{steps}{date}\nPass+");
    let note = row.note.as_ref().map(|note| format!(" {note}")).unwrap_or_default();
    let reason = row.reason.map(|reason| format!("{}{note}\n", reason.sentence())).unwrap_or_default();
    let date = row
        .income_year
        .map(|year| format!("{}\n", year_sentence(year, row.income_month, row.is_year_before.unwrap_or(false))));
    let (subject, next) = if row.reason.is_some() {
        let next = row.standing(&proofs::of_request(tx, row)?).next_step();
        ("Tarif réduit : votre prix ne change pas", format!("{next}\n"))
    } else {
        ("Tarif de la cantine décidé", "Le calcul est expliqué dans votre espace.\n".to_owned())
    };
    let own = letter(&reason, &format!("{}{next}", date.unwrap_or_default()));
    let others = letter("", "");
    let of = (row.family_id, child.child_id);
    families::notify_apart(tx, of, row.requested_by, subject, (&own, &others))
}

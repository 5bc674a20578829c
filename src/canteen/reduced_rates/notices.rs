//! What families are told by letter. Figures of an income stand in the letter of the decision alone, and only in that of the guardian who
//! asked; letters lie sealed until they leave.

use super::{
    db::{self, ChildRow, RequestRow},
    said::{Standing, year_sentence},
};
use crate::{
    canteen::{
        rates::RateRow,
        tariffs::{Explained, explained::PriceUnit},
    },
    db::Tx,
    error::Error,
    families,
};
use std::fmt::Write as _;

impl RequestRow {
    /// What its sentences depend on.
    #[must_use]
    pub fn standing(&self) -> Standing<'_> {
        Standing {
            state: self.state,
            way: self.way,
            answer: self.answer,
            detail: self.answer_detail.as_deref(),
            two_households: self.households == Some(2),
        }
    }
}

/// Tells where the request stands, in one letter for each of its children.
pub fn tell_standing(tx: &mut Tx<'_>, row: &RequestRow, subject: &str, first: &str) -> Result<(), Error> {
    let next = row.standing().next_step();
    let others = format!("Bonjour,\n\n{first}\n{next}\n\nPass+");
    let own = match row.standing().because() {
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
    let first = format!("La demande de tarif réduit de la cantine pour la saison {} attend un document.", row.season);
    tell_standing(tx, row, "Tarif réduit : document à envoyer", &first)
}

pub fn expired(tx: &mut Tx<'_>, row: &RequestRow) -> Result<(), Error> {
    let season = &row.season;
    let first = format!("La demande de tarif réduit de la cantine pour la saison {season} n'a pas changé vos prix.");
    tell_standing(tx, row, "Tarif réduit : demande close", &first)
}

/// Tells the decision about one child: the price before, the price after, from which day, and why.
pub fn decided(
    tx: &mut Tx<'_>,
    row: &RequestRow,
    child: &ChildRow,
    (before, after): (&RateRow, &RateRow),
) -> Result<(), Error> {
    let mut head = format!("Bonjour,\n\nLa demande de tarif réduit pour la saison {} est décidée.\n", row.season);
    if let Some(reason) = row.reason {
        let note = row.note.as_ref().map(|note| format!(" {note}")).unwrap_or_default();
        let _ = writeln!(head, "{}{note}", reason.sentence());
    }
    let day = after.starts_on.max(child.starts_on).format("%d/%m/%Y");
    let _ = writeln!(head, "Prix avant : {}.\nPrix à partir du {day} : {}.", price(before), price(after));
    let letter = |explained: &Explained, date: &str| {
        let mut body = head.clone();
        for step in &explained.steps {
            let _ = writeln!(body, "- {}", step.sentence);
        }
        body.push_str(date);
        body.push_str("\nPass+");
        body
    };
    let date = row
        .income_year
        .map(|year| format!("{}\n", year_sentence(year, row.income_month, row.is_year_before.unwrap_or(false))));
    let own = letter(&after.explained, &date.unwrap_or_default());
    let others = letter(&after.explained.clone().without_means(), "");
    let of = (row.family_id, child.child_id);
    families::notify_apart(tx, of, row.requested_by, "Tarif de la cantine décidé", (&own, &others))
}

fn price(rate: &RateRow) -> String {
    match rate.unit {
        PriceUnit::Meal => format!("{} le repas", rate.cents),
        PriceUnit::Year => format!("{} l'année, {} le repas", rate.cents, rate.meal_cents),
    }
}

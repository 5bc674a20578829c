//! What families are told about their requests, composed when the letter leaves: the step that changed many requests names them, no more.

use super::{db, opening};
use crate::{
    colleges,
    db::Tx,
    error::Error,
    families,
    kernel::{
        ids::{EnrolmentId, FamilyId},
        text::SeasonCode,
    },
    ledger,
    mail::Letter,
    seasons,
};
use std::fmt::Write as _;

/// The letters about a request that became active.
pub fn confirmed(tx: &mut Tx<'_>, id: EnrolmentId) -> Result<Vec<Letter>, Error> {
    let row = db::enrolment(tx, id)?;
    let submitted_at = row.submitted_at.ok_or_else(|| Error::internal("an active enrolment was never submitted"))?;
    let rules = seasons::rules_at(tx, &row.season, submitted_at)?;
    let mut told = String::new();
    for (wallet, amount) in ledger::base_grants(tx, id)? {
        let _ = writeln!(told, "  porte-monnaie {wallet} : {amount}");
    }
    let body = format!(
        "Bonjour,\n\nLe {} a confirmé l'inscription de votre enfant pour la saison {}. Sont crédités :\n{told}\
         À dépenser jusqu'au {}. Sa carte se trouve dans votre espace.\n\nPass+",
        colleges::called(row.college_name.as_str()),
        row.season,
        rules.spend_until.format("%d/%m/%Y")
    );
    families::letters_of(tx, (row.family_id, row.child_id), "Inscription confirmée", &body)
}

/// The letters about a family's children at the opening of a season: who was carried over, and who leaves collège.
pub fn season_opened(tx: &mut Tx<'_>, family: FamilyId, season: &SeasonCode) -> Result<Vec<Letter>, Error> {
    let told = opening::children_of(tx, family, season)?;
    let mut body = format!("Bonjour,\n\nLa saison {season} de Pass+ est ouverte.\n");
    for child in &told.carried {
        let _ = writeln!(
            body,
            "\n{} : sa demande est prête, en {} au {}. Confirmez-la dans votre espace, ou corrigez-la.",
            child.first_names,
            child.level,
            colleges::called(child.college_name.as_str())
        );
    }
    for child in &told.leaving {
        let _ = writeln!(
            body,
            "\n{} quitte le collège : ses porte-monnaie servent jusqu'au dernier jour de dépense de la saison qui \
             s'achève. S'il y reste un an de plus, faites une nouvelle demande.",
            child.first_names
        );
    }
    body.push_str("\nPass+");
    families::letters(tx, family, &format!("Pass+ {season} : ce qui attend vos enfants"), &body)
}

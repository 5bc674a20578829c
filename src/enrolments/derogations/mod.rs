//! Children whom a person lets in: though no rule of the season does, or though the deadline has passed. For a reason, until a day.

mod db;
pub mod http;

pub use db::DerogationRow;

use super::{db as requests, state::EnrolmentState};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    families,
    kernel::{
        ids::{AccountId, ChildId, DerogationId},
        text::{Note, SeasonCode},
        time,
    },
    seasons,
};
use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

text_enum! {
    /// What a derogation does away with.
    pub enum Waiver {
        /// The rules of the season: the child counts as eligible.
        Eligibility = "eligibility",
        /// The last day to enrol.
        Deadline = "deadline",
    }
}

/// The rule that an enrolment names when a person decided instead.
pub const RULE: &str = "derogation";

/// What an agent decides.
#[derive(Debug, Clone)]
pub struct NewDerogation {
    pub child: ChildId,
    pub season: SeasonCode,
    pub waives: Waiver,
    pub reason: Note,
    /// Last day on which the family may use it.
    pub until: NaiveDate,
}

/// Grants a derogation. The family is told, without the reason.
pub fn grant_derogation(tx: &mut Tx<'_>, by: AccountId, new: &NewDerogation) -> Result<DerogationRow, Error> {
    let child = families::child(tx, new.child)?;
    let rules = seasons::rules_in_force(tx, &new.season)?;
    let today = time::paris_date(tx.now()?);
    if new.until < today || new.until > rules.spend_until {
        let detail = format!("une date d'aujourd'hui au {} est attendue", rules.spend_until.format("%d/%m/%Y"));
        return Err(Error::field("/until", detail));
    }
    let request = requests::lock_of_child(tx, new.child, &new.season)?;
    if request.is_some_and(|request| request.state == EnrolmentState::Expired) {
        // A departure is undone first; a season that is over stays so.
        return Err(Refusal::EnrolmentTransition.into());
    }
    let row = db::insert(tx, by, child.family_id, new)?;
    let details = json!({ "child_id": new.child, "season": new.season, "waives": new.waives, "until": new.until });
    audit::record(tx, "derogation_granted", ("derogation", row.id), details)?;
    let what = match new.waives {
        Waiver::Eligibility => "accepte votre enfant par dérogation",
        Waiver::Deadline => "vous donne un délai de plus",
    };
    let body = format!(
        "Bonjour,\n\nPour la saison {}, le département {what}. Soumettez votre demande avant le {} inclus.\n\nPass+",
        new.season,
        new.until.format("%d/%m/%Y")
    );
    families::notify_of(tx, (child.family_id, new.child), "Dérogation accordée", &body)?;
    Ok(row)
}

/// Takes a derogation back. What was submitted by it stays.
pub fn revoke_derogation(tx: &mut Tx<'_>, by: AccountId, id: DerogationId) -> Result<DerogationRow, Error> {
    db::derogation(tx, id)?;
    let row = db::revoke(tx, id, by)?.ok_or(Error::Refused(Refusal::DerogationTransition))?;
    audit::record(tx, "derogation_revoked", ("derogation", id), json!({ "child_id": row.child_id }))?;
    let family = families::child(tx, row.child_id)?.family_id;
    let body = format!(
        "Bonjour,\n\nLe département a retiré la dérogation accordée pour la saison {}. Une demande déjà soumise le reste.\n\nPass+",
        row.season
    );
    families::notify_of(tx, (family, row.child_id), "Dérogation retirée", &body)?;
    Ok(row)
}

/// A page of the department's derogations, last first. One row more than `limit` may come.
pub fn list_derogations(tx: &mut Tx<'_>, before: Option<Uuid>, limit: i64) -> Result<Vec<DerogationRow>, Error> {
    db::page(tx, before, limit)
}

/// A child's derogations, last first.
pub fn of_child(tx: &mut Tx<'_>, child: ChildId) -> Result<Vec<DerogationRow>, Error> {
    families::child(tx, child)?;
    db::of_child(tx, child)
}

/// Whether that is waived for the child today.
pub fn is_waived(tx: &mut Tx<'_>, child: ChildId, season: &SeasonCode, what: Waiver) -> Result<bool, Error> {
    let today = time::paris_date(tx.now()?);
    db::is_waived(tx, child, season, what, today)
}

//! Children of a file. Once a child is enrolled, what the collège and the rules looked at does not change behind their backs.

mod db;
pub mod http;

pub use db::{Child, Corrections, Identity};

use super::require_full_rights;
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    families,
    kernel::{
        ids::{ChildId, FamilyId},
        time::paris_date,
    },
};
use chrono::NaiveDate;
use serde_json::json;
use std::ops::RangeInclusive;
use uuid::Uuid;

/// Larger households exist; they ask the department.
const CHILDREN_MAX: i64 = 15;
/// Pupils ahead of their class begin at nine, some profiles go on until twenty-one: whoever lies outside was mistyped.
const PLAUSIBLE_AGES: RangeInclusive<u32> = 8..=25;
/// States of an enrolment that rest on the child's identity and residence.
const RESTING_ON_IDENTITY: &[&str] = &["to_confirm", "submitted", "confirmed", "active", "suspended"];

/// The child, if the caller may see it.
pub fn child(tx: &mut Tx<'_>, id: ChildId) -> Result<Child, Error> {
    db::child(tx, id)
}

/// Every child of a file, first registered first.
pub fn all(tx: &mut Tx<'_>, family: FamilyId) -> Result<Vec<Child>, Error> {
    db::page(tx, family, None, CHILDREN_MAX)
}

/// A page of the children of a file. One row more than `limit` may come.
pub fn list_children(tx: &mut Tx<'_>, family: FamilyId, after: Option<Uuid>, limit: i64) -> Result<Vec<Child>, Error> {
    families::db::family(tx, family)?;
    db::page(tx, family, after, limit)
}

/// Registers a child in a file.
pub fn add_child(tx: &mut Tx<'_>, family: FamilyId, identity: &Identity) -> Result<Child, Error> {
    require_full_rights(tx, family)?;
    let now = tx.now()?;
    require_plausible(identity.birth_date, paris_date(now))?;
    tx.take_turns(format_args!("family {family}"))?;
    if db::count(tx, family)? >= CHILDREN_MAX {
        return Err(Refusal::TooManyMembers.into());
    }
    let child = db::insert(tx, ChildId::generate(), family, identity, now)?;
    audit::record(tx, "child_added", ("child", child.id), json!({ "family_id": family }))?;
    Ok(child)
}

/// Corrects what was mistyped, as long as no enrolment rests on it. `version` is the one that the caller has read.
pub fn correct_child(tx: &mut Tx<'_>, id: ChildId, version: i32, corrections: &Corrections) -> Result<Child, Error> {
    let family = child(tx, id)?.family_id;
    require_full_rights(tx, family)?;
    if corrections.is_empty() {
        return Err(Error::field("", "au moins un champ à corriger est attendu"));
    }
    if let Some(birth_date) = corrections.birth_date {
        let today = paris_date(tx.now()?);
        require_plausible(birth_date, today)?;
    }
    if db::lock_child(tx, id)?.version != version {
        return Err(Refusal::StaleVersion.into());
    }
    let states = db::lock_enrolment_states(tx, id)?;
    if states.iter().any(|state| RESTING_ON_IDENTITY.contains(&state.as_str())) {
        return Err(Refusal::ChildEnrolled.into());
    }
    let corrected = db::update(tx, id, corrections)?;
    audit::record(tx, "child_corrected", ("child", id), json!({ "version": corrected.version }))?;
    Ok(corrected)
}

/// Refuses a birth date that no pupil has.
pub fn require_plausible(birth_date: NaiveDate, today: NaiveDate) -> Result<(), Error> {
    if is_plausible(birth_date, today) {
        return Ok(());
    }
    let (youngest, oldest) = (PLAUSIBLE_AGES.start(), PLAUSIBLE_AGES.end());
    Err(Error::field(
        "/birth_date",
        format!("la date de naissance d'un enfant de {youngest} à {oldest} ans est attendue"),
    ))
}

fn is_plausible(birth_date: NaiveDate, today: NaiveDate) -> bool {
    today.years_since(birth_date).is_some_and(|age| PLAUSIBLE_AGES.contains(&age))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plausible_child_is_eight_to_twenty_five_today() {
        let date = |text: &str| text.parse::<NaiveDate>().expect("a date");
        let today = date("2026-06-15");
        for (born, plausible) in [
            ("2018-06-15", true),
            ("2018-06-16", false),
            ("2014-03-09", true),
            ("2000-06-16", true),
            ("2000-06-15", false),
            ("2026-06-16", false),
            ("+200000-01-01", false),
            ("-20000-01-01", false),
        ] {
            assert_eq!(is_plausible(date(born), today), plausible, "{born}");
        }
    }
}

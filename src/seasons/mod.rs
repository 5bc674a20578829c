//! The dated rules of a department, season by season: when, how much, for whom. Rules are data that an agent publishes; the code
//! only says what makes them coherent and how they are read.
//!
//! An administrator drafts a version, rewrites it until nothing is wrong with it, and publishes it. What is published never changes:
//! the next version replaces it from an instant to come. The rules of an instant are those of the last version in effect by then.

mod db;
pub mod eligibility;
pub mod http;
pub mod publication;
pub mod rules;

pub use db::{Draft, Version};

use crate::{
    audit,
    db::Tx,
    error::{Error, FieldError, Refusal},
    kernel::{ids::AccountId, text::SeasonCode},
};
use chrono::{DateTime, Datelike, Utc};
use rules::{RuleProblem, SeasonRules};
use serde_json::json;

/// A season changes a few times a year: nobody looks at more versions to come.
const TO_COME_MAX: i64 = 20;
/// An instant of effect outside these years is a slip of the keyboard.
const EFFECT_YEARS: std::ops::Range<i32> = 2000..2200;

/// The rules of that season at the transaction's instant. `NotFound` before its first version takes effect.
pub fn rules_in_force(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<SeasonRules, Error> {
    let now = tx.now()?;
    rules_at(tx, season, now)
}

/// The rules as they stood at an earlier instant: what was asked then is judged by them.
pub fn rules_at(tx: &mut Tx<'_>, season: &SeasonCode, instant: DateTime<Utc>) -> Result<SeasonRules, Error> {
    let version = db::latest(tx, season, Some(instant))?;
    Ok(version.ok_or(Error::Refused(Refusal::NotFound))?.rules)
}

/// Every published season before that one, the latest first: its version in force, or the first to come when none is yet.
fn list_seasons(tx: &mut Tx<'_>, before: Option<&SeasonCode>, limit: i64) -> Result<Vec<Version>, Error> {
    let now = tx.now()?;
    db::current_versions(tx, now, before, limit)
}

/// What is published of a season.
#[derive(Debug)]
pub struct Timeline {
    pub in_force: Option<Version>,
    /// In the order in which they take effect.
    pub to_come: Vec<Version>,
}

/// The version in force and those to come. `NotFound` when nothing was published.
pub fn show_season(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<Timeline, Error> {
    let now = tx.now()?;
    let in_force = db::latest(tx, season, Some(now))?;
    let to_come = db::versions_after(tx, season, now, TO_COME_MAX)?;
    if in_force.is_none() && to_come.is_empty() {
        return Err(Refusal::NotFound.into());
    }
    Ok(Timeline { in_force, to_come })
}

/// Begins a version: from these rules, else from the last published ones, else from the defaults.
pub fn draft_season(
    tx: &mut Tx<'_>,
    by: AccountId,
    season: &SeasonCode,
    rules: Option<&SeasonRules>,
) -> Result<Draft, Error> {
    let now = tx.now()?;
    let rules = match rules {
        Some(rules) => rules.clone(),
        None => match db::latest(tx, season, None)? {
            Some(version) => version.rules,
            None => rules::default_rules(tx.place, season),
        },
    };
    let draft = db::insert_draft(tx, season, &rules, by, now)?;
    audit::record(tx, "season_drafted", ("season", season), json!({ "version": draft.version }))?;
    Ok(draft)
}

/// The draft of a season.
pub fn show_draft(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<Draft, Error> {
    db::draft(tx, season)?.ok_or(Refusal::NotFound.into())
}

/// Writes the draft over.
pub fn rewrite_draft(tx: &mut Tx<'_>, by: AccountId, season: &SeasonCode, rules: &SeasonRules) -> Result<Draft, Error> {
    let now = tx.now()?;
    let draft = db::rewrite_draft(tx, season, rules, by, now)?.ok_or(Error::Refused(Refusal::SeasonNotDraft))?;
    audit::record(tx, "season_draft_rewritten", ("season", season), json!({ "version": draft.version }))?;
    Ok(draft)
}

/// Gives the draft up.
pub fn discard_draft(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<(), Error> {
    let version = db::delete_draft(tx, season)?.ok_or(Error::Refused(Refusal::SeasonNotDraft))?;
    audit::record(tx, "season_draft_discarded", ("season", season), json!({ "version": version }))
}

/// Publishes the draft, to take effect at that instant. The first version of a season may take effect now or even in the past, for
/// nothing was granted before it; the next ones take effect later than now and leave alone what will be past by then.
pub fn publish_season(
    tx: &mut Tx<'_>,
    by: AccountId,
    season: &SeasonCode,
    effective_from: Option<DateTime<Utc>>,
) -> Result<Version, Error> {
    if effective_from.is_some_and(|at| !EFFECT_YEARS.contains(&at.year())) {
        return Err(Error::field("/effective_from", "un instant des années 2000 à 2199 est attendu"));
    }
    let now = tx.now()?;
    // The lock also keeps others from publishing: a season has one draft at a time.
    let draft = db::lock_draft(tx, season)?.ok_or(Error::Refused(Refusal::SeasonNotDraft))?;
    refuse(Refusal::SeasonInvalid, draft.rules.check(season))?;
    let at = effective_from.unwrap_or(now);
    let before = db::latest(tx, season, Some(at))?;
    let after = db::versions_after(tx, season, at, 1)?.pop();
    if at <= now && (before.is_some() || after.is_some()) {
        return Err(Refusal::SeasonRetroactive.into());
    }
    if let Some(before) = before {
        refuse(Refusal::SeasonRetroactive, publication::rewritten_past(&before.rules, &draft.rules, at))?;
    }
    if let Some(after) = after {
        let problems = publication::rewritten_past(&draft.rules, &after.rules, after.effective_from);
        refuse(Refusal::SeasonRetroactive, problems)?;
    }
    let version = db::publish_draft(tx, season, at, by, now)?;
    let details = json!({ "version": version.version, "effective_from": version.effective_from });
    audit::record(tx, "season_published", ("season", season), details)?;
    Ok(version)
}

fn refuse(refusal: Refusal, problems: Vec<RuleProblem>) -> Result<(), Error> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::Fields(refusal, problems.into_iter().map(FieldError::from).collect()))
}

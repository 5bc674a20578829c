//! Rosters: a school's own list of pupils, compared with the requests that name it, and the matches confirmed in one step.
//!
//! Two steps and no state between them: a check says what the file means and names that meaning by a digest (of the file, the season
//! and every outcome with the versions it rests on); applying the same file under that digest does it, or says that something has changed.
//! Pupils without a request are not kept anywhere: of a roster the journal knows counts and the digest.

mod db;
pub mod http;
pub mod matching;
mod names;
pub mod reading;
mod view;

use super::{
    bulk::{Attested, BulkOutcome, attest_many},
    state::EnrolmentState,
};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    kernel::{
        ids::{AccountId, EnrolmentId},
        text::{SeasonCode, Uai},
        words::Level,
    },
    seasons,
};
use aws_lc_rs::digest::{Context, SHA256};
use chrono::TimeDelta;
use data_encoding::HEXLOWER;
use matching::{Candidate, DoubtReason, Finding, Known, Pupil, RowOutcome};
use reading::{Roster, RosterError};
use serde::Serialize;
use serde_json::json;
use std::collections::HashSet;
use utoipa::ToSchema;

/// More confirmations in one step ask for a fresh second factor, as decisions one by one do.
const CONFIRMATIONS_WITHOUT_STEP_UP: usize = 50;
/// How long the check of a department's roster may be relied on by the one who applies it.
const CHECK_LASTS: TimeDelta = TimeDelta::days(7);

checked_text! {
    /// What a check found, as 64 hexadecimal digits.
    RosterDigest, 64..=64, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", |raw, _, _| {
        let is_digest = raw.len() == 64 && raw.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if is_digest { Ok(raw.to_owned()) } else { Err("une empreinte de 64 chiffres hexadécimaux est attendue".to_owned()) }
    }
}

impl RosterDigest {
    fn bytes(&self) -> Vec<u8> {
        HEXLOWER.decode(self.as_str().as_bytes()).unwrap_or_default()
    }
}

impl From<RosterError> for Error {
    fn from(error: RosterError) -> Self {
        Self::RefusedBecause(Refusal::RosterUnreadable, error.to_string())
    }
}

/// Whose pupils a roster tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// A secretary's own collège: rows need not name it.
    College(Uai),
    /// Collèges of the department, each row naming its own.
    Department,
}

impl Scope {
    const fn college(&self) -> Option<&Uai> {
        match self {
            Self::College(uai) => Some(uai),
            Self::Department => None,
        }
    }
}

/// How many rows of each sort a roster has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct RosterCounts {
    /// All rows that are not empty.
    #[schema(example = 512)]
    pub rows: usize,
    /// Matches whose request waits for the collège: what applying confirms.
    #[schema(example = 431)]
    pub to_confirm: usize,
    /// Matches that were confirmed before.
    #[schema(example = 40)]
    pub already_confirmed: usize,
    #[schema(example = 6)]
    pub doubtful: usize,
    /// Rows without any request.
    #[schema(example = 34)]
    pub none: usize,
    #[schema(example = 1)]
    pub unreadable: usize,
    /// Requests that wait for the collège and that no row speaks of.
    #[schema(example = 3)]
    pub missing: usize,
}

/// What a roster means at one instant.
#[derive(Debug)]
pub struct Assessment {
    pub counts: RosterCounts,
    pub digest: RosterDigest,
    pub candidates: Vec<Candidate>,
    /// One for each pupil of the file, in their order.
    pub findings: Vec<Finding>,
    /// Ranks of the candidates that wait and that no row speaks of.
    pub missing: Vec<usize>,
}

/// Compares a roster with the requests of the season. A secretary's look stays within his collège, by the query and by the policies.
pub fn assess(tx: &mut Tx<'_>, season: &SeasonCode, scope: &Scope, roster: &Roster) -> Result<Assessment, Error> {
    // A season that was never published has no requests: it is most likely mistyped.
    seasons::rules_in_force(tx, season)?;
    let candidates = db::candidates(tx, season, scope.college())?;
    let findings = Known::new(&candidates).find_all(&roster.pupils, scope.college());
    let speaks = |finding: &&Finding| finding.reason != Some(DoubtReason::FirstNameDiffers);
    let spoken_of: HashSet<usize> =
        findings.iter().filter(speaks).flat_map(|finding| finding.candidates.iter().copied()).collect();
    // Of the department, the collèges that the file is about.
    let colleges = roster.colleges();
    let is_told = |candidate: &Candidate| scope.college().is_some() || colleges.contains(&candidate.uai);
    let missing: Vec<usize> = (0..)
        .zip(&candidates)
        .filter(|(rank, candidate)| candidate.waits() && !spoken_of.contains(rank) && is_told(candidate))
        .map(|(rank, _)| rank)
        .collect();
    let count = |outcome: RowOutcome| findings.iter().filter(|finding| finding.outcome == outcome).count();
    let matches = count(RowOutcome::Match);
    let to_confirm = findings
        .iter()
        .zip(&roster.pupils)
        .filter(|(finding, pupil)| to_confirm(&candidates, finding, pupil).is_some())
        .count();
    let counts = RosterCounts {
        rows: roster.pupils.len().saturating_add(roster.faults.len()),
        to_confirm,
        already_confirmed: matches.saturating_sub(to_confirm),
        doubtful: count(RowOutcome::Doubtful),
        none: count(RowOutcome::None),
        unreadable: roster.faults.len(),
        missing: missing.len(),
    };
    let digest = digest(season, scope, roster, &candidates, &findings)?;
    Ok(Assessment { counts, digest, candidates, findings, missing })
}

/// The request that a match confirms: it still waits, or was confirmed at another level while its family has not answered.
fn to_confirm<'a>(candidates: &'a [Candidate], finding: &Finding, pupil: &Pupil) -> Option<&'a Candidate> {
    let is_corrected = |candidate: &Candidate| candidate.attested && corrected_level(candidate, pupil).is_some();
    candidates.get(finding.matched()?).filter(|candidate| candidate.waits() || is_corrected(candidate))
}

/// The level at which applying confirms a request that was carried over at another one.
fn corrected_level(candidate: &Candidate, pupil: &Pupil) -> Option<Level> {
    pupil.level.filter(|level| candidate.state == EnrolmentState::ToConfirm && *level != candidate.level)
}

/// Names what a check found: another file, season, outcome or version of a request gives another digest.
fn digest(
    season: &SeasonCode,
    scope: &Scope,
    roster: &Roster,
    candidates: &[Candidate],
    findings: &[Finding],
) -> Result<RosterDigest, Error> {
    let mut hash = Context::new(&SHA256);
    hash.update(b"roster 1");
    hash.update(&roster.fingerprint);
    hash.update(season.as_str().as_bytes());
    // Eight characters each: no two scopes read the same.
    hash.update(scope.college().map_or("--------", Uai::as_str).as_bytes());
    for finding in findings {
        hash.update(finding.outcome.as_str().as_bytes());
        for candidate in finding.candidates.iter().filter_map(|rank| candidates.get(*rank)) {
            hash.update(candidate.enrolment.uuid().as_bytes());
            hash.update(&candidate.version.to_be_bytes());
        }
        hash.update(b"\n");
    }
    HEXLOWER.encode(hash.finish().as_ref()).parse().map_err(Error::internal)
}

/// Checks a roster of the department, and remembers who did: applying it asks for another person.
pub fn check_department_roster(
    tx: &mut Tx<'_>,
    by: AccountId,
    season: &SeasonCode,
    roster: &Roster,
) -> Result<Assessment, Error> {
    let assessment = assess(tx, season, &Scope::Department, roster)?;
    let details = json!({ "season": season, "digest": assessment.digest, "counts": assessment.counts });
    db::insert_check(tx, &assessment.digest, season, &json!(assessment.counts), by)?;
    audit::record(tx, "roster_checked", ("department", tx.place), details)?;
    Ok(assessment)
}

/// What applying a roster did.
#[derive(Debug)]
pub struct Applied {
    pub counts: RosterCounts,
    pub activated: usize,
    /// Confirmed by the collège, not yet by the family.
    pub attested: usize,
    /// Matches of pupils who have their rights by another file: nothing was done for them.
    pub left_out: Vec<EnrolmentId>,
}

/// Confirms the matches of a roster that was checked: all of them, or none when anything has changed since.
pub fn apply_roster(
    tx: &mut Tx<'_>,
    season: &SeasonCode,
    scope: &Scope,
    roster: &Roster,
    checked: &RosterDigest,
    has_fresh_factor: bool,
) -> Result<Applied, Error> {
    let Assessment { counts, digest, candidates, findings, .. } = assess(tx, season, scope, roster)?;
    if digest != *checked {
        return Err(Refusal::RosterChanged.into());
    }
    if counts.to_confirm > CONFIRMATIONS_WITHOUT_STEP_UP && !has_fresh_factor {
        return Err(Refusal::StepUpRequired.into());
    }
    let waiting = findings.iter().zip(&roster.pupils).filter_map(|(finding, pupil)| {
        let Candidate { enrolment, version, .. } = *to_confirm(&candidates, finding, pupil)?;
        Some(Attested { enrolment, version, level: pupil.level })
    });
    let mut attested: Vec<Attested> = waiting.collect();
    // One order for all, whatever the file's: two rosters at once wait for each other instead of crossing.
    attested.sort_by_key(|pupil| pupil.enrolment);
    let outcomes = attest_many(tx, &attested)?;
    // Read, then locked: somebody was faster.
    if outcomes.iter().any(|outcome| matches!(outcome, BulkOutcome::Stale | BulkOutcome::NotWaiting)) {
        return Err(Refusal::RosterChanged.into());
    }
    let count = |wanted: BulkOutcome| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    let left_out = attested.iter().zip(&outcomes).filter(|(_, outcome)| **outcome == BulkOutcome::DuplicatePupil);
    let applied = Applied {
        counts,
        activated: count(BulkOutcome::Activated),
        attested: count(BulkOutcome::Attested),
        left_out: left_out.map(|(pupil, _)| pupil.enrolment).collect(),
    };
    let details = json!({
        "season": season, "digest": digest, "counts": counts, "activated": applied.activated, "attested": applied.attested,
        "left_out": applied.left_out.len(),
    });
    match scope {
        Scope::College(uai) => audit::record(tx, "roster_applied", ("college", uai), details)?,
        Scope::Department => audit::record(tx, "roster_applied", ("department", tx.place), details)?,
    }
    Ok(applied)
}

/// The same for the whole department, provided that another person has checked that very roster lately.
pub fn apply_department_roster(
    tx: &mut Tx<'_>,
    by: AccountId,
    season: &SeasonCode,
    roster: &Roster,
    checked: &RosterDigest,
) -> Result<Applied, Error> {
    let since = tx.now()?.checked_sub_signed(CHECK_LASTS).ok_or_else(|| Error::internal("no instant so early"))?;
    let persons = db::checked_by(tx, checked, since)?;
    if persons.is_empty() {
        return Err(Refusal::RosterNotChecked.into());
    }
    if persons.iter().all(|person| *person == by) {
        return Err(Refusal::SamePerson.into());
    }
    db::allow_long_statements(tx)?;
    apply_roster(tx, season, &Scope::Department, roster, checked, true)
}

//! What a check tells: counts, and the rows a person has to look at.

use super::{
    Applied, Assessment, RosterCounts, RosterDigest, corrected_level,
    matching::{Candidate, DoubtReason, Finding, Pupil, RowOutcome},
    reading::Roster,
};
use crate::{
    enrolments::state::EnrolmentState,
    kernel::{
        ids::EnrolmentId,
        text::{Name, Uai},
        words::Level,
    },
};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

/// Rows told in one answer. A whole collège fits; of a department's file, what is no match comes first.
const ROWS_TOLD: usize = 2_000;
/// Candidates told of one row: with more, the row says too little for a person to choose.
const CANDIDATES_TOLD: usize = 5;

/// A request that a row may speak of.
#[derive(Debug, Serialize, ToSchema)]
pub struct RosterCandidateView {
    pub enrolment_id: EnrolmentId,
    #[schema(example = 2)]
    pub version: i32,
    #[schema(example = "submitted")]
    pub state: EnrolmentState,
    #[schema(example = "6e")]
    pub level: Level,
    pub college_uai: Uai,
    pub last_name: Name,
    pub first_names: Name,
    #[schema(example = "2014-05-17")]
    pub birth_date: NaiveDate,
    /// The collège has confirmed it as it stands; the family has not answered yet.
    #[schema(example = false)]
    pub attested: bool,
}

impl From<&Candidate> for RosterCandidateView {
    fn from(candidate: &Candidate) -> Self {
        let Candidate { enrolment, version, state, level, uai, last_name, first_names, birth_date, attested } =
            candidate.clone();
        Self {
            enrolment_id: enrolment,
            version,
            state,
            level,
            college_uai: uai,
            last_name,
            first_names,
            birth_date,
            attested,
        }
    }
}

/// One row of the file.
#[derive(Debug, Serialize, ToSchema)]
pub struct RosterRowView {
    /// Line of the file (row of the sheet), the first being 1.
    #[schema(example = 12)]
    pub line: u64,
    #[schema(example = "doubtful")]
    pub outcome: RowOutcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "last_name_spelling")]
    pub reason: Option<DoubtReason>,
    /// A French sentence: why the row is doubtful or cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Le nom diffère d'une lettre.")]
    pub detail: Option<&'static str>,
    /// As the file has it; absent when the row cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_names: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2014-05-17")]
    pub birth_date: Option<NaiveDate>,
    /// The level at which applying confirms a match that was carried over at another one: the collège knows better.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "5e")]
    pub corrected_level: Option<Level>,
    /// The request of a match; of a doubtful row those that may be meant, the surest first.
    #[schema(max_items = 5)]
    pub candidates: Vec<RosterCandidateView>,
}

/// What a roster means now.
#[derive(Debug, Serialize, ToSchema)]
pub struct RosterCheckView {
    /// What applying the same file asks for.
    pub digest: RosterDigest,
    pub counts: RosterCounts,
    /// In the order of the file. All of them when they are 2,000 at most; else those that are no match, the first 2,000.
    #[schema(max_items = 2_000)]
    pub rows: Vec<RosterRowView>,
    /// Rows that are not told.
    #[schema(example = 0)]
    pub rows_left_out: usize,
    /// Requests that wait for the collège and that no row speaks of, the first 2,000.
    #[schema(max_items = 2_000)]
    pub missing: Vec<RosterCandidateView>,
}

impl RosterCheckView {
    pub fn new(roster: &Roster, assessment: Assessment) -> Self {
        let Assessment { counts, digest, candidates, findings, missing } = assessment;
        let all = counts.rows <= ROWS_TOLD;
        let told = roster.pupils.iter().zip(&findings).filter(|(_, f)| all || f.outcome != RowOutcome::Match);
        let mut rows: Vec<RosterRowView> =
            told.take(ROWS_TOLD).map(|(pupil, finding)| row(pupil, finding, &candidates)).collect();
        rows.extend(roster.faults.iter().take(ROWS_TOLD).map(|fault| RosterRowView {
            line: fault.line,
            outcome: RowOutcome::Unreadable,
            reason: None,
            detail: Some(fault.detail),
            last_name: None,
            first_names: None,
            birth_date: None,
            corrected_level: None,
            candidates: vec![],
        }));
        rows.sort_by_key(|row| row.line);
        rows.truncate(ROWS_TOLD);
        let missing = missing.iter().filter_map(|rank| candidates.get(*rank)).take(ROWS_TOLD).map(Into::into).collect();
        Self { digest, counts, rows_left_out: counts.rows.saturating_sub(rows.len()), rows, missing }
    }
}

fn row(pupil: &Pupil, finding: &Finding, candidates: &[Candidate]) -> RosterRowView {
    let meant = finding.candidates.iter().filter_map(|rank| candidates.get(*rank));
    let matched = finding.matched().and_then(|rank| candidates.get(rank));
    RosterRowView {
        line: pupil.line,
        outcome: finding.outcome,
        reason: finding.reason,
        detail: finding.reason.map(DoubtReason::sentence),
        last_name: Some(pupil.last_name.clone()),
        first_names: Some(pupil.first_names.clone()),
        birth_date: Some(pupil.birth_date),
        corrected_level: matched.and_then(|candidate| corrected_level(candidate, pupil)),
        candidates: meant.take(CANDIDATES_TOLD).map(Into::into).collect(),
    }
}

/// What applying a roster did.
#[derive(Debug, Serialize, ToSchema)]
pub struct RosterAppliedView {
    pub counts: RosterCounts,
    /// Requests whose rights are open now.
    #[schema(example = 431)]
    pub activated: usize,
    /// Requests that the collège has confirmed and the family has not yet.
    #[schema(example = 0)]
    pub attested: usize,
    /// Matches for whom nothing was done: the pupil has his rights by another file.
    pub left_out: Vec<EnrolmentId>,
}

impl From<Applied> for RosterAppliedView {
    fn from(applied: Applied) -> Self {
        let Applied { counts, activated, attested, left_out } = applied;
        Self { counts, activated, attested, left_out }
    }
}

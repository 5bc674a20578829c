//! What the State told about a request, beside those who decide: the collège reads whether its pupil is known, case workers the scholarship
//! too. A suggestion grants nothing: an agent takes it up, or not.

pub mod http;

use super::{
    db::{self, EnrolmentRow},
    state::EnrolmentState,
    top_up::{self, TopUpEvidence},
};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    fiscal::{
        checks::{self, CheckRow, ScholarshipRow},
        schooling::CivilSex,
    },
    kernel::ids::EnrolmentId,
};
use serde_json::json;

/// A request, and what was asked and told about it.
#[derive(Debug, Clone)]
pub struct Schooling {
    pub enrolment: EnrolmentRow,
    pub check: Option<CheckRow>,
    pub scholarship: Option<ScholarshipRow>,
}

impl Schooling {
    /// Whether the State knows the pupil at the collège that the request names now. `None`: it did not tell.
    #[must_use]
    pub fn is_pupil_of_college(&self) -> Option<bool> {
        let check = self.check.as_ref()?;
        match (check.is_enrolled?, &check.told_uai) {
            (false, _) => Some(false),
            (true, Some(told)) => Some(told == self.enrolment.college_uai.as_str()),
            (true, None) => None,
        }
    }
}

/// For a desk: the policies leave a secretary his own pupils, and nothing of scholarships.
pub fn show_schooling(tx: &mut Tx<'_>, id: EnrolmentId) -> Result<Schooling, Error> {
    let enrolment = db::enrolment(tx, id)?;
    Ok(Schooling { enrolment, check: checks::check(tx, id)?, scholarship: checks::scholarship(tx, id)? })
}

/// For a case worker, with the scholarship: each reading is a line of the journal.
pub fn inspect_schooling(tx: &mut Tx<'_>, id: EnrolmentId) -> Result<Schooling, Error> {
    let shown = show_schooling(tx, id)?;
    audit::record(tx, "schooling_inspected", ("enrolment", id), json!({}))?;
    Ok(shown)
}

/// Puts the question, or puts it again, for a request that its family has submitted.
pub fn ask_schooling(tx: &mut Tx<'_>, id: EnrolmentId, sex: CivilSex) -> Result<Schooling, Error> {
    use EnrolmentState as S;
    let row = db::enrolment(tx, id)?;
    if !matches!(row.state, S::Submitted | S::Confirmed | S::Active | S::Suspended) {
        return Err(Refusal::EnrolmentTransition.into());
    }
    if !checks::queue(tx, id, sex)? {
        return Err(Refusal::SchoolingAsked.into());
    }
    show_schooling(tx, id)
}

/// Takes the State's word for the proof of the scholarship, and credits the top-up. The word must be a clear yes.
pub fn accept_schooling(tx: &mut Tx<'_>, id: EnrolmentId, version: i32) -> Result<EnrolmentRow, Error> {
    db::enrolment(tx, id)?;
    if checks::scholarship(tx, id)?.and_then(|told| told.is_scholar) != Some(true) {
        return Err(Refusal::NoScholarshipTold.into());
    }
    top_up::top_up(tx, id, version, TopUpEvidence::StateService)
}

//! Many pupils confirmed in one step and one transaction: what a roster or an agent says of a whole collège.

use super::{Decision, db, decide_enrolment, state::EnrolmentState};
use crate::{
    db::Tx,
    error::{Error, Refusal},
    kernel::{ids::EnrolmentId, words::Level},
};

/// One pupil a collège knows: the enrolment as it was read, and the level the collège says (None: not told).
pub struct Attested {
    pub enrolment: EnrolmentId,
    pub version: i32,
    pub level: Option<Level>,
}

text_enum! {
    /// What became of one pupil.
    pub enum BulkOutcome {
        /// The rights are open.
        Activated = "activated",
        /// The family has not answered yet: the collège's word is kept.
        Attested = "attested",
        /// Confirmed before.
        Unchanged = "unchanged",
        /// Changed since it was read.
        Stale = "stale",
        /// The same pupil has his rights by another file.
        DuplicatePupil = "duplicate_pupil",
        /// Nothing waits for the collège's word.
        NotWaiting = "not_waiting",
    }
}

/// Confirms each, in the order given.
pub fn attest_many(tx: &mut Tx<'_>, pupils: &[Attested]) -> Result<Vec<BulkOutcome>, Error> {
    pupils.iter().map(|pupil| attest(tx, pupil)).collect()
}

fn attest(tx: &mut Tx<'_>, pupil: &Attested) -> Result<BulkOutcome, Error> {
    match decide_enrolment(tx, pupil.enrolment, pupil.version, &Decision::Confirm) {
        Ok(_) => Ok(BulkOutcome::Activated),
        Err(Error::Refused(Refusal::StaleVersion)) => Ok(BulkOutcome::Stale),
        Err(Error::Refused(Refusal::DuplicatePupil)) => Ok(BulkOutcome::DuplicatePupil),
        Err(Error::Refused(Refusal::EnrolmentTransition)) => {
            let active = db::enrolment(tx, pupil.enrolment)?.state == EnrolmentState::Active;
            Ok(if active { BulkOutcome::Unchanged } else { BulkOutcome::NotWaiting })
        }
        Err(error) => Err(error),
    }
}

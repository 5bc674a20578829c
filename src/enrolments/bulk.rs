//! Many pupils in one step: what a collège says of whole classes, and what becomes active by it. A single confirmation goes the same way.

use super::{
    db::{self, EnrolmentRow},
    state::{EnrolmentEvent, EnrolmentState},
};
use crate::{
    audit,
    cards::{self, Holder},
    db::Tx,
    error::Error,
    kernel::{ids::EnrolmentId, words::Level},
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Enrolments of one statement: far below the patience of a statement.
const STATEMENT_MAX: usize = 5_000;

/// One pupil a collège knows: the enrolment as it was read, and the level the collège says (`None`: not told).
#[derive(Debug, Clone, Copy)]
pub struct Attested {
    pub enrolment: EnrolmentId,
    pub version: i32,
    pub level: Option<Level>,
}

text_enum! {
    /// What a collège's word on a pupil did.
    pub enum BulkOutcome {
        /// The rights are open.
        Activated = "activated",
        /// The family has not answered yet: the rights open when it does.
        Attested = "attested",
        /// The rights were open before.
        Unchanged = "unchanged",
        /// The request changed since it was read.
        Stale = "stale",
        /// The same pupil has his rights through another file.
        DuplicatePupil = "duplicate_pupil",
        /// Nothing that can be confirmed, or another level than the family says.
        NotWaiting = "not_waiting",
    }
}

/// The collège (or an agent) confirms many pupils in one step; outcomes in the order given.
pub fn attest_many(tx: &mut Tx<'_>, pupils: &[Attested]) -> Result<Vec<BulkOutcome>, Error> {
    let ids: Vec<EnrolmentId> = pupils.iter().map(|pupil| pupil.enrolment).collect();
    let rows: BTreeMap<_, _> = db::lock_many(tx, &ids)?.into_iter().map(|row| (row.id, row)).collect();
    let (mut words, mut waiting) = (Vec::new(), Vec::new());
    let mut outcomes = Vec::with_capacity(pupils.len());
    for pupil in pupils {
        let outcome = rows.get(&pupil.enrolment).map_or(BulkOutcome::NotWaiting, |row| outcome(row, pupil));
        match (outcome, rows.get(&pupil.enrolment)) {
            (BulkOutcome::Activated, Some(row)) => waiting.push(row.clone()),
            (BulkOutcome::Attested, Some(row)) => words.push((row, pupil.level.unwrap_or(row.level))),
            _ => {}
        }
        outcomes.push(outcome);
    }
    attest(tx, &words)?;
    let activated = activate(tx, &waiting)?;
    for (outcome, pupil) in outcomes.iter_mut().zip(pupils) {
        if *outcome == BulkOutcome::Activated && !activated.contains(&pupil.enrolment) {
            *outcome = BulkOutcome::DuplicatePupil;
        }
    }
    Ok(outcomes)
}

/// What a collège's word does to a request as it stands, if nobody else has the pupil.
fn outcome(row: &EnrolmentRow, pupil: &Attested) -> BulkOutcome {
    use EnrolmentState as S;
    match row.state {
        _ if row.version != pupil.version => BulkOutcome::Stale,
        S::Submitted if pupil.level.is_none_or(|level| level == row.level) => BulkOutcome::Activated,
        S::ToConfirm => BulkOutcome::Attested,
        S::Confirmed | S::Active | S::Suspended => BulkOutcome::Unchanged,
        S::Submitted | S::Draft | S::Refused | S::Expired => BulkOutcome::NotWaiting,
    }
}

/// Keeps the collège's word on pupils whose families have not answered yet. A level that the collège knows better replaces the one
/// that was carried over.
fn attest(tx: &mut Tx<'_>, words: &[(&EnrolmentRow, Level)]) -> Result<(), Error> {
    if words.is_empty() {
        return Ok(());
    }
    let pairs: Vec<(EnrolmentId, Level)> = words.iter().map(|(row, level)| (row.id, *level)).collect();
    db::attest(tx, &pairs)?;
    let lines: Vec<_> = pairs.iter().map(|(id, level)| (id.to_string(), json!({ "level": level }))).collect();
    audit::record_many(tx, "enrolment_attested", "enrolment", &lines)
}

/// Opens the rights of submitted requests: state, history, wallets and their first movements, journal and word to the family in a few
/// statements; then cards. Returns those done. Left out: whoever is not submitted any more, or has his rights through another file.
pub fn activate(tx: &mut Tx<'_>, rows: &[EnrolmentRow]) -> Result<BTreeSet<EnrolmentId>, Error> {
    let mut done = BTreeSet::new();
    let ids: Vec<EnrolmentId> = rows.iter().map(|row| row.id).collect();
    for some in ids.chunks(STATEMENT_MAX) {
        done.extend(db::activate(tx, some)?);
    }
    let holders: Vec<Holder> = rows
        .iter()
        .filter(|row| done.contains(&row.id))
        .map(|row| Holder {
            child: row.child_id,
            family: row.family_id,
            valid_until: cards::last_day(&row.season, row.level),
        })
        .collect();
    if !holders.is_empty() {
        cards::give(tx, &holders)?;
    }
    Ok(done)
}

/// Whether a request may become active by a collège's word.
pub(super) const fn can_be_confirmed(state: EnrolmentState) -> bool {
    match state.after(EnrolmentEvent::Confirm) {
        Some(confirmed) => confirmed.after(EnrolmentEvent::Activate).is_some(),
        None => false,
    }
}

//! The yearly request of a child: carried over or drafted, submitted by the family, confirmed by the collège, and by that the right to two
//! wallets.

pub mod bulk;
pub mod closing;
pub mod db;
pub mod derogations;
pub mod desk;
pub mod http;
pub mod moves;
pub mod notices;
pub mod on_behalf;
pub mod opening;
pub mod proofs;
pub mod revalidation;
pub mod rosters;
pub mod schooling;
pub mod state;
pub mod top_up;

use crate::{
    audit,
    colleges::{self, College},
    db::Tx,
    error::{Error, Refusal},
    families::{self, Child},
    fiscal::{checks, schooling::CivilSex},
    jobs::{self, Job},
    kernel::{
        ids::{ChildId, EnrolmentId},
        text::{Code, Note, SeasonCode},
        time,
        words::{GrantKind, Level, SchoolKind},
    },
    seasons::{
        self,
        eligibility::{SchoolFacts, Situation, Verdict, decide},
        rules::SeasonRules,
    },
};
use bulk::Attested;
use db::EnrolmentRow;
use derogations::Waiver;
use serde_json::json;
use state::{EnrolmentEvent, EnrolmentState, RefusalReason};

/// The school of a request, as the directory knows it.
#[derive(Debug, Clone)]
pub struct School {
    pub college: College,
    /// Whether its department runs this service too.
    pub served: bool,
}

/// What a family asks for a child and a season.
#[derive(Debug, Clone)]
pub struct Request {
    pub school: School,
    pub level: Level,
    pub formula: Code,
    pub declares_scholarship: bool,
    pub ase: bool,
}

/// What a secretary or an agent answers.
#[derive(Debug, Clone)]
pub enum Decision {
    Confirm,
    Refuse { reason: RefusalReason, note: Option<Note> },
}

/// A school outside the department's network: an agent decides on documents.
fn is_in_network(tx: &Tx<'_>, college: &College) -> bool {
    college.department == tx.place && college.kind != SchoolKind::PrivateOutsideContract
}

fn check_request(tx: &Tx<'_>, rules: &SeasonRules, school: &School, formula: &Code) -> Result<(), Error> {
    if !school.college.open {
        return Err(Refusal::UnknownCollege.into());
    }
    // Both departments may match a child; only one of them pays.
    if rules.school_department_pays && school.served && school.college.department != tx.place {
        return Err(Refusal::OtherDepartmentPays.into());
    }
    if rules.amounts_of(formula, GrantKind::Base).is_none() {
        return Err(Refusal::UnknownFormula.into());
    }
    Ok(())
}

/// Starts a request. It binds nobody until it is submitted.
pub fn draft(tx: &mut Tx<'_>, child: ChildId, season: &SeasonCode, request: &Request) -> Result<EnrolmentRow, Error> {
    let child = families::child(tx, child)?;
    families::require_full_rights(tx, child.family_id)?;
    let rules = seasons::rules_in_force(tx, season)?;
    check_request(tx, &rules, &request.school, &request.formula)?;
    let in_network = is_in_network(tx, &request.school.college);
    let row = db::insert(tx, &child, season, request, in_network)?;
    db::insert_event(tx, &row, "draft", None)?;
    audit::record(tx, "enrolment_drafted", ("enrolment", row.id), json!({ "child_id": child.id, "season": season }))?;
    Ok(row)
}

/// The row, locked for a guardian with full rights. The rights come first: to one who may only consult, the lock would say that
/// there is nothing.
fn lock_as_family(tx: &mut Tx<'_>, id: EnrolmentId, version: i32) -> Result<EnrolmentRow, Error> {
    let family = db::enrolment(tx, id)?.family_id;
    families::require_full_rights(tx, family)?;
    db::lock(tx, id, version)
}

/// Changes a request that is still, or again, in the family's hands.
pub fn edit(tx: &mut Tx<'_>, id: EnrolmentId, version: i32, request: &Request) -> Result<EnrolmentRow, Error> {
    let row = lock_as_family(tx, id, version)?;
    if !row.state.is_editable() {
        return Err(Refusal::EnrolmentTransition.into());
    }
    let rules = seasons::rules_in_force(tx, &row.season)?;
    check_request(tx, &rules, &request.school, &request.formula)?;
    let in_network = is_in_network(tx, &request.school.college);
    let row = db::rewrite(tx, &row, request, in_network)?;
    audit::record(tx, "enrolment_edited", ("enrolment", id), json!({}))?;
    Ok(row)
}

/// Refuses before the season opens, and after the child's deadline unless a person gave more time.
fn require_in_time(tx: &mut Tx<'_>, rules: &SeasonRules, child: &Child, season: &SeasonCode) -> Result<(), Error> {
    let today = time::paris_date(tx.now()?);
    if today < rules.opens_on {
        let because = format!("Les inscriptions ouvrent le {}.", rules.opens_on.format("%d/%m/%Y"));
        return Err(Error::RefusedBecause(Refusal::SeasonClosed, because));
    }
    let deadline = rules.deadline_for(child.birth_date).ok_or(Error::Refused(Refusal::SeasonClosed))?;
    if today > deadline.until && !derogations::is_waived(tx, child.id, season, Waiver::Deadline)? {
        let because = format!("La date limite ({}) était le {}.", deadline.label, deadline.until.format("%d/%m/%Y"));
        return Err(Error::RefusedBecause(Refusal::DeadlinePassed, because));
    }
    Ok(())
}

/// The first rule of the season that the child fulfils; a refusal tells what fails under each.
fn entitling_rule(rules: &SeasonRules, situation: &Situation) -> Result<Code, Error> {
    match decide(&rules.eligibility, situation) {
        Verdict::Eligible { rule, .. } => Ok(rule),
        refused @ Verdict::Refused { .. } => Err(Error::RefusedBecause(Refusal::NotEligible, refused.explain())),
    }
}

/// Sends the request to the collège, when the season is open, the deadline not passed and a rule of the season fits the child. With the
/// sex that its service wants, the State is asked about the pupil, later and without holding anything up.
pub fn submit(
    tx: &mut Tx<'_>,
    id: EnrolmentId,
    version: i32,
    school: &School,
    sex: Option<CivilSex>,
) -> Result<EnrolmentRow, Error> {
    let college = &school.college;
    let row = lock_as_family(tx, id, version)?;
    // The collège was read before the lock: the request may have been written anew meanwhile.
    if row.college_uai != college.uai {
        return Err(Refusal::StaleVersion.into());
    }
    let next = row.state.after(EnrolmentEvent::Submit).ok_or(Error::Refused(Refusal::EnrolmentTransition))?;
    let rules = seasons::rules_in_force(tx, &row.season)?;
    let child = families::child(tx, row.child_id)?;
    require_in_time(tx, &rules, &child, &row.season)?;
    // A draft may be older than the rules and what is known of the collège.
    check_request(tx, &rules, school, &row.formula)?;
    let situation = Situation {
        residence: child.residence,
        school: SchoolFacts { department: college.department, kind: college.kind },
        level: row.level,
        birth_date: child.birth_date,
        ase: row.ase,
    };
    let rule = match entitling_rule(&rules, &situation) {
        Err(error) if !derogations::is_waived(tx, child.id, &row.season, Waiver::Eligibility)? => return Err(error),
        Err(_) => derogations::RULE.parse().map_err(Error::internal)?,
        Ok(rule) => rule,
    };
    let in_network = is_in_network(tx, college);
    let was_refused = row.state == EnrolmentState::Refused;
    let row = db::submitted(tx, &row, next, &rule, in_network)?;
    db::insert_event(tx, &row, EnrolmentEvent::Submit.as_str(), None)?;
    if was_refused {
        let since = tx.now()?;
        jobs::enqueue(tx, &Job::CanteenReturn { enrolment: id, since })?;
    }
    audit::record(tx, "enrolment_submitted", ("enrolment", id), json!({ "rule": rule }))?;
    let body = format!(
        "Bonjour,\n\nVotre demande d'inscription pour la saison {} est reçue : le {} la confirme, puis les droits s'ouvrent. Votre espace \
         dit où elle en est.\n\nPass+",
        row.season,
        colleges::called(row.college_name.as_str())
    );
    families::notify_of(tx, (row.family_id, row.child_id), "Demande d'inscription reçue", &body)?;
    if let Some(sex) = sex {
        checks::queue(tx, id, sex)?;
    }
    // The collège may have spoken first. What it cannot settle (the same pupil in another file) stays with its desk.
    if db::is_attested(tx, &row)? && bulk::activate(tx, std::slice::from_ref(&row))?.contains(&id) {
        return db::enrolment(tx, id);
    }
    Ok(row)
}

/// Confirms, and by that activates and grants, at once or when the family has answered; or refuses with a reason that the family reads.
pub fn decide_enrolment(
    tx: &mut Tx<'_>,
    id: EnrolmentId,
    version: i32,
    decision: &Decision,
) -> Result<EnrolmentRow, Error> {
    let row = db::lock(tx, id, version)?;
    let transition = || Error::Refused(Refusal::EnrolmentTransition);
    match decision {
        Decision::Confirm if row.state == EnrolmentState::ToConfirm => {
            bulk::attest_many(tx, &[Attested { enrolment: id, version, level: None }])?;
            db::enrolment(tx, id)
        }
        Decision::Confirm => {
            if !bulk::can_be_confirmed(row.state) {
                return Err(transition());
            }
            if bulk::activate(tx, &[row])?.is_empty() {
                return Err(Refusal::DuplicatePupil.into());
            }
            db::enrolment(tx, id)
        }
        Decision::Refuse { reason, note } => {
            let refused = row.state.after(EnrolmentEvent::Refuse).ok_or_else(transition)?;
            let row = db::decided(tx, &row, refused, Some((*reason, note.as_ref())))?;
            let said = note.as_ref().map_or_else(|| reason.sentence(), Note::as_str);
            db::insert_event(tx, &row, EnrolmentEvent::Refuse.as_str(), Some(said))?;
            audit::record(tx, "enrolment_refused", ("enrolment", id), json!({ "reason": reason }))?;
            let body = format!(
                "Bonjour,\n\nLa demande d'inscription de votre enfant pour la saison {} n'a pas été confirmée par le \
                 {} : {said}\nVous pouvez la corriger et la soumettre à nouveau.\n\nPass+",
                row.season,
                colleges::called(row.college_name.as_str())
            );
            families::notify_of(tx, (row.family_id, row.child_id), "Inscription à corriger", &body)?;
            Ok(row)
        }
    }
}

/// Suspends an active enrolment (its wallets pay nothing meanwhile), or takes the suspension away.
pub fn move_by_agent(
    tx: &mut Tx<'_>,
    id: EnrolmentId,
    version: i32,
    event: EnrolmentEvent,
    note: &Note,
) -> Result<EnrolmentRow, Error> {
    let row = db::lock(tx, id, version)?;
    let next = row.state.after(event).ok_or(Error::Refused(Refusal::EnrolmentTransition))?;
    let row = db::moved(tx, &row, next)?;
    db::insert_event(tx, &row, event.as_str(), Some(note.as_str()))?;
    audit::record(tx, "enrolment_moved", ("enrolment", id), json!({ "event": event }))?;
    let (what, subject) = if event == EnrolmentEvent::Suspend {
        ("est suspendue", "Inscription suspendue")
    } else {
        ("est rétablie", "Inscription rétablie")
    };
    let body =
        format!("Bonjour,\n\nL'inscription de votre enfant pour la saison {} {what} : {note}\n\nPass+", row.season);
    families::notify_of(tx, (row.family_id, row.child_id), subject, &body)?;
    // A proof may have been accepted during the suspension.
    top_up::give_if_proven(tx, &row)?;
    Ok(row)
}

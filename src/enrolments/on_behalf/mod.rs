//! A family enrolled by its collège's secretary: file, guardian, child and request in one step, confirmed at once. The family is told and
//! enters its file with the letter's code. Nothing optional starts before it has said so itself: no consent is recorded here.

mod db;
pub mod http;

use super::{
    bulk,
    db::{self as requests, EnrolmentRow},
    entitling_rule, is_in_network,
};
use crate::{
    audit,
    colleges::{self, College},
    db::Tx,
    error::{Error, Refusal},
    families::{self, children, guardians::Sender},
    jobs::{self, Job},
    kernel::{
        crypto::{random_token, sha256},
        department::Department,
        ids::{ChildId, EnrolmentId, FamilyId, GuardianId},
        text::{Code, Email, Name, Phone, SeasonCode},
        time,
        words::{GrantKind, Level},
    },
    mail::Letter,
    seasons::{
        self,
        eligibility::{SchoolFacts, Situation},
    },
};
use chrono::{NaiveDate, TimeDelta};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

/// How long the family may take to enter its file; an agent writes to it again later.
const INVITATION_TTL: TimeDelta = TimeDelta::days(60);

/// A family and its child, as they stand before the secretary.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EnrolOnBehalf)]
pub struct NewPupil {
    pub season: SeasonCode,
    pub guardian_first_names: Name,
    pub guardian_last_name: Name,
    /// Where the family is told, with the code that opens its file.
    pub email: Email,
    pub phone: Option<Phone>,
    pub first_names: Name,
    pub last_name: Name,
    #[schema(example = "2014-05-17")]
    pub birth_date: NaiveDate,
    /// Department where the child lives.
    pub residence: Department,
    #[schema(example = "6e")]
    pub level: Level,
    /// One of the season's formulas, as the family chooses it.
    pub formula: Code,
    #[schema(example = false)]
    pub declares_scholarship: bool,
}

/// The ids of what is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewIds {
    pub family: FamilyId,
    pub guardian: GuardianId,
    pub child: ChildId,
    pub enrolment: EnrolmentId,
}

/// Enrols the family's child at the secretary's collège and opens its rights. Refused when the department knows the pupil already: then its
/// family asks itself, or his arrival is recorded.
pub fn enrol_on_behalf(
    tx: &mut Tx<'_>,
    new: &NewPupil,
    college: &College,
    sender: &Sender,
) -> Result<EnrolmentRow, Error> {
    let now = tx.now()?;
    let today = time::paris_date(now);
    let rules = seasons::rules_in_force(tx, &new.season)?;
    if !college.open || !is_in_network(tx, college) {
        return Err(Refusal::UnknownCollege.into());
    }
    if today < rules.opens_on {
        return Err(Refusal::SeasonClosed.into());
    }
    if rules.deadline_for(new.birth_date).is_none_or(|deadline| today > deadline.until) {
        return Err(Refusal::DeadlinePassed.into());
    }
    children::require_plausible(new.birth_date, today)?;
    if rules.amounts_of(&new.formula, GrantKind::Base).is_none() {
        return Err(Refusal::UnknownFormula.into());
    }
    let situation = Situation {
        residence: new.residence,
        school: SchoolFacts { department: college.department, kind: college.kind },
        level: new.level,
        birth_date: new.birth_date,
        ase: false,
    };
    let rule = entitling_rule(&rules, &situation)?;
    let ids = NewIds {
        family: FamilyId::generate(),
        guardian: GuardianId::generate(),
        child: ChildId::generate(),
        enrolment: EnrolmentId::generate(),
    };
    let code = random_token();
    let invitation = (sha256(code.as_bytes()), now.checked_add_signed(INVITATION_TTL).unwrap_or(now));
    if !db::insert_on_behalf(tx, ids, new, &invitation, college, &rule)? {
        return Err(Refusal::PupilKnown.into());
    }
    let row = requests::enrolment(tx, ids.enrolment)?;
    requests::insert_event(tx, &row, "on_behalf", None)?;
    let details = json!({ "family_id": ids.family, "child_id": ids.child, "season": new.season, "rule": rule });
    audit::record(tx, "enrolled_on_behalf", ("enrolment", ids.enrolment), details)?;
    jobs::enqueue(tx, &Job::Letter(letter(new, college, sender, &code)))?;
    if bulk::activate(tx, std::slice::from_ref(&row))?.is_empty() {
        return Err(Refusal::DuplicatePupil.into());
    }
    requests::enrolment(tx, ids.enrolment)
}

/// What the family is told. The child is named by its collège only: the address may have been mistyped.
fn letter(new: &NewPupil, college: &College, sender: &Sender, code: &str) -> Letter {
    let Sender { public_url, department_name } = sender;
    let text = format!(
        "Le {} vous a inscrits à Pass+ pour la saison {} : votre enfant a ses porte-monnaie et sa carte.\n\nPour ouvrir votre dossier, \
         identifiez-vous sur {public_url}, ou créez d'abord votre compte, puis saisissez ce code :\n\n{code}\n\nIl sert une seule fois, \
         pendant soixante jours. Rien d'autre n'est fait en votre nom : nouvelles par courriel ou SMS, photo et cantine attendent \
         votre accord dans votre espace. Si ce message ne vous concerne pas, prévenez le collège.",
        colleges::called(college.name.as_str()),
        new.season
    );
    Letter {
        to: new.email.clone(),
        subject: "Pass+ : votre collège vous a inscrits".to_owned(),
        body: families::signed(&text, department_name),
    }
}

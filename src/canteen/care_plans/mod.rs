//! Care plans (*projets d'accueil individualisés*): what the kitchen has to do for a child, and whether the family brings the meal. Never the
//! illness: nobody asks for it, and nobody is told. The measures are sealed, and each reading of them is journalled.

mod db;
pub mod http;

pub use db::{CarePlanRow, open_measures};

use super::{enrolments, services};
use crate::{
    audit,
    db::Tx,
    enrolments::{self as requests, state::EnrolmentState as RequestState},
    error::{Error, Refusal},
    families,
    jobs::{self, Job},
    kernel::{
        actor::Actor,
        ids::{AccountId, CarePlanId, ChildId},
        text::{Note, SeasonCode},
        time::paris_date,
    },
};
use chrono::NaiveDate;
use serde_json::json;

/// Plans forgotten in one transaction.
const FORGET_MAX: i64 = 5_000;

/// What the school's doctor and the family agreed on.
#[derive(Debug, Clone)]
pub struct NewCarePlan {
    pub season: SeasonCode,
    pub measures: Note,
    pub own_meal: bool,
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
}

/// Records the care plan of a pupil of the secretary's collège, or of any for an agent.
pub fn record(tx: &mut Tx<'_>, by: AccountId, child: ChildId, new: &NewCarePlan) -> Result<CarePlanRow, Error> {
    let today = paris_date(tx.now()?);
    // A plan is made for a school year, and is kept by the collège that the child attends in it.
    if !new.season.holds(new.starts_on) {
        return Err(Error::field("/starts_on", "un jour de la saison, du 1er septembre au 31 août, est attendu"));
    }
    if new.ends_on < new.starts_on || new.ends_on < today || !new.season.holds(new.ends_on) {
        return Err(Error::field("/ends_on", "un jour à venir de la saison, après le début, est attendu"));
    }
    let child = families::child(tx, child)?;
    services::require_canteen(tx)?;
    let requests = requests::db::of_child(tx, child.id)?;
    let request = requests.into_iter().find(|request| {
        request.season == new.season
            && matches!(request.state, RequestState::Submitted | RequestState::Confirmed | RequestState::Active)
    });
    let college = request.ok_or(Error::Refused(Refusal::CanteenRequestNeeded))?.college_uai;
    if matches!(&tx.caller.actor, Actor::Secretary { college: own, .. } if *own != college) {
        return Err(Refusal::NotFound.into());
    }
    let plan = db::insert(tx, by, &child, &college, new)?;
    audit::record(tx, "care_plan_recorded", ("care_plan", plan.id), json!({ "child_id": child.id }))?;
    let body = format!(
        "Bonjour,\n\nUn projet d'accueil a été enregistré pour la cantine de votre enfant, du {} au {}. Il dit à la cuisine ce \
         qu'elle doit faire, jamais pourquoi. Vous pouvez le relire dans votre espace.\n\nPass+",
        new.starts_on.format("%d/%m/%Y"),
        new.ends_on.format("%d/%m/%Y")
    );
    families::notify_of(tx, (child.family_id, child.id), "Projet d'accueil à la cantine", &body)?;
    set_rates_again(tx, child.id, new.starts_on.max(today))?;
    Ok(plan)
}

/// The plans of a child, the last recorded first, for the family and those who keep them. Whoever reads is journalled.
pub fn list(tx: &mut Tx<'_>, child: ChildId) -> Result<Vec<CarePlanRow>, Error> {
    families::child(tx, child)?;
    let plans = db::of_child(tx, child)?;
    for plan in &plans {
        audit::record(tx, "care_plan_viewed", ("child", child), json!({ "care_plan_id": plan.id }))?;
    }
    Ok(plans)
}

/// Ends a plan before its day.
pub fn end(tx: &mut Tx<'_>, by: AccountId, id: CarePlanId) -> Result<CarePlanRow, Error> {
    let plan = db::plan(tx, id)?;
    if plan.ended_at.is_some() {
        return Err(Refusal::CarePlanEnded.into());
    }
    let ended = db::end(tx, by, id)?.ok_or(Error::Refused(Refusal::NotFound))?;
    audit::record(tx, "care_plan_ended", ("care_plan", id), json!({ "child_id": ended.child_id }))?;
    let today = paris_date(tx.now()?);
    set_rates_again(tx, ended.child_id, today)?;
    Ok(ended)
}

/// Forgets plans whose school year is over. Returns how many; there may be more.
pub fn forget_past(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let today = paris_date(tx.now()?);
    db::delete_past(tx, today, FORGET_MAX)
}

/// A meal that the family brings has another price. The service sets it: who records the plan may not see it.
fn set_rates_again(tx: &mut Tx<'_>, child: ChildId, from: NaiveDate) -> Result<(), Error> {
    for row in enrolments::db::of_person(tx, child.into())? {
        if row.state == enrolments::CanteenEnrolmentState::Active {
            jobs::enqueue(tx, &Job::CanteenRate { enrolment: row.id, from, is_new_week: false })?;
        }
    }
    Ok(())
}

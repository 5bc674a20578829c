//! What each diner pays, from which day on, and why. A rate is computed from the grid in force and from what is known of the diner's means;
//! it is set anew, from a day on, when either changes, and what was set for the days before stays.
//!
//! Means are sealed, and emptied with the figures of the explanation when the season is over; the price and its steps stay for the bill.

mod db;

pub use db::RateRow;

use super::{
    enrolments::{self, CanteenEnrolment},
    tariffs::{self, Attendance, Means, Situation, Unknown, price},
};
use crate::{
    audit,
    db::Tx,
    error::Error,
    kernel::{
        actor::Actor,
        ids::{AccountId, CanteenEnrolmentId, DinerId, FamilyId, IncomeRequestId, MeansId, RateId},
        text::{Code, SeasonCode},
    },
};
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{collections::BTreeSet, fmt};

/// Enrolments whose rates follow a new grid in one transaction.
const GRIDS_BATCH: i64 = 200;
/// Means and figures emptied in one transaction.
const PURGE_MAX: i64 = 5_000;

text_enum! {
    /// Where means come from.
    pub enum MeansSource {
        /// API Impôt Particulier.
        TaxAdministration = "tax_administration",
        /// The CAF or the MSA, by API Particulier.
        FamilyBenefits = "family_benefits",
        /// A document that an agent read.
        Document = "document",
        /// A pay slip of an adult.
        PaySlip = "pay_slip",
        /// An agent found nothing that would change the price.
        Nothing = "nothing",
    }
}

/// What is known of a diner. Sealed where it is kept; its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    pub means: Means,
    /// Proven statuses, by their codes in the grids.
    pub statuses: Vec<Code>,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Known(***)")
    }
}

/// Whose means they are, for which season and from which day on, and who says so.
#[derive(Debug, Clone)]
pub struct Origin {
    pub diner: DinerId,
    /// Of a pupil.
    pub family: Option<FamilyId>,
    pub season: SeasonCode,
    pub starts_on: NaiveDate,
    pub source: MeansSource,
    pub request: Option<IncomeRequestId>,
    /// The agent; none when an administration answered.
    pub decided_by: Option<AccountId>,
}

/// Keeps what was learnt of a diner's means. The rate follows with `refresh`.
pub fn learn(tx: &mut Tx<'_>, origin: &Origin, known: &Known) -> Result<MeansId, Error> {
    let id = db::insert_means(tx, origin, known)?;
    let details = json!({ "diner_id": origin.diner, "season": origin.season, "source": origin.source });
    audit::record(tx, "canteen_means_learnt", ("canteen_means", id), details)?;
    Ok(id)
}

/// Sets the rates of an enrolment anew from a day on, where they differ from those that are set: on that day, and on each later day on
/// which a grid, the means or a care plan change. Returns the rate of the first day. Callers must be able to see the means: never a secretary.
pub fn refresh(tx: &mut Tx<'_>, enrolment: &CanteenEnrolment, from: NaiveDate) -> Result<RateRow, Error> {
    let from = from.max(enrolment.starts_on);
    let means = db::means(tx, enrolment.person_id, &enrolment.season)?;
    let plan = db::care_plan(tx, enrolment.person_id)?;
    let day_after = |day: NaiveDate| day.checked_add_days(Days::new(1));
    let mut days: BTreeSet<NaiveDate> = means.iter().map(|one| one.starts_on).collect();
    days.extend(db::grid_starts(tx, enrolment.diner)?);
    days.extend(db::rates(tx, enrolment.person_id, &enrolment.season)?.iter().map(|rate| rate.starts_on));
    days.extend(plan.iter().flat_map(|plan| [Some(plan.starts_on), day_after(plan.ends_on)]).flatten());
    days.retain(|day| from < *day && *day <= enrolment.ends_on);
    days.insert(from);
    let mut first = None;
    for day in days {
        let known = means.iter().rfind(|one| one.starts_on <= day);
        let own_meal = plan.as_ref().is_some_and(|plan| plan.own_meal && plan.starts_on <= day && day <= plan.ends_on);
        let unasked = Means::Unknown { because: Unknown::NotRequested };
        let situation = Situation {
            means: known.map_or(unasked, |one| one.known.means.clone()),
            statuses: known.map(|one| one.known.statuses.clone()).unwrap_or_default(),
            attendance: Attendance::Enrolled { days_a_week: enrolment.weekdays.a_week() },
            own_meal,
        };
        let explained = price(&tariffs::tariff_on(tx, enrolment.diner, day)?, &situation);
        let rate = db::set_rate(tx, enrolment, day, &explained, known.map(|one| one.id))?;
        first.get_or_insert(rate);
    }
    first.ok_or_else(|| Error::internal("a rate has a first day"))
}

/// Sets the rate of an enrolment anew: for those who may not see it themselves.
pub fn refresh_later(tx: &mut Tx<'_>, id: CanteenEnrolmentId, from: NaiveDate) -> Result<(), Error> {
    let enrolment = enrolments::db::enrolment(tx, id)?;
    if enrolment.state == enrolments::CanteenEnrolmentState::Active && from <= enrolment.ends_on {
        refresh(tx, &enrolment, from)?;
    }
    Ok(())
}

/// Sets the rates of enrolments in whose time another grid begins. Returns how many; there may be more.
pub fn follow_grids(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let due = db::without_rate_of_a_grid(tx, GRIDS_BATCH)?;
    for (id, from) in &due {
        refresh_later(tx, *id, *from)?;
    }
    Ok(due.len())
}

/// The rates of a diner for a season, in the order in which they begin. Of two of one day the last holds.
pub fn rates(tx: &mut Tx<'_>, diner: DinerId, season: &SeasonCode) -> Result<Vec<RateRow>, Error> {
    db::rates(tx, diner, season)
}

/// The rates of a diner for a season as the caller may read them: see [`secret_of`].
pub fn readable_rates(tx: &mut Tx<'_>, diner: DinerId, season: &SeasonCode) -> Result<Vec<RateRow>, Error> {
    let mut rows = db::rates(tx, diner, season)?;
    let ids: Vec<RateId> = rows.iter().map(|rate| rate.id).collect();
    let secret = secret_of(tx, &ids)?;
    for rate in rows.iter_mut().filter(|rate| secret.contains(&rate.id)) {
        rate.explained = rate.explained.clone().without_means();
    }
    Ok(rows)
}

/// Of these rates, those whose explanation tells the caller the means of somebody else: a guardian reads what follows from his own request,
/// of another's only the price; agents read all.
pub fn secret_of(tx: &mut Tx<'_>, rates: &[RateId]) -> Result<BTreeSet<RateId>, Error> {
    let Actor::Guardian { account } = tx.caller.actor else { return Ok(BTreeSet::new()) };
    let askers = db::askers(tx, rates)?;
    Ok(askers.into_iter().filter(|(_, asker)| *asker != Some(account)).map(|(id, _)| id).collect())
}

/// The rate of a day, of those of a season.
#[must_use]
pub fn rate_of(rates: &[RateRow], day: NaiveDate) -> Option<&RateRow> {
    rates.iter().rfind(|rate| rate.starts_on <= day)
}

/// Empties means and figures of seasons that are over. Returns how many; there may be more.
pub fn purge(tx: &mut Tx<'_>) -> Result<usize, Error> {
    db::purge(tx, PURGE_MAX)
}

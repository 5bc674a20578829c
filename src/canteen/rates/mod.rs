//! What each diner pays, from which day on, and why. A rate is computed from the grid in force and from what is known of the diner's means;
//! it is set anew, from a day on, when either changes, and what was set for the days before stays.
//!
//! Means are sealed, and emptied with the figures of the explanation when the season is over; the price and its steps stay for the bill.

mod db;

pub use db::RateRow;

use super::{
    enrolments::{self, CanteenEnrolment},
    tariffs::{self, Attendance, Means, Situation, Unknown, explained::PriceUnit, price},
};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    families,
    kernel::{
        actor::Actor,
        ids::{AccountId, CanteenEnrolmentId, DinerId, FamilyId, IncomeRequestId, MeansId, RateId},
        text::{Code, SeasonCode},
        time::paris_date,
    },
};
use chrono::{DateTime, NaiveDate, Utc};
use db::NewRate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

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

/// The days after that one on which something was learnt of a diner's means.
pub fn learnt_after(
    tx: &mut Tx<'_>,
    diner: DinerId,
    season: &SeasonCode,
    day: NaiveDate,
) -> Result<BTreeSet<NaiveDate>, Error> {
    let days = db::means(tx, diner, season)?.into_iter().map(|one| one.starts_on);
    Ok(days.filter(|later| day < *later).collect())
}

/// Sets the rates of an enrolment anew from a day on, where they differ from those that are set: on that day, and on each later day on
/// which a grid, the means or a care plan change. Each day keeps the days a week it was set for. Returns the rate of the first day. Callers
/// must be able to see the means: never a secretary.
pub fn refresh(tx: &mut Tx<'_>, enrolment: &CanteenEnrolment, from: NaiveDate) -> Result<RateRow, Error> {
    set(tx, enrolment, from, false)
}

/// As [`refresh`], for the enrolment's own days a week, which hold from that day on.
pub fn refresh_week(tx: &mut Tx<'_>, enrolment: &CanteenEnrolment, from: NaiveDate) -> Result<RateRow, Error> {
    set(tx, enrolment, from, true)
}

fn set(tx: &mut Tx<'_>, enrolment: &CanteenEnrolment, from: NaiveDate, is_new_week: bool) -> Result<RateRow, Error> {
    let from = from.max(enrolment.starts_on);
    let (diner, season) = (enrolment.person_id, &enrolment.season);
    // Each reads what the other has learnt.
    tx.take_turns(format_args!("canteen rates {diner}"))?;
    let means = db::means(tx, diner, season)?;
    let own_meals = db::own_meals(tx, diner)?;
    let mut rates = db::rates(tx, diner, season)?;
    let mut days: BTreeSet<NaiveDate> = means.iter().map(|one| one.starts_on).collect();
    days.extend(db::grid_starts(tx, enrolment.diner)?);
    days.extend(rates.iter().map(|rate| rate.starts_on));
    days.extend(own_meals.iter().flat_map(|own| [Some(own.first), own.last.succ_opt()]).flatten());
    days.retain(|day| from < *day && *day <= enrolment.ends_on);
    days.insert(from);
    let week_before = |day| rate_of(&rates, day).and_then(|rate| rate.days_a_week).filter(|_| !is_new_week);
    let days: Vec<_> = days.into_iter().map(|day| (day, week_before(day))).collect();
    for (day, week_before) in days {
        let days_a_week = week_before.unwrap_or_else(|| enrolment.weekdays.a_week());
        let tariff = match tariffs::tariff_on(tx, enrolment.diner, day) {
            // Between two grids nothing is priced: the days around are.
            Err(Error::Refused(Refusal::NoTariff)) if from < day => continue,
            tariff => tariff?,
        };
        let known = means.iter().rfind(|one| one.starts_on <= day);
        let unasked = Means::Unknown { because: Unknown::NotRequested };
        let situation = Situation {
            means: known.map_or(unasked, |one| one.known.means.clone()).read_by(tariff.grid()),
            statuses: known.map(|one| one.known.statuses.clone()).unwrap_or_default(),
            attendance: Attendance::Enrolled { days_a_week },
            own_meal: own_meals.iter().any(|own| own.first <= day && day <= own.last),
        };
        let explained = price(&tariff, &situation);
        let new = NewRate { starts_on: day, explained, means: known.map(|one| one.id), days_a_week };
        if !rate_of(&rates, day).is_some_and(|rate| new.is(rate)) {
            let rate = db::set_rate(tx, enrolment, new)?;
            // The last of its day.
            rates.insert(rates.partition_point(|other| other.starts_on <= day), rate);
        }
    }
    rate_of(&rates, from).cloned().ok_or_else(|| Error::internal("a rate has a first day"))
}

/// Sets the rate of an enrolment anew, with its own days a week if they are new: for those who may not see it themselves.
pub fn refresh_later(tx: &mut Tx<'_>, id: CanteenEnrolmentId, from: NaiveDate, is_new_week: bool) -> Result<(), Error> {
    let enrolment = enrolments::db::enrolment(tx, id)?;
    if enrolment.state == enrolments::CanteenEnrolmentState::Active && from <= enrolment.ends_on {
        set(tx, &enrolment, from, is_new_week)?;
    }
    Ok(())
}

/// Sets the rates of enrolments in whose time another grid begins. Returns how many; there may be more.
pub fn follow_grids(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let due = db::without_rate_of_a_grid(tx, GRIDS_BATCH)?;
    for (id, from) in &due {
        let enrolment = enrolments::db::enrolment(tx, *id)?;
        let before = db::rates(tx, enrolment.person_id, &enrolment.season)?;
        refresh_later(tx, *id, *from, false)?;
        tell_new_price(tx, &enrolment, &before)?;
    }
    Ok(due.len())
}

/// Tells a family the first day to come on which a new grid gives its child another price.
fn tell_new_price(tx: &mut Tx<'_>, enrolment: &CanteenEnrolment, before: &[RateRow]) -> Result<(), Error> {
    let Some(family) = enrolment.family_id else { return Ok(()) };
    let today = paris_date(tx.now()?);
    let after = db::rates(tx, enrolment.person_id, &enrolment.season)?;
    let changed = after.iter().map(|rate| rate.starts_on.max(today)).find_map(|day| {
        let (old, new) = (rate_of(before, day)?, rate_of(&after, day)?);
        (old.cents != new.cents).then_some((day, old, new))
    });
    let Some((day, old, new)) = changed else { return Ok(()) };
    let body = format!(
        "Bonjour,\n\nLe tarif de la cantine change à partir du {}.\nPrix avant : {}.\nPrix ensuite : {}.\nLe calcul est expliqué dans \
         votre espace.\n\nPass+",
        day.format("%d/%m/%Y"),
        old.price(),
        new.price()
    );
    families::notify_of(tx, (family, enrolment.person_id.child()), "Nouveau tarif de la cantine", &body)
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

/// The same without those in whose place another one of their own day was set: whatever they held until then, they hold on no day now. The
/// figures of tax notices are for the family: an agent opens the request for them, which is journalled.
pub fn held_rates(tx: &mut Tx<'_>, diner: DinerId, season: &SeasonCode) -> Result<Vec<RateRow>, Error> {
    let mut rows = readable_rates(tx, diner, season)?;
    if !matches!(tx.caller.actor, Actor::Guardian { .. }) {
        for rate in &mut rows {
            rate.explained = rate.explained.clone().without_tax_figures();
        }
    }
    rows.reverse();
    rows.dedup_by_key(|rate| rate.starts_on);
    rows.reverse();
    Ok(rows)
}

/// Of these rates, those whose explanation tells the caller the means of somebody else: a guardian reads what follows from his own request,
/// of another's only the price; agents read all.
pub fn secret_of(tx: &mut Tx<'_>, rates: &[RateId]) -> Result<BTreeSet<RateId>, Error> {
    let Actor::Guardian { account } = tx.caller.actor else { return Ok(BTreeSet::new()) };
    let askers = db::askers(tx, rates)?;
    Ok(askers.into_iter().filter(|(_, asker)| *asker != Some(account)).map(|(id, _)| id).collect())
}

impl RateRow {
    /// As families read it.
    #[must_use]
    pub fn price(&self) -> String {
        match self.unit {
            PriceUnit::Meal => format!("{} le repas", self.cents),
            PriceUnit::Year => format!("{} l'année, {} le repas", self.cents, self.meal_cents),
        }
    }
}

/// Each price to come after that rate, on a line of its own.
pub fn coming_prices(tx: &mut Tx<'_>, diner: DinerId, season: &SeasonCode, after: &RateRow) -> Result<String, Error> {
    let (all, now) = (rates(tx, diner, season)?, tx.now()?);
    let line =
        |rate: &&RateRow| format!("Prix à partir du {} : {}.\n", rate.starts_on.format("%d/%m/%Y"), rate.price());
    let lines: Vec<String> = changes_after(&all, after, now).iter().map(line).collect();
    Ok(lines.concat())
}

/// The rate of a day, of those of a season.
#[must_use]
pub fn rate_of(rates: &[RateRow], day: NaiveDate) -> Option<&RateRow> {
    rates.iter().rfind(|rate| rate.starts_on <= day)
}

/// Where another price begins after that rate, each with the rate it begins with, by what was set until then.
#[must_use]
pub fn changes_after<'a>(rates: &'a [RateRow], after: &'a RateRow, set_until: DateTime<Utc>) -> Vec<&'a RateRow> {
    let later = rates.iter().filter(|rate| rate.starts_on > after.starts_on && rate.set_at <= set_until);
    // Of two of one day the last holds.
    let held: BTreeMap<NaiveDate, &RateRow> = later.map(|rate| (rate.starts_on, rate)).collect();
    let mut paid = after;
    held.into_values()
        .filter(|rate| {
            let is_new = rate.price() != paid.price();
            paid = rate;
            is_new
        })
        .collect()
}

/// Empties means and figures of seasons that are over. Returns how many; there may be more.
pub fn purge(tx: &mut Tx<'_>) -> Result<usize, Error> {
    db::purge(tx, PURGE_MAX)
}

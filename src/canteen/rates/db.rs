//! Means and rates. Rows of one diner and season are ordered by the day on which they begin, then by when they were made (their ids are
//! ordered so): the last that has begun holds.

use super::{Known, Origin};
use crate::{
    canteen::{
        Diner,
        enrolments::CanteenEnrolment,
        tariffs::{Explained, GridState, explained::PriceUnit, figures::DaysAWeek},
    },
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, CanteenEnrolmentId, DinerId, GridId, MeansId, RateId},
        money::Cents,
        text::SeasonCode,
        time::paris_date,
    },
    schema::department::{
        canteen_care_plans, canteen_grids, canteen_means, canteen_rate_requests as requests, canteen_rates,
    },
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Timestamptz},
};
use serde_json::Value;
use std::collections::BTreeMap;

const MEANS: &str = "canteen_means";
const RATE: &str = "canteen_rate";

/// What a diner pays from a day on.
#[derive(Debug, Clone)]
pub struct RateRow {
    pub id: RateId,
    pub starts_on: NaiveDate,
    pub cents: Cents,
    pub unit: PriceUnit,
    pub meal_cents: Cents,
    /// With the figures of tax notices as long as they are kept.
    pub explained: Explained,
    pub set_at: DateTime<Utc>,
    /// For which it was set; not known of the oldest.
    pub days_a_week: Option<DaysAWeek>,
    means: Option<MeansId>,
}

impl RateRow {
    /// Whether it follows from what somebody told.
    #[must_use]
    pub const fn rests_on_means(&self) -> bool {
        self.means.is_some()
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = canteen_rates)]
struct Stored {
    id: RateId,
    starts_on: NaiveDate,
    cents: Cents,
    unit: PriceUnit,
    meal_cents: Cents,
    explanation: Value,
    explanation_sealed: Option<Vec<u8>>,
    set_at: DateTime<Utc>,
    days_a_week: Option<i16>,
    means_id: Option<MeansId>,
}

impl Stored {
    fn open(self, tx: &Tx<'_>) -> Result<RateRow, Error> {
        let explained = match &self.explanation_sealed {
            None => serde_json::from_value(self.explanation),
            Some(sealed) => {
                let plain = tx.key.open(RATE, self.id.uuid().as_bytes(), sealed).map_err(Error::internal)?;
                serde_json::from_slice(&plain)
            }
        }
        .map_err(Error::internal)?;
        let days_a_week = self.days_a_week.and_then(|days| u8::try_from(days).ok()?.try_into().ok());
        let Self { id, starts_on, cents, unit, meal_cents, set_at, means_id: means, .. } = self;
        Ok(RateRow { id, starts_on, cents, unit, meal_cents, explained, set_at, days_a_week, means })
    }
}

/// Means in force from a day on.
pub struct MeansRow {
    pub id: MeansId,
    pub starts_on: NaiveDate,
    pub known: Known,
}

/// Days on which the family brings the meal, both included.
pub struct OwnMeals {
    pub first: NaiveDate,
    pub last: NaiveDate,
}

pub fn insert_means(tx: &mut Tx<'_>, origin: &Origin, known: &Known) -> Result<MeansId, Error> {
    let now = tx.now()?;
    let id = MeansId::generate();
    let plain = serde_json::to_vec(known).map_err(Error::internal)?;
    let sealed = tx.key.seal(MEANS, id.uuid().as_bytes(), &plain).map_err(Error::internal)?;
    diesel::insert_into(canteen_means::table)
        .values((
            canteen_means::id.eq(id),
            canteen_means::person_id.eq(origin.diner),
            canteen_means::family_id.eq(origin.family),
            canteen_means::season.eq(&origin.season),
            canteen_means::starts_on.eq(origin.starts_on),
            canteen_means::source.eq(origin.source),
            canteen_means::request_id.eq(origin.request),
            canteen_means::means_sealed.eq(sealed),
            canteen_means::decided_by.eq(origin.decided_by),
            canteen_means::decided_at.eq(now),
        ))
        .execute(tx.conn)?;
    Ok(id)
}

/// What is known of a diner for a season, in the order in which it begins; what was emptied is not known any more.
pub fn means(tx: &mut Tx<'_>, diner: DinerId, season: &SeasonCode) -> Result<Vec<MeansRow>, Error> {
    let rows: Vec<(MeansId, NaiveDate, Option<Vec<u8>>)> = canteen_means::table
        .filter(canteen_means::person_id.eq(diner).and(canteen_means::season.eq(season)))
        .order((canteen_means::starts_on, canteen_means::id))
        .select((canteen_means::id, canteen_means::starts_on, canteen_means::means_sealed))
        .load(tx.conn)?;
    rows.into_iter()
        .filter_map(|(id, starts_on, sealed)| Some((id, starts_on, sealed?)))
        .map(|(id, starts_on, sealed)| {
            let plain = tx.key.open(MEANS, id.uuid().as_bytes(), &sealed).map_err(Error::internal)?;
            Ok(MeansRow { id, starts_on, known: serde_json::from_slice(&plain).map_err(Error::internal)? })
        })
        .collect()
}

/// When the family of a child brings the meal, by its care plans of all times: one ended before its day held until the day before.
pub fn own_meals(tx: &mut Tx<'_>, diner: DinerId) -> Result<Vec<OwnMeals>, Error> {
    let rows: Vec<(NaiveDate, NaiveDate, Option<DateTime<Utc>>)> = canteen_care_plans::table
        .filter(canteen_care_plans::child_id.eq(diner.child()).and(canteen_care_plans::own_meal))
        .select((canteen_care_plans::starts_on, canteen_care_plans::ends_on, canteen_care_plans::ended_at))
        .load(tx.conn)?;
    let held = rows.into_iter().filter_map(|(first, ends_on, ended_at)| {
        let last = match ended_at {
            Some(at) => ends_on.min(paris_date(at).pred_opt()?),
            None => ends_on,
        };
        (first <= last).then_some(OwnMeals { first, last })
    });
    Ok(held.collect())
}

/// The first days of the grids of these diners.
pub fn grid_starts(tx: &mut Tx<'_>, diner: Diner) -> Result<Vec<NaiveDate>, Error> {
    let rows: Vec<Option<NaiveDate>> = canteen_grids::table
        .filter(canteen_grids::diner.eq(diner).and(canteen_grids::state.eq(GridState::Published)))
        .select(canteen_grids::starts_on)
        .load(tx.conn)?;
    Ok(rows.into_iter().flatten().collect())
}

/// The rates of a diner for a season, in the order in which they begin.
pub fn rates(tx: &mut Tx<'_>, diner: DinerId, season: &SeasonCode) -> Result<Vec<RateRow>, Error> {
    let rows: Vec<Stored> = canteen_rates::table
        .filter(canteen_rates::person_id.eq(diner).and(canteen_rates::season.eq(season)))
        .order((canteen_rates::starts_on, canteen_rates::id))
        .select(Stored::as_select())
        .load(tx.conn)?;
    rows.into_iter().map(|row| row.open(tx)).collect()
}

/// A rate to be set.
#[derive(Debug, Clone)]
pub struct NewRate {
    pub starts_on: NaiveDate,
    pub explained: Explained,
    pub means: Option<MeansId>,
    pub days_a_week: DaysAWeek,
}

impl NewRate {
    /// Whether that rate says the same already, for the same week and by the means of the same person.
    pub fn is(&self, rate: &RateRow) -> bool {
        rate.explained == self.explained && rate.means == self.means && rate.days_a_week == Some(self.days_a_week)
    }
}

/// Sets a rate from a day on.
pub fn set_rate(tx: &mut Tx<'_>, enrolment: &CanteenEnrolment, new: NewRate) -> Result<RateRow, Error> {
    let NewRate { starts_on, explained, means, days_a_week } = new;
    let now = tx.now()?;
    let id = RateId::generate();
    let plain = serde_json::to_vec(&explained).map_err(Error::internal)?;
    let stays = explained.clone().without_tax_figures();
    let sealed = if stays == explained {
        None
    } else {
        Some(tx.key.seal(RATE, id.uuid().as_bytes(), &plain).map_err(Error::internal)?)
    };
    diesel::insert_into(canteen_rates::table)
        .values((
            canteen_rates::id.eq(id),
            canteen_rates::person_id.eq(enrolment.person_id),
            canteen_rates::family_id.eq(enrolment.family_id),
            canteen_rates::season.eq(&enrolment.season),
            canteen_rates::starts_on.eq(starts_on),
            canteen_rates::grid_id.eq(GridId::from_uuid(explained.grid.id.uuid())),
            canteen_rates::cents.eq(explained.cents),
            canteen_rates::unit.eq(explained.unit),
            canteen_rates::meal_cents.eq(explained.meal_cents),
            canteen_rates::explanation.eq(serde_json::to_value(&stays).map_err(Error::internal)?),
            canteen_rates::explanation_sealed.eq(sealed),
            canteen_rates::means_id.eq(means),
            canteen_rates::set_at.eq(now),
            canteen_rates::days_a_week.eq(i16::from(u8::from(days_a_week))),
        ))
        .execute(tx.conn)?;
    let Explained { cents, unit, meal_cents, .. } = explained;
    Ok(RateRow {
        id,
        starts_on,
        cents,
        unit,
        meal_cents,
        explained,
        set_at: now,
        days_a_week: Some(days_a_week),
        means,
    })
}

#[derive(QueryableByName)]
struct DueGrid {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: CanteenEnrolmentId,
    #[diesel(sql_type = diesel::sql_types::Date)]
    starts_on: NaiveDate,
}

/// Enrolments in whose time a grid is in force from whose first day on they have no rate, with the first day on which it holds for them: a
/// later rate of that grid may have been set meanwhile, for another reason. Those that are over keep their prices.
pub fn without_rate_of_a_grid(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<(CanteenEnrolmentId, NaiveDate)>, Error> {
    let rows: Vec<DueGrid> = diesel::sql_query(
        "select e.id, greatest(g.starts_on, e.starts_on) as starts_on from canteen_enrolments e
           join canteen_grids g on g.diner = e.diner and g.state = 'published' and g.starts_on <= e.ends_on and g.ends_on >= e.starts_on
          where e.state = 'active' and e.ends_on >= today()
            and not exists (select 1 from canteen_rates r where r.person_id = e.person_id and r.season = e.season and r.grid_id = g.id
                               and (g.starts_on <= e.starts_on or r.starts_on <= g.starts_on))
          order by e.id limit $1",
    )
    .bind::<BigInt, _>(limit)
    .load(tx.conn)?;
    Ok(rows.into_iter().map(|row| (row.id, row.starts_on)).collect())
}

/// Empties what belongs to seasons whose last day, 31 August, is over.
pub fn purge(tx: &mut Tx<'_>, limit: i64) -> Result<usize, Error> {
    let now = tx.now()?;
    let over = "to_date(right(season, 4) || '-09-01', 'YYYY-MM-DD') <= ($1 at time zone 'Europe/Paris')::date";
    let means = diesel::sql_query(format!(
        "update canteen_means set means_sealed = null, purged_at = $1
          where id in (select id from canteen_means where purged_at is null and {over} limit $2)"
    ))
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .execute(tx.conn)?;
    let figures = diesel::sql_query(format!(
        "update canteen_rates set explanation_sealed = null
          where id in (select id from canteen_rates where explanation_sealed is not null and {over} limit $2)"
    ))
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .execute(tx.conn)?;
    Ok(means.saturating_add(figures))
}

/// Of these rates, those that rest on somebody's means, with the account that asked for them; none where no request did.
pub fn askers(tx: &mut Tx<'_>, rates: &[RateId]) -> Result<BTreeMap<RateId, Option<AccountId>>, Error> {
    let rows: Vec<(RateId, Option<AccountId>)> = canteen_rates::table
        .left_join(canteen_means::table.on(canteen_rates::means_id.eq(canteen_means::id.nullable())))
        .left_join(requests::table.on(canteen_means::request_id.eq(requests::id.nullable())))
        .filter(canteen_rates::id.eq_any(rates).and(canteen_rates::means_id.is_not_null()))
        .select((canteen_rates::id, requests::requested_by.nullable()))
        .load(tx.conn)?;
    Ok(rows.into_iter().collect())
}

//! The opening of a season: last season's children are carried over, one level up, as requests that their families have only to confirm;
//! those who leave 3e are told so. Tried first, ordered with the figures of the trial, carried out by the worker in batches of families.
//!
//! A batch, its count and the family it ended with are one transaction: whatever stops the worker, the next one goes on where it was.
//! A child that already has a request of the season keeps it, so that the same order again does nothing.

mod db;
pub mod http;

pub use db::{OpeningRow, children_of};

use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    kernel::{
        ids::{AccountId, SeasonOpeningId},
        text::{SeasonCode, Uai},
        time,
        words::Level,
    },
    seasons,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

/// Families of one transaction: far below the patience of a statement, far above the cost of its commit.
const BATCH_FAMILIES: i32 = 2_000;

/// An order so long after the season opens is a slip of the keyboard.
const AHEAD_MAX: TimeDelta = TimeDelta::days(366);

text_enum! {
    /// Where an order to open a season stands.
    pub enum OpeningState { Ordered = "ordered", Withdrawn = "withdrawn", Done = "done" }
}

/// What an opening would do, or has left to do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// Children that would be carried over, by the level they come to.
    pub carried: Vec<(Level, i64)>,
    /// Children who leave collège and were not told yet.
    pub leaving: i64,
    /// Children who have a request of the season already.
    pub already: i64,
    /// Of those carried over: their collège has closed, the family must choose another.
    pub at_closed_colleges: i64,
    /// Of those carried over: their formula is no longer offered, the season's first one stands in its place.
    pub formula_gone: i64,
}

impl Figures {
    /// All children that would be carried over.
    #[must_use]
    pub fn children(&self) -> i64 {
        self.carried.iter().fold(0, |sum, (_, children)| sum.saturating_add(*children))
    }
}

/// A season's opening: from which season, how much, and the last order.
#[derive(Debug)]
pub struct Opening {
    pub season: SeasonCode,
    pub from_season: SeasonCode,
    /// No order runs before families may enrol.
    pub opens_at: DateTime<Utc>,
    pub figures: Figures,
    pub order: Option<OpeningRow>,
}

/// The trial of an opening: nothing is written. `closed` are the collèges that take no pupil any more.
pub fn show_opening(tx: &mut Tx<'_>, season: &SeasonCode, closed: &[Uai]) -> Result<Opening, Error> {
    let rules = seasons::rules_in_force(tx, season)?;
    let from_season = season.previous().ok_or(Error::Refused(Refusal::NotFound))?;
    let formulas: Vec<_> = rules.formulas.iter().map(|formula| formula.code.clone()).collect();
    let figures = db::figures(tx, &from_season, season, &formulas, closed)?;
    let order = db::last_order(tx, season)?;
    Ok(Opening { season: season.clone(), from_season, opens_at: time::start_of_day(rules.opens_on), figures, order })
}

/// Orders the opening at that instant or as soon as families may enrol. Refused when a trial now tells another number of children.
pub fn order_opening(
    tx: &mut Tx<'_>,
    by: AccountId,
    season: &SeasonCode,
    expected_children: i64,
    runs_at: Option<DateTime<Utc>>,
    closed: &[Uai],
) -> Result<Opening, Error> {
    let now = tx.now()?;
    let opening = show_opening(tx, season, closed)?;
    if opening.order.as_ref().is_some_and(|order| order.state == OpeningState::Ordered) {
        return Err(Refusal::OpeningOrdered.into());
    }
    let earliest = now.max(opening.opens_at);
    let runs_at = runs_at.unwrap_or(earliest).max(earliest);
    if runs_at.signed_duration_since(earliest) > AHEAD_MAX {
        return Err(Error::field("/runs_at", "un instant de l'année qui suit l'ouverture est attendu"));
    }
    let children = opening.figures.children();
    if expected_children != children {
        let because = format!("L'essai donne maintenant {children} enfants : relisez-le avant d'ordonner.");
        return Err(Error::RefusedBecause(Refusal::OpeningFigures, because));
    }
    let order = OpeningRow {
        id: SeasonOpeningId::generate(),
        season: season.clone(),
        from_season: opening.from_season.clone(),
        expected_children,
        ordered_by: by,
        ordered_at: now,
        runs_at,
        state: OpeningState::Ordered,
        last_family: None,
        carried: 0,
        leaving: 0,
        families: 0,
        done_at: None,
    };
    db::insert(tx, &order)?;
    let details = json!({ "season": season, "children": expected_children, "runs_at": runs_at });
    audit::record(tx, "season_opening_ordered", ("season_opening", order.id), details)?;
    Ok(Opening { order: Some(order), ..opening })
}

/// Takes back an order that has not begun.
pub fn withdraw_opening(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<(), Error> {
    let id = db::withdraw(tx, season)?.ok_or(Error::Refused(Refusal::OpeningTransition))?;
    audit::record(tx, "season_opening_withdrawn", ("season_opening", id), json!({ "season": season }))
}

/// Carries out one batch of the next order that is due; false when there is none.
pub fn open_batch(tx: &mut Tx<'_>) -> Result<bool, Error> {
    let now = tx.now()?;
    let Some(order) = db::lock_due(tx, now)? else { return Ok(false) };
    let rules = seasons::rules_in_force(tx, &order.season)?;
    let formulas: Vec<_> = rules.formulas.iter().map(|formula| formula.code.clone()).collect();
    let batch = db::carry_over(tx, &order, &formulas, BATCH_FAMILIES)?;
    let done_at = batch.last_family.is_none().then_some(now);
    let order = db::advance(tx, &order, &batch, done_at)?;
    if done_at.is_some() {
        let details = json!({ "season": order.season, "carried": order.carried, "leaving": order.leaving, "families": order.families });
        audit::record(tx, "season_opened", ("season_opening", order.id), details)?;
    }
    Ok(true)
}

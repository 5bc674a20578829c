//! The end of a season: what was not spent by its last day is lost, by a movement like any other. Tried first, ordered with the figures of
//! the trial, carried out by the worker in batches.
//!
//! A batch and its count on the order are one transaction: whatever stops the worker, the next one goes on where it was, and no wallet is
//! swept twice. What is held then stays held until it is captured or released; what comes back later is lost at once by the ledger's steps.

mod db;
pub mod http;

pub use db::OrderRow;

use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    kernel::{
        ids::{AccountId, SeasonExpiryId},
        money::Cents,
        text::SeasonCode,
        time,
        words::WalletKind,
    },
    seasons,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

/// Wallets of one transaction: far below the patience of a statement, far above the cost of its commit.
const BATCH_WALLETS: i32 = 1_000;
/// An order further ahead than that is a slip of the keyboard.
const AHEAD_MAX: TimeDelta = TimeDelta::days(366);

/// What a sweep would find, or what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Wallets not swept yet, empty ones too.
    pub wallets: i64,
    /// Those of them whose last day to spend is not over.
    pub still_open: i64,
    pub already_swept: i64,
    /// What would be lost.
    pub culture: Cents,
    pub sport: Cents,
    /// Set aside for tickets and merchants: not lost yet.
    pub held: Cents,
}

impl Figures {
    /// All that would be lost.
    #[must_use]
    pub fn cents(&self) -> Cents {
        self.culture.checked_add(self.sport).unwrap_or_default()
    }
}

/// A season's end: when, how much, and the last order.
#[derive(Debug)]
pub struct SeasonEnd {
    pub season: SeasonCode,
    pub spend_before: DateTime<Utc>,
    pub figures: Figures,
    pub order: Option<OrderRow>,
}

/// The trial of a season's end: nothing moves. `NotFound` for a season that has no rules in force.
pub fn show_expiry(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<SeasonEnd, Error> {
    let now = tx.now()?;
    let rules = seasons::rules_in_force(tx, season)?;
    let mut figures = Figures::default();
    for row in db::figures(tx, season, now)? {
        figures.wallets = figures.wallets.saturating_add(row.left);
        figures.still_open = figures.still_open.saturating_add(row.open);
        figures.already_swept = figures.already_swept.saturating_add(row.swept);
        figures.held = figures.held.checked_add(row.held).ok_or_else(|| Error::internal("too many cents"))?;
        match row.kind {
            WalletKind::Culture => figures.culture = row.cents,
            WalletKind::Sport => figures.sport = row.cents,
        }
    }
    let order = db::last_order(tx, season)?;
    Ok(SeasonEnd { season: season.clone(), spend_before: time::end_of_day(rules.spend_until), figures, order })
}

/// What whoever orders the end of a season has read.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    pub wallets: i64,
    pub cents: Cents,
}

/// Orders the end of a season whose last day to spend is over, at that instant or at once. Refused when a trial now tells other figures.
pub fn order_expiry(
    tx: &mut Tx<'_>,
    by: AccountId,
    season: &SeasonCode,
    expected: Expected,
    runs_at: Option<DateTime<Utc>>,
) -> Result<SeasonEnd, Error> {
    let now = tx.now()?;
    let runs_at = runs_at.unwrap_or(now);
    if runs_at < now || runs_at.signed_duration_since(now) > AHEAD_MAX {
        return Err(Error::field("/runs_at", "un instant de l'année à venir est attendu"));
    }
    let end = show_expiry(tx, season)?;
    if now < end.spend_before || end.figures.still_open > 0 {
        return Err(Refusal::SpendingNotOver.into());
    }
    if end.order.as_ref().is_some_and(|order| order.done_at.is_none()) {
        return Err(Refusal::ExpiryOrdered.into());
    }
    let (wallets, cents) = (end.figures.wallets, end.figures.cents());
    if (expected.wallets, expected.cents) != (wallets, cents) {
        let because =
            format!("L'essai donne maintenant {wallets} porte-monnaie et {cents} : relisez-le avant d'ordonner.");
        return Err(Error::RefusedBecause(Refusal::ExpiryFigures, because));
    }
    let order = OrderRow {
        id: SeasonExpiryId::generate(),
        season: season.clone(),
        expected_wallets: wallets,
        expected: cents,
        ordered_by: by,
        ordered_at: now,
        runs_at,
        done_at: None,
        wallets_swept: 0,
        lost: Cents::ZERO,
    };
    db::insert(tx, &order)?;
    let details = json!({ "season": season, "wallets": wallets, "cents": cents, "runs_at": runs_at });
    audit::record(tx, "season_expiry_ordered", ("season_expiry", order.id), details)?;
    Ok(SeasonEnd { order: Some(order), ..end })
}

/// Carries out one batch of the next order that is due; false when there is none.
pub fn sweep_batch(tx: &mut Tx<'_>) -> Result<bool, Error> {
    let now = tx.now()?;
    let Some(order) = db::lock_due(tx, now)? else { return Ok(false) };
    let batch = db::sweep(tx, &order.season, BATCH_WALLETS)?;
    // A wallet that moved in that very moment is left to the next batch: an empty batch is not the end.
    let done = batch.0 == 0 && db::is_swept(tx, &order.season, now)?;
    db::advance(tx, order.id, batch, done.then_some(now))?;
    if done {
        let details = json!({ "season": order.season, "wallets_swept": order.wallets_swept, "lost_cents": order.lost });
        audit::record(tx, "season_expired", ("season_expiry", order.id), details)?;
    }
    Ok(true)
}

//! The end of a season: what was not spent by its last day is lost, by a movement like any other. Tried first, ordered with the figures of
//! the trial, approved by another person, carried out by the worker in batches. It may be ordered ahead: nothing is lost before the limit.
//!
//! A batch and its count on the order are one transaction: whatever stops the worker, the next one goes on where it was, and no wallet is
//! swept twice. What is held then stays held until it is captured or released; what comes back later is lost at once by the ledger's steps.

mod db;
pub mod http;
mod report;

pub use db::{LostRow, OrderRow};
pub use report::csv;

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

text_enum! {
    /// What was decided of an order.
    pub enum ExpiryState {
        /// Another person decides.
        Proposed = "proposed",
        /// The worker carries it out when its instant has come.
        Approved = "approved",
        /// By another person, or withdrawn by whoever ordered it.
        Refused = "refused",
    }
}

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
    /// The last limit of its wallets: no order runs before it.
    pub spend_before: DateTime<Utc>,
    pub figures: Figures,
    pub order: Option<OrderRow>,
}

/// The trial of a season's end: nothing moves. `NotFound` for a season that has no rules in force.
pub fn show_expiry(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<SeasonEnd, Error> {
    let now = tx.now()?;
    let rules = seasons::rules_in_force(tx, season)?;
    let (mut figures, mut spend_before) = (Figures::default(), time::end_of_day(rules.spend_until));
    for row in db::figures(tx, season, now)? {
        figures.wallets = figures.wallets.saturating_add(row.left);
        figures.still_open = figures.still_open.saturating_add(row.open);
        figures.already_swept = figures.already_swept.saturating_add(row.swept);
        figures.held = figures.held.checked_add(row.held).ok_or_else(|| Error::internal("too many cents"))?;
        spend_before = spend_before.max(row.last_limit.unwrap_or(spend_before));
        match row.kind {
            WalletKind::Culture => figures.culture = row.cents,
            WalletKind::Sport => figures.sport = row.cents,
        }
    }
    let order = db::last_order(tx, season)?;
    Ok(SeasonEnd { season: season.clone(), spend_before, figures, order })
}

/// What whoever orders the end of a season has read.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    pub wallets: i64,
    pub cents: Cents,
}

/// Proposes the end of a season at that instant or at once, never before its limit. After the limit it is refused when a trial now tells other
/// figures; ahead of it families still spend, and the figures are those of this moment.
pub fn order_expiry(
    tx: &mut Tx<'_>,
    by: AccountId,
    season: &SeasonCode,
    expected: Expected,
    runs_at: Option<DateTime<Utc>>,
) -> Result<SeasonEnd, Error> {
    let now = tx.now()?;
    let wanted = runs_at.unwrap_or(now);
    if wanted < now || wanted.signed_duration_since(now) > AHEAD_MAX {
        return Err(Error::field("/runs_at", "un instant de l'année à venir est attendu"));
    }
    let end = show_expiry(tx, season)?;
    if end.order.as_ref().is_some_and(OrderRow::waits) {
        return Err(Refusal::ExpiryOrdered.into());
    }
    let (wallets, cents) = (end.figures.wallets, end.figures.cents());
    if now >= end.spend_before && (expected.wallets, expected.cents) != (wallets, cents) {
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
        runs_at: wanted.max(end.spend_before),
        done_at: None,
        wallets_swept: 0,
        lost: Cents::ZERO,
        state: ExpiryState::Proposed,
        decided_by: None,
        decided_at: None,
    };
    db::insert(tx, &order)?;
    let details = json!({ "season": season, "wallets": wallets, "cents": cents, "runs_at": order.runs_at });
    audit::record(tx, "season_expiry_ordered", ("season_expiry", order.id), details)?;
    Ok(SeasonEnd { order: Some(order), ..end })
}

/// Decides an order that another person gave; whoever gave it may withdraw it, never approve it.
pub fn decide(
    tx: &mut Tx<'_>,
    by: AccountId,
    season: &SeasonCode,
    id: SeasonExpiryId,
    state: ExpiryState,
) -> Result<SeasonEnd, Error> {
    let ordered_by = db::order(tx, season, id)?.ordered_by;
    if ordered_by == by && state == ExpiryState::Approved {
        return Err(Refusal::SamePerson.into());
    }
    let at = tx.now()?;
    let order = db::decide(tx, id, state, by, at)?;
    let action = match state {
        ExpiryState::Approved => "season_expiry_approved",
        _ if ordered_by == by => "season_expiry_withdrawn",
        _ => "season_expiry_refused",
    };
    audit::record(tx, action, ("season_expiry", id), json!({ "season": season, "runs_at": order.runs_at }))?;
    Ok(SeasonEnd { order: Some(order), ..show_expiry(tx, season)? })
}

/// What the wallets of a season have lost, by kind: the sweep's losses and those of what came back after it.
pub fn report(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<Vec<LostRow>, Error> {
    seasons::rules_in_force(tx, season)?;
    db::lost(tx, season)
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

//! What a meal costs. A grid is a document that one administrator writes and another one publishes; it is in force between its dates and
//! never changes: the next one takes its place from a day to come. `price` is the one function that reads it, without a database, for the
//! simulator, the decision and the bill alike.

pub mod check;
mod db;
pub mod explained;
pub mod figures;
pub mod grid;
pub mod http;
mod price;
pub mod simulator;
pub mod situation;
#[cfg(test)]
mod tests;

pub use db::StoredGrid;
pub use explained::Explained;
pub use grid::{Grid, GridRef, QuotientFrom, Tariff, default_grid, require_priced};
pub use price::price;
pub use situation::{Attendance, Means, Situation, Unknown};

use crate::{
    audit,
    canteen::{Diner, require_planned, services},
    db::Tx,
    error::{Error, FieldError, Refusal},
    kernel::{
        ids::{AccountId, GridId},
        time::paris_date,
    },
};
use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

text_enum! {
    /// Where a grid stands.
    pub enum GridState {
        /// Another person publishes it.
        Draft = "draft",
        Published = "published",
        /// Published, and replaced before it took effect.
        Replaced = "replaced",
    }
}

impl StoredGrid {
    /// As prices are computed from it. A published grid that is not sound is a defect of ours.
    pub fn tariff(self) -> Result<Tariff, Error> {
        let reference = GridRef { id: self.id, version: self.version };
        Tariff::new(reference, self.grid)
            .map_err(|problems| Error::internal(format!("the grid {reference:?}: {problems:?}")))
    }
}

/// The tariff of these diners on that day.
pub fn tariff_on(tx: &mut Tx<'_>, diner: Diner, day: NaiveDate) -> Result<Tariff, Error> {
    let grid = db::in_force(tx, day, Some(diner))?.pop().ok_or(Error::Refused(Refusal::NoTariff))?;
    grid.tariff()
}

/// The tariffs of these diners that share a day with that period, each with its first day, in their order.
pub fn tariffs_within(
    tx: &mut Tx<'_>,
    diner: Diner,
    period: (NaiveDate, NaiveDate),
) -> Result<Vec<(NaiveDate, Tariff)>, Error> {
    let grids = db::in_force_within(tx, diner, period)?.into_iter();
    grids.map(|grid| Ok((grid.in_force.map_or(period.0, |(first, _)| first), grid.tariff()?))).collect()
}

/// The tariff that an earlier price came from, in force or not.
pub fn tariff_of(tx: &mut Tx<'_>, id: GridId) -> Result<Tariff, Error> {
    let grid = db::grid(tx, id)?;
    if grid.state == GridState::Draft { Err(Refusal::NotFound.into()) } else { grid.tariff() }
}

/// The day that was asked for, or today, and the grids in force on it.
fn list_tariffs(tx: &mut Tx<'_>, day: Option<NaiveDate>) -> Result<(NaiveDate, Vec<StoredGrid>), Error> {
    let day = match day {
        Some(day) => day,
        None => paris_date(tx.now()?),
    };
    Ok((day, db::in_force(tx, day, None)?))
}

/// A page of the department's grids, drafts included, the last written first.
fn list_grids(tx: &mut Tx<'_>, before: Option<Uuid>, limit: i64) -> Result<Vec<StoredGrid>, Error> {
    db::page(tx, before, limit)
}

fn show_grid(tx: &mut Tx<'_>, id: GridId) -> Result<StoredGrid, Error> {
    db::grid(tx, id)
}

/// Begins a grid; another person publishes it.
fn draft_grid(tx: &mut Tx<'_>, by: AccountId, grid: &Grid, replaces: Option<GridId>) -> Result<StoredGrid, Error> {
    services::require_canteen(tx)?;
    require_planned("/grid/starts_on", grid.starts_on, paris_date(tx.now()?))?;
    require_replaceable(tx, grid.diner, replaces)?;
    let draft = db::insert_draft(tx, by, grid, replaces)?;
    let details = json!({ "diner": grid.diner, "version": draft.version });
    audit::record(tx, "canteen_grid_drafted", ("canteen_grid", draft.id), details)?;
    Ok(draft)
}

/// Writes a draft over, for the same diners. Whoever does is its author from then on.
fn rewrite_grid(
    tx: &mut Tx<'_>,
    by: AccountId,
    id: GridId,
    grid: &Grid,
    replaces: Option<GridId>,
) -> Result<StoredGrid, Error> {
    let former = lock_draft(tx, id)?;
    services::require_canteen(tx)?;
    if former.grid.diner != grid.diner {
        return Err(Error::field("/grid/diner", "un brouillon ne change pas de convives : écrivez-en un autre"));
    }
    require_planned("/grid/starts_on", grid.starts_on, paris_date(tx.now()?))?;
    require_replaceable(tx, grid.diner, replaces)?;
    let draft = db::rewrite_draft(tx, id, by, grid, replaces)?;
    audit::record(tx, "canteen_grid_rewritten", ("canteen_grid", id), json!({ "version": draft.version }))?;
    Ok(draft)
}

/// Gives a draft up.
fn discard_grid(tx: &mut Tx<'_>, id: GridId) -> Result<(), Error> {
    let draft = lock_draft(tx, id)?;
    db::delete_draft(tx, id)?;
    audit::record(tx, "canteen_grid_discarded", ("canteen_grid", id), json!({ "version": draft.version }))
}

/// Publishes what another person wrote. It may begin in the past where no grid was in force; in the place of another grid it begins
/// tomorrow at the earliest, and no day of that one is left without a price.
fn publish_grid(tx: &mut Tx<'_>, by: AccountId, id: GridId) -> Result<StoredGrid, Error> {
    let draft = lock_draft(tx, id)?;
    services::require_canteen(tx)?;
    if draft.drafted_by == by {
        return Err(Refusal::SamePerson.into());
    }
    let problems = draft.grid.check();
    if !problems.is_empty() {
        return Err(Error::Fields(Refusal::GridInvalid, problems.into_iter().map(FieldError::from).collect()));
    }
    let (diner, period) = (draft.grid.diner, (draft.grid.starts_on, draft.grid.ends_on));
    if let Some(replaced) = draft.replaces {
        let last = db::grid(tx, replaced)?.in_force.map(|(_, last)| last);
        make_room(tx, replaced, period.0)?;
        require_no_hole(tx, diner, period.1, last)?;
    }
    if let Some(other) = db::in_force_within(tx, diner, period)?.into_iter().next() {
        let (first, last) = other.in_force.unwrap_or(period);
        let (first, last) = (first.format("%d/%m/%Y"), last.format("%d/%m/%Y"));
        let detail =
            format!("La grille n° {} des {} est en vigueur du {first} au {last}.", other.version, diner.plural());
        let pointer = if other.in_force.is_some_and(|(first, _)| first > period.0) { "/ends_on" } else { "/starts_on" };
        return Err(Error::Fields(Refusal::GridOverlap, vec![FieldError { pointer: pointer.to_owned(), detail }]));
    }
    let published = db::publish_draft(tx, id, by, period)?;
    let details = json!({ "diner": diner, "version": published.version, "replaces": published.replaces,
                          "starts_on": period.0, "ends_on": period.1 });
    audit::record(tx, "canteen_grid_published", ("canteen_grid", id), details)?;
    Ok(published)
}

/// The day after a grid's last one has a price again, if it had one by the grid that it replaces.
fn require_no_hole(
    tx: &mut Tx<'_>,
    diner: Diner,
    ends_on: NaiveDate,
    replaced: Option<NaiveDate>,
) -> Result<(), Error> {
    let next = ends_on.succ_opt().unwrap_or(ends_on);
    let Some(last) = replaced.filter(|last| next <= *last) else { return Ok(()) };
    if !db::in_force_within(tx, diner, (next, next))?.is_empty() {
        return Ok(());
    }
    let detail = format!(
        "La grille remplacée est en vigueur jusqu'au {} : les jours suivants n'auraient plus de prix.",
        last.format("%d/%m/%Y")
    );
    Err(Error::Fields(Refusal::GridInvalid, vec![FieldError { pointer: "/ends_on".to_owned(), detail }]))
}

fn lock_draft(tx: &mut Tx<'_>, id: GridId) -> Result<StoredGrid, Error> {
    let grid = db::lock_grid(tx, id)?;
    if grid.state == GridState::Draft { Ok(grid) } else { Err(Refusal::GridNotDraft.into()) }
}

/// Only a published grid of the same diners is replaced.
fn require_replaceable(tx: &mut Tx<'_>, diner: Diner, replaces: Option<GridId>) -> Result<(), Error> {
    let Some(id) = replaces else { return Ok(()) };
    let replaceable = match db::grid(tx, id) {
        Ok(grid) => grid.state == GridState::Published && grid.grid.diner == diner,
        Err(Error::Refused(Refusal::NotFound)) => false,
        Err(error) => return Err(error),
    };
    if replaceable {
        return Ok(());
    }
    Err(Error::field("/replaces", "une grille publiée des mêmes convives est attendue"))
}

/// The replaced grid ends on the eve of the next one, or never begins.
fn make_room(tx: &mut Tx<'_>, replaced: GridId, from: NaiveDate) -> Result<(), Error> {
    let today = paris_date(tx.now()?);
    let former = db::lock_grid(tx, replaced)?;
    if from <= today {
        return Err(Refusal::GridRetroactive.into());
    }
    let (Some((first, last)), GridState::Published) = (former.in_force, former.state) else { return Ok(()) };
    if from <= first {
        db::retire_grid(tx, replaced)?;
    } else if from <= last {
        db::end_grid(tx, replaced, from.pred_opt().unwrap_or(first))?;
    }
    Ok(())
}

//! Grids. Row-level security shows drafts to the department's agents only; a trigger keeps what is published as it is.

use super::{GridState, grid::Grid};
use crate::{
    canteen::Diner,
    db::Tx,
    error::Error,
    kernel::ids::{AccountId, GridId},
    schema::department::canteen_grids,
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

/// A grid as it is kept.
#[derive(Debug, Clone)]
pub struct StoredGrid {
    pub id: GridId,
    pub version: i32,
    pub state: GridState,
    pub grid: Grid,
    pub replaces: Option<GridId>,
    /// First and last day on which it is in force; none of a draft.
    pub in_force: Option<(NaiveDate, NaiveDate)>,
    pub drafted_by: AccountId,
    pub drafted_at: DateTime<Utc>,
    pub published_by: Option<AccountId>,
    pub published_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = canteen_grids)]
struct GridRow {
    id: GridId,
    version: i32,
    state: GridState,
    grid: Value,
    replaces: Option<GridId>,
    starts_on: Option<NaiveDate>,
    ends_on: Option<NaiveDate>,
    drafted_by: AccountId,
    drafted_at: DateTime<Utc>,
    published_by: Option<AccountId>,
    published_at: Option<DateTime<Utc>>,
}

impl TryFrom<GridRow> for StoredGrid {
    type Error = Error;
    fn try_from(row: GridRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            version: row.version,
            state: row.state,
            grid: serde_json::from_value(row.grid).map_err(Error::internal)?,
            replaces: row.replaces,
            in_force: row.starts_on.zip(row.ends_on),
            drafted_by: row.drafted_by,
            drafted_at: row.drafted_at,
            published_by: row.published_by,
            published_at: row.published_at,
        })
    }
}

fn stored(rows: Vec<GridRow>) -> Result<Vec<StoredGrid>, Error> {
    rows.into_iter().map(StoredGrid::try_from).collect()
}

fn written(grid: &Grid) -> Result<Value, Error> {
    serde_json::to_value(grid).map_err(Error::internal)
}

/// Numbered after the last grid of these diners; the table refuses them a second draft.
pub fn insert_draft(
    tx: &mut Tx<'_>,
    by: AccountId,
    grid: &Grid,
    replaces: Option<GridId>,
) -> Result<StoredGrid, Error> {
    let now = tx.now()?;
    let last: Option<i32> = canteen_grids::table
        .filter(canteen_grids::diner.eq(grid.diner))
        .select(diesel::dsl::max(canteen_grids::version))
        .first(tx.conn)?;
    let row: GridRow = diesel::insert_into(canteen_grids::table)
        .values((
            canteen_grids::id.eq(GridId::generate()),
            canteen_grids::diner.eq(grid.diner),
            canteen_grids::version.eq(last.unwrap_or(0).saturating_add(1)),
            canteen_grids::state.eq(GridState::Draft),
            canteen_grids::grid.eq(written(grid)?),
            canteen_grids::replaces.eq(replaces),
            canteen_grids::drafted_by.eq(by),
            canteen_grids::drafted_at.eq(now),
        ))
        .returning(GridRow::as_returning())
        .get_result(tx.conn)?;
    row.try_into()
}

/// Writes a locked draft over.
pub fn rewrite_draft(
    tx: &mut Tx<'_>,
    id: GridId,
    by: AccountId,
    grid: &Grid,
    replaces: Option<GridId>,
) -> Result<StoredGrid, Error> {
    let now = tx.now()?;
    let row: GridRow = diesel::update(canteen_grids::table.find(id))
        .set((
            canteen_grids::grid.eq(written(grid)?),
            canteen_grids::replaces.eq(replaces),
            canteen_grids::drafted_by.eq(by),
            canteen_grids::drafted_at.eq(now),
        ))
        .returning(GridRow::as_returning())
        .get_result(tx.conn)?;
    row.try_into()
}

pub fn delete_draft(tx: &mut Tx<'_>, id: GridId) -> Result<usize, Error> {
    Ok(diesel::delete(canteen_grids::table.find(id)).execute(tx.conn)?)
}

pub fn grid(tx: &mut Tx<'_>, id: GridId) -> Result<StoredGrid, Error> {
    let row: GridRow = canteen_grids::table.find(id).select(GridRow::as_select()).first(tx.conn)?;
    row.try_into()
}

/// As `grid`; nobody else writes, publishes or replaces it meanwhile.
pub fn lock_grid(tx: &mut Tx<'_>, id: GridId) -> Result<StoredGrid, Error> {
    let row: GridRow = canteen_grids::table.find(id).select(GridRow::as_select()).for_update().first(tx.conn)?;
    row.try_into()
}

/// All grids, the last written first.
pub fn page(tx: &mut Tx<'_>, before: Option<Uuid>, limit: i64) -> Result<Vec<StoredGrid>, Error> {
    let mut query = canteen_grids::table.into_boxed();
    if let Some(before) = before {
        query = query.filter(canteen_grids::id.lt(GridId::from_uuid(before)));
    }
    stored(query.order(canteen_grids::id.desc()).limit(limit).select(GridRow::as_select()).load(tx.conn)?)
}

/// The grids in force on that day, one a sort of diners at most.
pub fn in_force(tx: &mut Tx<'_>, day: NaiveDate, diner: Option<Diner>) -> Result<Vec<StoredGrid>, Error> {
    let mut query = canteen_grids::table
        .filter(canteen_grids::state.eq(GridState::Published))
        .filter(canteen_grids::starts_on.le(day).and(canteen_grids::ends_on.ge(day)))
        .into_boxed();
    if let Some(diner) = diner {
        query = query.filter(canteen_grids::diner.eq(diner));
    }
    stored(query.order(canteen_grids::diner).select(GridRow::as_select()).load(tx.conn)?)
}

/// The published grids of these diners that share a day with that period, in the order of their days.
pub fn in_force_within(
    tx: &mut Tx<'_>,
    diner: Diner,
    (first, last): (NaiveDate, NaiveDate),
) -> Result<Vec<StoredGrid>, Error> {
    let rows: Vec<GridRow> = canteen_grids::table
        .filter(canteen_grids::diner.eq(diner).and(canteen_grids::state.eq(GridState::Published)))
        .filter(canteen_grids::starts_on.le(last).and(canteen_grids::ends_on.ge(first)))
        .order(canteen_grids::starts_on)
        .select(GridRow::as_select())
        .load(tx.conn)?;
    stored(rows)
}

/// Sets the last day of a locked published grid.
pub fn end_grid(tx: &mut Tx<'_>, id: GridId, last: NaiveDate) -> Result<usize, Error> {
    Ok(diesel::update(canteen_grids::table.find(id)).set(canteen_grids::ends_on.eq(last)).execute(tx.conn)?)
}

/// Puts another grid in the place of a locked one that has not begun.
pub fn retire_grid(tx: &mut Tx<'_>, id: GridId) -> Result<usize, Error> {
    Ok(diesel::update(canteen_grids::table.find(id))
        .set(canteen_grids::state.eq(GridState::Replaced))
        .execute(tx.conn)?)
}

/// Publishes a locked draft.
pub fn publish_draft(
    tx: &mut Tx<'_>,
    id: GridId,
    by: AccountId,
    (first, last): (NaiveDate, NaiveDate),
) -> Result<StoredGrid, Error> {
    let now = tx.now()?;
    let row: GridRow = diesel::update(canteen_grids::table.find(id))
        .set((
            canteen_grids::state.eq(GridState::Published),
            canteen_grids::starts_on.eq(first),
            canteen_grids::ends_on.eq(last),
            canteen_grids::published_by.eq(by),
            canteen_grids::published_at.eq(now),
        ))
        .returning(GridRow::as_returning())
        .get_result(tx.conn)?;
    row.try_into()
}

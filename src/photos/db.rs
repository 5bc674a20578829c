//! Sealed portraits and what was decided of them: one row of each state a child, at most.

use super::{
    size::Size,
    state::{PhotoReason, PhotoState},
};
use crate::{
    db::Tx,
    error::{Error, Refusal},
    kernel::{
        ids::{AccountId, ChildId, FamilyId, PhotoId},
        text::{Name, Note},
    },
    schema::department::{children, photos},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde_json::Value;

/// A portrait without its picture.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = photos)]
pub struct PhotoRow {
    pub id: PhotoId,
    pub child_id: ChildId,
    pub family_id: FamilyId,
    pub state: PhotoState,
    pub reason: Option<PhotoReason>,
    pub note: Option<Note>,
    pub hints: Option<Value>,
    pub submitted_at: DateTime<Utc>,
    pub decided_at: Option<DateTime<Utc>>,
    pub version: i32,
}

/// A portrait, and whose it must be.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = photos)]
pub struct ReviewRow {
    #[diesel(embed)]
    pub photo: PhotoRow,
    #[diesel(select_expression = children::first_names)]
    pub first_names: Name,
    #[diesel(select_expression = children::last_name)]
    pub last_name: Name,
    #[diesel(select_expression = children::birth_date)]
    pub birth_date: NaiveDate,
}

pub fn insert(
    tx: &mut Tx<'_>,
    (child, family): (ChildId, FamilyId),
    sealed: &[u8],
    hints: &Value,
) -> Result<PhotoId, Error> {
    let (id, now) = (PhotoId::generate(), tx.now()?);
    diesel::insert_into(photos::table)
        .values((
            photos::id.eq(id),
            photos::child_id.eq(child),
            photos::family_id.eq(family),
            photos::state.eq(PhotoState::Submitted),
            photos::image_sealed.eq(sealed),
            photos::hints.eq(hints),
            photos::submitted_at.eq(now),
        ))
        .execute(tx.conn)?;
    Ok(id)
}

/// The child's portraits in those states go. Returns how many.
pub fn delete(tx: &mut Tx<'_>, child: ChildId, states: &[PhotoState]) -> Result<usize, Error> {
    let gone = photos::table.filter(photos::child_id.eq(child)).filter(photos::state.eq_any(states));
    Ok(diesel::delete(gone).execute(tx.conn)?)
}

pub fn photo(tx: &mut Tx<'_>, id: PhotoId) -> Result<PhotoRow, Error> {
    Ok(photos::table.find(id).select(PhotoRow::as_select()).first(tx.conn)?)
}

/// The row, locked, provided that it is still the one the caller read.
pub fn lock(tx: &mut Tx<'_>, id: PhotoId, version: i32) -> Result<PhotoRow, Error> {
    let row = photos::table.find(id).select(PhotoRow::as_select()).for_update().first(tx.conn)?;
    if row.version == version { Ok(row) } else { Err(Refusal::StaleVersion.into()) }
}

/// Newest first.
pub fn of_child(tx: &mut Tx<'_>, child: ChildId) -> Result<Vec<PhotoRow>, Error> {
    let rows = photos::table.filter(photos::child_id.eq(child)).order(photos::id.desc());
    Ok(rows.select(PhotoRow::as_select()).load(tx.conn)?)
}

/// The sealed portrait of a child in that state and size; the small sizes exist once it is accepted.
pub fn sealed(tx: &mut Tx<'_>, child: ChildId, state: PhotoState, size: Size) -> Result<Option<Vec<u8>>, Error> {
    let row = photos::table.filter(photos::child_id.eq(child)).filter(photos::state.eq(state));
    let sealed: Option<Option<Vec<u8>>> = match size {
        Size::Card => row.select(photos::image_sealed).first(tx.conn).optional()?,
        Size::Till => row.select(photos::till_sealed).first(tx.conn).optional()?,
        Size::Gate => row.select(photos::gate_sealed).first(tx.conn).optional()?,
    };
    Ok(sealed.flatten())
}

/// Oldest first, those after that one only, of that child only if one is given.
pub fn to_review(
    tx: &mut Tx<'_>,
    (state, child): (PhotoState, Option<ChildId>),
    after: Option<PhotoId>,
    limit: i64,
) -> Result<Vec<ReviewRow>, Error> {
    let mut query = photos::table
        .inner_join(children::table.on(children::id.eq(photos::child_id)))
        .filter(photos::state.eq(state))
        .order(photos::id.asc())
        .limit(limit)
        .select(ReviewRow::as_select())
        .into_boxed();
    if let Some(child) = child {
        query = query.filter(photos::child_id.eq(child));
    }
    if let Some(after) = after {
        query = query.filter(photos::id.gt(after));
    }
    Ok(query.load(tx.conn)?)
}

/// Its small sizes are there now; what the reviewer was told goes.
pub fn accept(tx: &mut Tx<'_>, id: PhotoId, by: AccountId, (till, gate): (&[u8], &[u8])) -> Result<PhotoRow, Error> {
    let now = tx.now()?;
    Ok(diesel::update(photos::table.find(id))
        .set((
            photos::state.eq(PhotoState::Accepted),
            photos::till_sealed.eq(till),
            photos::gate_sealed.eq(gate),
            photos::hints.eq(None::<Value>),
            photos::decided_by.eq(by),
            photos::decided_at.eq(now),
            photos::version.eq(photos::version + 1),
        ))
        .returning(PhotoRow::as_returning())
        .get_result(tx.conn)?)
}

/// Its pictures go at once.
pub fn refuse(
    tx: &mut Tx<'_>,
    id: PhotoId,
    by: AccountId,
    (reason, note): (PhotoReason, Option<&Note>),
) -> Result<PhotoRow, Error> {
    let (now, gone) = (tx.now()?, None::<Vec<u8>>);
    Ok(diesel::update(photos::table.find(id))
        .set((
            photos::state.eq(PhotoState::Refused),
            photos::reason.eq(reason),
            photos::note.eq(note),
            photos::image_sealed.eq(&gone),
            photos::till_sealed.eq(&gone),
            photos::gate_sealed.eq(&gone),
            photos::hints.eq(None::<Value>),
            photos::decided_by.eq(by),
            photos::decided_at.eq(now),
            photos::version.eq(photos::version + 1),
        ))
        .returning(PhotoRow::as_returning())
        .get_result(tx.conn)?)
}

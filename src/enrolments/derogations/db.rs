//! Derogations: granted, taken back once, never changed.

use super::{NewDerogation, Waiver};
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, ChildId, DerogationId, FamilyId},
        text::{Note, SeasonCode},
    },
    schema::department::derogations,
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use uuid::Uuid;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = derogations)]
pub struct DerogationRow {
    pub id: DerogationId,
    pub child_id: ChildId,
    pub season: SeasonCode,
    pub waives: Waiver,
    pub reason: Note,
    pub until: NaiveDate,
    pub granted_by: AccountId,
    pub granted_at: DateTime<Utc>,
    pub revoked_by: Option<AccountId>,
    pub revoked_at: Option<DateTime<Utc>>,
}

pub fn insert(tx: &mut Tx<'_>, by: AccountId, family: FamilyId, new: &NewDerogation) -> Result<DerogationRow, Error> {
    let now = tx.now()?;
    Ok(diesel::insert_into(derogations::table)
        .values((
            derogations::id.eq(DerogationId::generate()),
            derogations::child_id.eq(new.child),
            derogations::family_id.eq(family),
            derogations::season.eq(&new.season),
            derogations::waives.eq(new.waives),
            derogations::reason.eq(&new.reason),
            derogations::until.eq(new.until),
            derogations::granted_by.eq(by),
            derogations::granted_at.eq(now),
        ))
        .returning(DerogationRow::as_returning())
        .get_result(tx.conn)?)
}

pub fn derogation(tx: &mut Tx<'_>, id: DerogationId) -> Result<DerogationRow, Error> {
    Ok(derogations::table.find(id).select(DerogationRow::as_select()).first(tx.conn)?)
}

/// None when it was taken back before.
pub fn revoke(tx: &mut Tx<'_>, id: DerogationId, by: AccountId) -> Result<Option<DerogationRow>, Error> {
    let now = tx.now()?;
    Ok(diesel::update(derogations::table.find(id).filter(derogations::revoked_at.is_null()))
        .set((derogations::revoked_by.eq(by), derogations::revoked_at.eq(now)))
        .returning(DerogationRow::as_returning())
        .get_result(tx.conn)
        .optional()?)
}

pub fn page(tx: &mut Tx<'_>, before: Option<Uuid>, limit: i64) -> Result<Vec<DerogationRow>, Error> {
    let mut query = derogations::table
        .select(DerogationRow::as_select())
        .order(derogations::id.desc())
        .limit(limit.saturating_add(1))
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(derogations::id.lt(DerogationId::from_uuid(before)));
    }
    Ok(query.load(tx.conn)?)
}

pub fn of_child(tx: &mut Tx<'_>, child: ChildId) -> Result<Vec<DerogationRow>, Error> {
    Ok(derogations::table
        .filter(derogations::child_id.eq(child))
        .order(derogations::id.desc())
        .select(DerogationRow::as_select())
        .load(tx.conn)?)
}

pub fn is_waived(
    tx: &mut Tx<'_>,
    child: ChildId,
    season: &SeasonCode,
    what: Waiver,
    today: NaiveDate,
) -> Result<bool, Error> {
    let living = derogations::table
        .filter(derogations::child_id.eq(child).and(derogations::season.eq(season)))
        .filter(derogations::waives.eq(what).and(derogations::revoked_at.is_null()))
        .filter(derogations::until.ge(today));
    Ok(diesel::select(diesel::dsl::exists(living)).get_result(tx.conn)?)
}

//! Children, and the states of their enrolments.

use crate::{
    db::Tx,
    error::Error,
    kernel::{
        department::Department,
        ids::{ChildId, FamilyId},
        text::Name,
    },
    schema::department::{children, enrolments},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use uuid::Uuid;

/// A child of a family file.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = children)]
pub struct Child {
    pub id: ChildId,
    pub family_id: FamilyId,
    pub first_names: Name,
    pub last_name: Name,
    pub birth_date: NaiveDate,
    /// Department where the child lives.
    pub residence: Department,
    /// Counts the corrections.
    pub version: i32,
}

/// What a family declares of a child.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = children)]
pub struct Identity {
    pub first_names: Name,
    pub last_name: Name,
    pub birth_date: NaiveDate,
    pub residence: Department,
}

/// What changes in it; `None` stays as it is.
#[derive(Debug, Clone, AsChangeset)]
#[diesel(table_name = children)]
pub struct Corrections {
    pub first_names: Option<Name>,
    pub last_name: Option<Name>,
    pub birth_date: Option<NaiveDate>,
    pub residence: Option<Department>,
}

impl Corrections {
    pub fn is_empty(&self) -> bool {
        let Self { first_names, last_name, birth_date, residence } = self;
        first_names.is_none() && last_name.is_none() && birth_date.is_none() && residence.is_none()
    }
}

pub fn child(tx: &mut Tx<'_>, id: ChildId) -> Result<Child, Error> {
    Ok(children::table.find(id).select(Child::as_select()).first(tx.conn)?)
}

pub fn lock_child(tx: &mut Tx<'_>, id: ChildId) -> Result<Child, Error> {
    Ok(children::table.find(id).select(Child::as_select()).for_update().first(tx.conn)?)
}

pub fn page(tx: &mut Tx<'_>, family: FamilyId, after: Option<Uuid>, limit: i64) -> Result<Vec<Child>, Error> {
    let mut query = children::table
        .filter(children::family_id.eq(family))
        .select(Child::as_select())
        .order(children::id)
        .limit(limit.saturating_add(1))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(children::id.gt(after));
    }
    Ok(query.load(tx.conn)?)
}

pub fn count(tx: &mut Tx<'_>, family: FamilyId) -> Result<i64, Error> {
    Ok(children::table.filter(children::family_id.eq(family)).count().get_result(tx.conn)?)
}

pub fn insert(
    tx: &mut Tx<'_>,
    id: ChildId,
    family: FamilyId,
    identity: &Identity,
    now: DateTime<Utc>,
) -> Result<Child, Error> {
    Ok(diesel::insert_into(children::table)
        .values((children::id.eq(id), children::family_id.eq(family), children::created_at.eq(now), identity))
        .returning(Child::as_returning())
        .get_result(tx.conn)?)
}

pub fn update(tx: &mut Tx<'_>, id: ChildId, corrections: &Corrections) -> Result<Child, Error> {
    Ok(diesel::update(children::table.find(id))
        .set((corrections, children::version.eq(children::version + 1)))
        .returning(Child::as_returning())
        .get_result(tx.conn)?)
}

/// States of the child's enrolments, none of which changes before the end of the transaction.
pub fn lock_enrolment_states(tx: &mut Tx<'_>, child: ChildId) -> Result<Vec<String>, Error> {
    let of_child = enrolments::table.filter(enrolments::child_id.eq(child)).order(enrolments::id);
    Ok(of_child.select(enrolments::state).for_share().load(tx.conn)?)
}

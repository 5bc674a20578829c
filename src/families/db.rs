//! Files, and the lock that keeps their bounds.

use crate::{
    db::Tx,
    error::{Error, Refusal},
    families::guardians::GuardianRights,
    kernel::ids::{AccountId, FamilyId},
    schema::department::{families, guardians},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use uuid::Uuid;

/// One file of a guardian, with what he may do in it.
#[derive(Debug, Clone, Queryable)]
pub struct FamilyLine {
    pub id: FamilyId,
    pub opened_at: DateTime<Utc>,
    pub rights: GuardianRights,
    pub rights_until: Option<NaiveDate>,
}

/// Without `returning`: the caller sees the file only once he is its guardian.
pub fn insert_family(
    tx: &mut Tx<'_>,
    id: FamilyId,
    created_by: AccountId,
    created_at: DateTime<Utc>,
) -> Result<(), Error> {
    diesel::insert_into(families::table)
        .values((families::id.eq(id), families::created_by.eq(created_by), families::created_at.eq(created_at)))
        .execute(tx.conn)?;
    Ok(())
}

/// When a file was opened, and whether it wants a word at each debit.
pub fn family(tx: &mut Tx<'_>, id: FamilyId) -> Result<(DateTime<Utc>, bool), Error> {
    Ok(families::table.find(id).select((families::created_at, families::debit_notices)).first(tx.conn)?)
}

/// Not found when the caller may not change it.
pub fn set_debit_notices(tx: &mut Tx<'_>, id: FamilyId, wanted: bool) -> Result<(), Error> {
    match diesel::update(families::table.find(id)).set(families::debit_notices.eq(wanted)).execute(tx.conn)? {
        0 => Err(Refusal::NotFound.into()),
        _ => Ok(()),
    }
}

pub fn families_of(
    tx: &mut Tx<'_>,
    account: AccountId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<FamilyLine>, Error> {
    let mut query = families::table
        .inner_join(guardians::table.on(guardians::family_id.eq(families::id)))
        .filter(guardians::account_id.eq(account))
        .select((families::id, families::created_at, guardians::rights, guardians::rights_until))
        .order(families::id)
        .limit(limit.saturating_add(1))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(families::id.gt(after));
    }
    Ok(query.load(tx.conn)?)
}

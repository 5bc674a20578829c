//! Places of staff.

use super::{Invitation, Place};
use crate::{
    db::DirectoryTx,
    error::Error,
    kernel::{
        department::Department,
        ids::{AccountId, StaffRoleId},
        text::{Email, Name, Uai},
        words::AgentFunction,
    },
    schema::directory::{accounts, recovery_codes, staff_roles},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

pub fn insert_role(
    tx: &mut DirectoryTx<'_>,
    account: AccountId,
    invitation: &Invitation,
) -> Result<StaffRoleId, Error> {
    let now = tx.now()?;
    let id = StaffRoleId::generate();
    let (role, function, college) = match &invitation.place {
        Place::Agent(function) => ("agent", Some(*function), None),
        Place::Secretary(college) => ("secretary", None, Some(college)),
    };
    diesel::insert_into(staff_roles::table)
        .values((
            staff_roles::id.eq(id),
            staff_roles::account_id.eq(account),
            staff_roles::department.eq(invitation.department),
            staff_roles::role.eq(role),
            staff_roles::agent_function.eq(function),
            staff_roles::college_uai.eq(college),
            staff_roles::name.eq(&invitation.name),
            staff_roles::invited_by.eq(tx.caller.actor.id()),
            staff_roles::invited_at.eq(now),
        ))
        .execute(tx.conn)?;
    Ok(id)
}

pub fn revoke_role(
    tx: &mut DirectoryTx<'_>,
    department: Department,
    role: StaffRoleId,
) -> Result<Option<AccountId>, Error> {
    let now = tx.now()?;
    let present = staff_roles::table
        .filter(staff_roles::id.eq(role).and(staff_roles::department.eq(department)))
        .filter(staff_roles::revoked_at.is_null());
    Ok(diesel::update(present)
        .set(staff_roles::revoked_at.eq(now))
        .returning(staff_roles::account_id)
        .get_result(tx.conn)
        .optional()?)
}

type InvitationRow = (AccountId, Email, Name, Option<AgentFunction>, Option<Uai>);

/// The account and invitation of a present place.
pub fn invitation(
    tx: &mut DirectoryTx<'_>,
    department: Department,
    role: StaffRoleId,
) -> Result<Option<(AccountId, Invitation)>, Error> {
    let row: Option<InvitationRow> = staff_roles::table
        .inner_join(accounts::table.on(accounts::id.eq(staff_roles::account_id)))
        .filter(staff_roles::id.eq(role).and(staff_roles::department.eq(department)))
        .filter(staff_roles::revoked_at.is_null())
        .select((
            accounts::id,
            accounts::email,
            staff_roles::name,
            staff_roles::agent_function,
            staff_roles::college_uai,
        ))
        .first(tx.conn)
        .optional()?;
    Ok(row.and_then(|(account, email, name, function, college)| {
        let place = function.map(Place::Agent).or(college.map(Place::Secretary))?;
        Some((account, Invitation { department, email, name, place }))
    }))
}

pub fn replace_recovery_codes(tx: &mut DirectoryTx<'_>, account: AccountId, hashes: &[Vec<u8>]) -> Result<(), Error> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::account_id.eq(account))).execute(tx.conn)?;
    let rows: Vec<_> = hashes
        .iter()
        .map(|hash| (recovery_codes::account_id.eq(account), recovery_codes::code_hash.eq(hash)))
        .collect();
    diesel::insert_into(recovery_codes::table).values(rows).execute(tx.conn)?;
    Ok(())
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = staff_roles)]
pub struct StaffRow {
    pub id: StaffRoleId,
    pub role: String,
    pub agent_function: Option<AgentFunction>,
    pub college_uai: Option<Uai>,
    pub name: Name,
    pub invited_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
}

pub fn staff_page(
    tx: &mut DirectoryTx<'_>,
    department: Department,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<(StaffRow, Email)>, Error> {
    Ok(staff_roles::table
        .inner_join(accounts::table.on(accounts::id.eq(staff_roles::account_id)))
        .filter(staff_roles::department.eq(department))
        .filter(staff_roles::id.gt(StaffRoleId::from_uuid(after.unwrap_or(Uuid::nil()))))
        .order(staff_roles::id)
        .limit(limit)
        .select((StaffRow::as_select(), accounts::email))
        .load(tx.conn)?)
}

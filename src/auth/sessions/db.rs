//! Sessions, refresh tokens and the accounts behind them.

use crate::{
    db::DirectoryTx,
    error::Error,
    kernel::{
        actor::Actor,
        department::Department,
        ids::{AccountId, SessionId},
        text::{Email, Uai},
        words::AgentFunction,
    },
    schema::directory::{accounts, recovery_codes, refresh_tokens, sessions, staff_roles},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub struct AccountRow {
    pub id: AccountId,
    pub kind: String,
    pub email: Email,
    pub password_hash: Option<String>,
    pub email_verified_at: Option<DateTime<Utc>>,
    pub totp_sealed: Option<Vec<u8>>,
}

impl AccountRow {
    pub fn is_staff(&self) -> bool {
        self.kind == "staff"
    }
}

/// The account that may sign in with that address: staff only while it has a place.
pub fn account_by_email(tx: &mut DirectoryTx<'_>, email: &Email) -> Result<Option<AccountRow>, Error> {
    let place =
        staff_roles::table.filter(staff_roles::account_id.eq(accounts::id).and(staff_roles::revoked_at.is_null()));
    Ok(accounts::table
        .filter(accounts::email.eq(email).and(accounts::kind.eq("family").or(diesel::dsl::exists(place))))
        .select(AccountRow::as_select())
        .first(tx.conn)
        .optional()?)
}

pub fn account(tx: &mut DirectoryTx<'_>, id: AccountId) -> Result<AccountRow, Error> {
    Ok(accounts::table.find(id).select(AccountRow::as_select()).first(tx.conn)?)
}

pub fn email_of(tx: &mut DirectoryTx<'_>, id: AccountId) -> Result<Email, Error> {
    Ok(accounts::table.find(id).select(accounts::email).first(tx.conn)?)
}

#[derive(Debug, Queryable)]
pub struct LivingSession {
    pub id: SessionId,
    account_id: AccountId,
    kind: String,
    pub factor_at: Option<DateTime<Utc>>,
    place: Option<(Department, String, Option<AgentFunction>, Option<Uai>)>,
}

impl LivingSession {
    /// The actor behind the session; none for staff whose place was revoked.
    pub fn actor(&self) -> Result<Option<Actor>, Error> {
        let account = self.account_id;
        if self.kind == "family" {
            return Ok(Some(Actor::Guardian { account }));
        }
        Ok(match self.place.clone() {
            Some((department, _, Some(function), None)) => Some(Actor::Agent { account, department, function }),
            Some((department, _, None, Some(college))) => Some(Actor::Secretary { account, department, college }),
            None => None,
            Some(_) => return Err(Error::internal("a place is neither an agent's nor a secretary's")),
        })
    }
}

pub fn living_sessions(
    tx: &mut DirectoryTx<'_>,
    ids: &[SessionId],
    now: DateTime<Utc>,
) -> Result<Vec<LivingSession>, Error> {
    Ok(sessions::table
        .inner_join(accounts::table.on(accounts::id.eq(sessions::account_id)))
        .left_join(
            staff_roles::table
                .on(staff_roles::account_id.eq(sessions::account_id).and(staff_roles::revoked_at.is_null())),
        )
        .filter(sessions::id.eq_any(ids).and(sessions::ended_at.is_null()).and(sessions::expires_at.gt(now)))
        .select((
            sessions::id,
            sessions::account_id,
            accounts::kind,
            sessions::factor_at,
            (staff_roles::department, staff_roles::role, staff_roles::agent_function, staff_roles::college_uai)
                .nullable(),
        ))
        .load(tx.conn)?)
}

pub fn insert_session(
    tx: &mut DirectoryTx<'_>,
    id: SessionId,
    account: AccountId,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    factor_at: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(id),
            sessions::account_id.eq(account),
            sessions::created_at.eq(now),
            sessions::expires_at.eq(expires_at),
            sessions::factor_at.eq(factor_at),
        ))
        .execute(tx.conn)?;
    Ok(())
}

pub fn set_factor_at(tx: &mut DirectoryTx<'_>, id: SessionId, at: Option<DateTime<Utc>>) -> Result<(), Error> {
    diesel::update(sessions::table.find(id)).set(sessions::factor_at.eq(at)).execute(tx.conn)?;
    Ok(())
}

pub fn end_session(tx: &mut DirectoryTx<'_>, id: SessionId, because: &str, now: DateTime<Utc>) -> Result<(), Error> {
    diesel::update(sessions::table.filter(sessions::id.eq(id).and(sessions::ended_at.is_null())))
        .set((sessions::ended_at.eq(now), sessions::ended_because.eq(because)))
        .execute(tx.conn)?;
    Ok(())
}

pub fn end_sessions(
    tx: &mut DirectoryTx<'_>,
    account: AccountId,
    because: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    diesel::update(sessions::table.filter(sessions::account_id.eq(account).and(sessions::ended_at.is_null())))
        .set((sessions::ended_at.eq(now), sessions::ended_because.eq(because)))
        .execute(tx.conn)?;
    Ok(())
}

pub fn insert_refresh(
    tx: &mut DirectoryTx<'_>,
    session: SessionId,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::token_hash.eq(hash),
            refresh_tokens::session_id.eq(session),
            refresh_tokens::created_at.eq(now),
        ))
        .execute(tx.conn)?;
    Ok(())
}

#[derive(Debug, Queryable)]
pub struct RefreshRow {
    pub session_id: SessionId,
    pub used_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
}

/// The token's row, locked: of two that show it at once, the second sees it used.
pub fn lock_refresh(tx: &mut DirectoryTx<'_>, hash: &[u8]) -> Result<Option<RefreshRow>, Error> {
    Ok(refresh_tokens::table
        .inner_join(sessions::table.on(sessions::id.eq(refresh_tokens::session_id)))
        .filter(refresh_tokens::token_hash.eq(hash))
        .select((refresh_tokens::session_id, refresh_tokens::used_at, sessions::ended_at, sessions::expires_at))
        .for_update()
        .first(tx.conn)
        .optional()?)
}

pub fn use_refresh(tx: &mut DirectoryTx<'_>, hash: &[u8], now: DateTime<Utc>) -> Result<(), Error> {
    diesel::update(refresh_tokens::table.find(hash)).set(refresh_tokens::used_at.eq(now)).execute(tx.conn)?;
    Ok(())
}

/// Takes the step of a time code, unless this or a later one was taken before.
pub fn take_totp_step(
    tx: &mut DirectoryTx<'_>,
    account: AccountId,
    step: i64,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let taken = diesel::update(accounts::table.filter(accounts::id.eq(account).and(accounts::totp_last_step.lt(step))))
        .set((accounts::totp_last_step.eq(step), accounts::totp_confirmed_at.eq(now)))
        .execute(tx.conn)?;
    Ok(taken == 1)
}

/// Takes a recovery code, unless it was taken before.
pub fn take_recovery_code(
    tx: &mut DirectoryTx<'_>,
    account: AccountId,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let unused = recovery_codes::table
        .filter(recovery_codes::account_id.eq(account).and(recovery_codes::code_hash.eq(hash)))
        .filter(recovery_codes::used_at.is_null());
    let taken = diesel::update(unused).set(recovery_codes::used_at.eq(now)).execute(tx.conn)?;
    Ok(taken == 1)
}

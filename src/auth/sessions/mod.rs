//! Sessions: sign-in, rotating refresh tokens, the second factor of staff, sign-out.

mod db;
pub mod http;
pub mod second_factor;

use crate::{
    app::App,
    audit,
    auth::{actor::Identity, passwords, throttles, tokens},
    db::DirectoryTx,
    error::{Error, Refusal},
    kernel::{
        actor::Caller,
        crypto::{random_token, sha256},
        ids::{AccountId, SessionId},
        text::{Email, Secret},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

/// A family's session outlives the telephone's nap; staff signs in each working day.
const FAMILY_SESSION: TimeDelta = TimeDelta::days(30);
const STAFF_SESSION: TimeDelta = TimeDelta::hours(12);

/// A session just opened or refreshed.
#[derive(Debug)]
pub struct Opened {
    pub session: SessionId,
    pub refresh_token: String,
    pub expires_at: DateTime<Utc>,
}

/// Who is behind these sessions now; nobody behind one that ended, or whose place was taken back.
pub fn identities(tx: &mut DirectoryTx<'_>, sessions: &[SessionId]) -> Result<Vec<(SessionId, Identity)>, Error> {
    let now = tx.now()?;
    let mut known = vec![];
    for row in db::living_sessions(tx, sessions, now)? {
        if let Some(actor) = row.actor()? {
            known.push((row.id, Identity { actor, session: Some(row.id), factor_at: row.factor_at }));
        }
    }
    Ok(known)
}

/// Opens a session for the right e-mail, password and, for staff, second factor. Wrong ones and unknown ones answer alike.
pub async fn sign_in(
    app: &App,
    caller: &Caller,
    email: Email,
    password: &Secret,
    factor: Option<Secret>,
) -> Result<Opened, Error> {
    let address = email.clone();
    app.db
        .directory_write(caller, move |tx| {
            let by_address = throttles::count_address(tx, throttles::SIGN_IN_ADDRESS)?;
            let by_account = throttles::count(tx, throttles::SIGN_IN_ACCOUNT, address.as_str())?;
            Ok(by_address.and(by_account))
        })
        .await??;
    let address = email.clone();
    let account = app.db.directory_read(caller, move |tx| db::account_by_email(tx, &address)).await?;
    let hash = account.as_ref().filter(|a| a.email_verified_at.is_some()).and_then(|a| a.password_hash.clone());
    let right = passwords::verify(app, password, hash).await?;
    let Some(account) = account.filter(|_| right) else {
        return Err(Refusal::WrongCredentials.into());
    };
    app.db
        .directory_write(caller, move |tx| {
            let factor_at = second_factor::require(tx, &account, factor.as_ref())?;
            throttles::forget(tx, throttles::SIGN_IN_ACCOUNT, email.as_str())?;
            open(tx, account.id, account.is_staff(), factor_at)
        })
        .await
}

fn open(
    tx: &mut DirectoryTx<'_>,
    account: AccountId,
    staff: bool,
    factor_at: Option<DateTime<Utc>>,
) -> Result<Opened, Error> {
    let now = tx.now()?;
    let life = if staff { STAFF_SESSION } else { FAMILY_SESSION };
    let expires_at = now.checked_add_signed(life).unwrap_or(now);
    let session = SessionId::generate();
    db::insert_session(tx, session, account, now, expires_at, factor_at)?;
    let refresh_token = random_token();
    db::insert_refresh(tx, session, &sha256(refresh_token.as_bytes()), now)?;
    audit::record(tx, "signed_in", ("account", account), json!({ "session_id": session }))?;
    Ok(Opened { session, refresh_token, expires_at })
}

/// Exchanges a refresh token for the next one. A token shown twice means that two hold it: the whole session ends.
pub async fn refresh(app: &App, caller: &Caller, token: &Secret) -> Result<Opened, Error> {
    let hash = sha256(token.as_str().as_bytes());
    app.db
        .directory_write(caller, move |tx| {
            let now = tx.now()?;
            let Some(row) = db::lock_refresh(tx, &hash)? else { return Ok(Err(Refusal::UnknownRefresh)) };
            if row.ended_at.is_some() || row.expires_at <= now {
                return Ok(Err(Refusal::UnknownRefresh));
            }
            if row.used_at.is_some() {
                db::end_session(tx, row.session_id, "refresh_reused", now)?;
                audit::record(
                    tx,
                    "session_ended",
                    ("session", row.session_id),
                    json!({ "because": "refresh_reused" }),
                )?;
                // Not an error for the transaction: the end of the session must commit.
                return Ok(Err(Refusal::UnknownRefresh));
            }
            db::use_refresh(tx, &hash, now)?;
            let refresh_token = random_token();
            db::insert_refresh(tx, row.session_id, &sha256(refresh_token.as_bytes()), now)?;
            Ok(Ok(Opened { session: row.session_id, refresh_token, expires_at: row.expires_at }))
        })
        .await?
        .map_err(Error::from)
}

/// Ends one session.
pub fn sign_out(tx: &mut DirectoryTx<'_>, session: SessionId) -> Result<(), Error> {
    let now = tx.now()?;
    db::end_session(tx, session, "signed_out", now)?;
    audit::record(tx, "session_ended", ("session", session), json!({ "because": "signed_out" }))
}

/// Ends every session of an account.
pub fn end_all(tx: &mut DirectoryTx<'_>, account: AccountId, because: &str) -> Result<(), Error> {
    let now = tx.now()?;
    db::end_sessions(tx, account, because, now)?;
    audit::record(tx, "sessions_ended", ("account", account), json!({ "because": because }))
}

/// The access token of a session.
pub async fn access_token(app: &App, session: SessionId) -> Result<String, Error> {
    tokens::issue(app, tokens::Bearer::Session(session)).await
}

/// What a signed-in person is, for `GET /v1/me`.
pub fn email_of(tx: &mut DirectoryTx<'_>, account: AccountId) -> Result<Email, Error> {
    db::email_of(tx, account)
}

/// A staff account's second factor shown again, for what asks for a fresh one.
pub async fn confirm_factor(
    app: &App,
    caller: &Caller,
    session: SessionId,
    account: AccountId,
    code: Secret,
) -> Result<(), Error> {
    let subject = account.to_string();
    app.db.directory_write(caller, move |tx| throttles::count(tx, throttles::SIGN_IN_ACCOUNT, &subject)).await??;
    let subject = account.to_string();
    app.db
        .directory_write(caller, move |tx| {
            let row = db::account(tx, account)?;
            let at = second_factor::require(tx, &row, Some(&code))?;
            throttles::forget(tx, throttles::SIGN_IN_ACCOUNT, &subject)?;
            db::set_factor_at(tx, session, at)
        })
        .await
}

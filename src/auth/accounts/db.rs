//! Accounts and the single-use links sent to them.

use super::LinkPurpose;
use crate::{
    db::DirectoryTx,
    error::Error,
    kernel::{ids::AccountId, text::Email},
    schema::directory::{accounts, mail_tokens},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

/// A new family account, or none when the address is taken.
pub fn insert_family_account(tx: &mut DirectoryTx<'_>, email: &Email) -> Result<Option<AccountId>, Error> {
    let now = tx.now()?;
    Ok(diesel::insert_into(accounts::table)
        .values((
            accounts::id.eq(AccountId::generate()),
            accounts::kind.eq("family"),
            accounts::email.eq(email),
            accounts::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .returning(accounts::id)
        .get_result(tx.conn)
        .optional()?)
}

/// A staff account; a taken address is refused by its constraint.
pub fn insert_staff_account(tx: &mut DirectoryTx<'_>, email: &Email) -> Result<AccountId, Error> {
    let now = tx.now()?;
    let id = AccountId::generate();
    diesel::insert_into(accounts::table)
        .values((
            accounts::id.eq(id),
            accounts::kind.eq("staff"),
            accounts::email.eq(email),
            accounts::created_at.eq(now),
        ))
        .execute(tx.conn)?;
    Ok(id)
}

pub fn unverified_account(tx: &mut DirectoryTx<'_>, email: &Email) -> Result<Option<AccountId>, Error> {
    Ok(accounts::table
        .filter(accounts::email.eq(email).and(accounts::email_verified_at.is_null()).and(accounts::kind.eq("family")))
        .select(accounts::id)
        .first(tx.conn)
        .optional()?)
}

pub fn account_with_password(tx: &mut DirectoryTx<'_>, email: &Email) -> Result<Option<AccountId>, Error> {
    Ok(accounts::table
        .filter(accounts::email.eq(email).and(accounts::password_hash.is_not_null()))
        .select(accounts::id)
        .first(tx.conn)
        .optional()?)
}

/// The link came by mail: the address is proved with the password's setting.
pub fn set_password(tx: &mut DirectoryTx<'_>, id: AccountId, hash: &str) -> Result<(), Error> {
    let now = tx.now()?;
    diesel::update(accounts::table.find(id))
        .set((accounts::password_hash.eq(hash), accounts::email_verified_at.eq(now)))
        .execute(tx.conn)?;
    Ok(())
}

pub fn set_totp(tx: &mut DirectoryTx<'_>, id: AccountId, sealed: &[u8]) -> Result<(), Error> {
    diesel::update(accounts::table.find(id))
        .set((accounts::totp_sealed.eq(sealed), accounts::totp_last_step.eq(0)))
        .execute(tx.conn)?;
    Ok(())
}

pub fn insert_link(
    tx: &mut DirectoryTx<'_>,
    hash: &[u8],
    account: AccountId,
    purpose: LinkPurpose,
    expires_at: DateTime<Utc>,
) -> Result<(), Error> {
    let now = tx.now()?;
    diesel::insert_into(mail_tokens::table)
        .values((
            mail_tokens::token_hash.eq(hash),
            mail_tokens::account_id.eq(account),
            mail_tokens::purpose.eq(purpose),
            mail_tokens::created_at.eq(now),
            mail_tokens::expires_at.eq(expires_at),
        ))
        .execute(tx.conn)?;
    Ok(())
}

pub fn drop_links(tx: &mut DirectoryTx<'_>, account: AccountId, purpose: LinkPurpose) -> Result<(), Error> {
    diesel::delete(
        mail_tokens::table.filter(mail_tokens::account_id.eq(account).and(mail_tokens::purpose.eq(purpose))),
    )
    .execute(tx.conn)?;
    Ok(())
}

/// Uses up a living link: of two that bring it, one gets the account.
pub fn take_link(
    tx: &mut DirectoryTx<'_>,
    hash: &[u8],
    purpose: LinkPurpose,
    now: DateTime<Utc>,
) -> Result<Option<AccountId>, Error> {
    let living = mail_tokens::table
        .filter(mail_tokens::token_hash.eq(hash).and(mail_tokens::purpose.eq(purpose)))
        .filter(mail_tokens::used_at.is_null().and(mail_tokens::expires_at.gt(now)));
    Ok(diesel::update(living)
        .set(mail_tokens::used_at.eq(now))
        .returning(mail_tokens::account_id)
        .get_result(tx.conn)
        .optional()?)
}

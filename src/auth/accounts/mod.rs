//! Accounts of families: sign-up, proof of the e-mail, forgotten password.
//!
//! The password is chosen behind the link that proves the address, never before: whoever types another's address into the sign-up
//! form prepares nothing for himself. And since nothing is computed at sign-up, known and unknown addresses take the same time.

pub mod db;
pub mod http;

use crate::{
    app::App,
    audit,
    auth::{
        passwords::{self, NewPassword},
        sessions, throttles,
    },
    db::DirectoryTx,
    error::{Error, Refusal},
    jobs::{self, Job},
    kernel::{
        actor::Caller,
        crypto::{random_token, sha256},
        ids::AccountId,
        text::{Email, Secret},
    },
    mail::Letter,
};
use chrono::TimeDelta;
use serde_json::json;

text_enum! {
    /// What a mailed link is for.
    pub enum LinkPurpose {
        VerifyEmail = "verify_email",
        ResetPassword = "reset_password",
        AcceptInvitation = "accept_invitation",
    }
}

impl LinkPurpose {
    /// How long the link serves.
    const fn life(self) -> TimeDelta {
        match self {
            Self::VerifyEmail => TimeDelta::hours(24),
            Self::ResetPassword => TimeDelta::hours(1),
            Self::AcceptInvitation => TimeDelta::days(7),
        }
    }
}

/// Starts an account for `email`, or tells its owner by mail that he has one. The caller learns nothing of either.
pub async fn sign_up(app: &App, caller: &Caller, email: Email) -> Result<(), Error> {
    count_letter(app, caller, &email).await?;
    let url = app.public_url.to_string();
    app.db
        .directory_write(caller, move |tx| {
            let account = db::insert_family_account(tx, &email)?;
            let fresh = match account {
                Some(id) => {
                    audit::record(tx, "account_opened", ("account", id), json!({}))?;
                    Some(id)
                }
                None => db::unverified_account(tx, &email)?,
            };
            let Some(account) = fresh else {
                let body = format!(
                    "Bonjour,\n\nQuelqu'un, peut-être vous, a demandé un compte Pass+ avec cette adresse, qui en a déjà un.\n\
                     Si vous avez oublié votre mot de passe, demandez-en un nouveau : {url}/mot-de-passe-oublie\n\
                     Sinon, vous n'avez rien à faire.\n\nPass+"
                );
                return letter(tx, &email, "Vous avez déjà un compte Pass+", body);
            };
            let token = new_link(tx, account, LinkPurpose::VerifyEmail)?;
            let body = format!(
                "Bonjour,\n\nPour confirmer votre adresse et choisir votre mot de passe, ouvrez ce lien dans les 24 heures :\n\
                 {url}/confirmation#{token}\n\nSi vous n'avez rien demandé, ignorez ce message.\n\nPass+"
            );
            letter(tx, &email, "Confirmez votre adresse", body)
        })
        .await
}

/// Proves the address by its link and sets the first password.
pub async fn confirm_account(app: &App, caller: &Caller, token: Secret, password: &Secret) -> Result<(), Error> {
    set_password(app, caller, token, password, LinkPurpose::VerifyEmail).await
}

/// Sends a link to choose another password, if the address has an account. The caller learns nothing.
pub async fn request_reset(app: &App, caller: &Caller, email: Email) -> Result<(), Error> {
    count_letter(app, caller, &email).await?;
    let url = app.public_url.to_string();
    app.db
        .directory_write(caller, move |tx| {
            let Some(account) = db::account_with_password(tx, &email)? else { return Ok(()) };
            let token = new_link(tx, account, LinkPurpose::ResetPassword)?;
            let body = format!(
                "Bonjour,\n\nPour choisir un nouveau mot de passe, ouvrez ce lien dans l'heure :\n{url}/nouveau-mot-de-passe#{token}\n\n\
                 Si vous n'avez rien demandé, ignorez ce message : votre mot de passe n'a pas changé.\n\nPass+"
            );
            letter(tx, &email, "Votre nouveau mot de passe", body)
        })
        .await
}

/// Sets another password by a reset link; every session of the account ends.
pub async fn reset_password(app: &App, caller: &Caller, token: Secret, password: &Secret) -> Result<(), Error> {
    set_password(app, caller, token, password, LinkPurpose::ResetPassword).await
}

async fn set_password(
    app: &App,
    caller: &Caller,
    token: Secret,
    password: &Secret,
    purpose: LinkPurpose,
) -> Result<(), Error> {
    let hash = hash_for_link(app, caller, password).await?;
    app.db
        .directory_write(caller, move |tx| {
            let account = take_link(tx, &token, purpose)?;
            db::set_password(tx, account, &hash)?;
            if purpose == LinkPurpose::ResetPassword {
                sessions::end_all(tx, account, "password_reset")?;
                let email = sessions::email_of(tx, account)?;
                let body = "Bonjour,\n\nLe mot de passe de votre compte Pass+ vient d'être changé et vos appareils ont été déconnectés.\n\
                            Si ce n'est pas vous, demandez aussitôt un nouveau mot de passe.\n\nPass+";
                letter(tx, &email, "Votre mot de passe a changé", body.to_owned())?;
            }
            audit::record(tx, "password_set", ("account", account), json!({ "by": purpose.as_str() }))
        })
        .await
}

/// Hashes a password that a link will set. Tries are counted by address first: each costs an argon2.
pub async fn hash_for_link(app: &App, caller: &Caller, password: &Secret) -> Result<String, Error> {
    let password = NewPassword::try_from(password)?;
    app.db.directory_write(caller, |tx| throttles::count_address(tx, throttles::LINK_ADDRESS)).await??;
    passwords::hash(app, password).await
}

async fn count_letter(app: &App, caller: &Caller, email: &Email) -> Result<(), Error> {
    let email = email.clone();
    app.db
        .directory_write(caller, move |tx| {
            let by_address = throttles::count_address(tx, throttles::LETTER_ADDRESS)?;
            let by_account = throttles::count(tx, throttles::LETTER_ACCOUNT, email.as_str())?;
            Ok(by_address.and(by_account))
        })
        .await?
}

/// Makes a single-use link; those of the same purpose sent before stop serving. Only its hash is kept.
pub fn new_link(tx: &mut DirectoryTx<'_>, account: AccountId, purpose: LinkPurpose) -> Result<String, Error> {
    let now = tx.now()?;
    let token = random_token();
    db::drop_links(tx, account, purpose)?;
    db::insert_link(
        tx,
        &sha256(token.as_bytes()),
        account,
        purpose,
        now.checked_add_signed(purpose.life()).unwrap_or(now),
    )?;
    Ok(token)
}

/// Uses a link up and says whose it was.
pub fn take_link(tx: &mut DirectoryTx<'_>, token: &Secret, purpose: LinkPurpose) -> Result<AccountId, Error> {
    let now = tx.now()?;
    let account = db::take_link(tx, &sha256(token.as_str().as_bytes()), purpose, now)?;
    account.ok_or(Error::Refused(Refusal::InvalidLink))
}

/// Leaves a letter to the worker.
pub fn letter(tx: &mut DirectoryTx<'_>, to: &Email, subject: &str, body: String) -> Result<(), Error> {
    jobs::enqueue(tx, &Job::Letter(Letter { to: to.clone(), subject: subject.to_owned(), body }))
}

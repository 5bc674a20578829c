//! Secretaries and agents: invited by an administrator of their department, never without a second factor.

pub mod db;
pub mod http;

use crate::{
    app::App,
    audit,
    auth::{
        accounts::{self, LinkPurpose},
        sessions::{self, second_factor},
    },
    db::DirectoryTx,
    error::{Error, Refusal},
    kernel::{
        actor::Caller,
        department::Department,
        ids::StaffRoleId,
        text::{Email, Name, Secret, Sensitive, Uai},
        words::AgentFunction,
    },
};
use serde_json::json;

/// The place an invited person will hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Agent(AgentFunction),
    Secretary(Uai),
}

/// A person to invite.
#[derive(Debug, Clone)]
pub struct Invitation {
    pub department: Department,
    pub email: Email,
    pub name: Name,
    pub place: Place,
}

/// Makes the account and its place, and leaves the letter with the link.
pub fn invite(tx: &mut DirectoryTx<'_>, invitation: &Invitation, public_url: &str) -> Result<StaffRoleId, Error> {
    let account = accounts::db::insert_staff_account(tx, &invitation.email)?;
    let role = db::insert_role(tx, account, invitation)?;
    send_link(tx, invitation, account, public_url)?;
    audit::record(tx, "staff_invited", ("staff_role", role), json!({ "department": invitation.department }))?;
    Ok(role)
}

fn send_link(
    tx: &mut DirectoryTx<'_>,
    invitation: &Invitation,
    account: crate::kernel::ids::AccountId,
    public_url: &str,
) -> Result<(), Error> {
    let token = accounts::new_link(tx, account, LinkPurpose::AcceptInvitation)?;
    let what = match &invitation.place {
        Place::Agent(_) => "comme agent du département",
        Place::Secretary(_) => "comme correspondant de votre collège",
    };
    let body = format!(
        "Bonjour,\n\nVous êtes invité à utiliser Pass+ {what} ({}).\nOuvrez ce lien dans les sept jours pour choisir votre mot de passe \
         et relier votre application d'authentification :\n{public_url}/invitation#{token}\n\nPass+",
        invitation.department
    );
    accounts::letter(tx, &invitation.email, "Votre accès à Pass+", body)
}

/// What an invited person must keep: shown once.
pub struct Accepted {
    pub otpauth_uri: Sensitive<String>,
    pub secret_base32: Sensitive<String>,
    pub recovery_codes: Vec<String>,
}

/// Sets the password and makes the second factor of an invited person. Who accepts again had lost them: sessions opened with the
/// old ones end.
pub async fn accept(app: &App, caller: &Caller, token: Secret, password: &Secret) -> Result<Accepted, Error> {
    let hash = accounts::hash_for_link(app, caller, password).await?;
    app.db
        .directory_write(caller, move |tx| {
            let account = accounts::take_link(tx, &token, LinkPurpose::AcceptInvitation)?;
            accounts::db::set_password(tx, account, &hash)?;
            // Invited again: whoever held the old password or telephone is out.
            sessions::end_all(tx, account, "password_reset")?;
            let email = sessions::email_of(tx, account)?;
            let factor = second_factor::generate(tx.key, account, &email)?;
            accounts::db::set_totp(tx, account, &factor.sealed)?;
            let recovery_codes = second_factor::generate_recovery_codes();
            let hashes: Vec<_> =
                recovery_codes.iter().map(|code| second_factor::recovery_hash(tx.key, account, code)).collect();
            db::replace_recovery_codes(tx, account, &hashes)?;
            sessions::end_all(tx, account, "password_reset")?;
            audit::record(tx, "invitation_accepted", ("account", account), json!({}))?;
            let second_factor::NewFactor { otpauth_uri, secret_base32, .. } = factor;
            Ok(Accepted { otpauth_uri, secret_base32, recovery_codes })
        })
        .await
}

/// Takes a person's place away; his sessions and his invitation end with it.
pub fn revoke(tx: &mut DirectoryTx<'_>, department: Department, role: StaffRoleId) -> Result<(), Error> {
    let account = db::revoke_role(tx, department, role)?.ok_or(Error::Refused(Refusal::NotFound))?;
    if tx.caller.actor.id() == Some(account.uuid()) {
        return Err(Error::RefusedBecause(
            Refusal::Forbidden,
            "Un administrateur ne peut pas retirer sa propre place.".to_owned(),
        ));
    }
    sessions::end_all(tx, account, "role_revoked")?;
    accounts::db::drop_links(tx, account, LinkPurpose::AcceptInvitation)?;
    audit::record(tx, "staff_revoked", ("staff_role", role), json!({}))
}

/// Sends an invited or locked-out person a new link: a new password, a new second factor, new recovery codes.
pub fn invite_again(
    tx: &mut DirectoryTx<'_>,
    department: Department,
    role: StaffRoleId,
    public_url: &str,
) -> Result<(), Error> {
    let (account, invitation) = db::invitation(tx, department, role)?.ok_or(Error::Refused(Refusal::NotFound))?;
    send_link(tx, &invitation, account, public_url)?;
    audit::record(tx, "staff_invited_again", ("staff_role", role), json!({}))
}

//! Guardians of a file: who they are, what they may do and since when, and how each is reached.
//!
//! Parental authority has dates here, never a cause: no reason is asked or kept. Guardians invite each other and never end each
//! other's rights; the department does.

mod db;
pub mod http;

pub use db::{Contact, GuardianRecord, NewGuardian, Person};

use super::notify;
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    families,
    jobs::{self, Job},
    kernel::{
        actor::Actor,
        crypto::{random_token, sha256},
        ids::{AccountId, FamilyId, GuardianId},
        text::{Email, Secret},
        time::paris_date,
    },
    mail::Letter,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::json;

/// Parents, step-parents and institutions together are fewer; a bound all the same.
const GUARDIANS_MAX: i64 = 6;
/// Long enough for a letter that is read at the week-end.
const INVITATION_TTL: TimeDelta = TimeDelta::days(7);

text_enum! {
    /// What a guardian may do in a file.
    pub enum GuardianRights {
        /// Read and decide.
        Full = "full",
        /// Read only.
        Consult = "consult",
    }
}

/// Whom to invite, and with which rights.
#[derive(Debug, Clone)]
pub struct Invitation {
    pub person: Person,
    pub email: Email,
    pub rights: GuardianRights,
}

/// Where the service is and for whom it speaks, as letters say it.
#[derive(Debug, Clone)]
pub struct Sender {
    pub public_url: String,
    pub department_name: String,
}

impl GuardianRecord {
    /// Whether this is an invitation that nobody accepted in time.
    #[must_use]
    pub fn has_lapsed(&self, now: DateTime<Utc>) -> bool {
        self.account_id.is_none() && self.invitation_expires_at.is_none_or(|at| at <= now)
    }
}

/// Refuses a guardian who may only consult the file, and anyone to whom it is nothing. The department's agents and the service pass.
pub fn require_full_rights(tx: &mut Tx<'_>, family: FamilyId) -> Result<(), Error> {
    match tx.caller.actor {
        Actor::System | Actor::Agent { .. } => Ok(()),
        Actor::Guardian { account } => match db::rights_of(tx, family, account)? {
            (GuardianRights::Full, _) => Ok(()),
            (GuardianRights::Consult, _) => Err(Refusal::ConsultOnly.into()),
        },
        Actor::Anonymous
        | Actor::Secretary { .. }
        | Actor::Device { .. }
        | Actor::Gate { .. }
        | Actor::Kitchen { .. } => Err(Refusal::Forbidden.into()),
    }
}

/// Addresses of the guardians who have an account and present rights on the file: those whom a service message reaches.
pub fn recipients(tx: &mut Tx<'_>, family: FamilyId) -> Result<Vec<Email>, Error> {
    let today = paris_date(tx.now()?);
    db::present_emails(tx, family, today)
}

/// The same, told apart: whether each is the guardian behind that account.
pub(super) fn recipients_apart(
    tx: &mut Tx<'_>,
    family: FamilyId,
    account: AccountId,
) -> Result<Vec<(bool, Email)>, Error> {
    let today = paris_date(tx.now()?);
    let all = db::present_accounts(tx, family, today)?;
    Ok(all.into_iter().map(|(of, email)| (of == Some(account), email)).collect())
}

pub(super) fn enter(tx: &mut Tx<'_>, guardian: &NewGuardian) -> Result<(), Error> {
    db::insert(tx, guardian)
}

pub(super) fn records(tx: &mut Tx<'_>, family: FamilyId) -> Result<Vec<GuardianRecord>, Error> {
    db::records(tx, family)
}

pub(super) fn records_with_contact(tx: &mut Tx<'_>, family: FamilyId) -> Result<Vec<(GuardianRecord, Contact)>, Error> {
    db::records_with_contact(tx, family)
}

pub(super) fn own_contact(tx: &mut Tx<'_>, family: FamilyId, account: AccountId) -> Result<Contact, Error> {
    db::contact_of(tx, family, account)
}

pub(super) fn own_id(tx: &mut Tx<'_>, family: FamilyId, account: AccountId) -> Result<GuardianId, Error> {
    db::id_of(tx, family, account)
}

/// Replaces the caller's own contact record.
pub fn change_contact(tx: &mut Tx<'_>, family: FamilyId, account: AccountId, contact: &Contact) -> Result<(), Error> {
    let guardian = db::set_contact(tx, family, account, contact)?;
    audit::record(tx, "contact_changed", ("guardian", guardian), json!({ "family_id": family }))
}

/// Enters a guardian without account and writes him a letter with the code that lets him in. Only its hash is kept.
pub fn invite_guardian(
    tx: &mut Tx<'_>,
    family: FamilyId,
    invitation: &Invitation,
    sender: &Sender,
) -> Result<GuardianRecord, Error> {
    require_full_rights(tx, family)?;
    let now = tx.now()?;
    let today = paris_date(now);
    tx.take_turns(format_args!("family {family}"))?;
    if db::count_present(tx, family, now, today)? >= GUARDIANS_MAX {
        return Err(Refusal::TooManyMembers.into());
    }
    // Nobody gives longer rights than his own: they would outlive him through another address.
    let rights_until = match tx.caller.actor {
        Actor::Guardian { account } => db::rights_of(tx, family, account)?.1,
        _ => None,
    };
    let (id, code) = (GuardianId::generate(), random_token());
    let contact = Contact { email: invitation.email.clone(), phone: None, postal_address: None };
    db::insert(
        tx,
        &NewGuardian {
            id,
            family_id: family,
            account_id: None,
            person: invitation.person.clone(),
            contact,
            rights: invitation.rights,
            rights_from: today,
            rights_until,
            invitation_hash: Some(sha256(code.as_bytes())),
            invitation_expires_at: now.checked_add_signed(INVITATION_TTL),
            created_at: now,
        },
    )?;
    jobs::enqueue(tx, &Job::Letter(invitation_letter(invitation.email.clone(), &code, sender)))?;
    audit::record(
        tx,
        "guardian_invited",
        ("guardian", id),
        json!({ "family_id": family, "rights": invitation.rights }),
    )?;
    db::record(tx, id)
}

/// The letter names nobody: the address may have been mistyped.
fn invitation_letter(to: Email, code: &str, sender: &Sender) -> Letter {
    let Sender { public_url, department_name } = sender;
    let text = format!(
        "Un responsable légal vous invite à rejoindre le dossier Pass+ de sa famille, dans le département \
         {department_name}.\n\nPour accepter, identifiez-vous sur {public_url}, ou créez d'abord votre compte, puis \
         saisissez ce code :\n\n{code}\n\nIl sert une seule fois, pendant sept jours. Si vous n'attendiez pas cette \
         invitation, ignorez ce message."
    );
    Letter {
        to,
        subject: "Pass+ : invitation à rejoindre un dossier familial".to_owned(),
        body: families::signed(&text, department_name),
    }
}

/// Binds the calling account to the place that the code was made for.
pub fn accept_guardian_invitation(tx: &mut Tx<'_>, code: &Secret) -> Result<FamilyId, Error> {
    let hash = sha256(code.as_str().trim().as_bytes());
    let family = db::accept_invitation(tx, &hash)?.ok_or(Error::Refused(Refusal::InvalidLink))?;
    audit::record(tx, "guardian_joined", ("family", family), json!({}))?;
    Ok(family)
}

/// Sets what a guardian may do and until which day included (`None`: without end), and tells the family.
pub fn change_guardian_rights(
    tx: &mut Tx<'_>,
    id: GuardianId,
    rights: GuardianRights,
    until: Option<NaiveDate>,
    department_name: &str,
) -> Result<GuardianRecord, Error> {
    let guardian = db::lock_record(tx, id)?;
    if until.is_some_and(|until| until < guardian.rights_from) {
        let detail = format!("une date à partir du {} est attendue", guardian.rights_from.format("%d/%m/%Y"));
        return Err(Error::field("/rights_until", detail));
    }
    db::set_rights(tx, id, rights, until)?;
    audit::record(
        tx,
        "guardian_rights_changed",
        ("guardian", id),
        json!({ "family_id": guardian.family_id, "rights": rights, "rights_until": until }),
    )?;
    let text = "Le département a modifié les droits d'un responsable légal sur votre dossier Pass+. Vous les trouverez, \
                avec leurs dates, dans ce dossier.";
    let body = families::signed(text, department_name);
    notify(tx, guardian.family_id, "Pass+ : droits modifiés sur votre dossier", &body)?;
    db::record(tx, id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_letter_brings_the_code_and_names_the_department() {
        let sender = Sender { public_url: "https://passplus.example".into(), department_name: "Hauts-de-Seine".into() };
        let to: Email = "camille.martin@example.fr".parse().expect("an address");
        let letter = invitation_letter(to, "n3x8", &sender);
        for part in ["\n\nn3x8\n\n", "https://passplus.example", "Pass+ — Département Hauts-de-Seine"] {
            assert!(letter.body.contains(part), "{part}");
        }
    }
}

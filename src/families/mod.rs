//! Family files: one a household and department, with its guardians, its children and what each guardian consents to.
//!
//! A file is seen by its guardians with present rights and by the department's agents; the database's policies say so, the rules here
//! say what may be done. A guardian's contact record is his own: no other guardian ever reads it.

pub mod children;
pub mod consents;
mod db;
pub mod guardians;
pub mod http;

pub use children::{Child, child};
pub use db::FamilyLine;
pub use guardians::{recipients, require_full_rights};

use crate::{
    audit,
    db::Tx,
    error::Error,
    jobs::{self, Job},
    kernel::{
        ids::{AccountId, ChildId, FamilyId, GuardianId},
        text::Name,
        time::paris_date,
    },
    mail::Letter,
};
use chrono::{DateTime, Utc};
use guardians::{Contact, GuardianRecord, GuardianRights, NewGuardian, Person};
use serde_json::json;
use uuid::Uuid;

/// How each letter begins.
const GREETING: &str = "Bonjour,\n\n";

/// A file as one of its guardians sees it: one contact record only, his own.
#[derive(Debug)]
pub struct OwnFamily {
    pub id: FamilyId,
    pub opened_at: DateTime<Utc>,
    pub debit_notices: bool,
    pub me: AccountId,
    pub contact: Contact,
    pub guardians: Vec<GuardianRecord>,
    pub children: Vec<Child>,
}

/// A file as the department instructs it.
#[derive(Debug)]
pub struct DeskFamily {
    pub id: FamilyId,
    pub opened_at: DateTime<Utc>,
    pub guardians: Vec<(GuardianRecord, Contact)>,
    pub children: Vec<Child>,
}

/// Opens the caller's own file, with himself as its first guardian, with full rights from today.
pub fn open_family(
    tx: &mut Tx<'_>,
    account: AccountId,
    person: &Person,
    contact: &Contact,
) -> Result<OwnFamily, Error> {
    let now = tx.now()?;
    let id = FamilyId::generate();
    db::insert_family(tx, id, account, now)?;
    guardians::enter(
        tx,
        &NewGuardian {
            id: GuardianId::generate(),
            family_id: id,
            account_id: Some(account),
            person: person.clone(),
            contact: contact.clone(),
            rights: GuardianRights::Full,
            rights_from: paris_date(now),
            rights_until: None,
            invitation_hash: None,
            invitation_expires_at: None,
            created_at: now,
        },
    )?;
    audit::record(tx, "family_opened", ("family", id), json!({}))?;
    show_family(tx, id, account)
}

/// A page of the files in which the account is a guardian with present rights, oldest first. One row more than `limit` may come.
pub fn list_families(
    tx: &mut Tx<'_>,
    account: AccountId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<FamilyLine>, Error> {
    db::families_of(tx, account, after, limit)
}

/// The file as the guardian behind `account` may see it. Invitations that nobody accepted in time are not shown.
pub fn show_family(tx: &mut Tx<'_>, id: FamilyId, account: AccountId) -> Result<OwnFamily, Error> {
    let now = tx.now()?;
    let (opened_at, debit_notices) = db::family(tx, id)?;
    let contact = guardians::own_contact(tx, id, account)?;
    let mut guardians = guardians::records(tx, id)?;
    guardians.retain(|guardian| !guardian.has_lapsed(now));
    let children = children::all(tx, id)?;
    Ok(OwnFamily { id, opened_at, debit_notices, me: account, contact, guardians, children })
}

/// Sets whether the file's guardians want a word at each debit and refund.
pub fn change_family(
    tx: &mut Tx<'_>,
    id: FamilyId,
    account: AccountId,
    debit_notices: bool,
) -> Result<OwnFamily, Error> {
    require_full_rights(tx, id)?;
    db::set_debit_notices(tx, id, debit_notices)?;
    audit::record(tx, "family_changed", ("family", id), json!({ "debit_notices": debit_notices }))?;
    show_family(tx, id, account)
}

/// The whole file, contact records included. The reading itself is journalled.
pub fn inspect_family(tx: &mut Tx<'_>, id: FamilyId) -> Result<DeskFamily, Error> {
    let (opened_at, _) = db::family(tx, id)?;
    let guardians = guardians::records_with_contact(tx, id)?;
    let children = children::all(tx, id)?;
    audit::record(tx, "family_inspected", ("family", id), json!({}))?;
    Ok(DeskFamily { id, opened_at, guardians, children })
}

/// Not found unless the caller may see the file.
pub fn require_sight(tx: &mut Tx<'_>, id: FamilyId) -> Result<(), Error> {
    db::family(tx, id).map(drop)
}

/// Leaves to the worker a service message to every guardian of the file with an account and present rights.
pub fn notify(tx: &mut Tx<'_>, family: FamilyId, subject: &str, body: &str) -> Result<(), Error> {
    let (subject, body) = (subject.to_owned(), body.to_owned());
    jobs::enqueue(tx, &Job::FamilyNotice { family, child: None, subject, body })
}

/// The same about one child of the file, whom the letter names.
pub fn notify_of(
    tx: &mut Tx<'_>,
    (family, child): (FamilyId, ChildId),
    subject: &str,
    body: &str,
) -> Result<(), Error> {
    let (subject, body) = (subject.to_owned(), body.to_owned());
    jobs::enqueue(tx, &Job::FamilyNotice { family, child: Some(child), subject, body })
}

/// A service message about one child in which one of the guardians reads more than the others: what is his alone.
pub fn notify_apart(
    tx: &mut Tx<'_>,
    (family, child): (FamilyId, ChildId),
    account: AccountId,
    subject: &str,
    (to_him, to_others): (&str, &str),
) -> Result<(), Error> {
    let names = children::child(tx, child)?.first_names;
    for (is_his, to) in guardians::recipients_apart(tx, family, account)? {
        let body = about(&names, if is_his { to_him } else { to_others });
        jobs::enqueue(tx, &Job::Letter(Letter { to, subject: subject.to_owned(), body }))?;
    }
    Ok(())
}

fn about(names: &Name, body: &str) -> String {
    let text = body.strip_prefix(GREETING).unwrap_or(body);
    format!("{GREETING}Ce message concerne {names}.\n\n{text}")
}

/// A service message about one child as letters: they say of which.
pub fn letters_of(
    tx: &mut Tx<'_>,
    (family, child): (FamilyId, ChildId),
    subject: &str,
    body: &str,
) -> Result<Vec<Letter>, Error> {
    let names = children::child(tx, child)?.first_names;
    letters(tx, family, subject, &about(&names, body))
}

/// A service message as letters, one for each guardian with an account and present rights.
pub fn letters(tx: &mut Tx<'_>, family: FamilyId, subject: &str, body: &str) -> Result<Vec<Letter>, Error> {
    let letter = |to| Letter { to, subject: subject.to_owned(), body: body.to_owned() };
    Ok(recipients(tx, family)?.into_iter().map(letter).collect())
}

/// A letter's text, signed by the department whose name is given.
#[must_use]
pub fn signed(text: &str, department_name: &str) -> String {
    format!("{GREETING}{text}\n\nPass+ — Département {department_name}\n")
}

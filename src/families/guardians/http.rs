//! What guardians do about themselves and each other, and the department about their rights.

use super::{Contact, GuardianRecord, GuardianRights, Invitation, Person, Sender};
use crate::{
    app::App,
    auth::actor::{By, CaseWorker, Guardian},
    db::Tx,
    error::{Error, Refusal},
    families::{self, guardians, http::FamilyView},
    http::{
        body::Body,
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::{AccountId, FamilyId, GuardianId},
        text::{Email, Name, Phone, PostalAddress, Secret},
    },
};
use actix_web::{patch, post, put, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Another guardian of the same family.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteGuardian {
    pub first_names: Name,
    pub last_name: Name,
    /// Where the letter with the code goes.
    pub email: Email,
    pub rights: GuardianRights,
}

/// The code of an invitation's letter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptGuardianInvitation {
    #[schema(example = "mF3yK0c2p8yq5V7yQ1nYw6m2nqgk9o5J1oQm3v0J8dE")]
    pub token: Secret,
}

/// What a guardian may do from now on. No reason is asked: authority has dates, never a cause.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeGuardianRights {
    pub rights: GuardianRights,
    /// Last day of these rights, included; a past day ends them at once. Absent: no end.
    #[schema(example = "2028-03-14")]
    pub rights_until: Option<NaiveDate>,
}

/// A contact record.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GuardianContactView {
    pub email: Email,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_address: Option<PostalAddress>,
}

impl From<Contact> for GuardianContactView {
    fn from(contact: Contact) -> Self {
        let Contact { email, phone, postal_address } = contact;
        Self { email, phone, postal_address }
    }
}

/// A guardian as the guardians of the file see him.
#[derive(Debug, Serialize, ToSchema)]
pub struct GuardianView {
    pub id: GuardianId,
    pub first_names: Name,
    pub last_name: Name,
    pub rights: GuardianRights,
    #[schema(example = "2026-06-01")]
    pub rights_from: NaiveDate,
    /// Last day of these rights; absent when they have no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2028-03-14")]
    pub rights_until: Option<NaiveDate>,
    /// False until the invitation is accepted.
    #[schema(example = true)]
    pub joined: bool,
    #[schema(example = true)]
    pub is_me: bool,
    /// The caller's own only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<GuardianContactView>,
}

impl GuardianView {
    /// The record as `me` may see it: `own_contact` goes with his own record and no other.
    pub(in crate::families) fn new(guardian: GuardianRecord, me: AccountId, own_contact: &Contact) -> Self {
        let is_me = guardian.account_id == Some(me);
        Self {
            id: guardian.id,
            first_names: guardian.first_names,
            last_name: guardian.last_name,
            rights: guardian.rights,
            rights_from: guardian.rights_from,
            rights_until: guardian.rights_until,
            joined: guardian.account_id.is_some(),
            is_me,
            contact: is_me.then(|| own_contact.clone().into()),
        }
    }
}

/// A guardian as the department sees him.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeskGuardianView {
    pub id: GuardianId,
    pub first_names: Name,
    pub last_name: Name,
    pub rights: GuardianRights,
    #[schema(example = "2026-06-01")]
    pub rights_from: NaiveDate,
    /// Last day of these rights; absent when they have no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2028-03-14")]
    pub rights_until: Option<NaiveDate>,
    /// False until the invitation is accepted.
    #[schema(example = true)]
    pub joined: bool,
    pub contact: GuardianContactView,
}

impl DeskGuardianView {
    pub(in crate::families) fn new(guardian: GuardianRecord, contact: Contact) -> Self {
        Self {
            id: guardian.id,
            first_names: guardian.first_names,
            last_name: guardian.last_name,
            rights: guardian.rights,
            rights_from: guardian.rights_from,
            rights_until: guardian.rights_until,
            joined: guardian.account_id.is_some(),
            contact: contact.into(),
        }
    }
}

/// What the caller gets of an invitation just sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitedGuardianView {
    pub id: GuardianId,
    pub first_names: Name,
    pub last_name: Name,
    pub rights: GuardianRights,
}

/// A guardian's rights, as the department has just set them.
#[derive(Debug, Serialize, ToSchema)]
pub struct GuardianRightsView {
    pub id: GuardianId,
    pub family_id: FamilyId,
    pub rights: GuardianRights,
    #[schema(example = "2026-06-01")]
    pub rights_from: NaiveDate,
    /// Last day of these rights; absent when they have no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2028-03-14")]
    pub rights_until: Option<NaiveDate>,
}

/// Change my contact record in a family file.
///
/// The whole record is replaced. The other guardians do not see it; the address to sign in with does not change.
#[utoipa::path(tag = "families", request_body = Contact, responses((status = 200, body = GuardianContactView)),
    security(("bearer" = [])))]
#[put("/v1/departments/{department}/families/{family}/contact")]
pub async fn change_contact(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, FamilyId)>,
    body: Body<Contact>,
) -> Result<Found<GuardianContactView>, Error> {
    let ((department, family), account) = (path.into_inner(), by.account);
    let contact = body.0;
    let view = GuardianContactView::from(contact.clone());
    let changed = move |tx: &mut Tx<'_>| guardians::change_contact(tx, family, account, &contact);
    app.db.write(department, &by.caller, changed).await.map(|()| Found(view))
}

/// Invite another guardian.
///
/// Asks for full rights. A letter takes a code to the address given; who brings it within seven days, with an account of his own,
/// joins the file, with rights that end no later than the caller's. Six guardians at most, invitations included.
#[utoipa::path(tag = "families", request_body = InviteGuardian, responses((status = 201, body = InvitedGuardianView)),
    security(("bearer" = [])))]
#[post("/v1/departments/{department}/families/{family}/guardians")]
pub async fn invite_guardian(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, FamilyId)>,
    body: Body<InviteGuardian>,
) -> Result<Created<InvitedGuardianView>, Error> {
    let (department, family) = path.into_inner();
    let InviteGuardian { first_names, last_name, email, rights } = body.0;
    let invitation = Invitation { person: Person { first_names, last_name }, email, rights };
    let sender = Sender { public_url: app.public_url.to_string(), department_name: name(&app, department)? };
    let invited = move |tx: &mut Tx<'_>| guardians::invite_guardian(tx, family, &invitation, &sender);
    let GuardianRecord { id, first_names, last_name, rights, .. } =
        app.db.write(department, &by.caller, invited).await?;
    Ok(Created(InvitedGuardianView { id, first_names, last_name, rights }))
}

/// Accept an invitation to a family file.
///
/// With the code of the letter; it serves once. The calling account takes the place that was made for it.
#[utoipa::path(tag = "families",
    request_body = AcceptGuardianInvitation,
    responses((status = 200, body = FamilyView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/guardian-invitations/accept")]
pub async fn accept_guardian_invitation(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<AcceptGuardianInvitation>,
) -> Result<Found<FamilyView>, Error> {
    let (account, token) = (by.account, body.0.token);
    let accepted = move |tx: &mut Tx<'_>| {
        let family = guardians::accept_guardian_invitation(tx, &token)?;
        families::show_family(tx, family, account)
    };
    app.db.write(path.0, &by.caller, accepted).await.map(|family| Found(family.into()))
}

/// Change a guardian's rights.
///
/// By the department only: guardians cannot end each other's rights. The family is told that rights have changed.
#[utoipa::path(tag = "agents-desk", request_body = ChangeGuardianRights,
    responses((status = 200, body = GuardianRightsView)), security(("bearer" = [])))]
#[patch("/v1/departments/{department}/guardians/{guardian}/rights")]
pub async fn change_guardian_rights(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, GuardianId)>,
    body: Body<ChangeGuardianRights>,
) -> Result<Found<GuardianRightsView>, Error> {
    let ((department, guardian), ChangeGuardianRights { rights, rights_until }) = (path.into_inner(), body.0);
    let name = name(&app, department)?;
    let changed = move |tx: &mut Tx<'_>| guardians::change_guardian_rights(tx, guardian, rights, rights_until, &name);
    let GuardianRecord { id, family_id, rights, rights_from, rights_until, .. } =
        app.db.write(department, &by.caller, changed).await?;
    Ok(Found(GuardianRightsView { id, family_id, rights, rights_from, rights_until }))
}

/// The department's name, as letters write it.
fn name(app: &App, department: Department) -> Result<String, Error> {
    app.departments.get(&department).cloned().ok_or(Refusal::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guardian_never_sees_the_contact_of_another() {
        let contact = Contact {
            email: "camille.martin@example.fr".parse().expect("an address"),
            phone: Some("0612345678".parse().expect("a number")),
            postal_address: None,
        };
        let me = AccountId::generate();
        let record = |account_id| GuardianRecord {
            id: GuardianId::generate(),
            family_id: FamilyId::generate(),
            account_id,
            first_names: "Camille".parse().expect("a name"),
            last_name: "Martin".parse().expect("a name"),
            rights: GuardianRights::Full,
            rights_from: NaiveDate::MIN,
            rights_until: None,
            invitation_expires_at: None,
        };
        let mine = GuardianView::new(record(Some(me)), me, &contact);
        assert!(mine.is_me && mine.contact.is_some());
        for other in [None, Some(AccountId::generate())] {
            let view = GuardianView::new(record(other), me, &contact);
            assert!(!view.is_me && view.contact.is_none());
        }
    }
}

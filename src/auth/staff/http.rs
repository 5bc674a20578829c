//! The administrator's hand on the department's people, and the door by which they come in.

use crate::{
    app::App,
    auth::{
        accounts::http::ChoosePassword,
        actor::{Administrator, By},
        staff::{self, Invitation, Place, db::StaffRow},
    },
    error::Error,
    http::{
        body::Body,
        observe::Visitor,
        page::{Page, PageQuery},
        reply::{Created, Done, Found},
    },
    kernel::{
        department::Department,
        ids::StaffRoleId,
        text::{Email, Name, Uai},
        words::AgentFunction,
    },
};
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A person to invite: an agent has a function, a secretary a collège; one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteStaff {
    pub email: Email,
    pub name: Name,
    #[schema(example = json!(null))]
    pub function: Option<AgentFunction>,
    pub college_uai: Option<Uai>,
}

/// A place of the department's staff.
#[derive(Debug, Serialize, ToSchema)]
pub struct StaffView {
    pub id: StaffRoleId,
    pub name: Name,
    pub email: Email,
    /// `agent` or `secretary`.
    #[schema(example = "secretary")]
    pub role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<AgentFunction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub college_uai: Option<Uai>,
    #[schema(example = "2026-09-01T08:00:00Z")]
    pub invited_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-07-05T08:00:00Z")]
    pub revoked_at: Option<DateTime<Utc>>,
}

impl From<(StaffRow, Email)> for StaffView {
    fn from((row, email): (StaffRow, Email)) -> Self {
        Self {
            id: row.id,
            name: row.name,
            email,
            role: row.role,
            function: row.agent_function,
            college_uai: row.college_uai,
            invited_at: row.invited_at,
            revoked_at: row.revoked_at,
        }
    }
}

/// The id of what was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct StaffInvited {
    pub id: StaffRoleId,
}

/// Invite a secretary or an agent.
///
/// A link valid seven days goes to the address. Behind it the person chooses a password and gets a second factor.
#[utoipa::path(tag = "staff", request_body = InviteStaff, responses((status = 201, body = StaffInvited)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/staff")]
pub async fn invite_staff(
    by: By<Administrator>,
    app: web::Data<App>,
    _path: web::Path<(Department,)>,
    body: Body<InviteStaff>,
) -> Result<Created<StaffInvited>, Error> {
    let InviteStaff { email, name, function, college_uai } = body.0;
    let place = match (function, college_uai) {
        (Some(function), None) => Place::Agent(function),
        (None, Some(college)) => Place::Secretary(college),
        _ => {
            return Err(Error::field(
                "/function",
                "une fonction d'agent ou un collège est attendu, et un seul des deux",
            ));
        }
    };
    let invitation = Invitation { department: by.department, email, name, place };
    let url = app.public_url.to_string();
    let id = app.db.directory_write(&by.caller, move |tx| staff::invite(tx, &invitation, &url)).await?;
    Ok(Created(StaffInvited { id }))
}

/// List the department's staff.
#[utoipa::path(tag = "staff", params(PageQuery), responses((status = 200, body = Page<StaffView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/staff")]
pub async fn list_staff(
    by: By<Administrator>,
    app: web::Data<App>,
    _path: web::Path<(Department,)>,
    page: web::Query<PageQuery>,
) -> Result<Found<Page<StaffView>>, Error> {
    let (department, after, limit) = (by.department, page.after()?, page.limit()?.saturating_add(1));
    let rows = app.db.directory_read(&by.caller, move |tx| staff::db::staff_page(tx, department, after, limit)).await?;
    let views = rows.into_iter().map(StaffView::from).collect();
    page.page(views, |view: &StaffView| view.id.uuid()).map(Found)
}

/// Take a person's place away.
///
/// His sessions end at once. An administrator cannot revoke himself: somebody must remain.
#[utoipa::path(tag = "staff", responses((status = 204)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/staff/{staff_role}/revoke")]
pub async fn revoke_staff(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, StaffRoleId)>,
) -> Result<Done, Error> {
    let (department, role) = path.into_inner();
    app.db.directory_write(&by.caller, move |tx| staff::revoke(tx, department, role)).await?;
    Ok(Done)
}

/// Send a new invitation link.
///
/// For a person who lost the first one, or his telephone and recovery codes: password and second factor are made anew.
#[utoipa::path(tag = "staff", responses((status = 204)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/staff/{staff_role}/invite-again")]
pub async fn invite_staff_again(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, StaffRoleId)>,
) -> Result<Done, Error> {
    let (department, role) = path.into_inner();
    let url = app.public_url.to_string();
    app.db.directory_write(&by.caller, move |tx| staff::invite_again(tx, department, role, &url)).await?;
    Ok(Done)
}

/// What an invited person keeps. Shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct SecondFactorView {
    /// For the authenticator application, as a QR or a link.
    #[schema(example = "otpauth://totp/Pass%2B:secretaire%40college.example?secret=…&issuer=Pass%2B")]
    pub otpauth_uri: String,
    /// The same secret, to type in.
    #[schema(example = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    pub secret: String,
    /// Each replaces the application once.
    #[schema(example = json!(["k3pxpjbswy", "ehpk3pxpjb"]))]
    pub recovery_codes: Vec<String>,
}

/// Accept an invitation: choose a password, receive the second factor.
#[utoipa::path(tag = "staff", request_body = ChoosePassword, responses((status = 201, body = SecondFactorView)))]
#[post("/v1/invitations/accept")]
pub async fn accept_invitation(
    visitor: Visitor,
    app: web::Data<App>,
    body: Body<ChoosePassword>,
) -> Result<Created<SecondFactorView>, Error> {
    let ChoosePassword { token, password } = body.0;
    let accepted = staff::accept(&app, &visitor.caller, token, &password).await?;
    Ok(Created(SecondFactorView {
        otpauth_uri: accepted.otpauth_uri.expose().clone(),
        secret: accepted.secret_base32.expose().clone(),
        recovery_codes: accepted.recovery_codes,
    }))
}

//! Sign-in, refresh, sign-out.

use crate::{
    app::App,
    auth::{
        actor::{By, Person},
        sessions::{self, Opened},
        tokens,
    },
    error::{Error, Problem},
    http::{
        body::Body,
        observe::Visitor,
        reply::{Created, Done, Found},
    },
    kernel::{
        actor::Actor,
        department::Department,
        ids::AccountId,
        text::{Email, Secret, Uai},
        words::AgentFunction,
    },
};
use actix_web::{delete, get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What opens a session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    pub email: Email,
    #[schema(example = "Caf3-du-Port")]
    pub password: Secret,
    /// Secretaries and agents: the six digits of the authenticator application, or a recovery code.
    #[schema(example = "123456")]
    pub second_factor: Option<Secret>,
}

/// What continues a session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshSession {
    #[schema(example = "n3x8…")]
    pub refresh_token: Secret,
}

/// A second factor shown again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmFactor {
    #[schema(example = "123456")]
    pub second_factor: Secret,
}

/// An open session.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// Goes in `Authorization: Bearer …`.
    #[schema(example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.e30.c2ln")]
    pub access_token: String,
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds.
    #[schema(example = 600)]
    pub expires_in: i64,
    /// Serves once; each refresh gives the next one.
    #[schema(example = "n3x8…")]
    pub refresh_token: String,
    /// End of the session, whatever is refreshed.
    #[schema(example = "2026-12-22T16:00:00Z")]
    pub session_expires_at: DateTime<Utc>,
}

async fn view(app: &App, opened: Opened) -> Result<SessionView, Error> {
    Ok(SessionView {
        access_token: sessions::access_token(app, opened.session).await?,
        token_type: "Bearer",
        expires_in: tokens::PERSON_TTL.num_seconds(),
        refresh_token: opened.refresh_token,
        session_expires_at: opened.expires_at,
    })
}

/// Open a session.
///
/// The same answer for an unknown address and a wrong password. Ten tries in a quarter of an hour close the account's door until
/// the quarter ends.
#[utoipa::path(tag = "sessions", request_body = SignIn, responses((status = 201, body = SessionView)))]
#[post("/v1/sessions")]
pub async fn sign_in(visitor: Visitor, app: web::Data<App>, body: Body<SignIn>) -> Result<Created<SessionView>, Error> {
    let SignIn { email, password, second_factor } = body.0;
    let opened = sessions::sign_in(&app, &visitor.caller, email, &password, second_factor).await?;
    view(&app, opened).await.map(Created)
}

/// Continue a session with its refresh token.
///
/// A refresh token serves once. Shown twice, it was stolen: the session ends for everyone who holds it.
#[utoipa::path(tag = "sessions", request_body = RefreshSession, responses((status = 201, body = SessionView)))]
#[post("/v1/sessions/refresh")]
pub async fn refresh_session(
    visitor: Visitor,
    app: web::Data<App>,
    body: Body<RefreshSession>,
) -> Result<Created<SessionView>, Error> {
    let opened = sessions::refresh(&app, &visitor.caller, &body.refresh_token).await?;
    view(&app, opened).await.map(Created)
}

/// Show the second factor again.
///
/// Opens for five minutes what asks for a fresh one, such as a decision on more than fifty enrolments.
#[utoipa::path(tag = "sessions", request_body = ConfirmFactor, responses(
    (status = 204), (status = 429, body = Problem, content_type = "application/problem+json", description = "Too Many Requests")
), security(("bearer" = [])))]
#[post("/v1/sessions/current/second-factor")]
pub async fn confirm_factor(by: By<Person>, app: web::Data<App>, body: Body<ConfirmFactor>) -> Result<Done, Error> {
    sessions::confirm_factor(&app, &by.caller, by.session, by.account, body.0.second_factor).await?;
    Ok(Done)
}

/// Sign out of this session.
#[utoipa::path(tag = "sessions", responses((status = 204)), security(("bearer" = [])))]
#[delete("/v1/sessions/current")]
pub async fn sign_out(by: By<Person>, app: web::Data<App>) -> Result<Done, Error> {
    let session = by.session;
    app.db.directory_write(&by.caller, move |tx| sessions::sign_out(tx, session)).await?;
    Ok(Done)
}

/// Sign out everywhere.
///
/// Every session of the account ends at once, this one too.
#[utoipa::path(tag = "sessions", responses((status = 204)), security(("bearer" = [])))]
#[delete("/v1/sessions")]
pub async fn sign_out_everywhere(by: By<Person>, app: web::Data<App>) -> Result<Done, Error> {
    let account = by.account;
    app.db.directory_write(&by.caller, move |tx| sessions::end_all(tx, account, "signed_out_everywhere")).await?;
    Ok(Done)
}

/// Who the caller is.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeView {
    pub account_id: AccountId,
    pub email: Email,
    /// `guardian`, `secretary` or `agent`.
    #[schema(example = "guardian")]
    pub role: &'static str,
    /// Staff: the department it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<Department>,
    /// Secretaries: their collège.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub college_uai: Option<Uai>,
    /// Agents: what they are charged with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<AgentFunction>,
}

/// Say who I am.
#[utoipa::path(tag = "sessions", responses((status = 200, body = MeView)), security(("bearer" = [])))]
#[get("/v1/me")]
pub async fn show_me(by: By<Person>, app: web::Data<App>) -> Result<Found<MeView>, Error> {
    let account = by.account;
    let email = app.db.directory_read(&by.caller, move |tx| sessions::email_of(tx, account)).await?;
    let (function, college_uai) = match &by.caller.actor {
        Actor::Agent { function, .. } => (Some(*function), None),
        Actor::Secretary { college, .. } => (None, Some(college.clone())),
        _ => (None, None),
    };
    let (role, department) = (by.caller.actor.kind(), by.caller.actor.department());
    Ok(Found(MeView { account_id: account, email, role, department, college_uai, function }))
}

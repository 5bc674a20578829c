//! Sign-up and forgotten passwords of families.

use crate::{
    app::App,
    auth::accounts,
    error::Error,
    http::{body::Body, observe::Visitor, reply::Done},
    kernel::text::{Email, Secret},
};
use actix_web::{HttpResponse, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An address to which a link is sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskLink {
    pub email: Email,
}

/// A link followed, and the password chosen behind it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChoosePassword {
    /// What stands after `#` in the link.
    #[schema(example = "q83vEjRWeJASNFZ4kBI0VniQEjRWeJASNFZ4kBI0Vng")]
    pub token: Secret,
    /// Twelve characters of four kinds, fourteen of three, or a phrase of seven words.
    #[schema(example = "Caf3-du-Port")]
    pub password: Secret,
}

/// Always the same, whether the address is known or not.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkSent {
    #[schema(example = "Si l'adresse est la bonne, un message vient de lui être envoyé.")]
    pub detail: &'static str,
}

fn link_sent() -> HttpResponse {
    HttpResponse::Accepted()
        .json(LinkSent { detail: "Si l'adresse est la bonne, un message vient de lui être envoyé." })
}

/// Open a family account.
///
/// A link goes to the address; the password is chosen behind it. The answer is the same for a known address.
#[utoipa::path(tag = "accounts", request_body = AskLink, responses((status = 202, body = LinkSent)))]
#[post("/v1/accounts")]
pub async fn sign_up(visitor: Visitor, app: web::Data<App>, body: Body<AskLink>) -> Result<HttpResponse, Error> {
    accounts::sign_up(&app, &visitor.caller, body.0.email).await?;
    Ok(link_sent())
}

/// Prove the address and choose the first password.
#[utoipa::path(tag = "accounts", request_body = ChoosePassword, responses((status = 204)))]
#[post("/v1/accounts/confirm")]
pub async fn confirm_account(visitor: Visitor, app: web::Data<App>, body: Body<ChoosePassword>) -> Result<Done, Error> {
    let ChoosePassword { token, password } = body.0;
    accounts::confirm_account(&app, &visitor.caller, token, &password).await?;
    Ok(Done)
}

/// Ask for a link to choose another password.
///
/// The answer is the same for an unknown address.
#[utoipa::path(tag = "accounts", request_body = AskLink, responses((status = 202, body = LinkSent)))]
#[post("/v1/password-resets")]
pub async fn request_reset(visitor: Visitor, app: web::Data<App>, body: Body<AskLink>) -> Result<HttpResponse, Error> {
    accounts::request_reset(&app, &visitor.caller, body.0.email).await?;
    Ok(link_sent())
}

/// Choose another password behind its link.
///
/// Every session of the account ends.
#[utoipa::path(tag = "accounts", request_body = ChoosePassword, responses((status = 204)))]
#[post("/v1/password-resets/confirm")]
pub async fn reset_password(visitor: Visitor, app: web::Data<App>, body: Body<ChoosePassword>) -> Result<Done, Error> {
    let ChoosePassword { token, password } = body.0;
    accounts::reset_password(&app, &visitor.caller, token, &password).await?;
    Ok(Done)
}

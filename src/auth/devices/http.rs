//! How a till or a merchant's server, a gate or a kitchen gets in.

use crate::{
    app::App,
    auth::{devices, tokens},
    error::{Error, Refusal},
    http::{
        body::{self, Body},
        observe::Visitor,
        reply::{Created, Found},
    },
    kernel::{ids::DeviceId, text::Secret},
};
use actix_web::{HttpMessage, HttpRequest, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The only kind of assertion taken (RFC 7523).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A device presents its key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolDevice {
    /// The one-time code that the department gave the merchant or operator.
    #[schema(example = "MFRG-GZDF-MZTW-Q2LK")]
    pub enrolment_code: Secret,
    /// The device's Ed25519 public key: 32 bytes, base64url without padding. The private half never leaves the device.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", min_length = 43, max_length = 43)]
    pub public_key: String,
    /// Of a gate of the canteen only: the public key (age, X25519) that its lists of the day are encrypted to.
    #[schema(
        example = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
        min_length = 62,
        max_length = 62
    )]
    pub recipient: Option<String>,
}

/// An enrolled device.
#[derive(Debug, Serialize, ToSchema)]
pub struct EnrolledView {
    /// `iss` and `sub` of its assertions.
    pub device_id: DeviceId,
    /// `aud` of its assertions.
    #[schema(example = "https://passplus.example/v1/oauth/token")]
    pub token_endpoint: String,
}

/// Enrol a till, a server, a gate or a kitchen with its one-time code.
#[utoipa::path(tag = "devices", request_body = EnrolDevice, responses((status = 201, body = EnrolledView)))]
#[post("/v1/devices/enrol")]
pub async fn enrol_device(
    visitor: Visitor,
    app: web::Data<App>,
    body: Body<EnrolDevice>,
) -> Result<Created<EnrolledView>, Error> {
    let EnrolDevice { enrolment_code, public_key, recipient } = body.0;
    let device_id = devices::enrol(&app, &visitor.caller, enrolment_code, &public_key, recipient).await?;
    Ok(Created(EnrolledView { device_id, token_endpoint: devices::audience(&app) }))
}

/// A device asks for a token: a form, as OAuth 2 wants it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceTokenRequest {
    #[schema(example = "client_credentials")]
    pub grant_type: String,
    #[schema(example = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")]
    pub client_assertion_type: String,
    /// JWT signed EdDSA by the device: `iss` = `sub` = device id, `aud` = this endpoint, `exp` within five minutes, `jti` used once.
    #[schema(example = "eyJhbGciOiJFZERTQSJ9.e30.c2ln")]
    pub client_assertion: String,
}

/// A device's access token.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceTokenView {
    #[schema(example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.e30.c2ln")]
    pub access_token: String,
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds; there is no refresh token, a new assertion costs nothing.
    #[schema(example = 300)]
    pub expires_in: i64,
}

/// Get a device's access token for a signed assertion.
///
/// `private_key_jwt` of RFC 7523. The token lives five minutes; a revoked device's token is refused at once all the same.
#[utoipa::path(tag = "devices",
    request_body(content = DeviceTokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = DeviceTokenView)))]
#[post("/v1/oauth/token")]
pub async fn issue_device_token(
    visitor: Visitor,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<Found<DeviceTokenView>, Error> {
    if !request.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Refusal::UnsupportedMediaType.into());
    }
    let bytes = body::read(payload, body::JSON_MAX_BYTES).await?;
    let form: DeviceTokenRequest = serde_urlencoded::from_bytes(&bytes)
        .map_err(|_| Error::RefusedBecause(Refusal::MalformedBody, "Le formulaire n'est pas lisible.".to_owned()))?;
    if form.grant_type != "client_credentials" {
        return Err(Error::field("/grant_type", "client_credentials est attendu"));
    }
    if form.client_assertion_type != ASSERTION_TYPE {
        return Err(Error::field("/client_assertion_type", format!("{ASSERTION_TYPE} est attendu")));
    }
    let access_token = devices::token(&app, &visitor.caller, &form.client_assertion).await?;
    Ok(Found(DeviceTokenView { access_token, token_type: "Bearer", expires_in: tokens::DEVICE_TTL.num_seconds() }))
}

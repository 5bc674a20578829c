//! Access tokens: JWT signed EdDSA (RFC 9068, RFC 8725), short-lived, saying only which session or device speaks.

use crate::{
    app::App,
    error::{Error, Refusal},
    kernel::{
        crypto::random_token,
        ids::{DeviceId, SessionId},
    },
};
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// Life of an access token.
pub const PERSON_TTL: TimeDelta = TimeDelta::minutes(10);
pub const DEVICE_TTL: TimeDelta = TimeDelta::minutes(5);
/// `typ` of our tokens: a JWT made for another purpose is not one.
const TYPE: &str = "at+jwt";
/// Longer is no token of ours: do not even decode it.
const TOKEN_MAX_BYTES: usize = 2048;
/// Tokens remembered as verified: those of the busiest ten minutes, in a few megabytes.
const VERIFIED_MAX: usize = 10_000;

/// Who a token speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bearer {
    Session(SessionId),
    Device(DeviceId),
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    kind: Kind,
    iat: i64,
    exp: i64,
    jti: String,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Session,
    Device,
}

/// Signs a token; it lives `PERSON_TTL` or `DEVICE_TTL`.
pub async fn issue(app: &App, bearer: Bearer) -> Result<String, Error> {
    app.keys.refresh(&app.db, None).await?;
    let now = app.db.server_now();
    let (sub, kind, ttl) = match bearer {
        Bearer::Session(id) => (id.uuid(), Kind::Session, PERSON_TTL),
        Bearer::Device(id) => (id.uuid(), Kind::Device, DEVICE_TTL),
    };
    let claims = Claims {
        iss: app.public_url.to_string(),
        aud: app.public_url.to_string(),
        sub,
        kind,
        iat: now.timestamp(),
        exp: now.timestamp().saturating_add(ttl.num_seconds()),
        jti: random_token(),
    };
    app.keys.sign(now, |kid, key| {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(kid.to_owned());
        encode(&header, &claims, key).map_err(Error::internal)
    })
}

/// Who this token speaks for, if it is ours and alive.
pub async fn verify(app: &App, token: &str) -> Result<Bearer, Error> {
    let invalid = || Error::Refused(Refusal::InvalidToken);
    if token.len() > TOKEN_MAX_BYTES {
        return Err(invalid());
    }
    let now = app.db.server_now().timestamp();
    if let Some((bearer, exp)) = app.tokens.0.get(token) {
        // A signature that was right once stays right: only the token's end is looked at again.
        return if exp > now { Ok(bearer) } else { Err(invalid()) };
    }
    let header = decode_header(token).map_err(|_| invalid())?;
    // A key that the token itself brings or points to proves nothing.
    let own = header.alg == Algorithm::EdDSA
        && header.typ.as_deref() == Some(TYPE)
        && header.jku.is_none()
        && header.jwk.is_none()
        && header.x5u.is_none()
        && header.x5c.is_none();
    let kid = header.kid.filter(|_| own).ok_or_else(invalid)?;
    app.keys.refresh(&app.db, Some(&kid)).await?;
    let key = app.keys.verifier(&kid).ok_or_else(invalid)?;
    let claims = decode::<Claims>(token, &key, &validation(&app.public_url)).map_err(|_| invalid())?.claims;
    if claims.exp <= now || claims.iat > now.saturating_add(60) {
        return Err(invalid());
    }
    let bearer = match claims.kind {
        Kind::Session => Bearer::Session(SessionId::from_uuid(claims.sub)),
        Kind::Device => Bearer::Device(DeviceId::from_uuid(claims.sub)),
    };
    app.tokens.0.insert(token.into(), (bearer, claims.exp));
    Ok(bearer)
}

/// Tokens whose signature was found right, with their end: checking one again costs more than all else of a small request. What they may
/// do is not kept here.
#[derive(Clone)]
pub struct Verified(Arc<quick_cache::sync::Cache<Box<str>, (Bearer, i64)>>);

impl Default for Verified {
    fn default() -> Self {
        Self(Arc::new(quick_cache::sync::Cache::new(VERIFIED_MAX)))
    }
}

/// Signature, issuer and audience are the library's work; instants are compared with the service's own clock.
pub fn validation(audience: &str) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.validate_exp = false;
    validation.set_audience(&[audience]);
    validation.set_issuer(&[audience]);
    validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    validation
}

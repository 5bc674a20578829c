//! Callers as types: a handler that takes `By<Secretary>` can only be reached by a secretary, of his department, before its body is
//! read.

mod roles;

pub use roles::*;

use crate::{
    app::App,
    auth::tokens,
    error::{Error, Refusal},
    http::observe,
    kernel::{
        actor::{Actor, Caller},
        ids::SessionId,
    },
};
use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    body::MessageBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::header,
    middleware::Next,
    web,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::future::{Ready, ready};

/// A second factor shown longer ago than this is shown again before what asks for a fresh one.
const FRESH_FACTOR: TimeDelta = TimeDelta::minutes(5);

/// What a valid credential says.
#[derive(Debug, Clone)]
pub struct Identity {
    pub actor: Actor,
    /// Absent for devices.
    pub session: Option<SessionId>,
    pub factor_at: Option<DateTime<Utc>>,
}

/// A kind of caller, made from the actor only when it is one.
pub trait Role: Sized + Clone {
    fn admit(identity: &Identity) -> Option<Self>;
}

/// The caller, admitted as `R`: the first argument of every protected handler.
#[derive(Debug, Clone)]
pub struct By<R: Role> {
    pub caller: Caller,
    pub role: R,
    factor_at: Option<DateTime<Utc>>,
}

impl<R: Role> std::ops::Deref for By<R> {
    type Target = R;
    fn deref(&self) -> &R {
        &self.role
    }
}

impl<R: Role> By<R> {
    /// Asks for a second factor shown in the last five minutes.
    pub fn require_fresh_factor(&self, now: DateTime<Utc>) -> Result<(), Error> {
        match self.factor_at {
            Some(at) if now.signed_duration_since(at) <= FRESH_FACTOR => Ok(()),
            _ => Err(Refusal::StepUpRequired.into()),
        }
    }
}

impl<R: Role> FromRequest for By<R> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admit(request))
    }
}

fn admit<R: Role>(request: &HttpRequest) -> Result<By<R>, Error> {
    let identity = match request.extensions().get::<Credential>() {
        None => return Err(Refusal::Unauthenticated.into()),
        Some(Credential::Refused(refusal)) => return Err((*refusal).into()),
        Some(Credential::Accepted(identity)) => identity.clone(),
    };
    let role = R::admit(&identity).ok_or(Error::Refused(Refusal::Forbidden))?;
    // Staff of one department has nothing to see in another: not "forbidden", simply not there.
    if let (Some(own), Some(asked)) = (identity.actor.department(), request.match_info().get("department"))
        && own.as_str() != asked
    {
        return Err(Refusal::NotFound.into());
    }
    Ok(By { caller: observe::caller(request, identity.actor), role, factor_at: identity.factor_at })
}

enum Credential {
    Accepted(Identity),
    Refused(Refusal),
}

/// Resolves the credential of a request, if it brings one. Says nothing about rights: `By` does.
pub async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let bearer = request.headers().get(header::AUTHORIZATION).map(|value| {
        let token = value.to_str().ok().and_then(|text| text.split_once(' '));
        token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim().to_owned())
    });
    if let (Some(bearer), Some(app)) = (bearer, request.app_data::<web::Data<App>>().cloned()) {
        let credential = match bearer {
            None => Credential::Refused(Refusal::InvalidToken),
            Some(token) => match identify(&app, &token).await {
                Ok(identity) => Credential::Accepted(identity),
                Err(error) if error.refusal().status() == 401 => Credential::Refused(error.refusal()),
                Err(error) => return Ok(request.error_response(error).map_into_right_body()),
            },
        };
        request.extensions_mut().insert(credential);
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

async fn identify(app: &App, token: &str) -> Result<Identity, Error> {
    app.identities.of(tokens::verify(app, token).await?).await
}

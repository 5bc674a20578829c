//! Callers as types: a handler that takes `By<Secretary>` can only be reached by a secretary, of his department, before its body is
//! read.

use crate::{
    app::App,
    auth::tokens,
    error::{Error, Refusal},
    http::observe,
    kernel::{
        actor::{Actor, Caller},
        department::Department,
        ids::{AccountId, DeviceId, MerchantId, SessionId},
        text::Uai,
        words::{AgentFunction, DeviceKind},
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

/// A member of a family.
#[derive(Debug, Clone, Copy)]
pub struct Guardian {
    pub account: AccountId,
}

impl Role for Guardian {
    fn admit(identity: &Identity) -> Option<Self> {
        match identity.actor {
            Actor::Guardian { account } => Some(Self { account }),
            _ => None,
        }
    }
}

/// The correspondent of one collège.
#[derive(Debug, Clone)]
pub struct Secretary {
    pub college: Uai,
}

impl Role for Secretary {
    fn admit(identity: &Identity) -> Option<Self> {
        match &identity.actor {
            Actor::Secretary { college, .. } => Some(Self { college: college.clone() }),
            _ => None,
        }
    }
}

/// Any agent of a department.
#[derive(Debug, Clone, Copy)]
pub struct Agent {
    pub account: AccountId,
    pub department: Department,
}

impl Role for Agent {
    fn admit(identity: &Identity) -> Option<Self> {
        match identity.actor {
            Actor::Agent { account, department, .. } => Some(Self { account, department }),
            _ => None,
        }
    }
}

/// An agent who sets the department's rules, people and merchants.
#[derive(Debug, Clone, Copy)]
pub struct Administrator {
    pub account: AccountId,
    pub department: Department,
}

impl Role for Administrator {
    fn admit(identity: &Identity) -> Option<Self> {
        match identity.actor {
            Actor::Agent { account, department, function: AgentFunction::Administrator } => {
                Some(Self { account, department })
            }
            _ => None,
        }
    }
}

/// An agent who answers for payments: of finance, or an administrator.
#[derive(Debug, Clone, Copy)]
pub struct Finance {
    pub account: AccountId,
    pub function: AgentFunction,
}

impl Role for Finance {
    fn admit(identity: &Identity) -> Option<Self> {
        match identity.actor {
            Actor::Agent {
                account,
                function: function @ (AgentFunction::Administrator | AgentFunction::Finance),
                ..
            } => Some(Self { account, function }),
            _ => None,
        }
    }
}

/// Who reads statements of payouts: an agent who answers for payments, or the merchant's own server. The database shows each his own.
#[derive(Debug, Clone, Copy)]
pub struct PayoutReader;

impl Role for PayoutReader {
    fn admit(identity: &Identity) -> Option<Self> {
        match identity.actor {
            Actor::Agent { function: AgentFunction::Administrator | AgentFunction::Finance, .. }
            | Actor::Device { kind: DeviceKind::Server, .. } => Some(Self),
            _ => None,
        }
    }
}

/// An agent who instructs files: a case worker, or an administrator.
#[derive(Debug, Clone, Copy)]
pub struct CaseWorker {
    pub account: AccountId,
}

impl Role for CaseWorker {
    fn admit(identity: &Identity) -> Option<Self> {
        match identity.actor {
            Actor::Agent { account, function: AgentFunction::Administrator | AgentFunction::CaseWorker, .. } => {
                Some(Self { account })
            }
            _ => None,
        }
    }
}

/// Who follows a file: a guardian, or an agent who instructs it. The database shows each his own.
#[derive(Debug, Clone, Copy)]
pub struct FileReader;

impl Role for FileReader {
    fn admit(identity: &Identity) -> Option<Self> {
        match identity.actor {
            Actor::Guardian { .. }
            | Actor::Agent { function: AgentFunction::Administrator | AgentFunction::CaseWorker, .. } => Some(Self),
            _ => None,
        }
    }
}

/// An agent who may undo a movement of money: all but the DPO.
#[derive(Debug, Clone, Copy)]
pub struct Corrector {
    pub account: AccountId,
}

impl Role for Corrector {
    fn admit(identity: &Identity) -> Option<Self> {
        match identity.actor {
            Actor::Agent {
                account,
                function: AgentFunction::Administrator | AgentFunction::CaseWorker | AgentFunction::Finance,
                ..
            } => Some(Self { account }),
            _ => None,
        }
    }
}

/// Who follows meals as they are taken: the secretary of the collège, or an agent, but not the DPO.
#[derive(Debug, Clone)]
pub struct AttendanceKeeper {
    pub account: AccountId,
    /// Of a secretary: the only one that is there for him.
    pub college: Option<Uai>,
}

impl Role for AttendanceKeeper {
    fn admit(identity: &Identity) -> Option<Self> {
        match &identity.actor {
            Actor::Secretary { account, college, .. } => {
                Some(Self { account: *account, college: Some(college.clone()) })
            }
            Actor::Agent { account, function, .. } if *function != AgentFunction::Dpo => {
                Some(Self { account: *account, college: None })
            }
            _ => None,
        }
    }
}

/// An agent who reads what the canteen bills: all but the DPO.
#[derive(Debug, Clone, Copy)]
pub struct BillDesk {
    pub account: AccountId,
}

impl Role for BillDesk {
    fn admit(identity: &Identity) -> Option<Self> {
        match identity.actor {
            Actor::Agent { account, function, .. } if function != AgentFunction::Dpo => Some(Self { account }),
            _ => None,
        }
    }
}

/// Who reads a bill or an account: a guardian, or an agent of `BillDesk`. The database shows each his own.
#[derive(Debug, Clone, Copy)]
pub struct BillReader {
    /// An agent's readings are lines of the journal.
    pub is_agent: bool,
}

impl Role for BillReader {
    fn admit(identity: &Identity) -> Option<Self> {
        match identity.actor {
            Actor::Guardian { .. } => Some(Self { is_agent: false }),
            Actor::Agent { function, .. } if function != AgentFunction::Dpo => Some(Self { is_agent: true }),
            _ => None,
        }
    }
}

/// An agent who answers for the journal: the DPO, or an administrator.
#[derive(Debug, Clone, Copy)]
pub struct JournalReader;

impl Role for JournalReader {
    fn admit(identity: &Identity) -> Option<Self> {
        match identity.actor {
            Actor::Agent { function: AgentFunction::Administrator | AgentFunction::Dpo, .. } => Some(Self),
            _ => None,
        }
    }
}

/// A person with a session: guardian, secretary or agent.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    pub account: AccountId,
    pub session: SessionId,
}

impl Role for Person {
    fn admit(identity: &Identity) -> Option<Self> {
        let session = identity.session?;
        match identity.actor {
            Actor::Guardian { account } | Actor::Secretary { account, .. } | Actor::Agent { account, .. } => {
                Some(Self { account, session })
            }
            Actor::System | Actor::Anonymous | Actor::Device { .. } => None,
        }
    }
}

/// A till or server of a merchant.
#[derive(Debug, Clone, Copy)]
pub struct Device {
    pub device: DeviceId,
    pub merchant: MerchantId,
    pub kind: DeviceKind,
}

impl Role for Device {
    fn admit(identity: &Identity) -> Option<Self> {
        match identity.actor {
            Actor::Device { device, merchant, kind } => Some(Self { device, merchant, kind }),
            _ => None,
        }
    }
}

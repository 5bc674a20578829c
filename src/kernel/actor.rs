//! Who acts. Every transaction, journal entry and permission starts from one of these.

use crate::kernel::{
    department::Department,
    ids::{AccountId, CanteenOperatorId, DeviceId, MerchantId, RequestId},
    text::Uai,
    words::{AgentFunction, DeviceKind},
};
use std::net::IpAddr;
use uuid::Uuid;

/// The one on whose behalf something is done, with the ids that bound it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The service itself: a job, the demonstration's loader.
    System,
    /// Nobody signed in.
    Anonymous,
    /// A member of a family. Which files and children are his is the database's knowledge.
    Guardian { account: AccountId },
    /// The correspondent of one collège.
    Secretary { account: AccountId, department: Department, college: Uai },
    /// An agent of one department.
    Agent { account: AccountId, department: Department, function: AgentFunction },
    /// A merchant's till or server.
    Device { device: DeviceId, merchant: MerchantId, kind: DeviceKind },
    /// A gate of the canteen of one collège.
    Gate { device: DeviceId, department: Department, operator: CanteenOperatorId, college: Uai },
    /// The server of an operator of the canteen.
    Kitchen { device: DeviceId, department: Department, operator: CanteenOperatorId },
}

impl Actor {
    /// The word that the database's policies and the journal use.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Anonymous => "anonymous",
            Self::Guardian { .. } => "guardian",
            Self::Secretary { .. } => "secretary",
            Self::Agent { .. } => "agent",
            Self::Device { .. } => "device",
            Self::Gate { .. } => "gate",
            Self::Kitchen { .. } => "kitchen",
        }
    }
    /// The account or device behind the actor.
    #[must_use]
    pub const fn id(&self) -> Option<Uuid> {
        match self {
            Self::System | Self::Anonymous => None,
            Self::Guardian { account } | Self::Secretary { account, .. } | Self::Agent { account, .. } => {
                Some(account.uuid())
            }
            Self::Device { device, .. } | Self::Gate { device, .. } | Self::Kitchen { device, .. } => {
                Some(device.uuid())
            }
        }
    }
    /// The department the actor is confined to; families and merchants are not.
    #[must_use]
    pub const fn department(&self) -> Option<Department> {
        match self {
            Self::Secretary { department, .. }
            | Self::Agent { department, .. }
            | Self::Gate { department, .. }
            | Self::Kitchen { department, .. } => Some(*department),
            _ => None,
        }
    }
}

/// One actor making one request.
#[derive(Debug, Clone)]
pub struct Caller {
    pub actor: Actor,
    pub request: RequestId,
    /// Where the request came from: for throttles only, never stored in clear.
    pub address: Option<IpAddr>,
}

impl Caller {
    /// The service acting by itself.
    #[must_use]
    pub fn system() -> Self {
        Self { actor: Actor::System, request: RequestId::generate(), address: None }
    }
}

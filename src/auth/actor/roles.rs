//! The kinds of callers, each with the ids that bound it.

use super::{Identity, Role};
use crate::{
    error::{Error, Refusal},
    kernel::{
        actor::Actor,
        department::Department,
        ids::{AccountId, DeviceId, MerchantId, SessionId},
        text::Uai,
        words::{AgentFunction, DeviceKind},
    },
};

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

/// A party to a file, who reads it and acts in it: a guardian, or an agent who instructs it. The database shows each his own.
#[derive(Debug, Clone, Copy)]
pub struct FileParty;

impl Role for FileParty {
    fn admit(identity: &Identity) -> Option<Self> {
        match identity.actor {
            Actor::Guardian { .. }
            | Actor::Agent { function: AgentFunction::Administrator | AgentFunction::CaseWorker, .. } => Some(Self),
            _ => None,
        }
    }
}

/// Who speaks for a collège's canteen: its secretary, or an agent who instructs files.
#[derive(Debug, Clone)]
pub struct CollegeDesk {
    pub account: AccountId,
    /// The only one that a secretary speaks for.
    pub college: Option<Uai>,
}

impl CollegeDesk {
    /// Nothing of another collège is a secretary's: it is not there.
    pub fn require(&self, college: &Uai) -> Result<(), Error> {
        let foreign = self.college.as_ref().is_some_and(|own| own != college);
        if foreign { Err(Refusal::NotFound.into()) } else { Ok(()) }
    }
}

impl Role for CollegeDesk {
    fn admit(identity: &Identity) -> Option<Self> {
        match &identity.actor {
            Actor::Secretary { account, college, .. } => {
                Some(Self { account: *account, college: Some(college.clone()) })
            }
            Actor::Agent { account, function: AgentFunction::Administrator | AgentFunction::CaseWorker, .. } => {
                Some(Self { account: *account, college: None })
            }
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
            Actor::System | Actor::Anonymous | Actor::Device { .. } | Actor::Gate { .. } | Actor::Kitchen { .. } => {
                None
            }
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

/// A gate of the canteen of one collège.
#[derive(Debug, Clone)]
pub struct Gate {
    pub device: DeviceId,
    pub college: Uai,
}

impl Role for Gate {
    fn admit(identity: &Identity) -> Option<Self> {
        match &identity.actor {
            Actor::Gate { device, college, .. } => Some(Self { device: *device, college: college.clone() }),
            _ => None,
        }
    }
}

/// The server of an operator of the canteen.
#[derive(Debug, Clone, Copy)]
pub struct Kitchen;

impl Role for Kitchen {
    fn admit(identity: &Identity) -> Option<Self> {
        matches!(identity.actor, Actor::Kitchen { .. }).then_some(Self)
    }
}

/// Who reads how many meals there are: the kitchen, a secretary, an agent. The database shows each his own collèges.
#[derive(Debug, Clone, Copy)]
pub struct MealCounter;

impl Role for MealCounter {
    fn admit(identity: &Identity) -> Option<Self> {
        let counts = matches!(identity.actor, Actor::Kitchen { .. } | Actor::Secretary { .. } | Actor::Agent { .. });
        counts.then_some(Self)
    }
}

/// Who reads what gates saw: a secretary, or an agent who instructs files. The database shows each his own collèges.
#[derive(Debug, Clone, Copy)]
pub struct PassageReader;

impl Role for PassageReader {
    fn admit(identity: &Identity) -> Option<Self> {
        match identity.actor {
            Actor::Secretary { .. }
            | Actor::Agent { function: AgentFunction::Administrator | AgentFunction::CaseWorker, .. } => Some(Self),
            _ => None,
        }
    }
}

/// Who helps a child that forgot its card: its family, the secretary of its collège, an agent who instructs files.
#[derive(Debug, Clone, Copy)]
pub struct ChildHelper {
    pub account: AccountId,
}

impl Role for ChildHelper {
    fn admit(identity: &Identity) -> Option<Self> {
        match identity.actor {
            Actor::Guardian { account }
            | Actor::Secretary { account, .. }
            | Actor::Agent { account, function: AgentFunction::Administrator | AgentFunction::CaseWorker, .. } => {
                Some(Self { account })
            }
            _ => None,
        }
    }
}

//! How a transaction says who acts.

use super::Mode;
use crate::kernel::actor::Actor;
use chrono::TimeDelta;
use std::fmt::Write as _;

/// `BEGIN` and the caller's identity in one message. Every value is an id or a word of ours: none holds a quote.
pub fn begin_sql(mode: Mode, actor: &Actor, clock_offset: TimeDelta) -> String {
    let mut sql = String::from(if mode == Mode::Read { "begin read only" } else { "begin" });
    let mut set = |name: &str, value: &str| {
        let _ = write!(sql, "; set local app.{name} = '{value}'");
    };
    set("kind", actor.kind());
    match actor {
        Actor::System | Actor::Anonymous => {}
        Actor::Guardian { account } => set("account", &account.to_string()),
        Actor::Agent { account, function, .. } => {
            set("account", &account.to_string());
            set("function", function.as_str());
        }
        Actor::Secretary { account, college, .. } => {
            set("account", &account.to_string());
            set("college", college.as_str());
        }
        Actor::Device { device, merchant, .. } => {
            set("device", &device.to_string());
            set("merchant", &merchant.to_string());
        }
        Actor::Gate { device, operator, college, .. } => {
            set("device", &device.to_string());
            set("operator", &operator.to_string());
            set("college", college.as_str());
        }
        Actor::Kitchen { device, operator, .. } => {
            set("device", &device.to_string());
            set("operator", &operator.to_string());
        }
    }
    if !clock_offset.is_zero() {
        set("clock_offset", &format!("{} seconds", clock_offset.num_seconds()));
    }
    sql
}

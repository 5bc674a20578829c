//! Rules at the gates of each collège: whether those eat who reserved nothing. A collège without a rule lets them eat, at the price of such
//! meals. The list of the day that a gate takes along for when it has no network, and what it may still have to send.

mod db;
pub mod http;
pub mod list;
pub mod watch;

pub use db::RuleRow;

use super::{
    require_planned,
    services::{self, Period},
};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    http::page::{Page, PageQuery},
    kernel::{ids::AccountId, text::Uai, time::paris_date},
};
use chrono::NaiveDate;
use serde_json::json;

/// A rule of a collège, from a day on.
#[derive(Debug, Clone)]
pub struct NewRule {
    pub college: Uai,
    pub starts_on: NaiveDate,
    pub walk_ins: bool,
}

/// Sets a collège's rule from today or a later day on.
fn set_gate_rule(tx: &mut Tx<'_>, by: AccountId, new: &NewRule) -> Result<RuleRow, Error> {
    let today = paris_date(tx.now()?);
    if new.starts_on < today {
        return Err(Error::field("/starts_on", "aujourd'hui ou un jour à venir est attendu"));
    }
    require_planned("/starts_on", new.starts_on, today)?;
    if !services::is_offered_within(tx, &new.college, Period { starts_on: new.starts_on, ends_on: None })? {
        return Err(Refusal::CanteenNotOffered.into());
    }
    let row = db::set(tx, by, new)?;
    let details = json!({ "starts_on": new.starts_on, "walk_ins": new.walk_ins });
    audit::record(tx, "canteen_gate_rule_set", ("college", &new.college), details)?;
    Ok(row)
}

/// The rules of each collège that has some: the one in force, and those to come.
fn list_gate_rules(tx: &mut Tx<'_>, query: &PageQuery) -> Result<Page<RuleRow>, Error> {
    let rows = db::rules(tx, query.after::<(Uai, NaiveDate)>()?, query.limit()?.saturating_add(1))?;
    query.page(rows, |row| (row.college_uai.clone(), row.starts_on))
}

//! Who serves the meals: operators, the collèges where each serves, from when until when, and their devices. One operator a collège and day.

mod db;
pub mod devices;
pub mod http;

pub use db::{Operator, Site};

use super::services::{self, Period};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    http::page::{Page, PageQuery},
    kernel::{
        ids::{AccountId, CanteenOperatorId, OperatorSiteId},
        text::{Label, Uai},
        time::paris_date,
    },
};
use chrono::NaiveDate;
use serde_json::json;

/// An operator and where it serves.
#[derive(Debug)]
pub struct Charged {
    pub operator: Operator,
    pub sites: Vec<Site>,
}

impl Site {
    const fn period(&self) -> Period {
        Period { starts_on: self.starts_on, ends_on: self.ends_on }
    }
}

/// Declares an operator, which serves nowhere yet.
fn declare_operator(tx: &mut Tx<'_>, by: AccountId, name: &Label) -> Result<Charged, Error> {
    services::require_canteen(tx)?;
    let operator = db::insert_operator(tx, by, name)?;
    audit::record(tx, "canteen_operator_declared", ("canteen_operator", operator.id), json!({}))?;
    Ok(Charged { operator, sites: vec![] })
}

/// Operators in the order in which they were declared, with all their sites.
fn list_operators(tx: &mut Tx<'_>, query: &PageQuery) -> Result<Page<Charged>, Error> {
    let after = query.after()?.map(CanteenOperatorId::from_uuid);
    let operators = db::operators(tx, after, query.limit()?.saturating_add(1))?;
    let ids: Vec<_> = operators.iter().map(|operator| operator.id).collect();
    let sites = db::sites(tx, &ids)?;
    let charged = |operator: Operator| {
        let sites = sites.iter().filter(|site| site.operator_id == operator.id).cloned().collect();
        Charged { operator, sites }
    };
    query.page(operators.into_iter().map(charged).collect(), |row: &Charged| row.operator.id.uuid())
}

/// Charges an operator with collèges, all or none, from a day on which meals are served there, as they are from today on.
fn add_operator_sites(
    tx: &mut Tx<'_>,
    by: AccountId,
    operator: CanteenOperatorId,
    uais: &[Uai],
    period: Period,
) -> Result<Vec<Site>, Error> {
    period.check(paris_date(tx.now()?))?;
    db::operator(tx, operator)?;
    if !db::are_offered(tx, uais, period.starts_on)? {
        return Err(Refusal::CanteenNotOffered.into());
    }
    for college in uais {
        if !services::is_offered_within(tx, college, period)? {
            return Err(Refusal::CanteenNotOffered.into());
        }
    }
    let added = db::insert_sites(tx, by, operator, uais, period)?;
    let details =
        |site: &Site| json!({ "operator_id": operator, "uai": site.college_uai, "starts_on": site.starts_on });
    let lines: Vec<_> = added.iter().map(|site| (site.id.to_string(), details(site))).collect();
    audit::record_many(tx, "canteen_operator_site_added", "canteen_operator_site", &lines)?;
    Ok(added)
}

/// Sets the last day of an operator at a collège, or takes it away.
fn end_operator_site(tx: &mut Tx<'_>, id: OperatorSiteId, ends_on: Option<NaiveDate>) -> Result<Site, Error> {
    let today = paris_date(tx.now()?);
    db::lock_site(tx, id)?.period().ending(ends_on, today)?;
    audit::record(tx, "canteen_operator_site_end_set", ("canteen_operator_site", id), json!({ "ends_on": ends_on }))?;
    db::set_site_end(tx, id, ends_on)
}

/// Refuses, as absent, an operator that this department has not; and for a gate, a collège where it serves no meal from today on.
fn require_operator(tx: &mut Tx<'_>, id: CanteenOperatorId, college: Option<&Uai>) -> Result<(), Error> {
    db::operator(tx, id)?;
    let Some(college) = college else { return Ok(()) };
    for site in db::sites(tx, &[id])?.iter().filter(|site| site.college_uai == *college) {
        if services::is_offered_within(tx, college, site.period())? {
            return Ok(());
        }
    }
    Err(Error::field("/college_uai", "un collège où ce prestataire servira des repas est attendu"))
}

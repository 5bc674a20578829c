//! What the administrations are asked, so that families need not prove it. Their answers are suggestions with a source and a date: people
//! decide, and everything goes on without them when they are silent.
//!
//! A call is made outside any transaction, by the worker alone, within the limits that the administration publishes (`limits`), by one
//! careful client (`http_client`). Nothing personal enters a log: the names are in the address of the question, so addresses are never told.

pub mod checks;
mod db;
pub mod http_client;
pub mod impot;
pub mod limits;
mod names;
pub mod outcome;
mod problem;
pub mod quotient;
pub mod request;
pub mod schooling;
pub mod spi;

use crate::{
    config::{Config, ParticulierConfig},
    db::Tx,
    error::Error,
    kernel::{
        department::Department,
        ids::{AuthorityCallId, IncomeRequestId},
        text::{Sensitive, Siret},
    },
};
use chrono::{DateTime, Utc};
use impot::ImpotParticulier;
use limits::{Authority, Health};
use std::{collections::BTreeMap, sync::Arc};

/// API Particulier as one department calls it: its own token, and itself as the one the data are for.
pub struct Particulier {
    client: http_client::Client,
    token: Sensitive<String>,
    recipient: Siret,
}

impl Particulier {
    /// Fails when the address or this machine's TLS is of no use.
    pub fn new(config: &ParticulierConfig) -> anyhow::Result<Self> {
        let ParticulierConfig { url, token, recipient } = config.clone();
        Ok(Self { client: http_client::Client::new(&url, http_client::Tls::default())?, token, recipient })
    }
}

/// Whether an administration may be called now: no, before the instant that is told. A call that may is counted.
pub fn permit_call(tx: &mut Tx<'_>, authority: Authority) -> Result<Option<DateTime<Utc>>, Error> {
    let now = tx.now()?;
    match db::lock_limits(tx, authority)?.permit(now) {
        Ok(limits) => db::keep_limits(tx, limits).map(|()| None),
        Err(from) => Ok(Some(from)),
    }
}

/// Takes note of what a call that has ended says about the administration.
pub fn note_health(tx: &mut Tx<'_>, authority: Authority, health: Health) -> Result<(), Error> {
    let now = tx.now()?;
    let limits = db::lock_limits(tx, authority)?.told(health, now);
    db::keep_limits(tx, limits)
}

/// What a call for a reduced rate asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncomeCall {
    /// A tax household.
    Income,
    FamilyQuotient,
}

impl IncomeCall {
    #[must_use]
    pub const fn authority(self) -> Authority {
        match self {
            Self::Income => Authority::ImpotParticulier,
            Self::FamilyQuotient => Authority::ApiParticulier,
        }
    }
    const fn operation(self) -> &'static str {
        match self {
            Self::Income => "income",
            Self::FamilyQuotient => "family_quotient",
        }
    }
}

/// Begins the trace of a call about a family's income, before it is made.
pub fn trace_call(
    tx: &mut Tx<'_>,
    call: AuthorityCallId,
    what: IncomeCall,
    request: IncomeRequestId,
) -> Result<(), Error> {
    db::begin_trace(tx, call, (what.authority(), what.operation()), db::Matter::IncomeRequest(request))
}

/// Ends the trace of a call: what came of it, without any figure.
pub fn end_trace(
    tx: &mut Tx<'_>,
    call: AuthorityCallId,
    outcome: &str,
    error_code: Option<&str>,
    milliseconds: i32,
) -> Result<(), Error> {
    db::end_call(tx, call, outcome, error_code, milliseconds)
}

/// The clients of the departments that ask.
#[derive(Clone, Default)]
pub struct Administrations {
    particulier: Arc<BTreeMap<Department, Arc<Particulier>>>,
    impot: Arc<BTreeMap<Department, Arc<ImpotParticulier>>>,
}

impl Administrations {
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let (mut particulier, mut impot) = (BTreeMap::new(), BTreeMap::new());
        for department in &config.departments {
            if let Some(config) = &department.particulier {
                particulier.insert(department.code, Arc::new(Particulier::new(config)?));
            }
            if let Some(config) = &department.impot {
                impot.insert(department.code, Arc::new(ImpotParticulier::new(config)?));
            }
        }
        Ok(Self { particulier: Arc::new(particulier), impot: Arc::new(impot) })
    }

    /// Each department that asks API Particulier, with its client.
    pub fn iter(&self) -> impl Iterator<Item = (Department, Arc<Particulier>)> + '_ {
        self.particulier.iter().map(|(code, client)| (*code, Arc::clone(client)))
    }

    /// Each department that asks either administration.
    pub fn departments(&self) -> impl Iterator<Item = Department> + use<> {
        let all: std::collections::BTreeSet<_> = self.particulier.keys().chain(self.impot.keys()).copied().collect();
        all.into_iter()
    }

    #[must_use]
    pub fn particulier(&self, department: Department) -> Option<Arc<Particulier>> {
        self.particulier.get(&department).cloned()
    }

    #[must_use]
    pub fn impot(&self, department: Department) -> Option<Arc<ImpotParticulier>> {
        self.impot.get(&department).cloned()
    }
}

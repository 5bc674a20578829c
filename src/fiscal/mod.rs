//! What the administrations are asked, so that families need not prove it. Their answers are suggestions with a source and a date: people
//! decide, and everything goes on without them when they are silent.
//!
//! A call is made outside any transaction, by the worker alone, within the limits that the administration publishes (`limits`), by one
//! careful client (`http_client`). Nothing personal enters a log: the names are in the address of the question, so addresses are never told.

pub mod checks;
mod db;
pub mod http_client;
pub mod limits;
pub mod schooling;

use crate::{
    config::{Config, ParticulierConfig},
    kernel::{
        department::Department,
        text::{Sensitive, Siret},
    },
};
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
        Ok(Self { client: http_client::Client::new(&url)?, token, recipient })
    }
}

/// The clients of the departments that ask.
#[derive(Clone, Default)]
pub struct Administrations(Arc<BTreeMap<Department, Arc<Particulier>>>);

impl Administrations {
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let asking = config.departments.iter().filter_map(|d| Some((d.code, d.particulier.as_ref()?)));
        let clients = asking.map(|(code, particulier)| Ok((code, Arc::new(Particulier::new(particulier)?))));
        Ok(Self(Arc::new(clients.collect::<anyhow::Result<_>>()?)))
    }

    /// Each department that asks, with its client.
    pub fn iter(&self) -> impl Iterator<Item = (Department, Arc<Particulier>)> + '_ {
        self.0.iter().map(|(code, client)| (*code, Arc::clone(client)))
    }
}

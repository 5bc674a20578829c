//! API Impôt Particulier, of the tax administration: the reference income and the parts of a tax household, for the family that asked for a reduced rate.
//!
//! The tax number stands in the address of the question: addresses are never told, and the number goes when its question ends.

mod inquiry;
mod notice;
mod token;

pub use inquiry::{Inquiry, Progress, Step, Taxpayer, income_year};
pub use notice::{Income, Situation};

use super::{
    http_client::{Client, Reply, Tls},
    outcome::{Absence, Outcome},
    problem::plain_code,
    request::IncomeRequest,
};
use crate::{
    config::{ImpotConfig, ImpotResource, MutualTls},
    kernel::ids::AuthorityCallId,
};
use anyhow::Context;
use notice::Reading;
use reqwest::{Certificate, Identity, Method, header::ACCEPT};
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;
use zeroize::Zeroizing;

const RESOURCES: &str = "/impotparticulier/1.0";
/// Their word for "no assessment of that year".
const NO_RESULT: &str = "4101";
/// Their word for a tax number that is nobody's.
const UNKNOWN: &str = "4102";

impl ImpotResource {
    /// What the token must allow.
    const fn scope(self) -> &'static str {
        match self {
            Self::Year => "RessourceIR",
            Self::LastOfTwoYears => "RessourceIRDerniere2",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Year => "application/prs.dgfip.part.situations.ir.assiettes.v1+json",
            Self::LastOfTwoYears => "application/prs.dgfip.part.derniere.situations.ir.assiettes.v1+json",
        }
    }
}

/// API Impôt Particulier as one department calls it.
pub struct ImpotParticulier {
    client: Client,
    tokens: token::Tokens,
    resource: ImpotResource,
    teleservice: Option<String>,
}

/// An answer with what the trace keeps of it.
struct Answer {
    reading: Reading,
    error_code: Option<String>,
    request_id: Option<String>,
}

impl Answer {
    const fn without(reading: Reading) -> Self {
        Self { reading, error_code: None, request_id: None }
    }
}

impl ImpotParticulier {
    /// Fails when the address, a file of the certificate or this machine's TLS is of no use.
    pub fn new(config: &ImpotConfig) -> anyhow::Result<Self> {
        let identity = config.mutual_tls.as_ref().map(identity).transpose()?;
        let authorities = config.authority.as_deref().map(authorities).transpose()?;
        let client = Client::new(&config.url, Tls { identity, authorities })?;
        let tokens = token::Tokens::new(config, config.resource.scope());
        Ok(Self { client, tokens, resource: config.resource, teleservice: config.teleservice.clone() })
    }

    /// One call about one household. `call` is what both sides name it by.
    async fn ask(&self, _proof: &IncomeRequest, taxpayer: &Taxpayer, year: i32, call: AuthorityCallId) -> Answer {
        let (token, is_new) = match self.tokens.get(&self.client).await {
            Ok(token) => token,
            Err(outcome) => return Answer { error_code: Some("token".to_owned()), ..Answer::without(outcome.into()) },
        };
        let spi = taxpayer.spi.expose();
        let path = Zeroizing::new(match self.resource {
            ImpotResource::Year => format!("{RESOURCES}/spi/{spi}/situations/ir/assiettes/annrev/{year}"),
            ImpotResource::LastOfTwoYears => format!("{RESOURCES}/spi/{spi}/dernieresituation/ir/assiettes/deuxans"),
        });
        let reply = match self.client.request(Method::GET, &path, &[]) {
            Ok(asked) => {
                let asked = asked.bearer_auth(token.expose()).header(ACCEPT, self.resource.media_type());
                let asked = asked.header("X-Correlation-ID", call.to_string());
                let asked = self.teleservice.iter().fold(asked, |asked, id| asked.header("ID_Teleservice", id));
                Client::send(asked).await
            }
            Err(fault) => Err(fault),
        };
        let reply = match reply {
            Ok(reply) => reply,
            Err(fault) => {
                let error_code = Some(fault.as_str().to_owned());
                return Answer { error_code, ..Answer::without(Outcome::of_fault(fault).into()) };
            }
        };
        let mut answer = read(&reply, self.resource, taxpayer, year);
        if reply.status == 401 {
            self.tokens.forget(&token).await;
            // One that served before has ended; one just given should have served.
            if !is_new {
                answer.reading = Outcome::Unavailable(Absence::TokenEnded, None).into();
            }
        }
        answer
    }
}

fn identity(files: &MutualTls) -> anyhow::Result<Identity> {
    let mut pem = Zeroizing::new(file(&files.certificate)?);
    let key = Zeroizing::new(file(&files.key)?);
    // A growing text would leave a copy of the key behind.
    let mut both = Zeroizing::new(Vec::with_capacity(pem.len().saturating_add(key.len()).saturating_add(1)));
    both.append(&mut pem);
    both.push(b'\n');
    both.extend_from_slice(&key);
    // The error could show what was read.
    Identity::from_pem(&both).map_err(|_| {
        anyhow::anyhow!(
            "{} and {} are not a certificate and its key in PEM",
            files.certificate.display(),
            files.key.display()
        )
    })
}

fn authorities(path: &Path) -> anyhow::Result<Vec<Certificate>> {
    let certificates = Certificate::from_pem_bundle(&file(path)?).unwrap_or_default();
    anyhow::ensure!(!certificates.is_empty(), "{} holds no certificate in PEM", path.display());
    Ok(certificates)
}

fn file(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

#[derive(Deserialize)]
struct Problem {
    erreur: Trouble,
}

#[derive(Deserialize)]
struct Trouble {
    code: Value,
}

/// What an answer means for this household and year.
fn read(reply: &Reply, resource: ImpotResource, taxpayer: &Taxpayer, year: i32) -> Answer {
    let code = serde_json::from_slice(&reply.body).ok().and_then(|Problem { erreur }| match erreur.code {
        Value::Number(code) => Some(code.to_string()),
        Value::String(code) => Some(code),
        _ => None,
    });
    let reading = match (reply.status, code.as_deref()) {
        (200, _) => notice::read(&reply.body, resource, taxpayer, year),
        (410, Some(NO_RESULT)) => Reading::NoResult,
        (410, Some(UNKNOWN)) => Outcome::NotFound.into(),
        _ => Outcome::of_status(reply, None).into(),
    };
    Answer { reading, error_code: code.as_deref().and_then(plain_code), request_id: reply.request_id.clone() }
}

#[cfg(test)]
mod tests;

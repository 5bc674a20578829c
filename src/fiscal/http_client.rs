//! One careful client for administrations. It trusts no answer to be quick, short or well meant, and never says which address it asked.

use crate::kernel::text::Sensitive;
use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{
    Certificate, Identity, Method, RequestBuilder, Url,
    header::{ACCEPT, HeaderMap, RETRY_AFTER},
    redirect::Policy,
};
use std::time::Duration;
use zeroize::Zeroizing;

/// A server that does not take the connection by then is taken to be down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// From the connection to the last byte, as the administrations ask of their clients.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);
/// Far above any answer of theirs; what is longer is not read.
pub const BODY_MAX: usize = 64 * 1024;
/// Their name for a request, as kept in our logs.
const REQUEST_ID_MAX: usize = 64;

text_enum! {
    /// Why there is no answer.
    pub enum Fault {
        TimedOut = "timed_out",
        Unreachable = "unreachable",
        /// The connection ended before the answer did.
        Cut = "cut",
        TooLarge = "too_large",
    }
}

/// How long the administration wants to be left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    For(TimeDelta),
    Until(DateTime<Utc>),
}

/// An answer, read to its end.
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
    pub retry_after: Option<Pause>,
    /// Their name for the request, if they gave one fit for a log.
    pub request_id: Option<String>,
}

/// Connections to one administration.
pub struct Client {
    http: reqwest::Client,
    base: String,
}

/// What a client shows, and whom it believes, beside what every client of this machine does.
#[derive(Default)]
pub struct Tls {
    pub identity: Option<Identity>,
    /// Believed in the place of the machine's authorities.
    pub authorities: Option<Vec<Certificate>>,
}

impl Client {
    pub fn new(base: &str, tls: Tls) -> anyhow::Result<Self> {
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            // Whoever answers elsewhere would be sent the token and the names.
            .redirect(Policy::none())
            // The environment says nothing here: a proxy would be configured like everything else.
            .no_proxy()
            .user_agent(concat!("passplus/", env!("CARGO_PKG_VERSION")));
        if let Some(authorities) = tls.authorities {
            http = http.tls_certs_only(authorities);
        }
        if let Some(identity) = tls.identity {
            http = http.identity(identity);
        }
        let http = http.build().context("the client of the administrations cannot be made")?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned() })
    }

    /// One question. What may be personal stands in `params`: neither they nor the errors made of them are ever shown.
    pub async fn get(&self, path: &str, params: &[(&str, String)], token: &Sensitive<String>) -> Result<Reply, Fault> {
        let asked = self.request(Method::GET, path, params)?;
        Self::send(asked.bearer_auth(token.expose()).header(ACCEPT, "application/json")).await
    }

    /// A question to be completed with its headers. Its address is as personal as what it is made of.
    pub fn request(&self, method: Method, path: &str, params: &[(&str, String)]) -> Result<RequestBuilder, Fault> {
        let address = Zeroizing::new(format!("{}{path}", self.base));
        let url = if params.is_empty() { Url::parse(&address) } else { Url::parse_with_params(&address, params) };
        Ok(self.http.request(method, url.map_err(|_| Fault::Unreachable)?))
    }

    /// Puts a question and reads the answer to its end, or to the bounds.
    pub async fn send(asked: RequestBuilder) -> Result<Reply, Fault> {
        let mut response = asked.send().await.map_err(|error| fault(&error))?;
        let mut body = vec![];
        while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error))? {
            if body.len().saturating_add(chunk.len()) > BODY_MAX {
                return Err(Fault::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let headers = response.headers();
        Ok(Reply {
            status: response.status().as_u16(),
            body,
            retry_after: header(headers, RETRY_AFTER.as_str()).and_then(pause),
            request_id: header(headers, "x-request-id").filter(|id| is_loggable(id)).map(ToOwned::to_owned),
        })
    }
}

fn fault(error: &reqwest::Error) -> Fault {
    if error.is_timeout() {
        Fault::TimedOut
    } else if error.is_connect() {
        Fault::Unreachable
    } else {
        Fault::Cut
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// `Retry-After` in both its forms: a number of seconds, or a date.
fn pause(text: &str) -> Option<Pause> {
    let text = text.trim();
    match text.parse::<u32>() {
        Ok(seconds) => TimeDelta::try_seconds(seconds.into()).map(Pause::For),
        Err(_) => DateTime::parse_from_rfc2822(text).ok().map(|at| Pause::Until(at.to_utc())),
    }
}

fn is_loggable(id: &str) -> bool {
    !id.is_empty() && id.len() <= REQUEST_ID_MAX && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_told_in_seconds_or_by_a_date() {
        assert_eq!(pause(" 120 "), Some(Pause::For(TimeDelta::seconds(120))));
        let date = "2026-10-15T08:49:37Z".parse().ok().map(Pause::Until);
        assert_eq!(pause("Thu, 15 Oct 2026 08:49:37 GMT"), date);
        for nothing in ["", "-1", "soon", "1e9", "99999999999999"] {
            assert_eq!(pause(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn only_plain_request_ids_reach_a_log() {
        assert!(is_loggable("0199a8f0-7c3e-7bbd-8000-000000000001"));
        for wrong in ["", "nom=MARTIN", "a b", &"a".repeat(65)] {
            assert!(!is_loggable(wrong), "{wrong}");
        }
    }
}

//! The token of API Impôt Particulier: asked for once, by whoever needs it first, and kept until shortly before its end.

use crate::{
    config::ImpotConfig,
    fiscal::{
        http_client::{Client, Reply},
        outcome::{Because, Outcome},
    },
    kernel::text::Sensitive,
};
use reqwest::Method;
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};

const PATH: &str = "/token";
/// A life that is not told, and the longest that is believed.
const LIFE_DEFAULT: Duration = Duration::from_secs(300);
const LIFE_MAX: Duration = Duration::from_secs(24 * 3_600);
/// A token is let go that long before its end, or halfway when it lives less than twice that.
const MARGIN: Duration = Duration::from_secs(60);

pub type Bearer = Arc<Sensitive<String>>;

pub struct Tokens {
    client_id: String,
    client_secret: Sensitive<String>,
    scope: &'static str,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<(Bearer, Instant)>,
    /// The last time that none was given: those who were waiting for it then do not ask again, one after the other.
    refused: Option<(Outcome, Instant)>,
}

#[derive(Deserialize)]
struct Given {
    access_token: String,
    token_type: String,
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    scope: Option<String>,
}

impl Tokens {
    pub fn new(config: &ImpotConfig, scope: &'static str) -> Self {
        let (client_id, client_secret) = (config.client_id.clone(), config.client_secret.clone());
        Self { client_id, client_secret, scope, state: Mutex::default() }
    }

    /// The token, and whether it was asked for now.
    pub async fn get(&self, client: &Client) -> Result<(Bearer, bool), Outcome> {
        let began = Instant::now();
        let mut state = self.state.lock().await;
        if let Some((token, ends)) = &state.token
            && Instant::now() < *ends
        {
            return Ok((Arc::clone(token), false));
        }
        if let Some((outcome, at)) = &state.refused
            && began <= *at
        {
            return Err(outcome.clone());
        }
        match self.ask(client).await {
            Ok((token, life)) => {
                let ends = Instant::now() + life.saturating_sub(MARGIN).max(life / 2);
                *state = State { token: Some((Arc::clone(&token), ends)), refused: None };
                Ok((token, true))
            }
            Err(outcome) => {
                *state = State { token: None, refused: Some((outcome.clone(), Instant::now())) };
                Err(outcome)
            }
        }
    }

    /// Lets go a token that is not accepted, unless another has taken its place.
    pub async fn forget(&self, refused: &Bearer) {
        let mut state = self.state.lock().await;
        state.token.take_if(|(token, _)| Arc::ptr_eq(token, refused));
    }

    async fn ask(&self, client: &Client) -> Result<(Bearer, Duration), Outcome> {
        let asked = client.request(Method::POST, PATH, &[]).map_err(Outcome::of_fault)?;
        let asked = asked.basic_auth(&self.client_id, Some(self.client_secret.expose()));
        let asked = asked.form(&[("grant_type", "client_credentials"), ("scope", self.scope)]);
        let reply = Client::send(asked).await.map_err(Outcome::of_fault)?;
        read(&reply, self.scope)
    }
}

/// The token of an answer and its life.
fn read(reply: &Reply, scope: &str) -> Result<(Bearer, Duration), Outcome> {
    match reply.status {
        200 => {}
        // A client that is not known or may not have this: RFC 6749 says so by 400 too.
        400 | 401 | 403 | 422 => return Err(Outcome::Refused(Because::Access)),
        _ => return Err(Outcome::of_status(reply, None)),
    }
    let given: Given = serde_json::from_slice(&reply.body).map_err(|_| Outcome::Unreadable)?;
    let is_token = !given.access_token.is_empty() && given.access_token.bytes().all(|b| b.is_ascii_graphic());
    if !is_token || !given.token_type.eq_ignore_ascii_case("bearer") {
        return Err(Outcome::Unreadable);
    }
    // Not told: what was asked for.
    if given.scope.is_some_and(|scopes| scopes.split(' ').all(|given| given != scope)) {
        return Err(Outcome::Refused(Because::Access));
    }
    let life = given.expires_in.map_or(LIFE_DEFAULT, Duration::from_secs).min(LIFE_MAX);
    Ok((Arc::new(Sensitive::new(given.access_token)), life))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(status: u16, body: &str) -> Result<(String, u64), Outcome> {
        let reply = Reply { status, body: body.as_bytes().to_vec(), retry_after: None, request_id: None };
        read(&reply, "RessourceIR").map(|(token, life)| (token.expose().clone(), life.as_secs()))
    }

    #[test]
    fn a_token_is_read_with_its_life() {
        for (body, life) in [
            (
                json!({ "access_token": "a.b", "token_type": "Bearer", "expires_in": 3600, "scope": "RessourceIR RessourceIFI" }),
                3_600,
            ),
            (json!({ "access_token": "a.b", "token_type": "bearer" }), 300),
            (json!({ "access_token": "a.b", "token_type": "Bearer", "expires_in": u64::MAX, "id_token": 1 }), 86_400),
        ] {
            assert_eq!(told(200, &body.to_string()), Ok(("a.b".to_owned(), life)));
        }
    }

    #[test]
    fn anything_else_is_no_token() {
        for body in [
            json!({}),
            json!([]),
            json!({ "access_token": "", "token_type": "Bearer" }),
            json!({ "access_token": "a b", "token_type": "Bearer" }),
            json!({ "access_token": "a\r\nX: y", "token_type": "Bearer" }),
            json!({ "access_token": 12, "token_type": "Bearer" }),
            json!({ "access_token": "a", "token_type": "mac" }),
            json!({ "access_token": "a", "token_type": "Bearer", "expires_in": "3600" }),
        ] {
            assert_eq!(told(200, &body.to_string()), Err(Outcome::Unreadable), "{body}");
        }
        let other = json!({ "access_token": "a", "token_type": "Bearer", "scope": "RessourceIFI" });
        assert_eq!(told(200, &other.to_string()), Err(Outcome::Refused(Because::Access)));
        for status in [400, 401, 403, 422] {
            assert_eq!(told(status, "{}"), Err(Outcome::Refused(Because::Access)));
        }
        assert_eq!(told(302, ""), Err(Outcome::Unreadable));
        assert!(matches!(told(503, ""), Err(Outcome::Unavailable(..))));
    }
}

//! Who plays: the people and devices of the demonstration, kept beside its data so that a later start finds them again.

use super::client::{Body, Client, Request};
use crate::{
    admin,
    kernel::{crypto::SigningPair, time},
};
use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    fmt::Write as _, fs, io::Write as _, net::SocketAddr, os::unix::fs::OpenOptionsExt, path::Path, time::Duration,
};

/// Password of everybody in the demonstration.
pub const PASSWORD: &str = "Demonstration-2026!";
/// Life of a time code.
const STEP_SECONDS: u64 = 30;

/// Somebody who signs in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Person {
    pub email: String,
    pub what: String,
    /// Staff: the authenticator secret.
    pub totp_secret: Option<String>,
    /// Token of a session opened in this process.
    #[serde(skip)]
    pub token: Option<String>,
}

/// A till, or a gate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Device {
    pub device_id: String,
    pub what: String,
    /// PKCS#8 of its own key, base64url.
    pub private_key: String,
}

/// Everybody.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cast {
    pub season: String,
    pub administrator_92: Person,
    /// What takes two persons needs him.
    pub second_administrator_92: Person,
    pub administrator_78: Person,
    pub secretary_92: Person,
    pub secretary_78: Person,
    pub family_92: Person,
    pub family_78: Person,
    /// The child of the first family, with wallets and a card.
    pub lou: String,
    pub theatre: Device,
    pub judo: Device,
}

impl Cast {
    pub fn read(path: &Path) -> anyhow::Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(path)?;
        serde_json::from_str(&text).map(Some).context("demo.json cannot be read: start with --fresh")
    }
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        // Holds the tills' private keys and the authenticator secrets.
        fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?
            .write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        Ok(())
    }
}

impl Person {
    pub fn new(email: &str, what: &str, totp_secret: Option<String>) -> Self {
        Self { email: email.to_owned(), what: what.to_owned(), totp_secret, token: None }
    }

    /// What opens a session, with the time code of `steps_ahead`.
    pub fn credentials(&self, now: DateTime<Utc>, steps_ahead: u64) -> anyhow::Result<serde_json::Value> {
        let Some(secret) = &self.totp_secret else {
            return Ok(json!({ "email": self.email, "password": PASSWORD }));
        };
        let now = u64::try_from(now.timestamp())?;
        let code = admin::totp_code_at(secret, now.saturating_add(STEP_SECONDS.saturating_mul(steps_ahead)))?;
        Ok(json!({ "email": self.email, "password": PASSWORD, "second_factor": code }))
    }

    /// An access token. A time code serves once: when the present one was used, the next is taken, or waited for.
    pub async fn sign_in(&mut self, client: &Client) -> anyhow::Result<String> {
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        for attempt in 0..5_u64 {
            let request = Request::post("/v1/sessions", self.credentials(client.now(), attempt.min(1))?);
            let answer = client.send(&request).await?;
            match answer.status {
                201 => {
                    let token = answer.text("/access_token")?;
                    self.token = Some(token.clone());
                    return Ok(token);
                }
                401 if self.totp_secret.is_some() && attempt < 4 => {
                    if attempt >= 1 {
                        tokio::time::sleep(Duration::from_secs(10)).await;
                    }
                }
                _ => bail!("{} cannot sign in: {}", self.email, answer.json),
            }
        }
        bail!("{} cannot sign in", self.email)
    }
}

impl Device {
    /// The form by which it proves its key.
    pub fn assertion(&self, client: &Client) -> anyhow::Result<Request> {
        let device = self.device_id.parse()?;
        let assertion = admin::device_assertion(device, &self.private_key, client.base(), client.now())?;
        let form = vec![
            ("grant_type", "client_credentials".to_owned()),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()),
            ("client_assertion", assertion),
        ];
        Ok(Request {
            method: Method::POST,
            path: "/v1/oauth/token".to_owned(),
            token: None,
            body: Body::Form(form),
            key: None,
        })
    }

    /// Makes a key and enrols it with a one-time code; a gate also says whom its lists are encrypted to.
    pub async fn enrol(client: &Client, code: &str, what: &str, recipient: Option<&str>) -> anyhow::Result<Self> {
        let pair = SigningPair::generate()?;
        let public_key = BASE64URL_NOPAD.encode(&pair.public());
        let body = json!({ "enrolment_code": code, "public_key": public_key, "recipient": recipient });
        let answer = client.expect(201, Request::post("/v1/devices/enrol", body)).await?;
        let private_key = BASE64URL_NOPAD.encode(pair.pkcs8());
        Ok(Self { device_id: answer.text("/device_id")?, what: what.to_owned(), private_key })
    }
}

/// Who can sign in and how, and lines to paste.
pub fn table(cast: &Cast, url: &str, metrics: SocketAddr) -> String {
    let program = std::env::current_exe().map_or_else(|_| "passplus".to_owned(), |path| path.display().to_string());
    let mut out = format!(
        "\n\nPass+ is up at {url}\n  interactive description   {url}/docs/\n  metrics                   http://{metrics}/metrics\n\n\
         {:<37} {:<38} {:<20} second factor\n",
        "who", "e-mail", "password"
    );
    let people = [
        &cast.administrator_92,
        &cast.second_administrator_92,
        &cast.secretary_92,
        &cast.family_92,
        &cast.administrator_78,
        &cast.secretary_78,
        &cast.family_78,
    ];
    for person in people {
        let factor = person.totp_secret.as_ref().map_or_else(|| "none".to_owned(), |s| format!("{program} totp {s}"));
        let _ = writeln!(out, "{:<37} {:<38} {PASSWORD:<20} {factor}", person.what, person.email);
    }
    for till in [&cast.theatre, &cast.judo] {
        let _ = writeln!(out, "{:<37} device {}, with a key of its own", till.what, till.device_id);
    }
    let json = "-H 'content-type: application/json'";
    let field = |name| format!("sed 's/.*\"{name}\":\"\\([^\"]*\\)\".*/\\1/'");
    let (token, signed) = (field("access_token"), field("signed"));
    let _ = write!(
        out,
        "\nTo paste:\n\
         curl -s {url}/v1/departments/92/seasons/{season}\n\
         FAMILY=$(curl -s {url}/v1/sessions {json} -d '{{\"email\":\"{family}\",\"password\":\"{PASSWORD}\"}}' | {token})\n\
         curl -s {url}/v1/me -H \"authorization: Bearer $FAMILY\"\n\
         curl -s {url}/v1/departments/92/families -H \"authorization: Bearer $FAMILY\"\n\
         TILL=$(curl -s {url}/v1/oauth/token -d grant_type=client_credentials \\\n    \
         -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\\n    \
         -d client_assertion=$({program} assertion --url {url} --device {device} --private-key {key}) | {token})\n\
         CARD=$(curl -s {url}/v1/departments/92/children/{lou}/card -H \"authorization: Bearer $FAMILY\" | {signed})\n\
         curl -s {url}/v1/debits {json} -H \"authorization: Bearer $TILL\" -H \"idempotency-key: $(cat /proc/sys/kernel/random/uuid)\" \\\n    \
         -d '{{\"card\":\"'$CARD'\",\"wallet_kind\":\"culture\",\"amount_cents\":500,\"activity_label\":\"Le Cid\",\"activity_date\":\"{today}\"}}'\n\
         curl -s {url}/v1/departments/92/children/{lou}/wallets -H \"authorization: Bearer $FAMILY\"\n\
         \nCtrl-C stops everything; the data stays.\n",
        season = cast.season,
        family = cast.family_92.email,
        lou = cast.lou,
        today = time::paris_date(time::server_now()),
        device = cast.theatre.device_id,
        key = cast.theatre.private_key,
    );
    out
}

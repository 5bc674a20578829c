//! A plain HTTP client of the service, and a reader of the letters it sends.

use crate::{db::Db, kernel::time};
use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use reqwest::{Method, header};
use serde_json::Value;
use std::{fs, path::PathBuf, time::Duration};

/// Letters are written within a second; ten tell that none will come.
const LETTER_TRIES: u32 = 100;
const LETTER_PAUSE: Duration = Duration::from_millis(100);

/// Speaks to one service.
pub struct Client {
    http: reqwest::Client,
    base: String,
    letters: PathBuf,
    /// The service's own, whose clock may be moved; absent: this machine's clock.
    clock: Option<Db>,
}

/// One request, as it will be shown.
pub struct Request {
    pub method: Method,
    pub path: String,
    pub token: Option<String>,
    pub body: Body,
    pub key: Option<String>,
}

/// What a request carries.
pub enum Body {
    None,
    Json(Value),
    Form(Vec<(&'static str, String)>),
    Raw(&'static str, Vec<u8>),
}

/// What came back; `json` is null for other media.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub json: Value,
    pub media: String,
    pub bytes: Vec<u8>,
}

impl Request {
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), token: None, body: Body::None, key: None }
    }
    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST, path: path.into(), token: None, body: Body::Json(body), key: None }
    }
    pub fn put(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::PUT, ..Self::post(path, body) }
    }
    pub fn by(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }
    pub fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }
}

impl Answer {
    /// The text at a JSON pointer; an error names what lacks.
    pub fn text(&self, pointer: &str) -> anyhow::Result<String> {
        let found = self.json.pointer(pointer).and_then(Value::as_str);
        found.map(ToOwned::to_owned).with_context(|| format!("the answer has no {pointer}: {}", self.json))
    }
    /// The whole number at a JSON pointer.
    pub fn number(&self, pointer: &str) -> anyhow::Result<i64> {
        let found = self.json.pointer(pointer).and_then(Value::as_i64);
        found.with_context(|| format!("the answer has no {pointer}: {}", self.json))
    }
}

impl Client {
    pub fn new(base: &str, letters: PathBuf) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).no_proxy().build()?;
        Ok(Self { http, base: base.to_owned(), letters, clock: None })
    }

    /// Reads the clock of a service whose clock is moved.
    pub fn with_clock_of(mut self, db: Db) -> Self {
        self.clock = Some(db);
        self
    }

    /// What the service's clock shows.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.as_ref().map_or_else(time::server_now, Db::server_now)
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, request: &Request) -> anyhow::Result<Answer> {
        let mut builder = self.http.request(request.method.clone(), format!("{}{}", self.base, request.path));
        if let Some(token) = &request.token {
            builder = builder.bearer_auth(token);
        }
        if let Some(key) = &request.key {
            builder = builder.header("Idempotency-Key", key);
        }
        builder = match &request.body {
            Body::None => builder,
            Body::Json(json) => builder.json(json),
            Body::Form(form) => builder.form(form),
            Body::Raw(media, bytes) => builder.header(header::CONTENT_TYPE, *media).body(bytes.clone()),
        };
        let response =
            builder.send().await.with_context(|| format!("{} {} got no answer", request.method, request.path))?;
        let status = response.status().as_u16();
        let media = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = media.unwrap_or_default().to_owned();
        let bytes = response.bytes().await?.to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { status, json, media, bytes })
    }

    /// Sends a request that must be answered with `status`.
    pub async fn expect(&self, status: u16, request: Request) -> anyhow::Result<Answer> {
        let answer = self.send(&request).await?;
        if answer.status != status {
            bail!(
                "{} {} answered {} instead of {status}: {}",
                request.method,
                request.path,
                answer.status,
                answer.json
            );
        }
        Ok(answer)
    }

    /// The secret behind `#` in the newest letter to `email`. Letters are read once.
    pub async fn link(&self, email: &str) -> anyhow::Result<String> {
        for _ in 0..LETTER_TRIES {
            if let Some(token) = self.newest_link(email)? {
                return Ok(token);
            }
            tokio::time::sleep(LETTER_PAUSE).await;
        }
        bail!("no letter with a link came for {email}")
    }

    fn newest_link(&self, email: &str) -> anyhow::Result<Option<String>> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(&self.letters)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        // Names begin with the id of the job, which is ordered by time.
        files.sort();
        for path in files.into_iter().rev().filter(|path| path.extension().is_some_and(|e| e == "txt")) {
            let text = fs::read_to_string(&path)?;
            let token = text.split_once('#').and_then(|(_, rest)| rest.split_whitespace().next());
            if let Some(token) = token.filter(|_| text.starts_with(&format!("To: {email}\n"))) {
                let token = token.to_owned();
                fs::rename(&path, path.with_extension("read"))?;
                return Ok(Some(token));
            }
        }
        Ok(None)
    }
}

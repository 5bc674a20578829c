//! An HTTP client that holds every answer against the description of the API.

use jsonschema::Validator;
use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock},
};

/// One answer, already checked against the description.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub json: Value,
    pub bytes: Vec<u8>,
    pub headers: header::HeaderMap,
}

impl Answer {
    /// The value at a JSON pointer.
    #[track_caller]
    pub fn at(&self, pointer: &str) -> &Value {
        self.json.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {}", self.json))
    }
    #[track_caller]
    pub fn text(&self, pointer: &str) -> String {
        self.at(pointer).as_str().unwrap_or_else(|| panic!("{pointer} is no text in {}", self.json)).to_owned()
    }
    #[track_caller]
    pub fn number(&self, pointer: &str) -> i64 {
        self.at(pointer).as_i64().unwrap_or_else(|| panic!("{pointer} is no number in {}", self.json))
    }
    /// Asserts the status and gives the answer on.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "answered {}", self.json);
        self
    }
    /// Asserts a refusal by its stable code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.json["code"].as_str()), (status, Some(code)), "answered {}", self.json);
        self
    }
}

impl Answer {
    /// The fields at fault of a problem, by JSON pointer.
    #[track_caller]
    pub fn pointers(&self) -> Vec<String> {
        let errors = self.json["errors"].as_array().unwrap_or_else(|| panic!("no errors in {}", self.json));
        errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    }
    /// The rows of a page.
    #[track_caller]
    pub fn items(&self) -> &Vec<Value> {
        self.at("/items").as_array().unwrap()
    }
}

/// A caller of the service: anonymous, or with a token.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    pub base: String,
    pub token: Option<String>,
}

impl Api {
    pub fn new(base: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { http, base: base.to_owned(), token: None }
    }

    /// The same service, called with that token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// A request to be completed by hand and sent with `send`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let builder = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => builder.bearer_auth(token),
            None => builder,
        }
    }

    pub async fn send(&self, builder: RequestBuilder) -> Answer {
        let request = builder.build().unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = self.http.execute(request).await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = response.bytes().await.unwrap().to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let answer = Answer { status, json, bytes, headers };
        check(&method, &path, &answer);
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body)).await
    }
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }
    /// A money movement under a key.
    pub async fn post_keyed(&self, path: &str, key: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).header("Idempotency-Key", key).json(&body)).await
    }
}

/// The codes of refusals seen so far: a coverage test asks that each one occurs.
pub fn seen_codes() -> &'static Mutex<std::collections::BTreeSet<String>> {
    static SEEN: OnceLock<Mutex<std::collections::BTreeSet<String>>> = OnceLock::new();
    SEEN.get_or_init(Mutex::default)
}

/// The description, as JSON.
pub fn description() -> &'static Value {
    static DESCRIPTION: OnceLock<Value> = OnceLock::new();
    DESCRIPTION.get_or_init(|| serde_json::to_value(passplus::http::openapi::document()).unwrap())
}

/// The described path that a request's path matches, the most literal one first.
fn described_path(path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let wanted: Vec<&str> = template.split('/').collect();
        wanted.len() == parts.len()
            && wanted.iter().zip(&parts).all(|(want, part)| want.starts_with('{') || want == part)
    };
    let paths = description()["paths"].as_object().unwrap();
    paths
        .keys()
        .filter(|template| fits(template))
        .min_by_key(|template| template.matches('{').count())
        .map(String::as_str)
}

/// One compiled schema a described answer.
static VALIDATORS: OnceLock<Mutex<BTreeMap<String, &'static Validator>>> = OnceLock::new();

fn check(method: &Method, path: &str, answer: &Answer) {
    assert!(answer.headers.contains_key("x-request-id"), "{method} {path} answered without a request id");
    if let Some(code) = answer.json["code"].as_str() {
        seen_codes().lock().unwrap().insert(code.to_owned());
    }
    let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    assert_eq!(header("x-content-type-options"), Some("nosniff"), "{method} {path}");
    assert_eq!(header("referrer-policy"), Some("no-referrer"), "{method} {path}");
    if answer.status >= 400 {
        assert_eq!(header("cache-control"), Some("no-store"), "{method} {path}");
        if method != Method::HEAD {
            assert!(answer.json["code"].is_string(), "{method} {path} answered no code: {}", answer.json);
            assert_eq!(answer.json["instance"].as_str(), header("x-request-id"), "{method} {path}");
        }
        let media = answer.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        assert_eq!(
            media,
            Some("application/problem+json"),
            "{method} {path} answered {} without a problem",
            answer.status
        );
    }
    // Nothing of ours fails silently in a test.
    assert_ne!(answer.status, 500, "{method} {path} failed on our side: {}", answer.json);
    let Some(template) = described_path(path) else { return };
    let operation = &description()["paths"][template][method.as_str().to_lowercase()];
    if operation.is_null() {
        return;
    }
    let response = &operation["responses"][answer.status.to_string()];
    assert!(
        !response.is_null(),
        "{method} {template} answered {}, which is not described: {}",
        answer.status,
        answer.json
    );
    if answer.status >= 400 {
        // What an operation refuses is part of its description.
        let (id, code) = (&operation["operationId"], &answer.json["code"]);
        let declared = response["x-codes"].as_array().is_some_and(|codes| codes.contains(code));
        assert!(declared, "{id} answers {code}: say so in src/http/openapi/refusals.rs");
    }
    let Some(content) = response["content"].as_object() else {
        assert!(answer.bytes.is_empty(), "{method} {template} answered a body that is not described");
        return;
    };
    let (media, described) = content.iter().next().unwrap();
    if !media.contains("json") {
        return;
    }
    let key = format!("{template} {method} {}", answer.status);
    let mut validators = VALIDATORS.get_or_init(Mutex::default).lock().unwrap();
    let validator = validators.entry(key).or_insert_with(|| {
        let mut schema = described["schema"].clone();
        schema["components"] = json!({ "schemas": description()["components"]["schemas"] });
        Box::leak(Box::new(jsonschema::validator_for(&schema).unwrap()))
    });
    let wrong: Vec<String> =
        validator.iter_errors(&answer.json).map(|e| format!("{} at {}", e, e.instance_path())).collect();
    assert!(wrong.is_empty(), "{method} {template} {} is not as described: {wrong:?}\n{}", answer.status, answer.json);
}

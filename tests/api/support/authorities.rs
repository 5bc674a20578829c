//! A stand-in for the State's service, with its published answers and headers, made-up pupils, and faults on demand. Where an installation
//! has a fuller one, `PASSPLUS_TEST_AUTHORITIES` is its program: the contracts are tested against that one too.

mod impot;

pub use impot::{Household, households, impot_config};

use chrono::NaiveDate;
use passplus::{
    config::ParticulierConfig,
    fiscal::{Particulier, schooling::Question},
    kernel::text::Sensitive,
};
use serde_json::{Value, json};
use std::{
    io::Write as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Names the fuller stand-in's program.
const NAMED: &str = "PASSPLUS_TEST_AUTHORITIES";
const TOKEN: &str = "sandbox-token";
const CASES: &str = include_str!("../../data/scolarites-v4.json");
const QUOTIENTS: &str = include_str!("../../data/quotient-familial.json");
/// Where the fuller stand-in is, beside a working copy.
const GIVEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/sandbox/authorities_sandbox.py");

/// What the stand-in was asked, and what it is to do wrong.
#[derive(Default)]
struct State {
    fault: Value,
    calls: Vec<String>,
    heads: Vec<String>,
    /// How many tokens of the tax administration were given: the last one is good.
    tokens: usize,
    /// Bytes of an endless answer that somebody took.
    endless: usize,
    /// Calls that wait for `release`, of a fault with `held`.
    waiting: usize,
    released: usize,
}

#[derive(Clone)]
pub struct Authorities {
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl Authorities {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::<Mutex<State>>::default();
        let authorities = Self { url, state: Arc::clone(&state) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&state);
                tokio::spawn(async move {
                    answer(stream, &state).await.ok();
                });
            }
        });
        authorities
    }

    /// The fault of the calls to come: `held` until `release`, `delay_ms`, `drop`, `status` with `retry_after` and `meta`, `garbage`, `truncate`, `endless`,
    /// `redirect`, `body`; for `times` calls, or until the next fault; of the addresses that begin with `path`.
    pub fn fault(&self, fault: Value) {
        self.state.lock().unwrap().fault = fault;
    }

    /// The addresses asked since the last time, with their questions.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }

    /// The heads of the requests since the last time.
    pub fn heads(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().heads)
    }

    /// Ends the tokens that were given, before their time.
    pub fn end_tokens(&self) {
        self.state.lock().unwrap().tokens += 1;
    }

    /// Waits until a call waits for its answer.
    pub async fn held(&self) {
        for _ in 0..2_000 {
            if self.is_holding() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("nothing is asked");
    }

    /// Whether a call waits for its answer.
    pub fn is_holding(&self) -> bool {
        self.state.lock().unwrap().waiting > 0
    }

    /// Answers the calls that wait, each by the fault it came under.
    pub fn release(&self) {
        self.state.lock().unwrap().released += 1;
    }

    pub fn endless_taken(&self) -> usize {
        self.state.lock().unwrap().endless
    }

    pub fn config(&self) -> ParticulierConfig {
        config(&self.url)
    }
}

/// A configuration that leads to a stand-in.
pub fn config(url: &str) -> ParticulierConfig {
    let token = Sensitive::new(TOKEN.to_owned());
    ParticulierConfig { url: url.to_owned(), token, recipient: super::siret(7).parse().unwrap() }
}

/// The cases of the own stand-in.
pub fn cases() -> Vec<Value> {
    serde_json::from_str(CASES).unwrap()
}

/// The cases of the family quotient, of the own stand-in.
pub fn quotients() -> Vec<Value> {
    serde_json::from_str(QUOTIENTS).unwrap()
}

/// The question of a case.
pub fn question(case: &Value) -> Question {
    let params = &case["params"];
    let text = |name: &str| params[name].as_str().unwrap();
    let number = |name: &str| u32::try_from(params[name].as_u64().unwrap()).unwrap();
    let first_names: Vec<&str> = params["prenoms"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
    let year: i32 = text("anneeScolaire")[..4].parse().unwrap();
    let born = i32::try_from(number("anneeDateNaissance")).unwrap();
    Question {
        last_name: text("nomNaissance").parse().unwrap(),
        first_names: first_names.join(" ").parse().unwrap(),
        sex: text("sexeEtatCivil").parse().unwrap(),
        birth_date: NaiveDate::from_ymd_opt(born, number("moisDateNaissance"), number("jourDateNaissance")).unwrap(),
        college_uai: text("codeEtablissement").parse().unwrap(),
        season: format!("{year}-{}", year + 1).parse().unwrap(),
    }
}

/// The fuller stand-in; it ends with the test.
pub struct Given {
    pub client: Particulier,
    pub cases: Vec<Value>,
    pub quotients: Vec<Value>,
    pub households: Vec<Household>,
    pub url: String,
    http: reqwest::Client,
    process: Child,
}

impl Given {
    /// Starts the one that `PASSPLUS_TEST_AUTHORITIES` names, which must answer; without that name the one beside a working copy. Where
    /// there is none, says that this test is skipped: what was not tried does not pass unseen.
    pub async fn start() -> Option<Self> {
        let named = std::env::var_os(NAMED).map(PathBuf::from);
        let program = named.clone().unwrap_or_else(|| GIVEN.into());
        if named.is_none() && !program.exists() {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            let told = format!("SKIPPED {test}: no stand-in at {GIVEN}, and {NAMED} names none\n");
            // Not by a macro: the harness would keep the line of a test that passes to itself.
            std::io::stderr().write_all(told.as_bytes()).ok();
            return None;
        }
        let program = program.canonicalize().unwrap_or_else(|error| panic!("{NAMED}: {}: {error}", program.display()));
        let staging = program.ancestors().nth(2).unwrap().join("contracts/staging");
        let read = |name: &str| {
            let file = staging.join(name);
            std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        };
        let cases = serde_json::from_slice(&read("scolarites_v4.json")).unwrap();
        let quotients = serde_json::from_slice(&read("quotient_familial.json")).unwrap();
        let households = serde_json::from_slice(&read("tax_households.json")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let mut command = Command::new("python3");
        command.arg(&program).args(["--port", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("the given stand-in asks for python3");
        let url = format!("http://127.0.0.1:{port}");
        let (client, http) = (Particulier::new(&config(&url)).unwrap(), reqwest::Client::builder().no_proxy());
        let http = http.build().unwrap();
        let mut given = Self { client, cases, quotients, households, url, http, process };
        for _ in 0..200 {
            if let Some(ended) = given.process.try_wait().unwrap() {
                panic!("{}: the given stand-in {ended}", program.display());
            }
            let calls = given.http.get(format!("{}/_calls", given.url)).send().await;
            if calls.is_ok_and(|answer| answer.status() == 200) {
                return Some(given);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{}: the given stand-in does not answer", program.display());
    }

    pub async fn fault(&self, fault: Value) {
        self.http.post(format!("{}/_faults", self.url)).json(&fault).send().await.unwrap();
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn problem(code: &str, meta: &Value) -> Value {
    json!({ "errors": [{ "code": code, "title": "Erreur", "detail": "Erreur simulée", "source": null, "meta": meta }] })
}

/// The fault of this call, if it still has some.
fn next_fault(state: &Mutex<State>, target: &str) -> Value {
    let mut state = state.lock().unwrap();
    let fault = state.fault.clone();
    if fault["path"].as_str().is_some_and(|path| !target.starts_with(path)) {
        return Value::Null;
    }
    if let Some(times) = fault["times"].as_u64() {
        if times <= 1 {
            state.fault = Value::Null;
        } else {
            state.fault["times"] = json!(times - 1);
        }
    }
    fault
}

/// Waits for the next `release`, or until nobody waits for the answer any more.
async fn hold(stream: &TcpStream, state: &Mutex<State>) {
    let released = {
        let mut state = state.lock().unwrap();
        state.waiting += 1;
        state.released
    };
    // A caller says no more while he waits: what there is to read is his end.
    while state.lock().unwrap().released == released
        && tokio::time::timeout(Duration::from_millis(5), stream.peek(&mut [0])).await.is_err()
    {}
    state.lock().unwrap().waiting -= 1;
}

/// Reads one request, answers it, and closes.
async fn answer(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let length = head
        .to_lowercase()
        .split_once("content-length: ")
        .map_or(0, |(_, rest)| rest.split("\r\n").next().unwrap().parse().unwrap());
    let mut form = vec![0; length];
    stream.read_exact(&mut form).await?;
    {
        let mut state = state.lock().unwrap();
        state.calls.push(target.clone());
        state.heads.push(head.clone());
    }
    let fault = next_fault(state, &target);
    if fault["held"] == true {
        hold(&stream, state).await;
    }
    if let Some(delay) = fault["delay_ms"].as_u64() {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    if fault["drop"] == true {
        return Ok(());
    }
    if fault["endless"] == true {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"data\": \"").await?;
        loop {
            stream.write_all(&[b'x'; 16_384]).await?;
            state.lock().unwrap().endless += 16_384;
        }
    }
    let (status, body) = match fault["status"].as_u64() {
        Some(status) => (status, problem(fault["code"].as_str().unwrap_or("00000"), &fault["meta"])),
        None if fault["redirect"] == true => (302, json!({})),
        None if !fault["body"].is_null() => (200, fault["body"].clone()),
        None if target == "/token" => impot::token(&head, &String::from_utf8_lossy(&form), state),
        None if target.starts_with(impot::RESOURCES) => impot::found(&head, &target, state),
        None => found(&head, &target),
    };
    let body = if fault["garbage"] == true { r#"{"data": {"est_boursier": "#.to_owned() } else { body.to_string() };
    let mut headers = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    headers.push_str("Connection: close\r\nX-Request-ID: 0199a8f0-7c3e-7bbd-8000-000000000001\r\n");
    if let Some(retry_after) = fault["retry_after"].as_str() {
        headers.extend(["Retry-After: ", retry_after, "\r\n"]);
    }
    if status == 302 {
        headers.push_str("Location: /elsewhere\r\n");
    }
    let whole = format!("HTTP/1.1 {status} Sandbox\r\n{headers}\r\n{body}");
    let end = if fault["truncate"] == true { whole.len() - body.len() / 2 } else { whole.len() };
    stream.write_all(&whole.as_bytes()[..end]).await?;
    stream.shutdown().await
}

/// What the service answers when all is well.
fn found(head: &str, target: &str) -> (u64, Value) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (cases, not_known) = match path {
        "/v4/men/scolarites/identite" => (cases(), "30003"),
        "/v3/dss/quotient_familial/identite" => (quotients(), "37003"),
        _ => return (404, problem("00404", &json!({}))),
    };
    if !head.to_lowercase().contains(&format!("authorization: bearer {TOKEN}")) {
        return (401, problem("00101", &json!({})));
    }
    let asked: Vec<(String, String)> = pairs(query);
    let value = |name: &str| asked.iter().find(|(key, _)| key == name).map(|(_, value)| value.to_uppercase());
    if value("recipient").is_none_or(|siret| siret.len() != 14) {
        return (422, problem("00203", &json!({})));
    }
    let first_names: Vec<String> =
        asked.iter().filter(|(key, _)| key == "prenoms[]").map(|(_, value)| value.to_uppercase()).collect();
    let fits = |case: &&Value| {
        case["params"].as_object().unwrap().iter().all(|(name, want)| match want {
            Value::Array(names) => names.iter().map(|n| n.as_str().unwrap()).eq(first_names.iter().map(String::as_str)),
            Value::String(want) if name == "anneeScolaire" => value(name).is_some_and(|year| year[..4] == want[..4]),
            want => value(name) == Some(want.as_str().map_or_else(|| want.to_string(), str::to_uppercase)),
        })
    };
    let case = cases.iter().find(fits);
    case.map_or_else(
        || (404, problem(not_known, &json!({}))),
        |case| (case["status"].as_u64().unwrap(), case["body"].clone()),
    )
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let url = reqwest::Url::parse(&format!("http://localhost/?{query}")).unwrap();
    url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}

//! The tax administration's part: tokens, and the households of people who do not exist.

use super::State;
use data_encoding::BASE64;
use passplus::{
    config::{ImpotConfig, ImpotResource},
    kernel::text::Sensitive,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::Mutex};

pub const RESOURCES: &str = "/impotparticulier/1.0";
const CLIENT: (&str, &str) = ("sandbox-client", "sandbox-secret");

/// A household as the administration knows it, by year of income.
#[derive(Clone, Deserialize)]
pub struct Household {
    pub spi: String,
    #[serde(default)]
    pub deceased: bool,
    pub years: BTreeMap<String, Map<String, Value>>,
}

/// A configuration that leads to a stand-in.
pub fn impot_config(url: &str, resource: ImpotResource) -> ImpotConfig {
    ImpotConfig {
        url: url.to_owned(),
        client_id: CLIENT.0.to_owned(),
        client_secret: Sensitive::new(CLIENT.1.to_owned()),
        teleservice: Some("PASSPLUS-92".to_owned()),
        resource,
        mutual_tls: None,
        authority: None,
    }
}

/// The households of the own stand-in. The first one's figures and number are found nowhere else.
pub fn households() -> Vec<Household> {
    serde_json::from_value(json!([
        { "spi": "3070812345678", "years": { "2025": { "rfr": 4_873_159, "nbPart": 11.75, "sitFam": "C", "pac": { "nbPac": 2 }, "nmNaiDec1": "LEFEVRE" } } },
        { "spi": "3070812345679", "years": {
            "2024": { "rfr": 2_140_077, "nbPart": 1.25, "sitFam": "D", "pac": { "nbPac": 1 }, "nmNaiDec1": "PETIT", "nmUsaDec1": "LEFEVRE" } } },
        { "spi": "0070812345670", "years": {
            "2024": { "rfr": 30_000, "nbPart": 4, "sitFam": "M", "nmNaiDec1": "MARTIN", "nmNaiDec2": "DIALLO" },
            "2025": { "rfr": 0, "nbPart": 4.0, "sitFam": "M", "pac": {}, "nmNaiDec1": "MARTIN", "nmNaiDec2": "DIALLO" } } },
        { "spi": "0070812345671", "years": { "2025": { "nbPart": 1.5, "sitFam": "V", "nmNaiDec1": "ROUX" } } },
        { "spi": "0070812345672", "deceased": true, "years": { "2025": { "rfr": 9_000, "nbPart": 1, "sitFam": "V" } } },
    ]))
    .unwrap()
}

fn erreur(code: u64) -> (u64, Value) {
    let status = if code / 100 == 41 { 410 } else { code / 10 };
    (status, json!({ "erreur": { "code": code, "message": "Erreur simulée", "horodatage": "2026-10-15T10:00:00" } }))
}

/// A token for whoever has the credentials.
pub fn token(head: &str, form: &str, state: &Mutex<State>) -> (u64, Value) {
    let credentials = BASE64.encode(format!("{}:{}", CLIENT.0, CLIENT.1).as_bytes());
    if !head.contains(&format!("asic {credentials}\r\n")) {
        return (401, json!({ "error": "invalid_client" }));
    }
    let Some(scope) = form.strip_prefix("grant_type=client_credentials&scope=") else {
        return (400, json!({ "error": "unsupported_grant_type" }));
    };
    let mut state = state.lock().unwrap();
    state.tokens += 1;
    let token = format!("{}.{scope}", state.tokens);
    (200, json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": scope }))
}

/// What the service answers when all is well.
pub fn found(head: &str, target: &str, state: &Mutex<State>) -> (u64, Value) {
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: ")));
        line.and_then(|line| line.split_once(": ")).map(|(_, value)| value.to_owned())
    };
    let token = header("authorization").and_then(|value| value.strip_prefix("Bearer ").map(ToOwned::to_owned));
    let token = token.unwrap_or_default();
    let (number, scope) = token.split_once('.').unwrap_or_default();
    if number != state.lock().unwrap().tokens.to_string() {
        return erreur(4010);
    }
    if header("x-correlation-id").and_then(|id| id.parse::<uuid::Uuid>().ok()).is_none() {
        return erreur(4000);
    }
    let parts: Vec<&str> = target[RESOURCES.len()..].split('/').collect();
    let (spi, year) = match parts[..] {
        ["", "spi", spi, "situations", "ir", "assiettes", "annrev", year] if scope == "RessourceIR" => {
            (spi, Some(year))
        }
        ["", "spi", spi, "dernieresituation", "ir", "assiettes", "deuxans"] if scope == "RessourceIRDerniere2" => {
            (spi, None)
        }
        _ => return erreur(4031),
    };
    if spi.len() != 13 || !spi.bytes().all(|b| b.is_ascii_digit()) {
        return erreur(4001);
    }
    let households = households();
    let Some(household) = households.iter().find(|household| household.spi == spi) else { return erreur(4102) };
    let told = match year {
        Some(year) => household.years.get(year).cloned(),
        None => household.years.iter().next_back().map(|(year, told)| {
            let mut told = told.clone();
            told.insert("annRevenu".to_owned(), year.parse::<u64>().unwrap().into());
            told
        }),
    };
    told.filter(|_| !household.deceased).map_or_else(|| erreur(4101), |told| (200, Value::Object(told)))
}

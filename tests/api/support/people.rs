//! The people of a test, each made through the API as in life.

use super::{Api, PASSWORD, SEASON, Service};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use passplus::{
    admin,
    auth::staff::{self, Invitation, Place},
    kernel::{
        actor::Caller,
        crypto::{SigningPair, random_token},
        ids::RequestId,
        words::AgentFunction,
    },
};
use serde_json::{Value, json};
use std::{
    ops::Deref,
    sync::atomic::{AtomicU32, Ordering},
};

/// A service with two departments at work: administrators, a published season, collèges.
pub struct World {
    pub service: Service,
    pub administrator: Agent,
    pub administrator_78: Agent,
    next: AtomicU32,
}

impl Deref for World {
    type Target = Service;
    fn deref(&self) -> &Service {
        &self.service
    }
}

/// A signed-in agent.
pub struct Agent {
    pub api: Api,
    pub email: String,
    pub totp_secret: String,
    pub recovery_codes: Vec<String>,
    pub department: String,
}

/// A signed-in secretary.
pub struct Secretary {
    pub api: Api,
    pub email: String,
    pub totp_secret: String,
    pub college: String,
}

/// A signed-in guardian with a file in a department.
pub struct Family {
    pub api: Api,
    pub email: String,
    pub department: String,
    pub id: String,
}

/// An enrolled till of a merchant affiliated for some wallets.
pub struct Till {
    pub api: Api,
    pub device: String,
    pub merchant: String,
    pub key: Vec<u8>,
}

impl Deref for Agent {
    type Target = Api;
    fn deref(&self) -> &Api {
        &self.api
    }
}
impl Deref for Secretary {
    type Target = Api;
    fn deref(&self) -> &Api {
        &self.api
    }
}
impl Deref for Family {
    type Target = Api;
    fn deref(&self) -> &Api {
        &self.api
    }
}
impl Deref for Till {
    type Target = Api;
    fn deref(&self) -> &Api {
        &self.api
    }
}

/// A child whose enrolment is active: wallets credited, card issued.
pub struct Pupil {
    pub child: String,
    pub enrolment: String,
    /// Id of the culture wallet (60 €) and of the sport wallet (20 €).
    pub culture: String,
    pub sport: String,
    pub card_id: String,
    pub card_code: String,
    pub card_signed: String,
}

impl World {
    pub async fn start() -> Self {
        Self::of(Service::start().await).await
    }

    /// That service at work.
    pub async fn of(service: Service) -> Self {
        let administrator = service.first_administrator("92").await;
        let administrator_78 = service.first_administrator("78").await;
        for agent in [&administrator, &administrator_78] {
            let base = format!("/v1/departments/{}", agent.department);
            agent.post(&format!("{base}/seasons"), json!({ "season": SEASON })).await.expect(201);
            agent.post(&format!("{base}/seasons/{SEASON}/publish"), json!({})).await.expect(200);
            agent.import_colleges(include_bytes!("../../data/annuaire-demo.csv")).await.expect(200);
        }
        Self { service, administrator, administrator_78, next: AtomicU32::new(1) }
    }

    pub(super) fn number(&self) -> u32 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }

    /// An agent of that function in a department.
    pub async fn agent(&self, department: &str, function: &str) -> Agent {
        let by = if department == "92" { &self.administrator } else { &self.administrator_78 };
        let email = format!("{function}.{}@departement.example", self.number());
        let body = json!({ "email": email, "name": "Alix Moreau", "function": function });
        by.post(&format!("/v1/departments/{department}/staff"), body).await.expect(201);
        self.accept_agent(&email, department).await
    }

    /// The secretary of a collège.
    pub async fn secretary(&self, college: &str) -> Secretary {
        let (department, by) =
            if college.starts_with("092") { ("92", &self.administrator) } else { ("78", &self.administrator_78) };
        let email = format!("secretariat.{}@college.example", self.number());
        let body = json!({ "email": email, "name": "Sam Petit", "college_uai": college });
        by.post(&format!("/v1/departments/{department}/staff"), body).await.expect(201);
        let Agent { api, email, totp_secret, .. } = self.accept_agent(&email, department).await;
        Secretary { api, email, totp_secret, college: college.to_owned() }
    }

    /// A family with a file in a department.
    pub async fn family(&self, department: &str) -> Family {
        let email = format!("famille.{}@example.fr", self.number());
        let api = self.sign_up(&email).await;
        let body = json!({ "first_names": "Camille", "last_name": "Martin" });
        let file = api.post(&format!("/v1/departments/{department}/families"), body).await.expect(201);
        Family { api, email, department: department.to_owned(), id: file.text("/id") }
    }

    /// A till of a merchant of 92 affiliated for those wallets.
    pub async fn till(&self, wallets: &[&str]) -> Till {
        let number = self.number();
        let body = json!({ "siret": siret(number), "name": format!("Théâtre {}", letters(number)) });
        let merchant = self.administrator.post("/v1/departments/92/merchants", body).await.expect(201).text("/id");
        for wallet in wallets {
            let body = json!({ "wallet_kind": wallet, "starts_on": "2026-09-01" });
            let path = format!("/v1/departments/92/merchants/{merchant}/affiliations");
            self.administrator.post(&path, body).await.expect(201);
        }
        self.till_of(&merchant).await
    }

    /// One more till of a merchant.
    pub async fn till_of(&self, merchant: &str) -> Till {
        let path = format!("/v1/departments/92/merchants/{merchant}/devices");
        let invited = self.administrator.post(&path, json!({ "kind": "till", "label": "Caisse 1" })).await.expect(201);
        let pair = SigningPair::generate().unwrap();
        let body = json!({
            "enrolment_code": invited.text("/enrolment_code"), "public_key": BASE64URL_NOPAD.encode(&pair.public()),
        });
        let device = self.api.post("/v1/devices/enrol", body).await.expect(201).text("/device_id");
        let key = pair.pkcs8().to_vec();
        let token = self.device_token(&device, &key).await;
        Till { api: self.api.with_token(&token), device, merchant: merchant.to_owned(), key }
    }

    /// A child of that family, enrolled at `COLLEGE` with the culture formula and confirmed by its secretary.
    pub async fn pupil(&self, family: &Family, secretary: &Secretary) -> Pupil {
        let child = family.add_child("Lou", "2015-03-14").await;
        let (enrolment, version) = family.submit(&child, &secretary.college).await;
        secretary.confirm(&enrolment, version).await;
        family.pupil(&child, &enrolment).await
    }
}

/// A SIRET whose control digit is right.
pub fn siret(number: u32) -> String {
    let stem = format!("9{number:012}");
    let sum: u32 = stem
        .chars()
        .rev()
        .zip(1_u32..)
        .map(|(c, place)| {
            let digit = c.to_digit(10).unwrap() * (1 + place % 2);
            digit / 10 + digit % 10
        })
        .sum();
    format!("{stem}{}", (10 - sum % 10) % 10)
}

fn letters(number: u32) -> String {
    number.to_string().chars().map(|c| char::from(b'A' + u8::try_from(c.to_digit(10).unwrap()).unwrap())).collect()
}

impl Service {
    /// The first administrator of a department, invited as an operator does.
    pub async fn first_administrator(&self, department: &str) -> Agent {
        let email = format!("administration.{}@departement.example", department.to_lowercase());
        let invitation = Invitation {
            department: department.parse().unwrap(),
            email: email.parse().unwrap(),
            name: "Dominique Bernard".parse().unwrap(),
            place: Place::Agent(AgentFunction::Administrator),
        };
        let url = self.app.public_url.to_string();
        self.app.db.directory_write(&Caller::system(), move |tx| staff::invite(tx, &invitation, &url)).await.unwrap();
        self.accept_agent(&email, department).await
    }

    /// Follows an invitation to the end and signs in.
    pub async fn accept_agent(&self, email: &str, department: &str) -> Agent {
        let body = json!({ "token": self.link(email).await, "password": PASSWORD });
        let factor = self.api.post("/v1/invitations/accept", body).await.expect(201);
        let totp_secret = factor.text("/secret");
        let recovery_codes =
            factor.at("/recovery_codes").as_array().unwrap().iter().map(|c| c.as_str().unwrap().to_owned()).collect();
        let body = json!({ "email": email, "password": PASSWORD, "second_factor": self.totp(&totp_secret) });
        let token = self.api.post("/v1/sessions", body).await.expect(201).text("/access_token");
        Agent {
            api: self.api.with_token(&token),
            email: email.to_owned(),
            totp_secret,
            recovery_codes,
            department: department.to_owned(),
        }
    }

    /// The present time code of a secret.
    pub fn totp(&self, secret: &str) -> String {
        let now = u64::try_from(self.app.db.server_now().timestamp()).unwrap();
        admin::totp_code_at(secret, now).unwrap()
    }

    /// A family account, confirmed and signed in.
    pub async fn sign_up(&self, email: &str) -> Api {
        self.api.post("/v1/accounts", json!({ "email": email })).await.expect(202);
        let body = json!({ "token": self.link(email).await, "password": PASSWORD });
        self.api.post("/v1/accounts/confirm", body).await.expect(204);
        self.sign_in(email).await
    }

    /// A till with a fresh token, once time has passed.
    pub async fn renew(&self, till: &mut Till) {
        let token = self.device_token(&till.device, &till.key).await;
        till.api = self.api.with_token(&token);
    }

    /// A family signed in (again).
    pub async fn sign_in(&self, email: &str) -> Api {
        let body = json!({ "email": email, "password": PASSWORD });
        let token = self.api.post("/v1/sessions", body).await.expect(201).text("/access_token");
        self.api.with_token(&token)
    }

    /// A signed assertion of a device, with these claims changed.
    pub fn assertion(&self, device: &str, key: &[u8], change: Value) -> String {
        let now = self.app.db.server_now().timestamp();
        let mut claims = json!({
            "iss": device, "sub": device, "aud": format!("{}/v1/oauth/token", self.config.public_url),
            "iat": now, "exp": now + 60, "jti": random_token(),
        });
        for (name, value) in change.as_object().cloned().unwrap_or_default() {
            claims[name] = value;
        }
        encode(&Header::new(Algorithm::EdDSA), &claims, &EncodingKey::from_ed_der(key)).unwrap()
    }

    /// The form that exchanges an assertion for a token.
    pub fn assertion_form(assertion: &str) -> Vec<(&'static str, String)> {
        vec![
            ("grant_type", "client_credentials".to_owned()),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()),
            ("client_assertion", assertion.to_owned()),
        ]
    }

    /// A fresh token of a device.
    pub async fn device_token(&self, device: &str, key: &[u8]) -> String {
        let form = Self::assertion_form(&self.assertion(device, key, json!({})));
        let request = self.api.request(reqwest::Method::POST, "/v1/oauth/token").form(&form);
        self.api.send(request).await.expect(200).text("/access_token")
    }
}

impl Agent {
    /// Makes known the collèges of a department that does not run the service: `OUTSIDE_COLLEGE` is one of them.
    pub async fn import_neighbours(&self) {
        let path = format!("/v1/departments/{}/colleges/import?of=35", self.department);
        let request = self.api.request(reqwest::Method::POST, &path).header("content-type", "text/csv");
        self.api.send(request.body(include_bytes!("../../data/annuaire-35.csv").to_vec())).await.expect(200);
    }

    /// Imports a file of the national directory.
    pub async fn import_colleges(&self, csv: &[u8]) -> super::Answer {
        let path = format!("/v1/departments/{}/colleges/import", self.department);
        let request =
            self.api.request(reqwest::Method::POST, &path).header("content-type", "text/csv").body(csv.to_vec());
        self.api.send(request).await
    }
}

impl Family {
    /// A path below the family's department.
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/departments/{}/{rest}", self.department)
    }

    pub async fn add_child(&self, first_names: &str, birth_date: &str) -> String {
        let body = json!({
            "first_names": first_names, "last_name": "Martin", "birth_date": birth_date, "residence": self.department,
        });
        self.post(&self.path(&format!("families/{}/children", self.id)), body).await.expect(201).text("/id")
    }

    /// Drafts a request; returns its id and version.
    pub async fn draft(&self, child: &str, college: &str) -> (String, i64) {
        let body = json!({
            "season": SEASON, "college_uai": college, "level": "6e", "formula": "culture", "declares_scholarship": false,
        });
        let drafted = self.post(&self.path(&format!("children/{child}/enrolments")), body).await.expect(201);
        (drafted.text("/id"), drafted.number("/version"))
    }

    /// Drafts and submits a request; returns its id and version.
    pub async fn submit(&self, child: &str, college: &str) -> (String, i64) {
        let (id, version) = self.draft(child, college).await;
        let path = self.path(&format!("enrolments/{id}/submit"));
        let submitted = self.post(&path, json!({ "version": version })).await.expect(200);
        (id, submitted.number("/version"))
    }

    /// What the family of an enrolled child finds.
    pub async fn pupil(&self, child: &str, enrolment: &str) -> Pupil {
        let wallets = self.get(&self.path(&format!("children/{child}/wallets"))).await.expect(200);
        let wallet = |kind: &str| {
            let all = wallets.json["items"].as_array().unwrap();
            all.iter().find(|wallet| wallet["kind"] == kind).unwrap()["id"].as_str().unwrap().to_owned()
        };
        let card = self.get(&self.path(&format!("children/{child}/card"))).await.expect(200);
        Pupil {
            child: child.to_owned(),
            enrolment: enrolment.to_owned(),
            culture: wallet("culture"),
            sport: wallet("sport"),
            card_id: card.text("/id"),
            card_code: card.text("/code"),
            card_signed: card.text("/signed"),
        }
    }

    /// Balance of a wallet of a child, in cents.
    pub async fn balance(&self, child: &str, kind: &str) -> i64 {
        let wallets = self.get(&self.path(&format!("children/{child}/wallets"))).await.expect(200);
        let all = wallets.json["items"].as_array().unwrap();
        all.iter().find(|wallet| wallet["kind"] == kind).unwrap()["balance_cents"].as_i64().unwrap()
    }
}

impl Secretary {
    pub async fn decide(&self, decisions: Value) -> super::Answer {
        let department = if self.college.starts_with("092") { "92" } else { "78" };
        let path = format!("/v1/departments/{department}/desk/decisions");
        self.post(&path, json!({ "decisions": decisions })).await
    }

    /// Confirms a request and asserts that it became active.
    pub async fn confirm(&self, enrolment: &str, version: i64) {
        let row = json!({ "enrolment_id": enrolment, "version": version, "decision": "confirm" });
        let decided = self.decide(json!([row])).await.expect(200);
        assert_eq!(decided.text("/results/0/state"), "active", "{}", decided.json);
    }
}

/// A fresh key for a money movement.
pub fn key() -> String {
    RequestId::generate().to_string()
}

/// The body of a debit.
pub fn debit(card: &str, wallet: &str, cents: i64) -> Value {
    json!({
        "card": card, "wallet_kind": wallet, "amount_cents": cents,
        // One activity is never paid with both wallets.
        "activity_label": if wallet == "culture" { "Spectacle" } else { "Stage" },
        "activity_date": "2026-10-20",
    })
}

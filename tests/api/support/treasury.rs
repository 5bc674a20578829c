//! What tests of payments begin with: a scene, people of finance, and bank accounts in force.

use super::{Agent, Answer, Api, Scene, Till, World};
use chrono::{SecondsFormat, TimeDelta};
use data_encoding::BASE64URL_NOPAD;
use passplus::kernel::crypto::SigningPair;
use reqwest::Method;
use serde_json::{Value, json};
use std::fmt::Write;

pub const BATCHES: &str = "/v1/departments/92/payout-batches";
const ACCOUNTS: &str = "/v1/departments/92/bank-accounts";

pub struct Treasury {
    pub scene: Scene,
    /// A second administrator, who approves the department's own account.
    pub administrator: Agent,
    /// Who freezes, and two who approve.
    pub finance: [Agent; 3],
}

impl Treasury {
    /// Bank accounts of the department and of the till's merchant are in force.
    pub async fn open() -> Self {
        let mut treasury = Self::without_accounts().await;
        treasury.give_account(None, "FR1420041010050500013M02606").await;
        let merchant = treasury.scene.till.merchant.clone();
        treasury.give_account(Some(&merchant), "FR7630006000011234567890189").await;
        treasury.wait(TimeDelta::hours(73)).await;
        treasury
    }

    pub async fn without_accounts() -> Self {
        let scene = Scene::set().await;
        let administrator = scene.world.agent("92", "administrator").await;
        let finance = [
            scene.world.agent("92", "finance").await,
            scene.world.agent("92", "finance").await,
            scene.world.agent("92", "finance").await,
        ];
        Self { scene, administrator, finance }
    }

    /// Proposes and approves an account, of a merchant or the department's own.
    pub async fn give_account(&self, merchant: Option<&str>, iban: &str) {
        let (one, two) = match merchant {
            None => (&self.scene.world.administrator, &self.administrator),
            Some(_) => (&self.finance[0], &self.finance[1]),
        };
        let mut body = json!({ "holder_name": "Théâtre de l'Œuvre & Cie", "iban": iban });
        if let Some(merchant) = merchant {
            body["merchant_id"] = json!(merchant);
        }
        let id = one.post(ACCOUNTS, body).await.expect(201).text("/id");
        two.post(&format!("{ACCOUNTS}/{id}/approve"), json!({})).await.expect(200);
    }

    /// Lets time pass; everybody signs in again.
    pub async fn wait(&mut self, time: TimeDelta) {
        self.scene.wait(time).await;
        let world = &mut self.scene.world;
        world.wake_administrators().await;
        for agent in self.finance.iter_mut().chain([&mut self.administrator]) {
            agent.api = world.sign_in_staff(&agent.email, &agent.totp_secret).await;
        }
    }

    /// This instant, as requests write it.
    pub fn now(&self) -> String {
        self.scene.world.app.db.server_now().to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    pub async fn debit(&self, cents: i64) -> String {
        self.scene.debit("culture", cents).await.expect(201).text("/id")
    }

    /// What a batch would do now.
    pub async fn plan(&self) -> Value {
        let path = format!("/v1/departments/92/payout-plan?until={}", self.now());
        self.finance[0].get(&path).await.expect(200).json
    }

    pub async fn freeze(&self) -> Answer {
        self.finance[0].post(BATCHES, json!({ "until": self.now() })).await
    }

    pub async fn approve(&self, batch: &Answer, by: &Agent) -> Answer {
        let path = format!("{BATCHES}/{}/approve", batch.text("/id"));
        by.post(&path, json!({ "hash": batch.text("/hash") })).await
    }

    pub async fn step(&self, batch: &Answer, step: &str) -> Answer {
        self.finance[0].post(&format!("{BATCHES}/{}/{step}", batch.text("/id")), json!({})).await
    }

    /// Freezes, approves and sends what is due.
    pub async fn settle(&self) -> Answer {
        let batch = self.freeze().await.expect(201);
        self.approve(&batch, &self.finance[1]).await.expect(200);
        self.approve(&batch, &self.finance[2]).await.expect(200);
        self.step(&batch, "send").await.expect(200)
    }

    /// The batch's only payout.
    pub async fn payout(&self, batch: &Answer) -> Value {
        let path = format!("/v1/departments/92/payouts?batch_id={}", batch.text("/id"));
        let page = self.finance[0].get(&path).await.expect(200);
        assert_eq!(page.items().len(), 1, "{}", page.json);
        page.items()[0].clone()
    }

    pub async fn file(&self, batch: &Answer) -> Answer {
        self.finance[0].get(&format!("{BATCHES}/{}/credit-transfer", batch.text("/id"))).await
    }

    /// Gives the bank's words on transfers of a message: (end-to-end id, status, reason).
    pub async fn bank_says(&self, batch: &Answer, message: &str, words: &[(&str, &str, &str)]) -> Answer {
        self.import(batch, "application/xml", pain002(message, words)).await
    }

    pub async fn import(&self, batch: &Answer, media: &str, file: String) -> Answer {
        let path = format!("{BATCHES}/{}/bank-returns", batch.text("/id"));
        let agent = &self.finance[0];
        agent.send(agent.request(Method::POST, &path).header("content-type", media).body(file)).await
    }
}

/// A bank's return, as banks write it.
pub fn pain002(message: &str, words: &[(&str, &str, &str)]) -> String {
    let mut transfers = String::new();
    for (id, status, reason) in words {
        write!(
            transfers,
            "<TxInfAndSts><OrgnlEndToEndId>{id}</OrgnlEndToEndId><TxSts>{status}</TxSts><StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf></TxInfAndSts>"
        )
        .unwrap();
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\"><CstmrPmtStsRpt>\
         <GrpHdr><MsgId>BANQUE-1</MsgId><CreDtTm>2026-10-20T08:00:00Z</CreDtTm></GrpHdr>\
         <OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId></OrgnlGrpInfAndSts>\
         <OrgnlPmtInfAndSts><OrgnlPmtInfId>{message}</OrgnlPmtInfId>{transfers}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    )
}

/// Asserts that the official schema takes a file.
#[track_caller]
pub fn valid_pain001(xml: &str) {
    let schema = uppsala::parse(include_str!("../../data/iso20022/pain.001.001.09.xsd")).unwrap();
    let validator = uppsala::XsdValidator::from_schema(&schema).unwrap();
    let wrong = validator.validate(&uppsala::parse(xml).unwrap());
    assert!(wrong.is_empty(), "{wrong:?}\n{xml}");
}

/// A server of a merchant, enrolled.
pub async fn server_of(world: &World, merchant: &str) -> Till {
    let path = format!("/v1/departments/92/merchants/{merchant}/devices");
    let body = json!({ "kind": "server", "label": "Comptabilité" });
    let invited = world.administrator.post(&path, body).await.expect(201);
    let pair = SigningPair::generate().unwrap();
    let body = json!({
        "enrolment_code": invited.text("/enrolment_code"), "public_key": BASE64URL_NOPAD.encode(&pair.public()),
    });
    let device = world.api.post("/v1/devices/enrol", body).await.expect(201).text("/device_id");
    let key = pair.pkcs8().to_vec();
    let token = world.device_token(&device, &key).await;
    let api: Api = world.api.with_token(&token);
    Till { api, device, merchant: merchant.to_owned(), key }
}

//! What most tests about money begin with: a pupil with two wallets and a card, and a till that takes both.

use super::{Answer, Api, COLLEGE, Family, Pupil, Secretary, Till, World, debit, key};
use chrono::TimeDelta;
use serde_json::{Value, json};

pub struct Scene {
    pub world: World,
    pub secretary: Secretary,
    pub family: Family,
    /// Culture 60 €, sport 20 €.
    pub pupil: Pupil,
    pub till: Till,
}

impl Scene {
    pub async fn set() -> Self {
        let world = World::start().await;
        let secretary = world.secretary(COLLEGE).await;
        let family = world.family("92").await;
        let pupil = world.pupil(&family, &secretary).await;
        let till = world.till(&["culture", "sport"]).await;
        Self { world, secretary, family, pupil, till }
    }

    /// Another child of the family, enrolled and confirmed.
    pub async fn sibling(&self, first_names: &str) -> Pupil {
        let child = self.family.add_child(first_names, "2014-05-17").await;
        let (enrolment, version) = self.family.submit(&child, &self.secretary.college).await;
        self.secretary.confirm(&enrolment, version).await;
        self.family.pupil(&child, &enrolment).await
    }

    /// A debit of the pupil's card under a new key.
    pub async fn debit(&self, wallet: &str, cents: i64) -> Answer {
        self.till.post_keyed("/v1/debits", &key(), debit(&self.pupil.card_code, wallet, cents)).await
    }

    /// A refund of a debit under a new key.
    pub async fn refund(&self, debit: &str, cents: i64) -> Answer {
        let path = format!("/v1/departments/92/debits/{debit}/refunds");
        self.till.post_keyed(&path, &key(), json!({ "amount_cents": cents })).await
    }

    /// Blocks the pupil's card.
    pub async fn block_card(&self) {
        let path = self.family.path(&format!("cards/{}/block", self.pupil.card_id));
        self.family.post(&path, json!({ "reason": "lost" })).await.expect(200);
    }

    /// Lets time pass; the family and the till sign in again.
    pub async fn wait(&mut self, time: TimeDelta) {
        self.world.advance(time);
        self.family.api = self.world.sign_in(&self.family.email).await;
        self.world.renew(&mut self.till).await;
    }

    /// Lets time pass until that instant, less than a second short of it at most.
    pub async fn wait_until(&mut self, instant: &str) {
        let instant: chrono::DateTime<chrono::Utc> = instant.parse().unwrap();
        self.wait(instant.signed_duration_since(self.world.app.db.server_now())).await;
    }

    /// The administrator of 92, signed in again if need be.
    pub async fn administrator(&mut self) -> Api {
        let agent = &self.world.administrator;
        if agent.get("/v1/departments/92/merchants?limit=1").await.status == 401 {
            self.world.administrator.api = self.world.sign_in_staff(&agent.email, &agent.totp_secret).await;
        }
        self.world.administrator.api.clone()
    }

    /// Moves the convention of the till's merchant for a wallet.
    pub async fn move_convention(&mut self, wallet: &str, event: &str) -> Answer {
        let api = self.administrator().await;
        let path = format!("/v1/departments/92/merchants/{}/affiliations?limit=100", self.till.merchant);
        let listed = api.get(&path).await.expect(200);
        let all = listed.json["items"].as_array().unwrap();
        let living = all.iter().find(|row| row["wallet_kind"] == wallet && row["state"] != "closed").unwrap();
        let path = format!("/v1/departments/92/affiliations/{}/transitions", living["id"].as_str().unwrap());
        api.post(&path, json!({ "event": event, "version": living["version"] })).await
    }
}

pub const fn days(count: i64) -> TimeDelta {
    TimeDelta::days(count)
}

/// Seconds between an instant of an answer and another.
#[track_caller]
pub fn ago(earlier: &Value, later: &Value) -> i64 {
    let instant = |value: &Value| -> chrono::DateTime<chrono::Utc> { value.as_str().unwrap().parse().unwrap() };
    instant(later).signed_duration_since(instant(earlier)).num_seconds()
}

/// A refusal without what differs from one request to the next.
pub fn without_instance(answer: &Answer) -> Value {
    let mut body = answer.json.clone();
    assert!(body.as_object_mut().unwrap().remove("instance").is_some(), "{}", answer.json);
    body
}

/// Asserts that one field was refused, and which.
#[track_caller]
pub fn field_at_fault(answer: Answer, pointer: &str) {
    let answer = answer.refused(422, "request.invalid");
    let errors = answer.json["errors"].as_array().unwrap();
    let pointers: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, [pointer], "{}", answer.json);
}

/// The signed form of a card with another signature.
pub fn forged(signed: &str) -> String {
    let (start, middle) = signed.split_at(signed.len() - 40);
    format!("{start}{}{}", if middle.starts_with('A') { 'B' } else { 'A' }, &middle[1..])
}

//! What most tests about money begin with: a pupil with two wallets and a card, and a till that takes both.

use super::{Answer, Api, COLLEGE, Family, Pupil, Secretary, Till, World, debit, key};
use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
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

    /// A ticket on the pupil's culture wallet, under a new key.
    pub async fn ticket(&self, body: Value) -> Answer {
        let path = self.family.path(&format!("wallets/{}/tickets", self.pupil.culture));
        self.family.post_keyed(&path, &key(), body).await
    }

    /// Balance, held and available cents of the pupil's wallet.
    pub async fn sums(&self, kind: &str) -> (i64, i64, i64) {
        let path = self.family.path(&format!("children/{}/wallets", self.pupil.child));
        let wallets = self.family.get(&path).await.expect(200);
        let wallet = wallets.items().iter().find(|wallet| wallet["kind"] == kind).unwrap().clone();
        let cents = |name: &str| wallet[name].as_i64().unwrap();
        (cents("balance_cents"), cents("held_cents"), cents("available_cents"))
    }

    /// Kind and signed amount of the last lines of the pupil's culture wallet, newest first.
    pub async fn last_lines(&self, count: usize) -> Vec<(String, i64)> {
        let path = self.family.path(&format!("wallets/{}/statement?limit={count}", self.pupil.culture));
        let lines = self.family.get(&path).await.expect(200);
        let line = |line: &Value| (line["kind"].as_str().unwrap().to_owned(), line["amount_cents"].as_i64().unwrap());
        lines.items().iter().map(line).collect()
    }

    /// Takes back what is left in the wallets of the season, as the service does once its last day to spend is over.
    pub fn end_season(&self) {
        let ahead = self.world.app.db.server_now().signed_duration_since(passplus::kernel::time::server_now());
        let sql = format!(
            "set app.kind = 'system'; set app.clock_offset = '{} seconds';
             select ledger_sweep(gen_random_uuid(), '{}', 1000)",
            // The clocks are whole seconds apart, read one after the other.
            (ahead.num_milliseconds() + 500) / 1_000,
            super::SEASON
        );
        self.world.app_role("92").batch_execute(&sql).unwrap();
    }

    /// What the department allows from now on: caps in cents, null for none; above the third an agent refunds.
    pub fn set_rules(&self, debit_max: &str, card_day_max: &str, refund_alone_max: i64) {
        let sql = format!(
            "insert into ledger_rules (id, effective_from, debit_max_cents, card_day_max_cents, till_hold_minutes,
                                       refund_alone_max_cents, correction_alone_max_cents, dispute_days, set_at)
             values (gen_random_uuid(), '2020-01-01'::timestamptz + interval '1 second' * (select count(*) from ledger_rules),
                     {debit_max}, {card_day_max}, 10080, {refund_alone_max}, 20000, 60, now())"
        );
        self.world.superuser("92").batch_execute(&sql).unwrap();
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

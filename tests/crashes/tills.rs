//! A till that asks without a pause and writes down what it asked and what it was told.

use passplus::{bench::seed::Seeded, kernel::time};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use uuid::Uuid;

/// How long a till waits for an answer, and how long it goes on asking for what it does not know.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
pub enum What {
    /// Of the wallet of that rank.
    Debit {
        wallet: usize,
        cents: i64,
    },
    Refund {
        debit: String,
        cents: i64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    Done(Value),
    /// The code of the refusal.
    Refused(String),
    /// Cut, too late, or the service's own trouble: the till does not know.
    Unknown,
}

/// One key and its story.
#[derive(Debug, Clone)]
pub struct Asked {
    pub key: Uuid,
    pub what: What,
    pub told: Told,
}

pub struct Counter {
    http: reqwest::Client,
    base: String,
    seeded: Arc<Seeded>,
    dice: fastrand::Rng,
    /// Place of its till among those of the stage.
    pub rank: usize,
    pub token: String,
    pub asked: Vec<Asked>,
    /// How many answers it did not get.
    pub unknown: usize,
    pub replayed: usize,
}

impl Counter {
    pub fn new(base: &str, seeded: &Arc<Seeded>, rank: usize, seed: u64) -> Self {
        Self {
            http: reqwest::Client::builder().no_proxy().timeout(ANSWER_PATIENCE).build().unwrap(),
            base: base.to_owned(),
            seeded: Arc::clone(seeded),
            dice: fastrand::Rng::with_seed(seed),
            rank,
            token: String::new(),
            asked: vec![],
            unknown: 0,
            replayed: 0,
        }
    }

    pub fn device(&self) -> Uuid {
        self.seeded.tills[self.rank].device.uuid()
    }

    /// Asks one thing after the other until it is told to stop.
    pub async fn work(mut self, stop: Arc<AtomicBool>) -> Result<Self, String> {
        while !stop.load(Ordering::SeqCst) {
            let key = uuid::Builder::from_random_bytes(self.dice.u128(..).to_ne_bytes()).into_uuid();
            let what = self.next();
            let (told, _) = self.send(key, &what).await?;
            if told == Told::Unknown {
                self.unknown += 1;
                // Who is refused at the door does not knock a thousand times.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            self.asked.push(Asked { key, what, told });
        }
        Ok(self)
    }

    /// Sends again, under the same keys, whatever it got no answer to, until every one is done or refused.
    pub async fn resolve(mut self) -> Result<Self, String> {
        for at in 0..self.asked.len() {
            if self.asked[at].told == Told::Unknown {
                self.asked[at].told = self.insist(at).await?.0;
            }
        }
        Ok(self)
    }

    /// Sends the last of its keys again, while there is time: they answer what they answered, and say that it is not new.
    pub async fn again(mut self, last: usize, time: Duration) -> Result<Self, String> {
        let end = Instant::now() + time;
        for at in (self.asked.len().saturating_sub(last)..self.asked.len()).rev() {
            if Instant::now() > end {
                break;
            }
            let (told, replayed) = self.insist(at).await?;
            let Asked { key, told: first, .. } = &self.asked[at];
            if told != *first || !replayed {
                return Err(format!(
                    "key {key} answers otherwise than before: {first:?}, now {told:?} (replayed: {replayed})"
                ));
            }
            self.replayed += 1;
        }
        Ok(self)
    }

    /// The answer to one of its keys, asked for until there is one.
    async fn insist(&self, at: usize) -> Result<(Told, bool), String> {
        let Asked { key, what, .. } = &self.asked[at];
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let (told, replayed) = self.send(*key, what).await?;
            if told != Told::Unknown {
                return Ok((told, replayed));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(format!("nobody answers key {key} any more"))
    }

    async fn send(&self, key: Uuid, what: &What) -> Result<(Told, bool), String> {
        let (path, body) = match what {
            What::Debit { wallet, cents } => {
                let (card, kind) = self.seeded.wallet(*wallet).unwrap();
                let body = json!({
                    "card": card, "wallet_kind": kind.as_str(), "amount_cents": cents,
                    // One activity is never paid with both wallets.
                    "activity_label": format!("Séance {kind}"), "activity_date": time::paris_date(time::server_now()),
                });
                ("/v1/debits".to_owned(), body)
            }
            What::Refund { debit, cents } => {
                (format!("/v1/departments/92/debits/{debit}/refunds"), json!({ "amount_cents": cents }))
            }
        };
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(&self.token);
        let Ok(answer) = request.header("Idempotency-Key", key.to_string()).json(&body).send().await else {
            return Ok((Told::Unknown, false));
        };
        let (status, replayed) = (answer.status().as_u16(), answer.headers().contains_key("idempotency-replayed"));
        let Ok(answer) = answer.json::<Value>().await else { return Ok((Told::Unknown, false)) };
        let told = match status {
            201 => Told::Done(answer),
            409 => Told::Refused(answer["code"].as_str().unwrap_or_default().to_owned()),
            500.. => Told::Unknown,
            // Only what was acknowledged is ever refunded.
            404 => return Err(format!("acknowledged and gone: what {what:?} gives back")),
            _ => return Err(format!("{what:?} was answered {status} {answer}")),
        };
        Ok((told, replayed))
    }

    /// More is taken than given back: the wallets run dry, and the last cents are fought for.
    fn next(&mut self) -> What {
        if self.dice.u8(..10) < 4 && !self.asked.is_empty() {
            let asked = &self.asked[self.dice.usize(..self.asked.len())];
            if let (What::Debit { cents, .. }, Told::Done(answer)) = (&asked.what, &asked.told) {
                let debit = answer["id"].as_str().unwrap().to_owned();
                return What::Refund { debit, cents: self.dice.i64(1..=*cents + 1) };
            }
        }
        What::Debit { wallet: self.dice.usize(..self.seeded.wallets()), cents: self.dice.i64(1..=500) }
    }
}

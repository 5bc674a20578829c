//! Random histories of everything that money can do: debits, holds, captures, releases, voids, refunds, reversals, keys sent again, while
//! the season ends. After every step the ledger is what a plain one in memory says: every balance, all that is held, lost and owed.

mod plain;

use crate::support::{Books, SEASON, Scene, call, key};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{PgConnection, connection::SimpleConnection};
use passplus::{kernel::time, ledger::TransferKind};
use plain::{Answer, Plain, Transfer, Wallet, What};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Steps before and after the end of the season.
const STEPS: usize = 90;

/// The ledger of 92 asked with the server's own role, as whoever acts.
struct Ledger<'s> {
    scene: &'s Scene,
    conn: PgConnection,
    /// Device and merchant of each till.
    tills: [(String, String); 2],
    /// Fingerprint of each child's card.
    cards: Vec<String>,
    agent: Uuid,
}

impl Ledger<'_> {
    /// Calls a function as that till, as the agent, or as the service.
    fn call(&mut self, now: DateTime<Utc>, who: &str, function: &str) -> Value {
        let offset = now.signed_duration_since(time::server_now()).num_seconds();
        let begin = format!("begin; set local app.clock_offset = '{offset} seconds'; {who}");
        self.conn.batch_execute(&begin).unwrap();
        let answer = call(&mut self.conn, function).unwrap();
        self.conn.batch_execute("commit").unwrap();
        answer
    }

    fn as_till(&self, till: usize) -> String {
        let (device, merchant) = &self.tills[till];
        format!(
            "set local app.kind = 'device'; set local app.device = '{device}'; set local app.merchant = '{merchant}'"
        )
    }

    fn ask(&mut self, plain: &Plain, till: Option<usize>, key: Uuid, id: Uuid, what: &What) -> Answer {
        let transfer = |at: usize| plain.transfers[at].id.unwrap();
        let print = "\\x0000000000000000000000000000000000000000000000000000000000000001";
        let function = match *what {
            What::Debit { child, kind, cents, label, hold } => {
                let ((device, merchant), card) = (&self.tills[till.unwrap()], &self.cards[child]);
                format!(
                    "ledger_debit('{device}', '{merchant}', '{id}', '{id}', '{key}', '{print}', '\\x{card}', '{kind}', {cents}, '{label}',
                                  '2027-03-15', {hold})"
                )
            }
            What::Capture { hold, cents } => {
                let hold = plain.holds[hold].id;
                format!("ledger_capture('{id}', '{id}', '{key}', '{print}', '{hold}', null, {cents}, null, null)")
            }
            What::Refund { transfer: at, cents } => {
                format!("ledger_refund('{id}', '{id}', '{key}', '{print}', '{}', {cents})", transfer(at))
            }
            What::Reverse { transfer: at, cents } => {
                format!("ledger_reverse('{id}', '{id}', '{key}', '{print}', '{}', {cents}, 'Erreur')", transfer(at))
            }
        };
        let who = till
            .map_or(format!("set local app.kind = 'agent'; set local app.account = '{}'", self.agent), |till| {
                self.as_till(till)
            });
        let outcome = self.call(plain.now, &who, &function);
        let told = match outcome["reason"].as_str() {
            Some(reason) => Err(reason.to_owned()),
            None => Ok(outcome["transfer_id"].as_str().unwrap().parse().unwrap()),
        };
        (told, outcome["replayed"].as_bool().unwrap())
    }
}

/// The ledger and the plain one, at their beginning.
async fn begin(scene: &Scene) -> (Ledger<'_>, Plain) {
    let (ana, other) = (scene.sibling("Ana").await, scene.world.till(&["culture", "sport"]).await);
    let pupils = [&scene.pupil, &ana];
    let mut superuser = scene.world.superuser("92");
    let mut ask = |sql: &str| call(&mut superuser, &format!("({sql})")).unwrap();
    let (mut wallets, mut cards) = (BTreeMap::new(), vec![]);
    for (child, pupil) in pupils.iter().enumerate() {
        cards.push(
            ask(&format!("select encode(code_fingerprint, 'hex') from cards where id = '{}'", pupil.card_id))
                .as_str()
                .unwrap()
                .to_owned(),
        );
        for (id, kind, balance) in [(&pupil.culture, "culture", 6_000), (&pupil.sport, "sport", 2_000)] {
            let instants =
                ask(&format!("select jsonb_build_array(spend_before, capture_before) from wallets where id = '{id}'"));
            let [spend_before, capture_before]: [DateTime<Utc>; 2] = serde_json::from_value(instants).unwrap();
            wallets.insert(
                id.parse().unwrap(),
                Wallet { child, kind, balance, held: 0, spend_before, capture_before, swept: false },
            );
        }
    }
    let valid_until = serde_json::from_value(ask("select max(valid_until) from cards")).unwrap();
    let granted = Books::read(&scene.world).entries.into_iter().map(|entry| Transfer {
        id: Some(entry.id.uuid()),
        kind: TransferKind::Grant,
        wallet: entry.wallet.uuid(),
        till: None,
        cents: entry.amount.get(),
        back: 0,
        label: "",
        voided: false,
    });
    let plain = Plain {
        now: scene.world.app.db.server_now(),
        valid_until,
        wallets,
        holds: vec![],
        transfers: granted.collect(),
        owed: [0, 0],
        lost: 0,
        keys: BTreeMap::new(),
    };
    let tills = [&scene.till, &other].map(|till| (till.device.clone(), till.merchant.clone()));
    (Ledger { scene, conn: scene.world.app_role("92"), tills, cards, agent: key().parse().unwrap() }, plain)
}

struct History<'s> {
    ledger: Ledger<'s>,
    plain: Plain,
    dice: fastrand::Rng,
    asked: Vec<(Option<usize>, Uuid, What)>,
    /// Everything that was answered, to see that the history tries it.
    seen: BTreeSet<String>,
}

impl History<'_> {
    fn uuid(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.dice.u128(..).to_ne_bytes()).into_uuid()
    }

    /// One step on both ledgers; their answers must be one.
    fn step(&mut self, place: &str) {
        let (till, id) = (self.dice.usize(..2), self.uuid());
        match self.dice.u8(..100) {
            turn @ 0..48 => self.keyed(Some(till), turn, place),
            48..60 if !self.plain.holds.is_empty() => {
                // The latest ones: most of those before are closed.
                let hold = self.plain.holds.len() - 1 - self.dice.usize(..self.plain.holds.len().min(5));
                let by = (self.dice.u8(..3) > 0).then_some(till);
                let who = by.map_or("set local app.kind = 'system'".to_owned(), |till| self.ledger.as_till(till));
                let function = format!("ledger_release('{id}', '{}')", self.plain.holds[hold].id);
                let told = self.ledger.call(self.plain.now, &who, &function);
                let expected = self.plain.release(by, hold);
                assert_eq!(told.as_str(), expected.as_deref(), "{place}: release of hold {hold} by {by:?}");
                self.seen.insert(format!("released {expected:?}"));
            }
            60..68 => {
                let own: Vec<Uuid> =
                    self.plain.keys.keys().filter(|(by, _)| *by == Some(till)).map(|(_, key)| *key).collect();
                let key = if own.is_empty() || self.dice.u8(..5) == 0 { id } else { own[self.dice.usize(..own.len())] };
                let who = self.ledger.as_till(till);
                let told = self.ledger.call(self.plain.now, &who, &format!("ledger_void('{id}', '{id}', '{key}')"));
                let expected = self.plain.void(till, key, id);
                assert_eq!(told.as_str(), expected.as_deref(), "{place}: void of {key}");
                self.seen.insert(format!("voided {expected:?}"));
                if key == id {
                    // What comes late under a closed key.
                    let what = self.draw(Some(till), 0);
                    self.asked.push((Some(till), key, what));
                }
            }
            68..88 => self.keyed(Some(till), 50, place),
            88..96 => self.keyed(None, 0, place),
            96..98 => {
                // Never a whole week in all: what ends with a week ends between two steps.
                self.plain.now += TimeDelta::days(self.dice.i64(1..4)) + TimeDelta::hours(1);
            }
            _ => self.sweep(place),
        }
    }

    fn sweep(&mut self, place: &str) {
        let id = self.uuid();
        let told = self.ledger.call(
            self.plain.now,
            "set local app.kind = 'system'",
            &format!("ledger_sweep('{id}', '{SEASON}', 1)"),
        );
        let (swept, lost) = self.plain.sweep(1);
        assert_eq!(
            (told["wallets_swept"].as_i64(), told["lost_cents"].as_i64()),
            (Some(swept), Some(lost)),
            "{place}: sweep"
        );
        self.seen.insert(format!("swept {}", swept > 0));
    }

    /// Something new under a key, or something asked before.
    fn keyed(&mut self, till: Option<usize>, turn: u8, place: &str) {
        let (till, key, what) = if !self.asked.is_empty() && self.dice.u8(..6) == 0 {
            self.asked[self.dice.usize(..self.asked.len())].clone()
        } else {
            (till, self.uuid(), self.draw(till, turn))
        };
        let id = self.uuid();
        let told = self.ledger.ask(&self.plain, till, key, id, &what);
        let expected = self.plain.ask(till, key, id, &what);
        assert_eq!(told, expected, "{place}: {what:?} of {till:?} under {key}");
        let (result, replayed) = &expected;
        self.seen.insert(result.as_ref().map_or_else(Clone::clone, |_| "done".to_owned()));
        self.seen.insert(if *replayed { "replayed" } else { "new" }.to_owned());
        self.asked.push((till, key, what));
    }

    fn draw(&mut self, till: Option<usize>, turn: u8) -> What {
        let dice = &mut self.dice;
        let transfer = dice.usize(..self.plain.transfers.len());
        let cents = self.plain.transfers[transfer].cents;
        match turn {
            _ if till.is_none() => What::Reverse { transfer, cents: dice.i64(1..=cents + cents / 3 + 1) },
            35..48 if !self.plain.holds.is_empty() => {
                let hold = self.plain.holds.len() - 1 - dice.usize(..self.plain.holds.len().min(5));
                What::Capture { hold, cents: dice.i64(1..=self.plain.holds[hold].cents + 50) }
            }
            48.. => What::Refund { transfer, cents: dice.i64(1..=cents + cents / 3 + 1) },
            _ => {
                let kind = ["culture", "sport"][dice.usize(..2)];
                let label = if dice.u8(..3) == 0 { "Fête" } else { kind };
                What::Debit { child: dice.usize(..2), kind, cents: dice.i64(1..=900), label, hold: dice.bool() }
            }
        }
    }

    /// The books are what the plain ledger says.
    fn compare(&mut self, place: &str) {
        let books = Books::read(&self.ledger.scene.world);
        assert_eq!(books.prove(), Ok(()), "{place}");
        for (id, wallet) in &self.plain.wallets {
            let id = id.to_string();
            assert_eq!((books.balance(&id), books.held(&id)), (wallet.balance, wallet.held), "{place}: wallet {id}");
        }
        for ((_, merchant), owed) in self.ledger.tills.iter().zip(self.plain.owed) {
            assert_eq!(books.owed(merchant), owed, "{place}");
        }
        assert_eq!(books.lost(), self.plain.lost, "{place}");
        self.plain.learn(&books.entries);
    }
}

/// One history. What was answered in it.
async fn play(seed: u64) -> BTreeSet<String> {
    let scene = Scene::set().await;
    let (ledger, plain) = begin(&scene).await;
    let over = plain.wallets.values().map(|wallet| wallet.spend_before).max().unwrap();
    let mut history =
        History { ledger, plain, dice: fastrand::Rng::with_seed(seed), asked: vec![], seen: BTreeSet::new() };
    for step in 0..2 * STEPS {
        let place = format!("step {step} of seed {seed}");
        if step == STEPS {
            // A few days before the season's end, holds are made that outlive it.
            history.plain.now = over - TimeDelta::hours(80);
        }
        if step == STEPS + 20 {
            history.plain.now = over + TimeDelta::hours(10);
        }
        history.step(&place);
        history.compare(&place);
    }
    history.seen
}

#[actix_web::test]
async fn whatever_is_done_the_ledger_is_what_a_plain_one_says_after_every_step() {
    let seeds = if std::env::var_os("PASSPLUS_LONG").is_some() { 1..=100 } else { 1..=3 };
    let mut seen = BTreeSet::new();
    for seed in seeds {
        seen.extend(play(seed).await);
    }
    for wanted in [
        "done",
        "replayed",
        "voided",
        "insufficient_funds",
        "paid_with_other_wallet",
        "no_open_wallet",
        "unknown_debit",
        "exceeds_debit",
        "unknown_hold",
        "hold_captured",
        "hold_voided",
        "exceeds_hold",
        "unknown_transfer",
        "exceeds_transfer",
        "released None",
        "voided Some(\"debit\")",
        "voided Some(\"hold\")",
        "voided Some(\"nothing\")",
        "voided None",
        "swept true",
    ] {
        assert!(seen.contains(wanted), "never {wanted}: {seen:?}");
    }
}

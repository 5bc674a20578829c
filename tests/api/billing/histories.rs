//! Random histories of two children's autumn: meals that change, months locked and opened again, rates set backwards, bills taken back,
//! payments and refunds recorded and undone. After every run what was billed is what a plain model says is due, and the account is the sum of all.

mod plain;

use super::{Table, at};
use crate::support::key;
use chrono::TimeDelta;
use plain::{Billed, Move, Plain};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const MONTHS: [&str; 2] = ["2026-09", "2026-10"];
/// Days of each month on which the children may eat.
const DAYS: [u32; 5] = [1, 7, 14, 21, 28];
const STATES: [&str; 6] = ["consumed", "no_show", "walk_in", "excused", "closed", "cancelled"];

struct History {
    table: Table,
    children: [String; 2],
    plain: Plain,
    dice: fastrand::Rng,
    seen: BTreeSet<&'static str>,
    /// Payments and refunds that stand, with what they take from what is owed.
    standing: Vec<(String, i64)>,
    /// Bills and credit notes that were read.
    documents: BTreeSet<String>,
}

impl History {
    async fn begin(seed: u64) -> Self {
        let mut table = Table::set().await;
        let second = table.family.add_child("Ana", "2014-02-01").await;
        table.enrol(&second, Some(&table.family.id));
        // Both months are over.
        table.wait(TimeDelta::days(30)).await;
        let children = [table.child.clone(), second];
        let dice = fastrand::Rng::with_seed(seed);
        let mut history = Self {
            table,
            children,
            plain: Plain::default(),
            dice,
            seen: BTreeSet::new(),
            standing: vec![],
            documents: BTreeSet::new(),
        };
        for child in 0..2 {
            history.set_rate(child, "2026-09-01".to_owned(), false);
            for (month, day) in MONTHS.iter().flat_map(|month| DAYS.map(|day| (month, day))) {
                history.set_meal(child, format!("{month}-{day:02}"));
            }
        }
        history
    }

    fn set_meal(&mut self, child: usize, day: String) {
        let state = STATES[self.dice.usize(..STATES.len())];
        self.table.meals(&self.children[child], state, &[&day]);
        self.plain.meals.insert((child, day), state);
    }

    fn set_rate(&mut self, child: usize, day: String, year: bool) {
        let meal = self.dice.i64(1..=7) * 50;
        let cents = year.then_some(meal * 144);
        let unit = if year { "year" } else { "meal" };
        self.table.rate(&self.children[child], &day, unit, cents.unwrap_or(meal), meal);
        self.plain.rates[child].push((day, cents, meal));
        self.seen.insert(unit);
    }

    fn day(&mut self, month: &str) -> String {
        format!("{month}-{:02}", DAYS[self.dice.usize(..DAYS.len())])
    }

    async fn step(&mut self) {
        let (child, month) = (self.dice.usize(..2), MONTHS[self.dice.usize(..2)]);
        match self.dice.u8(..100) {
            0..30 if !self.plain.locked.contains(month) => {
                let day = self.day(month);
                self.set_meal(child, day);
            }
            0..30 => {
                self.table.reopen(month).await.expect(200);
                self.plain.locked.remove(month);
                self.seen.insert("reopened");
            }
            30..45 => {
                if self.plain.locked.insert(month) {
                    self.table.lock(month).await.expect(201);
                }
            }
            45..58 => {
                let (day, year) = (self.day(month), self.dice.u8(..4) == 0);
                self.set_rate(child, day, year);
            }
            58..80 => self.bill().await,
            80..88 => self.cancel().await,
            88..94 => self.pay().await,
            94..98 => self.pay_back().await,
            _ => self.undo().await,
        }
    }

    async fn bill(&mut self) {
        // Before any run rates that change nothing are no reason for one; whether there is one the service must know.
        let begun = self.table.begin("2026-10").await;
        if begun.status == 409 {
            begun.refused(409, "bill_run.nothing");
            let before = self.plain.billed.clone();
            assert!(!self.plain.bill() || before.is_empty(), "there was something to bill");
            self.seen.insert("nothing");
        } else {
            let run = begun.expect(201);
            assert_eq!(run.number("/draft/unpriced_meals"), 0);
            self.table.check(&run, &self.table.finance[0]).await.expect(200);
            self.table.issue(&run, &self.table.finance[1]).await.expect(200);
            let before = self.plain.billed.clone();
            self.plain.bill();
            self.remember(&before).await;
            self.seen.insert(if run.number("/draft/credit_notes") > 0 { "credited" } else { "billed" });
        }
        self.compare().await;
    }

    /// Which documents of the run that was issued moved what.
    async fn remember(&mut self, before: &BTreeMap<(usize, &'static str), Billed>) {
        for document in self.table.bills_of(&self.table.family.id).await {
            let id = document["id"].as_str().unwrap().to_owned();
            if !self.documents.insert(id.clone()) {
                continue;
            }
            let bill = document["corrects"].as_str().unwrap_or(&id).to_owned();
            let read = self.table.read(&document).await.expect(200);
            let mut slots = BTreeSet::new();
            for line in read.at("/lines").as_array().unwrap() {
                let child = self.children.iter().position(|id| line["diner_id"] == json!(id)).unwrap();
                let month = *MONTHS.iter().find(|month| line["month"] == json!(month)).unwrap();
                for day in line["days"].as_array().unwrap() {
                    let part = (line["kind"] != "forfait").then(|| day.as_str().unwrap().to_owned());
                    slots.insert((child, month, part));
                }
            }
            for slot in slots {
                let was = before.get(&(slot.0, slot.1)).and_then(|billed| billed.get(&slot.2)).copied().unwrap_or(0);
                let (document, bill, after) = (id.clone(), bill.clone(), self.plain.now(&slot));
                let made = Move { document, bill, is_cancellation: false, before: was, after };
                self.plain.moves.entry(slot).or_default().push(made);
            }
        }
    }

    async fn cancel(&mut self) {
        let bills = self.table.bills_of(&self.table.family.id).await;
        if bills.is_empty() {
            return;
        }
        // Those of which something was credited are few, and asked for more often.
        let corrected = |bill: &&Value| {
            bills.iter().any(|note| note["corrects"] == bill["id"])
                && !self.plain.gone.contains(bill["id"].as_str().unwrap())
        };
        let corrected: Vec<&Value> = bills.iter().filter(corrected).collect();
        let bill = match corrected.len() {
            0 => &bills[self.dice.usize(..bills.len())],
            some if self.dice.bool() => corrected[self.dice.usize(..some)],
            _ => &bills[self.dice.usize(..bills.len())],
        };
        let again = self.dice.bool();
        let body = json!({ "reason": "entry_error", "bill_again": again });
        let path = at(&format!("bills/{}/cancel", bill["id"].as_str().unwrap()));
        let done = self.table.finance[0].post_keyed(&path, &key(), body).await;
        let id = bill["id"].as_str().unwrap();
        let changes = if bill["kind"] == "bill" { self.plain.without(id) } else { vec![] };
        if changes.is_empty() {
            done.refused(409, "bill.not_cancellable");
            self.seen.insert("not cancelled");
            return;
        }
        let mut done = done.expect(201);
        if done.text("/state") == "proposed" {
            let approve = at(&format!("cancellations/{}/approve", done.text("/id")));
            done = self.table.finance[1].post(&approve, json!({})).await.expect(200);
        }
        if bills.iter().any(|note| note["corrects"] == bill["id"]) {
            self.seen.insert("cancelled after a credit note");
        }
        let note = done.text("/credit_note_id");
        for (slot, after) in changes {
            let before = self.plain.now(&slot);
            let (child, month, part) = slot.clone();
            self.plain.billed.entry((child, month)).or_default().insert(part, after);
            let made = Move { document: note.clone(), bill: id.to_owned(), is_cancellation: true, before, after };
            self.plain.moves.entry(slot.clone()).or_default().push(made);
            if !again {
                self.plain.over.insert(slot);
            }
        }
        self.plain.gone.insert(id.to_owned());
        self.documents.insert(note);
        self.seen.insert(if again { "to be billed again" } else { "cancelled" });
        self.compare().await;
    }

    async fn pay(&mut self) {
        let cents = self.dice.i64(1..=3_000);
        let mut payment = self.table.payment(cents);
        payment["paid_on"] = json!("2026-11-01");
        payment["reference"] = json!(key());
        let path = at("payments");
        let paid = self.table.finance[0].post_keyed(&path, &key(), payment).await.expect(201);
        self.plain.paid += cents;
        self.standing.push((paid.text("/id"), cents));
        self.compare().await;
    }

    /// As much as the account has in favour, or less, or too much.
    async fn pay_back(&mut self) {
        let (cents, credit) = (self.dice.i64(1..=2_000), -self.plain.balance());
        let refund = json!({ "payer_id": self.table.family.id, "amount_cents": cents, "paid_on": "2026-11-01", "means": "cheque",
                             "reference": key() });
        let paid_back = self.table.finance[0].post_keyed(&at("refunds"), &key(), refund).await;
        if cents > credit {
            paid_back.refused(409, "refund.exceeds_credit");
            self.seen.insert("not paid back");
        } else {
            self.plain.paid -= cents;
            self.standing.push((paid_back.expect(201).text("/id"), -cents));
            self.seen.insert("paid back");
        }
        self.compare().await;
    }

    async fn undo(&mut self) {
        if self.standing.is_empty() {
            return;
        }
        let (id, cents) = self.standing.swap_remove(self.dice.usize(..self.standing.len()));
        let undo = at(&format!("payments/{id}/undo"));
        self.table.finance[0].post_keyed(&undo, &key(), json!({ "reason": "Saisi deux fois." })).await.expect(201);
        self.plain.paid -= cents;
        self.seen.insert(if cents > 0 { "payment undone" } else { "refund undone" });
        self.compare().await;
    }

    /// The account is what the model says, and each child's months are billed for what they are due.
    async fn compare(&self) {
        let billed = self.table.ask(
            "(select coalesce(jsonb_object_agg(person_id || to_char(month, ' YYYY-MM'), cents), '{}') from (
                  select person_id, month, sum(amount_cents) as cents from canteen_bill_lines group by person_id, month) s)",
        );
        for ((child, month), parts) in &self.plain.billed {
            let found = billed[format!("{} {month}", self.children[*child])].as_i64().unwrap_or(0);
            assert_eq!(found, parts.values().sum::<i64>(), "child {child} in {month}");
        }
        let account =
            self.table.family.get(&at(&format!("accounts/{}?limit=100", self.table.family.id))).await.expect(200);
        assert_eq!(account.number("/balance_cents"), self.plain.balance());
        let entries = account.at("/entries/items").as_array().unwrap();
        if account.at("/entries").get("next_cursor").is_none() {
            let sum: i64 = entries.iter().map(|entry| entry["amount_cents"].as_i64().unwrap()).sum();
            assert_eq!(sum, account.number("/balance_cents"), "the balance is the sum of its entries");
        }
        // Nobody is recalled for more than he owes, and the oldest is settled first.
        let left = self.table.ask("(select coalesce(sum(left_cents), 0) from canteen_unpaid_bills)").as_i64().unwrap();
        assert_eq!(left, account.number("/balance_cents").max(0));
    }
}

async fn play(seed: u64) -> BTreeSet<&'static str> {
    let mut history = History::begin(seed).await;
    for _ in 0..80 {
        history.step().await;
    }
    let gap: Value = history.table.ask(
        "(select count(*) from (select kind, year, max(number) - count(*) as gap from canteen_bills group by kind, year) g where gap <> 0)",
    );
    assert_eq!(gap, json!(0), "numbers have no hole");
    history.seen
}

#[actix_web::test]
async fn whatever_happens_what_is_billed_is_what_is_due() {
    let mut seen = BTreeSet::new();
    for seed in [1, 2, 3, 4] {
        seen.extend(play(seed).await);
    }
    for what in [
        "meal",
        "year",
        "reopened",
        "nothing",
        "billed",
        "credited",
        "cancelled",
        "to be billed again",
        "not cancelled",
        "cancelled after a credit note",
        "paid back",
        "not paid back",
        "payment undone",
    ] {
        assert!(seen.contains(what), "no history has {what}: {seen:?}");
    }
}

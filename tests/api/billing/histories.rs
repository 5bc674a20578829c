//! Random histories of two children's autumn: meals that change, months locked and opened again, rates set backwards, bills taken back,
//! payments recorded and undone. After every run what was billed is what a plain model says is due, and the account is the sum of all.

use super::{Table, at};
use crate::support::key;
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const MONTHS: [&str; 2] = ["2026-09", "2026-10"];
/// Days of each month on which the children may eat.
const DAYS: [u32; 5] = [1, 7, 14, 21, 28];
const STATES: [&str; 6] = ["consumed", "no_show", "walk_in", "excused", "closed", "cancelled"];
const WALK_IN: i64 = 700;
/// September to July.
const PARTS: i64 = 11;

/// From a day on: a year's price, or none; and a meal's.
type Rate = (String, Option<i64>, i64);
/// The meal of a day, or what the month costs as a part of a year.
type Part = Option<String>;
type Billed = BTreeMap<Part, i64>;

/// What should be, told without a database.
#[derive(Default)]
struct Plain {
    meals: BTreeMap<(usize, String), &'static str>,
    rates: [Vec<Rate>; 2],
    locked: BTreeSet<&'static str>,
    /// What is billed of each day of a child's month, credit notes taken off.
    billed: BTreeMap<(usize, &'static str), Billed>,
    /// Days of a child that were taken back for good.
    over: BTreeSet<(usize, &'static str, Part)>,
    paid: i64,
}

impl Plain {
    fn rate(&self, child: usize, day: &str) -> &Rate {
        let mut rates: Vec<&Rate> = self.rates[child].iter().filter(|rate| rate.0.as_str() <= day).collect();
        rates.sort_by(|a, b| a.0.cmp(&b.0));
        rates.last().unwrap()
    }

    fn due(&self, child: usize, month: &'static str) -> Billed {
        let year = self.rate(child, &format!("{month}-01")).1;
        let meals = self.meals.iter().filter(|((of, day), _)| *of == child && day.starts_with(month));
        let cost = |((_, day), state): (&(usize, String), &&'static str)| match (*state, year) {
            ("walk_in", _) => WALK_IN,
            ("consumed" | "no_show", None) => self.rate(child, day).2,
            ("excused" | "closed", Some(_)) => -self.rate(child, day).2,
            _ => 0,
        };
        let mut due: Billed = meals.map(|meal| (Some(meal.0.1.clone()), cost(meal))).collect();
        due.insert(None, year.map_or(0, |cents| cents / PARTS));
        due
    }

    /// With the part of a year the whole month is over.
    fn is_over(&self, child: usize, month: &'static str, part: &Part) -> bool {
        self.over.contains(&(child, month, part.clone())) || self.over.contains(&(child, month, None))
    }

    /// Bills what is locked; whether that is anything.
    fn bill(&mut self) -> bool {
        let mut any = false;
        for child in 0..2 {
            for month in self.locked.clone() {
                for (part, due) in self.due(child, month) {
                    if !self.is_over(child, month, &part) {
                        any |= self.billed.entry((child, month)).or_default().insert(part, due).unwrap_or(0) != due;
                    }
                }
            }
        }
        any
    }
}

struct History {
    table: Table,
    children: [String; 2],
    plain: Plain,
    dice: fastrand::Rng,
    seen: BTreeSet<&'static str>,
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
        let mut history = Self { table, children, plain: Plain::default(), dice, seen: BTreeSet::new() };
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
            80..83 => self.cancel().await,
            _ => self.pay().await,
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
            self.plain.bill();
            self.seen.insert(if run.number("/draft/credit_notes") > 0 { "credited" } else { "billed" });
        }
        self.compare().await;
    }

    async fn cancel(&mut self) {
        let bills = self.table.bills_of(&self.table.family.id).await;
        if bills.is_empty() {
            return;
        }
        let bill = &bills[self.dice.usize(..bills.len())];
        let again = self.dice.u8(..4) > 0;
        let body = json!({ "reason": "entry_error", "bill_again": again });
        let path = at(&format!("bills/{}/cancel", bill["id"].as_str().unwrap()));
        let done = self.table.finance[0].post_keyed(&path, &key(), body).await;
        if done.status == 409 {
            self.seen.insert("not cancelled");
            return;
        }
        if done.expect(201).text("/state") == "proposed" {
            return;
        }
        let read = self.table.read(bill).await.expect(200);
        for line in read.at("/lines").as_array().unwrap() {
            let child = self.children.iter().position(|id| line["diner_id"] == json!(id)).unwrap();
            let month = *MONTHS.iter().find(|month| line["month"] == json!(month)).unwrap();
            let taken_back = line["unit_cents"].as_i64().unwrap() * line["meals"].as_i64().unwrap().signum();
            for day in line["days"].as_array().unwrap() {
                let part = (line["kind"] != "forfait").then(|| day.as_str().unwrap().to_owned());
                *self.plain.billed.entry((child, month)).or_default().entry(part.clone()).or_default() -= taken_back;
                if !again {
                    self.plain.over.insert((child, month, part));
                }
            }
        }
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
        if self.dice.u8(..3) == 0 {
            let undo = at(&format!("payments/{}/undo", paid.text("/id")));
            self.table.finance[0].post_keyed(&undo, &key(), json!({ "reason": "Saisi deux fois." })).await.expect(201);
            self.plain.paid -= cents;
        }
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
        let total: i64 = self.plain.billed.values().flat_map(Billed::values).sum();
        assert_eq!(account.number("/balance_cents"), total - self.plain.paid);
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
    for seed in [1, 2, 3] {
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
    ] {
        assert!(seen.contains(what), "no history has {what}: {seen:?}");
    }
}

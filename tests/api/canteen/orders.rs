//! Meals of a few days against a small model, whatever is done to them in whichever order: what a closure takes it gives back, and nothing
//! else.

use super::{at, child_of, days, open};
use crate::support::{Agent, Answer, COLLEGE, Family, World};
use diesel::connection::SimpleConnection;
use passplus::canteen::meals::closures;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Enrol,
    Close,
    ChangeWeekdays,
    CancelMeal,
    End,
    EnrolAgain,
    Withdraw,
}
use Step as S;

const STEPS: [Step; 7] = [S::Enrol, S::Close, S::ChangeWeekdays, S::CancelMeal, S::End, S::EnrolAgain, S::Withdraw];
/// What comes before what, for it to be possible at all.
const BEFORE: [(Step, Step); 5] = [
    (S::Enrol, S::ChangeWeekdays),
    (S::Enrol, S::CancelMeal),
    (S::Enrol, S::End),
    (S::End, S::EnrolAgain),
    (S::Close, S::Withdraw),
];

/// Every order of the steps.
fn orders() -> Vec<Vec<Step>> {
    let mut orders = vec![vec![]];
    for _ in STEPS {
        let longer = |order: &Vec<Step>| -> Vec<Vec<Step>> {
            let ready = |step: &&Step| {
                !order.contains(step) && BEFORE.iter().all(|(first, then)| then != *step || order.contains(first))
            };
            STEPS.iter().filter(ready).map(|step| [order.as_slice(), &[*step]].concat()).collect()
        };
        orders = orders.iter().flat_map(longer).collect();
    }
    orders
}

const DAYS: [(&str, &str); 7] = [
    ("2026-11-05", "thursday"),
    ("2026-11-06", "friday"),
    ("2026-11-09", "monday"),
    ("2026-11-10", "tuesday"),
    ("2026-11-12", "thursday"),
    ("2026-11-13", "friday"),
    ("2026-11-16", "monday"),
];
const CLOSED: (&str, &str) = ("2026-11-06", "2026-11-12");
const FIRST: &[&str] = &["monday", "thursday"];
const CHANGED: &[&str] = &["thursday", "friday"];
const AGAIN: &[&str] = &["monday", "friday"];

/// What should be: whether each day's meal is wanted, and what closes those that are.
#[derive(Default)]
struct Plain {
    eats_on: Option<&'static [&'static str]>,
    wanted: BTreeMap<&'static str, bool>,
    closed: bool,
}

impl Plain {
    fn is_closed(&self, day: &str) -> bool {
        self.closed && (CLOSED.0..=CLOSED.1).contains(&day)
    }

    fn want(&mut self, weekdays: &[&str], wanted: bool) {
        for (day, weekday) in DAYS {
            if weekdays.contains(&weekday) && (wanted || self.wanted.contains_key(day)) {
                self.wanted.insert(day, wanted);
            }
        }
    }

    /// The status that the step answers.
    fn step(&mut self, step: Step, single: &'static str) -> u16 {
        match step {
            S::Enrol | S::EnrolAgain => {
                let weekdays = if step == S::Enrol { FIRST } else { AGAIN };
                self.eats_on = Some(weekdays);
                self.want(weekdays, true);
                201
            }
            S::ChangeWeekdays => {
                let Some(was) = self.eats_on.replace(CHANGED) else {
                    self.eats_on = None;
                    return 409;
                };
                let left: Vec<&str> = was.iter().copied().filter(|day| !CHANGED.contains(day)).collect();
                let taken: Vec<&str> = CHANGED.iter().copied().filter(|day| !was.contains(day)).collect();
                self.want(&left, false);
                self.want(&taken, true);
                200
            }
            S::CancelMeal => {
                if self.eats_on.is_none() || self.is_closed(single) || self.wanted.get(single) != Some(&true) {
                    return 409;
                }
                self.wanted.insert(single, false);
                200
            }
            S::End => {
                self.eats_on = None;
                self.wanted.values_mut().for_each(|wanted| *wanted = false);
                200
            }
            S::Close => {
                self.closed = true;
                201
            }
            S::Withdraw => {
                self.closed = false;
                200
            }
        }
    }

    fn meals(&self) -> Vec<(String, String)> {
        let state = |day: &str, wanted: bool| match (wanted, self.is_closed(day)) {
            (false, _) => "cancelled",
            (true, true) => "closed",
            (true, false) => "reserved",
        };
        self.wanted.iter().map(|(day, wanted)| ((*day).to_owned(), state(day, *wanted).to_owned())).collect()
    }
}

struct Stage {
    world: World,
    family: Family,
    clerk: Agent,
    wish: Value,
    /// The enrolment and its version, the closure.
    enrolment: (String, i64),
    closure: String,
}

impl Stage {
    async fn set() -> Self {
        let world = World::start().await;
        open(&world, &[COLLEGE]).await;
        // A short year.
        let mut calendar = days::calendar();
        calendar["last_day"] = json!("2027-01-08");
        calendar["weekdays_until"] = json!("2026-11-30");
        let winter = json!({ "kind": "school_holiday", "label": "Hiver", "from": "2026-11-21", "until": "2027-01-03" });
        calendar["breaks"].as_array_mut().unwrap().push(winter);
        days::publish(&world, calendar).await;
        let family = world.family("92").await;
        let (_, wish) = child_of(&family, "Lou").await;
        let clerk = world.agent("92", "case_worker").await;
        Self { world, family, clerk, wish, enrolment: (String::new(), 0), closure: String::new() }
    }

    async fn enrol(&mut self, weekdays: &[&str]) -> Answer {
        let mut wish = self.wish.clone();
        wish["weekdays"] = json!(weekdays);
        self.family.post(&at("enrolments"), wish).await
    }

    async fn step(&mut self, step: Step, everywhere: bool, single: &str) -> u16 {
        let enrolment = at(&format!("enrolments/{}", self.enrolment.0));
        let version = self.enrolment.1;
        let answer = match step {
            S::Enrol => self.enrol(FIRST).await,
            S::EnrolAgain => self.enrol(AGAIN).await,
            S::ChangeWeekdays => {
                let body = json!({ "version": version, "weekdays": CHANGED });
                self.family.put(&format!("{enrolment}/weekdays"), body).await
            }
            S::CancelMeal => self.family.post(&format!("{enrolment}/meals/{single}/cancel"), json!({})).await,
            S::End => self.family.post(&format!("{enrolment}/end"), json!({ "version": version })).await,
            S::Close => {
                let college = if everywhere { json!(null) } else { json!(COLLEGE) };
                let (from, until) = CLOSED;
                let closure =
                    json!({ "college_uai": college, "from": from, "until": until, "kind": "strike", "label": "Grève" });
                self.clerk.post(&at("closures"), closure).await
            }
            S::Withdraw => self.clerk.post(&at(&format!("closures/{}/withdraw", self.closure)), json!({})).await,
        };
        match (step, answer.status) {
            (S::Close, 201) => self.closure = answer.text("/id"),
            (S::Enrol | S::EnrolAgain | S::ChangeWeekdays | S::End, 200 | 201) => {
                self.enrolment = (answer.text("/id"), answer.number("/version"));
            }
            _ => {}
        }
        answer.status
    }

    /// The meals of these days, once what was closed or opened is applied.
    async fn meals(&self) -> Vec<(String, String)> {
        self.world.repeat(closures::apply_closure).await;
        if self.enrolment.0.is_empty() {
            return vec![];
        }
        let path = format!("enrolments/{}/meals?from={}&until={}", self.enrolment.0, DAYS[0].0, DAYS[6].0);
        let days = self.family.get(&at(&path)).await.expect(200);
        let state = |day: &Value| Some((day["date"].as_str()?.to_owned(), day["state"].as_str()?.to_owned()));
        days.json.as_array().unwrap().iter().filter_map(state).collect()
    }

    fn clear(&mut self) {
        let sql = "delete from canteen_meals; delete from canteen_rates; delete from canteen_enrolments; delete from canteen_closures";
        self.world.superuser("92").batch_execute(sql).unwrap();
        self.enrolment = (String::new(), 0);
    }
}

#[actix_web::test]
async fn in_every_order_meals_are_what_a_plain_model_says() {
    let mut stage = Stage::set().await;
    let orders = orders();
    assert_eq!(orders.len(), 252);
    // One in five of them, each with another turn of the worker; all of them take some minutes.
    let every = if std::env::var_os("PASSPLUS_LONG").is_some() { 1 } else { 5 };
    for (number, order) in orders.iter().enumerate().step_by(every) {
        // The worker comes after some of the steps; which, and what is closed or cancelled, varies from one order to the next.
        let varied = number.wrapping_mul(0x9e37_79b9) >> 8;
        let single = ["2026-11-05", "2026-11-09"][varied & 1];
        let mut plain = Plain::default();
        for (place, step) in order.iter().enumerate() {
            let told = stage.step(*step, varied & 2 != 0, single).await;
            let expected = plain.step(*step, single);
            assert_eq!(told, expected, "{step:?} of {order:?}");
            if (varied >> (place + 2)) & 1 != 0 || place == 6 {
                assert_eq!(stage.meals().await, plain.meals(), "after {step:?} of {order:?}");
            }
        }
        stage.clear();
    }
}

#[actix_web::test]
async fn who_enrols_while_a_closure_ends_has_all_his_meals() {
    let mut stage = Stage::set().await;
    for round in 0..12 {
        stage.step(S::Close, false, "").await;
        if round % 2 == 0 {
            stage.world.repeat(closures::apply_closure).await;
        }
        let withdraw = at(&format!("closures/{}/withdraw", stage.closure));
        let (family, clerk, mut wish) = (stage.family.api.clone(), stage.clerk.api.clone(), stage.wish.clone());
        wish["weekdays"] = json!(FIRST);
        let (enrolments, nothing) = (at("enrolments"), json!({}));
        let ended = async {
            clerk.post(&withdraw, nothing).await.expect(200);
            stage.world.repeat(closures::apply_closure).await
        };
        let (enrolled, _) = tokio::join!(family.post(&enrolments, wish), ended);
        let enrolled = enrolled.expect(201);
        stage.enrolment = (enrolled.text("/id"), 1);
        let meals = stage.meals().await;
        assert!(meals.len() == 4 && meals.iter().all(|(_, state)| state == "reserved"), "round {round}: {meals:?}");
        stage.clear();
    }
}

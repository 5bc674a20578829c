//! From attendance to the bill: months locked, runs drafted, checked and issued, bills that never change.

mod accounts;
mod attendance;
mod cancellations;
mod corrections;
mod evidence;
mod histories;
mod payers;
mod payments;
mod refunds;
mod runs;
mod sight;

use crate::{
    canteen::{changed, days, grid, publish},
    support::{Agent, Answer, COLLEGE, Family, Secretary, World, call, key},
};
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

pub const CANTEEN: &str = "/v1/departments/92/canteen";
pub const RUNS: &str = "/v1/departments/92/canteen/bill-runs";

pub fn at(rest: &str) -> String {
    format!("{CANTEEN}/{rest}")
}

/// A canteen in September 2026, with two people of finance and a family whose child eats there.
pub struct Table {
    pub world: World,
    pub finance: [Agent; 2],
    pub secretary: Secretary,
    pub family: Family,
    pub child: String,
}

impl Table {
    pub async fn set() -> Self {
        let world = World::start().await;
        let second = world.agent("92", "administrator").await;
        let year = days::calendar().to_string().replace('\'', "''");
        sql(
            &world,
            &format!(
                "insert into canteen_services values (gen_random_uuid(), '2026-09-01', null, gen_random_uuid(), now());
                 insert into canteen_colleges values (gen_random_uuid(), '{COLLEGE}', '2026-09-01', null, gen_random_uuid(), now());
                 insert into canteen_calendars values ('2026-2027', 1, 'published', '{year}', gen_random_uuid(), now(), gen_random_uuid(), now())"
            ),
        );
        publish(&world, &second, grid()).await;
        let fixed = |diner: &str, cents: i64| {
            changed(json!({
                "diner": diner, "base": { "kind": "fixed", "price_cents": cents }, "maximum_cents": null, "own_meal": null, "statuses": [],
            }))
        };
        publish(&world, &second, fixed("commensal", 480)).await;
        publish(&world, &second, fixed("guest", 860)).await;
        let finance = [world.agent("92", "finance").await, world.agent("92", "finance").await];
        let secretary = world.secretary(COLLEGE).await;
        let family = world.family("92").await;
        let child = world.pupil(&family, &secretary).await.child;
        let table = Self { world, finance, secretary, family, child };
        table.enrol(&table.child, Some(&table.family.id));
        table
    }

    /// Enrols a diner from September on.
    pub fn enrol(&self, person: &str, family: Option<&str>) {
        let (diner, family) = family.map_or(("commensal", "null".to_owned()), |id| ("pupil", format!("'{id}'")));
        sql(
            &self.world,
            &format!(
                "insert into canteen_enrolments (id, season, diner, person_id, family_id, college_uai, weekdays, diet, starts_on, ends_on, state,
                                                 enrolled_by, enrolled_at)
                 values (gen_random_uuid(), '2026-2027', '{diner}', '{person}', {family}, '{COLLEGE}', 27, 'everything', '2026-09-01',
                         '2027-07-02', 'active', gen_random_uuid(), now())"
            ),
        );
    }

    /// An adult of the collège; his id.
    pub fn adult(&self, kind: &str, email: Option<&str>) -> String {
        let (id, email) = (key(), email.map_or("null".to_owned(), |email| format!("'{email}'")));
        sql(
            &self.world,
            &format!(
                "insert into canteen_adults (id, kind, college_uai, last_name, first_names, email, registered_by, registered_at)
                 values ('{id}', '{kind}', '{COLLEGE}', 'Durand', 'Noé', {email}, gen_random_uuid(), now())"
            ),
        );
        id
    }

    /// A rate from a day on: cents of a meal, or of a year.
    pub fn rate(&self, person: &str, starts_on: &str, unit: &str, cents: i64, meal_cents: i64) {
        let sentence = format!("Prix du repas de {person} : {meal_cents} centimes.");
        let told = explained(unit, cents, meal_cents, &[(json!({ "rule": "fixed" }), &sentence)]);
        let now = self.world.app.db.server_now().to_rfc3339();
        sql(
            &self.world,
            &format!(
                "insert into canteen_rates (id, person_id, family_id, season, starts_on, grid_id, cents, unit, meal_cents, explanation, set_at)
                 select time_ordered_id(), '{person}', (select family_id from children where id = '{person}'), '2026-2027', '{starts_on}', id,
                        {cents}, '{unit}', {meal_cents}, '{told}', '{now}' from canteen_grids where diner = 'pupil' limit 1"
            ),
        );
    }

    /// Meals in that state, on those days.
    pub fn meals(&self, person: &str, state: &str, days: &[&str]) {
        for day in days {
            sql(
                &self.world,
                &format!(
                    "insert into canteen_meals (person_id, day, enrolment_id, family_id, college_uai, state, changed_at)
                     values ('{person}', '{day}', (select id from canteen_enrolments where person_id = '{person}'),
                             (select family_id from children where id = '{person}'), '{COLLEGE}', '{state}', now())
                     on conflict (person_id, day) do update set state = excluded.state"
                ),
            );
        }
    }

    pub async fn lock(&self, month: &str) -> Answer {
        let body = json!({ "college_uai": COLLEGE, "month": month });
        self.finance[0].post(&at("attendance-months/lock"), body).await
    }

    pub async fn reopen(&self, month: &str) -> Answer {
        let body = json!({ "college_uai": COLLEGE, "month": month, "reason": "Une absence a été oubliée." });
        self.world.administrator.post(&at("attendance-months/reopen"), body).await
    }

    pub async fn begin(&self, month: &str) -> Answer {
        self.finance[0].post(RUNS, json!({ "month": month })).await
    }

    pub async fn check(&self, run: &Answer, by: &Agent) -> Answer {
        let path = format!("{RUNS}/{}/check", run.text("/id"));
        by.post(&path, json!({ "digest": run.text("/draft/digest") })).await
    }

    pub async fn issue(&self, run: &Answer, by: &Agent) -> Answer {
        by.post(&format!("{RUNS}/{}/issue", run.text("/id")), seen(run)).await
    }

    /// A month drafted, checked and issued.
    pub async fn bill(&self, month: &str) -> Answer {
        let run = self.begin(month).await.expect(201);
        self.check(&run, &self.finance[0]).await.expect(200);
        self.issue(&run, &self.finance[1]).await.expect(200)
    }

    /// The bills and credit notes of a payer, oldest first.
    pub async fn bills_of(&self, payer: &str) -> Vec<Value> {
        let page = self.finance[0].get(&at(&format!("bills?payer_id={payer}&limit=100"))).await.expect(200);
        page.items().iter().rev().cloned().collect()
    }

    /// A bill with its lines, as the family reads it.
    pub async fn read(&self, bill: &Value) -> Answer {
        self.family.get(&at(&format!("bills/{}", bill["id"].as_str().unwrap()))).await
    }

    /// What a query in brackets answers to the superuser.
    pub fn ask(&self, query: &str) -> Value {
        call(&mut self.world.superuser("92"), query).unwrap()
    }
}

/// A price as the tariff engine tells it.
pub fn explained(unit: &str, cents: i64, meal_cents: i64, steps: &[(Value, &str)]) -> Value {
    let step = |(applied, sentence): &(Value, &str)| json!({ "applied": applied, "result_euros": "2.8", "sentence": sentence });
    json!({
        "grid": { "id": key(), "version": 1 }, "cents": cents, "unit": unit, "meal_cents": meal_cents,
        "steps": steps.iter().map(step).collect::<Vec<_>>(),
    })
}

/// What an issuer gives back of a draft.
pub fn seen(run: &Answer) -> Value {
    json!({
        "digest": run.text("/draft/digest"),
        "documents": run.number("/draft/bills") + run.number("/draft/credit_notes"),
        "total_cents": run.number("/draft/bills_cents") + run.number("/draft/credits_cents"),
    })
}

pub fn sql(world: &World, sql: &str) {
    world.superuser("92").batch_execute(sql).unwrap();
}

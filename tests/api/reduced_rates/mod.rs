//! The reduced rate of the canteen: what a guardian ticks, what is asked and never asked, what follows, and who reads it.

mod agents;
mod debits;
mod ending;
mod faults;
mod meanwhile;
mod proofs;
mod requests;
mod secrecy;
mod sight;
mod texts;

use crate::{
    canteen::{at, grid},
    support::{Agent, Answer, Api, Authorities, COLLEGE, Family, SEASON, Service, World, impot_config},
};
use diesel::connection::SimpleConnection;
use passplus::{
    app::App,
    canteen::reduced_rates::{self, Step},
    config::{Config, ImpotResource},
    fiscal::Administrations,
};
use serde_json::{Value, json};
use std::time::Duration;

/// A household of the stand-in that is taxed on nothing, and its tax number: the lowest price.
const MARTIN: (&str, &str) = ("0070812345670", "Martin");
/// One whose figures are found nowhere else: the highest price.
const LEFEVRE: (&str, &str) = ("3070812345678", "Lefèvre");
/// Known for the year before only.
const PETIT: (&str, &str) = ("3070812345679", "Petit");
const NOBODY: (&str, &str) = ("3999999999999", "Martin");

/// A department that asks, with a canteen, a tariff and a child who eats there.
struct Scene {
    world: World,
    authorities: Authorities,
    administrations: Administrations,
    family: Family,
    child: String,
    worker: Agent,
}

impl Scene {
    async fn start() -> Self {
        Self::with(grid()).await
    }

    /// With that grid.
    async fn with(grid: Value) -> Self {
        let authorities = Authorities::start().await;
        let url = authorities.url.clone();
        Self::asking(&url, authorities, grid).await
    }

    /// Asking the administrations at that address.
    async fn asking(url: &str, authorities: Authorities, grid: Value) -> Self {
        let (impot, particulier) = (impot_config(url, ImpotResource::Year), crate::support::particulier(url));
        let asks = |config: &mut Config| {
            config.departments[0].impot = Some(impot);
            config.departments[0].particulier = Some(particulier);
        };
        let departments = [("92", "Hauts-de-Seine"), ("78", "Yvelines")];
        let world = World::of(Service::start_with(&departments, asks).await).await;
        let administrations = Administrations::new(&world.config).unwrap();
        open_canteen(&world, &grid);
        let family = world.family("92").await;
        let child = family.add_child("Lou", "2015-03-14").await;
        enrol(&world, &family, &child);
        let worker = world.agent("92", "case_worker").await;
        Self { world, authorities, administrations, family, child, worker }
    }

    /// Asks what is due and may be asked; says how many calls and skips that was.
    async fn ask(&self) -> usize {
        ask(&self.world.app, &self.administrations).await
    }

    /// The request of a family with one tax number.
    async fn request(&self, taxpayer: (&str, &str)) -> Answer {
        self.family.post(&requests(), body(&[&self.child], json!(taxes(&[taxpayer])))).await
    }

    /// The same, recorded; its id.
    async fn requested(&self, taxpayer: (&str, &str)) -> String {
        self.request(taxpayer).await.expect(201).text("/id")
    }

    async fn show(&self, id: &str) -> Answer {
        self.family.get(&request(id)).await.expect(200)
    }

    /// What the child pays today and later, as the database knows it: the last rate.
    fn paid(&self) -> Value {
        let sql =
            format!("select cents from canteen_rates where person_id = '{}' order by id desc limit 1", self.child);
        self.value(&sql)
    }

    fn execute(&self, sql: &str) {
        self.world.superuser("92").batch_execute(sql).unwrap();
    }

    /// A value of the department's database.
    fn value(&self, sql: &str) -> Value {
        crate::support::call(&mut self.world.superuser("92"), &format!("({sql})")).unwrap()
    }

    /// Lets time pass; the family and the agent sign in again.
    async fn wait(&mut self, time: chrono::TimeDelta) {
        self.world.advance(time);
        self.family.api = self.world.sign_in(&self.family.email).await;
        self.worker.api = self.world.sign_in_staff(&self.worker.email, &self.worker.totp_secret).await;
    }

    /// The administrations are as if they had never failed.
    fn forget_failures(&self) {
        self.execute(
            "update authority_limits set failures = 0, paused_until = 'epoch', blocked_until = 'epoch', next_call_at = 'epoch'",
        );
    }
}

async fn ask(app: &App, administrations: &Administrations) -> usize {
    let mut asked = 0;
    loop {
        match reduced_rates::ask_next(&app.db, "92".parse().unwrap(), administrations, &app.inquiries).await.unwrap() {
            Step::Asked => asked += 1,
            Step::Rest(time) if time < Duration::from_millis(500) => tokio::time::sleep(time).await,
            Step::Rest(_) => return asked,
        }
    }
}

/// A canteen at `COLLEGE` with that grid in force.
fn open_canteen(world: &World, grid: &Value) {
    let sql = format!(
        "insert into canteen_services values (gen_random_uuid(), '2026-09-01', null, gen_random_uuid(), now());
         insert into canteen_colleges values (gen_random_uuid(), '{COLLEGE}', '2026-09-01', null, gen_random_uuid(), now());
         insert into canteen_grids (id, diner, version, state, grid, starts_on, ends_on, drafted_by, drafted_at, published_by, published_at)
         values (gen_random_uuid(), 'pupil', 1, 'published', '{}', '2026-09-01', '2027-08-31', gen_random_uuid(), now(), gen_random_uuid(), now())",
        grid.to_string().replace('\'', "''")
    );
    world.superuser("92").batch_execute(&sql).unwrap();
}

/// A child's enrolment in the canteen for the season.
fn enrol(world: &World, family: &Family, child: &str) {
    let sql = format!(
        "insert into canteen_enrolments (id, season, diner, person_id, family_id, college_uai, weekdays, diet, starts_on, ends_on, state,
                                         enrolled_by, enrolled_at)
         values (gen_random_uuid(), '{SEASON}', 'pupil', '{child}', '{}', '{COLLEGE}', 15, 'everything', '2026-09-01', '2027-07-03',
                 'active', gen_random_uuid(), now())",
        family.id
    );
    world.superuser("92").batch_execute(&sql).unwrap();
}

fn requests() -> String {
    at("reduced-rate-requests")
}

fn request(id: &str) -> String {
    at(&format!("reduced-rate-requests/{id}"))
}

fn inquiry(id: &str) -> String {
    at(&format!("reduced-rate-requests/{id}/inquiry"))
}

fn desk(rest: &str) -> String {
    format!("/v1/departments/92/agents-desk/reduced-rate-requests{rest}")
}

/// The fields of as many tax households.
fn taxes(taxpayers: &[(&str, &str)]) -> Value {
    let taxpayer = |(number, name): &(&str, &str)| json!({ "tax_number": number, "last_name": name });
    json!({ "tax_households": taxpayers.len(), "taxpayers": taxpayers.iter().map(taxpayer).collect::<Vec<_>>() })
}

/// A ticked request for these children, with these fields.
fn body(children: &[&str], fields: Value) -> Value {
    let mut body = json!({ "season": SEASON, "child_ids": children, "text_version": "2026-06", "accepted": true });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// A beneficiary whom the stand-in knows.
fn okafor() -> Value {
    json!({ "beneficiary": {
        "last_name": "Okafor", "first_names": "Chidi", "civil_sex": "M", "birth_date": "1990-11-30",
        "birth_place": { "country_code": "99338" },
    } })
}

/// The public rate, by the quotient of the CAF or the MSA.
fn benefits_grid() -> Value {
    crate::canteen::changed(json!({ "quotient_from": "family_benefits" }))
}

/// Subjects of the letters about the reduced rate that somebody received.
async fn letters(world: &World, email: &str) -> Vec<(String, String)> {
    let all = world.letters_to(email).await;
    all.into_iter().filter(|(subject, _)| subject.contains("arif")).collect()
}

fn steps(shown: &Answer) -> Vec<String> {
    shown.at("/steps").as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap().to_owned()).collect()
}

/// An agent's decision on the version that he reads first.
async fn decide(api: &Api, id: &str, fields: Value) -> Answer {
    let version = api.get(&desk(&format!("/{id}"))).await.expect(200).number("/version");
    let mut body = json!({ "version": version });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    api.post(&desk(&format!("/{id}/decision")), body).await
}

/// Means of 800 € a month: 2.80 €, seen by an agent.
fn middle() -> Value {
    json!({ "households": [{ "rfr_euros": 24_000, "parts": 2.5 }], "income_year": 2025, "note": SEEN })
}

/// What an agent saw where no document was sent.
const SEEN: &str = "Avis d'impôt présenté au guichet.";

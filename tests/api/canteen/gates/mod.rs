//! Gates and kitchens: who eats, with network and without, and what nobody there may know.

mod adults;
mod kitchen;
mod offline;
mod online;
mod operators;
mod watch;

use super::{at, days, enrol};
use crate::support::{AgeKey, Answer, Api, COLLEGE, OTHER_COLLEGE, Pupil, SEASON, Scene, World};
use data_encoding::BASE64URL_NOPAD;
use diesel::connection::SimpleConnection;
use passplus::kernel::crypto::{SigningPair, random};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};

/// The day on which tests begin, a Thursday.
pub const TODAY: &str = "2026-10-15";
/// On which the canteen serves.
const EVERY_DAY: [&str; 4] = ["monday", "tuesday", "thursday", "friday"];

/// An enrolled device of an operator.
pub struct Device {
    pub api: Api,
    pub id: String,
    pub key: Vec<u8>,
    pub age: AgeKey,
    number: AtomicI64,
}

impl std::ops::Deref for Device {
    type Target = Api;
    fn deref(&self) -> &Api {
        &self.api
    }
}

/// A collège whose canteen is at work: pupils with cards, a gate, a kitchen.
pub struct Canteen {
    pub scene: Scene,
    pub operator: String,
    pub gate: Device,
    pub kitchen: Device,
}

impl std::ops::Deref for Canteen {
    type Target = Scene;
    fn deref(&self) -> &Scene {
        &self.scene
    }
}

/// Makes a place for a device of that operator and lets it take it.
pub async fn device(world: &World, operator: &str, college: Option<&str>) -> Device {
    let kind = if college.is_some() { "gate" } else { "kitchen" };
    let mut place = json!({ "kind": kind, "label": "Entrée du réfectoire" });
    let (pair, age) = (SigningPair::generate().unwrap(), AgeKey(random()));
    let mut body = json!({ "public_key": BASE64URL_NOPAD.encode(&pair.public()) });
    if let Some(college) = college {
        place["college_uai"] = college.into();
        body["recipient"] = age.recipient().into();
    }
    let invited = world.administrator.post(&at(&format!("operators/{operator}/devices")), place).await.expect(201);
    body["enrolment_code"] = invited.at("/enrolment_code").clone();
    let id = world.api.post("/v1/devices/enrol", body).await.expect(201).text("/device_id");
    let key = pair.pkcs8().to_vec();
    let token = world.device_token(&id, &key).await;
    Device { api: world.api.with_token(&token), id, key, age, number: AtomicI64::new(1) }
}

/// An operator that serves in these collèges this school year.
pub async fn operator(world: &World, name: &str, colleges: &[&str]) -> String {
    let admin = &world.administrator;
    let id = admin.post(&at("operators"), json!({ "name": name })).await.expect(201).text("/id");
    let sites = json!({ "uais": colleges, "starts_on": "2026-09-01", "ends_on": "2027-07-05" });
    admin.post(&at(&format!("operators/{id}/sites")), sites).await.expect(201);
    id
}

/// A canteen in both collèges of 92, where meals of the same day may still be added.
pub async fn open_canteen(world: &World) {
    super::open(world, &[COLLEGE, OTHER_COLLEGE]).await;
    let mut calendar = days::calendar();
    calendar["cut_off"]["days_before"] = json!(0);
    days::publish(world, calendar).await;
}

impl Canteen {
    pub async fn open() -> Self {
        let scene = Scene::set().await;
        open_canteen(&scene.world).await;
        let operator = operator(&scene.world, "Cuisines du Val de Seine", &[COLLEGE]).await;
        let gate = device(&scene.world, &operator, Some(COLLEGE)).await;
        let kitchen = device(&scene.world, &operator, None).await;
        Self { scene, operator, gate, kitchen }
    }

    pub fn sql(&self, sql: &str) {
        self.world.superuser("92").batch_execute(sql).unwrap();
    }

    /// Enrols a child for these days of the week, from today on.
    pub async fn seat(&self, child: &str, weekdays: &[&str]) {
        let wish = json!({ "child_id": child, "season": SEASON, "weekdays": weekdays, "diet": "no_pork" });
        enrol(&self.family, &wish).await;
    }

    /// A pupil of the collège who eats on these days of the week.
    pub async fn diner_on(&self, name: &str, weekdays: &[&str]) -> Pupil {
        let pupil = self.scene.sibling(name).await;
        self.seat(&pupil.child, weekdays).await;
        pupil
    }

    /// A pupil of the collège with a reserved meal today.
    pub async fn diner(&self, name: &str) -> Pupil {
        self.diner_on(name, &EVERY_DAY).await
    }

    /// A pupil of another collège with a reserved meal there today.
    pub async fn diner_elsewhere(&self, name: &str) -> Pupil {
        let child = self.family.add_child(name, "2014-05-17").await;
        let (enrolment, version) = self.family.submit(&child, OTHER_COLLEGE).await;
        self.world.secretary(OTHER_COLLEGE).await.confirm(&enrolment, version).await;
        self.seat(&child, &EVERY_DAY).await;
        self.family.pupil(&child, &enrolment).await
    }

    /// What became of a meal otherwise than at a gate.
    pub fn set_meal(&self, child: &str, day: &str, state: &str) {
        self.sql(&format!(
            "insert into canteen_meals select person_id, '{day}', id, family_id, college_uai, '{state}', now() from canteen_enrolments
              where person_id = '{child}' on conflict (person_id, day) do update set state = excluded.state"
        ));
    }

    /// Records a care plan of a child of the collège.
    pub async fn plan(&self, child: &str, own_meal: bool, measures: &str) {
        let plan = json!({
            "season": SEASON, "measures": measures, "own_meal": own_meal, "starts_on": TODAY, "ends_on": "2027-07-02",
        });
        self.secretary.post(&self.family.path(&format!("children/{child}/care-plans")), plan).await.expect(201);
    }

    /// The meals of a child until today, as `day state` in their order.
    pub fn meals(&self, child: &str) -> Vec<String> {
        let today = passplus::kernel::time::paris_date(self.world.app.db.server_now());
        let sql = format!(
            "(select coalesce(jsonb_agg(day || ' ' || state order by day), '[]') from canteen_meals
               where person_id = '{child}' and day <= '{today}')"
        );
        let told = crate::support::call(&mut self.world.superuser("92"), &sql).unwrap();
        told.as_array().unwrap().iter().map(|meal| meal.as_str().unwrap().to_owned()).collect()
    }

    pub fn now(&self) -> String {
        self.world.app.db.server_now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
    }

    /// What is shown at a gate, as a body.
    pub fn shown(&self, gate: &Device, card: &str) -> Value {
        json!({ "sequence": gate.number.fetch_add(1, Ordering::SeqCst), "scanned_at": self.now(), "card": card })
    }

    /// Shows something at a gate.
    pub async fn show(&self, gate: &Device, card: &str) -> Answer {
        gate.post(&at("passages"), self.shown(gate, card)).await
    }

    /// Shows something at the gate; whether it eats, and why.
    pub async fn told(&self, card: &str) -> (bool, String) {
        let answer = self.show(&self.gate, card).await.expect(200);
        (answer.at("/eats") == &json!(true), answer.text("/reason"))
    }

    /// Lets time pass; the devices sign in again.
    pub async fn wait(&mut self, time: chrono::TimeDelta) {
        self.scene.wait(time).await;
        for device in [&mut self.gate, &mut self.kitchen] {
            let token = self.scene.world.device_token(&device.id, &device.key).await;
            device.api = self.scene.world.api.with_token(&token);
        }
    }
}

/// A line that somebody is told, without a number.
pub fn no(reason: &str) -> (bool, String) {
    (false, reason.to_owned())
}

pub fn yes(reason: &str) -> (bool, String) {
    (true, reason.to_owned())
}

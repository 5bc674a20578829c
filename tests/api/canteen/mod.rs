//! The canteen: where and when there is one, what a meal costs, and what anybody may find out about it.

mod adults;
mod care_plans;
pub mod days;
mod enrolments;
mod following;
mod gates;
mod meals;
mod on_behalf;
mod orders;
mod rates;
mod same_pupil;
mod services;
mod simulator;
mod slips;
mod tariffs;

use crate::support::{Agent, Api, COLLEGE, Family, SEASON, World};
use serde_json::{Value, json};

pub const CANTEEN: &str = "/v1/departments/92/canteen";

pub fn at(rest: &str) -> String {
    format!("{CANTEEN}/{rest}")
}

/// The department's public rate for pupils, for a school year.
pub fn grid() -> Value {
    json!({
        "format": 1, "label": "Élèves 2026-2027", "diner": "pupil", "starts_on": "2026-09-01", "ends_on": "2027-08-31",
        "base": { "kind": "quotient_rate", "rate": "0.0035", "floor_cents": 64, "cap_cents": 700 },
        "maximum_cents": 700, "walk_in_cents": 700, "own_meal": { "kind": "fixed", "price_cents": 100 },
        "statuses": [{ "status": "rsa", "label": "Bénéficiaire du RSA", "price_cents": 40 }], "forfait": null,
    })
}

/// The same with other values.
pub fn changed(changes: Value) -> Value {
    let mut grid = grid();
    for (name, value) in changes.as_object().unwrap() {
        grid[name] = value.clone();
    }
    grid
}

/// The administrator of 92 writes a grid, this other one publishes it; its id.
pub async fn publish(world: &World, second: &Agent, grid: Value) -> String {
    let draft = world.administrator.post(&at("grids"), json!({ "grid": grid })).await.expect(201);
    let id = draft.text("/id");
    second.post(&at(&format!("grids/{id}/publish")), json!({})).await.expect(200);
    id
}

/// 92 has a canteen since September; nobody has said where yet.
pub async fn offer(world: &World) {
    world.administrator.post(&at("services"), json!({ "starts_on": "2026-09-01" })).await.expect(201);
}

/// The canteen of 92, which it has, is at these collèges since September.
pub async fn in_scope(world: &World, colleges: &[&str]) {
    let scope = json!({ "uais": colleges, "starts_on": "2026-09-01" });
    world.administrator.post(&at("colleges"), scope).await.expect(201);
}

/// The states of the meals of an enrolment between two days, in their order.
pub async fn states(reader: &Api, enrolment: &str, from: &str, until: &str) -> Vec<String> {
    let days = reader.get(&at(&format!("enrolments/{enrolment}/meals?from={from}&until={until}"))).await.expect(200);
    let days = days.json.as_array().unwrap();
    days.iter().filter_map(|day| Some(day.get("state")?.as_str()?.to_owned())).collect()
}

/// The canteen of 92 at these collèges since September, with a calendar whose weekdays change until the end of November, and a grid for
/// each sort of diners.
pub async fn open(world: &World, colleges: &[&str]) -> Agent {
    let second = world.agent("92", "administrator").await;
    offer(world).await;
    in_scope(world, colleges).await;
    let mut calendar = days::calendar();
    calendar["weekdays_until"] = json!("2026-11-30");
    days::publish(world, calendar).await;
    publish(world, &second, grid()).await;
    let staff = json!({
        "label": "Commensaux", "diner": "commensal", "own_meal": null, "statuses": [],
        "base": { "kind": "pay_index_bands", "bands": [
            { "from_index": 0, "until_index": 465, "price_cents": 350 }, { "from_index": 466, "until_index": null, "price_cents": 520 }] },
        "maximum_cents": 520,
    });
    publish(world, &second, changed(staff)).await;
    let guests = json!({
        "label": "Invités", "diner": "guest", "own_meal": null, "statuses": [], "maximum_cents": null,
        "base": { "kind": "fixed", "price_cents": 800 }, "walk_in_cents": 800,
    });
    publish(world, &second, changed(guests)).await;
    second
}

/// A child with a request sent to `COLLEGE`, and what enrols it in the canteen on Mondays and Thursdays.
pub async fn child_of(family: &Family, first_name: &str) -> (String, Value) {
    let child = family.add_child(first_name, "2015-03-14").await;
    family.submit(&child, COLLEGE).await;
    let wish = json!({ "child_id": child, "season": SEASON, "weekdays": ["monday", "thursday"], "diet": "everything" });
    (child, wish)
}

/// An enrolment of that child; its id.
pub async fn enrol(family: &Family, wish: &Value) -> String {
    family.post(&at("enrolments"), wish.clone()).await.expect(201).text("/id")
}

/// The calendar of `open`, with one more day without meals.
pub fn calendar_without_meals(day: &str) -> Value {
    let mut calendar = days::calendar();
    calendar["weekdays_until"] = json!("2026-11-30");
    let holiday = json!({ "kind": "public_holiday", "label": "Jour chômé", "from": day, "until": day });
    calendar["breaks"].as_array_mut().unwrap().push(holiday);
    calendar
}

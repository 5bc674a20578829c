//! The canteen: where and when there is one, what a meal costs, and what anybody may find out about it.

mod days;
mod gates;
mod services;
mod simulator;
mod tariffs;

use crate::support::{Agent, World};
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

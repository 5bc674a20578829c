//! Rates that are set anew: each day keeps what held on it, and every grid is followed by those it is for.

use super::{at, calendar_without_meals, changed, child_of, days, enrol, open};
use crate::support::{Agent, COLLEGE, Family, World};
use chrono::TimeDelta;
use passplus::canteen::{meals::layout, rates};
use serde_json::{Value, json};

/// The first days of the rates of an enrolment, and what they cost for their unit.
async fn told(family: &Family, enrolment: &str) -> Vec<(String, i64)> {
    let shown = family.get(&at(&format!("enrolments/{enrolment}"))).await.expect(200);
    let rates = shown.at("/rates").as_array().unwrap().clone();
    rates
        .iter()
        .map(|rate| (rate["starts_on"].as_str().unwrap().to_owned(), rate["amount_cents"].as_i64().unwrap()))
        .collect()
}

async fn pupils_grid(world: &World) -> String {
    let shown = world.administrator.get(&at("tariffs")).await.expect(200);
    let tariffs = shown.at("/tariffs").as_array().unwrap().clone();
    tariffs.iter().find(|one| one["grid"]["diner"] == "pupil").unwrap()["id"].as_str().unwrap().to_owned()
}

/// Puts a grid into the place of the present one.
async fn replace(world: &World, second: &Agent, grid: Value) {
    let draft = json!({ "grid": grid, "replaces": pupils_grid(world).await });
    let draft = world.administrator.post(&at("grids"), draft).await.expect(201).text("/id");
    second.post(&at(&format!("grids/{draft}/publish")), json!({})).await.expect(200);
}

/// Forfaits of 36 meals a year for each day of the week, at 7 € the meal.
fn forfait() -> Value {
    let lines: Vec<Value> = (1..=5).map(|days| json!({ "days_a_week": days, "days_a_year": 36 * days })).collect();
    json!({ "forfait": lines })
}

#[actix_web::test]
async fn a_grid_that_is_replaced_before_an_enrolment_begins_is_followed_too() {
    let world = World::start().await;
    let second = open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (_, wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    assert_eq!(told(&family, &id).await, [("2026-11-02".into(), 700)]);
    let dearer = json!({ "kind": "quotient_rate", "rate": "0.0035", "floor_cents": 64, "cap_cents": 720 });
    let grid =
        changed(json!({ "maximum_cents": 720, "starts_on": "2026-10-20", "label": "Élèves bis", "base": dearer }));
    replace(&world, &second, grid).await;
    assert_eq!(world.repeat(rates::follow_grids).await, 1);
    // Of two rates of one day the last holds; the family is told.
    assert_eq!(told(&family, &id).await, [("2026-11-02".into(), 720)]);
    assert_eq!(world.repeat(rates::follow_grids).await, 0);
    world.work_off().await;
    let letters = world.letters_to(&family.email).await;
    let told: Vec<_> = letters.iter().filter(|(subject, _)| subject == "Nouveau tarif de la cantine").collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].1.contains("02/11/2026") && told[0].1.contains("7,20 € le repas"), "{}", told[0].1);
}

#[actix_web::test]
async fn days_added_to_a_year_after_the_last_one_of_a_care_plan_are_not_those_of_an_own_meal() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (child, wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    let plan = json!({
        "season": crate::support::SEASON, "measures": "Panier-repas fourni.", "own_meal": true,
        "starts_on": "2026-11-09", "ends_on": "2027-07-02",
    });
    let secretary = world.secretary(COLLEGE).await;
    secretary.post(&format!("/v1/departments/92/children/{child}/care-plans"), plan).await.expect(201);
    world.work_off().await;
    assert_eq!(told(&family, &id).await, [("2026-11-02".into(), 700), ("2026-11-09".into(), 100)]);
    let mut longer = calendar_without_meals("2026-12-24");
    longer["last_day"] = json!("2027-07-09");
    days::publish(&world, longer).await;
    assert_eq!(world.repeat(layout::lay_out_batch).await, 1);
    world.work_off().await;
    let after = [("2026-11-02".into(), 700), ("2026-11-09".into(), 100), ("2027-07-03".into(), 700)];
    assert_eq!(told(&family, &id).await, after);
}

#[actix_web::test]
async fn a_care_plan_that_comes_first_keeps_nobody_from_a_new_grid() {
    let world = World::start().await;
    let second = open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (child, wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    let cheaper = json!({ "kind": "quotient_rate", "rate": "0.0035", "floor_cents": 64, "cap_cents": 650 });
    let grid = changed(json!({ "maximum_cents": 650, "starts_on": "2026-12-01", "label": "Hiver", "base": cheaper }));
    replace(&world, &second, grid).await;
    // Before the rates follow, the plan sets those of its own days.
    let plan = json!({
        "season": crate::support::SEASON, "measures": "Panier-repas fourni.", "own_meal": true,
        "starts_on": "2026-12-07", "ends_on": "2026-12-11",
    });
    let secretary = world.secretary(COLLEGE).await;
    secretary.post(&format!("/v1/departments/92/children/{child}/care-plans"), plan).await.expect(201);
    world.work_off().await;
    assert_eq!(world.repeat(rates::follow_grids).await, 1);
    let expected = [("2026-11-02", 700), ("2026-12-01", 650), ("2026-12-07", 100), ("2026-12-12", 650)];
    assert_eq!(told(&family, &id).await, expected.map(|(day, cents)| (day.to_owned(), cents)));
    assert_eq!(world.repeat(rates::follow_grids).await, 0);
}

#[actix_web::test]
async fn days_between_two_grids_stop_nobody() {
    let world = World::start().await;
    let second = open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (child, wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    // Until Christmas, then none for a month, then another: a care plan ends in between.
    let autumn = changed(json!({ "starts_on": "2026-10-20", "ends_on": "2026-12-31", "label": "Automne" }));
    let draft = json!({ "grid": autumn, "replaces": pupils_grid(&world).await });
    let draft = world.administrator.post(&at("grids"), draft).await.expect(201).text("/id");
    let publishing = at(&format!("grids/{draft}/publish"));
    let refused = second.post(&publishing, json!({})).await.refused(422, "tariff.invalid_grid");
    assert_eq!(refused.pointers(), ["/ends_on"], "no grid leaves a hole behind it");
    // Of former times there may be one.
    let present = pupils_grid(&world).await;
    diesel::connection::SimpleConnection::batch_execute(
        &mut world.superuser("92"),
        &format!("update canteen_grids set ends_on = '2026-12-31' where id = '{present}'"),
    )
    .unwrap();
    let spring = json!({ "grid": changed(json!({ "starts_on": "2027-02-01", "label": "Printemps" })) });
    world.administrator.put(&at(&format!("grids/{draft}")), spring).await.expect(200);
    second.post(&publishing, json!({})).await.expect(200);
    let plan = json!({
        "season": crate::support::SEASON, "measures": "Panier-repas fourni.", "own_meal": true,
        "starts_on": "2026-11-09", "ends_on": "2027-01-14",
    });
    let secretary = world.secretary(COLLEGE).await;
    secretary.post(&format!("/v1/departments/92/children/{child}/care-plans"), plan).await.expect(201);
    world.work_off().await;
    world.repeat(rates::follow_grids).await;
    let last = told(&family, &id).await;
    let held = |day: &str| last.iter().rfind(|(from, _)| from.as_str() <= day).map(|(_, cents)| *cents);
    assert_eq!([held("2026-11-02"), held("2026-11-09"), held("2027-02-01")], [Some(700), Some(100), Some(700)]);
    assert_eq!(world.repeat(rates::follow_grids).await, 0);
}

#[actix_web::test]
async fn what_is_decided_later_for_past_days_counts_their_own_weeks_and_own_meals() {
    let world = World::start().await;
    let second = open(&world, &[COLLEGE]).await;
    replace(&world, &second, {
        let mut grid = changed(forfait());
        grid["starts_on"] = json!("2026-10-20");
        grid
    })
    .await;
    let mut family = world.family("92").await;
    let (child, mut wish) = child_of(&family, "Lou").await;
    wish["weekdays"] = json!(["monday", "tuesday", "thursday", "friday"]);
    let id = enrol(&family, &wish).await;
    assert_eq!(told(&family, &id).await, [("2026-11-02".into(), 144 * 700)]);
    let request = json!({ "season": crate::support::SEASON, "child_ids": [child], "text_version": "2026-06",
        "accepted": true, "by_document": true });
    let request = family.post(&at("reduced-rate-requests"), request).await.expect(201).text("/id");
    let plan = json!({
        "season": crate::support::SEASON, "measures": "Panier-repas fourni.", "own_meal": true,
        "starts_on": "2026-11-02", "ends_on": "2027-07-02",
    });
    let (mut secretary, mut worker) = (world.secretary(COLLEGE).await, world.agent("92", "case_worker").await);
    let plans = format!("/v1/departments/92/children/{child}/care-plans");
    let plan = secretary.post(&plans, plan).await.expect(201).text("/id");
    world.work_off().await;

    // In the middle of November the plan ends, and the family keeps two days of four.
    world.advance(TimeDelta::days(32));
    secretary.api = world.sign_in_staff(&secretary.email, &secretary.totp_secret).await;
    secretary.post(&format!("/v1/departments/92/care-plans/{plan}/end"), json!({})).await.expect(200);
    world.work_off().await;
    family.api = world.sign_in(&family.email).await;
    let shown = family.get(&at(&format!("enrolments/{id}"))).await.expect(200);
    let weekdays = json!({ "version": shown.number("/version"), "weekdays": ["monday", "thursday"] });
    family.put(&at(&format!("enrolments/{id}/weekdays")), weekdays).await.expect(200);
    // Only then the document is read: 800 € a month, 2.80 €, from the first day on.
    worker.api = world.sign_in_staff(&worker.email, &worker.totp_secret).await;
    let file = format!("/v1/departments/92/agents-desk/reduced-rate-requests/{request}");
    let version = worker.get(&file).await.expect(200).number("/version");
    let read = json!({ "version": version, "households": [{ "rfr_euros": 24_000, "parts": 2.5 }], "income_year": 2025, "note": "Avis vu au guichet." });
    worker.post(&format!("{file}/decision"), read).await.expect(200);

    let rates = told(&family, &id).await;
    let held = |day: &str| rates.iter().rfind(|(from, _)| from.as_str() <= day).map(|(_, cents)| *cents);
    assert_eq!(held("2026-11-10"), Some(144 * 100), "the family brought the meals, four days a week");
    assert_eq!(held("2026-11-17"), Some(144 * 280), "no more, and still four days a week");
    assert_eq!(held("2026-11-30"), Some(72 * 280), "two days a week");
}

//! What is declared twice, too far away, or where nothing is served.

use super::{at, changed, days, gates::open_canteen, offer, open};
use crate::support::{COLLEGE, OTHER_COLLEGE, World};
use chrono::TimeDelta;
use serde_json::json;
use tokio::task::JoinSet;

/// Tests begin in the school year 2026-2027: nothing is planned after that day.
const LAST: &str = "2029-08-31";
const BEYOND: [&str; 3] = ["2029-09-01", "2150-01-01", "9999-01-01"];

#[actix_web::test]
async fn two_operators_of_one_name_are_refused() {
    let world = World::start().await;
    offer(&world).await;
    let admin = &world.administrator;
    let operators = at("operators");
    admin.post(&operators, json!({ "name": "Cuisines du Val d'Été" })).await.expect(201);
    for name in ["Cuisines du Val d'Été", "  CUISINES du val D'ÉTÉ ", "cuisines du val d'été"] {
        admin.post(&operators, json!({ "name": name })).await.refused(409, "canteen_operator.name_taken");
    }
    let mut running = JoinSet::new();
    for _ in 0..6 {
        let (api, path) = (admin.api.clone(), operators.clone());
        running.spawn(async move { api.post(&path, json!({ "name": "Cuisines du Mont" })).await.status });
    }
    let made = running.join_all().await.into_iter().filter(|status| *status == 201).count();
    assert_eq!((made, admin.get(&operators).await.expect(200).items().len()), (1, 2));
    // A department without a canteen has no operator.
    let elsewhere = "/v1/departments/78/canteen/operators";
    world
        .administrator_78
        .post(elsewhere, json!({ "name": "Cuisines du Mont" }))
        .await
        .refused(409, "canteen.not_offered");
}

#[actix_web::test]
async fn what_begins_beyond_the_season_after_next_is_a_slip() {
    let world = World::start().await;
    let admin = &world.administrator;
    let (services, colleges) = (at("services"), at("colleges"));
    let rule = at(&format!("gate-rules/{COLLEGE}"));
    let refused = async |path: &str, body: serde_json::Value, pointer: &str| {
        let refused = admin.post(path, body).await.refused(422, "request.invalid");
        assert_eq!(refused.pointers(), [pointer], "{path}");
    };
    for day in BEYOND {
        refused(&services, json!({ "starts_on": day }), "/starts_on").await;
    }
    open(&world, &[COLLEGE]).await;
    let operator = admin.post(&at("operators"), json!({ "name": "Cuisines du Val" })).await.expect(201).text("/id");
    let sites = at(&format!("operators/{operator}/sites"));
    for day in BEYOND {
        refused(&colleges, json!({ "uais": [OTHER_COLLEGE], "starts_on": day }), "/starts_on").await;
        refused(&sites, json!({ "uais": [COLLEGE], "starts_on": day }), "/starts_on").await;
        let wrong = admin.put(&rule, json!({ "starts_on": day, "walk_ins": false })).await;
        assert_eq!(wrong.refused(422, "request.invalid").pointers(), ["/starts_on"]);
        let grid = changed(json!({ "starts_on": day, "ends_on": "9999-12-31" }));
        refused(&at("grids"), json!({ "grid": grid }), "/grid/starts_on").await;
    }
    // What has no end is fine; what ends in another age is none.
    for (path, uais) in [(&colleges, OTHER_COLLEGE), (&sites, COLLEGE)] {
        refused(path, json!({ "uais": [uais], "starts_on": LAST, "ends_on": "9999-01-01" }), "/ends_on").await;
        admin.post(path, json!({ "uais": [uais], "starts_on": LAST, "ends_on": null })).await.expect(201);
    }
    admin.put(&rule, json!({ "starts_on": LAST, "walk_ins": false })).await.expect(200);
    let far = changed(json!({ "starts_on": LAST, "ends_on": LAST }));
    let draft = admin.post(&at("grids"), json!({ "grid": far })).await.expect(201).text("/id");
    let grid = json!({ "grid": changed(json!({ "starts_on": "2029-09-01" })) });
    let wrong = admin.put(&at(&format!("grids/{draft}")), grid).await.refused(422, "request.invalid");
    assert_eq!(wrong.pointers(), ["/grid/starts_on"]);
    world.api.get(&at("tariffs?day=9999-01-01")).await.refused(400, "request.query");

    let mut calendar = days::calendar();
    calendar["first_day"] = json!("9998-09-01");
    let wrong = admin.put(&at("calendars/9998-9999/draft"), calendar.clone()).await.refused(422, "request.invalid");
    assert_eq!(wrong.pointers(), ["/first_day"]);
    calendar = days::calendar();
    calendar["breaks"][1]["until"] = json!("9999-01-01");
    let drafted = admin.put(&at("calendars/2026-2027/draft"), calendar).await.expect(200);
    assert_eq!(drafted.text("/problems/0/pointer"), "/breaks/1");
}

#[actix_web::test]
async fn no_rule_site_or_gate_is_made_where_no_meal_will_be_served() {
    let mut world = World::start().await;
    open_canteen(&world).await;
    let admin = &world.administrator;
    let operator = admin.post(&at("operators"), json!({ "name": "Cuisines du Val" })).await.expect(201).text("/id");
    let sites = at(&format!("operators/{operator}/sites"));
    let site = |uai: &str| json!({ "uais": [uai], "starts_on": "2026-09-01" });
    admin.post(&sites, site(COLLEGE)).await.expect(201);
    // Both are in scope until the 20th.
    let scope = admin.get(&at("colleges")).await.expect(200);
    for college in scope.items() {
        let end = at(&format!("colleges/{}/end", college["id"].as_str().unwrap()));
        admin.put(&end, json!({ "ends_on": "2026-10-20" })).await.expect(200);
    }
    let rule = |uai: &str| at(&format!("gate-rules/{uai}"));
    let from = |day: &str| json!({ "starts_on": day, "walk_ins": false });
    admin.put(&rule(COLLEGE), from("2026-10-20")).await.expect(200);
    admin.put(&rule(COLLEGE), from("2026-10-21")).await.refused(409, "canteen.not_offered");
    let devices = at(&format!("operators/{operator}/devices"));
    let gate = json!({ "kind": "gate", "college_uai": COLLEGE, "label": "Entrée" });
    admin.post(&devices, gate.clone()).await.expect(201);

    world.advance(TimeDelta::days(6));
    world.wake_administrators().await;
    let admin = &world.administrator;
    admin.put(&rule(COLLEGE), from("2026-10-21")).await.refused(409, "canteen.not_offered");
    admin.post(&sites, site(OTHER_COLLEGE)).await.refused(409, "canteen.not_offered");
    assert_eq!(admin.post(&devices, gate.clone()).await.refused(422, "request.invalid").pointers(), ["/college_uai"]);
    // It comes back into scope after the year.
    let back = json!({ "uais": [COLLEGE], "starts_on": "2027-09-01" });
    admin.post(&at("colleges"), back).await.expect(201);
    admin.put(&rule(COLLEGE), from("2026-10-21")).await.expect(200);
    admin.post(&devices, gate).await.expect(201);
}

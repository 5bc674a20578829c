//! When the canteen serves: calendars by two persons, closures, and the exact instant after which a meal stands.

use crate::support::{COLLEGE, OTHER_COLLEGE, World};
use chrono::TimeDelta;
use serde_json::{Value, json};

const CALENDAR: &str = "/v1/departments/92/canteen/calendars/2026-2027";
const CLOSURES: &str = "/v1/departments/92/canteen/closures";

pub fn calendar() -> Value {
    json!({
        "first_day": "2026-09-01", "last_day": "2027-07-02",
        "served_on": ["monday", "tuesday", "thursday", "friday"],
        "breaks": [
            { "kind": "school_holiday", "label": "Toussaint", "from": "2026-10-17", "until": "2026-11-01" },
            { "kind": "public_holiday", "label": "Armistice", "from": "2026-11-11", "until": "2026-11-11" },
        ],
        "weekdays_until": "2026-09-27",
        "cut_off": { "days_before": 3, "counting": "jours_ouvres", "at": null },
    })
}

fn days(from: &str, until: &str) -> String {
    format!("{CALENDAR}/days?college_uai={COLLEGE}&from={from}&until={until}")
}

/// The season's calendar, published by two persons.
pub async fn publish(world: &World, calendar: Value) -> i64 {
    let drafted = world.administrator.put(&format!("{CALENDAR}/draft"), calendar).await.expect(200);
    let version = drafted.number("/version");
    let other = world.agent("92", "administrator").await;
    other.post(&format!("{CALENDAR}/publish"), json!({ "version": version })).await.expect(200);
    version
}

#[actix_web::test]
async fn a_calendar_is_written_by_one_person_and_published_by_another() {
    let mut world = World::start().await;
    let draft = format!("{CALENDAR}/draft");
    let publish = format!("{CALENDAR}/publish");
    let (administrator, other) = (&world.administrator, world.agent("92", "administrator").await);
    administrator.get(&draft).await.refused(404, "not_found");
    other.post(&publish, json!({ "version": 1 })).await.refused(409, "canteen_calendar.not_draft");
    for (member, value, pointer) in [
        ("served_on", json!(["sunday"]), "/served_on/0"),
        ("first_day", json!("2026-02-30"), "/first_day"),
        ("colour", json!("red"), "/colour"),
        ("cut_off", json!({ "days_before": -1, "counting": "jours_ouvres", "at": null }), "/cut_off/days_before"),
    ] {
        let mut wrong = calendar();
        wrong[member] = value;
        assert_eq!(administrator.put(&draft, wrong).await.refused(422, "request.invalid").pointers(), [pointer]);
    }
    let mut incoherent = calendar();
    incoherent["served_on"] = json!([]);
    let drafted = administrator.put(&draft, incoherent).await.expect(200);
    assert_eq!(drafted.text("/problems/0/pointer"), "/served_on");
    let refused = other.post(&publish, json!({ "version": 1 })).await.refused(422, "canteen_calendar.invalid");
    assert_eq!(refused.pointers(), ["/served_on"]);

    let drafted = administrator.put(&draft, calendar()).await.expect(200);
    assert_eq!((drafted.number("/version"), drafted.at("/problems")), (1, &json!([])));
    world.family("92").await.get(CALENDAR).await.refused(404, "not_found");
    administrator.post(&publish, json!({ "version": 1 })).await.refused(409, "four_eyes.same_person");
    other.post(&publish, json!({ "version": 2 })).await.refused(409, "version.stale");
    let clerk = world.agent("92", "case_worker").await;
    assert_eq!(clerk.get(&draft).await.expect(200).json, drafted.json);
    clerk.put(&draft, calendar()).await.refused(403, "auth.forbidden");
    other.post(&publish, json!({ "version": 1 })).await.expect(200);
    other.post(&publish, json!({ "version": 1 })).await.refused(409, "canteen_calendar.not_draft");
    let shown = world.service.api.get(CALENDAR).await.expect(200);
    assert_eq!((shown.number("/version"), shown.at("/calendar")), (1, &calendar()));

    // Later versions leave the past alone.
    let mut later = calendar();
    later["breaks"][1]["from"] = json!("2026-09-03");
    later["breaks"][1]["until"] = json!("2026-09-03");
    administrator.put(&draft, later).await.expect(200);
    other.post(&publish, json!({ "version": 2 })).await.refused(409, "canteen_calendar.retroactive");
    let mut later = calendar();
    later["last_day"] = json!("2027-07-01");
    administrator.put(&draft, later).await.expect(200);
    world.advance(TimeDelta::minutes(6));
    other.post(&publish, json!({ "version": 2 })).await.refused(403, "auth.step_up_required");
    world.wake_administrators().await;
    let fresh = world.agent("92", "administrator").await;
    assert_eq!(fresh.post(&publish, json!({ "version": 2 })).await.expect(200).number("/version"), 2);
    world.administrator_78.get(&draft).await.refused(404, "not_found");
    world.service.api.get("/v1/departments/78/canteen/calendars/2026-2027").await.refused(404, "not_found");
}

#[actix_web::test]
async fn families_read_each_meal_day_with_the_instant_from_which_it_stands() {
    let world = World::start().await;
    let visitor = &world.service.api;
    visitor.get(&days("2026-11-09", "2026-11-15")).await.refused(404, "not_found");
    publish(&world, calendar()).await;
    let told = visitor.get(&days("2026-11-09", "2026-11-15")).await.expect(200);
    assert_eq!(
        told.json,
        json!([
            { "date": "2026-11-09", "too_late_from": "2026-11-04T23:00:00Z" },
            { "date": "2026-11-10", "too_late_from": "2026-11-05T23:00:00Z" },
            { "date": "2026-11-12", "too_late_from": "2026-11-06T23:00:00Z" },
            { "date": "2026-11-13", "too_late_from": "2026-11-09T23:00:00Z" },
        ])
    );
    for (from, until) in [("2026-11-09", "2026-11-08"), ("2026-11-01", "2027-01-02")] {
        assert_eq!(visitor.get(&days(from, until)).await.refused(422, "request.invalid").pointers(), ["until"]);
    }
    assert_eq!(visitor.get(&days("2026-11-01", "2027-01-01")).await.expect(200).json.as_array().unwrap().len(), 36);
}

#[actix_web::test]
async fn a_closure_is_told_where_it_is_and_withdrawn_before_it_begins() {
    let world = World::start().await;
    let visitor = &world.service.api;
    publish(&world, calendar()).await;
    let clerk = world.agent("92", "case_worker").await;
    let closure = |college: Value, from: &str, until: &str| json!({ "college_uai": college, "from": from, "until": until, "kind": "strike", "label": "Grève" });
    for (from, until, pointer) in [
        ("2026-09-13", "2026-09-15", "/from"),
        ("2026-11-12", "2026-11-11", "/until"),
        ("2026-11-12", "2027-03-12", "/until"),
    ] {
        let refused = clerk.post(CLOSURES, closure(json!(null), from, until)).await.refused(422, "request.invalid");
        assert_eq!(refused.pointers(), [pointer]);
    }
    let here = clerk.post(CLOSURES, closure(json!(COLLEGE), "2026-11-12", "2026-11-12")).await.expect(201);
    clerk.post(CLOSURES, closure(json!(OTHER_COLLEGE), "2026-11-10", "2026-11-10")).await.expect(201);
    let everywhere = clerk.post(CLOSURES, closure(json!(null), "2026-11-13", "2026-11-20")).await.expect(201);
    let closed = async |from: &str, until: &str| -> Vec<Value> {
        let told = visitor.get(&days(from, until)).await.expect(200);
        let days = told.json.as_array().unwrap().iter().filter(|day| day.get("closed").is_some());
        days.map(|day| day["date"].clone()).collect()
    };
    assert_eq!(closed("2026-11-09", "2026-11-16").await, ["2026-11-12", "2026-11-13", "2026-11-16"]);

    let withdraw = |id: &str| format!("{CLOSURES}/{id}/withdraw");
    let taken_back = clerk.post(&withdraw(&everywhere.text("/id")), json!({})).await.expect(200);
    assert!(taken_back.json.get("withdrawn_at").is_some());
    clerk.post(&withdraw(&everywhere.text("/id")), json!({})).await.refused(409, "canteen_closure.transition");
    clerk.post(&withdraw(&uuid::Uuid::nil().to_string()), json!({})).await.refused(404, "not_found");
    assert_eq!(closed("2026-11-09", "2026-11-16").await, ["2026-11-12"]);
    let today = clerk.post(CLOSURES, closure(json!(COLLEGE), "2026-10-15", "2026-10-15")).await.expect(201);
    clerk.post(&withdraw(&today.text("/id")), json!({})).await.refused(409, "canteen_closure.transition");
    let listed = visitor.get(CLOSURES).await.expect(200);
    assert_eq!((listed.items().len(), &listed.items()[3]["id"]), (4, &here.json["id"]));

    let secretary = world.secretary(COLLEGE).await;
    secretary
        .api
        .post(CLOSURES, closure(json!(COLLEGE), "2026-11-12", "2026-11-12"))
        .await
        .refused(403, "auth.forbidden");
}

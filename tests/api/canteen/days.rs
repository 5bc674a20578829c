//! When the canteen serves: calendars by two persons, closures, and the exact instant after which a meal stands.

use super::open;
use crate::support::{COLLEGE, OTHER_COLLEGE, World};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::task::JoinSet;

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
    super::offer(&world).await;
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
    super::offer(&world).await;
    let visitor = &world.service.api;
    visitor.get(&days("2026-11-09", "2026-11-15")).await.refused(404, "not_found");
    publish(&world, calendar()).await;
    // Nothing is served where no canteen is in scope.
    assert_eq!(visitor.get(&days("2026-11-09", "2026-11-15")).await.expect(200).json, json!([]));
    super::in_scope(&world, &[COLLEGE]).await;
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
async fn a_closure_is_told_where_it_is_and_withdrawn_once() {
    let world = World::start().await;
    let visitor = &world.service.api;
    open(&world, &[COLLEGE, OTHER_COLLEGE]).await;
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
    let begun = withdraw(&today.text("/id"));
    for reason in [json!({}), json!({ "reason": null }), json!({ "reason": "" })] {
        let refused = clerk.post(&begun, reason).await.refused(422, "request.invalid");
        assert_eq!(refused.pointers(), ["/reason"]);
    }
    let reason = json!({ "reason": "La grève est celle d'un autre collège." });
    clerk.post(&begun, reason.clone()).await.expect(200);
    clerk.post(&begun, reason).await.refused(409, "canteen_closure.transition");
    let listed = visitor.get(CLOSURES).await.expect(200);
    assert_eq!((listed.items().len(), &listed.items()[3]["id"]), (4, &here.json["id"]));

    let secretary = world.secretary(COLLEGE).await;
    secretary
        .api
        .post(CLOSURES, closure(json!(COLLEGE), "2026-11-12", "2026-11-12"))
        .await
        .refused(403, "auth.forbidden");
}

#[actix_web::test]
async fn only_days_with_meals_are_closed_and_only_once() {
    let world = World::start().await;
    let clerk = world.agent("92", "case_worker").await;
    let closure = |college: Value, from: &str, until: &str| json!({ "college_uai": college, "from": from, "until": until, "kind": "works", "label": "Travaux" });
    let declare =
        async |college: Value, from: &str, until: &str| clerk.post(CLOSURES, closure(college, from, until)).await;
    let faults = async |college: Value, from: &str, until: &str| {
        declare(college, from, until).await.refused(422, "request.invalid").pointers()
    };
    declare(json!(null), "2026-11-12", "2026-11-12").await.refused(409, "canteen.not_offered");
    super::offer(&world).await;
    assert_eq!(faults(json!(null), "2026-11-12", "2026-11-12").await, ["/from"], "no calendar is published");
    publish(&world, calendar()).await;
    assert_eq!(faults(json!(null), "2026-11-12", "2026-11-12").await, ["/from"], "no collège is in scope");
    super::in_scope(&world, &[COLLEGE, OTHER_COLLEGE]).await;
    for (college, from, until, pointer) in [
        // The school year ends on 2 July.
        (json!(null), "2027-07-05", "2027-07-05", "/from"),
        (json!(null), "9999-01-01", "9999-01-01", "/from"),
        (json!(COLLEGE), "2027-07-01", "2027-07-05", "/until"),
        // A public holiday, a week-end, a Wednesday, holidays, and where there is no canteen.
        (json!(null), "2026-11-11", "2026-11-11", "/from"),
        (json!(COLLEGE), "2026-11-07", "2026-11-08", "/from"),
        (json!(COLLEGE), "2026-11-18", "2026-11-18", "/from"),
        (json!(null), "2026-10-17", "2026-11-01", "/from"),
        (json!("0920003D"), "2026-11-12", "2026-11-13", "/from"),
    ] {
        assert_eq!(faults(college.clone(), from, until).await, [pointer], "{college} {from} {until}");
    }
    let overlap = "canteen_closure.overlap";
    let first = declare(json!(COLLEGE), "2026-11-12", "2026-11-13").await.expect(201).text("/id");
    declare(json!(COLLEGE), "2026-11-12", "2026-11-13").await.refused(409, overlap);
    declare(json!(COLLEGE), "2026-11-13", "2026-11-16").await.refused(409, overlap);
    // A strike everywhere falls into the works of one; then that day is closed in each.
    let strike = declare(json!(null), "2026-11-12", "2026-11-12").await.expect(201).text("/id");
    declare(json!(null), "2026-11-10", "2026-11-13").await.refused(409, overlap);
    declare(json!(OTHER_COLLEGE), "2026-11-11", "2026-11-12").await.refused(409, overlap);
    declare(json!(OTHER_COLLEGE), "2026-11-12", "2026-11-13").await.expect(201);
    for id in [first, strike] {
        clerk.post(&format!("{CLOSURES}/{id}/withdraw"), json!({})).await.expect(200);
    }
    declare(json!(COLLEGE), "2026-11-13", "2026-11-16").await.expect(201);

    let mut running = JoinSet::new();
    for _ in 0..6 {
        let (api, body) = (clerk.api.clone(), closure(json!(null), "2026-11-19", "2026-11-20"));
        running.spawn(async move { api.post(CLOSURES, body).await });
    }
    let answers = running.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    answers.into_iter().filter(|answer| answer.status != 201).for_each(|answer| drop(answer.refused(409, overlap)));
}

//! Care plans: what the kitchen has to do, sealed, read by few, each reading journalled.

use super::{at, child_of, enrol, following, offer, open};
use crate::support::{COLLEGE, OTHER_COLLEGE, SEASON, World, call};
use chrono::TimeDelta;
use passplus::canteen::care_plans;
use serde_json::{Value, json};

#[actix_web::test]
async fn a_care_plan_tells_what_to_do_lowers_the_price_of_an_own_meal_and_is_read_by_few() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (child, wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    let secretary = world.secretary(COLLEGE).await;
    let path = format!("/v1/departments/92/children/{child}/care-plans");
    let plan = json!({
        "season": SEASON, "measures": "Panier-repas fourni, réchauffé à part.", "own_meal": true,
        "starts_on": "2026-11-09", "ends_on": "2027-07-02",
    });
    for (member, value, pointer) in [
        ("measures", json!(""), "/measures"),
        ("ends_on", json!("2026-11-08"), "/ends_on"),
        ("ends_on", json!("2027-09-01"), "/ends_on"),
        ("starts_on", json!("2026-08-31"), "/starts_on"),
        ("illness", json!("allergie"), "/illness"),
    ] {
        let mut wrong = plan.clone();
        wrong[member] = value;
        assert_eq!(secretary.post(&path, wrong).await.refused(422, "request.invalid").pointers(), [pointer]);
    }
    world.secretary(OTHER_COLLEGE).await.post(&path, plan.clone()).await.refused(404, "not_found");
    family.post(&path, plan.clone()).await.refused(403, "auth.forbidden");
    world.agent("92", "finance").await.post(&path, plan.clone()).await.refused(403, "auth.forbidden");
    let recorded = secretary.post(&path, plan.clone()).await.expect(201);
    secretary.post(&path, plan.clone()).await.refused(409, "care_plan.exists");
    world.work_off().await;

    // The price follows from the plan's first day on, and the secretary never saw one.
    let rates = family.get(&at(&format!("enrolments/{id}"))).await.expect(200);
    assert_eq!((rates.text("/rates/1/starts_on"), rates.number("/rates/1/meal_cents")), ("2026-11-09".into(), 100));

    let seen = family.get(&path).await.expect(200);
    assert_eq!(seen.text("/0/measures"), "Panier-repas fourni, réchauffé à part.");
    let desk = format!("/v1/departments/92/desk/children/{child}/care-plans");
    assert_eq!(secretary.get(&desk).await.expect(200).json, seen.json);
    world.secretary(OTHER_COLLEGE).await.get(&desk).await.refused(404, "not_found");
    world.family("92").await.get(&path).await.refused(404, "not_found");
    family.get(&desk).await.refused(403, "auth.forbidden");
    let journal = world.administrator.get("/v1/departments/92/journal?limit=100").await.expect(200);
    let readings = journal.items().iter().filter(|line| line["action"] == "care_plan_viewed").count();
    assert_eq!(readings, 2);

    let end = format!("/v1/departments/92/care-plans/{}/end", recorded.text("/id"));
    world.secretary(OTHER_COLLEGE).await.post(&end, json!({})).await.refused(404, "not_found");
    secretary.post(&end, json!({})).await.expect(200);
    secretary.post(&end, json!({})).await.refused(409, "care_plan.ended");
    world.work_off().await;
    let rates = family.get(&at(&format!("enrolments/{id}"))).await.expect(200);
    let last = rates.at("/rates").as_array().unwrap().last().unwrap().clone();
    assert_eq!((last["starts_on"].as_str(), last["meal_cents"].as_i64()), (Some("2026-11-09"), Some(700)));
}

#[actix_web::test]
async fn a_child_without_a_request_has_no_care_plan() {
    let world = World::start().await;
    offer(&world).await;
    let family = world.family("92").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    let clerk = world.agent("92", "case_worker").await;
    let plan = json!({ "season": SEASON, "measures": "x", "own_meal": false, "starts_on": "2026-11-09", "ends_on": "2027-07-02" });
    clerk
        .post(&format!("/v1/departments/92/children/{child}/care-plans"), plan)
        .await
        .refused(409, "canteen.request_needed");
}

fn plan(starts_on: &str, ends_on: &str) -> Value {
    json!({ "season": SEASON, "measures": "Sans arachide.", "own_meal": false, "starts_on": starts_on, "ends_on": ends_on })
}

#[actix_web::test]
async fn a_care_plan_goes_with_the_child_to_another_college() {
    let world = World::start().await;
    open(&world, &[COLLEGE, OTHER_COLLEGE]).await;
    let family = world.family("92").await;
    let (child, _) = child_of(&family, "Lou").await;
    let (former, next) = (world.secretary(COLLEGE).await, world.secretary(OTHER_COLLEGE).await);
    let path = format!("/v1/departments/92/children/{child}/care-plans");
    let desk = format!("/v1/departments/92/desk/children/{child}/care-plans");
    let recorded = former.post(&path, plan("2026-10-15", "2027-07-02")).await.expect(201);
    let end = format!("/v1/departments/92/care-plans/{}/end", recorded.text("/id"));
    next.post(&end, json!({})).await.refused(404, "not_found");
    following::arrival(&world, OTHER_COLLEGE).await;
    former.get(&desk).await.refused(404, "not_found");
    former.post(&end, json!({})).await.refused(404, "not_found");
    assert_eq!(next.get(&desk).await.expect(200).text("/0/measures"), "Sans arachide.");
    next.post(&path, plan("2026-10-15", "2027-07-02")).await.refused(409, "care_plan.exists");
    next.post(&end, json!({})).await.expect(200);
    next.post(&path, plan("2026-10-15", "2027-07-02")).await.expect(201);
}

#[actix_web::test]
async fn a_care_plan_whose_time_is_over_bars_no_other_and_is_forgotten_with_its_season() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (child, _) = child_of(&family, "Lou").await;
    let secretary = world.secretary(COLLEGE).await;
    let path = format!("/v1/departments/92/children/{child}/care-plans");
    secretary.post(&path, plan("2026-11-02", "2026-12-18")).await.expect(201);
    secretary.post(&path, plan("2026-12-18", "2027-07-02")).await.refused(409, "care_plan.exists");
    secretary.post(&path, plan("2027-01-04", "2027-08-31")).await.expect(201);
    let kept = || call(&mut world.superuser("92"), "(select count(*) from canteen_care_plans)").unwrap();
    // Until 31 August.
    world.advance(TimeDelta::days(319));
    assert_eq!((world.repeat(care_plans::forget_past).await, kept()), (0, json!(2)));
    world.advance(TimeDelta::days(2));
    assert_eq!((world.repeat(care_plans::forget_past).await, kept()), (2, json!(0)));
}

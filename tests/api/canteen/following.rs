//! The canteen follows the child: to another collège, or out of the scheme.

use super::{at, child_of, enrol, open, states};
use crate::support::{COLLEGE, OTHER_COLLEGE, SEASON, World};
use diesel::connection::SimpleConnection;
use passplus::{canteen::enrolments::following, enrolments::closing};
use serde_json::json;

/// Lou Martin comes to that collège.
pub async fn arrival(world: &World, at_college: &str) {
    let secretary = world.secretary(at_college).await;
    let pupil = json!({ "season": SEASON, "last_name": "Martin", "first_names": "Lou", "birth_date": "2015-03-14", "level": "6e" });
    secretary.post("/v1/departments/92/desk/arrivals", pupil).await.expect(200);
}

#[actix_web::test]
async fn a_change_of_college_takes_the_canteen_along_from_the_next_day() {
    let world = World::start().await;
    open(&world, &[COLLEGE, OTHER_COLLEGE]).await;
    let family = world.family("92").await;
    let (child, wish) = child_of(&family, "Lou").await;
    let former = enrol(&family, &wish).await;
    assert_eq!(world.repeat(following::follow_requests).await, 0);
    arrival(&world, OTHER_COLLEGE).await;
    assert_eq!(world.repeat(following::follow_requests).await, 1);
    assert_eq!(world.repeat(following::follow_requests).await, 0);
    let list = family.get(&format!("/v1/departments/92/children/{child}/canteen-enrolments")).await.expect(200);
    assert_eq!((list.text("/0/college_uai"), list.text("/0/state")), (OTHER_COLLEGE.into(), "active".into()));
    assert_eq!((list.text("/1/id"), list.text("/1/end_reason")), (former, "changed_college".into()));
    assert_eq!(list.number("/0/rates/0/meal_cents"), 700);
    let meals = at(&format!("enrolments/{}/meals?from=2026-11-02&until=2026-11-06", list.text("/0/id")));
    let days = family.get(&meals).await.expect(200);
    assert_eq!((days.text("/0/state"), days.text("/2/state")), ("reserved".into(), "reserved".into()));
    world.work_off().await;
    let letters = world.letters_to(&family.email).await;
    assert!(letters.iter().any(|(subject, _)| subject == "La cantine suit le changement de collège"));
}

#[actix_web::test]
async fn what_a_family_chose_for_single_days_goes_along_to_the_next_college() {
    let world = World::start().await;
    open(&world, &[COLLEGE, OTHER_COLLEGE]).await;
    let family = world.family("92").await;
    let (child, wish) = child_of(&family, "Lou").await;
    let former = at(&format!("enrolments/{}/meals", enrol(&family, &wish).await));
    // Of Mondays and Thursdays one is given up, and a Tuesday and a Friday are taken up.
    for (day, choice) in [("2026-11-09", "cancel"), ("2026-11-10", "reserve"), ("2026-11-13", "reserve")] {
        family.post(&format!("{former}/{day}/{choice}"), json!({})).await.expect(200);
    }
    let clerk = world.agent("92", "case_worker").await;
    let strike = json!({ "college_uai": OTHER_COLLEGE, "from": "2026-11-12", "until": "2026-11-13", "kind": "strike", "label": "Grève" });
    clerk.post(&at("closures"), strike).await.expect(201);
    arrival(&world, OTHER_COLLEGE).await;
    assert_eq!(world.repeat(following::follow_requests).await, 1);
    let list = family.get(&format!("/v1/departments/92/children/{child}/canteen-enrolments")).await.expect(200);
    let moved = list.text("/0/id");
    // Monday 2 to Monday 16.
    assert_eq!(
        states(&family, &moved, "2026-11-02", "2026-11-16").await,
        ["reserved", "reserved", "cancelled", "reserved", "closed", "closed", "reserved"]
    );
    // Cancelled as a single day, it stays so when the days of the week change.
    let path = at(&format!("enrolments/{moved}"));
    let days =
        json!({ "version": family.get(&path).await.expect(200).number("/version"), "weekdays": ["monday", "friday"] });
    family.put(&format!("{path}/weekdays"), days).await.expect(200);
    assert_eq!(states(&family, &moved, "2026-11-09", "2026-11-10").await, ["cancelled", "reserved"]);
}

#[actix_web::test]
async fn where_there_is_no_canteen_or_no_right_left_the_enrolment_ends() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (child, wish) = child_of(&family, "Lou").await;
    enrol(&family, &wish).await;
    arrival(&world, OTHER_COLLEGE).await;
    assert_eq!(world.repeat(following::follow_requests).await, 1);
    let list = |child: &str| format!("/v1/departments/92/children/{child}/canteen-enrolments");
    let ended = family.get(&list(&child)).await.expect(200);
    assert_eq!((ended.json.as_array().unwrap().len(), ended.text("/0/end_reason")), (1, "changed_college".into()));

    let sibling = family.add_child("Ana", "2014-05-02").await;
    let (request, version) = family.submit(&sibling, COLLEGE).await;
    let wish = json!({ "child_id": sibling, "season": SEASON, "weekdays": ["monday"], "diet": "everything" });
    let id = enrol(&family, &wish).await;
    let clerk = world.agent("92", "case_worker").await;
    let departure = json!({ "version": version, "reason": "moved_away" });
    clerk.post(&format!("/v1/departments/92/enrolments/{request}/departure"), departure).await.expect(200);
    assert_eq!(world.repeat(following::follow_requests).await, 1);
    let ended = family.get(&list(&sibling)).await.expect(200);
    assert_eq!((ended.text("/0/state"), ended.text("/0/end_reason")), ("ended".into(), "left_scheme".into()));
    // Seven Mondays until the holidays.
    assert_eq!(states(&family, &id, "2026-11-02", "2026-12-18").await, ["cancelled"; 7]);
}

/// What was not spent is taken back on 30 June; the canteen serves until the calendar's last day.
#[actix_web::test]
async fn the_end_of_the_wallets_season_ends_no_enrolment() {
    let world = World::start().await;
    open(&world, &[COLLEGE, OTHER_COLLEGE]).await;
    let family = world.family("92").await;
    let (child, wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    let over = "insert into season_expiries (id, season, expected_wallets, expected_cents, ordered_by, ordered_at, runs_at, done_at, state,
                                             decided_by, decided_at)
                values (gen_random_uuid(), '2026-2027', 0, 0, gen_random_uuid(), now(), now(), now(), 'approved', gen_random_uuid(), now())";
    world.superuser("92").batch_execute(over).unwrap();
    assert_eq!(world.repeat(closing::close_batch).await, 1);
    let requests = family.get(&format!("/v1/departments/92/children/{child}/enrolments")).await.expect(200);
    assert!(requests.json.to_string().contains("\"expired\""), "{}", requests.json);
    assert_eq!(world.repeat(following::follow_requests).await, 0);
    assert_eq!(family.get(&at(&format!("enrolments/{id}"))).await.expect(200).text("/state"), "active");
    assert_eq!(states(&family, &id, "2027-06-28", "2027-07-02").await, ["reserved", "reserved"]);
}

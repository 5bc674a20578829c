//! The canteen follows the child: to another collège, out of the scheme, and back when that was a mistake.

use super::{at, child_of, enrol, open, states};
use crate::{
    coverage::rows,
    support::{Agent, Answer, Api, COLLEGE, Family, OTHER_COLLEGE, SEASON, World},
};
use diesel::connection::SimpleConnection;
use passplus::{canteen::enrolments::following, enrolments::closing};
use serde_json::{Value, json};

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

/// Lou's request, whose rights are open, and its enrolment in the canteen on Mondays and Thursdays.
struct Pupil {
    child: String,
    request: String,
    wish: Value,
    enrolment: String,
}

impl Pupil {
    async fn new(world: &World, family: &Family) -> Self {
        let child = family.add_child("Lou", "2015-03-14").await;
        let (request, version) = family.submit(&child, COLLEGE).await;
        world.secretary(COLLEGE).await.confirm(&request, version).await;
        let wish =
            json!({ "child_id": child, "season": SEASON, "weekdays": ["monday", "thursday"], "diet": "no_pork" });
        let enrolment = enrol(family, &wish).await;
        Self { child, request, wish, enrolment }
    }

    async fn departs(&self, world: &World) {
        left(world, &world.agent("92", "case_worker").await, &self.request).await;
    }

    async fn returns(&self, world: &World) {
        returned(world, &world.agent("92", "case_worker").await, &self.request).await;
    }

    /// Its enrolments in the canteen, the last one first.
    async fn enrolments(&self, family: &Api) -> Answer {
        family.get(&format!("/v1/departments/92/children/{}/canteen-enrolments", self.child)).await.expect(200)
    }
}

/// The version of a request.
fn version_of(world: &World, request: &str) -> Value {
    let query = format!("select version from enrolments where id = '{request}'");
    rows(&mut world.superuser("92"), &query)[0]["version"].clone()
}

async fn left(world: &World, clerk: &Agent, request: &str) {
    let path = format!("/v1/departments/92/enrolments/{request}");
    let version = version_of(world, request);
    let body = json!({ "version": version, "reason": "moved_away" });
    clerk.post(&format!("{path}/departure"), body).await.expect(200);
}

async fn returned(world: &World, clerk: &Agent, request: &str) -> String {
    let path = format!("/v1/departments/92/enrolments/{request}");
    let version = version_of(world, request);
    let body = json!({ "version": version, "note": "Erreur de dossier." });
    clerk.post(&format!("{path}/departure/undo"), body).await.expect(200).text("/state")
}

/// The letters with that subject.
async fn letters(world: &World, email: &str, subject: &str) -> Vec<String> {
    let all = world.letters_to(email).await;
    all.into_iter().filter(|(about, _)| about == subject).map(|(_, body)| body).collect()
}

const RESUMES: &str = "L'inscription à la cantine reprend";
const DOES_NOT: &str = "L'inscription à la cantine ne reprend pas";

#[actix_web::test]
async fn a_departure_taken_back_gives_the_canteen_back_from_the_first_meal_that_can_be_reserved() {
    let mut world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let email = family.email.clone();
    let lou = Pupil::new(&world, &family).await;
    let meals = at(&format!("enrolments/{}/meals", lou.enrolment));
    // A Friday is taken up, a Tuesday taken up and given up, a Thursday given up, a Monday given up and taken up.
    for (day, choice) in [
        ("2026-11-13", "reserve"),
        ("2026-11-17", "reserve"),
        ("2026-11-17", "cancel"),
        ("2026-11-19", "cancel"),
        ("2026-11-23", "cancel"),
        ("2026-11-23", "reserve"),
    ] {
        family.post(&format!("{meals}/{day}/{choice}"), json!({})).await.expect(200);
    }
    let until = |instant: &str| instant.parse::<chrono::DateTime<chrono::Utc>>().unwrap() - world.app.db.server_now();
    world.advance(until("2026-11-03T09:00:00Z"));
    world.wake_administrators().await;
    lou.departs(&world).await;
    assert_eq!(world.repeat(following::follow_requests).await, 1);
    let until = |instant: &str| instant.parse::<chrono::DateTime<chrono::Utc>>().unwrap() - world.app.db.server_now();
    world.advance(until("2026-11-05T09:00:00Z"));
    world.wake_administrators().await;
    lou.returns(&world).await;
    world.work_off().await;
    assert_eq!(world.repeat(following::follow_requests).await, 0);

    let family = world.sign_in(&family.email).await;
    let list = lou.enrolments(&family).await;
    assert_eq!(list.json.as_array().unwrap().len(), 2);
    let resumed = list.text("/0/id");
    assert_eq!((list.text("/0/state"), list.text("/0/college_uai")), ("active".into(), COLLEGE.into()));
    assert_eq!((list.at("/0/weekdays"), list.text("/0/diet")), (&json!(["monday", "thursday"]), "no_pork".into()));
    assert_eq!((list.text("/0/starts_on"), list.text("/0/ends_on")), ("2026-11-10".into(), "2027-07-02".into()));
    assert_eq!(list.number("/0/rates/0/meal_cents"), 700);
    assert_eq!((list.text("/1/id"), list.text("/1/end_reason")), (lou.enrolment.clone(), "left_scheme".into()));
    // It is too late for Thursday 5 and Monday 9; then Thursday 12 to Monday 23.
    assert_eq!(states(&family, &lou.enrolment, "2026-11-05", "2026-11-09").await, ["cancelled"; 2]);
    assert_eq!(
        states(&family, &resumed, "2026-11-10", "2026-11-23").await,
        ["reserved", "reserved", "reserved", "cancelled", "cancelled", "reserved"]
    );
    let told = letters(&world, &email, RESUMES).await;
    assert!(told.len() == 1 && told[0].contains("à partir du 10/11/2026"), "{told:?}");

    // Gone again, and back again before the worker's round: nothing is to be given back.
    lou.departs(&world).await;
    lou.returns(&world).await;
    world.work_off().await;
    assert_eq!(world.repeat(following::follow_requests).await, 0);
    let list = lou.enrolments(&family).await;
    assert_eq!((list.json.as_array().unwrap().len(), list.text("/0/id")), (2, resumed));
    assert_eq!(letters(&world, &email, RESUMES).await.len(), 1);
}

#[actix_web::test]
async fn two_departures_taken_back_at_once_give_the_canteen_back_once() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let email = family.email.clone();
    let lou = Pupil::new(&world, &family).await;
    let clerk = world.agent("92", "case_worker").await;
    left(&world, &clerk, &lou.request).await;
    assert_eq!(world.repeat(following::follow_requests).await, 1);
    returned(&world, &clerk, &lou.request).await;
    // The jobs wait.
    left(&world, &clerk, &lou.request).await;
    assert_eq!(world.repeat(following::follow_requests).await, 0);
    returned(&world, &clerk, &lou.request).await;
    world.work_off().await;
    let list = lou.enrolments(&family).await;
    assert_eq!((list.json.as_array().unwrap().len(), list.text("/0/state")), (2, "active".into()));
    // Until Monday 2 November there are holidays.
    assert_eq!(states(&family, &list.text("/0/id"), "2026-10-15", "2026-11-06").await, ["reserved"; 2]);
    assert_eq!(letters(&world, &email, RESUMES).await.len(), 1);
}

#[actix_web::test]
async fn what_the_family_decided_itself_about_the_canteen_stays() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let mut lou = Pupil::new(&world, &family).await;
    lou.departs(&world).await;
    assert_eq!(world.repeat(following::follow_requests).await, 1);
    lou.returns(&world).await;
    lou.wish["weekdays"] = json!(["friday"]);
    let own = enrol(&family, &lou.wish).await;
    world.work_off().await;
    let list = lou.enrolments(&family).await;
    assert_eq!((list.json.as_array().unwrap().len(), list.text("/0/id")), (2, own.clone()));
    assert_eq!(states(&family, &own, "2026-11-02", "2026-11-06").await, ["cancelled", "cancelled", "reserved"]);

    // It wants none: then none comes back.
    family.post(&at(&format!("enrolments/{own}/end")), json!({ "version": 1 })).await.expect(200);
    lou.departs(&world).await;
    assert_eq!(world.repeat(following::follow_requests).await, 0);
    lou.returns(&world).await;
    world.work_off().await;
    let list = lou.enrolments(&family).await;
    assert_eq!((list.json.as_array().unwrap().len(), list.text("/0/end_reason")), (2, "at_familys_wish".into()));
    let letters = world.letters_to(&family.email).await;
    assert!(!letters.iter().any(|(subject, _)| subject == RESUMES || subject == DOES_NOT));
}

#[actix_web::test]
async fn a_canteen_that_cannot_come_back_is_told() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let email = family.email.clone();
    let lou = Pupil::new(&world, &family).await;
    // This one never had rights: its request is to be sent again.
    let sibling = family.add_child("Ana", "2014-05-02").await;
    let (request, _) = family.submit(&sibling, COLLEGE).await;
    let wish = json!({ "child_id": sibling, "season": SEASON, "weekdays": ["monday"], "diet": "everything" });
    enrol(&family, &wish).await;
    lou.departs(&world).await;
    let clerk = world.agent("92", "case_worker").await;
    left(&world, &clerk, &request).await;
    assert_eq!(world.repeat(following::follow_requests).await, 2);
    world.superuser("92").batch_execute("update canteen_colleges set ends_on = '2026-10-16'").unwrap();
    lou.returns(&world).await;
    assert_eq!(returned(&world, &clerk, &request).await, "refused");
    world.work_off().await;
    let list = lou.enrolments(&family).await;
    assert_eq!((list.json.as_array().unwrap().len(), list.text("/0/state")), (1, "ended".into()));
    let told = letters(&world, &email, DOES_NOT).await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().any(|body| body.contains("Lou") && body.contains("pas de repas à réserver")), "{told:?}");
    assert!(told.iter().any(|body| body.contains("Ana") && body.contains("inscrivez de nouveau")), "{told:?}");
    assert!(letters(&world, &email, RESUMES).await.is_empty());
}

/// What the collège sends back to be corrected is no departure.
#[actix_web::test]
async fn a_refused_request_that_is_sent_again_gives_the_canteen_back() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let (family, secretary) = (world.family("92").await, world.secretary(COLLEGE).await);
    let email = family.email.clone();
    let child = family.add_child("Ana", "2014-05-02").await;
    let (request, _) = family.submit(&child, COLLEGE).await;
    let wish = json!({ "child_id": child, "season": SEASON, "weekdays": ["monday"], "diet": "no_pork" });
    enrol(&family, &wish).await;
    let decide = async |decision: Value| {
        let mut row = json!({ "enrolment_id": request, "version": version_of(&world, &request) });
        decision.as_object().unwrap().iter().for_each(|(name, value)| row[name] = value.clone());
        let told = secretary.post("/v1/departments/92/desk/decisions", json!({ "decisions": [row] })).await;
        assert_eq!(told.expect(200).at("/results/0/done"), &json!(true));
    };
    decide(json!({ "decision": "refuse", "reason": "wrong_level" })).await;
    assert_eq!(world.repeat(following::follow_requests).await, 1);
    let list = format!("/v1/departments/92/children/{child}/canteen-enrolments");
    assert_eq!(family.get(&list).await.expect(200).text("/0/end_reason"), "request_refused");
    let told = letters(&world, &email, "Fin de l'inscription à la cantine").await;
    assert!(told.len() == 1 && told[0].contains("a refusé") && !told[0].contains("droits"), "{told:?}");

    let submit = format!("/v1/departments/92/enrolments/{request}/submit");
    family.post(&submit, json!({ "version": version_of(&world, &request) })).await.expect(200);
    world.work_off().await;
    assert_eq!(world.repeat(following::follow_requests).await, 0);
    let back = family.get(&list).await.expect(200);
    assert_eq!((back.json.as_array().unwrap().len(), back.text("/0/state")), (2, "active".into()));
    assert_eq!((back.at("/0/weekdays"), back.text("/0/diet")), (&json!(["monday"]), "no_pork".into()));
    assert_eq!(states(&family, &back.text("/0/id"), "2026-11-02", "2026-11-09").await, ["reserved"; 2]);
    let told = letters(&world, &email, RESUMES).await;
    assert!(told.len() == 1 && told[0].contains("est renvoyée"), "{told:?}");
    decide(json!({ "decision": "confirm" })).await;
    world.work_off().await;
    assert_eq!(family.get(&list).await.expect(200).json.as_array().unwrap().len(), 2);
}

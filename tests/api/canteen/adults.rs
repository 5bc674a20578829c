//! Adults at the collège's table: staff enrolled by the secretary at a rate that he does not see, guests for a day.

use super::{at, calendar_without_meals, days, open, states};
use crate::support::{COLLEGE, OTHER_COLLEGE, SEASON, World, call};
use diesel::connection::SimpleConnection;
use passplus::canteen::meals::guests;
use serde_json::json;

#[actix_web::test]
async fn staff_is_enrolled_by_the_college_and_pays_by_an_index_that_only_agents_know() {
    let world = World::start().await;
    let secretary = world.secretary(COLLEGE).await;
    let adults = at(&format!("colleges/{COLLEGE}/adults"));
    let person =
        json!({ "kind": "commensal", "last_name": "Durand", "first_names": "Inès", "email": "ines.durand@example.fr" });
    secretary.post(&adults, person.clone()).await.refused(409, "canteen.not_offered");
    open(&world, &[COLLEGE, OTHER_COLLEGE]).await;
    let (one, two) = tokio::join!(secretary.post(&adults, person.clone()), secretary.post(&adults, person.clone()));
    let (adult, again) = if one.status == 201 { (one, two) } else { (two, one) };
    again.refused(409, "canteen_adult.exists");
    let adult = adult.expect(201);
    let id = adult.text("/id");
    for (member, value, pointer) in [
        ("kind", json!("teacher"), "/kind"),
        ("last_name", json!(""), "/last_name"),
        ("email", json!("nowhere"), "/email"),
        ("pay_index", json!(400), "/pay_index"),
    ] {
        let mut wrong = person.clone();
        wrong[member] = value;
        assert_eq!(secretary.post(&adults, wrong).await.refused(422, "request.invalid").pointers(), [pointer]);
    }
    let elsewhere = world.secretary(OTHER_COLLEGE).await;
    elsewhere.post(&adults, person.clone()).await.refused(404, "not_found");
    elsewhere.get(&adults).await.refused(404, "not_found");
    world.family("92").await.get(&adults).await.refused(403, "auth.forbidden");
    assert_eq!(secretary.get(&adults).await.expect(200).items()[0], adult.json);

    let enrol = at(&format!("adults/{id}/enrolments"));
    let wish = json!({ "season": SEASON, "weekdays": ["tuesday"], "diet": "everything" });
    elsewhere.post(&enrol, wish.clone()).await.refused(404, "not_found");
    let enrolled = secretary.post(&enrol, wish.clone()).await.expect(201);
    assert_eq!(enrolled.text("/starts_on"), "2026-11-02");
    secretary.post(&enrol, wish).await.refused(409, "canteen.already_enrolled");
    world.work_off().await;
    let shown = at(&format!("enrolments/{}", enrolled.text("/id")));
    let clerk = world.agent("92", "case_worker").await;
    assert_eq!(
        clerk.get(&shown).await.expect(200).number("/rates/0/meal_cents"),
        520,
        "the highest, until the index is known"
    );
    secretary.get(&shown).await.refused(403, "auth.forbidden");

    let index = at(&format!("adults/{id}/pay-index"));
    let known = json!({ "season": SEASON, "pay_index": 410 });
    secretary.put(&index, known.clone()).await.refused(403, "auth.forbidden");
    let wrong = json!({ "season": SEASON, "pay_index": 0 });
    assert_eq!(clerk.put(&index, wrong).await.refused(422, "request.invalid").pointers(), ["/pay_index"]);
    clerk.put(&index, known).await.expect(204);
    let rates = clerk.get(&shown).await.expect(200);
    let last = rates.at("/rates").as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["meal_cents"], 350);
    assert!(last["steps"][0]["sentence"].as_str().unwrap().contains("L'indice 410"));
    let listed = secretary.get(&at(&format!("colleges/{COLLEGE}/diners/{SEASON}"))).await.expect(200);
    assert_eq!(
        (listed.text("/items/0/diner"), listed.text("/items/0/last_name")),
        ("commensal".into(), "Durand".into())
    );

    let leave = at(&format!("adults/{id}/leave"));
    secretary.post(&leave, json!({ "version": 7 })).await.refused(409, "version.stale");
    secretary.post(&leave, json!({ "version": 1 })).await.expect(200);
    secretary.post(&leave, json!({ "version": 2 })).await.refused(409, "canteen.adult_left");
    assert_eq!(clerk.get(&shown).await.expect(200).text("/state"), "ended");
}

#[actix_web::test]
async fn staff_enrolled_anew_pays_for_the_days_of_the_new_week() {
    let world = World::start().await;
    let second = open(&world, &[COLLEGE]).await;
    let shown = world.administrator.get(&at("tariffs")).await.expect(200);
    let tariff = shown
        .at("/tariffs")
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["grid"]["diner"] == "commensal")
        .unwrap()
        .clone();
    let mut grid = tariff["grid"].clone();
    let line = |days: u16| json!({ "days_a_week": days, "days_a_year": 36 * days });
    grid["forfait"] = (1..=5).map(line).collect();
    grid["starts_on"] = json!("2026-10-20");
    let draft = json!({ "grid": grid, "replaces": tariff["id"] });
    let draft = world.administrator.post(&at("grids"), draft).await.expect(201).text("/id");
    second.post(&at(&format!("grids/{draft}/publish")), json!({})).await.expect(200);

    let (secretary, clerk) = (world.secretary(COLLEGE).await, world.agent("92", "case_worker").await);
    let person = json!({ "kind": "commensal", "last_name": "Durand", "first_names": "Inès" });
    let adult = secretary.post(&at(&format!("colleges/{COLLEGE}/adults")), person).await.expect(201).text("/id");
    let mut held = vec![];
    for weekdays in [json!(["tuesday"]), json!(["tuesday", "thursday"])] {
        let wish = json!({ "season": SEASON, "weekdays": weekdays, "diet": "everything" });
        let enrolled = secretary.post(&at(&format!("adults/{adult}/enrolments")), wish).await.expect(201).text("/id");
        world.work_off().await;
        let path = at(&format!("enrolments/{enrolled}"));
        let shown = clerk.get(&path).await.expect(200);
        held.push(shown.at("/rates").as_array().unwrap().last().unwrap()["amount_cents"].clone());
        clerk.post(&format!("{path}/end"), json!({ "version": shown.number("/version") })).await.expect(200);
    }
    assert_eq!(held, [36 * 520, 72 * 520]);
}

#[actix_web::test]
async fn single_meals_of_the_staff_are_cancelled_and_added_by_the_college_before_their_cut_off() {
    let world = World::start().await;
    open(&world, &[COLLEGE, OTHER_COLLEGE]).await;
    let secretary = world.secretary(COLLEGE).await;
    let adults = at(&format!("colleges/{COLLEGE}/adults"));
    let person = json!({ "kind": "commensal", "last_name": "Durand", "first_names": "Inès" });
    let id = secretary.post(&adults, person).await.expect(201).text("/id");
    let day = |day: &str, verb: &str| at(&format!("adults/{id}/meals/{day}/{verb}"));
    secretary.post(&day("2026-11-03", "cancel"), json!({})).await.refused(409, "canteen.no_meal");
    let wish = json!({ "season": SEASON, "weekdays": ["tuesday"], "diet": "everything" });
    let enrolled = secretary.post(&at(&format!("adults/{id}/enrolments")), wish).await.expect(201).text("/id");
    for (date, verb, state) in [
        ("2026-11-03", "cancel", "cancelled"),
        ("2026-11-03", "reserve", "reserved"),
        ("2026-11-10", "cancel", "cancelled"),
        ("2026-11-12", "reserve", "reserved"),
    ] {
        let changed = secretary.post(&day(date, verb), json!({})).await.expect(200);
        assert_eq!(changed.json, json!({ "state": state }), "{date}: no price, nothing else");
    }
    let clerk = world.agent("92", "case_worker").await;
    clerk.post(&day("2026-11-17", "cancel"), json!({})).await.expect(200);
    assert_eq!(
        states(&clerk, &enrolled, "2026-11-02", "2026-11-17").await,
        ["reserved", "cancelled", "reserved", "cancelled"]
    );
    for (date, verb, code) in [
        ("2026-11-10", "cancel", "canteen.meal_transition"),
        ("2026-11-05", "cancel", "canteen.no_meal"),
        ("2026-11-11", "reserve", "canteen.no_meal"),
        ("2030-11-04", "reserve", "canteen.no_calendar"),
    ] {
        secretary.post(&day(date, verb), json!({})).await.refused(409, code);
    }
    let cut_off = "2026-11-23T09:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let elsewhere = world.secretary(OTHER_COLLEGE).await;
    for verb in ["cancel", "reserve"] {
        elsewhere.post(&day("2026-12-01", verb), json!({})).await.refused(404, "not_found");
        world.family("92").await.post(&day("2026-12-01", verb), json!({})).await.refused(403, "auth.forbidden");
    }
    world.advance(cut_off - world.app.db.server_now());
    let secretary = world.sign_in_staff(&secretary.email, &secretary.totp_secret).await;
    secretary.post(&day("2026-11-24", "cancel"), json!({})).await.refused(409, "canteen.too_late");
    secretary.post(&day("2026-12-01", "cancel"), json!({})).await.expect(200);
}

#[actix_web::test]
async fn a_guest_is_invited_for_a_day_before_its_cut_off() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let secretary = world.secretary(COLLEGE).await;
    let adults = at(&format!("colleges/{COLLEGE}/adults"));
    let guest = json!({ "kind": "guest", "last_name": "Leroy", "first_names": "Max" });
    let id = secretary.post(&adults, guest).await.expect(201).text("/id");
    let day = |day: &str, verb: &str| at(&format!("adults/{id}/meals/{day}/{verb}"));
    assert_eq!(secretary.post(&day("2026-11-03", "reserve"), json!({})).await.expect(200).text("/state"), "reserved");
    secretary.post(&day("2026-11-03", "reserve"), json!({})).await.refused(409, "canteen.meal_transition");
    assert_eq!(secretary.post(&day("2026-11-03", "cancel"), json!({})).await.expect(200).text("/state"), "cancelled");
    secretary.post(&day("2026-11-05", "cancel"), json!({})).await.refused(409, "canteen.no_meal");
    secretary.post(&day("2026-11-04", "reserve"), json!({})).await.refused(409, "canteen.no_meal");
    secretary.post(&day("2026-10-16", "reserve"), json!({})).await.refused(409, "canteen.too_late");
    let unknown = at(&format!("adults/{id}/meals/2030-11-04/reserve"));
    secretary.post(&unknown, json!({})).await.refused(409, "canteen.no_calendar");
    let enrol = json!({ "season": SEASON, "weekdays": ["tuesday"], "diet": "everything" });
    secretary.post(&at(&format!("adults/{id}/enrolments")), enrol).await.refused(409, "canteen.wrong_diner");
    world.family("92").await.post(&day("2026-11-05", "reserve"), json!({})).await.refused(403, "auth.forbidden");
}

#[actix_web::test]
async fn an_invitation_ends_with_the_day_s_service_or_the_guest() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let secretary = world.secretary(COLLEGE).await;
    let adults = at(&format!("colleges/{COLLEGE}/adults"));
    let guest = json!({ "kind": "guest", "last_name": "Leroy", "first_names": "Max" });
    let id = secretary.post(&adults, guest).await.expect(201).text("/id");
    let day = |day: &str, verb: &str| at(&format!("adults/{id}/meals/{day}/{verb}"));
    for date in ["2026-11-03", "2026-11-05", "2026-12-01", "2026-12-03"] {
        secretary.post(&day(date, "reserve"), json!({})).await.expect(200);
    }
    let states = || {
        let sql = format!("(select jsonb_agg(state order by day) from canteen_meals where person_id = '{id}')");
        call(&mut world.superuser("92"), &sql).unwrap()
    };
    assert_eq!(world.repeat(guests::close_unserved).await, 0);
    // A calendar without that day, and a collège that leaves the scope.
    days::publish(&world, calendar_without_meals("2026-11-05")).await;
    assert_eq!(world.repeat(guests::close_unserved).await, 1);
    assert_eq!(states(), json!(["reserved", "closed", "reserved", "reserved"]));
    let college = world.administrator.get(&at("colleges")).await.expect(200).text("/items/0/id");
    let end = at(&format!("colleges/{college}/end"));
    world.administrator.put(&end, json!({ "ends_on": "2026-12-02" })).await.expect(200);
    assert_eq!(world.repeat(guests::close_unserved).await, 1);
    assert_eq!(states(), json!(["reserved", "closed", "reserved", "closed"]));
    secretary.post(&day("2026-12-03", "reserve"), json!({})).await.refused(409, "canteen.no_meal");
    // It serves after all: he is invited again.
    days::publish(&world, calendar_without_meals("2026-11-06")).await;
    secretary.post(&day("2026-11-05", "reserve"), json!({})).await.expect(200);
    assert_eq!(states(), json!(["reserved", "reserved", "reserved", "closed"]));

    // He leaves: of what was reserved only a meal too near to be cancelled stays.
    let near =
        format!("insert into canteen_meals values ('{id}', '2026-10-16', null, null, '{COLLEGE}', 'reserved', now())");
    world.superuser("92").batch_execute(&near).unwrap();
    secretary.post(&at(&format!("adults/{id}/leave")), json!({ "version": 1 })).await.expect(200);
    assert_eq!(states(), json!(["reserved", "cancelled", "cancelled", "cancelled", "closed"]));
    secretary.post(&day("2026-11-03", "reserve"), json!({})).await.refused(409, "canteen.adult_left");
}

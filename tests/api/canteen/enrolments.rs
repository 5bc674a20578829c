//! Enrolments in the canteen: who may enrol whom, from which day, at which price, and who sees what of it.

use super::{at, calendar_without_meals, changed, child_of, days, enrol, following, open, states};
use crate::support::{COLLEGE, Family, OTHER_COLLEGE, SEASON, World};
use chrono::TimeDelta;
use passplus::canteen::{enrolments as canteen_enrolments, meals::layout, rates};
use serde_json::json;

#[actix_web::test]
async fn a_family_enrols_its_child_and_all_the_meals_of_the_year_are_reserved() {
    let world = World::start().await;
    let family = world.family("92").await;
    let (child, wish) = child_of(&family, "Lou").await;
    family.post(&at("enrolments"), wish.clone()).await.refused(409, "canteen.not_offered");
    // Announced for a day to come, and nobody knows its days yet.
    let coming = json!({ "starts_on": "2027-09-01" });
    let coming = world.administrator.post(&at("services"), coming).await.expect(201).text("/id");
    family.post(&at("enrolments"), wish.clone()).await.refused(409, "canteen.no_calendar");
    world.administrator.delete(&at(&format!("services/{coming}"))).await.expect(204);
    let second = open(&world, &[COLLEGE]).await;
    let enrolled = family.post(&at("enrolments"), wish.clone()).await.expect(201);
    // On Thursday 15 October the meal of the 16th stands; then come the holidays.
    assert_eq!((enrolled.text("/starts_on"), enrolled.text("/ends_on")), ("2026-11-02".into(), "2027-07-02".into()));
    assert_eq!(enrolled.number("/rates/0/meal_cents"), 700);
    assert_eq!(
        enrolled.text("/rates/0/steps/0/sentence"),
        "Prix maximal de 7,00 € : aucun tarif réduit n'est accordé."
    );
    family.post(&at("enrolments"), wish.clone()).await.refused(409, "canteen.already_enrolled");
    let id = enrolled.text("/id");
    let meals = family.get(&at(&format!("enrolments/{id}/meals?from=2026-11-01&until=2026-11-15"))).await.expect(200);
    let told: Vec<_> = meals
        .json
        .as_array()
        .unwrap()
        .iter()
        .map(|d| (d["date"].as_str().unwrap(), d.get("state").is_some()))
        .collect();
    assert_eq!(
        told,
        [
            ("2026-11-02", true),
            ("2026-11-03", false),
            ("2026-11-05", true),
            ("2026-11-06", false),
            ("2026-11-09", true),
            ("2026-11-10", false),
            ("2026-11-12", true),
            ("2026-11-13", false),
        ]
    );
    world.work_off().await;
    let letters = world.letters_to(&family.email).await;
    let told = letters.iter().find(|(subject, _)| subject == "Inscription à la cantine").map(|(_, body)| body.as_str());
    let told = told.expect("the family is told");
    assert!(told.contains("7,00 €") && told.contains("Un tarif réduit peut être demandé"), "{told}");

    // The family, the other guardian and the agents see it with its price; nobody else does.
    let list = format!("/v1/departments/92/children/{child}/canteen-enrolments");
    let other = world.guardian(&family, "consult").await;
    let clerk = world.agent("92", "case_worker").await;
    for reader in [&family.api, &other.api, &clerk.api] {
        assert_eq!(reader.get(&list).await.expect(200).text("/0/id"), id);
        assert_eq!(reader.get(&at(&format!("enrolments/{id}"))).await.expect(200).json, enrolled.json);
    }
    let stranger = world.family("92").await;
    stranger.get(&list).await.refused(404, "not_found");
    stranger.get(&at(&format!("enrolments/{id}"))).await.refused(404, "not_found");
    stranger
        .get(&at(&format!("enrolments/{id}/meals?from=2026-11-01&until=2026-11-02")))
        .await
        .refused(404, "not_found");
    stranger.post(&at("enrolments"), wish.clone()).await.refused(404, "not_found");
    world.secretary(COLLEGE).await.get(&list).await.refused(403, "auth.forbidden");
    world.administrator_78.get(&list).await.refused(404, "not_found");
    let for_consulting = json!({ "version": 1 });
    let (end, diet) = (at(&format!("enrolments/{id}/end")), at(&format!("enrolments/{id}/diet")));
    other.post(&end, for_consulting).await.refused(403, "guardian.consult_only");
    family.put(&diet, json!({ "version": 2, "diet": "no_pork" })).await.refused(409, "version.stale");
    other.put(&diet, json!({ "version": 1, "diet": "no_pork" })).await.refused(403, "guardian.consult_only");
    assert_eq!(
        family.put(&diet, json!({ "version": 1, "diet": "no_pork" })).await.expect(200).text("/diet"),
        "no_pork"
    );

    // The collège's list tells days and menus, no price.
    let diners = at(&format!("colleges/{COLLEGE}/diners/{SEASON}"));
    let secretary = world.secretary(COLLEGE).await;
    let listed = secretary.get(&diners).await.expect(200);
    assert_eq!(
        (listed.text("/items/0/first_names"), listed.text("/items/0/diet")),
        ("Lou".to_owned(), "no_pork".to_owned())
    );
    assert!(!listed.json.to_string().contains("cents"));
    world.secretary(OTHER_COLLEGE).await.get(&diners).await.refused(404, "not_found");
    family.get(&diners).await.refused(403, "auth.forbidden");

    // Another grid from January on gives another rate from that day on.
    let replaced = world.administrator.get(&at("tariffs")).await.expect(200);
    let pupils =
        replaced.at("/tariffs").as_array().unwrap().iter().find(|one| one["grid"]["diner"] == "pupil").unwrap().clone();
    let grid = changed(json!({ "maximum_cents": 720, "starts_on": "2027-01-01", "label": "Élèves 2027",
        "base": { "kind": "quotient_rate", "rate": "0.0035", "floor_cents": 64, "cap_cents": 720 } }));
    let draft = json!({ "grid": grid, "replaces": pupils["id"] });
    let draft = world.administrator.post(&at("grids"), draft).await.expect(201).text("/id");
    second.post(&at(&format!("grids/{draft}/publish")), json!({})).await.expect(200);
    assert_eq!(world.repeat(rates::follow_grids).await, 1);
    let shown = family.get(&at(&format!("enrolments/{id}"))).await.expect(200);
    assert_eq!((shown.text("/rates/1/starts_on"), shown.number("/rates/1/meal_cents")), ("2027-01-01".to_owned(), 720));
    assert_eq!(world.repeat(rates::follow_grids).await, 0);
}

#[actix_web::test]
async fn only_children_of_a_college_in_scope_are_enrolled_and_only_while_meals_are_left() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let child = family.add_child("Ana", "2015-03-14").await;
    let wish = json!({ "child_id": child, "season": SEASON, "weekdays": ["monday"], "diet": "everything" });
    family.post(&at("enrolments"), wish.clone()).await.refused(409, "canteen.request_needed");
    family.submit(&child, OTHER_COLLEGE).await;
    family.post(&at("enrolments"), wish.clone()).await.refused(409, "canteen.not_offered");
    family.post("/v1/departments/78/canteen/enrolments", wish.clone()).await.refused(404, "not_found");
    for (member, value, pointer) in [
        ("weekdays", json!([]), "/weekdays"),
        ("weekdays", json!(["wednesday"]), "/weekdays"),
        ("weekdays", json!(["sunday"]), "/weekdays/0"),
        ("diet", json!("halal"), "/diet"),
        ("starts_on", json!("2026-02-30"), "/starts_on"),
        ("price_cents", json!(0), "/price_cents"),
    ] {
        let mut wrong = wish.clone();
        wrong[member] = value;
        let refused = family.post(&at("enrolments"), wrong).await.refused(422, "request.invalid");
        assert_eq!(refused.pointers(), [pointer]);
    }
    let mut late = wish.clone();
    late["starts_on"] = json!("2027-07-02");
    late["weekdays"] = json!(["friday"]);
    // Not its collège's canteen, whatever the day.
    family.post(&at("enrolments"), late).await.refused(409, "canteen.not_offered");
    let (_, wish) = child_of(&family, "Boris").await;
    let mut late = wish.clone();
    late["starts_on"] = json!("2027-07-03");
    family.post(&at("enrolments"), late).await.refused(409, "canteen.no_meals_left");
    // An agent enrols for a family that cannot; the family is told.
    let clerk = world.agent("92", "case_worker").await;
    assert_eq!(clerk.post(&at("enrolments"), wish).await.expect(201).text("/starts_on"), "2026-11-02");
    world.work_off().await;
    assert!(world.letters_to(&family.email).await.iter().any(|(subject, _)| subject == "Inscription à la cantine"));
}

#[actix_web::test]
async fn a_day_of_the_week_without_meals_is_refused_among_others() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (_, mut wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    let secretary = world.secretary(COLLEGE).await;
    let person = json!({ "kind": "commensal", "last_name": "Durand", "first_names": "Inès" });
    let adult = secretary.post(&at(&format!("colleges/{COLLEGE}/adults")), person).await.expect(201).text("/id");
    let (_, other) = child_of(&family, "Ana").await;
    wish["child_id"] = other["child_id"].clone();
    let clerk = world.agent("92", "case_worker").await;
    for weekdays in [json!(["monday", "wednesday"]), json!(["wednesday"])] {
        wish["weekdays"] = weekdays.clone();
        let changed = json!({ "version": 1, "weekdays": weekdays });
        let staff = json!({ "season": SEASON, "weekdays": weekdays, "diet": "everything" });
        let path = at(&format!("enrolments/{id}/weekdays"));
        for refused in [
            family.post(&at("enrolments"), wish.clone()).await,
            clerk.post(&at("enrolments"), wish.clone()).await,
            family.put(&path, changed.clone()).await,
            clerk.put(&path, changed).await,
            secretary.post(&at(&format!("adults/{adult}/enrolments")), staff).await,
        ] {
            let refused = refused.refused(422, "request.invalid");
            assert_eq!(refused.pointers(), ["/weekdays"]);
            let told = refused.text("/errors/0/detail");
            assert!(told.contains("lundi, mardi, jeudi, vendredi"), "{told}");
        }
    }
    assert_eq!(family.get(&at(&format!("enrolments/{id}"))).await.expect(200).number("/version"), 1);
}

#[actix_web::test]
async fn weekdays_change_until_the_date_of_the_calendar() {
    let mut world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (_, wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    let path = at(&format!("enrolments/{id}/weekdays"));
    let meals = at(&format!("enrolments/{id}/meals?from=2026-11-02&until=2026-11-13"));
    let tuesdays = json!({ "version": 1, "weekdays": ["tuesday"] });
    let changed = family.put(&path, tuesdays.clone()).await.expect(200);
    assert_eq!(changed.at("/weekdays"), &json!(["tuesday"]));
    family.put(&path, tuesdays).await.refused(409, "version.stale");
    let states = |answer: crate::support::Answer| {
        let days = answer.expect(200).json.as_array().unwrap().clone();
        days.iter()
            .filter(|day| day["state"] == "reserved")
            .map(|day| day["date"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(states(family.get(&meals).await), ["2026-11-03", "2026-11-10"]);
    // What was chosen singly stays chosen, on a day of the week that stays as on one that never was.
    for (day, verb) in [("2026-11-10", "cancel"), ("2026-11-12", "reserve")] {
        family.post(&at(&format!("enrolments/{id}/meals/{day}/{verb}")), json!({})).await.expect(200);
    }
    let both = json!({ "version": 2, "weekdays": ["monday", "tuesday"] });
    family.put(&path, both).await.expect(200);
    assert_eq!(states(family.get(&meals).await), ["2026-11-02", "2026-11-03", "2026-11-09", "2026-11-12"]);
    // And on one that goes and comes back.
    for (version, weekdays, left) in [
        (3, json!(["monday", "thursday"]), vec!["2026-11-02", "2026-11-05", "2026-11-09", "2026-11-12"]),
        (4, json!(["tuesday"]), vec!["2026-11-03", "2026-11-12"]),
        (5, json!(["monday", "tuesday"]), vec!["2026-11-02", "2026-11-03", "2026-11-09", "2026-11-12"]),
    ] {
        family.put(&path, json!({ "version": version, "weekdays": weekdays })).await.expect(200);
        assert_eq!(states(family.get(&meals).await), left, "{weekdays}");
    }
    // What was taken back is no choice any more.
    for (day, verb) in [("2026-11-10", "reserve"), ("2026-11-12", "cancel")] {
        family.post(&at(&format!("enrolments/{id}/meals/{day}/{verb}")), json!({})).await.expect(200);
    }
    for (version, weekdays, left) in [
        (6, json!(["thursday"]), vec!["2026-11-05", "2026-11-12"]),
        (7, json!(["monday", "tuesday"]), vec!["2026-11-02", "2026-11-03", "2026-11-09", "2026-11-10"]),
    ] {
        family.put(&path, json!({ "version": version, "weekdays": weekdays })).await.expect(200);
        assert_eq!(states(family.get(&meals).await), left, "{weekdays}");
    }
    // On 1 December the family's time is over; an agent's is not, and what cannot be changed any more stays.
    world.advance(TimeDelta::days(47));
    world.wake_administrators().await;
    let family_now = world.sign_in(&family.email).await;
    let last = json!({ "version": 8, "weekdays": ["friday"] });
    let refused = family_now.put(&path, last.clone()).await.refused(409, "canteen.weekdays_fixed");
    assert!(refused.text("/detail").contains("30/11/2026"));
    let clerk = world.agent("92", "case_worker").await;
    clerk.put(&path, last).await.expect(200);
    let december = at(&format!("enrolments/{id}/meals?from=2026-12-01&until=2026-12-18"));
    assert_eq!(
        states(clerk.get(&december).await),
        ["2026-12-01", "2026-12-04", "2026-12-11", "2026-12-18"],
        "from the third working day on"
    );
}

#[actix_web::test]
async fn an_ended_enrolment_cancels_what_can_be_cancelled_and_may_be_made_again() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (_, wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    let path = at(&format!("enrolments/{id}"));
    let ended = family.post(&format!("{path}/end"), json!({ "version": 1 })).await.expect(200);
    assert_eq!((ended.text("/state"), ended.text("/end_reason")), ("ended".into(), "at_familys_wish".into()));
    assert_eq!(ended.text("/ended_on"), "2026-10-15");
    family.post(&format!("{path}/end"), json!({ "version": 2 })).await.refused(409, "canteen.ended");
    family.put(&format!("{path}/diet"), json!({ "version": 2, "diet": "no_meat" })).await.refused(409, "canteen.ended");
    family.post(&format!("{path}/meals/2026-11-05/reserve"), json!({})).await.refused(409, "canteen.ended");
    // Seven weeks until the holidays.
    assert_eq!(states(&family, &id, "2026-11-02", "2026-12-18").await, ["cancelled"; 14]);
    world.work_off().await;
    assert!(
        world.letters_to(&family.email).await.iter().any(|(subject, _)| subject == "Fin de l'inscription à la cantine")
    );
    let again = enrol(&family, &wish).await;
    let meals = at(&format!("enrolments/{again}/meals?from=2026-11-02&until=2026-11-05"));
    let days = family.get(&meals).await.expect(200);
    assert_eq!((days.text("/0/state"), days.text("/2/state")), ("reserved".into(), "reserved".into()));
    // The former one has none of them.
    let former = family.get(&format!("{path}/meals?from=2026-11-02&until=2026-12-18")).await.expect(200);
    assert_eq!(former.json, json!([]));
}

#[actix_web::test]
async fn a_new_calendar_lays_the_year_out_again() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (_, wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    enrol(&family, &child_of(&family, "Ana").await.1).await;
    assert_eq!(world.repeat(layout::lay_out_batch).await, 0);
    days::publish(&world, calendar_without_meals("2026-11-05")).await;
    assert_eq!(world.repeat(layout::lay_out_batch).await, 2);
    let meals = at(&format!("enrolments/{id}/meals?from=2026-11-02&until=2026-11-12"));
    let days = family.get(&meals).await.expect(200);
    let state = |answer: &crate::support::Answer, date: &str| {
        let days = answer.json.as_array().unwrap();
        days.iter().find(|day| day["date"] == date).map(|day| day["state"].clone())
    };
    assert_eq!(state(&days, "2026-11-05"), Some(json!("closed")));
    assert_eq!(state(&days, "2026-11-12"), Some(json!("reserved")));
    assert_eq!(
        unserved(&world, &family).await,
        [
            "Ana : 1 repas, le 05/11/2026, parce que le calendrier de la cantine a changé",
            "Lou : 1 repas, le 05/11/2026, parce que le calendrier de la cantine a changé"
        ]
    );
    // It serves after all.
    days::publish(&world, calendar_without_meals("2026-11-06")).await;
    assert_eq!(world.repeat(layout::lay_out_batch).await, 2);
    let days = family.get(&meals).await.expect(200);
    assert_eq!(state(&days, "2026-11-05"), Some(json!("reserved")));
    assert_eq!(world.repeat(layout::lay_out_batch).await, 0);
    assert_eq!(unserved(&world, &family).await.len(), 2, "nothing was taken, nothing is told");
}

#[actix_web::test]
async fn a_longer_year_is_one_for_those_who_are_enrolled_too() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (_, wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    let until = async |last_day: &str| {
        let mut longer = calendar_without_meals("2026-12-24");
        longer["last_day"] = json!(last_day);
        days::publish(&world, longer).await;
        assert_eq!(world.repeat(layout::lay_out_batch).await, 1);
        family.get(&at(&format!("enrolments/{id}"))).await.expect(200).text("/ends_on")
    };
    assert_eq!(until("2027-07-09").await, "2027-07-09");
    assert_eq!(states(&family, &id, "2027-07-05", "2027-07-09").await, ["reserved", "reserved"]);
    family.post(&at(&format!("enrolments/{id}/meals/2027-07-06/reserve")), json!({})).await.expect(200);
    // And a shorter one, and longer again.
    assert_eq!(until("2027-07-02").await, "2027-07-02");
    assert_eq!(states(&family, &id, "2027-07-05", "2027-07-09").await, ["closed"; 3]);
    assert_eq!(until("2027-07-07").await, "2027-07-07");
    assert_eq!(states(&family, &id, "2027-07-05", "2027-07-05").await, ["reserved"]);
}

#[actix_web::test]
async fn a_colleges_list_goes_on_behind_a_child_who_left() {
    let world = World::start().await;
    open(&world, &[COLLEGE, OTHER_COLLEGE]).await;
    let family = world.family("92").await;
    for name in ["Lou", "Ana", "Noa"] {
        enrol(&family, &child_of(&family, name).await.1).await;
    }
    following::arrival(&world, OTHER_COLLEGE).await;
    let secretary = world.secretary(COLLEGE).await;
    let diners = at(&format!("colleges/{COLLEGE}/diners/{SEASON}?limit=1"));
    let first = secretary.get(&diners).await.expect(200);
    assert_eq!((first.items().len(), first.text("/items/0/first_names")), (1, "Ana".into()));
    let rest = secretary.get(&format!("{diners}&cursor={}", first.text("/next_cursor"))).await.expect(200);
    assert_eq!((rest.text("/items/0/first_names"), rest.json.get("next_cursor")), ("Noa".into(), None));
}

#[actix_web::test]
async fn what_was_eaten_is_forgotten_with_the_season() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (_, wish) = child_of(&family, "Lou").await;
    let path = at(&format!("enrolments/{}", enrol(&family, &wish).await));
    assert_eq!(world.repeat(canteen_enrolments::forget_diets).await, 0);
    world.advance(TimeDelta::days(325));
    assert_eq!(world.repeat(canteen_enrolments::forget_diets).await, 1);
    let shown = world.sign_in(&family.email).await.get(&path).await.expect(200);
    assert_eq!((shown.json.get("diet"), shown.text("/weekdays/0")), (None, "monday".into()));
}

#[actix_web::test]
async fn meals_beyond_the_time_of_a_college_in_scope_are_closed() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (_, wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    let college = world.administrator.get(&at("colleges")).await.expect(200).text("/items/0/id");
    let end = json!({ "ends_on": "2026-11-06" });
    world.administrator.put(&at(&format!("colleges/{college}/end")), end).await.expect(200);
    assert_eq!(world.repeat(layout::lay_out_batch).await, 1);
    let days = family.get(&at(&format!("enrolments/{id}/meals?from=2026-11-05&until=2026-11-09"))).await.expect(200);
    assert_eq!((days.text("/0/state"), days.text("/2/state")), ("reserved".into(), "closed".into()));
    let told = unserved(&world, &family).await;
    assert_eq!(told.len(), 1);
    let [first, last] = ["Lou : ", " repas, du 09/11/2026 au 01/07/2027, parce que son collège n'a plus cette cantine"];
    assert!(told[0].starts_with(first) && told[0].ends_with(last), "{told:?}");
}

/// What the letter about meals that are not served any more tells of each child; there is one at most.
async fn unserved(world: &World, family: &Family) -> Vec<String> {
    world.work_off().await;
    let letters = world.letters_to(&family.email).await;
    let told: Vec<_> = letters.iter().filter(|(subject, _)| subject == "Repas de la cantine annulés").collect();
    assert!(told.len() <= 1, "{told:?}");
    let lines = told.iter().flat_map(|(_, body)| body.lines()).filter_map(|line| line.strip_prefix("  "));
    let mut lines: Vec<_> = lines.map(str::to_owned).collect();
    lines.sort();
    lines
}

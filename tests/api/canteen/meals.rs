//! Single meals: cancelled or added until their cut-off, closed with their canteen.

use super::{at, calendar_without_meals, child_of, days, enrol, open, states};
use crate::support::{COLLEGE, OTHER_COLLEGE, World};
use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use passplus::canteen::meals::{closures, layout};
use serde_json::json;
use tokio::task::JoinSet;

/// Lets time pass until then; administrators sign in again.
async fn wait_until(world: &mut World, instant: &str) {
    world.advance(instant.parse::<chrono::DateTime<chrono::Utc>>().unwrap() - world.app.db.server_now());
    world.wake_administrators().await;
}

#[actix_web::test]
async fn a_meal_is_cancelled_or_added_until_the_exact_instant_that_is_shown() {
    let mut world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (_, wish) = child_of(&family, "Lou").await;
    let path = at(&format!("enrolments/{}/meals", enrol(&family, &wish).await));
    let cancelled = family.post(&format!("{path}/2026-11-05/cancel"), json!({})).await.expect(200);
    assert_eq!(
        cancelled.json,
        json!({ "date": "2026-11-05", "state": "cancelled", "too_late_from": "2026-11-02T23:00:00Z" })
    );
    family.post(&format!("{path}/2026-11-05/cancel"), json!({})).await.refused(409, "canteen.meal_transition");
    assert_eq!(
        family.post(&format!("{path}/2026-11-05/reserve"), json!({})).await.expect(200).text("/state"),
        "reserved"
    );
    // A day on which the child does not eat otherwise.
    family.post(&format!("{path}/2026-11-06/cancel"), json!({})).await.refused(409, "canteen.no_meal");
    assert_eq!(
        family.post(&format!("{path}/2026-11-06/reserve"), json!({})).await.expect(200).text("/state"),
        "reserved"
    );
    for closed in ["2026-11-11", "2026-11-07", "2026-10-15", "2027-07-05", "2020-01-01"] {
        family.post(&format!("{path}/{closed}/reserve"), json!({})).await.refused(409, "canteen.no_meal");
    }
    family.post(&format!("{path}/demain/reserve"), json!({})).await.refused(404, "not_found");
    let wrong = family.get(&format!("{path}?from=2026-11-02&until=2027-01-03")).await.refused(422, "request.invalid");
    assert_eq!(wrong.pointers(), ["until"]);

    let stranger = world.family("92").await;
    let other = world.guardian(&family, "consult").await;
    stranger.post(&format!("{path}/2026-11-05/cancel"), json!({})).await.refused(404, "not_found");
    other.post(&format!("{path}/2026-11-05/cancel"), json!({})).await.refused(403, "guardian.consult_only");

    // One second before the instant, and at it.
    let until = "2026-11-02T23:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    world.advance(until - world.app.db.server_now() - TimeDelta::seconds(60));
    let family = world.sign_in(&family.email).await;
    family.post(&format!("{path}/2026-11-05/cancel"), json!({})).await.expect(200);
    world.advance(until - world.app.db.server_now() + TimeDelta::seconds(1));
    let refused = family.post(&format!("{path}/2026-11-05/reserve"), json!({})).await.refused(409, "canteen.too_late");
    assert!(refused.text("/detail").contains("02/11/2026 à 23 h 59"), "{}", refused.text("/detail"));
    world.wake_administrators().await;
}

#[actix_web::test]
async fn a_closure_takes_the_meals_of_its_days_tells_families_and_gives_them_back() {
    let world = World::start().await;
    open(&world, &[COLLEGE, OTHER_COLLEGE]).await;
    let family = world.family("92").await;
    let (_, wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    let path = at(&format!("enrolments/{id}/meals"));
    let clerk = world.agent("92", "case_worker").await;
    let closure = |college: &str, from: &str, until: &str| json!({ "college_uai": college, "from": from, "until": until, "kind": "strike", "label": "Grève" });
    clerk.post(&at("closures"), closure(OTHER_COLLEGE, "2026-11-02", "2026-11-06")).await.expect(201);
    let own = clerk.post(&at("closures"), closure(COLLEGE, "2026-11-05", "2026-11-09")).await.expect(201).text("/id");
    assert_eq!(world.repeat(closures::apply_closure).await, 10);
    assert_eq!(world.repeat(closures::apply_closure).await, 0);
    let states = |answer: crate::support::Answer| {
        let days = answer.expect(200).json.as_array().unwrap().clone();
        days.iter()
            .filter_map(|d| Some((d["date"].as_str()?.to_owned(), d["state"].as_str()?.to_owned())))
            .collect::<Vec<_>>()
    };
    let week = format!("{path}?from=2026-11-02&until=2026-11-12");
    let of = |pairs: [(&str, &str); 4]| pairs.map(|(d, s)| (d.to_owned(), s.to_owned()));
    assert_eq!(
        states(family.get(&week).await),
        of([
            ("2026-11-02", "reserved"),
            ("2026-11-05", "closed"),
            ("2026-11-09", "closed"),
            ("2026-11-12", "reserved")
        ])
    );
    family.post(&format!("{path}/2026-11-05/reserve"), json!({})).await.refused(409, "canteen.no_meal");
    world.work_off().await;
    let letters = world.letters_to(&family.email).await;
    let (_, body) = letters.iter().find(|(subject, _)| subject == "Cantine fermée").expect("a letter");
    assert!(body.contains("du 05/11/2026 au 09/11/2026 (Grève)") && body.contains("Lou : 2 repas"), "{body}");

    // Meals of another enrolment laid out meanwhile are closed too.
    let (_, wish) = child_of(&family, "Ana").await;
    let later = at(&format!("enrolments/{}/meals?from=2026-11-02&until=2026-11-12", enrol(&family, &wish).await));
    assert_eq!(states(family.get(&later).await), states(family.get(&week).await));

    clerk.post(&at(&format!("closures/{own}/withdraw")), json!({})).await.expect(200);
    assert_eq!(world.repeat(closures::apply_closure).await, 1);
    let again = of(["2026-11-02", "2026-11-05", "2026-11-09", "2026-11-12"].map(|day| (day, "reserved")));
    assert_eq!(states(family.get(&week).await), again);
    world.work_off().await;
    assert!(world.letters_to(&family.email).await.iter().any(|(subject, _)| subject == "Cantine ouverte"));
}

#[actix_web::test]
async fn no_meal_is_added_after_the_college_left_the_scope() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (_, wish) = child_of(&family, "Lou").await;
    let path = at(&format!("enrolments/{}/meals", enrol(&family, &wish).await));
    let college = world.administrator.get(&at("colleges")).await.expect(200).text("/items/0/id");
    let end = json!({ "ends_on": "2026-11-06" });
    world.administrator.put(&at(&format!("colleges/{college}/end")), end).await.expect(200);
    family.post(&format!("{path}/2026-11-03/reserve"), json!({})).await.expect(200);
    family.post(&format!("{path}/2026-11-10/reserve"), json!({})).await.refused(409, "canteen.no_meal");
    let days = at(&format!("calendars/2026-2027/days?college_uai={COLLEGE}&from=2026-11-05&until=2026-11-12"));
    let served = world.api.get(&days).await.expect(200);
    assert_eq!((served.json.as_array().unwrap().len(), served.text("/1/date")), (2, "2026-11-06".into()));
}

#[actix_web::test]
async fn a_diner_has_one_meal_a_day_whatever_is_tried() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (child, wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    let path = at(&format!("enrolments/{id}/meals/2026-11-06/reserve"));
    let mut running = JoinSet::new();
    for _ in 0..8 {
        let (api, path) = (family.api.clone(), path.clone());
        running.spawn(async move { api.post(&path, json!({})).await });
    }
    let answers = running.join_all().await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((made.len(), refused.len()), (1, 7));
    let mut conn = world.superuser("92");
    let twice = format!(
        "insert into canteen_meals select person_id, day, enrolment_id, family_id, college_uai, state, now() from canteen_meals
          where person_id = '{child}' limit 1"
    );
    assert!(conn.batch_execute(&twice).unwrap_err().to_string().contains("canteen_meals_pk"));
    // The other department's database cannot even hold an enrolment.
    let foreign = "insert into canteen_enrolments (id, season, diner, person_id, college_uai, weekdays, diet, starts_on, ends_on, state, enrolled_by, enrolled_at)
        values (gen_random_uuid(), '2026-2027', 'commensal', gen_random_uuid(), '0780001C', 1, 'everything', '2026-11-02', '2027-07-02', 'active', gen_random_uuid(), now())";
    assert!(world.superuser("78").batch_execute(foreign).unwrap_err().to_string().contains("no meals are served"));
}

#[actix_web::test]
async fn a_closed_meal_is_given_up_at_any_time_and_reserved_again_only_where_it_is_served() {
    let mut world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (_, wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    let clerk = world.agent("92", "case_worker").await;
    let closure = json!({ "college_uai": COLLEGE, "from": "2026-11-05", "until": "2026-11-09", "kind": "strike", "label": "Grève" });
    let closure = clerk.post(&at("closures"), closure).await.expect(201).text("/id");
    world.repeat(closures::apply_closure).await;
    // Meanwhile the 9th becomes a holiday; on the 4th it is too late to cancel the meal of the 5th, which nobody cooks.
    days::publish(&world, calendar_without_meals("2026-11-09")).await;
    world.repeat(layout::lay_out_batch).await;
    let (_, other) = child_of(&family, "Ana").await;
    let stays = enrol(&family, &other).await;
    let now = "2026-11-04T08:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    world.advance(now - world.app.db.server_now());
    let family = world.sign_in(&family.email).await;
    family.post(&at(&format!("enrolments/{id}/end")), json!({ "version": 1 })).await.expect(200);
    world.wake_administrators().await;
    let withdraw = at(&format!("closures/{closure}/withdraw"));
    world.administrator.post(&withdraw, json!({})).await.expect(200);
    assert_eq!(world.repeat(closures::apply_closure).await, 1);
    let meals = async |id: &str| {
        let path = at(&format!("enrolments/{id}/meals?from=2026-11-05&until=2026-11-09"));
        let days = family.get(&path).await.expect(200).json;
        days.as_array().unwrap().iter().map(|day| day["state"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(meals(&id).await, ["cancelled", "cancelled"], "its own days, and none after its end");
    assert_eq!(meals(&stays).await, ["reserved".into(), json!(null)]);
}

#[actix_web::test]
async fn a_closure_of_days_that_are_past_is_withdrawn_for_a_reason_until_their_month_is_locked() {
    let mut world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (child, wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    let closure = |from: &str, until: &str| json!({ "college_uai": COLLEGE, "from": from, "until": until, "kind": "strike", "label": "Grève" });
    let why = json!({ "reason": "La grève est celle d'un autre collège." });
    let wait = async |world: &mut World, until: &str| {
        wait_until(world, until).await;
        (world.sign_in(&family.email).await, world.agent("92", "case_worker").await)
    };
    let (reader, clerk) = wait(&mut world, "2026-11-10T09:00:00Z").await;
    // Monday 2, Thursday 5, Monday 9, Thursday 12; two of them were over when the closure was written down.
    let declared = clerk.post(&at("closures"), closure("2026-11-05", "2026-11-12")).await.expect(201).text("/id");
    world.repeat(closures::apply_closure).await;
    assert_eq!(states(&reader, &id, "2026-11-02", "2026-11-12").await, ["reserved", "closed", "closed", "closed"]);
    let withdraw = at(&format!("closures/{declared}/withdraw"));
    clerk.post(&withdraw, json!({})).await.refused(422, "request.invalid");
    clerk.post(&withdraw, why.clone()).await.expect(200);
    world.repeat(closures::apply_closure).await;
    assert_eq!(states(&reader, &id, "2026-11-02", "2026-11-12").await, ["reserved"; 4]);
    let letters = world.letters_to(&family.email).await;
    let (_, body) = letters.iter().find(|(subject, _)| subject == "Cantine ouverte").expect("a letter");
    assert!(body.contains("du 10/11/2026 au 12/11/2026") && body.contains("Lou : 1 repas"), "{body}");

    // Who was told in time that nothing is served did not come, and owes nothing.
    let told = clerk.post(&at("closures"), closure("2026-11-16", "2026-11-19")).await.expect(201).text("/id");
    world.repeat(closures::apply_closure).await;
    let (reader, clerk) = wait(&mut world, "2026-11-17T09:00:00Z").await;
    clerk.post(&at(&format!("closures/{told}/withdraw")), why.clone()).await.expect(200);
    world.repeat(closures::apply_closure).await;
    assert_eq!(states(&reader, &id, "2026-11-16", "2026-11-19").await, ["closed", "reserved"]);

    // What is billed does not move.
    let last = clerk.post(&at("closures"), closure("2026-11-09", "2026-11-09")).await.expect(201).text("/id");
    world.repeat(closures::apply_closure).await;
    let lock = |college: &str| {
        format!(
            "insert into canteen_attendance_locks (id, college_uai, month, locked_by, locked_at)
         values (gen_random_uuid(), '{college}', '2026-11-01', gen_random_uuid(), now())"
        )
    };
    world.superuser("92").batch_execute(&lock(COLLEGE)).unwrap();
    let withdraw = at(&format!("closures/{last}/withdraw"));
    clerk.post(&withdraw, why.clone()).await.refused(409, "attendance.locked");
    assert_eq!(states(&reader, &id, "2026-11-09", "2026-11-09").await, ["closed"]);
    world
        .superuser("92")
        .batch_execute(&format!("delete from canteen_attendance_locks; {}", lock(OTHER_COLLEGE)))
        .unwrap();
    clerk.post(&withdraw, why).await.expect(200);
    world.repeat(closures::apply_closure).await;
    assert_eq!(states(&reader, &id, "2026-11-09", "2026-11-09").await, ["reserved"]);

    // Told that nothing is served and then that it is, a family owes what was eaten; of another day what was reserved.
    let (reader, _) = wait(&mut world, "2026-11-23T15:00:00Z").await;
    let secretary = world.secretary(COLLEGE).await;
    for day in ["2026-11-19", "2026-11-23"] {
        secretary.post(&at("attendance/close"), json!({ "day": day })).await.expect(200);
    }
    assert_eq!(states(&reader, &id, "2026-11-19", "2026-11-23").await, ["excused", "no_show"]);
    // Whoever did not eat after all is excused as before.
    for (day, state) in [("2026-11-19", "excused"), ("2026-11-23", "reserved")] {
        let passage = json!({ "diner_id": child, "day": day });
        secretary.post(&at("attendance/passages"), passage.clone()).await.expect(200);
        let mut mistake = passage;
        mistake["reason"] = json!("Saisi pour un autre enfant.");
        let taken_back = secretary.post(&at("attendance/passages/withdraw"), mistake).await.expect(200);
        assert_eq!(taken_back.text("/state"), state, "{day}");
    }
}

#[actix_web::test]
async fn the_days_of_a_closure_that_have_begun_are_closed_at_once() {
    let mut world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (_, wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    wait_until(&mut world, "2026-11-09T06:00:00Z").await;
    let (reader, clerk) = (world.sign_in(&family.email).await, world.agent("92", "case_worker").await);
    let closure = |from: &str, until: &str| json!({ "college_uai": COLLEGE, "from": from, "until": until, "kind": "incident", "label": "Panne" });
    clerk.post(&at("closures"), closure("2026-11-05", "2026-11-12")).await.expect(201);
    let week = async || states(&reader, &id, "2026-11-05", "2026-11-12").await;
    assert_eq!(week().await, ["closed", "closed", "reserved"], "no gate says until the next round that it is served");
    assert!(world.letters_to(&family.email).await.iter().all(|(subject, _)| subject != "Cantine fermée"));
    assert_eq!(world.repeat(closures::apply_closure).await, 3);
    assert_eq!(week().await, ["closed"; 3]);
    let told = async |world: &World| {
        world.letters_to(&family.email).await.iter().filter(|(subject, _)| subject == "Cantine fermée").count()
    };
    assert_eq!(told(&world).await, 1);
    // Of today alone, nothing is left to do.
    wait_until(&mut world, "2026-11-16T06:00:00Z").await;
    let (reader, clerk) = (world.sign_in(&family.email).await, world.agent("92", "case_worker").await);
    clerk.post(&at("closures"), closure("2026-11-16", "2026-11-16")).await.expect(201);
    assert_eq!(states(&reader, &id, "2026-11-16", "2026-11-16").await, ["closed"]);
    assert_eq!(told(&world).await, 2);
    assert_eq!(world.repeat(closures::apply_closure).await, 0);
}

#[actix_web::test]
async fn no_month_is_locked_before_its_closures_are_applied() {
    let mut world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let (_, wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    wait_until(&mut world, "2026-12-02T09:00:00Z").await;
    let (clerk, finance) = (world.agent("92", "case_worker").await, world.agent("92", "finance").await);
    world.superuser("92").batch_execute("update canteen_meals set state = 'no_show' where day < '2026-12-01'").unwrap();
    let lock = async || {
        let month = json!({ "college_uai": COLLEGE, "month": "2026-11" });
        finance.post(&at("attendance-months/lock"), month).await
    };
    let everywhere = json!({ "from": "2026-11-26", "until": "2026-11-26", "kind": "strike", "label": "Grève" });
    let declared = clerk.post(&at("closures"), everywhere).await.expect(201).text("/id");
    let refused = lock().await.refused(409, "attendance.month_open");
    assert!(refused.text("/detail").starts_with("Une fermeture de novembre 2026"), "{}", refused.json);
    assert_eq!(world.repeat(closures::apply_closure).await, 1);
    let why = json!({ "reason": "La grève n'a pas eu lieu." });
    clerk.post(&at(&format!("closures/{declared}/withdraw")), why).await.expect(200);
    lock().await.refused(409, "attendance.month_open");
    assert_eq!(world.repeat(closures::apply_closure).await, 1);
    let reader = world.sign_in(&family.email).await;
    assert_eq!(states(&reader, &id, "2026-11-26", "2026-11-26").await, ["reserved"]);
    let refused = lock().await.refused(409, "attendance.month_open");
    assert_eq!(
        refused.text("/detail"),
        "1 repas de novembre 2026 est encore réservé : dites s'il a été pris, manqué ou excusé."
    );
    world.superuser("92").batch_execute("update canteen_meals set state = 'no_show' where day = '2026-11-26'").unwrap();
    lock().await.expect(201);
}

#[actix_web::test]
async fn a_child_who_ate_without_being_enrolled_is_shown_to_its_family_with_the_price() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let secretary = world.secretary(COLLEGE).await;
    let lou = world.pupil(&family, &secretary).await.child;
    let meals =
        |child: &str| format!("/v1/departments/92/children/{child}/canteen-meals?from=2026-10-01&until=2026-11-30");
    assert_eq!(family.get(&meals(&lou)).await.expect(200).json, json!([]));
    let passage = json!({ "diner_id": lou, "day": "2026-10-12" });
    secretary.post(&at("attendance/passages"), passage.clone()).await.expect(200);
    let one = json!({ "date": "2026-10-12", "college_uai": COLLEGE, "state": "walk_in", "cents": 700 });
    assert_eq!(family.get(&meals(&lou)).await.expect(200).json, json!([one]));
    let list = format!("/v1/departments/92/children/{lou}/canteen-enrolments");
    assert_eq!(family.get(&list).await.expect(200).json, json!([]), "it is enrolled nowhere");
    // Meals of an enrolment cost its own rate; what is given up costs nothing.
    let (ana, wish) = child_of(&family, "Ana").await;
    let id = enrol(&family, &wish).await;
    family.post(&at(&format!("enrolments/{id}/meals/2026-11-05/cancel")), json!({})).await.expect(200);
    world.superuser("92").batch_execute("update canteen_rates set cents = 280, meal_cents = 280").unwrap();
    let told = family.get(&meals(&ana)).await.expect(200);
    assert_eq!(
        (told.text("/0/date"), told.number("/0/cents"), told.text("/0/enrolment_id")),
        ("2026-11-02".into(), 280, id)
    );
    assert_eq!((told.text("/1/state"), told.number("/1/cents")), ("cancelled".into(), 0));
    // A price for the whole year is none of a meal.
    world.superuser("92").batch_execute("update canteen_rates set cents = 40320, unit = 'year'").unwrap();
    assert_eq!(family.get(&meals(&ana)).await.expect(200).json[0].get("cents"), None);

    family.get(&meals(&lou).replace("2026-11-30", "2026-12-30")).await.refused(422, "request.invalid");
    let stranger = world.family("92").await;
    for (caller, status, code) in [
        (&world.api, 401, "auth.required"),
        (&stranger.api, 404, "not_found"),
        (&world.administrator_78.api, 404, "not_found"),
    ] {
        caller.get(&meals(&lou)).await.refused(status, code);
    }
}

#[actix_web::test]
async fn what_was_eaten_long_ago_is_recorded_by_nobody() {
    let mut world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let lou = world.pupil(&family, &world.secretary(COLLEGE).await).await.child;
    wait_until(&mut world, "2026-12-15T09:00:00Z").await;
    let (secretary, clerk) = (world.secretary(COLLEGE).await, world.agent("92", "finance").await);
    let pass = |day: &str| json!({ "college_uai": COLLEGE, "diner_id": lou, "day": day });
    // 5 November is 40 days ago.
    let refused =
        secretary.post(&at("attendance/passages"), pass("2026-11-03")).await.refused(409, "attendance.long_past");
    assert!(refused.text("/detail").starts_with("Un repas s'enregistre à partir du 05/11/2026."), "{}", refused.json);
    secretary.post(&at("attendance/passages"), pass("2026-11-05")).await.expect(200);
    // A month that is opened again is the department's.
    clerk.post(&at("attendance/passages"), pass("2026-09-03")).await.expect(200);
    clerk.post(&at("attendance/passages"), pass("2026-06-30")).await.refused(409, "attendance.long_past");
    // What a desk could not record again it does not take back.
    let back = json!({ "diner_id": lou, "day": "2026-09-03", "reason": "Un autre enfant." });
    secretary.post(&at("attendance/passages/withdraw"), back.clone()).await.refused(409, "attendance.long_past");
    clerk.post(&at("attendance/passages/withdraw"), back).await.expect(200);
}

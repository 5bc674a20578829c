//! Who really ate: kept by the collège, locked by the department.

use super::{Table, at, sql};
use crate::support::{COLLEGE, OTHER_COLLEGE};
use diesel::{RunQueryDsl, sql_query};
use serde_json::json;

#[actix_web::test]
async fn a_secretary_keeps_the_list_of_his_own_college() {
    let table = Table::set().await;
    table.meals(&table.child, "reserved", &["2026-10-12", "2026-10-13", "2026-10-15"]);
    let guest = table.adult("guest", None);
    let day = table.secretary.get(&at("attendance?day=2026-10-12")).await.expect(200);
    assert_eq!((day.text("/college_uai"), day.text("/meals/0/state")), (COLLEGE.into(), "reserved".into()));
    assert_eq!((day.text("/meals/0/last_name"), day.text("/meals/0/first_names")), ("Martin".into(), "Lou".into()));
    assert!(!day.json.to_string().contains("cents"), "{}", day.json);
    let other = format!("attendance?day=2026-10-12&college_uai={OTHER_COLLEGE}");
    table.secretary.get(&at(&other)).await.refused(404, "not_found");
    table.finance[0].get(&at("attendance?day=2026-10-12")).await.refused(422, "request.invalid");
    let own = format!("attendance?day=2026-10-12&college_uai={COLLEGE}");
    assert_eq!(table.finance[0].get(&at(&own)).await.expect(200).at("/meals/0/diner_id"), &json!(table.child));

    let (excuse, pass, close) = (at("attendance/excuse"), at("attendance/passages"), at("attendance/close"));
    let excused = json!({ "diner_id": table.child, "day": "2026-10-12", "reason": "medical_certificate" });
    assert_eq!(table.secretary.post(&excuse, excused.clone()).await.expect(200).text("/state"), "excused");
    table.secretary.post(&excuse, excused.clone()).await.refused(409, "attendance.transition");
    let nobody = json!({ "diner_id": guest, "day": "2026-10-12", "reason": "other" });
    table.secretary.post(&excuse, nobody).await.refused(404, "not_found");
    let odd = json!({ "diner_id": table.child, "day": "2026-10-12", "reason": "influenza" });
    table.secretary.post(&excuse, odd).await.refused(422, "request.invalid");

    let passed = |diner: &str, day: &str| json!({ "diner_id": diner, "day": day });
    let state = table.secretary.post(&pass, passed(&table.child, "2026-10-13")).await.expect(200).text("/state");
    assert_eq!(state, "consumed");
    table.secretary.post(&pass, passed(&table.child, "2026-10-13")).await.refused(409, "attendance.transition");
    // Who has no meal of the day came without reservation.
    for diner in [&guest, &table.child] {
        let state = table.secretary.post(&pass, passed(diner, "2026-10-09")).await.expect(200).text("/state");
        assert_eq!(state, "walk_in");
    }
    table.secretary.post(&pass, passed(&guest, "2026-10-16")).await.refused(422, "request.invalid");
    let nobody = passed("0199a8f0-7c3e-7bbd-8000-000000000001", "2026-10-09");
    table.secretary.post(&pass, nobody).await.refused(404, "not_found");
    // A Wednesday: nobody ate.
    table.secretary.post(&pass, passed(&guest, "2026-10-14")).await.refused(409, "canteen.no_meal");
    let elsewhere = json!({ "college_uai": OTHER_COLLEGE, "diner_id": table.child, "day": "2026-10-01" });
    table.finance[0].post(&pass, elsewhere).await.refused(409, "canteen.not_offered");

    let closed = table.secretary.post(&close, json!({ "day": "2026-10-15" })).await.expect(200);
    assert_eq!(closed.number("/missed"), 1);
    table.secretary.post(&close, json!({ "day": "2026-10-16" })).await.refused(422, "request.invalid");
    let journal = table.world.administrator.get("/v1/departments/92/journal?limit=100").await.expect(200).json;
    for action in ["canteen_meal_excused", "canteen_passage_recorded", "canteen_day_closed"] {
        assert!(journal.to_string().contains(action), "{action}");
    }
    assert!(journal.to_string().contains("medical_certificate"));

    // Another collège's secretary finds nobody.
    let stranger = table.world.secretary(OTHER_COLLEGE).await;
    let again = json!({ "diner_id": table.child, "day": "2026-10-15", "reason": "other" });
    stranger.post(&excuse, again.clone()).await.refused(404, "not_found");
    let dpo = table.world.agent("92", "dpo").await;
    for (caller, status, code) in [
        (&table.world.api, 401, "auth.required"),
        (&table.family.api, 403, "auth.forbidden"),
        (&dpo.api, 403, "auth.forbidden"),
        (&table.world.administrator_78.api, 404, "not_found"),
    ] {
        caller.get(&at(&own)).await.refused(status, code);
        caller.post(&excuse, again.clone()).await.refused(status, code);
        caller.post(&pass, passed(&guest, "2026-10-14")).await.refused(status, code);
        caller.post(&close, json!({ "day": "2026-10-15" })).await.refused(status, code);
    }
}

#[actix_web::test]
async fn a_cancelled_meal_of_a_day_without_meals_is_no_meal_without_reservation() {
    let table = Table::set().await;
    table.meals(&table.child, "cancelled", &["2026-10-12", "2026-10-13", "2026-10-14"]);
    let pass = async |day: &str| {
        let passed = json!({ "college_uai": COLLEGE, "diner_id": table.child, "day": day });
        table.finance[0].post(&at("attendance/passages"), passed).await
    };
    // A Wednesday; a day on which it was closed; and one on which the collège was out of scope.
    pass("2026-10-14").await.refused(409, "canteen.no_meal");
    sql(
        &table.world,
        "insert into canteen_closures (id, kind, label, from_day, until_day, declared_by, declared_at)
         values (gen_random_uuid(), 'strike', 'Grève', '2026-10-13', '2026-10-13', gen_random_uuid(), now())",
    );
    pass("2026-10-13").await.refused(409, "canteen.no_meal");
    assert_eq!(pass("2026-10-12").await.expect(200).text("/state"), "walk_in");
    table.meals(&table.child, "cancelled", &["2026-10-12"]);
    sql(&table.world, "update canteen_colleges set ends_on = '2026-10-11'");
    pass("2026-10-12").await.refused(409, "canteen.not_offered");
    let states = "(select jsonb_agg(distinct state) from canteen_meals)";
    assert_eq!(table.ask(states), json!(["cancelled"]));
}

#[actix_web::test]
async fn a_passage_of_the_wrong_child_is_taken_back() {
    let table = Table::set().await;
    table.rate(&table.child, "2026-09-01", "meal", 280, 280);
    table.meals(&table.child, "reserved", &["2026-10-12", "2026-10-15"]);
    // Closed when somebody wrote it down.
    table.meals(&table.child, "consumed", &["2026-10-14"]);
    table.meals(&table.child, "no_show", &["2026-10-13"]);
    let guest = table.adult("guest", None);
    let (pass, withdraw) = (at("attendance/passages"), at("attendance/passages/withdraw"));
    let body = |diner: &str, day: &str| json!({ "diner_id": diner, "day": day, "reason": "Enregistré pour sa sœur par erreur." });
    for (diner, day) in [
        (&table.child, "2026-10-12"),
        (&table.child, "2026-10-15"),
        (&table.child, "2026-10-09"),
        (&guest, "2026-10-09"),
    ] {
        table.secretary.post(&pass, json!({ "diner_id": diner, "day": day })).await.expect(200);
    }
    // Over, today, without reservation, not served: what was recorded at the desk is withdrawn there.
    for (diner, day, state) in [
        (&table.child, "2026-10-12", "no_show"),
        (&table.child, "2026-10-15", "reserved"),
        (&table.child, "2026-10-09", "cancelled"),
        (&guest, "2026-10-09", "cancelled"),
        (&table.child, "2026-10-14", "closed"),
    ] {
        let answer = table.secretary.post(&withdraw, body(diner, day)).await.expect(200);
        assert_eq!(answer.json, json!({ "diner_id": diner, "day": day, "state": state }));
        table.secretary.post(&withdraw, body(diner, day)).await.refused(409, "attendance.transition");
    }
    table.secretary.post(&withdraw, body(&table.child, "2026-10-13")).await.refused(409, "attendance.transition");
    table.secretary.post(&withdraw, body(&table.child, "2026-10-08")).await.refused(404, "not_found");
    for reason in [json!(""), json!(null)] {
        let mut wrong = body(&table.child, "2026-10-12");
        wrong["reason"] = reason;
        let refused = table.secretary.post(&withdraw, wrong).await.refused(422, "request.invalid");
        assert_eq!(refused.pointers(), ["/reason"]);
    }
    let journal = table.world.administrator.get("/v1/departments/92/journal?limit=100").await.expect(200);
    let lines: Vec<_> = journal.items().iter().filter(|line| line["action"] == "canteen_passage_withdrawn").collect();
    assert_eq!(lines.len(), 5);
    assert!(lines.iter().all(|line| line["details"]["reason"] == "Enregistré pour sa sœur par erreur."));
    // The family is told of each of its child's; nobody is of what was none.
    let letters = table.world.letters_to(&table.family.email).await;
    let told: Vec<_> = letters.iter().filter(|(about, _)| about == "Repas enregistré par erreur").collect();
    assert_eq!(told.len(), 4, "{letters:?}");
    assert!(told.iter().any(|(_, body)| body.contains("du 15/10/2026") && body.contains("reste réservé")));

    let stranger = table.world.secretary(OTHER_COLLEGE).await;
    stranger.post(&withdraw, body(&table.child, "2026-10-12")).await.refused(404, "not_found");
    let dpo = table.world.agent("92", "dpo").await;
    for (caller, status, code) in [
        (&table.world.api, 401, "auth.required"),
        (&table.family.api, 403, "auth.forbidden"),
        (&dpo.api, 403, "auth.forbidden"),
        (&table.world.administrator_78.api, 404, "not_found"),
    ] {
        caller.post(&withdraw, body(&table.child, "2026-10-12")).await.refused(status, code);
    }
}

#[actix_web::test]
async fn what_was_billed_of_a_passage_that_is_taken_back_is_corrected() {
    let table = Table::set().await;
    table.rate(&table.child, "2026-09-01", "meal", 280, 280);
    table.meals(&table.child, "consumed", &["2026-09-07"]);
    table.meals(&table.child, "walk_in", &["2026-09-08"]);
    table.lock("2026-09").await.expect(201);
    table.bill("2026-09").await;
    let withdraw = async |day: &str| {
        let body = json!({ "diner_id": table.child, "day": day, "reason": "La carte était celle de sa sœur." });
        table.finance[0].post(&at("attendance/passages/withdraw"), body).await
    };
    withdraw("2026-09-08").await.refused(409, "attendance.locked");
    table.reopen("2026-09").await.expect(200);
    // What was reserved and not taken is due all the same; what was not reserved was never eaten.
    assert_eq!(withdraw("2026-09-07").await.expect(200).text("/state"), "no_show");
    assert_eq!(withdraw("2026-09-08").await.expect(200).text("/state"), "cancelled");
    table.lock("2026-09").await.expect(201);
    table.bill("2026-09").await;
    let totals: Vec<i64> =
        table.bills_of(&table.family.id).await.iter().map(|bill| bill["total_cents"].as_i64().unwrap()).collect();
    assert_eq!(totals, [980, -700]);
}

#[actix_web::test]
async fn a_month_is_locked_when_all_is_known_and_then_no_meal_of_it_changes() {
    let table = Table::set().await;
    table.meals(&table.child, "consumed", &["2026-09-01", "2026-09-03"]);
    table.meals(&table.child, "reserved", &["2026-09-04", "2026-10-01"]);
    let refused = table.lock("2026-09").await.refused(409, "attendance.month_open");
    assert!(refused.text("/detail").starts_with("1 repas"), "{}", refused.json);
    table.lock("2026-10").await.refused(409, "attendance.month_open");
    table.lock("2026-9").await.refused(422, "request.invalid");
    table.lock("2026-07").await.refused(404, "not_found");
    table.reopen("2026-09").await.refused(409, "attendance.month_transition");
    let excuse = at("attendance/excuse");
    let body = |day: &str| json!({ "diner_id": table.child, "day": day, "reason": "school_trip" });
    table.secretary.post(&excuse, body("2026-09-04")).await.expect(200);
    table.lock("2026-09").await.expect(201);
    table.lock("2026-09").await.refused(409, "attendance.month_transition");
    for (day, locked) in [("2026-08-31", false), ("2026-09-01", true), ("2026-09-30", true), ("2026-10-01", false)] {
        assert_eq!(table.ask(&format!("canteen_is_locked('{COLLEGE}', '{day}')")), json!(locked), "{day}");
    }
    let months = table.finance[0].get(&at("attendance-months?month=2026-09")).await.expect(200);
    assert_eq!((months.number("/colleges/0/meals"), months.at("/colleges/0/billed")), (3, &json!(false)));
    assert!(months.at("/colleges/0/locked_at").is_string());

    for caller in [&table.secretary.api, &table.world.administrator.api] {
        let passed = json!({ "college_uai": COLLEGE, "diner_id": table.child, "day": "2026-09-04" });
        caller.post(&at("attendance/passages"), passed).await.refused(409, "attendance.locked");
    }
    let close = json!({ "day": "2026-09-04" });
    table.secretary.post(&at("attendance/close"), close).await.expect(200);
    // Whoever tries, and by whatever statement.
    for change in [
        "update canteen_meals set state = 'consumed' where day = '2026-09-04'",
        "update canteen_meals set day = '2026-09-08' where day = '2026-10-01'",
        "delete from canteen_meals where day = '2026-09-04'",
        "insert into canteen_meals select gen_random_uuid(), '2026-09-10', null, null, college_uai, 'consumed', now() from canteen_meals limit 1",
    ] {
        let error = sql_query(change).execute(&mut table.world.superuser("92")).unwrap_err();
        assert_eq!(passplus::error::Error::from(error).refusal().code(), "attendance.locked", "{change}");
    }
    sql(&table.world, "update canteen_meals set state = 'cancelled' where day = '2026-10-01'");
    table.reopen("2026-09").await.expect(200);
    sql(&table.world, "update canteen_meals set state = 'consumed' where day = '2026-09-04'");
    table.lock("2026-09").await.expect(201);

    let case_worker = table.world.agent("92", "case_worker").await;
    case_worker.get(&at("attendance-months?month=2026-09")).await.expect(200);
    let lock = json!({ "college_uai": COLLEGE, "month": "2026-09" });
    let reopen = json!({ "college_uai": COLLEGE, "month": "2026-09", "reason": "x" });
    for (caller, status, code) in [
        (&table.world.api, 401, "auth.required"),
        (&table.family.api, 403, "auth.forbidden"),
        (&table.secretary.api, 403, "auth.forbidden"),
        (&case_worker.api, 403, "auth.forbidden"),
        (&table.world.administrator_78.api, 404, "not_found"),
    ] {
        caller.post(&at("attendance-months/lock"), lock.clone()).await.refused(status, code);
        caller.post(&at("attendance-months/reopen"), reopen.clone()).await.refused(status, code);
    }
    table.finance[0].post(&at("attendance-months/reopen"), reopen).await.refused(403, "auth.forbidden");
    for caller in [&table.family.api, &table.secretary.api] {
        caller.get(&at("attendance-months?month=2026-09")).await.refused(403, "auth.forbidden");
    }
}

#[actix_web::test]
async fn whoever_locks_a_month_waits_for_a_meal_that_is_being_changed() {
    let table = Table::set().await;
    table.meals(&table.child, "consumed", &["2026-09-01"]);
    let mut other = table.world.superuser("92");
    sql_query("begin").execute(&mut other).unwrap();
    sql_query("update canteen_meals set state = 'reserved'").execute(&mut other).unwrap();
    let waiting = async {
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        // The lock is not there yet, and will reckon with the change.
        assert_eq!(table.ask("(select count(*) from canteen_attendance_locks)"), json!(0));
        sql_query("commit").execute(&mut other).unwrap();
    };
    let (lock, ()) = tokio::join!(table.lock("2026-09"), waiting);
    lock.refused(409, "attendance.month_open");
}

//! Where and when meals are served: data of each department.

use super::{CANTEEN, at, changed, child_of, days, enrol, grid, open, states};
use crate::support::{COLLEGE, COLLEGE_78, OTHER_COLLEGE, SEASON, World, call, key};
use chrono::TimeDelta;
use diesel::{RunQueryDsl, connection::SimpleConnection, sql_query};
use passplus::canteen::meals::layout;
use serde_json::json;

const SERVICES: &str = "/v1/departments/92/canteen/services";
const COLLEGES: &str = "/v1/departments/92/canteen/colleges";

#[actix_web::test]
async fn a_department_has_a_canteen_when_and_where_its_data_say_so() {
    let world = World::start().await;
    let admin = &world.administrator;
    let none = world.api.get(CANTEEN).await.expect(200);
    assert_eq!(none.json, json!({ "open": false, "periods": [] }));
    let add = json!({ "uais": [COLLEGE, OTHER_COLLEGE], "starts_on": "2026-09-01", "ends_on": "2027-07-05" });
    admin.post(COLLEGES, add.clone()).await.refused(409, "canteen.not_offered");

    let opened = admin.post(SERVICES, json!({ "starts_on": "2026-09-01" })).await.expect(201);
    admin.post(SERVICES, json!({ "starts_on": "2027-09-01" })).await.refused(409, "canteen.overlap");
    let added = admin.post(COLLEGES, add.clone()).await.expect(201);
    assert_eq!(added.items().iter().map(|c| c["uai"].as_str().unwrap()).collect::<Vec<_>>(), [COLLEGE, OTHER_COLLEGE]);
    // All or none, and a collège once a day.
    admin.post(COLLEGES, add).await.refused(409, "canteen.overlap");
    let twice = json!({ "uais": [COLLEGE, COLLEGE], "starts_on": "2027-09-01" });
    admin.post(COLLEGES, twice).await.refused(409, "canteen.overlap");
    admin.post(COLLEGES, json!({ "uais": [COLLEGE], "starts_on": "2027-09-01" })).await.expect(201);

    let family = world.family("92").await;
    for reader in [&world.api, &family.api, &world.administrator_78.api] {
        assert_eq!(reader.get(CANTEEN).await.expect(200).json, json!({ "open": true, "periods": [opened.json] }));
        assert_eq!(reader.get(COLLEGES).await.expect(200).items().len(), 3);
        assert_eq!(reader.get(&format!("{COLLEGES}?from=2027-08-01")).await.expect(200).items().len(), 1);
    }
    let first = world.api.get(&format!("{COLLEGES}?limit=2")).await.expect(200);
    let rest = world.api.get(&format!("{COLLEGES}?limit=2&cursor={}", first.text("/next_cursor"))).await.expect(200);
    assert_eq!((first.items(), rest.text("/items/0/starts_on")), (added.items(), "2027-09-01".into()));
    world.api.get(&format!("{COLLEGES}?from=demain")).await.refused(400, "request.query");
    assert_eq!(world.api.get("/v1/departments/78/canteen").await.expect(200).at("/open"), &json!(false));

    let mut conn = world.app_role("92");
    for (uai, day, offered) in [
        (COLLEGE, "2026-08-31", false),
        (COLLEGE, "2026-09-01", true),
        (COLLEGE, "2027-07-05", true),
        (COLLEGE, "2027-07-06", false),
        (COLLEGE, "2027-09-01", true),
        (OTHER_COLLEGE, "2027-09-01", false),
        ("0920003D", "2026-09-01", false),
    ] {
        let told = call(&mut conn, &format!("canteen_offered('{uai}', '{day}')")).unwrap();
        assert_eq!(told, json!(offered), "{uai} on {day}");
    }
    assert_eq!(call(&mut conn, "canteen_offered(null, null)").unwrap(), json!(false));
}

#[actix_web::test]
async fn a_period_is_ended_from_today_on_and_given_up_before_it_begins() {
    let mut world = World::start().await;
    let admin = &world.administrator;
    let service = admin.post(SERVICES, json!({ "starts_on": "2026-09-01" })).await.expect(201).text("/id");
    let add = json!({ "uais": [COLLEGE], "starts_on": "2026-09-01" });
    let college = admin.post(COLLEGES, add).await.expect(201).text("/items/0/id");
    let paths = [format!("{SERVICES}/{service}"), format!("{COLLEGES}/{college}")];
    for path in &paths {
        let end = format!("{path}/end");
        admin.delete(path).await.refused(409, "canteen.period");
        for wrong in ["2026-10-14", "2026-08-01", "2200-01-01"] {
            let refused = admin.put(&end, json!({ "ends_on": wrong })).await.refused(422, "request.invalid");
            assert_eq!(refused.pointers(), ["/ends_on"], "{wrong}");
        }
        assert_eq!(
            admin.put(&end, json!({ "ends_on": "2027-07-05" })).await.expect(200).text("/ends_on"),
            "2027-07-05"
        );
        assert!(admin.put(&end, json!({ "ends_on": null })).await.expect(200).json.get("ends_on").is_none());
        assert_eq!(
            admin.put(&end, json!({ "ends_on": "2026-10-15" })).await.expect(200).text("/ends_on"),
            "2026-10-15"
        );
    }
    assert_eq!(world.api.get(CANTEEN).await.expect(200).at("/open"), &json!(true), "its last day is included");

    // The next ones, one of which is not wanted any more.
    let next = admin.post(SERVICES, json!({ "starts_on": "2026-11-01" })).await.expect(201).text("/id");
    admin.put(&format!("{}/end", paths[0]), json!({ "ends_on": null })).await.refused(409, "canteen.overlap");
    let add = json!({ "uais": [COLLEGE], "starts_on": "2026-11-01" });
    let later = admin.post(COLLEGES, add).await.expect(201).text("/items/0/id");
    admin.put(&format!("{}/end", paths[1]), json!({ "ends_on": "2026-11-01" })).await.refused(409, "canteen.overlap");
    admin.delete(&format!("{COLLEGES}/{later}")).await.expect(204);
    admin.delete(&format!("{COLLEGES}/{later}")).await.refused(404, "not_found");
    admin.delete(&format!("{SERVICES}/{next}")).await.expect(204);
    admin.delete(&format!("{SERVICES}/{next}")).await.refused(404, "not_found");
    admin.put(&format!("{SERVICES}/{next}/end"), json!({ "ends_on": null })).await.refused(404, "not_found");
    admin.put(&format!("{COLLEGES}/{later}/end"), json!({ "ends_on": null })).await.refused(404, "not_found");

    world.advance(TimeDelta::days(1));
    world.wake_administrators().await;
    assert_eq!(world.api.get(CANTEEN).await.expect(200).at("/open"), &json!(false));
    for path in &paths {
        let again = json!({ "ends_on": "2027-07-05" });
        world.administrator.put(&format!("{path}/end"), again).await.refused(409, "canteen.period");
        world.administrator.delete(path).await.refused(409, "canteen.period");
    }
    let journal = world.administrator.get("/v1/departments/92/journal?limit=100").await.expect(200).json.to_string();
    for action in [
        "canteen_opened",
        "canteen_end_set",
        "canteen_cancelled",
        "canteen_college_added",
        "canteen_college_end_set",
        "canteen_college_cancelled",
    ] {
        assert!(journal.contains(&format!("\"{action}\"")), "{action} is not in the journal");
    }
}

/// Meals are laid out as far as the canteen goes, and come back with it.
#[actix_web::test]
async fn the_meals_of_who_is_enrolled_follow_the_scope() {
    let world = World::start().await;
    open(&world, &[OTHER_COLLEGE]).await;
    let admin = &world.administrator;
    let coming = json!({ "uais": [COLLEGE], "starts_on": "2026-11-02" });
    let college = admin.post(COLLEGES, coming.clone()).await.expect(201).text("/items/0/id");
    let family = world.family("92").await;
    let (_, mut wish) = child_of(&family, "Lou").await;
    wish["starts_on"] = json!("2026-11-02");
    let id = enrol(&family, &wish).await;
    let november = async || states(&family, &id, "2026-11-02", "2026-11-06").await;
    let january = async || states(&family, &id, "2027-01-04", "2027-01-08").await;
    assert_eq!(november().await, ["reserved", "reserved"]);

    // The collège is given up, and declared again.
    admin.delete(&format!("{COLLEGES}/{college}")).await.expect(204);
    assert_eq!(world.repeat(layout::lay_out_batch).await, 1);
    assert_eq!(november().await, ["closed", "closed"]);
    admin.post(COLLEGES, coming).await.expect(201);
    assert_eq!(world.repeat(layout::lay_out_batch).await, 1);
    assert_eq!(november().await, ["reserved", "reserved"]);

    // The department's canteen ends, opens again in the new year, and does not after all.
    let service = world.api.get(CANTEEN).await.expect(200).text("/periods/0/id");
    admin.put(&format!("{SERVICES}/{service}/end"), json!({ "ends_on": "2026-12-31" })).await.expect(200);
    assert_eq!(world.repeat(layout::lay_out_batch).await, 1);
    assert_eq!((november().await, january().await), (vec!["reserved".to_owned(); 2], vec!["closed".to_owned(); 2]));
    let next = admin.post(SERVICES, json!({ "starts_on": "2027-01-01" })).await.expect(201).text("/id");
    assert_eq!(world.repeat(layout::lay_out_batch).await, 1);
    assert_eq!(january().await, ["reserved", "reserved"]);
    admin.delete(&format!("{SERVICES}/{next}")).await.expect(204);
    assert_eq!(world.repeat(layout::lay_out_batch).await, 1);
    assert_eq!((november().await, january().await), (vec!["reserved".to_owned(); 2], vec!["closed".to_owned(); 2]));
}

#[actix_web::test]
async fn what_cannot_be_is_refused_with_its_place() {
    let world = World::start().await;
    let admin = &world.administrator;
    for (body, pointer) in [
        (json!({}), "/starts_on"),
        (json!({ "starts_on": "septembre" }), "/starts_on"),
        (json!({ "starts_on": "1999-09-01" }), "/starts_on"),
        (json!({ "starts_on": "2026-09-02", "ends_on": "2026-09-01" }), "/ends_on"),
        (json!({ "starts_on": "2026-09-01", "ends_on": "2026-10-14" }), "/ends_on"),
        (json!({ "starts_on": "2026-09-01", "name": "x" }), "/name"),
    ] {
        assert_eq!(admin.post(SERVICES, body).await.refused(422, "request.invalid").pointers(), [pointer]);
    }
    admin.post(SERVICES, json!({ "starts_on": "2026-09-01" })).await.expect(201);
    for (uais, code, pointer) in [
        (json!([]), "request.invalid", "/uais"),
        (json!(vec![COLLEGE; 201]), "request.invalid", "/uais"),
        (json!(["0920001C"]), "request.invalid", "/uais/0"),
        (json!([COLLEGE, COLLEGE_78]), "college.unknown", "/uais/1"),
        (json!(["0929999U"]), "college.unknown", "/uais/0"),
    ] {
        let body = json!({ "uais": uais, "starts_on": "2026-09-01" });
        let refused = admin.post(COLLEGES, body).await.expect(422);
        assert_eq!((refused.text("/code"), refused.pointers()), (code.to_owned(), vec![pointer.to_owned()]));
    }
    assert!(world.api.get(COLLEGES).await.expect(200).items().is_empty());
}

#[actix_web::test]
async fn only_an_administrator_of_the_department_says_where_meals_are_served() {
    let world = World::start().await;
    let (family, secretary) = (world.family("92").await, world.secretary(COLLEGE).await);
    let (case_worker, finance) = (world.agent("92", "case_worker").await, world.agent("92", "finance").await);
    let service =
        world.administrator.post(SERVICES, json!({ "starts_on": "2027-09-01" })).await.expect(201).text("/id");
    for (caller, status, code) in [
        (&world.api, 401, "auth.required"),
        (&family.api, 403, "auth.forbidden"),
        (&secretary.api, 403, "auth.forbidden"),
        (&case_worker.api, 403, "auth.forbidden"),
        (&finance.api, 403, "auth.forbidden"),
        (&world.administrator_78.api, 404, "not_found"),
    ] {
        caller.post(SERVICES, json!({ "starts_on": "2026-09-01" })).await.refused(status, code);
        caller.put(&format!("{SERVICES}/{service}/end"), json!({ "ends_on": null })).await.refused(status, code);
        caller.delete(&format!("{SERVICES}/{service}")).await.refused(status, code);
        caller.post(COLLEGES, json!({ "uais": [COLLEGE], "starts_on": "2027-09-01" })).await.refused(status, code);
        caller.put(&at(&format!("colleges/{service}/end")), json!({ "ends_on": null })).await.refused(status, code);
        caller.delete(&at(&format!("colleges/{service}"))).await.refused(status, code);
    }
    // Nor does the service's own role for anybody else.
    let mut conn = world.app_role("92");
    for kind in ["guardian", "secretary", "system"] {
        conn.batch_execute(&format!("set app.kind = '{kind}'")).unwrap();
        let insert =
            "insert into canteen_services values (gen_random_uuid(), '2026-09-01', null, gen_random_uuid(), now())";
        assert!(sql_query(insert).execute(&mut conn).is_err(), "{kind} opens a canteen");
        assert_eq!(sql_query("update canteen_services set ends_on = starts_on").execute(&mut conn), Ok(0));
        assert_eq!(sql_query("delete from canteen_services").execute(&mut conn), Ok(0));
    }
}

#[actix_web::test]
async fn a_department_without_a_canteen_prepares_none_and_says_so() {
    let world = World::start().await;
    let here = |rest: &str| format!("/v1/departments/78/canteen/{rest}");
    let admin = &world.administrator_78;
    let family = world.family("78").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    family.submit(&child, COLLEGE_78).await;
    let secretary = world.secretary(COLLEGE_78).await;
    let enrolment = json!({ "child_id": child, "season": SEASON, "weekdays": ["monday"], "diet": "everything" });
    let asked = json!({ "season": SEASON, "child_ids": [child], "text_version": "2026-06", "accepted": true, "by_document": true });
    let closure =
        json!({ "college_uai": null, "from": "2026-11-12", "until": "2026-11-12", "kind": "strike", "label": "Grève" });
    let adult = json!({ "kind": "guest", "last_name": "Leroy", "first_names": "Max" });
    let plan = json!({ "season": SEASON, "measures": "x", "own_meal": false, "starts_on": "2026-11-09", "ends_on": "2027-07-02" });
    let rule = json!({ "starts_on": "2026-10-15", "walk_ins": false });
    let finance = world.agent("78", "finance").await;
    let month = json!({ "college_uai": COLLEGE_78, "month": "2026-09" });
    let reopened = json!({ "college_uai": COLLEGE_78, "month": "2026-09", "reason": "Une absence a été oubliée." });
    let paid = json!({ "payer_id": family.id, "amount_cents": 1_000, "paid_on": "2026-10-15", "means": "cash" });
    let day = json!({ "college_uai": COLLEGE_78, "day": "2026-10-15" });
    let meal = |more: &str, value: &str| json!({ "diner_id": child, "day": "2026-10-15", more: value });
    let answers = [
        family.post(&here("enrolments"), enrolment).await,
        family.post(&here("reduced-rate-requests"), asked).await,
        admin.post(&here("colleges"), json!({ "uais": [COLLEGE_78], "starts_on": "2026-11-02" })).await,
        admin.post(&here("operators"), json!({ "name": "Cuisines" })).await,
        admin.put(&here(&format!("gate-rules/{COLLEGE_78}")), rule).await,
        admin.post(&here("grids"), json!({ "grid": grid() })).await,
        admin.put(&here(&format!("calendars/{SEASON}/draft")), days::calendar()).await,
        admin.post(&here(&format!("calendars/{SEASON}/publish")), json!({ "version": 1 })).await,
        admin.post(&here("closures"), closure).await,
        admin.post(&here("price-simulations"), json!({ "diner": "pupil", "days_a_week": 4 })).await,
        secretary.post(&here(&format!("colleges/{COLLEGE_78}/adults")), adult).await,
        secretary.post(&format!("/v1/departments/78/children/{child}/care-plans"), plan).await,
        secretary.post(&here("attendance/close"), day).await,
        secretary.post(&here("attendance/excuse"), meal("reason", "other")).await,
        secretary.post(&here("attendance/passages"), meal("college_uai", COLLEGE_78)).await,
        finance.post(&here("attendance-months/lock"), month).await,
        admin.post(&here("attendance-months/reopen"), reopened).await,
        finance.post(&here("bill-runs"), json!({ "month": "2026-09" })).await,
        finance.post_keyed(&here("payments"), &key(), paid).await,
    ];
    for answer in answers {
        answer.refused(409, "canteen.not_offered");
    }
    for table in ["canteen_operators", "canteen_grids", "canteen_calendars", "canteen_closures", "canteen_gate_rules"] {
        let rows = call(&mut world.superuser("78"), &format!("(select count(*) from {table})")).unwrap();
        assert_eq!(rows, json!(0), "{table}");
    }
}

#[actix_web::test]
async fn what_was_prepared_for_a_canteen_that_was_given_up_goes_no_further() {
    let world = World::start().await;
    let (admin, second) = (&world.administrator, world.agent("92", "administrator").await);
    let coming = admin.post(SERVICES, json!({ "starts_on": "2027-09-01" })).await.expect(201).text("/id");
    let draft = admin.post(&at("grids"), json!({ "grid": grid() })).await.expect(201).text("/id");
    let calendar = at(&format!("calendars/{SEASON}"));
    admin.put(&format!("{calendar}/draft"), days::calendar()).await.expect(200);
    let operator = admin.post(&at("operators"), json!({ "name": "Cuisines" })).await.expect(201).text("/id");
    admin.delete(&format!("{SERVICES}/{coming}")).await.expect(204);
    let one = at(&format!("grids/{draft}"));
    let kitchen = json!({ "kind": "kitchen", "label": "Cuisine" });
    for answer in [
        admin.put(&one, json!({ "grid": changed(json!({ "label": "Élèves" })) })).await,
        second.post(&format!("{one}/publish"), json!({})).await,
        second.post(&format!("{calendar}/publish"), json!({ "version": 1 })).await,
        admin.post(&at(&format!("operators/{operator}/devices")), kitchen).await,
    ] {
        answer.refused(409, "canteen.not_offered");
    }
    // What is left may be put away.
    admin.delete(&one).await.expect(204);
}

/// What the tables of enrolments and meals are held to.
#[actix_web::test]
async fn a_database_without_a_canteen_cannot_hold_an_enrolment() {
    let world = World::start().await;
    world.administrator.post(SERVICES, json!({ "starts_on": "2026-09-01" })).await.expect(201);
    let add = json!({ "uais": [COLLEGE], "starts_on": "2026-09-01", "ends_on": "2027-07-05" });
    world.administrator.post(COLLEGES, add).await.expect(201);
    let enrol = |uai: &str, day: &str| format!("insert into meals_of_tomorrow values ({uai}, {day})");
    for (department, uai, day, held) in [
        ("92", "'0920001B'", "'2026-09-01'", true),
        ("92", "'0920001B'", "'2027-07-06'", false),
        ("92", "'0920002C'", "'2026-09-01'", false),
        ("92", "null", "'2026-09-01'", false),
        ("92", "'0920001B'", "null", false),
        ("78", "'0780001C'", "'2026-09-01'", false),
        ("78", "'0920001B'", "'2026-09-01'", false),
    ] {
        let mut conn = world.superuser(department);
        conn.batch_execute(
            "create table if not exists meals_of_tomorrow (college_uai text, starts_on date);
             create or replace trigger offered before insert or update on meals_of_tomorrow
                 for each row execute function canteen_must_be_offered('college_uai', 'starts_on')",
        )
        .unwrap();
        let done = sql_query(enrol(uai, day)).execute(&mut conn);
        assert_eq!(done.is_ok(), held, "{department} {uai} {day}: {done:?}");
        if let Err(error) = done {
            let refused = passplus::error::Error::from(error).refusal();
            assert_eq!(refused.code(), "canteen.not_offered");
        }
    }
    let mut conn = world.superuser("92");
    let moved = sql_query("update meals_of_tomorrow set college_uai = '0920002C'").execute(&mut conn);
    assert!(moved.is_err(), "a row moves where no meals are served");
}

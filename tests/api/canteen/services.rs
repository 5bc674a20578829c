//! Where and when meals are served: data of each department.

use super::{CANTEEN, at};
use crate::support::{COLLEGE, COLLEGE_78, OTHER_COLLEGE, World, call};
use chrono::TimeDelta;
use diesel::{RunQueryDsl, connection::SimpleConnection, sql_query};
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

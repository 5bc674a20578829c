//! Operators, their collèges and devices; and what the database itself keeps from these devices.

use super::{Canteen, TODAY, at, no, offline::send, open_canteen};
use crate::support::{AgeKey, COLLEGE, COLLEGE_78, OTHER_COLLEGE, SEASON, World, call, days};
use data_encoding::BASE64URL_NOPAD;
use diesel::{RunQueryDsl, connection::SimpleConnection, sql_query};
use passplus::kernel::crypto::random;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

#[actix_web::test]
async fn an_operator_serves_where_an_administrator_says_so_alone() {
    let world = World::start().await;
    let admin = &world.administrator;
    let val = json!({ "name": "Cuisines du Val" });
    admin.post(&at("operators"), val.clone()).await.refused(409, "canteen.not_offered");
    // Announced for a day to come is enough.
    let coming = admin.post(&at("services"), json!({ "starts_on": "2027-09-01" })).await.expect(201).text("/id");
    let first = admin.post(&at("operators"), val).await.expect(201).text("/id");
    let second = admin.post(&at("operators"), json!({ "name": "Cuisines du Mont" })).await.expect(201).text("/id");
    let sites = |id: &str| at(&format!("operators/{id}/sites"));
    let site = |uai: &str, from: &str| json!({ "uais": [uai], "starts_on": from });
    admin.post(&sites(&first), site(COLLEGE, "2026-09-01")).await.refused(409, "canteen.not_offered");
    admin.delete(&at(&format!("services/{coming}"))).await.expect(204);
    open_canteen(&world).await;
    let added = admin.post(&sites(&first), site(COLLEGE, "2026-09-01")).await.expect(201).text("/items/0/id");
    admin.post(&sites(&second), site(COLLEGE, "2027-01-01")).await.refused(409, "canteen.overlap");
    let end = at(&format!("operator-sites/{added}/end"));
    assert_eq!(
        admin.put(&end, json!({ "ends_on": "2026-10-01" })).await.refused(422, "request.invalid").pointers(),
        ["/ends_on"]
    );
    admin.put(&end, json!({ "ends_on": "2026-12-31" })).await.expect(200);
    admin.post(&sites(&second), site(COLLEGE, "2027-01-01")).await.expect(201);
    admin.put(&end, json!({ "ends_on": null })).await.refused(409, "canteen.overlap");
    for (uai, code, pointer) in [(COLLEGE_78, "college.unknown", "/uais/0"), ("0920001C", "request.invalid", "/uais/0")]
    {
        let refused = admin.post(&sites(&first), site(uai, "2026-09-01")).await.expect(422);
        assert_eq!((refused.text("/code"), refused.pointers()), (code.to_owned(), vec![pointer.to_owned()]));
    }
    let none = json!({ "uais": [], "starts_on": "2026-09-01" });
    assert_eq!(admin.post(&sites(&first), none).await.refused(422, "request.invalid").pointers(), ["/uais"]);
    admin.post(&sites(&added), site(OTHER_COLLEGE, "2026-09-01")).await.refused(404, "not_found");
    let clerk = world.agent("92", "case_worker").await;
    let listed = clerk.get(&at("operators?limit=1")).await.expect(200);
    assert_eq!(
        listed.at("/items/0"),
        &json!({
            "id": first, "name": "Cuisines du Val",
            "sites": [{ "id": added, "college_uai": COLLEGE, "starts_on": "2026-09-01", "ends_on": "2026-12-31" }],
        })
    );
    let rest = clerk.get(&at(&format!("operators?cursor={}", listed.text("/next_cursor")))).await.expect(200);
    assert_eq!(rest.text("/items/0/id"), second);

    let (family, secretary) = (world.family("92").await, world.secretary(COLLEGE).await);
    for (caller, status, code) in [
        (&world.api, 401, "auth.required"),
        (&family.api, 403, "auth.forbidden"),
        (&secretary.api, 403, "auth.forbidden"),
        (&clerk.api, 403, "auth.forbidden"),
        (&world.administrator_78.api, 404, "not_found"),
    ] {
        caller.post(&at("operators"), json!({ "name": "x" })).await.refused(status, code);
        caller.post(&sites(&first), site(OTHER_COLLEGE, "2026-09-01")).await.refused(status, code);
        caller.put(&end, json!({ "ends_on": null })).await.refused(status, code);
        let place = json!({ "kind": "kitchen", "label": "Cuisine" });
        caller.post(&at(&format!("operators/{first}/devices")), place).await.refused(status, code);
        caller.post(&at(&format!("devices/{first}/revoke")), json!({})).await.refused(status, code);
        let rule = json!({ "starts_on": TODAY, "walk_ins": false });
        caller.put(&at(&format!("gate-rules/{COLLEGE}")), rule).await.refused(status, code);
    }
    let admin_78 = &world.administrator_78;
    let mine = "/v1/departments/78/canteen/operators";
    admin_78
        .post(&format!("{mine}/{first}/devices"), json!({ "kind": "kitchen", "label": "x" }))
        .await
        .refused(404, "not_found");
    admin_78.get(&format!("{mine}/{first}/devices")).await.refused(404, "not_found");
}

#[actix_web::test]
async fn a_rule_of_the_gates_is_set_from_today_on() {
    let world = World::start().await;
    open_canteen(&world).await;
    let admin = &world.administrator;
    let path = at(&format!("gate-rules/{COLLEGE}"));
    for (body, pointer) in [
        (json!({ "starts_on": "2026-10-14", "walk_ins": false }), "/starts_on"),
        (json!({ "starts_on": TODAY }), "/walk_ins"),
    ] {
        assert_eq!(admin.put(&path, body).await.refused(422, "request.invalid").pointers(), [pointer]);
    }
    let unknown = json!({ "starts_on": TODAY, "walk_ins": false });
    let refused = admin.put(&at(&format!("gate-rules/{COLLEGE_78}")), unknown).await.refused(422, "college.unknown");
    assert_eq!(refused.pointers(), ["uai"], "the collège stands in the path");
    for walk_ins in [false, true, false] {
        let set = admin.put(&path, json!({ "starts_on": TODAY, "walk_ins": walk_ins })).await.expect(200);
        assert_eq!(set.json, json!({ "college_uai": COLLEGE, "starts_on": TODAY, "walk_ins": walk_ins }));
    }
    admin.put(&path, json!({ "starts_on": "2026-11-02", "walk_ins": true })).await.expect(200);
    let clerk = world.agent("92", "case_worker").await;
    // What is in force and what is to come; what is past, no more.
    let rule = |day: &str, walk_ins: bool| json!({ "college_uai": COLLEGE, "starts_on": day, "walk_ins": walk_ins });
    let listed = clerk.get(&at("gate-rules?limit=1")).await.expect(200);
    assert_eq!(listed.at("/items"), &json!([rule(TODAY, false)]));
    let next = at(&format!("gate-rules?cursor={}", listed.text("/next_cursor")));
    assert_eq!(clerk.get(&next).await.expect(200).at("/items"), &json!([rule("2026-11-02", true)]));
    world.advance(days(30));
    let clerk = world.sign_in_staff(&clerk.email, &clerk.totp_secret).await;
    let listed = clerk.get(&at("gate-rules")).await.expect(200);
    assert_eq!(listed.at("/items"), &json!([rule("2026-11-02", true)]));
}

#[actix_web::test]
async fn a_gate_brings_its_keys_once_and_is_stopped_at_once() {
    let canteen = Canteen::open().await;
    let (world, admin) = (&canteen.world, &canteen.world.administrator);
    let devices = at(&format!("operators/{}/devices", canteen.operator));
    for (place, pointer) in [
        (json!({ "kind": "gate", "label": "x" }), "/college_uai"),
        (json!({ "kind": "kitchen", "label": "x", "college_uai": COLLEGE }), "/college_uai"),
        (json!({ "kind": "gate", "label": "x", "college_uai": OTHER_COLLEGE }), "/college_uai"),
        (json!({ "kind": "till", "label": "x" }), "/kind"),
    ] {
        assert_eq!(admin.post(&devices, place).await.refused(422, "request.invalid").pointers(), [pointer]);
    }
    let place = json!({ "kind": "gate", "label": "Entrée", "college_uai": COLLEGE });
    let invited = admin.post(&devices, place).await.expect(201);
    let key = BASE64URL_NOPAD.encode(&random::<32>());
    let mut body = json!({ "enrolment_code": invited.text("/enrolment_code"), "public_key": key });
    let enrol = |body: Value| async move { world.api.post("/v1/devices/enrol", body).await };
    assert_eq!(enrol(body.clone()).await.refused(422, "request.invalid").pointers(), ["/recipient"]);
    body["recipient"] = "age1".into();
    assert_eq!(enrol(body.clone()).await.refused(422, "request.invalid").pointers(), ["/recipient"]);
    body["recipient"] = AgeKey(random()).recipient().into();
    enrol(body.clone()).await.expect(201);
    enrol(body.clone()).await.refused(422, "link.invalid");
    // A kitchen has none.
    let invited = admin.post(&devices, json!({ "kind": "kitchen", "label": "Cuisine" })).await.expect(201);
    body["enrolment_code"] = invited.at("/enrolment_code").clone();
    assert_eq!(enrol(body).await.refused(422, "request.invalid").pointers(), ["/recipient"]);

    let clerk = world.agent("92", "case_worker").await;
    let listed = clerk.get(&format!("{devices}?limit=3")).await.expect(200);
    let kinds: Vec<&Value> = listed.items().iter().map(|device| &device["kind"]).collect();
    assert_eq!(kinds, ["gate", "kitchen", "gate"]);
    assert_eq!(listed.text("/items/0/college_uai"), COLLEGE);
    // Merchants' agents do not handle it, nor another department's.
    let revoke = |prefix: &str| format!("{prefix}devices/{}/revoke", canteen.gate.id);
    admin.post(&revoke("/v1/departments/92/"), json!({})).await.refused(404, "not_found");
    world.administrator_78.post(&revoke("/v1/departments/78/canteen/"), json!({})).await.refused(404, "not_found");
    let till = format!("devices/{}/revoke", canteen.till.device);
    admin.post(&at(&till), json!({})).await.refused(404, "not_found");

    assert_eq!(canteen.told("bonjour").await, no("unknown_card"));
    admin.post(&at(&format!("devices/{}/revoke", canteen.gate.id)), json!({})).await.expect(200);
    canteen.show(&canteen.gate, "bonjour").await.refused(401, "auth.invalid_token");
    // The department's own journal says who gave access, and who took it back.
    for device in [&canteen.gate.id, &canteen.kitchen.id] {
        let lines = admin.get(&format!("/v1/departments/92/journal?object_id={device}")).await.expect(200);
        let told: Vec<&Value> = lines.items().iter().filter(|line| line["object_kind"] == "device").collect();
        assert_eq!((&told[0]["action"], &told[0]["actor_kind"]), (&json!("device_invited"), &json!("agent")));
        assert!(told[0]["actor_id"].is_string() && told[0]["details"]["operator_id"] == canteen.operator.as_str());
        let revoked = told.iter().filter(|line| line["action"] == "device_revoked").count();
        assert_eq!(revoked, usize::from(*device == canteen.gate.id), "{}", lines.json);
    }
    admin.post(&at(&format!("devices/{}/revoke", canteen.gate.id)), json!({})).await.refused(409, "device.transition");
}

#[actix_web::test]
async fn when_an_operator_leaves_its_gate_sees_nothing_more() {
    let mut canteen = Canteen::open().await;
    let lou = canteen.diner("Zoé").await;
    let listed = canteen.world.administrator.get(&at("operators")).await.expect(200);
    let end = at(&format!("operator-sites/{}/end", listed.text("/items/0/sites/0/id")));
    canteen.world.administrator.put(&end, json!({ "ends_on": TODAY })).await.expect(200);
    canteen.wait(days(1)).await;
    let answer = canteen.show(&canteen.gate, &lou.card_code).await.expect(200);
    assert_eq!((answer.text("/reason"), answer.json.get("diner")), ("closed".into(), None));
    // What it took the day before, it may still send.
    let late = json!({ "sequence": 99, "scanned_at": "2026-10-15T10:00:00Z", "diner_id": lou.child, "let_in": true });
    let sent = canteen.gate.post(&at("passages/batches"), json!({ "passages": [late] })).await.expect(200);
    assert_eq!(sent.text("/items/0/outcome"), "counted");
    assert_eq!(canteen.meals(&lou.child), ["2026-10-15 consumed", "2026-10-16 reserved"]);
}

/// A gate and a kitchen see no row of persons, money, incomes or rates, whatever the code would ask; and no door answers another caller.
#[actix_web::test]
async fn the_database_keeps_persons_and_money_from_gates_and_kitchens() {
    let canteen = Canteen::open().await;
    let (lou, zoe) = (canteen.diner("Lou").await, canteen.diner("Zoé").await);
    // What the doors show: a plan, and a passage whose number comes too early.
    canteen.plan(&zoe.child, false, "Sans arachide.").await;
    canteen.gate.number.fetch_add(2, Ordering::SeqCst);
    canteen.show(&canteen.gate, &zoe.card_code).await.expect(200);
    // A guest and somebody of the staff; and a pupil of the other collège who eats here.
    canteen.guest("Maud").await;
    let staff = canteen.adult("commensal", "Paul").await;
    let wish = json!({ "season": SEASON, "weekdays": ["thursday"], "diet": "everything" });
    canteen.secretary.post(&at(&format!("adults/{staff}/enrolments")), wish).await.expect(201);
    let away = canteen.diner_elsewhere("Emil").await;
    let mut passed = canteen.shown(&canteen.gate, &away.card_code);
    passed["let_in"] = true.into();
    assert_eq!(send(&canteen.gate, &[passed]).await.expect(200).text("/items/0/outcome"), "counted");
    // Rows of other years come with the other family.
    canteen
        .sql("update canteen_services set ends_on = '2028-07-05'; update canteen_colleges set ends_on = '2028-07-05'");
    crate::coverage::full_family::full_family(&canteen.world, "Ana").await;
    let mut all = canteen.world.superuser("92");
    let tables = call(
        &mut all,
        "(select jsonb_agg(relname order by relname) from pg_class c join pg_namespace n on n.oid = relnamespace and nspname = 'public'
           where relkind in ('r', 'p', 'v') and relname <> '__diesel_schema_migrations')",
    )
    .unwrap();
    for table in [
        "children",
        "cards",
        "canteen_enrolments",
        "canteen_meals",
        "canteen_care_plans",
        "canteen_bills",
        "canteen_rates",
    ] {
        assert_ne!(call(&mut all, &format!("(select count(*) from {table})")).unwrap(), json!(0), "{table} is empty");
    }
    let public = [
        "canteen_calendars",
        "canteen_closures",
        "canteen_colleges",
        "canteen_grids",
        "canteen_operator_sites",
        "canteen_operators",
        "canteen_services",
        "card_keys",
        "ledger_rules",
        "season_versions",
        "canteen_gate_rules",
    ];
    let offset = canteen.world.app.db.server_now() - passplus::kernel::time::server_now();
    let begin =
        format!("set app.clock_offset = '{} seconds'; set app.operator = '{}'", offset.num_seconds(), canteen.operator);
    for (kind, id) in [("gate", &canteen.gate.id), ("kitchen", &canteen.kitchen.id)] {
        let mut conn = canteen.world.app_role("92");
        let college = if kind == "gate" { COLLEGE } else { "" };
        conn.batch_execute(&format!(
            "{begin}; set app.kind = '{kind}'; set app.device = '{id}'; set app.college = '{college}'"
        ))
        .unwrap();
        for table in tables.as_array().unwrap() {
            let table = table.as_str().unwrap();
            let rows = call(&mut conn, &format!("(select count(*) from {table})")).unwrap();
            assert!(rows == json!(0) || public.contains(&table), "a {kind} reads {rows} rows of {table}");
        }
        for table in ["canteen_meals", "canteen_enrolments", "children", "cards", "canteen_day_codes"] {
            assert_eq!(sql_query(format!("delete from {table}")).execute(&mut conn).unwrap_or(0), 0, "{table}");
        }
        let meal = format!(
            "insert into canteen_meals values (gen_random_uuid(), '{TODAY}', null, null, '{COLLEGE}', 'walk_in', now())"
        );
        assert!(sql_query(meal).execute(&mut conn).is_err(), "a {kind} writes a meal by itself");
    }
    // The doors, for those who have a key to them and for those who have none.
    let look = "(select count(*) from gate_look(array[null]::bytea[], array[null]::bytea[], array[null]::uuid[], array[today()], true))";
    let doors = [
        "(select count(*) from gate_list())",
        "(select count(*) from kitchen_care())",
        "(select count(*) from gate_gaps(5))",
        "(select count(*) from gate_adults(today()))",
        "(select gate_last())",
    ];
    for (kind, shown) in [
        ("", [0, 0, 0, 0, 0]),
        ("guardian", [0, 0, 0, 0, 0]),
        ("secretary", [0, 0, 0, 0, 0]),
        ("agent", [0, 0, 0, 0, 0]),
        ("system", [0, 0, 0, 0, 0]),
        ("device", [0, 0, 0, 0, 0]),
        ("kitchen", [0, 1, 0, 0, 0]),
        ("gate", [4, 0, 1, 2, 4]),
    ] {
        let mut conn = canteen.world.app_role("92");
        conn.batch_execute(&format!(
            "{begin}; set app.kind = '{kind}'; set app.device = '{}'; set app.college = '{COLLEGE}'",
            canteen.gate.id
        ))
        .unwrap();
        assert_eq!(call(&mut conn, look).is_ok(), kind == "gate", "{kind} looks as a gate");
        for (door, rows) in doors.into_iter().zip(shown) {
            assert_eq!(call(&mut conn, door).unwrap(), json!(rows), "{kind} passes {door}");
        }
        sql_query("select gate_turned_away(array[1, 2, 3])").execute(&mut conn).unwrap();
        let marked = call(&mut all, "(select count(*) from canteen_passages where turned_away)").unwrap();
        assert_eq!(marked != json!(0), kind == "gate", "{kind} turns somebody away");
    }
    // What the department and a collège's secretary are told of gates, for who is neither.
    canteen.told("bonjour").await;
    let doors = [
        format!("(select count(*) from canteen_gates_at_work('{COLLEGE}'))"),
        format!("(select count(*) from canteen_gate_gaps('{COLLEGE}', '2026-01-01', '2026-12-31'))"),
        format!("(select count(*) from canteen_passed_twice('{TODAY}'))"),
        format!("(select canteen_seen_by_gate('{}', '{TODAY}')::integer)", zoe.child),
        format!("(select count(*) from canteen_away('{COLLEGE}', today()))"),
        format!("(select count(*) from canteen_away('{OTHER_COLLEGE}', today()))"),
    ];
    canteen.sql(&format!(
        "insert into canteen_passages
         select (jsonb_populate_record(p, jsonb_build_object('device_id', gen_random_uuid(), 'outcome', 'double'))).*
           from canteen_passages p where person_id = '{}' and outcome = 'counted'",
        zoe.child
    ));
    for (kind, college, shown) in [
        ("", COLLEGE, [0, 0, 0, 0, 0, 0]),
        ("", OTHER_COLLEGE, [0, 0, 0, 0, 0, 0]),
        ("guardian", COLLEGE, [0, 0, 0, 0, 0, 0]),
        ("guardian", OTHER_COLLEGE, [0, 0, 0, 0, 0, 0]),
        ("gate", COLLEGE, [0, 0, 0, 0, 0, 0]),
        ("gate", OTHER_COLLEGE, [0, 0, 0, 0, 0, 0]),
        ("kitchen", COLLEGE, [0, 0, 0, 0, 0, 0]),
        ("kitchen", OTHER_COLLEGE, [0, 0, 0, 0, 0, 0]),
        ("device", COLLEGE, [0, 0, 0, 0, 0, 0]),
        ("device", OTHER_COLLEGE, [0, 0, 0, 0, 0, 0]),
        ("secretary", OTHER_COLLEGE, [0, 0, 0, 0, 0, 1]),
        ("secretary", COLLEGE, [1, 1, 1, 1, 0, 0]),
        ("agent", "", [1, 1, 1, 1, 0, 1]),
    ] {
        let mut conn = canteen.world.app_role("92");
        conn.batch_execute(&format!("{begin}; set app.kind = '{kind}'; set app.college = '{college}'")).unwrap();
        for (door, expected) in doors.iter().zip(shown) {
            assert_eq!(call(&mut conn, door).unwrap(), json!(expected), "{kind} of {college} passes {door}");
        }
    }
    // A gate moves meals to eaten only, of its own collège's days.
    let mut conn = canteen.world.app_role("92");
    conn.batch_execute(&format!(
        "{begin}; set app.kind = 'gate'; set app.device = '{}'; set app.college = '{COLLEGE}'",
        canteen.gate.id
    ))
    .unwrap();
    canteen.set_meal(&lou.child, "2026-09-13", "reserved");
    let mut record = |sequence: i64, day: &str, to: &str| {
        let record = format!(
            "gate_record(false, array[{sequence}], array[{day}], array[now()], array['{}'::uuid], array[true], array['reserved'], \
             array['counted'], array['reserved'], array['{to}'], array['\\x00'::bytea])",
            lou.child
        );
        call(&mut conn, &record)
    };
    for (day, to) in [("today()", "cancelled"), ("today() - 32", "consumed"), ("today() + 1", "consumed")] {
        let refused = record(50, day, to).unwrap_err();
        assert!(refused.contains("a gate moves no such meal"), "{day} {to}: {refused}");
    }
    assert!(record(51, "today()", "consumed").is_ok());
    assert_eq!(canteen.meals(&lou.child)[1..], [format!("{TODAY} consumed")]);
}

/// The source of what gates and kitchens reach names neither debts nor bills nor what a meal costs.
#[test]
fn no_module_of_the_gates_knows_of_debts() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = ["0036_gates", "0038_gate_watch", "0049_quick_reads"]
        .map(|name| root.join("migrations/department").join(name).join("up.sql"))
        .to_vec();
    let mut folders: Vec<_> = ["gates", "passages", "day_codes", "kitchen", "operators"]
        .iter()
        .map(|name| root.join("src/canteen").join(name))
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    assert!(files.len() > 20, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let code: String =
            text.lines().filter(|line| !line.trim_start().starts_with("//") && !line.starts_with("--")).collect();
        for part in ["bill", "ledger", "wallet", "arrears", "invoice", "debt", "owed", "account_entries"] {
            assert!(!code.contains(part), "{} names {part}", file.display());
        }
        for word in ["rates", "tariffs", "means", "fiscal", "transfers"] {
            let named = code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word);
            assert!(!named, "{} names {word}", file.display());
        }
    }
}

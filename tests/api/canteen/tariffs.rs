//! Grids: written by one person, published by another, and then for good.

use super::{at, changed, grid, offer, publish};
use crate::support::{COLLEGE, World};
use diesel::{RunQueryDsl, connection::SimpleConnection, sql_query};
use serde_json::{Value, json};

const GRIDS: &str = "/v1/departments/92/canteen/grids";
const TARIFFS: &str = "/v1/departments/92/canteen/tariffs";

#[actix_web::test]
async fn a_grid_is_written_by_one_person_and_published_by_another() {
    let world = World::start().await;
    offer(&world).await;
    let (admin, second) = (&world.administrator, world.agent("92", "administrator").await);
    let draft = admin.post(GRIDS, json!({ "grid": grid() })).await.expect(201);
    assert_eq!(
        (draft.number("/version"), draft.text("/state"), draft.at("/problems")),
        (1, "draft".into(), &json!([]))
    );
    let (one, publish) = (format!("{GRIDS}/{}", draft.text("/id")), format!("{GRIDS}/{}/publish", draft.text("/id")));
    admin.post(GRIDS, json!({ "grid": grid() })).await.refused(409, "tariff.draft_exists");
    // Any agent reads a draft; to everybody else it is not there.
    let finance = world.agent("92", "finance").await;
    assert_eq!(finance.get(&one).await.expect(200).json, draft.json);
    assert_eq!(finance.get(GRIDS).await.expect(200).items(), std::slice::from_ref(&draft.json));
    assert_eq!(world.api.get(TARIFFS).await.expect(200).at("/tariffs"), &json!([]));

    admin.post(&publish, json!({})).await.refused(409, "four_eyes.same_person");
    // Who writes it over is its author.
    second.put(&one, json!({ "grid": changed(json!({ "label": "Élèves" })) })).await.expect(200);
    second.post(&publish, json!({})).await.refused(409, "four_eyes.same_person");
    let published = admin.post(&publish, json!({})).await.expect(200);
    assert_eq!((published.text("/state"), published.text("/grid/label")), ("published".into(), "Élèves".into()));
    assert_ne!(published.text("/drafted_by"), published.text("/published_by"));

    let family = world.family("92").await;
    for reader in [&world.api, &family.api, &world.administrator_78.api] {
        let told = reader.get(TARIFFS).await.expect(200);
        assert_eq!((told.text("/day"), told.at("/tariffs/0/grid")), ("2026-10-15".into(), published.at("/grid")));
        assert_eq!(told.at("/tariffs/0/id"), published.at("/id"));
    }
    for (day, count) in [("2026-08-31", 0), ("2026-09-01", 1), ("2027-08-31", 1), ("2027-09-01", 0)] {
        let told = world.api.get(&format!("{TARIFFS}?day={day}")).await.expect(200);
        assert_eq!(told.at("/tariffs").as_array().unwrap().len(), count, "{day}");
    }
    world.api.get(&format!("{TARIFFS}?day=hier")).await.refused(400, "request.query");
    assert_eq!(world.api.get("/v1/departments/78/canteen/tariffs").await.expect(200).at("/tariffs"), &json!([]));

    for answer in [
        admin.put(&one, json!({ "grid": grid() })).await,
        admin.delete(&one).await,
        second.post(&publish, json!({})).await,
    ] {
        answer.refused(409, "tariff.not_draft");
    }
    let other =
        admin.post(GRIDS, json!({ "grid": changed(json!({ "starts_on": "2027-09-01", "ends_on": "2028-08-31" })) }));
    let other = other.await.expect(201);
    assert_eq!(other.number("/version"), 2);
    let gone = format!("{GRIDS}/{}", other.text("/id"));
    admin.put(&gone, json!({ "grid": changed(json!({ "diner": "guest" })) })).await.refused(422, "request.invalid");
    admin.delete(&gone).await.expect(204);
    for answer in [
        admin.get(&gone).await,
        admin.delete(&gone).await,
        admin.put(&gone, json!({ "grid": grid() })).await,
        admin.post(&format!("{gone}/publish"), json!({})).await,
    ] {
        answer.refused(404, "not_found");
    }
    let journal = admin.get("/v1/departments/92/journal?limit=100").await.expect(200).json.to_string();
    for action in ["drafted", "rewritten", "published", "discarded"] {
        assert!(journal.contains(&format!("\"canteen_grid_{action}\"")), "{action} is not in the journal");
    }
}

#[actix_web::test]
async fn a_grid_with_a_fault_is_refused_with_its_place() {
    let world = World::start().await;
    offer(&world).await;
    let (admin, second) = (&world.administrator, world.agent("92", "administrator").await);
    let bands = |bounds: &[(i64, Option<i64>, i64)]| {
        let band = |(from, until, price): &(i64, Option<i64>, i64)| json!({ "from_cents": from, "until_cents": until, "price_cents": price });
        json!({ "kind": "quotient_bands", "bands": bounds.iter().map(band).collect::<Vec<Value>>() })
    };
    let id = admin.post(GRIDS, json!({ "grid": grid() })).await.expect(201).text("/id");
    for (changes, pointer) in [
        (json!({ "base": bands(&[(0, Some(60_000), 115), (60_002, None, 155)]) }), "/base/bands/1/from_cents"),
        (json!({ "base": bands(&[(0, Some(60_000), 115), (60_000, None, 155)]) }), "/base/bands/1/from_cents"),
        (json!({ "base": bands(&[(0, Some(60_000), 115), (60_001, Some(84_000), 155)]) }), "/base/bands/1/until_cents"),
        (json!({ "base": bands(&[(1, None, 115)]) }), "/base/bands/0/from_cents"),
        (
            json!({ "base": { "kind": "quotient_rate", "rate": "0.0035", "floor_cents": 701, "cap_cents": 700 } }),
            "/base/floor_cents",
        ),
        (json!({ "maximum_cents": null }), "/maximum_cents"),
        (json!({ "walk_in_cents": -1 }), "/walk_in_cents"),
        (json!({ "own_meal": { "kind": "fixed", "price_cents": 701 } }), "/own_meal/price_cents"),
        (json!({ "ends_on": "2026-08-31" }), "/ends_on"),
        (json!({ "forfait": [{ "days_a_week": 4, "days_a_year": 144 }] }), "/forfait"),
        (
            json!({ "base": { "kind": "pay_index_bands", "bands": [{ "from_index": 0, "until_index": null, "price_cents": 480 }] } }),
            "/base/kind",
        ),
    ] {
        let told = admin.put(&format!("{GRIDS}/{id}"), json!({ "grid": changed(changes) })).await.expect(200);
        let refused =
            second.post(&format!("{GRIDS}/{id}/publish"), json!({})).await.refused(422, "tariff.invalid_grid");
        assert_eq!(told.at("/problems"), refused.at("/errors"));
        assert!(refused.pointers().iter().all(|found| found == pointer), "{pointer}: {}", refused.json);
    }
    // Meals without reservation may be offered, and a meal that is brought cost what is served.
    let sound = changed(json!({ "walk_in_cents": 0, "own_meal": { "kind": "fixed", "price_cents": 700 } }));
    let told = admin.put(&format!("{GRIDS}/{id}"), json!({ "grid": sound })).await.expect(200);
    assert_eq!(told.at("/problems"), &json!([]));
    for (changes, pointer) in [
        (json!({ "format": 2 }), "/grid/format"),
        (json!({ "starts_on": "rentrée" }), "/grid/starts_on"),
        (
            json!({ "base": { "kind": "quotient_rate", "rate": 0.0035, "floor_cents": 64, "cap_cents": 700 } }),
            "/grid/base",
        ),
        (json!({ "walk_in_cents": 0.5 }), "/grid/walk_in_cents"),
        (json!({ "surprise": 1 }), "/grid/surprise"),
    ] {
        let refused = admin.put(&format!("{GRIDS}/{id}"), json!({ "grid": changed(changes) })).await;
        let found = refused.refused(422, "request.invalid").pointers();
        assert!(found[0].starts_with(pointer), "{found:?}");
    }
}

/// Guests tell no means, and staff no quotient: such a grid would only ever give its highest price.
#[actix_web::test]
async fn a_grid_asks_of_its_diners_only_what_they_tell() {
    let world = World::start().await;
    offer(&world).await;
    let second = world.agent("92", "administrator").await;
    let index =
        json!({ "kind": "pay_index_bands", "bands": [{ "from_index": 0, "until_index": null, "price_cents": 480 }] });
    for (diner, base) in [("guest", grid()["base"].clone()), ("guest", index), ("commensal", grid()["base"].clone())] {
        let draft = changed(json!({ "diner": diner, "base": base }));
        let draft = world.administrator.post(GRIDS, json!({ "grid": draft })).await.expect(201);
        assert_eq!(draft.text("/problems/0/pointer"), "/base/kind", "{diner}");
        let one = format!("{GRIDS}/{}", draft.text("/id"));
        let refused = second.post(&format!("{one}/publish"), json!({})).await.refused(422, "tariff.invalid_grid");
        assert_eq!(refused.pointers(), ["/base/kind"], "{diner}");
        world.administrator.delete(&one).await.expect(204);
    }
    // What was published before keeps its price.
    let former = changed(json!({ "diner": "guest" })).to_string().replace('\'', "''");
    let sql = format!(
        "insert into canteen_grids (id, diner, version, state, grid, starts_on, ends_on, drafted_by, drafted_at, published_by, published_at)
         values (gen_random_uuid(), 'guest', 9, 'published', '{former}', '2026-09-01', '2027-08-31', gen_random_uuid(), now(), gen_random_uuid(), now())"
    );
    world.superuser("92").batch_execute(&sql).unwrap();
    let asked = json!({ "diner": "guest", "days_a_week": 1 });
    assert_eq!(world.api.post(&at("price-simulations"), asked).await.expect(200).number("/cents"), 700);
}

#[actix_web::test]
async fn one_grid_is_in_force_and_another_takes_its_place_from_a_day_to_come() {
    let world = World::start().await;
    offer(&world).await;
    let (admin, second) = (&world.administrator, world.agent("92", "administrator").await);
    let first = publish(&world, &second, grid()).await;
    publish(&world, &second, changed(json!({ "diner": "guest", "base": { "kind": "fixed", "price_cents": 860 }, "maximum_cents": null, "statuses": [] }))).await;
    assert_eq!(world.api.get(TARIFFS).await.expect(200).at("/tariffs").as_array().unwrap().len(), 2);

    let second = &second;
    let put = |id: String, body: Value| async move { admin.put(&format!("{GRIDS}/{id}"), body).await };
    let attempt = |id: String| async move { second.post(&format!("{GRIDS}/{id}/publish"), json!({})).await };
    let year = |from: &str, until: &str| changed(json!({ "starts_on": from, "ends_on": until, "walk_in_cents": 750 }));
    let next = admin.post(GRIDS, json!({ "grid": year("2027-08-31", "2028-08-31") })).await.expect(201).text("/id");
    let refused = attempt(next.clone()).await.refused(409, "tariff.overlap");
    assert_eq!(refused.pointers(), ["/starts_on"]);
    assert!(
        refused.text("/errors/0/detail").contains("n° 1") && refused.text("/errors/0/detail").contains("31/08/2027")
    );
    put(next.clone(), json!({ "grid": year("2026-01-01", "2026-09-01") })).await.expect(200);
    assert_eq!(attempt(next.clone()).await.refused(409, "tariff.overlap").pointers(), ["/ends_on"]);

    // In the place of another one: never from a day that has begun, only of the same diners, only what is published.
    let replaces = |grid: Value| json!({ "grid": grid, "replaces": first });
    put(next.clone(), replaces(year("2026-10-15", "2027-08-31"))).await.expect(200);
    attempt(next.clone()).await.refused(409, "tariff.retroactive");
    let wrong = json!({ "grid": grid(), "replaces": next });
    assert_eq!(put(next.clone(), wrong).await.refused(422, "request.invalid").pointers(), ["/replaces"]);
    let of_guests = changed(json!({ "diner": "guest" }));
    assert_eq!(admin.post(GRIDS, replaces(of_guests)).await.refused(422, "request.invalid").pointers(), ["/replaces"]);
    put(next.clone(), replaces(year("2027-01-01", "2027-08-31"))).await.expect(200);
    attempt(next.clone()).await.expect(200);
    for (day, walk_in) in [("2026-12-31", 700), ("2027-01-01", 750)] {
        let told = world.api.get(&format!("{TARIFFS}?day={day}")).await.expect(200);
        let pupils = told.at("/tariffs").as_array().unwrap().iter().find(|t| t["grid"]["diner"] == "pupil").unwrap();
        assert_eq!(pupils["grid"]["walk_in_cents"], walk_in, "{day}");
    }
    let former = admin.get(&format!("{GRIDS}/{first}")).await.expect(200);
    assert_eq!((former.text("/ends_on"), former.text("/grid/ends_on")), ("2026-12-31".into(), "2027-08-31".into()));
    // Replaced before it began: it never is in force.
    let body = json!({ "grid": year("2026-12-01", "2027-08-31"), "replaces": next });
    let third = admin.post(GRIDS, body).await.expect(201).text("/id");
    assert_eq!(attempt(third.clone()).await.refused(409, "tariff.overlap").pointers(), ["/starts_on"]);
    // No day that had a price is left without one.
    put(third.clone(), json!({ "grid": year("2027-01-01", "2027-06-30"), "replaces": next })).await.expect(200);
    assert_eq!(attempt(third.clone()).await.refused(422, "tariff.invalid_grid").pointers(), ["/ends_on"]);
    assert_eq!(admin.get(&format!("{GRIDS}/{next}")).await.expect(200).text("/state"), "published");
    put(third.clone(), json!({ "grid": year("2027-01-01", "2027-08-31"), "replaces": next })).await.expect(200);
    attempt(third.clone()).await.expect(200);
    assert_eq!(admin.get(&format!("{GRIDS}/{next}")).await.expect(200).text("/state"), "replaced");

    // Not even the service's own role, nor a superuser's slip, changes what is published.
    let mut conn = world.app_role("92");
    let ahead = world.app.db.server_now().signed_duration_since(passplus::kernel::time::server_now()).num_seconds();
    conn.batch_execute(&format!(
        "set app.kind = 'agent'; set app.account = '{first}'; set app.clock_offset = '{ahead} seconds'"
    ))
    .unwrap();
    for change in [
        "grid = '{}'",
        "starts_on = '2026-09-02'",
        "ends_on = '2027-12-31'",
        "ends_on = '2026-09-01'",
        "state = 'draft'",
        "state = 'replaced'",
    ] {
        let sql = format!("update canteen_grids set {change} where id = '{first}'");
        assert!(sql_query(sql).execute(&mut conn).is_err(), "{change}");
    }
    assert!(sql_query("update canteen_grids set diner = 'guest'").execute(&mut world.superuser("92")).is_err());
    assert_eq!(sql_query("delete from canteen_grids where state <> 'draft'").execute(&mut conn), Ok(0));
}

#[actix_web::test]
async fn two_grids_published_at_once_never_share_a_day() {
    let world = World::start().await;
    offer(&world).await;
    let second = world.agent("92", "administrator").await;
    publish(&world, &second, grid()).await;
    // What a race would do between the look and the publication, the table refuses by itself.
    let insert = "insert into canteen_grids (id, diner, version, state, grid, starts_on, ends_on, drafted_by, drafted_at, published_by, published_at)
         values (gen_random_uuid(), 'pupil', 9, 'published', '{}', '2027-08-31', '2028-08-31', gen_random_uuid(), now(), gen_random_uuid(), now())";
    let error = sql_query(insert).execute(&mut world.superuser("92")).unwrap_err();
    assert_eq!(passplus::error::Error::from(error).refusal().code(), "tariff.overlap");
}

#[actix_web::test]
async fn only_an_administrator_of_the_department_writes_grids() {
    let world = World::start().await;
    offer(&world).await;
    let (family, secretary) = (world.family("92").await, world.secretary(COLLEGE).await);
    let (case_worker, dpo) = (world.agent("92", "case_worker").await, world.agent("92", "dpo").await);
    let id = world.administrator.post(GRIDS, json!({ "grid": grid() })).await.expect(201).text("/id");
    let one = format!("{GRIDS}/{id}");
    for (caller, status, code, reads) in [
        (&world.api, 401, "auth.required", false),
        (&family.api, 403, "auth.forbidden", false),
        (&secretary.api, 403, "auth.forbidden", false),
        (&case_worker.api, 403, "auth.forbidden", true),
        (&dpo.api, 403, "auth.forbidden", true),
        (&world.administrator_78.api, 404, "not_found", false),
    ] {
        caller.post(GRIDS, json!({ "grid": grid() })).await.refused(status, code);
        caller.put(&one, json!({ "grid": grid() })).await.refused(status, code);
        caller.post(&format!("{one}/publish"), json!({})).await.refused(status, code);
        caller.delete(&one).await.refused(status, code);
        for path in [GRIDS, &one] {
            let answer = caller.get(path).await;
            if reads {
                answer.expect(200)
            } else {
                answer.refused(status, code)
            };
        }
    }
    let mut second = world.agent("92", "administrator").await;
    world.advance(chrono::TimeDelta::minutes(6));
    second
        .post(&format!("{}/publish", at(&format!("grids/{id}"))), json!({}))
        .await
        .refused(403, "auth.step_up_required");
    second.api = world.sign_in_staff(&second.email, &second.totp_secret).await;
    second.post(&format!("{one}/publish"), json!({})).await.expect(200);
}

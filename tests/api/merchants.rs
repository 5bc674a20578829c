//! Organisations and their conventions, as a department's agents handle them.

use crate::support::{Agent, Scene, World, field_at_fault, siret};
use reqwest::Method;
use serde_json::{Value, json};

const MERCHANTS: &str = "/v1/departments/92/merchants";
const ABSENT: &str = "0199a8f0-7c3e-7bbd-8000-000000000001";

async fn register(world: &World, number: u32) -> String {
    let body = json!({ "siret": siret(number), "name": "Club nautique" });
    world.administrator.post(MERCHANTS, body).await.expect(201).text("/id")
}

fn affiliations(merchant: &str) -> String {
    format!("{MERCHANTS}/{merchant}/affiliations")
}

async fn step(agent: &Agent, affiliation: &str, event: &str, version: i64) -> crate::support::Answer {
    let path = format!("/v1/departments/{}/affiliations/{affiliation}/transitions", agent.department);
    agent.post(&path, json!({ "event": event, "version": version })).await
}

#[actix_web::test]
async fn a_merchant_is_registered_once_for_every_department_and_found_by_its_siret() {
    let world = World::start().await;
    let body = json!({ "siret": siret(900), "name": "Club nautique de Nanterre" });
    let first = world.administrator.post(MERCHANTS, body.clone()).await.expect(201);
    assert_eq!(first.text("/siret"), siret(900));
    assert_eq!(first.text("/name"), "Club nautique de Nanterre");
    assert!(first.text("/created_at").starts_with("2026-10-15T08:0"));

    world.administrator.post(MERCHANTS, body.clone()).await.refused(409, "merchant.already_exists");
    let elsewhere = "/v1/departments/78/merchants";
    world.administrator_78.post(elsewhere, body).await.refused(409, "merchant.already_exists");

    let second = register(&world, 901).await;
    let found = world.administrator_78.get(&format!("{elsewhere}?siret={}", siret(900))).await.expect(200);
    assert_eq!(found.json, json!({ "items": [first.json] }), "known to the other department as well");
    let unknown = world.administrator.get(&format!("{MERCHANTS}?siret={}", siret(999))).await.expect(200);
    assert_eq!(unknown.json, json!({ "items": [] }));

    for (part, found) in [("q=nautique%20DE", vec![first.json.clone()]), ("q=voile", vec![])] {
        let answer = world.administrator.get(&format!("{MERCHANTS}?{part}")).await.expect(200);
        assert_eq!(answer.json, json!({ "items": found }), "{part}");
    }
    let page = world.administrator.get(&format!("{MERCHANTS}?limit=1")).await.expect(200);
    assert_eq!(page.json["items"], json!([first.json]));
    let cursor = page.text("/next_cursor");
    let rest = world.administrator.get(&format!("{MERCHANTS}?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!(rest.text("/items/0/id"), second);
    assert_eq!(rest.json.get("next_cursor"), None);
    for query in ["siret=35600000000049", "siret=1", "limit=0", "limit=101", "cursor=x", "name=x"] {
        world.administrator.get(&format!("{MERCHANTS}?{query}")).await.refused(400, "request.query");
    }
}

#[actix_web::test]
async fn a_merchant_needs_a_right_siret_and_a_name() {
    let world = World::start().await;
    let register = async |change: Value| {
        let mut body = json!({ "siret": siret(1), "name": "Club" });
        for (field, value) in change.as_object().unwrap() {
            body[field] = value.clone();
        }
        world.administrator.post(MERCHANTS, body).await
    };
    let right = siret(1);
    let wrong_digit = format!("{}{}", &right[..13], if right.ends_with('0') { '1' } else { '0' });
    for wrong in [json!(wrong_digit), json!(&siret(1)[1..]), json!(""), json!("9".repeat(15)), json!(1), json!(null)] {
        field_at_fault(register(json!({ "siret": wrong })).await, "/siret");
    }
    for wrong in [json!(""), json!("   "), json!("x".repeat(121)), json!("a\u{0}b"), json!([])] {
        field_at_fault(register(json!({ "name": wrong })).await, "/name");
    }
    field_at_fault(register(json!({ "id": ABSENT })).await, "/id");
    field_at_fault(world.administrator.post(MERCHANTS, json!({ "name": "Club" })).await, "/siret");
    let text =
        world.administrator.request(Method::POST, MERCHANTS).header("content-type", "application/json").body("{");
    world.administrator.send(text).await.refused(400, "request.malformed");
    let form = world.administrator.request(Method::POST, MERCHANTS).form(&[("name", "Club")]);
    world.administrator.send(form).await.refused(415, "request.media_type");
    let listed = world.administrator.get(MERCHANTS).await.expect(200);
    assert_eq!(listed.json, json!({ "items": [] }), "nothing wrong was kept");
    register(json!({})).await.expect(201);
}

#[actix_web::test]
async fn a_merchant_has_one_living_convention_a_wallet_kind() {
    let world = World::start().await;
    let merchant = register(&world, 1).await;
    let path = affiliations(&merchant);
    let culture = json!({ "wallet_kind": "culture", "starts_on": "2026-09-01", "ends_on": "2029-08-31" });
    let made = world.administrator.post(&path, culture.clone()).await.expect(201);
    let expected = json!({
        "id": made.text("/id"), "merchant_id": merchant, "merchant_name": "Club nautique", "wallet_kind": "culture",
        "state": "active", "starts_on": "2026-09-01", "ends_on": "2029-08-31", "created_at": made.text("/created_at"),
        "version": 1,
    });
    assert_eq!(made.json, expected);
    let sport = json!({ "wallet_kind": "sport", "starts_on": "2026-12-01", "state": "applied" });
    let asked = world.administrator.post(&path, sport).await.expect(201);
    assert_eq!((asked.text("/state"), asked.json.get("ends_on")), ("applied".to_owned(), None));

    world.administrator.post(&path, culture.clone()).await.refused(409, "affiliation.already_exists");
    step(&world.administrator, &made.text("/id"), "close", 1).await.expect(200);
    world.administrator.post(&path, culture.clone()).await.expect(201);
    let listed = world.administrator.get(&path).await.expect(200);
    let states: Vec<&str> =
        listed.json["items"].as_array().unwrap().iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["closed", "applied", "active"]);
    let page = world.administrator.get(&format!("{path}?limit=2")).await.expect(200);
    let rest =
        world.administrator.get(&format!("{path}?limit=2&cursor={}", page.text("/next_cursor"))).await.expect(200);
    assert_eq!(rest.json["items"], json!([listed.json["items"][2]]));

    // What it agreed with 92 is nothing to 78, which may agree on its own.
    let there = path.replace("/92/", "/78/");
    assert_eq!(world.administrator_78.get(&there).await.expect(200).json, json!({ "items": [] }));
    world.administrator_78.post(&there, culture).await.expect(201);
}

#[actix_web::test]
async fn a_convention_needs_a_kind_and_days_in_order() {
    let world = World::start().await;
    let merchant = register(&world, 1).await;
    let path = affiliations(&merchant);
    let good = json!({ "wallet_kind": "sport", "starts_on": "2026-09-01", "ends_on": "2027-08-31", "state": "active" });
    for (field, wrong) in [
        ("wallet_kind", json!("music")),
        ("wallet_kind", json!(null)),
        ("starts_on", json!("2026-02-30")),
        ("starts_on", json!("1999-12-31")),
        ("starts_on", json!("01/09/2026")),
        ("ends_on", json!("2026-08-31")),
        ("ends_on", json!("2101-01-01")),
        ("state", json!("suspended")),
        ("state", json!("closed")),
        ("account_id", json!(ABSENT)),
    ] {
        let mut body = good.clone();
        body[field] = wrong;
        field_at_fault(world.administrator.post(&path, body).await, &format!("/{field}"));
    }
    assert_eq!(world.administrator.get(&path).await.expect(200).json, json!({ "items": [] }));
    world.administrator.post(&affiliations(ABSENT), good.clone()).await.refused(404, "not_found");
    world.administrator.post(&affiliations("abc"), good.clone()).await.refused(404, "not_found");
    let one_day = json!({ "wallet_kind": "sport", "starts_on": "2026-09-01", "ends_on": "2026-09-01" });
    world.administrator.post(&path, one_day).await.expect(201);
}

#[actix_web::test]
async fn a_convention_moves_along_its_states_and_nowhere_else() {
    let world = World::start().await;
    let merchant = register(&world, 1).await;
    let body = json!({ "wallet_kind": "sport", "starts_on": "2026-09-01", "state": "applied" });
    let id = world.administrator.post(&affiliations(&merchant), body).await.expect(201).text("/id");
    let events = ["review", "activate", "suspend", "resume", "close"];
    let way = [
        ("review", "under_review", &["activate", "close"][..]),
        ("activate", "active", &["suspend", "close"]),
        ("suspend", "suspended", &["resume", "close"]),
        ("resume", "active", &["suspend", "close"]),
        ("close", "closed", &[]),
    ];
    let mut possible: &[&str] = &["review", "close"];
    for (version, (event, state, then)) in (1..).zip(way) {
        for impossible in events.iter().filter(|event| !possible.contains(event)) {
            step(&world.administrator, &id, impossible, version).await.refused(409, "affiliation.transition");
        }
        for stale in [version - 1, version + 1] {
            step(&world.administrator, &id, event, stale).await.refused(409, "version.stale");
        }
        let moved = step(&world.administrator, &id, event, version).await.expect(200);
        assert_eq!((moved.text("/state"), moved.number("/version")), (state.to_owned(), version + 1));
        possible = then;
    }
    for event in events {
        step(&world.administrator, &id, event, 6).await.refused(409, "affiliation.transition");
    }
    let wrong = step(&world.administrator, &id, "reopen", 6).await;
    field_at_fault(wrong, "/event");
    step(&world.administrator, ABSENT, "close", 1).await.refused(404, "not_found");
    step(&world.administrator_78, &id, "close", 6).await.refused(404, "not_found");
    let journal =
        world.administrator.get(&format!("/v1/departments/92/journal?object_id={id}&limit=100")).await.expect(200);
    let actions: Vec<String> = journal.json["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| format!("{} {}", line["action"].as_str().unwrap(), line["details"]["state"].as_str().unwrap()))
        .collect();
    let moved =
        ["under_review", "active", "suspended", "active", "closed"].map(|state| format!("affiliation_moved {state}"));
    assert_eq!(
        actions,
        [&["merchant_affiliated applied".to_owned()][..], &moved].concat(),
        "in the order of their making"
    );
}

#[actix_web::test]
async fn of_two_agents_who_move_a_convention_at_once_one_is_told_to_read_again() {
    let world = World::start().await;
    let merchant = register(&world, 1).await;
    let body = json!({ "wallet_kind": "sport", "starts_on": "2026-09-01" });
    let id = world.administrator.post(&affiliations(&merchant), body.clone()).await.expect(201).text("/id");
    let agent = &world.administrator;
    let (one, two, three) =
        tokio::join!(step(agent, &id, "suspend", 1), step(agent, &id, "close", 1), step(agent, &id, "suspend", 1));
    let mut statuses = [one.status, two.status, three.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409]);

    // And of several who make the same convention at once, one does.
    let merchant = register(&world, 2).await;
    let path = affiliations(&merchant);
    let (one, two, three) =
        tokio::join!(agent.post(&path, body.clone()), agent.post(&path, body.clone()), agent.post(&path, body.clone()));
    let mut statuses = [one.status, two.status, three.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409]);
}

#[actix_web::test]
async fn only_administrators_of_the_department_handle_merchants() {
    let mut scene = Scene::set().await;
    let worker = scene.world.agent("92", "case_worker").await;
    let stranger = scene.world.agent("78", "administrator").await;
    let api = scene.administrator().await;
    let merchant = &scene.till.merchant;
    let path = affiliations(merchant);
    let convention = api.get(&path).await.expect(200).text("/items/0/id");
    let device = &scene.till.device;
    let writes = [
        (MERCHANTS.to_owned(), json!({ "siret": siret(800), "name": "Club" })),
        (path.clone(), json!({ "wallet_kind": "sport", "starts_on": "2026-09-01" })),
        (
            format!("/v1/departments/92/affiliations/{convention}/transitions"),
            json!({ "event": "close", "version": 1 }),
        ),
        (format!("{MERCHANTS}/{merchant}/devices"), json!({ "kind": "till", "label": "Caisse" })),
        (format!("/v1/departments/92/devices/{device}/revoke"), json!({})),
        (format!("/v1/departments/92/devices/{device}/resume"), json!({})),
    ];
    for (path, body) in &writes {
        worker.post(path, body.clone()).await.refused(403, "auth.forbidden");
        scene.secretary.post(path, body.clone()).await.refused(403, "auth.forbidden");
        scene.family.post(path, body.clone()).await.refused(403, "auth.forbidden");
        scene.till.post(path, body.clone()).await.refused(403, "auth.forbidden");
        stranger.post(path, body.clone()).await.refused(404, "not_found");
        scene.world.api.post(path, body.clone()).await.refused(401, "auth.required");
    }
    for path in [MERCHANTS.to_owned(), path, format!("{MERCHANTS}/{merchant}/devices")] {
        assert_eq!(worker.get(&path).await.expect(200).json, api.get(&path).await.expect(200).json);
        scene.secretary.get(&path).await.refused(403, "auth.forbidden");
        scene.family.get(&path).await.refused(403, "auth.forbidden");
        scene.till.get(&path).await.refused(403, "auth.forbidden");
        stranger.get(&path).await.refused(404, "not_found");
        scene.world.api.get(&path).await.refused(401, "auth.required");
    }
    // The till still works: nothing above was done.
    scene.debit("culture", 100).await.expect(201);
}

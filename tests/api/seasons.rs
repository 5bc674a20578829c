//! Seasons: rules written by an administrator, published in versions, never backwards.

use crate::support::{Agent, Answer, COLLEGE, SEASON, World};
use chrono::TimeDelta;
use diesel::{connection::SimpleConnection, prelude::*};
use serde_json::{Value, json};

const NEXT: &str = "2027-2028";
const SEASONS: &str = "/v1/departments/92/seasons";

/// A change of the rules.
type Change = fn(&mut Value);

fn at(rest: &str) -> String {
    format!("{SEASONS}/{rest}")
}

/// Drafts the next version of a season with one change of its last published rules.
pub async fn draft_change(by: &Agent, season: &str, change: impl FnOnce(&mut Value)) -> Answer {
    let base = format!("/v1/departments/{}/seasons", by.department);
    let draft = by.post(&base, json!({ "season": season })).await.expect(201);
    let mut rules = draft.at("/rules").clone();
    change(&mut rules);
    by.put(&format!("{base}/{season}/draft"), json!({ "rules": rules })).await.expect(200)
}

fn problems(draft: &Answer) -> Vec<String> {
    draft.at("/problems").as_array().unwrap().iter().map(|p| p["pointer"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn a_season_is_drafted_in_private_checked_and_published_to_everyone() {
    let world = World::start().await;
    let admin = &world.administrator;
    let draft = admin.post(SEASONS, json!({ "season": NEXT })).await.expect(201);
    assert_eq!((draft.number("/version"), problems(&draft)), (1, vec![]));
    assert_eq!(
        (draft.text("/rules/opens_on"), draft.text("/rules/spend_until")),
        ("2027-06-01".into(), "2028-06-30".into())
    );
    admin.post(SEASONS, json!({ "season": NEXT })).await.refused(409, "season.draft_exists");
    // Any agent of the department reads the draft; nobody else knows that it is there.
    let finance = world.agent("92", "finance").await;
    assert_eq!(finance.get(&at("2027-2028/draft")).await.expect(200).json, draft.json);
    world.administrator_78.get(&at("2027-2028/draft")).await.refused(404, "not_found");
    world.api.get(&at("2027-2028/draft")).await.refused(401, "auth.required");
    world.api.get(&at(NEXT)).await.refused(404, "not_found");
    let listed = world.api.get(SEASONS).await.expect(200);
    assert_eq!(listed.items().iter().map(|s| s["season"].as_str().unwrap()).collect::<Vec<_>>(), [SEASON]);

    let mut rules = draft.at("/rules").clone();
    rules["amounts"].as_array_mut().unwrap().remove(0);
    rules["spend_until"] = json!("2029-01-01");
    let bad = admin.put(&at("2027-2028/draft"), json!({ "rules": rules })).await.expect(200);
    let refused = admin.post(&at("2027-2028/publish"), json!({})).await.refused(422, "season.invalid_rules");
    assert_eq!(
        (problems(&bad), refused.pointers()),
        (problems(&bad), vec!["/spend_until".to_owned(), "/amounts".to_owned()])
    );
    world.api.get(&at(NEXT)).await.refused(404, "not_found");

    admin.put(&at("2027-2028/draft"), json!({ "rules": draft.at("/rules") })).await.expect(200);
    admin
        .post(&at("2027-2028/publish"), json!({ "effective_from": "1999-12-31T00:00:00Z" }))
        .await
        .refused(422, "request.invalid");
    // The first version of a season may take effect in the past: nothing was granted before it.
    let first = json!({ "effective_from": "2026-10-01T00:00:00Z" });
    let published = admin.post(&at("2027-2028/publish"), first).await.expect(200);
    assert_eq!((published.number("/version"), published.at("/rules")), (1, draft.at("/rules")));
    let family = world.family("92").await;
    for reader in [&world.api, &family.api, &world.administrator_78.api] {
        let shown = reader.get(&at(NEXT)).await.expect(200);
        assert_eq!((shown.at("/in_force"), shown.at("/to_come")), (&published.json, &json!([])));
    }
    let pages = world.api.get(&format!("{SEASONS}?limit=1")).await.expect(200);
    let rest = world.api.get(&format!("{SEASONS}?limit=1&cursor={}", pages.text("/next_cursor"))).await.expect(200);
    assert_eq!((pages.text("/items/0/season"), rest.text("/items/0/season")), (NEXT.into(), SEASON.into()));
    assert!(rest.json.get("next_cursor").is_none());

    for (method, path) in [("publish", "2027-2028/publish"), ("put", "2027-2028/draft"), ("delete", "2027-2028/draft")]
    {
        let answer = match method {
            "publish" => admin.post(&at(path), json!({})).await,
            "put" => admin.put(&at(path), json!({ "rules": draft.at("/rules") })).await,
            _ => admin.delete(&at(path)).await,
        };
        answer.refused(409, "season.no_draft");
    }
    admin.get(&at("2027-2028/draft")).await.refused(404, "not_found");
    assert_eq!(admin.post(SEASONS, json!({ "season": NEXT })).await.expect(201).number("/version"), 2);
    admin.delete(&at("2027-2028/draft")).await.expect(204);
    assert_eq!(world.api.get(&at(NEXT)).await.expect(200).at("/in_force"), &published.json);
    // What 92 published is not in 78.
    world.api.get("/v1/departments/78/seasons/2027-2028").await.refused(404, "not_found");
}

#[actix_web::test]
async fn every_hole_and_overlap_is_named_by_its_place_and_keeps_rules_from_being_published() {
    let world = World::start().await;
    let admin = &world.administrator;
    let good = admin.post(SEASONS, json!({ "season": NEXT })).await.expect(201).at("/rules").clone();
    let cases: [(Change, &[&str]); 12] = [
        (|r| r["opens_on"] = json!("2026-06-01"), &["/opens_on"]),
        (|r| r["capture_until"] = r["spend_until"].clone(), &["/capture_until"]),
        (|r| r["deadlines"][0]["until"] = json!("2028-07-01"), &["/deadlines/0/until"]),
        (|r| drop(r["deadlines"].as_array_mut().unwrap().remove(0)), &["/deadlines"]),
        (|r| r["deadlines"][1]["born_from"] = json!("2010-01-01"), &["/deadlines/1/born_from"]),
        (|r| r["amounts"][0]["amount_cents"] = json!(6001), &["/formulas/1"]),
        (|r| r["amounts"][3]["formula"] = json!("danse"), &["/amounts/3/formula", "/amounts"]),
        (
            |r| {
                let line = r["amounts"][2].clone();
                r["amounts"].as_array_mut().unwrap().push(line);
            },
            &["/amounts/8"],
        ),
        (|r| drop(r["amounts"].as_array_mut().unwrap().remove(7)), &["/amounts"]),
        (
            |r| {
                let f = r["formulas"][0].clone();
                r["formulas"].as_array_mut().unwrap().push(f);
            },
            &["/formulas/2/code"],
        ),
        (|r| r["eligibility"] = json!([]), &["/eligibility"]),
        (|r| r["eligibility"] = json!([{ "code": "tous", "label": "Tous" }]), &["/eligibility/0"]),
    ];
    for (change, expected) in cases {
        let mut rules = good.clone();
        change(&mut rules);
        let draft = admin.put(&at("2027-2028/draft"), json!({ "rules": rules })).await.expect(200);
        assert_eq!(problems(&draft), expected);
        let refused = admin.post(&at("2027-2028/publish"), json!({})).await.refused(422, "season.invalid_rules");
        assert_eq!(refused.pointers(), expected);
    }
    // What cannot even be read as rules.
    for (field, value, pointer) in [
        ("opens_on", json!("juin"), "/rules/opens_on"),
        (
            "amounts",
            json!([{ "formula": "sport", "grant": "base", "wallet": "sport", "amount_cents": 0 }]),
            "/rules/amounts/0/amount_cents",
        ),
        (
            "amounts",
            json!([{ "formula": "sport", "grant": "base", "wallet": "danse", "amount_cents": 1 }]),
            "/rules/amounts/0/wallet",
        ),
        (
            "amounts",
            json!([{ "formula": "sport", "grant": "base", "wallet": "sport", "amount_cents": 0.5 }]),
            "/rules/amounts/0/amount_cents",
        ),
        ("surprise", json!(1), "/rules/surprise"),
    ] {
        let mut rules = good.clone();
        rules[field] = value;
        let refused =
            admin.put(&at("2027-2028/draft"), json!({ "rules": rules })).await.refused(422, "request.invalid");
        assert_eq!(refused.pointers(), [pointer]);
    }
    for season in ["2027", "2027-2029", "+027-2028", ""] {
        admin.post(SEASONS, json!({ "season": season })).await.refused(422, "request.invalid");
    }
    world.api.get(&at("2027-2029")).await.refused(404, "not_found");
}

#[actix_web::test]
async fn a_later_version_never_changes_the_past() {
    let world = World::start().await;
    let admin = &world.administrator;
    let publish = |body: Value| async move { admin.post(&at("2026-2027/publish"), body).await };
    let before = world.api.get(&at(SEASON)).await.expect(200);
    draft_change(admin, SEASON, |rules| rules["spend_until"] = json!("2027-07-31")).await;
    for effective in [
        json!({}),
        json!({ "effective_from": "2026-10-15T07:59:00Z" }),
        json!({ "effective_from": "2026-01-01T00:00:00Z" }),
    ] {
        publish(effective).await.refused(409, "season.retroactive");
    }
    // At an instant to come, but over a date that is past by then.
    let too_late = json!({ "effective_from": "2027-07-01T00:00:00Z" });
    assert_eq!(publish(too_late).await.refused(409, "season.retroactive").pointers(), ["/spend_until"]);
    let cases: [(Change, &str); 3] = [
        (|r| r["opens_on"] = json!("2026-07-01"), "/opens_on"),
        (|r| r["deadlines"][0]["until"] = json!("2026-10-30"), "/deadlines/0/until"),
        (
            |r| {
                r["formulas"].as_array_mut().unwrap().remove(0);
                r["amounts"].as_array_mut().unwrap().retain(|line| line["formula"] != "sport");
            },
            "/formulas",
        ),
    ];
    let good = before.at("/in_force/rules");
    for (change, pointer) in cases {
        let mut rules = good.clone();
        change(&mut rules);
        admin.put(&at("2026-2027/draft"), json!({ "rules": rules })).await.expect(200);
        let refused = publish(json!({ "effective_from": "2026-11-01T00:00:00Z" })).await;
        assert_eq!(refused.refused(409, "season.retroactive").pointers(), [pointer]);
    }
    assert_eq!(world.api.get(&at(SEASON)).await.expect(200).json, before.json);

    let mut rules = good.clone();
    rules["spend_until"] = json!("2027-07-31");
    admin.put(&at("2026-2027/draft"), json!({ "rules": rules })).await.expect(200);
    let november = json!({ "effective_from": "2026-11-01T00:00:00Z" });
    publish(november.clone()).await.expect(200);
    let shown = world.api.get(&at(SEASON)).await.expect(200);
    assert_eq!(shown.at("/in_force"), before.at("/in_force"));
    assert_eq!(
        (shown.number("/to_come/0/version"), shown.text("/to_come/0/rules/spend_until")),
        (2, "2027-07-31".into())
    );
    admin.post(SEASONS, json!({ "season": SEASON })).await.expect(201);
    publish(november).await.refused(409, "season.effective_taken");
    world.advance(TimeDelta::days(17));
    let shown = world.api.get(&at(SEASON)).await.expect(200);
    assert_eq!((shown.number("/in_force/version"), shown.at("/to_come")), (2, &json!([])));
    assert_eq!(world.api.get(SEASONS).await.expect(200).text("/items/0/spend_until"), "2027-07-31");

    // Not even the service's own role rewrites what is published.
    let mut conn = world.app_role("92");
    conn.batch_execute("begin; set local app.kind = 'agent'").unwrap();
    for statement in [
        "update season_versions set rules = '{}' where state = 'published'",
        "delete from season_versions where state = 'published'",
    ] {
        assert_eq!(diesel::sql_query(statement).execute(&mut conn), Ok(0), "{statement}");
    }
}

#[actix_web::test]
async fn only_an_administrator_of_the_department_writes_rules() {
    let world = World::start().await;
    let family = world.family("92").await;
    let secretary = world.secretary(COLLEGE).await;
    let case_worker = world.agent("92", "case_worker").await;
    let rules = world.api.get(&at(SEASON)).await.expect(200).at("/in_force/rules").clone();
    for (caller, status, code) in [
        (&world.api, 401, "auth.required"),
        (&family.api, 403, "auth.forbidden"),
        (&secretary.api, 403, "auth.forbidden"),
        (&case_worker.api, 403, "auth.forbidden"),
        (&world.administrator_78.api, 404, "not_found"),
    ] {
        caller.post(SEASONS, json!({ "season": NEXT })).await.refused(status, code);
        caller.put(&at("2026-2027/draft"), json!({ "rules": rules })).await.refused(status, code);
        caller.post(&at("2026-2027/publish"), json!({})).await.refused(status, code);
        caller.delete(&at("2026-2027/draft")).await.refused(status, code);
    }
    assert_eq!(world.api.get(SEASONS).await.expect(200).items().len(), 1);
}

#[actix_web::test]
async fn a_request_is_granted_what_was_in_force_when_it_was_submitted() {
    let mut world = World::start().await;
    let mut family = world.family("92").await;
    let (first, second) = (family.add_child("Lou", "2015-03-14").await, family.add_child("Noé", "2014-03-14").await);
    let (early, early_version) = family.submit(&first, COLLEGE).await;
    draft_change(&world.administrator, SEASON, |rules| {
        for line in rules["amounts"].as_array_mut().unwrap().iter_mut().filter(|line| line["grant"] == "base") {
            line["amount_cents"] = json!(line["amount_cents"].as_i64().unwrap() + 500);
        }
        rules["spend_until"] = json!("2027-07-31");
    })
    .await;
    let effect = json!({ "effective_from": "2026-10-16T00:00:00Z" });
    world.administrator.post(&at("2026-2027/publish"), effect).await.expect(200);
    world.advance(TimeDelta::days(1));
    family.api = world.sign_in(&family.email).await;
    world.wake_administrators().await;
    let secretary = world.secretary(COLLEGE).await;
    let (late, late_version) = family.submit(&second, COLLEGE).await;
    secretary.confirm(&early, early_version).await;
    secretary.confirm(&late, late_version).await;
    for (child, culture, sport) in [(&first, 6000, 2000), (&second, 6500, 2500)] {
        assert_eq!((family.balance(child, "culture").await, family.balance(child, "sport").await), (culture, sport));
    }
    let letters = world.letters_to(&family.email).await;
    let told: Vec<&String> =
        letters.iter().filter(|(s, _)| s == "Inscription confirmée").map(|(_, body)| body).collect();
    assert!(told[0].contains("60,00 €") && told[0].contains("30/06/2027"), "{}", told[0]);
    assert!(told[1].contains("65,00 €") && told[1].contains("31/07/2027"), "{}", told[1]);
}

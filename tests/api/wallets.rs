//! Wallets as families see them, and how they fill: once.

use crate::support::{COLLEGE, COLLEGE_78, Scene, World, days, debit, key};
use diesel::{QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_types};
use serde_json::{Value, json};

#[actix_web::test]
async fn a_statement_tells_every_movement_with_its_sign_and_the_balance_after_it() {
    let scene = Scene::set().await;
    let first = scene.debit("culture", 1_250).await.expect(201).text("/id");
    scene.refund(&first, 250).await.expect(201);
    scene.debit("culture", 5_001).await.refused(409, "debit.refused");
    scene.debit("sport", 700).await.expect(201);
    let last = scene.debit("culture", 5_000).await.expect(201).text("/id");

    let path = scene.family.path(&format!("wallets/{}/statement", scene.pupil.culture));
    let statement = scene.family.get(&path).await.expect(200);
    let lines = statement.json["items"].as_array().unwrap().clone();
    let told: Vec<Value> =
        lines.iter().map(|l| json!([l["kind"], l["amount_cents"], l["balance_after_cents"]])).collect();
    let expected =
        json!([["debit", -5_000, 0], ["refund", 250, 5_000], ["debit", -1_250, 4_750], ["grant", 6_000, 6_000]]);
    assert_eq!(json!(told), expected);
    assert_eq!((&lines[0]["id"], &lines[1]["reverses"]), (&json!(last), &json!(first)));
    assert_eq!(lines[3]["grant_kind"], "base");
    for line in &lines[..3] {
        assert!(line["merchant_name"].as_str().unwrap().starts_with("Théâtre "), "{line}");
        assert_eq!((&line["activity_label"], &line["activity_date"]), (&json!("Spectacle"), &json!("2026-10-20")));
    }
    assert_eq!(lines[3].get("merchant_name"), None);

    // By pages, from the newest, whatever is added meanwhile.
    let mut seen = vec![];
    let mut next = format!("{path}?limit=2");
    loop {
        let page = scene.family.get(&next).await.expect(200);
        seen.extend(page.json["items"].as_array().unwrap().clone());
        let Some(cursor) = page.json["next_cursor"].as_str() else { break };
        next = format!("{path}?limit=2&cursor={cursor}");
        scene.refund(&last, 1).await.expect(201);
    }
    assert_eq!(seen, lines);
    for query in ["limit=0", "limit=101", "cursor=x", "cursor=AZrX8z4UdqeGZ3nF8l7xYQ", "from=2026"] {
        scene.family.get(&format!("{path}?{query}")).await.refused(400, "request.query");
    }
    let wallets =
        scene.family.get(&scene.family.path(&format!("children/{}/wallets", scene.pupil.child))).await.expect(200);
    let wallet = |kind: &str, id: &str, cents: i64| {
        json!({ "id": id, "season": "2026-2027", "kind": kind, "balance_cents": cents, "held_cents": 0, "available_cents": cents,
                "spend_before": "2027-06-30T22:00:00Z" })
    };
    let both = [wallet("culture", &scene.pupil.culture, 1), wallet("sport", &scene.pupil.sport, 1_300)];
    assert_eq!(wallets.json, json!({ "items": both }));
}

#[actix_web::test]
async fn only_the_guardians_of_the_file_see_its_wallets() {
    let scene = Scene::set().await;
    let world = &scene.world;
    let wallets = scene.family.path(&format!("children/{}/wallets", scene.pupil.child));
    let statement = scene.family.path(&format!("wallets/{}/statement", scene.pupil.culture));
    let stranger = world.family("92").await;
    let abroad = world.family("78").await;
    for path in [&wallets, &statement] {
        for other in [&stranger, &abroad] {
            other.get(path).await.refused(404, "not_found");
        }
        scene.family.get(&path.replace("/92/", "/78/")).await.refused(404, "not_found");
        for staff in [&world.administrator.api, &scene.secretary.api, &scene.till.api] {
            staff.get(path).await.refused(403, "auth.forbidden");
        }
        world.api.get(path).await.refused(401, "auth.required");
    }
    // A child without wallets is seen by its family, with none.
    let child = scene.family.add_child("Ana", "2014-01-01").await;
    let own = scene.family.path(&format!("children/{child}/wallets"));
    assert_eq!(scene.family.get(&own).await.expect(200).json, json!({ "items": [] }));
    stranger.get(&own).await.refused(404, "not_found");
    scene.family.get(&scene.family.path(&format!("children/{}/wallets", key()))).await.refused(404, "not_found");

    // A guardian with the right to consult reads all of it.
    let guardian = world.guardian(&scene.family, "consult").await;
    for path in [&wallets, &statement] {
        assert_eq!(guardian.get(path).await.expect(200).json, scene.family.get(path).await.expect(200).json);
    }
}

#[derive(QueryableByName)]
struct Grants {
    #[diesel(sql_type = sql_types::BigInt)]
    lines: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    cents: i64,
}

fn grants(world: &World) -> (i64, i64) {
    let sql =
        "select count(*) as lines, coalesce(sum(amount_cents), 0)::bigint as cents from transfers where kind = 'grant'";
    let found: Grants = diesel::sql_query(sql).get_result(&mut world.superuser("92")).unwrap();
    (found.lines, found.cents)
}

#[actix_web::test]
async fn becoming_active_grants_once_whoever_confirms_and_however_often() {
    let world = World::start().await;
    let secretary = world.secretary(COLLEGE).await;
    let colleague = world.secretary(COLLEGE).await;
    let family = world.family("92").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    let (enrolment, version) = family.submit(&child, COLLEGE).await;
    assert_eq!(grants(&world), (0, 0), "nothing before the collège confirms");
    let row = json!({ "enrolment_id": enrolment, "version": version, "decision": "confirm" });
    // Two secretaries and an agent at once, one of them twice in one request.
    let agent = world.administrator.post("/v1/departments/92/decisions", row.clone());
    let (one, two, three) = tokio::join!(secretary.decide(json!([row, row])), colleague.decide(json!([row])), agent);
    let done = [&one.json["results"][0], &one.json["results"][1], &two.json["results"][0]];
    let done = done.iter().filter(|result| result["done"] == true).count() + usize::from(three.status == 200);
    assert_eq!(done, 1, "{} {} {}", one.json, two.json, three.json);
    assert_eq!(grants(&world), (2, 8_000));
    for late in [version, version + 1, version + 2] {
        let row = json!({ "enrolment_id": enrolment, "version": late, "decision": "confirm" });
        let answer = secretary.decide(json!([row])).await.expect(200);
        assert_eq!(answer.at("/results/0/done"), &json!(false), "{}", answer.json);
    }
    assert_eq!(grants(&world), (2, 8_000));
    assert_eq!((family.balance(&child, "culture").await, family.balance(&child, "sport").await), (6_000, 2_000));

    // Suspended and resumed, the rights are as they were.
    let path = family.path(&format!("enrolments/{enrolment}"));
    for event in ["suspend", "resume"] {
        let version = family.get(&path).await.expect(200).number("/enrolment/version");
        let body = json!({ "version": version, "event": event, "note": "À vérifier" });
        world.administrator.post(&format!("{path}/suspension"), body).await.expect(200);
    }
    assert_eq!(grants(&world), (2, 8_000));
    // Even the step itself, called again for another enrolment id or under another name, makes no second grant.
    let again = format!(
        "set app.kind = 'system';
         do $$ begin
             if ledger_grant(gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '{enrolment}', 'culture', 'base', 6000,
                             now() + interval '1 year', now() + interval '2 years')
             then raise exception 'granted twice'; end if;
         end $$"
    );
    world.superuser("92").batch_execute(&again).unwrap();
    assert_eq!(grants(&world), (2, 8_000));
}

#[actix_web::test]
async fn a_refused_request_grants_when_it_is_confirmed_at_last_and_a_declared_scholarship_the_base_only() {
    let world = World::start().await;
    let secretary = world.secretary(COLLEGE).await;
    let family = world.family("92").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    let (enrolment, version) = family.submit(&child, COLLEGE).await;
    let refuse =
        json!({ "enrolment_id": enrolment, "version": version, "decision": "refuse", "reason": "not_enrolled_here" });
    assert_eq!(secretary.decide(json!([refuse])).await.expect(200).text("/results/0/state"), "refused");
    assert_eq!(grants(&world), (0, 0));
    let path = family.path(&format!("enrolments/{enrolment}"));
    let version = family.get(&path).await.expect(200).number("/enrolment/version");
    let edit = json!({ "version": version, "college_uai": COLLEGE, "level": "6e", "formula": "sport", "declares_scholarship": true });
    let version = family.patch(&path, edit).await.expect(200).number("/version");
    let submitted = family.post(&format!("{path}/submit"), json!({ "version": version })).await.expect(200);
    secretary.confirm(&enrolment, submitted.number("/version")).await;
    assert_eq!(grants(&world), (2, 8_000));
    assert_eq!((family.balance(&child, "culture").await, family.balance(&child, "sport").await), (2_000, 6_000));
    let wallets = family.get(&family.path(&format!("children/{child}/wallets"))).await.expect(200);
    for rank in 0..2 {
        let statement = family.path(&format!("wallets/{}/statement", wallets.text(&format!("/items/{rank}/id"))));
        let statement = family.get(&statement).await.expect(200);
        assert_eq!(statement.json["items"].as_array().unwrap().len(), 1);
        assert_eq!(statement.text("/items/0/grant_kind"), "base");
    }
}

#[actix_web::test]
async fn each_department_pays_from_its_own_wallets() {
    let mut scene = Scene::set().await;
    let abroad = scene.world.family("78").await;
    let secretary = scene.world.secretary(COLLEGE_78).await;
    let foreign = scene.world.pupil(&abroad, &secretary).await;
    let body = debit(&foreign.card_code, "culture", 500);
    // A convention with 92 says nothing of 78.
    scene.till.post_keyed("/v1/debits", &key(), body.clone()).await.refused(409, "merchant.not_affiliated");
    let path = format!("/v1/departments/78/merchants/{}/affiliations", scene.till.merchant);
    let convention = json!({ "wallet_kind": "culture", "starts_on": "2026-09-01" });
    scene.world.administrator_78.post(&path, convention).await.expect(201);
    let made = scene.till.post_keyed("/v1/debits", &key(), body).await.expect(201);
    assert_eq!(made.text("/department"), "78");
    assert_eq!(abroad.balance(&foreign.child, "culture").await, 5_500);
    assert_eq!(scene.family.balance(&scene.pupil.child, "culture").await, 6_000);
    let listed = |department: &str| format!("/v1/departments/{department}/debits");
    assert_eq!(scene.till.get(&listed("78")).await.expect(200).json["items"][0]["id"], made.json["id"]);
    assert_eq!(scene.till.get(&listed("92")).await.expect(200).json, json!({ "items": [] }));
    scene.wait(days(1)).await;
    let back = format!("/v1/departments/78/debits/{}/refunds", made.text("/id"));
    scene.till.post_keyed(&back, &key(), json!({ "amount_cents": 500 })).await.expect(201);
}

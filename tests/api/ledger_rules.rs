//! What a department allows, as dated data: who sets it and when it counts, and each cap at its limit, one debit at a time and many at once.

use crate::{
    ledger::Books,
    support::{Answer, Api, COLLEGE, Scene, World, days, debit, key},
};
use chrono::{TimeDelta, Timelike};
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const RULES: &str = "/v1/departments/92/ledger-rules";

/// The rules a department begins with, changed.
pub fn rules(change: &Value) -> Value {
    let mut rules = json!({
        "till_hold_minutes": 10_080, "refund_alone_max_cents": 20_000, "correction_alone_max_cents": 20_000, "dispute_days": 60,
    });
    for (name, value) in change.as_object().cloned().unwrap_or_default() {
        rules[name] = value;
    }
    rules
}

/// Sets rules, and waits until they count.
pub async fn set_rules(world: &World, change: Value) {
    world.administrator.post(RULES, rules(&change)).await.expect(201);
    world.advance(TimeDelta::seconds(6));
}

/// These debits of the pupil's card at once: wallet and cents.
async fn at_once(scene: &Scene, wanted: impl IntoIterator<Item = (&'static str, i64)>) -> Vec<Answer> {
    let mut running = JoinSet::new();
    for (wallet, cents) in wanted {
        let (api, body) = (scene.till.api.clone(), debit(&scene.pupil.card_code, wallet, cents));
        running.spawn(async move { api.post_keyed("/v1/debits", &key(), body).await });
    }
    running.join_all().await
}

fn count(answers: &[Answer], status: u16, code: Option<&str>) -> usize {
    answers.iter().filter(|answer| (answer.status, answer.json["code"].as_str()) == (status, code)).count()
}

#[derive(QueryableByName)]
struct Reason {
    #[diesel(sql_type = sql_types::Text)]
    reason: String,
}

/// Why the ledger refused last, as it knows it inside.
fn last_reason(scene: &Scene) -> String {
    let sql = "select reason from ledger_refusals order by at desc limit 1";
    let row: Reason = diesel::sql_query(sql).get_result(&mut scene.world.superuser("92")).unwrap();
    row.reason
}

#[actix_web::test]
async fn rules_are_set_ahead_by_an_administrator_and_replace_each_other() {
    let world = World::start().await;
    let api = &world.administrator;
    let shown = api.get(RULES).await.expect(200);
    assert_eq!((shown.number("/in_force/dispute_days"), shown.at("/to_come")), (60, &json!([])));
    assert!(shown.json["in_force"]["debit_max_cents"].is_null(), "there is no cap until one is set");

    let winter = json!({ "debit_max_cents": 4_000, "effective_from": "2026-12-01T00:00:00Z" });
    let set = api.post(RULES, rules(&winter)).await.expect(201);
    assert_eq!(
        (set.number("/debit_max_cents"), set.text("/effective_from")),
        (4_000, "2026-12-01T00:00:00Z".to_owned())
    );
    api.post(RULES, rules(&winter)).await.refused(409, "ledger_rules.effective_taken");
    set_rules(&world, json!({ "card_day_max_cents": 5_000, "till_minute_max_debits": 20 })).await;
    for function in ["case_worker", "finance", "dpo"] {
        let shown = world.agent("92", function).await.get(RULES).await.expect(200);
        assert_eq!(shown.number("/in_force/card_day_max_cents"), 5_000);
        assert_eq!(shown.number("/in_force/till_minute_max_debits"), 20);
        assert_eq!(shown.text("/to_come/0/id"), set.text("/id"));
    }
    // The other department has its own.
    let other = world.administrator_78.get("/v1/departments/78/ledger-rules").await.expect(200);
    assert!(other.json["in_force"]["card_day_max_cents"].is_null());
    let journal = format!("/v1/departments/92/journal?object_id={}", set.text("/id"));
    assert_eq!(api.get(&journal).await.expect(200).text("/items/0/action"), "ledger_rules_set");
}

#[actix_web::test]
async fn rules_that_change_the_past_or_pass_their_bounds_are_refused() {
    let world = World::start().await;
    let api = &world.administrator;
    for past in ["2026-10-01T00:00:00Z", "2026-10-15T08:00:00Z"] {
        let body = rules(&json!({ "effective_from": past }));
        api.post(RULES, body).await.refused(409, "ledger_rules.retroactive");
    }
    for (change, pointer) in [
        (json!({ "effective_from": "2126-01-01T00:00:00Z" }), "/effective_from"),
        (json!({ "debit_max_cents": 0 }), "/debit_max_cents"),
        (json!({ "card_day_max_cents": 100_001 }), "/card_day_max_cents"),
        (json!({ "till_minute_max_debits": 0 }), "/till_minute_max_debits"),
        (json!({ "till_hold_minutes": 44_641 }), "/till_hold_minutes"),
        (json!({ "refund_alone_max_cents": -1 }), "/refund_alone_max_cents"),
        (json!({ "correction_alone_max_cents": 100_001 }), "/correction_alone_max_cents"),
        (json!({ "dispute_days": 401 }), "/dispute_days"),
    ] {
        let answer = api.post(RULES, rules(&change)).await.refused(422, "request.invalid");
        assert_eq!(answer.pointers(), [pointer]);
    }
}

#[actix_web::test]
async fn nobody_else_sets_rules_and_nobody_without_a_fresh_second_factor() {
    let world = World::start().await;
    let body = || rules(&json!({}));
    for function in ["case_worker", "finance", "dpo"] {
        let agent = world.agent("92", function).await;
        agent.post(RULES, body()).await.refused(403, "auth.forbidden");
    }
    let family = world.family("92").await;
    let till = world.till(&["culture"]).await;
    let secretary = world.secretary(COLLEGE).await;
    for api in [&family.api, &till.api, &secretary.api] {
        api.get(RULES).await.refused(403, "auth.forbidden");
        api.post(RULES, body()).await.refused(403, "auth.forbidden");
    }
    world.api.post(RULES, body()).await.refused(401, "auth.required");
    world.administrator_78.get(RULES).await.refused(404, "not_found");
    world.administrator_78.post(RULES, body()).await.refused(404, "not_found");
    world.advance(TimeDelta::minutes(6));
    world.administrator.post(RULES, body()).await.refused(403, "auth.step_up_required");
}

#[actix_web::test]
async fn one_debit_takes_up_to_the_cap_and_not_a_cent_more() {
    let scene = Scene::set().await;
    set_rules(&scene.world, json!({ "debit_max_cents": 2_000 })).await;
    scene.debit("culture", 1_999).await.expect(201);
    scene.debit("culture", 2_000).await.expect(201);
    // It says nothing about the child: it is told as it is.
    scene.debit("culture", 2_001).await.refused(409, "debit.above_cap");
    scene.debit("sport", 2_000).await.expect(201);
    assert_eq!(scene.family.balance(&scene.pupil.child, "culture").await, 2_001);
}

#[actix_web::test]
async fn debits_made_together_keep_the_cap_of_each() {
    let scene = Scene::set().await;
    set_rules(&scene.world, json!({ "debit_max_cents": 500 })).await;
    let answers = at_once(&scene, (0..24).map(|rank| ("culture", 500 + rank % 2))).await;
    assert_eq!(count(&answers, 201, None), 12);
    assert_eq!(count(&answers, 409, Some("debit.above_cap")), 12);
    let books = Books::read(&scene.world);
    assert_eq!((books.balance(&scene.pupil.culture), books.prove()), (0, Ok(())));
}

#[actix_web::test]
async fn a_card_pays_up_to_the_cap_of_a_day_with_both_wallets_and_a_refund_makes_room() {
    let mut scene = Scene::set().await;
    set_rules(&scene.world, json!({ "card_day_max_cents": 3_000 })).await;
    let first = scene.debit("culture", 2_000).await.expect(201).text("/id");
    let body = |cents| {
        let mut body = debit(&scene.pupil.card_code, "sport", cents);
        body["activity_label"] = json!("Stage d'escalade");
        body
    };
    scene.till.post_keyed("/v1/debits", &key(), body(1_001)).await.refused(409, "debit.refused");
    // Outside it reads like any refusal of a card, inside the journal knows.
    assert_eq!(last_reason(&scene), "above_card_cap");
    scene.till.post_keyed("/v1/debits", &key(), body(999)).await.expect(201);
    scene.debit("culture", 1).await.expect(201);
    scene.debit("culture", 1).await.refused(409, "debit.refused");
    scene.refund(&first, 500).await.expect(201);
    scene.debit("culture", 501).await.refused(409, "debit.refused");
    scene.debit("culture", 500).await.expect(201);
    scene.wait(days(1)).await;
    scene.debit("culture", 3_000).await.expect(201);
    assert_eq!(Books::read(&scene.world).prove(), Ok(()));
}

#[actix_web::test]
async fn debits_made_together_keep_the_cap_of_a_card_and_day() {
    let scene = Scene::set().await;
    set_rules(&scene.world, json!({ "card_day_max_cents": 3_000 })).await;
    let answers = at_once(&scene, (0..16).map(|_| ("culture", 500))).await;
    assert_eq!(count(&answers, 201, None), 6);
    assert_eq!(count(&answers, 409, Some("debit.refused")), 10);
    let books = Books::read(&scene.world);
    assert_eq!((books.balance(&scene.pupil.culture), books.prove()), (3_000, Ok(())));
}

/// Goes on to the first second of a minute.
fn to_a_new_minute(world: &World) {
    let second = i64::from(world.app.db.server_now().second());
    world.advance(TimeDelta::seconds(61 - second));
}

#[actix_web::test]
async fn a_till_makes_so_many_debits_within_a_minute_and_again_in_the_next() {
    let scene = Scene::set().await;
    set_rules(&scene.world, json!({ "till_minute_max_debits": 3 })).await;
    let second = scene.world.till_of(&scene.till.merchant).await;
    let one = |api: &Api| {
        let (api, body) = (api.clone(), debit(&scene.pupil.card_code, "culture", 100));
        async move { api.post_keyed("/v1/debits", &key(), body).await }
    };
    to_a_new_minute(&scene.world);
    for _ in 0..3 {
        one(&scene.till).await.expect(201);
    }
    let (busy, body) = (key(), debit(&scene.pupil.card_code, "culture", 100));
    let told = scene.till.post_keyed("/v1/debits", &busy, body.clone()).await.refused(429, "debit.till_busy");
    let seconds: u32 = told.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    // Each till counts for itself.
    one(&second).await.expect(201);
    // Nothing is kept against the key: it serves in the next minute, and counts there.
    to_a_new_minute(&scene.world);
    let made = scene.till.post_keyed("/v1/debits", &busy, body.clone()).await.expect(201);
    assert!(!made.headers.contains_key("idempotency-replayed"));
    for _ in 0..2 {
        one(&scene.till).await.expect(201);
    }
    one(&scene.till).await.refused(429, "debit.till_busy");
    assert_eq!(scene.till.post_keyed("/v1/debits", &busy, body).await.expect(201).json, made.json);
    to_a_new_minute(&scene.world);
    let answers = at_once(&scene, (0..8).map(|_| ("culture", 100))).await;
    assert_eq!(count(&answers, 201, None), 3);
    assert_eq!(count(&answers, 429, Some("debit.till_busy")), 5);
}

#[actix_web::test]
async fn one_activity_is_not_paid_with_both_wallets_however_its_name_is_written() {
    let scene = Scene::set().await;
    let buy = |wallet: &'static str, label: &'static str, date: &'static str| {
        let mut body = debit(&scene.pupil.card_code, wallet, 500);
        body["activity_label"] = json!(label);
        body["activity_date"] = json!(date);
        let api = scene.till.api.clone();
        async move { api.post_keyed("/v1/debits", &key(), body).await }
    };
    let paid = buy("culture", "École du cirque d'été", "2026-10-20").await.expect(201).text("/id");
    buy("culture", "École du cirque d'été", "2026-10-20").await.expect(201);
    for written in ["École du cirque d'été", "ECOLE DU CIRQUE D’ETE", "ecole-du-cirque d ete"] {
        buy("sport", written, "2026-10-20").await.refused(409, "debit.other_wallet");
    }
    buy("sport", "École du cirque d'été", "2026-10-21").await.expect(201);
    buy("sport", "École de danse", "2026-10-20").await.expect(201);
    // Given back in part it is still paid; given back in whole, all of it, it is not.
    scene.refund(&paid, 499).await.expect(201);
    buy("sport", "École du cirque d'été", "2026-10-20").await.refused(409, "debit.other_wallet");
    scene.refund(&paid, 1).await.expect(201);
    buy("sport", "École du cirque d'été", "2026-10-20").await.refused(409, "debit.other_wallet");
    let journal = scene.till.get("/v1/departments/92/debits?limit=100").await.expect(200);
    let twin = journal
        .items()
        .iter()
        .find(|row| row["kind"] == "debit" && row["wallet_kind"] == "culture" && row["id"] != json!(paid));
    scene.refund(twin.unwrap()["id"].as_str().unwrap(), 500).await.expect(201);
    buy("sport", "École du cirque d'été", "2026-10-20").await.expect(201);
}

#[actix_web::test]
async fn of_both_wallets_asked_at_once_for_one_activity_one_pays() {
    let scene = Scene::set().await;
    for round in 0..4 {
        let mut running = JoinSet::new();
        for wallet in ["culture", "sport"].into_iter().cycle().take(6) {
            let mut body = debit(&scene.pupil.card_code, wallet, 50);
            body["activity_label"] = json!("Spectacle");
            body["activity_date"] = json!(format!("2026-11-{:02}", 10 + round));
            let api = scene.till.api.clone();
            running.spawn(async move { (wallet, api.post_keyed("/v1/debits", &key(), body).await) });
        }
        let answers = running.join_all().await;
        let paid: Vec<&str> = answers.iter().filter(|(_, a)| a.status == 201).map(|(wallet, _)| *wallet).collect();
        assert!(paid.len() == 3 && paid.iter().all(|wallet| *wallet == paid[0]), "round {round}: {paid:?}");
    }
}

#[actix_web::test]
async fn a_ticket_sets_aside_within_the_same_caps() {
    let scene = Scene::set().await;
    set_rules(&scene.world, json!({ "debit_max_cents": 2_000, "card_day_max_cents": 3_000 })).await;
    let path = scene.family.path(&format!("wallets/{}/tickets", scene.pupil.culture));
    let ticket = |cents: i64| {
        let (api, path) = (scene.family.api.clone(), path.clone());
        async move { api.post_keyed(&path, &key(), json!({ "amount_cents": cents })).await }
    };
    ticket(2_001).await.refused(409, "debit.above_cap");
    ticket(1_999).await.expect(201);
    // What is set aside counts with what is paid.
    scene.debit("sport", 1_000).await.expect(201);
    assert_eq!(ticket(2).await.status, 409);
    assert_eq!(last_reason(&scene), "above_card_cap");
    ticket(1).await.expect(201);
    scene.debit("sport", 1).await.refused(409, "debit.refused");
    assert_eq!(Books::read(&scene.world).prove(), Ok(()));
}

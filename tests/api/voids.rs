//! What was asked under a key undone, whether or not it arrived.

use crate::{
    ledger::Books,
    support::{Answer, Scene, Till, days, debit, key},
};
use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use serde_json::json;

async fn void(till: &Till, key: &str) -> Answer {
    till.post(&format!("/v1/debits/by-key/{key}/void"), json!({})).await
}

async fn by_key(till: &Till, key: &str) -> Answer {
    till.get(&format!("/v1/debits/by-key/{key}")).await
}

async fn debit_under(scene: &Scene, key: &str, cents: i64) -> Answer {
    scene.till.post_keyed("/v1/debits", key, debit(&scene.pupil.card_code, "culture", cents)).await
}

#[actix_web::test]
async fn a_key_voided_before_its_debit_arrives_moves_nothing_ever() {
    let mut scene = Scene::set().await;
    let one = key();
    let voided = void(&scene.till, &one).await.expect(200);
    assert_eq!(voided.json, json!({ "key": one, "found": "nothing", "operations": [] }));
    for _ in 0..2 {
        debit_under(&scene, &one, 500).await.refused(409, "debit.voided");
        debit_under(&scene, &one, 600).await.refused(409, "debit.voided");
        let held = scene.till.post_keyed("/v1/holds", &one, debit(&scene.pupil.card_code, "culture", 500)).await;
        held.refused(409, "debit.voided");
        assert_eq!(void(&scene.till, &one).await.expect(200).text("/found"), "voided");
        scene.wait(days(200)).await;
    }
    assert_eq!(scene.sums("culture").await.0, 6_000);
    // A ticket stays what it was.
    let mut scene = Scene::set().await;
    let ticket =
        scene.ticket(json!({ "amount_cents": 500, "activity_label": "Spectacle", "activity_date": "2026-10-20" }));
    let body = json!({ "ticket": ticket.await.expect(201).text("/code"), "amount_cents": 500 });
    void(&scene.till, &one).await.expect(200);
    scene.till.post_keyed("/v1/ticket-captures", &one, body.clone()).await.refused(409, "debit.voided");
    assert_eq!(scene.sums("culture").await, (6_000, 500, 5_500));
    scene.wait(days(1)).await;
    scene.till.post_keyed("/v1/ticket-captures", &key(), body).await.expect(201);
}

#[actix_web::test]
async fn a_voided_debit_is_given_back_as_far_as_it_was_not_before() {
    let mut scene = Scene::set().await;
    let (one, two) = (key(), key());
    let first = debit_under(&scene, &one, 1_000).await.expect(201);
    scene.refund(&first.text("/id"), 300).await.expect(201);
    assert_eq!(void(&scene.till, &one).await.expect(200).text("/found"), "debit");
    assert_eq!(scene.sums("culture").await, (6_000, 0, 6_000));
    assert_eq!(scene.last_lines(3).await, [("refund".into(), 700), ("refund".into(), 300), ("debit".into(), -1_000)]);
    for _ in 0..2 {
        assert_eq!(void(&scene.till, &one).await.expect(200).text("/found"), "voided");
    }
    // A replay is told that it was voided, as it would be had the void come first; a look shows what came back.
    let again = debit_under(&scene, &one, 1_000).await.refused(409, "debit.voided");
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let found = by_key(&scene.till, &one).await.expect(200);
    assert_eq!((found.text("/state"), found.number("/operations/0/refunded_cents")), ("voided".to_owned(), 1_000));
    scene.refund(&first.text("/id"), 1).await.refused(409, "refund.exceeds_debit");

    // A refusal moved nothing and never will; a refund is not undone.
    debit_under(&scene, &two, 6_001).await.refused(409, "debit.refused");
    assert_eq!(void(&scene.till, &two).await.expect(200).text("/found"), "nothing");
    debit_under(&scene, &two, 6_001).await.refused(409, "debit.refused");
    let debit = debit_under(&scene, &key(), 500).await.expect(201).text("/id");
    let three = key();
    let path = format!("/v1/departments/92/debits/{debit}/refunds");
    scene.till.post_keyed(&path, &three, json!({ "amount_cents": 100 })).await.expect(201);
    void(&scene.till, &three).await.refused(409, "void.of_refund");
    // What no merchant gives back alone, it does not void alone.
    scene.set_rules("null", "null", 999);
    let four = key();
    debit_under(&scene, &four, 1_000).await.expect(201);
    scene.wait(TimeDelta::minutes(61)).await;
    void(&scene.till, &four).await.refused(409, "refund.needs_agent");
    assert_eq!(scene.sums("culture").await, (4_600, 0, 4_600));
    let journal =
        scene.administrator().await.get(&format!("/v1/departments/92/journal?object_id={one}")).await.expect(200);
    assert_eq!((journal.items().len(), journal.text("/items/0/action")), (1, "key_voided".to_owned()));
    assert_eq!(Books::read(&scene.world).prove(), Ok(()));
}

#[actix_web::test]
async fn a_voided_hold_is_let_go_unless_it_is_too_late() {
    let mut scene = Scene::set().await;
    let (one, two, three) = (key(), key(), key());
    let card = scene.pupil.card_code.clone();
    let hold = async |scene: &Scene, key: &str| {
        scene.till.post_keyed("/v1/holds", key, debit(&card, "culture", 500)).await.expect(201).text("/id")
    };
    hold(&scene, &one).await;
    assert_eq!(void(&scene.till, &one).await.expect(200).text("/found"), "hold");
    assert_eq!(void(&scene.till, &one).await.expect(200).text("/found"), "voided");
    assert_eq!(scene.sums("culture").await, (6_000, 0, 6_000));
    let captured = hold(&scene, &two).await;
    let path = format!("/v1/departments/92/holds/{captured}/capture");
    let four = key();
    scene.till.post_keyed(&path, &four, json!({ "amount_cents": 400 })).await.expect(201);
    void(&scene.till, &two).await.refused(409, "hold.captured");
    // The capture has its own key.
    assert_eq!(void(&scene.till, &four).await.expect(200).text("/found"), "debit");
    assert_eq!(scene.sums("culture").await, (6_000, 0, 6_000));
    hold(&scene, &three).await;
    scene.wait(days(8)).await;
    scene.world.repeat(passplus::ledger::holds::expire).await;
    void(&scene.till, &three).await.refused(409, "hold.expired");
}

#[actix_web::test]
async fn a_key_is_its_own_tills() {
    let scene = Scene::set().await;
    let sister = scene.world.till_of(&scene.till.merchant).await;
    let one = key();
    debit_under(&scene, &one, 500).await.expect(201);
    assert_eq!(void(&sister, &one).await.expect(200).text("/found"), "nothing");
    assert_eq!(scene.sums("culture").await, (5_500, 0, 5_500));
    let path = format!("/v1/debits/by-key/{one}/void");
    scene.family.post(&path, json!({})).await.refused(403, "auth.forbidden");
    scene.world.administrator.post(&path, json!({})).await.refused(403, "auth.forbidden");
    scene.world.api.post(&path, json!({})).await.refused(401, "auth.required");
    let bare = one.replace('-', "");
    for wrong in ["x", &bare, &format!("{{{one}}}"), "00000000-0000-0000-0000-000000000000"] {
        scene.till.post(&path.replace(&one, wrong), json!({})).await.refused(422, "idempotency.malformed");
        by_key(&scene.till, wrong).await.refused(422, "idempotency.malformed");
        scene.till.get(&format!("/v1/holds/by-key/{wrong}")).await.refused(422, "idempotency.malformed");
    }
    assert_eq!(void(&scene.till, &one).await.expect(200).text("/found"), "debit");
}

#[actix_web::test]
async fn what_is_voided_after_the_season_is_lost_with_it() {
    let mut scene = Scene::set().await;
    let one = key();
    debit_under(&scene, &one, 500).await.expect(201);
    scene.wait_until("2027-06-30T22:00:01Z").await;
    scene.end_season();
    void(&scene.till, &one).await.expect(200);
    assert_eq!(scene.last_lines(2).await, [("expiry".into(), -500), ("refund".into(), 500)]);
    assert_eq!(scene.sums("culture").await, (0, 0, 0));
    assert_eq!(Books::read(&scene.world).prove(), Ok(()));
}

#[actix_web::test]
async fn a_debit_and_its_void_at_once_end_with_the_money_where_it_was() {
    let scene = Scene::set().await;
    let second = scene.world.other_process().with_token(&scene.till.api.token.clone().unwrap());
    let mut refused = 0;
    for _ in 0..8 {
        let one = key();
        let path = format!("/v1/debits/by-key/{one}/void");
        let (debited, voided) = tokio::join!(debit_under(&scene, &one, 500), second.post(&path, json!({})));
        let found = voided.expect(200).text("/found");
        match (debited.status, &*found) {
            (201, "debit") => {}
            (409, "nothing") => refused += i32::from(debited.refused(409, "debit.voided").status == 409),
            other => panic!("{other:?}"),
        }
        assert_eq!(scene.sums("culture").await, (6_000, 0, 6_000));
        let after = debit_under(&scene, &one, 500).await;
        assert_eq!(after.headers["idempotency-replayed"], "true");
    }
    assert!(refused <= 8);
    assert_eq!(Books::read(&scene.world).prove(), Ok(()));
}

#[actix_web::test]
async fn a_sale_just_made_is_undone_whatever_it_cost() {
    let mut scene = Scene::set().await;
    scene.set_rules("null", "null", 999);
    let (one, two) = (key(), key());
    debit_under(&scene, &one, 5_000).await.expect(201);
    scene.wait(TimeDelta::minutes(59)).await;
    let voided = void(&scene.till, &one).await.expect(200);
    assert_eq!((voided.text("/found"), voided.number("/operations/0/refunded_cents")), ("debit".to_owned(), 5_000));
    debit_under(&scene, &two, 5_000).await.expect(201);
    scene.wait(TimeDelta::minutes(60)).await;
    void(&scene.till, &two).await.refused(409, "refund.needs_agent");
    assert_eq!(scene.sums("culture").await, (1_000, 0, 1_000));
    assert_eq!(Books::read(&scene.world).prove(), Ok(()));
}

#[actix_web::test]
async fn a_key_is_voided_and_found_without_knowing_its_department() {
    let scene = Scene::set().await;
    let (one, two, three) = (key(), key(), key());
    by_key(&scene.till, &one).await.refused(404, "not_found");
    let made = debit_under(&scene, &one, 500).await.expect(201);
    let known = by_key(&scene.till, &one).await.expect(200);
    assert_eq!((known.text("/key"), known.text("/state")), (one.clone(), "moved".to_owned()));
    assert_eq!(known.text("/operations/0/id"), made.text("/id"));
    // Both departments have closed it: it stands in neither.
    let voided = void(&scene.till, &two).await.expect(200);
    assert_eq!(voided.text("/found"), "nothing");
    for department in ["92", "78"] {
        let sql =
            format!("select count(*) = 1 as closed from ledger_refusals where key = '{two}' and reason = 'voided'");
        let closed = crate::coverage::rows(&mut scene.world.superuser(department), &sql);
        assert_eq!(closed[0]["closed"], json!(true), "{department}");
    }
    let known = by_key(&scene.till, &two).await.expect(200);
    assert_eq!((known.text("/state"), known.at("/operations")), ("cancelled".to_owned(), &json!([])));
    debit_under(&scene, &three, 6_001).await.refused(409, "debit.refused");
    assert_eq!(by_key(&scene.till, &three).await.expect(200).text("/state"), "refused");
    // A department that does not answer leaves the question open; the others have done their part.
    let mut silent = scene.world.superuser("78");
    silent.batch_execute("begin; lock table ledger_refusals in access exclusive mode").unwrap();
    void(&scene.till, &one).await.refused(503, "service.busy");
    by_key(&scene.till, &one).await.refused(503, "service.busy");
    assert_eq!(scene.sums("culture").await, (6_000, 0, 6_000));
    silent.batch_execute("rollback").unwrap();
    assert_eq!(void(&scene.till, &one).await.expect(200).text("/found"), "voided");
    let known = by_key(&scene.till, &one).await.expect(200);
    assert_eq!((known.text("/state"), known.number("/operations/0/refunded_cents")), ("voided".to_owned(), 500));
    let refund = scene.till.get("/v1/departments/92/debits?limit=1").await.expect(200);
    assert_eq!((refund.text("/items/0/kind"), refund.number("/items/0/merchant_cents")), ("refund".to_owned(), -500));
    assert!(refund.json["items"][0]["key"].is_null(), "it came of the void of another key");
}

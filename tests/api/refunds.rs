//! Money given back: to the wallet it came from, never more than was taken.

use crate::support::{Answer, Scene, Till, days, field_at_fault, key, without_instance};
use serde_json::{Value, json};

fn refunds(debit: &str) -> String {
    format!("/v1/departments/92/debits/{debit}/refunds")
}

async fn refund(till: &Till, debit: &str, key: &str, cents: impl Into<Value>) -> Answer {
    till.post_keyed(&refunds(debit), key, json!({ "amount_cents": cents.into() })).await
}

async fn culture(scene: &Scene) -> i64 {
    scene.family.balance(&scene.pupil.child, "culture").await
}

#[actix_web::test]
async fn a_debit_is_given_back_in_part_then_in_whole_and_never_beyond() {
    let scene = Scene::set().await;
    let debit = scene.debit("culture", 1_000).await.expect(201);
    let id = debit.text("/id");
    let part = scene.refund(&id, 300).await.expect(201);
    let expected = json!({
        "id": part.text("/id"), "department": "92", "kind": "refund", "at": part.text("/at"), "amount_cents": 300,
        "merchant_cents": -300, "key": part.text("/key"),
        "wallet_kind": "culture", "activity_label": "Spectacle", "activity_date": "2026-10-20",
        "holder": { "first_name": "Lou", "initial": "M" }, "device_id": scene.till.device, "reverses": id,
    });
    assert_eq!(part.json, expected);
    assert_eq!(culture(&scene).await, 5_300);
    let shown = scene.till.get(&format!("/v1/departments/92/debits/{id}")).await.expect(200);
    assert_eq!(shown.number("/refunded_cents"), 300);

    scene.refund(&id, 701).await.refused(409, "refund.exceeds_debit");
    scene.refund(&id, 1_000).await.refused(409, "refund.exceeds_debit");
    assert_eq!(culture(&scene).await, 5_300);
    scene.refund(&id, 700).await.expect(201);
    scene.refund(&id, 1).await.refused(409, "refund.exceeds_debit");
    assert_eq!(culture(&scene).await, 6_000);

    let second = scene.debit("culture", 500).await.expect(201).text("/id");
    scene.refund(&second, 501).await.refused(409, "refund.exceeds_debit");
    scene.refund(&second, 500).await.expect(201);
    assert_eq!(culture(&scene).await, 6_000);
    // The family reads it with the sign of what comes back, and journalled under its own id.
    let path = scene.family.path(&format!("wallets/{}/statement?limit=1", scene.pupil.culture));
    let line = scene.family.get(&path).await.expect(200).json["items"][0].clone();
    assert_eq!(
        (&line["kind"], &line["amount_cents"], &line["reverses"]),
        (&json!("refund"), &json!(500), &json!(second))
    );
    let journal = format!("/v1/departments/92/journal?object_id={}", part.text("/id"));
    let journal = scene.world.administrator.get(&journal).await.expect(200);
    assert_eq!(journal.text("/items/0/action"), "refunded");
    assert_eq!(journal.text("/items/0/details/debit_id"), id);
}

#[actix_web::test]
async fn only_a_debit_of_the_own_merchant_is_given_back() {
    let scene = Scene::set().await;
    let stranger = scene.world.till(&["culture"]).await;
    let sister = scene.world.till_of(&scene.till.merchant).await;
    let id = scene.debit("culture", 1_000).await.expect(201).text("/id");
    let back = refund(&scene.till, &id, &key(), 100).await.expect(201).text("/id");
    let grant = {
        let path = scene.family.path(&format!("wallets/{}/statement", scene.pupil.culture));
        scene.family.get(&path).await.expect(200).text("/items/2/id")
    };
    let refusal = without_instance(&refund(&stranger, &id, &key(), 100).await.refused(404, "not_found"));
    for absent in [&key(), &back, &grant, &scene.pupil.culture] {
        let answer = refund(&scene.till, absent, &key(), 1).await.refused(404, "not_found");
        assert_eq!(without_instance(&answer), refusal);
    }
    for path in [refunds("x"), refunds(&id).replace("/92/", "/78/"), refunds(&id).replace("/92/", "/93/")] {
        scene.till.post_keyed(&path, &key(), json!({ "amount_cents": 1 })).await.refused(404, "not_found");
    }
    let body = json!({ "amount_cents": 1 });
    scene.family.post_keyed(&refunds(&id), &key(), body.clone()).await.refused(403, "auth.forbidden");
    scene.world.administrator.post_keyed(&refunds(&id), &key(), body.clone()).await.refused(403, "auth.forbidden");
    scene.world.api.post_keyed(&refunds(&id), &key(), body).await.refused(401, "auth.required");
    assert_eq!(culture(&scene).await, 5_100);
    // Another till of the same merchant may.
    refund(&sister, &id, &key(), 900).await.expect(201);
    assert_eq!(culture(&scene).await, 6_000);
}

#[actix_web::test]
async fn a_refund_names_the_field_at_fault_and_keeps_nothing_of_it() {
    let scene = Scene::set().await;
    let id = scene.debit("culture", 1_000).await.expect(201).text("/id");
    let one = key();
    for wrong in [json!(0), json!(-100), json!(100_001), json!(1.5), json!("100"), json!(null)] {
        field_at_fault(refund(&scene.till, &id, &one, wrong).await, "/amount_cents");
    }
    field_at_fault(scene.till.post_keyed(&refunds(&id), &one, json!({})).await, "/amount_cents");
    let more = json!({ "amount_cents": 1, "wallet_kind": "sport" });
    field_at_fault(scene.till.post_keyed(&refunds(&id), &one, more).await, "/wallet_kind");
    scene.till.post(&refunds(&id), json!({ "amount_cents": 1 })).await.refused(422, "idempotency.missing");
    refund(&scene.till, &id, "x", 1).await.refused(422, "idempotency.malformed");
    assert_eq!(culture(&scene).await, 5_000);
    refund(&scene.till, &id, &one, 1_000).await.expect(201);
    assert_eq!(culture(&scene).await, 6_000);
}

#[actix_web::test]
async fn a_refund_sent_again_gives_back_once() {
    let mut scene = Scene::set().await;
    let id = scene.debit("culture", 1_000).await.expect(201).text("/id");
    let other = scene.debit("culture", 1_000).await.expect(201).text("/id");
    let (one, two) = (key(), key());
    let first = refund(&scene.till, &id, &one, 400).await.expect(201);
    let too_much = refund(&scene.till, &id, &two, 601).await.refused(409, "refund.exceeds_debit");
    for _ in 0..3 {
        let again = refund(&scene.till, &id, &one, 400).await.expect(201);
        assert_eq!((&again.json, &again.headers["idempotency-replayed"]), (&first.json, &"true".parse().unwrap()));
        let again = refund(&scene.till, &id, &two, 601).await.refused(409, "refund.exceeds_debit");
        assert_eq!(again.headers["idempotency-replayed"], "true");
        assert_eq!(without_instance(&again), without_instance(&too_much));
        scene.wait(days(100)).await;
    }
    refund(&scene.till, &id, &one, 399).await.refused(422, "idempotency.reused");
    refund(&scene.till, &other, &one, 400).await.refused(422, "idempotency.reused");
    assert_eq!(culture(&scene).await, 4_400);
    // Not found is no answer to keep: the key is as new.
    let three = key();
    refund(&scene.till, &key(), &three, 100).await.refused(404, "not_found");
    refund(&scene.till, &id, &three, 600).await.expect(201);
}

#[actix_web::test]
async fn money_comes_back_whatever_became_of_the_card_the_convention_or_the_season() {
    let mut scene = Scene::set().await;
    let id = scene.debit("culture", 1_000).await.expect(201).text("/id");
    scene.block_card().await;
    scene.refund(&id, 100).await.expect(201);
    let enrolment = scene.family.path(&format!("enrolments/{}", scene.pupil.enrolment));
    let version = scene.family.get(&enrolment).await.expect(200).number("/enrolment/version");
    let body = json!({ "version": version, "event": "suspend", "note": "À vérifier" });
    scene.world.administrator.post(&format!("{enrolment}/suspension"), body).await.expect(200);
    scene.refund(&id, 100).await.expect(201);
    for event in ["suspend", "close"] {
        scene.move_convention("culture", event).await.expect(200);
        scene.refund(&id, 100).await.expect(201);
    }
    scene.wait_until("2028-01-10T08:00:00Z").await;
    scene.refund(&id, 600).await.expect(201);
    scene.refund(&id, 1).await.refused(409, "refund.exceeds_debit");
    assert_eq!(culture(&scene).await, 6_000);
}

#[actix_web::test]
async fn sixteen_refunds_at_once_give_back_what_was_debited() {
    let scene = Scene::set().await;
    let second = scene.world.other_process();
    let id = scene.debit("culture", 1_200).await.expect(201).text("/id");
    let mut race = tokio::task::JoinSet::new();
    for rank in 0..16 {
        let token = scene.till.api.token.clone().unwrap();
        let api = if rank % 2 == 0 { scene.till.api.clone() } else { second.with_token(&token) };
        let path = refunds(&id);
        race.spawn(async move { api.post_keyed(&path, &key(), json!({ "amount_cents": 150 })).await.status });
    }
    let mut statuses = race.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [[201; 8], [409; 8]].concat());
    assert_eq!(culture(&scene).await, 6_000);
}

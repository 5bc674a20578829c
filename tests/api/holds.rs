//! Money held by a till, or sent by a family to a merchant that accepts or declines.

use crate::{
    ledger::Books,
    support::{Answer, Scene, Till, ago, days, debit, field_at_fault, key, without_instance},
};
use chrono::TimeDelta;
use passplus::cards::code::CardCode;
use serde_json::{Value, json};

const HOLDS: &str = "/v1/departments/92/holds";

async fn hold(scene: &Scene, cents: i64) -> Answer {
    scene.till.post_keyed("/v1/holds", &key(), debit(&scene.pupil.card_code, "culture", cents)).await
}

async fn capture(till: &Till, hold: &str, cents: impl Into<Value>) -> Answer {
    till.post_keyed(&format!("{HOLDS}/{hold}/capture"), &key(), json!({ "amount_cents": cents.into() })).await
}

async fn void(till: &Till, hold: &str) -> Answer {
    till.post(&format!("{HOLDS}/{hold}/void"), json!({})).await
}

async fn transfer(scene: &Scene, cents: i64) -> Answer {
    let path = scene.family.path(&format!("wallets/{}/transfers", scene.pupil.culture));
    let body = json!({
        "merchant_id": scene.till.merchant, "amount_cents": cents, "activity_label": "Spectacle",
        "activity_date": "2026-10-20",
    });
    scene.family.post_keyed(&path, &key(), body).await
}

#[actix_web::test]
async fn a_hold_leaves_what_is_available_and_is_captured_once() {
    let scene = Scene::set().await;
    let sister = scene.world.till_of(&scene.till.merchant).await;
    let stranger = scene.world.till(&["culture"]).await;
    let one = key();
    let body = debit(&scene.pupil.card_code, "culture", 4_000);
    let made = scene.till.post_keyed("/v1/holds", &one, body.clone()).await.expect(201);
    let id = made.text("/id");
    let expected = json!({
        "id": id, "department": "92", "kind": "till", "state": "authorised", "amount_cents": 4_000, "wallet_kind": "culture",
        "activity_label": "Spectacle", "activity_date": "2026-10-20", "holder": { "first_name": "Lou", "initial": "M" },
        "device_id": scene.till.device, "made_at": made.text("/made_at"), "expires_at": made.text("/expires_at"),
    });
    assert_eq!(made.json, expected);
    assert_eq!(ago(made.at("/made_at"), made.at("/expires_at")), 10_080 * 60);
    assert_eq!(scene.sums("culture").await, (6_000, 4_000, 2_000));
    scene.debit("culture", 2_001).await.refused(409, "debit.refused");
    hold(&scene, 2_001).await.refused(409, "debit.refused");
    for till in [&scene.till, &sister] {
        assert_eq!(till.get(&format!("{HOLDS}/{id}")).await.expect(200).json, expected);
    }
    assert_eq!(scene.till.get(&format!("/v1/holds/by-key/{one}")).await.expect(200).json, expected);
    sister.get(&format!("/v1/holds/by-key/{one}")).await.refused(404, "not_found");
    scene.till.get(&format!("/v1/debits/by-key/{one}")).await.refused(404, "not_found");
    stranger.get(&format!("{HOLDS}/{id}")).await.refused(404, "not_found");
    capture(&stranger, &id, 1).await.refused(404, "not_found");
    void(&stranger, &id).await.refused(404, "not_found");

    capture(&scene.till, &id, 4_001).await.refused(409, "hold.exceeded");
    for wrong in [json!(0), json!(-1), json!(100_001), json!("1"), json!(null)] {
        field_at_fault(capture(&scene.till, &id, wrong).await, "/amount_cents");
    }
    assert_eq!(scene.sums("culture").await, (6_000, 4_000, 2_000));
    // Another till of the merchant may; the rest comes back.
    let captured = capture(&sister, &id, 2_500).await.expect(201);
    assert_eq!((captured.text("/kind"), captured.number("/amount_cents")), ("debit".to_owned(), 2_500));
    assert_eq!(scene.sums("culture").await, (3_500, 0, 3_500));
    capture(&scene.till, &id, 1).await.refused(409, "hold.captured");
    void(&scene.till, &id).await.refused(409, "hold.captured");
    let seen = scene.till.get(&format!("{HOLDS}/{id}")).await.expect(200);
    assert_eq!((seen.text("/state"), seen.number("/captured_cents")), ("captured".to_owned(), 2_500));
    // As any debit it is given back, and the hold's own key still tells what was held.
    scene.refund(&captured.text("/id"), 2_500).await.expect(201);
    assert_eq!(scene.sums("culture").await, (6_000, 0, 6_000));
    let again = scene.till.post_keyed("/v1/holds", &one, body.clone()).await.expect(201);
    assert_eq!((&again.json, &again.headers["idempotency-replayed"]), (&expected, &"true".parse().unwrap()));
    scene.till.post_keyed("/v1/debits", &one, body).await.refused(422, "idempotency.reused");
    assert_eq!(Books::read(&scene.world).prove(), Ok(()));
}

#[actix_web::test]
async fn a_hold_is_refused_as_a_debit_is() {
    let mut scene = Scene::set().await;
    let unknown = CardCode::generate("92".parse().unwrap()).to_string();
    let post = async |scene: &Scene, body: Value| scene.till.post_keyed("/v1/holds", &key(), body).await;
    let refusal = without_instance(&hold(&scene, 6_001).await.refused(409, "debit.refused"));
    for card in [&*unknown, "x"] {
        let answer = post(&scene, debit(card, "culture", 1)).await.refused(409, "debit.refused");
        assert_eq!(without_instance(&answer), refusal);
    }
    for (field, wrong) in
        [("activity_date", json!("2027-10-16")), ("activity_date", json!("1999-12-31")), ("amount_cents", json!(0))]
    {
        let mut body = debit(&scene.pupil.card_code, "culture", 100);
        body[field] = wrong;
        field_at_fault(post(&scene, body).await, &format!("/{field}"));
    }
    let body = debit(&scene.pupil.card_code, "culture", 100);
    scene.till.post("/v1/holds", body.clone()).await.refused(422, "idempotency.missing");
    scene.family.post_keyed("/v1/holds", &key(), body.clone()).await.refused(403, "auth.forbidden");
    scene.world.api.post_keyed("/v1/holds", &key(), body).await.refused(401, "auth.required");
    scene.move_convention("culture", "suspend").await.expect(200);
    hold(&scene, 100).await.refused(409, "merchant.not_affiliated");
    scene.block_card().await;
    scene.move_convention("culture", "resume").await.expect(200);
    hold(&scene, 100).await.refused(409, "debit.refused");
    assert_eq!(scene.sums("culture").await, (6_000, 0, 6_000));
}

#[actix_web::test]
async fn a_hold_that_is_let_go_or_whose_time_is_over_gives_back_everything() {
    let mut scene = Scene::set().await;
    let gone = hold(&scene, 1_000).await.expect(201).text("/id");
    for _ in 0..2 {
        let voided = void(&scene.till, &gone).await.expect(200);
        assert_eq!((voided.text("/state"), voided.json["closed_at"].is_string()), ("voided".to_owned(), true));
    }
    capture(&scene.till, &gone, 1).await.refused(409, "hold.voided");
    let forgotten = hold(&scene, 1_000).await.expect(201);
    assert_eq!(scene.sums("culture").await, (6_000, 1_000, 5_000));
    scene.wait(TimeDelta::days(7) - TimeDelta::seconds(60)).await;
    assert_eq!(scene.world.repeat(passplus::ledger::holds::expire).await, 0);
    scene.wait(TimeDelta::seconds(61)).await;
    // Not later, whether or not the worker came by.
    let id = forgotten.text("/id");
    capture(&scene.till, &id, 1).await.refused(409, "hold.expired");
    assert_eq!(scene.world.repeat(passplus::ledger::holds::expire).await, 1);
    assert_eq!(scene.sums("culture").await, (6_000, 0, 6_000));
    void(&scene.till, &id).await.refused(409, "hold.expired");

    // The lists: newest first, by state, by pages.
    let standing = hold(&scene, 100).await.expect(201).text("/id");
    let ids = async |query: &str| -> Vec<String> {
        let page = scene.till.get(&format!("{HOLDS}?{query}")).await.expect(200);
        page.items().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("").await, [standing.clone(), id.clone(), gone.clone()]);
    assert_eq!(ids("state=authorised").await, [standing]);
    assert_eq!(ids("state=voided").await, std::slice::from_ref(&gone));
    assert_eq!(ids("state=expired").await, [id]);
    let page = scene.till.get(&format!("{HOLDS}?limit=2")).await.expect(200);
    assert_eq!(ids(&format!("limit=2&cursor={}", page.text("/next_cursor"))).await, [gone]);
    for query in ["state=x", "limit=0", "cursor=é"] {
        scene.till.get(&format!("{HOLDS}?{query}")).await.refused(400, "request.query");
    }
    scene.family.get(HOLDS).await.refused(403, "auth.forbidden");
    assert_eq!(scene.till.get(&HOLDS.replace("92", "78")).await.expect(200).json, json!({ "items": [] }));
}

#[actix_web::test]
async fn a_family_sends_money_that_the_merchant_accepts_or_declines() {
    let scene = Scene::set().await;
    let sent = transfer(&scene, 1_000).await.expect(201);
    let id = sent.text("/id");
    assert_eq!((sent.text("/kind"), sent.json["code"].is_null()), ("remote".to_owned(), true));
    assert_eq!(sent.text("/merchant_id"), scene.till.merchant);
    scene.family.get(&scene.family.path(&format!("tickets/{id}/ticket.pdf"))).await.refused(404, "not_found");
    let waiting = scene.till.get(&format!("{HOLDS}?state=authorised")).await.expect(200);
    assert_eq!((waiting.text("/items/0/id"), waiting.text("/items/0/kind")), (id.clone(), "remote".to_owned()));
    assert!(waiting.json["items"][0]["device_id"].is_null(), "who sent it is not the merchant's to know");
    for secret in [&scene.pupil.culture, &scene.pupil.child, "Martin", &scene.family.id] {
        assert!(!waiting.json.to_string().contains(secret), "{secret}");
    }
    assert_eq!(scene.sums("culture").await, (6_000, 1_000, 5_000));
    // To accept is to take the whole.
    capture(&scene.till, &id, 999).await.refused(409, "hold.whole_only");
    capture(&scene.till, &id, 1_000).await.expect(201);
    assert_eq!(scene.sums("culture").await, (5_000, 0, 5_000));

    let declined = transfer(&scene, 5_000).await.expect(201).text("/id");
    void(&scene.till, &declined).await.expect(200);
    assert_eq!(scene.sums("culture").await, (5_000, 0, 5_000));
    let seen = scene.family.get(&scene.family.path(&format!("tickets/{declined}"))).await.expect(200);
    assert_eq!((seen.text("/state"), seen.text("/merchant_id")), ("voided".to_owned(), scene.till.merchant.clone()));

    let withdrawn = transfer(&scene, 700).await.expect(201).text("/id");
    let cancel = scene.family.path(&format!("tickets/{withdrawn}/cancel"));
    scene.family.post(&cancel, json!({})).await.expect(200);
    capture(&scene.till, &withdrawn, 700).await.refused(409, "hold.voided");
    transfer(&scene, 5_001).await.refused(409, "wallet.insufficient_funds");
    let path = scene.family.path(&format!("wallets/{}/transfers", scene.pupil.culture));
    field_at_fault(scene.family.post_keyed(&path, &key(), json!({ "amount_cents": 1 })).await, "/merchant_id");
    assert_eq!(Books::read(&scene.world).prove(), Ok(()));
}

#[actix_web::test]
async fn a_capture_and_a_void_at_once_leave_one_of_them_done() {
    let mut scene = Scene::set().await;
    scene.wait(days(1)).await;
    let (mut captured, mut voided) = (0, 0);
    for _ in 0..6 {
        let id = hold(&scene, 500).await.expect(201).text("/id");
        let (take, leave) = tokio::join!(capture(&scene.till, &id, 500), void(&scene.till, &id));
        match (take.status, leave.status) {
            (201, 409) => captured += 1,
            (409, 200) => voided += 1,
            other => panic!("{other:?}: {} {}", take.json, leave.json),
        }
    }
    assert_eq!(captured + voided, 6);
    assert_eq!(scene.sums("culture").await, (6_000 - 500 * captured, 0, 6_000 - 500 * captured));
    assert_eq!(Books::read(&scene.world).prove(), Ok(()));
}

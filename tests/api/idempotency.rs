//! A key names a movement for ever: sent again it moves nothing more and gets the same answer.

use crate::support::{Answer, Scene, Till, days, debit, key, without_instance};
use reqwest::Method;
use serde_json::{Value, json};

async fn send(till: &Till, key: &str, body: &Value) -> Answer {
    till.post_keyed("/v1/debits", key, body.clone()).await
}

/// Asserts that `again` is `first` said again, and marked so.
#[track_caller]
fn replays(again: &Answer, first: &Answer) {
    assert_eq!(again.status, first.status, "{}", again.json);
    assert_eq!(
        again.headers.get("idempotency-replayed").map(reqwest::header::HeaderValue::as_bytes),
        Some(&b"true"[..])
    );
    assert_eq!(first.headers.get("idempotency-replayed"), None);
    if first.status < 400 {
        assert_eq!(again.json, first.json);
    } else {
        assert_eq!(without_instance(again), without_instance(first));
    }
}

#[actix_web::test]
async fn the_same_request_under_the_same_key_gets_the_same_answer_for_ever() {
    let mut scene = Scene::set().await;
    let (one, two, three) = (key(), key(), key());
    let body = debit(&scene.pupil.card_code, "culture", 1_000);
    let first = send(&scene.till, &one, &body).await.expect(201);
    let too_much = debit(&scene.pupil.card_code, "culture", 5_001);
    let refused = send(&scene.till, &two, &too_much).await.refused(409, "debit.refused");
    let off = scene.world.till(&["sport"]).await;
    let not_affiliated = send(&off, &three, &body).await.refused(409, "merchant.not_affiliated");
    replays(&send(&scene.till, &one, &body).await, &first);
    replays(&send(&scene.till, &two, &too_much).await, &refused);
    replays(&send(&off, &three, &body).await, &not_affiliated);

    // Otherwise written it is the same request: fields turned round, the key in capitals, the card read instead of typed.
    let text = format!(
        "{{ \"activity_date\" : \"2026-10-20\", \"activity_label\":\"Spectacle\", \"amount_cents\":1000,\n\
         \"wallet_kind\":\"culture\", \"card\":\"{}\"}}",
        scene.pupil.card_signed
    );
    let request = scene.till.request(Method::POST, "/v1/debits").header("content-type", "application/json");
    let request = request.header("Idempotency-Key", one.to_uppercase()).body(text);
    replays(&scene.till.send(request).await, &first);

    // Money came back: what was refused stays refused under its key.
    scene.refund(&first.text("/id"), 1_000).await.expect(201);
    replays(&send(&scene.till, &two, &too_much).await, &refused);
    send(&scene.till, &key(), &too_much).await.expect(201);
    assert_eq!(scene.family.balance(&scene.pupil.child, "culture").await, 999);

    // After the card was blocked, the convention suspended, the season over.
    scene.block_card().await;
    replays(&send(&scene.till, &one, &body).await, &first);
    scene.move_convention("culture", "suspend").await.expect(200);
    replays(&send(&scene.till, &one, &body).await, &first);
    scene.wait_until("2027-07-15T08:00:00Z").await;
    let found = scene.till.get(&format!("/v1/debits/by-key/{one}")).await.expect(200);
    assert_eq!(found.json["operations"][0]["id"], first.json["id"]);
    replays(&send(&scene.till, &one, &body).await, &first);
    replays(&send(&scene.till, &two, &too_much).await, &refused);
    assert_eq!(scene.family.balance(&scene.pupil.child, "culture").await, 999);
}

/// A year later the date of the activity is out of reach for a new debit, not for one that was made.
#[actix_web::test]
async fn a_key_still_answers_years_later() {
    let mut scene = Scene::set().await;
    let one = key();
    let body = debit(&scene.pupil.card_code, "culture", 1_000);
    let first = send(&scene.till, &one, &body).await.expect(201);
    scene.wait(days(800)).await;
    replays(&send(&scene.till, &one, &body).await, &first);
}

#[actix_web::test]
async fn another_request_under_a_used_key_is_refused_and_moves_nothing() {
    let scene = Scene::set().await;
    let sibling = scene.sibling("Ana").await;
    let (one, two) = (key(), key());
    let body = debit(&scene.pupil.card_code, "culture", 1_000);
    let first = send(&scene.till, &one, &body).await.expect(201);
    send(&scene.till, &two, &debit(&scene.pupil.card_code, "culture", 9_000)).await.refused(409, "debit.refused");
    for (field, other) in [
        ("amount_cents", json!(999)),
        ("wallet_kind", json!("sport")),
        ("activity_label", json!("Concert")),
        ("activity_date", json!("2026-10-21")),
        ("card", json!(sibling.card_code)),
    ] {
        let mut body = body.clone();
        body[field] = other;
        for used in [&one, &two] {
            let answer = send(&scene.till, used, &body).await.refused(422, "idempotency.reused");
            assert_eq!(answer.headers.get("idempotency-replayed"), None, "this is no answer given before");
        }
    }
    // Nor does the key of a debit serve a refund, or the other way round.
    let refunds = format!("/v1/departments/92/debits/{}/refunds", first.text("/id"));
    let back = json!({ "amount_cents": 1_000 });
    scene.till.post_keyed(&refunds, &one, back.clone()).await.refused(422, "idempotency.reused");
    scene.till.post_keyed(&refunds, &two, back.clone()).await.refused(422, "idempotency.reused");
    let three = key();
    scene.till.post_keyed(&refunds, &three, json!({ "amount_cents": 100 })).await.expect(201);
    send(&scene.till, &three, &body).await.refused(422, "idempotency.reused");
    scene.till.post_keyed(&refunds, &three, back).await.refused(422, "idempotency.reused");
    assert_eq!(scene.family.balance(&scene.pupil.child, "culture").await, 5_100);
    assert_eq!(scene.family.balance(&sibling.child, "culture").await, 6_000);
}

#[actix_web::test]
async fn the_keys_of_two_tills_are_two() {
    let scene = Scene::set().await;
    let sister = scene.world.till_of(&scene.till.merchant).await;
    let one = key();
    let body = debit(&scene.pupil.card_code, "culture", 1_000);
    let first = send(&scene.till, &one, &body).await.expect(201);
    let second = send(&sister, &one, &body).await.expect(201);
    assert_ne!(first.json["id"], second.json["id"]);
    assert_eq!(second.headers.get("idempotency-replayed"), None);
    assert_eq!(scene.family.balance(&scene.pupil.child, "culture").await, 4_000);
    let by_key = format!("/v1/debits/by-key/{one}");
    assert_eq!(scene.till.get(&by_key).await.expect(200).json["operations"][0]["id"], first.json["id"]);
    assert_eq!(sister.get(&by_key).await.expect(200).json["operations"][0]["id"], second.json["id"]);
}

#[actix_web::test]
async fn eight_twins_at_once_are_one_debit() {
    let scene = Scene::set().await;
    let second = scene.world.other_process();
    for (cents, status) in [(700, 201), (6_001, 409)] {
        let one = key();
        let mut twins = tokio::task::JoinSet::new();
        for twin in 0..8 {
            let token = scene.till.api.token.clone().unwrap();
            let api = if twin % 2 == 0 { scene.till.api.clone() } else { second.with_token(&token) };
            let (one, body) = (one.clone(), debit(&scene.pupil.card_code, "culture", cents));
            twins.spawn(async move { api.post_keyed("/v1/debits", &one, body).await.expect(status) });
        }
        let answers = twins.join_all().await;
        let (again, first): (Vec<&Answer>, Vec<&Answer>) =
            answers.iter().partition(|answer| answer.headers.contains_key("idempotency-replayed"));
        assert_eq!((first.len(), again.len()), (1, 7));
        for twin in again {
            replays(twin, first[0]);
        }
    }
    assert_eq!(scene.family.balance(&scene.pupil.child, "culture").await, 5_300);
}

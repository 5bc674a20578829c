//! What a merchant reads of its days: the operations of some of them, and the totals to close a till with.

use crate::support::{Scene, days};
use serde_json::{Value, json};

const OWN: &str = "/v1/departments/92/debits";

fn day_of(answer: &Value) -> String {
    answer["at"].as_str().unwrap()[..10].to_owned()
}

#[actix_web::test]
async fn a_merchant_finds_the_operations_of_a_day_and_of_a_till() {
    let mut scene = Scene::set().await;
    let mut other = scene.world.till_of(&scene.till.merchant).await;
    let first = scene.debit("culture", 1_000).await.expect(201);
    scene.wait(days(2)).await;
    let second = scene.debit("sport", 300).await.expect(201);
    scene.world.renew(&mut other).await;
    let (early, late) = (day_of(&first.json), day_of(&second.json));
    let ids = async |query: String| -> Vec<String> {
        let found = other.get(&format!("{OWN}?{query}")).await.expect(200);
        found.items().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let (one, two) = (first.text("/id"), second.text("/id"));
    assert_eq!(ids(String::new()).await, [&*two, &*one]);
    assert_eq!(ids(format!("until={early}")).await, [&*one]);
    assert_eq!(ids(format!("from={late}")).await, [&*two]);
    assert_eq!(ids(format!("from={early}&until={late}&limit=1")).await, [&*two]);
    assert_eq!(ids(format!("device_id={}", scene.till.device)).await, [&*two, &*one]);
    assert!(ids(format!("device_id={}", other.device)).await.is_empty());
    for wrong in ["from=soon", "device_id=1", "till=1"] {
        other.get(&format!("{OWN}?{wrong}")).await.refused(400, "request.query");
    }
}

#[actix_web::test]
async fn a_till_is_closed_with_the_totals_of_its_day() {
    let mut scene = Scene::set().await;
    let debit = scene.debit("culture", 1_000).await.expect(201);
    scene.debit("culture", 250).await.expect(201);
    scene.debit("sport", 300).await.expect(201);
    scene.refund(&debit.text("/id"), 400).await.expect(201);
    let day = day_of(&debit.json);
    let path = |day: &str| format!("/v1/departments/92/day-totals/{day}");
    let device = &scene.till.device;
    let total = |wallet: &str, kind: &str, operations: i64, cents: i64| json!({ "device_id": device, "wallet_kind": wallet, "kind": kind, "operations": operations, "merchant_cents": cents });
    let expected = json!({ "day": day, "merchant_cents": 1_150, "totals": [
        total("culture", "debit", 2, 1_250), total("culture", "refund", 1, -400), total("sport", "debit", 1, 300),
    ] });
    assert_eq!(scene.till.get(&path(&day)).await.expect(200).json, expected);
    let stranger = scene.world.till(&["culture"]).await;
    assert_eq!(stranger.get(&path(&day)).await.expect(200).at("/totals"), &json!([]));
    scene.family.get(&path(&day)).await.refused(403, "auth.forbidden");
    scene.till.get(&path("tomorrow")).await.refused(404, "not_found");
    scene.wait(days(1)).await;
    scene.debit("culture", 100).await.expect(201);
    assert_eq!(scene.till.get(&path(&day)).await.expect(200).json, expected, "each day by itself");
}

//! What a family reads of payments refused to its cards, and a till never.

use crate::support::{Scene, debit, key};
use serde_json::json;

#[actix_web::test]
async fn a_family_reads_why_a_payment_was_refused_to_its_card() {
    let mut scene = Scene::set().await;
    let path = scene.family.path(&format!("children/{}/refused-payments", scene.pupil.child));
    assert_eq!(scene.family.get(&path).await.expect(200).json, json!({ "items": [] }));
    let one = key();
    for _ in 0..2 {
        // A replay is no second refusal.
        let body = debit(&scene.pupil.card_code, "culture", 6_001);
        scene.till.post_keyed("/v1/debits", &one, body).await.refused(409, "debit.refused");
    }
    scene.set_rules("5000", "2000", 20_000);
    scene.debit("culture", 5_001).await.refused(409, "debit.above_cap");
    scene.debit("culture", 2_001).await.refused(409, "debit.refused");
    scene.set_rules("null", "null", 20_000);
    let mut same = debit(&scene.pupil.card_code, "sport", 100);
    same["activity_label"] = json!("Spectacle");
    scene.till.post_keyed("/v1/debits", &key(), same).await.expect(201);
    scene.debit("culture", 100).await.refused(409, "debit.other_wallet");
    scene.move_convention("culture", "suspend").await.expect(200);
    scene.debit("culture", 100).await.refused(409, "merchant.not_affiliated");
    scene.block_card().await;
    scene
        .till
        .post_keyed("/v1/holds", &key(), debit(&scene.pupil.card_code, "sport", 70))
        .await
        .refused(409, "debit.refused");

    let listed = scene.family.get(&path).await.expect(200);
    let rows: Vec<(&str, i64)> = listed
        .items()
        .iter()
        .map(|row| (row["reason"].as_str().unwrap(), row["amount_cents"].as_i64().unwrap()))
        .collect();
    let expected = [
        ("card_blocked", 70),
        ("merchant_not_affiliated", 100),
        ("paid_with_other_wallet", 100),
        ("above_day_cap", 2_001),
        ("above_payment_cap", 5_001),
        ("insufficient_funds", 6_001),
    ];
    assert_eq!(rows, expected);
    assert_eq!(listed.text("/items/0/detail"), "La carte était bloquée.");
    assert!(listed.text("/items/0/merchant_name").starts_with("Théâtre") && listed.json["items"][0]["at"].is_string());
    // By pages.
    let mut seen = vec![];
    let mut next = path.clone() + "?limit=2";
    loop {
        let page = scene.family.get(&next).await.expect(200);
        seen.extend(page.items().iter().map(|row| row["amount_cents"].as_i64().unwrap()));
        let Some(cursor) = page.json["next_cursor"].as_str() else { break };
        next = format!("{path}?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, expected.map(|(_, cents)| cents));

    let (other, sibling) = (scene.world.family("92").await, scene.sibling("Ana").await);
    other.get(&path).await.refused(404, "not_found");
    let siblings = path.replace(&scene.pupil.child, &sibling.child);
    assert_eq!(scene.family.get(&siblings).await.expect(200).json, json!({ "items": [] }));
    scene.till.get(&path).await.refused(403, "auth.forbidden");
    scene.world.administrator.get(&path).await.refused(403, "auth.forbidden");
    scene.world.api.get(&path).await.refused(401, "auth.required");
}

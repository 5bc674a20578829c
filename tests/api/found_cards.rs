//! A found card: reported by anybody, who learns nothing; its family is told.

use crate::support::Scene;
use serde_json::json;

#[actix_web::test]
async fn who_finds_a_card_learns_nothing_and_its_family_is_told() {
    let scene = Scene::set().await;
    let anybody = &scene.world.api;
    let report = async |card: &str, place: &str| {
        anybody.post("/v1/found-cards", json!({ "card": card, "place": place })).await.expect(202).json
    };
    let told = report(&scene.pupil.card_code, "À l'accueil du gymnase https://voleur.example").await;
    for other in ["92-000G-40R4-0M30-E27Z-Z", "rien", "75-000G-40R4-0M30-E27Z-Z", &scene.pupil.card_code[..20]] {
        assert_eq!(report(other, "Ici").await, told, "{other}");
    }
    let letters = scene.world.letters_to(&scene.family.email).await;
    let found: Vec<&String> =
        letters.iter().filter(|(subject, _)| subject == "Carte trouvée").map(|(_, body)| body).collect();
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("À l'accueil du gymnase") && !found[0].contains("://"), "{}", found[0]);
    // The card still pays: the family decides.
    scene.debit("culture", 100).await.expect(201);

    let worker = scene.world.agent("92", "case_worker").await;
    let listed = worker.get("/v1/departments/92/agents-desk/found-cards").await.expect(200);
    assert_eq!((listed.items().len(), listed.text("/items/0/card_id")), (1, scene.pupil.card_id.clone()));
    assert_eq!(listed.text("/items/0/place"), "À l'accueil du gymnase https://voleur.example");

    // By its QR, and never more than three a day.
    for _ in 0..5 {
        anybody.post("/v1/found-cards", json!({ "card": scene.pupil.card_signed })).await.expect(202);
    }
    scene.world.work_off().await;
    let listed = worker.get("/v1/departments/92/agents-desk/found-cards?limit=2").await.expect(200);
    assert!(listed.json.get("next_cursor").is_some());
    let all = worker.get("/v1/departments/92/agents-desk/found-cards").await.expect(200);
    assert_eq!(all.items().len(), 3);
    // A dead card is nobody's news.
    let family = &scene.family;
    family.post(&family.path(&format!("cards/{}/replace", scene.pupil.card_id)), json!({})).await.expect(201);
    scene.world.advance(chrono::TimeDelta::days(2));
    assert_eq!(report(&scene.pupil.card_code, "Là").await, told);
    scene.world.work_off().await;
    let count = diesel::dsl::sql::<diesel::sql_types::BigInt>("(select count(*) from found_cards)");
    let count: i64 = diesel::RunQueryDsl::get_result(diesel::select(count), &mut scene.world.superuser("92")).unwrap();
    assert_eq!(count, 3);

    for wrong in
        [json!({}), json!({ "card": "" }), json!({ "card": "x", "name": "Lou" }), json!({ "card": "x", "place": "" })]
    {
        anybody.post("/v1/found-cards", wrong).await.refused(422, "request.invalid");
    }
    for _ in 0..20 {
        anybody.post("/v1/found-cards", json!({ "card": "x" })).await;
    }
    anybody.post("/v1/found-cards", json!({ "card": "x" })).await.refused(429, "auth.too_many_attempts");
}

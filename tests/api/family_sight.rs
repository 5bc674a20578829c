//! What a family reads of its money besides its pages: the caps, its statement on paper and in a table, a word when a merchant lets go.

use crate::{
    ledger_rules::set_rules,
    support::{Scene, key},
};
use serde_json::json;

const RULES: &str = "/v1/departments/92/spending-rules";

#[actix_web::test]
async fn a_family_reads_the_caps_and_the_delay_and_nothing_of_the_departments_own_thresholds() {
    let scene = Scene::set().await;
    set_rules(&scene.world, json!({ "debit_max_cents": 5_000, "card_day_max_cents": 8_000, "dispute_days": 30 })).await;
    let shown = scene.family.get(RULES).await.expect(200);
    assert_eq!(shown.json, json!({ "debit_max_cents": 5_000, "card_day_max_cents": 8_000, "dispute_days": 30 }));
    scene.till.get(RULES).await.refused(403, "auth.forbidden");
    scene.world.api.get(RULES).await.refused(401, "auth.required");
}

#[actix_web::test]
async fn a_statement_is_read_in_a_spreadsheet_and_on_paper() {
    let scene = Scene::set().await;
    scene.debit("culture", 1_250).await.expect(201);
    let path = scene.family.path(&format!("wallets/{}/statement", scene.pupil.culture));
    let csv = scene.family.get(&format!("{path}.csv")).await.expect(200);
    let csv = String::from_utf8(csv.bytes).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].ends_with("Date;Opération;Organisme;Activité;Date de l'activité;Montant en euros;Solde en euros"));
    assert!(lines[1].starts_with("15/10/2026;Paiement;Théâtre") && lines[1].ends_with(";-12,50;47,50"), "{csv}");
    assert!(lines[2].starts_with("15/10/2026;Crédit;;;;60,00;60,00") && lines.len() == 3, "{csv}");
    let pdf = scene.family.get(&format!("{path}.pdf")).await.expect(200);
    assert!(pdf.bytes.starts_with(b"%PDF"));
    assert_eq!(pdf.headers["content-type"], "application/pdf");
    let other = scene.world.family("92").await;
    for form in ["csv", "pdf"] {
        other.get(&format!("{path}.{form}")).await.refused(404, "not_found");
        scene.till.get(&format!("{path}.{form}")).await.refused(403, "auth.forbidden");
    }
}

#[actix_web::test]
async fn a_family_is_told_when_a_merchant_lets_its_money_go_and_not_when_it_does_so_itself() {
    let scene = Scene::set().await;
    let path = scene.family.path(&format!("wallets/{}/transfers", scene.pupil.culture));
    let order = json!({ "merchant_id": scene.till.merchant, "amount_cents": 1_500, "activity_label": "Stage d'été",
                        "activity_date": "2026-10-20" });
    let sent = scene.family.post_keyed(&path, &key(), order.clone()).await.expect(201).text("/id");
    scene.till.post(&format!("/v1/departments/92/holds/{sent}/void"), json!({})).await.expect(200);
    scene.till.post(&format!("/v1/departments/92/holds/{sent}/void"), json!({})).await.expect(200);
    let letters = scene.world.letters_to(&scene.family.email).await;
    let told: Vec<_> = letters.iter().filter(|(subject, _)| subject == "Somme réservée rendue").collect();
    assert_eq!(told.len(), 1, "{letters:?}");
    let body = &told[0].1;
    assert!(body.contains("15,00 €") && body.contains("Lou") && body.contains("« Stage d'été »"), "{body}");

    let sent = scene.family.post_keyed(&path, &key(), order).await.expect(201).text("/id");
    scene.family.post(&scene.family.path(&format!("tickets/{sent}/cancel")), json!({})).await.expect(200);
    let card = json!({ "card": scene.pupil.card_code, "wallet_kind": "culture", "amount_cents": 300,
                       "activity_label": "Danse", "activity_date": "2026-10-20" });
    let held = scene.till.post_keyed("/v1/holds", &key(), card).await.expect(201).text("/id");
    scene.till.post(&format!("/v1/departments/92/holds/{held}/void"), json!({})).await.expect(200);
    assert_eq!(scene.world.letters_to(&scene.family.email).await.len(), letters.len());
}

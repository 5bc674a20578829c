//! A letter at each debit and refund, for the families that ask for it and for no other.

use crate::support::{Answer, Scene, debit, key};
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde_json::{Value, json};
use tokio::task::JoinSet;

async fn want(scene: &Scene, wanted: bool) -> Answer {
    let path = scene.family.path(&format!("families/{}", scene.family.id));
    scene.family.patch(&path, json!({ "debit_notices": wanted })).await
}

/// The letters about debits and refunds, oldest first.
async fn notices(scene: &Scene) -> Vec<(String, String)> {
    let mut letters = scene.world.letters_to(&scene.family.email).await;
    letters.retain(|(subject, _)| subject.ends_with("un porte-monnaie"));
    letters
}

#[derive(QueryableByName)]
struct Payload {
    #[diesel(sql_type = sql_types::Jsonb)]
    payload: Value,
}

fn waiting(scene: &Scene) -> Vec<Value> {
    let sql = "select payload from jobs where kind = 'debit_notice' order by id";
    let rows: Vec<Payload> = diesel::sql_query(sql).load(&mut scene.world.superuser("92")).unwrap();
    rows.into_iter().map(|row| row.payload).collect()
}

#[actix_web::test]
async fn a_family_that_asks_for_it_gets_a_letter_at_each_debit_and_refund() {
    let scene = Scene::set().await;
    let shown = scene.family.get(&scene.family.path(&format!("families/{}", scene.family.id))).await.expect(200);
    assert_eq!(shown.at("/debit_notices"), &json!(false));
    scene.debit("culture", 100).await.expect(201);
    assert!(waiting(&scene).is_empty() && notices(&scene).await.is_empty());

    assert_eq!(want(&scene, true).await.expect(200).at("/debit_notices"), &json!(true));
    let id = scene.debit("culture", 1_250).await.expect(201).text("/id");
    // What waits names the movement, and nobody.
    assert_eq!(waiting(&scene), [json!({ "transfer_id": id })]);
    scene.refund(&id, 250).await.expect(201);
    scene.debit("culture", 10_000).await.refused(409, "debit.refused");
    let letters = notices(&scene).await;
    assert_eq!(letters.len(), 2, "{letters:?}");
    for (letter, parts) in
        letters.iter().zip([["Paiement", "a encaissé 12,50 €"], ["Remboursement", "a remboursé 2,50 €"]])
    {
        assert!(letter.0.contains(parts[0]) && letter.1.contains(parts[1]), "{letter:?}");
        assert!(
            letter.1.contains("Théâtre") && letter.1.contains("« Spectacle »") && letter.1.contains("Lou"),
            "{letter:?}"
        );
    }
    assert!(waiting(&scene).is_empty());

    want(&scene, false).await.expect(200);
    scene.debit("culture", 100).await.expect(201);
    assert_eq!(notices(&scene).await.len(), 2);
}

#[actix_web::test]
async fn of_many_debits_made_together_those_families_get_theirs() {
    let scene = Scene::set().await;
    let other = scene.world.family("92").await;
    let child = other.add_child("Noé", "2014-05-17").await;
    let (enrolment, version) = other.submit(&child, &scene.secretary.college).await;
    scene.secretary.confirm(&enrolment, version).await;
    let stranger = other.pupil(&child, &enrolment).await;
    want(&scene, true).await.expect(200);
    let mut running = JoinSet::new();
    for card in [&scene.pupil.card_code, &stranger.card_code].into_iter().cycle().take(24) {
        let (api, body) = (scene.till.api.clone(), debit(card, "culture", 100));
        running.spawn(async move { api.post_keyed("/v1/debits", &key(), body).await });
    }
    assert!(running.join_all().await.iter().all(|answer| answer.status == 201));
    assert_eq!((waiting(&scene).len(), notices(&scene).await.len()), (12, 12));
    let letters = scene.world.letters_to(&other.email).await;
    assert!(letters.iter().all(|(subject, _)| !subject.ends_with("un porte-monnaie")), "{letters:?}");
}

#[actix_web::test]
async fn only_a_guardian_with_full_rights_asks_for_letters() {
    let scene = Scene::set().await;
    let path = scene.family.path(&format!("families/{}", scene.family.id));
    let body = || json!({ "debit_notices": true });
    let reader = scene.world.guardian(&scene.family, "consult").await;
    reader.patch(&path, body()).await.refused(403, "guardian.consult_only");
    scene.world.family("92").await.patch(&path, body()).await.refused(404, "not_found");
    for api in [&scene.till.api, &scene.secretary.api, &scene.world.administrator.api] {
        api.patch(&path, body()).await.refused(403, "auth.forbidden");
    }
    scene.world.api.patch(&path, body()).await.refused(401, "auth.required");
    let answer = scene.family.patch(&path, json!({})).await.refused(422, "request.invalid");
    assert_eq!(answer.pointers(), ["/debit_notices"]);
}

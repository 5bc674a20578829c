//! The life of a card: plastic ordered beside the digital one, activated once it has arrived; lost and replaced by one call; over at last.

use crate::support::{Answer, Scene, debit, key};
use chrono::TimeDelta;
use diesel::{connection::SimpleConnection, prelude::*, sql_types};
use passplus::{
    cards::{self, db},
    kernel::{actor::Caller, ids::CardId},
};
use serde_json::json;

/// The number of a card, as it is printed: the department knows it before the family does.
async fn printed_number(scene: &Scene, card: &str) -> String {
    let id: CardId = card.parse().unwrap();
    let read = move |tx: &mut passplus::db::Tx<'_>| {
        let row = db::card(tx, id)?;
        cards::code(tx, &row)
    };
    scene.world.app.db.read("92".parse().unwrap(), &Caller::system(), read).await.unwrap().to_string()
}

fn sql(scene: &Scene, sql: &str) {
    scene.world.superuser("92").batch_execute(sql).unwrap();
}

fn states(scene: &Scene) -> String {
    let all = "(select string_agg(form || ' ' || state, ', ' order by id) from cards)";
    diesel::select(diesel::dsl::sql::<sql_types::Text>(all)).get_result(&mut scene.world.superuser("92")).unwrap()
}

async fn pay(scene: &Scene, code: &str) -> Answer {
    scene.till.post_keyed("/v1/debits", &key(), debit(code, "culture", 100)).await
}

#[actix_web::test]
async fn a_plastic_card_pays_once_it_is_activated_and_the_digital_one_no_longer() {
    let scene = Scene::set().await;
    let (family, child) = (&scene.family, &scene.pupil.child);
    let (order, activate) = (
        family.path(&format!("children/{child}/cards/order")),
        family.path(&format!("children/{child}/cards/activate")),
    );
    family.post(&activate, json!({ "proof": "HJ4T-8" })).await.refused(409, "card.none_coming");
    let ordered = family.post(&order, json!({})).await.expect(201);
    assert_eq!((ordered.text("/form"), ordered.text("/state")), ("plastic".into(), "ordered".into()));
    assert!(ordered.json.get("code").is_none() && ordered.json.get("signed").is_none(), "{}", ordered.json);
    family.post(&order, json!({})).await.refused(409, "card.already_ordered");
    let letters = scene.world.letters_to(&family.email).await;
    assert!(letters.iter().any(|(subject, _)| subject == "Carte commandée : il manque le portrait"), "{letters:?}");
    let id = ordered.text("/id");
    family.get(&family.path(&format!("cards/{id}/qr.png"))).await.refused(409, "card.transition");
    let shown = family.get(&family.path(&format!("children/{child}/card"))).await.expect(200);
    assert_eq!((shown.text("/form"), shown.text("/code")), ("digital".into(), scene.pupil.card_code.clone()));

    // On its way it pays nothing, and the other one does.
    let number = printed_number(&scene, &id).await;
    for state in ["ordered", "printed", "posted"] {
        sql(&scene, &format!("update cards set state = '{state}' where id = '{id}'"));
        pay(&scene, &number).await.refused(409, "debit.refused");
        scene.till.post("/v1/card-look-ups", json!({ "card": number })).await.refused(404, "card.not_recognised");
        pay(&scene, &scene.pupil.card_code).await.expect(201);
        for (verb, body) in [("block", json!({ "reason": "lost" })), ("unblock", json!({}))] {
            family.post(&family.path(&format!("cards/{id}/{verb}")), body).await.refused(409, "card.transition");
        }
        if state == "ordered" {
            family.post(&activate, json!({ "proof": number })).await.refused(409, "card.transition");
        }
    }
    for wrong in ["AAAA-A", &scene.pupil.card_code, &scene.pupil.card_signed, &number[..22], "8"] {
        family.post(&activate, json!({ "proof": wrong })).await.refused(422, "card.wrong_proof");
    }
    let last_five = number[number.len() - 6..].to_lowercase();
    let active = family.post(&activate, json!({ "proof": last_five })).await.expect(200);
    assert_eq!(
        (active.text("/id"), active.text("/state"), active.text("/code")),
        (id, "active".into(), number.clone())
    );
    assert_eq!(states(&scene), "digital replaced, plastic active");
    pay(&scene, &number).await.expect(201);
    pay(&scene, &active.text("/signed")).await.expect(201);
    pay(&scene, &scene.pupil.card_code).await.refused(409, "debit.refused");
    family.post(&order, json!({})).await.refused(409, "card.already_ordered");
    let listed = family.get(&family.path(&format!("children/{child}/cards"))).await.expect(200);
    let forms: Vec<&str> = listed.items().iter().map(|row| row["form"].as_str().unwrap()).collect();
    assert_eq!(forms, ["plastic", "digital"]);
    assert!(!listed.json.to_string().contains(&number));
    assert!(scene.world.letters_to(&family.email).await.iter().any(|(subject, _)| subject == "Carte activée"));
}

#[actix_web::test]
async fn two_activations_at_once_make_one_card_active() {
    let scene = Scene::set().await;
    let family = &scene.family;
    let path = |verb: &str| family.path(&format!("children/{}/cards/{verb}", scene.pupil.child));
    let (a, b) = (path("order"), path("order"));
    let (a, b) = tokio::join!(family.post(&a, json!({})), family.post(&b, json!({})));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let id = if a.status == 201 { a.text("/id") } else { b.text("/id") };
    sql(&scene, "update cards set state = 'posted' where form = 'plastic'");
    let proof = json!({ "proof": printed_number(&scene, &id).await });
    let path = path("activate");
    let (a, b, c) =
        tokio::join!(family.post(&path, proof.clone()), family.post(&path, proof.clone()), family.post(&path, proof));
    let mut statuses = [a.status, b.status, c.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409]);
    assert_eq!(states(&scene), "digital replaced, plastic active");
}

#[actix_web::test]
async fn a_lost_card_is_blocked_and_replaced_by_one_call() {
    let mut scene = Scene::set().await;
    let (family, child, id) = (&scene.family, scene.pupil.child.clone(), scene.pupil.card_id.clone());
    let lost = json!({ "reason": "lost", "replace": true });
    let next = family.post(&family.path(&format!("cards/{id}/block")), lost.clone()).await.expect(200);
    assert_eq!((next.text("/form"), next.text("/state")), ("digital".into(), "active".into()));
    assert_ne!(next.text("/code"), scene.pupil.card_code);
    assert_eq!(states(&scene), "digital replaced, digital active", "nobody asked for plastic");
    pay(&scene, &scene.pupil.card_code).await.refused(409, "debit.refused");
    pay(&scene, &next.text("/code")).await.expect(201);
    let listed = family.get(&family.path(&format!("children/{child}/cards"))).await.expect(200);
    assert_eq!(listed.items()[1]["block_reason"], "lost", "the history keeps why");

    // A plastic card is followed by a digital one at once, and by plastic later.
    family.post(&family.path(&format!("children/{child}/cards/order")), json!({})).await.expect(201);
    sql(&scene, "update cards set state = 'posted' where form = 'plastic'");
    let listed = family.get(&family.path(&format!("children/{child}/cards"))).await.expect(200);
    let plastic = listed.items()[0]["id"].as_str().unwrap().to_owned();
    let proof = json!({ "proof": printed_number(&scene, &plastic).await });
    family.post(&family.path(&format!("children/{child}/cards/activate")), proof).await.expect(200);

    let worker = scene.world.agent("92", "case_worker").await;
    let path = format!("/v1/departments/92/agents-desk/cards/{plastic}/block");
    let seen = worker.get(&format!("/v1/departments/92/agents-desk/children/{child}/cards")).await.expect(200);
    assert_eq!((seen.items().len(), &seen.items()[0]["state"]), (3, &json!("active")));
    worker.post(&path, json!({ "reason": "eaten" })).await.refused(422, "request.invalid");
    let next = worker.post(&path, lost.clone()).await.expect(200);
    assert_eq!((next.text("/form"), next.text("/state")), ("digital".into(), "active".into()));
    assert_eq!(states(&scene), "digital replaced, digital replaced, plastic replaced, digital active, plastic ordered");
    // What does not arrive is ordered anew; a reprint asks for a fresh factor.
    let seen = worker.get(&format!("/v1/departments/92/agents-desk/children/{child}/cards")).await.expect(200);
    let ordered = seen.items()[0]["id"].as_str().unwrap().to_owned();
    let replace = format!("/v1/departments/92/agents-desk/cards/{ordered}/replace");
    assert_eq!(worker.post(&replace, json!({})).await.expect(201).text("/state"), "ordered");
    worker.post(&replace, json!({})).await.refused(409, "card.transition");
    scene.world.advance(TimeDelta::minutes(6));
    worker.post(&replace, json!({})).await.refused(403, "auth.step_up_required");
    worker.post(&path, lost).await.refused(403, "auth.step_up_required");
    let used = format!("/v1/departments/92/agents-desk/cards/{}/block", next.text("/id"));
    assert_eq!(worker.post(&used, json!({ "reason": "stolen" })).await.expect(200).text("/state"), "blocked");
    let stranger = scene.world.family("92").await;
    for path in [format!("cards/{ordered}/block"), format!("cards/{ordered}/replace")] {
        stranger.post(&stranger.path(&path), json!({ "reason": "lost" })).await.refused(404, "not_found");
    }
    let administrator = scene.administrator().await;
    let journal = format!("/v1/departments/92/journal?object_id={}", next.text("/id"));
    let lines = administrator.get(&journal).await.expect(200);
    let kinds: Vec<&str> = lines.items().iter().map(|line| line["actor_kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["agent", "agent"], "issued by the replacement, then blocked");
}

#[actix_web::test]
async fn cards_whose_last_day_is_over_expire_on_their_way_too() {
    let mut scene = Scene::set().await;
    let family = &scene.family;
    family.post(&family.path(&format!("children/{}/cards/order", scene.pupil.child)), json!({})).await.expect(201);
    assert_eq!(scene.world.repeat(passplus::cards::life::expire).await, 0);
    scene.wait_until("2030-08-31T21:59:00Z").await;
    assert_eq!(scene.world.repeat(passplus::cards::life::expire).await, 0, "the last day is included");
    scene.wait_until("2030-08-31T22:00:01Z").await;
    assert_eq!(scene.world.repeat(passplus::cards::life::expire).await, 2);
    assert_eq!(states(&scene), "digital expired, plastic expired");
    let family = &scene.family;
    family.get(&family.path(&format!("children/{}/card", scene.pupil.child))).await.refused(404, "card.none");
    family
        .post(&family.path(&format!("children/{}/cards/order", scene.pupil.child)), json!({}))
        .await
        .refused(404, "card.none");
    let id = &scene.pupil.card_id;
    family.post(&family.path(&format!("cards/{id}/replace")), json!({})).await.refused(409, "card.transition");
}

//! Cards on telephones, and what tills take along for when they have no network.

use crate::support::{Scene, debit, key};
use chrono::TimeDelta;
use passplus::cards::token::{self, PublishedKey, list, live};
use serde_json::json;

async fn keys(scene: &Scene) -> Vec<PublishedKey> {
    let document = scene.world.api.get("/.well-known/card-keys.json").await.expect(200);
    token::published_keys(&document.json.to_string()).unwrap()
}

async fn live_texts(scene: &Scene) -> Vec<String> {
    let path = scene.family.path(&format!("cards/{}/live-codes", scene.pupil.card_id));
    let codes = scene.family.get(&path).await.expect(200);
    let now = scene.world.app.db.server_now();
    let instant = |pointer: &str| codes.text(pointer).parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert!(instant("/items/0/from") <= now && now < instant("/items/0/until"), "{}", codes.json);
    assert_eq!(instant("/items/19/until") - instant("/items/0/from"), TimeDelta::minutes(10));
    codes.items().iter().map(|code| code["text"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn a_card_on_a_telephone_pays_in_its_half_minute_only() {
    let mut scene = Scene::set().await;
    let texts = live_texts(&scene).await;
    assert_eq!(texts.len(), 20);
    let secret = scene.pupil.card_code.parse::<passplus::cards::code::CardCode>().unwrap().secret_bytes();
    for text in &texts {
        let bytes = data_encoding::BASE32_NOPAD.decode(text.strip_prefix("PPL1.").unwrap().as_bytes()).unwrap();
        assert!(!bytes.windows(10).any(|window| window == secret), "who reads a photograph may not type the number in");
    }
    let pay = async |scene: &Scene, key: &str, text: &str| {
        scene.till.post_keyed("/v1/debits", key, debit(text, "culture", 100)).await
    };
    let first = key();
    let debited = pay(&scene, &first, &texts[0]).await.expect(201);
    scene.till.post("/v1/card-look-ups", json!({ "card": texts[0] })).await.expect(200);
    scene.till.post_keyed("/v1/holds", &key(), debit(&texts[1], "sport", 100)).await.expect(201);
    // Twice as far ahead as is tolerated, a forged one, another's signature.
    pay(&scene, &key(), &texts[2]).await.refused(409, "card.live_code_over");
    pay(&scene, &key(), &crate::support::forged(&texts[0])).await.refused(409, "debit.refused");

    scene.wait(TimeDelta::seconds(90)).await;
    let second = key();
    for _ in 0..25 {
        pay(&scene, &second, &texts[0]).await.refused(409, "card.live_code_over");
    }
    scene.till.post("/v1/card-look-ups", json!({ "card": texts[0] })).await.refused(409, "card.live_code_over");
    // The till lost the answer and asks again: its key is what counts, and not a moment has passed for it.
    let replayed = pay(&scene, &first, &texts[0]).await.expect(201);
    assert_eq!((replayed.json, replayed.headers["idempotency-replayed"].to_str().unwrap()), (debited.json, "true"));
    // The telephone goes on without network; a code refused for its age left nothing under the key.
    pay(&scene, &second, &texts[3]).await.expect(201);

    let path = scene.family.path(&format!("cards/{}/live-codes", scene.pupil.card_id));
    scene.world.family("92").await.get(&path).await.refused(404, "not_found");
    scene.block_card().await;
    pay(&scene, &key(), &texts[3]).await.refused(409, "debit.refused");
    scene.family.get(&path).await.refused(409, "card.transition");
}

#[actix_web::test]
async fn a_till_without_network_knows_which_cards_to_refuse() {
    let mut scene = Scene::set().await;
    let keys = keys(&scene).await;
    let path = "/v1/departments/92/cards/revoked";
    let first = scene.till.get(path).await.expect(200);
    let of = |text: &str| list::verify(text, &keys).unwrap();
    let lost = token::mark(&token::verify(&scene.pupil.card_signed, &keys).unwrap().code());
    assert_eq!((first.number("/cards"), of(&first.text("/signed")).names(lost)), (0, false));
    let etag = first.headers["etag"].to_str().unwrap().to_owned();
    let again = async |scene: &Scene, etag: &str| {
        scene.till.send(scene.till.request(reqwest::Method::GET, path).header("if-none-match", etag)).await
    };
    let lives = live_texts(&scene).await;
    assert_eq!(live::verify(&lives[0], &keys).unwrap().mark, lost);

    scene.block_card().await;
    again(&scene, &etag).await.expect(304);
    scene.wait(TimeDelta::seconds(61)).await;
    let second = again(&scene, &etag).await.expect(200);
    let refused = of(&second.text("/signed"));
    assert_eq!((second.number("/cards"), refused.names(lost), refused.department), (1, true, "92".parse().unwrap()));
    let etag = second.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(refused.next_update_at() - refused.issued_at(), TimeDelta::hours(24));
    again(&scene, &format!("\"other\", {etag}")).await.expect(304);
    // Unchanged, it is issued anew before it grows old.
    scene.wait(TimeDelta::minutes(16)).await;
    let third = again(&scene, &etag).await.expect(200);
    assert_eq!(of(&third.text("/signed")).marks(), refused.marks());

    // What is on its way is refused too; what is replaced stays refused until its last day.
    let family = &scene.family;
    family.post(&family.path(&format!("cards/{}/unblock", scene.pupil.card_id)), json!({})).await.expect(200);
    family.post(&family.path(&format!("children/{}/cards/order", scene.pupil.child)), json!({})).await.expect(201);
    family.post(&family.path(&format!("cards/{}/replace", scene.pupil.card_id)), json!({})).await.expect(201);
    scene.wait(TimeDelta::seconds(61)).await;
    assert_eq!(scene.till.get(path).await.expect(200).number("/cards"), 2);
    scene.wait_until("2030-09-01T08:00:00Z").await;
    assert_eq!(scene.till.get(path).await.expect(200).number("/cards"), 0);

    scene.till.get("/v1/departments/75/cards/revoked").await.refused(404, "not_found");
    scene.family.get(path).await.refused(403, "auth.forbidden");
    let administrator = scene.administrator().await;
    let revoke = format!("/v1/departments/92/devices/{}/revoke", scene.till.device);
    administrator.post(&revoke, json!({})).await.expect(200);
    scene.till.get(path).await.refused(401, "auth.invalid_token");
}

#[test]
fn the_example_in_another_language_judges_cards_as_we_do() {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut node = std::process::Command::new("node");
    node.current_dir(root).args(["examples/verify_card.mjs", "tests/data/card-verification.json"]);
    match node.output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
        Err(_) => eprintln!("node is not installed: the example was not run"),
    }
}

//! Cards shown at a counter: who holds them, and what becomes of a till that guesses.

use crate::support::{Answer, COLLEGE_78, Scene, Till, days, debit, field_at_fault, forged, key, without_instance};
use chrono::TimeDelta;
use data_encoding::BASE64;
use passplus::cards::code::CardCode;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::Cursor;

const LOOK_UPS: &str = "/v1/card-look-ups";

async fn look_up(till: &Till, card: &str) -> Answer {
    till.post(LOOK_UPS, json!({ "card": card })).await
}

/// A well-formed number that is nobody's.
fn unknown(department: &str) -> String {
    CardCode::generate(department.parse().unwrap()).to_string()
}

async fn submit_photo(scene: &Scene, child: &str) -> Vec<u8> {
    let mut png = Cursor::new(vec![]);
    let picture = image::RgbImage::from_fn(300, 400, |x, y| image::Rgb([x.to_le_bytes()[0], y.to_le_bytes()[0], 90]));
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let path = scene.family.path(&format!("children/{child}/photo"));
    let put = scene.family.request(Method::PUT, &path).header("content-type", "image/png").body(png.into_inner());
    scene.family.send(put).await.expect(204);
    scene.family.get(&path).await.expect(200).bytes
}

/// The width of a portrait.
fn width(jpeg_base64: &str) -> u32 {
    image::load_from_memory(&BASE64.decode(jpeg_base64.as_bytes()).unwrap()).unwrap().width()
}

#[actix_web::test]
async fn a_till_sees_a_first_name_an_initial_and_a_photo_and_nothing_else() {
    let scene = Scene::set().await;
    let pupil = scene.sibling("Zoé Anne").await;
    let without_photo = look_up(&scene.till, &pupil.card_code).await.expect(200);
    assert_eq!(without_photo.json, json!({ "first_name": "Zoé", "initial": "M" }));
    let code = &pupil.card_code;
    // A portrait that nobody looked at yet is shown to no till.
    let photo = submit_photo(&scene, &pupil.child).await;
    assert_eq!(look_up(&scene.till, code).await.expect(200).json, without_photo.json);
    let case_worker = scene.world.agent("92", "case_worker").await;
    crate::photo_reviews::accept(&case_worker, &pupil.child).await;
    let shown = look_up(&scene.till, code).await.expect(200).json;
    let seen = shown["photo_jpeg_base64"].as_str().unwrap().to_owned();
    assert_eq!((width(&seen), width(&BASE64.encode(&photo))), (210, 420));
    assert_eq!(shown, json!({ "first_name": "Zoé", "initial": "M", "photo_jpeg_base64": seen }));
    // A newer one waits: the accepted one stays in use.
    submit_photo(&scene, &pupil.child).await;
    let dashless = format!("{}{}", &code[..3], code[3..].replace('-', ""));
    let spaced = code.to_lowercase().replace('0', "o").replace('1', "l");
    for card in [code, &dashless, &spaced, &format!("  {code} "), &pupil.card_signed] {
        assert_eq!(look_up(&scene.till, card).await.expect(200).json, shown, "{card}");
    }
    let path = scene.family.path(&format!("children/{}/photo", pupil.child));
    scene.family.delete(&path).await.expect(204);
    assert_eq!(look_up(&scene.till, code).await.expect(200).json, without_photo.json);

    // Each look is a line of the journal: by which till, of whom, with or without the portrait.
    let path = format!("/v1/departments/92/journal?object_id={}&limit=100", pupil.child);
    let journal = scene.world.administrator.get(&path).await.expect(200);
    let looks: Vec<(&str, bool)> = journal.json["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["action"] == "card_looked_up")
        .map(|line| (line["actor_id"].as_str().unwrap(), line["details"]["photo"].as_bool().unwrap()))
        .collect();
    let by = &*scene.till.device;
    let (without, with) = ((by, false), (by, true));
    assert_eq!(looks, [without, without, with, with, with, with, with, with, without]);
}

#[actix_web::test]
async fn a_card_that_cannot_serve_reads_the_same_whatever_the_reason() {
    let mut scene = Scene::set().await;
    let (blocked, replaced) = (scene.sibling("Ana").await, scene.sibling("Eva").await);
    let card =
        |pupil: &crate::support::Pupil, verb: &str| scene.family.path(&format!("cards/{}/{verb}", pupil.card_id));
    scene.family.post(&card(&blocked, "block"), json!({ "reason": "stolen" })).await.expect(200);
    let successor = scene.family.post(&card(&replaced, "replace"), json!({})).await.expect(201).text("/code");
    look_up(&scene.till, &successor).await.expect(200);

    // A card of the other department, where this merchant has no convention.
    let abroad = scene.world.family("78").await;
    let secretary = scene.world.secretary(COLLEGE_78).await;
    let foreign = scene.world.pupil(&abroad, &secretary).await;
    let forged = forged(&scene.pupil.card_signed);
    let refusal = without_instance(&look_up(&scene.till, &unknown("92")).await.refused(404, "card.not_recognised"));
    for card in [
        &blocked.card_code,
        &blocked.card_signed,
        &replaced.card_code,
        &foreign.card_code,
        &foreign.card_signed,
        &forged,
        &unknown("78"),
        &unknown("93"),
        "PP1.",
        "x",
        "92",
        "1234 5678",
    ] {
        let answer = look_up(&scene.till, card).await.refused(404, "card.not_recognised");
        assert_eq!(without_instance(&answer), refusal, "{card}");
    }
    let code = scene.pupil.card_code.clone();
    look_up(&scene.till, &code).await.expect(200);
    scene.move_convention("culture", "suspend").await.expect(200);
    look_up(&scene.till, &code).await.expect(200);
    scene.move_convention("sport", "close").await.expect(200);
    let answer = look_up(&scene.till, &code).await.refused(404, "card.not_recognised");
    assert_eq!(without_instance(&answer), refusal, "no convention in force");
    scene.move_convention("culture", "resume").await.expect(200);
    look_up(&scene.till, &code).await.expect(200);
    // The card's last day is in 2030.
    scene.wait_until("2030-08-30T08:00:00Z").await;
    look_up(&scene.till, &code).await.expect(200);
    scene.wait(days(2)).await;
    look_up(&scene.till, &code).await.refused(404, "card.not_recognised");

    for wrong in [json!(""), json!("x".repeat(513)), json!(null), json!(92)] {
        field_at_fault(scene.till.post(LOOK_UPS, json!({ "card": wrong })).await, "/card");
    }
    field_at_fault(scene.till.post(LOOK_UPS, json!({ "card": code, "wallet_kind": "sport" })).await, "/wallet_kind");
    scene.family.post(LOOK_UPS, json!({ "card": code })).await.refused(403, "auth.forbidden");
    scene.world.api.post(LOOK_UPS, json!({ "card": code })).await.refused(401, "auth.required");
}

#[actix_web::test]
async fn the_twentieth_unknown_card_within_an_hour_suspends_the_till() {
    let mut scene = Scene::set().await;
    let code = scene.pupil.card_code.clone();
    for attempt in 1..20 {
        // By look-ups, debits, and what is no number at all.
        match attempt % 4 {
            0 => look_up(&scene.till, "x").await.refused(404, "card.not_recognised"),
            1 => look_up(&scene.till, &unknown("92")).await.refused(404, "card.not_recognised"),
            2 => till_debits(&scene.till, &unknown("92")).await.refused(409, "debit.refused"),
            _ => till_debits(&scene.till, "x").await.refused(409, "debit.refused"),
        };
    }
    look_up(&scene.till, &code).await.expect(200);
    scene.world.advance(TimeDelta::seconds(240));
    look_up(&scene.till, &unknown("92")).await.refused(404, "card.not_recognised");
    // The token in hand is dead, and there is no other.
    look_up(&scene.till, &code).await.refused(401, "auth.invalid_token");
    till_debits(&scene.till, &code).await.refused(401, "auth.invalid_token");
    let form =
        crate::support::Service::assertion_form(&scene.world.assertion(&scene.till.device, &scene.till.key, json!({})));
    let request = scene.world.api.request(Method::POST, "/v1/oauth/token").form(&form);
    scene.world.api.send(request).await.refused(401, "device.invalid_client");
    let api = scene.administrator().await;
    let path = format!("/v1/departments/92/merchants/{}/devices", scene.till.merchant);
    assert_eq!(api.get(&path).await.expect(200).text("/items/0/state"), "suspended");

    // The administrator lets it go on, with its count at zero.
    let path = format!("/v1/departments/92/devices/{}/resume", scene.till.device);
    assert_eq!(api.post(&path, json!({})).await.expect(200).text("/state"), "active");
    scene.world.renew(&mut scene.till).await;
    for _ in 0..19 {
        look_up(&scene.till, &unknown("92")).await.refused(404, "card.not_recognised");
    }
    look_up(&scene.till, &code).await.expect(200);
    look_up(&scene.till, "x").await.refused(404, "card.not_recognised");
    look_up(&scene.till, &code).await.refused(401, "auth.invalid_token");
}

#[actix_web::test]
async fn an_hour_later_the_count_begins_again_and_known_cards_never_count() {
    let mut scene = Scene::set().await;
    let code = scene.pupil.card_code.clone();
    for _ in 0..19 {
        look_up(&scene.till, &unknown("92")).await.refused(404, "card.not_recognised");
    }
    scene.wait(TimeDelta::minutes(59)).await;
    look_up(&scene.till, &code).await.expect(200);
    scene.wait(TimeDelta::minutes(1)).await;
    for _ in 0..19 {
        look_up(&scene.till, &unknown("92")).await.refused(404, "card.not_recognised");
    }
    look_up(&scene.till, &code).await.expect(200);
    // A card that somebody blocked is a card: a family's quarrel stops no till. Nor does a debit sent again.
    scene.block_card().await;
    scene.wait(TimeDelta::hours(1)).await;
    let (again, body) = (key(), debit(&unknown("92"), "sport", 100));
    for _ in 0..25 {
        look_up(&scene.till, &code).await.refused(404, "card.not_recognised");
        scene.till.post_keyed("/v1/debits", &again, body.clone()).await.refused(409, "debit.refused");
    }
    // The count is each till's own.
    scene.administrator().await;
    let sister = scene.world.till_of(&scene.till.merchant).await;
    for _ in 0..19 {
        look_up(&sister, &unknown("92")).await.refused(404, "card.not_recognised");
    }
    look_up(&scene.till, "x").await.refused(404, "card.not_recognised");
    look_up(&scene.till, &code).await.refused(404, "card.not_recognised");
}

async fn till_debits(till: &Till, card: &str) -> Answer {
    let body: Value = debit(card, "sport", 100);
    till.post_keyed("/v1/debits", &key(), body).await
}

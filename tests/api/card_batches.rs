//! Cards printed by batches: two persons, an archive that the maker alone opens, spoiled ones ordered anew.

use crate::support::{AgeKey as Maker, Agent, Answer, Family, Pupil, Scene};
use bech32::{Bech32, Hrp};
use chrono::TimeDelta;
use data_encoding::HEXLOWER;
use diesel::{connection::SimpleConnection, prelude::*, sql_types};
use passplus::kernel::crypto::{random, sha256};
use serde_json::{Value, json};
use std::io::Read;

const BATCHES: &str = "/v1/departments/92/card-batches";

fn file(zip: &mut zip::ZipArchive<std::io::Cursor<Vec<u8>>>, name: &str) -> Vec<u8> {
    let mut bytes = vec![];
    zip.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

/// A portrait that the department has accepted.
async fn give_portrait(family: &Family, child: &str, clerk: &Agent) {
    crate::photos::send(family, child, "image/jpeg", crate::photos::jpeg(700, 900)).await.expect(204);
    crate::photo_reviews::accept(clerk, child).await;
}

async fn order(scene: &Scene, pupil: &Pupil) {
    let path = scene.family.path(&format!("children/{}/cards/order", pupil.child));
    scene.family.post(&path, json!({})).await.expect(201);
}

fn states(scene: &Scene) -> String {
    let all = "(select string_agg(state || coalesce(' ' || batch_rank, ''), ', ' order by issued_at, id) from cards where form = 'plastic')";
    diesel::select(diesel::dsl::sql::<sql_types::Text>(all)).get_result(&mut scene.world.superuser("92")).unwrap()
}

async fn step(agent: &Agent, batch: &str, verb: &str, body: Value) -> Answer {
    agent.post(&format!("{BATCHES}/{batch}/{verb}"), body).await
}

#[actix_web::test]
async fn a_batch_is_frozen_approved_by_another_exported_printed_and_posted() {
    let mut scene = Scene::set().await;
    let (second, third) = (scene.sibling("Noé").await, scene.sibling("Zoé").await);
    let clerk = scene.world.agent("92", "case_worker").await;
    let maker = Maker(random());
    let (path, administrator) = ("/v1/departments/92/card-maker", &scene.world.administrator);
    clerk.get(path).await.refused(409, "card_batch.no_maker");
    clerk.post(BATCHES, json!({})).await.refused(409, "card_batch.no_maker");
    for wrong in ["age1", "AGE-SECRET-KEY-1", &maker.recipient().to_uppercase()] {
        let body = json!({ "name": "Imprimerie du Pont", "recipient": wrong });
        assert_eq!(administrator.post(path, body).await.refused(422, "request.invalid").pointers(), ["/recipient"]);
    }
    let body = json!({ "name": "Imprimerie du Pont", "recipient": maker.recipient() });
    administrator.post(path, body.clone()).await.expect(201);
    assert_eq!(clerk.get(path).await.expect(200).text("/recipient"), maker.recipient());
    clerk.post(BATCHES, json!({})).await.refused(409, "card_batch.nothing_to_print");

    for pupil in [&scene.pupil, &second, &third] {
        order(&scene, pupil).await;
    }
    clerk.post(BATCHES, json!({})).await.refused(409, "card_batch.nothing_to_print");
    // A portrait that nobody has looked at is not printed.
    crate::photos::send(&scene.family, &third.child, "image/jpeg", crate::photos::jpeg(700, 900)).await.expect(204);
    clerk.post(BATCHES, json!({})).await.refused(409, "card_batch.nothing_to_print");
    give_portrait(&scene.family, &scene.pupil.child, &clerk).await;
    give_portrait(&scene.family, &second.child, &clerk).await;
    for wrong in [0, 501] {
        clerk.post(BATCHES, json!({ "cards_max": wrong })).await.refused(422, "request.invalid");
    }
    // Given up, its cards wait again; two at once take no card twice.
    let first = clerk.post(BATCHES, json!({})).await.expect(201);
    assert_eq!((first.number("/cards"), first.number("/without_photo")), (2, 1));
    assert_eq!(step(&clerk, &first.text("/id"), "cancel", json!({})).await.expect(200).text("/state"), "cancelled");
    let other = scene.world.agent("92", "case_worker").await;
    let (a, b) = tokio::join!(clerk.post(BATCHES, json!({})), other.post(BATCHES, json!({})));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "one takes both, and nothing is left");
    let (batch, author, approver) = if a.status == 201 { (a, &clerk, &other) } else { (b, &other, &clerk) };
    let (id, hash) = (batch.text("/id"), batch.text("/hash"));
    assert_eq!(states(&scene), "ordered 1, ordered 2, ordered");

    author.get(&format!("{BATCHES}/{id}/archive")).await.refused(409, "card_batch.transition");
    step(author, &id, "approve", json!({})).await.refused(409, "four_eyes.same_person");
    // What is approved is what was frozen.
    scene
        .world
        .superuser("92")
        .batch_execute("update cards set valid_until = valid_until + 1 where batch_rank = 2")
        .unwrap();
    step(approver, &id, "approve", json!({})).await.refused(409, "card_batch.tampered");
    scene
        .world
        .superuser("92")
        .batch_execute("update cards set valid_until = valid_until - 1 where batch_rank = 2")
        .unwrap();
    step(approver, &id, "approve", json!({})).await.expect(200);
    step(approver, &id, "approve", json!({})).await.refused(409, "card_batch.transition");

    let archive = author.get(&format!("{BATCHES}/{id}/archive")).await.expect(200);
    assert!(archive.headers["content-disposition"].to_str().unwrap().ends_with(".zip.age\""));
    assert!(Maker(random()).open(&archive.bytes).is_none(), "the maker alone opens it");
    let plain = maker.open(&archive.bytes).unwrap();
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(plain)).unwrap();
    let manifest: Value = serde_json::from_slice(&file(&mut zip, "manifest.json")).unwrap();
    assert_eq!((&manifest["cards"], &manifest["hash"]), (&json!(2), &json!(hash)));
    let names: Vec<&str> = manifest["files"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["photos/0001.jpg", "photos/0002.jpg", "cards.csv"]);
    for told in manifest["files"].as_array().unwrap() {
        let bytes = file(&mut zip, told["name"].as_str().unwrap());
        assert_eq!(told["sha256"], HEXLOWER.encode(&sha256(&bytes)), "{told}");
    }
    let list = String::from_utf8(file(&mut zip, "cards.csv")).unwrap();
    let lines: Vec<Vec<&str>> = list.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!((lines.len(), lines[1][2], lines[1][3], lines[1][7]), (2, "Noé", "M", "photos/0002.jpg"));
    assert!(lines[1][6].starts_with("PP1.") && !list.contains("Zoé"));
    // Each download is a line of the journal, with what was given.
    let journal = administrator.get(&format!("/v1/departments/92/journal?object_id={id}")).await.expect(200);
    let exported = journal.items().iter().find(|line| line["action"] == "card_batch_exported").unwrap();
    assert_eq!(exported["details"]["sha256"], HEXLOWER.encode(&sha256(&archive.bytes)));

    for (cards, hash) in [(3, hash.clone()), (2, HEXLOWER.encode(&[0; 32]))] {
        let body = json!({ "cards": cards, "hash": hash });
        step(author, &id, "print", body).await.refused(409, "card_batch.figures");
    }
    for (body, pointer) in [
        (json!({ "cards": 2, "hash": "x" }), "/hash"),
        (json!({ "cards": 2, "hash": hash, "spoiled_ranks": [3] }), "/spoiled_ranks"),
    ] {
        assert_eq!(step(author, &id, "print", body).await.refused(422, "request.invalid").pointers(), [pointer]);
    }
    step(author, &id, "post", json!({})).await.refused(409, "card_batch.transition");
    let printed = json!({ "cards": 2, "hash": hash, "spoiled_ranks": [1] });
    step(author, &id, "print", printed.clone()).await.expect(200);
    step(author, &id, "print", printed).await.refused(409, "card_batch.transition");
    step(author, &id, "cancel", json!({})).await.refused(409, "card_batch.transition");
    assert_eq!(states(&scene), "replaced 1, printed 2, ordered, ordered");
    let posted = step(author, &id, "post", json!({})).await.expect(200);
    assert_eq!(
        (posted.text("/state"), states(&scene)),
        ("posted".into(), "replaced 1, posted 2, ordered, ordered".into())
    );
    let letters = scene.world.letters_to(&scene.family.email).await;
    assert_eq!(letters.iter().filter(|(subject, _)| subject == "Carte envoyée").count(), 1);
    // What the maker printed is what activates the card.
    let proof = json!({ "proof": lines[1][6] });
    let path = scene.family.path(&format!("children/{}/cards/activate", second.child));
    assert_eq!(scene.family.post(&path, proof).await.expect(200).text("/code"), lines[1][5]);

    let listed = author.get(BATCHES).await.expect(200);
    assert_eq!((listed.items().len(), listed.text("/items/0/id")), (2, id.clone()));
    assert_eq!(author.get(&format!("{BATCHES}/{id}")).await.expect(200).json, listed.items()[0]);
    // What takes data out, or names who gets it, asks for a fresh factor.
    scene.world.advance(TimeDelta::minutes(6));
    author.get(&format!("{BATCHES}/{id}/archive")).await.refused(403, "auth.step_up_required");
    step(approver, &id, "approve", json!({})).await.refused(403, "auth.step_up_required");
    scene.world.administrator.post("/v1/departments/92/card-maker", body).await.refused(403, "auth.step_up_required");
    scene.wait(TimeDelta::minutes(1)).await;
}

#[actix_web::test]
async fn a_batch_is_frozen_anew_without_what_cannot_be_printed_and_never_printed_twice() {
    let scene = Scene::set().await;
    let second = scene.sibling("Noé").await;
    let (clerk, other) = (scene.world.agent("92", "case_worker").await, scene.world.agent("92", "case_worker").await);
    let body = json!({ "name": "Imprimerie du Pont", "recipient": Maker(random()).recipient() });
    scene.world.administrator.post("/v1/departments/92/card-maker", body).await.expect(201);
    for pupil in [&scene.pupil, &second] {
        order(&scene, pupil).await;
        give_portrait(&scene.family, &pupil.child, &clerk).await;
    }
    let frozen = clerk.post(BATCHES, json!({})).await.expect(201);
    let id = frozen.text("/id");
    step(&other, &id, "approve", json!({})).await.expect(200);
    // One family takes its portrait back, the other has a new one: the rest of the batch does not wait for them.
    scene.family.delete(&scene.family.path(&format!("children/{}/photo", scene.pupil.child))).await.expect(204);
    give_portrait(&scene.family, &second.child, &clerk).await;
    clerk.get(&format!("{BATCHES}/{id}/archive")).await.refused(409, "card_batch.tampered");
    let anew = step(&other, &id, "refreeze", json!({})).await.expect(200);
    assert_eq!((anew.text("/state"), anew.number("/cards")), ("frozen".into(), 1));
    assert!(anew.text("/hash") != frozen.text("/hash") && anew.json.get("approved_by").is_none());
    assert_eq!(states(&scene), "ordered, ordered 1");
    step(&other, &id, "approve", json!({})).await.refused(409, "four_eyes.same_person");
    step(&clerk, &id, "approve", json!({})).await.expect(200);

    // Printed means given to the maker before.
    let printed = json!({ "cards": 1, "hash": anew.text("/hash") });
    step(&clerk, &id, "print", printed).await.refused(409, "card_batch.transition");
    clerk.get(&format!("{BATCHES}/{id}/archive")).await.expect(200);
    assert!(clerk.get(&format!("{BATCHES}/{id}")).await.expect(200).json.get("exported_at").is_some());
    step(&other, &id, "refreeze", json!({})).await.refused(409, "card_batch.transition");
    // Given up now, its numbers serve nobody any more.
    assert_eq!(step(&clerk, &id, "cancel", json!({})).await.expect(200).text("/state"), "cancelled");
    assert_eq!(states(&scene), "ordered, replaced 1, ordered");
    let next = clerk.post(BATCHES, json!({})).await.expect(201);
    assert_eq!(next.number("/cards"), 1);

    scene.family.delete(&scene.family.path(&format!("children/{}/photo", second.child))).await.expect(204);
    step(&clerk, &next.text("/id"), "refreeze", json!({})).await.refused(409, "card_batch.nothing_to_print");
}

#[actix_web::test]
async fn a_batch_whose_portraits_changed_is_given_up_and_a_key_that_opens_nothing_is_refused() {
    let scene = Scene::set().await;
    let clerk = scene.world.agent("92", "case_worker").await;
    let (path, administrator) = ("/v1/departments/92/card-maker", &scene.world.administrator);
    let zeros = bech32::encode::<Bech32>(Hrp::parse("age").unwrap(), &[0; 32]).unwrap();
    let body = json!({ "name": "Imprimerie du Pont", "recipient": zeros });
    assert_eq!(administrator.post(path, body).await.refused(422, "request.invalid").pointers(), ["/recipient"]);
    let body = json!({ "name": "Imprimerie du Pont", "recipient": Maker(random()).recipient() });
    administrator.post(path, body).await.expect(201);
    order(&scene, &scene.pupil).await;
    give_portrait(&scene.family, &scene.pupil.child, &clerk).await;
    let batch = clerk.post(BATCHES, json!({})).await.expect(201).text("/id");
    give_portrait(&scene.family, &scene.pupil.child, &clerk).await;
    step(administrator, &batch, "approve", json!({})).await.refused(409, "card_batch.tampered");
    assert_eq!(step(&clerk, &batch, "cancel", json!({})).await.expect(200).text("/state"), "cancelled");

    // Approved as well, as long as nothing is printed.
    let batch = clerk.post(BATCHES, json!({})).await.expect(201).text("/id");
    step(administrator, &batch, "approve", json!({})).await.expect(200);
    let cards =
        scene.family.get(&scene.family.path(&format!("children/{}/cards", scene.pupil.child))).await.expect(200);
    let coming =
        cards.items().iter().find(|card| card["state"] == "ordered").unwrap()["id"].as_str().unwrap().to_owned();
    scene.family.post(&scene.family.path(&format!("cards/{coming}/replace")), json!({})).await.expect(201);
    clerk.get(&format!("{BATCHES}/{batch}/archive")).await.refused(409, "card_batch.tampered");
    step(&clerk, &batch, "cancel", json!({})).await.expect(200);
}

//! What agents read and decide; no later answer changes it.

use super::{MARTIN, NOBODY, SEEN, Scene, body, decide, desk, letters, middle, requests, steps};
use crate::support::field_at_fault;
use serde_json::{Value, json};
use std::time::Duration;

#[actix_web::test]
async fn an_agent_finds_reads_and_decides_what_waits_with_a_document() {
    let scene = Scene::start().await;
    let id = scene.requested(NOBODY).await;
    scene.ask().await;
    let waiting = async |query: &str| scene.worker.get(&desk(query)).await;
    assert_eq!(waiting("").await.expect(200).text("/items/0/id"), id);
    assert!(waiting("?with_document=true").await.expect(200).items().is_empty());
    assert!(waiting("?state=number_needed").await.expect(200).items().is_empty());
    waiting("?state=lost").await.expect(400);
    let document = crate::documents::send(&scene.family, &scene.child, "tax_notice").await;
    let listed = waiting("?with_document=true&state=document_needed").await.expect(200);
    assert_eq!((listed.text("/items/0/document_ids/0"), listed.text("/items/0/children/0")), (document, "Lou".into()));
    let read = scene.worker.get(&desk(&format!("/{id}"))).await.expect(200);
    assert_eq!((read.text("/answer"), read.number("/households")), ("not_found".into(), 1));
    let done = decide(&scene.worker, &id, middle()).await.expect(200);
    assert_eq!((done.text("/state"), done.text("/source")), ("decided".into(), "document".into()));
    assert_eq!((done.number("/children/0/after/cents"), scene.paid()), (280, json!(280)));
    assert_eq!(steps(&done), ["requested", "document_needed", "decided"]);
    decide(&scene.worker, &id, middle()).await.refused(409, "reduced_rate.transition");
    assert!(waiting("").await.expect(200).items().is_empty());
    let told = letters(&scene.world, &scene.family.email).await;
    assert_eq!(told[1].0, "Tarif réduit : document à envoyer");
    assert!(told[2].1.contains("15/10/2026 : 2,80 € le repas"), "{}", told[2].1);
    let journal =
        scene.world.administrator.get(&format!("/v1/departments/92/journal?object_id={id}")).await.expect(200);
    let inspected = journal.items().iter().filter(|line| line["action"] == "reduced_rate_inspected").count();
    assert_eq!(inspected, 3, "each reading is a line");
    scene.worker.get(&desk("/0199a8f0-7c3e-7bbd-8000-000000000001")).await.refused(404, "not_found");
}

#[actix_web::test]
async fn a_decision_says_what_it_rests_on_and_nothing_else() {
    let scene = Scene::start().await;
    let id = scene
        .family
        .post(&requests(), body(&[&scene.child], json!({ "by_document": true })))
        .await
        .expect(201)
        .text("/id");
    let one = json!({ "rfr_euros": 24_000, "parts": 2.5 });
    for (fields, pointer) in [
        (json!({}), "/households"),
        (json!({ "households": [] }), "/households"),
        (json!({ "households": [one, one, one] }), "/households"),
        (json!({ "households": [one], "quotient_cents": 1 }), "/households"),
        (json!({ "nothing": "illegible", "quotient_cents": 1 }), "/nothing"),
        (json!({ "nothing": "other" }), "/note"),
        // The number of a tax household is kept nowhere.
        (json!({ "nothing": "other", "note": "N° fiscal 30 01 234 567 890." }), "/note"),
        (json!({ "statuses": ["rsa"], "note": "Avis lu, 3001234567890" }), "/note"),
        (json!({ "quotient_cents": -1 }), "/quotient_cents"),
        (json!({ "quotient_cents": 1, "income_year": 20 }), "/income_year"),
        (json!({ "households": [one], "income_year": 2026, "note": SEEN }), "/income_year"),
        (json!({ "households": [one], "income_year": 2023, "note": SEEN }), "/income_year"),
        (json!({ "households": [one], "note": SEEN }), "/income_year"),
        (json!({ "statuses": ["rsa"], "income_year": 2025, "note": SEEN }), "/income_year"),
        // This tariff reads tax notices.
        (json!({ "quotient_cents": 80_000, "note": SEEN }), "/quotient_cents"),
        (json!({ "statuses": ["rsa", "veuf"], "note": SEEN }), "/statuses/1"),
        (json!({ "statuses": vec!["rsa"; 21] }), "/statuses"),
    ] {
        field_at_fault(decide(&scene.worker, &id, fields).await, pointer);
    }
    let stale = json!({ "version": 9, "quotient_cents": 80_000, "note": SEEN });
    scene.worker.post(&desk(&format!("/{id}/decision")), stale).await.refused(409, "version.stale");
    assert_eq!(scene.value("select count(*) from canteen_means"), json!(0));
    decide(&scene.worker, &id, json!({ "statuses": ["rsa"], "note": SEEN })).await.expect(200);
    assert_eq!(scene.paid(), json!(40));
    // Nothing that was found takes nothing away, and says why.
    let id = scene
        .family
        .post(&requests(), body(&[&scene.child], json!({ "by_document": true })))
        .await
        .expect(201)
        .text("/id");
    let kept = decide(&scene.worker, &id, json!({ "nothing": "other", "note": "L'avis manque." })).await.expect(200);
    assert_eq!((kept.text("/source"), kept.number("/children/0/after/cents")), ("nothing".into(), 40));
    let shown = scene.show(&id).await;
    assert_eq!((shown.text("/reason"), scene.paid()), ("other".into(), json!(40)));
    assert!(shown.text("/reason_note").ends_with("L'avis manque."), "{}", shown.json);
    let told = letters(&scene.world, &scene.family.email).await;
    assert!(told.last().unwrap().1.contains("L'avis manque."));
}

#[actix_web::test]
async fn a_quotient_of_one_administration_is_no_quotient_of_the_other() {
    let scene = Scene::with(super::benefits_grid()).await;
    let asked = body(&[&scene.child], json!({ "by_document": true }));
    let id = scene.family.post(&requests(), asked).await.expect(201).text("/id");
    field_at_fault(decide(&scene.worker, &id, middle()).await, "/households");
    decide(&scene.worker, &id, json!({ "quotient_cents": 80_000, "note": SEEN })).await.expect(200);
    assert_eq!(scene.paid(), json!(280));
    // Another tariff, from January on, reads tax notices: nothing is known for it.
    from_january(&scene, json!({}));
    assert_eq!(scene.world.repeat(passplus::canteen::rates::follow_grids).await, 1);
    assert_eq!(scene.paid(), json!(700));
    let because = "select explanation #>> '{steps,0,applied,because}' from canteen_rates order by id desc limit 1";
    assert_eq!(scene.value(&format!("to_jsonb(({because}))")), json!("another_kind"));
}

/// Another tariff is published, in force from January on.
fn from_january(scene: &Scene, changes: Value) {
    let mut grid = crate::canteen::changed(json!({ "starts_on": "2027-01-01" }));
    for (name, value) in changes.as_object().unwrap() {
        grid[name] = value.clone();
    }
    scene.execute(&format!(
        "update canteen_grids set ends_on = '2026-12-31';
         insert into canteen_grids (id, diner, version, state, grid, starts_on, ends_on, drafted_by, drafted_at, published_by, published_at)
         values (gen_random_uuid(), 'pupil', 2, 'published', '{}', '2027-01-01', '2027-08-31', gen_random_uuid(), now(), gen_random_uuid(), now())",
        grid.to_string().replace('\'', "''")
    ));
}

#[actix_web::test]
async fn a_decision_tells_each_price_to_come() {
    let scene = Scene::start().await;
    let base = json!({ "kind": "quotient_rate", "rate": "0.004", "floor_cents": 64, "cap_cents": 700 });
    from_january(&scene, json!({ "base": base }));
    let id = scene.requested(MARTIN).await;
    assert_eq!(scene.show(&id).await.at("/children/0/coming"), &json!([]), "nothing is decided yet");
    let done = decide(&scene.worker, &id, middle()).await.expect(200);
    for shown in [done, scene.show(&id).await] {
        assert_eq!((shown.number("/children/0/before/cents"), shown.number("/children/0/after/cents")), (700, 280));
        let coming = shown.at("/children/0/coming").as_array().unwrap();
        assert_eq!(coming.len(), 1, "{}", shown.json);
        assert_eq!((&coming[0]["starts_on"], &coming[0]["cents"]), (&json!("2027-01-01"), &json!(320)));
    }
    // The figures of the notice are for the family; an agent opens the request for them.
    let list = format!("/v1/departments/92/children/{}/canteen-enrolments", scene.child);
    let own = scene.family.get(&list).await.expect(200).json.to_string();
    let agents = scene.worker.get(&list).await.expect(200).json.to_string();
    assert!(own.contains("rfr_euros") && !agents.contains("rfr_euros") && agents.contains("800,00"), "{agents}");
    let told = letters(&scene.world, &scene.family.email).await;
    let letter = &told.last().unwrap().1;
    assert!(letter.contains("15/10/2026 : 2,80 €") && letter.contains("01/01/2027 : 3,20 €"), "{letter}");
    // What an agent decides later is told with his own decision.
    let asked = body(&[&scene.child], json!({ "by_document": true }));
    let later = scene.family.post(&requests(), asked).await.expect(201).text("/id");
    decide(&scene.worker, &later, json!({ "statuses": ["rsa"], "note": SEEN })).await.expect(200);
    assert_eq!(scene.show(&later).await.at("/children/0/coming"), &json!([]), "one price for both tariffs");
    assert_eq!(scene.show(&id).await.number("/children/0/coming/0/cents"), 320);
}

#[actix_web::test]
async fn a_status_that_only_the_next_tariff_prices_is_granted_from_its_first_day() {
    let scene = Scene::start().await;
    from_january(
        &scene,
        json!({ "statuses": [{ "status": "aah", "label": "Bénéficiaire de l'AAH", "price_cents": 50 }] }),
    );
    let id = scene.requested(MARTIN).await;
    decide(&scene.worker, &id, middle()).await.expect(200);
    let asked = body(&[&scene.child], json!({ "by_document": true }));
    let id = scene.family.post(&requests(), asked).await.expect(201).text("/id");
    let none = decide(&scene.worker, &id, json!({ "statuses": ["aah", "veuf"], "note": SEEN })).await;
    field_at_fault(none, "/statuses/1");
    let done = decide(&scene.worker, &id, json!({ "statuses": ["aah"], "note": SEEN })).await.expect(200);
    // Until then the price stays what it was.
    assert_eq!((done.number("/children/0/before/cents"), done.number("/children/0/after/cents")), (280, 50));
    assert_eq!(done.text("/children/0/after/starts_on"), "2027-01-01");
    let told = letters(&scene.world, &scene.family.email).await;
    let letter = &told.last().unwrap().1;
    assert!(letter.contains("avant : 2,80 €") && letter.contains("01/01/2027 : 0,50 €"), "{letter}");
    let today =
        "select cents from canteen_rates where starts_on < '2027-01-01' order by starts_on desc, id desc limit 1";
    assert_eq!(scene.value(today), json!(280));
    // Who says nothing of it any more takes it back; who found nothing does not.
    for (fields, from_january) in [(json!({ "nothing": "illegible" }), 50), (middle(), 280)] {
        let asked = body(&[&scene.child], json!({ "by_document": true }));
        let id = scene.family.post(&requests(), asked).await.expect(201).text("/id");
        decide(&scene.worker, &id, fields).await.expect(200);
        let next =
            "select cents from canteen_rates where starts_on <= '2027-01-01' order by starts_on desc, id desc limit 1";
        assert_eq!(scene.value(next), json!(from_january));
    }
}

#[actix_web::test]
async fn a_reduced_rate_that_only_the_next_tariff_has_may_be_asked_for() {
    let fixed = json!({ "base": { "kind": "fixed", "price_cents": 500 }, "maximum_cents": null, "statuses": [] });
    let scene = Scene::with(crate::canteen::changed(fixed)).await;
    scene.request(MARTIN).await.refused(409, "reduced_rate.none");
    from_january(&scene, json!({}));
    let id = scene.requested(MARTIN).await;
    scene.ask().await;
    let shown = scene.show(&id).await;
    assert_eq!(
        (shown.text("/state"), shown.text("/children/0/after/starts_on")),
        ("decided".into(), "2027-01-01".into())
    );
    assert_eq!((shown.number("/children/0/before/cents"), shown.number("/children/0/after/cents")), (500, 64));
}

#[actix_web::test]
async fn without_a_lower_price_before_the_reason_is_that_of_the_highest() {
    let scene = Scene::start().await;
    let id = scene
        .family
        .post(&requests(), body(&[&scene.child], json!({ "by_document": true })))
        .await
        .expect(201)
        .text("/id");
    decide(&scene.worker, &id, json!({ "nothing": "no_document" })).await.expect(200);
    let shown = scene.show(&id).await;
    assert_eq!(shown.number("/children/0/after/cents"), 700);
    assert_eq!(shown.text("/children/0/after/explained/steps/0/applied/because"), "no_proof");
    assert_eq!(shown.text("/children/0/before/explained/steps/0/applied/because"), "not_requested");
}

#[actix_web::test]
async fn what_an_agent_decided_no_later_answer_changes() {
    let scene = Scene::start().await;
    let id = scene.requested(MARTIN).await;
    scene.authorities.fault(json!({ "status": 502, "times": 1 }));
    scene.ask().await;
    assert_eq!(scene.show(&id).await.text("/state"), "in_progress");
    decide(&scene.worker, &id, middle()).await.expect(200);
    scene.authorities.calls();
    scene.forget_failures();
    scene.world.advance(chrono::TimeDelta::minutes(2));
    scene.ask().await;
    assert!(scene.authorities.calls().is_empty(), "nobody is asked about what is decided");
    assert_eq!(scene.paid(), json!(280));
}

#[actix_web::test]
async fn an_answer_that_comes_during_the_decision_changes_nothing() {
    let scene = Scene::start().await;
    let id = scene.requested(MARTIN).await;
    scene.authorities.fault(json!({ "path": "/impotparticulier", "delay_ms": 3_000, "times": 1 }));
    let decided = async {
        tokio::time::sleep(Duration::from_millis(800)).await;
        decide(&scene.worker, &id, middle()).await.expect(200)
    };
    let (asked, _) = tokio::join!(scene.ask(), decided);
    assert_eq!(asked, 1);
    assert_eq!(scene.value("select jsonb_agg(outcome) from authority_calls"), json!(["found"]));
    assert_eq!((scene.show(&id).await.text("/source"), scene.paid()), ("document".into(), json!(280)));
    assert_eq!(scene.value("select count(*) from canteen_means"), json!(1));
}

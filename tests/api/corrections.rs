//! Movements undone by agents: alone up to the threshold, by two persons above, never beyond what moved or what is there.

use crate::{
    ledger::Books,
    ledger_rules::set_rules,
    support::{Answer, Api, Scene, key},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

const CORRECTIONS: &str = "/v1/departments/92/corrections";

fn body(transfer: &str, cents: i64, reason: &str) -> Value {
    json!({ "transfer_id": transfer, "amount_cents": cents, "reason": reason, "note": "Vu avec l'organisme." })
}

async fn correct(api: &Api, transfer: &str, cents: i64, reason: &str) -> Answer {
    api.post_keyed(CORRECTIONS, &key(), body(transfer, cents, reason)).await
}

async fn decide(api: &Api, correction: &Answer, word: &str) -> Answer {
    let path = format!("{CORRECTIONS}/{}/{word}", correction.text("/id"));
    if word == "approve" {
        api.post(&path, json!({})).await
    } else {
        api.post(&path, json!({ "note": "Non établi." })).await
    }
}

async fn culture(scene: &Scene) -> i64 {
    scene.family.balance(&scene.pupil.child, "culture").await
}

/// The transfer that granted the culture wallet.
async fn grant(scene: &Scene) -> String {
    let path = scene.family.path(&format!("wallets/{}/statement?limit=100", scene.pupil.culture));
    let lines = scene.family.get(&path).await.expect(200);
    lines.items().iter().find(|line| line["kind"] == "grant").unwrap()["id"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn one_agent_alone_corrects_up_to_the_threshold_and_the_family_is_told() {
    let scene = Scene::set().await;
    let worker = scene.world.agent("92", "case_worker").await;
    let debit = scene.debit("culture", 3_000).await.expect(201).text("/id");
    let done = correct(&worker, &debit, 1_200, "refund_agreed").await.expect(201);
    assert_eq!((done.text("/state"), done.at("/two_persons")), ("done".to_owned(), &json!(false)));
    assert_eq!(done.text("/decided_by"), done.text("/proposed_by"));
    assert_eq!(culture(&scene).await, 4_200);

    let path = scene.family.path(&format!("wallets/{}/statement?limit=1", scene.pupil.culture));
    let line = scene.family.get(&path).await.expect(200).json["items"][0].clone();
    assert_eq!((&line["kind"], &line["amount_cents"]), (&json!("reversal"), &json!(1_200)));
    assert_eq!(line["reason"], json!("refund_agreed"));
    assert_eq!((&line["id"], &line["reverses"]), (done.at("/reversal_id"), &json!(debit)));
    let (subject, letter) = scene.world.letters_to(&scene.family.email).await.pop().unwrap();
    assert_eq!(subject, "Correction d'un mouvement");
    assert!(
        letter.contains("12,00 €") && letter.contains("remboursement accordé") && !letter.contains("Vu avec"),
        "{letter}"
    );
    // The merchant owes it: it counts among what was given back.
    let seen = scene.till.get(&format!("/v1/departments/92/debits/{debit}")).await.expect(200);
    assert_eq!(seen.number("/refunded_cents"), 1_200);
    // It names no agent, and tells which way it went.
    let seen = scene.till.get(&format!("/v1/departments/92/debits/{}", done.text("/reversal_id"))).await.expect(200);
    assert_eq!((seen.text("/kind"), seen.number("/merchant_cents")), ("reversal".to_owned(), -1_200));
    assert!(seen.json["device_id"].is_null() && seen.json["key"].is_null());
    scene.refund(&debit, 1_801).await.refused(409, "refund.exceeds_debit");

    let journal = format!("/v1/departments/92/journal?object_id={}", done.text("/id"));
    let journal = scene.world.administrator.get(&journal).await.expect(200);
    let actions: Vec<&str> = journal.items().iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["correction_proposed", "correction_done"]);
    assert_eq!(Books::read(&scene.world).prove(), Ok(()));
}

#[actix_web::test]
async fn what_one_person_corrects_alone_of_a_movement_counts_together() {
    let scene = Scene::set().await;
    set_rules(&scene.world, json!({ "correction_alone_max_cents": 1_000 })).await;
    let (worker, finance) = (scene.world.agent("92", "case_worker").await, scene.world.agent("92", "finance").await);
    let debit = scene.debit("culture", 3_000).await.expect(201).text("/id");
    for (cents, state) in [(1_001, "proposed"), (999, "done"), (1, "done"), (1, "proposed")] {
        let made = correct(&worker, &debit, cents, "data_entry_error").await.expect(201);
        assert_eq!(made.text("/state"), state, "{cents}");
    }
    // Another person's hand is no other threshold.
    let made = correct(&finance, &debit, 1, "data_entry_error").await.expect(201);
    assert_eq!(made.text("/state"), "proposed");
    assert_eq!(culture(&scene).await, 4_000);
    let listed = finance.get(&format!("{CORRECTIONS}?state=proposed&limit=2")).await.expect(200);
    assert_eq!((listed.items().len(), listed.items()[0]["id"].clone()), (2, made.json["id"].clone()));
    let cursor = listed.text("/next_cursor");
    let rest = finance.get(&format!("{CORRECTIONS}?state=proposed&limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!(rest.items().len(), 1);
}

#[actix_web::test]
async fn above_the_threshold_another_person_decides_with_a_fresh_second_factor() {
    let scene = Scene::set().await;
    set_rules(&scene.world, json!({ "correction_alone_max_cents": 1_000 })).await;
    let (worker, finance) = (scene.world.agent("92", "case_worker").await, scene.world.agent("92", "finance").await);
    let debit = scene.debit("culture", 3_000).await.expect(201).text("/id");
    let proposed = correct(&worker, &debit, 2_000, "wrong_beneficiary").await.expect(201);
    assert_eq!((proposed.text("/state"), proposed.at("/two_persons")), ("proposed".to_owned(), &json!(true)));
    assert_eq!(culture(&scene).await, 3_000);
    decide(&worker, &proposed, "approve").await.refused(409, "four_eyes.same_person");
    let done = decide(&finance, &proposed, "approve").await.expect(200);
    assert_eq!(done.text("/state"), "done");
    assert_ne!(done.text("/decided_by"), done.text("/proposed_by"));
    assert_eq!(culture(&scene).await, 5_000);
    for word in ["approve", "refuse"] {
        decide(&finance, &proposed, word).await.refused(409, "correction.transition");
    }
    let shown = worker.get(&format!("{CORRECTIONS}/{}", proposed.text("/id"))).await.expect(200);
    assert_eq!(shown.json, done.json);

    let second = correct(&finance, &debit, 1_000, "other").await.expect(201);
    assert_eq!(second.text("/state"), "done", "what two persons did is not counted against one");
    let third = scene.debit("culture", 2_500).await.expect(201).text("/id");
    let third = correct(&finance, &third, 2_500, "duplicate").await.expect(201);
    let refused = decide(&worker, &third, "refuse").await.expect(200);
    assert_eq!(
        (refused.text("/state"), refused.text("/decision_note")),
        ("refused".to_owned(), "Non établi.".to_owned())
    );
    decide(&worker, &third, "approve").await.refused(409, "correction.transition");

    let fourth = correct(&finance, &third.text("/transfer_id"), 2_500, "duplicate").await.expect(201);
    scene.world.advance(TimeDelta::minutes(6));
    for word in ["approve", "refuse"] {
        decide(&worker, &fourth, word).await.refused(403, "auth.step_up_required");
    }
    assert_eq!(Books::read(&scene.world).prove(), Ok(()));
}

#[actix_web::test]
async fn whoever_proposed_a_correction_withdraws_it_alone() {
    let scene = Scene::set().await;
    set_rules(&scene.world, json!({ "correction_alone_max_cents": 1_000 })).await;
    let (worker, finance) = (scene.world.agent("92", "case_worker").await, scene.world.agent("92", "finance").await);
    let debit = scene.debit("culture", 3_000).await.expect(201).text("/id");
    let proposed = correct(&worker, &debit, 2_000, "data_entry_error").await.expect(201);
    let withdrawn = decide(&worker, &proposed, "refuse").await.expect(200);
    assert_eq!(withdrawn.text("/state"), "refused");
    assert_eq!(withdrawn.at("/decided_by"), withdrawn.at("/proposed_by"));
    decide(&finance, &proposed, "approve").await.refused(409, "correction.transition");
    assert_eq!(culture(&scene).await, 3_000);
    let journal = format!("/v1/departments/92/journal?object_id={}", proposed.text("/id"));
    let journal = scene.world.administrator.get(&journal).await.expect(200);
    let actions: Vec<&str> = journal.items().iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["correction_proposed", "correction_withdrawn"]);
}

#[actix_web::test]
async fn a_grant_is_taken_back_as_far_as_it_is_there() {
    let scene = Scene::set().await;
    let worker = scene.world.agent("92", "case_worker").await;
    let grant = grant(&scene).await;
    let debit = scene.debit("culture", 1_000).await.expect(201).text("/id");
    correct(&worker, &grant, 5_001, "fraud").await.refused(409, "correction.insufficient_funds");
    // What is declined leaves nothing behind.
    assert_eq!(worker.get(CORRECTIONS).await.expect(200).items().len(), 0);
    correct(&worker, &grant, 5_000, "fraud").await.expect(201);
    assert_eq!(culture(&scene).await, 0);
    let (_, letter) = scene.world.letters_to(&scene.family.email).await.pop().unwrap();
    assert!(letter.contains("repris") && letter.contains("50,00 €"), "{letter}");
    scene.refund(&debit, 1_000).await.expect(201);
    correct(&worker, &grant, 1_001, "fraud").await.refused(409, "reversal.exceeds");
    correct(&worker, &grant, 1_000, "fraud").await.expect(201);
    assert_eq!((culture(&scene).await, Books::read(&scene.world).prove()), (0, Ok(())));
}

#[actix_web::test]
async fn nothing_is_corrected_beyond_the_movement_nor_what_is_no_movement() {
    let scene = Scene::set().await;
    set_rules(&scene.world, json!({ "correction_alone_max_cents": 1_000 })).await;
    let worker = scene.world.agent("92", "case_worker").await;
    let debit = scene.debit("culture", 1_500).await.expect(201).text("/id");
    scene.refund(&debit, 600).await.expect(201);
    // The same alone and by two persons.
    correct(&worker, &debit, 901, "other").await.refused(409, "reversal.exceeds");
    correct(&worker, &debit, 1_500, "other").await.refused(409, "reversal.exceeds");
    let done = correct(&worker, &debit, 900, "other").await.expect(201);
    for target in [done.text("/reversal_id"), key()] {
        correct(&worker, &target, 100, "other").await.refused(404, "not_found");
        correct(&worker, &target, 1_100, "other").await.refused(404, "not_found");
    }
    let answer = correct(&worker, &debit, 1, "dispute").await.refused(422, "request.invalid");
    assert_eq!(answer.pointers(), ["/reason"]);
    for cents in [0, -1, 100_001] {
        let answer = correct(&worker, &debit, cents, "other").await.refused(422, "request.invalid");
        assert_eq!(answer.pointers(), ["/amount_cents"]);
    }
    worker.get(&format!("{CORRECTIONS}/{}", key())).await.refused(404, "not_found");
}

#[actix_web::test]
async fn a_correction_sent_twice_is_made_once() {
    let scene = Scene::set().await;
    let worker = scene.world.agent("92", "case_worker").await;
    let debit = scene.debit("culture", 3_000).await.expect(201).text("/id");
    let key = key();
    let send = |cents| worker.post_keyed(CORRECTIONS, &key, body(&debit, cents, "duplicate"));
    let (first, twin) = futures_pair(send(1_000), send(1_000)).await;
    assert_eq!((first.status, twin.status, first.text("/id")), (201, 201, twin.text("/id")));
    let again = send(1_000).await.expect(201);
    assert!(again.headers.contains_key("idempotency-replayed"));
    assert_eq!(again.json, first.json);
    send(1_001).await.refused(422, "idempotency.reused");
    worker.post(CORRECTIONS, body(&debit, 1, "other")).await.refused(422, "idempotency.missing");
    assert_eq!(culture(&scene).await, 4_000);
}

/// Both at once.
async fn futures_pair(one: impl Future<Output = Answer>, other: impl Future<Output = Answer>) -> (Answer, Answer) {
    tokio::join!(one, other)
}

#[actix_web::test]
async fn of_two_who_approve_at_once_one_makes_it() {
    let scene = Scene::set().await;
    set_rules(&scene.world, json!({ "correction_alone_max_cents": 0 })).await;
    let (worker, finance) = (scene.world.agent("92", "case_worker").await, scene.world.agent("92", "finance").await);
    let debit = scene.debit("culture", 3_000).await.expect(201).text("/id");
    let proposed = correct(&worker, &debit, 3_000, "duplicate").await.expect(201);
    let administrator = &scene.world.administrator;
    let (one, other) =
        futures_pair(decide(&finance, &proposed, "approve"), decide(administrator, &proposed, "approve")).await;
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!((statuses, culture(&scene).await), ([200, 409], 6_000));
    assert_eq!(Books::read(&scene.world).prove(), Ok(()));
}

#[actix_web::test]
async fn a_refund_too_large_for_a_till_is_made_by_agents() {
    let scene = Scene::set().await;
    set_rules(&scene.world, json!({ "refund_alone_max_cents": 1_000, "correction_alone_max_cents": 1_000 })).await;
    let (worker, finance) = (scene.world.agent("92", "case_worker").await, scene.world.agent("92", "finance").await);
    let debit = scene.debit("culture", 3_000).await.expect(201).text("/id");
    scene.refund(&debit, 1_001).await.refused(409, "refund.needs_agent");
    let proposed = correct(&worker, &debit, 1_001, "refund_agreed").await.expect(201);
    assert_eq!(proposed.text("/state"), "proposed");
    decide(&finance, &proposed, "approve").await.expect(200);
    assert_eq!(culture(&scene).await, 4_001);
    scene.refund(&debit, 1_000).await.expect(201);
}

#[actix_web::test]
async fn corrections_are_for_the_departments_own_agents_but_the_dpo() {
    let scene = Scene::set().await;
    set_rules(&scene.world, json!({ "correction_alone_max_cents": 0 })).await;
    let debit = scene.debit("culture", 1_000).await.expect(201).text("/id");
    let worker = scene.world.agent("92", "case_worker").await;
    let proposed = correct(&worker, &debit, 1_000, "fraud").await.expect(201);
    let dpo = scene.world.agent("92", "dpo").await;
    let finance_78 = scene.world.agent("78", "finance").await;
    let anonymous = scene.world.api.clone();
    for (api, status, code) in [
        (&dpo.api, 403, "auth.forbidden"),
        (&scene.family.api, 403, "auth.forbidden"),
        (&scene.till.api, 403, "auth.forbidden"),
        (&scene.secretary.api, 403, "auth.forbidden"),
        (&finance_78.api, 404, "not_found"),
        (&anonymous, 401, "auth.required"),
    ] {
        api.get(CORRECTIONS).await.refused(status, code);
        api.get(&format!("{CORRECTIONS}/{}", proposed.text("/id"))).await.refused(status, code);
        correct(api, &debit, 1, "other").await.refused(status, code);
        for word in ["approve", "refuse"] {
            decide(api, &proposed, word).await.refused(status, code);
        }
    }
    assert_eq!(culture(&scene).await, 5_000);
}

//! The second grant of scholarship holders: once, on an active enrolment, by the amounts of its formula.

use crate::support::{Answer, Api, COLLEGE, Scene, days};
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

fn body(version: i64) -> Value {
    json!({ "evidence": "scholarship_notice", "version": version })
}

async fn version(scene: &Scene) -> i64 {
    let path = scene.family.path(&format!("enrolments/{}", scene.pupil.enrolment));
    scene.family.get(&path).await.expect(200).number("/enrolment/version")
}

async fn top_up(scene: &Scene, api: &Api, version: i64) -> Answer {
    api.post(&scene.family.path(&format!("enrolments/{}/top-up", scene.pupil.enrolment)), body(version)).await
}

async fn balances(scene: &Scene) -> (i64, i64) {
    let child = &scene.pupil.child;
    (scene.family.balance(child, "culture").await, scene.family.balance(child, "sport").await)
}

#[actix_web::test]
async fn a_proof_accepted_credits_both_wallets_once_and_the_family_is_told() {
    let scene = Scene::set().await;
    let worker = scene.world.agent("92", "case_worker").await;
    let version = version(&scene).await;
    let (one, other) = tokio::join!(top_up(&scene, &worker, version), top_up(&scene, &worker, version));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!((statuses, balances(&scene).await), ([200, 409], (7_000, 3_000)));
    top_up(&scene, &scene.world.administrator, version).await.refused(409, "enrolment.topped_up");
    assert_eq!(balances(&scene).await, (7_000, 3_000));
    let (subject, letter) = scene.world.letters_to(&scene.family.email).await.pop().unwrap();
    assert_eq!(subject, "Complément boursier crédité");
    assert_eq!(letter.matches("10,00 €").count(), 2, "{letter}");
    let journal = format!("/v1/departments/92/journal?object_id={}", scene.pupil.enrolment);
    let journal = scene.world.administrator.get(&format!("{journal}&limit=100")).await.expect(200);
    let line = journal.items().iter().find(|row| row["action"] == "topped_up").unwrap();
    assert_eq!(line["details"], json!({ "evidence": "scholarship_notice" }));
}

#[actix_web::test]
async fn only_an_active_enrolment_of_a_season_that_still_spends_is_topped_up() {
    let mut scene = Scene::set().await;
    let worker = scene.world.agent("92", "case_worker").await;
    let stale = version(&scene).await;
    let path = scene.family.path(&format!("enrolments/{}/suspension", scene.pupil.enrolment));
    let suspend = json!({ "event": "suspend", "version": stale, "note": "Pièces à revoir." });
    worker.post(&path, suspend).await.expect(200);
    top_up(&scene, &worker, stale).await.refused(409, "version.stale");
    let now = version(&scene).await;
    top_up(&scene, &worker, now).await.refused(409, "enrolment.transition");
    let child = scene.family.add_child("Noé", "2014-05-17").await;
    let (submitted, submitted_version) = scene.family.submit(&child, COLLEGE).await;
    let path = scene.family.path(&format!("enrolments/{submitted}/top-up"));
    worker.post(&path, body(submitted_version)).await.refused(409, "enrolment.transition");
    let unknown = scene.family.path(&format!("enrolments/{}/top-up", crate::support::key()));
    worker.post(&unknown, body(1)).await.refused(404, "not_found");
    let word = json!({ "evidence": "a_word", "version": now });
    let path = scene.family.path(&format!("enrolments/{}/top-up", scene.pupil.enrolment));
    assert_eq!(worker.post(&path, word).await.refused(422, "request.invalid").pointers(), ["/evidence"]);

    // The State's answer is accepted where it stands, never claimed by hand.
    let claimed = json!({ "evidence": "state_service", "version": now });
    worker.post(&path, claimed).await.refused(409, "schooling.no_scholarship");

    let path = scene.family.path(&format!("enrolments/{}/suspension", scene.pupil.enrolment));
    let resume = json!({ "event": "resume", "version": now, "note": "Pièces revues." });
    worker.post(&path, resume).await.expect(200);
    scene.wait(days(300)).await;
    let now = version(&scene).await;
    let administrator = scene.administrator().await;
    top_up(&scene, &administrator, now).await.refused(409, "wallet.spending_over");
    assert_eq!(balances(&scene).await, (6_000, 2_000));
}

#[actix_web::test]
async fn a_season_without_a_top_up_is_not_said_to_have_paid_it() {
    let scene = Scene::set().await;
    let sql = "update season_versions set rules = jsonb_set(rules, '{amounts}',
                   (select jsonb_agg(a) from jsonb_array_elements(rules -> 'amounts') a where a ->> 'grant' <> 'top_up'))";
    scene.world.superuser("92").batch_execute(sql).unwrap();
    let worker = scene.world.agent("92", "case_worker").await;
    top_up(&scene, &worker, version(&scene).await).await.refused(409, "enrolment.no_top_up");
}

#[actix_web::test]
async fn only_those_who_instruct_files_accept_a_proof() {
    let scene = Scene::set().await;
    let version = version(&scene).await;
    for function in ["finance", "dpo"] {
        let agent = scene.world.agent("92", function).await;
        top_up(&scene, &agent, version).await.refused(403, "auth.forbidden");
    }
    for api in [&scene.family.api, &scene.till.api, &scene.secretary.api] {
        top_up(&scene, api, version).await.refused(403, "auth.forbidden");
    }
    let worker_78 = scene.world.agent("78", "case_worker").await;
    top_up(&scene, &worker_78, version).await.refused(404, "not_found");
    top_up(&scene, &scene.world.api, version).await.refused(401, "auth.required");
    assert_eq!(balances(&scene).await, (6_000, 2_000));
}

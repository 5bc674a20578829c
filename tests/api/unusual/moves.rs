//! Pupils who leave: their wallets pay no more, what was paid stays.

use crate::{
    coverage::rows,
    support::{COLLEGE, OTHER_COLLEGE, SEASON, Scene, World},
};
use serde_json::json;

#[actix_web::test]
async fn a_child_that_leaves_the_scheme_pays_no_more_and_its_card_ends() {
    let scene = Scene::set().await;
    scene.debit("culture", 1_500).await.expect(201);
    let path = scene.family.path(&format!("enrolments/{}", scene.pupil.enrolment));
    let version = scene.family.get(&path).await.expect(200).number("/enrolment/version");
    let case_worker = scene.world.agent("92", "case_worker").await;
    let leave = |version: i64, reason: &str| json!({ "version": version, "reason": reason, "note": "Bonne route !" });
    case_worker
        .post(&format!("{path}/departure"), leave(version - 1, "moved_away"))
        .await
        .refused(409, "version.stale");
    let refused =
        case_worker.post(&format!("{path}/departure"), leave(version, "fled")).await.refused(422, "request.invalid");
    assert_eq!(refused.pointers(), ["/reason"]);
    let left = case_worker.post(&format!("{path}/departure"), leave(version, "moved_away")).await.expect(200);
    assert_eq!(left.text("/state"), "expired");
    case_worker
        .post(&format!("{path}/departure"), leave(version + 1, "moved_away"))
        .await
        .refused(409, "enrolment.transition");

    scene.debit("culture", 100).await.refused(409, "debit.refused");
    let wallets = scene.family.path(&format!("children/{}/wallets", scene.pupil.child));
    let wallets = scene.family.get(&wallets).await.expect(200);
    assert!(wallets.items().iter().all(|wallet| wallet["available_cents"] == 0), "{}", wallets.json);
    let card = scene.family.path(&format!("children/{}/card", scene.pupil.child));
    scene.family.get(&card).await.refused(404, "card.none");
    let letters = scene.world.letters_to(&scene.family.email).await;
    let told = letters.iter().find(|(subject, _)| subject == "Fin des droits").expect("a letter");
    assert!(
        told.1.contains("Ce message concerne Lou.")
            && told.1.contains("n'habite plus le département")
            && told.1.contains("Bonne route !"),
        "{}",
        told.1
    );
    let history = scene.family.get(&path).await.expect(200);
    assert_eq!(history.at("/history").as_array().unwrap().last().unwrap()["event"], "depart");
    let other = json!({ "version": version + 1, "reason": "other" });
    assert_eq!(
        case_worker.post(&format!("{path}/departure"), other).await.refused(422, "request.invalid").pointers(),
        ["/note"]
    );

    // A mistake: all is as it was, with another card.
    let undo = |version: i64| json!({ "version": version, "note": "Erreur de dossier." });
    case_worker.post(&format!("{path}/departure/undo"), undo(version)).await.refused(409, "version.stale");
    let back = case_worker.post(&format!("{path}/departure/undo"), undo(version + 1)).await.expect(200);
    assert_eq!(back.text("/state"), "active");
    case_worker.post(&format!("{path}/departure/undo"), undo(version + 2)).await.refused(409, "enrolment.transition");
    let card = scene.family.get(&card).await.expect(200);
    assert_ne!(card.text("/id"), scene.pupil.card_id);
    let body = crate::support::debit(&card.text("/code"), "culture", 100);
    scene.till.api.post_keyed("/v1/debits", &crate::support::key(), body).await.expect(201);
}

#[actix_web::test]
async fn a_request_that_left_before_it_had_rights_goes_back_to_its_family() {
    let world = World::start().await;
    let family = world.family("92").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    let (enrolment, version) = family.submit(&child, COLLEGE).await;
    let case_worker = world.agent("92", "case_worker").await;
    let path = family.path(&format!("enrolments/{enrolment}"));
    let left = json!({ "version": version, "reason": "left_college" });
    let left = case_worker.post(&format!("{path}/departure"), left).await.expect(200);
    // A derogation would be of no use to him.
    let derogation = json!({
        "child_id": child, "season": SEASON, "waives": "deadline", "reason": "Oubli.", "until": "2026-12-01",
    });
    case_worker.post("/v1/departments/92/derogations", derogation).await.refused(409, "enrolment.transition");
    let undo = json!({ "version": left.number("/version"), "note": "Erreur." });
    let back = case_worker.post(&format!("{path}/departure/undo"), undo).await.expect(200);
    assert_eq!(back.text("/state"), "refused");
    family.post(&format!("{path}/submit"), json!({ "version": back.number("/version") })).await.expect(200);
}

#[actix_web::test]
async fn a_pupil_who_waits_for_its_family_is_claimed_by_the_new_college_and_opens_with_the_familys_word() {
    let world = World::start().await;
    let family = world.family("92").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    let (enrolment, _) = family.draft(&child, COLLEGE).await;
    let mut conn = world.superuser("92");
    diesel::connection::SimpleConnection::batch_execute(
        &mut conn,
        &format!("update enrolments set state = 'to_confirm' where id = '{enrolment}'"),
    )
    .unwrap();
    let elsewhere = world.secretary(OTHER_COLLEGE).await;
    let arrival = json!({ "season": SEASON, "last_name": "MARTIN", "first_names": "lou", "birth_date": "2015-03-14", "level": "5e" });
    let arrived = elsewhere.api.post("/v1/departments/92/desk/arrivals", arrival).await.expect(200);
    assert_eq!((arrived.text("/state"), arrived.text("/level")), ("to_confirm".into(), "5e".into()));
    let word = rows(&mut conn, "select college_uai, level from enrolment_attestations");
    assert_eq!(json!(word), json!([{ "college_uai": OTHER_COLLEGE, "level": "5e" }]));
    let submitted = family
        .post(&family.path(&format!("enrolments/{enrolment}/submit")), json!({ "version": arrived.number("/version") }))
        .await
        .expect(200);
    assert_eq!(submitted.text("/state"), "active");
}

//! An accepted notice of scholarship gives the top-up once, whichever comes last: the proof or the rights.

use super::{accept, send};
use crate::support::Scene;
use serde_json::json;

async fn balances(scene: &Scene, child: &str) -> (i64, i64) {
    (scene.family.balance(child, "culture").await, scene.family.balance(child, "sport").await)
}

#[actix_web::test]
async fn a_notice_accepted_on_open_rights_tops_up_once() {
    let scene = Scene::set().await;
    let agent = scene.world.agent("92", "case_worker").await;
    let child = &scene.pupil.child;
    let other = send(&scene.family, child, "tax_notice").await;
    accept(&agent, &scene.family, &other).await.expect(200);
    assert_eq!(balances(&scene, child).await, (6_000, 2_000), "another proof gives nothing");
    let (first, second) = (
        send(&scene.family, child, "scholarship_notice").await,
        send(&scene.family, child, "scholarship_notice").await,
    );
    let (one, again, two) = tokio::join!(
        accept(&agent, &scene.family, &first),
        accept(&agent, &scene.family, &first),
        accept(&agent, &scene.family, &second)
    );
    let mut statuses = [one.status, again.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 409]);
    assert_eq!(balances(&scene, child).await, (7_000, 3_000));
    let letters = scene.world.letters_to(&scene.family.email).await;
    assert_eq!(letters.iter().filter(|(subject, _)| subject == "Complément boursier crédité").count(), 1);
    let path = scene.family.path(&format!("enrolments/{}", scene.pupil.enrolment));
    let version = scene.family.get(&path).await.expect(200).number("/enrolment/version");
    let by_hand = json!({ "evidence": "scholarship_notice", "version": version });
    agent.post(&format!("{path}/top-up"), by_hand).await.refused(409, "enrolment.topped_up");
}

#[actix_web::test]
async fn a_notice_accepted_before_the_rights_open_waits_for_them() {
    let scene = Scene::set().await;
    let agent = scene.world.agent("92", "case_worker").await;
    let child = scene.family.add_child("Noé", "2014-05-17").await;
    let notice = send(&scene.family, &child, "scholarship_notice").await;
    accept(&agent, &scene.family, &notice).await.expect(200);
    let (enrolment, version) = scene.family.submit(&child, &scene.secretary.college).await;
    scene.secretary.confirm(&enrolment, version).await;
    scene.world.work_off().await;
    assert_eq!(balances(&scene, &child).await, (7_000, 3_000));

    // Refused, it gives nothing.
    let child = scene.family.add_child("Ana", "2014-05-17").await;
    let notice = send(&scene.family, &child, "scholarship_notice").await;
    let refuse = json!({ "version": 1, "decision": "refuse", "reason": "expired" });
    agent.post(&super::decision_path(&scene.family, &notice), refuse).await.expect(200);
    let (enrolment, version) = scene.family.submit(&child, &scene.secretary.college).await;
    scene.secretary.confirm(&enrolment, version).await;
    scene.world.work_off().await;
    assert_eq!(balances(&scene, &child).await, (6_000, 2_000));

    // Accepted during a suspension, it gives when that ends.
    let path = scene.family.path(&format!("enrolments/{enrolment}"));
    let move_to = async |event: &str| {
        let version = scene.family.get(&path).await.expect(200).number("/enrolment/version");
        let body = json!({ "event": event, "version": version, "note": "Pièces revues." });
        agent.post(&format!("{path}/suspension"), body).await.expect(200);
    };
    move_to("suspend").await;
    let notice = send(&scene.family, &child, "scholarship_notice").await;
    accept(&agent, &scene.family, &notice).await.expect(200);
    assert_eq!(balances(&scene, &child).await, (6_000, 2_000));
    move_to("resume").await;
    assert_eq!(balances(&scene, &child).await, (7_000, 3_000));
}

#[actix_web::test]
async fn proof_and_rights_at_one_moment_meet() {
    let scene = Scene::set().await;
    let agent = scene.world.agent("92", "case_worker").await;
    for name in ["Noé", "Ana", "Zoé", "Eva", "Tom", "Léo"] {
        let child = scene.family.add_child(name, "2014-05-17").await;
        let notice = send(&scene.family, &child, "scholarship_notice").await;
        let (enrolment, version) = scene.family.submit(&child, &scene.secretary.college).await;
        let (accepted, ()) =
            tokio::join!(accept(&agent, &scene.family, &notice), scene.secretary.confirm(&enrolment, version));
        accepted.expect(200);
        scene.world.work_off().await;
        assert_eq!(balances(&scene, &child).await, (7_000, 3_000), "{name}");
    }
}

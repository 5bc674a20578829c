//! Requests that nobody decided end with their season, and with them what they were asked with.

use super::{
    MARTIN, Scene, benefits_grid, body, decide, desk, enrol, inquiry, letters, okafor, requests, steps, taxes,
};
use crate::documents::send;
use chrono::{DateTime, TimeDelta, Utc};
use passplus::{canteen::reduced_rates, worker};
use serde_json::{Value, json};

/// Lets time pass until that instant.
async fn wait_until(scene: &mut Scene, instant: &str) {
    let instant: DateTime<Utc> = instant.parse().unwrap();
    let time = instant.signed_duration_since(scene.world.app.db.server_now());
    scene.wait(time).await;
}

#[actix_web::test]
async fn what_nobody_decided_while_its_season_lasted_is_closed_and_the_family_told_once() {
    let mut scene = Scene::start().await;
    let mut children = vec![scene.child.clone()];
    for name in ["Noa", "Ada"] {
        let child = scene.family.add_child(name, "2014-05-17").await;
        enrol(&scene.world, &scene.family, &child);
        children.push(child);
    }
    let post = async |child: &String, fields: Value| {
        scene.family.post(&requests(), body(&[child], fields)).await.expect(201).text("/id")
    };
    let lost = post(&children[0], taxes(&[MARTIN])).await;
    scene.execute("update canteen_rate_requests set held_until = 'epoch'");
    assert_eq!(scene.world.repeat(reduced_rates::send_on_lost).await, 1);
    let asked = post(&children[1], taxes(&[MARTIN])).await;
    let waiting = post(&children[2], json!({ "by_document": true })).await;
    // On the last day they are open still, the oldest first, and all may happen.
    wait_until(&mut scene, "2027-08-31T21:30:00Z").await;
    assert_eq!(scene.world.repeat(reduced_rates::close_past).await, 0);
    let listed = scene.worker.get(&desk("")).await.expect(200);
    assert_eq!((listed.items().len(), listed.text("/items/0/id")), (3, lost.clone()));
    assert_eq!(listed.number("/items/0/waiting_days"), 320);
    // In Paris it is September: the worker's round closes them before it looks for leases that are over.
    wait_until(&mut scene, "2027-08-31T22:00:05Z").await;
    scene.family.post(&inquiry(&lost), taxes(&[MARTIN])).await.refused(409, "reduced_rate.transition");
    // Until then no agent decides any more either, whatever he would decide.
    for fields in [super::middle(), json!({ "nothing": "no_document" })] {
        decide(&scene.worker, &waiting, fields).await.refused(409, "reduced_rate.transition");
    }
    assert_eq!((scene.show(&waiting).await.text("/state"), scene.paid()), ("document_needed".into(), Value::Null));
    for _ in 0..2 {
        worker::do_round(&scene.world.app.db).await;
        worker::do_day(&scene.world.app.db).await;
    }
    assert_eq!(scene.world.repeat(reduced_rates::close_past).await, 0);
    for (id, before) in
        [(&lost, vec!["requested", "number_needed"]), (&asked, vec!["requested"]), (&waiting, vec!["requested"])]
    {
        let shown = scene.show(id).await;
        assert_eq!(
            (shown.text("/state"), steps(&shown)),
            ("expired".into(), [before, vec!["expired"]].concat().into_iter().map(str::to_owned).collect())
        );
        assert!(shown.text("/next_step").contains("La saison est terminée"), "{}", shown.json);
        decide(&scene.worker, id, super::middle()).await.refused(409, "reduced_rate.transition");
        scene.family.post(&inquiry(id), taxes(&[MARTIN])).await.refused(409, "reduced_rate.transition");
    }
    assert!(scene.worker.get(&desk("")).await.expect(200).items().is_empty());
    let told = letters(&scene.world, &scene.family.email).await;
    let closed: Vec<_> = told.iter().filter(|(subject, _)| subject == "Tarif réduit : demande close").collect();
    assert_eq!(closed.len(), 3, "one for each, once: {told:?}");
    assert!(closed.iter().all(|(_, body)| body.contains("2026-2027") && body.contains("n'a pas changé vos prix")));
    let journal = scene.value("select jsonb_agg(distinct object_id) from audit where action = 'reduced_rate_expired'");
    assert_eq!(journal.as_array().map(Vec::len), Some(3));
    // Their numbers are forgotten, and nobody was asked.
    assert_eq!((scene.ask().await, scene.authorities.calls().len()), (0, 0));
    let places: Vec<_> = std::iter::from_fn(|| scene.world.app.inquiries.reserve("92".parse().unwrap()).ok()).collect();
    assert_eq!(places.len(), 10_000);
    assert_eq!(scene.value("select count(*) from canteen_means"), json!(0));
}

#[actix_web::test]
async fn a_sealed_identity_is_forgotten_with_its_season() {
    let mut scene = Scene::with(benefits_grid()).await;
    let id = scene.family.post(&requests(), body(&[&scene.child], okafor())).await.expect(201).text("/id");
    wait_until(&mut scene, "2027-09-01T08:00:00Z").await;
    assert_eq!(scene.world.repeat(reduced_rates::close_past).await, 1);
    assert_eq!(scene.value("select count(identity_sealed) from canteen_rate_requests"), json!(0));
    assert_eq!((scene.ask().await, scene.authorities.calls().len()), (0, 0));
    let shown = scene.show(&id).await;
    assert_eq!((shown.text("/state"), shown.text("/closed_at").starts_with("2027-09-01")), ("expired".into(), true));
    // One whom the loop meets first is closed by it.
    let mut other = Scene::with(benefits_grid()).await;
    let id = other.family.post(&requests(), body(&[&other.child], okafor())).await.expect(201).text("/id");
    wait_until(&mut other, "2027-09-01T08:00:00Z").await;
    assert_eq!((other.ask().await, other.authorities.calls().len()), (1, 0));
    assert_eq!(other.show(&id).await.text("/state"), "expired");
    other.wait(TimeDelta::days(1)).await;
    assert_eq!(other.world.repeat(reduced_rates::close_past).await, 0);
}

fn leave(scene: &Scene, child: &str) {
    let sql = "update canteen_enrolments set state = 'ended', end_reason = 'at_familys_wish', ended_at = now() where person_id";
    scene.execute(&format!("{sql} = '{child}'"));
}

#[actix_web::test]
async fn a_request_ends_with_the_last_enrolment_of_its_children_and_so_does_what_was_sent_for_it() {
    let scene = Scene::start().await;
    let brother = scene.family.add_child("Noa", "2014-05-17").await;
    enrol(&scene.world, &scene.family, &brother);
    let fields = json!({ "by_document": true });
    let both = body(&[&scene.child, &brother], fields.clone());
    let id = scene.family.post(&requests(), both).await.expect(201).text("/id");
    let document = send(&scene.family, &brother, "tax_notice").await;
    leave(&scene, &scene.child);
    assert_eq!(scene.world.repeat(reduced_rates::close_left).await, 0, "one eats there still");
    leave(&scene, &brother);
    for _ in 0..2 {
        worker::do_round(&scene.world.app.db).await;
    }
    let shown = scene.show(&id).await;
    assert_eq!(
        (shown.text("/state"), steps(&shown)),
        ("left_canteen".into(), vec!["requested".into(), "left_canteen".into()])
    );
    assert!(shown.text("/next_step").starts_with("Plus aucun enfant de la demande n'est inscrit"), "{}", shown.json);
    let kept = format!(
        "select jsonb_build_array(state, (select count(*) from document_files)) from documents where id = '{document}'"
    );
    assert_eq!(scene.value(&kept), json!(["deleted", 0]));
    let told = letters(&scene.world, &scene.family.email).await;
    let closed: Vec<_> = told.iter().filter(|(subject, _)| subject == "Tarif réduit : demande close").collect();
    assert_eq!(closed.len(), 2, "one for each child, once: {told:?}");
    assert!(closed.iter().all(|(_, body)| body.contains("n'a plus d'objet") && body.contains("faites-en une autre")));
    decide(&scene.worker, &id, super::middle()).await.refused(409, "reduced_rate.transition");
    let again = scene.family.post(&requests(), body(&[&brother], fields.clone())).await;
    again.refused(409, "reduced_rate.not_enrolled");
    enrol(&scene.world, &scene.family, &brother);
    scene.family.post(&requests(), body(&[&brother], fields)).await.expect(201);
    assert_eq!(scene.world.repeat(reduced_rates::close_left).await, 0);
}

#[actix_web::test]
async fn nobody_is_asked_for_children_who_left_the_canteen() {
    for (grid, fields) in [(crate::canteen::grid(), taxes(&[MARTIN])), (benefits_grid(), okafor())] {
        let scene = Scene::with(grid).await;
        let id = scene.family.post(&requests(), body(&[&scene.child], fields)).await.expect(201).text("/id");
        leave(&scene, &scene.child);
        assert_eq!(scene.world.repeat(reduced_rates::close_left).await, 1);
        let kept =
            "select num_nonnulls(inquiry_id, held_until, identity_sealed, next_try_at) from canteen_rate_requests";
        assert_eq!((scene.show(&id).await.text("/state"), scene.value(kept)), ("left_canteen".into(), json!(0)));
        scene.ask().await;
        assert_eq!((scene.authorities.calls().len(), scene.value("select count(*) from canteen_means")), (0, json!(0)));
    }
}

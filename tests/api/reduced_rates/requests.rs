//! What a family asks for, and what comes of it when all goes well or as it should.

use super::{
    LEFEVRE, MARTIN, NOBODY, PETIT, Scene, benefits_grid, body, enrol, inquiry, letters, okafor, open_canteen, request,
    requests, steps, taxes,
};
use crate::{
    canteen::{changed, grid},
    support::{Service, World, field_at_fault},
};
use chrono::TimeDelta;
use passplus::canteen::reduced_rates;
use serde_json::{Value, json};

#[actix_web::test]
async fn a_ticked_request_is_asked_and_decided_at_once_with_its_explanation() {
    let scene = Scene::start().await;
    let made = scene.request(MARTIN).await.expect(201);
    let id = made.text("/id");
    assert_eq!((made.text("/state"), made.text("/way")), ("in_progress".into(), "tax_administration".into()));
    assert_eq!((steps(&made), made.at("/is_mine")), (vec!["requested".to_owned()], &json!(true)));
    assert!(made.text("/next_step").contains("vous n'avez rien à faire"));
    assert!(scene.authorities.calls().is_empty(), "nothing is asked within the request");
    assert_eq!(scene.ask().await, 1);
    let shown = scene.show(&id).await;
    assert_eq!((shown.text("/state"), shown.text("/source")), ("decided".into(), "tax_administration".into()));
    assert_eq!(steps(&shown), ["requested", "decided"]);
    let child = |field: &str| shown.number(&format!("/children/0/{field}"));
    assert_eq!((child("before/cents"), child("after/cents")), (700, 64));
    assert_eq!(shown.text("/children/0/after/starts_on"), "2026-10-15");
    assert_eq!(shown.text("/children/0/before/explained/steps/0/applied/because"), "not_requested");
    assert_eq!(
        shown.at("/children/0/after/explained/steps/0/applied"),
        &json!({ "rule": "tax_figures", "households": [{ "rfr_euros": 0, "parts": 4 }] })
    );
    assert_eq!((shown.number("/income_year"), scene.paid()), (2025, json!(64)));
    assert_eq!(shown.text("/income_year_note"), "Le tarif est calculé sur les revenus de 2025.");
    assert!(shown.text("/closed_at").starts_with("2026-10-15"));
    // Nothing more is asked, and the trace holds no data.
    assert_eq!(scene.ask().await, 0);
    let trace = scene.value("select jsonb_agg(to_jsonb(c) - 'id' - 'at' - 'duration_ms') from authority_calls c");
    let expected = json!([{ "authority": "api_impot_particulier", "operation": "income", "enrolment_id": null, "request_id": id,
                            "outcome": "found", "error_code": null }]);
    assert_eq!(trace, expected);
    let means = scene.value("select jsonb_build_array(request_id, source, starts_on, decided_by) from canteen_means");
    assert_eq!(means, json!([id, "tax_administration", "2026-10-15", null]));
    let told = letters(&scene.world, &scene.family.email).await;
    let subjects: Vec<&str> = told.iter().map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(subjects, ["Demande de tarif réduit enregistrée", "Tarif de la cantine décidé"]);
    for part in ["Lou", "Prix avant : 7,00 €", "15/10/2026 : 0,64 €", "revenus de 2025", "dans votre espace"] {
        assert!(told[1].1.contains(part), "{part}: {}", told[1].1);
    }
    let journal =
        scene.world.administrator.get(&format!("/v1/departments/92/journal?object_id={id}")).await.expect(200);
    let actions: Vec<&str> = journal.items().iter().map(|line| line["action"].as_str().unwrap()).collect();
    for action in ["reduced_rate_requested", "reduced_rate_answered", "reduced_rate_decided"] {
        assert!(actions.contains(&action), "{action} is not in {actions:?}");
    }
    let listed = scene.family.get(&requests()).await.expect(200);
    assert_eq!((listed.items().len(), listed.text("/items/0/id")), (1, id));
}

#[actix_web::test]
async fn one_request_serves_brothers_and_sisters_and_asks_once() {
    let scene = Scene::start().await;
    let other = scene.family.add_child("Noa", "2014-05-17").await;
    enrol(&scene.world, &scene.family, &other);
    let body = body(&[&scene.child, &other], taxes(&[MARTIN]));
    let id = scene.family.post(&requests(), body.clone()).await.expect(201).text("/id");
    scene.family.post(&requests(), body).await.refused(409, "reduced_rate.already_asked");
    assert_eq!(scene.ask().await, 1);
    let shown = scene.show(&id).await;
    for child in shown.at("/children").as_array().unwrap() {
        assert_eq!((&child["before"]["cents"], &child["after"]["cents"]), (&json!(700), &json!(64)), "{child}");
    }
    let told = letters(&scene.world, &scene.family.email).await;
    assert_eq!(told.len(), 4);
    assert!(told.iter().any(|(_, body)| body.contains("Noa")));
    // Another year's figures may be asked for once this is decided.
    scene.requested(LEFEVRE).await;
}

#[actix_web::test]
async fn figures_of_the_year_before_are_said_to_be_so() {
    let scene = Scene::start().await;
    let id = scene.requested(PETIT).await;
    assert_eq!(scene.ask().await, 2);
    let shown = scene.show(&id).await;
    assert_eq!((shown.text("/state"), shown.number("/income_year")), ("decided".into(), 2024));
    let note = shown.text("/income_year_note");
    assert!(note.contains("ne connaît pas encore les revenus de 2025") && note.contains("ceux de 2024"), "{note}");
    let told = letters(&scene.world, &scene.family.email).await;
    assert!(told[1].1.contains(&note), "{}", told[1].1);
}

#[actix_web::test]
async fn two_households_are_two_calls_and_one_that_is_missing_is_never_forgotten() {
    let scene = Scene::start().await;
    let two = body(&[&scene.child], taxes(&[LEFEVRE, PETIT]));
    let path = |spi: &str| format!("/impotparticulier/1.0/spi/{spi}");
    // One of two notices is a couple's: half an income is no answer.
    let id = scene.family.post(&requests(), two).await.expect(201).text("/id");
    scene.authorities.fault(json!({ "path": path(LEFEVRE.0), "body": { "rfr": 10_000, "nbPart": 1, "sitFam": "M" } }));
    assert_eq!(scene.ask().await, 1);
    let shown = scene.show(&id).await;
    assert_eq!(shown.text("/state"), "document_needed");
    assert!(shown.text("/next_step").contains("les deux avis d'impôt"), "{}", shown.json);
    assert!(shown.text("/because").contains("d'un seul des deux"), "{}", shown.json);
    assert_eq!(scene.value("select count(*) from canteen_means"), json!(0));
    // Both are known.
    scene
        .authorities
        .fault(json!({ "path": "/impotparticulier", "body": { "rfr": 12_000, "nbPart": 1.25, "sitFam": "C" } }));
    scene.family.post(&inquiry(&id), taxes(&[LEFEVRE, PETIT])).await.expect(200);
    assert_eq!(scene.ask().await, 2);
    let shown = scene.show(&id).await;
    assert_eq!(shown.number("/children/0/after/cents"), 280, "{}", shown.json);
    assert_eq!(
        shown.at("/children/0/after/explained/steps/0/applied/households"),
        &json!([{ "rfr_euros": 24_000, "parts": 2.5 }])
    );
}

#[actix_web::test]
async fn a_request_that_lacks_something_is_refused_and_records_nothing() {
    let scene = Scene::start().await;
    let (child, family) = (scene.child.as_str(), &scene.family);
    let post = async |fields: Value| family.post(&requests(), body(&[child], fields)).await;
    let with = |more: Value| {
        let mut fields = taxes(&[MARTIN]);
        for (name, value) in more.as_object().unwrap() {
            fields[name] = value.clone();
        }
        fields
    };
    for (fields, pointer) in [
        (with(json!({ "accepted": false })), "/accepted"),
        (with(json!({ "by_document": true })), "/taxpayers"),
        (with(okafor()), "/taxpayers"),
        (json!({}), "/taxpayers"),
        (with(json!({ "tax_households": 2 })), "/tax_households"),
        (with(json!({ "tax_households": null })), "/tax_households"),
        (json!({ "by_document": true, "tax_households": 1 }), "/tax_households"),
        (taxes(&[MARTIN, MARTIN]), "/taxpayers/1/tax_number"),
        (taxes(&[MARTIN, LEFEVRE, PETIT]), "/taxpayers"),
        (taxes(&[("00708123456", "Martin")]), "/taxpayers/0/tax_number"),
        (with(json!({ "child_ids": [] })), "/child_ids"),
        (with(json!({ "child_ids": [child, child] })), "/child_ids"),
        (with(json!({ "text_version": "Été" })), "/text_version"),
        (okafor(), "/beneficiary"),
    ] {
        field_at_fault(post(fields).await, pointer);
    }
    let other = scene.world.family("92").await;
    let stranger = other.add_child("Ada", "2014-05-17").await;
    post(with(json!({ "child_ids": [stranger] }))).await.refused(404, "not_found");
    let brother = family.add_child("Noa", "2014-05-17").await;
    post(with(json!({ "child_ids": [brother] }))).await.refused(409, "reduced_rate.not_enrolled");
    let reader = scene.world.guardian(family, "consult").await;
    reader.post(&requests(), body(&[child], taxes(&[MARTIN]))).await.refused(403, "guardian.consult_only");
    assert_eq!(scene.value("select count(*) from canteen_rate_requests"), json!(0));
    assert_eq!((scene.ask().await, scene.authorities.calls().len()), (0, 0));
    // No tariff, no request; one price for all, none either.
    scene.execute("delete from canteen_grids");
    scene.request(MARTIN).await.refused(404, "tariff.none");
    let fixed =
        changed(json!({ "base": { "kind": "fixed", "price_cents": 480 }, "maximum_cents": null, "statuses": [] }));
    scene.execute("delete from canteen_services; delete from canteen_colleges");
    open_canteen(&scene.world, &fixed);
    scene.request(MARTIN).await.refused(409, "reduced_rate.none");
}

#[actix_web::test]
async fn a_department_that_asks_nobody_takes_documents() {
    let world = World::of(Service::start().await).await;
    open_canteen(&world, &grid());
    let family = world.family("92").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    enrol(&world, &family, &child);
    family.post(&requests(), body(&[&child], taxes(&[MARTIN]))).await.refused(409, "authority.off");
    family.post(&requests(), body(&[&child], okafor())).await.refused(409, "authority.off");
    let made = family.post(&requests(), body(&[&child], json!({ "by_document": true }))).await.expect(201);
    assert_eq!((made.text("/state"), made.text("/way")), ("document_needed".into(), "document".into()));
    assert!(made.text("/next_step").contains("votre avis d'impôt"));
}

#[actix_web::test]
async fn a_wrong_number_is_given_again_some_times_and_not_for_ever() {
    let scene = Scene::start().await;
    let id = scene.requested(NOBODY).await;
    scene.ask().await;
    let shown = scene.show(&id).await;
    assert_eq!(shown.text("/state"), "document_needed");
    assert!(shown.text("/because").contains("aucun dossier"), "{}", shown.json);
    scene.family.post(&inquiry(&id), taxes(&[MARTIN, LEFEVRE])).await.expect(422);
    for _ in 0..4 {
        let again = scene.family.post(&inquiry(&id), taxes(&[NOBODY])).await.expect(200);
        assert_eq!(again.text("/state"), "in_progress");
        scene.family.post(&inquiry(&id), taxes(&[NOBODY])).await.refused(409, "reduced_rate.transition");
        scene.ask().await;
    }
    scene.family.post(&inquiry(&id), taxes(&[MARTIN])).await.refused(409, "reduced_rate.too_many");
    // Another guardian's tick is not his.
    let other = scene.world.guardian(&scene.family, "full").await;
    other.post(&inquiry(&id), taxes(&[MARTIN])).await.refused(403, "auth.forbidden");
    let stranger = scene.world.family("92").await;
    stranger.post(&inquiry(&id), taxes(&[MARTIN])).await.refused(404, "not_found");
}

#[actix_web::test]
async fn a_number_lost_with_its_process_is_asked_for_again() {
    let mut scene = Scene::start().await;
    let elsewhere = scene.world.other_process().with_token(scene.family.token.as_ref().unwrap());
    let fields = body(&[&scene.child], taxes(&[MARTIN]));
    let id = elsewhere.post(&requests(), fields).await.expect(201).text("/id");
    // That process never asks, and says no more that it is there.
    assert_eq!(scene.ask().await, 0);
    scene.wait(TimeDelta::minutes(9)).await;
    assert_eq!(scene.world.repeat(reduced_rates::send_on_lost).await, 0);
    scene.wait(TimeDelta::minutes(2)).await;
    assert_eq!(scene.world.repeat(reduced_rates::send_on_lost).await, 1);
    let shown = scene.show(&id).await;
    assert_eq!(shown.text("/state"), "number_needed");
    assert!(shown.text("/next_step").contains("Donnez de nouveau votre numéro fiscal"));
    let told = letters(&scene.world, &scene.family.email).await;
    assert_eq!(told[1].0, "Tarif réduit : numéro fiscal à donner de nouveau");
    scene.family.post(&inquiry(&id), taxes(&[MARTIN])).await.expect(200);
    assert_eq!(scene.ask().await, 1);
    let shown = scene.show(&id).await;
    assert_eq!(steps(&shown), ["requested", "number_needed", "number_given", "decided"]);
    assert_eq!(shown.number("/children/0/after/cents"), 64);
}

#[actix_web::test]
async fn a_process_that_is_there_keeps_its_questions_however_long_it_takes() {
    let mut scene = Scene::start().await;
    let id = scene.requested(MARTIN).await;
    scene.authorities.fault(json!({ "status": 502 }));
    for _ in 0..6 {
        scene.ask().await;
        assert_eq!(scene.world.repeat(reduced_rates::send_on_lost).await, 0);
        scene.wait(TimeDelta::minutes(9)).await;
    }
    scene.authorities.fault(Value::Null);
    scene.forget_failures();
    scene.wait(TimeDelta::hours(1)).await;
    scene.ask().await;
    assert_eq!(steps(&scene.show(&id).await), ["requested", "unavailable", "decided"]);
}

#[actix_web::test]
async fn a_full_queue_says_so_and_records_nothing() {
    let scene = Scene::start().await;
    let inquiries = &scene.world.app.inquiries;
    let mut places = vec![];
    while let Ok(place) = inquiries.reserve("92".parse().unwrap()) {
        places.push(place);
    }
    assert_eq!(places.len(), 10_000);
    let refused = scene.request(MARTIN).await.refused(503, "service.busy");
    assert_eq!(refused.headers["retry-after"], "60");
    assert_eq!(scene.value("select count(*) from canteen_rate_requests"), json!(0));
    drop(places);
    scene.requested(MARTIN).await;
}

#[actix_web::test]
async fn a_request_is_withdrawn_before_its_decision_and_then_nobody_is_asked() {
    let scene = Scene::start().await;
    let id = scene.requested(MARTIN).await;
    let path = format!("{}/withdraw", request(&id));
    scene.world.family("92").await.post(&path, json!({})).await.refused(404, "not_found");
    scene
        .world
        .guardian(&scene.family, "consult")
        .await
        .post(&path, json!({}))
        .await
        .refused(403, "guardian.consult_only");
    let gone = scene.family.post(&path, json!({})).await.expect(200);
    assert_eq!((gone.text("/state"), steps(&gone)), ("withdrawn".into(), vec!["requested".into(), "withdrawn".into()]));
    scene.family.post(&path, json!({})).await.refused(409, "reduced_rate.transition");
    scene.ask().await;
    assert!(scene.authorities.calls().is_empty());
    // Another one may be made.
    let id = scene.requested(MARTIN).await;
    scene.ask().await;
    scene.family.post(&format!("{}/withdraw", request(&id)), json!({})).await.refused(409, "reduced_rate.transition");
}

#[actix_web::test]
async fn the_caf_or_the_msa_is_asked_where_the_grid_wants_it_and_its_question_survives_a_crash() {
    let mut scene = Scene::with(benefits_grid()).await;
    let child = scene.child.clone();
    let api = scene.family.api.clone();
    let post = async |fields: Value| api.post(&requests(), body(&[&child], fields)).await;
    field_at_fault(post(taxes(&[MARTIN])).await, "/taxpayers");
    for (field, value, pointer) in [
        ("birth_place", json!({}), "/beneficiary/birth_place"),
        ("birth_place", json!({ "commune_name": "Nanterre" }), "/beneficiary/birth_place"),
        ("birth_date", json!("2026-10-16"), "/beneficiary/birth_date"),
        ("birth_date", json!("1899-12-31"), "/beneficiary/birth_date"),
    ] {
        let mut fields = okafor();
        fields["beneficiary"][field] = value;
        field_at_fault(post(fields).await, pointer);
    }
    let id = post(okafor()).await.expect(201).text("/id");
    assert_eq!(scene.value("select identity_sealed is not null from canteen_rate_requests"), json!(true));
    // A process took it in hand and ended before the answer.
    scene.execute(
        "update canteen_rate_requests set call_id = gen_random_uuid(), attempts = 1, next_try_at = next_try_at + interval '60 s'",
    );
    assert_eq!(scene.ask().await, 0);
    scene.wait(TimeDelta::seconds(61)).await;
    assert_eq!(scene.ask().await, 1);
    let shown = scene.show(&id).await;
    assert_eq!((shown.text("/state"), shown.text("/source")), ("decided".into(), "family_benefits".into()));
    assert_eq!(shown.text("/income_year_note"), "Le quotient familial est celui de 10/2026.");
    assert_eq!(shown.number("/children/0/after/cents"), 64, "a zero that is told is zero");
    assert_eq!(scene.value("select identity_sealed is null from canteen_rate_requests"), json!(true));
    let trace = scene.value("select jsonb_agg(jsonb_build_array(authority, operation, outcome)) from authority_calls");
    assert_eq!(trace, json!([["api_particulier", "family_quotient", "computed"]]));
}

#[actix_web::test]
async fn an_identity_is_not_kept_for_an_administration_that_never_answers() {
    let mut scene = Scene::with(benefits_grid()).await;
    let id = scene.family.post(&requests(), body(&[&scene.child], okafor())).await.expect(201).text("/id");
    scene.wait(TimeDelta::days(7)).await;
    scene.wait(TimeDelta::minutes(1)).await;
    assert_eq!(scene.world.repeat(reduced_rates::send_on_lost).await, 1);
    let shown = scene.show(&id).await;
    assert_eq!(shown.text("/state"), "document_needed");
    assert!(shown.text("/because").contains("n'a pas répondu à temps"), "{}", shown.json);
    assert_eq!(scene.value("select identity_sealed is null from canteen_rate_requests"), json!(true));
    let told = letters(&scene.world, &scene.family.email).await;
    assert_eq!(told[1].0, "Tarif réduit : document à envoyer");
}

#[actix_web::test]
async fn a_child_who_left_the_canteen_meanwhile_pays_nothing_and_what_is_known_waits() {
    let scene = Scene::start().await;
    let id = scene.requested(MARTIN).await;
    scene.execute("update canteen_enrolments set state = 'ended', end_reason = 'at_familys_wish', ended_at = now()");
    scene.ask().await;
    let shown = scene.show(&id).await;
    assert_eq!((shown.text("/state"), shown.json["children"][0].get("after")), ("decided".into(), None));
    assert_eq!(scene.value("select count(*) from canteen_means"), json!(1));
    assert_eq!(scene.value("select count(*) from canteen_rates"), json!(0));
}

#[actix_web::test]
async fn a_price_that_no_grid_gives_any_more_is_an_agents_matter() {
    let scene = Scene::start().await;
    let id = scene.requested(MARTIN).await;
    scene.execute("delete from canteen_grids");
    scene.ask().await;
    let shown = scene.show(&id).await;
    assert_eq!(shown.text("/state"), "document_needed", "{}", shown.json);
    assert_eq!(scene.value("select count(*) from canteen_means"), json!(0));
}

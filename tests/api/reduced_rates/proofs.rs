//! Tax notices of a request: said to be there as soon as they are, what a decision rests on, and gone with it.

use super::{
    MARTIN, NOBODY, SEEN, Scene, benefits_grid, body, decide, desk, enrol, letters, okafor, request, requests, taxes,
};
use crate::{
    documents::send,
    support::{field_at_fault, key},
};
use serde_json::{Value, json};

/// Means of 800 € a month, read on these documents.
fn read_on(documents: &[&str]) -> Value {
    json!({ "households": [{ "rfr_euros": 24_000, "parts": 2.5 }], "income_year": 2025, "document_ids": documents })
}

async fn by_document(scene: &Scene) -> String {
    let fields = json!({ "by_document": true });
    scene.family.post(&requests(), body(&[&scene.child], fields)).await.expect(201).text("/id")
}

/// Files of documents that lie in the department.
fn files(scene: &Scene) -> Value {
    scene.value("select count(*) from document_files")
}

/// What became of a document.
fn end_of(scene: &Scene, document: &str) -> Value {
    let kept = "jsonb_build_array(state, decided_by is not null, deletion_reason)";
    scene.value(&format!("select {kept} from documents where id = '{document}'"))
}

#[actix_web::test]
async fn a_notice_that_came_is_said_to_wait_and_is_gone_with_the_decision_that_rests_on_it() {
    let scene = Scene::start().await;
    let id = scene.requested(NOBODY).await;
    scene.ask().await;
    let shown = scene.show(&id).await;
    assert!(shown.text("/next_step").starts_with("Envoyez votre avis d'impôt"), "{}", shown.json);
    assert_eq!(shown.at("/documents"), &json!([]));
    let document = send(&scene.family, &scene.child, "tax_notice").await;
    let waits = "Un justificatif est reçu et attend d'être lu par un agent : vous n'avez rien à faire.";
    let other = scene.world.guardian(&scene.family, "consult").await;
    let listed = scene.worker.get(&desk("")).await.expect(200);
    assert_eq!(
        (listed.text("/items/0/next_step"), listed.at("/items/0/document_ids")),
        (waits.into(), &json!([document]))
    );
    for shown in [
        scene.show(&id).await,
        other.get(&request(&id)).await.expect(200),
        scene.worker.get(&desk(&format!("/{id}"))).await.expect(200),
    ] {
        assert_eq!((shown.text("/state"), shown.text("/next_step")), ("document_needed".into(), waits.into()));
        assert_eq!(
            (shown.text("/documents/0/id"), shown.text("/documents/0/state")),
            (document.clone(), "received".into())
        );
        assert_eq!(shown.text("/documents/0/received_at"), listed.text("/items/0/document_received_at"));
    }
    let done = decide(&scene.worker, &id, read_on(&[&document])).await.expect(200);
    assert_eq!((done.text("/state"), done.at("/document_ids")), ("decided".into(), &json!([])));
    assert_eq!((end_of(&scene, &document), files(&scene)), (json!(["accepted", true, null]), json!(0)));
    for shown in [scene.show(&id).await, other.get(&request(&id)).await.expect(200)] {
        assert!(
            shown.text("/next_step").ends_with("Le justificatif envoyé est effacé de nos serveurs."),
            "{}",
            shown.json
        );
        assert_eq!(shown.text("/documents/0/state"), "accepted");
        assert_eq!(shown.text("/documents/0/closed_at"), shown.text("/closed_at"));
    }
    let told = scene.world.letters_to(&scene.family.email).await;
    assert!(told.iter().any(|(subject, body)| subject == "Document accepté" && body.contains("effacé")), "{told:?}");
    let journal =
        scene.world.administrator.get(&format!("/v1/departments/92/journal?object_id={id}")).await.expect(200);
    let decided = journal.items().iter().find(|line| line["action"] == "reduced_rate_decided").unwrap().clone();
    assert_eq!(decided["details"]["document_ids"], json!([document]));
    // A later request begins without it.
    let next = by_document(&scene).await;
    assert_eq!(scene.show(&next).await.at("/documents"), &json!([]));
}

#[actix_web::test]
async fn a_decision_by_document_rests_on_one_of_the_file_or_on_a_word_about_what_was_seen() {
    let scene = Scene::start().await;
    let id = by_document(&scene).await;
    let one = json!({ "rfr_euros": 24_000, "parts": 2.5 });
    let stranger = scene.world.family("92").await;
    let child = stranger.add_child("Ada", "2014-05-17").await;
    let foreign = send(&stranger, &child, "tax_notice").await;
    let wrong_kind = send(&scene.family, &scene.child, "proof_of_address").await;
    let withdrawn = send(&scene.family, &scene.child, "tax_notice").await;
    scene.family.delete(&scene.family.path(&format!("documents/{withdrawn}"))).await.expect(204);
    let notice = send(&scene.family, &scene.child, "tax_notice").await;
    let nobodys = key();
    for (fields, pointer) in [
        (json!({ "households": [one], "income_year": 2025 }), "/document_ids"),
        (json!({ "quotient_cents": 80_000 }), "/document_ids"),
        (json!({ "statuses": ["rsa"] }), "/document_ids"),
        (json!({ "households": [one], "income_year": 2025, "note": "" }), "/note"),
        (read_on(&[&nobodys]), "/document_ids/0"),
        (read_on(&[&foreign]), "/document_ids/0"),
        (read_on(&[&notice, &wrong_kind]), "/document_ids/1"),
        (read_on(&[&withdrawn]), "/document_ids/0"),
        (read_on(&[&notice, &notice]), "/document_ids"),
        (json!({ "households": [one], "income_year": 2025, "document_ids": ["x"] }), "/document_ids/0"),
        (json!({ "nothing": "illegible", "document_ids": [notice] }), "/document_ids"),
    ] {
        field_at_fault(decide(&scene.worker, &id, fields).await, pointer);
    }
    // Nothing of it is half done.
    assert_eq!(
        (end_of(&scene, &notice), end_of(&scene, &foreign)),
        (json!(["received", false, null]), json!(["received", false, null]))
    );
    assert_eq!(scene.value("select count(*) from canteen_means"), json!(0));
    let other = scene.world.guardian(&scene.family, "consult").await;
    let seen = json!({ "households": [one], "income_year": 2025, "note": SEEN });
    let done = decide(&scene.worker, &id, seen).await.expect(200);
    assert_eq!((done.text("/seen"), done.number("/children/0/after/cents")), (SEEN.into(), 280));
    assert_eq!(scene.show(&id).await.text("/seen"), SEEN);
    assert_eq!(
        other.get(&request(&id)).await.expect(200).json.get("seen"),
        None,
        "whose notice it was is not his business"
    );
    // The notice that nobody read for it has no use any more; the other proofs stay what they were.
    assert_eq!(end_of(&scene, &notice), json!(["deleted", false, "not_needed"]));
    assert_eq!(end_of(&scene, &wrong_kind), json!(["received", false, null]));
    let shown = scene.show(&id).await;
    assert!(shown.text("/documents/1/explanation").contains("close sans lui"), "{}", shown.json);
    let told = scene.world.letters_to(&scene.family.email).await;
    assert!(
        told.iter().any(|(subject, body)| subject == "Document effacé" && body.contains("close sans lui")),
        "{told:?}"
    );
}

#[actix_web::test]
async fn at_the_desk_of_documents_a_notice_is_refused_and_never_accepted_without_its_request() {
    let scene = Scene::start().await;
    let id = by_document(&scene).await;
    let document = send(&scene.family, &scene.child, "tax_notice").await;
    let path = |id: &str| scene.family.path(&format!("agents-desk/documents/{id}/decision"));
    let accept = json!({ "version": 1, "decision": "accept" });
    scene.worker.post(&path(&document), accept.clone()).await.refused(409, "document.of_rate_request");
    decide(&scene.worker, &id, read_on(&[&document])).await.expect(200);
    assert_eq!(scene.paid(), json!(280));
    // One that nobody asked for is accepted there, and proves nothing for a request that comes after it.
    let early = send(&scene.family, &scene.child, "tax_notice").await;
    scene.worker.post(&path(&early), accept).await.expect(200);
    let next = by_document(&scene).await;
    for document in [&document, &early] {
        field_at_fault(decide(&scene.worker, &next, read_on(&[document])).await, "/document_ids/0");
    }
    let refused = send(&scene.family, &scene.child, "tax_notice").await;
    let refuse = json!({ "version": 1, "decision": "refuse", "reason": "illegible" });
    scene.worker.post(&path(&refused), refuse).await.expect(200);
    field_at_fault(decide(&scene.worker, &next, read_on(&[&refused])).await, "/document_ids/0");
    assert_eq!(scene.show(&next).await.text("/documents/0/refusal_reason"), "illegible");
}

#[actix_web::test]
async fn a_notice_sent_meanwhile_goes_with_the_administrations_answer() {
    for (grid, fields) in [(crate::canteen::grid(), taxes(&[MARTIN])), (benefits_grid(), okafor())] {
        let scene = Scene::with(grid).await;
        let id = scene.family.post(&requests(), body(&[&scene.child], fields)).await.expect(201).text("/id");
        let document = send(&scene.family, &scene.child, "tax_notice").await;
        let brother = scene.family.add_child("Noa", "2014-05-17").await;
        let brothers = send(&scene.family, &brother, "tax_notice").await;
        let shown = scene.show(&id).await;
        assert!(shown.text("/next_step").starts_with("Un justificatif est reçu"), "{}", shown.json);
        assert_eq!(scene.ask().await, 1);
        let shown = scene.show(&id).await;
        assert_eq!((shown.text("/state"), shown.text("/documents/0/state")), ("decided".into(), "deleted".into()));
        assert_eq!(end_of(&scene, &document), json!(["deleted", false, "not_needed"]));
        assert_eq!(
            end_of(&scene, &brothers),
            json!(["received", false, null]),
            "another child's is not for this request"
        );
    }
}

#[actix_web::test]
async fn whose_notice_goes_with_the_request_of_another_guardian_is_told_so() {
    let scene = Scene::start().await;
    let id = scene.requested(MARTIN).await;
    let other = scene.world.guardian(&scene.family, "full").await;
    let document = send(&other, &scene.child, "tax_notice").await;
    assert_eq!(scene.ask().await, 1);
    assert_eq!(scene.show(&id).await.text("/state"), "decided");
    assert_eq!(end_of(&scene, &document), json!(["deleted", false, "not_needed"]));
    for (email, is_his) in [(&other.email, true), (&scene.family.email, false)] {
        let told = scene.world.letters_to(email).await;
        let bodies: Vec<_> =
            told.iter().filter(|(subject, _)| subject == "Document effacé").map(|(_, body)| body).collect();
        assert_eq!(bodies.len(), 1, "{told:?}");
        assert!(bodies[0].contains("Ce message concerne Lou."), "{bodies:?}");
        assert_eq!(
            bodies[0].contains("une demande d'un autre responsable de l'enfant, qui est close"),
            is_his,
            "{bodies:?}"
        );
        assert_eq!(bodies[0].contains("close sans lui"), !is_his, "{bodies:?}");
    }
}

#[actix_web::test]
async fn who_sent_a_notice_already_is_not_asked_for_it() {
    let scene = Scene::start().await;
    let other = scene.family.add_child("Noa", "2014-05-17").await;
    enrol(&scene.world, &scene.family, &other);
    // Before the request, by itself.
    send(&scene.family, &scene.child, "tax_notice").await;
    let id = scene.requested(NOBODY).await;
    scene.ask().await;
    let shown = scene.show(&id).await;
    assert_eq!(shown.text("/state"), "document_needed");
    assert!(shown.text("/next_step").starts_with("Un justificatif est reçu"), "{}", shown.json);
    let told = letters(&scene.world, &scene.family.email).await;
    assert_eq!(told[1].0, "Tarif réduit : votre justificatif sera lu");
    assert!(!told[1].1.contains("Envoyez votre avis"), "{}", told[1].1);
    // Of two households one notice may be half of it.
    let two = body(&[&other], taxes(&[NOBODY, MARTIN]));
    let id = scene.family.post(&requests(), two).await.expect(201).text("/id");
    scene.ask().await;
    send(&scene.family, &other, "tax_notice").await;
    let shown = scene.show(&id).await;
    assert!(shown.text("/next_step").contains("Si celui de l'autre parent n'y est pas"), "{}", shown.json);
}

//! The agents' queue, one decision a document, what families are told, and what time takes away.

use super::{accept, decision_path, desk, file, files_at_rest, inspect, listed, send};
use crate::support::{COLLEGE, Family, OUTSIDE_COLLEGE, SEASON, days, field_at_fault, key};
use serde_json::{Value, json};

async fn queue(agent: &crate::support::Api, query: &str) -> (Vec<String>, Option<String>) {
    let page = agent.get(&format!("/v1/departments/92/agents-desk/documents{query}")).await.expect(200);
    let ids = page.items().iter().map(|row| row["document"]["id"].as_str().unwrap().to_owned()).collect();
    (ids, page.json["next_cursor"].as_str().map(str::to_owned))
}

#[actix_web::test]
async fn the_longest_waiting_comes_first_and_leaves_the_queue_with_its_decision() {
    let (world, family, child, agent) = desk().await;
    let first = send(&family, &child, "proof_of_address").await;
    let second = send(&family, &child, "scholarship_notice").await;
    let third = send(&family, &child, "proof_of_address").await;
    assert_eq!(queue(&agent, "").await.0, [first.clone(), second.clone(), third.clone()]);
    assert_eq!(queue(&agent, "?kind=proof_of_address").await.0, [first.clone(), third.clone()]);
    let (page, cursor) = queue(&agent, "?limit=2").await;
    assert_eq!(page, [first.clone(), second.clone()]);
    assert_eq!(queue(&agent, &format!("?limit=2&cursor={}", cursor.unwrap())).await, (vec![third], None));
    let shown = agent.get("/v1/departments/92/agents-desk/documents?limit=1").await.expect(200);
    assert_eq!(shown.at("/items/0/first_names"), "Lou");
    assert_eq!(shown.at("/items/0/birth_date"), "2015-03-14");

    inspect(&agent, &family, &first).await.expect(200);
    let decided = accept(&agent, &family, &first).await.expect(200);
    assert_eq!((decided.text("/state"), decided.number("/version")), ("accepted".to_owned(), 2));
    inspect(&agent, &family, &first).await.refused(404, "not_found");
    file(&family, &family, &first).await.refused(404, "not_found");
    assert_eq!(files_at_rest(&world).len(), 2);
    assert_eq!(queue(&agent, "").await.0.len(), 2);

    let refuse = json!({ "version": 1, "decision": "refuse", "reason": "expired", "note": "Il date de 2019." });
    let refused = agent.post(&decision_path(&family, &second), refuse).await.expect(200);
    assert!(refused.text("/explanation").contains("périmé"));
    let rows = listed(&family, &child).await;
    let row = rows.iter().find(|row| row["id"] == json!(second)).unwrap();
    assert_eq!((&row["state"], &row["refusal_note"]), (&json!("refused"), &json!("Il date de 2019.")));
    let letters = world.letters_to(&family.email).await;
    let told: Vec<&str> = letters.iter().rev().take(2).map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(told, ["Document à renvoyer", "Document accepté"]);
    let (_, letter) = letters.last().unwrap();
    for said in ["Notification de bourse", "périmé", "Il date de 2019.", "effacé"] {
        assert!(letter.contains(said), "{said}: {letter}");
    }
    // What stays: the decision, its author, its date and the file's keyed hash.
    let kept = crate::support::call(
        &mut world.superuser("92"),
        &format!("(select to_jsonb(d) from documents d where id = '{second}')"),
    )
    .unwrap();
    let by = agent.get("/v1/me").await.text("/account_id");
    assert_eq!((&kept["decided_by"], kept["closed_at"].is_string()), (&json!(by), true));
    assert_eq!(kept["content_hash"].as_str().map(str::len), Some(66));
    let journal = world.administrator.get(&format!("/v1/departments/92/journal?object_id={second}")).await.expect(200);
    let line = journal.items().iter().find(|line| line["action"] == "document_refused").unwrap();
    assert_eq!(line["details"], json!({ "kind": "scholarship_notice", "reason": "expired" }));
}

#[actix_web::test]
async fn two_agents_on_one_document_decide_once() {
    let (world, family, child, agent) = desk().await;
    let other = world.agent("92", "case_worker").await;
    for _ in 0..4 {
        let id = send(&family, &child, "proof_of_address").await;
        let path = decision_path(&family, &id);
        let own = family.path(&format!("documents/{id}"));
        let refuse = json!({ "version": 1, "decision": "refuse", "reason": "illegible" });
        let (one, two, withdrawn) =
            tokio::join!(accept(&agent, &family, &id), other.post(&path, refuse.clone()), family.delete(&own));
        let done = [one.status == 200, two.status == 200, withdrawn.status == 204];
        assert_eq!(done.iter().filter(|done| **done).count(), 1, "{} {} {}", one.json, two.json, withdrawn.json);
        assert!([&one, &two, &withdrawn].iter().all(|answer| [200, 204, 409].contains(&answer.status)));
        other.post(&path, refuse).await.refused(409, "version.stale");
        let again = json!({ "version": 2, "decision": "accept" });
        agent.post(&path, again).await.refused(409, "document.transition");
    }
    assert!(files_at_rest(&world).is_empty());
    let id = send(&family, &child, "proof_of_address").await;
    let path = decision_path(&family, &id);
    field_at_fault(agent.post(&path, json!({ "version": 1, "decision": "refuse" })).await, "/reason");
    // A reason that says nothing asks for words.
    let other = json!({ "version": 1, "decision": "refuse", "reason": "other" });
    field_at_fault(agent.post(&path, other).await, "/note");
    let word = json!({ "version": 1, "decision": "accept", "reason": "other" });
    field_at_fault(agent.post(&path, word).await, "/reason");
    agent.post(&path, json!({ "version": 7, "decision": "accept" })).await.refused(409, "version.stale");
    accept(&agent, &family, &key()).await.refused(404, "not_found");
    accept(&world.agent("78", "case_worker").await.api, &family, &id).await.refused(404, "not_found");
    assert_eq!(files_at_rest(&world).len(), 1);
}

async fn proofs(api: &crate::support::Api, family: &Family, enrolment: &str) -> Vec<(String, bool, String)> {
    let answer = api.get(&family.path(&format!("enrolments/{enrolment}/documents"))).await.expect(200);
    let rows = answer.json.as_array().unwrap();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.iter().map(|row| (text(row, "kind"), row["required"] == true, text(row, "state"))).collect()
}

fn proof(kind: &str, required: bool, state: &str) -> (String, bool, String) {
    (kind.to_owned(), required, state.to_owned())
}

#[actix_web::test]
async fn a_request_says_which_documents_it_asks_for_and_where_each_stands() {
    let (world, family, child, agent) = desk().await;
    world.administrator.import_neighbours().await;
    let (plain, _) = family.draft(&child, COLLEGE).await;
    assert_eq!(proofs(&family, &family, &plain).await, []);
    let older = family.add_child("Noé", "2010-05-17").await;
    let body = json!({
        "season": SEASON, "college_uai": OUTSIDE_COLLEGE, "level": "6e", "formula": "culture",
        "declares_scholarship": true, "ase": true,
    });
    let drafted = family.post(&family.path(&format!("children/{older}/enrolments")), body).await.expect(201);
    let enrolment = drafted.text("/id");
    let missing: Vec<_> =
        ["proof_of_address", "certificate_of_schooling", "proof_of_age", "scholarship_notice", "ase_attestation"]
            .map(|kind| proof(kind, true, "missing"))
            .into();
    assert_eq!(proofs(&family, &family, &enrolment).await, missing);

    let address = send(&family, &older, "proof_of_address").await;
    let age = send(&family, &older, "proof_of_age").await;
    send(&family, &older, "pay_slip").await;
    accept(&agent, &family, &address).await.expect(200);
    send(&family, &older, "proof_of_address").await;
    let refuse = json!({ "version": 1, "decision": "refuse", "reason": "wrong_person" });
    agent.post(&decision_path(&family, &age), refuse).await.expect(200);
    let expected = [
        proof("proof_of_address", true, "accepted"),
        proof("certificate_of_schooling", true, "missing"),
        proof("proof_of_age", true, "refused"),
        proof("scholarship_notice", true, "missing"),
        proof("ase_attestation", true, "missing"),
        proof("pay_slip", false, "received"),
    ];
    assert_eq!(proofs(&family, &family, &enrolment).await, expected);
    assert_eq!(proofs(&agent, &family, &enrolment).await, expected);
    // Sent again after a refusal, it waits.
    send(&family, &older, "proof_of_age").await;
    assert_eq!(proofs(&family, &family, &enrolment).await[2], proof("proof_of_age", true, "received"));
    let stranger = world.family("92").await;
    let path = family.path(&format!("enrolments/{enrolment}/documents"));
    stranger.get(&path).await.refused(404, "not_found");
    let secretary = world.secretary(COLLEGE).await;
    secretary.get(&path).await.refused(403, "auth.forbidden");
}

#[actix_web::test]
async fn what_nobody_decided_is_deleted_in_time_and_the_family_is_told() {
    let (mut world, mut family, child, _) = desk().await;
    let early = send(&family, &child, "proof_of_address").await;
    assert_eq!(world.repeat(passplus::documents::delete_overdue).await, 0);
    world.advance(days(179));
    family.api = world.sign_in(&family.email).await;
    let late = send(&family, &child, "proof_of_age").await;
    assert_eq!(world.repeat(passplus::documents::delete_overdue).await, 0);
    world.advance(days(2));
    assert_eq!(world.repeat(passplus::documents::delete_overdue).await, 1);
    family.api = world.sign_in(&family.email).await;
    let rows = listed(&family, &child).await;
    let state = |id: &str| rows.iter().find(|row| row["id"] == json!(id)).unwrap()["deletion_reason"].clone();
    assert_eq!((state(&early), state(&late)), (json!("not_decided"), Value::Null));
    let (subject, letter) = world.letters_to(&family.email).await.pop().unwrap();
    assert!(subject == "Document effacé" && letter.contains("Justificatif de domicile"), "{letter}");

    // The season's last day to spend is 30 June: nothing waits for it any longer, and nothing more is taken.
    world.advance(days(90));
    assert_eq!(world.repeat(passplus::documents::delete_overdue).await, 1);
    assert!(files_at_rest(&world).is_empty());
    family.api = world.sign_in(&family.email).await;
    super::send_as(&family, &child, "proof_of_age", "application/pdf", super::pdf())
        .await
        .refused(409, "season.closed");
    let journal = format!("/v1/departments/92/journal?object_id={late}");
    world.wake_administrators().await;
    let journal = world.administrator.get(&journal).await.expect(200);
    assert_eq!(journal.items().last().unwrap()["action"], "document_deleted");
}

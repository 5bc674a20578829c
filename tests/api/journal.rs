//! The journal: every act in its order, without a name, for those who answer for it.

use crate::support::{COLLEGE, World};
use serde_json::{Value, json};

const JOURNAL: &str = "/v1/departments/92/journal";

#[actix_web::test]
async fn the_journal_tells_what_was_done_in_order_and_names_nobody() {
    let world = World::start().await;
    let (family, secretary) = (world.family("92").await, world.secretary(COLLEGE).await);
    let child = family.add_child("Lou", "2015-03-14").await;
    let (enrolment, version) = family.submit(&child, COLLEGE).await;
    let row = json!({ "enrolment_id": enrolment, "version": version, "decision": "refuse", "reason": "other", "note": "Demandez à Mme Untel." });
    secretary.decide(json!([row])).await.expect(200);
    let submit = family.path(&format!("enrolments/{enrolment}/submit"));
    let version = family.post(&submit, json!({ "version": version + 1 })).await.expect(200).number("/version");
    secretary.confirm(&enrolment, version).await;
    let contact = json!({ "email": "nouvelle@example.fr", "phone": "0612345678", "postal_address": "12 rue des Écoles, 92000 Nanterre" });
    family.put(&family.path(&format!("families/{}/contact", family.id)), contact).await.expect(200);
    world.invitation(&family, "invite@example.fr", "consult").await;

    // Page by page, the oldest line first: the same lines as all at once.
    let dpo = world.agent("92", "dpo").await;
    let (mut lines, mut bytes, mut cursor): (Vec<Value>, Vec<u8>, String) = (vec![], vec![], String::new());
    loop {
        let page = dpo.get(&format!("{JOURNAL}?limit=4{cursor}")).await.expect(200);
        lines.extend(page.items().clone());
        bytes.extend(&page.bytes);
        assert!(lines.len() < 100, "each page adds one line, and takes four");
        let Some(next) = page.json["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let actions: Vec<&str> = lines.iter().map(|line| line["action"].as_str().unwrap()).collect();
    let expected = [
        "card_key_made",
        "season_drafted",
        "season_published",
        "family_opened",
        "child_added",
        "enrolment_drafted",
        "enrolment_submitted",
        "enrolment_refused",
        "enrolment_submitted",
        "enrolment_confirmed",
        "granted",
        "granted",
        "card_issued",
        "contact_changed",
        "guardian_invited",
    ];
    assert_eq!(actions[..expected.len()], expected);
    assert!(
        !actions[expected.len()..].is_empty()
            && actions[expected.len()..].iter().all(|action| *action == "journal_read")
    );
    let instants: Vec<&str> = lines.iter().map(|line| line["at"].as_str().unwrap()).collect();
    assert!(instants.is_sorted(), "{instants:?}");
    let said = String::from_utf8(bytes).unwrap();
    for personal in [
        "Lou",
        "Martin",
        "Camille",
        "Sacha",
        "Durand",
        "example.fr",
        "0612345678",
        "Écoles",
        "2015-03-14",
        "Untel",
        "Petit",
    ] {
        assert!(!said.contains(personal), "{personal}");
    }
    // Who and what: the secretary's account and the enrolment.
    let me = secretary.get("/v1/me").await.expect(200).text("/account_id");
    let refused = &lines[7];
    assert_eq!((&refused["actor_kind"], &refused["actor_id"]), (&json!("secretary"), &json!(me)));
    assert_eq!((&refused["object_kind"], &refused["object_id"]), (&json!("enrolment"), &json!(enrolment)));
    assert_eq!(refused["details"], json!({ "reason": "other" }));
    assert_eq!((&lines[0]["actor_kind"], lines[0].get("actor_id")), (&json!("system"), None));
    // The steps of one request share its id.
    assert_eq!(lines[9]["request_id"], lines[12]["request_id"]);
    assert_ne!(lines[8]["request_id"], lines[9]["request_id"]);
}

#[actix_web::test]
async fn reading_the_journal_is_itself_in_it() {
    let world = World::start().await;
    let family = world.family("92").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    let dpo = world.agent("92", "dpo").await;
    let about = dpo.get(&format!("{JOURNAL}?object_id={child}")).await.expect(200);
    assert_eq!(about.items().len(), 1);
    let read = world.administrator.get(&format!("{JOURNAL}?limit=100")).await.expect(200);
    let readings: Vec<&Value> = read.items().iter().filter(|line| line["action"] == "journal_read").collect();
    let me = dpo.get("/v1/me").await.expect(200).text("/account_id");
    assert_eq!(readings.len(), 1);
    assert_eq!((&readings[0]["actor_id"], &readings[0]["object_id"]), (&json!(me), &json!(child)));
    assert_eq!(readings[0]["details"], json!({ "lines": 1 }));
}

#[actix_web::test]
async fn only_who_answers_for_the_journal_reads_it() {
    let world = World::start().await;
    let family = world.family("92").await;
    for function in ["administrator", "dpo"] {
        world.agent("92", function).await.get(JOURNAL).await.expect(200);
    }
    for function in ["case_worker", "finance"] {
        world.agent("92", function).await.get(JOURNAL).await.refused(403, "auth.forbidden");
    }
    family.get(JOURNAL).await.refused(403, "auth.forbidden");
    world.secretary(COLLEGE).await.get(JOURNAL).await.refused(403, "auth.forbidden");
    world.api.get(JOURNAL).await.refused(401, "auth.required");
    world.administrator_78.get(JOURNAL).await.refused(404, "not_found");
    let long = "x".repeat(65);
    for query in [
        "object_id=%00",
        "object_id=",
        "object_id=Camille%20Martin",
        &format!("object_id={long}"),
        "limit=0",
        "limit=101",
        "cursor=AAAA",
        "action=x",
    ] {
        world.administrator.get(&format!("{JOURNAL}?{query}")).await.refused(400, "request.query");
    }
    let nothing = world.administrator.get(&format!("{JOURNAL}?object_id=2030-2031")).await.expect(200);
    assert!(nothing.items().is_empty());
    let read = world.administrator.get(&format!("{JOURNAL}?limit=100")).await.expect(200);
    assert!(!String::from_utf8_lossy(&read.bytes).contains("Camille"), "what was refused left no words behind");
}

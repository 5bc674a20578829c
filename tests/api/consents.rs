//! Consents: each guardian for himself, as a journal in which nothing said is erased.

use crate::support::{Answer, Family, World};
use serde_json::{Value, json};

fn path(family: &Family) -> String {
    family.path(&format!("families/{}/consents", family.id))
}

async fn say(family: &Family, purpose: &str, granted: bool, version: &str) -> Answer {
    let body = json!({ "purpose": purpose, "granted": granted, "text_version": version, "channel": "mobile" });
    family.post(&path(family), body).await
}

/// What somebody wants now, by purpose.
fn choices(answer: &Answer) -> Vec<(String, bool)> {
    let all = answer.at("/choices").as_array().unwrap();
    all.iter().map(|c| (c["purpose"].as_str().unwrap().to_owned(), c["granted"].as_bool().unwrap())).collect()
}

#[actix_web::test]
async fn absent_means_no_and_the_last_word_counts_while_the_journal_keeps_all() {
    let world = World::start().await;
    let family = world.family("92").await;
    let other = world.guardian(&family, "full").await;
    let nothing = family.get(&path(&family)).await.expect(200);
    let no = |purpose: &str| (purpose.to_owned(), false);
    assert_eq!(choices(&nothing), [no("news_email"), no("news_sms"), no("audience_statistics")]);
    assert!(nothing.json["choices"].as_array().unwrap().iter().all(|choice| choice.get("at").is_none()));
    assert_eq!(nothing.at("/journal/items"), &json!([]));

    let mut said: Vec<Value> = vec![];
    for (purpose, granted, version) in [
        ("news_sms", true, "2026-06"),
        ("news_sms", false, "2026-06"),
        ("news_email", true, "2026-06"),
        ("news_sms", true, "2026-09"),
        ("news_email", true, "2026-06"),
    ] {
        let line = say(&family, purpose, granted, version).await.expect(201);
        assert_eq!((line.text("/purpose"), line.text("/channel")), (purpose.into(), "mobile".into()));
        said.insert(0, line.json);
    }
    let now = family.get(&path(&family)).await.expect(200);
    assert_eq!(choices(&now), [("news_email".into(), true), ("news_sms".into(), true), no("audience_statistics")]);
    assert_eq!(now.text("/choices/1/text_version"), "2026-09");
    assert_eq!(now.at("/journal/items"), &json!(said), "every line, last first");
    let first = family.get(&format!("{}?limit=3", path(&family))).await.expect(200);
    let cursor = first.text("/journal/next_cursor");
    let rest = family.get(&format!("{}?limit=3&cursor={cursor}", path(&family))).await.expect(200);
    let pages =
        [first.at("/journal/items").as_array().unwrap().clone(), rest.at("/journal/items").as_array().unwrap().clone()];
    assert_eq!((pages[0].len(), pages.concat()), (3, said));
    assert_eq!(choices(&rest), choices(&now), "choices do not depend on the page");

    // The other guardian said nothing.
    let theirs = other.get(&path(&other)).await.expect(200);
    assert!(choices(&theirs).iter().all(|(_, granted)| !granted));
    assert_eq!(theirs.at("/journal/items"), &json!([]));
    say(&other, "news_sms", false, "2026-09").await.expect(201);
    assert_eq!(family.get(&path(&family)).await.expect(200).json, now.json);
}

#[actix_web::test]
async fn a_consent_names_the_field_at_fault_and_belongs_to_a_guardian() {
    let world = World::start().await;
    let family = world.family("92").await;
    for (field, value) in [
        ("purpose", json!("resale")),
        ("granted", json!("yes")),
        ("granted", Value::Null),
        ("text_version", json!("")),
        ("text_version", json!("Juin 2026")),
        ("channel", json!("paper")),
        ("at", json!("2020-01-01T00:00:00Z")),
        ("guardian_id", json!("0199a8f0-7c3e-7bbd-8000-000000000001")),
    ] {
        let mut body = json!({ "purpose": "news_sms", "granted": true, "text_version": "2026-06", "channel": "web" });
        body[field] = value;
        let answer = family.post(&path(&family), body).await.refused(422, "request.invalid");
        assert_eq!(answer.pointers(), [format!("/{field}")]);
    }
    let stranger = world.family("92").await;
    let body = json!({ "purpose": "news_sms", "granted": true, "text_version": "2026-06", "channel": "web" });
    stranger.post(&path(&family), body.clone()).await.refused(404, "not_found");
    stranger.get(&path(&family)).await.refused(404, "not_found");
    world.administrator.post(&path(&family), body.clone()).await.refused(403, "auth.forbidden");
    world.administrator.get(&path(&family)).await.refused(403, "auth.forbidden");
    world.api.post(&path(&family), body).await.refused(401, "auth.required");
    assert_eq!(family.get(&path(&family)).await.expect(200).at("/journal/items"), &json!([]));
}

//! What an agent changes for a family, it is told; what it changes itself, it knows.

use super::{at, child_of, enrol, open};
use crate::support::{COLLEGE, World};
use serde_json::json;

const SUBJECT: &str = "Cantine : un changement fait pour vous";

#[actix_web::test]
async fn what_an_agent_changes_for_a_family_it_is_told() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let family = world.family("92").await;
    let clerk = world.agent("92", "case_worker").await;
    let (_, wish) = child_of(&family, "Lou").await;
    let id = enrol(&family, &wish).await;
    let path = at(&format!("enrolments/{id}"));
    let days = |version: i32, days: &[&str]| json!({ "version": version, "weekdays": days });
    family.put(&format!("{path}/weekdays"), days(1, &["monday"])).await.expect(200);
    family.put(&format!("{path}/diet"), json!({ "version": 2, "diet": "no_pork" })).await.expect(200);
    family.post(&format!("{path}/meals/2026-11-05/reserve"), json!({})).await.expect(200);
    clerk.put(&format!("{path}/weekdays"), days(3, &["monday", "thursday"])).await.expect(200);
    clerk.put(&format!("{path}/diet"), json!({ "version": 4, "diet": "no_meat" })).await.expect(200);
    clerk.post(&format!("{path}/meals/2026-11-09/cancel"), json!({})).await.expect(200);
    clerk.post(&format!("{path}/meals/2026-11-09/reserve"), json!({})).await.expect(200);
    let letters = world.letters_to(&family.email).await;
    let told: Vec<&str> =
        letters.iter().filter(|(subject, _)| subject == SUBJECT).map(|(_, body)| body.as_str()).collect();
    assert_eq!(told.len(), 4, "{letters:?}");
    for (letter, word) in told.iter().zip(["lundi, jeudi", "menu", "09/11/2026 est annulé", "09/11/2026 est réservé"])
    {
        assert!(letter.contains(word), "{letter}");
    }
    // A letter keeps no menu.
    assert!(!told[1].contains("viande"), "{}", told[1]);
}

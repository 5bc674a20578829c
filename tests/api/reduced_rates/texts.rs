//! The text that a guardian ticks: anybody reads it, and a request names the version in force.

use super::{MARTIN, Scene, body, requests, taxes};
use crate::support::World;
use serde_json::json;

const TEXTS: &str = "/v1/departments/92/canteen/reduced-rate-texts";

#[actix_web::test]
async fn anybody_reads_what_is_asked_of_whom_why_and_how_long_it_is_kept() {
    let world = World::start().await;
    let family = world.family("92").await;
    let told = world.api.get(TEXTS).await.expect(200);
    assert_eq!((told.text("/in_force"), told.text("/texts/0/version")), ("2026-06".into(), "2026-06".into()));
    assert_eq!(told.text("/texts/0/from"), "2026-06-01");
    for words in ["revenu fiscal de référence", "quotient familial", "n'est jamais enregistré", "trente-six mois"] {
        assert!(told.at("/texts/0/sections").to_string().contains(words), "{words}");
    }
    for reader in [&family.api, &world.administrator.api, &world.administrator_78.api] {
        assert_eq!(reader.get(TEXTS).await.expect(200).json, told.json);
    }
    world.api.get("/v1/departments/78/canteen/reduced-rate-texts").await.expect(200);
    world.api.get("/v1/departments/35/canteen/reduced-rate-texts").await.refused(404, "not_found");
}

#[actix_web::test]
async fn a_request_names_the_text_in_force_and_past_ones_keep_theirs() {
    let scene = Scene::start().await;
    for other in ["2025-06", "2026-07", "oui"] {
        let mut ticked = body(&[&scene.child], taxes(&[MARTIN]));
        ticked["text_version"] = json!(other);
        let refused = scene.family.post(&requests(), ticked).await.refused(409, "reduced_rate.text");
        assert!(refused.text("/detail").contains("version 2026-06"), "{}", refused.json);
    }
    assert_eq!(scene.value("select count(*) from canteen_rate_requests"), json!(0));
    assert_eq!((scene.ask().await, scene.authorities.calls().len()), (0, 0));
    let id = scene.requested(MARTIN).await;
    // As if other words had come since.
    scene.execute("update canteen_rate_requests set text_version = '2024-06'");
    assert_eq!(scene.ask().await, 1);
    let shown = scene.show(&id).await;
    assert_eq!((shown.text("/state"), shown.text("/text_version")), ("decided".into(), "2024-06".into()));
}

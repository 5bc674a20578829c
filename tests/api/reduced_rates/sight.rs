//! Who reads what of a request: the other guardian never the first one's means, the others nothing at all.

use super::{MARTIN, NOBODY, Scene, decide, desk, letters, request, requests};
use crate::support::{COLLEGE, told};
use serde_json::json;

/// What the stand-in tells of the first guardian: income, parts and the quotient of both.
const FIGURES: [&str; 4] = ["24123", "2.75", "73100", "731"];

/// As words of their own: an id may hold any digits.
fn is_untold(text: &str) {
    for figure in FIGURES {
        assert_eq!(told(text, figure), None, "{figure}");
    }
}

#[actix_web::test]
async fn the_other_guardian_sees_the_price_and_nothing_of_the_means() {
    let scene = Scene::start().await;
    scene
        .authorities
        .fault(json!({ "path": "/impotparticulier", "body": { "rfr": 24_123, "nbPart": 2.75, "sitFam": "M" } }));
    let other = scene.world.guardian(&scene.family, "consult").await;
    let id = scene.requested(MARTIN).await;
    scene.ask().await;
    let (mine, his) = (scene.show(&id).await, other.get(&request(&id)).await.expect(200));
    // 24 123 ÷ 2,75 ÷ 12 = 731 €: 2,56 €.
    for shown in [&mine, &his] {
        assert_eq!((shown.number("/children/0/after/cents"), shown.text("/state")), (256, "decided".into()));
    }
    assert_eq!((mine.at("/is_mine"), his.at("/is_mine")), (&json!(true), &json!(false)));
    for figure in FIGURES {
        assert!(told(&mine.json.to_string(), figure).is_some(), "{figure}");
    }
    is_untold(&his.json.to_string());
    assert_eq!(his.json.get("income_year"), None);
    let listed = other.get(&requests()).await.expect(200);
    assert_eq!(listed.items().len(), 1);
    is_untold(&listed.json.to_string());
    // By letter neither.
    let (mine, his) = (letters(&scene.world, &scene.family.email).await, letters(&scene.world, &other.email).await);
    assert_eq!((mine.len(), his.len()), (2, 2));
    assert!(mine[1].1.contains("2,56 €") && mine[1].1.contains("espace"), "{}", mine[1].1);
    is_untold(&mine[1].1);
    assert!(his[1].1.contains("2,56 €"), "{}", his[1].1);
    is_untold(&his[1].1);
    // What he asks for later begins from a price whose reasons stay the first one's.
    let full = scene.world.guardian(&scene.family, "full").await;
    let next = super::body(&[&scene.child], json!({ "by_document": true }));
    let next = full.post(&requests(), next).await.expect(201);
    assert_eq!(next.number("/children/0/before/cents"), 256);
    is_untold(&next.json.to_string());
    // Nor does the letter of what is decided on it tell more, when the first one's means stay what counts.
    let next = next.text("/id");
    decide(&scene.worker, &next, json!({ "nothing": "other", "note": "Rien de nouveau." })).await.expect(200);
    let (his, first) = (letters(&scene.world, &full.email).await, letters(&scene.world, &scene.family.email).await);
    let (his, first) = (&his.last().unwrap().1, &first.last().unwrap().1);
    assert!(his.contains("2,56 €") && his.contains("Rien de nouveau."), "{his}");
    is_untold(his);
    assert!(first.contains("2,56 €") && !first.contains("Rien de nouveau."), "{first}");
}

#[actix_web::test]
async fn why_nothing_was_found_is_told_to_whoever_asked() {
    let scene = Scene::start().await;
    let other = scene.world.guardian(&scene.family, "full").await;
    let id = scene.requested(NOBODY).await;
    scene.ask().await;
    assert!(scene.show(&id).await.text("/because").contains("aucun dossier"));
    assert_eq!(other.get(&request(&id)).await.expect(200).json.get("because"), None);
    let his = letters(&scene.world, &other.email).await;
    assert!(his[1].1.contains("avis d'impôt") && !his[1].1.contains("aucun dossier"), "{}", his[1].1);
    decide(&scene.worker, &id, json!({ "nothing": "illegible" })).await.expect(200);
    assert_eq!(scene.show(&id).await.text("/reason"), "illegible");
    let shown = other.get(&request(&id)).await.expect(200);
    assert_eq!(shown.json.get("reason"), None);
    assert_eq!(shown.at("/children/0/after/explained/steps"), &json!([]));
    let (mine, his) = (letters(&scene.world, &scene.family.email).await, letters(&scene.world, &other.email).await);
    let (mine, his) = (&mine.last().unwrap().1, &his.last().unwrap().1);
    assert!(mine.contains("n'est pas lisible") && mine.contains("7,00 €"), "{mine}");
    assert!(!his.contains("lisible") && !his.contains("maximal") && his.contains("7,00 €"), "{his}");
}

#[actix_web::test]
async fn nobody_else_learns_that_somebody_asked() {
    let scene = Scene::start().await;
    let id = scene.requested(MARTIN).await;
    scene.ask().await;
    let stranger = scene.world.family("92").await;
    stranger.get(&request(&id)).await.refused(404, "not_found");
    assert!(stranger.get(&requests()).await.expect(200).items().is_empty());
    let secretary = scene.world.secretary(COLLEGE).await;
    let till = scene.world.till(&["culture"]).await;
    let (finance, dpo) = (scene.world.agent("92", "finance").await, scene.world.agent("92", "dpo").await);
    for api in [&secretary.api, &till.api, &finance.api, &dpo.api, &scene.worker.api] {
        api.get(&request(&id)).await.refused(403, "auth.forbidden");
        api.get(&requests()).await.refused(403, "auth.forbidden");
    }
    for api in [&secretary.api, &till.api, &finance.api, &dpo.api, &scene.family.api] {
        api.get(&desk("")).await.refused(403, "auth.forbidden");
        api.get(&desk(&format!("/{id}"))).await.refused(403, "auth.forbidden");
    }
    let elsewhere = scene.world.agent("78", "case_worker").await;
    elsewhere.get(&desk(&format!("/{id}"))).await.refused(404, "not_found");
    // The database itself shows finance and collèges nothing, and all of it to who instructs.
    for (caller, is_shown) in [
        ("set app.kind = 'agent'; set app.function = 'case_worker'", true),
        ("set app.kind = 'secretary'; set app.college = '0920001B'", false),
        ("set app.kind = 'agent'; set app.function = 'finance'", false),
    ] {
        let mut intruder = scene.world.app_role("92");
        diesel::connection::SimpleConnection::batch_execute(&mut intruder, caller).unwrap();
        for table in ["canteen_rate_requests", "canteen_rate_request_children", "canteen_rate_request_steps"] {
            let seen = crate::support::call(&mut intruder, &format!("(select count(*) from {table})")).unwrap();
            assert_eq!(seen.as_i64().unwrap() > 0, is_shown, "{table}: {caller}");
        }
    }
}

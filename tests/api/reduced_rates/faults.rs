//! Every fault of the administrations in every state of a request: no wrong rate, nothing stuck, and the way through a document is always open.

use super::{
    MARTIN, NOBODY, Scene, ask, benefits_grid, body, decide, inquiry,
    meanwhile::{Asks, lose, withdraw},
    middle, okafor, requests, taxes,
};
use crate::{
    canteen::grid,
    support::{Authorities, Given},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

/// Every fault, and where it leaves a request that was asked once.
pub fn faults() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "delay_ms": 8_000, "times": 1 }), "in_progress"),
        (json!({ "drop": true }), "in_progress"),
        (json!({ "truncate": true }), "in_progress"),
        (json!({ "status": 500 }), "in_progress"),
        (json!({ "status": 502, "code": "37999" }), "in_progress"),
        (json!({ "status": 504, "code": "00501", "meta": { "retry_in": 120 } }), "in_progress"),
        (json!({ "status": 503, "retry_after": "45" }), "in_progress"),
        (json!({ "status": 429, "retry_after": "90" }), "in_progress"),
        (json!({ "status": 409, "code": "00015" }), "in_progress"),
        (json!({ "status": 403, "code": "00100" }), "in_progress"),
        (json!({ "status": 401 }), "in_progress"),
        (json!({ "garbage": true }), "in_progress"),
        (json!({ "endless": true }), "in_progress"),
        (json!({ "redirect": true }), "in_progress"),
        (json!({ "status": 404, "code": "00404" }), "in_progress"),
        (json!({ "body": [] }), "in_progress"),
        (json!({ "status": 400 }), "document_needed"),
        (json!({ "status": 422, "code": "00366" }), "document_needed"),
        // Partial and odd figures of the tax administration; the other's answer then is no answer at all.
        (json!({ "body": { "nbPart": 2, "sitFam": "C" } }), "partial"),
        (json!({ "body": { "rfr": "12000", "nbPart": 2, "sitFam": "C" } }), "partial"),
        (json!({ "body": { "rfr": -1, "nbPart": 2, "sitFam": "C" } }), "partial"),
        (json!({ "body": { "rfr": 12_000, "nbPart": 2, "sitFam": "C", "nmNaiDec1": "AUTRE" } }), "partial"),
    ]
}

/// The faults of the given stand-in.
fn given_faults() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "garbage": true }), "in_progress"),
        (json!({ "huge": true }), "in_progress"),
        (json!({ "drop": true }), "in_progress"),
        (json!({ "truncate": true }), "in_progress"),
        (json!({ "delay_ms": 8_000, "times": 1 }), "in_progress"),
        (json!({ "status": 502 }), "in_progress"),
        (json!({ "status": 504 }), "in_progress"),
        (json!({ "status": 429 }), "in_progress"),
        (json!({ "status": 409 }), "in_progress"),
        (json!({ "status": 403 }), "in_progress"),
        (json!({ "status": 404 }), "in_progress"),
        (json!({ "status": 422 }), "document_needed"),
    ]
}

/// Forgets what was decided, so that one child serves for every fault.
pub fn begin_anew(scene: &Scene) {
    scene.forget_failures();
    scene.execute(
        "delete from canteen_rate_request_steps; delete from canteen_rate_request_children; delete from canteen_rate_requests;
         delete from canteen_rates; delete from canteen_means",
    );
}

fn nothing_is_decided(scene: &Scene, fault: &Value) {
    assert_eq!(scene.value("select count(*) from canteen_means"), json!(0), "{fault}");
    assert_eq!(scene.value("select count(*) from canteen_rates"), json!(0), "{fault}");
    assert_eq!(scene.value("select count(*) from authority_calls where outcome is null"), json!(0), "{fault}");
}

/// When the administration is well again and time has passed, the request goes on from where it was.
pub async fn goes_on(scene: &Scene, id: &str, fault: &Value, cents: i64) {
    scene.forget_failures();
    scene.world.advance(TimeDelta::minutes(3));
    scene.ask().await;
    scene.world.advance(TimeDelta::minutes(-3));
    let shown = scene.show(id).await;
    assert_eq!(shown.text("/state"), "decided", "{fault} leaves it stuck: {}", shown.json);
    assert_eq!(shown.number("/children/0/after/cents"), cents, "{fault}");
}

#[actix_web::test]
async fn no_fault_of_the_tax_administration_makes_a_rate_or_leaves_a_request_stuck() {
    let scene = Scene::start().await;
    for (fault, left) in faults() {
        let path = "/impotparticulier";
        begin_anew(&scene);
        let id = scene.requested(MARTIN).await;
        scene.authorities.fault(merged(&fault, path));
        scene.ask().await;
        let shown = scene.show(&id).await;
        let expected = if left == "partial" { "document_needed" } else { left };
        assert_eq!(shown.text("/state"), expected, "{fault}: {}", shown.json);
        nothing_is_decided(&scene, &fault);
        if expected == "in_progress" {
            assert!(shown.text("/next_step").contains("dès maintenant"), "{fault}: {}", shown.json);
            assert_eq!(scene.ask().await, 0, "{fault}: asked again too early");
        }
        scene.authorities.fault(Value::Null);
        if expected == "in_progress" {
            goes_on(&scene, &id, &fault, 64).await;
        } else {
            scene.family.post(&inquiry(&id), taxes(&[MARTIN])).await.expect(200);
            goes_on(&scene, &id, &fault, 64).await;
        }
    }
    assert!(scene.authorities.endless_taken() < 16 << 20);
}

pub fn merged(fault: &Value, path: &str) -> Value {
    let mut fault = fault.clone();
    fault["path"] = json!(path);
    fault
}

#[actix_web::test]
async fn no_fault_of_the_token_makes_a_rate_or_leaves_a_request_stuck() {
    let scene = Scene::start().await;
    for (fault, _) in faults().into_iter().filter(|(fault, _)| fault.get("delay_ms").is_none()) {
        begin_anew(&scene);
        // The token is no more: the next question needs another.
        scene.authorities.end_tokens();
        let id = scene.requested(MARTIN).await;
        scene.authorities.fault(merged(&fault, "/token"));
        scene.ask().await;
        scene.forget_failures();
        scene.world.advance(TimeDelta::seconds(3));
        scene.ask().await;
        scene.world.advance(TimeDelta::seconds(-3));
        assert_eq!(scene.show(&id).await.text("/state"), "in_progress", "{fault}");
        nothing_is_decided(&scene, &fault);
        scene.authorities.fault(Value::Null);
        goes_on(&scene, &id, &fault, 64).await;
    }
}

#[actix_web::test]
async fn no_fault_of_the_caf_or_the_msa_makes_a_rate_or_leaves_a_request_stuck() {
    let scene = Scene::with(benefits_grid()).await;
    for (fault, left) in faults() {
        begin_anew(&scene);
        let id = scene.family.post(&requests(), body(&[&scene.child], okafor())).await.expect(201).text("/id");
        scene.authorities.fault(fault.clone());
        scene.ask().await;
        let shown = scene.show(&id).await;
        let expected = if left == "partial" { "in_progress" } else { left };
        assert_eq!(shown.text("/state"), expected, "{fault}: {}", shown.json);
        nothing_is_decided(&scene, &fault);
        let kept = scene.value("select identity_sealed is not null from canteen_rate_requests");
        assert_eq!(kept, json!(expected == "in_progress"), "{fault}");
        scene.authorities.fault(Value::Null);
        if expected == "in_progress" {
            goes_on(&scene, &id, &fault, 64).await;
        } else {
            decide(&scene.worker, &id, Asks::Quotient.middle()).await.expect(200);
            assert_eq!(scene.paid(), json!(280));
        }
    }
    // Absent, odd, of another family or of another time is never zero.
    for data in [
        json!({}),
        json!({ "quotient_familial": null }),
        json!({ "quotient_familial": { "valeur": null, "annee": 2026, "mois": 10 } }),
        json!({ "quotient_familial": { "valeur": "0", "annee": 2026, "mois": 10 } }),
        json!({ "quotient_familial": { "valeur": 0, "annee": 2026 } }),
        json!({ "quotient_familial": { "valeur": 0, "annee": 2025, "mois": 10 } }),
        json!({ "quotient_familial": { "valeur": 0, "annee": 2026, "mois": 11 } }),
        json!({ "quotient_familial": { "valeur": 0, "annee": 2026, "mois": 10 },
                "allocataires": [{ "nom_naissance": "AUTRE", "date_naissance": "1970-01-01" }] }),
    ] {
        begin_anew(&scene);
        scene.authorities.fault(json!({ "body": { "data": data } }));
        let id = scene.family.post(&requests(), body(&[&scene.child], okafor())).await.expect(201).text("/id");
        scene.ask().await;
        assert_eq!(scene.show(&id).await.text("/state"), "document_needed", "{data}");
        nothing_is_decided(&scene, &data);
    }
}

/// Whatever fails meanwhile, an agent decides from each of these states, and the family withdraws from each.
async fn decided_or_withdrawn_from(scene: &Scene, asks: Asks, states: &[&str]) {
    let cases = faults().into_iter().filter(|(fault, _)| fault.get("delay_ms").is_none());
    let cases: Vec<_> = cases.flat_map(|fault| states.iter().map(move |state| (fault.clone(), *state))).collect();
    for ((fault, left), state) in cases {
        for withdraws in [false, true] {
            begin_anew(scene);
            scene.authorities.fault(Value::Null);
            let id = asks.requested(scene).await;
            match state {
                "number_needed" => lose(scene).await,
                "document_needed" => asks.send_on(scene).await,
                _ => {}
            }
            scene.authorities.fault(merged(&fault, asks.path()));
            if state != "in_progress" || asks.left(left) == "in_progress" {
                asks.ask(scene).await;
            }
            let shown = scene.show(&id).await;
            assert_eq!(shown.text("/state"), state, "{fault}: {}", shown.json);
            if withdraws {
                withdraw(scene, &id).await.expect(200);
            } else {
                decide(&scene.worker, &id, asks.middle()).await.expect(200);
            }
            scene.forget_failures();
            scene.authorities.calls();
            // Late enough for every question to be due.
            scene.world.advance(TimeDelta::minutes(20));
            scene.ask().await;
            scene.world.advance(TimeDelta::minutes(-20));
            assert!(scene.authorities.calls().is_empty(), "{fault} in {state}: nobody is asked about what is closed");
            let (closed, paid) = if withdraws { ("withdrawn", Value::Null) } else { ("decided", json!(280)) };
            assert_eq!(
                (scene.show(&id).await.text("/state"), scene.paid()),
                (closed.into(), paid),
                "{fault} in {state}"
            );
        }
    }
}

#[actix_web::test]
async fn from_every_state_under_every_fault_of_a_notice_an_agent_decides_and_the_family_withdraws() {
    let scene = Scene::start().await;
    decided_or_withdrawn_from(&scene, Asks::Notice, &["in_progress", "number_needed", "document_needed"]).await;
}

#[actix_web::test]
async fn from_every_state_under_every_fault_of_a_token_an_agent_decides_and_the_family_withdraws() {
    let scene = Scene::start().await;
    decided_or_withdrawn_from(&scene, Asks::Token, &["in_progress", "number_needed", "document_needed"]).await;
}

#[actix_web::test]
async fn from_every_state_under_every_fault_of_a_quotient_an_agent_decides_and_the_family_withdraws() {
    let scene = Scene::with(benefits_grid()).await;
    decided_or_withdrawn_from(&scene, Asks::Quotient, &["in_progress", "document_needed"]).await;
}

#[actix_web::test]
async fn an_administration_that_never_answers_is_given_up_and_an_agent_decides() {
    let scene = Scene::start().await;
    let id = scene.requested(MARTIN).await;
    scene.authorities.fault(json!({ "status": 502 }));
    let mut asked = 0;
    for _ in 0..40 {
        scene.forget_failures();
        asked += scene.ask().await;
        scene.world.advance(TimeDelta::hours(8));
    }
    scene.world.advance(TimeDelta::hours(-8 * 40));
    assert_eq!(asked, 14);
    let shown = scene.show(&id).await;
    assert_eq!(shown.text("/state"), "document_needed");
    assert!(shown.text("/because").contains("n'a pas répondu à temps"), "{}", shown.json);
    decide(&scene.worker, &id, middle()).await.expect(200);
    assert_eq!(scene.paid(), json!(280));
}

#[actix_web::test]
async fn a_slow_administration_holds_no_transaction_and_nobody_up() {
    let scene = Scene::start().await;
    scene.requested(MARTIN).await;
    scene.authorities.fault(json!({ "path": "/impotparticulier", "delay_ms": 3_000, "times": 1 }));
    let meanwhile = async {
        tokio::time::sleep(std::time::Duration::from_millis(1_000)).await;
        let open = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'";
        assert_eq!(scene.value(open), json!(0));
        let began = std::time::Instant::now();
        scene.family.get(&requests()).await.expect(200);
        assert!(began.elapsed() < std::time::Duration::from_secs(1), "{:?}", began.elapsed());
    };
    tokio::join!(ask(&scene.world.app, &scene.administrations), meanwhile);
    assert_eq!(scene.paid(), json!(64));
}

#[actix_web::test]
async fn a_fuller_stand_in_fails_in_every_way_and_every_request_ends() {
    let Some(given) = Given::start().await else { return };
    let martin = ("3001234567890", "Martin");
    let scene = Scene::asking(&given.url, Authorities::start().await, grid()).await;
    // The token is had before: what fails is the question.
    let id = scene.requested(martin).await;
    goes_on(&scene, &id, &Value::Null, 233).await;
    for (fault, left) in given_faults() {
        begin_anew(&scene);
        let id = scene.requested(martin).await;
        given.fault(fault.clone()).await;
        scene.ask().await;
        let state = scene.show(&id).await.text("/state");
        assert_eq!(state, left, "{fault}");
        nothing_is_decided(&scene, &fault);
        given.fault(json!({})).await;
        if state == "document_needed" {
            scene.family.post(&inquiry(&id), taxes(&[martin])).await.expect(200);
        }
        // 32 011 ÷ 4 ÷ 12 = 666,90 €: 2,33 €.
        goes_on(&scene, &id, &fault, 233).await;
    }
    // Its other households: nothing on zero, a year before, an absent income, a death, nobody.
    for (taxpayer, state, cents) in [
        (("1501112223334", "Diallo"), "decided", 64),
        (("2605556667778", "Lefebvre"), "decided", 700),
        (("3009876543210", "Rocher"), "decided", 181),
        (("0702223334445", "Petit"), "document_needed", 0),
        (("0705556667779", "Petit"), "document_needed", 0),
        (NOBODY, "document_needed", 0),
    ] {
        begin_anew(&scene);
        let id = scene.requested(taxpayer).await;
        scene.ask().await;
        let shown = scene.show(&id).await;
        assert_eq!(shown.text("/state"), state, "{taxpayer:?}: {}", shown.json);
        let paid = shown.json["children"][0]["after"]["cents"].as_i64().unwrap_or(0);
        assert_eq!(paid, cents, "{taxpayer:?}: {}", shown.json);
    }
}

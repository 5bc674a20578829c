//! The client against the published answers: of the own stand-in always, of a fuller one where there is one.

use crate::support::{Authorities, Given, cases, question};
use passplus::fiscal::{
    Particulier,
    schooling::{Outcome, Schooling, ask},
};
use serde_json::{Value, json};

/// What a published case must become.
fn expected(case: &Value) -> Outcome {
    if case["status"] == 404 {
        return Outcome::NotFound;
    }
    let data = &case["body"]["data"];
    let told = Schooling {
        is_enrolled: data["est_scolarise"].as_bool(),
        college_uai: data["etablissement"]["code_uai"].as_str().map(ToOwned::to_owned),
        is_scholar: data["est_boursier"].as_bool(),
        echelon: data["echelon_bourse"].as_i64().map(|echelon| echelon.try_into().unwrap()),
    };
    Outcome::Found(told)
}

async fn every_case_is_understood(client: &Particulier, cases: &[Value]) {
    assert!(cases.len() >= 3);
    for case in cases {
        assert_eq!(ask(client, &question(case)).await.outcome, expected(case), "{}", case["case"]);
    }
}

#[actix_web::test]
async fn each_published_case_is_understood() {
    let authorities = Authorities::start().await;
    let client = Particulier::new(&authorities.config()).unwrap();
    every_case_is_understood(&client, &cases()).await;
    let calls = authorities.calls();
    let recipient = format!("recipient={}", crate::support::siret(7));
    assert!(calls.iter().all(|call| call.contains(&recipient)), "{calls:?}");
}

#[actix_web::test]
async fn each_case_of_a_fuller_stand_in_is_understood() {
    let Some(given) = Given::start().await else { return };
    every_case_is_understood(&given.client, &given.cases).await;
}

#[actix_web::test]
async fn a_wrong_token_is_denied() {
    let authorities = Authorities::start().await;
    let mut config = authorities.config();
    config.token = passplus::kernel::text::Sensitive::new("another".to_owned());
    let answer = ask(&Particulier::new(&config).unwrap(), &question(&cases()[0])).await;
    assert_eq!((answer.outcome, answer.error_code.as_deref()), (Outcome::Denied, Some("00101")));
}

#[actix_web::test]
async fn a_fuller_stand_in_fails_in_every_way_and_nothing_is_believed() {
    let Some(given) = Given::start().await else { return };
    for (fault, outcome) in [
        (json!({ "garbage": true }), "malformed"),
        (json!({ "huge": true }), "malformed"),
        (json!({ "drop": true }), "down"),
        (json!({ "truncate": true }), "down"),
        (json!({ "delay_ms": 8_000, "times": 1 }), "down"),
        (json!({ "status": 502 }), "down"),
        (json!({ "status": 504 }), "down"),
        (json!({ "status": 429 }), "limited"),
        (json!({ "status": 409 }), "busy"),
        (json!({ "status": 401 }), "denied"),
        (json!({ "status": 403 }), "denied"),
        (json!({ "status": 404 }), "malformed"),
    ] {
        given.fault(fault.clone()).await;
        assert_eq!(ask(&given.client, &question(&given.cases[0])).await.outcome.code(), outcome, "{fault}");
    }
    given.fault(json!({})).await;
    every_case_is_understood(&given.client, &given.cases).await;
}

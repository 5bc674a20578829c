//! Every fault of every operation: an outcome, within the time, that nothing is decided on; and afterwards the question goes on where it was.

use super::{ask, client, family_quotient, income, inquiry, proof, question, taxpayer};
use crate::support::{Authorities, Given, impot_config, quotients};
use chrono::TimeDelta;
use passplus::{
    config::ImpotResource,
    fiscal::{
        Particulier,
        http_client::Pause,
        impot::{ImpotParticulier, Inquiry},
        limits::Health,
        outcome::{Next, Outcome, after},
        quotient,
    },
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Every fault, its word, and whether an agent gets the question at once.
fn faults() -> Vec<(Value, &'static str, bool)> {
    vec![
        (json!({ "delay_ms": 8_000, "times": 1 }), "down", false),
        (json!({ "drop": true }), "down", false),
        (json!({ "truncate": true }), "down", false),
        (json!({ "status": 500 }), "down", false),
        (json!({ "status": 502, "code": "37999" }), "down", false),
        (json!({ "status": 504, "code": "00501", "meta": { "retry_in": 120 } }), "down", false),
        (json!({ "status": 503, "retry_after": "45" }), "limited", false),
        (json!({ "status": 429, "retry_after": "90" }), "limited", false),
        (json!({ "status": 429 }), "limited", false),
        (json!({ "status": 409, "code": "00015" }), "busy", false),
        (json!({ "status": 403, "code": "00100" }), "denied", false),
        (json!({ "garbage": true }), "unreadable", false),
        (json!({ "endless": true }), "unreadable", false),
        (json!({ "redirect": true }), "unreadable", false),
        (json!({ "status": 404, "code": "00404" }), "unreadable", false),
        (json!({ "status": 410 }), "unreadable", false),
        (json!({ "body": [] }), "unreadable", false),
        (json!({ "status": 400 }), "refused", true),
        (json!({ "status": 422, "code": "00366" }), "refused", true),
    ]
}

/// The faults of the given stand-in.
fn given_faults() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "garbage": true }), "unreadable"),
        (json!({ "huge": true }), "unreadable"),
        (json!({ "drop": true }), "down"),
        (json!({ "truncate": true }), "down"),
        (json!({ "delay_ms": 8_000, "times": 1 }), "down"),
        (json!({ "status": 502 }), "down"),
        (json!({ "status": 504 }), "down"),
        (json!({ "status": 429 }), "limited"),
        (json!({ "status": 409 }), "busy"),
        (json!({ "status": 403 }), "denied"),
        (json!({ "status": 404 }), "unreadable"),
        (json!({ "status": 422 }), "refused"),
    ]
}

fn judged(outcome: &Outcome, code: &str, to_agent: bool, fault: &Value) {
    assert_eq!(outcome.code(), code, "{fault}");
    let now = chrono::DateTime::UNIX_EPOCH;
    match after(outcome, 1, now, 0) {
        Next::GiveUp => assert!(to_agent, "{fault}"),
        Next::RetryAt(at) => assert!(!to_agent && at > now, "{fault}"),
        Next::Decide => panic!("{fault}: decided on nothing"),
    }
    if let Some(seconds) = fault["retry_after"].as_str() {
        let pause = Pause::For(TimeDelta::seconds(seconds.parse().unwrap()));
        assert_eq!(outcome.health(), Health::Limited(Some(pause)), "{fault}");
    }
}

/// Each fault in the middle of a question; those that interrupt it let it go on, with what it knew.
async fn no_fault_is_believed(authorities: &Authorities, resource: ImpotResource, path: &str, renewed: bool) {
    let client = ImpotParticulier::new(&impot_config(&authorities.url, resource)).unwrap();
    let start = || -> Inquiry { inquiry(taxpayer("0070812345670", "Martin"), None) };
    income(&ask(&client, start()).await.0);
    for (mut fault, code, to_agent) in faults() {
        if renewed {
            // The token is no more: the question fails before it is put.
            authorities.end_tokens();
            ask(&client, start()).await;
        }
        fault["path"] = json!(path);
        authorities.fault(fault.clone());
        authorities.calls();
        let began = Instant::now();
        let (outcome, codes, rest) = ask(&client, start()).await;
        assert!(began.elapsed() < Duration::from_secs(7), "{fault} took {:?}", began.elapsed());
        assert_eq!((codes.len(), authorities.calls().len()), (1, 1), "{fault}: nothing is followed or repeated");
        // A token that is refused is no matter of the question.
        if renewed && to_agent {
            judged(&outcome, "denied", false, &fault);
        } else {
            judged(&outcome, code, to_agent, &fault);
        }
        assert_eq!(rest.is_none(), outcome.code() == "refused", "{fault}");
        authorities.fault(Value::Null);
        let told = ask(&client, rest.unwrap_or_else(start)).await.0;
        assert_eq!((income(&told).reference_euros, income(&told).quarter_parts), (0, 16), "{fault}: stuck");
    }
    assert!(authorities.endless_taken() < 16 << 20, "{} bytes were read", authorities.endless_taken());
}

#[actix_web::test]
async fn no_fault_of_a_year_is_believed() {
    let authorities = Authorities::start().await;
    no_fault_is_believed(&authorities, ImpotResource::Year, "/impotparticulier", false).await;
}

#[actix_web::test]
async fn no_fault_of_two_years_is_believed() {
    let authorities = Authorities::start().await;
    no_fault_is_believed(&authorities, ImpotResource::LastOfTwoYears, "/impotparticulier", false).await;
}

#[actix_web::test]
async fn no_fault_of_the_token_is_believed() {
    let authorities = Authorities::start().await;
    no_fault_is_believed(&authorities, ImpotResource::Year, "/token", true).await;
}

/// The first parent is known, the second is not yet: a half is never told, and is not lost.
#[actix_web::test]
async fn no_fault_at_the_second_household_leaves_half_an_income() {
    let authorities = Authorities::start().await;
    let client = client(&authorities.url);
    let start = || inquiry(taxpayer("3070812345678", "Lefèvre"), Some(taxpayer("3070812345679", "Petit")));
    let second = "/impotparticulier/1.0/spi/3070812345679";
    for (mut fault, code, to_agent) in faults() {
        fault["path"] = json!(second);
        authorities.fault(fault.clone());
        let (outcome, codes, rest) = ask(&client, start()).await;
        assert_eq!(codes[0], "found");
        judged(&outcome, code, to_agent, &fault);
        if let Some(rest) = rest {
            authorities.fault(json!({ "path": second, "body": { "rfr": 1_269, "nbPart": 1, "sitFam": "C" } }));
            let (outcome, codes, _) = ask(&client, rest).await;
            assert_eq!(
                (income(&outcome).reference_euros, income(&outcome).quarter_parts, codes.len()),
                (4_874_428, 51, 1)
            );
        }
    }
}

#[actix_web::test]
async fn no_fault_of_a_quotient_is_believed() {
    let authorities = Authorities::start().await;
    let client = Particulier::new(&authorities.config()).unwrap();
    let question = question(&quotients()[1]).unwrap();
    for (fault, code, to_agent) in faults() {
        authorities.fault(fault.clone());
        authorities.calls();
        let began = Instant::now();
        let answer = quotient::ask(&client, &proof(), &question).await;
        assert!(began.elapsed() < Duration::from_secs(7), "{fault} took {:?}", began.elapsed());
        assert_eq!(authorities.calls().len(), 1, "{fault}");
        judged(&answer.outcome, code, to_agent, &fault);
        if fault["meta"]["retry_in"] == 120 {
            assert_eq!(answer.health, Health::Failing(Some(TimeDelta::seconds(120))));
        }
        authorities.fault(Value::Null);
        let told = quotient::ask(&client, &proof(), &question).await.outcome;
        assert_eq!(family_quotient(&told).value_euros, 0, "{fault}");
    }
}

#[actix_web::test]
async fn a_fuller_stand_in_fails_in_every_way_and_no_figure_is_believed() {
    let Some(given) = Given::start().await else { return };
    let martin = || inquiry(taxpayer("3001234567890", "Martin"), None);
    let asked = question(&given.quotients[2]).unwrap();
    for resource in ImpotResource::ALL {
        let client = ImpotParticulier::new(&impot_config(&given.url, *resource)).unwrap();
        for (fault, code) in given_faults() {
            income(&ask(&client, martin()).await.0);
            given.fault(fault.clone()).await;
            let (outcome, _, rest) = ask(&client, martin()).await;
            assert_eq!(outcome.code(), code, "{fault}");
            given.fault(json!({})).await;
            assert_eq!(income(&ask(&client, rest.unwrap_or_else(martin)).await.0).reference_euros, 32_011, "{fault}");
        }
    }
    for (fault, code) in given_faults() {
        given.fault(fault.clone()).await;
        let newcomer = client(&given.url);
        let (outcome, _, rest) = ask(&newcomer, martin()).await;
        let code_of_token = if code == "refused" { "denied" } else { code };
        assert_eq!(outcome.code(), code_of_token, "{fault} of the token");
        given.fault(json!({})).await;
        assert_eq!(income(&ask(&newcomer, rest.unwrap_or_else(martin)).await.0).reference_euros, 32_011);
        given.fault(fault.clone()).await;
        let answer = quotient::ask(&given.client, &proof(), &asked).await;
        assert_eq!(answer.outcome.code(), code, "{fault} of a quotient");
        given.fault(json!({})).await;
        assert_eq!(family_quotient(&quotient::ask(&given.client, &proof(), &asked).await.outcome).value_euros, 900);
    }
}

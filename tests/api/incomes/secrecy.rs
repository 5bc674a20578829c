//! A tax number and figures found nowhere else, looked for in everything that is written.

use super::{ask, client, inquiry, proof, question, taxpayer};
use crate::support::{Authorities, Lines, impot_config, quotients, told};
use passplus::{
    config::ImpotResource,
    fiscal::{Particulier, impot::ImpotParticulier, quotient, spi::Spi},
};
use serde_json::{Value, json};

const CANARIES: [&str; 14] = [
    "3070812345678",
    "3070812345679",
    "4873159",
    "2140077",
    "7013236",
    "11.75",
    "7391486",
    "anneeDateNaissance",
    "LEFEVRE",
    "Lefèvre",
    "GARNIER",
    "1986-04-03",
    "sandbox-secret",
    "sandbox-token",
];

fn is_silent(text: &str, what: &str) {
    for canary in CANARIES {
        if let Some(told) = told(text, canary) {
            panic!("{canary} is in {what}:\n{told}");
        }
    }
}

#[actix_web::test]
async fn no_tax_number_and_no_figure_is_written_however_much_is_logged() {
    let authorities = Authorities::start().await;
    let lines = Lines::captured();
    let mut shown = vec![];
    let case = question(&quotients()[0]).unwrap();
    for fault in [
        Value::Null,
        json!({ "drop": true }),
        json!({ "truncate": true }),
        json!({ "garbage": true }),
        json!({ "redirect": true }),
        json!({ "status": 401 }),
        json!({ "status": 400, "code": "3070812345678" }),
        json!({ "status": 502, "code": "48731LEFEVRE" }),
        json!({ "body": { "rfr": "4873159", "nbPart": 11.75 } }),
        json!({ "body": { "rfr": 4_873_159, "nbPart": "11.75", "spi": 3_070_812_345_678_u64 } }),
        json!({ "body": { "data": { "quotient_familial": { "valeur": "7391486" } } } }),
    ] {
        for path in ["/token", "/impotparticulier", "/v3"] {
            let mut fault = fault.clone();
            if !fault.is_null() {
                fault["path"] = json!(path);
            }
            authorities.fault(fault);
            for resource in ImpotResource::ALL {
                let client = ImpotParticulier::new(&impot_config(&authorities.url, *resource)).unwrap();
                for second in [None, Some(taxpayer("3070812345679", "Lefèvre"))] {
                    let (outcome, ..) = ask(&client, inquiry(taxpayer("3070812345678", "Lefèvre"), second)).await;
                    tracing::info!(?outcome, code = outcome.code(), detail = outcome.detail(), "asked");
                    shown.push(format!("{outcome:?} {outcome:#?} {:?}", outcome.health()));
                }
            }
            let answer = quotient::ask(&Particulier::new(&authorities.config()).unwrap(), &proof(), &case).await;
            tracing::info!(outcome = ?answer.outcome, code = answer.error_code, "asked");
            shown.push(format!("{:?} {:?} {:?}", answer.outcome, answer.error_code, answer.request_id));
        }
    }
    // Nobody listens there any more.
    let (outcome, ..) = ask(&client("http://127.0.0.1:9"), inquiry(taxpayer("3070812345678", "Lefèvre"), None)).await;
    shown.push(format!("{outcome:?}"));
    let config = impot_config(&authorities.url, ImpotResource::Year);
    shown.push(format!("{config:?} {:?} {:?}", "3070812345678".parse::<Spi>(), "3070812345678x".parse::<Spi>()));
    let lines = lines.end();
    assert!(lines.contains("computed") && lines.contains("Quotient") && lines.contains("DEBUG"));
    is_silent(&lines, "the log");
    is_silent(&shown.join("\n"), "what is shown");
}

/// One place makes the proof: where the row of a request is read. Another would be a way around the tick.
#[test]
fn the_proof_of_a_request_is_made_in_one_place() {
    let makers = crate::coverage::sources("src").into_iter().filter(|(file, text)| {
        file != "fiscal/request.rs" && !file.ends_with("tests.rs") && text.contains("IncomeRequest::recorded(")
    });
    let makers: Vec<String> = makers.map(|(file, _)| file).collect();
    assert!(makers.len() <= 1, "{makers:?}");
}

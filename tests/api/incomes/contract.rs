//! The clients against the published contracts: of the own stand-in always, of a fuller one where there is one.

use super::{ask, client, family_quotient, income, inquiry, of, proof, question, taxpayer};
use crate::support::{Authorities, Given, Household, households, impot_config, quotients};
use chrono::TimeDelta;
use passplus::{
    config::ImpotResource,
    fiscal::{
        Particulier,
        http_client::Pause,
        impot::{ImpotParticulier, Progress, Situation},
        outcome::{Absence, Because, Doubt, Field, Outcome},
        quotient,
    },
    kernel::{ids::AuthorityCallId, text::Sensitive},
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// Each household's own answer, as its notices read.
async fn every_household_is_understood(client: &ImpotParticulier, households: &[Household]) {
    assert!(households.len() >= 4);
    for household in households {
        let (outcome, codes, _) = ask(client, inquiry(of(household), None)).await;
        let year = ["2025", "2024"].into_iter().find(|year| household.years.contains_key(*year)).unwrap();
        let notice = &household.years[year];
        if household.deceased {
            assert_eq!((outcome, codes), (Outcome::NotFound, vec!["no_result", "no_result"]), "{}", household.spi);
        } else if !notice.contains_key("rfr") {
            assert_eq!(outcome, Outcome::Partial(Field::ReferenceIncome), "{}", household.spi);
        } else {
            let told = income(&outcome);
            assert_eq!(Some(told.reference_euros), notice["rfr"].as_i64(), "{}", household.spi);
            let parts: Decimal = notice["nbPart"].to_string().parse().unwrap();
            assert_eq!(Decimal::from(told.quarter_parts), parts * Decimal::from(4), "{}", household.spi);
            assert_eq!(
                told.situations.iter().map(|s| s.as_str()).collect::<Vec<_>>(),
                [notice["sitFam"].as_str().unwrap()]
            );
            let dependants = notice.get("pac").and_then(|pac| pac["nbPac"].as_u64());
            assert_eq!(told.dependants.map(u64::from), dependants);
            assert_eq!((told.year.to_string().as_str(), told.is_of_year_before()), (year, year == "2024"));
        }
    }
    let (outcome, codes, _) = ask(client, inquiry(taxpayer("3999999999999", "Martin"), None)).await;
    assert_eq!((outcome, codes), (Outcome::NotFound, vec!["not_found"]));
}

async fn every_last_year_is_understood(url: &str, households: &[Household]) {
    let client = ImpotParticulier::new(&impot_config(url, ImpotResource::LastOfTwoYears)).unwrap();
    for household in households.iter().filter(|household| !household.deceased) {
        let (outcome, codes, _) = ask(&client, inquiry(of(household), None)).await;
        assert_eq!(codes.len(), 1);
        let (year, notice) = household.years.iter().next_back().unwrap();
        match notice.get("rfr") {
            Some(euros) => {
                let told = income(&outcome);
                assert_eq!((told.year.to_string(), Some(told.reference_euros)), (year.clone(), euros.as_i64()));
            }
            None => assert_eq!(outcome, Outcome::Partial(Field::ReferenceIncome)),
        }
    }
}

async fn every_quotient_is_understood(client: &Particulier, cases: &[Value]) {
    let mut asked = 0;
    for case in cases {
        // Told apart by what of the birth date is left out, which we never do.
        let is_rival = |other: &&Value| {
            let same = |key: &str| other["params"][key] == case["params"][key];
            same("nomNaissance") && same("prenoms") && other["status"] != case["status"] && question(other).is_some()
        };
        let (Some(question), None) = (question(case), cases.iter().find(is_rival)) else { continue };
        asked += 1;
        let outcome = quotient::ask(client, &proof(), &question).await.outcome;
        let expected = match case["status"].as_u64().unwrap() {
            200 => {
                let (told, wanted) = (family_quotient(&outcome), &case["body"]["data"]["quotient_familial"]);
                let value = json!({ "valeur": told.value_euros, "annee": told.year, "mois": told.month,
                                    "fournisseur": told.provider });
                for key in ["valeur", "annee", "mois", "fournisseur"] {
                    assert_eq!(value[key], wanted[key], "{}: {key}", case["case"]);
                }
                continue;
            }
            404 => Outcome::NotFound,
            429 => Outcome::Unavailable(Absence::Limited, Some(Pause::For(TimeDelta::seconds(1)))),
            _ => Outcome::Unavailable(Absence::Down, None),
        };
        assert_eq!(outcome, expected, "{}", case["case"]);
    }
    assert!(asked >= 4, "{asked} cases");
}

#[actix_web::test]
async fn each_published_case_is_understood() {
    let authorities = Authorities::start().await;
    every_household_is_understood(&client(&authorities.url), &households()).await;
    every_last_year_is_understood(&authorities.url, &households()).await;
    authorities.calls();
    every_quotient_is_understood(&Particulier::new(&authorities.config()).unwrap(), &quotients()).await;
    let recipient = format!("recipient={}", crate::support::siret(7));
    assert!(authorities.calls().iter().all(|call| call.contains(&recipient)));
}

#[actix_web::test]
async fn each_case_of_a_fuller_stand_in_is_understood() {
    let Some(given) = Given::start().await else { return };
    every_household_is_understood(&client(&given.url), &given.households).await;
    every_last_year_is_understood(&given.url, &given.households).await;
    every_quotient_is_understood(&given.client, &given.quotients).await;
    let client = client(&given.url);
    let two = inquiry(taxpayer("1501112223334", "Diallo"), Some(taxpayer("0702223334445", "Petit")));
    assert_eq!(ask(&client, two).await.0, Outcome::Partial(Field::ReferenceIncome));
    let two = inquiry(taxpayer("3009876543210", "Rocher"), Some(taxpayer("3001234567890", "Martin")));
    assert_eq!(ask(&client, two).await.0, Outcome::Ambiguous(Doubt::JointNotice));
}

#[actix_web::test]
async fn a_call_says_who_asks_and_what_it_is_called() {
    let authorities = Authorities::start().await;
    let (client, call) = (client(&authorities.url), AuthorityCallId::generate());
    let step = inquiry(taxpayer("3070812345678", "Lefèvre"), None).step(&client, call).await;
    assert!(matches!(step.progress, Progress::Ended(Outcome::Computed(_))));
    assert_eq!((step.code, step.error_code), ("found", None));
    assert_eq!(step.request_id.as_deref(), Some("0199a8f0-7c3e-7bbd-8000-000000000001"));
    let heads = authorities.heads();
    let [token, notice] = &heads[..] else { panic!("{heads:?}") };
    assert!(token.starts_with("POST /token HTTP/1.1\r\n"), "{token}");
    assert!(
        notice.starts_with(
            "GET /impotparticulier/1.0/spi/3070812345678/situations/ir/assiettes/annrev/2025 HTTP/1.1\r\n"
        )
    );
    let notice = notice.to_lowercase();
    for line in [
        format!("x-correlation-id: {call}"),
        "id_teleservice: passplus-92".to_owned(),
        "authorization: bearer 1.ressourceir".to_owned(),
        "accept: application/prs.dgfip.part.situations.ir.assiettes.v1+json".to_owned(),
    ] {
        assert!(notice.contains(&format!("{line}\r\n")), "{line} is not in {notice}");
    }
}

#[actix_web::test]
async fn two_households_are_two_calls_for_one_year() {
    let authorities = Authorities::start().await;
    let client = client(&authorities.url);
    let (first, second) = ("3070812345678", "3070812345679");
    let both = |first: &str, second: &str| inquiry(taxpayer(first, "Lefèvre"), Some(taxpayer(second, "Lefèvre")));
    // The first has no notice of 2024, the only year of the second: half an income is none.
    let (outcome, codes, _) = ask(&client, both(first, second)).await;
    assert_eq!((outcome, codes), (Outcome::Partial(Field::FirstHousehold), vec!["found", "no_result", "no_result"]));
    let (outcome, codes, _) = ask(&client, both(second, "3999999999999")).await;
    assert_eq!((outcome, codes), (Outcome::Partial(Field::SecondHousehold), vec!["no_result", "found", "not_found"]));
    let couple = inquiry(taxpayer(first, "Lefèvre"), Some(taxpayer("0070812345670", "Diallo")));
    assert_eq!(ask(&client, couple).await.0, Outcome::Ambiguous(Doubt::JointNotice));
    let other = inquiry(taxpayer(first, "Bernard"), None);
    assert_eq!(ask(&client, other).await.0, Outcome::Ambiguous(Doubt::OtherPerson));
    // Two that are known for the year before only.
    authorities.fault(
        json!({ "path": "/impotparticulier", "times": 2, "body": { "rfr": 10_000, "nbPart": 1.5, "sitFam": "D" } }),
    );
    let (outcome, codes, _) = ask(&client, both(first, second)).await;
    let told = income(&outcome);
    assert_eq!((told.reference_euros, told.quarter_parts, codes.len()), (20_000, 12, 2));
    assert_eq!(told.situations, [Situation::Divorced; 2]);
}

#[actix_web::test]
async fn one_token_serves_everybody_until_it_ends() {
    let authorities = Authorities::start().await;
    let client = client(&authorities.url);
    let tokens = |calls: Vec<String>| calls.iter().filter(|call| *call == "/token").count();
    let one = || ask(&client, inquiry(taxpayer("3070812345678", "Lefèvre"), None));
    authorities.fault(json!({ "path": "/token", "delay_ms": 300, "times": 1 }));
    let together = (one(), one(), one(), one(), one());
    let together = tokio::join!(together.0, together.1, together.2, together.3, together.4);
    for (outcome, ..) in [together.0, together.1, together.2, together.3, together.4] {
        income(&outcome);
    }
    assert_eq!(tokens(authorities.calls()), 1);
    // It ends before its time: the next call takes another.
    authorities.end_tokens();
    let (outcome, _, rest) = one().await;
    assert_eq!(outcome, Outcome::Unavailable(Absence::TokenEnded, None));
    income(&ask(&client, rest.unwrap()).await.0);
    assert_eq!(tokens(authorities.calls()), 1);
    // When none is given, those who wait for it do not ask one after the other.
    authorities.end_tokens();
    one().await;
    authorities.calls();
    authorities.fault(json!({ "path": "/token", "delay_ms": 300, "status": 503 }));
    let refused = tokio::join!(one(), one(), one());
    for (outcome, ..) in [refused.0, refused.1, refused.2] {
        assert_eq!(outcome, Outcome::Unavailable(Absence::Down, None));
    }
    assert_eq!(authorities.calls(), ["/token"]);
    authorities.fault(Value::Null);
    income(&one().await.0);
}

#[actix_web::test]
async fn wrong_credentials_are_denied() {
    let authorities = Authorities::start().await;
    let mut config = impot_config(&authorities.url, ImpotResource::Year);
    config.client_secret = Sensitive::new("another".to_owned());
    let client = ImpotParticulier::new(&config).unwrap();
    let step = inquiry(taxpayer("3070812345678", "Lefèvre"), None).step(&client, AuthorityCallId::generate()).await;
    assert!(matches!(step.progress, Progress::Interrupted(Outcome::Refused(Because::Access), _)));
    assert_eq!((step.code, step.error_code.as_deref()), ("denied", Some("token")));
    assert_eq!(authorities.calls(), ["/token"], "no tax number leaves without a token");
    // A token that is refused as soon as given.
    authorities.fault(json!({ "path": "/impotparticulier", "status": 401 }));
    let (outcome, ..) =
        ask(&super::client(&authorities.url), inquiry(taxpayer("3070812345678", "Lefèvre"), None)).await;
    assert_eq!(outcome, Outcome::Refused(Because::Access));
}

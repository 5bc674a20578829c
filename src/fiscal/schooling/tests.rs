use super::*;
use serde_json::{Value, json};

fn question() -> Question {
    Question {
        last_name: "Lefèvre-Ôst".parse().unwrap(),
        first_names: "Zoé, Jeanne-Marie Anne Lou".parse().unwrap(),
        sex: CivilSex::Female,
        birth_date: NaiveDate::from_ymd_opt(2014, 5, 7).unwrap(),
        college_uai: "0920001B".parse().unwrap(),
        season: "2026-2027".parse().unwrap(),
    }
}

fn outcome(status: u16, body: &Value) -> Outcome {
    read(&reply(status, body.to_string().into_bytes()), &question()).outcome
}

fn reply(status: u16, body: Vec<u8>) -> Reply {
    Reply { status, body, retry_after: None, request_id: None }
}

fn found(data: Value) -> Outcome {
    outcome(200, &json!({ "data": data, "links": {}, "meta": {} }))
}

fn problem(code: &str, meta: Value) -> Value {
    json!({ "errors": [{ "code": code, "title": "t", "detail": "d", "source": null, "meta": meta }] })
}

#[test]
fn a_question_is_put_as_the_contract_writes_it() {
    let told = params(&question(), "22920050600013");
    let expected = [
        ("recipient", "22920050600013"),
        ("nomNaissance", "Lefèvre-Ôst"),
        ("prenoms[]", "Zoé"),
        ("prenoms[]", "Jeanne-Marie"),
        ("prenoms[]", "Anne"),
        ("sexeEtatCivil", "F"),
        ("anneeDateNaissance", "2014"),
        ("moisDateNaissance", "5"),
        ("jourDateNaissance", "7"),
        ("codeEtablissement", "0920001B"),
        ("anneeScolaire", "2026-2027"),
    ];
    assert_eq!(told, expected.map(|(name, value)| (name, value.to_owned())));
}

#[test]
fn any_field_may_be_absent_and_an_absent_one_says_nothing() {
    assert_eq!(found(json!({})), Outcome::Found(Schooling::default()));
    let told = Schooling { is_enrolled: Some(true), ..Schooling::default() };
    assert_eq!(found(json!({ "est_scolarise": true, "est_boursier": null })), Outcome::Found(told));
    let echelon = Schooling { is_scholar: Some(true), echelon: Some(3), ..Schooling::default() };
    assert_eq!(found(json!({ "echelon_bourse": 3 })), Outcome::Found(echelon));
    let same = json!({ "identite": { "nom": "LEFEVRE OST", "date_naissance": "2014-05-07" }, "annee_scolaire": "2026",
                       "etablissement": { "code_uai": "0920001b" } });
    let here = Schooling { college_uai: Some("0920001B".to_owned()), ..Schooling::default() };
    assert_eq!(found(same), Outcome::Found(here));
}

#[test]
fn what_is_not_of_the_contract_or_about_another_pupil_is_not_believed() {
    for data in [
        json!(null),
        json!([]),
        json!("vrai"),
        json!({ "est_boursier": "true" }),
        json!({ "est_boursier": 1 }),
        json!({ "est_boursier": false, "echelon_bourse": 2 }),
        json!({ "est_boursier": true, "echelon_bourse": 0 }),
        json!({ "est_boursier": true, "echelon_bourse": 7 }),
        json!({ "est_boursier": true, "echelon_bourse": 1.5 }),
        json!({ "est_boursier": true, "etablissement": { "code_uai": "<b>" } }),
        json!({ "est_boursier": true, "etablissement": "0920001B" }),
        json!({ "est_boursier": true, "annee_scolaire": "2025-2026" }),
        json!({ "est_boursier": true, "identite": { "nom": "AUTRE", "date_naissance": "2014-05-07" } }),
        json!({ "est_boursier": true, "identite": { "nom": "LEFEVRE-OST", "date_naissance": "2014-07-05" } }),
        json!({ "est_boursier": true, "identite": { "date_naissance": "7 mai 2014" } }),
    ] {
        assert_eq!(found(data.clone()), Outcome::Malformed, "{data}");
    }
    assert_eq!(outcome(200, &json!({})), Outcome::Malformed);
    assert_eq!(outcome(200, &problem("30003", json!({}))), Outcome::Malformed);
    let whole = br#"{"data": {"est_boursier": true}}"#;
    for end in 0..whole.len() {
        assert_eq!(read(&reply(200, whole[..end].to_vec()), &question()).outcome, Outcome::Malformed, "cut at {end}");
    }
}

#[test]
fn each_published_refusal_has_its_meaning() {
    let retry_in = Outcome::Down(Some(TimeDelta::seconds(10)));
    for (status, body, expected) in [
        (404, problem("30003", json!({ "provider": "MEN" })), Outcome::NotFound),
        // A wrong address, or a proxy's page, does not say that the State knows no such pupil.
        (404, problem("00404", json!({})), Outcome::Malformed),
        (404, json!("<html>"), Outcome::Malformed),
        (401, problem("00103", json!({})), Outcome::Denied),
        (403, problem("00100", json!({})), Outcome::Denied),
        (409, problem("00015", json!({})), Outcome::Busy),
        (422, problem("00203", json!({})), Outcome::Refused),
        (429, problem("00429", json!({})), Outcome::Limited(None)),
        (502, problem("30999", json!({ "provider": "MEN" })), Outcome::Down(None)),
        (504, problem("00501", json!({ "retry_in": 10 })), retry_in),
        (504, problem("30002", json!(null)), Outcome::Down(None)),
        (500, json!("oh"), Outcome::Down(None)),
        (302, json!({}), Outcome::Malformed),
        (204, json!({}), Outcome::Malformed),
    ] {
        assert_eq!(outcome(status, &body), expected, "{status} {body}");
    }
    let pause = Some(Pause::For(TimeDelta::seconds(7)));
    let limited = Reply { retry_after: pause, ..reply(503, vec![]) };
    assert_eq!(read(&limited, &question()).outcome, Outcome::Limited(pause));
    let coded =
        |code: &str| read(&reply(502, problem(code, json!({})).to_string().into_bytes()), &question()).error_code;
    assert_eq!(coded("30999").as_deref(), Some("30999"));
    assert_eq!(coded("Lefèvre"), None, "only codes reach the trace");
}

#[test]
fn a_no_is_unknown_until_the_lists_are_complete() {
    let season: SeasonCode = "2026-2027".parse().unwrap();
    let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap();
    let told = |is_scholar| Schooling { is_scholar, ..Schooling::default() };
    assert_eq!(told(Some(false)).scholarship(&season, day(10, 14)), None);
    assert_eq!(told(Some(false)).scholarship(&season, day(10, 15)), Some(false));
    assert_eq!(told(Some(true)).scholarship(&season, day(6, 1)), Some(true));
    assert_eq!(told(None).scholarship(&season, day(12, 1)), None);
}

#![expect(clippy::panic, reason = "a test that cannot go on fails")]

use super::*;
use crate::fiscal::{
    http_client::Pause,
    limits::Health,
    outcome::{Because, Doubt, Field, Told},
};
use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::json;

const ONE: &str = "3070812345678";
const TWO: &str = "3070812345679";

fn taxpayer(spi: &str, name: &str) -> Taxpayer {
    Taxpayer { spi: spi.parse().unwrap(), last_name: name.parse().unwrap() }
}

fn proof() -> IncomeRequest {
    let id = crate::kernel::ids::IncomeRequestId::generate();
    IncomeRequest::recorded(id, "2026-06".parse().unwrap(), "2026-06-02".parse().unwrap())
}

fn inquiry(households: usize) -> Inquiry {
    let second = (households == 2).then(|| taxpayer(TWO, "Petit"));
    Inquiry::new(proof(), taxpayer(ONE, "Lefèvre"), second, 2025).ok().unwrap()
}

fn notice() -> Value {
    json!({ "rfr": 32_011, "nbPart": 2.25, "sitFam": "C", "pac": { "nbPac": 1 }, "nmNaiDec1": "LEFEVRE" })
}

fn with(key: &str, value: Value) -> Value {
    let mut notice = notice();
    notice[key] = value;
    notice
}

fn without(key: &str) -> Value {
    let mut notice = notice();
    notice.as_object_mut().unwrap().remove(key);
    notice
}

fn reply(status: u16, body: impl ToString) -> Reply {
    Reply { status, body: body.to_string().into_bytes(), retry_after: None, request_id: None }
}

fn reading(reply: &Reply, resource: ImpotResource, name: &str) -> Reading {
    read(reply, resource, &taxpayer(ONE, name), 2025).reading
}

/// Plays answers to an inquiry, one after the other, to its end.
fn play(mut inquiry: Inquiry, resource: ImpotResource, replies: &[Reply]) -> Outcome {
    for reply in replies {
        let reading = read(reply, resource, &taxpayer(ONE, "Lefèvre"), inquiry.year).reading;
        match inquiry.told(reading, resource) {
            Progress::More(more) | Progress::Interrupted(_, more) => inquiry = more,
            Progress::Ended(outcome) => return outcome,
        }
    }
    panic!("not ended");
}

fn of_one(body: &Value) -> Outcome {
    play(inquiry(1), ImpotResource::Year, &[reply(200, body)])
}

fn income(outcome: Outcome) -> Income {
    match outcome {
        Outcome::Computed(Told::Income(income)) => income,
        other => panic!("{other:?}"),
    }
}

fn erreur(code: u32) -> Reply {
    let status = if code / 10 == 410 { 410 } else { u16::try_from(code / 10).unwrap() };
    reply(status, json!({ "erreur": { "code": code, "message": "m", "horodatage": "h" } }))
}

#[test]
fn a_notice_is_read_to_the_euro_and_the_quarter() {
    let told = income(of_one(&notice()));
    let expected = Income {
        reference_euros: 32_011,
        quarter_parts: 9,
        situations: vec![Situation::Single],
        dependants: Some(1),
        year: 2025,
        asked_year: 2025,
    };
    assert_eq!(told, expected);
    assert!(!told.is_of_year_before());
    for (parts, quarters) in [(json!(1), 4), (json!(4.0), 16), (json!(0.25), 1), (json!(50), 200)] {
        assert_eq!(income(of_one(&with("nbPart", parts))).quarter_parts, quarters);
    }
    // A household may really have nothing, and that is told.
    assert_eq!(income(of_one(&with("rfr", json!(0)))).reference_euros, 0);
    for silent in
        [without("pac"), with("pac", json!(null)), with("pac", json!({})), with("pac", json!({ "nbPac": null }))]
    {
        assert_eq!(income(of_one(&silent)).dependants, None);
    }
    for (situation, letter) in Situation::ALL.iter().zip(["M", "O", "C", "D", "V"]) {
        assert_eq!(income(of_one(&with("sitFam", json!(letter)))).situations, [*situation]);
    }
}

#[test]
fn what_is_absent_is_partial_and_what_cannot_be_is_odd() {
    for (key, field) in [("rfr", Field::ReferenceIncome), ("nbPart", Field::Parts), ("sitFam", Field::Situation)] {
        assert_eq!(of_one(&without(key)), Outcome::Partial(field));
        assert_eq!(of_one(&with(key, json!(null))), Outcome::Partial(field));
        for odd in [json!("12"), json!(""), json!(true), json!([1]), json!({}), json!(-1), json!(1e30), json!(12.3)] {
            assert_eq!(of_one(&with(key, odd.clone())), Outcome::Odd(field), "{key}: {odd}");
        }
    }
    assert_eq!(of_one(&json!({})), Outcome::Partial(Field::ReferenceIncome));
    for (key, odd, field) in [
        ("rfr", json!(32_011.0), Field::ReferenceIncome),
        ("rfr", json!(1_000_000_001), Field::ReferenceIncome),
        ("rfr", json!(u64::MAX), Field::ReferenceIncome),
        ("nbPart", json!(0), Field::Parts),
        ("nbPart", json!(0.0), Field::Parts),
        ("nbPart", json!(2.3), Field::Parts),
        ("nbPart", json!(50.25), Field::Parts),
        ("sitFam", json!("X"), Field::Situation),
        ("sitFam", json!("m"), Field::Situation),
        ("pac", json!(2), Field::Dependants),
        ("pac", json!({ "nbPac": "2" }), Field::Dependants),
        ("pac", json!({ "nbPac": -1 }), Field::Dependants),
        ("pac", json!({ "nbPac": 51 }), Field::Dependants),
        ("annRevenu", json!(2024), Field::Year),
        ("annRevenu", json!("2025"), Field::Year),
        ("annrev", json!(2026), Field::Year),
        ("spi", json!(TWO), Field::TaxNumber),
        ("spi", json!(3_070_812_345_678_u64), Field::TaxNumber),
        ("nmNaiDec1", json!(["LEFEVRE"]), Field::Names),
    ] {
        assert_eq!(of_one(&with(key, odd.clone())), Outcome::Odd(field), "{key}: {odd}");
    }
    assert!(matches!(of_one(&with("annRevenu", json!(2025))), Outcome::Computed(_)));
    assert!(matches!(of_one(&with("spi", json!(ONE))), Outcome::Computed(_)));
}

#[test]
fn somebody_elses_notice_or_half_of_one_is_ambiguous() {
    assert_eq!(of_one(&with("nmNaiDec1", json!("PETIT"))), Outcome::Ambiguous(Doubt::OtherPerson));
    for told in [without("nmNaiDec1"), with("nmNaiDec1", json!("")), with("nmUsaDec1", json!("MARTIN"))] {
        assert!(matches!(of_one(&told), Outcome::Computed(_)), "{told}");
    }
    let mut second = with("nmNaiDec1", json!("MARTIN"));
    second["nmNaiDec2"] = json!("LEFEVRE DUPONT");
    assert!(matches!(of_one(&second), Outcome::Computed(_)));
    assert_eq!(of_one(&with("sitPart", json!("SUP DOM"))), Outcome::Ambiguous(Doubt::PartialNotice));
    assert_eq!(of_one(&with("sitPart", json!(1))), Outcome::Ambiguous(Doubt::PartialNotice));
    assert!(matches!(of_one(&with("sitPart", json!(""))), Outcome::Computed(_)));
}

#[test]
fn what_is_no_answer_of_the_contract_is_unreadable() {
    for body in [
        "",
        "null",
        "[]",
        "12",
        "\"rfr\"",
        r#"{"rfr": 1"#,
        "<html>",
        r#"{"rfr": 0, "rfr": 0}"#,
        r#"[0, 2, "C", null, null, "", "", "", "", null, null, null]"#,
    ] {
        assert_eq!(
            play(inquiry(1), ImpotResource::Year, &[reply(200, body), erreur(4102)]),
            Outcome::NotFound,
            "{body}"
        );
        assert!(
            matches!(reading(&reply(200, body), ImpotResource::Year, "Lefèvre"), Reading::Other(Outcome::Unreadable)),
            "{body}"
        );
    }
}

#[test]
fn the_year_before_is_asked_when_the_year_is_not_there_and_it_is_said() {
    let told =
        income(play(inquiry(1), ImpotResource::Year, &[erreur(4101), reply(200, with("annRevenu", Value::Null))]));
    assert_eq!((told.year, told.asked_year, told.is_of_year_before()), (2024, 2025, true));
    assert_eq!(play(inquiry(1), ImpotResource::Year, &[erreur(4101), erreur(4101)]), Outcome::NotFound);
    assert_eq!(play(inquiry(1), ImpotResource::Year, &[erreur(4102)]), Outcome::NotFound);
    assert_eq!(income_year(&"2026-2027".parse().unwrap()), Some(2025));
}

#[test]
fn the_last_of_two_years_says_which_it_is() {
    let of = |body: &Value| play(inquiry(1), ImpotResource::LastOfTwoYears, &[reply(200, body)]);
    for year in [2025, 2024] {
        assert_eq!(income(of(&with("annRevenu", json!(year)))).year, year);
    }
    for year in [2026, 2023, 0] {
        assert_eq!(of(&with("annRevenu", json!(year))), Outcome::Odd(Field::Year));
    }
    assert_eq!(of(&notice()), Outcome::Partial(Field::Year));
    assert_eq!(play(inquiry(1), ImpotResource::LastOfTwoYears, &[erreur(4101)]), Outcome::NotFound);
    let years = [2025, 2024].map(|year| reply(200, with("annRevenu", json!(year))));
    assert_eq!(play(inquiry(2), ImpotResource::LastOfTwoYears, &years), Outcome::Ambiguous(Doubt::DifferentYears));
}

#[test]
fn two_households_are_added_when_both_answer_for_one_year() {
    let two = |replies: &[Reply]| play(inquiry(2), ImpotResource::Year, replies);
    let other = json!({ "rfr": 14_000, "nbPart": 1.5, "sitFam": "D" });
    let told = income(two(&[reply(200, notice()), reply(200, &other)]));
    assert_eq!((told.reference_euros, told.quarter_parts, told.dependants), (46_011, 15, None));
    assert_eq!(told.situations, [Situation::Single, Situation::Divorced]);
    // The second has no assessment yet: the year before is asked of both.
    let told =
        income(two(&[reply(200, notice()), erreur(4101), reply(200, with("rfr", json!(30_000))), reply(200, &other)]));
    assert_eq!((told.reference_euros, told.year), (44_000, 2024));
    let told = income(two(&[erreur(4101), reply(200, notice()), reply(200, notice())]));
    assert_eq!((told.year, told.dependants), (2024, Some(2)));
    for (replies, outcome) in [
        (vec![erreur(4102)], Outcome::Partial(Field::FirstHousehold)),
        (vec![reply(200, notice()), erreur(4102)], Outcome::Partial(Field::SecondHousehold)),
        (vec![erreur(4101), erreur(4101)], Outcome::Partial(Field::FirstHousehold)),
        (vec![erreur(4101), reply(200, notice()), erreur(4101)], Outcome::Partial(Field::SecondHousehold)),
        (vec![reply(200, notice()), reply(200, without("rfr"))], Outcome::Partial(Field::ReferenceIncome)),
        (vec![reply(200, with("sitFam", json!("M")))], Outcome::Ambiguous(Doubt::JointNotice)),
        (vec![reply(200, notice()), reply(200, with("sitFam", json!("O")))], Outcome::Ambiguous(Doubt::JointNotice)),
    ] {
        assert_eq!(two(&replies), outcome);
    }
    let twice = Inquiry::new(proof(), taxpayer(ONE, "A"), Some(taxpayer(ONE, "B")), 2025);
    assert_eq!(twice.err(), Some(Doubt::SameTaxpayer));
}

#[test]
fn an_interruption_keeps_what_is_known() {
    let busy = Reply { retry_after: Some(Pause::For(TimeDelta::seconds(9))), ..reply(503, "") };
    let told = income(play(
        inquiry(2),
        ImpotResource::Year,
        &[erreur(4101), reply(200, notice()), busy, reply(403, ""), reply(302, ""), reply(200, with("rfr", json!(1)))],
    ));
    assert_eq!((told.reference_euros, told.year), (32_012, 2024));
}

#[test]
fn errors_mean_what_the_contract_says() {
    let of = |reply: &Reply| match reading(reply, ImpotResource::Year, "Lefèvre") {
        Reading::Other(outcome) => outcome,
        other => panic!("{}", other.code()),
    };
    for code in [4000, 4001, 4002] {
        assert_eq!(of(&erreur(code)), Outcome::Refused(Because::Question));
    }
    assert_eq!(of(&erreur(4031)), Outcome::Refused(Because::Access));
    assert_eq!(of(&reply(401, "")), Outcome::Refused(Because::Access));
    assert_eq!(of(&reply(410, "")), Outcome::Unreadable);
    assert_eq!(of(&erreur(4103)), Outcome::Unreadable);
    for status in [204, 302, 404, 418] {
        assert_eq!(of(&reply(status, notice())), Outcome::Unreadable, "{status}");
    }
    assert_eq!(of(&reply(502, "{}")), Outcome::Unavailable(Absence::Down, None));
    let pause = Some(Pause::For(TimeDelta::seconds(9)));
    for status in [429, 503] {
        let outcome = of(&Reply { retry_after: pause, ..reply(status, "") });
        assert_eq!(
            (outcome.health(), outcome),
            (Health::Limited(pause), Outcome::Unavailable(Absence::Limited, pause))
        );
    }
    let told = read(&erreur(4101), ImpotResource::Year, &taxpayer(ONE, "A"), 2025);
    assert_eq!((told.error_code.as_deref(), told.reading.code()), (Some("4101"), "no_result"));
    let text = reply(410, json!({ "erreur": { "code": "4102" } }));
    assert_eq!(of(&text), Outcome::NotFound);
    let long = reply(400, json!({ "erreur": { "code": ONE, "message": ONE } }));
    assert_eq!(
        read(&long, ImpotResource::Year, &taxpayer(ONE, "A"), 2025).error_code,
        None,
        "no number enters a trace"
    );
}

#[test]
fn figures_are_not_shown() {
    let shown = format!("{:?} {:#?}", of_one(&notice()), of_one(&notice()));
    assert!(shown.contains("2025") && !shown.contains("32011") && !shown.contains("quarter"), "{shown}");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,12}".prop_map(Value::from),
        prop_oneof!["M", "2025", "2.5", "0"].prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let key = prop_oneof![
            "rfr",
            "nbPart",
            "sitFam",
            "pac",
            "nbPac",
            "annRevenu",
            "nmNaiDec1",
            "spi",
            "sitPart",
            "erreur",
            "code",
            ".{0,6}"
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..8).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_answer_is_an_outcome_and_absence_is_never_an_income(status in prop_oneof![Just(200_u16), Just(410), 100..600_u16], body in any_json()) {
        for resource in ImpotResource::ALL {
            if let Reading::Notice(notice) = reading(&reply(status, &body), *resource, "Lefèvre") {
                prop_assert_eq!(status, 200);
                prop_assert_eq!(body["rfr"].as_i64(), Some(notice.reference_euros));
                prop_assert!(body["nbPart"].is_number() && notice.quarter_parts > 0 && body["sitFam"].is_string());
            }
        }
    }

    #[test]
    fn any_bytes_are_an_outcome(status in 100..600_u16, body: Vec<u8>) {
        let reply = Reply { status, body, retry_after: None, request_id: None };
        prop_assert!(!matches!(reading(&reply, ImpotResource::Year, "Lefèvre"), Reading::Notice(_)));
    }

    #[test]
    fn a_notice_with_one_key_changed_is_right_or_no_notice(key in 0_usize..5, value in any_json()) {
        let key = ["rfr", "nbPart", "sitFam", "pac", "nmNaiDec1"][key];
        if let Reading::Notice(told) = reading(&reply(200, with(key, value.clone())), ImpotResource::Year, "Lefèvre") {
            let euros = if key == "rfr" { value.as_i64().unwrap() } else { 32_011 };
            prop_assert_eq!(told.reference_euros, euros);
            if key == "nbPart" {
                prop_assert_eq!(value.as_f64().map(|parts| parts.to_string()), Some((rust_decimal::Decimal::from(told.quarter_parts) / rust_decimal::Decimal::from(4)).normalize().to_string()));
            } else {
                prop_assert_eq!(told.quarter_parts, 9);
            }
        }
    }
}

#![expect(clippy::panic, reason = "a test that cannot go on fails")]

use super::*;
use crate::fiscal::{
    http_client::Pause,
    outcome::{Absence, Because},
};
use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::json;

fn question() -> Question {
    Question {
        last_name: "Lefèvre-Ôst".parse().unwrap(),
        usage_name: Some("Martin".parse().unwrap()),
        first_names: "Zoé, Jeanne-Marie Anne Lou".parse().unwrap(),
        sex: CivilSex::Female,
        birth_date: NaiveDate::from_ymd_opt(1984, 5, 7).unwrap(),
        birth_place: BirthPlace::Commune("92050".parse().unwrap()),
        month: None,
    }
}

fn reply(status: u16, body: impl ToString) -> Reply {
    Reply { status, body: body.to_string().into_bytes(), retry_after: None, request_id: None }
}

fn outcome(reply: &Reply) -> Outcome {
    read(reply, &question()).outcome
}

fn data() -> Value {
    json!({ "quotient_familial": { "fournisseur": "CNAF", "valeur": 845, "annee": 2026, "mois": 9, "annee_calcul": 2026, "mois_calcul": 9 },
            "allocataires": [{ "nom_naissance": "LEFEVRE OST", "nom_usage": null, "date_naissance": "1984-05-07" }] })
}

fn found(data: &Value) -> Outcome {
    outcome(&reply(200, json!({ "data": data, "links": {}, "meta": {} })))
}

fn with(key: &str, value: Value) -> Value {
    let mut data = data();
    data["quotient_familial"][key] = value;
    data
}

fn quotient(outcome: Outcome) -> FamilyQuotient {
    match outcome {
        Outcome::Computed(Told::Quotient(quotient)) => quotient,
        other => panic!("{other:?}"),
    }
}

fn problem(code: &str, title: &str, meta: Value) -> Value {
    json!({ "errors": [{ "code": code, "title": title, "detail": "d", "source": null, "meta": meta }] })
}

#[test]
fn a_question_is_put_as_the_contract_writes_it() {
    let told = params(&question(), "22920050600013");
    let expected = [
        ("recipient", "22920050600013"),
        ("nomNaissance", "Lefèvre-Ôst"),
        ("nomUsage", "Martin"),
        ("prenoms[]", "Zoé"),
        ("prenoms[]", "Jeanne-Marie"),
        ("prenoms[]", "Anne"),
        ("anneeDateNaissance", "1984"),
        ("moisDateNaissance", "5"),
        ("jourDateNaissance", "7"),
        ("sexeEtatCivil", "F"),
        ("codeCogInseeCommuneNaissance", "92050"),
        ("codeCogInseePaysNaissance", "99100"),
    ];
    assert_eq!(told, expected.map(|(name, value)| (name, value.to_owned())));
    let named = BirthPlace::Named("Ajaccio".parse().unwrap(), "2A".parse().unwrap());
    let told = params(&Question { birth_place: named, month: Some((2026, 9)), ..question() }, "1");
    let expected = [
        ("nomCommuneNaissance", "Ajaccio"),
        ("codeCogInseeDepartementNaissance", "2A"),
        ("codeCogInseePaysNaissance", "99100"),
        ("annee", "2026"),
        ("mois", "9"),
    ];
    assert_eq!(told[10..], expected.map(|(name, value)| (name, value.to_owned())));
    let abroad = BirthPlace::Country("99404".parse().unwrap());
    let told = params(&Question { birth_place: abroad, ..question() }, "1");
    assert_eq!(told[10..], [("codeCogInseePaysNaissance", "99404".to_owned())]);
}

#[test]
fn a_quotient_is_told_with_its_month() {
    let told = quotient(found(&data()));
    assert_eq!(told, FamilyQuotient { value_euros: 845, year: 2026, month: 9, provider: Some(Provider::Caf) });
    assert!(!format!("{told:?}").contains("845"));
    assert_eq!(quotient(found(&with("valeur", json!(0)))).value_euros, 0, "told, it is a quotient");
    assert_eq!(quotient(found(&with("fournisseur", json!(null)))).provider, None);
    let of =
        |month| read(&reply(200, json!({ "data": data() })), &Question { month: Some(month), ..question() }).outcome;
    assert!(matches!(of((2026, 9)), Outcome::Computed(_)));
    assert_eq!((of((2026, 8)), of((2025, 9))), (Outcome::Odd(Field::Month), Outcome::Odd(Field::Year)));
}

#[test]
fn what_is_absent_is_partial_and_what_cannot_be_is_odd() {
    for absent in [json!({}), json!({ "quotient_familial": null }), json!({ "enfants": [] })] {
        assert_eq!(found(&absent), Outcome::Partial(Field::Quotient), "{absent}");
    }
    for (key, field) in [("valeur", Field::Quotient), ("annee", Field::Year), ("mois", Field::Month)] {
        assert_eq!(found(&with(key, json!(null))), Outcome::Partial(field));
        let mut absent = data();
        absent["quotient_familial"].as_object_mut().unwrap().remove(key);
        assert_eq!(found(&absent), Outcome::Partial(field));
        for odd in [
            json!("9"),
            json!(""),
            json!(-1),
            json!(9.5),
            json!(true),
            json!([9]),
            json!({}),
            json!(1e30),
            json!(u64::MAX),
        ] {
            assert_eq!(found(&with(key, odd.clone())), Outcome::Odd(field), "{key}: {odd}");
        }
    }
    assert_eq!(found(&with("mois", json!(13))), Outcome::Odd(Field::Month));
    assert_eq!(found(&with("fournisseur", json!("AUTRE"))), Outcome::Odd(Field::Provider));
    assert_eq!(found(&json!({ "quotient_familial": 845 })), Outcome::Odd(Field::Quotient));
    assert_eq!(found(&json!({ "quotient_familial": ["CNAF", 845, 2026, 9, 2026, 9] })), Outcome::Odd(Field::Quotient));
    for body in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"data": [1]}"#,
        r#"{"data": null}"#,
        r#"{"data": {"quotient_familial": "#,
        "<html>",
    ] {
        assert_eq!(outcome(&reply(200, body)), Outcome::Unreadable, "{body}");
    }
}

#[test]
fn another_familys_quotient_is_ambiguous() {
    let of = |recipients: Value| {
        let mut data = data();
        data["allocataires"] = recipients;
        found(&data)
    };
    let person = |name: &str, date: &str| json!({ "nom_naissance": name, "nom_usage": null, "date_naissance": date });
    for other in [json!([]), json!([person("PETIT", "1980-01-01")]), json!([{}]), json!(["LEFEVRE OST"])] {
        assert_eq!(of(other.clone()), Outcome::Ambiguous(Doubt::OtherPerson), "{other}");
    }
    assert_eq!(of(json!({})), Outcome::Odd(Field::Names));
    for same in [
        json!(null),
        json!([person("PETIT", "1980-01-01"), person("LEFEVRE-OST", "")]),
        json!([person("MARTIN", "1980-01-01")]),
        json!([person("BROWN", "1984-05-07")]),
    ] {
        assert!(matches!(of(same.clone()), Outcome::Computed(_)), "{same}");
    }
}

#[test]
fn errors_mean_what_the_contract_says() {
    let of = |status: u16, code: &str, title: &str| {
        outcome(&reply(status, problem(code, title, json!({ "provider": "CNAV" }))))
    };
    for code in ["10003", "23003", "37003"] {
        assert_eq!(of(404, code, "Dossier allocataire absent"), Outcome::NotFound);
    }
    assert_eq!(of(404, "35003", "Allocataire non référencé"), Outcome::NotFound);
    assert_eq!(of(404, "35003", "Erreur inattendue"), Outcome::Unreadable, "an error of theirs is no absence");
    assert_eq!(of(404, "00404", "Inconnu"), Outcome::Unreadable);
    assert_eq!(of(401, "00103", "Jeton expiré"), Outcome::Refused(Because::Access));
    assert_eq!(of(403, "00100", "Privilèges insuffisants"), Outcome::Refused(Because::Access));
    assert_eq!(of(422, "00366", "Entité non traitable"), Outcome::Refused(Because::Question));
    assert_eq!(of(409, "00015", "Conflit"), Outcome::Unavailable(Absence::Busy, None));
    assert_eq!(of(502, "37999", "Erreur"), Outcome::Unavailable(Absence::Down, None));
    let pause = Pause::For(TimeDelta::seconds(10));
    let told = outcome(&reply(504, problem("00501", "Erreur réseau", json!({ "retry_in": 10 }))));
    assert_eq!(
        (told.health(), told),
        (Health::Failing(Some(TimeDelta::seconds(10))), Outcome::Unavailable(Absence::Down, Some(pause)))
    );
    let limited = Reply { retry_after: Some(pause), ..reply(429, problem("00429", "Trop de requêtes", json!({}))) };
    let told = read(&limited, &question());
    assert_eq!((told.health, told.error_code.as_deref()), (Health::Limited(Some(pause)), Some("00429")));
    assert_eq!(told.outcome, Outcome::Unavailable(Absence::Limited, Some(pause)));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        (0..3_000_i64).prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        let key = prop_oneof![
            "data",
            "quotient_familial",
            "valeur",
            "annee",
            "mois",
            "fournisseur",
            "allocataires",
            "errors",
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
    fn any_answer_is_an_outcome_and_absence_is_never_a_quotient(
        status in prop_oneof![Just(200_u16), 100..600_u16],
        body in any_json(),
        told in any_json(),
    ) {
        for body in [body, json!({ "data": { "quotient_familial": told.clone() } }), json!({ "data": with("valeur", told) })] {
            if let Outcome::Computed(Told::Quotient(quotient)) = outcome(&reply(status, &body)) {
                prop_assert_eq!(status, 200);
                prop_assert_eq!(body["data"]["quotient_familial"]["valeur"].as_i64(), Some(quotient.value_euros));
            }
        }
    }

    #[test]
    fn any_bytes_are_an_outcome(status in 100..600_u16, body: Vec<u8>) {
        let reply = Reply { status, body, retry_after: None, request_id: None };
        prop_assert!(!matches!(outcome(&reply), Outcome::Computed(_)));
    }
}

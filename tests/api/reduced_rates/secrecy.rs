//! Tax numbers and figures found nowhere else, looked for in everything that is written.

use super::{LEFEVRE, MARTIN, PETIT, Scene, benefits_grid, body, decide, inquiry, letters, okafor, requests, taxes};
use crate::{
    coverage::operations,
    support::{Api, COLLEGE, Lines, SEASON, told},
};
use data_encoding::HEXLOWER;
use diesel::{Connection, PgConnection};
use passplus::{
    canteen::{
        rates::{self, Known},
        reduced_rates::{self, Held, beneficiary::Beneficiary, desk, http, proofs},
        tariffs::{Means, figures::TaxHousehold},
    },
    fiscal::impot::{Inquiry, Taxpayer},
    jobs::Job,
    kernel::ids::RequestId,
    mail::Letter,
    migrate::Schema,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fmt::{Debug, Write as _},
};

/// Numbers, incomes and parts of the stand-in's first households, and an agent's own reading.
const CANARIES: [&str; 8] =
    ["3070812345678", "3070812345679", "4873159", "2140077", "7013236", "11.75", "6218457", "30 70 812 345 67"];

fn is_silent(text: &str, what: &str) {
    for canary in CANARIES {
        // As bytes of a column are printed, too.
        for form in [canary.to_owned(), HEXLOWER.encode(canary.as_bytes())] {
            if let Some(told) = told(text, &form) {
                panic!("{canary} is in {what}:\n{told}");
            }
        }
    }
}

/// Every row of the three databases.
fn dump(scene: &Scene) -> String {
    let mut text = String::new();
    let department = |code: &str| Schema::Department(code.parse().unwrap());
    for schema in [Schema::Directory, department("92"), department("78")] {
        let mut conn = PgConnection::establish(&scene.world.superuser_url(schema)).unwrap();
        for (table, row) in crate::coverage::dump(&mut conn) {
            writeln!(text, "{table}: {row}").unwrap();
        }
    }
    text
}

/// Everybody who is not entitled reads all that the service shows him, of the family and of the request above all.
async fn read_by_others(scene: &Scene, id: &str, other: &Api) {
    let world = &scene.world;
    let enrolment = scene.value("select to_jsonb(id) from canteen_enrolments").as_str().unwrap().to_owned();
    let ids = BTreeMap::from([
        ("department", "92".to_owned()),
        ("family", scene.family.id.clone()),
        ("child", scene.child.clone()),
        ("request", id.to_owned()),
        ("id", enrolment),
        ("season", SEASON.to_owned()),
        ("uai", COLLEGE.to_owned()),
    ]);
    let mut others = vec![
        ("anonymous", world.api.clone()),
        ("the other guardian", other.clone()),
        ("a guardian who consults", world.guardian(&scene.family, "consult").await.api),
        ("a stranger", world.family("92").await.api),
        ("a secretary", world.secretary(COLLEGE).await.api),
        ("a till", world.till(&["culture"]).await.api),
        ("a case worker of 78", world.agent("78", "case_worker").await.api),
    ];
    for function in ["finance", "dpo"] {
        others.push((function, world.agent("92", function).await.api));
    }
    let mut answered = 0;
    for operation in operations().into_iter().filter(|operation| operation.method == "GET") {
        let address =
            operation.address(|name| ids.get(name).cloned().unwrap_or_else(|| RequestId::generate().to_string()));
        for (who, api) in &others {
            let answer = api.get(&address).await;
            answered += usize::from(answer.status == 200);
            is_silent(&String::from_utf8_lossy(&answer.bytes), &format!("{} for {who}", operation.name()));
        }
    }
    assert!(answered > 80, "{answered} answers only: nothing was asked");
}

/// Those that hold a number, an income or a letter show nothing of it, or cannot be shown.
#[test]
fn what_holds_a_number_or_an_income_is_not_shown() {
    trait Unshown<A> {
        fn holds() {}
    }
    impl<T> Unshown<()> for T {}
    impl<T: Debug> Unshown<u8> for T {}
    // Would not compile, being ambiguous, if one could be shown.
    <Taxpayer as Unshown<_>>::holds();
    <Inquiry as Unshown<_>>::holds();
    <Held as Unshown<_>>::holds();
    <http::TaxpayerNumber as Unshown<_>>::holds();
    <Beneficiary as Unshown<_>>::holds();
    <http::RequestReducedRate as Unshown<_>>::holds();
    <http::GiveTaxNumbers as Unshown<_>>::holds();
    <desk::http::DecideRateRequest as Unshown<_>>::holds();
    <reduced_rates::Ticked as Unshown<_>>::holds();
    <Job as Unshown<_>>::holds();
    let household: TaxHousehold = serde_json::from_value(json!({ "rfr_euros": 4_873_159, "parts": 11.75 })).unwrap();
    let means = Means::Tax { households: vec![household] };
    let known = Known { means: means.clone(), statuses: vec![] };
    let seen = proofs::Seen { documents: vec![], note: None };
    let reading = desk::Reading::Means { known: known.clone(), income_year: Some(2025), seen };
    let quotient = serde_json::from_value::<Means>(json!({ "kind": "quotient", "quotient_cents": 7_013_236 })).ok();
    let letter = Letter { to: "a@b.example".parse().unwrap(), subject: String::new(), body: "4873159 €".to_owned() };
    is_silent(&format!("{household:?} {means:?} {known:?} {reading:#?} {quotient:?} {letter:?}"), "what is shown");
}

#[actix_web::test]
async fn no_tax_number_and_no_income_is_written_anywhere() {
    let mut scene = Scene::start().await;
    let other = scene.world.guardian(&scene.family, "full").await;
    let lines = Lines::captured();
    let mut told = vec![];
    for fault in [
        Value::Null,
        json!({ "drop": true }),
        json!({ "status": 400, "code": "3070812345678" }),
        json!({ "garbage": true }),
        json!({ "body": { "rfr": "4873159", "nbPart": 11.75, "sitFam": "C" } }),
    ] {
        scene.forget_failures();
        let id = scene.family.post(&requests(), body(&[&scene.child], taxes(&[LEFEVRE]))).await.expect(201).text("/id");
        scene.authorities.fault(fault.clone());
        scene.ask().await;
        is_silent(&dump(&scene), "the database");
        scene.authorities.fault(Value::Null);
        if scene.show(&id).await.text("/state") != "decided" {
            let again = scene.family.post(&inquiry(&id), taxes(&[LEFEVRE])).await;
            // His own figures are his to read, a tax number never is.
            assert!(!again.json.to_string().contains("30708123456"), "{}", again.json);
            let read = json!({ "households": [{ "rfr_euros": 6_218_457, "parts": 11.75 }], "income_year": 2025, "note": super::SEEN });
            decide(&scene.worker, &id, read).await.expect(200);
        }
        told.push(other.get(&super::request(&id)).await.expect(200).json.to_string());
        told.push(other.get(&requests()).await.expect(200).json.to_string());
    }
    // Two households, and wrong bodies that hold numbers.
    let two = body(&[&scene.child], taxes(&[("30 70 812 345 678", "Lefèvre"), PETIT]));
    let id = scene.family.post(&requests(), two).await.expect(201).text("/id");
    scene.ask().await;
    told.push(other.get(&super::request(&id)).await.expect(200).json.to_string());
    for wrong in [
        json!(3_070_812_345_678_u64),
        json!("3070812345678x"),
        json!(["3070812345678"]),
        json!({ "n": "3070812345678" }),
    ] {
        let mut fields = taxes(&[MARTIN]);
        fields["taxpayers"][0]["tax_number"] = wrong;
        let refused = scene.family.post(&requests(), body(&[&scene.child], fields)).await.expect(422);
        told.push(refused.json.to_string());
    }
    is_silent(&told.join("\n"), "what others or errors are told");
    is_silent(&dump(&scene), "the database");
    for (_, letter) in letters(&scene.world, &other.email).await {
        is_silent(&letter, "a letter to the other guardian");
    }
    for (subject, letter) in letters(&scene.world, &scene.family.email).await {
        is_silent(&letter, &subject);
        assert!(!letter.contains("30708123456"), "{letter}");
    }
    read_by_others(&scene, &id, &other).await;
    let lines = lines.end();
    // What the loop says, and what the threads of the server say.
    assert!(lines.contains("an income was asked for") && lines.contains("request{") && lines.contains("answered"));
    is_silent(&lines, "the log");
    // When the season is over, the figures are gone for their own family too.
    scene.wait(chrono::TimeDelta::days(330)).await;
    scene.world.repeat(rates::purge).await;
    scene.world.repeat(reduced_rates::send_on_lost).await;
    is_silent(&scene.show(&id).await.json.to_string(), "what the family reads after the season");
    assert_eq!(scene.value("select count(*) from canteen_means where means_sealed is not null"), json!(0));
}

#[actix_web::test]
async fn an_identity_lies_sealed_and_not_longer_than_its_question() {
    let scene = Scene::with(benefits_grid()).await;
    let lines = Lines::captured();
    let id = scene.family.post(&requests(), body(&[&scene.child], okafor())).await.expect(201).text("/id");
    for kept in [dump(&scene), scene.show(&id).await.json.to_string()] {
        for part in ["Okafor", "OKAFOR", "1990-11-30", "99338"] {
            // As bytes of a column are printed, too. As a word of its own: what lies sealed is random, and may hold any five digits.
            for form in [part.to_owned(), HEXLOWER.encode(part.as_bytes())] {
                assert_eq!(told(&kept, &form), None, "{part}");
            }
        }
    }
    scene.ask().await;
    assert_eq!(scene.value("select count(identity_sealed) from canteen_rate_requests"), json!(0));
    let lines = lines.end();
    assert!(lines.contains("an income was asked for"));
    for name in ["Okafor", "OKAFOR", "1990-11-30"] {
        assert_eq!(told(&lines, name), None);
    }
}

//! Tax numbers and figures found nowhere else, looked for in everything that is written.

use super::{LEFEVRE, MARTIN, PETIT, Scene, benefits_grid, body, decide, inquiry, letters, okafor, requests, taxes};
use crate::support::Lines;
use diesel::{Connection, PgConnection};
use passplus::{
    canteen::{rates, reduced_rates},
    migrate::Schema,
};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Numbers, incomes and parts of the stand-in's first households, and an agent's own reading.
const CANARIES: [&str; 8] =
    ["3070812345678", "3070812345679", "4873159", "2140077", "7013236", "11.75", "6218457", "30 70 812 345 67"];

fn is_silent(text: &str, what: &str) {
    for canary in CANARIES {
        assert!(!text.contains(canary), "{canary} is in {what}:\n{text}");
    }
}

fn dump(scene: &Scene) -> String {
    let mut text = String::new();
    for schema in [Schema::Directory, Schema::Department("92".parse().unwrap())] {
        let mut conn = PgConnection::establish(&scene.world.superuser_url(schema)).unwrap();
        for (table, row) in crate::coverage::dump(&mut conn) {
            writeln!(text, "{table}: {row}").unwrap();
        }
    }
    text
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
            let read = json!({ "households": [{ "rfr_euros": 6_218_457, "parts": 11.75 }] });
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
        if subject != "Tarif de la cantine décidé" {
            is_silent(&letter, &subject);
        }
        assert!(!letter.contains("30708123456"), "{letter}");
    }
    let lines = lines.end();
    assert!(lines.contains("an income was asked for"), "{lines:.2000}");
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
    for told in [dump(&scene), scene.show(&id).await.json.to_string()] {
        assert!(!told.contains("Okafor") && !told.contains("1990-11-30") && !told.contains("99338"), "{told}");
    }
    scene.ask().await;
    assert_eq!(scene.value("select count(identity_sealed) from canteen_rate_requests"), json!(0));
    let lines = lines.end();
    assert!(lines.contains("an income was asked for") && !lines.contains("Okafor") && !lines.contains("OKAFOR"));
}

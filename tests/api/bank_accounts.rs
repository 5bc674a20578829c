//! Where money goes: proposed by one, approved by another, in force three days later, never shown.

use crate::support::{Treasury, World, field_at_fault};
use chrono::TimeDelta;
use passplus::migrate::Schema;
use serde_json::json;

const ACCOUNTS: &str = "/v1/departments/92/bank-accounts";
const IBAN: &str = "FR7630006000011234567890189";
const ABSENT: &str = "0199a8f0-7c3e-7bbd-8000-000000000001";

fn decide(account: &str, decision: &str) -> String {
    format!("{ACCOUNTS}/{account}/{decision}")
}

#[actix_web::test]
async fn an_account_needs_two_persons_and_three_days() {
    let mut treasury = Treasury::without_accounts().await;
    let merchant = treasury.scene.till.merchant.clone();
    let body =
        json!({ "merchant_id": merchant, "holder_name": "Théâtre", "iban": "fr76 3000 6000 0112 3456 7890 189" });
    let proposed = treasury.finance[0].post(ACCOUNTS, body.clone()).await.expect(201);
    let id = proposed.text("/id");
    assert_eq!((proposed.text("/state"), proposed.text("/iban_last4")), ("proposed".into(), "0189".into()));
    assert!(!proposed.json.to_string().contains("3000"), "{}", proposed.json);
    treasury.finance[1].post(ACCOUNTS, body.clone()).await.refused(409, "bank_account.pending");
    treasury.finance[0].post(&decide(&id, "approve"), json!({})).await.refused(409, "four_eyes.same_person");
    let approved = treasury.finance[1].post(&decide(&id, "approve"), json!({})).await.expect(200);
    let hours = crate::support::ago(approved.at("/decided_at"), approved.at("/effective_from")) / 3_600;
    assert_eq!((approved.text("/state"), hours), ("approved".into(), 72));
    for decision in ["approve", "refuse"] {
        treasury.finance[2].post(&decide(&id, decision), json!({})).await.refused(409, "bank_account.transition");
    }
    // A change does not touch the account in force until its own three days are over.
    treasury.give_account(None, "FR1420041010050500013M02606").await;
    treasury.wait(TimeDelta::hours(73)).await;
    treasury.give_account(Some(&merchant), "DE89370400440532013000").await;
    treasury.debit(100).await;
    let before = treasury.settle().await;
    treasury.wait(TimeDelta::hours(73)).await;
    treasury.debit(100).await;
    let after = treasury.settle().await;
    let file = async |batch| String::from_utf8(treasury.file(batch).await.expect(200).bytes).unwrap();
    assert!(file(&before).await.contains(IBAN) && file(&after).await.contains("DE89370400440532013000"));
    let listed = treasury.finance[0].get(&format!("{ACCOUNTS}?merchant_id={merchant}")).await.expect(200);
    assert_eq!(listed.items().len(), 2);
    assert_eq!(listed.items()[0]["id"], json!(id));
    // One's own proposal may be withdrawn, and another made.
    let third = treasury.finance[0].post(ACCOUNTS, body.clone()).await.expect(201).text("/id");
    let refused = treasury.finance[0].post(&decide(&third, "refuse"), json!({})).await.expect(200);
    assert_eq!((refused.text("/state"), refused.json.get("effective_from")), ("refused".into(), None));
    treasury.finance[0].post(ACCOUNTS, body).await.expect(201);
    // The number is nowhere in clear.
    for schema in [Schema::Directory, Schema::Department("92".parse().unwrap())] {
        assert!(!dump(&treasury.scene.world, schema).contains("1234567890189"));
    }
}

fn dump(world: &World, schema: Schema) -> String {
    use crate::coverage::{relations, texts};
    use diesel::{Connection, PgConnection};
    let mut conn = PgConnection::establish(&world.superuser_url(schema)).unwrap();
    let tables = relations(&mut conn, "r");
    tables.iter().flat_map(|table| texts(&mut conn, &format!("select to_jsonb(t) from {table} t"))).collect()
}

#[actix_web::test]
async fn an_account_is_checked_and_of_somebody() {
    let treasury = Treasury::without_accounts().await;
    let finance = &treasury.finance[0];
    let good = json!({ "merchant_id": treasury.scene.till.merchant, "holder_name": "Théâtre", "iban": IBAN });
    for (field, wrong) in [
        ("iban", json!("FR7630006000011234567890188")),
        ("iban", json!("SA0380000000608010167519")),
        ("iban", json!("")),
        ("holder_name", json!("")),
        ("holder_name", json!("x".repeat(71))),
        ("holder_name", json!("Théâtre <des> Sablons")),
        ("holder_name", json!("Théâtre des Sablons 😀")),
        ("merchant_id", json!("x")),
        ("bic", json!("AGRIFRPP")),
    ] {
        let mut body = good.clone();
        body[field] = wrong;
        field_at_fault(finance.post(ACCOUNTS, body).await, &format!("/{field}"));
    }
    let mut absent = good.clone();
    absent["merchant_id"] = json!(ABSENT);
    finance.post(ACCOUNTS, absent).await.refused(404, "not_found");
    finance.post(&decide(ABSENT, "approve"), json!({})).await.refused(404, "not_found");
    finance.post(&decide(ABSENT, "refuse"), json!({})).await.refused(404, "not_found");
    treasury.scene.world.administrator_78.get(ACCOUNTS).await.refused(404, "not_found");
    assert_eq!(finance.get(ACCOUNTS).await.expect(200).json, json!({ "items": [] }));
}

#[actix_web::test]
async fn the_departments_own_account_is_for_administrators() {
    let treasury = Treasury::without_accounts().await;
    let own = json!({ "holder_name": "Département", "iban": "FR1420041010050500013M02606" });
    treasury.finance[0].post(ACCOUNTS, own.clone()).await.refused(403, "auth.forbidden");
    let first = &treasury.scene.world.administrator;
    let id = first.post(ACCOUNTS, own.clone()).await.expect(201).text("/id");
    first.post(ACCOUNTS, own).await.refused(409, "bank_account.pending");
    treasury.finance[0].post(&decide(&id, "approve"), json!({})).await.refused(403, "auth.forbidden");
    treasury.finance[0].post(&decide(&id, "refuse"), json!({})).await.refused(403, "auth.forbidden");
    first.post(&decide(&id, "approve"), json!({})).await.refused(409, "four_eyes.same_person");
    treasury.administrator.post(&decide(&id, "approve"), json!({})).await.expect(200);
    assert_eq!(treasury.finance[0].get(ACCOUNTS).await.expect(200).items().len(), 1);
}

#[actix_web::test]
async fn accounts_and_payments_ask_for_a_fresh_second_factor() {
    let treasury = Treasury::open().await;
    treasury.debit(100).await;
    let batch = treasury.freeze().await.expect(201);
    treasury.scene.world.advance(TimeDelta::minutes(6));
    let body = json!({ "merchant_id": treasury.scene.till.merchant, "holder_name": "Théâtre", "iban": IBAN });
    let agent = &treasury.finance[1];
    agent.post(ACCOUNTS, body).await.refused(403, "auth.step_up_required");
    agent.post(&decide(ABSENT, "approve"), json!({})).await.refused(403, "auth.step_up_required");
    treasury.approve(&batch, agent).await.refused(403, "auth.step_up_required");
    treasury.step(&batch, "send").await.refused(403, "auth.step_up_required");
    treasury.file(&batch).await.refused(403, "auth.step_up_required");
}

#[actix_web::test]
async fn one_number_for_two_merchants_is_shown_to_who_approves() {
    let treasury = Treasury::without_accounts().await;
    let other = treasury.scene.world.till(&["sport"]).await;
    let [proposer, approver, _] = &treasury.finance;
    let propose = async |merchant: &str, iban: &str| {
        let body = json!({ "merchant_id": merchant, "holder_name": "Mairie de Nanterre", "iban": iban });
        proposer.post(ACCOUNTS, body).await.expect(201)
    };
    let first = propose(&treasury.scene.till.merchant, IBAN).await;
    assert_eq!(first.at("/also_used_by"), &json!([]));
    let second = propose(&other.merchant, IBAN).await;
    assert_eq!(second.text("/also_used_by/0/bank_account_id"), first.text("/id"));
    assert_eq!(second.text("/also_used_by/0/merchant_id"), treasury.scene.till.merchant);
    let path = format!("{ACCOUNTS}?merchant_id={}", other.merchant);
    assert_eq!(approver.get(&path).await.expect(200).items()[0]["also_used_by"], *second.at("/also_used_by"));
    let approved = approver.post(&decide(&second.text("/id"), "approve"), json!({})).await.expect(200);
    assert_eq!(approved.at("/also_used_by"), second.at("/also_used_by"));
    // A refused one no longer counts, and another number never does.
    approver.post(&decide(&first.text("/id"), "refuse"), json!({})).await.expect(200);
    assert_eq!(approver.get(&path).await.expect(200).items()[0]["also_used_by"], json!([]));
    let third = propose(&treasury.scene.till.merchant, "DE89370400440532013000").await;
    assert_eq!(third.at("/also_used_by"), &json!([]));
}

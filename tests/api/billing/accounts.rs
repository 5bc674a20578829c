//! What an account says of its bills.

use super::{Table, at, payments::billed};
use crate::support::{Api, key};
use chrono::TimeDelta;
use serde_json::{Value, json};

/// Numbers, ids and accounts of what one run issues follow one another.
#[actix_web::test]
async fn what_is_issued_together_stands_in_its_order() {
    let mut table = billed().await;
    for _ in 0..4 {
        let adult = table.adult("commensal", None);
        table.enrol(&adult, None);
        table.rate(&adult, "2026-09-01", "meal", 500, 500);
        table.meals(&adult, "consumed", &["2026-10-01"]);
    }
    table.reopen("2026-09").await.expect(200);
    table.meals(&table.child, "excused", &["2026-09-10"]);
    table.meals(&table.child, "consumed", &["2026-10-01", "2026-10-02"]);
    table.lock("2026-09").await.expect(201);
    table.wait(TimeDelta::days(20)).await;
    table.lock("2026-10").await.expect(201);
    table.bill("2026-10").await;
    let list = table.finance[0].get(&at("bills?kind=bill")).await.expect(200);
    let numbers: Vec<String> =
        list.items().iter().map(|bill| bill["number"].as_str().unwrap().replace("92-2026-00000", "")).collect();
    assert_eq!(numbers, ["6", "5", "4", "3", "2", "1"]);
    // The credit note comes before the bill, and each tells the account that it found.
    let issued = table.bills_of(&table.family.id).await;
    let mut told = vec![];
    for document in &issued[1..] {
        let read = table.read(document).await.expect(200);
        told.push((read.text("/kind"), read.number("/balance_before_cents"), read.number("/total_cents")));
    }
    assert_eq!(told, [("credit_note".into(), 1_120, -280), ("bill".into(), 840, 560)]);
    assert_eq!(table.account().await.0, 1_400);
}

/// The list, the bill and the account say the same of what is left to pay.
#[actix_web::test]
async fn a_bill_tells_what_of_it_is_left_to_pay() {
    let mut table = billed().await;
    table.meals(&table.child, "consumed", &["2026-10-01", "2026-10-02"]);
    let left = async |table: &Table, reader: &Api| {
        let list = reader.get(&at(&format!("bills?payer_id={}", table.family.id))).await.expect(200);
        let account = reader.get(&at(&format!("accounts/{}", table.family.id))).await.expect(200);
        let entries = account.at("/entries/items").as_array().unwrap().clone();
        let mut seen = vec![];
        for bill in list.items() {
            let id = bill["id"].as_str().unwrap();
            let one = reader.get(&at(&format!("bills/{id}"))).await.expect(200);
            let entry = entries.iter().find(|entry| entry["id"] == bill["id"]).unwrap();
            let told = [bill.get("left_cents"), one.json.get("left_cents"), entry.get("left_cents")];
            assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
            seen.push(told[0].and_then(Value::as_i64));
        }
        assert!(
            entries.iter().all(|entry| entry["kind"] == "bill" || entry.get("left_cents").is_none()),
            "{entries:?}"
        );
        seen
    };
    assert_eq!(left(&table, &table.family).await, [Some(1_120)]);
    table.pay(1_000).await.expect(201);
    table.wait(TimeDelta::days(20)).await;
    table.lock("2026-10").await.expect(201);
    table.bill("2026-10").await;
    // What was paid settles the bill that was due first.
    assert_eq!(left(&table, &table.family).await, [Some(560), Some(120)]);
    let mut payment = table.payment(300);
    payment["reference"] = json!("0013");
    table.finance[0].post_keyed(&at("payments"), &key(), payment).await.expect(201);
    assert_eq!(left(&table, &table.finance[0]).await, [Some(380), Some(0)]);
    let latest = table.bills_of(&table.family.id).await.remove(1);
    let whole = json!({ "reason": "entry_error", "bill_again": false });
    let cancel = at(&format!("bills/{}/cancel", latest["id"].as_str().unwrap()));
    table.finance[0].post_keyed(&cancel, &key(), whole).await.expect(201);
    assert_eq!(left(&table, &table.family).await, [None, Some(0), Some(0)]);
}

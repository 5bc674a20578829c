//! Money that comes back after the bank had paid it: the word of two persons, never of one file.

use crate::support::{Answer, Treasury, field_at_fault};
use chrono::TimeDelta;
use serde_json::{Value, json};

const RETURNS: &str = "/v1/departments/92/payout-returns";

fn of(payout: &Value) -> String {
    format!("/v1/departments/92/payouts/{}/returns", payout["id"].as_str().unwrap())
}

async fn decide(treasury: &Treasury, person: usize, stated: &Answer, word: &str) -> Answer {
    treasury.finance[person].post(&format!("{RETURNS}/{}/{word}", stated.text("/id")), json!({})).await
}

#[actix_web::test]
async fn a_rejection_after_payment_waits_for_two_persons_and_its_account_for_another() {
    let mut treasury = Treasury::open().await;
    treasury.debit(1_000).await;
    let batch = treasury.settle().await;
    let payout = treasury.payout(&batch).await;
    let closed = json!({ "reason_code": "AC04" });
    treasury.finance[0].post(&of(&payout), closed.clone()).await.refused(409, "payout_return.not_paid");
    let says = async |status| treasury.bank_says(&batch, "PASSPLUS-92-1", &[("PP92-1-1", status, "AC04")]).await;
    says("ACSC").await.expect(200);
    says("RJCT").await.refused(409, "bank_return.takes_back");
    assert_eq!(treasury.payout(&batch).await["state"], "accepted", "nothing was taken in");

    field_at_fault(treasury.finance[0].post(&of(&payout), json!({ "reason_code": "ac4" })).await, "/reason_code");
    let stated = treasury.finance[0].post(&of(&payout), closed.clone()).await.expect(201);
    treasury.finance[1].post(&of(&payout), closed.clone()).await.refused(409, "payout_return.pending");
    decide(&treasury, 0, &stated, "approve").await.refused(409, "four_eyes.same_person");
    // Withdrawn, and said again.
    assert_eq!(decide(&treasury, 0, &stated, "refuse").await.expect(200).text("/state"), "refused");
    decide(&treasury, 1, &stated, "approve").await.refused(409, "payout_return.transition");
    let stated = treasury.finance[0].post(&of(&payout), closed).await.expect(201);
    let waiting = treasury.finance[1].get(&format!("{RETURNS}?state=proposed")).await.expect(200);
    assert_eq!(waiting.items(), &vec![stated.json.clone()]);
    assert_eq!(treasury.payout(&batch).await["state"], "accepted", "one person changes nothing");
    assert_eq!(decide(&treasury, 1, &stated, "approve").await.expect(200).text("/state"), "done");
    decide(&treasury, 1, &stated, "refuse").await.refused(409, "payout_return.transition");

    let shown = treasury.payout(&batch).await;
    assert_eq!((&shown["state"], &shown["reason_code"]), (&json!("rejected"), &json!("AC04")));
    let path = format!("/v1/departments/92/payout-batches/{}", batch.text("/id"));
    assert_eq!(treasury.finance[0].get(&path).await.expect(200).text("/state"), "rejected");
    // The account is closed: nothing more goes there, new lines included, until another is in force.
    treasury.debit(500).await;
    let item = treasury.plan().await["items"][0].clone();
    assert_eq!((&item["prospect"], &item["hold_reason"]), (&json!("on_hold"), &json!("AC04")));
    assert_eq!((&item["amount_cents"], &treasury.plan().await["total_cents"]), (&json!(1_500), &json!(0)));
    treasury.freeze().await.refused(409, "settlement.nothing_due");
    let merchant = treasury.scene.till.merchant.clone();
    treasury.give_account(Some(&merchant), "DE89370400440532013000").await;
    treasury.wait(TimeDelta::hours(73)).await;
    assert_eq!(treasury.plan().await["items"][0]["prospect"], "to_pay");
    let next = treasury.settle().await;
    let file = String::from_utf8(treasury.file(&next).await.expect(200).bytes).unwrap();
    assert!(file.contains("DE89370400440532013000") && file.contains("15.00"), "{file}");
}

#[actix_web::test]
async fn stating_and_confirming_a_return_ask_for_a_fresh_second_factor() {
    let treasury = Treasury::open().await;
    treasury.debit(1_000).await;
    let batch = treasury.settle().await;
    let payout = treasury.payout(&batch).await;
    treasury.bank_says(&batch, "PASSPLUS-92-1", &[("PP92-1-1", "ACSC", "X")]).await.expect(200);
    let stated = treasury.finance[0].post(&of(&payout), json!({ "reason_code": "MS03" })).await.expect(201);
    treasury.scene.world.advance(TimeDelta::minutes(6));
    treasury.finance[0]
        .post(&of(&payout), json!({ "reason_code": "MS03" }))
        .await
        .refused(403, "auth.step_up_required");
    decide(&treasury, 1, &stated, "approve").await.refused(403, "auth.step_up_required");
}

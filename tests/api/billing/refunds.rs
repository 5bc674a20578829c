//! What the treasury pays back: never more than the account has in the payer's favour, and told like everything that moves it.

use super::{Table, at, payments::billed};
use crate::support::{Answer, key};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::task::JoinSet;

impl Table {
    fn refund(&self, cents: i64) -> Value {
        json!({ "payer_id": self.family.id, "amount_cents": cents, "paid_on": "2026-10-15", "means": "bank_transfer", "reference": "R 12" })
    }

    async fn pay_back(&self, cents: i64) -> Answer {
        self.finance[0].post_keyed(&at("refunds"), &key(), self.refund(cents)).await
    }

    /// A payment under a reference of its own; its id.
    async fn paid(&self, cents: i64) -> String {
        let mut payment = self.payment(cents);
        payment["reference"] = json!(key());
        self.finance[0].post_keyed(&at("payments"), &key(), payment).await.expect(201).text("/id")
    }

    async fn undo(&self, id: &str) -> Answer {
        let why = json!({ "reason": "Rejeté par la banque." });
        self.finance[0].post_keyed(&at(&format!("payments/{id}/undo")), &key(), why).await
    }

    /// What the list of arrears says of the family: bills and cents.
    async fn arrears(&self) -> Option<(i64, i64)> {
        let list = self.finance[0].get(&at("arrears")).await.expect(200);
        let row = list.items().iter().find(|row| row["family_id"] == json!(self.family.id))?;
        Some((row["bills"].as_i64()?, row["overdue_cents"].as_i64()?))
    }
}

/// A credit note settles its own bill: what was paid back for nothing is late whatever is not due yet.
#[actix_web::test]
async fn no_bill_that_was_taken_back_hides_what_is_late() {
    let table = billed().await;
    let paid = table.paid(1_120).await;
    let bill = table.bills_of(&table.family.id).await.remove(0);
    let whole = json!({ "reason": "entry_error", "bill_again": false });
    let cancel = at(&format!("bills/{}/cancel", bill["id"].as_str().unwrap()));
    table.finance[0].post_keyed(&cancel, &key(), whole).await.expect(201);
    table.pay_back(1_120).await.expect(201);
    assert_eq!((table.account().await, table.arrears().await), ((0, 0), None));
    table.undo(&paid).await.expect(201);
    assert_eq!((table.account().await, table.arrears().await), ((1_120, 1_120), Some((0, 1_120))));
    let list = table.finance[0].get(&at("arrears")).await.expect(200);
    assert_eq!(list.items()[0]["payer_name"], bill["payer_name"]);
    let (subject, body) = table.world.letters_to(&table.family.email).await.pop().unwrap();
    assert!(subject.contains("un paiement de 11,20 € annulé") && body.contains("ne compte plus"), "{subject}: {body}");
}

#[actix_web::test]
async fn nothing_is_paid_back_before_the_account_began() {
    let table = billed().await;
    table.paid(2_120).await;
    let first = table.bills_of(&table.family.id).await[0]["issued_on"].as_str().unwrap().to_owned();
    let mut early = table.refund(1_000);
    early["paid_on"] = json!("2026-10-14");
    assert_eq!(first, "2026-10-15");
    let refused = table.finance[0].post_keyed(&at("refunds"), &key(), early).await.refused(422, "request.invalid");
    assert!(refused.at("/errors/0/detail").as_str().unwrap().contains("15/10/2026"), "{:?}", refused.json);
    assert_eq!(table.account().await, (-1_000, 0));
    table.pay_back(1_000).await.expect(201);
}

#[actix_web::test]
async fn a_refund_takes_what_the_payer_has_in_favour_and_no_more() {
    let table = billed().await;
    let (refunds, one) = (at("refunds"), key());
    let refused = table.pay_back(1).await.refused(409, "refund.exceeds_credit");
    assert!(refused.text("/detail").contains("rien"), "{}", refused.text("/detail"));
    for _ in 0..2 {
        table.paid(1_120).await;
    }
    let refused = table.pay_back(1_121).await.refused(409, "refund.exceeds_credit");
    assert!(refused.text("/detail").contains("11,20 €"), "{}", refused.text("/detail"));
    for (field, value) in [
        ("amount_cents", json!(0)),
        ("amount_cents", json!(-1)),
        ("amount_cents", json!(1_000_001)),
        ("paid_on", json!("2026-10-16")),
        ("paid_on", json!("2025-10-01")),
        ("means", json!("cash")),
        ("means", json!("card")),
    ] {
        let mut wrong = table.refund(1_000);
        wrong[field] = value;
        table.finance[0].post_keyed(&refunds, &key(), wrong).await.refused(422, "request.invalid");
    }
    let mut nobody = table.refund(1_000);
    nobody["payer_id"] = json!("0199a8f0-7c3e-7bbd-8000-000000000001");
    table.finance[0].post_keyed(&refunds, &key(), nobody).await.refused(404, "not_found");
    table.finance[0].post(&refunds, table.refund(1_000)).await.refused(422, "idempotency.missing");
    assert_eq!(table.account().await, (-1_120, 0));

    let refund = table.finance[0].post_keyed(&refunds, &one, table.refund(1_000)).await.expect(201);
    assert_eq!((refund.number("/amount_cents"), refund.at("/is_refund")), (-1_000, &json!(true)));
    let again = table.finance[0].post_keyed(&refunds, &one, table.refund(1_000)).await.expect(201);
    assert_eq!(again.text("/id"), refund.text("/id"));
    table.finance[0].post_keyed(&refunds, &one, table.refund(100)).await.refused(422, "idempotency.reused");
    table.finance[0].post_keyed(&at("payments"), &one, table.payment(1_000)).await.refused(422, "idempotency.reused");
    assert_eq!(table.account().await, (-120, 0));
    // Two clerks have the same order of the treasury in hand.
    let like = table.refund(1_000);
    let twice =
        table.finance[1].post_keyed(&refunds, &key(), like.clone()).await.refused(409, "payment.already_recorded");
    assert!(twice.text("/detail").contains("remboursement"), "{}", twice.text("/detail"));
    let mut distinct = like;
    distinct["confirmed_distinct"] = json!(true);
    table.finance[1].post_keyed(&refunds, &key(), distinct).await.refused(409, "refund.exceeds_credit");
    table.pay_back(120).await.expect(201);
    assert_eq!(table.account().await, (0, 0));
    let letters = table.world.letters_to(&table.family.email).await;
    let told = |amount: &str| {
        letters.iter().filter(|(subject, body)| subject.contains("un remboursement") && body.contains(amount)).count()
    };
    assert_eq!((told("10,00 €"), told("1,20 €")), (1, 1), "{letters:?}");

    let undone = table.undo(&refund.text("/id")).await.expect(201);
    assert_eq!((undone.number("/amount_cents"), undone.at("/is_refund")), (1_000, &json!(true)));
    table.undo(&refund.text("/id")).await.refused(409, "payment.undone");
    table.undo(&undone.text("/id")).await.refused(409, "payment.undone");
    assert_eq!(table.account().await, (-1_000, 0));
    let account = table.family.get(&at(&format!("accounts/{}", table.family.id))).await.expect(200);
    let told = |entry: &Value| (entry["kind"].as_str().unwrap().to_owned(), entry["amount_cents"].as_i64().unwrap());
    let entries: Vec<(String, i64)> = account.at("/entries/items").as_array().unwrap().iter().map(told).collect();
    assert_eq!(entries[..3], [("refund_undone".into(), -1_000), ("refund".into(), 120), ("refund".into(), 1_000)]);
    assert_eq!(account.at("/entries/items/0/means"), &json!("bank_transfer"));
    let (subject, _) = table.world.letters_to(&table.family.email).await.pop().unwrap();
    assert!(subject.contains("annulé"), "{subject}");
    let journalled =
        table.ask("(select jsonb_agg(distinct action order by action) from audit where action like 'canteen_refund%')");
    assert_eq!(journalled, json!(["canteen_refund_recorded", "canteen_refund_undone"]));

    let (case_worker, dpo) = (table.world.agent("92", "case_worker").await, table.world.agent("92", "dpo").await);
    for (caller, status, code) in [
        (&table.world.api, 401, "auth.required"),
        (&table.family.api, 403, "auth.forbidden"),
        (&table.secretary.api, 403, "auth.forbidden"),
        (&case_worker.api, 403, "auth.forbidden"),
        (&dpo.api, 403, "auth.forbidden"),
        (&table.world.administrator_78.api, 404, "not_found"),
    ] {
        caller.post_keyed(&refunds, &key(), table.refund(1)).await.refused(status, code);
    }
}

/// After each step the balance, what of it is late, and what the list of arrears says.
#[actix_web::test]
async fn a_refund_makes_no_settled_bill_late_and_an_undone_payment_does() {
    let mut table = billed().await;
    table.wait(TimeDelta::days(31)).await;
    let state = async |table: &Table| {
        let (balance, overdue) = table.account().await;
        let left = table.ask("(select coalesce(sum(left_cents), 0) from canteen_unpaid_bills)").as_i64().unwrap();
        assert_eq!(left, balance.max(0));
        (balance, overdue, table.arrears().await)
    };
    assert_eq!(state(&table).await, (1_120, 1_120, Some((1, 1_120))));
    let (whole, more) = (table.paid(1_120).await, table.paid(500).await);
    assert_eq!(state(&table).await, (-500, 0, None));
    let refund = table.pay_back(500).await.expect(201).text("/id");
    assert_eq!(state(&table).await, (0, 0, None));
    table.pay_back(1).await.refused(409, "refund.exceeds_credit");
    // The cheque that was paid back bounces: of the bill as much is left.
    table.undo(&more).await.expect(201);
    assert_eq!(state(&table).await, (500, 500, Some((1, 500))));
    // So does the other one: the bill is owed whole, and what was paid back besides.
    table.undo(&whole).await.expect(201);
    assert_eq!(state(&table).await, (1_620, 1_620, Some((1, 1_620))));
    table.paid(1_120).await;
    assert_eq!(state(&table).await, (500, 500, Some((1, 500))));
    table.undo(&refund).await.expect(201);
    assert_eq!(state(&table).await, (0, 0, None));
    // A bill that is not due is not late for it either, and what is left in favour is printed on it.
    table.paid(800).await;
    table.pay_back(300).await.expect(201);
    table.meals(&table.child, "consumed", &["2026-10-05"]);
    table.lock("2026-10").await.expect(201);
    table.bill("2026-10").await;
    let bill = table.bills_of(&table.family.id).await.pop().unwrap();
    assert_eq!(table.read(&bill).await.expect(200).number("/balance_before_cents"), -500);
    let (_, letter) = table.world.letters_to(&table.family.email).await.pop().unwrap();
    assert!(letter.contains("d'un total de 2,80 €. Rien à régler : les 5,00 € en votre faveur"), "{letter}");
    assert_eq!(state(&table).await, (-220, 0, None));
    table.pay_back(221).await.refused(409, "refund.exceeds_credit");
    table.pay_back(220).await.expect(201);
    assert_eq!(state(&table).await, (0, 0, None));
}

#[actix_web::test]
async fn of_clerks_who_pay_back_at_once_those_succeed_whom_the_account_covers() {
    let table = billed().await;
    for round in 1..=3 {
        let paid = if round == 1 { 1_120 + 1_000 } else { 900 };
        table.paid(paid).await;
        let mut running = JoinSet::new();
        for clerk in 0..8 {
            let (api, mut refund) = (table.finance[clerk % 2].api.clone(), table.refund(300));
            refund["reference"] = json!(format!("{round} {clerk}"));
            running.spawn(async move { api.post_keyed(&at("refunds"), &key(), refund).await });
        }
        let answers = running.join_all().await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 3);
        let refused = answers.into_iter().filter(|answer| answer.status != 201);
        refused.for_each(|answer| drop(answer.refused(409, "refund.exceeds_credit")));
        assert_eq!(table.account().await, (-100, 0));
    }
}

//! A bill that went to the wrong payer, made again for the one who shall pay.

use super::{Table, at, payments::billed};
use crate::support::{Answer, Family, key};
use serde_json::{Value, json};

impl Table {
    async fn redirect(&self, bill: &Value, to: Option<&str>, changes: Value) -> Answer {
        let mut body = json!({ "reason": "wrong_payer", "bill_again": true });
        if let Some(to) = to {
            body["bill_to"] = json!(to);
        }
        changes.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        let path = at(&format!("bills/{}/cancel", bill["id"].as_str().unwrap()));
        self.finance[0].post_keyed(&path, &key(), body).await
    }

    /// Proposed by one and approved by the other; the sum is small.
    async fn redirected(&self, bill: &Value, to: &str) {
        let proposed = self.redirect(bill, Some(to), json!({})).await.expect(201);
        assert_eq!((proposed.text("/state"), proposed.text("/bill_to")), ("proposed".into(), to.to_owned()));
        let path = at(&format!("cancellations/{}/approve", proposed.text("/id")));
        self.finance[0].post(&path, json!({})).await.refused(409, "four_eyes.same_person");
        self.finance[1].post(&path, json!({})).await.expect(200);
    }

    async fn correct_meals(&self, state: &str, days: &[&str]) {
        self.reopen("2026-09").await.expect(200);
        self.meals(&self.child, state, days);
        self.lock("2026-09").await.expect(201);
        self.bill("2026-09").await;
    }

    async fn owes(&self, payer: &str) -> i64 {
        self.finance[0].get(&at(&format!("accounts/{payer}"))).await.expect(200).number("/balance_cents")
    }
}

async fn reads(family: &Family, bill: &Value) -> Answer {
    family.get(&at(&format!("bills/{}", bill["id"].as_str().unwrap()))).await
}

#[actix_web::test]
async fn who_shall_pay_is_said_of_a_bill_that_went_to_the_wrong_payer_and_of_no_other() {
    let table = billed().await;
    let (bill, other) = (table.bills_of(&table.family.id).await.remove(0), table.world.family("92").await);
    for (to, changes) in [
        (None, json!({})),
        (Some(other.id.as_str()), json!({ "bill_again": false })),
        (Some(&other.id), json!({ "reason": "entry_error" })),
        (Some(&table.family.id), json!({})),
    ] {
        let refused = table.redirect(&bill, to, changes).await.refused(422, "request.invalid");
        assert_eq!(refused.pointers(), ["/bill_to"]);
    }
    let nobody = "0199a8f0-7c3e-7bbd-8000-000000000001";
    table.redirect(&bill, Some(nobody), json!({})).await.refused(404, "not_found");
    // To nobody it is taken back by one person.
    let done = table.redirect(&bill, None, json!({ "bill_again": false })).await.expect(201);
    assert_eq!((done.text("/state"), done.at("").get("bill_to")), ("done".into(), None));
}

#[actix_web::test]
async fn another_family_pays_for_those_meals_and_for_what_becomes_of_them() {
    let table = billed().await;
    let other = table.world.family("92").await;
    let first = table.bills_of(&table.family.id).await.remove(0);
    table.redirected(&first, &other.id).await;
    assert_eq!((table.owes(&table.family.id).await, table.owes(&other.id).await), (0, 0));
    table.bill("2026-09").await;
    assert_eq!((table.owes(&table.family.id).await, table.owes(&other.id).await), (0, 1_120));
    let theirs = table.bills_of(&other.id).await.remove(0);
    let read = reads(&other, &theirs).await.expect(200);
    assert_eq!((read.number("/total_cents"), read.number("/lines/0/meals")), (1_120, 4));
    // Each reads its own; what the first family's rate rests on is not the other's, whoever prints it.
    reads(&table.family, &theirs).await.refused(404, "not_found");
    for bill in table.bills_of(&table.family.id).await {
        reads(&table.family, &bill).await.expect(200);
        reads(&other, &bill).await.refused(404, "not_found");
    }
    let printed = table.finance[0].get(&at(&format!("bills/{}", theirs["id"].as_str().unwrap()))).await.expect(200);
    assert_eq!(printed.at("/lines/0/explanation"), &json!(["Prix fixé pour ce convive : 2,80 €."]));
    assert_eq!(printed.at("/lines"), read.at("/lines"));
    let (subject, _) = table.world.letters_to(&other.email).await.pop().unwrap();
    assert!(subject.contains("facture"), "{subject}");
    let (subject, _) = table.world.letters_to(&table.family.email).await.pop().unwrap();
    assert!(subject.contains("avoir"), "{subject}");

    // An absence is credited to whoever paid, and paid by him again; a day of no bill yet is the child's family's.
    table.correct_meals("excused", &["2026-09-08"]).await;
    assert_eq!((table.owes(&table.family.id).await, table.owes(&other.id).await), (0, 840));
    let note = table.bills_of(&other.id).await.remove(1);
    assert_eq!(note["corrects"], theirs["id"]);
    table.correct_meals("consumed", &["2026-09-08", "2026-09-14"]).await;
    assert_eq!((table.owes(&table.family.id).await, table.owes(&other.id).await), (280, 1_120));
    // The family's second bill is its own: taken back to be made again, it comes again to it; the other's to the other.
    let second = table.bills_of(&table.family.id).await.pop().unwrap();
    for bill in [second, theirs] {
        let path = at(&format!("bills/{}/cancel", bill["id"].as_str().unwrap()));
        let again = json!({ "reason": "entry_error", "bill_again": true });
        table.finance[0].post_keyed(&path, &key(), again).await.expect(201);
    }
    table.bill("2026-09").await;
    assert_eq!((table.owes(&table.family.id).await, table.owes(&other.id).await), (280, 1_120));
    let journalled = table.ask("(select jsonb_agg(details -> 'bill_to') from audit where action = 'canteen_bill_cancelled' and details ->> 'bill_to' is not null)");
    assert_eq!(journalled, json!([other.id]));
}

/// With the month's part go its credits, those of later too; and a second word takes the place of the first.
#[actix_web::test]
async fn an_adult_pays_a_forfait_and_then_another_family_does() {
    let table = Table::set().await;
    table.rate(&table.child, "2026-09-01", "year", 40_464, 281);
    table.meals(&table.child, "consumed", &["2026-09-07", "2026-09-08"]);
    table.lock("2026-09").await.expect(201);
    table.bill("2026-09").await;
    let (adult, other) = (table.adult("commensal", None), table.world.family("92").await);
    let bill = table.bills_of(&table.family.id).await.remove(0);
    table.redirected(&bill, &adult).await;
    table.bill("2026-09").await;
    assert_eq!((table.owes(&table.family.id).await, table.owes(&adult).await), (0, 3_678));
    table.correct_meals("closed", &["2026-09-08"]).await;
    assert_eq!((table.owes(&table.family.id).await, table.owes(&adult).await), (0, 3_678 - 281));
    let bill = table.bills_of(&adult).await.remove(0);
    table.redirected(&bill, &other.id).await;
    table.bill("2026-09").await;
    let owed = [table.owes(&table.family.id).await, table.owes(&adult).await, table.owes(&other.id).await];
    assert_eq!(owed, [0, 0, 3_678 - 281]);
}

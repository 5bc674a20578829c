//! Bills taken back after something of them was: what is left, no day twice, none lost.

use super::{Table, at, payments::billed};
use crate::support::{Answer, key};
use chrono::TimeDelta;
use serde_json::{Value, json};

impl Table {
    async fn cancel(&self, bill: &Value, again: bool) -> Answer {
        let path = at(&format!("bills/{}/cancel", bill["id"].as_str().unwrap()));
        self.finance[0].post_keyed(&path, &key(), json!({ "reason": "entry_error", "bill_again": again })).await
    }

    /// The month opened, meals changed, and locked again.
    async fn correct(&self, state: &str, days: &[&str]) {
        self.reopen("2026-09").await.expect(200);
        self.meals(&self.child, state, days);
        self.lock("2026-09").await.expect(201);
    }

    /// Days that are billed as of now, and each once, with their prices.
    fn billed_days(&self) -> Value {
        let twice = self.ask(
            "(select count(*) from (select 1 from canteen_bill_lines l cross join unnest(days) d (day) where kind <> 'forfait'
                                     group by person_id, d.day having sum(sign(meals)) not in (0, 1)) t)",
        );
        assert_eq!(twice, json!(0), "each day is billed once or not");
        self.ask(
            "(select coalesce(jsonb_agg(jsonb_build_array(to_char(day, 'DD'), cents) order by day), '[]')
                from (select d.day, sum(sign(meals) * unit_cents) as cents from canteen_bill_lines l cross join unnest(days) d (day)
                       group by d.day having sum(sign(meals)) <> 0) s)",
        )
    }
}

/// Meals and cents of each line.
fn lines(answer: &Answer) -> Vec<(i64, i64)> {
    let told = |line: &Value| (line["meals"].as_i64().unwrap(), line["amount_cents"].as_i64().unwrap());
    answer.at("/lines").as_array().unwrap().iter().map(told).collect()
}

#[actix_web::test]
async fn what_an_absence_took_back_is_not_taken_back_again() {
    for again in [true, false] {
        let table = billed().await;
        table.correct("excused", &["2026-09-08"]).await;
        table.bill("2026-09").await;
        assert_eq!(table.account().await, (840, 0));
        let bills = table.bills_of(&table.family.id).await;
        table.cancel(&bills[1], again).await.refused(409, "bill.not_cancellable");
        let done = table.cancel(&bills[0], again).await.expect(201);
        let bills = table.bills_of(&table.family.id).await;
        assert_eq!(
            (bills[2]["id"].clone(), bills[2]["corrects"].clone()),
            (json!(done.text("/credit_note_id")), bills[0]["id"].clone())
        );
        let note = table.read(&bills[2]).await.expect(200);
        assert_eq!(lines(&note), [(-3, -840)]);
        assert_eq!(note.at("/lines/0/days"), &json!(["2026-09-07", "2026-09-10", "2026-09-11"]));
        assert_eq!((table.account().await, table.billed_days()), ((0, 0), json!([])));
        table.cancel(&bills[0], again).await.refused(409, "bill.not_cancellable");

        // The absence was none, another day was one, and a day was forgotten.
        table.correct("consumed", &["2026-09-08", "2026-09-14"]).await;
        table.correct("cancelled", &["2026-09-07"]).await;
        table.bill("2026-09").await;
        let due = if again {
            json!([["08", 280], ["10", 280], ["11", 280], ["14", 280]])
        } else {
            json!([["08", 280], ["14", 280]])
        };
        assert_eq!(table.billed_days(), due);
        assert_eq!(table.account().await.0, if again { 1_120 } else { 560 });
        table.begin("2026-09").await.refused(409, "bill_run.nothing");
    }
}

#[actix_web::test]
async fn what_was_priced_anew_is_taken_back_at_its_price_of_now() {
    for again in [true, false] {
        let table = billed().await;
        table.world.advance(TimeDelta::minutes(1));
        table.rate(&table.child, "2026-09-08", "meal", 100, 100);
        table.bill("2026-09").await;
        assert_eq!(table.account().await, (580, 0));
        let bills = table.bills_of(&table.family.id).await;
        table.cancel(&bills[0], again).await.expect(201);
        let bills = table.bills_of(&table.family.id).await;
        assert_eq!(lines(&table.read(&bills[2]).await.expect(200)), [(-1, -280), (-3, -300)]);
        assert_eq!((table.account().await, table.billed_days()), ((0, 0), json!([])));
        table.correct("consumed", &["2026-09-14"]).await;
        table.bill("2026-09").await;
        let due = if again {
            json!([["07", 280], ["08", 100], ["10", 100], ["11", 100], ["14", 100]])
        } else {
            json!([["14", 100]])
        };
        assert_eq!(table.billed_days(), due);
    }
}

/// The day stood on the second bill, whose credit note took it back.
#[actix_web::test]
async fn a_day_that_is_taken_back_already_is_on_no_bill() {
    let table = billed().await;
    table.correct("consumed", &["2026-09-14"]).await;
    table.bill("2026-09").await;
    table.correct("excused", &["2026-09-14"]).await;
    table.bill("2026-09").await;
    let bills = table.bills_of(&table.family.id).await;
    assert_eq!((bills[2]["corrects"].clone(), table.account().await), (bills[1]["id"].clone(), (1_120, 0)));
    table.cancel(&bills[1], false).await.refused(409, "bill.not_cancellable");
    table.cancel(&bills[0], false).await.expect(201);
    assert_eq!((table.account().await, table.billed_days()), ((0, 0), json!([])));
}

/// What is due again is on no credit note, which nobody could take back.
#[actix_web::test]
async fn what_comes_back_is_on_a_bill_of_its_own_that_can_be_taken_back() {
    let table = billed().await;
    table.correct("excused", &["2026-09-08"]).await;
    table.bill("2026-09").await;
    table.reopen("2026-09").await.expect(200);
    table.meals(&table.child, "consumed", &["2026-09-08"]);
    table.meals(&table.child, "excused", &["2026-09-10"]);
    table.lock("2026-09").await.expect(201);
    table.bill("2026-09").await;
    let bills = table.bills_of(&table.family.id).await;
    let told = |bill: &Value| (bill["kind"].clone(), bill["total_cents"].clone());
    let (mut last, kinds): (Vec<_>, _) = (bills[2..].iter().map(told).collect(), (json!("bill"), json!("credit_note")));
    last.sort_by_key(|(kind, _)| kind.to_string());
    assert_eq!(last, [(kinds.0, json!(280)), (kinds.1, json!(-280))]);
    assert_eq!(table.account().await.0, 840);
    let again = bills[2..].iter().find(|bill| bill["kind"] == json!("bill")).unwrap();
    let mut duplicate = json!({ "reason": "duplicate", "bill_again": true });
    let cancel = at(&format!("bills/{}/cancel", bills[0]["id"].as_str().unwrap()));
    table.finance[0].post_keyed(&cancel, &key(), duplicate.clone()).await.refused(422, "request.invalid");
    duplicate["bill_again"] = json!(false);
    table.finance[0].post_keyed(&cancel, &key(), duplicate).await.expect(201);
    assert_eq!((table.account().await.0, table.billed_days()), (280, json!([["08", 280]])));
    table.cancel(again, false).await.expect(201);
    assert_eq!((table.account().await, table.billed_days()), ((0, 0), json!([])));
    table.correct("excused", &["2026-09-14"]).await;
    table.begin("2026-09").await.refused(409, "bill_run.nothing");
}

#[actix_web::test]
async fn a_bill_that_raised_a_price_and_the_one_before_are_taken_back_in_either_order() {
    for first in [0, 1] {
        let table = billed().await;
        table.world.advance(TimeDelta::minutes(1));
        table.rate(&table.child, "2026-09-08", "meal", 300, 300);
        table.bill("2026-09").await;
        let bills = table.bills_of(&table.family.id).await;
        assert_eq!(bills[1]["total_cents"], json!(60));
        table.cancel(&bills[first], false).await.expect(201);
        if first == 0 {
            // All of its meals are taken back, at their price of now: nothing is left of the raise.
            table.cancel(&bills[1], false).await.refused(409, "bill.not_cancellable");
        } else {
            assert_eq!(table.account().await.0, 1_120);
            table.cancel(&bills[0], false).await.expect(201);
        }
        assert_eq!((table.account().await, table.billed_days()), ((0, 0), json!([])));
        table.correct("excused", &["2026-09-10"]).await;
        table.begin("2026-09").await.refused(409, "bill_run.nothing");
    }
}

#[actix_web::test]
async fn what_was_proposed_before_a_credit_note_is_approved_after_it() {
    let table = billed().await;
    let adult = table.adult("commensal", None);
    table.enrol(&adult, None);
    table.rate(&adult, "2026-09-01", "meal", 9_000, 9_000);
    table.reopen("2026-09").await.expect(200);
    table.meals(&adult, "consumed", &["2026-09-21", "2026-09-22"]);
    table.lock("2026-09").await.expect(201);
    table.bill("2026-09").await;
    let bill = table.bills_of(&adult).await.remove(0);
    let proposed = table.cancel(&bill, true).await.expect(201);
    assert_eq!(proposed.text("/state"), "proposed");
    table.reopen("2026-09").await.expect(200);
    table.meals(&adult, "cancelled", &["2026-09-22"]);
    table.lock("2026-09").await.expect(201);
    table.bill("2026-09").await;
    let path = at(&format!("cancellations/{}/approve", proposed.text("/id")));
    let done = table.finance[1].post(&path, json!({})).await.expect(200);
    let totals = |bills: &[Value]| bills.iter().map(|bill| bill["total_cents"].as_i64().unwrap()).collect::<Vec<_>>();
    let bills = table.bills_of(&adult).await;
    assert_eq!(
        (totals(&bills), bills[2]["id"].clone()),
        (vec![18_000, -9_000, -9_000], json!(done.text("/credit_note_id")))
    );
    table.bill("2026-09").await;
    assert_eq!(totals(&table.bills_of(&adult).await), [18_000, -9_000, -9_000, 9_000]);
}

/// They are on the credit note; without the month's part they would be given for nothing.
#[actix_web::test]
async fn with_a_forfait_go_the_credits_of_its_month() {
    for again in [true, false] {
        let table = Table::set().await;
        table.rate(&table.child, "2026-09-01", "year", 40_464, 281);
        table.meals(&table.child, "consumed", &["2026-09-07", "2026-09-08"]);
        table.lock("2026-09").await.expect(201);
        table.bill("2026-09").await;
        table.correct("closed", &["2026-09-08"]).await;
        table.bill("2026-09").await;
        assert_eq!(table.account().await, (3_678 - 281, 0));
        let bill = table.bills_of(&table.family.id).await.remove(0);
        table.cancel(&bill, again).await.expect(201);
        assert_eq!((table.account().await, table.billed_days()), ((0, 0), json!([])));
        table.correct("excused", &["2026-09-07"]).await;
        if again {
            table.bill("2026-09").await;
            assert_eq!(table.account().await.0, 3_678 - 2 * 281);
        } else {
            table.begin("2026-09").await.refused(409, "bill_run.nothing");
        }
    }
}

/// Taken back by a run and billed anew, a day is the later bill's.
#[actix_web::test]
async fn a_day_that_was_billed_anew_stays_on_the_bill_that_did() {
    let table = billed().await;
    for state in ["excused", "consumed"] {
        table.correct(state, &["2026-09-08"]).await;
        table.bill("2026-09").await;
    }
    let bills = table.bills_of(&table.family.id).await;
    table.cancel(&bills[0], false).await.expect(201);
    assert_eq!((table.account().await, table.billed_days()), ((280, 0), json!([["08", 280]])));
    table.cancel(&bills[2], false).await.expect(201);
    assert_eq!((table.account().await, table.billed_days()), ((0, 0), json!([])));
}

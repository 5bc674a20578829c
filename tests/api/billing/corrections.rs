//! What changes after a bill: less is a credit note of that bill, more a further line of the next one, and forfaits month by month.

use super::{Table, at, sql};
use crate::support::key;
use serde_json::{Value, json};

const WEEK: &[&str] = &["2026-09-07", "2026-09-08", "2026-09-10", "2026-09-11"];

fn totals(bills: &[Value]) -> Vec<(String, i64)> {
    let told = |bill: &Value| (bill["number"].as_str().unwrap().to_owned(), bill["total_cents"].as_i64().unwrap());
    bills.iter().map(told).collect()
}

async fn billed() -> Table {
    let table = Table::set().await;
    table.rate(&table.child, "2026-09-01", "meal", 280, 280);
    table.meals(&table.child, "consumed", WEEK);
    table.lock("2026-09").await.expect(201);
    table.bill("2026-09").await;
    table
}

#[actix_web::test]
async fn an_absence_excused_later_is_a_credit_note_of_the_bill() {
    let table = billed().await;
    table.reopen("2026-09").await.expect(200);
    table.meals(&table.child, "excused", &["2026-09-08"]);
    // Open, it is not looked at.
    table.begin("2026-09").await.refused(409, "bill_run.nothing");
    table.lock("2026-09").await.expect(201);
    let run = table.bill("2026-09").await;
    assert_eq!((run.number("/draft/credit_notes"), run.number("/draft/credits_cents")), (1, -280));
    let bills = table.bills_of(&table.family.id).await;
    assert_eq!(totals(&bills), [("92-2026-000001".into(), 1_120), ("92-2026-A000001".into(), -280)]);
    assert_eq!((&bills[1]["corrects"], &bills[1]["reason"]), (&bills[0]["id"], &json!("recomputed")));
    let note = table.read(&bills[1]).await.expect(200);
    assert_eq!((note.number("/lines/0/meals"), note.at("/lines/0/days")), (-1, &json!(["2026-09-08"])));
    assert_eq!(note.number("/balance_before_cents"), 1_120);
    let path = at(&format!("bills/{}/document.pdf", bills[1]["id"].as_str().unwrap()));
    assert!(table.family.get(&path).await.expect(200).bytes.starts_with(b"%PDF"));
    let (subject, letter) = table.world.letters_to(&table.family.email).await.pop().unwrap();
    assert!(subject.contains("avoir") && letter.contains("92-2026-A000001") && letter.contains("2,80 €"), "{letter}");

    // Whoever ate after all is billed on the next bill, whose line names the first.
    table.reopen("2026-09").await.expect(200);
    table.meals(&table.child, "consumed", &["2026-09-08", "2026-09-14"]);
    table.lock("2026-09").await.expect(201);
    table.bill("2026-09").await;
    let bills = table.bills_of(&table.family.id).await;
    assert_eq!(totals(&bills)[2], ("92-2026-000002".into(), 560));
    assert_eq!(table.read(&bills[2]).await.expect(200).text("/lines/0/completes"), "92-2026-000001");
}

#[actix_web::test]
async fn a_rate_that_is_set_backwards_is_corrected_by_the_next_run() {
    let table = billed().await;
    table.world.advance(chrono::TimeDelta::minutes(1));
    // A reduced rate from the 8th on: three meals are due no longer at the former price, and due at the new one.
    table.rate(&table.child, "2026-09-08", "meal", 100, 100);
    table.bill("2026-09").await;
    let bills = table.bills_of(&table.family.id).await;
    assert_eq!(totals(&bills)[1], ("92-2026-A000001".into(), -3 * 180));
    let note = table.read(&bills[1]).await.expect(200);
    let lines: Vec<(i64, i64)> = note
        .at("/lines")
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["meals"].as_i64().unwrap(), line["unit_cents"].as_i64().unwrap()))
        .collect();
    assert_eq!(lines, [(-3, 280), (3, 100)]);
    // The same rate set anew changes nothing.
    table.world.advance(chrono::TimeDelta::minutes(1));
    table.rate(&table.child, "2026-09-08", "meal", 100, 100);
    table.begin("2026-09").await.refused(409, "bill_run.nothing");
    // A higher one is a bill.
    table.rate(&table.child, "2026-09-11", "meal", 300, 300);
    table.bill("2026-09").await;
    assert_eq!(totals(&table.bills_of(&table.family.id).await)[2], ("92-2026-000002".into(), 200));
}

#[actix_web::test]
async fn a_forfait_ends_with_the_month_in_which_the_enrolment_ends() {
    let mut table = Table::set().await;
    table.rate(&table.child, "2026-09-01", "year", 40_464, 281);
    let id = table.ask("(select id from canteen_enrolments)").as_str().unwrap().to_owned();
    let (sibling, later) = (
        table.family.add_child("Ana", "2014-02-01").await,
        "(select id from canteen_enrolments where starts_on = '2026-12-01')",
    );
    table.enrol(&sibling, Some(&table.family.id));
    table.rate(&sibling, "2026-12-01", "year", 40_464, 281);
    sql(&table.world, &format!("update canteen_enrolments set starts_on = '2026-12-01' where person_id = '{sibling}'"));
    let later = table.ask(later).as_str().unwrap().to_owned();
    // On 31 October the meals of 2 and 3 November can be given up no more; Ana gives up before she begins.
    table.meals(&table.child, "reserved", &["2026-11-02", "2026-11-03", "2026-11-09"]);
    table.wait(chrono::TimeDelta::days(16)).await;
    for id in [id, later] {
        table.family.post(&at(&format!("enrolments/{id}/end")), json!({ "version": 1 })).await.expect(200);
    }
    table.meals(&table.child, "no_show", &["2026-11-02", "2026-11-03"]);
    table.wait(chrono::TimeDelta::days(70)).await;
    for month in ["2026-09", "2026-10", "2026-11", "2026-12"] {
        table.lock(month).await.expect(201);
    }
    table.bill("2026-12").await;
    let lines = table.ask(
        "(select jsonb_agg(jsonb_build_array(to_char(month, 'YYYY-MM'), kind, amount_cents) order by month, kind) from canteen_bill_lines)",
    );
    assert_eq!(lines, json!([["2026-09", "forfait", 3_678], ["2026-10", "forfait", 3_678], ["2026-11", "meal", 562]]));
}

/// What was cancelled to be billed again, or set late, is looked for in the months of the run: they only grow.
#[actix_web::test]
async fn no_run_goes_back_before_the_last_bills() {
    let mut table = billed().await;
    table.wait(chrono::TimeDelta::days(30)).await;
    table.meals(&table.child, "consumed", &["2026-10-05"]);
    table.lock("2026-10").await.expect(201);
    table.bill("2026-10").await;
    let bill = table.bills_of(&table.family.id).await[1].clone();
    let cancel = at(&format!("bills/{}/cancel", bill["id"].as_str().unwrap()));
    let again = json!({ "reason": "entry_error", "bill_again": true });
    table.finance[0].post_keyed(&cancel, &key(), again).await.expect(201);
    table.world.advance(chrono::TimeDelta::minutes(1));
    table.rate(&table.child, "2026-09-08", "meal", 100, 100);
    let refused = table.begin("2026-09").await.refused(422, "request.invalid");
    assert_eq!(refused.pointers(), ["/month"]);
    table.bill("2026-10").await;
    // One meal at 2.80 €, three at 1 €, and the one of October at 1 €.
    assert_eq!(table.account().await.0, 280 + 300 + 100);
}

#[actix_web::test]
async fn a_forfait_is_paid_in_equal_parts_and_what_is_not_served_is_credited() {
    let table = Table::set().await;
    // 144 meals of 2.81 €, over September to July: 11 parts of 36.78 €, and 6 cents more in the last one.
    table.rate(&table.child, "2026-09-01", "year", 40_464, 281);
    table.meals(&table.child, "consumed", WEEK);
    table.meals(&table.child, "closed", &["2026-09-14"]);
    table.meals(&table.child, "excused", &["2026-09-15"]);
    table.meals(&table.child, "cancelled", &["2026-09-17"]);
    table.meals(&table.child, "walk_in", &["2026-09-16"]);
    table.lock("2026-09").await.expect(201);
    table.bill("2026-09").await;
    let bills = table.bills_of(&table.family.id).await;
    let read = table.read(&bills[0]).await.expect(200);
    let told: Vec<(String, i64, i64)> = read
        .at("/lines")
        .as_array()
        .unwrap()
        .iter()
        .map(|l| {
            (l["kind"].as_str().unwrap().to_owned(), l["meals"].as_i64().unwrap(), l["amount_cents"].as_i64().unwrap())
        })
        .collect();
    assert_eq!(told, [("credit".into(), 2, -562), ("forfait".into(), 1, 3_678), ("walk_in".into(), 1, 700)]);

    // A whole year, without anything else, comes to the year's price.
    sql(&table.world, "insert into canteen_attendance_locks (id, college_uai, month, locked_by, locked_at)
        select gen_random_uuid(), '0920001B', day, gen_random_uuid(), now() from generate_series('2026-10-01'::date, '2027-07-01', '1 month') day");
    table.world.advance(chrono::TimeDelta::days(300));
    let mut table = table;
    for agent in &mut table.finance {
        agent.api = table.world.sign_in_staff(&agent.email, &agent.totp_secret).await;
    }
    table.bill("2027-07").await;
    let sum = table.ask("(select sum(amount_cents) from canteen_bill_lines where kind = 'forfait')");
    assert_eq!(sum, json!(40_464));
    let last =
        table.ask("(select amount_cents from canteen_bill_lines where kind = 'forfait' and month = '2027-07-01')");
    assert_eq!(last, json!(3_684));
}

#[actix_web::test]
async fn what_is_taken_back_for_good_ends_with_its_own_meals() {
    let table = billed().await;
    let (first, second) = ("2026-09-21", "2026-09-22");
    table.reopen("2026-09").await.expect(200);
    table.meals(&table.child, "consumed", &[first]);
    table.lock("2026-09").await.expect(201);
    table.bill("2026-09").await;
    let bill = table.bills_of(&table.family.id).await[1].clone();
    let cancel = at(&format!("bills/{}/cancel", bill["id"].as_str().unwrap()));
    let goodwill = json!({ "reason": "goodwill", "bill_again": false });
    table.finance[0].post_keyed(&cancel, &key(), goodwill).await.expect(201);
    assert_eq!(table.account().await.0, 1_120);
    // A meal of the other bill was not taken, and another one was; the one that was given up changes as it may.
    for state in ["excused", "consumed"] {
        table.reopen("2026-09").await.expect(200);
        table.meals(&table.child, state, &[first]);
        table.meals(&table.child, "cancelled", &["2026-09-08"]);
        table.meals(&table.child, "consumed", &[second, "2026-09-24"]);
        table.lock("2026-09").await.expect(201);
        let run = table.begin("2026-09").await;
        if run.status == 201 {
            let run = run.expect(201);
            table.check(&run, &table.finance[0]).await.expect(200);
            table.issue(&run, &table.finance[1]).await.expect(200);
        } else {
            assert_eq!(state, "consumed", "{}", run.json);
            run.refused(409, "bill_run.nothing");
        }
        assert_eq!(table.account().await.0, 1_120 - 280 + 2 * 280);
    }
}

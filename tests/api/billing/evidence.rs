//! The end of passages: four years after their school year, unless a bill or an open month still needs them.

use super::{Table, sql};
use crate::support::{COLLEGE, days, key};
use passplus::billing::evidence;
use serde_json::json;

fn passage(table: &Table, gate: &str, sequence: i64, day: &str, (person, outcome): (&str, &str)) {
    sql(
        &table.world,
        &format!(
            "insert into canteen_passages
             values ('{gate}', {sequence}, gen_random_uuid(), '{COLLEGE}', '{day}', '{day} 10:00Z', '{day} 10:00Z', false, '{person}',
                     (select family_id from children where id = '{person}'), true, 'reserved', '{outcome}', '\\x00')"
        ),
    );
}

#[actix_web::test]
async fn passages_go_four_years_after_their_school_year_unless_they_are_needed() {
    let table = Table::set().await;
    let (gate, staff) = (key(), table.adult("commensal", None));
    table.enrol(&staff, None);
    for diner in [table.child.as_str(), &staff] {
        table.rate(diner, "2026-09-01", "meal", 300, 300);
        table.meals(diner, "consumed", &["2026-09-01", "2026-10-01"]);
    }
    sql(
        &table.world,
        &format!(
            "insert into canteen_gates (device_id, operator_id, college_uai) values ('{gate}', gen_random_uuid(), '{COLLEGE}')"
        ),
    );
    // September is billed, and the bill of the second diner is contested.
    table.lock("2026-09").await.expect(201);
    table.bill("2026-09").await;
    let contested = table.bills_of(&staff).await[0]["id"].as_str().unwrap().to_owned();
    sql(
        &table.world,
        &format!(
            "insert into canteen_cancellations (id, bill_id, reason, bill_again, two_persons, state, key, fingerprint, proposed_by, proposed_at)
             values (gen_random_uuid(), '{contested}', 'entry_error', false, true, 'proposed', gen_random_uuid(), '', gen_random_uuid(), now())"
        ),
    );
    passage(&table, &gate, 1, "2026-09-01", (&table.child, "counted"));
    passage(&table, &gate, 2, "2026-09-01", (&staff, "counted"));
    // October is open.
    passage(&table, &gate, 3, "2026-10-01", (&table.child, "counted"));
    passage(&table, &gate, 4, "2026-10-01", (&table.child, "refused"));
    // Of the next school year.
    passage(&table, &gate, 5, "2027-09-02", (&table.child, "refused"));
    let left = || table.ask("(select jsonb_agg(sequence order by sequence) from canteen_passages)");

    // The last day of the fourth year, and the first one after it.
    table.world.advance(days(1_780));
    assert_eq!(table.world.repeat(evidence::forget).await, 0);
    table.world.advance(days(5));
    assert_eq!(left(), json!([1, 2, 3, 4, 5]));
    assert_eq!(table.world.repeat(evidence::forget).await, 2);
    assert_eq!(left(), json!([2, 3, 5]));
    assert_eq!(table.world.repeat(evidence::forget).await, 0);
    assert_eq!(table.ask(&format!("(select deleted_until from canteen_gates where device_id = '{gate}')")), json!(4));

    // Once the bill is decided and the month closed, nothing is needed any more.
    sql(
        &table.world,
        "update canteen_cancellations set state = 'refused', decided_by = gen_random_uuid(), decided_at = now();
         insert into canteen_attendance_locks (id, college_uai, month, locked_by, locked_at, run_id)
             select gen_random_uuid(), college_uai, '2026-10-01', locked_by, now(), null from canteen_attendance_locks",
    );
    assert_eq!(table.world.repeat(evidence::forget).await, 1, "a locked month is not yet a billed one");
    sql(
        &table.world,
        "update canteen_attendance_locks set run_id = (select id from canteen_bill_runs where state = 'issued') where month = '2026-10-01'",
    );
    assert_eq!(table.world.repeat(evidence::forget).await, 1);
    assert_eq!(left(), json!([5]));
}

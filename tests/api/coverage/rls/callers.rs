//! Which rows each caller sees: none without one, and a guardian those of his family.

use super::{as_the_service, as_the_superuser, assert_same, department, texts};
use crate::{
    coverage::{full_family::full_family, relations, rows},
    support::World,
};
use diesel::{PgConnection, connection::SimpleConnection};
use passplus::kernel::time::server_now;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Tables whose rows belong to a family: how to find it from a row `t`.
const OF_A_FAMILY: &[(&str, &str)] = &[
    ("families", "t.id"),
    ("guardians", "t.family_id"),
    ("children", "t.family_id"),
    ("photos", "t.family_id"),
    ("documents", "t.family_id"),
    ("document_files", "t.family_id"),
    ("consents", "t.family_id"),
    ("enrolments", "t.family_id"),
    ("enrolment_events", "(select e.family_id from enrolments e where e.id = t.enrolment_id)"),
    ("derogations", "t.family_id"),
    ("enrolment_attestations", "(select e.family_id from enrolments e where e.id = t.enrolment_id)"),
    ("wallets", "t.family_id"),
    ("transfers", "(select w.family_id from wallets w where w.id = t.wallet_id)"),
    ("holds", "(select w.family_id from wallets w where w.id = t.wallet_id)"),
    ("disputes", "t.family_id"),
    ("cards", "t.family_id"),
    ("schooling_checks", "(select e.family_id from enrolments e where e.id = t.enrolment_id)"),
    ("found_cards", "t.family_id"),
    ("canteen_enrolments", "t.family_id"),
    ("canteen_meals", "t.family_id"),
    ("canteen_means", "t.family_id"),
    ("canteen_rates", "t.family_id"),
    ("canteen_care_plans", "t.family_id"),
    ("canteen_day_codes", "t.family_id"),
    ("canteen_passages", "t.family_id"),
    ("canteen_bills", "t.family_id"),
    ("canteen_bill_lines", "(select b.family_id from canteen_bills b where b.id = t.bill_id)"),
    ("canteen_payments", "t.family_id"),
    ("canteen_reminders", "(select b.family_id from canteen_bills b where b.id = t.bill_id)"),
    ("canteen_waivers", "t.family_id"),
    ("canteen_rate_requests", "t.family_id"),
    ("canteen_rate_request_children", "t.family_id"),
    ("canteen_rate_request_steps", "t.family_id"),
];
/// The other tables: which of their rows a guardian sees.
const OF_NO_FAMILY: &[(&str, &str)] = &[
    ("season_versions", "t.state = 'published'"),
    ("canteen_calendars", "t.state = 'published'"),
    ("canteen_adults", "false"),
    ("canteen_gate_rules", "false"),
    ("canteen_gates", "false"),
    ("canteen_operator_sites", "false"),
    ("canteen_operators", "false"),
    ("canteen_attendance_locks", "false"),
    ("canteen_bill_runs", "false"),
    ("canteen_bill_drafts", "false"),
    ("canteen_draft_lines", "false"),
    ("canteen_bill_series", "false"),
    ("canteen_cancellations", "false"),
    ("canteen_closures", "true"),
    ("card_keys", "true"),
    ("canteen_services", "true"),
    ("canteen_colleges", "true"),
    ("canteen_grids", "t.state <> 'draft'"),
    ("card_makers", "false"),
    ("card_batches", "false"),
    // The names of merchants stand on his statement.
    ("affiliations", "true"),
    ("audit", "false"),
    ("jobs", "false"),
    ("ledger_accounts", "false"),
    // Those of his own cards, by way of the cards he sees.
    ("ledger_refusals", "exists (select 1 from cards c where c.id = t.card_id)"),
    ("ledger_rules", "true"),
    ("till_minutes", "false"),
    ("corrections", "false"),
    ("season_openings", "false"),
    ("news", "false"),
    ("roster_checks", "false"),
    ("season_expiries", "false"),
    ("bank_accounts", "false"),
    ("payout_batches", "false"),
    ("payouts", "false"),
    ("payout_lines", "false"),
    ("payout_returns", "false"),
    ("authority_limits", "false"),
    ("authority_calls", "false"),
    ("scholarship_answers", "false"),
];

/// The rows of a table that are seen, or that the condition tells, as a set of texts.
fn seen(conn: &mut PgConnection, table: &str, condition: &str) -> BTreeSet<String> {
    texts(conn, &format!("select to_jsonb(t) from {table} t where {condition}"))
}

#[actix_web::test]
async fn without_a_caller_nothing_is_seen_and_a_guardian_sees_his_family_only() {
    let world = World::start().await;
    let (a, b) = (full_family(&world, "Ana").await, full_family(&world, "Boris").await);
    // A draft, which is for agents only.
    world.administrator.post("/v1/departments/92/seasons", json!({ "season": "2027-2028" })).await.expect(201);
    let mut all = as_the_superuser(&world.service, department());
    let tables: BTreeSet<String> = relations(&mut all, "rp").into_iter().collect();
    let listed = OF_A_FAMILY.iter().chain(OF_NO_FAMILY).map(|(table, _)| (*table).to_owned()).collect();
    assert_same("tables that this test knows", &tables, &listed);

    let mut intruder = as_the_service(&world.service, department());
    for table in &tables {
        assert!(!seen(&mut all, table, "true").is_empty(), "{table} is empty: nothing would be proved");
        // Published rules, the canteen's, and the public halves of the card keys are public; the sealed halves open with the department's
        // key only.
        let public = match table.as_str() {
            "season_versions" | "canteen_calendars" => "t.state = 'published'",
            "canteen_grids" => "t.state <> 'draft'",
            "card_keys" | "canteen_services" | "canteen_colleges" | "canteen_closures" => "true",
            _ => "false",
        };
        assert_same(
            &format!("{table} without a caller"),
            &seen(&mut all, table, public),
            &seen(&mut intruder, table, "true"),
        );
    }

    let me = a.get("/v1/me").await.text("/account_id");
    let offset = world.app.db.server_now() - server_now();
    intruder
        .batch_execute(&format!(
            "set app.kind = 'guardian'; set app.account = '{me}'; set app.clock_offset = '{} seconds'",
            offset.num_seconds()
        ))
        .unwrap();
    for (table, family) in OF_A_FAMILY {
        let own = seen(&mut all, table, &format!("{family} = '{}'", a.id));
        let other = seen(&mut all, table, &format!("{family} = '{}'", b.id));
        assert!(!own.is_empty() && !other.is_empty(), "{table} lacks rows of a family");
        assert_same(&format!("{table} as a guardian"), &own, &seen(&mut intruder, table, "true"));
    }
    for (table, condition) in OF_NO_FAMILY {
        assert_same(
            &format!("{table} as a guardian"),
            &seen(&mut all, table, condition),
            &seen(&mut intruder, table, "true"),
        );
    }
    let entries = rows(&mut intruder, "select distinct account_id from ledger_entries");
    let wallets: Vec<Value> = rows(&mut all, &format!("select id from wallets where family_id = '{}'", a.id));
    assert_eq!(entries.len(), wallets.len() + 1, "the own wallets and the funding account only");
    assert!(rows(&mut intruder, "select * from merchant_operations").is_empty());
    assert!(rows(&mut intruder, "select * from device_keys").is_empty());
    // What he may write, he may not write on the other family: nothing is there for him.
    for (table, column) in
        [("guardians", "phone"), ("children", "residence"), ("enrolments", "level"), ("cards", "state")]
    {
        let sql = format!("update {table} set {column} = {column} where family_id = '{}'", b.id);
        let touched = diesel::RunQueryDsl::execute(diesel::sql_query(sql), &mut intruder);
        assert_eq!(touched.unwrap(), 0, "{table} of the other family is written");
    }
}

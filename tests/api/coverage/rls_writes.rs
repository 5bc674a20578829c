//! What a guardian may write of the canteen, he may not write on another family; and what only agents or the service write, he may not at all.

use super::{full_family::full_family, rows};
use crate::support::{World, call};
use chrono::NaiveDate;
use diesel::{PgConnection, RunQueryDsl, connection::SimpleConnection, sql_query};
use passplus::kernel::time::{paris_date, server_now};
use serde_json::{Value, json};

/// Tables with a column that the service may change, and whether a guardian may as it stands in his own family.
const CHANGED: &[(&str, &str, bool)] = &[
    ("canteen_enrolments", "diet", true),
    ("canteen_meals", "state", true),
    ("canteen_means", "means_sealed", false),
    ("canteen_rates", "explanation_sealed", false),
    ("canteen_care_plans", "ended_at", false),
    ("canteen_rate_requests", "state", false),
    ("canteen_rate_request_children", "closed_at", true),
];
/// Tables that the service writes rows into, and whether a guardian may into those of his own family.
const WRITTEN: &[(&str, bool)] = &[
    ("canteen_enrolments", true),
    ("canteen_meals", true),
    ("canteen_means", false),
    ("canteen_rates", true),
    ("canteen_care_plans", false),
    ("canteen_rate_requests", true),
    ("canteen_rate_request_children", true),
    ("canteen_rate_request_steps", true),
    ("canteen_day_codes", true),
    ("canteen_passages", false),
    ("canteen_bills", false),
    ("canteen_bill_lines", false),
    ("canteen_payments", false),
    ("canteen_cancellations", false),
    ("canteen_reminders", false),
    ("canteen_waivers", false),
];
/// Columns that say who writes: a row that is written anew is the guardian's, so that only its family may stand in his way.
const AUTHORS: [&str; 5] = ["requested_by", "issued_by", "recorded_by", "proposed_by", "granted_by"];

/// Writes a row anew, as it was read but for its author; a code of the day is of today.
fn again(all: &mut PgConnection, table: &str, family: &str, (account, today): (&str, NaiveDate)) -> String {
    let of_bill = format!("bill_id in (select id from canteen_bills where family_id = '{family}')");
    let condition = match table {
        "canteen_bill_lines" | "canteen_cancellations" | "canteen_reminders" => of_bill,
        _ => format!("family_id = '{family}'"),
    };
    let mut row: Value = rows(all, &format!("select * from {table} where {condition} limit 1")).remove(0);
    let members = row.as_object_mut().unwrap();
    members
        .iter_mut()
        .filter(|(name, _)| AUTHORS.contains(&name.as_str()))
        .for_each(|(_, author)| *author = json!(account));
    if table == "canteen_day_codes" {
        members["day"] = json!(today);
    }
    let columns = call(
        all,
        &format!(
            "(select string_agg(attname, ', ' order by attnum) from pg_attribute
               where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped and attgenerated = '')"
        ),
    )
    .unwrap();
    let columns = columns.as_str().unwrap();
    let row = row.to_string().replace('\'', "''");
    format!("insert into {table} ({columns}) select {columns} from jsonb_populate_record(null::{table}, '{row}')")
}

#[actix_web::test]
async fn a_guardian_writes_nothing_of_the_canteen_on_another_family() {
    let world = World::start().await;
    let (own, other) = (full_family(&world, "Ana").await, full_family(&world, "Boris").await);
    let account = own.get("/v1/me").await.text("/account_id");
    let offset = (world.app.db.server_now() - server_now()).num_seconds();
    let (mut all, mut guardian) = (world.superuser("92"), world.app_role("92"));
    guardian
        .batch_execute(&format!(
            "set app.kind = 'guardian'; set app.account = '{account}'; set app.clock_offset = '{offset} seconds'"
        ))
        .unwrap();
    for (table, column, may) in CHANGED {
        let mut change = |family: &str| {
            let sql = format!("update {table} set {column} = {column} where family_id = '{family}'");
            sql_query(sql).execute(&mut guardian)
        };
        assert_eq!(change(&other.id), Ok(0), "{table} of the other family is written");
        assert_eq!(change(&own.id).is_ok_and(|rows| rows > 0), *may, "{table} of the own family");
    }
    let by = (account.as_str(), paris_date(world.app.db.server_now()));
    for (table, may) in WRITTEN {
        let mut write = |family: &str| {
            sql_query(again(&mut all, table, family, by)).execute(&mut guardian).unwrap_err().to_string()
        };
        let by_right =
            |refused: &str| ["row-level security", "permission denied"].iter().any(|words| refused.contains(words));
        let (others, his) = (write(&other.id), write(&own.id));
        assert!(by_right(&others), "{table} of the other family is written: {others}");
        // Where he may write, his own is refused because the row is there.
        assert!(if *may { his.contains("duplicate key") } else { by_right(&his) }, "{table} of the own family: {his}");
    }
    let plans = "(select count(*) from canteen_care_plans)";
    assert_eq!(call(&mut all, plans).unwrap(), json!(2));
    assert_eq!(sql_query("delete from canteen_care_plans").execute(&mut guardian), Ok(0));
    assert_eq!(call(&mut all, plans).unwrap(), json!(2), "a guardian deletes a care plan");
}

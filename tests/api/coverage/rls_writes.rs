//! What a guardian may write of the canteen, he may not write on another family; and what only agents or the service write, he may not at all.

use super::{full_family::full_family, rows};
use crate::support::{World, call};
use diesel::{PgConnection, RunQueryDsl, connection::SimpleConnection, sql_query};
use passplus::kernel::time::server_now;
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
/// Tables that the service writes rows into.
const WRITTEN: &[&str] = &[
    "canteen_enrolments",
    "canteen_meals",
    "canteen_means",
    "canteen_rates",
    "canteen_care_plans",
    "canteen_rate_requests",
    "canteen_rate_request_children",
    "canteen_rate_request_steps",
    "canteen_day_codes",
    "canteen_passages",
    "canteen_bills",
    "canteen_bill_lines",
    "canteen_payments",
    "canteen_cancellations",
    "canteen_reminders",
    "canteen_waivers",
];

/// Writes a row anew, as it was read.
fn again(all: &mut PgConnection, table: &str, family: &str) -> String {
    let of_bill = format!("bill_id in (select id from canteen_bills where family_id = '{family}')");
    let condition = match table {
        "canteen_bill_lines" | "canteen_cancellations" | "canteen_reminders" => of_bill,
        _ => format!("family_id = '{family}'"),
    };
    let row: Value = rows(all, &format!("select * from {table} where {condition} limit 1")).remove(0);
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
    for table in WRITTEN {
        let refused = sql_query(again(&mut all, table, &other.id)).execute(&mut guardian).unwrap_err().to_string();
        let by_right = ["row-level security", "permission denied"].iter().any(|words| refused.contains(words));
        assert!(by_right, "{table} of the other family is written: {refused}");
    }
    // The same of his own is another refusal, where he may write: the row is there.
    for table in ["canteen_enrolments", "canteen_meals", "canteen_rates"] {
        let refused = sql_query(again(&mut all, table, &own.id)).execute(&mut guardian).unwrap_err().to_string();
        assert!(refused.contains("duplicate key"), "{table}: {refused}");
    }
    let deleted = call(&mut all, "(select count(*) from canteen_care_plans)").unwrap();
    sql_query("delete from canteen_care_plans").execute(&mut guardian).unwrap();
    assert_eq!((deleted, call(&mut all, "(select count(*) from canteen_care_plans)").unwrap()), (json!(2), json!(2)));
}

//! Questions to the database as text: for what no endpoint asks.

use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_types};
use serde_json::Value;

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    text: Option<String>,
}

/// What a money function, or a query in brackets, answers.
pub fn call(conn: &mut PgConnection, function: &str) -> Result<Value, String> {
    let sql = format!("select to_jsonb({function})::text as text");
    let answer: Answer = diesel::sql_query(sql).get_result(conn).map_err(|error| error.to_string())?;
    Ok(answer.text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap()))
}

//! Lines of the journal, newest last.

use crate::{db::Tx, error::Error, schema::department::journal};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = journal)]
pub struct LineRow {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub request_id: Uuid,
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub action: String,
    pub object_kind: String,
    pub object_id: String,
    pub details: Value,
}

pub fn page(tx: &mut Tx<'_>, object_id: Option<&str>, after: Option<Uuid>, limit: i64) -> Result<Vec<LineRow>, Error> {
    let mut query = journal::table.filter(journal::id.gt(after.unwrap_or(Uuid::nil()))).into_boxed();
    if let Some(object) = object_id {
        query = query.filter(journal::object_id.eq(object.to_owned()));
    }
    Ok(query.order(journal::id).limit(limit).select(LineRow::as_select()).load(tx.conn)?)
}

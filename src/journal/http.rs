//! The journal as the DPO reads it.

use super::db::{self, LineRow};
use crate::{
    app::App,
    audit,
    auth::actor::{By, JournalReader},
    error::{Error, Refusal},
    http::{
        page::{Page, PageQuery},
        reply::Found,
    },
    kernel::department::Department,
};
use actix_web::{get, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{
    IntoParams, ToSchema,
    openapi::schema::{Object, ObjectBuilder},
};
use uuid::Uuid;

/// Longest id of an object, in bytes: an UUID has 36.
const OBJECT_ID_MAX: usize = 64;

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct JournalQuery {
    /// Only what was done to this object.
    #[param(max_length = 64, example = "0199a8f0-7c3e-7bbd-8000-000000000001")]
    pub object_id: Option<String>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// One line of the journal: ids and amounts, no name.
#[derive(Debug, Serialize, ToSchema)]
pub struct JournalLineView {
    pub id: Uuid,
    #[schema(example = "2026-09-02T08:15:00Z")]
    pub at: DateTime<Utc>,
    pub request_id: Uuid,
    #[schema(example = "secretary")]
    pub actor_kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<Uuid>,
    #[schema(example = "enrolment_confirmed")]
    pub action: String,
    #[schema(example = "enrolment")]
    pub object_kind: String,
    #[schema(example = "0199a8f0-7c3e-7bbd-8000-000000000001")]
    pub object_id: String,
    #[schema(schema_with = details)]
    pub details: Value,
}

/// Ids, amounts and words that belong to the action.
fn details() -> Object {
    ObjectBuilder::new().examples([json!({ "lines": 20 })]).build()
}

impl From<LineRow> for JournalLineView {
    fn from(row: LineRow) -> Self {
        Self {
            id: row.id,
            at: row.at,
            request_id: row.request_id,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            action: row.action,
            object_kind: row.object_kind,
            object_id: row.object_id,
            details: row.details,
        }
    }
}

/// Ids, season codes and UAIs: nothing else stands in the journal, and nothing else is written there about its reading.
fn is_an_id(text: &str) -> bool {
    (1..=OBJECT_ID_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// Read the department's journal, oldest line first.
///
/// Reading it is itself a line of it.
#[utoipa::path(tag = "journal", params(JournalQuery), responses((status = 200, body = Page<JournalLineView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/journal")]
pub async fn read_journal(
    by: By<JournalReader>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<JournalQuery>,
) -> Result<Found<Page<JournalLineView>>, Error> {
    let JournalQuery { object_id, cursor, limit } = query.into_inner();
    if object_id.as_deref().is_some_and(|id| !is_an_id(id)) {
        let because = "« object_id » est l'identifiant d'un objet du journal.".to_owned();
        return Err(Error::RefusedBecause(Refusal::MalformedQuery, because));
    }
    let page = PageQuery { cursor, limit };
    let (after, limit) = (page.after()?, page.limit()?.saturating_add(1));
    let rows = app
        .db
        .write(path.0, &by.caller, move |tx| {
            let rows = db::page(tx, object_id.as_deref(), after, limit)?;
            audit::record(
                tx,
                "journal_read",
                ("journal", object_id.as_deref().unwrap_or("all")),
                json!({ "lines": rows.len() }),
            )?;
            Ok(rows)
        })
        .await?;
    let views = rows.into_iter().map(JournalLineView::from).collect();
    page.page(views, |view: &JournalLineView| view.id).map(Found)
}

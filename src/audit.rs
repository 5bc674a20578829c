//! The journal: who did what to what, written in the transaction that does it. No personal data goes in `details`.

use crate::{db::Transaction, error::Error, kernel::ids::RequestId};
use diesel::{
    prelude::*,
    sql_types::{self, Array, Jsonb, Text},
};
use serde_json::Value;
use std::fmt::Display;
use uuid::Uuid;

/// Adds one line about `object` (its kind and id). The actor, the instant and the request come from the transaction.
pub fn record<P>(
    tx: &mut Transaction<'_, P>,
    action: &str,
    (object_kind, object_id): (&str, impl Display),
    details: Value,
) -> Result<(), Error> {
    let at = tx.now()?;
    diesel::sql_query(
        "insert into audit (id, at, request_id, actor_kind, actor_id, action, object_kind, object_id, details)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    // Ids of lines follow their order: the journal is read by pages of ids.
    .bind::<sql_types::Uuid, _>(RequestId::generate())
    .bind::<sql_types::Timestamptz, _>(at)
    .bind::<sql_types::Uuid, _>(tx.caller.request)
    .bind::<sql_types::Text, _>(tx.caller.actor.kind())
    .bind::<sql_types::Nullable<sql_types::Uuid>, _>(tx.caller.actor.id())
    .bind::<sql_types::Text, _>(action)
    .bind::<sql_types::Text, _>(object_kind)
    .bind::<sql_types::Text, _>(object_id.to_string())
    .bind::<sql_types::Jsonb, _>(details)
    .execute(tx.conn)?;
    Ok(())
}

/// As many lines of one action in one statement, for what is done to many objects of a kind at once.
pub fn record_many<P>(
    tx: &mut Transaction<'_, P>,
    action: &str,
    object_kind: &str,
    objects: &[(String, Value)],
) -> Result<(), Error> {
    let at = tx.now()?;
    let ids: Vec<RequestId> = objects.iter().map(|_| RequestId::generate()).collect();
    let (names, details): (Vec<&str>, Vec<&Value>) = objects.iter().map(|(id, details)| (id.as_str(), details)).unzip();
    diesel::sql_query(
        "insert into audit (id, at, request_id, actor_kind, actor_id, action, object_kind, object_id, details)
         select id, $1, $2, $3, $4, $5, $6, object, details from unnest($7, $8, $9) t (id, object, details)",
    )
    .bind::<sql_types::Timestamptz, _>(at)
    .bind::<sql_types::Uuid, _>(tx.caller.request)
    .bind::<Text, _>(tx.caller.actor.kind())
    .bind::<sql_types::Nullable<sql_types::Uuid>, _>(tx.caller.actor.id())
    .bind::<Text, _>(action)
    .bind::<Text, _>(object_kind)
    .bind::<Array<sql_types::Uuid>, _>(ids)
    .bind::<Array<Text>, _>(names)
    .bind::<Array<Jsonb>, _>(details)
    .execute(tx.conn)?;
    Ok(())
}

/// The same line about each of many objects of one kind.
pub fn record_each<P>(
    tx: &mut Transaction<'_, P>,
    action: &str,
    object_kind: &str,
    objects: &[Uuid],
    details: &Value,
) -> Result<(), Error> {
    let lines: Vec<_> = objects.iter().map(|id| (id.to_string(), details.clone())).collect();
    record_many(tx, action, object_kind, &lines)
}

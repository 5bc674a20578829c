//! The steps of holds as typed SQL.

use super::{Capture, Held, HoldKind, SetAside};
use crate::{
    db::Tx,
    error::Error,
    kernel::ids::{HoldId, RequestId, TransferId},
    ledger::db::{OutcomeRow, OutcomeType},
};
use diesel::{prelude::*, sql_types};
use uuid::Uuid;

diesel::define_sql_function! {
    #[expect(clippy::too_many_arguments, reason = "everything of a hold goes in one statement")]
    fn ledger_set_aside(
        request: sql_types::Uuid, hold: sql_types::Uuid, key: sql_types::Uuid, fingerprint: sql_types::Binary, kind: sql_types::Text,
        wallet: sql_types::Uuid, merchant: sql_types::Nullable<sql_types::Uuid>, amount: sql_types::BigInt,
        activity_label: sql_types::Nullable<sql_types::Text>, activity_date: sql_types::Nullable<sql_types::Date>,
        code: sql_types::Nullable<sql_types::Binary>, code_sealed: sql_types::Nullable<sql_types::Binary>,
    ) -> OutcomeType;
}
diesel::define_sql_function! {
    #[expect(clippy::too_many_arguments, reason = "everything of a capture goes in one statement")]
    fn ledger_capture(
        request: sql_types::Uuid, transfer: sql_types::Uuid, key: sql_types::Uuid, fingerprint: sql_types::Binary,
        hold: sql_types::Nullable<sql_types::Uuid>, code: sql_types::Nullable<sql_types::Binary>, amount: sql_types::BigInt,
        activity_label: sql_types::Nullable<sql_types::Text>, activity_date: sql_types::Nullable<sql_types::Date>,
    ) -> OutcomeType;
}
diesel::define_sql_function! {
    fn ledger_release(request: sql_types::Uuid, hold: sql_types::Uuid) -> sql_types::Nullable<sql_types::Text>;
}
diesel::define_sql_function! {
    fn ledger_void(
        request: sql_types::Uuid, transfer: sql_types::Uuid, key: sql_types::Uuid,
    ) -> sql_types::Nullable<sql_types::Text>;
}

pub fn set_aside(tx: &mut Tx<'_>, step: SetAside) -> Result<OutcomeRow, Error> {
    let kind = if step.code.is_some() { HoldKind::Ticket } else { HoldKind::Remote };
    let (code, sealed) = step.code.unzip();
    let step = ledger_set_aside(
        tx.caller.request,
        step.hold,
        step.key,
        step.fingerprint,
        kind,
        step.wallet,
        step.merchant,
        step.amount.cents(),
        step.activity_label,
        step.activity_date,
        code,
        sealed,
    );
    Ok(diesel::select(step).get_result(tx.conn)?)
}

pub fn capture(tx: &mut Tx<'_>, step: Capture) -> Result<OutcomeRow, Error> {
    let (hold, code) = match step.held {
        Held::Hold(id) => (Some(id), None),
        Held::Ticket(code) => (None, Some(code)),
    };
    let step = ledger_capture(
        tx.caller.request,
        TransferId::generate(),
        step.key,
        step.fingerprint,
        hold,
        code,
        step.amount.cents(),
        step.activity_label,
        step.activity_date,
    );
    Ok(diesel::select(step).get_result(tx.conn)?)
}

/// Nothing when it was released now; else why not.
pub fn release(tx: &mut Tx<'_>, hold: HoldId) -> Result<Option<String>, Error> {
    Ok(diesel::select(ledger_release(tx.caller.request, hold)).get_result(tx.conn)?)
}

/// What was found; nothing when the key was voided before.
pub fn void(tx: &mut Tx<'_>, key: Uuid) -> Result<Option<String>, Error> {
    Ok(diesel::select(ledger_void(tx.caller.request, TransferId::generate(), key)).get_result(tx.conn)?)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = sql_types::BigInt)]
    expired: i64,
}

/// Releases so many holds whose time is over, the oldest first, wallets in the order in which everybody locks them.
pub fn expire(tx: &mut Tx<'_>, limit: i64) -> Result<i64, Error> {
    let request: RequestId = tx.caller.request;
    let Count { expired } = diesel::sql_query(
        "with due as materialized (
             select id, wallet_id from holds where state = 'authorised' and expires_at <= instant() order by expires_at limit $2
         ), released as materialized (
             select ledger_release($1, id) as kept from (select id from due order by wallet_id, id) ordered
         )
         select count(*) as expired from released where kept is null",
    )
    .bind::<sql_types::Uuid, _>(request)
    .bind::<sql_types::BigInt, _>(limit)
    .get_result(tx.conn)?;
    Ok(expired)
}

//! What the database shows to a device: the holder of a card, the operations of its merchant.

use super::Sought;
use crate::{
    db::Tx,
    disputes::DisputeState,
    error::Error,
    kernel::{
        ids::{ChildId, DeviceId, HoldId, TransferId},
        money::Cents,
        text::Label,
        time::{end_of_day, start_of_day},
        words::WalletKind,
    },
    ledger::TransferKind,
    schema::department::merchant_operations,
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    dsl::{count_star, sql},
    prelude::*,
    sql_types,
};
use uuid::Uuid;

/// Nothing but ids when the card cannot serve.
#[derive(Debug, QueryableByName)]
pub struct HolderRow {
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    pub child_id: Option<ChildId>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub first_name: Option<String>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub initial: Option<String>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Binary>)]
    pub photo_sealed: Option<Vec<u8>>,
}

/// No row when the code is nobody's.
pub fn card_holder(tx: &mut Tx<'_>, fingerprint: &[u8]) -> Result<Option<HolderRow>, Error> {
    Ok(diesel::sql_query("select child_id, first_name, initial, photo_sealed from card_holder($1)")
        .bind::<sql_types::Binary, _>(fingerprint)
        .get_result(tx.conn)
        .optional()?)
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = merchant_operations)]
pub struct OperationRow {
    pub id: TransferId,
    pub kind: TransferKind,
    pub at: DateTime<Utc>,
    #[diesel(column_name = amount_cents)]
    pub amount: Cents,
    pub wallet_kind: WalletKind,
    /// Of debits and refunds: an agent's reversal names nobody.
    pub device_id: Option<DeviceId>,
    pub key: Option<Uuid>,
    pub merchant_cents: i64,
    pub reverses: Option<TransferId>,
    pub hold_id: Option<HoldId>,
    pub activity_label: Option<Label>,
    pub activity_date: Option<NaiveDate>,
    pub holder_first_name: Option<String>,
    pub holder_initial: Option<String>,
    #[diesel(column_name = refunded_cents)]
    pub refunded: Cents,
    pub dispute_state: Option<DisputeState>,
}

/// From the newest, those before that one only.
pub fn operations(
    tx: &mut Tx<'_>,
    sought: &Sought,
    before: Option<TransferId>,
    limit: i64,
) -> Result<Vec<OperationRow>, Error> {
    let mut query = merchant_operations::table
        .order(merchant_operations::id.desc())
        .limit(limit)
        .select(OperationRow::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(merchant_operations::id.lt(before));
    }
    if let Some(from) = sought.from {
        query = query.filter(merchant_operations::at.ge(start_of_day(from)));
    }
    if let Some(until) = sought.until {
        query = query.filter(merchant_operations::at.lt(end_of_day(until)));
    }
    if let Some(device) = sought.device {
        query = query.filter(merchant_operations::device_id.eq(device));
    }
    Ok(query.load(tx.conn)?)
}

/// What a device did of one kind in one day, with one wallet.
#[derive(Debug, Clone, Queryable)]
pub struct TotalRow {
    pub device_id: Option<DeviceId>,
    pub wallet_kind: WalletKind,
    pub kind: TransferKind,
    pub operations: i64,
    pub merchant_cents: i64,
}

pub fn totals(tx: &mut Tx<'_>, day: NaiveDate) -> Result<Vec<TotalRow>, Error> {
    let by = (merchant_operations::device_id, merchant_operations::wallet_kind, merchant_operations::kind);
    Ok(merchant_operations::table
        .filter(merchant_operations::at.ge(start_of_day(day)).and(merchant_operations::at.lt(end_of_day(day))))
        .group_by(by)
        .order(by)
        .select((
            merchant_operations::device_id,
            merchant_operations::wallet_kind,
            merchant_operations::kind,
            count_star(),
            // A sum of bigints is a numeric of PostgreSQL's.
            sql::<sql_types::BigInt>("sum(merchant_cents)::bigint"),
        ))
        .load(tx.conn)?)
}

pub fn operation(tx: &mut Tx<'_>, id: TransferId) -> Result<OperationRow, Error> {
    Ok(merchant_operations::table.find(id).select(OperationRow::as_select()).first(tx.conn)?)
}

//! What the database shows to a device of the money set aside for its merchant.

use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{DeviceId, HoldId},
        money::Cents,
        text::Label,
        words::WalletKind,
    },
    ledger::holds::{HoldKind, HoldState},
    schema::department::merchant_holds,
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use uuid::Uuid;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = merchant_holds)]
pub struct HoldRow {
    pub id: HoldId,
    pub kind: HoldKind,
    #[diesel(column_name = amount_cents)]
    pub amount: Cents,
    pub state: HoldState,
    #[diesel(column_name = captured_cents)]
    pub captured: Cents,
    /// A device of the merchant for its own holds; else somebody of the family, which is not the merchant's to know.
    pub client_id: Uuid,
    pub made_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
    pub wallet_kind: WalletKind,
    pub activity_label: Option<Label>,
    pub activity_date: Option<NaiveDate>,
    pub holder_first_name: String,
    pub holder_initial: String,
}

/// From the newest, those before that one only.
pub fn holds(
    tx: &mut Tx<'_>,
    state: Option<HoldState>,
    before: Option<HoldId>,
    limit: i64,
) -> Result<Vec<HoldRow>, Error> {
    let mut query =
        merchant_holds::table.order(merchant_holds::id.desc()).limit(limit).select(HoldRow::as_select()).into_boxed();
    if let Some(state) = state {
        query = query.filter(merchant_holds::state.eq(state));
    }
    if let Some(before) = before {
        query = query.filter(merchant_holds::id.lt(before));
    }
    Ok(query.load(tx.conn)?)
}

pub fn hold(tx: &mut Tx<'_>, id: HoldId) -> Result<HoldRow, Error> {
    Ok(merchant_holds::table.find(id).select(HoldRow::as_select()).first(tx.conn)?)
}

pub fn hold_by_key(tx: &mut Tx<'_>, device: DeviceId, key: Uuid) -> Result<HoldRow, Error> {
    Ok(merchant_holds::table
        .filter(merchant_holds::client_id.eq(device.uuid()).and(merchant_holds::key.eq(key)))
        .select(HoldRow::as_select())
        .first(tx.conn)?)
}

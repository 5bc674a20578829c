//! Devices as agents see them.

use crate::{
    auth::devices::DeviceState,
    db::DirectoryTx,
    error::Error,
    kernel::{
        department::Department,
        ids::{DeviceId, MerchantId},
        text::Label,
        words::DeviceKind,
    },
    schema::directory::devices,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = devices)]
pub struct DeviceRow {
    pub id: DeviceId,
    #[diesel(select_expression = devices::merchant_id.assume_not_null())]
    pub merchant_id: MerchantId,
    pub department: Department,
    pub kind: DeviceKind,
    pub label: Label,
    pub state: DeviceState,
    pub created_at: DateTime<Utc>,
    pub enrolled_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

pub fn insert_device(tx: &mut DirectoryTx<'_>, row: &DeviceRow) -> Result<(), Error> {
    diesel::insert_into(devices::table).values(row).execute(tx.conn)?;
    Ok(())
}

pub fn device(tx: &mut DirectoryTx<'_>, id: DeviceId) -> Result<DeviceRow, Error> {
    Ok(devices::table.find(id).select(DeviceRow::as_select()).first(tx.conn)?)
}

pub fn devices(
    tx: &mut DirectoryTx<'_>,
    merchant: MerchantId,
    after: Option<DeviceId>,
    limit: i64,
) -> Result<Vec<DeviceRow>, Error> {
    let mut query = devices::table
        .filter(devices::merchant_id.eq(merchant))
        .order(devices::id)
        .limit(limit)
        .select(DeviceRow::as_select())
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(devices::id.gt(after));
    }
    Ok(query.load(tx.conn)?)
}

pub fn labels(tx: &mut DirectoryTx<'_>, merchant: MerchantId) -> Result<Vec<(DeviceId, Label)>, Error> {
    let of_merchant = devices::table.filter(devices::merchant_id.eq(merchant)).select((devices::id, devices::label));
    Ok(of_merchant.load(tx.conn)?)
}

/// No row for a device of the canteen.
pub fn merchant_of(tx: &mut DirectoryTx<'_>, device: DeviceId) -> Result<MerchantId, Error> {
    let of_merchant = devices::table.find(device).filter(devices::merchant_id.is_not_null());
    Ok(of_merchant.select(devices::merchant_id.assume_not_null()).first(tx.conn)?)
}

/// False when it is not suspended.
pub fn resume(tx: &mut DirectoryTx<'_>, id: DeviceId) -> Result<bool, Error> {
    let resumed =
        diesel::update(devices::table.filter(devices::id.eq(id).and(devices::state.eq(DeviceState::Suspended))))
            .set((
                devices::state.eq(DeviceState::Active),
                devices::bad_codes.eq(0),
                devices::bad_codes_since.eq(None::<DateTime<Utc>>),
            ))
            .execute(tx.conn)?;
    Ok(resumed == 1)
}

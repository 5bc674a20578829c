//! Devices of operators, in the directory beside those of merchants.

use crate::{
    auth::devices::DeviceState,
    db::DirectoryTx,
    error::{Error, Refusal},
    kernel::{
        department::Department,
        ids::{CanteenOperatorId, DeviceId},
        text::{Label, Uai},
        words::CanteenDeviceKind,
    },
    schema::directory::devices,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = devices)]
pub struct OperatorDevice {
    pub id: DeviceId,
    #[diesel(select_expression = devices::operator_id.assume_not_null())]
    pub operator_id: CanteenOperatorId,
    pub department: Department,
    pub kind: CanteenDeviceKind,
    pub college_uai: Option<Uai>,
    pub label: Label,
    pub state: DeviceState,
    pub created_at: DateTime<Utc>,
    pub enrolled_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

pub fn insert(tx: &mut DirectoryTx<'_>, row: &OperatorDevice) -> Result<(), Error> {
    diesel::insert_into(devices::table).values(row).execute(tx.conn)?;
    Ok(())
}

pub fn of_operator(
    tx: &mut DirectoryTx<'_>,
    department: Department,
    operator: CanteenOperatorId,
    after: Option<DeviceId>,
    limit: i64,
) -> Result<Vec<OperatorDevice>, Error> {
    let mut query = devices::table
        .filter(devices::operator_id.eq(operator).and(devices::department.eq(department)))
        .order(devices::id)
        .limit(limit)
        .select(OperatorDevice::as_select())
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(devices::id.gt(after));
    }
    Ok(query.load(tx.conn)?)
}

/// Refuses, as absent, what is no device of an operator of that department.
pub fn device(tx: &mut DirectoryTx<'_>, department: Department, id: DeviceId) -> Result<OperatorDevice, Error> {
    let own = devices::operator_id.is_not_null().and(devices::department.eq(department));
    Ok(devices::table.find(id).filter(own).select(OperatorDevice::as_select()).first(tx.conn)?)
}

pub fn recipient(tx: &mut DirectoryTx<'_>, id: DeviceId) -> Result<String, Error> {
    let recipient: Option<String> = devices::table.find(id).select(devices::recipient).first(tx.conn)?;
    recipient.ok_or(Error::Refused(Refusal::NotFound))
}

//! Devices of operators, in the directory beside those of merchants.

use crate::{
    db::DirectoryTx,
    error::{Error, Refusal},
    kernel::{
        department::Department,
        ids::{CanteenOperatorId, DeviceId},
        text::{Label, Uai},
        words::CanteenDeviceKind,
    },
    merchants::devices::DeviceState,
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

pub fn insert(
    tx: &mut DirectoryTx<'_>,
    row: &OperatorDevice,
    code_hash: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<(), Error> {
    diesel::insert_into(devices::table)
        .values((row, devices::enrolment_hash.eq(code_hash), devices::enrolment_expires_at.eq(expires_at)))
        .execute(tx.conn)?;
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
pub fn require(tx: &mut DirectoryTx<'_>, department: Department, id: DeviceId) -> Result<(), Error> {
    let own = devices::table
        .find(id)
        .filter(devices::operator_id.is_not_null().and(devices::department.eq(department)))
        .select(devices::id);
    own.first::<DeviceId>(tx.conn).map(drop).map_err(Error::from)
}

/// None when it was revoked before. A code not yet used is dead with its place.
pub fn revoke(tx: &mut DirectoryTx<'_>, id: DeviceId, now: DateTime<Utc>) -> Result<Option<OperatorDevice>, Error> {
    Ok(diesel::update(devices::table.filter(devices::id.eq(id).and(devices::state.ne(DeviceState::Revoked))))
        .set((
            devices::state.eq(DeviceState::Revoked),
            devices::revoked_at.eq(now),
            devices::enrolment_hash.eq(None::<Vec<u8>>),
        ))
        .returning(OperatorDevice::as_returning())
        .get_result(tx.conn)
        .optional()?)
}

pub fn recipient(tx: &mut DirectoryTx<'_>, id: DeviceId) -> Result<String, Error> {
    let recipient: Option<String> = devices::table.find(id).select(devices::recipient).first(tx.conn)?;
    recipient.ok_or(Error::Refused(Refusal::NotFound))
}

//! Devices and the assertions they have used.

use super::DeviceState;
use crate::{
    db::DirectoryTx,
    error::Error,
    kernel::{
        actor::Actor,
        department::Department,
        ids::{CanteenOperatorId, DeviceId, MerchantId},
        text::Uai,
        words::CanteenDeviceKind,
    },
    schema::directory::{devices, used_assertions},
};
use chrono::{DateTime, Utc};
use diesel::{prelude::*, sql_types};

#[derive(Debug, Queryable)]
pub struct ActiveDevice {
    pub id: DeviceId,
    department: Department,
    kind: String,
    merchant_id: Option<MerchantId>,
    operator_id: Option<CanteenOperatorId>,
    college_uai: Option<Uai>,
}

impl ActiveDevice {
    /// Whom it speaks for: a merchant, or an operator of the canteen.
    pub fn actor(&self) -> Option<Actor> {
        let Self { id: device, department, .. } = *self;
        if let Some(merchant) = self.merchant_id {
            return Some(Actor::Device { device, merchant, kind: self.kind.parse().ok()? });
        }
        let operator = self.operator_id?;
        Some(match (self.kind.parse().ok()?, &self.college_uai) {
            (CanteenDeviceKind::Gate, college) => {
                Actor::Gate { device, department, operator, college: college.clone()? }
            }
            (CanteenDeviceKind::Kitchen, _) => Actor::Kitchen { device, department, operator },
        })
    }
}

pub fn active_devices(tx: &mut DirectoryTx<'_>, ids: &[DeviceId]) -> Result<Vec<ActiveDevice>, Error> {
    Ok(devices::table
        .filter(devices::id.eq_any(ids).and(devices::state.eq(DeviceState::Active)))
        .select((
            devices::id,
            devices::department,
            devices::kind,
            devices::merchant_id,
            devices::operator_id,
            devices::college_uai,
        ))
        .load(tx.conn)?)
}

pub fn active_key(tx: &mut DirectoryTx<'_>, id: DeviceId) -> Result<Option<Vec<u8>>, Error> {
    let key: Option<Option<Vec<u8>>> = devices::table
        .filter(devices::id.eq(id).and(devices::state.eq(DeviceState::Active)))
        .select(devices::public_key)
        .first(tx.conn)
        .optional()?;
    Ok(key.flatten())
}

pub fn open_enrolment(
    tx: &mut DirectoryTx<'_>,
    id: DeviceId,
    code_hash: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<(), Error> {
    diesel::update(devices::table.find(id))
        .set((devices::enrolment_hash.eq(code_hash), devices::enrolment_expires_at.eq(expires_at)))
        .execute(tx.conn)?;
    Ok(())
}

/// False when it was revoked before.
pub fn revoke(tx: &mut DirectoryTx<'_>, id: DeviceId, now: DateTime<Utc>) -> Result<bool, Error> {
    let revoked =
        diesel::update(devices::table.filter(devices::id.eq(id).and(devices::state.ne(DeviceState::Revoked))))
            .set((
                devices::state.eq(DeviceState::Revoked),
                devices::revoked_at.eq(now),
                devices::enrolment_hash.eq(None::<Vec<u8>>),
            ))
            .execute(tx.conn)?;
    Ok(revoked == 1)
}

/// Uses up a one-time code: only one of two that bring it gets the place.
pub fn take_enrolment(
    tx: &mut DirectoryTx<'_>,
    hash: &[u8],
    public_key: &[u8],
    recipient: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<DeviceId>, Error> {
    let open = devices::table
        .filter(devices::enrolment_hash.eq(hash).and(devices::state.eq(DeviceState::Invited)))
        .filter(devices::enrolment_expires_at.gt(now));
    let kind: Option<String> = open.select(devices::kind).first(tx.conn).optional()?;
    let Some(kind) = kind else { return Ok(None) };
    if (kind == CanteenDeviceKind::Gate.as_str()) != recipient.is_some() {
        return Err(Error::field(
            "/recipient",
            "une clé publique age est attendue d'un passage de cantine, et de lui seul",
        ));
    }
    Ok(diesel::update(open)
        .set((
            devices::state.eq(DeviceState::Active),
            devices::public_key.eq(public_key),
            devices::recipient.eq(recipient),
            devices::enrolled_at.eq(now),
            devices::enrolment_hash.eq(None::<Vec<u8>>),
        ))
        .returning(devices::id)
        .get_result(tx.conn)
        .optional()?)
}

/// Marks an assertion used; false when it was before. Those that would be dead anyway are forgotten on the way.
pub fn use_assertion(
    tx: &mut DirectoryTx<'_>,
    device: DeviceId,
    jti: &str,
    expires_at: DateTime<Utc>,
) -> Result<bool, Error> {
    let now = tx.now()?;
    diesel::delete(used_assertions::table.filter(used_assertions::device_id.eq(device)))
        .filter(used_assertions::expires_at.lt(now))
        .execute(tx.conn)?;
    let inserted = diesel::insert_into(used_assertions::table)
        .values((
            used_assertions::device_id.eq(device),
            used_assertions::jti.eq(jti),
            used_assertions::expires_at.eq(expires_at),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn)?;
    Ok(inserted == 1)
}

#[derive(QueryableByName)]
struct StateRow {
    #[diesel(sql_type = sql_types::Text)]
    state: String,
}

/// One more bad code; true when it was the one too many.
pub fn count_bad_code(
    tx: &mut DirectoryTx<'_>,
    device: DeviceId,
    now: DateTime<Utc>,
    window_opened_after: DateTime<Utc>,
    max: i32,
) -> Result<bool, Error> {
    let row: Option<StateRow> = diesel::sql_query(
        "update devices set
             bad_codes = case when bad_codes_since > $3 then bad_codes + 1 else 1 end,
             bad_codes_since = case when bad_codes_since > $3 then bad_codes_since else $2 end,
             state = case when bad_codes_since > $3 and bad_codes + 1 >= $4 then 'suspended' else state end
         where id = $1 and state = 'active' returning state",
    )
    .bind::<sql_types::Uuid, _>(device)
    .bind::<sql_types::Timestamptz, _>(now)
    .bind::<sql_types::Timestamptz, _>(window_opened_after)
    .bind::<sql_types::Integer, _>(max)
    .get_result(tx.conn)
    .optional()?;
    Ok(row.is_some_and(|row| row.state == DeviceState::Suspended.as_str()))
}

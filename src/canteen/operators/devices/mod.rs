//! Gates and kitchens of an operator, as the department's administrators give them access and take it back. How they sign in is that of
//! every device: [`crate::auth::devices`].

mod db;
pub mod http;

pub use db::OperatorDevice;

use super::require_operator;
use crate::{
    app::App,
    audit,
    auth::devices::{code_hash, new_code},
    db::DirectoryTx,
    error::{Error, Refusal},
    http::page::{Page, PageQuery},
    kernel::{
        actor::Caller,
        age::Recipient,
        department::Department,
        ids::{CanteenOperatorId, DeviceId},
        text::{Label, Uai},
        words::CanteenDeviceKind,
    },
    merchants::devices::DeviceState,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

/// An enrolment code reaches the kitchen by letter or telephone.
const CODE_TTL: TimeDelta = TimeDelta::days(7);

/// A place made for a device. The code is shown once: only its hash is kept.
#[derive(Debug)]
pub struct Invitation {
    pub device: OperatorDevice,
    pub code: String,
    pub expires_at: DateTime<Utc>,
}

/// A device to make a place for.
#[derive(Debug, Clone)]
pub struct NewDevice {
    pub kind: CanteenDeviceKind,
    pub college: Option<Uai>,
    pub label: Label,
}

/// Makes a place for one device of an operator: a gate of one of its collèges, or its kitchen.
async fn invite_canteen_device(
    app: &App,
    caller: &Caller,
    department: Department,
    operator: CanteenOperatorId,
    new: NewDevice,
) -> Result<Invitation, Error> {
    if (new.kind == CanteenDeviceKind::Gate) != new.college.is_some() {
        return Err(Error::field("/college_uai", "le collège d'un passage est attendu, et de lui seul"));
    }
    let college = new.college.clone();
    app.db.read(department, caller, move |tx| require_operator(tx, operator, college.as_ref())).await?;
    app.db
        .directory_write(caller, move |tx| {
            let now = tx.now()?;
            let expires_at = now.checked_add_signed(CODE_TTL).unwrap_or(now);
            let code = new_code();
            let device = OperatorDevice {
                id: DeviceId::generate(),
                operator_id: operator,
                department,
                kind: new.kind,
                college_uai: new.college.clone(),
                label: new.label.clone(),
                state: DeviceState::Invited,
                created_at: now,
                enrolled_at: None,
                revoked_at: None,
            };
            db::insert(tx, &device, &code_hash(&code), expires_at)?;
            let details = json!({ "operator_id": operator, "kind": new.kind });
            audit::record(tx, "device_invited", ("device", device.id), details)?;
            Ok(Invitation { device, code, expires_at })
        })
        .await
}

/// The devices of an operator, revoked ones too.
async fn list_canteen_devices(
    app: &App,
    caller: &Caller,
    department: Department,
    operator: CanteenOperatorId,
    query: PageQuery,
) -> Result<Page<OperatorDevice>, Error> {
    app.db.read(department, caller, move |tx| require_operator(tx, operator, None)).await?;
    app.db
        .directory_read(caller, move |tx| {
            let after = query.after()?.map(DeviceId::from_uuid);
            let rows = db::of_operator(tx, department, operator, after, query.limit()?.saturating_add(1))?;
            query.page(rows, |row| row.id.uuid())
        })
        .await
}

/// Takes a device's access back, for good and from its next request on.
async fn revoke_canteen_device(
    app: &App,
    caller: &Caller,
    department: Department,
    device: DeviceId,
) -> Result<OperatorDevice, Error> {
    app.db
        .directory_write(caller, move |tx| {
            let now = tx.now()?;
            db::require(tx, department, device)?;
            let row = db::revoke(tx, device, now)?.ok_or(Error::Refused(Refusal::DeviceTransition))?;
            audit::record(tx, "device_revoked", ("device", device), json!({ "operator_id": row.operator_id }))?;
            Ok(row)
        })
        .await
}

/// Whom a gate's lists are encrypted to.
pub fn recipient(tx: &mut DirectoryTx<'_>, gate: DeviceId) -> Result<Recipient, Error> {
    db::recipient(tx, gate)?.parse().map_err(|_| Error::internal("a gate's recipient was checked when it came"))
}

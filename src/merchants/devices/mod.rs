//! A merchant's tills and servers, as a department's agents give them access and take it back. How they sign in is another matter:
//! [`crate::auth::devices`].
//!
//! A device belongs to its merchant, whichever department invited it: every department where the merchant is affiliated may stop it.

mod db;
pub mod http;

use crate::{
    app::App,
    audit,
    auth::devices::{self, DeviceState, EnrolmentCode},
    db::DirectoryTx,
    error::{Error, Refusal},
    http::page::{Page, PageQuery},
    kernel::{
        actor::Caller,
        department::Department,
        ids::{DeviceId, MerchantId},
        text::Label,
        words::DeviceKind,
    },
    merchants,
};
pub use db::DeviceRow;
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Refuses, as absent, a merchant that is nothing to this department.
async fn require_affiliated(
    app: &App,
    caller: &Caller,
    department: Department,
    merchant: MerchantId,
    living: bool,
) -> Result<(), Error> {
    app.db.read(department, caller, move |tx| merchants::require_affiliated(tx, merchant, living)).await
}

/// Makes a place for one device of a merchant affiliated here.
pub async fn invite_device(
    app: &App,
    caller: &Caller,
    department: Department,
    merchant: MerchantId,
    kind: DeviceKind,
    label: Label,
) -> Result<(DeviceRow, EnrolmentCode), Error> {
    require_affiliated(app, caller, department, merchant, true).await?;
    app.db
        .directory_write(caller, move |tx| {
            let now = tx.now()?;
            let device = DeviceRow {
                id: DeviceId::generate(),
                merchant_id: merchant,
                department,
                kind,
                label: label.clone(),
                state: DeviceState::Invited,
                created_at: now,
                enrolled_at: None,
                revoked_at: None,
            };
            db::insert_device(tx, &device)?;
            let code = devices::open_enrolment(tx, device.id)?;
            let details = json!({ "merchant_id": merchant, "kind": kind });
            audit::record(tx, "device_invited", ("device", device.id), details)?;
            Ok((device, code))
        })
        .await
}

/// The devices of a merchant affiliated here, revoked ones too.
pub async fn list_devices(
    app: &App,
    caller: &Caller,
    department: Department,
    merchant: MerchantId,
    query: PageQuery,
) -> Result<Page<DeviceRow>, Error> {
    require_affiliated(app, caller, department, merchant, false).await?;
    app.db
        .directory_read(caller, move |tx| {
            let after = query.after()?.map(DeviceId::from_uuid);
            let rows = db::devices(tx, merchant, after, query.limit()?.saturating_add(1))?;
            query.page(rows, |row| row.id.uuid())
        })
        .await
}

/// Takes a device's access back, for good and from its next request on.
pub async fn revoke_device(
    app: &App,
    caller: &Caller,
    department: Department,
    device: DeviceId,
) -> Result<DeviceRow, Error> {
    step(app, caller, department, device, "device_revoked", devices::revoke).await
}

/// Lets a suspended device go on, with its count of unknown cards at zero.
pub async fn resume_device(
    app: &App,
    caller: &Caller,
    department: Department,
    device: DeviceId,
) -> Result<DeviceRow, Error> {
    step(app, caller, department, device, "device_resumed", |tx, device| {
        if db::resume(tx, device)? { Ok(()) } else { Err(Error::Refused(Refusal::DeviceTransition)) }
    })
    .await
}

async fn step(
    app: &App,
    caller: &Caller,
    department: Department,
    device: DeviceId,
    done: &'static str,
    change: impl Fn(&mut DirectoryTx<'_>, DeviceId) -> Result<(), Error> + Send + 'static,
) -> Result<DeviceRow, Error> {
    let merchant = app.db.directory_read(caller, move |tx| db::merchant_of(tx, device)).await?;
    require_affiliated(app, caller, department, merchant, false).await?;
    app.db
        .directory_write(caller, move |tx| {
            change(tx, device)?;
            audit::record(tx, done, ("device", device), json!({ "merchant_id": merchant }))?;
            db::device(tx, device)
        })
        .await
}

/// What a merchant calls its tills and servers, those of the past too.
pub fn labels(tx: &mut DirectoryTx<'_>, merchant: MerchantId) -> Result<BTreeMap<Uuid, Label>, Error> {
    Ok(db::labels(tx, merchant)?.into_iter().map(|(device, label)| (device.uuid(), label)).collect())
}

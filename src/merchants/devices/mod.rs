//! A merchant's tills and servers, as a department's agents give them access and take it back. How they sign in is another matter:
//! [`crate::auth::devices`].
//!
//! A device belongs to its merchant, whichever department invited it: every department where the merchant is affiliated may stop it.

mod db;
pub mod http;

use crate::{
    app::App,
    audit,
    auth::devices::{code_hash, new_code},
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
use chrono::{DateTime, TimeDelta, Utc};
pub use db::DeviceRow;
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// An enrolment code reaches the counter by letter or telephone.
const CODE_TTL: TimeDelta = TimeDelta::days(7);

text_enum! {
    /// Where a device stands.
    pub enum DeviceState {
        /// Its one-time code is given, its key not yet.
        Invited = "invited",
        Active = "active",
        /// Stopped by itself after too many unknown cards; an agent may let it go on.
        Suspended = "suspended",
        /// Never again: another device takes its place.
        Revoked = "revoked",
    }
}

/// A place made for a device. The code is shown once: only its hash is kept.
#[derive(Debug)]
pub struct Invitation {
    pub device: DeviceRow,
    pub code: String,
    pub expires_at: DateTime<Utc>,
}

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
) -> Result<Invitation, Error> {
    require_affiliated(app, caller, department, merchant, true).await?;
    app.db
        .directory_write(caller, move |tx| {
            let now = tx.now()?;
            let expires_at = now.checked_add_signed(CODE_TTL).unwrap_or(now);
            let code = new_code();
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
            db::insert_device(tx, &device, &code_hash(&code), expires_at)?;
            let details = json!({ "merchant_id": merchant, "kind": kind });
            audit::record(tx, "device_invited", ("device", device.id), details)?;
            Ok(Invitation { device, code, expires_at })
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
    step(app, caller, department, device, "device_revoked", |tx, device| {
        let now = tx.now()?;
        db::revoke(tx, device, now)
    })
    .await
}

/// Lets a suspended device go on, with its count of unknown cards at zero.
pub async fn resume_device(
    app: &App,
    caller: &Caller,
    department: Department,
    device: DeviceId,
) -> Result<DeviceRow, Error> {
    step(app, caller, department, device, "device_resumed", db::resume).await
}

async fn step(
    app: &App,
    caller: &Caller,
    department: Department,
    device: DeviceId,
    done: &'static str,
    change: impl Fn(&mut DirectoryTx<'_>, DeviceId) -> Result<Option<DeviceRow>, Error> + Send + 'static,
) -> Result<DeviceRow, Error> {
    let merchant = app.db.directory_read(caller, move |tx| db::merchant_of(tx, device)).await?;
    require_affiliated(app, caller, department, merchant, false).await?;
    app.db
        .directory_write(caller, move |tx| {
            let row = change(tx, device)?.ok_or(Error::Refused(Refusal::DeviceTransition))?;
            audit::record(tx, done, ("device", device), json!({ "merchant_id": merchant }))?;
            Ok(row)
        })
        .await
}

/// What a merchant calls its tills and servers, those of the past too.
pub fn labels(tx: &mut DirectoryTx<'_>, merchant: MerchantId) -> Result<BTreeMap<Uuid, Label>, Error> {
    Ok(db::labels(tx, merchant)?.into_iter().map(|(device, label)| (device.uuid(), label)).collect())
}

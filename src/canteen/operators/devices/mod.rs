//! Gates and kitchens of an operator, as the department's administrators give them access and take it back. How they sign in is that of
//! every device: [`crate::auth::devices`].

mod db;
pub mod http;

pub use db::OperatorDevice;

use super::{require_operator, services};
use crate::{
    app::App,
    audit,
    auth::devices::{self, DeviceState, EnrolmentCode},
    canteen::gates::watch,
    db::{DirectoryTx, Tx},
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
};
use serde_json::json;

/// A device to make a place for.
#[derive(Debug, Clone)]
pub struct NewDevice {
    pub kind: CanteenDeviceKind,
    pub college: Option<Uai>,
    pub label: Label,
}

/// Makes a place for one device of an operator: a gate of one of its collèges, or its kitchen.
///
/// The department's own journal says who did it, and commits first: if the directory does not follow, a line tells of a place that nobody
/// can take, as no code was shown. So there is no access without its line.
async fn invite_canteen_device(
    app: &App,
    caller: &Caller,
    department: Department,
    operator: CanteenOperatorId,
    new: NewDevice,
) -> Result<(OperatorDevice, EnrolmentCode), Error> {
    if (new.kind == CanteenDeviceKind::Gate) != new.college.is_some() {
        return Err(Error::field("/college_uai", "le collège d'un passage est attendu, et de lui seul"));
    }
    let id = DeviceId::generate();
    let details = json!({ "operator_id": operator, "kind": new.kind });
    let (place, line) = (new.clone(), details.clone());
    let expect = move |tx: &mut Tx<'_>| {
        require_operator(tx, operator, place.college.as_ref())?;
        services::require_canteen(tx)?;
        if let Some(college) = &place.college {
            watch::expect_gate(tx, id, operator, (college, &place.label))?;
        }
        audit::record(tx, "device_invited", ("device", id), line.clone())
    };
    app.db.write(department, caller, expect).await?;
    app.db
        .directory_write(caller, move |tx| {
            let now = tx.now()?;
            let device = OperatorDevice {
                id,
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
            db::insert(tx, &device)?;
            let code = devices::open_enrolment(tx, id)?;
            audit::record(tx, "device_invited", ("device", id), details.clone())?;
            Ok((device, code))
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
///
/// Here too the department's line commits first. If the directory does not follow, the caller is told so, and his next try adds a line and
/// ends the access: a line too many, never an end that nobody answers for.
async fn revoke_canteen_device(
    app: &App,
    caller: &Caller,
    department: Department,
    device: DeviceId,
) -> Result<OperatorDevice, Error> {
    let known = app.db.directory_read(caller, move |tx| db::device(tx, department, device)).await?;
    if known.state == DeviceState::Revoked {
        return Err(Refusal::DeviceTransition.into());
    }
    let details = json!({ "operator_id": known.operator_id });
    let line = details.clone();
    let dismiss = move |tx: &mut Tx<'_>| {
        watch::dismiss_gate(tx, device)?;
        audit::record(tx, "device_revoked", ("device", device), line.clone())
    };
    app.db.write(department, caller, dismiss).await?;
    app.db
        .directory_write(caller, move |tx| {
            devices::revoke(tx, device)?;
            audit::record(tx, "device_revoked", ("device", device), details.clone())?;
            db::device(tx, department, device)
        })
        .await
}

/// Whom a gate's lists are encrypted to.
pub fn recipient(tx: &mut DirectoryTx<'_>, gate: DeviceId) -> Result<Recipient, Error> {
    db::recipient(tx, gate)?.parse().map_err(|_| Error::internal("a gate's recipient was checked when it came"))
}

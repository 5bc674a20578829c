//! Gates and kitchens, as agents handle them.

use super::{NewDevice, OperatorDevice};
use crate::{
    app::App,
    auth::{
        actor::{Administrator, Agent, By},
        devices::{DeviceState, EnrolmentCode},
    },
    canteen::operators::devices,
    error::Error,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::{CanteenOperatorId, DeviceId},
        text::{Label, Uai},
        words::CanteenDeviceKind,
    },
};
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A place for a device.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteCanteenDevice {
    pub kind: CanteenDeviceKind,
    /// Of a gate: the collège at whose door it stands.
    pub college_uai: Option<Uai>,
    #[schema(example = "Entrée du réfectoire")]
    pub label: Label,
}

/// A device of an operator.
#[derive(Debug, Serialize, ToSchema)]
pub struct CanteenDeviceView {
    pub id: DeviceId,
    pub operator_id: CanteenOperatorId,
    pub kind: CanteenDeviceKind,
    /// Of a gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub college_uai: Option<Uai>,
    #[schema(example = "Entrée du réfectoire")]
    pub label: Label,
    pub state: DeviceState,
    #[schema(example = "2026-09-01T08:00:00Z")]
    pub created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-09-02T10:30:00Z")]
    pub enrolled_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-01-15T17:45:00Z")]
    pub revoked_at: Option<DateTime<Utc>>,
}

impl From<OperatorDevice> for CanteenDeviceView {
    fn from(row: OperatorDevice) -> Self {
        Self {
            id: row.id,
            operator_id: row.operator_id,
            kind: row.kind,
            college_uai: row.college_uai,
            label: row.label,
            state: row.state,
            created_at: row.created_at,
            enrolled_at: row.enrolled_at,
            revoked_at: row.revoked_at,
        }
    }
}

/// An invited gate or kitchen, with its code.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitedCanteenDeviceView {
    pub device: CanteenDeviceView,
    /// Typed once at the device, within its seven days. It is shown here and never again.
    #[schema(example = "MFRG-GZDF-MZTW-Q2LK")]
    pub enrolment_code: String,
    #[schema(example = "2026-09-08T08:00:00Z")]
    pub enrolment_expires_at: DateTime<Utc>,
}

/// Invite a gate or the kitchen of an operator.
///
/// A gate brings, with its signing key, a public key of age: its lists of the day are encrypted to it.
#[utoipa::path(tag = "canteen", request_body = InviteCanteenDevice, responses((status = 201, body = InvitedCanteenDeviceView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/operators/{operator}/devices")]
pub async fn invite_canteen_device(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenOperatorId)>,
    body: Body<InviteCanteenDevice>,
) -> Result<Created<InvitedCanteenDeviceView>, Error> {
    let ((department, operator), InviteCanteenDevice { kind, college_uai, label }) = (path.into_inner(), body.0);
    let new = NewDevice { kind, college: college_uai, label };
    let (device, EnrolmentCode { code, expires_at }) =
        devices::invite_canteen_device(&app, &by.caller, department, operator, new).await?;
    Ok(Created(InvitedCanteenDeviceView {
        device: device.into(),
        enrolment_code: code,
        enrolment_expires_at: expires_at,
    }))
}

/// List the gates and kitchens of an operator.
#[utoipa::path(tag = "canteen", params(PageQuery), responses((status = 200, body = Page<CanteenDeviceView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/operators/{operator}/devices")]
pub async fn list_canteen_devices(
    by: By<Agent>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenOperatorId)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<CanteenDeviceView>>, Error> {
    let (department, operator) = path.into_inner();
    let page = devices::list_canteen_devices(&app, &by.caller, department, operator, query.into_inner()).await?;
    Ok(Found(page.map(CanteenDeviceView::from)))
}

/// Revoke a gate or a kitchen for good.
///
/// Its tokens are refused from its next request on.
#[utoipa::path(tag = "canteen", responses((status = 200, body = CanteenDeviceView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/devices/{device}/revoke")]
pub async fn revoke_canteen_device(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, DeviceId)>,
) -> Result<Found<CanteenDeviceView>, Error> {
    let (department, device) = path.into_inner();
    Ok(Found(devices::revoke_canteen_device(&app, &by.caller, department, device).await?.into()))
}

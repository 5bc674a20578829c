//! Tills and servers, as agents handle them.

use crate::{
    app::App,
    auth::{
        actor::{Administrator, Agent, By},
        devices::{DeviceState, EnrolmentCode},
    },
    error::Error,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::{DeviceId, MerchantId},
        text::Label,
        words::DeviceKind,
    },
    merchants::devices::{self, DeviceRow},
};
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A place for a device.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteDevice {
    pub kind: DeviceKind,
    #[schema(example = "Caisse de l'accueil")]
    pub label: Label,
}

/// A device of a merchant.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceView {
    pub id: DeviceId,
    pub merchant_id: MerchantId,
    /// The department that invited it.
    pub department: Department,
    pub kind: DeviceKind,
    #[schema(example = "Caisse de l'accueil")]
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

impl From<DeviceRow> for DeviceView {
    fn from(row: DeviceRow) -> Self {
        Self {
            id: row.id,
            merchant_id: row.merchant_id,
            department: row.department,
            kind: row.kind,
            label: row.label,
            state: row.state,
            created_at: row.created_at,
            enrolled_at: row.enrolled_at,
            revoked_at: row.revoked_at,
        }
    }
}

/// An invited device, with its code.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitedDeviceView {
    pub device: DeviceView,
    /// Typed once at the device, within its seven days. It is shown here and never again.
    #[schema(example = "MFRG-GZDF-MZTW-Q2LK")]
    pub enrolment_code: String,
    #[schema(example = "2026-09-08T08:00:00Z")]
    pub enrolment_expires_at: DateTime<Utc>,
}

/// Invite a till or a server of a merchant.
///
/// The merchant needs a convention with the department that is not closed.
#[utoipa::path(tag = "merchants", request_body = InviteDevice, responses((status = 201, body = InvitedDeviceView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/merchants/{merchant}/devices")]
pub async fn invite_device(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, MerchantId)>,
    body: Body<InviteDevice>,
) -> Result<Created<InvitedDeviceView>, Error> {
    let (department, merchant) = path.into_inner();
    let InviteDevice { kind, label } = body.0;
    let (device, EnrolmentCode { code, expires_at }) =
        devices::invite_device(&app, &by.caller, department, merchant, kind, label).await?;
    Ok(Created(InvitedDeviceView { device: device.into(), enrolment_code: code, enrolment_expires_at: expires_at }))
}

/// List the devices of a merchant.
///
/// Those invited by other departments too: they speak for the same merchant.
#[utoipa::path(tag = "merchants", params(PageQuery), responses((status = 200, body = Page<DeviceView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/merchants/{merchant}/devices")]
pub async fn list_devices(
    by: By<Agent>,
    app: web::Data<App>,
    path: web::Path<(Department, MerchantId)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<DeviceView>>, Error> {
    let (department, merchant) = path.into_inner();
    let page = devices::list_devices(&app, &by.caller, department, merchant, query.into_inner()).await?;
    Ok(Found(page.map(DeviceView::from)))
}

/// Revoke a device for good.
///
/// Its tokens are refused from its next request on.
#[utoipa::path(tag = "merchants", responses((status = 200, body = DeviceView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/devices/{device}/revoke")]
pub async fn revoke_device(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, DeviceId)>,
) -> Result<Found<DeviceView>, Error> {
    let (department, device) = path.into_inner();
    Ok(Found(devices::revoke_device(&app, &by.caller, department, device).await?.into()))
}

/// Let a suspended device go on.
///
/// A device is suspended by itself when it shows twenty unknown cards within an hour.
#[utoipa::path(tag = "merchants", responses((status = 200, body = DeviceView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/devices/{device}/resume")]
pub async fn resume_device(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, DeviceId)>,
) -> Result<Found<DeviceView>, Error> {
    let (department, device) = path.into_inner();
    Ok(Found(devices::resume_device(&app, &by.caller, department, device).await?.into()))
}

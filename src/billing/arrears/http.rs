//! Arrears and waivers, as agents of finance see and grant them.

use super::{ArrearsRow, WaiverRow, level};
use crate::{
    app::App,
    auth::actor::{BillDesk, By, Finance},
    billing::arrears,
    db::Tx,
    error::Error,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::{AccountId, CanteenAdultId, FamilyId, WaiverId},
        money::Cents,
        text::{Note, SeasonCode},
        time::paris_date,
    },
};
use actix_web::{get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which arrears, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ArrearsQuery {
    /// Those of that level only: 1 from the first day, 2 after 30 days, 3 after 60.
    #[param(minimum = 1, maximum = 3, example = 2)]
    pub level: Option<i16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// Somebody who owes something late.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArrearsView {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub family_id: Option<FamilyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub adult_id: Option<CanteenAdultId>,
    #[schema(example = "Camille Martin")]
    pub payer_name: String,
    /// Bills of which something late is left; none when all that is owed was paid back before the payment was undone.
    #[schema(example = 2)]
    pub bills: i64,
    #[schema(example = 8_960)]
    pub overdue_cents: Cents,
    #[schema(example = "2026-12-04")]
    pub oldest_due_on: NaiveDate,
    /// By the oldest of them.
    #[schema(example = 2)]
    pub level: i16,
}

impl ArrearsView {
    fn new(row: ArrearsRow, today: NaiveDate) -> Self {
        let level = level(row.oldest_due_on, today).unwrap_or_default();
        let ArrearsRow { family_id, adult_id, payer_name, bills, overdue, oldest_due_on, .. } = row;
        Self { family_id, adult_id, payer_name, bills, overdue_cents: overdue, oldest_due_on, level }
    }
}

/// List who owes something late.
#[utoipa::path(tag = "canteen", params(ArrearsQuery), responses((status = 200, body = Page<ArrearsView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/arrears")]
pub async fn list_arrears(
    by: By<BillDesk>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<ArrearsQuery>,
) -> Result<Found<Page<ArrearsView>>, Error> {
    let ArrearsQuery { level, cursor, limit } = query.into_inner();
    let query = PageQuery { cursor, limit };
    let list = move |tx: &mut Tx<'_>| {
        let today = paris_date(tx.now()?);
        Ok(arrears::list_arrears(tx, level, &query)?.map(|row| ArrearsView::new(row, today)))
    };
    Ok(Found(app.db.read(path.0, &by.caller, list).await?))
}

/// Who may enrol although it owes something, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantWaiver {
    pub family_id: FamilyId,
    pub season: SeasonCode,
    pub reason: Note,
}

/// A family that may enrol although it owes something.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaiverView {
    pub id: WaiverId,
    pub family_id: FamilyId,
    pub season: SeasonCode,
    pub reason: Note,
    pub granted_by: AccountId,
    #[schema(example = "2027-06-10T09:00:00Z")]
    pub granted_at: DateTime<Utc>,
}

impl From<WaiverRow> for WaiverView {
    fn from(row: WaiverRow) -> Self {
        let WaiverRow { id, family_id, season, reason, granted_by, granted_at } = row;
        Self { id, family_id, season, reason, granted_by, granted_at }
    }
}

/// Let a family enrol for a season although it owes something.
#[utoipa::path(tag = "canteen", request_body = GrantWaiver, responses((status = 201, body = WaiverView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/waivers")]
pub async fn grant_waiver(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<GrantWaiver>,
) -> Result<Created<WaiverView>, Error> {
    let (account, GrantWaiver { family_id, season, reason }) = (by.account, body.0);
    let grant = move |tx: &mut Tx<'_>| arrears::grant_waiver(tx, account, (family_id, &season), &reason);
    Ok(Created(app.db.write(path.0, &by.caller, grant).await?.into()))
}

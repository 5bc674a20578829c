//! Care plans at the desk of the collège and in the family's space.

use super::{CarePlanRow, NewCarePlan};
use crate::{
    app::App,
    auth::actor::{By, CollegeDesk, FileParty},
    canteen::care_plans,
    db::Tx,
    error::Error,
    http::{
        body::Body,
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::{CarePlanId, ChildId},
        text::{Note, SeasonCode},
    },
};
use actix_web::{get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the kitchen has to do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordCarePlan {
    pub season: SeasonCode,
    /// What is done at table, never the illness.
    #[schema(example = "Aucun plat contenant de l'arachide.")]
    pub measures: Note,
    /// The family brings the meal.
    #[schema(example = false)]
    pub own_meal: bool,
    #[schema(example = "2026-09-07")]
    pub starts_on: NaiveDate,
    #[schema(example = "2027-07-02")]
    pub ends_on: NaiveDate,
}

/// A care plan.
#[derive(Debug, Serialize, ToSchema)]
pub struct CarePlanView {
    pub id: CarePlanId,
    #[schema(example = "Aucun plat contenant de l'arachide.")]
    pub measures: Note,
    #[schema(example = false)]
    pub own_meal: bool,
    #[schema(example = "2026-09-07")]
    pub starts_on: NaiveDate,
    #[schema(example = "2027-07-02")]
    pub ends_on: NaiveDate,
    #[schema(example = "2026-09-02T08:00:00Z")]
    pub recorded_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-01-04T08:00:00Z")]
    pub ended_at: Option<DateTime<Utc>>,
}

impl From<CarePlanRow> for CarePlanView {
    fn from(row: CarePlanRow) -> Self {
        let CarePlanRow { id, measures, own_meal, starts_on, ends_on, recorded_at, ended_at, .. } = row;
        Self { id, measures, own_meal, starts_on, ends_on, recorded_at, ended_at }
    }
}

/// Record what the kitchen has to do for a child (PAI).
///
/// By the secretary of the child's collège, or an agent. The family is told. A plan may have begun before it is written down: the price of a
/// meal that the family brings holds from today on, and what is over stays as it was priced.
#[utoipa::path(tag = "canteen", request_body = RecordCarePlan, responses((status = 201, body = CarePlanView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/children/{child}/care-plans")]
pub async fn record_care_plan(
    by: By<CollegeDesk>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
    body: Body<RecordCarePlan>,
) -> Result<Created<CarePlanView>, Error> {
    let ((department, child), account) = (path.into_inner(), by.account);
    let RecordCarePlan { season, measures, own_meal, starts_on, ends_on } = body.0;
    let new = NewCarePlan { season, measures, own_meal, starts_on, ends_on };
    let record = move |tx: &mut Tx<'_>| care_plans::record(tx, account, child, &new);
    Ok(Created(app.db.write(department, &by.caller, record).await?.into()))
}

/// List the care plans of one's child; each reading is journalled.
#[utoipa::path(tag = "canteen", responses((status = 200, body = Vec<CarePlanView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/children/{child}/care-plans")]
pub async fn list_care_plans(
    by: By<FileParty>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
) -> Result<Found<Vec<CarePlanView>>, Error> {
    let (department, child) = path.into_inner();
    let rows = app.db.write(department, &by.caller, move |tx| care_plans::list(tx, child)).await?;
    Ok(Found(rows.into_iter().map(CarePlanView::from).collect()))
}

/// List the care plans of a pupil of one's collège; each reading is journalled.
#[utoipa::path(tag = "canteen", responses((status = 200, body = Vec<CarePlanView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/desk/children/{child}/care-plans")]
pub async fn inspect_care_plans(
    by: By<CollegeDesk>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
) -> Result<Found<Vec<CarePlanView>>, Error> {
    let (department, child) = path.into_inner();
    let rows = app.db.write(department, &by.caller, move |tx| care_plans::list(tx, child)).await?;
    Ok(Found(rows.into_iter().map(CarePlanView::from).collect()))
}

/// End a care plan before its day.
#[utoipa::path(tag = "canteen", responses((status = 200, body = CarePlanView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/care-plans/{id}/end")]
pub async fn end_care_plan(
    by: By<CollegeDesk>,
    app: web::Data<App>,
    path: web::Path<(Department, CarePlanId)>,
) -> Result<Found<CarePlanView>, Error> {
    let ((department, id), account) = (path.into_inner(), by.account);
    Ok(Found(app.db.write(department, &by.caller, move |tx| care_plans::end(tx, account, id)).await?.into()))
}

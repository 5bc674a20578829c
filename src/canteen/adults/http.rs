//! Adults who eat at a collège, at its desk.

use super::{Adult, AdultKind, NewAdult};
use crate::{
    app::App,
    auth::actor::{By, CaseWorker, CollegeDesk},
    canteen::{
        adults,
        enrolments::{Diet, Wish},
        meals::state::MealState,
        weekdays::Weekdays,
    },
    db::Tx,
    error::Error,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::{Created, Done, Found},
    },
    kernel::{
        department::Department,
        ids::{CanteenAdultId, CanteenEnrolmentId},
        text::{Email, Name, SeasonCode, Uai},
    },
};
use actix_web::{get, post, put, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An adult to register.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterAdult {
    #[schema(example = "commensal")]
    pub kind: AdultKind,
    pub last_name: Name,
    pub first_names: Name,
    /// Where bills go.
    pub email: Option<Email>,
}

/// An adult who eats at a collège.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdultView {
    pub id: CanteenAdultId,
    #[schema(example = "commensal")]
    pub kind: AdultKind,
    pub college_uai: Uai,
    pub last_name: Name,
    pub first_names: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    #[schema(example = "2026-09-02T08:00:00Z")]
    pub registered_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-01-04T08:00:00Z")]
    pub left_at: Option<DateTime<Utc>>,
    #[schema(example = 1)]
    pub version: i32,
}

impl From<Adult> for AdultView {
    fn from(row: Adult) -> Self {
        let Adult { id, kind, college_uai, last_name, first_names, email, registered_at, left_at, version } = row;
        Self { id, kind, college_uai, last_name, first_names, email, registered_at, left_at, version }
    }
}

/// On which days a member of the staff eats.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolAdult {
    pub season: SeasonCode,
    pub weekdays: Weekdays,
    #[schema(example = "everything")]
    pub diet: Diet,
    #[schema(example = "2026-09-07")]
    pub starts_on: Option<NaiveDate>,
}

/// The enrolment that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdultEnrolledView {
    pub id: CanteenEnrolmentId,
    #[schema(example = "2026-09-07")]
    pub starts_on: NaiveDate,
    #[schema(example = "2027-07-02")]
    pub ends_on: NaiveDate,
}

/// What a pay slip says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPayIndex {
    pub season: SeasonCode,
    /// *Indice majoré*.
    #[schema(example = 410)]
    pub pay_index: u32,
}

/// A guest's meal, or one of the staff's.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdultMealView {
    #[schema(example = "reserved")]
    pub state: MealState,
}

/// The version that was read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdultLeaves {
    #[schema(example = 1)]
    pub version: i32,
}

/// Register an adult who eats at a collège.
///
/// By the collège's secretary, or an agent.
#[utoipa::path(tag = "canteen", request_body = RegisterAdult, responses((status = 201, body = AdultView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/colleges/{uai}/adults")]
pub async fn register_adult(
    by: By<CollegeDesk>,
    app: web::Data<App>,
    path: web::Path<(Department, Uai)>,
    body: Body<RegisterAdult>,
) -> Result<Created<AdultView>, Error> {
    let ((department, college), account) = (path.into_inner(), by.account);
    by.require(&college)?;
    let RegisterAdult { kind, last_name, first_names, email } = body.0;
    let new = NewAdult { kind, last_name, first_names, email };
    let register = move |tx: &mut Tx<'_>| adults::register(tx, account, &college, &new);
    Ok(Created(app.db.write(department, &by.caller, register).await?.into()))
}

/// List the adults of a collège.
#[utoipa::path(tag = "canteen", params(PageQuery), responses((status = 200, body = Page<AdultView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/colleges/{uai}/adults")]
pub async fn list_adults(
    by: By<CollegeDesk>,
    app: web::Data<App>,
    path: web::Path<(Department, Uai)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<AdultView>>, Error> {
    let ((department, college), query) = (path.into_inner(), query.into_inner());
    by.require(&college)?;
    let (after, limit) = (query.after()?, query.limit()?);
    let rows = app.db.read(department, &by.caller, move |tx| adults::list(tx, &college, after, limit)).await?;
    Ok(Found(query.page(rows, |row| row.id.uuid())?.map(AdultView::from)))
}

/// Enrol a member of the staff for a season.
#[utoipa::path(tag = "canteen", request_body = EnrolAdult, responses((status = 201, body = AdultEnrolledView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/adults/{id}/enrolments")]
pub async fn enrol_adult(
    by: By<CollegeDesk>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenAdultId)>,
    body: Body<EnrolAdult>,
) -> Result<Created<AdultEnrolledView>, Error> {
    let ((department, id), EnrolAdult { season, weekdays, diet, starts_on }) = (path.into_inner(), body.0);
    let wish = Wish { season, weekdays, diet, starts_on };
    let row = app.db.write(department, &by.caller, move |tx| adults::enrol(tx, id, &wish)).await?;
    Ok(Created(AdultEnrolledView { id: row.id, starts_on: row.starts_on, ends_on: row.ends_on }))
}

/// Record the pay index of a member of the staff, as his pay slip says.
///
/// From the first day of the present month. By an agent: the collège sees nobody's pay.
#[utoipa::path(tag = "canteen", request_body = SetPayIndex, responses((status = 204)), security(("bearer" = [])))]
#[put("/v1/departments/{department}/canteen/adults/{id}/pay-index")]
pub async fn set_pay_index(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenAdultId)>,
    body: Body<SetPayIndex>,
) -> Result<Done, Error> {
    let ((department, id), agent, SetPayIndex { season, pay_index }) = (path.into_inner(), by.account, body.0);
    let set = move |tx: &mut Tx<'_>| adults::set_pay_index(tx, agent, id, &season, pay_index);
    app.db.write(department, &by.caller, set).await?;
    Ok(Done)
}

/// Reserve a guest's meal, or one more of a member of the staff who is enrolled.
///
/// Before its cut-off.
#[utoipa::path(tag = "canteen", params(("day" = NaiveDate, Path, example = "2026-11-05")), responses((status = 200, body = AdultMealView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/adults/{id}/meals/{day}/reserve")]
pub async fn reserve_adult_meal(
    by: By<CollegeDesk>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenAdultId, NaiveDate)>,
) -> Result<Found<AdultMealView>, Error> {
    let (department, id, day) = path.into_inner();
    let state = app.db.write(department, &by.caller, move |tx| adults::reserve_meal(tx, id, day)).await?;
    Ok(Found(AdultMealView { state }))
}

/// Cancel a guest's meal, or one of a member of the staff.
///
/// Before its cut-off.
#[utoipa::path(tag = "canteen", params(("day" = NaiveDate, Path, example = "2026-11-05")), responses((status = 200, body = AdultMealView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/adults/{id}/meals/{day}/cancel")]
pub async fn cancel_adult_meal(
    by: By<CollegeDesk>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenAdultId, NaiveDate)>,
) -> Result<Found<AdultMealView>, Error> {
    let (department, id, day) = path.into_inner();
    let state = app.db.write(department, &by.caller, move |tx| adults::cancel_meal(tx, id, day)).await?;
    Ok(Found(AdultMealView { state }))
}

/// Record that an adult eats there no more.
///
/// His enrolment ends and his invitations are cancelled, but for the meals that are too near.
#[utoipa::path(tag = "canteen", request_body = AdultLeaves, responses((status = 200, body = AdultView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/adults/{id}/leave")]
pub async fn record_adult_leaving(
    by: By<CollegeDesk>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenAdultId)>,
    body: Body<AdultLeaves>,
) -> Result<Found<AdultView>, Error> {
    let ((department, id), version) = (path.into_inner(), body.0.version);
    Ok(Found(app.db.write(department, &by.caller, move |tx| adults::leave(tx, id, version)).await?.into()))
}

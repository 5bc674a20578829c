//! Enrolments in the canteen, as families and the collège's desk see them.

use super::{CanteenEnrolment, CanteenEnrolmentState, Diet, EndReason, Wish, db::ListedDiner};
use crate::{
    app::App,
    auth::actor::{By, CollegeDesk, FileReader},
    canteen::{
        Diner, enrolments,
        rates::RateRow,
        tariffs::explained::{PriceUnit, Step},
        weekdays::Weekdays,
    },
    db::Tx,
    error::Error,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::{CanteenEnrolmentId, ChildId, DinerId},
        money::Cents,
        text::{Name, SeasonCode, Uai},
    },
};
use actix_web::{get, post, put, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A child to enrol.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolInCanteen {
    pub child_id: ChildId,
    pub season: SeasonCode,
    pub weekdays: Weekdays,
    #[schema(example = "everything")]
    pub diet: Diet,
    /// Not before that day; from the first meal that can still be added when absent.
    #[schema(example = "2026-09-07")]
    pub starts_on: Option<NaiveDate>,
}

/// Other days of the week.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeWeekdays {
    /// The version that was read.
    #[schema(example = 1)]
    pub version: i32,
    pub weekdays: Weekdays,
}

/// Another menu.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeDiet {
    /// The version that was read.
    #[schema(example = 1)]
    pub version: i32,
    #[schema(example = "no_pork")]
    pub diet: Diet,
}

/// The version that was read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndCanteenEnrolment {
    #[schema(example = 1)]
    pub version: i32,
}

/// What a diner pays from a day on, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct CanteenRateView {
    #[schema(example = "2026-09-07")]
    pub starts_on: NaiveDate,
    /// What is due for the unit.
    #[schema(example = 280)]
    pub amount_cents: Cents,
    #[schema(example = "meal")]
    pub unit: PriceUnit,
    /// What one meal costs, whatever the unit.
    #[schema(example = 280)]
    pub meal_cents: Cents,
    pub steps: Vec<Step>,
    #[schema(example = "2026-06-12T09:00:00Z")]
    pub set_at: DateTime<Utc>,
}

impl From<RateRow> for CanteenRateView {
    fn from(row: RateRow) -> Self {
        let RateRow { starts_on, cents, unit, meal_cents, explained, set_at, .. } = row;
        Self { starts_on, amount_cents: cents, unit, meal_cents, steps: explained.steps, set_at }
    }
}

/// An enrolment in the canteen as its family sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CanteenEnrolmentView {
    pub id: CanteenEnrolmentId,
    /// The child, or the adult.
    pub diner_id: DinerId,
    #[schema(example = "pupil")]
    pub diner: Diner,
    pub season: SeasonCode,
    pub college_uai: Uai,
    pub weekdays: Weekdays,
    #[schema(example = "everything")]
    pub diet: Diet,
    /// First and last day.
    #[schema(example = "2026-09-07")]
    pub starts_on: NaiveDate,
    #[schema(example = "2027-07-02")]
    pub ends_on: NaiveDate,
    #[schema(example = "active")]
    pub state: CanteenEnrolmentState,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "at_familys_wish")]
    pub end_reason: Option<EndReason>,
    /// Counts the changes.
    #[schema(example = 1)]
    pub version: i32,
    /// In the order in which they begin; of two of one day the last holds.
    pub rates: Vec<CanteenRateView>,
}

impl From<(CanteenEnrolment, Vec<RateRow>)> for CanteenEnrolmentView {
    fn from((row, rates): (CanteenEnrolment, Vec<RateRow>)) -> Self {
        Self {
            id: row.id,
            diner_id: row.person_id,
            diner: row.diner,
            season: row.season,
            college_uai: row.college_uai,
            weekdays: row.weekdays,
            diet: row.diet,
            starts_on: row.starts_on,
            ends_on: row.ends_on,
            state: row.state,
            end_reason: row.end_reason,
            version: row.version,
            rates: rates.into_iter().map(CanteenRateView::from).collect(),
        }
    }
}

/// A diner as the collège sees him: what he eats and when, never what he pays.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedDinerView {
    pub id: CanteenEnrolmentId,
    pub diner_id: DinerId,
    #[schema(example = "pupil")]
    pub diner: Diner,
    pub last_name: Name,
    pub first_names: Name,
    pub weekdays: Weekdays,
    #[schema(example = "everything")]
    pub diet: Diet,
    #[schema(example = "2026-09-07")]
    pub starts_on: NaiveDate,
    #[schema(example = "2027-07-02")]
    pub ends_on: NaiveDate,
    #[schema(example = "active")]
    pub state: CanteenEnrolmentState,
    #[schema(example = 1)]
    pub version: i32,
}

impl From<ListedDiner> for ListedDinerView {
    fn from(listed: ListedDiner) -> Self {
        let ListedDiner { enrolment: row, last_name, first_names } = listed;
        Self {
            id: row.id,
            diner_id: row.person_id,
            diner: row.diner,
            last_name,
            first_names,
            weekdays: row.weekdays,
            diet: row.diet,
            starts_on: row.starts_on,
            ends_on: row.ends_on,
            state: row.state,
            version: row.version,
        }
    }
}

/// Enrol a child in the canteen.
///
/// The child's request for the season names a collège where meals are served. All its meals are reserved from the first one that can still be
/// added; the price is the highest as long as no reduced rate was asked for. Agents enrol for a family that cannot.
#[utoipa::path(tag = "canteen", request_body = EnrolInCanteen, responses((status = 201, body = CanteenEnrolmentView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/enrolments")]
pub async fn enrol_in_canteen(
    by: By<FileReader>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<EnrolInCanteen>,
) -> Result<Created<CanteenEnrolmentView>, Error> {
    let EnrolInCanteen { child_id, season, weekdays, diet, starts_on } = body.0;
    let wish = Wish { season, weekdays, diet, starts_on };
    let enrol = move |tx: &mut Tx<'_>| {
        let enrolment = enrolments::enrol_pupil(tx, child_id, &wish)?;
        enrolments::show(tx, enrolment.id)
    };
    Ok(Created(app.db.write(path.0, &by.caller, enrol).await?.into()))
}

/// Show an enrolment in the canteen, with its rates and why they are so.
#[utoipa::path(tag = "canteen", responses((status = 200, body = CanteenEnrolmentView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/enrolments/{id}")]
pub async fn show_canteen_enrolment(
    by: By<FileReader>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenEnrolmentId)>,
) -> Result<Found<CanteenEnrolmentView>, Error> {
    let (department, id) = path.into_inner();
    let read = move |tx: &mut Tx<'_>| enrolments::show(tx, id);
    Ok(Found(app.db.read(department, &by.caller, read).await?.into()))
}

/// List a child's enrolments in the canteen, the last one first.
#[utoipa::path(tag = "canteen", responses((status = 200, body = Vec<CanteenEnrolmentView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/children/{child}/canteen-enrolments")]
pub async fn list_canteen_enrolments(
    by: By<FileReader>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
) -> Result<Found<Vec<CanteenEnrolmentView>>, Error> {
    let (department, child) = path.into_inner();
    let rows = app.db.read(department, &by.caller, move |tx| enrolments::of_child(tx, child)).await?;
    Ok(Found(rows.into_iter().map(CanteenEnrolmentView::from).collect()))
}

/// Change the days of the week.
///
/// From the first meal that can still be changed: meals of other days are cancelled, those of the new days reserved. A family may until the
/// date that the calendar tells.
#[utoipa::path(tag = "canteen", request_body = ChangeWeekdays, responses((status = 200, body = CanteenEnrolmentView)), security(("bearer" = [])))]
#[put("/v1/departments/{department}/canteen/enrolments/{id}/weekdays")]
pub async fn change_canteen_weekdays(
    by: By<FileReader>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenEnrolmentId)>,
    body: Body<ChangeWeekdays>,
) -> Result<Found<CanteenEnrolmentView>, Error> {
    let ((department, id), ChangeWeekdays { version, weekdays }) = (path.into_inner(), body.0);
    let change = move |tx: &mut Tx<'_>| {
        enrolments::change_weekdays(tx, id, version, weekdays)?;
        enrolments::show(tx, id)
    };
    Ok(Found(app.db.write(department, &by.caller, change).await?.into()))
}

/// Choose another menu.
#[utoipa::path(tag = "canteen", request_body = ChangeDiet, responses((status = 200, body = CanteenEnrolmentView)), security(("bearer" = [])))]
#[put("/v1/departments/{department}/canteen/enrolments/{id}/diet")]
pub async fn change_diet(
    by: By<FileReader>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenEnrolmentId)>,
    body: Body<ChangeDiet>,
) -> Result<Found<CanteenEnrolmentView>, Error> {
    let ((department, id), ChangeDiet { version, diet }) = (path.into_inner(), body.0);
    let change = move |tx: &mut Tx<'_>| {
        enrolments::change_diet(tx, id, version, diet)?;
        enrolments::show(tx, id)
    };
    Ok(Found(app.db.write(department, &by.caller, change).await?.into()))
}

/// End an enrolment in the canteen.
///
/// Meals that can still be cancelled are; the others stay due.
#[utoipa::path(tag = "canteen", request_body = EndCanteenEnrolment, responses((status = 200, body = CanteenEnrolmentView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/enrolments/{id}/end")]
pub async fn end_canteen_enrolment(
    by: By<FileReader>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenEnrolmentId)>,
    body: Body<EndCanteenEnrolment>,
) -> Result<Found<CanteenEnrolmentView>, Error> {
    let ((department, id), version) = (path.into_inner(), body.0.version);
    let reason =
        if by.caller.actor.department().is_some() { EndReason::ByDepartment } else { EndReason::AtFamilysWish };
    let end = move |tx: &mut Tx<'_>| {
        enrolments::end(tx, id, version, reason)?;
        enrolments::show(tx, id)
    };
    Ok(Found(app.db.write(department, &by.caller, end).await?.into()))
}

/// List who eats at a collège: pupils and staff, with their days and menus.
///
/// For the collège's secretary and the department's agents. It tells no price.
#[utoipa::path(tag = "canteen", params(PageQuery), responses((status = 200, body = Page<ListedDinerView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/colleges/{uai}/diners/{season}")]
pub async fn list_diners(
    by: By<CollegeDesk>,
    app: web::Data<App>,
    path: web::Path<(Department, Uai, SeasonCode)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<ListedDinerView>>, Error> {
    let ((department, college, season), query) = (path.into_inner(), query.into_inner());
    by.require(&college)?;
    let (after, limit) = (query.after()?, query.limit()?);
    let rows =
        app.db.read(department, &by.caller, move |tx| enrolments::list(tx, &college, &season, after, limit)).await?;
    Ok(Found(query.page(rows, |row| row.enrolment.id.uuid())?.map(ListedDinerView::from)))
}

//! Enrolments in the canteen, as families and the collège's desk see them.

use super::{CanteenEnrolment, CanteenEnrolmentState, Diet, EndReason, Wish, db::ListedDiner};
use crate::{
    app::App,
    auth::actor::{By, CollegeDesk, FileParty},
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
        time::paris_date,
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

/// Who eats, on which days and what: the part of an enrolment that whoever sees it sees.
#[derive(Debug, Serialize, ToSchema)]
pub struct DinerView {
    pub id: CanteenEnrolmentId,
    /// The child, or the adult.
    pub diner_id: DinerId,
    #[schema(example = "pupil")]
    pub diner: Diner,
    pub weekdays: Weekdays,
    /// Absent: the season is over, and it was forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "everything")]
    pub diet: Option<Diet>,
    /// First and last day, as it was made.
    #[schema(example = "2026-09-07")]
    pub starts_on: NaiveDate,
    #[schema(example = "2027-07-02")]
    pub ends_on: NaiveDate,
    #[schema(example = "active")]
    pub state: CanteenEnrolmentState,
    /// The day on which it ended, if it did before its last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-01-15")]
    pub ended_on: Option<NaiveDate>,
    /// Counts the changes.
    #[schema(example = 1)]
    pub version: i32,
}

/// An enrolment in the canteen as its family sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CanteenEnrolmentView {
    #[serde(flatten)]
    pub eats: DinerView,
    pub season: SeasonCode,
    pub college_uai: Uai,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "at_familys_wish")]
    pub end_reason: Option<EndReason>,
    /// In the order in which they begin: each holds until the next one.
    pub rates: Vec<CanteenRateView>,
}

/// A diner as the collège sees him: what he eats and when, never what he pays.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199a8f0-7c3e-7bbd-8000-000000000001", "diner_id": "0199a8f0-7c3e-7bbd-8000-000000000002", "diner": "pupil",
    "weekdays": ["monday", "thursday"], "diet": "everything", "starts_on": "2026-09-07", "ends_on": "2027-07-02",
    "state": "active", "version": 1, "last_name": "Martin", "first_names": "Lou",
}))]
pub struct ListedDinerView {
    #[serde(flatten)]
    pub eats: DinerView,
    pub last_name: Name,
    pub first_names: Name,
}

impl From<&CanteenEnrolment> for DinerView {
    fn from(row: &CanteenEnrolment) -> Self {
        let CanteenEnrolment { id, diner, weekdays, diet, starts_on, ends_on, state, version, .. } = *row;
        let ended_on = row.ended_at.map(paris_date);
        Self { id, diner_id: row.person_id, diner, weekdays, diet, starts_on, ends_on, state, ended_on, version }
    }
}

impl From<(CanteenEnrolment, Vec<RateRow>)> for CanteenEnrolmentView {
    fn from((row, rates): (CanteenEnrolment, Vec<RateRow>)) -> Self {
        let (eats, rates) = (DinerView::from(&row), rates.into_iter().map(CanteenRateView::from).collect());
        let CanteenEnrolment { season, college_uai, end_reason, .. } = row;
        Self { eats, season, college_uai, end_reason, rates }
    }
}

impl From<ListedDiner> for ListedDinerView {
    fn from(ListedDiner { enrolment, last_name, first_names }: ListedDiner) -> Self {
        Self { eats: (&enrolment).into(), last_name, first_names }
    }
}

/// Makes or changes an enrolment, and shows it as it is then.
async fn write(
    by: &By<FileParty>,
    app: &App,
    department: Department,
    change: impl Fn(&mut Tx<'_>) -> Result<CanteenEnrolment, Error> + Send + 'static,
) -> Result<CanteenEnrolmentView, Error> {
    let shown = move |tx: &mut Tx<'_>| {
        let id = change(tx)?.id;
        enrolments::show(tx, id)
    };
    Ok(app.db.write(department, &by.caller, shown).await?.into())
}

/// Enrol a child in the canteen.
///
/// The child's request for the season names a collège where meals are served. All its meals are reserved from the first one that can still be
/// added, on days of the week on each of which meals are served; the price is the highest as long as no reduced rate was asked for. Agents
/// enrol for a family that cannot.
#[utoipa::path(tag = "canteen", request_body = EnrolInCanteen, responses((status = 201, body = CanteenEnrolmentView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/enrolments")]
pub async fn enrol_in_canteen(
    by: By<FileParty>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<EnrolInCanteen>,
) -> Result<Created<CanteenEnrolmentView>, Error> {
    let EnrolInCanteen { child_id, season, weekdays, diet, starts_on } = body.0;
    let wish = Wish { season, weekdays, diet, starts_on };
    Ok(Created(write(&by, &app, path.0, move |tx| enrolments::enrol_pupil(tx, child_id, &wish)).await?))
}

/// Show an enrolment in the canteen, with its rates and why they are so.
#[utoipa::path(tag = "canteen", responses((status = 200, body = CanteenEnrolmentView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/enrolments/{id}")]
pub async fn show_canteen_enrolment(
    by: By<FileParty>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenEnrolmentId)>,
) -> Result<Found<CanteenEnrolmentView>, Error> {
    let (department, id) = path.into_inner();
    Ok(Found(app.db.read(department, &by.caller, move |tx| enrolments::show(tx, id)).await?.into()))
}

/// List a child's enrolments in the canteen, the last one first.
#[utoipa::path(tag = "canteen", responses((status = 200, body = Vec<CanteenEnrolmentView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/children/{child}/canteen-enrolments")]
pub async fn list_canteen_enrolments(
    by: By<FileParty>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
) -> Result<Found<Vec<CanteenEnrolmentView>>, Error> {
    let (department, child) = path.into_inner();
    let rows = app.db.read(department, &by.caller, move |tx| enrolments::of_child(tx, child)).await?;
    Ok(Found(rows.into_iter().map(CanteenEnrolmentView::from).collect()))
}

/// Change the days of the week.
///
/// From the first meal that can still be changed: meals of the days left are cancelled, those of the days taken up reserved, and what was
/// chosen singly stays chosen: a meal that was cancelled by itself is not reserved again with its day of the week; one that was added and
/// taken back is no choice any more. Each must be a day of the week on which meals are served. A family may until the date that the
/// calendar tells, an agent all the year.
#[utoipa::path(tag = "canteen", request_body = ChangeWeekdays, responses((status = 200, body = CanteenEnrolmentView)), security(("bearer" = [])))]
#[put("/v1/departments/{department}/canteen/enrolments/{id}/weekdays")]
pub async fn change_canteen_weekdays(
    by: By<FileParty>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenEnrolmentId)>,
    body: Body<ChangeWeekdays>,
) -> Result<Found<CanteenEnrolmentView>, Error> {
    let ((department, id), ChangeWeekdays { version, weekdays }) = (path.into_inner(), body.0);
    let change = move |tx: &mut Tx<'_>| enrolments::change_weekdays(tx, id, version, weekdays);
    Ok(Found(write(&by, &app, department, change).await?))
}

/// Choose another menu.
#[utoipa::path(tag = "canteen", request_body = ChangeDiet, responses((status = 200, body = CanteenEnrolmentView)), security(("bearer" = [])))]
#[put("/v1/departments/{department}/canteen/enrolments/{id}/diet")]
pub async fn change_diet(
    by: By<FileParty>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenEnrolmentId)>,
    body: Body<ChangeDiet>,
) -> Result<Found<CanteenEnrolmentView>, Error> {
    let ((department, id), ChangeDiet { version, diet }) = (path.into_inner(), body.0);
    let change = move |tx: &mut Tx<'_>| enrolments::change_diet(tx, id, version, diet);
    Ok(Found(write(&by, &app, department, change).await?))
}

/// End an enrolment in the canteen.
///
/// Meals that can still be cancelled are; the others stay due.
#[utoipa::path(tag = "canteen", request_body = EndCanteenEnrolment, responses((status = 200, body = CanteenEnrolmentView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/enrolments/{id}/end")]
pub async fn end_canteen_enrolment(
    by: By<FileParty>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenEnrolmentId)>,
    body: Body<EndCanteenEnrolment>,
) -> Result<Found<CanteenEnrolmentView>, Error> {
    let ((department, id), version) = (path.into_inner(), body.0.version);
    let reason =
        if by.caller.actor.department().is_some() { EndReason::ByDepartment } else { EndReason::AtFamilysWish };
    Ok(Found(write(&by, &app, department, move |tx| enrolments::end(tx, id, version, reason)).await?))
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

//! Where and when meals are served: read by anybody, written by an administrator.

use super::{CanteenCollege, CanteenService, Period};
use crate::{
    app::App,
    auth::actor::{Administrator, By},
    canteen::services,
    colleges,
    db::Tx,
    error::{Error, FieldError, Refusal},
    http::{
        body::Body,
        observe::Visitor,
        page::{Page, PageQuery},
        reply::{Created, Done, Found},
    },
    kernel::{
        actor::Caller,
        department::Department,
        ids::{CanteenCollegeId, CanteenServiceId},
        text::Uai,
        time::{day, some_day},
    },
};
use actix_web::{delete, get, post, put, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// More than a department has.
const COLLEGES_MAX: usize = 200;

/// A department's canteen.
#[derive(Debug, Serialize, ToSchema)]
pub struct CanteenView {
    /// Whether the department has a canteen today.
    #[schema(example = true)]
    pub open: bool,
    /// The last one first.
    pub periods: Vec<CanteenServiceView>,
}

/// A time during which a department has a canteen.
#[derive(Debug, Serialize, ToSchema)]
pub struct CanteenServiceView {
    pub id: CanteenServiceId,
    #[schema(example = "2026-09-01")]
    pub starts_on: NaiveDate,
    /// Last day, included; absent while nobody has set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2030-07-05")]
    pub ends_on: Option<NaiveDate>,
}

impl From<CanteenService> for CanteenServiceView {
    fn from(CanteenService { id, starts_on, ends_on }: CanteenService) -> Self {
        Self { id, starts_on, ends_on }
    }
}

/// A time during which a collège is in the scope of the canteen.
#[derive(Debug, Serialize, ToSchema)]
pub struct CanteenCollegeView {
    pub id: CanteenCollegeId,
    pub uai: Uai,
    #[schema(example = "2026-09-01")]
    pub starts_on: NaiveDate,
    /// Last day, included; absent while nobody has set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2030-07-05")]
    pub ends_on: Option<NaiveDate>,
}

impl From<CanteenCollege> for CanteenCollegeView {
    fn from(CanteenCollege { id, uai, starts_on, ends_on }: CanteenCollege) -> Self {
        Self { id, uai, starts_on, ends_on }
    }
}

/// When the department has a canteen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenCanteen {
    #[schema(example = "2026-09-01")]
    #[serde(deserialize_with = "day")]
    pub starts_on: NaiveDate,
    #[schema(example = "2030-07-05")]
    #[serde(default, deserialize_with = "some_day")]
    pub ends_on: Option<NaiveDate>,
}

/// Collèges to bring into scope.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddCanteenColleges {
    #[schema(min_items = 1, max_items = 200)]
    pub uais: Vec<Uai>,
    #[schema(example = "2026-09-01")]
    #[serde(deserialize_with = "day")]
    pub starts_on: NaiveDate,
    #[schema(example = "2030-07-05")]
    #[serde(default, deserialize_with = "some_day")]
    pub ends_on: Option<NaiveDate>,
}

/// The collèges that were brought into scope, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddedCollegesView {
    pub items: Vec<CanteenCollegeView>,
}

/// The last day of a period.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndPeriod {
    /// Today or later; null for a period whose end nobody knows.
    #[schema(example = "2030-07-05")]
    #[serde(default, deserialize_with = "some_day")]
    pub ends_on: Option<NaiveDate>,
}

/// Which periods to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CanteenCollegeQuery {
    /// Those that are not over on that day; today when absent.
    #[param(example = "2026-09-01")]
    #[serde(default, deserialize_with = "some_day")]
    pub from: Option<NaiveDate>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// Show when a department has a canteen.
#[utoipa::path(tag = "canteen", responses((status = 200, body = CanteenView)))]
#[get("/v1/departments/{department}/canteen")]
pub async fn show_canteen(
    visitor: Visitor,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
) -> Result<Found<CanteenView>, Error> {
    let (today, periods) = app.db.read(path.0, &visitor.caller, services::show_canteen).await?;
    let open = periods.iter().any(|service| service.period().holds(today));
    Ok(Found(CanteenView { open, periods: periods.into_iter().map(CanteenServiceView::from).collect() }))
}

/// Open the department's canteen.
///
/// For a time that shares no day with another one. It may have begun already.
#[utoipa::path(tag = "canteen", request_body = OpenCanteen, responses((status = 201, body = CanteenServiceView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/services")]
pub async fn open_canteen(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<OpenCanteen>,
) -> Result<Created<CanteenServiceView>, Error> {
    let (account, OpenCanteen { starts_on, ends_on }) = (by.account, body.0);
    let opened = move |tx: &mut Tx<'_>| services::open_canteen(tx, account, Period { starts_on, ends_on });
    Ok(Created(app.db.write(path.0, &by.caller, opened).await?.into()))
}

/// Set the last day of the department's canteen.
///
/// Never before today; what is over stays as it was.
#[utoipa::path(tag = "canteen", request_body = EndPeriod, responses((status = 200, body = CanteenServiceView)), security(("bearer" = [])))]
#[put("/v1/departments/{department}/canteen/services/{service}/end")]
pub async fn end_canteen(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenServiceId)>,
    body: Body<EndPeriod>,
) -> Result<Found<CanteenServiceView>, Error> {
    let ((department, id), ends_on) = (path.into_inner(), body.ends_on);
    let ended = move |tx: &mut Tx<'_>| services::end_canteen(tx, id, ends_on);
    Ok(Found(app.db.write(department, &by.caller, ended).await?.into()))
}

/// Give up a canteen that has not opened yet.
#[utoipa::path(tag = "canteen", responses((status = 204)), security(("bearer" = [])))]
#[delete("/v1/departments/{department}/canteen/services/{service}")]
pub async fn cancel_canteen(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenServiceId)>,
) -> Result<Done, Error> {
    let (department, id) = path.into_inner();
    app.db.write(department, &by.caller, move |tx| services::cancel_canteen(tx, id)).await?;
    Ok(Done)
}

/// List the collèges whose canteen the department runs.
///
/// Those in scope now or later, in the order in which they were declared.
#[utoipa::path(tag = "canteen", params(CanteenCollegeQuery), responses((status = 200, body = Page<CanteenCollegeView>)))]
#[get("/v1/departments/{department}/canteen/colleges")]
pub async fn list_canteen_colleges(
    visitor: Visitor,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<CanteenCollegeQuery>,
) -> Result<Found<Page<CanteenCollegeView>>, Error> {
    let CanteenCollegeQuery { from, cursor, limit } = query.into_inner();
    let page = PageQuery { cursor, limit };
    let (after, rows) = (page.after()?, page.limit()?.saturating_add(1));
    let list = move |tx: &mut Tx<'_>| services::list_canteen_colleges(tx, from, after, rows);
    let items = app.db.read(path.0, &visitor.caller, list).await?.into_iter().map(CanteenCollegeView::from);
    page.page(items.collect(), |view| view.id.uuid()).map(Found)
}

/// Bring collèges into the scope of the canteen.
///
/// All of the list or none: open collèges of the department, from a day on which it has a canteen.
#[utoipa::path(tag = "canteen", request_body = AddCanteenColleges, responses((status = 201, body = AddedCollegesView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/colleges")]
pub async fn add_canteen_colleges(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<AddCanteenColleges>,
) -> Result<Created<AddedCollegesView>, Error> {
    let (account, AddCanteenColleges { uais, starts_on, ends_on }) = (by.account, body.0);
    if !(1..=COLLEGES_MAX).contains(&uais.len()) {
        return Err(Error::field("/uais", format!("de 1 à {COLLEGES_MAX} collèges sont attendus")));
    }
    require_known(&app, &by.caller, path.0, listed(&uais)).await?;
    let period = Period { starts_on, ends_on };
    let added = move |tx: &mut Tx<'_>| services::add_canteen_colleges(tx, account, &uais, period);
    let items = app.db.write(path.0, &by.caller, added).await?;
    Ok(Created(AddedCollegesView { items: items.into_iter().map(CanteenCollegeView::from).collect() }))
}

/// The collèges of a list, each with its place.
pub fn listed(uais: &[Uai]) -> Vec<(String, Uai)> {
    uais.iter().enumerate().map(|(place, uai)| (format!("/uais/{place}"), uai.clone())).collect()
}

/// Every one of these collèges, told where they stand in the request, is open and the department's own.
pub async fn require_known(
    app: &App,
    caller: &Caller,
    department: Department,
    uais: Vec<(String, Uai)>,
) -> Result<(), Error> {
    let unknown = move |tx: &mut crate::db::DirectoryTx<'_>| {
        let mut unknown = vec![];
        for (pointer, uai) in &uais {
            if !colleges::find(tx, uai)?.is_some_and(|found| found.open && found.department == department) {
                let detail = "ce collège n'est pas un collège ouvert du département".to_owned();
                unknown.push(FieldError { pointer: pointer.clone(), detail });
            }
        }
        Ok(unknown)
    };
    let unknown = app.db.directory_read(caller, unknown).await?;
    if unknown.is_empty() { Ok(()) } else { Err(Error::Fields(Refusal::UnknownCollege, unknown)) }
}

/// Set the last day of a collège in the scope of the canteen.
///
/// Never before today; what is over stays as it was.
#[utoipa::path(tag = "canteen", request_body = EndPeriod, responses((status = 200, body = CanteenCollegeView)), security(("bearer" = [])))]
#[put("/v1/departments/{department}/canteen/colleges/{college}/end")]
pub async fn end_canteen_college(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenCollegeId)>,
    body: Body<EndPeriod>,
) -> Result<Found<CanteenCollegeView>, Error> {
    let ((department, id), ends_on) = (path.into_inner(), body.ends_on);
    let ended = move |tx: &mut Tx<'_>| services::end_canteen_college(tx, id, ends_on);
    Ok(Found(app.db.write(department, &by.caller, ended).await?.into()))
}

/// Give up a collège that is not in the scope of the canteen yet.
#[utoipa::path(tag = "canteen", responses((status = 204)), security(("bearer" = [])))]
#[delete("/v1/departments/{department}/canteen/colleges/{college}")]
pub async fn cancel_canteen_college(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenCollegeId)>,
) -> Result<Done, Error> {
    let (department, id) = path.into_inner();
    app.db.write(department, &by.caller, move |tx| services::cancel_canteen_college(tx, id)).await?;
    Ok(Done)
}

//! Grids as administrators write and publish them, and as everybody reads them.

use super::{Grid, GridState, StoredGrid};
use crate::{
    app::App,
    auth::actor::{Administrator, Agent, By},
    canteen::tariffs,
    db::Tx,
    error::Error,
    http::{
        body::Body,
        observe::Visitor,
        page::{Page, PageQuery},
        reply::{Created, Done, Found},
    },
    kernel::{
        department::Department,
        ids::{AccountId, GridId},
        time::some_day,
    },
    seasons::rules::RuleProblem,
};
use actix_web::{delete, get, post, put, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A grid to write, or to write over.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteGrid {
    pub grid: Grid,
    /// The published grid of the same diners whose place this one takes: it ends on the eve.
    pub replaces: Option<GridId>,
}

/// A grid as agents see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct GridView {
    pub id: GridId,
    /// Its number among the grids of these diners.
    #[schema(example = 3)]
    pub version: i32,
    #[schema(example = "published")]
    pub state: GridState,
    pub grid: Grid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<GridId>,
    /// First day on which it is in force; absent of a draft.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-09-01")]
    pub starts_on: Option<NaiveDate>,
    /// Last day on which it is in force, earlier than the grid's own when another one took its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-08-31")]
    pub ends_on: Option<NaiveDate>,
    pub drafted_by: AccountId,
    #[schema(example = "2026-06-02T09:00:00Z")]
    pub drafted_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published_by: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-06-03T14:00:00Z")]
    pub published_at: Option<DateTime<Utc>>,
    /// What keeps it from being published; each pointer starts at `grid`.
    pub problems: Vec<RuleProblem>,
}

impl From<StoredGrid> for GridView {
    fn from(stored: StoredGrid) -> Self {
        let (starts_on, ends_on) = stored.in_force.unzip();
        Self {
            problems: stored.grid.check(),
            id: stored.id,
            version: stored.version,
            state: stored.state,
            grid: stored.grid,
            replaces: stored.replaces,
            starts_on,
            ends_on,
            drafted_by: stored.drafted_by,
            drafted_at: stored.drafted_at,
            published_by: stored.published_by,
            published_at: stored.published_at,
        }
    }
}

/// Which day to tell the tariffs of.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TariffQuery {
    /// Today when absent.
    #[param(example = "2026-10-15")]
    #[serde(default, deserialize_with = "some_day")]
    pub day: Option<NaiveDate>,
}

/// The tariffs of a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct TariffsView {
    #[schema(example = "2026-10-15")]
    pub day: NaiveDate,
    /// One a sort of diners at most.
    pub tariffs: Vec<TariffView>,
}

/// A grid in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct TariffView {
    pub id: GridId,
    /// Its number among the grids of these diners.
    #[schema(example = 3)]
    pub version: i32,
    #[schema(example = "2026-09-01")]
    pub starts_on: Option<NaiveDate>,
    /// Last day on which it is in force, as far as is known.
    #[schema(example = "2027-08-31")]
    pub ends_on: Option<NaiveDate>,
    pub grid: Grid,
}

impl From<StoredGrid> for TariffView {
    fn from(stored: StoredGrid) -> Self {
        let (starts_on, ends_on) = stored.in_force.unzip();
        Self { id: stored.id, version: stored.version, starts_on, ends_on, grid: stored.grid }
    }
}

/// Show the tariffs of a day.
///
/// One grid for pupils, one for staff, one for guests, as far as each is published.
#[utoipa::path(tag = "canteen", params(TariffQuery), responses((status = 200, body = TariffsView)))]
#[get("/v1/departments/{department}/canteen/tariffs")]
pub async fn list_tariffs(
    visitor: Visitor,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<TariffQuery>,
) -> Result<Found<TariffsView>, Error> {
    let day = query.day;
    let (day, grids) = app.db.read(path.0, &visitor.caller, move |tx| tariffs::list_tariffs(tx, day)).await?;
    Ok(Found(TariffsView { day, tariffs: grids.into_iter().map(TariffView::from).collect() }))
}

/// Draft a tariff grid.
///
/// A draft may be incoherent: `problems` tells what is still wrong. One draft at a time for each sort of diners.
#[utoipa::path(tag = "canteen", request_body = WriteGrid, responses((status = 201, body = GridView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/grids")]
pub async fn draft_grid(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<WriteGrid>,
) -> Result<Created<GridView>, Error> {
    let (account, WriteGrid { grid, replaces }) = (by.account, body.0);
    let drafted = move |tx: &mut Tx<'_>| tariffs::draft_grid(tx, account, &grid, replaces);
    Ok(Created(app.db.write(path.0, &by.caller, drafted).await?.into()))
}

/// List the department's tariff grids, drafts included.
#[utoipa::path(tag = "canteen", params(PageQuery), responses((status = 200, body = Page<GridView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/grids")]
pub async fn list_grids(
    by: By<Agent>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<GridView>>, Error> {
    let (before, rows) = (query.after()?, query.limit()?.saturating_add(1));
    let list = app.db.read(path.0, &by.caller, move |tx| tariffs::list_grids(tx, before, rows)).await?;
    query.page(list.into_iter().map(GridView::from).collect(), |view| view.id.uuid()).map(Found)
}

/// Show a tariff grid.
#[utoipa::path(tag = "canteen", responses((status = 200, body = GridView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/grids/{grid}")]
pub async fn show_grid(
    by: By<Agent>,
    app: web::Data<App>,
    path: web::Path<(Department, GridId)>,
) -> Result<Found<GridView>, Error> {
    let (department, id) = path.into_inner();
    Ok(Found(app.db.read(department, &by.caller, move |tx| tariffs::show_grid(tx, id)).await?.into()))
}

/// Rewrite the draft of a tariff grid.
///
/// The whole grid, for the same diners. Its new author may not publish it.
#[utoipa::path(tag = "canteen", request_body = WriteGrid, responses((status = 200, body = GridView)), security(("bearer" = [])))]
#[put("/v1/departments/{department}/canteen/grids/{grid}")]
pub async fn rewrite_grid(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, GridId)>,
    body: Body<WriteGrid>,
) -> Result<Found<GridView>, Error> {
    let ((department, id), account, WriteGrid { grid, replaces }) = (path.into_inner(), by.account, body.0);
    let rewritten = move |tx: &mut Tx<'_>| tariffs::rewrite_grid(tx, account, id, &grid, replaces);
    Ok(Found(app.db.write(department, &by.caller, rewritten).await?.into()))
}

/// Discard the draft of a tariff grid.
#[utoipa::path(tag = "canteen", responses((status = 204)), security(("bearer" = [])))]
#[delete("/v1/departments/{department}/canteen/grids/{grid}")]
pub async fn discard_grid(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, GridId)>,
) -> Result<Done, Error> {
    let (department, id) = path.into_inner();
    app.db.write(department, &by.caller, move |tx| tariffs::discard_grid(tx, id)).await?;
    Ok(Done)
}

/// Publish a tariff grid that another person wrote.
///
/// With a second factor shown within five minutes. Refused while something is wrong with it, or while another grid of the same diners is
/// in force on one of its days: `errors` holds JSON pointers into the grid. In the place of another grid it begins tomorrow at the earliest.
#[utoipa::path(tag = "canteen", responses((status = 200, body = GridView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/grids/{grid}/publish")]
pub async fn publish_grid(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, GridId)>,
) -> Result<Found<GridView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let ((department, id), account) = (path.into_inner(), by.account);
    let published = move |tx: &mut Tx<'_>| tariffs::publish_grid(tx, account, id);
    Ok(Found(app.db.write(department, &by.caller, published).await?.into()))
}

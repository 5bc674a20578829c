//! Operators of the canteen, as a department's agents declare them.

use super::{Charged, Site};
use crate::{
    app::App,
    auth::actor::{Administrator, Agent, By},
    canteen::{
        operators,
        services::{
            Period,
            http::{EndPeriod, listed, require_known},
        },
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
        ids::{CanteenOperatorId, OperatorSiteId},
        text::{Label, Uai},
        time::{day, some_day},
    },
};
use actix_web::{get, post, put, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// More than a department has.
const SITES_MAX: usize = 200;

/// Who serves meals.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclareOperator {
    #[schema(example = "Cuisines du Val de Seine")]
    pub name: Label,
}

/// An operator of the canteen, and where it serves.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperatorView {
    pub id: CanteenOperatorId,
    #[schema(example = "Cuisines du Val de Seine")]
    pub name: Label,
    /// Those of the past and of the future too.
    pub sites: Vec<OperatorSiteView>,
}

impl From<Charged> for OperatorView {
    fn from(Charged { operator, sites }: Charged) -> Self {
        let sites = sites.into_iter().map(OperatorSiteView::from).collect();
        Self { id: operator.id, name: operator.name, sites }
    }
}

/// A collège where an operator serves for some time.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperatorSiteView {
    pub id: OperatorSiteId,
    pub college_uai: Uai,
    #[schema(example = "2026-09-01")]
    pub starts_on: NaiveDate,
    /// Last day, included; absent while nobody has set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2030-07-05")]
    pub ends_on: Option<NaiveDate>,
}

impl From<Site> for OperatorSiteView {
    fn from(Site { id, college_uai, starts_on, ends_on, .. }: Site) -> Self {
        Self { id, college_uai, starts_on, ends_on }
    }
}

/// Collèges to charge an operator with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddOperatorSites {
    #[schema(min_items = 1, max_items = 200)]
    pub uais: Vec<Uai>,
    #[schema(example = "2026-09-01")]
    #[serde(deserialize_with = "day")]
    pub starts_on: NaiveDate,
    #[schema(example = "2030-07-05")]
    #[serde(default, deserialize_with = "some_day")]
    pub ends_on: Option<NaiveDate>,
}

/// The sites that were added, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddedSitesView {
    pub items: Vec<OperatorSiteView>,
}

/// Declare an operator of the canteen.
///
/// Under a name of its own: another case, other accents or spaces do not tell two operators apart.
#[utoipa::path(tag = "canteen", request_body = DeclareOperator, responses((status = 201, body = OperatorView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/operators")]
pub async fn declare_operator(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<DeclareOperator>,
) -> Result<Created<OperatorView>, Error> {
    let (account, name) = (by.account, body.0.name);
    let declared = move |tx: &mut Tx<'_>| operators::declare_operator(tx, account, &name);
    Ok(Created(app.db.write(path.0, &by.caller, declared).await?.into()))
}

/// List the operators of the canteen.
#[utoipa::path(tag = "canteen", params(PageQuery), responses((status = 200, body = Page<OperatorView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/operators")]
pub async fn list_operators(
    by: By<Agent>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<OperatorView>>, Error> {
    let query = query.into_inner();
    let list = move |tx: &mut Tx<'_>| operators::list_operators(tx, &query);
    Ok(Found(app.db.read(path.0, &by.caller, list).await?.map(OperatorView::from)))
}

/// Charge an operator with collèges.
///
/// From a day on which meals are served there, and on which nobody else is charged with them; meals are to be served there from today on.
#[utoipa::path(tag = "canteen", request_body = AddOperatorSites, responses((status = 201, body = AddedSitesView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/operators/{operator}/sites")]
pub async fn add_operator_sites(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenOperatorId)>,
    body: Body<AddOperatorSites>,
) -> Result<Created<AddedSitesView>, Error> {
    let ((department, operator), AddOperatorSites { uais, starts_on, ends_on }) = (path.into_inner(), body.0);
    if !(1..=SITES_MAX).contains(&uais.len()) {
        return Err(Error::field("/uais", format!("de 1 à {SITES_MAX} collèges sont attendus")));
    }
    require_known(&app, &by.caller, department, listed(&uais)).await?;
    let (account, period) = (by.account, Period { starts_on, ends_on });
    let added = move |tx: &mut Tx<'_>| operators::add_operator_sites(tx, account, operator, &uais, period);
    let items = app.db.write(department, &by.caller, added).await?;
    Ok(Created(AddedSitesView { items: items.into_iter().map(OperatorSiteView::from).collect() }))
}

/// Set the last day of an operator at a collège.
///
/// Never before today; what is over stays as it was. The day after, its gate there and its kitchen see nothing of that collège any more.
#[utoipa::path(tag = "canteen", request_body = EndPeriod, responses((status = 200, body = OperatorSiteView)), security(("bearer" = [])))]
#[put("/v1/departments/{department}/canteen/operator-sites/{site}/end")]
pub async fn end_operator_site(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, OperatorSiteId)>,
    body: Body<EndPeriod>,
) -> Result<Found<OperatorSiteView>, Error> {
    let ((department, id), ends_on) = (path.into_inner(), body.ends_on);
    let ended = move |tx: &mut Tx<'_>| operators::end_operator_site(tx, id, ends_on);
    Ok(Found(app.db.write(department, &by.caller, ended).await?.into()))
}

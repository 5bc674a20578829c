//! Rules at the gates, as an administrator sets them.

use super::{NewRule, RuleRow};
use crate::{
    app::App,
    auth::actor::{Administrator, Agent, By},
    canteen::{gates, services::http::require_known},
    db::Tx,
    error::Error,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::Found,
    },
    kernel::{department::Department, text::Uai, time::day},
};
use actix_web::{get, put, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A rule of a collège.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetGateRule {
    /// Today or later.
    #[schema(example = "2026-11-02")]
    #[serde(deserialize_with = "day")]
    pub starts_on: NaiveDate,
    /// Whether those eat who reserved nothing: their meal is billed at the price of such meals.
    #[schema(example = true)]
    pub walk_ins: bool,
}

/// A rule of a collège, from its day on.
#[derive(Debug, Serialize, ToSchema)]
pub struct GateRuleView {
    pub college_uai: Uai,
    #[schema(example = "2026-11-02")]
    pub starts_on: NaiveDate,
    #[schema(example = true)]
    pub walk_ins: bool,
}

impl From<RuleRow> for GateRuleView {
    fn from(RuleRow { college_uai, starts_on, walk_ins }: RuleRow) -> Self {
        Self { college_uai, starts_on, walk_ins }
    }
}

/// Set whether a collège lets those eat who reserved nothing.
///
/// Without a rule it does. Meals are to be served there on some day from then on.
#[utoipa::path(tag = "canteen", request_body = SetGateRule, responses((status = 200, body = GateRuleView)), security(("bearer" = [])))]
#[put("/v1/departments/{department}/canteen/gate-rules/{uai}")]
pub async fn set_gate_rule(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, Uai)>,
    body: Body<SetGateRule>,
) -> Result<Found<GateRuleView>, Error> {
    let ((department, college), SetGateRule { starts_on, walk_ins }) = (path.into_inner(), body.0);
    require_known(&app, &by.caller, department, vec![("uai".to_owned(), college.clone())]).await?;
    let (account, new) = (by.account, NewRule { college, starts_on, walk_ins });
    let set = move |tx: &mut Tx<'_>| gates::set_gate_rule(tx, account, &new);
    Ok(Found(app.db.write(department, &by.caller, set).await?.into()))
}

/// List the rules of each collège that has some: the one in force, and those to come.
#[utoipa::path(tag = "canteen", params(PageQuery), responses((status = 200, body = Page<GateRuleView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/gate-rules")]
pub async fn list_gate_rules(
    by: By<Agent>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<GateRuleView>>, Error> {
    let query = query.into_inner();
    let list = move |tx: &mut Tx<'_>| gates::list_gate_rules(tx, &query);
    Ok(Found(app.db.read(path.0, &by.caller, list).await?.map(GateRuleView::from)))
}

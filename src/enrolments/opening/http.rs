//! The opening of a season: its trial, its order, its progress.

use super::{Opening, OpeningRow, OpeningState};
use crate::{
    app::App,
    auth::actor::{Administrator, By},
    colleges,
    db::Tx,
    enrolments::opening,
    error::Error,
    http::{
        body::Body,
        reply::{Created, Done, Found},
    },
    kernel::{
        actor::Caller,
        department::Department,
        ids::{AccountId, SeasonOpeningId},
        text::{SeasonCode, Uai},
        words::Level,
    },
};
use actix_web::{delete, get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An order to open a season, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpeningOrderView {
    pub id: SeasonOpeningId,
    #[schema(example = "ordered")]
    pub state: OpeningState,
    pub ordered_by: AccountId,
    #[schema(example = "2026-05-28T08:00:00Z")]
    pub ordered_at: DateTime<Utc>,
    /// Never before families may enrol.
    #[schema(example = "2026-05-31T22:00:00Z")]
    pub runs_at: DateTime<Utc>,
    /// Absent while it waits or runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-05-31T22:00:20Z")]
    pub done_at: Option<DateTime<Utc>>,
    #[schema(example = 55_500)]
    pub expected_children: i64,
    /// Children carried over until now.
    #[schema(example = 55_500)]
    pub carried: i64,
    /// Pupils told until now that they leave collège.
    #[schema(example = 18_500)]
    pub leaving: i64,
    /// Families written to until now.
    #[schema(example = 61_000)]
    pub families: i64,
}

impl From<OpeningRow> for OpeningOrderView {
    fn from(row: OpeningRow) -> Self {
        Self {
            id: row.id,
            state: row.state,
            ordered_by: row.ordered_by,
            ordered_at: row.ordered_at,
            runs_at: row.runs_at,
            done_at: row.done_at,
            expected_children: row.expected_children,
            carried: row.carried,
            leaving: row.leaving,
            families: row.families,
        }
    }
}

/// Children who come to a level.
#[derive(Debug, Serialize, ToSchema)]
pub struct CarriedView {
    #[schema(example = "5e")]
    pub level: Level,
    #[schema(example = 18_500)]
    pub children: i64,
}

/// What an opening would do, or has left to do.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeasonOpeningView {
    pub season: SeasonCode,
    /// The season whose children are carried over.
    pub from_season: SeasonCode,
    /// Nothing is carried over before that instant.
    #[schema(example = "2026-05-31T22:00:00Z")]
    pub opens_at: DateTime<Utc>,
    /// Children who would be carried over.
    #[schema(example = 55_500)]
    pub children: i64,
    /// The same by the level they come to.
    pub carried: Vec<CarriedView>,
    /// Pupils of 3e who would be told that they leave collège.
    #[schema(example = 18_500)]
    pub leaving: i64,
    /// Children who have a request of the season already.
    #[schema(example = 120)]
    pub already: i64,
    /// Of those carried over: their collège has closed, the family must choose another.
    #[schema(example = 40)]
    pub at_closed_colleges: i64,
    /// Of those carried over: their formula is no longer offered, the season's first one stands in its place.
    #[schema(example = 0)]
    pub formula_gone: i64,
    /// The last order, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OpeningOrderView>,
}

impl From<Opening> for SeasonOpeningView {
    fn from(opening: Opening) -> Self {
        let Opening { season, from_season, opens_at, figures, order } = opening;
        let children = figures.children();
        let carried = figures.carried.into_iter().map(|(level, children)| CarriedView { level, children });
        Self {
            season,
            from_season,
            opens_at,
            children,
            carried: carried.collect(),
            leaving: figures.leaving,
            already: figures.already,
            at_closed_colleges: figures.at_closed_colleges,
            formula_gone: figures.formula_gone,
            order: order.map(OpeningOrderView::from),
        }
    }
}

/// The figure of the trial, given back by whoever has read it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderOpening {
    #[schema(example = 55_500)]
    pub expected_children: i64,
    /// As soon as families may enrol when absent, or earlier than that.
    #[schema(example = "2026-05-31T22:00:00Z")]
    pub runs_at: Option<DateTime<Utc>>,
}

/// Closed collèges, read in the directory before the department's transaction opens.
async fn closed(app: &App, caller: &Caller) -> Result<Vec<Uai>, Error> {
    app.db.directory_read(caller, colleges::closed).await
}

/// Show what opening a season would do, and how far it is.
///
/// A trial: nothing is written.
#[utoipa::path(tag = "seasons", responses((status = 200, body = SeasonOpeningView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/seasons/{season}/opening")]
pub async fn show_opening(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode)>,
) -> Result<Found<SeasonOpeningView>, Error> {
    let (department, season) = path.into_inner();
    let closed = closed(&app, &by.caller).await?;
    let opening = app.db.read(department, &by.caller, move |tx| opening::show_opening(tx, &season, &closed)).await?;
    Ok(Found(opening.into()))
}

/// Order the opening of a season: last season's children are carried over.
///
/// One level up, as requests that their families have only to confirm; pupils of 3e are told that they leave. With a second factor shown
/// within five minutes, and with the figure of the trial: refused if it is no longer the same. The worker carries it
/// out, each child once; ordered again, it carries over only whoever was not.
#[utoipa::path(tag = "seasons", request_body = OrderOpening, responses((status = 201, body = SeasonOpeningView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/seasons/{season}/opening")]
pub async fn order_opening(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode)>,
    body: Body<OrderOpening>,
) -> Result<Created<SeasonOpeningView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let ((department, season), account) = (path.into_inner(), by.account);
    let OrderOpening { expected_children, runs_at } = body.0;
    let closed = closed(&app, &by.caller).await?;
    let order =
        move |tx: &mut Tx<'_>| opening::order_opening(tx, account, &season, expected_children, runs_at, &closed);
    Ok(Created(app.db.write(department, &by.caller, order).await?.into()))
}

/// Withdraw the order to open a season, as long as nothing of it is done.
#[utoipa::path(tag = "seasons", responses((status = 204)), security(("bearer" = [])))]
#[delete("/v1/departments/{department}/seasons/{season}/opening")]
pub async fn withdraw_opening(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode)>,
) -> Result<Done, Error> {
    let (department, season) = path.into_inner();
    app.db.write(department, &by.caller, move |tx| opening::withdraw_opening(tx, &season)).await?;
    Ok(Done)
}

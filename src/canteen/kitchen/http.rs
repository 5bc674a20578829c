//! What kitchens ask.

use super::{Care, ForecastRow};
use crate::{
    app::App,
    auth::actor::{By, Kitchen, MealCounter},
    canteen::kitchen,
    db::Tx,
    error::Error,
    http::reply::Found,
    kernel::{
        department::Department,
        ids::ChildId,
        text::{Note, Uai},
        time::day,
    },
};
use actix_web::{get, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which days.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ForecastQuery {
    #[param(example = "2026-11-02")]
    #[serde(deserialize_with = "day")]
    pub from: NaiveDate,
    /// Last day, included: 31 days at most.
    #[param(example = "2026-11-06")]
    #[serde(deserialize_with = "day")]
    pub until: NaiveDate,
}

/// Meals to cook.
#[derive(Debug, Serialize, ToSchema)]
pub struct ForecastView {
    /// By day, then by collège; a day without meals has no line.
    pub items: Vec<ForecastLineView>,
}

/// Meals of a collège on a day: numbers, nobody's name.
#[derive(Debug, Serialize, ToSchema)]
pub struct ForecastLineView {
    #[schema(example = "2026-11-02")]
    pub day: NaiveDate,
    pub college_uai: Uai,
    /// Reserved and not cancelled. Of these:
    #[schema(example = 348)]
    pub reserved: i64,
    #[schema(example = 330)]
    pub pupils: i64,
    #[schema(example = 16)]
    pub commensaux: i64,
    #[schema(example = 2)]
    pub guests: i64,
    /// Of the meals to cook: those that the family brings are not among them.
    #[schema(example = 57)]
    pub no_pork: i64,
    /// Likewise.
    #[schema(example = 21)]
    pub no_meat: i64,
    /// The kitchen has something to do for them.
    #[schema(example = 4)]
    pub care: i64,
    /// The family brings the meal.
    #[schema(example = 1)]
    pub own_meals: i64,
    /// Taken without reservation until now.
    #[schema(example = 3)]
    pub walk_ins: i64,
}

impl From<ForecastRow> for ForecastLineView {
    fn from(row: ForecastRow) -> Self {
        let ForecastRow { day, college_uai, reserved, pupils, commensaux, guests, .. } = row;
        let ForecastRow { no_pork, no_meat, care, own_meals, walk_ins, .. } = row;
        Self { day, college_uai, reserved, pupils, commensaux, guests, no_pork, no_meat, care, own_meals, walk_ins }
    }
}

/// What the kitchen does today.
#[derive(Debug, Serialize, ToSchema)]
pub struct CareListView {
    pub items: Vec<CareView>,
}

/// What the kitchen does today for a child.
#[derive(Debug, Serialize, ToSchema)]
pub struct CareView {
    pub child_id: ChildId,
    pub college_uai: Uai,
    #[schema(example = "Camille")]
    pub first_name: String,
    #[schema(example = "M")]
    pub initial: String,
    /// The family brings the meal.
    #[schema(example = false)]
    pub own_meal: bool,
    /// Never why.
    #[schema(example = "Sans arachide ni fruits à coque ; plateau préparé à part.")]
    pub measures: Note,
}

impl From<Care> for CareView {
    fn from(Care { child, college, first_name, initial, own_meal, measures }: Care) -> Self {
        Self { child_id: child, college_uai: college, first_name, initial, own_meal, measures }
    }
}

/// Count the meals to cook.
///
/// An operator's kitchen reads those of its sites, a secretary those of his collège, an agent all.
#[utoipa::path(tag = "canteen", params(ForecastQuery), responses((status = 200, body = ForecastView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/forecast")]
pub async fn forecast_meals(
    by: By<MealCounter>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<ForecastQuery>,
) -> Result<Found<ForecastView>, Error> {
    let ForecastQuery { from, until } = query.into_inner();
    let rows = app.db.read(path.0, &by.caller, move |tx| kitchen::forecast_meals(tx, from, until)).await?;
    Ok(Found(ForecastView { items: rows.into_iter().map(ForecastLineView::from).collect() }))
}

/// List what the kitchen does today, child by child.
///
/// Of the operator's own sites. Who read what is written in the journal.
#[utoipa::path(tag = "canteen", responses((status = 200, body = CareListView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/care")]
pub async fn list_care(
    by: By<Kitchen>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
) -> Result<Found<CareListView>, Error> {
    let list = |tx: &mut Tx<'_>| kitchen::list_care(tx);
    let items = app.db.write(path.0, &by.caller, list).await?;
    Ok(Found(CareListView { items: items.into_iter().map(CareView::from).collect() }))
}

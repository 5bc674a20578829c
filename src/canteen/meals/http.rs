//! Single meals as families see and change them.

use super::{ChildMeal, Day, MealRow, state::MealState};
use crate::{
    app::App,
    auth::actor::{By, FileParty},
    canteen::meals,
    error::Error,
    http::reply::Found,
    kernel::{
        department::Department,
        ids::{CanteenEnrolmentId, ChildId},
        money::Cents,
        text::Uai,
        time::day,
    },
};
use actix_web::{get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Days that one answer tells: two months, as families look at them.
const DAYS_MAX: i64 = 62;

/// A day of the diner's year.
#[derive(Debug, Serialize, ToSchema)]
pub struct MealView {
    #[schema(example = "2026-09-14")]
    pub date: NaiveDate,
    /// Absent: the canteen serves, and this diner does not eat.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "reserved")]
    pub state: Option<MealState>,
    /// Why nothing is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Grève")]
    pub closed: Option<String>,
    /// The first instant that is too late to cancel or add this meal.
    #[schema(example = "2026-09-09T22:00:00Z")]
    pub too_late_from: DateTime<Utc>,
}

impl From<Day> for MealView {
    fn from(day: Day) -> Self {
        let Day { date, state, closed, too_late_from } = day;
        Self { date, state, closed, too_late_from }
    }
}

/// Which days.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MealsQuery {
    #[param(example = "2026-09-01")]
    #[serde(deserialize_with = "day")]
    pub from: NaiveDate,
    /// Included; 62 days at most.
    #[param(example = "2026-09-30")]
    #[serde(deserialize_with = "day")]
    pub until: NaiveDate,
}

impl MealsQuery {
    fn days(&self) -> Result<(NaiveDate, NaiveDate), Error> {
        if self.until < self.from || (self.until - self.from).num_days() >= DAYS_MAX {
            return Err(Error::field("until", "62 jours au plus sont attendus, le dernier après le premier"));
        }
        Ok((self.from, self.until))
    }
}

/// List the days of an enrolment with their meals.
///
/// Its own: those between its first and its last day, and those on which it has a meal.
#[utoipa::path(tag = "canteen", params(MealsQuery), responses((status = 200, body = Vec<MealView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/enrolments/{id}/meals")]
pub async fn list_meals(
    by: By<FileParty>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenEnrolmentId)>,
    query: web::Query<MealsQuery>,
) -> Result<Found<Vec<MealView>>, Error> {
    let ((department, id), days) = (path.into_inner(), query.days()?);
    let days = app.db.read(department, &by.caller, move |tx| meals::list_meals(tx, id, days)).await?;
    Ok(Found(days.into_iter().map(MealView::from).collect()))
}

/// A meal of a child, and what is due for it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChildMealView {
    #[schema(example = "2026-09-14")]
    pub date: NaiveDate,
    pub college_uai: Uai,
    #[schema(example = "walk_in")]
    pub state: MealState,
    /// Absent: eaten without being enrolled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrolment_id: Option<CanteenEnrolmentId>,
    /// 0 for a meal that is not billed. Absent: not known, or in the price of the year.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 700)]
    pub cents: Option<Cents>,
}

impl From<ChildMeal> for ChildMealView {
    fn from(ChildMeal { row, cents }: ChildMeal) -> Self {
        let MealRow { day: date, enrolment_id, college_uai, state } = row;
        Self { date, college_uai, state, enrolment_id, cents }
    }
}

/// List the meals of a child, of any enrolment and of none.
///
/// A child who is not enrolled, and ate, is found here: such a meal is billed at the price of meals without reservation.
#[utoipa::path(tag = "canteen", params(MealsQuery), responses((status = 200, body = Vec<ChildMealView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/children/{child}/canteen-meals")]
pub async fn list_child_meals(
    by: By<FileParty>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
    query: web::Query<MealsQuery>,
) -> Result<Found<Vec<ChildMealView>>, Error> {
    let ((department, child), days) = (path.into_inner(), query.days()?);
    let rows = app.db.read(department, &by.caller, move |tx| meals::list_child_meals(tx, child, days)).await?;
    Ok(Found(rows.into_iter().map(ChildMealView::from).collect()))
}

/// Cancel a meal, before its cut-off.
#[utoipa::path(tag = "canteen", params(("day" = NaiveDate, Path, example = "2026-11-05")), responses((status = 200, body = MealView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/enrolments/{id}/meals/{day}/cancel")]
pub async fn cancel_meal(
    by: By<FileParty>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenEnrolmentId, NaiveDate)>,
) -> Result<Found<MealView>, Error> {
    let (department, id, day) = path.into_inner();
    Ok(Found(app.db.write(department, &by.caller, move |tx| meals::cancel_meal(tx, id, day)).await?.into()))
}

/// Add a meal, or take its cancellation back, before its cut-off.
#[utoipa::path(tag = "canteen", params(("day" = NaiveDate, Path, example = "2026-11-05")), responses((status = 200, body = MealView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/enrolments/{id}/meals/{day}/reserve")]
pub async fn reserve_meal(
    by: By<FileParty>,
    app: web::Data<App>,
    path: web::Path<(Department, CanteenEnrolmentId, NaiveDate)>,
) -> Result<Found<MealView>, Error> {
    let (department, id, day) = path.into_inner();
    Ok(Found(app.db.write(department, &by.caller, move |tx| meals::reserve_meal(tx, id, day)).await?.into()))
}

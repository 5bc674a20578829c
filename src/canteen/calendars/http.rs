//! Calendars and closures of the canteen: written by agents, read by anybody.

use super::{CalendarRow, ClosureKind, ClosureRow, MealDay, NewClosure, days};
use crate::{
    app::App,
    auth::actor::{Administrator, Agent, By, CaseWorker},
    canteen::calendars,
    db::Tx,
    error::Error,
    http::{
        body::Body,
        observe::Visitor,
        page::{Page, PageQuery},
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::ClosureId,
        text::{Label, Note, SeasonCode, Uai},
        time::day,
    },
    seasons::rules::RuleProblem,
};
use actix_web::{get, post, put, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Days that one answer tells: two months, as families look at them.
const DAYS_MAX: i64 = 62;

/// A calendar as published.
#[derive(Debug, Serialize, ToSchema)]
pub struct CanteenCalendarView {
    pub season: SeasonCode,
    #[schema(example = 1)]
    pub version: i32,
    #[schema(example = "2026-06-02T09:00:00Z")]
    pub published_at: Option<DateTime<Utc>>,
    pub calendar: days::Calendar,
}

impl From<CalendarRow> for CanteenCalendarView {
    fn from(row: CalendarRow) -> Self {
        let CalendarRow { season, version, calendar, published_at, .. } = row;
        Self { season, version, published_at, calendar: calendar.0 }
    }
}

/// A calendar being written.
#[derive(Debug, Serialize, ToSchema)]
pub struct CanteenCalendarDraftView {
    pub season: SeasonCode,
    /// The number it will be published under.
    #[schema(example = 1)]
    pub version: i32,
    #[schema(example = "2026-06-01T09:00:00Z")]
    pub drafted_at: DateTime<Utc>,
    pub calendar: days::Calendar,
    /// What keeps it from being published; each pointer starts at `calendar`.
    pub problems: Vec<RuleProblem>,
}

impl From<CalendarRow> for CanteenCalendarDraftView {
    fn from(row: CalendarRow) -> Self {
        let CalendarRow { season, version, calendar, drafted_at, .. } = row;
        let problems = calendar.0.check(&season);
        Self { season, version, drafted_at, calendar: calendar.0, problems }
    }
}

/// Which draft is published.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishCanteenCalendar {
    #[schema(example = 1)]
    pub version: i32,
}

/// Write the draft of a season's calendar.
///
/// The whole calendar, in the place of the former draft. It may be incoherent: `problems` tells what keeps it from being published.
#[utoipa::path(tag = "canteen", request_body = days::Calendar, responses((status = 200, body = CanteenCalendarDraftView)), security(("bearer" = [])))]
#[put("/v1/departments/{department}/canteen/calendars/{season}/draft")]
pub async fn draft_canteen_calendar(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode)>,
    body: Body<days::Calendar>,
) -> Result<Found<CanteenCalendarDraftView>, Error> {
    let ((department, season), agent) = (path.into_inner(), by.account);
    let write = move |tx: &mut Tx<'_>| calendars::draft_canteen_calendar(tx, agent, &season, &body.0);
    Ok(Found(app.db.write(department, &by.caller, write).await?.into()))
}

/// Show the draft of a season's calendar.
#[utoipa::path(tag = "canteen", responses((status = 200, body = CanteenCalendarDraftView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/calendars/{season}/draft")]
pub async fn show_canteen_calendar_draft(
    by: By<Agent>,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode)>,
) -> Result<Found<CanteenCalendarDraftView>, Error> {
    let (department, season) = path.into_inner();
    let read = move |tx: &mut Tx<'_>| calendars::show_canteen_calendar_draft(tx, &season);
    Ok(Found(app.db.read(department, &by.caller, read).await?.into()))
}

/// Publish the draft of a season's calendar that another person wrote.
///
/// With a second factor shown within five minutes. It takes the place of the one published before; the days that are past must stay as they were.
#[utoipa::path(tag = "canteen", request_body = PublishCanteenCalendar, responses((status = 200, body = CanteenCalendarView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/calendars/{season}/publish")]
pub async fn publish_canteen_calendar(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode)>,
    body: Body<PublishCanteenCalendar>,
) -> Result<Found<CanteenCalendarView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let ((department, season), agent, version) = (path.into_inner(), by.account, body.0.version);
    let publish = move |tx: &mut Tx<'_>| calendars::publish_canteen_calendar(tx, agent, &season, version);
    Ok(Found(app.db.write(department, &by.caller, publish).await?.into()))
}

/// Show a season's calendar of the canteen.
#[utoipa::path(tag = "canteen", responses((status = 200, body = CanteenCalendarView)))]
#[get("/v1/departments/{department}/canteen/calendars/{season}")]
pub async fn show_canteen_calendar(
    visitor: Visitor,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode)>,
) -> Result<Found<CanteenCalendarView>, Error> {
    let (department, season) = path.into_inner();
    let read = move |tx: &mut Tx<'_>| calendars::show_canteen_calendar(tx, &season);
    Ok(Found(app.db.read(department, &visitor.caller, read).await?.into()))
}

/// Which days, of which collège.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MealDaysQuery {
    #[param(example = "0921234B")]
    pub college_uai: Uai,
    #[param(example = "2026-11-02")]
    #[serde(deserialize_with = "day")]
    pub from: NaiveDate,
    /// At most 62 days with the first.
    #[param(example = "2026-11-30")]
    #[serde(deserialize_with = "day")]
    pub until: NaiveDate,
}

/// A day with a meal, or with one that was to be.
#[derive(Debug, Serialize, ToSchema)]
pub struct MealDayView {
    #[schema(example = "2026-11-12")]
    pub date: NaiveDate,
    /// Absent: a meal is served. Else why the canteen is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Grève")]
    pub closed: Option<Label>,
    /// From this instant on the meal can be neither cancelled nor added.
    #[schema(example = "2026-11-06T23:00:00Z")]
    pub too_late_from: DateTime<Utc>,
}

impl From<MealDay> for MealDayView {
    fn from(day: MealDay) -> Self {
        let MealDay { date, closed, too_late_from } = day;
        Self { date, closed, too_late_from }
    }
}

/// List the days on which a collège's canteen serves.
///
/// With the exact instant from which each meal can be neither cancelled nor added, and the closures among them.
#[utoipa::path(tag = "canteen", params(MealDaysQuery), responses((status = 200, body = Vec<MealDayView>)))]
#[get("/v1/departments/{department}/canteen/calendars/{season}/days")]
pub async fn list_meal_days(
    visitor: Visitor,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode)>,
    query: web::Query<MealDaysQuery>,
) -> Result<Found<Vec<MealDayView>>, Error> {
    let ((department, season), MealDaysQuery { college_uai: college, from, until }) =
        (path.into_inner(), query.into_inner());
    if !(0..DAYS_MAX).contains(&until.signed_duration_since(from).num_days()) {
        return Err(Error::field("until", "62 jours au plus sont attendus, le dernier après le premier"));
    }
    let list = move |tx: &mut Tx<'_>| calendars::list_meal_days(tx, &season, &college, (from, until));
    let days = app.db.read(department, &visitor.caller, list).await?;
    Ok(Found(days.into_iter().map(MealDayView::from).collect()))
}

/// Days to close.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclareClosure {
    /// Absent: every collège.
    #[schema(example = "0921234B")]
    pub college_uai: Option<Uai>,
    #[schema(example = "2026-11-12")]
    #[serde(deserialize_with = "day")]
    pub from: NaiveDate,
    /// Of the same school year.
    #[schema(example = "2026-11-12")]
    #[serde(deserialize_with = "day")]
    pub until: NaiveDate,
    #[schema(example = "strike")]
    pub kind: ClosureKind,
    /// What families read.
    #[schema(example = "Grève")]
    pub label: Label,
}

/// A closure.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClosureView {
    pub id: ClosureId,
    /// Absent: every collège.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0921234B")]
    pub college_uai: Option<Uai>,
    #[schema(example = "2026-11-12")]
    pub from: NaiveDate,
    #[schema(example = "2026-11-12")]
    pub until: NaiveDate,
    #[schema(example = "strike")]
    pub kind: ClosureKind,
    #[schema(example = "Grève")]
    pub label: Label,
    #[schema(example = "2026-11-09T09:00:00Z")]
    pub declared_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-10T09:00:00Z")]
    pub withdrawn_at: Option<DateTime<Utc>>,
}

impl From<ClosureRow> for ClosureView {
    fn from(row: ClosureRow) -> Self {
        let ClosureRow { id, college_uai, from_day: from, until_day: until, kind, label, .. } = row;
        let ClosureRow { declared_at, withdrawn_at, .. } = row;
        Self { id, college_uai, from, until, kind, label, declared_at, withdrawn_at }
    }
}

/// Close a canteen, or all of them, on days of the calendar.
///
/// On days of a published school year, on one of which at least meals would be served. Two closures of one collège, or of all of them, share
/// no day. Of one collège, the meals of its days that have begun are closed at once, the others within a minute.
#[utoipa::path(tag = "canteen", request_body = DeclareClosure, responses((status = 201, body = ClosureView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/closures")]
pub async fn declare_closure(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<DeclareClosure>,
) -> Result<Created<ClosureView>, Error> {
    let (agent, DeclareClosure { college_uai: college, from, until, kind, label }) = (by.account, body.0);
    let new = NewClosure { college, from, until, kind, label };
    let declare = move |tx: &mut Tx<'_>| calendars::declare_closure(tx, agent, &new);
    Ok(Created(app.db.write(path.0, &by.caller, declare).await?.into()))
}

/// Why a closure is taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawClosure {
    /// Needed once it has begun.
    #[schema(example = "La fermeture est celle d'un autre collège.")]
    pub reason: Option<Note>,
}

/// Take a closure back.
///
/// Its meals of today and of days to come are reserved again, and families are told. One that has begun is taken back for a reason, as long as
/// no attendance of its months is locked. Of days that are past, meals are expected again where the closure was declared afterwards; where
/// families were told before, nothing is due but what was eaten.
#[utoipa::path(tag = "canteen", request_body = WithdrawClosure, responses((status = 200, body = ClosureView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/closures/{closure}/withdraw")]
pub async fn withdraw_closure(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, ClosureId)>,
    body: Body<WithdrawClosure>,
) -> Result<Found<ClosureView>, Error> {
    let ((department, id), agent) = (path.into_inner(), by.account);
    let withdraw = move |tx: &mut Tx<'_>| calendars::withdraw_closure(tx, agent, id, body.0.reason.as_ref());
    Ok(Found(app.db.write(department, &by.caller, withdraw).await?.into()))
}

/// List the closures of the canteen, last declared first.
#[utoipa::path(tag = "canteen", params(PageQuery), responses((status = 200, body = Page<ClosureView>)))]
#[get("/v1/departments/{department}/canteen/closures")]
pub async fn list_closures(
    visitor: Visitor,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<ClosureView>>, Error> {
    let (before, limit) = (query.after()?, query.limit()?);
    let rows = app.db.read(path.0, &visitor.caller, move |tx| calendars::list_closures(tx, before, limit)).await?;
    query.page(rows.into_iter().map(ClosureView::from).collect(), |view| view.id.uuid()).map(Found)
}

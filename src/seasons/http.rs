//! The seasons of a department: what everyone may read, and how an administrator writes and publishes the rules.

use crate::{
    app::App,
    auth::actor::{Administrator, Agent, By},
    error::Error,
    http::{
        body::Body,
        observe::Visitor,
        page::{Page, PageQuery},
        reply::{Created, Done, Found},
    },
    kernel::{department::Department, text::SeasonCode},
    seasons::{
        self, Draft, Version,
        rules::{RuleProblem, SeasonRules},
    },
};
use actix_web::{delete, get, post, put, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A season in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeasonView {
    pub season: SeasonCode,
    /// First day on which a family may enrol.
    #[schema(example = "2026-06-01")]
    pub opens_on: NaiveDate,
    /// Last day on which a wallet may be debited or a ticket made.
    #[schema(example = "2027-06-30")]
    pub spend_until: NaiveDate,
    /// Version of the rules these dates come from: the one in force, or the first to come when none is yet.
    #[schema(example = 1)]
    pub version: i32,
    #[schema(example = "2026-05-01T10:00:00Z")]
    pub effective_from: DateTime<Utc>,
}

impl From<Version> for SeasonView {
    fn from(version: Version) -> Self {
        let Version { season, version, effective_from, rules } = version;
        Self { season, opens_on: rules.opens_on, spend_until: rules.spend_until, version, effective_from }
    }
}

/// A published version of the rules. It never changes.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionView {
    #[schema(example = 1)]
    pub version: i32,
    /// The instant from which these rules hold, until the next version.
    #[schema(example = "2026-05-01T10:00:00Z")]
    pub effective_from: DateTime<Utc>,
    pub rules: SeasonRules,
}

impl From<Version> for VersionView {
    fn from(version: Version) -> Self {
        let Version { version, effective_from, rules, .. } = version;
        Self { version, effective_from, rules }
    }
}

/// What is published of a season.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeasonDetailView {
    pub season: SeasonCode,
    /// Absent before the first version takes effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_force: Option<VersionView>,
    /// Versions that will take effect, the next one first.
    pub to_come: Vec<VersionView>,
}

/// A version being written.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftView {
    pub season: SeasonCode,
    /// The number it will be published under.
    #[schema(example = 2)]
    pub version: i32,
    #[schema(example = "2026-05-01T09:00:00Z")]
    pub drafted_at: DateTime<Utc>,
    pub rules: SeasonRules,
    /// What keeps it from being published; each pointer starts at `rules`.
    pub problems: Vec<RuleProblem>,
}

impl From<Draft> for DraftView {
    fn from(draft: Draft) -> Self {
        let Draft { season, version, drafted_at, rules } = draft;
        let problems = rules.check(&season);
        Self { season, version, drafted_at, rules, problems }
    }
}

/// A version to begin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftSeason {
    pub season: SeasonCode,
    /// Absent: the last published rules of the season, or the default ones.
    pub rules: Option<SeasonRules>,
}

/// The whole rules of a draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RewriteDraft {
    pub rules: SeasonRules,
}

/// When a draft is to take effect.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishSeason {
    /// First version of a season: any instant, now when absent. Later versions: an instant to come.
    #[schema(example = "2026-05-01T10:00:00Z")]
    pub effective_from: Option<DateTime<Utc>>,
}

/// List the seasons of a department.
///
/// The latest first; those with published rules, in force or to come.
#[utoipa::path(tag = "seasons", params(PageQuery), responses((status = 200, body = Page<SeasonView>)))]
#[get("/v1/departments/{department}/seasons")]
pub async fn list_seasons(
    visitor: Visitor,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<SeasonView>>, Error> {
    let (before, rows) = (query.after::<SeasonCode>()?, query.limit()?.saturating_add(1));
    let read = app.db.read(path.0, &visitor.caller, move |tx| seasons::list_seasons(tx, before.as_ref(), rows));
    let items = read.await?.into_iter().map(SeasonView::from).collect();
    query.page(items, |view| view.season.clone()).map(Found)
}

/// Show a season's rules.
///
/// Those in force and those published for later.
#[utoipa::path(tag = "seasons", responses((status = 200, body = SeasonDetailView)))]
#[get("/v1/departments/{department}/seasons/{season}")]
pub async fn show_season(
    visitor: Visitor,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode)>,
) -> Result<Found<SeasonDetailView>, Error> {
    let (department, season) = path.into_inner();
    let code = season.clone();
    let timeline = app.db.read(department, &visitor.caller, move |tx| seasons::show_season(tx, &code)).await?;
    let in_force = timeline.in_force.map(VersionView::from);
    let to_come = timeline.to_come.into_iter().map(VersionView::from).collect();
    Ok(Found(SeasonDetailView { season, in_force, to_come }))
}

/// Draft the rules of a season, or their next version.
///
/// A draft may be incoherent: `problems` tells what is still missing before it can be published.
#[utoipa::path(tag = "seasons", request_body = DraftSeason, responses((status = 201, body = DraftView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/seasons")]
pub async fn draft_season(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<DraftSeason>,
) -> Result<Created<DraftView>, Error> {
    let (account, DraftSeason { season, rules }) = (by.account, body.0);
    let draft =
        app.db.write(path.0, &by.caller, move |tx| seasons::draft_season(tx, account, &season, rules.as_ref())).await?;
    Ok(Created(draft.into()))
}

/// Show the draft of a season.
#[utoipa::path(tag = "seasons", responses((status = 200, body = DraftView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/seasons/{season}/draft")]
pub async fn show_draft(
    by: By<Agent>,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode)>,
) -> Result<Found<DraftView>, Error> {
    let (department, season) = path.into_inner();
    let draft = app.db.read(department, &by.caller, move |tx| seasons::show_draft(tx, &season)).await?;
    Ok(Found(draft.into()))
}

/// Rewrite the draft of a season.
///
/// The whole rules: nothing of the former draft remains.
#[utoipa::path(tag = "seasons", request_body = RewriteDraft, responses((status = 200, body = DraftView)), security(("bearer" = [])))]
#[put("/v1/departments/{department}/seasons/{season}/draft")]
pub async fn rewrite_draft(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode)>,
    body: Body<RewriteDraft>,
) -> Result<Found<DraftView>, Error> {
    let ((department, season), account, RewriteDraft { rules }) = (path.into_inner(), by.account, body.0);
    let draft =
        app.db.write(department, &by.caller, move |tx| seasons::rewrite_draft(tx, account, &season, &rules)).await?;
    Ok(Found(draft.into()))
}

/// Discard the draft of a season.
///
/// What is published stays as it is.
#[utoipa::path(tag = "seasons", responses((status = 204)), security(("bearer" = [])))]
#[delete("/v1/departments/{department}/seasons/{season}/draft")]
pub async fn discard_draft(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode)>,
) -> Result<Done, Error> {
    let (department, season) = path.into_inner();
    app.db.write(department, &by.caller, move |tx| seasons::discard_draft(tx, &season)).await?;
    Ok(Done)
}

/// Publish the draft of a season.
///
/// Refused while something is wrong with it: `errors` holds JSON pointers into the rules. The first version of a season takes
/// effect at any instant. A later one takes effect after now; it may neither change a date that is past by then (a deadline may
/// still be put off) nor, once the season is open, take away a formula.
#[utoipa::path(tag = "seasons", request_body = PublishSeason, responses((status = 200, body = VersionView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/seasons/{season}/publish")]
pub async fn publish_season(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, SeasonCode)>,
    body: Body<PublishSeason>,
) -> Result<Found<VersionView>, Error> {
    let ((department, season), account, at) = (path.into_inner(), by.account, body.effective_from);
    let version =
        app.db.write(department, &by.caller, move |tx| seasons::publish_season(tx, account, &season, at)).await?;
    Ok(Found(version.into()))
}

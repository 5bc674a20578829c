//! Derogations as agents grant them and as families see them.

use super::{DerogationRow, NewDerogation, Waiver};
use crate::{
    app::App,
    auth::actor::{By, CaseWorker, Guardian},
    db::Tx,
    enrolments::derogations,
    error::Error,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::{AccountId, ChildId, DerogationId},
        text::{Note, SeasonCode},
    },
};
use actix_web::{get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A child to let in by derogation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantDerogation {
    pub child_id: ChildId,
    pub season: SeasonCode,
    #[schema(example = "eligibility")]
    pub waives: Waiver,
    /// For the department alone.
    pub reason: Note,
    /// Last day on which the family may use it, within the season.
    #[schema(example = "2027-05-31")]
    pub until: NaiveDate,
}

/// A derogation as its family sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct FamilyDerogationView {
    pub season: SeasonCode,
    #[schema(example = "eligibility")]
    pub waives: Waiver,
    #[schema(example = "2027-05-31")]
    pub until: NaiveDate,
    /// Present once it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-03-02T09:00:00Z")]
    pub revoked_at: Option<DateTime<Utc>>,
}

impl From<DerogationRow> for FamilyDerogationView {
    fn from(row: DerogationRow) -> Self {
        let DerogationRow { season, waives, until, revoked_at, .. } = row;
        Self { season, waives, until, revoked_at }
    }
}

/// A derogation as agents see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DerogationView {
    pub id: DerogationId,
    pub child_id: ChildId,
    pub season: SeasonCode,
    #[schema(example = "eligibility")]
    pub waives: Waiver,
    pub reason: Note,
    #[schema(example = "2027-05-31")]
    pub until: NaiveDate,
    pub granted_by: AccountId,
    #[schema(example = "2027-03-01T09:00:00Z")]
    pub granted_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_by: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-03-02T09:00:00Z")]
    pub revoked_at: Option<DateTime<Utc>>,
}

impl From<DerogationRow> for DerogationView {
    fn from(row: DerogationRow) -> Self {
        Self {
            id: row.id,
            child_id: row.child_id,
            season: row.season,
            waives: row.waives,
            reason: row.reason,
            until: row.until,
            granted_by: row.granted_by,
            granted_at: row.granted_at,
            revoked_by: row.revoked_by,
            revoked_at: row.revoked_at,
        }
    }
}

/// Let a child in by derogation.
///
/// Though no rule of the season fits it, or though the deadline has passed; one of each kind at a time. The family is told, without the
/// reason, and submits its request as usual.
#[utoipa::path(tag = "desk", request_body = GrantDerogation, responses((status = 201, body = DerogationView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/derogations")]
pub async fn grant_derogation(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<GrantDerogation>,
) -> Result<Created<DerogationView>, Error> {
    let (agent, GrantDerogation { child_id: child, season, waives, reason, until }) = (by.account, body.0);
    let new = NewDerogation { child, season, waives, reason, until };
    let granted = move |tx: &mut Tx<'_>| derogations::grant_derogation(tx, agent, &new);
    Ok(Created(app.db.write(path.0, &by.caller, granted).await?.into()))
}

/// Take a derogation back.
///
/// What the family submitted by it stays.
#[utoipa::path(tag = "desk", responses((status = 200, body = DerogationView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/derogations/{derogation}/revoke")]
pub async fn revoke_derogation(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, DerogationId)>,
) -> Result<Found<DerogationView>, Error> {
    let ((department, id), agent) = (path.into_inner(), by.account);
    let revoked = move |tx: &mut Tx<'_>| derogations::revoke_derogation(tx, agent, id);
    Ok(Found(app.db.write(department, &by.caller, revoked).await?.into()))
}

/// List the department's derogations, last first.
#[utoipa::path(tag = "desk", params(PageQuery), responses((status = 200, body = Page<DerogationView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/derogations")]
pub async fn list_derogations(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<DerogationView>>, Error> {
    let (before, limit) = (query.after()?, query.limit()?);
    let rows = app.db.read(path.0, &by.caller, move |tx| derogations::list_derogations(tx, before, limit)).await?;
    query.page(rows.into_iter().map(DerogationView::from).collect(), |view| view.id.uuid()).map(Found)
}

/// List my child's derogations, last first.
#[utoipa::path(tag = "enrolments", responses((status = 200, body = Vec<FamilyDerogationView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/children/{child}/derogations")]
pub async fn list_child_derogations(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
) -> Result<Found<Vec<FamilyDerogationView>>, Error> {
    let (department, child) = path.into_inner();
    let rows = app.db.read(department, &by.caller, move |tx| derogations::of_child(tx, child)).await?;
    Ok(Found(rows.into_iter().map(FamilyDerogationView::from).collect()))
}

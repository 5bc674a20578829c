//! Rosters as they arrive: a file sent twice, once to be checked, once to be applied.
//!
//! Files are read on a thread of their own, one after the other, and only so many are in memory together.

use super::{
    RosterDigest, Scope,
    reading::{self, Bounds, Roster},
    view::{RosterAppliedView, RosterCheckView},
};
use crate::{
    app::App,
    auth::actor::{Administrator, By, Secretary},
    db::Tx,
    enrolments::rosters,
    error::{Error, Refusal},
    http::{body, reply::Found},
    kernel::{department::Department, text::SeasonCode},
};
use actix_web::{HttpMessage, HttpRequest, http::header, post, web};
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::{IntoParams, ToSchema};

const CSV: &str = "text/csv";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Rosters of a collège in memory at a time, from their first byte to the answer: 10 MB of file each and as much of rows.
static OF_COLLEGES: Semaphore = Semaphore::const_new(8);
/// Of a department: 150,000 rows with as many requests take some 220 MB.
static OF_DEPARTMENTS: Semaphore = Semaphore::const_new(1);
/// How long a file may take to arrive.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(60);

/// A CSV (UTF-8 or Windows-1252; semicolons, commas or tabs) or an Excel workbook: what it is shows in its first bytes.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct RosterFile(#[expect(dead_code, reason = "only described")] Vec<u8>);

/// Which season a roster is for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CheckQuery {
    #[param(value_type = String, example = "2026-2027")]
    pub season: SeasonCode,
}

/// Which check is to be applied.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ApplyQuery {
    #[param(value_type = String, example = "2026-2027")]
    pub season: SeasonCode,
    /// `digest` of the check.
    #[param(value_type = String, min_length = 64, max_length = 64, example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub digest: RosterDigest,
}

/// A roster that was read, and its place in memory: they go together to whoever works on it, even when the caller hangs up.
struct Received {
    roster: Roster,
    _place: SemaphorePermit<'static>,
}

/// Takes a file in and reads it. What the headers tell too much of is refused before its first byte.
async fn receive(
    app: &App,
    request: &HttpRequest,
    payload: web::Payload,
    bounds: Bounds,
    places: &'static Semaphore,
) -> Result<Received, Error> {
    let media_type = request.content_type();
    if ![CSV, XLSX].iter().any(|known| media_type.eq_ignore_ascii_case(known)) {
        return Err(Refusal::UnsupportedMediaType.into());
    }
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > bounds.bytes) {
        return Err(Refusal::BodyTooLarge.into());
    }
    let place = places.try_acquire().map_err(|_| Error::Later(Refusal::Busy, 5))?;
    let file = tokio::time::timeout(UPLOAD_TIMEOUT, body::read(payload, bounds.bytes)).await.map_err(|_| {
        let because = "L'envoi du fichier a duré trop longtemps : recommencez avec une meilleure connexion.";
        Error::RefusedBecause(Refusal::RosterUnreadable, because.to_owned())
    })??;
    let roster = app.rosters.run(move || reading::read(&file, bounds)).await??;
    Ok(Received { roster, _place: place })
}

/// Check my collège's roster against its requests.
///
/// The school's own export, one row a pupil: last name, first names, birth date; level and UAI where it has them. Nothing is changed and
/// nothing of the file is kept. Each row is a match, doubtful (with the requests it may speak of, and why) or none; the requests that wait and are in
/// no row are told too.
#[utoipa::path(tag = "desk", params(CheckQuery),
    request_body(content((RosterFile = "text/csv"), (RosterFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 200, body = RosterCheckView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/desk/roster/check")]
pub async fn check_roster(
    by: By<Secretary>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<CheckQuery>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<Found<RosterCheckView>, Error> {
    let received = receive(&app, &request, payload, reading::COLLEGE, &OF_COLLEGES).await?;
    let (scope, season) = (Scope::College(by.college.clone()), query.into_inner().season);
    let assess = move |tx: &mut Tx<'_>| {
        let Received { roster, .. } = &received;
        Ok(RosterCheckView::new(roster, rosters::assess(tx, &season, &scope, roster)?))
    };
    Ok(Found(app.db.read(path.0, &by.caller, assess).await?))
}

/// Apply my collège's roster: confirm its matches.
///
/// The same file again, and the digest of its check. All matches that wait are confirmed, or none when anything has changed since. More
/// than 50 ask for a fresh second factor.
#[utoipa::path(tag = "desk", params(ApplyQuery),
    request_body(content((RosterFile = "text/csv"), (RosterFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 200, body = RosterAppliedView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/desk/roster/apply")]
pub async fn apply_roster(
    by: By<Secretary>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<ApplyQuery>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<Found<RosterAppliedView>, Error> {
    let fresh = by.require_fresh_factor(app.db.server_now()).is_ok();
    let received = receive(&app, &request, payload, reading::COLLEGE, &OF_COLLEGES).await?;
    let scope = Scope::College(by.college.clone());
    let ApplyQuery { season, digest } = query.into_inner();
    let apply = move |tx: &mut Tx<'_>| {
        let Received { roster, .. } = &received;
        rosters::apply_roster(tx, &season, &scope, roster, &digest, fresh)
    };
    Ok(Found(app.db.write(path.0, &by.caller, apply).await?.into()))
}

/// Check a roster of many collèges of the department.
///
/// As a collège's own, each row naming its collège by its UAI. Who checked is remembered, for another person to apply it within seven days.
#[utoipa::path(tag = "agents-desk", params(CheckQuery),
    request_body(content((RosterFile = "text/csv"), (RosterFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 200, body = RosterCheckView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/rosters/check")]
pub async fn check_department_roster(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<CheckQuery>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<Found<RosterCheckView>, Error> {
    let received = receive(&app, &request, payload, reading::DEPARTMENT, &OF_DEPARTMENTS).await?;
    let (account, season) = (by.account, query.into_inner().season);
    let check = move |tx: &mut Tx<'_>| {
        let Received { roster, .. } = &received;
        Ok(RosterCheckView::new(roster, rosters::check_department_roster(tx, account, &season, roster)?))
    };
    Ok(Found(app.db.write(path.0, &by.caller, check).await?))
}

/// Apply a roster of the department that another person has checked.
///
/// The same file again, and the digest of its check. All matches that wait are confirmed, or none when anything has changed since.
#[utoipa::path(tag = "agents-desk", params(ApplyQuery),
    request_body(content((RosterFile = "text/csv"), (RosterFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 200, body = RosterAppliedView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/rosters/apply")]
pub async fn apply_department_roster(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<ApplyQuery>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<Found<RosterAppliedView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let received = receive(&app, &request, payload, reading::DEPARTMENT, &OF_DEPARTMENTS).await?;
    let account = by.account;
    let ApplyQuery { season, digest } = query.into_inner();
    let apply = move |tx: &mut Tx<'_>| {
        let Received { roster, .. } = &received;
        rosters::apply_department_roster(tx, account, &season, roster, &digest)
    };
    Ok(Found(app.db.write(path.0, &by.caller, apply).await?.into()))
}

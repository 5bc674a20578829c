//! Arrivals as secretaries record them, departures as agents do.

use super::{Arrival, DepartureReason};
use crate::{
    app::App,
    auth::actor::{By, CaseWorker, Secretary},
    db::Tx,
    enrolments::{
        db::PupilRow,
        desk::http::PupilView,
        http::{EnrolmentView, school},
        moves,
    },
    error::Error,
    http::{body::Body, reply::Found},
    kernel::{
        department::Department,
        ids::EnrolmentId,
        text::{Name, Note, SeasonCode},
        words::Level,
    },
};
use actix_web::{post, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;

/// A pupil who came from another collège.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordArrival {
    pub season: SeasonCode,
    pub last_name: Name,
    pub first_names: Name,
    #[schema(example = "2014-05-17")]
    pub birth_date: NaiveDate,
    #[schema(example = "5e")]
    pub level: Level,
}

/// Record that a pupil of another collège came to mine.
///
/// Case, accents, spaces and hyphens do not count; nothing is found unless exactly one fits. His rights stay as they are and the family
/// is told.
#[utoipa::path(tag = "desk", request_body = RecordArrival, responses((status = 200, body = PupilView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/desk/arrivals")]
pub async fn record_arrival(
    by: By<Secretary>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<RecordArrival>,
) -> Result<Found<PupilView>, Error> {
    let RecordArrival { season, last_name, first_names, birth_date, level } = body.0;
    let college = school(&app, &by.caller, by.college.clone()).await?.college;
    let arrival = Arrival { season, last_name, first_names, birth_date, level };
    let known = arrival.clone();
    let row = app.db.write(path.0, &by.caller, move |tx| moves::record_arrival(tx, &arrival, &college)).await?;
    let Arrival { first_names, last_name, birth_date, .. } = known;
    Ok(Found(PupilRow { enrolment: row, first_names, last_name, birth_date }.into()))
}

/// A child who leaves the scheme.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordDeparture {
    /// The version that was read.
    #[schema(example = 4)]
    pub version: i32,
    #[schema(example = "moved_away")]
    pub reason: DepartureReason,
    /// A sentence for the family; required with `other`.
    pub note: Option<Note>,
}

/// Record that a child leaves the scheme before the season ends.
///
/// The wallets pay nothing any more and the card ends; the family is told why. What was paid stays paid.
#[utoipa::path(tag = "desk", request_body = RecordDeparture, responses((status = 200, body = EnrolmentView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/enrolments/{enrolment}/departure")]
pub async fn record_departure(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, EnrolmentId)>,
    body: Body<RecordDeparture>,
) -> Result<Found<EnrolmentView>, Error> {
    let ((department, id), RecordDeparture { version, reason, note }) = (path.into_inner(), body.0);
    let left = move |tx: &mut Tx<'_>| moves::record_departure(tx, id, version, reason, note.as_ref());
    Ok(Found(app.db.write(department, &by.caller, left).await?.into()))
}

/// A departure that was a mistake.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoDeparture {
    /// The version that was read.
    #[schema(example = 5)]
    pub version: i32,
    /// A sentence for the family.
    pub note: Note,
}

/// Take back a departure that was recorded by mistake.
///
/// The rights are as they were, and the child has a card again; a request that had no rights yet goes back to its family, which submits it
/// again. A canteen enrolment that the departure ended begins again a moment later, from the first day whose meals can still be reserved,
/// if the rights are open. The family is told.
#[utoipa::path(tag = "desk", request_body = UndoDeparture, responses((status = 200, body = EnrolmentView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/enrolments/{enrolment}/departure/undo")]
pub async fn undo_departure(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, EnrolmentId)>,
    body: Body<UndoDeparture>,
) -> Result<Found<EnrolmentView>, Error> {
    let ((department, id), UndoDeparture { version, note }) = (path.into_inner(), body.0);
    let undone = move |tx: &mut Tx<'_>| moves::undo_departure(tx, id, version, &note);
    Ok(Found(app.db.write(department, &by.caller, undone).await?.into()))
}

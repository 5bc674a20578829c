//! The State's suggestions as collèges and case workers read them.

use super::Schooling;
use crate::{
    app::App,
    auth::actor::{By, CaseWorker, Secretary},
    db::Tx,
    enrolments::{http::EnrolmentView, schooling},
    error::{Error, Refusal},
    fiscal::{checks::CheckState, schooling::CivilSex},
    http::{body::Body, reply::Found},
    kernel::{department::Department, ids::EnrolmentId},
};
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

text_enum! {
    /// Where a suggestion comes from.
    pub enum SuggestionSource {
        /// API Particulier: the ministry of education's own lists.
        ApiParticulier = "api_particulier",
    }
}

/// What the State told of a pupil's school.
#[derive(Debug, Serialize, ToSchema)]
pub struct SchoolingView {
    pub enrolment_id: EnrolmentId,
    #[schema(example = "api_particulier")]
    pub source: SuggestionSource,
    /// Absent: the State was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "suggested")]
    pub state: Option<CheckState>,
    /// When the State last answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-16T04:12:00Z")]
    pub answered_at: Option<DateTime<Utc>>,
    /// Whether the State knows the pupil at the collège of the request; absent: it did not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = true)]
    pub is_pupil_of_college: Option<bool>,
}

/// The same with the scholarship, for those who instruct.
#[derive(Debug, Serialize, ToSchema)]
pub struct SchoolingFileView {
    #[serde(flatten)]
    pub school: SchoolingView,
    /// When the question was last put.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-16T04:11:58Z")]
    pub asked_at: Option<DateTime<Utc>>,
    /// When it will be asked again by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-16T04:20:00Z")]
    pub next_try_at: Option<DateTime<Utc>>,
    /// Code of the school that the State names.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0920149M")]
    pub college_uai: Option<String>,
    /// Whether the pupil holds a scholarship; absent: not known, as any "no" before 15 October.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = true)]
    pub is_scholar: Option<bool>,
    /// Level of the scholarship, 1 to 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 2)]
    pub echelon: Option<i16>,
    /// The enrolment's version, for what is decided after reading.
    #[schema(example = 3)]
    pub version: i32,
}

impl From<Schooling> for SchoolingView {
    fn from(shown: Schooling) -> Self {
        let is_pupil_of_college = shown.is_pupil_of_college();
        Self {
            enrolment_id: shown.enrolment.id,
            source: SuggestionSource::ApiParticulier,
            state: shown.check.as_ref().map(|check| check.state),
            answered_at: shown.check.and_then(|check| check.answered_at),
            is_pupil_of_college,
        }
    }
}

impl From<Schooling> for SchoolingFileView {
    fn from(shown: Schooling) -> Self {
        let (check, scholarship, version) = (shown.check.clone(), shown.scholarship.clone(), shown.enrolment.version);
        Self {
            school: shown.into(),
            asked_at: check.as_ref().map(|check| check.asked_at),
            next_try_at: check.as_ref().and_then(|check| check.next_try_at),
            college_uai: check.and_then(|check| check.told_uai),
            is_scholar: scholarship.as_ref().and_then(|told| told.is_scholar),
            echelon: scholarship.and_then(|told| told.echelon),
            version,
        }
    }
}

/// Show what the State told about a pupil of my collège.
///
/// A suggestion, with its source and date: the collège decides as before. Nothing is told of scholarships.
#[utoipa::path(tag = "desk", responses((status = 200, body = SchoolingView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/desk/enrolments/{enrolment}/schooling")]
pub async fn show_schooling(
    by: By<Secretary>,
    app: web::Data<App>,
    path: web::Path<(Department, EnrolmentId)>,
) -> Result<Found<SchoolingView>, Error> {
    let (department, id) = path.into_inner();
    let shown = app.db.read(department, &by.caller, move |tx| schooling::show_schooling(tx, id)).await?;
    Ok(Found(shown.into()))
}

/// Inspect what the State told about a request, scholarship included.
///
/// Each reading is written in the journal.
#[utoipa::path(tag = "agents-desk", responses((status = 200, body = SchoolingFileView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/enrolments/{enrolment}/schooling")]
pub async fn inspect_schooling(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, EnrolmentId)>,
) -> Result<Found<SchoolingFileView>, Error> {
    let (department, id) = path.into_inner();
    let shown = app.db.write(department, &by.caller, move |tx| schooling::inspect_schooling(tx, id)).await?;
    Ok(Found(shown.into()))
}

/// A question to the State.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskSchooling {
    /// Sex as in the civil register, which the State's service asks for. It is not kept.
    #[schema(example = "F")]
    pub civil_sex: CivilSex,
}

/// Ask the State about a request, or ask it again.
///
/// Answered in the background. The same question is put once an hour at most, and not while it is under way.
#[utoipa::path(tag = "agents-desk", request_body = AskSchooling, responses((status = 200, body = SchoolingFileView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/enrolments/{enrolment}/schooling/ask")]
pub async fn ask_schooling(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, EnrolmentId)>,
    body: Body<AskSchooling>,
) -> Result<Found<SchoolingFileView>, Error> {
    let ((department, id), sex) = (path.into_inner(), body.civil_sex);
    if !app.asking.contains(&department) {
        return Err(Refusal::AuthorityOff.into());
    }
    let asked = app.db.write(department, &by.caller, move |tx| schooling::ask_schooling(tx, id, sex)).await?;
    Ok(Found(asked.into()))
}

/// The version that was read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptSchooling {
    #[schema(example = 3)]
    pub version: i32,
}

/// Take the State's word for a scholarship and credit the top-up.
///
/// Only where it told that the pupil holds one; otherwise as any top-up, with the State's service as its proof.
#[utoipa::path(tag = "agents-desk", request_body = AcceptSchooling, responses((status = 200, body = EnrolmentView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/enrolments/{enrolment}/schooling/accept")]
pub async fn accept_schooling(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, EnrolmentId)>,
    body: Body<AcceptSchooling>,
) -> Result<Found<EnrolmentView>, Error> {
    let ((department, id), version) = (path.into_inner(), body.version);
    let step = move |tx: &mut Tx<'_>| schooling::accept_schooling(tx, id, version);
    Ok(Found(app.db.write(department, &by.caller, step).await?.into()))
}

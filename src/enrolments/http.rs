//! Requests as families see and move them.

use crate::{
    app::App,
    auth::actor::{By, Guardian},
    colleges,
    enrolments::{
        self, Request, School,
        db::{self, EnrolmentRow, EventRow},
        state::{EnrolmentState, RefusalReason},
    },
    error::{Error, Refusal},
    fiscal::{checks, schooling::CivilSex},
    http::{
        body::Body,
        reply::{Created, Found},
    },
    kernel::{
        actor::Caller,
        department::Department,
        ids::{ChildId, EnrolmentId},
        text::{Code, Label, Note, SeasonCode, Uai},
        words::Level,
    },
};
use actix_web::{get, patch, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A family's request for a child.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftEnrolment {
    pub season: SeasonCode,
    pub college_uai: Uai,
    #[schema(example = "6e")]
    pub level: Level,
    /// One of the season's formulas.
    pub formula: Code,
    /// Said without proof: the base amount is granted, the supplement waits for the proof.
    #[schema(example = false)]
    pub declares_scholarship: bool,
    /// Followed by the child welfare service.
    #[serde(default)]
    #[schema(example = false)]
    pub ase: bool,
}

/// The request written anew, as long as it is a draft or was refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditEnrolment {
    /// The version that was read.
    #[schema(example = 1)]
    pub version: i32,
    pub college_uai: Uai,
    #[schema(example = "6e")]
    pub level: Level,
    pub formula: Code,
    #[schema(example = false)]
    pub declares_scholarship: bool,
    #[serde(default)]
    #[schema(example = false)]
    pub ase: bool,
}

/// The version that was read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitEnrolment {
    #[schema(example = 1)]
    pub version: i32,
    /// Sex as in the civil register: with it the department may ask the State about schooling and scholarship, so that nothing has to be
    /// proved. It is not kept.
    #[schema(example = "F")]
    pub civil_sex: Option<CivilSex>,
}

/// One step of a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct EnrolmentEventView {
    #[schema(example = "2026-09-02T08:15:00Z")]
    pub at: DateTime<Utc>,
    #[schema(example = "submit")]
    pub event: String,
    #[schema(example = "submitted")]
    pub state: EnrolmentState,
    /// Kind of actor: `guardian`, `secretary`, `agent` or `system`.
    #[schema(example = "guardian")]
    pub by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Cet élève n'est pas inscrit dans notre collège.")]
    pub note: Option<String>,
}

/// A request as its family sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct EnrolmentView {
    pub id: EnrolmentId,
    pub child_id: ChildId,
    pub season: SeasonCode,
    #[schema(example = "submitted")]
    pub state: EnrolmentState,
    pub college_uai: Uai,
    pub college_name: Label,
    /// False: an agent of the department decides on documents.
    #[schema(example = true)]
    pub in_network: bool,
    #[schema(example = "6e")]
    pub level: Level,
    pub formula: Code,
    #[schema(example = false)]
    pub declares_scholarship: bool,
    #[schema(example = false)]
    pub ase: bool,
    /// The season's rule that makes the child eligible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Code>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "not_enrolled_here")]
    pub refusal_reason: Option<RefusalReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal_note: Option<Note>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-09-02T08:15:00Z")]
    pub submitted_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-09-03T09:00:00Z")]
    pub decided_at: Option<DateTime<Utc>>,
    /// To be given back with the next change.
    #[schema(example = 2)]
    pub version: i32,
}

impl From<EnrolmentRow> for EnrolmentView {
    fn from(row: EnrolmentRow) -> Self {
        Self {
            id: row.id,
            child_id: row.child_id,
            season: row.season,
            state: row.state,
            college_uai: row.college_uai,
            college_name: row.college_name,
            in_network: row.in_network,
            level: row.level,
            formula: row.formula,
            declares_scholarship: row.declares_scholarship,
            ase: row.ase,
            rule: row.rule,
            refusal_reason: row.refusal_reason,
            refusal_note: row.refusal_note,
            submitted_at: row.submitted_at,
            decided_at: row.decided_at,
            version: row.version,
        }
    }
}

/// A request and its history.
#[derive(Debug, Serialize, ToSchema)]
pub struct EnrolmentFileView {
    pub enrolment: EnrolmentView,
    pub history: Vec<EnrolmentEventView>,
    /// The State has been asked about schooling and scholarship and has not answered yet; a document may be sent instead.
    #[schema(example = false)]
    pub state_check_in_progress: bool,
}

impl From<EventRow> for EnrolmentEventView {
    fn from(row: EventRow) -> Self {
        Self { at: row.at, event: row.event, state: row.state, by: row.actor_kind, note: row.note }
    }
}

/// The school named in a request: read in the directory before the department's transaction opens.
pub async fn school(app: &App, caller: &Caller, uai: Uai) -> Result<School, Error> {
    let found = app.db.directory_read(caller, move |tx| colleges::find(tx, &uai)).await?;
    let college = found.ok_or(Error::Refused(Refusal::UnknownCollege))?;
    let served = app.departments.contains_key(&college.department);
    Ok(School { college, served })
}

/// Draft a child's request for a season.
///
/// A draft binds nobody; one request a child and season.
#[utoipa::path(tag = "enrolments", request_body = DraftEnrolment, responses((status = 201, body = EnrolmentView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/children/{child}/enrolments")]
pub async fn draft_enrolment(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
    body: Body<DraftEnrolment>,
) -> Result<Created<EnrolmentView>, Error> {
    let (department, child) = path.into_inner();
    let DraftEnrolment { season, college_uai, level, formula, declares_scholarship, ase } = body.0;
    let school = school(&app, &by.caller, college_uai).await?;
    let request = Request { school, level, formula, declares_scholarship, ase };
    let row = app.db.write(department, &by.caller, move |tx| enrolments::draft(tx, child, &season, &request)).await?;
    Ok(Created(row.into()))
}

/// List a child's requests, newest season first.
#[utoipa::path(tag = "enrolments", responses((status = 200, body = Vec<EnrolmentView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/children/{child}/enrolments")]
pub async fn list_enrolments(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
) -> Result<Found<Vec<EnrolmentView>>, Error> {
    let (department, child) = path.into_inner();
    let read = move |tx: &mut crate::db::Tx<'_>| {
        crate::families::child(tx, child)?;
        db::of_child(tx, child)
    };
    let rows = app.db.read(department, &by.caller, read).await?;
    Ok(Found(rows.into_iter().map(EnrolmentView::from).collect()))
}

/// Show where a request stands, with its history.
#[utoipa::path(tag = "enrolments", responses((status = 200, body = EnrolmentFileView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/enrolments/{enrolment}")]
pub async fn show_enrolment(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, EnrolmentId)>,
) -> Result<Found<EnrolmentFileView>, Error> {
    let (department, id) = path.into_inner();
    let read = move |tx: &mut crate::db::Tx<'_>| {
        let in_progress = checks::check(tx, id)?.is_some_and(|check| check.is_in_progress());
        Ok((db::enrolment(tx, id)?, db::events(tx, id)?, in_progress))
    };
    let (row, events, state_check_in_progress) = app.db.read(department, &by.caller, read).await?;
    let history = events.into_iter().map(EnrolmentEventView::from).collect();
    Ok(Found(EnrolmentFileView { enrolment: row.into(), history, state_check_in_progress }))
}

/// Write a draft or refused request anew.
#[utoipa::path(tag = "enrolments", request_body = EditEnrolment, responses((status = 200, body = EnrolmentView)), security(("bearer" = [])))]
#[patch("/v1/departments/{department}/enrolments/{enrolment}")]
pub async fn edit_enrolment(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, EnrolmentId)>,
    body: Body<EditEnrolment>,
) -> Result<Found<EnrolmentView>, Error> {
    let (department, id) = path.into_inner();
    let EditEnrolment { version, college_uai, level, formula, declares_scholarship, ase } = body.0;
    let school = school(&app, &by.caller, college_uai).await?;
    let request = Request { school, level, formula, declares_scholarship, ase };
    let row = app.db.write(department, &by.caller, move |tx| enrolments::edit(tx, id, version, &request)).await?;
    Ok(Found(row.into()))
}

/// Submit a request to the collège.
///
/// Refused with the rule's name when the season is not open, the deadline has passed or no rule of the season fits the child.
#[utoipa::path(tag = "enrolments", request_body = SubmitEnrolment, responses((status = 200, body = EnrolmentView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/enrolments/{enrolment}/submit")]
pub async fn submit_enrolment(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, EnrolmentId)>,
    body: Body<SubmitEnrolment>,
) -> Result<Found<EnrolmentView>, Error> {
    let ((department, id), SubmitEnrolment { version, civil_sex }) = (path.into_inner(), body.0);
    let civil_sex = civil_sex.filter(|_| app.asking.contains(&department));
    let uai = app.db.read(department, &by.caller, move |tx| Ok(db::enrolment(tx, id)?.college_uai)).await?;
    let school = school(&app, &by.caller, uai).await?;
    let submitted = move |tx: &mut crate::db::Tx<'_>| enrolments::submit(tx, id, version, &school, civil_sex);
    let row = app.db.write(department, &by.caller, submitted).await?;
    Ok(Found(row.into()))
}

//! The desks: what waits for a secretary or an agent, and what they decide.

use crate::{
    app::App,
    auth::actor::{By, CaseWorker, Secretary},
    enrolments::{
        self, Decision,
        db::{self, DeskFilter, PupilRow},
        http::EnrolmentView,
        state::{EnrolmentEvent, EnrolmentState, RefusalReason},
    },
    error::Error,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::Found,
    },
    kernel::{
        actor::Caller,
        department::Department,
        ids::EnrolmentId,
        text::{Name, Note, SeasonCode, Uai},
        words::Level,
    },
};
use actix_web::{get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Decisions taken in one request, at most; above the second number a fresh second factor is asked for.
const DECISIONS_MAX: usize = 100;
const DECISIONS_WITHOUT_STEP_UP: usize = 50;

/// What a desk lists.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeskQuery {
    /// Season, for example `2026-2027`.
    #[param(value_type = Option<String>, example = "2026-2027")]
    pub season: Option<SeasonCode>,
    /// State of the requests; all but drafts when absent.
    #[param(inline, example = "submitted")]
    pub state: Option<EnrolmentState>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// A pupil as a desk sees him: identity and school, no contact, no money.
#[derive(Debug, Serialize, ToSchema)]
pub struct PupilView {
    pub enrolment_id: EnrolmentId,
    pub first_names: Name,
    pub last_name: Name,
    #[schema(example = "2014-05-17")]
    pub birth_date: NaiveDate,
    pub season: SeasonCode,
    #[schema(example = "6e")]
    pub level: Level,
    #[schema(example = "submitted")]
    pub state: EnrolmentState,
    pub college_uai: Uai,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-09-02T08:15:00Z")]
    pub submitted_at: Option<DateTime<Utc>>,
    #[schema(example = 2)]
    pub version: i32,
}

impl From<PupilRow> for PupilView {
    fn from(row: PupilRow) -> Self {
        Self {
            enrolment_id: row.enrolment.id,
            first_names: row.first_names,
            last_name: row.last_name,
            birth_date: row.birth_date,
            season: row.enrolment.season,
            level: row.enrolment.level,
            state: row.enrolment.state,
            college_uai: row.enrolment.college_uai,
            submitted_at: row.enrolment.submitted_at,
            version: row.enrolment.version,
        }
    }
}

async fn desk_page(
    app: &App,
    caller: &Caller,
    department: Department,
    query: DeskQuery,
    in_network: Option<bool>,
) -> Result<Found<Page<PupilView>>, Error> {
    let page = PageQuery { cursor: query.cursor, limit: query.limit };
    let filter = DeskFilter { season: query.season, state: query.state, in_network };
    let (after, limit) = (page.after()?, page.limit()?.saturating_add(1));
    let rows = app.db.read(department, caller, move |tx| db::desk_page(tx, &filter, after, limit)).await?;
    let views = rows.into_iter().map(PupilView::from).collect();
    page.page(views, |view: &PupilView| view.enrolment_id.uuid()).map(Found)
}

/// List the requests of my collège.
#[utoipa::path(tag = "desk", params(DeskQuery), responses((status = 200, body = Page<PupilView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/desk/enrolments")]
pub async fn list_desk(
    by: By<Secretary>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<DeskQuery>,
) -> Result<Found<Page<PupilView>>, Error> {
    desk_page(&app, &by.caller, path.0, query.into_inner(), None).await
}

/// List the requests that agents decide: schools outside the department's network.
#[utoipa::path(tag = "desk", params(DeskQuery), responses((status = 200, body = Page<PupilView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/enrolments")]
pub async fn list_outside_network(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<DeskQuery>,
) -> Result<Found<Page<PupilView>>, Error> {
    desk_page(&app, &by.caller, path.0, query.into_inner(), Some(false)).await
}

text_enum! {
    /// A secretary's or agent's word on a request.
    pub enum DecisionWord { Confirm = "confirm", Refuse = "refuse" }
}

/// One decision.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideEnrolment {
    pub enrolment_id: EnrolmentId,
    /// The version that was read: a request changed since is not decided.
    #[schema(example = 2)]
    pub version: i32,
    #[schema(example = "confirm")]
    pub decision: DecisionWord,
    /// Required to refuse.
    #[schema(example = "not_enrolled_here")]
    pub reason: Option<RefusalReason>,
    /// A sentence for the family.
    pub note: Option<Note>,
}

impl DecideEnrolment {
    fn decision(&self, pointer: &str) -> Result<Decision, Error> {
        match (self.decision, self.reason) {
            (DecisionWord::Confirm, None) if self.note.is_none() => Ok(Decision::Confirm),
            (DecisionWord::Confirm, _) => {
                Err(Error::field(format!("{pointer}/reason"), "une confirmation n'a pas de motif"))
            }
            (DecisionWord::Refuse, Some(reason)) => Ok(Decision::Refuse { reason, note: self.note.clone() }),
            (DecisionWord::Refuse, None) => Err(Error::field(format!("{pointer}/reason"), "un refus demande un motif")),
        }
    }
}

/// Decisions on one or many requests.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideEnrolments {
    /// 1 to 100; more than 50 ask for a fresh second factor.
    #[schema(min_items = 1, max_items = 100)]
    pub decisions: Vec<DecideEnrolment>,
}

/// What became of one decision.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionView {
    pub enrolment_id: EnrolmentId,
    /// Whether it was done; if not, `code` and `detail` say why.
    #[schema(example = true)]
    pub done: bool,
    /// State after the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "active")]
    pub state: Option<EnrolmentState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "version.stale")]
    pub code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Cette fiche a changé depuis votre lecture : relisez-la avant de recommencer.")]
    pub detail: Option<String>,
}

/// Results in the order of the decisions.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionsView {
    pub results: Vec<DecisionView>,
}

/// Confirm or refuse requests of my collège, one or many.
///
/// Each decision stands for itself: one that fails leaves the others done. A confirmed request becomes active and its wallets are
/// credited, once.
#[utoipa::path(tag = "desk", request_body = DecideEnrolments, responses((status = 200, body = DecisionsView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/desk/decisions")]
pub async fn decide_enrolments(
    by: By<Secretary>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<DecideEnrolments>,
) -> Result<Found<DecisionsView>, Error> {
    let wanted = &body.decisions;
    if wanted.is_empty() || wanted.len() > DECISIONS_MAX {
        return Err(Error::field("/decisions", format!("de 1 à {DECISIONS_MAX} décisions sont attendues")));
    }
    if wanted.len() > DECISIONS_WITHOUT_STEP_UP {
        by.require_fresh_factor(app.db.server_now())?;
    }
    let decisions: Vec<Decision> = wanted
        .iter()
        .enumerate()
        .map(|(rank, row)| row.decision(&format!("/decisions/{rank}")))
        .collect::<Result<_, _>>()?;
    let mut results = Vec::with_capacity(wanted.len());
    for (row, decision) in wanted.iter().zip(decisions) {
        results.push(decide_one(&app, &by.caller, path.0, row, decision).await?);
    }
    Ok(Found(DecisionsView { results }))
}

/// One decision in one transaction: a refusal is a result, a failure of ours stops the rest.
async fn decide_one(
    app: &App,
    caller: &Caller,
    department: Department,
    row: &DecideEnrolment,
    decision: Decision,
) -> Result<DecisionView, Error> {
    let (enrolment_id, version) = (row.enrolment_id, row.version);
    let decided = app
        .db
        .write(department, caller, move |tx| enrolments::decide_enrolment(tx, enrolment_id, version, &decision))
        .await;
    match decided {
        Ok(row) => Ok(DecisionView { enrolment_id, done: true, state: Some(row.state), code: None, detail: None }),
        Err(error) if error.refusal().status() < 500 => {
            let problem = error.problem();
            let (code, detail) = (Some(problem.code), Some(problem.detail));
            Ok(DecisionView { enrolment_id, done: false, state: None, code, detail })
        }
        Err(error) => Err(error),
    }
}

/// Decide one request as an agent.
///
/// For schools outside the network, on documents, and in place of a collège that does not answer.
#[utoipa::path(tag = "desk", request_body = DecideEnrolment, responses((status = 200, body = EnrolmentView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/decisions")]
pub async fn decide_as_agent(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<DecideEnrolment>,
) -> Result<Found<EnrolmentView>, Error> {
    let (id, version, decision) = (body.enrolment_id, body.version, body.decision("")?);
    let row =
        app.db.write(path.0, &by.caller, move |tx| enrolments::decide_enrolment(tx, id, version, &decision)).await?;
    Ok(Found(row.into()))
}

text_enum! {
    /// What an agent may do to an active request.
    pub enum SuspensionWord { Suspend = "suspend", Resume = "resume" }
}

/// A suspension or its end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspendEnrolment {
    #[schema(example = 4)]
    pub version: i32,
    #[schema(example = "suspend")]
    pub event: SuspensionWord,
    /// Told to the family.
    pub note: Note,
}

/// Suspend an active request, or take the suspension away.
///
/// The wallets of a suspended request pay nothing; they keep their balance.
#[utoipa::path(tag = "desk", request_body = SuspendEnrolment, responses((status = 200, body = EnrolmentView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/enrolments/{enrolment}/suspension")]
pub async fn suspend_enrolment(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, EnrolmentId)>,
    body: Body<SuspendEnrolment>,
) -> Result<Found<EnrolmentView>, Error> {
    let (department, id) = path.into_inner();
    let event = match body.event {
        SuspensionWord::Suspend => EnrolmentEvent::Suspend,
        SuspensionWord::Resume => EnrolmentEvent::Resume,
    };
    let SuspendEnrolment { version, note, .. } = body.0;
    let row = app
        .db
        .write(department, &by.caller, move |tx| enrolments::move_by_agent(tx, id, version, event, &note))
        .await?;
    Ok(Found(row.into()))
}

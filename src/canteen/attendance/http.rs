//! Attendance, as the secretary of a collège and the department's agents keep it; months, as agents lock them.

use super::{AttendanceDay, AttendanceRow, ExcuseReason, LockRow, MealOf, MonthRow, WaitingGate};
use crate::{
    app::App,
    auth::actor::{Administrator, AttendanceKeeper, BillDesk, By, Finance},
    canteen::{Diner, attendance, gates::watch::http::WaitingGateView, meals::state::MealState},
    db::Tx,
    error::{Error, Refusal},
    http::{
        body::Body,
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::{AccountId, AttendanceLockId, DinerId},
        month::Month,
        text::{Note, Uai},
        time::day,
    },
};
use actix_web::{get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which day, where.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AttendanceQuery {
    /// The collège; a secretary's own when absent.
    #[param(value_type = Option<String>, example = "0920001B")]
    pub college_uai: Option<Uai>,
    #[param(example = "2026-10-12")]
    #[serde(deserialize_with = "day")]
    pub day: NaiveDate,
}

/// A diner's meal of a day: no price.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttendanceView {
    pub diner_id: DinerId,
    pub diner: Diner,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Martin")]
    pub last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Lou")]
    pub first_names: Option<String>,
    pub state: MealState,
    #[schema(example = "2026-10-12T10:12:00Z")]
    pub changed_at: DateTime<Utc>,
    /// The collège at whose gate he passed, when it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed_at_uai: Option<Uai>,
}

impl From<AttendanceRow> for AttendanceView {
    fn from(row: AttendanceRow) -> Self {
        let AttendanceRow { person_id, last_name, first_names, diner, state, changed_at, passed_at } = row;
        Self { diner_id: person_id, diner, last_name, first_names, state, changed_at, passed_at_uai: passed_at }
    }
}

/// The meals of a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttendanceDayView {
    pub college_uai: Uai,
    #[schema(example = "2026-10-12")]
    pub day: NaiveDate,
    pub meals: Vec<AttendanceView>,
    /// Gates that may still tell of others.
    pub waiting_gates: Vec<WaitingGateView>,
}

fn views(gates: Vec<WaitingGate>) -> Vec<WaitingGateView> {
    gates.into_iter().map(WaitingGateView::from).collect()
}

/// The collège asked for, if it is there for the caller.
fn college(by: &AttendanceKeeper, asked: Option<Uai>) -> Result<Uai, Error> {
    match (by.college.clone(), asked) {
        (Some(own), None) => Ok(own),
        (Some(own), Some(asked)) if own != asked => Err(Refusal::NotFound.into()),
        (_, Some(asked)) => Ok(asked),
        (None, None) => Err(Error::field("/college_uai", "un collège est attendu")),
    }
}

/// List the meals of a day with their states.
///
/// A secretary sees his own collège; of its pupils whom the gate of another one let in, where that was. Beside them are the gates from which
/// passages of that day may lack: numbers of their row that they have not sent, or no word since.
#[utoipa::path(tag = "canteen", params(AttendanceQuery), responses((status = 200, body = AttendanceDayView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/attendance")]
pub async fn list_attendance(
    by: By<AttendanceKeeper>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<AttendanceQuery>,
) -> Result<Found<AttendanceDayView>, Error> {
    let AttendanceQuery { college_uai, day } = query.into_inner();
    let asked = college(&by, college_uai)?;
    let college_uai = asked.clone();
    let list = move |tx: &mut Tx<'_>| attendance::list_attendance(tx, &asked, day);
    let AttendanceDay { meals, waiting_gates } = app.db.read(path.0, &by.caller, list).await?;
    let meals = meals.into_iter().map(AttendanceView::from).collect();
    Ok(Found(AttendanceDayView { college_uai, day, meals, waiting_gates: views(waiting_gates) }))
}

/// An absence that is not billed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExcuseMeal {
    pub diner_id: DinerId,
    #[schema(example = "2026-10-12")]
    pub day: NaiveDate,
    pub reason: ExcuseReason,
}

/// What became of a meal.
#[derive(Debug, Serialize, ToSchema)]
pub struct MealStateView {
    pub diner_id: DinerId,
    #[schema(example = "2026-10-12")]
    pub day: NaiveDate,
    #[schema(example = "excused")]
    pub state: MealState,
}

/// Excuse an absence on a document that was shown: the meal is not billed.
#[utoipa::path(tag = "canteen", request_body = ExcuseMeal, responses((status = 200, body = MealStateView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/attendance/excuse")]
pub async fn excuse_meal(
    by: By<AttendanceKeeper>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<ExcuseMeal>,
) -> Result<Found<MealStateView>, Error> {
    let ExcuseMeal { diner_id, day, reason } = body.0;
    let excuse = move |tx: &mut Tx<'_>| attendance::excuse_meal(tx, MealOf { diner: diner_id, day }, reason);
    let state = app.db.write(path.0, &by.caller, excuse).await?;
    Ok(Found(MealStateView { diner_id, day, state }))
}

/// A passage that no gate saw.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordMissedPassage {
    /// The collège; a secretary's own when absent.
    pub college_uai: Option<Uai>,
    pub diner_id: DinerId,
    #[schema(example = "2026-10-12")]
    pub day: NaiveDate,
}

/// Record that a diner ate although no gate saw him.
///
/// A diner without reservation is one who came without: his meal is billed as such. The desk of a collège records the last 40 days, an
/// agent the whole school year; in a month that is locked nobody does before it is opened again.
#[utoipa::path(tag = "canteen", request_body = RecordMissedPassage, responses((status = 200, body = MealStateView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/attendance/passages")]
pub async fn record_missed_passage(
    by: By<AttendanceKeeper>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<RecordMissedPassage>,
) -> Result<Found<MealStateView>, Error> {
    let RecordMissedPassage { college_uai, diner_id, day } = body.0;
    let college = college(&by, college_uai)?;
    let record =
        move |tx: &mut Tx<'_>| attendance::record_missed_passage(tx, MealOf { diner: diner_id, day }, &college);
    let state = app.db.write(path.0, &by.caller, record).await?;
    Ok(Found(MealStateView { diner_id, day, state }))
}

/// A passage that was not the diner's.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawPassage {
    pub diner_id: DinerId,
    #[schema(example = "2026-10-12")]
    pub day: NaiveDate,
    /// Kept in the journal.
    #[schema(example = "Enregistré pour sa sœur par erreur.")]
    pub reason: Note,
}

/// Take back that a diner ate: recorded for the wrong child, or passed with somebody else's card.
///
/// A secretary takes back what was recorded at the desk, of the last 40 days; what a gate counted, an agent only. A reserved meal is
/// reserved again, missed when its day is over (an absence that was excused before is to be excused again), or closed when that day was not
/// served; one without reservation is cancelled. The family is told, and what was billed is corrected once its month is opened and locked
/// again. What the gate saw stays as it is, and sent again it does not count again.
#[utoipa::path(tag = "canteen", request_body = WithdrawPassage, responses((status = 200, body = MealStateView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/attendance/passages/withdraw")]
pub async fn withdraw_passage(
    by: By<AttendanceKeeper>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<WithdrawPassage>,
) -> Result<Found<MealStateView>, Error> {
    let (of, WithdrawPassage { diner_id, day, reason }) = (by.college.clone(), body.0);
    let meal = MealOf { diner: diner_id, day };
    let withdraw = move |tx: &mut Tx<'_>| attendance::withdraw_passage(tx, meal, of.as_ref(), &reason);
    let state = app.db.write(path.0, &by.caller, withdraw).await?;
    Ok(Found(MealStateView { diner_id, day, state }))
}

/// A day whose list is complete.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseDay {
    /// The collège; a secretary's own when absent.
    pub college_uai: Option<Uai>,
    #[schema(example = "2026-10-12")]
    pub day: NaiveDate,
}

/// What was closed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClosedDayView {
    /// Meals that were reserved and that nobody came for.
    #[schema(example = 3)]
    pub missed: usize,
    /// Gates that may still tell of somebody: who passed has eaten, and his absence is undone.
    pub waiting_gates: Vec<WaitingGateView>,
}

/// Say that the list of a day is complete.
///
/// Whoever is still expected did not come: his meal is billed unless it is excused.
#[utoipa::path(tag = "canteen", request_body = CloseDay, responses((status = 200, body = ClosedDayView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/attendance/close")]
pub async fn close_attendance_day(
    by: By<AttendanceKeeper>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<CloseDay>,
) -> Result<Found<ClosedDayView>, Error> {
    let CloseDay { college_uai, day } = body.0;
    let college = college(&by, college_uai)?;
    let close = move |tx: &mut Tx<'_>| attendance::close_day(tx, &college, day);
    let (missed, gates) = app.db.write(path.0, &by.caller, close).await?;
    Ok(Found(ClosedDayView { missed, waiting_gates: views(gates) }))
}

/// Which month.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MonthQuery {
    #[param(value_type = String, example = "2026-10")]
    pub month: Month,
}

/// A collège in a month.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttendanceMonthView {
    pub college_uai: Uai,
    #[schema(example = 1_840)]
    pub meals: i64,
    /// Meals of which nothing is known yet: none may be left when the month is locked.
    #[schema(example = 0)]
    pub reserved: i64,
    /// Absent while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-03T09:00:00Z")]
    pub locked_at: Option<DateTime<Utc>>,
    /// Whether its bills are issued.
    #[schema(example = false)]
    pub billed: bool,
    /// Gates from which passages may lack: it is not locked without a word about them.
    pub waiting_gates: Vec<WaitingGateView>,
}

impl From<(MonthRow, Vec<WaitingGate>)> for AttendanceMonthView {
    fn from((row, gates): (MonthRow, Vec<WaitingGate>)) -> Self {
        let MonthRow { college_uai, meals, reserved, locked_at, billed } = row;
        Self { college_uai, meals, reserved, locked_at, billed, waiting_gates: views(gates) }
    }
}

/// The collèges of a month.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttendanceMonthsView {
    pub colleges: Vec<AttendanceMonthView>,
}

/// List the collèges of a month: what waits, and whether it is locked.
#[utoipa::path(tag = "canteen", params(MonthQuery), responses((status = 200, body = AttendanceMonthsView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/attendance-months")]
pub async fn list_attendance_months(
    by: By<BillDesk>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<MonthQuery>,
) -> Result<Found<AttendanceMonthsView>, Error> {
    let month = query.month;
    let rows = app.db.read(path.0, &by.caller, move |tx| attendance::list_attendance_months(tx, month)).await?;
    Ok(Found(AttendanceMonthsView { colleges: rows.into_iter().map(AttendanceMonthView::from).collect() }))
}

/// A month of a collège.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LockAttendance {
    pub college_uai: Uai,
    pub month: Month,
    /// Why it is locked although passages may lack. Kept with the lock and in the journal.
    #[schema(example = "La borne a été volée le 12 ; la liste papier a été saisie.")]
    pub accept_gaps: Option<Note>,
}

/// The same, to be opened again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReopenAttendance {
    pub college_uai: Uai,
    pub month: Month,
    pub reason: Note,
}

/// A month that was locked.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttendanceLockView {
    pub id: AttendanceLockId,
    pub college_uai: Uai,
    pub month: Month,
    pub locked_by: AccountId,
    #[schema(example = "2026-11-03T09:00:00Z")]
    pub locked_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reopened_by: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T09:00:00Z")]
    pub reopened_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reopen_reason: Option<Note>,
    /// Why it was locked although passages may lack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_gaps: Option<Note>,
}

impl From<LockRow> for AttendanceLockView {
    fn from(row: LockRow) -> Self {
        let LockRow { id, college_uai, month, locked_by, locked_at, .. } = row;
        let LockRow { reopened_by, reopened_at, reopen_reason, accepted_gaps, .. } = row;
        Self { id, college_uai, month, locked_by, locked_at, reopened_by, reopened_at, reopen_reason, accepted_gaps }
    }
}

/// Lock the month of a collège before it is billed.
///
/// When it is over and every meal of it is known, those of a closure just declared or withdrawn too. From then on no meal of it changes.
/// While numbers lack in the row of a gate of the collège, or a gate was last heard before the end of a day that was served, it asks for
/// `accept_gaps`.
#[utoipa::path(tag = "canteen", request_body = LockAttendance, responses((status = 201, body = AttendanceLockView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/attendance-months/lock")]
pub async fn lock_attendance(
    by: By<Finance>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<LockAttendance>,
) -> Result<Created<AttendanceLockView>, Error> {
    let (account, LockAttendance { college_uai, month, accept_gaps }) = (by.account, body.0);
    let lock =
        move |tx: &mut Tx<'_>| attendance::lock_attendance(tx, account, (&college_uai, month), accept_gaps.as_ref());
    Ok(Created(app.db.write(path.0, &by.caller, lock).await?.into()))
}

/// Open a locked month again.
///
/// Not while a run bills it. What was billed of it is corrected by the run that follows its next lock.
#[utoipa::path(tag = "canteen", request_body = ReopenAttendance, responses((status = 200, body = AttendanceLockView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/attendance-months/reopen")]
pub async fn reopen_attendance(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<ReopenAttendance>,
) -> Result<Found<AttendanceLockView>, Error> {
    let (account, ReopenAttendance { college_uai, month, reason }) = (by.account, body.0);
    let reopen = move |tx: &mut Tx<'_>| attendance::reopen_attendance(tx, account, (&college_uai, month), &reason);
    Ok(Found(app.db.write(path.0, &by.caller, reopen).await?.into()))
}

//! Questions, answers, traces and limits.

use super::{
    checks::{CheckState, Fate},
    limits::{Authority, Limits},
    schooling::{CivilSex, Schooling},
};
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{AuthorityCallId, ChildId, EnrolmentId, IncomeRequestId},
        text::{SeasonCode, Uai},
    },
    schema::department::{authority_calls, authority_limits, scholarship_answers, schooling_checks},
};
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, Bool},
};

/// A question and its last answer.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = schooling_checks)]
pub struct CheckRow {
    pub enrolment_id: EnrolmentId,
    pub child_id: ChildId,
    pub season: SeasonCode,
    pub college_uai: Uai,
    pub civil_sex: Option<CivilSex>,
    pub state: CheckState,
    pub asked_at: DateTime<Utc>,
    pub next_try_at: Option<DateTime<Utc>>,
    pub attempts: i32,
    pub answered_at: Option<DateTime<Utc>>,
    pub is_enrolled: Option<bool>,
    /// The school's code as the State tells it.
    pub told_uai: Option<String>,
}

/// What the State says of the scholarship.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = scholarship_answers)]
pub struct ScholarshipRow {
    pub is_scholar: Option<bool>,
    pub echelon: Option<i16>,
    pub answered_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Queued {
    #[diesel(sql_type = Bool)]
    queued: bool,
}

/// Through the database's own door, which checks who asks and how often.
pub fn queue(tx: &mut Tx<'_>, enrolment: EnrolmentId, sex: CivilSex) -> Result<bool, Error> {
    let queued: Queued = diesel::sql_query("select queue_schooling_check($1, $2) as queued")
        .bind::<sql_types::Uuid, _>(enrolment)
        .bind::<sql_types::Text, _>(sex)
        .get_result(tx.conn)?;
    Ok(queued.queued)
}

pub fn check(tx: &mut Tx<'_>, enrolment: EnrolmentId) -> Result<Option<CheckRow>, Error> {
    Ok(schooling_checks::table.find(enrolment).select(CheckRow::as_select()).first(tx.conn).optional()?)
}

pub fn scholarship(tx: &mut Tx<'_>, enrolment: EnrolmentId) -> Result<Option<ScholarshipRow>, Error> {
    Ok(scholarship_answers::table.find(enrolment).select(ScholarshipRow::as_select()).first(tx.conn).optional()?)
}

/// The question that has waited longest, locked; those in other hands are passed over.
pub fn lock_due(tx: &mut Tx<'_>) -> Result<Option<CheckRow>, Error> {
    let now = tx.now()?;
    Ok(schooling_checks::table
        .filter(schooling_checks::next_try_at.le(now))
        .order(schooling_checks::next_try_at)
        .select(CheckRow::as_select())
        .for_update()
        .skip_locked()
        .first(tx.conn)
        .optional()?)
}

/// Whether the question is still the one of that call; then it is locked.
pub fn lock_called(tx: &mut Tx<'_>, enrolment: EnrolmentId, call: AuthorityCallId) -> Result<bool, Error> {
    let called: Option<EnrolmentId> = schooling_checks::table
        .find(enrolment)
        .filter(schooling_checks::state.eq(CheckState::Calling).and(schooling_checks::call_id.eq(call)))
        .select(schooling_checks::enrolment_id)
        .for_update()
        .first(tx.conn)
        .optional()?;
    Ok(called.is_some())
}

pub fn lock_limits(tx: &mut Tx<'_>, authority: Authority) -> Result<Limits, Error> {
    let (next_call_at, blocked_until, failures, paused_until) = authority_limits::table
        .find(authority.as_str())
        .select((
            authority_limits::next_call_at,
            authority_limits::blocked_until,
            authority_limits::failures,
            authority_limits::paused_until,
        ))
        .for_update()
        .first(tx.conn)?;
    Ok(Limits { authority, next_call_at, blocked_until, failures, paused_until })
}

pub fn keep_limits(tx: &mut Tx<'_>, limits: Limits) -> Result<(), Error> {
    diesel::update(authority_limits::table.find(limits.authority.as_str()))
        .set((
            authority_limits::next_call_at.eq(limits.next_call_at),
            authority_limits::blocked_until.eq(limits.blocked_until),
            authority_limits::failures.eq(limits.failures),
            authority_limits::paused_until.eq(limits.paused_until),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Begins the trace of a call, and takes its question in hand until `lease_ends`: should the process end before, it is asked again then.
pub fn begin_call(
    tx: &mut Tx<'_>,
    enrolment: EnrolmentId,
    call: AuthorityCallId,
    lease_ends: DateTime<Utc>,
) -> Result<(), Error> {
    diesel::update(schooling_checks::table.find(enrolment))
        .set((
            schooling_checks::state.eq(CheckState::Calling),
            schooling_checks::next_try_at.eq(lease_ends),
            schooling_checks::attempts.eq(schooling_checks::attempts + 1),
            schooling_checks::call_id.eq(call),
        ))
        .execute(tx.conn)?;
    begin_trace(tx, call, (Authority::ApiParticulier, "schooling"), Matter::Enrolment(enrolment))
}

/// What a call is about.
#[derive(Debug, Clone, Copy)]
pub enum Matter {
    Enrolment(EnrolmentId),
    IncomeRequest(IncomeRequestId),
}

pub fn begin_trace(
    tx: &mut Tx<'_>,
    call: AuthorityCallId,
    (authority, operation): (Authority, &'static str),
    matter: Matter,
) -> Result<(), Error> {
    let now = tx.now()?;
    let (enrolment, request) = match matter {
        Matter::Enrolment(id) => (Some(id), None),
        Matter::IncomeRequest(id) => (None, Some(id)),
    };
    diesel::insert_into(authority_calls::table)
        .values((
            authority_calls::id.eq(call),
            authority_calls::authority.eq(authority),
            authority_calls::operation.eq(operation),
            authority_calls::enrolment_id.eq(enrolment),
            authority_calls::request_id.eq(request),
            authority_calls::at.eq(now),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Ends the trace of a call.
pub fn end_call(
    tx: &mut Tx<'_>,
    call: AuthorityCallId,
    outcome: &str,
    error_code: Option<&str>,
    milliseconds: i32,
) -> Result<(), Error> {
    diesel::update(authority_calls::table.find(call))
        .set((
            authority_calls::outcome.eq(outcome),
            authority_calls::error_code.eq(error_code),
            authority_calls::duration_ms.eq(milliseconds),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Where the question goes from here. One that is asked no more forgets what it was asked with.
pub fn send_on(tx: &mut Tx<'_>, enrolment: EnrolmentId, fate: &Fate) -> Result<(), Error> {
    let sex = diesel::dsl::sql::<sql_types::Nullable<sql_types::Text>>("case when ")
        .bind::<Bool, _>(fate.next_try_at.is_some())
        .sql(" then civil_sex end");
    diesel::update(schooling_checks::table.find(enrolment))
        .set((
            schooling_checks::state.eq(fate.state),
            schooling_checks::next_try_at.eq(fate.next_try_at),
            schooling_checks::attempts.eq(fate.attempts),
            schooling_checks::civil_sex.eq(sex),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Keeps an answer in the place of the one before; `None`: the State does not know the pupil.
pub fn keep_answer(
    tx: &mut Tx<'_>,
    enrolment: EnrolmentId,
    schooling: Option<&Schooling>,
    is_scholar: Option<bool>,
) -> Result<(), Error> {
    let now = tx.now()?;
    diesel::update(schooling_checks::table.find(enrolment))
        .set((
            schooling_checks::answered_at.eq(now),
            schooling_checks::is_enrolled.eq(schooling.and_then(|told| told.is_enrolled)),
            schooling_checks::told_uai.eq(schooling.and_then(|told| told.college_uai.as_deref())),
        ))
        .execute(tx.conn)?;
    diesel::delete(scholarship_answers::table.find(enrolment)).execute(tx.conn)?;
    if let Some(told) = schooling {
        diesel::insert_into(scholarship_answers::table)
            .values((
                scholarship_answers::enrolment_id.eq(enrolment),
                scholarship_answers::is_scholar.eq(is_scholar),
                scholarship_answers::echelon.eq(told.echelon),
                scholarship_answers::answered_at.eq(now),
            ))
            .execute(tx.conn)?;
    }
    Ok(())
}

/// Forgets some answers of school years that are over, from the August that ends them; says how many.
pub fn forget_answers(tx: &mut Tx<'_>, batch: i64) -> Result<usize, Error> {
    let past: Vec<EnrolmentId> = schooling_checks::table
        .filter(diesel::dsl::sql::<Bool>("(right(season, 4) || '-08-01')::date <= today()"))
        .select(schooling_checks::enrolment_id)
        .limit(batch)
        .for_update()
        .skip_locked()
        .load(tx.conn)?;
    diesel::delete(scholarship_answers::table.filter(scholarship_answers::enrolment_id.eq_any(&past)))
        .execute(tx.conn)?;
    Ok(diesel::delete(schooling_checks::table.filter(schooling_checks::enrolment_id.eq_any(&past))).execute(tx.conn)?)
}

/// Removes traces that have had their time: the table's policy shows no others to a deletion.
pub fn forget_calls(tx: &mut Tx<'_>) -> Result<usize, Error> {
    Ok(diesel::sql_query("delete from authority_calls where at < instant() - interval '36 months'").execute(tx.conn)?)
}

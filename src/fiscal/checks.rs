//! The check of a request with the State: put when the family submits, worked off in the background, kept as a suggestion until August.
//! The worker takes a question, calls outside any transaction, and writes in a second one what came of it.

pub use super::db::{CheckRow, ScholarshipRow, check, scholarship};

use super::{
    Particulier, db,
    limits::Authority,
    schooling::{self, Answer, CivilSex, Outcome, Question, lists_complete_on},
};
use crate::{
    audit,
    db::{Db, Tx},
    error::Error,
    families,
    kernel::{
        actor::Caller,
        department::Department,
        ids::{AuthorityCallId, EnrolmentId},
        text::SeasonCode,
        time::{paris_date, start_of_day},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};

/// How long the worker rests when nothing is due or may be asked, and when the database fails it.
const REST: Duration = Duration::from_secs(1);
const REST_AFTER_FAILURE: Duration = Duration::from_secs(5);
/// A question in hand is free again after that: far above the longest call.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// Tries of one question, about two days; then an agent may ask again, and the family can always send its proof.
const TRIES_MAX: i32 = 14;
/// First wait after a failure; it doubles each time, up to `RETRY_MAX`.
const RETRY_FIRST: TimeDelta = TimeDelta::seconds(30);
const RETRY_MAX: TimeDelta = TimeDelta::hours(6);
/// The same question is being answered: it soon will have been.
const RETRY_BUSY: TimeDelta = TimeDelta::seconds(10);
/// Questions to be asked again on one day are spread over it.
const SPREAD_SECONDS: i64 = 24 * 3_600;
/// Answers forgotten in one transaction.
const FORGET_MAX: i64 = 5_000;

text_enum! {
    /// Where a question stands.
    pub enum CheckState {
        Queued = "queued",
        Calling = "calling",
        /// The State knows the pupil: what it told is a suggestion.
        Suggested = "suggested",
        NotFound = "not_found",
        /// The State's service is not to be had.
        Unavailable = "unavailable",
        /// The State's service does not take the question.
        Refused = "refused",
        Malformed = "malformed",
    }
}

/// Where a call leaves its question. `next_try_at`: none, nothing more is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    pub state: CheckState,
    pub next_try_at: Option<DateTime<Utc>>,
    pub attempts: i32,
}

/// Puts the question of a request. False when it is under way already, or was put within the hour.
pub fn queue(tx: &mut Tx<'_>, enrolment: EnrolmentId, sex: CivilSex) -> Result<bool, Error> {
    let queued = db::queue(tx, enrolment, sex)?;
    if queued {
        audit::record(tx, "schooling_asked", ("enrolment", enrolment), json!({}))?;
    }
    Ok(queued)
}

impl CheckRow {
    /// Whether an answer is still to be expected soon.
    #[must_use]
    pub fn is_in_progress(&self) -> bool {
        let is_answered = matches!(self.state, CheckState::Suggested | CheckState::NotFound);
        self.next_try_at.is_some() && !is_answered
    }
}

/// A question in hand.
struct Taken {
    enrolment: EnrolmentId,
    call: AuthorityCallId,
    attempts: i32,
    question: Question,
}

enum Take {
    Question(Box<Taken>),
    /// Nothing to ask, or not allowed to, for that long.
    Rest(Duration),
}

/// What the worker did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Asked,
    Rest(Duration),
}

/// Asks what a department has to ask, one question after the other, until told to stop.
pub async fn run(db: Db, department: Department, client: Arc<Particulier>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let rest = match ask_next(&db, department, &client).await {
            Ok(Step::Asked) => continue,
            Ok(Step::Rest(time)) => time.min(REST),
            Err(error) => {
                tracing::warn!(%error, %department, "the State's service cannot be asked");
                REST_AFTER_FAILURE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Asks the question that has waited longest, if one is due and the service may be called.
pub async fn ask_next(db: &Db, department: Department, client: &Particulier) -> Result<Step, Error> {
    let caller = Caller::system();
    let taken = match db.write(department, &caller, take).await? {
        Take::Question(taken) => taken,
        Take::Rest(time) => return Ok(Step::Rest(time)),
    };
    let began = Instant::now();
    let answer = schooling::ask(client, &taken.question).await;
    let milliseconds = i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX);
    let (outcome, call) = (answer.outcome.code(), taken.call);
    let (error_code, request_id) = (answer.error_code.as_deref(), answer.request_id.as_deref());
    metrics::counter!("authority_calls_total", "outcome" => outcome).increment(1);
    if answer.outcome == Outcome::Denied {
        tracing::error!(%department, %call, error_code, request_id, "API Particulier does not accept the token");
    } else {
        tracing::info!(%department, %call, outcome, error_code, request_id, milliseconds, "API Particulier was asked");
    }
    db.write(department, &caller, move |tx| settle(tx, &taken, &answer, milliseconds)).await?;
    Ok(Step::Asked)
}

fn take(tx: &mut Tx<'_>) -> Result<Take, Error> {
    let now = tx.now()?;
    let Some(row) = db::lock_due(tx)? else { return Ok(Take::Rest(REST)) };
    let limits = match db::lock_limits(tx, Authority::ApiParticulier)?.permit(now) {
        Ok(limits) => limits,
        Err(from) => return Ok(Take::Rest(from.signed_duration_since(now).to_std().unwrap_or(REST))),
    };
    if row.attempts >= TRIES_MAX {
        // Its last call never ended: it is not what brings a process down again and again.
        let fate = Fate { state: CheckState::Unavailable, next_try_at: None, attempts: row.attempts };
        db::send_on(tx, row.enrolment_id, &fate)?;
        return Ok(Take::Rest(Duration::ZERO));
    }
    db::keep_limits(tx, limits)?;
    let sex = row.civil_sex.ok_or_else(|| Error::internal("a question is due without what it is asked with"))?;
    let child = families::child(tx, row.child_id)?;
    let call = AuthorityCallId::generate();
    db::begin_call(tx, row.enrolment_id, call, after(now, LEASE))?;
    let question = Question {
        last_name: child.last_name,
        first_names: child.first_names,
        sex,
        birth_date: child.birth_date,
        college_uai: row.college_uai,
        season: row.season,
    };
    let attempts = row.attempts.saturating_add(1);
    Ok(Take::Question(Box::new(Taken { enrolment: row.enrolment_id, call, attempts, question })))
}

/// Ends the call: its trace, what it says about the administration, and, if the question is still this one, what became of it.
fn settle(tx: &mut Tx<'_>, taken: &Taken, answer: &Answer, milliseconds: i32) -> Result<(), Error> {
    let now = tx.now()?;
    let Taken { enrolment, call, attempts, question } = taken;
    // The question before the limits, as when it was taken: two workers never wait for each other.
    let is_mine = db::lock_called(tx, *enrolment, *call)?;
    let limits = db::lock_limits(tx, Authority::ApiParticulier)?.told(answer.outcome.health(), now);
    db::keep_limits(tx, limits)?;
    db::end_call(tx, *call, answer.outcome.code(), answer.error_code.as_deref(), milliseconds)?;
    if !is_mine {
        return Ok(());
    }
    db::send_on(tx, *enrolment, &fate(&answer.outcome, *attempts, now, &question.season))?;
    match &answer.outcome {
        Outcome::Found(told) => {
            let is_scholar = told.scholarship(&question.season, paris_date(now));
            db::keep_answer(tx, *enrolment, Some(told), is_scholar)?;
        }
        Outcome::NotFound => db::keep_answer(tx, *enrolment, None, None)?,
        _ => return Ok(()),
    }
    audit::record(tx, "schooling_answered", ("enrolment", *enrolment), json!({ "outcome": answer.outcome.code() }))
}

/// Where an outcome leads, so that every question ends: with an answer, or given up.
fn fate(outcome: &Outcome, attempts: i32, now: DateTime<Utc>, season: &SeasonCode) -> Fate {
    let retry = |state, wait: TimeDelta| {
        let next_try_at = (attempts < TRIES_MAX).then(|| after(now, jittered(wait)));
        Fate { state, next_try_at, attempts }
    };
    // What is not the question's fault takes no try of it: the limits say when.
    let wait = |state| Fate { state, next_try_at: Some(now), attempts: attempts.saturating_sub(1) };
    let answered = |state, is_final: bool| {
        let again = if is_final { None } else { once_lists_are_complete(season, now) };
        Fate { state, next_try_at: again, attempts: 0 }
    };
    match outcome {
        Outcome::Found(told) => answered(CheckState::Suggested, told.is_scholar == Some(true)),
        Outcome::NotFound => answered(CheckState::NotFound, false),
        Outcome::Busy => retry(CheckState::Unavailable, RETRY_BUSY),
        Outcome::Limited(_) => wait(CheckState::Unavailable),
        Outcome::Denied => wait(CheckState::Refused),
        Outcome::Down(retry_in) => {
            retry(CheckState::Unavailable, backoff(attempts).max(retry_in.unwrap_or_default().min(RETRY_MAX)))
        }
        Outcome::Malformed => retry(CheckState::Malformed, backoff(attempts)),
        Outcome::Refused => Fate { state: CheckState::Refused, next_try_at: None, attempts },
    }
}

/// When an early answer is asked for again: families enrol in June, the State knows its pupils in October.
fn once_lists_are_complete(season: &SeasonCode, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let day = start_of_day(lists_complete_on(season)?);
    (now < day).then(|| after(day, TimeDelta::seconds(fastrand::i64(0..SPREAD_SECONDS))))
}

fn backoff(attempts: i32) -> TimeDelta {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(10);
    RETRY_FIRST.checked_mul(2_i32.saturating_pow(doublings)).unwrap_or(RETRY_MAX).min(RETRY_MAX)
}

/// Up to a quarter more, so that what failed together does not come back together.
fn jittered(wait: TimeDelta) -> TimeDelta {
    let more = fastrand::i64(0..=wait.num_seconds().max(0) / 4);
    wait.checked_add(&TimeDelta::seconds(more)).unwrap_or(wait)
}

fn after(now: DateTime<Utc>, time: TimeDelta) -> DateTime<Utc> {
    now.checked_add_signed(time).unwrap_or(now)
}

/// Forgets what has had its time: answers from August on, traces after 36 months. Returns how many answers; there may be more.
pub fn forget(tx: &mut Tx<'_>) -> Result<usize, Error> {
    db::forget_calls(tx)?;
    db::forget_answers(tx, FORGET_MAX)
}

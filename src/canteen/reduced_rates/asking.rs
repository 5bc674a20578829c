//! The questions of a department, put one after the other outside any transaction, and what becomes of each request. Numbers come from the
//! memory of this process; identities for the CAF and the MSA from the database, where any process takes them up again.

use super::{
    IDENTITY, LEASE, RequestRow,
    beneficiary::Beneficiary,
    db::{self, Decided},
    decide, expire_past, give_up,
    inquiries::{Held, Inquiries},
    later, means,
    state::{AnswerWord, RequestEvent, RequestState, RequestStep},
};
use crate::{
    audit,
    db::{Db, Tx},
    error::Error,
    fiscal::{
        self, Administrations, IncomeCall, Particulier,
        impot::{ImpotParticulier, Progress},
        limits::Health,
        outcome::{Next, Outcome, TRIES_MAX, after},
        quotient::{self, Question},
    },
    kernel::{
        actor::Caller,
        department::Department,
        ids::{AuthorityCallId, IncomeRequestId, InquiryId},
        time::paris_date,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};

/// How long the loop rests when nothing is due or may be asked, and when the database fails it.
const REST: Duration = Duration::from_secs(1);
const REST_AFTER_FAILURE: Duration = Duration::from_secs(5);
/// A question to the CAF or the MSA is free again after that: far above the longest call.
const CALL_LEASE: TimeDelta = TimeDelta::seconds(60);
/// An answer is not lost to a short failure of the database; after a longer one it is asked for again.
const SETTLE_TRIES: u32 = 5;

/// What the loop did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Asked,
    Rest(Duration),
}

enum Take<T> {
    Ask(T),
    /// Decided, withdrawn, taken over or of a past season meanwhile.
    Gone,
    Rest(Duration),
}

/// A call that has ended.
struct Ended {
    request: IncomeRequestId,
    call: AuthorityCallId,
    what: IncomeCall,
    /// The number of this try, from 1.
    attempts: i32,
    health: Health,
    code: &'static str,
    error_code: Option<String>,
    milliseconds: i32,
    /// None: another call is needed.
    outcome: Option<Outcome>,
    luck: u8,
}

/// Where it leaves the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settled {
    /// To be asked again then.
    Again(DateTime<Utc>),
    Done,
}

/// Asks what a department has to ask until told to stop.
pub async fn run(
    db: Db,
    department: Department,
    administrations: Administrations,
    inquiries: Inquiries,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        let rest = match ask_next(&db, department, &administrations, &inquiries).await {
            Ok(Step::Asked) => continue,
            Ok(Step::Rest(time)) => time.min(REST),
            Err(error) => {
                tracing::warn!(%error, %department, "no income can be asked for");
                REST_AFTER_FAILURE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Puts the next question that is due, if its administration may be called.
pub async fn ask_next(
    db: &Db,
    department: Department,
    administrations: &Administrations,
    inquiries: &Inquiries,
) -> Result<Step, Error> {
    renew(db, department, inquiries).await?;
    let mut rest = REST;
    if let Some(client) = administrations.impot(department) {
        match ask_tax(db, department, &client, inquiries).await? {
            Step::Asked => return Ok(Step::Asked),
            Step::Rest(time) => rest = rest.min(time),
        }
    }
    if let Some(client) = administrations.particulier(department) {
        match ask_quotient(db, department, &client).await? {
            Step::Asked => return Ok(Step::Asked),
            Step::Rest(time) => rest = rest.min(time),
        }
    }
    Ok(Step::Rest(rest))
}

/// Says that this process still holds its questions, and lets go of those that nobody waits for any more.
async fn renew(db: &Db, department: Department, inquiries: &Inquiries) -> Result<(), Error> {
    let held = inquiries.to_renew(department, db.server_now());
    if held.is_empty() {
        return Ok(());
    }
    let asked = held.clone();
    let renewed = move |tx: &mut Tx<'_>| {
        let until = later(tx.now()?, LEASE);
        db::renew(tx, &asked, until)
    };
    let wanted = db.write(department, &Caller::system(), renewed).await?;
    inquiries.keep(department, &held, &wanted);
    Ok(())
}

async fn ask_tax(
    db: &Db,
    department: Department,
    client: &ImpotParticulier,
    inquiries: &Inquiries,
) -> Result<Step, Error> {
    let caller = Caller::system();
    let Some(held) = inquiries.take_due(department, db.server_now()) else { return Ok(Step::Rest(REST)) };
    let (request, id, call) = (held.request, held.id, AuthorityCallId::generate());
    match db.write(department, &caller, move |tx| take_tax(tx, request, id, call)).await {
        Ok(Take::Ask(())) => {}
        Ok(Take::Gone) => return Ok(Step::Asked),
        Ok(Take::Rest(time)) => {
            inquiries.hold(department, held);
            return Ok(Step::Rest(time));
        }
        Err(error) => {
            inquiries.hold(department, held);
            return Err(error);
        }
    }
    let began = Instant::now();
    let Held { inquiry, attempts, place, .. } = held;
    let fiscal::impot::Step { progress, health, code, error_code, request_id } = inquiry.step(client, call).await;
    let milliseconds = milliseconds(began);
    let (outcome, inquiry) = match progress {
        Progress::More(inquiry) => (None, Some(inquiry)),
        Progress::Ended(outcome) => (Some(outcome), None),
        Progress::Interrupted(outcome, inquiry) => (Some(outcome), Some(inquiry)),
    };
    let what = IncomeCall::Income;
    let tried = attempts.saturating_add(i32::from(outcome.is_some()));
    let luck = fastrand::u8(..);
    log(department, call, (code, error_code.as_deref(), request_id.as_deref()), milliseconds);
    let ended = Ended { request, call, what, attempts: tried, health, code, error_code, milliseconds, outcome, luck };
    if let (Settled::Again(due), Some(inquiry)) = (settle(db, department, ended).await?, inquiry) {
        inquiries.hold(department, Held { request, id, inquiry, attempts: tried, due, place });
    }
    Ok(Step::Asked)
}

fn take_tax(
    tx: &mut Tx<'_>,
    request: IncomeRequestId,
    inquiry: InquiryId,
    call: AuthorityCallId,
) -> Result<Take<()>, Error> {
    // The request before the limits, as when it is settled: two processes never wait for each other.
    let row = db::lock(tx, request)?;
    if row.state != RequestState::InProgress || row.inquiry_id != Some(inquiry) {
        return Ok(Take::Gone);
    }
    if expire_past(tx, &row)? {
        return Ok(Take::Gone);
    }
    if let Some(rest) = rest_of(tx, IncomeCall::Income)? {
        return Ok(Take::Rest(rest));
    }
    let held_until = later(tx.now()?, LEASE);
    db::begin_tax_call(tx, request, call, held_until)?;
    fiscal::trace_call(tx, call, IncomeCall::Income, request)?;
    Ok(Take::Ask(()))
}

/// How long the administration must not be called; none: it may, and this call is counted.
fn rest_of(tx: &mut Tx<'_>, what: IncomeCall) -> Result<Option<Duration>, Error> {
    let now = tx.now()?;
    let from = fiscal::permit_call(tx, what.authority())?;
    Ok(from.map(|from| from.signed_duration_since(now).to_std().unwrap_or(REST)))
}

async fn ask_quotient(db: &Db, department: Department, client: &Particulier) -> Result<Step, Error> {
    let (caller, call) = (Caller::system(), AuthorityCallId::generate());
    let (row, question) = match db.write(department, &caller, move |tx| take_quotient(tx, call)).await? {
        Take::Ask(taken) => *taken,
        Take::Gone => return Ok(Step::Asked),
        Take::Rest(time) => return Ok(Step::Rest(time)),
    };
    let began = Instant::now();
    let answer = quotient::ask(client, &row.proof(), &question).await;
    let milliseconds = milliseconds(began);
    let (request, code) = (row.id, answer.outcome.code());
    log(department, call, (code, answer.error_code.as_deref(), answer.request_id.as_deref()), milliseconds);
    let ended = Ended {
        request,
        call,
        what: IncomeCall::FamilyQuotient,
        attempts: row.attempts.saturating_add(1),
        health: answer.health,
        code,
        error_code: answer.error_code,
        milliseconds,
        outcome: Some(answer.outcome),
        luck: fastrand::u8(..),
    };
    settle(db, department, ended).await?;
    Ok(Step::Asked)
}

fn take_quotient(tx: &mut Tx<'_>, call: AuthorityCallId) -> Result<Take<Box<(RequestRow, Question)>>, Error> {
    let Some((row, sealed)) = db::lock_due(tx)? else { return Ok(Take::Rest(REST)) };
    if expire_past(tx, &row)? {
        return Ok(Take::Gone);
    }
    if row.attempts >= TRIES_MAX {
        // Its last call never ended: it is not what brings a process down again and again.
        give_up(tx, &row, AnswerWord::GivenUp, None)?;
        return Ok(Take::Gone);
    }
    if let Some(rest) = rest_of(tx, IncomeCall::FamilyQuotient)? {
        return Ok(Take::Rest(rest));
    }
    let question = match question(tx, row.id, &sealed) {
        Ok(question) => question,
        Err(error) => {
            // One that cannot be put stands in nobody else's way.
            tracing::error!(request = %row.id, %error, "a question to the CAF or the MSA cannot be read");
            give_up(tx, &row, AnswerWord::GivenUp, None)?;
            return Ok(Take::Gone);
        }
    };
    let free_at = later(tx.now()?, CALL_LEASE);
    db::begin_quotient_call(tx, row.id, call, free_at)?;
    fiscal::trace_call(tx, call, IncomeCall::FamilyQuotient, row.id)?;
    Ok(Take::Ask(Box::new((row, question))))
}

fn question(tx: &Tx<'_>, request: IncomeRequestId, sealed: &[u8]) -> Result<Question, Error> {
    let plain = tx.key.open(IDENTITY, request.uuid().as_bytes(), sealed).map_err(Error::internal)?;
    let identity: Beneficiary = serde_json::from_slice(&plain).map_err(Error::internal)?;
    identity.question()
}

fn milliseconds(began: Instant) -> i32 {
    i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX)
}

fn log(
    department: Department,
    call: AuthorityCallId,
    (outcome, error_code, request_id): (&'static str, Option<&str>, Option<&str>),
    milliseconds: i32,
) {
    metrics::counter!("income_calls_total", "outcome" => outcome).increment(1);
    if outcome == "denied" {
        tracing::error!(%department, %call, error_code, request_id, "an administration does not accept our access");
    } else {
        tracing::info!(%department, %call, outcome, error_code, request_id, milliseconds, "an income was asked for");
    }
}

/// Writes what came of a call; a decision that cannot be taken leaves the request to an agent.
async fn settle(db: &Db, department: Department, ended: Ended) -> Result<Settled, Error> {
    let (caller, ended) = (Caller::system(), Arc::new(ended));
    let (mut decides, mut tries) = (true, SETTLE_TRIES);
    loop {
        let shared = Arc::clone(&ended);
        match db.write(department, &caller, move |tx| write_down(tx, &shared, decides)).await {
            Ok(settled) => return Ok(settled),
            Err(error @ (Error::Refused(_) | Error::RefusedBecause(..))) if decides => {
                tracing::error!(%department, request = %ended.request, %error, "a reduced rate cannot be decided");
                decides = false;
            }
            Err(error) => {
                tries = tries.saturating_sub(1);
                if tries == 0 {
                    return Err(error);
                }
                tracing::warn!(%department, request = %ended.request, %error, "an answer cannot be written down yet");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

fn write_down(tx: &mut Tx<'_>, ended: &Ended, decides: bool) -> Result<Settled, Error> {
    let now = tx.now()?;
    let Ended { request, call, what, attempts, health, code, error_code, milliseconds, outcome, luck } = ended;
    let row = db::lock_called(tx, *request, *call)?;
    fiscal::note_health(tx, what.authority(), *health)?;
    fiscal::end_trace(tx, *call, code, error_code.as_deref(), *milliseconds)?;
    let Some(row) = row else { return Ok(Settled::Done) };
    if expire_past(tx, &row)? {
        return Ok(Settled::Done);
    }
    let Some(outcome) = outcome else { return Ok(Settled::Again(now)) };
    match after(outcome, *attempts, now, *luck) {
        Next::Decide if decides => decide_by(tx, &row, outcome, now)?,
        Next::Decide => give_up(tx, &row, AnswerWord::Computed, None)?,
        Next::GiveUp => give_up(tx, &row, AnswerWord::last_of(outcome), outcome.detail())?,
        Next::RetryAt(at) => {
            if row.answer != Some(AnswerWord::Unavailable) {
                db::insert_step(tx, &row, RequestStep::Unavailable)?;
            }
            db::try_again(tx, row.id, *attempts, at)?;
            return Ok(Settled::Again(at));
        }
    }
    Ok(Settled::Done)
}

fn decide_by(tx: &mut Tx<'_>, row: &RequestRow, outcome: &Outcome, now: DateTime<Utc>) -> Result<(), Error> {
    let Outcome::Computed(told) = outcome else { return Err(Error::internal("a decision without figures")) };
    let (known, date, source) = match means::known(told, paris_date(now)) {
        Ok(known) => known,
        Err(field) => return give_up(tx, row, AnswerWord::Odd, Some(field.as_str())),
    };
    let answer = Some(AnswerWord::Computed);
    let decided = Decided { source, date: Some(date), answer, by: None, reason: None, note: None, read: &[] };
    audit::record(tx, "reduced_rate_answered", ("canteen_rate_request", row.id), json!({ "answer": answer }))?;
    decide(tx, row, RequestEvent::Answer, &known, &decided).map(drop)
}

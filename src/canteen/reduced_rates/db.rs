//! Requests, their children and their steps. Row-level security shows them to the family and to those who instruct files.

mod questions;

pub use questions::{
    begin_quotient_call, begin_tax_call, lock_called, lock_due, lock_left, lock_lost, lock_past, lock_unanswered,
    renew, try_again,
};

use super::state::{AnswerWord, NothingReason, RequestState, RequestStep, RequestWay};
use crate::{
    canteen::{
        enrolments::{CanteenEnrolment, CanteenEnrolmentState},
        rates::MeansSource,
    },
    db::Tx,
    documents::{kinds::DocumentKind, state::DocumentState},
    error::Error,
    fiscal::request::IncomeRequest,
    kernel::{
        ids::{AccountId, ChildId, DinerId, DocumentId, FamilyId, IncomeRequestId, InquiryId, RateId, RequestId},
        text::{Code, Note, SeasonCode},
        time::paris_date,
    },
    schema::department::{
        canteen_enrolments, canteen_rate_request_children as children, canteen_rate_request_steps as steps,
        canteen_rate_requests as requests, documents,
    },
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;

/// A request, without what is sealed of it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = requests)]
pub struct RequestRow {
    pub id: IncomeRequestId,
    pub family_id: FamilyId,
    pub season: SeasonCode,
    pub text_version: Code,
    pub requested_by: AccountId,
    pub requested_at: DateTime<Utc>,
    pub way: RequestWay,
    pub households: Option<i16>,
    pub state: RequestState,
    pub inquiries: i16,
    pub inquiry_id: Option<InquiryId>,
    pub next_try_at: Option<DateTime<Utc>>,
    pub attempts: i32,
    pub answer: Option<AnswerWord>,
    pub answer_detail: Option<String>,
    pub answered_at: Option<DateTime<Utc>>,
    pub source: Option<MeansSource>,
    pub income_year: Option<i16>,
    pub income_month: Option<i16>,
    pub is_year_before: Option<bool>,
    pub decided_by: Option<AccountId>,
    pub closed_at: Option<DateTime<Utc>>,
    pub reason: Option<NothingReason>,
    pub note: Option<Note>,
    pub version: i32,
}

impl RequestRow {
    /// What every question about the family's income takes: the tick, as it was recorded. Made here alone.
    #[must_use]
    pub fn proof(&self) -> IncomeRequest {
        IncomeRequest::recorded(self.id, self.text_version.clone(), paris_date(self.requested_at))
    }
}

/// A child of a request.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = children)]
pub struct ChildRow {
    pub request_id: IncomeRequestId,
    pub child_id: ChildId,
    pub family_id: FamilyId,
    pub season: SeasonCode,
    pub starts_on: NaiveDate,
    pub before_id: Option<RateId>,
    pub after_id: Option<RateId>,
}

/// What a request begins with.
#[derive(Insertable)]
#[diesel(table_name = requests)]
pub struct NewRequest {
    pub id: IncomeRequestId,
    pub family_id: FamilyId,
    pub season: SeasonCode,
    pub text_version: Code,
    pub requested_by: AccountId,
    pub requested_at: DateTime<Utc>,
    pub way: RequestWay,
    pub households: Option<i16>,
    pub state: RequestState,
    pub inquiries: i16,
    pub inquiry_id: Option<InquiryId>,
    pub held_until: Option<DateTime<Utc>>,
    pub identity_sealed: Option<Vec<u8>>,
    pub next_try_at: Option<DateTime<Utc>>,
}

pub fn insert(tx: &mut Tx<'_>, request: &NewRequest, of: &[ChildRow]) -> Result<RequestRow, Error> {
    let row = diesel::insert_into(requests::table)
        .values(request)
        .returning(RequestRow::as_returning())
        .get_result(tx.conn)?;
    diesel::insert_into(children::table).values(of).execute(tx.conn)?;
    Ok(row)
}

pub fn insert_step(tx: &mut Tx<'_>, row: &RequestRow, step: RequestStep) -> Result<(), Error> {
    let now = tx.now()?;
    diesel::insert_into(steps::table)
        .values((
            // Ids of steps follow their order.
            steps::id.eq(RequestId::generate()),
            steps::request_id.eq(row.id),
            steps::family_id.eq(row.family_id),
            steps::step.eq(step),
            steps::at.eq(now),
        ))
        .execute(tx.conn)?;
    Ok(())
}

pub fn steps(tx: &mut Tx<'_>, id: IncomeRequestId) -> Result<Vec<(RequestStep, DateTime<Utc>)>, Error> {
    let of_request = steps::table.filter(steps::request_id.eq(id)).order(steps::id);
    Ok(of_request.select((steps::step, steps::at)).load(tx.conn)?)
}

/// How many requests a family made for a season.
pub fn count(tx: &mut Tx<'_>, family: FamilyId, season: &SeasonCode) -> Result<i64, Error> {
    let made = requests::table.filter(requests::family_id.eq(family).and(requests::season.eq(season)));
    Ok(made.count().get_result(tx.conn)?)
}

pub fn request(tx: &mut Tx<'_>, id: IncomeRequestId) -> Result<RequestRow, Error> {
    Ok(requests::table.find(id).select(RequestRow::as_select()).first(tx.conn)?)
}

/// As `request`; nobody else moves it meanwhile.
pub fn lock(tx: &mut Tx<'_>, id: IncomeRequestId) -> Result<RequestRow, Error> {
    // Closed ones are not the caller's to lock, and still his to see.
    let open = requests::table.find(id).filter(requests::closed_at.is_null());
    match open.select(RequestRow::as_select()).for_update().first(tx.conn).optional()? {
        Some(row) => Ok(row),
        None => request(tx, id),
    }
}

pub fn children(tx: &mut Tx<'_>, id: IncomeRequestId) -> Result<Vec<ChildRow>, Error> {
    let of_request = children::table.filter(children::request_id.eq(id)).order(children::child_id);
    Ok(of_request.select(ChildRow::as_select()).load(tx.conn)?)
}

/// The requests of the caller's files, the last made first.
pub fn page(tx: &mut Tx<'_>, before: Option<IncomeRequestId>, limit: i64) -> Result<Vec<RequestRow>, Error> {
    // Said here too: the policy alone would walk through everybody's.
    let mine = diesel::dsl::sql::<diesel::sql_types::Bool>("family_id in (select my_families())");
    let mut query = requests::table.filter(mine).into_boxed();
    if let Some(before) = before {
        query = query.filter(requests::id.lt(before));
    }
    Ok(query.order(requests::id.desc()).limit(limit).select(RequestRow::as_select()).load(tx.conn)?)
}

/// Open requests, the first made first; in that state, and with a proof of means to read, if that is asked.
pub fn open_page(
    tx: &mut Tx<'_>,
    (state, with_document): (Option<RequestState>, bool),
    after: Option<IncomeRequestId>,
    limit: i64,
) -> Result<Vec<RequestRow>, Error> {
    let mut query = requests::table.filter(requests::closed_at.is_null()).into_boxed();
    if let Some(state) = state {
        query = query.filter(requests::state.eq(state));
    }
    if with_document {
        let proofs = children::table
            .inner_join(
                documents::table
                    .on(documents::child_id.eq(children::child_id).and(documents::season.eq(children::season))),
            )
            .filter(children::request_id.eq(requests::id))
            .filter(documents::kind.eq_any(DocumentKind::PROOFS_OF_MEANS))
            .filter(documents::state.eq(DocumentState::Received));
        query = query.filter(diesel::dsl::exists(proofs));
    }
    if let Some(after) = after {
        query = query.filter(requests::id.gt(after));
    }
    Ok(query.order(requests::id).limit(limit).select(RequestRow::as_select()).load(tx.conn)?)
}

/// The enrolment of a pupil for a season, as long as it is active.
pub fn enrolment(tx: &mut Tx<'_>, child: ChildId, season: &SeasonCode) -> Result<Option<CanteenEnrolment>, Error> {
    Ok(canteen_enrolments::table
        .filter(canteen_enrolments::person_id.eq(DinerId::from(child)).and(canteen_enrolments::season.eq(season)))
        .filter(canteen_enrolments::state.eq(CanteenEnrolmentState::Active))
        .select(CanteenEnrolment::as_select())
        .first(tx.conn)
        .optional()?)
}

/// A question to the tax administration is in the hands of a process until then.
pub fn give_number(
    tx: &mut Tx<'_>,
    id: IncomeRequestId,
    inquiry: InquiryId,
    held_until: DateTime<Utc>,
) -> Result<RequestRow, Error> {
    Ok(diesel::update(requests::table.find(id))
        .set((
            requests::state.eq(RequestState::InProgress),
            requests::inquiry_id.eq(inquiry),
            requests::held_until.eq(held_until),
            requests::inquiries.eq(requests::inquiries + 1),
            requests::attempts.eq(0),
            requests::answer.eq(None::<AnswerWord>),
            requests::answer_detail.eq(None::<String>),
            requests::version.eq(requests::version + 1),
        ))
        .returning(RequestRow::as_returning())
        .get_result(tx.conn)?)
}

/// What it was asked with, gone.
#[derive(AsChangeset)]
#[diesel(table_name = requests, treat_none_as_null = true)]
struct AskedNoMore {
    inquiry_id: Option<InquiryId>,
    held_until: Option<DateTime<Utc>>,
    identity_sealed: Option<Vec<u8>>,
    next_try_at: Option<DateTime<Utc>>,
}

const ASKED_NO_MORE: AskedNoMore =
    AskedNoMore { inquiry_id: None, held_until: None, identity_sealed: None, next_try_at: None };

/// Nothing is asked any more, and what it was asked with is gone. An answer takes the place of the one before.
pub fn stop_asking(
    tx: &mut Tx<'_>,
    id: IncomeRequestId,
    next: RequestState,
    answer: Option<(AnswerWord, Option<&str>)>,
) -> Result<RequestRow, Error> {
    let now = tx.now()?;
    let answered = answer.map(|(word, detail)| {
        (requests::answer.eq(word), requests::answer_detail.eq(detail), requests::answered_at.eq(now))
    });
    Ok(diesel::update(requests::table.find(id))
        .set((
            ASKED_NO_MORE,
            requests::state.eq(next),
            requests::closed_at.eq(next.is_closed().then_some(now)),
            requests::version.eq(requests::version + 1),
            answered,
        ))
        .returning(RequestRow::as_returning())
        .get_result(tx.conn)?)
}

/// What a decision says beside the rates.
#[derive(Debug, Clone)]
pub struct Decided<'a> {
    pub source: MeansSource,
    pub date: Option<super::means::IncomeDate>,
    pub answer: Option<AnswerWord>,
    pub by: Option<AccountId>,
    /// Why nothing changes.
    pub reason: Option<NothingReason>,
    /// What an agent adds to it, or saw.
    pub note: Option<&'a Note>,
    /// Documents of the file that an agent read.
    pub read: &'a [DocumentId],
}

/// Closes a locked request with its decision; nothing is asked any more.
pub fn decide(tx: &mut Tx<'_>, row: &RequestRow, decided: &Decided<'_>) -> Result<RequestRow, Error> {
    let now = tx.now()?;
    let answer = decided.answer.or(row.answer);
    let answered_at = if decided.answer.is_some() { Some(now) } else { row.answered_at };
    Ok(diesel::update(requests::table.find(row.id))
        .set((
            ASKED_NO_MORE,
            requests::state.eq(RequestState::Decided),
            requests::answer.eq(answer),
            requests::answered_at.eq(answered_at),
            requests::source.eq(decided.source),
            requests::income_year.eq(decided.date.map(|date| date.year)),
            requests::income_month.eq(decided.date.and_then(|date| date.month)),
            requests::is_year_before.eq(decided.date.map(|date| date.is_year_before)),
            requests::decided_by.eq(decided.by),
            requests::closed_at.eq(now),
            requests::reason.eq(decided.reason),
            requests::note.eq(decided.note),
            requests::version.eq(requests::version + 1),
        ))
        .returning(RequestRow::as_returning())
        .get_result(tx.conn)?)
}

/// Closes the part of a child, with its rates where it has some.
pub fn close_child(tx: &mut Tx<'_>, child: &ChildRow, rates: Option<(RateId, RateId)>) -> Result<(), Error> {
    let now = tx.now()?;
    let (before, after) = rates.unzip();
    diesel::update(children::table.find((child.request_id, child.child_id)))
        .set((children::before_id.eq(before), children::after_id.eq(after), children::closed_at.eq(now)))
        .execute(tx.conn)?;
    Ok(())
}

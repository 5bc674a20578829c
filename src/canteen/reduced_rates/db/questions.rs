//! Requests as the workers see them: which are in whose hands, since when, and until when.

use super::RequestRow;
use crate::{
    canteen::{
        enrolments::CanteenEnrolmentState,
        reduced_rates::state::{AnswerWord, RequestState},
    },
    db::Tx,
    error::Error,
    kernel::{
        ids::{AuthorityCallId, IncomeRequestId, InquiryId},
        time::paris_date,
    },
    schema::department::{
        canteen_enrolments, canteen_rate_request_children as children, canteen_rate_requests as requests,
    },
};
use chrono::{DateTime, Utc};
use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{Bool, Date},
};

/// The request, locked, if it is still the one of that call.
pub fn lock_called(tx: &mut Tx<'_>, id: IncomeRequestId, call: AuthorityCallId) -> Result<Option<RequestRow>, Error> {
    Ok(requests::table
        .find(id)
        .filter(requests::state.eq(RequestState::InProgress).and(requests::call_id.eq(call)))
        .select(RequestRow::as_select())
        .for_update()
        .first(tx.conn)
        .optional()?)
}

/// The question to the CAF or the MSA that has waited longest, locked, with its sealed identity; those in other hands are passed over.
pub fn lock_due(tx: &mut Tx<'_>) -> Result<Option<(RequestRow, Vec<u8>)>, Error> {
    let now = tx.now()?;
    let row: Option<(RequestRow, Option<Vec<u8>>)> = requests::table
        .filter(requests::identity_sealed.is_not_null().and(requests::next_try_at.le(now)))
        .order(requests::next_try_at)
        .select((RequestRow::as_select(), requests::identity_sealed))
        .for_update()
        .skip_locked()
        .first(tx.conn)
        .optional()?;
    Ok(row.and_then(|(row, sealed)| Some((row, sealed?))))
}

/// Renews the leases of these questions; those that are still wanted.
pub fn renew(tx: &mut Tx<'_>, held: &[InquiryId], until: DateTime<Utc>) -> Result<Vec<InquiryId>, Error> {
    let rows: Vec<Option<InquiryId>> = diesel::update(requests::table)
        .filter(requests::inquiry_id.eq_any(held).and(requests::state.eq(RequestState::InProgress)))
        .set(requests::held_until.eq(until))
        .returning(requests::inquiry_id)
        .get_results(tx.conn)?;
    Ok(rows.into_iter().flatten().collect())
}

/// A call about a tax household begins; its process holds the question until then.
pub fn begin_tax_call(
    tx: &mut Tx<'_>,
    id: IncomeRequestId,
    call: AuthorityCallId,
    held_until: DateTime<Utc>,
) -> Result<(), Error> {
    let values = (requests::call_id.eq(call), requests::held_until.eq(held_until));
    diesel::update(requests::table.find(id)).set(values).execute(tx.conn)?;
    Ok(())
}

/// A call about a quotient begins; should the process end before the answer, the question is free again then.
pub fn begin_quotient_call(
    tx: &mut Tx<'_>,
    id: IncomeRequestId,
    call: AuthorityCallId,
    free_at: DateTime<Utc>,
) -> Result<(), Error> {
    diesel::update(requests::table.find(id))
        .set((
            requests::call_id.eq(call),
            requests::next_try_at.eq(free_at),
            requests::attempts.eq(requests::attempts + 1),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// The administration did not answer: it is asked again then.
pub fn try_again(tx: &mut Tx<'_>, id: IncomeRequestId, attempts: i32, at: DateTime<Utc>) -> Result<(), Error> {
    let now = tx.now()?;
    diesel::update(requests::table.find(id))
        .set((
            requests::attempts.eq(attempts),
            requests::next_try_at.eq(at),
            requests::answer.eq(AnswerWord::Unavailable),
            requests::answered_at.eq(now),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Some questions of which no process holds the tax number any more, locked.
pub fn lock_lost(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<RequestRow>, Error> {
    let now = tx.now()?;
    Ok(requests::table
        .filter(requests::held_until.lt(now))
        .order(requests::held_until)
        .limit(limit)
        .select(RequestRow::as_select())
        .for_update()
        .skip_locked()
        .load(tx.conn)?)
}

/// Some questions to the CAF or the MSA that were put before that instant and are not answered, locked.
pub fn lock_unanswered(tx: &mut Tx<'_>, before: DateTime<Utc>, limit: i64) -> Result<Vec<RequestRow>, Error> {
    Ok(requests::table
        .filter(requests::identity_sealed.is_not_null().and(requests::requested_at.lt(before)))
        .limit(limit)
        .select(RequestRow::as_select())
        .for_update()
        .skip_locked()
        .load(tx.conn)?)
}

/// Some undecided requests of which no child is enrolled for their season, locked.
pub fn lock_left(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<RequestRow>, Error> {
    // From the few children of each request: enrolments are of everybody.
    let enrolled = children::table
        .inner_join(canteen_enrolments::table.on(
            children::child_id.eq(canteen_enrolments::person_id).and(canteen_enrolments::season.eq(children::season)),
        ))
        .filter(children::request_id.eq(requests::id))
        .filter(canteen_enrolments::state.eq(CanteenEnrolmentState::Active));
    Ok(requests::table
        .filter(requests::closed_at.is_null().and(diesel::dsl::not(diesel::dsl::exists(enrolled))))
        .limit(limit)
        .select(RequestRow::as_select())
        .for_update()
        .skip_locked()
        .load(tx.conn)?)
}

/// Some undecided requests of seasons whose last day, 31 August, is over, locked.
pub fn lock_past(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<RequestRow>, Error> {
    let today = paris_date(tx.now()?);
    let over = sql::<Bool>("to_date(right(season, 4) || '-09-01', 'YYYY-MM-DD') <= ").bind::<Date, _>(today);
    Ok(requests::table
        .filter(requests::closed_at.is_null().and(over))
        .limit(limit)
        .select(RequestRow::as_select())
        .for_update()
        .skip_locked()
        .load(tx.conn)?)
}

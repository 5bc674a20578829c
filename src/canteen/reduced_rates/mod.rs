//! Requests for a reduced rate. A guardian ticks the request; only then is an administration asked, by a question that takes the recorded tick.
//! What it tells decides at once; what it does not tell goes to an agent with a document. The family follows each step.
//!
//! Tax numbers wait in memory only (`inquiries`). Means go to `rates`, sealed; here lies only where a request stands.

mod asking;
pub mod beneficiary;
mod db;
mod decision;
pub mod desk;
pub mod http;
mod inquiries;
pub mod means;
mod notices;
pub mod proofs;
mod said;
pub mod state;
pub mod texts;
mod view;

pub use asking::{Step, ask_next, run};
pub use db::RequestRow;
use decision::decide;
pub use inquiries::{Held, Inquiries, Place};
pub use view::{Shown, shown};

use crate::{
    audit,
    canteen::{
        Diner, services,
        tariffs::{self, Grid, QuotientFrom},
    },
    db::Tx,
    error::{Error, Refusal},
    families,
    http::page::{Page, PageQuery},
    kernel::{
        ids::{AccountId, ChildId, IncomeRequestId, InquiryId},
        text::{Code, SeasonCode},
        time::paris_date,
    },
};
use beneficiary::Beneficiary;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use db::{ChildRow, NewRequest};
use serde_json::json;
use state::{AnswerWord, RequestEvent, RequestState, RequestStep, RequestWay};
use std::collections::BTreeSet;

const IDENTITY: &str = "canteen_rate_identity";
/// A process that has not said for so long that it is there is gone, and its tax numbers with it.
const LEASE: TimeDelta = TimeDelta::minutes(10);
/// An identity is not kept longer for an administration that does not answer.
const UNANSWERED_MAX: TimeDelta = TimeDelta::days(7);
/// Numbers given for one request: nobody finds one by trying.
const INQUIRIES_MAX: i16 = 5;
/// Requests of a family for a season: as many children, and some mistakes.
const REQUESTS_MAX: i64 = 20;
/// Children of a request: as many as a file holds.
const CHILDREN_MAX: usize = 15;
/// Requests sent on in one transaction.
const BATCH: i64 = 100;

/// How the family asks.
#[derive(Clone)]
pub enum Way {
    /// By the tax administration; the numbers are with the question, in memory.
    Tax {
        households: i16,
        inquiry: InquiryId,
    },
    Benefits(Beneficiary),
    Document,
}

impl Way {
    const fn word(&self) -> RequestWay {
        match self {
            Self::Tax { .. } => RequestWay::TaxAdministration,
            Self::Benefits(_) => RequestWay::FamilyBenefits,
            Self::Document => RequestWay::Document,
        }
    }
}

/// What a guardian ticked.
#[derive(Clone)]
pub struct Ticked {
    pub season: SeasonCode,
    pub children: Vec<ChildId>,
    pub text_version: Code,
    pub way: Way,
}

/// Records the request of a guardian with full rights, for children who are enrolled.
pub fn request_reduced_rate(tx: &mut Tx<'_>, by: AccountId, ticked: &Ticked) -> Result<Shown, Error> {
    let now = tx.now()?;
    let today = paris_date(now);
    let Ticked { season, children, text_version, way } = ticked;
    let distinct: BTreeSet<&ChildId> = children.iter().collect();
    let Some(first) = children.first().filter(|_| children.len() <= CHILDREN_MAX && distinct.len() == children.len())
    else {
        return Err(Error::field("/child_ids", format!("de 1 à {CHILDREN_MAX} enfants différents sont attendus")));
    };
    let family = families::child(tx, *first)?.family_id;
    families::require_full_rights(tx, family)?;
    services::require_canteen(tx)?;
    texts::require_in_force(text_version, today)?;
    let id = IncomeRequestId::generate();
    let mut rows = Vec::with_capacity(children.len());
    for child in children {
        if families::child(tx, *child)?.family_id != family {
            return Err(Error::field("/child_ids", "les enfants d'un même dossier sont attendus"));
        }
        let enrolment = db::enrolment(tx, *child, season)?.filter(|enrolment| today <= enrolment.ends_on);
        let enrolment = enrolment.ok_or(Error::Refused(Refusal::ReducedRateNotEnrolled))?;
        let starts_on = today.max(enrolment.starts_on);
        require_way(tx, (starts_on, enrolment.ends_on), way)?;
        let (before_id, after_id) = (None, None);
        let season = season.clone();
        rows.push(ChildRow {
            request_id: id,
            child_id: *child,
            family_id: family,
            season,
            starts_on,
            before_id,
            after_id,
        });
    }
    if db::count(tx, family, season)? >= REQUESTS_MAX {
        return Err(Refusal::ReducedRateTooMany.into());
    }
    let mut request = NewRequest {
        id,
        family_id: family,
        season: season.clone(),
        text_version: text_version.clone(),
        requested_by: by,
        requested_at: now,
        way: way.word(),
        households: None,
        state: RequestState::InProgress,
        inquiries: 1,
        inquiry_id: None,
        held_until: None,
        identity_sealed: None,
        next_try_at: None,
    };
    match way {
        Way::Tax { households, inquiry } => {
            request.households = Some(*households);
            request.inquiry_id = Some(*inquiry);
            request.held_until = Some(later(now, LEASE));
        }
        Way::Benefits(identity) => {
            let plain = serde_json::to_vec(identity).map_err(Error::internal)?;
            request.identity_sealed =
                Some(tx.key.seal(IDENTITY, id.uuid().as_bytes(), &plain).map_err(Error::internal)?);
            request.next_try_at = Some(now);
        }
        Way::Document => request.state = RequestState::DocumentNeeded,
    }
    let row = db::insert(tx, &request, &rows)?;
    db::insert_step(tx, &row, RequestStep::Requested)?;
    let details = json!({ "family_id": family, "season": season, "way": row.way, "text_version": text_version });
    audit::record(tx, "reduced_rate_requested", ("canteen_rate_request", id), details)?;
    notices::requested(tx, &row)?;
    shown(tx, row)
}

/// The way is one that a grid of these days wants; a document always is.
fn require_way(tx: &mut Tx<'_>, days: (NaiveDate, NaiveDate), way: &Way) -> Result<(), Error> {
    let tariffs = tariffs::tariffs_within(tx, Diner::Pupil, days)?;
    if tariffs.first().is_none_or(|(first, _)| *first > days.0) {
        return Err(Refusal::NoTariff.into());
    }
    let grids: Vec<&Grid> = tariffs.iter().map(|(_, tariff)| tariff.grid()).collect();
    if !grids.iter().any(|grid| grid.has_lower_prices()) {
        return Err(Refusal::ReducedRateNone.into());
    }
    let reads = |from| grids.iter().any(|grid| grid.reads_quotient() && grid.quotient_from == from);
    match (way, reads(QuotientFrom::Tax), reads(QuotientFrom::FamilyBenefits)) {
        (Way::Document, ..) | (Way::Tax { .. }, true, _) | (Way::Benefits(_), _, true) => Ok(()),
        (_, false, false) => Err(Error::field("/by_document", "ce tarif ne dépend que d'un document : envoyez-le")),
        (Way::Tax { .. }, ..) => {
            Err(Error::field("/taxpayers", "ce tarif demande l'état civil de l'allocataire de la CAF ou de la MSA"))
        }
        (Way::Benefits(_), ..) => Err(Error::field("/beneficiary", "ce tarif demande les numéros fiscaux")),
    }
}

/// Takes note that the guardian who asked gave his tax number again: a process has it in memory.
pub fn give_tax_numbers(
    tx: &mut Tx<'_>,
    by: AccountId,
    id: IncomeRequestId,
    (households, inquiry): (i16, InquiryId),
) -> Result<Shown, Error> {
    let now = tx.now()?;
    let family = db::request(tx, id)?.family_id;
    families::require_full_rights(tx, family)?;
    let row = db::lock(tx, id)?;
    // His tick is the proof of the question.
    if row.requested_by != by {
        return Err(Refusal::Forbidden.into());
    }
    let is_taxed = row.way == RequestWay::TaxAdministration && !is_over(&row.season, paris_date(now));
    let next = row.state.after(RequestEvent::GiveNumber).filter(|_| is_taxed);
    next.ok_or(Error::Refused(Refusal::ReducedRateTransition))?;
    if row.households != Some(households) {
        return Err(Error::field("/tax_households", "le nombre de foyers est celui de la demande ; sinon, retirez-la"));
    }
    if row.inquiries >= INQUIRIES_MAX {
        return Err(Refusal::ReducedRateTooMany.into());
    }
    let row = db::give_number(tx, id, inquiry, later(now, LEASE))?;
    db::insert_step(tx, &row, RequestStep::NumberGiven)?;
    audit::record(tx, "reduced_rate_number_given", ("canteen_rate_request", id), json!({}))?;
    shown(tx, row)
}

/// Withdraws an open request, for any guardian with full rights.
pub fn withdraw(tx: &mut Tx<'_>, id: IncomeRequestId) -> Result<Shown, Error> {
    let family = db::request(tx, id)?.family_id;
    families::require_full_rights(tx, family)?;
    let row = db::lock(tx, id)?;
    let row = close(tx, &row, RequestEvent::Withdraw, RequestStep::Withdrawn)?;
    audit::record(tx, "reduced_rate_withdrawn", ("canteen_rate_request", id), json!({}))?;
    shown(tx, row)
}

/// Closes a locked request that nobody decided: no price changes, and what it was asked with is gone.
fn close(tx: &mut Tx<'_>, row: &RequestRow, event: RequestEvent, step: RequestStep) -> Result<RequestRow, Error> {
    let next = row.state.after(event).ok_or(Error::Refused(Refusal::ReducedRateTransition))?;
    for child in db::children(tx, row.id)? {
        db::close_child(tx, &child, None)?;
    }
    db::insert_step(tx, row, step)?;
    db::stop_asking(tx, row.id, next, None)
}

/// Closes a batch of what nobody decided while its season lasted, and tells the families. Returns how many; there may be more.
pub fn close_past(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let past = db::lock_past(tx, BATCH)?;
    for row in &past {
        expire(tx, row)?;
    }
    Ok(past.len())
}

/// Closes a batch of requests none of whose children is enrolled any more, with what was sent for them, and tells the families. Returns how
/// many; there may be more.
pub fn close_left(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let left = db::lock_left(tx, BATCH)?;
    for row in &left {
        let row = close(tx, row, RequestEvent::Leave, RequestStep::LeftCanteen)?;
        audit::record(tx, "reduced_rate_left_canteen", ("canteen_rate_request", row.id), json!({}))?;
        proofs::clear_away(tx, &row)?;
        notices::left_canteen(tx, &row)?;
    }
    Ok(left.len())
}

fn expire(tx: &mut Tx<'_>, row: &RequestRow) -> Result<(), Error> {
    let row = close(tx, row, RequestEvent::Expire, RequestStep::Expired)?;
    audit::record(tx, "reduced_rate_expired", ("canteen_rate_request", row.id), json!({}))?;
    notices::expired(tx, &row)
}

/// Closes an open, locked request if its season is over, whoever meets it first; whether it was.
fn expire_past(tx: &mut Tx<'_>, row: &RequestRow) -> Result<bool, Error> {
    let is_past = is_over(&row.season, paris_date(tx.now()?));
    if is_past {
        expire(tx, row)?;
    }
    Ok(is_past)
}

/// Whether the last day of a season, 31 August, is over: then its means are emptied too.
fn is_over(season: &SeasonCode, today: NaiveDate) -> bool {
    let next = season.years().and_then(|(_, ends)| NaiveDate::from_ymd_opt(ends, 9, 1));
    next.is_some_and(|next| next <= today)
}

/// A page of the requests of the caller's files, the last made first.
pub fn list_requests(tx: &mut Tx<'_>, query: &PageQuery) -> Result<Page<Shown>, Error> {
    let (before, limit) = (query.after()?.map(IncomeRequestId::from_uuid), query.limit()?.saturating_add(1));
    let rows = db::page(tx, before, limit)?;
    let page = query.page(rows, |row| row.id.uuid())?;
    let items = page.items.into_iter().map(|row| shown(tx, row)).collect::<Result<_, _>>()?;
    Ok(Page { items, next_cursor: page.next_cursor })
}

pub fn show_request(tx: &mut Tx<'_>, id: IncomeRequestId) -> Result<Shown, Error> {
    let row = db::request(tx, id)?;
    shown(tx, row)
}

/// Sends a request to an agent: nothing is asked any more, and the family is told what to send.
fn give_up(tx: &mut Tx<'_>, row: &RequestRow, word: AnswerWord, detail: Option<&str>) -> Result<(), Error> {
    let next = row.state.after(RequestEvent::GiveUp).ok_or(Error::Refused(Refusal::ReducedRateTransition))?;
    db::insert_step(tx, row, RequestStep::DocumentNeeded)?;
    let row = db::stop_asking(tx, row.id, next, Some((word, detail)))?;
    audit::record(tx, "reduced_rate_answered", ("canteen_rate_request", row.id), json!({ "answer": word }))?;
    notices::document_needed(tx, &row)
}

/// Sends on a batch of what nobody asks any more: questions whose process is gone, and those that stay unanswered. Returns how many.
pub fn send_on_lost(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let now = tx.now()?;
    let lost = db::lock_lost(tx, BATCH)?;
    for row in &lost {
        let next = row.state.after(RequestEvent::Lose).ok_or_else(|| Error::internal("a lease without a question"))?;
        db::insert_step(tx, row, RequestStep::NumberNeeded)?;
        let row = db::stop_asking(tx, row.id, next, None)?;
        audit::record(tx, "reduced_rate_number_lost", ("canteen_rate_request", row.id), json!({}))?;
        notices::number_needed(tx, &row)?;
    }
    let unanswered = db::lock_unanswered(tx, now.checked_sub_signed(UNANSWERED_MAX).unwrap_or(now), BATCH)?;
    for row in &unanswered {
        give_up(tx, row, AnswerWord::GivenUp, None)?;
    }
    Ok(lost.len().saturating_add(unanswered.len()))
}

fn later(now: DateTime<Utc>, time: TimeDelta) -> DateTime<Utc> {
    now.checked_add_signed(time).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_season_ends_with_the_thirty_first_of_august() {
        let season = "2026-2027".parse().unwrap();
        for (day, over) in [("2026-09-01", false), ("2027-08-31", false), ("2027-09-01", true), ("2028-01-01", true)] {
            assert_eq!(super::is_over(&season, day.parse().unwrap()), over, "{day}");
        }
    }
}

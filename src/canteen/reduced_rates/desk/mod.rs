//! The agents' desk: which requests wait, one in hand, and what an agent decides after reading a document. Each reading is journalled.

pub mod http;

use super::{
    RequestRow, Shown,
    db::{self, Decided},
    decide, is_over,
    means::IncomeDate,
    proofs::{self, Seen},
    shown,
    state::{NothingReason, RequestEvent, RequestState},
};
use crate::{
    audit,
    canteen::{
        Diner,
        rates::{Known, MeansSource},
        tariffs::{self, Grid, Means},
    },
    db::Tx,
    documents::DocumentRow,
    error::{Error, Refusal},
    families,
    http::page::{Page, PageQuery},
    kernel::{
        ids::{AccountId, IncomeRequestId},
        text::{Name, Note, SeasonCode},
        time::paris_date,
    },
};
use chrono::{Datelike, NaiveDate};
use serde_json::json;

/// What the agent read.
#[derive(Debug, Clone)]
pub enum Reading {
    Means {
        known: Known,
        income_year: Option<i16>,
        seen: Seen,
    },
    /// Nothing that would change the price, and why.
    Nothing {
        reason: NothingReason,
        note: Option<Note>,
    },
}

/// A request that is not decided, with its children and the proofs of means that wait to be read.
pub struct WaitingRequest {
    pub row: RequestRow,
    pub children: Vec<Name>,
    pub proofs: Vec<DocumentRow>,
    /// Days since it was made.
    pub days: i64,
}

/// A page of the requests that are not decided, the first made first.
pub fn list_waiting(
    tx: &mut Tx<'_>,
    filter: (Option<RequestState>, bool),
    query: &PageQuery,
) -> Result<Page<WaitingRequest>, Error> {
    let (after, limit) = (query.after()?.map(IncomeRequestId::from_uuid), query.limit()?.saturating_add(1));
    let rows = db::open_page(tx, filter, after, limit)?;
    let page = query.page(rows, |row| row.id.uuid())?;
    let items = page.items.into_iter().map(|row| waiting(tx, row)).collect::<Result<_, _>>()?;
    Ok(Page { items, next_cursor: page.next_cursor })
}

fn waiting(tx: &mut Tx<'_>, row: RequestRow) -> Result<WaitingRequest, Error> {
    let mut children = vec![];
    for child in db::children(tx, row.id)? {
        children.push(families::child(tx, child.child_id)?.first_names);
    }
    let proofs = proofs::waiting(&proofs::of_request(tx, &row)?).cloned().collect();
    let days = paris_date(tx.now()?).signed_duration_since(paris_date(row.requested_at)).num_days();
    Ok(WaitingRequest { row, children, proofs, days })
}

/// The whole request, means included. The reading itself is journalled.
pub fn inspect(tx: &mut Tx<'_>, id: IncomeRequestId) -> Result<Shown, Error> {
    let row = db::request(tx, id)?;
    audit::record(tx, "reduced_rate_inspected", ("canteen_rate_request", id), json!({ "family_id": row.family_id }))?;
    shown(tx, row)
}

/// Decides a request that is not decided, whatever an administration may still answer, on what was seen. Refused once its season is over: the
/// service closes it.
pub fn decide_request(
    tx: &mut Tx<'_>,
    by: AccountId,
    id: IncomeRequestId,
    version: i32,
    reading: &Reading,
) -> Result<Shown, Error> {
    let (row, today) = (db::lock(tx, id)?, paris_date(tx.now()?));
    if row.version != version {
        return Err(Refusal::StaleVersion.into());
    }
    if row.state.after(RequestEvent::Decide).is_none() || is_over(&row.season, today) {
        return Err(Refusal::ReducedRateTransition.into());
    }
    let (known, decided) = match reading {
        Reading::Means { known, income_year, seen } => {
            require_priced(tx, &row, known)?;
            require_year(&row.season, today, known, *income_year)?;
            let date = income_year.map(|year| IncomeDate { year, month: None, is_year_before: false });
            proofs::accept(tx, &row, seen)?;
            let (source, note) = (MeansSource::Document, seen.note.as_ref());
            let read = &seen.documents;
            (known.clone(), Decided { source, date, answer: None, by: Some(by), reason: None, note, read })
        }
        Reading::Nothing { reason, note } => {
            let means = Means::Unknown { because: reason.unknown() };
            let (source, reason, note) = (MeansSource::Nothing, Some(*reason), note.as_ref());
            let decided = Decided { source, date: None, answer: None, by: Some(by), reason, note, read: &[] };
            (Known { means, statuses: vec![] }, decided)
        }
    };
    let row = decide(tx, &row, RequestEvent::Decide, &known, &decided)?;
    shown(tx, row)
}

/// A tax notice is of a year, and the price is said to be of it: of one that is over, and no older than the one that the administration itself
/// would fall back to. What is no tax notice is of no year.
fn require_year(season: &SeasonCode, today: NaiveDate, known: &Known, income_year: Option<i16>) -> Result<(), Error> {
    let last = today.year().saturating_sub(1);
    let oldest = season.years().map_or(last, |(first, _)| first.saturating_sub(2));
    let is_notice = matches!(known.means, Means::Tax { .. });
    let is_told = match income_year {
        Some(year) => is_notice && (oldest..=last).contains(&i32::from(year)),
        None => !is_notice,
    };
    if is_told {
        return Ok(());
    }
    if !is_notice {
        return Err(Error::field("/income_year", "une année de revenus ne va qu'avec les chiffres d'un avis d'impôt"));
    }
    Err(Error::field("/income_year", format!("une année de revenus de {oldest} à {last} est attendue")))
}

/// Only figures that a grid of these days reads, in force or to come, and statuses that one prices mean something.
fn require_priced(tx: &mut Tx<'_>, row: &RequestRow, known: &Known) -> Result<(), Error> {
    let mut tariffs = vec![];
    for child in db::children(tx, row.id)? {
        let last = db::enrolment(tx, child.child_id, &child.season)?.map(|enrolment| enrolment.ends_on);
        let days = (child.starts_on, last.unwrap_or(child.starts_on).max(child.starts_on));
        tariffs.extend(tariffs::tariffs_within(tx, Diner::Pupil, days)?);
    }
    if tariffs.is_empty() {
        return Err(Refusal::NoTariff.into());
    }
    let grids: Vec<&Grid> = tariffs.iter().map(|(_, tariff)| tariff.grid()).collect();
    let is_read = grids.iter().any(|grid| known.means.clone().read_by(grid) == known.means);
    match &known.means {
        Means::Tax { .. } if !is_read => {
            return Err(Error::field("/households", "ce tarif demande le quotient familial de la CAF ou de la MSA"));
        }
        Means::Quotient { .. } if !is_read => {
            return Err(Error::field("/quotient_cents", "ce tarif demande les revenus et les parts des avis d'impôt"));
        }
        _ => {}
    }
    tariffs::require_priced(&known.statuses, |status| grids.iter().any(|grid| grid.has_price_of(status)))
}

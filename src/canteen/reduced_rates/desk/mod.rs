//! The agents' desk: which requests wait, one in hand, and what an agent decides after reading a document. Each reading is journalled.

pub mod http;

use super::{
    RequestRow, Shown,
    db::{self, Decided},
    decide,
    means::IncomeDate,
    shown,
    state::{NothingReason, RequestEvent, RequestState},
};
use crate::{
    audit,
    canteen::{
        Diner,
        rates::{Known, MeansSource},
        tariffs::{self, Means},
    },
    db::Tx,
    documents::{self, kinds::DocumentKind, state::DocumentState},
    error::{Error, Refusal},
    families,
    http::page::{Page, PageQuery},
    kernel::{
        ids::{AccountId, DocumentId, IncomeRequestId},
        text::{Code, Name, Note},
        time::paris_date,
    },
};
use chrono::Datelike;
use serde_json::json;

/// What the agent read.
#[derive(Debug, Clone)]
pub enum Reading {
    Means {
        known: Known,
        income_year: Option<i16>,
    },
    /// Nothing that would change the price, and why.
    Nothing {
        reason: NothingReason,
        note: Option<Note>,
    },
}

/// A request that is not decided, with its children and the tax notices that wait to be read.
pub struct WaitingRequest {
    pub row: RequestRow,
    pub children: Vec<Name>,
    pub documents: Vec<DocumentId>,
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
    let documents = notices_of(tx, &row)?;
    let days = paris_date(tx.now()?).signed_duration_since(paris_date(row.requested_at)).num_days();
    Ok(WaitingRequest { row, children, documents, days })
}

/// The tax notices that were sent for the children of a request and that nobody has decided on.
fn notices_of(tx: &mut Tx<'_>, row: &RequestRow) -> Result<Vec<DocumentId>, Error> {
    let mut ids = vec![];
    for child in db::children(tx, row.id)? {
        let sent = documents::of_season(tx, child.child_id, &row.season)?;
        let waits = |document: &documents::DocumentRow| {
            document.kind == DocumentKind::TaxNotice && document.state == DocumentState::Received
        };
        ids.extend(sent.into_iter().filter(waits).map(|document| document.id));
    }
    Ok(ids)
}

/// The whole request, means included. The reading itself is journalled.
pub fn inspect(tx: &mut Tx<'_>, id: IncomeRequestId) -> Result<(Shown, Vec<DocumentId>), Error> {
    let row = db::request(tx, id)?;
    audit::record(tx, "reduced_rate_inspected", ("canteen_rate_request", id), json!({ "family_id": row.family_id }))?;
    let documents = notices_of(tx, &row)?;
    Ok((shown(tx, row)?, documents))
}

/// Decides a request that is not decided, whatever an administration may still answer.
pub fn decide_request(
    tx: &mut Tx<'_>,
    by: AccountId,
    id: IncomeRequestId,
    version: i32,
    reading: &Reading,
) -> Result<(Shown, Vec<DocumentId>), Error> {
    let (row, now) = (db::lock(tx, id)?, tx.now()?);
    if row.version != version {
        return Err(Refusal::StaleVersion.into());
    }
    let (known, decided) = match reading {
        Reading::Means { known, income_year } => {
            require_statuses(tx, &row, &known.statuses)?;
            // A year that is not over has no notice.
            if income_year.is_some_and(|year| i32::from(year) >= paris_date(now).year()) {
                return Err(Error::field("/income_year", "une année de revenus passée est attendue"));
            }
            let date = income_year.map(|year| IncomeDate { year, month: None, is_year_before: false });
            let source = MeansSource::Document;
            (known.clone(), Decided { source, date, answer: None, by: Some(by), nothing: None })
        }
        Reading::Nothing { reason, note } => {
            let means = Means::Unknown { because: reason.unknown() };
            let (source, nothing) = (MeansSource::Nothing, Some((*reason, note.as_ref())));
            (Known { means, statuses: vec![] }, Decided { source, date: None, answer: None, by: Some(by), nothing })
        }
    };
    let row = decide(tx, &row, RequestEvent::Decide, &known, &decided)?;
    let documents = notices_of(tx, &row)?;
    Ok((shown(tx, row)?, documents))
}

/// Only statuses that the grid prices mean something.
fn require_statuses(tx: &mut Tx<'_>, row: &RequestRow, statuses: &[Code]) -> Result<(), Error> {
    let Some(day) = db::children(tx, row.id)?.iter().map(|child| child.starts_on).min() else { return Ok(()) };
    if statuses.is_empty() {
        return Ok(());
    }
    let tariff = tariffs::tariff_on(tx, Diner::Pupil, day)?;
    for (place, status) in statuses.iter().enumerate() {
        if !tariff.grid().statuses.iter().any(|line| line.status == *status) {
            return Err(Error::field(format!("/statuses/{place}"), "cette situation n'est pas tarifée par la grille"));
        }
    }
    Ok(())
}

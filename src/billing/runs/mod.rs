//! The monthly run: `draft → checked → issued`, or abandoned. A draft may be made again as often as wanted; one person checks it, another
//! issues what was checked, by the digest of its lines. Each step is one transaction: no half-made run is ever seen.

mod compute;
mod db;
pub mod http;
mod issue;
pub mod state;

pub use db::{DifferenceRow, DraftRow, DraftedRow, RunRow};
pub(super) use issue::hold_series;
pub use state::RunState;

use super::{in_journal, take_time, take_turns};
use crate::{
    audit,
    canteen::services,
    db::Tx,
    error::{Error, Refusal},
    http::page::{Page, PageQuery},
    kernel::{
        ids::{AccountId, BillRunId},
        money::Cents,
        month::Month,
        time::paris_date,
    },
};
use chrono::{Datelike, Days};
use data_encoding::HEXLOWER;
use db::Step;
use issue::Dates;
use serde_json::json;
use state::RunEvent;

/// A run with its present draft and the one before.
#[derive(Debug)]
pub struct Run {
    pub row: RunRow,
    pub draft: DraftRow,
    pub before: Option<DraftRow>,
}

/// What a person has seen of a draft, and gives back.
#[derive(Debug, Clone)]
pub struct Seen {
    pub digest: Vec<u8>,
    pub documents: i64,
    pub total: Cents,
}

/// Begins the run of a month with its first draft.
pub fn begin_bill_run(tx: &mut Tx<'_>, by: AccountId, month: Month, due_days: i16) -> Result<Run, Error> {
    services::require_canteen_once(tx)?;
    let now = tx.now()?;
    take_turns(tx)?;
    if paris_date(now) < month.next_first_day() {
        return Err(Error::field("/month", "un mois fini est attendu"));
    }
    // What changed since the last run is looked at once: in the months of that run, all of which are this one's too.
    if db::last_month(tx)?.is_some_and(|last| month < last) {
        return Err(Error::field("/month", "le mois des dernières factures émises, ou un mois suivant, est attendu"));
    }
    let row = RunRow {
        id: BillRunId::generate(),
        month,
        state: RunState::Draft,
        due_days,
        draft_no: 1,
        begun_by: by,
        begun_at: now,
        checked_by: None,
        checked_at: None,
        issued_by: None,
        issued_at: None,
        abandoned_by: None,
        abandoned_at: None,
    };
    db::insert(tx, &row)?;
    let draft = draft(tx, by, &row)?;
    if draft.bills == 0 && draft.credit_notes == 0 && draft.unpriced == 0 {
        return Err(Refusal::BillRunNothing.into());
    }
    shown(tx, row)
}

/// Computes the draft anew. What was checked is to be checked again.
pub fn redraft_bill_run(tx: &mut Tx<'_>, by: AccountId, id: BillRunId) -> Result<Run, Error> {
    let row = locked(tx, id)?;
    let state = row.state.after(RunEvent::Redraft).ok_or(Error::Refused(Refusal::BillRunTransition))?;
    let draft_no = row.draft_no.saturating_add(1);
    let row = db::step(tx, id, &Step { draft_no, ..Step::to(&row, state) })?;
    draft(tx, by, &row)?;
    shown(tx, row)
}

/// Says that a draft is right: the one whose digest is given.
pub fn check_bill_run(tx: &mut Tx<'_>, by: AccountId, id: BillRunId, digest: &[u8]) -> Result<Run, Error> {
    let row = locked(tx, id)?;
    let state = row.state.after(RunEvent::Check).ok_or(Error::Refused(Refusal::BillRunTransition))?;
    let draft = present(tx, &row)?;
    if draft.digest != digest {
        return Err(Refusal::BillRunFigures.into());
    }
    if draft.unpriced > 0 {
        let because = format!(
            "{} repas n'ont pas de tarif ou de payeur : complétez-les, puis refaites le brouillon.",
            draft.unpriced
        );
        return Err(Error::RefusedBecause(Refusal::BillRunUnpriced, because));
    }
    let now = tx.now()?;
    let step = Step { checked_by: Some(by), checked_at: Some(now), ..Step::to(&row, state) };
    let row = db::step(tx, id, &step)?;
    record(tx, "canteen_bill_run_checked", &row, &draft)?;
    shown(tx, row)
}

/// Issues what another person checked. Count and total are those that the issuer read; the lines still are those of the digest.
pub fn issue_bill_run(tx: &mut Tx<'_>, by: AccountId, id: BillRunId, seen: &Seen) -> Result<Run, Error> {
    let row = locked(tx, id)?;
    let state = row.state.after(RunEvent::Issue).ok_or(Error::Refused(Refusal::BillRunTransition))?;
    if row.checked_by == Some(by) {
        return Err(Refusal::SamePerson.into());
    }
    let draft = present(tx, &row)?;
    if draft.digest != seen.digest || draft.documents() != seen.documents || draft.total()? != seen.total {
        return Err(Refusal::BillRunFigures.into());
    }
    take_time(tx)?;
    if compute::sums(tx, (id, row.draft_no))?.digest != draft.digest {
        tracing::error!(run = %id, "a checked draft is not what it was");
        return Err(Refusal::BillRunTampered.into());
    }
    let at = tx.now()?;
    let on = paris_date(at);
    let due_on = u64::try_from(row.due_days).ok().and_then(|days| on.checked_add_days(Days::new(days))).unwrap_or(on);
    issue::hold_series(tx, on.year())?;
    let issued = issue::issue(tx, (id, row.draft_no), row.month, Dates { at, on, due_on, year: on.year() })?;
    if issued.documents != seen.documents || Cents::new(issued.cents) != seen.total {
        return Err(Error::internal("what was issued is not what was drafted"));
    }
    let row = db::step(tx, id, &Step { issued_by: Some(by), issued_at: Some(at), ..Step::to(&row, state) })?;
    record(tx, "canteen_bill_run_issued", &row, &draft)?;
    shown(tx, row)
}

/// Gives up a run that was not issued: the months it took wait for the next one.
pub fn abandon_bill_run(tx: &mut Tx<'_>, by: AccountId, id: BillRunId) -> Result<Run, Error> {
    let row = locked(tx, id)?;
    let state = row.state.after(RunEvent::Abandon).ok_or(Error::Refused(Refusal::BillRunTransition))?;
    let now = tx.now()?;
    db::release_months(tx, id)?;
    let step = Step { checked_by: None, checked_at: None, ..Step::to(&row, state) };
    let row = db::step(tx, id, &Step { abandoned_by: Some(by), abandoned_at: Some(now), ..step })?;
    let draft = present(tx, &row)?;
    record(tx, "canteen_bill_run_abandoned", &row, &draft)?;
    shown(tx, row)
}

/// Whether a run is made and not yet issued.
pub fn is_under_way(tx: &mut Tx<'_>) -> Result<bool, Error> {
    db::is_under_way(tx)
}

/// A run that nobody else changes until the end of the transaction.
fn locked(tx: &mut Tx<'_>, id: BillRunId) -> Result<RunRow, Error> {
    take_turns(tx)?;
    db::lock(tx, id)
}

/// A run as it stands.
pub fn show_bill_run(tx: &mut Tx<'_>, id: BillRunId) -> Result<Run, Error> {
    let row = db::run(tx, id)?;
    shown(tx, row)
}

/// Runs of the department, newest first.
pub fn list_bill_runs(tx: &mut Tx<'_>, query: &PageQuery) -> Result<Page<RunRow>, Error> {
    let before = query.after()?.map(BillRunId::from_uuid);
    let rows = db::page(tx, before, query.limit()?.saturating_add(1))?;
    query.page(rows, |row| row.id.uuid())
}

/// Payers who would be billed otherwise than by the draft before.
pub fn list_differences(tx: &mut Tx<'_>, id: BillRunId, query: &PageQuery) -> Result<Page<DifferenceRow>, Error> {
    let row = db::run(tx, id)?;
    let rows = db::difference(tx, (id, row.draft_no), query.after()?, query.limit()?.saturating_add(1))?;
    query.page(rows, |row| row.payer_id.uuid())
}

/// What the draft would issue, document by document.
pub fn list_drafted_bills(tx: &mut Tx<'_>, id: BillRunId, query: &PageQuery) -> Result<Page<DraftedRow>, Error> {
    let row = db::run(tx, id)?;
    let rows = db::drafted(tx, (id, row.draft_no), query.after()?, query.limit()?.saturating_add(1))?;
    query.page(rows, |row| i64::from(row.rank))
}

impl DraftRow {
    /// Bills and credit notes.
    #[must_use]
    pub const fn documents(&self) -> i64 {
        self.bills.saturating_add(self.credit_notes)
    }
    /// What is billed less what is credited.
    pub fn total(&self) -> Result<Cents, Error> {
        self.billed.checked_add(self.credited).ok_or_else(|| Error::internal("the total of a draft overflows"))
    }
}

impl Step {
    /// The run as it is, in another state; a draft is unchecked.
    fn to(row: &RunRow, state: RunState) -> Self {
        let checked = state != RunState::Draft;
        Self {
            state,
            draft_no: row.draft_no,
            checked_by: row.checked_by.filter(|_| checked),
            checked_at: row.checked_at.filter(|_| checked),
            issued_by: None,
            issued_at: None,
            abandoned_by: None,
            abandoned_at: None,
        }
    }
}

/// Computes the draft that the row names.
fn draft(tx: &mut Tx<'_>, by: AccountId, row: &RunRow) -> Result<DraftRow, Error> {
    take_time(tx)?;
    db::take_months(tx, row.id, row.month)?;
    let since = db::unseen_since(tx)?;
    let key = (row.id, row.draft_no);
    let computed = compute::compute(tx, key, row.month, since)?;
    let sums = compute::sums(tx, key)?;
    let draft = DraftRow {
        run_id: row.id,
        draft_no: row.draft_no,
        bills: sums.bills,
        billed: Cents::new(sums.bills_cents),
        credit_notes: sums.credit_notes,
        credited: Cents::new(sums.credits_cents),
        unpriced: computed.unpriced,
        digest: sums.digest,
        drafted_by: by,
        drafted_at: tx.now()?,
        left_out: Some(db::left_out(tx, row.month)?),
    };
    db::insert_draft(tx, &draft)?;
    db::forget_lines(tx, row.id, row.draft_no.saturating_sub(1))?;
    record(tx, "canteen_bills_drafted", row, &draft)?;
    tracing::info!(run = %row.id, lines = computed.lines, unpriced = computed.unpriced, "bills are drafted");
    Ok(draft)
}

fn present(tx: &mut Tx<'_>, row: &RunRow) -> Result<DraftRow, Error> {
    db::draft(tx, row.id, row.draft_no)?.ok_or_else(|| Error::internal("a run without its draft"))
}

fn shown(tx: &mut Tx<'_>, row: RunRow) -> Result<Run, Error> {
    let (draft, before) = (present(tx, &row)?, db::draft(tx, row.id, row.draft_no.saturating_sub(1))?);
    Ok(Run { row, draft, before })
}

fn record(tx: &mut Tx<'_>, action: &str, row: &RunRow, draft: &DraftRow) -> Result<(), Error> {
    let details = json!({
        "month": row.month, "draft": row.draft_no, "bills": draft.bills, "bills_cents": draft.billed, "credit_notes": draft.credit_notes,
        "credits_cents": draft.credited, "digest": HEXLOWER.encode(&draft.digest),
    });
    audit::record(tx, action, in_journal(row.id), details)
}

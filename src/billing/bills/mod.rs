//! Bills and credit notes as they were issued: read by whoever pays, and by the department's agents, whose readings are journalled.

mod db;
pub mod http;
pub mod notices;
pub mod paper;

pub use db::{BillRow, Filter, LineRow};

use super::{BillKind, LineKind};
use crate::{
    audit,
    canteen::{
        rates,
        tariffs::{
            Explained,
            explained::{Applied, Step},
        },
    },
    db::Tx,
    error::Error,
    http::page::{Page, PageQuery},
    kernel::{
        ids::{BillId, RateId},
        money::Cents,
    },
};
use serde::Deserialize;
use serde_json::json;

/// A bill without its lines.
#[derive(Debug)]
pub struct Head {
    pub row: BillRow,
    /// What of it is neither paid nor credited; none of a credit note.
    pub left: Option<Cents>,
}

/// A bill and its lines.
#[derive(Debug)]
pub struct Bill {
    pub row: BillRow,
    /// As in its [`Head`].
    pub left: Option<Cents>,
    pub number: String,
    /// The number of the bill that a credit note corrects.
    pub corrects: Option<String>,
    pub lines: Vec<Line>,
}

/// A line, with why the unit costs what it costs.
#[derive(Debug)]
pub struct Line {
    pub row: LineRow,
    /// Sentences, without the figures of tax notices.
    pub explanation: Vec<String>,
    /// The number of the bill that billed this month first.
    pub origin: Option<String>,
}

/// A bill that the caller may see. `journalled` when an agent reads it.
pub fn show_bill(tx: &mut Tx<'_>, id: BillId, journalled: bool) -> Result<Bill, Error> {
    let row = db::bill(tx, id)?;
    if journalled {
        audit::record(tx, "canteen_bill_read", ("bill", id), json!({ "payer_id": row.payer_id }))?;
    }
    let department = tx.place.to_string();
    let number = |kind: BillKind, year: i32, number: i32| super::number(&department, kind, year, number);
    let of_bill = |(year, rank): (i32, i32)| number(BillKind::Bill, year, rank);
    let corrects = row.corrects.map(|corrected| db::bill(tx, corrected)).transpose()?;
    let rows = db::lines(tx, id)?;
    let rates: Vec<RateId> = rows.iter().filter_map(|row| row.rate_id).collect();
    let secret = rates::secret_of(tx, &rates)?;
    let lines = rows.into_iter().map(|row| {
        let hides_means = row.rate_id.is_some_and(|rate| secret.contains(&rate));
        let explanation = explanation(&row, hides_means)?;
        Ok(Line { explanation, origin: row.origin_year.zip(row.origin_number).map(of_bill), row })
    });
    let lines = lines.collect::<Result<_, Error>>()?;
    Ok(Bill {
        left: left(tx, std::slice::from_ref(&row))?(&row),
        number: number(row.kind, row.year, row.number),
        corrects: corrects.map(|bill| of_bill((bill.year, bill.number))),
        lines,
        row,
    })
}

/// A bill without its lines.
pub fn head(tx: &mut Tx<'_>, id: BillId) -> Result<BillRow, Error> {
    db::bill(tx, id)
}

/// Whether an agent took that bill back.
pub fn is_taken_back(tx: &mut Tx<'_>, id: BillId) -> Result<bool, Error> {
    db::is_taken_back(tx, id)
}

/// Bills and credit notes that the caller may see, newest first.
pub fn list_bills(tx: &mut Tx<'_>, filter: &Filter, query: &PageQuery) -> Result<Page<Head>, Error> {
    let rows = db::page(tx, filter, query.after()?.map(BillId::from_uuid), query.limit()?.saturating_add(1))?;
    let page = query.page(rows, |row| row.id.uuid())?;
    let left = left(tx, &page.items)?;
    Ok(page.map(|row| Head { left: left(&row), row }))
}

/// What is left to pay of each of these bills, and of no credit note.
fn left(tx: &mut Tx<'_>, rows: &[BillRow]) -> Result<impl Fn(&BillRow) -> Option<Cents> + use<>, Error> {
    let unpaid = db::unpaid(tx, rows.iter().map(|row| row.payer_id))?;
    Ok(move |row: &BillRow| (row.kind == BillKind::Bill).then(|| unpaid.get(&row.id).copied().unwrap_or(Cents::ZERO)))
}

/// What was said when the rate was set stays said; a meal without a rate has the price of its grid, and says what the simulator says of it. Of a
/// rate of somebody else's file only the price is told.
fn explanation(row: &LineRow, hides_means: bool) -> Result<Vec<String>, Error> {
    let Some(told) = &row.explanation else {
        let walk_in =
            (row.kind == LineKind::WalkIn).then(|| Step::new(Applied::WalkIn, row.unit.get().into()).sentence);
        let of_grid = |label: &String| format!("Prix fixé par la grille « {label} » : {}.", row.unit);
        let of_rate = row.rate_id.map(|_| format!("Prix fixé pour ce convive : {}.", row.unit));
        return Ok(walk_in.into_iter().chain(row.grid_label.iter().map(of_grid)).chain(of_rate).collect());
    };
    let explained = Explained::deserialize(told).map_err(Error::internal)?;
    let explained = if hides_means { explained.without_means() } else { explained };
    Ok(explained.steps.into_iter().map(|step| step.sentence).collect())
}

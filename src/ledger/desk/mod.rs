//! Money as the department's agents see it, before they correct, decide or answer: a child's wallets, their lines, what is set aside,
//! what was refused, one movement, the movements of a merchant.
//!
//! Every reading is a line of the journal: who looked at whose money is known afterwards.

mod db;
pub mod http;
pub mod view;

pub use db::MovementRow;

use super::{
    Line, Wallet,
    db::merchant_names,
    refusals::{self, Refused},
    tickets::{self, Ticket},
};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    http::page::{Page, PageQuery},
    kernel::{
        ids::{ChildId, MerchantId, TransferId, WalletId},
        money::Cents,
    },
};
use chrono::NaiveDate;
use serde_json::json;
use std::collections::BTreeMap;

/// A movement, with its merchant's name.
#[derive(Debug, Clone)]
pub struct Seen {
    pub row: MovementRow,
    pub merchant_name: Option<String>,
}

/// Which movements: of one merchant, and, where given, between two days of Paris, both included, and of that amount.
#[derive(Debug, Clone)]
pub struct Search {
    pub merchant: MerchantId,
    pub from: Option<NaiveDate>,
    pub until: Option<NaiveDate>,
    pub amount: Option<Cents>,
}

/// The wallets of a child.
pub fn inspect_wallets(tx: &mut Tx<'_>, child: ChildId) -> Result<Vec<Wallet>, Error> {
    let wallets = super::list_wallets(tx, child)?;
    audit::record(tx, "wallets_inspected", ("child", child), json!({}))?;
    Ok(wallets)
}

/// The lines of a wallet, newest first.
pub fn inspect_statement(tx: &mut Tx<'_>, wallet: WalletId, query: &PageQuery) -> Result<Page<Line>, Error> {
    let page = super::show_statement(tx, wallet, query)?;
    audit::record(tx, "statement_inspected", ("wallet", wallet), json!({ "lines": page.items.len() }))?;
    Ok(page)
}

/// What is or was set aside of a wallet by tills and by its family, newest first. Never the code of a ticket: it is as good as money.
pub fn inspect_holds(tx: &mut Tx<'_>, wallet: WalletId, query: &PageQuery) -> Result<Page<Ticket>, Error> {
    let page = tickets::list_holds(tx, wallet, query)?;
    audit::record(tx, "holds_inspected", ("wallet", wallet), json!({ "holds": page.items.len() }))?;
    Ok(page)
}

/// The payments refused to a child's cards, newest first.
pub fn inspect_refused_payments(tx: &mut Tx<'_>, child: ChildId, query: &PageQuery) -> Result<Page<Refused>, Error> {
    let page = refusals::list_refused_payments(tx, child, query)?;
    audit::record(tx, "refused_payments_inspected", ("child", child), json!({ "lines": page.items.len() }))?;
    Ok(page)
}

/// One movement.
pub fn inspect_movement(tx: &mut Tx<'_>, id: TransferId) -> Result<Seen, Error> {
    let seen = movements(tx, &[id])?.remove(&id).ok_or(Error::Refused(Refusal::NotFound))?;
    audit::record(tx, "movement_inspected", ("transfer", id), json!({}))?;
    Ok(seen)
}

/// The movements of a merchant, newest first. The journal tells which ones were shown.
pub fn search_movements(tx: &mut Tx<'_>, search: &Search, query: &PageQuery) -> Result<Page<Seen>, Error> {
    let before = query.after()?.map(TransferId::from_uuid);
    let rows = db::search(tx, search, before, query.limit()?.saturating_add(1))?;
    let page = query.page(named(tx, rows)?, |seen| seen.row.id.uuid())?;
    let shown: Vec<TransferId> = page.items.iter().map(|seen| seen.row.id).collect();
    audit::record(tx, "movements_searched", ("merchant", search.merchant), json!({ "transfers": shown }))?;
    Ok(page)
}

/// These movements by their ids, for those who show them among other things and journal that themselves.
pub fn movements(tx: &mut Tx<'_>, ids: &[TransferId]) -> Result<BTreeMap<TransferId, Seen>, Error> {
    let rows = db::movements(tx, ids)?;
    Ok(named(tx, rows)?.into_iter().map(|seen| (seen.row.id, seen)).collect())
}

fn named(tx: &mut Tx<'_>, rows: Vec<MovementRow>) -> Result<Vec<Seen>, Error> {
    let names = merchant_names(tx, rows.iter().filter_map(|row| row.merchant_id))?;
    let seen = |row: MovementRow| {
        let merchant_name = row.merchant_id.and_then(|id| names.get(&id).cloned());
        Seen { row, merchant_name }
    };
    Ok(rows.into_iter().map(seen).collect())
}

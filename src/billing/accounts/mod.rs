//! The account of whoever pays: its bills, credit notes, payments and refunds, and what they come to. Nothing of it is kept: it is added up
//! each time.

mod db;
pub mod http;

pub use db::{EntryKind, EntryRow};

use super::Payer;
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    http::page::{Page, PageQuery},
    kernel::{
        ids::{PayerId, PaymentId},
        money::Cents,
        text::SeasonCode,
    },
};
use chrono::NaiveDate;
use serde_json::json;

/// An account, with a page of what moved it.
#[derive(Debug)]
pub struct Account {
    pub payer: Payer,
    /// What is owed; negative in the payer's favour.
    pub balance: Cents,
    /// What of it is late.
    pub overdue: Cents,
    /// Seasons for which the family may enrol although it owes something.
    pub waived: Vec<SeasonCode>,
    pub entries: Page<EntryRow>,
}

/// The payer of that id, if the caller may see him.
pub fn payer(tx: &mut Tx<'_>, id: PayerId) -> Result<Payer, Error> {
    db::payer(tx, id)?.ok_or(Error::Refused(Refusal::NotFound))
}

/// An account that the caller may see; `journalled` when an agent reads it.
pub fn show_account(tx: &mut Tx<'_>, id: PayerId, journalled: bool, query: &PageQuery) -> Result<Account, Error> {
    let payer = payer(tx, id)?;
    if journalled {
        audit::record(tx, "canteen_account_read", ("payer", id), json!({}))?;
    }
    let rows = db::entries(tx, id, query.after()?, query.limit()?.saturating_add(1))?;
    let entries = query.page(rows, |row| (row.at.timestamp_micros(), row.id))?;
    let (balance, overdue) = db::owed(tx, id)?;
    Ok(Account { payer, balance, overdue, waived: db::waived(tx, id)?, entries })
}

/// The day of the first thing that moved an account, that refund aside.
pub fn first_day(tx: &mut Tx<'_>, id: PayerId, but: PaymentId) -> Result<Option<NaiveDate>, Error> {
    db::first_day(tx, id, but)
}

/// What an account comes to now.
pub fn balance(tx: &mut Tx<'_>, id: PayerId) -> Result<Cents, Error> {
    Ok(db::owed(tx, id)?.0)
}

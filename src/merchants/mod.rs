//! Organisations that families pay with their wallets. Who they are is known to every department (the directory); what one of them agreed
//! with a department lies with that department, as do the sums it is owed.

pub mod counter;
mod db;
pub mod devices;
pub mod http;
pub mod state;

use crate::{
    audit,
    db::{DirectoryTx, Tx},
    error::{Error, Refusal},
    http::page::{Page, PageQuery},
    kernel::{
        ids::{AffiliationId, MerchantId},
        text::{Label, Siret},
        time::paris_date,
        words::WalletKind,
    },
    ledger,
};
use chrono::{Datelike, NaiveDate};
pub use db::{AffiliationRow, MerchantRow};
use serde_json::json;
use state::{AffiliationEvent, AffiliationState};
use std::collections::BTreeMap;

/// Years a convention may name: anything else is a slip of the hand.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2100;

text_enum! {
    /// How an affiliation begins: in force, or as a request to be looked at.
    pub enum FirstState { Applied = "applied", Active = "active" }
}

/// What a department and a merchant agree on.
#[derive(Debug, Clone)]
pub struct Terms {
    pub wallet_kind: WalletKind,
    pub starts_on: NaiveDate,
    pub ends_on: Option<NaiveDate>,
    pub state: FirstState,
}

impl Terms {
    fn check(&self) -> Result<(), Error> {
        let plausible = |date: NaiveDate| YEARS.contains(&date.year());
        if !plausible(self.starts_on) {
            return Err(Error::field("/starts_on", "une date entre 2000 et 2100 est attendue"));
        }
        match self.ends_on {
            Some(ends_on) if ends_on < self.starts_on || !plausible(ends_on) => {
                Err(Error::field("/ends_on", "une date entre celle du début et 2100 est attendue"))
            }
            _ => Ok(()),
        }
    }
}

/// Enters an organisation in the directory. One already known is affiliated as it is.
pub fn register_merchant(tx: &mut DirectoryTx<'_>, siret: &Siret, name: &Label) -> Result<MerchantRow, Error> {
    let now = tx.now()?;
    let row = db::insert_merchant(tx, MerchantId::generate(), siret, name, now)?;
    audit::record(tx, "merchant_registered", ("merchant", row.id), json!({}))?;
    Ok(row)
}

/// Organisations of the directory: those with this SIRET, those whose name holds that text.
pub fn list_merchants(
    tx: &mut DirectoryTx<'_>,
    siret: Option<&Siret>,
    part: Option<&Label>,
    query: &PageQuery,
) -> Result<Page<MerchantRow>, Error> {
    let after = query.after()?.map(MerchantId::from_uuid);
    let rows = db::merchants(tx, siret, part.map(Label::as_str), after, query.limit()?.saturating_add(1))?;
    query.page(rows, |row| row.id.uuid())
}

/// One organisation of the directory.
pub fn merchant(tx: &mut DirectoryTx<'_>, id: MerchantId) -> Result<MerchantRow, Error> {
    db::merchant(tx, id)
}

/// The numbers of these organisations.
pub fn sirets(tx: &mut DirectoryTx<'_>, ids: &[MerchantId]) -> Result<BTreeMap<MerchantId, Siret>, Error> {
    Ok(db::sirets(tx, ids)?.into_iter().collect())
}

/// Makes a merchant's convention with this department, for one wallet kind. Its name is copied: families read it on their statements, and
/// keep reading the one of that day.
pub fn affiliate_merchant(tx: &mut Tx<'_>, merchant: &MerchantRow, terms: &Terms) -> Result<AffiliationRow, Error> {
    terms.check()?;
    let now = tx.now()?;
    let account = ledger::merchant_account(tx, merchant.id)?;
    let state = match terms.state {
        FirstState::Applied => AffiliationState::Applied,
        FirstState::Active => AffiliationState::Active,
    };
    let row = AffiliationRow {
        id: AffiliationId::generate(),
        merchant_id: merchant.id,
        merchant_name: merchant.name.clone(),
        account_id: account,
        wallet_kind: terms.wallet_kind,
        state,
        starts_on: terms.starts_on,
        ends_on: terms.ends_on,
        created_at: now,
        version: 1,
    };
    db::insert_affiliation(tx, &row)?;
    let details = json!({ "merchant_id": merchant.id, "wallet_kind": row.wallet_kind, "state": state });
    audit::record(tx, "merchant_affiliated", ("affiliation", row.id), details)?;
    Ok(row)
}

/// A merchant's conventions with this department, closed ones too, in the order of their making.
pub fn list_affiliations(
    tx: &mut Tx<'_>,
    merchant: MerchantId,
    query: &PageQuery,
) -> Result<Page<AffiliationRow>, Error> {
    let after = query.after()?.map(AffiliationId::from_uuid);
    let rows = db::affiliations(tx, merchant, after, query.limit()?.saturating_add(1))?;
    query.page(rows, |row| row.id.uuid())
}

/// Moves a convention to its next state. `version` is the one the agent read.
pub fn move_affiliation(
    tx: &mut Tx<'_>,
    id: AffiliationId,
    event: AffiliationEvent,
    version: i32,
) -> Result<AffiliationRow, Error> {
    let row = db::lock_affiliation(tx, id)?;
    if row.version != version {
        return Err(Refusal::StaleVersion.into());
    }
    let state = row.state.after(event).ok_or(Error::Refused(Refusal::AffiliationTransition))?;
    let row = db::set_affiliation_state(tx, id, state)?;
    audit::record(tx, "affiliation_moved", ("affiliation", id), json!({ "event": event, "state": state }))?;
    Ok(row)
}

/// Refuses, as absent, a merchant that never had a convention with this department; with `living`, one whose conventions are all closed.
pub fn require_affiliated(tx: &mut Tx<'_>, merchant: MerchantId, living: bool) -> Result<(), Error> {
    if db::is_affiliated(tx, merchant, living)? { Ok(()) } else { Err(Refusal::NotFound.into()) }
}

/// Merchants that a family may pay with that wallet today, those whose name holds that text if one is given.
pub fn list_open_merchants(
    tx: &mut Tx<'_>,
    wallet: WalletKind,
    part: Option<&Label>,
    query: &PageQuery,
) -> Result<Page<(MerchantId, Label)>, Error> {
    let (after, today) = (query.after()?.map(MerchantId::from_uuid), paris_date(tx.now()?));
    let limit = query.limit()?.saturating_add(1);
    let rows = db::open_merchants(tx, wallet, today, part.map(Label::as_str), after, limit)?;
    query.page(rows, |(id, _)| id.uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(starts_on: (i32, u32, u32), ends_on: Option<(i32, u32, u32)>) -> Option<String> {
        let date = |(year, month, day)| NaiveDate::from_ymd_opt(year, month, day).unwrap();
        let terms = Terms {
            wallet_kind: WalletKind::Sport,
            starts_on: date(starts_on),
            ends_on: ends_on.map(date),
            state: FirstState::Active,
        };
        terms.check().err().map(|error| error.problem().errors[0].pointer.clone())
    }

    #[test]
    fn a_convention_has_dates_in_order_and_within_reason() {
        assert_eq!(field((2026, 9, 1), None), None);
        assert_eq!(field((2026, 9, 1), Some((2026, 9, 1))), None);
        assert_eq!(field((2026, 9, 1), Some((2026, 8, 31))).as_deref(), Some("/ends_on"));
        assert_eq!(field((1999, 12, 31), None).as_deref(), Some("/starts_on"));
        assert_eq!(field((2026, 9, 1), Some((2101, 1, 1))).as_deref(), Some("/ends_on"));
    }
}

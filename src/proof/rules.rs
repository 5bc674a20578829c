//! What one transfer must be by itself: the accounts and the cause that its kind wants.

use super::db::{AccountRow, TransferRow};
use crate::ledger::TransferKind;
use std::collections::HashMap;
use uuid::Uuid;

/// What a refund says that a till's void made.
const VOIDED: &str = "voided";

/// The accounts that are not wallets.
#[derive(Debug, Default)]
pub struct Accounts {
    pub funding: Option<Uuid>,
    pub expired: Option<Uuid>,
    merchants: HashMap<Uuid, Uuid>,
}

impl Accounts {
    pub fn new(rows: Vec<AccountRow>) -> Self {
        let mut accounts = Self::default();
        for row in rows {
            match (row.kind.as_str(), row.merchant_id) {
                ("funding", None) => accounts.funding = Some(row.id),
                ("expired", None) => accounts.expired = Some(row.id),
                ("merchant", Some(merchant)) => drop(accounts.merchants.insert(row.id, merchant)),
                _ => {}
            }
        }
        accounts
    }

    pub fn contains(&self, account: Uuid) -> bool {
        self.funding == Some(account) || self.expired == Some(account) || self.merchants.contains_key(&account)
    }

    fn is_of_merchant(&self, account: Uuid, merchant: Option<Uuid>) -> bool {
        merchant.is_some() && self.merchants.get(&account).copied() == merchant
    }
}

/// Whether it moves cents between its wallet and the account that its kind wants.
pub fn has_shape(t: &TransferRow, kind: TransferKind, accounts: &Accounts) -> bool {
    let one_side = (t.from_account == t.wallet_id) != (t.to_account == t.wallet_id);
    let (comes_in, other) = (t.comes_in(), Some(t.other_account()));
    let merchants = accounts.is_of_merchant(t.other_account(), t.merchant_id);
    let fits = match kind {
        TransferKind::Grant => comes_in && other == accounts.funding && t.merchant_id.is_none(),
        TransferKind::Debit => !comes_in && merchants,
        TransferKind::Refund => comes_in && merchants,
        TransferKind::Expiry => !comes_in && other == accounts.expired && t.merchant_id.is_none(),
        // The mirror of what it reverses, which is looked at with it.
        TransferKind::Reversal => accounts.contains(t.other_account()),
    };
    // An absent id and one of zeros give the same bytes: the second is never made.
    let ids = [t.client_id, t.key, t.merchant_id, t.reverses, t.hold_id, t.request_id];
    let plain = !ids.contains(&Some(Uuid::nil())) && t.fingerprint.as_ref().is_none_or(|bytes| bytes.len() == 32);
    one_side && fits && plain && t.amount_cents > 0
}

/// Whether it says who asked for it and why, as its kind wants.
pub fn has_cause(t: &TransferRow, kind: TransferKind) -> bool {
    let asked = [t.client_id.is_some(), t.key.is_some(), t.fingerprint.is_some()];
    let (by_key, by_nobody) = (asked == [true; 3], asked == [false; 3]);
    let voids = asked == [true, false, false] && t.reason.as_deref() == Some(VOIDED);
    let granted = matches!(t.grant_kind.as_deref(), Some("base" | "top_up"));
    let because = match kind {
        TransferKind::Grant => by_nobody && granted && t.reason.is_none(),
        TransferKind::Debit => by_key && t.reason.is_none(),
        TransferKind::Refund => (by_key && t.reason.is_none()) || voids,
        TransferKind::Expiry => by_nobody && t.reason.is_none(),
        TransferKind::Reversal => by_key && t.reason.as_ref().is_some_and(|reason| !reason.is_empty()),
    };
    let reverses = matches!(kind, TransferKind::Refund | TransferKind::Reversal);
    because
        && (kind == TransferKind::Grant || t.grant_kind.is_none())
        && reverses == t.reverses.is_some()
        && (kind == TransferKind::Debit || t.hold_id.is_none())
}

/// Whether `back` goes the way of `moved` backwards, and may.
pub fn mirrors(back: &TransferRow, moved: &TransferRow) -> bool {
    (back.from_account, back.to_account) == (moved.to_account, moved.from_account)
        && back.merchant_id == moved.merchant_id
        && (moved.kind == "debit" || (back.kind == "reversal" && moved.kind != "reversal"))
}

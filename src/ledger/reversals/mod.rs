//! A movement undone by an agent: what went one way comes back the other way, all or part of it, as a movement of its own.
//!
//! Who may ask for it, and when a second person is needed, is the business of corrections.

mod db;

use super::{Declined, TransferKind};
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{FamilyId, MerchantId, TransferId, WalletId},
        money::Cents,
        text::Label,
        words::WalletKind,
    },
};
use chrono::{DateTime, Utc};
use diesel::Queryable;
use uuid::Uuid;

/// What to undo.
#[derive(Debug, Clone, Copy)]
pub struct Reversal<'a> {
    /// What is made once under it.
    pub key: Uuid,
    pub fingerprint: &'a [u8],
    pub transfer: TransferId,
    pub amount: Cents,
    /// A stable word.
    pub reason: &'a str,
}

/// A movement as whoever would undo it needs to know it.
#[derive(Debug, Clone, Queryable)]
pub struct Moved {
    pub id: TransferId,
    pub kind: TransferKind,
    pub amount: Cents,
    pub given_back: Cents,
    pub at: DateTime<Utc>,
    pub merchant_id: Option<MerchantId>,
    pub activity_label: Option<Label>,
    pub holder_first_name: Option<String>,
    pub wallet_id: WalletId,
    pub family_id: FamilyId,
    pub wallet_kind: WalletKind,
}

impl Moved {
    /// What of it still stands.
    #[must_use]
    pub fn left(&self) -> Cents {
        self.amount.checked_sub(self.given_back).unwrap_or_default()
    }
}

/// A movement of a wallet that the caller may see.
pub fn moved(tx: &mut Tx<'_>, transfer: TransferId) -> Result<Moved, Error> {
    db::moved(tx, transfer)
}

/// Undoes all or part of a movement. The ledger remembers a refusal under the key: a caller who wants to ask again rolls back.
pub fn reverse(tx: &mut Tx<'_>, reversal: &Reversal<'_>) -> Result<Result<TransferId, Declined>, Error> {
    let made = TransferId::generate();
    Ok(db::reverse(tx, made, reversal)?.map_or(Ok(made), Err))
}

//! The ledger without a database: what the balances must be, told from the transfers alone. What PostgreSQL keeps is compared with it.

use crate::{
    kernel::{
        ids::{TransferId, WalletId},
        money::Cents,
    },
    ledger::TransferKind,
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What counts of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: TransferId,
    pub kind: TransferKind,
    pub from_account: Uuid,
    pub to_account: Uuid,
    pub amount: Cents,
    pub wallet: WalletId,
    /// Number of the transfer in its wallet, from 1, gapless.
    pub wallet_version: i64,
    pub balance_after: Cents,
    /// Refunds and reversals: what they give back.
    pub reverses: Option<TransferId>,
}

/// The first thing found wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    #[error("transfer {0}: its number does not follow the one before in its wallet")]
    Numbering(TransferId),
    #[error("transfer {0}: not an amount, or not between its wallet and another account as its kind wants")]
    Shape(TransferId),
    #[error("transfer {0}: the balance after it is not what the transfers make, or is below zero")]
    Balance(TransferId),
    #[error("transfer {0}: gives back what did not move, or more")]
    Refund(TransferId),
}

/// The balance of every account: what came in less what went out. `None` when a sum passes the bounds of cents.
pub fn balances(entries: &[Entry]) -> Option<BTreeMap<Uuid, Cents>> {
    let mut sums = BTreeMap::new();
    for entry in entries {
        let from: &mut Cents = sums.entry(entry.from_account).or_default();
        *from = from.checked_sub(entry.amount)?;
        let to: &mut Cents = sums.entry(entry.to_account).or_default();
        *to = to.checked_add(entry.amount)?;
    }
    Some(sums)
}

#[derive(Default)]
struct Wallet {
    version: i64,
    balance: Cents,
}

/// Replays the transfers, each wallet in its own order, and proves every promise of the ledger on the way. Returns the wallets' balances.
pub fn prove(entries: &[Entry]) -> Result<BTreeMap<WalletId, Cents>, Flaw> {
    let mut in_order: Vec<&Entry> = entries.iter().collect();
    in_order.sort_by_key(|entry| (entry.wallet, entry.wallet_version));
    let mut wallets: BTreeMap<WalletId, Wallet> = BTreeMap::new();
    // What is left to give back of each: it precedes what reverses it in the wallet they share.
    let mut rests: BTreeMap<TransferId, (&Entry, Cents)> = BTreeMap::new();
    for entry in in_order {
        let wallet = wallets.entry(entry.wallet).or_default();
        wallet.version = wallet.version.saturating_add(1);
        if wallet.version != entry.wallet_version {
            return Err(Flaw::Numbering(entry.id));
        }
        wallet.balance = after(entry, wallet.balance)?;
        if wallet.balance != entry.balance_after || wallet.balance < Cents::ZERO {
            return Err(Flaw::Balance(entry.id));
        }
        if entry.reverses.is_some() {
            take_back(&mut rests, entry).ok_or(Flaw::Refund(entry.id))?;
        }
        rests.insert(entry.id, (entry, entry.amount));
    }
    Ok(wallets.into_iter().map(|(id, wallet)| (id, wallet.balance)).collect())
}

fn after(entry: &Entry, balance: Cents) -> Result<Cents, Flaw> {
    let wallet = entry.wallet.uuid();
    let comes_in = match entry.kind {
        TransferKind::Grant | TransferKind::Refund => true,
        TransferKind::Debit | TransferKind::Expiry => false,
        TransferKind::Reversal => entry.to_account == wallet,
    };
    let (own, other, next) = if comes_in {
        (entry.to_account, entry.from_account, balance.checked_add(entry.amount))
    } else {
        (entry.from_account, entry.to_account, balance.checked_sub(entry.amount))
    };
    let reverses = matches!(entry.kind, TransferKind::Refund | TransferKind::Reversal);
    if own != wallet || other == wallet || entry.amount <= Cents::ZERO || reverses != entry.reverses.is_some() {
        return Err(Flaw::Shape(entry.id));
    }
    next.ok_or(Flaw::Balance(entry.id))
}

fn take_back(rests: &mut BTreeMap<TransferId, (&Entry, Cents)>, back: &Entry) -> Option<()> {
    let (moved, left) = rests.get_mut(&back.reverses?)?;
    let mirrors = (moved.from_account, moved.to_account) == (back.to_account, back.from_account)
        && moved.kind != TransferKind::Reversal
        && (back.kind == TransferKind::Reversal || moved.kind == TransferKind::Debit);
    *left = left.checked_sub(back.amount).filter(|left| mirrors && *left >= Cents::ZERO)?;
    Some(())
}

#[cfg(test)]
pub mod tests;

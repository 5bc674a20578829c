//! The chain of a wallet, format 1: from the fields of a transfer to its hash. Whoever wants to check the ledger with a program of his own
//! needs this page and nothing else; `tests/data/ledger-chain-v1.json` holds examples with every byte.
//!
//! It is written without the database's own functions, which make the links, so that an error in one of the two shows.
//!
//! # Link
//!
//! `hash = SHA-256(0x01 ‖ previous ‖ record)`: the number of the format in one byte; the hash of the wallet's transfer before (32 bytes, zero
//! before the first); the record. The wallet's `head` is the hash of its last transfer.
//!
//! # Record
//!
//! Fixed widths, one after the other, whole numbers big-endian in 8 bytes with sign, ids in their 16 bytes:
//!
//! | bytes | field |
//! |------:|---|
//! | 1 | kind: 1 grant, 2 debit, 3 refund, 4 expiry, 5 reversal |
//! | 16 | `id` |
//! | 16, 16 | `from_account`, `to_account` |
//! | 8 | `amount_cents` |
//! | 16 | `wallet_id` |
//! | 8 | `wallet_version` |
//! | 8 | `balance_after_cents` |
//! | 8 | `at`: microseconds since 2000-01-01T00:00:00Z |
//! | 16 × 6 | `client_id`, `key`, `merchant_id`, `reverses`, `hold_id`, `request_id`; zero when absent |
//! | 32 | `fingerprint`; zero when absent |
//! | rest | the cause, UTF-8: `grant_kind`, else `reason`, else nothing |
//!
//! What a person or an activity is called is not in it: erasing a name breaks no chain.

use crate::{kernel::crypto::sha256, ledger::TransferKind};
use uuid::Uuid;

/// Number of the format, the first byte of what is hashed.
pub const FORMAT: u8 = 1;

/// A hash of the chain.
pub type Link = [u8; 32];

/// What stands before the first transfer of a wallet.
pub const START: Link = [0; 32];

/// The fields of a transfer that its hash covers.
#[derive(Debug, Clone, Copy)]
pub struct Record<'t> {
    pub kind: TransferKind,
    pub id: Uuid,
    pub from_account: Uuid,
    pub to_account: Uuid,
    pub amount_cents: i64,
    pub wallet: Uuid,
    pub wallet_version: i64,
    pub balance_after_cents: i64,
    /// Microseconds since 2000-01-01T00:00:00Z.
    pub at_micros: i64,
    pub client: Option<Uuid>,
    pub key: Option<Uuid>,
    pub merchant: Option<Uuid>,
    pub reverses: Option<Uuid>,
    pub hold: Option<Uuid>,
    pub request: Option<Uuid>,
    pub fingerprint: Option<&'t [u8]>,
    /// Empty when there is none.
    pub cause: &'t str,
}

impl Record<'_> {
    /// The canonical bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let kind: u8 = match self.kind {
            TransferKind::Grant => 1,
            TransferKind::Debit => 2,
            TransferKind::Refund => 3,
            TransferKind::Expiry => 4,
            TransferKind::Reversal => 5,
        };
        let mut bytes = Vec::with_capacity(256);
        bytes.push(kind);
        for id in [self.id, self.from_account, self.to_account] {
            bytes.extend_from_slice(id.as_bytes());
        }
        bytes.extend_from_slice(&self.amount_cents.to_be_bytes());
        bytes.extend_from_slice(self.wallet.as_bytes());
        for number in [self.wallet_version, self.balance_after_cents, self.at_micros] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        for id in [self.client, self.key, self.merchant, self.reverses, self.hold, self.request] {
            bytes.extend_from_slice(id.unwrap_or_default().as_bytes());
        }
        bytes.extend_from_slice(self.fingerprint.unwrap_or(&[0; 32]));
        bytes.extend_from_slice(self.cause.as_bytes());
        bytes
    }

    /// The hash of this transfer after the one before it.
    #[must_use]
    pub fn link(&self, previous: &Link) -> Link {
        let mut hashed = vec![FORMAT];
        hashed.extend_from_slice(previous);
        hashed.extend_from_slice(&self.bytes());
        let mut link = START;
        link.copy_from_slice(&sha256(&hashed));
        link
    }
}

#[cfg(test)]
mod tests;

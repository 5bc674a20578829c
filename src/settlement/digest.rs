//! The hash of a batch: what two persons approve, and what every later step holds the rows against.
//!
//! SHA-256 over these bytes, version 1. Integers are big-endian and signed, 8 bytes each; ids are their 16 bytes; a text is the number of
//! its bytes, then its bytes in UTF-8.
//!
//! ```text
//! 01 | department (text) | batch number | until (microseconds since 1970-01-01T00:00Z) | account the department pays from (id)
//! number of lines   | each, in order of its id: transfer (id) | merchant (id) | cents
//! number of payouts | each, in order of merchant: merchant (id) | name (text) | account paid to (id)
//!                   |   cents of lines | cents carried in | cents in all | end-to-end id (text)
//! ```

use super::db::{LineRow, PayoutRow};
use crate::kernel::{crypto::sha256, ids::BankAccountId};
use chrono::{DateTime, Utc};
use uuid::Uuid;

const VERSION: u8 = 1;

/// What a batch is, without where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a> {
    pub department: &'a str,
    pub number: i32,
    pub until: DateTime<Utc>,
    pub debtor: BankAccountId,
    pub lines: &'a [LineRow],
    pub payouts: &'a [PayoutRow],
}

impl Content<'_> {
    /// The same for the same rows, in whatever order they come.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        sha256(&self.bytes())
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = Bytes(vec![VERSION]);
        out.text(self.department);
        out.number(self.number.into());
        out.number(self.until.timestamp_micros());
        out.id(self.debtor.uuid());
        let mut lines: Vec<_> = self.lines.iter().collect();
        lines.sort_by_key(|line| line.transfer_id);
        out.count(lines.len());
        for line in lines {
            out.id(line.transfer_id.uuid());
            out.id(line.merchant_id.uuid());
            out.number(line.amount.get());
        }
        let mut payouts: Vec<_> = self.payouts.iter().collect();
        payouts.sort_by_key(|payout| payout.merchant_id);
        out.count(payouts.len());
        for payout in payouts {
            out.id(payout.merchant_id.uuid());
            out.text(&payout.merchant_name);
            out.id(payout.bank_account_id.uuid());
            out.number(payout.lines.get());
            out.number(payout.carried_in.get());
            out.number(payout.amount.get());
            out.text(&payout.end_to_end_id);
        }
        out.0
    }
}

struct Bytes(Vec<u8>);

impl Bytes {
    fn number(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }
    fn count(&mut self, value: usize) {
        self.number(i64::try_from(value).unwrap_or(i64::MAX));
    }
    fn id(&mut self, value: Uuid) {
        self.0.extend_from_slice(value.as_bytes());
    }
    fn text(&mut self, value: &str) {
        self.count(value.len());
        self.0.extend_from_slice(value.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::{
            ids::{MerchantId, PayoutBatchId, PayoutId, TransferId},
            money::Cents,
        },
        settlement::state::PayoutState,
    };
    use data_encoding::HEXLOWER;

    fn id(byte: u8) -> Uuid {
        Uuid::from_bytes([byte; 16])
    }

    fn line(transfer: u8, cents: i64) -> LineRow {
        LineRow {
            transfer_id: TransferId::from_uuid(id(transfer)),
            merchant_id: MerchantId::from_uuid(id(9)),
            amount: Cents::new(cents),
        }
    }

    fn payout(merchant: u8, lines: i64, carried: i64) -> PayoutRow {
        PayoutRow {
            id: PayoutId::generate(),
            batch_id: PayoutBatchId::generate(),
            merchant_id: MerchantId::from_uuid(id(merchant)),
            merchant_name: "Théâtre".to_owned(),
            bank_account_id: BankAccountId::from_uuid(id(7)),
            lines: Cents::new(lines),
            carried_in: Cents::new(carried),
            amount: Cents::new(lines + carried),
            state: PayoutState::ToPay,
            end_to_end_id: format!("PP92-1-{merchant}"),
            reason_code: None,
            carried_into: None,
        }
    }

    fn hash(lines: &[LineRow], payouts: &[PayoutRow]) -> String {
        let until = "2026-10-01T00:00:00Z".parse().expect("an instant");
        let debtor = BankAccountId::from_uuid(id(8));
        HEXLOWER.encode(&Content { department: "92", number: 1, until, debtor, lines, payouts }.hash())
    }

    /// The vector others may check their own reading of the format with.
    #[test]
    fn the_bytes_are_those_of_the_description() {
        let lines = [line(1, 1_250)];
        let payouts = [payout(9, 1_250, -250)];
        let until = "2026-10-01T00:00:00Z".parse().expect("an instant");
        let debtor = BankAccountId::from_uuid(id(8));
        let content = Content { department: "92", number: 1, until, debtor, lines: &lines, payouts: &payouts };
        let expected = [
            "01",
            "0000000000000002",
            "3932",
            "0000000000000001",
            "00065cbc18cda000",
            &"08".repeat(16),
            "0000000000000001",
            &"01".repeat(16),
            &"09".repeat(16),
            "00000000000004e2",
            "0000000000000001",
            &"09".repeat(16),
            "0000000000000009",
            "5468c3a9c3a2747265",
            &"07".repeat(16),
            "00000000000004e2",
            "ffffffffffffff06",
            "00000000000003e8",
            "0000000000000008",
            "505039322d312d39",
        ];
        assert_eq!(HEXLOWER.encode(&content.bytes()), expected.concat());
    }

    #[test]
    fn order_does_not_matter_and_everything_else_does() {
        let (lines, payouts) = ([line(1, 100), line(2, -50)], [payout(9, 50, 0), payout(10, 0, 7)]);
        let told = hash(&lines, &payouts);
        assert_eq!(hash(&[line(2, -50), line(1, 100)], &[payout(10, 0, 7), payout(9, 50, 0)]), told);
        assert_ne!(hash(&[line(1, 101), line(2, -50)], &payouts), told);
        assert_ne!(hash(&[line(1, 100), line(3, -50)], &payouts), told);
        assert_ne!(hash(&lines[..1], &payouts), told);
        assert_ne!(hash(&lines, &[payout(9, 50, 1), payout(10, 0, 7)]), told);
        assert_ne!(hash(&lines, &payouts[..1]), told);
        let mut moved = payouts.clone();
        moved[0].bank_account_id = BankAccountId::from_uuid(id(6));
        assert_ne!(hash(&lines, &moved), told);
        // Where a payout stands changes; what it is does not.
        let mut paid = payouts;
        paid[0].state = PayoutState::Accepted;
        assert_eq!(hash(&lines, &paid), told);
    }
}

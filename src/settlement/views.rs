//! What agents of finance are shown of plans and batches.

use super::{BatchRow, Imported, Plan, PlanRow, state::BatchState};
use crate::kernel::{
    ids::{AccountId, MerchantId, PayoutBatchId},
    money::Cents,
};
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use serde::Serialize;
use utoipa::ToSchema;

/// What a batch would do for a merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Prospect {
    /// Pay it.
    ToPay,
    /// Keep a debt, or nothing, for a later batch.
    Carried,
    /// Nothing: no bank account is in force. Its lines wait.
    NoBankAccount,
    /// Nothing: the bank refused the account in force itself. Its sum waits for another account, proposed and confirmed.
    OnHold,
    /// Nothing: there is no new line that is not contested.
    Waiting,
}

/// A merchant in a plan.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlannedPayoutView {
    pub merchant_id: MerchantId,
    #[schema(example = "Club nautique de Nanterre")]
    pub merchant_name: String,
    #[schema(example = 42)]
    pub line_count: i64,
    pub lines_cents: Cents,
    /// What earlier batches left: a debt, or what the bank rejected.
    pub carried_in_cents: Cents,
    pub amount_cents: Cents,
    /// Contested lines, left out until decided.
    pub disputed_cents: Cents,
    pub prospect: Prospect,
    /// The bank's code for why it refused the account in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "AC04")]
    pub hold_reason: Option<String>,
}

impl From<PlanRow> for PlannedPayoutView {
    fn from(row: PlanRow) -> Self {
        let amount = Cents::new(row.lines.get().saturating_add(row.carried.get()));
        let prospect = if row.line_count == 0 && row.carried <= Cents::ZERO {
            Prospect::Waiting
        } else if row.bank_account_id.is_none() {
            Prospect::NoBankAccount
        } else if row.hold_reason.is_some() {
            Prospect::OnHold
        } else if amount > Cents::ZERO {
            Prospect::ToPay
        } else {
            Prospect::Carried
        };
        Self {
            merchant_id: row.merchant_id,
            merchant_name: row.merchant_name,
            line_count: row.line_count,
            lines_cents: row.lines,
            carried_in_cents: row.carried,
            amount_cents: amount,
            disputed_cents: row.disputed,
            prospect,
            hold_reason: row.hold_reason,
        }
    }
}

/// What a batch would find.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanView {
    /// By how much the ledger differs from itself: a batch is frozen at 0 only.
    pub drift_cents: Cents,
    /// The sum the bank would pay.
    pub total_cents: Cents,
    /// By merchant name, all of them.
    pub items: Vec<PlannedPayoutView>,
}

impl From<Plan> for PlanView {
    fn from(plan: Plan) -> Self {
        let items: Vec<PlannedPayoutView> = plan.rows.into_iter().map(PlannedPayoutView::from).collect();
        let paid = items.iter().filter(|item| item.prospect == Prospect::ToPay);
        let total = paid.fold(0_i64, |sum, item| sum.saturating_add(item.amount_cents.get()));
        Self { drift_cents: plan.drift, total_cents: Cents::new(total), items }
    }
}

/// A batch of payouts.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchView {
    pub id: PayoutBatchId,
    /// Gapless in the department.
    #[schema(example = 12)]
    pub number: i32,
    #[schema(example = "2026-10-01T00:00:00Z")]
    pub until: DateTime<Utc>,
    pub state: BatchState,
    /// SHA-256 of all it holds; give it back to approve what was read.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub hash: String,
    /// The sum the bank is to pay.
    pub total_cents: Cents,
    pub frozen_by: AccountId,
    #[schema(example = "2026-10-02T08:00:00Z")]
    pub frozen_at: DateTime<Utc>,
    /// Two of them make the batch ready to send.
    pub approvals: Vec<ApprovalView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-02T10:00:00Z")]
    pub sent_at: Option<DateTime<Utc>>,
}

/// Who approved a batch, and when.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApprovalView {
    pub by: AccountId,
    #[schema(example = "2026-10-02T09:00:00Z")]
    pub at: DateTime<Utc>,
}

impl From<BatchRow> for BatchView {
    fn from(row: BatchRow) -> Self {
        let approvals =
            [row.first_approved_by.zip(row.first_approved_at), row.second_approved_by.zip(row.second_approved_at)];
        Self {
            id: row.id,
            number: row.number,
            until: row.until,
            state: row.state,
            hash: HEXLOWER.encode(&row.hash),
            total_cents: row.total,
            frozen_by: row.frozen_by,
            frozen_at: row.frozen_at,
            approvals: approvals.into_iter().flatten().map(|(by, at)| ApprovalView { by, at }).collect(),
            sent_at: row.sent_at,
        }
    }
}

/// What a bank's return changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct BankReturnView {
    pub batch: BatchView,
    #[schema(example = 41)]
    pub accepted: usize,
    /// Queued again: the next batch pays them.
    #[schema(example = 1)]
    pub rejected: usize,
    #[schema(example = 0)]
    pub pending: usize,
    /// Known before.
    #[schema(example = 0)]
    pub unchanged: usize,
}

impl From<(BatchRow, Imported)> for BankReturnView {
    fn from((row, imported): (BatchRow, Imported)) -> Self {
        let Imported { accepted, rejected, pending, unchanged } = imported;
        Self { batch: row.into(), accepted, rejected, pending, unchanged }
    }
}

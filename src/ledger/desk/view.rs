//! A movement as agents are shown it, by itself or with what is said about it.

use super::Seen;
use crate::{
    kernel::{
        ids::{ChildId, FamilyId, HoldId, MerchantId, TransferId, WalletId},
        text::Label,
        words::{GrantKind, WalletKind},
    },
    ledger::TransferKind,
};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// A movement of a wallet, as agents judge it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeskMovementView {
    pub id: TransferId,
    pub kind: TransferKind,
    /// What moved, whichever way: `kind` tells it.
    #[schema(example = 1250)]
    pub amount_cents: i64,
    /// What of it refunds and corrections have given back.
    #[schema(example = 0)]
    pub given_back_cents: i64,
    #[schema(example = "2026-09-12T14:03:11Z")]
    pub at: DateTime<Utc>,
    pub wallet_id: WalletId,
    pub wallet_kind: WalletKind,
    #[schema(example = "2026-2027")]
    pub season: String,
    pub child_id: ChildId,
    pub family_id: FamilyId,
    #[schema(example = "Lou")]
    pub child_first_name: String,
    #[schema(example = "M")]
    pub child_initial: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant_id: Option<MerchantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Club nautique de Nanterre")]
    pub merchant_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity_label: Option<Label>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-09-19")]
    pub activity_date: Option<NaiveDate>,
    /// Grants: the yearly right or its top-up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_kind: Option<GrantKind>,
    /// Reversals: the word that was given for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "refund_agreed")]
    pub reason: Option<String>,
    /// Refunds and reversals: the movement they give back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverses: Option<TransferId>,
    /// Captures: what had been set aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_id: Option<HoldId>,
    /// Whether a settlement has taken it up already: what is undone then is kept back from the merchant's next payout.
    #[schema(example = false)]
    pub in_a_payout: bool,
}

impl From<Seen> for DeskMovementView {
    fn from(Seen { row, merchant_name }: Seen) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            amount_cents: row.amount.get(),
            given_back_cents: row.given_back.get(),
            at: row.at,
            wallet_id: row.wallet_id,
            wallet_kind: row.wallet_kind,
            season: row.season,
            child_id: row.child_id,
            family_id: row.family_id,
            child_first_name: row.child_first_name,
            child_initial: row.child_initial,
            merchant_id: row.merchant_id,
            merchant_name,
            activity_label: row.activity_label,
            activity_date: row.activity_date,
            grant_kind: row.grant_kind,
            reason: row.reason,
            reverses: row.reverses,
            hold_id: row.hold_id,
            in_a_payout: row.in_a_payout,
        }
    }
}

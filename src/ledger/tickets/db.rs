//! Holds as their families see them.

use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{FamilyId, HoldId, MerchantId, WalletId},
        money::Cents,
        text::{Label, SeasonCode},
        words::WalletKind,
    },
    ledger::holds::{HoldKind, HoldState},
    schema::department::{holds, transfers, wallets},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = holds)]
pub struct TicketRow {
    pub id: HoldId,
    pub kind: HoldKind,
    pub wallet_id: WalletId,
    #[diesel(select_expression = wallets::kind)]
    pub wallet_kind: WalletKind,
    #[diesel(select_expression = wallets::season)]
    pub season: SeasonCode,
    #[diesel(select_expression = wallets::spend_before)]
    pub spend_before: DateTime<Utc>,
    #[diesel(column_name = amount_cents)]
    pub amount: Cents,
    pub state: HoldState,
    #[diesel(column_name = captured_cents)]
    pub captured: Cents,
    /// The one it is for, if it is for one only.
    #[diesel(column_name = merchant_id)]
    pub assigned_to: Option<MerchantId>,
    /// The one that captured it.
    #[diesel(select_expression = transfers::merchant_id.nullable())]
    pub captured_by: Option<MerchantId>,
    pub code_sealed: Option<Vec<u8>>,
    pub made_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
    pub activity_label: Option<Label>,
    pub activity_date: Option<NaiveDate>,
    pub holder_first_name: String,
    pub holder_initial: String,
}

impl TicketRow {
    /// The merchant that has to do with it, known once it is assigned or captured.
    pub fn merchant(&self) -> Option<MerchantId> {
        self.assigned_to.or(self.captured_by)
    }

    /// The row as it was before its change of state.
    pub fn when_made(self) -> Self {
        Self { state: HoldState::Authorised, captured: Cents::ZERO, captured_by: None, closed_at: None, ..self }
    }
}

/// Not found when the caller may not see it.
pub fn family_of_wallet(tx: &mut Tx<'_>, wallet: WalletId) -> Result<FamilyId, Error> {
    Ok(wallets::table.find(wallet).select(wallets::family_id).first(tx.conn)?)
}

pub fn season_of_wallet(tx: &mut Tx<'_>, wallet: WalletId) -> Result<SeasonCode, Error> {
    Ok(wallets::table.find(wallet).select(wallets::season).first(tx.conn)?)
}

/// A hold is captured once: at most one transfer names it.
#[diesel::dsl::auto_type]
fn with_capture() -> _ {
    holds::table
        .inner_join(wallets::table.on(wallets::id.eq(holds::wallet_id)))
        .left_join(transfers::table.on(transfers::hold_id.eq(holds::id.nullable())))
}

/// Those of these kinds, from the newest, those before that one only.
pub fn holds(
    tx: &mut Tx<'_>,
    wallet: WalletId,
    kinds: &[HoldKind],
    before: Option<HoldId>,
    limit: i64,
) -> Result<Vec<TicketRow>, Error> {
    let mut query = with_capture()
        .filter(holds::wallet_id.eq(wallet))
        .filter(holds::kind.eq_any(kinds))
        .order(holds::id.desc())
        .limit(limit)
        .select(TicketRow::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(holds::id.lt(before));
    }
    Ok(query.load(tx.conn)?)
}

pub fn ticket(tx: &mut Tx<'_>, id: HoldId) -> Result<TicketRow, Error> {
    Ok(with_capture()
        .filter(holds::id.eq(id).and(holds::kind.ne(HoldKind::Till)))
        .select(TicketRow::as_select())
        .first(tx.conn)?)
}

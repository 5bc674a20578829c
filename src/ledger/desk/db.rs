//! Movements with all that an agent needs to judge them.

use super::Search;
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{ChildId, FamilyId, HoldId, MerchantId, TransferId, WalletId},
        money::Cents,
        text::Label,
        time,
        words::{GrantKind, WalletKind},
    },
    ledger::TransferKind,
    schema::department::{children, transfers, wallets},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    dsl::sql,
    expression::SqlLiteral,
    prelude::*,
    sql_types::{BigInt, Bool, Text},
};

const GIVEN_BACK: &str =
    "coalesce((select sum(r.amount_cents) from transfers r where r.reverses = transfers.id), 0)::bigint";
const IN_A_PAYOUT: &str = "exists (select 1 from payout_lines l where l.transfer_id = transfers.id)";
/// The child as tills know it: enough to recognise a case by.
const FIRST_NAME: &str = "split_part(children.first_names, ' ', 1)";
const INITIAL: &str = "left(children.last_name, 1)";

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = transfers)]
pub struct MovementRow {
    pub id: TransferId,
    pub kind: TransferKind,
    #[diesel(column_name = amount_cents)]
    pub amount: Cents,
    #[diesel(select_expression = sql::<BigInt>(GIVEN_BACK), select_expression_type = SqlLiteral<BigInt>)]
    pub given_back: Cents,
    pub at: DateTime<Utc>,
    #[diesel(select_expression = wallets::id)]
    pub wallet_id: WalletId,
    #[diesel(select_expression = wallets::kind)]
    pub wallet_kind: WalletKind,
    #[diesel(select_expression = wallets::season)]
    pub season: String,
    #[diesel(select_expression = children::id)]
    pub child_id: ChildId,
    #[diesel(select_expression = children::family_id)]
    pub family_id: FamilyId,
    #[diesel(select_expression = sql::<Text>(FIRST_NAME), select_expression_type = SqlLiteral<Text>)]
    pub child_first_name: String,
    #[diesel(select_expression = sql::<Text>(INITIAL), select_expression_type = SqlLiteral<Text>)]
    pub child_initial: String,
    pub merchant_id: Option<MerchantId>,
    pub activity_label: Option<Label>,
    pub activity_date: Option<NaiveDate>,
    pub grant_kind: Option<GrantKind>,
    pub reason: Option<String>,
    pub reverses: Option<TransferId>,
    pub hold_id: Option<HoldId>,
    #[diesel(select_expression = sql::<Bool>(IN_A_PAYOUT), select_expression_type = SqlLiteral<Bool>)]
    pub in_a_payout: bool,
}

#[diesel::dsl::auto_type]
fn with_its_child() -> _ {
    transfers::table
        .inner_join(wallets::table.on(wallets::id.eq(transfers::wallet_id)))
        .inner_join(children::table.on(children::id.eq(wallets::child_id)))
}

pub fn movements(tx: &mut Tx<'_>, ids: &[TransferId]) -> Result<Vec<MovementRow>, Error> {
    Ok(with_its_child().filter(transfers::id.eq_any(ids)).select(MovementRow::as_select()).load(tx.conn)?)
}

/// From the newest, those before that one only.
pub fn search(
    tx: &mut Tx<'_>,
    search: &Search,
    before: Option<TransferId>,
    limit: i64,
) -> Result<Vec<MovementRow>, Error> {
    let mut query = with_its_child()
        .filter(transfers::merchant_id.eq(search.merchant))
        .order(transfers::id.desc())
        .limit(limit)
        .select(MovementRow::as_select())
        .into_boxed();
    if let Some(from) = search.from {
        query = query.filter(transfers::at.ge(time::start_of_day(from)));
    }
    if let Some(until) = search.until {
        query = query.filter(transfers::at.lt(time::end_of_day(until)));
    }
    if let Some(amount) = search.amount {
        query = query.filter(transfers::amount_cents.eq(amount));
    }
    if let Some(before) = before {
        query = query.filter(transfers::id.lt(before));
    }
    Ok(query.load(tx.conn)?)
}

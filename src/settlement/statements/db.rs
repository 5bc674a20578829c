//! Payouts as those who are paid read them.

use super::super::db::PayoutRow;
use crate::{
    corrections::CorrectionReason,
    db::Tx,
    error::Error,
    kernel::{
        ids::{MerchantId, PayoutBatchId, PayoutId, TransferId},
        money::Cents,
        text::Label,
        words::WalletKind,
    },
    schema::department::{payout_batches, payouts},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{prelude::*, sql_types};
use uuid::Uuid;

/// A payout, with the number and the end of its batch.
pub type NumberedPayout = (PayoutRow, i32, DateTime<Utc>);

/// A movement as the merchant counts it. No child is named.
#[derive(Debug, Clone, QueryableByName)]
pub struct StatementLine {
    #[diesel(sql_type = sql_types::Uuid)]
    pub transfer_id: TransferId,
    #[diesel(sql_type = sql_types::Text)]
    pub kind: String,
    #[diesel(sql_type = sql_types::Timestamptz)]
    pub at: DateTime<Utc>,
    #[diesel(sql_type = sql_types::Text)]
    pub wallet_kind: WalletKind,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub activity_label: Option<Label>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    pub activity_date: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::BigInt, column_name = amount_cents)]
    pub amount: Cents,
    /// The till or server that made it; of a correction, nobody the merchant knows.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    pub client_id: Option<Uuid>,
    /// What it gives back.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    pub reverses: Option<TransferId>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub reason: Option<CorrectionReason>,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    answer: Option<String>,
}

/// Which payouts, among those the caller sees.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub batch: Option<PayoutBatchId>,
    pub merchant: Option<MerchantId>,
}

pub fn payout(tx: &mut Tx<'_>, id: PayoutId) -> Result<NumberedPayout, Error> {
    Ok(payouts::table
        .inner_join(payout_batches::table.on(payout_batches::id.eq(payouts::batch_id)))
        .filter(payouts::id.eq(id))
        .select((PayoutRow::as_select(), payout_batches::number, payout_batches::until))
        .first(tx.conn)?)
}

/// In the order of their making, those after that one only.
pub fn payouts(
    tx: &mut Tx<'_>,
    filter: &Filter,
    after: Option<PayoutId>,
    limit: i64,
) -> Result<Vec<NumberedPayout>, Error> {
    let mut query = payouts::table
        .inner_join(payout_batches::table.on(payout_batches::id.eq(payouts::batch_id)))
        .order(payouts::id)
        .limit(limit)
        .select((PayoutRow::as_select(), payout_batches::number, payout_batches::until))
        .into_boxed();
    if let Some(batch) = filter.batch {
        query = query.filter(payouts::batch_id.eq(batch));
    }
    if let Some(merchant) = filter.merchant {
        query = query.filter(payouts::merchant_id.eq(merchant));
    }
    if let Some(after) = after {
        query = query.filter(payouts::id.gt(after));
    }
    Ok(query.load(tx.conn)?)
}

/// The last four characters of the account a payout goes to.
pub fn account_end(tx: &mut Tx<'_>, payout: PayoutId) -> Result<String, Error> {
    let found: Answer = diesel::sql_query("select payout_account_end($1) as answer")
        .bind::<sql_types::Uuid, _>(payout)
        .get_result(tx.conn)?;
    Ok(found.answer.unwrap_or_default())
}

/// In the order of the movements.
pub fn lines(tx: &mut Tx<'_>, payout: PayoutId) -> Result<Vec<StatementLine>, Error> {
    Ok(diesel::sql_query("select * from payout_statement($1)").bind::<sql_types::Uuid, _>(payout).load(tx.conn)?)
}

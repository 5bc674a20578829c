//! Refusals kept for their keys, of the cards of a child.

use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{ChildId, MerchantId},
        money::Cents,
    },
    ledger::Declined,
    schema::department::{cards, ledger_refusals},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = ledger_refusals)]
pub struct RefusedRow {
    pub key: Uuid,
    pub at: DateTime<Utc>,
    pub reason: Declined,
    pub merchant_id: Option<MerchantId>,
    #[diesel(column_name = amount_cents)]
    pub amount: Option<Cents>,
}

/// From the newest, those before that instant and key only.
pub fn refused(
    tx: &mut Tx<'_>,
    child: ChildId,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<RefusedRow>, Error> {
    let mut query = ledger_refusals::table
        .inner_join(cards::table.on(ledger_refusals::card_id.eq(cards::id.nullable())))
        .filter(cards::child_id.eq(child))
        .order((ledger_refusals::at.desc(), ledger_refusals::key.desc()))
        .limit(limit)
        .select(RefusedRow::as_select())
        .into_boxed();
    if let Some((at, key)) = before {
        let earlier = ledger_refusals::at.lt(at);
        query = query.filter(earlier.or(ledger_refusals::at.eq(at).and(ledger_refusals::key.lt(key))));
    }
    Ok(query.load(tx.conn)?)
}

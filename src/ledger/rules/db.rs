//! Versions of the rules: inserted, never changed.

use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, LedgerRulesId},
        money::Cents,
    },
    schema::department::ledger_rules,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

/// What a department allows from an instant on.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = ledger_rules)]
pub struct RulesRow {
    pub id: LedgerRulesId,
    pub effective_from: DateTime<Utc>,
    #[diesel(column_name = debit_max_cents)]
    pub debit_max: Option<Cents>,
    #[diesel(column_name = card_day_max_cents)]
    pub card_day_max: Option<Cents>,
    pub till_minute_max_debits: Option<i32>,
    pub till_hold_minutes: i32,
    #[diesel(column_name = refund_alone_max_cents)]
    pub refund_alone_max: Cents,
    #[diesel(column_name = correction_alone_max_cents)]
    pub correction_alone_max: Cents,
    pub dispute_days: i32,
    pub set_by: Option<AccountId>,
    pub set_at: DateTime<Utc>,
}

pub fn in_force(tx: &mut Tx<'_>, now: DateTime<Utc>) -> Result<RulesRow, Error> {
    Ok(ledger_rules::table
        .filter(ledger_rules::effective_from.le(now))
        .order(ledger_rules::effective_from.desc())
        .select(RulesRow::as_select())
        .first(tx.conn)?)
}

pub fn to_come(tx: &mut Tx<'_>, now: DateTime<Utc>, limit: i64) -> Result<Vec<RulesRow>, Error> {
    Ok(ledger_rules::table
        .filter(ledger_rules::effective_from.gt(now))
        .order(ledger_rules::effective_from)
        .limit(limit)
        .select(RulesRow::as_select())
        .load(tx.conn)?)
}

pub fn insert(tx: &mut Tx<'_>, row: &RulesRow) -> Result<(), Error> {
    diesel::insert_into(ledger_rules::table).values(row).execute(tx.conn)?;
    Ok(())
}

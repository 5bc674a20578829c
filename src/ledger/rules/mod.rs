//! What a department allows, as dated data: caps, thresholds above which two persons are needed, delays. The caps are kept by the ledger's
//! own steps in the database; here they are read and set.
//!
//! A version is never changed: the next one takes its place from an instant to come, so that nothing decided before is judged anew.

mod db;
pub mod http;

pub use db::RulesRow;

use crate::{
    audit,
    db::Tx,
    error::{Error, FieldError, Refusal},
    kernel::{
        ids::{AccountId, LedgerRulesId},
        money::{Amount, Cents},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

/// Rules without an instant of their own take effect after that: a debit under way ends under those it began with.
const NOTICE: TimeDelta = TimeDelta::seconds(5);
/// Rules are set for a year or two, not for a century.
const AHEAD_MAX: TimeDelta = TimeDelta::days(3 * 366);
/// They change a few times a year: nobody looks at more versions to come.
const TO_COME_MAX: i64 = 20;
/// Bounds of the numbers, as the database checks them too.
const MINUTES_MAX: i32 = 31 * 24 * 60;
const DAYS_MAX: i32 = 400;
/// More debits within a minute than any till makes: the same as no cap.
const DEBITS_MAX: i32 = 1_000;

/// A version to set.
#[derive(Debug, Clone)]
pub struct NewRules {
    /// Soon when absent.
    pub effective_from: Option<DateTime<Utc>>,
    pub debit_max: Option<Amount>,
    pub card_day_max: Option<Amount>,
    pub till_minute_max_debits: Option<i32>,
    pub till_hold_minutes: i32,
    pub refund_alone_max: Cents,
    pub correction_alone_max: Cents,
    pub dispute_days: i32,
}

impl NewRules {
    fn check(&self) -> Result<(), Error> {
        let bounded = [
            ("/till_minute_max_debits", i64::from(self.till_minute_max_debits.unwrap_or(1)), 1, i64::from(DEBITS_MAX)),
            ("/till_hold_minutes", i64::from(self.till_hold_minutes), 1, i64::from(MINUTES_MAX)),
            ("/refund_alone_max_cents", self.refund_alone_max.get(), 0, Amount::MAX_CENTS),
            ("/correction_alone_max_cents", self.correction_alone_max.get(), 0, Amount::MAX_CENTS),
            ("/dispute_days", i64::from(self.dispute_days), 0, i64::from(DAYS_MAX)),
        ];
        let beyond = bounded.into_iter().filter(|(_, value, least, most)| value < least || value > most);
        let fields: Vec<FieldError> = beyond
            .map(|(pointer, _, least, most)| FieldError {
                pointer: pointer.to_owned(),
                detail: format!("un nombre entre {least} et {most} est attendu"),
            })
            .collect();
        if fields.is_empty() { Ok(()) } else { Err(Error::Fields(Refusal::InvalidFields, fields)) }
    }
}

/// The rules of this instant, and those to come in the order in which they take effect.
#[derive(Debug)]
pub struct Timeline {
    pub in_force: RulesRow,
    pub to_come: Vec<RulesRow>,
}

/// The rules of this instant.
pub fn in_force(tx: &mut Tx<'_>) -> Result<RulesRow, Error> {
    let now = tx.now()?;
    db::in_force(tx, now)
}

/// What is and what will be allowed.
pub fn show_ledger_rules(tx: &mut Tx<'_>) -> Result<Timeline, Error> {
    let now = tx.now()?;
    Ok(Timeline { in_force: db::in_force(tx, now)?, to_come: db::to_come(tx, now, TO_COME_MAX)? })
}

/// Sets the rules from an instant to come on.
pub fn set_ledger_rules(tx: &mut Tx<'_>, by: AccountId, rules: &NewRules) -> Result<RulesRow, Error> {
    rules.check()?;
    let now = tx.now()?;
    let soon = now.checked_add_signed(NOTICE).unwrap_or(now);
    let effective_from = rules.effective_from.unwrap_or(soon);
    if effective_from <= now {
        return Err(Refusal::RulesRetroactive.into());
    }
    if effective_from.signed_duration_since(now) > AHEAD_MAX {
        return Err(Error::field("/effective_from", "un instant des trois années à venir est attendu"));
    }
    let row = RulesRow {
        id: LedgerRulesId::generate(),
        effective_from,
        debit_max: rules.debit_max.map(Amount::cents),
        card_day_max: rules.card_day_max.map(Amount::cents),
        till_minute_max_debits: rules.till_minute_max_debits,
        till_hold_minutes: rules.till_hold_minutes,
        refund_alone_max: rules.refund_alone_max,
        correction_alone_max: rules.correction_alone_max,
        dispute_days: rules.dispute_days,
        set_by: Some(by),
        set_at: now,
    };
    db::insert(tx, &row)?;
    audit::record(tx, "ledger_rules_set", ("ledger_rules", row.id), json!({ "effective_from": effective_from }))?;
    Ok(row)
}

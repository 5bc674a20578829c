//! The proof of the ledger: what it says of itself, read again from its lines by code that shares nothing with the functions that write it.
//!
//! Two strengths. [`drift`] is one sum over all wallets, cheap enough for every hour and before every payout. [`verify`](verify::verify)
//! reads every line: numbers without gap, chains, balances, causes, refunds, holds, grants against decisions. It runs as the role `check`,
//! which reads amounts and ids, also on a restored copy. Lost lines at the end of a chain show against the wallet's own number and head;
//! a chain recomputed as a whole by an administrator shows only against a [`checkpoint`] that somebody else keeps.
//!
//! What no hash covers: names, labels and dates of activities, which may be erased; of a hold, its maker, kind and code, and whether one
//! that moved nothing was given up or ran out.

pub mod chain;
pub mod checkpoint;
pub mod command;
mod db;
mod findings;
mod rules;
pub mod verify;
mod wallet;

use crate::{
    db::{Db, Tx},
    error::Error,
    kernel::{actor::Caller, department::Department, money::Cents},
};
use diesel::{QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::BigInt};
pub use findings::{Row, Violation};
use std::time::Duration;
use tokio::sync::watch;

/// How often the drift is looked at.
const EVERY: Duration = Duration::from_secs(3_600);

#[derive(QueryableByName)]
struct DriftRow {
    #[diesel(sql_type = BigInt)]
    cents: i64,
}

/// One statement, so one snapshot: a ledger in use drifts by nothing. The sum has no bound but that of its type.
const DRIFT: &str = "
    select least(coalesce(sum(abs(coalesce(w.balance_cents, 0) - coalesce(t.cents, 0)) + abs(coalesce(w.held_cents, 0) - coalesce(h.cents, 0))), 0),
                 9223372036854775807)::bigint as cents
      from (select id, balance_cents, held_cents from wallets) w
      full join (select wallet_id, sum(case when to_account = wallet_id then amount_cents else -amount_cents end) as cents
                   from transfers group by wallet_id) t on t.wallet_id = w.id
      full join (select wallet_id, sum(amount_cents) as cents from holds where state = 'authorised' group by wallet_id) h
        on h.wallet_id = coalesce(w.id, t.wallet_id)";

/// Cents by which the wallets' balances and held sums differ from what their transfers and open holds make: zero, or something is wrong and
/// nobody should be paid. For the department's own people and the service: others do not see every wallet.
pub fn drift(tx: &mut Tx<'_>) -> Result<Cents, Error> {
    if !["system", "agent"].contains(&tx.caller.actor.kind()) {
        return Err(Error::internal("the drift was asked by a caller who does not see every wallet"));
    }
    // Millions of lines take longer than a request may.
    tx.conn.batch_execute("set local statement_timeout = '5min'")?;
    let DriftRow { cents } = sql_query(DRIFT).get_result(tx.conn)?;
    tx.conn.batch_execute("set local statement_timeout = '10s'")?;
    Ok(Cents::new(cents))
}

/// Tells the drift of every department as the metric `ledger_drift_cents`, at once and then every hour, until told to stop.
pub async fn watch(db: Db, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        measure(&db).await;
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Measures once. Returns what was found, department by department; one that does not answer is left out.
pub async fn measure(db: &Db) -> Vec<(Department, Cents)> {
    let mut found = vec![];
    let departments: Vec<Department> = db.departments().collect();
    for department in departments {
        match db.read(department, &Caller::system(), drift).await {
            Ok(cents) => {
                // A gauge is a float: what passes forty millions of euros needs no more digits.
                let told = u32::try_from(cents.get()).unwrap_or(u32::MAX);
                metrics::gauge!("ledger_drift_cents", "department" => department.to_string()).set(told);
                if cents != Cents::ZERO {
                    tracing::error!(%department, drift_cents = cents.get(), "wallets and transfers differ: run passplus verify");
                }
                found.push((department, cents));
            }
            Err(error) => tracing::warn!(%error, %department, "the drift of the ledger cannot be measured"),
        }
    }
    found
}

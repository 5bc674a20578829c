//! The way of a debit: those that come together are made together, in one transaction that acts as the ledger itself.
//!
//! On this engine a debit by itself pays mostly for its message, its statements and its commit; many at once share them. What is shared
//! is only that: the caller's permit was given before, each debit has its own key and its own answer, the commit precedes every answer.
//! Whatever is not plainly in order, every refusal among it, is made by itself beside the lane, as is a whole batch that fails.

use super::{Debit, Outcome, db};
use crate::{
    combine::Combiner,
    db::{Db, LedgerStore, Place},
    error::{Error, Refusal},
    gates::AtTill,
    kernel::department::Department,
};
use std::{collections::BTreeMap, sync::Arc};

/// Debits of one sweep: more gained nothing, and made everybody wait for all.
const SWEEP_MAX: usize = 128;
/// Who makes what the sweep left, each its debits one by one, so that no wallet's lock holds the lane up.
const SINGLES: u32 = 2;
/// Connections to a department: one sweeps. Two lanes were measured slower at every load: half the batch costs more than half.
pub const CONNECTIONS: u32 = SINGLES + 1;

/// The lanes of the departments.
#[derive(Clone)]
pub struct Lanes(Arc<BTreeMap<Department, Lane>>);

struct Lane {
    sweep: Combiner<Debit, Swept>,
    single: Combiner<Debit, Outcome>,
}

/// What the sweep says of a debit.
enum Swept {
    Done(Outcome),
    Left(Debit),
}

impl Lanes {
    /// Lanes to these places. Connections are made when first needed.
    pub fn new<'a>(db: &Db, places: impl IntoIterator<Item = (Department, &'a Place)>) -> Self {
        let lane = |(department, place)| {
            let store = db.ledger_store(place, CONNECTIONS);
            let single = store.clone();
            let lane = Lane {
                sweep: Combiner::new(1, SWEEP_MAX, move |debits| sweep(&store, debits)),
                single: Combiner::new(SINGLES, 1, move |debits: Vec<Debit>| {
                    debits.iter().map(|debit| make(&single, debit)).collect()
                }),
            };
            (department, lane)
        };
        Self(Arc::new(places.into_iter().map(lane).collect()))
    }

    /// Makes a debit. Its refusal, if any, is in the outcome, committed for its key.
    pub async fn debit(&self, department: Department, debit: Debit) -> Result<Outcome, Error> {
        let lane = self.0.get(&department).ok_or(Error::Refused(Refusal::NotFound))?;
        let _at_till = AtTill::enter();
        match lane.sweep.ask(debit).await? {
            Swept::Done(outcome) => Ok(outcome),
            Swept::Left(debit) => lane.single.ask(debit).await,
        }
    }
}

fn make(store: &LedgerStore, debit: &Debit) -> Result<Outcome, Error> {
    store.run(|conn| db::debit(conn, debit, false))?.try_into()
}

fn sweep(store: &LedgerStore, debits: Vec<Debit>) -> Vec<Result<Swept, Error>> {
    metrics::histogram!("ledger_batch_debits").record(u32::try_from(debits.len()).unwrap_or(u32::MAX));
    // Alone, the single step is the quicker.
    if let [debit] = debits.as_slice() {
        return vec![make(store, debit).map(Swept::Done)];
    }
    let swept = store.run(|conn| db::debits(conn, &debits)).unwrap_or_else(|error| {
        tracing::warn!(%error, debits = debits.len(), "a batch of debits is made one by one");
        vec![]
    });
    let swept = swept.into_iter().chain(std::iter::repeat(None));
    debits.into_iter().zip(swept).map(|(debit, swept)| Ok(swept.map_or(Swept::Left(debit), Swept::Done))).collect()
}

//! The way of a debit: those that come together are made together, in one transaction that acts as the ledger itself.
//!
//! On this engine a debit by itself pays mostly for its message, its statements and its commit; many at once share them. What is shared
//! is only that: the caller's permit was given before, each debit has its own key and its own answer, the commit precedes every answer.
//! Whatever is not plainly in order, every refusal among it, is made by itself afterwards, as is a whole batch that fails.

use super::{Debit, Outcome, db};
use crate::{
    combine::Combiner,
    db::{Db, LEDGER_POOL_SIZE, LedgerStore, Place},
    error::{Error, Refusal},
    kernel::department::Department,
};
use std::{collections::BTreeMap, sync::Arc};

/// The lanes of the departments, two each: while one waits for the disk, the other gathers and computes. A card always takes the same one,
/// so that two batches of this process never wait for one wallet.
#[derive(Clone)]
pub struct Lanes(Arc<BTreeMap<Department, Vec<Combiner<Debit, Outcome>>>>);

impl Lanes {
    /// Lanes to these places. Connections are made when first needed.
    pub fn new<'a>(db: &Db, places: impl IntoIterator<Item = (Department, &'a Place)>) -> Self {
        let lane = |(department, place)| {
            let store = db.ledger_store(place);
            let lane = |_| {
                let store = store.clone();
                Combiner::new(1, move |debits: Vec<Debit>| make(&store, &debits))
            };
            (department, (0..LEDGER_POOL_SIZE).map(lane).collect())
        };
        Self(Arc::new(places.into_iter().map(lane).collect()))
    }

    /// Makes a debit. Its refusal, if any, is in the outcome, committed for its key.
    pub async fn debit(&self, department: Department, debit: Debit) -> Result<Outcome, Error> {
        let lanes = self.0.get(&department).ok_or(Error::Refused(Refusal::NotFound))?;
        let card = debit.card_fingerprint.first().map_or(0, |byte| usize::from(*byte));
        let lane = card.checked_rem(lanes.len()).and_then(|lane| lanes.get(lane));
        lane.ok_or_else(|| Error::internal("a department without lane"))?.ask(debit).await
    }
}

fn make(store: &LedgerStore, debits: &[Debit]) -> Vec<Result<Outcome, Error>> {
    metrics::histogram!("ledger_batch_debits").record(u32::try_from(debits.len()).unwrap_or(u32::MAX));
    let mut swept = vec![];
    if debits.len() > 1 {
        swept = store.run(|conn| db::debits(conn, debits)).unwrap_or_else(|error| {
            tracing::warn!(%error, debits = debits.len(), "a batch of debits is made one by one");
            vec![]
        });
    }
    let mut swept = swept.into_iter();
    let one = |debit| store.run(|conn| db::debit(conn, debit, false))?.try_into();
    debits.iter().map(|debit| swept.next().flatten().map_or_else(|| one(debit), Ok)).collect()
}

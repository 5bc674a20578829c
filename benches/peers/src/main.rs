//! Other ledgers under the load that the benchmark of Pass+ puts on its own: each connection sends its next transfer when the last one is
//! answered, between accounts drawn uniformly, one transaction each. Prints a JSON list.

mod cala;
mod pgledger;

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::{Value, json};
use sqlx::{
    Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// Accounts on each side: many, so that few wait for each other.
const ACCOUNTS: usize = 2_000;
/// Connections to PostgreSQL at most: on few cores more of them only wait for each other.
const POOL_MAX: u32 = 32;
/// Caches fill before it counts.
const WARM_UP: Duration = Duration::from_secs(2);

/// Measures other ledgers on a PostgreSQL.
#[derive(Parser)]
struct Arguments {
    /// Where PostgreSQL is, as a superuser: each ledger gets a new database.
    #[arg(long)]
    url: PgConnectOptions,
    /// Numbers of callers at once.
    #[arg(long, value_delimiter = ',')]
    connections: Vec<u32>,
    /// Seconds of each figure.
    #[arg(long)]
    seconds: u64,
    /// SQL of pgledger: measured when given; several files are applied in order.
    #[arg(long)]
    pgledger: Vec<PathBuf>,
}

/// A ledger that moves one unit between two accounts, given by their numbers on each side.
trait Ledger: Clone + Send + 'static {
    fn transfer(&self, from: usize, to: usize) -> impl Future<Output = Result<()>> + Send;
}

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { url, connections, seconds, pgledger } = Arguments::parse();
    let mut figures = vec![];
    let measured = Duration::from_secs(seconds);
    let ledger = cala::Cala::open(database(&url, "peer_cala").await?).await?;
    measure(cala::NAME, &ledger, &connections, measured, &mut figures).await?;
    drop(ledger);
    if !pgledger.is_empty() {
        let ledger = pgledger::Pgledger::open(database(&url, "peer_pgledger").await?, &pgledger).await?;
        measure(pgledger::NAME, &ledger, &connections, measured, &mut figures).await?;
    }
    println!("{}", Value::from(figures));
    Ok(())
}

/// A new database, and a pool to it.
async fn database(url: &PgConnectOptions, name: &str) -> Result<PgPool> {
    let mut conn = PgConnection::connect_with(url).await.context("PostgreSQL does not answer")?;
    sqlx::raw_sql(&format!("create database {name}")).execute(&mut conn).await?;
    Ok(PgPoolOptions::new().max_connections(POOL_MAX).connect_with(url.clone().database(name)).await?)
}

async fn measure(
    name: &str,
    ledger: &impl Ledger,
    connections: &[u32],
    measured: Duration,
    figures: &mut Vec<Value>,
) -> Result<()> {
    for connections in connections.iter().copied() {
        eprintln!("{name}: {connections} connections …");
        let (begin, end) = (Instant::now(), WARM_UP + measured);
        let callers: Vec<_> = (0..connections)
            .map(|_| {
                let ledger = ledger.clone();
                tokio::spawn(async move {
                    let (mut dice, mut latencies) = (fastrand::Rng::new(), vec![]);
                    loop {
                        let sent = begin.elapsed();
                        if sent >= end {
                            return anyhow::Ok(latencies);
                        }
                        ledger.transfer(dice.usize(..ACCOUNTS), dice.usize(..ACCOUNTS)).await?;
                        let answered = begin.elapsed();
                        if answered >= WARM_UP && answered < end {
                            latencies.push(answered - sent);
                        }
                    }
                })
            })
            .collect();
        let mut latencies = vec![];
        for caller in callers {
            latencies.extend(caller.await??);
        }
        latencies.sort_unstable();
        let percentile_ms = |percent: usize| {
            let rank = (latencies.len() * percent).div_ceil(100);
            latencies.get(rank.saturating_sub(1)).map(|latency| rounded(latency.as_secs_f64() * 1e3))
        };
        figures.push(json!({
            "name": name,
            "connections": connections,
            "transactions_per_s": rounded(latencies.len() as f64 / measured.as_secs_f64()),
            "p50_ms": percentile_ms(50).context("no transfer was made")?,
            "p99_ms": percentile_ms(99).context("no transfer was made")?,
        }));
    }
    Ok(())
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

//! The benchmark of debits: the service as it would run, under load over HTTP, beside the same statement sent straight to PostgreSQL and
//! beside other ledgers, on one machine in one run. At the end the ledger must hold what was acknowledged, no more and no less.

pub mod bills;
mod draw;
pub mod gate;
pub mod load;
pub mod meals;
mod peers;
mod pgbench;
pub mod photo;
mod report;
pub mod rollover;
pub mod roster;
pub mod seed;
pub mod stage;

use crate::serve::wait_for_signal;
use anyhow::{Context, bail, ensure};
use clap::Args;
use diesel::{QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::BigInt};
use draw::Access;
use load::{DEBIT_CENTS, Spell};
use report::{Peer, Report, Run};
use seed::Seeded;
use stage::Stage;
use std::{
    path::PathBuf,
    sync::Arc,
    thread::available_parallelism,
    time::{Duration, Instant},
};

/// Numbers of connections that are measured unless one is asked for.
const CONNECTIONS: [u32; 5] = [1, 8, 32, 64, 128];
/// Whose figures come first in the report, unless asked otherwise.
const HEADLINE: u32 = 64;
/// Cents in each wallet: no run empties one.
const FULL_CENTS: i64 = 100_000_000;
/// Caches fill and statements are prepared before it counts.
const WARM_UP: Duration = Duration::from_secs(2);

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Measure this number of connections only [default: 1, 8, 32, 64 and 128]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=128))]
    connections: Option<u32>,
    /// Seconds of each figure, after a warm-up
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Print one JSON object instead of tables
    #[arg(long)]
    json: bool,
    /// Children, with two wallets each
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    children: u32,
    /// Merchants, with one till each
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    merchants: u32,
    /// Leave other ledgers out: building them the first time takes long
    #[arg(long)]
    no_peers: bool,
    /// SQL of pgledger, to measure it too; may be given several times, in the order to apply
    #[arg(long, value_name = "FILE")]
    pgledger: Vec<PathBuf>,
    /// Folder for the data, on the kind of disk to measure
    #[arg(long, value_name = "FOLDER", default_value = "/tmp")]
    folder: PathBuf,
}

/// Measures and prints.
pub async fn debit(options: Options) -> anyhow::Result<()> {
    // A signal is heeded at the end of the step it falls in; PostgreSQL, the service and the data go with the dropped future.
    let report = tokio::select! {
        biased;
        signal = wait_for_signal() => { signal?; bail!("stopped") }
        report = measure(&options) => report?,
    };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.markdown());
    }
    Ok(())
}

async fn measure(options: &Options) -> anyhow::Result<Report> {
    let connections = options.connections.map_or(CONNECTIONS.to_vec(), |one| vec![one]);
    let headline = options.connections.unwrap_or(HEADLINE);
    let most = connections.iter().max().copied().unwrap_or_default();
    ensure!(options.merchants >= most, "{most} connections need as many merchants: each has a till of its own");
    let mut notes = vec![];
    if cfg!(debug_assertions) {
        notes.push("This build is not optimised: its figures mean nothing (cargo build --release).".to_owned());
    }
    let with_peers = !options.no_peers && {
        eprintln!("Building the peers (the first time it takes long; --no-peers leaves them out) …");
        built(&mut notes)
    };

    eprintln!("Starting PostgreSQL and filling {} wallets …", u64::from(options.children).saturating_mul(2));
    let begun = Instant::now();
    let stage = Stage::open(&options.folder)?;
    let seeded = Arc::new(seed::seed(&stage, options.children, options.merchants, FULL_CENTS)?);
    eprintln!("… in {:.1} s", begun.elapsed().as_secs_f64());
    let server = stage.serve(&std::env::current_exe()?).await?;
    let memory_idle_mb = server.memory_mb()?;
    let measured = Duration::from_secs(options.seconds);
    let spell = Spell { warm_up: WARM_UP.min(measured), measured, pace: None };
    let (runs, made) = run_all(&stage, &seeded, &connections, spell)
        .await
        .with_context(|| format!("the service's log says: {}", server.said()))?;
    let memory_after_mb = server.memory_mb()?;
    prove(&stage, &seeded, made)?;
    drop(server);

    let mut peer_runs = vec![];
    if with_peers {
        eprintln!("Measuring the peers …");
        match peers::run(&stage.cluster, &connections, measured, &options.pgledger) {
            Ok(measured) => peer_runs = measured,
            Err(error) => notes.push(format!("Other ledgers were left out: {error:#}.")),
        }
    }
    let Run { debits_per_s, p50_ms, p99_ms, pgbench_tps, ratio, .. } =
        runs.iter().find(|run| run.connections == headline).context("the asked figures are missing")?.clone();
    let peers: Vec<Peer> = peer_runs.iter().filter(|peer| peer.connections == headline).cloned().collect();
    Ok(Report {
        connections: headline,
        debits_per_s,
        p50_ms,
        p99_ms,
        pgbench_tps,
        ratio,
        peers,
        seconds: options.seconds,
        cores: available_parallelism()?.get(),
        wallets: seeded.wallets(),
        merchants: options.merchants,
        memory_idle_mb,
        memory_after_mb,
        debits_proven: made,
        runs,
        peer_runs,
        notes,
    })
}

fn built(notes: &mut Vec<String>) -> bool {
    let built = peers::build();
    if let Err(error) = &built {
        notes.push(format!("Other ledgers were left out: {error:#}."));
    }
    built.is_ok()
}

/// Every figure: the service, and right after it the same statement alone. Uniform access comes first. Returns the debits made, too.
///
/// The first change of a page after a checkpoint writes the whole page to the journal: one checkpoint comes first, then enough load to
/// touch most pages, and no other checkpoint until the end, so that every figure begins alike. What that load left for the disk to write
/// is written before the first figure: it would slow every commit of it.
async fn run_all(
    stage: &Stage,
    seeded: &Arc<Seeded>,
    connections: &[u32],
    spell: Spell,
) -> anyhow::Result<(Vec<Run>, u64)> {
    let mut conn = stage.connect(stage.department_schema())?;
    conn.batch_execute("alter system set checkpoint_timeout = '1h'")?;
    conn.batch_execute("select pg_reload_conf()")?;
    conn.batch_execute("checkpoint")?;
    let warm = Spell { warm_up: spell.measured, ..spell };
    let mut made = load::run(stage, seeded, Access::Uniform, HEADLINE.min(u32::try_from(seeded.tills.len())?), warm)
        .await?
        .acknowledged;
    stage::sync()?;
    let mut runs = vec![];
    for access in Access::ALL {
        for connections in connections.iter().copied() {
            eprintln!("Measuring {connections} connections, {access:?} …");
            let load = load::run(stage, seeded, access, connections, spell).await?;
            let floor = pgbench::run(stage, seeded.wallets(), access, connections, spell)?;
            made = made.saturating_add(load.acknowledged).saturating_add(floor.transactions);
            runs.push(Run::new(access, connections, &load, floor.tps));
        }
    }
    Ok((runs, made))
}

#[derive(QueryableByName)]
struct Sums {
    #[diesel(sql_type = BigInt)]
    debits: i64,
    #[diesel(sql_type = BigInt)]
    cents: i64,
    /// Wallets whose balance is not the sum of their transfers.
    #[diesel(sql_type = BigInt)]
    wrong: i64,
}

/// Fails unless the ledger holds exactly the debits that were acknowledged, and every balance follows from its transfers.
fn prove(stage: &Stage, seeded: &Seeded, made: u64) -> anyhow::Result<()> {
    let Sums { debits, cents, wrong } = sql_query(
        "with moved as (
             select wallet_id, sum(case when to_account = wallet_id then amount_cents else -amount_cents end) as cents,
                    count(*) filter (where kind = 'debit') as debits,
                    coalesce(sum(amount_cents) filter (where kind = 'debit'), 0) as debited
               from transfers group by wallet_id)
         select coalesce(sum(m.debits), 0)::bigint as debits, coalesce(sum(m.debited), 0)::bigint as cents,
                count(*) filter (where w.balance_cents is distinct from m.cents) as wrong
           from wallets w full join moved m on m.wallet_id = w.id",
    )
    .get_result(&mut stage.connect(stage.department_schema())?)?;
    let made = i64::try_from(made)?;
    ensure!(debits == made, "{made} debits were acknowledged and {debits} are in the ledger");
    ensure!(cents == made.saturating_mul(DEBIT_CENTS), "{made} debits of {DEBIT_CENTS} cent moved {cents}");
    ensure!(wrong == 0, "{wrong} of {} wallets do not have the sum of their transfers", seeded.wallets());
    Ok(())
}

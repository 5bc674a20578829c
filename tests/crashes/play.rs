//! A history of blows, and what must be true after each of them.

use crate::{
    blows::{Blow, Running},
    books::Books,
    tills::{Counter, Told},
};
use diesel::{QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_types};
use passplus::bench::{load, seed, stage::Stage};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use uuid::Uuid;

/// Tills, each on a connection of its own: enough for batches.
const TILLS: u32 = 8;
/// Few wallets of little money: they meet in them, and run them dry.
const CHILDREN: u32 = 6;
const CENTS: i64 = 20_000;
/// Keys that each till sends again after every blow: those answered just before it, and what was unknown.
const LAST: usize = 30;
/// Keys sent again in all, if a minute at the end is enough for them.
const REPLAYED: usize = 10_000;
const REPLAY: Duration = Duration::from_secs(60);

/// What a history was.
#[derive(Debug, Default)]
#[expect(dead_code, reason = "printed")]
pub struct Tally {
    pub done: usize,
    pub refused: usize,
    /// Answers that never came, until the key was sent again.
    pub unknown: usize,
    pub replayed: usize,
}

/// Plays that many blows on a service that runs, once it is prepared like that. The first flaw found, if any.
pub async fn play(blow: Blow, cycles: u32, seed: u64, prepare: impl FnOnce(&Stage)) -> Result<Tally, String> {
    let stage = Stage::open(Path::new("/tmp")).unwrap();
    let seeded = Arc::new(seed::seed(&stage, CHILDREN, TILLS, CENTS).unwrap());
    let mut dice = fastrand::Rng::with_seed(seed);
    let counters =
        (0..seeded.tills.len()).map(|rank| Counter::new(&stage.config.public_url, &seeded, rank, dice.u64(..)));
    let mut counters: Vec<Counter> = counters.collect();
    let mut running = Running::start(stage).await;
    // To find out after a crash what was not written yet, PostgreSQL asks for every file by name, which takes seconds each time, or where
    // the system can for all at once.
    running.superuser().await.batch_execute("alter system set recovery_init_sync_method = 'syncfs'").ok();
    running.superuser().await.batch_execute("select pg_reload_conf()").unwrap();
    prepare(&running.stage);
    for cycle in 0..cycles {
        for counter in &mut counters {
            counter.token = token(&running.stage, &seeded, counter.rank).await;
        }
        let stop = Arc::<AtomicBool>::default();
        let working = tokio::spawn(all(counters, {
            let stop = Arc::clone(&stop);
            move |counter| counter.work(Arc::clone(&stop))
        }));
        tokio::time::sleep(Duration::from_millis(dice.u64(150..700))).await;
        running.strike(blow, &mut dice);
        // For a moment they go on asking what is not there.
        tokio::time::sleep(Duration::from_millis(dice.u64(5..200))).await;
        stop.store(true, Ordering::SeqCst);
        // What is still under way meets the recovery.
        running.recover().await;
        counters = working.await.unwrap()?;

        let flawed = |flaw: String| format!("after blow {cycle}: {flaw}; the service's log says: {}", running.said());
        nothing_lost(&counters, &movements(&running).await, &refusals(&running).await).map_err(flawed)?;
        counters = all(counters, Counter::resolve).await.map_err(flawed)?;
        counters = all(counters, |counter| counter.again(LAST, REPLAY)).await.map_err(flawed)?;
        exactly(&counters, &movements(&running).await, &refusals(&running).await).map_err(flawed)?;
        Books::of(&mut running.superuser().await).prove().map_err(flawed)?;
    }
    for counter in &mut counters {
        counter.token = token(&running.stage, &seeded, counter.rank).await;
    }
    let end = Instant::now() + REPLAY;
    while replayed(&counters) < REPLAYED && Instant::now() < end {
        counters =
            all(counters, |counter| counter.again(usize::MAX, end.saturating_duration_since(Instant::now()))).await?;
    }
    exactly(&counters, &movements(&running).await, &refusals(&running).await)?;
    let told = counters.iter().flat_map(|counter| &counter.asked).map(|asked| &asked.told);
    let done = told.clone().filter(|told| matches!(told, Told::Done(_))).count();
    Ok(Tally {
        done,
        refused: told.count() - done,
        unknown: counters.iter().map(|counter| counter.unknown).sum(),
        replayed: replayed(&counters),
    })
}

fn replayed(counters: &[Counter]) -> usize {
    counters.iter().map(|counter| counter.replayed).sum()
}

/// A step of all tills at once.
async fn all<F>(counters: Vec<Counter>, step: impl Fn(Counter) -> F) -> Result<Vec<Counter>, String>
where
    F: Future<Output = Result<Counter, String>> + Send + 'static,
{
    let running: Vec<_> = counters.into_iter().map(|counter| tokio::spawn(step(counter))).collect();
    let mut done = vec![];
    for one in running {
        done.push(one.await.unwrap()?);
    }
    Ok(done)
}

/// A fresh token of that till, asked for until the service gives one: it must get over the blow by itself.
async fn token(stage: &Stage, seeded: &seed::Seeded, rank: usize) -> String {
    let mut because = String::new();
    for _ in 0..150 {
        match load::token(stage, &seeded.tills[rank], u32::try_from(rank).unwrap()).await {
            Ok(token) => return token,
            Err(error) => because = error.to_string(),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the service does not get over it: {because}")
}

/// A line that the ledger keeps under a till's key: a movement's id, or why there is none.
#[derive(Debug, QueryableByName)]
struct Line {
    #[diesel(sql_type = sql_types::Uuid)]
    client_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    key: Uuid,
    #[diesel(sql_type = sql_types::Text)]
    said: String,
}

async fn movements(running: &Running) -> Vec<Line> {
    let sql = "select client_id, key, id::text || ' ' || amount_cents as said from transfers where key is not null";
    diesel::sql_query(sql).load(&mut running.superuser().await).unwrap()
}

async fn refusals(running: &Running) -> Vec<Line> {
    let sql = "select client_id, key, reason as said from ledger_refusals";
    diesel::sql_query(sql).load(&mut running.superuser().await).unwrap()
}

/// What the tills were told was done, by till and key.
fn told_done(counters: &[Counter]) -> BTreeMap<(Uuid, Uuid), String> {
    let of = |counter: &Counter| {
        let device = counter.device();
        let done = counter.asked.iter().filter_map(move |asked| {
            let Told::Done(answer) = &asked.told else { return None };
            Some(((device, asked.key), format!("{} {}", answer["id"].as_str()?, answer["amount_cents"])))
        });
        done.collect::<Vec<_>>()
    };
    counters.iter().flat_map(of).collect()
}

/// The till and key of each refusal.
fn told_refused(counters: &[Counter]) -> Vec<(Uuid, Uuid)> {
    let of = |counter: &Counter| {
        let refused = counter.asked.iter().filter(|asked| matches!(asked.told, Told::Refused(_)));
        let device = counter.device();
        refused.map(move |asked| (device, asked.key)).collect::<Vec<_>>()
    };
    counters.iter().flat_map(of).collect()
}

/// Whatever was acknowledged is in the ledger: what was done, and what was refused.
fn nothing_lost(counters: &[Counter], movements: &[Line], refusals: &[Line]) -> Result<(), String> {
    let kept: BTreeMap<_, _> = movements.iter().map(|line| ((line.client_id, line.key), &line.said)).collect();
    let told = told_done(counters);
    let mut gone: Vec<_> = told.iter().filter(|(key, said)| kept.get(key) != Some(said)).map(|(key, _)| *key).collect();
    let kept: BTreeSet<_> = refusals.iter().map(|line| (line.client_id, line.key)).collect();
    gone.extend(told_refused(counters).into_iter().filter(|key| !kept.contains(key)));
    if gone.is_empty() { Ok(()) } else { Err(format!("{} acknowledged and gone: {:?}", gone.len(), gone[0])) }
}

/// The ledger holds what was acknowledged and what was refused, no more and no less.
fn exactly(counters: &[Counter], movements: &[Line], refusals: &[Line]) -> Result<(), String> {
    nothing_lost(counters, movements, refusals)?;
    let told = told_done(counters);
    let mut seen = BTreeMap::new();
    for line in movements {
        let times: &mut u32 = seen.entry((line.client_id, line.key)).or_default();
        *times += 1;
        if *times > 1 || !told.contains_key(&(line.client_id, line.key)) {
            return Err(format!("moved without being asked for: {line:?}, {times} times"));
        }
    }
    let (kept, refused) = (refusals.len(), told_refused(counters).len());
    if kept == refused { Ok(()) } else { Err(format!("{refused} refused, and the ledger keeps {kept} refusals")) }
}

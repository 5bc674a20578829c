//! The demonstration: a private PostgreSQL, people of two departments, and the main job played over HTTP before one's eyes.
//!
//! Nothing here is a shortcut: the loader and the tour speak to the service as its users do, letters included. Only the first
//! administrator of each department comes by the operator's way, as in production.

mod canteen;
pub(crate) mod client;
mod databases;
mod load;
mod people;
mod screen;
mod tour;

use crate::{
    config::FOUNDERS,
    embedded::{Cluster, Durability},
    migrate::Schema,
    proof, serve,
};
use anyhow::{Context, ensure};
use client::Client;
use people::Cast;
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
};
use tracing_subscriber::EnvFilter;

/// Where everything is kept, when `PASSPLUS_DATA` does not say.
const DATA: &str = ".passplus";

/// Starts everything, loads the demonstration at the first start, plays the tour; then stays up, or stops if `once`.
pub async fn run(once: bool, fresh: bool) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("PASSPLUS_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let data = PathBuf::from(std::env::var_os("PASSPLUS_DATA").unwrap_or_else(|| DATA.into()));
    let postgres = data.join("postgres");
    fs::create_dir_all(&data).with_context(|| format!("cannot make the data folder {}", data.display()))?;
    // Held until this process ends: a second start on the same data would stop the first one's database.
    let lock = fs::File::create(data.join("demo.lock"))?;
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        anyhow::anyhow!("a demonstration already runs on {}: stop it first, or set PASSPLUS_DATA", data.display())
    })?;
    if fresh && postgres.exists() {
        println!("Forgetting the data in {} …", data.display());
        Cluster::open(&postgres)?.stop()?;
        fs::remove_dir_all(&postgres)?;
        fs::remove_dir_all(data.join("letters")).ok();
        fs::remove_file(data.join("demo.json")).ok();
    }
    println!("Starting a private PostgreSQL in {} …", postgres.display());
    let cluster = Cluster::open(&postgres)?;
    cluster.start(Durability::Durable)?;
    // Ends PostgreSQL even if this process is killed.
    let tether = cluster.stop_with_this_process()?;
    let played = play(&cluster, &data, once).await;
    println!("Stopping PostgreSQL …");
    cluster.stop()?;
    drop(tether);
    played
}

async fn play(cluster: &Cluster, data: &Path, once: bool) -> anyhow::Result<()> {
    let listener = bind("PASSPLUS_LISTEN", "127.0.0.1:8080")?;
    let metrics_listener = bind("PASSPLUS_METRICS_LISTEN", "127.0.0.1:9090")?;
    let (address, metrics_address) = (listener.local_addr()?, metrics_listener.local_addr()?);
    let config = databases::prepare(cluster, "", data, (address, metrics_address))?;
    let metrics = serve::serve_metrics(metrics_listener)?;
    let running = serve::start(&config, listener).await?;
    let client = Client::new(&config.public_url, data.join("letters"))?;

    let kept = data.join("demo.json");
    let mut cast = if let Some(cast) = Cast::read(&kept)? {
        println!("The demonstration's data of the earlier start is there.");
        cast
    } else {
        println!("Loading the demonstration …");
        let cast = load::load(&client, &running.app).await?;
        cast.write(&kept)?;
        cast
    };
    let toured = tour_all(&client, &mut cast, cluster, data).await;
    if let Err(error) = &toured {
        eprintln!("\nThe tour stopped: {error:#}");
    } else {
        println!("\nEvery step answered as it must.");
    }
    if !once && toured.is_ok() {
        print!("{}", people::table(&cast, &config.public_url, metrics_address));
        serve::wait_for_signal().await?;
        println!("\nStopping …");
    }
    // Its idle connections would hold up the stop.
    drop(client);
    running.stop().await?;
    metrics.stop(false).await;
    toured
}

/// The main job, the canteen's month, and the proof of the ledgers.
async fn tour_all(client: &Client, cast: &mut Cast, cluster: &Cluster, data: &Path) -> anyhow::Result<()> {
    let last = tour::play(client, cast).await?;
    canteen::run(cluster, data, last).await?;
    prove(cluster)
}

/// Has the ledgers verified as an auditor would, and says how to do it again.
fn prove(cluster: &Cluster) -> anyhow::Result<()> {
    let mut options = proof::command::Options::default();
    for (code, _) in FOUNDERS {
        let code = code.parse().map_err(|reason: String| anyhow::anyhow!(reason))?;
        let schema = Schema::Department(code);
        options.url.push(cluster.url(&schema.check(), &schema.stem()));
    }
    let outcome = proof::command::run(&options, &|_| None)?;
    let urls: String = options.url.iter().flat_map(|url| [" --url '", url.as_str(), "'"]).collect();
    print!("\nThe proof of the ledgers (again: passplus verify{urls})\n{}", outcome.text);
    ensure!(outcome.clean, "the ledger is not what it must be");
    Ok(())
}

/// The wanted address, or any free port when somebody else listens there.
fn bind(variable: &str, default: &str) -> anyhow::Result<TcpListener> {
    let wanted = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
    TcpListener::bind(&wanted).or_else(|_| {
        let free = TcpListener::bind("127.0.0.1:0")?;
        println!("{wanted} is taken: listening on {} instead.", free.local_addr()?);
        Ok(free)
    })
}

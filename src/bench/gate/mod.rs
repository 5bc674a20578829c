//! The benchmark of gates: cards shown at the gates of all collèges at lunch, at a steady pace over HTTP, on a school year of meals; and what
//! it takes to make the list of the day of one gate.

mod seed;

use super::{load, report::percentile_ms, stage::Stage};
use crate::kernel::time;
use anyhow::{Context, ensure};
use clap::Args;
use reqwest::Client;
use seed::{Extent, SeededCard, SeededGate};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep_until};

/// Connections open and statements are prepared before it counts.
const WARM_UP: Duration = Duration::from_secs(2);
/// Lists of the day that are made; the figure is the median.
const LISTS: usize = 5;

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Pupils enrolled in the canteen, each with a card, a portrait and a meal today
    #[arg(long, default_value_t = 40_000, value_parser = clap::value_parser!(u32).range(1..=500_000))]
    enrolments: u32,
    /// Collèges, with a gate each
    #[arg(long, default_value_t = 66, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    colleges: u32,
    /// Days of the year with a meal for everybody
    #[arg(long, default_value_t = 140, value_parser = clap::value_parser!(u32).range(1..=300))]
    days: u32,
    /// Cards shown a second, at all gates together
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    scans: u32,
    /// Seconds that are measured, after a warm-up
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Print one JSON object instead of sentences
    #[arg(long)]
    json: bool,
    /// Folder for the data, on the kind of disk to measure
    #[arg(long, value_name = "FOLDER", default_value = "/tmp")]
    folder: PathBuf,
}

#[derive(Debug, Serialize)]
struct Report {
    enrolments: u32,
    colleges: u32,
    meals: u64,
    scans_per_s: u32,
    seconds: u64,
    scans: usize,
    /// From the instant at which a card was due to be shown.
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    list_ms: f64,
    list_without_portraits_ms: f64,
    list_bytes: usize,
    list_without_portraits_bytes: usize,
    memory_mb: u64,
    /// What must be known to read the figures.
    notes: Vec<String>,
}

/// Measures and prints.
pub async fn gate(options: Options) -> anyhow::Result<()> {
    let report = measure(&options).await?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(());
    }
    let Report { enrolments, colleges, meals, scans_per_s, seconds, p50_ms, p99_ms, max_ms, .. } = &report;
    println!(
        "{enrolments} enrolments, {colleges} collèges, {meals} meals; {scans_per_s} cards a second for {seconds} s."
    );
    println!("A card at a gate: {p50_ms:.1} ms (median), {p99_ms:.1} ms (99 %), {max_ms:.1} ms (worst).");
    println!("The list of a gate: {:.0} ms, {} bytes.", report.list_ms, report.list_bytes);
    println!(
        "Without portraits: {:.0} ms, {} bytes.",
        report.list_without_portraits_ms, report.list_without_portraits_bytes
    );
    println!("The service takes {} MB.", report.memory_mb);
    report.notes.iter().for_each(|note| println!("{note}"));
    Ok(())
}

async fn measure(options: &Options) -> anyhow::Result<Report> {
    let mut notes = vec![];
    if cfg!(debug_assertions) {
        notes.push("This build is not optimised: its figures mean nothing (cargo build --release).".to_owned());
    }
    let Options { enrolments, colleges, days, scans: scans_per_s, seconds, .. } = *options;
    let meals = u64::from(enrolments).saturating_mul(days.into());
    eprintln!("Starting PostgreSQL and laying out {meals} meals …");
    let begun = Instant::now();
    let stage = Stage::open(&options.folder)?;
    let gates = seed::seed(&stage, Extent { enrolments, colleges, days })?;
    eprintln!("… in {:.1} s", begun.elapsed().as_secs_f64());
    let server = stage.serve(&std::env::current_exe()?).await?;
    let mut lanes = vec![];
    for (number, gate) in (1_u32..).zip(gates) {
        lanes.push(Lane::open(&stage, gate, number).await?);
    }
    let first = Arc::new(lanes);
    let counted = scan(&first, scans_per_s, Duration::from_secs(seconds))
        .await
        .with_context(|| format!("the service's log says: {}", server.said()))?;
    let lane = first.first().context("no gate")?;
    let (list_ms, list_bytes) = lane.list(true).await?;
    let (list_without_portraits_ms, list_without_portraits_bytes) = lane.list(false).await?;
    Ok(Report {
        enrolments,
        colleges,
        meals,
        scans_per_s,
        seconds,
        scans: counted.len(),
        p50_ms: percentile_ms(&counted, 50),
        p99_ms: percentile_ms(&counted, 99),
        max_ms: percentile_ms(&counted, 100),
        list_ms,
        list_without_portraits_ms,
        list_bytes,
        list_without_portraits_bytes,
        memory_mb: server.memory_mb()?,
        notes,
    })
}

/// A gate on a connection of its own.
struct Lane {
    http: Client,
    base: String,
    token: String,
    cards: Vec<SeededCard>,
}

impl Lane {
    async fn open(stage: &Stage, gate: SeededGate, number: u32) -> anyhow::Result<Self> {
        let token = load::token(stage, &gate.device, number).await?;
        let base = format!("{}/v1/departments/{}/canteen", stage.config.public_url, stage.department);
        Ok(Self { http: Client::builder().no_proxy().tcp_nodelay(true).build()?, base, token, cards: gate.cards })
    }

    /// Shows the card of that rank: its child eats the meal that waits for it, or one without reservation, unless it came round already.
    async fn show(&self, rank: usize) -> anyhow::Result<()> {
        let card = rank.checked_rem(self.cards.len()).and_then(|place| self.cards.get(place));
        let card = card.context("a collège without cards")?;
        let scanned_at = time::server_now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let SeededCard { code, has_meal } = card;
        let body = json!({ "sequence": rank.saturating_add(1), "scanned_at": scanned_at, "card": code });
        let request = self.http.post(format!("{}/passages", self.base)).bearer_auth(&self.token).json(&body);
        let answer: Value = request.send().await?.error_for_status()?.json().await?;
        let told = answer.get("reason").and_then(Value::as_str).unwrap_or_default();
        let again = rank >= self.cards.len();
        let expected: &[&str] = match (again, has_meal) {
            (false, true) => &["reserved"],
            (true, true) => &["already_passed"],
            // On a day without meals nobody is served without one.
            (false, false) => &["not_enrolled", "closed"],
            (true, false) => &["already_passed", "closed"],
        };
        ensure!(expected.contains(&told), "a card was answered {answer}");
        ensure!(answer.pointer("/diner/photo_jpeg_base64").is_some(), "an answer without portrait: {answer}");
        Ok(())
    }

    /// Median of the milliseconds that a list takes, and its bytes.
    async fn list(&self, portraits: bool) -> anyhow::Result<(f64, usize)> {
        let (mut micros, mut bytes) = (vec![], 0);
        for _ in 0..LISTS {
            let begun = Instant::now();
            let request = self.http.get(format!("{}/gate-list?portraits={portraits}", self.base));
            let answer = request.bearer_auth(&self.token).send().await?.error_for_status()?;
            bytes = answer.bytes().await?.len();
            micros.push(u32::try_from(begun.elapsed().as_micros())?);
        }
        micros.sort_unstable();
        Ok((percentile_ms(&micros, 50), bytes))
    }
}

/// Shows cards at all gates by turns, each when it is due, however late the last answer was. Microseconds of those that count, in order.
async fn scan(lanes: &Arc<Vec<Lane>>, per_s: u32, measured: Duration) -> anyhow::Result<Vec<u32>> {
    let between = Duration::from_secs(1) / per_s;
    let end = WARM_UP.saturating_add(measured);
    let begin = Instant::now();
    let mut running = JoinSet::new();
    for number in 0_u32.. {
        let due = between.saturating_mul(number);
        if due >= end {
            break;
        }
        sleep_until((begin + due).into()).await;
        let (lanes, number) = (Arc::clone(lanes), usize::try_from(number)?);
        running.spawn(async move {
            let place = number.checked_rem(lanes.len()).context("no gate")?;
            lanes.get(place).context("no gate")?.show(number / lanes.len()).await?;
            anyhow::Ok((due >= WARM_UP).then(|| begin.elapsed().saturating_sub(due)))
        });
    }
    let mut counted = vec![];
    while let Some(done) = running.join_next().await {
        if let Some(took) = done?? {
            counted.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        }
    }
    counted.sort_unstable();
    ensure!(!counted.is_empty(), "no card was shown");
    Ok(counted)
}

//! The turn of a school year at full size: last season's children carried over by the worker's own batches, then, once families have
//! answered, everything confirmed by the collèges in one transaction; beside bare inserts of as many requests, wallets and movements in the
//! same PostgreSQL. At the end every row is counted and the ledger must prove itself.
#![expect(clippy::float_arithmetic, reason = "seconds, not money")]

use super::stage::{Stage, number};
use crate::{
    enrolments::{
        bulk::{self, Attested, BulkOutcome},
        opening,
    },
    kernel::{actor::Caller, ids::EnrolmentId, text::SeasonCode},
    proof::verify::verify,
    seasons::rules::default_rules,
    serve::wait_for_signal,
};
use anyhow::{Context, anyhow, bail, ensure};
use clap::Args;
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    sql_query,
    sql_types::{Jsonb, Text, Uuid},
};
use serde::Serialize;
use std::{path::PathBuf, time::Instant};

const FROM: &str = "2025-2026";
const SEASON: &str = "2026-2027";

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Children of the season that ends; a quarter of them leaves 3e
    #[arg(long, default_value_t = 150_000, value_parser = clap::value_parser!(u32).range(4..=1_000_000))]
    children: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Folder for the data, on the kind of disk to measure
    #[arg(long, value_name = "FOLDER", default_value = "/tmp")]
    folder: PathBuf,
}

/// What one run found. Seconds on the wall.
#[derive(Debug, Serialize)]
struct Report {
    children: u32,
    carried: i64,
    leaving: i64,
    families: i64,
    /// Requests, history, journal and a word to each family.
    opening_s: f64,
    /// The children carried over whom their collèges confirm in one transaction: two wallets each, their first movements, chained.
    confirmed: usize,
    confirming_s: f64,
    /// As many bare requests, wallets and movements, without history, journal, chain, cards or words to anybody.
    bare_sql_s: f64,
    /// Opening and confirming for each second of bare inserts.
    ratio: f64,
    rows_written: i64,
    optimised_build: bool,
}

/// Measures and prints.
pub async fn rollover(options: Options) -> anyhow::Result<()> {
    let report = tokio::select! {
        biased;
        signal = wait_for_signal() => { signal?; bail!("stopped") }
        report = measure(&options) => report?,
    };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!(
            "{} children: opened in {:.1} s ({} carried over, {} leaving, {} families written to); {} confirmed in {:.1} s; bare SQL {:.1} s; \
             ratio {:.2}",
            report.children,
            report.opening_s,
            report.carried,
            report.leaving,
            report.families,
            report.confirmed,
            report.confirming_s,
            report.bare_sql_s,
            report.ratio
        );
    }
    Ok(())
}

const ROWS: &str = "select (select count(*) from enrolments) + (select count(*) from enrolment_events) + (select count(*) from wallets)
    + (select count(*) from transfers) + (select count(*) from audit) + (select count(*) from jobs) + (select count(*) from cards) as n";

async fn measure(options: &Options) -> anyhow::Result<Report> {
    eprintln!("Starting PostgreSQL and filling {} children …", options.children);
    let stage = Stage::open(&options.folder)?;
    let mut conn = stage.connect(stage.department_schema())?;
    seed(&stage, &mut conn, options.children)?;
    let db = stage.db();
    let caller = Caller::system();
    let before = number(&mut conn, ROWS)?;

    eprintln!("Opening the season …");
    let begun = Instant::now();
    while db.write(stage.department, &caller, opening::open_batch).await.map_err(|error| anyhow!("{error}"))? {}
    let opening_s = begun.elapsed().as_secs_f64();
    let carried = number(&mut conn, "select carried as n from season_openings where state = 'done'")?;
    let leaving = number(&mut conn, "select leaving as n from season_openings where state = 'done'")?;
    let families = number(&mut conn, "select families as n from season_openings where state = 'done'")?;
    ensure!(
        carried.saturating_add(leaving) == i64::from(options.children),
        "{carried} carried over, {leaving} leaving"
    );

    let pupils = answered(&mut conn)?;
    eprintln!("Confirming {} pupils …", pupils.len());
    let begun = Instant::now();
    let outcomes = db
        .write(stage.department, &caller, move |tx| bulk::attest_many(tx, &pupils))
        .await
        .map_err(|error| anyhow!("{error}"))?;
    let confirming_s = begun.elapsed().as_secs_f64();
    let confirmed = outcomes.iter().filter(|outcome| **outcome == BulkOutcome::Activated).count();
    ensure!(confirmed == outcomes.len(), "{confirmed} of {} confirmed", outcomes.len());
    let rows_written = number(&mut conn, ROWS)?.saturating_sub(before);

    let bare_sql_s = bare(&mut conn)?;
    eprintln!("Proving the ledger …");
    let report =
        verify(&stage.cluster.url(crate::embedded::SUPERUSER, &stage.department_schema().stem()), None, false)?;
    ensure!(report.violations_count == 0, "the ledger is wrong: {:?}", report.violations);
    ensure!(report.wallets == u64::try_from(carried)?.saturating_mul(2), "{} wallets", report.wallets);
    Ok(Report {
        children: options.children,
        carried,
        leaving,
        families,
        opening_s,
        confirmed,
        confirming_s,
        bare_sql_s,
        ratio: (opening_s + confirming_s) / bare_sql_s,
        rows_written,
        optimised_build: !cfg!(debug_assertions),
    })
}

/// Four children in five files, active in the season that ends, with a card each; both seasons published; the opening ordered.
fn seed(stage: &Stage, conn: &mut PgConnection, children: u32) -> anyhow::Result<()> {
    for code in [FROM, SEASON] {
        let season: SeasonCode = code.parse().map_err(|reason: String| anyhow!(reason))?;
        let rules = serde_json::to_value(default_rules(stage.department, &season))?;
        sql_query(
            "insert into season_versions (season, version, state, rules, effective_from, drafted_at, published_at)
             values ($1, 1, 'published', $2, now() - interval '2 years', now(), now())",
        )
        .bind::<Text, _>(code)
        .bind::<Jsonb, _>(rules)
        .execute(conn)?;
    }
    let department = stage.department;
    conn.batch_execute(&format!(
        "create schema bench;
         create unlogged table bench.children as
             select n, (n * 4 / 5) as household, time_ordered_id() as child, (array['6e', '5e', '4e', '3e'])[n % 4 + 1] as level
               from generate_series(1, {children}) n;
         create unlogged table bench.families as select household, time_ordered_id() as family from (select distinct household from bench.children) h;
         insert into families (id, created_by, created_at) select family, gen_random_uuid(), now() from bench.families;
         insert into children (id, family_id, first_names, last_name, birth_date, residence, created_at)
             select child, family, 'Lou', 'Mesure ' || n, date '2013-01-01' + n % 1000, '{department}', now()
               from bench.children join bench.families using (household);
         insert into enrolments (id, child_id, family_id, season, state, college_uai, college_name, in_network, level, formula,
                                 declares_scholarship, ase, created_at, submitted_at)
             select time_ordered_id(), child, family, '{FROM}', 'active', '0920001B', 'Collège', true, level, 'culture', false, false,
                    now(), null
               from bench.children join bench.families using (household);
         insert into cards (id, child_id, family_id, state, code_fingerprint, code_sealed, valid_until, issued_at)
             select time_ordered_id(), child, family, 'active', uuid_send(gen_random_uuid()), '', '2027-08-31', now()
               from bench.children join bench.families using (household);
         insert into season_openings (id, season, from_season, expected_children, ordered_by, ordered_at, runs_at, state)
             values (gen_random_uuid(), '{SEASON}', '{FROM}', {children}, gen_random_uuid(), now(), now(), 'ordered')"
    ))?;
    conn.batch_execute("vacuum analyze").context("the tables cannot be analysed")
}

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = Uuid)]
    id: EnrolmentId,
}

/// Every family submits what was carried over. Not measured: they do it one by one.
fn answered(conn: &mut PgConnection) -> anyhow::Result<Vec<Attested>> {
    let waiting: Vec<Waiting> = sql_query(
        "update enrolments set state = 'submitted', submitted_at = now(), rule = 'collegiens' where state = 'to_confirm' returning id",
    )
    .load(conn)?;
    conn.batch_execute("vacuum analyze enrolments")?;
    Ok(waiting.into_iter().map(|row| Attested { enrolment: row.id, version: 1, level: None }).collect())
}

/// As many requests, wallets and movements, inserted into tables with the same indexes and checks and nothing else.
fn bare(conn: &mut PgConnection) -> anyhow::Result<f64> {
    conn.batch_execute(
        "create table bench.enrolments (like enrolments including all);
         create table bench.wallets (like wallets including all);
         create table bench.transfers (like transfers including all)",
    )?;
    eprintln!("Inserting as much by bare SQL …");
    let begun = Instant::now();
    conn.batch_execute(&format!(
        "begin;
         insert into bench.enrolments select * from enrolments where season = '{SEASON}';
         insert into bench.wallets select * from wallets;
         insert into bench.transfers select * from transfers;
         commit"
    ))?;
    Ok(begun.elapsed().as_secs_f64())
}

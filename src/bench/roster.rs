//! The benchmark of rosters: how long the service takes to read a school's file, to match its rows and to confirm the matches, with as many
//! requests waiting as the file has rows.

use super::stage::Stage;
use crate::{
    app::App,
    cards,
    enrolments::rosters::{
        self,
        reading::{self, Bounds, Roster},
    },
    kernel::{
        actor::{Actor, Caller},
        ids::{AccountId, RequestId},
        text::{SeasonCode, Uai},
        words::AgentFunction,
    },
    seasons,
};
use anyhow::{Context, anyhow, ensure};
use chrono::{Days, NaiveDate};
use clap::Args;
use diesel::{
    RunQueryDsl,
    connection::SimpleConnection,
    sql_query,
    sql_types::{Array, BigInt, Text},
};
use serde::Serialize;
use std::{
    fmt::Write as _,
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

const SEASON: &str = "2026-2027";
/// Pupils of each collège.
const COLLEGE_PUPILS: usize = 1_500;
/// One row in so many is of a pupil without a request, or misspelt.
const ODD_ROW: usize = 50;
/// Unit of the processor's time in `/proc`.
const TICK: Duration = Duration::from_millis(10);

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Rows of the file; may be given several times [default: 1500 and 150000]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    rows: Vec<u32>,
    /// Only check, do not apply, files with more rows than this
    #[arg(long, default_value_t = 200_000)]
    apply_up_to: u32,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
    /// Folder for the data, on the kind of disk to measure
    #[arg(long, value_name = "FOLDER", default_value = "/tmp")]
    folder: PathBuf,
}

/// Seconds of one step, by the clock and of the service's processor time; PostgreSQL's own is in the first only.
#[derive(Debug, Serialize)]
struct Step {
    wall_seconds: f64,
    cpu_seconds: f64,
}

#[derive(Debug, Serialize)]
struct Run {
    rows: usize,
    megabytes: usize,
    matches: usize,
    check: Step,
    #[serde(skip_serializing_if = "Option::is_none")]
    apply: Option<Step>,
    /// The most that the process has held so far.
    memory_peak_mb: u64,
}

/// Measures and prints.
pub async fn roster(options: Options) -> anyhow::Result<()> {
    let sizes = if options.rows.is_empty() { vec![1_500, 150_000] } else { options.rows.clone() };
    let mut runs = vec![];
    for rows in sizes {
        eprintln!("Measuring {rows} rows …");
        runs.push(measure(&options, usize::try_from(rows)?, rows <= options.apply_up_to).await?);
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&serde_json::json!({ "runs": runs }))?);
        return Ok(());
    }
    for Run { rows, megabytes, matches, check, apply, memory_peak_mb } in runs {
        println!("{rows} rows ({megabytes} MB), {matches} matches, {memory_peak_mb} MB at most");
        for (name, step) in [("check", Some(check)), ("apply", apply)] {
            if let Some(Step { wall_seconds, cpu_seconds }) = step {
                println!("  {name}: {wall_seconds:.2} s, {cpu_seconds:.2} s of processor");
            }
        }
    }
    Ok(())
}

async fn measure(options: &Options, rows: usize, applies: bool) -> anyhow::Result<Run> {
    let stage = Stage::open(&options.folder)?;
    let app = App::new(&stage.config);
    let season: SeasonCode = SEASON.parse().map_err(|reason: String| anyhow!(reason))?;
    let account = AccountId::from_uuid(RequestId::generate().uuid());
    let actor = Actor::Agent { account, department: stage.department, function: AgentFunction::Administrator };
    let caller = Caller { actor, request: RequestId::generate(), address: None };
    let published = season.clone();
    app.db.write(stage.department, &Caller::system(), cards::ensure_key).await?;
    app.db
        .write(stage.department, &caller, move |tx| {
            seasons::draft_season(tx, account, &published, None)?;
            seasons::publish_season(tx, account, &published, "2026-05-01T00:00:00Z".parse().ok()).map(drop)
        })
        .await?;
    let colleges = (0..=rows / COLLEGE_PUPILS).map(uai).collect::<anyhow::Result<Vec<_>>>()?;
    seed(&stage, rows, &colleges)?;
    let file = Arc::new(file(rows, &colleges)?);
    let bounds = Bounds { rows: reading::DEPARTMENT.rows, ..reading::DEPARTMENT };

    let (begun, cpu) = (Instant::now(), processor()?);
    let roster = Arc::new(read(&app, &file, bounds).await?);
    let (of_season, of_roster) = (season.clone(), Arc::clone(&roster));
    let found = app
        .db
        .write(stage.department, &caller, move |tx| {
            rosters::check_department_roster(tx, account, &of_season, &of_roster)
        })
        .await?;
    let check = step(begun, cpu)?;
    let odd = rows.div_ceil(ODD_ROW);
    ensure!(found.counts.to_confirm == rows.saturating_sub(odd), "unexpected matches: {:?}", found.counts);
    let matches = found.counts.to_confirm;

    let mut apply = None;
    if applies {
        let (begun, cpu) = (Instant::now(), processor()?);
        let roster = read(&app, &file, bounds).await?;
        let digest = found.digest;
        let other = AccountId::from_uuid(RequestId::generate().uuid());
        let done = app
            .db
            .write(stage.department, &caller, move |tx| {
                rosters::apply_department_roster(tx, other, &season, &roster, &digest)
            })
            .await?;
        ensure!(done.activated == matches, "{} of {matches} were confirmed", done.activated);
        apply = Some(step(begun, cpu)?);
    }
    Ok(Run {
        rows,
        megabytes: file.len().div_ceil(1_000_000),
        matches,
        check,
        apply,
        memory_peak_mb: memory_peak_mb()?,
    })
}

/// As the service does, behind its gate.
async fn read(app: &App, file: &Arc<String>, bounds: Bounds) -> anyhow::Result<Roster> {
    let file = Arc::clone(file);
    Ok(app.rosters.run(move || reading::read(file.as_bytes(), bounds)).await??)
}

/// The collège of that number; of the control letters, one is right.
pub fn uai(number: usize) -> anyhow::Result<Uai> {
    let stem = number.saturating_add(920_001);
    ('A'..='Z').find_map(|letter| format!("{stem:07}{letter}").parse().ok()).context("no control letter is right")
}

/// A number in letters: names have no digits.
fn letters(number: usize) -> String {
    number.to_string().bytes().map(|digit| char::from(digit.saturating_add(b'a' - b'0'))).collect()
}

/// A family, a child and a submitted request for each row.
fn seed(stage: &Stage, rows: usize, colleges: &[Uai]) -> anyhow::Result<()> {
    let mut conn = stage.connect(stage.department_schema())?;
    conn.batch_execute(
        "create schema bench;
         create unlogged table bench.pupils (n integer primary key, family uuid, child uuid, enrolment uuid)",
    )?;
    sql_query(
        "insert into bench.pupils select n, time_ordered_id(), time_ordered_id(), time_ordered_id() from generate_series(0, $1 - 1) n",
    )
    .bind::<BigInt, _>(i64::try_from(rows)?)
    .execute(&mut conn)?;
    let department = stage.department;
    conn.batch_execute(&format!(
        "insert into families (id, created_by, created_at) select family, gen_random_uuid(), now() from bench.pupils;
         insert into guardians (id, family_id, account_id, first_names, last_name, email, rights, rights_from, created_at)
             select time_ordered_id(), family, gen_random_uuid(), 'Camille', 'Mesure', 'mesure.' || n || '@example.fr', 'full',
                    '2020-01-01', now() from bench.pupils;
         insert into children (id, family_id, first_names, last_name, birth_date, residence, created_at)
             select child, family, 'Noé, Camille', 'Lefèvre-' || translate(n::text, '0123456789', 'abcdefghij'),
                    date '2012-01-01' + n % 1400, '{department}', now() from bench.pupils"
    ))?;
    sql_query(format!(
        "insert into enrolments (id, child_id, family_id, season, state, college_uai, college_name, in_network, level, formula,
                                 declares_scholarship, ase, rule, created_at, submitted_at, version)
         select enrolment, child, family, '{SEASON}', 'submitted', ($1)[n / {COLLEGE_PUPILS} + 1], 'Collège', true, '6e', 'culture',
                false, false, 'mesure', now(), now(), 2 from bench.pupils"
    ))
    .bind::<Array<Text>, _>(colleges)
    .execute(&mut conn)?;
    conn.batch_execute("vacuum analyze")?;
    Ok(())
}

/// The file: names in capitals without their second names, as schools write them; some rows are odd.
fn file(rows: usize, colleges: &[Uai]) -> anyhow::Result<String> {
    let first_day = NaiveDate::from_ymd_opt(2012, 1, 1).context("a date")?;
    let mut text = "Code UAI;Nom de famille;Prénom 1;Né(e) le;Division;INE\n".to_owned();
    for n in 0..rows {
        let uai = colleges.get(n / COLLEGE_PUPILS).context("a collège for each row")?;
        let birth = first_day.checked_add_days(Days::new(u64::try_from(n % 1_400)?)).context("a date")?;
        let odd = if n % ODD_ROW == 0 { "x" } else { "" };
        writeln!(text, "{uai};LEFEVRE {}{odd};NOE;{};6A;", letters(n).to_uppercase(), birth.format("%d/%m/%Y"))?;
    }
    Ok(text)
}

fn step(begun: Instant, cpu: Duration) -> anyhow::Result<Step> {
    let spent = processor()?.saturating_sub(cpu);
    Ok(Step { wall_seconds: begun.elapsed().as_secs_f64(), cpu_seconds: spent.as_secs_f64() })
}

/// What this process has taken of the processor, all threads.
fn processor() -> anyhow::Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, after_name) = stat.rsplit_once(')').context("no name in stat")?;
    let mut times = after_name.split_whitespace().skip(11);
    let mut next = || anyhow::Ok(times.next().context("no time in stat")?.parse::<u32>()?);
    let ticks = next()?.saturating_add(next()?);
    Ok(TICK.saturating_mul(ticks))
}

fn memory_peak_mb() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM")).context("no VmHWM")?;
    Ok(line.split_whitespace().nth(1).context("no number")?.parse::<u64>()? / 1024)
}

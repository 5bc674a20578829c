//! A year of meals laid out for every diner: by the worker's own batches from a published calendar, beside one bare insert of the same rows.
#![expect(clippy::float_arithmetic, reason = "seconds, not money")]

use super::stage::{Stage, number};
use crate::{
    canteen::meals::layout,
    db::Db,
    kernel::{
        actor::Caller,
        department::Department,
        time::{paris_date, server_now},
    },
    serve::{mailer, wait_for_signal},
    worker::work_off,
};
use anyhow::{anyhow, bail, ensure};
use chrono::Datelike;
use clap::Args;
use diesel::{PgConnection, RunQueryDsl, connection::SimpleConnection, sql_query};
use serde::Serialize;
use std::{path::PathBuf, time::Instant};

const COLLEGES: u32 = 66;
/// Letters that are written; the figure is the mean.
const LETTERS: u32 = 500;

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Diners enrolled for the coming school year, on four days a week
    #[arg(long, default_value_t = 40_000, value_parser = clap::value_parser!(u32).range(1..=500_000))]
    enrolments: u32,
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
    enrolments: u32,
    meals: i64,
    laid_out_s: f64,
    /// One insert of the same rows into a table with the same columns, indexes and constraints, without policies.
    bare_insert_s: f64,
    /// Ours by the bare insert's.
    ratio: f64,
    /// The same year again, from a later version of the calendar with a week of meals less.
    laid_out_again_s: f64,
    /// Mean of a family's letter about the meals that the later version took: each family gets one.
    letter_ms: f64,
    optimised_build: bool,
}

/// Measures and prints.
pub async fn meals(options: Options) -> anyhow::Result<()> {
    let report = tokio::select! {
        biased;
        signal = wait_for_signal() => { signal?; bail!("stopped") }
        report = measure(&options) => report?,
    };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!(
            "{} diners, {} meals: laid out in {:.0} s ({:.1} times a bare insert), again from another calendar in {:.0} s; a letter in {:.1} ms",
            report.enrolments, report.meals, report.laid_out_s, report.ratio, report.laid_out_again_s, report.letter_ms
        );
    }
    Ok(())
}

const RESERVED: &str = "select count(*) as n from canteen_meals where state = 'reserved'";

async fn measure(options: &Options) -> anyhow::Result<Report> {
    eprintln!("Starting PostgreSQL and enrolling {} diners …", options.enrolments);
    let stage = Stage::open(&options.folder)?;
    let mut conn = stage.connect(stage.department_schema())?;
    let year = paris_date(server_now()).year().saturating_add(1);
    seed(&mut conn, options.enrolments, year)?;
    let db = stage.db();

    eprintln!("Laying out {year}-{} …", year.saturating_add(1));
    publish(&mut conn, year, 1, &[])?;
    let laid_out_s = lay_out(&db, stage.department).await?;
    let meals = number(&mut conn, RESERVED)?;
    let bare_insert_s = insert_bare(&mut conn, meals)?;
    eprintln!("Again, from another calendar …");
    let week = holiday("Semaine banalisée", &format!("{year}-11-16"), &format!("{year}-11-22"));
    publish(&mut conn, year, 2, &[week])?;
    let laid_out_again_s = lay_out(&db, stage.department).await?;
    let fewer = number(&mut conn, RESERVED)?;
    let week = i64::from(options.enrolments).saturating_mul(4);
    ensure!(meals.saturating_sub(fewer) == week, "{fewer} meals remain of {meals}: a week has {week}");
    Ok(Report {
        enrolments: options.enrolments,
        meals,
        laid_out_s,
        bare_insert_s,
        ratio: laid_out_s / bare_insert_s,
        laid_out_again_s,
        letter_ms: write_letters(&stage, &db, LETTERS.min(options.enrolments)).await?,
        optimised_build: !cfg!(debug_assertions),
    })
}

/// As the worker does in its rounds.
async fn lay_out(db: &Db, department: Department) -> anyhow::Result<f64> {
    let begun = Instant::now();
    loop {
        let done = db.write(department, &Caller::system(), layout::lay_out_batch).await;
        if done.map_err(|error| anyhow!("{error}"))? == 0 {
            return Ok(begun.elapsed().as_secs_f64());
        }
    }
}

/// As the worker does, one after another: from the job to its end.
async fn write_letters(stage: &Stage, db: &Db, letters: u32) -> anyhow::Result<f64> {
    let mailer = mailer(&stage.config)?;
    let begun = Instant::now();
    for _ in 0..letters {
        ensure!(work_off(db, &mailer).await > 0, "no letter waits");
    }
    Ok(begun.elapsed().as_secs_f64() * 1_000.0 / f64::from(letters))
}

fn insert_bare(conn: &mut PgConnection, meals: i64) -> anyhow::Result<f64> {
    conn.batch_execute("create table bench.meals (like canteen_meals including all)")?;
    let begun = Instant::now();
    let inserted = sql_query("insert into bench.meals select * from canteen_meals").execute(conn)?;
    let took = begun.elapsed().as_secs_f64();
    ensure!(i64::try_from(inserted)? == meals, "{inserted} rows are not {meals}");
    conn.batch_execute("drop table bench.meals")?;
    Ok(took)
}

fn holiday(label: &str, from: &str, until: &str) -> serde_json::Value {
    serde_json::json!({ "kind": "school_holiday", "label": label, "from": from, "until": until })
}

/// A calendar of about 140 days of meals, in the place of the one before.
pub(super) fn publish(
    conn: &mut PgConnection,
    year: i32,
    version: u32,
    more: &[serde_json::Value],
) -> anyhow::Result<()> {
    let next = year.saturating_add(1);
    let mut breaks = vec![
        holiday("Toussaint", &format!("{year}-10-18"), &format!("{year}-11-01")),
        holiday("Noël", &format!("{year}-12-19"), &format!("{next}-01-03")),
        holiday("Hiver", &format!("{next}-02-20"), &format!("{next}-03-07")),
        holiday("Printemps", &format!("{next}-04-17"), &format!("{next}-05-02")),
    ];
    breaks.extend_from_slice(more);
    let calendar = serde_json::json!({
        "first_day": format!("{year}-09-01"), "last_day": format!("{next}-07-02"),
        "served_on": ["monday", "tuesday", "thursday", "friday"], "breaks": breaks, "weekdays_until": format!("{year}-09-27"),
        "cut_off": { "days_before": 3, "counting": "jours_ouvres", "at": null },
    });
    conn.batch_execute(&format!(
        "insert into canteen_calendars values ('{year}-{next}', {version}, 'published', '{}', gen_random_uuid(), now(), gen_random_uuid(), now())",
        calendar.to_string().replace('\'', "''")
    ))?;
    Ok(())
}

/// Families of one child each, enrolled for the school year; the canteen is at every collège.
fn seed(conn: &mut PgConnection, enrolments: u32, year: i32) -> anyhow::Result<()> {
    let next = year.saturating_add(1);
    conn.batch_execute(&format!(
        "create schema bench;
         create unlogged table bench.diners as
             select n, time_ordered_id() as family, time_ordered_id() as child, time_ordered_id() as enrolment,
                    '09' || lpad((n % {COLLEGES})::text, 5, '0') || 'A' as college from generate_series(1, {enrolments}) n;
         insert into canteen_services values (gen_random_uuid(), '2020-01-01', null, gen_random_uuid(), now());
         insert into canteen_colleges
             select gen_random_uuid(), college, '2020-01-01', null, gen_random_uuid(), now() from (select distinct college from bench.diners) c;
         insert into families (id, created_by, created_at) select family, gen_random_uuid(), now() from bench.diners;
         insert into children (id, family_id, first_names, last_name, birth_date, residence, created_at)
             select child, family, 'Lou', 'Mesure ' || n, date '2013-01-01' + n % 1000, '92', now() from bench.diners;
         insert into canteen_enrolments (id, season, diner, person_id, family_id, college_uai, weekdays, diet, starts_on, ends_on, state, enrolled_by,
                                         enrolled_at)
             select enrolment, '{year}-{next}', 'pupil', child, family, college, 27, 'everything', '{year}-09-01', '{next}-07-02', 'active',
                    gen_random_uuid(), now() from bench.diners"
    ))?;
    for table in ["bench.diners", "families", "children", "canteen_enrolments"] {
        conn.batch_execute(&format!("analyze {table}"))?;
    }
    Ok(())
}

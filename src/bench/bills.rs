//! A month's bills at full size: drafted, checked and issued by the same use cases as in life, then one of them printed. At the end every
//! row is counted and every cent found again.
#![expect(clippy::float_arithmetic, reason = "seconds, not money")]

use super::stage::{Stage, number};
use crate::{
    billing::{
        bills,
        runs::{self, Seen},
    },
    error::Error,
    kernel::{
        actor::{Actor, Caller},
        ids::{AccountId, BillId, RequestId},
        month::Month,
        time::{paris_date, server_now},
        words::AgentFunction,
    },
    serve::wait_for_signal,
};
use anyhow::{Context, anyhow, bail, ensure};
use chrono::Months;
use clap::Args;
use diesel::{PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Uuid};
use serde::Serialize;
use std::{path::PathBuf, time::Instant};

/// Meals of each diner, on the first days of the month.
const MEALS: u32 = 20;
const COLLEGES: u32 = 66;
const MEAL_CENTS: i64 = 280;

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Payers, with one diner each
    #[arg(long, default_value_t = 25_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    payers: u32,
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
    payers: u32,
    meals: i64,
    draft_s: f64,
    check_s: f64,
    /// Numbers, bills, lines, and a word left for each payer.
    issue_s: f64,
    total_s: f64,
    bills: i64,
    lines: i64,
    letters: i64,
    total_cents: i64,
    /// Reading one bill and printing it.
    pdf_ms: f64,
    pdf_bytes: usize,
    optimised_build: bool,
}

/// Measures and prints.
pub async fn bills(options: Options) -> anyhow::Result<()> {
    let report = tokio::select! {
        biased;
        signal = wait_for_signal() => { signal?; bail!("stopped") }
        report = measure(&options) => report?,
    };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!(
            "{} payers, {} meals: drafted in {:.1} s, issued in {:.1} s, {:.1} s in all; one bill printed in {:.1} ms",
            report.payers, report.meals, report.draft_s, report.issue_s, report.total_s, report.pdf_ms
        );
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Any {
    #[diesel(sql_type = Uuid)]
    id: BillId,
}

fn told(error: &Error) -> anyhow::Error {
    anyhow!("{error}")
}

async fn measure(options: &Options) -> anyhow::Result<Report> {
    eprintln!("Starting PostgreSQL and filling {} payers …", options.payers);
    let stage = Stage::open(&options.folder)?;
    let mut conn = stage.connect(stage.department_schema())?;
    let today = paris_date(server_now());
    let month = Month::of(today.checked_sub_months(Months::new(1)).context("a month before this one")?);
    seed(&mut conn, options.payers, month)?;
    let db = stage.db();
    let department = stage.department;
    let [(one, first), (other, second)] = [AccountId::generate(), AccountId::generate()].map(|account| {
        let actor = Actor::Agent { account, department, function: AgentFunction::Finance };
        (account, Caller { actor, request: RequestId::generate(), address: None })
    });

    eprintln!("Drafting {month} …");
    let begun = Instant::now();
    let run = db.write(department, &first, move |tx| runs::begin_bill_run(tx, one, month, 30)).await;
    let run = run.map_err(|error| told(&error))?;
    let draft_s = begun.elapsed().as_secs_f64();
    let (id, draft) = (run.row.id, run.draft);
    let total = draft.total().map_err(|error| told(&error))?;
    let seen = Seen { digest: draft.digest.clone(), documents: draft.documents(), total };
    let checking = Instant::now();
    let checked = db.write(department, &first, move |tx| runs::check_bill_run(tx, one, id, &draft.digest)).await;
    checked.map_err(|error| told(&error))?;
    let check_s = checking.elapsed().as_secs_f64();
    eprintln!("Issuing …");
    let issuing = Instant::now();
    let issued = db.write(department, &second, move |tx| runs::issue_bill_run(tx, other, id, &seen)).await;
    issued.map_err(|error| told(&error))?;
    let (issue_s, total_s) = (issuing.elapsed().as_secs_f64(), begun.elapsed().as_secs_f64());

    let payers = i64::from(options.payers);
    let bills = number(&mut conn, "select count(*) as n from canteen_bills where kind = 'bill'")?;
    let last = number(&mut conn, "select max(number)::bigint as n from canteen_bills")?;
    let meals = number(&mut conn, "select sum(meals)::bigint as n from canteen_bill_lines")?;
    let total_cents = number(&mut conn, "select sum(total_cents)::bigint as n from canteen_bills")?;
    ensure!(bills == payers && last == payers, "{bills} bills up to number {last} for {payers} payers");
    ensure!(meals == payers.saturating_mul(i64::from(MEALS)), "{meals} meals are billed");
    ensure!(total_cents == meals.saturating_mul(MEAL_CENTS), "{meals} meals come to {total_cents} cents");
    let lines = number(&mut conn, "select count(*) as n from canteen_bill_lines")?;
    let letters = number(&mut conn, "select count(*) as n from jobs where kind = 'bill_notice'")?;

    let Any { id: bill } = sql_query("select id from canteen_bills order by number limit 1").get_result(&mut conn)?;
    let printing = Instant::now();
    let bill = db.write(department, &first, move |tx| bills::show_bill(tx, bill, true)).await;
    let pdf = bill.and_then(|bill| bill.pdf("Hauts-de-Seine")).map_err(|error| told(&error))?;
    let pdf_ms = printing.elapsed().as_secs_f64() * 1_000.0;
    Ok(Report {
        payers: options.payers,
        meals,
        draft_s,
        check_s,
        issue_s,
        total_s,
        bills,
        lines,
        letters,
        total_cents,
        pdf_ms,
        pdf_bytes: pdf.len(),
        optimised_build: !cfg!(debug_assertions),
    })
}

/// Families of one child each, enrolled and rated, who ate on the first days of the month; every collège locked.
fn seed(conn: &mut PgConnection, payers: u32, month: Month) -> anyhow::Result<()> {
    let day = month.first_day();
    let explanation = serde_json::json!({
        "grid": { "id": uuid::Uuid::nil(), "version": 1 }, "cents": MEAL_CENTS, "unit": "meal", "meal_cents": MEAL_CENTS,
        "steps": [{
            "applied": { "rule": "quotient_rate", "quotient_cents": 80_000, "rate": "0.0035" },
            "result_euros": "2.8",
            "sentence": "Prix du repas : 0,0035 × 800,00 € = 2,80 €.",
        }],
    });
    conn.batch_execute(&format!(
        "create schema bench;
         create unlogged table bench.diners as
             select n, time_ordered_id() as family, time_ordered_id() as child, time_ordered_id() as enrolment,
                    '09' || lpad((n % {COLLEGES})::text, 5, '0') || 'A' as college from generate_series(1, {payers}) n;
         insert into canteen_services values (gen_random_uuid(), '2020-01-01', null, gen_random_uuid(), now());
         insert into canteen_colleges
             select gen_random_uuid(), college, '2020-01-01', null, gen_random_uuid(), now() from (select distinct college from bench.diners) c;
         insert into canteen_grids (id, diner, version, state, grid, starts_on, ends_on, drafted_by, drafted_at, published_by, published_at)
             values (gen_random_uuid(), 'pupil', 1, 'published', '{{}}', '2020-01-01', '2100-01-01', gen_random_uuid(), now(), gen_random_uuid(),
                     now());
         insert into families (id, created_by, created_at) select family, gen_random_uuid(), now() from bench.diners;
         insert into guardians (id, family_id, account_id, first_names, last_name, email, rights, rights_from, created_at)
             select time_ordered_id(), f.id, f.created_by, 'Camille', 'Mesure ' || n, 'famille.' || n || '@example.fr', 'full', '2020-01-01', now()
               from bench.diners d join families f on f.id = d.family;
         insert into children (id, family_id, first_names, last_name, birth_date, residence, created_at)
             select child, family, 'Lou', 'Mesure ' || n, date '2013-01-01' + n % 1000, '92', now() from bench.diners;
         insert into canteen_enrolments (id, season, diner, person_id, family_id, college_uai, weekdays, diet, starts_on, ends_on, state, enrolled_by,
                                         enrolled_at)
             select enrolment, canteen_season('{day}'), 'pupil', child, family, college, 31, 'everything', '{day}', date '{day}' + 300, 'active',
                    gen_random_uuid(), now() from bench.diners;
         insert into canteen_rates (id, person_id, family_id, season, starts_on, grid_id, cents, unit, meal_cents, explanation, set_at)
             select time_ordered_id(), child, family, canteen_season('{day}'), '{day}', g.id, {MEAL_CENTS}, 'meal', {MEAL_CENTS}, '{explanation}', now()
               from bench.diners cross join canteen_grids g;
         insert into canteen_meals (person_id, day, enrolment_id, family_id, college_uai, state, changed_at)
             select child, date '{day}' + k, enrolment, family, college, 'consumed', now()
               from bench.diners cross join generate_series(0, {MEALS} - 1) k;
         insert into canteen_attendance_locks (id, college_uai, month, locked_by, locked_at)
             select gen_random_uuid(), college, '{day}', gen_random_uuid(), now() from (select distinct college from bench.diners) c"
    ))?;
    conn.batch_execute("vacuum analyze").context("the tables cannot be analysed")
}

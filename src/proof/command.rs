//! `passplus verify`: for an operator, an auditor, the other department.

use super::{
    checkpoint::{self, Section},
    findings::Violation,
    verify::{Report, verify},
};
use crate::config::{self, Read};
use anyhow::ensure;
use serde_json::{Value, json};
use std::{fmt::Write as _, path::PathBuf};

/// What is to be verified, and how it is told.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Options {
    /// One JSON object instead of sentences.
    #[arg(long)]
    pub json: bool,
    /// This database, a restored copy for example, instead of those of the configuration. May be given several times.
    #[arg(long)]
    pub url: Vec<String>,
    /// Compare with the heads in this file; if it does not exist yet, write it when nothing is wrong. Keep it where the
    /// database's administrator cannot write.
    #[arg(long)]
    pub checkpoint: Option<PathBuf>,
}

/// What is printed, and whether all is as it must be.
#[derive(Debug)]
pub struct Outcome {
    pub text: String,
    pub clean: bool,
}

/// Verifies what the options say, or every department of the configuration as its role `check`.
pub fn run(options: &Options, read: Read<'_>) -> anyhow::Result<Outcome> {
    let urls = if options.url.is_empty() { configured(read)? } else { options.url.clone() };
    let known =
        options.checkpoint.as_ref().filter(|path| path.exists()).map(|path| checkpoint::read(path)).transpose()?;
    let writes = options.checkpoint.as_ref().filter(|_| known.is_none());
    let mut reports = vec![];
    for url in &urls {
        reports.push(verify(url, known.as_deref(), writes.is_some())?);
    }
    let clean = reports.iter().all(|report| report.violations_count == 0 && report.drift_cents == 0);
    let mut said = String::new();
    if let Some(path) = writes.filter(|_| clean) {
        let sections: Vec<Section> = reports.iter_mut().filter_map(|report| report.heads.take()).collect();
        checkpoint::write(path, &sections)?;
        for Section { heading, .. } in &sections {
            let _ = writeln!(
                said,
                "{}: heads of {} wallet(s) written to {}, SHA-256 {}",
                heading.department,
                heading.wallets,
                path.display(),
                heading.sha256
            );
        }
    } else if let Some(sections) = &known {
        for report in &reports {
            let of_it = sections.iter().find(|section| section.heading.department == report.department);
            ensure!(of_it.is_some(), "the checkpoint says nothing of department {}", report.department);
        }
    }
    let text = if options.json { format!("{:#}\n", as_json(&reports)) } else { as_sentences(&reports) + &said };
    Ok(Outcome { text, clean })
}

fn configured(read: Read<'_>) -> anyhow::Result<Vec<String>> {
    config::department_codes(read)?.into_iter().map(|code| config::check_url(read, code)).collect()
}

fn as_json(reports: &[Report]) -> Value {
    let violations: Vec<Value> = reports
        .iter()
        .flat_map(|report| report.violations.iter().map(|found| (&report.department, found)))
        .map(|(department, Violation { check, row, detail })| {
            json!({ "department": department, "check": check, "row": row, "detail": detail })
        })
        .collect();
    let total = |of: fn(&Report) -> u64| reports.iter().map(of).fold(0, u64::saturating_add);
    let counters = reports.iter().map(|report| {
        json!({
            "department": report.department, "at": report.at, "wallets": report.wallets, "transfers": report.transfers,
            "holds": report.holds, "seconds": report.seconds, "drift_cents": report.drift_cents,
            "violations_count": report.violations_count,
        })
    });
    json!({
        "drift_cents": total(|report| report.drift_cents),
        "violations_count": total(|report| report.violations_count),
        "violations": violations,
        "departments": counters.collect::<Vec<_>>(),
    })
}

fn as_sentences(reports: &[Report]) -> String {
    let mut text = String::new();
    for report in reports {
        let _ = writeln!(
            text,
            "{}: {} wallet(s), {} transfer(s), {} hold(s) read in {:.1} s, as of {}",
            report.department,
            report.wallets,
            report.transfers,
            report.holds,
            report.seconds,
            report.at.format("%Y-%m-%d %H:%M:%S UTC")
        );
        if report.violations_count == 0 {
            let _ = writeln!(text, "{}: every chain, sum and cause is right; drift 0 cents", report.department);
            continue;
        }
        for found in &report.violations {
            let _ = writeln!(text, "{}: {found}", report.department);
        }
        let _ = writeln!(
            text,
            "{}: {} violation(s), drift {} cents",
            report.department, report.violations_count, report.drift_cents
        );
    }
    text
}

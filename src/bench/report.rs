//! What is told of a benchmark: one JSON object, or tables in Markdown.
#![expect(clippy::float_arithmetic, reason = "rates and milliseconds, not money")]

use super::draw::Access;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// One number of connections, one way to choose wallets.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    pub access: Access,
    pub connections: u32,
    pub debits_per_s: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Transactions a second of the same statement without the service, right after.
    pub pgbench_tps: f64,
    /// The service's debits for each of `pgbench`.
    pub ratio: f64,
}

impl Run {
    /// Rounded: further digits are noise.
    #[must_use]
    pub fn new(access: Access, connections: u32, load: &super::load::Load, pgbench_tps: f64) -> Self {
        Self {
            access,
            connections,
            debits_per_s: rounded(load.debits_per_s),
            p50_ms: rounded(load.p50_ms),
            p99_ms: rounded(load.p99_ms),
            pgbench_tps: rounded(pgbench_tps),
            ratio: rounded(load.debits_per_s / pgbench_tps),
        }
    }
}

/// Another ledger on the same PostgreSQL: one plain transfer a transaction between accounts drawn uniformly.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Peer {
    pub name: String,
    pub connections: u32,
    pub transactions_per_s: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// The whole: first the figures of the asked number of connections with uniform access, then everything.
#[derive(Debug, Serialize)]
pub struct Report {
    pub connections: u32,
    pub debits_per_s: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub pgbench_tps: f64,
    pub ratio: f64,
    pub peers: Vec<Peer>,
    pub seconds: u64,
    pub cores: usize,
    pub wallets: usize,
    pub merchants: u32,
    pub memory_idle_mb: u64,
    pub memory_after_mb: u64,
    /// Debits in the ledger at the end, each of them acknowledged, none more.
    pub debits_proven: u64,
    pub runs: Vec<Run>,
    pub peer_runs: Vec<Peer>,
    /// What must be known to read the figures.
    pub notes: Vec<String>,
}

impl Report {
    /// Tables to paste.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a text does not fail.
        self.write(&mut text).ok();
        text
    }

    fn write(&self, out: &mut impl Write) -> std::fmt::Result {
        let Self { cores, wallets, merchants, seconds, memory_idle_mb: idle, memory_after_mb: after, .. } = self;
        let (wallets, merchants, proven) = (grouped(wallets), grouped(merchants), grouped(self.debits_proven));
        writeln!(out, "{wallets} wallets, {merchants} merchants, {cores} cores, {seconds} s a figure.")?;
        writeln!(out, "The service takes {idle} MB at rest, {after} MB after the load.")?;
        writeln!(out, "{proven} debits were acknowledged; the ledger holds as many, of the same sum.\n")?;
        writeln!(out, "| access | connections | debits/s | p50 ms | p99 ms | pgbench tps | ratio |")?;
        writeln!(out, "|---|---:|---:|---:|---:|---:|---:|")?;
        for run in &self.runs {
            let access = match run.access {
                Access::Uniform => "uniform",
                Access::Skewed => "skewed",
            };
            let Run { connections, debits_per_s, p50_ms, p99_ms, pgbench_tps, ratio, .. } = run;
            let (debits, floor) = (grouped(format!("{debits_per_s:.0}")), grouped(format!("{pgbench_tps:.0}")));
            writeln!(
                out,
                "| {access} | {connections} | {debits} | {p50_ms:.1} | {p99_ms:.1} | {floor} | {ratio:.2} |"
            )?;
        }
        if !self.peer_runs.is_empty() {
            writeln!(out, "\n| peer | connections | transactions/s | p50 ms | p99 ms |")?;
            writeln!(out, "|---|---:|---:|---:|---:|")?;
        }
        for Peer { name, connections, transactions_per_s, p50_ms, p99_ms } in &self.peer_runs {
            let rate = grouped(format!("{transactions_per_s:.0}"));
            writeln!(out, "| {name} | {connections} | {rate} | {p50_ms:.1} | {p99_ms:.1} |")?;
        }
        self.notes.iter().try_for_each(|note| writeln!(out, "\n{note}"))
    }
}

/// The smallest latency that so many percent of all do not pass, of microseconds in order.
#[must_use]
pub fn percentile_ms(sorted_micros: &[u32], percent: usize) -> f64 {
    let rank = sorted_micros.len().saturating_mul(percent).div_ceil(100);
    f64::from(sorted_micros.get(rank.saturating_sub(1)).copied().unwrap_or_default()) / 1000.0
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// A whole number with its thousands set apart.
fn grouped(number: impl ToString) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len().saturating_sub(index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "whole microseconds")]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_latency_that_occurred() {
        let micros: Vec<u32> = (1..=200).map(|n| n * 1_000).collect();
        assert_eq!(percentile_ms(&micros, 50), 100.0);
        assert_eq!(percentile_ms(&micros, 99), 198.0);
        assert_eq!(percentile_ms(&micros, 100), 200.0);
        assert_eq!(percentile_ms(&[7_500], 50), 7.5);
        assert_eq!(percentile_ms(&[7_500], 99), 7.5);
        assert_eq!(percentile_ms(&[], 99), 0.0);
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(["1", "999", "1000", "1234567"].map(grouped), ["1", "999", "1,000", "1,234,567"]);
    }
}

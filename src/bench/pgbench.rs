//! The floor beneath the service: PostgreSQL's own `pgbench` runs the statement of a debit, one transaction each, on the same wallets.

use super::{
    draw::{Access, ZIPF_EXPONENT},
    load::{DEBIT_CENTS, Spell},
    stage::Stage,
};
use crate::ledger::DEBIT_SQL;
use anyhow::{Context, ensure};
use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

/// What stands for `$1`, `$2` … of the statement: what the service sends, made or found by PostgreSQL, which alone has bytes and ids.
/// A join with two helper tables by primary key is the cheapest way to them: another statement would be another round trip.
const ARGUMENTS: [&str; 12] = [
    "t.device",
    "t.merchant",
    "gen_random_uuid()",
    "gen_random_uuid()",
    "gen_random_uuid()",
    "w.fingerprint",
    "w.fingerprint",
    "w.kind",
    "{cents}",
    "'Mesure ' || w.kind",
    "current_date",
    "false",
];

/// Threads of `pgbench`.
const THREADS: u32 = 2;

/// What a run gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Floor {
    pub tps: f64,
    /// Transactions of the run: as many debits must be in the ledger.
    pub transactions: u64,
}

/// Runs it on that many connections, after a warm-up that does not count.
pub fn run(stage: &Stage, wallets: usize, access: Access, connections: u32, spell: Spell) -> anyhow::Result<Floor> {
    let file = stage.folder().join("debit.pgbench");
    fs::write(&file, script(wallets, access))?;
    // It is read by PostgreSQL's user.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644))?;
    let (schema, file) = (stage.department_schema(), file.to_string_lossy());
    let (clients, threads) = (connections.to_string(), THREADS.min(connections).to_string());
    let one = |duration: Duration| {
        let seconds = duration.as_secs().to_string();
        // The connections of the ledger's lane, where a debit alone is one statement without a transaction around it.
        let (user, database) = (schema.app(), format!("dbname={} options='-c app.kind=ledger'", schema.stem()));
        let protocol = ["--no-vacuum", "-M", "prepared", "-U", &user];
        let load = ["-c", &clients, "-j", &threads, "-T", &seconds, "-f", &file, &database];
        read(&stage.cluster.client("pgbench", &[protocol.as_slice(), &load].concat())?)
    };
    let warm_up = if spell.warm_up.is_zero() { 0 } else { one(spell.warm_up)?.transactions };
    let floor = one(spell.measured)?;
    Ok(Floor { transactions: floor.transactions.saturating_add(warm_up), ..floor })
}

/// One debit by the till of the client's number.
fn script(wallets: usize, access: Access) -> String {
    let rank = match access {
        Access::Uniform => format!("random(1, {wallets})"),
        Access::Skewed => format!("random_zipfian(1, {wallets}, {ZIPF_EXPONENT})"),
    };
    // From the last on: `$1` is the beginning of `$10`.
    let arguments = ARGUMENTS.iter().enumerate().rev();
    let debit = arguments
        .fold(DEBIT_SQL.to_owned(), |sql, (index, value)| sql.replace(&format!("${}", index.saturating_add(1)), value));
    let debit = debit.replace("{cents}", &DEBIT_CENTS.to_string());
    format!(
        "\\set rank {rank}
\\set till :client_id + 1
{debit} from bench.tills t, bench.wallets w where t.n = :till and w.rank = :rank;
"
    )
}

/// Of what `pgbench` prints, the numbers that count.
fn read(printed: &str) -> anyhow::Result<Floor> {
    let number = |sign: &str| {
        let line = printed.lines().find_map(|line| line.strip_prefix(sign));
        line.and_then(|rest| rest.split_whitespace().next()).with_context(|| format!("pgbench says no «{sign}»"))
    };
    let failed = number("number of failed transactions:")?;
    ensure!(failed == "0", "{failed} transactions of pgbench failed");
    Ok(Floor {
        tps: number("tps =")?.parse()?,
        transactions: number("number of transactions actually processed:")?.parse()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_leaves_no_argument_open() {
        for access in Access::ALL {
            assert!(!script(200_000, access).contains('$'));
        }
        assert!(script(10, Access::Skewed).contains("random_zipfian(1, 10, 1.1)"));
    }

    #[test]
    fn the_numbers_are_found_in_what_pgbench_prints() {
        let printed = "number of transactions actually processed: 8416\n\
                       number of failed transactions: 0 (0.000%)\n\
                       latency average = 4.753 ms\n\
                       tps = 1683.150571 (without initial connection time)\n";
        assert_eq!(read(printed).unwrap(), Floor { tps: 1_683.150_571, transactions: 8416 });
        assert!(read(&printed.replace(": 0 (", ": 3 (")).is_err());
    }
}

//! The walk over one department's ledger: wallets, transfers and holds side by side in one snapshot, so that a ledger in use is no false
//! alarm, and some thousands of rows in memory whatever its size.

use super::{
    checkpoint::{Head, Heads, Section},
    db::{self, HoldRow, Snapshot, Stream, TransferRow, WalletRow},
    findings::{Findings, Violation},
    rules::Accounts,
    wallet::Wallet,
};
use crate::migrate;
use anyhow::Context;
use chrono::{DateTime, Utc};
use diesel::{PgConnection, connection::SimpleConnection};
use serde::Serialize;
use std::{iter::Peekable, time::Instant};
use uuid::Uuid;

/// What was found in one department.
#[derive(Debug, Serialize)]
pub struct Report {
    pub department: String,
    /// The instant of the snapshot.
    pub at: DateTime<Utc>,
    pub wallets: u64,
    pub transfers: u64,
    pub holds: u64,
    pub seconds: f64,
    /// Cents by which wallets differ from what their transfers and holds make.
    pub drift_cents: u64,
    pub violations_count: u64,
    /// The first of them, in the order of the wallets.
    pub violations: Vec<Violation>,
    /// The heads of all chains, if they were asked for.
    #[serde(skip)]
    pub heads: Option<Section>,
}

/// Reads the ledger behind `url` and compares it with itself, and with what a checkpoint says of the same department.
pub fn verify(url: &str, checkpoint: Option<&[Section]>, gather_heads: bool) -> anyhow::Result<Report> {
    let mut conn = migrate::connect(url)?;
    let started = Instant::now();
    let mut report = conn
        .build_transaction()
        .repeatable_read()
        .read_only()
        .run(|conn| walk(conn, checkpoint.unwrap_or_default(), gather_heads))
        .context("the ledger cannot be read")?;
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

fn walk(conn: &mut PgConnection, checkpoint: &[Section], gather_heads: bool) -> anyhow::Result<Report> {
    conn.batch_execute(db::SESSION)?;
    let Snapshot { department, at } = db::snapshot(conn)?;
    let mut findings = Findings::default();
    let accounts = Accounts::new(db::accounts(conn)?);
    if accounts.funding.is_none() || accounts.expired.is_none() {
        findings.add("account", "ledger_accounts", None, "the account of the funds or that of lost credit lacks");
    }
    let mut heads = gather_heads.then(Heads::default);
    let known = checkpoint.iter().filter(|section| section.heading.department == department);
    let mut known: Vec<_> = known.map(|section| section.heads().peekable()).collect();

    let mut wallets: Stream<WalletRow> = Stream::open(conn, "proof_wallets", db::WALLETS, |row: &WalletRow| row.id)?;
    let mut transfers: Stream<TransferRow> =
        Stream::open(conn, "proof_transfers", db::TRANSFERS, |row: &TransferRow| row.wallet_id)?;
    let mut holds: Stream<HoldRow> = Stream::open(conn, "proof_holds", db::HOLDS, |row: &HoldRow| row.wallet_id)?;
    let (mut drift, mut everything) = (0_u128, 0_i128);
    loop {
        let next = [wallets.next_wallet(conn)?, transfers.next_wallet(conn)?, holds.next_wallet(conn)?];
        let Some(id) = next.into_iter().flatten().min() else { break };
        let wallet = Wallet {
            id,
            row: wallets.take(conn, id)?.pop(),
            transfers: transfers.take(conn, id)?,
            holds: holds.take(conn, id)?,
        };
        for section in &mut known {
            compare(section, &wallet, &mut findings);
        }
        let sums = wallet.check(&accounts, &mut findings);
        drift = drift.saturating_add(wallet.drift(sums));
        everything = everything.saturating_add(wallet.total());
        if let (Some(heads), Some(row)) = (&mut heads, &wallet.row) {
            heads.push(id, row.version, &row.head);
        }
    }
    for section in &mut known {
        gone_before(section, None, &mut findings);
    }
    if everything != 0 {
        let detail = format!("wallets, merchants, funds and lost credit make {everything} cents together, not zero");
        findings.add("sum", "ledger_accounts", None, detail);
    }
    check_grants(conn, &mut findings)?;
    Ok(Report {
        heads: heads.map(|heads| heads.into_section(department.clone(), at)),
        department,
        at,
        wallets: wallets.rows,
        transfers: transfers.rows,
        holds: holds.rows,
        seconds: 0.0,
        drift_cents: u64::try_from(drift).unwrap_or(u64::MAX),
        violations_count: findings.count,
        violations: findings.listed,
    })
}

/// The chain still goes through the head that the checkpoint saw.
fn compare(section: &mut Peekable<impl Iterator<Item = Head>>, wallet: &Wallet, findings: &mut Findings) {
    gone_before(section, Some(wallet.id), findings);
    let Some(head) = section.next_if(|head| head.wallet == wallet.id) else { return };
    if wallet.row.is_none() {
        findings.add("checkpoint", "wallets", wallet.id, "the checkpoint knows this wallet, which is gone");
    } else if wallet.link_at(head.version) != Some(&head.link) {
        let at = wallet.transfers.iter().find(|transfer| transfer.wallet_version == head.version);
        let (table, id) = at.map_or(("wallets", wallet.id), |transfer| ("transfers", transfer.id));
        let detail = format!("up to number {} its wallet's chain is not the one of the checkpoint", head.version);
        findings.add("checkpoint", table, id, detail);
    }
}

fn gone_before(section: &mut Peekable<impl Iterator<Item = Head>>, wallet: Option<Uuid>, findings: &mut Findings) {
    while let Some(head) = section.next_if(|head| wallet.is_none_or(|wallet| head.wallet < wallet)) {
        findings.add("checkpoint", "wallets", head.wallet, "the checkpoint knows this wallet, which is gone");
    }
}

fn check_grants(conn: &mut PgConnection, findings: &mut Findings) -> anyhow::Result<()> {
    for wrong in db::wrong_grants(conn)? {
        let (table, id) = wrong.transfer.map_or(("enrolments", wrong.enrolment), |id| ("transfers", id));
        let kind = wrong.grant_kind.as_deref().unwrap_or("?");
        let detail = match wrong.given {
            Some(given) => {
                format!("{given} granted as {kind}, which nobody decided in the enrolment {}", wrong.enrolment)
            }
            None => format!("it was active and nothing was granted as {kind}"),
        };
        findings.add("grant", table, id, detail);
    }
    Ok(())
}

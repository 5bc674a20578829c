//! Other ledgers on the same PostgreSQL. They live in a package of their own, which cargo builds and runs from the sources beside it: none
//! of it is a dependency of the service.

use super::report::Peer;
use crate::embedded::{Cluster, SUPERUSER};
use anyhow::{Context, ensure};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// The package, seen from the folder of the sources.
const MANIFEST: &str = "benches/peers/Cargo.toml";

/// Builds them: the first time a quarter of an hour.
pub fn build() -> anyhow::Result<()> {
    ensure!(Path::new(MANIFEST).is_file(), "there is no {MANIFEST} here: run it from the folder of the sources");
    let built = cargo("build").stdout(Stdio::null()).status().context("cargo does not start")?;
    ensure!(built.success(), "they do not build");
    Ok(())
}

/// Measures each of them on each number of connections.
pub fn run(
    cluster: &Cluster,
    connections: &[u32],
    measured: Duration,
    pgledger: &[PathBuf],
) -> anyhow::Result<Vec<Peer>> {
    // Said twice: their driver wants a host in the address, and takes the folder of the socket from its end.
    let url = cluster.url(SUPERUSER, "postgres").replacen("@/", "@localhost/", 1);
    let connections: Vec<String> = connections.iter().map(ToString::to_string).collect();
    let mut peers = cargo("run");
    peers.args(["--", "--url", &url, "--connections", &connections.join(",")]);
    peers.args(["--seconds", &measured.as_secs().to_string()]);
    for file in pgledger {
        peers.arg("--pgledger").arg(file);
    }
    let output = peers.stderr(Stdio::inherit()).output().context("cargo does not start")?;
    ensure!(output.status.success(), "they stopped before the end");
    serde_json::from_slice(&output.stdout).context("they did not answer as agreed")
}

fn cargo(verb: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args([verb, "--quiet", "--release", "--locked", "--manifest-path", MANIFEST]).stdin(Stdio::null());
    cargo
}

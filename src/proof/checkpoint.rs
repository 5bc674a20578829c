//! Heads of all chains at one instant, in a file that somebody else keeps: the other department, a notary, a safe. Whoever may write in the
//! database can recompute a whole chain after changing it; he cannot change what the file says was there.
//!
//! A section a department: one line of JSON ([`Heading`]), then 56 bytes for each wallet in the order of their ids: id (16), version (8,
//! big-endian), hash of the transfer of that number (32). `sha256` is that of these bytes: who keeps nothing but those 64 characters can
//! still tell whether a file is the one he saw.

use super::chain::{Link, START};
use crate::kernel::crypto::sha256;
use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use std::{fs, io::Write, path::Path};
use uuid::Uuid;

const FORMAT: u8 = 1;
const WIDTH: usize = 56;

/// What a section says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    pub format: u8,
    pub department: String,
    pub at: DateTime<Utc>,
    pub wallets: usize,
    pub sha256: String,
}

/// The heads of one department.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub heading: Heading,
    bytes: Vec<u8>,
}

/// One wallet's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub wallet: Uuid,
    pub version: i64,
    pub link: Link,
}

/// Heads being gathered, in the order of the wallets.
#[derive(Debug, Default)]
pub struct Heads(Vec<u8>);

impl Heads {
    pub fn push(&mut self, wallet: Uuid, version: i64, link: &[u8]) {
        self.0.extend_from_slice(wallet.as_bytes());
        self.0.extend_from_slice(&version.to_be_bytes());
        self.0.extend_from_slice(link);
    }

    pub fn into_section(self, department: String, at: DateTime<Utc>) -> Section {
        let (wallets, sha256) = (self.0.len() / WIDTH, HEXLOWER.encode(&sha256(&self.0)));
        Section { heading: Heading { format: FORMAT, department, at, wallets, sha256 }, bytes: self.0 }
    }
}

impl Section {
    pub fn heads(&self) -> impl Iterator<Item = Head> + '_ {
        self.bytes.chunks_exact(WIDTH).filter_map(|chunk| {
            let (wallet, rest) = chunk.split_first_chunk::<16>()?;
            let (version, rest) = rest.split_first_chunk::<8>()?;
            let link = rest.try_into().unwrap_or(START);
            Some(Head { wallet: Uuid::from_bytes(*wallet), version: i64::from_be_bytes(*version), link })
        })
    }
}

/// Reads a file, and refuses one that is cut or was changed.
pub fn read(path: &Path) -> anyhow::Result<Vec<Section>> {
    let file = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let damaged = || format!("{} is damaged: it is no checkpoint that can be compared with", path.display());
    let (mut rest, mut sections) = (file.as_slice(), vec![]);
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').with_context(damaged)?;
        let (line, after) = rest.split_at(end);
        let heading: Heading = serde_json::from_slice(line).with_context(damaged)?;
        let length = heading.wallets.checked_mul(WIDTH).with_context(damaged)?;
        let (bytes, after) = after.get(1..).and_then(|after| after.split_at_checked(length)).with_context(damaged)?;
        let right = heading.format == FORMAT && HEXLOWER.encode(&sha256(bytes)) == heading.sha256;
        ensure!(right, damaged());
        sections.push(Section { heading, bytes: bytes.to_vec() });
        rest = after;
    }
    ensure!(!sections.is_empty(), damaged());
    Ok(sections)
}

/// Writes a new file; an existing one is never touched.
pub fn write(path: &Path, sections: &[Section]) -> anyhow::Result<()> {
    let mut file = fs::File::create_new(path).with_context(|| format!("cannot make {}", path.display()))?;
    for section in sections {
        serde_json::to_writer(&mut file, &section.heading)?;
        file.write_all(b"\n")?;
        file.write_all(&section.bytes)?;
    }
    file.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_reads_as_it_was_written_and_not_when_a_byte_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heads");
        let mut heads = Heads::default();
        heads.push(Uuid::from_u128(7), 3, &[9; 32]);
        heads.push(Uuid::from_u128(8), 0, &START);
        let at = "2026-10-15T08:00:00Z".parse().unwrap();
        let sections = [heads.into_section("92".to_owned(), at), Heads::default().into_section("78".to_owned(), at)];
        write(&path, &sections).unwrap();
        assert_eq!(read(&path).unwrap(), sections);
        let read_back: Vec<Head> = sections[0].heads().collect();
        assert_eq!(read_back[0], Head { wallet: Uuid::from_u128(7), version: 3, link: [9; 32] });
        assert!(write(&path, &sections).is_err(), "written over");
        let good = fs::read(&path).unwrap();
        for at in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, bad).unwrap();
            assert!(read(&path).is_err(), "byte {at}");
        }
        fs::write(&path, &good[..good.len() - 200]).unwrap();
        assert!(read(&path).is_err(), "cut");
    }
}

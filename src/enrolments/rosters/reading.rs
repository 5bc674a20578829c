//! Reads a school's export: CSV in UTF-8 or Windows' own Latin, or an Excel workbook; columns by name, whatever their order and number.
//!
//! Nothing of a row is executed or kept beyond the request: a formula is a text that cannot be a name, the national number (INE) is
//! passed over. A file of the largest bounds takes some 100 MB in memory: the file, and about 150 bytes a row.

mod columns;
mod sheet;
mod table;

use super::matching::Pupil;
use crate::kernel::{crypto, text::Uai};
use columns::{Column, Columns};
use std::borrow::Cow;

/// How large a file may be, and whose pupils it tells.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub bytes: usize,
    pub rows: usize,
    /// Whether each row must name its collège.
    pub names_college: bool,
}

/// One collège: the largest has some 2,000 pupils; exports with every column stay under 2 MB.
pub const COLLEGE: Bounds = Bounds { bytes: 10_000_000, rows: 10_000, names_college: false };
/// A department: the largest has some 75,000 pupils in its collèges; the target is 150,000.
pub const DEPARTMENT: Bounds = Bounds { bytes: 40_000_000, rows: 200_000, names_college: true };

/// The header stands below a title or two at most.
const HEADER_WITHIN: usize = 10;

/// A row that could not be read, and why, in French. Nothing of the row is quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub line: u64,
    pub detail: &'static str,
}

/// What a file says. Each row that is not empty is a pupil or a fault.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roster {
    /// SHA-256 of the file.
    pub fingerprint: Vec<u8>,
    /// In the order of the file.
    pub pupils: Vec<Pupil>,
    pub faults: Vec<Fault>,
}

/// Why a file was not read at all, as a French sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    #[error("La colonne {0} est introuvable parmi les {HEADER_WITHIN} premières lignes.")]
    MissingColumn(Column),
    #[error("Le fichier dépasse {0} élèves : exportez moins de classes à la fois.")]
    TooManyRows(usize),
    #[error("Un guillemet ouvert à la ligne {0} n'est pas refermé.")]
    OpenQuote(u64),
    #[error("Le fichier n'est ni un CSV ni un classeur Excel (.xlsx).")]
    NotATable,
    #[error(
        "Les anciens classeurs Excel (.xls) et les classeurs protégés ne se lisent pas : enregistrez-le en .xlsx ou en CSV."
    )]
    OldWorkbook,
    #[error("Le classeur est abîmé ou n'est pas un classeur Excel (.xlsx).")]
    BrokenWorkbook,
    #[error("Le classeur est trop volumineux une fois décompressé : n'exportez que la liste des élèves.")]
    InflatedWorkbook,
    #[error("Le fichier ne contient aucun élève.")]
    Empty,
}

/// Reads a file within bounds. Rows with a fault are told, the others kept.
pub fn read(file: &[u8], bounds: Bounds) -> Result<Roster, RosterError> {
    let mut reader = Reader { bounds, columns: None, missing: None, looked_at: 0, roster: Roster::default() };
    if file.starts_with(b"PK\x03\x04") {
        sheet::read(file, &mut reader)?;
    } else if file.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(RosterError::OldWorkbook);
    } else {
        table::read(file, &mut reader)?;
    }
    if let (None, Some(missing)) = (&reader.columns, reader.missing) {
        return Err(RosterError::MissingColumn(missing));
    }
    if reader.roster.pupils.is_empty() && reader.roster.faults.is_empty() {
        return Err(RosterError::Empty);
    }
    Ok(Roster { fingerprint: crypto::sha256(file), ..reader.roster })
}

/// Takes rows one by one: the header first, then pupils.
struct Reader {
    bounds: Bounds,
    columns: Option<Columns>,
    /// What lacked in the row that came nearest to a header.
    missing: Option<Column>,
    looked_at: usize,
    roster: Roster,
}

impl Reader {
    /// Whether more rows are of use: not when the header has not come in time.
    const fn gives_up(&self) -> bool {
        self.columns.is_none() && self.looked_at >= HEADER_WITHIN
    }

    fn row(&mut self, line: u64, cells: &[Cow<'_, str>]) -> Result<(), RosterError> {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return Ok(());
        }
        let Some(columns) = &self.columns else {
            self.looked_at = self.looked_at.saturating_add(1);
            match Columns::find(cells, self.bounds.names_college) {
                Ok(columns) => self.columns = Some(columns),
                Err(missing) => self.missing = self.missing.max(Some(missing)),
            }
            return Ok(());
        };
        let read = self.roster.pupils.len().saturating_add(self.roster.faults.len());
        if read >= self.bounds.rows {
            return Err(RosterError::TooManyRows(self.bounds.rows));
        }
        match columns.pupil(line, cells) {
            Ok(pupil) => self.roster.pupils.push(pupil),
            Err(detail) => self.roster.faults.push(Fault { line, detail }),
        }
        Ok(())
    }
}

impl Roster {
    /// The collèges that its rows name.
    pub fn colleges(&self) -> std::collections::BTreeSet<&Uai> {
        self.pupils.iter().filter_map(|pupil| pupil.uai.as_ref()).collect()
    }
}

#[cfg(test)]
mod tests;

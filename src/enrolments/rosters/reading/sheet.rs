//! Excel workbooks (.xlsx): the first sheet with a header. Formulas are never evaluated: what the workbook kept of them is a text.
//!
//! A workbook is a compressed archive of ours to unpack: what it becomes is measured before the library may hold any of it.

use super::{Reader, RosterError};
use calamine::{DataRef, Reader as _, Xlsx};
use std::{
    borrow::Cow,
    io::{Cursor, Read},
    panic::{AssertUnwindSafe, catch_unwind},
};
use zip::ZipArchive;

/// 150,000 pupils with ten columns are some 60 MB of XML, and their names 10.
const UNPACKED_MAX: u64 = 120_000_000;
const TEXTS_MAX: u64 = 32_000_000;
/// A workbook has ten to thirty parts.
const PARTS_MAX: usize = 1_000;
/// Different texts of a workbook: the library makes room for as many as the workbook says.
const TEXTS_DIGITS_MAX: usize = 7;
/// A roster has a hundred columns at most; what lies further right is not looked at.
const COLUMNS_MAX: usize = 256;

pub(super) fn read(file: &[u8], reader: &mut Reader) -> Result<(), RosterError> {
    measure(file)?;
    // The library does not promise to survive what it did not expect.
    let read = catch_unwind(AssertUnwindSafe(|| read_sheets(file, reader)));
    read.unwrap_or(Err(RosterError::BrokenWorkbook))
}

/// Unpacks everything once, keeping nothing.
fn measure(file: &[u8]) -> Result<(), RosterError> {
    let mut archive = ZipArchive::new(Cursor::new(file)).map_err(|_| RosterError::BrokenWorkbook)?;
    if archive.len() > PARTS_MAX {
        return Err(RosterError::InflatedWorkbook);
    }
    let mut left = UNPACKED_MAX;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|_| RosterError::BrokenWorkbook)?;
        let name = part.name().map_err(|_| RosterError::BrokenWorkbook)?;
        let holds_texts = name.to_lowercase().ends_with("sharedstrings.xml");
        drop(name);
        let most = if holds_texts { left.min(TEXTS_MAX) } else { left };
        let mut bounded = part.take(most.saturating_add(1));
        let unpacked = if holds_texts {
            let mut texts = vec![];
            let unpacked = bounded.read_to_end(&mut texts).map_err(|_| RosterError::BrokenWorkbook)?;
            check_texts(&texts)?;
            u64::try_from(unpacked).unwrap_or(u64::MAX)
        } else {
            std::io::copy(&mut bounded, &mut std::io::sink()).map_err(|_| RosterError::BrokenWorkbook)?
        };
        if unpacked > most {
            return Err(RosterError::InflatedWorkbook);
        }
        left = left.saturating_sub(unpacked);
    }
    Ok(())
}

/// The number of texts that a workbook announces is believed by the library, in memory: it has to be a likely one, and legible here.
fn check_texts(texts: &[u8]) -> Result<(), RosterError> {
    const SIGN: &[u8] = b"uniqueCount";
    // UTF-16 would hide it.
    if texts.contains(&0) {
        return Err(RosterError::BrokenWorkbook);
    }
    for at in memchr_all(texts, SIGN) {
        let after = texts.get(at.saturating_add(SIGN.len())..).unwrap_or_default();
        let after = after.iter().skip_while(|b| b.is_ascii_whitespace() || matches!(b, b'=' | b'"' | b'\''));
        if after.take_while(|b| b.is_ascii_digit()).count() > TEXTS_DIGITS_MAX {
            return Err(RosterError::InflatedWorkbook);
        }
    }
    Ok(())
}

/// Where that word begins.
fn memchr_all<'a>(text: &'a [u8], word: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    text.windows(word.len()).enumerate().filter(move |(_, window)| *window == word).map(|(at, _)| at)
}

fn read_sheets(file: &[u8], reader: &mut Reader) -> Result<(), RosterError> {
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(file)).map_err(|_| RosterError::BrokenWorkbook)?;
    for name in workbook.sheet_names() {
        reader.looked_at = 0;
        read_sheet(&mut workbook, &name, reader)?;
        if reader.columns.is_some() {
            break;
        }
    }
    Ok(())
}

fn read_sheet(workbook: &mut Xlsx<Cursor<&[u8]>>, name: &str, reader: &mut Reader) -> Result<(), RosterError> {
    // A sheet of drawings has no cells.
    let Ok(mut cells) = workbook.worksheet_cells_reader(name) else { return Ok(()) };
    let mut row: Vec<Cow<'_, str>> = vec![];
    let mut number = 0;
    while let Some(cell) = cells.next_cell().map_err(|_| RosterError::BrokenWorkbook)? {
        let (line, column) = cell.get_position();
        if line != number {
            reader.row(u64::from(number).saturating_add(1), &row)?;
            if reader.gives_up() {
                return Ok(());
            }
            row.clear();
            number = line;
        }
        let column = usize::try_from(column).unwrap_or(COLUMNS_MAX);
        if column < COLUMNS_MAX {
            if row.len() <= column {
                row.resize(column.saturating_add(1), Cow::Borrowed(""));
            }
            if let Some(place) = row.get_mut(column) {
                *place = text(cell.get_value());
            }
        }
    }
    reader.row(u64::from(number).saturating_add(1), &row)
}

fn text<'a>(value: &DataRef<'a>) -> Cow<'a, str> {
    match value {
        DataRef::SharedString(text) => Cow::Borrowed(text),
        DataRef::String(text) | DataRef::DateTimeIso(text) => Cow::Owned(text.clone()),
        DataRef::Int(number) => Cow::Owned(number.to_string()),
        DataRef::Float(number) => Cow::Owned(number.to_string()),
        DataRef::DateTime(instant) => {
            let (year, month, day, ..) = instant.to_ymd_hms_milli();
            Cow::Owned(format!("{year:04}-{month:02}-{day:02}"))
        }
        DataRef::Bool(_) | DataRef::DurationIso(_) | DataRef::Error(_) | DataRef::Empty => Cow::Borrowed(""),
    }
}

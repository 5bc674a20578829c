//! CSV: semicolons, commas or tabs; each cell in UTF-8, or else in Windows' own Latin, so that a file glued together from both is read; or all of
//! it in UTF-16, as Excel saves "Unicode text".

use super::{Reader, RosterError};
use crate::kernel::lines::Lines;
use csv::ByteRecord;
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use std::borrow::Cow;

pub(super) fn read(file: &[u8], reader: &mut Reader) -> Result<(), RosterError> {
    let wide = Encoding::for_bom(file).filter(|(encoding, _)| *encoding != UTF_8);
    let narrow = wide.map(|(encoding, _)| encoding.decode(file).0);
    let text = narrow.as_ref().map_or(file, |text| text.as_bytes());
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    if text.contains(&0) {
        return Err(RosterError::NotATable);
    }
    let mut table =
        csv::ReaderBuilder::new().delimiter(delimiter(text)).flexible(true).has_headers(false).from_reader(text);
    let mut lines = Lines::new(text);
    let mut record = ByteRecord::new();
    while table.read_byte_record(&mut record).map_err(|_| RosterError::NotATable)? {
        let line = lines.at(record.position().map_or(0, csv::Position::byte));
        // No cell of a roster has two lines: a quote was opened and not closed, and has swallowed the rows that follow.
        if record.iter().any(|cell| cell.contains(&b'\n')) {
            return Err(RosterError::OpenQuote(line));
        }
        let cells: Vec<Cow<'_, str>> = record.iter().map(decoded).collect();
        reader.row(line, &cells)?;
        if reader.gives_up() {
            break;
        }
    }
    Ok(())
}

fn decoded(cell: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(cell) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(cell).0,
    }
}

/// The sign that separates most in the first lines.
fn delimiter(text: &[u8]) -> u8 {
    let head: &[u8] = text.get(..text.len().min(4_000)).unwrap_or_default();
    let count = |sign: u8| head.split(|byte| *byte == sign).count();
    [b',', b'\t', b';'].into_iter().max_by_key(|sign| count(*sign)).unwrap_or(b';')
}

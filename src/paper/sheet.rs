//! Tables as spreadsheets in French read them: UTF-8 with its mark, semicolons, decimal commas.

use crate::{error::Error, kernel::money::Cents};
use csv::{Terminator, Writer, WriterBuilder};

/// Media type of a table.
pub const CSV: &str = "text/csv; charset=utf-8";
/// Spreadsheets read the file as UTF-8 by this mark alone.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// What stands in a cell.
pub enum Cell {
    Text(String),
    Amount(Cents),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<Cents> for Cell {
    fn from(amount: Cents) -> Self {
        Self::Amount(amount)
    }
}

impl Cell {
    fn written(self) -> String {
        match self {
            // `-12,50`
            Self::Amount(amount) => amount.to_string().trim_end_matches(" €").to_owned(),
            // A text that no spreadsheet takes for a formula.
            Self::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
            Self::Text(text) => text,
        }
    }
}

/// A table in the making: its columns first, then row after row of as many cells.
pub struct Sheet(Writer<Vec<u8>>);

impl Sheet {
    pub fn new(columns: &[&str]) -> Result<Self, Error> {
        let mut format = WriterBuilder::new();
        format.delimiter(b';').terminator(Terminator::CRLF);
        let mut sheet = Self(format.from_writer(BYTE_ORDER_MARK.into()));
        sheet.0.write_record(columns).map_err(Error::internal)?;
        Ok(sheet)
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) -> Result<(), Error> {
        self.0.write_record(cells.into_iter().map(Cell::written)).map_err(Error::internal)
    }

    pub fn finish(self) -> Result<Vec<u8>, Error> {
        self.0.into_inner().map_err(|error| Error::internal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_reads_well_in_a_french_spreadsheet() {
        let mut sheet = Sheet::new(&["Activité", "Montant"]).expect("titles");
        sheet.row(["Stage; « voile »".into(), Cents::new(-1_250).into()]).expect("a row");
        sheet.row(["=1+1".into(), Cents::new(5).into()]).expect("a row");
        let text = String::from_utf8(sheet.finish().expect("a file")).expect("UTF-8");
        assert_eq!(text, "\u{feff}Activité;Montant\r\n\"Stage; « voile »\";-12,50\r\n'=1+1;0,05\r\n");
    }
}

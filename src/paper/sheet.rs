//! Tables for a spreadsheet: UTF-8 with its mark, semicolons, decimal commas, as those in French read them.

use crate::{error::Error, kernel::money::Cents};
use csv::{Terminator, Writer, WriterBuilder};

/// Media type of such a table.
pub const CSV: &str = "text/csv; charset=utf-8";
/// Spreadsheets read the file as UTF-8 by this mark alone.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A table in the making.
pub struct Sheet(Writer<Vec<u8>>);

impl Sheet {
    /// Under these titles.
    pub fn new(titles: &[&str]) -> Result<Self, Error> {
        let mut writer =
            WriterBuilder::new().delimiter(b';').terminator(Terminator::CRLF).from_writer(BYTE_ORDER_MARK.into());
        writer.write_record(titles).map_err(Error::internal)?;
        Ok(Self(writer))
    }

    /// A row: texts, then amounts in euros. A text that a spreadsheet would take for a formula begins with an apostrophe.
    pub fn row(&mut self, texts: &[String], amounts: &[Cents]) -> Result<(), Error> {
        let texts = texts.iter().map(|text| harmless(text));
        let cells: Vec<String> = texts.chain(amounts.iter().map(|amount| decimal(*amount))).collect();
        self.0.write_record(&cells).map_err(Error::internal)
    }

    /// The file.
    pub fn finish(self) -> Result<Vec<u8>, Error> {
        self.0.into_inner().map_err(|error| Error::internal(error.to_string()))
    }
}

/// `-12,50`
fn decimal(amount: Cents) -> String {
    amount.to_string().trim_end_matches(" €").to_owned()
}

fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_reads_well_in_a_french_spreadsheet() {
        let mut sheet = Sheet::new(&["Activité", "Montant"]).expect("titles");
        sheet.row(&["Stage; « voile »".to_owned()], &[Cents::new(-1_250)]).expect("a row");
        sheet.row(&["=1+1".to_owned()], &[Cents::new(5)]).expect("a row");
        let text = String::from_utf8(sheet.finish().expect("a file")).expect("UTF-8");
        assert_eq!(text, "\u{feff}Activité;Montant\r\n\"Stage; « voile »\";-12,50\r\n'=1+1;0,05\r\n");
    }
}

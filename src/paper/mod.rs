//! What is printed: statements, tickets, cards, bills. An A4 document is described from top to bottom, laid out on as many pages as it
//! needs, and written as a PDF that screen readers can follow (PDF/UA-1: tagged, with a title, in French).
//!
//! What would surprise: places are whole tenths of a point, so that no floating number is computed with; and the same description gives
//! the same bytes, for ever.

pub mod card;
mod draw;
mod layout;
mod letters;
mod sheet;

pub use sheet::{CSV, Cell, Sheet};

use crate::error::Error;

/// Why a document was not printed. Ours, whatever it is: callers' texts always can be.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    #[error("this text is too long for a QR code")]
    CodeTooLong,
    #[error("the PDF was not written: {0}")]
    NotWritten(String),
}

impl From<PaperError> for Error {
    fn from(error: PaperError) -> Self {
        Self::internal(error)
    }
}

/// Media type of a printed document.
pub const MEDIA_TYPE: &str = "application/pdf";

/// On which side the texts of a column stand: amounts stand right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

/// A column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    pub title: String,
    /// Its part of the width, among those of all columns.
    pub share: u16,
    pub side: Side,
}

impl Column {
    /// A column of texts.
    #[must_use]
    pub fn left(title: &str, share: u16) -> Self {
        Self { title: title.to_owned(), share, side: Side::Left }
    }
    /// A column of amounts.
    #[must_use]
    pub fn right(title: &str, share: u16) -> Self {
        Self { title: title.to_owned(), share, side: Side::Right }
    }
}

/// Rows under the titles of their columns, with a last row in bold if there is one. The titles come back on every page.
#[derive(Debug, Clone)]
pub struct Table {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
    pub total: Option<Vec<String>>,
}

#[derive(Debug)]
enum Block {
    Heading(String),
    Paragraph(String),
    Table(Table),
    Code { modules: Vec<Vec<bool>>, says: String, millimetres: u16 },
}

/// A document in the making.
#[derive(Debug)]
pub struct Document {
    title: String,
    blocks: Vec<Block>,
}

impl Document {
    /// The title is printed first, on every foot of page, and shown by the reader's window.
    #[must_use]
    pub fn new(title: &str) -> Self {
        Self { title: title.to_owned(), blocks: vec![] }
    }

    /// A heading, also in the outline that readers jump by. A blank one leads nowhere and is left out.
    pub fn heading(&mut self, text: &str) -> &mut Self {
        if !text.trim().is_empty() {
            self.blocks.push(Block::Heading(text.to_owned()));
        }
        self
    }

    /// A text that is broken into lines where needed, and where it says so itself (`\n`).
    pub fn paragraph(&mut self, text: &str) -> &mut Self {
        self.blocks.push(Block::Paragraph(text.to_owned()));
        self
    }

    pub fn table(&mut self, table: Table) -> &mut Self {
        self.blocks.push(Block::Table(table));
        self
    }

    /// A QR code of that side, quiet zone included. `says` is what a screen reader says in its place.
    pub fn qr(&mut self, text: &str, says: &str, millimetres: u16) -> Result<&mut Self, PaperError> {
        let code = Block::Code { modules: draw::modules(text)?, says: says.to_owned(), millimetres };
        self.blocks.push(code);
        Ok(self)
    }

    /// The PDF.
    pub fn finish(self) -> Result<Vec<u8>, PaperError> {
        draw::pdf(&self.title, layout::lay_out(&self.title, &self.blocks))
    }
}

#[cfg(test)]
mod tests;

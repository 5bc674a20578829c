//! Lines of a text file as an editor counts them. A CSV reader's own count runs one behind after `\r\n` and after empty lines.

/// Counts forward to the start of each row.
pub struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    #[must_use]
    pub const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, line: 1 }
    }

    /// Line of the row that starts at that byte; empty lines before it are passed over. Rows are asked for in their order.
    pub fn at(&mut self, start: u64) -> u64 {
        let start = usize::try_from(start).unwrap_or(self.at);
        while let Some(byte) = self.text.get(self.at).filter(|b| self.at < start || matches!(b, b'\r' | b'\n')) {
            self.line = self.line.saturating_add(u64::from(*byte == b'\n'));
            self.at = self.at.saturating_add(1);
        }
        self.line
    }
}

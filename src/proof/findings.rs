//! What the verifier found, first to last.

use serde::Serialize;
use std::fmt;
use uuid::Uuid;

/// Findings that are listed; the others are counted.
pub const LISTED_MAX: usize = 100;

/// A row that is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    pub check: &'static str,
    pub row: Row,
    pub detail: String,
}

/// Which row: its table, and its id if one row alone is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    pub table: &'static str,
    pub id: Option<Uuid>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row.id {
            Some(id) => write!(f, "{} {id}: {} ({})", self.row.table, self.detail, self.check),
            None => write!(f, "{}: {} ({})", self.row.table, self.detail, self.check),
        }
    }
}

/// The first of them, and how many there are.
#[derive(Debug, Default)]
pub struct Findings {
    pub count: u64,
    pub listed: Vec<Violation>,
}

impl Findings {
    pub fn add(
        &mut self,
        check: &'static str,
        table: &'static str,
        id: impl Into<Option<Uuid>>,
        detail: impl Into<String>,
    ) {
        self.count = self.count.saturating_add(1);
        if self.listed.len() < LISTED_MAX {
            self.listed.push(Violation { check, row: Row { table, id: id.into() }, detail: detail.into() });
        }
    }
}

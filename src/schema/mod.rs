//! Tables as the queries know them. A test compares these declarations with a migrated database.

pub mod department;
pub mod directory;

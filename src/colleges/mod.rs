//! The collèges whose pupils the service knows, and where their list comes from. They stand in the directory, for a pupil of one
//! department may live in the other; each department imports its own.

pub mod annuaire;
mod db;
pub mod http;
pub mod import;

pub use db::College;

use crate::{
    db::DirectoryTx,
    error::{Error, Refusal},
    kernel::{department::Department, text::Uai},
};

/// The collège of that code, open or not.
pub fn find(tx: &mut DirectoryTx<'_>, uai: &Uai) -> Result<Option<College>, Error> {
    db::college(tx, uai)
}

/// As `find`, for those who asked for it: `NotFound` when no department ever imported it.
pub fn show_college(tx: &mut DirectoryTx<'_>, uai: &Uai) -> Result<College, Error> {
    find(tx, uai)?.ok_or(Refusal::NotFound.into())
}

/// A collège as a sentence names it, whether its own name begins with that word or not: `collège des Deux Ponts`.
#[must_use]
pub fn called(name: &str) -> String {
    let (first, rest) = name.split_once(' ').unwrap_or_default();
    let says_so = ["collège", "college"].contains(&first.to_lowercase().as_str());
    format!("collège {}", if says_so { rest.trim_start() } else { name })
}

/// Which collèges a list is about.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub department: Option<Department>,
    /// Part of the name, whatever its case and accents.
    pub name: Option<String>,
}

/// Open collèges in the order of their codes, after that one.
pub fn list_colleges(
    tx: &mut DirectoryTx<'_>,
    filter: &Filter,
    after: Option<&Uai>,
    limit: i64,
) -> Result<Vec<College>, Error> {
    db::open_colleges(tx, filter.department, filter.name.as_deref(), after, limit)
}

/// Every collège that takes no pupil any more, wherever it is.
pub fn closed(tx: &mut DirectoryTx<'_>) -> Result<Vec<Uai>, Error> {
    db::closed(tx)
}

#[cfg(test)]
mod tests {
    use super::called;

    #[test]
    fn a_sentence_says_college_once() {
        for (name, said) in [
            ("Collège des Deux Ponts", "collège des Deux Ponts"),
            ("COLLEGE PRIVE SAINTE-MARIE", "collège PRIVE SAINTE-MARIE"),
            ("Jean Moulin", "collège Jean Moulin"),
            ("Lakanal", "collège Lakanal"),
            ("Collège", "collège Collège"),
        ] {
            assert_eq!(called(name), said);
        }
    }
}

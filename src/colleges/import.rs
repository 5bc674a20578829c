//! The import of a department's collèges from the national directory. It may be repeated at any time: what the file says again
//! changes nothing, and a collège that left the file is closed, never deleted, for its pupils' past refers to it.

use super::{
    annuaire::{self, CollegeRow, Import, RowProblem},
    db::{self, College},
};
use crate::{
    app::App,
    audit,
    db::DirectoryTx,
    error::{Error, Refusal},
    kernel::{actor::Caller, department::Department, text::Uai},
};
use actix_web::web::Bytes;
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};

/// A file that would close more than a quarter of ten collèges or more was cut short on its way: no department closes that many.
const SUSPECT_FROM: usize = 10;
const SUSPECT_SHARE: usize = 4;
/// Rows of one statement: eight values each, well under the 65,535 that PostgreSQL takes.
const BATCH_ROWS: usize = 500;

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub created: usize,
    pub updated: usize,
    pub unchanged: usize,
    pub closed: usize,
    pub ignored: usize,
    pub problems: Vec<RowProblem>,
}

/// Reads the file, then brings the department's collèges in line with it. The file is read before the transaction: no connection
/// waits for it.
pub async fn import_colleges(
    app: &App,
    caller: &Caller,
    department: Department,
    file: Bytes,
) -> Result<Outcome, Error> {
    // Behind the gate of the portraits: both are rare, heavy work of a request on one processor.
    let read = app.pictures.run(move || annuaire::read(&file, department)).await?;
    let import = read.map_err(|error| Error::RefusedBecause(Refusal::ImportRefused, error.to_string()))?;
    if import.rows.is_empty() {
        // Most likely the file of another department: taken at its word it would close every collège.
        let because = "Le fichier ne contient aucun collège lisible du département.".to_owned();
        return Err(Error::RefusedBecause(Refusal::ImportRefused, because));
    }
    let import = Arc::new(import);
    app.db.directory_write(caller, move |tx| apply(tx, department, &import)).await
}

fn apply(tx: &mut DirectoryTx<'_>, department: Department, import: &Import) -> Result<Outcome, Error> {
    let now = tx.now()?;
    let uais: Vec<&Uai> = import.rows.iter().map(|row| &row.uai).collect();
    let known = db::lock_colleges(tx, department, &uais)?;
    let open = known.iter().filter(|college| college.open && college.department == department).count();
    let plan = plan(known, import, department);
    if open >= SUSPECT_FROM && plan.closed.len().saturating_mul(SUSPECT_SHARE) > open {
        let because = format!(
            "Ce fichier fermerait {} des {open} collèges ouverts : il est sans doute incomplet, rien n'a été changé.",
            plan.closed.len()
        );
        return Err(Error::RefusedBecause(Refusal::ImportRefused, because));
    }
    let written: Vec<&College> = plan.created.iter().chain(&plan.updated).collect();
    for batch in written.chunks(BATCH_ROWS) {
        db::upsert_colleges(tx, batch, now)?;
    }
    db::close_colleges(tx, &plan.closed, now)?;
    let outcome = Outcome {
        created: plan.created.len(),
        updated: plan.updated.len(),
        unchanged: plan.unchanged,
        closed: plan.closed.len(),
        ignored: import.ignored,
        problems: plan.problems,
    };
    let details = json!({
        "created": outcome.created,
        "updated": outcome.updated,
        "unchanged": outcome.unchanged,
        "closed": outcome.closed,
        "problems": outcome.problems.len(),
    });
    audit::record(tx, "colleges_imported", ("department", department), details)?;
    Ok(outcome)
}

/// What has to be written.
#[derive(Debug, Default)]
struct Plan {
    created: Vec<College>,
    updated: Vec<College>,
    unchanged: usize,
    closed: Vec<Uai>,
    /// In the order of the file.
    problems: Vec<RowProblem>,
}

/// Compares the collèges known (the department's, and others' of the same codes) with the file.
fn plan(known: Vec<College>, import: &Import, department: Department) -> Plan {
    let mut known: BTreeMap<Uai, College> = known.into_iter().map(|college| (college.uai.clone(), college)).collect();
    let mut plan = Plan { problems: import.problems.clone(), ..Plan::default() };
    for row in &import.rows {
        let college = College::from(row.clone());
        match known.remove(&row.uai) {
            None => plan.created.push(college),
            Some(same) if same == college => plan.unchanged = plan.unchanged.saturating_add(1),
            Some(own) if own.department == department => plan.updated.push(college),
            Some(_) => {
                let detail = format!("Le code UAI {} est celui d'un collège d'un autre département.", row.uai);
                plan.problems.push(RowProblem { line: row.line, detail });
            }
        }
    }
    plan.problems.sort_by_key(|problem| problem.line);
    let gone = known.into_values().filter(|c| c.open && c.department == department && !import.unread.contains(&c.uai));
    plan.closed = gone.map(|college| college.uai).collect();
    plan
}

impl From<CollegeRow> for College {
    fn from(row: CollegeRow) -> Self {
        let CollegeRow { line: _, uai, name, kind, department, city, postal_code, open } = row;
        Self { uai, name, kind, department, city, postal_code, open }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = include_bytes!("../../tests/data/annuaire-35.csv");

    fn department() -> Department {
        "35".parse().expect("a department")
    }

    fn file() -> Import {
        annuaire::read(FILE, department()).expect("a readable file")
    }

    /// The collèges once that file was imported.
    fn imported(import: &Import) -> Vec<College> {
        plan(vec![], import, department()).created
    }

    #[test]
    fn the_same_file_again_changes_nothing() {
        let first = plan(vec![], &file(), department());
        assert_eq!((first.created.len(), first.updated.len(), first.closed.len()), (116, 0, 0));
        let second = plan(first.created, &file(), department());
        assert_eq!((second.created.len(), second.updated.len(), second.unchanged), (0, 0, 116));
        assert!(second.closed.is_empty());
        assert_eq!(second.problems.len(), 1);
    }

    #[test]
    fn what_left_the_file_is_closed_once_and_opens_again_with_it() {
        let mut shorter = file();
        let gone = shorter.rows.remove(0);
        let plan_of = |known, import: &Import| plan(known, import, department());
        let first = plan_of(imported(&file()), &shorter);
        assert_eq!((first.closed.as_slice(), first.unchanged), ([gone.uai.clone()].as_slice(), 115));
        let mut known = imported(&file());
        known[0].open = false;
        assert!(plan_of(known.clone(), &shorter).closed.is_empty());
        let back = plan_of(known, &file());
        assert_eq!(back.updated.iter().map(|c| (&c.uai, c.open)).collect::<Vec<_>>(), [(&gone.uai, true)]);
    }

    #[test]
    fn a_college_whose_row_cannot_be_read_is_not_closed() {
        let mut damaged = file();
        let row = damaged.rows.remove(0);
        damaged.unread.insert(row.uai);
        let plan = plan(imported(&file()), &damaged, department());
        assert_eq!((plan.closed.len(), plan.unchanged), (0, 115));
    }

    #[test]
    fn another_departments_college_is_told_and_left_alone() {
        let mut known = imported(&file());
        known[0].department = "22".parse().expect("a department");
        known[0].name = "Collège du 22".parse().expect("a name");
        let plan = plan(known, &file(), department());
        assert_eq!((plan.created.len(), plan.updated.len(), plan.unchanged), (0, 0, 115));
        assert_eq!(plan.problems.iter().map(|p| p.line).collect::<Vec<_>>(), [2, 112]);
        assert!(plan.closed.is_empty());
    }
}

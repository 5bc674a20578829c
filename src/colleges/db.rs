//! Collèges in the directory.

use crate::{
    db::DirectoryTx,
    error::Error,
    kernel::{
        department::Department,
        text::{Label, Uai},
        words::SchoolKind,
    },
    schema::directory::colleges,
};
use chrono::{DateTime, Utc};
use diesel::{prelude::*, upsert::excluded};

/// A collège as the service knows it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = colleges)]
pub struct College {
    pub uai: Uai,
    pub name: Label,
    pub kind: SchoolKind,
    pub department: Department,
    pub city: Label,
    pub postal_code: String,
    /// A closed collège keeps its past pupils and takes no new one.
    pub open: bool,
}

pub fn college(tx: &mut DirectoryTx<'_>, uai: &Uai) -> Result<Option<College>, Error> {
    Ok(colleges::table.find(uai).select(College::as_select()).first(tx.conn).optional()?)
}

pub fn open_colleges(
    tx: &mut DirectoryTx<'_>,
    department: Option<Department>,
    name_part: Option<&str>,
    after: Option<&Uai>,
    limit: i64,
) -> Result<Vec<College>, Error> {
    let mut query = colleges::table.filter(colleges::open).into_boxed();
    if let Some(department) = department {
        query = query.filter(colleges::department.eq(department));
    }
    if let Some(part) = name_part {
        query = query.filter(folded(colleges::name).like(folded(containing(part))));
    }
    if let Some(after) = after {
        query = query.filter(colleges::uai.gt(after));
    }
    Ok(query.order_by(colleges::uai).limit(limit).select(College::as_select()).load(tx.conn)?)
}

diesel::define_sql_function! {
    /// A text without case and accents, whatever the server's locale.
    fn folded(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// The pattern of texts that contain this one, its own `%`, `_` and `\` taken as they are.
fn containing(part: &str) -> String {
    let escaped = part.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{escaped}%")
}

/// The department's collèges and those of the list that are another's, locked, for an import to compare with.
pub fn lock_colleges(tx: &mut DirectoryTx<'_>, department: Department, uais: &[&Uai]) -> Result<Vec<College>, Error> {
    Ok(colleges::table
        .filter(colleges::department.eq(department).or(colleges::uai.eq_any(uais)))
        .order_by(colleges::uai)
        .for_update()
        .select(College::as_select())
        .load(tx.conn)?)
}

/// Adds or replaces these collèges in one statement; one that became another department's meanwhile is left to it.
pub fn upsert_colleges(tx: &mut DirectoryTx<'_>, rows: &[&College], now: DateTime<Utc>) -> Result<(), Error> {
    // `QueryDsl::filter` is for selects; this one is for the update of an upsert.
    use diesel::query_dsl::methods::FilterDsl as _;
    let rows: Vec<_> = rows.iter().map(|college| (*college, colleges::updated_at.eq(now))).collect();
    diesel::insert_into(colleges::table)
        .values(rows)
        .on_conflict(colleges::uai)
        .do_update()
        .set((
            colleges::name.eq(excluded(colleges::name)),
            colleges::kind.eq(excluded(colleges::kind)),
            colleges::city.eq(excluded(colleges::city)),
            colleges::postal_code.eq(excluded(colleges::postal_code)),
            colleges::open.eq(excluded(colleges::open)),
            colleges::updated_at.eq(excluded(colleges::updated_at)),
        ))
        .filter(colleges::department.eq(excluded(colleges::department)))
        .execute(tx.conn)?;
    Ok(())
}

pub fn closed(tx: &mut DirectoryTx<'_>) -> Result<Vec<Uai>, Error> {
    Ok(colleges::table.filter(colleges::open.eq(false)).select(colleges::uai).load(tx.conn)?)
}

pub fn close_colleges(tx: &mut DirectoryTx<'_>, uais: &[Uai], now: DateTime<Utc>) -> Result<(), Error> {
    diesel::update(colleges::table.filter(colleges::uai.eq_any(uais)))
        .set((colleges::open.eq(false), colleges::updated_at.eq(now)))
        .execute(tx.conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_of_the_caller_are_letters() {
        assert_eq!(containing("cassin"), "%cassin%");
        assert_eq!(containing(r"50%_\"), r"%50\%\_\\%");
    }
}

//! Every column of every table is in the register of data, once, and the register names no other.

use super::{assert_same, rows, schemas};
use crate::support::Service;
use diesel::{Connection, PgConnection};
use passplus::{
    migrate::Schema,
    privacy::register::{Class, DIRECTORY, Line, department},
};
use std::collections::BTreeSet;

pub(super) fn register(schema: Schema) -> Vec<Line> {
    match schema {
        Schema::Directory => DIRECTORY.to_vec(),
        Schema::Department(_) => department(),
    }
}

/// `table.column` of the lines that `wanted` takes.
pub(super) fn columns(lines: &[Line], wanted: impl Fn(&Line) -> bool) -> Vec<String> {
    let lines = lines.iter().filter(|line| wanted(line));
    lines.flat_map(|line| line.columns.iter().map(|column| format!("{}.{column}", line.table))).collect()
}

#[actix_web::test]
async fn every_column_says_what_it_is_for_and_how_long_it_is_kept() {
    let service = Service::start().await;
    for schema in schemas() {
        let mut conn = PgConnection::establish(&service.superuser_url(schema)).unwrap();
        let sql = "select c.relname::text as t, a.attname::text as c from pg_class c
                     join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
                     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                    where c.relkind in ('r', 'p', 'm')";
        let found: BTreeSet<String> = rows(&mut conn, sql)
            .iter()
            .map(|row| format!("{}.{}", row["t"].as_str().unwrap(), row["c"].as_str().unwrap()))
            .collect();
        let listed = columns(&register(schema), |_| true);
        let registered: BTreeSet<String> = listed.iter().cloned().collect();
        assert_eq!(listed.len(), registered.len(), "{}: a column is registered twice", schema.stem());
        assert_same(&format!("{}: src/privacy/register.rs against the columns", schema.stem()), &registered, &found);
    }
}

#[test]
fn what_concerns_people_has_a_purpose_and_an_end() {
    for line in DIRECTORY.iter().copied().chain(department()) {
        let place = format!("{} {:?}", line.table, line.columns);
        assert!(!line.purpose.is_empty() && !line.retention.is_empty(), "{place} says too little");
        let about_nobody = [Class::None, Class::Technical].contains(&line.class);
        assert!(about_nobody || !line.retention.starts_with("sans limite"), "{place} would be kept for ever");
    }
}

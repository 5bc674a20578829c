//! Migrations go up, down and up again; what they make is named by us; and the code knows the tables as they are.

use super::{assert_same, relations, root, rows, schemas, texts};
use crate::support::Service;
use diesel::{Connection, PgConnection};
use passplus::migrate;
use std::collections::BTreeSet;

/// Everything that migrations and grants make, one line each.
fn catalogue(conn: &mut PgConnection) -> BTreeSet<String> {
    let ours = "pg_namespace n on n.nspname = 'public' and n.oid =";
    let queries = [
        // Relations with their options, owners, rights and row-level security.
        format!(
            "select concat_ws(' ', 'relation', relkind, relname, reloptions, relowner::regrole, relacl, relrowsecurity, relforcerowsecurity)
               from pg_class c join {ours} c.relnamespace where relkind in ('r', 'v', 'm', 'S', 'p')"
        ),
        format!(
            "select concat_ws(' ', 'column', relname, attnum, attname, format_type(atttypid, atttypmod), attnotnull, attacl,
                    pg_get_expr(d.adbin, d.adrelid))
               from pg_class c join {ours} c.relnamespace
               join pg_attribute a on attrelid = c.oid and attnum > 0 and not attisdropped
               left join pg_attrdef d on d.adrelid = c.oid and d.adnum = attnum
              where relkind in ('r', 'v', 'm', 'c', 'p')"
        ),
        format!(
            "select concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(k.oid))
               from pg_constraint k join {ours} k.connamespace"
        ),
        "select 'index ' || indexdef from pg_indexes where schemaname = 'public'".to_owned(),
        "select concat_ws(' ', 'view', viewname, definition) from pg_views where schemaname = 'public'".to_owned(),
        "select concat_ws(' ', 'policy', tablename, policyname, permissive, roles, cmd, qual, with_check) from pg_policies".to_owned(),
        format!(
            "select concat_ws(' ', 'function', pg_get_functiondef(p.oid), proowner::regrole, proacl)
               from pg_proc p join {ours} p.pronamespace where prokind <> 'a'"
        ),
        format!(
            "select concat_ws(' ', 'trigger', tgrelid::regclass, pg_get_triggerdef(t.oid))
               from pg_trigger t join pg_class c on c.oid = tgrelid join {ours} c.relnamespace where not tgisinternal"
        ),
        "select concat_ws(' ', 'migration', version) from __diesel_schema_migrations".to_owned(),
    ];
    queries.iter().flat_map(|sql| texts(conn, sql)).collect()
}

#[actix_web::test]
async fn migrations_go_up_down_and_up_again() {
    let service = Service::start().await;
    for schema in schemas() {
        let url = service.superuser_url(schema);
        let mut conn = PgConnection::establish(&url).unwrap();
        let first = catalogue(&mut conn);
        assert!(first.len() > 100, "{} things only", first.len());
        migrate::revert_all(&url, schema).unwrap();
        let left: BTreeSet<String> =
            catalogue(&mut conn).into_iter().filter(|line| !line.contains("__diesel_schema_migrations")).collect();
        assert_same(&format!("{}: left by the migrations downwards", schema.stem()), &BTreeSet::new(), &left);
        migrate::migrate(&url, schema).unwrap();
        assert_same(&format!("{}: up again", schema.stem()), &first, &catalogue(&mut conn));
        assert_eq!(migrate::migrate(&url, schema).unwrap(), 0, "a repeated migration changes nothing");
    }
}

#[actix_web::test]
async fn every_constraint_and_index_bears_a_name_that_we_gave() {
    let service = Service::start().await;
    for schema in schemas() {
        let mut conn = PgConnection::establish(&service.superuser_url(schema)).unwrap();
        let sql = "select relname::text as relation, conname::text as name, contype::text as kind from pg_constraint k
                     join pg_class c on c.oid = conrelid join pg_namespace n on n.oid = relnamespace
                    where nspname = 'public' and contype <> 'n' and relname not like '\\_\\_%'
                   union all select tablename::text, indexname::text, 'i' from pg_indexes
                    where schemaname = 'public' and tablename not like '\\_\\_%'";
        let mut wrong = vec![];
        for row in rows(&mut conn, sql) {
            let [relation, name, kind] = ["relation", "name", "kind"].map(|column| row[column].as_str().unwrap());
            let rest = name.strip_prefix(&format!("{relation}_"));
            // PostgreSQL's own endings, numbered from the second on. A primary key is an error of ours, so its name is free.
            let end = name.trim_end_matches(|c: char| c.is_ascii_digit());
            let automatic = ["_check", "_key", "_fkey", "_idx", "_excl"].iter().any(|ending| end.ends_with(ending));
            let primary = kind == "p" || name.ends_with("_pkey") || name.ends_with("_pk");
            if rest.is_none_or(str::is_empty) || (automatic && !primary) {
                wrong.push(format!("{}: {name} on {relation}", schema.stem()));
            }
        }
        assert!(wrong.is_empty(), "not named by us, or not `<table>_<what>`:\n{}", wrong.join("\n"));
    }
}

/// `table column type [null] [key]`, in order, as the code knows the tables.
fn known_to_the_code(file: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("src/schema").join(file)).unwrap();
    let mut lines = BTreeSet::new();
    for table in text.split("diesel::table! {").skip(1) {
        let (head, body) = table.split_once('{').unwrap();
        let (name, keys) = head.trim().split_once('(').unwrap();
        let keys: Vec<&str> = keys.trim_end().trim_end_matches(')').split(", ").collect();
        let (columns, _) = body.split_once('}').unwrap();
        for (column, place) in columns.lines().filter_map(|line| line.split_once("->")).zip(1..) {
            let (column, kind) = (column.0.trim(), column.1.trim().trim_end_matches(','));
            let nullable = kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>'));
            let kind = nullable.unwrap_or(kind).to_lowercase();
            let key = if keys.contains(&column) { " key" } else { "" };
            let null = if nullable.is_some() { " null" } else { "" };
            lines.insert(format!("{} {place} {column} {kind}{null}{key}", name.trim()));
        }
    }
    lines
}

#[actix_web::test]
async fn the_code_knows_the_tables_as_they_are() {
    let service = Service::start().await;
    for (schema, file) in schemas().into_iter().zip(["directory.rs", "department.rs"]) {
        let mut conn = PgConnection::establish(&service.superuser_url(schema)).unwrap();
        let sql = "select concat(relname, ' ', row_number() over (partition by c.oid order by attnum), ' ', attname, ' ',
                          case typname when 'int4' then 'integer' when 'int8' then 'bigint' when 'int2' then 'smallint' when 'bytea' then 'binary' when '_date' then 'array<date>' when '_text' then 'array<text>' else typname end,
                          case when attnotnull then '' else ' null' end,
                          case when attnum = any (k.conkey) then ' key' else '' end)
                     from pg_class c join pg_namespace n on n.oid = relnamespace and nspname = 'public'
                     join pg_attribute a on attrelid = c.oid and attnum > 0 and not attisdropped
                     join pg_type t on t.oid = atttypid
                     left join pg_constraint k on conrelid = c.oid and contype = 'p'
                    where relkind = 'r' and relname <> '__diesel_schema_migrations'";
        let found = texts(&mut conn, sql);
        let views: Vec<String> = relations(&mut conn, "v").iter().map(|view| format!("{view} ")).collect();
        let (of_views, of_tables): (BTreeSet<String>, BTreeSet<String>) =
            known_to_the_code(file).into_iter().partition(|line| views.iter().any(|view| line.starts_with(view)));
        assert_same(&format!("src/schema/{file} (expected) against the tables"), &of_tables, &found);
        // A view promises neither keys nor presence: names and types only.
        for line in of_views {
            let [view, _, column, kind] = line.split(' ').take(4).collect::<Vec<_>>()[..] else { panic!("{line}") };
            let sql = format!(
                "select 1 as found from information_schema.columns where table_name = '{view}' and column_name = '{column}'
                    and case udt_name when 'int8' then 'bigint' else udt_name end = '{kind}'"
            );
            assert_eq!(rows(&mut conn, &sql).len(), 1, "src/schema/{file}: {line} is not in the view");
        }
    }
}

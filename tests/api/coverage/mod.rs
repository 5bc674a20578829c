//! The promises of the house. Each test walks everything of a kind and fails when one thing is missing; lists of exceptions only
//! shrink: an exception that is no longer needed fails too.

mod architecture;
mod authz;
pub mod full_family;
mod isolation;
mod migrations;
mod openapi;
mod privacy;
mod refusals;
mod rls;
mod rls_writes;

use crate::support::{Api, World, description, siret};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Jsonb};
use passplus::{
    kernel::{crypto::SigningPair, ids::RequestId},
    migrate::Schema,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// One operation of the description.
pub struct Operation {
    pub method: String,
    pub path: String,
    pub described: &'static Value,
}

impl Operation {
    pub fn id(&self) -> &str {
        self.described["operationId"].as_str().unwrap_or_default()
    }
    /// `GET /v1/me`
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
    /// The path with every parameter given its value.
    pub fn address(&self, value: impl Fn(&str) -> String) -> String {
        let parts = self.path.split('/').map(|part| {
            let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
            name.map_or_else(|| part.to_owned(), &value)
        });
        parts.collect::<Vec<_>>().join("/")
    }
}

/// Every operation that the service describes, by path and method.
pub fn operations() -> Vec<Operation> {
    let mut all = vec![];
    for (path, item) in description()["paths"].as_object().unwrap() {
        for (method, described) in item.as_object().unwrap() {
            if ["get", "post", "put", "patch", "delete"].contains(&method.as_str()) {
                all.push(Operation { method: method.to_uppercase(), path: path.clone(), described });
            }
        }
    }
    assert!(all.len() > 60, "the description lists {} operations only", all.len());
    all
}

/// The repository's own folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a folder of the repository, with its text; paths are relative to that folder.
pub fn sources(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                into.push(path);
            }
        }
    }
    let base = root().join(folder);
    let mut paths = vec![];
    walk(&base, &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&base).unwrap().to_string_lossy().replace('\\', "/");
        (name, std::fs::read_to_string(&path).unwrap())
    };
    paths.into_iter().map(read).collect()
}

/// Fails with the missing and the superfluous lines of a list, each on its own line.
#[track_caller]
pub fn assert_same<T: Ord + std::fmt::Display>(what: &str, expected: &BTreeSet<T>, found: &BTreeSet<T>) {
    let lines =
        |sign: &str, of: Vec<&T>| of.iter().map(|line| format!("\n  {sign} {line}")).collect::<Vec<_>>().concat();
    let missing = lines("expected, not found:", expected.difference(found).collect());
    let extra = lines("found, not expected:", found.difference(expected).collect());
    assert!(missing.is_empty() && extra.is_empty(), "{what}:{missing}{extra}");
}

/// Both schemas as a test's world has them.
pub fn schemas() -> [Schema; 2] {
    [Schema::Directory, Schema::Department("92".parse().unwrap())]
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Jsonb)]
    row: Value,
}

/// The rows of a query, as JSON objects.
#[track_caller]
pub fn rows(conn: &mut PgConnection, sql: &str) -> Vec<Value> {
    let wrapped = format!("select to_jsonb(r) as row from ({sql}) r");
    let rows: Vec<Row> = sql_query(wrapped).load(conn).unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.into_iter().map(|row| row.row).collect()
}

/// The single column of a query, as a set of texts.
#[track_caller]
pub fn texts(conn: &mut PgConnection, sql: &str) -> BTreeSet<String> {
    let values = rows(conn, &format!("select x::text as x from ({sql}) one(x)"));
    values.into_iter().map(|row| row["x"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Names of the tables (`r`), views (`v`) or both that we made in a database.
pub fn relations(conn: &mut PgConnection, kinds: &str) -> Vec<String> {
    let sql = format!(
        "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where n.nspname = 'public' and strpos('{kinds}', c.relkind::text) > 0 and c.relname <> '__diesel_schema_migrations'"
    );
    texts(conn, &sql).into_iter().collect()
}

/// Every row of every table and view of a database, as one text each with the name of where it lies.
pub fn dump(conn: &mut PgConnection) -> Vec<(String, String)> {
    let mut lines = vec![];
    for table in relations(conn, "rvmp") {
        let rows = texts(conn, &format!("select to_jsonb(t) from {table} t"));
        lines.extend(rows.into_iter().map(|row| (table.clone(), row)));
    }
    lines
}

/// A gate of a collège, or else a kitchen, of an operator that nobody has declared.
pub async fn planted_device(world: &World, department: &str, college: Option<&str>) -> Api {
    use diesel::Connection;
    let (pair, device) = (SigningPair::generate().unwrap(), RequestId::generate());
    let public = data_encoding::HEXLOWER.encode(&pair.public());
    let kind = if college.is_some() { "gate" } else { "kitchen" };
    let (college, recipient) = college.map_or(("null".into(), "null"), |uai| {
        (format!("'{uai}'"), "'age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj'")
    });
    let mut conn = PgConnection::establish(&world.superuser_url(Schema::Directory)).unwrap();
    conn.batch_execute(&format!(
        "insert into devices (id, operator_id, department, kind, label, state, public_key, created_at, enrolled_at, college_uai, recipient)
         values ('{device}', gen_random_uuid(), '{department}', '{kind}', 'Entrée', 'active', '\\x{public}', now(), now(), {college}, {recipient})"
    ))
    .unwrap();
    let token = world.device_token(&device.to_string(), pair.pkcs8()).await;
    world.api.with_token(&token)
}

/// A till whose token the service takes, entered into the directory as if it had been enrolled.
pub async fn planted_till(world: &World, department: &str, number: u32) -> Api {
    use diesel::Connection;
    let pair = SigningPair::generate().unwrap();
    let (merchant, device) = (RequestId::generate(), RequestId::generate());
    let public = data_encoding::HEXLOWER.encode(&pair.public());
    let mut conn = PgConnection::establish(&world.superuser_url(Schema::Directory)).unwrap();
    conn.batch_execute(&format!(
        "insert into merchants (id, siret, name, created_at) values ('{merchant}', '{}', 'Librairie du Pont', now());
         insert into devices (id, merchant_id, department, kind, label, state, public_key, created_at, enrolled_at)
         values ('{device}', '{merchant}', '{department}', 'till', 'Caisse', 'active', '\\x{public}', now(), now())",
        siret(900_000 + number)
    ))
    .unwrap();
    let token = world.device_token(&device.to_string(), pair.pkcs8()).await;
    world.api.with_token(&token)
}

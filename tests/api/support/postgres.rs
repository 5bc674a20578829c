//! A private PostgreSQL for the whole test run, without durability, and databases cloned from migrated templates.

use diesel::{Connection, PgConnection, connection::SimpleConnection};
use passplus::{
    embedded::{Cluster, Durability, SUPERUSER},
    kernel::crypto::random_token,
    migrate::{self, Schema},
};
use std::{
    os::unix::fs::PermissionsExt,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

struct Shared {
    cluster: Cluster,
    // Kept until the process ends: PostgreSQL stops with it.
    _tether: passplus::embedded::Tether,
    folder: tempfile::TempDir,
    templates: std::sync::Mutex<Vec<String>>,
}

static SHARED: OnceLock<Shared> = OnceLock::new();
static NEXT: AtomicU32 = AtomicU32::new(0);

fn shared() -> &'static Shared {
    SHARED.get_or_init(|| {
        // As root the cluster belongs to another user, who must be able to walk in.
        let open = std::fs::Permissions::from_mode(0o711);
        let folder = tempfile::Builder::new().prefix("passplus-test-").permissions(open).tempdir_in("/tmp").unwrap();
        let cluster = Cluster::open(&folder.path().join("pg")).unwrap();
        cluster.start(Durability::Fast).unwrap();
        let tether = cluster.stop_with_this_process().unwrap();
        Shared { cluster, _tether: tether, folder, templates: std::sync::Mutex::default() }
    })
}

/// URL of the superuser on a database: for what only an operator or an intruder does.
pub fn superuser_url(database: &str) -> String {
    shared().cluster.url(SUPERUSER, database)
}

/// What the private PostgreSQL wrote in its log.
pub fn server_log() -> String {
    String::from_utf8_lossy(&std::fs::read(shared().folder.path().join("pg/server.log")).unwrap()).into_owned()
}

fn superuser() -> PgConnection {
    PgConnection::establish(&superuser_url("postgres")).unwrap()
}

/// The databases of one test, dropped with it.
pub struct Databases(Vec<(Schema, String)>);

impl Databases {
    /// URL of the server's own role.
    pub fn url(&self, schema: Schema) -> String {
        shared().cluster.url(&schema.app(), self.name(schema))
    }

    pub fn name(&self, schema: Schema) -> &str {
        &self.0.iter().find(|(known, _)| *known == schema).unwrap().1
    }
}

impl Drop for Databases {
    fn drop(&mut self) {
        let mut conn = superuser();
        for (_, name) in &self.0 {
            conn.batch_execute(&format!("drop database if exists {name} with (force)")).ok();
        }
    }
}

/// Fresh databases with the current schema.
pub async fn clone_for(schemas: Vec<Schema>) -> Databases {
    tokio::task::spawn_blocking(move || {
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let made = schemas.into_iter().map(|schema| {
            let template = template(schema);
            let name = format!("t{number}_{}", schema.stem());
            let mut conn = superuser();
            conn.batch_execute(&format!("create database {name} template {template} strategy file_copy")).unwrap();
            // A copy carries rows and rights on tables, not the rights on the database itself.
            let mut own = PgConnection::establish(&superuser_url(&name)).unwrap();
            migrate::isolate(&mut own, schema).unwrap();
            (schema, name)
        });
        Databases(made.collect())
    })
    .await
    .unwrap()
}

fn template(schema: Schema) -> String {
    let name = format!("template_{}", schema.stem());
    let mut made = shared().templates.lock().unwrap();
    if !made.contains(&name) {
        superuser().batch_execute(&format!("create database {name}")).unwrap();
        migrate::migrate(&superuser_url(&name), schema).unwrap();
        made.push(name.clone());
    }
    name
}

/// A PostgreSQL of one test's own, durable like a real one: for what may not be done to the shared one.
pub struct OwnCluster {
    pub cluster: Cluster,
    _tether: passplus::embedded::Tether,
    folder: tempfile::TempDir,
}

impl OwnCluster {
    pub fn start() -> Self {
        let open = std::fs::Permissions::from_mode(0o711);
        let folder = tempfile::Builder::new().prefix("passplus-own-").permissions(open).tempdir_in("/tmp").unwrap();
        let cluster = Cluster::open(&folder.path().join("pg")).unwrap();
        cluster.start(Durability::Durable).unwrap();
        let tether = cluster.stop_with_this_process().unwrap();
        for name in ["passplus_directory", "passplus_92"] {
            let mut conn = PgConnection::establish(&cluster.url(SUPERUSER, "postgres")).unwrap();
            conn.batch_execute(&format!("create database {name}")).unwrap();
        }
        Self { cluster, _tether: tether, folder }
    }

    /// Somebody's connection to one of the two databases.
    pub fn url(&self, user: &str, database: &str) -> String {
        self.cluster.url(user, database)
    }

    /// The environment of an operator who runs department 92 alone on this cluster.
    pub fn environment(&self) -> std::collections::BTreeMap<String, String> {
        let place = |name: &str, role: &str| self.url(&format!("{name}_{role}"), name);
        let of = |name: &str, value: &str| (format!("PASSPLUS_{name}"), value.to_owned());
        [
            of("DEPARTMENTS", "92"),
            of("DIRECTORY_MIGRATE_URL", &self.url(SUPERUSER, "passplus_directory")),
            of("DEPARTMENT_92_MIGRATE_URL", &self.url(SUPERUSER, "passplus_92")),
            of("DIRECTORY_URL", &place("passplus_directory", "app")),
            of("DEPARTMENT_92_URL", &place("passplus_92", "app")),
            of("DIRECTORY_KEY", &random_token()),
            of("DEPARTMENT_92_KEY", &random_token()),
            of("MAIL_FOLDER", &self.folder.path().join("letters").to_string_lossy()),
        ]
        .into()
    }
}

//! Schema and roles of the databases: what a deployment applies, and what a server checks before it dares to start.

use crate::kernel::department::Department;
use anyhow::{Context, bail, ensure};
use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    migration::{Migration, MigrationSource},
    pg::Pg,
    sql_types::{Bool, Text},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const DIRECTORY: EmbeddedMigrations = embed_migrations!("migrations/directory");
const DEPARTMENT: EmbeddedMigrations = embed_migrations!("migrations/department");
const DIRECTORY_GRANTS: &str = include_str!("../migrations/directory.grants.sql");
const DEPARTMENT_GRANTS: &str = include_str!("../migrations/department.grants.sql");

/// Which of the two schemas a database has, and the names of its roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    Directory,
    Department(Department),
}

impl Schema {
    /// `passplus_directory`, `passplus_92`: the default database name, and the stem of its roles' names.
    #[must_use]
    pub fn stem(self) -> String {
        match self {
            Self::Directory => "passplus_directory".to_owned(),
            Self::Department(code) => format!("passplus_{}", code.as_str().to_lowercase()),
        }
    }
    /// Owns the tables and the money functions; nobody signs in as it.
    #[must_use]
    pub fn owner(self) -> String {
        format!("{}_owner", self.stem())
    }
    /// What the server signs in as.
    #[must_use]
    pub fn app(self) -> String {
        format!("{}_app", self.stem())
    }
    /// What the verifier signs in as: amounts and ids, read only.
    #[must_use]
    pub fn check(self) -> String {
        format!("{}_check", self.stem())
    }
    const fn migrations(self) -> EmbeddedMigrations {
        match self {
            Self::Directory => DIRECTORY,
            Self::Department(_) => DEPARTMENT,
        }
    }
    fn grants(self) -> String {
        let template = match self {
            Self::Directory => DIRECTORY_GRANTS,
            Self::Department(_) => DEPARTMENT_GRANTS,
        };
        template.replace("{app}", &self.app()).replace("{check}", &self.check())
    }
}

/// Creates the roles that lack, applies the pending migrations as the owner, then the grants. Safe to repeat.
/// `url` signs in as a role that may create roles and owns the database (or as a superuser). Returns how many migrations were applied.
pub fn migrate(url: &str, schema: Schema) -> anyhow::Result<usize> {
    let mut conn = connect(url)?;
    let (owner, app, check) = (schema.owner(), schema.app(), schema.check());
    // Roles belong to the whole server: another migration may make the same ones at the same moment.
    for (role, options) in [(&owner, "nologin inherit"), (&app, "login noinherit"), (&check, "login noinherit")] {
        conn.batch_execute(&format!(
            "do $$ begin create role {role} {options} nosuperuser nocreatedb nocreaterole nobypassrls;
             exception when duplicate_object or unique_violation then null; end $$"
        ))
        .with_context(|| format!("cannot create the role {role}"))?;
    }
    conn.batch_execute(&format!("grant {owner} to current_user")).with_context(|| format!("cannot act as {owner}"))?;
    isolate(&mut conn, schema)?;
    conn.batch_execute(&format!("set role {owner}"))?;
    let applied = conn
        .run_pending_migrations(schema.migrations())
        .map_err(|error| anyhow::anyhow!("a migration of {} failed: {error}", schema.stem()))?
        .len();
    let stem = schema.stem();
    // Says whose database this is: a server led to another one by a slip of the configuration refuses it.
    conn.batch_execute(&format!("begin; {} ; comment on schema public is '{stem}'; commit", schema.grants()))?;
    Ok(applied)
}

/// Makes the database its roles' own: nobody else connects, nobody makes temporary tables. A copy from a template needs it again.
pub fn isolate(conn: &mut PgConnection, schema: Schema) -> anyhow::Result<()> {
    let Named { text: database } = diesel::sql_query("select current_database()::text as text").get_result(conn)?;
    let (owner, app, check) = (schema.owner(), schema.app(), schema.check());
    conn.batch_execute(&format!(
        "alter database \"{database}\" owner to {owner};
         revoke all on database \"{database}\" from public;
         grant connect on database \"{database}\" to {app}, {check}"
    ))
    .with_context(|| format!("cannot give the database {database} to {owner}"))?;
    Ok(())
}

/// Undoes every migration, newest first. For the test that goes up, down and up again.
pub fn revert_all(url: &str, schema: Schema) -> anyhow::Result<()> {
    let mut conn = connect(url)?;
    conn.batch_execute(&format!("set role {}", schema.owner()))?;
    conn.revert_all_migrations(schema.migrations()).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(())
}

/// Refuses a database that the server must not use, with one sentence that says why. `url` is the server's own.
pub fn check(url: &str, schema: Schema) -> anyhow::Result<()> {
    let mut conn = connect(url)?;
    let name = schema.stem();
    let role: RoleRow = diesel::sql_query(
        "select rolname::text as name, rolsuper as superuser, rolbypassrls as bypasses,
                exists (select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
                        where n.nspname = 'public' and pg_has_role(current_user, c.relowner, 'member')) as owner
           from pg_roles where rolname = current_user",
    )
    .get_result(&mut conn)?;
    ensure!(!role.superuser, "{name}: the server signs in as the superuser {}; use {}", role.name, schema.app());
    ensure!(!role.bypasses, "{name}: the role {} bypasses row-level security; use {}", role.name, schema.app());
    ensure!(
        !role.owner,
        "{name}: the role {} owns tables and could undo its own limits; use {}",
        role.name,
        schema.app()
    );
    let Named { text: holder } =
        diesel::sql_query("select coalesce(obj_description('public'::regnamespace), '') as text")
            .get_result(&mut conn)?;
    ensure!(
        holder.is_empty() || holder == name || !holder.starts_with("passplus_"),
        "{name}: this is the database of {holder}: the configuration leads to the wrong one"
    );
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        let Named { text: value } =
            diesel::sql_query("select current_setting($1) as text").bind::<Text, _>(setting).get_result(&mut conn)?;
        ensure!(value != "off", "{name}: {setting} is off: a crash could lose debits already answered; turn it on");
    }
    let Named { text: language } =
        diesel::sql_query("select current_setting('lc_messages') as text").get_result(&mut conn)?;
    ensure!(
        ["", "C", "POSIX"].contains(&language.as_str()) || language.starts_with("C.") || language.starts_with("en"),
        "{name}: lc_messages is {language}: set it to C, the server reads PostgreSQL's messages in English"
    );
    let behind = pending(&mut conn, schema)?;
    if !behind.is_empty() {
        bail!(
            "{name}: the schema is behind, {} migration(s) missing ({}); run `passplus migrate`",
            behind.len(),
            behind.join(", ")
        );
    }
    Ok(())
}

fn pending(conn: &mut PgConnection, schema: Schema) -> anyhow::Result<Vec<String>> {
    let Exists { yes: made } =
        diesel::sql_query("select to_regclass('__diesel_schema_migrations') is not null as yes").get_result(conn)?;
    let applied: Vec<Named> = if made {
        diesel::sql_query("select version::text as text from __diesel_schema_migrations").load(conn)?
    } else {
        vec![]
    };
    let all: Vec<Box<dyn Migration<Pg>>> =
        schema.migrations().migrations().map_err(|error| anyhow::anyhow!("{error}"))?;
    let names = all.iter().map(|migration| migration.name().version().to_string());
    Ok(names.filter(|version| !applied.iter().any(|row| row.text == *version)).collect())
}

/// A connection, or why there is none.
pub fn connect(url: &str) -> anyhow::Result<PgConnection> {
    // The URL may hold a password: the error names neither.
    PgConnection::establish(url).map_err(|error| match error {
        diesel::ConnectionError::BadConnection(reason) => anyhow::anyhow!("the database does not answer: {reason}"),
        _ => anyhow::anyhow!("the database's URL cannot be read"),
    })
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    text: String,
}

#[derive(QueryableByName)]
struct Exists {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

#[derive(QueryableByName)]
struct RoleRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    superuser: bool,
    #[diesel(sql_type = Bool)]
    bypasses: bool,
    #[diesel(sql_type = Bool)]
    owner: bool,
}

//! The only way to a database: one transaction, as one actor, at one instant. Departments and directory are separate databases
//! behind separate pools and separate types, so a query for one cannot be sent to the other.

mod begin;

use crate::{
    error::{Error, Refusal},
    gates::Gate,
    kernel::{self, actor::Caller, crypto::MasterKey, department::Department},
};
use begin::begin_sql;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    PgConnection, RunQueryDsl,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    r2d2::{ConnectionManager, CustomizeConnection, Pool},
    result::{DatabaseErrorKind, Error as DieselError},
    sql_types::Text,
};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// Connections a database gets from one process. On two cores more of them only wait for each other.
pub const POOL_SIZE: u32 = 10;
/// As many threads as connections; and how many requests may wait for one before the next is told that the service is busy.
const RUNNING_MAX: usize = 10;
const WAITING_MAX: usize = 256;
/// How long a request waits for a connection that PostgreSQL does not give.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Tries of a transaction that PostgreSQL itself asks to repeat (deadlock, serialisation).
const TRIES: u32 = 4;

/// Set on every connection. No statement, lock or open transaction outlives its caller's patience by much.
const SESSION: &str = "set statement_timeout = '10s'; set lock_timeout = '5s'; \
     set idle_in_transaction_session_timeout = '15s'; set time zone 'UTC'; set client_min_messages = 'warning'";

/// Marks the transactions of the directory.
#[derive(Debug, Clone, Copy)]
pub struct Directory;

/// A running transaction. `P` is where it runs: a `Department`, or the `Directory`.
pub struct Transaction<'c, P> {
    pub conn: &'c mut PgConnection,
    pub caller: &'c Caller,
    pub place: P,
    /// The master key of this place: what is sealed or fingerprinted here opens nowhere else.
    pub key: &'c MasterKey,
    clock_offset: TimeDelta,
    now: Option<DateTime<Utc>>,
}

/// A transaction in one department's database.
pub type Tx<'c> = Transaction<'c, Department>;
/// A transaction in the directory.
pub type DirectoryTx<'c> = Transaction<'c, Directory>;

diesel::define_sql_function! {
    /// The database's instant, the same from the first to the last statement of a transaction.
    fn now() -> diesel::sql_types::Timestamptz;
}

impl<P> Transaction<'_, P> {
    /// The instant of this transaction, from the database's clock. Asked for once, and only by those who need it.
    pub fn now(&mut self) -> Result<DateTime<Utc>, Error> {
        if let Some(now) = self.now {
            return Ok(now);
        }
        let database: DateTime<Utc> = diesel::select(now()).get_result(self.conn)?;
        let now = database.checked_add_signed(self.clock_offset).unwrap_or(database);
        self.now = Some(now);
        Ok(now)
    }

    /// Makes those who do the same to the same thing, both of which `over` names, take turns until they commit: what each has counted or
    /// summed up stays true. For what no row stands for that the caller may lock.
    pub fn take_turns(&mut self, over: fmt::Arguments<'_>) -> Result<(), Error> {
        diesel::sql_query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind::<Text, _>(over.to_string())
            .execute(self.conn)?;
        Ok(())
    }
}

#[derive(Clone)]
struct Store {
    pool: Pool<ConnectionManager<PgConnection>>,
    gate: Gate,
    key: MasterKey,
}

/// Connections that act as the ledger itself: what runs on them was permitted before, and each statement is its own transaction.
#[derive(Clone)]
pub struct LedgerStore {
    pool: Pool<ConnectionManager<PgConnection>>,
    clock_offset_seconds: Arc<AtomicI64>,
}

impl LedgerStore {
    /// Runs one statement, again when PostgreSQL asks for it. It must be one that may be repeated: a connection that was dead in the pool
    /// shows only when it is used.
    pub fn run<T>(&self, statement: impl Fn(&mut PgConnection) -> Result<T, Error>) -> Result<T, Error> {
        let offset = self.clock_offset_seconds.load(Ordering::SeqCst);
        let mut tries_left = TRIES.saturating_add(POOL_SIZE);
        loop {
            let mut conn = self.pool.get().map_err(|_| Error::Later(Refusal::Unavailable, 2))?;
            let moved = if offset == 0 {
                Ok(())
            } else {
                conn.batch_execute(&format!("set app.clock_offset = '{offset} seconds'")).map_err(Error::from)
            };
            let error = match moved.and_then(|()| statement(&mut conn)) {
                Err(error @ (Error::Retry(_) | Error::Later(Refusal::Unavailable, _))) if tries_left > 0 => error,
                done => return done,
            };
            if matches!(error, Error::Later(..)) {
                AnsiTransactionManager::transaction_manager_status_mut(&mut *conn).set_in_error();
            }
            tries_left = tries_left.saturating_sub(1);
        }
    }
}

/// Where a database is, and the secret its contents are sealed with.
#[derive(Clone)]
pub struct Place {
    pub url: String,
    pub key: MasterKey,
}

/// The databases of the service.
#[derive(Clone)]
pub struct Db {
    directory: Store,
    departments: Arc<BTreeMap<Department, Store>>,
    // Seconds that tests add to the databases' clocks; zero in the service.
    clock_offset_seconds: Arc<AtomicI64>,
}

#[derive(Debug)]
struct SetSession(&'static str);

impl CustomizeConnection<PgConnection, diesel::r2d2::Error> for SetSession {
    fn on_acquire(&self, conn: &mut PgConnection) -> Result<(), diesel::r2d2::Error> {
        conn.batch_execute(&format!("{SESSION}; {}", self.0)).map_err(diesel::r2d2::Error::QueryError)
    }
}

fn pool(url: &str, size: u32, session: &'static str) -> Pool<ConnectionManager<PgConnection>> {
    Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .connection_timeout(CONNECT_TIMEOUT)
        // A dead connection shows at its first statement, where trying another one is safe: no round trip to test each.
        .test_on_check_out(false)
        .connection_customizer(Box::new(SetSession(session)))
        .build_unchecked(ConnectionManager::new(url))
}

impl Store {
    fn new(place: &Place) -> Self {
        let pool = pool(&place.url, POOL_SIZE, "");
        Self { pool, gate: Gate::new(RUNNING_MAX, WAITING_MAX), key: place.key.clone() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// One statement by itself: no message for a transaction around it.
    Glance,
    Read,
    Write,
}

impl Db {
    /// Pools for these places. Connections are made when first needed.
    #[must_use]
    pub fn new(directory: Place, departments: impl IntoIterator<Item = (Department, Place)>) -> Self {
        Self {
            directory: Store::new(&directory),
            departments: Arc::new(departments.into_iter().map(|(code, place)| (code, Store::new(&place))).collect()),
            clock_offset_seconds: Arc::default(),
        }
    }

    /// The departments the service runs for, in order.
    pub fn departments(&self) -> impl Iterator<Item = Department> + '_ {
        self.departments.keys().copied()
    }

    /// Moves the clock that every later transaction sees. For tests: the service never calls it.
    pub fn advance_clock(&self, by: TimeDelta) {
        self.clock_offset_seconds.fetch_add(by.num_seconds(), Ordering::SeqCst);
    }

    /// The server's clock, moved as the databases' are.
    #[must_use]
    pub fn server_now(&self) -> DateTime<Utc> {
        let now = kernel::time::server_now();
        now.checked_add_signed(self.clock_offset()).unwrap_or(now)
    }

    /// Commits what `work` did in a department, or nothing of it.
    pub async fn write<T, F>(&self, department: Department, caller: &Caller, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.run(self.store(department)?, department, Mode::Write, caller, work).await
    }

    /// Reads in a department; the database refuses a write.
    pub async fn read<T, F>(&self, department: Department, caller: &Caller, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.run(self.store(department)?, department, Mode::Read, caller, work).await
    }

    /// Commits what `work` did in the directory, or nothing of it.
    pub async fn directory_write<T, F>(&self, caller: &Caller, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut DirectoryTx<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.run(&self.directory, Directory, Mode::Write, caller, work).await
    }

    /// Reads in the directory; the database refuses a write.
    pub async fn directory_read<T, F>(&self, caller: &Caller, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut DirectoryTx<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.run(&self.directory, Directory, Mode::Read, caller, work).await
    }

    /// One look-up in the directory, outside a transaction: what the check of every token costs is one round trip.
    pub async fn directory_glance<T, F>(&self, caller: &Caller, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut DirectoryTx<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.run(&self.directory, Directory, Mode::Glance, caller, work).await
    }

    /// The same for those who have a thread of their own and may block it.
    pub fn directory_glance_blocking<T>(
        &self,
        caller: &Caller,
        work: impl Fn(&mut DirectoryTx<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        in_transaction(&self.directory, Directory, Mode::Glance, caller, self.clock_offset(), &work)
    }

    /// Connections of the ledger's own to that place: money does not wait behind web pages, nor they behind it.
    #[must_use]
    pub fn ledger_store(&self, place: &Place, connections: u32) -> LedgerStore {
        let pool = pool(&place.url, connections, "set app.kind = 'ledger'");
        LedgerStore { pool, clock_offset_seconds: Arc::clone(&self.clock_offset_seconds) }
    }

    /// What fingerprints and seals in a department's database are made with.
    pub fn key(&self, department: Department) -> Result<&MasterKey, Error> {
        Ok(&self.store(department)?.key)
    }

    fn clock_offset(&self) -> TimeDelta {
        TimeDelta::seconds(self.clock_offset_seconds.load(Ordering::SeqCst))
    }

    /// Whether every database answers. For the readiness probe, which has little patience: the first that does not tells enough.
    pub async fn is_ready(&self, caller: &Caller) -> bool {
        if self.directory_read(caller, |tx| tx.now().map(drop)).await.is_err() {
            return false;
        }
        for department in self.departments.keys() {
            if self.read(*department, caller, |tx| tx.now().map(drop)).await.is_err() {
                return false;
            }
        }
        true
    }

    fn store(&self, department: Department) -> Result<&Store, Error> {
        self.departments.get(&department).ok_or(Error::Refused(Refusal::NotFound))
    }

    async fn run<P, T, F>(&self, store: &Store, place: P, mode: Mode, caller: &Caller, work: F) -> Result<T, Error>
    where
        P: Copy + Send + 'static,
        T: Send + 'static,
        F: Fn(&mut Transaction<'_, P>) -> Result<T, Error> + Send + 'static,
    {
        let (store, caller, span) = (store.clone(), caller.clone(), tracing::Span::current());
        let clock_offset = self.clock_offset();
        let gate = store.gate.clone();
        gate.run(move || span.in_scope(|| in_transaction(&store, place, mode, &caller, clock_offset, &work))).await?
    }
}

fn in_transaction<P: Copy, T>(
    store: &Store,
    place: P,
    mode: Mode,
    caller: &Caller,
    clock_offset: TimeDelta,
    work: &impl Fn(&mut Transaction<'_, P>) -> Result<T, Error>,
) -> Result<T, Error> {
    let begin = begin_sql(mode, &caller.actor, clock_offset);
    let mut tries_left = TRIES;
    let mut dead_connections_left = POOL_SIZE;
    loop {
        let mut conn = store.pool.get().map_err(|_| Error::Later(Refusal::Unavailable, 2))?;
        let conn: &mut PgConnection = &mut conn;
        let opened = match mode {
            Mode::Glance => Ok(()),
            Mode::Read | Mode::Write => AnsiTransactionManager::begin_transaction_sql(conn, &begin),
        };
        if let Err(error) = opened {
            // Nothing was done yet: a connection that died in the pool (restart, failover) may be replaced.
            AnsiTransactionManager::transaction_manager_status_mut(conn).set_in_error();
            if dead_connections_left == 0 || !is_connection_loss(&error) {
                return Err(error.into());
            }
            dead_connections_left = dead_connections_left.saturating_sub(1);
            continue;
        }
        let mut tx = Transaction { conn: &mut *conn, caller, place, key: &store.key, clock_offset, now: None };
        if mode == Mode::Glance {
            match work(&mut tx) {
                // A glance changes nothing: on a dead connection it may look again through another one.
                Err(Error::Later(Refusal::Unavailable, _)) if dead_connections_left > 0 => {
                    AnsiTransactionManager::transaction_manager_status_mut(conn).set_in_error();
                    dead_connections_left = dead_connections_left.saturating_sub(1);
                    continue;
                }
                done => return done,
            }
        }
        let done = work(&mut tx).and_then(|value| {
            AnsiTransactionManager::commit_transaction(&mut *conn)?;
            Ok(value)
        });
        let Err(error) = done else { return done };
        // After a failed commit there may be nothing left to roll back.
        if AnsiTransactionManager::rollback_transaction(conn).is_err() {
            tracing::debug!("nothing to roll back");
        }
        match error {
            Error::Retry(_) if tries_left > 1 => tries_left = tries_left.saturating_sub(1),
            error => return Err(error),
        }
    }
}

fn is_connection_loss(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, _)
        | DieselError::BrokenTransactionManager => true,
        DieselError::DatabaseError(_, info) => {
            ["terminating connection", "server closed the connection", "no connection to the server"]
                .iter()
                .any(|sign| info.message().contains(sign))
        }
        _ => false,
    }
}

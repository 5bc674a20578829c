//! A private PostgreSQL, run with the machine's own programs: what the demonstration and the tests stand on.
//!
//! It listens on no port, only on a socket in a folder that its owner alone may enter. That folder, not a password, is the
//! lock, so whoever gets in is believed to be whom he says (`trust`). It outlives the process that started it; see
//! [`Cluster::stop_with_this_process`].

mod owner;
mod programs;

use crate::kernel::crypto;
use anyhow::{Context, Result, bail};
use data_encoding::HEXLOWER;
use diesel::{Connection, PgConnection};
use owner::Owner;
use programs::Programs;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

/// Owner of everything in the cluster; the service itself never signs in as it.
pub const SUPERUSER: &str = "passplus_superuser";

/// How long a server may take to start or stop: a recovery after a power cut reads up to 4 GB of journal.
const PATIENCE_SECONDS: u16 = 120;

/// What a power cut may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that was acknowledged.
    Durable,
    /// Everything: for tests only.
    Fast,
}

impl Durability {
    const fn initdb_options(self) -> &'static [&'static str] {
        match self {
            Self::Durable => &["--data-checksums"],
            Self::Fast => &["--no-sync"],
        }
    }

    const fn settings(self) -> &'static [&'static str] {
        match self {
            // The wallets of a department fit in the buffers.
            Self::Durable => &["max_connections=200", "shared_buffers=512MB", "min_wal_size=1GB", "max_wal_size=4GB"],
            Self::Fast => &[
                "max_connections=300",
                "shared_buffers=128MB",
                "max_wal_size=4GB",
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
                "autovacuum=off",
            ],
        }
    }
}

/// Settings of every cluster. What an error quotes (the statement, the offending key) is personal data and stays out of the
/// log; just-in-time compilation costs short queries more than it gives.
const SETTINGS: [&str; 8] = [
    "listen_addresses=''",
    "port=5432",
    "unix_socket_permissions=0700",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_error_verbosity=terse",
    "log_min_error_statement=panic",
    "jit=off",
];

/// A PostgreSQL cluster in a folder of its own.
#[derive(Debug)]
pub struct Cluster {
    programs: Programs,
    owner: Owner,
    /// Holds `cluster/` and `server.log`.
    data: PathBuf,
    socket: PathBuf,
}

impl Cluster {
    /// Finds the programs and takes the data folder; nothing runs yet.
    pub fn open(data: &Path) -> Result<Self> {
        let owner = Owner::find()?;
        owner.take_data_folder(data)?;
        let data = fs::canonicalize(data)?;
        let programs = Programs::find(major_of(&data.join("cluster"))).with_context(|| data.display().to_string())?;
        // A socket's path holds 107 bytes at most (macOS: 103), so it has a short place of its own, the same for every
        // process: `TMPDIR` is not asked.
        let name: String =
            HEXLOWER.encode(&crypto::sha256(data.as_os_str().as_encoded_bytes())).chars().take(12).collect();
        let socket = Path::new("/tmp").join(format!("passplus-{name}"));
        Ok(Self { programs, owner, data, socket })
    }

    /// Makes the cluster if it is not there and starts it if it does not run. One that runs keeps the durability it has.
    pub fn start(&self, durability: Durability) -> Result<()> {
        let _one_at_a_time = self.lock()?;
        self.owner.take_socket_folder(&self.socket)?;
        self.settle()?;
        if self.running() {
            return Ok(());
        }
        if !self.cluster().exists() {
            self.create(durability)?;
        }
        let settings: Vec<String> =
            SETTINGS.iter().chain(durability.settings()).map(|setting| format!("-c {setting}")).collect();
        let mut start = self.command("pg_ctl");
        start.arg("start").arg("-D").arg(self.cluster()).arg("-l").arg(self.log());
        start.args(["-w", "-s", "-t", &PATIENCE_SECONDS.to_string()]);
        start.arg("-o").arg(format!("-k '{}' {}", self.socket.display(), settings.join(" ")));
        programs::run(start).with_context(|| format!("PostgreSQL did not start; its log ends with\n{}", self.log_end()))
    }

    /// Ends the server after its open transactions are rolled back. Stopping what does not run is no error.
    pub fn stop(&self) -> Result<()> {
        let _one_at_a_time = self.lock()?;
        self.settle()?;
        if self.running() {
            programs::run(self.stop_command())?;
        }
        Ok(fs::remove_dir(&self.socket).or_else(absent_is_fine)?)
    }

    /// Leaves a guard that stops the server when it is dropped or when this process has ended, whichever way: the values of
    /// statics are never dropped, and a kill lets no code run.
    pub fn stop_with_this_process(&self) -> Result<Tether> {
        let stop = self.stop_command();
        let mut watch = self.command("/bin/sh");
        // The read ends when the other end of the pipe closes, and that end is ours alone.
        watch.args(["-c", "read -r line; \"$@\"; rmdir \"$0\""]).arg(&self.socket);
        watch.arg(stop.get_program()).args(stop.get_args());
        watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Tether(watch.spawn().context("/bin/sh does not start")?))
    }

    /// Whether the server answers.
    pub fn running(&self) -> bool {
        self.socket.join(".s.PGSQL.5432").exists() && PgConnection::establish(&self.url(SUPERUSER, "postgres")).is_ok()
    }

    /// Where `user` finds `database`; both are plain identifiers.
    #[must_use]
    pub fn url(&self, user: &str, database: &str) -> String {
        let host = self.socket.to_string_lossy().replace('/', "%2F");
        format!("postgresql://{user}@/{database}?host={host}&port=5432")
    }

    /// Runs one of PostgreSQL's own clients against the cluster, with these arguments, and gives back what it prints.
    pub fn client(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let mut client = self.command(program);
        client.arg("-h").arg(&self.socket).args(["-p", "5432"]).args(arguments);
        programs::output(client)
    }

    /// Waits for a server that is on its way up or down. One that was killed leaves its number behind, which may be another
    /// process's by now or that of a dead one nobody has buried (in a container both happen): PostgreSQL would then refuse
    /// to start.
    fn settle(&self) -> Result<()> {
        let notes = [self.cluster().join("postmaster.pid"), self.socket.join(".s.PGSQL.5432.lock")];
        for _ in 0..PATIENCE_SECONDS.saturating_mul(10) {
            if !notes.iter().any(|note| note.exists()) || self.running() {
                return Ok(());
            }
            match inhabited(&self.cluster()) {
                Some(true) => thread::sleep(Duration::from_millis(100)),
                Some(false) => {
                    return Ok(notes.iter().try_for_each(|note| fs::remove_file(note).or_else(absent_is_fine))?);
                }
                None => return Ok(()),
            }
        }
        bail!("a PostgreSQL runs on {} and does not answer; its log ends with\n{}", self.data.display(), self.log_end())
    }

    /// Builds the cluster beside its place and moves it there when it is whole: a start that was cut short leaves nothing
    /// that looks finished. The C collation does not change with the system's libraries; texts are sorted by name where
    /// people read them.
    fn create(&self, durability: Durability) -> Result<()> {
        let unfinished = self.data.join("cluster.new");
        fs::remove_dir_all(&unfinished).or_else(absent_is_fine)?;
        let mut initdb = self.command("initdb");
        initdb.arg("-D").arg(&unfinished);
        initdb
            .args(["-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--no-locale"])
            .args(durability.initdb_options());
        programs::run(initdb)?;
        fs::rename(&unfinished, self.cluster())?;
        if durability == Durability::Durable {
            File::open(&self.data)?.sync_all()?;
        }
        Ok(())
    }

    fn stop_command(&self) -> Command {
        let mut stop = self.command("pg_ctl");
        stop.arg("stop").arg("-D").arg(self.cluster());
        stop.args(["-m", "fast", "-w", "-s", "-t", &PATIENCE_SECONDS.to_string()]);
        stop
    }

    fn command(&self, program: &str) -> Command {
        self.owner.applied(self.programs.command(program))
    }

    /// Two processes may start the same cluster at the same moment. The lock ends with the file that is given back.
    fn lock(&self) -> Result<File> {
        let folder = File::open(&self.data)?;
        folder.lock().with_context(|| format!("{} cannot be locked", self.data.display()))?;
        Ok(folder)
    }

    fn cluster(&self) -> PathBuf {
        self.data.join("cluster")
    }

    fn log(&self) -> PathBuf {
        self.data.join("server.log")
    }

    fn log_end(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(8)..).unwrap_or_default().join("\n")
    }
}

/// While it lives, the server does; see [`Cluster::stop_with_this_process`].
#[derive(Debug)]
pub struct Tether(Child);

impl Drop for Tether {
    fn drop(&mut self) {
        // `wait` closes the pipe first.
        drop(self.0.wait());
    }
}

/// The major version that made the cluster, if there is one.
fn major_of(cluster: &Path) -> Option<u32> {
    fs::read_to_string(cluster.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// Whether a process of a PostgreSQL works in that folder, as all of them do; unknown where the system does not say.
fn inhabited(cluster: &Path) -> Option<bool> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let lives_here = |process: &Path| {
        fs::read_link(process.join("cwd")).is_ok_and(|folder| folder == cluster)
            && fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim() == "postgres")
    };
    Some(fs::read_dir("/proc").ok()?.flatten().any(|entry| lives_here(&entry.path())))
}

fn absent_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::{RunQueryDsl, select, sql_types::Integer};
    use std::os::unix::fs::PermissionsExt;

    /// A folder that the owner of a cluster can reach also when the tests run as root.
    fn reachable_folder() -> io::Result<tempfile::TempDir> {
        tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o711)).tempdir_in("/tmp")
    }

    #[test]
    fn a_cluster_starts_answers_and_stops() -> Result<()> {
        let folder = reachable_folder()?;
        let cluster = Cluster::open(&folder.path().join("postgres"))?;
        assert!(!cluster.running());
        cluster.start(Durability::Fast)?;
        let tether = cluster.stop_with_this_process()?;

        let mut connection = PgConnection::establish(&cluster.url(SUPERUSER, "postgres"))?;
        let one: i32 = select(diesel::dsl::sql::<Integer>("1")).get_result(&mut connection)?;
        assert_eq!(one, 1);

        cluster.start(Durability::Fast)?;
        let again: i32 = select(diesel::dsl::sql::<Integer>("1")).get_result(&mut connection)?;
        assert_eq!(again, 1, "a second start leaves the first server alone");

        cluster.stop()?;
        assert!(!cluster.running());
        cluster.stop()?;

        // As if killed: the number left behind is that of a living process of the same user.
        let mut sleeper = cluster.command("/bin/sleep").arg("60").spawn()?;
        let note = format!("{}\n{}\n0\n5432\n\n\n", sleeper.id(), cluster.cluster().display());
        cluster.owner.take_socket_folder(&cluster.socket)?;
        fs::write(cluster.cluster().join("postmaster.pid"), &note)?;
        fs::write(cluster.socket.join(".s.PGSQL.5432.lock"), &note)?;
        cluster.start(Durability::Fast)?;
        sleeper.kill()?;
        sleeper.wait()?;
        assert!(cluster.running());

        drop(tether);
        assert!(!cluster.running() && !cluster.socket.exists());
        Ok(())
    }

    #[test]
    fn callers_who_start_at_once_share_one_server() -> Result<()> {
        let folder = reachable_folder()?;
        let cluster = Cluster::open(folder.path())?;
        let _tether = cluster.stop_with_this_process()?;
        thread::scope(|scope| {
            let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| cluster.start(Durability::Fast))).collect();
            starts.into_iter().try_for_each(|start| start.join().unwrap_or_else(|_| bail!("a start panicked")))
        })?;
        assert!(cluster.running());
        cluster.stop()
    }
}

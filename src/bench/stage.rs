//! Where a benchmark plays: a private, durable PostgreSQL in a folder that is removed afterwards, and the service as a process of its
//! own, so that its memory is nobody else's.

use crate::{
    admin,
    config::Config,
    db::Db,
    embedded::{Cluster, Durability, SUPERUSER, Tether},
    kernel::{crypto::random_token, department::Department},
    migrate::{self, Schema},
};
use anyhow::{Context, bail, ensure};
use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::BigInt,
};
use std::{
    fs::{self, File, Permissions},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};
use tempfile::TempDir;

/// The one department of a benchmark.
const DEPARTMENT: &str = "92";

/// The `n` that a query tells.
pub fn number(conn: &mut PgConnection, sql: &str) -> anyhow::Result<i64> {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    let row: Number = sql_query(sql).get_result(conn)?;
    Ok(row.n)
}

/// Has the disk write what it still holds back.
pub fn sync() -> anyhow::Result<()> {
    ensure!(Command::new("sync").status()?.success(), "the disk does not take what was written");
    Ok(())
}

/// The databases and the configuration that leads to them.
pub struct Stage {
    pub config: Config,
    pub cluster: Cluster,
    pub department: Department,
    environment: Vec<(String, String)>,
    // In this order: PostgreSQL stops before its folder goes.
    _tether: Tether,
    folder: TempDir,
}

impl Stage {
    /// Starts PostgreSQL and makes the databases, in a new folder inside `parent`.
    pub fn open(parent: &Path) -> anyhow::Result<Self> {
        // As root the cluster belongs to another user, who must be able to walk in.
        let open = Permissions::from_mode(0o711);
        let folder = tempfile::Builder::new().prefix("passplus-bench-").permissions(open).tempdir_in(parent)?;
        let cluster = Cluster::open(&folder.path().join("postgres"))?;
        cluster.start(Durability::Durable)?;
        let tether = cluster.stop_with_this_process()?;
        let department = DEPARTMENT.parse().map_err(|reason: String| anyhow::anyhow!(reason))?;
        let environment = environment(&cluster, folder.path(), department)?;
        let config = Config::read(&|name| environment.iter().find(|(known, _)| known == name).map(|(_, v)| v.clone()))?;
        Ok(Self { config, cluster, department, environment, _tether: tether, folder })
    }

    /// The databases as the service's own code reaches them, without a service.
    #[must_use]
    pub fn db(&self) -> Db {
        let places = self.config.departments.iter().map(|department| (department.code, department.place.clone()));
        Db::new(self.config.directory.clone(), places)
    }

    /// Has all that was seeded written to the disk: it would slow every commit of the first figures.
    pub fn settle(&self) -> anyhow::Result<()> {
        self.connect(self.department_schema())?.batch_execute("checkpoint")?;
        sync()
    }

    /// For the files of a run. PostgreSQL's user may walk through it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Schema of the department's database.
    #[must_use]
    pub const fn department_schema(&self) -> Schema {
        Schema::Department(self.department)
    }

    /// The superuser's connection to one of the two databases.
    pub fn connect(&self, schema: Schema) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::establish(&self.cluster.url(SUPERUSER, &schema.stem()))?)
    }

    /// Starts that program's server and waits until it is ready.
    pub async fn serve(&self, program: &Path) -> anyhow::Result<Server> {
        let log = self.folder().join("service.log");
        let out = File::create(&log)?;
        let mut command = Command::new(program);
        command.arg("serve").env_clear().envs(self.environment.clone()).stderr(out.try_clone()?).stdout(out);
        let mut server = Server { child: command.spawn().context("the service does not start")?, log };
        for _ in 0..100 {
            if let Some(status) = server.child.try_wait()? {
                bail!("the service ended ({status}):\n{}", server.said());
            }
            if admin::health(self.config.listen).await.is_ok() {
                return Ok(server);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("the service does not get ready:\n{}", server.said())
    }
}

/// The service's process; it ends with this value.
pub struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Memory it holds now, in MB.
    pub fn memory_mb(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS")).context("no VmRSS")?;
        let kib: u64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
        Ok(kib / 1024)
    }

    /// What it wrote in its log.
    #[must_use]
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What an operator would set: databases made and migrated, ports that are free now, a key for each place.
fn environment(cluster: &Cluster, folder: &Path, department: Department) -> anyhow::Result<Vec<(String, String)>> {
    let port = || anyhow::Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?);
    let (listen, metrics) = (port()?, port()?);
    let mut environment = vec![
        ("PASSPLUS_LISTEN".to_owned(), listen.to_string()),
        ("PASSPLUS_METRICS_LISTEN".to_owned(), metrics.to_string()),
        ("PASSPLUS_PUBLIC_URL".to_owned(), format!("http://{listen}")),
        ("PASSPLUS_MAIL_FOLDER".to_owned(), folder.join("letters").display().to_string()),
        ("PASSPLUS_DEPARTMENTS".to_owned(), department.to_string()),
        // Tills have an address each, as in reality: sign-ins are counted by address.
        ("PASSPLUS_TRUSTED_PROXIES".to_owned(), listen.ip().to_string()),
        ("PASSPLUS_LOG".to_owned(), "warn".to_owned()),
    ];
    let places = [
        (Schema::Directory, "DIRECTORY".to_owned()),
        (Schema::Department(department), format!("DEPARTMENT_{department}")),
    ];
    for (schema, name) in places {
        let database = schema.stem();
        PgConnection::establish(&cluster.url(SUPERUSER, "postgres"))?
            .batch_execute(&format!("create database {database}"))?;
        migrate::migrate(&cluster.url(SUPERUSER, &database), schema)?;
        environment.push((format!("PASSPLUS_{name}_URL"), cluster.url(&schema.app(), &database)));
        environment.push((format!("PASSPLUS_{name}_KEY"), random_token()));
    }
    Ok(environment)
}

//! What is killed, and how it comes back.

use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_types};
use passplus::{
    bench::stage::{Server, Stage},
    embedded::Durability,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{fs, path::Path, time::Duration};

/// What a `kill -9` meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// The service's process.
    Server,
    /// A process of PostgreSQL that serves the service: the others end with it, and PostgreSQL recovers by itself.
    Backend,
    /// All of PostgreSQL; somebody starts it again.
    Postmaster,
}

/// The service on its stage, and what happens to both.
pub struct Running {
    pub stage: Stage,
    server: Option<Server>,
}

impl Running {
    pub async fn start(stage: Stage) -> Self {
        let server = Some(serve(&stage).await);
        Self { stage, server }
    }

    pub fn strike(&mut self, blow: Blow, dice: &mut fastrand::Rng) {
        match blow {
            // A server that is dropped is killed.
            Blow::Server => drop(self.server.take()),
            Blow::Backend => {
                let pids = self.backends();
                kill(pids[dice.usize(..pids.len())]);
            }
            Blow::Postmaster => self.processes().into_iter().for_each(kill),
        }
    }

    /// Starts again what does not start by itself.
    pub async fn recover(&mut self) {
        if self.server.is_none() {
            self.server = Some(serve(&self.stage).await);
        }
        tokio::task::block_in_place(|| self.stage.cluster.start(Durability::Durable)).unwrap();
    }

    /// The superuser's connection, as soon as PostgreSQL lets anybody in.
    pub async fn superuser(&self) -> PgConnection {
        for _ in 0..600 {
            if let Ok(conn) = self.stage.connect(self.stage.department_schema()) {
                return conn;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("PostgreSQL does not come back")
    }

    /// What the service wrote in its log.
    pub fn said(&self) -> String {
        self.server.as_ref().map(Server::said).unwrap_or_default()
    }

    /// Processes of PostgreSQL that the service talks to in the department's database.
    fn backends(&self) -> Vec<i32> {
        #[derive(QueryableByName)]
        struct Backend {
            #[diesel(sql_type = sql_types::Integer)]
            pid: i32,
        }
        let schema = self.stage.department_schema();
        let sql = format!("select pid from pg_stat_activity where usename = '{}' order by pid", schema.app());
        let rows: Vec<Backend> = diesel::sql_query(sql).load(&mut self.stage.connect(schema).unwrap()).unwrap();
        rows.into_iter().map(|row| row.pid).collect()
    }

    /// Every process of the private PostgreSQL: all of them work in its folder. The postmaster, the oldest, comes first: who starts the
    /// others again.
    fn processes(&self) -> Vec<i32> {
        let cluster = fs::canonicalize(self.stage.folder().join("postgres/cluster")).unwrap();
        let lives_there = |process: &Path| fs::read_link(process.join("cwd")).is_ok_and(|folder| folder == cluster);
        let pid = |process: &Path| process.file_name()?.to_str()?.parse().ok();
        let all = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        let mut pids: Vec<i32> =
            all.filter(|process| lives_there(process)).filter_map(|process| pid(&process)).collect();
        let postmaster = fs::read_to_string(cluster.join("postmaster.pid")).unwrap();
        let postmaster: i32 = postmaster.lines().next().unwrap().trim().parse().unwrap();
        pids.sort_by_key(|pid| (*pid != postmaster, *pid));
        pids
    }
}

async fn serve(stage: &Stage) -> Server {
    stage.serve(Path::new(env!("CARGO_BIN_EXE_passplus"))).await.unwrap()
}

fn kill(pid: i32) {
    // What has ended meanwhile needs no killing.
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).ok();
}

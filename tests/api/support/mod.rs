//! The harness: one private PostgreSQL a test run, migrated template databases cloned for each test, the real server on a free
//! port, and one client per kind of caller.

mod age;
mod authorities;
mod books;
mod client;
mod guests;
mod logs;
mod people;
mod postgres;
mod sabotage;
mod scene;
mod sql;
mod treasury;

pub use age::AgeKey;
pub use authorities::{
    Authorities, Given, Household, cases, config as particulier, households, impot_config, question, quotients,
};
pub use books::Books;
pub use client::{Answer, Api, description};
pub use logs::{Lines, told};
pub use people::{Agent, Family, Pupil, Secretary, Till, World, debit, key, siret};
pub use postgres::{Databases, OwnCluster, server_log, superuser_url};
pub use sabotage::sabotage;
pub use scene::{Scene, ago, days, field_at_fault, forged, without_instance};
pub use sql::call;
pub use treasury::{Treasury, pain002, server_of, valid_pain001};

use passplus::{
    app::{self, App},
    config::{Config, DepartmentConfig, MailConfig},
    db::{Place, Tx},
    error::Error,
    kernel::crypto::MasterKey,
    mail::Mailer,
    migrate::Schema,
    worker,
};
use std::{
    net::TcpListener,
    path::PathBuf,
    sync::{Arc, Mutex},
};

/// Season of most tests, and the school year it belongs to.
pub const SEASON: &str = "2026-2027";
/// Collèges known to every test: two of 92, one of 78, and a private one outside contract of 92.
pub const COLLEGE: &str = "0920001B";
pub const OTHER_COLLEGE: &str = "0920002C";
pub const COLLEGE_78: &str = "0780001C";
/// A collège of Ille-et-Vilaine, which does not run the service: known once an administrator has imported its neighbours.
pub const OUTSIDE_COLLEGE: &str = "0352958A";
/// Password of everybody.
pub const PASSWORD: &str = "Caf3-du-Port-2026";

/// A running service on databases of its own.
pub struct Service {
    pub api: Api,
    pub app: App,
    pub config: Config,
    pub letters: PathBuf,
    mailer: Mailer,
    servers: Mutex<Vec<actix_web::dev::ServerHandle>>,
    _folder: Arc<tempfile::TempDir>,
    pub databases: Databases,
}

impl Service {
    /// Two departments, as configured by default.
    pub async fn start() -> Self {
        Self::start_for(&[("92", "Hauts-de-Seine"), ("78", "Yvelines")]).await
    }

    /// Those departments.
    pub async fn start_for(departments: &[(&str, &str)]) -> Self {
        Self::start_with(departments, |_| {}).await
    }

    /// Those departments, configured otherwise than most.
    pub async fn start_with(departments: &[(&str, &str)], configure: impl FnOnce(&mut Config)) -> Self {
        logs::listen();
        let schemas: Vec<Schema> = std::iter::once(Schema::Directory)
            .chain(departments.iter().map(|(code, _)| Schema::Department(code.parse().unwrap())))
            .collect();
        let databases = postgres::clone_for(schemas).await;
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let place = |schema: Schema, seed: u8| Place { url: databases.url(schema), key: MasterKey::new([seed; 32]) };
        let mut config = Config {
            listen: address,
            metrics_listen: address,
            public_url: format!("http://{address}"),
            cors_origins: vec!["https://familles.example".to_owned()],
            mail: MailConfig::Folder(folder.path().join("letters")),
            mail_from: "Pass+ <ne-pas-repondre@passplus.example>".to_owned(),
            trusted_proxies: vec![],
            directory: place(Schema::Directory, 1),
            departments: departments
                .iter()
                .zip(2_u8..)
                .map(|((code, name), seed)| {
                    let code = code.parse().unwrap();
                    DepartmentConfig {
                        code,
                        name: (*name).to_owned(),
                        place: place(Schema::Department(code), seed),
                        particulier: None,
                        impot: None,
                    }
                })
                .collect(),
            demo: false,
        };
        configure(&mut config);
        let app = App::new(&config);
        // Every test begins on the same autumn morning, whatever the day it runs.
        let begins: chrono::DateTime<chrono::Utc> = "2026-10-15T08:00:00Z".parse().unwrap();
        app.db.advance_clock(begins.signed_duration_since(app.db.server_now()));
        for code in app.departments.keys() {
            let caller = passplus::kernel::actor::Caller::system();
            app.db.write(*code, &caller, passplus::cards::ensure_key).await.unwrap();
        }
        let server = app::server(app.clone(), listener, Some(1)).unwrap();
        let handle = server.handle();
        tokio::spawn(server);
        let letters = folder.path().join("letters");
        let mailer = passplus::serve::mailer(&config).unwrap();
        let api = Api::new(&config.public_url);
        let servers = Mutex::new(vec![handle]);
        Self { api, app, config, letters, mailer, servers, _folder: folder, databases }
    }

    /// A second server on the same databases and clock, under the same public address; it knows nothing of what the first keeps in
    /// memory.
    pub fn second_server(&self) -> Api {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = App { keys: passplus::auth::keys::KeyRing::default(), ..self.app.clone() };
        let server = app::server(app, listener, Some(1)).unwrap();
        self.servers.lock().unwrap().push(server.handle());
        tokio::spawn(server);
        Api::new(&base)
    }

    /// URL of the superuser on one of its databases.
    pub fn superuser_url(&self, schema: Schema) -> String {
        superuser_url(self.databases.name(schema))
    }

    /// Moves the service's clock and the databases'.
    pub fn advance(&self, by: chrono::TimeDelta) {
        self.app.db.advance_clock(by);
    }

    /// Another process, in effect: a server with pools and keys of its own on the same databases. It keeps the clock of this moment.
    pub fn other_process(&self) -> Api {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = App::new(&self.config);
        app.db.advance_clock(self.app.db.server_now().signed_duration_since(app.db.server_now()));
        let server = app::server(app, listener, Some(1)).unwrap();
        self.servers.lock().unwrap().push(server.handle());
        tokio::spawn(server);
        Api::new(&base)
    }

    /// A department's database as its superuser sees it: for what only an operator or an intruder does, and to count.
    pub fn superuser(&self, department: &str) -> diesel::PgConnection {
        let name = self.databases.name(Schema::Department(department.parse().unwrap()));
        diesel::Connection::establish(&superuser_url(name)).unwrap()
    }

    /// A department's database with the server's own role and no caller yet.
    pub fn app_role(&self, department: &str) -> diesel::PgConnection {
        diesel::Connection::establish(&self.databases.url(Schema::Department(department.parse().unwrap()))).unwrap()
    }

    /// What the worker does each minute of one sort of thing, until none is left. Returns how many there were.
    pub async fn repeat(&self, batch: fn(&mut Tx<'_>) -> Result<usize, Error>) -> usize {
        worker::until_nothing_is_left(&self.app.db, batch, "a batch fails").await
    }

    /// Works off every job that is due.
    pub async fn work_off(&self) {
        while worker::work_off(&self.app.db, &self.mailer).await > 0 {}
    }

    /// Letters sent to an address, oldest first, as subject and body.
    pub async fn letters_to(&self, email: &str) -> Vec<(String, String)> {
        self.work_off().await;
        let Ok(files) = std::fs::read_dir(&self.letters) else { return vec![] };
        let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        paths.sort();
        let texts = paths.into_iter().map(|path| std::fs::read_to_string(path).unwrap());
        texts
            .filter(|text| text.starts_with(&format!("To: {email}\n")))
            .map(|text| {
                let (head, body) = text.split_once("\n\n").unwrap();
                (head.split_once("Subject: ").unwrap().1.to_owned(), body.to_owned())
            })
            .collect()
    }

    /// The secret of the newest link sent to an address.
    pub async fn link(&self, email: &str) -> String {
        let letters = self.letters_to(email).await;
        let (_, body) = letters.iter().rev().find(|(_, body)| body.contains('#')).expect("a letter with a link");
        body.split_once('#').unwrap().1.split_whitespace().next().unwrap().to_owned()
    }
}

impl Books {
    /// Those of 92.
    pub fn read(service: &Service) -> Self {
        Self::of(&mut service.superuser("92"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // The listener goes at once; requests of a finished test interest nobody.
        for server in self.servers.lock().unwrap().iter() {
            drop(server.stop(false));
        }
    }
}

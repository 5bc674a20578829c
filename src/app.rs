//! The service put together: what every handler reaches, the middlewares in their order, start and graceful stop.

use crate::{
    auth::{actor::authenticate, identities::Identities, keys::KeyRing, tokens::Verified},
    canteen::reduced_rates::Inquiries,
    cards::refused::Lists,
    config::Config,
    db::Db,
    error::{Error, Refusal},
    gates::Gate,
    http::{cors::cors, observe::observe, openapi, page},
    kernel::department::Department,
    ledger::lane::Lanes,
};
use actix_web::{App as ActixApp, HttpServer, dev::Server, middleware::from_fn, web};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

/// Web threads; the heavy work runs elsewhere.
const WORKERS: usize = 2;
/// How long running requests may take once the service was told to stop.
const STOP_SECONDS: u64 = 15;
/// An idle connection is kept longer than clients and proxies keep theirs (60 to 90 s): who closes first risks cutting a request that is
/// just being sent on it.
const KEEP_ALIVE: Duration = Duration::from_secs(120);
/// A client that sends its request slower than this is let go.
const SLOW_CLIENT: Duration = Duration::from_secs(10);

/// What every handler reaches.
#[derive(Clone)]
pub struct App {
    pub db: Db,
    pub keys: KeyRing,
    pub tokens: Verified,
    pub identities: Identities,
    pub ledger: Lanes,
    pub refused_cards: Lists,
    /// Argon2 takes 19 MiB and 30 ms of a core each: two at a time.
    pub passwords: Gate,
    /// Decoding a portrait takes 15 MB, or 160 for the worst that is admitted: two at a time.
    pub pictures: Gate,
    /// Reading a roster of a department takes up to 150 MB and some seconds: one at a time.
    pub rosters: Gate,
    /// Lists of the day for the canteen's gates: all of them ask in the same minutes of a morning.
    pub gate_lists: Gate,
    /// Address of the service as its users see it, without trailing slash.
    pub public_url: Arc<str>,
    pub departments: Arc<BTreeMap<Department, String>>,
    /// Those that ask the State about pupils.
    pub asking: Arc<BTreeSet<Department>>,
    /// Questions that wait for the tax administration, in this process alone.
    pub inquiries: Inquiries,
    pub trusted_proxies: Arc<[IpAddr]>,
    pub cors_origins: Arc<[String]>,
}

impl App {
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let departments = config.departments.iter().map(|d| (d.code, d.place.clone()));
        let db = Db::new(config.directory.clone(), departments);
        Self {
            keys: KeyRing::default(),
            tokens: Verified::default(),
            identities: Identities::new(&db),
            ledger: Lanes::new(&db, config.departments.iter().map(|d| (d.code, &d.place))),
            refused_cards: Lists::default(),
            db,
            passwords: Gate::new(2, 64),
            pictures: Gate::new(2, 16),
            rosters: Gate::new(1, 16),
            gate_lists: Gate::new(1, 128),
            public_url: config.public_url.as_str().into(),
            departments: Arc::new(config.departments.iter().map(|d| (d.code, d.name.clone())).collect()),
            asking: Arc::new(config.departments.iter().filter(|d| d.particulier.is_some()).map(|d| d.code).collect()),
            inquiries: Inquiries::new(config.departments.iter().filter(|d| d.impot.is_some()).map(|d| d.code)),
            trusted_proxies: config.trusted_proxies.clone().into(),
            cors_origins: config.cors_origins.clone().into(),
        }
    }

    /// The department of a path, if the service runs for it.
    pub fn department(&self, code: Department) -> Result<Department, Error> {
        self.departments.contains_key(&code).then_some(code).ok_or(Error::Refused(Refusal::NotFound))
    }
}

/// The server on a bound listener. It runs when awaited; its handle stops it gracefully.
pub fn server(app: App, listener: TcpListener, workers: Option<usize>) -> std::io::Result<Server> {
    let description = web::Data::new(openapi::Description::new());
    let server = HttpServer::new(move || {
        let app_data = web::Data::new(app.clone());
        ActixApp::new()
            .app_data(app_data)
            .app_data(description.clone())
            .app_data(web::PathConfig::default().error_handler(|_, _| Error::Refused(Refusal::NotFound).into()))
            .app_data(web::QueryConfig::default().error_handler(|error, _| page::unreadable_query(&error).into()))
            .configure(openapi::configure)
            .default_service(web::to(openapi::no_such_route))
            .wrap(from_fn(authenticate))
            .wrap(cors(&app.cors_origins))
            .wrap(from_fn(observe))
    })
    .workers(workers.unwrap_or(WORKERS))
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(SLOW_CLIENT)
    .shutdown_timeout(STOP_SECONDS)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(server)
}

//! The long-running forms of the process: a server with its worker and its metrics, or a worker alone; and how they stop.

use crate::{
    app::{self, App},
    cards,
    config::{Config, MailConfig},
    fiscal::Administrations,
    kernel::actor::Caller,
    mail::Mailer,
    migrate::{self, Schema},
    worker,
};
use actix_web::{App as ActixApp, HttpResponse, HttpServer, web};
use anyhow::{Context, ensure};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::net::TcpListener;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tracing_subscriber::EnvFilter;

/// Logs for machines: one JSON line each.
pub fn log_as_json() {
    let filter = EnvFilter::try_from_env("PASSPLUS_LOG").unwrap_or_else(|_| EnvFilter::new("info,actix_server=warn"));
    tracing_subscriber::fmt().json().with_env_filter(filter).init();
}

/// Refuses to go on with a configuration or a database that must not serve, with a sentence that says why.
pub fn check(config: &Config) -> anyhow::Result<()> {
    config.check()?;
    migrate::check(&config.directory.url, Schema::Directory)?;
    for department in &config.departments {
        migrate::check(&department.place.url, Schema::Department(department.code))?;
    }
    Ok(())
}

/// The mailer of the configuration.
pub fn mailer(config: &Config) -> anyhow::Result<Mailer> {
    match &config.mail {
        MailConfig::Smtp(url) => Mailer::smtp(url, &config.mail_from),
        MailConfig::Folder(path) => Mailer::folder(path.clone()),
    }
}

/// A server that runs: its address, and how to stop it.
pub struct Running {
    pub app: App,
    pub address: std::net::SocketAddr,
    stop: watch::Sender<bool>,
    server: actix_web::dev::ServerHandle,
    worker: tokio::task::JoinHandle<()>,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Takes no new request, ends those under way, then the worker.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.server.stop(true).await;
        self.stop.send(true).ok();
        self.worker.await?;
        self.serving.await??;
        Ok(())
    }
}

/// Starts server and worker on a bound listener, after the checks.
pub async fn start(config: &Config, listener: TcpListener) -> anyhow::Result<Running> {
    start_app(App::new(config), config, listener).await
}

/// The same for a service that is made already: its clock may have been moved.
pub async fn start_app(app: App, config: &Config, listener: TcpListener) -> anyhow::Result<Running> {
    check(config)?;
    let (caller, mailer, administrations) = (Caller::system(), mailer(config)?, Administrations::new(config)?);
    app.keys.refresh(&app.db, None).await.map_err(|error| {
        anyhow::anyhow!("the signing keys do not open: {error}; is the directory's key the right one?")
    })?;
    for department in app.departments.keys() {
        app.db
            .write(*department, &caller, cards::ensure_key)
            .await
            .map_err(|error| anyhow::anyhow!("department {department}: {error}"))?;
    }
    let address = listener.local_addr()?;
    let server = app::server(app.clone(), listener, None)?;
    let handle = server.handle();
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(worker::run(app.db.clone(), mailer, administrations, app.inquiries.clone(), stopped));
    let serving = tokio::spawn(server);
    Ok(Running { app, address, stop, server: handle, worker, serving })
}

/// Serves until SIGTERM or SIGINT.
pub async fn serve(config: &Config) -> anyhow::Result<()> {
    ensure!(
        config.listen != config.metrics_listen,
        "PASSPLUS_LISTEN and PASSPLUS_METRICS_LISTEN must differ: metrics are not for the public"
    );
    let listener = TcpListener::bind(config.listen).with_context(|| format!("cannot listen on {}", config.listen))?;
    let metrics = serve_metrics(
        TcpListener::bind(config.metrics_listen)
            .with_context(|| format!("cannot listen on {}", config.metrics_listen))?,
    )?;
    let running = start(config, listener).await?;
    tracing::info!(address = %running.address, "serving");
    wait_for_signal().await?;
    tracing::info!("stopping");
    running.stop().await?;
    metrics.stop(false).await;
    Ok(())
}

/// Works off jobs until SIGTERM or SIGINT.
pub async fn work(config: &Config) -> anyhow::Result<()> {
    check(config)?;
    let app = App::new(config);
    let (stop, stopped) = watch::channel(false);
    let (mailer, administrations) = (mailer(config)?, Administrations::new(config)?);
    let worker = tokio::spawn(worker::run(app.db.clone(), mailer, administrations, app.inquiries.clone(), stopped));
    wait_for_signal().await?;
    stop.send(true).ok();
    worker.await?;
    Ok(())
}

/// Waits for the supervisor's or the terminal's word to stop.
pub async fn wait_for_signal() -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Metrics on a listener of their own, which no proxy shows to the outside.
pub fn serve_metrics(listener: TcpListener) -> anyhow::Result<actix_web::dev::ServerHandle> {
    const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
    // Numbers of debits, not seconds.
    let sizes = (Matcher::Full("ledger_batch_debits".to_owned()), [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]);
    let handle =
        PrometheusBuilder::new().set_buckets(BUCKETS)?.set_buckets_for_metric(sizes.0, &sizes.1)?.install_recorder()?;
    let server = HttpServer::new(move || {
        ActixApp::new().app_data(web::Data::new(handle.clone())).route("/metrics", web::get().to(render_metrics))
    })
    .workers(1)
    .disable_signals()
    .listen(listener)?
    .run();
    let stop = server.handle();
    tokio::spawn(server);
    Ok(stop)
}

async fn render_metrics(handle: web::Data<PrometheusHandle>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(handle.render())
}

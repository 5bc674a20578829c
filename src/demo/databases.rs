//! The demonstration's databases on its private PostgreSQL, made when they lack, and the configuration that leads to them.

use crate::{
    config::{Config, DEMO_KEY, DepartmentConfig, FOUNDERS, MailConfig},
    db::Place,
    embedded::{Cluster, SUPERUSER},
    kernel::crypto::MasterKey,
    migrate::{self, Schema},
};
use diesel::{Connection, PgConnection, connection::SimpleConnection, result::Error as DieselError};
use std::{net::SocketAddr, path::Path};

/// Makes and migrates the databases, and returns the configuration of a service on them.
///
/// Databases whose names begin with a prefix are those of a copy, made anew each time.
pub fn prepare(
    cluster: &Cluster,
    prefix: &str,
    data: &Path,
    (listen, metrics_listen): (SocketAddr, SocketAddr),
) -> anyhow::Result<Config> {
    let departments = FOUNDERS
        .iter()
        .map(|(code, name)| {
            let code = code.parse().map_err(|reason: String| anyhow::anyhow!(reason))?;
            Ok(DepartmentConfig {
                code,
                name: (*name).to_owned(),
                place: place(cluster, prefix, Schema::Department(code))?,
                particulier: None,
                impot: None,
            })
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(Config {
        listen,
        metrics_listen,
        public_url: format!("http://{listen}"),
        cors_origins: vec![],
        mail: MailConfig::Folder(data.join("letters")),
        mail_from: "Pass+ <ne-pas-repondre@passplus.example>".to_owned(),
        trusted_proxies: vec![],
        directory: place(cluster, prefix, Schema::Directory)?,
        departments,
        demo: true,
    })
}

fn place(cluster: &Cluster, prefix: &str, schema: Schema) -> anyhow::Result<Place> {
    let database = format!("{prefix}{}", schema.stem());
    let mut conn = PgConnection::establish(&cluster.url(SUPERUSER, "postgres"))?;
    if !prefix.is_empty() {
        conn.batch_execute(&format!("drop database if exists {database} with (force)"))?;
    }
    match conn.batch_execute(&format!("create database {database}")) {
        Err(DieselError::DatabaseError(_, info)) if info.message().contains("already exists") => {}
        made => made?,
    }
    migrate::migrate(&cluster.url(SUPERUSER, &database), schema)?;
    Ok(Place { url: cluster.url(&schema.app(), &database), key: MasterKey::new(DEMO_KEY) })
}

//! What an operator does from the command line.

use crate::{
    app::App,
    auth::{
        keys,
        staff::{self, Invitation, Place},
    },
    config::Config,
    documents,
    kernel::{
        actor::Caller,
        crypto::{MasterKey, random_token},
        department::Department,
        ids::DeviceId,
        text::{Email, Name},
        time,
        words::AgentFunction,
    },
    migrate::{self, Schema},
};
use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;
use std::{net::SocketAddr, time::Duration};

/// Roles and schema of every database named in the environment: `PASSPLUS_DIRECTORY_MIGRATE_URL` and
/// `PASSPLUS_DEPARTMENT_<code>_MIGRATE_URL` sign in as a role that may create roles and owns the database.
pub fn migrate_all(read: crate::config::Read<'_>) -> anyhow::Result<Vec<String>> {
    let required = |name: &str| read(name).with_context(|| format!("{name} is missing"));
    let mut lines = vec![];
    let mut one = |url: String, schema: Schema| -> anyhow::Result<()> {
        let applied = migrate::migrate(&url, schema)?;
        lines.push(format!("{}: {applied} migration(s) applied, roles and grants in place", schema.stem()));
        Ok(())
    };
    one(required("PASSPLUS_DIRECTORY_MIGRATE_URL")?, Schema::Directory)?;
    for code in crate::config::department_codes(read)? {
        one(required(&format!("PASSPLUS_DEPARTMENT_{code}_MIGRATE_URL"))?, Schema::Department(code))?;
    }
    Ok(lines)
}

/// Leaves the invitation of a department's first administrator in the outbox. Later ones are invited by him.
pub async fn invite_administrator(
    config: &Config,
    department: Department,
    email: Email,
    name: Name,
) -> anyhow::Result<()> {
    let app = App::new(config);
    ensure!(app.departments.contains_key(&department), "the configuration has no department {department}");
    let invitation = Invitation { department, email, name, place: Place::Agent(AgentFunction::Administrator) };
    let url = app.public_url.to_string();
    app.db
        .directory_write(&Caller::system(), move |tx| staff::invite(tx, &invitation, &url))
        .await
        .map_err(|error| anyhow::anyhow!("{}", error.refusal().sentence()))?;
    Ok(())
}

/// Publishes a new token-signing key and names it.
pub async fn rotate_keys(config: &Config) -> anyhow::Result<String> {
    let app = App::new(config);
    app.db.directory_write(&Caller::system(), keys::rotate).await.map_err(|error| anyhow::anyhow!("{error}"))
}

/// Seals again, with a department's present key, the keys of the documents that wait under its former one. Returns how many.
pub async fn rewrap_documents(config: &Config, department: Department, former: MasterKey) -> anyhow::Result<usize> {
    let db = App::new(config).db;
    let present = db.key(department).map_err(|error| anyhow::anyhow!("{error}"))?;
    ensure!(!former.same_as(present), "the former key of {department} is its present one");
    let mut all = 0_usize;
    loop {
        let former = former.clone();
        let moved = db.write(department, &Caller::system(), move |tx| documents::rewrap(tx, &former)).await;
        match moved.map_err(|error| anyhow::anyhow!("{error}"))? {
            0 => return Ok(all),
            moved => all = all.saturating_add(moved),
        }
    }
}

/// Asks a server on this machine whether it is ready.
pub async fn health(listen: SocketAddr) -> anyhow::Result<()> {
    let host = if listen.ip().is_unspecified() { "127.0.0.1".to_owned() } else { listen.ip().to_string() };
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
    let answer = client.get(format!("http://{host}:{}/health/ready", listen.port())).send().await?;
    ensure!(answer.status().is_success(), "not ready: {}", answer.status());
    Ok(())
}

/// The present six digits of an authenticator secret in base32.
pub fn totp_code(secret: &str) -> anyhow::Result<String> {
    let now = u64::try_from(time::server_now().timestamp())?;
    totp_code_at(secret, now)
}

/// The six digits of a secret at a Unix time.
pub fn totp_code_at(secret: &str, seconds: u64) -> anyhow::Result<String> {
    let secret =
        totp_rs::Secret::try_from_base32(secret.trim()).map_err(|_| anyhow::anyhow!("this is no base32 secret"))?;
    let totp = totp_rs::Builder::new()
        .with_secret(secret)
        .with_account_name("passplus")
        .build()
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(totp.generate(seconds).to_string())
}

/// A device's signed assertion (RFC 7523), valid a minute. `private_key` is PKCS#8 in base64url, `url` the service's address.
pub fn device_assertion(device: DeviceId, private_key: &str, url: &str, now: DateTime<Utc>) -> anyhow::Result<String> {
    let pkcs8 = BASE64URL_NOPAD.decode(private_key.as_bytes()).context("the private key is not base64url")?;
    let now = now.timestamp();
    let claims = json!({
        "iss": device, "sub": device, "aud": format!("{}/v1/oauth/token", url.trim_end_matches('/')),
        "iat": now, "exp": now.saturating_add(60), "jti": random_token(),
    });
    encode(&Header::new(Algorithm::EdDSA), &claims, &EncodingKey::from_ed_der(&pkcs8)).context("the key does not sign")
}

//! The only reader of the environment: one struct, complete and checked before anything starts.

mod administrations;

pub use administrations::{ImpotConfig, ImpotResource, MutualTls, ParticulierConfig};

use crate::{
    db::Place,
    kernel::{crypto::MasterKey, department::Department},
};
use anyhow::{Context, bail, ensure};
use std::{net::SocketAddr, path::PathBuf};

/// Key of the demonstration: known to everybody, refused everywhere else.
pub const DEMO_KEY: [u8; 32] = *b"passplus demonstration key: open";

/// Departments and names when the configuration has none.
pub const FOUNDERS: [(&str, &str); 2] = [("92", "Hauts-de-Seine"), ("78", "Yvelines")];

/// How letters leave.
#[derive(Debug, Clone)]
pub enum MailConfig {
    Smtp(String),
    Folder(PathBuf),
}

/// One department the service runs for.
#[derive(Clone)]
pub struct DepartmentConfig {
    pub code: Department,
    pub name: String,
    pub place: Place,
    /// `None`: the State is not asked.
    pub particulier: Option<ParticulierConfig>,
    /// `None`: the tax administration is not asked.
    pub impot: Option<ImpotConfig>,
}

/// Everything that differs from one installation to another.
#[derive(Clone)]
pub struct Config {
    pub listen: SocketAddr,
    pub metrics_listen: SocketAddr,
    /// Address that families see: links in letters, `iss` and `aud` of tokens.
    pub public_url: String,
    pub cors_origins: Vec<String>,
    pub mail: MailConfig,
    pub mail_from: String,
    /// Addresses of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    pub directory: Place,
    pub departments: Vec<DepartmentConfig>,
    /// The demonstration may use the known key; nothing else may.
    pub demo: bool,
}

/// Reads one variable by name.
pub type Read<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Config {
    /// Reads the process's environment.
    pub fn from_env() -> anyhow::Result<Self> {
        Self::read(&|name| std::env::var(name).ok())
    }

    /// Reads every variable through `read`; the first missing or wrong one is named.
    pub fn read(read: Read<'_>) -> anyhow::Result<Self> {
        let or = |name: &str, default: &str| read(name).unwrap_or_else(|| default.to_owned());
        let list = |name: &str| list(read, name);
        let mail = match (read("PASSPLUS_SMTP_URL"), read("PASSPLUS_MAIL_FOLDER")) {
            (Some(url), None) => MailConfig::Smtp(url),
            (None, Some(folder)) => MailConfig::Folder(folder.into()),
            _ => bail!("set PASSPLUS_SMTP_URL, or PASSPLUS_MAIL_FOLDER to write letters to files (one of the two)"),
        };
        let codes = department_codes(read)?;
        let departments = codes.into_iter().map(|code| department(read, code)).collect::<anyhow::Result<Vec<_>>>()?;
        let public_url = or("PASSPLUS_PUBLIC_URL", "http://localhost:8080").trim_end_matches('/').to_owned();
        ensure!(
            public_url.starts_with("https://") || public_url.starts_with("http://"),
            "PASSPLUS_PUBLIC_URL: {public_url} is not an address that begins with https:// (or http:// on this machine)"
        );
        Ok(Self {
            listen: listen(read)?,
            metrics_listen: address(&or("PASSPLUS_METRICS_LISTEN", "127.0.0.1:9090"), "PASSPLUS_METRICS_LISTEN")?,
            public_url,
            cors_origins: list("PASSPLUS_CORS_ORIGINS").into_iter().map(origin).collect::<anyhow::Result<_>>()?,
            mail,
            mail_from: or("PASSPLUS_MAIL_FROM", "Pass+ <ne-pas-repondre@passplus.example>"),
            trusted_proxies: list("PASSPLUS_TRUSTED_PROXIES")
                .iter()
                .map(|ip| ip.parse().with_context(|| format!("PASSPLUS_TRUSTED_PROXIES: {ip} is not an address")))
                .collect::<anyhow::Result<_>>()?,
            directory: Place {
                url: required(read, "PASSPLUS_DIRECTORY_URL")?,
                key: key(read, "PASSPLUS_DIRECTORY_KEY")?,
            },
            departments,
            demo: false,
        })
    }

    /// Refuses what must never serve: the known key outside the demonstration, one key for two places.
    pub fn check(&self) -> anyhow::Result<()> {
        let mut keys: Vec<&MasterKey> = vec![&self.directory.key];
        keys.extend(self.departments.iter().map(|d| &d.place.key));
        for (rank, key) in keys.iter().enumerate() {
            if self.demo {
                continue;
            }
            ensure!(
                !key.is(&DEMO_KEY),
                "a key of the configuration is the demonstration's: everybody knows it; make one with `passplus key`"
            );
            let again = keys.iter().skip(rank.saturating_add(1)).any(|other| key.same_as(other));
            ensure!(!again, "two places share one key: the directory and each department need a key of their own");
        }
        Ok(())
    }
}

/// Where the API listens.
pub fn listen(read: Read<'_>) -> anyhow::Result<SocketAddr> {
    address(&read("PASSPLUS_LISTEN").unwrap_or_else(|| "127.0.0.1:8080".to_owned()), "PASSPLUS_LISTEN")
}

fn list(read: Read<'_>, name: &str) -> Vec<String> {
    let text = read(name).unwrap_or_default();
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(ToOwned::to_owned).collect()
}

/// The departments the service runs for: `PASSPLUS_DEPARTMENTS`, or the two that founded it.
pub fn department_codes(read: Read<'_>) -> anyhow::Result<Vec<Department>> {
    let named = list(read, "PASSPLUS_DEPARTMENTS");
    let named = if named.is_empty() { FOUNDERS.iter().map(|(code, _)| (*code).to_owned()).collect() } else { named };
    let mut codes: Vec<Department> = vec![];
    for text in named {
        let code = text.parse().map_err(|_| anyhow::anyhow!("PASSPLUS_DEPARTMENTS: {text} is not a department"))?;
        ensure!(!codes.contains(&code), "PASSPLUS_DEPARTMENTS names {code} twice");
        codes.push(code);
    }
    Ok(codes)
}

fn department(read: Read<'_>, code: Department) -> anyhow::Result<DepartmentConfig> {
    let founder = FOUNDERS.iter().find(|(known, _)| *known == code.as_str());
    let name = read(&format!("PASSPLUS_DEPARTMENT_{code}_NAME")).or(founder.map(|(_, name)| (*name).to_owned()));
    let name = name.with_context(|| format!("PASSPLUS_DEPARTMENT_{code}_NAME is missing"))?;
    let place = Place {
        url: required(read, &format!("PASSPLUS_DEPARTMENT_{code}_URL"))?,
        key: key(read, &format!("PASSPLUS_DEPARTMENT_{code}_KEY"))?,
    };
    let (particulier, impot) = (administrations::particulier(read, code)?, administrations::impot(read, code)?);
    Ok(DepartmentConfig { code, name, place, particulier, impot })
}

/// Where the verifier reads a department, signing in as its role `check`.
pub fn check_url(read: Read<'_>, code: Department) -> anyhow::Result<String> {
    required(read, &format!("PASSPLUS_DEPARTMENT_{code}_CHECK_URL"))
}

/// The key that a department had before the present one, for what moves sealed values from one to the other.
pub fn former_key(read: Read<'_>, code: Department) -> anyhow::Result<MasterKey> {
    key(read, &format!("PASSPLUS_DEPARTMENT_{code}_FORMER_KEY"))
}

fn required(read: Read<'_>, name: &str) -> anyhow::Result<String> {
    read(name).filter(|value| !value.is_empty()).with_context(|| format!("{name} is missing"))
}

fn key(read: Read<'_>, name: &str) -> anyhow::Result<MasterKey> {
    MasterKey::parse(&required(read, name)?).map_err(|reason| anyhow::anyhow!("{name}: {reason}"))
}

/// An origin as browsers send it. Anything else would match nothing, and `*` would keep the server from starting.
fn origin(text: String) -> anyhow::Result<String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let fits =
        |host: &str| !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b));
    ensure!(
        host.is_some_and(fits),
        "PASSPLUS_CORS_ORIGINS: {text} is not an origin, for example https://familles.example"
    );
    Ok(text)
}

fn address(text: &str, name: &str) -> anyhow::Result<SocketAddr> {
    text.parse().with_context(|| format!("{name}: {text} is not an address with a port"))
}

//! How a department calls the administrations: where, as whom, and with which secrets.

use super::{Read, required};
use crate::kernel::{
    department::Department,
    text::{Sensitive, Siret},
};
use anyhow::{Context, ensure};
use std::path::PathBuf;

/// How a department calls API Particulier.
#[derive(Debug, Clone)]
pub struct ParticulierConfig {
    pub url: String,
    pub token: Sensitive<String>,
    /// The department itself: the data are for nobody else.
    pub recipient: Siret,
}

/// How a department calls API Impôt Particulier, as its convention with the DGFiP says.
#[derive(Debug, Clone)]
pub struct ImpotConfig {
    /// The gateway: `/token` and `/impotparticulier/1.0` are below it.
    pub url: String,
    pub client_id: String,
    pub client_secret: Sensitive<String>,
    pub teleservice: Option<String>,
    pub resource: ImpotResource,
    /// The certificate that the gateway asks for, where it does.
    pub mutual_tls: Option<MutualTls>,
    /// PEM file of the one authority believed for the gateway, in the place of those that the machine believes.
    pub authority: Option<PathBuf>,
}

/// Two PEM files: what is shown, and the key that proves it.
#[derive(Debug, Clone)]
pub struct MutualTls {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

text_enum! {
    /// What the convention lets the department read.
    pub enum ImpotResource {
        /// The assessment of a year that the question names.
        Year = "annrev",
        /// The last assessment of the last two years.
        LastOfTwoYears = "deuxans",
    }
}

pub(super) fn particulier(read: Read<'_>, code: Department) -> anyhow::Result<Option<ParticulierConfig>> {
    let name = |what: &str| format!("PASSPLUS_DEPARTMENT_{code}_PARTICULIER_{what}");
    let Some(token) = given(read, &name("TOKEN")) else { return Ok(None) };
    ensure!(is_graphic(&token), "{} is not a token: it has no spaces", name("TOKEN"));
    let recipient = required(read, &name("RECIPIENT"))?;
    let recipient = recipient.parse().map_err(|reason| anyhow::anyhow!("{}: {reason}", name("RECIPIENT")))?;
    let url = read(&name("URL")).unwrap_or_else(|| "https://particulier.api.gouv.fr".to_owned());
    check_address(&url, &name("URL"))?;
    Ok(Some(ParticulierConfig { url, token: Sensitive::new(token), recipient }))
}

pub(super) fn impot(read: Read<'_>, code: Department) -> anyhow::Result<Option<ImpotConfig>> {
    let name = |what: &str| format!("PASSPLUS_DEPARTMENT_{code}_IMPOT_{what}");
    let Some(client_id) = given(read, &name("CLIENT_ID")) else { return Ok(None) };
    ensure!(is_graphic(&client_id) && !client_id.contains(':'), "{} has no spaces and no colon", name("CLIENT_ID"));
    let client_secret = required(read, &name("CLIENT_SECRET"))?;
    ensure!(is_graphic(&client_secret), "{} has no spaces", name("CLIENT_SECRET"));
    let url = required(read, &name("URL"))?;
    check_address(&url, &name("URL"))?;
    let teleservice = given(read, &name("TELESERVICE"));
    ensure!(teleservice.as_deref().is_none_or(is_graphic), "{} has no spaces", name("TELESERVICE"));
    let resource = given(read, &name("RESOURCE")).map_or(Ok(ImpotResource::Year), |word| word.parse());
    let resource = resource.ok().with_context(|| format!("{} is annrev or deuxans", name("RESOURCE")))?;
    let mutual_tls = match (given(read, &name("CERTIFICATE")), given(read, &name("PRIVATE_KEY"))) {
        (Some(certificate), Some(key)) => Some(MutualTls { certificate: certificate.into(), key: key.into() }),
        (None, None) => None,
        _ => anyhow::bail!("{} and {} go together", name("CERTIFICATE"), name("PRIVATE_KEY")),
    };
    let authority = given(read, &name("AUTHORITY")).map(PathBuf::from);
    let client_secret = Sensitive::new(client_secret);
    Ok(Some(ImpotConfig { url, client_id, client_secret, teleservice, resource, mutual_tls, authority }))
}

fn given(read: Read<'_>, name: &str) -> Option<String> {
    read(name).filter(|value| !value.is_empty())
}

/// What a header may carry.
fn is_graphic(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic())
}

/// Personal data and secrets travel: in clear on this machine only, for trials.
fn check_address(url: &str, name: &str) -> anyhow::Result<()> {
    let is_safe = reqwest::Url::parse(url).is_ok_and(|url| {
        let is_here = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        url.username().is_empty() && (url.scheme() == "https" || (url.scheme() == "http" && is_here))
    });
    ensure!(is_safe, "{name}: {url} is not an address that begins with https://");
    Ok(())
}

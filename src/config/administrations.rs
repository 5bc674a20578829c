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

/// How a department calls API Impôt Particulier, as its convention with the tax administration says.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(change: &[(&str, &str)]) -> anyhow::Result<Option<ImpotConfig>> {
        let right = [("CLIENT_ID", "client"), ("CLIENT_SECRET", "geheim"), ("URL", "https://gateway.example")];
        let read = |name: &str| {
            let what = name.strip_prefix("PASSPLUS_DEPARTMENT_92_IMPOT_")?;
            let of =
                |list: &[(&str, &str)]| list.iter().find(|(key, _)| *key == what).map(|(_, value)| (*value).to_owned());
            of(change).or_else(|| of(&right))
        };
        impot(&read, "92".parse().unwrap())
    }

    #[test]
    fn the_tax_administration_is_asked_by_the_department_that_is_its_client() {
        assert!(told(&[("CLIENT_ID", "")]).unwrap().is_none());
        let config = told(&[]).unwrap().unwrap();
        assert_eq!((config.url.as_str(), config.resource), ("https://gateway.example", ImpotResource::Year));
        assert!(config.teleservice.is_none() && config.mutual_tls.is_none() && config.authority.is_none());
        assert!(!format!("{config:?}").contains("geheim"));
        let all = [
            ("RESOURCE", "deuxans"),
            ("TELESERVICE", "T92"),
            ("CERTIFICATE", "/c.pem"),
            ("PRIVATE_KEY", "/k.pem"),
            ("AUTHORITY", "/a.pem"),
        ];
        let config = told(&all).unwrap().unwrap();
        assert_eq!((config.resource, config.teleservice.as_deref()), (ImpotResource::LastOfTwoYears, Some("T92")));
        assert!(config.mutual_tls.is_some() && config.authority.is_some());
        told(&[("URL", "http://127.0.0.1:8788")]).unwrap();
    }

    #[test]
    fn what_would_not_serve_is_refused_by_its_name_and_no_secret_is_told() {
        for (name, value) in [
            ("CLIENT_ID", "two words"),
            ("CLIENT_ID", "a:b"),
            ("CLIENT_SECRET", ""),
            ("CLIENT_SECRET", "gehe im"),
            ("URL", ""),
            ("URL", "http://gateway.example"),
            ("URL", "https://user@gateway.example"),
            ("TELESERVICE", "a\nb"),
            ("RESOURCE", "revenu"),
            ("CERTIFICATE", "/c.pem"),
            ("PRIVATE_KEY", "/k.pem"),
        ] {
            let because = format!("{:#}", told(&[(name, value)]).unwrap_err());
            assert!(because.contains(&format!("PASSPLUS_DEPARTMENT_92_IMPOT_{name}")), "{name}={value}: {because}");
            assert!(!because.contains("geheim") && !because.contains("gehe im"), "{because}");
        }
    }
}

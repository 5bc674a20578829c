//! A gateway that asks for a certificate: told who asks, or not spoken to.

use super::{ask, income, inquiry, taxpayer};
use crate::support::{Authorities, impot_config};
use passplus::{
    config::{ImpotConfig, ImpotResource, MutualTls},
    fiscal::{
        impot::ImpotParticulier,
        outcome::{Absence, Outcome},
    },
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::{fs, path::PathBuf, sync::Arc};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::WebPkiClientVerifier,
    },
};

/// An authority's certificate, and one with its key for a server and a client each, in a folder of their own and valid for this run only.
struct Papers(TempDir);

impl Papers {
    fn issue() -> Self {
        let folder = TempDir::new().unwrap();
        let write = |name: &str, pem: String| fs::write(folder.path().join(name), pem).unwrap();
        let mut authority = CertificateParams::new(vec![]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        write("authority.pem", authority.self_signed(&key).unwrap().pem());
        let issuer = Issuer::new(authority, key);
        for (name, subject) in [("server", "127.0.0.1"), ("client", "departement.example")] {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![subject.to_owned()]).unwrap();
            write(&format!("{name}.pem"), params.signed_by(&key, &issuer).unwrap().pem());
            write(&format!("{name}.key"), key.serialize_pem());
        }
        Self(folder)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn certificate(&self, name: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.at(name)).unwrap()
    }

    fn shown(&self, certificate: &str, key: &str) -> MutualTls {
        MutualTls { certificate: self.at(certificate), key: self.at(key) }
    }
}

/// A stand-in behind a door that asks for a certificate; its address.
async fn guarded(authorities: &Authorities, papers: &Papers) -> String {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(papers.certificate("authority.pem")).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let key = PrivateKeyDer::from_pem_file(papers.at("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![papers.certificate("server.pem")], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, inside) =
        (format!("https://{}", listener.local_addr().unwrap()), authorities.url["http://".len()..].to_owned());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, inside) = (acceptor.clone(), inside.clone());
            tokio::spawn(async move {
                let Ok(mut outside) = acceptor.accept(stream).await else { return };
                let mut inside = TcpStream::connect(inside).await.unwrap();
                tokio::io::copy_bidirectional(&mut outside, &mut inside).await.ok();
            });
        }
    });
    url
}

#[actix_web::test]
async fn a_certificate_is_shown_and_the_gateways_own_is_checked() {
    let authorities = Authorities::start().await;
    let papers = Papers::issue();
    let config = impot_config(&guarded(&authorities, &papers).await, ImpotResource::Year);
    let asked = || inquiry(taxpayer("3070812345678", "Lefèvre"), None);
    let complete = ImpotConfig {
        mutual_tls: Some(papers.shown("client.pem", "client.key")),
        authority: Some(papers.at("authority.pem")),
        ..config.clone()
    };
    let (outcome, ..) = ask(&ImpotParticulier::new(&complete).unwrap(), asked()).await;
    assert_eq!(income(&outcome).year, 2025);
    authorities.calls();
    for lacking in
        [ImpotConfig { mutual_tls: None, ..complete.clone() }, ImpotConfig { authority: None, ..complete.clone() }]
    {
        let (outcome, ..) = ask(&ImpotParticulier::new(&lacking).unwrap(), asked()).await;
        assert_eq!(outcome, Outcome::Unavailable(Absence::Down, None));
    }
    assert!(authorities.calls().is_empty(), "nothing leaves before both know each other");
}

#[actix_web::test]
async fn files_that_are_no_certificate_stop_the_service_and_are_named() {
    let papers = Papers::issue();
    let config = impot_config("https://gateway.example", ImpotResource::Year);
    let because = |config: &ImpotConfig| format!("{:#}", ImpotParticulier::new(config).err().unwrap());
    for (certificate, key, named) in [
        ("client.key", "client.key", "client.key"),
        ("client.pem", "client.pem", "client.pem"),
        ("client.pem", "none.key", "none.key"),
    ] {
        let told = because(&ImpotConfig { mutual_tls: Some(papers.shown(certificate, key)), ..config.clone() });
        assert!(told.contains(named) && !told.contains("BEGIN") && !told.contains("MI"), "{told}");
    }
    for authority in ["none.pem", "client.key"] {
        assert!(because(&ImpotConfig { authority: Some(papers.at(authority)), ..config.clone() }).contains(authority));
    }
}

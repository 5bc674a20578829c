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
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
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

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mutual-tls").join(name)
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(data(name)).unwrap()
}

/// A stand-in behind a door that asks for a certificate; its address.
async fn guarded(authorities: &Authorities) -> String {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(certificate("authority.pem")).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let key = PrivateKeyDer::from_pem_file(data("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config =
        config.with_client_cert_verifier(verifier).with_single_cert(vec![certificate("server.pem")], key).unwrap();
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

fn shown(certificate: &str, key: &str) -> Option<MutualTls> {
    Some(MutualTls { certificate: data(certificate), key: data(key) })
}

#[actix_web::test]
async fn a_certificate_is_shown_and_the_gateways_own_is_checked() {
    let authorities = Authorities::start().await;
    let config = impot_config(&guarded(&authorities).await, ImpotResource::Year);
    let asked = || inquiry(taxpayer("3070812345678", "Lefèvre"), None);
    let complete = ImpotConfig {
        mutual_tls: shown("client.pem", "client.key"),
        authority: Some(data("authority.pem")),
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
    let config = impot_config("https://gateway.example", ImpotResource::Year);
    let because = |config: &ImpotConfig| format!("{:#}", ImpotParticulier::new(config).err().unwrap());
    for (certificate, key, named) in [
        ("client.key", "client.key", "client.key"),
        ("client.pem", "client.pem", "client.pem"),
        ("client.pem", "none.key", "none.key"),
    ] {
        let told = because(&ImpotConfig { mutual_tls: shown(certificate, key), ..config.clone() });
        assert!(told.contains(named) && !told.contains("BEGIN") && !told.contains("MI"), "{told}");
    }
    for authority in ["none.pem", "client.key"] {
        assert!(because(&ImpotConfig { authority: Some(data(authority)), ..config.clone() }).contains(authority));
    }
}

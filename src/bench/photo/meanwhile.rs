//! Debits while families send portraits: the same load on the same service, first alone, then with pictures redrawn as fast as it takes them.

use super::rounded;
use crate::{
    bench::{
        draw::Access,
        load::{self, Spell},
        seed,
        stage::Stage,
    },
    demo::client::{Body, Client, Request},
    kernel::time,
};
use anyhow::bail;
use reqwest::Method;
use serde::Serialize;
use serde_json::json;
use std::{
    fmt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

/// Tills that debit, each its next one when the last is answered.
const TILLS: u32 = 16;
/// Families that send, each its next picture when the last is answered: more than are redrawn at a time.
const FAMILIES: usize = 4;
const CHILDREN: u32 = 2_000;
const FULL_CENTS: i64 = 100_000_000;
const WARM_UP: Duration = Duration::from_secs(2);
const PASSWORD: &str = "Mesure-de-photos-2026!";

/// What debits were, without and with portraits.
#[derive(Debug, Serialize)]
pub struct Meanwhile {
    seconds: u64,
    debits_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    with_photos_debits_per_s: f64,
    with_photos_p50_ms: f64,
    with_photos_p99_ms: f64,
    photos_per_s: f64,
}

impl fmt::Display for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { debits_per_s, p50_ms, p99_ms, photos_per_s, .. } = self;
        writeln!(f, "Debits alone: {debits_per_s:.0} a second, p50 {p50_ms:.1} ms, p99 {p99_ms:.1} ms.")?;
        let Self { with_photos_debits_per_s: rate, with_photos_p50_ms: p50, with_photos_p99_ms: p99, .. } = self;
        write!(f, "With {photos_per_s:.1} portraits a second: {rate:.0} a second, p50 {p50:.1} ms, p99 {p99:.1} ms.")
    }
}

/// Starts a service with its PostgreSQL, and measures both.
pub async fn measure(folder: &Path, picture: &[u8], seconds: u64) -> anyhow::Result<Meanwhile> {
    eprintln!("Starting PostgreSQL and the service …");
    let stage = Stage::open(folder)?;
    let seeded = Arc::new(seed::seed(&stage, CHILDREN, TILLS, FULL_CENTS)?);
    let server = stage.serve(&std::env::current_exe()?).await?;
    let mut uploads = vec![];
    for number in 0..FAMILIES {
        uploads.push(upload(&stage, number, picture).await?);
    }
    let spell = Spell { warm_up: WARM_UP, measured: Duration::from_secs(seconds) };
    let alone = load::run(&stage, &seeded, Access::Uniform, TILLS, spell).await?;
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let sending: Vec<_> =
        uploads.into_iter().map(|upload| tokio::spawn(send(upload, Arc::clone(&stop), Arc::clone(&sent)))).collect();
    let together = load::run(&stage, &seeded, Access::Uniform, TILLS, spell).await;
    stop.store(true, Ordering::SeqCst);
    for family in sending {
        family.await??;
    }
    drop(server);
    let together = together?;
    let whole = f64::from(u32::try_from(seconds.saturating_add(WARM_UP.as_secs()))?);
    Ok(Meanwhile {
        seconds,
        debits_per_s: rounded(alone.debits_per_s),
        p50_ms: rounded(alone.p50_ms),
        p99_ms: rounded(alone.p99_ms),
        with_photos_debits_per_s: rounded(together.debits_per_s),
        with_photos_p50_ms: rounded(together.p50_ms),
        with_photos_p99_ms: rounded(together.p99_ms),
        photos_per_s: rounded(f64::from(sent.load(Ordering::SeqCst)) / whole),
    })
}

type Upload = (Client, Request);

/// A family of its own with a child, and the request that sends its portrait.
async fn upload(stage: &Stage, number: usize, picture: &[u8]) -> anyhow::Result<Upload> {
    let client = Client::new(&stage.config.public_url, stage.folder().join("letters"))?;
    let email = format!("photo.{number}@example.fr");
    let department = format!("/v1/departments/{}", stage.department);
    client.expect(202, Request::post("/v1/accounts", json!({ "email": email }))).await?;
    let link = client.link(&email).await?;
    let body = json!({ "token": link, "password": PASSWORD });
    client.expect(204, Request::post("/v1/accounts/confirm", body)).await?;
    let body = json!({ "email": email, "password": PASSWORD });
    let token = client.expect(201, Request::post("/v1/sessions", body)).await?.text("/access_token")?;
    let body = json!({ "first_names": "Camille", "last_name": "Martin" });
    let family = client.expect(201, Request::post(format!("{department}/families"), body).by(&token)).await?;
    let year = chrono::Datelike::year(&time::paris_date(time::server_now())).saturating_sub(12);
    let child = json!({
        "first_names": "Lou", "last_name": "Martin", "birth_date": format!("{year}-03-14"), "residence": stage.department,
    });
    let path = format!("{department}/families/{}/children", family.text("/id")?);
    let child = client.expect(201, Request::post(path, child).by(&token)).await?.text("/id")?;
    let request = Request {
        method: Method::PUT,
        path: format!("{department}/children/{child}/photo"),
        token: Some(token),
        body: Body::Raw("image/jpeg", picture.to_vec()),
        key: None,
    };
    Ok((client, request))
}

/// Sends until told to stop; where the service is busy, again a little later.
async fn send((client, request): Upload, stop: Arc<AtomicBool>, sent: Arc<AtomicU32>) -> anyhow::Result<()> {
    while !stop.load(Ordering::SeqCst) {
        match client.send(&request).await?.status {
            204 => drop(sent.fetch_add(1, Ordering::SeqCst)),
            503 => tokio::time::sleep(Duration::from_millis(100)).await,
            other => bail!("a portrait is answered {other}"),
        }
    }
    Ok(())
}

//! Debits while families send portraits: the same load on the same service, first alone, then with pictures redrawn as fast as it takes them.

use super::rounded;
use crate::{
    bench::{
        draw::Access,
        load::{self, Load, Spell},
        seed::{self, Seeded},
        stage::Stage,
    },
    demo::client::{Body, Client, Request},
    kernel::time,
};
use anyhow::{Context, bail};
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

/// Tills that debit.
const TILLS: u32 = 16;
/// How often each debits when they are paced: 480 debits a second together, several times the worst minute of both departments.
const PACE: Duration = Duration::from_micros(33_333);
/// Families that send, each its next picture when the last is answered: more than are redrawn at a time.
const FAMILIES: usize = 4;
/// Each measure is taken that often, in turns, so that what the machine does besides falls on both alike.
const TURNS: u32 = 3;
const CHILDREN: u32 = 2_000;
const FULL_CENTS: i64 = 100_000_000;
const WARM_UP: Duration = Duration::from_secs(1);
const PASSWORD: &str = "Mesure-de-photos-2026!";

/// What debits were, without and with portraits.
#[derive(Debug, Serialize)]
pub struct Meanwhile {
    seconds: u64,
    /// Debits that come at their pace.
    paced: Pair,
    /// Debits as many as the machine bears, which leaves nothing for anything else.
    saturated: Pair,
}

#[derive(Debug, Serialize)]
struct Pair {
    alone: Figures,
    with_photos: Figures,
    photos_per_s: f64,
}

/// Medians of the turns.
#[derive(Debug, Serialize)]
struct Figures {
    debits_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
}

impl Figures {
    fn of(loads: &[Load]) -> Self {
        let median = |figure: fn(&Load) -> f64| {
            let mut all: Vec<f64> = loads.iter().map(figure).collect();
            all.sort_by(f64::total_cmp);
            rounded(all.get(all.len() / 2).copied().unwrap_or_default())
        };
        Self {
            debits_per_s: median(|load| load.debits_per_s),
            p50_ms: median(|load| load.p50_ms),
            p99_ms: median(|load| load.p99_ms),
        }
    }
}

impl fmt::Display for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, Pair { alone, with_photos, photos_per_s }) in
            [("paced", &self.paced), ("saturated", &self.saturated)]
        {
            for (what, Figures { debits_per_s, p50_ms, p99_ms }) in [("alone", alone), ("with portraits", with_photos)]
            {
                writeln!(
                    f,
                    "Debits {name}, {what}: {debits_per_s:.0} a second, p50 {p50_ms:.1} ms, p99 {p99_ms:.1} ms."
                )?;
            }
            writeln!(f, "Portraits meanwhile: {photos_per_s:.1} a second.")?;
        }
        Ok(())
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
    let uploads = Arc::new(uploads);
    let spell = |pace| Spell { warm_up: WARM_UP, measured: Duration::from_secs(seconds), pace };
    let paced = pair(&stage, &seeded, &uploads, spell(Some(PACE))).await?;
    let saturated = pair(&stage, &seeded, &uploads, spell(None)).await?;
    drop(server);
    Ok(Meanwhile { seconds, paced, saturated })
}

/// The same load without and with portraits, in turns.
async fn pair(stage: &Stage, seeded: &Arc<Seeded>, uploads: &Arc<Vec<Upload>>, spell: Spell) -> anyhow::Result<Pair> {
    let (mut alone, mut together) = (vec![], vec![]);
    let sent = Arc::new(AtomicU32::new(0));
    for _ in 0..TURNS {
        alone.push(load::run(stage, seeded, Access::Uniform, TILLS, spell).await?);
        let stop = Arc::new(AtomicBool::new(false));
        let sending: Vec<_> = (0..FAMILIES)
            .map(|number| tokio::spawn(send(Arc::clone(uploads), number, Arc::clone(&stop), Arc::clone(&sent))))
            .collect();
        let load = load::run(stage, seeded, Access::Uniform, TILLS, spell).await;
        stop.store(true, Ordering::SeqCst);
        for family in sending {
            family.await??;
        }
        together.push(load?);
    }
    let whole = spell.warm_up.saturating_add(spell.measured).saturating_mul(TURNS).as_secs_f64();
    let photos_per_s = rounded(f64::from(sent.load(Ordering::SeqCst)) / whole);
    Ok(Pair { alone: Figures::of(&alone), with_photos: Figures::of(&together), photos_per_s })
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
async fn send(
    uploads: Arc<Vec<Upload>>,
    number: usize,
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU32>,
) -> anyhow::Result<()> {
    let (client, request) = uploads.get(number).context("fewer uploads than families")?;
    while !stop.load(Ordering::SeqCst) {
        match client.send(request).await?.status {
            204 => drop(sent.fetch_add(1, Ordering::SeqCst)),
            503 => tokio::time::sleep(Duration::from_millis(100)).await,
            other => bail!("a portrait is answered {other}"),
        }
    }
    Ok(())
}

//! What the service costs at rest and at a sign-in, measured on the release binary against a private, durable PostgreSQL on this machine:
//! `cargo bench`. Debits have a benchmark of their own: `passplus bench debit`.
//!
//! Figures of one run are compared with each other, never with a clock on the wall of another machine: a sign-in beside the argon2 it contains.

#![expect(clippy::float_arithmetic, reason = "rates and latencies of a measurement; nothing here is money")]

use anyhow::ensure;
use diesel::{RunQueryDsl, sql_query, sql_types};
use passplus::{
    app::App,
    auth::passwords::{self, NewPassword},
    bench::stage::Stage,
    kernel::{ids::AccountId, text::Secret},
    migrate::Schema,
};
use serde_json::json;
use std::{
    path::Path,
    time::{Duration, Instant},
};

const SIGN_INS: usize = 40;
const EMAIL: &str = "mesure@example.fr";
const PASSWORD: &str = "Mesure-du-Temps-2026";

fn main() -> anyhow::Result<()> {
    actix_web::rt::System::new().block_on(run())
}

async fn run() -> anyhow::Result<()> {
    let stage = Stage::open(Path::new("/tmp"))?;
    let server = stage.serve(Path::new(env!("CARGO_BIN_EXE_passplus"))).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    println!("machine: {} cores", std::thread::available_parallelism()?);
    println!("idle memory of the service: {} MB", server.memory_mb()?);
    measure_sign_in(&stage).await
}

async fn measure_sign_in(stage: &Stage) -> anyhow::Result<()> {
    let app = App::new(&stage.config);
    let secret = Secret::try_from(PASSWORD.to_owned()).map_err(|reason| anyhow::anyhow!(reason))?;
    let password = NewPassword::try_from(&secret).map_err(|error| anyhow::anyhow!("{error}"))?;
    let hash = passwords::hash(&app, password).await.map_err(|error| anyhow::anyhow!("{error}"))?;
    sql_query(
        "insert into accounts (id, kind, email, password_hash, email_verified_at, created_at)
         values ($1, 'family', $2, $3, now(), now())",
    )
    .bind::<sql_types::Uuid, _>(AccountId::generate())
    .bind::<sql_types::Text, _>(EMAIL)
    .bind::<sql_types::Text, _>(&hash)
    .execute(&mut stage.connect(Schema::Directory)?)?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let (mut argon2, mut sign_ins) = (vec![], vec![]);
    for _ in 0..SIGN_INS {
        let started = Instant::now();
        let right =
            passwords::verify(&app, &secret, Some(hash.clone())).await.map_err(|error| anyhow::anyhow!("{error}"))?;
        ensure!(right, "the password is right");
        argon2.push(started.elapsed());
        let started = Instant::now();
        let body = json!({ "email": EMAIL, "password": PASSWORD });
        let answer = http.post(format!("{}/v1/sessions", stage.config.public_url)).json(&body).send().await?;
        ensure!(answer.status() == 201, "signed in: {}", answer.status());
        sign_ins.push(started.elapsed());
    }
    let (argon2, sign_in) = (median_ms(&mut argon2), median_ms(&mut sign_ins));
    println!("sign-in: {sign_in:.1} ms, of which argon2 {argon2:.1} ms (ratio {:.2})", sign_in / argon2);
    Ok(())
}

fn median_ms(all: &mut [Duration]) -> f64 {
    all.sort_unstable();
    all.get(all.len() / 2).map_or(0.0, |middle| middle.as_secs_f64() * 1e3)
}

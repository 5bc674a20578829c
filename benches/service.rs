//! What the service costs, measured on the release binary against a private, durable PostgreSQL on this machine: `cargo bench`.
//!
//! Figures of one run are compared with each other, never with a clock on the wall of another machine: debits over HTTP beside the very
//! same transaction sent straight to PostgreSQL, a sign-in beside the argon2 it contains. Client, server and database share the cores.

#![expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "rates and latencies of a measurement; nothing here is money, and a failure ends the run"
)]

use anyhow::{Context, ensure};
use diesel::{Connection, PgConnection, RunQueryDsl, connection::SimpleConnection, sql_types};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use passplus::{
    app::App,
    auth::passwords::{self, NewPassword},
    cards::{self, code::CardCode},
    config::Config,
    embedded::{Cluster, Durability, SUPERUSER},
    kernel::{
        crypto::{MasterKey, SigningPair, random_token},
        ids::{
            AccountId, CardId, ChildId, DeviceId, EnrolmentId, FamilyId, MerchantId, RequestId, TransferId, WalletId,
        },
        text::Secret,
        time,
    },
    migrate::{self, Schema},
};
use serde_json::json;
use std::{
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    process::{Child, Command},
    sync::Arc,
    time::{Duration, Instant},
};

const WALLETS: usize = 2_000;
const CONNECTIONS: [usize; 3] = [1, 8, 32];
const SECONDS: u64 = 5;
const SIGN_INS: usize = 40;
const PASSWORD: &str = "Mesure-du-Temps-2026";

struct Bench {
    cluster: Cluster,
    config: Config,
    base: String,
    cards: Vec<CardCode>,
    device: DeviceId,
    merchant: MerchantId,
    key: SigningPair,
}

fn main() -> anyhow::Result<()> {
    actix_web::rt::System::new().block_on(run())
}

async fn run() -> anyhow::Result<()> {
    let open = std::fs::Permissions::from_mode(0o711);
    let folder = tempfile::Builder::new().prefix("passplus-bench-").permissions(open).tempdir_in("/tmp")?;
    let cluster = Cluster::open(&folder.path().join("pg"))?;
    cluster.start(Durability::Durable)?;
    let _tether = cluster.stop_with_this_process()?;
    let (config, environment) = configure(&cluster, folder.path())?;
    let mut server = Command::new(env!("CARGO_BIN_EXE_passplus")).arg("serve").env_clear().envs(environment).spawn()?;
    let measured = measure(cluster, config, &mut server).await;
    server.kill().ok();
    server.wait()?;
    measured
}

async fn measure(cluster: Cluster, config: Config, server: &mut Child) -> anyhow::Result<()> {
    let base = config.public_url.clone();
    let http = reqwest::Client::builder().no_proxy().build()?;
    wait_until_ready(&http, &base).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle_kib = memory_kib(server)?;
    let bench = seed(cluster, config, base)?;

    println!("machine: {} cores", std::thread::available_parallelism()?);
    println!("idle memory of the service: {} MB", idle_kib / 1024);
    measure_sign_in(&bench, &http).await?;
    let token = device_token(&bench, &http).await?;
    let bench = Arc::new(bench);
    println!(
        "\n{:>12} {:>14} {:>9} {:>9} {:>16} {:>7}",
        "connections", "debits/s HTTP", "p50 ms", "p99 ms", "debits/s in SQL", "ratio"
    );
    for connections in CONNECTIONS {
        let in_sql = debits_in_sql(&bench, connections)?;
        let (over_http, mut latencies) = debits_over_http(&bench, &http, &token, connections).await?;
        latencies.sort_unstable();
        let at = |share: usize| latencies.get(latencies.len() * share / 100).map_or(0.0, |l| l.as_secs_f64() * 1e3);
        println!(
            "{connections:>12} {over_http:>14.0} {:>9.2} {:>9.2} {in_sql:>16.0} {:>7.2}",
            at(50),
            at(99),
            over_http / in_sql
        );
    }
    println!("memory of the service after the load: {} MB", memory_kib(server)? / 1024);
    Ok(())
}

fn configure(cluster: &Cluster, folder: &std::path::Path) -> anyhow::Result<(Config, Vec<(String, String)>)> {
    let port = || anyhow::Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?);
    let (listen, metrics) = (port()?, port()?);
    let mut environment = vec![
        ("PASSPLUS_LISTEN".to_owned(), listen.to_string()),
        ("PASSPLUS_METRICS_LISTEN".to_owned(), metrics.to_string()),
        ("PASSPLUS_PUBLIC_URL".to_owned(), format!("http://{listen}")),
        ("PASSPLUS_MAIL_FOLDER".to_owned(), folder.join("letters").display().to_string()),
        ("PASSPLUS_DEPARTMENTS".to_owned(), "92".to_owned()),
        ("PASSPLUS_LOG".to_owned(), "warn".to_owned()),
    ];
    for (schema, name) in [(Schema::Directory, "DIRECTORY"), (Schema::Department(department()), "DEPARTMENT_92")] {
        let database = schema.stem();
        PgConnection::establish(&cluster.url(SUPERUSER, "postgres"))?
            .batch_execute(&format!("create database {database}"))?;
        migrate::migrate(&cluster.url(SUPERUSER, &database), schema)?;
        environment.push((format!("PASSPLUS_{name}_URL"), cluster.url(&schema.app(), &database)));
        environment.push((format!("PASSPLUS_{name}_KEY"), random_token()));
    }
    let read = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    Ok((Config::read(&read)?, environment))
}

fn department() -> passplus::kernel::department::Department {
    "92".parse().expect("92 is a department")
}

async fn wait_until_ready(http: &reqwest::Client, base: &str) -> anyhow::Result<()> {
    for _ in 0..100 {
        if http.get(format!("{base}/health/ready")).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("the service does not get ready")
}

fn memory_kib(server: &Child) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id()))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS")).context("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).context("no number")?.parse()?)
}

/// Children with full wallets and cards, one merchant with one till, one family account: straight into the tables.
fn seed(cluster: Cluster, config: Config, base: String) -> anyhow::Result<Bench> {
    let key: &MasterKey = &config.departments.first().context("a department")?.place.key;
    let (merchant, device, account) = (MerchantId::generate(), DeviceId::generate(), AccountId::generate());
    let pair = SigningPair::generate()?;
    let mut directory = PgConnection::establish(&cluster.url(SUPERUSER, &Schema::Directory.stem()))?;
    directory.batch_execute(&format!(
        "insert into merchants values ('{merchant}', '90000000100017', 'Théâtre', now());
         insert into devices (id, merchant_id, department, kind, label, state, public_key, created_at)
             values ('{device}', '{merchant}', '92', 'till', 'Caisse', 'active', '\\x{}', now());
         insert into accounts (id, kind, email, password_hash, email_verified_at, created_at)
             values ('{account}', 'family', 'mesure@example.fr', 'none', now(), now())",
        data_encoding::HEXLOWER.encode(&pair.public())
    ))?;
    let mut conn = PgConnection::establish(&cluster.url(SUPERUSER, &Schema::Department(department()).stem()))?;
    let family = FamilyId::generate();
    conn.batch_execute(&format!(
        "insert into families values ('{family}', '{account}', now());
         insert into ledger_accounts (id, kind, merchant_id) values (gen_random_uuid(), 'merchant', '{merchant}');
         insert into affiliations (id, merchant_id, merchant_name, account_id, wallet_kind, state, starts_on, created_at)
             select gen_random_uuid(), '{merchant}', 'Théâtre', id, 'culture', 'active', '2020-01-01', now()
               from ledger_accounts where merchant_id = '{merchant}'"
    ))?;
    let mut all = vec![];
    for number in 0..WALLETS {
        let (child, enrolment, card) = (ChildId::generate(), EnrolmentId::generate(), CardId::generate());
        let code = CardCode::generate(department());
        let fingerprint = data_encoding::HEXLOWER.encode(&cards::fingerprint(key, &code));
        conn.batch_execute(&format!(
            "insert into children (id, family_id, first_names, last_name, birth_date, residence, created_at)
                 values ('{child}', '{family}', 'Lou', 'Mesure {number}', '2015-03-14', '92', now());
             insert into enrolments (id, child_id, family_id, season, state, college_uai, college_name, in_network, level, formula,
                                     declares_scholarship, ase, created_at)
                 values ('{enrolment}', '{child}', '{family}', '2026-2027', 'active', '0920001B', 'C', true, '6e', 'culture',
                         false, false, now());
             insert into wallets (id, child_id, family_id, enrolment_id, season, kind, balance_cents, spend_before)
                 values ('{}', '{child}', '{family}', '{enrolment}', '2026-2027', 'culture', 100000000, '2100-01-01');
             insert into cards (id, child_id, family_id, state, code_fingerprint, code_sealed, valid_until, issued_at)
                 values ('{card}', '{child}', '{family}', 'active', '\\x{fingerprint}', '', '2100-01-01', now())",
            WalletId::generate()
        ))?;
        all.push(code);
    }
    conn.batch_execute("analyze")?;
    Ok(Bench { cluster, config, base, cards: all, device, merchant, key: pair })
}

async fn measure_sign_in(bench: &Bench, http: &reqwest::Client) -> anyhow::Result<()> {
    let app = App::new(&bench.config);
    let secret = Secret::try_from(PASSWORD.to_owned()).map_err(|reason| anyhow::anyhow!(reason))?;
    let password = NewPassword::try_from(&secret).map_err(|error| anyhow::anyhow!("{error}"))?;
    let hash = passwords::hash(&app, password).await.map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut conn = PgConnection::establish(&bench.cluster.url(SUPERUSER, &Schema::Directory.stem()))?;
    diesel::sql_query("update accounts set password_hash = $1").bind::<sql_types::Text, _>(&hash).execute(&mut conn)?;
    let (mut argon2, mut sign_ins) = (vec![], vec![]);
    for _ in 0..SIGN_INS {
        let started = Instant::now();
        let right =
            passwords::verify(&app, &secret, Some(hash.clone())).await.map_err(|error| anyhow::anyhow!("{error}"))?;
        ensure!(right, "the password is right");
        argon2.push(started.elapsed());
        let started = Instant::now();
        let body = json!({ "email": "mesure@example.fr", "password": PASSWORD });
        let answer = http.post(format!("{}/v1/sessions", bench.base)).json(&body).send().await?;
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

async fn device_token(bench: &Bench, http: &reqwest::Client) -> anyhow::Result<String> {
    let now = time::server_now().timestamp();
    let claims = json!({
        "iss": bench.device, "sub": bench.device, "aud": format!("{}/v1/oauth/token", bench.base),
        "iat": now, "exp": now + 60, "jti": random_token(),
    });
    let assertion = encode(&Header::new(Algorithm::EdDSA), &claims, &EncodingKey::from_ed_der(bench.key.pkcs8()))?;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &assertion),
    ];
    let answer: serde_json::Value =
        http.post(format!("{}/v1/oauth/token", bench.base)).form(&form).send().await?.json().await?;
    Ok(answer["access_token"].as_str().context("a token")?.to_owned())
}

async fn debits_over_http(
    bench: &Arc<Bench>,
    http: &reqwest::Client,
    token: &str,
    connections: usize,
) -> anyhow::Result<(f64, Vec<Duration>)> {
    let today = time::paris_date(time::server_now());
    let started = Instant::now();
    let tasks = (0..connections).map(|lane| {
        let (bench, http, token) = (Arc::clone(bench), http.clone(), token.to_owned());
        tokio::spawn(async move {
            let mut latencies = vec![];
            let mut turn = lane;
            while started.elapsed() < Duration::from_secs(SECONDS) {
                let card = bench.cards[turn % bench.cards.len()].to_string();
                turn += connections;
                let body = json!({
                    "card": card, "wallet_kind": "culture", "amount_cents": 1, "activity_label": "Mesure", "activity_date": today,
                });
                let sent = Instant::now();
                let request = http.post(format!("{}/v1/debits", bench.base)).bearer_auth(&token).json(&body);
                let answer = request.header("Idempotency-Key", RequestId::generate().to_string()).send().await?;
                ensure!(answer.status() == 201, "debited: {} {}", answer.status(), answer.text().await?);
                answer.bytes().await?;
                latencies.push(sent.elapsed());
            }
            anyhow::Ok(latencies)
        })
    });
    let mut latencies = vec![];
    for task in tasks.collect::<Vec<_>>() {
        latencies.extend(task.await??);
    }
    Ok((latencies.len() as f64 / started.elapsed().as_secs_f64(), latencies))
}

/// The same transaction without the service: what PostgreSQL itself allows on this machine.
fn debits_in_sql(bench: &Arc<Bench>, connections: usize) -> anyhow::Result<f64> {
    let url = bench.config.departments.first().context("a department")?.place.url.clone();
    let started = Instant::now();
    let threads = (0..connections).map(|lane| {
        let (bench, url) = (Arc::clone(bench), url.clone());
        std::thread::spawn(move || {
            let mut conn = PgConnection::establish(&url)?;
            let place = &bench.config.departments.first().context("a department")?.place;
            let begin = format!(
                "begin; set local app.kind = 'device'; set local app.device = '{}'; set local app.merchant = '{}'",
                bench.device, bench.merchant
            );
            conn.batch_execute(
                "prepare debit (uuid, uuid, uuid, bytea, bytea) as
                 select ledger_debit($1, $2, $3, $4, $5, 'culture', 1, 'Mesure', current_date)",
            )?;
            let (mut done, mut turn) = (0_u64, lane);
            while started.elapsed() < Duration::from_secs(SECONDS) {
                let card = &bench.cards[turn % bench.cards.len()];
                turn += connections;
                let fingerprint = data_encoding::HEXLOWER.encode(&cards::fingerprint(&place.key, card));
                conn.batch_execute(&begin)?;
                conn.batch_execute(&format!(
                    "execute debit ('{}', '{}', '{}', '\\x00', '\\x{fingerprint}')",
                    RequestId::generate(),
                    TransferId::generate(),
                    RequestId::generate()
                ))?;
                conn.batch_execute("commit")?;
                done += 1;
            }
            anyhow::Ok(done)
        })
    });
    let mut done = 0;
    for thread in threads.collect::<Vec<_>>() {
        done += thread.join().map_err(|_| anyhow::anyhow!("a thread failed"))??;
    }
    Ok(done as f64 / started.elapsed().as_secs_f64())
}

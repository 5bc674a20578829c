//! The load: as many tills as connections, each sends its next debit when the last one is answered.
//!
//! It shares the machine with what it measures, so it does the least: requests are written from ready pieces, and of answers only the
//! status and the length are read.

use super::{
    draw::{Access, Draw},
    report::percentile_ms,
    seed::{Seeded, Till},
    stage::Stage,
};
use crate::{
    admin,
    kernel::{time, words::WalletKind},
};
use anyhow::{Context, bail, ensure};
use serde_json::Value;
use std::{
    io::Write,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep_until,
};

/// Cents of each debit.
pub const DEBIT_CENTS: i64 = 1;
/// More than any answer to a debit.
const ANSWER_MAX_BYTES: usize = 4096;

/// How long the tills work before it counts, and while it counts.
#[derive(Debug, Clone, Copy)]
pub struct Spell {
    pub warm_up: Duration,
    pub measured: Duration,
    /// When given, each till's debits are due one every so often, however late the last answer was, and waiting counts from when it was due.
    pub pace: Option<Duration>,
}

/// What a spell of load gave.
pub struct Load {
    pub debits_per_s: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Debits answered with success, the warm-up's and the last ones' included: as many must be in the ledger.
    pub acknowledged: u64,
}

/// Lets that many tills work. Every answer must be a debit made.
pub async fn run(
    stage: &Stage,
    seeded: &Arc<Seeded>,
    access: Access,
    connections: u32,
    spell: Spell,
) -> anyhow::Result<Load> {
    let tills = seeded.tills.get(..usize::try_from(connections)?).context("fewer tills than connections")?;
    let mut lanes = vec![];
    for (number, till) in (1_u32..).zip(tills) {
        lanes.push(Lane::open(stage.config.listen, &token(stage, till, number).await?).await?);
    }
    let draw = Arc::new(Draw::new(access, seeded.wallets()));
    let begin = Instant::now();
    let running: Vec<_> = lanes
        .into_iter()
        .map(|lane| tokio::spawn(lane.work(Arc::clone(seeded), Arc::clone(&draw), begin, spell)))
        .collect();
    let (mut latencies, mut acknowledged, mut errors, mut first_error) = (vec![], 0_u64, 0_u64, None);
    for lane in running {
        let done = lane.await??;
        latencies.extend(done.latencies);
        acknowledged = acknowledged.saturating_add(done.acknowledged);
        errors = errors.saturating_add(done.errors);
        first_error = first_error.or(done.first_error);
    }
    ensure!(errors == 0, "{errors} debits were not made; the first answer: {}", first_error.unwrap_or_default());
    ensure!(!latencies.is_empty(), "no debit was made in {:?}", spell.measured);
    latencies.sort_unstable();
    #[expect(clippy::float_arithmetic, reason = "a rate, not money")]
    let debits_per_s = f64::from(u32::try_from(latencies.len())?) / spell.measured.as_secs_f64();
    let (p50_ms, p99_ms) = (percentile_ms(&latencies, 50), percentile_ms(&latencies, 99));
    Ok(Load { debits_per_s, p50_ms, p99_ms, acknowledged })
}

/// A fresh token of that till, asked from an address of its own.
pub async fn token(stage: &Stage, till: &Till, number: u32) -> anyhow::Result<String> {
    let url = &stage.config.public_url;
    let assertion = admin::device_assertion(till.device, &till.private_key, url, time::server_now())?;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &assertion),
    ];
    let [_, high, middle, low] = number.to_be_bytes();
    let http = reqwest::Client::builder().no_proxy().build()?;
    let request = http.post(format!("{url}/v1/oauth/token")).form(&form);
    let answer = request.header("X-Forwarded-For", format!("10.{high}.{middle}.{low}")).send().await?;
    let status = answer.status();
    ensure!(status.is_success(), "a till gets no token: {status} {}", answer.text().await?);
    let answer: Value = answer.json().await?;
    Ok(answer.get("access_token").and_then(Value::as_str).context("an answer without token")?.to_owned())
}

/// One till on one connection.
struct Lane {
    stream: TcpStream,
    /// Everything before the key.
    head: String,
    today: String,
    dice: fastrand::Rng,
    request: Vec<u8>,
    body: Vec<u8>,
    answer: Vec<u8>,
}

/// What one till did.
#[derive(Default)]
struct Done {
    /// Microseconds of each debit that was answered while it counted.
    latencies: Vec<u32>,
    acknowledged: u64,
    errors: u64,
    first_error: Option<String>,
}

impl Lane {
    async fn open(address: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let head = format!(
            "POST /v1/debits HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nIdempotency-Key: "
        );
        let today = time::paris_date(time::server_now()).to_string();
        let answer = Vec::with_capacity(ANSWER_MAX_BYTES);
        Ok(Self { stream, head, today, dice: fastrand::Rng::new(), request: vec![], body: vec![], answer })
    }

    async fn work(
        mut self,
        seeded: Arc<Seeded>,
        draw: Arc<Draw>,
        begin: Instant,
        spell: Spell,
    ) -> anyhow::Result<Done> {
        let mut done = Done::default();
        let end = spell.warm_up.saturating_add(spell.measured);
        // Tills do not beat time together.
        let mut due = spell.pace.map(|pace| pace.mul_f64(self.dice.f64()));
        loop {
            let sent = due.unwrap_or_else(|| begin.elapsed());
            if sent >= end {
                return Ok(done);
            }
            if let (Some(at), Some(pace)) = (due, spell.pace) {
                sleep_until((begin + at).into()).await;
                due = Some(at.saturating_add(pace));
            }
            let (card, kind) = seeded.wallet(draw.rank(&mut self.dice)).context("a rank without wallet")?;
            self.write(card, kind)?;
            self.stream.write_all(&self.request).await?;
            let status = self.read().await?;
            let answered = begin.elapsed();
            if status != 201 {
                done.errors = done.errors.saturating_add(1);
                done.first_error.get_or_insert_with(|| String::from_utf8_lossy(&self.answer).into_owned());
                continue;
            }
            done.acknowledged = done.acknowledged.saturating_add(1);
            if answered >= spell.warm_up && answered < end {
                let micros = answered.saturating_sub(sent).as_micros();
                done.latencies.push(u32::try_from(micros).unwrap_or(u32::MAX));
            }
        }
    }

    /// The next request: that card, under a new key.
    fn write(&mut self, card: &str, kind: WalletKind) -> std::io::Result<()> {
        let Self { head, today, request, body, .. } = self;
        body.clear();
        write!(
            body,
            r#"{{"card":"{card}","wallet_kind":"{kind}","amount_cents":{DEBIT_CENTS},"activity_label":"Mesure {kind}","activity_date":"{today}"}}"#
        )?;
        let key = uuid::Builder::from_random_bytes(self.dice.u128(..).to_ne_bytes()).into_uuid();
        request.clear();
        write!(request, "{head}{key}\r\nContent-Length: {}\r\n\r\n", body.len())?;
        request.extend_from_slice(body);
        Ok(())
    }

    /// Reads one answer to its end.
    async fn read(&mut self) -> anyhow::Result<u16> {
        self.answer.clear();
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                bail!("the service closed a connection");
            }
            if let Some((status, length)) = status_and_length(&self.answer)?
                && self.answer.len() >= length
            {
                return Ok(status);
            }
            ensure!(self.answer.len() < ANSWER_MAX_BYTES, "an answer that does not end");
        }
    }
}

/// Status and whole length of the answer that begins here, once its head is there.
fn status_and_length(answer: &[u8]) -> anyhow::Result<Option<(u16, usize)>> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let (head, _) = answer.split_at(end);
    let head = std::str::from_utf8(head)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("an answer without status")?;
    let length = head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.context("an answer without length")?;
    Ok(Some((status, end.saturating_add(4).saturating_add(length))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_to_its_length() {
        let whole = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\nContent-Type: application/json\r\n\r\n{}";
        assert_eq!(status_and_length(whole).unwrap(), Some((201, whole.len())));
        assert_eq!(status_and_length(&whole[..40]).unwrap(), None);
        assert!(status_and_length(b"HTTP/1.1 201 Created\r\n\r\n").is_err());
        assert!(status_and_length(b"nonsense\r\n\r\n").is_err());
    }
}

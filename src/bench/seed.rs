//! Who pays and who is paid: children with an active enrolment, a card and two full wallets; merchants with a till of their own,
//! affiliated for both kinds. By sets of rows, not through the API; the money alone comes by the ledger's own grant.
//!
//! What `pgbench` cannot know (fingerprints, ids) lies in the schema `bench` of the department.

use super::stage::Stage;
use crate::{
    cards::{self, code::CardCode},
    kernel::{
        crypto::SigningPair,
        ids::{DeviceId, MerchantId},
        words::WalletKind,
    },
    migrate::Schema,
};
use anyhow::{Context, ensure};
use data_encoding::BASE64URL_NOPAD;
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    sql_query,
    sql_types::{Array, BigInt, Binary, Integer, Uuid},
};
use std::thread;

/// Connections that fill wallets beside each other.
const WRITERS: i32 = 2;
/// Season of every enrolment.
const SEASON: &str = "2026-2027";

/// A till and the private half of its key (PKCS#8, base64url).
pub struct Till {
    pub device: DeviceId,
    pub private_key: String,
}

/// What the load needs to know.
pub struct Seeded {
    pub tills: Vec<Till>,
    cards: Vec<String>,
    /// Which wallet has which rank: shuffled, so that ranks that are often drawn lie anywhere.
    ranked: Vec<i32>,
}

impl Seeded {
    /// How many wallets there are.
    #[must_use]
    pub const fn wallets(&self) -> usize {
        self.ranked.len()
    }

    /// Card and kind of the wallet of that rank, counted from 0.
    #[must_use]
    pub fn wallet(&self, rank: usize) -> Option<(&str, WalletKind)> {
        let wallet = self.ranked.get(rank)?;
        let kind = if wallet % 2 == 0 { WalletKind::Culture } else { WalletKind::Sport };
        Some((self.cards.get(usize::try_from(wallet / 2).ok()?)?, kind))
    }
}

/// Fills both databases; each wallet with so many cents.
pub fn seed(stage: &Stage, children: u32, merchants: u32, cents: i64) -> anyhow::Result<Seeded> {
    let tills = seed_tills(stage, merchants)?;
    let mut conn = stage.connect(stage.department_schema())?;
    let cards = seed_children(stage, &mut conn, children)?;
    seed_wallets(stage, children, cents)?;
    let mut ranked: Vec<i32> = (0..i32::try_from(children)?.saturating_mul(2)).collect();
    fastrand::shuffle(&mut ranked);
    rank_wallets(&mut conn, &ranked)?;
    let app = stage.department_schema().app();
    conn.batch_execute(&format!(
        "grant usage on schema bench to {app}; grant select on all tables in schema bench to {app}"
    ))?;
    // One by one: `vacuum` runs in no transaction.
    conn.batch_execute("vacuum analyze")?;
    stage.connect(Schema::Directory)?.batch_execute("vacuum analyze")?;
    Ok(Seeded { tills, cards, ranked })
}

fn seed_tills(stage: &Stage, merchants: u32) -> anyhow::Result<Vec<Till>> {
    let (mut tills, mut devices, mut owners, mut keys) = (vec![], vec![], vec![], vec![]);
    for _ in 0..merchants {
        let (device, pair) = (DeviceId::generate(), SigningPair::generate()?);
        tills.push(Till { device, private_key: BASE64URL_NOPAD.encode(pair.pkcs8()) });
        devices.push(device.uuid());
        owners.push(MerchantId::generate().uuid());
        keys.push(pair.public());
    }
    let mut directory = stage.connect(Schema::Directory)?;
    sql_query(
        "insert into merchants (id, siret, name, created_at)
         select id, lpad(n::text, 14, '0'), 'Théâtre ' || n, now() from unnest($1) with ordinality t (id, n)",
    )
    .bind::<Array<Uuid>, _>(&owners)
    .execute(&mut directory)?;
    sql_query(format!(
        "insert into devices (id, merchant_id, department, kind, label, state, public_key, created_at)
         select device, merchant, '{}', 'till', 'Caisse', 'active', key, now()
           from unnest($1, $2, $3) t (device, merchant, key)",
        stage.department
    ))
    .bind::<Array<Uuid>, _>(&devices)
    .bind::<Array<Uuid>, _>(&owners)
    .bind::<Array<Binary>, _>(&keys)
    .execute(&mut directory)?;

    let mut conn = stage.connect(stage.department_schema())?;
    conn.batch_execute(
        "create schema bench;
         create unlogged table bench.tills (n integer primary key, device uuid not null, merchant uuid not null)",
    )?;
    sql_query("insert into bench.tills (n, device, merchant) select n, device, merchant from unnest($1, $2) with ordinality t (device, merchant, n)")
        .bind::<Array<Uuid>, _>(&devices)
        .bind::<Array<Uuid>, _>(&owners)
        .execute(&mut conn)?;
    conn.batch_execute(
        "insert into ledger_accounts (id, kind, merchant_id) select time_ordered_id(), 'merchant', merchant from bench.tills;
         insert into affiliations (id, merchant_id, merchant_name, account_id, wallet_kind, state, starts_on, created_at)
             select time_ordered_id(), t.merchant, 'Théâtre ' || t.n, a.id, k.kind, 'active', '2020-01-01', now()
               from bench.tills t join ledger_accounts a on a.merchant_id = t.merchant
              cross join (values ('culture'), ('sport')) k (kind)",
    )?;
    Ok(tills)
}

/// Families of one child each, and the children's cards: their numbers are given back.
fn seed_children(stage: &Stage, conn: &mut PgConnection, children: u32) -> anyhow::Result<Vec<String>> {
    let key = &stage.config.departments.first().context("no department")?.place.key;
    let codes: Vec<CardCode> = (0..children).map(|_| CardCode::generate(stage.department)).collect();
    let fingerprints: Vec<Vec<u8>> = codes.iter().map(|code| cards::fingerprint(key, code)).collect();
    conn.batch_execute(
        "create unlogged table bench.cards (
             n integer primary key, family uuid not null, child uuid not null, enrolment uuid not null, fingerprint bytea not null)",
    )?;
    sql_query(
        "insert into bench.cards (n, family, child, enrolment, fingerprint)
         select n, time_ordered_id(), time_ordered_id(), time_ordered_id(), print
           from unnest($1) with ordinality t (print, n)",
    )
    .bind::<Array<Binary>, _>(&fingerprints)
    .execute(conn)?;
    let department = stage.department;
    conn.batch_execute(&format!(
        "insert into families (id, created_by, created_at) select family, gen_random_uuid(), now() from bench.cards;
         insert into children (id, family_id, first_names, last_name, birth_date, residence, created_at)
             select child, family, 'Lou', 'Mesure ' || n, '2015-03-14', '{department}', now() from bench.cards;
         insert into enrolments (id, child_id, family_id, season, state, college_uai, college_name, in_network, level, formula,
                                 declares_scholarship, ase, created_at)
             select enrolment, child, family, '{SEASON}', 'active', '0920001B', 'Collège', true, '6e', 'culture', false, false, now()
               from bench.cards;
         insert into cards (id, child_id, family_id, state, code_fingerprint, code_sealed, valid_until, issued_at)
             select time_ordered_id(), child, family, 'active', fingerprint, '', '2100-01-01', now() from bench.cards;
         analyze"
    ))?;
    Ok(codes.iter().map(ToString::to_string).collect())
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Two full wallets a child, filled as the service fills them: what the ledger proves stays proven.
fn seed_wallets(stage: &Stage, children: u32, cents: i64) -> anyhow::Result<()> {
    let fill = |writer: i32| {
        let mut conn = stage.connect(stage.department_schema())?;
        // The plans are made while the tables are empty, and would read them whole however they grow.
        conn.batch_execute("set app.kind = 'system'; set enable_seqscan = off")?;
        let made: Counted = sql_query(
            "select count(*) filter (where made) as n
               from (select ledger_grant(gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), c.enrolment, k.kind, 'base', $1,
                                          '2100-01-01', '2101-01-01') as made
                       from bench.cards c cross join (values ('culture'), ('sport')) k (kind)
                      where c.n % $2 = $3) g",
        )
        .bind::<BigInt, _>(cents)
        .bind::<Integer, _>(WRITERS)
        .bind::<Integer, _>(writer)
        .get_result(&mut conn)?;
        anyhow::Ok(made.n)
    };
    let made = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(move || fill(writer))).collect();
        writers.into_iter().try_fold(0_i64, |sum, writer| {
            let made = writer.join().map_err(|_| anyhow::anyhow!("a writer of wallets failed"))??;
            anyhow::Ok(sum.saturating_add(made))
        })
    })?;
    ensure!(made == i64::from(children).saturating_mul(2), "{made} wallets filled for {children} children");
    Ok(())
}

fn rank_wallets(conn: &mut PgConnection, ranked: &[i32]) -> anyhow::Result<()> {
    conn.batch_execute(
        "create unlogged table bench.wallets (rank integer primary key, fingerprint bytea not null, kind text not null)",
    )?;
    sql_query(
        "insert into bench.wallets (rank, fingerprint, kind)
         select r.rank, c.fingerprint, case when r.wallet % 2 = 0 then 'culture' else 'sport' end
           from unnest($1) with ordinality r (wallet, rank) join bench.cards c on c.n = r.wallet / 2 + 1",
    )
    .bind::<Array<Integer>, _>(ranked)
    .execute(conn)?;
    Ok(())
}

//! A school year of the canteen: collèges with a gate each, pupils with a card, a portrait and their meals. By sets of rows, not through
//! the API.

use crate::{
    bench::{meals::publish, photo::picture::telephone, roster::uai, seed::Till, stage::Stage},
    cards::{self, code::CardCode},
    kernel::{
        age::Recipient,
        crypto::{MasterKey, SigningPair},
        ids::{CanteenOperatorId, ChildId, DeviceId},
        text::Uai,
        time::{paris_date, server_now},
    },
    migrate::Schema,
    photos::{Size, picture},
};
use anyhow::{Context, anyhow};
use chrono::Datelike;
use data_encoding::BASE64URL_NOPAD;
use diesel::{
    PgConnection, RunQueryDsl,
    connection::SimpleConnection,
    sql_query,
    sql_types::{Array, Binary, Integer, Text, Uuid},
};

/// Whose lists nobody opens here.
const RECIPIENT: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
/// Portraits inserted at a time.
const CHUNK: usize = 1_000;

/// A gate, and the cards of its collège.
pub struct SeededGate {
    pub device: Till,
    pub cards: Vec<SeededCard>,
}

/// A card whose child has a meal today, or comes without.
pub struct SeededCard {
    pub code: String,
    pub has_meal: bool,
}

/// One child in so many has no meal today.
const WITHOUT_MEAL: usize = 10;

/// What there is to fill in.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    pub enrolments: u32,
    pub colleges: u32,
    /// Days with a meal for everybody, of which today is one.
    pub days: u32,
}

/// Fills both databases.
pub fn seed(stage: &Stage, size: Extent) -> anyhow::Result<Vec<SeededGate>> {
    let colleges = (0..usize::try_from(size.colleges)?).map(uai).collect::<anyhow::Result<Vec<_>>>()?;
    let operator = CanteenOperatorId::generate();
    let devices = seed_gates(stage, operator, &colleges)?;
    let mut conn = stage.connect(stage.department_schema())?;
    seed_canteen(&mut conn, operator, &colleges)?;
    let today = paris_date(server_now());
    let year = if today.month() < 9 { today.year().saturating_sub(1) } else { today.year() };
    publish(&mut conn, year, 1, &[])?;
    let key = &stage.config.departments.first().context("no department")?.place.key;
    let codes: Vec<CardCode> = (0..size.enrolments).map(|_| CardCode::generate(stage.department)).collect();
    let children: Vec<ChildId> = codes.iter().map(|_| ChildId::generate()).collect();
    seed_children(&mut conn, stage, key, &codes, &children)?;
    seed_portraits(&mut conn, key, &children)?;
    seed_meals(&mut conn, &colleges, size.days)?;
    conn.batch_execute(&format!(
        "delete from canteen_meals m using bench.pupils p where m.person_id = p.child and m.day = today() and p.n % {WITHOUT_MEAL} = 0"
    ))?;
    // One by one: `vacuum` runs in no transaction.
    conn.batch_execute("vacuum analyze")?;
    stage.connect(Schema::Directory)?.batch_execute("vacuum analyze")?;
    stage.settle()?;
    let mut gates: Vec<SeededGate> = devices.into_iter().map(|device| SeededGate { device, cards: vec![] }).collect();
    for ((rank, code), place) in codes.iter().enumerate().zip((0..gates.len()).cycle()) {
        if let Some(gate) = gates.get_mut(place) {
            gate.cards.push(SeededCard { code: code.to_string(), has_meal: !rank.is_multiple_of(WITHOUT_MEAL) });
        }
    }
    Ok(gates)
}

fn seed_gates(stage: &Stage, operator: CanteenOperatorId, colleges: &[Uai]) -> anyhow::Result<Vec<Till>> {
    let _: Recipient = RECIPIENT.parse().map_err(|reason: String| anyhow!(reason))?;
    let (mut gates, mut devices, mut keys) = (vec![], vec![], vec![]);
    for _ in colleges {
        let (device, pair) = (DeviceId::generate(), SigningPair::generate()?);
        gates.push(Till { device, private_key: BASE64URL_NOPAD.encode(pair.pkcs8()) });
        devices.push(device.uuid());
        keys.push(pair.public());
    }
    sql_query(format!(
        "insert into devices (id, operator_id, department, kind, college_uai, label, state, public_key, recipient, created_at)
         select device, $1, '{}', 'gate', uai, 'Entrée', 'active', key, '{RECIPIENT}', now()
           from unnest($2, $3, $4) t (device, uai, key)",
        stage.department
    ))
    .bind::<Uuid, _>(operator)
    .bind::<Array<Uuid>, _>(&devices)
    .bind::<Array<Text>, _>(colleges)
    .bind::<Array<Binary>, _>(&keys)
    .execute(&mut stage.connect(Schema::Directory)?)?;
    Ok(gates)
}

fn seed_canteen(conn: &mut PgConnection, operator: CanteenOperatorId, colleges: &[Uai]) -> anyhow::Result<()> {
    conn.batch_execute(&format!(
        "create schema bench;
         create unlogged table bench.pupils (n integer primary key, family uuid, child uuid, enrolment uuid, fingerprint bytea, sealed bytea);
         insert into canteen_services values (time_ordered_id(), '2020-01-01', null, gen_random_uuid(), now());
         insert into canteen_operators values ('{operator}', 'Cuisines', gen_random_uuid(), now())"
    ))?;
    for table in ["canteen_colleges (id, uai", "canteen_operator_sites (operator_id, id, college_uai"] {
        let operator = if table.starts_with("canteen_operator") { format!("'{operator}', ") } else { String::new() };
        sql_query(format!(
            "insert into {table}, starts_on, declared_by, declared_at)
             select {operator}time_ordered_id(), uai, '2020-01-01', gen_random_uuid(), now() from unnest($1) uai"
        ))
        .bind::<Array<Text>, _>(colleges)
        .execute(conn)?;
    }
    Ok(())
}

fn seed_children(
    conn: &mut PgConnection,
    stage: &Stage,
    key: &MasterKey,
    codes: &[CardCode],
    children: &[ChildId],
) -> anyhow::Result<()> {
    let prints: Vec<Vec<u8>> = codes.iter().map(|code| cards::fingerprint(key, code)).collect();
    // Cards are sealed to their id: here, that of their child.
    let sealed = codes.iter().zip(children).map(|(code, child)| cards::sealed_code(key, child.uuid(), code));
    let sealed = sealed.collect::<Result<Vec<_>, _>>().map_err(|error| anyhow!("{error}"))?;
    sql_query(
        "insert into bench.pupils
         select n - 1, time_ordered_id(), child, time_ordered_id(), print, sealed
           from unnest($1, $2, $3) with ordinality t (child, print, sealed, n)",
    )
    .bind::<Array<Uuid>, _>(children)
    .bind::<Array<Binary>, _>(&prints)
    .bind::<Array<Binary>, _>(&sealed)
    .execute(conn)?;
    let department = stage.department;
    conn.batch_execute(&format!(
        "insert into families (id, created_by, created_at) select family, gen_random_uuid(), now() from bench.pupils;
         insert into children (id, family_id, first_names, last_name, birth_date, residence, created_at)
             select child, family, 'Lou', 'Mesure ' || n, '2015-03-14', '{department}', now() from bench.pupils;
         insert into cards (id, child_id, family_id, state, code_fingerprint, code_sealed, valid_until, issued_at)
             select child, child, family, 'active', fingerprint, sealed, '2100-01-01', now() from bench.pupils"
    ))?;
    Ok(())
}

/// Everybody has the same portrait, sealed to him.
fn seed_portraits(conn: &mut PgConnection, key: &MasterKey, children: &[ChildId]) -> anyhow::Result<()> {
    let portrait = picture::normalise(&telephone()?)?;
    let jpeg = picture::smaller(&portrait.jpeg, Size::Gate)?;
    for chunk in children.chunks(CHUNK) {
        let sealed = chunk.iter().map(|child| key.seal(Size::Gate.purpose(), child.uuid().as_bytes(), &jpeg));
        let sealed = sealed.collect::<Result<Vec<_>, _>>()?;
        sql_query(
            "insert into photos (id, child_id, family_id, state, image_sealed, till_sealed, gate_sealed, submitted_at, decided_by, decided_at)
             select time_ordered_id(), p.child, p.family, 'accepted', '', '', t.sealed, now(), gen_random_uuid(), now()
               from unnest($1, $2) t (child, sealed) join bench.pupils p on p.child = t.child",
        )
        .bind::<Array<Uuid>, _>(chunk)
        .bind::<Array<Binary>, _>(&sealed)
        .execute(conn)?;
    }
    Ok(())
}

/// A meal for everybody today and on days around: taken before, reserved from today on. Laid out, as far as the worker knows, whatever the
/// calendar: it would close half of them, with a letter to each family, while gates are measured.
fn seed_meals(conn: &mut PgConnection, colleges: &[Uai], days: u32) -> anyhow::Result<()> {
    sql_query(
        "insert into canteen_enrolments (id, season, diner, person_id, family_id, college_uai, weekdays, diet, starts_on, ends_on, state,
                                         enrolled_by, enrolled_at, laid_out_version)
         select enrolment, canteen_season(today()), 'pupil', child, family, ($1)[n % $2 + 1], 31, 'everything', today() - 365, today() + 365, 'active',
                gen_random_uuid(), now(), 1 from bench.pupils",
    )
    .bind::<Array<Text>, _>(colleges)
    .bind::<Integer, _>(i32::try_from(colleges.len())?)
    .execute(conn)?;
    sql_query(
        "insert into canteen_meals
         select e.person_id, d.day, e.id, e.family_id, e.college_uai, case when d.day < today() then 'consumed' else 'reserved' end, now()
           from canteen_enrolments e cross join (select today() + n - $1 / 2 as day from generate_series(0, $1 - 1) n) d",
    )
    .bind::<Integer, _>(i32::try_from(days)?)
    .execute(conn)?;
    Ok(())
}

//! The end of a season: tried first, ordered with the figures of the trial, carried out in batches, each wallet once; and what comes back
//! afterwards keeps the books right.

use crate::{
    ledger::Books,
    ledger_rules::set_rules,
    support::{Agent, Answer, Api, COLLEGE, SEASON, Scene, World, key},
};
use chrono::TimeDelta;
use diesel::{QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_types};
use passplus::{
    error::{Error, Refusal},
    kernel::{actor::Caller, time::server_now},
    ledger::expiry,
};
use serde_json::{Value, json};

const EXPIRY: &str = "/v1/departments/92/seasons/2026-2027/expiry";
const AFTER_THE_SEASON: &str = "2027-07-01T08:00:00Z";

/// A finance agent, once the season is over.
async fn finance_after(scene: &mut Scene) -> Agent {
    scene.wait_until(AFTER_THE_SEASON).await;
    scene.administrator().await;
    scene.world.agent("92", "finance").await
}

fn figures(wallets: i64, cents: i64) -> Value {
    json!({ "expected_wallets": wallets, "expected_cents": cents })
}

/// An order given by one person and approved by the administrator.
async fn ordered(scene: &Scene, by: &Api, order: Value) -> Answer {
    let given = by.post(EXPIRY, order).await.expect(201);
    decide(&scene.world.administrator, &given, "approve").await.expect(200)
}

async fn decide(api: &Api, order: &Answer, word: &str) -> Answer {
    api.post(&format!("{EXPIRY}/{}/{word}", order.text("/order/id")), json!({})).await
}

/// The last lines of a wallet, newest first: kind and amount.
async fn last_lines(scene: &Scene, wallet: &str, count: usize) -> Vec<(String, i64)> {
    let path = scene.family.path(&format!("wallets/{wallet}/statement?limit={count}"));
    let lines = scene.family.get(&path).await.expect(200);
    let line = |row: &Value| (row["kind"].as_str().unwrap().to_owned(), row["amount_cents"].as_i64().unwrap());
    lines.items().iter().map(line).collect()
}

fn lines(lines: &[(&str, i64)]) -> Vec<(String, i64)> {
    lines.iter().map(|(kind, cents)| ((*kind).to_owned(), *cents)).collect()
}

/// A connection of the service's own role, as that caller.
fn act_as(scene: &Scene, settings: &[(&str, &str)]) -> diesel::PgConnection {
    let mut conn = scene.world.app_role("92");
    let offset = (scene.world.app.db.server_now() - server_now()).num_seconds();
    conn.batch_execute(&format!("set app.clock_offset = '{offset} seconds'")).unwrap();
    for (name, value) in settings {
        conn.batch_execute(&format!("set app.{name} = '{value}'")).unwrap();
    }
    conn
}

#[derive(QueryableByName)]
struct Text {
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    text: Option<String>,
}

/// The one text of a query.
fn text(conn: &mut diesel::PgConnection, sql: &str) -> Option<String> {
    let row: Text = diesel::sql_query(sql).get_result(conn).unwrap_or_else(|error| panic!("{sql}: {error}"));
    row.text
}

#[actix_web::test]
async fn what_was_not_spent_is_lost_once_after_a_trial_and_an_order() {
    let mut scene = Scene::set().await;
    let debit = scene.debit("culture", 1_500).await.expect(201).text("/id");
    let early = scene.world.agent("92", "finance").await;
    let trial = early.get(EXPIRY).await.expect(200);
    assert_eq!((trial.number("/wallets"), trial.number("/still_open"), trial.number("/cents")), (2, 2, 6_500));

    let finance = finance_after(&mut scene).await;
    let trial = finance.get(EXPIRY).await.expect(200);
    let expected = json!({
        "season": SEASON, "spend_before": "2027-06-30T22:00:00Z", "wallets": 2, "still_open": 0, "already_swept": 0,
        "cents": 6_500, "culture_cents": 4_500, "sport_cents": 2_000, "held_cents": 0,
    });
    assert_eq!(trial.json, expected);
    for (wallets, cents) in [(1, 6_500), (2, 6_499)] {
        let refused = finance.post(EXPIRY, figures(wallets, cents)).await.refused(409, "expiry.figures_changed");
        assert!(refused.text("/detail").contains("65,00 €"), "{}", refused.json);
    }
    let past = json!({ "expected_wallets": 2, "expected_cents": 6_500, "runs_at": "2027-07-01T07:00:00Z" });
    assert_eq!(finance.post(EXPIRY, past).await.refused(422, "request.invalid").pointers(), ["/runs_at"]);
    scene.world.work_off().await;
    assert_eq!(finance.get(EXPIRY).await.expect(200).json, expected, "nothing moves without an order");

    let night = json!({ "expected_wallets": 2, "expected_cents": 6_500, "runs_at": "2027-07-01T08:05:00Z" });
    let ordered = finance.post(EXPIRY, night).await.expect(201);
    assert_eq!(ordered.text("/order/runs_at"), "2027-07-01T08:05:00Z");
    finance.post(EXPIRY, figures(2, 6_500)).await.refused(409, "expiry.already_ordered");
    decide(&scene.world.administrator, &ordered, "approve").await.expect(200);
    scene.world.work_off().await;
    assert_eq!(finance.get(EXPIRY).await.expect(200).number("/order/wallets_swept"), 0, "its instant has not come");
    scene.world.advance(TimeDelta::seconds(305));
    scene.world.work_off().await;
    let done = finance.get(EXPIRY).await.expect(200);
    assert_eq!((done.number("/wallets"), done.number("/already_swept"), done.number("/cents")), (0, 2, 0));
    assert_eq!((done.number("/order/wallets_swept"), done.number("/order/lost_cents")), (2, 6_500));
    done.text("/order/done_at");
    assert_eq!(last_lines(&scene, &scene.pupil.culture, 1).await, lines(&[("expiry", -4_500)]));
    assert_eq!(last_lines(&scene, &scene.pupil.sport, 1).await, lines(&[("expiry", -2_000)]));

    // Given back to a season that is over, it is lost again.
    scene.world.renew(&mut scene.till).await;
    scene.refund(&debit, 500).await.expect(201);
    assert_eq!(last_lines(&scene, &scene.pupil.culture, 2).await, lines(&[("expiry", -500), ("refund", 500)]));
    let correction = json!({ "transfer_id": debit, "amount_cents": 300, "reason": "refund_agreed" });
    let corrections = "/v1/departments/92/corrections";
    finance.post_keyed(corrections, &key(), correction).await.expect(201);
    assert_eq!(last_lines(&scene, &scene.pupil.culture, 2).await, lines(&[("expiry", -300), ("reversal", 300)]));
    let books = Books::read(&scene.world);
    assert_eq!((books.balance(&scene.pupil.culture), books.prove()), (0, Ok(())));
}

#[actix_web::test]
async fn an_end_ordered_ahead_waits_for_another_person_and_for_the_limit_and_is_reported() {
    let mut scene = Scene::set().await;
    let finance = scene.world.agent("92", "finance").await;
    let ahead = json!({ "expected_wallets": 0, "expected_cents": 0, "runs_at": "2027-01-10T08:00:00Z" });
    let given = finance.post(EXPIRY, ahead.clone()).await.expect(201);
    assert_eq!((given.text("/order/state"), given.number("/order/expected_cents")), ("proposed".to_owned(), 8_000));
    assert_eq!(given.text("/order/runs_at"), "2027-06-30T22:00:00Z", "never before the limit");
    decide(&finance, &given, "approve").await.refused(409, "four_eyes.same_person");
    assert_eq!(decide(&finance, &given, "refuse").await.expect(200).text("/order/state"), "refused");
    decide(&scene.world.administrator, &given, "approve").await.refused(409, "expiry.transition");
    let given = finance.post(EXPIRY, ahead).await.expect(201);
    let second = scene.world.agent("92", "finance").await;
    let approved = decide(&second, &given, "approve").await.expect(200);
    assert_ne!(approved.at("/order/decided_by"), approved.at("/order/ordered_by"));
    decide(&second, &given, "refuse").await.refused(409, "expiry.transition");
    let elsewhere = EXPIRY.replace("2026", "2025").replace("2027", "2026");
    let path = format!("{elsewhere}/{}/refuse", given.text("/order/id"));
    second.post(&path, json!({})).await.refused(404, "not_found");
    scene.wait_until("2027-06-30T21:59:50Z").await;
    scene.world.work_off().await;
    assert_eq!(scene.sums("culture").await, (6_000, 0, 6_000));

    let finance = finance_after(&mut scene).await;
    scene.world.work_off().await;
    assert_eq!(scene.sums("culture").await, (0, 0, 0));
    finance.get(EXPIRY).await.expect(200).text("/order/done_at");
    let report = finance.get(&format!("{EXPIRY}/report")).await.expect(200);
    let line = |kind: &str, cents: i64| json!({ "wallet_kind": kind, "wallets": 1, "lost_cents": cents, "given_back_cents": 0 });
    assert_eq!(report.json, json!({ "season": SEASON, "lines": [line("culture", 6_000), line("sport", 2_000)] }));
    let csv = finance.get(&format!("{EXPIRY}/report.csv")).await.expect(200);
    let csv = String::from_utf8(csv.bytes).unwrap();
    assert!(csv.ends_with("2026-2027;culture;1;60,00;0,00\r\n2026-2027;sport;1;20,00;0,00\r\n"), "{csv}");
}

#[actix_web::test]
async fn an_order_that_nobody_approved_takes_nothing() {
    let mut scene = Scene::set().await;
    let finance = finance_after(&mut scene).await;
    finance.post(EXPIRY, figures(2, 8_000)).await.expect(201);
    scene.world.work_off().await;
    assert_eq!(Books::read(&scene.world).balance(&scene.pupil.culture), 6_000);
}

#[actix_web::test]
async fn a_loss_that_was_a_mistake_is_undone_and_stays() {
    let mut scene = Scene::set().await;
    let finance = finance_after(&mut scene).await;
    ordered(&scene, &finance, figures(2, 8_000)).await;
    scene.world.work_off().await;
    let path = scene.family.path(&format!("wallets/{}/statement?limit=1", scene.pupil.sport));
    let lost = scene.family.get(&path).await.expect(200).text("/items/0/id");
    let correction = json!({ "transfer_id": lost, "amount_cents": 2_000, "reason": "data_entry_error" });
    finance.post_keyed("/v1/departments/92/corrections", &key(), correction).await.expect(201);
    let books = Books::read(&scene.world);
    assert_eq!((books.balance(&scene.pupil.sport), books.prove()), (2_000, Ok(())));
    // It is not swept again by itself.
    ordered(&scene, &finance, figures(0, 0)).await;
    scene.world.work_off().await;
    assert_eq!(Books::read(&scene.world).balance(&scene.pupil.sport), 2_000);
}

#[actix_web::test]
async fn a_ticket_made_in_time_is_captured_after_the_sweep_and_its_rest_is_lost() {
    let mut scene = Scene::set().await;
    let me = scene.family.get("/v1/me").await.text("/account_id");
    let mut guardian = act_as(&scene, &[("kind", "guardian"), ("account", &me)]);
    let ids = [key(), key(), key()];
    for (code, id) in [("\\x01", &ids[0]), ("\\x02", &ids[1]), ("\\x03", &ids[2])] {
        let sql = format!(
            "select (ledger_set_aside('{}', '{id}', '{}', '\\x00', 'ticket', '{}', null, 1000, null, null, '{code}', '\\x00')).reason as text",
            key(),
            key(),
            scene.pupil.culture
        );
        assert_eq!(text(&mut guardian, &sql), None);
    }
    let finance = finance_after(&mut scene).await;
    let trial = finance.get(EXPIRY).await.expect(200);
    assert_eq!((trial.number("/cents"), trial.number("/held_cents")), (5_000, 3_000));
    ordered(&scene, &finance, figures(2, 5_000)).await;
    scene.world.work_off().await;
    let books = Books::read(&scene.world);
    assert_eq!((books.balance(&scene.pupil.culture), books.prove()), (3_000, Ok(())));

    let till = [("kind", "device"), ("device", scene.till.device.as_str()), ("merchant", scene.till.merchant.as_str())];
    let mut device = act_as(&scene, &till);
    for (code, cents) in [("\\x01", 600), ("\\x02", 1_000)] {
        let sql = format!(
            "select (ledger_capture('{}', '{}', '{}', '\\x00', null, '{code}', {cents}, 'Spectacle', '2027-07-10')).reason as text",
            key(),
            key(),
            key()
        );
        assert_eq!(text(&mut device, &sql), None);
    }
    let captured = [("debit", -1_000), ("expiry", -400), ("debit", -600)];
    assert_eq!(last_lines(&scene, &scene.pupil.culture, 3).await, lines(&captured));
    // One nobody captured, a year later.
    let mut guardian = act_as(&scene, &[("kind", "guardian"), ("account", &me)]);
    assert_eq!(text(&mut guardian, &format!("select ledger_release('{}', '{}') as text", key(), ids[2])), None);
    assert_eq!(last_lines(&scene, &scene.pupil.culture, 1).await, lines(&[("expiry", -1_000)]));
    let books = Books::read(&scene.world);
    assert_eq!((books.balance(&scene.pupil.culture), books.prove()), (0, Ok(())));
}

/// So many pupils of the season, each with 10 € of culture and 10 € of sport, granted by the ledger itself.
fn seed(world: &World, pupils: usize) {
    let mut conn = world.superuser("92");
    let offset = (world.app.db.server_now() - server_now()).num_seconds();
    conn.batch_execute(&format!(
        "set app.kind = 'system'; set app.clock_offset = '{offset} seconds';
         create temp table seeds as select gen_random_uuid() as family, gen_random_uuid() as child, gen_random_uuid() as enrolment
           from generate_series(1, {pupils});
         insert into families (id, created_by, created_at) select family, family, instant() from seeds;
         insert into children (id, family_id, first_names, last_name, birth_date, residence, created_at)
           select child, family, 'Lou', 'Martin', '2015-03-14', '92', instant() from seeds;
         insert into enrolments (id, child_id, family_id, season, state, college_uai, college_name, in_network, level, formula,
                                 declares_scholarship, ase, created_at, submitted_at)
           select enrolment, child, family, '{SEASON}', 'active', '{COLLEGE}', 'Collège', true, '6e', 'culture', false, false,
                  instant(), instant() from seeds;
         select count(ledger_grant(gen_random_uuid(), time_ordered_id(), gen_random_uuid(), enrolment, kind, 'base', 1000,
                                   '2027-06-30T22:00:00Z', '2028-06-30T22:00:00Z'))
           from seeds, unnest(array['culture', 'sport']) kind;"
    ))
    .unwrap();
}

/// Runs one batch as the worker does; with `killed`, it does not live to commit.
async fn one_batch(world: &World, killed: bool) -> Result<bool, Error> {
    let batch = move |tx: &mut passplus::db::Tx<'_>| {
        let swept = expiry::sweep_batch(tx)?;
        if killed { Err(Refusal::Unavailable.into()) } else { Ok(swept) }
    };
    world.app.db.write("92".parse().unwrap(), &Caller::system(), batch).await
}

#[actix_web::test]
async fn a_worker_killed_between_batches_is_followed_by_one_that_goes_on_and_no_wallet_is_swept_twice() {
    let mut world = World::start().await;
    seed(&world, 10_000);
    world.advance("2027-07-01T08:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap() - world.app.db.server_now());
    world.wake_administrators().await;
    let api: Api = world.administrator.api.clone();
    assert_eq!(api.get(EXPIRY).await.expect(200).number("/wallets"), 20_000);
    let given = api.post(EXPIRY, figures(20_000, 20_000_000)).await.expect(201);
    decide(&world.agent("92", "finance").await.api, &given, "approve").await.expect(200);
    let progress = async || {
        let shown = api.get(EXPIRY).await.expect(200);
        (shown.number("/order/wallets_swept"), shown.number("/order/lost_cents"), shown.number("/wallets"))
    };
    assert_eq!(one_batch(&world, false).await.ok(), Some(true));
    assert_eq!(progress().await, (1_000, 1_000_000, 19_000));
    assert!(one_batch(&world, true).await.is_err());
    assert_eq!(progress().await, (1_000, 1_000_000, 19_000), "what did not commit was not swept");
    // Two workers at once do not do the same.
    let begun = std::time::Instant::now();
    let worker = async || while one_batch(&world, false).await.unwrap() {};
    tokio::join!(worker(), worker());
    world.work_off().await;
    let took = begun.elapsed();
    assert_eq!(progress().await, (20_000, 20_000_000, 0));
    api.get(EXPIRY).await.expect(200).text("/order/done_at");
    assert!(took.as_secs() < 20, "19,000 wallets took {took:?}");
    println!("19,000 wallets swept in {took:?}");

    let mut conn = world.superuser("92");
    let wrong = "select count(*)::text as text from wallets w
                  where balance_cents <> 0 or swept_at is null or version <> 2
                     or (select count(*) from transfers t where t.wallet_id = w.id and t.kind = 'expiry' and t.amount_cents = 1000) <> 1
                     or w.head <> (select t.hash from transfers t where t.wallet_id = w.id and t.wallet_version = 2)";
    assert_eq!(text(&mut conn, wrong), Some("0".to_owned()));
    let lost = "select sum(cents)::text as text from ledger_entries e join ledger_accounts a on a.id = e.account_id where a.kind = 'expired'";
    assert_eq!(text(&mut conn, lost), Some("20000000".to_owned()));
}

#[actix_web::test]
async fn only_finance_and_administrators_end_a_season_with_a_fresh_second_factor() {
    let mut scene = Scene::set().await;
    set_rules(&scene.world, json!({})).await;
    let finance = finance_after(&mut scene).await;
    let mut callers: Vec<(Api, u16, &str)> = vec![];
    for function in ["case_worker", "dpo"] {
        callers.push((scene.world.agent("92", function).await.api, 403, "auth.forbidden"));
    }
    callers.push((scene.family.api.clone(), 403, "auth.forbidden"));
    callers.push((scene.till.api.clone(), 403, "auth.forbidden"));
    callers.push((scene.world.api.clone(), 401, "auth.required"));
    for (api, status, code) in &callers {
        api.get(EXPIRY).await.refused(*status, code);
        api.post(EXPIRY, figures(2, 8_000)).await.refused(*status, code);
    }
    // A time code serves once: the next one.
    scene.world.advance(TimeDelta::seconds(31));
    scene.world.wake_administrators().await;
    let finance_78 = scene.world.agent("78", "finance").await;
    finance_78.get(EXPIRY).await.refused(404, "not_found");
    finance_78.post(EXPIRY, figures(2, 8_000)).await.refused(404, "not_found");
    finance.get("/v1/departments/92/seasons/2041-2042/expiry").await.refused(404, "not_found");
    finance.post("/v1/departments/92/seasons/2041-2042/expiry", figures(0, 0)).await.refused(404, "not_found");
    scene.world.advance(TimeDelta::minutes(6));
    finance.post(EXPIRY, figures(2, 8_000)).await.refused(403, "auth.step_up_required");
}

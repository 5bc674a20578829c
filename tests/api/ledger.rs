//! The ledger proves itself: after any history it is what a plain model says, and nobody but its own functions can write it.

pub use crate::support::Books;
use crate::support::{Answer, Scene, Till, debit, key, server_log, without_instance};
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The plain model: what is in each wallet, what is left of each debit, what each merchant is owed.
#[derive(Default)]
struct Plain {
    wallets: BTreeMap<String, i64>,
    owed: BTreeMap<String, i64>,
    debits: Vec<Taken>,
    asked: Vec<(usize, String, String, Value, Answer)>,
}

struct Taken {
    id: String,
    wallet: String,
    till: usize,
    left: i64,
}

async fn play(seed: u64) {
    let scene = Scene::set().await;
    let pupils = [&scene.pupil, &scene.sibling("Ana").await, &scene.sibling("Eva").await];
    let tills: [&Till; 2] = [&scene.till, &scene.world.till(&["culture", "sport"]).await];
    let mut plain = Plain::default();
    for pupil in pupils {
        plain.wallets.insert(pupil.culture.clone(), 6_000);
        plain.wallets.insert(pupil.sport.clone(), 2_000);
    }
    let mut dice = fastrand::Rng::with_seed(seed);
    let (mut moved, mut refused) = (0, 0);
    for step in 0..60 {
        let turn = dice.u8(..10);
        if turn >= 8 && !plain.asked.is_empty() {
            // A replay: the same answer, nothing moved.
            let (till, path, key, body, first) = &plain.asked[dice.usize(..plain.asked.len())];
            let again = tills[*till].post_keyed(path, key, body.clone()).await;
            assert_eq!(again.headers["idempotency-replayed"], "true");
            assert_eq!(again.status, first.status);
            if first.status == 201 {
                assert_eq!(again.json, first.json);
            } else {
                assert_eq!(without_instance(&again), without_instance(first));
            }
        } else {
            let refund = turn >= 5 && !plain.debits.is_empty();
            let (till, path, body, fits);
            if refund {
                let at = dice.usize(..plain.debits.len());
                let cents = dice.i64(1..=1_500);
                let taken = &mut plain.debits[at];
                (till, fits) = (taken.till, cents <= taken.left);
                path = format!("/v1/departments/92/debits/{}/refunds", taken.id);
                body = json!({ "amount_cents": cents });
                if fits {
                    taken.left -= cents;
                    *plain.wallets.get_mut(&taken.wallet).unwrap() += cents;
                    *plain.owed.get_mut(&tills[till].merchant).unwrap() -= cents;
                }
            } else {
                let (pupil, kind) = (pupils[dice.usize(..3)], ["culture", "sport"][dice.usize(..2)]);
                let cents = dice.i64(1..=if kind == "culture" { 2_500 } else { 1_200 });
                let wallet = if kind == "culture" { &pupil.culture } else { &pupil.sport };
                let balance = plain.wallets.get_mut(wallet).unwrap();
                (till, fits) = (dice.usize(..2), cents <= *balance);
                path = "/v1/debits".to_owned();
                body = debit(if dice.bool() { &pupil.card_code } else { &pupil.card_signed }, kind, cents);
                if fits {
                    *balance -= cents;
                    *plain.owed.entry(tills[till].merchant.clone()).or_default() += cents;
                    plain.debits.push(Taken { id: String::new(), wallet: wallet.clone(), till, left: cents });
                }
            }
            let one = key();
            let answer = tills[till].post_keyed(&path, &one, body.clone()).await;
            let (status, code) = if refund { (409, "refund.exceeds_debit") } else { (409, "debit.refused") };
            let answer = if fits { answer.expect(201) } else { answer.refused(status, code) };
            if let (true, Some(taken)) = (fits && !refund, plain.debits.last_mut()) {
                taken.id = answer.text("/id");
            }
            if fits {
                moved += 1;
            } else {
                refused += 1;
            }
            plain.asked.push((till, path, one, body, answer));
        }
        let books = Books::read(&scene.world);
        assert_eq!(books.prove(), Ok(()), "step {step} of seed {seed}");
        for (wallet, balance) in &plain.wallets {
            assert_eq!(books.balance(wallet), *balance, "step {step} of seed {seed}");
        }
        for till in tills {
            let owed = plain.owed.get(&till.merchant).copied().unwrap_or_default();
            assert_eq!(books.owed(&till.merchant), owed, "step {step} of seed {seed}");
        }
        assert_eq!(books.entries.len(), 6 + moved);
    }
    assert!(moved > 15 && refused > 3, "the history tries both: {moved} moved, {refused} refused");
}

#[actix_web::test]
async fn after_any_history_the_ledger_is_what_a_plain_model_says() {
    play(20_261_015).await;
}

#[actix_web::test]
async fn after_another_history_too() {
    play(7).await;
}

/// What the server's own role may not do, whoever it says it acts for.
#[actix_web::test]
async fn money_moves_only_through_the_owners_functions() {
    let scene = Scene::set().await;
    let debit = scene.debit("culture", 1_000).await.expect(201).text("/id");
    let (wallet, enrolment) = (&scene.pupil.culture, &scene.pupil.enrolment);
    let mut conn = scene.world.app_role("92");
    let mut refused = |actor: &str, sql: &str, because: &str| {
        let error = conn.batch_execute(&format!("begin; {actor}; {sql}; commit")).unwrap_err().to_string();
        conn.batch_execute("rollback").unwrap();
        assert!(error.contains(because), "{actor}: {sql}: {error}");
    };
    let device = format!(
        "set local app.kind = 'device'; set local app.device = '{}'; set local app.merchant = '{}'",
        scene.till.device, scene.till.merchant
    );
    let actors = [
        "set local app.kind = 'system'",
        "set local app.kind = 'agent'",
        &device,
        "set local app.kind = 'guardian'",
        "select 1",
    ];
    for actor in actors {
        for sql in [
            "update transfers set amount_cents = 1".to_owned(),
            "delete from transfers".to_owned(),
            "truncate transfers".to_owned(),
            format!("insert into transfers select * from transfers where id = '{debit}'"),
            format!("update wallets set balance_cents = 100000 where id = '{wallet}'"),
            format!("insert into wallets select * from wallets where id = '{wallet}'"),
            "delete from wallets".to_owned(),
            "update ledger_accounts set kind = 'funding'".to_owned(),
            "delete from ledger_accounts".to_owned(),
            "delete from ledger_refusals".to_owned(),
            "update audit set action = 'nothing'".to_owned(),
            "delete from audit".to_owned(),
            "alter table wallets disable row level security".to_owned(),
            "create or replace function today() returns date language sql as 'select date ''2000-01-01'''".to_owned(),
            "create temp table t (x int)".to_owned(),
        ] {
            let because = if sql.starts_with("alter") || sql.contains("function") { "" } else { "permission denied" };
            refused(actor, &sql, because);
        }
    }
    let grant = format!(
        "select ledger_grant(gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '{enrolment}', 'culture', 'top_up', 100000,
             now() + interval '1 day', now() + interval '1 year')"
    );
    for actor in [&*device, "set local app.kind = 'guardian'", "set local app.kind = 'anonymous'", "select 1"] {
        refused(actor, &grant, "this actor grants nothing");
    }
    refused("set local app.kind = 'secretary'; set local app.college = '0920002C'", &grant, "no rows");
    refused("set local app.kind = 'secretary'", &grant, "no rows");
    let take = "select ledger_debit(gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'x',
                                    'x', 'culture', 1, 'x', today(), false)";
    // A device speaks for itself, never for another; only the ledger's own lane speaks for many.
    refused(&device, take, "only a device of a merchant debits");
    let many = "select ledger_debits('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')";
    refused(&device, many, "only the ledger itself debits for many");
    let back =
        format!("select ledger_refund(gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'x', '{debit}', 1)");
    for actor in [
        "set local app.kind = 'system'",
        "set local app.kind = 'agent'",
        "set local app.kind = 'guardian'",
        "set local app.kind = 'device'",
        "select 1",
    ] {
        refused(actor, take, "only a device of a merchant debits");
        refused(actor, &back, "only a device of a merchant refunds");
    }
    let books = Books::read(&scene.world);
    assert_eq!((books.balance(wallet), books.entries.len(), books.prove()), (5_000, 3, Ok(())));
}

/// What the server asks of the department's database for one debit, as PostgreSQL itself logs it.
#[actix_web::test]
async fn a_debit_alone_is_one_statement_of_one_round_trip() {
    let scene = Scene::set().await;
    let mut superuser = scene.world.superuser("92");
    // The setting holds for new connections: those of the pool are cut, and the server takes others.
    superuser
        .batch_execute(
            "do $$ begin execute format('alter database %I set log_statement = ''all''', current_database()); end $$;
             select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
        )
        .unwrap();
    let mut marker = scene.world.superuser("92");
    let mut mark =
        |name: &str| marker.batch_execute(&format!("select 'marker {name} of {}'", scene.till.device)).unwrap();
    for rank in 0..12 {
        // Every connection of the pool in turn learns the statement.
        scene.debit("culture", 10 + rank).await.expect(201);
    }
    mark("one");
    scene.debit("culture", 100).await.expect(201);
    mark("two");
    let log = server_log();
    let after = log.split_once(&format!("marker one of {}", scene.till.device)).unwrap().1;
    let between = after.split_once(&format!("marker two of {}", scene.till.device)).unwrap().0;
    let asked: Vec<&str> =
        between.lines().filter(|line| line.contains("LOG:  statement: ") || line.contains("LOG:  execute ")).collect();
    // Tests move the clock, the service never does.
    let asked: Vec<&str> = asked.into_iter().filter(|line| !line.contains("app.clock_offset")).collect();
    // The last line is the second marker's own.
    let (_, asked) = asked.split_last().unwrap();
    assert!(asked.len() == 1 && asked[0].contains("ledger_debit"), "{asked:#?}");
}

/// Lines written by the service and lines written by the money functions read in one order.
#[actix_web::test]
async fn the_journal_reads_in_the_order_of_time() {
    let scene = Scene::set().await;
    for _ in 0..4 {
        let id = scene.debit("culture", 100).await.expect(201).text("/id");
        scene.till.post("/v1/card-look-ups", json!({ "card": scene.pupil.card_code })).await.expect(200);
        scene.refund(&id, 50).await.expect(201);
    }
    let mut lines = vec![];
    let mut next = "/v1/departments/92/journal?limit=7".to_owned();
    loop {
        let page = scene.world.administrator.get(&next).await.expect(200);
        lines.extend(page.json["items"].as_array().unwrap().clone());
        let Some(cursor) = page.json["next_cursor"].as_str() else { break };
        next = format!("/v1/departments/92/journal?limit=7&cursor={cursor}");
    }
    let at = |line: &Value| line["at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert!(lines.windows(2).all(|pair| at(&pair[0]) <= at(&pair[1])), "{lines:#?}");
    let at_the_counter = ["debited", "card_looked_up", "refunded"];
    let actions: Vec<&str> = lines.iter().map(|line| line["action"].as_str().unwrap()).collect();
    let seen: Vec<&str> = actions.into_iter().filter(|action| at_the_counter.contains(action)).collect();
    assert_eq!(seen, at_the_counter.repeat(4));
}

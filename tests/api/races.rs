//! Money under concurrency, from several servers at once; and the same races against ledgers broken on purpose, which must be found out.

use crate::support::{self, Books, Scene, debit, key};
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// One lane leads a department's debits in each: with four, more go at once than a small wallet can pay, whatever waits behind them.
const SERVERS: usize = 4;

/// Sends these requests at once, by turns to each of the servers. Returns how many moved money.
async fn race(scene: &Scene, requests: Vec<(String, String, Value)>) -> usize {
    let token = scene.till.api.token.clone().unwrap();
    let servers: [_; SERVERS] = std::array::from_fn(|_| scene.world.other_process().with_token(&token));
    let mut running = JoinSet::new();
    for (rank, (path, key, body)) in requests.into_iter().enumerate() {
        let api = servers[rank % SERVERS].clone();
        running.spawn(async move { api.post_keyed(&path, &key, body).await });
    }
    let answers = running.join_all().await;
    let moved = |status: u16, replayed: bool| {
        answers
            .iter()
            .filter(|a| a.status == status && a.headers.contains_key("idempotency-replayed") == replayed)
            .count()
    };
    assert_eq!(moved(201, false) + moved(201, true) + moved(409, false) + moved(409, true), answers.len());
    moved(201, false)
}

/// Breaks a money function of 92.
fn sabotage(scene: &Scene, function: &str, changes: &[(&str, &str)]) {
    support::sabotage(&mut scene.world.superuser("92"), function, changes);
}

/// Debits read the wallets, wait a little, and never lock them: alone or many at once.
fn unlock(scene: &Scene) {
    sabotage(
        scene,
        "ledger_debit",
        &[
            (" for update of wallets", ""),
            (
                "        answer.reason := case\n            when open_wallets = 0",
                "        perform pg_sleep(0.15);\n        answer.reason := case\n            when open_wallets = 0",
            ),
        ],
    );
    sabotage(scene, "ledger_debits", &[(" for update of w\n", "\n")]);
}

/// 32 debits of 9 € at once on the 20 € of the sport wallet: fewer are affordable than lanes lead to the ledger, so that even lanes in
/// step are found out. The first promise found broken, if any.
async fn the_last_cents(scene: &Scene) -> Result<(), String> {
    let one = || ("/v1/debits".to_owned(), key(), debit(&scene.pupil.card_code, "sport", 900));
    let accepted = race(scene, (0..32).map(|_| one()).collect()).await;
    let books = Books::read(&scene.world);
    if accepted != 2 {
        return Err(format!("{accepted} debits of 9 € accepted on 20 €"));
    }
    if books.balance(&scene.pupil.sport) != 200 {
        return Err(format!("{} cents are left", books.balance(&scene.pupil.sport)));
    }
    books.prove()
}

#[actix_web::test]
async fn of_32_debits_on_the_last_cents_exactly_the_affordable_ones_are_accepted() {
    let scene = Scene::set().await;
    assert_eq!(the_last_cents(&scene).await, Ok(()));
    // And with a balance that does not divide: 60 € of culture by debits of 7 €.
    let one = || ("/v1/debits".to_owned(), key(), debit(&scene.pupil.card_code, "culture", 700));
    assert_eq!(race(&scene, (0..32).map(|_| one()).collect()).await, 8);
    let books = Books::read(&scene.world);
    assert_eq!((books.balance(&scene.pupil.culture), books.prove()), (400, Ok(())));
}

#[actix_web::test]
async fn the_same_race_finds_out_a_ledger_that_reads_before_it_locks() {
    let scene = Scene::set().await;
    unlock(&scene);
    sabotage(
        &scene,
        "ledger_append",
        &[(
            " and version = w.version and balance_cents + delta >= held_cents - p_released and held_cents >= p_released",
            "",
        )],
    );
    let unguarded = "alter table wallets drop constraint wallets_balance_covers_held;
                     alter table transfers drop constraint transfers_balance_after";
    scene.world.superuser("92").batch_execute(unguarded).unwrap();
    let found = the_last_cents(&scene).await;
    assert!(found.as_ref().is_err_and(|flaw| flaw.contains("accepted on 20 €")), "{found:?}");
    assert!(Books::read(&scene.world).balance(&scene.pupil.sport) < 0);
}

#[actix_web::test]
async fn without_the_lock_the_tables_own_checks_still_hold() {
    let scene = Scene::set().await;
    unlock(&scene);
    assert_eq!(the_last_cents(&scene).await, Ok(()), "the condition of the update stands by itself");
}

/// 16 refunds of 1.50 € at once of one debit of 12 €.
async fn the_last_refund(scene: &Scene) -> Result<(), String> {
    let id = scene.debit("culture", 1_200).await.expect(201).text("/id");
    let one = || (format!("/v1/departments/92/debits/{id}/refunds"), key(), json!({ "amount_cents": 150 }));
    let accepted = race(scene, (0..16).map(|_| one()).collect()).await;
    let books = Books::read(&scene.world);
    if accepted != 8 || books.balance(&scene.pupil.culture) != 6_000 {
        return Err(format!("{accepted} refunds of 1.50 € accepted on 12 €"));
    }
    books.prove()
}

#[actix_web::test]
async fn refunds_at_once_never_pass_their_debit() {
    let scene = Scene::set().await;
    assert_eq!(the_last_refund(&scene).await, Ok(()));
}

#[actix_web::test]
async fn the_same_race_finds_out_refunds_that_lock_nothing() {
    let scene = Scene::set().await;
    sabotage(
        &scene,
        "ledger_refund",
        &[
            ("where id = d.wallet_id for update;", "where id = d.wallet_id;"),
            (
                "    w := ledger_append(w, p_transfer, 'refund'",
                "    perform pg_sleep(0.15);\n    w := ledger_append(w, p_transfer, 'refund'",
            ),
        ],
    );
    sabotage(&scene, "ledger_append", &[(" and version = w.version", "")]);
    let found = the_last_refund(&scene).await;
    assert!(found.as_ref().is_err_and(|flaw| flaw.contains("accepted on 12 €")), "{found:?}");
    assert!(Books::read(&scene.world).prove().is_err_and(|flaw| flaw.contains("gives back")));
}

/// The same debit under one key, 8 times at once.
async fn twins(scene: &Scene) -> Result<(), String> {
    let one = key();
    let twin = || ("/v1/debits".to_owned(), one.clone(), debit(&scene.pupil.card_code, "culture", 100));
    let moved = race(scene, (0..8).map(|_| twin()).collect()).await;
    let books = Books::read(&scene.world);
    if moved != 1 || books.balance(&scene.pupil.culture) != 5_900 {
        return Err(format!("one key moved {moved} times"));
    }
    books.prove()
}

#[actix_web::test]
async fn one_key_moves_once_even_when_twins_come_at_once() {
    let scene = Scene::set().await;
    assert_eq!(twins(&scene).await, Ok(()));
}

#[actix_web::test]
async fn the_same_race_finds_out_keys_that_nobody_waits_for() {
    let scene = Scene::set().await;
    sabotage(
        &scene,
        "ledger_replay",
        &[
            ("    perform pg_advisory_xact_lock(hashtextextended(p_client::text || p_key::text, 0));\n", ""),
            ("        return null;\n    end if;", "        perform pg_sleep(0.4);\n        return null;\n    end if;"),
        ],
    );
    sabotage(&scene, "ledger_debits", &[("where i.twins = 1 and", "where false and")]);
    scene.world.superuser("92").batch_execute("drop index transfers_key_unique").unwrap();
    let found = twins(&scene).await;
    assert!(
        found.as_ref().is_err_and(|flaw| flaw.starts_with("one key moved ") && !flaw.contains("moved 1 ")),
        "{found:?}"
    );
}

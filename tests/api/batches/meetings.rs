//! Two batches that meet in the database: the first has not committed when the second comes. What each lock is there for, and what still
//! stands without it.

use super::{Item, Told, fingerprint, lane, make};
use crate::support::{self, Books, Pupil, Scene};
use diesel::connection::SimpleConnection;
use std::{thread, time::Duration};
use uuid::Uuid;

fn new_id() -> Uuid {
    support::key().parse().unwrap()
}

fn item(scene: &Scene, pupil: &Pupil, kind: &'static str, cents: i64) -> Item {
    Item {
        device: scene.till.device.clone(),
        merchant: scene.till.merchant.clone(),
        transfer: new_id(),
        key: new_id(),
        fingerprint: 1,
        card: fingerprint(scene, &pupil.card_id),
        kind,
        cents,
        label: "Stage",
        date: "2026-10-20",
    }
}

/// Makes the second batch while the first has not committed yet. The answers of both, or what the database says of the second.
fn meet(scene: &Scene, first: &[Item], second: Vec<Item>) -> Result<Vec<Told>, String> {
    let (mut here, mut there) = (lane(scene), lane(scene));
    here.batch_execute("begin").unwrap();
    let (mut answers, swept) = make(&mut here, first).unwrap();
    assert_eq!(swept, first.len());
    let other = thread::spawn(move || make(&mut there, &second));
    thread::sleep(Duration::from_millis(300));
    here.batch_execute("commit").unwrap();
    answers.extend(other.join().unwrap()?.0);
    Ok(answers)
}

fn moved(answers: &[Told]) -> usize {
    answers.iter().filter(|(reason, replayed, ..)| reason.is_none() && !replayed).count()
}

/// Two debits of 5 € and three more on the 20 € of a wallet.
fn the_last_cents(scene: &Scene) -> Result<(), String> {
    let some = |count: usize| -> Vec<Item> { (0..count).map(|_| item(scene, &scene.pupil, "sport", 500)).collect() };
    let moved = moved(&meet(scene, &some(2), some(3))?);
    if moved != 4 {
        return Err(format!("{moved} debits of 5 € accepted on 20 €"));
    }
    Books::read(&scene.world).prove()
}

const LOCK: (&str, &str) = (" for update of w\n", "\n");
const CONDITION: (&str, &str) = (" and w.version = l.version and w.balance_cents - w.held_cents >= l.so_far", "");
const UNNUMBERED: &str = "alter table transfers drop constraint transfers_version_unique";

fn sabotage(scene: &Scene, changes: &[(&str, &str)]) {
    support::sabotage(&mut scene.world.superuser("92"), "ledger_debits", changes);
}

#[actix_web::test]
async fn a_batch_waits_for_the_wallets_of_another() {
    let scene = Scene::set().await;
    assert_eq!(the_last_cents(&scene), Ok(()));
    assert_eq!(Books::read(&scene.world).balance(&scene.pupil.sport), 0);
}

#[actix_web::test]
async fn without_the_lock_the_numbers_of_the_transfers_stand() {
    let scene = Scene::set().await;
    sabotage(&scene, &[LOCK]);
    stopped_by("transfers_version_unique", &scene);
}

#[actix_web::test]
async fn without_either_the_condition_of_the_update_stands() {
    let scene = Scene::set().await;
    sabotage(&scene, &[LOCK]);
    scene.world.superuser("92").batch_execute(UNNUMBERED).unwrap();
    stopped_by("a wallet is not as it was read", &scene);
}

/// The second batch as a whole: it is made again, one by one.
fn stopped_by(what: &str, scene: &Scene) {
    let stopped = the_last_cents(scene);
    assert!(stopped.as_ref().is_err_and(|flaw| flaw.contains(what)), "{stopped:?}");
    let books = Books::read(&scene.world);
    assert_eq!((books.balance(&scene.pupil.sport), books.prove()), (1_000, Ok(())));
}

#[actix_web::test]
async fn without_the_condition_the_lock_stands() {
    let scene = Scene::set().await;
    sabotage(&scene, &[CONDITION]);
    assert_eq!(the_last_cents(&scene), Ok(()));
}

#[actix_web::test]
async fn the_same_meeting_finds_out_batches_with_neither_lock_nor_condition() {
    let scene = Scene::set().await;
    sabotage(&scene, &[LOCK, CONDITION]);
    let mut superuser = scene.world.superuser("92");
    superuser.batch_execute(UNNUMBERED).unwrap();
    superuser.batch_execute("alter table wallets drop constraint wallets_balance_covers_held").unwrap();
    let found = the_last_cents(&scene);
    assert!(found.as_ref().is_err_and(|flaw| flaw.starts_with("5 debits of 5 €")), "{found:?}");
    assert!(Books::read(&scene.world).balance(&scene.pupil.sport) < 0);
}

/// One key for two children at the same moment: their wallets are no meeting place.
async fn one_key_for_two(scene: &Scene) -> Result<(), String> {
    let sibling = scene.sibling("Ana").await;
    let first = item(scene, &scene.pupil, "sport", 100);
    let second = Item { key: first.key, fingerprint: 2, ..item(scene, &sibling, "sport", 100) };
    let answers = meet(
        scene,
        &[first, item(scene, &scene.pupil, "sport", 100)],
        vec![second, item(scene, &sibling, "sport", 100)],
    )?;
    if answers[2].0.as_deref() != Some("key_reused") || moved(&answers) != 3 {
        return Err(format!("one key moved twice: {answers:?}"));
    }
    Books::read(&scene.world).prove()
}

const WAIT_FOR_THE_KEY: (&str, &str) = ("perform pg_advisory_xact_lock(h.h)", "perform h.h");

#[actix_web::test]
async fn a_batch_waits_for_the_keys_of_another() {
    let scene = Scene::set().await;
    assert_eq!(one_key_for_two(&scene).await, Ok(()));
}

#[actix_web::test]
async fn without_the_wait_the_index_of_the_keys_stands() {
    let scene = Scene::set().await;
    sabotage(&scene, &[WAIT_FOR_THE_KEY]);
    let refused = one_key_for_two(&scene).await;
    assert!(refused.as_ref().is_err_and(|flaw| flaw.contains("transfers_key_unique")), "{refused:?}");
}

#[actix_web::test]
async fn the_same_meeting_finds_out_keys_that_nobody_waits_for() {
    let scene = Scene::set().await;
    sabotage(&scene, &[WAIT_FOR_THE_KEY]);
    scene.world.superuser("92").batch_execute("drop index transfers_key_unique").unwrap();
    let found = one_key_for_two(&scene).await;
    assert!(found.as_ref().is_err_and(|flaw| flaw.contains("one key moved twice")), "{found:?}");
}

#[actix_web::test]
async fn a_batch_sent_again_moves_nothing_and_finds_out_a_ledger_that_forgets() {
    let scene = Scene::set().await;
    let some: Vec<Item> = (0..3).map(|_| item(&scene, &scene.pupil, "sport", 100)).collect();
    let again: Vec<Item> = some.iter().map(|item| Item { transfer: new_id(), ..item.clone() }).collect();
    let mut conn = lane(&scene);
    assert_eq!(make(&mut conn, &some).unwrap().1, 3);
    let (answers, swept) = make(&mut conn, &again).unwrap();
    assert_eq!((moved(&answers), swept), (0, 0));
    let ids: Vec<_> = answers.iter().map(|told| told.2).collect();
    assert_eq!(ids, some.iter().map(|item| Some(item.transfer)).collect::<Vec<_>>());

    let looks =
        "where not exists (select 1 from transfers t where t.client_id = p_client[c.ord] and t.key = p_key[c.ord])";
    sabotage(&scene, &[(looks, "where true")]);
    let stopped = make(&mut conn, &again).unwrap_err();
    assert!(stopped.contains("transfers_key_unique"), "the index stands by itself: {stopped}");
    scene.world.superuser("92").batch_execute("drop index transfers_key_unique").unwrap();
    assert_eq!(moved(&make(&mut conn, &again).unwrap().0), 3, "and without it the same debits move again");
}

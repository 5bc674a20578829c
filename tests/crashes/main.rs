//! What is killed under load loses nothing that was acknowledged and does nothing twice: a real server process on a durable PostgreSQL of
//! its own, tills that never stop asking, and `kill -9`. Each till writes down what it asked and what it was told; afterwards the ledger
//! must hold exactly that.
//!
//! Twenty kills of each sort; `PASSPLUS_LONG=1` makes them five hundred. A binary of its own: it needs the machine for itself.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod blows;
#[path = "../api/support/books.rs"]
#[expect(dead_code, reason = "here the books are only proven; tests over HTTP also read in them")]
mod books;
mod play;
#[path = "../api/support/sabotage.rs"]
mod sabotage;
mod tills;

use blows::Blow;
use diesel::connection::SimpleConnection;
use passplus::bench::stage::Stage;
use play::{Tally, play};
use tokio::sync::Mutex;

/// One at a time: what is killed here must be at work, not waiting for its neighbour.
static ALONE: Mutex<()> = Mutex::const_new(());

fn cycles() -> u32 {
    if std::env::var_os("PASSPLUS_LONG").is_some() { 500 } else { 20 }
}

/// Plays that many kills and demands that nothing is lost or doubled.
async fn survive(blow: Blow, seed: u64) {
    let _alone = ALONE.lock().await;
    let told: Tally =
        play(blow, cycles(), seed, |_| ()).await.unwrap_or_else(|flaw| panic!("{blow:?}, seed {seed}: {flaw}"));
    eprintln!("{blow:?}: {told:?}");
    // What befalls the database the service may hide altogether: it waits out the recovery and asks again under the same key.
    let cut = told.unknown > 0 || blow != Blow::Server;
    assert!(told.done > 0 && told.refused > 0 && cut, "a history without all three shows little: {told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_under_load_loses_and_doubles_nothing() {
    survive(Blow::Server, 20_261_015).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_gets_over_a_killed_connection_of_its_database() {
    survive(Blow::Backend, 92).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_gets_over_the_crash_of_its_whole_database() {
    survive(Blow::Postmaster, 78).await;
}

/// What the same history says of a ledger broken like that.
async fn found(blow: Blow, broken: impl FnOnce(&Stage)) -> String {
    let _alone = ALONE.lock().await;
    play(blow, 10, 7, broken).await.expect_err("the broken ledger passed")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_history_finds_out_a_commit_that_does_not_wait_for_the_disk() {
    let flaw = found(Blow::Postmaster, |stage| {
        let mut superuser = stage.connect(stage.department_schema()).unwrap();
        for setting in [
            "alter system set synchronous_commit = off",
            "alter system set wal_writer_delay = '10s'",
            "select pg_reload_conf()",
        ] {
            superuser.batch_execute(setting).unwrap();
        }
    })
    .await;
    assert!(flaw.contains("acknowledged and gone"), "{flaw}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_history_finds_out_keys_that_are_not_kept_with_their_movement() {
    let flaw = found(Blow::Server, |stage| {
        let mut superuser = stage.connect(stage.department_schema()).unwrap();
        let forgetful = [("begin\n    perform pg_advisory", "begin\n    return null;\n    perform pg_advisory")];
        sabotage::sabotage(&mut superuser, "ledger_replay", &forgetful);
        let looks =
            "where not exists (select 1 from transfers t where t.client_id = p_client[c.ord] and t.key = p_key[c.ord])";
        sabotage::sabotage(&mut superuser, "ledger_debits", &[(looks, "where true")]);
        // A refusal is kept under its key as well: the second one must be an answer, not an error that hides what is looked for.
        superuser
            .batch_execute(
                "drop index transfers_key_unique; alter table ledger_refusals drop constraint ledger_refusals_pk",
            )
            .unwrap();
    })
    .await;
    assert!(flaw.contains("answers otherwise"), "{flaw}");
}

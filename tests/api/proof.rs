//! The proof of the ledger: an honest history is right, and whatever is changed behind the ledger's back is found and named.

mod history;
mod tampering;

use crate::{coverage::rows, support::Scene};
use history::{History, check_url};
use passplus::{
    embedded::SUPERUSER,
    kernel::{
        actor::{Actor, Caller},
        ids::AccountId,
        money::Cents,
    },
    migrate::Schema,
    proof::{self, verify::verify},
};
use serde_json::Value;
use std::process::{Command, Output};

const VECTORS: &str = include_str!("../data/ledger-chain-v1.json");

#[actix_web::test]
async fn an_honest_history_of_everything_that_moves_money_is_right() {
    let history = History::play().await;
    let report = history.verify();
    assert_eq!((&report.violations, report.violations_count, report.drift_cents), (&vec![], 0, 0));
    let mut conn = history.scene.world.superuser("92");
    let kinds = rows(&mut conn, "select kind, count(*) from transfers group by 1");
    assert_eq!(kinds.len(), 5, "the history lacks a kind of movement: {kinds:?}");
    let states = rows(&mut conn, "select state, count(*) from holds group by 1");
    assert_eq!(states.len(), 3, "the history lacks a state of holds: {states:?}");
    let counted = &rows(&mut conn, "select (select count(*) from wallets) w, (select count(*) from transfers) t")[0];
    assert_eq!(
        (report.department.as_str(), report.wallets, report.transfers),
        ("92", 4, counted["t"].as_u64().unwrap())
    );
    // A restored copy is often read by who reads everything.
    let report = verify(&history.scene.world.superuser_url(department()), None, false).unwrap();
    assert_eq!((report.transfers, report.violations), (counted["t"].as_u64().unwrap(), vec![]));
}

#[actix_web::test]
async fn the_database_makes_the_published_examples_too() {
    let scene = Scene::set().await;
    let mut conn = scene.world.superuser("92");
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    for example in vectors["transfers"].as_array().unwrap() {
        let sql = format!(
            "select encode(record, 'hex') as record, encode(ledger_link(decode(v.previous, 'hex'), record), 'hex') as hash
               from jsonb_to_record('{example}') as v(kind text, id uuid, from_account uuid, to_account uuid, amount_cents bigint,
                    wallet_id uuid, wallet_version bigint, balance_after_cents bigint, at timestamptz, client_id uuid, key uuid,
                    merchant_id uuid, reverses uuid, hold_id uuid, request_id uuid, fingerprint text, cause text, previous text),
                    ledger_body(v.kind, v.id, from_account, to_account, amount_cents, wallet_id, wallet_version, balance_after_cents,
                        v.at, client_id, v.key, merchant_id, reverses, hold_id, request_id, decode(fingerprint, 'hex'),
                        nullif(cause, '')) as record"
        );
        let made = &rows(&mut conn, &sql)[0];
        assert_eq!((&made["record"], &made["hash"]), (&example["record"], &example["hash"]), "{}", example["kind"]);
    }
}

#[actix_web::test]
async fn a_ledger_in_use_is_no_false_alarm() {
    let scene = Scene::set().await;
    let url = check_url(&scene);
    let reading = tokio::task::spawn_blocking(move || {
        (0..20).map(|_| verify(&url, None, false).unwrap().violations_count).sum::<u64>()
    });
    for _ in 0..40 {
        scene.debit("culture", 20).await.expect(201);
    }
    assert_eq!(reading.await.unwrap(), 0);
}

#[actix_web::test]
async fn the_drift_is_the_difference_between_columns_and_lines() {
    let history = History::play().await;
    let db = &history.scene.world.app.db;
    let of_92 = || async { proof::measure(db).await.into_iter().find(|(code, _)| code.as_str() == "92").unwrap().1 };
    assert_eq!(of_92().await, Cents::ZERO);
    let wallet = &history.scene.pupil.culture;
    history.tamper(&format!(
        "update wallets set balance_cents = balance_cents + 70, held_cents = held_cents + 5 where id = '{wallet}'"
    ));
    assert_eq!(of_92().await, Cents::new(75));
    assert_eq!(history.verify().drift_cents, 75);
    history.tamper(&format!("delete from wallets where id = '{}'", history.scene.pupil.sport));
    assert_eq!(of_92().await.get(), i64::try_from(history.verify().drift_cents).unwrap());
    // A caller who sees a few wallets only would be told of a few only.
    let caller = Caller { actor: Actor::Guardian { account: AccountId::generate() }, ..Caller::system() };
    let answer = db.read("92".parse().unwrap(), &caller, proof::drift).await;
    assert!(answer.is_err());
}

fn department() -> Schema {
    Schema::Department("92".parse().unwrap())
}

fn passplus(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_passplus"));
    command.env_clear().envs(environment.iter().copied()).arg("verify").args(arguments).output().unwrap()
}

#[actix_web::test]
async fn the_command_tells_people_and_programs_and_its_exit_code_tells_all() {
    let history = History::play().await;
    let url = check_url(&history.scene);
    let configured = [("PASSPLUS_DEPARTMENTS", "92"), ("PASSPLUS_DEPARTMENT_92_CHECK_URL", url.as_str())];
    let folder = tempfile::tempdir().unwrap();
    let heads = folder.path().join("heads");
    let heads = heads.to_str().unwrap();

    let right = passplus(&["--checkpoint", heads], &configured);
    let text = String::from_utf8(right.stdout).unwrap();
    assert!(right.status.success(), "{text}{}", String::from_utf8_lossy(&right.stderr));
    assert!(text.contains("every chain, sum and cause is right") && text.contains("heads of 4 wallet(s)"), "{text}");
    let json = passplus(&["--json", "--checkpoint", heads, "--url", &url], &[]);
    let told: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert!(json.status.success(), "{told}");
    assert_eq!((&told["drift_cents"], &told["violations"]), (&0.into(), &Value::Array(vec![])));
    assert_eq!((&told["departments"][0]["department"], &told["departments"][0]["wallets"]), (&"92".into(), &4.into()));
    assert!(told["departments"][0]["transfers"].as_i64() > Some(10) && told["departments"][0]["seconds"].is_number());

    history.tamper(&format!(
        "update wallets set balance_cents = balance_cents + 70 where id = '{}'",
        history.scene.pupil.culture
    ));
    let wrong = passplus(&["--json"], &configured);
    let told: Value = serde_json::from_slice(&wrong.stdout).unwrap();
    assert_eq!((wrong.status.code(), &told["drift_cents"]), (Some(1), &70.into()), "{told}");
    let first = &told["violations"][0];
    assert_eq!((&first["department"], &first["row"]["table"]), (&"92".into(), &"wallets".into()));
    assert_eq!(first["row"]["id"], history.scene.pupil.culture.as_str());
    let wrong = passplus(&[], &configured);
    let text = String::from_utf8(wrong.stdout).unwrap();
    assert!(wrong.status.code() == Some(1) && text.contains(&history.scene.pupil.culture), "{text}");
    // Nothing is kept of what is wrong.
    let other = folder.path().join("other");
    assert_eq!(passplus(&["--checkpoint", other.to_str().unwrap()], &configured).status.code(), Some(1));
    assert!(!other.exists());
    // Without a place to look at, it says which variable lacks.
    let lost = passplus(&[], &[("PASSPLUS_DEPARTMENTS", "92")]);
    assert!(String::from_utf8(lost.stderr).unwrap().contains("PASSPLUS_DEPARTMENT_92_CHECK_URL"));
}

/// The role that reads for the proof sees no name and writes nothing.
#[actix_web::test]
async fn the_verifier_signs_in_as_a_role_that_only_reads_amounts() {
    let scene = Scene::set().await;
    let url = check_url(&scene);
    assert!(url.contains("passplus_92_check@") && !url.contains(SUPERUSER), "{url}");
    let mut conn: diesel::PgConnection = diesel::Connection::establish(&url).unwrap();
    for sql in [
        "select first_names from children",
        "update wallets set balance_cents = 0",
        "select holder_first_name from transfers",
    ] {
        let error = diesel::connection::SimpleConnection::batch_execute(&mut conn, sql).unwrap_err();
        assert!(error.to_string().contains("permission denied"), "{sql}: {error}");
    }
}

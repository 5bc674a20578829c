//! Whatever the State's service does, no wrong suggestion is made, no question stays without an end, and what it asks for is obeyed.

use super::{Asking, ask};
use crate::support::{Authorities, Lines, cases, question, told};
use chrono::TimeDelta;
use passplus::{
    app::App,
    fiscal::{Administrations, Particulier, schooling},
    worker,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Every fault, the state it leaves, and how long the next try waits at least and at most, in seconds.
fn faults() -> Vec<(Value, &'static str, i64, i64)> {
    vec![
        (json!({ "delay_ms": 8_000 }), "unavailable", 30, 40),
        (json!({ "drop": true }), "unavailable", 30, 40),
        (json!({ "truncate": true }), "unavailable", 30, 40),
        (json!({ "status": 502, "code": "30999" }), "unavailable", 30, 40),
        (json!({ "status": 504, "code": "00501", "meta": { "retry_in": 120 } }), "unavailable", 120, 150),
        (json!({ "status": 500 }), "unavailable", 30, 40),
        (json!({ "status": 409, "code": "00015" }), "unavailable", 10, 13),
        (json!({ "status": 429, "retry_after": "90" }), "unavailable", 91, 91),
        (json!({ "status": 503, "retry_after": "45" }), "unavailable", 46, 46),
        (json!({ "status": 401, "code": "00103" }), "refused", 900, 900),
        (json!({ "status": 403, "code": "00100" }), "refused", 900, 900),
        (json!({ "garbage": true }), "malformed", 30, 40),
        (json!({ "endless": true }), "malformed", 30, 40),
        (json!({ "redirect": true }), "malformed", 30, 40),
        (json!({ "status": 404, "code": "00404" }), "malformed", 30, 40),
        (json!({ "body": { "data": { "est_boursier": "true" } } }), "malformed", 30, 40),
        (json!({ "body": { "data": { "identite": { "nom": "AUTRE" }, "est_boursier": true } } }), "malformed", 30, 40),
    ]
}

/// Seconds from now until the question may be put again, by its own date and by the service's limits.
fn waits(scene: &Asking) -> i64 {
    let ahead = scene.world.app.db.server_now().signed_duration_since(passplus::kernel::time::server_now());
    let sql = format!(
        "select ceil(extract(epoch from greatest(next_try_at, blocked_until, paused_until) - now()
                     - interval '{} milliseconds'))::bigint from schooling_checks, authority_limits
          where authority = 'api_particulier'",
        ahead.num_milliseconds()
    );
    scene.value(&sql).as_i64().unwrap()
}

fn forget_failures(scene: &Asking) {
    scene.execute("update authority_limits set failures = 0, paused_until = 'epoch', blocked_until = 'epoch', next_call_at = 'epoch'");
}

/// One question under each fault, first as a new one, then as one that was answered before; after the fault it is answered.
#[actix_web::test]
async fn no_fault_makes_a_suggestion_or_leaves_a_question_stuck() {
    let scene = Asking::start().await;
    let enrolment = scene.submit("Ada", "F").await;
    for answered_before in [false, true] {
        for (fault, state, least, most) in faults() {
            forget_failures(&scene);
            let kept = if answered_before { "" } else { ", answered_at = null, is_enrolled = null, told_uai = null" };
            if !answered_before {
                scene.execute("delete from scholarship_answers");
            }
            scene.execute(&format!(
                "update schooling_checks set state = 'queued', civil_sex = 'F', next_try_at = asked_at, attempts = 0 {kept}"
            ));
            scene.authorities.calls();
            scene.authorities.fault(fault.clone());
            let began = Instant::now();
            assert_eq!(scene.ask().await, 1, "{fault}");
            assert!(began.elapsed() < Duration::from_secs(7), "{fault} took {:?}", began.elapsed());
            assert_eq!(scene.authorities.calls().len(), 1, "{fault}: nothing is followed or repeated");
            let shown = scene.inspect(&enrolment).await;
            assert_eq!(shown.text("/state"), state, "{fault}");
            assert_eq!(shown.json.get("is_scholar").is_some(), answered_before, "{fault}: {}", shown.json);
            assert!(scene.in_progress(&enrolment).await, "{fault}");
            let wait = waits(&scene);
            assert!((least - 1..=most + 1).contains(&wait), "{fault}: tried again after {wait} s");
            assert_eq!(scene.ask().await, 0, "{fault}: asked again too early");
            // The service is well again, and the time has come.
            scene.authorities.fault(Value::Null);
            scene.world.advance(TimeDelta::seconds(wait + 1));
            assert_eq!(scene.ask().await, 1, "{fault}: stuck");
            scene.world.advance(TimeDelta::seconds(-wait - 1));
            let told = scene.value("select is_scholar from scholarship_answers");
            assert_eq!(told, json!(true), "{fault}");
        }
    }
    assert!(scene.authorities.endless_taken() < 16 << 20, "{} bytes were read", scene.authorities.endless_taken());
    let unfinished = scene.value("select count(*) from authority_calls where outcome is null");
    assert_eq!(unfinished, json!(0));
}

#[actix_web::test]
async fn a_question_that_is_not_accepted_ends_and_one_that_never_succeeds_is_given_up() {
    let scene = Asking::start().await;
    let enrolment = scene.submit("Ada", "F").await;
    scene.authorities.fault(json!({ "status": 422, "code": "00366" }));
    assert_eq!(scene.ask().await, 1);
    let shown = scene.inspect(&enrolment).await;
    assert_eq!((shown.text("/state"), shown.json.get("next_try_at")), ("refused".to_owned(), None));
    assert!(!scene.in_progress(&enrolment).await);

    let other = scene.submit("Basile", "M").await;
    scene.authorities.fault(json!({ "status": 502 }));
    let mut asked = 0;
    for _ in 0..40 {
        forget_failures(&scene);
        scene.execute("update schooling_checks set next_try_at = asked_at where next_try_at is not null");
        asked += scene.ask().await;
    }
    assert_eq!(asked, 14);
    let shown = scene.inspect(&other).await;
    assert_eq!((shown.text("/state"), shown.json.get("next_try_at")), ("unavailable".to_owned(), None));
    assert_eq!(
        scene.value("select count(civil_sex) from schooling_checks"),
        json!(0),
        "what is asked no more is forgotten"
    );
}

#[actix_web::test]
async fn a_rest_asked_for_is_kept_by_every_worker_and_outlives_a_restart() {
    let scene = Asking::start().await;
    for (name, sex) in [("Ada", "F"), ("Basile", "M"), ("Dan", "M")] {
        scene.submit(name, sex).await;
    }
    scene.authorities.fault(json!({ "status": 429, "retry_after": "30", "times": 1 }));
    assert_eq!(scene.ask().await, 1);
    // Another process: pools and client of its own, the clock of this moment.
    let other = App::new(&scene.world.config);
    other.db.advance_clock(scene.world.app.db.server_now().signed_duration_since(other.db.server_now()));
    let client = Particulier::new(&scene.authorities.config()).unwrap();
    assert_eq!(ask(&other, &client).await + scene.ask().await, 0);
    other.db.advance_clock(TimeDelta::seconds(29));
    assert_eq!(ask(&other, &client).await, 0, "a second too early");
    other.db.advance_clock(TimeDelta::seconds(3));
    scene.world.advance(TimeDelta::seconds(32));
    let (one, two) = tokio::join!(ask(&other, &client), scene.ask());
    assert_eq!(one + two, 3, "each question is put once");
    assert_eq!(scene.authorities.calls().len(), 4);
}

#[actix_web::test]
async fn two_workers_together_stay_within_twenty_calls_a_second() {
    let scene = Asking::start().await;
    let enrolment = scene.submit("Ada", "F").await;
    scene.execute(&format!(
        "with more as (select gen_random_uuid() as id, gen_random_uuid() as child, n from generate_series(1, 40) n),
              children as (insert into children (id, family_id, first_names, last_name, birth_date, residence, created_at)
                  select child, family_id, 'Dan', 'Martin', birth_date - n, residence, created_at from more, children
                   where children.id = (select child_id from enrolments where id = '{enrolment}') returning id),
              enrolments as (insert into enrolments (id, child_id, family_id, season, state, college_uai, college_name, in_network, level,
                                                     formula, declares_scholarship, ase, created_at, submitted_at)
                  select more.id, child, family_id, season, state, college_uai, college_name, in_network, level, formula,
                         declares_scholarship, ase, created_at, submitted_at from more, enrolments where enrolments.id = '{enrolment}'
                  returning id)
         insert into schooling_checks (enrolment_id, child_id, season, college_uai, civil_sex, state, asked_at, next_try_at)
         select more.id, child, season, college_uai, 'M', 'queued', asked_at, asked_at from more, schooling_checks"
    ));
    let other = App::new(&scene.world.config);
    other.db.advance_clock(scene.world.app.db.server_now().signed_duration_since(other.db.server_now()));
    let client = Particulier::new(&scene.authorities.config()).unwrap();
    let began = Instant::now();
    let (one, two) = tokio::join!(ask(&other, &client), scene.ask());
    assert_eq!(one + two, 41);
    assert!(began.elapsed() >= Duration::from_millis(40 * 50), "{:?}", began.elapsed());
    let burst = scene.value(
        "select max(n) from (select count(*) over (order by at range between current row and interval '999 ms' following) n
           from authority_calls) c",
    );
    assert!(burst.as_i64().unwrap() <= 20, "{burst} calls in a second");
}

#[actix_web::test]
async fn the_breaker_opens_for_everybody_tries_once_and_closes() {
    let scene = Asking::start().await;
    for (name, sex) in
        [("Ada", "F"), ("Basile", "M"), ("Celia", "F"), ("Dan", "M"), ("Elie", "M"), ("Fanny", "F"), ("Gaël", "M")]
    {
        scene.submit(name, sex).await;
    }
    scene.authorities.fault(json!({ "status": 504, "code": "30002" }));
    assert_eq!(scene.ask().await, 5, "five failures, and the two others wait");
    scene.world.advance(TimeDelta::seconds(61));
    assert_eq!(scene.ask().await, 1, "one call tries the ground");
    scene.world.advance(TimeDelta::seconds(121));
    scene.authorities.fault(Value::Null);
    assert_eq!(scene.ask().await, 7, "closed: all are answered");
    assert_eq!(scene.value("select count(*) from schooling_checks where next_try_at is not null"), json!(0));
}

#[actix_web::test]
async fn a_worker_that_died_in_a_call_leaves_its_question_to_the_next() {
    let scene = Asking::start().await;
    let enrolment = scene.submit("Ada", "F").await;
    scene.authorities.fault(json!({ "delay_ms": 4_000 }));
    let (db, client) = (scene.world.app.db.clone(), Particulier::new(&scene.authorities.config()).unwrap());
    let dying = tokio::spawn(async move {
        passplus::fiscal::checks::ask_next(&db, "92".parse().unwrap(), &client).await.ok();
    });
    while scene.authorities.calls().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(scene.inspect(&enrolment).await.text("/state"), "calling");
    dying.abort();
    scene.authorities.fault(Value::Null);
    assert_eq!(scene.ask().await, 0, "it is still in hand");
    scene.world.advance(TimeDelta::seconds(61));
    assert_eq!(scene.ask().await, 1);
    assert_eq!(scene.inspect(&enrolment).await.text("/state"), "suggested");
    let traces = scene.value("select jsonb_agg(outcome order by at) from authority_calls");
    assert_eq!(traces, json!([null, "found"]), "the call without an answer is known too");
}

#[actix_web::test]
async fn an_answer_that_comes_after_the_question_changed_is_let_go() {
    let scene = Asking::start().await;
    let enrolment = scene.submit("Ada", "F").await;
    scene.authorities.fault(json!({ "delay_ms": 600 }));
    let change = async {
        tokio::time::sleep(Duration::from_millis(250)).await;
        scene.execute("update schooling_checks set state = 'queued', call_id = null, next_try_at = '2100-01-01'");
    };
    let (asked, ()) = tokio::join!(scene.ask(), change);
    assert_eq!(asked, 1);
    let shown = scene.inspect(&enrolment).await;
    assert_eq!((shown.text("/state"), shown.json.get("is_scholar")), ("queued".to_owned(), None));
}

#[actix_web::test]
async fn the_workers_of_a_service_ask_by_themselves_and_stop_when_told() {
    let scene = Asking::start().await;
    let enrolment = scene.submit("Ada", "F").await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mailer = passplus::serve::mailer(&scene.world.config).unwrap();
    let administrations = Administrations::new(&scene.world.config).unwrap();
    let (db, inquiries) = (scene.world.app.db.clone(), scene.world.app.inquiries.clone());
    let running = tokio::spawn(worker::run(db, mailer, administrations, inquiries, stopped));
    let began = Instant::now();
    while scene.in_progress(&enrolment).await {
        assert!(began.elapsed() < Duration::from_secs(20), "nothing is asked");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stop.send(true).unwrap();
    running.await.unwrap();
    assert_eq!(scene.inspect(&enrolment).await.at("/is_scholar"), &json!(true));
}

#[actix_web::test]
async fn no_name_enters_a_log_however_much_is_logged() {
    let scene = Asking::start().await;
    let lines = Lines::captured();
    scene.submit("Ada", "F").await;
    assert_eq!(scene.ask().await, 1);
    let authorities = Authorities::start().await;
    let client = Particulier::new(&authorities.config()).unwrap();
    for (fault, ..) in faults().into_iter().filter(|(fault, ..)| fault.get("delay_ms").is_none()) {
        authorities.fault(fault);
        schooling::ask(&client, &question(&cases()[0])).await;
    }
    // Nobody listens there any more.
    let gone = Particulier::new(&crate::support::particulier("http://127.0.0.1:9")).unwrap();
    schooling::ask(&gone, &question(&cases()[0])).await;
    let lines = lines.end();
    assert!(lines.contains("API Particulier was asked") && lines.contains("0199a8f0"));
    for name in
        ["Martin", "MARTIN", "Ada", "=ADA", "\"ADA\"", "nomNaissance", "scolarites/identite?", "=2014", "sandbox-token"]
    {
        if let Some(told) = told(&lines, name) {
            panic!("{name} is logged:\n{told}");
        }
    }
}

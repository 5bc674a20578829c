//! Children pay and eat whatever the administrations do.

use super::{
    MARTIN, Scene, benefits_grid,
    faults::{begin_anew, faults, merged},
    meanwhile::Asks,
};
use crate::support::{COLLEGE, Pupil, Till, debit, key};
use passplus::{
    canteen::reduced_rates::{self, Held, Step},
    db::{POOL_SIZE, Tx},
    error::Error,
    fiscal::{
        Administrations,
        impot::{Inquiry, Taxpayer},
        request::IncomeRequest,
    },
    kernel::{
        actor::Caller,
        ids::{IncomeRequestId, InquiryId},
    },
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// Lets as many questions wait as one process takes.
fn fill_the_queue(scene: &Scene) {
    let inquiries = &scene.world.app.inquiries;
    let department = "92".parse().unwrap();
    let places: Vec<_> = std::iter::from_fn(|| inquiries.reserve(department).ok()).collect();
    scene.execute(&format!(
        "insert into canteen_rate_requests (id, family_id, season, text_version, requested_by, requested_at, way, households, state, inquiries,
                                            inquiry_id, held_until)
         select gen_random_uuid(), '{}', '2026-2027', '2026-06', gen_random_uuid(), now(), 'tax_administration', 1, 'in_progress', 1,
                gen_random_uuid(), '2100-01-01' from generate_series(1, {})",
        scene.family.id,
        places.len()
    ));
    let rows = scene.value("select jsonb_agg(jsonb_build_array(id, inquiry_id)) from canteen_rate_requests");
    for (row, place) in rows.as_array().unwrap().iter().zip(places) {
        let id = |index: usize| row[index].as_str().unwrap().parse().unwrap();
        let request = IncomeRequestId::from_uuid(id(0));
        let ticked = IncomeRequest::recorded(request, "2026-06".parse().unwrap(), "2026-10-15".parse().unwrap());
        let taxpayer = Taxpayer { spi: MARTIN.0.parse().unwrap(), last_name: MARTIN.1.parse().unwrap() };
        let inquiry = Inquiry::new(ticked, taxpayer, None, 2025).ok().unwrap();
        let (id, due) = (InquiryId::from_uuid(id(1)), scene.world.app.db.server_now());
        inquiries.hold(department, Held { request, id, inquiry, attempts: 0, due, place });
    }
}

/// How many transactions this process runs at one time, all of them open together.
async fn open_together(scene: &Scene) -> u32 {
    let open = Arc::new(AtomicU32::new(0));
    let running = (0..POOL_SIZE).map(|_| {
        let (db, open) = (scene.world.app.db.clone(), Arc::clone(&open));
        tokio::spawn(async move {
            let meet = move |_: &mut Tx<'_>| {
                let began = Instant::now();
                open.fetch_add(1, Ordering::SeqCst);
                while open.load(Ordering::SeqCst) < POOL_SIZE && began.elapsed() < Duration::from_secs(2) {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Ok(open.load(Ordering::SeqCst))
            };
            db.read("92".parse().unwrap(), &Caller::system(), meet).await.unwrap()
        })
    });
    let mut least = POOL_SIZE;
    for one in running.collect::<Vec<_>>() {
        least = least.min(one.await.unwrap());
    }
    least
}

/// Who pays meanwhile: a child of the family, at a till.
struct Payer {
    till: Till,
    pupil: Pupil,
}

impl Payer {
    async fn of(scene: &Scene) -> Self {
        let secretary = scene.world.secretary(COLLEGE).await;
        let child = scene.family.add_child("Ada", "2014-05-17").await;
        let (enrolment, version) = scene.family.submit(&child, &secretary.college).await;
        secretary.confirm(&enrolment, version).await;
        let pupil = scene.family.pupil(&child, &enrolment).await;
        Self { till: scene.world.till(&["culture"]).await, pupil }
    }

    async fn pays(&self) {
        let debit = debit(&self.pupil.card_code, "culture", 50);
        self.till.post_keyed("/v1/debits", &key(), debit).await.expect(201);
    }
}

/// Puts the next question. A client without a token begins by asking for one.
fn ask_next(scene: &Scene) -> JoinHandle<Result<Step, Error>> {
    let (app, administrations) = (scene.world.app.clone(), Administrations::new(&scene.world.config).unwrap());
    tokio::spawn(async move {
        reduced_rates::ask_next(&app.db, "92".parse().unwrap(), &administrations, &app.inquiries).await
    })
}

/// Faults under which an answer comes; that of one that never comes is a test of its own.
fn answered() -> impl Iterator<Item = Value> {
    faults().into_iter().map(|(fault, _)| fault).filter(|fault| fault.get("delay_ms").is_none())
}

/// Lets the next question to that address hang under a fault: somebody pays meanwhile, and no connection waits with the question.
async fn pays_while_it_hangs(scene: &Scene, payer: &Payer, fault: &Value, path: &str) {
    let mut held = merged(fault, path);
    held["held"] = json!(true);
    scene.authorities.fault(held);
    let asking = ask_next(scene);
    scene.authorities.held().await;
    payer.pays().await;
    assert_eq!(open_together(scene).await, POOL_SIZE, "{fault}: a connection waits with the question");
    // Nothing of this waited for the answer.
    assert!(scene.authorities.is_holding() && !asking.is_finished(), "{fault}: it was answered meanwhile");
    scene.authorities.fault(Value::Null);
    scene.authorities.release();
    assert_eq!(asking.await.unwrap().unwrap(), Step::Asked, "{fault}");
}

#[actix_web::test]
async fn debits_go_through_while_a_full_queue_waits_for_an_administration_in_whatever_way_it_fails() {
    let scene = Scene::start().await;
    let payer = Payer::of(&scene).await;
    fill_the_queue(&scene);
    let mut fulls = 0;
    for fault in answered() {
        for path in ["/token", "/impotparticulier"] {
            scene.forget_failures();
            pays_while_it_hangs(&scene, &payer, &fault, path).await;
            fulls += usize::from(scene.world.app.inquiries.reserve("92".parse().unwrap()).is_err());
        }
    }
    assert!(fulls > 20, "the queue was not full: {fulls}");
}

#[actix_web::test]
async fn debits_go_through_while_many_wait_for_the_caf_or_the_msa_in_whatever_way_it_fails() {
    let scene = Scene::with(benefits_grid()).await;
    let payer = Payer::of(&scene).await;
    for fault in answered() {
        begin_anew(&scene);
        let id = Asks::Quotient.requested(&scene).await;
        // A thousand families more wait behind this one.
        scene.execute(&format!(
            "insert into canteen_rate_requests (id, family_id, season, text_version, requested_by, requested_at, way, state, inquiries,
                                                identity_sealed, next_try_at)
             select gen_random_uuid(), '{}', '2026-2027', '2026-06', gen_random_uuid(), now(), 'family_benefits', 'in_progress', 1, '\\x00',
                    '2100-01-01' from generate_series(1, 1000)",
            scene.family.id
        ));
        pays_while_it_hangs(&scene, &payer, &fault, Asks::Quotient.path()).await;
        let calls = scene.value("select jsonb_agg(outcome is not null) from authority_calls");
        assert!(calls.as_array().unwrap().iter().all(|ended| *ended == json!(true)), "{fault}: {calls}");
        assert_ne!(scene.show(&id).await.text("/state"), "decided", "{fault}");
    }
}

/// What no answer ever comes to: the token, the notice, the quotient; all three at once, as each takes as long as a question may.
#[actix_web::test]
async fn debits_go_through_all_the_while_until_a_question_is_given_up() {
    let times_out = async |asks: Asks| {
        let scene = if asks == Asks::Quotient { Scene::with(benefits_grid()).await } else { Scene::start().await };
        let payer = Payer::of(&scene).await;
        let id = asks.requested(&scene).await;
        scene.authorities.fault(json!({ "path": asks.path(), "held": true }));
        let (began, asking) = (Instant::now(), ask_next(&scene));
        scene.authorities.held().await;
        let mut paid = 0;
        while !asking.is_finished() {
            payer.pays().await;
            paid += 1;
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        assert_eq!(asking.await.unwrap().unwrap(), Step::Asked, "{asks:?}");
        let waited = began.elapsed();
        assert!(waited >= Duration::from_secs(4) && waited < Duration::from_secs(20), "{asks:?}: {waited:?}");
        assert!(paid >= 3, "{asks:?}: {paid} debits in {waited:?}");
        assert_eq!(scene.value("select jsonb_agg(outcome) from authority_calls"), json!(["down"]), "{asks:?}");
        let shown = scene.show(&id).await;
        assert_eq!(shown.text("/state"), "in_progress", "{asks:?}");
        assert!(shown.text("/next_step").contains("ne répond pas pour le moment"), "{asks:?}: {}", shown.json);
        payer.pays().await;
    };
    tokio::join!(times_out(Asks::Notice), times_out(Asks::Token), times_out(Asks::Quotient));
}

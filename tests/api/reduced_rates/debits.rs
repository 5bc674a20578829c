//! Children pay and eat whatever the administrations do.

use super::{MARTIN, Scene, faults::faults};
use crate::support::{COLLEGE, debit, key};
use passplus::{
    canteen::reduced_rates::{self, Held, WAITING_MAX},
    db::{POOL_SIZE, Tx},
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

#[actix_web::test]
async fn debits_go_through_while_a_full_queue_waits_for_an_administration_in_whatever_way_it_fails() {
    let scene = Scene::start().await;
    let secretary = scene.world.secretary(COLLEGE).await;
    let child = scene.family.add_child("Ada", "2014-05-17").await;
    let (enrolment, version) = scene.family.submit(&child, &secretary.college).await;
    secretary.confirm(&enrolment, version).await;
    let pupil = scene.family.pupil(&child, &enrolment).await;
    let till = scene.world.till(&["culture"]).await;
    fill_the_queue(&scene);
    let mut fulls = 0;
    for (fault, _) in faults().into_iter().filter(|(fault, _)| fault.get("delay_ms").is_none()) {
        for path in ["/token", "/impotparticulier"] {
            scene.forget_failures();
            let mut held = fault.clone();
            (held["path"], held["held"]) = (json!(path), json!(true));
            scene.authorities.fault(held);
            // A client without a token begins by asking for one.
            let (app, administrations) = (scene.world.app.clone(), Administrations::new(&scene.world.config).unwrap());
            let asking = tokio::spawn(async move {
                reduced_rates::ask_next(&app.db, "92".parse().unwrap(), &administrations, &app.inquiries).await
            });
            scene.authorities.held().await;
            let paid = till.post_keyed("/v1/debits", &key(), debit(&pupil.card_code, "culture", 50)).await;
            paid.expect(201);
            assert_eq!(open_together(&scene).await, POOL_SIZE, "{fault}: a connection waits with the question");
            fulls += usize::from(scene.world.app.inquiries.reserve("92".parse().unwrap()).is_err());
            // Nothing of this waited for the answer.
            assert!(scene.authorities.is_holding() && !asking.is_finished(), "{fault}: it was answered meanwhile");
            scene.authorities.fault(Value::Null);
            scene.authorities.release();
            asking.await.unwrap().unwrap();
        }
    }
    assert!(fulls > 20, "the queue of {WAITING_MAX} was not full: {fulls}");
}

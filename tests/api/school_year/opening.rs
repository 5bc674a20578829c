//! A season opens: tried, ordered with the figure of the trial, carried out by any number of workers, each child once.

use super::{June, NEXT, OPENING, pupil};
use crate::{
    coverage::rows,
    support::{COLLEGE, SEASON, Scene, World},
};
use chrono::TimeDelta;
use passplus::{enrolments::closing, kernel::actor::Caller, ledger::expiry};
use serde_json::json;

#[actix_web::test]
async fn last_years_children_come_one_level_up_and_those_of_3e_are_told_goodbye() {
    let mut families = vec![];
    let june = June::come(async |world: &World, secretary: &_| {
        for _ in 0..2 {
            families.push(world.family("92").await);
        }
        pupil(&families[0], secretary, "Lou", "6e").await;
        pupil(&families[0], secretary, "Zoé", "3e").await;
        pupil(&families[1], secretary, "Max", "4e").await;
        // A draft gave no right: it is not carried over.
        let child = families[1].add_child("Ida", "2014-01-02").await;
        families[1].draft(&child, COLLEGE).await;
    })
    .await;
    let trial = june.trial().await;
    let expected = json!({
        "season": NEXT, "from_season": SEASON, "opens_at": "2027-05-31T22:00:00Z", "children": 2,
        "carried": [{ "level": "3e", "children": 1 }, { "level": "5e", "children": 1 }],
        "leaving": 1, "already": 0, "at_closed_colleges": 0, "formula_gone": 0,
    });
    assert_eq!(trial.json, expected);
    june.open(2).await;
    let done = june.trial().await;
    assert_eq!(
        (done.number("/order/carried"), done.number("/order/leaving"), done.number("/order/families")),
        (2, 1, 2)
    );
    assert_eq!((done.number("/children"), done.number("/leaving"), done.number("/already")), (0, 0, 2));

    let [mut first, second] = <[_; 2]>::try_from(families).ok().unwrap();
    june.sign_in(&mut first).await;
    let waiting = june.waiting(&first).await;
    assert_eq!(waiting.len(), 1);
    let enrolment = &waiting[0]["enrolment"];
    for (field, value) in [
        ("state", json!("to_confirm")),
        ("level", json!("5e")),
        ("formula", json!("sport")),
        ("declares_scholarship", json!(false)),
        ("college_uai", json!(COLLEGE)),
        ("season", json!(NEXT)),
    ] {
        assert_eq!(enrolment[field], value, "{field}");
    }
    assert_eq!(waiting[0]["known_to_college"], false);
    let letters = june.world.letters_to(&first.email).await;
    let told: Vec<_> = letters.iter().filter(|(subject, _)| subject.contains(NEXT)).collect();
    assert_eq!(told.len(), 1, "{letters:?}");
    assert!(told[0].1.contains("Lou : sa demande est prête, en 5e au collège des Deux Ponts"), "{}", told[0].1);
    assert!(told[0].1.contains("Zoé quitte le collège"), "{}", told[0].1);
    let letters = june.world.letters_to(&second.email).await;
    assert!(
        letters.iter().any(|(subject, body)| subject.contains(NEXT) && body.contains("Max") && !body.contains("Lou"))
    );

    // Ordered again, it finds nothing to do and writes to nobody.
    june.open(0).await;
    assert_eq!(june.trial().await.number("/order/families"), 0);
    let mut conn = june.world.superuser("92");
    let events = rows(
        &mut conn,
        "select event, count(*)::int as n from enrolment_events where event in ('carry_over', 'leave') group by 1 order by 1",
    );
    assert_eq!(json!(events), json!([{ "event": "carry_over", "n": 2 }, { "event": "leave", "n": 1 }]));
    let journalled = rows(
        &mut conn,
        "select action, count(*)::int as n from audit where action in ('enrolment_carried_over', 'pupil_left', 'season_opened') group by 1 order by 1",
    );
    assert_eq!(
        json!(journalled),
        json!([{ "action": "enrolment_carried_over", "n": 2 }, { "action": "pupil_left", "n": 1 }, { "action": "season_opened", "n": 2 }])
    );
}

#[actix_web::test]
async fn an_opening_is_ordered_once_with_the_figure_of_its_trial_and_may_wait_or_be_withdrawn() {
    let mut june = June::come(async |world: &World, secretary: &_| {
        let family = world.family("92").await;
        pupil(&family, secretary, "Lou", "6e").await;
    })
    .await;
    june.order(7).await.refused(409, "opening.figures_changed");
    let administrator = &june.world.administrator;
    administrator.get("/v1/departments/92/seasons/2031-2032/opening").await.refused(404, "not_found");
    administrator.delete(OPENING).await.refused(409, "opening.transition");
    let wrong = json!({ "expected_children": -1, "runs_at": "2027-06-30T08:00:00Z" });
    administrator.post(OPENING, wrong).await.refused(409, "opening.figures_changed");
    let slip = json!({ "expected_children": 1, "runs_at": "2999-01-01T00:00:00Z" });
    assert_eq!(administrator.post(OPENING, slip).await.refused(422, "request.invalid").pointers(), ["/runs_at"]);
    let later = (june.world.app.db.server_now() + TimeDelta::hours(3)).to_rfc3339();
    let waits = administrator.post(OPENING, json!({ "expected_children": 1, "runs_at": later })).await.expect(201);
    assert_eq!(waits.text("/order/state"), "ordered");
    june.order(1).await.refused(409, "opening.already_ordered");
    june.world.work_off().await;
    assert_eq!(june.trial().await.number("/order/carried"), 0);
    administrator.delete(OPENING).await.expect(204);
    assert_eq!(june.trial().await.text("/order/state"), "withdrawn");

    june.world.advance(TimeDelta::minutes(6));
    june.order(1).await.refused(403, "auth.step_up_required");
    june.world.wake_administrators().await;
    june.order(1).await.expect(201);
    // As many workers as there may be: one has the order, each child is carried over once.
    let workers = (0..4).map(|_| june.world.work_off());
    futures_join(workers).await;
    let done = june.trial().await;
    assert_eq!((done.text("/order/state"), done.number("/order/carried")), ("done".into(), 1));
    june.world.administrator.delete(OPENING).await.refused(409, "opening.transition");
}

/// Runs them beside each other.
async fn futures_join(all: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut running: Vec<_> = all.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        running.retain_mut(|one| one.as_mut().poll(context).is_pending());
        if running.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[actix_web::test]
async fn who_left_the_scheme_is_neither_carried_over_nor_told_goodbye() {
    let mut ids = vec![];
    let june = June::come(async |world: &World, secretary: &_| {
        let family = world.family("92").await;
        for (name, level) in [("Lou", "6e"), ("Zoé", "3e"), ("Max", "6e")] {
            let child = pupil(&family, secretary, name, level).await;
            let listed = family.get(&family.path(&format!("children/{child}/enrolments"))).await.expect(200);
            ids.push((listed.text("/0/id"), listed.number("/0/version")));
        }
        let agent = world.agent("92", "case_worker").await;
        for (id, version) in &ids[..2] {
            let body = json!({ "version": version, "reason": "moved_away" });
            agent.post(&format!("/v1/departments/92/enrolments/{id}/departure"), body).await.expect(200);
        }
    })
    .await;
    let trial = june.trial().await;
    assert_eq!((trial.number("/children"), trial.number("/leaving")), (1, 0));
    june.open(1).await;
}

#[actix_web::test]
async fn what_a_batch_leaves_the_next_one_does_and_a_family_is_never_cut_in_two() {
    let june = June::come(async |world: &World, secretary: &_| {
        let family = world.family("92").await;
        pupil(&family, secretary, "Lou", "6e").await;
    })
    .await;
    // 2,500 more families of two children, one of whom leaves: more than one batch.
    let mut conn = june.world.superuser("92");
    let sql = format!(
        "with made as (select time_ordered_id() as family, time_ordered_id() as a, time_ordered_id() as b, n from generate_series(1, 2500) n),
              f as (insert into families (id, created_by, created_at) select family, gen_random_uuid(), now() from made),
              c as (insert into children (id, family_id, first_names, last_name, birth_date, residence, created_at)
                    select a, family, 'A', 'N' || n, '2014-01-01'::date, '92', now() from made
                    union all select b, family, 'B', 'N' || n, '2012-01-01'::date, '92', now() from made)
         insert into enrolments (id, child_id, family_id, season, state, college_uai, college_name, in_network, level, formula,
                                 declares_scholarship, ase, created_at)
         select time_ordered_id(), child, family, '{SEASON}', 'active', '{COLLEGE}', 'Collège', true, level, 'sport', false, false, now()
           from made cross join lateral (values (a, '6e'), (b, '3e')) k (child, level)"
    );
    diesel::connection::SimpleConnection::batch_execute(&mut conn, &sql).unwrap();
    june.order(2_501).await.expect(201);
    let caller = Caller::system();
    let batch = || june.world.app.db.write("92".parse().unwrap(), &caller, passplus::enrolments::opening::open_batch);
    assert!(batch().await.unwrap());
    let after_one = june.trial().await;
    assert_eq!((after_one.text("/order/state"), after_one.number("/order/families")), ("ordered".into(), 2_000));
    june.world.administrator.delete(OPENING).await.refused(409, "opening.transition");
    assert!(batch().await.unwrap() && batch().await.unwrap() && !batch().await.unwrap());
    let done = june.trial().await;
    assert_eq!(
        (done.number("/order/carried"), done.number("/order/leaving"), done.number("/order/families")),
        (2_501, 2_500, 2_501)
    );
    let letters = rows(
        &mut conn,
        "select count(*)::int as n, count(distinct payload ->> 'family_id')::int as families from jobs where kind = 'season_notice'",
    );
    assert_eq!(json!(letters), json!([{ "n": 2_501, "families": 2_501 }]));
}

#[actix_web::test]
async fn requests_of_a_season_whose_end_was_carried_out_are_closed_and_its_tickets_still_capture() {
    let mut scene = Scene::set().await;
    let ticket = scene.ticket(json!({ "amount_cents": 500 })).await.expect(201).text("/code");
    let waiting = scene.family.add_child("Ida", "2014-01-02").await;
    scene.family.submit(&waiting, COLLEGE).await;
    scene.wait_until("2027-07-01T08:00:00Z").await;
    let administrator = scene.administrator().await;
    let finance = scene.world.agent("92", "finance").await;
    let path = "/v1/departments/92/seasons/2026-2027/expiry";
    let trial = finance.get(path).await.expect(200);
    let expected = json!({ "expected_wallets": trial.json["wallets"], "expected_cents": trial.json["cents"] });
    let order = finance.post(path, expected).await.expect(201);
    administrator.post(&format!("{path}/{}/approve", order.text("/order/id")), json!({})).await.expect(200);
    scene.world.repeat(closing::close_batch).await;
    let mut conn = scene.world.superuser("92");
    let states =
        |conn: &mut _| json!(rows(conn, "select state, count(*)::int as n from enrolments group by 1 order by 1"));
    assert_eq!(states(&mut conn), json!([{ "state": "active", "n": 1 }, { "state": "submitted", "n": 1 }]));
    let caller = Caller::system();
    while scene.world.app.db.write("92".parse().unwrap(), &caller, expiry::sweep_batch).await.unwrap() {}
    scene.world.repeat(closing::close_batch).await;
    assert_eq!(states(&mut conn), json!([{ "state": "expired", "n": 2 }]));
    let body =
        json!({ "ticket": ticket, "amount_cents": 500, "activity_label": "Le Cid", "activity_date": "2027-06-20" });
    scene.till.api.post_keyed("/v1/ticket-captures", &crate::support::key(), body).await.expect(201);
}

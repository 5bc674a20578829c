//! How tickets end: the last day to spend, the last day to capture, a year apart.

use crate::{
    ledger::Books,
    support::{Answer, Scene, key},
};
use serde_json::json;

const SPENDING_OVER: &str = "2027-06-30T22:00:01Z";

/// A ticket for an activity of the last days, and a transfer, made while there is time.
async fn ticket(scene: &Scene, cents: i64) -> Answer {
    let body = json!({ "amount_cents": cents, "activity_label": "Gala", "activity_date": "2027-06-30" });
    scene.ticket(body).await
}

async fn capture(scene: &Scene, ticket: &Answer, cents: i64) -> Answer {
    let body = json!({ "ticket": ticket.text("/code"), "amount_cents": cents });
    scene.till.post_keyed("/v1/ticket-captures", &key(), body).await
}

async fn cancel(scene: &Scene, ticket: &Answer) -> Answer {
    scene.family.post(&scene.family.path(&format!("tickets/{}/cancel", ticket.text("/id"))), json!({})).await
}

async fn give_up(scene: &Scene, ticket: &Answer) -> Answer {
    let path = scene.family.path(&format!("tickets/{}/cancel", ticket.text("/id")));
    scene.family.post(&path, json!({ "accept_loss": true })).await
}

fn line(kind: &str, cents: i64) -> (String, i64) {
    (kind.to_owned(), cents)
}

#[actix_web::test]
async fn a_ticket_made_on_the_last_day_is_captured_in_part_a_year_later_and_the_rest_is_lost() {
    let mut scene = Scene::set().await;
    scene.wait_until("2027-06-30T21:59:40Z").await;
    let made = ticket(&scene, 1_000).await.expect(201);
    let late = ticket(&scene, 700).await.expect(201);
    scene.wait_until(SPENDING_OVER).await;
    ticket(&scene, 100).await.refused(409, "wallet.spending_over");
    scene.end_season();
    assert_eq!(scene.last_lines(1).await, [line("expiry", -4_300)]);
    assert_eq!(scene.sums("culture").await, (1_700, 1_700, 0));
    scene.wait_until("2028-06-30T21:59:40Z").await;
    capture(&scene, &made, 600).await.expect(201);
    assert_eq!(scene.last_lines(2).await, [line("expiry", -400), line("debit", -600)]);
    scene.wait_until("2028-06-30T22:00:01Z").await;
    capture(&scene, &late, 100).await.refused(409, "hold.expired");
    assert_eq!(scene.sums("culture").await, (700, 700, 0));
    // The worker lets it go: the credit of a season that is over is lost, by a line.
    assert_eq!(scene.world.repeat(passplus::ledger::holds::expire).await, 1);
    assert_eq!(scene.world.repeat(passplus::ledger::holds::expire).await, 0);
    assert_eq!(scene.last_lines(1).await, [line("expiry", -700)]);
    assert_eq!(scene.sums("culture").await, (0, 0, 0));
    capture(&scene, &late, 100).await.refused(409, "hold.expired");
    cancel(&scene, &late).await.refused(409, "hold.expired");
    let seen = scene.family.get(&scene.family.path(&format!("tickets/{}", late.text("/id")))).await.expect(200);
    assert_eq!(seen.text("/state"), "expired");
    assert_eq!(Books::read(&scene.world).prove(), Ok(()));
}

#[actix_web::test]
async fn cancelled_after_the_last_day_to_spend_the_credit_is_lost() {
    let mut scene = Scene::set().await;
    scene.wait_until("2027-06-30T21:59:40Z").await;
    let [in_time, before_the_sweep, after_it] =
        [ticket(&scene, 100).await, ticket(&scene, 200).await, ticket(&scene, 300).await].map(|made| made.expect(201));
    cancel(&scene, &in_time).await.expect(200);
    assert_eq!(scene.sums("culture").await, (6_000, 500, 5_500));
    scene.wait_until(SPENDING_OVER).await;
    cancel(&scene, &before_the_sweep).await.refused(409, "ticket.loss_not_accepted");
    assert_eq!(scene.sums("culture").await, (6_000, 500, 0));
    give_up(&scene, &before_the_sweep).await.expect(200);
    assert_eq!(scene.sums("culture").await, (6_000, 300, 0), "back, and no more to be spent");
    scene.end_season();
    assert_eq!(scene.last_lines(1).await, [line("expiry", -5_700)]);
    cancel(&scene, &after_it).await.refused(409, "ticket.loss_not_accepted");
    give_up(&scene, &after_it).await.expect(200);
    assert_eq!(scene.last_lines(1).await, [line("expiry", -300)]);
    assert_eq!(scene.sums("culture").await, (0, 0, 0));
    cancel(&scene, &after_it).await.expect(200);
    assert_eq!(scene.last_lines(1).await, [line("expiry", -300)], "lost once");
    assert_eq!(Books::read(&scene.world).prove(), Ok(()));
}

#[actix_web::test]
async fn many_holds_expire_in_batches_and_only_those_whose_time_is_over() {
    let mut scene = Scene::set().await;
    for _ in 0..101 {
        scene
            .till
            .post_keyed("/v1/holds", &key(), crate::support::debit(&scene.pupil.card_code, "culture", 1))
            .await
            .expect(201);
    }
    let kept = ticket(&scene, 50).await.expect(201);
    assert_eq!(scene.sums("culture").await, (6_000, 151, 5_849));
    assert_eq!(scene.world.repeat(passplus::ledger::holds::expire).await, 0);
    scene.wait(crate::support::days(8)).await;
    assert_eq!(scene.world.repeat(passplus::ledger::holds::expire).await, 101);
    assert_eq!(scene.sums("culture").await, (6_000, 50, 5_950));
    cancel(&scene, &kept).await.expect(200);
    let api = scene.administrator().await;
    let journal = api.get("/v1/departments/92/journal?object_id=92").await.expect(200);
    let lines: Vec<i64> = journal.items().iter().map(|line| line["details"]["holds"].as_i64().unwrap()).collect();
    assert_eq!(lines, [100, 1]);
}

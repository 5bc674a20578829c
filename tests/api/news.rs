//! News leave with proof of consent only: asked when they are sent, and once more when each letter leaves.

use crate::support::{Answer, Family, World};
use chrono::TimeDelta;
use passplus::{kernel::actor::Caller, news};
use serde_json::json;

const NEWS: &str = "/v1/departments/92/news";

async fn say(family: &Family, granted: bool) {
    let body = json!({ "purpose": "news_email", "granted": granted, "text_version": "2026-06", "channel": "web" });
    family.post(&family.path(&format!("families/{}/consents", family.id)), body).await.expect(201);
}

async fn propose(world: &World) -> Answer {
    let body = json!({ "subject": "Le guide de la saison", "body": "Bonjour,\n\nIl est paru." });
    world.administrator.post(NEWS, body).await.expect(201)
}

async fn read_by(world: &World, family: &Family) -> Vec<String> {
    let letters = world.letters_to(&family.email).await.into_iter();
    letters.filter(|(subject, _)| subject == "Le guide de la saison").map(|(_, body)| body).collect()
}

#[actix_web::test]
async fn only_who_last_said_yes_is_written_to() {
    let world = World::start().await;
    let (yes, no, silent) = (world.family("92").await, world.family("92").await, world.family("92").await);
    let (changed, of_78) = (world.family("92").await, world.family("78").await);
    say(&yes, true).await;
    say(&no, true).await;
    say(&no, false).await;
    say(&changed, true).await;
    say(&of_78, true).await;
    let proposed = propose(&world).await;
    assert_eq!((proposed.number("/readers"), proposed.text("/news/state")), (2, "proposed".into()));
    world.work_off().await;
    assert!(read_by(&world, &yes).await.is_empty());

    let approve = format!("{NEWS}/{}/approve", proposed.text("/news/id"));
    world.administrator.post(&approve, json!({})).await.refused(409, "four_eyes.same_person");
    let other = world.agent("92", "administrator").await;
    assert_eq!(other.post(&approve, json!({})).await.expect(200).text("/state"), "approved");
    other.post(&approve, json!({})).await.refused(409, "news.transition");
    // The letters are left to the worker; one reader changes his mind before his leaves.
    let caller = Caller::system();
    assert!(world.app.db.write("92".parse().unwrap(), &caller, news::send_batch).await.unwrap());
    say(&changed, false).await;
    world.work_off().await;
    let letters = read_by(&world, &yes).await;
    assert_eq!(letters.len(), 1);
    assert!(
        letters[0].starts_with("Bonjour,\n\nIl est paru.") && letters[0].contains("retirer cet accord"),
        "{}",
        letters[0]
    );
    for family in [&no, &silent, &changed, &of_78] {
        assert!(read_by(&world, family).await.is_empty(), "{}", family.email);
    }
    let listed = world.administrator.get(NEWS).await.expect(200);
    assert_eq!((listed.text("/items/0/state"), listed.number("/items/0/letters")), ("sent".into(), 2));
}

#[actix_web::test]
async fn who_has_two_files_reads_once() {
    let world = World::start().await;
    let family = world.family("92").await;
    say(&family, true).await;
    let other_file = world.family("92").await;
    let code = world.invitation(&other_file, &family.email, "consult").await;
    family.post(&family.path("guardian-invitations/accept"), json!({ "token": code })).await.expect(200);
    let consent = json!({ "purpose": "news_email", "granted": true, "text_version": "2026-06", "channel": "web" });
    family.post(&family.path(&format!("families/{}/consents", other_file.id)), consent).await.expect(201);
    let proposed = propose(&world).await;
    assert_eq!(proposed.number("/readers"), 1);
    let other = world.agent("92", "administrator").await;
    other.post(&format!("{NEWS}/{}/approve", proposed.text("/news/id")), json!({})).await.expect(200);
    world.work_off().await;
    assert_eq!(read_by(&world, &family).await.len(), 1);
    // A no for the older file is not a no for the other.
    say(&family, false).await;
    assert_eq!(propose(&world).await.number("/readers"), 1);
}

#[actix_web::test]
async fn news_are_withdrawn_before_they_are_approved_and_approved_with_a_fresh_factor() {
    let mut world = World::start().await;
    let family = world.family("92").await;
    say(&family, true).await;
    let proposed = propose(&world).await.text("/news/id");
    let withdrawn = world.administrator.post(&format!("{NEWS}/{proposed}/withdraw"), json!({})).await.expect(200);
    assert_eq!(withdrawn.text("/state"), "withdrawn");
    world.administrator.post(&format!("{NEWS}/{proposed}/withdraw"), json!({})).await.refused(409, "news.transition");
    let other = world.agent("92", "administrator").await;
    other.post(&format!("{NEWS}/{proposed}/approve"), json!({})).await.refused(409, "news.transition");

    let proposed = propose(&world).await.text("/news/id");
    world.advance(TimeDelta::minutes(6));
    other.post(&format!("{NEWS}/{proposed}/approve"), json!({})).await.refused(403, "auth.step_up_required");
    world.wake_administrators().await;
    let of_78 = format!("/v1/departments/78/news/{proposed}/approve");
    world.administrator_78.post(&of_78, json!({})).await.refused(404, "not_found");
    assert!(read_by(&world, &family).await.is_empty());
    for (body, pointer) in [
        (json!({ "subject": "", "body": "x" }), "/subject"),
        (json!({ "subject": "x", "body": "a\u{7}" }), "/body"),
        (json!({ "subject": "x", "body": "y".repeat(5_001) }), "/body"),
    ] {
        let refused = world.administrator.post(NEWS, body).await.refused(422, "request.invalid");
        assert_eq!(refused.pointers(), [pointer]);
    }
}

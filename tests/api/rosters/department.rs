//! Rosters of many collèges: one person checks, another applies.

use super::{CSV, SEASON, send, states, submitted, told};
use crate::support::{Answer, Api, COLLEGE, OTHER_COLLEGE, World, call};
use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use serde_json::json;

async fn check(api: &Api, file: &str) -> Answer {
    send(api, &format!("/v1/departments/92/rosters/check?season={SEASON}"), CSV, file).await
}

async fn apply(api: &Api, file: &str, digest: &str) -> Answer {
    send(api, &format!("/v1/departments/92/rosters/apply?season={SEASON}&digest={digest}"), CSV, file).await
}

fn roster(rows: &[&str]) -> String {
    format!("RNE;Nom;Prénom;Date de naissance;Niveau\n{}\n", rows.join("\n"))
}

#[actix_web::test]
async fn one_administrator_checks_and_another_applies() {
    let world = World::start().await;
    let family = world.family("92").await;
    let first = submitted(&family, &["Ada", "Bea", "Cléo"], COLLEGE).await;
    let second = submitted(&family, &["Dan", "Eve"], OTHER_COLLEGE).await;
    let third = submitted(&family, &["Flo"], "0920003D").await;
    let file = roster(&[
        "0920001B;MARTIN;Ada;14/03/2015;6EME",
        "0920001B;MARTIN;Bea;14/03/2015;5EME",
        "0920002C;MARTIN;Dan;14/03/2015;6EME",
        "0920002C;MARTIN;Cléo;14/03/2015;6EME",
        ";MARTIN;Zoé;14/03/2015;6EME",
    ]);
    let other = world.agent("92", "administrator").await;
    let found = check(&world.administrator, &file).await.expect(200);
    let words: Vec<String> =
        told(&found).into_iter().map(|(_, outcome, reason)| format!("{outcome} {reason}")).collect();
    assert_eq!(words, ["match ", "doubtful level_differs", "match ", "doubtful other_college", "unreadable "]);
    // Eve waits at a collège of the file, Flo at one that it says nothing of.
    assert_eq!((found.number("/counts/missing"), found.text("/missing/0/enrolment_id")), (1, second[1].clone()));
    let digest = found.text("/digest");

    apply(&world.administrator, &file, &digest).await.refused(409, "four_eyes.same_person");
    apply(&other, &file, &"0".repeat(64)).await.refused(409, "roster.not_checked");
    apply(&other, &format!("{file}\n"), &digest).await.refused(409, "roster.changed");
    let mut conn = world.superuser("92");
    conn.batch_execute("update roster_checks set checked_at = checked_at - interval '8 days'").unwrap();
    apply(&other, &file, &digest).await.refused(409, "roster.not_checked");
    conn.batch_execute("update roster_checks set checked_at = checked_at + interval '8 days'").unwrap();
    let done = apply(&other, &file, &digest).await.expect(200);
    assert_eq!((done.number("/activated"), done.at("/left_out")), (2, &json!([])));
    assert_eq!(states(&family, &first).await, ["active", "submitted", "submitted"]);
    assert_eq!(states(&family, &second).await, ["active", "submitted"]);
    assert_eq!(states(&family, &third).await, ["submitted"]);
    apply(&other, &file, &digest).await.refused(409, "roster.changed");
    let journal = world.administrator.get("/v1/departments/92/journal?object_id=92&limit=100").await.expect(200);
    let actions: Vec<&str> = journal.items().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(
        actions.iter().filter(|a| a.starts_with("roster_")).collect::<Vec<_>>(),
        [&"roster_checked", &"roster_applied"]
    );
    let kept = call(&mut conn, "(select jsonb_agg(t) from roster_checks t)").unwrap().to_string();
    assert!(!kept.contains("Zo") && !kept.contains("MARTIN"), "{kept}");
}

#[actix_web::test]
async fn a_pupil_of_two_files_has_his_rights_once() {
    let world = World::start().await;
    let (mother, father) = (world.family("92").await, world.family("92").await);
    let one = submitted(&mother, &["Ada"], COLLEGE).await;
    let two = submitted(&father, &["Ada"], OTHER_COLLEGE).await;
    let file = roster(&["0920001B;Martin;Ada;14/03/2015;6EME", "0920002C;Martin;Ada;14/03/2015;6EME"]);
    let other = world.agent("92", "administrator").await;
    let digest = check(&world.administrator, &file).await.expect(200).text("/digest");
    let done = apply(&other, &file, &digest).await.expect(200);
    assert_eq!((done.number("/activated"), done.at("/left_out").as_array().unwrap().len()), (1, 1));
    let mut all = [states(&mother, &one).await, states(&father, &two).await].concat();
    all.sort();
    assert_eq!(all, ["active", "submitted"]);
    // And now the check says why.
    let found = check(&world.administrator, &file).await.expect(200);
    assert!(told(&found).iter().any(|(_, _, reason)| reason == "enrolled_elsewhere"), "{}", found.json);
}

#[actix_web::test]
async fn a_roster_of_the_department_asks_for_a_fresh_factor_and_for_its_colleges() {
    let world = World::start().await;
    let other = world.agent("92", "administrator").await;
    let file = roster(&["0920001B;Martin;Ada;14/03/2015;6EME"]);
    let digest = check(&world.administrator, &file).await.expect(200).text("/digest");
    let unnamed = check(&world.administrator, "Nom;Prénom;Né(e) le\nMartin;Ada;14/03/2015\n").await;
    assert!(unnamed.refused(422, "roster.unreadable").text("/detail").contains("UAI"));
    world.advance(TimeDelta::minutes(6));
    apply(&other, &file, &digest).await.refused(403, "auth.step_up_required");
}

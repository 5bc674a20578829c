//! Let in by a person: for a reason, until a day.

use crate::support::{Answer, COLLEGE, Family, OUTSIDE_COLLEGE, SEASON, World};
use serde_json::{Value, json};

const DEROGATIONS: &str = "/v1/departments/92/derogations";

fn form(child: &str, waives: &str, until: &str) -> Value {
    json!({ "child_id": child, "season": SEASON, "waives": waives, "reason": "Parcours de soins", "until": until })
}

async fn submit(family: &Family, enrolment: &str, version: i64) -> Answer {
    family.post(&family.path(&format!("enrolments/{enrolment}/submit")), json!({ "version": version })).await
}

/// A child who neither lives nor goes to school in the department.
async fn not_entitled(world: &World) -> (Family, String, String) {
    world.administrator.import_neighbours().await;
    let family = world.family("92").await;
    let child = json!({ "first_names": "Lou", "last_name": "Martin", "birth_date": "2015-03-14", "residence": "35" });
    let child =
        family.post(&family.path(&format!("families/{}/children", family.id)), child).await.expect(201).text("/id");
    let (enrolment, _) = family.draft(&child, OUTSIDE_COLLEGE).await;
    (family, child, enrolment)
}

#[actix_web::test]
async fn a_child_whom_no_rule_fits_is_let_in_by_a_person_until_a_day() {
    let mut world = World::start().await;
    let (mut family, child, enrolment) = not_entitled(&world).await;
    submit(&family, &enrolment, 1).await.refused(422, "enrolment.not_eligible");
    let case_worker = world.agent("92", "case_worker").await;
    case_worker.post(DEROGATIONS, form(&child, "deadline", "2027-05-31")).await.expect(201);
    submit(&family, &enrolment, 1).await.refused(422, "enrolment.not_eligible");

    let granted = case_worker.post(DEROGATIONS, form(&child, "eligibility", "2027-05-31")).await.expect(201);
    case_worker
        .post(DEROGATIONS, form(&child, "eligibility", "2027-06-01"))
        .await
        .refused(409, "derogation.already_granted");
    let revoke = format!("{DEROGATIONS}/{}/revoke", granted.text("/id"));
    case_worker.post(&revoke, json!({})).await.expect(200);
    case_worker.post(&revoke, json!({})).await.refused(409, "derogation.already_revoked");
    submit(&family, &enrolment, 1).await.refused(422, "enrolment.not_eligible");
    case_worker.post(DEROGATIONS, form(&child, "eligibility", "2027-04-10")).await.expect(201);

    let seen = family.get(&family.path(&format!("children/{child}/derogations"))).await.expect(200);
    assert_eq!(seen.json[0], json!({ "season": SEASON, "waives": "eligibility", "until": "2027-04-10" }));
    assert!(!seen.json.to_string().contains("soins"));
    let letters = world.letters_to(&family.email).await;
    assert!(letters.iter().any(|(subject, _)| subject == "Dérogation accordée"));
    assert!(letters.iter().all(|(_, body)| !body.contains("soins")));

    // The day after its last, it is of no use.
    world.advance("2027-04-11T08:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap() - world.app.db.server_now());
    family.api = world.sign_in(&family.email).await;
    submit(&family, &enrolment, 1).await.refused(422, "enrolment.not_eligible");
    world.wake_administrators().await;
    let listed = world.administrator.get(&format!("{DEROGATIONS}?limit=100")).await.expect(200);
    let last = listed.items()[0]["id"].as_str().unwrap().to_owned();
    world.administrator.post(&format!("{DEROGATIONS}/{last}/revoke"), json!({})).await.expect(200);
    world.administrator.post(DEROGATIONS, form(&child, "eligibility", "2027-04-11")).await.expect(201);
    let submitted = submit(&family, &enrolment, 1).await.expect(200);
    assert_eq!(submitted.text("/rule"), "derogation");
}

#[actix_web::test]
async fn a_deadline_that_has_passed_is_put_off_for_one_child() {
    let mut world = World::start().await;
    let mut family = world.family("92").await;
    let (child, other) = (family.add_child("Lou", "2015-03-14").await, family.add_child("Max", "2014-03-14").await);
    let (mine, others) = (family.draft(&child, COLLEGE).await.0, family.draft(&other, COLLEGE).await.0);
    world.advance("2027-05-03T08:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap() - world.app.db.server_now());
    world.wake_administrators().await;
    family.api = world.sign_in(&family.email).await;
    submit(&family, &mine, 1).await.refused(409, "enrolment.deadline_passed");
    world.administrator.post(DEROGATIONS, form(&child, "deadline", "2027-05-03")).await.expect(201);
    submit(&family, &others, 1).await.refused(409, "enrolment.deadline_passed");
    submit(&family, &mine, 1).await.expect(200);
}

#[actix_web::test]
async fn a_derogation_names_a_child_of_the_department_a_season_and_a_day_of_it() {
    let world = World::start().await;
    let family = world.family("92").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    let case_worker = world.agent("92", "case_worker").await;
    for until in ["2026-09-01", "2027-07-01"] {
        let refused =
            case_worker.post(DEROGATIONS, form(&child, "deadline", until)).await.refused(422, "request.invalid");
        assert_eq!(refused.pointers(), ["/until"], "{until}");
    }
    let mut body = form(&child, "deadline", "2027-05-03");
    body["season"] = json!("2031-2032");
    case_worker.post(DEROGATIONS, body).await.refused(404, "not_found");
    let of_78 = world.family("78").await;
    let elsewhere = of_78.add_child("Ana", "2015-03-14").await;
    case_worker.post(DEROGATIONS, form(&elsewhere, "deadline", "2027-05-03")).await.refused(404, "not_found");
    family.get(&family.path(&format!("children/{}/derogations", uuid::Uuid::nil()))).await.refused(404, "not_found");
}

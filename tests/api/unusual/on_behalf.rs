//! A secretary enrols a family on its behalf: told at once, in its own hands as soon as it wants.

use crate::support::{Answer, COLLEGE, OTHER_COLLEGE, SEASON, Secretary, World};
use chrono::TimeDelta;
use serde_json::{Value, json};

const DESK: &str = "/v1/departments/92/desk/enrolments";

fn form() -> Value {
    json!({
        "season": SEASON, "guardian_first_names": "Inès", "guardian_last_name": "Haddad", "email": "ines.haddad@example.fr",
        "phone": "0612345678", "first_names": "Yanis", "last_name": "Haddad", "birth_date": "2014-05-17", "residence": "92",
        "level": "6e", "formula": "sport", "declares_scholarship": false,
    })
}

async fn enrol(secretary: &Secretary, body: Value) -> Answer {
    secretary.api.post(DESK, body).await
}

#[actix_web::test]
async fn a_family_enrolled_by_its_college_has_its_rights_is_told_and_consents_by_itself() {
    let world = World::start().await;
    let secretary = world.secretary(COLLEGE).await;
    let enrolled = enrol(&secretary, form()).await.expect(201);
    assert_eq!((enrolled.text("/state"), enrolled.text("/first_names")), ("active".into(), "Yanis".into()));

    let letters = world.letters_to("ines.haddad@example.fr").await;
    let (subject, body) = &letters[0];
    assert_eq!(subject, "Pass+ : votre collège vous a inscrits");
    assert!(body.contains("collège des Deux Ponts") && !body.contains("Yanis"), "{body}");
    let code = body.lines().find(|line| line.len() == 43 && !line.contains(' ')).expect("a code").to_owned();

    let guardian = world.sign_up("ines.haddad@example.fr").await;
    let joined =
        guardian.post("/v1/departments/92/guardian-invitations/accept", json!({ "token": code })).await.expect(200);
    let (family, child) = (joined.text("/id"), joined.text("/children/0/id"));
    let wallets = guardian.get(&format!("/v1/departments/92/children/{child}/wallets")).await.expect(200);
    let mut cents: Vec<i64> = wallets.items().iter().map(|wallet| wallet["balance_cents"].as_i64().unwrap()).collect();
    cents.sort_unstable();
    assert_eq!(cents, [2_000, 6_000]);
    guardian.get(&format!("/v1/departments/92/children/{child}/card")).await.expect(200);
    let consents = guardian.get(&format!("/v1/departments/92/families/{family}/consents")).await.expect(200);
    assert!(consents.at("/choices").as_array().unwrap().iter().all(|choice| choice["granted"] == false));
    let shown =
        guardian.get(&format!("/v1/departments/92/enrolments/{}", enrolled.text("/enrolment_id"))).await.expect(200);
    let steps: Vec<_> = shown.at("/history").as_array().unwrap().iter().map(|s| s["event"].as_str().unwrap()).collect();
    assert_eq!(steps, ["on_behalf", "confirm", "activate"]);
    // The code served once.
    let other = world.sign_up("autre@example.fr").await;
    other
        .post("/v1/departments/92/guardian-invitations/accept", json!({ "token": code }))
        .await
        .refused(422, "link.invalid");
}

#[actix_web::test]
async fn a_pupil_whom_the_department_knows_is_not_entered_again() {
    let world = World::start().await;
    let (secretary, elsewhere) = (world.secretary(COLLEGE).await, world.secretary(OTHER_COLLEGE).await);
    enrol(&secretary, form()).await.expect(201);
    let mut same = form();
    same["last_name"] = json!("HADDAD");
    same["email"] = json!("autre@example.fr");
    enrol(&elsewhere, same).await.refused(409, "pupil.already_known");
    assert!(world.letters_to("autre@example.fr").await.is_empty());

    let mut with_second_name = form();
    with_second_name["first_names"] = json!("Yanis Karim");
    enrol(&elsewhere, with_second_name).await.refused(409, "pupil.already_known");

    let mut twins = form();
    twins["first_names"] = json!("Adam");
    let (one, two) = tokio::join!(enrol(&secretary, twins.clone()), enrol(&elsewhere, twins));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{} {}", one.json, two.json);
}

#[actix_web::test]
async fn a_form_that_breaks_a_rule_enters_nobody() {
    let world = World::start().await;
    let mut secretary = world.secretary(COLLEGE).await;
    for (field, value, code) in [
        ("birth_date", json!("1990-01-01"), "request.invalid"),
        ("email", json!("ines"), "request.invalid"),
        ("level", json!("2nde"), "request.invalid"),
        ("formula", json!("danse"), "enrolment.unknown_formula"),
        ("consents", json!([]), "request.invalid"),
    ] {
        let mut body = form();
        body[field] = value;
        let refused = enrol(&secretary, body).await.refused(422, code);
        if code == "request.invalid" {
            assert_eq!(refused.pointers(), [format!("/{field}")]);
        }
    }
    world.advance(TimeDelta::minutes(6));
    enrol(&secretary, form()).await.refused(403, "auth.step_up_required");
    secretary.api = world.sign_in_staff(&secretary.email, &secretary.totp_secret).await;
    enrol(&secretary, form()).await.expect(201);
    let mut late = form();
    late["first_names"] = json!("Adam");
    world.advance("2027-05-02T08:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap() - world.app.db.server_now());
    secretary.api = world.sign_in_staff(&secretary.email, &secretary.totp_secret).await;
    enrol(&secretary, late).await.refused(409, "enrolment.deadline_passed");
}

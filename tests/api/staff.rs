//! Staff: invited by an administrator of the department, never in without a second factor, out at once.

use crate::support::{Agent, Answer, COLLEGE, COLLEGE_78, OUTSIDE_COLLEGE, PASSWORD, Service, World};
use chrono::TimeDelta;
use passplus::kernel::ids::StaffRoleId;
use serde_json::{Value, json};

const STAFF: &str = "/v1/departments/92/staff";

async fn sign_in(service: &Service, email: &str, password: &str, factor: &str) -> Answer {
    let body = json!({ "email": email, "password": password, "second_factor": factor });
    service.api.post("/v1/sessions", body).await
}

async fn accept(service: &Service, token: &str) -> Answer {
    service.api.post("/v1/invitations/accept", json!({ "token": token, "password": PASSWORD })).await
}

fn case_worker(email: &str) -> Value {
    json!({ "email": email, "name": "Alix Moreau", "function": "case_worker" })
}

/// The place of that person among the staff of 92.
async fn place_of(world: &World, email: &str) -> Value {
    let page = world.administrator.get(&format!("{STAFF}?limit=100")).await.expect(200);
    page.at("/items").as_array().unwrap().iter().find(|place| place["email"] == email).unwrap().clone()
}

fn id_of(place: &Value) -> String {
    place["id"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn nobody_of_the_staff_comes_in_without_a_second_factor_that_serves_once() {
    let world = World::start().await;
    let email = "instructrice@departement.example";
    world.administrator.post(STAFF, case_worker(email)).await.expect(201);
    let letters = world.letters_to(email).await;
    assert_eq!(letters[0].0, "Votre accès à Pass+");
    // Invited, not yet in: no password opens.
    sign_in(&world, email, PASSWORD, "000000").await.refused(401, "auth.wrong_credentials");

    let factor = accept(&world, &world.link(email).await).await.expect(201);
    let secret = factor.text("/secret");
    let uri = factor.text("/otpauth_uri");
    assert!(uri.starts_with("otpauth://totp/Pass%2B:") && uri.contains(&format!("secret={secret}")), "{uri}");
    let codes: Vec<String> = serde_json::from_value(factor.at("/recovery_codes").clone()).unwrap();
    assert_eq!(codes.len(), 10);

    let alone = json!({ "email": email, "password": PASSWORD });
    world.api.post("/v1/sessions", alone).await.refused(401, "auth.second_factor_required");
    sign_in(&world, email, "Autre-Mot-2026", &world.totp(&secret)).await.refused(401, "auth.wrong_credentials");
    for wrong in ["000000x", "12345", "…", &world.totp(&world.administrator.totp_secret)] {
        sign_in(&world, email, PASSWORD, wrong).await.refused(401, "auth.wrong_second_factor");
    }
    let code = world.totp(&secret);
    let session = sign_in(&world, email, PASSWORD, &format!("{} {}", &code[..3], &code[3..])).await.expect(201);
    world.api.with_token(&session.text("/access_token")).get("/v1/me").await.expect(200);
    sign_in(&world, email, PASSWORD, &code).await.refused(401, "auth.wrong_second_factor");
    world.advance(TimeDelta::seconds(30));
    // Nor the one before, which a telephone that runs late would still show.
    sign_in(&world, email, PASSWORD, &code).await.refused(401, "auth.wrong_second_factor");
    sign_in(&world, email, PASSWORD, &world.totp(&secret)).await.expect(201);

    let shouted = format!("{}-{}", &codes[3][..5], &codes[3][5..]).to_uppercase();
    sign_in(&world, email, PASSWORD, &shouted).await.expect(201);
    sign_in(&world, email, PASSWORD, &codes[3]).await.refused(401, "auth.wrong_second_factor");
    sign_in(&world, email, PASSWORD, &world.administrator.recovery_codes[0])
        .await
        .refused(401, "auth.wrong_second_factor");
    sign_in(&world, email, PASSWORD, &codes[9]).await.expect(201);
}

#[actix_web::test]
async fn only_the_departments_administrators_invite_and_each_wrong_field_is_named() {
    let world = World::start().await;
    let case_worker_of_92 = world.agent("92", "case_worker").await;
    let secretary = world.secretary(COLLEGE).await;
    let family = world.family("92").await;
    for api in [&case_worker_of_92.api, &secretary.api, &family.api] {
        api.post(STAFF, case_worker("x@departement.example")).await.refused(403, "auth.forbidden");
        api.get(STAFF).await.refused(403, "auth.forbidden");
    }
    world.api.post(STAFF, case_worker("x@departement.example")).await.refused(401, "auth.required");
    world.administrator_78.post(STAFF, case_worker("x@departement.example")).await.refused(404, "not_found");
    world.administrator_78.get(STAFF).await.refused(404, "not_found");

    for email in [&family.email, &secretary.email, &world.administrator.email] {
        world.administrator.post(STAFF, case_worker(email)).await.refused(409, "staff.already_exists");
    }
    let both = json!({ "email": "x@departement.example", "name": "Alix", "function": "dpo", "college_uai": COLLEGE });
    let neither = json!({ "email": "x@departement.example", "name": "Alix" });
    for (pointer, body) in [
        ("/function", both),
        ("/function", neither),
        ("/email", json!({ "email": "x@", "name": "Alix", "function": "dpo" })),
        ("/email", json!({ "name": "Alix", "function": "dpo" })),
        ("/name", json!({ "email": "x@departement.example", "name": "R2D2", "function": "dpo" })),
        ("/function", json!({ "email": "x@departement.example", "name": "Alix", "function": "king" })),
        ("/college_uai", json!({ "email": "x@departement.example", "name": "Alix", "college_uai": "0920001A" })),
        ("/role", json!({ "email": "x@departement.example", "name": "Alix", "function": "dpo", "role": "agent" })),
    ] {
        let refused = world.administrator.post(STAFF, body).await.refused(422, "request.invalid");
        assert_eq!(refused.text("/errors/0/pointer"), pointer);
    }
    assert!(world.letters_to("x@departement.example").await.is_empty());

    // The list goes on page by page, in the order of arrival.
    let mut emails = vec![];
    let mut path = format!("{STAFF}?limit=2");
    loop {
        let page = world.administrator.get(&path).await.expect(200);
        let items = page.at("/items").as_array().unwrap();
        emails.extend(items.iter().map(|place| place["email"].as_str().unwrap().to_owned()));
        let Some(cursor) = page.json["next_cursor"].as_str() else { break };
        path = format!("{STAFF}?limit=2&cursor={cursor}");
    }
    assert_eq!(emails, [&world.administrator.email, &case_worker_of_92.email, &secretary.email].map(String::clone));
}

#[actix_web::test]
async fn an_invitation_serves_once_within_seven_days_and_a_newer_one_replaces_it() {
    let world = World::start().await;
    let email = "tardive@departement.example";
    let id = world.administrator.post(STAFF, case_worker(email)).await.expect(201).text("/id");
    let again = format!("{STAFF}/{id}/invite-again");
    let first = world.link(email).await;
    world.administrator.post(&again, json!({})).await.expect(204);
    let second = world.link(email).await;
    accept(&world, &first).await.refused(422, "link.invalid");
    world.advance(TimeDelta::minutes(7 * 24 * 60 + 1));
    accept(&world, &second).await.refused(422, "link.invalid");

    // The administrator's own session ended long since.
    let administrator = sign_in_again(&world, &world.administrator).await;
    administrator.post(&again, json!({})).await.expect(204);
    let third = world.link(email).await;
    world.advance(TimeDelta::minutes(7 * 24 * 60 - 1));
    let weak = json!({ "token": third, "password": "azerty" });
    world.api.post("/v1/invitations/accept", weak).await.refused(422, "password.weak");
    for door in ["/v1/accounts/confirm", "/v1/password-resets/confirm"] {
        let body = json!({ "token": third, "password": PASSWORD });
        world.api.post(door, body).await.refused(422, "link.invalid");
    }
    accept(&world, &third).await.expect(201);
    accept(&world, &third).await.refused(422, "link.invalid");
}

async fn sign_in_again(world: &World, agent: &Agent) -> crate::support::Api {
    world.advance(TimeDelta::seconds(30));
    let answer = sign_in(world, &agent.email, PASSWORD, &world.totp(&agent.totp_secret)).await.expect(201);
    world.api.with_token(&answer.text("/access_token"))
}

#[actix_web::test]
async fn a_revoked_place_ends_sessions_invitations_and_sign_in_at_once() {
    let world = World::start().await;
    let leaver = world.agent("92", "case_worker").await;
    let elsewhere = sign_in_again(&world, &leaver).await;
    let leaver_place = id_of(&place_of(&world, &leaver.email).await);
    world.administrator_78.post(&format!("{STAFF}/{leaver_place}/revoke"), json!({})).await.refused(404, "not_found");
    let other = format!("/v1/departments/78/staff/{leaver_place}");
    for action in ["revoke", "invite-again"] {
        world.administrator_78.post(&format!("{other}/{action}"), json!({})).await.refused(404, "not_found");
        let absent = format!("{STAFF}/{}/{action}", StaffRoleId::generate());
        world.administrator.post(&absent, json!({})).await.refused(404, "not_found");
        leaver.post(&format!("{STAFF}/{leaver_place}/{action}"), json!({})).await.refused(403, "auth.forbidden");
    }
    leaver.get("/v1/me").await.expect(200);

    // An invitation is under way when the place goes.
    world.administrator.post(&format!("{STAFF}/{leaver_place}/invite-again"), json!({})).await.expect(204);
    let link = world.link(&leaver.email).await;
    world.administrator.post(&format!("{STAFF}/{leaver_place}/revoke"), json!({})).await.expect(204);
    for api in [&leaver.api, &elsewhere] {
        api.get("/v1/me").await.refused(401, "auth.invalid_token");
    }
    accept(&world, &link).await.refused(422, "link.invalid");
    world.advance(TimeDelta::seconds(30));
    let code = world.totp(&leaver.totp_secret);
    sign_in(&world, &leaver.email, PASSWORD, &code).await.refused(401, "auth.wrong_credentials");
    for action in ["revoke", "invite-again"] {
        let path = format!("{STAFF}/{leaver_place}/{action}");
        world.administrator.post(&path, json!({})).await.refused(404, "not_found");
    }
    assert!(place_of(&world, &leaver.email).await["revoked_at"].is_string());

    // Somebody must remain.
    let own = place_of(&world, &world.administrator.email).await;
    let path = format!("{STAFF}/{}/revoke", id_of(&own));
    world.administrator.post(&path, json!({})).await.refused(403, "auth.forbidden");
    world.administrator.get("/v1/me").await.expect(200);
    assert!(place_of(&world, &world.administrator.email).await["revoked_at"].is_null());
}

#[actix_web::test]
async fn an_invitation_sent_again_replaces_password_factor_codes_and_sessions() {
    let world = World::start().await;
    let agent = world.agent("92", "finance").await;
    let place = id_of(&place_of(&world, &agent.email).await);
    world.administrator.post(&format!("{STAFF}/{place}/invite-again"), json!({})).await.expect(204);
    // Nothing changes before the link is followed: who asks cannot lock out.
    agent.get("/v1/me").await.expect(200);
    let body = json!({ "token": world.link(&agent.email).await, "password": "Nouveau-Mot-2026" });
    let factor = world.api.post("/v1/invitations/accept", body).await.expect(201);
    world.advance(TimeDelta::seconds(30));

    // The lost telephone is out with all it had.
    agent.get("/v1/me").await.refused(401, "auth.invalid_token");
    let (old, new) = (world.totp(&agent.totp_secret), world.totp(&factor.text("/secret")));
    sign_in(&world, &agent.email, PASSWORD, &new).await.refused(401, "auth.wrong_credentials");
    for dead in [&old, &agent.recovery_codes[0]] {
        sign_in(&world, &agent.email, "Nouveau-Mot-2026", dead).await.refused(401, "auth.wrong_second_factor");
    }
    sign_in(&world, &agent.email, "Nouveau-Mot-2026", &new).await.expect(201);
    sign_in(&world, &agent.email, "Nouveau-Mot-2026", &factor.text("/recovery_codes/0")).await.expect(201);
}

#[actix_web::test]
async fn a_large_decision_asks_for_a_second_factor_shown_in_the_last_five_minutes() {
    let world = World::start().await;
    let secretary = world.secretary(COLLEGE).await;
    let rows = |count: usize| {
        let row = || json!({ "enrolment_id": StaffRoleId::generate(), "version": 1, "decision": "confirm" });
        Value::Array((0..count).map(|_| row()).collect())
    };
    secretary.decide(rows(51)).await.expect(200);
    world.advance(TimeDelta::seconds(5 * 60 + 1));
    secretary.decide(rows(50)).await.expect(200);
    secretary.decide(rows(51)).await.refused(403, "auth.step_up_required");
    let path = "/v1/sessions/current/second-factor";
    let show = async |code: &str| secretary.post(path, json!({ "second_factor": code })).await;
    show("000000x").await.refused(401, "auth.wrong_second_factor");
    secretary.decide(rows(51)).await.refused(403, "auth.step_up_required");
    let code = world.totp(&secretary.totp_secret);
    show(&code).await.expect(204);
    secretary.decide(rows(51)).await.expect(200);
    show(&code).await.refused(401, "auth.wrong_second_factor");
    world.api.post(path, json!({ "second_factor": code })).await.refused(401, "auth.required");

    // Right codes are no tries to be counted; wrong ones are.
    for _ in 0..8 {
        world.advance(TimeDelta::seconds(30));
        show(&world.totp(&secretary.totp_secret)).await.expect(204);
    }
    for _ in 0..10 {
        show("000000x").await.refused(401, "auth.wrong_second_factor");
    }
    show(&world.totp(&secretary.totp_secret)).await.refused(429, "auth.too_many_attempts");
}

#[actix_web::test]
async fn a_secretary_is_invited_for_a_known_college_of_the_department_only() {
    let world = World::start().await;
    for college in [COLLEGE_78, OUTSIDE_COLLEGE] {
        let body = json!({ "email": "x@college.example", "name": "Alix", "college_uai": college });
        world.administrator.post("/v1/departments/92/staff", body).await.refused(422, "college.unknown");
    }
}

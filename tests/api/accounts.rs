//! Sign-up, proof of the address, forgotten passwords: who knows nothing learns nothing.

use crate::support::{Answer, Api, PASSWORD, Service};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

const CONFIRM: &str = "/v1/accounts/confirm";
const RESET: &str = "/v1/password-resets/confirm";

async fn ask(api: &Api, path: &str, email: &str) -> Answer {
    api.post(path, json!({ "email": email })).await
}

async fn try_password(api: &Api, email: &str, password: &str) -> Answer {
    api.post("/v1/sessions", json!({ "email": email, "password": password })).await
}

/// All that an answer tells, without what differs from one request to the next.
fn told(answer: Answer) -> (u16, Value, Vec<(String, String)>) {
    let Answer { status, mut json, headers, .. } = answer;
    if let Some(problem) = json.as_object_mut() {
        problem.remove("instance");
    }
    let lasting = headers.iter().filter(|(name, _)| *name != "x-request-id" && *name != "date");
    let mut headers: Vec<(String, String)> =
        lasting.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    (status, json, headers)
}

async fn subjects(service: &Service, email: &str) -> Vec<String> {
    service.letters_to(email).await.into_iter().map(|(subject, _)| subject).collect()
}

#[actix_web::test]
async fn known_and_unknown_addresses_are_answered_alike_and_only_their_owners_learn_more() {
    let service = Service::start().await;
    let (known, pending, unknown) = ("connue@example.fr", "en.attente@example.fr", "inconnue@example.fr");
    service.sign_up(known).await;
    let staff = service.first_administrator("92").await.email;
    let first = told(ask(&service.api, "/v1/accounts", pending).await.expect(202));
    for email in [known, pending, &staff] {
        assert_eq!(told(ask(&service.api, "/v1/accounts", email).await), first, "{email}");
    }
    assert_eq!(subjects(&service, known).await, ["Confirmez votre adresse", "Vous avez déjà un compte Pass+"]);
    assert!(!service.letters_to(known).await[1].1.contains('#'), "who has an account gets no link by signing up");
    assert_eq!(subjects(&service, pending).await, ["Confirmez votre adresse", "Confirmez votre adresse"]);
    assert_eq!(subjects(&service, &staff).await, ["Votre accès à Pass+", "Vous avez déjà un compte Pass+"]);

    let first = told(ask(&service.api, "/v1/password-resets", unknown).await.expect(202));
    for email in [known, pending] {
        assert_eq!(told(ask(&service.api, "/v1/password-resets", email).await), first, "{email}");
    }
    assert_eq!(subjects(&service, known).await.last().unwrap(), "Votre nouveau mot de passe");
    assert_eq!(subjects(&service, pending).await.len(), 2, "an unproved address has no password to reset");
    assert!(subjects(&service, unknown).await.is_empty());

    let first = told(try_password(&service.api, unknown, PASSWORD).await.refused(401, "auth.wrong_credentials"));
    for (email, password) in [(known, "Autre-Mot-2026"), (pending, PASSWORD), (&staff, "Autre-Mot-2026"), (known, " ")]
    {
        assert_eq!(told(try_password(&service.api, email, password).await), first, "{email}");
    }
    try_password(&service.api, "  CONNUE@Example.FR ", PASSWORD).await.expect(201);
}

#[actix_web::test]
async fn a_link_serves_once_for_its_purpose_until_a_newer_one_comes() {
    let service = Service::start().await;
    let email = "lien@example.fr";
    let follow = async |path: &str, token: &str, password: &str| {
        service.api.post(path, json!({ "token": token, "password": password })).await
    };
    ask(&service.api, "/v1/accounts", email).await.expect(202);
    let older = service.link(email).await;
    ask(&service.api, "/v1/accounts", email).await.expect(202);
    let link = service.link(email).await;
    assert_ne!(older, link);
    follow(CONFIRM, &older, PASSWORD).await.refused(422, "link.invalid");
    follow(CONFIRM, "n'importe quoi", PASSWORD).await.refused(422, "link.invalid");
    for other in [RESET, "/v1/invitations/accept"] {
        follow(other, &link, PASSWORD).await.refused(422, "link.invalid");
    }
    let long = "Aa1-".repeat(33);
    // Neither another door nor a weak password uses it up.
    for weak in ["azerty", "Azerty12345", "Caf3-du-Por", "cafe-du-port3", "Aa1!Aa1!Aa1!Aa1!", &long] {
        follow(CONFIRM, &link, weak).await.refused(422, "password.weak");
    }
    follow(CONFIRM, &link, "cafe-du-port-3").await.expect(204);
    follow(CONFIRM, &link, PASSWORD).await.refused(422, "link.invalid");
    try_password(&service.api, email, "cafe-du-port-3").await.expect(201);

    ask(&service.api, "/v1/password-resets", email).await.expect(202);
    let older = service.link(email).await;
    ask(&service.api, "/v1/password-resets", email).await.expect(202);
    let link = service.link(email).await;
    follow(RESET, &older, PASSWORD).await.refused(422, "link.invalid");
    follow(CONFIRM, &link, PASSWORD).await.refused(422, "link.invalid");
    follow(RESET, &link, "sept petits canards vont boire au lac bleu").await.expect(204);
    follow(RESET, &link, PASSWORD).await.refused(422, "link.invalid");
    try_password(&service.api, email, "sept petits canards vont boire au lac bleu").await.expect(201);
}

#[actix_web::test]
async fn a_link_dies_after_its_time() {
    let service = Service::start().await;
    let body = async |email: &str| json!({ "token": service.link(email).await, "password": PASSWORD });
    for email in ["tot@example.fr", "tard@example.fr"] {
        ask(&service.api, "/v1/accounts", email).await.expect(202);
    }
    let (early, late) = (body("tot@example.fr").await, body("tard@example.fr").await);
    service.advance(TimeDelta::minutes(24 * 60 - 1));
    service.api.post(CONFIRM, early).await.expect(204);
    service.advance(TimeDelta::minutes(2));
    service.api.post(CONFIRM, late).await.refused(422, "link.invalid");
    // He asks again and gets in.
    ask(&service.api, "/v1/accounts", "tard@example.fr").await.expect(202);
    service.api.post(CONFIRM, body("tard@example.fr").await).await.expect(204);

    ask(&service.api, "/v1/password-resets", "tot@example.fr").await.expect(202);
    let late = body("tot@example.fr").await;
    service.advance(TimeDelta::minutes(61));
    service.api.post(RESET, late).await.refused(422, "link.invalid");
    ask(&service.api, "/v1/password-resets", "tot@example.fr").await.expect(202);
    let early = body("tot@example.fr").await;
    service.advance(TimeDelta::minutes(59));
    service.api.post(RESET, early).await.expect(204);
}

#[actix_web::test]
async fn a_reset_ends_every_session_and_the_old_password_and_says_so_by_mail() {
    let service = Service::start().await;
    let email = "oublieuse@example.fr";
    let first = service.sign_up(email).await;
    let second = try_password(&service.api, email, PASSWORD).await.expect(201);
    let other = service.sign_up("autre@example.fr").await;
    ask(&service.api, "/v1/password-resets", email).await.expect(202);
    first.get("/v1/me").await.expect(200);
    let body = json!({ "token": service.link(email).await, "password": "Nouveau-Mot-2026" });
    service.api.post(RESET, body).await.expect(204);

    for token in [first.token.unwrap(), second.text("/access_token")] {
        service.api.with_token(&token).get("/v1/me").await.refused(401, "auth.invalid_token");
    }
    let refresh = json!({ "refresh_token": second.text("/refresh_token") });
    service.api.post("/v1/sessions/refresh", refresh).await.refused(401, "auth.refresh_unknown");
    try_password(&service.api, email, PASSWORD).await.refused(401, "auth.wrong_credentials");
    try_password(&service.api, email, "Nouveau-Mot-2026").await.expect(201);
    other.get("/v1/me").await.expect(200);
    assert_eq!(subjects(&service, email).await.last().unwrap(), "Votre mot de passe a changé");
}

#[actix_web::test]
async fn who_signs_up_with_anothers_address_gains_nothing() {
    let service = Service::start().await;
    let victim = "victime@example.fr";
    // Nothing chosen at sign-up counts: there is no place for it.
    let body = json!({ "email": victim, "password": "Mot-du-Voleur-1" });
    let refused = service.api.post("/v1/accounts", body).await.refused(422, "request.invalid");
    assert_eq!(refused.text("/errors/0/pointer"), "/password");
    ask(&service.api, "/v1/accounts", victim).await.expect(202);
    try_password(&service.api, victim, "Mot-du-Voleur-1").await.refused(401, "auth.wrong_credentials");
    let mine = service.sign_up(victim).await;

    ask(&service.api, "/v1/accounts", victim).await.expect(202);
    ask(&service.api, "/v1/password-resets", victim).await.expect(202);
    mine.get("/v1/me").await.expect(200);
    try_password(&service.api, victim, "Mot-du-Voleur-1").await.refused(401, "auth.wrong_credentials");
    try_password(&service.api, victim, PASSWORD).await.expect(201);
}

#[actix_web::test]
async fn letters_are_counted_by_the_address_they_go_to_and_by_the_one_they_are_asked_from() {
    let service = Service::start().await;
    let second = service.second_server();
    for email in ["cible@example.fr", "inconnue@example.fr"] {
        for (turn, api) in [&service.api, &second, &service.api, &second, &service.api].into_iter().enumerate() {
            let path = if turn == 3 { "/v1/password-resets" } else { "/v1/accounts" };
            ask(api, path, email).await.expect(202);
        }
        let sent = service.letters_to(email).await.len();
        let refused = ask(&second, "/v1/accounts", &email.to_uppercase()).await.refused(429, "auth.too_many_attempts");
        let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((3500..=3600).contains(&wait), "{wait}");
        ask(&service.api, "/v1/password-resets", email).await.refused(429, "auth.too_many_attempts");
        assert_eq!(service.letters_to(email).await.len(), sent, "what is refused sends nothing");
    }
    service.advance(TimeDelta::minutes(61));
    ask(&service.api, "/v1/accounts", "cible@example.fr").await.expect(202);

    // A caller cannot pass for many by saying that he is forwarded.
    for number in 1..100 {
        let body = json!({ "email": format!("essai{number}@example.fr") });
        let request = service.api.request(Method::POST, "/v1/accounts").json(&body);
        service.api.send(request.header("x-forwarded-for", format!("203.0.113.{number}"))).await.expect(202);
    }
    ask(&service.api, "/v1/accounts", "cent.et.un@example.fr").await.refused(429, "auth.too_many_attempts");
    service.advance(TimeDelta::minutes(61));
    ask(&service.api, "/v1/accounts", "cent.et.un@example.fr").await.expect(202);
}

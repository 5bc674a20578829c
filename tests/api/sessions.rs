//! Sign-in, refresh, sign-out and the ends of a session.

use crate::support::{Answer, Api, PASSWORD, Service, World};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

async fn try_password(api: &Api, email: &str, password: &str) -> Answer {
    api.post("/v1/sessions", json!({ "email": email, "password": password })).await
}

async fn refresh(api: &Api, session: &Answer) -> Answer {
    api.post("/v1/sessions/refresh", json!({ "refresh_token": session.text("/refresh_token") })).await
}

/// `GET /v1/me` with the session's access token.
async fn me(api: &Api, session: &Answer) -> Answer {
    api.with_token(&session.text("/access_token")).get("/v1/me").await
}

#[actix_web::test]
async fn the_eleventh_try_waits_even_with_the_right_password_whichever_server_is_asked() {
    let service = Service::start().await;
    let second = service.second_server();
    let known = "essais@example.fr";
    service.sign_up(known).await;
    service.sign_up("voisine@example.fr").await;
    for email in [known, "inconnue@example.fr"] {
        for _ in 0..5 {
            try_password(&service.api, email, "Autre-Mot-2026").await.refused(401, "auth.wrong_credentials");
            try_password(&second, email, "Autre-Mot-2026").await.refused(401, "auth.wrong_credentials");
        }
        let refused = try_password(&service.api, email, PASSWORD).await.refused(429, "auth.too_many_attempts");
        let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((800..=900).contains(&wait), "{wait}");
        try_password(&second, &email.to_uppercase(), PASSWORD).await.refused(429, "auth.too_many_attempts");
    }
    try_password(&service.api, "voisine@example.fr", PASSWORD).await.expect(201);
    service.advance(TimeDelta::minutes(14));
    try_password(&service.api, known, PASSWORD).await.refused(429, "auth.too_many_attempts");
    service.advance(TimeDelta::minutes(2));
    try_password(&service.api, known, PASSWORD).await.expect(201);
}

#[actix_web::test]
async fn the_right_password_ends_a_row_of_wrong_ones() {
    let service = Service::start().await;
    let email = "distraite@example.fr";
    service.sign_up(email).await;
    for _ in 0..2 {
        for _ in 0..9 {
            try_password(&service.api, email, "Autre-Mot-2026").await.refused(401, "auth.wrong_credentials");
        }
        try_password(&service.api, email, PASSWORD).await.expect(201);
    }
}

#[actix_web::test]
async fn a_refresh_token_serves_once_and_shown_twice_ends_the_session() {
    let service = Service::start().await;
    let email = "prudente@example.fr";
    let elsewhere = service.sign_up(email).await;
    let first = try_password(&service.api, email, PASSWORD).await.expect(201);
    assert_eq!((first.text("/token_type").as_str(), first.number("/expires_in")), ("Bearer", 600));
    let second = refresh(&service.api, &first).await.expect(201);
    let third = refresh(&service.api, &second).await.expect(201);
    assert_eq!(first.at("/session_expires_at"), third.at("/session_expires_at"), "refreshing prolongs nothing");
    assert_ne!(second.text("/refresh_token"), third.text("/refresh_token"));
    for session in [&first, &second, &third] {
        me(&service.api, session).await.expect(200);
    }
    // The thief or the victim comes second, nobody can say which: both are out at once.
    refresh(&service.api, &first).await.refused(401, "auth.refresh_unknown");
    for session in [&first, &second, &third] {
        me(&service.api, session).await.refused(401, "auth.invalid_token");
        refresh(&service.api, session).await.refused(401, "auth.refresh_unknown");
    }
    elsewhere.get("/v1/me").await.expect(200);
    let body = json!({ "refresh_token": "inconnu" });
    service.api.post("/v1/sessions/refresh", body).await.refused(401, "auth.refresh_unknown");
}

#[actix_web::test]
async fn of_two_refreshes_at_once_one_wins_and_the_session_ends() {
    let service = Service::start().await;
    let second = service.second_server();
    let email = "pressee@example.fr";
    service.sign_up(email).await;
    for _ in 0..5 {
        let session = try_password(&service.api, email, PASSWORD).await.expect(201);
        let (one, two) = tokio::join!(refresh(&service.api, &session), refresh(&second, &session));
        let (winner, loser) = if one.status == 201 { (one, two) } else { (two, one) };
        let winner = winner.expect(201);
        loser.refused(401, "auth.refresh_unknown");
        me(&service.api, &winner).await.refused(401, "auth.invalid_token");
        me(&service.api, &session).await.refused(401, "auth.invalid_token");
        refresh(&service.api, &winner).await.refused(401, "auth.refresh_unknown");
    }
}

#[actix_web::test]
async fn signing_out_ends_one_session_and_signing_out_everywhere_all_of_the_account() {
    let service = Service::start().await;
    let email = "partante@example.fr";
    let here = service.sign_up(email).await;
    let telephone = try_password(&service.api, email, PASSWORD).await.expect(201);
    let tablet = try_password(&service.api, email, PASSWORD).await.expect(201);
    let other = service.sign_up("restante@example.fr").await;

    here.delete("/v1/sessions/current").await.expect(204);
    here.get("/v1/me").await.refused(401, "auth.invalid_token");
    here.delete("/v1/sessions/current").await.refused(401, "auth.invalid_token");
    me(&service.api, &telephone).await.expect(200);

    let api = service.api.with_token(&telephone.text("/access_token"));
    api.delete("/v1/sessions").await.expect(204);
    for session in [&telephone, &tablet] {
        me(&service.api, session).await.refused(401, "auth.invalid_token");
        refresh(&service.api, session).await.refused(401, "auth.refresh_unknown");
    }
    other.get("/v1/me").await.expect(200);
    for path in ["/v1/sessions/current", "/v1/sessions"] {
        service.api.delete(path).await.refused(401, "auth.required");
    }
    try_password(&service.api, email, PASSWORD).await.expect(201);
}

#[actix_web::test]
async fn a_familys_session_lasts_thirty_days_and_staffs_twelve_hours() {
    let service = Service::start().await;
    let agent = service.first_administrator("92").await;
    let email = "fidele@example.fr";
    service.sign_up(email).await;
    service.advance(TimeDelta::seconds(30));
    let body = json!({ "email": agent.email, "password": PASSWORD, "second_factor": service.totp(&agent.totp_secret) });
    let staff = service.api.post("/v1/sessions", body).await.expect(201);
    let family = try_password(&service.api, email, PASSWORD).await.expect(201);
    let life = |session: &Answer| {
        let end: DateTime<Utc> = session.text("/session_expires_at").parse().unwrap();
        end.signed_duration_since(service.app.db.server_now())
    };
    assert!((TimeDelta::zero()..TimeDelta::minutes(1)).contains(&(TimeDelta::hours(12) - life(&staff))));
    assert!((TimeDelta::zero()..TimeDelta::minutes(1)).contains(&(TimeDelta::days(30) - life(&family))));

    service.advance(TimeDelta::minutes(12 * 60 - 2));
    let staff = refresh(&service.api, &staff).await.expect(201);
    me(&service.api, &staff).await.expect(200);
    service.advance(TimeDelta::minutes(3));
    // Its access token has seven minutes to live, its session none.
    me(&service.api, &staff).await.refused(401, "auth.invalid_token");
    refresh(&service.api, &staff).await.refused(401, "auth.refresh_unknown");

    service.advance(TimeDelta::minutes(29 * 24 * 60 + 12 * 60 - 5));
    let family = refresh(&service.api, &family).await.expect(201);
    me(&service.api, &family).await.expect(200);
    service.advance(TimeDelta::minutes(5));
    me(&service.api, &family).await.refused(401, "auth.invalid_token");
    refresh(&service.api, &family).await.refused(401, "auth.refresh_unknown");
}

#[actix_web::test]
async fn everybody_is_told_who_he_is_and_no_more() {
    let world = World::start().await;
    let family = world.family("92").await;
    let secretary = world.secretary(crate::support::COLLEGE).await;
    let keys = |answer: &Answer| answer.json.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    let guardian = family.get("/v1/me").await.expect(200);
    assert_eq!((guardian.text("/email"), guardian.text("/role")), (family.email.clone(), "guardian".to_owned()));
    assert_eq!(keys(&guardian), "account_id email role");
    let secretary = secretary.get("/v1/me").await.expect(200);
    assert_eq!(secretary.text("/role") + &secretary.text("/college_uai"), "secretary0920001B");
    assert_eq!(keys(&secretary), "account_id college_uai department email role");
    let agent = world.administrator_78.get("/v1/me").await.expect(200);
    assert_eq!(agent.text("/role") + &agent.text("/function") + &agent.text("/department"), "agentadministrator78");
    assert_eq!(keys(&agent), "account_id department email function role");
}

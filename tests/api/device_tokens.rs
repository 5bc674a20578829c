//! How a till gets its five minutes of access: a signed assertion, used once (RFC 7523).

use crate::support::{Answer, Scene, Service, Till, World, debit, field_at_fault, key};
use chrono::TimeDelta;
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use passplus::kernel::crypto::SigningPair;
use reqwest::Method;
use serde_json::{Value, json};

const ABSENT: &str = "0199a8f0-7c3e-7bbd-8000-000000000001";
const OWN: &str = "/v1/departments/92/debits";

async fn exchange(world: &World, assertion: &str) -> Answer {
    let request = world.api.request(Method::POST, "/v1/oauth/token").form(&Service::assertion_form(assertion));
    world.api.send(request).await
}

/// A token of these header and claims, signed by the till's own key.
fn signed(till: &Till, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = SigningPair::from_pkcs8(&till.key).unwrap().sign(message.as_bytes());
    format!("{message}.{}", BASE64URL_NOPAD.encode(&signature))
}

fn claims(world: &World, till: &Till) -> Value {
    let assertion = world.assertion(&till.device, &till.key, json!({}));
    let payload = BASE64URL_NOPAD.decode(assertion.split('.').nth(1).unwrap().as_bytes()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

#[actix_web::test]
async fn a_signed_assertion_gives_five_minutes_of_access() {
    let world = World::start().await;
    let till = world.till(&["culture"]).await;
    let answer = exchange(&world, &world.assertion(&till.device, &till.key, json!({}))).await.expect(200);
    assert_eq!((answer.text("/token_type"), answer.number("/expires_in")), ("Bearer".to_owned(), 300));
    assert_eq!(answer.headers["cache-control"], "no-store");
    let api = world.api.with_token(&answer.text("/access_token"));
    api.get(OWN).await.expect(200);
    world.advance(TimeDelta::seconds(280));
    api.get(OWN).await.expect(200);
    world.advance(TimeDelta::seconds(20));
    api.get(OWN).await.refused(401, "auth.invalid_token");
    // Another assertion, another five minutes.
    let token = world.device_token(&till.device, &till.key).await;
    world.api.with_token(&token).get(OWN).await.expect(200);
    // A till is nobody but a till.
    world.api.with_token(&token).get("/v1/me").await.refused(403, "auth.forbidden");
}

#[actix_web::test]
async fn a_merchants_server_works_as_a_till() {
    let Scene { world, till, pupil, .. } = Scene::set().await;
    let path = format!("/v1/departments/92/merchants/{}/devices", till.merchant);
    let body = json!({ "kind": "server", "label": "Billetterie" });
    let code = world.administrator.post(&path, body).await.expect(201).text("/enrolment_code");
    let pair = SigningPair::generate().unwrap();
    let body = json!({ "enrolment_code": code, "public_key": BASE64URL_NOPAD.encode(&pair.public()) });
    let device = world.api.post("/v1/devices/enrol", body).await.expect(201).text("/device_id");
    let token = world.device_token(&device, pair.pkcs8()).await;
    let server = world.api.with_token(&token);
    let made = server.post_keyed("/v1/debits", &key(), debit(&pupil.card_code, "culture", 100)).await.expect(201);
    assert_eq!(made.text("/device_id"), device);
    assert_eq!(till.get(OWN).await.expect(200).text("/items/0/id"), made.text("/id"));
}

#[actix_web::test]
async fn an_assertion_serves_once() {
    let world = World::start().await;
    let till = world.till(&["culture"]).await;
    let assertion = world.assertion(&till.device, &till.key, json!({}));
    let (one, two, three) =
        tokio::join!(exchange(&world, &assertion), exchange(&world, &assertion), exchange(&world, &assertion));
    let mut statuses = [one.status, two.status, three.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401, 401]);
    exchange(&world, &assertion).await.refused(401, "device.invalid_client");
    // The same name on another assertion is the same assertion, while the first could still serve.
    let again = |jti: &str| world.assertion(&till.device, &till.key, json!({ "jti": jti }));
    exchange(&world, &again("one")).await.expect(200);
    world.advance(TimeDelta::seconds(50));
    exchange(&world, &again("one")).await.refused(401, "device.invalid_client");
    // Names belong to each device.
    let other = world.till_of(&till.merchant).await;
    let named = world.assertion(&other.device, &other.key, json!({ "jti": "one" }));
    exchange(&world, &named).await.expect(200);
}

#[actix_web::test]
async fn wrong_claims_give_nothing() {
    let world = World::start().await;
    let till = world.till(&["culture"]).await;
    let other = world.till_of(&till.merchant).await;
    let now = world.app.db.server_now().timestamp();
    let url = &world.config.public_url;
    for wrong in [
        json!({ "exp": now - 1 }),
        json!({ "exp": now - 3600 }),
        json!({ "exp": now + 420 }),
        json!({ "exp": i64::MAX }),
        json!({ "exp": "soon" }),
        json!({ "exp": null }),
        json!({ "iat": now + 120, "exp": now + 200 }),
        json!({ "nbf": now + 120, "exp": now + 200 }),
        json!({ "aud": url }),
        json!({ "aud": "https://elsewhere.example/v1/oauth/token" }),
        json!({ "aud": null }),
        json!({ "iss": other.device }),
        json!({ "iss": null }),
        json!({ "sub": other.device }),
        json!({ "sub": "till" }),
        json!({ "sub": null }),
        json!({ "iss": other.device, "sub": other.device }),
        json!({ "iss": ABSENT, "sub": ABSENT }),
        json!({ "jti": "" }),
        json!({ "jti": "x".repeat(129) }),
        json!({ "jti": null }),
        json!({ "jti": "x".repeat(2_000) }),
    ] {
        let assertion = world.assertion(&till.device, &till.key, wrong.clone());
        let answer = exchange(&world, &assertion).await;
        assert_eq!((answer.status, answer.json["code"].as_str()), (401, Some("device.invalid_client")), "{wrong}");
    }
    for missing in ["exp", "aud", "iss", "sub", "jti"] {
        let mut rest = claims(&world, &till);
        rest.as_object_mut().unwrap().remove(missing);
        let answer = exchange(&world, &signed(&till, &json!({ "alg": "EdDSA" }), &rest)).await;
        assert_eq!((answer.status, answer.json["code"].as_str()), (401, Some("device.invalid_client")), "{missing}");
    }
    // At the limits it is taken: five minutes of life, a clock one minute fast.
    for right in [
        json!({ "exp": now + 300 }),
        json!({ "iat": now + 50, "exp": now + 200 }),
        json!({ "aud": [format!("{url}/v1/oauth/token")] }),
    ] {
        exchange(&world, &world.assertion(&till.device, &till.key, right)).await.expect(200);
    }
}

#[actix_web::test]
async fn only_the_devices_own_key_signs_and_nothing_in_the_header_says_otherwise() {
    let world = World::start().await;
    let till = world.till(&["culture"]).await;
    let other = world.till_of(&till.merchant).await;
    let good = claims(&world, &till);
    let refused = async |assertion: &str| {
        let answer = exchange(&world, assertion).await;
        assert_eq!((answer.status, answer.json["code"].as_str()), (401, Some("device.invalid_client")), "{assertion}");
    };
    refused(&world.assertion(&till.device, &other.key, json!({}))).await;
    let public = SigningPair::from_pkcs8(&till.key).unwrap().public();
    // Keys that anyone may know: the published half, used as a shared secret.
    for secret in [&public[..], BASE64URL_NOPAD.encode(&public).as_bytes(), b""] {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let forged = encode(&Header::new(algorithm), &good, &EncodingKey::from_secret(secret)).unwrap();
            refused(&forged).await;
        }
    }
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    for alg in ["none", "None", "NONE", ""] {
        refused(&format!("{}.{}.", part(&json!({ "alg": alg })), part(&good))).await;
    }
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": BASE64URL_NOPAD.encode(&public) });
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "RS256" }),
        json!({ "alg": "ES256" }),
        json!({ "alg": "EdDSA", "jku": "https://attacker.example/keys.json" }),
        json!({ "alg": "EdDSA", "jwk": jwk }),
        json!({ "alg": "EdDSA", "x5u": "https://attacker.example/cert" }),
        json!({ "alg": "EdDSA", "x5c": ["MIIB"] }),
        json!({ "alg": "EdDSA", "crit": ["b64"], "b64": false }),
        json!({ "typ": "JWT" }),
    ] {
        refused(&signed(&till, &header, &good)).await;
    }
    let assertion = world.assertion(&till.device, &till.key, json!({}));
    let (message, signature) = assertion.rsplit_once('.').unwrap();
    refused(message).await;
    refused(&format!("{message}.")).await;
    refused(&format!("{message}.{}", &signature[..signature.len() - 2])).await;
    for garbage in ["", ".", "..", "a.b.c", "é.é.é"] {
        refused(garbage).await;
    }
    // An access token is no assertion, and an assertion no access token.
    refused(&world.device_token(&till.device, &till.key).await).await;
    world.api.with_token(&assertion).get(OWN).await.refused(401, "auth.invalid_token");
    // None of this used the device's own assertion up.
    exchange(&world, &assertion).await.expect(200);
}

#[actix_web::test]
async fn the_request_is_a_complete_form() {
    let world = World::start().await;
    let till = world.till(&["culture"]).await;
    let assertion = world.assertion(&till.device, &till.key, json!({}));
    let send = async |form: &[(&str, String)]| {
        world.api.send(world.api.request(Method::POST, "/v1/oauth/token").form(form)).await
    };
    let good = Service::assertion_form(&assertion);
    for (rank, field) in ["grant_type", "client_assertion_type"].into_iter().enumerate() {
        let mut form = good.clone();
        form[rank].1 = "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned();
        field_at_fault(send(&form).await, &format!("/{field}"));
    }
    for missing in 0..good.len() {
        let mut form = good.clone();
        form.remove(missing);
        send(&form).await.refused(400, "request.malformed");
    }
    for more in ["scope", "client_secret", "grant_type"] {
        let form = [&good[..], &[(more, "x".to_owned())]].concat();
        send(&form).await.refused(400, "request.malformed");
    }
    let body = json!({ "grant_type": "client_credentials", "client_assertion": assertion });
    world.api.post("/v1/oauth/token", body).await.refused(415, "request.media_type");
    let bare = world.api.request(Method::POST, "/v1/oauth/token");
    world.api.send(bare).await.refused(415, "request.media_type");
    let long = [&good[..2], &[("client_assertion", "x".repeat(300_000))]].concat();
    send(&long).await.refused(413, "request.too_large");
    world.api.get("/v1/oauth/token").await.refused(405, "method_not_allowed");
    send(&good).await.expect(200);
}

//! Access tokens: only ours, only alive, whatever they say of themselves; and the keys behind them.

use crate::support::{Api, PASSWORD, Service};
use chrono::TimeDelta;
use data_encoding::BASE64URL_NOPAD;
use diesel::prelude::*;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use passplus::{
    auth::keys,
    kernel::{
        actor::Caller,
        crypto::SigningPair,
        ids::{AccountId, SessionId},
    },
    schema::directory::signing_keys,
};
use serde_json::{Value, json};

/// A token with that header and those claims, signed with that key.
fn signed(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    encode(header, claims, key).unwrap()
}

/// What stands in a part of a token.
fn part(token: &str, number: usize) -> Value {
    serde_json::from_slice(&BASE64URL_NOPAD.decode(token.split('.').nth(number).unwrap().as_bytes()).unwrap()).unwrap()
}

/// The service's private key, as only somebody inside could read it: the checks behind the signature must hold too.
async fn private_key(service: &Service) -> EncodingKey {
    let caller = Caller::system();
    let opened = service.app.db.directory_read(&caller, |tx| {
        let (kid, sealed): (String, Vec<u8>) =
            signing_keys::table.select((signing_keys::kid, signing_keys::private_sealed)).first(tx.conn)?;
        Ok(tx.key.open("signing-key", kid.as_bytes(), &sealed).unwrap())
    });
    EncodingKey::from_ed_der(&opened.await.unwrap())
}

async fn published(api: &Api) -> Vec<String> {
    let answer = api.get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
    let keys = answer.at("/keys").as_array().unwrap();
    let mut kids: Vec<String> = keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect();
    kids.sort();
    kids
}

#[actix_web::test]
async fn a_token_not_made_by_the_service_opens_nothing() {
    let service = Service::start().await;
    let family = service.sign_up("vraie@example.fr").await;
    let token = family.token.clone().unwrap();
    let (header, claims) = (part(&token, 0), part(&token, 1));
    assert_eq!((&header["alg"], &header["typ"]), (&json!("EdDSA"), &json!("at+jwt")));
    let kid = header["kid"].as_str().unwrap().to_owned();
    let jwks = service.api.get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(jwks.text("/keys/0/kid"), kid);
    let public = BASE64URL_NOPAD.decode(jwks.text("/keys/0/x").as_bytes()).unwrap();
    let ours = private_key(&service).await;
    let stranger = SigningPair::generate().unwrap();
    let strangers = EncodingKey::from_ed_der(stranger.pkcs8());

    let base = || {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(kid.clone());
        header
    };
    // The forger's tools work: with all as it must be, the token opens.
    service.api.with_token(&signed(&base(), &claims, &ours)).get("/v1/me").await.expect(200);

    let with = |change: Value| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        signed(&base(), &claims, &ours)
    };
    let without = |name: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        signed(&base(), &claims, &ours)
    };
    let symmetric = Header { alg: Algorithm::HS256, ..base() };
    let encoded = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let none = format!("{}.{}.", encoded(&json!({ "alg": "none", "typ": "at+jwt", "kid": kid })), encoded(&claims));
    let (signature, body) = (token.rsplit_once('.').unwrap().1, token.rsplit_once('.').unwrap().0);
    let other_body = format!("{}.{}", body.split('.').next().unwrap(), encoded(&json!({ "sub": "x" })));
    let now = service.app.db.server_now().timestamp();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", jwks.text("/keys/0/x"));
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": BASE64URL_NOPAD.encode(&stranger.public()) });
    let own_jwk = serde_json::from_value(jwk).unwrap();
    let elsewhere = || Some("https://voleur.example/jwks.json".to_owned());
    let forged = [
        ("garbage", "n'importe.quoi.ici".to_owned()),
        ("empty", String::new()),
        ("dots", "..".to_owned()),
        ("too long", format!("{token}{}", "A".repeat(3000))),
        ("no algorithm", none),
        ("public key as secret", signed(&symmetric, &claims, &EncodingKey::from_secret(&public))),
        ("public key as text as secret", signed(&symmetric, &claims, &EncodingKey::from_secret(pem.as_bytes()))),
        ("stranger's key under our name", signed(&base(), &claims, &strangers)),
        ("unknown key", signed(&Header { kid: Some("0000000000000000".to_owned()), ..base() }, &claims, &strangers)),
        ("no key named", signed(&Header { kid: None, ..base() }, &claims, &ours)),
        ("key brought along", signed(&Header { jwk: Some(own_jwk), ..base() }, &claims, &strangers)),
        ("key to be fetched", signed(&Header { jku: elsewhere(), ..base() }, &claims, &strangers)),
        ("our key, and one to be fetched", signed(&Header { jku: elsewhere(), ..base() }, &claims, &ours)),
        ("certificate to be fetched", signed(&Header { x5u: elsewhere(), ..base() }, &claims, &ours)),
        ("certificate brought along", signed(&Header { x5c: Some(vec!["AA".to_owned()]), ..base() }, &claims, &ours)),
        ("other type", signed(&Header { typ: Some("JWT".to_owned()), ..base() }, &claims, &ours)),
        ("no type", signed(&Header { typ: None, ..base() }, &claims, &ours)),
        ("body changed", format!("{other_body}.{signature}")),
        ("signature cut", token[..token.len() - 4].to_owned()),
        ("other audience", with(json!({ "aud": "https://ailleurs.example" }))),
        ("other issuer", with(json!({ "iss": "https://ailleurs.example" }))),
        ("dead", with(json!({ "exp": now - 1 }))),
        ("from the future", with(json!({ "iat": now + 3600, "exp": now + 7200 }))),
        ("other kind", with(json!({ "kind": "device" }))),
        ("session of nobody", with(json!({ "sub": SessionId::generate() }))),
        ("subject that is no session", with(json!({ "sub": AccountId::generate(), "kind": "session" }))),
        ("no end", without("exp")),
        ("no audience", without("aud")),
        ("no issuer", without("iss")),
    ];
    for (what, token) in forged {
        let answer = service.api.with_token(&token).get("/v1/me").await;
        assert_eq!((answer.status, answer.json["code"].as_str()), (401, Some("auth.invalid_token")), "{what}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
    for credentials in ["Basic dnJhaWU6bW90", "Bearer", "Token abc", &token] {
        let request = service.api.request(reqwest::Method::GET, "/v1/me").header("authorization", credentials);
        service.api.send(request).await.refused(401, "auth.invalid_token");
    }
    service.api.get("/v1/me").await.refused(401, "auth.required");
    family.get("/v1/me").await.expect(200);
}

#[actix_web::test]
async fn a_token_lives_ten_minutes() {
    let service = Service::start().await;
    let family = service.sign_up("breve@example.fr").await;
    service.advance(TimeDelta::seconds(9 * 60 + 30));
    family.get("/v1/me").await.expect(200);
    service.advance(TimeDelta::seconds(31));
    family.get("/v1/me").await.refused(401, "auth.invalid_token");
}

/// The server keeps the set of keys it read for up to a minute of real time, so each step asks a server just started.
#[actix_web::test]
async fn a_new_signing_key_is_published_before_it_signs_and_the_old_one_after() {
    let service = Service::start().await;
    let email = "tournante@example.fr";
    service.sign_up(email).await;
    let sign_in = async |api: &Api| {
        let body = json!({ "email": email, "password": PASSWORD });
        api.post("/v1/sessions", body).await.expect(201).text("/access_token")
    };
    let kid = |token: &str| part(token, 0)["kid"].as_str().unwrap().to_owned();
    let token = sign_in(&service.api).await;
    let old = kid(&token);
    assert_eq!(published(&service.api).await, std::slice::from_ref(&old));

    let new = service.app.db.directory_write(&Caller::system(), keys::rotate).await.unwrap();
    let mut both = [old.clone(), new.clone()];
    both.sort();
    let just_after = service.second_server();
    assert_eq!(published(&just_after).await, both);
    assert_eq!(kid(&sign_in(&just_after).await), old, "who kept the set from before could not verify the new key yet");
    just_after.with_token(&token).get("/v1/me").await.expect(200);

    service.advance(TimeDelta::minutes(9));
    assert_eq!(kid(&sign_in(&service.second_server()).await), old);
    let last_of_old = sign_in(&service.api).await;
    service.advance(TimeDelta::minutes(2));
    let after_ten_minutes = service.second_server();
    let fresh = sign_in(&after_ten_minutes).await;
    assert_eq!(kid(&fresh), new);
    after_ten_minutes.with_token(&last_of_old).get("/v1/me").await.expect(200);
    after_ten_minutes.with_token(&fresh).get("/v1/me").await.expect(200);
    assert_eq!(published(&after_ten_minutes).await, both);

    service.advance(TimeDelta::minutes(30));
    let afterwards = service.second_server();
    assert_eq!(published(&afterwards).await, std::slice::from_ref(&new));
    assert_eq!(kid(&sign_in(&afterwards).await), new);
    // A second turn while the first one's key has just begun.
    let third = service.app.db.directory_write(&Caller::system(), keys::rotate).await.unwrap();
    let mut both = [new, third];
    both.sort();
    assert_eq!(published(&service.second_server()).await, both);
}

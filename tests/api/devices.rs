//! Tills and servers of merchants: invited by an agent, enrolled with a one-time code, stopped at once.

use crate::support::{Answer, World, days, field_at_fault, key, siret};
use chrono::TimeDelta;
use data_encoding::BASE64URL_NOPAD;
use passplus::kernel::crypto::SigningPair;
use serde_json::{Value, json};

const ABSENT: &str = "0199a8f0-7c3e-7bbd-8000-000000000001";

fn devices(merchant: &str) -> String {
    format!("/v1/departments/92/merchants/{merchant}/devices")
}

/// A merchant of 92 that may take sport.
async fn merchant(world: &World, number: u32) -> String {
    let body = json!({ "siret": siret(number), "name": "Club nautique" });
    let merchant = world.administrator.post("/v1/departments/92/merchants", body).await.expect(201).text("/id");
    let body = json!({ "wallet_kind": "sport", "starts_on": "2026-09-01" });
    let path = format!("/v1/departments/92/merchants/{merchant}/affiliations");
    world.administrator.post(&path, body).await.expect(201);
    merchant
}

async fn invite(world: &World, merchant: &str) -> Answer {
    let body = json!({ "kind": "till", "label": "Caisse de l'accueil" });
    world.administrator.post(&devices(merchant), body).await.expect(201)
}

async fn enrol(world: &World, code: &str) -> Answer {
    let public = SigningPair::generate().unwrap().public();
    let body = json!({ "enrolment_code": code, "public_key": BASE64URL_NOPAD.encode(&public) });
    world.api.post("/v1/devices/enrol", body).await
}

async fn states(world: &World, merchant: &str) -> Vec<String> {
    let listed = world.administrator.get(&devices(merchant)).await.expect(200);
    let items = listed.json["items"].as_array().unwrap();
    items.iter().map(|device| device["state"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn a_code_enrols_one_device_however_it_is_typed() {
    let world = World::start().await;
    let merchant = merchant(&world, 1).await;
    let spaced = |code: &str| format!(" {} ", code.replace('-', " "));
    let typed: [&dyn Fn(&str) -> String; 4] =
        [&str::to_owned, &|code| code.replace('-', ""), &|code| code.to_lowercase(), &spaced];
    for (rank, typed) in (0..).zip(typed) {
        let invited = invite(&world, &merchant).await;
        let device = invited.text("/device/id");
        let expected = json!({
            "id": device, "merchant_id": merchant, "department": "92", "kind": "till", "label": "Caisse de l'accueil",
            "state": "invited", "created_at": invited.text("/device/created_at"),
        });
        assert_eq!(*invited.at("/device"), expected);
        let week = crate::support::ago(invited.at("/device/created_at"), invited.at("/enrolment_expires_at"));
        assert_eq!(week, 7 * 24 * 3600);
        let code = invited.text("/enrolment_code");
        let enrolled = enrol(&world, &typed(&code)).await.expect(201);
        assert_eq!(enrolled.text("/device_id"), device);
        assert_eq!(enrolled.text("/token_endpoint"), format!("{}/v1/oauth/token", world.config.public_url));

        let path = format!("{}?limit=100", devices(&merchant));
        let listed = world.administrator.get(&path).await.expect(200);
        let row = listed.at(&format!("/items/{rank}"));
        assert_eq!((row["state"].as_str(), row["id"].as_str()), (Some("active"), Some(&*device)));
        assert!(row["enrolled_at"].is_string());
        let shown = listed.json.to_string();
        assert!(!shown.contains(&code) && !shown.contains("key") && !shown.contains("hash"), "{shown}");
    }
    let page = world.administrator.get(&format!("{}?limit=3", devices(&merchant))).await.expect(200);
    let next = format!("{}?limit=3&cursor={}", devices(&merchant), page.text("/next_cursor"));
    let rest = world.administrator.get(&next).await.expect(200);
    assert_eq!((rest.json["items"].as_array().unwrap().len(), rest.json.get("next_cursor")), (1, None));
}

#[actix_web::test]
async fn a_wrong_late_or_used_code_enrols_nothing() {
    let mut world = World::start().await;
    let merchant = merchant(&world, 1).await;
    let code = invite(&world, &merchant).await.text("/enrolment_code");
    let last = if code.ends_with('A') { "B" } else { "A" };
    for wrong in
        [format!("{}{last}", &code[..18]), code[..18].to_owned(), format!("{code}A"), "-".into(), ABSENT.into()]
    {
        enrol(&world, &wrong).await.refused(422, "link.invalid");
    }
    let (public, short, long) = (SigningPair::generate().unwrap().public(), [1; 31], [1; 33]);
    let good = BASE64URL_NOPAD.encode(&public);
    for wrong in [
        json!(BASE64URL_NOPAD.encode(&short)),
        json!(BASE64URL_NOPAD.encode(&long)),
        json!(format!("{good}=")),
        json!("é"),
        json!(4),
    ] {
        let body = json!({ "enrolment_code": code, "public_key": wrong });
        field_at_fault(world.api.post("/v1/devices/enrol", body).await, "/public_key");
    }
    for (body, pointer) in [
        (json!({ "enrolment_code": "", "public_key": good }), "/enrolment_code"),
        (json!({ "public_key": good }), "/enrolment_code"),
        (json!({ "enrolment_code": code, "public_key": good, "kind": "server" }), "/kind"),
    ] {
        field_at_fault(world.api.post("/v1/devices/enrol", body).await, pointer);
    }
    assert_eq!(states(&world, &merchant).await, ["invited"], "nothing wrong used the code up");
    enrol(&world, &code).await.expect(201);
    enrol(&world, &code).await.refused(422, "link.invalid");

    // A code revoked before it was used is dead, and so is one older than a week.
    let revoked = invite(&world, &merchant).await;
    let path = format!("/v1/departments/92/devices/{}/revoke", revoked.text("/device/id"));
    world.administrator.post(&path, json!({})).await.expect(200);
    enrol(&world, &revoked.text("/enrolment_code")).await.refused(422, "link.invalid");
    let (kept, late) = (invite(&world, &merchant).await, invite(&world, &merchant).await);
    world.advance(days(7) - TimeDelta::seconds(60));
    enrol(&world, &kept.text("/enrolment_code")).await.expect(201);
    world.advance(TimeDelta::seconds(60));
    enrol(&world, &late.text("/enrolment_code")).await.refused(422, "link.invalid");
    let Value::String(email) = json!(world.administrator.email) else { unreachable!() };
    world.administrator.api = world.sign_in_staff(&email, &world.administrator.totp_secret).await;
    assert_eq!(states(&world, &merchant).await, ["active", "revoked", "active", "invited"]);
}

#[actix_web::test]
async fn a_key_is_one_devices_and_never_comes_back() {
    let world = World::start().await;
    let merchant = merchant(&world, 1).await;
    let key = BASE64URL_NOPAD.encode(&SigningPair::generate().unwrap().public());
    let bring = async |code: &str| {
        world.api.post("/v1/devices/enrol", json!({ "enrolment_code": code, "public_key": key })).await
    };
    let first = invite(&world, &merchant).await;
    bring(&first.text("/enrolment_code")).await.expect(201);
    let second = invite(&world, &merchant).await.text("/enrolment_code");
    bring(&second).await.refused(409, "device.key_taken");
    let path = format!("/v1/departments/92/devices/{}/revoke", first.text("/device/id"));
    world.administrator.post(&path, json!({})).await.expect(200);
    bring(&second).await.refused(409, "device.key_taken");
    // The place is still open to a key of its own.
    enrol(&world, &second).await.expect(201);
    assert_eq!(states(&world, &merchant).await, ["revoked", "active"]);
}

#[actix_web::test]
async fn of_two_devices_that_bring_one_code_one_is_enrolled() {
    let world = World::start().await;
    let merchant = merchant(&world, 1).await;
    for _ in 0..5 {
        let code = invite(&world, &merchant).await.text("/enrolment_code");
        let (one, two) = tokio::join!(enrol(&world, &code), enrol(&world, &code));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422]);
    }
}

#[actix_web::test]
async fn a_revoked_till_is_refused_on_its_next_request_and_for_good() {
    let world = World::start().await;
    let till = world.till(&["culture"]).await;
    let sister = world.till_of(&till.merchant).await;
    let own = "/v1/departments/92/debits";
    till.get(own).await.expect(200);
    let path = format!("/v1/departments/92/devices/{}", till.device);
    let revoked = world.administrator.post(&format!("{path}/revoke"), json!({})).await.expect(200);
    assert_eq!((revoked.text("/state"), revoked.text("/id")), ("revoked".to_owned(), till.device.clone()));
    assert!(revoked.at("/revoked_at").is_string());
    till.get(own).await.refused(401, "auth.invalid_token");
    till.post_keyed("/v1/debits", &key(), json!({})).await.refused(401, "auth.invalid_token");
    let form = crate::support::Service::assertion_form(&world.assertion(&till.device, &till.key, json!({})));
    let request = world.api.request(reqwest::Method::POST, "/v1/oauth/token").form(&form);
    world.api.send(request).await.refused(401, "device.invalid_client");
    sister.get(own).await.expect(200);

    for event in ["revoke", "resume"] {
        let answer = world.administrator.post(&format!("{path}/{event}"), json!({})).await;
        answer.refused(409, "device.transition");
        let absent = format!("/v1/departments/92/devices/{ABSENT}/{event}");
        world.administrator.post(&absent, json!({})).await.refused(404, "not_found");
    }
    // Only what stopped can go on.
    let path = format!("/v1/departments/92/devices/{}/resume", sister.device);
    world.administrator.post(&path, json!({})).await.refused(409, "device.transition");
}

#[actix_web::test]
async fn a_department_handles_the_devices_of_merchants_affiliated_with_it_only() {
    let world = World::start().await;
    let till = world.till(&["culture"]).await;
    let there = |path: String| path.replace("/92/", "/78/");
    let (listed, stopped) = (devices(&till.merchant), format!("/v1/departments/92/devices/{}/revoke", till.device));
    let body = json!({ "kind": "server", "label": "Billetterie" });
    let other = &world.administrator_78;
    other.get(&there(listed.clone())).await.refused(404, "not_found");
    other.post(&there(listed.clone()), body.clone()).await.refused(404, "not_found");
    other.post(&there(stopped.clone()), json!({})).await.refused(404, "not_found");
    world.administrator.post(&devices(ABSENT), body.clone()).await.refused(404, "not_found");
    till.get("/v1/departments/92/debits").await.expect(200);

    // A merchant whose conventions are all closed keeps its devices to be looked at, and gets no other.
    let conventions = format!("/v1/departments/92/merchants/{}/affiliations", till.merchant);
    let convention = world.administrator.get(&conventions).await.expect(200).text("/items/0/id");
    let path = format!("/v1/departments/92/affiliations/{convention}/transitions");
    world.administrator.post(&path, json!({ "event": "close", "version": 1 })).await.expect(200);
    world.administrator.post(&listed, body.clone()).await.refused(404, "not_found");
    world.administrator.get(&listed).await.expect(200);

    // Affiliated there too, it is stopped by either department.
    let convention = json!({ "wallet_kind": "sport", "starts_on": "2026-09-01" });
    other.post(&there(conventions), convention).await.expect(201);
    assert_eq!(other.get(&there(listed.clone())).await.expect(200).text("/items/0/id"), till.device);
    let invited = other.post(&there(listed), body).await.expect(201);
    assert_eq!(
        (invited.text("/device/department"), invited.text("/device/kind")),
        ("78".to_owned(), "server".to_owned())
    );
    other.post(&there(stopped), json!({})).await.expect(200);
    till.get("/v1/departments/92/debits").await.refused(401, "auth.invalid_token");
}

#[actix_web::test]
async fn an_invitation_needs_a_kind_and_a_label() {
    let world = World::start().await;
    let merchant = merchant(&world, 1).await;
    for (field, wrong) in [
        ("kind", json!("gate")),
        ("kind", json!(null)),
        ("label", json!("")),
        ("label", json!("x".repeat(121))),
        ("state", json!("active")),
    ] {
        let mut body = json!({ "kind": "till", "label": "Caisse" });
        body[field] = wrong;
        field_at_fault(world.administrator.post(&devices(&merchant), body).await, &format!("/{field}"));
    }
    assert!(states(&world, &merchant).await.is_empty());
}

//! Guardians of a file: what each sees of the others, what each may do, and until when.

use crate::support::{COLLEGE, Family, World};
use chrono::TimeDelta;
use diesel::{connection::SimpleConnection, prelude::*};
use reqwest::Method;
use serde_json::{Value, json};

/// The record of a guardian in a file as somebody sees it.
fn record(file: &Value, is_me: bool) -> &Value {
    file["guardians"].as_array().unwrap().iter().find(|guardian| guardian["is_me"] == is_me).unwrap()
}

fn file_path(family: &Family) -> String {
    family.path(&format!("families/{}", family.id))
}

#[actix_web::test]
async fn a_guardian_never_learns_how_to_reach_another() {
    let world = World::start().await;
    let first = world.family("92").await;
    let second = world.guardian(&first, "full").await;
    let contacts = [
        (&first, "premiere@example.fr", "0611111111", "1 rue Une, 92000 Nanterre"),
        (&second, "seconde@example.fr", "0622222222", "2 rue Deux, 78000 Versailles"),
    ];
    for (guardian, email, phone, address) in contacts {
        let contact = json!({ "email": email, "phone": phone, "postal_address": address });
        let path = format!("{}/contact", file_path(guardian));
        assert_eq!(guardian.put(&path, contact.clone()).await.expect(200).json, contact);
    }
    for ((mine, email, phone, address), (_, other_email, other_phone, other_address)) in
        [(contacts[0], contacts[1]), (contacts[1], contacts[0])]
    {
        let file = mine.get(&file_path(mine)).await.expect(200);
        let me = record(&file.json, true);
        assert_eq!(me["contact"], json!({ "email": email, "phone": phone, "postal_address": address }));
        let other: Vec<&String> = record(&file.json, false).as_object().unwrap().keys().collect();
        assert_eq!(other, ["first_names", "id", "is_me", "joined", "last_name", "rights", "rights_from"]);
        // Nowhere else either: not in what changes answer, not in lists.
        let children = mine.get(&format!("{}/children", file_path(mine))).await.expect(200);
        let families = mine.get(&mine.path("families")).await.expect(200);
        let consents = mine.get(&format!("{}/consents", file_path(mine))).await.expect(200);
        for answer in [&file, &children, &families, &consents] {
            for secret in [other_email, other_phone, other_address] {
                assert!(!String::from_utf8_lossy(&answer.bytes).contains(secret), "{secret}");
            }
        }
    }
    // The whole record is replaced, and the other's is not touched.
    let path = format!("{}/contact", file_path(&first));
    first.put(&path, json!({ "email": "premiere@example.fr" })).await.expect(200);
    let agent = world.agent("92", "case_worker").await;
    let desk = agent.get(&first.path(&format!("agents-desk/families/{}", first.id))).await.expect(200);
    assert_eq!(desk.at("/guardians/0/contact"), &json!({ "email": "premiere@example.fr" }));
    assert_eq!(desk.at("/guardians/1/contact/phone"), &json!("0622222222"));
    for (body, pointer) in [
        (json!({ "email": "ici" }), "/email"),
        (json!({ "phone": "0611111111" }), "/email"),
        (json!({ "email": "a@example.fr", "phone": "12" }), "/phone"),
        (json!({ "email": "a@example.fr", "postal_address": "x" }), "/postal_address"),
        (json!({ "email": "a@example.fr", "rights": "full" }), "/rights"),
    ] {
        assert_eq!(first.put(&path, body).await.refused(422, "request.invalid").pointers(), [pointer]);
    }
}

#[actix_web::test]
async fn an_invitation_lets_one_account_in_once() {
    let world = World::start().await;
    let family = world.family("92").await;
    let guardians = format!("{}/guardians", file_path(&family));
    for (field, value) in [
        ("first_names", json!("4")),
        ("last_name", json!("")),
        ("email", json!("x")),
        ("rights", json!("owner")),
        ("rights_until", json!("2030-01-01")),
    ] {
        let mut body =
            json!({ "first_names": "Sacha", "last_name": "Durand", "email": "s@example.fr", "rights": "full" });
        body[field] = value;
        let answer = family.post(&guardians, body).await.refused(422, "request.invalid");
        assert_eq!(answer.pointers(), [format!("/{field}")]);
    }
    let code = world.invitation(&family, "sacha@example.fr", "full").await;
    let (subject, letter) = world.letters_to("sacha@example.fr").await.pop().unwrap();
    assert_eq!(subject, "Pass+ : invitation à rejoindre un dossier familial");
    assert!(!letter.contains("Martin") && !letter.contains("Camille") && letter.contains("Hauts-de-Seine"));
    let invited = family.get(&file_path(&family)).await.expect(200);
    assert_eq!(record(&invited.json, false)["joined"], false);

    let accept = family.path("guardian-invitations/accept");
    let body = json!({ "token": code });
    let (sacha, other) = (world.sign_up("sacha@example.fr").await, world.sign_up("autre@example.fr").await);
    sacha.get(&file_path(&family)).await.refused(404, "not_found");
    // Wrong code, wrong department, nobody signed in, the host himself.
    sacha.post(&accept, json!({ "token": "n3x8" })).await.refused(422, "link.invalid");
    sacha.post("/v1/departments/78/guardian-invitations/accept", body.clone()).await.refused(422, "link.invalid");
    world.api.post(&accept, body.clone()).await.refused(401, "auth.required");
    family.post(&accept, body.clone()).await.refused(409, "guardian.already_member");
    let joined = sacha.post(&accept, body.clone()).await.expect(200);
    assert_eq!((joined.text("/id"), &record(&joined.json, true)["joined"]), (family.id.clone(), &json!(true)));
    for api in [&sacha, &other] {
        api.post(&accept, body.clone()).await.refused(422, "link.invalid");
    }
    other.get(&file_path(&family)).await.refused(404, "not_found");
    assert!(other.get(&family.path("families")).await.expect(200).items().is_empty());
    // Both files of who has one of his own and was invited into another, by pages.
    let own = json!({ "first_names": "Sacha", "last_name": "Durand" });
    let own = sacha.post(&family.path("families"), own).await.expect(201).text("/id");
    let page = sacha.get(&family.path("families?limit=1")).await.expect(200);
    let next = sacha.get(&family.path(&format!("families?limit=1&cursor={}", page.text("/next_cursor")))).await;
    assert_eq!((page.text("/items/0/id"), next.expect(200).text("/items/0/id")), (family.id.clone(), own));
}

#[actix_web::test]
async fn an_invitation_dies_after_seven_days_and_frees_its_place() {
    let world = World::start().await;
    let mut family = world.family("92").await;
    let mut codes = vec![];
    for number in 1..=5 {
        codes.push(world.invitation(&family, &format!("invite.{number}@example.fr"), "consult").await);
    }
    let guardians = format!("{}/guardians", file_path(&family));
    let body = json!({ "first_names": "Sacha", "last_name": "Durand", "email": "s@example.fr", "rights": "full" });
    family.post(&guardians, body.clone()).await.refused(409, "family.too_many");

    let accept = family.path("guardian-invitations/accept");
    world.sign_up("invite.1@example.fr").await;
    world.sign_up("invite.2@example.fr").await;
    world.advance(TimeDelta::days(7) - TimeDelta::minutes(1));
    let first = world.sign_in("invite.1@example.fr").await;
    first.post(&accept, json!({ "token": codes[0] })).await.expect(200);
    world.advance(TimeDelta::minutes(1));
    let second = world.sign_in("invite.2@example.fr").await;
    second.post(&accept, json!({ "token": codes[1] })).await.refused(422, "link.invalid");
    family.api = world.sign_in(&family.email).await;
    let file = family.get(&file_path(&family)).await.expect(200);
    assert_eq!(file.at("/guardians").as_array().unwrap().len(), 2, "lapsed invitations are not shown");
    family.post(&guardians, body).await.expect(201);
}

#[actix_web::test]
async fn a_guardian_who_may_only_consult_reads_everything_and_changes_nothing() {
    let world = World::start().await;
    let (family, secretary) = (world.family("92").await, world.secretary(COLLEGE).await);
    let reader = world.guardian(&family, "consult").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    let (enrolment, version) = family.submit(&child, COLLEGE).await;
    secretary.confirm(&enrolment, version).await;
    let other = family.add_child("Noé", "2014-03-14").await;
    let (draft, _) = family.draft(&other, COLLEGE).await;
    let photo = crate::photos::jpeg(300, 400);
    let photo_path = family.path(&format!("children/{child}/photo"));
    crate::photos::send(&family, &child, "image/jpeg", photo.clone()).await.expect(204);
    let card = family.get(&family.path(&format!("children/{child}/card"))).await.expect(200).text("/id");
    for path in [
        format!("families/{}", family.id),
        format!("families/{}/children", family.id),
        format!("children/{child}"),
        format!("children/{child}/photo"),
        format!("children/{child}/photos"),
        format!("children/{child}/enrolments"),
        format!("enrolments/{enrolment}"),
        format!("children/{child}/card"),
        format!("cards/{card}/qr.png"),
    ] {
        let (seen, read) = (family.get(&family.path(&path)).await, reader.get(&family.path(&path)).await.expect(200));
        assert!(path.starts_with("families") || seen.bytes == read.bytes, "{path}");
    }
    let before = [
        family.get(&file_path(&family)).await.json,
        family.get(&family.path(&format!("enrolments/{draft}"))).await.json,
    ];
    let identity =
        json!({ "first_names": "Zoé", "last_name": "Martin", "birth_date": "2015-01-01", "residence": "92" });
    let request = json!({ "season": "2026-2027", "college_uai": COLLEGE, "level": "6e", "formula": "sport", "declares_scholarship": false });
    let edit = json!({ "version": 1, "college_uai": COLLEGE, "level": "5e", "formula": "sport", "declares_scholarship": false });
    let invitation = json!({ "first_names": "A", "last_name": "B", "email": "x@example.fr", "rights": "full" });
    for (method, path, body) in [
        (Method::POST, format!("families/{}/children", family.id), identity),
        (Method::POST, format!("families/{}/guardians", family.id), invitation),
        (Method::PATCH, format!("children/{other}"), json!({ "version": 1, "first_names": "X" })),
        (Method::DELETE, format!("children/{child}/photo"), Value::Null),
        (Method::POST, format!("children/{child}/enrolments"), request),
        (Method::PATCH, format!("enrolments/{draft}"), edit),
        (Method::POST, format!("enrolments/{draft}/submit"), json!({ "version": 1 })),
        (Method::POST, format!("cards/{card}/unblock"), Value::Null),
        (Method::POST, format!("cards/{card}/replace"), Value::Null),
    ] {
        let builder = reader.request(method, &family.path(&path));
        let builder = if body.is_null() { builder } else { builder.json(&body) };
        let answer = reader.send(builder).await;
        assert_eq!((answer.status, answer.json["code"].as_str()), (403, Some("guardian.consult_only")), "{path}");
    }
    crate::photos::send(&reader, &child, "image/jpeg", photo).await.refused(403, "guardian.consult_only");
    let after = [
        family.get(&file_path(&family)).await.json,
        family.get(&family.path(&format!("enrolments/{draft}"))).await.json,
    ];
    assert_eq!(before, after);
    family.get(&photo_path).await.expect(200);

    // What concerns himself, and stopping a lost card.
    let own = format!("{}/contact", file_path(&reader));
    reader.put(&own, json!({ "email": "lecteur@example.fr" })).await.expect(200);
    let said = json!({ "purpose": "news_email", "granted": true, "text_version": "2026-06", "channel": "web" });
    reader.post(&format!("{}/consents", file_path(&reader)), said).await.expect(201);
    let blocked =
        reader.post(&family.path(&format!("cards/{card}/block")), json!({ "reason": "lost" })).await.expect(200);
    assert_eq!((blocked.text("/state"), blocked.text("/block_reason")), ("blocked".into(), "lost".into()));
    reader.post(&family.path(&format!("cards/{card}/unblock")), json!({})).await.refused(403, "guardian.consult_only");
}

#[actix_web::test]
async fn rights_last_until_the_end_of_their_last_day() {
    let mut world = World::start().await;
    let mut family = world.family("92").await;
    let mut other = world.guardian(&family, "full").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    let file = family.get(&file_path(&family)).await.expect(200);
    let id = record(&file.json, false)["id"].as_str().unwrap().to_owned();
    let agent = world.agent("92", "case_worker").await;
    let rights = family.path(&format!("guardians/{id}/rights"));
    let body = json!({ "rights": "full", "rights_until": "2026-10-20" });
    let set = agent.patch(&rights, body.clone()).await.expect(200);
    assert_eq!((set.text("/rights_until"), set.text("/family_id")), ("2026-10-20".into(), family.id.clone()));
    for guardian in [&family, &other] {
        let told = world.letters_to(&guardian.email).await;
        assert_eq!(told.last().unwrap().0, "Pass+ : droits modifiés sur votre dossier");
    }
    // Only the department, its own, and what makes sense.
    for caller in [&world.agent("92", "finance").await.api, &world.secretary(COLLEGE).await.api, &family.api] {
        caller.patch(&rights, body.clone()).await.refused(403, "auth.forbidden");
    }
    world.agent("78", "case_worker").await.patch(&rights, body.clone()).await.refused(404, "not_found");
    let absent = family.path("guardians/0199a8f0-7c3e-7bbd-8000-000000000001/rights");
    agent.patch(&absent, body).await.refused(404, "not_found");
    for (body, pointer) in [
        (json!({ "rights": "full", "rights_until": "2026-10-14" }), "/rights_until"),
        (json!({ "rights": "full", "rights_until": "demain" }), "/rights_until"),
        (json!({ "rights": "none" }), "/rights"),
        (json!({ "rights": "full", "because": "jugement" }), "/because"),
    ] {
        assert_eq!(agent.patch(&rights, body).await.refused(422, "request.invalid").pointers(), [pointer]);
    }

    // 23:59 in Paris on the 20th, then midnight.
    let last_minute: chrono::DateTime<chrono::Utc> = "2026-10-20T21:59:30Z".parse().unwrap();
    world.advance(last_minute - world.app.db.server_now());
    other.api = world.sign_in(&other.email).await;
    other.get(&file_path(&family)).await.expect(200);
    world.advance(TimeDelta::minutes(1));
    for path in [
        format!("families/{}", family.id),
        format!("families/{}/children", family.id),
        format!("families/{}/consents", family.id),
        format!("children/{child}"),
        format!("children/{child}/enrolments"),
        format!("children/{child}/card"),
    ] {
        other.get(&family.path(&path)).await.refused(404, "not_found");
    }
    let body = json!({ "first_names": "Zoé", "last_name": "M", "birth_date": "2015-01-01", "residence": "92" });
    other.post(&format!("{}/children", file_path(&family)), body).await.refused(404, "not_found");
    other
        .put(&format!("{}/contact", file_path(&family)), json!({ "email": "a@example.fr" }))
        .await
        .refused(404, "not_found");
    assert!(other.get(&family.path("families")).await.expect(200).items().is_empty());

    // The family still sees who he is and since when he may no more; letters reach the others only.
    family.api = world.sign_in(&family.email).await;
    let file = family.get(&file_path(&family)).await.expect(200);
    assert_eq!(record(&file.json, false)["rights_until"], "2026-10-20");
    world.wake_administrators().await;
    let agent = world.agent("92", "case_worker").await;
    let (told, others) = (world.letters_to(&family.email).await.len(), world.letters_to(&other.email).await.len());
    agent.patch(&rights, json!({ "rights": "consult", "rights_until": "2026-10-20" })).await.expect(200);
    assert_eq!(world.letters_to(&family.email).await.len(), told + 1);
    assert_eq!(world.letters_to(&other.email).await.len(), others);
    agent.patch(&rights, json!({ "rights": "consult" })).await.expect(200);
    other.get(&file_path(&family)).await.expect(200);
    assert_eq!(world.letters_to(&other.email).await.len(), others + 1);
}

#[actix_web::test]
async fn nobody_gives_longer_rights_than_his_own() {
    let world = World::start().await;
    let family = world.family("92").await;
    let host = world.guardian(&family, "full").await;
    let file = family.get(&file_path(&family)).await.expect(200);
    let id = record(&file.json, false)["id"].as_str().unwrap().to_owned();
    let body = json!({ "rights": "full", "rights_until": "2026-10-20" });
    let rights = family.path(&format!("guardians/{id}/rights"));
    world.agent("92", "case_worker").await.patch(&rights, body).await.expect(200);
    let guest = world.guardian(&host, "full").await;
    let file = guest.get(&file_path(&family)).await.expect(200);
    assert_eq!(record(&file.json, true)["rights_until"], "2026-10-20");
    let guest_of_the_first = world.guardian(&family, "full").await;
    let file = guest_of_the_first.get(&file_path(&family)).await.expect(200);
    assert!(record(&file.json, true).get("rights_until").is_none());
}

#[actix_web::test]
async fn the_database_itself_keeps_a_guardian_from_his_rights_and_from_deciding() {
    let world = World::start().await;
    let family = world.family("92").await;
    let reader = world.guardian(&family, "consult").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    let (enrolment, _) = family.submit(&child, COLLEGE).await;
    crate::photos::send(&family, &child, "image/jpeg", crate::photos::jpeg(300, 400)).await.expect(204);
    let account = |api: &crate::support::Api| {
        let api = api.clone();
        async move { api.get("/v1/me").await.expect(200).text("/account_id") }
    };
    let (full, consult) = (account(&family).await, account(&reader).await);
    let mut conn = world.app_role("92");
    let offset = (world.app.db.server_now() - passplus::kernel::time::server_now()).num_seconds();
    let mut as_guardian = |account: &str, statement: &str| -> Result<usize, String> {
        let begin = format!(
            "rollback; begin; set local app.kind = 'guardian'; set local app.account = '{account}'; \
             set local app.clock_offset = '{offset} seconds'"
        );
        conn.batch_execute(&begin).unwrap();
        diesel::sql_query(statement).execute(&mut conn).map_err(|error| error.to_string())
    };
    // The connection does see him: his contact record is his to change, the other's is not.
    assert_eq!(as_guardian(&consult, "update guardians set phone = '0600000000'"), Ok(1));
    for forbidden in [
        "update guardians set rights = 'full'",
        "update guardians set rights_until = null",
        "update guardians set rights_from = '2020-01-01'",
        "update guardians set family_id = family_id",
        "update guardians set account_id = account_id",
        "update guardians set invitation_hash = null",
        "delete from guardians",
        "delete from consents",
        "update consents set granted = true",
        "update families set created_by = created_by",
    ] {
        for guardian in [&consult, &full] {
            let refused = as_guardian(guardian, forbidden).unwrap_err();
            assert!(refused.contains("permission denied for table"), "{forbidden}: {refused}");
        }
    }
    let refused = as_guardian(&consult, "select set_guardian_rights(id, 'full', null) from guardians").unwrap_err();
    assert!(refused.contains("only the department"), "{refused}");
    // Who may only consult changes no row of the file; who may write it decides nothing.
    for statement in
        ["update children set residence = '78'", "update enrolments set formula = 'sport'", "delete from photos"]
    {
        assert_eq!(as_guardian(&consult, statement), Ok(0), "{statement}");
    }
    for statement in ["update enrolments set formula = 'sport'", "delete from photos"] {
        assert_eq!(as_guardian(&full, statement), Ok(1), "{statement}");
    }
    let refused = as_guardian(&full, "update enrolments set state = 'active'").unwrap_err();
    assert!(refused.contains("row-level security"), "{refused}");
    let shown = family.get(&family.path(&format!("enrolments/{enrolment}"))).await.expect(200);
    assert_eq!(
        (shown.text("/enrolment/state"), shown.text("/enrolment/formula")),
        ("submitted".into(), "culture".into())
    );
}

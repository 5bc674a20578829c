//! Family files and their children.

use crate::support::{COLLEGE, Family, World};
use reqwest::Method;
use serde_json::{Value, json};

const ABSENT: &str = "0199a8f0-7c3e-7bbd-8000-000000000001";

#[actix_web::test]
async fn a_family_opens_one_file_a_department_and_finds_it_again() {
    let world = World::start().await;
    let api = world.sign_up("lea.martin@example.fr").await;
    let form = json!({
        "first_names": " Léa ", "last_name": "Martin-D’Arc", "phone": "06 12 34 56 78",
        "postal_address": "12 rue des Écoles, 92000 Nanterre",
    });
    let opened = api.post("/v1/departments/92/families", form.clone()).await.expect(201);
    let me = opened.at("/guardians/0");
    assert_eq!((&me["first_names"], &me["is_me"], &me["joined"]), (&json!("Léa"), &json!(true), &json!(true)));
    assert_eq!((&me["rights"], &me["rights_from"]), (&json!("full"), &json!("2026-10-15")));
    let contact = json!({
        "email": "lea.martin@example.fr", "phone": "0612345678", "postal_address": "12 rue des Écoles, 92000 Nanterre",
    });
    assert_eq!(me["contact"], contact);
    assert_eq!(opened.json["children"], json!([]));
    assert!(opened.text("/opened_at").starts_with("2026-10-15T08:00:"));

    api.post("/v1/departments/92/families", form.clone()).await.refused(409, "family.already_open");
    let other = api.post("/v1/departments/78/families", form).await.expect(201);
    assert_ne!(other.json["id"], opened.json["id"]);
    for (department, file) in [("92", &opened), ("78", &other)] {
        let listed = api.get(&format!("/v1/departments/{department}/families")).await.expect(200);
        assert_eq!(listed.items().len(), 1);
        assert_eq!((&listed.items()[0]["id"], &listed.items()[0]["rights"]), (&file.json["id"], &json!("full")));
        let id = file.text("/id");
        let shown = api.get(&format!("/v1/departments/{department}/families/{id}")).await.expect(200);
        assert_eq!(shown.json, file.json);
    }
    // The file of one department is nowhere in the other.
    api.get(&format!("/v1/departments/78/families/{}", opened.text("/id"))).await.refused(404, "not_found");
    let nobody = world.sign_up("autre@example.fr").await;
    assert!(nobody.get("/v1/departments/92/families").await.expect(200).items().is_empty());
}

#[actix_web::test]
async fn an_opening_form_names_the_field_at_fault() {
    let world = World::start().await;
    let api = world.sign_up("lea.martin@example.fr").await;
    let good = json!({ "first_names": "Léa", "last_name": "Martin" });
    for (field, value, pointer) in [
        ("first_names", json!(""), "/first_names"),
        ("first_names", json!("R2D2"), "/first_names"),
        ("first_names", json!(7), "/first_names"),
        ("last_name", json!("x".repeat(81)), "/last_name"),
        ("last_name", json!("Mar\u{202e}tin"), "/last_name"),
        ("last_name", json!(null), "/last_name"),
        ("phone", json!("zéro six"), "/phone"),
        ("postal_address", json!("ici"), "/postal_address"),
        ("email", json!("autre@example.fr"), "/email"),
        ("rights", json!("full"), "/rights"),
        ("created_by", json!(ABSENT), "/created_by"),
    ] {
        let mut form = good.clone();
        form[field] = value;
        let answer = api.post("/v1/departments/92/families", form).await.refused(422, "request.invalid");
        assert_eq!(answer.pointers(), [pointer]);
    }
    let missing = api.post("/v1/departments/92/families", json!({ "first_names": "Léa" })).await;
    assert_eq!(missing.refused(422, "request.invalid").pointers(), ["/last_name"]);
    let request = api.request(Method::POST, "/v1/departments/92/families");
    api.send(request.header("content-type", "application/json").body("{")).await.refused(400, "request.malformed");
    let request = api.request(Method::POST, "/v1/departments/92/families").body(good.to_string());
    api.send(request.header("content-type", "text/plain")).await.refused(415, "request.media_type");
    for department in ["99", "xx", "2A"] {
        api.post(&format!("/v1/departments/{department}/families"), good.clone()).await.refused(404, "not_found");
    }
    world.api.post("/v1/departments/92/families", good.clone()).await.refused(401, "auth.required");
    world.administrator.post("/v1/departments/92/families", good).await.refused(403, "auth.forbidden");
    assert!(api.get("/v1/departments/92/families").await.expect(200).items().is_empty());
}

#[actix_web::test]
async fn children_are_registered_once_listed_by_pages_and_corrected() {
    let world = World::start().await;
    let family = world.family("92").await;
    let children = family.path(&format!("families/{}/children", family.id));
    let (lou, eloise, noe) = (
        family.add_child("Lou", "2015-03-14").await,
        family.add_child("Éloïse Marie", "2013-01-02").await,
        family.add_child("Noé", "2012-02-29").await,
    );
    let first = family.get(&format!("{children}?limit=2")).await.expect(200);
    let ids = |page: &crate::support::Answer| -> Vec<Value> { page.items().iter().map(|c| c["id"].clone()).collect() };
    assert_eq!(ids(&first), [json!(lou), json!(eloise)]);
    let rest = family.get(&format!("{children}?limit=2&cursor={}", first.text("/next_cursor"))).await.expect(200);
    assert_eq!((ids(&rest), rest.json.get("next_cursor")), (vec![json!(noe)], None));
    for query in ["limit=0", "limit=101", "limit=x", "cursor=*", "page=2"] {
        family.get(&format!("{children}?{query}")).await.refused(400, "request.query");
    }

    // The same child, otherwise written.
    for name in ["Eloise-Marie", "éloïse marie", "ÉLOÏSE MARIE", "E\u{301}loi\u{308}se Marie"] {
        let body = json!({ "first_names": name, "last_name": "MARTIN", "birth_date": "2013-01-02", "residence": "92" });
        family.post(&children, body).await.refused(409, "child.already_registered");
    }
    let path = family.path(&format!("children/{lou}"));
    let change = json!({ "version": 1, "last_name": "Petit", "residence": "78" });
    let corrected = family.patch(&path, change.clone()).await.expect(200);
    assert_eq!((corrected.text("/last_name"), corrected.text("/residence")), ("Petit".into(), "78".into()));
    assert_eq!((corrected.text("/first_names"), corrected.number("/version")), ("Lou".into(), 2));
    assert_eq!(family.get(&path).await.expect(200).json, corrected.json);
    family.patch(&path, change).await.refused(409, "version.stale");
    family.patch(&path, json!({ "version": 2 })).await.refused(422, "request.invalid");
    let twin = json!({ "version": 2, "first_names": "Noe", "last_name": "martin", "birth_date": "2012-02-29" });
    family.patch(&path, twin).await.refused(409, "child.already_registered");
    for (field, value) in [
        ("birth_date", json!("2019-10-16")),
        ("birth_date", json!("2000-10-15")),
        ("birth_date", json!("2015-02-29")),
        ("residence", json!("XX")),
        ("first_names", json!("<b>")),
        ("version", json!("2")),
        ("family_id", json!(ABSENT)),
    ] {
        let mut body = json!({ "version": 2 });
        body[field] = value;
        let answer = family.patch(&path, body).await.refused(422, "request.invalid");
        assert_eq!(answer.pointers(), [format!("/{field}")]);
    }
    assert_eq!(family.get(&path).await.expect(200).json, corrected.json);
}

#[actix_web::test]
async fn a_childs_form_names_the_field_at_fault_and_a_file_holds_fifteen() {
    let world = World::start().await;
    let family = world.family("92").await;
    let children = family.path(&format!("families/{}/children", family.id));
    let form = |name: &str| json!({ "first_names": name, "last_name": "Martin", "birth_date": "2015-03-14", "residence": "92" });
    for (field, value) in [
        ("first_names", json!("")),
        ("last_name", json!(["Martin"])),
        ("birth_date", json!("14/03/2015")),
        ("birth_date", json!("2018-10-16")),
        ("birth_date", json!("2026-10-16")),
        ("residence", json!("092")),
        ("id", json!(ABSENT)),
        ("version", json!(9)),
    ] {
        let mut body = form("Lou");
        body[field] = value;
        let answer = family.post(&children, body).await.refused(422, "request.invalid");
        assert_eq!(answer.pointers(), [format!("/{field}")]);
    }
    for letter in 'A'..='O' {
        family.post(&children, form(&format!("Lou {letter}"))).await.expect(201);
    }
    family.post(&children, form("Lou P")).await.refused(409, "family.too_many");
    assert_eq!(family.get(&format!("{children}?limit=100")).await.expect(200).items().len(), 15);
}

#[actix_web::test]
async fn an_enrolled_childs_identity_changes_only_when_the_request_comes_back() {
    let world = World::start().await;
    let (family, secretary) = (world.family("92").await, world.secretary(COLLEGE).await);
    let child = family.add_child("Lou", "2015-03-14").await;
    let path = family.path(&format!("children/{child}"));
    family.draft(&child, COLLEGE).await;
    family.patch(&path, json!({ "version": 1, "first_names": "Louise" })).await.expect(200);
    let enrolments = family.get(&family.path(&format!("children/{child}/enrolments"))).await.expect(200);
    let enrolment = enrolments.text("/0/id");
    let submitted = family.path(&format!("enrolments/{enrolment}/submit"));
    let version = family.post(&submitted, json!({ "version": 1 })).await.expect(200).number("/version");
    family.patch(&path, json!({ "version": 2, "first_names": "Lou" })).await.refused(409, "child.enrolled");
    let row =
        json!({ "enrolment_id": enrolment, "version": version, "decision": "refuse", "reason": "wrong_identity" });
    secretary.decide(json!([row])).await.expect(200);
    let corrected = family.patch(&path, json!({ "version": 2, "first_names": "Lou" })).await.expect(200);
    assert_eq!(corrected.text("/first_names"), "Lou");
}

/// All that a family can see of its file.
async fn picture_of(family: &Family, child: &str, card: &str) -> Vec<Value> {
    let mut all = vec![];
    for path in [
        format!("families/{}", family.id),
        format!("families/{}/consents", family.id),
        format!("children/{child}"),
        format!("children/{child}/enrolments"),
        format!("children/{child}/card"),
    ] {
        all.push(family.get(&family.path(&path)).await.expect(200).json);
    }
    all.push(json!(family.get(&family.path(&format!("cards/{card}/qr.svg"))).await.expect(200).bytes));
    all
}

#[actix_web::test]
async fn another_familys_everything_is_not_there_and_stays_as_it_was() {
    let world = World::start().await;
    let (owner, secretary, stranger) =
        (world.family("92").await, world.secretary(COLLEGE).await, world.family("92").await);
    let child = owner.add_child("Lou", "2015-03-14").await;
    let (enrolment, version) = owner.submit(&child, COLLEGE).await;
    secretary.confirm(&enrolment, version).await;
    let draft = owner.add_child("Noé", "2014-03-14").await;
    let (draft, _) = owner.draft(&draft, COLLEGE).await;
    let card = owner.get(&owner.path(&format!("children/{child}/card"))).await.expect(200).text("/id");
    let family = &owner.id;
    let before = picture_of(&owner, &child, &card).await;
    let identity = json!({ "first_names": "A", "last_name": "B", "birth_date": "2015-01-01", "residence": "92" });
    let request = json!({ "season": "2026-2027", "college_uai": COLLEGE, "level": "6e", "formula": "sport", "declares_scholarship": false });
    let edit = json!({ "version": 1, "college_uai": COLLEGE, "level": "6e", "formula": "sport", "declares_scholarship": false });
    let consent = json!({ "purpose": "news_sms", "granted": true, "text_version": "1", "channel": "web" });
    let guardian = json!({ "first_names": "A", "last_name": "B", "email": "x@example.fr", "rights": "full" });
    let (get, post, put, patch, delete) = (Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE);
    for (method, path, body) in [
        (&get, format!("families/{family}"), Value::Null),
        (&get, format!("families/{family}/children"), Value::Null),
        (&post, format!("families/{family}/children"), identity),
        (&put, format!("families/{family}/contact"), json!({ "email": "x@example.fr" })),
        (&post, format!("families/{family}/guardians"), guardian),
        (&get, format!("families/{family}/consents"), Value::Null),
        (&post, format!("families/{family}/consents"), consent),
        (&get, format!("children/{child}"), Value::Null),
        (&patch, format!("children/{child}"), json!({ "version": 1, "first_names": "X" })),
        (&get, format!("children/{child}/photo"), Value::Null),
        (&get, format!("children/{child}/photos"), Value::Null),
        (&delete, format!("children/{child}/photo"), Value::Null),
        (&get, format!("children/{child}/enrolments"), Value::Null),
        (&post, format!("children/{child}/enrolments"), request),
        (&get, format!("enrolments/{enrolment}"), Value::Null),
        (&patch, format!("enrolments/{draft}"), edit),
        (&post, format!("enrolments/{draft}/submit"), json!({ "version": 1 })),
        (&get, format!("children/{child}/card"), Value::Null),
        (&get, format!("cards/{card}/qr.png"), Value::Null),
        (&get, format!("cards/{card}/qr.svg"), Value::Null),
        (&post, format!("cards/{card}/block"), json!({ "reason": "lost" })),
        (&post, format!("cards/{card}/unblock"), Value::Null),
        (&post, format!("cards/{card}/replace"), Value::Null),
    ] {
        let builder = stranger.request(method.clone(), &owner.path(&path));
        let builder = if body.is_null() { builder } else { builder.json(&body) };
        let theirs = stranger.send(builder).await.refused(404, "not_found");
        // What is another's and what is nowhere look the same.
        let nowhere =
            [family, &child, &enrolment, &draft, &card].iter().fold(path, |p, id| p.replace(id.as_str(), ABSENT));
        let builder = stranger.request(method.clone(), &owner.path(&nowhere));
        let builder = if body.is_null() { builder } else { builder.json(&body) };
        let absent = stranger.send(builder).await.refused(404, "not_found");
        assert_eq!(theirs.json["detail"], absent.json["detail"], "{method} {nowhere}");
    }
    assert_eq!(picture_of(&owner, &child, &card).await, before);
    let draft = owner.get(&owner.path(&format!("enrolments/{draft}"))).await.expect(200);
    assert_eq!((draft.text("/enrolment/state"), draft.number("/enrolment/version")), ("draft".into(), 1));
}

#[actix_web::test]
async fn an_agent_inspects_a_file_and_the_journal_says_so() {
    let world = World::start().await;
    let family = world.family("92").await;
    family.add_child("Lou", "2015-03-14").await;
    let path = family.path(&format!("agents-desk/families/{}", family.id));
    let case_worker = world.agent("92", "case_worker").await;
    let seen = case_worker.get(&path).await.expect(200);
    assert_eq!(seen.text("/guardians/0/contact/email"), family.email);
    assert_eq!(seen.text("/children/0/first_names"), "Lou");
    let journal = format!("/v1/departments/92/journal?object_id={}", family.id);
    let lines = world.administrator.get(&journal).await.expect(200);
    let inspections: Vec<&Value> = lines.items().iter().filter(|l| l["action"] == "family_inspected").collect();
    let me = case_worker.get("/v1/me").await.expect(200).text("/account_id");
    assert_eq!(inspections.len(), 1);
    assert_eq!((&inspections[0]["actor_kind"], &inspections[0]["actor_id"]), (&json!("agent"), &json!(me)));
    assert_eq!(inspections[0]["request_id"], seen.headers["x-request-id"].to_str().unwrap());

    for function in ["finance", "dpo"] {
        world.agent("92", function).await.get(&path).await.refused(403, "auth.forbidden");
    }
    world.secretary(COLLEGE).await.get(&path).await.refused(403, "auth.forbidden");
    family.get(&path).await.refused(403, "auth.forbidden");
    world.api.get(&path).await.refused(401, "auth.required");
    world.agent("78", "case_worker").await.get(&path).await.refused(404, "not_found");
    case_worker.get(&family.path(&format!("agents-desk/families/{ABSENT}"))).await.refused(404, "not_found");
    let after = world.administrator.get(&journal).await.expect(200);
    assert_eq!(after.items().iter().filter(|l| l["action"] == "family_inspected").count(), 1);
}

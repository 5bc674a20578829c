//! Cards: issued with the rights, read back from their picture, blocked, found again, replaced once.

use crate::support::{Answer, COLLEGE, Family, Secretary, World};
use diesel::{prelude::*, sql_types};
use passplus::cards::{
    code::CardCode,
    token::{self, TokenError},
};
use serde_json::{Value, json};

/// A child whose request is active.
async fn pupil(family: &Family, secretary: &Secretary, name: &str) -> String {
    let child = family.add_child(name, "2015-03-14").await;
    let (enrolment, version) = family.submit(&child, &secretary.college).await;
    secretary.confirm(&enrolment, version).await;
    child
}

/// The card in use, without what is said in the place of its picture.
async fn card_of(family: &Family, child: &str) -> Answer {
    let mut card = family.get(&family.path(&format!("children/{child}/card"))).await.expect(200);
    let says = card.json.as_object_mut().unwrap().remove("alternative_text").unwrap();
    assert!(says.as_str().unwrap().contains(&card.text("/code")), "{says}");
    card
}

fn read_qr(png: &[u8]) -> String {
    let picture = image::load_from_memory_with_format(png, image::ImageFormat::Png).unwrap().into_luma8();
    let (width, height) = (usize::try_from(picture.width()).unwrap(), usize::try_from(picture.height()).unwrap());
    let pixel = |x: usize, y: usize| picture.get_pixel(u32::try_from(x).unwrap(), u32::try_from(y).unwrap()).0[0];
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, pixel);
    let grids = prepared.detect_grids();
    assert_eq!(grids.len(), 1);
    grids[0].decode().unwrap().1
}

#[actix_web::test]
async fn a_card_is_read_from_its_picture_and_verified_without_the_service() {
    let world = World::start().await;
    let (family, secretary) = (world.family("92").await, world.secretary(COLLEGE).await);
    let waiting = family.add_child("Noé", "2014-03-14").await;
    family.submit(&waiting, COLLEGE).await;
    family.get(&family.path(&format!("children/{waiting}/card"))).await.refused(404, "card.none");
    let child = pupil(&family, &secretary, "Lou").await;
    let card = card_of(&family, &child).await;
    assert_eq!((card.text("/state"), card.text("/child_id")), ("active".into(), child));
    assert_eq!(card.text("/valid_until"), "2030-08-31", "31 August after the year of 3e");
    let code: CardCode = card.text("/code").parse().unwrap();
    assert_eq!((code.to_string(), code.department().to_string()), (card.text("/code"), "92".into()));

    let (id, text) = (card.text("/id"), card.text("/signed"));
    let png = family.get(&family.path(&format!("cards/{id}/qr.png"))).await.expect(200);
    assert_eq!((png.headers["content-type"].to_str().unwrap(), read_qr(&png.bytes)), ("image/png", text.clone()));
    let svg = family.get(&family.path(&format!("cards/{id}/qr.svg"))).await.expect(200);
    let drawn = String::from_utf8(svg.bytes).unwrap();
    assert_eq!(svg.headers["content-type"], "image/svg+xml");
    assert!(
        drawn.starts_with("<svg ") && drawn.contains("<title>Code de la carte Pass+</title>") && !drawn.contains("Lou")
    );

    // The whole card, as a picture and as a page.
    let png = family.get(&family.path(&format!("cards/{id}/card.png"))).await.expect(200);
    assert_eq!((png.headers["content-type"].to_str().unwrap(), read_qr(&png.bytes)), ("image/png", text.clone()));
    let pdf = family.get(&family.path(&format!("cards/{id}/card.pdf"))).await.expect(200);
    assert!(pdf.headers["content-type"] == "application/pdf" && pdf.bytes.starts_with(b"%PDF-1.7"));

    let document = world.api.get("/.well-known/card-keys.json").await.expect(200);
    let departments: Vec<&Value> =
        document.at("/keys").as_array().unwrap().iter().map(|key| &key["department"]).collect();
    assert_eq!(departments, [&json!("78"), &json!("92")]);
    assert!(document.at("/keys").as_array().unwrap().iter().all(|key| key.get("d").is_none()), "public halves only");
    let keys = token::published_keys(&document.json.to_string()).unwrap();
    let signed = token::verify(&text, &keys).unwrap();
    assert_eq!(signed.code(), code);
    let day = |text: &str| text.parse().unwrap();
    assert!(signed.is_valid_on(day("2030-08-31")) && !signed.is_valid_on(day("2030-09-01")));
    let of_78: Vec<_> = keys.into_iter().filter(|key| key.department.as_str() == "78").collect();
    assert_eq!(token::verify(&text, &of_78), Err(TokenError::UnknownKey));
    // The code is in the text, and the text is not for another day or another code.
    let all = token::published_keys(&document.json.to_string()).unwrap();
    for place in [20, 60, 138] {
        let mut changed = text.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        assert!(token::verify(&String::from_utf8(changed).unwrap(), &all).is_err(), "character {place}");
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = sql_types::Binary)]
    code_fingerprint: Vec<u8>,
    #[diesel(sql_type = sql_types::Binary)]
    code_sealed: Vec<u8>,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = sql_types::Text)]
    line: String,
}

#[actix_web::test]
async fn a_card_is_nowhere_in_clear_in_the_database() {
    let world = World::start().await;
    let (family, secretary) = (world.family("92").await, world.secretary(COLLEGE).await);
    let child = pupil(&family, &secretary, "Lou").await;
    let card = card_of(&family, &child).await;
    let code: CardCode = card.text("/code").parse().unwrap();
    let secret = code.secret_bytes();

    let mut conn = world.superuser("92");
    let row: Row = diesel::sql_query("select code_fingerprint, code_sealed from cards").get_result(&mut conn).unwrap();
    for kept in [&row.code_fingerprint, &row.code_sealed] {
        assert!(!kept.windows(secret.len()).any(|window| window == secret));
    }
    assert_ne!(
        row.code_fingerprint,
        passplus::kernel::crypto::sha256(&secret),
        "a keyed fingerprint, not a hash to search"
    );
    let hex = data_encoding::HEXLOWER.encode(&secret);
    for table in ["cards", "card_keys", "audit", "jobs", "enrolments", "enrolment_events"] {
        let lines: Vec<Line> =
            diesel::sql_query(format!("select t::text as line from {table} t")).load(&mut conn).unwrap();
        assert!(table == "jobs" || !lines.is_empty(), "{table}");
        for Line { line } in lines {
            assert!(
                !line.contains(&card.text("/code")) && !line.contains(&hex) && !line.contains(&card.text("/signed")),
                "{table}"
            );
        }
    }
    let letters = world.letters_to(&family.email).await;
    assert!(
        letters.iter().all(|(_, body)| !body.contains(&card.text("/code")) && !body.contains(&card.text("/signed")))
    );
}

#[actix_web::test]
async fn a_card_is_blocked_found_again_and_replaced_once() {
    let world = World::start().await;
    let (family, secretary) = (world.family("92").await, world.secretary(COLLEGE).await);
    let child = pupil(&family, &secretary, "Lou").await;
    let first = card_of(&family, &child).await;
    let act = |id: String, verb: &'static str| {
        let (api, path) = (family.api.clone(), family.path(&format!("cards/{id}/{verb}")));
        let body = if verb == "block" { json!({ "reason": "stolen" }) } else { json!({}) };
        async move { api.post(&path, body).await }
    };
    let id = first.text("/id");
    act(id.clone(), "unblock").await.refused(409, "card.transition");
    for (body, pointer) in [
        (json!({}), "/reason"),
        (json!({ "reason": "eaten" }), "/reason"),
        (json!({ "reason": "lost", "state": "active" }), "/state"),
    ] {
        let answer =
            family.post(&family.path(&format!("cards/{id}/block")), body).await.refused(422, "request.invalid");
        assert_eq!(answer.pointers(), [pointer]);
    }
    let blocked = act(id.clone(), "block").await.expect(200);
    assert_eq!((blocked.text("/state"), blocked.text("/block_reason")), ("blocked".into(), "stolen".into()));
    assert!(blocked.text("/blocked_at").starts_with("2026-10-15T08:00"));
    act(id.clone(), "block").await.refused(409, "card.transition");
    for drawn in ["qr.png", "qr.svg", "card.png", "card.pdf", "live-codes"] {
        family.get(&family.path(&format!("cards/{id}/{drawn}"))).await.refused(409, "card.transition");
    }
    assert_eq!(card_of(&family, &child).await.json, blocked.json);
    assert!(world.letters_to(&family.email).await.iter().any(|(subject, _)| subject == "Carte bloquée"));
    let found = act(id.clone(), "unblock").await.expect(200);
    assert_eq!(found.json, first.json);

    act(id.clone(), "block").await.expect(200);
    let second = act(id.clone(), "replace").await.expect(201);
    assert_eq!((second.text("/state"), second.text("/valid_until")), ("active".into(), first.text("/valid_until")));
    for pointer in ["/id", "/code", "/signed"] {
        assert_ne!(second.at(pointer), first.at(pointer));
    }
    for verb in ["replace", "block", "unblock"] {
        act(id.clone(), verb).await.refused(409, "card.transition");
    }
    assert_eq!(card_of(&family, &child).await.json, second.json);
    // Three fingers on the button, one new card.
    let id = second.text("/id");
    let (a, b, c) = tokio::join!(act(id.clone(), "replace"), act(id.clone(), "replace"), act(id.clone(), "replace"));
    let mut statuses = [a.status, b.status, c.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409]);
    let mut conn = world.superuser("92");
    let states = diesel::dsl::sql::<sql_types::Text>("(select string_agg(state, ' ' order by issued_at) from cards)");
    let states: String = diesel::select(states).get_result(&mut conn).unwrap();
    assert_eq!(states, "replaced replaced active");
    let journal = world.administrator.get(&format!("/v1/departments/92/journal?object_id={}", first.text("/id"))).await;
    let actions: Vec<&str> =
        journal.json["items"].as_array().unwrap().iter().map(|l| l["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["card_issued", "card_blocked", "card_unblocked", "card_blocked", "card_replaced"]);
}

#[actix_web::test]
async fn staff_and_strangers_handle_no_card() {
    let world = World::start().await;
    let (family, secretary) = (world.family("92").await, world.secretary(COLLEGE).await);
    let child = pupil(&family, &secretary, "Lou").await;
    let before = card_of(&family, &child).await;
    let id = before.text("/id");
    let stranger = world.family("92").await;
    for (caller, status, code) in [
        (&world.api, 401, "auth.required"),
        (&secretary.api, 403, "auth.forbidden"),
        (&world.administrator.api, 403, "auth.forbidden"),
        (&stranger.api, 404, "not_found"),
    ] {
        for path in [
            format!("children/{child}/card"),
            format!("cards/{id}/qr.png"),
            format!("cards/{id}/qr.svg"),
            format!("cards/{id}/card.png"),
            format!("cards/{id}/card.pdf"),
            format!("cards/{id}/live-codes"),
        ] {
            caller.get(&family.path(&path)).await.refused(status, code);
        }
        for (verb, body) in [("block", json!({ "reason": "lost" })), ("unblock", json!({})), ("replace", json!({}))] {
            caller.post(&family.path(&format!("cards/{id}/{verb}")), body).await.refused(status, code);
        }
    }
    family.get(&format!("/v1/departments/78/cards/{id}/qr.png")).await.refused(404, "not_found");
    family.get(&family.path("cards/x/qr.png")).await.refused(404, "not_found");
    assert_eq!(card_of(&family, &child).await.json, before.json);
}

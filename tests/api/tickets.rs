//! Tickets: made by a family, captured once by a merchant.

use crate::{
    ledger::Books,
    support::{Answer, Api, Scene, Till, days, debit, field_at_fault, key, without_instance},
};
use passplus::cards::code::ticket::TicketCode;
use serde_json::{Value, json};

const CAPTURES: &str = "/v1/ticket-captures";

/// A ticket that says what it pays for.
fn show(cents: i64) -> Value {
    json!({ "amount_cents": cents, "activity_label": "Spectacle", "activity_date": "2026-10-20" })
}

async fn capture(till: &Api, code: &str, cents: i64) -> Answer {
    till.post_keyed(CAPTURES, &key(), json!({ "ticket": code, "amount_cents": cents })).await
}

fn unknown(department: &str) -> String {
    TicketCode::generate(department.parse().unwrap()).to_string()
}

fn ticket(scene: &Scene, id: &str) -> String {
    scene.family.path(&format!("tickets/{id}"))
}

#[actix_web::test]
async fn a_ticket_is_made_printed_and_captured_once_in_part() {
    let scene = Scene::set().await;
    let made = scene.ticket(show(2_000)).await.expect(201);
    let (id, code) = (made.text("/id"), made.text("/code"));
    let expected = json!({
        "id": id, "kind": "ticket", "wallet_id": scene.pupil.culture, "wallet_kind": "culture", "amount_cents": 2_000,
        "state": "authorised", "code": code, "activity_label": "Spectacle", "activity_date": "2026-10-20",
        "made_at": made.text("/made_at"), "expires_at": "2028-06-30T22:00:00Z",
    });
    assert_eq!(made.json, expected);
    assert!(code.starts_with("T92-") && code.parse::<TicketCode>().is_ok(), "{code}");
    assert_eq!(scene.sums("culture").await, (6_000, 2_000, 4_000));
    assert_eq!(scene.family.get(&ticket(&scene, &id)).await.expect(200).json, expected);
    let list = scene.family.path(&format!("wallets/{}/tickets", scene.pupil.culture));
    assert_eq!(scene.family.get(&list).await.expect(200).json, json!({ "items": [expected] }));
    let page = scene.family.get(&(ticket(&scene, &id) + "/ticket.pdf")).await.expect(200);
    assert_eq!(page.headers["content-type"], "application/pdf");
    assert!(page.bytes.starts_with(b"%PDF-"));

    // However it is typed.
    let typed = code.to_lowercase().replace('-', " ");
    let captured = capture(&scene.till, &typed, 1_500).await.expect(201);
    let expected = json!({
        "id": captured.text("/id"), "department": "92", "kind": "debit", "at": captured.text("/at"), "amount_cents": 1_500,
        "merchant_cents": 1_500, "key": captured.text("/key"),
        "wallet_kind": "culture", "activity_label": "Spectacle", "activity_date": "2026-10-20",
        "holder": { "first_name": "Lou", "initial": "M" }, "device_id": scene.till.device,
    });
    assert_eq!(captured.json, expected);
    assert_eq!(scene.sums("culture").await, (4_500, 0, 4_500));
    let read = scene.till.get(&format!("/v1/departments/92/debits/{}", captured.text("/id"))).await.expect(200);
    assert_eq!((read.text("/hold_id"), read.number("/refunded_cents")), (id.clone(), 0));

    let stranger = scene.world.till(&["culture"]).await;
    for till in [&scene.till, &stranger] {
        capture(till, &code, 500).await.refused(409, "hold.captured");
    }
    let seen = scene.family.get(&ticket(&scene, &id)).await.expect(200);
    assert_eq!((seen.text("/state"), seen.number("/captured_cents")), ("captured".to_owned(), 1_500));
    assert_eq!(seen.text("/merchant_id"), scene.till.merchant);
    assert!(seen.text("/merchant_name").starts_with("Théâtre") && seen.json["code"].is_null());
    scene.family.get(&(ticket(&scene, &id) + "/ticket.pdf")).await.refused(409, "hold.captured");
    scene.family.post(&(ticket(&scene, &id) + "/cancel"), json!({})).await.refused(409, "hold.captured");
    assert_eq!(scene.last_lines(1).await, [("debit".to_owned(), -1_500)]);
    assert_eq!(scene.sums("culture").await, (4_500, 0, 4_500));
    assert_eq!(Books::read(&scene.world).prove(), Ok(()));
}

#[actix_web::test]
async fn what_a_family_cancels_in_time_comes_back() {
    let scene = Scene::set().await;
    let made = scene.ticket(show(6_000)).await.expect(201);
    scene.debit("culture", 1).await.refused(409, "debit.refused");
    scene.ticket(show(1)).await.refused(409, "wallet.insufficient_funds");
    let path = ticket(&scene, &made.text("/id"));
    for _ in 0..2 {
        let cancelled = scene.family.post(&(path.clone() + "/cancel"), json!({})).await.expect(200);
        assert_eq!(cancelled.text("/state"), "voided");
        assert!(cancelled.json["code"].is_null() && cancelled.json["closed_at"].is_string());
        assert_eq!(scene.sums("culture").await, (6_000, 0, 6_000));
    }
    capture(&scene.till, &made.text("/code"), 100).await.refused(409, "hold.voided");
    scene.family.get(&(path + "/ticket.pdf")).await.refused(409, "hold.voided");
    scene.debit("culture", 6_000).await.expect(201);
    let journal = format!("/v1/departments/92/journal?object_id={}", made.text("/id"));
    let journal = scene.world.administrator.get(&journal).await.expect(200);
    let actions: Vec<&str> = journal.items().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["hold_made", "hold_voided"]);
}

#[actix_web::test]
async fn every_money_request_about_a_ticket_is_replayed_for_ever() {
    let mut scene = Scene::set().await;
    let path = scene.family.path(&format!("wallets/{}/tickets", scene.pupil.culture));
    let (one, two, three, four) = (key(), key(), key(), key());
    let made = scene.family.post_keyed(&path, &one, show(2_000)).await.expect(201);
    let too_much = scene.family.post_keyed(&path, &two, show(4_001)).await.refused(409, "wallet.insufficient_funds");
    let body = |cents: i64| json!({ "ticket": made.text("/code"), "amount_cents": cents });
    let beyond = scene.till.post_keyed(CAPTURES, &three, body(2_001)).await.refused(409, "hold.exceeded");
    let captured = scene.till.post_keyed(CAPTURES, &four, body(2_000)).await.expect(201);
    for _ in 0..3 {
        let again = scene.family.post_keyed(&path, &one, show(2_000)).await.expect(201);
        assert_eq!((&again.json, &again.headers["idempotency-replayed"]), (&made.json, &"true".parse().unwrap()));
        let again = scene.till.post_keyed(CAPTURES, &four, body(2_000)).await.expect(201);
        assert_eq!((&again.json, &again.headers["idempotency-replayed"]), (&captured.json, &"true".parse().unwrap()));
        let again = scene.family.post_keyed(&path, &two, show(4_001)).await;
        assert_eq!(again.headers["idempotency-replayed"], "true");
        let again = again.refused(409, "wallet.insufficient_funds");
        assert_eq!(without_instance(&again), without_instance(&too_much));
        let again = scene.till.post_keyed(CAPTURES, &three, body(2_001)).await.refused(409, "hold.exceeded");
        assert_eq!(without_instance(&again), without_instance(&beyond));
        scene.wait(days(250)).await;
    }
    scene.family.post_keyed(&path, &one, show(1_999)).await.refused(422, "idempotency.reused");
    scene.till.post_keyed(CAPTURES, &four, body(1_999)).await.refused(422, "idempotency.reused");
    let transfers = scene.family.path(&format!("wallets/{}/transfers", scene.pupil.culture));
    let mut transfer = show(2_000);
    transfer["merchant_id"] = json!(scene.till.merchant);
    scene.family.post_keyed(&transfers, &one, transfer).await.refused(422, "idempotency.reused");
    assert_eq!(scene.sums("culture").await, (4_000, 0, 0));
}

#[actix_web::test]
async fn a_ticket_names_the_field_at_fault_and_who_may_make_one() {
    let scene = Scene::set().await;
    let path = scene.family.path(&format!("wallets/{}/tickets", scene.pupil.culture));
    let one = key();
    for (field, wrong) in [
        ("amount_cents", json!(0)),
        ("amount_cents", json!(100_001)),
        ("amount_cents", json!(1.5)),
        ("activity_date", json!("2027-10-16")),
        // The day before the season begins.
        ("activity_date", json!("2026-05-31")),
        ("activity_date", json!("+262000-01-01")),
        ("activity_label", json!("")),
        ("merchant_id", json!("x")),
        ("code", json!("T92")),
    ] {
        let mut body = show(100);
        body[field] = wrong;
        field_at_fault(scene.family.post_keyed(&path, &one, body).await, &format!("/{field}"));
    }
    scene.family.post(&path, show(100)).await.refused(422, "idempotency.missing");
    let only_sport = scene.world.till(&["sport"]).await;
    for merchant in [&key(), &only_sport.merchant] {
        let mut body = show(100);
        body["merchant_id"] = json!(merchant);
        scene.ticket(body).await.refused(409, "merchant.not_open");
    }
    let other = scene.world.family("92").await;
    other.post_keyed(&path, &one, show(100)).await.refused(404, "not_found");
    let made = scene.family.post_keyed(&path, &one, show(100)).await.expect(201).text("/id");
    let base = ticket(&scene, &made);
    for path in [base.clone(), base.clone() + "/ticket.pdf", path.clone()] {
        other.get(&path).await.refused(404, "not_found");
        scene.till.get(&path).await.refused(403, "auth.forbidden");
        scene.world.administrator.get(&path).await.refused(403, "auth.forbidden");
        scene.world.api.get(&path).await.refused(401, "auth.required");
    }
    other.post(&(base.clone() + "/cancel"), json!({})).await.refused(404, "not_found");
    scene.till.post_keyed(&path, &key(), show(100)).await.refused(403, "auth.forbidden");
    scene.family.post_keyed(CAPTURES, &key(), json!({})).await.refused(403, "auth.forbidden");
    let reader = scene.world.guardian(&scene.family, "consult").await;
    reader.get(&base).await.expect(200);
    reader.post_keyed(&path, &key(), show(100)).await.refused(403, "guardian.consult_only");
    reader.post(&(base.clone() + "/cancel"), json!({})).await.refused(403, "guardian.consult_only");
    // What only a device makes is nothing to the family.
    let held = scene.till.post_keyed("/v1/holds", &key(), debit(&scene.pupil.card_code, "culture", 100)).await;
    let held = ticket(&scene, &held.expect(201).text("/id"));
    scene.family.get(&held).await.refused(404, "not_found");
    scene.family.post(&(held + "/cancel"), json!({})).await.refused(404, "not_found");
    assert_eq!(scene.sums("culture").await, (6_000, 200, 5_800));
}

#[actix_web::test]
async fn a_family_is_told_which_rule_keeps_its_money() {
    let mut scene = Scene::set().await;
    scene.set_rules("3000", "4000", 20_000);
    scene.ticket(show(3_001)).await.refused(409, "debit.above_cap");
    scene.ticket(show(2_500)).await.expect(201);
    scene.ticket(show(1_501)).await.refused(409, "wallet.above_day_cap");
    scene.wait(days(1)).await;
    scene.ticket(show(1_501)).await.expect(201);
    scene.set_rules("null", "null", 20_000);
    let enrolment = scene.family.path(&format!("enrolments/{}", scene.pupil.enrolment));
    for (event, code) in [("suspend", Some("wallet.not_active")), ("resume", None)] {
        let version = scene.family.get(&enrolment).await.expect(200).number("/enrolment/version");
        let body = json!({ "version": version, "event": event, "note": "À vérifier" });
        scene.administrator().await.post(&format!("{enrolment}/suspension"), body).await.expect(200);
        match code {
            Some(code) => drop(scene.ticket(show(100)).await.refused(409, code)),
            None => drop(scene.ticket(show(100)).await.expect(201)),
        }
    }
    // The two wallets do not add up on one activity of one merchant.
    let mut assigned = show(100);
    assigned["merchant_id"] = json!(scene.till.merchant);
    let mut same = debit(&scene.pupil.card_code, "sport", 100);
    same["activity_label"] = json!("Spectacle");
    scene.till.post_keyed("/v1/debits", &key(), same).await.expect(201);
    scene.ticket(assigned).await.refused(409, "debit.other_wallet");
    let free = scene.ticket(show(100)).await.expect(201);
    capture(&scene.till, &free.text("/code"), 100).await.refused(409, "debit.other_wallet");
    let elsewhere = scene.world.till(&["culture"]).await;
    capture(&elsewhere, &free.text("/code"), 100).await.expect(201);
}

#[actix_web::test]
async fn a_ticket_without_an_activity_gets_the_merchants() {
    let scene = Scene::set().await;
    let code = scene.ticket(json!({ "amount_cents": 1_000 })).await.expect(201).text("/code");
    let one = key();
    let body = |label: Value, date: Value| json!({ "ticket": code, "amount_cents": 600, "activity_label": label, "activity_date": date });
    for (label, date, pointer) in [
        (json!(null), json!(null), "/activity_label"),
        (json!("Stage"), json!(null), "/activity_label"),
        (json!("Stage"), json!("2027-10-16"), "/activity_date"),
        (json!("Stage"), json!("1900-01-01"), "/activity_date"),
    ] {
        field_at_fault(scene.till.post_keyed(CAPTURES, &one, body(label, date)).await, pointer);
    }
    // None of these was an answer to keep: the key is as new.
    let captured = scene.till.post_keyed(CAPTURES, &one, body(json!("Stage"), json!("2026-11-02"))).await.expect(201);
    assert_eq!(
        (captured.text("/activity_label"), captured.text("/activity_date")),
        ("Stage".into(), "2026-11-02".into())
    );
    // What the family named counts: the merchant may repeat it, however it writes it, not change it.
    let code = scene.ticket(show(100)).await.expect(201).text("/code");
    let body = |label: &str, date: &str| json!({ "ticket": code, "amount_cents": 100, "activity_label": label, "activity_date": date });
    for (label, date) in [("Autre", "2026-10-20"), ("Spectacle", "2026-12-01")] {
        let changed = scene.till.post_keyed(CAPTURES, &key(), body(label, date)).await;
        changed.refused(409, "ticket.other_activity");
    }
    assert_eq!(scene.sums("culture").await, (5_400, 100, 5_300));
    let captured = scene.till.post_keyed(CAPTURES, &key(), body("SPECTACLE", "2026-10-20")).await.expect(201);
    assert_eq!(captured.text("/activity_label"), "Spectacle");
}

#[actix_web::test]
async fn a_ticket_for_one_merchant_is_no_other_ones() {
    let mut scene = Scene::set().await;
    let stranger = scene.world.till(&["culture"]).await;
    let mut body = show(1_000);
    body["merchant_id"] = json!(scene.till.merchant);
    let made = scene.ticket(body).await.expect(201);
    assert!(made.text("/merchant_name").starts_with("Théâtre"));
    let (id, code) = (made.text("/id"), made.text("/code"));
    let refusal =
        without_instance(&capture(&stranger, &unknown("92"), 100).await.refused(404, "ticket.not_recognised"));
    for wrong in [&*code, &*unknown("78"), &*unknown("93"), "x", &code[1..], &*scene.pupil.card_code] {
        let answer = capture(&stranger, wrong, 100).await.refused(404, "ticket.not_recognised");
        assert_eq!(without_instance(&answer), refusal, "{wrong}");
    }
    // A ticket is no card either.
    let answer = scene.till.post_keyed("/v1/debits", &key(), debit(&code, "culture", 100)).await;
    answer.refused(409, "debit.refused");
    // Its merchant sees that it is there, not its code, and takes or leaves it with the code only.
    let hold = format!("/v1/departments/92/holds/{id}");
    let seen = scene.till.get(&hold).await.expect(200);
    assert!(!seen.json.to_string().contains(&code) && seen.text("/kind") == "ticket");
    stranger.get(&hold).await.refused(404, "not_found");
    let whole = json!({ "amount_cents": 1_000 });
    scene.till.post_keyed(&format!("{hold}/capture"), &key(), whole).await.refused(404, "not_found");
    scene.till.post(&format!("{hold}/void"), json!({})).await.refused(404, "not_found");
    for (event, works) in [("suspend", false), ("resume", true)] {
        scene.move_convention("culture", event).await.expect(200);
        let answer = capture(&scene.till, &code, 1_000).await;
        if works {
            answer.expect(201)
        } else {
            answer.refused(409, "merchant.not_affiliated")
        };
    }
    assert_eq!(scene.sums("culture").await, (5_000, 0, 5_000));
}

#[actix_web::test]
async fn the_twentieth_guessed_ticket_within_an_hour_suspends_the_till() {
    let scene = Scene::set().await;
    let code = scene.ticket(show(100)).await.expect(201).text("/code");
    for attempt in 1..=20 {
        let guess = if attempt % 2 == 0 { unknown("92") } else { "T92-1234".to_owned() };
        capture(&scene.till, &guess, 1).await.refused(404, "ticket.not_recognised");
    }
    capture(&scene.till, &code, 1).await.refused(401, "auth.invalid_token");
    assert_eq!(scene.sums("culture").await, (6_000, 100, 5_900));
}

#[actix_web::test]
async fn of_sixteen_captures_at_once_from_two_servers_one_succeeds() {
    let scene = Scene::set().await;
    let sister: Till = scene.world.till_of(&scene.till.merchant).await;
    let second = scene.world.other_process().with_token(&sister.api.token.clone().unwrap());
    let code = scene.ticket(show(1_000)).await.expect(201).text("/code");
    let mut race = tokio::task::JoinSet::new();
    for rank in 0..16 {
        let (api, code) = (if rank % 2 == 0 { scene.till.api.clone() } else { second.clone() }, code.clone());
        race.spawn(async move { capture(&api, &code, 400).await.status });
    }
    let mut statuses = race.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [&[201][..], &[409; 15]].concat());
    assert_eq!(scene.sums("culture").await, (5_600, 0, 5_600));
    assert_eq!(Books::read(&scene.world).prove(), Ok(()));
}

#[actix_web::test]
async fn a_family_finds_the_merchants_that_accept_a_wallet_today() {
    let mut scene = Scene::set().await;
    let only_sport = scene.world.till(&["sport"]).await;
    let open = |query: &str| scene.family.path(&format!("merchants-open?{query}"));
    let ids = async |path: String| -> Vec<String> {
        let found = scene.family.get(&path).await.expect(200);
        found.items().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let (till, merchant) = (scene.till.merchant.clone(), only_sport.merchant.clone());
    assert_eq!(ids(open("wallet_kind=culture")).await, std::slice::from_ref(&till));
    assert_eq!(ids(open("wallet_kind=sport&q=theatre")).await, [till.clone(), merchant.clone()]);
    assert_eq!(ids(open("wallet_kind=sport&q=EATR%C3%89")).await, [till, merchant.clone()], "within the name too");
    assert!(
        ids(open("wallet_kind=sport&q=%25")).await.is_empty()
            && ids(open("wallet_kind=sport&q=piscine")).await.is_empty()
    );
    let first = scene.family.get(&open("wallet_kind=sport&limit=1")).await.expect(200);
    let path = open(&format!("wallet_kind=sport&limit=1&cursor={}", first.text("/next_cursor")));
    assert_eq!(ids(path).await, [merchant]);
    let keys: Vec<String> = first.items()[0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["id", "name"]);
    for query in ["", "wallet_kind=x", "wallet_kind=sport&q="] {
        scene.family.get(&open(query)).await.refused(400, "request.query");
    }
    let path = open("wallet_kind=culture");
    scene.till.get(&path).await.refused(403, "auth.forbidden");
    scene.move_convention("culture", "suspend").await.expect(200);
    assert_eq!(scene.family.get(&path).await.expect(200).json, json!({ "items": [] }));
}

//! Debits at a counter: what moves, what is refused, and what the till learns of it.

use crate::support::{Answer, Scene, days, debit, field_at_fault, forged, key, siret, without_instance};
use chrono::TimeDelta;
use passplus::cards::code::CardCode;
use serde_json::{Value, json};

const OWN: &str = "/v1/departments/92/debits";

#[actix_web::test]
async fn a_debit_moves_the_money_at_once_and_the_family_sees_it() {
    let scene = Scene::set().await;
    let code = &scene.pupil.card_code;
    let answer = scene.till.post_keyed("/v1/debits", &key(), debit(code, "culture", 1_250)).await.expect(201);
    assert_eq!(answer.headers.get("idempotency-replayed"), None);
    let id = answer.text("/id");
    let expected = json!({
        "id": id, "department": "92", "kind": "debit", "at": answer.text("/at"), "amount_cents": 1_250,
        "merchant_cents": 1_250, "key": answer.text("/key"),
        "wallet_kind": "culture", "activity_label": "Spectacle", "activity_date": "2026-10-20",
        "holder": { "first_name": "Lou", "initial": "M" }, "device_id": scene.till.device,
    });
    assert_eq!(answer.json, expected);
    assert_eq!(scene.family.balance(&scene.pupil.child, "culture").await, 4_750);
    assert_eq!(scene.family.balance(&scene.pupil.child, "sport").await, 2_000);
    let path = scene.family.path(&format!("wallets/{}/statement", scene.pupil.culture));
    let statement = scene.family.get(&path).await.expect(200);
    let line = statement.at("/items/0");
    assert_eq!(
        (&line["id"], &line["amount_cents"], &line["balance_after_cents"]),
        (&json!(id), &json!(-1_250), &json!(4_750))
    );
    assert_eq!((&line["activity_label"], &line["activity_date"]), (&json!("Spectacle"), &json!("2026-10-20")));

    // Typed with or without dashes, in any case, or read from the QR code.
    let dashless = format!("{}{}", &code[..3], code[3..].replace('-', ""));
    for card in
        [&code.to_lowercase(), &dashless, &format!(" {} ", code.replacen('0', "O", 1)), &scene.pupil.card_signed]
    {
        scene.till.post_keyed("/v1/debits", &key(), debit(card, "culture", 100)).await.expect(201);
    }
    assert_eq!(scene.family.balance(&scene.pupil.child, "culture").await, 4_350);
    // To the last cent, and not one more.
    scene.debit("sport", 2_000).await.expect(201);
    scene.debit("sport", 1).await.refused(409, "debit.refused");
    scene.debit("culture", 4_351).await.refused(409, "debit.refused");
    scene.debit("culture", 4_350).await.expect(201);
    assert_eq!(scene.family.balance(&scene.pupil.child, "culture").await, 0);

    let journal = format!("/v1/departments/92/journal?object_id={id}");
    let journal = scene.world.administrator.get(&journal).await.expect(200);
    let line = journal.at("/items/0");
    assert_eq!((&line["action"], &line["actor_id"]), (&json!("debited"), &json!(scene.till.device)));
    assert_eq!(journal.json["items"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn a_debit_names_the_field_at_fault_and_keeps_nothing_of_it() {
    let scene = Scene::set().await;
    let good = debit(&scene.pupil.card_code, "culture", 100);
    let one = key();
    for (field, wrong) in [
        ("amount_cents", json!(0)),
        ("amount_cents", json!(-1)),
        ("amount_cents", json!(100_001)),
        ("amount_cents", json!(12.5)),
        ("amount_cents", json!("100")),
        ("amount_cents", json!(null)),
        ("amount_cents", json!(u64::MAX)),
        ("wallet_kind", json!("music")),
        ("wallet_kind", json!("Culture")),
        ("activity_label", json!("")),
        ("activity_label", json!("x".repeat(121))),
        ("activity_label", json!("a\nb")),
        ("activity_date", json!("2025-10-14")),
        ("activity_date", json!("2027-10-16")),
        ("activity_date", json!("20/10/2026")),
        ("activity_date", json!("2026-02-30")),
        ("card", json!("")),
        ("card", json!("x".repeat(513))),
        ("card", json!(null)),
        ("merchant_id", json!(scene.till.merchant)),
        ("child_id", json!(scene.pupil.child)),
    ] {
        let mut body = good.clone();
        body[field] = wrong;
        field_at_fault(scene.till.post_keyed("/v1/debits", &one, body).await, &format!("/{field}"));
    }
    for missing in ["card", "wallet_kind", "amount_cents", "activity_label", "activity_date"] {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(missing);
        field_at_fault(scene.till.post_keyed("/v1/debits", &one, body).await, &format!("/{missing}"));
    }
    scene.till.post("/v1/debits", good.clone()).await.refused(422, "idempotency.missing");
    let (bare, braced) = (one.replace('-', ""), format!("{{{one}}}"));
    let nil = "00000000-0000-0000-0000-000000000000";
    for wrong in ["", "1", "not-a-uuid", "7f0d5b1e-3f5a-4d6a-9f0e-0c6a3c1b2d4", nil, &bare, &braced] {
        scene.till.post_keyed("/v1/debits", wrong, good.clone()).await.refused(422, "idempotency.malformed");
    }
    scene.family.post_keyed("/v1/debits", &one, good.clone()).await.refused(403, "auth.forbidden");
    scene.world.administrator.post_keyed("/v1/debits", &one, good.clone()).await.refused(403, "auth.forbidden");
    scene.world.api.post_keyed("/v1/debits", &one, good.clone()).await.refused(401, "auth.required");
    assert_eq!(scene.family.balance(&scene.pupil.child, "culture").await, 6_000);

    // The key is as new; and a year away is still within reach.
    let mut body = good.clone();
    body["activity_date"] = json!("2027-10-15");
    body["activity_label"] = json!("é".repeat(120));
    scene.till.post_keyed("/v1/debits", &one, body).await.expect(201);
    let mut body = good;
    body["activity_date"] = json!("2025-10-15");
    scene.till.post_keyed("/v1/debits", &key(), body).await.expect(201);
}

#[actix_web::test]
async fn what_is_wrong_with_a_card_or_its_funds_reads_the_same() {
    let mut scene = Scene::set().await;
    let (blocked, replaced, suspended) =
        (scene.sibling("Ana").await, scene.sibling("Eva").await, scene.sibling("Ida").await);
    let path = scene.family.path(&format!("cards/{}/block", blocked.card_id));
    scene.family.post(&path, json!({ "reason": "stolen" })).await.expect(200);
    let path = scene.family.path(&format!("cards/{}/replace", replaced.card_id));
    scene.family.post(&path, json!({})).await.expect(201);
    let suspend = async |scene: &Scene, event: &str| {
        let enrolment = scene.family.path(&format!("enrolments/{}", suspended.enrolment));
        let version = scene.family.get(&enrolment).await.expect(200).number("/enrolment/version");
        let body = json!({ "version": version, "event": event, "note": "À vérifier" });
        scene.world.administrator.post(&format!("{enrolment}/suspension"), body).await.expect(200);
    };
    suspend(&scene, "suspend").await;
    let unknown = CardCode::generate("92".parse().unwrap()).to_string();
    let forged = forged(&scene.pupil.card_signed);

    let refusal = without_instance(&scene.debit("culture", 6_001).await.refused(409, "debit.refused"));
    for card in [
        &unknown,
        &forged,
        &blocked.card_code,
        &blocked.card_signed,
        &replaced.card_code,
        &suspended.card_code,
        "x",
        "92-",
    ] {
        let answer = scene.till.post_keyed("/v1/debits", &key(), debit(card, "culture", 100)).await;
        assert_eq!(without_instance(&answer.refused(409, "debit.refused")), refusal, "{card}");
    }
    for pupil in [&blocked, &replaced, &suspended] {
        assert_eq!(scene.family.balance(&pupil.child, "culture").await, 6_000);
    }
    suspend(&scene, "resume").await;
    scene.till.post_keyed("/v1/debits", &key(), debit(&suspended.card_code, "culture", 100)).await.expect(201);
    // The card's last day is past: the family's child left the collège long ago.
    scene.wait_until("2030-09-01T08:00:00Z").await;
    let mut body = debit(&scene.pupil.card_code, "culture", 100);
    body["activity_date"] = json!("2030-09-01");
    let answer = scene.till.post_keyed("/v1/debits", &key(), body).await.refused(409, "debit.refused");
    assert_eq!(without_instance(&answer), refusal);
}

#[actix_web::test]
async fn a_till_debits_only_the_wallets_of_its_conventions_in_force() {
    let mut scene = Scene::set().await;
    let only_sport = scene.world.till(&["sport"]).await;
    let code = scene.pupil.card_code.clone();
    let body = debit(&code, "culture", 100);
    only_sport.post_keyed("/v1/debits", &key(), body.clone()).await.refused(409, "merchant.not_affiliated");
    only_sport.post_keyed("/v1/debits", &key(), debit(&code, "sport", 100)).await.expect(201);
    // Said of the merchant before anything is said of the card.
    let unknown = CardCode::generate("92".parse().unwrap()).to_string();
    let answer = only_sport.post_keyed("/v1/debits", &key(), debit(&unknown, "culture", 100)).await;
    answer.refused(409, "merchant.not_affiliated");

    for (event, works) in [("suspend", false), ("resume", true), ("close", false)] {
        scene.move_convention("culture", event).await.expect(200);
        let answer = scene.debit("culture", 100).await;
        if works {
            answer.expect(201)
        } else {
            answer.refused(409, "merchant.not_affiliated")
        };
        scene.debit("sport", 10).await.expect(201);
    }
    let asked = json!({ "wallet_kind": "culture", "starts_on": "2026-09-01", "state": "applied" });
    let path = format!("/v1/departments/92/merchants/{}/affiliations", scene.till.merchant);
    scene.world.administrator.post(&path, asked).await.expect(201);
    for event in ["review", "activate"] {
        scene.debit("culture", 100).await.refused(409, "merchant.not_affiliated");
        scene.move_convention("culture", event).await.expect(200);
    }
    scene.debit("culture", 100).await.expect(201);
    assert_eq!(scene.family.balance(&scene.pupil.child, "culture").await, 5_800);
}

#[actix_web::test]
async fn a_convention_holds_from_its_first_day_to_its_last_in_paris() {
    let mut scene = Scene::set().await;
    let body = json!({ "siret": siret(700), "name": "Piscine" });
    let merchant = scene.world.administrator.post("/v1/departments/92/merchants", body).await.expect(201).text("/id");
    let body = json!({ "wallet_kind": "sport", "starts_on": "2026-10-20", "ends_on": "2026-10-21" });
    let path = format!("/v1/departments/92/merchants/{merchant}/affiliations");
    scene.world.administrator.post(&path, body).await.expect(201);
    scene.till = scene.world.till_of(&merchant).await;
    scene.debit("sport", 100).await.refused(409, "merchant.not_affiliated");
    // Midnight in Paris is 22:00 UTC in October.
    scene.wait_until("2026-10-19T21:59:30Z").await;
    scene.debit("sport", 100).await.refused(409, "merchant.not_affiliated");
    scene.wait(TimeDelta::seconds(31)).await;
    scene.debit("sport", 100).await.expect(201);
    scene.wait_until("2026-10-21T21:59:30Z").await;
    scene.debit("sport", 100).await.expect(201);
    scene.wait(TimeDelta::seconds(31)).await;
    scene.debit("sport", 100).await.refused(409, "merchant.not_affiliated");
    assert_eq!(scene.family.balance(&scene.pupil.child, "sport").await, 1_800);
}

async fn summer_debit(scene: &Scene, wallet: &str, cents: i64) -> Answer {
    let mut body = debit(&scene.pupil.card_code, wallet, cents);
    body["activity_date"] = json!("2027-06-30");
    scene.till.post_keyed("/v1/debits", &key(), body).await
}

#[actix_web::test]
async fn nothing_is_spent_after_the_seasons_last_day() {
    let mut scene = Scene::set().await;
    let wallets = scene.family.path(&format!("children/{}/wallets", scene.pupil.child));
    let shown = scene.family.get(&wallets).await.expect(200);
    assert_eq!(shown.text("/items/0/spend_before"), "2027-06-30T22:00:00Z", "the end of 30 June in Paris");
    // The last seconds of 30 June.
    scene.wait_until("2027-06-30T21:59:40Z").await;
    let last = summer_debit(&scene, "culture", 100).await.expect(201);
    assert!(last.text("/at").starts_with("2027-06-30T21:59:"));
    scene.wait_until("2027-06-30T22:00:01Z").await;
    summer_debit(&scene, "culture", 100).await.refused(409, "debit.refused");
    let shown = scene.family.get(&wallets).await.expect(200);
    let balances = (shown.number("/items/0/balance_cents"), shown.number("/items/0/available_cents"));
    assert_eq!(balances, (5_900, 0));
    // What was debited in time is still given back.
    scene.refund(&last.text("/id"), 100).await.expect(201);
}

#[actix_web::test]
async fn of_two_open_seasons_the_one_that_ends_first_is_spent_first() {
    let mut scene = Scene::set().await;
    scene.wait_until("2027-06-10T08:00:00Z").await;
    let api = scene.administrator().await;
    let next = "2027-2028";
    api.post("/v1/departments/92/seasons", json!({ "season": next })).await.expect(201);
    api.post(&format!("/v1/departments/92/seasons/{next}/publish"), json!({})).await.expect(200);
    let body = json!({
        "season": next, "college_uai": crate::support::COLLEGE, "level": "5e", "formula": "sport", "declares_scholarship": false,
    });
    let child = scene.pupil.child.clone();
    let drafted =
        scene.family.post(&scene.family.path(&format!("children/{child}/enrolments")), body).await.expect(201);
    let submit = scene.family.path(&format!("enrolments/{}/submit", drafted.text("/id")));
    let submitted = scene.family.post(&submit, json!({ "version": drafted.number("/version") })).await.expect(200);
    scene.secretary.api = scene.world.sign_in_staff(&scene.secretary.email, &scene.secretary.totp_secret).await;
    scene.secretary.confirm(&drafted.text("/id"), submitted.number("/version")).await;

    // Culture: 60 € until 30 June, 20 € for the next season.
    let culture = async |scene: &Scene| {
        let wallets = scene.family.get(&scene.family.path(&format!("children/{child}/wallets"))).await.expect(200);
        let all = wallets.json["items"].as_array().unwrap().clone();
        let of = |season: &str| -> i64 {
            let mut rows = all.iter().filter(|row| row["season"] == season && row["kind"] == "culture");
            rows.next().unwrap()["balance_cents"].as_i64().unwrap()
        };
        (of("2026-2027"), of(next))
    };
    assert_eq!(culture(&scene).await, (6_000, 2_000));
    summer_debit(&scene, "culture", 5_000).await.expect(201);
    assert_eq!(culture(&scene).await, (1_000, 2_000));
    // Two wallets never add up on one activity: the next one pays all of what the first cannot.
    summer_debit(&scene, "culture", 1_500).await.expect(201);
    assert_eq!(culture(&scene).await, (1_000, 500));
    summer_debit(&scene, "culture", 1_001).await.refused(409, "debit.refused");
    summer_debit(&scene, "culture", 600).await.expect(201);
    assert_eq!(culture(&scene).await, (400, 500));
    scene.wait_until("2027-06-30T22:00:01Z").await;
    summer_debit(&scene, "culture", 400).await.expect(201);
    assert_eq!(culture(&scene).await, (400, 100));
    summer_debit(&scene, "culture", 400).await.refused(409, "debit.refused");
}

#[actix_web::test]
async fn a_merchant_reads_its_own_operations_and_nothing_of_the_family() {
    let mut scene = Scene::set().await;
    let stranger = scene.world.till(&["culture"]).await;
    let sister = scene.world.till_of(&scene.till.merchant).await;
    let one = key();
    let body = debit(&scene.pupil.card_code, "culture", 500);
    let first = scene.till.post_keyed("/v1/debits", &one, body.clone()).await.expect(201);
    let second = sister.post_keyed("/v1/debits", &key(), body.clone()).await.expect(201);
    stranger.post_keyed("/v1/debits", &key(), body).await.expect(201);
    let refund = scene.refund(&first.text("/id"), 200).await.expect(201);

    let read = |answer: &Answer, refunded: Value| -> Value {
        let mut view = answer.json.clone();
        view["refunded_cents"] = refunded;
        view
    };
    let all = json!([refund.json, read(&second, json!(0)), read(&first, json!(200))]);
    for till in [&scene.till, &sister] {
        assert_eq!(till.get(OWN).await.expect(200).json, json!({ "items": all }), "newest first, of every till");
        let shown = till.get(&format!("{OWN}/{}", first.text("/id"))).await.expect(200);
        assert_eq!(shown.json, all[2]);
    }
    let page = scene.till.get(&format!("{OWN}?limit=2")).await.expect(200);
    let rest = scene.till.get(&format!("{OWN}?limit=2&cursor={}", page.text("/next_cursor"))).await.expect(200);
    assert_eq!((&page.json["items"], &rest.json), (&json!([all[0], all[1]]), &json!({ "items": [all[2]] })));
    for query in ["limit=0", "limit=101", "cursor=é", "device=x"] {
        scene.till.get(&format!("{OWN}?{query}")).await.refused(400, "request.query");
    }
    let named = scene.till.get(&format!("{OWN}?device=x")).await;
    assert_eq!(named.text("/detail"), "Le paramètre « device » n'est pas connu ici.");
    // A key is its own till's.
    let by_key = |key: &str| format!("/v1/debits/by-key/{key}");
    assert_eq!(scene.till.get(&by_key(&one)).await.expect(200).json["operations"], json!([all[2]]));
    for (till, path) in [
        (&sister, by_key(&one)),
        (&scene.till, by_key(&key())),
        (&stranger, by_key(&one)),
        (&stranger, format!("{OWN}/{}", first.text("/id"))),
        (&scene.till, format!("{OWN}/{}", key())),
        (&scene.till, OWN.replace("92", "78") + "/" + &first.text("/id")),
    ] {
        till.get(&path).await.refused(404, "not_found");
    }
    assert_eq!(stranger.get(OWN).await.expect(200).json["items"].as_array().unwrap().len(), 1);
    assert_eq!(scene.till.get(&OWN.replace("92", "78")).await.expect(200).json, json!({ "items": [] }));
    scene.till.get(&OWN.replace("92", "93")).await.refused(404, "not_found");

    // Nothing of who the child is beyond the card's face, nor of what is left.
    let shown = scene.till.get(OWN).await.expect(200).json.to_string();
    let pupil = &scene.pupil;
    for secret in [
        &pupil.child,
        &pupil.culture,
        &pupil.enrolment,
        &pupil.card_id,
        &pupil.card_code,
        &scene.family.id,
        "Martin",
        "2015",
        "balance",
        crate::support::COLLEGE,
    ] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    // A merchant whose convention is over still reads what it did.
    scene.move_convention("culture", "close").await.expect(200);
    scene.move_convention("sport", "close").await.expect(200);
    scene.wait(days(1)).await;
    assert_eq!(scene.till.get(OWN).await.expect(200).json["items"], all);
    scene.family.get(OWN).await.refused(403, "auth.forbidden");
    scene.world.api.get(OWN).await.refused(401, "auth.required");
}

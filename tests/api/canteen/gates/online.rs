//! One card at a time, with network.

use super::{Canteen, TODAY, at, device, enrol, no, operator, yes};
use crate::support::{COLLEGE, OTHER_COLLEGE, SEASON, call, days};
use passplus::cards::code::CardCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

#[actix_web::test]
async fn a_gate_learns_at_once_who_eats_and_the_meal_is_counted_once() {
    let canteen = Canteen::open().await;
    let lou = canteen.diner("Zoé Anne").await;
    let clerk = canteen.world.agent("92", "case_worker").await;
    crate::photos::send(&canteen.family, &lou.child, "image/jpeg", crate::photos::jpeg(700, 900)).await.expect(204);
    crate::photo_reviews::accept(&clerk, &lou.child).await;
    canteen.plan(&lou.child, true, "Panier-repas fourni.").await;
    let body = canteen.shown(&canteen.gate, &lou.card_code);
    let first = canteen.gate.post(&at("passages"), body.clone()).await.expect(200);
    let mut told = first.json.clone();
    let photo = told["diner"].as_object_mut().unwrap().remove("photo_jpeg_base64").unwrap();
    let picture = data_encoding::BASE64.decode(photo.as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(image::load_from_memory(&picture).unwrap().width(), 280, "the gate's own size");
    let expected = json!({
        "sequence": 1, "eats": true, "reason": "reserved", "detail": "Repas réservé : bon appétit.",
        "diner": { "id": lou.child, "first_name": "Zoé", "initial": "M", "diet": "no_pork", "own_meal": true, "care": true },
    });
    assert_eq!(told, expected, "a face and a plate, nothing else");
    assert_eq!(canteen.meals(&lou.child), [format!("{TODAY} consumed")]);

    // The same again is the same answer, and another thing under its number is refused.
    assert_eq!(canteen.gate.post(&at("passages"), body.clone()).await.expect(200).json, first.json);
    let mut other = body.clone();
    other["card"] = canteen.pupil.card_code.clone().into();
    canteen.gate.post(&at("passages"), other).await.refused(409, "passage.number_used");
    // A second passage is told, by the printed code as by the number, at another gate as at this one.
    assert_eq!(canteen.told(&lou.card_signed).await, no("already_passed"));
    let second = device(&canteen.world, &canteen.operator, Some(COLLEGE)).await;
    let again = canteen.show(&second, &lou.card_code).await.expect(200);
    assert_eq!((again.at("/eats"), again.text("/reason")), (&json!(false), "already_passed".into()));
    assert_eq!(canteen.meals(&lou.child), [format!("{TODAY} consumed")]);

    // The views are in the journal, and what was seen lies once.
    let journal = canteen.world.administrator.get("/v1/departments/92/journal?limit=100").await.expect(200);
    let seen = journal.items().iter().filter(|line| line["action"] == "canteen_diner_shown").count();
    assert_eq!(seen, 4, "{}", journal.json);
    let kept = call(&mut canteen.world.superuser("92"), "(select count(*) from canteen_passages)").unwrap();
    assert_eq!(kept, json!(3));
}

#[actix_web::test]
async fn each_reason_is_told_as_it_is() {
    let canteen = Canteen::open().await;
    let world = &canteen.world;
    // The pupil of the scene has a card and no place at the canteen: he may eat all the same.
    assert_eq!(canteen.told(&canteen.pupil.card_code).await, yes("not_enrolled"));
    assert_eq!(canteen.meals(&canteen.pupil.child), [format!("{TODAY} walk_in")]);
    for (name, state, expected) in [
        ("Ana", "cancelled", yes("cancelled")),
        ("Boris", "closed", no("closed")),
        ("Carla", "excused", yes("reserved")),
    ] {
        let pupil = canteen.diner(name).await;
        canteen.set_meal(&pupil.child, TODAY, state);
        assert_eq!(canteen.told(&pupil.card_code).await, expected, "{name}");
    }
    // The rule of the collège, from today on.
    let rule = at(&format!("gate-rules/{COLLEGE}"));
    world.administrator.put(&rule, json!({ "starts_on": TODAY, "walk_ins": false })).await.expect(200);
    let strict = canteen.sibling("Dora").await;
    assert_eq!(canteen.told(&strict.card_code).await, no("not_enrolled"));
    assert!(canteen.meals(&strict.child).is_empty());

    let nobody = CardCode::generate("92".parse().unwrap()).to_string();
    let elsewhere = CardCode::generate("78".parse().unwrap()).to_string();
    for text in [nobody.as_str(), &elsewhere, "PP1.AAAA", "bonjour", "", &"x".repeat(5_000)] {
        assert_eq!(canteen.told(text).await, no("unknown_card"), "{text}");
    }
    assert_eq!(canteen.told("7K2M-0XQ4").await, no("unknown_code"));

    let away = canteen.diner_elsewhere("Emil").await;
    let answer = canteen.show(&canteen.gate, &away.card_code).await.expect(200);
    assert_eq!((answer.text("/reason"), answer.json.get("diner")), ("other_college".into(), None));
    assert_eq!(canteen.meals(&away.child), [format!("{TODAY} reserved")]);

    // A closure closes for those who have no meal; a meal that waits is eaten.
    let fay = canteen.diner("Fay").await;
    // One of all collèges takes the meals with the next round only.
    let closure = json!({ "from": TODAY, "until": TODAY, "kind": "strike", "label": "Grève" });
    world.administrator.put(&rule, json!({ "starts_on": TODAY, "walk_ins": true })).await.expect(200);
    world.administrator.post(&at("closures"), closure).await.expect(201);
    assert_eq!(canteen.told(&strict.card_code).await, no("closed"));
    assert_eq!(canteen.told(&fay.card_code).await, yes("reserved"));
}

/// A collège is in the canteen's scope before its year is written.
#[actix_web::test]
async fn without_a_calendar_a_child_eats_all_the_same() {
    let scene = crate::support::Scene::set().await;
    let admin = &scene.world.administrator;
    admin.post(&at("services"), json!({ "starts_on": "2026-09-01" })).await.expect(201);
    admin.post(&at("colleges"), json!({ "uais": [COLLEGE], "starts_on": "2026-09-01" })).await.expect(201);
    let operator = operator(&scene.world, "Cuisines du Val de Seine", &[COLLEGE]).await;
    let gate = device(&scene.world, &operator, Some(COLLEGE)).await;
    let kitchen = device(&scene.world, &operator, None).await;
    let mut canteen = Canteen { scene, operator, gate, kitchen };
    assert_eq!(canteen.told(&canteen.pupil.card_code).await, yes("not_enrolled"));
    canteen.wait(days(2)).await;
    assert_eq!(canteen.told(&canteen.pupil.card_code).await, no("closed"), "but on a Saturday");
}

/// Whatever is owed, and however long.
#[actix_web::test]
async fn a_child_whose_family_owes_for_the_canteen_eats() {
    let canteen = Canteen::open().await;
    let lou = canteen.diner("Lina").await;
    let billed = crate::coverage::full_family::billed(&canteen.family.id, &lou.child);
    canteen.sql(billed.split("insert into canteen_payments").next().unwrap());
    let owed = canteen.world.agent("92", "finance").await.get(&at("arrears")).await.expect(200);
    assert_eq!(owed.items().len(), 1, "{}", owed.json);
    assert_eq!(canteen.told(&lou.card_code).await, yes("reserved"));
    assert_eq!(canteen.told(&canteen.pupil.card_code).await, yes("not_enrolled"));
}

#[actix_web::test]
async fn a_card_on_a_telephone_serves_in_its_half_minute() {
    let mut canteen = Canteen::open().await;
    let lou = canteen.diner("Lina").await;
    let path = canteen.family.path(&format!("cards/{}/live-codes", lou.card_id));
    let texts = canteen.family.get(&path).await.expect(200);
    let body = canteen.shown(&canteen.gate, &texts.text("/items/19/text"));
    let stale = canteen.gate.post(&at("passages"), body).await.expect(200);
    assert_eq!((stale.text("/reason"), stale.json.get("diner")), ("stale_code".into(), None), "no face for a copy");
    let body = canteen.shown(&canteen.gate, &texts.text("/items/0/text"));
    let eats = canteen.gate.post(&at("passages"), body.clone()).await.expect(200);
    assert_eq!(eats.at("/eats"), &json!(true));
    // Asked again when its moment is over, the answer is the same.
    canteen.wait(chrono::TimeDelta::minutes(20)).await;
    assert_eq!(canteen.gate.post(&at("passages"), body).await.expect(200).json, eats.json);
}

#[actix_web::test]
async fn a_child_whose_card_is_lost_eats_with_a_code_of_the_day() {
    let mut canteen = Canteen::open().await;
    let lou = canteen.diner("Lina").await;
    let path = canteen.family.path(&format!("cards/{}/block", lou.card_id));
    canteen.family.post(&path, json!({ "reason": "lost" })).await.expect(200);
    assert_eq!(canteen.told(&lou.card_code).await, no("card_not_in_use"));
    assert_eq!(canteen.meals(&lou.child), [format!("{TODAY} reserved")]);

    let codes = at(&format!("children/{}/day-codes", lou.child));
    let given = canteen.family.post(&codes, json!({})).await.expect(201);
    assert_eq!((given.text("/college_uai"), given.text("/day")), (COLLEGE.into(), TODAY.into()));
    let code = given.text("/code");
    assert_eq!(code.len(), 9);
    let secretary = canteen.secretary.post(&codes, json!({})).await.expect(201).text("/code");
    let clerk = canteen.world.agent("92", "case_worker").await;
    clerk.post(&codes, json!({})).await.expect(201);
    // Kept as a hash only.
    let rows =
        call(&mut canteen.world.superuser("92"), "(select jsonb_agg(c)::text from canteen_day_codes c)").unwrap();
    assert!(!rows.to_string().contains(&code.replace('-', "")));

    // Another collège's gate does not know it.
    let other = operator(&canteen.world, "Cuisines du Mont", &[OTHER_COLLEGE]).await;
    let other = device(&canteen.world, &other, Some(OTHER_COLLEGE)).await;
    assert_eq!(canteen.show(&other, &code).await.expect(200).text("/reason"), "unknown_code");
    assert_eq!(canteen.told(&code.to_lowercase()).await, yes("reserved"));
    assert_eq!(canteen.told(&secretary).await, no("already_passed"), "two codes are one meal");
    assert_eq!(canteen.meals(&lou.child), [format!("{TODAY} consumed")]);

    // Who may not: others' children are not there, the wrong callers are refused.
    let stranger = canteen.world.family("92").await;
    stranger.post(&codes, json!({})).await.refused(404, "not_found");
    let neighbour = canteen.world.secretary(OTHER_COLLEGE).await;
    neighbour.post(&codes, json!({})).await.refused(404, "not_found");
    let finance = canteen.world.agent("92", "finance").await;
    for (caller, status, code) in [
        (&canteen.world.api, 401, "auth.required"),
        (&canteen.gate.api, 403, "auth.forbidden"),
        (&canteen.kitchen.api, 403, "auth.forbidden"),
        (&canteen.scene.till.api, 403, "auth.forbidden"),
        (&finance.api, 403, "auth.forbidden"),
        (&canteen.world.administrator_78.api, 404, "not_found"),
    ] {
        caller.post(&codes, json!({})).await.refused(status, code);
    }
    let unplaced = canteen.family.add_child("Sans collège", "2015-05-05").await;
    let none = at(&format!("children/{unplaced}/day-codes"));
    canteen.family.post(&none, json!({})).await.refused(409, "canteen.none_today");
    for _ in 0..2 {
        canteen.family.post(&codes, json!({})).await.expect(201);
    }
    canteen.family.post(&codes, json!({})).await.refused(409, "day_code.too_many");
    // The collège's desk has some left.
    for _ in 0..5 {
        canteen.secretary.post(&codes, json!({})).await.expect(201);
    }
    canteen.secretary.post(&codes, json!({})).await.refused(409, "day_code.too_many");

    // It is of one day, and goes when no passage can bring it any more.
    canteen.wait(days(1)).await;
    assert_eq!(canteen.told(&code).await, no("unknown_code"));
    canteen.wait(days(30)).await;
    assert_eq!(canteen.world.repeat(passplus::canteen::day_codes::forget).await, 0);
    canteen.wait(days(1)).await;
    assert_eq!(canteen.world.repeat(passplus::canteen::day_codes::forget).await, 10);
}

#[actix_web::test]
async fn codes_asked_for_at_once_are_no_more_than_a_day_has() {
    let canteen = Canteen::open().await;
    let lou = canteen.diner("Lina").await;
    let codes = at(&format!("children/{}/day-codes", lou.child));
    let ask = async || canteen.family.post(&codes, json!({})).await.status;
    let mut given = 0;
    for _ in 0..3 {
        let (one, two, three, four) = tokio::join!(ask(), ask(), ask(), ask());
        given += [one, two, three, four].iter().filter(|status| **status == 201).count();
    }
    assert_eq!(given, 5);
}

#[actix_web::test]
async fn a_child_of_two_school_years_eats_where_it_is_this_year() {
    let canteen = Canteen::open().await;
    let walk_in = canteen.sibling("Dora").await;
    // Next year's place is confirmed already, elsewhere.
    canteen.sql(&format!(
        "insert into enrolments select (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid(), 'season', '2027-2028',
             'college_uai', '{OTHER_COLLEGE}'))).* from enrolments e where child_id = '{}'",
        walk_in.child
    ));
    let codes = at(&format!("children/{}/day-codes", walk_in.child));
    assert_eq!(canteen.family.post(&codes, json!({})).await.expect(201).text("/college_uai"), COLLEGE);
    assert_eq!(canteen.told(&walk_in.card_code).await, yes("not_enrolled"));
}

#[actix_web::test]
async fn who_is_enrolled_from_a_later_day_eats_what_his_family_asked_for() {
    let canteen = Canteen::open().await;
    let dora = canteen.sibling("Dora").await;
    let wish = json!({
        "child_id": dora.child, "season": SEASON, "weekdays": ["monday"], "diet": "no_meat", "starts_on": "2026-11-02",
    });
    enrol(&canteen.family, &wish).await;
    let answer = canteen.show(&canteen.gate, &dora.card_code).await.expect(200);
    assert_eq!((answer.text("/reason"), answer.text("/diner/diet")), ("not_enrolled".into(), "no_meat".into()));
    // So does the list, in which he is since.
    let file = canteen.gate.get(&at("gate-list?portraits=false")).await.expect(200);
    let list = String::from_utf8_lossy(&canteen.gate.age.open(&file.bytes).unwrap()).into_owned();
    assert!(list.contains(r#""diet":"no_meat""#), "{list}");
    // Without any, as ever.
    let answer = canteen.show(&canteen.gate, &canteen.pupil.card_code).await.expect(200);
    assert_eq!(answer.text("/diner/diet"), "everything");
}

#[actix_web::test]
async fn guessed_codes_are_counted_and_cards_never() {
    let canteen = Canteen::open().await;
    let lou = canteen.diner("Lina").await;
    let forgetful = canteen.diner("Ana").await;
    let codes = at(&format!("children/{}/day-codes", forgetful.child));
    let code = canteen.family.post(&codes, json!({})).await.expect(201).text("/code");
    for _ in 0..30 {
        assert_eq!(canteen.told("7K2M-0XQ4").await, no("unknown_code"));
    }
    // A right one ends the row, and shown again it is no guess either.
    assert_eq!(canteen.told(&code).await, yes("reserved"));
    for _ in 0..40 {
        assert_eq!(canteen.told(&code).await, no("already_passed"));
    }
    for _ in 0..60 {
        assert_eq!(canteen.told("7K2M-0XQ4").await, no("unknown_code"));
    }
    let refused = canteen.show(&canteen.gate, "7K2M-0XQ5").await.refused(429, "auth.too_many_attempts");
    assert!(refused.headers.contains_key("retry-after"));
    for _ in 0..25 {
        assert_eq!(canteen.told("bonjour").await, no("unknown_card"), "a gate is never suspended");
    }
    assert_eq!(canteen.told(&lou.card_code).await, yes("reserved"));
}

#[actix_web::test]
async fn of_two_gates_at_once_one_lets_in() {
    let canteen = Canteen::open().await;
    let mut gates = vec![];
    for _ in 0..3 {
        gates.push(device(&canteen.world, &canteen.operator, Some(COLLEGE)).await);
    }
    for round in 0..4 {
        // With a meal that waits, and with none at all.
        let pupil = if round % 2 == 0 { canteen.diner("Lina").await } else { canteen.sibling("Mona").await };
        canteen.sql(&format!("update children set first_names = 'Zoé {round}' where id = '{}'", pupil.child));
        let bodies: Vec<_> = gates.iter().map(|gate| canteen.shown(gate, &pupil.card_code)).collect();
        let mut running = JoinSet::new();
        for (place, (gate, body)) in gates.iter().zip(&bodies).enumerate() {
            for _ in 0..2 {
                let (api, body) = (gate.api.clone(), body.clone());
                running.spawn(async move { (place, api.post(&at("passages"), body).await) });
            }
        }
        let mut told: Vec<(usize, bool)> = running
            .join_all()
            .await
            .into_iter()
            .map(|(place, answer)| (place, answer.expect(200).at("/eats") == &json!(true)))
            .collect();
        told.sort_unstable();
        let told: Vec<bool> = told.into_iter().map(|(_, eats)| eats).collect();
        assert!(told.chunks(2).all(|twins| twins[0] == twins[1]), "twins are answered alike: {told:?}");
        assert_eq!(told.iter().filter(|eats| **eats).count(), 2, "one gate of three, asked twice: {told:?}");
        assert_eq!(canteen.meals(&pupil.child).len(), 1);
    }
}

#[actix_web::test]
async fn what_a_gate_may_not_ask_is_refused() {
    let canteen = Canteen::open().await;
    let path = at("passages");
    let good = canteen.shown(&canteen.gate, &canteen.pupil.card_code);
    for (changes, pointer) in [
        (json!({ "sequence": 0 }), "/sequence"),
        (json!({ "sequence": "x" }), "/sequence"),
        (json!({ "scanned_at": "2026-10-15T07:40:00Z" }), "/scanned_at"),
        (json!({ "scanned_at": "2026-10-15T08:30:00Z" }), "/scanned_at"),
        (json!({ "scanned_at": "+262142-12-31T23:30:00Z" }), "/scanned_at"),
        (json!({ "sequence": 1_000_000_001 }), "/sequence"),
        (json!({ "debt": 1 }), "/debt"),
    ] {
        let mut body = good.clone();
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        let refused = canteen.gate.post(&path, body).await.refused(422, "request.invalid");
        assert_eq!(refused.pointers(), [pointer]);
    }
    let clerk = canteen.world.agent("92", "case_worker").await;
    for (caller, status, code) in [
        (&canteen.world.api, 401, "auth.required"),
        (&canteen.kitchen.api, 403, "auth.forbidden"),
        (&canteen.scene.till.api, 403, "auth.forbidden"),
        (&canteen.family.api, 403, "auth.forbidden"),
        (&canteen.secretary.api, 403, "auth.forbidden"),
        (&clerk.api, 403, "auth.forbidden"),
    ] {
        caller.post(&path, good.clone()).await.refused(status, code);
    }
    // A gate is of one department.
    canteen.gate.post("/v1/departments/78/canteen/passages", good.clone()).await.refused(404, "not_found");
    // And does nothing else: not even what tills do.
    for path in ["/v1/card-look-ups", "/v1/debits"] {
        let body: Value = json!({ "card": canteen.pupil.card_code });
        canteen.gate.post_keyed(path, &crate::support::key(), body).await.refused(403, "auth.forbidden");
    }
}

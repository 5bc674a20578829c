//! Without network: the list of the day, and passages that come later.

use super::{Canteen, Device, TODAY, at, device, operator};
use crate::support::{Answer, COLLEGE, OTHER_COLLEGE, call, days};
use data_encoding::HEXLOWER;
use diesel::connection::SimpleConnection;
use passplus::{
    canteen::passages,
    cards::{
        code::CardCode,
        token::{self, TokenError, day},
    },
};
use serde_json::{Value, json};

/// What the example in another language finds of a card in a list.
fn found_by_the_example(list: &[u8], keys: &str, card: &str) -> Option<Value> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("keys.json"), keys).unwrap();
    std::fs::write(folder.path().join("list"), list).unwrap();
    let mut node = std::process::Command::new("node");
    node.current_dir(env!("CARGO_MANIFEST_DIR")).arg("examples/read_gate_list.mjs");
    node.arg(folder.path().join("keys.json")).args([card, "2026-10-15T10:00:00Z"]);
    match node.stdin(std::fs::File::open(folder.path().join("list")).unwrap()).output() {
        Ok(output) if output.status.success() => Some(serde_json::from_slice(&output.stdout).unwrap_or_default()),
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => {
            eprintln!("node is not installed: the example was not run");
            None
        }
    }
}

async fn list(canteen: &Canteen, gate: &Device, query: &str) -> (day::GateDay, Value) {
    let file = gate.get(&at(&format!("gate-list{query}"))).await.expect(200);
    assert_eq!(file.headers["content-type"], "application/octet-stream");
    let bytes = gate.age.open(&file.bytes).expect("the gate opens its list");
    let published = canteen.world.api.get("/.well-known/card-keys.json").await.expect(200).json.to_string();
    let keys = token::published_keys(&published).unwrap();
    let list = day::verify(&bytes, &keys).unwrap();
    let mut changed = bytes.clone();
    changed[40] ^= 1;
    assert_eq!(day::verify(&changed, &keys), Err(TokenError::BadSignature));
    assert!(canteen.kitchen.age.open(&file.bytes).is_none(), "nobody else opens it");
    let json: Value = serde_json::from_slice(&list.json).unwrap();
    if json["day"] == TODAY {
        let named = json["diners"].as_array().unwrap().iter().find(|diner| diner["first_name"] == "Zoé");
        let path = canteen.family.path(&format!("children/{}/card", named.unwrap()["id"].as_str().unwrap()));
        let card = canteen.family.get(&path).await.expect(200);
        for text in [card.text("/code"), card.text("/signed")] {
            let found = found_by_the_example(&bytes, &published, &text);
            assert!(found.is_none() || found.as_ref() == named, "{text}: {found:?}");
        }
    }
    (list, json)
}

#[actix_web::test]
async fn a_gate_takes_along_a_signed_list_that_it_alone_opens() {
    let mut canteen = Canteen::open().await;
    let lou = canteen.diner("Zoé Anne").await;
    let absent = canteen.diner_on("Ana", &["monday"]).await;
    canteen.diner_elsewhere("Boris").await;
    let clerk = canteen.world.agent("92", "case_worker").await;
    crate::photos::send(&canteen.family, &lou.child, "image/jpeg", crate::photos::jpeg(700, 900)).await.expect(204);
    crate::photo_reviews::accept(&clerk, &lou.child).await;

    let (signed, full) = list(&canteen, &canteen.gate, "").await;
    assert_eq!(signed.until().to_rfc3339(), "2026-10-15T22:00:00+00:00", "it is of today");
    assert_eq!((&full["day"], &full["college_uai"], &full["walk_ins"]), (&json!(TODAY), &json!(COLLEGE), &json!(true)));
    assert_eq!(full["diners"].as_array().unwrap().len(), 2);
    assert!(full.to_string().contains("photo_jpeg_base64"));
    let (_, light) = list(&canteen, &canteen.gate, "?portraits=false").await;
    let of =
        |child: &str| light["diners"].as_array().unwrap().iter().find(|diner| diner["id"] == child).unwrap().clone();
    let code: CardCode = lou.card_code.parse().unwrap();
    assert_eq!(
        of(&lou.child),
        json!({
            "id": lou.child, "mark": HEXLOWER.encode(&token::mark(&code)), "first_name": "Zoé", "initial": "M", "eats": true,
            "reason": "reserved", "detail": "Repas réservé : bon appétit.", "diet": "no_pork", "own_meal": false, "care": false,
        })
    );
    assert_eq!((&of(&absent.child)["eats"], &of(&absent.child)["reason"]), (&json!(true), &json!("not_enrolled")));
    // A card that is lost is named by nothing.
    let path = canteen.family.path(&format!("cards/{}/block", absent.card_id));
    canteen.family.post(&path, json!({ "reason": "lost" })).await.expect(200);
    let (_, light) = list(&canteen, &canteen.gate, "?portraits=false").await;
    assert_eq!(light.to_string().matches("\"mark\"").count(), 1);

    let journal = canteen.world.administrator.get("/v1/departments/92/journal?limit=100").await.expect(200);
    assert_eq!(journal.items().iter().filter(|line| line["action"] == "canteen_list_given").count(), 3);
    // Whose face was given, to which gate.
    let faces: Vec<&Value> = journal.items().iter().filter(|line| line["action"] == "canteen_diner_listed").collect();
    assert_eq!(faces.len(), 1, "one portrait in one list");
    assert_eq!((&faces[0]["object_id"], &faces[0]["details"]["gate"]), (&json!(lou.child), &json!(canteen.gate.id)));
    for (caller, status, code) in [
        (&canteen.world.api, 401, "auth.required"),
        (&canteen.kitchen.api, 403, "auth.forbidden"),
        (&canteen.scene.till.api, 403, "auth.forbidden"),
        (&canteen.family.api, 403, "auth.forbidden"),
        (&canteen.secretary.api, 403, "auth.forbidden"),
        (&clerk.api, 403, "auth.forbidden"),
    ] {
        caller.get(&at("gate-list")).await.refused(status, code);
    }
    canteen.gate.get(&at("gate-list?portraits=perhaps")).await.refused(400, "request.query");
    canteen.wait(days(300)).await;
    let (_, later) = list(&canteen, &canteen.gate, "").await;
    assert_eq!((later["diners"].as_array().unwrap().len(), &later["walk_ins"]), (0, &json!(false)), "its site is over");
}

fn passage(sequence: i64, at: &str, diner: &str) -> Value {
    json!({ "sequence": sequence, "scanned_at": at, "diner_id": diner, "let_in": true })
}

pub async fn send(gate: &Device, passages: &[Value]) -> Answer {
    gate.post(&at("passages/batches"), json!({ "passages": passages })).await
}

fn told(answer: &Answer) -> Vec<(i64, &str, &str)> {
    fn text<'a>(line: &'a Value, name: &str) -> &'a str {
        line[name].as_str().unwrap()
    }
    let lines = answer.items().iter();
    lines.map(|line| (line["sequence"].as_i64().unwrap(), text(line, "outcome"), text(line, "reason"))).collect()
}

#[actix_web::test]
async fn passages_come_later_in_any_order_and_count_once() {
    let canteen = Canteen::open().await;
    let (lou, boris) = (canteen.diner("Zoé").await, canteen.sibling("Boris").await);
    let ana = canteen.diner_on("Ana", &["monday"]).await;
    canteen.set_meal(&ana.child, "2026-10-12", "cancelled");
    canteen.set_meal(&ana.child, "2026-10-13", "no_show");
    let sent = [
        passage(7, "2026-10-13T10:00:00Z", &ana.child),
        passage(3, "2026-10-12T10:00:00Z", &ana.child),
        passage(4, "2026-10-15T07:00:00Z", &lou.child),
        passage(5, "2026-10-15T07:01:00Z", &lou.child),
        json!({ "sequence": 8, "scanned_at": "2026-10-15T07:02:00Z", "card": boris.card_signed, "let_in": true }),
        json!({ "sequence": 9, "scanned_at": "2026-10-15T07:03:00Z", "card": boris.card_code, "let_in": false }),
        json!({ "sequence": 10, "scanned_at": "2026-10-15T07:04:00Z", "card": "bonjour", "let_in": true }),
        // Of another collège's diner, or of nobody: the list did not name him.
        passage(11, "2026-10-15T07:05:00Z", &boris.enrolment),
        passage(12, "2026-09-01T10:00:00Z", &lou.child),
        passage(13, "2027-10-15T10:00:00Z", &lou.child),
    ];
    let first = send(&canteen.gate, &sent).await.expect(200);
    assert_eq!(
        told(&first),
        [
            (7, "counted", "reserved"),
            (3, "counted", "cancelled"),
            (4, "counted", "reserved"),
            (5, "double", "already_passed"),
            (8, "counted", "not_enrolled"),
            (9, "refused", "already_passed"),
            (10, "unknown", "unknown_card"),
            (11, "unknown", "unknown_card"),
            (12, "not_served", "too_late"),
            (13, "clock_ahead", "clock_ahead"),
        ]
    );
    assert_eq!(first.at("/missing"), &json!([{ "first": 1, "last": 2 }, { "first": 6, "last": 6 }]));
    let meals = [canteen.meals(&ana.child), canteen.meals(&lou.child), canteen.meals(&boris.child)].concat();
    assert_eq!(
        meals,
        ["2026-10-12 walk_in", "2026-10-13 consumed", "2026-10-15 consumed", "2026-10-15 walk_in"].map(str::to_owned)
    );

    // Again, backwards, twice in one batch, with one that lacked and one whose number is taken.
    let mut again: Vec<Value> = sent.iter().rev().chain(&sent).cloned().collect();
    again.push(passage(6, "2026-10-15T07:01:30Z", &boris.child));
    again.push(passage(4, "2026-10-15T07:00:01Z", &lou.child));
    let second = send(&canteen.gate, &again).await.expect(200);
    let (mut expected, lines) = (told(&first), told(&second));
    assert_eq!(lines[10..20], expected);
    expected.reverse();
    assert_eq!(lines[..10], expected);
    assert_eq!(lines[20..], [(6, "double", "already_passed"), (4, "number_used", "reserved")]);
    assert_eq!(second.at("/missing"), &json!([{ "first": 1, "last": 2 }]));
    assert_eq!([canteen.meals(&ana.child), canteen.meals(&lou.child), canteen.meals(&boris.child)].concat(), meals);

    // At another gate of the collège: a double too; all of them are listed for who looks.
    let other = device(&canteen.world, &canteen.operator, Some(COLLEGE)).await;
    let double = send(&other, &[passage(1, "2026-10-13T10:30:00Z", &ana.child)]).await.expect(200);
    assert_eq!((told(&double), double.at("/missing")), (vec![(1, "double", "already_passed")], &json!([])));
    let odd = canteen.secretary.get(&at("passages/odd?day=2026-10-13")).await.expect(200);
    let devices: Vec<&Value> = odd.items().iter().map(|row| &row["device_id"]).collect();
    assert_eq!(devices, [&json!(other.id), &json!(canteen.gate.id)], "both of them");
    let odd = canteen.secretary.get(&at(&format!("passages/odd?day={TODAY}&limit=2"))).await.expect(200);
    let next =
        canteen.secretary.get(&at(&format!("passages/odd?day={TODAY}&cursor={}", odd.text("/next_cursor")))).await;
    let numbers: Vec<i64> =
        odd.items().iter().chain(next.expect(200).items()).map(|row| row["sequence"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [4, 5, 6, 8, 10, 11]);
}

#[actix_web::test]
async fn what_was_asked_before_the_network_went_is_the_same_passage() {
    let canteen = Canteen::open().await;
    let (lou, ana) = (canteen.diner("Zoé").await, canteen.diner("Ana").await);
    // The answer to each is lost, and the gate goes by its list: one by his card, one who was refused and is let in all the same.
    let asked = [canteen.shown(&canteen.gate, &lou.card_code), canteen.shown(&canteen.gate, &ana.card_code)];
    let path = canteen.family.path(&format!("cards/{}/block", ana.card_id));
    canteen.family.post(&path, json!({ "reason": "lost" })).await.expect(200);
    assert_eq!(canteen.gate.post(&at("passages"), asked[0].clone()).await.expect(200).text("/reason"), "reserved");
    assert_eq!(
        canteen.gate.post(&at("passages"), asked[1].clone()).await.expect(200).text("/reason"),
        "card_not_in_use"
    );
    let later = |asked: &Value, diner: &str| {
        passage(asked["sequence"].as_i64().unwrap(), asked["scanned_at"].as_str().unwrap(), diner)
    };
    let batch = [later(&asked[0], &lou.child), later(&asked[1], &ana.child)];
    // Twice in one batch, and again.
    for _ in 0..2 {
        let sent = send(&canteen.gate, &[batch.clone(), batch.clone()].concat()).await.expect(200);
        let once = [(1, "counted", "reserved"), (2, "counted", "reserved")];
        assert_eq!(told(&sent), [once, once].concat());
        assert_eq!(sent.at("/missing"), &json!([]));
    }
    for pupil in [&lou, &ana] {
        assert_eq!(canteen.meals(&pupil.child), [format!("{TODAY} consumed")]);
    }
    // Another passage under that number is another one still.
    let other = passage(1, "2026-10-15T07:59:00Z", &ana.child);
    assert_eq!(told(&send(&canteen.gate, &[other]).await.expect(200)), [(1, "number_used", "reserved")]);
}

#[actix_web::test]
async fn a_number_far_above_the_last_one_is_none_of_the_gates_row() {
    let canteen = Canteen::open().await;
    let lou = canteen.diner("Zoé").await;
    let nobody = |sequence: i64| json!({ "sequence": sequence, "scanned_at": "2026-10-15T07:00:00Z", "card": "bonjour", "let_in": false });
    let far = passage(50_001, "2026-10-15T07:00:00Z", &lou.child);
    let sent = send(&canteen.gate, &[far.clone(), nobody(50_000), nobody(1_000_000_000)]).await.expect(200);
    let ahead = |sequence: i64| (sequence, "number_ahead", "number_ahead");
    assert_eq!(told(&sent), [ahead(50_001), (50_000, "refused", "unknown_card"), ahead(1_000_000_000)]);
    assert_eq!(sent.at("/missing"), &json!([{ "first": 1, "last": 49_999 }]));
    assert_eq!(canteen.meals(&lou.child), [format!("{TODAY} reserved")]);
    // Its number is free, once those before it are known.
    assert_eq!(told(&send(&canteen.gate, &[far]).await.expect(200)), [(50_001, "counted", "reserved")]);

    // With network likewise.
    let mut body = canteen.shown(&canteen.gate, &lou.card_code);
    body["sequence"] = json!(100_002);
    assert_eq!(
        canteen.gate.post(&at("passages"), body.clone()).await.refused(422, "request.invalid").pointers(),
        ["/sequence"]
    );
    body["sequence"] = json!(100_001);
    let answer = canteen.gate.post(&at("passages"), body.clone()).await.expect(200);
    assert_eq!(answer.text("/reason"), "already_passed");
    assert_eq!(canteen.gate.post(&at("passages"), body).await.expect(200).json, answer.json);
}

#[actix_web::test]
async fn a_child_that_was_turned_away_after_all_is_looked_at() {
    let canteen = Canteen::open().await;
    let (lou, ana) = (canteen.diner("Zoé").await, canteen.sibling("Ana").await);
    // The answers are lost. The gate's list knows neither card, and it lets neither in.
    let asked = [canteen.shown(&canteen.gate, &lou.card_code), canteen.shown(&canteen.gate, &ana.card_code)];
    let mut batch = vec![];
    for body in &asked {
        assert_eq!(canteen.gate.post(&at("passages"), body.clone()).await.expect(200).at("/eats"), &json!(true));
        let mut later = body.clone();
        later["let_in"] = json!(false);
        batch.push(later);
    }
    let odd = at(&format!("passages/odd?day={TODAY}"));
    assert_eq!(canteen.secretary.get(&odd).await.expect(200).items().len(), 0);
    for _ in 0..2 {
        let sent = send(&canteen.gate, &batch).await.expect(200);
        assert_eq!(told(&sent), [(1, "counted", "reserved"), (2, "counted", "not_enrolled")]);
    }
    let listed = canteen.secretary.get(&odd).await.expect(200);
    let told: Vec<Value> = listed.items().iter().map(|row| json!([row["sequence"], row["turned_away"]])).collect();
    assert_eq!(told, [json!([1, true]), json!([2, true])]);

    // The department asks, and takes it back: one meal waits again, the other is none.
    let clerk = canteen.world.agent("92", "case_worker").await;
    for (child, state) in [(&lou.child, "reserved"), (&ana.child, "cancelled")] {
        let withdrawn = json!({ "diner_id": child, "day": TODAY, "reason": "La borne l'a refusé, il n'a pas mangé." });
        canteen
            .secretary
            .post(&at("attendance/passages/withdraw"), withdrawn.clone())
            .await
            .refused(409, "attendance.seen_by_gate");
        let answer = clerk.post(&at("attendance/passages/withdraw"), withdrawn).await.expect(200);
        assert_eq!(answer.text("/state"), state);
    }
    // What the gate sent says nothing new.
    send(&canteen.gate, &batch).await.expect(200);
    assert_eq!(canteen.meals(&lou.child), [format!("{TODAY} reserved")]);
    assert_eq!(canteen.meals(&ana.child), [format!("{TODAY} cancelled")]);
    assert_eq!(canteen.told(&lou.card_code).await, (true, "reserved".to_owned()), "he eats");
}

#[actix_web::test]
async fn a_passage_that_was_withdrawn_is_not_counted_by_its_batch_again() {
    let canteen = Canteen::open().await;
    let (lou, ana) = (canteen.diner("Zoé").await, canteen.sibling("Ana").await);
    let batch = [
        passage(1, "2026-10-13T10:00:00Z", &lou.child),
        json!({ "sequence": 2, "scanned_at": "2026-10-13T10:01:00Z", "card": ana.card_code, "let_in": true }),
    ];
    canteen.set_meal(&lou.child, "2026-10-13", "no_show");
    let first = send(&canteen.gate, &batch).await.expect(200);
    assert_eq!(told(&first), [(1, "counted", "reserved"), (2, "counted", "not_enrolled")]);
    let admin = &canteen.world.administrator;
    for (child, state) in [(&lou.child, "no_show"), (&ana.child, "cancelled")] {
        let body = json!({ "diner_id": child, "day": "2026-10-13", "reason": "La carte était celle de son frère." });
        let answer = admin.post(&at("attendance/passages/withdraw"), body).await.expect(200);
        assert_eq!(answer.text("/state"), state);
    }
    assert_eq!(told(&send(&canteen.gate, &batch).await.expect(200)), told(&first));
    assert_eq!(canteen.meals(&lou.child), ["2026-10-13 no_show".to_owned(), format!("{TODAY} reserved")]);
    assert_eq!(canteen.meals(&ana.child), ["2026-10-13 cancelled"]);
    // Neither was told to the family as a meal without reservation, but both as mistakes.
    let letters = canteen.world.letters_to(&canteen.family.email).await;
    let about: Vec<&str> = letters
        .iter()
        .filter(|(about, _)| about == "Repas enregistré par erreur")
        .map(|(_, body)| body.as_str())
        .collect();
    assert_eq!(about.len(), 2, "{letters:?}");
    assert!(
        about.iter().any(|body| body.contains("Zoé") && body.contains("13/10/2026") && body.contains("il reste dû"))
    );
    assert!(about.iter().any(|body| body.contains("Ana") && body.contains("Rien n'est dû")));
}

#[actix_web::test]
async fn a_wrong_clock_makes_no_meal_on_a_day_without_meals() {
    let canteen = Canteen::open().await;
    let (lou, ana) = (canteen.diner("Zoé").await, canteen.sibling("Ana").await);
    let away = canteen.diner_elsewhere("Emil").await;
    let shown = |sequence: i64, at: &str, card: &str| json!({ "sequence": sequence, "scanned_at": at, "card": card, "let_in": true });
    let sent = [
        // A Sunday, a Wednesday, and the clock of a gate whose battery is empty.
        shown(1, "2026-10-11T10:00:00Z", &lou.card_code),
        shown(2, "2026-10-14T02:00:00Z", &ana.card_code),
        shown(3, "1970-01-01T00:00:07Z", &lou.card_code),
        // One of another collège.
        shown(4, "2026-10-11T10:01:00Z", &away.card_code),
    ];
    let answer = send(&canteen.gate, &sent).await.expect(200);
    let expected = ["closed", "closed", "too_late", "other_college"];
    assert_eq!(told(&answer), [1, 2, 3, 4].map(|n| (n, "not_served", expected[usize::try_from(n - 1).unwrap()])));
    assert_eq!(canteen.meals(&away.child), [format!("{TODAY} reserved")]);
    assert_eq!((canteen.meals(&lou.child), canteen.meals(&ana.child)), (vec![format!("{TODAY} reserved")], vec![]));
    // Somebody has to look.
    let odd = canteen.secretary.get(&at("passages/odd?day=2026-10-11")).await.expect(200);
    assert_eq!(odd.items().len(), 2);
}

#[actix_web::test]
async fn a_closure_that_is_written_down_after_a_meal_makes_no_walk_in_of_it() {
    for closed_first in [false, true] {
        let canteen = Canteen::open().await;
        let lou = canteen.diner("Zoé").await;
        let close = async || {
            let closure =
                json!({ "kind": "strike", "label": "Grève", "from": TODAY, "until": TODAY, "college_uai": COLLEGE });
            canteen.world.administrator.post(&at("closures"), closure).await.expect(201);
            canteen.world.repeat(passplus::canteen::meals::closures::apply_closure).await;
        };
        let eat = async || send(&canteen.gate, &[passage(1, "2026-10-15T07:00:00Z", &lou.child)]).await.expect(200);
        if closed_first {
            close().await;
            assert_eq!(canteen.meals(&lou.child), [format!("{TODAY} closed")]);
            eat().await;
        } else {
            eat().await;
            close().await;
        }
        assert_eq!(canteen.meals(&lou.child), [format!("{TODAY} consumed")], "{closed_first}");
    }
}

#[actix_web::test]
async fn what_a_gate_could_not_know_is_found_out_and_what_it_should_not_have_done_is_listed() {
    let mut canteen = Canteen::open().await;
    let (lou, away) = (canteen.diner("Zoé").await, canteen.diner_elsewhere("Emil").await);
    let strict = canteen.sibling("Dora").await;
    let admin = &canteen.world.administrator;
    let rule = json!({ "starts_on": TODAY, "walk_ins": false });
    admin.put(&at(&format!("gate-rules/{COLLEGE}")), rule).await.expect(200);
    let codes = at(&format!("children/{}/day-codes", lou.child));
    let code = canteen.family.post(&codes, json!({})).await.expect(201).text("/code");
    // Read today, sent tomorrow.
    let shown = |sequence: i64, card: &str| json!({ "sequence": sequence, "scanned_at": "2026-10-15T08:30:00Z", "card": card, "let_in": true });
    let long = "x".repeat(5_000);
    let batch = [
        shown(1, &code),
        shown(2, "7K2M-0XQ4"),
        shown(3, &away.card_code),
        shown(4, &strict.card_code),
        shown(5, ""),
        shown(6, &long),
    ];
    canteen.wait(days(1)).await;
    assert_eq!(canteen.world.repeat(passplus::canteen::day_codes::forget).await, 0);
    assert_eq!(
        told(&send(&canteen.gate, &batch).await.expect(200)),
        [
            (1, "counted", "reserved"),
            (2, "unknown", "unknown_code"),
            (3, "counted", "other_college"),
            (4, "counted", "not_enrolled"),
            (5, "unknown", "unknown_card"),
            (6, "unknown", "unknown_card"),
        ]
    );
    assert_eq!(canteen.meals(&lou.child)[0], format!("{TODAY} consumed"));
    let clerk = canteen.scene.administrator().await;
    let odd = clerk.get(&at(&format!("passages/odd?day={TODAY}"))).await.expect(200);
    let numbers: Vec<i64> = odd.items().iter().map(|row| row["sequence"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [2, 3, 4, 5, 6]);

    // A clock that is ahead spends no number; one that is mad is told.
    let mut ahead = passage(7, "2026-10-17T10:00:00Z", &lou.child);
    assert_eq!(told(&send(&canteen.gate, &[ahead.clone()]).await.expect(200)), [(7, "clock_ahead", "clock_ahead")]);
    ahead["scanned_at"] = json!("2026-10-16T07:00:00Z");
    assert_eq!(told(&send(&canteen.gate, &[ahead.clone()]).await.expect(200)), [(7, "counted", "reserved")]);
    ahead["scanned_at"] = json!("-9999-01-01T00:00:00Z");
    send(&canteen.gate, &[ahead]).await.refused(422, "request.invalid");
    for path in
        ["passages/odd?day=-9999-01-01", "forecast?from=-9999-01-01&until=-9999-01-02", "colleges?from=-9999-01-01"]
    {
        clerk.get(&at(path)).await.refused(400, "request.query");
    }
    send(&canteen.gate, &[passage(2_000_000_000, "2026-10-16T07:00:00Z", &lou.child)])
        .await
        .refused(422, "request.invalid");
}

#[actix_web::test]
async fn a_passage_counts_within_a_month_and_of_a_locked_month_moves_nothing() {
    let mut canteen = Canteen::open().await;
    let lou = canteen.diner("Zoé").await;
    canteen.wait(days(31)).await;
    assert_eq!(canteen.world.repeat(passages::miss_meals).await, 8, "those until three days ago");
    canteen.scene.administrator().await;
    let admin = &canteen.world.administrator;
    let month = json!({ "college_uai": COLLEGE, "month": "2026-10" });
    admin.post(&at("attendance-months/lock"), month.clone()).await.expect(201);
    let batch = [
        passage(1, "2026-10-15T10:00:00Z", &lou.child),
        passage(2, "2026-11-13T11:00:00Z", &lou.child),
        // Nobody expected him, and his month is closed too.
        json!({ "sequence": 3, "scanned_at": "2026-10-16T10:00:00Z", "card": canteen.pupil.card_code, "let_in": true }),
    ];
    let first = send(&canteen.gate, &batch).await.expect(200);
    assert_eq!(told(&first), [(1, "locked", "reserved"), (2, "counted", "reserved"), (3, "locked", "not_enrolled")]);
    assert_eq!(told(&send(&canteen.gate, &batch).await.expect(200)), told(&first));
    let meals = canteen.meals(&lou.child);
    assert_eq!((meals[0].as_str(), meals.last().unwrap().as_str()), ("2026-10-15 no_show", "2026-11-13 consumed"));
    assert!(canteen.meals(&canteen.pupil.child).is_empty());
    // The department learns of it, and opens the month again for those who ate.
    let odd = admin.get(&at("passages/odd?day=2026-10-15")).await.expect(200);
    assert_eq!((odd.items().len(), odd.text("/items/0/outcome")), (1, "locked".into()));
    let mut again = month;
    again["reason"] = "Des passages sont arrivés après l'arrêté.".into();
    admin.post(&at("attendance-months/reopen"), again).await.expect(200);
    let late = passage(4, "2026-10-15T10:00:00Z", &lou.child);
    assert_eq!(told(&send(&canteen.gate, &[late]).await.expect(200)), [(4, "counted", "reserved")]);
    assert_eq!(canteen.meals(&lou.child)[0], "2026-10-15 consumed");
    canteen.wait(days(1)).await;
    let too_late = passage(5, "2026-10-15T10:30:00Z", &lou.child);
    assert_eq!(told(&send(&canteen.gate, &[too_late]).await.expect(200)), [(5, "not_served", "too_late")]);
    let odd = canteen.secretary.get(&at("passages/odd?day=2026-10-15")).await;
    assert_eq!(odd.status, 401, "the secretary's session is over");
}

#[actix_web::test]
async fn whoever_does_not_come_has_missed_his_meal_after_three_days() {
    let mut canteen = Canteen::open().await;
    let (lou, ana) = (canteen.diner("Zoé").await, canteen.diner_on("Ana", &["thursday"]).await);
    canteen.set_meal(&ana.child, TODAY, "excused");
    canteen.wait(days(3)).await;
    assert_eq!(canteen.world.repeat(passages::miss_meals).await, 0, "passages may still come");
    canteen.wait(days(1)).await;
    assert_eq!(canteen.world.repeat(passages::miss_meals).await, 1);
    assert_eq!(canteen.world.repeat(passages::miss_meals).await, 0);
    assert_eq!(canteen.meals(&lou.child), ["2026-10-15 no_show", "2026-10-16 reserved"]);
    assert_eq!(canteen.meals(&ana.child), ["2026-10-15 excused"]);
    // Whoever ate has eaten, however late it is told.
    let late = passage(1, "2026-10-15T10:00:00Z", &lou.child);
    assert_eq!(told(&send(&canteen.gate, &[late]).await.expect(200)), [(1, "counted", "reserved")]);
    assert_eq!(canteen.meals(&lou.child), ["2026-10-15 consumed", "2026-10-16 reserved"]);
}

/// What is on its way when a month is locked is told apart: it is neither counted nor lost.
#[actix_web::test]
async fn a_batch_waits_for_who_locks_its_month() {
    let mut canteen = Canteen::open().await;
    let lou = canteen.diner("Zoé").await;
    canteen.wait(days(31)).await;
    let mut other = canteen.world.superuser("92");
    let lock = format!(
        "begin; select pg_advisory_xact_lock(canteen_month_key('{COLLEGE}', '2026-10-01'));
         insert into canteen_attendance_locks (id, college_uai, month, locked_by, locked_at)
             values (gen_random_uuid(), '{COLLEGE}', '2026-10-01', gen_random_uuid(), now())"
    );
    other.batch_execute(&lock).unwrap();
    let commits = async {
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        let kept = call(&mut canteen.world.superuser("92"), "(select count(*) from canteen_passages)").unwrap();
        assert_eq!(kept, json!(0), "the batch waits");
        other.batch_execute("commit").unwrap();
    };
    let batch = [passage(1, "2026-10-15T10:00:00Z", &lou.child)];
    let (sent, ()) = tokio::join!(send(&canteen.gate, &batch), commits);
    assert_eq!(told(&sent.expect(200)), [(1, "locked", "reserved")]);
    assert_eq!(canteen.world.repeat(passages::miss_meals).await, 6, "those of November");
    assert_eq!(canteen.meals(&lou.child)[0], "2026-10-15 reserved", "a locked month stays as it is");
}

#[actix_web::test]
async fn batches_of_two_gates_at_once_count_each_meal_once() {
    let canteen = Canteen::open().await;
    let mut people = vec![];
    for name in ["Ana", "Boris", "Carla", "Dora"] {
        people.push(canteen.diner(name).await);
    }
    people.push(canteen.diner_on("Emil", &["monday"]).await);
    let other = device(&canteen.world, &canteen.operator, Some(COLLEGE)).await;
    let batch = |reverse: bool| {
        let mut rows: Vec<Value> =
            (1..).zip(&people).map(|(number, pupil)| passage(number, "2026-10-15T07:00:00Z", &pupil.child)).collect();
        if reverse {
            rows.reverse();
        }
        rows
    };
    let (one, two) = (batch(false), batch(true));
    let (one, two) = tokio::join!(send(&canteen.gate, &one), send(&other, &two));
    let (one, two) = (one.expect(200), two.expect(200));
    let all: Vec<_> = told(&one).into_iter().chain(told(&two)).collect();
    assert_eq!(all.iter().filter(|(_, outcome, _)| *outcome == "counted").count(), 5, "{all:?}");
    assert_eq!(all.iter().filter(|(_, outcome, _)| *outcome == "double").count(), 5, "{all:?}");
    for pupil in &people {
        assert_eq!(canteen.meals(&pupil.child).len(), 1);
    }
}

#[actix_web::test]
async fn a_batch_that_cannot_be_read_is_refused_whole() {
    let canteen = Canteen::open().await;
    let good = passage(1, "2026-10-15T07:00:00Z", &canteen.pupil.child);
    for (second, pointer) in [
        (json!({ "sequence": 0 }), "/passages/1/sequence"),
        (json!({ "card": "bonjour" }), "/passages/1"),
        (json!({ "diner_id": null }), "/passages/1"),
        (json!({ "diner_id": "x" }), "/passages/1/diner_id"),
        (json!({ "let_in": null }), "/passages/1/let_in"),
        (json!({ "debt": 1 }), "/passages/1/debt"),
    ] {
        let mut wrong = good.clone();
        for (name, value) in second.as_object().unwrap() {
            wrong[name] = value.clone();
        }
        let refused = send(&canteen.gate, &[good.clone(), wrong]).await.refused(422, "request.invalid");
        assert_eq!(refused.pointers(), [pointer]);
    }
    for size in [0, 1_001] {
        assert_eq!(
            send(&canteen.gate, &vec![good.clone(); size]).await.refused(422, "request.invalid").pointers(),
            ["/passages"]
        );
    }
    assert_eq!(call(&mut canteen.world.superuser("92"), "(select count(*) from canteen_passages)").unwrap(), json!(0));
    let clerk = canteen.world.agent("92", "case_worker").await;
    for (caller, status, code) in [
        (&canteen.world.api, 401, "auth.required"),
        (&canteen.kitchen.api, 403, "auth.forbidden"),
        (&canteen.scene.till.api, 403, "auth.forbidden"),
        (&canteen.family.api, 403, "auth.forbidden"),
        (&canteen.secretary.api, 403, "auth.forbidden"),
        (&clerk.api, 403, "auth.forbidden"),
    ] {
        let body = json!({ "passages": [good] });
        caller.post(&at("passages/batches"), body).await.refused(status, code);
    }
    let odd = at(&format!("passages/odd?day={TODAY}"));
    let finance = canteen.world.agent("92", "finance").await;
    for (caller, status, code) in [
        (&canteen.world.api, 401, "auth.required"),
        (&canteen.gate.api, 403, "auth.forbidden"),
        (&canteen.kitchen.api, 403, "auth.forbidden"),
        (&canteen.family.api, 403, "auth.forbidden"),
        (&finance.api, 403, "auth.forbidden"),
        (&canteen.world.administrator_78.api, 404, "not_found"),
    ] {
        caller.get(&odd).await.refused(status, code);
    }
    clerk.get(&odd).await.expect(200);
    clerk.get(&at("passages/odd?day=hier")).await.refused(400, "request.query");
}

#[actix_web::test]
async fn who_is_turned_away_though_his_meal_waits_is_listed() {
    let canteen = Canteen::open().await;
    let lou = canteen.diner("Zoé").await;
    let mut away = passage(1, "2026-10-15T07:00:00Z", &lou.child);
    away["let_in"] = json!(false);
    assert_eq!(told(&send(&canteen.gate, &[away]).await.expect(200)), [(1, "refused", "reserved")]);
    let odd = canteen.secretary.get(&at(&format!("passages/odd?day={TODAY}"))).await.expect(200);
    assert_eq!((odd.items().len(), odd.number("/items/0/sequence")), (1, 1), "{}", odd.json);
}

#[actix_web::test]
async fn who_has_eaten_elsewhere_is_told_so_at_his_own_gate() {
    let canteen = Canteen::open().await;
    let boris = canteen.sibling("Boris").await;
    let there = operator(&canteen.world, "Cuisines du Mont", &[OTHER_COLLEGE]).await;
    let elsewhere = device(&canteen.world, &there, Some(OTHER_COLLEGE)).await;
    let read =
        json!({ "sequence": 1, "scanned_at": "2026-10-15T07:02:00Z", "card": boris.card_signed, "let_in": true });
    assert_eq!(told(&send(&elsewhere, &[read]).await.expect(200)), [(1, "counted", "other_college")]);
    let shown = canteen.show(&canteen.gate, &boris.card_code).await.expect(200);
    assert_eq!((shown.text("/reason"), shown.at("/eats")), ("already_passed".into(), &json!(false)));
}

//! Passages that a gate has not sent: who is told, and what it takes to lock a month without them.

use super::{Canteen, TODAY, at, device, offline::send, operator};
use crate::support::{Answer, COLLEGE, OTHER_COLLEGE, call, days};
use serde_json::{Value, json};

/// A passage of nobody, which moves no meal.
fn nobody(sequence: i64, at: &str) -> Value {
    json!({ "sequence": sequence, "scanned_at": at, "card": "bonjour", "let_in": false })
}

#[actix_web::test]
async fn numbers_that_lack_are_told_where_attendance_is_kept() {
    let mut canteen = Canteen::open().await;
    let attendance = at(&format!("attendance?day={TODAY}"));
    let none = canteen.secretary.get(&attendance).await.expect(200);
    assert_eq!(none.at("/waiting_gates"), &json!([]), "a gate that was never heard is none yet");
    let batch = [
        nobody(3, "2026-10-13T10:00:00Z"),
        nobody(4, "2026-10-15T07:00:00Z"),
        nobody(8, "2026-10-15T07:10:00Z"),
        // A clock that was years behind tells no day.
        nobody(9, "2020-01-01T00:00:00Z"),
        nobody(12, "2026-10-15T07:20:00Z"),
    ];
    send(&canteen.gate, &batch).await.expect(200);
    let told = canteen.secretary.get(&attendance).await.expect(200);
    let heard = told.at("/waiting_gates/0/last_heard_at").clone();
    let expected = json!([{
        "device_id": canteen.gate.id, "label": "Entrée du réfectoire", "last_heard_at": heard, "is_silent": false, "missing": 5,
        "gaps": [
            { "missing": 3, "since": "2026-10-15T07:00:00Z", "until": "2026-10-15T07:10:00Z" },
            { "missing": 2, "since": "2020-01-01T00:00:00Z", "until": "2026-10-15T07:20:00Z" },
        ],
    }]);
    assert_eq!(told.at("/waiting_gates"), &expected);
    // The first two lack from the beginning on; who closes a day is told too.
    let tuesday = canteen.secretary.get(&at("attendance?day=2026-10-13")).await.expect(200);
    assert_eq!(
        tuesday.at("/waiting_gates/0/gaps"),
        &json!([{ "missing": 2, "until": "2026-10-13T10:00:00Z" }]),
        "{}",
        tuesday.json
    );
    let closed = canteen.secretary.post(&at("attendance/close"), json!({ "day": TODAY })).await.expect(200);
    assert_eq!(closed.at("/waiting_gates"), &expected);
    // The department sees each collège; another collège's secretary nothing of this one.
    let finance = canteen.world.agent("92", "finance").await;
    for (uai, gates) in [(COLLEGE, 1), (OTHER_COLLEGE, 0)] {
        let day = finance.get(&format!("{attendance}&college_uai={uai}")).await.expect(200);
        assert_eq!(day.at("/waiting_gates").as_array().unwrap().len(), gates, "{uai}");
    }
    let neighbour = canteen.world.secretary(OTHER_COLLEGE).await;
    assert_eq!(neighbour.get(&attendance).await.expect(200).at("/waiting_gates"), &json!([]));

    // What lacked came; a gate that is not heard after the end of a day may still have passages of it.
    let rest: Vec<Value> = [1, 2, 5, 6, 7, 10, 11].map(|number| nobody(number, "2026-10-15T07:05:00Z")).into();
    send(&canteen.gate, &rest).await.expect(200);
    assert_eq!(canteen.secretary.get(&attendance).await.expect(200).at("/waiting_gates"), &json!([]));
    canteen.wait(days(1)).await;
    let finance = canteen.scene.administrator().await;
    let day = format!("{attendance}&college_uai={COLLEGE}");
    let silent = finance.get(&day).await.expect(200);
    assert_eq!((silent.at("/waiting_gates/0/is_silent"), silent.number("/waiting_gates/0/missing")), (&json!(true), 0));
    canteen.gate.get(&at("gate-list?portraits=false")).await.expect(200);
    assert_eq!(finance.get(&day).await.expect(200).at("/waiting_gates"), &json!([]), "it has network");
}

#[actix_web::test]
async fn a_gate_that_is_revoked_is_waited_for_until_its_last_day() {
    let mut canteen = Canteen::open().await;
    canteen.told("bonjour").await;
    let revoke = at(&format!("devices/{}/revoke", canteen.gate.id));
    canteen.world.administrator.post(&revoke, json!({})).await.expect(200);
    canteen.scene.wait(days(2)).await;
    let admin = canteen.scene.administrator().await;
    for (day, gates) in [(TODAY, 1), ("2026-10-16", 0)] {
        let told = admin.get(&at(&format!("attendance?day={day}&college_uai={COLLEGE}"))).await.expect(200);
        assert_eq!(told.at("/waiting_gates").as_array().unwrap().len(), gates, "{day}");
        if gates == 1 {
            assert_eq!(told.text("/waiting_gates/0/stopped_on"), TODAY, "nothing comes of it any more");
        }
    }
}

#[actix_web::test]
async fn a_month_with_gaps_is_locked_for_a_reason_only() {
    let mut canteen = Canteen::open().await;
    send(&canteen.gate, &[nobody(1, "2026-10-15T07:00:00Z"), nobody(3, "2026-10-15T07:10:00Z")]).await.expect(200);
    canteen.wait(days(31)).await;
    let admin = canteen.scene.administrator().await;
    let (path, month) = (at("attendance-months/lock"), json!({ "college_uai": COLLEGE, "month": "2026-10" }));
    let refused = admin.post(&path, month.clone()).await.refused(409, "attendance.gaps");
    assert!(
        refused
            .text("/detail")
            .contains("« Entrée du réfectoire » (1 numéro manque, pas de nouvelles depuis le 15/10/2026)"),
        "{}",
        refused.json
    );
    canteen.gate.get(&at("gate-list?portraits=false")).await.expect(200);
    let refused = admin.post(&path, month.clone()).await.refused(409, "attendance.gaps");
    assert!(refused.text("/detail").contains("(1 numéro manque)"), "{}", refused.json);
    // The other collège, whose gates lack nothing, is locked as ever.
    let other = json!({ "college_uai": OTHER_COLLEGE, "month": "2026-10" });
    assert!(admin.post(&path, other).await.expect(201).json.get("accepted_gaps").is_none());
    canteen.sql(&format!(
        "insert into canteen_meals values (gen_random_uuid(), '{TODAY}', null, null, '{COLLEGE}', 'consumed', now())"
    ));
    let months = admin.get(&at("attendance-months?month=2026-10")).await.expect(200);
    let told = months.at("/colleges").as_array().unwrap().iter().find(|row| row["college_uai"] == COLLEGE).unwrap();
    assert_eq!(told["waiting_gates"][0]["missing"], 1);

    let mut accepting = month.clone();
    accepting["accept_gaps"] = "".into();
    admin.post(&path, accepting.clone()).await.refused(422, "request.invalid");
    accepting["accept_gaps"] = "La borne a été remplacée ; la liste papier a été saisie.".into();
    let locked = admin.post(&path, accepting.clone()).await.expect(201);
    assert_eq!(locked.at("/accepted_gaps"), &accepting["accept_gaps"]);
    let line = admin.get(&format!("/v1/departments/92/journal?object_id={}", locked.text("/id"))).await.expect(200);
    assert_eq!(line.at("/items/0/details/accepted_gaps"), &accepting["accept_gaps"]);
    assert_eq!(line.at("/items/0/details/waiting_gates/0/gate"), &json!(canteen.gate.id));

    // What lacked came: the month is locked again without a word.
    let mut again = month.clone();
    again["reason"] = "Le passage est arrivé.".into();
    admin.post(&at("attendance-months/reopen"), again).await.expect(200);
    send(&canteen.gate, &[nobody(2, "2026-10-15T07:05:00Z")]).await.expect(200);
    let locked = admin.post(&path, accepting).await.expect(201);
    assert!(locked.json.get("accepted_gaps").is_none(), "nothing was to be accepted");
}

#[actix_web::test]
async fn who_passes_at_another_college_is_told_to_his_own() {
    let canteen = Canteen::open().await;
    let (here, away) = (canteen.diner("Zoé").await, canteen.diner_elsewhere("Emil").await);
    let child = canteen.family.add_child("Nour", "2014-05-17").await;
    let neighbour = canteen.world.secretary(OTHER_COLLEGE).await;
    let (enrolment, version) = canteen.family.submit(&child, OTHER_COLLEGE).await;
    neighbour.confirm(&enrolment, version).await;
    let stray = canteen.family.pupil(&child, &enrolment).await;
    let shown = |sequence: i64, card: &str| json!({ "sequence": sequence, "scanned_at": "2026-10-15T07:30:00Z", "card": card, "let_in": true });
    let batch = [shown(1, &here.card_code), shown(2, &away.card_code), shown(3, &stray.card_code)];
    let sent = send(&canteen.gate, &batch).await.expect(200);
    assert!(sent.items().iter().all(|line| line["outcome"] == "counted"), "{}", sent.json);

    let day = neighbour.get(&at(&format!("attendance?day={TODAY}"))).await.expect(200);
    let told: Vec<Value> = day
        .at("/meals")
        .as_array()
        .unwrap()
        .iter()
        .map(|meal| json!([meal["first_names"], meal["state"], meal["passed_at_uai"]]))
        .collect();
    assert_eq!(
        told,
        [json!(["Emil", "consumed", COLLEGE]), json!(["Nour", "walk_in", COLLEGE])],
        "and nobody of {COLLEGE}"
    );
    let own = canteen.secretary.get(&at(&format!("attendance?day={TODAY}"))).await.expect(200);
    assert!(
        own.at("/meals").as_array().unwrap().iter().all(|meal| meal.get("passed_at_uai").is_none()),
        "{}",
        own.json
    );
    // The department sees the same of each.
    let clerk = canteen.world.agent("92", "case_worker").await;
    let all = clerk.get(&at(&format!("attendance?day={TODAY}&college_uai={OTHER_COLLEGE}"))).await.expect(200);
    assert_eq!(all.at("/meals"), day.at("/meals"));
}

#[actix_web::test]
async fn who_passes_at_two_colleges_is_odd_at_both() {
    let canteen = Canteen::open().await;
    let emil = canteen.diner_elsewhere("Emil").await;
    let there = operator(&canteen.world, "Cuisines du Mont", &[OTHER_COLLEGE]).await;
    let there = device(&canteen.world, &there, Some(OTHER_COLLEGE)).await;
    let shown = |at: &str| json!({ "sequence": 1, "scanned_at": at, "card": emil.card_code, "let_in": true });
    send(&there, &[shown("2026-10-15T07:30:00Z")]).await.expect(200);
    let neighbour = canteen.world.secretary(OTHER_COLLEGE).await;
    let odd = at(&format!("passages/odd?day={TODAY}"));
    assert_eq!(neighbour.get(&odd).await.expect(200).items().len(), 0, "he passed where he eats");
    send(&canteen.gate, &[shown("2026-10-15T07:40:00Z")]).await.expect(200);

    let told = |list: &Answer| -> Vec<Value> {
        list.items().iter().map(|row| json!([row["college_uai"], row["outcome"], row["passed_elsewhere"]])).collect()
    };
    let list = neighbour.get(&odd).await.expect(200);
    assert_eq!(told(&list), [json!([OTHER_COLLEGE, "counted", true])]);
    // That he did, and not where.
    for secret in [COLLEGE, &canteen.gate.id, &canteen.operator] {
        assert!(!list.json.to_string().contains(secret), "{}", list.json);
    }
    let own = canteen.secretary.get(&odd).await.expect(200);
    assert_eq!(told(&own), [json!([COLLEGE, "double", true])]);
    let clerk = canteen.world.agent("92", "case_worker").await;
    assert_eq!(clerk.get(&odd).await.expect(200).items().len(), 2);
}

#[actix_web::test]
async fn a_family_is_told_once_of_its_meals_without_reservation() {
    let mut canteen = Canteen::open().await;
    let (lou, ana) = (canteen.diner("Zoé").await, canteen.sibling("Ana").await);
    canteen.told(&lou.card_code).await;
    canteen.told(&canteen.pupil.card_code).await;
    // Recorded by the secretary, of another day; and by a gate that comes later.
    let missed = json!({ "diner_id": canteen.pupil.child, "day": "2026-10-13" });
    canteen.secretary.post(&at("attendance/passages"), missed).await.expect(200);
    let late = json!({ "sequence": 77, "scanned_at": "2026-10-12T10:00:00Z", "card": ana.card_code, "let_in": true });
    send(&canteen.gate, &[late]).await.expect(200);
    let jobs = "(select count(*) from jobs where kind = 'canteen_walk_ins')";
    assert_eq!(call(&mut canteen.world.superuser("92"), jobs).unwrap(), json!(1), "one a family and day");
    let subject = "Repas pris sans réservation";
    let email = canteen.family.email.clone();
    assert!(canteen.world.letters_to(&email).await.iter().all(|(about, _)| about != subject), "not in the evening");
    canteen.wait(days(1)).await;
    let letters = canteen.world.letters_to(&email).await;
    let told: Vec<&str> = letters.iter().filter(|(about, _)| about == subject).map(|(_, body)| body.as_str()).collect();
    assert_eq!(told.len(), 1);
    for line in ["Ana : le 12/10/2026, 7,00 €", "Lou : le 13/10/2026, 7,00 €", "Lou : le 15/10/2026, 7,00 €"] {
        assert!(told[0].contains(line), "{line} in {}", told[0]);
    }
    assert!(!told[0].contains("Zoé"), "her meal was reserved");
    canteen.told(&ana.card_code).await;
    canteen.wait(days(3)).await;
    let letters = canteen.world.letters_to(&email).await;
    let told: Vec<&str> = letters.iter().filter(|(about, _)| about == subject).map(|(_, body)| body.as_str()).collect();
    assert_eq!(told.len(), 2, "the next one is of the next day");
    let next = told.iter().find(|body| body.contains("Ana : le 16/10/2026, 7,00 €")).unwrap();
    assert!(!next.contains("Lou"), "{next}");
}

#[actix_web::test]
async fn a_number_that_came_long_before_its_neighbours_is_not_asked_for_again() {
    let mut canteen = Canteen::open().await;
    let first = send(&canteen.gate, &[nobody(2, "2026-10-15T07:00:00Z")]).await.expect(200);
    assert_eq!(first.at("/missing"), &json!([{ "first": 1, "last": 1 }]));
    canteen.wait(days(33)).await;
    let later = [nobody(1, "2026-10-15T06:59:00Z"), nobody(4, "2026-11-17T07:00:00Z")];
    let told = send(&canteen.gate, &later).await.expect(200);
    assert_eq!(told.at("/missing"), &json!([{ "first": 3, "last": 3 }]));
}

#[actix_web::test]
async fn a_clock_that_was_wrong_by_days_hides_no_gap() {
    let canteen = Canteen::open().await;
    send(&canteen.gate, &[nobody(1, "2026-10-15T07:00:00Z"), nobody(5, "2026-10-15T07:10:00Z")]).await.expect(200);
    send(&canteen.gate, &[nobody(8, "2026-10-01T11:00:00Z")]).await.expect(200);
    let back = json!({ "missing": 2, "since": "2026-10-01T11:00:00Z", "until": "2026-10-15T07:10:00Z" });
    let today = json!({ "missing": 3, "since": "2026-10-15T07:00:00Z", "until": "2026-10-15T07:10:00Z" });
    for (day, gaps) in [(TODAY, json!([today, back])), ("2026-10-08", json!([back]))] {
        let told = canteen.secretary.get(&at(&format!("attendance?day={day}"))).await.expect(200);
        assert_eq!(told.at("/waiting_gates/0/gaps"), &gaps, "{day}: {}", told.json);
    }
}

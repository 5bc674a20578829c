//! The secretary's desk: his collège only, one row or many, each decided once.

use crate::support::{Answer, COLLEGE, Family, OTHER_COLLEGE, SEASON, Secretary, World};
use chrono::TimeDelta;
use diesel::{prelude::*, sql_types};
use serde_json::{Value, json};
use uuid::Uuid;

const DESK: &str = "/v1/departments/92/desk/enrolments";
const DECISIONS: &str = "/v1/departments/92/desk/decisions";

fn confirm(id: &str, version: i64) -> Value {
    json!({ "enrolment_id": id, "version": version, "decision": "confirm" })
}

/// Ids on a desk, in its order.
async fn listed(secretary: &Secretary, query: &str) -> Vec<String> {
    let page = secretary.get(&format!("{DESK}?{query}")).await.expect(200);
    page.items().iter().map(|row| row["enrolment_id"].as_str().unwrap().to_owned()).collect()
}

async fn state(family: &Family, enrolment: &str) -> (String, i64) {
    let shown = family.get(&family.path(&format!("enrolments/{enrolment}"))).await.expect(200);
    (shown.text("/enrolment/state"), shown.number("/enrolment/version"))
}

/// What became of each row: done, or the code that says why not.
fn outcomes(decided: &Answer) -> Vec<String> {
    let results = decided.at("/results").as_array().unwrap();
    let word = |r: &Value| if r["done"] == true { r["state"].clone() } else { r["code"].clone() };
    results.iter().map(|result| word(result).as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn a_secretary_sees_the_requests_of_his_college_and_nothing_else() {
    let world = World::start().await;
    let family = world.family("92").await;
    let (own, other) = (world.secretary(COLLEGE).await, world.secretary(OTHER_COLLEGE).await);
    let mut mine = vec![];
    for (name, college) in [("Ada", COLLEGE), ("Bea", OTHER_COLLEGE), ("Cléo", COLLEGE), ("Dan", COLLEGE)] {
        let child = family.add_child(name, "2015-03-14").await;
        let (id, version) = family.submit(&child, college).await;
        if college == COLLEGE {
            mine.push((id, version));
        }
    }
    let draft = family.add_child("Eve", "2015-03-14").await;
    let (draft, draft_version) = family.draft(&draft, COLLEGE).await;
    let ids: Vec<String> = mine.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(listed(&own, "").await, ids);
    let page = own.get(&format!("{DESK}?limit=2")).await.expect(200);
    assert_eq!(listed(&own, &format!("limit=2&cursor={}", page.text("/next_cursor"))).await, ids[2..]);
    let row: Vec<&String> = page.items()[0].as_object().unwrap().keys().collect();
    let expected = [
        "birth_date",
        "college_uai",
        "enrolment_id",
        "first_names",
        "last_name",
        "level",
        "season",
        "state",
        "submitted_at",
        "version",
    ];
    assert_eq!(row, expected, "identity and school, no contact, no money, no family");
    own.confirm(&ids[0], mine[0].1).await;
    assert_eq!(listed(&own, "state=submitted").await, ids[1..]);
    assert_eq!(listed(&own, "state=active&season=2026-2027").await, ids[..1]);
    assert_eq!(listed(&own, "season=2027-2028").await, [""; 0]);
    for query in ["state=lost", "season=2026", "limit=0", "cursor=x", "college=0920002C"] {
        own.get(&format!("{DESK}?{query}")).await.refused(400, "request.query");
    }

    let rows =
        json!([confirm(&ids[1], mine[1].1), confirm(&draft, draft_version), confirm(&Uuid::nil().to_string(), 1)]);
    assert_eq!(outcomes(&other.decide(rows).await.expect(200)), ["not_found"; 3]);
    assert_eq!(state(&family, &ids[1]).await, ("submitted".into(), mine[1].1));
    let row = json!([confirm(&draft, draft_version)]);
    assert_eq!(outcomes(&own.decide(row.clone()).await.expect(200)), ["not_found"], "a draft is the family's");
    let agent = world.agent("92", "case_worker").await;
    for (caller, status, code) in
        [(&world.api, 401, "auth.required"), (&family.api, 403, "auth.forbidden"), (&agent.api, 403, "auth.forbidden")]
    {
        caller.get(DESK).await.refused(status, code);
        caller.post(DECISIONS, json!({ "decisions": row })).await.refused(status, code);
    }
    own.get("/v1/departments/78/desk/enrolments").await.refused(404, "not_found");
    own.get(&family.path(&format!("enrolments/{}", ids[0]))).await.refused(403, "auth.forbidden");
}

#[actix_web::test]
async fn each_row_of_a_bulk_decision_stands_for_itself() {
    let world = World::start().await;
    let family = world.family("92").await;
    let secretary = world.secretary(COLLEGE).await;
    let mut rows = vec![];
    for (name, college) in
        [("Ada", COLLEGE), ("Bea", COLLEGE), ("Cléo", COLLEGE), ("Dan", OTHER_COLLEGE), ("Eve", COLLEGE)]
    {
        let child = family.add_child(name, "2015-03-14").await;
        rows.push(family.submit(&child, college).await);
    }
    secretary.confirm(&rows[4].0, rows[4].1).await;
    let refuse = |place: usize| json!({ "enrolment_id": rows[place].0, "version": rows[place].1, "decision": "refuse", "reason": "not_enrolled_here" });
    // One row that cannot be read, and nothing at all is done.
    for (bad, pointer) in [
        (json!({ "enrolment_id": rows[1].0, "version": 2, "decision": "refuse" }), "/decisions/1/reason"),
        (
            json!({ "enrolment_id": rows[1].0, "version": 2, "decision": "confirm", "reason": "other" }),
            "/decisions/1/reason",
        ),
        (
            json!({ "enrolment_id": rows[1].0, "version": 2, "decision": "confirm", "note": "Oui." }),
            "/decisions/1/reason",
        ),
        (
            json!({ "enrolment_id": rows[1].0, "version": 2, "decision": "refuse", "reason": "noisy" }),
            "/decisions/1/reason",
        ),
        (json!({ "enrolment_id": rows[1].0, "version": 2, "decision": "suspend" }), "/decisions/1/decision"),
        (json!({ "enrolment_id": "x", "version": 2, "decision": "confirm" }), "/decisions/1/enrolment_id"),
        (json!({ "enrolment_id": rows[1].0, "decision": "confirm" }), "/decisions/1/version"),
    ] {
        let answer =
            secretary.decide(json!([confirm(&rows[0].0, rows[0].1), bad])).await.refused(422, "request.invalid");
        assert_eq!(answer.pointers(), [pointer]);
    }
    for decisions in [json!([]), json!(vec![refuse(0); 101])] {
        assert_eq!(secretary.decide(decisions).await.refused(422, "request.invalid").pointers(), ["/decisions"]);
    }
    assert_eq!(state(&family, &rows[0].0).await.0, "submitted");

    let decided = secretary
        .decide(json!([
            confirm(&rows[0].0, rows[0].1),
            confirm(&rows[1].0, 1),
            refuse(2),
            refuse(3),
            confirm(&rows[4].0, 4),
            confirm(&rows[0].0, rows[0].1)
        ]))
        .await
        .expect(200);
    let expected = ["active", "version.stale", "refused", "not_found", "enrolment.transition", "version.stale"];
    assert_eq!(outcomes(&decided), expected);
    let order: Vec<&Value> = decided.at("/results").as_array().unwrap().iter().map(|r| &r["enrolment_id"]).collect();
    assert_eq!(order, [0, 1, 2, 3, 4, 0].map(|place| json!(rows[place].0)).iter().collect::<Vec<_>>());
    let mut states = vec![];
    for (id, _) in &rows {
        states.push(state(&family, id).await.0);
    }
    assert_eq!(states, ["active", "submitted", "refused", "submitted", "active"]);
}

#[actix_web::test]
async fn more_than_fifty_rows_ask_for_a_second_factor_just_shown() {
    let world = World::start().await;
    let family = world.family("92").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    let (id, version) = family.submit(&child, COLLEGE).await;
    let secretary = world.secretary(COLLEGE).await;
    let rows = |count: usize| {
        let mut rows = vec![confirm(&id, version)];
        rows.resize(count, confirm(&Uuid::nil().to_string(), 1));
        json!(rows)
    };
    world.advance(TimeDelta::minutes(5) + TimeDelta::seconds(1));
    secretary.decide(rows(51)).await.refused(403, "auth.step_up_required");
    assert_eq!(
        secretary.get(&format!("{DESK}?state=submitted")).await.expect(200).items().len(),
        1,
        "nothing was done"
    );
    let path = "/v1/sessions/current/second-factor";
    secretary.post(path, json!({ "second_factor": "000000" })).await.refused(401, "auth.wrong_second_factor");
    secretary.decide(rows(51)).await.refused(403, "auth.step_up_required");
    let code = world.totp(&secretary.totp_secret);
    secretary.post(path, json!({ "second_factor": code })).await.expect(204);
    let decided = outcomes(&secretary.decide(rows(100)).await.expect(200));
    assert_eq!((decided.len(), decided[0].as_str(), decided[99].as_str()), (100, "active", "not_found"));
    world.advance(TimeDelta::minutes(4));
    let api = world.sign_in_staff(&secretary.email, &secretary.totp_secret).await;
    let secretary = Secretary { api, ..secretary };
    world.advance(TimeDelta::minutes(6));
    assert_eq!(outcomes(&secretary.decide(rows(50)).await.expect(200))[0], "version.stale", "fifty need none");
}

#[actix_web::test]
async fn two_secretaries_who_confirm_together_confirm_once() {
    let world = World::start().await;
    let family = world.family("92").await;
    let (one, two) = (world.secretary(COLLEGE).await, world.secretary(COLLEGE).await);
    let mut rows = vec![];
    for name in ["Ada", "Bea", "Cléo", "Dan", "Eve", "Fay"] {
        let child = family.add_child(name, "2015-03-14").await;
        rows.push(family.submit(&child, COLLEGE).await);
    }
    let same = json!(rows.iter().map(|(id, version)| confirm(id, *version)).collect::<Vec<_>>());
    let (first, second, again) =
        tokio::join!(one.decide(same.clone()), two.decide(same.clone()), one.decide(same.clone()));
    let all = [outcomes(&first.expect(200)), outcomes(&second.expect(200)), outcomes(&again.expect(200))];
    for place in 0..rows.len() {
        let mut words: Vec<&str> = all.iter().map(|words| words[place].as_str()).collect();
        words.sort_unstable();
        assert_eq!(words, ["active", "version.stale", "version.stale"]);
    }
    assert_eq!(outcomes(&two.decide(same).await.expect(200)), ["version.stale"; 6]);
    let mut conn = world.superuser("92");
    let mut count = |table: &str| -> i64 {
        diesel::select(diesel::dsl::sql::<sql_types::BigInt>(&format!("(select count(*) from {table})")))
            .get_result(&mut conn)
            .unwrap()
    };
    assert_eq!(count("cards"), 6);
    assert_eq!(count("audit where action = 'card_issued'"), 6);
    assert_eq!(count("audit where action = 'enrolment_confirmed'"), 6);
    assert_eq!(count("enrolment_events where event = 'activate'"), 6);
    let letters = world.letters_to(&family.email).await;
    assert_eq!(letters.iter().filter(|(subject, _)| subject == "Inscription confirmée").count(), 6);
}

#[actix_web::test]
async fn a_pupil_has_his_rights_through_one_file_only() {
    let world = World::start().await;
    let (mother, father) = (world.family("92").await, world.family("92").await);
    let (one, two) = (world.secretary(COLLEGE).await, world.secretary(COLLEGE).await);
    let (hers, his) =
        (mother.add_child("Zoé-Anne", "2015-03-14").await, father.add_child("ZOE ANNE", "2015-03-14").await);
    let (hers, her_version) = mother.submit(&hers, COLLEGE).await;
    let (his, his_version) = father.submit(&his, COLLEGE).await;
    let (her_row, his_row) = (json!([confirm(&hers, her_version)]), json!([confirm(&his, his_version)]));
    let (first, second) = tokio::join!(one.decide(her_row), two.decide(his_row));
    let mut words = [outcomes(&first.expect(200)), outcomes(&second.expect(200))].concat();
    words.sort_unstable();
    assert_eq!(words, ["active", "enrolment.duplicate_pupil"]);
    let mut states = [state(&mother, &hers).await.0, state(&father, &his).await.0];
    states.sort_unstable();
    assert_eq!(states, ["active", "submitted"]);
}

async fn arrive(secretary: &Secretary, last: &str, first: &str, born: &str) -> Answer {
    let body = json!({ "season": SEASON, "last_name": last, "first_names": first, "birth_date": born, "level": "5e" });
    secretary.post("/v1/departments/92/desk/arrivals", body).await
}

#[actix_web::test]
async fn an_arrival_moves_a_pupil_when_exactly_one_fits() {
    let world = World::start().await;
    let (family, twin) = (world.family("92").await, world.family("92").await);
    let (old, new) = (world.secretary(COLLEGE).await, world.secretary(OTHER_COLLEGE).await);
    let child = family.add_child("Éloïse Anne", "2015-03-14").await;
    let (id, version) = family.submit(&child, COLLEGE).await;
    let card_path = family.path(&format!("children/{child}/card"));
    old.confirm(&id, version).await;
    let card = family.get(&card_path).await.expect(200);
    let waiting = family.add_child("Noé", "2014-03-14").await;
    let (waiting, waiting_version) = family.submit(&waiting, COLLEGE).await;
    let draft = family.add_child("Zoé", "2014-03-14").await;
    family.draft(&draft, COLLEGE).await;

    // Nobody, one of his own, a draft, a family's other spelling of the day of birth, another season.
    for (last, first, born) in [
        ("Martin", "Ada", "2015-03-14"),
        ("Martin", "Zoé", "2014-03-14"),
        ("Martin", "Éloïse Anne", "2015-03-15"),
        ("Durand", "Éloïse Anne", "2015-03-14"),
    ] {
        arrive(&new, last, first, born).await.refused(404, "college.arrival_not_found");
    }
    arrive(&old, "Martin", "Éloïse Anne", "2015-03-14").await.refused(404, "college.arrival_not_found");
    let other_season = json!({ "season": "2027-2028", "last_name": "Martin", "first_names": "Noé", "birth_date": "2014-03-14", "level": "5e" });
    new.post("/v1/departments/92/desk/arrivals", other_season).await.refused(404, "college.arrival_not_found");

    let moved = arrive(&new, "MARTIN", "ELOISE-ANNE", "2015-03-14").await.expect(200);
    assert_eq!(
        (moved.text("/enrolment_id"), moved.text("/college_uai"), moved.text("/level")),
        (id.clone(), OTHER_COLLEGE.into(), "5e".into())
    );
    assert_eq!((listed(&old, "").await, listed(&new, "").await), (vec![waiting.clone()], vec![id.clone()]));
    let shown = family.get(&family.path(&format!("enrolments/{id}"))).await.expect(200);
    let last = shown.at("/history").as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["event"], &last["by"], &last["note"]),
        (&json!("arrival"), &json!("secretary"), &json!("Collège du Mont-Valérien"))
    );
    assert_eq!(
        (shown.text("/enrolment/state"), shown.text("/enrolment/college_name")),
        ("active".into(), "Collège du Mont-Valérien".into())
    );
    assert_eq!(family.get(&card_path).await.expect(200).json, card.json, "the card is the child's");
    let letters = world.letters_to(&family.email).await;
    assert!(letters.iter().any(|(subject, body)| subject == "Changement de collège" && body.contains("Mont-Valérien")));

    // What still waited waits at the new collège; the old one's decision comes too late.
    arrive(&new, "Martin", "Noé", "2014-03-14").await.expect(200);
    let late = old.decide(json!([confirm(&waiting, waiting_version)])).await.expect(200);
    assert_eq!(outcomes(&late), ["not_found"]);
    new.confirm(&waiting, waiting_version + 1).await;

    // Two who fit are one too many.
    let mut namesakes = vec![];
    for family in [&family, &twin] {
        let child = family.add_child("Max", "2013-03-14").await;
        namesakes.push((family, family.submit(&child, COLLEGE).await.0));
    }
    arrive(&new, "Martin", "Max", "2013-03-14").await.refused(404, "college.arrival_not_found");
    for (family, id) in namesakes {
        let shown = family.get(&family.path(&format!("enrolments/{id}"))).await.expect(200);
        assert_eq!((shown.text("/enrolment/college_uai"), shown.number("/enrolment/version")), (COLLEGE.into(), 2));
    }
    for (field, value) in [
        ("season", json!("x")),
        ("last_name", json!("")),
        ("first_names", json!(1)),
        ("birth_date", json!("hier")),
        ("level", json!("CM2")),
        ("college_uai", json!(OTHER_COLLEGE)),
    ] {
        let mut body = json!({ "season": SEASON, "last_name": "Martin", "first_names": "Max", "birth_date": "2013-03-14", "level": "5e" });
        body[field] = value;
        let answer = new.post("/v1/departments/92/desk/arrivals", body).await.refused(422, "request.invalid");
        assert_eq!(answer.pointers(), [format!("/{field}")]);
    }
    for caller in [&family.api, &world.administrator.api] {
        let body = json!({ "season": SEASON, "last_name": "Martin", "first_names": "Max", "birth_date": "2013-03-14", "level": "5e" });
        caller.post("/v1/departments/92/desk/arrivals", body).await.refused(403, "auth.forbidden");
    }
}

#[actix_web::test]
async fn a_case_worker_suspends_a_request_and_takes_it_back() {
    let world = World::start().await;
    let family = world.family("92").await;
    let secretary = world.secretary(COLLEGE).await;
    let child = family.add_child("Lou", "2015-03-14").await;
    let (id, version) = family.submit(&child, COLLEGE).await;
    let agent = world.agent("92", "case_worker").await;
    let path = family.path(&format!("enrolments/{id}/suspension"));
    let event = |word: &str, version: i64| json!({ "version": version, "event": word, "note": "Dossier à vérifier." });
    agent.post(&path, event("suspend", version)).await.refused(409, "enrolment.transition");
    secretary.confirm(&id, version).await;
    let version = state(&family, &id).await.1;
    let card = family.get(&family.path(&format!("children/{child}/card"))).await.expect(200).text("/id");
    let (finance, of_78) = (world.agent("92", "finance").await, world.agent("78", "case_worker").await);
    for (caller, status, code) in [
        (&family.api, 403, "auth.forbidden"),
        (&secretary.api, 403, "auth.forbidden"),
        (&finance.api, 403, "auth.forbidden"),
        (&of_78.api, 404, "not_found"),
    ] {
        caller.post(&path, event("suspend", version)).await.refused(status, code);
    }
    for (body, pointer) in [
        (json!({ "version": version, "event": "suspend" }), "/note"),
        (json!({ "version": version, "event": "expire", "note": "Fin." }), "/event"),
        (json!({ "version": version, "event": "suspend", "note": "" }), "/note"),
    ] {
        assert_eq!(agent.post(&path, body).await.refused(422, "request.invalid").pointers(), [pointer]);
    }
    agent.post(&path, event("resume", version)).await.refused(409, "enrolment.transition");
    agent.post(&path, event("suspend", version - 1)).await.refused(409, "version.stale");
    let suspended = agent.post(&path, event("suspend", version)).await.expect(200);
    assert_eq!((suspended.text("/state"), suspended.number("/version")), ("suspended".into(), version + 1));
    agent.post(&path, event("suspend", version + 1)).await.refused(409, "enrolment.transition");
    let resumed = agent.post(&path, event("resume", version + 1)).await.expect(200);
    assert_eq!(resumed.text("/state"), "active");
    let history = family.get(&family.path(&format!("enrolments/{id}"))).await.expect(200);
    let steps = history.at("/history").as_array().unwrap();
    let last: Vec<[&str; 3]> =
        steps[steps.len() - 2..].iter().map(|s| ["event", "by", "note"].map(|k| s[k].as_str().unwrap())).collect();
    assert_eq!(last, [["suspend", "agent", "Dossier à vérifier."], ["resume", "agent", "Dossier à vérifier."]]);
    assert_eq!(family.get(&family.path(&format!("children/{child}/card"))).await.expect(200).text("/id"), card);
    let letters = world.letters_to(&family.email).await;
    let told: Vec<&str> =
        letters.iter().map(|(subject, _)| subject.as_str()).filter(|s| s.starts_with("Inscription ")).collect();
    assert_eq!(told, ["Inscription confirmée", "Inscription suspendue", "Inscription rétablie"]);
    let absent = family.path(&format!("enrolments/{}/suspension", Uuid::nil()));
    agent.post(&absent, event("suspend", 1)).await.refused(404, "not_found");
}

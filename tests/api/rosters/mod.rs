//! Rosters: what a school's file says of the requests that wait, and its matches confirmed in one step or not at all.

mod department;
mod files;

use crate::support::{Answer, Api, COLLEGE, Family, OTHER_COLLEGE, SEASON, Secretary, World, call};
use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use reqwest::Method;
use serde_json::{Value, json};

const CSV: &str = "text/csv";
const DESK: &str = "/v1/departments/92/desk/roster";

/// Sends a file to one of the two steps of a path.
pub async fn send(api: &Api, address: &str, media: &str, file: impl Into<Vec<u8>>) -> Answer {
    api.send(api.request(Method::POST, address).header("content-type", media).body(file.into())).await
}

async fn check(secretary: &Secretary, file: &str) -> Answer {
    send(secretary, &format!("{DESK}/check?season={SEASON}"), CSV, file).await
}

async fn apply(secretary: &Secretary, file: &str, digest: &str) -> Answer {
    send(secretary, &format!("{DESK}/apply?season={SEASON}&digest={digest}"), CSV, file).await
}

/// A file with these rows below the usual header.
fn roster(rows: &[&str]) -> String {
    format!("Nom de famille;Prénom 1;Prénom 2;Né(e) le;Division\n{}\n", rows.join("\n"))
}

/// Line, outcome and reason of each row.
fn told(check: &Answer) -> Vec<(i64, String, String)> {
    let word = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let rows = check.at("/rows").as_array().unwrap();
    rows.iter().map(|row| (row["line"].as_i64().unwrap(), word(row, "outcome"), word(row, "reason"))).collect()
}

/// Children of a family, aged for the sixième, with a request at that collège; ids of the requests.
async fn submitted(family: &Family, names: &[&str], college: &str) -> Vec<String> {
    let mut ids = vec![];
    for name in names {
        let child = family.add_child(name, "2015-03-14").await;
        ids.push(family.submit(&child, college).await.0);
    }
    ids
}

async fn states(family: &Family, enrolments: &[String]) -> Vec<String> {
    let mut states = vec![];
    for id in enrolments {
        let shown = family.get(&family.path(&format!("enrolments/{id}"))).await.expect(200);
        states.push(shown.text("/enrolment/state"));
    }
    states
}

#[actix_web::test]
async fn a_secretary_checks_his_roster_and_applies_its_matches() {
    let world = World::start().await;
    let family = world.family("92").await;
    let secretary = world.secretary(COLLEGE).await;
    let ids = submitted(&family, &["Ada", "Béatrice", "Cléo Anne", "Eve"], COLLEGE).await;
    let elsewhere = submitted(&family, &["Dan"], OTHER_COLLEGE).await;
    secretary.confirm(&ids[3], 2).await;
    let file = roster(&[
        "MARTIN;ADA;;14/03/2015;6A",
        "Martin;Beatrise;;14/03/2015;6A",
        "Martin;Dan;;14/03/2015;6A",
        "Petit;Zoé;;01/09/2015;6B",
        "martin;eve;Lise;14/03/2015;6B",
        "Martin;;;14/03/2015;6B",
    ]);
    let found = check(&secretary, &file).await.expect(200);
    let row = |line, outcome: &str, reason: &str| (line, outcome.to_owned(), reason.to_owned());
    let expected = [
        row(2, "match", ""),
        row(3, "doubtful", "first_name_spelling"),
        row(4, "doubtful", "first_name_differs"),
        row(5, "none", ""),
        row(6, "match", ""),
        row(7, "unreadable", ""),
    ];
    assert_eq!(told(&found), expected);
    let counts = json!({ "rows": 6, "to_confirm": 1, "already_confirmed": 1, "doubtful": 2, "none": 1, "unreadable": 1, "missing": 1 });
    assert_eq!(found.at("/counts"), &counts);
    assert_eq!(found.text("/rows/1/candidates/0/enrolment_id"), ids[1]);
    assert_eq!(found.text("/rows/1/detail"), "Le prénom diffère d'une lettre.");
    assert_eq!(found.text("/rows/5/detail"), "Le prénom manque.");
    assert_eq!(
        (found.at("/missing").as_array().unwrap().len(), found.text("/missing/0/enrolment_id")),
        (1, ids[2].clone())
    );
    assert_eq!(found.number("/rows_left_out"), 0);
    assert!(!found.json.to_string().contains(&elsewhere[0]), "a pupil of another collège");
    assert_eq!(states(&family, &ids).await, ["submitted", "submitted", "submitted", "active"]);

    let digest = found.text("/digest");
    let done = apply(&secretary, &file, &digest).await.expect(200);
    assert_eq!((done.number("/activated"), done.number("/attested"), done.at("/left_out")), (1, 0, &json!([])));
    assert_eq!(states(&family, &ids).await, ["active", "submitted", "submitted", "active"]);
    assert_eq!(states(&family, &elsewhere).await, ["submitted"]);
    let letters = world.letters_to(&family.email).await;
    assert_eq!(letters.iter().filter(|(subject, _)| subject == "Inscription confirmée").count(), 2);

    apply(&secretary, &file, &digest).await.refused(409, "roster.changed");
    let again = check(&secretary, &file).await.expect(200);
    assert_eq!((again.number("/counts/to_confirm"), again.number("/counts/already_confirmed")), (0, 2));
    let done = apply(&secretary, &file, &again.text("/digest")).await.expect(200);
    assert_eq!(done.number("/activated"), 0);

    // The journal knows how many, not whom.
    let path = format!("/v1/departments/92/journal?object_id={COLLEGE}&limit=100");
    let journal = world.administrator.get(&path).await.expect(200);
    assert_eq!(journal.items().len(), 2);
    assert_eq!(journal.text("/items/0/action"), "roster_applied");
    let details = journal.at("/items/0/details");
    assert_eq!((&details["digest"], &details["activated"]), (&json!(digest), &json!(1)));
    let kept = "(select coalesce(string_agg(t::text, ' '), '') from (select details::text from audit union all select counts::text from roster_checks) t)";
    let kept = call(&mut world.superuser("92"), kept).unwrap().to_string();
    assert!(!kept.contains("Zo") && !kept.contains("Petit"), "{kept}");
}

#[actix_web::test]
async fn what_changed_since_the_check_is_never_half_applied() {
    let world = World::start().await;
    let family = world.family("92").await;
    let secretary = world.secretary(COLLEGE).await;
    let ids = submitted(&family, &["Ada", "Bea", "Cléo"], COLLEGE).await;
    let file = roster(&["Martin;Ada;;14/03/2015;6A", "Martin;Bea;;14/03/2015;6A", "Martin;Cléo;;14/03/2015;6A"]);
    let digest = check(&secretary, &file).await.expect(200).text("/digest");
    // Another file, or another collège's secretary, under the digest of this check.
    apply(&secretary, &format!("{file}\n"), &digest).await.refused(409, "roster.changed");
    let other = world.secretary(OTHER_COLLEGE).await;
    let seen = check(&other, &file).await.expect(200);
    assert_eq!((seen.number("/counts/none"), seen.at("/missing")), (3, &json!([])));
    apply(&other, &file, &digest).await.refused(409, "roster.changed");
    // Somebody is just changing the last of the three: the lock is waited for, then nothing is done.
    let mut hand = world.superuser("92");
    hand.batch_execute(&format!("begin; update enrolments set version = version + 1 where id = '{}'", ids[2])).unwrap();
    let (path, api) = (format!("{DESK}/apply?season={SEASON}&digest={digest}"), secretary.api.clone());
    let sent = file.clone();
    let waiting = tokio::spawn(async move { send(&api, &path, CSV, sent).await });
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    hand.batch_execute("commit").unwrap();
    waiting.await.unwrap().refused(409, "roster.changed");
    assert_eq!(states(&family, &ids).await, ["submitted"; 3]);
    // A decision taken meanwhile at the desk changes what the file means.
    secretary.confirm(&ids[0], 2).await;
    apply(&secretary, &file, &digest).await.refused(409, "roster.changed");
    assert_eq!(states(&family, &ids).await, ["active", "submitted", "submitted"]);
    let digest = check(&secretary, &file).await.expect(200).text("/digest");
    assert_eq!(apply(&secretary, &file, &digest).await.expect(200).number("/activated"), 2);
}

#[actix_web::test]
async fn of_two_secretaries_at_once_one_applies_and_the_other_is_told() {
    let world = World::start().await;
    let family = world.family("92").await;
    let secretary = world.secretary(COLLEGE).await;
    let ids = submitted(&family, &["Ada", "Bea", "Cléo"], COLLEGE).await;
    // In two orders, so that they would cross.
    let rows = ["Martin;Ada;;14/03/2015;6A", "Martin;Bea;;14/03/2015;6A", "Martin;Cléo;;14/03/2015;6A"];
    let files = [roster(&rows), roster(&[rows[2], rows[1], rows[0]])];
    let mut checked = vec![];
    for file in files {
        let digest = check(&secretary, &file).await.expect(200).text("/digest");
        checked.push((file, format!("{DESK}/apply?season={SEASON}&digest={digest}")));
    }
    let mut running = tokio::task::JoinSet::new();
    for (file, path) in checked.iter().cycle().take(4).cloned() {
        let api = world.other_process().with_token(secretary.token.as_deref().unwrap());
        running.spawn(async move { send(&api, &path, CSV, file).await });
    }
    let mut statuses: Vec<u16> = running.join_all().await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409]);
    assert_eq!(states(&family, &ids).await, ["active"; 3]);
    let credits = call(&mut world.superuser("92"), "(select count(*) from transfers where kind = 'grant')").unwrap();
    assert_eq!(credits, json!(6), "two wallets each, credited once");
}

#[actix_web::test]
async fn more_than_fifty_confirmations_ask_for_a_fresh_second_factor() {
    let world = World::start().await;
    let family = world.family("92").await;
    let secretary = world.secretary(COLLEGE).await;
    let ids = submitted(&family, &["Ada"], COLLEGE).await;
    // Fifty more families at a stroke.
    let more = format!(
        "with child as (
             insert into children (id, family_id, first_names, last_name, birth_date, residence, created_at)
             select gen_random_uuid(), family_id, 'Élève ' || chr(65 + n / 26) || chr(65 + n % 26), last_name, birth_date, '92', now()
               from children, generate_series(1, 50) n returning id)
         insert into enrolments (id, child_id, family_id, season, state, college_uai, college_name, in_network, level, formula,
                                 declares_scholarship, ase, rule, created_at, submitted_at, version)
         select gen_random_uuid(), child.id, family_id, season, state, college_uai, college_name, in_network, level, formula,
                declares_scholarship, ase, rule, e.created_at, submitted_at, version from child, enrolments e where e.id = '{}'",
        ids[0]
    );
    world.superuser("92").batch_execute(&more).unwrap();
    let rows: Vec<String> = (1..=50_u8)
        .map(|n| format!("Martin;Élève {}{};;14/03/2015;6A", char::from(65 + n / 26), char::from(65 + n % 26)))
        .chain(["Martin;Ada;;14/03/2015;6A".to_owned()])
        .collect();
    let file = roster(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    world.advance(TimeDelta::minutes(6));
    let found = check(&secretary, &file).await.expect(200);
    assert_eq!(found.number("/counts/to_confirm"), 51, "{}", found.at("/counts"));
    let digest = found.text("/digest");
    apply(&secretary, &file, &digest).await.refused(403, "auth.step_up_required");
    let code = world.totp(&secretary.totp_secret);
    secretary.post("/v1/sessions/current/second-factor", json!({ "second_factor": code })).await.expect(204);
    assert_eq!(apply(&secretary, &file, &digest).await.expect(200).number("/activated"), 51);
}

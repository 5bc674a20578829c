//! A child's request for a season, as the family lives it.

use crate::{
    seasons::draft_change,
    support::{Answer, COLLEGE, COLLEGE_78, Family, OTHER_COLLEGE, OUTSIDE_COLLEGE, SEASON, World},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

const FILE: &str = include_str!("../data/annuaire-demo.csv");

/// Moves the clock to that instant and signs the family and the administrators in again.
async fn at(world: &mut World, instant: &str, family: &mut Family) {
    let instant: DateTime<Utc> = instant.parse().unwrap();
    world.advance(instant - world.app.db.server_now());
    family.api = world.sign_in(&family.email).await;
    world.wake_administrators().await;
}

fn request(college: &str) -> Value {
    json!({ "season": SEASON, "college_uai": college, "level": "6e", "formula": "culture", "declares_scholarship": false })
}

async fn show(family: &Family, enrolment: &str) -> Answer {
    family.get(&family.path(&format!("enrolments/{enrolment}"))).await.expect(200)
}

async fn submit(family: &Family, enrolment: &str, version: i64) -> Answer {
    family.post(&family.path(&format!("enrolments/{enrolment}/submit")), json!({ "version": version })).await
}

/// Subjects of the letters about enrolments that somebody got.
async fn subjects(world: &World, email: &str) -> Vec<String> {
    let letters = world.letters_to(email).await.into_iter().map(|(subject, _)| subject);
    letters.filter(|subject| !subject.starts_with("Pass+ :") && subject.contains("nscription")).collect()
}

#[actix_web::test]
async fn a_request_goes_to_the_college_comes_back_and_becomes_active_with_its_history() {
    let mut world = World::start().await;
    let mut family = world.family("92").await;
    let (reader, gone) = (world.guardian(&family, "consult").await, world.guardian(&family, "full").await);
    world.invitation(&family, "invite@example.fr", "full").await;
    let file = family.get(&family.path(&format!("families/{}", family.id))).await.expect(200);
    let ended = file.text("/guardians/2/id");
    let until = json!({ "rights": "full", "rights_until": "2026-10-15" });
    let agent = world.agent("92", "case_worker").await;
    agent.patch(&family.path(&format!("guardians/{ended}/rights")), until).await.expect(200);
    at(&mut world, "2026-10-16T08:00:00Z", &mut family).await;
    let secretary = world.secretary(COLLEGE).await;
    let child = family.add_child("Lou", "2015-03-14").await;

    let list = family.path(&format!("children/{child}/enrolments"));
    let drafted = family.post(&list, request(COLLEGE)).await.expect(201);
    let id = drafted.text("/id");
    assert_eq!((drafted.text("/state"), drafted.number("/version")), ("draft".into(), 1));
    assert_eq!(
        (drafted.text("/college_name"), drafted.at("/in_network")),
        ("Collège des Deux Ponts".into(), &json!(true))
    );
    family.post(&list, request(COLLEGE)).await.refused(409, "enrolment.already_exists");
    let edit = |version: i64, level: &str| json!({ "version": version, "college_uai": COLLEGE, "level": level, "formula": "sport", "declares_scholarship": true });
    let path = family.path(&format!("enrolments/{id}"));
    let edited = family.patch(&path, edit(1, "5e")).await.expect(200);
    assert_eq!(
        (edited.number("/version"), edited.text("/level"), edited.text("/formula")),
        (2, "5e".into(), "sport".into())
    );
    family.patch(&path, edit(1, "4e")).await.refused(409, "version.stale");
    submit(&family, &id, 1).await.refused(409, "version.stale");
    let submitted = submit(&family, &id, 2).await.expect(200);
    assert_eq!((submitted.text("/state"), submitted.text("/rule")), ("submitted".into(), "collegiens".into()));
    family.patch(&path, edit(3, "4e")).await.refused(409, "enrolment.transition");
    submit(&family, &id, 3).await.refused(409, "enrolment.transition");

    world.advance(TimeDelta::minutes(2));
    let row = json!({ "enrolment_id": id, "version": 3, "decision": "refuse", "reason": "wrong_level", "note": "Lou est en 6e B." });
    let decided = secretary.decide(json!([row])).await.expect(200);
    assert_eq!(decided.json, json!({ "results": [{ "enrolment_id": id, "done": true, "state": "refused" }] }));
    let refused = show(&family, &id).await;
    assert_eq!(
        (refused.text("/enrolment/refusal_reason"), refused.text("/enrolment/refusal_note")),
        ("wrong_level".into(), "Lou est en 6e B.".into())
    );
    family.patch(&path, edit(4, "6e")).await.expect(200);
    let again = submit(&family, &id, 5).await.expect(200);
    assert_eq!((again.json.get("refusal_reason"), again.json.get("refusal_note")), (None, None));
    world.advance(TimeDelta::minutes(2));
    secretary.confirm(&id, 6).await;

    let shown = show(&family, &id).await;
    assert_eq!((shown.text("/enrolment/state"), shown.text("/enrolment/level")), ("active".into(), "6e".into()));
    let history = shown.at("/history").as_array().unwrap();
    let steps: Vec<[&str; 3]> =
        history.iter().map(|step| ["event", "state", "by"].map(|k| step[k].as_str().unwrap())).collect();
    assert_eq!(
        steps,
        [
            ["draft", "draft", "guardian"],
            ["submit", "submitted", "guardian"],
            ["refuse", "refused", "secretary"],
            ["submit", "submitted", "guardian"],
            ["confirm", "confirmed", "secretary"],
            ["activate", "active", "secretary"],
        ]
    );
    let instants: Vec<DateTime<Utc>> = history.iter().map(|s| s["at"].as_str().unwrap().parse().unwrap()).collect();
    let waited: Vec<i64> = instants.windows(2).map(|pair| (pair[1] - pair[0]).num_minutes()).collect();
    assert_eq!((waited, instants[0].date_naive().to_string()), (vec![0, 2, 0, 2, 0], "2026-10-16".into()));
    assert_eq!(history[2]["note"], "Lou est en 6e B.");
    assert_eq!(family.get(&list).await.expect(200).json, json!([shown.at("/enrolment")]));
    for guardian in [&family, &reader] {
        let received = "Demande d'inscription reçue";
        let expected = [received, "Inscription à corriger", received, "Inscription confirmée"];
        assert_eq!(subjects(&world, &guardian.email).await, expected);
    }
    // Neither he whose rights have ended nor who has not joined.
    assert!(subjects(&world, &gone.email).await.is_empty() && subjects(&world, "invite@example.fr").await.is_empty());
    let letters = world.letters_to(&family.email).await;
    assert!(
        letters.iter().any(|(subject, body)| subject == "Inscription à corriger" && body.contains("Lou est en 6e B."))
    );
    assert!(letters.iter().any(|(s, body)| s == "Inscription confirmée"
        && body.contains("sport : 60,00 €")
        && body.contains("30/06/2027")));
}

#[actix_web::test]
async fn a_request_form_names_the_field_at_fault() {
    let world = World::start().await;
    let family = world.family("92").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    let list = family.path(&format!("children/{child}/enrolments"));
    for (field, value, status, code) in [
        ("season", json!("2026"), 422, "request.invalid"),
        ("season", json!("2030-2031"), 404, "not_found"),
        ("college_uai", json!("0920001X"), 422, "request.invalid"),
        ("college_uai", json!("0920149M"), 422, "college.unknown"),
        ("level", json!("2nde"), 422, "request.invalid"),
        ("formula", json!("danse"), 422, "enrolment.unknown_formula"),
        ("formula", json!("Danse !"), 422, "request.invalid"),
        ("declares_scholarship", json!("oui"), 422, "request.invalid"),
        ("ase", json!(1), 422, "request.invalid"),
        ("state", json!("active"), 422, "request.invalid"),
        ("rule", json!("collegiens"), 422, "request.invalid"),
    ] {
        let mut body = request(COLLEGE);
        body[field] = value;
        let answer = family.post(&list, body).await.refused(status, code);
        if code == "request.invalid" {
            assert_eq!(answer.pointers(), [format!("/{field}")]);
        }
    }
    assert_eq!(family.get(&list).await.expect(200).json, json!([]));
    let (id, _) = family.draft(&child, COLLEGE).await;
    let path = family.path(&format!("enrolments/{id}"));
    let edit = json!({ "version": 1, "college_uai": COLLEGE, "level": "6e", "formula": "danse", "declares_scholarship": false });
    family.patch(&path, edit).await.refused(422, "enrolment.unknown_formula");
    let edit = json!({ "version": 1, "college_uai": COLLEGE, "level": "6e", "formula": "sport", "declares_scholarship": false, "season": SEASON });
    assert_eq!(family.patch(&path, edit).await.refused(422, "request.invalid").pointers(), ["/season"]);
    submit(&family, &id, 0).await.refused(409, "version.stale");
    assert_eq!(show(&family, &id).await.number("/enrolment/version"), 1);
}

#[actix_web::test]
async fn deadlines_and_openings_count_to_the_minute_of_paris() {
    let mut world = World::start().await;
    let mut family = world.family("92").await;
    let mut drafts = vec![];
    for (name, born) in [("Ada", "2015-03-14"), ("Bea", "2015-03-14"), ("Cléo", "2008-12-31"), ("Dan", "2008-01-01")] {
        let child = family.add_child(name, born).await;
        drafts.push((family.draft(&child, COLLEGE).await, child));
    }
    // Next season's rules, whose second version takes the formula « sport » away before anything opens.
    let admin = &world.administrator;
    admin.post("/v1/departments/92/seasons", json!({ "season": "2027-2028" })).await.expect(201);
    admin.post("/v1/departments/92/seasons/2027-2028/publish", json!({})).await.expect(200);
    let mut next = vec![];
    for ((_, child), formula) in drafts.iter().zip(["culture", "sport"]) {
        let mut body = request(COLLEGE);
        (body["season"], body["formula"]) = (json!("2027-2028"), json!(formula));
        let drafted = family.post(&family.path(&format!("children/{child}/enrolments")), body).await.expect(201);
        next.push(drafted.text("/id"));
    }
    draft_change(admin, "2027-2028", |rules| {
        rules["formulas"].as_array_mut().unwrap().retain(|formula| formula["code"] != "sport");
        rules["amounts"].as_array_mut().unwrap().retain(|line| line["formula"] != "sport");
    })
    .await;
    let effect = json!({ "effective_from": "2027-01-01T00:00:00Z" });
    admin.post("/v1/departments/92/seasons/2027-2028/publish", effect).await.expect(200);

    let draft = |place: usize| drafts[place].0.0.clone();
    at(&mut world, "2026-12-31T22:59:30Z", &mut family).await;
    assert_eq!(submit(&family, &draft(2), 1).await.expect(200).text("/state"), "submitted");
    world.advance(TimeDelta::minutes(1));
    let late = submit(&family, &draft(3), 1).await.refused(409, "enrolment.deadline_passed");
    let expected = "La date limite (Jeunes qui atteignent 18 ans dans l'année de l'ouverture) était le 31/12/2026.";
    assert_eq!(late.text("/detail"), expected);

    at(&mut world, "2027-04-30T21:59:30Z", &mut family).await;
    submit(&family, &draft(0), 1).await.expect(200);
    world.advance(TimeDelta::minutes(1));
    let late = submit(&family, &draft(1), 1).await.refused(409, "enrolment.deadline_passed");
    assert_eq!(late.text("/detail"), "La date limite (Date limite générale) était le 30/04/2027.");
    assert_eq!(show(&family, &draft(1)).await.text("/enrolment/state"), "draft");

    at(&mut world, "2027-05-31T21:59:30Z", &mut family).await;
    let early = submit(&family, &next[0], 1).await.refused(409, "season.closed");
    assert_eq!(early.text("/detail"), "Les inscriptions ouvrent le 01/06/2027.");
    world.advance(TimeDelta::minutes(1));
    submit(&family, &next[0], 1).await.expect(200);
    submit(&family, &next[1], 1).await.refused(422, "enrolment.unknown_formula");
    // Two seasons of one child, the newest first.
    let both = family.get(&family.path(&format!("children/{}/enrolments", drafts[0].1))).await.expect(200);
    assert_eq!((both.text("/0/season"), both.text("/1/season")), ("2027-2028".into(), SEASON.into()));
    // A draft for a collège that has closed since.
    let open = family.add_child("Zoé", "2015-03-14").await;
    let mut body = request(OTHER_COLLEGE);
    body["season"] = json!("2027-2028");
    let drafted = family.post(&family.path(&format!("children/{open}/enrolments")), body).await.expect(201).text("/id");
    let closed: String = FILE.lines().filter(|line| !line.starts_with(OTHER_COLLEGE)).collect::<Vec<_>>().join("\n");
    world.administrator.import_colleges(closed.as_bytes()).await.expect(200);
    submit(&family, &drafted, 1).await.refused(422, "college.unknown");
}

#[actix_web::test]
async fn a_child_whom_no_rule_fits_is_told_each_rule_and_what_failed() {
    let world = World::start().await;
    let family = world.family("92").await;
    let list = family.path(&format!("families/{}/children", family.id));
    let body = json!({ "first_names": "Lou", "last_name": "Martin", "birth_date": "2015-03-14", "residence": "78" });
    let child = family.post(&list, body).await.expect(201).text("/id");
    world.administrator.import_neighbours().await;
    let (id, version) = family.draft(&child, OUTSIDE_COLLEGE).await;
    let refused = submit(&family, &id, version).await.refused(422, "enrolment.not_eligible");
    assert_eq!(
        refused.text("/detail"),
        "Aucune règle d'éligibilité n'est remplie : « Collégiens du public ou du privé sous contrat, résidant ou scolarisés dans \
         le département » (lieu de résidence ou d'établissement) ; « Jeunes de 12 à 16 ans résidant dans le département » (lieu \
         de résidence ou d'établissement, date de naissance)."
    );
    assert_eq!(show(&family, &id).await.at("/history").as_array().unwrap().len(), 1);
    // At school in the department, the same child has a right.
    let edit = json!({ "version": 1, "college_uai": COLLEGE, "level": "6e", "formula": "sport", "declares_scholarship": false });
    family.patch(&family.path(&format!("enrolments/{id}")), edit).await.expect(200);
    submit(&family, &id, 2).await.expect(200);
}

#[actix_web::test]
async fn a_school_outside_the_network_is_decided_by_agents_and_by_no_secretary() {
    let world = World::start().await;
    let outside = "0920003D";
    let family = world.family("92").await;
    let (first, second, third) = (
        family.add_child("Lou", "2013-03-14").await,
        family.add_child("Noé", "2013-03-15").await,
        family.add_child("Zoé", "2013-03-16").await,
    );
    // The school's contract ends between the draft and the request.
    let (private, drafted) = family.draft(&first, outside).await;
    assert_eq!(show(&family, &private).await.at("/enrolment/in_network"), &json!(true));
    let file = FILE.replacen("CONTRAT D'ASSOCIATION TOUTES CLASSES", "HORS CONTRAT", 1);
    world.administrator.import_colleges(file.as_bytes()).await.expect(200);
    let private_version = submit(&family, &private, drafted).await.expect(200).number("/version");
    world.administrator.import_neighbours().await;
    let (elsewhere, elsewhere_version) = family.submit(&second, OUTSIDE_COLLEGE).await;
    let (inside, _) = family.submit(&third, COLLEGE).await;
    assert_eq!(show(&family, &private).await.text("/enrolment/rule"), "jeunes-12-16");
    assert_eq!(show(&family, &elsewhere).await.at("/enrolment/in_network"), &json!(false));

    let (own, of_78) = (world.secretary(outside).await, world.secretary(COLLEGE_78).await);
    let confirm = |id: &str, version: i64| json!({ "enrolment_id": id, "version": version, "decision": "confirm" });
    for (secretary, department) in [(&own, "92"), (&of_78, "78")] {
        let desk = secretary.get(&format!("/v1/departments/{department}/desk/enrolments")).await.expect(200);
        assert!(desk.items().is_empty());
        let rows = json!([confirm(&private, private_version), confirm(&elsewhere, elsewhere_version)]);
        let decided = secretary.decide(rows).await.expect(200);
        for result in decided.at("/results").as_array().unwrap() {
            assert_eq!((&result["done"], &result["code"]), (&json!(false), &json!("not_found")));
        }
    }
    // Nor does he draw a pupil of the network to it.
    let arrival = json!({ "season": SEASON, "last_name": "Martin", "first_names": "Zoé", "birth_date": "2013-03-16", "level": "6e" });
    own.post("/v1/departments/92/desk/arrivals", arrival).await.refused(404, "college.arrival_not_found");
    assert_eq!(show(&family, &inside).await.text("/enrolment/college_uai"), COLLEGE);

    let agent = world.agent("92", "case_worker").await;
    let list = "/v1/departments/92/enrolments";
    let waiting = agent.get(&format!("{list}?state=submitted&season={SEASON}")).await.expect(200);
    let ids: Vec<&str> = waiting.items().iter().map(|row| row["enrolment_id"].as_str().unwrap()).collect();
    assert_eq!(ids, [private.as_str(), elsewhere.as_str()]);
    let (finance, of_78) = (world.agent("92", "finance").await, world.agent("78", "case_worker").await);
    let decisions = "/v1/departments/92/decisions";
    for (caller, status, code) in [
        (&finance.api, 403, "auth.forbidden"),
        (&own.api, 403, "auth.forbidden"),
        (&family.api, 403, "auth.forbidden"),
        (&of_78.api, 404, "not_found"),
    ] {
        caller.get(list).await.refused(status, code);
        caller.post(decisions, confirm(&private, private_version)).await.refused(status, code);
    }
    agent.post(decisions, confirm(&private, 1)).await.refused(409, "version.stale");
    let refuse = json!({ "enrolment_id": elsewhere, "version": elsewhere_version, "decision": "refuse" });
    assert_eq!(agent.post(decisions, refuse).await.refused(422, "request.invalid").pointers(), ["/reason"]);
    assert_eq!(agent.post(decisions, confirm(&private, private_version)).await.expect(200).text("/state"), "active");
    let refuse =
        json!({ "enrolment_id": elsewhere, "version": elsewhere_version, "decision": "refuse", "reason": "other" });
    agent.post(decisions, refuse).await.expect(200);
    let history = show(&family, &elsewhere).await;
    assert_eq!((history.text("/history/2/by"), history.text("/enrolment/state")), ("agent".into(), "refused".into()));
    family.get(&family.path(&format!("children/{first}/card"))).await.expect(200);
    family.get(&family.path(&format!("children/{second}/card"))).await.refused(404, "card.none");
}

#[actix_web::test]
async fn a_child_at_school_in_the_other_department_is_paid_by_that_one() {
    let world = World::start().await;
    let family = world.family("92").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    let body = json!({
        "season": SEASON, "college_uai": COLLEGE_78, "level": "6e", "formula": "culture", "declares_scholarship": false,
    });
    let path = family.path(&format!("children/{child}/enrolments"));
    family.post(&path, body.clone()).await.refused(409, "enrolment.other_department");
    assert!(family.get(&path).await.expect(200).json.as_array().unwrap().is_empty());

    // There the same account opens its file and enrols the child.
    let file = family
        .post("/v1/departments/78/families", json!({ "first_names": "Camille", "last_name": "Martin" }))
        .await
        .expect(201);
    let there = Family {
        api: family.api.clone(),
        email: family.email.clone(),
        department: "78".to_owned(),
        id: file.text("/id"),
    };
    let child = there.add_child("Lou", "2015-03-14").await;
    there.submit(&child, COLLEGE_78).await;

    // An administrator does not import what another department of the service keeps itself.
    let request = world.administrator.request(reqwest::Method::POST, "/v1/departments/92/colleges/import?of=78");
    let request = request.header("content-type", "text/csv").body("x");
    world.administrator.send(request).await.refused(403, "auth.forbidden");
}

#[actix_web::test]
async fn a_pupil_has_his_rights_once_whoever_of_his_parents_asks() {
    let world = World::start().await;
    let (one, other) = (world.family("92").await, world.family("92").await);
    let secretary = world.secretary(COLLEGE).await;
    world.pupil(&one, &secretary).await;
    let child = other.add_child("LOU", "2015-03-14").await;
    let (id, version) = other.submit(&child, COLLEGE).await;
    let confirm = json!([{ "enrolment_id": id, "version": version, "decision": "confirm" }]);
    let decided = secretary.decide(confirm).await.expect(200);
    assert_eq!(decided.text("/results/0/code"), "enrolment.duplicate_pupil");
    assert_eq!(show(&other, &id).await.text("/enrolment/state"), "submitted");
}

//! A family's word for the year, before or after the collège's.

use super::{June, as_it_stands, pupil};
use crate::{
    coverage::rows,
    rosters::send,
    support::{Family, OTHER_COLLEGE, Secretary, World},
};
use passplus::proof::verify::verify;
use serde_json::{Value, json};

/// One family with one pupil of 6e, carried over to 5e, in June.
async fn carried() -> (June, Family, String) {
    let (mut family, mut child) = (None, String::new());
    let june = June::come(async |world: &World, secretary: &Secretary| {
        let one = world.family("92").await;
        child = pupil(&one, secretary, "Lou", "6e").await;
        family = Some(one);
    })
    .await;
    june.open(1).await;
    let mut family = family.unwrap();
    june.sign_in(&mut family).await;
    (june, family, child)
}

async fn attest(june: &June, waiting: &Value) {
    let e = &waiting["enrolment"];
    let row = json!({ "enrolment_id": e["id"], "version": e["version"], "decision": "confirm" });
    let decided = june.secretary.decide(json!([row])).await.expect(200);
    assert_eq!(decided.text("/results/0/state"), "to_confirm", "{}", decided.json);
}

#[actix_web::test]
async fn one_call_says_contact_consents_and_request_and_the_college_then_confirms() {
    let (june, family, child) = carried().await;
    let waiting = june.waiting(&family).await;
    let mut request = as_it_stands(&waiting[0]);
    request["formula"] = json!("culture");
    let body = json!({
        "contact": { "email": "camille.neuve@example.fr", "phone": "0612345678" },
        "consents": [{ "purpose": "news_email", "granted": true, "text_version": "2027-06", "channel": "mobile" }],
        "children": [request],
    });
    let answered = june.revalidate(&family, body.clone()).await.expect(200);
    assert_eq!((answered.text("/0/state"), answered.text("/0/formula")), ("submitted".into(), "culture".into()));
    let file = family.get(&family.path(&format!("families/{}", family.id))).await.expect(200);
    assert!(file.json.to_string().contains("camille.neuve@example.fr"));
    let consents = family.get(&family.path(&format!("families/{}/consents", family.id))).await.expect(200);
    assert_eq!(consents.at("/choices/0/granted"), &json!(true));
    assert!(june.waiting(&family).await.is_empty());
    june.revalidate(&family, body).await.refused(409, "version.stale");

    june.secretary.confirm(&answered.text("/0/id"), answered.number("/0/version")).await;
    let wallets = family.get(&family.path(&format!("children/{child}/wallets"))).await.expect(200);
    let of_next = wallets.json["items"].as_array().unwrap().iter().filter(|w| w["season"] == "2027-2028");
    let mut balances: Vec<_> =
        of_next.map(|w| (w["kind"].as_str().unwrap(), w["balance_cents"].as_i64().unwrap())).collect();
    balances.sort_unstable();
    assert_eq!(balances, [("culture", 6_000), ("sport", 2_000)]);
}

#[actix_web::test]
async fn where_the_college_has_spoken_the_rights_open_with_the_familys_word() {
    let (june, family, child) = carried().await;
    let card = family.get(&family.path(&format!("children/{child}/card"))).await.expect(200);
    let waiting = june.waiting(&family).await;
    attest(&june, &waiting[0]).await;
    let waiting = june.waiting(&family).await;
    assert_eq!(waiting[0]["known_to_college"], true);
    let answered = june.revalidate(&family, json!({ "children": [as_it_stands(&waiting[0])] })).await.expect(200);
    assert_eq!(answered.text("/0/state"), "active");
    let shown = family.get(&family.path(&format!("enrolments/{}", answered.text("/0/id")))).await.expect(200);
    let steps: Vec<_> = shown.at("/history").as_array().unwrap().iter().map(|s| s["event"].as_str().unwrap()).collect();
    assert_eq!(steps, ["carry_over", "submit", "confirm", "activate"]);
    // The card lives on, and the ledger is right about all of it.
    let after = family.get(&family.path(&format!("children/{child}/card"))).await.expect(200);
    assert_eq!((after.text("/id"), after.text("/code")), (card.text("/id"), card.text("/code")));
    let schema = passplus::migrate::Schema::Department("92".parse().unwrap());
    let report = verify(&june.world.superuser_url(schema), None, false).unwrap();
    assert_eq!((report.violations, report.wallets), (vec![], 4));
    let letters = june.world.letters_to(&family.email).await;
    let confirmed =
        letters.iter().filter(|(subject, body)| subject == "Inscription confirmée" && body.contains("2027-2028"));
    assert_eq!(confirmed.count(), 1);
}

#[actix_web::test]
async fn a_roster_speaks_for_pupils_whose_families_have_not_answered_and_corrects_their_level() {
    let (june, family, _) = carried().await;
    let roster = |step: &str| format!("/v1/departments/92/desk/roster/{step}season=2027-2028");
    let file = "Nom;Prénom;Né(e) le;Niveau\nMARTIN;Lou;06/05/2013;6EME\n";
    let checked = send(&june.secretary.api, &roster("check?"), "text/csv", file).await.expect(200);
    assert_eq!((checked.number("/counts/to_confirm"), checked.number("/counts/missing")), (1, 0), "{}", checked.json);
    assert_eq!(checked.text("/rows/0/corrected_level"), "6e", "what will be changed is told before");
    let path = roster(&format!("apply?digest={}&", checked.text("/digest")));
    let applied = send(&june.secretary.api, &path, "text/csv", file).await.expect(200);
    assert_eq!((applied.number("/attested"), applied.number("/activated")), (1, 0), "{}", applied.json);
    // The same file again has nothing left to confirm; a corrected one has.
    let again = send(&june.secretary.api, &roster("check?"), "text/csv", file).await.expect(200);
    assert_eq!(
        (again.number("/counts/to_confirm"), again.number("/counts/already_confirmed")),
        (0, 1),
        "{}",
        again.json
    );
    assert_eq!(again.at("/rows/0/candidates/0/attested"), &json!(true));
    let corrected = file.replace("6EME", "5EME");
    let again = send(&june.secretary.api, &roster("check?"), "text/csv", corrected).await.expect(200);
    assert_eq!(
        (again.number("/counts/to_confirm"), again.text("/rows/0/corrected_level")),
        (1, "5e".into()),
        "{}",
        again.json
    );
    let waiting = june.waiting(&family).await;
    assert_eq!((&waiting[0]["known_to_college"], &waiting[0]["enrolment"]["level"]), (&json!(true), &json!("6e")));
    let answered = june.revalidate(&family, json!({ "children": [as_it_stands(&waiting[0])] })).await.expect(200);
    assert_eq!((answered.text("/0/state"), answered.text("/0/level")), ("active".into(), "6e".into()));
}

#[actix_web::test]
async fn a_college_speaks_for_itself_and_for_the_level_it_said() {
    let (june, family, _) = carried().await;
    let waiting = june.waiting(&family).await;
    attest(&june, &waiting[0]).await;
    let mut repeats = as_it_stands(&waiting[0]);
    repeats["level"] = json!("6e");
    let answered = june.revalidate(&family, json!({ "children": [repeats] })).await.expect(200);
    assert_eq!(answered.text("/0/state"), "submitted");

    let (june, family, _) = carried().await;
    let waiting = june.waiting(&family).await;
    attest(&june, &waiting[0]).await;
    let mut elsewhere = as_it_stands(&waiting[0]);
    elsewhere["college_uai"] = json!(OTHER_COLLEGE);
    let answered = june.revalidate(&family, json!({ "children": [elsewhere] })).await.expect(200);
    assert_eq!(answered.text("/0/state"), "submitted");
    let mut conn = june.world.superuser("92");
    let grants = rows(&mut conn, "select 1 from wallets where season = '2027-2028'");
    assert!(grants.is_empty(), "{grants:?}");
}

#[actix_web::test]
async fn a_college_that_does_not_know_the_pupil_gives_the_request_back() {
    let (june, family, _) = carried().await;
    let e = june.waiting(&family).await[0]["enrolment"].clone();
    let row = json!({ "enrolment_id": e["id"], "version": e["version"], "decision": "refuse", "reason": "not_enrolled_here" });
    let decided = june.secretary.decide(json!([row])).await.expect(200);
    assert_eq!(decided.text("/results/0/state"), "refused");
    assert!(june.waiting(&family).await.is_empty());
}

#[actix_web::test]
async fn a_word_that_was_taken_back_opens_nothing() {
    let (june, family, _) = carried().await;
    let waiting = june.waiting(&family).await;
    attest(&june, &waiting[0]).await;
    let e = &june.waiting(&family).await[0]["enrolment"];
    let row = json!({ "enrolment_id": e["id"], "version": e["version"], "decision": "refuse", "reason": "not_enrolled_here" });
    let decided = june.secretary.decide(json!([row])).await.expect(200);
    assert_eq!(decided.text("/results/0/state"), "refused");
    let path = family.path(&format!("enrolments/{}", e["id"].as_str().unwrap()));
    let version = family.get(&path).await.expect(200).number("/enrolment/version");
    let submitted = family.post(&format!("{path}/submit"), json!({ "version": version })).await.expect(200);
    assert_eq!(submitted.text("/state"), "submitted");
}

#[actix_web::test]
async fn all_of_a_familys_word_is_taken_or_nothing() {
    let mut families = vec![];
    let june = June::come(async |world: &World, secretary: &Secretary| {
        for names in ["Lou", "Max"] {
            let family = world.family("92").await;
            pupil(&family, secretary, names, "6e").await;
            families.push(family);
        }
        pupil(&families[0], secretary, "Zoé", "5e").await;
    })
    .await;
    june.open(3).await;
    for family in &mut families {
        june.sign_in(family).await;
    }
    let (mine, other) = (june.waiting(&families[0]).await, june.waiting(&families[1]).await);
    assert_eq!((mine.len(), other.len()), (2, 1));
    let contact = json!({ "email": "camille.neuve@example.fr" });
    let mut unknown = as_it_stands(&mine[1]);
    unknown["formula"] = json!("danse");
    let both = json!({ "contact": contact, "children": [as_it_stands(&mine[0]), unknown] });
    let refused = june.revalidate(&families[0], both).await.refused(422, "enrolment.unknown_formula");
    assert_eq!(refused.pointers(), ["/children/1"]);
    let foreign = json!({ "contact": contact, "children": [as_it_stands(&mine[0]), as_it_stands(&other[0])] });
    june.revalidate(&families[0], foreign).await.refused(404, "not_found");
    june.revalidate(&families[1], json!({ "children": [as_it_stands(&mine[0])] })).await.refused(404, "not_found");
    for (body, pointer) in [
        (json!({ "children": [] }), "/children"),
        (json!({ "children": vec![as_it_stands(&mine[0]); 16] }), "/children"),
    ] {
        assert_eq!(june.revalidate(&families[0], body).await.refused(422, "request.invalid").pointers(), [pointer]);
    }
    let said = json!({ "purpose": "news_sms", "granted": true, "text_version": "2027-06", "channel": "web" });
    let twice = json!({ "consents": [said, said], "children": [as_it_stands(&mine[0])] });
    assert_eq!(june.revalidate(&families[0], twice).await.refused(422, "request.invalid").pointers(), ["/consents"]);
    let file = families[0].get(&families[0].path(&format!("families/{}", families[0].id))).await.expect(200);
    assert!(!file.json.to_string().contains("camille.neuve"));
    assert_eq!(june.waiting(&families[0]).await, mine);

    let reader = june.world.guardian(&families[0], "consult").await;
    let body = json!({ "children": [as_it_stands(&mine[0])] });
    june.revalidate(&reader, body).await.refused(403, "guardian.consult_only");
}

#[actix_web::test]
async fn a_familys_word_and_the_desks_at_one_moment_open_the_rights_once() {
    for _ in 0..6 {
        let (june, family, _) = carried().await;
        let waiting = june.waiting(&family).await;
        let e = &waiting[0]["enrolment"];
        let row = json!({ "enrolment_id": e["id"], "version": e["version"], "decision": "confirm" });
        let (answered, decided) = tokio::join!(
            june.revalidate(&family, json!({ "children": [as_it_stands(&waiting[0])] })),
            june.secretary.decide(json!([row])),
        );
        let (answered, decided) = (answered.expect(200), decided.expect(200));
        // The desk was first: active. The family was first: what the desk read has changed, and it confirms what it reads next.
        let opened = answered.text("/0/state") == "active";
        assert_eq!(decided.at("/results/0/done"), &json!(opened), "{} {}", answered.json, decided.json);
        if !opened {
            june.secretary.confirm(&answered.text("/0/id"), answered.number("/0/version")).await;
        }
        let mut conn = june.world.superuser("92");
        let grants = rows(
            &mut conn,
            "select w.kind from transfers t join wallets w on w.id = t.wallet_id where w.season = '2027-2028' order by 1",
        );
        assert_eq!(json!(grants), json!([{ "kind": "culture" }, { "kind": "sport" }]));
    }
}

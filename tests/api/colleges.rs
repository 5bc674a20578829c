//! The collèges: imported from the national directory's file, listed for families.

use crate::support::{Answer, COLLEGE, COLLEGE_78, OTHER_COLLEGE, OUTSIDE_COLLEGE, World};
use reqwest::Method;
use serde_json::json;

const FILE: &str = include_str!("../data/annuaire-demo.csv");
const IMPORT: &str = "/v1/departments/92/colleges/import";

/// Created, updated, unchanged, closed, ignored.
fn counts(answer: &Answer) -> [i64; 5] {
    ["/created", "/updated", "/unchanged", "/closed", "/ignored"].map(|pointer| answer.number(pointer))
}

/// The file without the rows of some collèges.
fn without(file: &str, uais: &[&str]) -> String {
    let kept = file.lines().filter(|line| !uais.iter().any(|uai| line.starts_with(uai)));
    kept.collect::<Vec<_>>().join("\n")
}

#[actix_web::test]
async fn an_import_may_be_repeated_and_closes_what_left_the_file() {
    let world = World::start().await;
    let admin = &world.administrator;
    // World::start has imported it already: three of 92, three rows of another department.
    let again = admin.import_colleges(FILE.as_bytes()).await.expect(200);
    assert_eq!((counts(&again), again.at("/problems")), ([0, 0, 3, 0, 3], &json!([])));

    let family = world.family("92").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    let shorter = without(FILE, &[COLLEGE]).replace("Mont-Valérien", "Mont-Blanc");
    let closed = admin.import_colleges(shorter.as_bytes()).await.expect(200);
    assert_eq!(counts(&closed), [0, 1, 1, 1, 3]);
    let listed = world.api.get("/v1/colleges?department=92").await.expect(200);
    let uais: Vec<&str> = listed.items().iter().map(|college| college["uai"].as_str().unwrap()).collect();
    assert_eq!(uais, [OTHER_COLLEGE, "0920003D"]);
    assert_eq!(listed.text("/items/0/name"), "Collège du Mont-Blanc");
    let shown = world.api.get(&format!("/v1/colleges/{COLLEGE}")).await.expect(200);
    assert_eq!((shown.at("/open"), shown.text("/kind")), (&json!(false), "public".into()));
    let request = json!({ "season": "2026-2027", "college_uai": COLLEGE, "level": "6e", "formula": "sport", "declares_scholarship": false });
    family.post(&family.path(&format!("children/{child}/enrolments")), request).await.refused(422, "college.unknown");
    // The other department's collèges are its own to import.
    let other = world.api.get("/v1/colleges?department=78").await.expect(200);
    assert_eq!(other.items().len(), 3);

    let back = admin.import_colleges(FILE.as_bytes()).await.expect(200);
    assert_eq!(counts(&back), [0, 2, 1, 0, 3]);
    assert_eq!(world.api.get(&format!("/v1/colleges/{COLLEGE}")).await.expect(200).at("/open"), &json!(true));
    let journal = admin.get("/v1/departments/92/journal?limit=100").await.expect(200);
    assert!(journal.items().iter().all(|line| line["action"] != "colleges_imported"), "its journal is the directory's");
}

#[actix_web::test]
async fn rows_with_a_problem_are_told_by_line_and_left_out() {
    let world = World::start().await;
    let row = |uai: &str| FILE.lines().find(|line| line.starts_with(uai)).unwrap();
    let damaged = [
        FILE.lines().next().unwrap(),
        &row(COLLEGE).replace(";92000;", ";9200;"),
        row(OTHER_COLLEGE),
        row(OTHER_COLLEGE),
        &row("0920003D").replace("CONTRAT D'ASSOCIATION TOUTES CLASSES", "HORS CONTRAT"),
        &row(COLLEGE).replace(COLLEGE, "0920009Z"),
        "0920010L;Collège;Public",
        &row(COLLEGE_78).replace(";078;", ";092;"),
    ]
    .join("\r\n");
    let done = world.administrator.import_colleges(damaged.as_bytes()).await.expect(200);
    let lines: Vec<i64> =
        done.at("/problems").as_array().unwrap().iter().map(|p| p["line"].as_i64().unwrap()).collect();
    assert_eq!((counts(&done), lines), ([0, 1, 1, 0, 0], vec![2, 4, 6, 7, 8]));
    // What could not be read has not left the directory, and nobody takes another department's collège.
    let shown = world.api.get(&format!("/v1/colleges/{COLLEGE}")).await.expect(200);
    assert_eq!((shown.at("/open"), shown.text("/postal_code")), (&json!(true), "92000".into()));
    assert_eq!(world.api.get("/v1/colleges/0920003D").await.expect(200).text("/kind"), "private_outside_contract");
    assert_eq!(world.api.get(&format!("/v1/colleges/{COLLEGE_78}")).await.expect(200).text("/department"), "78");
}

#[actix_web::test]
async fn a_file_that_is_not_the_directorys_is_refused_whole() {
    let world = World::start().await;
    let admin = &world.administrator;
    let latin: Vec<u8> =
        FILE.trim_start_matches('\u{feff}').chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    for (file, reason) in [
        (latin, "UTF-8"),
        (FILE.replace("Code_departement", "Departement").into_bytes(), "« Code_departement »"),
        (FILE.replace(';', ",").into_bytes(), "« Identifiant_de_l_etablissement »"),
        (b"\x89PNG\r\n\x1a\n\0\0".to_vec(), "UTF-8"),
        (b"{\"results\": []}".to_vec(), "manque"),
        (vec![], "manque"),
        (without(FILE, &["0920"]).into_bytes(), "aucun collège"),
    ] {
        let answer = admin.import_colleges(&file).await.refused(422, "college.import_refused");
        assert!(answer.text("/detail").contains(reason), "{}", answer.json);
    }
    let too_big = vec![b'x'; passplus::colleges::annuaire::MAX_BYTES + 1];
    admin.import_colleges(&too_big).await.refused(413, "request.too_large");
    let request = admin.request(Method::POST, IMPORT).header("content-type", "application/json").body(FILE);
    admin.send(request).await.refused(415, "request.media_type");
    assert_eq!(world.api.get("/v1/colleges?department=92").await.expect(200).items().len(), 3);

    let family = world.family("92").await;
    let case_worker = world.agent("92", "case_worker").await;
    let secretary = world.secretary(COLLEGE).await;
    for (caller, status, code) in [
        (&world.api, 401, "auth.required"),
        (&family.api, 403, "auth.forbidden"),
        (&case_worker.api, 403, "auth.forbidden"),
        (&secretary.api, 403, "auth.forbidden"),
        (&world.administrator_78.api, 404, "not_found"),
    ] {
        let request = caller.request(Method::POST, IMPORT).header("content-type", "text/csv").body(FILE);
        caller.send(request).await.refused(status, code);
    }
}

#[actix_web::test]
async fn families_find_their_college_by_pages_department_and_name() {
    let world = World::start().await;
    let search = |query: String| {
        let api = world.api.clone();
        async move {
            let page = api.get(&format!("/v1/colleges?{query}")).await.expect(200);
            page.items().iter().map(|c| c["uai"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        }
    };
    let all = ["0780001C", "0780002D", "0780003E", "0920001B", "0920002C", "0920003D"];
    assert_eq!(search(String::new()).await, all);
    let (mut walked, mut cursor) = (vec![], String::new());
    loop {
        let page = world.api.get(&format!("/v1/colleges?limit=4{cursor}")).await.expect(200);
        walked.extend(page.items().iter().map(|c| c["uai"].as_str().unwrap().to_owned()));
        let Some(next) = page.json["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(walked, all);
    assert_eq!(search("department=92".into()).await, all[3..]);
    assert_eq!(search("department=35".into()).await, [""; 0]);
    for name in ["valérien", "VALÉRIEN", "valerien", "Mont-Val"] {
        assert_eq!(search(format!("name={name}")).await, [OTHER_COLLEGE], "{name}");
    }
    assert_eq!(search("name=saint&department=78".into()).await, ["0780003E"]);
    for nothing in ["%25%25", "__", "cassin", "%5C%5C"] {
        assert_eq!(search(format!("name={nothing}")).await, [""; 0], "{nothing}");
    }
    for query in ["name=x", "department=XX", "limit=0", "cursor=AAAA", "nom=x", "name=%00%00"] {
        world.api.get(&format!("/v1/colleges?{query}")).await.refused(400, "request.query");
    }
    let shown = world.api.get("/v1/colleges/0920003D").await.expect(200);
    let expected = json!({
        "uai": "0920003D", "name": "Collège Sainte-Colombe", "kind": "private_under_contract", "department": "92",
        "city": "Sceaux", "postal_code": "92330", "open": true,
    });
    assert_eq!(shown.json, expected);
    for unknown in ["0920149M", "0920001X", "x"] {
        world.api.get(&format!("/v1/colleges/{unknown}")).await.refused(404, "not_found");
    }
}

#[actix_web::test]
async fn a_file_cut_short_on_its_way_closes_nothing() {
    let world = World::start().await;
    world.administrator.import_neighbours().await;
    let file = include_bytes!("../data/annuaire-35.csv");
    let request = world.administrator.request(reqwest::Method::POST, "/v1/departments/92/colleges/import?of=35");
    let request = request.header("content-type", "text/csv").body(file[..file.len() / 2].to_vec());
    world.administrator.send(request).await.refused(422, "college.import_refused");
    let college = world.api.get(&format!("/v1/colleges/{OUTSIDE_COLLEGE}")).await.expect(200);
    assert_eq!(college.at("/open"), true);
}

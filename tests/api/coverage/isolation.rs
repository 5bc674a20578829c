//! What one department knows never reaches the other: not by an answer, not in its database, not by letter, not through the
//! directory they share.

use super::{
    Operation,
    full_family::{billed, rate_request},
    operations, planted_device, planted_till, rows,
};
use crate::{
    canteen,
    support::{Api, COLLEGE, COLLEGE_78, Family, Pupil, SEASON, Till, World, call, debit, key},
};
use diesel::{Connection, PgConnection, connection::SimpleConnection};
use passplus::{kernel::ids::RequestId, migrate::Schema};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const EMAIL: &str = "qwuorth.zyxwane@canari.example";
const CHILD: &str = "Zyxwanette";
const GUARDIAN: &str = "Qwuorth";
const PHONE: &str = "0699887766";
const MEASURES: &str = "Panier-repas du canari.";
const ADDRESS: &str = "17 impasse du Canari jaune, 92000 Nanterre";

/// A family of 92 that has everything, and what must never leave its department.
struct Planted {
    /// Path parameters under which its things are found.
    ids: BTreeMap<&'static str, String>,
    canaries: Vec<String>,
}

async fn plant(world: &World) -> Planted {
    let api = world.sign_up(EMAIL).await;
    let person = json!({ "first_names": GUARDIAN, "last_name": "Martin", "phone": PHONE, "postal_address": ADDRESS });
    let id = api.post("/v1/departments/92/families", person).await.expect(201).text("/id");
    let family = Family { api, id, email: EMAIL.to_owned(), department: "92".to_owned() };
    let secretary = world.secretary(COLLEGE).await;
    let child = family.add_child(CHILD, "2015-03-14").await;
    let (enrolment, version) = family.submit(&child, COLLEGE).await;
    secretary.confirm(&enrolment, version).await;
    let Pupil { culture, card_id, card_code, card_signed, .. } = family.pupil(&child, &enrolment).await;
    let Till { api: till, device, merchant, .. } = world.till(&["culture"]).await;
    let key = key();
    let debited = till.post_keyed("/v1/debits", &key, debit(&card_code, "culture", 1_250)).await.expect(201);
    let tickets = family.path(&format!("wallets/{culture}/tickets"));
    let ticket = family.post_keyed(&tickets, &key, json!({ "amount_cents": 500 })).await.expect(201);
    let contested = family.path(&format!("wallets/{culture}/debits/{}/disputes", debited.text("/id")));
    let dispute = family.post(&contested, json!({ "reason": "other" })).await.expect(201);
    let correction = json!({ "transfer_id": debited.text("/id"), "amount_cents": 100, "reason": "other" });
    let corrections = family.path("corrections");
    let correction = world.administrator.post_keyed(&corrections, &key, correction).await.expect(201);
    let document = crate::documents::send(&family, &child, "tax_notice").await;
    let seen = world.administrator.get(&family.path(&format!("agents-desk/families/{}", family.id))).await.expect(200);
    for canary in [EMAIL, CHILD, GUARDIAN, PHONE, ADDRESS] {
        assert!(seen.json.to_string().contains(canary), "{canary} is not known to its own department: {}", seen.json);
    }
    crate::photos::send(&family, &child, "image/jpeg", crate::photos::jpeg(300, 400)).await.expect(204);
    let photos = family.path(&format!("agents-desk/photos?child_id={child}"));
    let photo = world.administrator.get(&photos).await.expect(200).text("/items/0/id");
    let at_table = plant_canteen(world, &family, &child).await;
    let ids = BTreeMap::from([
        ("family", family.id.clone()),
        ("child", child.clone()),
        ("guardian", seen.text("/guardians/0/id")),
        ("enrolment", enrolment.clone()),
        ("card", card_id.clone()),
        ("photo", photo),
        ("wallet", culture.clone()),
        ("transfer", debited.text("/id")),
        ("ticket", ticket.text("/id")),
        ("document", document.clone()),
        ("dispute", dispute.text("/id")),
        ("correction", correction.text("/id")),
        ("hold", ticket.text("/id")),
        ("key", key),
        ("merchant", merchant.clone()),
        ("merchant_id", merchant),
        ("wallet_kind", "culture".to_owned()),
        ("device", device),
        ("season", SEASON.to_owned()),
        ("uai", COLLEGE.to_owned()),
        ("payer", family.id.clone()),
        // What reads of the canteen must be told.
        ("college_uai", COLLEGE.to_owned()),
        ("from", "2026-11-02".to_owned()),
        ("until", "2026-11-30".to_owned()),
        ("day", "2026-11-02".to_owned()),
        ("month", "2026-11".to_owned()),
    ]);
    let eaten: Vec<String> = at_table.values().cloned().collect();
    let ids: BTreeMap<_, _> = ids.into_iter().chain(at_table).collect();
    let texts = [EMAIL, CHILD, GUARDIAN, PHONE, ADDRESS, MEASURES].map(str::to_owned);
    let secrets =
        [card_code, card_signed, ticket.text("/code"), family.id.clone(), child, enrolment, card_id, culture, document];
    Planted { ids, canaries: texts.into_iter().chain(secrets).chain(eaten).collect() }
}

/// The child at table: an enrolment, a care plan, a bill and a request for a reduced rate, all of which the family reads. By the path
/// parameters under which they are found.
async fn plant_canteen(world: &World, family: &Family, child: &str) -> BTreeMap<&'static str, String> {
    canteen::open(world, &[COLLEGE]).await;
    let wish = json!({ "child_id": child, "season": SEASON, "weekdays": ["monday"], "diet": "everything" });
    let enrolment = canteen::enrol(family, &wish).await;
    let plans = family.path(&format!("children/{child}/care-plans"));
    let plan = json!({
        "season": SEASON, "measures": MEASURES, "own_meal": false, "starts_on": "2026-11-02", "ends_on": "2027-07-02",
    });
    let plan = world.secretary(COLLEGE).await.post(&plans, plan).await.expect(201).text("/id");
    let mut conn = world.superuser("92");
    conn.batch_execute(&billed(&family.id, child)).unwrap();
    rate_request(&mut conn, child, &family.id);
    let mut of =
        |sql: &str| call(&mut conn, &format!("(select id from {sql} limit 1)")).unwrap().as_str().unwrap().to_owned();
    let (bill, request) = (of("canteen_bills"), of("canteen_rate_requests"));
    let (run, operator) = (of("canteen_bill_runs"), key());
    for read in [
        format!("enrolments/{enrolment}"),
        format!("enrolments/{enrolment}/meals?from=2026-11-02&until=2026-11-30"),
        format!("bills/{bill}"),
        format!("accounts/{}", family.id),
        format!("reduced-rate-requests/{request}"),
    ] {
        family.get(&canteen::at(&read)).await.expect(200);
    }
    assert_eq!(family.get(&plans).await.expect(200).text("/0/measures"), MEASURES);
    BTreeMap::from([
        ("id", enrolment),
        ("bill", bill),
        ("request", request),
        ("run", run),
        ("operator", operator),
        ("plan", plan),
    ])
}

async fn callers_of_78(world: &World) -> Vec<(String, Api)> {
    let mut callers = vec![
        ("anonymous".to_owned(), world.api.clone()),
        ("guardian".to_owned(), world.family("78").await.api),
        ("secretary".to_owned(), world.secretary(COLLEGE_78).await.api),
        ("till".to_owned(), planted_till(world, "78", 1).await),
        ("gate".to_owned(), planted_device(world, "78", Some(COLLEGE_78)).await),
        ("kitchen".to_owned(), planted_device(world, "78", None).await),
    ];
    for function in ["administrator", "case_worker", "finance", "dpo"] {
        callers.push((function.to_owned(), world.agent("78", function).await.api));
    }
    callers
}

/// What is asked of an operation beside its path, with a value for each parameter without which it is not looked at.
fn needed_query(operation: &Operation, planted: &Planted) -> String {
    let parameters = operation.described["parameters"].as_array().into_iter().flatten();
    // A collège is needed of those who have none.
    let is_needed = |parameter: &&Value| parameter["required"] == true || parameter["name"] == "college_uai";
    let needed = parameters.filter(|parameter| parameter["in"] == "query").filter(is_needed);
    let values = needed.map(|parameter| {
        let name = parameter["name"].as_str().unwrap();
        let value = planted.ids.get(name).unwrap_or_else(|| panic!("{}: plant a {name}", operation.name()));
        let time = if parameter["schema"]["format"] == "date-time" { "T00:00:00Z" } else { "" };
        format!("{name}={value}{time}")
    });
    values.collect::<Vec<_>>().join("&")
}

/// Every row of a database of this world.
fn dump(world: &World, schema: Schema) -> Vec<(String, String)> {
    super::dump(&mut PgConnection::establish(&world.superuser_url(schema)).unwrap())
}

fn department(code: &str) -> Schema {
    Schema::Department(code.parse().unwrap())
}

#[actix_web::test]
async fn nothing_of_a_family_of_92_is_ever_answered_to_a_caller_of_78() {
    let world = World::start().await;
    let planted = plant(&world).await;
    let (mut answered, mut overlooked) = (0, BTreeSet::new());
    let reads: Vec<Operation> = operations().into_iter().filter(|operation| operation.method == "GET").collect();
    for (name, api) in callers_of_78(&world).await {
        for (operation, asked) in reads.iter().flat_map(|operation| [(operation, "92"), (operation, "78")]) {
            let value = |parameter: &str| match planted.ids.get(parameter) {
                _ if parameter == "department" => asked.to_owned(),
                Some(id) => id.clone(),
                None => RequestId::generate().to_string(),
            };
            let query = needed_query(operation, &planted);
            let answer = api.get(&format!("{}?{query}", operation.address(value))).await;
            if answer.status == 422 {
                overlooked.insert(format!("{}?{query}: {}", operation.name(), answer.json));
            }
            let body = String::from_utf8_lossy(&answer.bytes);
            for canary in &planted.canaries {
                assert!(
                    !body.contains(canary),
                    "{name} of 78 reads {canary} by {} in {asked}: {body}",
                    operation.name()
                );
            }
            let public = !operation.described["security"].is_array();
            let staff = !["anonymous", "guardian", "till"].contains(&name.as_str());
            if asked == "92" && operation.path.contains("{department}") && staff && !public {
                assert!(
                    [403, 404].contains(&answer.status),
                    "{name} of 78: {} answers {}",
                    operation.name(),
                    answer.status
                );
            }
            answered += i32::from(answer.status == 200);
        }
    }
    assert!(answered > 50, "{answered} answers only: nothing was asked");
    assert!(overlooked.is_empty(), "asked in words that are not understood: {overlooked:#?}");
}

#[actix_web::test]
async fn nothing_of_a_family_of_92_lies_in_the_database_of_78_in_its_letters_or_in_the_directory() {
    let world = World::start().await;
    let planted = plant(&world).await;
    // 78 is at work meanwhile: families, pupils, people, letters.
    let family = world.family("78").await;
    let secretary = world.secretary(COLLEGE_78).await;
    let child = family.add_child("Noa", "2015-03-14").await;
    let (enrolment, version) = family.submit(&child, COLLEGE_78).await;
    secretary.confirm(&enrolment, version).await;
    callers_of_78(&world).await;
    world.work_off().await;

    let at_home = dump(&world, department("92"));
    let holds = |dump: &[(String, String)], text: &str| dump.iter().any(|(_, row)| row.contains(text));
    for canary in [EMAIL, CHILD, GUARDIAN, PHONE, ADDRESS] {
        assert!(holds(&at_home, canary), "{canary} is not even in the database of 92");
    }
    let elsewhere = dump(&world, department("78"));
    assert!(holds(&elsewhere, "Noa") && !holds(&at_home, "Noa"), "78 holds its own, and 92 does not");
    let shared = dump(&world, Schema::Directory);
    for canary in &planted.canaries {
        for (place, dump) in [("78", &elsewhere), ("the directory", &shared)] {
            let found =
                dump.iter().find(|(table, row)| row.contains(canary) && !(place != "78" && table == "accounts"));
            assert!(found.is_none(), "{canary} lies in {place}: {found:?}");
        }
    }
    // Of the accounts, the directory knows the address alone.
    let mut conn = PgConnection::establish(&world.superuser_url(Schema::Directory)).unwrap();
    for row in rows(&mut conn, "select to_jsonb(a) - 'email' as rest from accounts a") {
        assert!(planted.canaries.iter().all(|canary| !row.to_string().contains(canary)), "{row}");
    }
    let mut letters = 0;
    for file in std::fs::read_dir(&world.letters).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let to_92 = text.starts_with(&format!("To: {EMAIL}\n"));
        let found = planted.canaries.iter().find(|canary| text.contains(canary.as_str()));
        assert!(to_92 || found.is_none(), "{found:?} in a letter to somebody else:\n{text}");
        letters += i32::from(!to_92);
    }
    assert!(letters > 5, "{letters} letters only");
}

//! What the department decides of portraits, and what the family sees of it.

use crate::{
    photos::{jpeg, send},
    support::{Agent, Answer, Api, Family, World, field_at_fault},
};
use diesel::prelude::*;
use passplus::{
    kernel::{actor::Caller, ids::ChildId},
    photos::{self, Size},
};
use serde_json::{Value, json};

const QUEUE: &str = "/v1/departments/92/agents-desk/photos";

/// The rows of the queue with that question.
async fn queue(agent: &Api, query: &str) -> Vec<Value> {
    agent.get(&format!("{QUEUE}{query}")).await.expect(200).items().clone()
}

/// Id and version of the portrait of a child that waits.
async fn waiting(agent: &Api, child: &str) -> (String, Value) {
    let rows = queue(agent, &format!("?child_id={child}")).await;
    (rows[0]["id"].as_str().unwrap().to_owned(), rows[0]["version"].clone())
}

async fn decide(agent: &Api, photo: &str, body: Value) -> Answer {
    agent.post(&format!("{QUEUE}/{photo}/decide"), body).await
}

/// Accepts the portrait of a child that waits; gives its id.
pub async fn accept(agent: &Api, child: &str) -> String {
    let (photo, version) = waiting(agent, child).await;
    decide(agent, &photo, json!({ "version": version, "decision": "accept" })).await.expect(200);
    photo
}

fn path(family: &Family, child: &str, rest: &str) -> String {
    family.path(&format!("children/{child}/{rest}"))
}

async fn states(family: &Family, child: &str) -> Vec<String> {
    let listed = family.get(&path(family, child, "photos")).await.expect(200);
    listed.items().iter().map(|row| row["state"].as_str().unwrap().to_owned()).collect()
}

struct Desk {
    world: World,
    family: Family,
    child: String,
    agent: Agent,
}

impl Desk {
    async fn open() -> Self {
        let world = World::start().await;
        let family = world.family("92").await;
        let child = family.add_child("Lou", "2015-03-14").await;
        let agent = world.agent("92", "case_worker").await;
        Self { world, family, child, agent }
    }

    async fn send(&self, width: u32, height: u32) {
        send(&self.family, &self.child, "image/jpeg", jpeg(width, height)).await.expect(204);
    }

    async fn picture(&self, state: &str) -> Answer {
        self.family.get(&path(&self.family, &self.child, &format!("photo?state={state}"))).await
    }
}

#[actix_web::test]
async fn a_portrait_waits_is_viewed_and_accepted_and_serves_until_the_next_one() {
    let desk = Desk::open().await;
    let Desk { world, family, child, agent } = &desk;
    assert!(queue(agent, "").await.is_empty());
    desk.send(600, 800).await;
    let rows = queue(agent, "").await;
    let row = &rows[0];
    assert_eq!((rows.len(), &row["child_id"], &row["first_names"]), (1, &json!(child), &json!("Lou")));
    assert_eq!(
        (&row["state"], &row["version"], &row["birth_date"]),
        (&json!("submitted"), &json!(1), &json!("2015-03-14"))
    );
    assert_eq!((&row["hints"]["source_width"], &row["hints"]["source_height"]), (&json!(600), &json!(800)));
    assert!(row["doubts"].as_array().unwrap().contains(&json!("blurred")), "two plain halves have no detail: {row}");

    let (first, version) = waiting(agent, child).await;
    let viewed = agent.get(&format!("{QUEUE}/{first}/picture")).await.expect(200);
    assert_eq!(viewed.headers["content-type"], "image/jpeg");
    assert_eq!(viewed.bytes, desk.picture("submitted").await.expect(200).bytes);
    desk.picture("accepted").await.refused(404, "not_found");
    let accepted = decide(agent, &first, json!({ "version": version, "decision": "accept" })).await.expect(200);
    assert_eq!(accepted.text("/state"), "accepted");
    assert_eq!(states(family, child).await, ["accepted"]);
    assert_eq!(desk.picture("accepted").await.expect(200).bytes, viewed.bytes);
    assert!(
        world.letters_to(&family.email).await.iter().any(|(_, text)| text.contains("La photo de Lou est acceptée"))
    );

    // Each audience has its size, by the one door of the other domains.
    let (id, system) = (child.parse::<ChildId>().unwrap(), Caller::system());
    for (size, width) in [(Size::Till, 210), (Size::Gate, 280), (Size::Card, 420)] {
        let read = move |tx: &mut passplus::db::Tx<'_>| photos::accepted(tx, id, size);
        let file = world.app.db.read("92".parse().unwrap(), &system, read).await.unwrap().unwrap();
        assert_eq!(image::load_from_memory(&file).unwrap().width(), width);
    }

    // A newer one waits beside it, and takes its place once accepted.
    desk.send(500, 700).await;
    assert_eq!(states(family, child).await, ["submitted", "accepted"]);
    assert_eq!(desk.picture("accepted").await.expect(200).bytes, viewed.bytes);
    assert_ne!(family.get(&path(family, child, "photo")).await.expect(200).bytes, viewed.bytes);
    desk.send(501, 700).await;
    assert_eq!(queue(agent, "").await.len(), 1, "the newest of those that wait");
    let second = accept(agent, child).await;
    assert_eq!(states(family, child).await, ["accepted"]);
    assert_ne!(desk.picture("accepted").await.expect(200).bytes, viewed.bytes);
    agent.get(&format!("{QUEUE}/{first}/picture")).await.refused(404, "not_found");

    let journal = world.administrator.get(&format!("/v1/departments/92/journal?object_id={child}&limit=100")).await;
    let of_agents =
        journal.items().iter().filter(|line| line["actor_kind"] == "agent" || line["action"] != "photo_viewed");
    let actions: Vec<&str> = of_agents.map(|line| line["action"].as_str().unwrap()).collect();
    let expected = [
        "child_added",
        "photo_submitted",
        "photo_viewed",
        "photo_accepted",
        "photo_submitted",
        "photo_submitted",
        "photo_accepted",
    ];
    assert_eq!(actions, expected);
    assert_eq!(queue(agent, "?state=accepted").await[0]["id"], json!(second));
}

#[actix_web::test]
async fn a_refused_portrait_is_deleted_at_once_and_its_reason_stays_until_the_next() {
    let desk = Desk::open().await;
    let Desk { world, family, child, agent } = &desk;
    desk.send(600, 800).await;
    let (photo, version) = waiting(agent, child).await;
    let pictures = |table: &str| -> i64 {
        let sql = format!("(select count(*) from photos where {table} is not null)");
        diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(&sql))
            .get_result(&mut world.superuser("92"))
            .unwrap()
    };
    assert_eq!((pictures("image_sealed"), pictures("hints")), (1, 1));
    field_at_fault(decide(agent, &photo, json!({ "version": version, "decision": "refuse" })).await, "/reason");
    let odd = json!({ "version": version, "decision": "accept", "reason": "blurred" });
    field_at_fault(decide(agent, &photo, odd).await, "/reason");
    let body = json!({ "version": version, "decision": "refuse", "reason": "blurred", "note": "Posez le téléphone." });
    let refused = decide(agent, &photo, body).await.expect(200);
    assert_eq!((refused.text("/state"), refused.text("/reason")), ("refused".to_owned(), "blurred".to_owned()));
    assert_eq!((pictures("image_sealed"), pictures("hints"), pictures("till_sealed")), (0, 0, 0));
    let seen = family.get(&path(family, child, "photos")).await.expect(200);
    assert_eq!(
        (seen.text("/items/0/reason"), seen.text("/items/0/note")),
        ("blurred".into(), "Posez le téléphone.".into())
    );
    assert!(seen.text("/items/0/detail").contains("floue"));
    desk.picture("refused").await.refused(404, "not_found");
    family.get(&path(family, child, "photo")).await.refused(404, "not_found");
    agent.get(&format!("{QUEUE}/{photo}/picture")).await.refused(404, "not_found");
    let letters = world.letters_to(&family.email).await;
    let (_, told) = letters.iter().find(|(_, text)| text.contains("n'est pas acceptée")).unwrap();
    assert!(told.contains("floue") && told.contains("Posez le téléphone."));
    assert_eq!(queue(agent, "").await.len(), 0);

    // The next takes its place.
    desk.send(600, 800).await;
    assert_eq!(states(family, child).await, ["submitted"]);
    let photo = accept(agent, child).await;
    // What was accepted too soon is refused later; it is gone from every audience.
    let again = json!({ "version": 2, "decision": "accept" });
    decide(agent, &photo, again).await.refused(409, "photo.transition");
    let body = json!({ "version": 2, "decision": "refuse", "reason": "wrong_person" });
    decide(agent, &photo, body).await.expect(200);
    assert_eq!(states(family, child).await, ["refused"]);
    assert_eq!((pictures("image_sealed"), pictures("till_sealed"), pictures("gate_sealed")), (0, 0, 0));
    decide(agent, &photo, json!({ "version": 3, "decision": "accept" })).await.refused(409, "photo.transition");
    family.delete(&path(family, child, "photo")).await.expect(204);
    assert!(states(family, child).await.is_empty());
}

#[actix_web::test]
async fn of_two_reviewers_the_second_is_told_that_it_is_decided() {
    let desk = Desk::open().await;
    let Desk { world, child, agent, .. } = &desk;
    let other = world.agent("92", "case_worker").await;
    desk.send(600, 800).await;
    let (photo, version) = waiting(agent, child).await;
    let refuse = json!({ "version": version, "decision": "refuse", "reason": "head_covered" });
    let accept = json!({ "version": version, "decision": "accept" });
    let (one, two) = tokio::join!(decide(agent, &photo, accept.clone()), decide(&other, &photo, refuse.clone()));
    let (done, late) = if one.status == 200 { (one, two) } else { (two, one) };
    done.expect(200);
    late.refused(409, "version.stale");
    decide(&other, &photo, refuse).await.refused(409, "version.stale");

    // The family replaced it meanwhile: what was looked at is not decided for what was not.
    desk.send(600, 801).await;
    let (seen, version) = waiting(agent, child).await;
    desk.send(600, 802).await;
    decide(agent, &seen, json!({ "version": version, "decision": "accept" })).await.refused(404, "not_found");
}

#[actix_web::test]
async fn the_queue_goes_by_pages_and_up_to_twenty_are_accepted_together() {
    let desk = Desk::open().await;
    let Desk { family, agent, .. } = &desk;
    let mut children = vec![];
    for (number, name) in ["Ana", "Boris", "Chloé"].into_iter().enumerate() {
        let child = family.add_child(name, &format!("2015-03-1{number}")).await;
        send(family, &child, "image/jpeg", jpeg(300, 400)).await.expect(204);
        children.push(child);
    }
    let first = agent.get(&format!("{QUEUE}?limit=2")).await.expect(200);
    let ids: Vec<&Value> = first.items().iter().map(|row| &row["child_id"]).collect();
    assert_eq!(ids, [&json!(children[0]), &json!(children[1])], "who waited longest comes first");
    let rest = queue(agent, &format!("?limit=2&cursor={}", first.text("/next_cursor"))).await;
    assert_eq!((rest.len(), &rest[0]["child_id"]), (1, &json!(children[2])));
    agent.get(&format!("{QUEUE}?limit=21")).await.refused(400, "request.query");

    let rows = queue(agent, "").await;
    let seen: Vec<Value> = rows.iter().map(|row| json!({ "photo_id": row["id"], "version": row["version"] })).collect();
    let accept = format!("{QUEUE}/accept");
    field_at_fault(agent.post(&accept, json!({ "photos": [] })).await, "/photos");
    field_at_fault(agent.post(&accept, json!({ "photos": vec![seen[0].clone(); 21] })).await, "/photos");
    let wanted = json!({ "photos": [seen[0], seen[0], { "photo_id": rows[1]["id"], "version": 9 }, seen[2]] });
    let results = agent.post(&accept, wanted).await.expect(200);
    let done: Vec<bool> = (0..4).map(|at| results.at(&format!("/results/{at}/done")).as_bool().unwrap()).collect();
    assert_eq!(done, [true, false, false, true]);
    assert_eq!(results.text("/results/1/code"), "version.stale");
    assert_eq!(queue(agent, "").await.len(), 1);
}

#[actix_web::test]
async fn the_database_lets_only_an_agent_decide_and_in_his_own_name() {
    use diesel::connection::SimpleConnection;
    let desk = Desk::open().await;
    desk.send(600, 800).await;
    let me = desk.family.get("/v1/me").await.text("/account_id");
    let mut conn = desk.world.app_role("92");
    let offset = (desk.world.app.db.server_now() - passplus::kernel::time::server_now()).num_seconds();
    let mut as_one = |kind: &str, statement: &str| -> Result<usize, String> {
        // A device has no account.
        let who = if kind == "device" { "device" } else { "account" };
        let begin = format!(
            "rollback; begin; set local app.kind = '{kind}'; set local app.{who} = '{me}'; set local app.clock_offset = '{offset} seconds'"
        );
        conn.batch_execute(&begin).unwrap();
        diesel::sql_query(statement).execute(&mut conn).map_err(|error| error.to_string())
    };
    let decide = |by: &str| {
        format!(
            "update photos set state = 'accepted', till_sealed = '', gate_sealed = '', hints = null, decided_by = {by}, decided_at = now()"
        )
    };
    assert_eq!(as_one("guardian", &decide("actor_account()")), Ok(0));
    assert_eq!(as_one("device", &decide("actor_account()")), Ok(0));
    assert_eq!(as_one("device", "delete from photos"), Ok(0));
    assert_eq!(as_one("agent", &decide("actor_account()")), Ok(1));
    assert!(as_one("agent", &decide("gen_random_uuid()")).unwrap_err().contains("row-level security"));
    let copied = "insert into photos (id, child_id, family_id, image_sealed, submitted_at, state, till_sealed, gate_sealed, decided_by, decided_at)
                  select gen_random_uuid(), child_id, family_id, image_sealed, now(), 'accepted', '', '', actor_account(), now() from photos";
    assert!(as_one("guardian", copied).unwrap_err().contains("row-level security"));
    assert!(
        as_one("agent", "update photos set child_id = gen_random_uuid()").unwrap_err().contains("permission denied")
    );
}

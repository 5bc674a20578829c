//! Staff and guests, who have no card: by the list of the day of their gate.

use super::{Canteen, Device, TODAY, at, device, offline::send, operator};
use crate::support::{Answer, COLLEGE, OTHER_COLLEGE, SEASON, call, days};
use serde_json::{Value, json};

impl Canteen {
    pub(super) async fn adult(&self, kind: &str, first_names: &str) -> String {
        let person = json!({ "kind": kind, "last_name": "Roux", "first_names": first_names });
        self.secretary.post(&at(&format!("colleges/{COLLEGE}/adults")), person).await.expect(201).text("/id")
    }

    /// A guest with a meal today.
    pub(super) async fn guest(&self, first_names: &str) -> String {
        let id = self.adult("guest", first_names).await;
        self.secretary.post(&at(&format!("adults/{id}/meals/{TODAY}/reserve")), json!({})).await.expect(200);
        id
    }

    fn listed(&self, gate: &Device, diner: &str) -> Value {
        let mut body = self.shown(gate, "");
        body.as_object_mut().unwrap().remove("card");
        body["diner_id"] = diner.into();
        body
    }

    async fn pick(&self, gate: &Device, diner: &str) -> Answer {
        gate.post(&at("passages"), self.listed(gate, diner)).await.expect(200)
    }
}

fn told(answer: &Answer) -> (bool, String) {
    (answer.at("/eats") == &json!(true), answer.text("/reason"))
}

#[actix_web::test]
async fn an_adult_of_the_list_eats_once_a_day_at_his_own_college() {
    let canteen = Canteen::open().await;
    let (guest, staff) = (canteen.guest("Maud").await, canteen.adult("commensal", "Paul").await);
    let wish = json!({ "season": SEASON, "weekdays": ["monday"], "diet": "everything" });
    canteen.secretary.post(&at(&format!("adults/{staff}/enrolments")), wish).await.expect(201);
    let file = canteen.gate.get(&at("gate-list?portraits=false")).await.expect(200);
    let list = String::from_utf8_lossy(&canteen.gate.age.open(&file.bytes).unwrap()).into_owned();
    assert!(list.contains(r#""adult":"guest""#) && list.contains(r#""adult":"commensal""#), "{list}");

    let body = canteen.listed(&canteen.gate, &guest);
    let first = canteen.gate.post(&at("passages"), body.clone()).await.expect(200);
    let expected = json!({ "id": guest, "first_name": "Maud", "initial": "R", "diet": "everything", "own_meal": false, "care": false });
    assert_eq!((told(&first), first.at("/diner")), ((true, "reserved".into()), &expected));
    assert_eq!(canteen.gate.post(&at("passages"), body).await.expect(200).json, first.json);
    let second = device(&canteen.world, &canteen.operator, Some(COLLEGE)).await;
    for gate in [&canteen.gate, &second] {
        assert_eq!(told(&canteen.pick(gate, &guest).await), (false, "already_passed".into()));
    }
    assert_eq!(canteen.meals(&guest), [format!("{TODAY} consumed")]);
    // No Monday: he eats as any who reserved nothing.
    assert_eq!(told(&canteen.pick(&canteen.gate, &staff).await), (true, "not_enrolled".into()));
    assert_eq!(canteen.meals(&staff), [format!("{TODAY} walk_in")]);
}

#[actix_web::test]
async fn staff_without_reservation_eats_by_the_rules_of_pupils() {
    let mut canteen = Canteen::open().await;
    let (paul, rose) = (canteen.adult("commensal", "Paul").await, canteen.adult("commensal", "Rose").await);
    let gone = canteen.adult("commensal", "Max").await;
    canteen.secretary.post(&at(&format!("adults/{gone}/leave")), json!({ "version": 1 })).await.expect(200);
    let rule = async |starts_on: &str, walk_ins: bool| {
        let rule = json!({ "starts_on": starts_on, "walk_ins": walk_ins });
        canteen.world.administrator.put(&at(&format!("gate-rules/{COLLEGE}")), rule).await.expect(200);
    };
    rule(TODAY, false).await;
    assert_eq!(told(&canteen.pick(&canteen.gate, &paul).await), (false, "not_enrolled".into()));
    rule(TODAY, true).await;
    // None of them reserved anything: the list names those who are there.
    let file = canteen.gate.get(&at("gate-list?portraits=false")).await.expect(200);
    let list = String::from_utf8_lossy(&canteen.gate.age.open(&file.bytes).unwrap()).into_owned();
    for name in ["Paul", "Rose"] {
        let entry =
            format!(r#""adult":"commensal","first_name":"{name}","initial":"R","eats":true,"reason":"not_enrolled""#);
        assert!(list.contains(&entry), "{list}");
    }
    assert!(!list.contains("Max"), "{list}");
    let answer = canteen.pick(&canteen.gate, &paul).await;
    assert_eq!((told(&answer), answer.text("/diner/first_name")), ((true, "not_enrolled".into()), "Paul".into()));
    assert_eq!(canteen.meals(&paul), [format!("{TODAY} walk_in")]);
    assert_eq!(told(&canteen.pick(&canteen.gate, &gone).await), (false, "unknown_card".into()));

    // Without network, sent on the next day: who he was is kept; who had left before is nobody.
    canteen.wait(days(1)).await;
    let line = |sequence: i64, at: &str, diner: &str| json!({ "sequence": sequence, "scanned_at": at, "diner_id": diner, "let_in": true });
    let batch = [
        line(10, "2026-10-15T10:00:00Z", &rose),
        line(11, "2026-10-15T10:01:00Z", &paul),
        line(12, "2026-10-15T10:02:00Z", &gone),
        line(13, "2026-10-16T07:00:00Z", &gone),
    ];
    let sent = send(&canteen.gate, &batch).await.expect(200);
    let outcomes: Vec<&Value> = sent.items().iter().map(|line| &line["outcome"]).collect();
    assert_eq!(outcomes, ["counted", "double", "counted", "unknown"]);
    assert_eq!(canteen.meals(&rose), [format!("{TODAY} walk_in")]);
    assert_eq!(canteen.meals(&gone), [format!("{TODAY} walk_in")], "his last day");
    let kept = "(select count(*) from canteen_passages where person_id is not null)";
    assert_eq!(call(&mut canteen.world.superuser("92"), kept).unwrap(), json!(5));
}

#[actix_web::test]
async fn nobody_else_passes_by_his_id() {
    let canteen = Canteen::open().await;
    let (lou, gone) = (canteen.diner("Zoé").await, canteen.guest("Léa").await);
    let (idle, guest) = (canteen.adult("guest", "Max").await, canteen.guest("Maud").await);
    canteen.secretary.post(&at(&format!("adults/{gone}/leave")), json!({ "version": 1 })).await.expect(200);
    // A child shows something; who has left, or has no meal today, is not in the list.
    for diner in [&lou.child, &gone, &idle, &canteen.gate.id] {
        let answer = canteen.pick(&canteen.gate, diner).await;
        assert_eq!((told(&answer), answer.json.get("diner")), ((false, "unknown_card".into()), None));
    }
    assert_eq!(canteen.meals(&lou.child), [format!("{TODAY} reserved")]);
    let other = operator(&canteen.world, "Cuisines du Mont", &[OTHER_COLLEGE]).await;
    let other = device(&canteen.world, &other, Some(OTHER_COLLEGE)).await;
    assert_eq!(told(&canteen.pick(&other, &guest).await), (false, "unknown_card".into()), "another collège's list");
    let mut both = canteen.listed(&canteen.gate, &guest);
    both["card"] = lou.card_code.clone().into();
    let none = json!({ "sequence": 99, "scanned_at": canteen.now() });
    for body in [both, none] {
        let refused = canteen.gate.post(&at("passages"), body).await.refused(422, "request.invalid");
        assert_eq!(refused.pointers(), ["/card"]);
    }
}

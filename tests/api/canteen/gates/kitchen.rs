//! What a kitchen cooks, and for whom it takes care.

use super::{Canteen, TODAY, at, device, operator};
use crate::support::{COLLEGE, OTHER_COLLEGE, SEASON, days};
use serde_json::{Value, json};

#[actix_web::test]
async fn meals_are_counted_for_those_who_cook_and_plan_them() {
    let mut canteen = Canteen::open().await;
    let lou = canteen.diner_on("Zoé", &["thursday", "friday"]).await;
    let ana = canteen.diner_on("Ana", &["thursday"]).await;
    canteen.diner_elsewhere("Boris").await;
    canteen.set_meal(&lou.child, "2026-10-16", "cancelled");
    canteen.plan(&lou.child, false, "Sans arachide.").await;
    canteen.plan(&ana.child, true, "Repas apporté par la famille.").await;
    for kind in ["commensal", "guest"] {
        let person = json!({ "kind": kind, "last_name": "Roux", "first_names": "Maud" });
        let adults = at(&format!("colleges/{COLLEGE}/adults"));
        let id = canteen.secretary.post(&adults, person).await.expect(201).text("/id");
        let meal = if kind == "guest" {
            canteen.secretary.post(&at(&format!("adults/{id}/meals/{TODAY}/reserve")), json!({})).await
        } else {
            let wish = json!({ "season": SEASON, "weekdays": ["thursday"], "diet": "everything" });
            canteen.secretary.post(&at(&format!("adults/{id}/enrolments")), wish).await
        };
        assert!(meal.status < 300, "{}", meal.json);
    }
    canteen.told(&ana.card_code).await;
    canteen.told(&canteen.pupil.card_code).await;

    let path = at(&format!("forecast?from={TODAY}&until=2026-10-16"));
    let here = json!({
        "day": TODAY, "college_uai": COLLEGE, "reserved": 4, "pupils": 2, "commensaux": 1, "guests": 1, "no_pork": 1, "no_meat": 0, "care": 2,
        "own_meals": 1, "walk_ins": 1,
    });
    let of_others = |day: &str| {
        json!({
            "day": day, "college_uai": OTHER_COLLEGE, "reserved": 1, "pupils": 1, "commensaux": 0, "guests": 0, "no_pork": 1, "no_meat": 0,
            "care": 0, "own_meals": 0, "walk_ins": 0,
        })
    };
    let finance = canteen.world.agent("92", "finance").await;
    let neighbour = canteen.world.secretary(OTHER_COLLEGE).await;
    let all = vec![here.clone(), of_others(TODAY), of_others("2026-10-16")];
    for (reader, expected) in [
        (&canteen.kitchen.api, vec![here.clone()]),
        (&canteen.secretary.api, vec![here.clone()]),
        (&neighbour.api, all[1..].to_vec()),
        (&finance.api, all),
    ] {
        assert_eq!(reader.get(&path).await.expect(200).items(), &expected);
    }
    for until in ["2026-10-14", "2026-11-15"] {
        let wrong = at(&format!("forecast?from={TODAY}&until={until}"));
        assert_eq!(canteen.kitchen.get(&wrong).await.refused(422, "request.invalid").pointers(), ["/until"]);
    }
    canteen.kitchen.get(&at("forecast?from=hier&until=demain")).await.refused(400, "request.query");
    for (caller, status, code) in [
        (&canteen.world.api, 401, "auth.required"),
        (&canteen.gate.api, 403, "auth.forbidden"),
        (&canteen.scene.till.api, 403, "auth.forbidden"),
        (&canteen.family.api, 403, "auth.forbidden"),
        (&canteen.world.administrator_78.api, 404, "not_found"),
    ] {
        caller.get(&path).await.refused(status, code);
    }
    canteen.kitchen.get(&path.replace("/92/", "/78/")).await.refused(404, "not_found");
    canteen.wait(days(300)).await;
    let later = at("forecast?from=2027-08-11&until=2027-08-11");
    assert!(canteen.kitchen.get(&later).await.expect(200).items().is_empty());
}

#[actix_web::test]
async fn a_kitchen_reads_what_it_does_today_for_which_child_and_nobody_else_does() {
    let mut canteen = Canteen::open().await;
    let (lou, ana) = (canteen.diner("Zoé Anne").await, canteen.diner("Ana").await);
    canteen.plan(&lou.child, false, "Sans arachide ; plateau préparé à part.").await;
    canteen.plan(&ana.child, true, "Repas apporté par la famille.").await;
    // She does not come today.
    canteen.set_meal(&ana.child, TODAY, "cancelled");
    let read = canteen.kitchen.get(&at("care")).await.expect(200);
    let expected = json!([{
        "child_id": lou.child, "college_uai": COLLEGE, "first_name": "Zoé", "initial": "M", "own_meal": false,
        "measures": "Sans arachide ; plateau préparé à part.",
    }]);
    assert_eq!(read.at("/items"), &expected);
    let journal = canteen.world.administrator.get("/v1/departments/92/journal?limit=100").await.expect(200);
    let lines: Vec<&Value> = journal.items().iter().filter(|line| line["action"] == "canteen_care_read").collect();
    assert_eq!((lines.len(), &lines[0]["object_id"]), (1, &json!(lou.child)), "who read what");

    let other = operator(&canteen.world, "Cuisines du Mont", &[OTHER_COLLEGE]).await;
    let other = device(&canteen.world, &other, None).await;
    assert_eq!(other.get(&at("care")).await.expect(200).at("/items"), &json!([]), "another operator's children");
    let clerk = canteen.world.agent("92", "case_worker").await;
    for (caller, status, code) in [
        (&canteen.world.api, 401, "auth.required"),
        (&canteen.gate.api, 403, "auth.forbidden"),
        (&canteen.scene.till.api, 403, "auth.forbidden"),
        (&canteen.family.api, 403, "auth.forbidden"),
        (&canteen.secretary.api, 403, "auth.forbidden"),
        (&clerk.api, 403, "auth.forbidden"),
        (&canteen.world.administrator.api, 403, "auth.forbidden"),
    ] {
        caller.get(&at("care")).await.refused(status, code);
    }
    canteen.kitchen.get("/v1/departments/78/canteen/care").await.refused(404, "not_found");
    canteen.wait(days(2)).await;
    assert_eq!(canteen.kitchen.get(&at("care")).await.expect(200).at("/items"), &json!([]), "today only");
}

//! What agents see of money before they decide; each reading is a line of the journal.

use crate::support::{Api, Scene, Treasury, key};
use serde_json::json;

const DESK: &str = "/v1/departments/92/agents-desk";

/// What the journal tells of readings of an object.
async fn journalled(scene: &Scene, object: &str) -> Vec<String> {
    let path = format!("/v1/departments/92/journal?object_id={object}&limit=100");
    let lines = scene.world.administrator.get(&path).await.expect(200);
    let actions = lines.items().iter().map(|line| line["action"].as_str().unwrap().to_owned());
    actions.filter(|action| action.ends_with("inspected") || action.ends_with("searched")).collect()
}

#[actix_web::test]
async fn agents_read_a_childs_money_as_its_family_does_and_the_journal_tells() {
    let scene = Scene::set().await;
    let finance = scene.world.agent("92", "finance").await;
    let (child, wallet) = (&scene.pupil.child, &scene.pupil.culture);
    scene.debit("culture", 1_500).await.expect(201);
    scene.ticket(json!({ "amount_cents": 500 })).await.expect(201);
    scene.debit("culture", 9_000).await.refused(409, "debit.refused");
    for path in [
        format!("children/{child}/wallets"),
        format!("children/{child}/refused-payments"),
        format!("wallets/{wallet}/statement?limit=1"),
    ] {
        let (own, seen) =
            (scene.family.get(&scene.family.path(&path)).await, finance.get(&format!("{DESK}/{path}")).await);
        assert_eq!(seen.expect(200).json, own.expect(200).json, "{path}");
    }
    let hold = json!({ "card": scene.pupil.card_code, "wallet_kind": "sport", "amount_cents": 300,
                       "activity_label": "Danse", "activity_date": "2026-10-20" });
    scene.till.post_keyed("/v1/holds", &key(), hold).await.expect(201);
    let held = finance.get(&format!("{DESK}/wallets/{}/holds", scene.pupil.sport)).await.expect(200);
    assert_eq!((held.text("/items/0/kind"), held.number("/items/0/amount_cents")), ("till".to_owned(), 300));
    let tickets = finance.get(&format!("{DESK}/wallets/{wallet}/holds")).await.expect(200);
    assert_eq!((tickets.items().len(), tickets.number("/items/0/amount_cents")), (1, 500));
    assert_eq!(tickets.json.pointer("/items/0/code"), None, "the code of a ticket is as good as money");
    assert_eq!(journalled(&scene, child).await, ["wallets_inspected", "refused_payments_inspected"]);
    assert_eq!(journalled(&scene, wallet).await, ["statement_inspected", "holds_inspected"]);
}

#[actix_web::test]
async fn a_movement_is_found_by_merchant_day_and_amount_and_shown_by_its_id() {
    let scene = Scene::set().await;
    let worker = scene.world.agent("92", "case_worker").await;
    let debit = scene.debit("culture", 1_500).await.expect(201).text("/id");
    let other = scene.debit("sport", 700).await.expect(201).text("/id");
    scene.refund(&debit, 400).await.expect(201);
    let search = async |more: &str| {
        let path = format!("{DESK}/movements?merchant_id={}{more}", scene.till.merchant);
        let found = worker.get(&path).await.expect(200);
        found.items().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(search("&amount_cents=1500").await, std::slice::from_ref(&debit));
    assert_eq!(search("&from=2026-10-15&until=2026-10-15").await.len(), 3);
    assert_eq!(search("&from=2026-10-16").await.len() + search("&until=2026-10-14").await.len(), 0);
    let first = worker.get(&format!("{DESK}/movements?merchant_id={}&limit=2", scene.till.merchant)).await.expect(200);
    let rest = search(&format!("&limit=2&cursor={}", first.text("/next_cursor"))).await;
    assert_eq!(rest, std::slice::from_ref(&debit));
    worker.get(&format!("{DESK}/movements")).await.refused(400, "request.query");
    worker
        .get(&format!("{DESK}/movements?merchant_id={}&from=hier", scene.till.merchant))
        .await
        .refused(400, "request.query");

    let shown = worker.get(&format!("{DESK}/movements/{debit}")).await.expect(200);
    let expected = json!({ "id": debit, "kind": "debit", "amount_cents": 1_500, "given_back_cents": 400,
        "wallet_id": scene.pupil.culture, "wallet_kind": "culture", "season": "2026-2027", "child_id": scene.pupil.child,
        "family_id": scene.family.id, "child_first_name": "Lou", "child_initial": "M", "in_a_payout": false });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&shown.json[name], value, "{name}");
    }
    assert_eq!(journalled(&scene, &debit).await, ["movement_inspected"]);
    let path = format!("/v1/departments/92/journal?object_id={}&limit=100", scene.till.merchant);
    let journal = scene.world.administrator.get(&path).await.expect(200);
    let line = journal.items().iter().find(|line| line["action"] == "movements_searched").unwrap();
    assert_eq!(line["details"], json!({ "transfers": [debit] }));
    assert_ne!(other, debit);
}

#[actix_web::test]
async fn a_movement_that_a_settlement_took_up_says_so() {
    let treasury = Treasury::open().await;
    let debit = treasury.debit(1_500).await;
    let path = format!("{DESK}/movements/{debit}");
    assert_eq!(treasury.finance[0].get(&path).await.expect(200).json["in_a_payout"], json!(false));
    treasury.freeze().await.expect(201);
    assert_eq!(treasury.finance[0].get(&path).await.expect(200).json["in_a_payout"], json!(true));
}

#[actix_web::test]
async fn nobody_else_reads_money_at_the_desk() {
    let scene = Scene::set().await;
    let debit = scene.debit("culture", 1_500).await.expect(201).text("/id");
    let (child, wallet) = (&scene.pupil.child, &scene.pupil.culture);
    let dpo = scene.world.agent("92", "dpo").await;
    let worker_78 = scene.world.agent("78", "case_worker").await;
    let callers: [(&Api, u16, &str); 6] = [
        (&dpo, 403, "auth.forbidden"),
        (&scene.family, 403, "auth.forbidden"),
        (&scene.till, 403, "auth.forbidden"),
        (&scene.secretary, 403, "auth.forbidden"),
        (&worker_78, 404, "not_found"),
        (&scene.world.api, 401, "auth.required"),
    ];
    let worker = scene.world.agent("92", "case_worker").await;
    for path in [
        format!("children/{child}/wallets"),
        format!("children/{child}/refused-payments"),
        format!("wallets/{wallet}/statement"),
        format!("wallets/{wallet}/holds"),
        format!("movements/{debit}"),
        format!("movements?merchant_id={}", scene.till.merchant),
    ] {
        for (api, status, code) in &callers {
            api.get(&format!("{DESK}/{path}")).await.refused(*status, code);
        }
        let unknown = [child, wallet, &debit].iter().fold(path.clone(), |path, id| path.replace(id.as_str(), &key()));
        if unknown != path {
            worker.get(&format!("{DESK}/{unknown}")).await.refused(404, "not_found");
        }
    }
    assert_eq!(journalled(&scene, child).await, Vec::<String>::new());
}

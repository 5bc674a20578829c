//! A family contests a debit within its delay; the merchant sees it, an agent decides, and what is given back is given back once.

use crate::{
    ledger::Books,
    ledger_rules::set_rules,
    support::{Answer, Api, Scene, days, key},
};
use serde_json::{Value, json};

const DISPUTES: &str = "/v1/departments/92/disputes";

fn address(scene: &Scene, wallet: &str, debit: &str) -> String {
    scene.family.path(&format!("wallets/{wallet}/debits/{debit}/disputes"))
}

fn reason() -> Value {
    json!({ "reason": "not_mine", "note": "Nous étions absents ce jour-là." })
}

async fn contest(scene: &Scene, debit: &str) -> Answer {
    scene.family.post(&address(scene, &scene.pupil.culture, debit), reason()).await
}

async fn decide(api: &Api, dispute: &Answer, word: &str) -> Answer {
    let path = format!("{DISPUTES}/{}/{word}", dispute.text("/id"));
    api.post(&path, json!({ "note": "La liste de présence fait foi." })).await
}

async fn culture(scene: &Scene) -> i64 {
    scene.family.balance(&scene.pupil.child, "culture").await
}

/// What the merchant sees of it.
async fn at_the_till(scene: &Scene, debit: &str) -> Value {
    scene.till.get(&format!("/v1/departments/92/debits/{debit}")).await.expect(200).json["dispute"].clone()
}

#[actix_web::test]
async fn a_contested_debit_upheld_comes_back_and_everybody_concerned_sees_where_it_stands() {
    let scene = Scene::set().await;
    let worker = scene.world.agent("92", "case_worker").await;
    let debit = scene.debit("culture", 1_500).await.expect(201).text("/id");
    assert_eq!(at_the_till(&scene, &debit).await, Value::Null);
    let opened = contest(&scene, &debit).await.expect(201);
    assert_eq!((opened.text("/state"), opened.text("/transfer_id")), ("open".to_owned(), debit.clone()));
    contest(&scene, &debit).await.refused(409, "dispute.already_exists");
    assert_eq!((at_the_till(&scene, &debit).await, culture(&scene).await), (json!("open"), 4_500));
    let own = scene.family.path(&format!("wallets/{}/disputes", scene.pupil.culture));
    assert_eq!(scene.family.get(&own).await.expect(200).items(), &vec![opened.json.clone()]);
    let other = scene.family.path(&format!("wallets/{}/disputes", scene.pupil.sport));
    assert!(scene.family.get(&other).await.expect(200).items().is_empty());

    let listed = worker.get(&format!("{DISPUTES}?state=open")).await.expect(200);
    assert_eq!(
        (listed.text("/items/0/id"), listed.text("/items/0/family_id")),
        (opened.text("/id"), scene.family.id.clone())
    );
    // What there is to judge stands beside it.
    assert_eq!(
        (listed.text("/items/0/debit/id"), listed.number("/items/0/debit/amount_cents")),
        (debit.clone(), 1_500)
    );
    for (pointer, said) in [
        ("wallet_kind", "culture"),
        ("activity_label", "Spectacle"),
        ("child_first_name", "Lou"),
        ("child_initial", "M"),
    ] {
        assert_eq!(listed.text(&format!("/items/0/debit/{pointer}")), said);
    }
    assert!(listed.text("/items/0/debit/merchant_name").starts_with("Théâtre"), "{}", listed.json);
    assert_eq!(listed.at("/items/0/debit/in_a_payout"), &json!(false));
    assert_eq!(
        (listed.text("/items/0/last_day_to_contest"), listed.number("/items/0/days_left")),
        ("2026-12-14".to_owned(), 60)
    );
    let journal = scene.world.administrator.get("/v1/departments/92/journal?object_id=92&limit=100").await.expect(200);
    let read = journal.items().iter().find(|row| row["action"] == "disputes_inspected").unwrap();
    assert_eq!(read["details"], json!({ "disputes": [opened.text("/id")] }));
    let upheld = decide(&worker, &opened, "uphold").await.expect(200);
    assert_eq!(upheld.number("/debit/given_back_cents"), 1_500);
    assert_eq!((upheld.text("/state"), culture(&scene).await), ("upheld".to_owned(), 6_000));
    let path = scene.family.path(&format!("wallets/{}/statement?limit=1", scene.pupil.culture));
    let line = scene.family.get(&path).await.expect(200).json["items"][0].clone();
    assert_eq!((&line["id"], &line["kind"]), (upheld.at("/reversal_id"), &json!("reversal")));
    let (_, letter) = scene.world.letters_to(&scene.family.email).await.pop().unwrap();
    assert!(letter.contains("votre contestation est acceptée") && letter.contains("15,00 €"), "{letter}");
    assert_eq!(at_the_till(&scene, &debit).await, json!("upheld"));
    assert!(worker.get(&format!("{DISPUTES}?state=open")).await.expect(200).items().is_empty());

    for word in ["uphold", "reject"] {
        decide(&worker, &opened, word).await.refused(409, "dispute.transition");
    }
    contest(&scene, &debit).await.refused(409, "dispute.given_back");
    scene.refund(&debit, 1).await.refused(409, "refund.exceeds_debit");
    assert_eq!(Books::read(&scene.world).prove(), Ok(()));
}

#[actix_web::test]
async fn a_dispute_rejected_leaves_the_debit_and_tells_the_family_why() {
    let scene = Scene::set().await;
    let finance = scene.world.agent("92", "finance").await;
    let debit = scene.debit("culture", 1_500).await.expect(201).text("/id");
    let opened = contest(&scene, &debit).await.expect(201);
    let path = format!("{DISPUTES}/{}/reject", opened.text("/id"));
    assert_eq!(finance.post(&path, json!({})).await.refused(422, "request.invalid").pointers().len(), 1);
    let rejected = decide(&finance, &opened, "reject").await.expect(200);
    assert_eq!((rejected.text("/state"), culture(&scene).await), ("rejected".to_owned(), 4_500));
    let (_, letter) = scene.world.letters_to(&scene.family.email).await.pop().unwrap();
    assert!(letter.contains("n'est pas retenue : La liste de présence fait foi."), "{letter}");
    assert_eq!(at_the_till(&scene, &debit).await, json!("rejected"));
    decide(&finance, &opened, "uphold").await.refused(409, "dispute.transition");
    contest(&scene, &debit).await.refused(409, "dispute.already_exists");
}

#[actix_web::test]
async fn a_family_contests_within_the_departments_delay() {
    let mut scene = Scene::set().await;
    set_rules(&scene.world, json!({ "dispute_days": 10 })).await;
    let (first, second) =
        (scene.debit("culture", 500).await.expect(201), scene.debit("culture", 500).await.expect(201));
    scene.wait(days(10)).await;
    contest(&scene, &first.text("/id")).await.expect(201);
    scene.wait(days(1)).await;
    let late = contest(&scene, &second.text("/id")).await.refused(409, "dispute.too_late");
    assert!(late.text("/detail").contains("10 jours"), "{}", late.json);
}

#[actix_web::test]
async fn above_the_threshold_a_second_person_decides_and_the_dispute_stays_open_until_then() {
    let scene = Scene::set().await;
    set_rules(&scene.world, json!({ "correction_alone_max_cents": 1_000 })).await;
    let (worker, finance) = (scene.world.agent("92", "case_worker").await, scene.world.agent("92", "finance").await);
    let debit = scene.debit("culture", 1_500).await.expect(201).text("/id");
    let opened = contest(&scene, &debit).await.expect(201);
    let word_of_one = decide(&worker, &opened, "uphold").await.expect(200);
    assert_eq!((word_of_one.text("/state"), culture(&scene).await), ("open".to_owned(), 4_500));
    let correction = format!("/v1/departments/92/corrections/{}", word_of_one.text("/correction_id"));
    let listed = finance.get(DISPUTES).await.expect(200);
    assert_eq!(listed.at("/items/0/correction_id"), word_of_one.at("/correction_id"));
    for word in ["uphold", "reject"] {
        decide(&finance, &opened, word).await.refused(409, "dispute.transition");
    }
    worker.post(&format!("{correction}/approve"), json!({})).await.refused(409, "four_eyes.same_person");

    // Refused by the second, it is open for another decision.
    finance.post(&format!("{correction}/refuse"), json!({ "note": "À revoir." })).await.expect(200);
    assert_eq!(at_the_till(&scene, &debit).await, json!("open"));
    let word_of_one = decide(&worker, &opened, "uphold").await.expect(200);
    let correction = format!("/v1/departments/92/corrections/{}", word_of_one.text("/correction_id"));
    let made = finance.post(&format!("{correction}/approve"), json!({})).await.expect(200);
    assert_eq!((made.text("/reason"), culture(&scene).await), ("dispute".to_owned(), 6_000));
    let listed = finance.get(&format!("{DISPUTES}?state=upheld")).await.expect(200);
    assert_eq!(listed.at("/items/0/reversal_id"), made.at("/reversal_id"));
    assert_eq!(at_the_till(&scene, &debit).await, json!("upheld"));
    assert_eq!(Books::read(&scene.world).prove(), Ok(()));
}

#[actix_web::test]
async fn what_the_merchant_gave_back_meanwhile_is_not_given_back_again() {
    let scene = Scene::set().await;
    let worker = scene.world.agent("92", "case_worker").await;
    let (part, whole) =
        (scene.debit("culture", 1_500).await.expect(201), scene.debit("culture", 700).await.expect(201));
    let (of_part, of_whole) =
        (contest(&scene, &part.text("/id")).await.expect(201), contest(&scene, &whole.text("/id")).await.expect(201));
    scene.refund(&part.text("/id"), 600).await.expect(201);
    scene.refund(&whole.text("/id"), 700).await.expect(201);
    decide(&worker, &of_part, "uphold").await.expect(200);
    let nothing_left = decide(&worker, &of_whole, "uphold").await.expect(200);
    assert_eq!(nothing_left.text("/state"), "upheld");
    assert!(nothing_left.json["reversal_id"].is_null());
    let (_, letter) = scene.world.letters_to(&scene.family.email).await.pop().unwrap();
    assert!(letter.contains("déjà été rendu"), "{letter}");
    assert_eq!((culture(&scene).await, Books::read(&scene.world).prove()), (6_000, Ok(())));
}

#[actix_web::test]
async fn of_two_agents_who_uphold_at_once_one_gives_back() {
    let scene = Scene::set().await;
    let (worker, finance) = (scene.world.agent("92", "case_worker").await, scene.world.agent("92", "finance").await);
    let debit = scene.debit("culture", 1_500).await.expect(201).text("/id");
    let opened = contest(&scene, &debit).await.expect(201);
    let (one, other) = tokio::join!(decide(&worker, &opened, "uphold"), decide(&finance, &opened, "uphold"));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!((statuses, culture(&scene).await), ([200, 409], 6_000));
}

#[actix_web::test]
async fn only_a_guardian_with_full_rights_contests_and_only_a_debit_of_that_wallet() {
    let scene = Scene::set().await;
    let debit = scene.debit("culture", 1_500).await.expect(201).text("/id");
    let given_back = scene.debit("culture", 500).await.expect(201).text("/id");
    let refund = scene.refund(&given_back, 500).await.expect(201).text("/id");
    contest(&scene, &given_back).await.refused(409, "dispute.given_back");
    for transfer in [refund, key()] {
        contest(&scene, &transfer).await.refused(404, "not_found");
    }
    scene.family.post(&address(&scene, &scene.pupil.sport, &debit), reason()).await.refused(404, "not_found");
    let path = address(&scene, &scene.pupil.culture, &debit);
    let unknown = json!({ "reason": "too_dear" });
    assert_eq!(scene.family.post(&path, unknown).await.refused(422, "request.invalid").pointers(), ["/reason"]);

    let reader = scene.world.guardian(&scene.family, "consult").await;
    reader.post(&path, reason()).await.refused(403, "guardian.consult_only");
    let stranger = scene.world.family("92").await;
    stranger.post(&path, reason()).await.refused(404, "not_found");
    let own = scene.family.path(&format!("wallets/{}/disputes", scene.pupil.culture));
    stranger.get(&own).await.refused(404, "not_found");
    assert!(reader.get(&own).await.expect(200).items().is_empty());
    let worker = scene.world.agent("92", "case_worker").await;
    for api in [&scene.till.api, &scene.secretary.api, &worker.api] {
        api.post(&path, reason()).await.refused(403, "auth.forbidden");
        api.get(&own).await.refused(403, "auth.forbidden");
    }
    scene.world.api.post(&path, reason()).await.refused(401, "auth.required");
    assert_eq!(at_the_till(&scene, &debit).await, Value::Null);
}

#[actix_web::test]
async fn disputes_are_decided_by_the_departments_own_agents_but_the_dpo() {
    let scene = Scene::set().await;
    let debit = scene.debit("culture", 1_500).await.expect(201).text("/id");
    let opened = contest(&scene, &debit).await.expect(201);
    let dpo = scene.world.agent("92", "dpo").await;
    let worker_78 = scene.world.agent("78", "case_worker").await;
    for (api, status, code) in [
        (&dpo.api, 403, "auth.forbidden"),
        (&scene.family.api, 403, "auth.forbidden"),
        (&scene.till.api, 403, "auth.forbidden"),
        (&scene.secretary.api, 403, "auth.forbidden"),
        (&worker_78.api, 404, "not_found"),
        (&scene.world.api, 401, "auth.required"),
    ] {
        api.get(DISPUTES).await.refused(status, code);
        for word in ["uphold", "reject"] {
            decide(api, &opened, word).await.refused(status, code);
        }
    }
    assert_eq!(culture(&scene).await, 4_500);
}

//! Paying merchants: a batch from the plan to the bank's file, and what stops it.

use crate::support::{Answer, Treasury, server_of, valid_pain001};
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

const BATCHES: &str = "/v1/departments/92/payout-batches";

async fn statement(treasury: &Treasury, payout: &Value, form: &str) -> Answer {
    let id = payout["id"].as_str().unwrap();
    treasury.finance[1].get(&format!("/v1/departments/92/payouts/{id}/statement.{form}")).await
}

fn superuser(treasury: &Treasury, sql: &str) {
    treasury.scene.world.superuser("92").batch_execute(sql).unwrap();
}

#[actix_web::test]
async fn a_batch_is_frozen_approved_by_two_others_and_sent_as_a_valid_file() {
    let treasury = Treasury::open().await;
    let [preparer, one, two] = &treasury.finance;
    treasury.freeze().await.refused(409, "settlement.nothing_due");
    let first = treasury.debit(1_250).await;
    treasury.debit(800).await;
    treasury.scene.refund(&first, 300).await.expect(201);
    let plan = treasury.plan().await;
    assert_eq!((&plan["drift_cents"], &plan["total_cents"]), (&json!(0), &json!(1_750)));
    let item = &plan["items"][0];
    assert_eq!(
        (&item["line_count"], &item["lines_cents"], &item["prospect"]),
        (&json!(3), &json!(1_750), &json!("to_pay"))
    );
    // Not before its time.
    let tomorrow = json!({ "until": "2036-01-01T00:00:00Z" });
    let wrong = preparer.post(BATCHES, tomorrow).await.refused(422, "request.invalid");
    assert_eq!(wrong.pointers(), ["/until"]);

    let batch = treasury.freeze().await.expect(201);
    assert_eq!((batch.number("/number"), batch.number("/total_cents")), (1, 1_750));
    assert_eq!(treasury.plan().await["items"], json!([]), "each line is settled once");
    treasury.freeze().await.refused(409, "settlement.nothing_due");
    // Who froze does not approve, nobody approves twice, and only what was read.
    treasury.approve(&batch, preparer).await.refused(409, "four_eyes.same_person");
    let path = format!("{BATCHES}/{}/approve", batch.text("/id"));
    one.post(&path, json!({ "hash": "00".repeat(32) })).await.refused(409, "version.stale");
    assert_eq!(one.post(&path, json!({ "hash": "x" })).await.refused(422, "request.invalid").pointers(), ["/hash"]);
    treasury.step(&batch, "send").await.refused(409, "settlement.transition");
    let approved = treasury.approve(&batch, one).await.expect(200);
    assert_eq!(
        (approved.text("/state"), approved.at("/approvals").as_array().unwrap().len()),
        ("frozen".to_owned(), 1)
    );
    treasury.approve(&batch, one).await.refused(409, "four_eyes.same_person");
    assert_eq!(treasury.approve(&batch, two).await.expect(200).text("/state"), "approved");
    treasury.approve(&batch, &treasury.administrator).await.refused(409, "settlement.transition");
    treasury.file(&batch).await.refused(409, "settlement.transition");

    let sent = treasury.step(&batch, "send").await.expect(200);
    assert_eq!(sent.text("/state"), "sent");
    treasury.step(&batch, "send").await.refused(409, "settlement.transition");
    treasury.step(&batch, "cancel").await.refused(409, "settlement.transition");
    let file = treasury.file(&batch).await.expect(200);
    let xml = String::from_utf8(file.bytes.clone()).unwrap();
    valid_pain001(&xml);
    for part in [
        "<MsgId>PASSPLUS-92-1</MsgId>",
        "<CtrlSum>17.50</CtrlSum>",
        "<IBAN>FR1420041010050500013M02606</IBAN>",
        "<IBAN>FR7630006000011234567890189</IBAN>",
        "<Nm>Theatre de l'OEuvre + Cie</Nm>",
        "<EndToEndId>PP92-1-1</EndToEndId>",
    ] {
        assert!(xml.contains(part) || xml.contains(&part.replace('\'', "&apos;")), "no {part} in {xml}");
    }
    assert_eq!(treasury.file(&batch).await.bytes, file.bytes);

    let payout = treasury.payout(&batch).await;
    assert_eq!((&payout["state"], &payout["amount_cents"]), (&json!("to_pay"), &json!(1_750)));
    let table = statement(&treasury, &payout, "csv").await.expect(200);
    assert_eq!(table.headers["content-disposition"], "attachment; filename=\"passplus-releve-PP92-1-1.csv\"");
    let csv = String::from_utf8(table.bytes).unwrap();
    let origin = format!(";{first};-3,00\r\n");
    let parts =
        [&origin, ";;Total;;;;;;;;17,50\r\n", ";Caisse 1;", ";;Compte crédité;se terminant par 0189;", ";;SIRET;9"];
    for part in parts.iter().chain([&";;Sous-total des remboursements;;;;;;;;-3,00\r\n"]) {
        assert!(csv.starts_with('\u{feff}') && csv.contains(*part), "no {part} in {csv}");
    }
    assert!(!csv.contains("Lou"), "no child is named: {csv}");
    let pdf = statement(&treasury, &payout, "pdf").await.expect(200);
    assert!(pdf.bytes.starts_with(b"%PDF"));
    assert_eq!(pdf.headers["content-type"], "application/pdf");
    assert_eq!(pdf.headers["content-disposition"], "attachment; filename=\"passplus-releve-PP92-1-1.pdf\"");
    assert_eq!(file.headers["content-disposition"], "attachment; filename=\"PASSPLUS-92-1.xml\"");
    let listed = one.get(BATCHES).await.expect(200);
    assert_eq!(listed.items().len(), 1);
    assert_eq!(one.get(&format!("{BATCHES}/{}", batch.text("/id"))).await.expect(200).json, listed.items()[0]);
    let journal = format!("/v1/departments/92/journal?limit=100&object_id={}", batch.text("/id"));
    let journal = treasury.scene.world.administrator.get(&journal).await.expect(200);
    let actions: Vec<&str> = journal.items().iter().map(|line| line["action"].as_str().unwrap()).collect();
    let expected =
        ["batch_frozen", "batch_approved", "batch_approved", "batch_sent", "batch_file_read", "batch_file_read"];
    assert_eq!(actions, expected);
}

#[actix_web::test]
async fn a_refund_after_settlement_is_a_negative_line_of_the_next_batch_and_a_debt_is_carried() {
    let treasury = Treasury::open().await;
    let debit = treasury.debit(1_000).await;
    let first = treasury.settle().await;
    treasury.scene.refund(&debit, 400).await.expect(201);
    let plan = treasury.plan().await;
    assert_eq!((&plan["items"][0]["lines_cents"], &plan["items"][0]["prospect"]), (&json!(-400), &json!("carried")));
    let second = treasury.settle().await;
    assert_eq!((second.text("/state"), second.number("/total_cents")), ("settled".to_owned(), 0));
    treasury.file(&second).await.refused(409, "settlement.transition");
    let owed = treasury.payout(&second).await;
    assert_eq!((&owed["state"], &owed["amount_cents"]), (&json!("carried"), &json!(-400)));
    // A debt alone waits: no batch is made for it.
    assert_eq!(treasury.plan().await["items"][0]["prospect"], "waiting");
    treasury.freeze().await.refused(409, "settlement.nothing_due");
    treasury.debit(1_000).await;
    let third = treasury.settle().await;
    let paid = treasury.payout(&third).await;
    assert_eq!(
        (&paid["lines_cents"], &paid["carried_in_cents"], &paid["amount_cents"]),
        (&json!(1_000), &json!(-400), &json!(600))
    );
    assert_eq!(treasury.payout(&second).await["carried_into"], paid["id"]);
    let csv = String::from_utf8(statement(&treasury, &paid, "csv").await.expect(200).bytes).unwrap();
    assert!(csv.contains(";Report des lots précédents;;;;;;;;-4,00\r\n;;Total;;;;;;;;6,00\r\n"), "{csv}");
    assert_eq!((first.number("/number"), third.number("/number")), (1, 3));
    let page = treasury.finance[0].get(&format!("{BATCHES}?limit=2")).await.expect(200);
    let numbers = |page: &Answer| page.items().iter().map(|row| row["number"].as_i64().unwrap()).collect::<Vec<_>>();
    assert_eq!(numbers(&page), [3, 2]);
    let rest = treasury.finance[0].get(&format!("{BATCHES}?limit=2&cursor={}", page.text("/next_cursor"))).await;
    assert_eq!(numbers(&rest), [1]);
}

#[actix_web::test]
async fn a_cancelled_batch_gives_back_its_lines_and_what_it_carried_in() {
    let treasury = Treasury::open().await;
    let debit = treasury.debit(1_000).await;
    treasury.settle().await;
    treasury.scene.refund(&debit, 400).await.expect(201);
    treasury.settle().await;
    treasury.debit(500).await;
    let batch = treasury.freeze().await.expect(201);
    assert_eq!(batch.number("/total_cents"), 100);
    treasury.approve(&batch, &treasury.finance[1]).await.expect(200);
    treasury.approve(&batch, &treasury.finance[2]).await.expect(200);
    assert_eq!(treasury.step(&batch, "cancel").await.expect(200).text("/state"), "cancelled");
    treasury.step(&batch, "cancel").await.refused(409, "settlement.transition");
    treasury.approve(&batch, &treasury.finance[1]).await.refused(409, "settlement.transition");
    treasury.step(&batch, "send").await.refused(409, "settlement.transition");
    let item = treasury.plan().await["items"][0].clone();
    assert_eq!((&item["lines_cents"], &item["carried_in_cents"]), (&json!(500), &json!(-400)));
    let again = treasury.settle().await;
    assert_eq!((again.number("/number"), again.number("/total_cents")), (4, 100), "the number stays taken");
}

#[actix_web::test]
async fn a_row_that_was_tampered_with_stops_the_batch_and_nothing_is_lost() {
    let treasury = Treasury::open().await;
    let debit = treasury.debit(1_000).await;
    let batch = treasury.freeze().await.expect(201);
    let one = &treasury.finance[1];
    let id = batch.text("/id");
    for (tampered, mended) in [
        // Both sums agree: only the ledger and the hash know better.
        (
            format!(
                "update payout_lines set amount_cents = 9000 where transfer_id = '{debit}';
                     update payouts set lines_cents = 9000, amount_cents = 9000 where batch_id = '{id}'"
            ),
            format!(
                "update payout_lines set amount_cents = 1000 where transfer_id = '{debit}';
                     update payouts set lines_cents = 1000, amount_cents = 1000 where batch_id = '{id}'"
            ),
        ),
        (
            format!("update payouts set merchant_id = '{debit}' where batch_id = '{id}'"),
            format!("update payouts set merchant_id = '{}' where batch_id = '{id}'", treasury.scene.till.merchant),
        ),
        (
            format!("update payout_batches set total_cents = 1 where id = '{id}'"),
            format!("update payout_batches set total_cents = 1000 where id = '{id}'"),
        ),
        (
            format!("update payouts set end_to_end_id = 'x' where batch_id = '{id}'"),
            format!("update payouts set end_to_end_id = 'PP92-1-1' where batch_id = '{id}'"),
        ),
    ] {
        superuser(&treasury, &tampered);
        treasury.approve(&batch, one).await.refused(409, "settlement.tampered");
        superuser(&treasury, &mended);
    }
    treasury.approve(&batch, one).await.expect(200);
    treasury.approve(&batch, &treasury.finance[2]).await.expect(200);
    superuser(&treasury, &format!("delete from payout_lines where transfer_id = '{debit}'"));
    treasury.step(&batch, "send").await.refused(409, "settlement.tampered");
    // Given up and made again, it pays what the ledger says.
    treasury.step(&batch, "cancel").await.expect(200);
    let sent = treasury.settle().await;
    assert_eq!(sent.number("/total_cents"), 1_000);
    // An account whose holder was changed does not open.
    superuser(&treasury, "update bank_accounts set holder_name = 'Autre' where merchant_id is not null");
    treasury.file(&sent).await.refused(409, "settlement.tampered");
    // A line taken away from what was paid would be paid again.
    superuser(&treasury, &format!("delete from payout_lines where transfer_id = '{debit}'"));
    treasury.freeze().await.refused(409, "settlement.unbalanced");
    treasury.file(&sent).await.refused(409, "settlement.tampered");
}

#[actix_web::test]
async fn no_batch_is_made_while_the_ledger_does_not_prove_itself() {
    let treasury = Treasury::open().await;
    treasury.debit(1_000).await;
    let batch = treasury.freeze().await.expect(201);
    treasury.debit(500).await;
    let culture = &treasury.scene.pupil.culture;
    superuser(&treasury, &format!("update wallets set balance_cents = balance_cents + 7 where id = '{culture}'"));
    assert_eq!(treasury.plan().await["drift_cents"], 7);
    treasury.freeze().await.refused(409, "settlement.ledger_drift");
    treasury.approve(&batch, &treasury.finance[1]).await.refused(409, "settlement.ledger_drift");
    superuser(&treasury, &format!("update wallets set balance_cents = balance_cents - 7 where id = '{culture}'"));
    treasury.approve(&batch, &treasury.finance[1]).await.expect(200);
    assert_eq!(treasury.freeze().await.expect(201).number("/total_cents"), 500);
}

#[actix_web::test]
async fn contested_lines_wait_until_they_are_decided() {
    let treasury = Treasury::open().await;
    let contested = treasury.debit(1_000).await;
    treasury.debit(500).await;
    treasury.scene.refund(&contested, 200).await.expect(201);
    let (family, merchant) = (&treasury.scene.family.id, &treasury.scene.till.merchant);
    superuser(
        &treasury,
        &format!(
            "insert into disputes (id, transfer_id, family_id, merchant_id, state, reason, opened_by, opened_at)
             values (gen_random_uuid(), '{contested}', '{family}', '{merchant}', 'open', 'not_mine', gen_random_uuid(), now())"
        ),
    );
    let item = treasury.plan().await["items"][0].clone();
    assert_eq!((&item["lines_cents"], &item["disputed_cents"]), (&json!(500), &json!(800)));
    assert_eq!(treasury.settle().await.number("/total_cents"), 500);
    treasury.freeze().await.refused(409, "settlement.nothing_due");
    superuser(&treasury, "update disputes set state = 'rejected', decided_at = now(), decided_by = gen_random_uuid()");
    assert_eq!(treasury.settle().await.number("/total_cents"), 800);
}

#[actix_web::test]
async fn who_has_no_account_is_named_and_waits_and_who_is_suspended_is_paid() {
    let mut treasury = Treasury::without_accounts().await;
    treasury.debit(1_000).await;
    treasury.freeze().await.refused(409, "settlement.no_debtor_account");
    treasury.give_account(None, "FR1420041010050500013M02606").await;
    // Approved, and not yet in force.
    treasury.wait(chrono::TimeDelta::hours(71)).await;
    treasury.freeze().await.refused(409, "settlement.no_debtor_account");
    treasury.wait(chrono::TimeDelta::hours(2)).await;
    let item = treasury.plan().await["items"][0].clone();
    assert_eq!((&item["amount_cents"], &item["prospect"]), (&json!(1_000), &json!("no_bank_account")));
    treasury.freeze().await.refused(409, "settlement.nothing_due");
    let merchant = treasury.scene.till.merchant.clone();
    treasury.give_account(Some(&merchant), "DE89370400440532013000").await;
    treasury.scene.move_convention("culture", "suspend").await.expect(200);
    treasury.scene.move_convention("sport", "close").await.expect(200);
    treasury.wait(chrono::TimeDelta::hours(73)).await;
    assert_eq!(treasury.settle().await.number("/total_cents"), 1_000);
}

#[actix_web::test]
async fn of_two_who_freeze_at_once_one_takes_the_lines() {
    let treasury = Treasury::open().await;
    treasury.debit(1_000).await;
    let (one, two, three) = tokio::join!(treasury.freeze(), treasury.freeze(), treasury.freeze());
    let mut statuses = [one.status, two.status, three.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409]);
}

#[actix_web::test]
async fn a_merchants_server_reads_its_own_statements_once_they_are_sent() {
    let treasury = Treasury::open().await;
    let world = &treasury.scene.world;
    let server = server_of(world, &treasury.scene.till.merchant).await;
    let other = world.till(&["culture"]).await;
    let stranger = server_of(world, &other.merchant).await;
    treasury.debit(1_000).await;
    let batch = treasury.freeze().await.expect(201);
    let payout = treasury.payout(&batch).await;
    let list = "/v1/departments/92/payouts";
    let csv = format!("{list}/{}/statement.csv", payout["id"].as_str().unwrap());
    assert_eq!(server.get(list).await.expect(200).json, json!({ "items": [] }), "nothing in preparation is shown");
    server.get(&csv).await.refused(404, "not_found");
    treasury.approve(&batch, &treasury.finance[1]).await.expect(200);
    treasury.approve(&batch, &treasury.finance[2]).await.expect(200);
    treasury.step(&batch, "send").await.expect(200);
    assert_eq!(server.get(list).await.expect(200).items().len(), 1);
    let own = server.get(&csv).await.expect(200);
    assert_eq!(own.bytes, statement(&treasury, &payout, "csv").await.bytes);
    assert!(server.get(&csv.replace("csv", "pdf")).await.expect(200).bytes.starts_with(b"%PDF"));
    assert_eq!(stranger.get(list).await.expect(200).json, json!({ "items": [] }));
    stranger.get(&csv).await.refused(404, "not_found");
    treasury.scene.till.get(list).await.refused(403, "auth.forbidden");
    treasury.scene.till.get(&csv).await.refused(403, "auth.forbidden");
    server.get(BATCHES).await.refused(403, "auth.forbidden");
    treasury.scene.family.get(&csv).await.refused(403, "auth.forbidden");
    world.administrator_78.get(&csv).await.refused(404, "not_found");
}

#[actix_web::test]
async fn finance_takes_away_the_plan_and_a_batch_as_tables() {
    let treasury = Treasury::open().await;
    treasury.debit(1_250).await;
    let finance = &treasury.finance[0];
    let table = async |path: &str| {
        let answer = finance.get(path).await.expect(200);
        let name = answer.headers["content-disposition"].to_str().unwrap().to_owned();
        (String::from_utf8(answer.bytes).unwrap(), name)
    };
    let listed = treasury.scene.world.administrator.get("/v1/departments/92/merchants").await.expect(200);
    let merchant = listed.items().iter().find(|row| row["id"] == json!(treasury.scene.till.merchant)).unwrap();
    let (siret, name) = (merchant["siret"].as_str().unwrap(), merchant["name"].as_str().unwrap());
    let path = format!("/v1/departments/92/payout-plan.csv?until={}", treasury.now());
    let (plan, file) = table(&path).await;
    assert_eq!(file, "attachment; filename=\"passplus-92-prevision.csv\"");
    assert!(plan.ends_with(&format!("{siret};{name};1;12,50;0,00;12,50;0,00;À verser;\r\n")), "{plan}");
    let batch = treasury.settle().await;
    let path = format!("{BATCHES}/{}/payouts.csv", batch.text("/id"));
    let (payouts, file) = table(&path).await;
    assert_eq!(file, "attachment; filename=\"passplus-92-lot-1.csv\"");
    assert!(payouts.ends_with(&format!("1;PP92-1-1;{siret};{name};12,50;0,00;12,50;À verser;\r\n")), "{payouts}");
    treasury.bank_says(&batch, "PASSPLUS-92-1", &[("PP92-1-1", "RJCT", "AC06")]).await.expect(200);
    let (payouts, _) = table(&path).await;
    assert!(payouts.ends_with(";12,50;Rejeté par la banque;AC06\r\n"), "{payouts}");
}

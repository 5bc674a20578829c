//! What keeps a frozen batch from the bank: a contested line, a ledger that no longer proves itself, an account that does not open.

use crate::support::{Answer, Treasury};
use diesel::connection::SimpleConnection;
use serde_json::json;
use std::time::Duration;

async fn contest(treasury: &Treasury, debit: &str) -> Answer {
    let scene = &treasury.scene;
    let path = scene.family.path(&format!("wallets/{}/debits/{debit}/disputes", scene.pupil.culture));
    scene.family.post(&path, json!({ "reason": "not_mine" })).await
}

async fn approved(treasury: &Treasury) -> Answer {
    let batch = treasury.freeze().await.expect(201);
    treasury.approve(&batch, &treasury.finance[1]).await.expect(200);
    treasury.approve(&batch, &treasury.finance[2]).await.expect(200);
    batch
}

fn superuser(treasury: &Treasury, sql: &str) {
    treasury.scene.world.superuser("92").batch_execute(sql).unwrap();
}

#[actix_web::test]
async fn a_line_contested_after_the_freeze_is_neither_approved_nor_sent() {
    let treasury = Treasury::open().await;
    let debit = treasury.debit(1_000).await;
    let batch = treasury.freeze().await.expect(201);
    treasury.approve(&batch, &treasury.finance[1]).await.expect(200);
    contest(&treasury, &debit).await.expect(201);
    let refused = treasury.approve(&batch, &treasury.finance[2]).await.refused(409, "settlement.contested");
    assert!(refused.text("/detail").contains(&debit), "{}", refused.json);
    treasury.step(&batch, "cancel").await.expect(200);
    treasury.freeze().await.refused(409, "settlement.nothing_due");

    let other = treasury.debit(500).await;
    let batch = approved(&treasury).await;
    contest(&treasury, &other).await.expect(201);
    let refused = treasury.step(&batch, "send").await.refused(409, "settlement.contested");
    assert!(refused.text("/detail").contains(&other), "{}", refused.json);
    treasury.file(&batch).await.refused(409, "settlement.transition");
    treasury.step(&batch, "cancel").await.expect(200);
}

#[actix_web::test]
async fn who_contests_while_a_batch_is_sent_is_seen() {
    let treasury = Treasury::open().await;
    let debit = treasury.debit(1_000).await;
    let batch = approved(&treasury).await;
    let (family, merchant) = (&treasury.scene.family.id, &treasury.scene.till.merchant);
    let mut contesting = treasury.scene.world.superuser("92");
    contesting
        .batch_execute(&format!(
            "begin; insert into disputes (id, transfer_id, family_id, merchant_id, state, reason, opened_by, opened_at)
             values (gen_random_uuid(), '{debit}', '{family}', '{merchant}', 'open', 'not_mine', gen_random_uuid(), now())"
        ))
        .unwrap();
    let ends = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        contesting.batch_execute("commit").unwrap();
    };
    let (sent, ()) = tokio::join!(treasury.step(&batch, "send"), ends);
    sent.refused(409, "settlement.contested");
}

#[actix_web::test]
async fn the_bank_does_not_get_the_file_of_a_ledger_that_drifts() {
    let treasury = Treasury::open().await;
    treasury.debit(1_000).await;
    let batch = treasury.settle().await;
    let culture = &treasury.scene.pupil.culture;
    let drift = |cents: i64| {
        superuser(
            &treasury,
            &format!("update wallets set balance_cents = balance_cents + {cents} where id = '{culture}'"),
        );
    };
    drift(7);
    treasury.file(&batch).await.refused(409, "settlement.ledger_drift");
    drift(-7);
    let file = treasury.file(&batch).await.expect(200).bytes;
    // Once the bank has answered, the file is but a memory of it.
    treasury.bank_says(&batch, "PASSPLUS-92-1", &[("PP92-1-1", "ACSC", "X")]).await.expect(200);
    drift(7);
    assert_eq!(treasury.file(&batch).await.expect(200).bytes, file);
}

#[actix_web::test]
async fn a_batch_whose_file_cannot_be_written_is_told_while_it_may_be_given_up() {
    let treasury = Treasury::open().await;
    treasury.debit(1_000).await;
    let name = |name: &str| {
        superuser(&treasury, &format!("update bank_accounts set holder_name = '{name}' where merchant_id is not null"));
    };
    name("Autre");
    treasury.freeze().await.refused(409, "settlement.tampered");
    name("Théâtre de l''Œuvre & Cie");
    let batch = treasury.freeze().await.expect(201);
    treasury.approve(&batch, &treasury.finance[1]).await.expect(200);
    name("Autre");
    let refused = treasury.approve(&batch, &treasury.finance[2]).await.refused(409, "settlement.tampered");
    assert!(refused.text("/detail").contains("0189"), "{}", refused.json);
    name("Théâtre de l''Œuvre & Cie");
    treasury.approve(&batch, &treasury.finance[2]).await.expect(200);
    name("Autre");
    treasury.step(&batch, "send").await.refused(409, "settlement.tampered");
    treasury.step(&batch, "cancel").await.expect(200);
}

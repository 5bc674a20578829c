//! The bank's answer to a batch: taken whole or not at all.

use crate::support::{Answer, Treasury, pain002};
use serde_json::{Value, json};

async fn state(treasury: &Treasury, batch: &Answer) -> String {
    let path = format!("/v1/departments/92/payout-batches/{}", batch.text("/id"));
    treasury.finance[0].get(&path).await.expect(200).text("/state")
}

fn counts(answer: &Answer) -> [i64; 4] {
    ["/accepted", "/rejected", "/pending", "/unchanged"].map(|count| answer.number(count))
}

fn id(payout: &Value) -> &str {
    payout["end_to_end_id"].as_str().unwrap()
}

#[actix_web::test]
async fn what_the_bank_accepts_is_settled_and_its_file_again_changes_nothing() {
    let treasury = Treasury::open().await;
    treasury.debit(1_000).await;
    let batch = treasury.settle().await;
    let payout = treasury.payout(&batch).await;
    let pending = treasury.bank_says(&batch, "PASSPLUS-92-1", &[(id(&payout), "PDNG", "X")]).await.expect(200);
    assert_eq!((counts(&pending), pending.text("/batch/state")), ([0, 0, 1, 0], "sent".to_owned()));
    let words = [(id(&payout), "ACSC", "X")];
    let accepted = treasury.bank_says(&batch, "PASSPLUS-92-1", &words).await.expect(200);
    assert_eq!((counts(&accepted), accepted.text("/batch/state")), ([1, 0, 0, 0], "settled".to_owned()));
    let again = treasury.bank_says(&batch, "PASSPLUS-92-1", &words).await.expect(200);
    assert_eq!((counts(&again), again.text("/batch/state")), ([0, 0, 0, 1], "settled".to_owned()));
    assert_eq!(treasury.payout(&batch).await["state"], "accepted");
    treasury.freeze().await.refused(409, "settlement.nothing_due");
}

#[actix_web::test]
async fn what_the_bank_rejects_is_paid_by_the_next_batch() {
    let treasury = Treasury::open().await;
    treasury.debit(1_000).await;
    let batch = treasury.settle().await;
    let payout = treasury.payout(&batch).await;
    let words = [(id(&payout), "RJCT", "MS03")];
    let rejected = treasury.bank_says(&batch, "PASSPLUS-92-1", &words).await.expect(200);
    assert_eq!((counts(&rejected), rejected.text("/batch/state")), ([0, 1, 0, 0], "rejected".to_owned()));
    assert_eq!(counts(&treasury.bank_says(&batch, "PASSPLUS-92-1", &words).await.expect(200)), [0, 0, 0, 1]);
    let shown = treasury.payout(&batch).await;
    assert_eq!((&shown["state"], &shown["reason_code"]), (&json!("rejected"), &json!("MS03")));

    let item = treasury.plan().await["items"][0].clone();
    assert_eq!((&item["carried_in_cents"], &item["prospect"]), (&json!(1_000), &json!("to_pay")));
    treasury.debit(500).await;
    let next = treasury.settle().await;
    assert_eq!(next.number("/total_cents"), 1_500);
    let paid = treasury.payout(&next).await;
    assert_eq!(treasury.payout(&batch).await["carried_into"], paid["id"]);
    // It is in the next file: the first answer cannot be taken back.
    treasury
        .bank_says(&batch, "PASSPLUS-92-1", &[(id(&payout), "ACSC", "X")])
        .await
        .refused(409, "bank_return.contradicts");
    treasury.bank_says(&next, "PASSPLUS-92-2", &[(id(&paid), "ACSC", "X")]).await.expect(200);
    treasury.freeze().await.refused(409, "settlement.nothing_due");
    assert_eq!((state(&treasury, &batch).await, state(&treasury, &next).await), ("rejected".into(), "settled".into()));
}

#[actix_web::test]
async fn a_foreign_or_broken_file_is_refused_whole() {
    let treasury = Treasury::open().await;
    treasury.debit(1_000).await;
    let first = treasury.settle().await;
    treasury.debit(500).await;
    let frozen = treasury.freeze().await.expect(201);
    let payout = treasury.payout(&first).await;
    let good = (id(&payout), "ACSC", "X");
    treasury
        .bank_says(&frozen, "PASSPLUS-92-2", &[("PP92-2-1", "ACSC", "X")])
        .await
        .refused(409, "settlement.transition");
    for message in ["PASSPLUS-92-2", "PASSPLUS-78-1", "x"] {
        treasury.bank_says(&first, message, &[good]).await.refused(409, "bank_return.other_batch");
    }
    let unknown = treasury.bank_says(&first, "PASSPLUS-92-1", &[good, ("PP92-2-1", "ACSC", "X")]).await;
    unknown.refused(409, "bank_return.unknown_payout");
    for broken in ["", "{}", "<Document/>", "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>"] {
        treasury.import(&first, "text/xml", broken.to_owned()).await.refused(422, "bank_return.unreadable");
    }
    treasury.import(&first, "application/xml", " ".repeat(1024 * 1024 + 1)).await.refused(413, "request.too_large");
    treasury.import(&first, "application/json", "{}".to_owned()).await.refused(415, "request.media_type");
    assert_eq!(treasury.payout(&first).await["state"], "to_pay", "nothing was taken in");
    assert_eq!(state(&treasury, &first).await, "sent");
    treasury.bank_says(&first, "PASSPLUS-92-1", &[good]).await.expect(200);
}

#[actix_web::test]
async fn other_figures_than_the_batchs_are_refused_whole() {
    let treasury = Treasury::open().await;
    treasury.debit(5_550).await;
    let batch = treasury.settle().await;
    let payout = treasury.payout(&batch).await;
    let said = |status: &str| pain002("PASSPLUS-92-1", &[(id(&payout), status, "AC04")]);
    let of_transfer = |amount: &str| {
        let amount =
            format!("<OrgnlTxRef><Amt><InstdAmt Ccy=\"EUR\">{amount}</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>");
        said("ACSC").replace("</TxInfAndSts>", &amount)
    };
    let of_group =
        |figures: &str| said("RJCT").replace("</OrgnlGrpInfAndSts>", &format!("{figures}</OrgnlGrpInfAndSts>"));
    let of_order = |figures: &str| said("RJCT").replace("<TxInfAndSts>", &format!("{figures}<TxInfAndSts>"));
    let import = async |file: String| treasury.import(&batch, "application/xml", file).await;
    for wrong in [
        of_transfer("999.00"),
        of_group("<OrgnlNbOfTxs>9</OrgnlNbOfTxs>"),
        of_group("<OrgnlCtrlSum>1.00</OrgnlCtrlSum>"),
        of_order("<OrgnlNbOfTxs>0</OrgnlNbOfTxs>"),
        of_order("<OrgnlCtrlSum>55.51</OrgnlCtrlSum>"),
    ] {
        import(wrong).await.refused(409, "bank_return.figures");
    }
    let other_order = said("ACSC").replace("<OrgnlPmtInfId>PASSPLUS-92-1", "<OrgnlPmtInfId>PASSPLUS-92-2");
    import(other_order).await.refused(409, "bank_return.other_batch");
    assert_eq!(treasury.payout(&batch).await["state"], "to_pay", "nothing was taken in");
    let right = of_transfer("55.5")
        .replace("<TxInfAndSts>", "<OrgnlNbOfTxs>1</OrgnlNbOfTxs><OrgnlCtrlSum>55.50</OrgnlCtrlSum><TxInfAndSts>");
    assert_eq!(import(right).await.expect(200).text("/batch/state"), "settled");
}

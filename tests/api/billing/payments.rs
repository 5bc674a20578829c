//! What is paid, what is owed, and what is taken back.

use super::{Table, at};
use crate::support::{Answer, COLLEGE, SEASON, key};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::task::JoinSet;

const WEEK: &[&str] = &["2026-09-07", "2026-09-08", "2026-09-10", "2026-09-11"];

pub async fn billed() -> Table {
    let table = Table::set().await;
    table.rate(&table.child, "2026-09-01", "meal", 280, 280);
    table.meals(&table.child, "consumed", WEEK);
    table.lock("2026-09").await.expect(201);
    table.bill("2026-09").await;
    table
}

impl Table {
    pub fn payment(&self, cents: i64) -> Value {
        json!({ "payer_id": self.family.id, "amount_cents": cents, "paid_on": "2026-10-15", "means": "cheque", "reference": "0012" })
    }

    pub async fn pay(&self, cents: i64) -> Answer {
        self.finance[0].post_keyed(&at("payments"), &key(), self.payment(cents)).await
    }

    /// Balance and what of it is late, as the family reads it.
    pub async fn account(&self) -> (i64, i64) {
        let account = self.finance[0].get(&at(&format!("accounts/{}", self.family.id))).await.expect(200);
        (account.number("/balance_cents"), account.number("/overdue_cents"))
    }

    /// Lets time pass; finance and the family sign in again.
    pub async fn wait(&mut self, time: TimeDelta) {
        self.world.advance(time);
        self.world.wake_administrators().await;
        for agent in &mut self.finance {
            agent.api = self.world.sign_in_staff(&agent.email, &agent.totp_secret).await;
        }
        self.family.api = self.world.sign_in(&self.family.email).await;
    }
}

#[actix_web::test]
async fn a_payment_is_recorded_once_and_undone_by_its_opposite() {
    let table = billed().await;
    assert_eq!(table.account().await, (1_120, 0));
    let (payments, one) = (at("payments"), key());
    let paid = table.finance[0].post_keyed(&payments, &one, table.payment(1_000)).await.expect(201);
    let again = table.finance[0].post_keyed(&payments, &one, table.payment(1_000)).await.expect(201);
    assert_eq!(
        (again.text("/id"), again.headers["idempotency-replayed"].to_str().unwrap()),
        (paid.text("/id"), "true")
    );
    table.finance[0].post_keyed(&payments, &one, table.payment(999)).await.refused(422, "idempotency.reused");
    table.finance[0].post(&payments, table.payment(1_000)).await.refused(422, "idempotency.missing");
    for (field, value) in [
        ("amount_cents", json!(0)),
        ("amount_cents", json!(1_000_001)),
        ("paid_on", json!("2026-10-16")),
        ("paid_on", json!("2025-10-01")),
        ("means", json!("gold")),
    ] {
        let mut wrong = table.payment(1_000);
        wrong[field] = value;
        table.finance[0].post_keyed(&payments, &key(), wrong).await.refused(422, "request.invalid");
    }
    let mut nobody = table.payment(1_000);
    nobody["payer_id"] = json!("0199a8f0-7c3e-7bbd-8000-000000000001");
    table.finance[0].post_keyed(&payments, &key(), nobody).await.refused(404, "not_found");
    assert_eq!(table.account().await, (120, 0));

    let undo = at(&format!("payments/{}/undo", paid.text("/id")));
    let why = json!({ "reason": "Chèque d'une autre famille." });
    let other = key();
    let undone = table.finance[0].post_keyed(&undo, &other, why.clone()).await.expect(201);
    assert_eq!((undone.number("/amount_cents"), undone.text("/undoes")), (-1_000, paid.text("/id")));
    assert_eq!(
        table.finance[0].post_keyed(&undo, &other, why.clone()).await.expect(201).text("/id"),
        undone.text("/id")
    );
    table.finance[0].post_keyed(&undo, &key(), why.clone()).await.refused(409, "payment.undone");
    let of_undone = at(&format!("payments/{}/undo", undone.text("/id")));
    table.finance[0].post_keyed(&of_undone, &key(), why.clone()).await.refused(409, "payment.undone");
    let account = table.family.get(&at(&format!("accounts/{}", table.family.id))).await.expect(200);
    let kinds: Vec<&str> =
        account.at("/entries/items").as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(
        (kinds.as_slice(), account.number("/balance_cents")),
        (&["payment_undone", "payment", "bill"][..], 1_120)
    );
    let told = |rank: usize| {
        (account.at("/entries/items")[rank].get("means"), account.at("/entries/items")[rank].get("reference"))
    };
    let cheque = (Some(&json!("cheque")), Some(&json!("0012")));
    assert_eq!([told(0), told(1), told(2)], [cheque, cheque, (None, None)]);

    let stranger = table.world.family("92").await;
    let (case_worker, dpo) = (table.world.agent("92", "case_worker").await, table.world.agent("92", "dpo").await);
    let account = at(&format!("accounts/{}", table.family.id));
    for (caller, status, code, reading) in [
        (&table.world.api, 401, "auth.required", Some((401, "auth.required"))),
        (&stranger.api, 403, "auth.forbidden", Some((404, "not_found"))),
        (&table.family.api, 403, "auth.forbidden", None),
        (&table.secretary.api, 403, "auth.forbidden", Some((403, "auth.forbidden"))),
        (&case_worker.api, 403, "auth.forbidden", None),
        (&dpo.api, 403, "auth.forbidden", Some((403, "auth.forbidden"))),
        (&table.world.administrator_78.api, 404, "not_found", Some((404, "not_found"))),
    ] {
        caller.post_keyed(&payments, &key(), table.payment(1)).await.refused(status, code);
        caller.post_keyed(&undo, &key(), why.clone()).await.refused(status, code);
        match reading {
            Some((status, code)) => caller.get(&account).await.refused(status, code),
            None => caller.get(&account).await.expect(200),
        };
    }
}

#[actix_web::test]
async fn the_same_cheque_is_recorded_once_unless_it_is_said_to_be_another() {
    let table = billed().await;
    let payments = at("payments");
    let record = async |body: &Value| table.finance[0].post_keyed(&payments, &key(), body.clone()).await;
    let changed = |changes: Value| {
        let mut payment = table.payment(1_000);
        changes.as_object().unwrap().iter().for_each(|(name, value)| payment[name] = value.clone());
        payment
    };
    let (one, cheque) = (key(), table.payment(1_000));
    let first = table.finance[0].post_keyed(&payments, &one, cheque.clone()).await.expect(201).text("/id");
    let code = "payment.already_recorded";
    for twice in [
        cheque.clone(),
        changed(json!({ "reference": " 0012 " })),
        changed(json!({ "paid_on": "2026-10-14" })),
        changed(json!({ "confirmed_distinct": false })),
    ] {
        let refused = record(&twice).await.refused(409, code);
        assert!(refused.text("/detail").contains(&first), "{}", refused.text("/detail"));
    }
    // Under its own key it is still the same, and any other clerk's is another.
    assert_eq!(table.finance[0].post_keyed(&payments, &one, cheque.clone()).await.expect(201).text("/id"), first);
    table.finance[1].post_keyed(&payments, &one, cheque.clone()).await.refused(409, code);
    assert_eq!(table.account().await, (120, 0));

    let adult = table.adult("commensal", None);
    for other in [
        changed(json!({ "reference": "0013" })),
        changed(json!({ "amount_cents": 999 })),
        changed(json!({ "means": "bank_transfer" })),
        changed(json!({ "payer_id": adult })),
        changed(json!({ "reference": null })),
        changed(json!({ "means": "cash" })),
    ] {
        record(&other).await.expect(201);
    }
    // What has no reference of its own is known by its day.
    for (without, on_other_day) in [
        (json!({ "reference": null }), json!({ "reference": null, "paid_on": "2026-10-14" })),
        (json!({ "means": "cash" }), json!({ "means": "cash", "paid_on": "2026-10-14" })),
        (json!({ "means": "card", "reference": null }), json!({ "means": "cash", "reference": null })),
    ] {
        if without["means"] == "card" {
            record(&changed(without.clone())).await.expect(201);
        }
        record(&changed(without.clone())).await.refused(409, code);
        let mut another = changed(without);
        another["confirmed_distinct"] = json!(true);
        record(&another).await.expect(201);
        record(&changed(on_other_day)).await.expect(201);
    }
    let transfer = changed(json!({ "means": "bank_transfer", "reference": "CANTINE LOU" }));
    record(&transfer).await.expect(201);
    record(&changed(json!({ "means": "bank_transfer", "reference": "Cantine Lou" }))).await.refused(409, code);
    // Undone, it was never paid.
    let undo = at(&format!("payments/{first}/undo"));
    table.finance[0].post_keyed(&undo, &key(), json!({ "reason": "Chèque rejeté." })).await.expect(201);
    record(&cheque).await.expect(201);
    record(&cheque).await.refused(409, code);
    let (distinct, second) = (changed(json!({ "confirmed_distinct": true })), key());
    let confirmed = table.finance[0].post_keyed(&payments, &second, distinct.clone()).await.expect(201);
    let again = table.finance[0].post_keyed(&payments, &second, distinct).await.expect(201);
    assert_eq!(again.text("/id"), confirmed.text("/id"));
}

#[actix_web::test]
async fn of_clerks_who_record_one_cheque_at_once_one_succeeds() {
    let table = billed().await;
    for round in 0..4 {
        let cheque = json!({ "payer_id": table.family.id, "amount_cents": 10, "paid_on": "2026-10-15", "means": "cheque",
                             "reference": format!("N° {round}") });
        let mut running = JoinSet::new();
        for clerk in 0..8 {
            let (api, cheque) = (table.finance[clerk % 2].api.clone(), cheque.clone());
            running.spawn(async move { api.post_keyed(&at("payments"), &key(), cheque).await });
        }
        let answers = running.join_all().await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
        let refused = answers.into_iter().filter(|answer| answer.status != 201);
        refused.for_each(|answer| drop(answer.refused(409, "payment.already_recorded")));
        assert_eq!(table.account().await, (1_120 - 10 * (round + 1), 0));
    }
}

#[actix_web::test]
async fn a_bill_is_taken_back_whole_by_one_person_or_by_two() {
    let mut table = billed().await;
    let bill = table.bills_of(&table.family.id).await[0]["id"].as_str().unwrap().to_owned();
    let (cancel, one) = (at(&format!("bills/{bill}/cancel")), key());
    let body = json!({ "reason": "entry_error", "bill_again": true, "note": "Mauvais tarif." });
    let computed = json!({ "reason": "recomputed", "bill_again": true });
    table.finance[0].post_keyed(&cancel, &one, computed).await.refused(422, "request.invalid");
    let done = table.finance[0].post_keyed(&cancel, &one, body.clone()).await.expect(201);
    assert_eq!((done.text("/state"), done.at("/two_persons")), ("done".into(), &json!(false)));
    let replayed = table.finance[0].post_keyed(&cancel, &one, body.clone()).await.expect(201);
    assert_eq!(replayed.text("/id"), done.text("/id"));
    let other = json!({ "reason": "goodwill", "bill_again": false });
    table.finance[0].post_keyed(&cancel, &one, other.clone()).await.refused(422, "idempotency.reused");
    table.finance[0].post_keyed(&cancel, &key(), body.clone()).await.refused(409, "bill.not_cancellable");
    let note = done.text("/credit_note_id");
    let of_note = at(&format!("bills/{note}/cancel"));
    table.finance[0].post_keyed(&of_note, &key(), body.clone()).await.refused(409, "bill.not_cancellable");
    assert_eq!(table.account().await, (0, 0));
    // It is billed again, as if for the first time; and not while a run reckons with it.
    let run = table.begin("2026-09").await.expect(201);
    table.finance[0].post_keyed(&cancel, &key(), body.clone()).await.refused(409, "bill_run.exists");
    table.check(&run, &table.finance[0]).await.expect(200);
    table.issue(&run, &table.finance[1]).await.expect(200);
    assert_eq!(table.account().await, (1_120, 0));
    let bills = table.bills_of(&table.family.id).await;
    assert_eq!((bills.len(), bills[2]["total_cents"].clone()), (3, json!(1_120)));

    // Taken back for good, it stays so whatever is locked again.
    let second = at(&format!("bills/{}/cancel", bills[2]["id"].as_str().unwrap()));
    table.finance[0].post_keyed(&second, &key(), other).await.expect(201);
    table.reopen("2026-09").await.expect(200);
    table.lock("2026-09").await.expect(201);
    table.begin("2026-09").await.refused(409, "bill_run.nothing");

    // Above 100 € another person decides.
    let adult = table.adult("commensal", None);
    table.enrol(&adult, None);
    table.rate(&adult, "2026-09-01", "meal", 9_000, 9_000);
    table.reopen("2026-09").await.expect(200);
    table.meals(&adult, "consumed", &["2026-09-21", "2026-09-22"]);
    table.lock("2026-09").await.expect(201);
    table.bill("2026-09").await;
    let large = table.bills_of(&adult).await[0]["id"].as_str().unwrap().to_owned();
    let cancel = at(&format!("bills/{large}/cancel"));
    let proposed = table.finance[0].post_keyed(&cancel, &key(), body.clone()).await.expect(201);
    assert_eq!((proposed.text("/state"), proposed.at("/two_persons")), ("proposed".into(), &json!(true)));
    table.finance[1].post_keyed(&cancel, &key(), body.clone()).await.refused(409, "cancellation.transition");
    let at_one = |word: &str| at(&format!("cancellations/{}/{word}", proposed.text("/id")));
    table.finance[0].post(&at_one("approve"), json!({})).await.refused(409, "four_eyes.same_person");
    table.finance[1].post(&at_one("refuse"), json!({})).await.expect(200);
    table.finance[1].post(&at_one("approve"), json!({})).await.refused(409, "cancellation.transition");
    let proposed = table.finance[0].post_keyed(&cancel, &key(), body.clone()).await.expect(201);
    let list = table.finance[1].get(&at("cancellations?state=proposed")).await.expect(200);
    assert_eq!(list.text("/items/0/id"), proposed.text("/id"));
    let at_one = |word: &str| at(&format!("cancellations/{}/{word}", proposed.text("/id")));
    let dpo = table.world.agent("92", "dpo").await;
    for (caller, status, code) in [
        (&table.world.api, 401, "auth.required"),
        (&table.family.api, 403, "auth.forbidden"),
        (&table.secretary.api, 403, "auth.forbidden"),
        (&dpo.api, 403, "auth.forbidden"),
        (&table.world.administrator_78.api, 404, "not_found"),
    ] {
        caller.post_keyed(&cancel, &key(), body.clone()).await.refused(status, code);
        caller.post(&at_one("approve"), json!({})).await.refused(status, code);
        caller.post(&at_one("refuse"), json!({})).await.refused(status, code);
        caller.get(&at("cancellations")).await.refused(status, code);
    }
    table.world.advance(TimeDelta::minutes(6));
    table.finance[1].post(&at_one("approve"), json!({})).await.refused(403, "auth.step_up_required");
    table.wait(TimeDelta::minutes(1)).await;
    let done = table.finance[1].post(&at_one("approve"), json!({})).await.expect(200);
    assert_eq!(done.text("/state"), "done");
}

#[actix_web::test]
async fn what_is_late_is_listed_and_recalled_once_a_level() {
    let mut table = billed().await;
    let late = |table: &Table, level: &str| {
        let path = at(&format!("arrears{level}"));
        let agent = table.finance[0].api.clone();
        async move { agent.get(&path).await.expect(200).items().clone() }
    };
    let owes = |table: &Table| {
        let offset = table.world.app.db.server_now() - passplus::kernel::time::server_now();
        let mut conn = table.world.superuser("92");
        let set = format!("set app.clock_offset = '{} seconds'", offset.num_seconds());
        diesel::connection::SimpleConnection::batch_execute(&mut conn, &set).unwrap();
        let function = format!("canteen_enrolment_owes_cents('{}', '2027-2028')", table.family.id);
        crate::support::call(&mut conn, &function).unwrap()
    };
    table.world.repeat(passplus::billing::arrears::remind).await;
    assert!(late(&table, "").await.is_empty());
    assert_eq!(owes(&table), json!(0));
    table.wait(TimeDelta::days(31)).await;
    assert_eq!(table.account().await, (1_120, 1_120));
    let all = late(&table, "").await;
    assert_eq!((&all[0]["level"], &all[0]["overdue_cents"], &all[0]["bills"]), (&json!(1), &json!(1_120), &json!(1)));
    assert_eq!((late(&table, "?level=1").await.len(), late(&table, "?level=2").await.len()), (1, 0));
    table.finance[0].get(&at("arrears?level=4")).await.refused(422, "request.invalid");
    assert_eq!(owes(&table), json!(1_120));

    let reminders = |letters: &[(String, String)]| letters.iter().filter(|(_, body)| body.contains("reste dû")).count();
    for _ in 0..2 {
        table.world.repeat(passplus::billing::arrears::remind).await;
    }
    let letters = table.world.letters_to(&table.family.email).await;
    assert_eq!(reminders(&letters), 1, "{letters:?}");
    assert!(letters.last().unwrap().1.contains("11,20 €"));
    table.pay(1_000).await.expect(201);
    table.wait(TimeDelta::days(31)).await;
    table.world.repeat(passplus::billing::arrears::remind).await;
    let letters = table.world.letters_to(&table.family.email).await;
    assert!(letters.last().unwrap().0.contains("deuxième rappel") && letters.last().unwrap().1.contains("1,20 €"));
    assert_eq!((late(&table, "?level=2").await.len(), owes(&table)), (1, json!(120)));

    let (waivers, body) = (
        at("waivers"),
        json!({ "family_id": table.family.id, "season": "2027-2028", "reason": "Échéancier accordé." }),
    );
    for (caller, status, code) in [(&table.world.api, 401, "auth.required"), (&table.family.api, 403, "auth.forbidden")]
    {
        caller.post(&waivers, body.clone()).await.refused(status, code);
        caller.get(&at("arrears")).await.refused(status, code);
    }
    table.finance[0].post(&waivers, body.clone()).await.expect(201);
    table.finance[0].post(&waivers, body.clone()).await.refused(409, "waiver.exists");
    let mut nobody = body;
    nobody["family_id"] = json!("0199a8f0-7c3e-7bbd-8000-000000000001");
    table.finance[0].post(&waivers, nobody).await.refused(404, "not_found");
    assert_eq!(owes(&table), json!(0));
    let account = table.family.get(&at(&format!("accounts/{}", table.family.id))).await.expect(200);
    assert_eq!(account.at("/waived_seasons"), &json!(["2027-2028"]));
    // Paid before the letter leaves: nothing is said.
    table.wait(TimeDelta::days(31)).await;
    assert_eq!(table.world.repeat(passplus::billing::arrears::remind).await, 1);
    table.pay(120).await.expect(201);
    assert_eq!(reminders(&table.world.letters_to(&table.family.email).await), 2);
    assert!(late(&table, "").await.is_empty());
}

/// Not with each minute's; and none that is the public accountant's by now.
#[actix_web::test]
async fn late_bills_are_recalled_with_the_day_s_work_until_they_are_a_year_late() {
    let mut table = billed().await;
    let recalled = |table: &Table| table.ask("(select count(*) from canteen_reminders)");
    table.wait(TimeDelta::days(31)).await;
    passplus::worker::do_round(&table.world.app.db).await;
    assert_eq!(recalled(&table), json!(0));
    passplus::worker::do_day(&table.world.app.db).await;
    assert_eq!(recalled(&table), json!(1));
    table.wait(TimeDelta::days(370)).await;
    passplus::worker::do_day(&table.world.app.db).await;
    assert_eq!((recalled(&table), table.account().await), (json!(1), (1_120, 1_120)));
}

#[actix_web::test]
async fn a_family_that_owes_enrols_a_child_once_it_has_settled() {
    let mut table = billed().await;
    let sibling = table.family.add_child("Noa", "2014-05-02").await;
    table.family.submit(&sibling, COLLEGE).await;
    table.wait(TimeDelta::days(31)).await;
    let wish = json!({ "child_id": sibling, "season": SEASON, "weekdays": ["monday"], "diet": "everything" });
    let refused = table.family.post(&at("enrolments"), wish.clone()).await.refused(409, "canteen.unsettled");
    assert!(refused.text("/detail").contains("11,20 €"), "{}", refused.text("/detail"));
    table.pay(1_120).await.expect(201);
    table.family.post(&at("enrolments"), wish).await.expect(201);
}

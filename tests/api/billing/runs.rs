//! Runs: drafted, checked by one person, issued by another; bills without a hole in their numbers.

use super::{RUNS, Table, at, seen, sql};
use crate::support::days;
use chrono::TimeDelta;
use diesel::{RunQueryDsl, sql_query};
use serde_json::json;

const WEEK: &[&str] = &["2026-09-07", "2026-09-08", "2026-09-10", "2026-09-11"];

#[actix_web::test]
async fn a_month_is_billed_by_its_meals_and_their_rates() {
    let table = Table::set().await;
    let (commensal, guest) = (table.adult("commensal", Some("noe@college.example")), table.adult("guest", None));
    table.enrol(&commensal, None);
    table.rate(&table.child, "2026-09-01", "meal", 280, 280);
    // From the second week on the rate is another one; of two of a day the last holds.
    table.rate(&table.child, "2026-09-08", "meal", 999, 999);
    table.rate(&table.child, "2026-09-08", "meal", 150, 150);
    table.rate(&commensal, "2026-09-01", "meal", 480, 480);
    table.meals(&table.child, "consumed", WEEK);
    table.meals(&table.child, "no_show", &["2026-09-14"]);
    table.meals(&table.child, "excused", &["2026-09-15"]);
    table.meals(&table.child, "cancelled", &["2026-09-17"]);
    table.meals(&table.child, "closed", &["2026-09-18"]);
    table.meals(&table.child, "walk_in", &["2026-09-16"]);
    table.meals(&table.child, "reserved", &["2026-10-19"]);
    table.meals(&commensal, "consumed", &["2026-09-07", "2026-09-08"]);
    table.meals(&guest, "consumed", &["2026-09-07"]);

    table.begin("2026-09").await.refused(409, "bill_run.nothing");
    table.begin("2026-10").await.refused(422, "request.invalid");
    table.lock("2026-09").await.expect(201);
    let run = table.begin("2026-09").await.expect(201);
    // 280 + 3 × 150 + 150 + 700; 2 × 480; 860.
    assert_eq!((run.number("/draft/bills"), run.number("/draft/bills_cents")), (3, 1_580 + 960 + 860));
    assert_eq!((run.number("/draft/credit_notes"), run.number("/draft/unpriced_meals")), (0, 0));
    table.begin("2026-09").await.refused(409, "bill_run.exists");
    table.reopen("2026-09").await.refused(409, "attendance.month_in_run");
    let drafted = table.finance[0].get(&format!("{RUNS}/{}/drafted", run.text("/id"))).await.expect(200);
    assert_eq!(drafted.items().len(), 3);
    table.issue(&run, &table.finance[1]).await.refused(409, "bill_run.transition");
    table.check(&run, &table.finance[0]).await.expect(200);
    table.check(&run, &table.finance[1]).await.refused(409, "bill_run.transition");
    table.issue(&run, &table.finance[0]).await.refused(409, "four_eyes.same_person");
    for (field, value) in
        [("documents", json!(2)), ("total_cents", json!(1)), ("digest", json!("00")), ("digest", json!("zz"))]
    {
        let mut wrong = seen(&run);
        wrong[field] = value;
        let path = format!("{RUNS}/{}/issue", run.text("/id"));
        table.finance[1].post(&path, wrong).await.refused(409, "bill_run.figures");
    }
    let issued = table.issue(&run, &table.finance[1]).await.expect(200);
    assert_eq!(issued.text("/state"), "issued");
    table.issue(&run, &table.finance[1]).await.refused(409, "bill_run.transition");

    let bills = table.bills_of(&table.family.id).await;
    assert_eq!((bills.len(), &bills[0]["total_cents"], &bills[0]["due_on"]), (1, &json!(1_580), &json!("2026-11-14")));
    let read = table.read(&bills[0]).await.expect(200);
    let lines = read.at("/lines").as_array().unwrap();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            (line["kind"].as_str().unwrap(), line["meals"].as_i64().unwrap(), line["unit_cents"].as_i64().unwrap())
        })
        .collect();
    assert_eq!(told, [("meal", 1, 280), ("meal", 4, 150), ("walk_in", 1, 700)]);
    assert!(read.text("/lines/0/explanation/0").contains("280 centimes"), "{}", read.json);
    assert_eq!(read.text("/lines/2/explanation/0"), "Repas pris sans inscription : 7,00 €.");
    assert!(read.text("/lines/2/explanation/1").contains("Élèves 2026-2027"), "{}", read.json);
    assert_eq!(read.number("/balance_before_cents"), 0);
    let (subject, letter) = table.world.letters_to(&table.family.email).await.pop().unwrap();
    assert_eq!(subject, "Cantine : votre facture de septembre 2026");
    assert!(letter.contains("15,80 €") && letter.contains("14/11/2026") && !letter.contains("280"), "{letter}");
    assert_eq!(table.world.letters_to("noe@college.example").await.len(), 1);

    // Numbers go on without a hole, and nothing that was issued ever changes.
    let numbers =
        table.ask("(select array_agg(number order by number) from canteen_bills where kind = 'bill' and year = 2026)");
    assert_eq!(numbers, json!([1, 2, 3]));
    for change in [
        "update canteen_bills set total_cents = total_cents",
        "delete from canteen_bills",
        "update canteen_bill_lines set days = days",
        "delete from canteen_bill_lines",
        "insert into canteen_bill_lines select bill_id, 99, person_id, diner_name, college_uai, month, kind, rate_id, grid_id, days, meals, unit_cents,
                amount_cents, origin_id from canteen_bill_lines where rank = 1",
    ] {
        assert!(sql_query(change).execute(&mut table.world.superuser("92")).is_err(), "{change}");
    }
    table.begin("2026-09").await.refused(409, "bill_run.nothing");
}

#[actix_web::test]
async fn a_printed_bill_says_everything_and_is_the_same_each_time() {
    let table = Table::set().await;
    table.rate(&table.child, "2026-09-01", "meal", 280, 280);
    table.meals(&table.child, "consumed", WEEK);
    table.lock("2026-09").await.expect(201);
    table.bill("2026-09").await;
    let bill = table.bills_of(&table.family.id).await[0].clone();
    let path = at(&format!("bills/{}/document.pdf", bill["id"].as_str().unwrap()));
    let printed = table.family.get(&path).await.expect(200);
    let text = String::from_utf8_lossy(&printed.bytes);
    for sign in ["%PDF-1.7", "/Marked true", "/StructTreeRoot", "Facture n° 92-2026-000001"] {
        assert!(text.contains(sign), "no {sign}");
    }
    let name = printed.headers["content-disposition"].to_str().unwrap();
    assert_eq!(name, "attachment; filename=\"facture-92-2026-000001.pdf\"");
    assert_eq!(table.finance[0].get(&path).await.expect(200).bytes, printed.bytes);
    table.world.advance(days(1));
    let family = table.world.sign_in(&table.family.email).await;
    assert_eq!(family.get(&path).await.expect(200).bytes, printed.bytes);
}

/// What a run left out is told of it for ever, whatever is locked meanwhile.
#[actix_web::test]
async fn an_issued_run_tells_which_colleges_it_left_out() {
    let table = Table::set().await;
    table.rate(&table.child, "2026-09-01", "meal", 280, 280);
    table.meals(&table.child, "consumed", WEEK);
    sql(
        &table.world,
        "insert into canteen_meals (person_id, day, enrolment_id, college_uai, state, changed_at)
         select gen_random_uuid(), '2026-09-07', id, '0920002C', 'consumed', now() from canteen_enrolments limit 1",
    );
    table.lock("2026-09").await.expect(201);
    let run = table.begin("2026-09").await.expect(201);
    assert_eq!(run.at("/left_out"), &json!(["0920002C"]));
    sql(
        &table.world,
        "insert into canteen_attendance_locks (id, college_uai, month, locked_by, locked_at)
         values (gen_random_uuid(), '0920002C', '2026-09-01', gen_random_uuid(), now())",
    );
    // Until the draft is made again it does not bill what was locked since.
    assert_eq!(
        table.finance[0].get(&format!("{RUNS}/{}", run.text("/id"))).await.expect(200).at("/left_out"),
        run.at("/left_out")
    );
    table.check(&run, &table.finance[0]).await.expect(200);
    let issued = table.issue(&run, &table.finance[1]).await.expect(200);
    assert_eq!((issued.text("/state"), issued.at("/left_out")), ("issued".into(), run.at("/left_out")));
}

#[actix_web::test]
async fn a_draft_is_made_again_and_tells_what_changed() {
    let table = Table::set().await;
    table.rate(&table.child, "2026-09-01", "meal", 280, 280);
    table.meals(&table.child, "consumed", WEEK);
    let stranger = table.adult("commensal", None);
    table.enrol(&stranger, None);
    table.meals(&stranger, "consumed", &["2026-09-07"]);
    table.lock("2026-09").await.expect(201);
    let run = table.begin("2026-09").await.expect(201);
    let path = |rest: &str| format!("{RUNS}/{}/{rest}", run.text("/id"));
    // A meal without a rate is no meal for nothing.
    assert_eq!(run.number("/draft/unpriced_meals"), 1);
    let refused = table.check(&run, &table.finance[0]).await.refused(409, "bill_run.unpriced");
    assert!(refused.text("/detail").starts_with("1 repas"));
    table.rate(&stranger, "2026-09-01", "meal", 480, 480);
    let again = table.finance[0].post(&path("draft"), json!({})).await.expect(200);
    assert_eq!((again.number("/draft/draft_no"), again.number("/draft/bills_cents")), (2, 1_120 + 480));
    assert_eq!(again.number("/draft_before/bills_cents"), 1_120);
    let differences = table.finance[1].get(&path("differences")).await.expect(200);
    assert_eq!(differences.items().len(), 1);
    assert_eq!(
        (
            differences.text("/items/0/adult_id"),
            differences.number("/items/0/before_cents"),
            differences.number("/items/0/now_cents")
        ),
        (stranger, 0, 480)
    );
    // What was seen of the former draft is not what would be issued.
    table.check(&run, &table.finance[0]).await.refused(409, "bill_run.figures");
    table.check(&again, &table.finance[0]).await.expect(200);
    let third = table.finance[0].post(&path("draft"), json!({})).await.expect(200);
    assert_eq!((third.text("/state"), third.json["checked_by"].clone()), ("draft".into(), json!(null)));
}

#[actix_web::test]
async fn a_draft_that_was_touched_is_not_issued_and_an_abandoned_run_gives_its_months_back() {
    let table = Table::set().await;
    table.rate(&table.child, "2026-09-01", "meal", 280, 280);
    table.meals(&table.child, "consumed", WEEK);
    table.lock("2026-09").await.expect(201);
    let run = table.begin("2026-09").await.expect(201);
    table.check(&run, &table.finance[0]).await.expect(200);
    sql(&table.world, "update canteen_draft_lines set days = array['2026-09-14']::date[] || days[2:]");
    table.issue(&run, &table.finance[1]).await.refused(409, "bill_run.tampered");
    let abandon = format!("{RUNS}/{}/abandon", run.text("/id"));
    table.finance[1].post(&abandon, json!({})).await.expect(200);
    table.finance[1].post(&abandon, json!({})).await.refused(409, "bill_run.transition");
    table.reopen("2026-09").await.expect(200);
    table.lock("2026-09").await.expect(201);
    table.bill("2026-09").await;
    assert_eq!(table.bills_of(&table.family.id).await[0]["number"], "92-2026-000001");
}

#[actix_web::test]
async fn only_finance_makes_runs_and_only_the_payer_and_agents_read_bills() {
    let mut table = Table::set().await;
    table.rate(&table.child, "2026-09-01", "meal", 280, 280);
    table.meals(&table.child, "consumed", WEEK);
    table.lock("2026-09").await.expect(201);
    let run = table.begin("2026-09").await.expect(201);
    let one = format!("{RUNS}/{}", run.text("/id"));
    let (case_worker, dpo) = (table.world.agent("92", "case_worker").await, table.world.agent("92", "dpo").await);
    let steps = [
        (RUNS.to_owned(), json!({ "month": "2026-09" })),
        (format!("{one}/draft"), json!({})),
        (format!("{one}/check"), json!({ "digest": run.text("/draft/digest") })),
        (format!("{one}/issue"), seen(&run)),
        (format!("{one}/abandon"), json!({})),
    ];
    let reads = ["", "/differences", "/drafted"].map(|rest| format!("{one}{rest}"));
    for (caller, status, code, is_reader) in [
        (&table.world.api, 401, "auth.required", false),
        (&table.family.api, 403, "auth.forbidden", false),
        (&table.secretary.api, 403, "auth.forbidden", false),
        (&case_worker.api, 403, "auth.forbidden", true),
        (&dpo.api, 403, "auth.forbidden", false),
        (&table.world.administrator_78.api, 404, "not_found", false),
    ] {
        for (path, body) in &steps {
            caller.post(path, body.clone()).await.refused(status, code);
        }
        for path in reads.iter().chain([&RUNS.to_owned()]) {
            let answer = caller.get(path).await;
            if is_reader {
                answer.expect(200)
            } else {
                answer.refused(status, code)
            };
        }
    }
    table.world.advance(TimeDelta::minutes(6));
    table.check(&run, &table.finance[0]).await.refused(403, "auth.step_up_required");
    table.issue(&run, &table.finance[0]).await.refused(403, "auth.step_up_required");
    for agent in &mut table.finance {
        agent.api = table.world.sign_in_staff(&agent.email, &agent.totp_secret).await;
    }
    table.check(&run, &table.finance[0]).await.expect(200);
    table.issue(&run, &table.finance[1]).await.expect(200);

    let bill = table.bills_of(&table.family.id).await[0]["id"].as_str().unwrap().to_owned();
    let stranger = table.world.family("92").await;
    assert!(stranger.get(&at("bills")).await.expect(200).items().is_empty());
    assert_eq!(table.family.get(&at("bills?kind=bill")).await.expect(200).items().len(), 1);
    for path in [at(&format!("bills/{bill}")), at(&format!("bills/{bill}/document.pdf"))] {
        for (caller, status, code) in [
            (&table.world.api, 401, "auth.required"),
            (&stranger.api, 404, "not_found"),
            (&table.secretary.api, 403, "auth.forbidden"),
            (&dpo.api, 403, "auth.forbidden"),
            (&table.world.administrator_78.api, 404, "not_found"),
        ] {
            caller.get(&path).await.refused(status, code);
        }
        table.family.get(&path).await.expect(200);
        case_worker.get(&path).await.expect(200);
    }
    let journal = table.world.administrator.get("/v1/departments/92/journal?limit=100").await.expect(200);
    let readings = journal.items().iter().filter(|line| line["action"] == "canteen_bill_read").count();
    assert_eq!(readings, 2, "an agent's readings are journalled");
}

#[actix_web::test]
async fn of_two_who_issue_at_once_one_does() {
    let table = Table::set().await;
    table.rate(&table.child, "2026-09-01", "meal", 280, 280);
    table.meals(&table.child, "consumed", WEEK);
    table.lock("2026-09").await.expect(201);
    let run = table.begin("2026-09").await.expect(201);
    table.check(&run, &table.finance[0]).await.expect(200);
    let (one, other) =
        tokio::join!(table.issue(&run, &table.finance[1]), table.issue(&run, &table.world.administrator));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(
        table.ask("(select jsonb_build_array(count(*), sum(total_cents)) from canteen_bills)"),
        json!([1, 1_120])
    );
    assert_eq!(table.ask("(select count(*) from jobs where kind = 'bill_notice')"), json!(1));
}

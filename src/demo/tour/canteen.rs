//! A month of the canteen: a reduced rate on request, meals, a gate, and the bill that says how it came about.

use super::{Tour, title};
use crate::demo::{
    canteen::{COLLEGE, FIRST_DAY, SEASON, Stage},
    client::{Answer, Request},
    people::Device,
};
use anyhow::{bail, ensure};
use serde_json::json;
use std::time::Duration;

const BASE: &str = "/v1/departments/92/canteen";
/// Of the department's public rate.
const HIGHEST_CENTS: i64 = 700;
/// 24,000 € ÷ 2.5 ÷ 12 = 800 €, of which 0.35 %.
const REDUCED_CENTS: i64 = 280;
/// Whom the lists of the tour's gate are encrypted to; nobody needs to open them here.
const RECIPIENT: &str = "age1sv3lkew3truwywyzk780cjkjgrp70gt69pmklkzpx3lsus5afedsrwgzjz";
/// The administration's answer comes within a second or so.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// A tax household that the stand-in knows.
pub struct Household {
    pub tax_number: &'static str,
    pub last_name: &'static str,
}

/// Plays the month. Returns the number of its last step.
pub async fn play(stage: &mut Stage, household: Household, step: u32) -> anyhow::Result<u32> {
    let (step, meals) = enrol(stage, household, step).await?;
    let step = pass_the_gate(stage, &meals, step).await?;
    bill(stage, step).await
}

fn at(rest: &str) -> String {
    format!("{BASE}/{rest}")
}

/// Monday 21 September. Returns the address of the meals too.
async fn enrol(stage: &mut Stage, household: Household, step: u32) -> anyhow::Result<(u32, String)> {
    stage.move_to(FIRST_DAY, "08:30:00")?;
    title("The canteen, on 21 September 2026: a child is enrolled, and its family asks for a reduced rate");
    let Stage { client, family, child, .. } = stage;
    let family = family.sign_in(client).await?;
    let mut tour = Tour { client, step };
    let income = json!({ "kind": "tax", "households": [{ "rfr_euros": 24_000, "parts": 2.5 }] });
    let asked = json!({ "diner": "pupil", "days_a_week": 4, "means": income });
    let simulate = Request::post(at("price-simulations"), asked);
    tour.show(200, simulate, "Anybody may ask what a meal would cost; what he tells is kept nowhere.").await?;
    let wish = json!({
        "child_id": child, "season": SEASON, "weekdays": ["monday", "tuesday", "thursday", "friday"], "diet": "no_pork",
    });
    let enrolled = Request::post(at("enrolments"), wish).by(&family);
    let enrolled = tour
        .show(201, enrolled, "Every meal of the year is reserved at once; as long as nothing is known, at 7,00 €.")
        .await?;
    ensure!(enrolled.number("/rates/0/meal_cents")? == HIGHEST_CENTS, "the highest price holds");
    let texts = Request::get(at("reduced-rate-texts"));
    let texts = tour.show(200, texts, "What ticking means: who is asked what, why, and how long it is kept.").await?;
    let asked = json!({
        "season": SEASON, "child_ids": [child], "text_version": texts.text("/in_force")?, "accepted": true, "tax_households": 1,
        "taxpayers": [{ "tax_number": household.tax_number, "last_name": household.last_name }],
    });
    let request = Request::post(at("reduced-rate-requests"), asked).by(&family);
    let request = tour
        .show(201, request, "Ticked: only now may the tax administration be asked. The number is written down nowhere.")
        .await?;
    let request = at(&format!("reduced-rate-requests/{}", request.text("/id")?));
    wait_until_decided(&tour, &request, &family).await?;
    let decided = tour
        .show(
            200,
            Request::get(&request).by(&family),
            "A stand-in of the administration answered; the price explains itself.",
        )
        .await?;
    ensure!(decided.number("/children/0/after/cents")? == REDUCED_CENTS, "the reduced rate is decided");
    let steps = decided.json.pointer("/children/0/after/explained/steps").and_then(serde_json::Value::as_array);
    for sentence in steps.into_iter().flatten().filter_map(|step| step.get("sentence")?.as_str()) {
        println!("        {sentence}");
    }
    let meals = at(&format!("enrolments/{}/meals", enrolled.text("/id")?));
    let month = Request::get(format!("{meals}?from=2026-09-21&until=2026-09-30")).by(&family);
    tour.show(200, month, "Each meal with the instant from which it stands.").await?;
    let cancel = |day: &str| Request::post(format!("{meals}/{day}/cancel"), json!({})).by(&family);
    tour.show(200, cancel("2026-09-25"), "Friday's is cancelled in time: nobody pays for it.").await?;
    Ok((tour.step, meals))
}

async fn wait_until_decided(tour: &Tour<'_>, request: &str, family: &str) -> anyhow::Result<()> {
    for _ in 0..TRIES {
        let shown = tour.client.expect(200, Request::get(request).by(family)).await?;
        match shown.text("/state")?.as_str() {
            "decided" => return Ok(()),
            "in_progress" => tokio::time::sleep(PAUSE).await,
            other => bail!("the request is {other}: {}", shown.json),
        }
    }
    bail!("the request is not decided")
}

/// Thursday 24 September, at noon.
async fn pass_the_gate(stage: &mut Stage, meals: &str, step: u32) -> anyhow::Result<u32> {
    stage.move_to("2026-09-24", "11:45:00")?;
    title("Thursday, a quarter to twelve: the gate");
    let Stage { client, administrators: [administrator, _], family, child, .. } = stage;
    let (administrator, family) = (administrator.sign_in(client).await?, family.sign_in(client).await?);
    let mut tour = Tour { client, step };
    let late = Request::post(format!("{meals}/2026-09-24/cancel"), json!({})).by(&family);
    let late = tour.show(409, late, "Today's meal is cooked: its instant was on Tuesday night.").await?;
    ensure!(late.text("/code")? == "canteen.too_late", "the cut-off holds");
    let operator = Request::post(at("operators"), json!({ "name": "Cuisines du Val de Seine" })).by(&administrator);
    let operator = tour.show(201, operator, "Who serves the meals.").await?.text("/id")?;
    let sites = json!({ "uais": [COLLEGE], "starts_on": "2026-09-21" });
    let sites = Request::post(at(&format!("operators/{operator}/sites")), sites).by(&administrator);
    tour.show(201, sites, "And where.").await?;
    let gate = json!({ "kind": "gate", "college_uai": COLLEGE, "label": "Entrée du réfectoire" });
    let invited = Request::post(at(&format!("operators/{operator}/devices")), gate).by(&administrator);
    let invited = tour.show(201, invited, "A gate of that collège, with a code that serves once.").await?;
    let gate = Device::enrol(client, &invited.text("/enrolment_code")?, "gate", Some(RECIPIENT)).await?;
    let token = tour.show(200, gate.assertion(client)?, "It proves its own key, as tills do.").await?;
    let gate = token.text("/access_token")?;
    let card = Request::get(format!("/v1/departments/92/children/{child}/card")).by(&family);
    let card = tour.show(200, card, "The child's card, as on its telephone.").await?.text("/signed")?;
    let pass = |number: u32| {
        let read = json!({ "sequence": number, "scanned_at": client.now(), "card": card });
        Request::post(at("passages"), read).by(&gate)
    };
    let passed = tour
        .show(200, pass(1), "It eats: first name, initial, diet, the portrait where there is one, nothing else.")
        .await?;
    ensure!(eats(&passed) == Some(true), "who reserved eats");
    let again = tour.show(200, pass(2), "The same card again: it has passed.").await?;
    ensure!(eats(&again) == Some(false), "one meal a day");
    let forecast = Request::get(at("forecast?from=2026-09-24&until=2026-09-29")).by(&administrator);
    tour.show(200, forecast, "The kitchen's forecast: numbers, and nobody's name.").await?;
    Ok(tour.step)
}

fn eats(passed: &Answer) -> Option<bool> {
    passed.json.get("eats")?.as_bool()
}

/// Monday 5 October.
async fn bill(stage: &mut Stage, step: u32) -> anyhow::Result<u32> {
    stage.move_to("2026-10-05", "09:00:00")?;
    title("Monday 5 October: from attendance to the bill");
    stage.round().await;
    let Stage { client, finance: [first, second], secretary, family, child, .. } = stage;
    let secretary = secretary.sign_in(client).await?;
    let (first, second) = (first.sign_in(client).await?, second.sign_in(client).await?);
    let family = family.sign_in(client).await?;
    let mut tour = Tour { client, step };
    let absence = json!({ "diner_id": child, "day": "2026-09-28", "reason": "medical_certificate" });
    let excuse = Request::post(at("attendance/excuse"), absence).by(&secretary);
    tour.show(
        200,
        excuse,
        "Monday's absence is excused by the collège: not billed, and the certificate is kept nowhere.",
    )
    .await?;
    let month = json!({ "college_uai": COLLEGE, "month": "2026-09" });
    let lock = Request::post(at("attendance-months/lock"), month).by(&first);
    tour.show(409, lock, "The gate was not heard since the 24th: it may still have passages of September.").await?;
    let month = json!({ "college_uai": COLLEGE, "month": "2026-09", "accept_gaps": "La borne n'a plus servi." });
    let lock = Request::post(at("attendance-months/lock"), month).by(&first);
    tour.show(201, lock, "It is locked for a reason that the journal keeps: no meal of it changes any more.").await?;
    let begin = Request::post(at("bill-runs"), json!({ "month": "2026-09" })).by(&first);
    let run = tour.show(201, begin, "What is due against what was billed: a draft, with its digest.").await?;
    let path = |verb: &str| Ok::<_, anyhow::Error>(at(&format!("bill-runs/{}/{verb}", run.text("/id")?)));
    let digest = json!({ "digest": run.text("/draft/digest")? });
    let check = Request::post(path("check")?, digest).by(&first);
    tour.show(200, check, "One person checks it, by that digest.").await?;
    let seen = json!({
        "digest": run.text("/draft/digest")?, "documents": run.number("/draft/bills")?, "total_cents": run.number("/draft/bills_cents")?,
    });
    let issue = || Ok::<_, anyhow::Error>(Request::post(path("issue")?, seen.clone()));
    tour.show(409, issue()?.by(&first), "Who checked does not issue.").await?;
    tour.show(200, issue()?.by(&second), "Another person issues: numbers without a hole, bills that never change.")
        .await?;
    let bills = tour.show(200, Request::get(at("bills")).by(&family), "The family's bills.").await?;
    let bill = at(&format!("bills/{}", bills.text("/items/0/id")?));
    let shown = Request::get(&bill).by(&family);
    let shown = tour
        .show(
            200,
            shown,
            "Two meals: one eaten, one that nobody came for; the cancelled and the excused ones are free.",
        )
        .await?;
    let due = shown.number("/total_cents")?;
    ensure!(due == 2 * REDUCED_CENTS, "two meals are due, not {due} cents");
    tour.show(
        200,
        Request::get(format!("{bill}/document.pdf")).by(&family),
        "The same as PDF, with the explanation of the rate.",
    )
    .await?;
    let payer = shown.text("/family_id")?;
    let paid = json!({ "payer_id": payer, "amount_cents": due, "paid_on": "2026-10-05", "means": "cheque", "reference": "1234567" });
    let pay =
        Request::post(at("payments"), paid).by(&first).with_key(&crate::kernel::ids::RequestId::generate().to_string());
    tour.show(201, pay, "A cheque came.").await?;
    let account = Request::get(at(&format!("accounts/{payer}"))).by(&family);
    let account = tour.show(200, account, "The account: added up from its entries, and nothing is owed.").await?;
    ensure!(account.number("/balance_cents")? == 0, "the account is balanced");
    Ok(tour.step)
}

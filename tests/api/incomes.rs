//! What the administrations are asked about a family's income, for whoever asked for a reduced rate: whatever they answer or fail to, there is an
//! outcome, never a wrong figure, and neither a tax number nor an income is told to anybody.

mod contract;
mod faults;
mod mutual_tls;
mod secrecy;

use crate::support::{Household, World, impot_config};
use chrono::TimeDelta;
use passplus::{
    config::ImpotResource,
    fiscal::{
        impot::{ImpotParticulier, Income, Inquiry, Progress, Step, Taxpayer},
        limits::{Authority, Health},
        note_health,
        outcome::{Outcome, Told},
        permit_call,
        quotient::{self, BirthPlace, FamilyQuotient},
        request::IncomeRequest,
    },
    kernel::{
        actor::Caller,
        ids::{AuthorityCallId, IncomeRequestId},
    },
};
use serde_json::Value;

/// What only the recorded tick of a guardian may make.
fn proof() -> IncomeRequest {
    IncomeRequest::recorded(IncomeRequestId::generate(), "2026-06".parse().unwrap(), "2026-06-02".parse().unwrap())
}

fn taxpayer(spi: &str, last_name: &str) -> Taxpayer {
    Taxpayer { spi: spi.parse().unwrap(), last_name: last_name.parse().unwrap() }
}

/// The taxpayer of a household, named as its last notice names him.
fn of(household: &Household) -> Taxpayer {
    let notice = household.years.values().next_back().unwrap();
    taxpayer(&household.spi, notice.get("nmNaiDec1").and_then(Value::as_str).unwrap_or("Inconnu"))
}

fn inquiry(first: Taxpayer, second: Option<Taxpayer>) -> Inquiry {
    Inquiry::new(proof(), first, second, 2025).ok().unwrap()
}

fn client(url: &str) -> ImpotParticulier {
    ImpotParticulier::new(&impot_config(url, ImpotResource::Year)).unwrap()
}

/// Asks to the end or to the first interruption; what the calls were, and what is left of the question.
async fn ask(client: &ImpotParticulier, mut inquiry: Inquiry) -> (Outcome, Vec<&'static str>, Option<Inquiry>) {
    let mut codes = vec![];
    loop {
        let Step { progress, code, .. } = inquiry.step(client, AuthorityCallId::generate()).await;
        codes.push(code);
        match progress {
            Progress::More(more) => inquiry = more,
            Progress::Ended(outcome) => return (outcome, codes, None),
            Progress::Interrupted(outcome, rest) => return (outcome, codes, Some(rest)),
        }
    }
}

fn income(outcome: &Outcome) -> &Income {
    match outcome {
        Outcome::Computed(Told::Income(income)) => income,
        other => panic!("{other:?}"),
    }
}

fn family_quotient(outcome: &Outcome) -> &FamilyQuotient {
    match outcome {
        Outcome::Computed(Told::Quotient(quotient)) => quotient,
        other => panic!("{other:?}"),
    }
}

/// The question of a case, if it can be put: a birth date may be told in part by the cases, never by us.
fn question(case: &Value) -> Option<quotient::Question> {
    let params = &case["params"];
    let text = |name: &str| params[name].as_str();
    let number = |name: &str| params[name].as_u64().map(|number| u32::try_from(number).unwrap());
    let first_names: Vec<&str> = params["prenoms"].as_array()?.iter().map(|name| name.as_str().unwrap()).collect();
    let year = i32::try_from(number("anneeDateNaissance")?).unwrap();
    let (month, day) = (number("moisDateNaissance").unwrap_or(12), number("jourDateNaissance").unwrap_or(27));
    Some(quotient::Question {
        last_name: text("nomNaissance")?.parse().unwrap(),
        usage_name: None,
        first_names: first_names.join(" ").parse().unwrap(),
        sex: text("sexeEtatCivil")?.parse().unwrap(),
        birth_date: chrono::NaiveDate::from_ymd_opt(year, month, day).unwrap(),
        birth_place: match text("codeCogInseeCommuneNaissance") {
            Some(commune) => BirthPlace::Commune(commune.parse().unwrap()),
            None => BirthPlace::Country(text("codeCogInseePaysNaissance")?.parse().unwrap()),
        },
        month: number("annee").map(|year| (i32::try_from(year).unwrap(), number("mois").unwrap())),
    })
}

#[actix_web::test]
async fn each_administration_has_its_own_pace_and_breaker_which_every_worker_keeps() {
    let world = World::start().await;
    let (department, caller) = ("92".parse().unwrap(), Caller::system());
    let permit = |authority| world.app.db.write(department, &caller, move |tx| permit_call(tx, authority));
    let note =
        |authority, health| world.app.db.write(department, &caller, move |tx| note_health(tx, authority, health));
    assert_eq!(permit(Authority::ImpotParticulier).await.unwrap(), None);
    assert!(permit(Authority::ImpotParticulier).await.unwrap().is_some(), "the next call keeps its distance");
    assert_eq!(permit(Authority::ApiParticulier).await.unwrap(), None, "the other is not concerned");
    note(Authority::ImpotParticulier, Health::Denied).await.unwrap();
    world.advance(TimeDelta::minutes(14));
    assert!(permit(Authority::ImpotParticulier).await.unwrap().is_some());
    assert_eq!(permit(Authority::ApiParticulier).await.unwrap(), None);
    world.advance(TimeDelta::minutes(2));
    for _ in 0..5 {
        note(Authority::ImpotParticulier, Health::Failing(None)).await.unwrap();
    }
    assert!(permit(Authority::ImpotParticulier).await.unwrap().is_some(), "the breaker is open");
    assert_eq!(permit(Authority::ApiParticulier).await.unwrap(), None);
    world.advance(TimeDelta::seconds(61));
    assert_eq!(permit(Authority::ImpotParticulier).await.unwrap(), None, "one call tries the ground");
}

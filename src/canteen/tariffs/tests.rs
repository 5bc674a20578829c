//! Golden tables of known grids; beside them what is refused, and what holds for every grid and every situation.

use super::{
    explained::{Applied, PriceUnit},
    figures::{DaysAWeek, Parts, QuotientFamilial, Rate, TaxHousehold},
    grid::{Base, ForfaitLine, OwnMeal, PayIndexBand, QuotientBand, StatusPrice, default_grid},
    *,
};
use crate::kernel::money::Cents;
use rust_decimal::Decimal;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

mod properties;
mod refused;

fn reference() -> GridRef {
    GridRef { id: GridId::from_uuid(Uuid::nil()), version: 3 }
}

fn pupils() -> Grid {
    default_grid(Diner::Pupil, "2026-09-01".parse().expect("a date"))
}

fn with_base(base: Base, maximum: i64) -> Grid {
    let maximum_cents = if matches!(base, Base::Fixed { .. }) { None } else { Some(Cents::new(maximum)) };
    Grid { base, maximum_cents, ..pupils() }
}

/// Bands by their first cents and prices, each until the next one.
fn quotient_bands(starts: &[(i64, i64)]) -> Base {
    let ends = starts.iter().skip(1).map(|(start, _)| Some(Cents::new(start - 1))).chain([None]);
    let band = |((from, price), until_cents): (&(i64, i64), _)| QuotientBand {
        from_cents: Cents::new(*from),
        until_cents,
        price_cents: Cents::new(*price),
    };
    Base::QuotientBands { bands: starts.iter().zip(ends).map(band).collect() }
}

/// The Val-de-Marne's: its ends are public, the bands between them are not.
fn val_de_marne() -> Grid {
    let starts =
        [(0, 115), (60_001, 155), (84_001, 205), (108_001, 260), (140_001, 355), (180_001, 475), (222_501, 595)];
    let rsa = json!({"status": "rsa", "label": "Bénéficiaire du RSA", "price_cents": 40});
    let statuses = vec![serde_json::from_value(rsa).expect("a status")];
    Grid { statuses, ..with_base(quotient_bands(&starts), 595) }
}

fn tariff(grid: Grid) -> Tariff {
    Tariff::new(reference(), grid).expect("a sound grid")
}

fn enrolled(means: Means) -> Situation {
    let days_a_week = DaysAWeek::try_from(4).expect("four days");
    Situation { means, statuses: vec![], attendance: Attendance::Enrolled { days_a_week }, own_meal: false }
}

fn quotient(cents: i64) -> Means {
    Means::Quotient { quotient_cents: QuotientFamilial::from_cents(Cents::new(cents)).expect("a quotient") }
}

fn household(rfr_euros: u32, quarters: u16) -> TaxHousehold {
    TaxHousehold { rfr_euros, parts: Parts::from_quarters(quarters).expect("parts") }
}

fn rules(explained: &Explained) -> Vec<String> {
    let rule = |step: &super::explained::Step| {
        serde_json::to_value(&step.applied).expect("JSON")["rule"].as_str().expect("a rule").to_owned()
    };
    explained.steps.iter().map(rule).collect()
}

fn pointers(grid: &Grid) -> Vec<String> {
    grid.check().into_iter().map(|problem| problem.pointer).collect()
}

#[test]
fn the_bands_of_94_hold_to_the_cent_at_each_bound() {
    let tariff = tariff(val_de_marne());
    let cents = |quotient_cents| price(&tariff, &enrolled(quotient(quotient_cents))).cents.get();
    for (first_of_next, before, after) in [
        (60_001, 115, 155),
        (84_001, 155, 205),
        (108_001, 205, 260),
        (140_001, 260, 355),
        (180_001, 355, 475),
        (222_501, 475, 595),
    ] {
        let found =
            [cents(first_of_next - 2), cents(first_of_next - 1), cents(first_of_next), cents(first_of_next + 1)];
        assert_eq!(found, [before, before, after, after], "around {first_of_next}");
    }
    assert_eq!((cents(0), cents(QuotientFamilial::MAX_CENTS)), (115, 595));
    // The status sets the price, whether or not anything else is known.
    for means in [quotient(500_000), Means::Unknown { because: Unknown::NoProof }] {
        let rsa = Situation { statuses: vec!["rsa".parse().expect("a code")], ..enrolled(means) };
        let told = price(&tariff, &rsa);
        assert_eq!((told.cents.get(), rules(&told)), (40, vec!["status".to_owned()]));
        assert_eq!(told.steps[0].sentence, "Situation « Bénéficiaire du RSA » : 0,40 € le repas.");
    }
    let told = price(&tariff, &enrolled(quotient(60_001)));
    let sentence = "Le quotient familial de 600,01 € est dans la tranche de 600,01 € à 840,00 € : 1,55 € le repas.";
    assert_eq!(told.steps[0].sentence, sentence);
}

#[test]
fn the_rate_of_92_is_clamped_and_rounded_once() {
    let tariff = tariff(pupils());
    let told = |quotient_cents| price(&tariff, &enrolled(quotient(quotient_cents)));
    for (quotient_cents, cents, expected) in [
        (0, 64, vec!["quotient_rate", "floor"]),
        // 63.9975 cents.
        (18_285, 64, vec!["quotient_rate", "floor"]),
        // 64.001 cents.
        (18_286, 64, vec!["quotient_rate", "rounding"]),
        // 248.5 cents: away from zero.
        (71_000, 249, vec!["quotient_rate", "rounding"]),
        (80_000, 280, vec!["quotient_rate"]),
        // 699.9965 cents.
        (199_999, 700, vec!["quotient_rate", "rounding"]),
        (200_000, 700, vec!["quotient_rate"]),
        (200_001, 700, vec!["quotient_rate", "cap"]),
        (QuotientFamilial::MAX_CENTS, 700, vec!["quotient_rate", "cap"]),
    ] {
        let told = told(quotient_cents);
        assert_eq!((told.cents.get(), rules(&told)), (cents, expected.into_iter().map(str::to_owned).collect()));
    }
    let sentences: Vec<String> = told(71_000).steps.into_iter().map(|step| step.sentence).collect();
    assert_eq!(
        sentences,
        ["Prix du repas : 0,0035 × 710,00 € = 2,485 €.", "Arrondi au centime le plus proche : 2,49 €."]
    );
}

#[test]
fn a_quotient_adds_the_households_and_is_rounded_to_the_cent() {
    let of = |households: &[TaxHousehold]| QuotientFamilial::of(households).map(|quotient| quotient.cents().get());
    assert_eq!(of(&[household(24_000, 10)]), Some(80_000));
    assert_eq!(of(&[household(10_000, 12)]), Some(27_778));
    assert_eq!(of(&[household(3, 8)]), Some(13), "12.5 cents");
    assert_eq!(of(&[household(24_000, 10), household(12_000, 6)]), Some(75_000));
    assert_eq!(of(&[household(0, 4)]), Some(0), "no income is an income of zero; no notice is not");
    assert_eq!(of(&[]), None);
    assert!(of(&[household(u32::MAX, 1)]).is_some());
    let told = price(
        &tariff(pupils()),
        &enrolled(Means::Tax { households: vec![household(24_000, 10), household(12_000, 6)] }),
    );
    assert_eq!(
        (told.cents.get(), rules(&told)),
        (263, ["tax_figures", "quotient_rate", "rounding"].map(str::to_owned).into())
    );
    assert_eq!(
        told.steps[0].sentence,
        "Quotient familial, au centime : (24000 € + 12000 €) de revenu fiscal de référence ÷ (2,5 + 1,5) parts ÷ 12 mois = 750,00 €."
    );
    let kept = serde_json::to_string(&told.without_tax_figures()).expect("JSON");
    assert!(!kept.contains("24000") && !kept.contains("rfr_euros") && kept.contains("75000"), "{kept}");
}

#[test]
fn what_is_unknown_costs_the_maximum_and_says_why() {
    let tariff = tariff(pupils());
    for &because in Unknown::ALL {
        let told = price(&tariff, &enrolled(Means::Unknown { because }));
        assert_eq!((told.cents.get(), rules(&told)), (700, vec!["maximum".to_owned()]));
        assert!(matches!(told.steps[0].applied, Applied::Maximum { because: said } if said == because));
        assert!(told.steps[0].sentence.contains(because.reason()), "{}", told.steps[0].sentence);
    }
    let told = price(&tariff, &enrolled(Means::PayIndex { pay_index: 400 }));
    assert!(matches!(told.steps[0].applied, Applied::Maximum { because: Unknown::AnotherKind }));
    let told = price(&tariff, &enrolled(Means::Tax { households: vec![] }));
    assert!(matches!(told.steps[0].applied, Applied::Maximum { because: Unknown::Odd }));
}

#[test]
fn a_forfait_is_paid_for_its_days_whatever_the_means() {
    let line =
        |(days, days_a_year): (u8, u16)| ForfaitLine { days_a_week: days.try_into().expect("days"), days_a_year };
    let forfait = [(1, 36), (2, 72), (3, 108), (4, 144), (5, 180)].map(line).to_vec();
    let tariff = tariff(Grid { forfait: Some(forfait.clone()), ..pupils() });
    let told = price(&tariff, &enrolled(quotient(80_000)));
    assert_eq!((told.cents.get(), told.unit, told.meal_cents.get()), (144 * 280, PriceUnit::Year, 280));
    assert_eq!(told.steps[1].sentence, "Forfait annuel de 144 repas à 2,80 €, pour 4 jours par semaine : 403,20 €.");
    // The meal is rounded before it is counted: 144 × 2.49, not 144 × 2.485.
    assert_eq!(price(&tariff, &enrolled(quotient(71_000))).cents.get(), 144 * 249);
    for ForfaitLine { days_a_week, days_a_year } in forfait {
        let situation = Situation { attendance: Attendance::Enrolled { days_a_week }, ..enrolled(quotient(80_000)) };
        assert_eq!(price(&tariff, &situation).cents.get(), i64::from(days_a_year) * 280);
    }
    let walk_in = Situation { attendance: Attendance::WalkIn, ..enrolled(quotient(0)) };
    let told = price(&tariff, &walk_in);
    assert_eq!((told.cents.get(), told.unit, rules(&told)), (700, PriceUnit::Meal, vec!["walk_in".to_owned()]));
}

#[test]
fn a_meal_that_the_family_brings_never_costs_more() {
    let fixed = OwnMeal::Fixed { price_cents: Cents::new(100) };
    let share = OwnMeal::Share { share: "0.5".to_owned().try_into().expect("a rate") };
    // Half of 2.485 € is rounded once, from 1.2425 €.
    for (own_meal, quotient_cents, cents) in
        [(fixed, 80_000, 100), (fixed, 0, 64), (share, 80_000, 140), (share, 71_000, 124)]
    {
        let tariff = tariff(Grid { own_meal: Some(own_meal), ..pupils() });
        let situation = Situation { own_meal: true, ..enrolled(quotient(quotient_cents)) };
        assert_eq!(price(&tariff, &situation).cents.get(), cents);
        let without = price(&tariff, &Situation { own_meal: false, ..situation });
        assert!(without.cents.get() >= cents && !rules(&without).contains(&"own_meal".to_owned()));
    }
}

#[test]
fn adults_pay_by_their_index_or_one_price() {
    let band =
        |from_index, until_index, cents| PayIndexBand { from_index, until_index, price_cents: Cents::new(cents) };
    let bands = vec![band(0, Some(465), 310), band(466, None, 480)];
    let staff = tariff(Grid { diner: Diner::Commensal, ..with_base(Base::PayIndexBands { bands }, 480) });
    let cents = |means| price(&staff, &enrolled(means)).cents.get();
    assert_eq!([0, 465, 466, u32::MAX].map(|pay_index| cents(Means::PayIndex { pay_index })), [310, 310, 480, 480]);
    assert_eq!(cents(quotient(0)), 480, "a quotient is no pay index");
    let told = price(&staff, &enrolled(Means::PayIndex { pay_index: 500 }));
    assert_eq!(told.steps[0].sentence, "L'indice 500 est dans la tranche à partir de 466 : 4,80 € le repas.");
    let guests = tariff(default_grid(Diner::Guest, "2026-09-01".parse().expect("a date")));
    assert_eq!(price(&guests, &enrolled(quotient(0))).cents.get(), 860);
}

#[test]
fn figures_are_read_exactly_or_not_at_all() {
    fn read<T: DeserializeOwned + Serialize>(value: Value) -> Option<Value> {
        serde_json::from_value::<T>(value).ok().and_then(|read| serde_json::to_value(read).ok())
    }
    for (text, quarters) in [("2.5", 10), ("0.25", 1), ("1", 4), ("3.0", 12), ("100", 400), ("12.75", 51)] {
        let parts: Parts = serde_json::from_str(text).expect("parts");
        assert_eq!(parts.quarters(), quarters);
        let again = serde_json::to_string(&parts).expect("JSON");
        assert_eq!(serde_json::from_str::<Parts>(&again).ok(), Some(parts), "{text}");
    }
    for wrong in ["0", "-1", "2.3", "100.25", "1e300", "\"2.5\"", "null", "2.50000001"] {
        assert!(serde_json::from_str::<Parts>(wrong).is_err(), "{wrong}");
    }
    for right in ["0.0035", "1", "0.000001"] {
        assert_eq!(read::<Rate>(json!(right)), Some(json!(right)));
    }
    for wrong in [
        json!("0"),
        json!("1.1"),
        json!("-0.5"),
        json!("3e-3"),
        json!("0,5"),
        json!("0.00000001"),
        json!(0.0035),
        json!(""),
    ] {
        assert_eq!(read::<Rate>(wrong.clone()), None, "{wrong}");
    }
    for wrong in [json!(-1), json!(1_000_000_000_001_i64), json!(1.5), json!("800")] {
        assert_eq!(read::<QuotientFamilial>(wrong.clone()), None, "{wrong}");
    }
    for wrong in [
        json!({"rfr_euros": -1, "parts": 1}),
        json!({"rfr_euros": null, "parts": 1}),
        json!({"parts": 1}),
        json!({"rfr_euros": 1.5, "parts": 1}),
    ] {
        assert_eq!(read::<TaxHousehold>(wrong.clone()), None, "{wrong}");
    }
    assert_eq!([json!(0), json!(6)].map(read::<DaysAWeek>), [None, None]);
    let mut surprising = serde_json::to_value(pupils()).expect("JSON");
    for (place, value) in [("format", json!(2)), ("surprise", json!(1)), ("base", json!({"kind": "mystery"}))] {
        let before = surprising.clone();
        surprising[place] = value;
        assert!(serde_json::from_value::<Grid>(surprising).is_err(), "{place}");
        surprising = before;
    }
}

#[test]
fn no_figure_shows_in_a_log() {
    let situation = enrolled(Means::Tax { households: vec![household(24_681, 10)] });
    let told = price(&tariff(pupils()), &situation);
    let known = [situation.means.clone(), quotient(82_270), Means::PayIndex { pay_index: 97_531 }];
    let logged = format!("{situation:?} {known:?} {told:?} {:?} {:?}", told.steps, household(24_681, 10));
    assert!(logged.contains("Tax(***)") && !logged.contains("Enrolled"), "{logged}");
    assert!(!["24681", "82270", "97531"].iter().any(|figure| logged.contains(figure)), "{logged}");
}

fn example_of<T: utoipa::PartialSchema + DeserializeOwned>() -> Option<T> {
    let schema = serde_json::to_value(T::schema()).ok()?;
    serde_json::from_value(schema.get("example")?.clone()).ok()
}

#[test]
fn the_defaults_and_the_published_examples_are_sound() {
    for &diner in Diner::ALL {
        for day in ["2026-09-01", "2028-02-29", "2199-12-31"] {
            let problems = default_grid(diner, day.parse().expect("a date")).check();
            assert!(problems.is_empty() || day.starts_with("2199"), "{problems:?}");
        }
    }
    assert_eq!(example_of::<Grid>(), Some(pupils()));
    assert_eq!(example_of::<Base>(), Some(pupils().base));
    assert!(example_of::<QuotientBand>().is_some() && example_of::<PayIndexBand>().is_some());
    assert!(example_of::<OwnMeal>().is_some() && example_of::<StatusPrice>().is_some());
    assert!(
        example_of::<ForfaitLine>().is_some()
            && example_of::<Means>().is_some()
            && example_of::<TaxHousehold>().is_some()
    );
    let step = example_of::<super::explained::Step>().expect("a step");
    assert!(price(&tariff(pupils()), &enrolled(quotient(80_000))).steps.contains(&step));
}

//! What holds for every sound grid and every situation.

use super::*;
use proptest::prelude::*;

/// Bases of every kind, sound whatever the numbers.
fn bases() -> impl Strategy<Value = (Base, i64)> {
    let widths = || prop::collection::vec((1_i64..60_000, 0_i64..300), 1..8);
    let rising = |widths: &[(i64, i64)]| {
        let (mut from, mut cents) = (0, 0);
        let start = |(width, rise): &(i64, i64)| {
            let start = (from, cents + rise);
            (from, cents) = (from + width, cents + rise);
            start
        };
        widths.iter().map(start).collect::<Vec<_>>()
    };
    prop_oneof![
        (1_i64..1_000_000, 0_i64..1_000, 0_i64..1_000).prop_map(|(rate, floor, span)| {
            let rate = Decimal::new(rate, 6).to_string().try_into().expect("a rate");
            let (floor_cents, cap_cents) = (Cents::new(floor), Cents::new(floor + span));
            (Base::QuotientRate { rate, floor_cents, cap_cents }, floor + span)
        }),
        widths().prop_map(move |widths| {
            let starts = rising(&widths);
            (quotient_bands(&starts), starts.last().map_or(0, |(_, price)| *price))
        }),
        (0_i64..1_000).prop_map(|cents| (Base::Fixed { price_cents: Cents::new(cents) }, cents)),
        widths().prop_map(move |widths| {
            let starts = rising(&widths);
            let index = |from: i64| u32::try_from(from).expect("an index");
            let ends = starts.iter().skip(1).map(|(from, _)| Some(index(from - 1))).chain([None]);
            let bands = starts.iter().zip(ends).map(|((from, price), until_index)| PayIndexBand {
                from_index: index(*from),
                until_index,
                price_cents: Cents::new(*price),
            });
            (Base::PayIndexBands { bands: bands.collect() }, starts.last().map_or(0, |(_, price)| *price))
        }),
    ]
}

fn grids() -> impl Strategy<Value = Grid> {
    let own_meal = prop_oneof![
        Just(None),
        (0_i64..1_000).prop_map(|cents| Some(OwnMeal::Fixed { price_cents: Cents::new(cents) })),
        (1_i64..=100).prop_map(|hundredths| {
            Some(OwnMeal::Share { share: Decimal::new(hundredths, 2).to_string().try_into().expect("a rate") })
        }),
    ];
    (bases(), 0_i64..300, 0_i64..2_000, own_meal, 0_i64..100, prop::option::of(1_u16..40)).prop_map(
        |((base, highest), above, walk_in, own_meal, status, forfait)| {
            let maximum = if matches!(base, Base::Fixed { .. }) { highest } else { highest + above };
            let line = |(days_a_week, days): (DaysAWeek, u16)| ForfaitLine { days_a_week, days_a_year: days };
            let status = json!({"status": "rsa", "label": "RSA", "price_cents": maximum * status / 100});
            Grid {
                diner: Diner::Commensal,
                walk_in_cents: Cents::new(walk_in),
                own_meal,
                statuses: vec![serde_json::from_value(status).expect("a status")],
                forfait: forfait
                    .map(|days| DaysAWeek::ALL.into_iter().zip([1, 2, 3, 4, 5].map(|n| n * days)).map(line).collect()),
                ..with_base(base, maximum)
            }
        },
    )
}

fn means() -> impl Strategy<Value = Means> {
    let households = prop::collection::vec((any::<u32>(), 1_u16..=400), 0..4);
    prop_oneof![
        prop::sample::select(Unknown::ALL).prop_map(|because| Means::Unknown { because }),
        households
            .prop_map(|all| Means::Tax { households: all.into_iter().map(|(rfr, q)| household(rfr, q)).collect() }),
        (0..=QuotientFamilial::MAX_CENTS).prop_map(quotient),
        (0_i64..400_000).prop_map(quotient),
        any::<u32>().prop_map(|pay_index| Means::PayIndex { pay_index }),
    ]
}

fn situations() -> impl Strategy<Value = Situation> {
    (means(), any::<bool>(), any::<bool>(), prop::option::of(0_usize..5)).prop_map(|(means, rsa, own_meal, days)| {
        let statuses = if rsa { vec!["rsa".parse().expect("a code")] } else { vec![] };
        let attendance =
            days.map_or(Attendance::WalkIn, |days| Attendance::Enrolled { days_a_week: DaysAWeek::ALL[days] });
        Situation { means, statuses, attendance, own_meal }
    })
}

proptest! {
    #[test]
    fn every_situation_has_a_price_within_bounds_that_its_explanation_ends_in(grid in grids(), situation in situations()) {
        prop_assert_eq!(grid.faults(), vec![]);
        let tariff = tariff(grid);
        let told = price(&tariff, &situation);
        let last = told.steps.last().expect("a step");
        prop_assert_eq!(last.result_euros.decimal() * Decimal::from(100), Decimal::from(told.cents.get()));
        prop_assert!(told.cents >= Cents::ZERO);
        match situation.attendance {
            Attendance::WalkIn => prop_assert_eq!(told.cents, tariff.grid().walk_in_cents),
            Attendance::Enrolled { .. } => prop_assert!(told.meal_cents <= tariff.maximum()),
        }
        match told.unit {
            PriceUnit::Meal => prop_assert_eq!(told.cents, told.meal_cents),
            PriceUnit::Year => prop_assert!(tariff.grid().forfait.is_some() && told.cents >= told.meal_cents),
        }
        prop_assert_eq!(told.grid, reference());
        prop_assert!(told.steps.iter().all(|step| step.sentence.ends_with('.')));
    }

    #[test]
    fn whoever_has_more_never_pays_less(grid in grids(), situation in situations(), a in 0_i64..500_000, b in 0_i64..500_000) {
        let tariff = tariff(grid);
        let cents = |means| price(&tariff, &Situation { means, ..situation.clone() }).cents;
        prop_assert!(cents(quotient(a.min(b))) <= cents(quotient(a.max(b))));
        let index = |value| Means::PayIndex { pay_index: u32::try_from(value).expect("an index") };
        prop_assert!(cents(index(a.min(b))) <= cents(index(a.max(b))));
        // Nor does silence ever pay.
        let silent = cents(Means::Unknown { because: Unknown::NotRequested });
        prop_assert!(cents(quotient(a)) <= silent && cents(index(b)) <= silent);
    }

    #[test]
    fn a_quotient_rises_with_the_income_and_falls_with_the_parts(a: u32, b: u32, p in 1_u16..=400, q in 1_u16..=400) {
        let of = |rfr, quarters| QuotientFamilial::of(&[household(rfr, quarters)]);
        prop_assert!(of(a.min(b), p) <= of(a.max(b), p));
        prop_assert!(of(a, p.max(q)) <= of(a, p.min(q)));
        prop_assert!(of(a, p).is_some());
    }

    #[test]
    fn a_hole_and_an_overlap_are_seen_wherever_they_are(
        widths in prop::collection::vec(2_i64..60_000, 2..8), at in any::<prop::sample::Index>(), shift in prop_oneof![Just(-1_i64), Just(1)],
    ) {
        let starts: Vec<(i64, i64)> = widths.iter().scan(0, |from, width| { let start = *from; *from += width; Some((start, 100)) }).collect();
        let mut grid = with_base(quotient_bands(&starts), 100);
        let place = 1 + at.index(starts.len() - 1);
        if let Base::QuotientBands { bands } = &mut grid.base {
            bands[place].from_cents = Cents::new(bands[place].from_cents.get() + shift);
        }
        prop_assert_eq!(pointers(&grid), [format!("/base/bands/{place}/from_cents")]);
        prop_assert!(Tariff::new(reference(), grid).is_err());
    }

    #[test]
    fn grids_and_explanations_survive_storage(grid in grids(), situation in situations()) {
        let stored = serde_json::to_value(&grid).expect("JSON");
        prop_assert_eq!(serde_json::from_value::<Grid>(stored).ok(), Some(grid.clone()));
        let told = price(&tariff(grid), &situation);
        let stored = serde_json::to_string(&told).expect("JSON");
        let read: Explained = serde_json::from_str(&stored).expect("an explanation");
        prop_assert!(read == told, "{}", stored);
    }
}

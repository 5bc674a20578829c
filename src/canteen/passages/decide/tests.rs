use super::{PassReason as R, *};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn facts() -> Facts {
    let meal = Some(MealState::Reserved);
    Facts { shown: Shown::Diner, too_late: false, here: true, open: true, served: true, walk_ins: true, meal }
}

fn told(facts: Facts) -> (bool, PassReason) {
    let Decision { eats, reason } = decide(facts);
    (eats, reason)
}

#[test]
fn each_situation_has_its_answer() {
    for (meal, eats, reason) in [
        (Some(MealState::Reserved), true, R::Reserved),
        (Some(MealState::NoShow), true, R::Reserved),
        (Some(MealState::Excused), true, R::Reserved),
        (Some(MealState::Cancelled), true, R::Cancelled),
        (Some(MealState::Closed), false, R::Closed),
        (Some(MealState::Consumed), false, R::AlreadyPassed),
        (Some(MealState::WalkIn), false, R::AlreadyPassed),
        (None, true, R::NotEnrolled),
    ] {
        assert_eq!(told(Facts { meal, ..facts() }), (eats, reason), "{meal:?}");
        let strict = Facts { meal, walk_ins: false, ..facts() };
        let eats = eats && reason == R::Reserved;
        assert_eq!(told(strict), (eats, reason), "without walk-ins: {meal:?}");
    }
    for (shown, reason) in [
        (Shown::NobodysCard, R::UnknownCard),
        (Shown::NobodysCode, R::UnknownCode),
        (Shown::StaleCode, R::StaleCode),
        (Shown::CardNotInUse, R::CardNotInUse),
    ] {
        assert_eq!(told(Facts { shown, ..facts() }), (false, reason));
    }
    assert_eq!(told(Facts { here: false, ..facts() }), (false, R::OtherCollege));
    assert_eq!(told(Facts { open: false, ..facts() }), (false, R::Closed));
    assert_eq!(told(Facts { too_late: true, open: false, ..facts() }), (false, R::TooLate));
    assert_eq!(told(Facts { served: false, meal: None, ..facts() }), (false, R::Closed));
    assert_eq!(told(Facts { served: false, ..facts() }), (true, R::Reserved), "a meal that waits is eaten");
    assert_eq!(told(Facts { here: false, meal: Some(MealState::Consumed), ..facts() }), (false, R::OtherCollege));
}

#[test]
fn every_answer_is_a_sentence_of_its_own() {
    let sentences: BTreeSet<_> =
        R::ALL.iter().flat_map(|reason| [reason.sentence(true), reason.sentence(false)]).collect();
    assert_eq!(sentences.len(), R::ALL.len() + 2);
    assert!(sentences.iter().all(|sentence| sentence.ends_with('.')));
}

/// A passage of the model: where it comes from, and what it counts.
type Sent = (u8, u8, u8, u8, bool);

fn day(number: u8) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 10, u32::from(number) + 1).expect("a day")
}

fn diner(number: u8) -> DinerId {
    DinerId::from_uuid(uuid::Uuid::from_u128(u128::from(number)))
}

/// The meals after these passages, of which each number counts once, come one batch each.
fn meals_after(
    before: &BTreeMap<(DinerId, NaiveDate), MealState>,
    sent: &[Sent],
) -> BTreeMap<(DinerId, NaiveDate), MealState> {
    let (mut meals, mut numbers) = (before.clone(), BTreeSet::new());
    for (gate, number, person, on, let_in) in sent {
        if !numbers.insert((gate, number)) {
            continue;
        }
        let place = (diner(*person), day(*on));
        let counting = Counting {
            let_in: *let_in,
            diner: Some(place.0),
            day: place.1,
            open: true,
            locked: false,
            meal: meals.get(&place).copied(),
        };
        if let Some(to) = Tally::default().count(counting).to {
            meals.insert(place, to);
        }
    }
    meals
}

proptest! {
    /// Passages of several gates may come in any order, and again: the same meals are eaten, each once.
    #[test]
    fn any_order_and_repetition_gives_the_same_meals(
        people in prop::collection::vec((0..4_u8, 0..3_u8, any::<bool>()), 1..24),
        states in prop::collection::btree_map((0..4_u8, 0..3_u8), prop::sample::select(MealState::ALL), 0..12),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
    ) {
        let before = states.into_iter().map(|((person, on), state)| ((diner(person), day(on)), state)).collect();
        // A number stands for one passage, whatever is sent again.
        let sent: Vec<Sent> = people
            .iter()
            .zip(0_u8..)
            .map(|((person, on, let_in), number)| (number % 2, number, *person, *on, *let_in))
            .collect();
        let mut other: Vec<Sent> = order.iter().map(|index| *index.get(&sent)).collect();
        other.extend(sent.iter().rev());
        prop_assert_eq!(meals_after(&before, &sent), meals_after(&before, &other));
        // Together in one batch, they do what they do one by one.
        let mut tally = Tally::default();
        let mut together: BTreeMap<(DinerId, NaiveDate), MealState> = before.clone();
        for (_, _, person, on, let_in) in &sent {
            let place = (diner(*person), day(*on));
            let meal = before.get(&place).copied();
            let effect = tally.count(Counting { let_in: *let_in, diner: Some(place.0), day: place.1, open: true, locked: false, meal });
            if let Some(to) = effect.to {
                together.insert(place, to);
            }
        }
        prop_assert_eq!(together, meals_after(&before, &sent));
    }

    /// Only who is let in moves a meal, and what is moved is eaten and paid for.
    #[test]
    fn a_passage_moves_a_meal_to_eaten_or_not_at_all(
        let_in: bool, known: bool, open: bool, locked: bool, meal in prop::option::of(prop::sample::select(MealState::ALL)),
    ) {
        let counting = Counting { let_in, diner: known.then(|| diner(1)), day: day(0), open, locked, meal };
        let effect = Tally::default().count(counting);
        prop_assert_eq!(effect.to.is_some(), effect.outcome == PassOutcome::Counted);
        prop_assert!(effect.to.is_none() || (let_in && known && open && !locked));
        prop_assert!(effect.to.is_none_or(|to| matches!(to, MealState::Consumed | MealState::WalkIn)));
    }
}

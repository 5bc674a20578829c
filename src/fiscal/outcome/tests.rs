use super::*;
use proptest::prelude::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn unavailable() -> Vec<Outcome> {
    let pauses = [None, Some(Pause::For(TimeDelta::seconds(90))), Some(Pause::Until(at(90)))];
    let of = |absence: Absence| pauses.map(|pause| Outcome::Unavailable(absence, pause));
    Absence::ALL.iter().copied().flat_map(of).collect()
}

fn ended() -> Vec<Outcome> {
    let mut ended = vec![Outcome::NotFound, Outcome::Refused(Because::Question)];
    ended.extend(Field::ALL.iter().flat_map(|field| [Outcome::Partial(*field), Outcome::Odd(*field)]));
    ended.extend(Doubt::ALL.iter().map(|doubt| Outcome::Ambiguous(*doubt)));
    ended
}

#[test]
fn an_answer_is_decided_or_given_to_an_agent_at_once() {
    let quotient = FamilyQuotient { value_euros: 0, year: 2026, month: 9, provider: None };
    let told = Outcome::Computed(Told::Quotient(quotient));
    assert_eq!((after(&told, 1, at(0), 0), told.health()), (Next::Decide, Health::Good));
    for outcome in ended() {
        assert_eq!(after(&outcome, 1, at(0), 0), Next::GiveUp, "{outcome:?}");
        assert_eq!(outcome.health(), Health::Good, "{outcome:?}");
    }
}

#[test]
fn waits_double_to_six_hours_and_a_rest_asked_for_is_kept() {
    let down = Outcome::Unavailable(Absence::Down, None);
    let waits = [1, 2, 3, 10, 13].map(|attempt| after(&down, attempt, at(0), 0));
    assert_eq!(waits, [30, 60, 120, 15_360, 21_600].map(|seconds| Next::RetryAt(at(seconds))));
    let most = after(&down, 1, at(0), u8::MAX);
    assert_eq!(most, Next::RetryAt(at(0) + TimeDelta::milliseconds(37_500)));
    for absence in [Absence::Limited, Absence::Down, Absence::Busy] {
        for pause in [Pause::For(TimeDelta::seconds(90)), Pause::Until(at(90))] {
            assert_eq!(after(&Outcome::Unavailable(absence, Some(pause)), 1, at(0), 0), Next::RetryAt(at(91)));
        }
    }
    assert_eq!(after(&Outcome::Unavailable(Absence::Busy, None), 5, at(0), 0), Next::RetryAt(at(10)));
    assert_eq!(after(&Outcome::Unavailable(Absence::TokenEnded, None), 1, at(0), 0), Next::RetryAt(at(1)));
    let absurd = Outcome::Unavailable(Absence::Limited, Some(Pause::Until(DateTime::<Utc>::MAX_UTC)));
    assert_eq!(after(&absurd, 1, at(0), 0), Next::RetryAt(at(7 * 86_400 + 1)));
    let past = Outcome::Unavailable(Absence::Limited, Some(Pause::Until(DateTime::<Utc>::MIN_UTC)));
    assert_eq!(after(&past, 1, at(0), 0), Next::RetryAt(at(30)));
}

#[test]
fn every_request_ends() {
    let mut outcomes = unavailable();
    outcomes.push(Outcome::Refused(Because::Access));
    for outcome in outcomes {
        assert!(matches!(after(&outcome, TRIES_MAX - 1, at(0), 9), Next::RetryAt(_)), "{outcome:?}");
        for attempts in [TRIES_MAX, TRIES_MAX + 1, i32::MAX] {
            assert_eq!(after(&outcome, attempts, at(0), 9), Next::GiveUp, "{outcome:?}");
        }
    }
    assert!(matches!(after(&Outcome::Unreadable, 2, at(0), 0), Next::RetryAt(_)));
    assert_eq!(after(&Outcome::Unreadable, 3, at(0), 0), Next::GiveUp);
}

proptest! {
    #[test]
    fn a_retry_is_later_and_within_a_quarter_of_its_least_wait(attempts in any::<i32>(), seconds in any::<i64>(), luck: u8) {
        let pause = TimeDelta::try_seconds(seconds % 10_000_000).map(Pause::For);
        for outcome in [Outcome::Unavailable(Absence::Down, pause), Outcome::Unavailable(Absence::Limited, pause), Outcome::Unreadable] {
            let (Next::RetryAt(least), Next::RetryAt(then)) = (after(&outcome, attempts, at(0), 0), after(&outcome, attempts, at(0), luck))
            else { continue };
            prop_assert!(at(0) < least && least <= then);
            prop_assert!((then - at(0)) * 4 <= (least - at(0)) * 5);
        }
    }
}

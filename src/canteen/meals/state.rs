//! The life of a meal. It begins reserved, or taken without reservation, and is billed once its month is locked.

text_enum! {
    /// Where a meal stands.
    pub enum MealState {
        Reserved = "reserved",
        /// Given up before the cut-off: not billed.
        Cancelled = "cancelled",
        Consumed = "consumed",
        /// Reserved, not taken, not cancelled in time: billed.
        NoShow = "no_show",
        /// Missed for a reason proven by a document: not billed.
        Excused = "excused",
        /// The school served none: not billed.
        Closed = "closed",
        /// Taken without reservation: billed at the price of such meals.
        WalkIn = "walk_in",
    }
}

text_enum! {
    /// What happens to a meal.
    pub enum MealEvent {
        /// Before the cut-off, by who reserved it.
        Cancel = "cancel",
        /// The same taken back, before the cut-off.
        Reserve = "reserve",
        /// The diner passed the gate.
        Pass = "pass",
        /// He did not: it was somebody else, or a mistake.
        Withdraw = "withdraw",
        /// The day is over and nobody came.
        Miss = "miss",
        /// A document explains the absence.
        Excuse = "excuse",
        /// The canteen does not serve that day.
        Close = "close",
        /// It serves after all.
        Reopen = "reopen",
    }
}

/// What a meal costs by its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    Nothing,
    /// The diner's own rate.
    Rate,
    /// The price of a meal without reservation.
    WalkIn,
}

impl MealState {
    /// The state after `event`, or `None` when the event cannot happen here.
    #[must_use]
    pub const fn after(self, event: MealEvent) -> Option<Self> {
        use MealEvent as E;
        match (self, event) {
            // A closed one while the end of its closure is still to be applied.
            // Who had reserved nothing, and did not eat, has no meal.
            (Self::Reserved | Self::Closed, E::Cancel) | (Self::WalkIn, E::Withdraw) => Some(Self::Cancelled),
            (Self::Cancelled, E::Reserve) | (Self::Closed, E::Reopen) | (Self::Consumed, E::Withdraw) => {
                Some(Self::Reserved)
            }
            // Passages come late, and in any order: whoever ate has eaten.
            // A closure may be written down after the meal, which was reserved.
            (Self::Reserved | Self::NoShow | Self::Excused | Self::Closed, E::Pass) => Some(Self::Consumed),
            (Self::Cancelled, E::Pass) => Some(Self::WalkIn),
            (Self::Reserved, E::Miss) => Some(Self::NoShow),
            (Self::Reserved | Self::NoShow, E::Excuse) => Some(Self::Excused),
            (Self::Reserved | Self::NoShow, E::Close) => Some(Self::Closed),
            _ => None,
        }
    }

    #[must_use]
    pub const fn charge(self) -> Charge {
        match self {
            Self::Reserved | Self::Consumed | Self::NoShow => Charge::Rate,
            Self::WalkIn => Charge::WalkIn,
            Self::Cancelled | Self::Excused | Self::Closed => Charge::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MealEvent as E, MealState as S, *};
    use proptest::prelude::*;

    /// All that may happen; every other pair is refused.
    const TABLE: [(S, E, S); 16] = [
        (S::Reserved, E::Cancel, S::Cancelled),
        (S::Reserved, E::Pass, S::Consumed),
        (S::Reserved, E::Miss, S::NoShow),
        (S::Reserved, E::Excuse, S::Excused),
        (S::Reserved, E::Close, S::Closed),
        (S::Cancelled, E::Reserve, S::Reserved),
        (S::Cancelled, E::Pass, S::WalkIn),
        (S::NoShow, E::Pass, S::Consumed),
        (S::NoShow, E::Excuse, S::Excused),
        (S::NoShow, E::Close, S::Closed),
        (S::Excused, E::Pass, S::Consumed),
        (S::Consumed, E::Withdraw, S::Reserved),
        (S::WalkIn, E::Withdraw, S::Cancelled),
        (S::Closed, E::Cancel, S::Cancelled),
        (S::Closed, E::Pass, S::Consumed),
        (S::Closed, E::Reopen, S::Reserved),
    ];

    #[test]
    fn every_pair_of_state_and_event_is_as_the_table_says() {
        for &from in S::ALL {
            for &event in E::ALL {
                let expected = TABLE.iter().find(|(f, e, _)| (*f, *e) == (from, event)).map(|(_, _, to)| *to);
                assert_eq!(from.after(event), expected, "{from} {event}");
            }
        }
    }

    proptest! {
        /// A meal that was taken stays taken until its passage is withdrawn, and is paid for.
        #[test]
        fn who_ate_has_eaten(first in prop::sample::select(S::ALL), events in prop::collection::vec(prop::sample::select(E::ALL), 0..30)) {
            let (mut state, mut eaten) = (first, matches!(first, S::Consumed | S::WalkIn));
            for event in events {
                let Some(next) = state.after(event) else { continue };
                eaten = (eaten || event == E::Pass) && event != E::Withdraw;
                state = next;
                prop_assert_eq!(eaten, matches!(state, S::Consumed | S::WalkIn));
            }
            prop_assert!(!eaten || state.charge() != Charge::Nothing);
        }

        /// Who passes, does not, and passes after all, owes what he would have owed at once.
        #[test]
        fn a_passage_that_is_withdrawn_comes_again_as_it_was(from in prop::sample::select(S::ALL)) {
            let Some(eaten) = from.after(E::Pass) else { return Ok(()) };
            let withdrawn = eaten.after(E::Withdraw).expect("what was eaten is withdrawn");
            prop_assert_eq!(withdrawn.after(E::Withdraw), None);
            prop_assert_eq!(withdrawn.after(E::Pass), Some(eaten));
            prop_assert!(from.charge() == withdrawn.charge() || matches!(from, S::Excused | S::Closed));
        }
    }
}

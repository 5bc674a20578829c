//! The life of a request for a reduced rate, as pure transitions, and the words in which it is told.

use crate::{canteen::tariffs::Unknown, fiscal::outcome::Outcome};

text_enum! {
    /// Where a request stands.
    pub enum RequestState {
        /// The administration is asked, or will be as soon as it answers.
        InProgress = "in_progress",
        /// The question was lost with the process that held it: the family gives its tax number again.
        NumberNeeded = "number_needed",
        /// An agent decides on a document.
        DocumentNeeded = "document_needed",
        Decided = "decided",
        Withdrawn = "withdrawn",
        /// None of its children eats at the canteen any more.
        LeftCanteen = "left_canteen",
        /// The season ended before anybody decided.
        Expired = "expired",
    }
}

text_enum! {
    /// Who is asked.
    pub enum RequestWay {
        TaxAdministration = "tax_administration",
        /// The CAF or the MSA.
        FamilyBenefits = "family_benefits",
        /// Nobody: the family sends a document.
        Document = "document",
    }
}

text_enum! {
    /// What happens to a request.
    pub enum RequestEvent {
        /// The process that held the tax number is gone.
        Lose = "lose",
        /// The family gives it again, or another one.
        GiveNumber = "give_number",
        /// The administration told enough for a price.
        Answer = "answer",
        /// It will not.
        GiveUp = "give_up",
        /// An agent decides.
        Decide = "decide",
        Withdraw = "withdraw",
        /// Its children leave the canteen.
        Leave = "leave",
        /// Its season is over.
        Expire = "expire",
    }
}

text_enum! {
    /// A step that the family reads, with its date.
    pub enum RequestStep {
        Requested = "requested",
        /// The administration did not answer for the first time.
        Unavailable = "unavailable",
        NumberNeeded = "number_needed",
        NumberGiven = "number_given",
        DocumentNeeded = "document_needed",
        Decided = "decided",
        Withdrawn = "withdrawn",
        LeftCanteen = "left_canteen",
        Expired = "expired",
    }
}

text_enum! {
    /// The administration's last word, without its figures.
    pub enum AnswerWord {
        Computed = "computed",
        /// Something that the price needs was not told.
        Partial = "partial",
        /// Something was told that cannot be.
        Odd = "odd",
        NotFound = "not_found",
        /// It may be about another family, or about half of this one.
        Ambiguous = "ambiguous",
        /// It did not answer; it is asked again.
        Unavailable = "unavailable",
        /// It does not accept the question.
        Refused = "refused",
        /// It did not answer in time.
        GivenUp = "given_up",
    }
}

text_enum! {
    /// Why nothing changes, as the family reads it.
    pub enum NothingReason {
        NoDocument = "no_document",
        Illegible = "illegible",
        Incomplete = "incomplete",
        /// The document is of another household.
        OtherHousehold = "other_household",
        WrongYear = "wrong_year",
        /// A note says which.
        Other = "other",
    }
}

impl RequestState {
    /// Whether nothing happens any more.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Decided | Self::Withdrawn | Self::LeftCanteen | Self::Expired)
    }

    /// The state after an event; none when it may not happen. What an agent decided, no later answer changes.
    #[must_use]
    pub const fn after(self, event: RequestEvent) -> Option<Self> {
        use RequestEvent as E;
        match (self, event) {
            (Self::Decided | Self::Withdrawn | Self::LeftCanteen | Self::Expired, _) => None,
            (_, E::Withdraw) => Some(Self::Withdrawn),
            (_, E::Leave) => Some(Self::LeftCanteen),
            (_, E::Expire) => Some(Self::Expired),
            (_, E::Decide) | (Self::InProgress, E::Answer) => Some(Self::Decided),
            (Self::InProgress, E::Lose) => Some(Self::NumberNeeded),
            (Self::InProgress, E::GiveUp) => Some(Self::DocumentNeeded),
            (Self::NumberNeeded | Self::DocumentNeeded, E::GiveNumber) => Some(Self::InProgress),
            (Self::InProgress, E::GiveNumber) | (Self::NumberNeeded | Self::DocumentNeeded, _) => None,
        }
    }
}

impl AnswerWord {
    /// The word of an outcome after which nothing more is asked.
    #[must_use]
    pub const fn last_of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Computed(_) => Self::Computed,
            Outcome::Partial(_) => Self::Partial,
            Outcome::Odd(_) => Self::Odd,
            Outcome::NotFound => Self::NotFound,
            Outcome::Ambiguous(_) => Self::Ambiguous,
            Outcome::Refused(crate::fiscal::outcome::Because::Question) => Self::Refused,
            Outcome::Unavailable(..) | Outcome::Unreadable | Outcome::Refused(_) => Self::GivenUp,
        }
    }
}

impl NothingReason {
    /// Why the means stay unknown, as the price explains it.
    #[must_use]
    pub const fn unknown(self) -> Unknown {
        match self {
            Self::NoDocument => Unknown::NoProof,
            Self::Illegible | Self::Incomplete | Self::OtherHousehold | Self::WrongYear => Unknown::UnfitProof,
            Self::Other => Unknown::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{RequestEvent as E, RequestState as S};
    use proptest::prelude::*;

    #[test]
    fn each_event_has_its_states() {
        let expected = |state, event| match (state, event) {
            (S::InProgress, E::Lose) => Some(S::NumberNeeded),
            (S::InProgress, E::GiveUp) => Some(S::DocumentNeeded),
            (S::NumberNeeded | S::DocumentNeeded, E::GiveNumber) => Some(S::InProgress),
            (S::InProgress, E::Answer) | (S::InProgress | S::NumberNeeded | S::DocumentNeeded, E::Decide) => {
                Some(S::Decided)
            }
            (S::InProgress | S::NumberNeeded | S::DocumentNeeded, E::Withdraw) => Some(S::Withdrawn),
            (S::InProgress | S::NumberNeeded | S::DocumentNeeded, E::Leave) => Some(S::LeftCanteen),
            (S::InProgress | S::NumberNeeded | S::DocumentNeeded, E::Expire) => Some(S::Expired),
            _ => None,
        };
        for state in S::ALL {
            for event in E::ALL {
                assert_eq!(state.after(*event), expected(*state, *event), "{state} {event}");
            }
        }
    }

    #[test]
    fn no_open_request_is_stuck() {
        for state in S::ALL.iter().filter(|state| !state.is_closed()) {
            assert_eq!(state.after(E::Decide), Some(S::Decided), "{state}");
            assert_eq!(state.after(E::Withdraw), Some(S::Withdrawn), "{state}");
            assert_eq!(state.after(E::Leave), Some(S::LeftCanteen), "{state}");
            assert_eq!(state.after(E::Expire), Some(S::Expired), "{state}");
        }
    }

    proptest! {
        /// Whatever happens afterwards, a decision stands.
        #[test]
        fn a_closed_request_stays_closed(events in prop::collection::vec(0..E::ALL.len(), 0..40)) {
            let (mut state, mut closed) = (S::InProgress, None);
            for event in events {
                let event = E::ALL[event];
                if let Some(next) = state.after(event) {
                    prop_assert!(closed.is_none(), "{} after {:?}", event, closed);
                    state = next;
                }
                closed = closed.or_else(|| state.is_closed().then_some(state));
            }
            prop_assert_eq!(closed.unwrap_or(state), state);
        }
    }
}

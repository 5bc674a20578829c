//! The life of an enrolment: what may happen to it, and when. The wallets are credited on `Activate`, which no history contains
//! twice: coming back from a suspension is another event.

text_enum! {
    /// Where a child's enrolment for a season stands.
    pub enum EnrolmentState {
        /// The family is still writing it.
        Draft = "draft",
        /// Carried over from the season before: the family has still to confirm it, as it stands or changed.
        ToConfirm = "to_confirm",
        /// Sent: the collège, or an agent when the school is outside the network, has to look at it.
        Submitted = "submitted",
        /// The pupil does attend the school; the rights are not open yet.
        Confirmed = "confirmed",
        /// The rights are open.
        Active = "active",
        /// Given back to the family with a reason; it may be corrected and sent again.
        Refused = "refused",
        /// The rights are kept but cannot be used.
        Suspended = "suspended",
        /// The season is over for this child: nothing follows.
        Expired = "expired",
    }
}

text_enum! {
    /// What happens to an enrolment.
    pub enum EnrolmentEvent {
        Submit = "submit",
        Confirm = "confirm",
        Activate = "activate",
        Refuse = "refuse",
        Suspend = "suspend",
        Resume = "resume",
        /// The child leaves the scheme before the season ends.
        Depart = "depart",
        /// The departure was a mistake: the rights are as they were.
        Return = "return",
        /// The same, of a request that had no rights yet: the family submits it again.
        Reopen = "reopen",
        Expire = "expire",
    }
}

text_enum! {
    /// Why a secretary gives an enrolment back. A closed list: what is said of a child stays within what a collège may say.
    pub enum RefusalReason {
        NotEnrolledHere = "not_enrolled_here",
        WrongLevel = "wrong_level",
        WrongIdentity = "wrong_identity",
        Duplicate = "duplicate",
        Other = "other",
    }
}

impl EnrolmentState {
    /// The state after `event`, or `None` when the event cannot happen here.
    #[must_use]
    pub const fn after(self, event: EnrolmentEvent) -> Option<Self> {
        use EnrolmentEvent as E;
        match (self, event) {
            (Self::Draft | Self::ToConfirm | Self::Refused, E::Submit) => Some(Self::Submitted),
            (Self::Submitted, E::Confirm) => Some(Self::Confirmed),
            (Self::Submitted | Self::ToConfirm, E::Refuse) | (Self::Expired, E::Reopen) => Some(Self::Refused),
            (Self::Confirmed, E::Activate) | (Self::Suspended, E::Resume) | (Self::Expired, E::Return) => {
                Some(Self::Active)
            }
            (Self::Active, E::Suspend) => Some(Self::Suspended),
            (
                Self::ToConfirm | Self::Submitted | Self::Confirmed | Self::Active | Self::Suspended,
                E::Expire | E::Depart,
            ) => Some(Self::Expired),
            _ => None,
        }
    }

    /// Whether the family may still change what it declares.
    #[must_use]
    pub const fn is_editable(self) -> bool {
        matches!(self, Self::Draft | Self::ToConfirm | Self::Refused)
    }
}

/// What undoes a departure, by the states that the request was in before: rights that were open open again; where they never were, the
/// family begins anew.
#[must_use]
pub fn undoing(mut before: impl Iterator<Item = EnrolmentState>) -> EnrolmentEvent {
    if before.any(|state| state == EnrolmentState::Active) { EnrolmentEvent::Return } else { EnrolmentEvent::Reopen }
}

impl RefusalReason {
    /// What the family reads.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NotEnrolledHere => "Le collège indique que l'élève n'y est pas inscrit.",
            Self::WrongLevel => "Le niveau déclaré n'est pas celui que connaît le collège.",
            Self::WrongIdentity => "L'identité déclarée n'est pas celle que connaît le collège.",
            Self::Duplicate => "Une autre demande existe déjà pour cet élève.",
            Self::Other => "Le collège n'a pas pu confirmer la demande : prenez contact avec son secrétariat.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EnrolmentEvent as E, EnrolmentState as S, *};
    use proptest::prelude::*;

    /// All that may happen; every other pair is refused.
    const TABLE: [(S, E, S); 21] = [
        (S::Draft, E::Submit, S::Submitted),
        (S::Expired, E::Return, S::Active),
        (S::Expired, E::Reopen, S::Refused),
        (S::ToConfirm, E::Submit, S::Submitted),
        (S::ToConfirm, E::Refuse, S::Refused),
        (S::ToConfirm, E::Expire, S::Expired),
        (S::ToConfirm, E::Depart, S::Expired),
        (S::Submitted, E::Expire, S::Expired),
        (S::Submitted, E::Depart, S::Expired),
        (S::Submitted, E::Confirm, S::Confirmed),
        (S::Submitted, E::Refuse, S::Refused),
        (S::Refused, E::Submit, S::Submitted),
        (S::Confirmed, E::Activate, S::Active),
        (S::Confirmed, E::Expire, S::Expired),
        (S::Confirmed, E::Depart, S::Expired),
        (S::Active, E::Suspend, S::Suspended),
        (S::Active, E::Expire, S::Expired),
        (S::Active, E::Depart, S::Expired),
        (S::Suspended, E::Resume, S::Active),
        (S::Suspended, E::Expire, S::Expired),
        (S::Suspended, E::Depart, S::Expired),
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

    #[test]
    fn a_family_edits_exactly_what_it_may_submit() {
        for &state in S::ALL {
            assert_eq!(state.is_editable(), state.after(E::Submit).is_some(), "{state}");
        }
    }

    #[test]
    fn reasons_are_distinct_sentences() {
        let sentences: std::collections::BTreeSet<_> = RefusalReason::ALL.iter().map(|r| r.sentence()).collect();
        assert_eq!(sentences.len(), RefusalReason::ALL.len());
        assert!(sentences.iter().all(|s| s.ends_with('.')));
    }

    proptest! {
        /// Whatever is tried on a draft, the rights open only after a confirmation, once, and end for good unless a departure is undone.
        #[test]
        fn no_history_opens_rights_twice_or_without_confirmation(
            events in prop::collection::vec(prop::sample::select(E::ALL), 0..60),
        ) {
            let mut state = S::Draft;
            let (mut happened, mut was) = (Vec::new(), Vec::new());
            for event in events {
                let Some(next) = state.after(event) else { continue };
                if state == S::Expired && (happened.last() != Some(&E::Depart) || event != undoing(was.iter().copied())) {
                    continue;
                }
                prop_assert!(TABLE.contains(&(state, event, next)));
                prop_assert!(state != S::Expired || matches!(event, E::Return | E::Reopen));
                was.push(next);
                happened.push(event);
                state = next;
                if matches!(state, S::Active | S::Suspended) {
                    prop_assert!(happened.contains(&E::Confirm));
                }
                if state == S::Active {
                    prop_assert_eq!(happened.iter().filter(|e| **e == E::Activate).count(), 1);
                }
            }
        }
    }
}

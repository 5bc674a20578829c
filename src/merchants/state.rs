//! The life of a convention: asked for, looked at, in force, interrupted, over. A new one may follow a closed one.

text_enum! {
    /// Where a merchant's convention for one wallet kind stands.
    pub enum AffiliationState {
        /// Asked for by the merchant.
        Applied = "applied",
        /// An agent looks at it.
        UnderReview = "under_review",
        /// The merchant may debit between its dates.
        Active = "active",
        /// Nothing can be debited; what was debited is still refunded and paid.
        Suspended = "suspended",
        /// Over, or refused: nothing follows.
        Closed = "closed",
    }
}

text_enum! {
    /// What happens to a convention.
    pub enum AffiliationEvent {
        Review = "review",
        Activate = "activate",
        Suspend = "suspend",
        Resume = "resume",
        Close = "close",
    }
}

impl AffiliationState {
    /// The state after `event`, or `None` when it cannot happen here. Whatever lives can be closed: a request may be refused or withdrawn.
    #[must_use]
    pub const fn after(self, event: AffiliationEvent) -> Option<Self> {
        use AffiliationEvent as E;
        match (self, event) {
            (Self::Applied, E::Review) => Some(Self::UnderReview),
            (Self::UnderReview, E::Activate) | (Self::Suspended, E::Resume) => Some(Self::Active),
            (Self::Active, E::Suspend) => Some(Self::Suspended),
            (Self::Applied | Self::UnderReview | Self::Active | Self::Suspended, E::Close) => Some(Self::Closed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line a state, a column an event: review, activate, suspend, resume, close; a dot is "cannot".
    const TABLE: &str = "
        applied       under_review  .       .          .       closed
        under_review  .             active  .          .       closed
        active        .             .       suspended  .       closed
        suspended     .             .       .          active  closed
        closed        .             .       .          .       .
    ";

    #[test]
    fn every_event_in_every_state_does_what_the_table_says() {
        let mut seen = 0;
        for line in TABLE.lines().filter(|line| !line.trim().is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let state: AffiliationState = words[0].parse().unwrap();
            for (event, expected) in AffiliationEvent::ALL.iter().zip(&words[1..]) {
                assert_eq!(state.after(*event).map_or(".", AffiliationState::as_str), *expected, "{state} {event}");
                seen += 1;
            }
        }
        assert_eq!(seen, AffiliationState::ALL.len() * AffiliationEvent::ALL.len());
    }
}

//! Where a batch and a payout stand.

text_enum! {
    /// Life of a batch: `frozen` → `approved` → `sent` → `settled` or `partly_rejected`; `cancelled` before it is sent.
    pub enum BatchState {
        Frozen = "frozen",
        Approved = "approved",
        Sent = "sent",
        Settled = "settled",
        PartlyRejected = "partly_rejected",
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// What becomes of a payout. Carried and rejected amounts are taken up again by a later batch.
    pub enum PayoutState {
        ToPay = "to_pay",
        /// Nothing to pay: zero, or a debt.
        Carried = "carried",
        Accepted = "accepted",
        Rejected = "rejected",
    }
}

/// What a bank says of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BankWord {
    Accepted,
    Rejected,
    /// Received, being checked: nothing to conclude from.
    Pending,
}

impl PayoutState {
    /// The state after the bank's word; none when it contradicts a rejection, whose amount may be queued again already. A bank may
    /// reject what it had accepted: its last word counts.
    #[must_use]
    pub const fn after(self, word: BankWord) -> Option<Self> {
        match (self, word) {
            (Self::Carried, _) | (Self::Rejected, BankWord::Accepted) => None,
            (_, BankWord::Pending) => Some(self),
            (Self::ToPay | Self::Accepted, BankWord::Accepted) => Some(Self::Accepted),
            (_, BankWord::Rejected) => Some(Self::Rejected),
        }
    }
}

impl BatchState {
    /// The state of a sent batch, from its payouts.
    #[must_use]
    pub fn of(payouts: &[PayoutState]) -> Self {
        if payouts.contains(&PayoutState::ToPay) {
            Self::Sent
        } else if payouts.contains(&PayoutState::Rejected) {
            Self::PartlyRejected
        } else {
            Self::Settled
        }
    }

    /// Whether the bank has, or had, its file.
    #[must_use]
    pub const fn is_sent(self) -> bool {
        matches!(self, Self::Sent | Self::Settled | Self::PartlyRejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banks_last_word_counts_but_a_rejection_is_final() {
        use {BankWord as Word, PayoutState as State};
        for (state, word, after) in [
            (State::ToPay, Word::Accepted, Some(State::Accepted)),
            (State::ToPay, Word::Rejected, Some(State::Rejected)),
            (State::ToPay, Word::Pending, Some(State::ToPay)),
            (State::Accepted, Word::Accepted, Some(State::Accepted)),
            (State::Accepted, Word::Rejected, Some(State::Rejected)),
            (State::Accepted, Word::Pending, Some(State::Accepted)),
            (State::Rejected, Word::Accepted, None),
            (State::Rejected, Word::Rejected, Some(State::Rejected)),
            (State::Rejected, Word::Pending, Some(State::Rejected)),
            (State::Carried, Word::Accepted, None),
            (State::Carried, Word::Rejected, None),
            (State::Carried, Word::Pending, None),
        ] {
            assert_eq!(state.after(word), after, "{state} {word:?}");
        }
    }

    #[test]
    fn a_batch_is_settled_when_nothing_is_left_to_pay() {
        use PayoutState as State;
        assert_eq!(BatchState::of(&[]), BatchState::Settled);
        assert_eq!(BatchState::of(&[State::Carried, State::Accepted]), BatchState::Settled);
        assert_eq!(BatchState::of(&[State::ToPay, State::Rejected]), BatchState::Sent);
        assert_eq!(BatchState::of(&[State::Accepted, State::Rejected]), BatchState::PartlyRejected);
    }
}

//! Where a batch and a payout stand.

text_enum! {
    /// Life of a batch: `frozen` → `approved` → `sent` → `settled`, `partly_rejected` or `rejected`; `cancelled` before it is sent.
    pub enum BatchState {
        Frozen = "frozen",
        Approved = "approved",
        Sent = "sent",
        Settled = "settled",
        PartlyRejected = "partly_rejected",
        /// The bank paid nothing of it.
        Rejected = "rejected",
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
    /// The state after the bank's word; none when it contradicts what is known. A rejection is final: its amount may be queued again
    /// already. So is a payment, for one person and a file: money that comes back is two persons' word.
    #[must_use]
    pub const fn after(self, word: BankWord) -> Option<Self> {
        match (self, word) {
            (Self::Carried, _) | (Self::Rejected, BankWord::Accepted) | (Self::Accepted, BankWord::Rejected) => None,
            (_, BankWord::Pending) => Some(self),
            (_, BankWord::Accepted) => Some(Self::Accepted),
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
            if payouts.contains(&PayoutState::Accepted) { Self::PartlyRejected } else { Self::Rejected }
        } else {
            Self::Settled
        }
    }

    /// Whether the bank has, or had, its file.
    #[must_use]
    pub const fn is_sent(self) -> bool {
        matches!(self, Self::Sent | Self::Settled | Self::PartlyRejected | Self::Rejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_and_a_rejection_are_final() {
        use {BankWord as Word, PayoutState as State};
        for (state, word, after) in [
            (State::ToPay, Word::Accepted, Some(State::Accepted)),
            (State::ToPay, Word::Rejected, Some(State::Rejected)),
            (State::ToPay, Word::Pending, Some(State::ToPay)),
            (State::Accepted, Word::Accepted, Some(State::Accepted)),
            (State::Accepted, Word::Rejected, None),
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
        assert_eq!(BatchState::of(&[State::Carried, State::Rejected]), BatchState::Rejected);
    }
}

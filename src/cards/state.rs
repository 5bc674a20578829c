//! The life of a card. What is on its way pays nothing and is not blocked: when it does not arrive, another takes its place. What is replaced
//! or expired never comes back.

text_enum! {
    /// Where a card stands.
    pub enum CardState {
        Ordered = "ordered",
        Printed = "printed",
        Posted = "posted",
        Active = "active",
        /// Declared lost or stolen: nothing is debited, and it may be found again.
        Blocked = "blocked",
        /// Another card took its place; it stays for the history.
        Replaced = "replaced",
        Expired = "expired",
    }
}

text_enum! {
    /// What happens to a card.
    pub enum CardEvent {
        Print = "print",
        Post = "post",
        Activate = "activate",
        Block = "block",
        Unblock = "unblock",
        Replace = "replace",
        Expire = "expire",
    }
}

impl CardState {
    /// The state that follows, `None` when this cannot happen now. What already happened cannot happen again: a repeat is `None` too.
    #[must_use]
    pub const fn after(self, event: CardEvent) -> Option<Self> {
        use CardEvent as Event;
        match (self, event) {
            (Self::Ordered, Event::Print) => Some(Self::Printed),
            (Self::Printed, Event::Post) => Some(Self::Posted),
            // The family may hold it before anybody has noted that it was posted.
            (Self::Printed | Self::Posted, Event::Activate) | (Self::Blocked, Event::Unblock) => Some(Self::Active),
            (Self::Active, Event::Block) => Some(Self::Blocked),
            (live, Event::Replace) if live.is_live() => Some(Self::Replaced),
            (live, Event::Expire) if live.is_live() => Some(Self::Expired),
            _ => None,
        }
    }

    /// In the family's hands: it pays, or may again. A child has one such card at most.
    #[must_use]
    pub const fn is_used(self) -> bool {
        matches!(self, Self::Active | Self::Blocked)
    }

    /// Not yet in the family's hands. A child has one such card at most, beside the one in use.
    #[must_use]
    pub const fn is_coming(self) -> bool {
        matches!(self, Self::Ordered | Self::Printed | Self::Posted)
    }

    /// Whether the card may still serve one day.
    #[must_use]
    pub const fn is_live(self) -> bool {
        self.is_used() || self.is_coming()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line a state, a column an event: print, post, activate, block, unblock, replace, expire; a dot is "cannot".
    const TABLE: &str = "
        ordered   printed  .       .       .        .       replaced  expired
        printed   .        posted  active  .        .       replaced  expired
        posted    .        .       active  .        .       replaced  expired
        active    .        .       .       blocked  .       replaced  expired
        blocked   .        .       .       .        active  replaced  expired
        replaced  .        .       .       .        .       .         .
        expired   .        .       .       .        .       .         .
    ";

    #[test]
    fn every_event_in_every_state_does_what_the_table_says() {
        let mut seen = 0;
        for line in TABLE.lines().filter(|line| !line.trim().is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let state: CardState = words[0].parse().unwrap();
            for (event, expected) in CardEvent::ALL.iter().zip(&words[1..]) {
                assert_eq!(state.after(*event).map_or(".", CardState::as_str), *expected, "{state} {event}");
                seen += 1;
            }
        }
        assert_eq!(seen, CardState::ALL.len() * CardEvent::ALL.len());
    }

    #[test]
    fn only_the_dead_are_not_live() {
        for state in CardState::ALL {
            let ended = ["replaced", "expired"].contains(&state.as_str());
            assert_eq!(state.is_live(), !ended, "{state}");
        }
    }
}

//! The life of a run.

text_enum! {
    /// Where a run stands.
    pub enum RunState {
        Draft = "draft",
        /// A person says that the draft is right.
        Checked = "checked",
        Issued = "issued",
        Abandoned = "abandoned",
    }
}

text_enum! {
    /// What happens to a run.
    pub enum RunEvent { Redraft = "redraft", Check = "check", Issue = "issue", Abandon = "abandon" }
}

impl RunState {
    /// The state after `event`, or `None` when the event cannot happen here.
    #[must_use]
    pub const fn after(self, event: RunEvent) -> Option<Self> {
        use RunEvent as E;
        match (self, event) {
            (Self::Draft | Self::Checked, E::Redraft) => Some(Self::Draft),
            (Self::Draft, E::Check) => Some(Self::Checked),
            (Self::Checked, E::Issue) => Some(Self::Issued),
            (Self::Draft | Self::Checked, E::Abandon) => Some(Self::Abandoned),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{RunEvent as E, RunState as S};

    #[test]
    fn every_pair_of_state_and_event_is_as_the_table_says() {
        let table = [
            (S::Draft, E::Redraft, S::Draft),
            (S::Checked, E::Redraft, S::Draft),
            (S::Draft, E::Check, S::Checked),
            (S::Checked, E::Issue, S::Issued),
            (S::Draft, E::Abandon, S::Abandoned),
            (S::Checked, E::Abandon, S::Abandoned),
        ];
        for &from in S::ALL {
            for &event in E::ALL {
                let expected = table.iter().find(|(f, e, _)| (*f, *e) == (from, event)).map(|(_, _, to)| *to);
                assert_eq!(from.after(event), expected, "{from} {event}");
            }
        }
    }
}

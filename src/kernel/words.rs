//! Closed lists of words that several domains share.

text_enum! {
    /// The two wallets of a season; nothing moves between them.
    pub enum WalletKind { Culture = "culture", Sport = "sport" }
}

text_enum! {
    /// What a credit stands for. Each kind is granted once per child and season.
    pub enum GrantKind {
        /// The right of every child.
        Base = "base",
        /// What a scholarship holder receives besides, once the proof is accepted.
        TopUp = "top_up",
    }
}

text_enum! {
    /// Year of collège, first to last.
    pub enum Level { Sixieme = "6e", Cinquieme = "5e", Quatrieme = "4e", Troisieme = "3e" }
}

impl Level {
    /// The level of the year after; none after 3e, when a pupil leaves collège.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Sixieme => Some(Self::Cinquieme),
            Self::Cinquieme => Some(Self::Quatrieme),
            Self::Quatrieme => Some(Self::Troisieme),
            Self::Troisieme => None,
        }
    }
}

text_enum! {
    /// Kind of school, as eligibility rules see it.
    pub enum SchoolKind {
        Public = "public",
        PrivateUnderContract = "private_under_contract",
        PrivateOutsideContract = "private_outside_contract",
    }
}

text_enum! {
    /// What an agent of a department is charged with.
    pub enum AgentFunction {
        Administrator = "administrator",
        CaseWorker = "case_worker",
        Finance = "finance",
        Dpo = "dpo",
    }
}

text_enum! {
    /// What speaks for a merchant: a till at the counter or its server.
    pub enum DeviceKind { Till = "till", Server = "server" }
}

text_enum! {
    /// What speaks for an operator of the canteen.
    pub enum CanteenDeviceKind {
        /// Reads cards at the door of one collège's canteen.
        Gate = "gate",
        /// The operator's server, for all its sites.
        Kitchen = "kitchen",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::PartialSchema;

    #[test]
    fn the_api_description_lists_the_words_of_json() {
        let published = serde_json::to_value(SchoolKind::schema()).expect("a schema is JSON");
        let words = serde_json::to_value(SchoolKind::ALL).expect("words are JSON");
        assert_eq!(published["enum"], words);
        assert_eq!(words, serde_json::json!(["public", "private_under_contract", "private_outside_contract"]));
    }
}

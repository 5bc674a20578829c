//! The life of a portrait: sent, then accepted or refused with a reason that says what to do. An accepted one can still be refused, when
//! what it shows turns out to be wrong; nothing brings a refused one back, for its picture is gone.

text_enum! {
    /// Where a portrait stands.
    pub enum PhotoState {
        /// The department has to look at it.
        Submitted = "submitted",
        /// In use.
        Accepted = "accepted",
        /// Its picture is deleted.
        Refused = "refused",
    }
}

text_enum! {
    /// An agent's word on a portrait.
    pub enum PhotoDecision { Accept = "accept", Refuse = "refuse" }
}

text_enum! {
    /// Why a portrait is refused.
    pub enum PhotoReason {
        FaceNotVisible = "face_not_visible",
        Blurred = "blurred",
        NotAPortrait = "not_a_portrait",
        SeveralPeople = "several_people",
        HeadCovered = "head_covered",
        TooOld = "too_old",
        WrongPerson = "wrong_person",
        Inappropriate = "inappropriate",
        Other = "other",
    }
}

impl PhotoState {
    /// The state after a decision, or `None` when it cannot be taken here.
    #[must_use]
    pub const fn after(self, decision: PhotoDecision) -> Option<Self> {
        match (self, decision) {
            (Self::Submitted, PhotoDecision::Accept) => Some(Self::Accepted),
            (Self::Submitted | Self::Accepted, PhotoDecision::Refuse) => Some(Self::Refused),
            _ => None,
        }
    }
}

impl PhotoReason {
    /// What the family reads: what to do.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::FaceNotVisible => "Le visage ne se voit pas bien : envoyez une photo de face, bien éclairée.",
            Self::Blurred => "La photo est floue : prenez-la de nouveau, sans bouger.",
            Self::NotAPortrait => {
                "Ce n'est pas un portrait : envoyez une photo du visage, cadrée comme une photo d'identité."
            }
            Self::SeveralPeople => "Plusieurs personnes se voient : l'enfant doit être seul sur la photo.",
            Self::HeadCovered => "La tête est couverte : envoyez une photo tête nue, le visage dégagé.",
            Self::TooOld => "La photo ne ressemble plus à l'enfant : envoyez une photo récente.",
            Self::WrongPerson => "La photo semble être celle d'une autre personne : envoyez celle de l'enfant inscrit.",
            Self::Inappropriate => "Cette photo ne peut pas figurer sur une carte : envoyez un simple portrait.",
            Self::Other => "La photo ne convient pas : envoyez un portrait récent, de face, net et bien éclairé.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PhotoDecision as D, PhotoState as S, *};

    #[test]
    fn only_what_has_a_picture_is_decided() {
        let allowed = [
            (S::Submitted, D::Accept, S::Accepted),
            (S::Submitted, D::Refuse, S::Refused),
            (S::Accepted, D::Refuse, S::Refused),
        ];
        for state in S::ALL {
            for decision in D::ALL {
                let after = allowed.iter().find(|(from, by, _)| (from, by) == (state, decision)).map(|(.., to)| *to);
                assert_eq!(state.after(*decision), after, "{state} {decision}");
            }
        }
    }

    #[test]
    fn every_reason_says_what_to_do() {
        for reason in PhotoReason::ALL {
            let sentence = reason.sentence();
            assert!(sentence.contains(" : ") && sentence.ends_with('.'), "{reason}");
        }
    }
}

//! The life of a document: received, then closed once, by an agent's decision, by its sender or by time. Its file ends with it.

text_enum! {
    /// Where a document stands.
    pub enum DocumentState {
        /// Waits for an agent.
        Received = "received",
        Accepted = "accepted",
        Refused = "refused",
        /// Nobody decided: taken back by its sender, or kept too long.
        Deleted = "deleted",
    }
}

text_enum! {
    /// What happens to a document.
    pub enum DocumentEvent { Accept = "accept", Refuse = "refuse", Delete = "delete" }
}

text_enum! {
    /// Why an agent refuses a document; each says what to do next.
    pub enum DocumentRefusalReason {
        Illegible = "illegible",
        Expired = "expired",
        WrongKind = "wrong_kind",
        WrongPerson = "wrong_person",
        Incomplete = "incomplete",
        NotOfficial = "not_official",
        Other = "other",
    }
}

text_enum! {
    /// Why a document is gone without a decision.
    pub enum DeletionReason {
        /// By its sender.
        Withdrawn = "withdrawn",
        /// It waited too long, or its season is over.
        NotDecided = "not_decided",
        /// What it was sent for was settled without it.
        NotNeeded = "not_needed",
    }
}

impl DocumentState {
    /// The state after `event`, or `None` when the event cannot happen here.
    #[must_use]
    pub const fn after(self, event: DocumentEvent) -> Option<Self> {
        match (self, event) {
            (Self::Received, DocumentEvent::Accept) => Some(Self::Accepted),
            (Self::Received, DocumentEvent::Refuse) => Some(Self::Refused),
            (Self::Received, DocumentEvent::Delete) => Some(Self::Deleted),
            (Self::Accepted | Self::Refused | Self::Deleted, _) => None,
        }
    }
}

impl DocumentRefusalReason {
    /// What the family reads: what is wrong, and what to do.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Illegible => {
                "Le document est illisible : envoyez-en une image nette, bien éclairée, dont les quatre coins se voient."
            }
            Self::Expired => "Le document est périmé ou trop ancien : envoyez-en un en cours de validité.",
            Self::WrongKind => "Ce n'est pas le document attendu : vérifiez lequel est demandé et envoyez celui-là.",
            Self::WrongPerson => {
                "Le document n'est pas au nom de l'enfant ou de son responsable : envoyez-en un à leur nom."
            }
            Self::Incomplete => "Il manque des pages ou des informations : envoyez le document en entier.",
            Self::NotOfficial => {
                "Le document ne vient pas de l'organisme qui le délivre : demandez-lui l'original et envoyez-en une copie."
            }
            Self::Other => "Le document n'a pas pu être accepté : prenez contact avec le département.",
        }
    }
}

impl DeletionReason {
    /// What the family reads.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Withdrawn => "Vous avez retiré ce document.",
            Self::NotDecided => {
                "Le document n'a pas été examiné dans le délai de conservation : il est effacé. \
                 S'il est encore demandé, envoyez-le de nouveau."
            }
            Self::NotNeeded => "La demande pour laquelle il était envoyé est close sans lui : il n'est pas gardé.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DocumentEvent as E, DocumentState as S, *};

    const TABLE: [(S, E, S); 3] = [
        (S::Received, E::Accept, S::Accepted),
        (S::Received, E::Refuse, S::Refused),
        (S::Received, E::Delete, S::Deleted),
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
    fn every_reason_is_a_sentence_of_its_own() {
        let sentences: std::collections::BTreeSet<_> =
            DocumentRefusalReason::ALL.iter().map(|reason| reason.sentence()).collect();
        assert_eq!(sentences.len(), DocumentRefusalReason::ALL.len());
        assert!(sentences.iter().all(|sentence| sentence.ends_with('.')));
    }
}

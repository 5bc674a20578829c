//! What families read about their request: why it stands where it does, and what to do next. Sentences only, no query.

use super::state::{AnswerWord, NothingReason, RequestState, RequestWay};
use crate::fiscal::outcome::Field;

/// What a sentence depends on.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "four facts, each with or without the others")]
pub struct Standing<'a> {
    pub state: RequestState,
    pub way: RequestWay,
    pub answer: Option<AnswerWord>,
    /// Which field or doubt, by its word.
    pub detail: Option<&'a str>,
    pub two_households: bool,
    /// A proof of means was sent.
    pub has_proof: bool,
    /// It waits to be read.
    pub proof_waits: bool,
    /// An agent found nothing that would change the price, for a reason that another document may mend.
    pub may_be_asked_again: bool,
}

impl RequestWay {
    const fn administration(self) -> &'static str {
        match self {
            Self::TaxAdministration => "L'administration fiscale",
            Self::FamilyBenefits | Self::Document => "La CAF ou la MSA",
        }
    }
}

impl Standing<'_> {
    const fn document(self) -> &'static str {
        match self.way {
            RequestWay::TaxAdministration if self.two_households => "les deux avis d'impôt des parents",
            RequestWay::TaxAdministration => "votre avis d'impôt",
            RequestWay::FamilyBenefits => "votre attestation de quotient familial de la CAF ou de la MSA",
            RequestWay::Document => {
                "votre avis d'impôt, ou l'attestation de la CAF ou de la MSA si c'est son quotient que le tarif lit"
            }
        }
    }

    /// What the family does next.
    #[must_use]
    pub fn next_step(self) -> String {
        let document = self.document();
        match self.state {
            state if self.proof_waits && !state.is_closed() => self.next_with_proof(),
            RequestState::Decided if self.may_be_asked_again => format!(
                "La demande est close sans changement de prix. Pour un tarif réduit, faites-en une autre, avec {document}."
            ),
            RequestState::Decided if self.has_proof => {
                "La demande est décidée : vous n'avez rien à faire. Le justificatif envoyé est effacé de nos serveurs.".to_owned()
            }
            RequestState::InProgress if self.answer == Some(AnswerWord::Unavailable) => format!(
                "{} ne répond pas pour le moment : nous la questionnons de nouveau sans que vous ayez rien à faire. \
                 Vous pouvez aussi envoyer {document} dès maintenant, dans les documents de votre enfant.",
                self.way.administration()
            ),
            RequestState::InProgress => {
                format!("{} est interrogée : vous n'avez rien à faire.", self.way.administration())
            }
            RequestState::NumberNeeded => format!(
                "Donnez de nouveau votre numéro fiscal : nous ne le conservons jamais, et la question a été interrompue. \
                 Vous pouvez aussi envoyer {document}, dans les documents de votre enfant."
            ),
            RequestState::DocumentNeeded => {
                format!("Envoyez {document}, dans les documents de votre enfant : un agent décidera.")
            }
            RequestState::Decided => "La demande est décidée : vous n'avez rien à faire.".to_owned(),
            RequestState::Withdrawn => "La demande est retirée. Vous pouvez en faire une autre.".to_owned(),
            RequestState::LeftCanteen => "Plus aucun enfant de la demande n'est inscrit à la cantine : elle est close sans décision, et rien n'est \
                                          conservé de ce que vous aviez donné pour elle. Après une nouvelle inscription, faites-en une autre."
                .to_owned(),
            RequestState::Expired => "La saison est terminée : la demande est close sans décision, et rien n'est conservé de ce que vous \
                                      aviez donné pour interroger une administration. Chaque saison demande sa propre demande."
                .to_owned(),
        }
    }

    /// The same once a proof has come, as long as nobody has read it.
    fn next_with_proof(self) -> String {
        let who = self.way.administration();
        let other = if self.two_households {
            " Si celui de l'autre parent n'y est pas, envoyez-le aussi, dans les documents de votre enfant."
        } else {
            ""
        };
        let received = "Un justificatif est reçu et attend d'être lu par un agent";
        match self.state {
            RequestState::InProgress if self.answer == Some(AnswerWord::Unavailable) => {
                format!("{received}. {who} ne répond pas pour le moment : nous la questionnons de nouveau.{other}")
            }
            RequestState::InProgress => format!("{received}. {who} est interrogée aussi : vous n'avez rien à faire."),
            RequestState::NumberNeeded => format!(
                "{received}.{other} Pour une réponse plus rapide, donnez de nouveau votre numéro fiscal : nous ne le conservons \
                 jamais, et la question a été interrompue."
            ),
            _ if self.two_households => format!("{received}.{other}"),
            _ => format!("{received} : vous n'avez rien à faire."),
        }
    }

    /// Why a document is needed, for whoever made the request.
    #[must_use]
    pub fn because(self) -> Option<String> {
        if self.state != RequestState::DocumentNeeded {
            return None;
        }
        let who = self.way.administration();
        let is = |field: Field| self.detail == Some(field.as_str());
        Some(match self.answer? {
            AnswerWord::Partial if is(Field::FirstHousehold) => {
                format!("{who} ne connaît pas le foyer du premier numéro fiscal.")
            }
            AnswerWord::Partial if is(Field::SecondHousehold) => {
                format!("{who} ne connaît pas le foyer du second numéro fiscal.")
            }
            AnswerWord::Partial => format!("{who} n'a répondu qu'en partie : le tarif ne peut pas être calculé."),
            AnswerWord::Odd => "La réponse reçue ne permet aucun calcul.".to_owned(),
            AnswerWord::NotFound => format!("{who} n'a trouvé aucun dossier à ce numéro ou à cet état civil."),
            AnswerWord::Ambiguous => {
                "La réponse reçue peut être celle d'un autre foyer, ou d'un seul des deux : nous ne l'avons pas retenue."
                    .to_owned()
            }
            AnswerWord::Refused => format!("{who} n'a pas accepté la question."),
            AnswerWord::GivenUp | AnswerWord::Unavailable => format!("{who} n'a pas répondu à temps."),
            AnswerWord::Computed => "Le tarif n'a pas pu être calculé.".to_owned(),
        })
    }
}

/// Whose figures a price is made of, aloud when they are not those of the year that counts.
#[must_use]
pub fn year_sentence(year: i16, month: Option<i16>, is_year_before: bool) -> String {
    match month {
        Some(month) => format!("Le quotient familial est celui de {month:02}/{year}."),
        None if is_year_before => {
            let expected = year.saturating_add(1);
            format!(
                "L'administration ne connaît pas encore les revenus de {expected} : le tarif est calculé sur ceux de {year}."
            )
        }
        None => format!("Le tarif est calculé sur les revenus de {year}."),
    }
}

impl NothingReason {
    /// As families read it.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NoDocument => "Aucun justificatif n'a été reçu.",
            Self::Illegible => "Le justificatif n'est pas lisible.",
            Self::Incomplete => {
                "Le justificatif est incomplet : toutes les pages, ou celui de chaque foyer, sont nécessaires."
            }
            Self::OtherHousehold => "Le justificatif est celui d'un autre foyer.",
            Self::WrongYear => "Le justificatif n'est pas celui de l'année attendue.",
            Self::Other => "Le tarif ne change pas, pour la raison que l'agent précise.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(state: RequestState) -> Standing<'static> {
        let way = RequestWay::TaxAdministration;
        Standing {
            state,
            way,
            answer: None,
            detail: None,
            two_households: false,
            has_proof: false,
            proof_waits: false,
            may_be_asked_again: false,
        }
    }

    #[test]
    fn every_standing_says_what_to_do_next() {
        for state in RequestState::ALL {
            for way in RequestWay::ALL {
                for answer in std::iter::once(None).chain(AnswerWord::ALL.iter().copied().map(Some)) {
                    let said = Standing { way: *way, answer, ..standing(*state) };
                    assert!(said.next_step().ends_with('.'), "{said:?}");
                    // Nobody is told to send what has come.
                    let came = Standing { has_proof: true, proof_waits: true, ..said };
                    assert!(came.next_step().ends_with('.') && !came.next_step().contains("Envoyez votre"), "{came:?}");
                    assert_eq!(came.next_step().contains("attend d'être lu"), !state.is_closed(), "{came:?}");
                    let because = said.because();
                    assert_eq!(
                        because.is_some(),
                        *state == RequestState::DocumentNeeded && answer.is_some(),
                        "{said:?}: {because:?}"
                    );
                }
            }
        }
        let two = Standing { two_households: true, ..standing(RequestState::DocumentNeeded) };
        assert!(two.next_step().contains("les deux avis d'impôt"));
        let one_of_two = Standing { has_proof: true, proof_waits: true, ..two };
        assert!(one_of_two.next_step().contains("celui de l'autre parent"));
        let again = Standing { may_be_asked_again: true, ..standing(RequestState::Decided) };
        assert!(again.next_step().ends_with("faites-en une autre, avec votre avis d'impôt."));
        let read = Standing { has_proof: true, ..standing(RequestState::Decided) };
        assert!(read.next_step().contains("effacé"));
        let down = Standing { answer: Some(AnswerWord::Unavailable), ..standing(RequestState::InProgress) };
        assert!(down.next_step().contains("dès maintenant"));
    }

    #[test]
    fn the_year_before_is_said_aloud() {
        assert_eq!(year_sentence(2025, None, false), "Le tarif est calculé sur les revenus de 2025.");
        let before = year_sentence(2024, None, true);
        assert!(before.contains("revenus de 2025") && before.contains("ceux de 2024"), "{before}");
        assert_eq!(year_sentence(2026, Some(9), false), "Le quotient familial est celui de 09/2026.");
    }
}

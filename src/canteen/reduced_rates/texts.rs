//! The text that a guardian ticks, in each of its versions, the newest last. Words never change under a version: other words are another
//! version, from a day on. What was recorded keeps the version that was read.

use crate::{
    error::{Error, Refusal},
    kernel::text::Code,
};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

/// A version of the text.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestText {
    #[schema(example = "2026-06")]
    pub version: &'static str,
    /// The first day on which it is the one to tick.
    #[schema(example = "2026-06-01")]
    pub from: NaiveDate,
    #[schema(example = "Demande de tarif réduit de la cantine")]
    pub title: &'static str,
    pub sections: &'static [TextSection],
}

/// A part of the text, with its heading.
#[derive(Debug, Serialize, ToSchema)]
pub struct TextSection {
    #[schema(example = "Pourquoi")]
    pub heading: &'static str,
    #[schema(example = "Ces données fixent le prix des repas de la saison, et ne servent à rien d'autre.")]
    pub words: &'static str,
}

/// Every version, in the order of their days.
pub static TEXTS: [RequestText; 1] = [RequestText {
    version: "2026-06",
    from: day(2026, 6, 1),
    title: "Demande de tarif réduit de la cantine",
    sections: &[
        TextSection {
            heading: "Ce que vous demandez",
            words: "Vous demandez au département de calculer le prix des repas de vos enfants d'après les ressources de votre foyer. \
                    Sans cette demande, aucune administration n'est interrogée et le prix le plus élevé s'applique.",
        },
        TextSection {
            heading: "Ce qui est demandé, et à qui",
            words: "Le tarif de votre département dit laquelle de ces administrations est interrogée, et elle seule. \
                    L'administration fiscale (direction générale des finances publiques, par le service « API Impôt Particulier ») : \
                    pour chaque numéro fiscal que vous donnez, le revenu fiscal de référence, le nombre de parts, la situation de \
                    famille et le nombre de personnes à charge. Ou la caisse d'allocations familiales (CAF) et la mutualité sociale \
                    agricole (MSA), par le service « API Particulier » : le quotient familial de l'allocataire que vous indiquez, \
                    et son mois. La réponse porte aussi des noms, qui servent à vérifier qu'elle est bien la vôtre. \
                    Si vous préférez envoyer votre avis d'impôt, aucune administration n'est interrogée : un agent le lit.",
        },
        TextSection {
            heading: "Pourquoi",
            words: "Ces données fixent le prix des repas de la saison, et ne servent à rien d'autre. Le calcul vous est expliqué \
                    étape par étape.",
        },
        TextSection {
            heading: "Combien de temps elles sont gardées",
            words: "Votre numéro fiscal n'est jamais enregistré. L'état civil donné pour la CAF ou la MSA est chiffré, et effacé dès \
                    leur réponse, au plus tard après sept jours. Les revenus, les parts et le quotient familial sont chiffrés, et \
                    effacés à la fin de la saison, le 31 août. Un avis d'impôt que vous envoyez est effacé dès la décision, au plus \
                    tard après six mois. Cette demande, le prix décidé et son explication sans ces chiffres sont gardés tant que les \
                    factures peuvent être recouvrées. La trace de la question posée, sans aucun chiffre, est gardée trente-six mois.",
        },
        TextSection {
            heading: "Qui les lit",
            words: "Vous, et les agents du département qui instruisent les demandes. L'autre parent voit le prix, jamais vos chiffres. \
                    Le collège, la cuisine et les commerçants ne voient rien de cette demande.",
        },
        TextSection {
            heading: "Vos droits",
            words: "Vous pouvez retirer la demande tant qu'elle n'est pas décidée. Pour lire, corriger ou faire effacer vos données, \
                    adressez-vous au délégué à la protection des données de votre département.",
        },
    ],
}];

/// A day of the calendar; any other is never reached.
const fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(day) => day,
        None => NaiveDate::MAX,
    }
}

/// The text to tick on that day.
#[must_use]
pub fn in_force(today: NaiveDate) -> &'static RequestText {
    let [first, ..] = &TEXTS;
    newest(&TEXTS, today).unwrap_or(first)
}

fn newest(texts: &[RequestText], today: NaiveDate) -> Option<&RequestText> {
    texts.iter().rfind(|text| text.from <= today)
}

/// Refuses another version than that of the day: whoever ticked has not read what he asks for.
pub fn require_in_force(version: &Code, today: NaiveDate) -> Result<(), Error> {
    let current = in_force(today).version;
    if version.as_str() == current {
        return Ok(());
    }
    let because =
        format!("Le texte de la demande en vigueur est la version {current} : lisez-le, puis cochez la demande.");
    Err(Error::RefusedBecause(Refusal::ReducedRateText, because))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_is_named_and_dated_once_and_says_what_the_law_asks_for() {
        for text in &TEXTS {
            assert!(text.version.parse::<Code>().is_ok(), "{}", text.version);
            assert!(text.from < NaiveDate::MAX, "{}", text.version);
            let words: String = text.sections.iter().map(|section| section.words).collect();
            for said in
                ["finances publiques", "CAF", "MSA", "31 août", "jamais enregistré", "trente-six mois", "retirer"]
            {
                assert!(words.contains(said), "{}: {said}", text.version);
            }
            assert!(text.sections.iter().all(|section| section.words.ends_with('.')), "{}", text.version);
        }
        assert!(TEXTS.is_sorted_by(|a, b| a.from < b.from && a.version != b.version));
    }

    #[test]
    fn the_newest_whose_day_has_come_is_ticked() {
        let text = |version, from| RequestText { version, from, title: "", sections: &[] };
        let texts = [text("a", day(2026, 6, 1)), text("b", day(2027, 6, 1))];
        for (today, version) in [
            (day(2026, 5, 31), None),
            (day(2026, 6, 1), Some("a")),
            (day(2027, 5, 31), Some("a")),
            (day(2027, 6, 1), Some("b")),
        ] {
            assert_eq!(newest(&texts, today).map(|text| text.version), version, "{today}");
        }
        let before = in_force(day(2020, 1, 1)).version;
        assert_eq!(before, TEXTS[0].version, "before all of them the first is shown");
    }

    #[test]
    fn another_version_is_refused_with_the_name_of_the_one_in_force() {
        let today = day(2026, 10, 15);
        require_in_force(&"2026-06".parse().unwrap(), today).unwrap();
        for other in ["2025-06", "2026-07", "x"] {
            let refused = require_in_force(&other.parse().unwrap(), today).unwrap_err();
            assert_eq!(refused.refusal().code(), "reduced_rate.text");
            assert!(refused.problem().detail.contains("version 2026-06"));
        }
    }
}

//! Whether a child is entitled, and which rule says so. A refusal keeps every condition that failed under every rule, so that the
//! family, the secretary and the agent read the same reason. Derogations are decided by people and do not pass here.

use super::rules::{EligibilityRule, PlaceRule, born_within};
use crate::kernel::{
    department::Department,
    text::{Code, Label},
    words::{Level, SchoolKind},
};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a rule looks at in a child's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation {
    /// Department where the child lives.
    pub residence: Department,
    pub school: SchoolFacts,
    pub level: Level,
    pub birth_date: NaiveDate,
    /// Followed by the child welfare service.
    pub ase: bool,
}

/// What a rule looks at in a school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchoolFacts {
    pub department: Department,
    pub kind: SchoolKind,
}

text_enum! {
    /// A condition of a rule, in the order in which they are looked at.
    pub enum Condition {
        Place = "place",
        SchoolKind = "school_kind",
        Level = "level",
        BirthDate = "birth_date",
        Ase = "ase",
    }
}

/// What the rules say of a situation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "verdict", rename_all = "snake_case", deny_unknown_fields)]
pub enum Verdict {
    /// The first rule, in the department's order, that is satisfied.
    Eligible { rule: Code, label: Label },
    /// No rule is satisfied; each is there, with all that failed under it.
    Refused { failed: Vec<FailedRule> },
}

/// A condition that failed under a rule. A rule comes once for each of its failed conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"rule": "collegiens", "label": "Collégiens résidant dans le département", "condition": "place"}))]
pub struct FailedRule {
    pub rule: Code,
    pub label: Label,
    pub condition: Condition,
}

impl Condition {
    /// The condition as a sentence names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Place => "lieu de résidence ou d'établissement",
            Self::SchoolKind => "statut de l'établissement",
            Self::Level => "niveau de classe",
            Self::BirthDate => "date de naissance",
            Self::Ase => "suivi par l'aide sociale à l'enfance",
        }
    }

    fn holds(self, rule: &EligibilityRule, situation: &Situation) -> bool {
        match self {
            Self::Place => place_holds(&rule.place, situation),
            Self::SchoolKind => listed(&rule.school_kinds, situation.school.kind),
            Self::Level => listed(&rule.levels, situation.level),
            Self::BirthDate => born_within(situation.birth_date, rule.born_from, rule.born_until),
            Self::Ase => rule.ase.is_none_or(|asked| asked == situation.ase),
        }
    }
}

/// An empty list is no condition.
fn listed<T: PartialEq>(list: &[T], value: T) -> bool {
    list.is_empty() || list.contains(&value)
}

fn place_holds(place: &PlaceRule, situation: &Situation) -> bool {
    (place.residence.is_empty() && place.school.is_empty())
        || place.residence.contains(&situation.residence)
        || place.school.contains(&situation.school.department)
}

/// Eligible when at least one rule is satisfied; the first one is the one that is named.
#[must_use]
pub fn decide(rules: &[EligibilityRule], situation: &Situation) -> Verdict {
    let mut failed = Vec::new();
    for rule in rules {
        let before = failed.len();
        let misses = Condition::ALL.iter().copied().filter(|condition| !condition.holds(rule, situation));
        failed.extend(misses.map(|condition| FailedRule {
            rule: rule.code.clone(),
            label: rule.label.clone(),
            condition,
        }));
        if failed.len() == before {
            return Verdict::Eligible { rule: rule.code.clone(), label: rule.label.clone() };
        }
    }
    Verdict::Refused { failed }
}

impl Verdict {
    /// Why, as a French sentence that names the rules by their labels.
    #[must_use]
    pub fn explain(&self) -> String {
        let failed = match self {
            Self::Eligible { label, .. } => return format!("La règle « {label} » est remplie."),
            Self::Refused { failed } if failed.is_empty() => {
                return "Aucune règle d'éligibilité n'est publiée pour cette saison.".to_owned();
            }
            Self::Refused { failed } => failed,
        };
        let rules: Vec<String> = failed
            .chunk_by(|a, b| a.rule == b.rule)
            .filter_map(|misses| {
                let names: Vec<&str> = misses.iter().map(|miss| miss.condition.name()).collect();
                Some(format!("« {} » ({})", misses.first()?.label, names.join(", ")))
            })
            .collect();
        format!("Aucune règle d'éligibilité n'est remplie : {}.", rules.join(" ; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seasons::rules::default_rules;
    use proptest::{prelude::*, sample::select};

    fn department(text: &str) -> Department {
        text.parse().expect("a department")
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn rules_of_92() -> Vec<EligibilityRule> {
        default_rules(department("92"), &"2026-2027".parse().expect("a season")).eligibility
    }

    fn child(residence: &str, school: &str, kind: SchoolKind, birth_date: &str) -> Situation {
        Situation {
            residence: department(residence),
            school: SchoolFacts { department: department(school), kind },
            level: Level::Cinquieme,
            birth_date: day(birth_date),
            ase: false,
        }
    }

    fn rule_for(situation: &Situation) -> Option<String> {
        match decide(&rules_of_92(), situation) {
            Verdict::Eligible { rule, .. } => Some(rule.as_str().to_owned()),
            Verdict::Refused { .. } => None,
        }
    }

    #[test]
    fn living_or_being_at_school_in_the_department_suffices() {
        let rule = |residence, school| rule_for(&child(residence, school, SchoolKind::Public, "2017-03-01"));
        assert_eq!(rule("92", "92").as_deref(), Some("collegiens"));
        assert_eq!(rule("92", "78").as_deref(), Some("collegiens"));
        assert_eq!(rule("78", "92").as_deref(), Some("collegiens"));
        assert_eq!(rule("78", "78"), None);
    }

    #[test]
    fn a_school_outside_contract_leaves_the_rule_of_residence_and_age() {
        let outside = SchoolKind::PrivateOutsideContract;
        let rule = |residence, birth| rule_for(&child(residence, "92", outside, birth));
        assert_eq!(rule("92", "2014-12-31").as_deref(), Some("jeunes-12-16"));
        assert_eq!(rule("92", "2010-01-01").as_deref(), Some("jeunes-12-16"));
        assert_eq!(rule("92", "2015-01-01"), None);
        assert_eq!(rule("92", "2009-12-31"), None);
        assert_eq!(rule("78", "2013-05-05"), None);
    }

    #[test]
    fn a_refusal_names_each_rule_and_what_failed_under_it() {
        let refused = decide(&rules_of_92(), &child("78", "78", SchoolKind::PrivateOutsideContract, "2013-05-05"));
        assert_eq!(
            refused.explain(),
            "Aucune règle d'éligibilité n'est remplie : « Collégiens du public ou du privé sous contrat, résidant ou \
             scolarisés dans le département » (lieu de résidence ou d'établissement, statut de l'établissement) ; \
             « Jeunes de 12 à 16 ans résidant dans le département » (lieu de résidence ou d'établissement)."
        );
        let accepted = decide(&rules_of_92(), &child("92", "78", SchoolKind::PrivateOutsideContract, "2013-05-05"));
        assert_eq!(accepted.explain(), "La règle « Jeunes de 12 à 16 ans résidant dans le département » est remplie.");
        let nothing = decide(&[], &child("92", "92", SchoolKind::Public, "2013-05-05"));
        assert_eq!(nothing, Verdict::Refused { failed: vec![] });
        assert!(nothing.explain().contains("n'est publiée"));
    }

    #[test]
    fn child_welfare_is_asked_excluded_or_indifferent() {
        let mut rule = rules_of_92().remove(0);
        let mut situation = child("92", "92", SchoolKind::Public, "2013-05-05");
        for (asked, followed, eligible) in [
            (None, true, true),
            (None, false, true),
            (Some(true), true, true),
            (Some(true), false, false),
            (Some(false), true, false),
            (Some(false), false, true),
        ] {
            (rule.ase, situation.ase) = (asked, followed);
            let verdict = decide(std::slice::from_ref(&rule), &situation);
            assert_eq!(matches!(verdict, Verdict::Eligible { .. }), eligible, "{asked:?} {followed}");
        }
    }

    #[test]
    fn a_verdict_survives_storage() {
        for school in ["92", "35"] {
            let verdict = decide(&rules_of_92(), &child("78", school, SchoolKind::Public, "2013-05-05"));
            let stored = serde_json::to_value(&verdict).expect("a verdict is JSON");
            assert_eq!(serde_json::from_value::<Verdict>(stored).ok(), Some(verdict));
        }
    }

    fn any_department() -> impl Strategy<Value = Department> {
        select(vec!["92", "78", "2A"]).prop_map(department)
    }

    fn any_date() -> impl Strategy<Value = NaiveDate> {
        (0_i64..4000).prop_map(|days| day("2006-01-01") + chrono::TimeDelta::days(days))
    }

    prop_compose! {
        fn any_situation()(
            residence in any_department(), school in any_department(), kind in select(SchoolKind::ALL),
            level in select(Level::ALL), birth_date in any_date(), ase: bool,
        ) -> Situation {
            Situation { residence, school: SchoolFacts { department: school, kind }, level, birth_date, ase }
        }
    }

    prop_compose! {
        fn any_rule()(
            residence in prop::collection::vec(any_department(), 0..2), school in prop::collection::vec(any_department(), 0..2),
            school_kinds in prop::collection::vec(select(SchoolKind::ALL), 0..3),
            levels in prop::collection::vec(select(Level::ALL), 0..3),
            born_from in prop::option::of(any_date()), born_until in prop::option::of(any_date()), ase: Option<bool>,
            code in "[a-z]{1,6}",
        ) -> EligibilityRule {
            let label = format!("Règle {code}").parse().expect("a label");
            let code = code.parse().expect("a code");
            let place = PlaceRule { residence, school };
            EligibilityRule { code, label, place, school_kinds, levels, born_from, born_until, ase }
        }
    }

    /// The rule without that condition.
    fn lift(rule: &mut EligibilityRule, condition: Condition) {
        match condition {
            Condition::Place => rule.place = PlaceRule::default(),
            Condition::SchoolKind => rule.school_kinds.clear(),
            Condition::Level => rule.levels.clear(),
            Condition::BirthDate => (rule.born_from, rule.born_until) = (None, None),
            Condition::Ase => rule.ase = None,
        }
    }

    proptest! {
        /// A refusal tells exactly what stands in the way: lifting all it names opens the rule, lifting all but one does not.
        #[test]
        fn a_refusal_tells_all_and_only_what_failed(rule in any_rule(), situation in any_situation()) {
            let Verdict::Refused { failed } = decide(std::slice::from_ref(&rule), &situation) else { return Ok(()) };
            prop_assert!(!failed.is_empty());
            for kept in failed.iter().map(|f| Some(f.condition)).chain([None]) {
                let mut lifted = rule.clone();
                failed.iter().map(|f| f.condition).filter(|c| Some(*c) != kept).for_each(|c| lift(&mut lifted, c));
                let eligible = matches!(decide(&[lifted], &situation), Verdict::Eligible { .. });
                prop_assert_eq!(eligible, kept.is_none());
            }
        }

        /// One more rule never takes a right away, wherever it stands in the list.
        #[test]
        fn a_further_rule_takes_no_right_away(
            rules in prop::collection::vec(any_rule(), 0..4), further in any_rule(), situation in any_situation(),
        ) {
            let eligible = |rules: &[EligibilityRule]| matches!(decide(rules, &situation), Verdict::Eligible { .. });
            let alone = rules.iter().any(|r| eligible(std::slice::from_ref(r)));
            prop_assert_eq!(eligible(&rules), alone);
            let more: Vec<_> = [further].into_iter().chain(rules).collect();
            prop_assert!(!alone || eligible(&more));
        }
    }
}

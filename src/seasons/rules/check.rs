//! What makes the rules of a season publishable. Every fault is told at once, each with the place of the value to change.

use super::{Deadline, EligibilityRule, SeasonRules};
use crate::{
    error::FieldError,
    kernel::{
        money::Cents,
        text::{Code, SeasonCode},
        words::{GrantKind, Level, SchoolKind, WalletKind},
    },
};
use chrono::{Datelike, NaiveDate};
use std::collections::BTreeSet;

/// A season has a general deadline and a handful of profiles by age.
pub const MAX_DEADLINES: usize = 20;
/// Families choose among them on one screen.
pub const MAX_FORMULAS: usize = 10;
/// A refusal names each rule that failed: beyond this nobody would read it.
pub const MAX_ELIGIBILITY_RULES: usize = 30;
/// More than France has (101, and the overseas collectivities).
pub const MAX_DEPARTMENTS: usize = 120;

/// One thing that keeps rules from being published.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"pointer": "/amounts/3", "detail": "Cette ligne fait double emploi avec la ligne 1."}))]
pub struct RuleProblem {
    /// JSON pointer (RFC 6901) into the rules.
    pub pointer: String,
    /// A French sentence for the agent.
    pub detail: String,
}

impl From<RuleProblem> for FieldError {
    fn from(RuleProblem { pointer, detail }: RuleProblem) -> Self {
        Self { pointer, detail }
    }
}

/// Month at whose end the cards of those who leave collège end.
const CARDS_END_IN: u32 = 8;

#[derive(Default)]
struct Problems(Vec<RuleProblem>);

impl Problems {
    fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(RuleProblem { pointer: pointer.into(), detail: detail.into() });
    }

    fn at_most(&mut self, pointer: impl Into<String>, count: usize, max: usize) {
        if count > max {
            self.add(pointer, format!("La liste compte {count} éléments ; {max} au plus sont admis."));
        }
    }

    fn unique<'a>(&mut self, list: &str, codes: impl Iterator<Item = &'a Code>) {
        let mut seen = BTreeSet::new();
        for (place, code) in codes.enumerate() {
            if !seen.insert(code) {
                self.add(
                    format!("/{list}/{place}/code"),
                    format!("Le code « {code} » est déjà pris dans cette liste."),
                );
            }
        }
    }

    fn birth_range(&mut self, pointer: String, from: Option<NaiveDate>, until: Option<NaiveDate>) {
        if from.zip(until).is_some_and(|(first, last)| first > last) {
            self.add(pointer, "La première date de naissance suit la dernière.");
        }
    }
}

impl SeasonRules {
    /// Every problem of these rules for that season; none means that they may be published.
    #[must_use]
    pub fn check(&self, season: &SeasonCode) -> Vec<RuleProblem> {
        let mut problems = Problems::default();
        self.check_sizes(&mut problems);
        if problems.0.is_empty() {
            self.check_dates(season, &mut problems);
            self.check_deadlines(&mut problems);
            self.check_formulas(&mut problems);
            self.check_eligibility(&mut problems);
        }
        problems.0
    }

    /// The list of amounts is bounded by what it describes, and the small lists by the words they may contain.
    fn check_sizes(&self, problems: &mut Problems) {
        let lines = MAX_FORMULAS.saturating_mul(GrantKind::ALL.len()).saturating_mul(WalletKind::ALL.len());
        problems.at_most("/deadlines", self.deadlines.len(), MAX_DEADLINES);
        problems.at_most("/formulas", self.formulas.len(), MAX_FORMULAS);
        problems.at_most("/amounts", self.amounts.len(), lines);
        problems.at_most("/eligibility", self.eligibility.len(), MAX_ELIGIBILITY_RULES);
        for (place, rule) in self.eligibility.iter().enumerate().take(MAX_ELIGIBILITY_RULES) {
            let at = format!("/eligibility/{place}");
            problems.at_most(format!("{at}/place/residence"), rule.place.residence.len(), MAX_DEPARTMENTS);
            problems.at_most(format!("{at}/place/school"), rule.place.school.len(), MAX_DEPARTMENTS);
            problems.at_most(format!("{at}/school_kinds"), rule.school_kinds.len(), SchoolKind::ALL.len());
            problems.at_most(format!("{at}/levels"), rule.levels.len(), Level::ALL.len());
        }
    }

    /// `opens_on` < every deadline ≤ `spend_until` < `capture_until`, the first and the third in the years of the season's code.
    fn check_dates(&self, season: &SeasonCode, problems: &mut Problems) {
        let (first, second) = season.years().unzip();
        if first != Some(self.opens_on.year()) {
            problems.add("/opens_on", format!("La saison {season} s'ouvre dans la première de ses deux années."));
        }
        if second != Some(self.spend_until.year()) {
            problems.add("/spend_until", format!("La saison {season} s'achève dans la seconde de ses deux années."));
        } else if self.spend_until.month() > CARDS_END_IN {
            problems
                .add("/spend_until", "Les cartes des élèves de 3e servent jusqu'au 31 août : pas de dépense au-delà.");
        }
        if self.capture_until <= self.spend_until {
            problems.add("/capture_until", "L'encaissement doit finir après le dernier jour de dépense.");
        }
        for (place, deadline) in self.deadlines.iter().enumerate() {
            let pointer = format!("/deadlines/{place}/until");
            if deadline.until <= self.opens_on {
                problems.add(pointer, "La date limite doit suivre l'ouverture de la saison.");
            } else if deadline.until > self.spend_until {
                problems.add(pointer, "La date limite ne peut suivre le dernier jour de dépense.");
            }
        }
    }

    fn check_deadlines(&self, problems: &mut Problems) {
        problems.unique("deadlines", self.deadlines.iter().map(|d| &d.code));
        if !self.deadlines.iter().any(Deadline::is_general) {
            problems.add("/deadlines", "Une date limite générale, sans dates de naissance, est nécessaire.");
        }
        for (place, deadline) in self.deadlines.iter().enumerate() {
            let pointer = format!("/deadlines/{place}");
            problems.birth_range(format!("{pointer}/born_from"), deadline.born_from, deadline.born_until);
            let mut before = self.deadlines.iter().take(place);
            if deadline.is_general() {
                if before.any(Deadline::is_general) {
                    problems
                        .add(pointer, "Une seule date limite peut être générale : indiquez des dates de naissance.");
                }
            } else if let Some(other) = before.find(|d| !d.is_general() && overlap(d, deadline)) {
                problems.add(pointer, format!("Des dates de naissance relèvent déjà du profil « {} ».", other.code));
            }
        }
    }

    /// One line for each formula × grant × wallet, and the same total for a grant whatever the formula: a choice of formula must
    /// never be a choice of amount.
    fn check_formulas(&self, problems: &mut Problems) {
        problems.unique("formulas", self.formulas.iter().map(|f| &f.code));
        let formulas: BTreeSet<&Code> = self.formulas.iter().map(|f| &f.code).collect();
        if formulas.is_empty() {
            problems.add("/formulas", "Au moins une formule est nécessaire.");
        }
        for (place, line) in self.amounts.iter().enumerate() {
            let key = (&line.formula, line.grant, line.wallet);
            if !formulas.contains(&line.formula) {
                let detail = format!("La formule « {} » n'existe pas.", line.formula);
                problems.add(format!("/amounts/{place}/formula"), detail);
            }
            if let Some(same) = self.amounts.iter().take(place).position(|l| (&l.formula, l.grant, l.wallet) == key) {
                let detail = format!("Cette ligne fait double emploi avec la ligne /amounts/{same}.");
                problems.add(format!("/amounts/{place}"), detail);
            }
        }
        for &grant in GrantKind::ALL {
            for &formula in &formulas {
                for &wallet in WalletKind::ALL {
                    if !self.amounts.iter().any(|l| (&l.formula, l.grant, l.wallet) == (formula, grant, wallet)) {
                        let detail =
                            format!("Il manque la ligne de la formule « {formula} » pour {grant} et {wallet}.");
                        problems.add("/amounts", detail);
                    }
                }
            }
            self.check_totals(grant, problems);
        }
    }

    /// Formulas whose amounts are incomplete have been told already and are not compared.
    fn check_totals(&self, grant: GrantKind, problems: &mut Problems) {
        let total = |code: &Code| {
            self.amounts_of(code, grant).and_then(|amounts| Cents::checked_sum(amounts.map(|(_, cents)| cents)))
        };
        let totals = self.formulas.iter().map(|f| total(&f.code)).enumerate();
        let mut totals = totals.filter_map(|(place, cents)| Some((place, cents?)));
        let Some((_, expected)) = totals.next() else { return };
        for (place, cents) in totals.filter(|(_, cents)| *cents != expected) {
            let detail = format!("Le total {grant} de cette formule est de {cents} au lieu de {expected}.");
            problems.add(format!("/formulas/{place}"), detail);
        }
    }

    fn check_eligibility(&self, problems: &mut Problems) {
        problems.unique("eligibility", self.eligibility.iter().map(|r| &r.code));
        if self.eligibility.is_empty() {
            problems.add("/eligibility", "Au moins une règle d'éligibilité est nécessaire.");
        }
        for (place, rule) in self.eligibility.iter().enumerate() {
            let pointer = format!("/eligibility/{place}");
            problems.birth_range(format!("{pointer}/born_from"), rule.born_from, rule.born_until);
            if is_unconditional(rule) {
                problems.add(pointer, "Une règle sans aucune condition accepterait tout enfant.");
            }
        }
    }
}

/// Two birth ranges that share a day. An absent end is endless; a reversed range contains nothing.
fn overlap(a: &Deadline, b: &Deadline) -> bool {
    let ends = |d: &Deadline| (d.born_from.unwrap_or(NaiveDate::MIN), d.born_until.unwrap_or(NaiveDate::MAX));
    let ((first_a, last_a), (first_b, last_b)) = (ends(a), ends(b));
    first_a.max(first_b) <= last_a.min(last_b) && first_a <= last_a && first_b <= last_b
}

const fn is_unconditional(rule: &EligibilityRule) -> bool {
    rule.place.residence.is_empty()
        && rule.place.school.is_empty()
        && rule.school_kinds.is_empty()
        && rule.levels.is_empty()
        && rule.born_from.is_none()
        && rule.born_until.is_none()
        && rule.ase.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seasons::rules::{Formula, default_rules};
    use proptest::prelude::*;

    fn season() -> SeasonCode {
        "2026-2027".parse().expect("a season")
    }

    /// The pointers of the problems that one change brings to the defaults.
    fn after(change: impl FnOnce(&mut SeasonRules)) -> Vec<String> {
        let mut rules = default_rules("92".parse().expect("a department"), &season());
        change(&mut rules);
        rules.check(&season()).into_iter().map(|p| p.pointer).collect()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn profile(code: &str, born_from: Option<NaiveDate>, born_until: Option<NaiveDate>) -> Deadline {
        let code = code.parse().expect("a code");
        let label = "Profil".parse().expect("a label");
        Deadline { code, label, born_from, born_until, until: day("2026-12-31") }
    }

    #[test]
    fn dates_are_ordered_and_in_the_years_of_the_season() {
        assert_eq!(after(|_| ()), [""; 0]);
        assert_eq!(after(|r| r.opens_on = day("2025-06-01")), ["/opens_on"]);
        assert_eq!(after(|r| r.spend_until = day("2028-06-29")), ["/spend_until"]);
        let until = |last: &str| after(|r| (r.spend_until, r.capture_until) = (day(last), day("2027-10-31")));
        assert_eq!((until("2027-08-31"), until("2027-09-01")), (vec![], vec!["/spend_until".to_owned()]));
        assert_eq!(after(|r| r.capture_until = r.spend_until), ["/capture_until"]);
        assert_eq!(after(|r| r.capture_until = day("2027-07-01")), [""; 0]);
        assert_eq!(after(|r| r.deadlines[0].until = r.opens_on), ["/deadlines/0/until"]);
        assert_eq!(after(|r| r.deadlines[0].until = day("2026-06-02")), [""; 0]);
        assert_eq!(after(|r| r.deadlines[1].until = r.spend_until), [""; 0]);
        assert_eq!(after(|r| r.deadlines[1].until = day("2027-07-01")), ["/deadlines/1/until"]);
    }

    #[test]
    fn there_is_one_general_deadline_and_profiles_share_no_birth_date() {
        assert_eq!(after(|r| drop(r.deadlines.remove(0))), ["/deadlines"]);
        assert_eq!(after(|r| r.deadlines.clear()), ["/deadlines"]);
        assert_eq!(after(|r| r.deadlines.push(profile("other", None, None))), ["/deadlines/2"]);
        let from = |text: &str| Some(day(text));
        assert_eq!(after(|r| r.deadlines.push(profile("x", from("2008-12-31"), None))), ["/deadlines/2"]);
        assert_eq!(after(|r| r.deadlines.push(profile("x", from("2009-01-01"), None))), [""; 0]);
        assert_eq!(after(|r| r.deadlines.push(profile("x", None, from("2008-01-01")))), ["/deadlines/2"]);
        assert_eq!(after(|r| r.deadlines.push(profile("majorite", None, from("2007-12-31")))), ["/deadlines/2/code"]);
        let reversed = profile("x", from("2010-01-02"), from("2010-01-01"));
        assert_eq!(after(|r| r.deadlines.push(reversed)), ["/deadlines/2/born_from"]);
    }

    #[test]
    fn amounts_have_no_stranger_and_formulas_have_one_total() {
        assert_eq!(after(|r| r.amounts[0].amount_cents = 6001.try_into().expect("an amount")), ["/formulas/1"]);
        let to_stranger = |r: &mut SeasonRules| r.amounts[3].formula = "danse".parse().expect("a code");
        assert_eq!(after(to_stranger), ["/amounts/3/formula", "/amounts"]);
        assert_eq!(after(|r| r.formulas.push(r.formulas[0].clone())), ["/formulas/2/code"]);
        let added = |r: &mut SeasonRules| {
            r.formulas
                .push(Formula { code: "danse".parse().expect("a code"), label: "Danse".parse().expect("a label") });
        };
        assert_eq!(after(added), ["/amounts"; 4]);
        let emptied = |r: &mut SeasonRules| {
            r.formulas.clear();
            r.amounts.clear();
        };
        assert_eq!(after(emptied), ["/formulas"]);
    }

    #[test]
    fn someone_is_eligible_under_rules_that_say_something() {
        assert_eq!(after(|r| r.eligibility.clear()), ["/eligibility"]);
        assert_eq!(after(|r| r.eligibility.push(r.eligibility[0].clone())), ["/eligibility/2/code"]);
        assert_eq!(after(|r| r.eligibility[1].born_from = Some(day("2015-01-01"))), ["/eligibility/1/born_from"]);
        let emptied = |r: &mut SeasonRules| {
            let rule = &mut r.eligibility[1];
            (rule.born_from, rule.born_until) = (None, None);
            rule.place.residence.clear();
        };
        assert_eq!(after(emptied), ["/eligibility/1"]);
    }

    #[test]
    fn lists_are_bounded() {
        let many = |r: &mut SeasonRules| r.deadlines = vec![r.deadlines[0].clone(); MAX_DEADLINES + 1];
        assert_eq!(after(many), ["/deadlines"]);
        assert_eq!(after(|r| r.amounts = vec![r.amounts[0].clone(); 41]), ["/amounts"]);
        assert_eq!(after(|r| r.formulas = vec![r.formulas[0].clone(); MAX_FORMULAS + 1]), ["/formulas"]);
        assert_eq!(after(|r| r.eligibility = vec![r.eligibility[0].clone(); 31]), ["/eligibility"]);
        let far = |r: &mut SeasonRules| r.eligibility[0].place.school = vec!["92".parse().expect("92"); 121];
        assert_eq!(after(far), ["/eligibility/0/place/school"]);
        assert_eq!(after(|r| r.eligibility[0].levels.push(Level::Sixieme)), ["/eligibility/0/levels"]);
    }

    proptest! {
        #[test]
        fn every_hole_and_every_overlap_is_seen(place in 0_usize..8, at in 0_usize..=8) {
            prop_assert_eq!(after(|r| drop(r.amounts.remove(place))), ["/amounts"]);
            let twice = after(|r| r.amounts.insert(at, r.amounts[place].clone()));
            let later = if at <= place { place + 1 } else { at };
            prop_assert_eq!(twice, [format!("/amounts/{later}")]);
        }

        /// Deadlines without problem give each child one deadline, whatever their order; shared birth dates are a problem.
        #[test]
        fn a_childs_deadline_does_not_depend_on_the_order_of_the_list(
            ranges in prop::collection::vec((prop::option::of(0_i64..40), prop::option::of(0_i64..40)), 0..4),
            birth in 0_i64..40,
        ) {
            let date = |days: i64| day("2010-01-01") + chrono::TimeDelta::days(days);
            let mut rules = default_rules("92".parse().expect("a department"), &season());
            rules.deadlines = ranges.iter().enumerate()
                .map(|(n, (from, until))| profile(&format!("p{n}"), from.map(date), until.map(date)))
                .collect();
            let mut reversed = rules.clone();
            reversed.deadlines.reverse();
            let general = ranges.iter().filter(|r| **r == (None, None)).count();
            let holds = |d: &&Deadline| !d.is_general()
                && d.born_from.is_none_or(|f| f <= date(birth)) && d.born_until.is_none_or(|u| u >= date(birth));
            let holding = rules.deadlines.iter().filter(holds).count();
            if rules.check(&season()).is_empty() {
                prop_assert_eq!(general, 1);
                prop_assert!(holding <= 1);
                prop_assert!(rules.deadline_for(date(birth)).is_some());
                prop_assert_eq!(rules.deadline_for(date(birth)), reversed.deadline_for(date(birth)));
            }
            prop_assert_eq!(rules.check(&season()).is_empty(), reversed.check(&season()).is_empty());
        }
    }
}

//! What the next version of a season's rules may not change: dates that will be past when it takes effect, and formulas that
//! families have chosen among. Amounts need no rule here: what was granted is kept by the ledger, not by the rules.

use super::rules::{RuleProblem, SeasonRules};
use crate::kernel::time::paris_date;
use chrono::{DateTime, NaiveDate, Utc};

/// Why `new` cannot follow `old` from that instant on; nothing when it only changes what is to come. A deadline that has passed may
/// be put off: that only opens a door again.
#[must_use]
pub fn rewritten_past(old: &SeasonRules, new: &SeasonRules, effective_from: DateTime<Utc>) -> Vec<RuleProblem> {
    let day = paris_date(effective_from);
    let opened = old.opens_on <= day;
    let mut problems = Vec::new();
    let mut add = |pointer: String, detail: String| problems.push(RuleProblem { pointer, detail });
    let last_day_moved = |old: NaiveDate, new: NaiveDate| old != new && (old < day || new < day);
    if old.opens_on != new.opens_on && (opened || new.opens_on < day) {
        let detail =
            format!("Le {day}, la saison est déjà ouverte, ou l'aurait été : l'ouverture ne peut plus changer.");
        add("/opens_on".to_owned(), detail);
    }
    if last_day_moved(old.spend_until, new.spend_until) {
        add(
            "/spend_until".to_owned(),
            format!("Le {day}, le dernier jour de dépense est déjà passé, ou l'aurait été."),
        );
    }
    if last_day_moved(old.capture_until, new.capture_until) {
        let detail = format!("Le {day}, le dernier jour d'encaissement est déjà passé, ou l'aurait été.");
        add("/capture_until".to_owned(), detail);
    }
    for (place, deadline) in new.deadlines.iter().enumerate() {
        let already = old.deadlines.iter().any(|d| d.code == deadline.code && d.until == deadline.until);
        if deadline.until < day && !already {
            let detail = format!("Une date limite ne peut être fixée avant le {day}, jour où elle prend effet.");
            add(format!("/deadlines/{place}/until"), detail);
        }
    }
    for gone in old.formulas.iter().filter(|f| opened && !new.formulas.iter().any(|kept| kept.code == f.code)) {
        let detail = format!("Des familles ont pu choisir la formule « {} » : elle doit rester.", gone.code);
        add("/formulas".to_owned(), detail);
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::time::{end_of_day, start_of_day},
        seasons::rules::default_rules,
    };

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn rules() -> SeasonRules {
        default_rules("92".parse().expect("a department"), &"2026-2027".parse().expect("a season"))
    }

    /// What is said against one change of the defaults that takes effect on that day.
    fn against(effective: &str, change: impl FnOnce(&mut SeasonRules)) -> Vec<String> {
        let mut new = rules();
        change(&mut new);
        let problems = rewritten_past(&rules(), &new, start_of_day(day(effective)));
        problems.into_iter().map(|p| p.pointer).collect()
    }

    #[test]
    fn the_opening_moves_until_the_season_is_open() {
        let later = |rules: &mut SeasonRules| rules.opens_on = day("2026-06-15");
        assert!(against("2026-05-31", later).is_empty());
        assert_eq!(against("2026-06-01", later), ["/opens_on"]);
        let earlier = |rules: &mut SeasonRules| rules.opens_on = day("2026-05-10");
        assert!(against("2026-05-10", earlier).is_empty());
        assert_eq!(against("2026-05-11", earlier), ["/opens_on"]);
    }

    #[test]
    fn a_last_day_moves_until_it_is_over_and_never_before_today() {
        let put_off = |rules: &mut SeasonRules| rules.spend_until = day("2027-07-31");
        assert!(against("2027-06-30", put_off).is_empty());
        assert_eq!(against("2027-07-01", put_off), ["/spend_until"]);
        let brought_forward = |rules: &mut SeasonRules| rules.spend_until = day("2027-05-31");
        assert!(against("2027-05-31", brought_forward).is_empty());
        assert_eq!(against("2027-06-01", brought_forward), ["/spend_until"]);
        let capture = |rules: &mut SeasonRules| rules.capture_until = day("2028-08-31");
        assert!(against("2028-06-30", capture).is_empty());
        assert_eq!(against("2028-07-01", capture), ["/capture_until"]);
    }

    #[test]
    fn a_day_ends_at_midnight_in_paris() {
        let mut new = rules();
        new.spend_until = day("2027-07-31");
        let midnight = end_of_day(day("2027-06-30"));
        assert_eq!(rewritten_past(&rules(), &new, midnight).len(), 1);
        assert!(rewritten_past(&rules(), &new, midnight - chrono::TimeDelta::seconds(1)).is_empty());
    }

    #[test]
    fn a_deadline_is_put_off_even_late_but_never_set_in_the_past() {
        let until = |text: &'static str| move |rules: &mut SeasonRules| rules.deadlines[0].until = day(text);
        assert!(against("2027-05-15", until("2027-05-31")).is_empty());
        assert!(against("2027-05-15", until("2027-05-15")).is_empty());
        assert_eq!(against("2027-05-15", until("2027-05-14")), ["/deadlines/0/until"]);
        assert!(against("2027-05-15", |_| ()).is_empty());
    }

    #[test]
    fn a_formula_that_families_could_choose_remains() {
        let without = |rules: &mut SeasonRules| drop(rules.formulas.remove(0));
        assert!(against("2026-05-31", without).is_empty());
        assert_eq!(against("2026-06-01", without), ["/formulas"]);
    }
}

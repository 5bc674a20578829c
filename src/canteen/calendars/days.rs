//! The school year of the canteen as data: when meals are served, which days count, and until which instant one may change his mind.
//!
//! All here is pure. Dates are civil dates of Europe/Paris, every "until" day included; the instants that it gives are the first ones that
//! are too late.

use crate::{
    kernel::{
        text::{Label, SeasonCode},
        time::{end_of_day, instant_of},
    },
    seasons::rules::RuleProblem,
};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc, Weekday};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Breaks of one calendar: a school year has five or six, and eleven public holidays.
pub const BREAKS_MAX: usize = 60;
/// A cut-off looks back over holidays too: further than any of them is long.
const LOOK_BACK_DAYS: u64 = 120;
/// Days that a cut-off may count.
const COUNTED_MAX: u8 = 15;

text_enum! {
    /// A day of the week on which meals may be served.
    pub enum SchoolDay {
        Monday = "monday",
        Tuesday = "tuesday",
        Wednesday = "wednesday",
        Thursday = "thursday",
        Friday = "friday",
    }
}

impl SchoolDay {
    /// As a sentence names it.
    #[must_use]
    pub const fn french(self) -> &'static str {
        match self {
            Self::Monday => "lundi",
            Self::Tuesday => "mardi",
            Self::Wednesday => "mercredi",
            Self::Thursday => "jeudi",
            Self::Friday => "vendredi",
        }
    }
    /// `None` at the week-end.
    #[must_use]
    pub const fn of(date: Weekday) -> Option<Self> {
        match date {
            Weekday::Mon => Some(Self::Monday),
            Weekday::Tue => Some(Self::Tuesday),
            Weekday::Wed => Some(Self::Wednesday),
            Weekday::Thu => Some(Self::Thursday),
            Weekday::Fri => Some(Self::Friday),
            Weekday::Sat | Weekday::Sun => None,
        }
    }
}

text_enum! {
    /// Which days a cut-off counts back.
    pub enum Counting {
        /// `jours ouvrés`: Monday to Friday, without public holidays.
        Worked = "jours_ouvres",
        /// `jours ouvrables`: Monday to Saturday, without public holidays.
        Workable = "jours_ouvrables",
        /// Days on which meals are served.
        Served = "jours_servis",
    }
}

text_enum! {
    /// What a break is.
    pub enum BreakKind { SchoolHoliday = "school_holiday", PublicHoliday = "public_holiday" }
}

/// Days without meals, known when the year begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Break {
    pub kind: BreakKind,
    pub label: Label,
    #[schema(example = "2026-10-17")]
    pub from: NaiveDate,
    #[schema(example = "2026-11-01")]
    pub until: NaiveDate,
}

impl Break {
    fn holds(&self, date: NaiveDate) -> bool {
        (self.from..=self.until).contains(&date)
    }
}

/// Until when a single meal may be cancelled or added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CutOff {
    /// How many counted days before the meal.
    #[schema(example = 3)]
    pub days_before: u8,
    pub counting: Counting,
    /// Clock of Paris on that day; absent: its end.
    // From ten o'clock on, readers of YAML take a time for a number of seconds.
    #[schema(example = "09:30:00")]
    pub at: Option<NaiveTime>,
}

/// A year of the canteen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CanteenCalendar, example = json!(example()))]
pub struct Calendar {
    pub first_day: NaiveDate,
    pub last_day: NaiveDate,
    /// Days of the week on which meals are served.
    pub served_on: Vec<SchoolDay>,
    pub breaks: Vec<Break>,
    /// Last day on which a family may choose other weekdays for the year.
    pub weekdays_until: NaiveDate,
    pub cut_off: CutOff,
}

impl Calendar {
    /// Everything that is wrong with it; nothing, when it may be published for that season.
    #[must_use]
    pub fn check(&self, season: &SeasonCode) -> Vec<RuleProblem> {
        let mut problems = vec![];
        let mut add = |pointer: String, detail: &str| problems.push(RuleProblem { pointer, detail: detail.to_owned() });
        let (begins, ends) = season.years().unwrap_or_default();
        // Rates and bills turn on 1 September: a day of another season would have no rate.
        if self.first_day.year() != begins || !season.holds(self.first_day) {
            add(
                "/first_day".into(),
                "le premier jour est attendu du 1er septembre au 31 décembre de la première année",
            );
        }
        if self.last_day.year() != ends || !season.holds(self.last_day) || self.last_day <= self.first_day {
            add("/last_day".into(), "le dernier jour est attendu du 1er janvier au 31 août de la seconde année");
        }
        if self.served_on.is_empty() {
            add("/served_on".into(), "un jour de la semaine au moins est attendu");
        }
        if self.served_on.iter().enumerate().any(|(rank, day)| self.served_on.iter().take(rank).any(|one| one == day)) {
            add("/served_on".into(), "un jour de la semaine est donné deux fois");
        }
        if !(self.first_day..=self.last_day).contains(&self.weekdays_until) {
            add("/weekdays_until".into(), "un jour de l'année scolaire est attendu");
        }
        if self.cut_off.days_before > COUNTED_MAX {
            add("/cut_off/days_before".into(), "15 jours au plus sont attendus");
        }
        if self.breaks.len() > BREAKS_MAX {
            add("/breaks".into(), "60 interruptions au plus sont attendues");
        }
        for (rank, one) in self.breaks.iter().enumerate() {
            let within = self.first_day <= one.from && one.until <= self.last_day;
            if one.from > one.until {
                add(format!("/breaks/{rank}/until"), "la fin précède le début");
            } else if one.kind == BreakKind::SchoolHoliday && !within {
                add(format!("/breaks/{rank}"), "des vacances de l'année scolaire sont attendues");
            } else if one.from.year() < begins || ends < one.until.year() {
                add(format!("/breaks/{rank}"), "un jour des deux années de la saison est attendu");
            } else if self
                .breaks
                .iter()
                .take(rank)
                .any(|b| b.kind == one.kind && b.from <= one.until && one.from <= b.until)
            {
                add(format!("/breaks/{rank}"), "ces jours sont déjà dans une autre interruption");
            }
        }
        problems
    }

    /// Whether meals are served that day, closures aside.
    #[must_use]
    pub fn is_served(&self, date: NaiveDate) -> bool {
        (self.first_day..=self.last_day).contains(&date)
            && SchoolDay::of(date.weekday()).is_some_and(|day| self.served_on.contains(&day))
            && !self.breaks.iter().any(|one| one.holds(date))
    }

    /// The days between those two on which meals are served, closures aside.
    pub fn served_days(&self, from: NaiveDate, until: NaiveDate) -> impl Iterator<Item = NaiveDate> + '_ {
        let last = until.min(self.last_day);
        from.max(self.first_day).iter_days().take_while(move |day| *day <= last).filter(|day| self.is_served(*day))
    }

    /// The first instant that is too late to cancel or add the meal of that day.
    #[must_use]
    pub fn too_late_from(&self, meal: NaiveDate) -> DateTime<Utc> {
        let before = (1..=LOOK_BACK_DAYS).filter_map(|days| meal.checked_sub_days(Days::new(days)));
        let counted = self.cut_off.days_before;
        let day = match counted.checked_sub(1) {
            None => meal,
            // The first meals of a year that counts served days: all that is before the year.
            Some(others) => before
                .filter(|day| self.counts(*day))
                .nth(others.into())
                .unwrap_or_else(|| self.first_day.min(meal).pred_opt().unwrap_or(meal)),
        };
        self.cut_off.at.map_or_else(|| end_of_day(day), |clock| instant_of(day, clock))
    }

    fn counts(&self, day: NaiveDate) -> bool {
        let is_public_holiday = || self.breaks.iter().any(|one| one.kind == BreakKind::PublicHoliday && one.holds(day));
        match self.cut_off.counting {
            Counting::Worked => SchoolDay::of(day.weekday()).is_some() && !is_public_holiday(),
            Counting::Workable => day.weekday() != Weekday::Sun && !is_public_holiday(),
            Counting::Served => self.is_served(day),
        }
    }
}

/// The description's example: zone C, four days a week.
fn example() -> serde_json::Value {
    serde_json::json!({
        "first_day": "2026-09-01", "last_day": "2027-07-02",
        "served_on": ["monday", "tuesday", "thursday", "friday"],
        "breaks": [
            { "kind": "school_holiday", "label": "Vacances de la Toussaint", "from": "2026-10-17", "until": "2026-11-01" },
            { "kind": "public_holiday", "label": "Armistice de 1918", "from": "2026-11-11", "until": "2026-11-11" },
        ],
        "weekdays_until": "2026-09-27",
        "cut_off": { "days_before": 3, "counting": "jours_ouvres", "at": null },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn year() -> Calendar {
        let mut year: Calendar = serde_json::from_value(example()).expect("a calendar");
        year.breaks.push(Break {
            kind: BreakKind::SchoolHoliday,
            label: "Vacances d'hiver".parse().expect("a label"),
            from: day("2027-02-06"),
            until: day("2027-02-21"),
        });
        year
    }

    fn season() -> SeasonCode {
        "2026-2027".parse().expect("a season")
    }

    #[test]
    fn meals_are_served_on_the_days_of_the_week_outside_breaks() {
        let year = year();
        assert_eq!(year.check(&season()), []);
        for (date, served) in [
            ("2026-08-31", false),
            ("2026-09-01", true),
            ("2026-09-02", false),
            ("2026-09-05", false),
            ("2026-10-16", true),
            ("2026-10-19", false),
            ("2026-11-02", true),
            ("2026-11-11", false),
            ("2027-07-02", true),
            ("2027-07-05", false),
        ] {
            assert_eq!(year.is_served(day(date)), served, "{date}");
        }
        assert_eq!(year.served_days(day("2026-11-02"), day("2026-11-15")).count(), 8);
        assert_eq!(year.served_days(day("2026-01-01"), day("2026-09-04")).count(), 3);
    }

    #[test]
    fn the_cut_off_counts_days_as_its_data_say() {
        let cases = [
            // The third working day before a Monday is the Wednesday before: its end, in summer time.
            (3, Counting::Worked, None, "2026-09-14", "2026-09-09T22:00:00Z"),
            // Saturday counts.
            (3, Counting::Workable, None, "2026-09-14", "2026-09-10T22:00:00Z"),
            // No meals on Wednesday and at the week-end: Tuesday.
            (3, Counting::Served, None, "2026-09-14", "2026-09-08T22:00:00Z"),
            // A public holiday does not count; winter time.
            (3, Counting::Worked, None, "2026-11-13", "2026-11-09T23:00:00Z"),
            // Holidays count when working days do, not when served days do.
            (2, Counting::Worked, None, "2027-02-22", "2027-02-18T23:00:00Z"),
            (2, Counting::Served, None, "2027-02-22", "2027-02-04T23:00:00Z"),
            (1, Counting::Worked, Some("10:30:00"), "2026-09-15", "2026-09-14T08:30:00Z"),
            (0, Counting::Worked, Some("08:00:00"), "2026-09-15", "2026-09-15T06:00:00Z"),
            // Over the night when clocks go back.
            (1, Counting::Workable, None, "2026-10-26", "2026-10-24T22:00:00Z"),
        ];
        for (days_before, counting, at, meal, expected) in cases {
            let at = at.map(|clock: &str| clock.parse().expect("a clock"));
            let year = Calendar { cut_off: CutOff { days_before, counting, at }, ..year() };
            let expected: DateTime<Utc> = expected.parse().expect("an instant");
            assert_eq!(year.too_late_from(day(meal)), expected, "{days_before} {counting} before {meal}");
        }
    }

    type Change = fn(&mut Calendar);

    #[test]
    fn an_incoherent_year_is_told_where() {
        let broken: [(Change, &str); 12] = [
            (|year| year.first_day = day("2025-09-01"), "/first_day"),
            (|year| year.first_day = day("2026-08-31"), "/first_day"),
            (|year| year.last_day = day("2027-09-01"), "/last_day"),
            (|year| year.last_day = day("2026-12-31"), "/last_day"),
            (|year| year.served_on.clear(), "/served_on"),
            (|year| year.served_on.push(SchoolDay::Monday), "/served_on"),
            (|year| year.weekdays_until = day("2026-08-31"), "/weekdays_until"),
            (|year| year.cut_off.days_before = 16, "/cut_off/days_before"),
            (|year| year.breaks.iter_mut().for_each(|one| one.until = day("2026-09-01")), "/breaks/0/until"),
            (|year| year.breaks.push(year.breaks.first().expect("a break").clone()), "/breaks/3"),
            (|year| year.breaks.iter_mut().for_each(|one| one.from = day("2026-08-01")), "/breaks/0"),
            (|year| year.breaks.iter_mut().for_each(|one| one.until = day("9999-01-01")), "/breaks/1"),
        ];
        for (break_it, pointer) in broken {
            let mut year = year();
            break_it(&mut year);
            let pointers: Vec<String> = year.check(&season()).into_iter().map(|problem| problem.pointer).collect();
            assert!(pointers.iter().any(|one| one == pointer), "{pointer} in {pointers:?}");
        }
    }

    proptest! {
        #[test]
        fn a_cut_off_is_before_its_meal_ends_and_never_goes_back(
            days_before in 0_u8..=15, counting in prop::sample::select(Counting::ALL), offset in 0_u64..300, hour in prop::option::of(0_u32..24)
        ) {
            let at = hour.and_then(|hour| NaiveTime::from_hms_opt(hour, 0, 0));
            let year = Calendar { cut_off: CutOff { days_before, counting, at }, ..year() };
            let meal = day("2026-09-01") + Days::new(offset);
            let (one, next) = (year.too_late_from(meal), year.too_late_from(meal + Days::new(1)));
            prop_assert!(one <= end_of_day(meal) && one <= next);
            if days_before > 0 {
                prop_assert!(one <= end_of_day(meal - Days::new(1)));
            }
        }
    }
}

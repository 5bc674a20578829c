//! The day on which the bank is asked to pay: one on which the euro's payment system (TARGET) is open, by Paris clocks.

use crate::kernel::time::paris_clock;
use chrono::{DateTime, Datelike, Days, NaiveDate, Timelike, Utc, Weekday};

/// What is sent from this hour on is for the following day: the file has yet to reach the bank, whose own day ends early.
const CUT_OFF_HOUR: u32 = 12;

/// The day of payment of what is sent at that instant.
#[must_use]
pub fn execution_date(sent_at: DateTime<Utc>) -> NaiveDate {
    let clock = paris_clock(sent_at);
    let late = u64::from(clock.hour() >= CUT_OFF_HOUR);
    let first = clock.date().checked_add_days(Days::new(late)).unwrap_or(clock.date());
    // The longest closure, Good Friday to Easter Monday or Christmas beside a weekend, is four days.
    first.iter_days().take(10).find(|day| is_open(*day)).unwrap_or(first)
}

/// Not on weekends, New Year's Day, Good Friday, Easter Monday, 1 May, 25 and 26 December (European Central Bank, calendar of TARGET).
fn is_open(day: NaiveDate) -> bool {
    let fixed = matches!((day.month(), day.day()), (1 | 5, 1) | (12, 25 | 26));
    let from_easter = easter(day.year()).map(|easter| day.signed_duration_since(easter).num_days());
    !fixed && !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && !matches!(from_easter, Some(-2 | 1))
}

/// Easter Sunday of the Gregorian calendar (Butcher's rule).
fn easter(year: i32) -> Option<NaiveDate> {
    let (golden, century, of_century) = (year % 19, year / 100, year % 100);
    let leap_shift = (century - (century + 8) / 25 + 1) / 3;
    let moon = (19 * golden + century - century / 4 - leap_shift + 15) % 30;
    let to_sunday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - moon - of_century % 4) % 7;
    let late_moon = (golden + 11 * moon + 22 * to_sunday) / 451;
    let days = u64::try_from(moon + to_sunday - 7 * late_moon).ok()?;
    NaiveDate::from_ymd_opt(year, 3, 22)?.checked_add_days(Days::new(days))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easter_is_where_calendars_have_it() {
        for (year, date) in [
            (2025, "2025-04-20"),
            (2026, "2026-04-05"),
            (2027, "2027-03-28"),
            (2038, "2038-04-25"),
            (2049, "2049-04-18"),
        ] {
            assert_eq!(easter(year).map(|day| day.to_string()).as_deref(), Some(date));
        }
    }

    #[test]
    fn the_bank_pays_on_a_day_it_works() {
        for (sent, paid) in [
            // A Monday morning, at noon, at night just before midnight in Paris.
            ("2026-10-05T07:00:00Z", "2026-10-05"),
            ("2026-10-05T09:59:59Z", "2026-10-05"),
            ("2026-10-05T10:00:00Z", "2026-10-06"),
            ("2026-10-05T22:30:00Z", "2026-10-06"),
            // A Friday afternoon, a Sunday night.
            ("2026-10-09T13:00:00Z", "2026-10-12"),
            ("2026-11-22T22:57:00Z", "2026-11-23"),
            // Good Friday and Easter Monday, 1 May, Christmas, New Year's Day.
            ("2026-04-02T15:00:00Z", "2026-04-07"),
            ("2026-04-30T15:00:00Z", "2026-05-04"),
            ("2026-12-24T15:00:00Z", "2026-12-28"),
            ("2026-12-31T15:00:00Z", "2027-01-04"),
            // A holiday of France on which TARGET is open.
            ("2026-07-14T07:00:00Z", "2026-07-14"),
        ] {
            let instant = sent.parse().expect("an instant");
            assert_eq!(execution_date(instant).to_string(), paid, "{sent}");
        }
    }
}

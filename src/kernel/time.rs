//! Civil dates are those of Europe/Paris; instants are UTC. Nothing else in the service knows a time zone.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::{Europe::Paris, Tz};
use serde::{Deserialize, Deserializer, de::Error};

/// The civil date in Paris at that instant.
#[must_use]
pub fn paris_date(instant: DateTime<Utc>) -> NaiveDate {
    instant.with_timezone(&Paris).date_naive()
}

/// What clocks in Paris show at that instant.
#[must_use]
pub fn paris_clock(instant: DateTime<Utc>) -> NaiveDateTime {
    instant.with_timezone(&Paris).naive_local()
}

/// The first instant of a civil day in Paris.
#[must_use]
pub fn start_of_day(date: NaiveDate) -> DateTime<Utc> {
    // Clocks in Paris change at two or three in the morning: midnight exists, once.
    let local: Option<DateTime<Tz>> = Paris.from_local_datetime(&date.and_time(NaiveTime::MIN)).earliest();
    local.map_or_else(|| date.and_time(NaiveTime::MIN).and_utc(), |at| at.with_timezone(&Utc))
}

/// When clocks in Paris show that time on that day: the first of the two when they go back, an hour later when they skip it.
#[must_use]
pub fn instant_of(date: NaiveDate, clock: NaiveTime) -> DateTime<Utc> {
    let local: Option<DateTime<Tz>> = Paris.from_local_datetime(&date.and_time(clock)).earliest();
    local.map_or_else(|| start_of_day(date) + (clock - NaiveTime::MIN), |at| at.with_timezone(&Utc))
}

/// The first instant after a civil day in Paris: what is allowed "until" that day is allowed before this instant.
#[must_use]
pub fn end_of_day(date: NaiveDate) -> DateTime<Utc> {
    start_of_day(date.checked_add_days(Days::new(1)).unwrap_or(date))
}

/// Years of which anything is asked; the database knows fewer than a date can name.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2199;

/// Reads a day of the years 2000 to 2199.
pub fn day<'de, D: Deserializer<'de>>(from: D) -> Result<NaiveDate, D::Error> {
    let day = NaiveDate::deserialize(from)?;
    if YEARS.contains(&day.year()) {
        Ok(day)
    } else {
        Err(D::Error::custom("un jour des années 2000 à 2199 est attendu"))
    }
}

/// Reads a day of these years, or none.
pub fn some_day<'de, D: Deserializer<'de>>(from: D) -> Result<Option<NaiveDate>, D::Error> {
    Option::<ADay>::deserialize(from).map(|some| some.map(|ADay(day)| day))
}

#[derive(Deserialize)]
struct ADay(#[serde(deserialize_with = "day")] NaiveDate);

/// The last day that anything may be planned from: the end of the school year after next. School years end on 31 August.
#[must_use]
pub fn last_planned_day(today: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(begun(today).saturating_add(3), 8, 31).unwrap_or(today)
}

/// The first day of the school year that a day lies in.
#[must_use]
pub fn school_year_start(day: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(begun(day), 9, 1).unwrap_or(day)
}

fn begun(day: NaiveDate) -> i32 {
    if day.month() >= 9 { day.year() } else { day.year().saturating_sub(1) }
}

/// Reads an instant since 1970, where a clock stands that forgot the time.
pub fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
    let at = DateTime::<Utc>::deserialize(from)?;
    let wrong = || D::Error::custom("un instant des années 1970 à 2199 est attendu");
    if (1970..=*YEARS.end()).contains(&at.year()) { Ok(at) } else { Err(wrong()) }
}

/// The server's own clock: only for what is decided before a transaction exists, such as the life of a token.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one reading of the server's clock")]
pub fn server_now() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_planned_beyond_the_school_year_after_next() {
        for (today, last) in [("2026-08-31", "2028-08-31"), ("2026-09-01", "2029-08-31"), ("2027-02-28", "2029-08-31")]
        {
            let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
            assert_eq!(last_planned_day(day(today)), day(last), "{today}");
        }
        for (today, first) in [("2026-08-31", "2025-09-01"), ("2026-09-01", "2026-09-01"), ("2027-02-28", "2026-09-01")]
        {
            assert_eq!(school_year_start(today.parse().expect("a day")), first.parse().expect("a day"), "{today}");
        }
    }

    #[test]
    fn a_day_that_may_be_absent_is_bounded_all_the_same() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Sample {
            #[serde(default, deserialize_with = "some_day")]
            day: Option<NaiveDate>,
        }
        let read = |text: &str| serde_json::from_str::<Sample>(text).map(|sample| sample.day).map_err(drop);
        assert_eq!((read("{}"), read(r#"{"day":null}"#)), (Ok(None), Ok(None)));
        assert_eq!(read(r#"{"day":"2199-12-31"}"#), Ok(NaiveDate::from_ymd_opt(2199, 12, 31)));
        for wrong in [r#"{"day":"2200-01-01"}"#, r#"{"day":"1999-12-31"}"#, r#"{"day":""}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_day_of_paris_follows_its_clock() {
        let summer = NaiveDate::from_ymd_opt(2027, 6, 30).map(end_of_day);
        assert_eq!(summer.map(|i| i.to_rfc3339()), Some("2027-06-30T22:00:00+00:00".to_owned()));
        let winter = NaiveDate::from_ymd_opt(2026, 12, 31).map(end_of_day);
        assert_eq!(winter.map(|i| i.to_rfc3339()), Some("2026-12-31T23:00:00+00:00".to_owned()));
        assert_eq!(summer.map(paris_date), NaiveDate::from_ymd_opt(2027, 7, 1));
        for (date, hour, instant) in [
            ((2026, 10, 25), 1, "2026-10-24T23:30:00+00:00"),
            ((2026, 10, 25), 2, "2026-10-25T00:30:00+00:00"),
            ((2027, 3, 28), 1, "2027-03-28T00:30:00+00:00"),
            ((2027, 3, 28), 2, "2027-03-28T01:30:00+00:00"),
            ((2027, 3, 28), 3, "2027-03-28T01:30:00+00:00"),
        ] {
            let day = NaiveDate::from_ymd_opt(date.0, date.1, date.2).expect("a day");
            let clock = NaiveTime::from_hms_opt(hour, 30, 0).expect("a clock");
            assert_eq!(instant_of(day, clock).to_rfc3339(), instant, "{day} {clock}");
        }
    }
}

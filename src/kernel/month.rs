//! A civil month, as attendance is locked and bills are made: `2026-10` for people and programs, its first day in the database.

use chrono::{Datelike, Months, NaiveDate};
use diesel::{
    deserialize::{self, FromSql},
    pg::{Pg, PgValue},
    serialize::{self, Output, ToSql},
    sql_types::Date,
};
use std::{fmt, str::FromStr};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

/// A month of a year of four digits.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
#[diesel(sql_type = Date)]
pub struct Month(NaiveDate);

impl Month {
    /// The month of a day.
    #[must_use]
    pub fn of(day: NaiveDate) -> Self {
        Self(day.with_day(1).unwrap_or(day))
    }
    #[must_use]
    pub const fn first_day(self) -> NaiveDate {
        self.0
    }
    /// The first day that is not of it any more.
    #[must_use]
    pub fn next_first_day(self) -> NaiveDate {
        self.0.checked_add_months(Months::new(1)).unwrap_or(self.0)
    }
    /// As people say it: `octobre 2026`.
    #[must_use]
    pub fn french(self) -> String {
        const NAMES: [&str; 12] = [
            "janvier",
            "février",
            "mars",
            "avril",
            "mai",
            "juin",
            "juillet",
            "août",
            "septembre",
            "octobre",
            "novembre",
            "décembre",
        ];
        let name = usize::try_from(self.0.month0()).ok().and_then(|rank| NAMES.get(rank)).copied().unwrap_or_default();
        format!("{name} {}", self.0.year())
    }
}

impl FromStr for Month {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let is_one = text.len() == 7
            && text.bytes().enumerate().all(|(at, b)| if at == 4 { b == b'-' } else { b.is_ascii_digit() });
        let day = is_one.then(|| format!("{text}-01").parse().ok()).flatten();
        day.map(Self).ok_or_else(|| "un mois s'écrit 2026-10".to_owned())
    }
}

impl TryFrom<String> for Month {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

impl ToSql<Date, Pg> for Month {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <NaiveDate as ToSql<Date, Pg>>::to_sql(&self.0, out)
    }
}

impl FromSql<Date, Pg> for Month {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        <NaiveDate as FromSql<Date, Pg>>::from_sql(bytes).map(Self::of)
    }
}

impl PartialSchema for Month {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[0-9]{4}-(0[1-9]|1[0-2])$"))
            .description(Some("Un mois."))
            .examples([serde_json::json!("2026-10")])
            .into()
    }
}
impl ToSchema for Month {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_written_in_one_way_only() {
        let october: Month = "2026-10".parse().expect("a month");
        assert_eq!((october.to_string(), october.french()), ("2026-10".to_owned(), "octobre 2026".to_owned()));
        assert_eq!(october.next_first_day().to_string(), "2026-11-01");
        assert_eq!(Month::of("2026-10-31".parse().expect("a day")), october);
        for wrong in ["", "2026-13", "2026-1", "26-10", "2026-10-01", "2026/10", "+026-10"] {
            assert!(wrong.parse::<Month>().is_err(), "{wrong}");
        }
    }
}

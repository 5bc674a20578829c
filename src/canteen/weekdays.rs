//! The days of the week on which somebody eats.

use super::{calendars::days::SchoolDay, tariffs::figures::DaysAWeek};
use chrono::{Datelike, NaiveDate};
use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    serialize::{self, Output, ToSql},
    sql_types::SmallInt,
};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema, schema::ArrayBuilder},
};

/// At least one day from Monday to Friday. A set of bits in SQL: 1 is Monday, 16 Friday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(try_from = "Vec<SchoolDay>", into = "Vec<SchoolDay>")]
#[diesel(sql_type = SmallInt)]
pub struct Weekdays(u8);

const fn bit(day: SchoolDay) -> u8 {
    match day {
        SchoolDay::Monday => 1,
        SchoolDay::Tuesday => 2,
        SchoolDay::Wednesday => 4,
        SchoolDay::Thursday => 8,
        SchoolDay::Friday => 16,
    }
}

impl Weekdays {
    /// The days in their order.
    pub fn iter(self) -> impl Iterator<Item = SchoolDay> {
        SchoolDay::ALL.iter().copied().filter(move |day| self.holds(*day))
    }
    #[must_use]
    pub const fn holds(self, day: SchoolDay) -> bool {
        self.0 & bit(day) != 0
    }
    /// Whether that day is one of them.
    #[must_use]
    pub fn include(self, day: NaiveDate) -> bool {
        SchoolDay::of(day.weekday()).is_some_and(|day| self.holds(day))
    }
    /// How many they are.
    #[must_use]
    pub fn a_week(self) -> DaysAWeek {
        let days = u8::try_from(self.0.count_ones()).unwrap_or(5);
        #[expect(clippy::expect_used, reason = "one to five bits are set")]
        DaysAWeek::try_from(days).expect("one to five days")
    }
}

impl TryFrom<Vec<SchoolDay>> for Weekdays {
    type Error = &'static str;
    fn try_from(days: Vec<SchoolDay>) -> Result<Self, Self::Error> {
        let bits =
            days.iter().try_fold(0, |bits, day| if bits & bit(*day) == 0 { Ok(bits | bit(*day)) } else { Err(()) });
        bits.ok()
            .filter(|bits| *bits != 0)
            .map(Self)
            .ok_or("des jours de la semaine différents, un au moins, sont attendus")
    }
}

impl From<Weekdays> for Vec<SchoolDay> {
    fn from(days: Weekdays) -> Self {
        days.iter().collect()
    }
}

impl FromSql<SmallInt, Pg> for Weekdays {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        let bits = u8::try_from(<i16 as FromSql<SmallInt, Pg>>::from_sql(bytes)?)?;
        if (1..32).contains(&bits) { Ok(Self(bits)) } else { Err("weekdays are five bits".into()) }
    }
}

impl ToSql<SmallInt, Pg> for Weekdays {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <i16 as ToSql<SmallInt, Pg>>::to_sql(&i16::from(self.0), &mut out.reborrow())
    }
}

impl PartialSchema for Weekdays {
    fn schema() -> RefOr<Schema> {
        let example = serde_json::json!(["monday", "tuesday", "thursday", "friday"]);
        ArrayBuilder::new()
            .items(SchoolDay::schema())
            .min_items(Some(1))
            .max_items(Some(5))
            .unique_items(true)
            .description(Some("Jours de la semaine, du lundi au vendredi."))
            .examples([example])
            .into()
    }
}
impl ToSchema for Weekdays {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_once_in_any_order_and_counted() {
        let days: Weekdays = serde_json::from_str(r#"["friday","monday"]"#).expect("two days");
        assert_eq!(serde_json::to_string(&days).expect("json"), r#"["monday","friday"]"#);
        assert_eq!(u8::from(days.a_week()), 2);
        for wrong in ["[]", r#"["monday","monday"]"#, r#"["sunday"]"#] {
            assert!(serde_json::from_str::<Weekdays>(wrong).is_err(), "{wrong}");
        }
    }
}

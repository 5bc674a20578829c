//! Money is whole cents; the only rounding of the service is here.

use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};
use std::fmt;

/// An amount in euro cents. Sums are checked: an overflow is `None`, never a wrong amount.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(transparent)]
#[schema(value_type = i64, example = 1250)]
#[diesel(sql_type = diesel::sql_types::BigInt)]
pub struct Cents(i64);

impl Cents {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn new(cents: i64) -> Self {
        Self(cents)
    }
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
    /// The sum of many amounts, `None` on overflow.
    pub fn checked_sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }
    /// `rate` times this amount, rounded once, half away from zero, to the cent.
    #[must_use]
    pub fn at_rate(self, rate: Decimal) -> Option<Self> {
        Self::rounded(Decimal::from(self.0).checked_mul(rate)?)
    }
    /// The exact number of cents of a calculation, rounded half away from zero. Nothing else in the service rounds.
    #[must_use]
    pub fn rounded(exact_cents: Decimal) -> Option<Self> {
        exact_cents.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64().map(Self)
    }
}

/// French writing: `60,00 €`.
impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let euros = Decimal::new(self.0, 2).to_string().replace('.', ",");
        write!(f, "{euros} €")
    }
}

impl diesel::serialize::ToSql<diesel::sql_types::BigInt, diesel::pg::Pg> for Cents {
    fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
        <i64 as diesel::serialize::ToSql<diesel::sql_types::BigInt, diesel::pg::Pg>>::to_sql(&self.0, out)
    }
}

impl diesel::deserialize::FromSql<diesel::sql_types::BigInt, diesel::pg::Pg> for Cents {
    fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
        <i64 as diesel::deserialize::FromSql<diesel::sql_types::BigInt, diesel::pg::Pg>>::from_sql(bytes).map(Self)
    }
}

/// What a caller may ask to move: 1 cent to `MAX` cents. Anything else is refused while the body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Amount(Cents);

impl Amount {
    /// No single movement passes 1,000 €: ten times the yearly right of a child.
    pub const MAX_CENTS: i64 = 100_000;

    #[must_use]
    pub const fn cents(self) -> Cents {
        self.0
    }
}

impl TryFrom<i64> for Amount {
    type Error = String;
    fn try_from(cents: i64) -> Result<Self, String> {
        if (1..=Self::MAX_CENTS).contains(&cents) {
            Ok(Self(Cents(cents)))
        } else {
            Err(format!("un montant entre 1 et {} centimes est attendu", Self::MAX_CENTS))
        }
    }
}

impl From<Amount> for i64 {
    fn from(amount: Amount) -> Self {
        amount.0.0
    }
}

impl utoipa::PartialSchema for Amount {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::Integer)
            .minimum(Some(1))
            .maximum(Some(Self::MAX_CENTS))
            .description(Some("Montant en centimes d'euro."))
            .examples([serde_json::json!(1250)])
            .into()
    }
}
impl utoipa::ToSchema for Amount {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sums_never_wrap(a: i64, b: i64) {
            prop_assert_eq!(Cents(a).checked_add(Cents(b)).map(Cents::get), a.checked_add(b));
            prop_assert_eq!(Cents(a).checked_sub(Cents(b)).map(Cents::get), a.checked_sub(b));
        }

        #[test]
        fn only_amounts_within_bounds_exist(cents in -200_000_i64..200_000) {
            prop_assert_eq!(Amount::try_from(cents).is_ok(), (1..=Amount::MAX_CENTS).contains(&cents));
        }

        #[test]
        fn a_rate_rounds_to_the_nearest_cent(cents in 0_i64..1_000_000, milli in 0_i64..5_000) {
            let exact = Decimal::from(cents) * Decimal::new(milli, 3);
            let rounded = Cents(cents).at_rate(Decimal::new(milli, 3)).map(|c| Decimal::from(c.get()));
            prop_assert!(rounded.is_some_and(|r| (r - exact).abs() <= Decimal::new(5, 1)));
        }
    }

    #[test]
    fn halves_go_away_from_zero() {
        assert_eq!(Cents(1).at_rate(Decimal::new(5, 1)), Some(Cents(1)));
        assert_eq!(Cents(-1).at_rate(Decimal::new(5, 1)), Some(Cents(-1)));
        assert_eq!(Cents(1).at_rate(Decimal::new(49, 2)), Some(Cents(0)));
    }

    #[test]
    fn euros_are_written_in_french() {
        assert_eq!(Cents(6000).to_string(), "60,00 €");
        assert_eq!(Cents(-5).to_string(), "-0,05 €");
    }
}

//! The numbers that a tariff reads and writes, each checked when it comes in. None of them is ever a float: what JSON writes with a
//! point is read from its text.

use crate::kernel::money::Cents;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use std::fmt;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, SchemaType, Type},
    },
};

/// The shares of a tax household (*parts*): a whole number of quarters, 0.25 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Number", into = "Number")]
pub struct Parts(u16);

impl Parts {
    /// A hundred parts: more than any family has.
    pub const MAX_QUARTERS: u16 = 400;

    /// None for no part at all, or for more than there can be.
    #[must_use]
    pub const fn from_quarters(quarters: u16) -> Option<Self> {
        if quarters == 0 || quarters > Self::MAX_QUARTERS { None } else { Some(Self(quarters)) }
    }
    #[must_use]
    pub const fn quarters(self) -> u16 {
        self.0
    }
    pub(super) fn decimal(self) -> Decimal {
        Decimal::new(i64::from(self.0).saturating_mul(25), 2).normalize()
    }
}

impl TryFrom<Number> for Parts {
    type Error = String;
    fn try_from(number: Number) -> Result<Self, String> {
        let parts = number.to_string().parse::<Decimal>().ok();
        parts
            .and_then(|parts| parts.checked_mul(Decimal::from(4)))
            .filter(Decimal::is_integer)
            .and_then(|quarters| Self::from_quarters(quarters.to_u16()?))
            .ok_or_else(|| "un nombre de parts de 0,25 à 100, par quarts de part, est attendu".to_owned())
    }
}

impl From<Parts> for Number {
    fn from(parts: Parts) -> Self {
        #[expect(clippy::expect_used, reason = "digits and at most one point, with digits on both sides")]
        parts.decimal().to_string().parse().expect("a decimal is a JSON number")
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.decimal().to_string().replace('.', ","))
    }
}

/// What one tax notice says. Unmarried parents have one each.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"rfr_euros": 24_000, "parts": 2.5}))]
pub struct TaxHousehold {
    /// *Revenu fiscal de référence*, in whole euros as the notice writes it.
    pub rfr_euros: u32,
    pub parts: Parts,
}

/// An income enters no log by way of `{:?}`.
impl fmt::Debug for TaxHousehold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaxHousehold(***)")
    }
}

/// The monthly *quotient familial*, never negative. A figure of its own, to the cent: what is computed from it is rounded once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct QuotientFamilial(Cents);

impl QuotientFamilial {
    /// Ten billion euros a month: above what the largest tax notice gives.
    pub const MAX_CENTS: i64 = 1_000_000_000_000;

    /// RFR ÷ parts ÷ 12, the incomes and the parts of all households added. None without any household: nothing is not zero.
    #[must_use]
    pub fn of(households: &[TaxHousehold]) -> Option<Self> {
        let rfr_euros: u64 = households.iter().map(|household| u64::from(household.rfr_euros)).sum();
        let quarters: u64 = households.iter().map(|household| u64::from(household.parts.quarters())).sum();
        // In cents, by twelve months and quarters of parts: × 100 × 4 ÷ 12.
        let exact = Decimal::from(rfr_euros)
            .checked_mul(Decimal::from(100))?
            .checked_div(Decimal::from(quarters).checked_mul(Decimal::from(3))?)?;
        Self::from_cents(Cents::rounded(exact)?)
    }

    /// None when no quotient can be so.
    #[must_use]
    pub fn from_cents(cents: Cents) -> Option<Self> {
        (0..=Self::MAX_CENTS).contains(&cents.get()).then_some(Self(cents))
    }

    #[must_use]
    pub const fn cents(self) -> Cents {
        self.0
    }
}

impl fmt::Debug for QuotientFamilial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QuotientFamilial(***)")
    }
}

impl TryFrom<i64> for QuotientFamilial {
    type Error = String;
    fn try_from(cents: i64) -> Result<Self, String> {
        Self::from_cents(Cents::new(cents))
            .ok_or_else(|| "un quotient familial positif, en centimes, est attendu".to_owned())
    }
}

impl From<QuotientFamilial> for i64 {
    fn from(quotient: QuotientFamilial) -> Self {
        quotient.0.get()
    }
}

/// Days of the week on which somebody eats: one to five.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct DaysAWeek(u8);

impl DaysAWeek {
    pub const ALL: [Self; 5] = [Self(1), Self(2), Self(3), Self(4), Self(5)];
}

impl TryFrom<u8> for DaysAWeek {
    type Error = String;
    fn try_from(days: u8) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|known| known.0 == days)
            .ok_or_else(|| "un nombre de jours de 1 à 5 est attendu".to_owned())
    }
}

impl From<DaysAWeek> for u8 {
    fn from(days: DaysAWeek) -> Self {
        days.0
    }
}

/// A rate above 0, 1 at most, written in text so that none of its six decimals is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate(Decimal);

impl Rate {
    #[must_use]
    pub const fn decimal(self) -> Decimal {
        self.0
    }
}

/// Digits and a point: no sign, no exponent, no separator.
fn plain_decimal(text: &str, longest: usize) -> Option<Decimal> {
    let plain = text.len() <= longest && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    text.parse::<Decimal>().ok().filter(|_| plain)
}

impl TryFrom<String> for Rate {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let rate = plain_decimal(&text, 8).filter(|rate| *rate > Decimal::ZERO && *rate <= Decimal::ONE);
        rate.map(|rate| Self(rate.normalize()))
            .ok_or_else(|| "un taux écrit comme \"0.0035\", au plus 1, est attendu".to_owned())
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.0.to_string()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_string().replace('.', ","))
    }
}

/// An exact number of euros, not rounded yet, written in text: `1.79319`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Euros(Decimal);

impl Euros {
    /// Of an exact number of cents.
    #[must_use]
    pub fn of_cents(exact_cents: Decimal) -> Self {
        Self(exact_cents.checked_mul(Decimal::new(1, 2)).unwrap_or(exact_cents).normalize())
    }
    #[must_use]
    pub const fn decimal(self) -> Decimal {
        self.0
    }
}

impl TryFrom<String> for Euros {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let euros = plain_decimal(&text, 30).map(|euros| Self(euros.normalize()));
        euros.ok_or_else(|| "un nombre d'euros écrit comme \"1.79\" est attendu".to_owned())
    }
}

impl From<Euros> for String {
    fn from(euros: Euros) -> Self {
        euros.0.to_string()
    }
}

/// French writing, with two decimals or all there are: `1,79319 €`.
impl fmt::Display for Euros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut euros = self.0;
        if euros.scale() < 2 {
            euros.rescale(2);
        }
        write!(f, "{} €", euros.to_string().replace('.', ","))
    }
}

macro_rules! described {
    ($($name:ident $kind:ident $description:literal $example:tt $(, $bound:ident $value:expr)*;)*) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(SchemaType::new(Type::$kind))
                    .description(Some($description))
                    .examples([serde_json::json!($example)])
                    $(.$bound(Some($value)))*
                    .into()
            }
        }
        impl ToSchema for $name {}
    )*};
}
described! {
    Parts Number "Nombre de parts fiscales, par quarts de part." 2.5, minimum 0.25, maximum 100.0, multiple_of 0.25;
    QuotientFamilial Integer "Quotient familial mensuel, en centimes d'euro." 80_000, minimum 0, maximum Self::MAX_CENTS;
    DaysAWeek Integer "Jours par semaine." 4, minimum 1, maximum 5;
    Rate String "Taux au-dessus de 0, au plus 1, de six décimales au plus." "0.0035", max_length 8;
    Euros String "Nombre exact d'euros, avant tout arrondi." "1.79319", max_length 30;
}

//! A tax notice as the administration tells it. Any field may be absent, and none is guessed: a rate is made of what is there and right.

use super::{ImpotResource, Taxpayer};
use crate::fiscal::{
    limits::Health,
    names::alike,
    outcome::{Doubt, Field, Outcome},
};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::Deserialize;
use serde_json::{Number, Value};
use std::fmt;

/// Beyond any household of France: more is an error of somebody.
const INCOME_MAX_EUROS: i64 = 1_000_000_000;
const QUARTERS_MAX: u16 = 200;
const DEPENDANTS_MAX: u16 = 50;

text_enum! {
    /// Situation of a tax household.
    pub enum Situation {
        Married = "M",
        CivilPartners = "O",
        Single = "C",
        Divorced = "D",
        Widowed = "V",
    }
}

impl Situation {
    /// One notice for two people.
    pub const fn is_couple(self) -> bool {
        matches!(self, Self::Married | Self::CivilPartners)
    }
}

/// The income of a family: of its tax household, or of two added. Its `Debug` shows no figure.
#[derive(Clone, PartialEq, Eq)]
pub struct Income {
    /// *Revenu fiscal de référence*, in whole euros.
    pub reference_euros: i64,
    /// Parts, in quarters of one: 2.5 parts are 10.
    pub quarter_parts: u16,
    /// Of each household.
    pub situations: Vec<Situation>,
    /// Persons who depend on the households; none where one of them tells none.
    pub dependants: Option<u16>,
    /// Year of the income.
    pub year: i32,
    /// The year that was asked for first: not `year` when the administration knows no later one yet.
    pub asked_year: i32,
}

impl Income {
    /// Whether the figures are those of the year before the one asked for.
    #[must_use]
    pub const fn is_of_year_before(&self) -> bool {
        self.year < self.asked_year
    }
}

impl fmt::Debug for Income {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, asked_year, households) = (&self.year, &self.asked_year, &self.situations.len());
        f.debug_struct("Income")
            .field("year", year)
            .field("asked_year", asked_year)
            .field("households", households)
            .finish_non_exhaustive()
    }
}

/// What one notice brings to the income.
pub struct Notice {
    pub reference_euros: i64,
    pub quarter_parts: u16,
    pub situation: Situation,
    pub dependants: Option<u16>,
    pub year: i32,
}

/// What one call brings.
pub enum Reading {
    Notice(Notice),
    /// The tax number is known, the year is not.
    NoResult,
    Other(Outcome),
}

impl From<Outcome> for Reading {
    fn from(outcome: Outcome) -> Self {
        Self::Other(outcome)
    }
}

impl Reading {
    /// The word of the trace.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Notice(_) => "found",
            Self::NoResult => "no_result",
            Self::Other(outcome) => outcome.code(),
        }
    }

    pub fn health(&self) -> Health {
        match self {
            Self::Notice(_) | Self::NoResult => Health::Good,
            Self::Other(outcome) => outcome.health(),
        }
    }
}

/// Every key that is looked at, whatever its type: a wrong one is told from an absent one. The last three are of no contract, or of one
/// resource only; where they are, they must agree with the question.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    rfr: Option<Value>,
    nb_part: Option<Value>,
    sit_fam: Option<Value>,
    sit_part: Option<Value>,
    pac: Option<Value>,
    nm_nai_dec1: Option<Value>,
    nm_usa_dec1: Option<Value>,
    nm_nai_dec2: Option<Value>,
    nm_usa_dec2: Option<Value>,
    ann_revenu: Option<Value>,
    annrev: Option<Value>,
    spi: Option<Value>,
}

/// What the body of an answer says of the household that was asked about.
pub fn read(body: &[u8], resource: ImpotResource, taxpayer: &Taxpayer, year: i32) -> Reading {
    // A list would be read as the keys in their order. A key told twice is no object of the contract either.
    let is_object = body.trim_ascii_start().first() == Some(&b'{');
    match serde_json::from_slice(body) {
        Ok(written) if is_object => {
            judge(written, resource, taxpayer, year).map_or_else(Reading::Other, Reading::Notice)
        }
        _ => Outcome::Unreadable.into(),
    }
}

fn judge(written: Written, resource: ImpotResource, taxpayer: &Taxpayer, year: i32) -> Result<Notice, Outcome> {
    let year = year_told(&written, resource, year)?;
    if written.spi.as_ref().is_some_and(|told| !is_text(told, taxpayer.spi.expose())) {
        return Err(Outcome::Odd(Field::TaxNumber));
    }
    let Written { nm_nai_dec1, nm_usa_dec1, nm_nai_dec2, nm_usa_dec2, .. } = written;
    check_names(&[nm_nai_dec1, nm_usa_dec1, nm_nai_dec2, nm_usa_dec2], taxpayer)?;
    if !matches!(&written.sit_part, None | Some(Value::Null))
        && !written.sit_part.is_some_and(|told| is_text(&told, ""))
    {
        return Err(Outcome::Ambiguous(Doubt::PartialNotice));
    }
    let reference_euros = needed(written.rfr, Field::ReferenceIncome, |told| {
        told.as_i64().filter(|euros| (0..=INCOME_MAX_EUROS).contains(euros))
    })?;
    let quarter_parts = needed(written.nb_part, Field::Parts, |told| told.as_number().and_then(quarters))?;
    let situation = needed(written.sit_fam, Field::Situation, |told| told.as_str()?.parse().ok())?;
    let dependants = match written.pac {
        None => None,
        Some(Value::Object(mut counts)) => optional(counts.remove("nbPac"), Field::Dependants, |told| {
            u16::try_from(told.as_u64()?).ok().filter(|number| *number <= DEPENDANTS_MAX)
        })?,
        Some(_) => return Err(Outcome::Odd(Field::Dependants)),
    };
    Ok(Notice { reference_euros, quarter_parts, situation, dependants, year })
}

/// The year of the answer, which only one resource must tell.
fn year_told(written: &Written, resource: ImpotResource, year: i32) -> Result<i32, Outcome> {
    let told = written.ann_revenu.as_ref().or(written.annrev.as_ref());
    let told =
        told.map(|told| told.as_i64().and_then(|told| i32::try_from(told).ok()).ok_or(Outcome::Odd(Field::Year)));
    match (resource, told.transpose()?) {
        (ImpotResource::Year, None) => Ok(year),
        (ImpotResource::Year, Some(told)) if told == year => Ok(told),
        (ImpotResource::LastOfTwoYears, None) => Err(Outcome::Partial(Field::Year)),
        (ImpotResource::LastOfTwoYears, Some(told)) if told == year || told.checked_add(1) == Some(year) => Ok(told),
        _ => Err(Outcome::Odd(Field::Year)),
    }
}

/// Names may be outside what the convention lets read; where they are told, one of them is the taxpayer's.
fn check_names(told: &[Option<Value>], taxpayer: &Taxpayer) -> Result<(), Outcome> {
    let names: Option<Vec<&str>> = told.iter().flatten().map(Value::as_str).collect();
    let names: Vec<&str> =
        names.ok_or(Outcome::Odd(Field::Names))?.into_iter().filter(|name| !name.is_empty()).collect();
    if names.is_empty() || names.iter().any(|name| alike(name, taxpayer.last_name.as_str())) {
        Ok(())
    } else {
        Err(Outcome::Ambiguous(Doubt::OtherPerson))
    }
}

fn is_text(told: &Value, expected: &str) -> bool {
    told.as_str() == Some(expected)
}

/// A field without which there is no rate.
fn needed<T>(told: Option<Value>, field: Field, read: impl FnOnce(&Value) -> Option<T>) -> Result<T, Outcome> {
    optional(told, field, read)?.ok_or(Outcome::Partial(field))
}

fn optional<T>(
    told: Option<Value>,
    field: Field,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<Option<T>, Outcome> {
    match told {
        None | Some(Value::Null) => Ok(None),
        Some(told) => read(&told).map(Some).ok_or(Outcome::Odd(field)),
    }
}

/// Parts in quarters, if they are some.
fn quarters(parts: &Number) -> Option<u16> {
    let quarters = parts.to_string().parse::<Decimal>().ok()?.checked_mul(Decimal::from(4))?;
    if !quarters.fract().is_zero() {
        return None;
    }
    quarters.to_u16().filter(|quarters| (1..=QUARTERS_MAX).contains(quarters))
}

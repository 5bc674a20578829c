//! A tariff grid as the data that agents write: one document that says for whom, from when until when, and by which rules.
//!
//! The types only say what can be read; `Grid::check` says what keeps it from being published, and a price is computed from a `Tariff`
//! alone: a grid in which nothing is missing or contradictory. Amounts are cents; both bounds of a band and of the dates are included.

use super::{
    figures::{DaysAWeek, Rate},
    situation::Means,
};
use crate::{
    canteen::Diner,
    error::Error,
    kernel::{
        ids::GridId,
        money::Cents,
        text::{Code, Label},
    },
    seasons::rules::RuleProblem,
};
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The rules of a price for one sort of diners.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!(example()))]
pub struct Grid {
    /// The format of this document.
    pub format: Format,
    pub label: Label,
    pub diner: Diner,
    pub starts_on: NaiveDate,
    /// Last day, included.
    pub ends_on: NaiveDate,
    pub base: Base,
    /// Whose figures the quotient is made of, where the base reads one.
    #[serde(default, skip_serializing_if = "QuotientFrom::is_tax")]
    pub quotient_from: QuotientFrom,
    /// For whoever asked for no reduced rate, or whose means are not known. Absent for a fixed price alone.
    pub maximum_cents: Option<Cents>,
    /// A meal without reservation: the same for all, whatever their means, status or care plan; 0 where they are offered.
    pub walk_in_cents: Cents,
    /// When the family brings the meal (PAI). Absent: the price of a meal.
    pub own_meal: Option<OwnMeal>,
    /// Statuses that set the price whatever the means; of several, the lowest price.
    #[serde(default)]
    pub statuses: Vec<StatusPrice>,
    /// Present: a year is paid by so many meals, whatever the calendar. Absent: each meal is paid.
    pub forfait: Option<Vec<ForfaitLine>>,
}

impl Grid {
    /// Whether the price follows from the *quotient familial*.
    #[must_use]
    pub const fn reads_quotient(&self) -> bool {
        matches!(self.base, Base::QuotientRate { .. } | Base::QuotientBands { .. })
    }

    /// Whether a family that tells its means, or a status, may pay less.
    #[must_use]
    pub fn has_lower_prices(&self) -> bool {
        self.reads_quotient() || !self.statuses.is_empty()
    }

    /// Whether a price of it may follow from these means or statuses.
    #[must_use]
    pub fn reads(&self, means: &Means, statuses: &[Code]) -> bool {
        let reads_means = match means {
            Means::Tax { .. } => self.reads_quotient() && self.quotient_from == QuotientFrom::Tax,
            Means::Quotient { .. } => self.reads_quotient() && self.quotient_from == QuotientFrom::FamilyBenefits,
            Means::PayIndex { .. } => matches!(self.base, Base::PayIndexBands { .. }),
            Means::Unknown { .. } => false,
        };
        reads_means || statuses.iter().any(|status| self.has_price_of(status))
    }

    #[must_use]
    pub fn has_price_of(&self, status: &Code) -> bool {
        self.statuses.iter().any(|line| line.status == *status)
    }

    /// Refuses a status that it does not price, by its place.
    pub fn require_statuses(&self, statuses: &[Code]) -> Result<(), Error> {
        require_priced(statuses, |status| self.has_price_of(status))
    }
}

/// Refuses the first status that has no price, by its place.
pub fn require_priced(statuses: &[Code], is_priced: impl Fn(&Code) -> bool) -> Result<(), Error> {
    match statuses.iter().position(|status| !is_priced(status)) {
        None => Ok(()),
        Some(place) => {
            Err(Error::field(format!("/statuses/{place}"), "cette situation n'est pas tarifée par la grille"))
        }
    }
}

/// The format of the document. A grid that is published is read in the format that it was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Format {
    One,
}

impl TryFrom<u8> for Format {
    type Error = String;
    fn try_from(number: u8) -> Result<Self, String> {
        if number == 1 { Ok(Self::One) } else { Err("le seul format connu est 1".to_owned()) }
    }
}

impl From<Format> for u8 {
    fn from(Format::One: Format) -> Self {
        1
    }
}

impl utoipa::PartialSchema for Format {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::Integer)
            .enum_values(Some([1]))
            .into()
    }
}
impl ToSchema for Format {}

text_enum! {
    /// Who knows the quotient that a grid reads.
    #[derive(Default)]
    pub enum QuotientFrom {
        /// Reference income and parts of the tax notices.
        #[default]
        Tax = "tax",
        /// The quotient that the CAF or the MSA has computed.
        FamilyBenefits = "family_benefits",
    }
}

impl QuotientFrom {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    const fn is_tax(&self) -> bool {
        matches!(self, Self::Tax)
    }

    /// What to tell instead, to whoever told the other figure.
    pub(super) const fn asked(self) -> &'static str {
        match self {
            Self::Tax => "ce tarif se calcule d'après les avis d'impôt : indiquez les foyers fiscaux (tax)",
            Self::FamilyBenefits => {
                "ce tarif se calcule d'après le quotient de la CAF ou de la MSA : indiquez-le (quotient)"
            }
        }
    }
}

/// How the price of a meal follows from somebody's means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schema(example = json!({"kind": "quotient_rate", "rate": "0.0035", "floor_cents": 64, "cap_cents": 700}))]
pub enum Base {
    /// A part of the *quotient familial*, between a floor and a cap.
    QuotientRate {
        rate: Rate,
        floor_cents: Cents,
        cap_cents: Cents,
    },
    /// Bands of the *quotient familial*, bounds to the cent.
    QuotientBands {
        bands: Vec<QuotientBand>,
    },
    /// Bands of an adult's pay index.
    PayIndexBands {
        bands: Vec<PayIndexBand>,
    },
    Fixed {
        price_cents: Cents,
    },
}

/// A price for the quotients from one to another. The last band has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from_cents": 60_001, "until_cents": 84_000, "price_cents": 155}))]
pub struct QuotientBand {
    pub from_cents: Cents,
    pub until_cents: Option<Cents>,
    pub price_cents: Cents,
}

/// A price for the pay indices from one to another. The last band has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from_index": 0, "until_index": 465, "price_cents": 310}))]
pub struct PayIndexBand {
    pub from_index: u32,
    pub until_index: Option<u32>,
    pub price_cents: Cents,
}

/// What is paid when the family brings the meal; never more than the meal would cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schema(example = json!({"kind": "fixed", "price_cents": 100}))]
pub enum OwnMeal {
    Fixed {
        price_cents: Cents,
    },
    /// A share of the price of the meal.
    Share {
        share: Rate,
    },
}

/// A status that sets the price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"status": "rsa", "label": "Bénéficiaire du RSA", "price_cents": 40}))]
pub struct StatusPrice {
    pub status: Code,
    pub label: Label,
    pub price_cents: Cents,
}

/// The meals of a year that are paid by whoever eats on so many days a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"days_a_week": 4, "days_a_year": 144}))]
pub struct ForfaitLine {
    pub days_a_week: DaysAWeek,
    pub days_a_year: u16,
}

/// The grid that a price comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GridRef {
    pub id: GridId,
    /// Its number among the grids of these diners.
    #[schema(example = 3)]
    pub version: i32,
}

/// A grid in which nothing is missing and nothing contradicts itself: whoever has one has a price for every situation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tariff {
    reference: GridRef,
    grid: Grid,
}

impl Tariff {
    /// What leaves some situation without its one price, if anything does. Rules about whom a grid is for may have become stricter since it
    /// was published: they are asked then.
    pub fn new(reference: GridRef, grid: Grid) -> Result<Self, Vec<RuleProblem>> {
        let problems = grid.faults();
        if problems.is_empty() { Ok(Self { reference, grid }) } else { Err(problems) }
    }
    #[must_use]
    pub const fn reference(&self) -> GridRef {
        self.reference
    }
    #[must_use]
    pub const fn grid(&self) -> &Grid {
        &self.grid
    }
    /// What is paid when nothing is known: nobody who is enrolled pays more for a meal.
    #[must_use]
    pub fn maximum(&self) -> Cents {
        match self.grid.base {
            Base::Fixed { price_cents } => price_cents,
            _ => self.grid.maximum_cents.unwrap_or(super::check::PRICE_MAX),
        }
    }
}

/// A grid to start from, for a demonstration or a department that has not written its own: for pupils the department's public rate
/// (0.64 € to 7.00 €, and the coefficient that is supposed), for the others one price. Every value is meant to be edited.
#[must_use]
pub fn default_grid(diner: Diner, starts_on: NaiveDate) -> Grid {
    // The last day before the same date of the next year.
    let next = NaiveDate::from_ymd_opt(starts_on.year().saturating_add(1), starts_on.month(), starts_on.day());
    let ends_on = next.and_then(|next| next.pred_opt()).unwrap_or(starts_on);
    let (base, maximum) = match diner {
        Diner::Pupil => {
            let base =
                serde_json::json!({"kind": "quotient_rate", "rate": "0.0035", "floor_cents": 64, "cap_cents": 700});
            (base, Some(700))
        }
        Diner::Commensal => (serde_json::json!({"kind": "fixed", "price_cents": 480}), None),
        Diner::Guest => (serde_json::json!({"kind": "fixed", "price_cents": 860}), None),
    };
    let grid = serde_json::json!({
        "format": 1,
        "label": format!("Tarif des {}", diner.plural()),
        "diner": diner,
        "starts_on": starts_on,
        "ends_on": ends_on,
        "base": base,
        "maximum_cents": maximum,
        "walk_in_cents": if diner == Diner::Guest { 860 } else { 700 },
        "own_meal": null,
        "statuses": [],
        "forfait": null,
    });
    #[expect(clippy::expect_used, reason = "the literal above; its tests read it for every diner")]
    serde_json::from_value(grid).expect("the default grid is well-formed")
}

/// What the API description shows.
fn example() -> Option<Grid> {
    Some(default_grid(Diner::Pupil, NaiveDate::from_ymd_opt(2026, 9, 1)?))
}

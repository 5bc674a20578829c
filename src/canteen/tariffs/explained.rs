//! A price and how it came about: each rule that was applied, on what, with what result, and a sentence that a family reads. The
//! sentences are kept with the steps: what was said stays said, whatever the service says later.

use super::{
    figures::{DaysAWeek, Euros, QuotientFamilial, Rate, TaxHousehold},
    grid::{GridRef, OwnMeal},
    situation::Unknown,
};
use crate::kernel::{
    french,
    money::Cents,
    text::{Code, Label},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// A price, and why.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    pub grid: GridRef,
    /// What is due for the unit.
    #[schema(example = 280)]
    pub cents: Cents,
    #[schema(example = "meal")]
    pub unit: PriceUnit,
    /// What one meal costs, whatever the unit.
    #[schema(example = 280)]
    pub meal_cents: Cents,
    /// In the order in which they were taken; the result of the last one is what is due.
    pub steps: Vec<Step>,
}

text_enum! {
    /// What a price is for.
    pub enum PriceUnit { Meal = "meal", Year = "year" }
}

/// A rule applied once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "applied": {"rule": "quotient_rate", "quotient_cents": 80_000, "rate": "0.0035"},
    "result_euros": "2.8",
    "sentence": "Prix du repas : 0,0035 × 800,00 € = 2,80 €.",
}))]
pub struct Step {
    /// The rule, with what it was applied to.
    pub applied: Applied,
    /// What came out, exactly.
    pub result_euros: Euros,
    pub sentence: String,
}

/// The rules of all grids.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
#[schema(example = json!({"rule": "quotient_rate", "quotient_cents": 80_000, "rate": "0.0035"}))]
pub enum Applied {
    /// The result is the quotient.
    TaxFigures {
        households: Vec<TaxHousehold>,
    },
    QuotientRate {
        quotient_cents: QuotientFamilial,
        rate: Rate,
    },
    Floor {
        floor_cents: Cents,
    },
    Cap {
        cap_cents: Cents,
    },
    QuotientBand {
        quotient_cents: QuotientFamilial,
        from_cents: Cents,
        until_cents: Option<Cents>,
    },
    PayIndexBand {
        pay_index: u32,
        from_index: u32,
        until_index: Option<u32>,
    },
    Fixed,
    Status {
        status: Code,
        label: Label,
    },
    Maximum {
        because: Unknown,
    },
    WalkIn,
    OwnMeal {
        own_meal: OwnMeal,
    },
    Rounding,
    Forfait {
        days_a_week: DaysAWeek,
        days_a_year: u16,
        meal_cents: Cents,
    },
}

impl Step {
    /// A rule and the exact cents it gave.
    #[must_use]
    pub fn new(applied: Applied, exact_cents: Decimal) -> Self {
        let result_euros = Euros::of_cents(exact_cents);
        Self { sentence: applied.sentence(result_euros), applied, result_euros }
    }
}

impl Explained {
    /// Without the figures of tax notices, which are kept for a season only. What remains begins at the quotient.
    #[must_use]
    pub fn without_tax_figures(mut self) -> Self {
        self.steps.retain(|step| !matches!(step.applied, Applied::TaxFigures { .. }));
        self
    }

    /// Without anything that tells somebody's means or status: for whoever pays the same price without being asked about. What remains is
    /// in whole cents: a fraction would tell the figures behind it.
    #[must_use]
    pub fn without_means(mut self) -> Self {
        self.steps.retain(|step| match step.applied {
            Applied::TaxFigures { .. }
            | Applied::QuotientRate { .. }
            | Applied::QuotientBand { .. }
            | Applied::PayIndexBand { .. }
            | Applied::Status { .. } => false,
            // That nothing was asked for is known to everybody; what an administration did not know is not.
            Applied::Maximum { because } => because == Unknown::NotRequested,
            Applied::Floor { .. }
            | Applied::Cap { .. }
            | Applied::Fixed
            | Applied::WalkIn
            | Applied::OwnMeal { .. }
            | Applied::Rounding
            | Applied::Forfait { .. } => true,
        });
        let meal = Decimal::from(self.meal_cents.get());
        for step in &mut self.steps {
            if let Applied::OwnMeal { own_meal } = step.applied {
                *step = Step::new(Applied::OwnMeal { own_meal }, meal);
            }
        }
        self
    }

    /// Whether nothing was known from which a lower price follows.
    #[must_use]
    pub fn is_maximum(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.applied, Applied::Maximum { .. }))
    }
}

/// `de 600,01 € à 840,00 €`, or `à partir de 2225,01 €`.
fn range(from: impl fmt::Display, until: Option<impl fmt::Display>) -> String {
    until.map_or_else(|| format!("à partir de {from}"), |until| format!("de {from} à {until}"))
}

/// The members of a sum, in brackets when there are several.
fn sum(members: &[String]) -> String {
    if members.len() > 1 { format!("({})", members.join(" + ")) } else { members.concat() }
}

impl Applied {
    fn sentence(&self, result: Euros) -> String {
        match self {
            Self::TaxFigures { households } => {
                let incomes: Vec<String> = households.iter().map(|h| format!("{} €", h.rfr_euros)).collect();
                let parts: Vec<String> = households.iter().map(|h| h.parts.to_string()).collect();
                let total = households.iter().map(|h| h.parts.decimal()).sum();
                let (incomes, parts, noun) = (sum(&incomes), sum(&parts), french::counted(total, "part"));
                format!(
                    "Quotient familial, au centime : {incomes} de revenu fiscal de référence ÷ {parts} {noun} ÷ 12 mois = {result}."
                )
            }
            Self::QuotientRate { quotient_cents, rate } => {
                format!("Prix du repas : {rate} × {} = {result}.", quotient_cents.cents())
            }
            Self::Floor { floor_cents } => format!("Le prix ne descend pas sous {floor_cents}."),
            Self::Cap { cap_cents } => format!("Le prix ne dépasse pas {cap_cents}."),
            Self::QuotientBand { quotient_cents, from_cents, until_cents } => {
                let range = range(from_cents, until_cents.as_ref());
                format!(
                    "Le quotient familial de {} est dans la tranche {range} : {result} le repas.",
                    quotient_cents.cents()
                )
            }
            Self::PayIndexBand { pay_index, from_index, until_index } => {
                let range = range(from_index, until_index.as_ref());
                format!("L'indice {pay_index} est dans la tranche {range} : {result} le repas.")
            }
            Self::Fixed => format!("Prix unique du repas : {result}."),
            Self::Status { label, .. } => format!("Situation « {label} » : {result} le repas."),
            Self::Maximum { because } => format!("Prix maximal de {result} : {}.", because.reason()),
            Self::WalkIn => format!("Repas pris sans inscription : {result}."),
            Self::OwnMeal { own_meal: OwnMeal::Fixed { price_cents } } => {
                format!("Repas apporté par la famille (PAI), {price_cents} au plus : {result}.")
            }
            Self::OwnMeal { own_meal: OwnMeal::Share { share } } => {
                format!("Repas apporté par la famille (PAI), {share} fois le prix : {result}.")
            }
            Self::Rounding => format!("Arrondi au centime le plus proche : {result}."),
            Self::Forfait { days_a_week, days_a_year, meal_cents } => {
                let days = u8::from(*days_a_week);
                let noun = french::counted(days.into(), "jour");
                format!(
                    "Forfait annuel de {days_a_year} repas à {meal_cents}, pour {days} {noun} par semaine : {result}."
                )
            }
        }
    }
}

/// Figures enter no log by way of `{:?}`: only what is due shows.
impl fmt::Debug for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Explained({} for a {}, {} steps)", self.cents.get(), self.unit, self.steps.len())
    }
}
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Step(***)")
    }
}
impl fmt::Debug for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Applied(***)")
    }
}

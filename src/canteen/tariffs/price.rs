//! The one function that knows what a meal costs: the simulator, the decision and the bill call it. It reads a sound grid and a
//! situation, always gives a price, rounds once, and tells each step.

use super::{
    explained::{Applied, Explained, PriceUnit, Step},
    figures::QuotientFamilial,
    grid::{Base, Grid, OwnMeal, StatusPrice, Tariff},
    situation::{Attendance, Means, Situation, Unknown},
};
use crate::kernel::money::Cents;
use rust_decimal::Decimal;

/// Steps so far; each takes in a rule and the exact cents it gives.
#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    fn take(&mut self, applied: Applied, exact_cents: Decimal) -> Decimal {
        self.0.push(Step::new(applied, exact_cents));
        exact_cents
    }
}

/// What this diner pays by this tariff. The lowest of what the rules leave open: of several statuses the cheapest, and a meal that the
/// family brings never costs more than one of the kitchen.
#[must_use]
pub fn price(tariff: &Tariff, situation: &Situation) -> Explained {
    let (grid, mut steps) = (tariff.grid(), Steps::default());
    let told =
        |cents, unit, meal_cents, Steps(steps)| Explained { grid: tariff.reference(), cents, unit, meal_cents, steps };
    let Attendance::Enrolled { days_a_week } = situation.attendance else {
        steps.take(Applied::WalkIn, exact(grid.walk_in_cents));
        return told(grid.walk_in_cents, PriceUnit::Meal, grid.walk_in_cents, steps);
    };
    let full = match cheapest_status(grid, situation) {
        Some(StatusPrice { status, label, price_cents }) => {
            steps.take(Applied::Status { status: status.clone(), label: label.clone() }, exact(*price_cents))
        }
        None => by_means(tariff, &situation.means, &mut steps),
    };
    let due = match grid.own_meal.filter(|_| situation.own_meal) {
        None => full,
        Some(own_meal) => {
            let own = match own_meal {
                OwnMeal::Fixed { price_cents } => exact(price_cents).min(full),
                OwnMeal::Share { share } => full.checked_mul(share.decimal()).unwrap_or(full),
            };
            steps.take(Applied::OwnMeal { own_meal }, own)
        }
    };
    // Out of reach for a sound grid: nothing in it is above the maximum.
    let meal = Cents::rounded(due).unwrap_or_else(|| tariff.maximum());
    if exact(meal) != due {
        steps.take(Applied::Rounding, exact(meal));
    }
    let forfait = grid.forfait.iter().flatten().find(|line| line.days_a_week == days_a_week);
    let Some(days_a_year) = forfait.map(|line| line.days_a_year) else {
        return told(meal, PriceUnit::Meal, meal, steps);
    };
    // 200 meals of 100 € at most.
    let year = Cents::new(meal.get().saturating_mul(days_a_year.into()));
    steps.take(Applied::Forfait { days_a_week, days_a_year, meal_cents: meal }, exact(year));
    told(year, PriceUnit::Year, meal, steps)
}

fn exact(cents: Cents) -> Decimal {
    Decimal::from(cents.get())
}

fn cheapest_status<'g>(grid: &'g Grid, situation: &Situation) -> Option<&'g StatusPrice> {
    let held = grid.statuses.iter().filter(|line| situation.statuses.contains(&line.status));
    held.min_by_key(|line| line.price_cents)
}

/// The exact price of a meal by the base of the grid, or the maximum where the means say nothing that it asks for.
fn by_means(tariff: &Tariff, means: &Means, steps: &mut Steps) -> Decimal {
    let because = match &tariff.grid().base {
        Base::Fixed { price_cents } => return steps.take(Applied::Fixed, exact(*price_cents)),
        Base::PayIndexBands { bands } => match pay_index(means) {
            Ok(pay_index) => {
                let band = bands.iter().find(|band| {
                    band.from_index <= pay_index && band.until_index.is_none_or(|until| pay_index <= until)
                });
                if let Some(band) = band {
                    let (from_index, until_index) = (band.from_index, band.until_index);
                    let applied = Applied::PayIndexBand { pay_index, from_index, until_index };
                    return steps.take(applied, exact(band.price_cents));
                }
                Unknown::Odd
            }
            Err(because) => because,
        },
        base @ (Base::QuotientRate { .. } | Base::QuotientBands { .. }) => match quotient(means, steps) {
            Ok(quotient) => match by_quotient(base, quotient, steps) {
                Some(price) => return price,
                None => Unknown::Odd,
            },
            Err(because) => because,
        },
    };
    steps.take(Applied::Maximum { because }, exact(tariff.maximum()))
}

fn pay_index(means: &Means) -> Result<u32, Unknown> {
    match means {
        Means::PayIndex { pay_index } => Ok(*pay_index),
        Means::Unknown { because } => Err(*because),
        Means::Tax { .. } | Means::Quotient { .. } => Err(Unknown::AnotherKind),
    }
}

fn quotient(means: &Means, steps: &mut Steps) -> Result<QuotientFamilial, Unknown> {
    match means {
        Means::Quotient { quotient_cents } => Ok(*quotient_cents),
        Means::Tax { households } => {
            let quotient = QuotientFamilial::of(households).ok_or(Unknown::Odd)?;
            steps.take(Applied::TaxFigures { households: households.clone() }, exact(quotient.cents()));
            Ok(quotient)
        }
        Means::Unknown { because } => Err(*because),
        Means::PayIndex { .. } => Err(Unknown::AnotherKind),
    }
}

/// None only for a base that reads no quotient, or for bands with a hole: a sound grid has none.
fn by_quotient(base: &Base, quotient_cents: QuotientFamilial, steps: &mut Steps) -> Option<Decimal> {
    let cents = quotient_cents.cents();
    match base {
        Base::QuotientRate { rate, floor_cents, cap_cents } => {
            let share = exact(cents).checked_mul(rate.decimal())?;
            steps.take(Applied::QuotientRate { quotient_cents, rate: *rate }, share);
            Some(if share < exact(*floor_cents) {
                steps.take(Applied::Floor { floor_cents: *floor_cents }, exact(*floor_cents))
            } else if share > exact(*cap_cents) {
                steps.take(Applied::Cap { cap_cents: *cap_cents }, exact(*cap_cents))
            } else {
                share
            })
        }
        Base::QuotientBands { bands } => {
            let band = bands
                .iter()
                .find(|band| band.from_cents <= cents && band.until_cents.is_none_or(|until| cents <= until))?;
            let (from_cents, until_cents) = (band.from_cents, band.until_cents);
            let applied = Applied::QuotientBand { quotient_cents, from_cents, until_cents };
            Some(steps.take(applied, exact(band.price_cents)))
        }
        Base::PayIndexBands { .. } | Base::Fixed { .. } => None,
    }
}

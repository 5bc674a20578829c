//! From an administration's figures to what a price is computed from. What does not fit is odd, never a zero.

use crate::{
    canteen::{
        rates::{Known, MeansSource},
        tariffs::{
            Means,
            figures::{Parts, QuotientFamilial, TaxHousehold},
        },
    },
    fiscal::{
        impot::Income,
        outcome::{Field, Told},
        quotient::FamilyQuotient,
    },
    kernel::money::Cents,
};
use chrono::{Datelike, NaiveDate};

/// How old the month of a quotient may be when the present one was asked for.
const MONTHS_MAX: i32 = 3;

/// Of when the figures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncomeDate {
    pub year: i16,
    pub month: Option<i16>,
    /// The figures of the year that counts are not known yet.
    pub is_year_before: bool,
}

/// What is known from what was told on that day.
pub fn known(told: &Told, today: NaiveDate) -> Result<(Known, IncomeDate, MeansSource), Field> {
    let (means, date, source) = match told {
        Told::Income(income) => (tax(income)?, income_date(income)?, MeansSource::TaxAdministration),
        Told::Quotient(quotient) => (benefits(quotient)?, month(quotient, today)?, MeansSource::FamilyBenefits),
    };
    Ok((Known { means, statuses: vec![] }, date, source))
}

/// Incomes and parts of two households come added.
fn tax(income: &Income) -> Result<Means, Field> {
    let rfr_euros = u32::try_from(income.reference_euros).map_err(|_| Field::ReferenceIncome)?;
    let parts = Parts::from_quarters(income.quarter_parts).ok_or(Field::Parts)?;
    Ok(Means::Tax { households: vec![TaxHousehold { rfr_euros, parts }] })
}

fn income_date(income: &Income) -> Result<IncomeDate, Field> {
    let year = i16::try_from(income.year).map_err(|_| Field::Year)?;
    Ok(IncomeDate { year, month: None, is_year_before: income.is_of_year_before() })
}

fn benefits(quotient: &FamilyQuotient) -> Result<Means, Field> {
    let cents = quotient.value_euros.checked_mul(100).map(Cents::new);
    let quotient_cents = cents.and_then(QuotientFamilial::from_cents).ok_or(Field::Quotient)?;
    Ok(Means::Quotient { quotient_cents })
}

/// The present month was asked for: neither a month to come nor one long past is an answer.
fn month(quotient: &FamilyQuotient, today: NaiveDate) -> Result<IncomeDate, Field> {
    let rank = |year: i32, month: i32| year.saturating_mul(12).saturating_add(month);
    let told = i32::try_from(quotient.month).map_err(|_| Field::Month)?;
    let this = i32::try_from(today.month()).map_err(|_| Field::Month)?;
    let age = rank(today.year(), this).saturating_sub(rank(quotient.year, told));
    if !(0..=MONTHS_MAX).contains(&age) {
        return Err(Field::Month);
    }
    let year = i16::try_from(quotient.year).map_err(|_| Field::Year)?;
    let month = i16::try_from(quotient.month).map_err(|_| Field::Month)?;
    Ok(IncomeDate { year, month: Some(month), is_year_before: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fiscal::impot::Situation;
    use proptest::prelude::*;

    fn income(reference_euros: i64, quarter_parts: u16) -> Told {
        let (situations, dependants) = (vec![Situation::Single], None);
        Told::Income(Income { reference_euros, quarter_parts, situations, dependants, year: 2024, asked_year: 2025 })
    }

    fn quotient(value_euros: i64, year: i32, month: u32) -> Told {
        Told::Quotient(FamilyQuotient { value_euros, year, month, provider: None })
    }

    fn today() -> NaiveDate {
        "2026-02-15".parse().unwrap()
    }

    #[test]
    fn a_zero_that_is_told_is_zero_and_nothing_else_is() {
        let (known, date, source) = known(&income(0, 6), today()).unwrap();
        let Means::Tax { households } = known.means else { unreachable!("an income is of a tax household") };
        assert_eq!((households[0].rfr_euros, households[0].parts.quarters()), (0, 6));
        assert_eq!((date.year, date.is_year_before, source), (2024, true, MeansSource::TaxAdministration));
        assert_eq!(super::known(&income(1, 0), today()).unwrap_err(), Field::Parts);
        assert_eq!(super::known(&income(-1, 4), today()).unwrap_err(), Field::ReferenceIncome);
        assert_eq!(super::known(&income(i64::from(u32::MAX) + 1, 4), today()).unwrap_err(), Field::ReferenceIncome);
    }

    #[test]
    fn a_quotient_is_of_this_month_or_of_one_shortly_before() {
        for (year, month, fits) in
            [(2026, 2, true), (2025, 11, true), (2025, 10, false), (2026, 3, false), (2024, 2, false)]
        {
            assert_eq!(known(&quotient(900, year, month), today()).is_ok(), fits, "{year}-{month}");
        }
        assert_eq!(known(&quotient(-1, 2026, 2), today()).unwrap_err(), Field::Quotient);
    }

    proptest! {
        #[test]
        fn figures_pass_unchanged_or_not_at_all(euros in any::<i64>(), quarters in any::<u16>()) {
            if let Ok((Known { means: Means::Tax { households }, .. }, ..)) = known(&income(euros, quarters), today()) {
                prop_assert_eq!(i64::from(households[0].rfr_euros), euros);
                prop_assert_eq!(households[0].parts.quarters(), quarters);
            }
            if let Ok((Known { means: Means::Quotient { quotient_cents }, .. }, ..)) = known(&quotient(euros, 2026, 2), today()) {
                prop_assert_eq!(Some(quotient_cents.cents().get()), euros.checked_mul(100));
            }
        }
    }
}

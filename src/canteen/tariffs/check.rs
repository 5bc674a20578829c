//! What makes a grid publishable. Every fault is told at once, each with the place of the value to change.

use super::{
    figures::DaysAWeek,
    grid::{Base, Grid, OwnMeal, QuotientFrom},
};
use crate::{canteen::Diner, kernel::money::Cents, seasons::rules::RuleProblem};
use chrono::Datelike;
use std::{collections::BTreeSet, ops::RangeInclusive};

/// No meal of a collège costs 100 €.
pub(super) const PRICE_MAX: Cents = Cents::new(10_000);
/// A family reads a grid on one page.
const BANDS_MAX: usize = 50;
const STATUSES_MAX: usize = 20;
/// Days on which a forfait may be reckoned: no school year has more.
const YEAR_DAYS: RangeInclusive<u16> = 1..=200;
/// A date outside these years is a slip of the keyboard.
const YEARS: RangeInclusive<i32> = 2000..=2199;

#[derive(Default)]
struct Problems(Vec<RuleProblem>);

impl Problems {
    fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(RuleProblem { pointer: pointer.into(), detail: detail.into() });
    }
}

/// A band whatever it measures.
struct Band {
    from: i64,
    until: Option<i64>,
    price: Cents,
}

/// What bands measure: the end of their fields' names, and how a value is said.
struct Measure {
    unit: &'static str,
    name: &'static str,
    say: fn(i64) -> String,
}

const QUOTIENT: Measure =
    Measure { unit: "cents", name: "quotient familial", say: |cents| Cents::new(cents).to_string() };
const PAY_INDEX: Measure = Measure { unit: "index", name: "indice", say: |index| index.to_string() };

impl Grid {
    /// Everything that keeps this grid from being published; pointers start at the grid.
    #[must_use]
    pub fn check(&self) -> Vec<RuleProblem> {
        let mut problems = Problems::default();
        self.check_diner(&mut problems);
        self.check_own_meal(&mut problems);
        problems.0.extend(self.faults());
        problems.0
    }

    /// Prices depend on what is known of their diners: families tell their means, staff shows a pay slip, of guests nothing is known.
    fn check_diner(&self, problems: &mut Problems) {
        let refused = match (self.diner, &self.base) {
            (Diner::Pupil, Base::PayIndexBands { .. }) => Some("Un élève n'a pas d'indice de rémunération."),
            (Diner::Commensal, Base::QuotientRate { .. } | Base::QuotientBands { .. }) => {
                Some("Le quotient familial d'un commensal n'est pas connu : un indice ou un prix unique est attendu.")
            }
            (Diner::Guest, Base::QuotientRate { .. } | Base::QuotientBands { .. } | Base::PayIndexBands { .. }) => {
                Some("Rien n'est connu des ressources d'un invité : un prix unique est attendu.")
            }
            _ => None,
        };
        if let Some(detail) = refused {
            problems.add("/base/kind", detail);
        }
    }

    /// Whoever brings the meal never pays more than whoever is served one.
    fn check_own_meal(&self, problems: &mut Problems) {
        let maximum = match self.base {
            Base::Fixed { price_cents } => Some(price_cents),
            _ => self.maximum_cents,
        };
        if let (Some(OwnMeal::Fixed { price_cents }), Some(maximum)) = (&self.own_meal, maximum)
            && *price_cents > maximum
        {
            problems.add("/own_meal/price_cents", format!("Ce prix dépasse le prix maximal d'un repas ({maximum})."));
        }
    }

    /// What leaves a situation without a price, or with two; pointers start at the grid.
    #[must_use]
    pub fn faults(&self) -> Vec<RuleProblem> {
        let mut problems = Problems::default();
        self.check_dates(&mut problems);
        self.check_prices(&mut problems);
        let reads_quotient = matches!(self.base, Base::QuotientRate { .. } | Base::QuotientBands { .. });
        if self.quotient_from == QuotientFrom::FamilyBenefits && !reads_quotient {
            problems.add("/quotient_from", "Cette grille ne lit aucun quotient familial.");
        }
        match &self.base {
            Base::QuotientRate { floor_cents, cap_cents, .. } if floor_cents > cap_cents => {
                problems
                    .add("/base/floor_cents", format!("Le plancher ({floor_cents}) dépasse le plafond ({cap_cents})."));
            }
            Base::QuotientRate { .. } | Base::Fixed { .. } => {}
            Base::QuotientBands { bands } => {
                let bands = bands.iter().map(|band| Band {
                    from: band.from_cents.get(),
                    until: band.until_cents.map(Cents::get),
                    price: band.price_cents,
                });
                check_bands(&bands.collect::<Vec<_>>(), &QUOTIENT, &mut problems);
            }
            Base::PayIndexBands { bands } => {
                let bands = bands.iter().map(|band| Band {
                    from: band.from_index.into(),
                    until: band.until_index.map(i64::from),
                    price: band.price_cents,
                });
                check_bands(&bands.collect::<Vec<_>>(), &PAY_INDEX, &mut problems);
            }
        }
        self.check_maximum(&mut problems);
        self.check_statuses(&mut problems);
        self.check_forfait(&mut problems);
        problems.0
    }

    fn check_dates(&self, problems: &mut Problems) {
        for (pointer, day) in [("/starts_on", self.starts_on), ("/ends_on", self.ends_on)] {
            if !YEARS.contains(&day.year()) {
                problems.add(pointer, "Une date des années 2000 à 2199 est attendue.");
            }
        }
        if self.ends_on < self.starts_on {
            problems.add("/ends_on", "La grille finit avant de commencer.");
        }
    }

    /// Every price that the grid writes, with its place.
    fn prices(&self) -> Vec<(String, Cents)> {
        let mut prices = match &self.base {
            Base::QuotientRate { floor_cents, cap_cents, .. } => {
                vec![("/base/floor_cents".to_owned(), *floor_cents), ("/base/cap_cents".to_owned(), *cap_cents)]
            }
            Base::QuotientBands { bands } => numbered(bands.iter().map(|band| band.price_cents)),
            Base::PayIndexBands { bands } => numbered(bands.iter().map(|band| band.price_cents)),
            Base::Fixed { price_cents } => vec![("/base/price_cents".to_owned(), *price_cents)],
        };
        prices.extend(self.maximum_cents.map(|cents| ("/maximum_cents".to_owned(), cents)));
        prices.push(("/walk_in_cents".to_owned(), self.walk_in_cents));
        if let Some(OwnMeal::Fixed { price_cents }) = self.own_meal {
            prices.push(("/own_meal/price_cents".to_owned(), price_cents));
        }
        let statuses = self.statuses.iter().enumerate();
        prices.extend(statuses.map(|(place, line)| (format!("/statuses/{place}/price_cents"), line.price_cents)));
        prices
    }

    fn check_prices(&self, problems: &mut Problems) {
        for (pointer, cents) in self.prices() {
            if cents < Cents::ZERO {
                problems.add(pointer, "Un prix n'est jamais négatif.");
            } else if cents > PRICE_MAX {
                problems.add(pointer, format!("Un prix de {PRICE_MAX} au plus est attendu."));
            }
        }
    }

    /// Whoever tells nothing never pays less than somebody who tells something.
    fn check_maximum(&self, problems: &mut Problems) {
        let pointer = "/maximum_cents";
        let highest = match &self.base {
            Base::Fixed { .. } => {
                if self.maximum_cents.is_some() {
                    problems.add(pointer, "Un prix unique n'a pas d'autre maximum que lui-même.");
                }
                return;
            }
            Base::QuotientRate { cap_cents, .. } => Some(*cap_cents),
            Base::QuotientBands { bands } => bands.iter().map(|band| band.price_cents).max(),
            Base::PayIndexBands { bands } => bands.iter().map(|band| band.price_cents).max(),
        };
        match (self.maximum_cents, highest) {
            (None, _) => problems.add(pointer, "Il manque le prix maximal, dû sans demande ou sans justificatif."),
            (Some(maximum), Some(highest)) if maximum < highest => {
                problems.add(
                    pointer,
                    format!("Le prix maximal est inférieur au prix le plus haut de la grille ({highest})."),
                );
            }
            _ => {}
        }
    }

    fn check_statuses(&self, problems: &mut Problems) {
        if self.statuses.len() > STATUSES_MAX {
            problems.add("/statuses", format!("{STATUSES_MAX} situations au plus sont admises."));
        }
        let mut seen = BTreeSet::new();
        let maximum = match self.base {
            Base::Fixed { price_cents } => Some(price_cents),
            _ => self.maximum_cents,
        };
        for (place, line) in self.statuses.iter().enumerate() {
            if !seen.insert(&line.status) {
                problems.add(
                    format!("/statuses/{place}/status"),
                    format!("La situation « {} » est déjà tarifée.", line.status),
                );
            }
            if maximum.is_some_and(|maximum| line.price_cents > maximum) {
                problems.add(format!("/statuses/{place}/price_cents"), "Ce prix dépasse le prix maximal.");
            }
        }
    }

    /// One line for each number of days a week, and never fewer meals for more days.
    fn check_forfait(&self, problems: &mut Problems) {
        let Some(lines) = &self.forfait else { return };
        for (place, line) in lines.iter().enumerate().take(BANDS_MAX) {
            let (pointer, days) = (format!("/forfait/{place}"), u8::from(line.days_a_week));
            let mut before = lines.iter().take(place);
            if !YEAR_DAYS.contains(&line.days_a_year) {
                let (first, last) = (YEAR_DAYS.start(), YEAR_DAYS.end());
                problems
                    .add(format!("{pointer}/days_a_year"), format!("De {first} à {last} jours par an sont attendus."));
            }
            if before.any(|other| other.days_a_week == line.days_a_week) {
                problems.add(
                    format!("{pointer}/days_a_week"),
                    format!("Le forfait de {days} jours par semaine est déjà fixé."),
                );
            } else if lines.iter().any(|l| l.days_a_week < line.days_a_week && l.days_a_year > line.days_a_year) {
                problems.add(
                    format!("{pointer}/days_a_year"),
                    format!("Le forfait de {days} jours par semaine compte moins de repas qu'un forfait plus court."),
                );
            }
        }
        for days in DaysAWeek::ALL.into_iter().filter(|days| !lines.iter().any(|line| line.days_a_week == *days)) {
            problems.add("/forfait", format!("Il manque le forfait de {} jours par semaine.", u8::from(days)));
        }
        if lines.len() > BANDS_MAX {
            problems.add("/forfait", format!("{BANDS_MAX} lignes au plus sont admises."));
        }
    }
}

fn numbered(prices: impl Iterator<Item = Cents>) -> Vec<(String, Cents)> {
    prices.enumerate().map(|(place, cents)| (format!("/base/bands/{place}/price_cents"), cents)).collect()
}

/// From zero to no end, each band where the one before it stops, prices that never fall.
fn check_bands(bands: &[Band], measure: &Measure, problems: &mut Problems) {
    let Measure { unit, name, say } = measure;
    if bands.len() > BANDS_MAX {
        return problems.add("/base/bands", format!("{BANDS_MAX} tranches au plus sont admises."));
    }
    let Some(last) = bands.len().checked_sub(1) else {
        return problems.add("/base/bands", "Au moins une tranche est nécessaire.");
    };
    let mut before: Option<&Band> = None;
    for (place, band) in bands.iter().enumerate() {
        let at = |field: &str| format!("/base/bands/{place}/{field}");
        let (from, until) = (at(&format!("from_{unit}")), at(&format!("until_{unit}")));
        if band.until.is_some_and(|end| end < band.from) {
            problems.add(&until, "La tranche finit avant de commencer.");
        }
        let begins = match before {
            None => Some(0),
            Some(before) => before.until.map(|end| end.saturating_add(1)),
        };
        match begins {
            None => problems.add(&from, "Recouvrement : la tranche d'avant n'a pas de fin."),
            Some(begins) if band.from > begins => {
                let (first, end) = (say(begins), say(band.from.saturating_sub(1)));
                problems.add(&from, format!("Trou : aucune tranche ne couvre un {name} de {first} à {end}."));
            }
            Some(0) if band.from < 0 => problems.add(&from, format!("La première tranche commence à {}.", say(0))),
            Some(begins) if band.from < begins => {
                let (first, end) = (say(band.from), say(begins.saturating_sub(1)));
                problems.add(&from, format!("Recouvrement : un {name} de {first} à {end} est déjà couvert."));
            }
            Some(_) => {}
        }
        if before.is_some_and(|before| band.price < before.price) {
            problems.add(at("price_cents"), format!("Le prix baisse alors que le {name} monte."));
        }
        if place == last
            && let Some(end) = band.until
        {
            problems.add(&until, format!("Trou : au-delà de {}, aucune tranche ne donne de prix.", say(end)));
        }
        before = Some(band);
    }
}

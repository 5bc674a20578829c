//! What a price depends on, besides the grid. What is not known is said to be unknown, and why: it is never a zero.

use super::{
    figures::{DaysAWeek, QuotientFamilial, TaxHousehold},
    grid::{Grid, QuotientFrom},
};
use crate::kernel::text::Code;
use serde::{Deserialize, Serialize};
use std::{fmt, ops::RangeInclusive};
use utoipa::ToSchema;

/// One diner, as a grid sees him.
#[derive(Clone, PartialEq, Eq)]
pub struct Situation {
    pub means: Means,
    /// Statuses that were proven; those that the grid does not name change nothing.
    pub statuses: Vec<Code>,
    pub attendance: Attendance,
    /// The family brings the meal, by an individual care plan (PAI).
    pub own_meal: bool,
}

/// Means, statuses and care plans enter no log by way of `{:?}`.
impl fmt::Debug for Situation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Situation(***)")
    }
}

/// How the diner comes to the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attendance {
    Enrolled { days_a_week: DaysAWeek },
    WalkIn,
}

/// What is known of somebody's means.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schema(example = json!({"kind": "tax", "households": [{"rfr_euros": 24_000, "parts": 2.5}]}))]
pub enum Means {
    /// Nothing that a price could be computed from.
    Unknown { because: Unknown },
    /// The tax notices of everybody who counts: one, or one for each unmarried parent.
    Tax { households: Vec<TaxHousehold> },
    /// The quotient that the CAF or the MSA has computed.
    Quotient { quotient_cents: QuotientFamilial },
    /// The pay index of an adult (*indice majoré*).
    PayIndex { pay_index: u32 },
}

impl Means {
    /// Tax notices that count together: each parent has one at most.
    pub const HOUSEHOLDS: RangeInclusive<usize> = 1..=2;

    /// As a grid may read them: the quotient of the CAF is no tax quotient, nor the other way round.
    #[must_use]
    pub fn read_by(self, grid: &Grid) -> Self {
        let is_other = match (&self, grid.quotient_from) {
            (Self::Tax { .. }, QuotientFrom::FamilyBenefits) | (Self::Quotient { .. }, QuotientFrom::Tax) => {
                grid.reads_quotient()
            }
            _ => false,
        };
        if is_other { Self::Unknown { because: Unknown::AnotherKind } } else { self }
    }
}

/// Figures enter no log by way of `{:?}`.
impl fmt::Debug for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { because } => write!(f, "Unknown({because})"),
            Self::Tax { .. } => f.write_str("Tax(***)"),
            Self::Quotient { .. } => f.write_str("Quotient(***)"),
            Self::PayIndex { .. } => f.write_str("PayIndex(***)"),
        }
    }
}

text_enum! {
    /// Why means are unknown.
    pub enum Unknown {
        /// Nobody asked for a reduced rate: nothing was looked for.
        NotRequested = "not_requested",
        NoProof = "no_proof",
        /// A document came, from which nothing could be taken.
        UnfitProof = "unfit_proof",
        /// A part is missing: a field of the notice, or the other parent's.
        Partial = "partial",
        NotFound = "not_found",
        Ambiguous = "ambiguous",
        /// The administration does not answer.
        Unavailable = "unavailable",
        Refused = "refused",
        /// Figures that no tax notice can hold.
        Odd = "odd",
        /// Something is known, but not what this grid asks for.
        AnotherKind = "another_kind",
    }
}

impl Unknown {
    /// As a sentence goes on after a colon.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotRequested => "aucun tarif réduit n'est accordé",
            Self::NoProof => "aucun justificatif n'a été reçu",
            Self::UnfitProof => "le justificatif reçu n'a pas pu être retenu",
            Self::Partial => "les données reçues sont partielles",
            Self::NotFound => "l'administration n'a trouvé aucun dossier",
            Self::Ambiguous => "plusieurs dossiers peuvent correspondre",
            Self::Unavailable => "l'administration ne répond pas pour le moment",
            Self::Refused => "la demande a été refusée",
            Self::Odd => "les données reçues ne permettent aucun calcul",
            Self::AnotherKind => "les données fournies ne sont pas celles que cette grille demande",
        }
    }
}

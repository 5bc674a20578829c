//! The canteen of a department's collèges. Whether there is one, where, on which days, and what a meal costs are dated data that agents write: a
//! department without a row has no canteen, and its database takes no enrolment.

pub mod adults;
pub mod attendance;
pub mod calendars;
pub mod care_plans;
pub mod day_codes;
pub mod enrolments;
pub mod gates;
pub mod kitchen;
pub mod meals;
pub mod operators;
pub mod passages;
pub mod rates;
pub mod reduced_rates;
pub mod services;
pub mod tariffs;
pub mod weekdays;

use crate::{error::Error, kernel::time::last_planned_day};
use chrono::NaiveDate;

/// Refuses a day from which something is to hold when it is a slip of the keyboard: one beyond the school year after next.
fn require_planned(pointer: &str, day: NaiveDate, today: NaiveDate) -> Result<(), Error> {
    let last = last_planned_day(today);
    if day <= last {
        return Ok(());
    }
    Err(Error::field(pointer, format!("un jour jusqu'au {} est attendu", last.format("%d/%m/%Y"))))
}

text_enum! {
    /// Who eats.
    pub enum Diner {
        Pupil = "pupil",
        /// Staff of the collège.
        Commensal = "commensal",
        Guest = "guest",
    }
}

impl Diner {
    /// As a sentence names them.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Pupil => "élèves",
            Self::Commensal => "commensaux",
            Self::Guest => "invités",
        }
    }
}

//! A child's enrolment for one season, from the family's draft to the end of the rights.

pub mod state;

//! The dated rules of a department, season by season: when, how much, for whom. Rules are data that an agent publishes; the code
//! only says what makes them coherent and how they are read.

pub mod eligibility;
pub mod rules;

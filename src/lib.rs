//! Pass+: family accounts, wallets, cards and merchants of the collégiens of several departments.
#![forbid(unsafe_code)]

pub mod colleges;
pub mod enrolments;
pub mod kernel;
pub mod seasons;

//! Pass+: family accounts, wallets, cards and merchants of the collégiens of several departments.
#![forbid(unsafe_code)]

pub mod embedded;
pub mod kernel;

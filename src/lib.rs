//! Pass+: family accounts, wallets, cards and merchants of the collégiens of several departments.
#![forbid(unsafe_code)]

pub mod kernel;

pub mod error;

pub mod db;
pub mod schema;

pub mod audit;
pub mod config;
pub mod gates;
pub mod jobs;
pub mod mail;
pub mod migrate;

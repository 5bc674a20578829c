//! Pass+: family accounts, wallets, cards and merchants of the collégiens of several departments.
//!
//! Modules in order of dependence: each may use those above it, never those below.
#![forbid(unsafe_code)]

/// Pure vocabulary: ids, money, time, texts, actors.
pub mod kernel;

/// One error, and the table of everything the service refuses.
pub mod error;

/// Transactions and pools; schema and roles; the tables as queries know them.
pub mod db;
pub mod migrate;
pub mod schema;

/// The journal, jobs left to the worker, letters, bounded gates, configuration.
pub mod audit;
pub mod config;
pub mod gates;
pub mod jobs;
pub mod mail;

/// What endpoints share.
pub mod http;

/// Who is who.
pub mod auth;

/// Dated rules of a department.
pub mod seasons;

/// Wallets and the money that moves through them; what opens or spends rights calls it.
pub mod ledger;

/// Portraits of the children; schools, and the yearly request.
pub mod colleges;
pub mod enrolments;
pub mod photos;

/// Cards: their life, their signed code.
pub mod cards;

/// Merchants: conventions, tills, and what happens at the counter.
pub mod merchants;

/// The service put together.
pub mod app;

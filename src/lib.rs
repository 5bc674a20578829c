//! Pass+: family accounts, wallets, cards and merchants of the collégiens of several departments.
//!
//! Modules in order of dependence: each may use those above it, never those below.
#![forbid(unsafe_code)]

/// Pure vocabulary: ids, money, time, texts, actors.
#[macro_use]
pub mod kernel;

/// One error, and the table of everything the service refuses.
pub mod error;

/// Transactions and pools behind their bounded gates; schema and roles; the tables as queries know them.
pub mod combine;
pub mod db;
pub mod gates;
pub mod migrate;
pub mod schema;

/// The journal, jobs left to the worker, letters, configuration.
pub mod audit;
pub mod config;
pub mod jobs;
pub mod mail;

/// What is printed.
pub mod paper;

/// What endpoints share.
pub mod http;

/// Who is who.
pub mod auth;

/// Dated rules of a department.
pub mod seasons;

/// Schools, families and their children, with their portraits and proofs.
pub mod colleges;
pub mod documents;
pub mod families;
pub mod photos;

/// What the administrations are asked, and how carefully.
pub mod fiscal;

pub mod cards;
pub mod enrolments;
/// Money, cards, and the yearly request that gives both.
pub mod ledger;

/// Letters to whoever wants them.
pub mod news;

/// What agents undo, what families contest.
pub mod corrections;
pub mod disputes;

/// The ledger checked against itself.
pub mod proof;

/// Merchants: conventions, tills, and what happens at the counter.
pub mod merchants;

/// The canteen: where and when there is one, and what a meal costs.
pub mod canteen;

/// Paying merchants; billing meals.
pub mod billing;
pub mod settlement;

/// Reading the journal.
pub mod journal;

/// What is known about people, why, and for how long.
pub mod privacy;

/// The service put together, its worker, its command line, its benchmark, its demonstration.
pub mod admin;
pub mod app;
pub mod bench;
pub mod demo;
pub mod embedded;
pub mod serve;
pub mod worker;

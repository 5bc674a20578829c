//! The service as its users meet it: over HTTP, on a real PostgreSQL, each test with databases of its own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod support;

mod accounts;
mod bad_input;
mod bank_accounts;
mod bank_returns;
mod batches;
mod cards;
mod colleges;
mod consents;
mod coverage;
mod cut_answers;
mod debits;
mod departments;
mod desk;
mod device_tokens;
mod devices;
mod enrolments;
mod families;
mod guardians;
mod histories;
mod hostile;
mod idempotency;
mod journal;
mod ledger;
mod letters;
mod look_ups;
mod merchants;
mod photos;
mod races;
mod refunds;
mod seasons;
mod service;
mod sessions;
mod settlement;
mod staff;
mod tokens;
mod wallets;

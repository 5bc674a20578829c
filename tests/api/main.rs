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
mod billing;
mod canteen;
mod card_batches;
mod card_life;
mod card_offline;
mod cards;
mod colleges;
mod consents;
mod corrections;
mod coverage;
mod cut_answers;
mod debit_notices;
mod debits;
mod departments;
mod desk;
mod desk_sight;
mod device_tokens;
mod devices;
mod disputes;
mod documents;
mod enrolments;
mod expiry;
mod families;
mod family_sight;
mod found_cards;
mod guardians;
mod held_payments;
mod histories;
mod holds;
mod hostile;
mod idempotency;
mod incomes;
mod journal;
mod ledger;
mod ledger_rules;
mod letters;
mod look_ups;
mod merchants;
mod news;
mod payout_returns;
mod photo_reviews;
mod photos;
mod proof;
mod races;
mod reduced_rates;
mod refunds;
mod refused_payments;
mod rosters;
mod school_year;
mod schooling;
mod seasons;
mod service;
mod sessions;
mod settlement;
mod staff;
mod ticket_ends;
mod tickets;
mod till_days;
mod tokens;
mod top_ups;
mod unusual;
mod voids;
mod wallets;

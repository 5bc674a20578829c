//! The service as its users meet it: over HTTP, on a real PostgreSQL, each test with databases of its own.

mod support;

mod accounts;
mod bad_input;
mod cards;
mod colleges;
mod coverage;
mod debits;
mod departments;
mod desk;
mod devices;
mod enrolments;
mod families;
mod merchants;
mod seasons;
mod service;
mod staff;

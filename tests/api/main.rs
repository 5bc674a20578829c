//! The service as its users meet it: over HTTP, on a real PostgreSQL, each test with databases of its own.

mod support;

mod accounts;
mod bad_input;
mod departments;
mod families;
mod letters;
mod service;
mod sessions;
mod staff;
mod tokens;

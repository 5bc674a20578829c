//! The service as its users meet it: over HTTP, on a real PostgreSQL, each test with databases of its own.

mod support;

mod coverage;
mod families;
mod service;

//! Who is who: accounts and their passwords, sessions and second factors, staff and its places, devices and their keys.
//!
//! A token only proves which session or device speaks. What it may do is read from the directory at each request, so that a
//! revocation holds from the next one.

pub mod actor;
pub mod identities;
pub mod keys;
pub mod passwords;
pub mod throttles;
pub mod tokens;

pub mod accounts;
pub mod devices;
pub mod sessions;
pub mod staff;

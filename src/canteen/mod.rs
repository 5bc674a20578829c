//! The canteen of a department's collèges.

pub mod calendars;

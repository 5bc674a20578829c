//! The collèges whose pupils the service knows, and where their list comes from.

pub mod annuaire;

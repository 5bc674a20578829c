//! Reading the journal: who did what, for those who answer for it.

mod db;
pub mod http;

//! Pure vocabulary of the service: no web, no query. Every other module may use it; it uses none of them.

#[macro_use]
mod macros;

pub mod actor;
pub mod age;
pub mod crypto;
pub mod department;
pub mod french;
pub mod ids;
pub mod lines;
pub mod money;
pub mod month;
pub mod picture;
pub mod text;
pub mod time;
pub mod words;

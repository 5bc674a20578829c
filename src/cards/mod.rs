//! The card of a child: what is written on it, what a till reads from it, and what may happen to it.
//!
//! A card carries a random number and nothing about the child. Its number alone opens nothing: the database knows what it stands for.

pub mod code;
pub mod qr;
pub mod state;
pub mod token;

//! What is known about people, why, and for how long.

pub mod register;

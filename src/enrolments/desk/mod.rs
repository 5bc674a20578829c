//! The desks of a collège's secretary and of the department's agents: what waits there, and what they decide.

pub mod http;

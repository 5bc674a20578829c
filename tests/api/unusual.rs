//! What leaves the usual way: families enrolled by their collège, children let in by a person, pupils who leave.

mod derogations;
mod moves;
mod on_behalf;

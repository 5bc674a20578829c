//! Meals: one a diner and day, laid out from the calendar for the year, changed until the cut-off, taken at the gate.

pub mod state;

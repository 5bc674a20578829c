//! The portrait of a child: uploaded by the family, shown at the till and at the canteen's gate. No biometric template, ever.

pub mod picture;

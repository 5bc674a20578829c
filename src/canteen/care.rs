//! What the kitchen has to do for a child, sealed to its plan: moved to another row it does not open. Never an illness.

use crate::{
    error::Error,
    kernel::{crypto::MasterKey, ids::CarePlanId, text::Note},
};

const MEASURES: &str = "care_plan";

/// Seals measures for the row of their plan.
pub fn seal(key: &MasterKey, plan: CarePlanId, measures: &Note) -> Result<Vec<u8>, Error> {
    key.seal(MEASURES, plan.uuid().as_bytes(), measures.as_str().as_bytes()).map_err(Error::internal)
}

/// Opens what `seal` made for that plan.
pub fn open(key: &MasterKey, plan: CarePlanId, sealed: &[u8]) -> Result<Note, Error> {
    let bytes = key.open(MEASURES, plan.uuid().as_bytes(), sealed).map_err(Error::internal)?;
    String::from_utf8(bytes).map_err(Error::internal)?.parse().map_err(|reason: String| Error::internal(reason))
}

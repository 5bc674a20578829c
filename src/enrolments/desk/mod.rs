//! The collège secretary's desk: what waits in his collège, and pupils who arrive in the year.

pub mod http;

use super::{
    db::{self, EnrolmentRow},
    is_in_network,
};
use crate::{
    audit,
    colleges::{self, College},
    db::Tx,
    error::{Error, Refusal},
    families,
    kernel::{
        text::{Name, SeasonCode},
        words::Level,
    },
};
use chrono::NaiveDate;
use serde_json::json;

/// A pupil come from another collège, as the secretary knows him.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub season: SeasonCode,
    pub last_name: Name,
    pub first_names: Name,
    pub birth_date: NaiveDate,
    pub level: Level,
}

/// Moves the enrolment of that pupil to the secretary's collège, if exactly one of another collège fits. The wallets stay as they
/// are: they belong to the child.
pub fn record_arrival(tx: &mut Tx<'_>, arrival: &Arrival, college: &College) -> Result<EnrolmentRow, Error> {
    if !is_in_network(tx, college) {
        // Its requests are decided by agents.
        return Err(Refusal::ArrivalNotFound.into());
    }
    let college_name = &college.name;
    let id = db::move_to_my_college(tx, arrival, college_name)?.ok_or(Error::Refused(Refusal::ArrivalNotFound))?;
    let row = db::enrolment(tx, id)?;
    db::insert_event(tx, &row, "arrival", Some(college_name.as_str()))?;
    audit::record(tx, "arrival_recorded", ("enrolment", id), json!({ "college_uai": row.college_uai }))?;
    let body = format!(
        "Bonjour,\n\nLe {} a enregistré l'arrivée de votre enfant pour la saison {}. Ses droits sont inchangés.\n\
         Si c'est une erreur, prévenez le département.\n\nPass+",
        colleges::called(college_name.as_str()),
        row.season
    );
    families::notify(tx, row.family_id, "Changement de collège", &body)?;
    Ok(row)
}

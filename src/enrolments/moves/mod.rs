//! Pupils on the move in the year: who came from another collège, and who leaves the scheme.

pub mod http;

use super::{
    db::{self, EnrolmentRow},
    is_in_network,
    state::{EnrolmentEvent, EnrolmentState, undoing},
};
use crate::{
    audit,
    cards::{self, Holder},
    colleges::{self, College},
    db::Tx,
    error::{Error, Refusal},
    families,
    jobs::{self, Job},
    kernel::{
        ids::EnrolmentId,
        text::{Name, Note, SeasonCode},
        words::Level,
    },
};
use chrono::NaiveDate;
use serde_json::json;

text_enum! {
    /// Why a child leaves the scheme.
    pub enum DepartureReason {
        MovedAway = "moved_away",
        LeftCollege = "left_college",
        AtFamilysWish = "at_familys_wish",
        Other = "other",
    }
}

impl DepartureReason {
    /// What the family reads.
    const fn sentence(self) -> &'static str {
        match self {
            Self::MovedAway => "votre enfant n'habite plus le département et n'y est plus scolarisé",
            Self::LeftCollege => "votre enfant n'est plus au collège",
            Self::AtFamilysWish => "vous l'avez demandé",
            Self::Other => "le département en a décidé ainsi",
        }
    }
}

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
    families::notify_of(tx, (row.family_id, row.child_id), "Changement de collège", &body)?;
    Ok(row)
}

/// Ends a child's season before its time: its wallets pay nothing any more, and its card ends unless another season still needs it.
/// What was paid stays paid; what is left is lost with the season.
pub fn record_departure(
    tx: &mut Tx<'_>,
    id: EnrolmentId,
    version: i32,
    reason: DepartureReason,
    note: Option<&Note>,
) -> Result<EnrolmentRow, Error> {
    if reason == DepartureReason::Other && note.is_none() {
        return Err(Error::field("/note", "dites à la famille de quoi il s'agit"));
    }
    let row = db::lock(tx, id, version)?;
    let next = row.state.after(EnrolmentEvent::Depart).ok_or(Error::Refused(Refusal::EnrolmentTransition))?;
    let row = db::moved(tx, &row, next)?;
    db::insert_event(tx, &row, EnrolmentEvent::Depart.as_str(), note.map(Note::as_str))?;
    if !db::has_open_request(tx, row.child_id)? {
        cards::end(tx, row.child_id)?;
    }
    audit::record(tx, "departure_recorded", ("enrolment", id), json!({ "reason": reason }))?;
    let note = note.map(|note| format!("\n{note}")).unwrap_or_default();
    let body = format!(
        "Bonjour,\n\nLes droits de votre enfant pour la saison {} ont pris fin : {}.{note}\n\
         Ce qui a été payé le reste. Si c'est une erreur, prévenez le département.\n\nPass+",
        row.season,
        reason.sentence()
    );
    families::notify_of(tx, (row.family_id, row.child_id), "Fin des droits", &body)?;
    Ok(row)
}

/// Takes a departure back that was recorded by mistake: the rights are as they were and the child has a card again; a request that had no
/// rights yet goes back to its family. The canteen follows by itself. Refused once the season's money was taken back.
pub fn undo_departure(tx: &mut Tx<'_>, id: EnrolmentId, version: i32, note: &Note) -> Result<EnrolmentRow, Error> {
    let row = db::lock(tx, id, version)?;
    let history = db::events(tx, id)?;
    let departure = history
        .last()
        .filter(|last| last.event == EnrolmentEvent::Depart.as_str())
        .ok_or(Error::Refused(Refusal::EnrolmentTransition))?;
    let event = undoing(history.iter().map(|event| event.state));
    let next = row.state.after(event).ok_or(Error::Refused(Refusal::EnrolmentTransition))?;
    let row = db::moved(tx, &row, next)?;
    db::insert_event(tx, &row, event.as_str(), Some(note.as_str()))?;
    if row.state == EnrolmentState::Active {
        let valid_until = cards::last_day(&row.season, row.level);
        cards::give(tx, &[Holder { child: row.child_id, family: row.family_id, valid_until }])?;
    }
    // Of open rights departures are the only end: one that was taken back a moment ago may have left its canteen to this one.
    let since = history.iter().find(|event| event.state == EnrolmentState::Active).unwrap_or(departure).at;
    jobs::enqueue(tx, &Job::CanteenReturn { enrolment: id, since })?;
    audit::record(tx, "departure_undone", ("enrolment", id), json!({ "state": row.state }))?;
    let body = format!(
        "Bonjour,\n\nLe départ de votre enfant avait été enregistré par erreur pour la saison {} : c'est corrigé. {note}\n\nPass+",
        row.season
    );
    families::notify_of(tx, (row.family_id, row.child_id), "Droits rétablis", &body)?;
    Ok(row)
}

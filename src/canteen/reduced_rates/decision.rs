//! What a decision changes: what was learnt of each child is kept, and its prices set, today's and those to come. The family is told.

use super::{
    RequestRow,
    db::{self, Decided},
    notices, proofs,
    state::{RequestEvent, RequestStep},
};
use crate::{
    audit,
    canteen::{
        Diner,
        rates::{self, Known, MeansSource, Origin, RateRow},
        tariffs,
    },
    db::Tx,
    error::{Error, Refusal},
};
use chrono::NaiveDate;
use serde_json::json;

/// Decides a locked request: keeps what was learnt of each child, and sets its rate from the first day on which a grid reads it. The family
/// is told.
pub fn decide(
    tx: &mut Tx<'_>,
    row: &RequestRow,
    event: RequestEvent,
    known: &Known,
    decided: &Decided<'_>,
) -> Result<RequestRow, Error> {
    row.state.after(event).ok_or(Error::Refused(Refusal::ReducedRateTransition))?;
    let mut told = vec![];
    for child in db::children(tx, row.id)? {
        let (diner, season) = (child.child_id.into(), &child.season);
        let enrolment = db::enrolment(tx, child.child_id, season)?;
        let starts_on = enrolment.as_ref().map_or(child.starts_on, |one| child.starts_on.max(one.starts_on));
        let before = rates::rates(tx, diner, season)?;
        let before = match (rates::rate_of(&before, starts_on), &enrolment) {
            (Some(rate), _) => Some(rate.clone()),
            (None, Some(enrolment)) => Some(rates::refresh(tx, enrolment, starts_on)?),
            (None, None) => None,
        };
        let starts_on = match &enrolment {
            Some(enrolment) => first_reading(tx, known, (starts_on, enrolment.ends_on))?,
            None => starts_on,
        };
        if learns(decided.source, before.as_ref()) {
            let origin = Origin {
                diner,
                family: Some(child.family_id),
                season: season.clone(),
                starts_on,
                source: decided.source,
                request: Some(row.id),
                decided_by: decided.by,
            };
            rates::learn(tx, &origin, known)?;
            // What an earlier decision granted from a later day on does not outlive this one; who found nothing takes nothing away.
            if decided.source != MeansSource::Nothing {
                for starts_on in rates::learnt_after(tx, diner, season, starts_on)? {
                    rates::learn(tx, &Origin { starts_on, ..origin.clone() }, known)?;
                }
            }
        }
        let rates = match (before, enrolment) {
            (Some(before), Some(enrolment)) => Some((before, rates::refresh(tx, &enrolment, starts_on)?)),
            // Whoever left the canteen meanwhile pays no meal: what is known waits for another enrolment.
            _ => None,
        };
        db::close_child(tx, &child, rates.as_ref().map(|(before, after)| (before.id, after.id)))?;
        told.extend(rates.map(|rates| (child, rates)));
    }
    db::insert_step(tx, row, RequestStep::Decided)?;
    let row = db::decide(tx, row, decided)?;
    let details = json!({ "source": row.source, "reason": row.reason, "document_ids": decided.read });
    audit::record(tx, "reduced_rate_decided", ("canteen_rate_request", row.id), details)?;
    proofs::clear_away(tx, &row)?;
    for (child, (before, after)) in &told {
        notices::decided(tx, &row, child, (before, after))?;
    }
    Ok(row)
}

/// The first of these days on which a grid reads what is known: what only a grid to come reads takes nothing away until then.
fn first_reading(tx: &mut Tx<'_>, known: &Known, (first, last): (NaiveDate, NaiveDate)) -> Result<NaiveDate, Error> {
    let tariffs = tariffs::tariffs_within(tx, Diner::Pupil, (first, last))?;
    let reading = tariffs.into_iter().find(|(_, tariff)| tariff.grid().reads(&known.means, &known.statuses));
    Ok(reading.map_or(first, |(from, _)| from.max(first)))
}

/// An agent who found nothing says why the price is the highest; he takes no lower one away.
fn learns(source: MeansSource, before: Option<&RateRow>) -> bool {
    source != MeansSource::Nothing || before.is_none_or(|rate| rate.explained.is_maximum())
}

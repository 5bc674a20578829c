//! The enrolments that a roster may speak of, and who checked a roster of the department.

use super::{RosterDigest, matching::Candidate};
use crate::{
    db::Tx,
    enrolments::state::EnrolmentState,
    error::Error,
    kernel::{
        ids::{AccountId, RequestId},
        text::{SeasonCode, Uai},
    },
    schema::department::{children, enrolment_attestations, enrolments, roster_checks},
};
use chrono::{DateTime, Utc};
use diesel::{connection::SimpleConnection, dsl::sql, prelude::*, sql_types::Bool};
use serde_json::Value;

/// What a family still writes, was given back, or is over is nothing that a collège confirms.
const NO_CANDIDATES: [EnrolmentState; 3] = [EnrolmentState::Draft, EnrolmentState::Refused, EnrolmentState::Expired];

/// As `enrolments::db::is_attested`, for many.
const ATTESTED: &str = "coalesce(enrolment_attestations.college_uai = enrolments.college_uai and enrolment_attestations.level = enrolments.level
    and enrolment_attestations.attested_at > coalesce(enrolments.decided_at, enrolments.created_at), false)";

/// The enrolments of a season that collèges of the network decide, of one of them or of all, in the order of their ids.
pub fn candidates(tx: &mut Tx<'_>, season: &SeasonCode, college: Option<&Uai>) -> Result<Vec<Candidate>, Error> {
    let mut query = enrolments::table
        .inner_join(children::table.on(children::id.eq(enrolments::child_id)))
        .left_join(enrolment_attestations::table.on(enrolment_attestations::enrolment_id.eq(enrolments::id)))
        .filter(enrolments::season.eq(season))
        .filter(enrolments::in_network)
        .filter(enrolments::state.ne_all(NO_CANDIDATES))
        .into_boxed();
    if let Some(college) = college {
        query = query.filter(enrolments::college_uai.eq(college));
    }
    Ok(query
        .order(enrolments::id)
        .select((
            enrolments::id,
            enrolments::version,
            enrolments::state,
            enrolments::level,
            enrolments::college_uai,
            children::last_name,
            children::first_names,
            children::birth_date,
            sql::<Bool>(ATTESTED),
        ))
        .load(tx.conn)?)
}

/// A whole department is confirmed by one statement after the other, each of which may take longer than a caller of the web would wait.
pub fn allow_long_statements(tx: &mut Tx<'_>) -> Result<(), Error> {
    Ok(tx.conn.batch_execute("set local statement_timeout = '60s'")?)
}

pub fn insert_check(
    tx: &mut Tx<'_>,
    digest: &RosterDigest,
    season: &SeasonCode,
    counts: &Value,
    by: AccountId,
) -> Result<(), Error> {
    let now = tx.now()?;
    diesel::insert_into(roster_checks::table)
        .values((
            roster_checks::id.eq(RequestId::generate().uuid()),
            roster_checks::digest.eq(digest.bytes()),
            roster_checks::season.eq(season),
            roster_checks::counts.eq(counts),
            roster_checks::checked_by.eq(by),
            roster_checks::checked_at.eq(now),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Who checked that roster since that instant.
pub fn checked_by(tx: &mut Tx<'_>, digest: &RosterDigest, since: DateTime<Utc>) -> Result<Vec<AccountId>, Error> {
    Ok(roster_checks::table
        .filter(roster_checks::digest.eq(digest.bytes()))
        .filter(roster_checks::checked_at.gt(since))
        .select(roster_checks::checked_by)
        .distinct()
        .load(tx.conn)?)
}

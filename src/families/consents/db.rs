//! Lines of the journal of consents: added and read, never changed.

use super::{Choice, ConsentChannel, ConsentPurpose};
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{ConsentId, FamilyId, GuardianId},
        text::Code,
    },
    schema::department::consents,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

/// A line of the journal.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = consents)]
pub struct ConsentLine {
    pub id: ConsentId,
    pub purpose: ConsentPurpose,
    pub granted: bool,
    pub text_version: Code,
    pub channel: ConsentChannel,
    pub at: DateTime<Utc>,
}

pub fn insert(
    tx: &mut Tx<'_>,
    id: ConsentId,
    family: FamilyId,
    guardian: GuardianId,
    choice: &Choice,
) -> Result<ConsentLine, Error> {
    let now = tx.now()?;
    Ok(diesel::insert_into(consents::table)
        .values((
            consents::id.eq(id),
            consents::family_id.eq(family),
            consents::guardian_id.eq(guardian),
            consents::purpose.eq(choice.purpose),
            consents::granted.eq(choice.granted),
            consents::text_version.eq(&choice.text_version),
            consents::channel.eq(choice.channel),
            consents::at.eq(now),
        ))
        .returning(ConsentLine::as_returning())
        .get_result(tx.conn)?)
}

pub fn last_lines(tx: &mut Tx<'_>, guardian: GuardianId) -> Result<Vec<ConsentLine>, Error> {
    Ok(consents::table
        .filter(consents::guardian_id.eq(guardian))
        .distinct_on(consents::purpose)
        .order((consents::purpose, consents::at.desc(), consents::id.desc()))
        .select(ConsentLine::as_select())
        .load(tx.conn)?)
}

pub fn lines(
    tx: &mut Tx<'_>,
    guardian: GuardianId,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<ConsentLine>, Error> {
    let mut query = consents::table
        .filter(consents::guardian_id.eq(guardian))
        .select(ConsentLine::as_select())
        .order(consents::id.desc())
        .limit(limit.saturating_add(1))
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(consents::id.lt(before));
    }
    Ok(query.load(tx.conn)?)
}

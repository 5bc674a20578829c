//! The database's own door for what a secretary enters: he sees no file, no guardian, and of children those of his collège.

use super::{NewIds, NewPupil};
use crate::{
    colleges::College,
    db::Tx,
    error::Error,
    kernel::{ids::EnrolmentId, text::Code},
};
use chrono::{DateTime, Utc};
use diesel::{prelude::*, sql_types as sql};

#[derive(QueryableByName)]
struct Entered {
    #[diesel(sql_type = sql::Nullable<sql::Uuid>)]
    id: Option<EnrolmentId>,
}

/// False when the department knows the pupil already. `invitation`: the hash of the family's code and until when it serves.
pub fn insert_on_behalf(
    tx: &mut Tx<'_>,
    ids: NewIds,
    new: &NewPupil,
    (hash, expires_at): &(Vec<u8>, DateTime<Utc>),
    college: &College,
    rule: &Code,
) -> Result<bool, Error> {
    let entered: Entered = diesel::sql_query(
        "select enrol_on_behalf($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) as id",
    )
    .bind::<sql::Uuid, _>(ids.family)
    .bind::<sql::Uuid, _>(ids.guardian)
    .bind::<sql::Uuid, _>(ids.child)
    .bind::<sql::Uuid, _>(ids.enrolment)
    .bind::<sql::Text, _>(&new.guardian_first_names)
    .bind::<sql::Text, _>(&new.guardian_last_name)
    .bind::<sql::Text, _>(&new.email)
    .bind::<sql::Nullable<sql::Text>, _>(&new.phone)
    .bind::<sql::Binary, _>(hash)
    .bind::<sql::Timestamptz, _>(expires_at)
    .bind::<sql::Text, _>(&new.first_names)
    .bind::<sql::Text, _>(&new.last_name)
    .bind::<sql::Date, _>(new.birth_date)
    .bind::<sql::Text, _>(new.residence)
    .bind::<sql::Text, _>(&new.season)
    .bind::<sql::Text, _>(&college.name)
    .bind::<sql::Text, _>(new.level)
    .bind::<sql::Text, _>(&new.formula)
    .bind::<sql::Bool, _>(new.declares_scholarship)
    .bind::<sql::Text, _>(rule)
    .get_result(tx.conn)?;
    Ok(entered.id.is_some())
}

//! Requests of a season that is over: once its money was taken back, nothing of it waits or lives any more.

use crate::{db::Tx, error::Error};
use diesel::{prelude::*, sql_types};

/// Requests of one transaction.
const BATCH_MAX: i32 = 2_000;

/// Closes some requests of seasons whose end was carried out, and says how many. Several workers may: a request is closed once.
pub fn close_batch(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let now = tx.now()?;
    Ok(diesel::sql_query(
        "with past as (
             select e.id from enrolments e
              where e.season in (select season from season_expiries where done_at is not null)
                and e.state in ('to_confirm', 'submitted', 'confirmed', 'active', 'suspended')
              limit $1 for update skip locked),
         closed as (
             update enrolments set state = 'expired', version = version + 1 where id in (select id from past) returning id)
         insert into enrolment_events (id, enrolment_id, at, event, state, actor_kind)
         select time_ordered_id(), id, $2, 'expire', 'expired', actor_kind() from closed",
    )
    .bind::<sql_types::Integer, _>(BATCH_MAX)
    .bind::<sql_types::Timestamptz, _>(now)
    .execute(tx.conn)?)
}

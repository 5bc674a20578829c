//! What closures do to meals: a closure takes those of its days, one day after the other, and gives them back when it is withdrawn.

use super::layout::SERVED;
use crate::{
    canteen::calendars::{self, ClosureRow},
    db::Tx,
    error::Error,
    kernel::time::paris_date,
};
use chrono::NaiveDate;
use diesel::{
    prelude::*,
    sql_types::{Array, Bool, Date, Timestamptz, Uuid},
};

#[derive(QueryableByName)]
struct DueClosure {
    #[diesel(sql_type = Uuid)]
    id: uuid::Uuid,
    #[diesel(sql_type = Date)]
    from_day: NaiveDate,
    #[diesel(sql_type = Date)]
    until_day: NaiveDate,
    /// The one to take.
    #[diesel(sql_type = Date)]
    day: NaiveDate,
    #[diesel(sql_type = Bool)]
    withdrawn: bool,
    /// Of the days that remain.
    #[diesel(sql_type = Bool)]
    is_last: bool,
}

/// Takes the meals of one more day of a closure, or gives all of them back when it was withdrawn. Returns how many days that were; there may
/// be more. A day that is past closes too: a strike is sometimes written down afterwards.
pub fn apply_closure(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let due: Option<DueClosure> = diesel::sql_query(
        "select id, from_day, until_day, coalesce(applied_until + 1, from_day) as day,
                withdrawn_at is not null as withdrawn, coalesce(applied_until + 1, from_day) = until_day as is_last
           from canteen_closures
          where case when withdrawn_at is null then applied_until is distinct from until_day else applied_until is not null end
          order by id limit 1 for update skip locked",
    )
    .get_result(tx.conn)
    .optional()?;
    let Some(due) = due else { return Ok(0) };
    calendars::take_closures(tx)?;
    if due.withdrawn {
        return give_back(tx, &due).map(|()| 1);
    }
    take(tx, due.id, (due.day, due.day))?;
    diesel::sql_query("update canteen_closures set applied_until = $2 where id = $1")
        .bind::<Uuid, _>(due.id)
        .bind::<Date, _>(due.day)
        .execute(tx.conn)?;
    if due.is_last {
        tell_families(tx, due.id)?;
    }
    Ok(1)
}

/// Takes the meals of a closure of one collège that was just declared, of the days that have begun: nobody at a gate is answered by the
/// former ones meanwhile. With a word to the families when none is left. Whoever declares it has the turn.
pub fn take_begun(tx: &mut Tx<'_>, closure: &ClosureRow) -> Result<(), Error> {
    let Some(until) = closure.applied_until else { return Ok(()) };
    let id = closure.id.uuid();
    take(tx, id, (closure.from_day, until))?;
    if until == closure.until_day { tell_families(tx, id) } else { Ok(()) }
}

/// Closes the meals of these days of a closure.
fn take(tx: &mut Tx<'_>, closure: uuid::Uuid, (from, until): (NaiveDate, NaiveDate)) -> Result<(), Error> {
    let now = tx.now()?;
    diesel::sql_query(
        "update canteen_meals m set state = 'closed', changed_at = $4
           from canteen_closures c
          where c.id = $1 and m.day between $2 and $3 and (c.college_uai is null or m.college_uai = c.college_uai)
            and m.state in ('reserved', 'no_show') and not canteen_is_locked(m.college_uai, m.day)",
    )
    .bind::<Uuid, _>(closure)
    .bind::<Date, _>(from)
    .bind::<Date, _>(until)
    .bind::<Timestamptz, _>(now)
    .execute(tx.conn)?;
    Ok(())
}

/// Reserves the meals of a closure that was withdrawn, on days on which they are served now, with a word to their families. Of days that are
/// past only those that were over when it was declared: who was told that nothing is served did not come, and owes nothing. Nobody was told
/// about the others, which are settled like those of any day that is over.
fn give_back(tx: &mut Tx<'_>, closure: &DueClosure) -> Result<(), Error> {
    let now = tx.now()?;
    let year = calendars::published_on(tx, closure.from_day)?;
    let served = year.map(|row| row.calendar.0.served_days(closure.from_day, closure.until_day).collect());
    let days: Vec<NaiveDate> = served.unwrap_or_default();
    diesel::sql_query(format!(
        "with {SERVED},
              opened as (
                  update canteen_meals m set state = 'reserved', changed_at = $3
                    from canteen_closures c, served s
                   where c.id = $1 and (c.college_uai is null or m.college_uai = c.college_uai) and m.state = 'closed'
                     and (m.day >= $4 or m.day < (c.declared_at at time zone 'Europe/Paris')::date)
                     and not canteen_is_locked(m.college_uai, m.day)
                     and s.uai = m.college_uai and s.day = m.day and not s.closed
                  returning m.family_id, m.day)
         {}",
        tell("opened where family_id is not null and day >= $4")
    ))
    .bind::<Uuid, _>(closure.id)
    .bind::<Array<Date>, _>(&days)
    .bind::<Timestamptz, _>(now)
    .bind::<Date, _>(paris_date(now))
    .execute(tx.conn)?;
    diesel::sql_query("update canteen_closures set applied_until = null where id = $1")
        .bind::<Uuid, _>(closure.id)
        .execute(tx.conn)?;
    Ok(())
}

/// A word to each family that has a meal on days to come of the closure.
fn tell_families(tx: &mut Tx<'_>, closure: uuid::Uuid) -> Result<(), Error> {
    let now = tx.now()?;
    diesel::sql_query(tell(
        "canteen_closures c
           join canteen_meals m on m.day between c.from_day and c.until_day and (c.college_uai is null or c.college_uai = m.college_uai)
          where c.id = $1 and m.state = 'closed' and m.family_id is not null and m.day >= $2",
    ))
    .bind::<Uuid, _>(closure)
    .bind::<Date, _>(paris_date(now))
    .bind::<Timestamptz, _>(now)
    .execute(tx.conn)?;
    Ok(())
}

/// A letter about a closure ($1), now ($3), to each family of these rows.
fn tell(families: &str) -> String {
    format!(
        "insert into jobs (id, kind, payload, created_at, run_at)
         select time_ordered_id(), 'canteen_closure', jsonb_build_object('family_id', family_id, 'closure_id', $1::text), $3, $3
           from (select distinct family_id from {families}) t"
    )
}

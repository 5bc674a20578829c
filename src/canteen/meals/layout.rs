//! The meals of a year, laid out by sets: those of one enrolment when a family enrols, those of all when a calendar is published. What can
//! be done twice without harm is done by one statement for a thousand enrolments.

use crate::{
    canteen::{
        calendars::{self, CalendarRow, days::Calendar},
        enrolments::CanteenEnrolment,
        weekdays::Weekdays,
    },
    db::Tx,
    error::Error,
    jobs::{self, Job},
    kernel::{
        ids::CanteenEnrolmentId,
        text::{SeasonCode, Uai},
        time::paris_date,
    },
};
use chrono::NaiveDate;
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid},
};

/// Enrolments laid out in one transaction: about 140,000 meals, well within a statement's time.
const BATCH: i64 = 1_000;

/// Days ($2) on which each collège serves, and whether it is closed all the same.
pub(super) const SERVED: &str = "served as materialized (
        select c.uai, d.day, 1 << (extract(isodow from d.day)::integer - 1) as bit,
               exists (select 1 from canteen_closures x where x.withdrawn_at is null and d.day between x.from_day and x.until_day
                          and (x.college_uai is null or x.college_uai = c.uai)) as closed
          from unnest($2) d(day)
          join canteen_services s on d.day >= s.starts_on and (s.ends_on is null or d.day <= s.ends_on)
          join canteen_colleges c on d.day >= c.starts_on and (c.ends_on is null or d.day <= c.ends_on))";

/// Meals that a diner gives up from a day on ($2), at that instant ($3). Nobody cooks one that is closed: it is never too late for it, and
/// the end of the closure must not give it back.
const GIVEN_UP: &str = "((m.state = 'reserved' and m.day >= $2)
        or (m.state = 'closed' and m.day > ($3 at time zone 'Europe/Paris')::date))";

/// Lays out the meals of these enrolments: each of their days on which meals are served has one, closed while a closure stands: its
/// withdrawal gives it back. One that a former calendar had and this one has not is closed. What was cancelled or taken stays, and nothing is
/// reserved before `from`: it would be too late to cancel it.
pub fn lay_out(
    tx: &mut Tx<'_>,
    ids: &[CanteenEnrolmentId],
    (calendar, version): (&Calendar, i32),
    from: NaiveDate,
) -> Result<usize, Error> {
    calendars::hold_closures(tx)?;
    let now = tx.now()?;
    let days: Vec<NaiveDate> = calendar.served_days(calendar.first_day, calendar.last_day).collect();
    let laid = diesel::sql_query(format!(
        "with {SERVED}
         insert into canteen_meals (person_id, day, enrolment_id, family_id, college_uai, state, changed_at)
         select e.person_id, s.day, e.id, e.family_id, e.college_uai, case when s.closed then 'closed' else 'reserved' end, $3
           from canteen_enrolments e
           join served s on s.uai = e.college_uai and s.day between e.starts_on and e.ends_on and e.weekdays & s.bit <> 0
          where e.id = any ($1) and s.day >= $4
         on conflict (person_id, day) do update
            set enrolment_id = excluded.enrolment_id, college_uai = excluded.college_uai, state = excluded.state,
                changed_at = excluded.changed_at, is_single = false
          where canteen_meals.state in ('cancelled', 'closed')
            and (canteen_meals.enrolment_id <> excluded.enrolment_id
                 or (canteen_meals.state = 'closed' and excluded.state = 'reserved'))"
    ))
    .bind::<Array<Uuid>, _>(ids)
    .bind::<Array<Date>, _>(&days)
    .bind::<Timestamptz, _>(now)
    .bind::<Date, _>(from)
    .execute(tx.conn)?;
    let unserved = unserved(tx, ids, &days)?;
    close(tx, &unserved)?;
    diesel::sql_query("update canteen_enrolments set laid_out_version = $2 where id = any ($1)")
        .bind::<Array<Uuid>, _>(ids)
        .bind::<Integer, _>(version)
        .execute(tx.conn)?;
    Ok(laid)
}

#[derive(QueryableByName)]
struct Unserved {
    #[diesel(sql_type = Uuid)]
    person_id: uuid::Uuid,
    #[diesel(sql_type = Date)]
    day: NaiveDate,
    /// It would be served, but for a closure.
    #[diesel(sql_type = Bool)]
    by_closure: bool,
}

/// Reserved meals of these enrolments, to come, on days on which none is served. Written so that each diner's meals are found by his own
/// key and compared with the days of his own collège, whatever the statistics of tables that have just been filled promise.
fn unserved(tx: &mut Tx<'_>, ids: &[CanteenEnrolmentId], days: &[NaiveDate]) -> Result<Vec<Unserved>, Error> {
    let now = tx.now()?;
    Ok(diesel::sql_query(format!(
        "with {SERVED},
              days_of as materialized (
                  select uai, coalesce(array_agg(day) filter (where not closed), '{{}}') as open,
                         coalesce(array_agg(day) filter (where closed), '{{}}') as closed
                    from served group by uai)
         select m.person_id, m.day, m.day = any (e.closed) as by_closure
           from (select e.id, e.person_id, coalesce(d.open, '{{}}') as open, coalesce(d.closed, '{{}}') as closed
                   from canteen_enrolments e left join days_of d on d.uai = e.college_uai where e.id = any ($1) offset 0) e
          cross join lateral (select x.person_id, x.day, x.enrolment_id, x.state from canteen_meals x
                               where x.person_id = e.person_id offset 0) m
          where m.enrolment_id = e.id and m.state = 'reserved' and m.day > ($3 at time zone 'Europe/Paris')::date
            and m.day <> all (e.open)"
    ))
    .bind::<Array<Uuid>, _>(ids)
    .bind::<Array<Date>, _>(days)
    .bind::<Timestamptz, _>(now)
    .load(tx.conn)?)
}

/// Closes those that are reserved still, with a word to their families: those of a closure hear from whoever declared it.
fn close(tx: &mut Tx<'_>, meals: &[Unserved]) -> Result<(), Error> {
    if meals.is_empty() {
        return Ok(());
    }
    let now = tx.now()?;
    let people: Vec<_> = meals.iter().map(|meal| meal.person_id).collect();
    let days: Vec<_> = meals.iter().map(|meal| meal.day).collect();
    let by_closure: Vec<_> = meals.iter().map(|meal| meal.by_closure).collect();
    diesel::sql_query(
        "with taken as (
             update canteen_meals m set state = 'closed', changed_at = $4 from unnest($1, $2, $3) t(person, day, by_closure)
              where m.person_id = t.person and m.day = t.day and m.state = 'reserved'
             returning m.family_id, t.by_closure)
         insert into jobs (id, kind, payload, created_at, run_at)
         select time_ordered_id(), 'canteen_unserved', jsonb_build_object('family_id', family_id, 'at', $4), $4, $4
           from (select distinct family_id from taken where family_id is not null and not by_closure) t",
    )
    .bind::<Array<Uuid>, _>(people)
    .bind::<Array<Date>, _>(days)
    .bind::<Array<Bool>, _>(by_closure)
    .bind::<Timestamptz, _>(now)
    .execute(tx.conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = Uuid)]
    id: CanteenEnrolmentId,
    #[diesel(sql_type = Text)]
    season: SeasonCode,
}

#[derive(QueryableByName)]
struct Moved {
    #[diesel(sql_type = Uuid)]
    id: CanteenEnrolmentId,
}

/// Lays out enrolments of a season whose calendar is not the one they were laid out from. Returns how many; there may be more.
pub fn lay_out_batch(tx: &mut Tx<'_>) -> Result<usize, Error> {
    // The children of a family go together: it gets one letter.
    let due: Vec<Due> = diesel::sql_query(
        "with published as (select distinct on (season) season, version from canteen_calendars where state = 'published'
                             order by season, version desc),
              first as (select e.season, p.version from canteen_enrolments e join published p using (season)
                         where e.state = 'active' and e.laid_out_version is distinct from p.version limit 1),
              due as (select e.id, e.family_id from canteen_enrolments e join first f using (season)
                       where e.state = 'active' and e.laid_out_version is distinct from f.version
                       order by e.id limit $1 for update of e skip locked)
         select e.id, e.season from canteen_enrolments e join first f using (season)
          where e.state = 'active' and e.laid_out_version is distinct from f.version
            and (e.id in (select id from due) or e.family_id in (select family_id from due))
          for update of e skip locked",
    )
    .bind::<BigInt, _>(BATCH)
    .load(tx.conn)?;
    let Some(season) = due.first().map(|one| one.season.clone()) else { return Ok(0) };
    let Some(row) = calendars::published(tx, &season)? else { return Ok(0) };
    let ids: Vec<_> = due.iter().map(|one| one.id).collect();
    let (calendar, now) = (&row.calendar.0, tx.now()?);
    end_with_the_year(tx, &ids, &row)?;
    let open = calendar.served_days(paris_date(now), calendar.last_day).find(|day| now < calendar.too_late_from(*day));
    lay_out(tx, &ids, (calendar, row.version), open.unwrap_or(NaiveDate::MAX))?;
    Ok(ids.len())
}

/// Enrolments that ended with the last day of a former calendar end with this one's. A care plan ends by its own day: where its family
/// brought the meal until then, the days that are added have another price.
fn end_with_the_year(tx: &mut Tx<'_>, ids: &[CanteenEnrolmentId], row: &CalendarRow) -> Result<(), Error> {
    let moved: Vec<Moved> = diesel::sql_query(
        "with moved as (
             update canteen_enrolments e set ends_on = $3
              where e.id = any ($1) and e.ends_on <> $3 and e.starts_on <= $3
                and e.ends_on in (select (c.calendar ->> 'last_day')::date from canteen_calendars c
                                   where c.season = e.season and c.state = 'published' and c.version < $2)
             returning e.id, e.person_id)
         select id from moved where exists (select 1 from canteen_care_plans p where p.child_id = person_id and p.own_meal)",
    )
    .bind::<Array<Uuid>, _>(ids)
    .bind::<Integer, _>(row.version)
    .bind::<Date, _>(row.calendar.0.last_day)
    .load(tx.conn)?;
    let from = paris_date(tx.now()?);
    for Moved { id: enrolment } in moved {
        jobs::enqueue(tx, &Job::CanteenRate { enrolment, from, is_new_week: false })?;
    }
    Ok(())
}

/// The canteen's scope has changed, in a collège or everywhere: its meals are laid out again.
pub fn lay_out_again(tx: &mut Tx<'_>, college: Option<&Uai>) -> Result<(), Error> {
    let today = paris_date(tx.now()?);
    diesel::sql_query(
        "update canteen_enrolments set laid_out_version = null
          where state = 'active' and ends_on >= $1 and ($2 is null or college_uai = $2)",
    )
    .bind::<Date, _>(today)
    .bind::<Nullable<Text>, _>(college)
    .execute(tx.conn)?;
    Ok(())
}

/// The days of the week of an enrolment have changed: from that day on, meals of those that it left are cancelled and meals of those that it
/// took up reserved, or closed while a closure stands. What was chosen singly stays chosen, on these days and on the others.
pub fn change_weekdays(
    tx: &mut Tx<'_>,
    enrolment: &CanteenEnrolment,
    was: Weekdays,
    calendar: &Calendar,
    from: NaiveDate,
) -> Result<(), Error> {
    calendars::hold_closures(tx)?;
    let now = tx.now()?;
    let days: Vec<NaiveDate> = calendar.served_days(from, enrolment.ends_on).collect();
    diesel::sql_query(format!(
        "update canteen_meals m set state = 'cancelled', changed_at = $3
           from canteen_enrolments e
          where e.id = $1 and m.enrolment_id = e.id and m.person_id = e.person_id and {GIVEN_UP} and not m.is_single
            and $4 & ~e.weekdays & (1 << (extract(isodow from m.day)::integer - 1)) <> 0"
    ))
    .bind::<Uuid, _>(enrolment.id)
    .bind::<Date, _>(from)
    .bind::<Timestamptz, _>(now)
    .bind::<SmallInt, _>(was)
    .execute(tx.conn)?;
    diesel::sql_query(format!(
        "with {SERVED}
         insert into canteen_meals (person_id, day, enrolment_id, family_id, college_uai, state, changed_at)
         select e.person_id, s.day, e.id, e.family_id, e.college_uai, case when s.closed then 'closed' else 'reserved' end, $3
           from canteen_enrolments e join served s on s.uai = e.college_uai and e.weekdays & ~$4 & s.bit <> 0
          where e.id = $1
         on conflict (person_id, day) do update
            set enrolment_id = excluded.enrolment_id, college_uai = excluded.college_uai, state = excluded.state,
                changed_at = excluded.changed_at, is_single = false
          where canteen_meals.state in ('cancelled', 'closed')
            and not (canteen_meals.is_single and canteen_meals.enrolment_id = excluded.enrolment_id)"
    ))
    .bind::<Uuid, _>(enrolment.id)
    .bind::<Array<Date>, _>(&days)
    .bind::<Timestamptz, _>(now)
    .bind::<SmallInt, _>(was)
    .execute(tx.conn)?;
    Ok(())
}

/// Cancels what an enrolment has reserved from that day on, and what is closed. Returns how many meals that were.
pub fn cancel_from(tx: &mut Tx<'_>, id: CanteenEnrolmentId, from: NaiveDate) -> Result<usize, Error> {
    calendars::hold_closures(tx)?;
    let now = tx.now()?;
    Ok(diesel::sql_query(format!(
        "update canteen_meals m set state = 'cancelled', changed_at = $3
           from canteen_enrolments e
          where e.id = $1 and m.person_id = e.person_id and m.enrolment_id = e.id and {GIVEN_UP}"
    ))
    .bind::<Uuid, _>(id)
    .bind::<Date, _>(from)
    .bind::<Timestamptz, _>(now)
    .execute(tx.conn)?)
}

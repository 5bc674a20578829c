//! The end of what proves that meals were taken. Passages of gates are kept as long as the sums of their meals can be recovered: a public
//! accountant's action lapses four years after the bill, and bills of a school year are issued with it.
//!
//! What would surprise: a month that was never billed keeps its passages however old they are, and so does a bill of which an agent has
//! proposed the cancellation and nobody decided.

use crate::{audit, db::Tx, error::Error, kernel::time::paris_date};
use chrono::{Datelike, NaiveDate};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Date},
};
use serde_json::json;

/// School years that are over before passages go.
const YEARS: i32 = 4;
/// Passages deleted in one transaction.
const BATCH_MAX: i64 = 5_000;

/// $1 the first day whose passages stay, $2 how many go. What was refused or not served waits for no bill. A clock that was years behind names days on
/// which nothing was received: what counts is the later of the two. Gates are not asked for numbers whose passages are gone.
const FORGET: &str = "
with disputed as materialized (
    select l.person_id, l.month from canteen_cancellations c join canteen_bill_lines l on l.bill_id = c.bill_id where c.state = 'proposed'),
old as (
    select p.device_id, p.sequence
      from canteen_passages p left join canteen_meals m on m.person_id = p.person_id and m.day = p.day
     where p.day < $1 and p.received_at < $1
       and (p.outcome in ('refused', 'not_served') or exists (
            select 1 from canteen_attendance_locks l join canteen_bill_runs r on r.id = l.run_id and r.state = 'issued'
             where l.college_uai = coalesce(m.college_uai, p.college_uai) and l.month = date_trunc('month', p.day)::date
               and l.reopened_at is null))
       and not exists (select 1 from disputed d where d.person_id = p.person_id and d.month = date_trunc('month', p.day)::date)
     order by p.day limit $2),
gone as (
    delete from canteen_passages p using old where p.device_id = old.device_id and p.sequence = old.sequence
    returning p.device_id, p.sequence),
told as (
    update canteen_gates g set deleted_until = greatest(g.deleted_until, d.last)
      from (select device_id, max(sequence) as last from gone group by device_id) d where g.device_id = d.device_id)
select count(*) as count from gone";

#[derive(QueryableByName)]
struct Gone {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Deletes passages whose term is over. Returns how many went; there may be more.
pub fn forget(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let first_kept = first_kept(paris_date(tx.now()?));
    let Gone { count } =
        diesel::sql_query(FORGET).bind::<Date, _>(first_kept).bind::<BigInt, _>(BATCH_MAX).get_result(tx.conn)?;
    if count > 0 {
        audit::record(tx, "canteen_passages_deleted", ("day", first_kept), json!({ "passages": count }))?;
    }
    usize::try_from(count).map_err(Error::internal)
}

/// The first day of the oldest school year of which anything is kept: they begin on 1 September.
fn first_kept(today: NaiveDate) -> NaiveDate {
    let begun = if today.month() >= 9 { today.year() } else { today.year().saturating_sub(1) };
    NaiveDate::from_ymd_opt(begun.saturating_sub(YEARS), 9, 1).unwrap_or(NaiveDate::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_school_year_is_kept_for_the_four_that_follow_it() {
        for (today, first) in [("2031-08-31", "2026-09-01"), ("2031-09-01", "2027-09-01"), ("2032-01-15", "2027-09-01")]
        {
            let today: NaiveDate = today.parse().expect("a day");
            assert_eq!(first_kept(today).to_string(), first, "{today}");
        }
    }
}

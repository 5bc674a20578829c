//! What is left of a bill, and the credit note that takes it back. Meal by meal (and for a forfait month by month): what no document moved since is
//! taken back as it stands on the bill; what others changed since, and is still billed, at the price of now; what they took back, not at all. A
//! price that the bill took the place of is billed again, unless the bill that charged it was taken back too. With a forfait go the credits of
//! its month.

use super::CancellationRow;
use crate::{
    db::Tx,
    error::Error,
    kernel::{ids::BillId, money::Cents},
};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, BigInt, Bool, Date, Integer, Text, Timestamptz},
};

/// $1 the bill. `remains` are the lines of its credit note.
const REMAINS: &str = "
own as materialized (
    select distinct l.person_id, l.college_uai, l.month, l.kind = 'forfait' as is_part, d.day
      from canteen_bill_lines l cross join unnest(l.days) d (day) where l.bill_id = $1),
moves as materialized (
    select o.person_id, o.college_uai, o.month, o.is_part, o.day, n.id, n.issued_at, l.kind, l.unit_cents, l.diner_name, l.rate_id, l.grid_id,
           sign(l.meals)::integer as times, n.id = b.id as is_own, (n.issued_at, n.id) > (b.issued_at, b.id) as is_later,
           n.bill_again is null as is_charge,
           exists (select 1 from canteen_bills c where c.corrects = coalesce(n.corrects, n.id) and c.bill_again is not null) as is_gone
      from own o join canteen_bills b on b.id = $1
      join canteen_bill_lines l on l.person_id = o.person_id and l.college_uai = o.college_uai and l.month = o.month
           and (l.kind = 'forfait') = o.is_part and o.day = any (l.days)
      join canteen_bills n on n.id = l.bill_id and n.payer_id = b.payer_id),
-- What nobody moved since the bill, and what was always billed since, at whichever price.
standing as (
    select person_id, college_uai, month, is_part, day, bool_or(is_later) as is_moved
      from (select person_id, college_uai, month, is_part, day, is_own, is_later,
                   sum(sum(times)) over (partition by person_id, college_uai, month, is_part, day order by issued_at, id) as times
              from moves group by person_id, college_uai, month, is_part, day, issued_at, id, is_own, is_later) m
     group by person_id, college_uai, month, is_part, day
    having not bool_or(is_later) or min(times) filter (where is_own or is_later) > 0),
prices as (
    select person_id, college_uai, month, is_part, day, kind, unit_cents, (sum(times) > 0)::integer as stands,
           (bool_or(is_own and times < 0)
            and not coalesce((array_agg(is_gone order by issued_at desc, id desc)
                               filter (where times > 0 and is_charge and not is_own and not is_later))[1], false))::integer as stood,
           (array_agg(diner_name order by issued_at desc, id desc))[1] as diner_name,
           (array_agg(rate_id order by issued_at desc, id desc))[1] as rate_id, (array_agg(grid_id order by issued_at desc, id desc))[1] as grid_id
      from moves group by person_id, college_uai, month, is_part, day, kind, unit_cents),
changes as (
    select p.*, stood - stands as times, s.is_moved,
           sum(stands * unit_cents) over slot as now_cents, sum(stood * unit_cents) over slot as before_cents
      from prices p join standing s using (person_id, college_uai, month, is_part, day)
    window slot as (partition by person_id, college_uai, month, is_part, day)),
-- Whom a lower price was granted since, he keeps it.
moved as materialized (
    select * from changes where times <> 0 and not (is_moved and now_cents > 0 and before_cents > now_cents)),
-- A month without its part of the year has no credits either, whichever document they are on.
parts as (
    select person_id, college_uai, month from moved where is_part group by person_id, college_uai, month having sum(times) < 0),
taken as (
    select person_id, college_uai, month, day, kind, unit_cents, times, diner_name, rate_id, grid_id from moved
     where kind <> 'credit' or (person_id, college_uai, month) not in (select person_id, college_uai, month from parts)
    union all
    select p.person_id, p.college_uai, p.month, d.day, l.kind, l.unit_cents, -1, (array_agg(l.diner_name order by n.issued_at desc, n.id desc))[1],
           (array_agg(l.rate_id order by n.issued_at desc, n.id desc))[1], (array_agg(l.grid_id order by n.issued_at desc, n.id desc))[1]
      from parts p join canteen_bill_lines l using (person_id, college_uai, month)
      join canteen_bills n on n.id = l.bill_id and n.payer_id = (select b.payer_id from canteen_bills b where b.id = $1)
     cross join unnest(l.days) d (day)
     where l.kind = 'credit'
     group by p.person_id, p.college_uai, p.month, d.day, l.kind, l.unit_cents having sum(sign(l.meals)) > 0),
remains as materialized (
    select row_number() over (order by month, person_id, college_uai, kind, unit_cents desc, times, min(day))::integer as rank, person_id,
           max(diner_name) as diner_name, college_uai, month, kind, rate_id, grid_id, array_agg(day order by day) as days,
           sum(times)::integer as meals, unit_cents
      from taken group by person_id, college_uai, month, kind, rate_id, grid_id, unit_cents, times)";

/// How much is left of a bill; none when nothing is.
pub fn remaining(tx: &mut Tx<'_>, id: BillId) -> Result<Option<Cents>, Error> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        lines: i64,
        #[diesel(sql_type = BigInt)]
        cents: Cents,
    }
    let statement = format!(
        "with {REMAINS} select count(*) as lines, coalesce(-sum(meals * unit_cents), 0)::bigint as cents from remains"
    );
    let Row { lines, cents } = diesel::sql_query(statement).bind::<sql_types::Uuid, _>(id).get_result(tx.conn)?;
    Ok((lines > 0 && cents >= Cents::ZERO).then_some(cents))
}

/// The credit note of what is left of a bill, whose series is held, and a word to the payer.
pub fn credit(
    tx: &mut Tx<'_>,
    row: &CancellationRow,
    (at, on): (DateTime<Utc>, NaiveDate),
    balance: Cents,
) -> Result<BillId, Error> {
    let id = BillId::generate();
    let statement = format!(
        "with {REMAINS},
         numbered as (
             update canteen_bill_series set last = last + 1 where kind = 'credit_note' and year = $3 returning last),
         issued as (
             insert into canteen_bills (id, kind, year, number, family_id, adult_id, payer_name, month, issued_on, issued_at, total_cents,
                                        balance_before_cents, corrects, reason, bill_again)
             select $2, 'credit_note', $3, n.last, b.family_id, b.adult_id, b.payer_name, b.month, $4, $5,
                    (select sum(meals * unit_cents) from remains), $6, b.id, $7, $8
               from canteen_bills b cross join numbered n where b.id = $1),
         lines as (
             insert into canteen_bill_lines (bill_id, rank, person_id, diner_name, college_uai, month, kind, rate_id, grid_id, days, meals,
                                             unit_cents, amount_cents, origin_id)
             select $2, rank, person_id, diner_name, college_uai, month, kind, rate_id, grid_id, days, meals, unit_cents, meals * unit_cents, $1
               from remains)
         insert into jobs (id, kind, payload, created_at, run_at)
         values (time_ordered_id(), 'bill_notice', jsonb_build_object('bill_id', $2::uuid), $5, $5)"
    );
    diesel::sql_query(statement)
        .bind::<sql_types::Uuid, _>(row.bill_id)
        .bind::<sql_types::Uuid, _>(id)
        .bind::<Integer, _>(on.year())
        .bind::<Date, _>(on)
        .bind::<Timestamptz, _>(at)
        .bind::<BigInt, _>(balance)
        .bind::<Text, _>(row.reason)
        .bind::<Bool, _>(row.bill_again)
        .execute(tx.conn)?;
    Ok(id)
}

//! The statement that computes a draft: what is due of the locked months, day by day and diner by diner, less what was billed of them, as
//! lines. All of it in the database, whatever their number.
//!
//! A month of a collège that no run has billed is looked at whole; of a month that was billed, only the diners whose rate was set since, and
//! those whose bill was taken back to be made again. Of what an agent took back for good nothing is due or credited any more: of those days, and
//! of the whole month when a forfait was. What went to the wrong payer is due by the one whom an agent named, in the same extent.

use crate::{
    db::Tx,
    error::Error,
    kernel::{ids::BillRunId, month::Month},
};
use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, RunQueryDsl,
    sql_types::{self, BigInt, Date, Integer, Nullable, Timestamptz},
};

/// $1 run, $2 draft, $3 its month, $4 since when rates and cancellations are looked at; null when nothing was ever billed.
const DRAFT: &str = "
with scope as materialized (
    select college_uai, month, (month + interval '1 month')::date as next, run_id is null or run_id = $1 as whole
      from canteen_attendance_locks where reopened_at is null and month <= $3),
again as (
    select l.person_id, l.college_uai, l.month, n.issued_at
      from canteen_bills n join canteen_bill_lines l on l.bill_id = n.id where n.bill_again),
waived as materialized (
    select distinct l.person_id, l.college_uai, l.month, case when l.kind <> 'forfait' then d.day end as day
      from canteen_bills n join canteen_bill_lines l on l.bill_id = n.id cross join unnest(l.days) d (day) where not n.bill_again),
targets as materialized (
    select m.person_id, s.college_uai, s.month, s.next
       from scope s join canteen_meals m on m.college_uai = s.college_uai and m.day >= s.month and m.day < s.next where s.whole
     union
     select e.person_id, s.college_uai, s.month, s.next
       from scope s join canteen_enrolments e on e.college_uai = s.college_uai and e.starts_on < s.next and e.ends_on >= s.month
      where s.whole
     union
     select l.person_id, s.college_uai, s.month, s.next
       from scope s join canteen_bill_lines l on l.college_uai = s.college_uai and l.month = s.month where s.whole
     union
     select e.person_id, s.college_uai, s.month, s.next
       from canteen_rates r join canteen_enrolments e on e.person_id = r.person_id and e.season = r.season
       join scope s on s.college_uai = e.college_uai and e.starts_on < s.next and e.ends_on >= s.month and r.starts_on < s.next
      where r.set_at >= $4 and not s.whole
     union
     select a.person_id, s.college_uai, s.month, s.next
       from again a join scope s on s.college_uai = a.college_uai and s.month = a.month where a.issued_at >= $4),
-- Whom an agent named to pay: for those meals, and for the whole month when a forfait was among them.
redirected as materialized (
    select l.person_id, l.college_uai, l.month, case when l.kind <> 'forfait' then d.day end as day, c.bill_to_family_id as family_id,
           c.bill_to_adult_id as adult_id, c.decided_at
      from canteen_cancellations c join canteen_bill_lines l on l.bill_id = c.credit_note_id and l.meals < 0
      join targets t on t.person_id = l.person_id and t.college_uai = l.college_uai and t.month = l.month
     cross join unnest(l.days) d (day)
     where num_nonnulls(c.bill_to_family_id, c.bill_to_adult_id) = 1),
calendars as materialized (
    select season, first_month, last_month,
           (extract(year from last_month) * 12 + extract(month from last_month)
            - extract(year from first_month) * 12 - extract(month from first_month))::bigint + 1 as months
      from (select distinct on (season) season, date_trunc('month', (calendar ->> 'first_day')::date)::date as first_month,
                   date_trunc('month', (calendar ->> 'last_day')::date)::date as last_month
              from canteen_calendars where state = 'published' order by season, version desc) c),
-- Whose month is a part of a year: by the rate of the first day on which he is enrolled in it. Equal parts, the rest in the last one. A
-- month that was begun is due whole; of one that begins after the end of an enrolment only the meals that could not be given up any more.
forfaits as materialized (
    select t.person_id, t.month, e.college_uai, e.family_id, r.id as rate_id,
           case when t.month not between c.first_month and c.last_month then 0
                when t.month = c.last_month then r.cents - (r.cents / c.months) * (c.months - 1)
                else r.cents / c.months end as part_cents
      from (select distinct person_id, month, next from targets) t
     cross join lateral (
           select e.college_uai, e.family_id, e.season, e.starts_on from canteen_enrolments e
            where e.person_id = t.person_id and e.season = canteen_season(t.month) and e.starts_on < t.next and e.ends_on >= t.month
              and (e.ended_at is null or (e.ended_at at time zone 'Europe/Paris')::date >= greatest(e.starts_on, t.month))
            order by e.starts_on desc, e.id desc limit 1) e
     cross join lateral (
           select r.id, r.cents, r.unit from canteen_rates r
            where r.person_id = t.person_id and r.season = e.season and r.starts_on <= greatest(e.starts_on, t.month)
            order by r.starts_on desc, r.id desc limit 1) r
      join calendars c on c.season = e.season
     where r.unit = 'year'),
eaten as materialized (
    select t.person_id, t.college_uai, t.month, m.day, coalesce(m.family_id, c.family_id) as family_id, a.id as adult_id,
           coalesce(a.kind, 'pupil') as diner, f.person_id is not null as in_forfait,
           case when m.state in ('excused', 'closed') then 'credit' when a.kind = 'guest' then 'guest'
                when m.state = 'walk_in' then 'walk_in' else 'meal' end as kind
      from targets t
      join canteen_meals m on m.person_id = t.person_id and m.college_uai = t.college_uai and m.day >= t.month and m.day < t.next
      left join canteen_adults a on a.id = m.person_id
      left join children c on c.id = m.person_id
      left join forfaits f on f.person_id = t.person_id and f.month = t.month
     where m.state in ('reserved', 'consumed', 'no_show', 'walk_in') or (m.state in ('excused', 'closed') and f.person_id is not null)),
priced as (
    select e.person_id, e.college_uai, e.month, e.day, e.family_id, e.adult_id, e.kind, r.id as rate_id, g.id as grid_id,
           case e.kind when 'meal' then r.meal_cents when 'credit' then -r.meal_cents when 'walk_in' then g.walk_in_cents
                       else g.guest_cents end as unit_cents
      from eaten e
      left join lateral (
           select r.id, r.meal_cents from canteen_rates r
            where e.kind in ('meal', 'credit') and r.person_id = e.person_id and r.season = canteen_season(e.day) and r.starts_on <= e.day
            order by r.starts_on desc, r.id desc limit 1) r on true
      left join lateral (
           select g.id, (g.grid ->> 'walk_in_cents')::bigint as walk_in_cents,
                  coalesce((g.grid -> 'base' ->> 'price_cents')::bigint, (g.grid ->> 'maximum_cents')::bigint) as guest_cents
             from canteen_grids g
            where e.kind in ('walk_in', 'guest') and g.state = 'published' and g.diner = e.diner and e.day between g.starts_on and g.ends_on
            limit 1) g on true
     where not (e.in_forfait and e.kind = 'meal')),
due as materialized (
    select d.person_id, d.college_uai, d.month, d.day, d.kind, d.unit_cents, case when r.day is null then d.family_id else r.family_id end as family_id,
           case when r.day is null then d.adult_id else r.adult_id end as adult_id, d.rate_id, d.grid_id
      from (select person_id, college_uai, month, day, kind, unit_cents, family_id, adult_id, rate_id, grid_id from priced
            union all
            select f.person_id, f.college_uai, f.month, f.month, 'forfait', f.part_cents, f.family_id,
                   case when f.family_id is null then f.person_id end, f.rate_id, null
              from forfaits f join targets t on t.person_id = f.person_id and t.college_uai = f.college_uai and t.month = f.month) d
      left join lateral (
           select d.day, r.family_id, r.adult_id from redirected r
            where r.person_id = d.person_id and r.college_uai = d.college_uai and r.month = d.month
              and (r.day is null or r.day = d.day and d.kind <> 'forfait')
            order by r.decided_at desc limit 1) r on true),
billed as materialized (
    select l.person_id, l.college_uai, l.month, d.day, l.kind, l.unit_cents, sum(sign(l.meals))::integer as times,
           b.family_id, b.adult_id,
           (array_agg(case b.kind when 'bill' then b.id else b.corrects end order by b.issued_at desc, b.id desc) filter (where l.meals > 0))[1]
               as held_by,
           (array_agg(l.rate_id order by b.issued_at desc, b.id))[1] as rate_id,
           (array_agg(l.grid_id order by b.issued_at desc, b.id))[1] as grid_id
      from targets t
      join canteen_bill_lines l on l.person_id = t.person_id and l.college_uai = t.college_uai and l.month = t.month
      join canteen_bills b on b.id = l.bill_id
     cross join unnest(l.days) d (day)
     group by l.person_id, l.college_uai, l.month, d.day, l.kind, l.unit_cents, b.family_id, b.adult_id
    having sum(sign(l.meals)) <> 0),
-- The bill that billed a diner's month to a payer first, and was not taken back.
origins as materialized (
    select distinct on (t.person_id, t.college_uai, t.month, b.payer_id) t.person_id, t.college_uai, t.month, b.payer_id, b.id
      from targets t
      join canteen_bill_lines l on l.person_id = t.person_id and l.college_uai = t.college_uai and l.month = t.month
      join canteen_bills b on b.id = l.bill_id and b.kind = 'bill'
     where not exists (select 1 from canteen_bills n where n.corrects = b.id and n.bill_again is not null)
     order by t.person_id, t.college_uai, t.month, b.payer_id, b.issued_at, b.year, b.number),
changed as (
    select person_id, college_uai, month, day, kind, unit_cents, case when d.is_due then d.family_id else b.family_id end as family_id,
           case when d.is_due then d.adult_id else b.adult_id end as adult_id, case when d.is_due then d.rate_id else b.rate_id end as rate_id,
           case when d.is_due then d.grid_id else b.grid_id end as grid_id,
           case when d.is_due then 1 else 0 end - coalesce(b.times, 0) as times, b.held_by
      from (select *, true as is_due from due where unit_cents <> 0 and num_nonnulls(family_id, adult_id) = 1) d
      full join billed b using (person_id, college_uai, month, day, kind, unit_cents)),
slots as (
    select c.*, coalesce(family_id, adult_id) as payer_id, times * unit_cents as cents,
           (array_agg(held_by) filter (where times * unit_cents < 0) over slot)[1] as replaced_on,
           coalesce(bool_or(times * unit_cents < 0) over slot, false) as is_slot_reduced
      from changed c
     where times <> 0
       and not exists (select 1 from waived w where w.person_id = c.person_id and w.college_uai = c.college_uai and w.month = c.month
                          and (w.day is null or w.day = c.day))
    window slot as (partition by person_id, college_uai, month, day, kind = 'forfait', coalesce(family_id, adult_id))),
-- What is billed no longer corrects the bill that holds it, with what takes its place; anything else that is due completes the month's first.
lines as (
    select c.family_id, c.adult_id, c.payer_id, c.person_id, c.college_uai, c.month, c.kind, c.rate_id, c.grid_id, c.unit_cents,
           x.is_new, x.origin_id, array_agg(c.day order by c.day) as days, sum(c.times)::integer as meals
      from slots c
      left join origins o on o.person_id = c.person_id and o.college_uai = c.college_uai and o.month = c.month and o.payer_id = c.payer_id
     cross join lateral (
           select c.cents > 0 and not c.is_slot_reduced as is_new,
                  case when c.cents < 0 then coalesce(c.held_by, o.id) when c.is_slot_reduced then coalesce(c.replaced_on, o.id) else o.id end
                      as origin_id) x
     group by c.family_id, c.adult_id, c.payer_id, c.person_id, c.college_uai, c.month, c.kind, c.rate_id, c.grid_id, c.unit_cents,
              sign(c.times), x.is_new, x.origin_id),
-- What becomes less is a credit note of its bill; what becomes more, and what is new, goes on the payer's next bill: each can be taken back.
documents as (
    select *, case when origin_id is not null and not is_new
                and sum(meals * unit_cents) filter (where not is_new) over (partition by payer_id, origin_id) <= 0 then origin_id end as corrects
      from lines),
inserted as (
    insert into canteen_draft_lines (run_id, draft_no, rank, family_id, adult_id, corrects, person_id, college_uai, month, kind, rate_id,
                                     grid_id, days, meals, unit_cents, origin_id)
    select $1, $2, row_number() over (order by coalesce(family_id, adult_id), corrects nulls first, month, person_id, college_uai, kind,
                                               unit_cents desc, meals desc, days)::integer,
           family_id, adult_id, corrects, person_id, college_uai, month, kind, rate_id, grid_id, days, meals, unit_cents, origin_id
      from documents
    returning 1)
select (select count(*) from inserted) as lines,
       (select count(*) from due where unit_cents is null or num_nonnulls(family_id, adult_id) <> 1) as unpriced";

/// What the lines of a draft come to, and their digest.
const SUMS: &str = "
with documents as (
    select corrects, sum(amount_cents)::bigint as cents from canteen_draft_lines
     where run_id = $1 and draft_no = $2 group by payer_id, corrects)
select count(*) filter (where corrects is null and cents >= 0) as bills,
       coalesce(sum(cents) filter (where corrects is null and cents >= 0), 0)::bigint as bills_cents,
       count(*) filter (where corrects is not null or cents < 0) as credit_notes,
       coalesce(sum(cents) filter (where corrects is not null or cents < 0), 0)::bigint as credits_cents,
       (select sha256(convert_to($1::text || coalesce(string_agg(concat_ws('|', rank, payer_id, coalesce(corrects::text, '-'), person_id,
                   college_uai, month, kind, coalesce(rate_id, grid_id), array_to_string(days, ','), meals, unit_cents,
                   coalesce(origin_id::text, '-')), E'\\n' order by rank), ''), 'UTF8'))
          from canteen_draft_lines where run_id = $1 and draft_no = $2) as digest
  from documents";

/// How many lines were computed, and how many meals could not be priced.
#[derive(Debug, QueryableByName)]
pub struct Computed {
    #[diesel(sql_type = BigInt)]
    pub lines: i64,
    #[diesel(sql_type = BigInt)]
    pub unpriced: i64,
}

/// What a draft comes to.
#[derive(Debug, QueryableByName)]
pub struct Sums {
    #[diesel(sql_type = BigInt)]
    pub bills: i64,
    #[diesel(sql_type = BigInt)]
    pub bills_cents: i64,
    #[diesel(sql_type = BigInt)]
    pub credit_notes: i64,
    #[diesel(sql_type = BigInt)]
    pub credits_cents: i64,
    #[diesel(sql_type = sql_types::Binary)]
    pub digest: Vec<u8>,
}

/// Writes the lines of a draft.
pub fn compute(
    tx: &mut Tx<'_>,
    (run, draft_no): (BillRunId, i32),
    month: Month,
    since: Option<DateTime<Utc>>,
) -> Result<Computed, Error> {
    Ok(diesel::sql_query(DRAFT)
        .bind::<sql_types::Uuid, _>(run)
        .bind::<Integer, _>(draft_no)
        .bind::<Date, _>(month)
        .bind::<Nullable<Timestamptz>, _>(since)
        .get_result(tx.conn)?)
}

/// Adds the lines of a draft up, as they stand now.
pub fn sums(tx: &mut Tx<'_>, (run, draft_no): (BillRunId, i32)) -> Result<Sums, Error> {
    Ok(diesel::sql_query(SUMS).bind::<sql_types::Uuid, _>(run).bind::<Integer, _>(draft_no).get_result(tx.conn)?)
}

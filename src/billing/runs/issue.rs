//! The statement that turns a checked draft into bills: numbers without a hole, names as they are today, one word to each payer.

use crate::{
    billing::BillKind,
    db::Tx,
    error::Error,
    kernel::{ids::BillRunId, month::Month},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    sql_types::{self, BigInt, Date, Integer, Text, Timestamptz},
};

/// $1 run, $2 draft, $3 year, $4 month, $5 day of issue, $6 instant, $7 day on which bills are due.
const ISSUE: &str = "
with documents as materialized (
    select payer_id, family_id, adult_id, corrects, sum(amount_cents)::bigint as cents, min(rank) as rank,
           case when corrects is null and sum(amount_cents) >= 0 then 'bill' else 'credit_note' end as kind
      from canteen_draft_lines where run_id = $1 and draft_no = $2 group by payer_id, family_id, adult_id, corrects),
ranked as (
    select d.*, (s.last + row_number() over (partition by d.kind order by d.rank))::integer as number,
           row_number() over (order by d.kind = 'bill', d.rank) as n
      from documents d join canteen_bill_series s on s.kind = d.kind and s.year = $3),
-- As they are numbered, so they are listed; a payer's credit notes come before his bill.
ids as (
    select id, row_number() over (order by id) as n from (select time_ordered_id() as id from documents) i),
numbered as materialized (
    select r.*, i.id from ranked r join ids i on i.n = r.n),
accounts as (
    select e.payer_id, sum(e.cents) as cents from canteen_account_entries e
     where e.payer_id in (select payer_id from documents) group by e.payer_id),
-- The account before each document, those of this run that come before it included.
balances as materialized (
    select n.id, (coalesce(a.cents, 0) + sum(n.cents) over (partition by n.payer_id order by n.n) - n.cents)::bigint as cents
      from numbered n left join accounts a on a.payer_id = n.payer_id),
-- Who opened the file, or the first who is on it.
holders as materialized (
    select distinct on (g.family_id) g.family_id, g.first_names || ' ' || g.last_name as name
      from guardians g join families f on f.id = g.family_id
     where g.family_id in (select family_id from documents)
     order by g.family_id, g.account_id is distinct from f.created_by, g.id),
issued as (
    insert into canteen_bills (id, kind, year, number, run_id, family_id, adult_id, payer_name, month, issued_on, issued_at, due_on,
                               total_cents, balance_before_cents, corrects, reason)
    select n.id, n.kind, $3, n.number, $1, n.family_id, n.adult_id, coalesce(h.name, a.first_names || ' ' || a.last_name, '—'), $4, $5, $6,
           case when n.kind = 'bill' then $7 end, n.cents, b.cents, n.corrects,
           case when n.kind = 'credit_note' then 'recomputed' end
      from numbered n left join holders h on h.family_id = n.family_id left join canteen_adults a on a.id = n.adult_id
      join balances b on b.id = n.id),
lines as (
    insert into canteen_bill_lines (bill_id, rank, person_id, diner_name, college_uai, month, kind, rate_id, grid_id, days, meals,
                                    unit_cents, amount_cents, origin_id)
    select n.id, row_number() over (partition by n.id order by l.rank)::integer, l.person_id,
           coalesce(c.first_names || ' ' || c.last_name, a.first_names || ' ' || a.last_name, '—'), l.college_uai, l.month, l.kind, l.rate_id,
           l.grid_id, l.days, l.meals, l.unit_cents, l.amount_cents, l.origin_id
      from canteen_draft_lines l
      join numbered n on n.payer_id = l.payer_id and coalesce(n.corrects, l.run_id) = coalesce(l.corrects, l.run_id)
      left join children c on c.id = l.person_id left join canteen_adults a on a.id = l.person_id
     where l.run_id = $1 and l.draft_no = $2),
told as (
    insert into jobs (id, kind, payload, created_at, run_at)
    select time_ordered_id(), 'bill_notice', jsonb_build_object('bill_id', n.id), $6, $6
      from numbered n left join canteen_adults a on a.id = n.adult_id where n.adult_id is null or a.email is not null),
counted as (
    update canteen_bill_series s set last = n.last from (select kind, max(number) as last from numbered group by kind) n
     where s.kind = n.kind and s.year = $3)
select count(*) as documents, coalesce(sum(cents), 0)::bigint as cents from numbered";

/// What was issued.
#[derive(Debug, QueryableByName)]
pub struct Issued {
    #[diesel(sql_type = BigInt)]
    pub documents: i64,
    #[diesel(sql_type = BigInt)]
    pub cents: i64,
}

/// When bills are issued and due.
#[derive(Debug, Clone, Copy)]
pub struct Dates {
    pub at: DateTime<Utc>,
    pub on: NaiveDate,
    pub due_on: NaiveDate,
    pub year: i32,
}

/// The series of a year, held until the transaction ends: whoever numbers next goes on where this one stops.
pub fn hold_series(tx: &mut Tx<'_>, year: i32) -> Result<(), Error> {
    diesel::sql_query(
        "insert into canteen_bill_series (kind, year, last) select kind, $1, 0 from unnest($2) kind order by kind on conflict do nothing",
    )
    .bind::<Integer, _>(year)
    .bind::<sql_types::Array<Text>, _>(BillKind::ALL)
    .execute(tx.conn)?;
    diesel::sql_query("select kind from canteen_bill_series where year = $1 order by kind for update")
        .bind::<Integer, _>(year)
        .execute(tx.conn)?;
    Ok(())
}

/// Issues the documents of a draft, whose series is held.
pub fn issue(tx: &mut Tx<'_>, (run, draft_no): (BillRunId, i32), month: Month, dates: Dates) -> Result<Issued, Error> {
    // The lines were written a moment ago: the database takes them for few, and would go through all of them for each document.
    tx.conn.batch_execute("set local enable_nestloop = off")?;
    Ok(diesel::sql_query(ISSUE)
        .bind::<sql_types::Uuid, _>(run)
        .bind::<Integer, _>(draft_no)
        .bind::<Integer, _>(dates.year)
        .bind::<Date, _>(month)
        .bind::<Date, _>(dates.on)
        .bind::<Timestamptz, _>(dates.at)
        .bind::<Date, _>(dates.due_on)
        .get_result(tx.conn)?)
}

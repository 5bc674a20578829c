//! Unpaid bills, by the view that settles the oldest first; reminders and waivers, written once.

use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, BillId, CanteenAdultId, FamilyId, PayerId, WaiverId},
        money::Cents,
        text::{Note, SeasonCode},
    },
    schema::department::canteen_waivers as waivers,
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, Array, BigInt, Date, Integer, Nullable, SmallInt, Text, Timestamptz},
};

/// Someone who owes something late.
#[derive(Debug, QueryableByName)]
pub struct ArrearsRow {
    #[diesel(sql_type = sql_types::Uuid)]
    pub payer_id: PayerId,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    pub family_id: Option<FamilyId>,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    pub adult_id: Option<CanteenAdultId>,
    #[diesel(sql_type = Text)]
    pub payer_name: String,
    #[diesel(sql_type = BigInt)]
    pub bills: i64,
    #[diesel(sql_type = BigInt, column_name = overdue_cents)]
    pub overdue: Cents,
    #[diesel(sql_type = Date)]
    pub oldest_due_on: NaiveDate,
}

/// Payers whose oldest unpaid bill was due until one day, and after another one if that is given.
pub fn arrears(
    tx: &mut Tx<'_>,
    (after_day, until_day): (Option<NaiveDate>, NaiveDate),
    after: Option<PayerId>,
    limit: i64,
) -> Result<Vec<ArrearsRow>, Error> {
    Ok(diesel::sql_query(
        "select payer_id, family_id, adult_id, coalesce(max(payer_name), '—') as payer_name, count(bill_id) as bills, sum(left_cents)::bigint as overdue_cents,
                min(due_on) as oldest_due_on
           from canteen_unpaid_bills where due_on < today() and ($3 is null or payer_id > $3)
          group by payer_id, family_id, adult_id
         having min(due_on) <= $2 and ($1 is null or min(due_on) > $1) order by payer_id limit $4",
    )
    .bind::<Nullable<Date>, _>(after_day)
    .bind::<Date, _>(until_day)
    .bind::<Nullable<sql_types::Uuid>, _>(after)
    .bind::<BigInt, _>(limit)
    .load(tx.conn)?)
}

/// Writes the reminders that are due and leaves their letters to the worker. A level that was passed is not made up for, and a bill that was
/// due before `since` is recalled no more. Only the accounts of bills late enough for a level above their last reminder's are added up, one
/// by one.
pub fn remind(tx: &mut Tx<'_>, levels: &[(i16, NaiveDate)], since: NaiveDate, limit: i64) -> Result<usize, Error> {
    let now = tx.now()?;
    let (numbers, until): (Vec<i16>, Vec<NaiveDate>) = levels.iter().copied().unzip();
    Ok(diesel::sql_query(
        "with levels as (select * from unnest($1, $2) l (level, until)),
         untold as materialized (
             select b.id, b.payer_id, max(l.level) as level from canteen_bills b join levels l on b.due_on <= l.until
              where b.kind = 'bill' and b.due_on >= $5
              group by b.id
             having max(l.level) > coalesce((select max(r.level) from canteen_reminders r where r.bill_id = b.id), 0)),
         due as (
             select n.id as bill_id, n.level from (select distinct payer_id from untold) p
              cross join lateral (select bill_id from canteen_unpaid_bills u where u.payer_id = p.payer_id offset 0) u
               join untold n on n.id = u.bill_id
              order by n.id limit $4),
         written as (
             insert into canteen_reminders (bill_id, level, sent_at) select bill_id, level, $3 from due
             on conflict do nothing returning bill_id, level)
         insert into jobs (id, kind, payload, created_at, run_at)
         select time_ordered_id(), 'bill_reminder', jsonb_build_object('bill_id', bill_id, 'level', level), $3, $3 from written",
    )
    .bind::<Array<SmallInt>, _>(numbers)
    .bind::<Array<Date>, _>(until)
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .bind::<Date, _>(since)
    .execute(tx.conn)?)
}

/// A bill of which something is left to pay.
#[derive(Debug, QueryableByName)]
pub struct UnpaidRow {
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    pub family_id: Option<FamilyId>,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    pub adult_id: Option<CanteenAdultId>,
    #[diesel(sql_type = Integer)]
    pub year: i32,
    #[diesel(sql_type = Integer)]
    pub number: i32,
    #[diesel(sql_type = Date)]
    pub due_on: NaiveDate,
    #[diesel(sql_type = BigInt, column_name = left_cents)]
    pub left: Cents,
}

pub fn unpaid(tx: &mut Tx<'_>, id: BillId) -> Result<Option<UnpaidRow>, Error> {
    Ok(diesel::sql_query(
        "select family_id, adult_id, year, number, due_on, left_cents from canteen_unpaid_bills
          where payer_id = (select payer_id from canteen_bills where id = $1) and bill_id = $1",
    )
    .bind::<sql_types::Uuid, _>(id)
    .get_result(tx.conn)
    .optional()?)
}

/// A family that may enrol although it owes something.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = waivers)]
pub struct WaiverRow {
    pub id: WaiverId,
    pub family_id: FamilyId,
    pub season: SeasonCode,
    pub reason: Note,
    pub granted_by: AccountId,
    pub granted_at: DateTime<Utc>,
}

pub fn insert_waiver(
    tx: &mut Tx<'_>,
    by: AccountId,
    (family, season): (FamilyId, &SeasonCode),
    reason: &Note,
) -> Result<WaiverRow, Error> {
    let now = tx.now()?;
    Ok(diesel::insert_into(waivers::table)
        .values((
            waivers::id.eq(WaiverId::generate()),
            waivers::family_id.eq(family),
            waivers::season.eq(season),
            waivers::reason.eq(reason),
            waivers::granted_by.eq(by),
            waivers::granted_at.eq(now),
        ))
        .returning(WaiverRow::as_returning())
        .get_result(tx.conn)?)
}

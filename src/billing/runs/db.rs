//! Runs, their drafts, and what two drafts differ in.

use super::RunState;
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, BillId, BillRunId, CanteenAdultId, FamilyId, PayerId},
        money::Cents,
        month::Month,
        text::Uai,
    },
    schema::department::{
        canteen_attendance_locks as locks, canteen_bill_drafts as drafts, canteen_bill_runs as runs,
        canteen_draft_lines as lines,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, BigInt, Integer, Nullable, Text},
};
use uuid::Uuid;

/// A rate is dated when its transaction begins, and may be committed while a draft is computed: what is this much older than the draft that
/// was issued is looked at again. To look twice costs time, never money.
const LOOK_BACK: TimeDelta = TimeDelta::hours(1);

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = runs)]
pub struct RunRow {
    pub id: BillRunId,
    pub month: Month,
    pub state: RunState,
    pub due_days: i16,
    pub draft_no: i32,
    pub begun_by: AccountId,
    pub begun_at: DateTime<Utc>,
    pub checked_by: Option<AccountId>,
    pub checked_at: Option<DateTime<Utc>>,
    pub issued_by: Option<AccountId>,
    pub issued_at: Option<DateTime<Utc>>,
    pub abandoned_by: Option<AccountId>,
    pub abandoned_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = drafts)]
pub struct DraftRow {
    pub run_id: BillRunId,
    pub draft_no: i32,
    pub bills: i64,
    #[diesel(column_name = bills_cents)]
    pub billed: Cents,
    pub credit_notes: i64,
    #[diesel(column_name = credits_cents)]
    pub credited: Cents,
    pub unpriced: i64,
    pub digest: Vec<u8>,
    pub drafted_by: AccountId,
    pub drafted_at: DateTime<Utc>,
    /// Absent of what was drafted before it was kept.
    pub left_out: Option<Vec<Uai>>,
}

/// What a payer would be billed or credited, by one draft and by the one before.
#[derive(Debug, QueryableByName)]
pub struct DifferenceRow {
    #[diesel(sql_type = sql_types::Uuid)]
    pub payer_id: PayerId,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    pub family_id: Option<FamilyId>,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    pub adult_id: Option<CanteenAdultId>,
    #[diesel(sql_type = BigInt, column_name = before_cents)]
    pub before: Cents,
    #[diesel(sql_type = BigInt, column_name = now_cents)]
    pub now: Cents,
}

/// A document that a draft would issue.
#[derive(Debug, QueryableByName)]
pub struct DraftedRow {
    #[diesel(sql_type = Integer)]
    pub rank: i32,
    #[diesel(sql_type = sql_types::Uuid)]
    pub payer_id: PayerId,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    pub family_id: Option<FamilyId>,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    pub adult_id: Option<CanteenAdultId>,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    pub corrects: Option<BillId>,
    #[diesel(sql_type = BigInt)]
    pub meals: i64,
    #[diesel(sql_type = BigInt, column_name = total_cents)]
    pub total: Cents,
}

pub fn insert(tx: &mut Tx<'_>, row: &RunRow) -> Result<(), Error> {
    diesel::insert_into(runs::table).values(row).execute(tx.conn)?;
    Ok(())
}

pub fn run(tx: &mut Tx<'_>, id: BillRunId) -> Result<RunRow, Error> {
    Ok(runs::table.find(id).select(RunRow::as_select()).first(tx.conn)?)
}

pub fn lock(tx: &mut Tx<'_>, id: BillRunId) -> Result<RunRow, Error> {
    Ok(runs::table.find(id).select(RunRow::as_select()).for_update().first(tx.conn)?)
}

/// Whether a run is drafted or checked and not issued.
pub fn is_under_way(tx: &mut Tx<'_>) -> Result<bool, Error> {
    let open = runs::table.filter(runs::state.eq_any([RunState::Draft, RunState::Checked]));
    let open: i64 = open.count().get_result(tx.conn)?;
    Ok(open > 0)
}

/// Newest first, those before that one.
pub fn page(tx: &mut Tx<'_>, before: Option<BillRunId>, limit: i64) -> Result<Vec<RunRow>, Error> {
    let mut query = runs::table.order(runs::id.desc()).limit(limit).select(RunRow::as_select()).into_boxed();
    if let Some(before) = before {
        query = query.filter(runs::id.lt(before));
    }
    Ok(query.load(tx.conn)?)
}

/// Takes for a run the locked months until its own that no run has billed. Nobody opens them again while it lasts.
pub fn take_months(tx: &mut Tx<'_>, id: BillRunId, month: Month) -> Result<usize, Error> {
    let free = locks::table
        .filter(locks::reopened_at.is_null().and(locks::month.le(month)))
        .filter(locks::run_id.is_null().or(locks::run_id.eq(id)));
    Ok(diesel::update(free).set(locks::run_id.eq(id)).execute(tx.conn)?)
}

/// Gives back what a run took.
pub fn release_months(tx: &mut Tx<'_>, id: BillRunId) -> Result<(), Error> {
    diesel::update(locks::table.filter(locks::run_id.eq(id)))
        .set(locks::run_id.eq(None::<BillRunId>))
        .execute(tx.conn)?;
    Ok(())
}

/// The last month for which bills were issued.
pub fn last_month(tx: &mut Tx<'_>) -> Result<Option<Month>, Error> {
    Ok(runs::table
        .filter(runs::state.eq(RunState::Issued))
        .select(diesel::dsl::max(runs::month))
        .get_result(tx.conn)?)
}

/// Since when rates and cancellations were not looked at by a run that was issued; none when there was no such run.
pub fn unseen_since(tx: &mut Tx<'_>) -> Result<Option<DateTime<Utc>>, Error> {
    let seen: Option<DateTime<Utc>> = runs::table
        .inner_join(drafts::table.on(drafts::run_id.eq(runs::id).and(drafts::draft_no.eq(runs::draft_no))))
        .filter(runs::state.eq(RunState::Issued))
        .select(diesel::dsl::max(drafts::drafted_at))
        .get_result(tx.conn)?;
    Ok(seen.and_then(|at| at.checked_sub_signed(LOOK_BACK)))
}

pub fn insert_draft(tx: &mut Tx<'_>, row: &DraftRow) -> Result<(), Error> {
    diesel::insert_into(drafts::table).values(row).execute(tx.conn)?;
    Ok(())
}

pub fn draft(tx: &mut Tx<'_>, id: BillRunId, draft_no: i32) -> Result<Option<DraftRow>, Error> {
    Ok(drafts::table.find((id, draft_no)).select(DraftRow::as_select()).first(tx.conn).optional()?)
}

/// Lines of drafts before that one are of no use any more.
pub fn forget_lines(tx: &mut Tx<'_>, id: BillRunId, before: i32) -> Result<(), Error> {
    diesel::delete(lines::table.filter(lines::run_id.eq(id).and(lines::draft_no.lt(before)))).execute(tx.conn)?;
    Ok(())
}

/// Where a run stands, and who brought it there.
#[derive(AsChangeset)]
#[diesel(table_name = runs, treat_none_as_null = true)]
pub struct Step {
    pub state: RunState,
    pub draft_no: i32,
    pub checked_by: Option<AccountId>,
    pub checked_at: Option<DateTime<Utc>>,
    pub issued_by: Option<AccountId>,
    pub issued_at: Option<DateTime<Utc>>,
    pub abandoned_by: Option<AccountId>,
    pub abandoned_at: Option<DateTime<Utc>>,
}

pub fn step(tx: &mut Tx<'_>, id: BillRunId, step: &Step) -> Result<RunRow, Error> {
    Ok(diesel::update(runs::table.find(id)).set(step).returning(RunRow::as_returning()).get_result(tx.conn)?)
}

/// Collèges that served in that month and are not locked: a draft leaves them out.
pub fn left_out(tx: &mut Tx<'_>, month: Month) -> Result<Vec<Uai>, Error> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        college_uai: Uai,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select distinct m.college_uai from canteen_meals m where m.day >= $1 and m.day < $2
            and not exists (select 1 from canteen_attendance_locks l
                             where l.college_uai = m.college_uai and l.month = $1 and l.reopened_at is null)
          order by 1",
    )
    .bind::<sql_types::Date, _>(month.first_day())
    .bind::<sql_types::Date, _>(month.next_first_day())
    .load(tx.conn)?;
    Ok(rows.into_iter().map(|row| row.college_uai).collect())
}

/// Payers whom two drafts treat differently, after that one.
pub fn difference(
    tx: &mut Tx<'_>,
    (id, draft_no): (BillRunId, i32),
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<DifferenceRow>, Error> {
    Ok(diesel::sql_query(
        "select payer_id, family_id, adult_id, coalesce(sum(amount_cents) filter (where draft_no < $2), 0)::bigint as before_cents,
                coalesce(sum(amount_cents) filter (where draft_no = $2), 0)::bigint as now_cents
           from canteen_draft_lines where run_id = $1 and draft_no in ($2 - 1, $2) and ($3 is null or payer_id > $3)
          group by payer_id, family_id, adult_id
         having coalesce(sum(amount_cents) filter (where draft_no < $2), 0)
                <> coalesce(sum(amount_cents) filter (where draft_no = $2), 0)
          order by payer_id limit $4",
    )
    .bind::<sql_types::Uuid, _>(id)
    .bind::<Integer, _>(draft_no)
    .bind::<Nullable<sql_types::Uuid>, _>(after)
    .bind::<BigInt, _>(limit)
    .load(tx.conn)?)
}

/// The documents of a draft, after the one of that rank.
pub fn drafted(
    tx: &mut Tx<'_>,
    (id, draft_no): (BillRunId, i32),
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<DraftedRow>, Error> {
    Ok(diesel::sql_query(
        "select min(rank) as rank, payer_id, family_id, adult_id, corrects, sum(meals)::bigint as meals,
                sum(amount_cents)::bigint as total_cents
           from canteen_draft_lines where run_id = $1 and draft_no = $2
          group by payer_id, family_id, adult_id, corrects having $3 is null or min(rank) > $3 order by 1 limit $4",
    )
    .bind::<sql_types::Uuid, _>(id)
    .bind::<Integer, _>(draft_no)
    .bind::<Nullable<BigInt>, _>(after)
    .bind::<BigInt, _>(limit)
    .load(tx.conn)?)
}

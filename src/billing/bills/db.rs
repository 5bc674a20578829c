//! Rows of bills, written by an issue and never again.

use crate::{
    billing::{BillKind, CreditReason, LineKind},
    db::Tx,
    error::Error,
    kernel::{
        actor::Actor,
        ids::{BillId, BillRunId, CanteenAdultId, DinerId, FamilyId, PayerId, RateId},
        money::Cents,
        month::Month,
    },
    schema::department::canteen_bills as bills,
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, Array, BigInt, Bool, Date, Integer, Jsonb, Nullable, Text},
};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = bills)]
pub struct BillRow {
    pub id: BillId,
    pub kind: BillKind,
    pub year: i32,
    pub number: i32,
    pub run_id: Option<BillRunId>,
    pub family_id: Option<FamilyId>,
    pub adult_id: Option<CanteenAdultId>,
    pub payer_id: PayerId,
    pub payer_name: String,
    pub month: Month,
    pub issued_on: NaiveDate,
    pub issued_at: DateTime<Utc>,
    pub due_on: Option<NaiveDate>,
    #[diesel(column_name = total_cents)]
    pub total: Cents,
    #[diesel(column_name = balance_before_cents)]
    pub balance_before: Cents,
    pub corrects: Option<BillId>,
    pub reason: Option<CreditReason>,
}

impl BillRow {
    /// What of it was to be paid when it was issued: what the account had in the payer's favour comes off.
    #[must_use]
    pub fn to_pay(&self) -> Cents {
        let credit = self.balance_before.min(Cents::ZERO);
        self.total.checked_add(credit).unwrap_or(self.total).max(Cents::ZERO)
    }
}

#[derive(Debug, Clone, QueryableByName)]
pub struct LineRow {
    #[diesel(sql_type = sql_types::Uuid)]
    pub person_id: DinerId,
    #[diesel(sql_type = Text)]
    pub diner_name: String,
    #[diesel(sql_type = Date)]
    pub month: Month,
    #[diesel(sql_type = Text)]
    pub kind: LineKind,
    #[diesel(sql_type = Array<Date>)]
    pub days: Vec<NaiveDate>,
    #[diesel(sql_type = Integer)]
    pub meals: i32,
    #[diesel(sql_type = BigInt, column_name = unit_cents)]
    pub unit: Cents,
    #[diesel(sql_type = BigInt, column_name = amount_cents)]
    pub amount: Cents,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    pub rate_id: Option<RateId>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub explanation: Option<Value>,
    #[diesel(sql_type = Nullable<Text>)]
    pub grid_label: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub origin_year: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub origin_number: Option<i32>,
}

/// Which bills.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    pub payer: Option<PayerId>,
    pub run: Option<BillRunId>,
    pub kind: Option<BillKind>,
}

pub fn bill(tx: &mut Tx<'_>, id: BillId) -> Result<BillRow, Error> {
    Ok(bills::table.find(id).select(BillRow::as_select()).first(tx.conn)?)
}

pub fn is_taken_back(tx: &mut Tx<'_>, id: BillId) -> Result<bool, Error> {
    let notes = bills::table.filter(bills::corrects.eq(id).and(bills::bill_again.is_not_null()));
    let notes: i64 = notes.count().get_result(tx.conn)?;
    Ok(notes > 0)
}

/// The lines of a bill, in their order, with the words that explain their prices; what the rate of another payer's file rests on is not his.
pub fn lines(tx: &mut Tx<'_>, id: BillId) -> Result<Vec<LineRow>, Error> {
    Ok(diesel::sql_query(
        "select l.person_id, l.diner_name, l.month, l.kind, l.days, l.meals, l.unit_cents, l.amount_cents, l.rate_id, r.explanation,
                g.grid ->> 'label' as grid_label, o.year as origin_year, o.number as origin_number
           from canteen_bill_lines l join canteen_bills b on b.id = l.bill_id
           left join canteen_rates r on r.id = l.rate_id and r.family_id is not distinct from b.family_id
           left join canteen_grids g on g.id = l.grid_id
           left join canteen_bills o on o.id = l.origin_id
          where l.bill_id = $1 order by l.rank",
    )
    .bind::<sql_types::Uuid, _>(id)
    .load(tx.conn)?)
}

#[derive(QueryableByName)]
struct UnpaidRow {
    #[diesel(sql_type = sql_types::Uuid)]
    bill_id: BillId,
    #[diesel(sql_type = BigInt)]
    left_cents: Cents,
}

/// What is left to pay of the bills of these payers; what is not in it is settled. One account is added up after the other.
pub fn unpaid(tx: &mut Tx<'_>, payers: impl Iterator<Item = PayerId>) -> Result<HashMap<BillId, Cents>, Error> {
    let payers: BTreeSet<PayerId> = payers.collect();
    let rows: Vec<UnpaidRow> = diesel::sql_query(
        "select u.bill_id, u.left_cents from unnest($1) p (id)
          cross join lateral (select bill_id, left_cents from canteen_unpaid_bills where payer_id = p.id offset 0) u
          where u.bill_id is not null",
    )
    .bind::<Array<sql_types::Uuid>, _>(payers.into_iter().collect::<Vec<_>>())
    .load(tx.conn)?;
    Ok(rows.into_iter().map(|row| (row.bill_id, row.left_cents)).collect())
}

/// Newest first, those before that one.
pub fn page(tx: &mut Tx<'_>, filter: &Filter, before: Option<BillId>, limit: i64) -> Result<Vec<BillRow>, Error> {
    let mut query = bills::table.order(bills::id.desc()).limit(limit).select(BillRow::as_select()).into_boxed();
    // The policy says the same, but not so that an index serves: whoever has few bills would read everybody's for them.
    if matches!(tx.caller.actor, Actor::Guardian { .. }) {
        query = query.filter(diesel::dsl::sql::<Bool>("family_id = any (array(select my_families()))"));
    }
    if let Some(payer) = filter.payer {
        query = query.filter(bills::payer_id.eq(payer));
    }
    if let Some(run) = filter.run {
        query = query.filter(bills::run_id.eq(run));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(bills::kind.eq(kind));
    }
    if let Some(before) = before {
        query = query.filter(bills::id.lt(before));
    }
    Ok(query.load(tx.conn)?)
}

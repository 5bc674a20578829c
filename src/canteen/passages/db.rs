//! The doors of a gate: what it sent before, who stands there, what it saw. A gate reads and writes no table.

use super::decide::{PassOutcome, PassReason};
use crate::{
    canteen::{
        enrolments::Diet,
        meals::{MISSED, state::MealState},
    },
    db::Tx,
    error::Error,
    kernel::{
        ids::{CanteenOperatorId, DeviceId, DinerId},
        text::Uai,
    },
    schema::department::{canteen_meals, canteen_passages},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, Array, BigInt, Binary, Bool, Date, Integer, Nullable, Text, Timestamptz},
};
use uuid::Uuid;

/// A passage that came before.
#[derive(Debug, Clone, QueryableByName)]
pub struct SentRow {
    #[diesel(sql_type = BigInt)]
    pub sequence: i64,
    #[diesel(sql_type = Bool)]
    pub let_in: bool,
    #[diesel(sql_type = Text)]
    pub reason: PassReason,
    #[diesel(sql_type = Text)]
    pub outcome: PassOutcome,
    #[diesel(sql_type = Binary)]
    pub fingerprint: Vec<u8>,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    pub person_id: Option<DinerId>,
    #[diesel(sql_type = Bool)]
    pub offline: bool,
    #[diesel(sql_type = Timestamptz)]
    pub scanned_at: DateTime<Utc>,
}

pub fn sent(tx: &mut Tx<'_>, sequences: &[i64]) -> Result<Vec<SentRow>, Error> {
    Ok(diesel::sql_query(
        "select sequence, let_in, reason, outcome, fingerprint, person_id, offline, scanned_at from gate_sent($1)",
    )
    .bind::<Array<BigInt>, _>(sequences)
    .load(tx.conn)?)
}

#[derive(QueryableByName)]
struct Last {
    #[diesel(sql_type = BigInt)]
    last: i64,
}

/// The highest number that the gate has used.
pub fn last(tx: &mut Tx<'_>) -> Result<i64, Error> {
    let Last { last } = diesel::sql_query("select gate_last() as last").get_result(tx.conn)?;
    Ok(last)
}

/// Marks passages whose diner was told to be let in, and that the gate turned away without having heard it.
pub fn turn_away(tx: &mut Tx<'_>, sequences: &[i64]) -> Result<(), Error> {
    diesel::sql_query("select gate_turned_away($1)").bind::<Array<BigInt>, _>(sequences).execute(tx.conn)?;
    Ok(())
}

/// Who stands at the gate, by what was shown: no more than one of the three.
#[derive(Debug, Clone)]
pub struct Asked {
    pub card: Option<Vec<u8>>,
    pub code: Option<Vec<u8>>,
    pub diner: Option<DinerId>,
    pub day: NaiveDate,
}

/// What the database tells of it. Names only of diners of the gate's own collège.
#[derive(Debug, Clone, QueryableByName)]
#[expect(clippy::struct_excessive_bools, reason = "columns, each by itself")]
pub struct LookRow {
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    pub person_id: Option<DinerId>,
    #[diesel(sql_type = Nullable<Bool>)]
    pub card_in_use: Option<bool>,
    #[diesel(sql_type = Bool)]
    pub here: bool,
    #[diesel(sql_type = Bool)]
    pub open: bool,
    #[diesel(sql_type = Bool)]
    pub locked: bool,
    #[diesel(sql_type = Bool)]
    pub walk_ins: bool,
    #[diesel(sql_type = Nullable<Text>)]
    pub meal: Option<MealState>,
    #[diesel(sql_type = Nullable<Text>)]
    pub first_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub initial: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub diet: Option<Diet>,
    #[diesel(sql_type = Bool)]
    pub own_meal: bool,
    #[diesel(sql_type = Bool)]
    pub care: bool,
    #[diesel(sql_type = Nullable<Binary>)]
    pub photo_sealed: Option<Vec<u8>>,
}

/// A row for each that is asked, in the same order. Their meals are locked until the end of the transaction.
pub fn look(tx: &mut Tx<'_>, asked: &[Asked], portraits: bool) -> Result<Vec<LookRow>, Error> {
    Ok(diesel::sql_query(
        "select person_id, card_in_use, here, open, locked, walk_ins, meal, first_name, initial, diet, own_meal, care, photo_sealed
           from gate_look($1, $2, $3, $4, $5) order by n",
    )
    .bind::<Array<Nullable<Binary>>, _>(each(asked, |one| one.card.as_deref()))
    .bind::<Array<Nullable<Binary>>, _>(each(asked, |one| one.code.as_deref()))
    .bind::<Array<Nullable<sql_types::Uuid>>, _>(each(asked, |one| one.diner))
    .bind::<Array<Date>, _>(each(asked, |one| one.day))
    .bind::<Bool, _>(portraits)
    .load(tx.conn)?)
}

fn each<'a, S, T>(of: &'a [S], what: impl Fn(&'a S) -> T) -> Vec<T> {
    of.iter().map(what).collect()
}

#[derive(QueryableByName)]
struct Listed {
    #[diesel(sql_type = Bool)]
    listed: bool,
}

/// Whether somebody is an adult of the gate's list of that day.
pub fn is_listed_adult(tx: &mut Tx<'_>, diner: DinerId, day: NaiveDate) -> Result<bool, Error> {
    let row: Listed = diesel::sql_query("select exists (select 1 from gate_adults($2) where person_id = $1) as listed")
        .bind::<sql_types::Uuid, _>(diner)
        .bind::<Date, _>(day)
        .get_result(tx.conn)?;
    Ok(row.listed)
}

/// A passage to keep, and the states between which it moves a meal.
#[derive(Debug, Clone)]
pub struct NewPassage {
    pub sequence: i64,
    pub day: NaiveDate,
    pub scanned_at: DateTime<Utc>,
    pub diner: Option<DinerId>,
    pub let_in: bool,
    pub reason: PassReason,
    pub outcome: PassOutcome,
    pub from: Option<MealState>,
    pub to: Option<MealState>,
    pub fingerprint: Vec<u8>,
}

pub fn record(tx: &mut Tx<'_>, offline: bool, new: &[NewPassage]) -> Result<(), Error> {
    diesel::sql_query("select gate_record($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
        .bind::<Bool, _>(offline)
        .bind::<Array<BigInt>, _>(each(new, |one| one.sequence))
        .bind::<Array<Date>, _>(each(new, |one| one.day))
        .bind::<Array<Timestamptz>, _>(each(new, |one| one.scanned_at))
        .bind::<Array<Nullable<sql_types::Uuid>>, _>(each(new, |one| one.diner))
        .bind::<Array<Bool>, _>(each(new, |one| one.let_in))
        .bind::<Array<Text>, _>(each(new, |one| one.reason))
        .bind::<Array<Text>, _>(each(new, |one| one.outcome))
        .bind::<Array<Nullable<Text>>, _>(each(new, |one| one.from))
        .bind::<Array<Nullable<Text>>, _>(each(new, |one| one.to))
        .bind::<Array<Binary>, _>(each(new, |one| one.fingerprint.as_slice()))
        .execute(tx.conn)?;
    Ok(())
}

/// Numbers that lack, from the first to the last of a row of them.
#[derive(Debug, Clone, QueryableByName)]
pub struct GapRow {
    #[diesel(sql_type = BigInt)]
    pub first: i64,
    #[diesel(sql_type = BigInt)]
    pub last: i64,
}

pub fn gaps(tx: &mut Tx<'_>, limit: i32) -> Result<Vec<GapRow>, Error> {
    Ok(diesel::sql_query("select first, last from gate_gaps($1)").bind::<Integer, _>(limit).load(tx.conn)?)
}

/// A passage as the collège and the department read it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = canteen_passages)]
pub struct PassageRow {
    pub device_id: DeviceId,
    pub sequence: i64,
    pub operator_id: CanteenOperatorId,
    pub college_uai: Uai,
    pub scanned_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub offline: bool,
    pub person_id: Option<DinerId>,
    pub let_in: bool,
    pub reason: PassReason,
    pub outcome: PassOutcome,
    pub turned_away: bool,
}

/// One that somebody has to look at.
#[derive(Debug, Clone, Queryable)]
pub struct OddRow {
    pub passage: PassageRow,
    /// Its diner was let in at another collège too.
    pub elsewhere: bool,
}

/// Passages of a day that somebody has to look at: of diners who were let in twice, of unknown people let in, of
/// who was let in against the rules or turned away in spite of them, and of locked days.
pub fn odd(tx: &mut Tx<'_>, day: NaiveDate, after: Option<(i64, Uuid)>, limit: i64) -> Result<Vec<OddRow>, Error> {
    // The day is bound each time: a subquery that depends on the row would run once for each of a day's passages.
    let is_odd = diesel::dsl::sql::<Bool>(
        "(outcome in ('unknown', 'not_served', 'locked') or reason in ('other_college', 'card_not_in_use', 'closed') or turned_away or not let_in
          or (reason in ('not_enrolled', 'cancelled') and not coalesce((
              select r.walk_ins from canteen_gate_rules r
               where r.college_uai = canteen_passages.college_uai and r.starts_on <= canteen_passages.day
               order by r.starts_on desc limit 1), true))
          or person_id in (select t.person_id from canteen_passed_twice(",
    )
    .bind::<Date, _>(day)
    .sql(") t))");
    let elsewhere = diesel::dsl::sql::<Bool>("coalesce(person_id in (select t.person_id from canteen_passed_twice(")
        .bind::<Date, _>(day)
        .sql(") t where t.elsewhere), false)");
    let mut query = canteen_passages::table
        .filter(canteen_passages::day.eq(day))
        // Whoever was turned away though his meal waited for him, owes it.
        .filter(canteen_passages::let_in.or(canteen_passages::reason.eq(PassReason::Reserved)))
        .filter(is_odd)
        .order((canteen_passages::sequence, canteen_passages::device_id))
        .limit(limit)
        .select((PassageRow::as_select(), elsewhere))
        .into_boxed();
    if let Some((sequence, device)) = after {
        let device = DeviceId::from_uuid(device);
        query = query.filter(
            canteen_passages::sequence
                .gt(sequence)
                .or(canteen_passages::sequence.eq(sequence).and(canteen_passages::device_id.gt(device))),
        );
    }
    Ok(query.load(tx.conn)?)
}

/// Reserved meals of that day or before become missed, so many at most. Returns how many did; those in other hands come later.
pub fn miss(tx: &mut Tx<'_>, last_day: NaiveDate, limit: i64) -> Result<usize, Error> {
    let now = tx.now()?;
    let over = canteen_meals::table
        .filter(canteen_meals::state.eq(MealState::Reserved).and(canteen_meals::day.le(last_day)))
        // What is locked stays as it is billed.
        .filter(diesel::dsl::sql::<Bool>("not canteen_is_locked(college_uai, day)"))
        .order(canteen_meals::day)
        .limit(limit)
        .select((canteen_meals::person_id, canteen_meals::day))
        .for_update()
        .skip_locked();
    let rows: Vec<(DinerId, NaiveDate)> = over.load(tx.conn)?;
    let (people, days): (Vec<DinerId>, Vec<NaiveDate>) = rows.into_iter().unzip();
    Ok(diesel::sql_query(format!(
        "update canteen_meals m set state = {MISSED}, changed_at = $3 from unnest($1, $2) t (person, on_day)
          where m.person_id = t.person and m.day = t.on_day"
    ))
    .bind::<Array<sql_types::Uuid>, _>(people)
    .bind::<Array<Date>, _>(days)
    .bind::<Timestamptz, _>(now)
    .execute(tx.conn)?)
}

//! Meals of a day with the names of their diners, and locks of months.

use super::MealOf;
use crate::{
    canteen::meals::{MISSED, state::MealState},
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, AttendanceLockId, DinerId, FamilyId},
        month::Month,
        text::{Note, Uai},
    },
    schema::department::{
        canteen_adults, canteen_attendance_locks as locks, canteen_bill_runs, canteen_colleges, canteen_meals as meals,
        children,
    },
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, BigInt, Nullable, Text, Timestamptz},
};

/// A meal and whose it is. Names are those that the caller may see.
#[derive(Debug, QueryableByName)]
pub struct AttendanceRow {
    #[diesel(sql_type = sql_types::Uuid)]
    pub person_id: DinerId,
    #[diesel(sql_type = Nullable<Text>)]
    pub last_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub first_names: Option<String>,
    #[diesel(sql_type = Text)]
    pub diner: crate::canteen::Diner,
    #[diesel(sql_type = Text)]
    pub state: MealState,
    #[diesel(sql_type = Timestamptz)]
    pub changed_at: DateTime<Utc>,
    /// The collège at whose gate he passed, when it is not this one.
    #[diesel(sql_type = Nullable<Text>)]
    pub passed_at: Option<Uai>,
}

/// The meals of a collège's day, and of its pupils those that the gate of another collège took for another one's.
pub fn of_day(tx: &mut Tx<'_>, college: &Uai, day: NaiveDate) -> Result<Vec<AttendanceRow>, Error> {
    Ok(diesel::sql_query(
        "with away as (select * from canteen_away($1, $2)),
         told as (
             select m.person_id, m.state, m.changed_at, w.passed_at from canteen_meals m left join away w on w.person_id = m.person_id
              where m.college_uai = $1 and m.day = $2
             union all
             select person_id, state, changed_at, passed_at from away where meal_college <> $1)
         select m.person_id, coalesce(c.last_name, a.last_name) as last_name, coalesce(c.first_names, a.first_names) as first_names,
                coalesce(a.kind, 'pupil') as diner, m.state, m.changed_at, m.passed_at
           from told m left join children c on c.id = m.person_id left join canteen_adults a on a.id = m.person_id
          order by folded(coalesce(c.last_name, a.last_name)), folded(coalesce(c.first_names, a.first_names)), m.person_id",
    )
    .bind::<Text, _>(college)
    .bind::<sql_types::Date, _>(day)
    .load(tx.conn)?)
}

/// A meal that nobody else changes until the end of the transaction: its state and its collège.
pub fn lock_meal(tx: &mut Tx<'_>, meal: MealOf) -> Result<Option<(MealState, Uai)>, Error> {
    Ok(meals::table
        .find((meal.diner, meal.day))
        .select((meals::state, meals::college_uai))
        .for_update()
        .first(tx.conn)
        .optional()?)
}

#[derive(QueryableByName)]
struct Seen {
    #[diesel(sql_type = sql_types::Bool)]
    seen: bool,
}

/// Whether a gate counted that meal, wherever it stands.
pub fn is_seen_by_gate(tx: &mut Tx<'_>, meal: MealOf) -> Result<bool, Error> {
    let Seen { seen } = diesel::sql_query("select canteen_seen_by_gate($1, $2) as seen")
        .bind::<sql_types::Uuid, _>(meal.diner)
        .bind::<sql_types::Date, _>(meal.day)
        .get_result(tx.conn)?;
    Ok(seen)
}

pub fn set_state(tx: &mut Tx<'_>, meal: MealOf, state: MealState) -> Result<(), Error> {
    let now = tx.now()?;
    diesel::update(meals::table.find((meal.diner, meal.day)))
        .set((meals::state.eq(state), meals::changed_at.eq(now)))
        .execute(tx.conn)?;
    Ok(())
}

/// Who may come without reservation.
pub enum Comer {
    Pupil(FamilyId),
    Adult,
}

/// A child, or an adult of that collège; `None` for whom the caller cannot see.
pub fn comer(tx: &mut Tx<'_>, diner: DinerId, college: &Uai) -> Result<Option<Comer>, Error> {
    let family: Option<FamilyId> =
        children::table.find(diner.child()).select(children::family_id).first(tx.conn).optional()?;
    if let Some(family) = family {
        return Ok(Some(Comer::Pupil(family)));
    }
    let adult = canteen_adults::table.find(diner.adult()).filter(canteen_adults::college_uai.eq(college));
    let known: i64 = adult.count().get_result(tx.conn)?;
    Ok((known > 0).then_some(Comer::Adult))
}

/// False when the diner has a meal of that day at another collège.
pub fn insert_walk_in(tx: &mut Tx<'_>, meal: MealOf, college: &Uai, comer: &Comer) -> Result<bool, Error> {
    let now = tx.now()?;
    let inserted = diesel::insert_into(meals::table)
        .values((
            meals::person_id.eq(meal.diner),
            meals::day.eq(meal.day),
            meals::family_id.eq(match comer {
                Comer::Pupil(family) => Some(*family),
                Comer::Adult => None,
            }),
            meals::college_uai.eq(college),
            meals::state.eq(MealState::WalkIn),
            meals::changed_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn)?;
    Ok(inserted == 1)
}

/// Whoever is still expected that day did not come.
pub fn miss(tx: &mut Tx<'_>, college: &Uai, day: NaiveDate) -> Result<usize, Error> {
    let now = tx.now()?;
    let expected = meals::table
        .filter(meals::college_uai.eq(college).and(meals::day.eq(day)))
        .filter(meals::state.eq(MealState::Reserved));
    Ok(diesel::update(expected)
        .set((meals::state.eq(diesel::dsl::sql::<Text>(MISSED)), meals::changed_at.eq(now)))
        .execute(tx.conn)?)
}

/// A month of a collège whose meals do not change any more.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = locks)]
pub struct LockRow {
    pub id: AttendanceLockId,
    pub college_uai: Uai,
    pub month: Month,
    pub locked_by: AccountId,
    pub locked_at: DateTime<Utc>,
    pub reopened_by: Option<AccountId>,
    pub reopened_at: Option<DateTime<Utc>>,
    pub reopen_reason: Option<Note>,
    /// Why it was locked although passages may lack.
    pub accepted_gaps: Option<Note>,
}

/// A collège in a month.
#[derive(Debug, QueryableByName)]
pub struct MonthRow {
    #[diesel(sql_type = Text)]
    pub college_uai: Uai,
    #[diesel(sql_type = BigInt)]
    pub meals: i64,
    #[diesel(sql_type = BigInt)]
    pub reserved: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub locked_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = sql_types::Bool)]
    pub billed: bool,
}

pub fn months(tx: &mut Tx<'_>, month: Month) -> Result<Vec<MonthRow>, Error> {
    Ok(diesel::sql_query(
        // Collège by collège: an index leads to the days of one, and none to those of all.
        "with served as (
             select c.uai as college_uai, m.meals, m.reserved
               from (select distinct uai from canteen_colleges) c
              cross join lateral (
                    select count(*) as meals, count(*) filter (where m.state = 'reserved') as reserved
                      from canteen_meals m where m.college_uai = c.uai and m.day >= $1 and m.day < $2) m
              where m.meals > 0)
         select coalesce(s.college_uai, l.college_uai) as college_uai, coalesce(s.meals, 0) as meals, coalesce(s.reserved, 0) as reserved,
                l.locked_at, coalesce(r.state = 'issued', false) as billed
           from served s
           full join (select * from canteen_attendance_locks where month = $1 and reopened_at is null) l on l.college_uai = s.college_uai
           left join canteen_bill_runs r on r.id = l.run_id
          order by 1",
    )
    .bind::<sql_types::Date, _>(month.first_day())
    .bind::<sql_types::Date, _>(month.next_first_day())
    .load(tx.conn)?)
}

/// From here on no meal of that month changes under another's hands.
pub fn take_turns(tx: &mut Tx<'_>, college: &Uai, month: Month) -> Result<(), Error> {
    diesel::sql_query("select pg_advisory_xact_lock(canteen_month_key($1, $2))")
        .bind::<Text, _>(college)
        .bind::<sql_types::Date, _>(month)
        .execute(tx.conn)?;
    Ok(())
}

/// Whether that collège was in the canteen's scope on a day of the month.
pub fn is_in_scope(tx: &mut Tx<'_>, college: &Uai, month: Month) -> Result<bool, Error> {
    let ends = canteen_colleges::ends_on;
    let known: i64 = canteen_colleges::table
        .filter(canteen_colleges::uai.eq(college).and(canteen_colleges::starts_on.lt(month.next_first_day())))
        .filter(ends.is_null().or(ends.ge(month.first_day())))
        .count()
        .get_result(tx.conn)?;
    Ok(known > 0)
}

#[derive(QueryableByName)]
struct Pending {
    #[diesel(sql_type = sql_types::Bool)]
    pending: bool,
}

/// Whether a closure, or the end of one, is still to be applied to meals of that month.
pub fn awaits_closure(tx: &mut Tx<'_>, college: &Uai, month: Month) -> Result<bool, Error> {
    let Pending { pending } = diesel::sql_query(
        "select exists (
             select 1 from canteen_closures
              where case when withdrawn_at is null then applied_until is distinct from until_day else applied_until is not null end
                and (college_uai is null or college_uai = $1) and from_day < $3 and until_day >= $2) as pending",
    )
    .bind::<Text, _>(college)
    .bind::<sql_types::Date, _>(month.first_day())
    .bind::<sql_types::Date, _>(month.next_first_day())
    .get_result(tx.conn)?;
    Ok(pending)
}

/// Whether the month of that day is locked there.
pub fn is_locked(tx: &mut Tx<'_>, college: &Uai, day: NaiveDate) -> Result<bool, Error> {
    let living = locks::table
        .filter(locks::college_uai.eq(college).and(locks::month.eq(Month::of(day))).and(locks::reopened_at.is_null()));
    Ok(living.count().get_result::<i64>(tx.conn)? > 0)
}

#[derive(QueryableByName)]
struct Missed {
    #[diesel(sql_type = Text)]
    state: MealState,
}

/// What a meal becomes to which nobody came.
pub fn missed(tx: &mut Tx<'_>, meal: MealOf) -> Result<MealState, Error> {
    let Missed { state } =
        diesel::sql_query(format!("select {MISSED} as state from canteen_meals where person_id = $1 and day = $2"))
            .bind::<sql_types::Uuid, _>(meal.diner)
            .bind::<sql_types::Date, _>(meal.day)
            .get_result(tx.conn)?;
    Ok(state)
}

/// Meals of that month of which nothing is known yet.
pub fn reserved(tx: &mut Tx<'_>, college: &Uai, month: Month) -> Result<i64, Error> {
    Ok(meals::table
        .filter(meals::college_uai.eq(college).and(meals::state.eq(MealState::Reserved)))
        .filter(meals::day.ge(month.first_day()).and(meals::day.lt(month.next_first_day())))
        .count()
        .get_result(tx.conn)?)
}

pub fn insert_lock(
    tx: &mut Tx<'_>,
    by: AccountId,
    (college, month): (&Uai, Month),
    accepted_gaps: Option<&Note>,
) -> Result<LockRow, Error> {
    let now = tx.now()?;
    Ok(diesel::insert_into(locks::table)
        .values((
            locks::id.eq(AttendanceLockId::generate()),
            locks::college_uai.eq(college),
            locks::month.eq(month),
            locks::locked_by.eq(by),
            locks::locked_at.eq(now),
            locks::accepted_gaps.eq(accepted_gaps),
        ))
        .returning(LockRow::as_returning())
        .get_result(tx.conn)?)
}

pub fn lock_living(tx: &mut Tx<'_>, college: &Uai, month: Month) -> Result<Option<LockRow>, Error> {
    Ok(locks::table
        .filter(locks::college_uai.eq(college).and(locks::month.eq(month)).and(locks::reopened_at.is_null()))
        .select(LockRow::as_select())
        .for_update()
        .first(tx.conn)
        .optional()?)
}

/// Whether a run that is not issued takes that month.
pub fn is_in_run(tx: &mut Tx<'_>, id: AttendanceLockId) -> Result<bool, Error> {
    let running: i64 = locks::table
        .inner_join(canteen_bill_runs::table.on(locks::run_id.eq(canteen_bill_runs::id.nullable())))
        .filter(locks::id.eq(id))
        .filter(canteen_bill_runs::state.eq_any(["draft", "checked"]))
        .count()
        .get_result(tx.conn)?;
    Ok(running > 0)
}

pub fn reopen(tx: &mut Tx<'_>, id: AttendanceLockId, by: AccountId, reason: &Note) -> Result<LockRow, Error> {
    let now = tx.now()?;
    Ok(diesel::update(locks::table.find(id))
        .set((locks::reopened_by.eq(by), locks::reopened_at.eq(now), locks::reopen_reason.eq(reason)))
        .returning(LockRow::as_returning())
        .get_result(tx.conn)?)
}

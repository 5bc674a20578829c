//! Orders to open a season, and the statement that carries a batch of families over.

use super::{Figures, OpeningState};
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, FamilyId, SeasonOpeningId},
        text::{Code, Label, Name, SeasonCode, Uai},
        words::Level,
    },
    schema::department::{children, enrolments, season_openings},
};
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, Array, BigInt, Nullable, Text, Timestamptz},
};

/// Of whom a request `e` is carried over: who has his rights, or had them until the season ended, and did not leave before.
const KNOWN: &str = "(e.state in ('confirmed', 'active', 'suspended')
    or (e.state = 'expired'
        and exists (select 1 from enrolment_events x where x.enrolment_id = e.id and x.event = 'activate')
        and not exists (select 1 from enrolment_events x where x.enrolment_id = e.id and x.event = 'depart')))";

/// An order, and how far it is.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = season_openings)]
pub struct OpeningRow {
    pub id: SeasonOpeningId,
    pub season: SeasonCode,
    pub from_season: SeasonCode,
    pub expected_children: i64,
    pub ordered_by: AccountId,
    pub ordered_at: DateTime<Utc>,
    pub runs_at: DateTime<Utc>,
    pub state: OpeningState,
    pub last_family: Option<FamilyId>,
    pub carried: i64,
    pub leaving: i64,
    pub families: i64,
    pub done_at: Option<DateTime<Utc>>,
}

pub fn insert(tx: &mut Tx<'_>, row: &OpeningRow) -> Result<(), Error> {
    diesel::insert_into(season_openings::table).values(row).execute(tx.conn)?;
    Ok(())
}

pub fn last_order(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<Option<OpeningRow>, Error> {
    Ok(season_openings::table
        .filter(season_openings::season.eq(season))
        .order(season_openings::id.desc())
        .select(OpeningRow::as_select())
        .first(tx.conn)
        .optional()?)
}

/// Takes back the order of that season, if none of it is done.
pub fn withdraw(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<Option<SeasonOpeningId>, Error> {
    let waiting = season_openings::table
        .filter(season_openings::season.eq(season))
        .filter(season_openings::state.eq(OpeningState::Ordered))
        .filter(season_openings::last_family.is_null());
    Ok(diesel::update(waiting)
        .set(season_openings::state.eq(OpeningState::Withdrawn))
        .returning(season_openings::id)
        .get_result(tx.conn)
        .optional()?)
}

/// The next order that is due and in no other hands.
pub fn lock_due(tx: &mut Tx<'_>, now: DateTime<Utc>) -> Result<Option<OpeningRow>, Error> {
    Ok(season_openings::table
        .filter(season_openings::state.eq(OpeningState::Ordered))
        .filter(season_openings::runs_at.le(now))
        .order(season_openings::id)
        .select(OpeningRow::as_select())
        .for_update()
        .skip_locked()
        .first(tx.conn)
        .optional()?)
}

/// What one batch did. No family left when `last_family` is absent.
#[derive(Debug, QueryableByName)]
pub struct Batch {
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    pub last_family: Option<FamilyId>,
    #[diesel(sql_type = BigInt)]
    pub carried: i64,
    #[diesel(sql_type = BigInt)]
    pub leaving: i64,
    #[diesel(sql_type = BigInt)]
    pub families: i64,
}

/// Levels as two columns: each, and the one after it. What has no next level leaves collège.
fn climb() -> (Vec<Level>, Vec<Level>) {
    Level::ALL.iter().filter_map(|level| Some((*level, level.next()?))).unzip()
}

/// Carries over the next families of an order: requests, history, journal and one word to each family, in one statement. A scholarship
/// is declared anew each year.
pub fn carry_over(tx: &mut Tx<'_>, order: &OpeningRow, formulas: &[Code], limit: i32) -> Result<Batch, Error> {
    let now = tx.now()?;
    let (levels, next_levels) = climb();
    let batch = diesel::sql_query(format!(
        "with batch as materialized (
             select distinct family_id from enrolments e
              where season = $1 and {KNOWN} and ($3 is null or family_id > $3) order by family_id limit $4),
         known as materialized (
             select e.id, e.child_id, e.family_id, e.college_uai, e.college_name, e.in_network, e.ase, climb.next as level,
                    case when e.formula = any($5) then e.formula else ($5)[1] end as formula
               from enrolments e join batch on batch.family_id = e.family_id
               left join unnest($6, $7) climb (level, next) on climb.level = e.level
              where e.season = $1 and {KNOWN}),
         carried as (
             insert into enrolments (id, child_id, family_id, season, state, college_uai, college_name, in_network, level, formula,
                                     declares_scholarship, ase, created_at)
             select time_ordered_id(), child_id, family_id, $2, 'to_confirm', college_uai, college_name, in_network, level, formula,
                    false, ase, $8
               from known where level is not null
             on conflict on constraint enrolments_one_per_season do nothing
             returning id, family_id, college_uai),
         leaving as materialized (
             select id, family_id from known
              where level is null
                and not exists (select 1 from enrolment_events x where x.enrolment_id = known.id and x.event = 'leave')),
         dated as (
             insert into enrolment_events (id, enrolment_id, at, event, state, actor_kind)
             select time_ordered_id(), id, $8, 'carry_over', 'to_confirm', actor_kind() from carried
             union all
             select time_ordered_id(), l.id, $8, 'leave', e.state, actor_kind() from leaving l join enrolments e on e.id = l.id),
         told as materialized (select family_id from carried union select family_id from leaving),
         lettered as (
             insert into jobs (id, kind, payload, created_at, run_at)
             select time_ordered_id(), 'season_notice', jsonb_build_object('family_id', family_id, 'season', $2::text), $8, $8 from told),
         journalled as (
             insert into audit (id, at, request_id, actor_kind, actor_id, action, object_kind, object_id, details)
             select time_ordered_id(), $8, $9, actor_kind(), null::uuid, 'enrolment_carried_over', 'enrolment', id::text,
                    jsonb_build_object('season_opening', $10::text)
               from carried
             union all
             select time_ordered_id(), $8, $9, actor_kind(), null::uuid, 'pupil_left', 'enrolment', id::text,
                    jsonb_build_object('season_opening', $10::text)
               from leaving)
         select (select family_id from batch order by family_id desc limit 1) as last_family,
                (select count(*) from carried) as carried, (select count(*) from leaving) as leaving,
                (select count(*) from told) as families"
    ))
    .bind::<Text, _>(&order.from_season)
    .bind::<Text, _>(&order.season)
    .bind::<Nullable<sql_types::Uuid>, _>(order.last_family)
    .bind::<sql_types::Integer, _>(limit)
    .bind::<Array<Text>, _>(formulas)
    .bind::<Array<Text>, _>(levels)
    .bind::<Array<Text>, _>(next_levels)
    .bind::<Timestamptz, _>(now)
    .bind::<sql_types::Uuid, _>(tx.caller.request)
    .bind::<Text, _>(order.id.to_string())
    .get_result(tx.conn)?;
    Ok(batch)
}

/// Counts a batch on its order.
pub fn advance(
    tx: &mut Tx<'_>,
    order: &OpeningRow,
    batch: &Batch,
    done_at: Option<DateTime<Utc>>,
) -> Result<OpeningRow, Error> {
    let state = if done_at.is_some() { OpeningState::Done } else { OpeningState::Ordered };
    Ok(diesel::update(season_openings::table.find(order.id))
        .set((
            season_openings::last_family.eq(batch.last_family.or(order.last_family)),
            season_openings::carried.eq(season_openings::carried + batch.carried),
            season_openings::leaving.eq(season_openings::leaving + batch.leaving),
            season_openings::families.eq(season_openings::families + batch.families),
            season_openings::state.eq(state),
            season_openings::done_at.eq(done_at),
        ))
        .returning(OpeningRow::as_returning())
        .get_result(tx.conn)?)
}

#[derive(QueryableByName)]
struct FigureRow {
    #[diesel(sql_type = Nullable<Text>)]
    next: Option<Level>,
    #[diesel(sql_type = BigInt)]
    fresh: i64,
    #[diesel(sql_type = BigInt)]
    already: i64,
    #[diesel(sql_type = BigInt)]
    at_closed_colleges: i64,
    #[diesel(sql_type = BigInt)]
    formula_gone: i64,
}

/// What an opening would do now.
pub fn figures(
    tx: &mut Tx<'_>,
    from: &SeasonCode,
    season: &SeasonCode,
    formulas: &[Code],
    closed: &[Uai],
) -> Result<Figures, Error> {
    let (levels, next_levels) = climb();
    let rows: Vec<FigureRow> = diesel::sql_query(format!(
        "with known as (
             select climb.next, e.college_uai = any($4) as closed, e.formula <> all($3) as gone,
                    case when climb.next is null
                         then exists (select 1 from enrolment_events x where x.enrolment_id = e.id and x.event = 'leave')
                         else exists (select 1 from enrolments n where n.child_id = e.child_id and n.season = $2) end as done
               from enrolments e left join unnest($5, $6) climb (level, next) on climb.level = e.level
              where e.season = $1 and {KNOWN})
         select next, count(*) filter (where not done) as fresh, count(*) filter (where done) as already,
                count(*) filter (where not done and closed) as at_closed_colleges,
                count(*) filter (where not done and gone) as formula_gone
           from known group by next order by next"
    ))
    .bind::<Text, _>(from)
    .bind::<Text, _>(season)
    .bind::<Array<Text>, _>(formulas)
    .bind::<Array<Text>, _>(closed)
    .bind::<Array<Text>, _>(levels)
    .bind::<Array<Text>, _>(next_levels)
    .load(tx.conn)?;
    let mut figures = Figures::default();
    for row in rows {
        let Some(next) = row.next else {
            figures.leaving = row.fresh;
            continue;
        };
        figures.carried.push((next, row.fresh));
        figures.already = figures.already.saturating_add(row.already);
        figures.at_closed_colleges = figures.at_closed_colleges.saturating_add(row.at_closed_colleges);
        figures.formula_gone = figures.formula_gone.saturating_add(row.formula_gone);
    }
    Ok(figures)
}

/// A child as the letter of an opening names it.
#[derive(Debug, Queryable)]
pub struct ToldChild {
    pub first_names: Name,
    pub level: Level,
    pub college_name: Label,
}

/// The children of a family that an opening concerns.
#[derive(Debug, Default)]
pub struct Told {
    pub carried: Vec<ToldChild>,
    pub leaving: Vec<ToldChild>,
}

/// Who of a family waits to be confirmed in that season, and who has left collège at the end of the one before.
pub fn children_of(tx: &mut Tx<'_>, family: FamilyId, season: &SeasonCode) -> Result<Told, Error> {
    use crate::{enrolments::state::EnrolmentState, schema::department::enrolment_events};
    let of_family = || {
        enrolments::table
            .inner_join(children::table.on(children::id.eq(enrolments::child_id)))
            .filter(enrolments::family_id.eq(family))
            .select((children::first_names, enrolments::level, enrolments::college_name))
            .order(children::birth_date)
    };
    let carried = of_family()
        .filter(enrolments::season.eq(season).and(enrolments::state.eq(EnrolmentState::ToConfirm)))
        .load(tx.conn)?;
    let left = enrolment_events::table
        .filter(enrolment_events::event.eq("leave"))
        .filter(enrolment_events::enrolment_id.eq(enrolments::id));
    let leaving = of_family()
        .filter(enrolments::season.nullable().eq(season.previous().map(String::from)))
        .filter(diesel::dsl::exists(left))
        .load(tx.conn)?;
    Ok(Told { carried, leaving })
}

//! Enrolments and where they stand.

use super::{
    Request,
    desk::Arrival,
    state::{EnrolmentState, RefusalReason},
};
use crate::{
    db::Tx,
    error::{Error, Refusal},
    families::Child,
    kernel::{
        ids::{ChildId, EnrolmentId, FamilyId, RequestId},
        text::{Code, Label, Name, Note, SeasonCode, Uai},
        words::Level,
    },
    schema::department::{children, enrolment_events, enrolments},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{prelude::*, sql_types};
use uuid::Uuid;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = enrolments)]
pub struct EnrolmentRow {
    pub id: EnrolmentId,
    pub child_id: ChildId,
    pub family_id: FamilyId,
    pub season: SeasonCode,
    pub state: EnrolmentState,
    pub college_uai: Uai,
    pub college_name: Label,
    pub in_network: bool,
    pub level: Level,
    pub formula: Code,
    pub declares_scholarship: bool,
    pub ase: bool,
    pub rule: Option<Code>,
    pub refusal_reason: Option<RefusalReason>,
    pub refusal_note: Option<Note>,
    pub created_at: DateTime<Utc>,
    pub submitted_at: Option<DateTime<Utc>>,
    pub decided_at: Option<DateTime<Utc>>,
    pub version: i32,
}

pub fn insert(
    tx: &mut Tx<'_>,
    child: &Child,
    season: &SeasonCode,
    request: &Request,
    in_network: bool,
) -> Result<EnrolmentRow, Error> {
    let now = tx.now()?;
    Ok(diesel::insert_into(enrolments::table)
        .values((
            enrolments::id.eq(EnrolmentId::generate()),
            enrolments::child_id.eq(child.id),
            enrolments::family_id.eq(child.family_id),
            enrolments::season.eq(season),
            enrolments::state.eq(EnrolmentState::Draft),
            enrolments::college_uai.eq(&request.school.college.uai),
            enrolments::college_name.eq(&request.school.college.name),
            enrolments::in_network.eq(in_network),
            enrolments::level.eq(request.level),
            enrolments::formula.eq(&request.formula),
            enrolments::declares_scholarship.eq(request.declares_scholarship),
            enrolments::ase.eq(request.ase),
            enrolments::created_at.eq(now),
        ))
        .returning(EnrolmentRow::as_returning())
        .get_result(tx.conn)?)
}

pub fn enrolment(tx: &mut Tx<'_>, id: EnrolmentId) -> Result<EnrolmentRow, Error> {
    Ok(enrolments::table.find(id).select(EnrolmentRow::as_select()).first(tx.conn)?)
}

/// The row, locked, provided that it is still the one the caller read.
pub fn lock(tx: &mut Tx<'_>, id: EnrolmentId, version: i32) -> Result<EnrolmentRow, Error> {
    let row = enrolments::table.find(id).select(EnrolmentRow::as_select()).for_update().first(tx.conn)?;
    if row.version == version { Ok(row) } else { Err(Refusal::StaleVersion.into()) }
}

/// The child's enrolment for a season, locked, if it has one.
pub fn lock_of_child(tx: &mut Tx<'_>, child: ChildId, season: &SeasonCode) -> Result<Option<EnrolmentRow>, Error> {
    Ok(enrolments::table
        .filter(enrolments::child_id.eq(child).and(enrolments::season.eq(season)))
        .select(EnrolmentRow::as_select())
        .for_update()
        .first(tx.conn)
        .optional()?)
}

pub fn rewrite(
    tx: &mut Tx<'_>,
    row: &EnrolmentRow,
    request: &Request,
    in_network: bool,
) -> Result<EnrolmentRow, Error> {
    Ok(diesel::update(enrolments::table.find(row.id))
        .set((
            enrolments::college_uai.eq(&request.school.college.uai),
            enrolments::college_name.eq(&request.school.college.name),
            enrolments::in_network.eq(in_network),
            enrolments::level.eq(request.level),
            enrolments::formula.eq(&request.formula),
            enrolments::declares_scholarship.eq(request.declares_scholarship),
            enrolments::ase.eq(request.ase),
            enrolments::version.eq(enrolments::version + 1),
        ))
        .returning(EnrolmentRow::as_returning())
        .get_result(tx.conn)?)
}

pub fn submitted(
    tx: &mut Tx<'_>,
    row: &EnrolmentRow,
    state: EnrolmentState,
    rule: &Code,
    in_network: bool,
) -> Result<EnrolmentRow, Error> {
    let now = tx.now()?;
    Ok(diesel::update(enrolments::table.find(row.id))
        .set((
            enrolments::state.eq(state),
            enrolments::rule.eq(rule),
            enrolments::in_network.eq(in_network),
            enrolments::submitted_at.eq(now),
            enrolments::refusal_reason.eq(None::<RefusalReason>),
            enrolments::refusal_note.eq(None::<Note>),
            enrolments::version.eq(enrolments::version + 1),
        ))
        .returning(EnrolmentRow::as_returning())
        .get_result(tx.conn)?)
}

pub fn decided(
    tx: &mut Tx<'_>,
    row: &EnrolmentRow,
    state: EnrolmentState,
    refusal: Option<(RefusalReason, Option<&Note>)>,
) -> Result<EnrolmentRow, Error> {
    let now = tx.now()?;
    Ok(diesel::update(enrolments::table.find(row.id))
        .set((
            enrolments::state.eq(state),
            enrolments::decided_at.eq(now),
            enrolments::refusal_reason.eq(refusal.map(|(reason, _)| reason)),
            enrolments::refusal_note.eq(refusal.and_then(|(_, note)| note)),
            enrolments::version.eq(enrolments::version + 1),
        ))
        .returning(EnrolmentRow::as_returning())
        .get_result(tx.conn)?)
}

pub fn moved(tx: &mut Tx<'_>, row: &EnrolmentRow, state: EnrolmentState) -> Result<EnrolmentRow, Error> {
    Ok(diesel::update(enrolments::table.find(row.id))
        .set((enrolments::state.eq(state), enrolments::version.eq(enrolments::version + 1)))
        .returning(EnrolmentRow::as_returning())
        .get_result(tx.conn)?)
}

pub fn of_child(tx: &mut Tx<'_>, child: ChildId) -> Result<Vec<EnrolmentRow>, Error> {
    Ok(enrolments::table
        .filter(enrolments::child_id.eq(child))
        .order(enrolments::season.desc())
        .select(EnrolmentRow::as_select())
        .load(tx.conn)?)
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = enrolment_events)]
pub struct EventRow {
    pub at: DateTime<Utc>,
    pub event: String,
    pub state: EnrolmentState,
    pub actor_kind: String,
    pub note: Option<String>,
}

pub fn insert_event(tx: &mut Tx<'_>, row: &EnrolmentRow, event: &str, note: Option<&str>) -> Result<(), Error> {
    let now = tx.now()?;
    diesel::insert_into(enrolment_events::table)
        .values((
            enrolment_events::id.eq(RequestId::generate().uuid()),
            enrolment_events::enrolment_id.eq(row.id),
            enrolment_events::at.eq(now),
            enrolment_events::event.eq(event),
            enrolment_events::state.eq(row.state),
            enrolment_events::actor_kind.eq(tx.caller.actor.kind()),
            enrolment_events::note.eq(note),
        ))
        .execute(tx.conn)?;
    Ok(())
}

pub fn events(tx: &mut Tx<'_>, id: EnrolmentId) -> Result<Vec<EventRow>, Error> {
    Ok(enrolment_events::table
        .filter(enrolment_events::enrolment_id.eq(id))
        .order((enrolment_events::at, enrolment_events::id))
        .select(EventRow::as_select())
        .load(tx.conn)?)
}

/// A pupil as the desk shows him.
#[derive(Debug, Queryable)]
pub struct PupilRow {
    pub enrolment: EnrolmentRow,
    pub first_names: Name,
    pub last_name: Name,
    pub birth_date: NaiveDate,
}

/// What a desk lists: for a secretary the policies leave his own collège only.
#[derive(Debug, Clone, Default)]
pub struct DeskFilter {
    pub season: Option<SeasonCode>,
    pub state: Option<EnrolmentState>,
    pub in_network: Option<bool>,
}

pub fn desk_page(
    tx: &mut Tx<'_>,
    filter: &DeskFilter,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<PupilRow>, Error> {
    let mut query = enrolments::table
        .inner_join(children::table.on(children::id.eq(enrolments::child_id)))
        .filter(enrolments::id.gt(EnrolmentId::from_uuid(after.unwrap_or(Uuid::nil()))))
        .filter(enrolments::state.ne(EnrolmentState::Draft))
        .into_boxed();
    if let Some(season) = &filter.season {
        query = query.filter(enrolments::season.eq(season));
    }
    if let Some(state) = filter.state {
        query = query.filter(enrolments::state.eq(state));
    }
    if let Some(in_network) = filter.in_network {
        query = query.filter(enrolments::in_network.eq(in_network));
    }
    Ok(query
        .order(enrolments::id)
        .limit(limit)
        .select((EnrolmentRow::as_select(), children::first_names, children::last_name, children::birth_date))
        .load(tx.conn)?)
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = sql_types::Bool)]
    found: bool,
}

/// Whether the same pupil (name and birth date) already has his rights for the season through another file: each parent of a separated
/// couple may have opened one. A secretary sees his own collège, an agent the department.
pub fn same_pupil_is_enrolled(tx: &mut Tx<'_>, row: &EnrolmentRow) -> Result<bool, Error> {
    // Two desks that confirm the two files at one moment wait for each other here.
    diesel::sql_query(
        "select pg_advisory_xact_lock(hashtextextended(folded(last_name) || folded(first_names) || birth_date || $2, 1))
           from children where id = $1",
    )
    .bind::<sql_types::Uuid, _>(row.child_id)
    .bind::<sql_types::Text, _>(&row.season)
    .execute(tx.conn)?;
    let Found { found } = diesel::sql_query(
        "select exists (
             select 1 from children mine
               join children other on other.id <> mine.id and other.birth_date = mine.birth_date
                and folded(other.last_name) = folded(mine.last_name) and folded(other.first_names) = folded(mine.first_names)
               join enrolments e on e.child_id = other.id and e.season = $2 and e.state in ('confirmed', 'active', 'suspended')
              where mine.id = $1) as found",
    )
    .bind::<sql_types::Uuid, _>(row.child_id)
    .bind::<sql_types::Text, _>(&row.season)
    .get_result(tx.conn)?;
    Ok(found)
}

#[derive(QueryableByName)]
struct Moved {
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    id: Option<EnrolmentId>,
}

/// Through the database's own door: a secretary cannot see pupils of other collèges.
pub fn move_to_my_college(
    tx: &mut Tx<'_>,
    arrival: &Arrival,
    college_name: &Label,
) -> Result<Option<EnrolmentId>, Error> {
    let moved: Moved = diesel::sql_query("select record_arrival($1, $2, $3, $4, $5, $6) as id")
        .bind::<sql_types::Text, _>(&arrival.season)
        .bind::<sql_types::Text, _>(&arrival.last_name)
        .bind::<sql_types::Text, _>(&arrival.first_names)
        .bind::<sql_types::Date, _>(arrival.birth_date)
        .bind::<sql_types::Text, _>(arrival.level)
        .bind::<sql_types::Text, _>(college_name)
        .get_result(tx.conn)?;
    Ok(moved.id)
}

//! Enrolments and where they stand.

use super::{
    Request,
    moves::Arrival,
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
    schema::department::{children, enrolment_attestations, enrolment_events, enrolments},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, Array},
};
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

/// Those of them that the caller may change, locked in the order of their ids.
pub fn lock_many(tx: &mut Tx<'_>, ids: &[EnrolmentId]) -> Result<Vec<EnrolmentRow>, Error> {
    Ok(enrolments::table
        .filter(enrolments::id.eq_any(ids))
        .order(enrolments::id)
        .select(EnrolmentRow::as_select())
        .for_update()
        .load(tx.conn)?)
}

#[derive(QueryableByName)]
struct Activated {
    #[diesel(sql_type = Array<sql_types::Uuid>)]
    ids: Vec<EnrolmentId>,
}

/// Through the database's own door, which checks who asks, opens the wallets and moves the money.
pub fn activate(tx: &mut Tx<'_>, ids: &[EnrolmentId]) -> Result<Vec<EnrolmentId>, Error> {
    let activated: Activated = diesel::sql_query("select activate_enrolments($1, $2) as ids")
        .bind::<sql_types::Uuid, _>(tx.caller.request)
        .bind::<Array<sql_types::Uuid>, _>(ids)
        .get_result(tx.conn)?;
    Ok(activated.ids)
}

/// Keeps a collège's word on each of these requests, at those levels; the caller's last word counts.
pub fn attest(tx: &mut Tx<'_>, words: &[(EnrolmentId, Level)]) -> Result<(), Error> {
    let now = tx.now()?;
    let (ids, levels): (Vec<EnrolmentId>, Vec<Level>) = words.iter().copied().unzip();
    diesel::sql_query(
        "with said as (select * from unnest($1, $2) s (id, level)),
              levelled as (
                  update enrolments e set level = s.level, version = version + 1 from said s
                   where e.id = s.id and e.level <> s.level returning e.id)
         insert into enrolment_attestations (enrolment_id, college_uai, level, attested_by, attested_at)
         select e.id, e.college_uai, s.level, $3, $4 from said s join enrolments e on e.id = s.id
         on conflict (enrolment_id) do update
            set (college_uai, level, attested_by, attested_at)
              = (excluded.college_uai, excluded.level, excluded.attested_by, excluded.attested_at)",
    )
    .bind::<Array<sql_types::Uuid>, _>(ids)
    .bind::<Array<sql_types::Text>, _>(levels)
    .bind::<sql_types::Nullable<sql_types::Uuid>, _>(tx.caller.actor.id())
    .bind::<sql_types::Timestamptz, _>(now)
    .execute(tx.conn)?;
    Ok(())
}

/// What waits for a family's word.
pub fn to_confirm(tx: &mut Tx<'_>, family: FamilyId) -> Result<Vec<EnrolmentRow>, Error> {
    Ok(enrolments::table
        .filter(enrolments::family_id.eq(family).and(enrolments::state.eq(EnrolmentState::ToConfirm)))
        .order(enrolments::id)
        .select(EnrolmentRow::as_select())
        .load(tx.conn)?)
}

/// Whether the collège has said that it knows the pupil, at the level and in the place that the request names now, and has not given the
/// request back since.
pub fn is_attested(tx: &mut Tx<'_>, row: &EnrolmentRow) -> Result<bool, Error> {
    let given_back_at = row.decided_at.unwrap_or(row.created_at);
    let words = enrolment_attestations::table
        .find(row.id)
        .filter(enrolment_attestations::college_uai.eq(&row.college_uai))
        .filter(enrolment_attestations::level.eq(row.level))
        .filter(enrolment_attestations::attested_at.gt(given_back_at));
    Ok(diesel::select(diesel::dsl::exists(words)).get_result(tx.conn)?)
}

/// Whether anything of the child still waits or lives.
pub fn has_open_request(tx: &mut Tx<'_>, child: ChildId) -> Result<bool, Error> {
    let open = enrolments::table.filter(enrolments::child_id.eq(child)).filter(enrolments::state.ne_all([
        EnrolmentState::Draft,
        EnrolmentState::Refused,
        EnrolmentState::Expired,
    ]));
    Ok(diesel::select(diesel::dsl::exists(open)).get_result(tx.conn)?)
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

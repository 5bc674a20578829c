//! Versions of the rules. Row-level security shows drafts to the department's agents only; a row is never published twice.

use super::rules::SeasonRules;
use crate::{
    db::Tx,
    error::Error,
    kernel::{ids::AccountId, text::SeasonCode},
    schema::department::season_versions,
};
use chrono::{DateTime, Utc};
use diesel::{pg::Pg, prelude::*, sql_types};
use serde_json::Value;

/// A published version.
#[derive(Debug, Clone)]
pub struct Version {
    pub season: SeasonCode,
    pub version: i32,
    pub effective_from: DateTime<Utc>,
    pub rules: SeasonRules,
}

#[derive(Queryable, QueryableByName)]
struct VersionRow {
    #[diesel(sql_type = sql_types::Text)]
    season: SeasonCode,
    #[diesel(sql_type = sql_types::Integer)]
    version: i32,
    #[diesel(sql_type = sql_types::Timestamptz)]
    effective_from: DateTime<Utc>,
    #[diesel(sql_type = sql_types::Jsonb)]
    rules: Value,
}

impl TryFrom<VersionRow> for Version {
    type Error = Error;
    fn try_from(row: VersionRow) -> Result<Self, Error> {
        let VersionRow { season, version, effective_from, rules } = row;
        Ok(Self { season, version, effective_from, rules: read(rules)? })
    }
}

/// A version being written.
#[derive(Debug, Clone)]
pub struct Draft {
    pub season: SeasonCode,
    pub version: i32,
    pub drafted_at: DateTime<Utc>,
    pub rules: SeasonRules,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = season_versions)]
struct DraftRow {
    season: SeasonCode,
    version: i32,
    drafted_at: DateTime<Utc>,
    rules: Value,
}

impl TryFrom<DraftRow> for Draft {
    type Error = Error;
    fn try_from(row: DraftRow) -> Result<Self, Error> {
        let DraftRow { season, version, drafted_at, rules } = row;
        Ok(Self { season, version, drafted_at, rules: read(rules)? })
    }
}

fn read(rules: Value) -> Result<SeasonRules, Error> {
    serde_json::from_value(rules).map_err(Error::internal)
}

fn write(rules: &SeasonRules) -> Result<Value, Error> {
    serde_json::to_value(rules).map_err(Error::internal)
}

/// `effective_from` is there in every published row: a check of the table says so.
type VersionColumns = (
    season_versions::season,
    season_versions::version,
    diesel::dsl::AssumeNotNull<season_versions::effective_from>,
    season_versions::rules,
);

fn version_columns() -> VersionColumns {
    (
        season_versions::season,
        season_versions::version,
        season_versions::effective_from.assume_not_null(),
        season_versions::rules,
    )
}

type Versions<'a> = season_versions::BoxedQuery<'a, Pg>;

fn published_of(season: &SeasonCode) -> Versions<'_> {
    season_versions::table
        .filter(season_versions::season.eq(season).and(season_versions::state.eq("published")))
        .into_boxed()
}

/// The published version that takes effect last, among those in effect `by` that instant or among all.
pub fn latest(tx: &mut Tx<'_>, season: &SeasonCode, by: Option<DateTime<Utc>>) -> Result<Option<Version>, Error> {
    let mut query = published_of(season);
    if let Some(by) = by {
        query = query.filter(season_versions::effective_from.le(by));
    }
    let row: Option<VersionRow> =
        query.order_by(season_versions::effective_from.desc()).select(version_columns()).first(tx.conn).optional()?;
    row.map(Version::try_from).transpose()
}

/// The published versions that take effect after that instant, the next one first.
pub fn versions_after(
    tx: &mut Tx<'_>,
    season: &SeasonCode,
    at: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Version>, Error> {
    let rows: Vec<VersionRow> = published_of(season)
        .filter(season_versions::effective_from.gt(at))
        .order_by(season_versions::effective_from)
        .limit(limit)
        .select(version_columns())
        .load(tx.conn)?;
    rows.into_iter().map(Version::try_from).collect()
}

/// One version a season, the latest season first: the one in effect at that instant, or the first to come.
pub fn current_versions(
    tx: &mut Tx<'_>,
    at: DateTime<Utc>,
    before: Option<&SeasonCode>,
    limit: i64,
) -> Result<Vec<Version>, Error> {
    let rows: Vec<VersionRow> = diesel::sql_query(
        "select distinct on (season) season, version, effective_from, rules from season_versions
         where state = 'published' and ($2 is null or season < $2)
         order by season desc, effective_from <= $1 desc, abs(extract(epoch from effective_from - $1)) limit $3",
    )
    .bind::<sql_types::Timestamptz, _>(at)
    .bind::<sql_types::Nullable<sql_types::Text>, _>(before)
    .bind::<sql_types::BigInt, _>(limit)
    .load(tx.conn)?;
    rows.into_iter().map(Version::try_from).collect()
}

/// Numbered after the last version; the table refuses a second draft.
pub fn insert_draft(
    tx: &mut Tx<'_>,
    season: &SeasonCode,
    rules: &SeasonRules,
    by: AccountId,
    now: DateTime<Utc>,
) -> Result<Draft, Error> {
    let last: Option<i32> = season_versions::table
        .filter(season_versions::season.eq(season))
        .select(diesel::dsl::max(season_versions::version))
        .first(tx.conn)?;
    let row: DraftRow = diesel::insert_into(season_versions::table)
        .values((
            season_versions::season.eq(season),
            season_versions::version.eq(last.unwrap_or(0).saturating_add(1)),
            season_versions::state.eq("draft"),
            season_versions::rules.eq(write(rules)?),
            season_versions::drafted_by.eq(by),
            season_versions::drafted_at.eq(now),
        ))
        .returning(DraftRow::as_returning())
        .get_result(tx.conn)?;
    row.try_into()
}

/// The season's draft, if it has one.
pub fn draft(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<Option<Draft>, Error> {
    let row: Option<DraftRow> = season_versions::table
        .filter(season_versions::season.eq(season).and(season_versions::state.eq("draft")))
        .select(DraftRow::as_select())
        .first(tx.conn)
        .optional()?;
    row.map(Draft::try_from).transpose()
}

/// As `draft`; nobody else rewrites, discards or publishes it meanwhile.
pub fn lock_draft(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<Option<Draft>, Error> {
    let row: Option<DraftRow> = season_versions::table
        .filter(season_versions::season.eq(season).and(season_versions::state.eq("draft")))
        .select(DraftRow::as_select())
        .for_update()
        .first(tx.conn)
        .optional()?;
    row.map(Draft::try_from).transpose()
}

/// Writes the draft over; none when there is none.
pub fn rewrite_draft(
    tx: &mut Tx<'_>,
    season: &SeasonCode,
    rules: &SeasonRules,
    by: AccountId,
    now: DateTime<Utc>,
) -> Result<Option<Draft>, Error> {
    let drafts =
        season_versions::table.filter(season_versions::season.eq(season).and(season_versions::state.eq("draft")));
    let row: Option<DraftRow> = diesel::update(drafts)
        .set((
            season_versions::rules.eq(write(rules)?),
            season_versions::drafted_by.eq(by),
            season_versions::drafted_at.eq(now),
        ))
        .returning(DraftRow::as_returning())
        .get_result(tx.conn)
        .optional()?;
    row.map(Draft::try_from).transpose()
}

/// Deletes the draft and gives its number back; none when there is none.
pub fn delete_draft(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<Option<i32>, Error> {
    let drafts =
        season_versions::table.filter(season_versions::season.eq(season).and(season_versions::state.eq("draft")));
    Ok(diesel::delete(drafts).returning(season_versions::version).get_result(tx.conn).optional()?)
}

/// Makes the locked draft a published version.
pub fn publish_draft(
    tx: &mut Tx<'_>,
    season: &SeasonCode,
    effective_from: DateTime<Utc>,
    by: AccountId,
    now: DateTime<Utc>,
) -> Result<Version, Error> {
    let drafts =
        season_versions::table.filter(season_versions::season.eq(season).and(season_versions::state.eq("draft")));
    let row: VersionRow = diesel::update(drafts)
        .set((
            season_versions::state.eq("published"),
            season_versions::effective_from.eq(effective_from),
            season_versions::published_by.eq(by),
            season_versions::published_at.eq(now),
        ))
        .returning(version_columns())
        .get_result(tx.conn)?;
    row.try_into()
}

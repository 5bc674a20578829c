//! News and how far their sending is.

use super::NewsState;
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, GuardianId, NewsId, RequestId},
        text::{Label, Paragraphs},
    },
    schema::department::news,
};
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, Array},
};
use uuid::Uuid;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = news)]
pub struct NewsRow {
    pub id: NewsId,
    pub subject: Label,
    pub body: Paragraphs,
    pub state: NewsState,
    pub written_by: AccountId,
    pub written_at: DateTime<Utc>,
    pub decided_by: Option<AccountId>,
    pub decided_at: Option<DateTime<Utc>>,
    pub last_guardian: Option<GuardianId>,
    pub letters: i64,
    pub sent_at: Option<DateTime<Utc>>,
}

pub fn insert(tx: &mut Tx<'_>, by: AccountId, subject: &Label, body: &Paragraphs) -> Result<NewsRow, Error> {
    let now = tx.now()?;
    Ok(diesel::insert_into(news::table)
        .values((
            news::id.eq(NewsId::generate()),
            news::subject.eq(subject),
            news::body.eq(body),
            news::state.eq(NewsState::Proposed),
            news::written_by.eq(by),
            news::written_at.eq(now),
        ))
        .returning(NewsRow::as_returning())
        .get_result(tx.conn)?)
}

pub fn news(tx: &mut Tx<'_>, id: NewsId) -> Result<NewsRow, Error> {
    Ok(news::table.find(id).select(NewsRow::as_select()).first(tx.conn)?)
}

/// None when it was decided before.
pub fn decide(tx: &mut Tx<'_>, id: NewsId, state: NewsState, by: AccountId) -> Result<Option<NewsRow>, Error> {
    let now = tx.now()?;
    Ok(diesel::update(news::table.find(id).filter(news::state.eq(NewsState::Proposed)))
        .set((news::state.eq(state), news::decided_by.eq(by), news::decided_at.eq(now)))
        .returning(NewsRow::as_returning())
        .get_result(tx.conn)
        .optional()?)
}

pub fn page(tx: &mut Tx<'_>, before: Option<Uuid>, limit: i64) -> Result<Vec<NewsRow>, Error> {
    let mut query =
        news::table.select(NewsRow::as_select()).order(news::id.desc()).limit(limit.saturating_add(1)).into_boxed();
    if let Some(before) = before {
        query = query.filter(news::id.lt(NewsId::from_uuid(before)));
    }
    Ok(query.load(tx.conn)?)
}

/// The first approved news that are not sent and in no other hands.
pub fn lock_approved(tx: &mut Tx<'_>) -> Result<Option<NewsRow>, Error> {
    Ok(news::table
        .filter(news::state.eq(NewsState::Approved))
        .order(news::id)
        .select(NewsRow::as_select())
        .for_update()
        .skip_locked()
        .first(tx.conn)
        .optional()?)
}

/// Leaves a letter to each of these guardians to the worker and counts them; nobody left means sent.
pub fn advance(tx: &mut Tx<'_>, id: NewsId, readers: &[GuardianId]) -> Result<NewsRow, Error> {
    let now = tx.now()?;
    let Some(last) = readers.last() else {
        return Ok(diesel::update(news::table.find(id))
            .set((news::state.eq(NewsState::Sent), news::sent_at.eq(now)))
            .returning(NewsRow::as_returning())
            .get_result(tx.conn)?);
    };
    let jobs: Vec<RequestId> = readers.iter().map(|_| RequestId::generate()).collect();
    let letters = diesel::sql_query(
        "insert into jobs (id, kind, payload, created_at, run_at)
         select job, 'news_letter', jsonb_build_object('news_id', $1, 'guardian_id', guardian), $2, $2
           from unnest($3, $4) t (job, guardian)",
    )
    .bind::<sql_types::Uuid, _>(id)
    .bind::<sql_types::Timestamptz, _>(now)
    .bind::<Array<sql_types::Uuid>, _>(jobs)
    .bind::<Array<sql_types::Uuid>, _>(readers)
    .execute(tx.conn)?;
    let letters = i64::try_from(letters).map_err(Error::internal)?;
    Ok(diesel::update(news::table.find(id))
        .set((news::last_guardian.eq(last), news::letters.eq(news::letters + letters)))
        .returning(NewsRow::as_returning())
        .get_result(tx.conn)?)
}

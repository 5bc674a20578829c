//! Lines of the journal of consents: added and read, never changed.

use super::{Choice, ConsentChannel, ConsentPurpose};
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{ConsentId, FamilyId, GuardianId},
        text::{Code, Email},
    },
    schema::department::consents,
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{prelude::*, sql_query, sql_types};
use uuid::Uuid;

/// A line of the journal.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = consents)]
pub struct ConsentLine {
    pub id: ConsentId,
    pub purpose: ConsentPurpose,
    pub granted: bool,
    pub text_version: Code,
    pub channel: ConsentChannel,
    pub at: DateTime<Utc>,
}

pub fn insert(
    tx: &mut Tx<'_>,
    id: ConsentId,
    family: FamilyId,
    guardian: GuardianId,
    choice: &Choice,
) -> Result<ConsentLine, Error> {
    let now = tx.now()?;
    Ok(diesel::insert_into(consents::table)
        .values((
            consents::id.eq(id),
            consents::family_id.eq(family),
            consents::guardian_id.eq(guardian),
            consents::purpose.eq(choice.purpose),
            consents::granted.eq(choice.granted),
            consents::text_version.eq(&choice.text_version),
            consents::channel.eq(choice.channel),
            consents::at.eq(now),
        ))
        .returning(ConsentLine::as_returning())
        .get_result(tx.conn)?)
}

pub fn last_lines(tx: &mut Tx<'_>, guardian: GuardianId) -> Result<Vec<ConsentLine>, Error> {
    Ok(consents::table
        .filter(consents::guardian_id.eq(guardian))
        .distinct_on(consents::purpose)
        .order((consents::purpose, consents::at.desc(), consents::id.desc()))
        .select(ConsentLine::as_select())
        .load(tx.conn)?)
}

pub fn lines(
    tx: &mut Tx<'_>,
    guardian: GuardianId,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<ConsentLine>, Error> {
    let mut query = consents::table
        .filter(consents::guardian_id.eq(guardian))
        .select(ConsentLine::as_select())
        .order(consents::id.desc())
        .limit(limit.saturating_add(1))
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(consents::id.lt(before));
    }
    Ok(query.load(tx.conn)?)
}

/// Guardians with an account and present rights whose last word about news by e-mail is a yes. `$1` is today.
const READERS: &str = "
    from guardians g
   cross join lateral (select granted, at from consents c where c.guardian_id = g.id and c.purpose = 'news_email'
                        order by at desc, id desc limit 1) word
   where word.granted and g.account_id is not null and g.rights_from <= $1 and (g.rights_until is null or g.rights_until >= $1)";

/// The same, each person once: who has two files reads by the older one.
fn persons() -> String {
    format!(
        "{READERS} and not exists (select 1 from (select g.id, g.account_id {READERS}) other where other.account_id = g.account_id and other.id < g.id)"
    )
}

#[derive(QueryableByName)]
struct Reader {
    #[diesel(sql_type = sql_types::Text)]
    email: Email,
    #[diesel(sql_type = sql_types::Timestamptz)]
    at: DateTime<Utc>,
}

pub fn news_by_email(
    tx: &mut Tx<'_>,
    guardian: GuardianId,
    today: NaiveDate,
) -> Result<Option<(Email, DateTime<Utc>)>, Error> {
    let reader: Option<Reader> = sql_query(format!("select g.email, word.at {READERS} and g.id = $2"))
        .bind::<sql_types::Date, _>(today)
        .bind::<sql_types::Uuid, _>(guardian)
        .get_result(tx.conn)
        .optional()?;
    Ok(reader.map(|reader| (reader.email, reader.at)))
}

#[derive(QueryableByName)]
struct ReaderId {
    #[diesel(sql_type = sql_types::Uuid)]
    id: GuardianId,
}

pub fn next_news_by_email(
    tx: &mut Tx<'_>,
    after: Option<GuardianId>,
    limit: i64,
    today: NaiveDate,
) -> Result<Vec<GuardianId>, Error> {
    let readers: Vec<ReaderId> =
        sql_query(format!("select g.id {} and ($2 is null or g.id > $2) order by g.id limit $3", persons()))
            .bind::<sql_types::Date, _>(today)
            .bind::<sql_types::Nullable<sql_types::Uuid>, _>(after)
            .bind::<sql_types::BigInt, _>(limit)
            .load(tx.conn)?;
    Ok(readers.into_iter().map(|reader| reader.id).collect())
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = sql_types::BigInt)]
    readers: i64,
}

pub fn count_news_by_email(tx: &mut Tx<'_>, today: NaiveDate) -> Result<i64, Error> {
    let count: Count = sql_query(format!("select count(*) as readers {}", persons()))
        .bind::<sql_types::Date, _>(today)
        .get_result(tx.conn)?;
    Ok(count.readers)
}

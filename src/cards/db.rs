//! Cards and the keys that sign them.

use super::{BlockReason, CardForm, Holder, state::CardState};
use crate::{
    db::Tx,
    error::Error,
    kernel::ids::{CardId, ChildId, FamilyId},
    schema::department::{card_keys, cards, found_cards},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{self, Array, Binary, Date, Text},
};
use std::collections::BTreeSet;
use uuid::Uuid;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = cards)]
pub struct CardRow {
    pub id: CardId,
    pub child_id: ChildId,
    pub family_id: FamilyId,
    pub state: CardState,
    pub code_sealed: Vec<u8>,
    pub valid_until: NaiveDate,
    pub issued_at: DateTime<Utc>,
    pub blocked_at: Option<DateTime<Utc>>,
    pub block_reason: Option<BlockReason>,
    pub form: CardForm,
}

/// A card to be made.
#[derive(Debug)]
pub struct NewCard {
    pub id: CardId,
    pub holder: Holder,
    pub fingerprint: Vec<u8>,
    pub sealed: Vec<u8>,
}

/// Inserts cards of one form and state in one statement and says how many: a child that has one of that place already, in use or on its
/// way, gets none. Neither `returning` nor a conflict target: both would ask for the right to read the cards, and a secretary issues cards
/// he may not see.
pub fn insert(tx: &mut Tx<'_>, cards: &[NewCard], form: CardForm, state: CardState) -> Result<usize, Error> {
    let now = tx.now()?;
    Ok(diesel::sql_query(
        "insert into cards (id, child_id, family_id, state, form, code_fingerprint, code_sealed, valid_until, issued_at)
         select id, child, family, $7, $8, print, sealed, until, $9
           from unnest($1, $2, $3, $4, $5, $6) t (id, child, family, print, sealed, until)
         on conflict do nothing",
    )
    .bind::<Array<sql_types::Uuid>, _>(each(cards, |card| card.id))
    .bind::<Array<sql_types::Uuid>, _>(each(cards, |card| card.holder.child))
    .bind::<Array<sql_types::Uuid>, _>(each(cards, |card| card.holder.family))
    .bind::<Array<Binary>, _>(each(cards, |card| card.fingerprint.as_slice()))
    .bind::<Array<Binary>, _>(each(cards, |card| card.sealed.as_slice()))
    .bind::<Array<Date>, _>(each(cards, |card| card.holder.valid_until))
    .bind::<Text, _>(state)
    .bind::<Text, _>(form)
    .bind::<sql_types::Timestamptz, _>(now)
    .execute(tx.conn)?)
}

fn each<'a, S, T>(of: &'a [S], what: impl Fn(&'a S) -> T) -> Vec<T> {
    of.iter().map(what).collect()
}

#[derive(QueryableByName)]
struct Revalidated {
    #[diesel(sql_type = Array<sql_types::Uuid>)]
    children: Vec<ChildId>,
}

/// Which of them have a card in use: their living cards are good until their day now. Through the database's own door: a secretary
/// confirms pupils whose cards he may not see.
pub fn revalidate(tx: &mut Tx<'_>, holders: &[Holder]) -> Result<BTreeSet<ChildId>, Error> {
    let revalidated: Revalidated = diesel::sql_query("select revalidate_cards($1, $2) as children")
        .bind::<Array<sql_types::Uuid>, _>(each(holders, |holder| holder.child))
        .bind::<Array<Date>, _>(each(holders, |holder| holder.valid_until))
        .get_result(tx.conn)?;
    Ok(revalidated.children.into_iter().collect())
}

pub fn card(tx: &mut Tx<'_>, id: CardId) -> Result<CardRow, Error> {
    Ok(cards::table.find(id).select(CardRow::as_select()).first(tx.conn)?)
}

/// Every card of the child that may still serve, locked: what becomes of one depends on the others.
pub fn lock_living_of(tx: &mut Tx<'_>, child: ChildId) -> Result<Vec<CardRow>, Error> {
    Ok(cards::table
        .filter(cards::child_id.eq(child))
        .filter(cards::state.ne_all([CardState::Replaced, CardState::Expired]))
        .order(cards::id)
        .select(CardRow::as_select())
        .for_update()
        .load(tx.conn)?)
}

/// The child's card in use.
pub fn used_of(tx: &mut Tx<'_>, child: ChildId) -> Result<Option<CardRow>, Error> {
    Ok(cards::table
        .filter(cards::child_id.eq(child))
        .filter(cards::state.eq_any([CardState::Active, CardState::Blocked]))
        .select(CardRow::as_select())
        .first(tx.conn)
        .optional()?)
}

/// All cards a child ever had, from the newest, those before that one only.
pub fn cards_of(tx: &mut Tx<'_>, child: ChildId, before: Option<CardId>, limit: i64) -> Result<Vec<CardRow>, Error> {
    let mut query = cards::table
        .filter(cards::child_id.eq(child))
        .order(cards::id.desc())
        .limit(limit)
        .select(CardRow::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(cards::id.lt(before));
    }
    Ok(query.load(tx.conn)?)
}

pub fn set_state(tx: &mut Tx<'_>, id: CardId, state: CardState) -> Result<CardRow, Error> {
    Ok(diesel::update(cards::table.find(id))
        .set(cards::state.eq(state))
        .returning(CardRow::as_returning())
        .get_result(tx.conn)?)
}

/// Notes why and since when a card is blocked, or that it no longer is.
pub fn set_block(tx: &mut Tx<'_>, id: CardId, reason: Option<BlockReason>) -> Result<CardRow, Error> {
    let blocked_at = reason.is_some().then_some(tx.now()?);
    Ok(diesel::update(cards::table.find(id))
        .set((cards::block_reason.eq(reason), cards::blocked_at.eq(blocked_at)))
        .returning(CardRow::as_returning())
        .get_result(tx.conn)?)
}

#[derive(QueryableByName)]
struct Ended {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
}

/// Ends so many of the cards whose last day was before `today`, on their way or in use; those in other hands come later.
pub fn expire(tx: &mut Tx<'_>, today: NaiveDate, limit: i64) -> Result<Vec<Uuid>, Error> {
    let ended: Vec<Ended> = diesel::sql_query(
        "update cards set state = 'expired'
          where id in (select id from cards
                        where valid_until < $1 and state in ('ordered', 'printed', 'posted', 'active', 'blocked')
                        order by valid_until limit $2 for update skip locked)
         returning id",
    )
    .bind::<sql_types::Date, _>(today)
    .bind::<sql_types::BigInt, _>(limit)
    .load(tx.conn)?;
    Ok(ended.into_iter().map(|row| row.id).collect())
}

/// Cards that pay nothing though their last day is not over, with their sealed numbers.
pub fn refused(tx: &mut Tx<'_>, today: NaiveDate) -> Result<Vec<(CardId, Vec<u8>)>, Error> {
    // In the words of the index.
    let states = [CardState::Ordered, CardState::Printed, CardState::Posted, CardState::Blocked, CardState::Replaced];
    Ok(cards::table
        .filter(cards::valid_until.ge(today))
        .filter(cards::state.eq_any(states))
        .select((cards::id, cards::code_sealed))
        .load(tx.conn)?)
}

pub fn by_fingerprint(tx: &mut Tx<'_>, fingerprint: &[u8]) -> Result<Option<CardRow>, Error> {
    let found = cards::table.filter(cards::code_fingerprint.eq(fingerprint)).select(CardRow::as_select());
    Ok(found.first(tx.conn).optional()?)
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = found_cards)]
pub struct FoundRow {
    pub id: Uuid,
    pub card_id: CardId,
    pub family_id: FamilyId,
    pub place: Option<String>,
    pub reported_at: DateTime<Utc>,
}

/// How often a card was reported found since then.
pub fn found_since(tx: &mut Tx<'_>, card: CardId, since: DateTime<Utc>) -> Result<i64, Error> {
    let reports = found_cards::table.filter(found_cards::card_id.eq(card)).filter(found_cards::reported_at.gt(since));
    Ok(reports.count().get_result(tx.conn)?)
}

/// False when this report was noted before.
pub fn insert_found(tx: &mut Tx<'_>, report: Uuid, card: &CardRow, place: Option<&str>) -> Result<bool, Error> {
    let now = tx.now()?;
    let inserted = diesel::insert_into(found_cards::table)
        .values((
            found_cards::id.eq(report),
            found_cards::card_id.eq(card.id),
            found_cards::family_id.eq(card.family_id),
            found_cards::place.eq(place),
            found_cards::reported_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn)?;
    Ok(inserted == 1)
}

/// Reports from the newest, those before that one only.
pub fn found(tx: &mut Tx<'_>, before: Option<Uuid>, limit: i64) -> Result<Vec<FoundRow>, Error> {
    let mut query =
        found_cards::table.order(found_cards::id.desc()).limit(limit).select(FoundRow::as_select()).into_boxed();
    if let Some(before) = before {
        query = query.filter(found_cards::id.lt(before));
    }
    Ok(query.load(tx.conn)?)
}

#[derive(Debug, Queryable)]
pub struct KeyRow {
    pub kid: String,
    pub public_key: Vec<u8>,
    pub private_sealed: Vec<u8>,
}

pub fn newest_key(tx: &mut Tx<'_>) -> Result<Option<KeyRow>, Error> {
    Ok(card_keys::table
        .order(card_keys::created_at.desc())
        .select((card_keys::kid, card_keys::public_key, card_keys::private_sealed))
        .first(tx.conn)
        .optional()?)
}

pub fn keys(tx: &mut Tx<'_>) -> Result<Vec<(String, Vec<u8>)>, Error> {
    Ok(card_keys::table.order(card_keys::created_at).select((card_keys::kid, card_keys::public_key)).load(tx.conn)?)
}

pub fn insert_key(tx: &mut Tx<'_>, kid: &str, public: &[u8], sealed: &[u8]) -> Result<(), Error> {
    let now = tx.now()?;
    diesel::insert_into(card_keys::table)
        .values((
            card_keys::kid.eq(kid),
            card_keys::public_key.eq(public),
            card_keys::private_sealed.eq(sealed),
            card_keys::created_at.eq(now),
        ))
        .execute(tx.conn)?;
    Ok(())
}

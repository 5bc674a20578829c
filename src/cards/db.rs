//! Cards and the keys that sign them.

use super::{BlockReason, Holder, state::CardState};
use crate::{
    db::Tx,
    error::Error,
    kernel::ids::{CardId, ChildId, FamilyId},
    schema::department::{card_keys, cards},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    result::Error as DieselError,
    sql_types::{self, Array, Binary, Date, Uuid},
};
use std::collections::BTreeSet;

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
}

/// A card about to be.
pub struct NewCard {
    pub id: CardId,
    pub holder: Holder,
    pub fingerprint: Vec<u8>,
    pub sealed: Vec<u8>,
}

/// Inserts active cards in one statement. Neither `returning` nor a conflict target: both would ask for the right to read the cards,
/// and a secretary issues cards he may not see. When another transaction has just given one of the children a card, the whole
/// transaction begins again.
pub fn insert(tx: &mut Tx<'_>, cards: &[NewCard]) -> Result<(), Error> {
    let now = tx.now()?;
    let inserted = diesel::sql_query(
        "insert into cards (id, child_id, family_id, state, code_fingerprint, code_sealed, valid_until, issued_at)
         select id, child, family, 'active', print, sealed, until, $7
           from unnest($1, $2, $3, $4, $5, $6) t (id, child, family, print, sealed, until)
         on conflict do nothing",
    )
    .bind::<Array<Uuid>, _>(each(cards, |card| card.id))
    .bind::<Array<Uuid>, _>(each(cards, |card| card.holder.child))
    .bind::<Array<Uuid>, _>(each(cards, |card| card.holder.family))
    .bind::<Array<Binary>, _>(each(cards, |card| card.fingerprint.as_slice()))
    .bind::<Array<Binary>, _>(each(cards, |card| card.sealed.as_slice()))
    .bind::<Array<Date>, _>(each(cards, |card| card.holder.valid_until))
    .bind::<sql_types::Timestamptz, _>(now)
    .execute(tx.conn)?;
    if inserted == cards.len() { Ok(()) } else { Err(Error::Retry(DieselError::RollbackTransaction)) }
}

fn each<'a, S, T>(of: &'a [S], what: impl Fn(&'a S) -> T) -> Vec<T> {
    of.iter().map(what).collect()
}

#[derive(QueryableByName)]
struct Revalidated {
    #[diesel(sql_type = Array<Uuid>)]
    children: Vec<ChildId>,
}

/// Which of them had a living card: it is good until their day now. Through the database's own door: a secretary confirms pupils whose
/// cards he may not see.
pub fn revalidate(tx: &mut Tx<'_>, holders: &[Holder]) -> Result<BTreeSet<ChildId>, Error> {
    let revalidated: Revalidated = diesel::sql_query("select revalidate_cards($1, $2) as children")
        .bind::<Array<Uuid>, _>(each(holders, |holder| holder.child))
        .bind::<Array<Date>, _>(each(holders, |holder| holder.valid_until))
        .get_result(tx.conn)?;
    Ok(revalidated.children.into_iter().collect())
}

pub fn card(tx: &mut Tx<'_>, id: CardId) -> Result<CardRow, Error> {
    Ok(cards::table.find(id).select(CardRow::as_select()).first(tx.conn)?)
}

pub fn lock(tx: &mut Tx<'_>, id: CardId) -> Result<CardRow, Error> {
    Ok(cards::table.find(id).select(CardRow::as_select()).for_update().first(tx.conn)?)
}

pub fn living_of(tx: &mut Tx<'_>, child: ChildId) -> Result<Option<CardRow>, Error> {
    Ok(cards::table
        .filter(cards::child_id.eq(child))
        .filter(cards::state.ne_all([CardState::Replaced, CardState::Expired]))
        .select(CardRow::as_select())
        .first(tx.conn)
        .optional()?)
}

pub fn set_state(tx: &mut Tx<'_>, id: CardId, state: CardState, reason: Option<BlockReason>) -> Result<CardRow, Error> {
    let blocked_at = reason.is_some().then_some(tx.now()?);
    Ok(diesel::update(cards::table.find(id))
        .set((cards::state.eq(state), cards::block_reason.eq(reason), cards::blocked_at.eq(blocked_at)))
        .returning(CardRow::as_returning())
        .get_result(tx.conn)?)
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

//! Cards and the keys that sign them.

use super::{BlockReason, state::CardState};
use crate::{
    db::Tx,
    error::Error,
    kernel::ids::{CardId, ChildId, FamilyId},
    schema::department::{card_keys, cards},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{prelude::*, sql_types};

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

/// Inserts an active card; false when the child has a living one. Neither `returning` nor a conflict target: both would ask for the
/// right to read the card, and a secretary issues cards he may not see.
pub fn insert_unless_living(
    tx: &mut Tx<'_>,
    id: CardId,
    child: ChildId,
    family: FamilyId,
    fingerprint: &[u8],
    sealed: &[u8],
    valid_until: NaiveDate,
) -> Result<bool, Error> {
    let now = tx.now()?;
    let inserted = diesel::sql_query(
        "insert into cards (id, child_id, family_id, state, code_fingerprint, code_sealed, valid_until, issued_at)
         values ($1, $2, $3, 'active', $4, $5, $6, $7)
         on conflict do nothing",
    )
    .bind::<sql_types::Uuid, _>(id)
    .bind::<sql_types::Uuid, _>(child)
    .bind::<sql_types::Uuid, _>(family)
    .bind::<sql_types::Binary, _>(fingerprint)
    .bind::<sql_types::Binary, _>(sealed)
    .bind::<sql_types::Date, _>(valid_until)
    .bind::<sql_types::Timestamptz, _>(now)
    .execute(tx.conn)?;
    Ok(inserted == 1)
}

#[derive(QueryableByName)]
struct Revalidated {
    #[diesel(sql_type = sql_types::Bool)]
    done: bool,
}

/// Through the database's own door: a secretary confirms a pupil whose card he may not see.
pub fn revalidate(tx: &mut Tx<'_>, child: ChildId, valid_until: NaiveDate) -> Result<bool, Error> {
    let revalidated: Revalidated = diesel::sql_query("select revalidate_card($1, $2) as done")
        .bind::<sql_types::Uuid, _>(child)
        .bind::<sql_types::Date, _>(valid_until)
        .get_result(tx.conn)?;
    Ok(revalidated.done)
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

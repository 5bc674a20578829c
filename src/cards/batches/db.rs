//! Batches, their cards, and who prints them.

use super::CardBatchState;
use crate::{
    cards::db::CardRow,
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, CardBatchId, CardId, CardMakerId, ChildId},
        text::Label,
    },
    schema::department::{card_batches, card_makers, cards},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Binary, Date, Integer, Nullable, Text, Uuid as SqlUuid},
};
use uuid::Uuid;

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = card_makers)]
pub struct MakerRow {
    pub id: CardMakerId,
    pub name: Label,
    pub recipient: String,
    pub registered_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = card_batches)]
pub struct BatchRow {
    pub id: CardBatchId,
    pub number: i32,
    pub state: CardBatchState,
    pub cards: i32,
    pub hash: Vec<u8>,
    pub recipient: String,
    pub frozen_by: AccountId,
    pub frozen_at: DateTime<Utc>,
    pub approved_by: Option<AccountId>,
    pub approved_at: Option<DateTime<Utc>>,
    pub exported_at: Option<DateTime<Utc>>,
    pub printed_at: Option<DateTime<Utc>>,
    pub posted_at: Option<DateTime<Utc>>,
}

/// A card as it is printed.
#[derive(Debug, Clone, QueryableByName)]
pub struct PrintRow {
    #[diesel(sql_type = Integer)]
    pub rank: i32,
    #[diesel(sql_type = SqlUuid)]
    pub id: CardId,
    #[diesel(sql_type = SqlUuid)]
    pub child_id: ChildId,
    #[diesel(sql_type = Binary)]
    pub code_fingerprint: Vec<u8>,
    #[diesel(sql_type = Binary)]
    pub code_sealed: Vec<u8>,
    #[diesel(sql_type = Date)]
    pub valid_until: NaiveDate,
    #[diesel(sql_type = Text)]
    pub first_name: String,
    #[diesel(sql_type = Text)]
    pub initial: String,
    /// The accepted portrait.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub photo: Option<Uuid>,
    /// Still to come: neither replaced nor over meanwhile.
    #[diesel(sql_type = diesel::sql_types::Bool)]
    pub is_coming: bool,
}

impl PrintRow {
    pub fn name(&self) -> String {
        format!("{} {}.", self.first_name, self.initial)
    }
}

/// Where the cards to print are found: in their batch, or still waiting, in this order.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    Batch(CardBatchId),
    Waiting(&'a [CardId]),
}

pub fn insert_maker(
    tx: &mut Tx<'_>,
    id: CardMakerId,
    by: AccountId,
    name: &Label,
    recipient: &str,
) -> Result<MakerRow, Error> {
    let now = tx.now()?;
    Ok(diesel::insert_into(card_makers::table)
        .values((
            card_makers::id.eq(id),
            card_makers::name.eq(name),
            card_makers::recipient.eq(recipient),
            card_makers::registered_by.eq(by),
            card_makers::registered_at.eq(now),
        ))
        .returning(MakerRow::as_returning())
        .get_result(tx.conn)?)
}

pub fn maker(tx: &mut Tx<'_>) -> Result<Option<MakerRow>, Error> {
    Ok(card_makers::table.order(card_makers::id.desc()).select(MakerRow::as_select()).first(tx.conn).optional()?)
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: CardId,
}

/// Ordered cards of children with a portrait, the longest waiting first.
pub fn lock_waiting(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<CardId>, Error> {
    let rows: Vec<Id> = diesel::sql_query(
        "select id from cards c
          where state = 'ordered' and batch_id is null and exists (select 1 from photos p where p.child_id = c.child_id and p.state = 'accepted')
          order by issued_at, id limit $1 for update",
    )
    .bind::<BigInt, _>(limit)
    .load(tx.conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many orders wait for a portrait.
pub fn without_photo(tx: &mut Tx<'_>) -> Result<i64, Error> {
    let row: Count = diesel::sql_query(
        "select count(*) as count from cards c
          where state = 'ordered' and batch_id is null and not exists (select 1 from photos p where p.child_id = c.child_id and p.state = 'accepted')",
    )
    .get_result(tx.conn)?;
    Ok(row.count)
}

pub fn next_number(tx: &mut Tx<'_>) -> Result<i32, Error> {
    let last: Option<i32> = card_batches::table.select(diesel::dsl::max(card_batches::number)).first(tx.conn)?;
    Ok(last.unwrap_or_default().saturating_add(1))
}

pub fn insert(tx: &mut Tx<'_>, row: &BatchRow) -> Result<(), Error> {
    diesel::insert_into(card_batches::table).values(row).execute(tx.conn)?;
    Ok(())
}

/// Gives the cards their ranks in a batch, from 1, in this order.
pub fn take(tx: &mut Tx<'_>, batch: CardBatchId, waiting: &[CardId]) -> Result<(), Error> {
    diesel::sql_query(
        "update cards set batch_id = $1, batch_rank = w.rank from unnest($2) with ordinality w (id, rank) where cards.id = w.id",
    )
    .bind::<SqlUuid, _>(batch)
    .bind::<Array<SqlUuid>, _>(waiting)
    .execute(tx.conn)?;
    Ok(())
}

/// Takes the cards out of a batch; those that are still to be printed wait again, the longest waiting first.
pub fn release(tx: &mut Tx<'_>, batch: CardBatchId) -> Result<(), Error> {
    diesel::update(cards::table.filter(cards::batch_id.eq(batch)))
        .set((cards::batch_id.eq(None::<CardBatchId>), cards::batch_rank.eq(None::<i32>)))
        .execute(tx.conn)?;
    Ok(())
}

/// The cards of a batch that can still be printed, in their order.
pub fn printable(tx: &mut Tx<'_>, batch: CardBatchId) -> Result<Vec<CardId>, Error> {
    let rows: Vec<Id> = diesel::sql_query(
        "select id from cards c
          where batch_id = $1 and state = 'ordered' and exists (select 1 from photos p where p.child_id = c.child_id and p.state = 'accepted')
          order by batch_rank for update",
    )
    .bind::<SqlUuid, _>(batch)
    .load(tx.conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// A batch frozen anew, which nobody has approved.
pub fn set_frozen(tx: &mut Tx<'_>, row: &BatchRow) -> Result<BatchRow, Error> {
    Ok(diesel::update(card_batches::table.find(row.id))
        .set((
            card_batches::state.eq(row.state),
            card_batches::cards.eq(row.cards),
            card_batches::hash.eq(&row.hash),
            card_batches::recipient.eq(&row.recipient),
            card_batches::frozen_by.eq(row.frozen_by),
            card_batches::frozen_at.eq(row.frozen_at),
            card_batches::approved_by.eq(row.approved_by),
            card_batches::approved_at.eq(row.approved_at),
        ))
        .returning(BatchRow::as_returning())
        .get_result(tx.conn)?)
}

/// Notes when the archive first left.
pub fn set_exported(tx: &mut Tx<'_>, id: CardBatchId) -> Result<(), Error> {
    let now = tx.now()?;
    diesel::update(card_batches::table.find(id).filter(card_batches::exported_at.is_null()))
        .set(card_batches::exported_at.eq(now))
        .execute(tx.conn)?;
    Ok(())
}

pub fn to_print(tx: &mut Tx<'_>, place: Place<'_>) -> Result<Vec<PrintRow>, Error> {
    let (batch, waiting) = match place {
        Place::Batch(id) => (Some(id), vec![]),
        Place::Waiting(ids) => (None, ids.to_vec()),
    };
    Ok(diesel::sql_query(
        "select coalesce(c.batch_rank, array_position($2, c.id)) as rank, c.id, c.child_id, c.code_fingerprint, c.code_sealed,
                c.valid_until, split_part(h.first_names, ' ', 1) as first_name, left(h.last_name, 1) as initial,
                (select p.id from photos p where p.child_id = c.child_id and p.state = 'accepted') as photo,
                c.state in ('ordered', 'printed', 'posted') as is_coming
           from cards c join children h on h.id = c.child_id
          where c.batch_id = $1 or c.id = any($2) order by 1",
    )
    .bind::<Nullable<SqlUuid>, _>(batch)
    .bind::<Array<SqlUuid>, _>(waiting)
    .load(tx.conn)?)
}

pub fn batch(tx: &mut Tx<'_>, id: CardBatchId) -> Result<BatchRow, Error> {
    Ok(card_batches::table.find(id).select(BatchRow::as_select()).first(tx.conn)?)
}

/// From the newest, those before that one only.
pub fn batches(tx: &mut Tx<'_>, before: Option<CardBatchId>, limit: i64) -> Result<Vec<BatchRow>, Error> {
    let mut query =
        card_batches::table.order(card_batches::id.desc()).limit(limit).select(BatchRow::as_select()).into_boxed();
    if let Some(before) = before {
        query = query.filter(card_batches::id.lt(before));
    }
    Ok(query.load(tx.conn)?)
}

pub fn set_state(tx: &mut Tx<'_>, id: CardBatchId, state: CardBatchState) -> Result<BatchRow, Error> {
    Ok(diesel::update(card_batches::table.find(id))
        .set(card_batches::state.eq(state))
        .returning(BatchRow::as_returning())
        .get_result(tx.conn)?)
}

pub fn set_approved(tx: &mut Tx<'_>, id: CardBatchId, by: AccountId) -> Result<BatchRow, Error> {
    let now = tx.now()?;
    let approved = (
        card_batches::state.eq(CardBatchState::Approved),
        card_batches::approved_by.eq(by),
        card_batches::approved_at.eq(now),
    );
    let row = diesel::update(card_batches::table.find(id)).set(approved).returning(BatchRow::as_returning());
    Ok(row.get_result(tx.conn)?)
}

pub fn set_printed(tx: &mut Tx<'_>, id: CardBatchId) -> Result<BatchRow, Error> {
    let now = tx.now()?;
    let printed = (card_batches::state.eq(CardBatchState::Printed), card_batches::printed_at.eq(now));
    let row = diesel::update(card_batches::table.find(id)).set(printed).returning(BatchRow::as_returning());
    Ok(row.get_result(tx.conn)?)
}

pub fn set_posted(tx: &mut Tx<'_>, id: CardBatchId) -> Result<BatchRow, Error> {
    let now = tx.now()?;
    let posted = (card_batches::state.eq(CardBatchState::Posted), card_batches::posted_at.eq(now));
    let row = diesel::update(card_batches::table.find(id)).set(posted).returning(BatchRow::as_returning());
    Ok(row.get_result(tx.conn)?)
}

/// Ends cards of a batch that will not be posted; one that was replaced meanwhile has ended already.
pub fn spoil(tx: &mut Tx<'_>, batch: CardBatchId, ranks: &[i32]) -> Result<Vec<CardRow>, Error> {
    let spoiled = cards::table
        .filter(cards::batch_id.eq(batch))
        .filter(cards::batch_rank.eq_any(ranks))
        .filter(cards::state.eq("ordered"));
    Ok(diesel::update(spoiled).set(cards::state.eq("replaced")).returning(CardRow::as_returning()).load(tx.conn)?)
}

pub fn mark_printed(tx: &mut Tx<'_>, batch: CardBatchId) -> Result<Vec<Uuid>, Error> {
    let printed = cards::table.filter(cards::batch_id.eq(batch)).filter(cards::state.eq("ordered"));
    Ok(diesel::update(printed).set(cards::state.eq("printed")).returning(cards::id).load(tx.conn)?)
}

pub fn mark_posted(tx: &mut Tx<'_>, batch: CardBatchId) -> Result<Vec<CardRow>, Error> {
    let posted = cards::table.filter(cards::batch_id.eq(batch)).filter(cards::state.eq("printed"));
    Ok(diesel::update(posted).set(cards::state.eq("posted")).returning(CardRow::as_returning()).load(tx.conn)?)
}

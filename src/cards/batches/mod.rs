//! Cards printed by batches: what waits is frozen by one person, approved by another, fetched by the card maker, who alone opens it; then the
//! batch is printed, and posted.
//!
//! A batch is what its hash says. When cards or portraits have changed since, it is frozen anew without what cannot be printed any more, and
//! approved anew. Once its archive has left, its numbers are known to the maker: what he spoils, or a batch given up, ends and is ordered anew
//! under other numbers.

mod archive;
mod db;
pub mod http;

use super::{CardForm, Holder, issue};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    families,
    http::page::{Page, PageQuery},
    kernel::{
        age::{self, Recipient},
        crypto::sha256,
        ids::{AccountId, CardBatchId, CardMakerId},
        text::Label,
    },
};
use chrono::Datelike;
pub use db::{BatchRow, MakerRow};
use db::{Place, PrintRow};
use serde_json::json;
use uuid::Uuid;

/// Cards of a batch: with portraits of 40 KB each, its archive stays within 30 MB of memory.
pub const CARDS_MAX: i64 = 500;

text_enum! {
    /// Where a batch stands.
    pub enum CardBatchState {
        Frozen = "frozen",
        /// By another person than who froze it: the maker may be given the archive.
        Approved = "approved",
        /// Given up before it was printed: its cards wait again.
        Cancelled = "cancelled",
        Printed = "printed",
        Posted = "posted",
    }
}

/// A batch just frozen, and how many orders it left out for want of a portrait.
#[derive(Debug)]
pub struct Frozen {
    pub batch: BatchRow,
    pub without_photo: i64,
}

/// What the card maker says he printed.
#[derive(Debug, Clone)]
pub struct Printed {
    pub cards: i32,
    pub hash: Vec<u8>,
    /// Ranks that came out wrong.
    pub spoiled: Vec<i32>,
}

/// Names the card maker, and the key that his batches are encrypted to from now on.
pub fn register_maker(tx: &mut Tx<'_>, by: AccountId, name: &Label, recipient: &str) -> Result<MakerRow, Error> {
    let recipient: Recipient = recipient.trim().parse().map_err(|detail: String| Error::field("/recipient", detail))?;
    // A key to which nothing can be encrypted shows here, not when a batch is due.
    age::encrypt(&recipient, b"")
        .map_err(|_| Error::field("/recipient", "aucun message ne peut être chiffré pour cette clé"))?;
    let row = db::insert_maker(tx, CardMakerId::generate(), by, name, &recipient.to_string())?;
    audit::record(tx, "card_maker_registered", ("card_maker", row.id), json!({ "recipient": row.recipient }))?;
    Ok(row)
}

/// The card maker in force.
pub fn show_maker(tx: &mut Tx<'_>) -> Result<MakerRow, Error> {
    db::maker(tx)?.ok_or(Refusal::NoCardMaker.into())
}

/// Takes what waits longest into a batch. Two at once take no card twice: one goes after the other.
pub fn freeze(tx: &mut Tx<'_>, by: AccountId, limit: i64) -> Result<Frozen, Error> {
    let maker = show_maker(tx)?;
    tx.take_turns(format_args!("card batches"))?;
    let waiting = db::lock_waiting(tx, limit)?;
    if waiting.is_empty() {
        return Err(Refusal::NothingToPrint.into());
    }
    let id = CardBatchId::generate();
    let number = db::next_number(tx)?;
    let count = i32::try_from(waiting.len()).map_err(Error::internal)?;
    let now = tx.now()?;
    // The cards name their batch: it comes first, its hash with it.
    let rows = db::to_print(tx, Place::Waiting(&waiting))?;
    let hash = content_hash(tx, number, &rows);
    let batch = BatchRow {
        id,
        number,
        state: CardBatchState::Frozen,
        cards: count,
        hash,
        recipient: maker.recipient,
        frozen_by: by,
        frozen_at: now,
        approved_by: None,
        approved_at: None,
        exported_at: None,
        printed_at: None,
        posted_at: None,
    };
    db::insert(tx, &batch)?;
    db::take(tx, id, &waiting)?;
    audit::record(tx, "card_batch_frozen", ("card_batch", id), json!({ "number": number, "cards": count }))?;
    Ok(Frozen { batch, without_photo: db::without_photo(tx)? })
}

/// SHA-256 of the department, the batch's number and, card by card in order, rank, id, fingerprint, last day, name, portrait and whether it is
/// still to come.
fn content_hash(tx: &Tx<'_>, number: i32, rows: &[PrintRow]) -> Vec<u8> {
    let mut bytes = format!("passplus-card-batch-v1\n{}\n{number}\n", tx.place).into_bytes();
    for row in rows {
        bytes.extend(row.rank.to_be_bytes());
        bytes.extend(row.id.uuid().as_bytes());
        bytes.extend(&row.code_fingerprint);
        bytes.extend(row.valid_until.num_days_from_ce().to_be_bytes());
        bytes.extend(sha256(row.name().as_bytes()));
        bytes.extend(row.photo.unwrap_or_default().as_bytes());
        bytes.push(u8::from(row.is_coming));
    }
    sha256(&bytes)
}

/// Lets the maker have the batch. Not by who froze it.
pub fn approve(tx: &mut Tx<'_>, id: CardBatchId, by: AccountId) -> Result<BatchRow, Error> {
    let row = locked(tx, id, &[CardBatchState::Frozen])?;
    if row.frozen_by == by {
        return Err(Refusal::SamePerson.into());
    }
    contents(tx, &row)?;
    audit::record(tx, "card_batch_approved", ("card_batch", id), json!({ "cards": row.cards }))?;
    db::set_approved(tx, id, by)
}

/// Freezes a batch anew before its archive leaves, as its cards and portraits are now, to the key in force: what cannot be printed any more
/// leaves it. It is to be approved (again).
pub fn refreeze(tx: &mut Tx<'_>, by: AccountId, id: CardBatchId) -> Result<BatchRow, Error> {
    let row = locked(tx, id, &[CardBatchState::Frozen, CardBatchState::Approved])?;
    if row.exported_at.is_some() {
        return Err(Refusal::CardBatchTransition.into());
    }
    let maker = show_maker(tx)?;
    let printable = db::printable(tx, id)?;
    if printable.is_empty() {
        return Err(Refusal::NothingToPrint.into());
    }
    db::release(tx, id)?;
    db::take(tx, id, &printable)?;
    let rows = db::to_print(tx, Place::Batch(id))?;
    let batch = BatchRow {
        state: CardBatchState::Frozen,
        cards: i32::try_from(printable.len()).map_err(Error::internal)?,
        hash: content_hash(tx, row.number, &rows),
        recipient: maker.recipient,
        frozen_by: by,
        frozen_at: tx.now()?,
        approved_by: None,
        approved_at: None,
        ..row
    };
    let told = json!({ "number": row.number, "cards": batch.cards, "cards_before": row.cards });
    audit::record(tx, "card_batch_refrozen", ("card_batch", id), told)?;
    db::set_frozen(tx, &batch)
}

/// Gives up a batch before it is printed: its cards wait again. Once its archive has left they end, and are ordered anew under other
/// numbers: what the maker may still print of it serves nobody.
pub fn cancel(tx: &mut Tx<'_>, id: CardBatchId) -> Result<BatchRow, Error> {
    let row = locked(tx, id, &[CardBatchState::Frozen, CardBatchState::Approved])?;
    if row.exported_at.is_some() {
        let ranks: Vec<i32> = (1..=row.cards).collect();
        order_anew(tx, id, &ranks)?;
    } else {
        db::release(tx, id)?;
    }
    audit::record(tx, "card_batch_cancelled", ("card_batch", id), json!({}))?;
    db::set_state(tx, id, CardBatchState::Cancelled)
}

/// The archive for the maker, encrypted to him. Each download is journalled, with the hash of what was given.
pub fn archive(tx: &mut Tx<'_>, id: CardBatchId) -> Result<(BatchRow, Vec<u8>), Error> {
    let row = locked(tx, id, &[CardBatchState::Approved])?;
    let cards = contents(tx, &row)?;
    let recipient: Recipient = row.recipient.parse().map_err(Error::internal)?;
    let file = archive::encrypted(tx, &row, cards, &recipient)?;
    let hash = data_encoding::HEXLOWER.encode(&sha256(&file));
    db::set_exported(tx, id)?;
    audit::record(tx, "card_batch_exported", ("card_batch", id), json!({ "cards": row.cards, "sha256": hash }))?;
    Ok((row, file))
}

/// Notes that the maker has printed the batch. What he spoiled ends, and is ordered anew.
pub fn print(tx: &mut Tx<'_>, id: CardBatchId, printed: &Printed) -> Result<BatchRow, Error> {
    let row = locked(tx, id, &[CardBatchState::Approved])?;
    if row.exported_at.is_none() {
        // Nobody can have printed what nobody was given.
        return Err(Refusal::CardBatchTransition.into());
    }
    if printed.cards != row.cards || printed.hash != row.hash {
        return Err(Refusal::CardBatchFigures.into());
    }
    if printed.spoiled.iter().any(|rank| !(1..=row.cards).contains(rank)) {
        return Err(Error::field("/spoiled_ranks", format!("des rangs de 1 à {} sont attendus", row.cards)));
    }
    let spoiled = order_anew(tx, id, &printed.spoiled)?;
    let done: Vec<Uuid> = db::mark_printed(tx, id)?;
    audit::record_each(tx, "card_printed", "card", &done, &json!({ "batch": id }))?;
    let told = json!({ "cards": row.cards, "spoiled": spoiled });
    audit::record(tx, "card_batch_printed", ("card_batch", id), told)?;
    db::set_printed(tx, id)
}

/// Ends cards of a batch whose numbers the maker knows and orders them anew. Returns how many.
fn order_anew(tx: &mut Tx<'_>, id: CardBatchId, ranks: &[i32]) -> Result<usize, Error> {
    let ended = db::spoil(tx, id, ranks)?;
    for card in &ended {
        let holder = Holder { child: card.child_id, family: card.family_id, valid_until: card.valid_until };
        issue(tx, holder, CardForm::Plastic)?;
    }
    let cards: Vec<Uuid> = ended.iter().map(|card| card.id.uuid()).collect();
    audit::record_each(tx, "card_spoiled", "card", &cards, &json!({ "batch": id }))?;
    Ok(cards.len())
}

/// Notes that the batch was posted, and tells the families.
pub fn post(tx: &mut Tx<'_>, id: CardBatchId) -> Result<BatchRow, Error> {
    locked(tx, id, &[CardBatchState::Printed])?;
    let posted = db::mark_posted(tx, id)?;
    let cards: Vec<Uuid> = posted.iter().map(|card| card.id.uuid()).collect();
    audit::record_each(tx, "card_posted", "card", &cards, &json!({ "batch": id }))?;
    for card in &posted {
        families::notify_of(
            tx,
            (card.family_id, card.child_id),
            "Carte envoyée",
            "Bonjour,\n\nLa carte plastique de votre enfant est partie par la poste. À son arrivée, activez-la dans votre espace avec ses \
             cinq derniers caractères : elle remplacera alors la carte actuelle.\n\nPass+",
        )?;
    }
    audit::record(tx, "card_batch_posted", ("card_batch", id), json!({ "cards": cards.len() }))?;
    db::set_posted(tx, id)
}

/// The department's batches, newest first.
pub fn list_batches(tx: &mut Tx<'_>, query: &PageQuery) -> Result<Page<BatchRow>, Error> {
    let before = query.after()?.map(CardBatchId::from_uuid);
    let rows = db::batches(tx, before, query.limit()?.saturating_add(1))?;
    query.page(rows, |row| row.id.uuid())
}

/// One of them.
pub fn show_batch(tx: &mut Tx<'_>, id: CardBatchId) -> Result<BatchRow, Error> {
    db::batch(tx, id)
}

fn locked(tx: &mut Tx<'_>, id: CardBatchId, states: &[CardBatchState]) -> Result<BatchRow, Error> {
    db::batch(tx, id)?;
    tx.take_turns(format_args!("card batches"))?;
    let row = db::batch(tx, id)?;
    if states.contains(&row.state) { Ok(row) } else { Err(Refusal::CardBatchTransition.into()) }
}

/// The cards of a batch, once they are proved to be those that were frozen.
fn contents(tx: &mut Tx<'_>, row: &BatchRow) -> Result<Vec<PrintRow>, Error> {
    let cards = db::to_print(tx, Place::Batch(row.id))?;
    if content_hash(tx, row.number, &cards) == row.hash { Ok(cards) } else { Err(Refusal::CardBatchTampered.into()) }
}

//! Cards: one living card a child. Its code opens nothing by itself; its signed form proves, even offline, that a department issued it.

pub mod code;
pub mod db;
pub mod http;
pub mod qr;
pub mod reading;
pub mod state;
pub mod token;

use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    families,
    kernel::{
        crypto::{MasterKey, SigningPair},
        ids::{CardId, ChildId, FamilyId},
        text::SeasonCode,
        words::Level,
    },
};
use chrono::NaiveDate;
use code::CardCode;
use data_encoding::HEXLOWER;
use db::CardRow;
use serde_json::json;
use state::{CardEvent, CardState};
use token::{PublishedKey, SignedCard};

text_enum! {
    /// Why a card was blocked.
    pub enum BlockReason { Lost = "lost", Stolen = "stolen", Other = "other" }
}

/// Purposes under which codes and keys are fingerprinted and sealed.
const CODE: &str = "card";
const SIGNING_KEY: &str = "card-key";

/// What finds a card in the database without its code being there.
#[must_use]
pub fn fingerprint(key: &MasterKey, code: &CardCode) -> Vec<u8> {
    key.fingerprint(CODE, &code.secret_bytes())
}

/// The last day of a card issued to a child of that level in that season: 31 August after the year of 3e.
#[must_use]
pub fn last_day(season: &SeasonCode, level: Level) -> NaiveDate {
    let years_left = match level {
        Level::Sixieme => 3,
        Level::Cinquieme => 2,
        Level::Quatrieme => 1,
        Level::Troisieme => 0,
    };
    let ends: i32 = season.as_str().rsplit('-').next().and_then(|year| year.parse().ok()).unwrap_or(2026);
    NaiveDate::from_ymd_opt(ends.saturating_add(years_left), 8, 31).unwrap_or(NaiveDate::MAX)
}

/// A child whose enrolment has just become active, and the last day that its level gives a card.
#[derive(Debug, Clone, Copy)]
pub struct Holder {
    pub child: ChildId,
    pub family: FamilyId,
    pub valid_until: NaiveDate,
}

/// Lets living cards live on from year to year, until that day if it was not longer, and gives a card to those who have none.
pub fn give(tx: &mut Tx<'_>, holders: &[Holder]) -> Result<(), Error> {
    let provided = db::revalidate(tx, holders)?;
    let without = holders.iter().filter(|holder| !provided.contains(&holder.child));
    issue(tx, without.copied().collect()).map(drop)
}

/// New cards, active from the start. Each holder's living card must have ended.
fn issue(tx: &mut Tx<'_>, holders: Vec<Holder>) -> Result<Vec<CardId>, Error> {
    if holders.is_empty() {
        return Ok(vec![]);
    }
    let made: Vec<db::NewCard> = holders.into_iter().map(|holder| new_card(tx, holder)).collect::<Result<_, _>>()?;
    db::insert(tx, &made)?;
    let lines: Vec<_> =
        made.iter().map(|card| (card.id.to_string(), json!({ "child_id": card.holder.child }))).collect();
    audit::record_many(tx, "card_issued", "card", &lines)?;
    Ok(made.into_iter().map(|card| card.id).collect())
}

fn new_card(tx: &Tx<'_>, holder: Holder) -> Result<db::NewCard, Error> {
    let id = CardId::generate();
    let code = CardCode::generate(tx.place);
    let sealed = tx.key.seal(CODE, id.uuid().as_bytes(), &code.secret_bytes()).map_err(Error::internal)?;
    Ok(db::NewCard { id, holder, fingerprint: fingerprint(tx.key, &code), sealed })
}

/// Blocks a card at once: the next debit is refused. Any guardian of the file may, even one who may only consult.
pub fn block(tx: &mut Tx<'_>, id: CardId, reason: BlockReason) -> Result<CardRow, Error> {
    let row = moved(tx, id, CardEvent::Block, Some(reason))?;
    audit::record(tx, "card_blocked", ("card", id), json!({ "reason": reason }))?;
    families::notify(
        tx,
        row.family_id,
        "Carte bloquée",
        "Bonjour,\n\nLa carte de votre enfant vient d'être bloquée : aucun paiement ne passera plus.\n\
         Si vous la retrouvez, débloquez-la dans votre espace ; sinon, demandez-en une nouvelle.\n\nPass+",
    )?;
    Ok(row)
}

/// Takes a block away: the card was found.
pub fn unblock(tx: &mut Tx<'_>, id: CardId) -> Result<CardRow, Error> {
    let row = db::lock(tx, id)?;
    families::require_full_rights(tx, row.family_id)?;
    let row = moved(tx, id, CardEvent::Unblock, None)?;
    audit::record(tx, "card_unblocked", ("card", id), json!({}))?;
    Ok(row)
}

/// Ends a card for good and gives another, with another code, of the same validity.
pub fn replace(tx: &mut Tx<'_>, id: CardId) -> Result<CardRow, Error> {
    let row = db::lock(tx, id)?;
    families::require_full_rights(tx, row.family_id)?;
    let row = moved(tx, id, CardEvent::Replace, None)?;
    audit::record(tx, "card_replaced", ("card", id), json!({}))?;
    let holder = Holder { child: row.child_id, family: row.family_id, valid_until: row.valid_until };
    let next = issue(tx, vec![holder])?.pop();
    db::card(tx, next.ok_or_else(|| Error::internal("a card was asked for and none made"))?)
}

fn moved(tx: &mut Tx<'_>, id: CardId, event: CardEvent, reason: Option<BlockReason>) -> Result<CardRow, Error> {
    let row = db::lock(tx, id)?;
    let next: CardState = row.state.after(event).ok_or(Error::Refused(Refusal::CardTransition))?;
    db::set_state(tx, id, next, reason)
}

/// Ends the child's living card, if it has one: it has left the scheme.
pub fn end(tx: &mut Tx<'_>, child: ChildId) -> Result<(), Error> {
    let Some(card) = db::living_of(tx, child)? else { return Ok(()) };
    moved(tx, card.id, CardEvent::Expire, None)?;
    audit::record(tx, "card_expired", ("card", card.id), json!({ "child_id": child }))
}

/// The child's living card.
pub fn living(tx: &mut Tx<'_>, child: ChildId) -> Result<CardRow, Error> {
    families::child(tx, child)?;
    db::living_of(tx, child)?.ok_or(Error::Refused(Refusal::NoCard))
}

/// A card's code, for its family's eyes.
pub fn code(tx: &Tx<'_>, row: &CardRow) -> Result<CardCode, Error> {
    let secret = tx.key.open(CODE, row.id.uuid().as_bytes(), &row.code_sealed).map_err(Error::internal)?;
    let secret = <[u8; 10]>::try_from(secret).map_err(|_| Error::internal("a sealed code has ten bytes"))?;
    Ok(CardCode::from_parts(tx.place, secret))
}

/// The signed form of a card: what its QR holds.
pub fn signed(tx: &mut Tx<'_>, row: &CardRow) -> Result<String, Error> {
    let code = code(tx, row)?;
    let key = db::newest_key(tx)?.ok_or_else(|| Error::internal("the department has no card key"))?;
    let pkcs8 = tx.key.open(SIGNING_KEY, key.kid.as_bytes(), &key.private_sealed).map_err(Error::internal)?;
    let pair = SigningPair::from_pkcs8(&pkcs8).map_err(Error::internal)?;
    let card =
        SignedCard::new(code, row.valid_until).ok_or_else(|| Error::internal("the card's last day is out of range"))?;
    Ok(card.sign(token::key_id(&key.public_key), &pair))
}

/// The keys that verify this department's cards.
pub fn published_keys(tx: &mut Tx<'_>) -> Result<Vec<PublishedKey>, Error> {
    let place = tx.place;
    let keys = db::keys(tx)?.into_iter();
    Ok(keys.map(|(kid, public)| PublishedKey { kid, department: place, public }).collect())
}

/// Makes the department's first card key if it has none, and makes sure that the present one opens. At start, as the service itself.
pub fn ensure_key(tx: &mut Tx<'_>) -> Result<(), Error> {
    if let Some(key) = db::newest_key(tx)? {
        // Opens only with the key that sealed it: a department's key mistaken for another shows here, not at the first card.
        let opened = tx.key.open(SIGNING_KEY, key.kid.as_bytes(), &key.private_sealed);
        return opened
            .map(drop)
            .map_err(|_| Error::internal("the card keys do not open; is the department's key the right one?"));
    }
    let pair = SigningPair::generate().map_err(Error::internal)?;
    let public = pair.public();
    let kid = HEXLOWER.encode(&token::key_id(&public));
    let sealed = tx.key.seal(SIGNING_KEY, kid.as_bytes(), pair.pkcs8()).map_err(Error::internal)?;
    db::insert_key(tx, &kid, &public, &sealed)?;
    audit::record(tx, "card_key_made", ("card_key", kid), json!({}))
}

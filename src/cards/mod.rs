//! Cards: one in use a child, and one on its way. A card's code opens nothing by itself; its signed form proves, even offline, that a
//! department issued it.
//!
//! What would surprise: a plastic card is not the digital one printed, but a card with a code of its own. What is posted pays nothing until
//! the family activates it, and then the former card ends.

pub mod batches;
pub mod code;
pub mod db;
pub mod desk;
pub mod face;
pub mod found;
pub mod http;
pub mod life;
pub mod live;
pub mod offline;
pub mod qr;
pub mod reading;
pub mod refused;
pub mod state;
pub mod token;

pub use life::end;

use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    families,
    http::page::{Page, PageQuery},
    kernel::{
        crypto::{MasterKey, SigningPair},
        department::Department,
        ids::{CardId, ChildId, FamilyId},
        text::SeasonCode,
        words::Level,
    },
};
use chrono::NaiveDate;
use code::CardCode;
use data_encoding::HEXLOWER;
use db::{CardRow, NewCard};
use diesel::result::Error as DieselError;
use serde_json::json;
use state::CardState;
use token::{Mark, PublishedKey, SignedCard};
use uuid::Uuid;

text_enum! {
    /// Why a card was blocked.
    pub enum BlockReason { Lost = "lost", Stolen = "stolen", Other = "other" }
}

text_enum! {
    /// What a card is made of.
    pub enum CardForm {
        /// Shown on a screen or printed at home: used from the instant it is issued.
        Digital = "digital",
        /// Printed by the card maker, posted, activated by the family.
        Plastic = "plastic",
    }
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
    let (_, ends) = season.years().unwrap_or_default();
    NaiveDate::from_ymd_opt(ends.saturating_add(years_left), 8, 31).unwrap_or(NaiveDate::MAX)
}

/// A child that is to have a card, and until which day.
#[derive(Debug, Clone, Copy)]
pub struct Holder {
    pub child: ChildId,
    pub family: FamilyId,
    pub valid_until: NaiveDate,
}

/// Lets living cards live on from year to year, until that day if it was not longer, and gives a digital card to those who have none in
/// use. When another transaction has just given one of them a card, the whole transaction begins again.
pub fn give(tx: &mut Tx<'_>, holders: &[Holder]) -> Result<(), Error> {
    let provided = db::revalidate(tx, holders)?;
    let without = holders.iter().filter(|holder| !provided.contains(&holder.child));
    let made: Vec<NewCard> = without.map(|holder| new_card(tx, *holder)).collect::<Result<_, _>>()?;
    if made.is_empty() {
        return Ok(());
    }
    if db::insert(tx, &made, CardForm::Digital, CardState::Active)? != made.len() {
        return Err(Error::Retry(DieselError::RollbackTransaction));
    }
    let line = |card: &NewCard| (card.id.to_string(), json!({ "child_id": card.holder.child }));
    audit::record_many(tx, "card_issued", "card", &made.iter().map(line).collect::<Vec<_>>())
}

/// Gives a child a card of that form, unless its place is taken: in use for a digital one, on its way for a plastic one.
fn issue(tx: &mut Tx<'_>, holder: Holder, form: CardForm) -> Result<Option<CardId>, Error> {
    let (state, done) = match form {
        CardForm::Digital => (CardState::Active, "card_issued"),
        CardForm::Plastic => (CardState::Ordered, "card_ordered"),
    };
    let card = new_card(tx, holder)?;
    let id = card.id;
    if db::insert(tx, &[card], form, state)? == 0 {
        return Ok(None);
    }
    audit::record(tx, done, ("card", id), json!({ "child_id": holder.child }))?;
    Ok(Some(id))
}

fn new_card(tx: &Tx<'_>, holder: Holder) -> Result<NewCard, Error> {
    let id = CardId::generate();
    let code = CardCode::generate(tx.place);
    let sealed = sealed_code(tx.key, id.uuid(), &code)?;
    Ok(NewCard { id, holder, fingerprint: fingerprint(tx.key, &code), sealed })
}

/// The child's card in use.
pub fn used(tx: &mut Tx<'_>, child: ChildId) -> Result<CardRow, Error> {
    families::child(tx, child)?;
    db::used_of(tx, child)?.ok_or(Error::Refused(Refusal::NoCard))
}

/// A card by its id, if it pays: what is on its way shows its code to nobody, what is blocked or has ended serves nobody.
pub fn paying(tx: &mut Tx<'_>, id: CardId) -> Result<CardRow, Error> {
    let row = db::card(tx, id)?;
    if row.state == CardState::Active { Ok(row) } else { Err(Refusal::CardTransition.into()) }
}

/// All cards a child ever had, newest first.
pub fn list_cards(tx: &mut Tx<'_>, child: ChildId, query: &PageQuery) -> Result<Page<CardRow>, Error> {
    families::child(tx, child)?;
    let before = query.after()?.map(CardId::from_uuid);
    let rows = db::cards_of(tx, child, before, query.limit()?.saturating_add(1))?;
    query.page(rows, |row| row.id.uuid())
}

/// A card's code, for its family's eyes.
pub fn code(tx: &Tx<'_>, row: &CardRow) -> Result<CardCode, Error> {
    open_code(tx, row.id, &row.code_sealed)
}

/// A code as it is kept, sealed to its card.
pub fn sealed_code(key: &MasterKey, card: Uuid, code: &CardCode) -> Result<Vec<u8>, Error> {
    key.seal(CODE, card.as_bytes(), &code.secret_bytes()).map_err(Error::internal)
}

fn open_code(tx: &Tx<'_>, id: CardId, sealed: &[u8]) -> Result<CardCode, Error> {
    opened_code((tx.key, tx.place), id, sealed)
}

fn opened_code((key, place): (&MasterKey, Department), id: CardId, sealed: &[u8]) -> Result<CardCode, Error> {
    let secret = key.open(CODE, id.uuid().as_bytes(), sealed).map_err(Error::internal)?;
    let secret = <[u8; 10]>::try_from(secret).map_err(|_| Error::internal("a sealed code has ten bytes"))?;
    Ok(CardCode::from_parts(place, secret))
}

/// The key that signs the department's cards now, and the gates' lists of the day, with its published name.
pub fn signer(tx: &mut Tx<'_>) -> Result<([u8; 4], SigningPair), Error> {
    let key = db::newest_key(tx)?.ok_or_else(|| Error::internal("the department has no card key"))?;
    let pkcs8 = tx.key.open(SIGNING_KEY, key.kid.as_bytes(), &key.private_sealed).map_err(Error::internal)?;
    let pair = SigningPair::from_pkcs8(&pkcs8).map_err(Error::internal)?;
    Ok((token::key_id(&key.public_key), pair))
}

fn unsigned(tx: &Tx<'_>, id: CardId, sealed: &[u8], valid_until: NaiveDate) -> Result<SignedCard, Error> {
    let code = open_code(tx, id, sealed)?;
    SignedCard::new(code, valid_until).ok_or_else(|| Error::internal("the card's last day is out of range"))
}

/// The signed form of a card: what its QR holds.
pub fn signed(tx: &mut Tx<'_>, row: &CardRow) -> Result<String, Error> {
    let (key_id, pair) = signer(tx)?;
    Ok(unsigned(tx, row.id, &row.code_sealed, row.valid_until)?.sign(key_id, &pair))
}

/// The mark of a department's card from its sealed number: what stands for it in lists.
pub fn sealed_mark(of: (&MasterKey, Department), id: CardId, sealed: &[u8]) -> Result<Mark, Error> {
    opened_code(of, id, sealed).map(|code| token::mark(&code))
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

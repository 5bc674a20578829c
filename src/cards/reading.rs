//! What a till sends for a card: its number typed in, the signed form of its QR, or the text of the moment on a telephone.

use super::{
    code::CardCode,
    token::{self, PublishedKey, TokenError, live},
};
use crate::{
    app::App,
    error::Error,
    kernel::{actor::Caller, department::Department},
};
use std::sync::RwLock;

/// Keys this process has read once. Public, and never withdrawn: a card is judged by its department's database, the signature only
/// spares it the forgeries. Kept so that a debit by QR code costs no more than one by number.
static KNOWN_KEYS: RwLock<Vec<PublishedKey>> = RwLock::new(Vec::new());

/// A card as its department's database finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadCard {
    pub department: Department,
    pub fingerprint: Vec<u8>,
}

/// What was read.
#[derive(Debug)]
pub enum Read {
    Card(ReadCard),
    /// A card on a telephone, but not of this moment.
    Stale(ReadCard),
    /// No card of a department served here.
    Nothing,
}

pub async fn read(app: &App, caller: &Caller, text: &str) -> Result<Read, Error> {
    let text = text.trim();
    if live::is_live(text) {
        let live = believed(app, caller, live::claimed_department(text), |keys| live::verify(text, keys)).await?;
        return Ok(live.map_or(Read::Nothing, |live| {
            let card = ReadCard { department: live.department, fingerprint: live.fingerprint.to_vec() };
            if live.is_fresh(app.db.server_now()) { Read::Card(card) } else { Read::Stale(card) }
        }));
    }
    let code = if token::is_signed(text) {
        let card = believed(app, caller, token::claimed_department(text), |keys| token::verify(text, keys)).await?;
        card.map(|card| card.code())
    } else {
        text.parse().ok().filter(|code: &CardCode| app.department(code.department()).is_ok())
    };
    let Some(code) = code else { return Ok(Read::Nothing) };
    let department = code.department();
    Ok(Read::Card(ReadCard { department, fingerprint: super::fingerprint(app.db.key(department)?, &code) }))
}

/// What `verify` proves with the keys of the department that the text claims; they are read again when those known are not enough.
async fn believed<T>(
    app: &App,
    caller: &Caller,
    claimed: Option<Department>,
    verify: impl Fn(&[PublishedKey]) -> Result<T, TokenError>,
) -> Result<Option<T>, Error> {
    let Some(department) = claimed.filter(|code| app.department(*code).is_ok()) else { return Ok(None) };
    let mut verified = verify(&known_keys());
    if matches!(verified, Err(TokenError::UnknownKey | TokenError::BadSignature)) {
        learn_keys(app, caller, department).await?;
        verified = verify(&known_keys());
    }
    Ok(verified.ok())
}

fn known_keys() -> Vec<PublishedKey> {
    KNOWN_KEYS.read().map(|keys| keys.clone()).unwrap_or_default()
}

async fn learn_keys(app: &App, caller: &Caller, department: Department) -> Result<(), Error> {
    let published = app.db.read(department, caller, super::published_keys).await?;
    if let Ok(mut known) = KNOWN_KEYS.write() {
        for key in published {
            if !known.contains(&key) {
                known.push(key);
            }
        }
    }
    Ok(())
}

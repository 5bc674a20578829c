//! What a till sends for a card: its number typed in, or the signed form of its QR.

use super::{
    code::CardCode,
    token::{self, PublishedKey, TokenError},
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

/// The number in what a till sends: typed, or read from the QR code and signed. `None` when it is no card of a department served here.
pub async fn read(app: &App, caller: &Caller, text: &str) -> Result<Option<CardCode>, Error> {
    let text = text.trim();
    if !token::is_signed(text) {
        return Ok(text.parse().ok().filter(|code: &CardCode| app.department(code.department()).is_ok()));
    }
    let Some(department) = token::claimed_department(text).filter(|code| app.department(*code).is_ok()) else {
        return Ok(None);
    };
    let mut verified = token::verify(text, &known_keys());
    if matches!(verified, Err(TokenError::UnknownKey | TokenError::BadSignature)) {
        learn_keys(app, caller, department).await?;
        verified = token::verify(text, &known_keys());
    }
    Ok(verified.ok().map(|card| card.code()))
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

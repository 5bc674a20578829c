//! The keys that sign cards, as they are published.

use crate::{db::Tx, error::Error, schema::department::card_keys};
use diesel::prelude::*;

/// Name and public half of every key of the department, the oldest first.
pub fn card_keys(tx: &mut Tx<'_>) -> Result<Vec<(String, Vec<u8>)>, Error> {
    Ok(card_keys::table.order(card_keys::created_at).select((card_keys::kid, card_keys::public_key)).load(tx.conn)?)
}

//! What the database shows a device of its own keys.

use crate::{db::Tx, error::Error, kernel::ids::TransferId, schema::department::device_keys};
use diesel::prelude::*;
use uuid::Uuid;

#[derive(Debug, Clone, Copy, Queryable, Selectable)]
#[diesel(table_name = device_keys)]
pub struct KeyRow {
    /// None when nothing moved, and nothing will.
    pub transfer_id: Option<TransferId>,
    pub voided: bool,
}

pub fn key(tx: &mut Tx<'_>, key: Uuid) -> Result<Option<KeyRow>, Error> {
    Ok(device_keys::table.filter(device_keys::key.eq(key)).select(KeyRow::as_select()).first(tx.conn).optional()?)
}

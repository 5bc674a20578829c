//! What a device's key did, asked or undone. A till that lost an answer holds the opaque code of a card, and does not know which
//! department it is of: every department of this process is asked.
//!
//! What would surprise: one that does not answer leaves the question open, whatever the others said; each of them voids once, so that asking
//! again is safe.

mod db;
pub mod http;

use super::{OperationRow, holds::HoldRow};
use crate::{
    app::App,
    auth::actor::{By, Device},
    db::Tx,
    error::{Error, Refusal},
    http::idempotency::IdempotencyKey,
    kernel::{department::Department, ids::DeviceId},
    ledger::holds::{self, Found},
};
use uuid::Uuid;

text_enum! {
    /// What became of a key.
    pub enum KeyState {
        /// Money moved under it.
        Moved = "moved",
        /// Money moved under it, and the void of the key gave it back.
        Voided = "voided",
        /// Voided before anything came: nothing moved, and nothing will.
        Cancelled = "cancelled",
        /// What came was refused: nothing moved, and nothing will.
        Refused = "refused",
    }
}

/// What is known of a key.
#[derive(Debug)]
pub struct Known {
    pub state: KeyState,
    /// More than one only when cards of several departments were used with one key.
    pub operations: Vec<(Department, OperationRow)>,
}

/// What the void of a key found, and what it moved, as it is now.
#[derive(Debug)]
pub struct Voided {
    pub found: Found,
    pub operations: Vec<(Department, OperationRow)>,
}

/// What this device's key stands for. Not found when no department knows it.
pub async fn find_operation_by_key(
    app: &App,
    by: &By<Device>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Known, Error> {
    let (mut states, mut operations) = (vec![], vec![]);
    for department in app.db.departments() {
        let known = app.db.read(department, &by.caller, move |tx| known(tx, key)).await?;
        let Some((state, operation)) = known else { continue };
        states.push(state);
        operations.extend(operation.map(|row| (department, row)));
    }
    // The words stand in the order of their weight.
    let state = states.into_iter().min().ok_or(Error::Refused(Refusal::NotFound))?;
    Ok(Known { state, operations })
}

/// The hold that this device's key stands for.
pub async fn find_hold_by_key(
    app: &App,
    by: &By<Device>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<(Department, HoldRow), Error> {
    let (device, mut found) = (by.device, None);
    for department in app.db.departments() {
        let hold = app.db.read(department, &by.caller, move |tx| super::holds::find_hold_by_key(tx, device, key)).await;
        match hold {
            Err(Error::Refused(Refusal::NotFound)) => {}
            hold => found = Some((department, hold?)),
        }
    }
    found.ok_or(Refusal::NotFound.into())
}

/// Undoes what this device did under a key, or sees to it that nothing ever will be, in every department. One that fails does not keep the
/// others from it.
pub async fn void_key(app: &App, by: &By<Device>, IdempotencyKey(key): IdempotencyKey) -> Result<Voided, Error> {
    let (mut all, mut operations) = (vec![], vec![]);
    let (mut failed, mut refused) = (None, None);
    for department in app.db.departments() {
        let void = move |tx: &mut Tx<'_>| Ok((holds::void(tx, key)?, known(tx, key)?));
        match app.db.write(department, &by.caller, void).await {
            Ok((found, known)) => {
                all.push(found);
                operations.extend(known.and_then(|(_, operation)| operation).map(|row| (department, row)));
            }
            Err(error @ Error::Refused(_)) => refused = Some(error),
            Err(error) => failed = Some(error),
        }
    }
    if let Some(error) = failed.or(refused) {
        return Err(error);
    }
    let found = [Found::Debit, Found::Hold, Found::Voided].into_iter().find(|found| all.contains(found));
    Ok(Voided { found: found.unwrap_or(Found::Nothing), operations })
}

/// Whether anything was said to this device under a key: money moved or set aside, or refused.
pub(super) fn is_known(tx: &mut Tx<'_>, device: DeviceId, key: Uuid) -> Result<bool, Error> {
    if db::key(tx, key)?.is_some() {
        return Ok(true);
    }
    match super::holds::find_hold_by_key(tx, device, key) {
        Ok(_) => Ok(true),
        Err(Error::Refused(Refusal::NotFound)) => Ok(false),
        Err(error) => Err(error),
    }
}

fn known(tx: &mut Tx<'_>, key: Uuid) -> Result<Option<(KeyState, Option<OperationRow>)>, Error> {
    let Some(row) = db::key(tx, key)? else { return Ok(None) };
    let operation = row.transfer_id.map(|id| super::show_operation(tx, id)).transpose()?;
    let state = match (row.voided, &operation) {
        (false, Some(_)) => KeyState::Moved,
        (true, Some(_)) => KeyState::Voided,
        (true, None) => KeyState::Cancelled,
        (false, None) => KeyState::Refused,
    };
    Ok(Some((state, operation)))
}

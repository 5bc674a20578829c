//! What happens at a counter: a card is shown, debited, a debit given back; and the merchant reads its own operations. A till sees a first
//! name, an initial and a photo, never a balance; whatever is wrong with a card or its funds reads the same.

mod db;
pub mod holds;
pub mod http;
pub mod keys;

use crate::{
    app::App,
    audit,
    auth::{
        actor::{By, Device},
        devices,
    },
    cards::{
        self,
        reading::{Read, ReadCard},
    },
    db::Tx,
    error::{Error, Refusal},
    http::{
        idempotency::{self, IdempotencyKey},
        page::{Page, PageQuery},
    },
    kernel::{
        department::Department,
        ids::{DeviceId, TransferId},
        money::Amount,
        text::{Label, Secret},
        words::WalletKind,
    },
    ledger::{self, Debit, Declined, Movement, Outcome, Refund},
    photos::{self, Size},
};
use chrono::{DateTime, NaiveDate, Timelike, Utc};
use data_encoding::HEXLOWER;
pub use db::{OperationRow, TotalRow};
use serde_json::json;
use uuid::Uuid;

/// Who holds a card.
#[derive(Debug)]
pub struct Holder {
    pub first_name: String,
    pub initial: String,
    pub photo_jpeg: Option<Vec<u8>>,
}

/// A purchase to pay with a wallet.
#[derive(Debug, Clone)]
pub struct Purchase {
    pub card: Secret,
    pub wallet_kind: WalletKind,
    pub amount: Amount,
    pub activity_label: Label,
    pub activity_date: NaiveDate,
}

/// Money moved under a key, now or before.
#[derive(Debug)]
pub struct Answered {
    pub department: Department,
    pub movement: Movement,
    pub replayed: bool,
}

/// Who holds the card shown to this device. Unreadable, unknown and blocked ones are answered alike; the first two count against the device.
pub async fn look_up_card(app: &App, by: &By<Device>, text: &Secret) -> Result<Holder, Error> {
    let Some(card) = shown_card(app, by, text, None).await? else { return Err(Refusal::CardNotRecognised.into()) };
    let fingerprint = card.fingerprint;
    match app.db.write(card.department, &by.caller, move |tx| holder(tx, &fingerprint)).await? {
        Shown::Usable(holder) => return Ok(holder),
        Shown::Unusable => {}
        Shown::Nobody => count_bad_code(app, by).await?,
    }
    Err(Refusal::CardNotRecognised.into())
}

/// The card that this device shows, `None` for what is no card: that counts against the device. A text of a telephone that is over is told so,
/// and counts against nobody; but one sent again under its key may have paid while it was fresh, and the ledger answers it.
async fn shown_card(
    app: &App,
    by: &By<Device>,
    text: &Secret,
    key: Option<IdempotencyKey>,
) -> Result<Option<ReadCard>, Error> {
    match cards::reading::read(app, &by.caller, text.as_str()).await? {
        Read::Card(card) => Ok(Some(card)),
        Read::Stale(card) => {
            let device = by.device;
            if let Some(IdempotencyKey(key)) = key
                && app.db.read(card.department, &by.caller, move |tx| keys::is_known(tx, device, key)).await?
            {
                return Ok(Some(card));
            }
            Err(Refusal::LiveCodeOver.into())
        }
        Read::Nothing => {
            count_bad_code(app, by).await?;
            Ok(None)
        }
    }
}

#[derive(Debug)]
enum Shown {
    Nobody,
    Unusable,
    Usable(Holder),
}

fn holder(tx: &mut Tx<'_>, fingerprint: &[u8]) -> Result<Shown, Error> {
    let Some(row) = db::card_holder(tx, fingerprint)? else { return Ok(Shown::Nobody) };
    let (Some(child), Some(first_name), Some(initial)) = (row.child_id, row.first_name, row.initial) else {
        return Ok(Shown::Unusable);
    };
    let sealed = row.photo_sealed;
    let photo_jpeg = sealed.map(|sealed| photos::open_sealed(tx.key, child, Size::Till, &sealed)).transpose()?;
    // A portrait seen is a line of the journal.
    audit::record(tx, "card_looked_up", ("child", child), json!({ "photo": photo_jpeg.is_some() }))?;
    Ok(Shown::Usable(Holder { first_name, initial, photo_jpeg }))
}

async fn count_bad_code(app: &App, by: &By<Device>) -> Result<(), Error> {
    let device = by.device;
    let suspended = app.db.directory_write(&by.caller, move |tx| devices::count_bad_code(tx, device)).await?;
    if suspended {
        tracing::warn!(%device, "device suspended after too many unknown cards");
    }
    Ok(())
}

/// Debits the wallet behind a card. Guessing cards by debits counts against the device as by look-ups.
pub async fn debit_card(
    app: &App,
    by: &By<Device>,
    key: IdempotencyKey,
    purchase: Purchase,
) -> Result<Answered, Error> {
    ledger::check_activity_date(purchase.activity_date)?;
    let card = shown_card(app, by, &purchase.card, Some(key)).await?;
    let ReadCard { department, fingerprint } = card.ok_or(Error::Refused(Refusal::DebitRefused))?;
    let debit = debit("debit_card", by, key.0, fingerprint, purchase)?;
    let outcome = app.ledger.debit(department, debit).await?;
    if outcome.result == Err(Declined::UnknownCard) && !outcome.replayed {
        count_bad_code(app, by).await?;
    }
    answer(app, department, outcome)
}

fn debit(
    operation: &str,
    by: &By<Device>,
    key: Uuid,
    card_fingerprint: Vec<u8>,
    purchase: Purchase,
) -> Result<Debit, Error> {
    let fingerprint = fingerprint(operation, &card_fingerprint, &purchase)?;
    let Purchase { wallet_kind: wallet, amount, activity_label, activity_date, .. } = purchase;
    let (permit, transfer) = (by.into(), TransferId::generate());
    Ok(Debit { permit, transfer, key, fingerprint, card_fingerprint, wallet, amount, activity_label, activity_date })
}

/// The card counts by what the database finds it by: read from the QR code or typed, it makes the same request.
fn fingerprint(operation: &str, card_fingerprint: &[u8], purchase: &Purchase) -> Result<Vec<u8>, Error> {
    let Purchase { card: _, wallet_kind, amount, activity_label, activity_date } = purchase;
    let body = (wallet_kind, amount, activity_label, activity_date);
    idempotency::fingerprint(operation, &HEXLOWER.encode(card_fingerprint), &body)
}

/// Gives back all or part of a debit of the caller's merchant.
pub async fn refund_debit(
    app: &App,
    by: &By<Device>,
    IdempotencyKey(key): IdempotencyKey,
    department: Department,
    debit: TransferId,
    amount: Amount,
) -> Result<Answered, Error> {
    let fingerprint = idempotency::fingerprint("refund_debit", &debit.to_string(), &amount)?;
    let step = move |tx: &mut Tx<'_>| {
        let fingerprint = fingerprint.clone();
        ledger::refund(tx, Refund { key, fingerprint, debit, amount })
    };
    answer(app, department, app.db.write(department, &by.caller, step).await?)
}

/// After the commit: a refusal is kept for its key before it is told.
fn answer(app: &App, department: Department, outcome: Outcome) -> Result<Answered, Error> {
    let Outcome { replayed, result } = outcome;
    match result {
        Ok(movement) => Ok(Answered { department, movement, replayed }),
        Err(declined) => {
            tracing::info!(reason = declined.as_str(), replayed, "money step declined");
            // Another request under a used key was never answered before.
            if replayed && declined != Declined::KeyReused {
                return Err(Error::Replayed(declined.refusal()));
            }
            if declined == Declined::AboveTillCap {
                return Err(Error::Later(declined.refusal(), seconds_to_the_next_minute(app.db.server_now())));
            }
            Err(declined.into())
        }
    }
}

/// A till's minute begins and ends with the clock's.
fn seconds_to_the_next_minute(now: DateTime<Utc>) -> u64 {
    u64::from(60_u32.saturating_sub(now.second()).max(1))
}

/// Which of the merchant's operations are asked for: all that nothing here excludes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sought {
    /// First and last day, in Paris.
    pub from: Option<NaiveDate>,
    pub until: Option<NaiveDate>,
    /// By that device.
    pub device: Option<DeviceId>,
}

/// What the merchant's devices did on a day of Paris, each by itself; what an agent undid is nobody's.
pub fn day_totals(tx: &mut Tx<'_>, day: NaiveDate) -> Result<Vec<TotalRow>, Error> {
    db::totals(tx, day)
}

/// The merchant's own operations in a department, newest first.
pub fn list_operations(tx: &mut Tx<'_>, sought: &Sought, query: &PageQuery) -> Result<Page<OperationRow>, Error> {
    let before = query.after()?.map(TransferId::from_uuid);
    let rows = db::operations(tx, sought, before, query.limit()?.saturating_add(1))?;
    query.page(rows, |row| row.id.uuid())
}

/// One operation of the merchant.
pub fn show_operation(tx: &mut Tx<'_>, id: TransferId) -> Result<OperationRow, Error> {
    db::operation(tx, id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cards::state::CardState;

    fn date(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    fn purchase() -> Purchase {
        Purchase {
            card: "92-000G-40R4-0M30-E27Z-Z".parse().unwrap(),
            wallet_kind: WalletKind::Sport,
            amount: Amount::try_from(1_250).unwrap(),
            activity_label: "Stage de danse".parse().unwrap(),
            activity_date: date(2026, 9, 19),
        }
    }

    #[test]
    fn a_key_stands_for_what_is_bought_with_which_card_however_it_is_read() {
        let of = |card: &[u8], purchase: &Purchase| fingerprint("debit_card", card, purchase).unwrap();
        let first = of(b"card", &purchase());
        assert_eq!(first, of(b"card", &Purchase { card: "PP1.X".parse().unwrap(), ..purchase() }));
        assert_ne!(first, of(b"other", &purchase()));
        assert_ne!(first, fingerprint("hold_card", b"card", &purchase()).unwrap());
        assert_ne!(first, of(b"card", &Purchase { amount: Amount::try_from(1_251).unwrap(), ..purchase() }));
        assert_ne!(first, of(b"card", &Purchase { wallet_kind: WalletKind::Culture, ..purchase() }));
        assert_ne!(first, of(b"card", &Purchase { activity_date: date(2026, 9, 20), ..purchase() }));
    }

    #[test]
    fn every_state_in_which_a_card_cannot_pay_is_a_reason_of_the_ledger() {
        for state in CardState::ALL.iter().filter(|state| **state != CardState::Active) {
            let declined: Declined = format!("card_{state}").parse().unwrap();
            assert_eq!(declined.refusal(), Refusal::DebitRefused, "{state}");
        }
    }
}

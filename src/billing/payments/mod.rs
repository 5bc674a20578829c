//! What payers paid, as finance records it. A payment is never written over: a mistake is undone by an entry of the opposite amount, with
//! its reason.

mod db;
pub mod http;

pub use db::PaymentRow;

use super::accounts;
use crate::{
    audit,
    canteen::services,
    db::Tx,
    error::{Error, Refusal},
    kernel::{
        ids::{AccountId, PayerId, PaymentId},
        money::Cents,
        text::{Label, Note},
        time::paris_date,
    },
};
use chrono::{Days, NaiveDate};
use serde_json::json;
use uuid::Uuid;

/// No payment passes 10,000 €: a year of meals of a large family is a third of it.
pub const AMOUNT_MAX: Cents = Cents::new(1_000_000);
/// A payment is written down within the year, in days.
const BACK_MAX: u64 = 366;

text_enum! {
    /// How something was paid.
    pub enum PaymentMeans { BankTransfer = "bank_transfer", Cheque = "cheque", Cash = "cash", Card = "card" }
}

/// The caller's key and what it stands for.
#[derive(Debug, Clone)]
pub struct Keyed {
    pub key: Uuid,
    pub fingerprint: Vec<u8>,
}

/// A payment as it came in.
#[derive(Debug, Clone)]
pub struct NewPayment {
    pub payer: PayerId,
    pub amount: Cents,
    pub paid_on: NaiveDate,
    pub means: PaymentMeans,
    pub reference: Option<Label>,
    /// That it is another one than what looks the same.
    pub confirmed_distinct: bool,
}

/// Records a payment. True with it when the key had been used for that before. What was recorded under another key is refused, unless it is
/// said to be another one: two clerks have the same cheque in hand.
pub fn record_payment(
    tx: &mut Tx<'_>,
    by: AccountId,
    keyed: &Keyed,
    new: &NewPayment,
) -> Result<(PaymentRow, bool), Error> {
    services::require_canteen_once(tx)?;
    let now = tx.now()?;
    let today = paris_date(now);
    if new.paid_on > today || today.checked_sub_days(Days::new(BACK_MAX)).is_some_and(|first| new.paid_on < first) {
        return Err(Error::field("/paid_on", "un jour des douze derniers mois est attendu"));
    }
    let payer = accounts::payer(tx, new.payer)?;
    tx.take_turns(format_args!("payments {}", new.payer))?;
    let row = PaymentRow {
        id: PaymentId::generate(),
        family_id: payer.family(),
        adult_id: payer.adult(),
        amount: new.amount,
        paid_on: new.paid_on,
        means: new.means,
        reference: new.reference.clone(),
        undoes: None,
        reason: None,
        key: keyed.key,
        fingerprint: keyed.fingerprint.clone(),
        recorded_by: by,
        recorded_at: now,
    };
    let (row, replayed) = once(tx, "canteen_payment_recorded", row)?;
    if !replayed
        && !new.confirmed_distinct
        && let Some(db::Earlier { id, paid_on, recorded_at }) = db::like(tx, row.id)?
    {
        let (paid_on, recorded_on) = (paid_on.format("%d/%m/%Y"), paris_date(recorded_at).format("%d/%m/%Y"));
        let because = format!(
            "Ce paiement est déjà enregistré sur ce compte : le même, payé le {paid_on}, l'a été le {recorded_on} (paiement {id}). \
             Si c'en est un autre, confirmez-le."
        );
        return Err(Error::RefusedBecause(Refusal::PaymentRecorded, because));
    }
    Ok((row, replayed))
}

/// Undoes a payment that was recorded by mistake.
pub fn undo_payment(
    tx: &mut Tx<'_>,
    by: AccountId,
    keyed: &Keyed,
    id: PaymentId,
    reason: &Note,
) -> Result<(PaymentRow, bool), Error> {
    let now = tx.now()?;
    let undone = db::payment(tx, id)?;
    if undone.undoes.is_some() {
        return Err(Refusal::PaymentUndone.into());
    }
    let amount = Cents::ZERO.checked_sub(undone.amount).ok_or_else(|| Error::internal("a payment overflows"))?;
    let row = PaymentRow {
        id: PaymentId::generate(),
        amount,
        paid_on: paris_date(now),
        undoes: Some(id),
        reason: Some(reason.clone()),
        key: keyed.key,
        fingerprint: keyed.fingerprint.clone(),
        recorded_by: by,
        recorded_at: now,
        ..undone
    };
    once(tx, "canteen_payment_undone", row)
}

/// Writes a row unless its key did before.
fn once(tx: &mut Tx<'_>, action: &str, row: PaymentRow) -> Result<(PaymentRow, bool), Error> {
    if !db::insert(tx, &row)? {
        let known = db::of_key(tx, row.recorded_by, row.key)?;
        let same = known.fingerprint == row.fingerprint;
        return if same { Ok((known, true)) } else { Err(Refusal::IdempotencyKeyReused.into()) };
    }
    let details = json!({ "amount_cents": row.amount, "means": row.means, "undoes": row.undoes });
    audit::record(tx, action, ("payment", row.id), details)?;
    Ok((row, false))
}

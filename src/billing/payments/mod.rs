//! What payers paid, and what the treasury paid them back, as finance records it. Nothing is written over: a mistake is undone by an entry of
//! the opposite amount, with its reason.
//!
//! What would surprise: a payment that a refund rests on may be undone, as a cheque may bounce when the money is gone. The account then tells
//! what is owed.

mod db;
pub mod http;
pub mod notices;

pub use db::PaymentRow;

use super::{Payer, accounts, take_turns};
use crate::{
    audit,
    canteen::services,
    db::Tx,
    error::{Error, Refusal},
    jobs::{self, Job},
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

text_enum! {
    /// How the treasury pays back.
    pub enum RefundMeans { BankTransfer = "bank_transfer", Cheque = "cheque" }
}

impl From<RefundMeans> for PaymentMeans {
    fn from(means: RefundMeans) -> Self {
        match means {
            RefundMeans::BankTransfer => Self::BankTransfer,
            RefundMeans::Cheque => Self::Cheque,
        }
    }
}

/// The caller's key and what it stands for.
#[derive(Debug, Clone)]
pub struct Keyed {
    pub key: Uuid,
    pub fingerprint: Vec<u8>,
}

/// A payment as it came in, or a refund as it went out.
#[derive(Debug, Clone)]
pub struct NewPayment {
    pub payer: PayerId,
    /// More than zero, whichever it is.
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
    record(tx, by, keyed, new, false)
}

/// Records what the treasury paid back: no more than the account has in the payer's favour. While it is written nobody else pays back on this
/// account, and nothing is billed.
pub fn record_refund(
    tx: &mut Tx<'_>,
    by: AccountId,
    keyed: &Keyed,
    new: &NewPayment,
) -> Result<(PaymentRow, bool), Error> {
    take_turns(tx)?;
    let (row, replayed) = record(tx, by, keyed, new, true)?;
    if replayed {
        return Ok((row, true));
    }
    // Nothing can be given back before anything was there.
    if let Some(first) = accounts::first_day(tx, new.payer, row.id)?
        && new.paid_on < first
    {
        let because = format!("aucun jour avant le premier mouvement du compte, le {}", first.format("%d/%m/%Y"));
        return Err(Error::field("/paid_on", &because));
    }
    let after = accounts::balance(tx, new.payer)?;
    if after > Cents::ZERO {
        let before =
            after.checked_sub(new.amount).and_then(opposite).ok_or_else(|| Error::internal("an account overflows"))?;
        let because = if before > Cents::ZERO {
            format!("Ce compte n'a que {before} en faveur du payeur : le remboursement ne peut pas les dépasser.")
        } else {
            "Ce compte n'a rien en faveur du payeur : il n'y a rien à rembourser.".to_owned()
        };
        return Err(Error::RefusedBecause(Refusal::RefundExceedsCredit, because));
    }
    jobs::enqueue(tx, &Job::RefundNotice { payment: row.id })?;
    Ok((row, false))
}

fn record(
    tx: &mut Tx<'_>,
    by: AccountId,
    keyed: &Keyed,
    new: &NewPayment,
    is_refund: bool,
) -> Result<(PaymentRow, bool), Error> {
    services::require_canteen_once(tx)?;
    let now = tx.now()?;
    let today = paris_date(now);
    if new.paid_on > today || today.checked_sub_days(Days::new(BACK_MAX)).is_some_and(|first| new.paid_on < first) {
        return Err(Error::field("/paid_on", "un jour des douze derniers mois est attendu"));
    }
    let payer = accounts::payer(tx, new.payer)?;
    tx.take_turns(format_args!("payments {}", new.payer))?;
    let amount = if is_refund { opposite(new.amount) } else { Some(new.amount) };
    let row = PaymentRow {
        id: PaymentId::generate(),
        family_id: payer.family(),
        adult_id: payer.adult(),
        amount: amount.ok_or_else(|| Error::internal("a refund overflows"))?,
        paid_on: new.paid_on,
        means: new.means,
        reference: new.reference.clone(),
        undoes: None,
        reason: None,
        key: keyed.key,
        fingerprint: keyed.fingerprint.clone(),
        recorded_by: by,
        recorded_at: now,
        is_refund,
    };
    let (row, replayed) = once(tx, row)?;
    if !replayed
        && !new.confirmed_distinct
        && let Some(earlier) = db::like(tx, row.id)?
    {
        return Err(already(&earlier, is_refund));
    }
    Ok((row, replayed))
}

fn already(earlier: &db::Earlier, is_refund: bool) -> Error {
    let (paid_on, recorded_on) =
        (earlier.paid_on.format("%d/%m/%Y"), paris_date(earlier.recorded_at).format("%d/%m/%Y"));
    let (what, paid, id) =
        if is_refund { ("remboursement", "versé", earlier.id) } else { ("paiement", "payé", earlier.id) };
    let because = format!(
        "Ce {what} est déjà enregistré sur ce compte : le même, {paid} le {paid_on}, l'a été le {recorded_on} ({what} {id}). \
         Si c'en est un autre, confirmez-le."
    );
    Error::RefusedBecause(Refusal::PaymentRecorded, because)
}

fn opposite(amount: Cents) -> Option<Cents> {
    Cents::ZERO.checked_sub(amount)
}

/// Undoes a payment or a refund that was recorded by mistake, or did not arrive.
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
    // A refund of the same account waits for what is left.
    if let Some(payer) = Payer::of(undone.family_id, undone.adult_id) {
        tx.take_turns(format_args!("payments {}", payer.id()))?;
    }
    let amount = opposite(undone.amount).ok_or_else(|| Error::internal("a payment overflows"))?;
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
    let (row, replayed) = once(tx, row)?;
    if !replayed {
        jobs::enqueue(tx, &Job::RefundNotice { payment: row.id })?;
    }
    Ok((row, replayed))
}

/// Writes a row unless its key did before.
fn once(tx: &mut Tx<'_>, row: PaymentRow) -> Result<(PaymentRow, bool), Error> {
    if !db::insert(tx, &row)? {
        let known = db::of_key(tx, row.recorded_by, row.key)?;
        let same = known.fingerprint == row.fingerprint;
        return if same { Ok((known, true)) } else { Err(Refusal::IdempotencyKeyReused.into()) };
    }
    let action = match (row.is_refund, row.undoes.is_some()) {
        (false, false) => "canteen_payment_recorded",
        (false, true) => "canteen_payment_undone",
        (true, false) => "canteen_refund_recorded",
        (true, true) => "canteen_refund_undone",
    };
    let details = json!({ "amount_cents": row.amount, "means": row.means, "undoes": row.undoes });
    audit::record(tx, action, ("payment", row.id), details)?;
    Ok((row, false))
}

//! Money set aside: by a till before it knows the final sum, by a family as a ticket or for a merchant that has yet to accept. It leaves the
//! available balance at once, the wallet only when captured, and comes back when it is let go.
//!
//! What would surprise: a key can be voided before what it names arrives; whatever comes under it afterwards is refused.

mod db;

use super::Outcome;
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    jobs::{self, Job},
    kernel::{
        actor::Actor,
        ids::{HoldId, MerchantId, WalletId},
        money::Amount,
        text::Label,
    },
};
use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

/// Holds that expire in one transaction: its locks are short, and what a stop interrupts is done by the next one.
const EXPIRED_AT_ONCE: i64 = 100;

text_enum! {
    /// Who set money aside, and for what.
    pub enum HoldKind {
        /// A till, behind a card.
        Till = "till",
        /// A family, for whoever is shown the code.
        Ticket = "ticket",
        /// A family, for a merchant that accepts or declines.
        Remote = "remote",
    }
}

text_enum! {
    /// Where a hold is. It leaves `authorised` once.
    pub enum HoldState {
        Authorised = "authorised",
        /// In part or whole; the rest went back.
        Captured = "captured",
        /// Cancelled by its family, declined or let go by its merchant.
        Voided = "voided",
        /// Its time is over.
        Expired = "expired",
    }
}

impl HoldState {
    /// What is refused to whoever comes too late; nothing while the hold stands.
    #[must_use]
    pub const fn refusal(self) -> Option<Refusal> {
        match self {
            Self::Authorised => None,
            Self::Captured => Some(Refusal::HoldCaptured),
            Self::Voided => Some(Refusal::HoldVoided),
            Self::Expired => Some(Refusal::HoldExpired),
        }
    }
}

/// Money that a family sets aside.
#[derive(Debug, Clone)]
pub struct SetAside {
    pub hold: HoldId,
    pub key: Uuid,
    pub fingerprint: Vec<u8>,
    pub wallet: WalletId,
    pub amount: Amount,
    pub merchant: Option<MerchantId>,
    pub activity_label: Option<Label>,
    pub activity_date: Option<NaiveDate>,
    /// A ticket's code, fingerprinted and sealed; without one it is a remote transfer.
    pub code: Option<(Vec<u8>, Vec<u8>)>,
}

/// What a device captures.
#[derive(Debug, Clone)]
pub enum Held {
    Hold(HoldId),
    /// A ticket, by its code's fingerprint.
    Ticket(Vec<u8>),
}

/// A capture of all or part of a hold, for the calling device's merchant.
#[derive(Debug, Clone)]
pub struct Capture {
    pub key: Uuid,
    pub fingerprint: Vec<u8>,
    pub held: Held,
    pub amount: Amount,
    /// Counts where the ticket names none.
    pub activity_label: Option<Label>,
    pub activity_date: Option<NaiveDate>,
}

text_enum! {
    /// What the void of a key found.
    pub enum Found {
        /// Nothing yet, or a refusal: nothing will ever move under the key.
        Nothing = "nothing",
        /// Money set aside, let go now.
        Hold = "hold",
        /// A debit, given back now as far as it was not before.
        Debit = "debit",
        /// The key was voided before.
        Voided = "voided",
    }
}

/// Sets money of a family's wallet aside. A refusal must commit too.
pub fn set_aside(tx: &mut Tx<'_>, step: SetAside) -> Result<Outcome, Error> {
    let outcome = db::set_aside(tx, step)?.try_into()?;
    record_made(tx, &outcome)?;
    Ok(outcome)
}

/// A hold is no movement: what makes one is a line of the journal by itself.
pub(super) fn record_made(tx: &mut Tx<'_>, outcome: &Outcome) -> Result<(), Error> {
    let Outcome { replayed: false, result: Ok(made) } = outcome else { return Ok(()) };
    let details = json!({ "amount_cents": made.amount, "wallet": made.wallet_kind, "expires_at": made.expires_at });
    audit::record(tx, "hold_made", ("hold", made.id), details)
}

/// Captures all or part of a hold, once; the rest goes back. The movement is its own line of the journal. A refusal must commit too.
pub fn capture(tx: &mut Tx<'_>, step: Capture) -> Result<Outcome, Error> {
    db::capture(tx, step)?.try_into()
}

/// Lets a hold go, whole: its merchant or its family no longer wants it. Done twice it is done once.
pub fn release(tx: &mut Tx<'_>, hold: HoldId) -> Result<(), Error> {
    match db::release(tx, hold)?.as_deref() {
        None => {
            if matches!(tx.caller.actor, Actor::Device { .. }) {
                jobs::enqueue(tx, &Job::HoldNotice { hold })?;
            }
            audit::record(tx, "hold_voided", ("hold", hold), json!({}))
        }
        Some("voided") => Ok(()),
        Some("captured") => Err(Refusal::HoldCaptured.into()),
        Some("expired") => Err(Refusal::HoldExpired.into()),
        Some(_) => Err(Refusal::NotFound.into()),
    }
}

/// Undoes what the calling device did under a key, or makes sure that nothing is ever done under it.
pub fn void(tx: &mut Tx<'_>, key: Uuid) -> Result<Found, Error> {
    let found = match db::void(tx, key)?.as_deref() {
        None => return Ok(Found::Voided),
        Some("nothing") => Found::Nothing,
        Some("hold") => Found::Hold,
        Some("debit") => Found::Debit,
        Some("refund_needs_agent") => return Err(Refusal::RefundNeedsAgent.into()),
        Some("hold_captured") => return Err(Refusal::HoldCaptured.into()),
        Some("hold_expired") => return Err(Refusal::HoldExpired.into()),
        Some("not_a_debit") => return Err(Refusal::VoidOfRefund.into()),
        Some(other) => return Err(Error::internal(format!("the ledger voided {other}"))),
    };
    audit::record(tx, "key_voided", ("key", key), json!({ "found": found }))?;
    Ok(found)
}

/// Lets go a batch of holds whose time is over, as the service itself. Returns how many; none are left when it returns 0.
pub fn expire(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let expired = usize::try_from(db::expire(tx, EXPIRED_AT_ONCE)?).map_err(Error::internal)?;
    if expired > 0 {
        let place = tx.place;
        audit::record(tx, "holds_expired", ("department", place), json!({ "holds": expired }))?;
    }
    Ok(expired)
}

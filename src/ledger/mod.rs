//! Wallets and the money that moves through them. Every movement is a function of the database, which locks, checks and writes by itself:
//! this module calls it, and reads.
//!
//! What would surprise: a refusal is an answer to be kept for its key, not an error. The caller commits it, then refuses.

mod db;
pub mod desk;
pub mod expiry;
pub mod holds;
pub mod http;
pub mod lane;
pub mod model;
pub mod notices;
pub mod refusals;
pub mod reversals;
pub mod rules;
mod statement;
pub mod tickets;

use crate::{
    audit,
    auth::actor::{By, Device},
    db::Tx,
    error::{Error, Refusal},
    http::page::{Page, PageQuery},
    kernel::{
        ids::{ChildId, DeviceId, EnrolmentId, LedgerAccountId, MerchantId, RequestId, TransferId, WalletId},
        money::{Amount, Cents},
        text::Label,
        words::{GrantKind, WalletKind},
    },
};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
pub use db::{DEBIT_SQL, WalletRow};
use serde_json::json;
pub use statement::Statement;
use uuid::Uuid;

text_enum! {
    /// What a movement is.
    pub enum TransferKind {
        /// A right given for a season.
        Grant = "grant",
        Debit = "debit",
        /// A merchant gives back.
        Refund = "refund",
        /// What was left when the season ended.
        Expiry = "expiry",
        /// An agent undoes a movement, for a reason.
        Reversal = "reversal",
    }
}

text_enum! {
    /// Why the ledger moved nothing, as it knows it inside. Outside, most of these are one: see [`Declined::refusal`].
    pub enum Declined {
        KeyReused = "key_reused",
        ActivityDate = "activity_date",
        NotAffiliated = "not_affiliated",
        UnknownCard = "unknown_card",
        CardOrdered = "card_ordered",
        CardPrinted = "card_printed",
        CardPosted = "card_posted",
        CardBlocked = "card_blocked",
        CardReplaced = "card_replaced",
        CardExpired = "card_expired",
        InsufficientFunds = "insufficient_funds",
        NoOpenWallet = "no_open_wallet",
        AboveCardCap = "above_card_cap",
        AboveDebitCap = "above_debit_cap",
        AboveTillCap = "above_till_cap",
        PaidWithOtherWallet = "paid_with_other_wallet",
        Voided = "voided",
        UnknownDebit = "unknown_debit",
        ExceedsDebit = "exceeds_debit",
        RefundNeedsAgent = "refund_needs_agent",
        UnknownWallet = "unknown_wallet",
        SeasonClosed = "season_closed",
        UnknownHold = "unknown_hold",
        HoldCaptured = "hold_captured",
        HoldVoided = "hold_voided",
        HoldExpired = "hold_expired",
        ExceedsHold = "exceeds_hold",
        ActivityMissing = "activity_missing",
        RemoteInPart = "remote_in_part",
        OtherActivity = "other_activity",
        UnknownTransfer = "unknown_transfer",
        ExceedsTransfer = "exceeds_transfer",
    }
}

impl Declined {
    /// What the merchant is told. All that concerns the card or its funds reads the same, so that a till learns nothing about a child.
    #[must_use]
    pub const fn refusal(self) -> Refusal {
        match self {
            Self::KeyReused => Refusal::IdempotencyKeyReused,
            Self::ActivityDate | Self::ActivityMissing => Refusal::InvalidFields,
            Self::NotAffiliated => Refusal::NotAffiliated,
            // Rules that say nothing about the child are told as they are.
            Self::AboveDebitCap => Refusal::AboveDebitCap,
            Self::AboveTillCap => Refusal::AboveTillCap,
            Self::PaidWithOtherWallet => Refusal::PaidWithOtherWallet,
            Self::Voided => Refusal::DebitVoided,
            Self::UnknownDebit | Self::UnknownWallet | Self::UnknownHold | Self::UnknownTransfer => Refusal::NotFound,
            Self::ExceedsDebit => Refusal::RefundExceeds,
            Self::RefundNeedsAgent => Refusal::RefundNeedsAgent,
            Self::SeasonClosed => Refusal::SpendingOver,
            Self::HoldCaptured => Refusal::HoldCaptured,
            Self::HoldVoided => Refusal::HoldVoided,
            Self::HoldExpired => Refusal::HoldExpired,
            Self::ExceedsHold => Refusal::HoldExceeded,
            Self::RemoteInPart => Refusal::TransferWhole,
            Self::OtherActivity => Refusal::TicketActivity,
            Self::ExceedsTransfer => Refusal::ReversalExceeds,
            Self::AboveCardCap
            | Self::UnknownCard
            | Self::CardOrdered
            | Self::CardPrinted
            | Self::CardPosted
            | Self::CardBlocked
            | Self::CardReplaced
            | Self::CardExpired
            | Self::InsufficientFunds
            | Self::NoOpenWallet => Refusal::DebitRefused,
        }
    }
}

impl From<Declined> for Error {
    fn from(declined: Declined) -> Self {
        match declined {
            Declined::ActivityDate => {
                Self::field("/activity_date", "une date à moins d'un an d'aujourd'hui est attendue")
            }
            Declined::ActivityMissing => {
                Self::field("/activity_label", "ce ticket ne nomme pas d'activité : dites laquelle, et sa date")
            }
            _ => declined.refusal().into(),
        }
    }
}

/// Years an activity may name at all. That it is within a year of today, the ledger checks: after the replay of what was done before.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2100;

/// Refuses a date that cannot be an activity's, before the ledger is asked.
pub fn check_activity_date(date: NaiveDate) -> Result<(), Error> {
    if YEARS.contains(&date.year()) { Ok(()) } else { Err(Declined::ActivityDate.into()) }
}

/// That a device was let in, and for whom it speaks: nobody makes one but from its checked credential.
#[derive(Debug, Clone, Copy)]
pub struct Permit {
    device: DeviceId,
    merchant: MerchantId,
    request: RequestId,
}

impl From<&By<Device>> for Permit {
    fn from(by: &By<Device>) -> Self {
        Self { device: by.device, merchant: by.merchant, request: by.caller.request }
    }
}

/// A debit of the wallet behind a card.
#[derive(Debug, Clone)]
pub struct Debit {
    pub permit: Permit,
    /// What the movement, or the hold, will be named.
    pub transfer: TransferId,
    /// The caller's key and what it stands for.
    pub key: Uuid,
    pub fingerprint: Vec<u8>,
    pub card_fingerprint: Vec<u8>,
    pub wallet: WalletKind,
    pub amount: Amount,
    pub activity_label: Label,
    pub activity_date: NaiveDate,
}

/// A refund of all or part of a debit of the calling device's merchant.
#[derive(Debug, Clone)]
pub struct Refund {
    pub key: Uuid,
    pub fingerprint: Vec<u8>,
    pub debit: TransferId,
    pub amount: Amount,
}

/// Money that moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    pub id: TransferId,
    pub at: DateTime<Utc>,
    pub amount: Cents,
    pub wallet_kind: WalletKind,
    /// Absent only on a ticket that its family left open.
    pub activity_label: Option<Label>,
    pub activity_date: Option<NaiveDate>,
    pub holder_first_name: String,
    pub holder_initial: String,
    /// Of money only set aside: captured before that, or not at all.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Until when the credit of a season serves: debits and tickets before the first instant, captures of tickets before the second.
#[derive(Debug, Clone, Copy)]
pub struct Until {
    pub spend_before: DateTime<Utc>,
    pub capture_before: DateTime<Utc>,
}

/// What the ledger answers to a key, now or again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a refusal is in it"]
pub struct Outcome {
    /// Answered before: nothing was done now.
    pub replayed: bool,
    pub result: Result<Movement, Declined>,
}

/// Credits the wallet of an active enrolment, opening it if need be; false when this grant was made before. Nothing is granted for 0 cents.
pub fn grant(
    tx: &mut Tx<'_>,
    enrolment: EnrolmentId,
    wallet: WalletKind,
    grant: GrantKind,
    amount: Cents,
    until: Until,
) -> Result<bool, Error> {
    if amount == Cents::ZERO {
        return Ok(false);
    }
    let transfer = TransferId::generate();
    let made = db::grant(tx, transfer, enrolment, wallet, grant, amount, until)?;
    if made {
        let details = json!({ "enrolment_id": enrolment, "wallet": wallet, "grant": grant, "amount_cents": amount });
        audit::record(tx, "granted", ("transfer", transfer), details)?;
    }
    Ok(made)
}

/// What an enrolment was given as its base, by kind of wallet.
pub fn base_grants(tx: &mut Tx<'_>, enrolment: EnrolmentId) -> Result<Vec<(WalletKind, Cents)>, Error> {
    db::base_grants(tx, enrolment)
}

/// Sets money aside behind a card, for a till that does not know the final sum yet. A refusal must commit too.
pub fn authorise(tx: &mut Tx<'_>, debit: &Debit) -> Result<Outcome, Error> {
    let outcome = db::debit(tx.conn, debit, true)?.try_into()?;
    holds::record_made(tx, &outcome)?;
    Ok(outcome)
}

/// Refunds a debit, to the wallet it came from. A refusal must commit too.
pub fn refund(tx: &mut Tx<'_>, refund: Refund) -> Result<Outcome, Error> {
    db::refund(tx, refund)?.try_into()
}

/// The ledger's account of a merchant, opened if need be.
pub fn merchant_account(tx: &mut Tx<'_>, merchant: MerchantId) -> Result<LedgerAccountId, Error> {
    db::merchant_account(tx, merchant)
}

/// A wallet, and whether it pays: not while its enrolment is suspended, nor after the child has left the scheme.
#[derive(Debug)]
pub struct Wallet {
    pub row: WalletRow,
    pub pays: bool,
}

/// The wallets of a child the caller may see, newest season first. A handful: two a season.
pub fn list_wallets(tx: &mut Tx<'_>, child: ChildId) -> Result<Vec<Wallet>, Error> {
    let rows = db::wallets_of_child(tx, child)?;
    // A visible child without wallets is one row without wallet; no row is no such child for this caller.
    if rows.is_empty() {
        return Err(Refusal::NotFound.into());
    }
    let paying = db::paying_wallets(tx, child)?;
    Ok(rows.into_iter().flatten().map(|row| Wallet { pays: paying.contains(&row.id), row }).collect())
}

/// A line of a wallet's statement.
#[derive(Debug, Clone)]
pub struct Line {
    pub row: db::LineRow,
    pub merchant_name: Option<String>,
}

impl Line {
    /// The amount as the family counts it: negative when it leaves the wallet.
    #[must_use]
    pub const fn signed(&self) -> i64 {
        if self.row.comes_in { self.row.amount.get() } else { self.row.amount.get().saturating_neg() }
    }
}

/// Refuses, as absent, a wallet that the caller may not see.
pub fn see_wallet(tx: &mut Tx<'_>, wallet: WalletId) -> Result<(), Error> {
    db::see_wallet(tx, wallet).map(drop)
}

/// The whole statement of a wallet the caller may see, for a spreadsheet or for paper.
pub fn whole_statement(tx: &mut Tx<'_>, wallet: WalletId) -> Result<Statement, Error> {
    let (season, kind, holder) = db::holder(tx, wallet)?;
    let rows = db::lines(tx, wallet, None, statement::LINES_MAX)?;
    let (at, lines) = (tx.now()?, named(tx, rows)?);
    Ok(Statement { season, kind, holder, at, lines })
}

fn named(tx: &mut Tx<'_>, rows: Vec<db::LineRow>) -> Result<Vec<Line>, Error> {
    let names = db::merchant_names(tx, rows.iter().filter_map(|row| row.merchant_id))?;
    let line = |row: db::LineRow| {
        let merchant_name = row.merchant_id.and_then(|id| names.get(&id).cloned());
        Line { row, merchant_name }
    };
    Ok(rows.into_iter().map(line).collect())
}

/// The statement of a wallet the caller may see, newest first. It goes by the wallet's own numbering: transfers get their ids before they
/// get their turn.
pub fn show_statement(tx: &mut Tx<'_>, wallet: WalletId, query: &PageQuery) -> Result<Page<Line>, Error> {
    let before = query.after::<i64>()?;
    db::see_wallet(tx, wallet)?;
    let rows = db::lines(tx, wallet, before, query.limit()?.saturating_add(1))?;
    query.page(named(tx, rows)?, |line| line.row.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_concerns_a_card_or_its_funds_reads_the_same() {
        for declined in Declined::ALL {
            let told = match declined.as_str() {
                "key_reused" => Refusal::IdempotencyKeyReused,
                "activity_date" | "activity_missing" => Refusal::InvalidFields,
                "not_affiliated" => Refusal::NotAffiliated,
                // What the merchant set off or asked for itself, and says nothing of a child.
                "above_debit_cap" => Refusal::AboveDebitCap,
                "above_till_cap" => Refusal::AboveTillCap,
                "paid_with_other_wallet" => Refusal::PaidWithOtherWallet,
                "voided" => Refusal::DebitVoided,
                "unknown_debit" | "unknown_wallet" | "unknown_hold" | "unknown_transfer" => Refusal::NotFound,
                "exceeds_debit" => Refusal::RefundExceeds,
                "refund_needs_agent" => Refusal::RefundNeedsAgent,
                "season_closed" => Refusal::SpendingOver,
                "hold_captured" => Refusal::HoldCaptured,
                "hold_voided" => Refusal::HoldVoided,
                "hold_expired" => Refusal::HoldExpired,
                "exceeds_hold" => Refusal::HoldExceeded,
                "remote_in_part" => Refusal::TransferWhole,
                "other_activity" => Refusal::TicketActivity,
                "exceeds_transfer" => Refusal::ReversalExceeds,
                _ => Refusal::DebitRefused,
            };
            assert_eq!(declined.refusal(), told, "{declined}");
        }
    }
}

//! Money set aside for a merchant: by its tills, by families that send it, by tickets; captured and let go.
//! A free ticket is nobody's: until it is captured only its code knows it.

mod db;
pub mod http;

use super::{Answered, Purchase, answer, count_bad_code, debit, shown_card};
use crate::{
    app::App,
    auth::actor::{By, Device},
    cards::{code::ticket::TicketCode, reading::ReadCard},
    db::Tx,
    error::{Error, Refusal},
    http::{
        idempotency::{self, IdempotencyKey},
        page::{Page, PageQuery},
    },
    kernel::{
        department::Department,
        ids::{DeviceId, HoldId},
        money::Amount,
        text::{Label, Secret},
    },
    ledger::{
        self, Declined,
        holds::{self, Capture, Held, HoldState},
        tickets,
    },
};
use chrono::NaiveDate;
use data_encoding::HEXLOWER;
pub use db::HoldRow;
use uuid::Uuid;

/// A ticket shown at a counter, and what is taken of it.
#[derive(Debug, Clone)]
pub struct Shown {
    pub ticket: Secret,
    pub amount: Amount,
    pub activity_label: Option<Label>,
    pub activity_date: Option<NaiveDate>,
}

/// Sets money aside behind a card, as a debit would take it, refusals and guesses included.
pub async fn hold_card(app: &App, by: &By<Device>, key: IdempotencyKey, purchase: Purchase) -> Result<Answered, Error> {
    ledger::check_activity_date(purchase.activity_date)?;
    let card = shown_card(app, by, &purchase.card, Some(key)).await?;
    let ReadCard { department, fingerprint } = card.ok_or(Error::Refused(Refusal::DebitRefused))?;
    let step = debit("hold_card", by, key.0, fingerprint, purchase)?;
    let outcome = app.db.write(department, &by.caller, move |tx| ledger::authorise(tx, &step)).await?;
    if outcome.result == Err(Declined::UnknownCard) && !outcome.replayed {
        count_bad_code(app, by).await?;
    }
    answer(app, department, outcome)
}

/// Captures all or part of a hold of the caller's merchant; accepts a remote transfer.
pub async fn capture_hold(
    app: &App,
    by: &By<Device>,
    IdempotencyKey(key): IdempotencyKey,
    department: Department,
    hold: HoldId,
    amount: Amount,
) -> Result<Answered, Error> {
    let fingerprint = idempotency::fingerprint("capture_hold", &hold.to_string(), &amount)?;
    let capture =
        Capture { key, fingerprint, held: Held::Hold(hold), amount, activity_label: None, activity_date: None };
    let step = move |tx: &mut Tx<'_>| holds::capture(tx, capture.clone());
    answer(app, department, app.db.write(department, &by.caller, step).await?)
}

/// Captures a ticket by its code. One that is unreadable, unknown or another merchant's gets one answer, and counts against the device.
pub async fn capture_ticket(
    app: &App,
    by: &By<Device>,
    IdempotencyKey(key): IdempotencyKey,
    shown: Shown,
) -> Result<Answered, Error> {
    let Shown { ticket, amount, activity_label, activity_date } = shown;
    if let Some(date) = activity_date {
        ledger::check_activity_date(date)?;
    }
    let code = ticket.as_str().parse().ok().filter(|code: &TicketCode| app.department(code.department()).is_ok());
    let Some(code) = code else {
        count_bad_code(app, by).await?;
        return Err(Refusal::TicketNotRecognised.into());
    };
    let department = code.department();
    let ticket = tickets::fingerprint(app.db.key(department)?, &code);
    let body = (&amount, &activity_label, &activity_date);
    let fingerprint = idempotency::fingerprint("capture_ticket", &HEXLOWER.encode(&ticket), &body)?;
    let capture = Capture { key, fingerprint, held: Held::Ticket(ticket), amount, activity_label, activity_date };
    let step = move |tx: &mut Tx<'_>| holds::capture(tx, capture.clone());
    let outcome = app.db.write(department, &by.caller, step).await?;
    if outcome.result == Err(Declined::UnknownHold) {
        count_bad_code(app, by).await?;
        return Err(Refusal::TicketNotRecognised.into());
    }
    answer(app, department, outcome)
}

/// Lets a hold go; declines a remote transfer.
pub fn void_hold(tx: &mut Tx<'_>, hold: HoldId) -> Result<HoldRow, Error> {
    holds::release(tx, hold)?;
    db::hold(tx, hold)
}

/// What is or was set aside for the merchant, newest first.
pub fn list_holds(tx: &mut Tx<'_>, state: Option<HoldState>, query: &PageQuery) -> Result<Page<HoldRow>, Error> {
    let before = query.after()?.map(HoldId::from_uuid);
    let rows = db::holds(tx, state, before, query.limit()?.saturating_add(1))?;
    query.page(rows, |row| row.id.uuid())
}

/// One of them.
pub fn show_hold(tx: &mut Tx<'_>, id: HoldId) -> Result<HoldRow, Error> {
    db::hold(tx, id)
}

/// The hold that this device's key stands for.
pub fn find_hold_by_key(tx: &mut Tx<'_>, device: DeviceId, key: Uuid) -> Result<HoldRow, Error> {
    db::hold_by_key(tx, device, key)
}

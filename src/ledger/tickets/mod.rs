//! Tickets and remote transfers: a family sets money of one wallet aside, for whoever is shown the ticket's code, or for a merchant that
//! accepts or declines. What it cancels in time comes back; after the last day to spend it is lost with the season.

mod db;
pub mod http;
mod print;

use super::{
    Declined, Outcome,
    db::merchant_names,
    holds::{self, HoldKind, HoldState, SetAside},
};
use crate::{
    cards::code::ticket::TicketCode,
    db::Tx,
    error::{Error, Refusal},
    families,
    http::page::{Page, PageQuery},
    kernel::{
        crypto::MasterKey,
        ids::{FamilyId, HoldId, MerchantId, WalletId},
        money::Amount,
        text::Label,
    },
    seasons,
};
use chrono::NaiveDate;
use db::TicketRow;
use serde::Serialize;
use uuid::Uuid;

/// Purpose under which codes are fingerprinted and sealed.
const CODE: &str = "ticket";

/// What a family wants to pay.
#[derive(Debug, Clone, Serialize)]
pub struct Order {
    pub amount: Amount,
    pub merchant: Option<MerchantId>,
    pub activity_label: Option<Label>,
    pub activity_date: Option<NaiveDate>,
}

/// A ticket or remote transfer as its family sees it.
#[derive(Debug)]
pub struct Ticket {
    pub row: TicketRow,
    /// Of tickets that were not used yet, for their family.
    pub code: Option<TicketCode>,
    pub merchant_name: Option<String>,
}

/// What finds a ticket in the database without its code being there.
#[must_use]
pub fn fingerprint(key: &MasterKey, code: &TicketCode) -> Vec<u8> {
    key.fingerprint(CODE, &code.secret_bytes())
}

/// Sets money aside, now or before under the same key; `replayed` tells which. A refusal is kept for its key: it must commit too.
pub fn order(
    tx: &mut Tx<'_>,
    kind: HoldKind,
    wallet: WalletId,
    key: Uuid,
    fingerprint_of_request: &[u8],
    order: &Order,
) -> Result<Result<(Ticket, bool), Error>, Error> {
    let family = db::family_of_wallet(tx, wallet)?;
    families::require_full_rights(tx, family)?;
    if let Some(date) = order.activity_date {
        check_within_season(tx, wallet, date)?;
    }
    let hold = HoldId::generate();
    let code = if kind == HoldKind::Ticket { Some(new_code(tx, hold)?) } else { None };
    let Order { amount, merchant, activity_label, activity_date } = order.clone();
    let fingerprint = fingerprint_of_request.to_vec();
    let step = SetAside { hold, key, fingerprint, wallet, amount, merchant, activity_label, activity_date, code };
    let Outcome { replayed, result } = holds::set_aside(tx, step)?;
    match result {
        Ok(made) => Ok(Ok((as_made(tx, HoldId::from_uuid(made.id.uuid()))?, replayed))),
        Err(declined) => {
            tracing::info!(reason = declined.as_str(), replayed, "money was not set aside");
            let error = match refusal(declined) {
                Some(refusal) if replayed => Error::Replayed(refusal),
                Some(refusal) => refusal.into(),
                None => declined.into(),
            };
            Ok(Err(error))
        }
    }
}

/// What a season pays for begins within it, or later.
fn check_within_season(tx: &mut Tx<'_>, wallet: WalletId, date: NaiveDate) -> Result<(), Error> {
    let season = db::season_of_wallet(tx, wallet)?;
    let first_day = seasons::rules_in_force(tx, &season)?.opens_on;
    if date < first_day {
        let detail =
            format!("une date à partir du {}, premier jour de la saison, est attendue", first_day.format("%d/%m/%Y"));
        return Err(Error::field("/activity_date", detail));
    }
    Ok(())
}

/// A new code for that hold: its fingerprint and its sealed copy. The code itself is read back from the latter.
fn new_code(tx: &Tx<'_>, hold: HoldId) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let code = TicketCode::generate(tx.place);
    let sealed = tx.key.seal(CODE, hold.uuid().as_bytes(), &code.secret_bytes()).map_err(Error::internal)?;
    Ok((fingerprint(tx.key, &code), sealed))
}

fn code(tx: &Tx<'_>, row: &TicketRow) -> Result<Option<TicketCode>, Error> {
    let Some(sealed) = &row.code_sealed else { return Ok(None) };
    let secret = tx.key.open(CODE, row.id.uuid().as_bytes(), sealed).map_err(Error::internal)?;
    let secret = <[u8; 10]>::try_from(secret).map_err(|_| Error::internal("a sealed code has ten bytes"))?;
    Ok(Some(TicketCode::from_parts(tx.place, secret)))
}

/// What the family is told, where it differs from what a merchant is: it may know how its own wallets are.
const fn refusal(declined: Declined) -> Option<Refusal> {
    Some(match declined {
        Declined::NotAffiliated => Refusal::MerchantNotOpen,
        Declined::InsufficientFunds => Refusal::InsufficientFunds,
        Declined::NoOpenWallet => Refusal::WalletNotActive,
        Declined::AboveCardCap => Refusal::AboveDayCap,
        Declined::AboveDebitCap | Declined::PaidWithOtherWallet | Declined::SeasonClosed => declined.refusal(),
        // A used key, a wrong date, a wallet that is not there: nothing that was kept.
        _ => return None,
    })
}

/// The ticket as it was answered when it was made: a replay tells the same, whatever became of it.
fn as_made(tx: &mut Tx<'_>, id: HoldId) -> Result<Ticket, Error> {
    let row = db::ticket(tx, id)?.when_made();
    let code = code(tx, &row)?;
    let merchant_name = merchant_names(tx, row.assigned_to.into_iter())?.into_values().next();
    Ok(Ticket { row, code, merchant_name })
}

fn seen(tx: &mut Tx<'_>, rows: Vec<TicketRow>) -> Result<Vec<Ticket>, Error> {
    let names = merchant_names(tx, rows.iter().filter_map(TicketRow::merchant))?;
    let ticket = |row: TicketRow| {
        let code = if row.state == HoldState::Authorised { code(tx, &row)? } else { None };
        let merchant_name = row.merchant().and_then(|id| names.get(&id).cloned());
        Ok(Ticket { row, code, merchant_name })
    };
    rows.into_iter().map(ticket).collect()
}

/// The tickets and transfers of a wallet the caller may see, newest first.
pub fn list_tickets(tx: &mut Tx<'_>, wallet: WalletId, query: &PageQuery) -> Result<Page<Ticket>, Error> {
    let before = query.after()?.map(HoldId::from_uuid);
    db::family_of_wallet(tx, wallet)?;
    let rows = db::holds(tx, wallet, &[HoldKind::Ticket, HoldKind::Remote], before, query.limit()?.saturating_add(1))?;
    query.page(seen(tx, rows)?, |ticket| ticket.row.id.uuid())
}

/// All that is or was set aside of a wallet, by tills too, newest first and without codes.
pub fn list_holds(tx: &mut Tx<'_>, wallet: WalletId, query: &PageQuery) -> Result<Page<Ticket>, Error> {
    let before = query.after()?.map(HoldId::from_uuid);
    db::family_of_wallet(tx, wallet)?;
    let rows = db::holds(tx, wallet, HoldKind::ALL, before, query.limit()?.saturating_add(1))?;
    let names = merchant_names(tx, rows.iter().filter_map(TicketRow::merchant))?;
    let hold = |row: TicketRow| {
        let merchant_name = row.merchant().and_then(|id| names.get(&id).cloned());
        Ticket { row, code: None, merchant_name }
    };
    query.page(rows.into_iter().map(hold).collect(), |ticket| ticket.row.id.uuid())
}

/// One of them.
pub fn show_ticket(tx: &mut Tx<'_>, id: HoldId) -> Result<Ticket, Error> {
    let row = db::ticket(tx, id)?;
    seen(tx, vec![row])?.pop().ok_or(Error::Refused(Refusal::NotFound))
}

/// One of them with the file it belongs to, for whoever writes to the family; nothing for what a till set aside.
pub(super) fn of_family(tx: &mut Tx<'_>, id: HoldId) -> Result<Option<(Ticket, FamilyId)>, Error> {
    match show_ticket(tx, id) {
        Ok(ticket) => {
            let family = db::family_of_wallet(tx, ticket.row.wallet_id)?;
            Ok(Some((ticket, family)))
        }
        Err(Error::Refused(Refusal::NotFound)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Cancels what was not captured yet. Done twice it is done once; what would be lost by it is not cancelled unawares.
pub fn cancel_ticket(tx: &mut Tx<'_>, id: HoldId, accept_loss: bool) -> Result<Ticket, Error> {
    let row = db::ticket(tx, id)?;
    let family = db::family_of_wallet(tx, row.wallet_id)?;
    families::require_full_rights(tx, family)?;
    if !accept_loss && row.state == HoldState::Authorised && row.spend_before <= tx.now()? {
        return Err(Refusal::LossNotAccepted.into());
    }
    holds::release(tx, id)?;
    show_ticket(tx, id)
}

/// A ticket's page, as PDF. What is used up or over is not printed; a remote transfer has no page.
pub fn print_ticket(tx: &mut Tx<'_>, id: HoldId) -> Result<Vec<u8>, Error> {
    let ticket = show_ticket(tx, id)?;
    if ticket.row.kind != HoldKind::Ticket {
        return Err(Refusal::NotFound.into());
    }
    if let Some(refusal) = ticket.row.state.refusal() {
        return Err(refusal.into());
    }
    print::page(&ticket)
}

//! Money that came back after the bank had paid it (a SEPA return, told by the account's own statement). One person says so, another
//! confirms: only then is the payout rejected, and its sum due again. A file imported by one person never does that.

mod db;
pub mod http;

use super::{db as payouts, imports::weigh, state::PayoutState, take_turns};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    http::page::{Page, PageQuery},
    kernel::{
        ids::{AccountId, PayoutId, PayoutReturnId},
        text::ReasonCode,
    },
};
pub use db::ReturnRow;
use serde_json::json;

text_enum! {
    /// Where the word of a return stands.
    pub enum ReturnState { Proposed = "proposed", Done = "done", Refused = "refused" }
}

/// The payout, if the bank has paid it.
fn paid(tx: &mut Tx<'_>, id: PayoutId) -> Result<payouts::PayoutRow, Error> {
    let payout = payouts::payout(tx, id)?;
    if payout.state == PayoutState::Accepted { Ok(payout) } else { Err(Refusal::ReturnNotPaid.into()) }
}

/// Says that the money of a payout came back.
pub fn propose_return(
    tx: &mut Tx<'_>,
    payout: PayoutId,
    reason: &ReasonCode,
    by: AccountId,
) -> Result<ReturnRow, Error> {
    take_turns(tx)?;
    paid(tx, payout)?;
    let row = ReturnRow {
        id: PayoutReturnId::generate(),
        payout_id: payout,
        reason_code: reason.to_string(),
        state: ReturnState::Proposed,
        proposed_by: by,
        proposed_at: tx.now()?,
        decided_by: None,
        decided_at: None,
    };
    db::insert(tx, &row)?;
    audit::record(tx, "payout_return_proposed", ("payout", payout), json!({ "reason_code": row.reason_code }))?;
    Ok(row)
}

/// Confirms what another person said: the sum is due again.
pub fn approve_return(tx: &mut Tx<'_>, id: PayoutReturnId, by: AccountId) -> Result<ReturnRow, Error> {
    take_turns(tx)?;
    let row = db::find(tx, id)?;
    if row.proposed_by == by {
        return Err(Refusal::SamePerson.into());
    }
    let row = decide(tx, id, ReturnState::Done, by)?;
    let payout = paid(tx, row.payout_id)?;
    payouts::set_payout_state(tx, payout.id, PayoutState::Rejected, Some(&row.reason_code))?;
    weigh(tx, payout.batch_id)?;
    Ok(row)
}

/// Refuses what was said, or withdraws one's own word.
pub fn refuse_return(tx: &mut Tx<'_>, id: PayoutReturnId, by: AccountId) -> Result<ReturnRow, Error> {
    db::find(tx, id)?;
    decide(tx, id, ReturnState::Refused, by)
}

fn decide(tx: &mut Tx<'_>, id: PayoutReturnId, state: ReturnState, by: AccountId) -> Result<ReturnRow, Error> {
    let now = tx.now()?;
    let row = db::decide(tx, id, state, by, now)?.ok_or(Error::Refused(Refusal::ReturnTransition))?;
    audit::record(tx, "payout_return_decided", ("payout", row.payout_id), json!({ "state": state }))?;
    Ok(row)
}

/// Returns, those in one state only if one is given, oldest first.
pub fn list_returns(tx: &mut Tx<'_>, state: Option<ReturnState>, query: &PageQuery) -> Result<Page<ReturnRow>, Error> {
    let after = query.after()?.map(PayoutReturnId::from_uuid);
    let rows = db::page(tx, state, after, query.limit()?.saturating_add(1))?;
    query.page(rows, |row| row.id.uuid())
}

//! News that a department writes to the guardians who want them: the only letters that nobody needs, so that none leaves without proof
//! that its reader agreed. Service messages do not pass here.

mod db;
pub mod http;

pub use db::NewsRow;

use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    families::consents::{self, NewsByEmail},
    kernel::{
        ids::{AccountId, GuardianId, NewsId},
        text::{Label, Paragraphs},
    },
    mail::Letter,
};
use serde_json::json;
use uuid::Uuid;

/// Letters left to the worker by one transaction.
const BATCH_LETTERS: i64 = 1_000;

text_enum! {
    /// Where a piece of news stands.
    pub enum NewsState {
        /// Another person decides.
        Proposed = "proposed",
        Withdrawn = "withdrawn",
        /// The worker sends it.
        Approved = "approved",
        Sent = "sent",
    }
}

/// Writes news; another person approves them.
pub fn propose_news(tx: &mut Tx<'_>, by: AccountId, subject: &Label, body: &Paragraphs) -> Result<NewsRow, Error> {
    let row = db::insert(tx, by, subject, body)?;
    audit::record(tx, "news_proposed", ("news", row.id), json!({}))?;
    Ok(row)
}

/// Approves what another person wrote, or withdraws it; whoever wrote it may only withdraw.
pub fn decide_news(tx: &mut Tx<'_>, by: AccountId, id: NewsId, state: NewsState) -> Result<NewsRow, Error> {
    let row = db::news(tx, id)?;
    if state == NewsState::Approved && row.written_by == by {
        return Err(Refusal::SamePerson.into());
    }
    let row = db::decide(tx, id, state, by)?.ok_or(Error::Refused(Refusal::NewsTransition))?;
    audit::record(tx, "news_decided", ("news", id), json!({ "state": state }))?;
    Ok(row)
}

/// A page of the department's news, last first. One row more than `limit` may come.
pub fn list_news(tx: &mut Tx<'_>, before: Option<Uuid>, limit: i64) -> Result<Vec<NewsRow>, Error> {
    db::page(tx, before, limit)
}

/// How many guardians want news by e-mail now.
pub fn readers(tx: &mut Tx<'_>) -> Result<i64, Error> {
    consents::count_news_by_email(tx)
}

/// Leaves the next letters of approved news to the worker; false when there is nothing to send.
pub fn send_batch(tx: &mut Tx<'_>) -> Result<bool, Error> {
    let Some(row) = db::lock_approved(tx)? else { return Ok(false) };
    let readers = consents::next_news_by_email(tx, row.last_guardian, BATCH_LETTERS)?;
    let row = db::advance(tx, row.id, &readers)?;
    if row.state == NewsState::Sent {
        audit::record(tx, "news_sent", ("news", row.id), json!({ "letters": row.letters }))?;
    }
    Ok(true)
}

/// The letter to one guardian, if he still wants news when it leaves.
pub fn letters(tx: &mut Tx<'_>, news: NewsId, guardian: GuardianId) -> Result<Vec<Letter>, Error> {
    let Some(consent) = consents::news_by_email(tx, guardian)? else { return Ok(vec![]) };
    let row = db::news(tx, news)?;
    Ok(vec![letter(&consent, &row)])
}

/// Nobody makes the proof but from the journal of consents.
fn letter(consent: &NewsByEmail, news: &NewsRow) -> Letter {
    let body = format!(
        "{}\n\n—\nVous recevez ce message parce que vous avez accepté les nouvelles par courriel le {}. Votre espace permet de \
         retirer cet accord à tout moment.\n\nPass+",
        news.body,
        consent.since().format("%d/%m/%Y")
    );
    Letter { to: consent.to().clone(), subject: news.subject.to_string(), body }
}

//! What each guardian consents to, as a journal: his last line about a purpose is what he wants now, and no line means no.

mod db;
pub mod http;

pub use db::ConsentLine;

use super::guardians;
use crate::{
    audit,
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, ConsentId, FamilyId, GuardianId},
        text::{Code, Email},
        time::paris_date,
    },
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

text_enum! {
    /// What may be consented to.
    pub enum ConsentPurpose {
        NewsEmail = "news_email",
        NewsSms = "news_sms",
        AudienceStatistics = "audience_statistics",
    }
}

text_enum! {
    /// By which way a consent was said.
    pub enum ConsentChannel { Web = "web", Mobile = "mobile" }
}

/// A choice, with the text that was before the eyes of who made it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RecordConsent)]
pub struct Choice {
    pub purpose: ConsentPurpose,
    #[schema(example = true)]
    pub granted: bool,
    /// Version of the text that was shown.
    #[schema(example = "2026-06")]
    pub text_version: Code,
    pub channel: ConsentChannel,
}

/// Proof that a guardian with an account and present rights wants news by e-mail, as his last word stands: only reading the journal
/// makes one, and what sends news takes it.
#[derive(Debug)]
pub struct NewsByEmail {
    to: Email,
    since: DateTime<Utc>,
}

impl NewsByEmail {
    #[must_use]
    pub const fn to(&self) -> &Email {
        &self.to
    }

    /// When he said so.
    #[must_use]
    pub const fn since(&self) -> DateTime<Utc> {
        self.since
    }
}

/// The proof for one guardian; none when he never said yes, said no since, or has no present rights.
pub fn news_by_email(tx: &mut Tx<'_>, guardian: GuardianId) -> Result<Option<NewsByEmail>, Error> {
    let today = paris_date(tx.now()?);
    Ok(db::news_by_email(tx, guardian, today)?.map(|(to, since)| NewsByEmail { to, since }))
}

/// The next guardians after that one who want news by e-mail, in the order of their ids.
pub fn next_news_by_email(tx: &mut Tx<'_>, after: Option<GuardianId>, limit: i64) -> Result<Vec<GuardianId>, Error> {
    let today = paris_date(tx.now()?);
    db::next_news_by_email(tx, after, limit, today)
}

/// How many want news by e-mail now.
pub fn count_news_by_email(tx: &mut Tx<'_>) -> Result<i64, Error> {
    let today = paris_date(tx.now()?);
    db::count_news_by_email(tx, today)
}

/// Adds one line for the calling guardian. Present rights of any kind are enough: he speaks for himself alone.
pub fn record_consent(
    tx: &mut Tx<'_>,
    family: FamilyId,
    account: AccountId,
    choice: &Choice,
) -> Result<ConsentLine, Error> {
    let guardian = guardians::own_id(tx, family, account)?;
    let line = db::insert(tx, ConsentId::generate(), family, guardian, choice)?;
    audit::record(
        tx,
        "consent_recorded",
        ("guardian", guardian),
        json!({ "consent_id": line.id, "purpose": choice.purpose, "granted": choice.granted }),
    )?;
    Ok(line)
}

/// The last line of the calling guardian about each purpose he ever spoke of, and a page of all his lines, last first. One line more
/// than `limit` may come.
pub fn list_consents(
    tx: &mut Tx<'_>,
    family: FamilyId,
    account: AccountId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<(Vec<ConsentLine>, Vec<ConsentLine>), Error> {
    let guardian = guardians::own_id(tx, family, account)?;
    Ok((db::last_lines(tx, guardian)?, db::lines(tx, guardian, after, limit)?))
}

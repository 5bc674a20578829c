//! A guardian's own consents.

use super::{Choice, ConsentChannel, ConsentLine, ConsentPurpose};
use crate::{
    app::App,
    auth::actor::{By, Guardian},
    db::Tx,
    error::Error,
    families::consents,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::{ConsentId, FamilyId},
        text::Code,
    },
};
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// What the caller wants now about one purpose.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentChoiceView {
    pub purpose: ConsentPurpose,
    /// False when nothing was ever said.
    #[schema(example = true)]
    pub granted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-06")]
    pub text_version: Option<Code>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-06-01T08:00:00Z")]
    pub at: Option<DateTime<Utc>>,
}

/// A line of the caller's journal.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentLineView {
    pub id: ConsentId,
    pub purpose: ConsentPurpose,
    #[schema(example = true)]
    pub granted: bool,
    #[schema(example = "2026-06")]
    pub text_version: Code,
    pub channel: ConsentChannel,
    #[schema(example = "2026-06-01T08:00:00Z")]
    pub at: DateTime<Utc>,
}

impl From<ConsentLine> for ConsentLineView {
    fn from(line: ConsentLine) -> Self {
        let ConsentLine { id, purpose, granted, text_version, channel, at } = line;
        Self { id, purpose, granted, text_version, channel, at }
    }
}

/// The caller's consents.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentsView {
    /// One for each purpose.
    pub choices: Vec<ConsentChoiceView>,
    /// All that the caller ever said, last first.
    pub journal: Page<ConsentLineView>,
}

/// Every purpose, with the last line about it: no line is a no.
fn choices(last: &[ConsentLine]) -> Vec<ConsentChoiceView> {
    let choice = |purpose: &ConsentPurpose| {
        let line = last.iter().find(|line| line.purpose == *purpose);
        ConsentChoiceView {
            purpose: *purpose,
            granted: line.is_some_and(|line| line.granted),
            text_version: line.map(|line| line.text_version.clone()),
            at: line.map(|line| line.at),
        }
    };
    ConsentPurpose::ALL.iter().map(choice).collect()
}

/// Say or withdraw a consent.
///
/// For the caller alone. The choice is added to a journal: nothing said before is erased.
#[utoipa::path(tag = "families", request_body = Choice, responses((status = 201, body = ConsentLineView)),
    security(("bearer" = [])))]
#[post("/v1/departments/{department}/families/{family}/consents")]
pub async fn record_consent(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, FamilyId)>,
    body: Body<Choice>,
) -> Result<Created<ConsentLineView>, Error> {
    let ((department, family), account) = (path.into_inner(), by.account);
    let choice = body.0;
    let recorded = move |tx: &mut Tx<'_>| consents::record_consent(tx, family, account, &choice);
    app.db.write(department, &by.caller, recorded).await.map(|line| Created(line.into()))
}

/// List my consents.
///
/// My present choice about each purpose, and the pages of my journal, last line first.
#[utoipa::path(tag = "families", params(PageQuery), responses((status = 200, body = ConsentsView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/families/{family}/consents")]
pub async fn list_consents(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, FamilyId)>,
    query: web::Query<PageQuery>,
) -> Result<Found<ConsentsView>, Error> {
    let ((department, family), account) = (path.into_inner(), by.account);
    let (after, limit) = (query.after()?, query.limit()?);
    let listed = move |tx: &mut Tx<'_>| consents::list_consents(tx, family, account, after, limit);
    let (last, lines) = app.db.read(department, &by.caller, listed).await?;
    let journal = query.page(lines.into_iter().map(ConsentLineView::from).collect(), |line| line.id.uuid())?;
    Ok(Found(ConsentsView { choices: choices(&last), journal }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_is_a_no() {
        let said = ConsentLine {
            id: ConsentId::generate(),
            purpose: ConsentPurpose::NewsSms,
            granted: true,
            text_version: "2026-06".parse().expect("a version"),
            channel: ConsentChannel::Web,
            at: DateTime::UNIX_EPOCH,
        };
        let told: Vec<_> = choices(&[said]).into_iter().map(|choice| (choice.purpose, choice.granted)).collect();
        assert_eq!(
            told,
            [
                (ConsentPurpose::NewsEmail, false),
                (ConsentPurpose::NewsSms, true),
                (ConsentPurpose::AudienceStatistics, false)
            ]
        );
    }
}

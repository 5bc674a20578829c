//! News as a department writes, approves and follows them.

use super::{NewsRow, NewsState};
use crate::{
    app::App,
    auth::actor::{Administrator, By},
    db::Tx,
    error::Error,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::{AccountId, NewsId},
        text::{Label, Paragraphs},
    },
    news,
};
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// News to write to whoever wants them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposeNews {
    pub subject: Label,
    pub body: Paragraphs,
}

/// A piece of news, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewsView {
    pub id: NewsId,
    pub subject: Label,
    pub body: Paragraphs,
    #[schema(example = "proposed")]
    pub state: NewsState,
    pub written_by: AccountId,
    #[schema(example = "2026-10-01T08:00:00Z")]
    pub written_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-01T09:00:00Z")]
    pub decided_at: Option<DateTime<Utc>>,
    /// Letters left to be sent until now; who withdraws his consent meanwhile gets none.
    #[schema(example = 41_200)]
    pub letters: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-01T09:02:00Z")]
    pub sent_at: Option<DateTime<Utc>>,
}

impl From<NewsRow> for NewsView {
    fn from(row: NewsRow) -> Self {
        Self {
            id: row.id,
            subject: row.subject,
            body: row.body,
            state: row.state,
            written_by: row.written_by,
            written_at: row.written_at,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            letters: row.letters,
            sent_at: row.sent_at,
        }
    }
}

/// News just written, and for how many.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProposedNewsView {
    pub news: NewsView,
    /// Guardians who want news by e-mail now.
    #[schema(example = 41_230)]
    pub readers: i64,
}

/// Write news to the guardians who want them by e-mail.
///
/// Another person approves them; nothing leaves before. Service messages do not pass here.
#[utoipa::path(tag = "news", request_body = ProposeNews, responses((status = 201, body = ProposedNewsView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/news")]
pub async fn propose_news(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<ProposeNews>,
) -> Result<Created<ProposedNewsView>, Error> {
    let (account, ProposeNews { subject, body }) = (by.account, body.0);
    let proposed = move |tx: &mut Tx<'_>| Ok((news::propose_news(tx, account, &subject, &body)?, news::readers(tx)?));
    let (row, readers) = app.db.write(path.0, &by.caller, proposed).await?;
    Ok(Created(ProposedNewsView { news: row.into(), readers }))
}

/// List the department's news, last first.
#[utoipa::path(tag = "news", params(PageQuery), responses((status = 200, body = Page<NewsView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/news")]
pub async fn list_news(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<NewsView>>, Error> {
    let (before, limit) = (query.after()?, query.limit()?);
    let rows = app.db.read(path.0, &by.caller, move |tx| news::list_news(tx, before, limit)).await?;
    query.page(rows.into_iter().map(NewsView::from).collect(), |view| view.id.uuid()).map(Found)
}

/// Approve news that another person wrote: they are sent.
///
/// With a second factor shown within five minutes. Each letter asks for its reader's consent once more when it leaves.
#[utoipa::path(tag = "news", responses((status = 200, body = NewsView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/news/{news}/approve")]
pub async fn approve_news(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, NewsId)>,
) -> Result<Found<NewsView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    decide(&by, &app, path, NewsState::Approved).await
}

/// Withdraw news before they are approved.
#[utoipa::path(tag = "news", responses((status = 200, body = NewsView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/news/{news}/withdraw")]
pub async fn withdraw_news(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department, NewsId)>,
) -> Result<Found<NewsView>, Error> {
    decide(&by, &app, path, NewsState::Withdrawn).await
}

async fn decide(
    by: &By<Administrator>,
    app: &App,
    path: web::Path<(Department, NewsId)>,
    state: NewsState,
) -> Result<Found<NewsView>, Error> {
    let ((department, id), account) = (path.into_inner(), by.account);
    let decided = move |tx: &mut Tx<'_>| news::decide_news(tx, account, id, state);
    Ok(Found(app.db.write(department, &by.caller, decided).await?.into()))
}

//! A child's cards as the department handles them, for a family on the telephone. No code is shown: who sees it could pay with it.

use crate::{
    app::App,
    audit,
    auth::actor::{By, CaseWorker},
    cards::{
        self,
        http::{BlockCard, CardLineView},
        life,
    },
    db::Tx,
    error::Error,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::{CardId, ChildId},
    },
};
use actix_web::{get, post, web};
use serde_json::json;

/// Inspect a child's cards as the department, newest first.
///
/// Never their codes. Each reading is written in the journal.
#[utoipa::path(tag = "agents-desk", params(PageQuery), responses((status = 200, body = Page<CardLineView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/agents-desk/children/{child}/cards")]
pub async fn inspect_cards(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<CardLineView>>, Error> {
    let ((department, child), query) = (path.into_inner(), query.into_inner());
    let inspect = move |tx: &mut Tx<'_>| {
        let page = cards::list_cards(tx, child, &query)?;
        audit::record(tx, "cards_inspected", ("child", child), json!({}))?;
        Ok(page)
    };
    Ok(Found(app.db.write(department, &by.caller, inspect).await?.map(CardLineView::from)))
}

/// Block a card for a family.
///
/// The family is told by mail. With `replace` the answer is the card that took its place; that is a reprint, and asks for a fresh second
/// factor.
#[utoipa::path(tag = "agents-desk", request_body = BlockCard, responses((status = 200, body = CardLineView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/agents-desk/cards/{card}/block")]
pub async fn block_card_as_agent(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, CardId)>,
    body: Body<BlockCard>,
) -> Result<Found<CardLineView>, Error> {
    let ((department, id), BlockCard { reason, replace }) = (path.into_inner(), body.0);
    if replace {
        by.require_fresh_factor(app.db.server_now())?;
    }
    let block = move |tx: &mut Tx<'_>| life::block(tx, id, reason, replace);
    Ok(Found(app.db.write(department, &by.caller, block).await?.into()))
}

/// Replace a card for a family.
///
/// Asks for a fresh second factor.
#[utoipa::path(tag = "agents-desk", responses((status = 201, body = CardLineView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/agents-desk/cards/{card}/replace")]
pub async fn replace_card_as_agent(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, CardId)>,
) -> Result<Created<CardLineView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let (department, id) = path.into_inner();
    Ok(Created(app.db.write(department, &by.caller, move |tx| life::replace(tx, id)).await?.into()))
}

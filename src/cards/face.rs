//! The card as its family prints or keeps it: a page of PDF, a picture, and in words.

use crate::{
    app::App,
    auth::actor::{By, Guardian},
    cards::{self, db::CardRow},
    db::Tx,
    error::Error,
    families,
    http::reply::Media,
    kernel::{department::Department, ids::CardId, time::paris_date},
    paper::{self, card::CardFace},
    photos,
};
use actix_web::{get, web};
use chrono::Datelike;

/// Month in which a school year begins.
const SEPTEMBER: u32 = 9;

/// What a card in use shows.
pub fn face(tx: &mut Tx<'_>, row: &CardRow, department_name: &str) -> Result<CardFace, Error> {
    let child = families::child(tx, row.child_id)?;
    let photo_jpeg = photos::accepted(tx, row.child_id, photos::Size::Card)?;
    // Ordered in the summer, it is for the year to come.
    let issued = paris_date(row.issued_at);
    let first_year = if issued.month() >= SEPTEMBER - 3 { issued.year() } else { issued.year().saturating_sub(1) };
    let [first_name, last_name] = [child.first_names.as_str(), child.last_name.as_str()];
    let initial = last_name.chars().next().map(|initial| format!(" {initial}.")).unwrap_or_default();
    Ok(CardFace {
        name: format!("{}{initial}", first_name.split(' ').next().unwrap_or_default()),
        department_name: department_name.to_owned(),
        years: format!("{first_year}-{}", row.valid_until.year()),
        until: row.valid_until.format("%d/%m/%Y").to_string(),
        number: cards::code(tx, row)?.to_string(),
        signed: cards::signed(tx, row)?,
        photo_jpeg,
    })
}

async fn drawn(app: &App, by: &By<Guardian>, (department, id): (Department, CardId)) -> Result<CardFace, Error> {
    let name = app.departments.get(&department).cloned().unwrap_or_default();
    let read = move |tx: &mut Tx<'_>| {
        let row = cards::paying(tx, id)?;
        face(tx, &row, &name)
    };
    app.db.read(department, &by.caller, read).await
}

/// Print a card as a page of PDF.
///
/// At the size of a bank card, tagged for screen readers. Of a card that pays only: not while it is blocked.
#[utoipa::path(tag = "cards", responses((status = 200, body = String, content_type = "application/pdf")), security(("bearer" = [])))]
#[get("/v1/departments/{department}/cards/{card}/card.pdf")]
pub async fn print_card(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, CardId)>,
) -> Result<Media, Error> {
    let face = drawn(&app, &by, path.into_inner()).await?;
    Ok(Media(paper::MEDIA_TYPE, app.pictures.run(move || face.pdf()).await??))
}

/// Draw a card as a picture.
///
/// 1,011 × 638 pixels: a bank card at 300 dpi. What a screen reader says is in its `Description` (an `iTXt` chunk), and in the card's
/// `alternative_text`. Of a card that pays only: not while it is blocked.
#[utoipa::path(tag = "cards", responses((status = 200, body = String, content_type = "image/png")), security(("bearer" = [])))]
#[get("/v1/departments/{department}/cards/{card}/card.png")]
pub async fn draw_card(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, CardId)>,
) -> Result<Media, Error> {
    let face = drawn(&app, &by, path.into_inner()).await?;
    Ok(Media("image/png", app.pictures.run(move || face.png()).await??))
}

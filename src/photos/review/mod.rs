//! The review of portraits: what waits for a case worker, with what may be wrong with it, and what he decides. Each picture he opens is a line
//! of the journal; the family is told of each decision.

pub mod http;

use super::{
    PhotoDecision, PhotoReason, PhotoRow, PhotoState, Size,
    db::{self, ReviewRow},
    open_sealed, picture, seal,
};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    families,
    http::page::{Page, PageQuery},
    kernel::{
        ids::{AccountId, ChildId, PhotoId},
        text::Note,
    },
};
use serde_json::json;

/// Portraits of a page and decisions of a request, at most: what one can look at in earnest.
pub const BATCH_MAX: usize = 20;

/// What is decided of a portrait.
#[derive(Debug, Clone)]
pub enum Verdict {
    Accept,
    Refuse { reason: PhotoReason, note: Option<Note> },
}

/// Portraits in that state, those that waited longest first.
pub fn list_photos_to_review(
    tx: &mut Tx<'_>,
    filter: (PhotoState, Option<ChildId>),
    query: &PageQuery,
) -> Result<Page<ReviewRow>, Error> {
    let limit = query.limit()?;
    if usize::try_from(limit).is_ok_and(|limit| limit > BATCH_MAX) {
        let because = format!("« limit » est un nombre de 1 à {BATCH_MAX}.");
        return Err(Error::RefusedBecause(Refusal::MalformedQuery, because));
    }
    let after = query.after()?.map(PhotoId::from_uuid);
    let rows = db::to_review(tx, filter, after, limit.saturating_add(1))?;
    query.page(rows, |row| row.photo.id.uuid())
}

/// The picture of a portrait, in the card's size. The view is journalled.
pub fn view_photo(tx: &mut Tx<'_>, id: PhotoId) -> Result<Vec<u8>, Error> {
    let row = db::photo(tx, id)?;
    let jpeg = card_picture(tx, &row)?;
    audit::record(tx, "photo_viewed", ("child", row.child_id), json!({ "photo_id": id, "state": row.state }))?;
    Ok(jpeg)
}

fn card_picture(tx: &mut Tx<'_>, row: &PhotoRow) -> Result<Vec<u8>, Error> {
    let sealed = db::sealed(tx, row.child_id, row.state, Size::Card)?.ok_or(Error::Refused(Refusal::NotFound))?;
    open_sealed(tx.key, row.child_id, Size::Card, &sealed)
}

/// Accepts a portrait, which takes the place of the former one, or refuses it, and its picture is gone.
pub fn decide_photo(tx: &mut Tx<'_>, id: PhotoId, version: i32, verdict: &Verdict) -> Result<PhotoRow, Error> {
    let by = tx.caller.actor.id().map(AccountId::from_uuid).ok_or(Error::Refused(Refusal::Forbidden))?;
    let child = db::photo(tx, id)?.child_id;
    tx.take_turns(format_args!("photos {child}"))?;
    let row = db::lock(tx, id, version)?;
    let decision = match verdict {
        Verdict::Accept => PhotoDecision::Accept,
        Verdict::Refuse { .. } => PhotoDecision::Refuse,
    };
    row.state.after(decision).ok_or(Error::Refused(Refusal::PhotoTransition))?;
    match verdict {
        Verdict::Accept => accept(tx, &row, by),
        Verdict::Refuse { reason, note } => refuse(tx, &row, by, *reason, note.as_ref()),
    }
}

fn accept(tx: &mut Tx<'_>, row: &PhotoRow, by: AccountId) -> Result<PhotoRow, Error> {
    let card = card_picture(tx, row)?;
    let small = |size| seal(tx.key, row.child_id, size, &picture::smaller(&card, size).map_err(Error::internal)?);
    let (till, gate) = (small(Size::Till)?, small(Size::Gate)?);
    db::delete(tx, row.child_id, &[PhotoState::Accepted, PhotoState::Refused])?;
    let accepted = db::accept(tx, row.id, by, (&till, &gate))?;
    audit::record(tx, "photo_accepted", ("child", row.child_id), json!({ "photo_id": row.id }))?;
    let first_names = families::child(tx, row.child_id)?.first_names;
    let body = format!("Bonjour,\n\nLa photo de {first_names} est acceptée.\n\nPass+");
    families::notify(tx, row.family_id, "Photo acceptée", &body)?;
    Ok(accepted)
}

fn refuse(
    tx: &mut Tx<'_>,
    row: &PhotoRow,
    by: AccountId,
    reason: PhotoReason,
    note: Option<&Note>,
) -> Result<PhotoRow, Error> {
    // A child keeps the trace of one refusal: the last.
    db::delete(tx, row.child_id, &[PhotoState::Refused])?;
    let refused = db::refuse(tx, row.id, by, (reason, note))?;
    let details = json!({ "photo_id": row.id, "reason": reason, "was": row.state });
    audit::record(tx, "photo_refused", ("child", row.child_id), details)?;
    let first_names = families::child(tx, row.child_id)?.first_names;
    let said = note.map(|note| format!("\n{note}")).unwrap_or_default();
    let body = format!(
        "Bonjour,\n\nLa photo de {first_names} n'est pas acceptée. {}{said}\nElle est effacée : vous pouvez en envoyer une autre.\n\nPass+",
        reason.sentence()
    );
    families::notify(tx, row.family_id, "Photo à refaire", &body)?;
    Ok(refused)
}

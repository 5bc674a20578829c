//! What happens to a child's cards: ordered, activated, blocked, found again, replaced, over.
//!
//! All living cards of the child are locked before one of them changes: the one in use and the one on its way take each other's place.

use super::{BlockReason, CardForm, Holder, db, db::CardRow, issue, state::CardEvent, token};
use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    families,
    kernel::{
        ids::{CardId, ChildId},
        text::Secret,
        time::paris_date,
    },
    photos::{self, PhotoState},
};
use serde_json::json;

/// Cards that end in one transaction.
const EXPIRED_AT_ONCE: i64 = 500;

/// Orders a plastic card, beside the one in use. Once until it has arrived or was lost.
pub fn order(tx: &mut Tx<'_>, child: ChildId) -> Result<CardRow, Error> {
    let family = families::child(tx, child)?.family_id;
    families::require_full_rights(tx, family)?;
    let living = db::lock_living_of(tx, child)?;
    let used = living.iter().find(|card| card.state.is_used()).ok_or(Error::Refused(Refusal::NoCard))?;
    let at_hand = used.form == CardForm::Plastic && used.state.after(CardEvent::Block).is_some();
    if at_hand || living.iter().any(|card| card.state.is_coming()) {
        return Err(Refusal::CardAlreadyOrdered.into());
    }
    let holder = Holder { child, family, valid_until: used.valid_until };
    let ordered = issue(tx, holder, CardForm::Plastic)?.ok_or(Error::Refused(Refusal::CardAlreadyOrdered))?;
    let awaits_portrait = photos::list_photos(tx, child)?.iter().all(|photo| photo.state == PhotoState::Refused);
    let (subject, told) = if awaits_portrait {
        (
            "Carte commandée : il manque le portrait",
            "Elle sera imprimée dès que vous aurez envoyé son portrait dans votre espace et qu'il aura été accepté.",
        )
    } else {
        ("Carte commandée", "Vous serez prévenu de son envoi. La carte actuelle sert jusque-là.")
    };
    let body = format!("Bonjour,\n\nLa carte plastique de votre enfant est commandée. {told}\n\nPass+");
    families::notify_of(tx, (family, child), subject, &body)?;
    db::card(tx, ordered)
}

/// Puts the received plastic card in the place of the one in use. `proof` shows that the family holds it: its number, the text of its QR,
/// or the last five characters printed.
pub fn activate(tx: &mut Tx<'_>, child: ChildId, proof: &Secret) -> Result<CardRow, Error> {
    let family = families::child(tx, child)?.family_id;
    families::require_full_rights(tx, family)?;
    let living = db::lock_living_of(tx, child)?;
    let coming = living.iter().find(|card| card.state.is_coming()).ok_or(Error::Refused(Refusal::NoCardComing))?;
    if !is_proved(tx, coming, proof.as_str().trim())? {
        return Err(Refusal::WrongCardProof.into());
    }
    if let Some(used) = living.iter().find(|card| card.state.is_used()) {
        moved(tx, used, CardEvent::Replace)?;
        audit::record(tx, "card_replaced", ("card", used.id), json!({ "by": coming.id }))?;
    }
    let row = moved(tx, coming, CardEvent::Activate)?;
    audit::record(tx, "card_activated", ("card", row.id), json!({}))?;
    families::notify_of(
        tx,
        (family, child),
        "Carte activée",
        "Bonjour,\n\nLa carte plastique de votre enfant est activée ; l'ancienne carte ne paie plus.\n\nPass+",
    )?;
    Ok(row)
}

fn is_proved(tx: &mut Tx<'_>, row: &CardRow, text: &str) -> Result<bool, Error> {
    let code = super::code(tx, row)?;
    if token::is_signed(text) {
        let keys = super::published_keys(tx)?;
        return Ok(token::verify(text, &keys).is_ok_and(|card| card.code() == code));
    }
    Ok(code.ends_with(text) || text.parse() == Ok(code))
}

/// Blocks a card at once: the next debit is refused. Any guardian of the file may, even one who may only consult. With `replace` it ends for
/// good and another takes its place, which asks for full rights. Gives the card as it then is, or the one that took its place.
pub fn block(tx: &mut Tx<'_>, id: CardId, reason: BlockReason, replace: bool) -> Result<CardRow, Error> {
    let row = locked(tx, id)?;
    if replace {
        families::require_full_rights(tx, row.family_id)?;
    }
    moved(tx, &row, CardEvent::Block)?;
    let row = db::set_block(tx, id, Some(reason))?;
    audit::record(tx, "card_blocked", ("card", id), json!({ "reason": reason }))?;
    let told = if replace {
        "Elle est remplacée pour de bon."
    } else {
        "Si vous la retrouvez, débloquez-la dans votre espace ; sinon, demandez-en une nouvelle."
    };
    let body = format!(
        "Bonjour,\n\nLa carte de votre enfant vient d'être bloquée : aucun paiement ne passera plus.\n{told}\n\nPass+"
    );
    families::notify_of(tx, (row.family_id, row.child_id), "Carte bloquée", &body)?;
    if replace { renew(tx, &row) } else { Ok(row) }
}

/// Takes a block away: the card was found.
pub fn unblock(tx: &mut Tx<'_>, id: CardId) -> Result<CardRow, Error> {
    let family = db::card(tx, id)?.family_id;
    families::require_full_rights(tx, family)?;
    let row = locked(tx, id)?;
    moved(tx, &row, CardEvent::Unblock)?;
    audit::record(tx, "card_unblocked", ("card", id), json!({}))?;
    let body = "Bonjour,\n\nLa carte de votre enfant est débloquée : elle paie de nouveau.\n\nPass+";
    families::notify_of(tx, (family, row.child_id), "Carte débloquée", body)?;
    db::set_block(tx, id, None)
}

/// Ends a card for good and gives another, with another code, of the same validity: one in use is followed by a digital card, and a plastic
/// one also by an order of plastic. Gives the card that took its place.
pub fn replace(tx: &mut Tx<'_>, id: CardId) -> Result<CardRow, Error> {
    let family = db::card(tx, id)?.family_id;
    families::require_full_rights(tx, family)?;
    let row = locked(tx, id)?;
    renew(tx, &row)
}

fn renew(tx: &mut Tx<'_>, row: &CardRow) -> Result<CardRow, Error> {
    let ended = moved(tx, row, CardEvent::Replace)?;
    audit::record(tx, "card_replaced", ("card", row.id), json!({}))?;
    let holder = Holder { child: ended.child_id, family: ended.family_id, valid_until: ended.valid_until };
    let mut give = |form| issue(tx, holder, form);
    let in_use = if row.state.is_used() { Some(give(CardForm::Digital)?) } else { None };
    // One may be on its way already: then it comes.
    let ordered = if row.form == CardForm::Plastic { give(CardForm::Plastic)? } else { None };
    let next = in_use.unwrap_or(ordered).ok_or(Error::Refused(Refusal::CardTransition))?;
    let mut told = String::new();
    if in_use.flatten().is_some() {
        told.push_str("Une nouvelle carte numérique la remplace dès maintenant dans votre espace.");
    }
    if ordered.is_some() {
        told.push_str(" Une carte plastique est commandée : vous serez prévenu de son envoi.");
    }
    let body = format!(
        "Bonjour,\n\nLa carte de votre enfant est remplacée : l'ancienne ne paie plus. {}\n\nPass+",
        told.trim()
    );
    families::notify_of(tx, (ended.family_id, ended.child_id), "Carte remplacée", &body)?;
    db::card(tx, next)
}

/// The card, if the caller sees it and it is still one, with its child's others locked.
fn locked(tx: &mut Tx<'_>, id: CardId) -> Result<CardRow, Error> {
    let child = db::card(tx, id)?.child_id;
    let living = db::lock_living_of(tx, child)?;
    living.into_iter().find(|card| card.id == id).ok_or(Error::Refused(Refusal::CardTransition))
}

fn moved(tx: &mut Tx<'_>, row: &CardRow, event: CardEvent) -> Result<CardRow, Error> {
    let next = row.state.after(event).ok_or(Error::Refused(Refusal::CardTransition))?;
    db::set_state(tx, row.id, next)
}

/// Ends the child's living cards, the one in use and the one on its way: it has left the scheme.
pub fn end(tx: &mut Tx<'_>, child: ChildId) -> Result<(), Error> {
    for card in db::lock_living_of(tx, child)? {
        moved(tx, &card, CardEvent::Expire)?;
        audit::record(tx, "card_expired", ("card", card.id), json!({ "child_id": child }))?;
    }
    Ok(())
}

/// Ends a batch of the cards whose last day is over. Returns how many those were.
pub fn expire(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let today = paris_date(tx.now()?);
    let ended = db::expire(tx, today, EXPIRED_AT_ONCE)?;
    if !ended.is_empty() {
        audit::record_each(tx, "card_expired", "card", &ended, &json!({}))?;
    }
    Ok(ended.len())
}

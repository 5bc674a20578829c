//! Supporting documents: a family sends them, an agent decides on them, and with the decision the file is gone; what was decided, by whom
//! and the file's keyed hash stay. A file lies sealed under a key of its own, apart from what is known of it.
//!
//! Guardians of a file see which documents were sent and what became of them; what is in one is its sender's and the agents' alone: a tax
//! notice is not the other parent's business.

pub mod content;
mod db;
pub mod desk;
pub mod http;
pub mod kinds;
pub mod state;
pub mod view;

pub use db::{DocumentRow, WaitingRow};

use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    families,
    http::page::{Page, PageQuery},
    kernel::{
        crypto::{Envelope, MasterKey},
        ids::{AccountId, ChildId, DocumentId},
        text::{Note, SeasonCode},
        time,
    },
    seasons,
};
use chrono::TimeDelta;
use content::{ContentError, Media};
use kinds::DocumentKind;
use serde_json::json;
use state::{DeletionReason, DocumentEvent, DocumentRefusalReason, DocumentState};

const PURPOSE: &str = "document";
/// No situation asks for as many; each is an agent's time.
const WAITING_MAX: i64 = 10;
/// Sent for a child in one season, withdrawn and refused ones included: no loop fills the tables.
const SENT_MAX: i64 = 60;
/// A proof that nobody looked at for half a year proves little; it is not kept in the hope of it.
const KEPT_MAX: TimeDelta = TimeDelta::days(180);
/// Documents deleted, or keys sealed again, in one transaction.
const BATCH: i64 = 50;

const DELETED: &str = "Document effacé";
const NOT_NEEDED_BY_ANOTHER: &str = "Il attendait d'être lu pour une demande d'un autre responsable de l'enfant, qui est close : il n'est pas gardé. \
                                     Si vous faites votre propre demande, envoyez-le de nouveau.";

impl From<ContentError> for Error {
    fn from(error: ContentError) -> Self {
        if error == ContentError::TooLarge {
            return Refusal::BodyTooLarge.into();
        }
        Self::RefusedBecause(Refusal::DocumentRefused, format!("Ce document ne peut pas être pris : {error}."))
    }
}

/// What an agent answers.
#[derive(Debug, Clone)]
pub enum Decision {
    Accept,
    Refuse { reason: DocumentRefusalReason, note: Option<Note> },
}

/// A file checked and sealed, ready to be kept.
#[derive(Debug)]
pub struct Prepared {
    id: DocumentId,
    media: Media,
    bytes: i32,
    content_hash: Vec<u8>,
    envelope: Envelope,
}

/// Checks a file and seals what may be kept of it. To be done before the transaction, behind the gate of pictures.
pub fn prepare(key: &MasterKey, file: &[u8], announced: Media) -> Result<Prepared, Error> {
    let checked = content::check(file, announced)?;
    let id = DocumentId::generate();
    Ok(Prepared {
        id,
        media: checked.media,
        bytes: i32::try_from(checked.file.len()).map_err(Error::internal)?,
        content_hash: key.fingerprint(PURPOSE, file),
        envelope: key.seal_envelope(PURPOSE, id.uuid().as_bytes(), &checked.file).map_err(Error::internal)?,
    })
}

/// Refuses who may not send for the child, a season that is over, and more than agents can bear. Asked before the upload is read, and again
/// when it is kept.
pub fn require_room(tx: &mut Tx<'_>, child: ChildId, season: &SeasonCode) -> Result<(), Error> {
    let family = families::child(tx, child)?.family_id;
    families::require_full_rights(tx, family)?;
    if is_over(tx, season)? {
        return Err(Refusal::SeasonClosed.into());
    }
    let (waiting, sent) = db::count(tx, child, season)?;
    if waiting >= WAITING_MAX || sent >= SENT_MAX { Err(Refusal::TooManyDocuments.into()) } else { Ok(()) }
}

fn is_over(tx: &mut Tx<'_>, season: &SeasonCode) -> Result<bool, Error> {
    let today = time::paris_date(tx.now()?);
    Ok(today > seasons::rules_in_force(tx, season)?.spend_until)
}

/// Keeps a document for the agents' desk.
pub fn send_document(
    tx: &mut Tx<'_>,
    by: AccountId,
    child: ChildId,
    (kind, season): (DocumentKind, &SeasonCode),
    prepared: &Prepared,
) -> Result<DocumentRow, Error> {
    tx.take_turns(format_args!("documents {child}"))?;
    require_room(tx, child, season)?;
    let row = DocumentRow {
        id: prepared.id,
        child_id: child,
        family_id: families::child(tx, child)?.family_id,
        season: season.clone(),
        kind,
        media: prepared.media,
        bytes: prepared.bytes,
        content_hash: prepared.content_hash.clone(),
        state: DocumentState::Received,
        sent_by: by,
        received_at: tx.now()?,
        decided_by: None,
        closed_at: None,
        refusal_reason: None,
        refusal_note: None,
        deletion_reason: None,
        version: 1,
    };
    db::insert(tx, &row, &prepared.envelope)?;
    audit::record(tx, "document_sent", ("document", row.id), json!({ "child_id": child, "kind": kind }))?;
    Ok(row)
}

/// A page of a child's documents, newest first.
pub fn list_documents(tx: &mut Tx<'_>, child: ChildId, query: &PageQuery) -> Result<Page<DocumentRow>, Error> {
    families::child(tx, child)?;
    let (before, limit) = (query.after()?.map(DocumentId::from_uuid), query.limit()?.saturating_add(1));
    let rows = db::of_child(tx, child, None, before, limit)?;
    query.page(rows, |row| row.id.uuid())
}

/// What was sent for a child and season, newest first.
pub fn of_season(tx: &mut Tx<'_>, child: ChildId, season: &SeasonCode) -> Result<Vec<DocumentRow>, Error> {
    db::of_child(tx, child, Some(season), None, SENT_MAX)
}

/// What is known of a document.
pub fn document(tx: &mut Tx<'_>, id: DocumentId) -> Result<DocumentRow, Error> {
    db::document(tx, id)
}

/// A document and its file, for its sender and for agents, as long as it waits. Each reading is journalled.
pub fn read_document(tx: &mut Tx<'_>, id: DocumentId) -> Result<(DocumentRow, Vec<u8>), Error> {
    let (row, envelope) = (db::document(tx, id)?, db::envelope(tx, id)?);
    let file = tx.key.open_envelope(PURPOSE, id.uuid().as_bytes(), &envelope).map_err(Error::internal)?;
    audit::record(tx, "document_read", ("document", id), json!({ "child_id": row.child_id }))?;
    Ok((row, file))
}

/// Takes a document back, as long as it waits. For its sender: to the other guardians there is no file to take.
pub fn withdraw_document(tx: &mut Tx<'_>, by: AccountId, id: DocumentId) -> Result<(), Error> {
    let row = db::document(tx, id)?;
    families::require_full_rights(tx, row.family_id)?;
    if row.sent_by != by {
        return Err(Refusal::NotFound.into());
    }
    delete(tx, &row, DeletionReason::Withdrawn)?;
    audit::record(tx, "document_withdrawn", ("document", id), json!({}))
}

fn delete(tx: &mut Tx<'_>, row: &DocumentRow, reason: DeletionReason) -> Result<(), Error> {
    let next = row.state.after(DocumentEvent::Delete).ok_or(Error::Refused(Refusal::DocumentTransition))?;
    db::delete(tx, row, next, reason)?;
    db::forget_file(tx, row.id)
}

/// Decides on a document as the agent has read it, once; the file is gone with the decision, and the family is told.
pub fn decide_document(
    tx: &mut Tx<'_>,
    id: DocumentId,
    version: i32,
    decision: &Decision,
) -> Result<DocumentRow, Error> {
    let by = tx.caller.actor.id().map(AccountId::from_uuid).ok_or(Error::Refused(Refusal::Forbidden))?;
    let row = db::document(tx, id)?;
    if matches!(decision, Decision::Refuse { reason: DocumentRefusalReason::Other, note: None }) {
        return Err(Error::field("/note", "dites à la famille de quoi il s'agit"));
    }
    if row.version != version {
        return Err(Refusal::StaleVersion.into());
    }
    let event = match decision {
        Decision::Accept => DocumentEvent::Accept,
        Decision::Refuse { .. } => DocumentEvent::Refuse,
    };
    let next = row.state.after(event).ok_or(Error::Refused(Refusal::DocumentTransition))?;
    let row = db::decide(tx, &row, next, by, decision)?;
    db::forget_file(tx, id)?;
    let (action, subject, said) = match decision {
        Decision::Accept => ("document_accepted", "Document accepté", "est accepté.".to_owned()),
        Decision::Refuse { reason, note } => {
            let note = note.as_ref().map(|note| format!("\n{note}")).unwrap_or_default();
            ("document_refused", "Document à renvoyer", format!("est refusé. {}{note}", reason.sentence()))
        }
    };
    audit::record(tx, action, ("document", id), json!({ "kind": row.kind, "reason": row.refusal_reason }))?;
    tell(tx, &row, subject, &format!("{said}\nLe fichier est effacé de nos serveurs."))?;
    Ok(row)
}

fn tell(tx: &mut Tx<'_>, row: &DocumentRow, subject: &str, said: &str) -> Result<(), Error> {
    families::notify_of(tx, (row.family_id, row.child_id), subject, &letter(row, said))
}

fn letter(row: &DocumentRow, said: &str) -> String {
    let (title, season) = (row.kind.title(), &row.season);
    format!("Bonjour,\n\nVotre document « {title} » pour la saison {season} {said}\n\nPass+")
}

/// Whether it proves means for a request for a reduced rate that is not decided: it is read, and goes, with that request.
pub fn belongs_to_rate_request(tx: &mut Tx<'_>, row: &DocumentRow) -> Result<bool, Error> {
    Ok(row.kind.proves_means() && db::has_open_rate_request(tx, row.child_id, &row.season)?)
}

/// Whether a proof of that kind was accepted for a child and season.
pub fn has_accepted(tx: &mut Tx<'_>, child: ChildId, kind: DocumentKind, season: &SeasonCode) -> Result<bool, Error> {
    db::has_accepted(tx, child, kind, season)
}

/// Deletes the documents of that kind that wait for a child and season: what that guardian asked for is settled. The family is told; and
/// another guardian, whose document it was, that it was not he who asked.
pub fn delete_unneeded(
    tx: &mut Tx<'_>,
    child: ChildId,
    kind: DocumentKind,
    season: &SeasonCode,
    asked_by: AccountId,
) -> Result<(), Error> {
    for row in db::lock_waiting(tx, child, kind, season)? {
        if row.sent_by == asked_by {
            delete_and_tell(tx, &row, DeletionReason::NotNeeded)?;
            continue;
        }
        delete_for(tx, &row, DeletionReason::NotNeeded)?;
        let said = |why: &str| letter(&row, &format!("est effacé. {why}"));
        let (own, others) = (said(NOT_NEEDED_BY_ANOTHER), said(DeletionReason::NotNeeded.sentence()));
        families::notify_apart(tx, (row.family_id, row.child_id), row.sent_by, DELETED, (&own, &others))?;
    }
    Ok(())
}

/// Deletes a batch of what waited too long or for a season that is over; the families are told. Returns how many.
pub fn delete_overdue(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let now = tx.now()?;
    let before = now.checked_sub_signed(KEPT_MAX).unwrap_or(now);
    let mut over = Vec::new();
    for season in db::seasons_waiting(tx)? {
        if is_over(tx, &season)? {
            over.push(season);
        }
    }
    let rows = db::lock_overdue(tx, before, &over, BATCH)?;
    for row in &rows {
        delete_and_tell(tx, row, DeletionReason::NotDecided)?;
    }
    Ok(rows.len())
}

fn delete_and_tell(tx: &mut Tx<'_>, row: &DocumentRow, reason: DeletionReason) -> Result<(), Error> {
    delete_for(tx, row, reason)?;
    tell(tx, row, DELETED, &format!("est effacé. {}", reason.sentence()))
}

fn delete_for(tx: &mut Tx<'_>, row: &DocumentRow, reason: DeletionReason) -> Result<(), Error> {
    delete(tx, row, reason)?;
    audit::record(tx, "document_deleted", ("document", row.id), json!({ "reason": reason }))
}

/// Seals with the department's present key a batch of the files' keys that the former one sealed; no file is touched. Returns how many.
pub fn rewrap(tx: &mut Tx<'_>, former: &MasterKey) -> Result<usize, Error> {
    let keys = db::keys_of_version(tx, &former.version(), BATCH)?;
    for (id, key_sealed) in &keys {
        let key_sealed = tx.key.rewrap(former, PURPOSE, id.uuid().as_bytes(), key_sealed).map_err(Error::internal)?;
        db::set_key(tx, *id, &key_sealed, &tx.key.version())?;
    }
    Ok(keys.len())
}

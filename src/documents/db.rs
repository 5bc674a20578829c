//! Documents, their sealed files, and who waits longest.

use super::{
    Decision,
    content::Media,
    kinds::DocumentKind,
    state::{DeletionReason, DocumentRefusalReason, DocumentState},
};
use crate::{
    db::Tx,
    error::{Error, Refusal},
    kernel::{
        crypto::Envelope,
        ids::{AccountId, ChildId, DocumentId, FamilyId},
        text::{Name, Note, SeasonCode},
    },
    schema::department::{canteen_rate_request_children as asked_for, children, document_files, documents},
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = documents)]
pub struct DocumentRow {
    pub id: DocumentId,
    pub child_id: ChildId,
    pub family_id: FamilyId,
    pub season: SeasonCode,
    pub kind: DocumentKind,
    pub media: Media,
    /// Of the file that is kept.
    pub bytes: i32,
    pub content_hash: Vec<u8>,
    pub state: DocumentState,
    pub sent_by: AccountId,
    pub received_at: DateTime<Utc>,
    pub decided_by: Option<AccountId>,
    pub closed_at: Option<DateTime<Utc>>,
    pub refusal_reason: Option<DocumentRefusalReason>,
    pub refusal_note: Option<Note>,
    pub deletion_reason: Option<DeletionReason>,
    pub version: i32,
}

/// Documents of a child that wait, and all that a season has seen of it.
pub fn count(tx: &mut Tx<'_>, child: ChildId, season: &SeasonCode) -> Result<(i64, i64), Error> {
    let of_child = documents::table.filter(documents::child_id.eq(child));
    let waiting = of_child.filter(documents::state.eq(DocumentState::Received)).count().get_result(tx.conn)?;
    let sent = of_child.filter(documents::season.eq(season)).count().get_result(tx.conn)?;
    Ok((waiting, sent))
}

pub fn insert(tx: &mut Tx<'_>, row: &DocumentRow, envelope: &Envelope) -> Result<(), Error> {
    diesel::insert_into(documents::table).values(row).execute(tx.conn)?;
    diesel::insert_into(document_files::table)
        .values((
            document_files::document_id.eq(row.id),
            document_files::family_id.eq(row.family_id),
            document_files::sent_by.eq(row.sent_by),
            document_files::file_sealed.eq(&envelope.file_sealed),
            document_files::key_sealed.eq(&envelope.key_sealed),
            document_files::key_version.eq(&envelope.key_version),
        ))
        .execute(tx.conn)?;
    Ok(())
}

pub fn document(tx: &mut Tx<'_>, id: DocumentId) -> Result<DocumentRow, Error> {
    Ok(documents::table.find(id).select(DocumentRow::as_select()).first(tx.conn)?)
}

/// The sealed file. Not found once the document is closed, or for who may not read it.
pub fn envelope(tx: &mut Tx<'_>, id: DocumentId) -> Result<Envelope, Error> {
    let (file_sealed, key_sealed, key_version) = document_files::table
        .find(id)
        .select((document_files::file_sealed, document_files::key_sealed, document_files::key_version))
        .first(tx.conn)?;
    Ok(Envelope { file_sealed, key_sealed, key_version })
}

/// Documents of a child, newest first.
pub fn of_child(
    tx: &mut Tx<'_>,
    child: ChildId,
    season: Option<&SeasonCode>,
    before: Option<DocumentId>,
    limit: i64,
) -> Result<Vec<DocumentRow>, Error> {
    let mut query = documents::table
        .filter(documents::child_id.eq(child))
        .order(documents::id.desc())
        .limit(limit)
        .select(DocumentRow::as_select())
        .into_boxed();
    if let Some(season) = season {
        query = query.filter(documents::season.eq(season));
    }
    if let Some(before) = before {
        query = query.filter(documents::id.lt(before));
    }
    Ok(query.load(tx.conn)?)
}

/// Documents of that kind that wait for a child and season, in the order in which they came; nobody else moves them meanwhile.
pub fn lock_waiting(
    tx: &mut Tx<'_>,
    child: ChildId,
    kind: DocumentKind,
    season: &SeasonCode,
) -> Result<Vec<DocumentRow>, Error> {
    Ok(documents::table
        .filter(documents::child_id.eq(child).and(documents::season.eq(season)))
        .filter(documents::kind.eq(kind).and(documents::state.eq(DocumentState::Received)))
        .order(documents::id)
        .select(DocumentRow::as_select())
        .for_update()
        .load(tx.conn)?)
}

/// A document that waits, with the child it is about.
#[derive(Debug, Queryable)]
pub struct WaitingRow {
    pub document: DocumentRow,
    pub first_names: Name,
    pub last_name: Name,
    pub birth_date: NaiveDate,
}

/// Documents that wait for an agent, oldest first.
pub fn waiting(
    tx: &mut Tx<'_>,
    kind: Option<DocumentKind>,
    after: Option<DocumentId>,
    limit: i64,
) -> Result<Vec<WaitingRow>, Error> {
    let mut query = documents::table
        .inner_join(children::table.on(children::id.eq(documents::child_id)))
        .filter(documents::state.eq(DocumentState::Received))
        .order(documents::id)
        .limit(limit)
        .select((DocumentRow::as_select(), children::first_names, children::last_name, children::birth_date))
        .into_boxed();
    if let Some(kind) = kind {
        query = query.filter(documents::kind.eq(kind));
    }
    if let Some(after) = after {
        query = query.filter(documents::id.gt(after));
    }
    Ok(query.load(tx.conn)?)
}

/// Writes a decision on a document as it was read; refused when somebody was faster.
pub fn decide(
    tx: &mut Tx<'_>,
    row: &DocumentRow,
    state: DocumentState,
    by: AccountId,
    decision: &Decision,
) -> Result<DocumentRow, Error> {
    let now = tx.now()?;
    let (reason, note) = match decision {
        Decision::Accept => (None, None),
        Decision::Refuse { reason, note } => (Some(*reason), note.as_ref()),
    };
    diesel::update(documents::table.find(row.id))
        .filter(documents::version.eq(row.version).and(documents::state.eq(row.state)))
        .set((
            documents::state.eq(state),
            documents::decided_by.eq(by),
            documents::closed_at.eq(now),
            documents::refusal_reason.eq(reason),
            documents::refusal_note.eq(note),
            documents::version.eq(documents::version + 1),
        ))
        .returning(DocumentRow::as_returning())
        .get_result(tx.conn)
        .optional()?
        .ok_or(Error::Refused(Refusal::StaleVersion))
}

/// Closes a document that nobody decided; refused when somebody was faster.
pub fn delete(tx: &mut Tx<'_>, row: &DocumentRow, state: DocumentState, reason: DeletionReason) -> Result<(), Error> {
    let now = tx.now()?;
    let closed = diesel::update(documents::table.find(row.id))
        .filter(documents::version.eq(row.version).and(documents::state.eq(row.state)))
        .set((
            documents::state.eq(state),
            documents::closed_at.eq(now),
            documents::deletion_reason.eq(reason),
            documents::version.eq(documents::version + 1),
        ))
        .execute(tx.conn)?;
    if closed == 1 { Ok(()) } else { Err(Refusal::DocumentTransition.into()) }
}

/// The file and its key are gone.
pub fn forget_file(tx: &mut Tx<'_>, id: DocumentId) -> Result<(), Error> {
    match diesel::delete(document_files::table.find(id)).execute(tx.conn)? {
        1 => Ok(()),
        _ => Err(Error::internal("a document that waits has no file")),
    }
}

/// Sealed keys of files under a master key of that version.
pub fn keys_of_version(tx: &mut Tx<'_>, version: &str, limit: i64) -> Result<Vec<(DocumentId, Vec<u8>)>, Error> {
    Ok(document_files::table
        .filter(document_files::key_version.eq(version))
        .limit(limit)
        .select((document_files::document_id, document_files::key_sealed))
        .for_update()
        .skip_locked()
        .load(tx.conn)?)
}

pub fn set_key(tx: &mut Tx<'_>, id: DocumentId, key_sealed: &[u8], version: &str) -> Result<(), Error> {
    diesel::update(document_files::table.find(id))
        .set((document_files::key_sealed.eq(key_sealed), document_files::key_version.eq(version)))
        .execute(tx.conn)?;
    Ok(())
}

/// Seasons of which a document waits.
pub fn seasons_waiting(tx: &mut Tx<'_>) -> Result<Vec<SeasonCode>, Error> {
    Ok(documents::table
        .filter(documents::state.eq(DocumentState::Received))
        .select(documents::season)
        .distinct()
        .load(tx.conn)?)
}

/// Documents that wait since before that instant or for one of those seasons, skipping those in other hands.
pub fn lock_overdue(
    tx: &mut Tx<'_>,
    before: DateTime<Utc>,
    seasons: &[SeasonCode],
    limit: i64,
) -> Result<Vec<DocumentRow>, Error> {
    Ok(documents::table
        .filter(documents::state.eq(DocumentState::Received))
        .filter(documents::received_at.lt(before).or(documents::season.eq_any(seasons)))
        .order(documents::id)
        .limit(limit)
        .select(DocumentRow::as_select())
        .for_update()
        .skip_locked()
        .load(tx.conn)?)
}

pub fn has_open_rate_request(tx: &mut Tx<'_>, child: ChildId, season: &SeasonCode) -> Result<bool, Error> {
    let open = asked_for::table
        .filter(asked_for::child_id.eq(child).and(asked_for::season.eq(season)))
        .filter(asked_for::closed_at.is_null());
    Ok(diesel::select(diesel::dsl::exists(open)).get_result(tx.conn)?)
}

pub fn has_accepted(tx: &mut Tx<'_>, child: ChildId, kind: DocumentKind, season: &SeasonCode) -> Result<bool, Error> {
    let accepted = documents::table
        .filter(documents::child_id.eq(child).and(documents::season.eq(season)))
        .filter(documents::kind.eq(kind).and(documents::state.eq(DocumentState::Accepted)));
    Ok(diesel::select(diesel::dsl::exists(accepted)).get_result(tx.conn)?)
}

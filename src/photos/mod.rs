//! The portrait of a child: sent by the family, looked at by the department, then shown to three audiences, each in a size of its own. No
//! biometric template, ever.
//!
//! What is kept is redrawn and sealed with the department's key, bound to the child and the audience: moved to another row or column it does
//! not open. The accepted portrait stays in use until a newer one is accepted.

mod db;
mod hints;
pub mod http;
pub mod picture;
pub mod review;
mod size;
mod state;

pub use db::PhotoRow;
pub use hints::Hints;
pub use size::Size;
pub use state::{PhotoDecision, PhotoReason, PhotoState};

use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    families,
    kernel::{crypto::MasterKey, ids::ChildId},
};
use picture::{PictureError, Portrait};
use serde_json::json;

/// Media type of a kept portrait, whatever was uploaded.
pub const MEDIA_TYPE: &str = "image/jpeg";

impl From<PictureError> for Error {
    fn from(error: PictureError) -> Self {
        match error {
            PictureError::TooLarge => Refusal::BodyTooLarge.into(),
            _ => {
                Self::RefusedBecause(Refusal::PhotoRefused, format!("Cette photo ne peut pas être utilisée : {error}."))
            }
        }
    }
}

/// Refuses who may not see the child, or may only consult its file. Asked before the upload is read.
pub fn require_right_to_change(tx: &mut Tx<'_>, child: ChildId) -> Result<(), Error> {
    let family = families::child(tx, child)?.family_id;
    families::require_full_rights(tx, family)
}

/// Keeps a portrait that `picture::normalise` has drawn, in the place of one that still waits or was refused.
pub fn submit_photo(tx: &mut Tx<'_>, child: ChildId, portrait: &Portrait) -> Result<(), Error> {
    let family = families::child(tx, child)?.family_id;
    families::require_full_rights(tx, family)?;
    tx.take_turns(format_args!("photos {child}"))?;
    db::delete(tx, child, &[PhotoState::Submitted, PhotoState::Refused])?;
    let sealed = seal(tx.key, child, Size::Card, &portrait.jpeg)?;
    let hints = serde_json::to_value(&portrait.hints).map_err(Error::internal)?;
    let id = db::insert(tx, (child, family), &sealed, &hints)?;
    audit::record(tx, "photo_submitted", ("child", child), json!({ "photo_id": id, "bytes": portrait.jpeg.len() }))
}

/// What became of the portraits of a child the caller may see, newest first.
pub fn list_photos(tx: &mut Tx<'_>, child: ChildId) -> Result<Vec<PhotoRow>, Error> {
    families::child(tx, child)?;
    db::of_child(tx, child)
}

/// The family's own portrait, as JPEG: in that state, or the one that waits, or else the accepted one. The view is journalled.
pub fn show_photo(tx: &mut Tx<'_>, child: ChildId, state: Option<PhotoState>) -> Result<Vec<u8>, Error> {
    families::child(tx, child)?;
    let states = state.map_or_else(|| vec![PhotoState::Submitted, PhotoState::Accepted], |state| vec![state]);
    for state in states {
        if let Some(sealed) = db::sealed(tx, child, state, Size::Card)? {
            audit::record(tx, "photo_viewed", ("child", child), json!({ "state": state }))?;
            return open_sealed(tx.key, child, Size::Card, &sealed);
        }
    }
    Err(Refusal::NotFound.into())
}

/// Forgets every portrait of the child, the accepted one included.
pub fn remove_photo(tx: &mut Tx<'_>, child: ChildId) -> Result<(), Error> {
    require_right_to_change(tx, child)?;
    tx.take_turns(format_args!("photos {child}"))?;
    if db::delete(tx, child, PhotoState::ALL)? == 0 {
        return Err(Refusal::NotFound.into());
    }
    audit::record(tx, "photo_removed", ("child", child), json!({}))
}

/// The accepted portrait of a child, as JPEG in the size of its audience, if the caller's transaction may see one. Whoever shows it to anybody
/// but the family writes the view in the journal, in the same transaction.
pub fn accepted(tx: &mut Tx<'_>, child: ChildId, size: Size) -> Result<Option<Vec<u8>>, Error> {
    let sealed = db::sealed(tx, child, PhotoState::Accepted, size)?;
    sealed.map(|sealed| open_sealed(tx.key, child, size, &sealed)).transpose()
}

/// The JPEG behind a sealed portrait, for a device, which the database gives it by the card that was shown.
pub fn open_sealed(key: &MasterKey, child: ChildId, size: Size, sealed: &[u8]) -> Result<Vec<u8>, Error> {
    key.open(size.purpose(), child.uuid().as_bytes(), sealed).map_err(Error::internal)
}

fn seal(key: &MasterKey, child: ChildId, size: Size, jpeg: &[u8]) -> Result<Vec<u8>, Error> {
    key.seal(size.purpose(), child.uuid().as_bytes(), jpeg).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portrait_opens_for_its_child_and_its_audience_only() {
        let (key, child) = (MasterKey::new([7; 32]), ChildId::generate());
        let sealed = seal(&key, child, Size::Till, b"jpeg").unwrap_or_default();
        assert_eq!(open_sealed(&key, child, Size::Till, &sealed).ok().as_deref(), Some(b"jpeg".as_slice()));
        assert!(open_sealed(&key, child, Size::Card, &sealed).is_err());
        assert!(open_sealed(&key, child, Size::Gate, &sealed).is_err());
        assert!(open_sealed(&key, ChildId::generate(), Size::Till, &sealed).is_err());
    }

    #[test]
    fn a_refused_picture_says_why() {
        assert_eq!(Error::from(PictureError::TooLarge).refusal(), Refusal::BodyTooLarge);
        let problem = Error::from(PictureError::NotAPicture).problem();
        assert_eq!(problem.code, "photo.refused");
        assert!(problem.detail.contains("JPEG ou PNG"), "{}", problem.detail);
    }
}

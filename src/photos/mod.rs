//! The portrait of a child: uploaded by the family, shown at the till and at the canteen's gate. No biometric template, ever.
//!
//! What is kept is redrawn and sealed with the department's key, bound to the child: moved to another row it does not open.

mod db;
pub mod http;
pub mod picture;

use crate::{
    audit,
    db::Tx,
    error::{Error, Refusal},
    families,
    kernel::{crypto::MasterKey, ids::ChildId},
};
use picture::PictureError;
use serde_json::json;

/// Media type of a kept portrait, whatever was uploaded.
pub const MEDIA_TYPE: &str = "image/jpeg";
const PURPOSE: &str = "photo";

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

/// Keeps a portrait that `picture::normalise` has drawn, in the place of the former one.
pub fn submit_photo(tx: &mut Tx<'_>, child: ChildId, jpeg: &[u8]) -> Result<(), Error> {
    let family = families::child(tx, child)?.family_id;
    families::require_full_rights(tx, family)?;
    let sealed = tx.key.seal(PURPOSE, child.uuid().as_bytes(), jpeg).map_err(Error::internal)?;
    db::put(tx, child, family, &sealed)?;
    audit::record(tx, "photo_submitted", ("child", child), json!({ "bytes": jpeg.len() }))
}

/// The portrait, as JPEG.
pub fn show_photo(tx: &mut Tx<'_>, child: ChildId) -> Result<Vec<u8>, Error> {
    let sealed = db::sealed(tx, child)?;
    open_sealed(tx.key, child, &sealed)
}

/// Which drawing of a portrait is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 420 × 540 pixels: printed on a card.
    Card,
}

/// The portrait that may be printed, as JPEG, for those who see the child.
pub fn accepted(tx: &mut Tx<'_>, child: ChildId, size: Size) -> Result<Option<Vec<u8>>, Error> {
    let Size::Card = size;
    match show_photo(tx, child) {
        Ok(jpeg) => Ok(Some(jpeg)),
        Err(Error::Refused(Refusal::NotFound)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Forgets the portrait.
pub fn remove_photo(tx: &mut Tx<'_>, child: ChildId) -> Result<(), Error> {
    require_right_to_change(tx, child)?;
    if !db::delete(tx, child)? {
        return Err(Refusal::NotFound.into());
    }
    audit::record(tx, "photo_removed", ("child", child), json!({}))
}

/// The JPEG behind a sealed portrait, for those whom the database gives it by another way than the family's.
pub fn open_sealed(key: &MasterKey, child: ChildId, sealed: &[u8]) -> Result<Vec<u8>, Error> {
    key.open(PURPOSE, child.uuid().as_bytes(), sealed).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portrait_opens_for_its_child_only() {
        let (key, child) = (MasterKey::new([7; 32]), ChildId::generate());
        let sealed = key.seal(PURPOSE, child.uuid().as_bytes(), b"jpeg").unwrap_or_default();
        assert_eq!(open_sealed(&key, child, &sealed).ok().as_deref(), Some(b"jpeg".as_slice()));
        assert!(open_sealed(&key, ChildId::generate(), &sealed).is_err());
    }

    #[test]
    fn a_refused_picture_says_why() {
        assert_eq!(Error::from(PictureError::TooLarge).refusal(), Refusal::BodyTooLarge);
        let problem = Error::from(PictureError::NotAPicture).problem();
        assert_eq!(problem.code, "photo.refused");
        assert!(problem.detail.contains("JPEG ou PNG"), "{}", problem.detail);
    }
}

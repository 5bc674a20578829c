//! Files sealed in an envelope: each under a random key of its own, and that key sealed by the place's master key. A change of the master
//! key seals the small keys again and touches no file.

use super::{MasterKey, Unsealed, random};
use data_encoding::HEXLOWER;

/// Bytes of a key's version: enough to tell the few keys of a place apart.
const VERSION_BYTES: usize = 8;
/// What a file's own key is derived for.
const FILE: &str = "file";

/// A sealed file, and what opens it.
#[derive(Debug, Clone)]
pub struct Envelope {
    pub file_sealed: Vec<u8>,
    /// The file's own key, sealed by the master key of that version.
    pub key_sealed: Vec<u8>,
    pub key_version: String,
}

impl MasterKey {
    /// Names this key among those a place has had; tells nothing of it.
    #[must_use]
    pub fn version(&self) -> String {
        let told = self.derive("key version");
        HEXLOWER.encode(told.get(..VERSION_BYTES).unwrap_or(&told))
    }

    /// Seals a file under a new key. `purpose` and `place` are bound in, as by `seal`.
    pub fn seal_envelope(&self, purpose: &str, place: &[u8], plain: &[u8]) -> Result<Envelope, Unsealed> {
        let own = random::<32>();
        Ok(Envelope {
            file_sealed: Self::new(own).seal(FILE, place, plain)?,
            key_sealed: self.seal(purpose, place, &own)?,
            key_version: self.version(),
        })
    }

    /// Opens what `seal_envelope` made with the same key, purpose and place.
    pub fn open_envelope(&self, purpose: &str, place: &[u8], envelope: &Envelope) -> Result<Vec<u8>, Unsealed> {
        if envelope.key_version != self.version() {
            return Err(Unsealed);
        }
        let own = self.open(purpose, place, &envelope.key_sealed)?;
        Self::new(own.try_into().map_err(|_| Unsealed)?).open(FILE, place, &envelope.file_sealed)
    }

    /// A file's key that a former master key sealed, sealed by this one. The file stays as it is.
    pub fn rewrap(&self, former: &Self, purpose: &str, place: &[u8], key_sealed: &[u8]) -> Result<Vec<u8>, Unsealed> {
        self.seal(purpose, place, &former.open(purpose, place, key_sealed)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_opens_in_its_place_with_the_key_of_its_version() {
        let (key, other) = (MasterKey::new([7; 32]), MasterKey::new([8; 32]));
        let envelope = key.seal_envelope("document", b"1", b"avis de bourse").expect("sealed");
        assert_eq!(key.open_envelope("document", b"1", &envelope).expect("opened"), b"avis de bourse");
        assert!(!envelope.file_sealed.windows(4).any(|window| window == b"avis"));
        assert!(key.open_envelope("document", b"2", &envelope).is_err());
        assert!(key.open_envelope("photo", b"1", &envelope).is_err());
        assert!(other.open_envelope("document", b"1", &envelope).is_err());
        let claimed = Envelope { key_version: other.version(), ..envelope.clone() };
        assert!(key.open_envelope("document", b"1", &claimed).is_err(), "the version is checked");
        assert!(other.open_envelope("document", b"1", &claimed).is_err(), "and it opens nothing by itself");
        let again = key.seal_envelope("document", b"1", b"avis de bourse").expect("sealed");
        assert!(again.file_sealed != envelope.file_sealed && again.key_sealed != envelope.key_sealed);
        assert_eq!((key.version(), key.version().len()), (again.key_version, 16));
    }

    #[test]
    fn a_new_master_key_takes_over_without_the_file_being_touched() {
        let (former, present) = (MasterKey::new([7; 32]), MasterKey::new([8; 32]));
        let before = former.seal_envelope("document", b"1", b"avis").expect("sealed");
        let key_sealed = present.rewrap(&former, "document", b"1", &before.key_sealed).expect("rewrapped");
        let after = Envelope { key_sealed, key_version: present.version(), file_sealed: before.file_sealed };
        assert_eq!(present.open_envelope("document", b"1", &after).expect("opened"), b"avis");
        assert!(former.open_envelope("document", b"1", &after).is_err());
        assert!(present.rewrap(&present, "document", b"1", &before.key_sealed).is_err());
    }
}

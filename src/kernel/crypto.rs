//! The few cryptographic verbs of the service, each over one well-kept library.

mod envelope;

pub use envelope::Envelope;

use crate::kernel::text::Sensitive;
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    constant_time, digest, hmac, rand,
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use data_encoding::BASE64URL_NOPAD;

/// A 32-byte secret of the configuration: a directory's or a department's. What it protects is derived from it by purpose.
#[derive(Clone)]
pub struct MasterKey(Sensitive<[u8; 32]>);

/// Why a sealed value did not open: another key, another place, or tampering.
#[derive(Debug, thiserror::Error)]
#[error("sealed value does not open")]
pub struct Unsealed;

impl MasterKey {
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(Sensitive::new(bytes))
    }

    /// Reads 32 bytes written as base64url without padding.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok().and_then(|b| <[u8; 32]>::try_from(b).ok());
        bytes.map(Self::new).ok_or_else(|| "a key is 32 bytes in base64url, 43 characters".to_owned())
    }

    #[must_use]
    pub fn is(&self, bytes: &[u8; 32]) -> bool {
        constant_time::verify_slices_are_equal(self.0.expose(), bytes).is_ok()
    }

    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.is(other.0.expose())
    }

    /// A keyed fingerprint for look-ups: the same input gives the same 32 bytes, and nobody without the key can test a guess.
    #[must_use]
    pub fn fingerprint(&self, purpose: &str, data: &[u8]) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.derive(purpose)), data).as_ref().to_vec()
    }

    /// Encrypts for storage. `purpose` and `place` (the row it belongs to) are bound in: a value moved elsewhere does not open.
    pub fn seal(&self, purpose: &str, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, Unsealed> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, &self.derive(purpose)).map_err(|_| Unsealed)?;
        let mut data = plain.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(place), &mut data).map_err(|_| Unsealed)?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut data);
        Ok(sealed)
    }

    /// Opens what `seal` made with the same key, purpose and place.
    pub fn open(&self, purpose: &str, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unsealed> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, &self.derive(purpose)).map_err(|_| Unsealed)?;
        let (nonce, data) = sealed.split_at_checked(NONCE_LEN).ok_or(Unsealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unsealed)?;
        let mut data = data.to_vec();
        let plain = key.open_in_place(nonce, Aad::from(place), &mut data).map_err(|_| Unsealed)?;
        Ok(plain.to_vec())
    }

    fn derive(&self, purpose: &str) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose());
        let tag = hmac::sign(&key, purpose.as_bytes());
        let mut derived = [0; 32];
        derived.copy_from_slice(tag.as_ref());
        derived
    }
}

/// `N` bytes from the system's generator. It fails only where the system has none, and then nothing here is safe.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "without randomness no secret may be made: stop")]
    rand::fill(&mut bytes).expect("the system has a random generator");
    bytes
}

/// A one-time secret for a link or a header: 256 random bits as 43 characters.
#[must_use]
pub fn random_token() -> String {
    BASE64URL_NOPAD.encode(&random::<32>())
}

/// SHA-256; for secrets with enough randomness of their own, and for bodies.
#[must_use]
pub fn sha256(data: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, data).as_ref().to_vec()
}

/// An Ed25519 pair kept as its PKCS#8 document.
pub struct SigningPair(Ed25519KeyPair, Sensitive<Vec<u8>>);

impl SigningPair {
    pub fn generate() -> Result<Self, Unsealed> {
        let document = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).map_err(|_| Unsealed)?;
        Self::from_pkcs8(document.as_ref())
    }
    pub fn from_pkcs8(document: &[u8]) -> Result<Self, Unsealed> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(document).map_err(|_| Unsealed)?;
        Ok(Self(pair, Sensitive::new(document.to_vec())))
    }
    #[must_use]
    pub fn pkcs8(&self) -> &[u8] {
        self.1.expose()
    }
    /// The 32 bytes of the public key.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        self.0.public_key().as_ref().to_vec()
    }
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }
}

/// Whether `signature` is of `message` by the owner of the 32-byte `public` key.
#[must_use]
pub fn verify(public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public).verify(message, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_in_its_place() {
        let key = MasterKey::new([7; 32]);
        let sealed = key.seal("totp", b"row-1", b"secret").unwrap_or_default();
        assert_eq!(key.open("totp", b"row-1", &sealed).ok().as_deref(), Some(b"secret".as_slice()));
        assert!(key.open("totp", b"row-2", &sealed).is_err());
        assert!(key.open("card", b"row-1", &sealed).is_err());
        assert!(MasterKey::new([8; 32]).open("totp", b"row-1", &sealed).is_err());
        assert!(key.open("totp", b"row-1", &[]).is_err());
    }

    #[test]
    fn a_signature_is_bound_to_its_message() {
        let pair = SigningPair::generate().ok();
        let signed = pair.map(|p| (p.public(), p.sign(b"debit")));
        assert!(signed.as_ref().is_some_and(|(public, s)| verify(public, b"debit", s)));
        assert!(signed.is_some_and(|(public, s)| !verify(&public, b"refund", &s)));
    }
}
